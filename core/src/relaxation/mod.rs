//! A x = b by relaxation: sweeps over the unknowns, and conjugate gradients preconditioned by them.
//!
//! | method | module | step | for |
//! |---|---|---|---|
//! | SOR, SSOR | [`sor`] | a sweep (SSOR: two) | any matrix it converges for: SPD, diagonally dominant |
//! | SSOR-CG, Eisenstat's form | [`ssor_cg`] | one pass over the matrix | symmetric positive definite (SPD) |
//! | CG | [`cg`] | one pass over the matrix | SPD, as the yardstick |
//!
//! The *order* in which a sweep visits the unknowns is a property of the matrix view that is handed
//! in ([`Relax`]): a plain view is swept in natural order; [`RedBlack`], [`Multicolour`], [`Lines`] and
//! [`Blocks`] wrap a view and sweep it their way.
//!
//! The factor omega comes from a *rule* ([`OmegaRule`]): [`Fixed`], [`Young`]'s formula, or one that
//! learns over a sequence of problems ([`Learned`], [`Auto`]).
//!
//! ```
//! use southwell::linear::Csr;
//! use southwell::relaxation::{self, Fixed, sor};
//!
//! let a = Csr::new(&[0, 2, 5, 7], &[0, 1, 0, 1, 2, 1, 2], &[4.0, -1.0, -1.0, 4.0, -1.0, -1.0, 4.0])?;
//! let b = [2.0, 4.0, 10.0];
//! let problem = relaxation::Problem::new(&a, &b)?;
//! let mut storage = [0.0; 6];
//! let workspace = sor::Workspace::new(&problem, &mut storage)?;
//! let mut x = [0.0; 3];
//! let report = sor::solve(&problem, &sor::Options::default(), &mut Fixed(1.03), &mut x, workspace, &mut ())?;
//! assert!(report.converged() && (x[2] - 3.0_f64).abs() < 1e-7);
//! # Ok::<(), southwell::Error>(())
//! ```

mod blocks;
pub mod cg;
mod direction;
mod lines;
mod multicolour;
mod omega;
mod problem;
mod red_black;
mod relax;
pub mod sor;
mod split;
pub mod ssor_cg;
pub mod update;
mod young;

pub use crate::omega::{Auto, Cost, Fixed, HagemanYoung, Learned, OmegaRule, Sight, young_omega};
pub use blocks::Blocks;
pub use lines::Lines;
pub use multicolour::{Colouring, Multicolour};
pub use problem::{Problem, Reference};
pub use red_black::RedBlack;
pub use relax::Relax;
pub use split::Split;
pub use young::{Young, jacobi_radius};
