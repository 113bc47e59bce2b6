//! Rows of costs as plain loops.

use southwell::Real;
use southwell_simd::dense::Matrix;
use southwell_simd::points::ROWS;

use crate::twins_elementary::powers;

#[inline(always)]
fn row<T: Real>(x: &[T], y: Matrix<'_, T>, out: &mut [T], term: impl Fn(T) -> T, finish: impl Fn(T) -> T) {
    for (j, out) in out.iter_mut().take(y.columns).enumerate() {
        let mut sum = T::ZERO;
        for (k, &x) in x.iter().enumerate() {
            sum += term(x - y.values[k * y.stride + j]);
        }
        *out = finish(sum);
    }
}

#[inline(never)]
pub(crate) fn squared_euclidean_row<T: Real>(s: T, x: &[T], y: Matrix<'_, T>, out: &mut [T]) {
    row(x, y, out, |d| d * d, |sum| s * sum);
}

#[inline(never)]
pub(crate) fn euclidean_row<T: Real>(s: T, x: &[T], y: Matrix<'_, T>, out: &mut [T]) {
    row(x, y, out, |d| d * d, |sum| s * sum.sqrt());
}

#[inline(never)]
pub(crate) fn l1_row<T: Real>(s: T, x: &[T], y: Matrix<'_, T>, out: &mut [T]) {
    row(x, y, out, T::abs, |sum| s * sum);
}

/// Costs, and then the exponentials of their terms.
#[inline(never)]
pub(crate) fn squared_euclidean_exp_row<T: Real>(
    s: T,
    x: &[T],
    y: Matrix<'_, T>,
    g: &[T],
    t: T,
    e: &mut [T],
) -> (T, T) {
    row(x, y, e, |d| d * d, |sum| s * sum);
    let t = t * T::LOG2_E;
    for (e, &g) in e.iter_mut().zip(g) {
        *e = (g - *e) * t;
    }
    powers(e)
}

#[inline(never)]
pub(crate) fn squared_euclidean_exp_rows<T: Real>(
    s: T,
    x: [[T; 2]; ROWS],
    y: Matrix<'_, T>,
    g: &[T],
    t: T,
    e: &mut [T],
) -> [(T, T); ROWS] {
    let mut rows = e.chunks_mut(y.columns.max(1));
    x.map(|x| rows.next().map_or((T::ZERO, T::ZERO), |e| squared_euclidean_exp_row(s, &x, y, g, t, e)))
}
