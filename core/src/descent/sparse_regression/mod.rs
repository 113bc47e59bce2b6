//! Sparse regression.

mod coordinate;
mod face;
mod group;
mod logistic;
mod look;
mod path;
mod problem;
mod run;
mod sweeps;
mod working_set;
mod workspace;

pub use path::path;
pub use problem::{Loss, Penalty, Problem};
pub use run::{SparseRegression, start};
pub use workspace::Workspace;

use crate::linear::Design;
use crate::{Error, Observer, Real, Report, Stop, drive};

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options<T> {
    /// Tolerances of the duality gap, relative to P(0), and a limit for the steps. Default: relative 1e-6 in
    /// `f64`, 1e-5 in `f32`; 1000 steps.
    pub stop: Stop<T>,
    /// Columns (or groups) that the working set begins with, and by how many it grows at least; positive. It
    /// grows by as many as there are non-zeros, if those are more. Default 32.
    pub growth: u32,
    /// Whether gap-safe screening takes columns out of consideration. Default: yes.
    pub screening: bool,
    /// Greedy steps on one working set, at most; positive. Default 100 000.
    pub max_updates: u32,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-6 };
        let stop = Stop { max_steps: 1000, ..Stop::relative(T::from_f64(relative)) };
        Self { stop, growth: 32, screening: true, max_updates: 100_000 }
    }
}

impl<T: Real> Options<T> {
    fn check(&self) -> Result<(), Error> {
        self.stop.check()?;
        if self.growth == 0 {
            return Err(Error::Option { name: "growth", requirement: "must be positive" });
        }
        if self.max_updates == 0 {
            return Err(Error::Option { name: "max_updates", requirement: "must be positive" });
        }
        Ok(())
    }
}

/// Which test ended a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// The duality gap met its threshold.
    Gap,
    /// The step limit came first.
    Limit,
    /// The observer asked to stop.
    Observer,
    /// Nothing could be improved any more, or numbers were lost.
    Precision,
}

/// How a run ended, what it found and what that took.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome<T> {
    /// How it ended; the residual is the gap, the scale P(0).
    pub report: Report<T>,
    /// Which test ended it.
    pub ended: Ending,
    /// P(w) − D of a feasible dual point: P(w) is at most so much above the least.
    pub gap: T,
    /// What the gap was compared with.
    pub threshold: T,
    /// P(w)
    pub primal: T,
    /// The value of the dual point, a lower bound of every P.
    pub dual: T,
    /// The constant of the fit, if the problem has one; else 0.
    pub intercept: T,
    /// Elements of w that are not 0.
    pub nonzeros: usize,
    /// Columns in the working set at the end.
    pub working_set: usize,
    /// Columns that screening has shown to be zero in every solution.
    pub screened: u32,
    /// Products with a column of the matrix.
    pub column_visits: u64,
    /// Coordinates (or groups) that were moved by themselves.
    pub updates: u64,
    /// Minimisations over the whole support.
    pub second_order_steps: u64,
    /// Sweeps over all columns, where the working set was too small.
    pub sweeps: u32,
}

/// Solves from the w that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Design<T>>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    let report = drive(&mut run, &options.stop, observer);
    Ok(run.outcome(report))
}
