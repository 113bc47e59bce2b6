//! The dense passes as plain loops of the same definition.

use southwell::Real;
use southwell_simd::dense::{Matrix, MatrixMut};
use southwell_simd::{LANES, reduce};

/// Not inlined on its own account: the compiler is free to.
fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let n = x.len().min(y.len());
    let (x, x_tail) = x[..n].as_chunks::<LANES>();
    let (y, y_tail) = y[..n].as_chunks::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for (x, y) in x.iter().zip(y) {
        for k in 0..LANES {
            lanes[k] += x[k] * y[k];
        }
    }
    for ((lane, &x), &y) in lanes.iter_mut().zip(x_tail).zip(y_tail) {
        *lane += x * y;
    }
    reduce(&lanes)
}

fn rows<'a, T: Real>(a: &Matrix<'a, T>) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
    a.values.chunks(a.stride)
}

#[inline(never)]
pub(crate) fn apply<T: Real>(a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    for (y, row) in y.iter_mut().zip(rows(&a)) {
        *y = dot(row, x);
    }
}

#[inline(never)]
pub(crate) fn residual<T: Real>(a: Matrix<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    for ((r, &b), row) in r.iter_mut().zip(rhs).zip(rows(&a)) {
        *r = b - dot(row, x);
    }
}

#[inline(never)]
pub(crate) fn residual_square<T: Real>(a: Matrix<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (i, (&b, row)) in rhs.iter().zip(rows(&a)).enumerate() {
        let r = b - dot(row, x);
        lanes[i % LANES] += r * r;
    }
    reduce(&lanes)
}

#[inline(never)]
pub(crate) fn sor_sweep<T: Real>(a: Matrix<'_, T>, omega: T, inverse: &[T], rhs: &[T], x: &mut [T]) {
    for (i, row) in rows(&a).enumerate() {
        let sigma = rhs[i] - dot(row, x);
        x[i] += (omega * inverse[i]) * sigma;
    }
}

#[inline(never)]
pub(crate) fn solve_upper<T: Real>(a: Matrix<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    for i in (0..p.len()).rev() {
        let row = &a.values[i * a.stride..][..a.columns];
        let sum = dot(&row[i + 1..], &t[i + 1..]);
        t[i] = (p[i] - sum) * (omega * inverse[i]);
    }
}

#[inline(never)]
pub(crate) fn solve_lower<T: Real>(
    a: Matrix<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    for (i, row) in rows(&a).enumerate() {
        let (left, diagonal) = (&row[..i], row[i]);
        let v = p[i] - (weight * diagonal) * t[i];
        w[i] = (p[i] + share * (diagonal * t[i])) + dot(left, t);
        y[i] = (v - dot(left, y)) * (omega * inverse[i]);
    }
}

/// y ← y + u·row
fn add<T: Real>(u: T, row: &[T], y: &mut [T]) {
    for (y, &a) in y.iter_mut().zip(row) {
        *y += u * a;
    }
}

#[inline(never)]
pub(crate) fn apply_transposed<T: Real>(a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    y.fill(T::ZERO);
    for (row, &x) in rows(&a).zip(x) {
        add(x, row, y);
    }
}

#[inline(never)]
pub(crate) fn add_transposed<T: Real>(a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    for (row, &x) in rows(&a).zip(x) {
        add(x, row, y);
    }
}

#[inline(never)]
pub(crate) fn update_rows<T: Real>(
    a: Matrix<'_, T>,
    v: &[T],
    t: &mut [T],
    mut update: impl FnMut(usize, T) -> T,
) {
    for (i, row) in rows(&a).enumerate() {
        let u = update(i, dot(row, v));
        add(u, row, t);
    }
}

#[inline(never)]
pub(crate) fn rank_one<T: Real>(a: MatrixMut<'_, T>, alpha: T, x: &[T], y: &[T]) {
    for (row, &x) in a.values.chunks_mut(a.stride).zip(x) {
        add(alpha * x, y, row);
    }
}

#[inline(never)]
pub(crate) fn symmetric_rank_one<T: Real>(a: MatrixMut<'_, T>, alpha: T, x: &[T]) {
    for (i, row) in a.values.chunks_mut(a.stride).enumerate() {
        add(alpha * x[i], &x[..=i], row);
    }
}

#[inline(never)]
pub(crate) fn rank_k<T: Real>(a: MatrixMut<'_, T>, alpha: T, x: Matrix<'_, T>, y: Matrix<'_, T>) {
    for (i, row) in a.values.chunks_mut(a.stride).enumerate() {
        for (x, y) in rows(&x).zip(rows(&y)) {
            add(alpha * x[i], y, row);
        }
    }
}
