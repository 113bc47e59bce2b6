//! The same problems, options and reports over many machines: one part a rank.
//!
//! | module | method | what is divided | bits for any number of ranks |
//! |---|---|---|---|
//! | [`stencil`] | red-black SOR | layers of a grid | equal |
//! | [`rows`] | multicolour SOR, CG | rows of a sparse matrix | equal |
//! | [`rows`] | SSOR-CG, SSOR inside pieces | rows of a sparse matrix | equal for fixed pieces |
//! | [`sinkhorn`] | Sinkhorn's iteration, over-relaxed | rows of the costs | equal |
//! | [`descent`] | greedy coordinates of the lasso | features, or samples | equal |
//! | [`newton`] | Sinkhorn-Newton-Sparse | rows of the costs and of the system | equal |
//! | [`oracle`] | every sub-gradient method | measurements | equal |
//! | [`fit`] | absolute deviations, quantiles, Huber's loss | rows of the table | equal |
//!
//! Everything goes through one small trait, [`Communicator`], with three implementations: [`Alone`], [`Threads`] and,
//! with the feature `mpi`, `Mpi`. All ranks make the same calls with their own parts and get the same report; an error
//! on one of them is an error on all ([`agree`]).
//!
//! ```
//! use southwell::linear::Star;
//! use southwell::relaxation::{Auto, sor};
//! use southwell_std::cluster::stencil::{self, Couplings, Shape};
//! use southwell_std::cluster::{Communicator, Threads};
//!
//! let shape = Shape::Plane { rows: 20, columns: 30 };
//! let star = Star { centre: 5.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
//! let steps = Threads::run(3, |comm| {
//!     let layers = stencil::Problem::<Threads>::partition(&shape, comm.size())?.items_of(comm.rank());
//!     let (b, mut x) = (vec![1.0; layers.len() * 30], vec![0.0; layers.len() * 30]);
//!     let problem = stencil::Problem::new(comm, shape, Couplings::Constant(star), &b)?;
//!     let mut rule = Auto::new().expect("the constants are valid");
//!     let report = stencil::solve(&problem, &sor::Options::default(), &mut rule, &mut x, &mut ())?;
//!     Ok::<_, southwell_std::cluster::Fault>(report.steps)
//! });
//! assert!(steps.iter().all(|rank| *rank == steps[0]));
//! ```
//!
//! Sums are made in [blocks](Partition) that do not depend on the number of ranks, and added in the order of the blocks.

mod alone;
#[cfg(feature = "npz")]
pub mod checkpoint;
mod columns;
mod communicator;
mod counted;
pub mod descent;
mod fault;
pub mod fit;
#[cfg(feature = "npz")]
pub mod heat;
#[cfg(feature = "npz")]
pub mod job;
mod keep;
#[cfg(feature = "mpi")]
mod mpi;
pub mod newton;
pub mod oracle;
mod partition;
pub mod read;
pub mod rows;
pub mod sinkhorn;
pub mod stencil;
mod sweeps;
mod threads;
mod watch;

#[cfg(feature = "mpi")]
pub use self::mpi::Mpi;
pub use alone::Alone;
pub use communicator::{Communicator, agree, same_version, version};
pub use counted::{Counted, Traffic};
pub use fault::Fault;
pub use keep::{Keep, State};
pub use partition::{MOST_BLOCKS, Partition};
pub use threads::Threads;
