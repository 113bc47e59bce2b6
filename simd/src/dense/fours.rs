//! Four rows from cache at a time: what a row costs before and after its loop counts as much as
//! the loop where rows are short, and four share it.

use core::ops::Range;

use pulp::Simd;

use super::Matrix;
use super::rows::{add2, add4, finish};
use crate::lanes::add_rest;
use crate::map::{nested, nested_refs};
use crate::paths::{Together, are_short, ask_for_two, have_room};
use crate::prefetch::ask_ahead;
use crate::{LANES, Real};

/// The first `n` elements of rows that are taken four at a time, while all four are stored in full; at most `most` rows.
#[inline(always)]
pub(super) fn fours<'a, T: Real>(
    a: Matrix<'a, T>,
    n: usize,
    most: usize,
) -> impl Iterator<Item = [&'a [T]; 4]> {
    let stride = a.stride.max(1);
    let rows = move |group: &'a [T]| {
        let (first, rest) = group.split_at_checked(stride)?;
        let (second, rest) = rest.split_at_checked(stride)?;
        let (third, fourth) = rest.split_at_checked(stride)?;
        Some([first.get(..n)?, second.get(..n)?, third.get(..n)?, fourth.get(..n)?])
    };
    a.values.chunks_exact(stride.saturating_mul(4)).take(most / 4).map_while(rows)
}

/// Calls `give(i, a_i·x)` for the rows in order, four at a time, at most `most` of them; tells where the next row is.
#[inline(always)]
pub(super) fn each_dot<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    x: &[T],
    most: usize,
    give: &mut impl FnMut(usize, T),
) -> usize {
    let (n, mut row) = (a.columns.min(x.len()), 0);
    let Some(x) = x.get(..n) else { return 0 };
    for block in fours(a, n, most) {
        for dot in dots(simd, block, x, a.stride.saturating_mul(size_of::<T>()), None) {
            give(row, dot);
            row += 1;
        }
    }
    row
}

/// The products of four rows, `stride` bytes apart, with x, which is as long as they are. Two that are read one way ask for the
/// two that come next, or the second cache is a tenth slower; with `by_halves` the first two of the next four are asked for.
#[inline(always)]
fn dots<T: Real, S: Simd>(
    simd: S,
    rows: [&[T]; 4],
    x: &[T],
    stride: usize,
    by_halves: Option<bool>,
) -> [T; 4] {
    let asks = |is_asked: bool, rows: usize| is_asked.then_some(stride.saturating_mul(rows));
    let lanes = if have_room::<T, S>(4) && (by_halves.is_some() || are_short::<T, S>(x.len())) {
        let ahead = asks(by_halves == Some(true), 4);
        lanes4(simd, rows, x, [ahead, ahead, None, None])
    } else {
        let [a, b, c, d] = rows;
        let is_alone = by_halves.is_none() && ask_for_two::<T>(x.len());
        let (first, second) = (asks(is_alone, 2), asks(is_alone || by_halves == Some(true), 2));
        let ([a, b], [c, d]) = (lanes2(simd, [a, b], x, [first; 2]), lanes2(simd, [c, d], x, [second; 2]));
        [a, b, c, d]
    };
    let tail = x.as_chunks::<LANES>().1;
    if tail.is_empty() {
        reduce(simd, &lanes)
    } else {
        let [a, b, c, d] = rows.map(|row| row.as_chunks::<LANES>().1);
        // One by one: what a loop leaves of an array of them lies in memory.
        let [mut la, mut lb, mut lc, mut ld] = lanes;
        add_rest(simd, &mut la, a, tail);
        add_rest(simd, &mut lb, b, tail);
        add_rest(simd, &mut lc, c, tail);
        add_rest(simd, &mut ld, d, tail);
        reduce(simd, &[la, lb, lc, ld])
    }
}

macro_rules! lanes_of {
    ($name:ident, $n:literal, $($row:ident $sums:ident $ahead:ident)*) => {
        /// The whole lanes of rows times those of x, lane by lane; what lies so many bytes ahead of a row is asked for.
        #[inline(always)]
        fn $name<T: Real, S: Simd>(simd: S, [$($row),*]: [&[T]; $n], x: &[T], [$($ahead),*]: [Option<usize>; $n]) -> [[T; LANES]; $n] {
            $(
                let $row = $row.as_chunks::<LANES>().0;
                let mut $sums = [T::ZERO; LANES];
            )*
            for nested_refs!((x) $($row)*) in x.as_chunks::<LANES>().0.iter() $(.zip($row))* {
                $(if let Some(ahead) = $ahead {
                    ask_ahead($row, ahead);
                })*
                let (x, _) = T::split(simd, x.as_slice());
                $(let ($row, $sums) = (T::split(simd, $row.as_slice()).0, T::split_mut(simd, &mut $sums).0);)*
                for nested_refs!((x) $($row $sums)*) in x.iter() $(.zip($row).zip($sums))* {
                    $(*$sums = T::vadd(simd, *$sums, T::vmul(simd, *$row, *x));)*
                }
            }
            [$($sums),*]
        }
    };
}

lanes_of!(lanes2, 2, a sa fa b sb fb);
lanes_of!(lanes4, 4, a sa fa b sb fb c sc fc d sd fd);

/// The trees of [`reduce`](crate::reduce) of four rows, beside one another: eight sums at every step, which fill registers.
#[inline(always)]
fn reduce<T: Real, S: Simd>(simd: S, lanes: &[[T; LANES]; 4]) -> [T; 4] {
    let [a, b, c, d] = lanes.map(|lanes| match lanes.as_chunks::<8>().0 {
        [low, high] => sums(simd, low, high),
        _ => [T::ZERO; 8],
    });
    let [f, g] = [(a, b), (c, d)].map(|(a, b)| {
        let low = [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3]];
        sums(simd, &low, &[a[4], a[5], a[6], a[7], b[4], b[5], b[6], b[7]])
    });
    let low = [f[0], f[1], g[0], g[1], f[4], f[5], g[4], g[5]];
    let [a, b, c, d, e, f, g, h] = sums(simd, &low, &[f[2], f[3], g[2], g[3], f[6], f[7], g[6], g[7]]);
    [a + b, e + f, c + d, g + h]
}

#[inline(always)]
fn sums<T: Real, S: Simd>(simd: S, x: &[T; 8], y: &[T; 8]) -> [T; 8] {
    let mut sums = *x;
    let ((sum, sum_left), (y, y_left)) = (T::split_mut(simd, &mut sums), T::split(simd, y.as_slice()));
    for (sum, &y) in sum.iter_mut().zip(y) {
        *sum = T::vadd(simd, *sum, y);
    }
    // Eight numbers fill no register of 512 bits of `f32`.
    for (sum, &y) in sum_left.iter_mut().zip(y_left) {
        *sum += y;
    }
    sums
}

macro_rules! add_rows {
    ($name:ident, $lanes:ident, $n:literal, $($row:ident $ahead:ident)*; $rest:ident) => {
        /// y ← (y + w₀·a) + w₁·b + …, of rows as long as y; what lies so many bytes ahead of a row is asked for.
        #[inline(always)]
        fn $name<T: Real, S: Simd>(simd: S, weights: [T; $n], rows: [&[T]; $n], y: &mut [T], [$($ahead),*]: [Option<usize>; $n]) {
            let k = weights.map(|weight| T::splat(simd, weight));
            let (y, y_tail) = y.as_chunks_mut::<LANES>();
            let [$($row),*] = rows.map(|row| row.as_chunks::<LANES>().0);
            for nested_refs!((y) $($row)*) in y.iter_mut() $(.zip($row))* {
                $(if let Some(ahead) = $ahead {
                    ask_ahead($row, ahead);
                })*
                $lanes(simd, k, [$($row),*], y);
            }
            if !y_tail.is_empty() {
                $rest(simd, weights, rows.map(|row| row.as_chunks::<LANES>().1), y_tail);
            }
        }
    };
}

add_rows!(add_two, add_two_lanes, 2, a fa b fb; add2);
add_rows!(add_four, add_lanes, 4, a fa b fb c fc d fd; add4);

/// y ← (((y + w₀·a) + w₁·b) + w₂·c) + w₃·d, of rows as long as y.
#[inline(always)]
pub(super) fn add<T: Real, S: Simd>(simd: S, weights: [T; 4], rows: [&[T]; 4], y: &mut [T]) {
    add_four(simd, weights, rows, y, [None; 4]);
}

/// The work of [`update_rows`](super::update_rows) on rows of a matrix in a cache, two or four at a time: the row after the last of
/// them. The next ones are asked for, half of them while these are multiplied, half while they are added, where the first
/// cache holds both. v and t are as long as a row.
#[inline(always)]
pub(super) fn update_cached<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    range: Range<usize>,
    v: &[T],
    t: &mut [T],
    update: &mut impl FnMut(usize, T) -> T,
) -> usize {
    let (n, mut row, together) = (a.columns, range.start, Together::of::<T>(a.values, a.columns));
    let (Some(v), Some(t)) = (v.get(..n), t.get_mut(..n)) else { return row };
    let stride = a.stride.saturating_mul(size_of::<T>());
    let rows = Matrix { values: a.from(row), ..a };
    if together.are_four {
        let ahead = together.ask.then_some(stride.saturating_mul(4));
        for block in fours(rows, n, range.len()) {
            let mut weights = dots(simd, block, v, stride, Some(together.ask));
            for (k, weight) in weights.iter_mut().enumerate() {
                *weight = update(row + k, *weight);
            }
            add_four(simd, weights, block, t, [None, None, ahead, ahead]);
            row += 4;
        }
    } else {
        let ahead = together.ask.then_some(stride.saturating_mul(2));
        for [a, b, c, d] in fours(rows, n, range.len()) {
            for block in [[a, b], [c, d]] {
                let [x, y] = finish(
                    simd,
                    lanes2(simd, block, v, [ahead, None]),
                    block.map(|row| row.as_chunks::<LANES>().1),
                    v.as_chunks::<LANES>().1,
                );
                let weights = [update(row, x), update(row + 1, y)];
                add_two(simd, weights, block, t, [None, ahead]);
                row += 2;
            }
        }
    }
    row
}

/// The same of one register of each, or several: y is written once.
#[inline(always)]
pub(super) fn add_lanes<T: Real, S: Simd>(
    simd: S,
    k: [T::Vector<S>; 4],
    rows: [&[T; LANES]; 4],
    y: &mut [T; LANES],
) {
    let ((y, _), [a, b, c, d]) =
        (T::split_mut(simd, y.as_mut_slice()), rows.map(|row| T::split(simd, row.as_slice()).0));
    for nested!((y) a b c d) in y.iter_mut().zip(a).zip(b).zip(c).zip(d) {
        let sum = T::vadd(simd, *y, T::vmul(simd, k[0], a));
        let sum = T::vadd(simd, sum, T::vmul(simd, k[1], b));
        let sum = T::vadd(simd, sum, T::vmul(simd, k[2], c));
        *y = T::vadd(simd, sum, T::vmul(simd, k[3], d));
    }
}

/// The same of two rows.
#[inline(always)]
fn add_two_lanes<T: Real, S: Simd>(
    simd: S,
    k: [T::Vector<S>; 2],
    rows: [&[T; LANES]; 2],
    y: &mut [T; LANES],
) {
    let ((y, _), [a, b]) =
        (T::split_mut(simd, y.as_mut_slice()), rows.map(|row| T::split(simd, row.as_slice()).0));
    for nested!((y) a b) in y.iter_mut().zip(a).zip(b) {
        let sum = T::vadd(simd, *y, T::vmul(simd, k[0], a));
        *y = T::vadd(simd, sum, T::vmul(simd, k[1], b));
    }
}
