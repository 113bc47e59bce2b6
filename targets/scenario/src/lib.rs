//! The scenario that firmware and host must answer with the same bits.
//!
//! [`heat`] is a sequence of implicit heat steps whose omega is learned; [`association`] finds out which detection
//! belongs to which track; [`calibration`] calibrates a magnetometer; [`mpc`] controls a cart and a quadrotor; [`control`] is a control
//! loop beside a solve; [`couplings`] runs every method of transport,
//! [`nonsmooth`] every part of the sub-gradient toolbox and matrix recovery, [`descent`] every part of block coordinate descent and sparse regression; [`methods`] runs every
//! relaxation method once on a small system; [`passes`] runs every pass over memory. They are generic over
//! the type and need no heap. What they find is compared with the constants in [`golden`], which a host wrote
//! (`cargo run --example golden -- write`) and which a test confirms on every instruction set.
//!
//! [`images`] says what a firmware does with them, so that a runtime adds only its start-up code, its output and its
//! clock.
//!
//! Lengths and contents pass through [`core::hint::black_box`] on their way into the library: the
//! optimiser must not prove a bounds check away because it knows this scenario's sizes.
#![no_std]
#![forbid(unsafe_code)]

pub mod association;
pub mod calibrated;
pub mod calibration;
pub mod control;
pub mod couplings;
pub mod descent;
mod fnv;
pub mod golden;
pub mod heat;
pub mod images;
pub mod made;
pub mod methods;
pub mod mpc;
pub mod nonsmooth;
mod output;
pub mod passes;
mod recovery;
mod regression;
mod samples;

pub use fnv::Fnv;
pub use output::Output;
