//! Vectors that are overwritten by combinations of vectors.

use pulp::Simd;

use crate::dispatch::{brief, few, is_far_off, pass, slight};
use crate::lanes::bare;
use crate::map::{cut_mut, map, map_total};
use crate::pages::by_pieces;
use crate::paths::{is_bare, is_loop};
use crate::vector::dot_kernel;
use crate::{Lanes, Real};

pass! {
    /// y ← y + αx. Cost: 2 r, 1 w, 2 operations.
    short(brief(x, 32)) pub fn axpy<'a, T>(alpha: T, x: &'a [T], y: &'a mut [T]) -> () = axpy_kernel
}

#[inline(always)]
pub(crate) fn axpy_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], y: &mut [T]) {
    if is_bare::<S>() {
        return T::bare_axpy(alpha, x, y);
    }
    by_pieces!(simd, mut y, x; map!(simd, y, x; { let alpha = T::splat(simd, alpha); } T::vadd(simd, y, T::vmul(simd, alpha, x))));
}

/// The same as a plain loop, for what is too short for a call: the compiler makes it of narrow registers.
#[inline(always)]
pub(crate) fn axpy_plain<T: Real>(alpha: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

pass! {
    /// y ← x + βy. Cost: 2 r, 1 w, 2 operations.
    short(brief(x, 32)) pub fn xpby<'a, T>(x: &'a [T], beta: T, y: &'a mut [T]) -> () = xpby_kernel
}

#[inline(always)]
fn xpby_kernel<T: Real, S: Simd>(simd: S, x: &[T], beta: T, y: &mut [T]) {
    by_pieces!(simd, mut y, x; map!(simd, y, x; { let beta = T::splat(simd, beta); } T::vadd(simd, x, T::vmul(simd, beta, y))));
}

pass! {
    /// y ← αx + βy. Cost: 2 r, 1 w, 3 operations.
    short(brief(x, 32)) narrow(is_far_off(x)) pub fn axpby<'a, T>(alpha: T, x: &'a [T], beta: T, y: &'a mut [T]) -> () = axpby_kernel
}

#[inline(always)]
fn axpby_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], beta: T, y: &mut [T]) {
    map!(simd, y, x; {
        let alpha = T::splat(simd, alpha);
        let beta = T::splat(simd, beta);
    } T::vadd(simd, T::vmul(simd, alpha, x), T::vmul(simd, beta, y)));
}

pass! {
    /// y ← γ(d·x) + βy, the update of a direction through a diagonal. Cost: 3 r, 1 w, 4 operations.
    short(slight(x)) narrow(is_far_off(x)) pub fn scaled_xpby<'a, T>(gamma: T, d: &'a [T], x: &'a [T], beta: T, y: &'a mut [T]) -> () =
        scaled_xpby_kernel
}

#[inline(always)]
fn scaled_xpby_kernel<T: Real, S: Simd>(simd: S, gamma: T, d: &[T], x: &[T], beta: T, y: &mut [T]) {
    map!(simd, y, d, x; {
        let gamma = T::splat(simd, gamma);
        let beta = T::splat(simd, beta);
    } T::vadd(simd, T::vmul(simd, gamma, T::vmul(simd, d, x)), T::vmul(simd, beta, y)));
}

pass! {
    /// y ← b − y. Cost: 2 r, 1 w, 1 operation.
    short(brief(b, 32)) pub fn rsub<'a, T>(b: &'a [T], y: &'a mut [T]) -> () = rsub_kernel
}

#[inline(always)]
pub(crate) fn rsub_kernel<T: Real, S: Simd>(simd: S, b: &[T], y: &mut [T]) {
    by_pieces!(lines simd, mut y, b; map!(simd, y, b; {} T::vsub(simd, b, y)));
}

pass! {
    /// y ← αy. Cost: 1 r, 1 w, 1 operation.
    short(brief(y, 32)) pub fn scale<'a, T>(alpha: T, y: &'a mut [T]) -> () = scale_kernel
}

#[inline(always)]
fn scale_kernel<T: Real, S: Simd>(simd: S, alpha: T, y: &mut [T]) {
    map!(simd, y; { let alpha = T::splat(simd, alpha); } T::vmul(simd, alpha, y));
}

pass! {
    /// y ← x·y, element by element. Cost: 2 r, 1 w, 1 operation.
    short(brief(x, 32)) narrow(is_far_off(x)) pub fn multiply<'a, T>(x: &'a [T], y: &'a mut [T]) -> () = multiply_kernel
}

#[inline(always)]
fn multiply_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) {
    map!(simd, y, x; {} T::vmul(simd, x, y));
}

pass! {
    /// y ← y + x, and Σ xᵢ². Cost: 2 r, 1 w, 3 operations.
    short(few(x)) pub fn add_square<'a, T>(x: &'a [T], y: &'a mut [T]) -> T = add_square_kernel
}

#[inline(always)]
fn add_square_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) -> T {
    if is_bare::<S>() {
        let x = x.get(..y.len()).unwrap_or(x);
        y.iter_mut().zip(x).for_each(|(y, &x)| *y += x);
        return bare::dot(x, x);
    }
    if few(x) && is_loop(simd) {
        let x = x.get(..y.len()).unwrap_or(x);
        axpy_plain(T::ONE, x, y);
        return dot_kernel(simd, x, x);
    }
    let mut squares = Lanes::default();
    by_pieces!(simd, mut y, x; map_total!(simd, squares, y, x; {} (T::vadd(simd, y, x), T::vmul(simd, x, x))));
    squares.sum()
}

pass! {
    /// y ← y + αx, then Σ yᵢ²: the bits of [`axpy`] followed by [`dot`](super::dot), in one pass.
    /// Cost: 2 r, 1 w, 4 operations.
    short(few(x)) pub fn axpy_square<'a, T>(alpha: T, x: &'a [T], y: &'a mut [T]) -> T = axpy_square_kernel
}

#[inline(always)]
fn axpy_square_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], y: &mut [T]) -> T {
    if is_bare::<S>() {
        let n = x.len().min(y.len());
        let y = cut_mut(y, n);
        axpy_kernel(simd, alpha, x, y);
        return bare::dot(y, y);
    }
    if few(x) && is_loop(simd) {
        let n = x.len().min(y.len());
        let y = cut_mut(y, n);
        axpy_plain(alpha, x, y);
        return dot_kernel(simd, y, y);
    }
    let mut squares = Lanes::default();
    by_pieces!(simd, mut y, x; map_total!(simd, squares, y, x; { let alpha = T::splat(simd, alpha); } {
        let y = T::vadd(simd, y, T::vmul(simd, alpha, x));
        (y, T::vmul(simd, y, y))
    }));
    squares.sum()
}
