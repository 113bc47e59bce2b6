//! Passes over whole vectors.
//!
//! *Cost* counts elements moved between memory and registers (r: read, w: written) and operations
//! per element.

use pulp::Simd;

use crate::dispatch::pass;
use crate::{LANES, Lanes, Real};

/// Applies `op` to registers and leftovers alike: y ← op(y, x).
macro_rules! map2 {
    ($simd:ident, $x:expr, $y:expr, |$xv:ident, $yv:ident| $vector:expr, |$xs:ident, $ys:ident| $scalar:expr) => {{
        let n = $x.len().min($y.len());
        let (x, x_tail) = T::split($simd, &$x[..n]);
        let (y, y_tail) = T::split_mut($simd, &mut $y[..n]);
        for (y, &$xv) in y.iter_mut().zip(x) {
            let $yv = *y;
            *y = $vector;
        }
        for (y, &$xs) in y_tail.iter_mut().zip(x_tail) {
            let $ys = *y;
            *y = $scalar;
        }
    }};
}

pass! {
    /// Σ xᵢ·yᵢ in [`LANES`] virtual lanes. Cost: 2 r, 2 operations.
    pub fn dot<'a, T>(x: &'a [T], y: &'a [T]) -> T = dot_kernel
}

#[inline(always)]
pub(crate) fn dot_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T]) -> T {
    let mut lanes = Lanes::default();
    lanes.add_products(simd, x, y);
    lanes.sum()
}

pass! {
    /// Σ xᵢ·yᵢ·zᵢ. Cost: 3 r, 3 operations.
    pub fn dot3<'a, T>(x: &'a [T], y: &'a [T], z: &'a [T]) -> T = dot3_kernel
}

/// Elements that a three-operand reduction prepares at once; a multiple of the lanes.
const BLOCK: usize = 64;

#[inline(always)]
fn dot3_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T], z: &[T]) -> T {
    let n = x.len().min(y.len()).min(z.len());
    let mut lanes = Lanes::default();
    let mut block = [T::ZERO; BLOCK];
    for ((x, y), z) in x[..n].chunks(BLOCK).zip(y[..n].chunks(BLOCK)).zip(z[..n].chunks(BLOCK)) {
        let block = &mut block[..x.len().min(BLOCK)];
        for (b, &x) in block.iter_mut().zip(x) {
            *b = x;
        }
        map2!(simd, y, block, |y, b| T::vmul(simd, b, y), |y, b| b * y);
        lanes.add_products(simd, block, z);
    }
    lanes.sum()
}

pass! {
    /// Σ xᵢ·yᵢ and Σ yᵢ² in one go, each with the bits of [`dot`]. Cost: 2 r, 4 operations.
    pub fn dot_square<'a, T>(x: &'a [T], y: &'a [T]) -> (T, T) = dot_square_kernel
}

#[inline(always)]
fn dot_square_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &[T]) -> (T, T) {
    let n = x.len().min(y.len());
    let (mut products, mut squares) = (Lanes::default(), Lanes::default());
    // A block stays in the first cache between the two; its length keeps the lanes in step.
    for (x, y) in x[..n].chunks(BLOCK).zip(y[..n].chunks(BLOCK)) {
        products.add_products(simd, x, y);
        squares.add_products(simd, y, y);
    }
    (products.sum(), squares.sum())
}

pass! {
    /// y ← y + x, and Σ xᵢ². Cost: 2 r, 1 w, 3 operations.
    pub fn add_square<'a, T>(x: &'a [T], y: &'a mut [T]) -> T = add_square_kernel
}

#[inline(always)]
fn add_square_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) -> T {
    let mut squares = Lanes::default();
    for (x, y) in x.chunks(BLOCK).zip(y.chunks_mut(BLOCK)) {
        map2!(simd, x, y, |x, y| T::vadd(simd, y, x), |x, y| y + x);
        squares.add_products(simd, x, x);
    }
    squares.sum()
}

/// ‖x‖₂ = √Σ xᵢ², with squares that may overflow beyond √MAX. Cost: 1 r, 2 operations.
#[inline]
#[must_use]
pub fn norm<T: Real>(x: &[T]) -> T {
    dot(x, x).sqrt()
}

pass! {
    /// y ← y + αx. Cost: 2 r, 1 w, 2 operations.
    pub fn axpy<'a, T>(alpha: T, x: &'a [T], y: &'a mut [T]) -> () = axpy_kernel
}

#[inline(always)]
pub(crate) fn axpy_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], y: &mut [T]) {
    let alphas = T::splat(simd, alpha);
    map2!(simd, x, y, |x, y| T::vadd(simd, y, T::vmul(simd, alphas, x)), |x, y| y + alpha * x);
}

pass! {
    /// y ← y + αx, then Σ yᵢ·zᵢ, in one pass: the bits of [`axpy`] followed by [`dot`]. Cost: 3 r, 1 w,
    /// 4 operations.
    pub fn axpy_dot<'a, T>(alpha: T, x: &'a [T], y: &'a mut [T], z: &'a [T]) -> T = axpy_dot_kernel
}

#[inline(always)]
fn axpy_dot_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], y: &mut [T], z: &[T]) -> T {
    let n = x.len().min(y.len()).min(z.len());
    let mut lanes = Lanes::default();
    let (x, x_tail) = x[..n].as_chunks::<LANES>();
    let (y, y_tail) = y[..n].as_chunks_mut::<LANES>();
    let (z, z_tail) = z[..n].as_chunks::<LANES>();
    for ((x, y), z) in x.iter().zip(y).zip(z) {
        axpy_kernel(simd, alpha, x, y);
        lanes.add_products(simd, y, z);
    }
    axpy_kernel(simd, alpha, x_tail, y_tail);
    lanes.add_products(simd, y_tail, z_tail);
    lanes.sum()
}

pass! {
    /// y ← y + αx, then Σ yᵢ², in one pass: the bits of [`axpy`] followed by [`dot`]. Cost: 2 r, 1 w,
    /// 4 operations.
    pub fn axpy_square<'a, T>(alpha: T, x: &'a [T], y: &'a mut [T]) -> T = axpy_square_kernel
}

#[inline(always)]
fn axpy_square_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], y: &mut [T]) -> T {
    let n = x.len().min(y.len());
    let mut lanes = Lanes::default();
    let (x, x_tail) = x[..n].as_chunks::<LANES>();
    let (y, y_tail) = y[..n].as_chunks_mut::<LANES>();
    for (x, y) in x.iter().zip(y) {
        axpy_kernel(simd, alpha, x, y);
        lanes.add_products(simd, y, y);
    }
    axpy_kernel(simd, alpha, x_tail, y_tail);
    lanes.add_products(simd, y_tail, y_tail);
    lanes.sum()
}

pass! {
    /// y ← x + βy. Cost: 2 r, 1 w, 2 operations.
    pub fn xpby<'a, T>(x: &'a [T], beta: T, y: &'a mut [T]) -> () = xpby_kernel
}

#[inline(always)]
fn xpby_kernel<T: Real, S: Simd>(simd: S, x: &[T], beta: T, y: &mut [T]) {
    let betas = T::splat(simd, beta);
    map2!(simd, x, y, |x, y| T::vadd(simd, x, T::vmul(simd, betas, y)), |x, y| x + beta * y);
}

pass! {
    /// y ← αx + βy. Cost: 2 r, 1 w, 3 operations.
    pub fn axpby<'a, T>(alpha: T, x: &'a [T], beta: T, y: &'a mut [T]) -> () = axpby_kernel
}

#[inline(always)]
fn axpby_kernel<T: Real, S: Simd>(simd: S, alpha: T, x: &[T], beta: T, y: &mut [T]) {
    let (alphas, betas) = (T::splat(simd, alpha), T::splat(simd, beta));
    map2!(simd, x, y, |x, y| T::vadd(simd, T::vmul(simd, alphas, x), T::vmul(simd, betas, y)), |x, y| alpha
        * x
        + beta * y);
}

pass! {
    /// y ← γ(x·d) + βy, the update of a direction through a diagonal. Cost: 3 r, 1 w, 4 operations.
    pub fn scaled_xpby<'a, T>(gamma: T, d: &'a [T], x: &'a [T], beta: T, y: &'a mut [T]) -> () = scaled_xpby_kernel
}

#[inline(always)]
fn scaled_xpby_kernel<T: Real, S: Simd>(simd: S, gamma: T, d: &[T], x: &[T], beta: T, y: &mut [T]) {
    let n = x.len().min(y.len()).min(d.len());
    let (gammas, betas) = (T::splat(simd, gamma), T::splat(simd, beta));
    let (x, x_tail) = T::split(simd, &x[..n]);
    let (d, d_tail) = T::split(simd, &d[..n]);
    let (y, y_tail) = T::split_mut(simd, &mut y[..n]);
    for ((y, &x), &d) in y.iter_mut().zip(x).zip(d) {
        *y = T::vadd(simd, T::vmul(simd, gammas, T::vmul(simd, d, x)), T::vmul(simd, betas, *y));
    }
    for ((y, &x), &d) in y_tail.iter_mut().zip(x_tail).zip(d_tail) {
        *y = gamma * (d * x) + beta * *y;
    }
}

pass! {
    /// y ← b − y. Cost: 2 r, 1 w, 1 operation.
    pub fn rsub<'a, T>(b: &'a [T], y: &'a mut [T]) -> () = rsub_kernel
}

#[inline(always)]
pub(crate) fn rsub_kernel<T: Real, S: Simd>(simd: S, b: &[T], y: &mut [T]) {
    map2!(simd, b, y, |b, y| T::vsub(simd, b, y), |b, y| b - y);
}

/// The position of the first NaN or infinity. Cost: 1 r.
#[inline]
#[must_use]
pub fn first_not_finite<T: Real>(x: &[T]) -> Option<usize> {
    x.iter().position(|x| !x.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fused_passes_have_the_bits_of_their_parts() {
        for n in [0, 1, 15, 16, 17, 64, 100, 1000] {
            let at = |scale: f64| (0..n).map(|i| (f64::from(i) * scale).sin()).collect::<Vec<f64>>();
            let (x, z, alpha) = (at(0.7), at(1.3), 0.37);
            let y = at(2.1);
            let (mut parts, mut fused, mut squared) = (y.clone(), y.clone(), y);
            axpy(alpha, &x, &mut parts);
            assert_eq!(axpy_dot(alpha, &x, &mut fused, &z).bits(), dot(&parts, &z).bits(), "{n}");
            assert_eq!(axpy_square(alpha, &x, &mut squared).bits(), dot(&parts, &parts).bits(), "{n}");
            assert_eq!(parts, fused);
            assert_eq!(parts, squared);
        }
    }
}
