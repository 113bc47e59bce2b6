//! Sub-gradient methods: min f(x) over a convex set, f convex (or weakly so) and not smooth.
//!
//! A sub-gradient g of f at x is any slope of a plane that touches f there from below: f(z) ≥ f(x) + gᵀ(z − x). A
//! step along −g need not lower f, but with lengths that diminish the way leads to a minimum, one
//! reading of the data and O(n) memory a step.
//!
//! | what | module |
//! |---|---|
//! | what is minimised: value and sub-gradient in one call ([`Oracle`]); closures ([`Function`]) | here |
//! | sets to stay in | [`projection`] |
//! | how far to go | [`step`] |
//! | the projected method, best point and averages kept | [`method`] |
//! | mirror descent on the simplex; matrix games with a gap | [`mirror`], [`game`] |
//! | dual averaging, with an ℓ1 term | [`dual_averaging`] |
//! | least absolute deviations, quantile regression: fitted with a proof, refined | [`fit`], [`certify`], [`refine`], [`Quantile`] |
//! | Huber's regression, reweighted, with a gap | [`huber`] |
//! | other functions | [`MaxAffine`], [`Minimax`], [`GeometricMedian`], [`PhaseRetrieval`] |
//! | a low-rank matrix from measurements of which many are grossly wrong | [`matrix`] |
//! | random numbers that have addresses, for operators that store nothing | [`counter`] |
//! | an ellipsoid through samples of which a third lies: calibration of a magnetometer | [`calibration`] |
//!
//! # When another method is better
//! - few rows and columns, and the last digit wanted: an exchange method for the linear program (Barrodale & Roberts)
//!   up to 50 columns or so; [`fit`] ends at the same vertex, but counts on the data being in general position;
//! - medium accuracy, many times: iteratively reweighted least squares, ten to thirty solves, no proof;
//! - an ℓ1 term, simple constraints and moderate accuracy: ADMM with one factorisation;
//! - a smooth loss that bounds the pull of outliers is wanted: Huber's or Tukey's by reweighting;
//! - outliers in the *rows* x_i, not in y: nobody is safe; weights against leverage help ([`calibration`]).
//!
//! Sub-gradients win where one pass and O(columns) memory are what there is, rows are in the millions, sets are
//! not Euclidean.
//!
//! ```
//! use southwell::subgradient::{Quantile, Table, fit};
//!
//! // A line through five points, one of which lies: y = 1 + 2 t.
//! let rows = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0, 1.0, 3.0, 1.0, 4.0];
//! let y = [1.0_f64, 3.0, 50.0, 7.0, 9.0];
//! let problem = Quantile::absolute(Table::new(&rows, 5, 2)?, &y)?;
//! let options = fit::Options::default();
//! let mut storage = [0.0; fit::Workspace::<f64>::required_len(5, 2, fit::Whitening::Orthogonal, true)];
//! let mut indices = [0; fit::Workspace::<f64>::required_indices(2)];
//! let workspace = fit::Workspace::new(&problem, fit::Whitening::Orthogonal, true, &mut storage, &mut indices)?;
//! let mut beta = [0.0_f64; 2];
//! let outcome = fit::solve(&problem, &options, fit::rule(), &mut beta, workspace, &mut ())?;
//! assert_eq!(outcome.report.status, southwell::Status::Optimal); // proven
//! assert!((beta[0] - 1.0).abs() < 1e-12 && (beta[1] - 2.0).abs() < 1e-12);
//! # Ok::<(), southwell::Error>(())
//! ```

mod best;
pub mod calibration;
pub mod certify;
pub mod counter;
pub mod dual_averaging;
pub mod fit;
pub mod game;
mod geometric_median;
pub mod huber;
pub mod matrix;
mod max_affine;
pub mod method;
mod minimax;
pub mod mirror;
mod oracle;
mod phase;
pub mod projection;
mod quantile;
pub mod refine;
mod select;
mod small;
pub mod step;
mod sum;
mod table;
mod whiten;

pub use geometric_median::GeometricMedian;
pub use max_affine::MaxAffine;
pub use minimax::Minimax;
pub use oracle::{Function, Oracle, Problem};
pub use phase::PhaseRetrieval;
pub use projection::Projection;
pub use quantile::Quantile;
pub use table::Table;
