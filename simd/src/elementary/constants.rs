//! The numbers behind exp and ln.
//!
//! # How the coefficients were made
//! The polynomials are minimax by Remez's exchange (Remez, 1934), computed with 60 decimal digits and
//! rounded coefficient by coefficient:
//! - *exp*: q of degree 4 that minimises the maximum of |1 + r + r²·q(r) − e^r|/e^r over |r| ≤ ½·(ln 2)/16 + 2⁻¹³ in
//!   `f64`, |r| ≤ ½·ln 2 in `f32` (a hair more, since reduction rounds): 2⁻⁵⁶·² and 2⁻²⁸·³;
//! - *2^w* of rows: p of degree 7 or 5 that minimises the maximum of |1 + r·p(r) − 2^r|/2^r over |r| ≤ ⅛ in `f64`, ½ in
//!   `f32`: 2⁻⁵⁸·¹ and 2⁻²⁸·⁵. Its last four terms, d + c·r + b·r² + a·r³ but for the power before them, are
//!   (b + a·r)·(r² + c/a) + (d − b·c/a), one multiplication less;
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
    /// For |x| up to here all of e^x may be computed relative to its power of two, to the same bits.
    const EXP_PLAIN: Self;
    /// 1/ln 2
    const LOG2_E: Self;
    /// The leading bits of ln 2.
    const LN_2_HIGH: Self;
    /// ln 2 less [`Constants::LN_2_HIGH`].
    const LN_2_LOW: Self;
    /// Whether exponents are multiples of 1/16, whose roots are looked up, rather than integers.
    const HAS_ROOTS: bool;
    /// What the logarithms of the roots have in excess.
    const ROOT_SHIFT: Self;
    /// ln 2 as a sum for the reduction of e^x, where the first times any exponent is exact.
    const EXP_LN_2: (Self, Self);
    /// q, constant term first.
    const EXP: [Self; 5];
    /// p, constant term first.
    const LN: &'static [Self];
    /// The least w of which 2^w is formed, as 0: what is less takes its place.
    const BINARY_LOW: Self;
    /// Up to here the largest exponent of a row may be rounded to what [`Bits::binary_power`] is relative to.
    const BINARY_NEAR: Self;
    /// ln 2, rounded to nearest.
    const LN_2: Self;
    /// p of 2^w, constant term first, by pairs; all but its last four terms.
    const BINARY: &'static [[Self; 2]];
    /// a, b, c and d, so that (a + b·r)·(r² + c) + d are the last four terms of p, divided by what r has of a power there.
    const BINARY_TOP: [Self; 4];
    /// A power of two that makes every subnormal number normal, and its exponent.
    const LIFT: (Self, Self);
}

impl Constants for f64 {
    const EXP_LOW: Self = -746.0;
    const EXP_HIGH: Self = 710.0;
    const EXP_NORMAL: Self = -708.0;
    const EXP_WHOLE: Self = 709.0;
    const EXP_PLAIN: Self = 660.0;
    const LOG2_E: Self = core::f64::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.693_147_180_559_890_3;
    const LN_2_LOW: Self = 5.497_923_018_708_371e-14;
    const HAS_ROOTS: bool = true;
    const ROOT_SHIFT: Self = crate::bits::ROOT_SHIFT;
    const EXP_LN_2: (Self, Self) = (0.693_147_180_558_298_7, 1.646_594_958_289_708_2e-12);
    const EXP: [Self; 5] = [
        0.499_999_999_999_995_95,
        0.166_666_666_643_786_88,
        0.041_666_666_693_714_23,
        0.008_333_473_126_058_477,
        0.001_388_859_150_344_659_3,
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
    const BINARY_LOW: Self = -1023.0;
    const BINARY_NEAR: Self = 1_099_511_627_776.0;
    const LN_2: Self = core::f64::consts::LN_2;
    const BINARY: &'static [[Self; 2]] = &[
        [0.693_147_180_559_945_1, 0.240_226_506_959_100_58],
        [0.055_504_108_665_013_41, 0.009_618_129_107_721_573],
    ];
    const BINARY_TOP: [Self; 4] = [
        1.525_637_496_761_788_1e-5,
        1.322_306_125_504_332_9e-6,
        116.489_885_290_392_3,
        -0.000_443_857_598_707_098_3,
    ];
    const LIFT: (Self, Self) = (18_014_398_509_481_984.0, 54.0);
}

impl Constants for f32 {
    const EXP_LOW: Self = -104.0;
    const EXP_HIGH: Self = 89.0;
    const EXP_NORMAL: Self = -87.0;
    const EXP_WHOLE: Self = 88.0;
    const EXP_PLAIN: Self = 87.0;
    const LOG2_E: Self = core::f32::consts::LOG2_E;
    const LN_2_HIGH: Self = 0.693_145_75;
    const LN_2_LOW: Self = 1.428_606_8e-6;
    const HAS_ROOTS: bool = false;
    const ROOT_SHIFT: Self = 0.0;
    const EXP_LN_2: (Self, Self) = (Self::LN_2_HIGH, Self::LN_2_LOW);
    const EXP: [Self; 5] = [0.499_999_94, 0.166_665_21, 0.041_668_39, 0.008_368_727, 0.001_381_457_7];
    const LN: &'static [Self] = &[0.666_667_76, 0.399_774_52, 0.298_743_58];
    const BINARY_LOW: Self = -127.0;
    const BINARY_NEAR: Self = 1_048_576.0;
    const LN_2: Self = core::f32::consts::LN_2;
    const BINARY: &'static [[Self; 2]] = &[[0.693_147_24, 0.240_226_52]];
    const BINARY_TOP: [Self; 4] = [0.001_340_664_3, 0.000_155_946_78, 61.672_916, -0.027_179_576];
    const LIFT: (Self, Self) = (33_554_432.0, 25.0);
}
