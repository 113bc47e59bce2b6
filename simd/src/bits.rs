//! Numbers taken apart into exponent and significand, and put together again, in registers.
//!
//! pulp converts no number to an integer and shifts no 64-bit word, so both are done by hand. Adding
//! 1.5·2^p to a number of moderate size brings its integer part to a fixed place of the word, where it
//! is read as an integer. Shifts to the left are written as multiplications, which every compiler turns
//! back and which no instruction set of pulp's spells out lane by lane, as WebAssembly does shifts. A 64-bit shift by 20 is a shift of 32-bit halves, because the wanted bits lie
//! in the upper half before and after it.

use pulp::{Scalar, Simd, bytemuck};

use crate::bare::Bare;
use crate::vectors::Vectors;

/// 2^k, k = e + j/16 with an integer e and 0 ≤ j < 16.
#[allow(missing_debug_implementations)] // Registers have none.
pub struct Power<V, P> {
    /// k
    pub k: V,
    /// 2^(j/16)·e^c, rounded to nearest; c is [`ROOT_SHIFT`] in `f64`, 0 in `f32`
    pub root: V,
    /// 2^e, or factors of it
    pub power: P,
}

/// Exponents of registers, exact for every number they are asked about.
pub trait Bits: Vectors + Bare {
    /// The number k nearest to t among those of which 2^k is known: multiples of 1/16 in `f64`, integers in `f32`. k,
    /// the root of 2^(k − ⌊k⌋), which is 1 in `f32`, and 2^⌊k⌋ in two factors that are normal numbers.
    ///
    /// For |k| ≤ 1100 (`f64`) or 200 (`f32`); for NaN root and powers are arbitrary, the root finite.
    fn nearest_power<S: Simd>(simd: S, t: Self::Vector<S>) -> Power<Self::Vector<S>, [Self::Vector<S>; 2]>;
    /// The same with 2^⌊k⌋ in one. For ⌊k⌋ from −1022 to 1023 (`f64`) or from −126 to 127 (`f32`); else arbitrary.
    fn whole_power<S: Simd>(simd: S, t: Self::Vector<S>) -> Power<Self::Vector<S>, Self::Vector<S>>;
    /// The number k nearest to t, and 2^k with the excess of its root: root times power of [`whole_power`](Bits::whole_power),
    /// for fewer k: both must be normal numbers.
    fn scaled_root<S: Simd>(simd: S, t: Self::Vector<S>) -> (Self::Vector<S>, Self::Vector<S>);
    /// The number whose unit is ¼, in `f32` 1, half way between two powers of 2.
    const BINARY_PLACE: Self;
    /// 2^(w − u) for w − u from −1023 to 1 (`f64`), or from −127 (`f32`), where `place` is [`BINARY_PLACE`](Bits::BINARY_PLACE)
    /// less u, a multiple of ¼ (1) that is exact there: w − k, exactly, and 2^(k − u), where k is the multiple of ¼ (1) nearest
    /// to w. Below the normal numbers, what stands for 2^(k − u) is below them too, and 0 at the lower end. Of NaN the
    /// difference is NaN.
    fn binary_power<S: Simd>(
        simd: S,
        w: Self::Vector<S>,
        place: Self::Vector<S>,
    ) -> (Self::Vector<S>, Self::Vector<S>);
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

/// 2^(j/16)·e^c with the c of [`ROOT_SHIFT`], rounded to nearest.
const ROOTS: [f64; 16] = [
    0.999_906_035_140_502_5,
    1.044_175_657_388_171,
    1.090_405_263_259_376_8,
    1.138_681_628_642_629_3,
    1.189_095_371_323_246_4,
    1.241_741_121_078_656_6,
    1.296_717_697_304_466,
    1.354_128_294_504_701,
    1.414_080_675_994_407_1,
    1.476_687_376_178_193_8,
    1.542_065_911_784_415_8,
    1.610_339_002_451_490_5,
    1.681_634_801_080_406_5,
    1.756_087_134_385_807_8,
    1.833_835_754_097_185_7,
    1.915_026_599_281_696_8,
];
/// A number for which all of [`ROOTS`] are within 0.15 units in the last place of the truth, where roots as such would be
/// within 0.48: what looking them up costs e^x (the idea is Gal's, 1986; a search among 80 million found it).
pub(crate) const ROOT_SHIFT: f64 = -9.396_927_447_151_475e-5;

/// [`ROOTS`] of the lowest four bits of every word. AVX-512 holds the table in two registers; elsewhere it is memory, which is
/// as fast as gathers are.
#[inline(always)]
fn roots<S: Simd>(simd: S, mut words: S::u64s) -> S::f64s {
    #[cfg(target_arch = "x86_64")]
    if let Some(v4) = (&simd as &dyn core::any::Any).downcast_ref::<pulp::x86::V4>() {
        let [low, high]: [pulp::f64x8; 2] = view(ROOTS);
        return view(v4.avx512f._mm512_permutex2var_pd(view(low), view(words), view(high)));
    }
    for word in bytemuck::cast_slice_mut::<_, u64>(core::slice::from_mut(&mut words)) {
        *word = ROOTS[(*word & 15) as usize].to_bits();
    }
    simd.transmute_f64s_u64s(words)
}

/// 2^(j/4), rounded to nearest, less j/4 of an exponent: what is added to its word is 4·k + j, shifted to the exponent.
const QUARTERS: [u64; 4] = [
    1.0_f64.to_bits(),
    1.189_207_115_002_721_f64.to_bits() - (1 << 50),
    core::f64::consts::SQRT_2.to_bits() - (2 << 50),
    1.681_792_830_507_429_f64.to_bits() - (3 << 50),
];

/// 2^(n/4) of the integers that words end in, as far as exponents go.
#[inline(always)]
fn quarters<S: Simd>(simd: S, mut words: S::u64s) -> S::f64s {
    #[cfg(target_arch = "x86_64")]
    {
        let [a, b, c, d] = QUARTERS;
        let simd = &simd as &dyn core::any::Any;
        if let Some(v4) = simd.downcast_ref::<pulp::x86::V4>() {
            let n = view(words);
            let roots = v4.avx512f._mm512_permutexvar_pd(n, view([a, b, c, d, a, b, c, d]));
            return view(v4.avx512f._mm512_add_epi64(view(roots), v4.avx512f._mm512_slli_epi64::<50>(n)));
        }
        if let Some(v3) = simd.downcast_ref::<pulp::x86::V3>() {
            // Bit 1 chooses in each of two tables, bit 0 between them: nothing leaves the registers.
            let n = view(words);
            let even = v3.avx._mm256_permutevar_pd(view([a, c, a, c]), n);
            let odd = v3.avx._mm256_permutevar_pd(view([b, d, b, d]), n);
            let is_odd = view(v3.avx2._mm256_slli_epi64::<63>(n));
            let roots = v3.avx._mm256_blendv_pd(even, odd, is_odd);
            return view(v3.avx2._mm256_add_epi64(view(roots), v3.avx2._mm256_slli_epi64::<50>(n)));
        }
    }
    for word in bytemuck::cast_slice_mut::<_, u64>(core::slice::from_mut(&mut words)) {
        *word = QUARTERS[(*word & 3) as usize].wrapping_add(*word << 50);
    }
    simd.transmute_f64s_u64s(words)
}

/// The multiple of 1/16 nearest to t, and its root.
#[inline(always)]
fn nearest_root<S: Simd>(simd: S, t: S::f64s) -> (S::f64s, S::f64s) {
    // The unit of a number near 1.5·2⁴⁸ is 1/16; adding rounds to nearest.
    const PLACE: f64 = 1.5 * 281_474_976_710_656.0;
    let place = simd.splat_f64s(PLACE);
    let sum = simd.add_f64s(t, place);
    (simd.sub_f64s(sum, place), roots(simd, simd.transmute_u64s_f64s(sum)))
}

/// The significand of √½ rounded down to 20 bits, with its exponent.
const ROOT_HALF_F64: u64 = 0x3FE6_A09E_0000_0000;
/// √½ in `f32`.
const ROOT_HALF_F32: u32 = 0x3F35_04F3;

impl Bits for f64 {
    const BINARY_PLACE: Self = 1.5 * 1_125_899_906_842_624.0;
    #[inline(always)]
    fn nearest_power<S: Simd>(simd: S, t: S::f64s) -> Power<S::f64s, [S::f64s; 2]> {
        // The unit of a number near 1.5·2²⁰ is bit 32. The exponent biases ride along.
        const PLACE: f64 = 1.5 * 1_048_576.0;
        let (k, root) = nearest_root(simd, t);
        let upper = simd.splat_u64s(0xFFFF_FFFF_0000_0000);
        let sum = simd.add_f64s(k, simd.splat_f64s(PLACE + 2046.0));
        let whole = simd.and_u64s(simd.transmute_u64s_f64s(sum), upper);
        let e = simd.sub_f64s(simd.transmute_f64s_u64s(whole), simd.splat_f64s(PLACE + 2046.0));
        // An odd e leaves its half in bit 31, which the shift throws away.
        let half = simd.add_f64s(simd.mul_f64s(e, simd.splat_f64s(0.5)), simd.splat_f64s(PLACE + 1023.0));
        let first = left_20(simd, simd.transmute_u64s_f64s(half));
        let second = simd.sub_u64s(left_20(simd, whole), first);
        Power { k, root, power: [first, second].map(|power| simd.transmute_f64s_u64s(power)) }
    }
    #[inline(always)]
    fn whole_power<S: Simd>(simd: S, t: S::f64s) -> Power<S::f64s, S::f64s> {
        // The unit of a number near 1.5·2²⁰ is bit 32; what is left of it are bits 28 to 31, which the shift throws away.
        const PLACE: f64 = 1.5 * 1_048_576.0 + 1023.0;
        let (k, root) = nearest_root(simd, t);
        let sum = simd.add_f64s(k, simd.splat_f64s(PLACE));
        let power = left_20(simd, simd.transmute_u64s_f64s(sum));
        Power { k, root, power: simd.transmute_f64s_u64s(power) }
    }
    #[inline(always)]
    fn scaled_root<S: Simd>(simd: S, t: S::f64s) -> (S::f64s, S::f64s) {
        // As above without a bias: the exponent is added to that of the root.
        const PLACE: f64 = 1.5 * 1_048_576.0;
        let (k, root) = nearest_root(simd, t);
        let sum = simd.add_f64s(k, simd.splat_f64s(PLACE));
        let exponent = left_20(simd, simd.transmute_u64s_f64s(sum));
        (k, simd.transmute_f64s_u64s(simd.add_u64s(simd.transmute_u64s_f64s(root), exponent)))
    }
    #[inline(always)]
    fn binary_power<S: Simd>(simd: S, w: S::f64s, place: S::f64s) -> (S::f64s, S::f64s) {
        let sum = simd.add_f64s(w, place);
        let rest = simd.sub_f64s(w, simd.sub_f64s(sum, place));
        (rest, quarters(simd, simd.transmute_u64s_f64s(sum)))
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
    const BINARY_PLACE: Self = 1.5 * 8_388_608.0;
    #[inline(always)]
    fn nearest_power<S: Simd>(simd: S, t: S::f32s) -> Power<S::f32s, [S::f32s; 2]> {
        // The unit of a number near 1.5·2²³ is bit 0; adding rounds to nearest.
        const PLACE: f32 = 1.5 * 8_388_608.0;
        let left_23 = simd.splat_u32s(1 << 23);
        let sum = simd.add_f32s(t, simd.splat_f32s(PLACE + 254.0));
        let k = simd.sub_f32s(sum, simd.splat_f32s(PLACE + 254.0));
        let half = simd.add_f32s(simd.mul_f32s(k, simd.splat_f32s(0.5)), simd.splat_f32s(PLACE + 127.0));
        let first = simd.mul_u32s(simd.transmute_u32s_f32s(half), left_23);
        let both = simd.mul_u32s(simd.transmute_u32s_f32s(sum), left_23);
        let second = simd.sub_u32s(both, first);
        let power = [first, second].map(|power| simd.transmute_f32s_u32s(power));
        Power { k, root: simd.splat_f32s(1.0), power }
    }
    #[inline(always)]
    fn whole_power<S: Simd>(simd: S, t: S::f32s) -> Power<S::f32s, S::f32s> {
        const PLACE: f32 = 1.5 * 8_388_608.0 + 127.0;
        let sum = simd.add_f32s(t, simd.splat_f32s(PLACE));
        let k = simd.sub_f32s(sum, simd.splat_f32s(PLACE));
        let power = simd.mul_u32s(simd.transmute_u32s_f32s(sum), simd.splat_u32s(1 << 23));
        Power { k, root: simd.splat_f32s(1.0), power: simd.transmute_f32s_u32s(power) }
    }
    #[inline(always)]
    fn scaled_root<S: Simd>(simd: S, t: S::f32s) -> (S::f32s, S::f32s) {
        let found = Self::whole_power(simd, t);
        (found.k, found.power)
    }
    #[inline(always)]
    fn binary_power<S: Simd>(simd: S, w: S::f32s, place: S::f32s) -> (S::f32s, S::f32s) {
        const ONE: u32 = 0x3F80_0000;
        let sum = simd.add_f32s(w, place);
        let rest = simd.sub_f32s(w, simd.sub_f32s(sum, place));
        let exponent = simd.mul_u32s(simd.transmute_u32s_f32s(sum), simd.splat_u32s(1 << 23));
        (rest, simd.transmute_f32s_u32s(simd.add_u32s(exponent, simd.splat_u32s(ONE))))
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
