//! Transport of a marginal to itself by averaged Sinkhorn updates: OT(a, a) with symmetric costs.
//!
//! ```text
//! P_ij = e^((f_i + f_j − C_ij)/ε)                                  one potential for both sides
//! f*_i = ε (ln a_i − ln Σ_j e^((f_j − C_ij)/ε)),   f ← ½ (f + f*)
//! ```
//! The plain update f ← f* swings between two potentials; half of it stops that, and converges in 20 to 30 steps
//! where alternating f and g needs hundreds (digits, ε = 1/50 and 1/200).
//!
//! *Step*: one reading of C, an exponential an entry. *Residual*: 2 ‖P 1 − a‖₁, rows and columns alike, of the
//! potential that is there, free: the reading for the next step says it. *Scale*: the mass Σ a. *Start*: one reading,
//! from the f that is handed in. *Memory*: n + m of costs' scratch, and n.
//!
//! The costs must be symmetric, which is not checked but for their shape. *Fails* never; ends as
//! [`Status::Stalled`] where the residual is rounding error.
//!
//! *Source*: Knight, Ruiz & Uçar 2014 (symmetric scaling by square roots, which this is in the log domain);
//! Feydy et al. 2019 (for divergences).

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use super::cost::Cost;
use super::problem::Problem;
use super::reading::{total, weighted};
pub use super::sinkhorn::Options;
use super::stall::Floor;
use crate::carve::carve;
use crate::linear::check_len;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// f*, the rows' exact potential.
    exact: &'w mut [T],
    /// Columns' sums, which are not needed: a reading wants them.
    sums: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows of costs with this [`Cost::scratch_len`].
    #[must_use]
    pub const fn required_len(rows: usize, scratch: usize) -> usize {
        rows.saturating_mul(2).saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let lengths = [problem.rows(), problem.columns(), problem.cost.scratch_len()];
        let [exact, sums, scratch] = carve(storage, lengths)?;
        Ok(Self { exact, sums, scratch })
    }
}

/// A symmetric run in progress.
#[derive(Debug)]
pub struct Symmetric<'a, T, C> {
    problem: Problem<'a, T, C>,
    f: &'a mut [T],
    work: Workspace<'a, T>,
    error: T,
    mass: T,
    floor: Floor<T>,
    steps: u32,
    asked: u32,
}

/// Refuses what [`start`] refuses, and touches nothing.
pub(super) fn check<T: Real, C: Cost<T>>(problem: &Problem<'_, T, C>, f: &[T]) -> Result<(), Error> {
    check_len("b", problem.columns(), problem.rows())?;
    if problem.a != problem.b {
        return Err(Error::Mass { argument: "b", requirement: "must be that of `a`, line by line" });
    }
    check_len("f", f.len(), problem.rows())?;
    match f.iter().zip(problem.a).position(|(f, &a)| a > T::ZERO && !f.is_finite()) {
        Some(index) => Err(Error::Value { argument: "f", index }),
        None => Ok(()),
    }
}

/// Begins a run from the f that is handed in; zeros are a cold start.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] for costs that are not square, [`Error::Mass`] if b is
/// not a; [`Error::Dimension`] or [`Error::Value`] for f; [`Error::Workspace`] if the workspace was carved for
/// another problem. f is untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    f: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Symmetric<'a, T, C>, Error> {
    options.stop.check()?;
    check(problem, f)?;
    let (n, scratch) = (problem.rows(), problem.cost.scratch_len());
    if work.exact.len() != n || work.sums.len() != n || work.scratch.len() != scratch {
        let given = work.exact.len().saturating_add(work.sums.len()).saturating_add(work.scratch.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, scratch), given });
    }
    for (f, &a) in f.iter_mut().zip(problem.a) {
        if a == T::ZERO {
            *f = -T::INFINITY;
        }
    }
    let floor = Floor::new(problem);
    let mut run =
        Symmetric { problem: *problem, f, work, error: T::ZERO, mass: T::ZERO, floor, steps: 0, asked: 0 };
    run.read();
    // A start that is off by a constant may overflow; half a step takes the constant away.
    if !run.error.is_finite() {
        run.move_by(T::HALF);
        run.read();
    }
    Ok(run)
}

/// Solves from the f that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    f: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, f, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

impl<T: Real, C: Cost<T>> Symmetric<'_, T, C> {
    /// Reads the costs: the rows' error and mass as they are, and where they would be exact.
    fn read(&mut self) {
        let Workspace { exact, sums, scratch } = &mut self.work;
        let (a, f, epsilon) = (self.problem.a, &*self.f, self.problem.epsilon);
        let (mut error, mut mass) = (T::ZERO, T::ZERO);
        let mut weigh = |i: usize, m: T, sum: T| {
            let (Some(&a), Some(&f), Some(exact)) = (a.get(i), f.get(i), exact.get_mut(i)) else {
                return T::ZERO;
            };
            *exact = f;
            if a > T::ZERO {
                let delta = ln_scalar(a / sum) - m - f / epsilon;
                if !delta.is_finite() {
                    // Beyond what the type can express: the potential stays, and the run ends.
                    error = T::INFINITY;
                    return T::ZERO;
                }
                let row = a * exp_scalar(-delta);
                error += (row - a).abs();
                mass += row;
                *exact = f + epsilon * delta;
            }
            // Columns mirror the rows, so no row needs to be added up.
            T::ZERO
        };
        self.problem.cost.pass(epsilon, self.f, &mut weigh, sums, scratch);
        (self.error, self.mass) = (T::TWO * error, if error.is_finite() { mass } else { T::INFINITY });
    }

    /// f ← f + w (f* − f)
    fn move_by(&mut self, w: T) {
        for ((f, &exact), &a) in self.f.iter_mut().zip(&*self.work.exact).zip(self.problem.a) {
            if a > T::ZERO {
                *f += w * (exact - *f);
            }
        }
    }

    /// The potential f.
    #[must_use]
    pub fn potential(&self) -> &[T] {
        self.f
    }

    /// Σ P; ∞ if a row's mass overflows or vanishes.
    #[must_use]
    pub fn mass(&self) -> T {
        self.mass
    }

    /// 2 ⟨a, f⟩ − ε Σ P, the dual value; −∞ if the mass overflows.
    #[must_use]
    pub fn value(&self) -> T {
        if !self.mass.is_finite() {
            return -T::INFINITY;
        }
        T::TWO * weighted(self.problem.a, self.f) - self.problem.epsilon * self.mass
    }
}

impl<T: Real, C: Cost<T>> Run for Symmetric<'_, T, C> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        self.move_by(T::HALF);
        self.read();
    }

    fn residual(&mut self) -> T {
        if self.steps != self.asked {
            self.asked = self.steps;
            self.floor.look(self.error);
        }
        self.error
    }

    fn parameter(&self) -> T {
        T::HALF
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.floor.stalled().then_some(Status::Stalled)
    }
}

/// Σ a (p − q) over the lines that have mass.
pub(super) fn difference<T: Real>(weights: &[T], p: &[T], q: &[T]) -> T {
    let lines = weights.iter().zip(p).zip(q).filter(|((w, _), _)| **w > T::ZERO);
    total(lines.map(|((&w, &p), &q)| w * (p - q)))
}
