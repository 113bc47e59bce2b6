//! Solver kernels that run unchanged from a microcontroller to a server.
//!
//! ```text
//!  your slices ─► view ─► Problem ─► Options, rule ─► Workspace ─► start ─► step · step ─► Report
//!              (checked once) (what)  (how; what learns) (your memory)  (resumable; drive() is the only loop)
//! ```
//! The words are the same in every family:
//!
//! - a *view* ([`linear`]) borrows your arrays and checks them once;
//! - a *problem* holds what changes the exact answer;
//! - *options* say how to get there and stay fixed for a run;
//! - a *rule* is what adapts within a run or learns over a sequence of runs;
//! - a *workspace* is memory, carved from a slice of yours; it may be handed over dirty;
//! - `solve` runs to the end; `start` gives a [`Run`] that you step, or hand to [`drive`], yourself;
//! - a [`Report`] says how it ended ([`Status`]); an [`Error`] means that it did not start.
//!
//! | family | problem |
//! |---|---|
//! | [`relaxation`] | A x = b by SOR, SSOR and SSOR-preconditioned conjugate gradients |
//! | [`descent`] | f(x) + Σ h_b(x_b) by block coordinate descent; sparse regression; quadratics in a box (MPC) |
//! | [`transport`] | min ⟨P, C⟩ + ε Σ P (ln P − 1), P with given marginals, by Sinkhorn and its relatives |
//! | [`subgradient`] | min f(x) over a set, f not smooth: robust fits with a proof, low-rank matrices from gross errors |
//!
//! [`omega`] holds the rules that choose a relaxation factor, [`bandit`] the online tuners behind them, which
//! are useful by themselves.
//!
//! ```
//! use southwell::linear::{Star, Stencil2d};
//! use southwell::relaxation::{Auto, Problem, ssor_cg};
//!
//! // (1 + 4a) u − a (sum of the neighbours) = b: an implicit step of the heat equation.
//! let a = 2.0_f32;
//! let star = Star { centre: 1.0 + 4.0 * a, west: -a, east: -a, south: -a, north: -a, ..Star::default() };
//! let matrix = Stencil2d::constant(10, 10, star)?;
//! let mut storage = [0.0; ssor_cg::Workspace::<f32>::required_len(100, 0)];
//! let mut omega = Auto::new()?;
//! let mut u = [1.0; 100];
//! for _step in 0..5 {
//!     let b = u;
//!     let problem = Problem::new(&matrix, &b)?;
//!     let workspace = ssor_cg::Workspace::new(&problem, &mut storage)?;
//!     let options = ssor_cg::Options::default();
//!     let report = ssor_cg::solve(&problem, &options, &mut omega, &mut u, workspace, &mut ())?;
//!     assert!(report.converged());
//! }
//! # Ok::<(), southwell::Error>(())
//! ```
//!
//! What is promised: no allocator, no clock, no global state, no `unsafe`; no panic; every loop has a
//! bound that you chose; bad input is refused before anything is touched; and the same input gives the
//! same bits on every instruction set.
//!
//! What is not here: files, threads, plots and the command line (`southwell-std`), and passes over
//! memory (`southwell-simd`).
//!
//! Features, all off: `defmt` (`Format` on reports, errors and options), `heapless` (`fixed`: owned matrices and
//! workspaces), `nalgebra` (its matrices as views and back), `std` (detection of vector instructions at run time).
#![no_std]
#![forbid(unsafe_code)]

pub mod bandit;
mod carve;
mod copy;
pub mod descent;
mod error;
#[cfg(feature = "heapless")]
pub mod fixed;
pub mod linear;
mod observe;
pub mod omega;
pub mod relaxation;
mod report;
mod run;
mod simplex;
mod stop;
pub mod subgradient;
pub mod transport;

pub use error::{DiagonalFault, Error, StructureFault};
pub use observe::{Observer, Progress};
pub use report::{Report, Status};
pub use run::{Run, drive};
pub use southwell_simd::Real;
pub use stop::Stop;

/// The README's example runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
