//! A low-rank matrix from measurements of which many are grossly wrong.
//!
//! ```text
//! y_i = ⟨A_i, X*⟩ + s_i,  i = 1 … m;   most s_i are 0 or small, the others are anything
//! min f = (1/m) Σ |⟨A_i, X⟩ − y_i|,   X = U Uᵀ (symmetric, d × d) or X = U Vᵀ (d₁ × d₂)
//! Q = (1/m) Σ sign(⟨A_i, X⟩ − y_i) A_i,  sign 0 = 0
//! U ← U − η (Q + Qᵀ) U,   or   U ← U − η Q V,  V ← V − η Qᵀ U
//! ```
//! The factors begin near zero ([`Options::alpha`]) with as many columns as X may have at most: the true
//! rank need not be known. The step multiplies U by I − η (Q + Qᵀ), and Q points along the *direction* of
//! the error, whatever the outliers, which only shorten it: the parts of X grow one after the other until
//! the residuals change sign, and what is no part of X stays as small as it began. The length of the error
//! is not to be seen from Q, so the step must shrink by itself: [`Step`] says how.
//!
//! *Step*: one pass over the measurements, value and sub-gradient of the same iterate; the cost is the
//! operator's ([`operator`]). The start costs two or three passes more. *Residual*: the relative length of
//! the step that comes next, ‖η (Q + Qᵀ)‖₂ or ‖η D‖/‖x‖; 0 where the target value has been met or the
//! sub-gradient is 0. *Scale*: 1. Only a value can tell whether a run has found what it sought: look at
//! [`Recovered::value`] beside what the measurements are known to be off by. *The iterate*: x holds the best
//! one that was seen, at any moment and however the run ends. *Memory*: 3 (d₁ + d₂) r with d₂ = 0 where X is
//! symmetric, d₁ + d₂, r² if scaled, and the operator's scratch.
//!
//! *Fails* where the step shrinks before the weakest part of X has grown out of the start: the run *looks*
//! converged, at a wrong point. The remedies are restarts ([`Step::Oscillation`]), a larger α, or a longer
//! hold ([`Step::Held`]). With more columns than X has rank it ends at a floor that falls with α (a larger
//! hold raises it); the l1 loss has no protection against outliers in the A_i themselves. Gaussian noise
//! alone is better served by least squares (1.4 times more accurate); with gross outliers least squares is
//! no better than the answer 0. Row-wise clipping ([`Options::row_bound`]) serves matrices of which few
//! entries are known.
//!
//! *Source*: Ma & Fattahi 2023 (small starts, over-estimated ranks); Charisopoulos et al. 2021 (Polyak's and
//! geometric steps); Tong, Ma & Chi 2021 (scaled steps). The oscillation rule is ours.
//!
//! ```
//! use southwell::subgradient::counter::{normal, stream, uniform};
//! use southwell::subgradient::matrix::{self, Options, Problem, Shape, Workspace, operator};
//!
//! // x xᵀ, 8 × 8, seen through 200 matrices of random signs that are not stored; a fifth of it is nonsense.
//! let signs = operator::Seeded::new(operator::Draw::Signs, stream(1, 1), 200, 8, 8)?;
//! let truth: [f64; 8] = core::array::from_fn(|j| normal(2, j as u64));
//! let mut a = [0.0; 64];
//! let y: [f64; 200] = core::array::from_fn(|i| {
//!     signs.write(i, &mut a);
//!     let clean: f64 = (0..64).map(|k| a[k] * truth[k / 8] * truth[k % 8]).sum();
//!     if uniform(3, i as u64) < 0.2 { 100.0 * normal(4, i as u64) } else { clean }
//! });
//!
//! let problem = Problem::symmetric(&signs, &y, 2)?;
//! const SHAPE: Shape = Shape::symmetric(8, 2);
//! let mut memory = [0.0; Workspace::<f64>::required_len(SHAPE, false, operator::Seeded::scratch(SHAPE))];
//! let workspace = Workspace::new(&problem, false, &mut memory)?;
//! let mut u = [0.0; SHAPE.unknowns()];
//! let found = matrix::solve(&problem, &Options::default(), &mut u, workspace, &mut ())?;
//! assert_eq!(found.rank, 1);
//! let x = SHAPE.factors(&u);
//! assert!((x.entry(0, 1) - truth[0] * truth[1]).abs() < 1e-2);
//! # Ok::<(), southwell::Error>(())
//! ```

mod columns;
mod learned;
pub mod operator;
mod options;
mod problem;
mod run;
mod scaled;
mod shape;
mod start;
mod step;

pub use columns::singular_values;
pub use learned::Learned;
pub use options::{Options, Precondition};
pub use problem::Problem;
pub use run::{Pause, Recovered, Recovery, Workspace, resume, solve, start};
pub use shape::{Factors, Gradient, Shape};
pub use start::{Start, Weights};
pub use step::{Step, Unit};
