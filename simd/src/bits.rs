//! Numbers taken apart into exponent and significand, and put together again, in registers.
//!
//! pulp converts no number to an integer and shifts no 64-bit word, so both are done by hand. Adding
//! 1.5·2^p to a number of moderate size brings its integer part to a fixed place of the word, where it
//! is read as an integer. Shifts to the left are written as multiplications, which every compiler turns
//! back and which no instruction set of pulp's spells out lane by lane, as WebAssembly does shifts. A 64-bit shift by 20 is a shift of 32-bit halves, because the wanted bits lie
//! in the upper half before and after it.

use pulp::{Scalar, Simd, bytemuck};

use crate::vectors::Vectors;

/// Exponents of registers, exact for every number they are asked about.
pub trait Bits: Vectors {
    /// The integer k nearest to t, as a number, and 2^⌊k/2⌋ and 2^⌈k/2⌉ in either order.
    ///
    /// For |k| ≤ 1100 (`f64`) or 200 (`f32`); for NaN the powers are arbitrary.
    fn nearest_power<S: Simd>(
        simd: S,
        t: Self::Vector<S>,
    ) -> (Self::Vector<S>, Self::Vector<S>, Self::Vector<S>);
    /// The integer k nearest to t, as a number, and 2^k. For k from −1021 to 1023 (`f64`) or from
    /// −126 to 127 (`f32`); else arbitrary.
    fn whole_power<S: Simd>(simd: S, t: Self::Vector<S>) -> (Self::Vector<S>, Self::Vector<S>);
    /// x = 2^e·m with m in [√½, √2): (e, m). For positive normal numbers; else arbitrary.
    fn exponent<S: Simd>(simd: S, x: Self::Vector<S>) -> (Self::Vector<S>, Self::Vector<S>);
    /// A number as a register of one.
    fn one(self) -> Self::Vector<Scalar>;
    /// The number in a register of one.
    fn only(x: Self::Vector<Scalar>) -> Self;
}

/// The same register with other types of lanes. Registers of one instruction set are equally wide,
/// except on the scalar path, where the callers know better.
#[inline(always)]
fn view<A: bytemuck::NoUninit, B: bytemuck::AnyBitPattern>(a: A) -> B {
    bytemuck::cast(a)
}

/// The upper halves of words shifted to the left by 20, where the lower 12 bits of the lower halves are
/// empty: nothing crosses over.
#[inline(always)]
fn left_20<S: Simd>(simd: S, a: S::u64s) -> S::u64s {
    if S::IS_SCALAR {
        view((view::<_, u64>(a) >> 32) << 52)
    } else {
        view(simd.mul_u32s(view(a), simd.splat_u32s(1 << 20)))
    }
}

/// The upper halves of words shifted to the right by 20; the lower halves must be empty, and so must
/// be the bits that leave.
#[inline(always)]
fn right_20<S: Simd>(simd: S, a: S::u64s) -> S::u64s {
    if S::IS_SCALAR {
        view(view::<_, u64>(a) >> 20)
    } else {
        view(simd.wrapping_dyn_shr_u32s(view(a), simd.splat_u32s(20)))
    }
}

/// The significand of √½ rounded down to 20 bits, with its exponent.
const ROOT_HALF_F64: u64 = 0x3FE6_A09E_0000_0000;
/// √½ in `f32`.
const ROOT_HALF_F32: u32 = 0x3F35_04F3;

impl Bits for f64 {
    #[inline(always)]
    fn nearest_power<S: Simd>(simd: S, t: S::f64s) -> (S::f64s, S::f64s, S::f64s) {
        // The unit of a number near 1.5·2²⁰ is bit 32. The exponent biases ride along.
        const PLACE: f64 = 1.5 * 1_048_576.0;
        let upper = simd.splat_u64s(0xFFFF_FFFF_0000_0000);
        let sum = simd.add_f64s(t, simd.splat_f64s(PLACE + 2046.0 + 0.5));
        let whole = simd.and_u64s(simd.transmute_u64s_f64s(sum), upper);
        let k = simd.sub_f64s(simd.transmute_f64s_u64s(whole), simd.splat_f64s(PLACE + 2046.0));
        // An odd k leaves its half in bit 31, which the shift throws away.
        let half = simd.add_f64s(simd.mul_f64s(k, simd.splat_f64s(0.5)), simd.splat_f64s(PLACE + 1023.0));
        let first = left_20(simd, simd.transmute_u64s_f64s(half));
        let second = simd.sub_u64s(left_20(simd, whole), first);
        (k, simd.transmute_f64s_u64s(first), simd.transmute_f64s_u64s(second))
    }
    #[inline(always)]
    fn whole_power<S: Simd>(simd: S, t: S::f64s) -> (S::f64s, S::f64s) {
        const PLACE: f64 = 1.5 * 1_048_576.0 + 1023.0;
        let upper = simd.splat_u64s(0xFFFF_FFFF_0000_0000);
        let sum = simd.add_f64s(t, simd.splat_f64s(PLACE + 0.5));
        let whole = simd.and_u64s(simd.transmute_u64s_f64s(sum), upper);
        let k = simd.sub_f64s(simd.transmute_f64s_u64s(whole), simd.splat_f64s(PLACE));
        (k, simd.transmute_f64s_u64s(left_20(simd, whole)))
    }
    #[inline(always)]
    fn exponent<S: Simd>(simd: S, x: S::f64s) -> (S::f64s, S::f64s) {
        const ONE: u64 = 0x3FF0_0000_0000_0000;
        // 2²⁰: bit 32 is its unit.
        const PLACE: u64 = 0x4130_0000_0000_0000;
        let word = simd.add_u64s(simd.transmute_u64s_f64s(x), simd.splat_u64s(ONE - ROOT_HALF_F64));
        let field = right_20(simd, simd.and_u64s(word, simd.splat_u64s(0x7FF0_0000_0000_0000)));
        let e = simd.transmute_f64s_u64s(simd.or_u64s(field, simd.splat_u64s(PLACE)));
        let e = simd.sub_f64s(e, simd.splat_f64s(1_048_576.0 + 1023.0));
        let m = simd.and_u64s(word, simd.splat_u64s(0x000F_FFFF_FFFF_FFFF));
        let m = simd.add_u64s(m, simd.splat_u64s(ROOT_HALF_F64));
        (e, simd.transmute_f64s_u64s(m))
    }
    #[inline(always)]
    fn one(self) -> f64 {
        self
    }
    #[inline(always)]
    fn only(x: f64) -> Self {
        x
    }
}

impl Bits for f32 {
    #[inline(always)]
    fn nearest_power<S: Simd>(simd: S, t: S::f32s) -> (S::f32s, S::f32s, S::f32s) {
        // The unit of a number near 1.5·2²³ is bit 0; adding rounds to nearest.
        const PLACE: f32 = 1.5 * 8_388_608.0;
        let left_23 = simd.splat_u32s(1 << 23);
        let sum = simd.add_f32s(t, simd.splat_f32s(PLACE + 254.0));
        let k = simd.sub_f32s(sum, simd.splat_f32s(PLACE + 254.0));
        let half = simd.add_f32s(simd.mul_f32s(k, simd.splat_f32s(0.5)), simd.splat_f32s(PLACE + 127.0));
        let first = simd.mul_u32s(simd.transmute_u32s_f32s(half), left_23);
        let both = simd.mul_u32s(simd.transmute_u32s_f32s(sum), left_23);
        let second = simd.sub_u32s(both, first);
        (k, simd.transmute_f32s_u32s(first), simd.transmute_f32s_u32s(second))
    }
    #[inline(always)]
    fn whole_power<S: Simd>(simd: S, t: S::f32s) -> (S::f32s, S::f32s) {
        const PLACE: f32 = 1.5 * 8_388_608.0 + 127.0;
        let sum = simd.add_f32s(t, simd.splat_f32s(PLACE));
        let k = simd.sub_f32s(sum, simd.splat_f32s(PLACE));
        let power = simd.mul_u32s(simd.transmute_u32s_f32s(sum), simd.splat_u32s(1 << 23));
        (k, simd.transmute_f32s_u32s(power))
    }
    #[inline(always)]
    fn exponent<S: Simd>(simd: S, x: S::f32s) -> (S::f32s, S::f32s) {
        const ONE: u32 = 0x3F80_0000;
        // 2²³: bit 0 is its unit.
        const PLACE: u32 = 0x4B00_0000;
        let word = simd.add_u32s(simd.transmute_u32s_f32s(x), simd.splat_u32s(ONE - ROOT_HALF_F32));
        let field = simd.and_u32s(word, simd.splat_u32s(0x7F80_0000));
        let field = simd.wrapping_dyn_shr_u32s(field, simd.splat_u32s(23));
        let e = simd.transmute_f32s_u32s(simd.or_u32s(field, simd.splat_u32s(PLACE)));
        let e = simd.sub_f32s(e, simd.splat_f32s(8_388_608.0 + 127.0));
        let m = simd.and_u32s(word, simd.splat_u32s(0x007F_FFFF));
        let m = simd.add_u32s(m, simd.splat_u32s(ROOT_HALF_F32));
        (e, simd.transmute_f32s_u32s(m))
    }
    #[inline(always)]
    fn one(self) -> f32 {
        self
    }
    #[inline(always)]
    fn only(x: f32) -> Self {
        x
    }
}
