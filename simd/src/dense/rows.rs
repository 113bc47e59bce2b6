//! Several rows at once: their products with one vector, and their sum with weights.
//!
//! Rows that go together share the loads of the vector and hide one another's latency. The results
//! have the bits of one row after the other.

use pulp::Simd;

use super::Matrix;
use crate::lanes::add_tail;
use crate::map::{cut, map, nested_refs};
use crate::{LANES, Real, reduce};

/// Rows whose running sums fit half of the registers.
#[inline(always)]
fn together<T: Real, S: Simd>() -> usize {
    let lanes = if size_of::<T>() == 4 { S::F32_LANES } else { S::F64_LANES };
    let sums = LANES.div_ceil(lanes.max(1));
    match S::REGISTER_COUNT / 2 / sums.max(1) {
        _ if S::IS_SCALAR => 1,
        0 | 1 => 1,
        2 | 3 => 2,
        _ => 4,
    }
}

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
dots!(dots4, 4, (a sa) (b sb) (c sc) (d sd));

/// Calls `give(i, a_i·x)` for the rows in order, at most `most` of them.
#[inline(always)]
pub(super) fn each_dot<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    x: &[T],
    most: usize,
    mut give: impl FnMut(usize, T),
) {
    let count = a.count().min(most);
    let mut row = 0;
    if together::<T, S>() >= 4 {
        while count - row >= 4 {
            for (k, dot) in dots4(simd, a.some_rows(row), x).into_iter().enumerate() {
                give(row + k, dot);
            }
            row += 4;
        }
    }
    if together::<T, S>() >= 2 {
        while count - row >= 2 {
            for (k, dot) in dots2(simd, a.some_rows(row), x).into_iter().enumerate() {
                give(row + k, dot);
            }
            row += 2;
        }
    }
    for row in row..count {
        let [dot] = dots1(simd, a.some_rows(row), x);
        give(row, dot);
    }
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
