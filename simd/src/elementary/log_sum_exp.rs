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
use super::map::map;
use super::sums::{add_lanes, larger, largest, maximum};
use crate::dense::Matrix;
use crate::dispatch::{few, pass};
use crate::map::{cut, pieces};
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
        let mut lanes = self.lanes;
        // Up to the next register, terms whose exponentials are zeros.
        let width = LANES / T::split(simd, lanes.as_slice()).0.len().max(1);
        let n = n.min(BLOCK);
        let whole = n.next_multiple_of(width.max(1)).min(BLOCK);
        for pad in &mut block[n..whole] {
            *pad = -T::INFINITY;
        }
        let block = &mut block[..whole];

        let mut maxima = [-T::INFINITY; LANES];
        largest(simd, &mut maxima, block);
        let (old, new) = (self.maximum, larger(self.maximum, maximum(&maxima)));
        self.maximum = new;
        // What was summed relative to −∞ is zeros (or NaN); between equals nothing changes.
        if -T::INFINITY < old {
            let difference = if old < new { old - new } else { T::ZERO };
            let factor = exp_term::<T, S>(simd, T::splat(simd, difference));
            for lanes in T::split_mut(simd, &mut lanes).0 {
                *lanes = T::vmul(simd, *lanes, factor);
            }
        }

        let m = T::splat(simd, shift(new, block));
        let (chunks, rest) = block.as_chunks::<LANES>();
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
        self.lanes = lanes;
    }

    #[inline(always)]
    fn value(&self) -> T {
        self.maximum + ln_scalar(reduce(&self.lanes))
    }
}

pass! {
    /// log Σⱼ e^(xⱼ); −∞ if there is no element or all are −∞. Blocks of 256 elements with an online maximum.
    /// Cost: 1 r, 40 operations in `f64`, 29 in `f32`.
    short(few(x)) pub fn log_sum_exp<'a, T>(x: &'a [T]) -> T = log_sum_exp_kernel
}

#[inline(always)]
pub(crate) fn log_sum_exp_kernel<T: Real, S: Simd>(simd: S, x: &[T]) -> T {
    let mut online = Online::new();
    let mut block = [T::ZERO; BLOCK];
    for x in x.chunks(BLOCK) {
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
    /// an online maximum, in a buffer on the stack (two kilobytes in `f64`). Cost: C once, 42 operations
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
    /// that fit into the first cache: y is gone through twice. Cost: 2 r, 1 w, 42 operations in
    /// `f64`, 31 in `f32`.
    short(few(g)) pub fn exp_row<'a, T>(g: &'a [T], c: &'a [T], s: T, y: &'a mut [T]) -> (T, T) = exp_row_kernel
}

#[inline(always)]
pub(crate) fn exp_row_kernel<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    let n = g.len().min(c.len()).min(y.len());
    let y = &mut y[..n];
    let mut maxima = [-T::INFINITY; LANES];
    let terms_of = pieces::<BLOCK, _>(cut(g, n)).zip(pieces::<BLOCK, _>(cut(c, n)));
    for ((g, c), y) in terms_of.zip(y.chunks_mut(BLOCK)) {
        terms(simd, g, c, s, y);
        largest(simd, &mut maxima, y);
    }
    let m = maximum(&maxima);
    let shift = T::splat(simd, shift(m, y));
    let mut sums = [T::ZERO; LANES];
    for y in y.chunks_mut(BLOCK) {
        map!(simd, y, |x| exp_term::<T, S>(simd, T::vsub(simd, x, shift)));
        add_lanes(simd, &mut sums, y);
    }
    (m, reduce(&sums))
}
