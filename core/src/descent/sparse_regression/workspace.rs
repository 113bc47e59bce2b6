//! Memory of a run.

use super::problem::Problem;
use super::working_set::{INDICES, REALS, WorkingSet};
use crate::carve::carve;
use crate::linear::Design;
use crate::{Error, Real};

/// Vectors over the samples and over the columns.
const OVER_SAMPLES: usize = 6;
const OVER_COLUMNS: usize = 5;

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    pub(super) samples: Samples<'w, T>,
    pub(super) features: Features<'w, T>,
    pub(super) set: WorkingSet<'w, T>,
    /// Candidates for the working set, and their priorities.
    pub(super) picks: &'w mut [u32],
    pub(super) ranks: &'w mut [T],
    pub(super) spare: &'w mut [u32],
}

/// Vectors over the samples.
#[derive(Debug)]
pub(super) struct Samples<'w, T> {
    /// The negative gradient of the loss with respect to the fit: y − z of least squares.
    pub(super) rho: &'w mut [T],
    /// The same at the look before.
    pub(super) old_rho: &'w mut [T],
    /// z = A w of a logistic loss
    pub(super) fit: &'w mut [T],
    /// Second derivatives of a logistic loss.
    pub(super) curvature: &'w mut [T],
    /// e^(−|y z|), then the logarithms of a logistic loss.
    pub(super) powers: &'w mut [T],
    pub(super) scratch: &'w mut [T],
    /// The constant in the fit of a logistic loss.
    pub(super) level: T,
}

/// Vectors over the columns.
#[derive(Debug)]
pub(super) struct Features<'w, T> {
    /// a_jᵀ ρ − ridge·w_j where it was looked at, else a number that its size does not exceed.
    pub(super) slope: &'w mut [T],
    /// √(‖a_j‖² + ridge), or a little more
    pub(super) norm: &'w mut [T],
    pub(super) mean: &'w mut [T],
    /// 1/λ_b of a column or a group
    pub(super) inverse: &'w mut [T],
    pub(super) priority: &'w mut [T],
    /// The least norm, and the largest λ_b.
    pub(super) shortest: T,
    pub(super) heaviest: T,
    /// The slot of a column, or why it has none.
    pub(super) place: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n samples, p columns and a working set of at most `capacity` columns:
    /// 6 n + 5 p + 2 capacity² + 9 capacity.
    #[must_use]
    pub const fn required_len(samples: usize, columns: usize, capacity: usize) -> usize {
        let squares = capacity.saturating_mul(capacity).saturating_mul(2);
        samples
            .saturating_mul(OVER_SAMPLES)
            .saturating_add(columns.saturating_mul(OVER_COLUMNS))
            .saturating_add(capacity.saturating_mul(REALS + 1))
            .saturating_add(squares)
    }

    /// Indices needed: p + 7 capacity.
    #[must_use]
    pub const fn required_indices(columns: usize, capacity: usize) -> usize {
        columns.saturating_add(capacity.saturating_mul(INDICES + 2))
    }

    /// Carves the workspace of a problem, with a working set of at most `capacity` columns. Twice the non-zeros of
    /// the solution are enough, and more than p or 2 n never help; with less, down to none,
    /// the run goes on by sweeps over all columns, slowly.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a slice is too short (that of the indices counts indices).
    pub fn new<A: Design<T>>(
        problem: &Problem<'_, T, A>,
        capacity: usize,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, p, c) = (problem.design.rows(), problem.design.columns(), capacity);
        let needed = Self::required_len(n, p, c);
        if storage.len() < needed {
            return Err(Error::Workspace { needed, given: storage.len() });
        }
        let [place, columns, filled, support, rank, head, picks, spare] =
            carve(indices, [p, c, c, c, c, c, c, c])?;
        let square = c.saturating_mul(c);
        let [samples, features, slots, ranks, gram, factor] = carve(
            storage,
            [
                n.saturating_mul(OVER_SAMPLES),
                p.saturating_mul(OVER_COLUMNS),
                c.saturating_mul(REALS),
                c,
                square,
                square,
            ],
        )?;
        let [rho, old_rho, fit, curvature, powers, scratch] = carve(samples, [n; OVER_SAMPLES])?;
        let [slope, norm, mean, inverse, priority] = carve(features, [p; OVER_COLUMNS])?;
        Ok(Self {
            samples: Samples { rho, old_rho, fit, curvature, powers, scratch, level: T::ZERO },
            features: Features {
                slope,
                norm,
                mean,
                inverse,
                priority,
                shortest: T::ZERO,
                heaviest: T::INFINITY,
                place,
            },
            set: WorkingSet::new(
                c,
                [columns, filled, support, rank, head],
                carve(slots, [c; REALS])?,
                [gram, factor],
            ),
            picks,
            ranks,
            spare,
        })
    }

    /// Whether it was carved for such a problem.
    pub(super) fn check<A: Design<T>>(&self, problem: &Problem<'_, T, A>) -> Result<(), Error> {
        let (n, p) = (problem.design.rows(), problem.design.columns());
        let (given_n, given_p) = (self.samples.rho.len(), self.features.slope.len());
        if (n, p) == (given_n, given_p) {
            return Ok(());
        }
        let needed = Self::required_len(n, p, self.set.capacity);
        Err(Error::Workspace { needed, given: Self::required_len(given_n, given_p, self.set.capacity) })
    }
}
