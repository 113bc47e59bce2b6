//! The sealed scalar type of the whole project: `f32` and `f64`, nothing else.
//!
//! Everything here gives the same bits on every target: the operations are IEEE 754's own, the
//! elementary functions come from `libm`, and nothing is fused.

use core::fmt::{Debug, Display};
use core::iter::Sum;
use core::ops::{Add, AddAssign, Div, DivAssign, Mul, MulAssign, Neg, Sub, SubAssign};

#[cfg(all(target_arch = "arm", target_abi = "eabihf", not(feature = "std")))]
use crate::arm::sqrtf;
use crate::elementary::Constants;
#[cfg(not(any(feature = "std", all(target_arch = "arm", target_abi = "eabihf"))))]
use libm::sqrtf;

/// A real number that the solvers compute with: `f32` or `f64` (sealed).
///
/// The trait lists what the solvers need of a scalar. Vectors stay inside this crate.
pub trait Real:
    Constants
    + Default
    + PartialOrd
    + PartialEq
    + Debug
    + Display
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + DivAssign
    + Sum
    + 'static
{
    /// 0
    const ZERO: Self;
    /// 1
    const ONE: Self;
    /// 2
    const TWO: Self;
    /// ½
    const HALF: Self;
    /// π, rounded to nearest
    const PI: Self;
    /// The distance from 1 to the next larger number (2⁻²³ or 2⁻⁵²).
    const EPSILON: Self;
    /// The largest finite number.
    const MAX: Self;
    /// The smallest positive normal number.
    const MIN_POSITIVE: Self;
    /// +∞
    const INFINITY: Self;
    /// A quiet NaN.
    const NAN: Self;

    /// Rounds an `f64` to this type.
    fn from_f64(value: f64) -> Self;
    /// Rounds a count to this type (exact up to 2²⁴ in `f32`).
    fn from_u32(value: u32) -> Self;
    /// Rounds a count to this type (exact up to 2²⁴ in `f32`, 2⁵³ in `f64`).
    fn from_usize(value: usize) -> Self;
    /// Widens to `f64` (exact).
    fn to_f64(self) -> f64;
    /// A number in [0, 1) from the upper bits of a random word (24 bits in `f32`, 53 in `f64`).
    ///
    /// Both types take the same upper bits, so that a seed leads both through the same choices.
    fn unit_from_bits(bits: u64) -> Self;
    /// |self|
    #[must_use]
    fn abs(self) -> Self;
    /// √self, correctly rounded.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Two powers of two, 2^∓e and 2^±e (e = 96 in `f32`, 600 in `f64`): numbers of which `largest` is
    /// the largest, multiplied by the first, have squares that neither overflow nor vanish; the second
    /// takes a norm of them back.
    #[must_use]
    fn scale_for(largest: Self) -> (Self, Self);
    /// e^self, from `libm`.
    #[must_use]
    fn exp(self) -> Self;
    /// The natural logarithm, from `libm`.
    #[must_use]
    fn ln(self) -> Self;
    /// Neither infinite nor NaN.
    #[must_use]
    fn is_finite(self) -> bool;
    /// The larger of two numbers; the other one if one is NaN.
    #[must_use]
    fn max(self, other: Self) -> Self;
    /// The smaller of two numbers; the other one if one is NaN.
    #[must_use]
    fn min(self, other: Self) -> Self;
    /// The number as an unsigned word, for hashing and for comparing bits.
    #[must_use]
    fn bits(self) -> u64;
}

macro_rules! real {
    ($t:ident, $word:ident, $shift:literal, $scale:literal, $small:expr, $large:expr, $abs:path, $sqrt:path, $exp:path, $ln:path) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const TWO: Self = 2.0;
            const HALF: Self = 0.5;
            const PI: Self = core::$t::consts::PI;
            const EPSILON: Self = $t::EPSILON;
            const MAX: Self = $t::MAX;
            const MIN_POSITIVE: Self = $t::MIN_POSITIVE;
            const INFINITY: Self = $t::INFINITY;
            const NAN: Self = $t::NAN;

            #[inline(always)]
            #[allow(clippy::cast_possible_truncation)]
            fn from_f64(value: f64) -> Self {
                value as $t
            }
            #[inline(always)]
            fn from_u32(value: u32) -> Self {
                value as $t
            }
            #[inline(always)]
            fn from_usize(value: usize) -> Self {
                value as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn unit_from_bits(bits: u64) -> Self {
                // The shifted word fits the significand, so the casts and the product are exact.
                (bits >> $shift) as $word as $t * $scale
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $abs(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                // Both are correctly rounded; the processor's own instruction, where `libm` counts bits.
                #[cfg(feature = "std")]
                return $t::sqrt(self);
                #[cfg(not(feature = "std"))]
                $sqrt(self)
            }
            #[inline]
            fn scale_for(largest: Self) -> (Self, Self) {
                if largest > Self::ONE { ($small, $large) } else { ($large, $small) }
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                $ln(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                $t::is_finite(self)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                if self > other || other.is_nan() { self } else { other }
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                if self < other || other.is_nan() { self } else { other }
            }
            #[inline(always)]
            #[allow(clippy::useless_conversion)]
            fn bits(self) -> u64 {
                u64::from(self.to_bits())
            }
        }
    };
}

// 2⁻²⁴, 2^∓96, and 2⁻⁵³, 2^∓600.
real!(
    f32,
    u32,
    40,
    5.960_464_5e-8,
    f32::from_bits((127 - 96) << 23),
    f32::from_bits((127 + 96) << 23),
    libm::fabsf,
    sqrtf,
    libm::expf,
    libm::logf
);
real!(
    f64,
    u64,
    11,
    1.110_223_024_625_156_5e-16,
    f64::from_bits((1023 - 600) << 52),
    f64::from_bits((1023 + 600) << 52),
    libm::fabs,
    libm::sqrt,
    libm::exp,
    libm::log
);
