//! What is known before a recurrence runs, gathered in one pass over registers.
//!
//! ```text
//! t = ((b − c₁·x₁) − c₂·x₂) − …,   q ← f·t   or   q ← keep·x + f·t
//! ```

use pulp::Simd;

use super::march::WINDOW;
use super::piece;
use crate::Real;
use crate::vectors::lanes;

/// c·x over the cells of a piece of a row; `x[0]` belongs to cell `from`. Where there is no x there is
/// nothing to subtract.
#[derive(Clone, Copy)]
pub(super) struct Term<'a, T> {
    c: T,
    x: &'a [T],
    from: usize,
}

impl<'a, T: Real> Term<'a, T> {
    /// c·x from the first cell of the piece on.
    #[inline(always)]
    pub(super) fn new(c: T, x: &'a [T]) -> Self {
        Self { c, x, from: 0 }
    }

    /// c·x_W on a piece that begins at column `first` of `row`; the first column has no west.
    #[inline(always)]
    pub(super) fn west(c: T, row: &'a [T], first: usize) -> Self {
        if first == 0 {
            Self { c, x: row, from: 1 }
        } else {
            Self { c, x: row.get(first - 1..).unwrap_or(&[]), from: 0 }
        }
    }

    /// c·x_E likewise; the last column has no east.
    #[inline(always)]
    pub(super) fn east(c: T, row: &'a [T], first: usize) -> Self {
        Self { c, x: row.get(first + 1..).unwrap_or(&[]), from: 0 }
    }
}

impl<T> Term<'_, T> {
    /// Whether any cell has this neighbour.
    #[inline(always)]
    pub(super) fn exists(&self) -> bool {
        !self.x.is_empty()
    }
}

/// q ← f·t, or with `KEEP` q ← keep·x + f·t, over the common length of q, b and x.
#[inline(always)]
pub(super) fn gather<T: Real, S: Simd, const K: usize, const KEEP: bool>(
    simd: S,
    b: &[T],
    terms: [Term<'_, T>; K],
    f: T,
    keep: T,
    x: &[T],
    q: &mut [T],
) {
    let n = q.len().min(b.len()).min(x.len());
    let (Some(q), Some(b), Some(x)) = (q.get_mut(..n), b.get(..n), x.get(..n)) else { return };
    // All terms exist on cells lo..hi: everywhere but in the first or the last column.
    let mut lo = 0;
    let mut hi = n;
    for term in &terms {
        lo = lo.max(term.from);
        hi = hi.min(term.from + term.x.len());
    }
    let lo = lo.min(n);
    let hi = hi.clamp(lo, n);
    let mut one = |j: usize| {
        let (Some(q), Some(&b), Some(&x)) = (q.get_mut(j), b.get(j), x.get(j)) else { return };
        let mut t = b;
        for term in &terms {
            if let Some(&x) = term.x.get(j.wrapping_sub(term.from)) {
                t -= term.c * x;
            }
        }
        *q = if KEEP { keep * x + f * t } else { f * t };
    };
    let lanes = lanes::<T, S>();
    let inner = hi - lo;
    if inner < lanes {
        (0..n).for_each(one);
        return;
    }
    (0..lo).for_each(&mut one);
    (hi..n).for_each(&mut one);
    if inner == WINDOW {
        // The length is known when this is compiled: nearly all windows of a long row.
        return registers::<T, S, K, KEEP>(simd, b, &terms, f, keep, x, q, lo, WINDOW);
    }
    registers::<T, S, K, KEEP>(simd, b, &terms, f, keep, x, q, lo, inner);
    // What is left over is done once more together with the cells before it: nothing that is read is
    // written.
    if !inner.is_multiple_of(lanes) {
        registers::<T, S, K, KEEP>(simd, b, &terms, f, keep, x, q, hi - lanes, lanes);
    }
}

/// The whole registers of cells `from..from + len`, where all terms exist.
#[inline(always)]
fn registers<T: Real, S: Simd, const K: usize, const KEEP: bool>(
    simd: S,
    b: &[T],
    terms: &[Term<'_, T>; K],
    f: T,
    keep: T,
    x: &[T],
    q: &mut [T],
    from: usize,
    len: usize,
) {
    let Some(q) = q.get_mut(from..from + len) else { return };
    let (q, _) = T::split_mut(simd, q);
    let (b, _) = T::split(simd, piece(b, from, len));
    let (x, _) = T::split(simd, piece(x, from, len));
    let mut along = terms.map(|term| T::split(simd, piece(term.x, from.wrapping_sub(term.from), len)).0);
    let c = terms.map(|term| T::splat(simd, term.c));
    let (keep, f) = (T::splat(simd, keep), T::splat(simd, f));
    // One length for all, so that the loop need not look.
    let n = along.iter().fold(q.len().min(b.len()).min(x.len()), |n, along| n.min(along.len()));
    for along in &mut along {
        let Some(first) = along.get(..n) else { return };
        *along = first;
    }
    let (Some(q), Some(b), Some(x)) = (q.get_mut(..n), b.get(..n), x.get(..n)) else { return };
    for (i, ((q, &b), &x)) in q.iter_mut().zip(b).zip(x).enumerate() {
        let mut t = b;
        for (along, &c) in along.iter().zip(&c) {
            if let Some(&x) = along.get(i) {
                t = T::vsub(simd, t, T::vmul(simd, c, x));
            }
        }
        let t = T::vmul(simd, f, t);
        *q = if KEEP { T::vadd(simd, T::vmul(simd, keep, x), t) } else { t };
    }
}
