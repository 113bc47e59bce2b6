//! Entropic optimal transport: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.
//!
//! The coupling is P_ij = e^((f_i + g_j − C_ij)/ε) with *potentials* f and g, which are what a run finds; the
//! smaller ε, the nearer it is to the cheapest coupling, and the harder to find. Potentials are in the unit of
//! the costs, ε too; adding t to f and taking it from g changes nothing.
//!
//! | method | module | step | memory (numbers) | for |
//! |---|---|---|---|---|
//! | whichever the run asks for | [`auto`] | one of the next three | as the larger | hosts |
//! | Sinkhorn's iteration on a stored kernel | [`scaling`] | one reading of it, no exponential | n m + 3 (n + m), m more from 128 rows on | large problems |
//! | the same in the log domain | [`sinkhorn`] | one reading of C, an exponential an entry | n + 2 m | firmware, points, tiny ε |
//! | Sinkhorn-Newton-Sparse | [`newton`] | one reading of C, and conjugate gradients | 4 n + 9 m and a budget | tiny ε |
//! | Greenkhorn | [`greenkhorn`] | n + m updates of a line | n m + … | small problems |
//! | a path of ε | [`epsilon_path`] | as [`sinkhorn`] | as it | cold starts |
//!
//! Sinkhorn's iterations take their over-relaxation from a rule of [`omega`](crate::omega): `Fixed(1)` is the plain
//! iteration, [`Eager`](crate::omega::Eager) finds omega on the way. A line never moves farther than its own share of
//! the dual value allows, so any omega converges.
//!
//! Costs are a view that is read by rows ([`Cost`]): [`DenseCost`] is stored, [`PointCost`] made from two point
//! clouds, [`GridCost`] separable on a grid, [`KernelCost`] the logarithm of a kernel that is there. Lines without mass are allowed and get the potential −∞.
//!
//! Around them: [`certificate`] bounds how far potentials are from the best, [`rounding`] makes their coupling
//! exactly feasible, [`gap`] stops a run on such a bound, [`gradient`] differentiates the value, [`divergence`] is
//! Sinkhorn's divergence ([`symmetric`] its terms), [`barycentre`] averages distributions, [`unbalanced`] lets
//! masses differ, [`batch`] solves many small problems of one shape, [`balance`] scales a matrix to given sums.
//!
//! ```
//! use southwell::omega::Eager;
//! use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
//!
//! let cost = DenseCost::new(&[0.0, 1.0, 4.0, 1.0, 0.0, 1.0], 2, 3, 3)?;
//! let problem = Problem::new(&cost, &[0.5, 0.5], &[0.25, 0.25, 0.5], 0.1)?;
//! let mut storage = [0.0; sinkhorn::Workspace::<f64>::required_len(2, 3, 3)];
//! let workspace = sinkhorn::Workspace::new(&problem, &mut storage)?;
//! let (mut f, mut g) = ([0.0; 2], [0.0; 3]);
//! let x = Potentials { f: &mut f, g: &mut g };
//! let options = sinkhorn::Options::default();
//! let report = sinkhorn::solve(&problem, &options, &mut Eager::default(), x, workspace, &mut ())?;
//! assert!(report.converged());
//! let moved = ((f[1] + g[2] - 1.0) / 0.1_f64).exp(); // from row 1 to column 2
//! assert!((moved - 0.5).abs() < 1e-2);
//! # Ok::<(), southwell::Error>(())
//! ```
//!
//! Source of the conventions: Peyré & Cuturi 2019, chapter 4.

pub mod auto;
pub mod balance;
pub mod barycentre;
pub mod batch;
pub mod certificate;
mod cost;
pub mod divergence;
pub mod epsilon_path;
pub mod gap;
pub mod gradient;
pub mod greenkhorn;
mod grid;
mod kernel;
pub mod newton;
mod over_relaxation;
mod points;
mod problem;
mod reading;
pub mod rounding;
pub mod scaling;
pub mod sinkhorn;
mod stall;
pub mod symmetric;
pub mod unbalanced;

pub use cost::{Cost, DenseCost};
pub use grid::GridCost;
pub use kernel::KernelCost;
pub use points::{Ground, PointCost};
pub use problem::{Potentials, Problem};

/// What a half-step is made of, for drivers that divide the lines among processes or devices; see [`sinkhorn`].
pub mod steps {
    pub use super::over_relaxation::Reach;
    pub use super::sinkhorn::{exact_row, move_column, off_by, unseen};
    pub use super::stall::Floor;
}
