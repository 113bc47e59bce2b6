//! The numbers behind exp and ln.
//!
//! # How the coefficients were made
//! Both polynomials are minimax by Remez's exchange (Remez, 1934), computed with 60 decimal digits and
//! rounded coefficient by coefficient:
//! - *exp*: q of degree 9 (`f64`) or 4 (`f32`) that minimises the maximum of
//!   |1 + r + r²·q(r) − e^r|/e^r over |r| ≤ ½·ln 2 (a hair more, since reduction rounds): 2⁻⁵⁷·⁹ and
//!   2⁻²⁸·³;
//! - *ln*: p of degree 6 or 2 that minimises the maximum of ½·|2 + z·p(z) − (1/s)·ln((1+s)/(1−s))|,
//!   z = s², over 0 ≤ s ≤ (√2 − 1)/(√2 + 1): 2⁻⁵⁹·⁵ and 2⁻³⁰·².
//!
//! ln 2 is the sum of two numbers, the first of so few bits that its product with any exponent is exact
//! (Cody and Waite, 1980).

use crate::bits::Bits;

/// Constants of one precision.
pub trait Constants: Bits + 'static {
    /// Below it, e^x rounds to 0.
    const EXP_LOW: Self;
    /// Above it, e^x is larger than any number.
    const EXP_HIGH: Self;
    /// e^x is a normal number from here up to 0.
    const EXP_NORMAL: Self;
    /// e^x is at most 1.4 times a power of two that is a number, from 0 up to here.
    const EXP_WHOLE: Self;
    /// 1/ln 2
    const LOG2_E: Self;
    /// The leading bits of ln 2.
    const LN_2_HIGH: Self;
    /// ln 2 less [`Constants::LN_2_HIGH`].
    const LN_2_LOW: Self;
    /// q, constant term first.
    const EXP: &'static [Self];
    /// p, constant term first.
    const LN: &'static [Self];
    /// A power of two that makes every subnormal number normal, and its exponent.
    const LIFT: (Self, Self);
}

impl Constants for f64 {
    const EXP_LOW: Self = -746.0;
    const EXP_HIGH: Self = 710.0;
    const EXP_NORMAL: Self = -708.0;
    const EXP_WHOLE: Self = 709.0;
    const LOG2_E: Self = core::f64::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.693_147_180_559_890_3;
    const LN_2_LOW: Self = 5.497_923_018_708_371e-14;
    const EXP: &'static [Self] = &[
        0.500_000_000_000_001_1,
        0.166_666_666_666_664_13,
        0.041_666_666_666_530_267,
        0.008_333_333_333_494_338,
        0.001_388_888_894_359_825_6,
        0.000_198_412_695_067_713_67,
        2.480_149_313_556_744_4e-5,
        2.755_758_627_169_227_3e-6,
        2.763_023_415_029_224_5e-7,
        2.500_007_114_754_159e-8,
    ];
    const LN: &'static [Self] = &[
        0.666_666_666_666_673_5,
        0.399_999_999_994_076_54,
        0.285_714_287_441_008_24,
        0.222_221_983_829_625_35,
        0.181_835_749_165_102_23,
        0.153_137_625_167_524_47,
        0.147_989_947_883_276,
    ];
    const LIFT: (Self, Self) = (18_014_398_509_481_984.0, 54.0);
}

impl Constants for f32 {
    const EXP_LOW: Self = -104.0;
    const EXP_HIGH: Self = 89.0;
    const EXP_NORMAL: Self = -87.0;
    const EXP_WHOLE: Self = 88.0;
    const LOG2_E: Self = core::f32::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.693_145_75;
    const LN_2_LOW: Self = 1.428_606_8e-6;
    const EXP: &'static [Self] = &[0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_727, 0.001_381_457_7];
    const LN: &'static [Self] = &[0.666_667_76, 0.399_774_52, 0.298_743_58];
    const LIFT: (Self, Self) = (33_554_432.0, 25.0);
}
