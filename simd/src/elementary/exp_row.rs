//! A row of costs, or of anything, as exponentials relative to the largest.
//!
//! Terms are made in units of ln 2, so that what is reduced is an exponent of 2 already: 2^w = 2^k·2^r with k the multiple of ¼
//! nearest to w, the integer in `f32`, and r = w − k without rounding. 2^w is within 1.2 units in the last place in `f64`, 1.7
//! in `f32` (1.57 was met), beside what the terms were rounded by: 2 |xⱼ| + |m| units, which no way of computing them
//! is without. The largest is 1. What is below 2^−1022 of it (`f64`; 2^−126 in `f32`) comes out below that as well, and as 0 before long.

use pulp::Simd;

use super::exp::each;
use super::log_sum_exp::{BLOCK, shift, terms};
use super::map::{every, map};
use super::sums::{add_lanes, larger, largest, maximum};
use crate::dispatch::{few, pass};
use crate::map::{cut, cut_mut, pieces};
use crate::paths::is_bare;
use crate::prefetch::ask_all;
use crate::vectors::lanes;
use crate::{LANES, Real, reduce};

pass! {
    /// yⱼ ← e^(xⱼ − m) with xⱼ = (gⱼ − cⱼ)·s and m = maxⱼ xⱼ: the pair (m, Σ yⱼ), so that
    /// log Σ e^(xⱼ) = m + ln Σ yⱼ and yⱼ/Σ yⱼ is the softmax.
    ///
    /// In units of ln 2: uⱼ = (gⱼ − cⱼ)·(s·log₂ e), yⱼ = 2^(uⱼ − max u), m = ln 2·max u. The largest y is 1; what is below
    /// 2^−1022 of it (`f64`; 2^−126 in `f32`) is some number below that, or 0.
    /// If m is −∞ (the row may be empty), y is 0; if m is +∞, y is 1 there and 0 elsewhere. For rows
    /// that fit into the first cache: y is gone through twice. Cost: 2 r, 1 w, 28 operations in
    /// `f64`, 24 in `f32`.
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
    let s = s * T::LOG2_E;
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
    exponentials(simd, m, y, |place, count| ask_all(next, place, count))
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
    let s = s * T::LOG2_E;
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
    exponentials(simd, maximum(&maxima), y, |_, _| ())
}

/// On a line of the cache of its own, and with it what a function around it keeps beside its registers: compilers leave
/// that where it falls, and half of it would lie across two lines.
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// Registers whose chains of operations run side by side.
const TOGETHER: usize = 4;

/// 2^(yⱼ − u) of terms whose largest is u: u·ln 2, and their sum. `ask(j, n)` comes before the powers from j to j + n.
#[inline(always)]
pub(crate) fn exponentials<T: Real, S: Simd>(
    simd: S,
    u: T,
    y: &mut [T],
    ask: impl Fn(usize, usize),
) -> (T, T) {
    let m = u * T::LN_2;
    let shift = T::splat(simd, shift(u, y));
    let mut sums = [T::ZERO; LANES];
    if is_bare::<S>() {
        // One loop for all. What vanishes, as most of a matrix with gates does, takes no power and adds nothing.
        let (y, _) = T::split_mut(simd, y);
        let (zero, low) = (T::splat(simd, T::ZERO), T::splat(simd, T::BINARY_LOW));
        for (i, y) in y.iter_mut().enumerate() {
            let [w] = lowered::<T, S, 1>(simd, [*y], shift);
            if T::vany::<S>(T::vless_equal(simd, w, low)) {
                *y = zero;
                continue;
            }
            [*y] = raised::<T, S, 1>(simd, [w]);
            if let Some(sum) = T::split_mut(simd, &mut sums).0.get_mut(i % LANES) {
                *sum = T::vadd(simd, *sum, *y);
            }
        }
        return (m, reduce(&sums));
    }
    let Aligned(sums) = &mut Aligned(sums);
    let step = TOGETHER * lanes::<T, S>();
    let whole = y.len() - y.len() % step.max(LANES);
    let (y, rest) = y.split_at_mut(whole);
    let (groups, _) = T::split_mut(simd, y).0.as_chunks_mut::<TOGETHER>();
    let mut groups = groups.iter_mut();
    if let Some(mut group) = groups.next() {
        let (all, _) = T::split_mut(simd, sums.as_mut_slice());
        let mut place = 0;
        let mut add = |group: &mut [T::Vector<S>; TOGETHER], place: usize, y: [T::Vector<S>; TOGETHER]| {
            *group = y;
            let first = place / lanes::<T, S>().max(1);
            for (i, &y) in y.iter().enumerate() {
                let count = all.len().max(1);
                let i = if count <= TOGETHER { i % count } else { (first + i) % count };
                if let Some(sum) = all.get_mut(i) {
                    *sum = T::vadd(simd, *sum, y);
                }
            }
        };
        // The next group is begun before the polynomials of this one: a core sees too little ahead to do so by itself.
        let mut w = lowered::<T, S, TOGETHER>(simd, *group, shift);
        for next in groups {
            ask(place, step);
            let next_w = lowered::<T, S, TOGETHER>(simd, *next, shift);
            add(group, place, raised::<T, S, TOGETHER>(simd, w));
            (group, w) = (next, next_w);
            place += step;
        }
        ask(place, step);
        add(group, place, raised::<T, S, TOGETHER>(simd, w));
    }
    map!(simd, rest, |x| powers::<T, S, _>(simd, x, shift));
    add_lanes(simd, sums, rest);
    (m, reduce(sums))
}

/// 2^(yⱼ − shift) in some registers.
#[inline(always)]
fn powers<T: Real, S: Simd, const N: usize>(
    simd: S,
    y: [T::Vector<S>; N],
    shift: T::Vector<S>,
) -> [T::Vector<S>; N] {
    raised::<T, S, N>(simd, lowered::<T, S, N>(simd, y, shift))
}

/// y − shift, but not less than what has a power.
#[inline(always)]
fn lowered<T: Real, S: Simd, const N: usize>(
    simd: S,
    y: [T::Vector<S>; N],
    shift: T::Vector<S>,
) -> [T::Vector<S>; N] {
    let low = T::splat(simd, T::BINARY_LOW);
    every(y, |y| T::vlarger(simd, T::vsub(simd, y, shift), low))
}

/// 2^w, the steps of all registers side by side.
#[inline(always)]
fn raised<T: Real, S: Simd, const N: usize>(simd: S, w: [T::Vector<S>; N]) -> [T::Vector<S>; N] {
    let (mut r, mut scale) = (w, w);
    for i in 0..N {
        (r[i], scale[i]) = T::binary_power(simd, w[i]);
    }
    let add = |a, b| each(a, b, |a, b| T::vadd(simd, a, b));
    let mul = |a, b| each(a, b, |a, b| T::vmul(simd, a, b));
    let line =
        |a: T, b: T| every(r, |r| T::vadd(simd, T::splat(simd, a), T::vmul(simd, T::splat(simd, b), r)));
    let [a, b, c, d, e, f, g, h] = T::BINARY;
    let square = mul(r, r);
    let low = add(line(a, b), mul(square, line(c, d)));
    let high = if T::HAS_ROOTS { add(line(e, f), mul(square, line(g, h))) } else { line(e, f) };
    let p = add(low, mul(mul(square, square), high));
    add(scale, mul(mul(scale, r), p))
}
