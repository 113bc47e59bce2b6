//! log Σ e^x, without overflow.
//!
//! The sum is taken relative to the maximum m: m + ln Σ e^(xⱼ − m). A term below e^−708 of the largest
//! (`f64`; e^−87 in `f32`) counts as 0. If all terms are −∞ (or there is none) so is the result; +∞ among
//! them gives +∞, and NaN always NaN.
//!
//! A row of a matrix is read once: its terms are made block by block in a buffer on the stack, and when
//! a block raises the maximum, the lanes summed so far are scaled by e^(old − new) (the online softmax
//! of Milakov and Gimelshein, 2018, with blocks instead of elements). The blocks are fixed, so the bits
//! are too.

use pulp::Simd;

use super::exp::{exp_term, exp_terms};
use super::ln::ln_scalar;
use super::map::{every, map};
use super::sums::{add_lanes, larger, largest, maximum};
use crate::dense::Matrix;
use crate::dispatch::{few, pass};
use crate::map::{cut, cut_mut, pieces};
use crate::paths::is_bare;
use crate::prefetch::ask_all;
use crate::vectors::lanes;
use crate::{LANES, Real, reduce};

/// Terms that are made before they are summed.
const BLOCK: usize = 256;

/// What is subtracted from the terms of a block when their maximum is `m`, so that none stays above 0.
/// Infinite terms are lowered first where there are any: their difference would be NaN.
#[inline(always)]
fn shift<T: Real>(m: T, block: &mut [T]) -> T {
    if m.is_finite() {
        m
    } else if T::ZERO < m {
        for x in block {
            *x = if T::MAX < *x { T::MAX } else { *x };
        }
        T::MAX
    } else {
        T::ZERO
    }
}

/// A sum of exponentials that grows block by block.
struct Online<T> {
    maximum: T,
    lanes: [T; LANES],
}

impl<T: Real> Online<T> {
    #[inline(always)]
    fn new() -> Self {
        Self { maximum: -T::INFINITY, lanes: [T::ZERO; LANES] }
    }

    /// Adds the exponentials of the first `n` terms of a block; the others are overwritten.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, block: &mut [T; BLOCK], n: usize) {
        // Up to the next register, terms whose exponentials are zeros.
        let n = n.min(BLOCK);
        let whole = n.next_multiple_of(lanes::<T, S>().max(1)).min(BLOCK);
        for pad in &mut block[n..whole] {
            *pad = -T::INFINITY;
        }
        let block = &mut block[..whole];

        let mut maxima = [-T::INFINITY; LANES];
        largest(simd, &mut maxima, block);
        self.rise(simd, maximum(&maxima));
        let m = shift(self.maximum, block);
        self.lanes = summed(simd, self.lanes, block, m);
    }

    /// The same for terms that are made piece by piece, and twice: for a core without vectors, whose stack has no room
    /// for a block. `terms` makes those from a position on.
    #[inline(always)]
    fn add_twice<S: Simd>(&mut self, simd: S, n: usize, terms: impl Fn(usize, &mut [T])) {
        let mut piece = [T::ZERO; LANES];
        let mut maxima = [-T::INFINITY; LANES];
        let mut start = 0;
        while start < n {
            let piece = cut_mut(&mut piece, (n - start).min(LANES));
            terms(start, piece);
            largest(simd, &mut maxima, piece);
            start += LANES;
        }
        self.rise(simd, maximum(&maxima));
        let mut start = 0;
        while start < n {
            let piece = cut_mut(&mut piece, (n - start).min(LANES));
            terms(start, piece);
            let m = shift(self.maximum, piece);
            self.lanes = summed(simd, self.lanes, piece, m);
            start += LANES;
        }
    }

    /// The maximum of one block more; what was summed relative to a smaller one is scaled.
    #[inline(always)]
    fn rise<S: Simd>(&mut self, simd: S, maximum: T) {
        let (old, new) = (self.maximum, larger(self.maximum, maximum));
        self.maximum = new;
        // What was summed relative to −∞ is zeros (or NaN); between equals nothing changes.
        if -T::INFINITY < old {
            let difference = if old < new { old - new } else { T::ZERO };
            let factor = exp_term::<T, S>(simd, T::splat(simd, difference));
            for lanes in T::split_mut(simd, &mut self.lanes).0 {
                *lanes = T::vmul(simd, *lanes, factor);
            }
        }
    }

    #[inline(always)]
    fn value(&self) -> T {
        self.maximum + ln_scalar(reduce(&self.lanes))
    }
}

/// Lanes and the exponentials of terms less m, beginning at lane 0; terms fill registers.
#[inline(always)]
fn summed<T: Real, S: Simd>(simd: S, lanes: [T; LANES], terms: &[T], m: T) -> [T; LANES] {
    // A copy that lives in registers while the loop runs.
    let (mut lanes, m) = (lanes, T::splat(simd, m));
    let (chunks, rest) = terms.as_chunks::<LANES>();
    for terms in chunks {
        let (sums, _) = T::split_mut(simd, &mut lanes);
        let (terms, _) = T::split(simd, terms.as_slice());
        for (sum, &x) in sums.iter_mut().zip(terms) {
            *sum = T::vadd(simd, *sum, exp_term::<T, S>(simd, T::vsub(simd, x, m)));
        }
    }
    let (sums, _) = T::split_mut(simd, &mut lanes);
    let (terms, _) = T::split(simd, rest);
    for (sum, &x) in sums.iter_mut().zip(terms) {
        *sum = T::vadd(simd, *sum, exp_term::<T, S>(simd, T::vsub(simd, x, m)));
    }
    lanes
}

pass! {
    /// log Σⱼ e^(xⱼ); −∞ if there is no element or all are −∞. Blocks of 256 elements with an online maximum.
    /// Cost: 1 r, 32 operations in `f64`, 29 in `f32`.
    short(few(x)) pub fn log_sum_exp<'a, T>(x: &'a [T]) -> T = log_sum_exp_kernel
}

#[inline(always)]
pub(crate) fn log_sum_exp_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    let mut online = Online::new();
    if is_bare::<S>() {
        for x in pieces::<BLOCK, _>(x) {
            online.add_twice(simd, x.len(), |start, piece| {
                let x = x.get(start..).unwrap_or(&[]);
                piece.iter_mut().zip(x).for_each(|(piece, &x)| *piece = x);
            });
        }
        return online.value();
    }
    let mut block = [T::ZERO; BLOCK];
    for x in pieces::<BLOCK, _>(x) {
        for (block, &x) in block.iter_mut().zip(x) {
            *block = x;
        }
        online.add(simd, &mut block, x.len());
    }
    online.value()
}

pass! {
    /// yᵢ ← log Σⱼ e^((gⱼ − Cᵢⱼ)·s) for every row of a matrix, which is read once; nothing is written but y.
    ///
    /// With s = 1/ε: the row update of Sinkhorn's iteration in the log domain. Blocks of 256 columns with
    /// an online maximum, in a buffer on the stack (two kilobytes in `f64`; on a part, whose stack is small, terms are
    /// made twice instead, with the same bits). Cost: C once, 34 operations
    /// an entry in `f64`, 31 in `f32`.
    pub fn log_sum_exp_rows<'a, T>(g: &'a [T], c: Matrix<'a, T>, s: T, y: &'a mut [T]) -> () = log_sum_exp_rows_kernel
}

#[inline(always)]
pub(crate) fn log_sum_exp_rows_kernel<T: Real, S: Simd>(
    simd: S,
    g: &[T],
    c: Matrix<'_, T>,
    s: T,
    y: &mut [T],
) {
    if is_bare::<S>() {
        for (y, row) in y.iter_mut().zip(c.rows()) {
            let mut online = Online::new();
            let n = row.len().min(g.len());
            for (g, c) in pieces::<BLOCK, _>(cut(g, n)).zip(pieces::<BLOCK, _>(cut(row, n))) {
                online.add_twice(simd, c.len(), |start, piece| {
                    let (g, c) = (g.get(start..).unwrap_or(&[]), c.get(start..).unwrap_or(&[]));
                    terms(simd, g, c, s, piece);
                });
            }
            *y = online.value();
        }
        return;
    }
    let mut block = [T::ZERO; BLOCK];
    for (y, row) in y.iter_mut().zip(c.rows()) {
        let mut online = Online::new();
        let n = row.len().min(g.len());
        for (g, c) in pieces::<BLOCK, _>(cut(g, n)).zip(pieces::<BLOCK, _>(cut(row, n))) {
            terms(simd, g, c, s, &mut block);
            online.add(simd, &mut block, c.len());
        }
        *y = online.value();
    }
}

/// xⱼ ← (gⱼ − cⱼ)·s
#[inline(always)]
fn terms<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], s: T, x: &mut [T]) {
    crate::map::map!(simd, x, g, c; { let factor = T::splat(simd, s); } T::vmul(simd, T::vsub(simd, g, c), factor));
}

pass! {
    /// yⱼ ← e^(xⱼ − m) with xⱼ = (gⱼ − cⱼ)·s and m = maxⱼ xⱼ: the pair (m, Σ yⱼ), so that
    /// log Σ e^(xⱼ) = m + ln Σ yⱼ and yⱼ/Σ yⱼ is the softmax.
    ///
    /// If m is −∞ (the row may be empty), y is 0; if m is +∞, y is 1 there and 0 elsewhere. For rows
    /// that fit into the first cache: y is gone through twice. Cost: 2 r, 1 w, 34 operations in
    /// `f64`, 31 in `f32`.
    short(few(g) || size_of_val(g) <= 64) pub fn exp_row<'a, T>(g: &'a [T], c: &'a [T], s: T, y: &'a mut [T]) -> (T, T) = exp_row_kernel
}

#[inline(always)]
pub(crate) fn exp_row_kernel<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    exp_row_and_next(simd, g, c, &[], s, y)
}

pass! {
    /// [`exp_row`], which asks for the costs of the `next` row while it makes exponentials: with costs from memory, which
    /// else would have nothing to do then. The same bits. Cost: as `exp_row`.
    short(few(g) || size_of_val(g) <= 64) pub fn exp_row_before<'a, T>(
        g: &'a [T], c: &'a [T], next: &'a [T], s: T, y: &'a mut [T],
    ) -> (T, T) = exp_row_and_next
}

#[inline(always)]
fn exp_row_and_next<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], next: &[T], s: T, y: &mut [T]) -> (T, T) {
    let n = g.len().min(c.len()).min(y.len());
    let y = &mut y[..n];
    let m = if is_bare::<S>() {
        // One after the other: which meets which first leaves no trace, and a stack needs no lanes.
        let mut m = -T::INFINITY;
        for ((y, &g), &c) in y.iter_mut().zip(g).zip(c) {
            *y = (g - c) * s;
            m = larger(m, *y);
        }
        m + T::ZERO
    } else {
        let mut maxima = [-T::INFINITY; LANES];
        let terms_of = pieces::<BLOCK, _>(cut(g, n)).zip(pieces::<BLOCK, _>(cut(c, n)));
        for ((g, c), y) in terms_of.zip(y.chunks_mut(BLOCK)) {
            terms(simd, g, c, s, y);
            largest(simd, &mut maxima, y);
        }
        maximum(&maxima)
    };
    exponentials(simd, m, y, |place| ask_all(next, place, LANES))
}

/// Costs that are made where they are needed.
pub(crate) trait Made<T: Real> {
    /// Writes the costs from a column on.
    fn make<S: Simd>(&self, simd: S, start: usize, costs: &mut [T]);

    /// xⱼ ← (gⱼ − cⱼ)·s for the columns from `start` on, without a place for the costs in between; whether it can.
    fn make_terms<S: Simd>(&self, simd: S, start: usize, g: &[T], s: T, x: &mut [T]) -> bool;
}

/// [`exp_row`] of costs that are made a block at a time, and never leave the first cache.
#[inline(always)]
pub(crate) fn exp_row_made<T: Real, S: Simd>(
    simd: S,
    g: &[T],
    made: &impl Made<T>,
    s: T,
    y: &mut [T],
) -> (T, T) {
    let n = g.len().min(y.len());
    let y = cut_mut(y, n);
    let mut maxima = [-T::INFINITY; LANES];
    let mut costs = [T::ZERO; BLOCK];
    let mut start = 0;
    for (g, y) in pieces::<BLOCK, _>(cut(g, n)).zip(y.chunks_mut(BLOCK)) {
        if !made.make_terms(simd, start, g, s, y) {
            let costs = cut_mut(&mut costs, y.len());
            made.make(simd, start, costs);
            terms(simd, g, costs, s, y);
        }
        largest(simd, &mut maxima, y);
        start += BLOCK;
    }
    exponentials(simd, maximum(&maxima), y, |_| ())
}

/// e^(yⱼ − m) of terms whose largest is m: m, and their sum. `ask(j)` comes before [`LANES`] exponentials from j on.
#[inline(always)]
pub(crate) fn exponentials<T: Real, S: Simd>(simd: S, m: T, y: &mut [T], ask: impl Fn(usize)) -> (T, T) {
    let shift = T::splat(simd, shift(m, y));
    let mut sums = [T::ZERO; LANES];
    if is_bare::<S>() {
        // One loop for all.
        let (y, _) = T::split_mut(simd, y);
        for (i, y) in y.iter_mut().enumerate() {
            *y = exp_term::<T, S>(simd, T::vsub(simd, *y, shift));
            if let Some(sum) = T::split_mut(simd, &mut sums).0.get_mut(i % LANES) {
                *sum = T::vadd(simd, *sum, *y);
            }
        }
        return (m, reduce(&sums));
    }
    let (chunks, rest) = y.as_chunks_mut::<LANES>();
    for (k, y) in chunks.iter_mut().enumerate() {
        ask(k * LANES);
        let (sums, _) = T::split_mut(simd, &mut sums);
        let (y, _) = T::split_mut(simd, y.as_mut_slice());
        // As many registers together as have their chains side by side.
        let ((fours, y), (sums_of_fours, sums)) = (y.as_chunks_mut::<4>(), sums.as_chunks_mut::<4>());
        for (sums, y) in sums_of_fours.iter_mut().zip(fours) {
            *y = exp_terms::<T, S, 4>(simd, every(*y, |y| T::vsub(simd, y, shift)));
            for (sum, &y) in sums.iter_mut().zip(&*y) {
                *sum = T::vadd(simd, *sum, y);
            }
        }
        for (sum, y) in sums.iter_mut().zip(y) {
            *y = exp_term::<T, S>(simd, T::vsub(simd, *y, shift));
            *sum = T::vadd(simd, *sum, *y);
        }
    }
    map!(simd, rest, |x| exp_terms::<T, S, _>(simd, every(x, |x| T::vsub(simd, x, shift))));
    add_lanes(simd, &mut sums, rest);
    (m, reduce(&sums))
}
