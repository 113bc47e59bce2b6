//! Solver kernels that run unchanged from a microcontroller to a server.
#![no_std]
#![forbid(unsafe_code)]

pub mod bandit;
mod carve;
mod error;
pub mod linear;
mod observe;
pub mod relaxation;
mod report;
mod run;
mod stop;

pub use error::{DiagonalFault, Error, StructureFault};
pub use observe::{Observer, Progress};
pub use report::{Report, Status};
pub use run::{Run, drive};
pub use southwell_simd::Real;
pub use stop::Stop;
