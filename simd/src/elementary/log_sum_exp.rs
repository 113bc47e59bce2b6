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

use super::exp::exp_term;
use super::ln::ln_scalar;
use super::map::padded;
use super::sums::{larger, largest, maximum};
use crate::dense::Matrix;
use crate::dispatch::{fills_none, pass, too_few};
use crate::map::{cut, cut_mut, pieces};
use crate::paths::is_bare;
use crate::vectors::lanes;
use crate::{LANES, Real, reduce};

/// Terms that are made before they are summed.
pub(super) const BLOCK: usize = 256;

/// What is subtracted from the terms of a block when their maximum is `m`, so that none stays above 0.
/// Infinite terms are lowered first where there are any: their difference would be NaN.
#[inline(always)]
pub(super) fn shift<T: Real>(m: T, block: &mut [T]) -> T {
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
    fn add<S: Simd, const N: usize>(&mut self, simd: S, block: &mut [T; N], n: usize) {
        // Up to the next register, terms whose exponentials are zeros.
        let n = n.min(N);
        let whole = n.next_multiple_of(lanes::<T, S>().max(1)).min(N);
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
    short(too_few(x)) narrow(fills_none(x)) pub fn log_sum_exp<'a, T>(x: &'a [T]) -> T = log_sum_exp_kernel
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
    // To clear a block takes as long as a dozen terms.
    if x.len() <= LANES {
        let mut block = padded(x);
        online.add(simd, &mut block, x.len());
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
pub(super) fn terms<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], s: T, x: &mut [T]) {
    crate::map::map!(simd, x, g, c; { let factor = T::splat(simd, s); } T::vmul(simd, T::vsub(simd, g, c), factor));
}
