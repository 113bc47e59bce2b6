//! One or several rows at once: their products with a vector, and their sum with weights.
//!
//! The results have the bits of one row after the other.

use pulp::{Scalar, Simd};

use super::{Matrix, fours};
use crate::lanes::bare::dot;
use crate::lanes::{add_rest, add_tail};
use crate::map::{cut, cut_mut, map, nested_refs};
use crate::paths::{DOTS, Rows, have_room, may_spill};
use crate::paths::{has_registers, is_bare, rest_is_dear};
use crate::prefetch::{ask_all, ask_all_into_second, ask_beginning};
use crate::{LANES, Real, reduce};

/// What is left of some rows after whole blocks, times what is left of x, to the lanes of each; and the sums of these.
#[inline(always)]
pub(super) fn finish<T: Real, S: Simd, const N: usize>(
    simd: S,
    mut lanes: [[T; LANES]; N],
    rows: [&[T]; N],
    x: &[T],
) -> [T; N] {
    if has_registers::<S>() {
        // A loop: a closure that is not inlined has no registers.
        for (lanes, row) in lanes.iter_mut().zip(rows) {
            add_rest(simd, lanes, row, x);
        }
    } else if !x.is_empty() {
        for (lanes, row) in lanes.iter_mut().zip(rows) {
            add_tail(lanes, |i| Some(*row.get(i)? * *x.get(i)?));
        }
    }
    lanes.map(|lanes| reduce(&lanes))
}

/// The same from memory: the lanes of eight rows the compiler would take apart one by one, a tenth of the time of the
/// fused pass.
#[inline(never)]
fn finish_apart<T: Real, const N: usize>(lanes: &[[T; LANES]; N], rows: [&[T]; N], x: &[T]) -> [T; N] {
    finish(Scalar::new(), *lanes, rows, x)
}

macro_rules! dots {
    ($name:ident, $n:literal, $(($row:ident $sums:ident))*) => {
        /// The products of rows with x.
        #[inline(always)]
        pub(crate) fn $name<T: Real, S: Simd>(simd: S, rows: [&[T]; $n], x: &[T]) -> [T; $n] {
            if is_bare::<S>() {
                return rows.map(|row| dot(row, x));
            }
            let [$($row),*] = rows;
            let n = x.len() $(.min($row.len()))*;
            let (x, x_tail) = cut(x, n).as_chunks::<LANES>();
            $(
                let ($row, $sums) = cut($row, n).as_chunks::<LANES>();
                let mut $sums = ([T::ZERO; LANES], $sums);
            )*
            for nested_refs!((x) $($row)*) in x.iter() $(.zip($row))* {
                let (x, _) = T::split(simd, x.as_slice());
                $({
                    let (sums, _) = T::split_mut(simd, &mut $sums.0);
                    let (row, _) = T::split(simd, $row.as_slice());
                    for ((sum, &a), &x) in sums.iter_mut().zip(row).zip(x) {
                        *sum = T::vadd(simd, *sum, T::vmul(simd, a, x));
                    }
                })*
            }
            let (lanes, tails) = ([$($sums.0),*], [$($sums.1),*]);
            if $n == 8 { finish_apart(&lanes, tails, x_tail) } else { finish(simd, lanes, tails, x_tail) }
        }
    };
}

dots!(dots1, 1, (a sa));
dots!(dots2, 2, (a sa) (b sb));
dots!(dots4, 4, (a sa) (b sb) (c sc) (d sd));
dots!(dots8, 8, (a sa) (b sb) (c sc) (d sd) (e se) (f sf) (g sg) (h sh));

/// The products of four rows with x: two at a time where the sums of four would leave no registers.
#[inline(always)]
pub(super) fn by_four<T: Real, S: Simd>(simd: S, rows: [&[T]; 4], x: &[T]) -> [T; 4] {
    if have_room::<T, S>(4) || may_spill::<T, S>(x.len()) {
        return dots4(simd, rows, x);
    }
    let [a, b, c, d] = rows;
    let ([a, b], [c, d]) = (dots2(simd, [a, b], x), dots2(simd, [c, d], x));
    [a, b, c, d]
}

/// The products of eight rows with x, as many at a time as leave registers.
#[inline(always)]
pub(super) fn by_eight<T: Real, S: Simd>(simd: S, rows: [&[T]; 8], x: &[T]) -> [T; 8] {
    if have_room::<T, S>(8) {
        return dots8(simd, rows, x);
    }
    let [a, b, c, d, e, f, g, h] = rows;
    let ([a, b, c, d], [e, f, g, h]) = (by_four(simd, [a, b, c, d], x), by_four(simd, [e, f, g, h], x));
    [a, b, c, d, e, f, g, h]
}

/// Asks for what comes after some rows.
#[inline(always)]
pub(super) fn ask<T: Real>(rows: Rows, a: Matrix<'_, T>, row: usize) {
    match rows {
        Rows::Plain => {}
        Rows::One => ask_beginning(a.row(row.saturating_add(2))),
        Rows::Eight => ask_next::<8, T>(a, row),
    }
}

/// Asks for the beginnings of the `N` rows after `N` rows.
#[inline(always)]
pub(super) fn ask_next<const N: usize, T: Real>(a: Matrix<'_, T>, row: usize) {
    (N..2 * N).for_each(|k| ask_beginning(a.row(row.saturating_add(k))));
}

/// Calls `give(i, a_i·x)` for the rows in order, at most `most` of them. From cache four share what a row costs beside its loop,
/// up to a length; one row at a time, which is a single stream, until x itself takes up the first cache.
#[inline(always)]
pub(super) fn each_dot<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    x: &[T],
    most: usize,
    mut give: impl FnMut(usize, T),
) {
    if is_bare::<S>() {
        // The next row begins where this one's stride ends: a product a row less.
        for (row, values) in a.values.chunks(a.stride.max(1)).enumerate().take(most) {
            give(row, dot(values.get(..a.columns).unwrap_or(&[]), x));
        }
        return;
    }
    let count = a.count().min(most);
    let mut row = 0;
    let rows = Rows::of::<T, S>(a.values, a.columns, DOTS);
    if rows.dots_by_four::<T, S>(a.columns) && !rest_is_dear::<T, S>(a.columns) {
        row = fours::each_dot(simd, a, x, count, &mut give);
    }
    let by_eights = rows.dots_by_eight::<T, S>(a.columns);
    while by_eights && count - row >= 8 {
        ask(rows, a, row);
        for dot in by_eight(simd, a.some_rows(row), x) {
            give(row, dot);
            row += 1;
        }
    }
    for row in row..count {
        if rows == Rows::One {
            ask(rows, a, row);
        }
        let [dot] = dots1(simd, [a.row(row)], x);
        give(row, dot);
    }
}

/// Columns that are added before more rows are asked for.
const PIECE: usize = 2 * LANES;

macro_rules! from_end {
    ($name:ident, $n:literal, $add:ident) => {
        /// The same, the last columns first: after products with the rows the first cache still holds them. For every
        /// `share` elements one of what comes `next` is asked for, as the memory would otherwise have nothing to do.
        #[inline(always)]
        pub(super) fn $name<T: Real, S: Simd>(
            simd: S,
            weights: [T; $n],
            rows: [&[T]; $n],
            y: &mut [T],
            (next, share): (&[T], usize),
        ) {
            let ask = (PIECE * $n).checked_div(share).unwrap_or(0);
            let n = rows.iter().fold(y.len(), |n, row| n.min(row.len()));
            let (y, y_tail) = cut_mut(y, n).as_chunks_mut::<PIECE>();
            let rows = rows.map(|row| cut(row, n).as_chunks::<PIECE>());
            $add(simd, weights, rows.map(|(_, tail)| tail), y_tail);
            let none = [T::ZERO; PIECE];
            let mut asked = 0;
            for (k, y) in y.iter_mut().enumerate().rev() {
                $add(simd, weights, rows.map(|(row, _)| row.get(k).unwrap_or(&none).as_slice()), y);
                // Of rows so long that but a share is asked for, the first cache holds none beside these.
                if share > 1 {
                    ask_all_into_second(next, asked, ask);
                } else {
                    ask_all(next, asked, ask);
                }
                asked += ask;
            }
        }
    };
}

from_end!(add4_from_end, 4, add4);
from_end!(add8_from_end, 8, add8);

/// y ← (y + c₀·a) + c₁·b.
#[inline(always)]
pub(super) fn add2<T: Real, S: Simd>(simd: S, weights: [T; 2], rows: [&[T]; 2], y: &mut [T]) {
    let [a, b] = rows;
    map!(simd, y, a, b; { let k = weights.map(|weight| T::splat(simd, weight)); } {
        let y = T::vadd(simd, y, T::vmul(simd, k[0], a));
        T::vadd(simd, y, T::vmul(simd, k[1], b))
    });
}

/// y ← y + c₀·a + c₁·b + …, in that order.
#[inline(always)]
pub(super) fn add8<T: Real, S: Simd>(simd: S, weights: [T; 8], rows: [&[T]; 8], y: &mut [T]) {
    let [a, b, c, d, e, f, g, h] = rows;
    map!(simd, y, a, b, c, d, e, f, g, h; { let k = weights.map(|weight| T::splat(simd, weight)); } {
        let y = T::vadd(simd, y, T::vmul(simd, k[0], a));
        let y = T::vadd(simd, y, T::vmul(simd, k[1], b));
        let y = T::vadd(simd, y, T::vmul(simd, k[2], c));
        let y = T::vadd(simd, y, T::vmul(simd, k[3], d));
        let y = T::vadd(simd, y, T::vmul(simd, k[4], e));
        let y = T::vadd(simd, y, T::vmul(simd, k[5], f));
        let y = T::vadd(simd, y, T::vmul(simd, k[6], g));
        T::vadd(simd, y, T::vmul(simd, k[7], h))
    });
}

/// y ← (((y + c₀·a) + c₁·b) + c₂·c) + c₃·d.
#[inline(always)]
pub(super) fn add4<T: Real, S: Simd>(simd: S, weights: [T; 4], rows: [&[T]; 4], y: &mut [T]) {
    let [a, b, c, d] = rows;
    map!(simd, y, a, b, c, d; { let k = weights.map(|weight| T::splat(simd, weight)); } {
        let y = T::vadd(simd, y, T::vmul(simd, k[0], a));
        let y = T::vadd(simd, y, T::vmul(simd, k[1], b));
        let y = T::vadd(simd, y, T::vmul(simd, k[2], c));
        T::vadd(simd, y, T::vmul(simd, k[3], d))
    });
}
