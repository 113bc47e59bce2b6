//! Rows of costs as plain loops.

use southwell::Real;
use southwell_simd::dense::Matrix;

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
