//! Sinkhorn-Newton-Sparse: Newton's method on the dual with the large entries of the coupling.
//!
//! ```text
//! D(f, g) = ⟨a, f⟩ + ⟨b, g⟩ − ε Σ P_ij,   P_ij = e^((f_i + g_j − C_ij)/ε),   r = P 1,  c = Pᵀ 1
//! [ (1+σ) diag(r)        P̃       ] [d_f]   [a − r]     P̃: the large entries of P
//! [       P̃ᵀ       (1+σ) diag(c) ] [d_g] = [b − c]     σ = damping · min(1, residual/mass)
//! (f, g) ← (f, g) + ε α (d_f, d_g)
//! ```
//! P̃ leaves out at most [`dropped`](Options::dropped) of the mass, within a budget of entries, and keeps the
//! largest of every row and column. The rows are eliminated and the columns solved for by conjugate
//! gradients with the diagonal of the reduced matrix. σ makes the system definite where the pattern falls
//! apart into components, and vanishes with the residual. α is where the kept entries say that D stops
//! rising, at most 1, and halved until D rises enough; where the rise is rounding error, the residual has to
//! fall. If no α serves, ten of Sinkhorn's steps, which always raise D, take the place of the Newton step; the
//! twenty-first time the run ends as [`Status::Breakdown`](crate::Status::Breakdown).
//!
//! *Step*: first [`first_steps`](Options::first_steps) of Sinkhorn's, then one Newton step or its rescue
//! each. Cost: a reading of C with an exponential an entry for each trial α, nearly always one; the trial's
//! reading serves the next step as well, sums, residual and choice of the entries. A first Newton step, or a
//! coupling that changed much, may take up to three more. Besides, 4 operations an entry of P̃ for each step
//! of conjugate gradients. *Residual*: ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ of the potentials that are there, free.
//! *Scale*: the mass Σ a. *Start*: with first steps from g alone, without from f and g, one reading either
//! way; a run of Sinkhorn's may come before. *Memory*: [`Workspace::required_len`] and
//! [`Workspace::required_indices`], nothing of size n·m; [`dense`] for small problems.
//!
//! *Fails* by being slow: what P̃ leaves out makes the convergence linear, by a factor that grows with the
//! dropped mass over 1 − σ₂ (see [`sinkhorn`](super::sinkhorn)); so with a budget that is too small, or an ε
//! that leaves nothing sparse, Sinkhorn's iteration is the better one. It stops as
//! [`Status::Stalled`](crate::Status::Stalled) where the residual is rounding error.
//!
//! *Source*: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao & Ying 2024. The choice by mass,
//! the damping, the reduced system and the step from the kept entries are this project's; the elimination
//! halves the steps of conjugate gradients by Reid 1972.
//!
//! ```
//! use southwell::transport::{DenseCost, Potentials, Problem, newton};
//! let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0], 2, 2, 2)?;
//! let problem = Problem::new(&cost, &[0.5, 0.5], &[0.25, 0.75], 0.05)?;
//! let mut storage = [0.0; newton::Workspace::<f64>::required_len(2, 2, 2, 4)];
//! let mut indices = [0; newton::Workspace::<f64>::required_indices(2, 2, 4)];
//! let workspace = newton::Workspace::new(&problem, 4, &mut storage, &mut indices)?;
//! let (mut f, mut g) = ([0.0; 2], [0.0; 2]);
//! let x = Potentials { f: &mut f, g: &mut g };
//! let report = newton::solve(&problem, &newton::Options::default(), x, workspace, &mut ())?;
//! assert!(report.converged());
//! # Ok::<(), southwell::Error>(())
//! ```

mod curvature;
pub mod dense;
mod options;
mod run;
mod search;
mod select;
mod sparse;
mod system;
mod workspace;

use super::cost::Cost;
use super::problem::{Potentials, Problem};
use crate::{Error, Observer, Real, Report, drive};
pub use options::{Options, Work};
pub use run::Newton;
use run::begin;
use select::Pattern;
pub use sparse::Sparse;
pub use workspace::Workspace;

/// Begins a run from the potentials that are handed in: with `first_steps` from g alone, without from both.
///
/// # Errors
/// [`Error::Option`] for options out of range; [`Error::Dimension`] or [`Error::Value`] for potentials;
/// [`Error::Workspace`] if the workspace was carved for another problem. The potentials are untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    x: Potentials<'a, T>,
    workspace: Workspace<'a, T>,
) -> Result<Newton<'a, T, C, Sparse<'a, T>>, Error> {
    let Workspace { iterate, reals, indices, vectors, entries } = workspace;
    options.check()?;
    let share = options.dropped.max(T::from_u32(16) * T::EPSILON);
    let pattern = Pattern::new(reals, indices, problem.mass, share, entries);
    begin(problem, options, x, iterate, Sparse { pattern, vectors, most_steps: options.cg_steps })
}

/// Solves from the potentials that are handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}
