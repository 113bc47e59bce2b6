//! Sums over one or several vectors, in [`LANES`](crate::LANES) virtual lanes.

use pulp::Simd;

use crate::dense::dots2;
use crate::dispatch::{few, fills_lanes, is_far_off, pass};
use crate::lanes::bare;
use crate::map::total;
use crate::pages::by_pieces;
use crate::paths::{is_bare, is_loop};
use crate::vector::max_abs;
use crate::{LANES, Lanes, Real, reduce};

pass! {
    /// Σ xᵢ·yᵢ. Cost: 2 r, 2 operations.
    short(fills_lanes(x)) pub fn dot<'a, T>(x: &'a [T], y: &'a [T]) -> T = dot_kernel
}

#[inline(always)]
pub(crate) fn dot_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T]) -> T {
    if is_bare::<S>() {
        return bare::dot(x, y);
    }
    let mut lanes = Lanes::default();
    by_pieces!(simd, x, y; lanes.add_products(simd, x, y));
    lanes.sum()
}

pass! {
    /// Σ (xᵢ·yᵢ)·zᵢ. Cost: 3 r, 3 operations.
    short(few(x)) pub fn dot3<'a, T>(x: &'a [T], y: &'a [T], z: &'a [T]) -> T = dot3_kernel
}

#[inline(always)]
fn dot3_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T], z: &[T]) -> T {
    let mut lanes = Lanes::default();
    by_pieces!(simd, x, y, z; total!(simd, lanes, x, y, z; {} T::vmul(simd, T::vmul(simd, x, y), z)));
    lanes.sum()
}

pass! {
    /// Σ xᵢ·yᵢ and Σ yᵢ² in one go, each with the bits of [`dot`]. Cost: 2 r, 4 operations.
    short(few(x)) pub fn dot_square<'a, T>(x: &'a [T], y: &'a [T]) -> (T, T) = dot_square_kernel
}

#[inline(always)]
fn dot_square_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T]) -> (T, T) {
    let [products, squares] = dots2(simd, [x, y], y);
    (products, squares)
}

/// The sum of a number a lane, each added to +0.
#[inline(always)]
fn of_lanes<T: Real>(x: &[T; LANES], term: impl Fn(T) -> T) -> T {
    let mut lanes = *x;
    for lane in &mut lanes {
        *lane = T::ZERO + term(*lane);
    }
    reduce(&lanes)
}

pass! {
    /// Σ xᵢ. Cost: 1 r, 1 operation.
    short(fills_lanes(x)) pub fn sum<'a, T>(x: &'a [T]) -> T = sum_kernel
}

#[inline(always)]
pub(crate) fn sum_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    if is_loop(simd)
        && let Ok(x) = <&[T; LANES]>::try_from(x)
    {
        return of_lanes(x, |x| x);
    }
    let mut lanes = Lanes::default();
    by_pieces!(simd, x; total!(simd, lanes, x; {} x));
    lanes.sum()
}

pass! {
    /// ‖x‖₁ = Σ |xᵢ|. Cost: 1 r, 2 operations.
    short(fills_lanes(x)) pub fn sum_abs<'a, T>(x: &'a [T]) -> T = sum_abs_kernel
}

#[inline(always)]
pub(crate) fn sum_abs_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    if is_loop(simd)
        && let Ok(x) = <&[T; LANES]>::try_from(x)
    {
        return of_lanes(x, T::abs);
    }
    let mut lanes = Lanes::default();
    by_pieces!(simd, x; total!(simd, lanes, x; {} T::vabs(simd, x)));
    lanes.sum()
}

/// ‖x‖₂ = √Σ xᵢ², with squares that overflow beyond √MAX and vanish below √MIN; [`norm_scaled`] does
/// neither. Cost: 1 r, 2 operations.
#[inline]
#[must_use]
pub fn norm<T: Real>(x: &[T]) -> T {
    square(x).sqrt()
}

/// Σ xᵢ²: the bits of x·x.
#[inline(always)]
fn square<T: Real>(x: &[T]) -> T {
    if cfg!(target_os = "none") { bare::scaled_square(T::ONE, x) } else { dot(x, x) }
}

/// ‖x‖₂ without overflow or harmful underflow: finite wherever the norm is a finite number.
///
/// The bits of [`norm`] where the sum of squares lies between MIN_POSITIVE/ε² and MAX; else the vector
/// is read twice more, for its largest element and for the sum of squares scaled by a power of two
/// (which rounds nothing). Infinite if an element is infinite and none is NaN; NaN if one is NaN.
/// Relative error at most (n/2 + 1)·ε, as for [`norm`]. Cost: 1 r, 2 operations; in the rare case 3 r.
/// *Source*: after Blue 1978, with a second pass in place of his three sums.
#[must_use]
pub fn norm_scaled<T: Real>(x: &[T]) -> T {
    let square = square(x);
    // Above this, what underflowed weighs less than rounding.
    let small = T::MIN_POSITIVE / (T::EPSILON * T::EPSILON);
    if square >= small && square <= T::MAX || square.partial_cmp(&square).is_none() {
        return square.sqrt();
    }
    // So rare that a core without an operating system had better save the flash.
    let plain = cfg!(target_os = "none");
    let largest = if plain { x.iter().fold(T::ZERO, |largest, x| largest.max(x.abs())) } else { max_abs(x) };
    if largest == T::ZERO || !largest.is_finite() {
        return largest;
    }
    // Within the exponent range whichever end `largest` lies at, subnormal numbers included.
    let (up, down) = T::scale_for(largest);
    if plain {
        return bare::scaled_square(up, x).sqrt() * down;
    }
    scaled_square(up, x).sqrt() * down
}

pass! {
    /// Σ (s·xᵢ)². Cost: 1 r, 3 operations.
    short(few(x)) narrow(is_far_off(x)) pub fn scaled_square<'a, T>(s: T, x: &'a [T]) -> T = scaled_square_kernel
}

#[inline(always)]
fn scaled_square_kernel<T: Real, S: Simd>(simd: S, s: T, x: &[T]) -> T {
    let mut lanes = Lanes::default();
    total!(simd, lanes, x; { let s = T::splat(simd, s); } {
        let x = T::vmul(simd, s, x);
        T::vmul(simd, x, x)
    });
    lanes.sum()
}
