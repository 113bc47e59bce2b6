//! One or several rows at once: their products with a vector, and their sum with weights.
//!
//! The results have the bits of one row after the other.

use pulp::Simd;

use super::Matrix;
use crate::lanes::add_tail;
use crate::lanes::bare::{dot, is_bare};
use crate::map::{cut, cut_mut, map, nested, nested_refs};
use crate::{LANES, Real, reduce};

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
            if !x_tail.is_empty() {
                $(add_tail(&mut $sums.0, |i| Some(*$sums.1.get(i)? * *x_tail.get(i)?));)*
            }
            [$(reduce(&$sums.0)),*]
        }
    };
}

dots!(dots1, 1, (a sa));
dots!(dots2, 2, (a sa) (b sb));
dots!(dots4, 4, (a sa) (b sb) (c sc) (d sd));

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

macro_rules! add_dots {
    ($name:ident, $n:literal, $add:ident, $(($k:tt $next:ident $now:ident $sums:ident $rest:ident))*) => {
        /// A stage of the fused pass: t ← (t + u₀·c) + u₁·d … with rows that are in cache, and the products
        /// of v with the rows after them, which come from memory meanwhile.
        #[inline(always)]
        pub(super) fn $name<T: Real, S: Simd>(
            simd: S,
            weights: [T; $n],
            now: [&[T]; $n],
            t: &mut [T],
            next: [&[T]; $n],
            v: &[T],
        ) -> [T; $n] {
            let ([$($next),*], [$($now),*]) = (next, now);
            let n = v.len().min(t.len()) $(.min($next.len()).min($now.len()))*;
            let whole = n / LANES * LANES;
            let (v, v_tail) = cut(v, n).as_chunks::<LANES>();
            $(
                let ($next, $sums) = cut($next, n).as_chunks::<LANES>();
                let mut $sums = ([T::ZERO; LANES], $sums);
                let ($now, $rest) = (cut($now, whole).as_chunks::<LANES>().0, $now.get(whole..).unwrap_or(&[]));
            )*
            let k = weights.map(|weight| T::splat(simd, weight));
            let blocks = cut_mut(t, whole).as_chunks_mut::<LANES>().0;
            for nested_refs!((t) v $($next $now)*) in blocks.iter_mut().zip(v) $(.zip($next).zip($now))* {
                let (v, t) = (T::split(simd, v).0, T::split_mut(simd, t).0);
                $(
                    let ($next, $now) = (T::split(simd, $next).0, T::split(simd, $now).0);
                    for ((sum, &a), &v) in T::split_mut(simd, &mut $sums.0).0.iter_mut().zip($next).zip(v) {
                        *sum = T::vadd(simd, *sum, T::vmul(simd, a, v));
                    }
                )*
                for nested!((t) $($now)*) in t.iter_mut() $(.zip($now))* {
                    let sum = *t;
                    $(let sum = T::vadd(simd, sum, T::vmul(simd, k[$k], $now));)*
                    *t = sum;
                }
            }
            if n > whole {
                $(add_tail(&mut $sums.0, |i| Some(*$sums.1.get(i)? * *v_tail.get(i)?));)*
            }
            $add(simd, weights, [$($rest),*], t.get_mut(whole..).unwrap_or(&mut []));
            [$(reduce(&$sums.0)),*]
        }
    };
}

add_dots!(add2_dots2, 2, add2, (0 a c sa ra) (1 b d sb rb));
add_dots!(add4_dots4, 4, add4, (0 a e sa ra) (1 b f sb rb) (2 c g sc rc) (3 d h sd rd));
