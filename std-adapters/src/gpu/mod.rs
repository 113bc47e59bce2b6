//! Solvers on a GPU, through Vulkan: the same problems, options, rules and reports as on the CPU.
//!
//! Devices compute in `f32`; where the problem is in `f64`, residuals and corrections are in `f64` on the host, so
//! the answer has the accuracy that was asked for. A whole solve crosses to the device; only a few numbers come
//! back while it lasts.
//!
//! | module | solves | on the device |
//! |---|---|---|
//! | [`relaxation`] | A x = b: SOR, SSOR, SSOR-CG, CG | constant stars, sparse matrices; red-black and colour order |
//! | [`transport`] | entropic transport: Sinkhorn's iteration, over-relaxed | costs stored, or made from points |
//! | [`descent`] | quadratics with a separable penalty, greedily | the matrix, split by rows |
//! | [`Measured`] | passes over measurements, for `subgradient::matrix` | dense ones; seeded ones, drawn there |
//! | [`owned`] | all of these, for problems that own their memory, and the CPU carries on where a device fails | the same |
//!
//! [`Trials`] lets any tuner of [`southwell::bandit`] try omegas within a run, a chunk a trial.
//!
//! Results depend on the driver in the last bits (it may fuse products and sums): compare within bounds.
//!
//! ```no_run
//! use southwell::linear::{Star, Stencil2d};
//! use southwell::relaxation::{HagemanYoung, Problem, sor};
//! use southwell_std::gpu::{Choice, Device, relaxation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let device = Device::open(&Choice::from_environment())?;
//! let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
//! let (a, b) = (Stencil2d::constant(1000, 1000, star)?, vec![1e-6; 1_000_000]);
//! let problem = Problem::new(&a, &b)?;
//! let (mut x, mut rule) = (vec![0.0; b.len()], HagemanYoung::default());
//! let options = sor::Options::default();
//! let settings = relaxation::Settings::default();
//! let solved = relaxation::sor(&device, settings, &problem, &options, &mut rule, &mut x, &mut ())?;
//! assert!(solved.report.converged());
//! # Ok(())
//! # }
//! ```

mod adapter;
mod buffer;
mod chunks;
mod costs;
mod course;
pub mod descent;
mod error;
mod kernel;
mod measure;
mod method;
mod operator;
pub mod owned;
pub mod relaxation;
mod sparse;
mod star;
pub mod transport;
mod trials;

pub use adapter::{Adapter, Choice, Device, Kind, adapters};
pub use costs::ResidentCost;
pub use error::Error;
pub use measure::Measured;
pub use operator::Resident;
pub use trials::Trials;
