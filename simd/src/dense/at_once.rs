//! Rows from memory multiplied by a vector while the rows before them, which a cache holds, are added to another one: so that
//! something comes from memory all the time.

use core::ops::Range;

use pulp::Simd;

use super::Matrix;
use super::fours::add_lanes;
use super::rows::{add4, ask_next, by_four, finish};
use crate::map::{cut, cut_mut, nested_refs};
use crate::paths::asks_within_rows;
use crate::prefetch::ask_ahead;
use crate::{LANES, Real};

/// Bytes by which products are ahead of sums. Where rows lie a multiple of a page apart, what is read of all of them at the
/// same columns falls into the same few places of the first cache, which are fewer than the rows.
const LEAD: usize = 1536;
/// Bytes of a row that are asked for ahead of those that are read.
const AHEAD: usize = 512;

/// The work of [`update_rows`](super::update_rows) on fours of these rows: the row after the last of them. v and t are as long as a
/// row.
#[inline(always)]
pub(super) fn at_once<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    range: Range<usize>,
    v: &[T],
    t: &mut [T],
    update: &mut impl FnMut(usize, T) -> T,
) -> usize {
    let last = range.start + range.len() / 4 * 4;
    let (mut added, mut weights) = ([[].as_slice(); 4], [T::ZERO; 4]);
    for row in (range.start..last).step_by(4) {
        let rows = a.some_rows(row);
        ask_next::<4, T>(a, row);
        let sums =
            if row == range.start { by_four(simd, rows, v) } else { both(simd, rows, v, weights, added, t) };
        for (k, (weight, sum)) in weights.iter_mut().zip(sums).enumerate() {
            *weight = update(row + k, sum);
        }
        added = rows;
    }
    add4(simd, weights, added, t);
    last
}

/// y ← (((y + w₀·e) + w₁·f) + w₂·g) + w₃·h, and the products of a, b, c and d with x.
#[inline(always)]
fn both<T: Real, S: Simd>(
    simd: S,
    rows: [&[T]; 4],
    x: &[T],
    weights: [T; 4],
    added: [&[T]; 4],
    y: &mut [T],
) -> [T; 4] {
    let n = rows.iter().chain(&added).fold(x.len().min(y.len()), |n, row| n.min(row.len()));
    let lead = (LEAD / (LANES * size_of::<T>())).min(n / LANES);
    let (x, x_tail) = cut(x, n).as_chunks::<LANES>();
    let rows = rows.map(|row| cut(row, n).as_chunks::<LANES>());
    let [a, b, c, d] = rows.map(|(row, _)| row);
    let mut lanes = [[T::ZERO; LANES]; 4];
    for nested_refs!((x) a b c d) in x.iter().zip(a).zip(b).zip(c).zip(d).take(lead) {
        products(simd, &mut lanes, [a, b, c, d], x);
    }
    // Sums of as many columns are left to the end, with those that fill no lanes.
    let (y, y_rest) = cut_mut(y, n).split_at_mut((n / LANES - lead) * LANES);
    let added = added.map(|row| cut(row, n).split_at(y.len()));
    let [e, f, g, h] = added.map(|(row, _)| row.as_chunks::<LANES>().0);
    let ahead = x.iter().zip(a).zip(b).zip(c).zip(d).skip(lead);
    let k = weights.map(|weight| T::splat(simd, weight));
    for ((nested_refs!((x) a b c d), y), nested_refs!((e) f g h)) in
        ahead.zip(y.as_chunks_mut::<LANES>().0).zip(e.iter().zip(f).zip(g).zip(h))
    {
        if asks_within_rows::<T>() {
            [a, b, c, d].into_iter().for_each(|row| ask_ahead(row, AHEAD));
        }
        products(simd, &mut lanes, [a, b, c, d], x);
        add_lanes(simd, k, [e, f, g, h], y);
    }
    add4(simd, weights, added.map(|(_, rest)| rest), y_rest);
    finish(simd, lanes, rows.map(|(_, tail)| tail), x_tail)
}

#[inline(always)]
fn products<T: Real, S: Simd>(simd: S, lanes: &mut [[T; LANES]; 4], rows: [&[T; LANES]; 4], x: &[T; LANES]) {
    let (x, _) = T::split(simd, x.as_slice());
    for (lanes, row) in lanes.iter_mut().zip(rows) {
        let ((sums, _), (row, _)) = (T::split_mut(simd, lanes), T::split(simd, row.as_slice()));
        for ((sum, &a), &x) in sums.iter_mut().zip(row).zip(x) {
            *sum = T::vadd(simd, *sum, T::vmul(simd, a, x));
        }
    }
}
