//! The scenario that firmware and host must answer with the same bits.
//!
//! [`heat`] is a sequence of implicit heat steps whose omega is learned; [`association`] finds out which detection
//! belongs to which track; [`calibration`] calibrates a magnetometer; [`nonsmooth`] runs every
//! part of the sub-gradient toolbox; [`couplings`] runs every method of transport; [`methods`] runs every
//! relaxation method once on a small system; [`passes`] runs every pass over memory. They are generic over
//! the type and need no heap. What they find is compared with the constants in [`golden`], which a host wrote
//! (`cargo run --example golden -- write`) and which a test confirms on every instruction set.
//!
//! Lengths and contents pass through [`core::hint::black_box`] on their way into the library: the
//! optimiser must not prove a bounds check away because it knows this scenario's sizes.
#![no_std]
#![forbid(unsafe_code)]

pub mod association;
pub mod calibrated;
pub mod calibration;
pub mod couplings;
mod fnv;
pub mod golden;
pub mod heat;
pub mod made;
pub mod methods;
pub mod nonsmooth;
pub mod passes;
mod samples;

pub use fnv::Fnv;
