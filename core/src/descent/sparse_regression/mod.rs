//! Sparse regression: the lasso and its relatives, to a duality gap.
//!
//! ```text
//! min_w P(w) = loss(A w; y) + Σ_b λ_b ‖w_b‖ (+ ½ ridge ‖w‖²)      loss: ½ ‖y − z‖² or Σ log(1 + e^(−y_i z_i))
//! ρ = −loss'(A w),  c = Aᵀ ρ − ridge·w,  u = min(1, min_b λ_b/‖c_b‖):   u ρ is feasible for the dual D
//! gap = P − D = loss(z) + loss*(−u ρ) + u ρᵀ z + ½ (1 − u)² ridge ‖w‖² + Σ_b (λ_b ‖w_b‖ − u w_bᵀ c_b)
//! ```
//! P(w) is at most the gap above the least P. Its parts are not negative, so it keeps its digits as it vanishes.
//! Blocks are single columns (lasso, elastic net, w ≥ 0) or groups of them; [`Problem::averaged`] has the
//! loss divided by n, as scikit-learn, celer and skglm have it.
//!
//! A run keeps a *working set* of columns in the caller's memory, with as much of their Gram matrix as is needed.
//! *Step*: the columns outside whose c exceeds their λ enter the set, those that exceed it most first, at most as
//! many as there are non-zeros (or [`Options::growth`]); P is minimised over the set; then one look at all columns
//! finds ρ, c, and the gap. *Within the set* the coordinate that promises most moves (the
//! Gauss-Southwell-Lipschitz rule, greedy at the price of a row of the Gram matrix), and after sixteen such
//! steps, or half as many as there are non-zeros, P is minimised over the whole support with its signs fixed, by
//! Cholesky's factorisation, until a sign would change: so the end is exact as soon as the support is right.
//! The factor is kept from step to step and from λ to λ. Groups take Newton steps on their support instead, and a
//! logistic loss is replaced by quadratic models (a Newton method with a proximal term).
//! *Without a Gram matrix*: where columns have few entries beside the set, and with a logistic loss, whose models each have
//! another matrix, a set of 64 columns or more is swept over instead, slopes being products with a residual that
//! follows; once the support rests, it moves as a whole by a factor of its own matrix, which serves the models after it as
//! long as its steps halve what is left.
//!
//! *Cost* of a step: the Gram rows of what moves, m products with a column each in a set of m; s³/6 operations
//! for a new factor of s non-zeros, s² for each column that enters; and a look. A look
//! visits only the columns whose c could exceed λ by what the Cauchy-Schwarz inequality knows of how far ρ has
//! moved, which soon are few; the first one is a pass over the matrix, and so are the norms. *Residual*:
//! the gap, free. *Scale*: P(0). *Memory*: [`Workspace::required_len`], 2 m² for a working set of at most m
//! columns. Where a set has no room for the support, the run goes on with cyclic sweeps over all columns
//! that [gap-safe screening](Options::screening) has left, whose residuals are extrapolated to better dual points; with
//! m = 0 it does nothing else.
//!
//! *Fails* by being slow where the support has many thousands of columns (the factor), or by
//! [`Status::Stalled`](crate::Status::Stalled) where the gap that is asked for is below the rounding of P. λ must be
//! positive: without a penalty no dual point is feasible.
//!
//! *Source*: coordinates: Nutini et al. 2015; screening: Ndiaye, Fercoq, Gramfort & Salmon 2017; working sets
//! that grow as in Massias, Gramfort & Salmon 2018; steps on an identified face: Nutini, Laradji & Schmidt 2022. Lazy
//! looks, the gap in parts and the factor that is kept are this project's.
//!
//! ```
//! use southwell::descent::sparse_regression::{self, Options, Penalty, Problem, Workspace};
//! use southwell::linear::Columns;
//! // Four samples, three features, by columns.
//! let a = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0, -1.0, -1.0, 1.0, -1.0, 1.0, -1.0];
//! let design = Columns::new(&a, 4, 3)?;
//! let y = [3.0, 3.2, 1.0, 0.8];
//! let problem = Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 0.4 })?;
//! let mut storage = [0.0; Workspace::<f64>::required_len(4, 3, 3)];
//! let mut indices = [0; Workspace::<f64>::required_indices(3, 3)];
//! let workspace = Workspace::new(&problem, 3, &mut storage, &mut indices)?;
//! let mut w = [0.0_f64; 3];
//! let outcome = sparse_regression::solve(&problem, &Options::default(), &mut w, workspace, &mut ())?;
//! assert!(outcome.report.converged() && outcome.nonzeros == 2);
//! assert!((w[0] - 1.9).abs() < 1e-12 && (w[1] - 1.0).abs() < 1e-12);
//! # Ok::<(), southwell::Error>(())
//! ```

mod coordinate;
mod direct;
mod extrapolate;
mod face;
mod group;
mod logistic;
mod look;
mod losses;
mod path;
mod problem;
mod rank;
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances of the duality gap, relative to P(0), and a limit for the steps. Default: relative 1e-6 in
    /// `f64`, 1e-5 in `f32`; 1000 steps.
    pub stop: Stop<T>,
    /// Columns (or groups) that the working set begins with, and by how many it grows at least; positive. It
    /// grows by as many as there are non-zeros, if those are more; where no Gram matrix grows with it by more: twice
    /// as many with a logistic loss and 512 columns or more, up to sixteen times where columns have few entries. Default 32.
    pub growth: u32,
    /// Whether gap-safe screening takes columns out of consideration. Default: yes.
    pub screening: bool,
    /// Greedy steps for each column of the working set, at most, before all columns are looked at again; positive. One
    /// costs as many operations as the set has columns, so that a step of the run is bounded by the square of the
    /// set, whatever the data; well-posed problems take fewer than ten. Without a Gram matrix: sweeps over the set, each with
    /// up to four over what is not zero. Default 30.
    pub max_updates: u32,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-6 };
        let stop = Stop { max_steps: 1000, ..Stop::relative(T::from_f64(relative)) };
        Self { stop, growth: 32, screening: true, max_updates: 30 }
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
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
