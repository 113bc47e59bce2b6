//! A row update and a column sum in one reading of the matrix.

use core::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::Matrix;
use super::rows::{add4, dots1, dots2, dots4};
use crate::dispatch::dispatch;
use crate::vector::axpy_kernel;
use crate::vectors::lanes;
use crate::{LANES, Real};

/// For every row i: s ← a_i·v, u ← `update(i, s)`, t ← t + u·a_i; the rows in order, t from the caller.
///
/// This is an iteration of matrix scaling with one reading of the kernel, `update` being a_i/s (and the
/// place to add up the error of the marginal); of any method that does Aᵀ f(A v). Four rows are multiplied
/// by v together, and are still in cache when they are added to t. The result has the
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
    // To multiply the next rows by v before these are added, or while they are, and to ask ahead for them, lost: the
    // streams get in each other's way.
    while !S::IS_SCALAR && count - row >= 4 {
        let rows = a.some_rows(row);
        let [s0, s1, s2, s3] = dots(simd, rows, v);
        let weights = [update(row, s0), update(row + 1, s1), update(row + 2, s2), update(row + 3, s3)];
        add4(simd, weights, rows, t);
        row += 4;
    }
    for row in row..count {
        let entries = a.row(row);
        let [s] = dots1(simd, [entries], v);
        axpy_kernel(simd, update(row, s), entries, t);
    }
}

/// The products of v with four rows: two at a time where the sums of four would leave no registers.
#[inline(always)]
fn dots<T: Real, S: Simd>(simd: S, rows: [&[T]; 4], v: &[T]) -> [T; 4] {
    if 8 * LANES / lanes::<T, S>().max(1) <= S::REGISTER_COUNT {
        return dots4(simd, rows, v);
    }
    let [a, b, c, d] = rows;
    let ([a, b], [c, d]) = (dots2(simd, [a, b], v), dots2(simd, [c, d], v));
    [a, b, c, d]
}
