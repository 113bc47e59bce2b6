//! Memory of a run.

use super::select::BINS;
use super::system::Vectors;
use crate::carve::carve;
use crate::transport::cost::Cost;
use crate::transport::problem::Problem;
use crate::{Error, Real};

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    pub(super) iterate: Iterate<'w, T>,
    pub(super) reals: [&'w mut [T]; 3],
    pub(super) indices: [&'w mut [u32]; 5],
    pub(super) vectors: Vectors<'w, T>,
    pub(super) entries: usize,
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`] (m where they are
    /// stored, 2 m where they are made on the fly, 4 m of points in the plane), and a budget of `entries`: entries + 6 n +
    /// 12 m + scratch + 512.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize, entries: usize) -> usize {
        // The bins of the histogram, the peaks, 1/r and five vectors of conjugate gradients.
        let system = rows.saturating_add(columns.saturating_mul(6)).saturating_add(BINS);
        Self::capacity(rows, columns, entries)
            .saturating_add(system)
            .saturating_add(Iterate::<T>::required_len(rows, columns, scratch))
    }

    /// Indices needed: entries + 3 n + 2 m + 513.
    #[must_use]
    pub const fn required_indices(rows: usize, columns: usize, entries: usize) -> usize {
        let lines = rows.saturating_mul(2).saturating_add(columns).saturating_add(1);
        Self::capacity(rows, columns, entries).saturating_add(lines).saturating_add(BINS)
    }

    /// Entries that a system may have: the budget, and the largest of every row and column.
    const fn capacity(rows: usize, columns: usize, entries: usize) -> usize {
        entries.saturating_add(rows).saturating_add(columns)
    }

    /// Carves the workspace of a problem whose linear systems may have `entries` entries, besides the
    /// largest of every row and column. 16 to 32 a row are enough for couplings that are nearly sparse;
    /// with fewer than the dropped mass asks for, Newton steps converge linearly, and slowly.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a storage is too short (that of the indices counts indices);
    /// [`Error::TooLarge`] for more entries than `u32` counts.
    pub fn new<C: Cost<T>>(
        problem: &Problem<'_, T, C>,
        entries: usize,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let capacity = Self::capacity(n, m, entries);
        if u32::try_from(capacity).is_err() {
            return Err(Error::TooLarge { argument: "entries" });
        }
        let needed = Self::required_len(n, m, problem.cost.scratch_len(), entries);
        if storage.len() < needed {
            return Err(Error::Workspace { needed, given: storage.len() });
        }
        let [values, mass, peaks, inverse_rows, diagonal, inverse, residual, direction, product, rest] =
            carve(
                storage,
                [
                    capacity,
                    BINS,
                    m,
                    n,
                    m,
                    m,
                    m,
                    m,
                    m,
                    Iterate::<T>::required_len(n, m, problem.cost.scratch_len()),
                ],
            )?;
        Ok(Self {
            iterate: Iterate::new(problem, rest)?,
            reals: [values, mass, peaks],
            indices: carve(indices, [capacity, n.saturating_add(1), BINS, m, n])?,
            vectors: Vectors { inverse_rows, diagonal, inverse, residual, direction, product },
            entries,
        })
    }
}

/// Where a run is and where it looks.
#[derive(Debug)]
pub(super) struct Iterate<'w, T> {
    /// P 1 and Pᵀ 1 of the potentials, and of the trial.
    pub(super) rows: &'w mut [T],
    pub(super) columns: &'w mut [T],
    pub(super) trial_f: &'w mut [T],
    pub(super) trial_g: &'w mut [T],
    pub(super) trial_rows: &'w mut [T],
    pub(super) trial_columns: &'w mut [T],
    pub(super) d_f: &'w mut [T],
    pub(super) d_g: &'w mut [T],
    pub(super) p: &'w mut [T],
    pub(super) scratch: &'w mut [T],
}

impl<'w, T: Real> Iterate<'w, T> {
    /// f, r, r', d; g, c, c', d and a row of P; scratch.
    pub(super) const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        let scratch = if scratch > columns { scratch } else { columns };
        rows.saturating_mul(4).saturating_add(columns.saturating_mul(5)).saturating_add(scratch)
    }

    pub(super) fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let scratch = problem.cost.scratch_len().max(m);
        let [rows, trial_f, trial_rows, d_f, columns, trial_g, trial_columns, d_g, p, scratch] =
            carve(storage, [n, n, n, n, m, m, m, m, m, scratch])?;
        Ok(Self { rows, columns, trial_f, trial_g, trial_rows, trial_columns, d_f, d_g, p, scratch })
    }

    /// Whether it was carved for such a problem.
    pub(super) fn check<C: Cost<T>>(&self, problem: &Problem<'_, T, C>) -> Result<(), Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let scratch = problem.cost.scratch_len().max(m);
        if self.rows.len() == n && self.columns.len() == m && self.scratch.len() == scratch {
            return Ok(());
        }
        let given = Self::required_len(self.rows.len(), self.columns.len(), self.scratch.len());
        Err(Error::Workspace { needed: Self::required_len(n, m, scratch), given })
    }
}
