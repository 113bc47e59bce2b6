//! Products of sparse rows with vectors.

use pulp::{Simd, WithSimd};

use super::view::{Beside, by_rows};
use super::{Row, Rows, ascending};
use crate::dispatch::dispatch_narrow;
use crate::map::cut_mut;
use crate::paths::fill_with_four;
use crate::{Lanes, Real};

/// y ← A x, each row summed from its first column.
pub fn apply<T: Real>(rows: Rows<'_, T>, x: &[T], y: &mut [T]) {
    by_rows!(all in rows, usize::MAX; {
        for (y, row) in y.iter_mut().zip(all) {
            *y = row.with(x).fold(T::ZERO, |sum, (_, a, x)| sum + a * x);
        }
    });
}

/// r ← b − A x, each row from its first column.
pub fn residual<T: Real>(rows: Rows<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    by_rows!(all in rows, usize::MAX; {
        for ((r, &b), row) in r.iter_mut().zip(rhs).zip(all) {
            *r = ascending(b, row, x);
        }
    });
}

/// ‖b − A x‖₂² without storing the residual; row i goes to lane i mod [`LANES`](crate::LANES).
#[must_use]
pub fn residual_square<T: Real>(rows: Rows<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = Lanes::default();
    by_rows!(all in rows, usize::MAX; {
        for (i, (&b, row)) in rhs.iter().zip(all).enumerate() {
            let r = ascending(b, row, x);
            lanes.add_at(i, r * r);
        }
    });
    lanes.sum()
}

/// b_i − Σ_j a_ij x_j of one row, from its first column.
#[inline]
#[must_use]
pub fn row_residual<T: Real>(rows: Rows<'_, T>, row: usize, b: T, x: &[T]) -> T {
    ascending(b, rows.row(row), x)
}

/// Σ_k a_k·x_{j(k)} of a sparse vector with a dense one, for long ones: entry k goes to sum k mod 4, and the
/// four are added as (0 + 2) + (1 + 3), so that no sum waits for the one before it. With a matrix by
/// columns, the gradient of one coordinate. Cost: 12 bytes an entry in `f64` and its element of x,
/// 2 operations.
#[must_use]
pub fn dot<T: Real>(row: Row<'_, T>, x: &[T]) -> T {
    dot_kernel(row, x)
}

#[inline(always)]
fn dot_kernel<T: Real>(row: Row<'_, T>, x: &[T]) -> T {
    let mut sums = [T::ZERO; 4];
    let (fours, rest) = row.fours(x);
    for (a, x) in fours {
        for ((sum, a), x) in sums.iter_mut().zip(a).zip(x) {
            *sum += a * x;
        }
    }
    for (sum, (_, a, x)) in sums.iter_mut().zip(rest.with(x)) {
        *sum += a * x;
    }
    combine(sums)
}

/// The four sums of a row.
#[inline(always)]
fn combine<T: Real>(sums: [T; 4]) -> T {
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// y_i ← a_i·x for every row, each with the bits of [`dot`]. Cost: the matrix once.
pub fn dots<T: Real>(rows: Rows<'_, T>, x: &[T], y: &mut [T]) {
    dispatch_narrow(Dots { rows, x, y, squares: &mut [] });
}

/// The same, and squares_i ← Σ_k a_ik², summed in the same way. Cost: the matrix once, 4 operations an entry.
pub fn dots_squares<T: Real>(rows: Rows<'_, T>, x: &[T], y: &mut [T], squares: &mut [T]) {
    let n = y.len().min(squares.len());
    dispatch_narrow(Dots { rows, x, y: cut_mut(y, n), squares: cut_mut(squares, n) });
}

/// y_k ← a_{list_k}·x, each with the bits of [`dot`]; 0 for a row that does not exist. Cost: the rows.
pub fn dots_of<T: Real>(rows: Rows<'_, T>, list: &[u32], x: &[T], y: &mut [T]) {
    dispatch_narrow(DotsOf { rows, list, x, y });
}

struct DotsOf<'a, T> {
    rows: Rows<'a, T>,
    list: &'a [u32],
    x: &'a [T],
    y: &'a mut [T],
}

impl<T: Real> WithSimd for DotsOf<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, list, x, y } = self;
        let pass = Pass::<T, S>::new(simd, rows, x);
        for (&i, y) in list.iter().zip(y) {
            *y = pass.of_row::<false>(i as usize).0;
        }
    }
}

struct Dots<'a, T> {
    rows: Rows<'a, T>,
    x: &'a [T],
    y: &'a mut [T],
    /// As many, or none.
    squares: &'a mut [T],
}

impl<T: Real> WithSimd for Dots<'_, T> {
    type Output = ();
    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, x, y, squares } = self;
        let pass = Pass::<T, S>::new(simd, rows, x);
        if squares.is_empty() {
            for (i, y) in y.iter_mut().enumerate().take(rows.count()) {
                *y = pass.of_row::<false>(i).0;
            }
        } else {
            for (i, (y, square)) in y.iter_mut().zip(squares).enumerate().take(rows.count()) {
                (*y, *square) = pass.of_row::<true>(i);
            }
        }
    }
}

/// What products with one vector have in common.
struct Pass<'a, 'x, T, S> {
    simd: S,
    rows: Rows<'a, T>,
    x: &'x [T],
    /// Where registers are filled by four numbers.
    beside: Option<Beside<'a, 'x, T>>,
    /// Ones for so many of four, and zeros.
    own: [[T; 4]; 4],
}

impl<'a, 'x, T: Real, S: Simd> Pass<'a, 'x, T, S> {
    #[inline(always)]
    fn new(simd: S, rows: Rows<'a, T>, x: &'x [T]) -> Self {
        let beside = if fill_with_four::<T, S>() { rows.beside(x) } else { None };
        let own =
            core::array::from_fn(|own| core::array::from_fn(|k| if k < own { T::ONE } else { T::ZERO }));
        Self { simd, rows, x, beside, own }
    }

    /// The product of a row with x and, if `BOTH`, with itself.
    #[inline(always)]
    fn of_row<const BOTH: bool>(&self, i: usize) -> (T, T) {
        let Some((fours, (a, x), own)) = self.beside.as_ref().and_then(|beside| beside.row(i)) else {
            return plain::<T, BOTH>(self.rows.row(i), self.x);
        };
        let (mut products, mut squares) = ([T::ZERO; 4], [T::ZERO; 4]);
        for (a, x) in fours {
            self.add(None, &mut products, &a, &x);
            if BOTH {
                self.add(None, &mut squares, &a, &a);
            }
        }
        let own = self.own.get(own);
        self.add(own, &mut products, &a, &x);
        if BOTH {
            self.add(own, &mut squares, &a, &a);
        }
        (combine(products), combine(squares))
    }

    /// sums ← sums + a·b, where `own` has a one if there is one.
    #[inline(always)]
    fn add(&self, own: Option<&[T; 4]>, sums: &mut [T; 4], a: &[T; 4], b: &[T; 4]) {
        let simd = self.simd;
        let zero = T::splat(simd, T::ZERO);
        let registers =
            T::split_mut(simd, sums).0.iter_mut().zip(T::split(simd, a).0).zip(T::split(simd, b).0);
        match own {
            None => {
                for ((sum, &a), &b) in registers {
                    *sum = T::vadd(simd, *sum, T::vmul(simd, a, b));
                }
            }
            Some(own) => {
                for (((sum, &a), &b), &own) in registers.zip(T::split(simd, own).0) {
                    // A sum that began at +0 does not see another +0.
                    let product = T::vselect(simd, T::vless(simd, zero, own), T::vmul(simd, a, b), zero);
                    *sum = T::vadd(simd, *sum, product);
                }
            }
        }
    }
}

/// The same by a plain loop.
#[inline(never)]
fn plain<T: Real, const BOTH: bool>(row: Row<'_, T>, x: &[T]) -> (T, T) {
    let mut squares = [T::ZERO; 4];
    if BOTH {
        let values = row.values().iter().enumerate();
        values.for_each(|(k, &a)| squares[k % 4] += a * a);
    }
    (dot_kernel(row, x), combine(squares))
}

/// y_{j(k)} ← y_{j(k)} + α·a_k for every entry, first to last: a step along a column of a matrix stored by
/// columns. Cost: 12 bytes an entry in `f64`, its element of y read and written, 2 operations.
pub fn add_scaled<T: Real>(alpha: T, row: Row<'_, T>, y: &mut [T]) {
    row.change(y, |a, y| *y += alpha * a);
}
