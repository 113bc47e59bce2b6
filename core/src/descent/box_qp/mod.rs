//! Quadratic programs in a box, for model predictive control.
//!
//! ```text
//! min ½ xᵀH x + fᵀx,   lower ≤ x ≤ upper,   H positive definite
//! ```
//! given by H itself ([`Condensed`]), by H and H⁻¹ made once ([`Prepared`]), or by dynamics and costs of a horizon
//! ([`Staged`]), where H is never formed and a solve with it is Riccati's recursion: linear in the horizon, and nothing to
//! prepare when the model changes. All answer with the same active-set method:
//!
//! - *Primal–dual active set.* With some variables fixed at a bound, minimise over the others; then fix those that
//!   left the box, and free those whose gradient pushes them into it, all at once. Where the sets do not change the
//!   point is the answer, exactly. Usually a handful of steps, and one or two after a warm start; but it may cycle.
//! - *Fallback*, when the number of changes has not fallen for [`Options::patience`] steps: the
//!   [dual active-set method](Fallback::Dual), which adds one bound at a time, the most violated, and drops those
//!   whose multiplier reaches zero on the way; the dual value rises, so that it cannot cycle. Or
//!   [two-metric projection](Fallback::TwoMetric): projected Newton steps over all variables that do not press
//!   against a bound, the value falling in every one, for whoever needs a feasible point that improves. From forty
//!   random states of a quadrotor with weak propellers (40 variables) the one needed at most 52
//!   steps and 700 in all, the other 139 and 1283; 15 times the primal–dual method was not enough.
//!
//! *Step*: one minimisation over the free variables (two-metric projection: also a line search and a gradient).
//! *Residual*: the largest violation of the optimality conditions at x: |∇ᵢ| where x is between its bounds, what pushes
//! it off its bound otherwise; of the last feasible point that was evaluated, which is the start until the sets
//! settle. *Scale*: the size of the terms that cancel in the gradient at the start, max |fᵢ| + |(H x)ᵢ|, and |R u| +
//! |B|ᵀ|λ| in stages. A multiplier counts as wrong when it is by more than rounding, so an answer that was not cut short
//! is exact whatever the tolerance.
//! *Start*: x in the box (what lies outside is moved to its bound); variables at a bound that the gradient presses
//! against it are fixed. So the answer of the last step, shifted by a stage ([`shift`]), is a warm start. *End*: x
//! is in the box and its value is not above that of the start, however the run ended.
//!
//! *Fails* as [`Status::Breakdown`](crate::Status::Breakdown) where H is not positive definite on free variables, and
//! as [`Status::Stalled`](crate::Status::Stalled) where the sets have settled but rounding keeps the residual above the
//! tolerance.
//!
//! *Source*: Bergounioux, Ito & Kunisch 1999 and Hintermüller, Ito & Kunisch 2003 (primal–dual); Portugal, Júdice &
//! Vicente 1994 (when to give it up); Goldfarb & Idnani 1983 (dual); Bertsekas 1982 (two-metric projection).
//!
//! ```
//! use southwell::descent::box_qp::{self, Options, Plant, Problem, Staged, Workspace};
//!
//! // A cart, ten steps of 0.1 s: position and velocity, and a force between −1 and 1.
//! let plant = Plant {
//!     states: 2,
//!     inputs: 1,
//!     a: &[1.0, 0.1, 0.0, 1.0],
//!     b: &[0.005, 0.1],
//!     q: &[1.0, 0.0, 0.0, 0.1],
//!     r: &[0.01],
//! };
//! let mut p = [0.0; 4];
//! box_qp::terminal_cost(&plant, &mut p, &mut [0.0; box_qp::terminal_len(2, 1)], &Default::default())?;
//! let model = Staged::new(plant, &p, 10)?;
//! let mut storage = [0.0; Staged::<f64>::required_len(2, 1, 10)];
//! let mut workspace = Workspace::new(&model, &mut storage)?;
//! let (mut state, mut u) = ([0.3_f64, 0.1], [0.0; 10]);
//! for _step in 0..50 {
//!     let problem = Problem::new(&model, &state, &[-1.0; 10], &[1.0; 10])?;
//!     let solved = box_qp::solve(&problem, &Options::default(), &mut u, &mut workspace, &mut ())?;
//!     assert!(solved.report.converged());
//!     state = [state[0] + 0.1 * state[1] + 0.005 * u[0], state[1] + 0.1 * u[0]];
//!     box_qp::shift(&mut u, 1);
//! }
//! assert!(state[0].abs() < 1e-2);
//! # Ok::<(), southwell::Error>(())
//! ```

mod active_set;
mod bounds;
mod condensed;
mod dual;
mod model;
mod prepared;
mod problem;
mod riccati;
mod small;
mod staged;
mod terminal;
mod two_metric;
mod workspace;

pub use active_set::{BoxQp, BoxReport, Fallback, Method, Options, solve, start};
pub use condensed::Condensed;
pub(crate) use condensed::{factorise, substitute};
pub use model::{Factors, Look, Model};
pub use prepared::{Prepared, invert_condensed};
pub use problem::Problem;
pub(crate) use small::dot;
pub use staged::{Plant, Staged};
pub use terminal::{condense, condense_len, shift, terminal_cost, terminal_len};
pub use workspace::Workspace;
