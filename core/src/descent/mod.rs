//! Block coordinate descent: min over x of f(x) + Σ_b h_b(x_b), f smooth, h_b simple, one block a step.
//!
//! A problem is a [`Loss`] f and a [`Penalty`] h; a [`Scheme`] is a rule that chooses the next block and an update that
//! moves it. Any of these go with any others as far as the mathematics allows, and [`start`] refuses what does not:
//!
//! | part | module |
//! |---|---|
//! | f: least squares, quadratics, label propagation, logistic, softmax, Huber, your own | [`losses`] |
//! | h: none, L1, elastic net, non-negative, interval, group, simplex, your own | [`penalties`] |
//! | blocks: consecutive, sorted, averaged, coloured, red-black, combs, forests, your own | [`partitions`] |
//! | rule: cyclic, random, Gauss–Southwell and its relatives, greedy variable blocks and forests | [`selection`] |
//! | update: gradient, backtracking, matrix, Newton, proximal Newton, two-metric, message passing | [`update`] |
//!
//! A sum constraint over all variables goes by [`pairs`]. Two problems have methods of their own: [`box_qp`], quadratic
//! programs in a box, condensed or in stages (model predictive control), and [`sparse_regression`], the lasso and its
//! relatives with working sets.
//!
//! One *step* chooses a block and moves it. A greedy rule needs all of ∇f: free where the state holds it (quadratics,
//! O(the rows of the block) a step), one pass over A otherwise. Rules that do not look cost the columns of the block.
//!
//! The *residual* is the largest [violation](Penalty::violation), max_b dist(−g_b, ∂h_b(x_b)), or the
//! [gap](Measure::Gap) where the set is bounded; free for greedy rules, a gradient otherwise (look seldom, then). The
//! relative tolerance refers to the residual at the start. A claim is confirmed with a state that is recomputed from
//! x. Memory: [`Workspace`].
//!
//! With exact, bounded or searched steps the objective never rises. A run ends as [`Status::Breakdown`] where a block
//! has no minimum (an indefinite quadratic), as [`Status::NotFinite`] where x runs away (an unbounded one; x is finite
//! still), as [`Status::Stalled`] where a whole round moves nothing.
//!
//! ```
//! use southwell::descent::{self, Options, Problem, Scheme, Sizes, Workspace, losses::LeastSquares, penalties::L1,
//!     selection::{GreedyVariable, Score}, update::Gradient};
//! use southwell::linear::Columns;
//!
//! // min ½‖Ax − y‖² + λ‖x‖₁, the best coordinate first.
//! let a = Columns::new(&[1.0, 2.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.5], 3, 3)?;
//! let loss = LeastSquares::new(a, &[1.0, 3.0, 1.0])?;
//! let penalty = L1::new(0.5);
//! let problem = Problem::new(&loss, &penalty)?;
//! let mut scheme = Scheme { select: GreedyVariable::one(Score::Progress), update: Gradient };
//! let sizes = Sizes::of(&problem, &scheme);
//! let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
//! let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
//! let work = Workspace::new(&problem, &scheme, &mut numbers, &mut indices)?;
//! let mut x = [0.0; 3];
//! let outcome = descent::solve(&problem, &Options::default(), &mut scheme, &mut x, work, &mut ())?;
//! assert!(outcome.report.converged());
//! # Ok::<(), southwell::Error>(())
//! ```
//!
//! Source: Nutini, Laradji & Schmidt 2022 (Let's make block coordinate descent converge faster); Nutini, Schmidt,
//! Laradji, Friedlander & Koepke 2015 (Gauss–Southwell rules).
//!
//! [`Status::Breakdown`]: crate::Status::Breakdown
//! [`Status::NotFinite`]: crate::Status::NotFinite
//! [`Status::Stalled`]: crate::Status::Stalled

mod begin;
pub mod box_qp;
mod identify;
pub mod losses;
mod measure;
pub mod pairs;
pub mod partitions;
pub mod penalties;
mod problem;
mod run;
pub mod selection;
mod small;
pub mod sparse_regression;
pub mod update;
mod workspace;

pub use begin::start;
pub use identify::Identified;
pub use losses::Loss;
pub use partitions::Partition;
pub use penalties::Penalty;
pub use problem::Problem;
pub use run::{Descent, solve};
pub use selection::Selection;
pub use update::Update;
pub use workspace::{Scheme, Sizes, Workspace};

use crate::{Real, Report, Stop};

/// What the residual of a run measures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Measure {
    /// The largest violation, max_b dist(−g_b, ∂h_b(x_b)): for smooth problems ‖∇f‖_∞.
    #[default]
    Violation,
    /// A bound of F(x) − F*, Σ_b max over u of g_bᵀ(x_b − u) + h_b(x_b) − h_b(u): finite where every block is bounded
    /// (intervals, simplices) or curved (λ₂ > 0).
    Gap,
}

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the residual at the start, step limit, how often to look.
    pub stop: Stop<T>,
    /// What the residual measures. Default: the violation.
    pub measure: Measure,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { stop: Stop::default(), measure: Measure::Violation }
    }
}

/// How a run ended, with what it was measured by.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outcome<T> {
    /// Status, steps, residuals.
    pub report: Report<T>,
    /// F(x) at the end.
    pub objective: T,
    /// What the residual was compared with.
    pub tolerance: T,
    /// What the residual measures.
    pub measure: Measure,
}

/// The elements of a block.
pub(crate) fn gather<T: Copy>(block: &[u32], from: &[T], out: &mut [T]) {
    for (out, &i) in out.iter_mut().zip(block) {
        if let Some(&value) = from.get(i as usize) {
            *out = value;
        }
    }
}
