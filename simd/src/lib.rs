//! Every pass over memory that southwell's solvers make, in explicit SIMD, with the same bits on
//! every instruction set.
//!
//! # The rule that makes bits equal
//! A reduction runs in [`LANES`] virtual lanes whatever the width of the machine's registers:
//! element *i* is added to lane *i* mod [`LANES`], in order, and the lanes are added by a fixed tree
//! ([`reduce`]). Products and sums are rounded one by one (no fused multiply-add), and elementary
//! functions come from `libm` or are built of just these ([`elementary`]). So AVX-512, AVX2, NEON, wasm
//! and a scalar microcontroller agree.
//!
//! # Shape of a pass
//! A pass is a plain function over slices; it dispatches once. Lengths are cut to the shortest
//! operand, so a pass cannot panic; callers check sizes at their border. No vector type is public.
//! Bytes and operations that a pass moves are stated in its documentation; `benches/ROOFLINE.md` says how
//! near to the machine's limits each comes, `targets/PASSES.md` how many bytes of flash it takes.
//!
//! # Instruction sets
//! AVX-512 and AVX2 are found at run time with the feature `std`, and `set_max_level` caps them; NEON and
//! wasm's simd128 belong to the compile target; everything else runs one element at a time. All of it goes
//! through `pulp`, which compiles a pass for each. `wide` is not used: it knows the instruction set of
//! the compile target alone, so that inside code compiled for AVX-512 it would still work in pairs of
//! SSE2 registers; and what small fixed widths there are (four sums of a sparse row, the last elements
//! of a vector) the compiler turns into registers by itself.
#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![deny(unsafe_code)] // `csr::view`, `stencil::listed` and, for Arm cores without `std`, `arm` allow it, and say why.

#[cfg(all(target_arch = "arm", target_abi = "eabihf", not(feature = "std")))]
mod arm;
mod bare;
mod bits;
mod dispatch;
mod lanes;
#[cfg(feature = "std")]
mod level;
mod map;
mod pages;
mod paths;
mod prefetch;
mod real;
mod vectors;

pub mod csr;
pub mod dense;
pub mod elementary;
pub mod points;
pub mod short;
pub mod stencil;
pub mod vector;

pub use dispatch::level_name;
pub use lanes::{LANES, Lanes, reduce};
#[cfg(feature = "std")]
pub use level::{Level, UnknownLevel, levels, max_level, set_max_level};
#[cfg(feature = "force-level")]
#[doc(hidden)]
pub use level::{force_bare, force_far, force_level};
pub use real::Real;
