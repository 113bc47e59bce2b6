//! Proximal maps and projections that act on every element by itself, and the sign of a residual.
//!
//! A NaN stays NaN.

use pulp::Simd;

use crate::dispatch::{brief, few, is_far_off, pass, slight};
use crate::map::{map, map_total};
use crate::paths::is_loop;
use crate::vector::sum_abs_kernel;
use crate::{Lanes, Real};

/// S_t(x): x drawn towards zero by t, and +0 where |x| ≤ t.
#[inline(always)]
fn shrunk<T: Real, S: Simd>(simd: S, x: T::Vector<S>, t: T::Vector<S>) -> T::Vector<S> {
    let zero = T::splat(simd, T::ZERO);
    let signed = T::vselect(simd, T::vless(simd, x, zero), T::vneg(simd, t), t);
    let inside = T::vless_equal(simd, T::vabs(simd, x), t);
    T::vselect(simd, inside, zero, T::vsub(simd, x, signed))
}

pass! {
    /// Soft threshold, the proximal map of t·‖x‖₁: xᵢ ← sign(xᵢ)·max(|xᵢ| − t, 0), with +0 where
    /// |xᵢ| ≤ t. Cost: 1 r, 1 w, 2 operations.
    short(slight(x)) pub fn soft_threshold<'a, T>(t: T, x: &'a mut [T]) -> () = soft_kernel
}

#[inline(always)]
fn soft_kernel<T: Real, S: Simd>(simd: S, t: T, x: &mut [T]) {
    map!(simd, x; { let t = T::splat(simd, t); } shrunk::<T, _>(simd, x, t));
}

pass! {
    /// Soft threshold with a threshold for each element: xᵢ ← sign(xᵢ)·max(|xᵢ| − tᵢ, 0).
    /// Cost: 2 r, 1 w, 2 operations.
    short(slight(x)) narrow(is_far_off(x)) pub fn soft_threshold_each<'a, T>(t: &'a [T], x: &'a mut [T]) -> () = soft_each_kernel
}

#[inline(always)]
fn soft_each_kernel<T: Real, S: Simd>(simd: S, t: &[T], x: &mut [T]) {
    map!(simd, x, t; {} shrunk::<T, _>(simd, x, t));
}

/// x, but not below `lower` and not above `upper`; the upper bound wins where they cross.
#[inline(always)]
fn within<T: Real, S: Simd>(
    simd: S,
    x: T::Vector<S>,
    lower: T::Vector<S>,
    upper: T::Vector<S>,
) -> T::Vector<S> {
    T::vsmaller(simd, T::vlarger(simd, x, lower), upper)
}

pass! {
    /// Projection onto a box with the same bounds for all: xᵢ ← min(max(xᵢ, lower), upper).
    /// Cost: 1 r, 1 w, 2 operations.
    short(brief(x, 32)) pub fn clamp<'a, T>(lower: T, upper: T, x: &'a mut [T]) -> () = clamp_kernel
}

#[inline(always)]
fn clamp_kernel<T: Real, S: Simd>(simd: S, lower: T, upper: T, x: &mut [T]) {
    map!(simd, x; {
        let lower = T::splat(simd, lower);
        let upper = T::splat(simd, upper);
    } within::<T, _>(simd, x, lower, upper));
}

pass! {
    /// Projection onto a box: xᵢ ← min(max(xᵢ, lowerᵢ), upperᵢ). Infinite bounds are no bounds.
    /// Cost: 3 r, 1 w, 2 operations.
    short(slight(x)) pub fn clamp_each<'a, T>(lower: &'a [T], upper: &'a [T], x: &'a mut [T]) -> () = clamp_each_kernel
}

#[inline(always)]
fn clamp_each_kernel<T: Real, S: Simd>(simd: S, lower: &[T], upper: &[T], x: &mut [T]) {
    map!(simd, x, lower, upper; {} within::<T, _>(simd, x, lower, upper));
}

pass! {
    /// Σ |xᵢ|, and x ← sign(x): −1, +0 or 1, the sub-gradient of ‖x‖₁ that is smallest.
    /// Cost: 1 r, 1 w, 2 operations.
    short(few(x)) pub fn sign_sum<'a, T>(x: &'a mut [T]) -> T = sign_sum_kernel
}

#[inline(always)]
fn sign_sum_kernel<T: Real, S: Simd>(simd: S, x: &mut [T]) -> T {
    if few(x) && is_loop(simd) {
        let sum = sum_abs_kernel(simd, x);
        for x in x {
            let signed = if *x < T::ZERO { -T::ONE } else { *x };
            let signed = if T::ZERO < signed { T::ONE } else { signed };
            *x = if x.abs() <= T::ZERO { T::ZERO } else { signed };
        }
        return sum;
    }
    let mut sizes = Lanes::default();
    map_total!(simd, sizes, x; {
        let zero = T::splat(simd, T::ZERO);
        let one = T::splat(simd, T::ONE);
    } {
        let signed = T::vselect(simd, T::vless(simd, x, zero), T::vneg(simd, one), x);
        let signed = T::vselect(simd, T::vless(simd, zero, signed), one, signed);
        let size = T::vabs(simd, x);
        (T::vselect(simd, T::vless_equal(simd, size, zero), zero, signed), size)
    });
    sizes.sum()
}
