//! Updates of a dense matrix by outer products. Those of rank one go by registers of 256 bits where there are wider ones: rows that
//! straddle the lines of a cache and are written took 1.1 to 1.4 times as long in registers of a line, on a core (AMD Zen 4) that
//! works on halves of these.

use pulp::Simd;

use super::rows::add4;
use super::{Matrix, MatrixMut};
use crate::Real;
use crate::dispatch::{narrow, pass};
use crate::paths::is_loop;
use crate::vector::axpy_kernel;

/// y ← y + w·x. Not always inlined: where it is before the arguments are looked at, the compiler no longer sees that x is
/// not written.
fn add<T: Real>(w: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += w * x;
    }
}

pass! {
    /// A ← A + α x yᵀ, entry by entry a_ij + (α·x_i)·y_j. Cost: 1 r, 1 w, 2 operations an entry.
    short(narrow::<T>(a.columns, 64)) narrow(true) pub fn rank_one<'a, T>(a: MatrixMut<'a, T>, alpha: T, x: &'a [T], y: &'a [T]) -> () = rank_one_kernel
}

#[inline(always)]
fn rank_one_kernel<T: Real, S: Simd>(simd: S, mut a: MatrixMut<'_, T>, alpha: T, x: &[T], y: &[T]) {
    for (row, &x) in a.rows().zip(x) {
        axpy_kernel(simd, alpha * x, y, row);
    }
}

pass! {
    /// A ← A + α x xᵀ on the lower triangle and the diagonal, a_ij + (α·x_i)·x_j for j ≤ i; what lies
    /// above stays. Cost: 1 r, 1 w, 2 operations an entry of the triangle.
    short(narrow::<T>(a.columns, 128)) narrow(true) pub fn symmetric_rank_one<'a, T>(a: MatrixMut<'a, T>, alpha: T, x: &'a [T]) -> () = symmetric_kernel
}

#[inline(always)]
fn symmetric_kernel<T: Real, S: Simd>(simd: S, mut a: MatrixMut<'_, T>, alpha: T, x: &[T]) {
    if is_loop(simd) {
        return short_symmetric(a.values, a.stride, a.columns, alpha, x);
    }
    for (i, (row, &factor)) in a.rows().zip(x).enumerate() {
        let triangle = i.saturating_add(1).min(row.len());
        axpy_kernel(simd, alpha * factor, x, row.get_mut(..triangle).unwrap_or(&mut []));
    }
}

/// The same by plain loops. Apart, where it is known that the matrix is not x, and with as little to a row as can be.
#[inline(never)]
fn short_symmetric<T: Real>(a: &mut [T], stride: usize, columns: usize, alpha: T, x: &[T]) {
    for (i, row) in a.chunks_mut(stride.max(1)).enumerate() {
        let (Some(&factor), Some(row)) = (x.get(i), row.get_mut(..columns)) else { return };
        add(alpha * factor, x.get(..=i).unwrap_or(x), row);
    }
}

pass! {
    /// A ← A + α Xᵀ Y = A + α Σ_k x_k y_kᵀ, the rows k of X and Y being vectors of length m and n; from the
    /// first k to the last, entry by entry a_ij + (α·x_ki)·y_kj. Four k go together.
    /// Cost: A 1 r, 1 w every four k; 2 operations an entry and k; Y stays in cache.
    short(narrow::<T>(a.columns, 64)) pub fn rank_k<'a, T>(a: MatrixMut<'a, T>, alpha: T, x: Matrix<'a, T>, y: Matrix<'a, T>) -> () = rank_k_kernel
}

#[inline(always)]
fn rank_k_kernel<T: Real, S: Simd>(
    simd: S,
    mut a: MatrixMut<'_, T>,
    alpha: T,
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
) {
    let count = x.count().min(y.count());
    for (i, row) in a.rows().take(x.columns).enumerate() {
        let weight = |k: usize| x.row(k).get(i).map_or(T::ZERO, |&x| alpha * x);
        let mut k = 0;
        if is_loop(simd) {
            (0..count).for_each(|k| add(weight(k), y.row(k), row));
            continue;
        }
        while count - k >= 4 {
            add4(simd, [weight(k), weight(k + 1), weight(k + 2), weight(k + 3)], y.some_rows(k), row);
            k += 4;
        }
        for k in k..count {
            axpy_kernel(simd, weight(k), y.row(k), row);
        }
    }
}
