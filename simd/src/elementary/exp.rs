//! e^x.
//!
//! x = k·ln 2 + r with an integer k in `f32`, a multiple of 1/16 in `f64`, and r of at most half a step; then
//! e^x = 2^k·(1 + (r + r²·q(r))). The root 2^(k − ⌊k⌋) is looked up among sixteen (Tang, 1989), which halves the
//! polynomial; in `f32` it is 1, since the polynomial is short as it is. 2^⌊k⌋ comes in two factors, so that a subnormal
//! result is rounded once and 2^1024 can be formed.

use pulp::{Scalar, Simd};

use super::map::map;
use super::sums::add_lanes;
use crate::bits::Power;
use crate::dispatch::{few, pass, very_few};
use crate::map::{cut, cut_mut, pieces};
use crate::{LANES, Real, reduce};

/// e^x in a register, the operation behind every pass here.
#[inline(always)]
pub(crate) fn exp_register<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    // Comparing leaves NaN alone.
    let (low, high) = (T::splat(simd, T::EXP_LOW), T::splat(simd, T::EXP_HIGH));
    let (below, above) = (T::vless(simd, x, low), T::vless(simd, high, x));
    let x = T::vselect(simd, above, high, T::vselect(simd, below, low, x));
    let Power { k, root, power: [first, second] } =
        T::nearest_power(simd, T::vmul(simd, x, T::splat(simd, T::LOG2_E)));
    let y = reduced::<T, S>(simd, x, k, root);
    T::vmul(simd, T::vmul(simd, y, first), second)
}

/// root·e^r with r = x − k·ln 2, less what the root has of it already.
#[inline(always)]
fn reduced<T: Real, S: Simd>(simd: S, x: T::Vector<S>, k: T::Vector<S>, root: T::Vector<S>) -> T::Vector<S> {
    let (ln_2_high, ln_2_low) = T::EXP_LN_2;
    let high = T::vsub(simd, x, T::vmul(simd, k, T::splat(simd, ln_2_high)));
    let low = T::vmul(simd, k, T::splat(simd, ln_2_low));
    let low = if T::HAS_ROOTS { T::vadd(simd, low, T::splat(simd, T::ROOT_SHIFT)) } else { low };
    let r = T::vsub(simd, high, low);
    let square = T::vmul(simd, r, r);
    let growth = if T::HAS_ROOTS {
        let [a, b, c, d, e] = T::EXP.map(|c| T::splat(simd, c));
        let first = T::vadd(simd, a, T::vmul(simd, b, r));
        let second = T::vadd(simd, c, T::vmul(simd, d, r));
        let second = T::vadd(simd, second, T::vmul(simd, e, square));
        // Two products side by side: the chain of dependent operations is what an exponential takes.
        let fourth = T::vmul(simd, square, square);
        let first = T::vadd(simd, r, T::vmul(simd, square, first));
        T::vadd(simd, first, T::vmul(simd, fourth, second))
    } else {
        let q = polynomial::<T, S>(simd, &T::EXP, r, square);
        // r is large enough for its rounding to count: the exact part enters last.
        T::vadd(simd, high, T::vsub(simd, T::vmul(simd, square, q), low))
    };
    T::vadd(simd, root, T::vmul(simd, root, growth))
}

/// e^x for x up to `EXP_WHOLE`, with 0 for what is below e^−708 (`f64`) or e^−87 (`f32`): as for a term of a sum
/// whose largest is 1. Elsewhere the bits of [`exp_register`].
#[inline(always)]
pub(super) fn exp_term<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    let vanishes = T::vless(simd, x, T::splat(simd, T::EXP_NORMAL));
    let Power { k, root, power } = T::whole_power(simd, T::vmul(simd, x, T::splat(simd, T::LOG2_E)));
    let y = T::vmul(simd, reduced::<T, S>(simd, x, k, root), power);
    T::vselect(simd, vanishes, T::splat(simd, T::ZERO), y)
}

/// e^x with 0 below e^−708 (`f64`; e^−87 in `f32`) and +∞ above e^709 (e^88), where one power of two serves;
/// between, the bits of [`exp_register`].
#[inline(always)]
pub(super) fn exp_whole<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    let exceeds = T::vless(simd, T::splat(simd, T::EXP_WHOLE), x);
    T::vselect(simd, exceeds, T::splat(simd, T::INFINITY), exp_term::<T, S>(simd, x))
}

/// A polynomial, constant term first: groups of four coefficients in the manner of Estrin (1960), the
/// groups by Horner's rule in x⁴. The chain of dependent operations is half as long as Horner's, for one
/// multiplication more.
#[inline(always)]
pub(super) fn polynomial<T: Real, S: Simd>(
    simd: S,
    coefficients: &[T],
    x: T::Vector<S>,
    square: T::Vector<S>,
) -> T::Vector<S> {
    let (groups, rest) = coefficients.as_chunks::<4>();
    let mut top = rest.iter().rev();
    let mut y = top.next().map(|&c| T::splat(simd, c));
    for &c in top {
        let c = T::splat(simd, c);
        y = y.map(|y| T::vadd(simd, T::vmul(simd, y, x), c));
    }
    let fourth = T::vmul(simd, square, square);
    for &[a, b, c, d] in groups.iter().rev() {
        let low = T::vadd(simd, T::splat(simd, a), T::vmul(simd, T::splat(simd, b), x));
        let high = T::vadd(simd, T::splat(simd, c), T::vmul(simd, T::splat(simd, d), x));
        let group = T::vadd(simd, low, T::vmul(simd, high, square));
        y = Some(y.map_or(group, |y| T::vadd(simd, group, T::vmul(simd, y, fourth))));
    }
    y.unwrap_or(T::splat(simd, T::ZERO))
}

/// e^x of one number, with the bits of [`exp`].
#[cfg_attr(feature = "std", inline(always))]
#[cfg_attr(not(feature = "std"), inline(never))] // Called from many places: flash counts there.
#[must_use]
pub fn exp_scalar<T: Real>(x: T) -> T {
    T::only(exp_register::<T, Scalar>(Scalar::new(), x.one()))
}

pass! {
    /// yᵢ ← e^(xᵢ). Errors and special values: see the [module](crate::elementary). Cost: 1 r, 1 w,
    /// 37 operations in `f64`, 32 in `f32`.
    short(very_few(x)) pub fn exp<'a, T>(x: &'a [T], y: &'a mut [T]) -> () = exp_kernel
}

#[inline(always)]
pub(crate) fn exp_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) {
    map!(simd, x => y, |v| exp_register::<T, S>(simd, v));
}

pass! {
    /// xᵢ ← e^(xᵢ): [`exp`] in place. Cost: 1 r, 1 w, as many operations.
    short(very_few(x)) pub fn exp_in_place<'a, T>(x: &'a mut [T]) -> () = exp_in_place_kernel
}

#[inline(always)]
pub(crate) fn exp_in_place_kernel<T: Real, S: Simd>(simd: S, x: &mut [T]) {
    map!(simd, x, |v| exp_register::<T, S>(simd, v));
}

/// Elements that a pass maps before it sums them up; a multiple of the lanes.
pub(super) const BLOCK: usize = 128;

pass! {
    /// yⱼ ← e^(xⱼ − m), and Σ yⱼ in [`LANES`] virtual lanes. Cost: 1 r, 1 w, 2 operations
    /// more than [`exp`].
    short(few(x)) pub fn exp_sum<'a, T>(x: &'a [T], m: T, y: &'a mut [T]) -> T = exp_sum_kernel
}

#[inline(always)]
pub(crate) fn exp_sum_kernel<T: Real, S: Simd>(simd: S, x: &[T], m: T, y: &mut [T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let m = T::splat(simd, m);
    let n = x.len().min(y.len());
    for (x, y) in pieces::<BLOCK, _>(cut(x, n)).zip(cut_mut(y, n).chunks_mut(BLOCK)) {
        map!(simd, x => y, |v| exp_register::<T, S>(simd, T::vsub(simd, v, m)));
        add_lanes(simd, &mut lanes, y);
    }
    reduce(&lanes)
}

pass! {
    /// xⱼ ← e^(xⱼ − m), and Σ xⱼ: [`exp_sum`] in place. Cost: 1 r, 1 w, as many operations.
    short(few(x)) pub fn exp_sum_in_place<'a, T>(m: T, x: &'a mut [T]) -> T = exp_sum_in_place_kernel
}

#[inline(always)]
pub(crate) fn exp_sum_in_place_kernel<T: Real, S: Simd>(simd: S, m: T, x: &mut [T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    add_exponentials(simd, m, x, &mut lanes);
    reduce(&lanes)
}

/// x ← e^(x − m), added to running lanes; the length of what was added before is a multiple of the lanes.
#[inline(always)]
pub(super) fn add_exponentials<T: Real, S: Simd>(simd: S, m: T, x: &mut [T], lanes: &mut [T; LANES]) {
    let m = T::splat(simd, m);
    for x in x.chunks_mut(BLOCK) {
        map!(simd, x, |v| exp_register::<T, S>(simd, T::vsub(simd, v, m)));
        add_lanes(simd, lanes, x);
    }
}
