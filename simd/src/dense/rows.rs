//! One or several rows at once: their products with a vector, and their sum with weights.
//!
//! The results have the bits of one row after the other.

use pulp::Simd;

use super::Matrix;
use crate::lanes::add_tail;
use crate::map::{cut, cut_mut, map, nested, nested_refs};
use crate::{LANES, Real, reduce};

macro_rules! dots {
    ($name:ident, $n:literal, $(($row:ident $sums:ident))*) => {
        /// The products of rows with x.
        #[inline(always)]
        pub(crate) fn $name<T: Real, S: Simd>(simd: S, rows: [&[T]; $n], x: &[T]) -> [T; $n] {
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
            if !x_tail.is_empty() {
                $(add_tail(&mut $sums.0, |i| Some(*$sums.1.get(i)? * *x_tail.get(i)?));)*
            }
            [$(reduce(&$sums.0)),*]
        }
    };
}

dots!(dots1, 1, (a sa));
dots!(dots2, 2, (a sa) (b sb));

/// Calls `give(i, a_i·x)` for the rows in order, at most `most` of them. One row at a time: a single
/// stream comes from the second cache a third faster than four at once.
#[inline(always)]
pub(super) fn each_dot<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    x: &[T],
    most: usize,
    mut give: impl FnMut(usize, T),
) {
    for row in 0..a.count().min(most) {
        let [dot] = dots1(simd, [a.row(row)], x);
        give(row, dot);
    }
}

/// y ← (y + c₀·a) + c₁·b.
#[inline(always)]
pub(super) fn add2<T: Real, S: Simd>(simd: S, weights: [T; 2], rows: [&[T]; 2], y: &mut [T]) {
    let [a, b] = rows;
    map!(simd, y, a, b; { let k = weights.map(|weight| T::splat(simd, weight)); } {
        let y = T::vadd(simd, y, T::vmul(simd, k[0], a));
        T::vadd(simd, y, T::vmul(simd, k[1], b))
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

/// A stage of the fused pass: t ← (t + u₀·c) + u₁·d with two rows that are in cache, and the products of v
/// with the two rows a, b after them, which come from memory meanwhile.
#[inline(always)]
pub(super) fn add2_dots2<T: Real, S: Simd>(
    simd: S,
    weights: [T; 2],
    now: [&[T]; 2],
    t: &mut [T],
    next: [&[T]; 2],
    v: &[T],
) -> [T; 2] {
    let ([a, b], [c, d]) = (next, now);
    let n = [a.len(), b.len(), c.len(), d.len(), t.len()].into_iter().fold(v.len(), usize::min);
    let whole = n / LANES * LANES;
    let (a, b) = (cut(a, n).as_chunks::<LANES>(), cut(b, n).as_chunks::<LANES>());
    let (c_whole, d_whole) = (cut(c, whole).as_chunks::<LANES>().0, cut(d, whole).as_chunks::<LANES>().0);
    let v = cut(v, n).as_chunks::<LANES>();
    let (mut sums_a, mut sums_b) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let k = weights.map(|weight| T::splat(simd, weight));
    let blocks = cut_mut(t, whole).as_chunks_mut::<LANES>().0;
    for nested_refs!((t) a b c d v) in blocks.iter_mut().zip(a.0).zip(b.0).zip(c_whole).zip(d_whole).zip(v.0)
    {
        let (sums_a, sums_b) = (T::split_mut(simd, &mut sums_a).0, T::split_mut(simd, &mut sums_b).0);
        let (a, b, c) = (T::split(simd, a).0, T::split(simd, b).0, T::split(simd, c).0);
        let (d, v, t) = (T::split(simd, d).0, T::split(simd, v).0, T::split_mut(simd, t).0);
        let operands = sums_a.iter_mut().zip(sums_b).zip(t);
        for nested!((((sum_a, sum_b), t)) a b c d v) in operands.zip(a).zip(b).zip(c).zip(d).zip(v) {
            *sum_a = T::vadd(simd, *sum_a, T::vmul(simd, a, v));
            *sum_b = T::vadd(simd, *sum_b, T::vmul(simd, b, v));
            let part = T::vadd(simd, *t, T::vmul(simd, k[0], c));
            *t = T::vadd(simd, part, T::vmul(simd, k[1], d));
        }
    }
    if n > whole {
        add_tail(&mut sums_a, |i| Some(*a.1.get(i)? * *v.1.get(i)?));
        add_tail(&mut sums_b, |i| Some(*b.1.get(i)? * *v.1.get(i)?));
    }
    let (c_rest, d_rest) = (c.get(whole..).unwrap_or(&[]), d.get(whole..).unwrap_or(&[]));
    add2(simd, weights, [c_rest, d_rest], t.get_mut(whole..).unwrap_or(&mut []));
    [reduce(&sums_a), reduce(&sums_b)]
}
