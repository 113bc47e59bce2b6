//! Successive over-relaxation: SOR and its symmetric form SSOR.
//!
//! ```text
//! x_i ← x_i + ω (b_i − Σ_j a_ij x_j) / a_ii      for every i in turn, with the newest x
//! ```
//! *Step*: one sweep, or for [`Sweep::Symmetric`] one forward and one backward. Cost: one pass over
//! the matrix a sweep, and x once (24 bytes a cell for a constant stencil in `f64`, 88 for five-point
//! CSR).
//! *Residual*: ‖b − A x‖₂ of the current x, recomputed at every look. Cost: one pass over the matrix;
//! space the looks by `stop.check_every`. On constant stencils, with an observer that does not want
//! every step (`()`), 4 to 8 and more also make the sweeps between two looks share passes over memory:
//! up to eight go through the cache together.
//! *Memory*: [`Workspace::required_len`]: a copy of x, and what the order needs ([`Relax::scratch_len`]).
//! *Fails* where the iteration matrix has radius ≥ 1: take a symmetric positive definite or diagonally
//! dominant matrix, or a smaller omega. After [`Status::NotFinite`] x holds the last iterate that was
//! seen before its residual grew. A residual that rounding keeps from falling ends the run as
//! [`Status::Stalled`].
//! *Source*: Young 1950; Varga 1962, ch. 3–4.

use super::omega;
use super::problem::{Problem, Reference, hidden_norm};
use super::relax::Relax;
use crate::copy::CopyFrom;
use crate::omega::OmegaRule;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// Directions of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Sweep {
    /// In the order of the view.
    #[default]
    Forward,
    /// In the opposite order.
    Backward,
    /// Forward, then backward: SSOR.
    Symmetric,
}

/// How the system is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Directions of a step. Default [`Sweep::Forward`].
    pub sweep: Sweep,
    /// What the relative tolerance refers to. Default ‖b‖.
    pub reference: Reference,
    /// When the run ends.
    pub stop: Stop<T>,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { sweep: Sweep::Forward, reference: Reference::default(), stop: Stop::default() }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    scratch: &'w mut [T],
    kept: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for `order` unknowns and a view with this [`Relax::scratch_len`] (0 for a
    /// constant stencil, `order` for sparse and dense matrices).
    #[must_use]
    pub const fn required_len(order: usize, scratch: usize) -> usize {
        order.saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<A: Relax<T>>(problem: &Problem<'_, T, A>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (len, order, given) = (problem.matrix.scratch_len(), problem.order(), storage.len());
        let short = Error::Workspace { needed: Self::required_len(order, len), given };
        let (scratch, rest) = storage.split_at_mut_checked(len).ok_or(short)?;
        let kept = rest.get_mut(..order).ok_or(short)?;
        Ok(Self { scratch, kept })
    }
}

/// A run of SOR in progress.
#[derive(Debug)]
pub struct Sor<'a, T, A, R: ?Sized> {
    matrix: &'a A,
    rhs: &'a [T],
    x: &'a mut [T],
    scratch: &'a mut [T],
    kept: &'a mut [T],
    kept_residual: T,
    rule: &'a mut R,
    sweep: Sweep,
    omega: T,
    scale: T,
    steps: u32,
    last_residual: T,
    /// Whether that is the residual of x: nothing has changed since.
    known: bool,
    least_residual: T,
    /// Looks since the least residual.
    idle: u8,
    failure: Option<Status>,
}

/// Looks without a new least residual after which a run may have reached the precision of its type.
const IDLE_LOOKS: u8 = 20;
/// What rounding may leave of a residual, in units of ε·(|b| + |A| |x|).
const ROUNDING: u32 = 8;

/// Begins a run from the x that is handed in (a warm start, or zeros).
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Option`] for tolerances and for an omega
/// outside (0, 2); [`Error::Workspace`] if the workspace was carved for another problem;
/// [`Error::Diagonal`] for a singular block. x is untouched then.
pub fn start<'a, T: Real, A: Relax<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    rule: &'a mut R,
    x: &'a mut [T],
    mut workspace: Workspace<'a, T>,
) -> Result<Sor<'a, T, A, R>, Error> {
    let (omega, initial) = begin(problem, options, rule, x, &mut workspace)?;
    Ok(Sor::new(problem, options, rule, x, workspace, (omega, initial)))
}

/// Refuses what no run can begin with, and prepares the rest; the omega of a run, and its first residual.
// Apart, so that a part's stack holds a run once, and nothing of what refuses it.
fn begin<T: Real, A: Relax<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    rule: &mut R,
    x: &mut [T],
    workspace: &mut Workspace<'_, T>,
) -> Result<(T, T), Error> {
    options.stop.check()?;
    problem.check_start(x)?;
    let Workspace { scratch, kept } = workspace;
    let (order, len) = (problem.order(), problem.matrix.scratch_len());
    if scratch.len() != len || kept.len() != order {
        let given = scratch.len().wrapping_add(kept.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(order, len), given });
    }
    problem.matrix.prepare(scratch)?;
    let trivial = problem.is_trivial(options.reference);
    let initial = if trivial { T::ZERO } else { problem.matrix.residual_square(problem.rhs, x).sqrt() };
    let omega = omega::begin(rule, problem.matrix, problem.rhs_norm, initial)?;
    if trivial {
        x.fill(T::ZERO);
    }
    kept.copy_from(x);
    Ok((omega, initial))
}

/// Solves from the x that is handed in, and tells the rule how it went.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Relax<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    rule: &mut R,
    x: &mut [T],
    mut workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let begun = begin(problem, options, rule, x, &mut workspace)?;
    let mut run = Sor::new(problem, options, &mut *rule, x, workspace, begun);
    let report = drive(&mut run, &options.stop, observer);
    rule.end(&report);
    Ok(report)
}

impl<T: Real, A: Relax<T>, R: OmegaRule<T> + ?Sized> Run for Sor<'_, T, A, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps(1);
    }

    fn steps(&mut self, count: u32) -> u32 {
        if self.failure.is_some() || count == 0 {
            return 0;
        }
        // Sweeps in one direction are taken together; where the two alternate there is nothing to take together.
        let (directions, rounds, together): (&[bool], u32, u32) = match self.sweep {
            Sweep::Forward => (&[false], 1, count),
            Sweep::Backward => (&[true], 1, count),
            Sweep::Symmetric => (&[false, true], count, 1),
        };
        for _ in 0..rounds {
            for &reversed in directions {
                self.sweeps(reversed, together);
            }
        }
        self.steps = self.steps.saturating_add(count);
        self.known = false;
        count
    }

    fn residual(&mut self) -> T {
        if self.known {
            return self.last_residual;
        }
        let residual = self.matrix.residual_square(self.rhs, self.x).sqrt();
        // The first growth after a better iterate than the kept one: keep it, should things go wrong.
        if residual > self.last_residual && residual < self.kept_residual {
            self.kept.copy_from(self.x);
            self.kept_residual = residual;
        }
        if residual < self.least_residual {
            (self.least_residual, self.idle) = (residual, 0);
        } else {
            self.idle = self.idle.wrapping_add(1);
        }
        if self.idle >= IDLE_LOOKS {
            self.idle = 0;
            self.failure = self.stalls(residual).then_some(Status::Stalled);
        }
        (self.last_residual, self.known) = (residual, true);
        if let Some(omega) = omega::revise(self.rule, self.steps, residual, self.omega) {
            self.omega = omega;
        }
        residual
    }

    fn parameter(&self) -> T {
        self.omega
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, tolerance: T) -> Option<T> {
        // Computed from scratch already, unless it is too small to be seen.
        if self.known { hidden_norm(self.last_residual, self.x.len(), tolerance, self.scale) } else { None }
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }

    fn settle(&mut self, status: Status) -> Option<T> {
        if status != Status::NotFinite {
            return None;
        }
        self.x.copy_from(self.kept);
        (self.last_residual, self.known) = (self.kept_residual, true);
        Some(self.kept_residual)
    }
}

impl<'a, T: Real, A: Relax<T>, R: ?Sized> Sor<'a, T, A, R> {
    #[inline(always)]
    fn new(
        problem: &Problem<'a, T, A>,
        options: &Options<T>,
        rule: &'a mut R,
        x: &'a mut [T],
        Workspace { scratch, kept }: Workspace<'a, T>,
        (omega, initial): (T, T),
    ) -> Self {
        Self {
            matrix: problem.matrix,
            rhs: problem.rhs,
            x,
            scratch,
            kept,
            kept_residual: initial,
            rule,
            sweep: options.sweep,
            omega,
            scale: problem.scale(options.reference, initial),
            steps: 0,
            last_residual: initial,
            known: true,
            least_residual: initial,
            idle: 0,
            failure: None,
        }
    }

    /// Sweeps in one direction. Omega changes at looks alone.
    #[cfg_attr(target_os = "none", inline(never))]
    fn sweeps(&mut self, reversed: bool, count: u32) {
        self.matrix.sweeps(reversed, self.omega, self.scratch, self.rhs, self.x, count);
    }

    /// Whether a residual that has not fallen for long is no more than rounding can make.
    // Apart, so that a part's stack holds nothing of it while residuals are evaluated.
    #[cfg_attr(target_os = "none", inline(never))]
    fn stalls(&self, residual: T) -> bool {
        // A bound that overflows bounds nothing.
        let rounding = self.rounding();
        residual <= rounding && rounding <= T::MAX
    }

    /// The part of a residual that rounding alone can make: ε·‖|b| + |A| ‖x‖∞‖₂ with a small factor.
    fn rounding(&self) -> T {
        let larger = |largest: T, size: T| if size > largest { size } else { largest };
        let largest = self.x.iter().fold(T::ZERO, |largest, x| larger(largest, x.abs()));
        let square = self.rhs.iter().enumerate().fold(T::ZERO, |sum, (row, b)| {
            let weight = self.matrix.diagonal(row).unwrap_or(T::ZERO).abs() + self.matrix.off_diagonal(row);
            let size = b.abs() + weight * largest;
            sum + size * size
        });
        T::from_u32(ROUNDING) * T::EPSILON * square.sqrt()
    }

    /// The omega in use.
    #[must_use]
    pub fn omega(&self) -> T {
        self.omega
    }

    /// The current iterate.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }
}
