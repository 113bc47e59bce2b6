//! A x, b − A x and Aᵀ x.

use pulp::Simd;

use super::rows::{add2, add4, add8, ask, dots1, each_dot};
use super::{Matrix, fours};
use crate::dispatch::{narrow, pass};
use crate::paths::{Rows, SUMS, is_bare, is_loop, sum_in_pairs};
use crate::vector::{axpy_kernel, axpy_plain};
use crate::{Lanes, Real};

pass! {
    /// y ← A x. Cost: the matrix once, 2 operations an entry; x and y stay in cache.
    short(narrow::<T>(a.columns, 32)) pub fn apply<'a, T>(a: Matrix<'a, T>, x: &'a [T], y: &'a mut [T]) -> () = apply_kernel
}

#[inline(always)]
fn apply_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    if is_bare::<S>() {
        return T::bare_apply(a, x, y);
    }
    each_dot(simd, a, x, y.len(), |i, dot| {
        if let Some(y) = y.get_mut(i) {
            *y = dot;
        }
    });
}

pass! {
    /// y_k ← a_{list_k}·x of the rows in a list; 0 for one that does not exist. Cost: the rows, 2 operations an entry.
    short(narrow::<T>(a.columns, 32)) pub fn dots_of<'a, T>(a: Matrix<'a, T>, list: &'a [u32], x: &'a [T], y: &'a mut [T]) -> () = dots_of_kernel
}

#[inline(always)]
fn dots_of_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, list: &[u32], x: &[T], y: &mut [T]) {
    // One at a time: two beside one another read x once, and were a twentieth slower in the second cache.
    for (&row, y) in list.iter().zip(y) {
        let [dot] = dots1(simd, [a.row(row as usize)], x);
        *y = dot;
    }
}

pass! {
    /// r ← b − A x. Cost: the matrix once, 2 operations an entry.
    short(narrow::<T>(a.columns, 32)) pub fn residual<'a, T>(a: Matrix<'a, T>, rhs: &'a [T], x: &'a [T], r: &'a mut [T]) -> () = residual_kernel
}

#[inline(always)]
fn residual_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    each_dot(simd, a, x, r.len().min(rhs.len()), |i, dot| {
        if let (Some(r), Some(&b)) = (r.get_mut(i), rhs.get(i)) {
            *r = b - dot;
        }
    });
}

pass! {
    /// ‖b − A x‖₂² without storing the residual; row i goes to lane i mod [`LANES`](crate::LANES).
    /// Cost: the matrix once, 2 operations an entry.
    short(narrow::<T>(a.columns, 32)) pub fn residual_square<'a, T>(a: Matrix<'a, T>, rhs: &'a [T], x: &'a [T]) -> T = residual_square_kernel
}

#[inline(always)]
fn residual_square_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = Lanes::default();
    each_dot(simd, a, x, rhs.len(), |i, dot| {
        if let Some(&b) = rhs.get(i) {
            let r = b - dot;
            lanes.add_at(i, r * r);
        }
    });
    lanes.sum()
}

pass! {
    /// y ← Aᵀ x: y_j = ((0 + x₀·a₀ⱼ) + x₁·a₁ⱼ) + …, row after row. Cost: the matrix once, 2 operations an
    /// entry; y is read and written once every two or four rows, from cache up to about 100,000 columns.
    short(narrow::<T>(a.columns, 64)) pub fn apply_transposed<'a, T>(a: Matrix<'a, T>, x: &'a [T], y: &'a mut [T]) -> () = transposed_kernel
}

#[inline(always)]
fn transposed_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    y.fill(T::ZERO);
    add_transposed_kernel(simd, a, x, y);
}

pass! {
    /// y ← y + Aᵀ x, row after row. Cost as [`apply_transposed`].
    short(narrow::<T>(a.columns, 64)) pub fn add_transposed<'a, T>(a: Matrix<'a, T>, x: &'a [T], y: &'a mut [T]) -> () = add_transposed_kernel
}

#[inline(always)]
fn add_transposed_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    let x = x.get(..a.count().min(x.len())).unwrap_or(&[]);
    if is_loop(simd) {
        return a.rows().zip(x).for_each(|(row, &weight)| axpy_plain(weight, row, y));
    }
    let mut row = 0;
    // The fewer streams the faster they come; the more the less often y is read and written. To go over the columns in
    // tiles gained nowhere.
    let rows = Rows::of::<T, S>(a.values, a.columns, SUMS);
    let rest = if rows.sums_by_four::<T, S>(a.columns) {
        let n = y.len().min(a.columns);
        let Some(y) = y.get_mut(..n) else { return };
        for (block, &weights) in fours::fours(a, n, x.len()).zip(x.as_chunks::<4>().0) {
            fours::add(simd, weights, block, y);
            row += 4;
        }
        x.get(row..).unwrap_or(&[])
    } else if rows.sums_by_eight::<T, S>(a.columns) {
        let (eights, rest) = x.as_chunks::<8>();
        for &weights in eights {
            ask(rows, a, row);
            add8(simd, weights, a.some_rows(row), y);
            row += 8;
        }
        rest
    } else if rows == Rows::One {
        x
    } else if sum_in_pairs::<T>(a.columns) {
        let (twos, rest) = x.as_chunks::<2>();
        for &weights in twos {
            add2(simd, weights, a.some_rows(row), y);
            row += 2;
        }
        rest
    } else {
        let (fours, rest) = x.as_chunks::<4>();
        for &weights in fours {
            add4(simd, weights, a.some_rows(row), y);
            row += 4;
        }
        rest
    };
    for (k, &weight) in rest.iter().enumerate() {
        if rows == Rows::One {
            ask(rows, a, row + k);
        }
        axpy_kernel(simd, weight, a.row(row + k), y);
    }
}
