//! What an Arm core with a floating-point unit does in one instruction and the compiler does not know of without `std`: the
//! square root, and loads of eight numbers at once. The operations are the same in the same order, so the bits are.
//!
//! Whole functions of assembler: they hold what the calling convention says of registers, which is all there is to be sure of.
//! Where floats are handed over in registers the unit is there, with these instructions from its second version on, the
//! oldest of this convention.
#![allow(unsafe_code)]

mod dot;
mod factor;
mod rows;
mod updates;

use core::arch::naked_asm;

pub(crate) use dot::{dot, dot_in_fours, sum};
pub(crate) use factor::{factorise, substitute};
pub(crate) use rows::apply;
pub(crate) use updates::{add_two, axpy};

/// √x, correctly rounded as that of `libm` is, in two instructions for 73, and with 218 bytes of flash fewer.
pub(crate) fn sqrtf(x: f32) -> f32 {
    #[unsafe(naked)]
    extern "C" fn root(x: f32) -> f32 {
        naked_asm!(".fpu fpv4-sp-d16", "vsqrt.f32 s0, s0", "bx lr")
    }
    root(x)
}
