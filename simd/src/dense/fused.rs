//! A row update and a column sum in one reading of the matrix.

use core::marker::PhantomData;

use pulp::{Simd, WithSimd};

use super::Matrix;
use super::rows::{add2, add2_dots2, add4, add4_dots4, dots1, dots2, dots4};
use crate::dispatch::dispatch;
use crate::vector::axpy_kernel;
use crate::vectors::lanes;
use crate::{LANES, Real};

/// Bytes of a row of which the second cache holds eight.
const NEAR: usize = 1 << 16;

/// Bytes of a row of which it holds four.
const WIDE: usize = 1 << 17;

/// Bytes of a row so short that ends of rows, and reading t again, weigh more than streams side by side.
/// From the second cache four rows beat two by 1.1 to 1.3 at 2 KiB a row, and lost at 8 KiB; asking
/// ahead lost from every cache, and from memory too, busy or idle.
const SHORT: usize = 1 << 12;

/// Bytes of a matrix that comes from memory: then four rows go together, else two.
const FAR: usize = 24 << 20;

/// For every row i: s ← a_i·v, u ← `update(i, s)`, t ← t + u·a_i; the rows in order, t from the caller.
///
/// This is an iteration of matrix scaling with one reading of the kernel, `update` being a_i/s (and the
/// place to add up the error of the marginal); of any method that does Aᵀ f(A v). While two rows are
/// added to t from cache, memory gives the next two to be multiplied by v; four at a time where rows are
/// short or the matrix is larger than caches are. The result has the
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
    let bytes = a.columns.saturating_mul(size_of::<T>());
    // Sums of four rows must leave half of the registers free.
    let fits = 8 * LANES / lanes::<T, S>().max(1) <= S::REGISTER_COUNT;
    if S::IS_SCALAR || bytes > WIDE {
        // One row after the other.
    } else if fits && (bytes <= SHORT || bytes <= NEAR && size_of_val(a.values) >= FAR) {
        if count >= 4 {
            let mut now: [&[T]; 4] = a.some_rows(0);
            let mut sums = dots4(simd, now, v);
            while count - row >= 4 {
                let [s0, s1, s2, s3] = sums;
                let u = [update(row, s0), update(row + 1, s1), update(row + 2, s2), update(row + 3, s3)];
                row += 4;
                if count - row >= 4 {
                    let next = a.some_rows(row);
                    sums = add4_dots4(simd, u, now, t, next, v);
                    now = next;
                } else {
                    add4(simd, u, now, t);
                }
            }
        }
    } else {
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
