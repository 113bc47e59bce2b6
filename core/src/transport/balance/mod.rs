//! Matrix balancing: positive diagonal scalings that give the rows and columns of a matrix the sums, or the
//! norms, that are asked for.
//!
//! ```text
//! P = diag(x) A diag(y),  A ≥ 0,  P 1 = r,  Pᵀ 1 = c
//! ```
//! | method | module | for | step | memory (numbers) |
//! |---|---|---|---|---|
//! | Sinkhorn-Knopp | [`sinkhorn_knopp`] | sums r and c, ones unless given; any shape | one reading of A | 2 (n + m) |
//! | symmetric | [`symmetric`] | one scaling D A D of a symmetric A | one product with A | 2 n |
//! | Ruiz | [`ruiz`] | rows and columns of norm 1, largest entry or sum; any signs | one reading of A | 2 (n + m) |
//!
//! Matrices are read by rows ([`Rows`]): [`Dense`] and [`Csr`], rectangular, or your own.
//!
//! The sums can be reached if and only if some matrix that is zero wherever A is has them (*support*): for unit
//! sums, if A holds n positive entries no two of which share a line, which [`support::structural_rank`] decides
//! by a bipartite matching; for other sums, if no set of rows shall carry more than the columns that they reach.
//! A run whose residual has stopped falling asks that question, and ends as
//! [`NoSupport`](crate::Status::NoSupport) where the answer is no. With support, the residual falls to zero,
//! geometrically if every positive entry takes part in some such matrix (*total support*); else x and y have no
//! limit although P has one, and the residual falls like 1/steps.
//!
//! ```
//! use southwell::transport::balance::{Dense, Problem, Scalings, sinkhorn_knopp};
//!
//! let a = Dense::new(&[1.0, 2.0, 3.0, 4.0], 2, 2, 2)?;
//! let problem = Problem::unit(&a)?;
//! let mut storage = [0.0; sinkhorn_knopp::Workspace::<f64>::required_len(2, 2)];
//! let mut indices = [0; sinkhorn_knopp::Workspace::<f64>::required_indices(2, 2)];
//! let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
//! let (mut x, mut y) = ([1.0; 2], [1.0; 2]);
//! let scalings = Scalings { x: &mut x, y: &mut y };
//! let options = sinkhorn_knopp::Options::default();
//! let report = sinkhorn_knopp::solve(&problem, &options, scalings, workspace, &mut ())?;
//! assert!(report.converged());
//! assert!((x[0] * (1.0 * y[0] + 2.0 * y[1]) - 1.0_f64).abs() < 1e-8);
//! # Ok::<(), southwell::Error>(())
//! ```
//!
//! *Source*: Sinkhorn & Knopp 1967; Knight 2008; Ruiz 2001; Knight, Ruiz & Uçar 2014; for the support condition of
//! given sums Menon & Schneider 1969.

mod matrix;
mod problem;
pub mod ruiz;
pub mod sinkhorn_knopp;
pub mod support;
pub mod symmetric;
mod watch;

pub use matrix::{Csr, Dense, Row, Rows};
pub use problem::{Problem, Scalings};
