//! A row update and a column sum in one reading of the matrix.

use core::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::Matrix;
use super::rows::{add2, add2_dots2, dots1, dots2};
use crate::Real;
use crate::dispatch::dispatch;
use crate::vector::axpy_kernel;

/// Bytes of four rows that the second cache holds together.
const NEAR: usize = 1 << 18;

/// For every row i: s ← a_i·v, u ← `update(i, s)`, t ← t + u·a_i; the rows in order, t from the caller.
///
/// This is an iteration of matrix scaling with one reading of the kernel, `update` being a_i/s (and the
/// place to add up the error of the marginal); of any method that does Aᵀ f(A v). While two rows are
/// added to t from cache, memory gives the next two to be multiplied by v. The result has the
/// bits of a [`dot`](crate::vector::dot) and an [`axpy`](crate::vector::axpy) a row.
///
/// Rows beyond the matrix are not visited; where v or t is shorter than a row, the common length counts.
/// *Cost*: the matrix once, 4 operations an entry.
pub fn update_rows<T: Real>(a: Matrix<'_, T>, v: &[T], t: &mut [T], update: impl FnMut(usize, T) -> T) {
    struct Pass<'a, T, F> {
        a: Matrix<'a, T>,
        v: &'a [T],
        t: &'a mut [T],
        update: F,
        real: PhantomData<T>,
    }
    impl<T: Real, F: FnMut(usize, T) -> T> WithSimd for Pass<'_, T, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            kernel(simd, self.a, self.v, self.t, self.update);
        }
    }
    dispatch(Pass { a, v, t, update, real: PhantomData });
}

#[inline(always)]
fn kernel<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    v: &[T],
    t: &mut [T],
    mut update: impl FnMut(usize, T) -> T,
) {
    let count = a.count();
    let mut row = 0;
    if !S::IS_SCALAR && a.columns.saturating_mul(4 * size_of::<T>()) <= NEAR {
        let mut now: [&[T]; 2] = a.some_rows(0);
        let mut sums = if count >= 2 { dots2(simd, now, v) } else { [T::ZERO; 2] };
        while count - row >= 2 {
            let u = [update(row, sums[0]), update(row + 1, sums[1])];
            row += 2;
            if count - row >= 2 {
                let next = a.some_rows(row);
                sums = add2_dots2(simd, u, now, t, next, v);
                now = next;
            } else {
                add2(simd, u, now, t);
            }
        }
    }
    for row in row..count {
        let entries = a.row(row);
        let [s] = dots1(simd, [entries], v);
        axpy_kernel(simd, update(row, s), entries, t);
    }
}
