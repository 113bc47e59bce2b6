//! A row of costs, or of anything, as exponentials relative to one that is near the largest.
//!
//! Terms are made in units of ln 2, so that what is reduced is an exponent of 2 already: 2^(w − v) = 2^(k − v)·2^r with k the
//! multiple of ¼ nearest to w, the integer in `f32`, and r = w − k without rounding. v is such a multiple as well, the one that
//! is nearest to the largest term, so that nothing is subtracted: it goes into the number by which exponents are read. A power
//! is within 1.2 units in the last place in `f64`, 1.7 in `f32` (1.47 was met), beside what the terms were rounded by: 2 |xⱼ|
//! units, which no way of computing them is without. The largest is within 2^⅛ of 1, in `f32` within √2. What is below 2^−1022
//! (`f64`; 2^−126 in `f32`) comes out below that as well, and as 0 before long.

use pulp::{Scalar, Simd};

use super::exp::each;
use super::log_sum_exp::{BLOCK, shift, terms};
use super::map::{every, map};
use super::sums::{add_lanes, larger, largest, maximum};
use crate::dispatch::{brief, pass};
use crate::map::{cut, cut_mut, pieces, value};
use crate::paths::{is_bare, is_bare_target, is_loop};
use crate::prefetch::ask_all;
use crate::vectors::lanes;
use crate::{LANES, Real, reduce};

pass! {
    /// yⱼ ← e^(xⱼ − m) with xⱼ = (gⱼ − cⱼ)·s and m near maxⱼ xⱼ: the pair (m, Σ yⱼ), so that
    /// log Σ e^(xⱼ) = m + ln Σ yⱼ and yⱼ/Σ yⱼ is the softmax.
    ///
    /// In units of ln 2: uⱼ = (gⱼ − cⱼ)·(s·log₂ e), yⱼ = 2^(uⱼ − v), m = ln 2·v, where v is the multiple of ¼ nearest to max u,
    /// in `f32` the integer; beyond 2⁴⁰ (`f32`: 2²⁰) max u itself. So the largest y is at most 2^⅛ away from 1, √2 in `f32`, by a
    /// factor. What is below 2^−1022 (`f64`; 2^−126 in `f32`) is some number below that, or 0.
    /// If the largest x is −∞ (the row may be empty), so is m, and y is 0; if it is +∞, y is 1 there and 0 elsewhere. For rows
    /// that fit into the first cache: y is gone through twice. Cost: 2 r, 1 w, 25 operations in
    /// `f64`, 21 in `f32`.
    short(brief(g, LANES)) pub fn exp_row<'a, T>(g: &'a [T], c: &'a [T], s: T, y: &'a mut [T]) -> (T, T) = exp_row_kernel
}

#[inline(always)]
pub(crate) fn exp_row_kernel<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    exp_row_and_next(simd, g, c, &[], s, y)
}

pass! {
    /// [`exp_row`], which asks for the costs of the `next` row while it makes exponentials: with costs from memory, which
    /// else would have nothing to do then. The same bits. Cost: as `exp_row`.
    short(brief(g, LANES)) pub fn exp_row_before<'a, T>(
        g: &'a [T], c: &'a [T], next: &'a [T], s: T, y: &'a mut [T],
    ) -> (T, T) = exp_row_and_next
}

#[inline(always)]
fn exp_row_and_next<T: Real, S: Simd>(simd: S, g: &[T], c: &[T], next: &[T], s: T, y: &mut [T]) -> (T, T) {
    let n = g.len().min(c.len()).min(y.len());
    let y = &mut y[..n];
    let s = s * T::LOG2_E;
    let m = if is_loop(simd) {
        // Two loops: of the first the compiler makes registers, which are stored as they are loaded again.
        for ((y, &g), &c) in y.iter_mut().zip(g).zip(c) {
            *y = (g - c) * s;
        }
        y.iter().fold(-T::INFINITY, |m, &y| larger(m, y)) + T::ZERO
    } else if is_bare::<S>() {
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
    // To clear it takes as long as a dozen terms, which do without it where they can.
    let mut costs = if is_bare_target() { Some([T::ZERO; BLOCK]) } else { None };
    let mut start = 0;
    for (g, y) in pieces::<BLOCK, _>(cut(g, n)).zip(y.chunks_mut(BLOCK)) {
        if !made.make_terms(simd, start, g, s, y) {
            let costs = cut_mut(costs.get_or_insert([T::ZERO; BLOCK]), y.len());
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

/// 2^(yⱼ − v) of terms whose largest is u, and v near it: v·ln 2, and their sum. `ask(j, n)` comes before the powers from j to
/// j + n.
#[inline(always)]
pub(crate) fn exponentials<T: Real, S: Simd>(
    simd: S,
    u: T,
    y: &mut [T],
    ask: impl Fn(usize, usize),
) -> (T, T) {
    let (m, v) = reference(u, y);
    let low = T::splat(simd, v + T::BINARY_LOW);
    let place = T::splat(simd, T::BINARY_PLACE - v);
    let mut sums = [T::ZERO; LANES];
    if is_bare::<S>() {
        // One loop for all. What vanishes, as most of a matrix with gates does, takes no power and adds nothing.
        let (y, _) = T::split_mut(simd, y);
        let zero = T::splat(simd, T::ZERO);
        for (i, y) in y.iter_mut().enumerate() {
            let [w] = lowered::<T, S, 1>(simd, [*y], low);
            if T::vany::<S>(T::vless_equal(simd, w, low)) {
                *y = zero;
                continue;
            }
            [*y] = raised::<T, S, 1>(simd, [w], place);
            if let Some(sum) = T::split_mut(simd, &mut sums).0.get_mut(i % LANES) {
                *sum = T::vadd(simd, *sum, *y);
            }
        }
        return (m, reduce(&sums));
    }
    if is_loop(simd) {
        // As many numbers as the compiler's registers hold.
        let scalar = Scalar::new();
        let (low, place) = (T::splat(scalar, v + T::BINARY_LOW), T::splat(scalar, T::BINARY_PLACE - v));
        for y in &mut *y {
            let w = lowered::<T, _, 1>(scalar, [T::splat(scalar, *y)], low);
            let [power] = raised::<T, _, 1>(scalar, w, place);
            *y = value::<T>(power);
        }
        add_lanes(simd, &mut sums, y);
        return (m, reduce(&sums));
    }
    let Aligned(sums) = &mut Aligned(sums);
    // Registers whose chains of operations run side by side. Of sixteen, as AVX2 has, four chains in `f64` would leave too few.
    let rest = if T::HAS_ROOTS && lanes::<T, S>() == 4 {
        in_groups::<T, S, 3>(simd, (low, place), y, sums, ask)
    } else {
        in_groups::<T, S, 4>(simd, (low, place), y, sums, ask)
    };
    map!(simd, rest, |x| raised::<T, S, _>(simd, lowered::<T, S, _>(simd, x, low), place));
    add_lanes(simd, sums, rest);
    (m, reduce(sums))
}

/// The powers of as many groups of `N` registers as end where the lanes of the sums do; what is left.
#[inline(always)]
fn in_groups<'a, T: Real, S: Simd, const N: usize>(
    simd: S,
    (low, place): (T::Vector<S>, T::Vector<S>),
    y: &'a mut [T],
    sums: &mut [T; LANES],
    ask: impl Fn(usize, usize),
) -> &'a mut [T] {
    let step = N * lanes::<T, S>();
    let unit = if N.is_power_of_two() { step.max(LANES) } else { N * LANES };
    let (y, rest) = y.split_at_mut(y.len() - y.len() % unit);
    let (groups, _) = T::split_mut(simd, y).0.as_chunks_mut::<N>();
    let mut groups = groups.iter_mut();
    if let Some(mut group) = groups.next() {
        let (all, _) = T::split_mut(simd, sums.as_mut_slice());
        let mut done = 0;
        let mut add = |group: &mut [T::Vector<S>; N], done: usize, y: [T::Vector<S>; N]| {
            *group = y;
            let first = done / lanes::<T, S>().max(1);
            for (i, &y) in y.iter().enumerate() {
                let count = all.len().max(1);
                let i = if N.is_multiple_of(count) { i % count } else { (first + i) % count };
                if let Some(sum) = all.get_mut(i) {
                    *sum = T::vadd(simd, *sum, y);
                }
            }
        };
        // The next group is begun before the polynomials of this one: a core sees too little ahead to do so by itself.
        let mut w = lowered::<T, S, N>(simd, *group, low);
        for next in groups {
            ask(done, step);
            let next_w = lowered::<T, S, N>(simd, *next, low);
            add(group, done, raised::<T, S, N>(simd, w, place));
            (group, w) = (next, next_w);
            done += step;
        }
        ask(done, step);
        add(group, done, raised::<T, S, N>(simd, w, place));
    }
    rest
}

/// What exponents are relative to, the multiple of ¼ (in `f32`, of 1) nearest to u, and before it that times ln 2. Where u is
/// too large for that, or infinite, terms are lowered by it, and exponents relative to 0.
#[inline(always)]
fn reference<T: Real>(u: T, y: &mut [T]) -> (T, T) {
    if u.abs() <= T::BINARY_NEAR {
        let v = (u + T::BINARY_PLACE) - T::BINARY_PLACE;
        return (v * T::LN_2, v);
    }
    let shift = shift(u, y);
    for y in y {
        *y -= shift;
    }
    (u * T::LN_2, T::ZERO)
}

/// y, but not less than what has a power.
#[inline(always)]
fn lowered<T: Real, S: Simd, const N: usize>(
    simd: S,
    y: [T::Vector<S>; N],
    low: T::Vector<S>,
) -> [T::Vector<S>; N] {
    every(y, |y| T::vlarger(simd, y, low))
}

/// 2^(w − v), the steps of all registers side by side.
#[inline(always)]
fn raised<T: Real, S: Simd, const N: usize>(
    simd: S,
    w: [T::Vector<S>; N],
    place: T::Vector<S>,
) -> [T::Vector<S>; N] {
    let (mut r, mut scale) = (w, w);
    for i in 0..N {
        (r[i], scale[i]) = T::binary_power(simd, w[i], place);
    }
    let add = |a, b| each(a, b, |a, b| T::vadd(simd, a, b));
    let mul = |a, b| each(a, b, |a, b| T::vmul(simd, a, b));
    let plus = |a, b: T| every(a, |a| T::vadd(simd, a, T::splat(simd, b)));
    let line =
        |a: T, b: T| every(r, |r| T::vadd(simd, T::splat(simd, a), T::vmul(simd, T::splat(simd, b), r)));
    let square = mul(r, r);
    // A polynomial of degree 3 in two multiplications.
    let [a, b, c, d] = T::BINARY_TOP;
    let mut p = plus(mul(line(a, b), plus(square, c)), d);
    for &[a, b] in T::BINARY.iter().rev() {
        p = add(line(a, b), mul(square, p));
    }
    add(scale, mul(mul(scale, r), p))
}
