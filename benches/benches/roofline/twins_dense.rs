//! The dense passes as plain loops of the same definition.

use southwell::Real;
use southwell_simd::dense::Matrix;
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
