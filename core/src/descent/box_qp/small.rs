//! Products with small matrices stored by rows: plain loops, four columns at a time, for parts where a pass over
//! a dozen numbers must not cost more than its arithmetic.
//!
//! Sums run in the order of the rows, or of the groups of four columns; nothing is fused: the same bits everywhere.

use crate::Real;

/// y ← y + w·x, over the common length.
#[inline]
pub(super) fn axpy<T: Real>(w: T, x: &[T], y: &mut [T]) {
    let n = x.len().min(y.len());
    let (Some(x), Some(y)) = (x.get(..n), y.get_mut(..n)) else { return };
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<4>(), y.as_chunks_mut::<4>());
    for ([y0, y1, y2, y3], &[x0, x1, x2, x3]) in y.iter_mut().zip(x) {
        *y0 += w * x0;
        *y1 += w * x1;
        *y2 += w * x2;
        *y3 += w * x3;
    }
    for (y, &x) in y_rest.iter_mut().zip(x_rest) {
        *y += w * x;
    }
}

/// y ← y + Σ_k w_k·row_k, with the weights `step` apart; rows of weight 0 are skipped, which is what makes sparse
/// dynamics cheap.
#[inline(never)]
pub(super) fn add_rows<T: Real>(rows: &[T], stride: usize, weights: &[T], step: usize, y: &mut [T]) {
    let mut at = 0_usize;
    for row in rows.chunks(stride.max(1)) {
        let Some(&w) = weights.get(at) else { return };
        at = at.wrapping_add(step);
        if w != T::ZERO {
            axpy(w, row, y);
        }
    }
}

/// Σ xᵢ·yᵢ, in groups of four.
#[inline]
pub(super) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    let (x_blocks, x_rest) = x.as_chunks::<4>();
    let (y_blocks, y_rest) = y.as_chunks::<4>();
    let mut sum = T::ZERO;
    for (&[x0, x1, x2, x3], &[y0, y1, y2, y3]) in x_blocks.iter().zip(y_blocks) {
        sum += (x0 * y0 + x1 * y1) + (x2 * y2 + x3 * y3);
    }
    for (&x, &y) in x_rest.iter().zip(y_rest) {
        sum += x * y;
    }
    sum
}

/// yᵢ ← yᵢ + rowᵢ·x.
#[inline(never)]
pub(super) fn add_products<T: Real>(rows: &[T], x: &[T], y: &mut [T]) {
    for (y, row) in y.iter_mut().zip(rows.chunks(x.len().max(1))) {
        *y += dot(row, x);
    }
}

/// |x| of the largest element; a NaN or an infinity makes it infinite.
pub(super) fn largest<T: Real>(x: &[T]) -> T {
    x.iter().fold(T::ZERO, |most, &x| if x.abs() <= T::MAX { most.max(x.abs()) } else { T::INFINITY })
}
