//! A row update and a column sum in one reading of the matrix.

use core::marker::PhantomData;
use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::Matrix;
use super::at_once::at_once;
use super::fours::update_cached;
use super::rows::{add4, add4_from_end, add8_from_end, ask, ask_next, by_eight, by_four, dots1};
use crate::Real;
use crate::dispatch::dispatch;
use crate::paths::{BOTH, Rows};
use crate::vector::axpy_kernel;

/// For every row i: s ← a_i·v, u ← `update(i, s)`, t ← t + u·a_i; the rows in order, t from the caller.
///
/// This is an iteration of matrix scaling with one reading of the kernel, `update` being a_i/s (and the
/// place to add up the error of the marginal); of any method that does Aᵀ f(A v). Some rows are multiplied
/// by v together, and are still in cache when they are added to t. The result has the
/// bits of a [`dot`](crate::vector::dot) and an [`axpy`](crate::vector::axpy) a row.
///
/// Rows beyond the matrix are not visited; where v or t is shorter than a row, the common length counts.
/// *Cost*: the matrix once, 4 operations an entry.
pub fn update_rows<T: Real>(a: Matrix<'_, T>, v: &[T], t: &mut [T], update: impl FnMut(usize, T) -> T) {
    update_some_rows(a, 0..a.count(), v, t, update);
}

/// [`update_rows`] of some rows of a matrix, which are read as suits all of it.
pub(super) fn update_some_rows<T: Real>(
    a: Matrix<'_, T>,
    rows: Range<usize>,
    v: &[T],
    t: &mut [T],
    update: impl FnMut(usize, T) -> T,
) {
    #[cfg(feature = "force-level")]
    once::update(a, rows, v, t, &mut { update });
    #[cfg(not(feature = "force-level"))]
    run(a, rows, v, t, update);
}

/// Where tests are built, for updates of any type: of each of their many types the pass would be compiled anew, for every
/// instruction set.
#[cfg(feature = "force-level")]
mod once {
    use super::{Matrix, Range, Real, run};

    type Update<'a, T> = &'a mut dyn FnMut(usize, T) -> T;

    crate::dispatch::compiled_here!(update);
    #[inline(never)]
    pub(super) fn update<T: Real>(
        a: Matrix<'_, T>,
        rows: Range<usize>,
        v: &[T],
        t: &mut [T],
        update: Update<'_, T>,
    ) {
        run(a, rows, v, t, update);
    }
}

#[inline(always)]
fn run<T: Real>(
    a: Matrix<'_, T>,
    rows: Range<usize>,
    v: &[T],
    t: &mut [T],
    update: impl FnMut(usize, T) -> T,
) {
    struct Pass<'a, T, F> {
        a: Matrix<'a, T>,
        rows: Range<usize>,
        v: &'a [T],
        t: &'a mut [T],
        update: F,
        real: PhantomData<T>,
    }
    impl<T: Real, F: FnMut(usize, T) -> T> WithSimd for Pass<'_, T, F> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            kernel(simd, self.a, self.rows, self.v, self.t, self.update);
        }
    }
    dispatch(Pass { a, rows, v, t, update, real: PhantomData });
}

#[inline(always)]
fn kernel<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    range: Range<usize>,
    v: &[T],
    t: &mut [T],
    mut update: impl FnMut(usize, T) -> T,
) {
    let (mut row, end) = (range.start, range.end.min(a.count()));
    let left = |row: usize| end.saturating_sub(row);
    let rows = Rows::of::<T, S>(a.values, a.columns, BOTH);
    if v.len() >= a.columns && t.len() >= a.columns {
        if rows.dots_by_four::<T, S>(a.columns) {
            row = update_cached(simd, a, row..end, v, t, &mut update);
        } else if rows.both_at_once::<T, S>(a.columns) && left(row) >= 4 {
            row = at_once(simd, a, row..end, v, t, &mut update);
        }
    }
    // While rows are added nothing comes from memory but what is asked for then: many rows at a time, or short ones that
    // overlap.
    let (by_eights, by_fours) = (rows.both_by_eight::<T>(a.columns), rows.both_by_four::<S>());
    let share = rows.asked::<T>(a.columns);
    while by_eights && left(row) >= 8 {
        let block: [&[T]; 8] = a.some_rows(row);
        let mut weights = by_eight(simd, block, v);
        for (k, weight) in weights.iter_mut().enumerate() {
            *weight = update(row + k, *weight);
        }
        ask_next::<8, T>(a, row);
        row += 8;
        add8_from_end(simd, weights, block, t, (a.from(row), share));
    }
    while by_fours && left(row) >= 4 {
        let block: [&[T]; 4] = a.some_rows(row);
        let [s0, s1, s2, s3] = by_four(simd, block, v);
        let weights = [update(row, s0), update(row + 1, s1), update(row + 2, s2), update(row + 3, s3)];
        if rows == Rows::Eight {
            ask_next::<4, T>(a, row);
            add4_from_end(simd, weights, block, t, (a.from(row + 4), share));
        } else {
            add4(simd, weights, block, t);
        }
        row += 4;
    }
    for row in row..end {
        let entries = a.row(row);
        let [s] = dots1(simd, [entries], v);
        if rows == Rows::One {
            ask(rows, a, row);
        }
        axpy_kernel(simd, update(row, s), entries, t);
    }
}
