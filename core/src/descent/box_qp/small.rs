//! Products with small matrices stored by rows: plain loops, four columns at a time, for parts where a pass over
//! a dozen numbers must not cost more than its arithmetic.
//!
//! Sums run in the order of the rows, or of the groups of four columns; nothing is fused: the same bits everywhere.

use core::hint::black_box;

use southwell_simd::short;

use crate::Real;

/// The same. On a part what it refers to is read anew from here on: what is kept in registers for a whole loop is kept on the
/// stack, after all.
#[inline(always)]
pub(super) fn anew<R>(all: R) -> R {
    if cfg!(target_os = "none") { black_box(all) } else { all }
}

/// y ← y + w·x, over the common length.
#[inline(never)]
pub(super) fn axpy<T: Real>(w: T, x: &[T], y: &mut [T]) {
    short::axpy(w, x, y);
}

/// Row i of a matrix with rows of n elements; empty if there is none.
#[inline(never)]
pub(super) fn row<T>(matrix: &[T], i: usize, n: usize) -> &[T] {
    let begin = i.wrapping_mul(n);
    matrix.get(begin..begin.wrapping_add(n)).unwrap_or(&[])
}

/// The same, for writing.
#[inline(never)]
pub(super) fn row_mut<T>(matrix: &mut [T], i: usize, n: usize) -> &mut [T] {
    let begin = i.wrapping_mul(n);
    matrix.get_mut(begin..begin.wrapping_add(n)).unwrap_or(&mut [])
}

/// What follows the first i elements; nothing if there are fewer.
pub(super) fn from<T>(x: &[T], i: usize) -> &[T] {
    x.get(i..).unwrap_or(&[])
}

/// The same, for writing.
pub(super) fn from_mut<T>(x: &mut [T], i: usize) -> &mut [T] {
    x.get_mut(i..).unwrap_or(&mut [])
}

/// Element i; 0 if there is none.
pub(super) fn at<T: Real>(x: &[T], i: usize) -> T {
    x.get(i).copied().unwrap_or(T::ZERO)
}

/// y ← y + Σ_k w_k·row_k, of a matrix with as many columns as y has numbers: the usual one of [`add_rows`], with fewer
/// arguments at every call and less on the stack of a part.
#[inline(never)]
pub(super) fn add_all<T: Real>(matrix: &[T], weights: &[T], y: &mut [T]) {
    add_apart(matrix, y.len(), weights, 1, y);
}

/// y ← y + Σ_k w_k·row_k, rows `stride` and weights `step` apart. Rows of weight 0 are skipped, which is what makes
/// sparse dynamics cheap; the others are taken in pairs, so that y is read and written half as often.
#[inline(never)]
pub(super) fn add_rows<T: Real>(matrix: &[T], stride: usize, weights: &[T], step: usize, y: &mut [T]) {
    add_apart(matrix, stride, weights, step, y);
}

#[inline(always)]
fn add_apart<T: Real>(matrix: &[T], stride: usize, weights: &[T], step: usize, y: &mut [T]) {
    let (mut begin, mut at) = (0_usize, 0_usize);
    let mut waiting: Option<(T, &[T])> = None;
    while let Some(&w) = weights.get(at) {
        at = at.wrapping_add(step);
        if w != T::ZERO {
            let Some(row) = matrix.get(begin..begin.wrapping_add(y.len())) else { break };
            waiting = match waiting {
                None => Some((w, row)),
                Some((v, other)) => {
                    short::add_two(v, other, w, row, y);
                    None
                }
            };
        }
        begin = begin.wrapping_add(stride);
    }
    if let Some((w, row)) = waiting {
        axpy(w, row, y);
    }
}

/// Σ xᵢ·yᵢ, in groups of four.
#[inline(never)]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    short::dot(x, y)
}

/// yᵢ ← yᵢ + rowᵢ·x.
#[inline(never)]
pub(super) fn add_products<T: Real>(matrix: &[T], x: &[T], y: &mut [T]) {
    let mut begin = 0_usize;
    for y in y {
        let end = begin.wrapping_add(x.len());
        let Some(row) = matrix.get(begin..end) else { return };
        *y += short::dot(row, x);
        begin = end;
    }
}

/// x ← 0.
#[inline(never)]
pub(super) fn clear<T: Real>(x: &mut [T]) {
    x.fill(T::ZERO);
}

/// Copies the common length.
#[inline(never)]
pub(super) fn copy<T: Real>(to: &mut [T], from: &[T]) {
    if !cfg!(target_os = "none") {
        to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
        return;
    }
    // Four at a time: the compiler's own copy takes more instructions for a dozen numbers, and more stack.
    let n = to.len().min(from.len());
    let (Some(to), Some(from)) = (to.get_mut(..n), from.get(..n)) else { return };
    let ((to, to_rest), (from, from_rest)) = (to.as_chunks_mut::<4>(), from.as_chunks::<4>());
    for (to, &[a, b, c, d]) in to.iter_mut().zip(from) {
        *to = [a, b, c, d];
    }
    // No loop, which would become a call of that copy.
    match (to_rest, from_rest) {
        ([p], &[a]) => *p = a,
        ([p, q], &[a, b]) => (*p, *q) = (a, b),
        ([p, q, r], &[a, b, c]) => (*p, *q, *r) = (a, b, c),
        _ => {}
    }
}

/// |x| of the largest element; a NaN or an infinity makes it infinite.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn largest<T: Real>(x: &[T]) -> T {
    let larger = |most: T, size: T| if size > most { size } else { most };
    x.iter().fold(T::ZERO, |most, &x| if x.abs() <= T::MAX { larger(most, x.abs()) } else { T::INFINITY })
}
