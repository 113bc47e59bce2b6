//! Products of sparse rows with vectors.

use super::view::by_rows;
use super::{Row, Rows, ascending};
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
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

/// y_{j(k)} ← y_{j(k)} + α·a_k for every entry, first to last: a step along a column of a matrix stored by
/// columns. Cost: 12 bytes an entry in `f64`, its element of y read and written, 2 operations.
pub fn add_scaled<T: Real>(alpha: T, row: Row<'_, T>, y: &mut [T]) {
    row.change(y, |a, y| *y += alpha * a);
}
