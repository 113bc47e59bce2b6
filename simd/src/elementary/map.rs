//! One loop for every pass that maps registers to registers.

use pulp::Simd;

use crate::vectors::lanes;
use crate::{LANES, Real};

/// The first register of a slice that is too short for one, filled up with zeros.
#[inline(always)]
pub(super) fn padded<T: Real>(x: &[T]) -> [T; LANES] {
    let mut pad = [T::ZERO; LANES];
    for (pad, &x) in pad.iter_mut().zip(x) {
        *pad = x;
    }
    pad
}

/// Where the last register begins of `n` elements that do not fill whole ones, if there is a whole one.
#[inline(always)]
pub(super) fn last_register<T: Real, S: Simd>(n: usize) -> Option<usize> {
    let lanes = lanes::<T, S>();
    if S::IS_SCALAR || n.is_multiple_of(lanes.max(1)) { None } else { n.checked_sub(lanes) }
}

/// op(v) of some registers. (`map` of an array is a call, into code for another instruction set.)
#[inline(always)]
pub(super) fn every<V: Copy, const N: usize>(mut v: [V; N], op: impl Fn(V) -> V) -> [V; N] {
    for v in &mut v {
        *v = op(*v);
    }
    v
}

/// y ← op(y) or y ← op(x) by arrays of four registers, or of one. What is left at the end is done once more together with the
/// elements before it, or padded to one register, so that it takes the same path as the rest; on the scalar path nothing is
/// left.
macro_rules! map {
    ($simd:ident, $y:expr, |$v:ident| $op:expr) => {{
        // What does not fill a register goes with the elements before it, read while they are what they were.
        let left = $crate::elementary::map::last_register::<T, S>($y.len());
        let last = left.and_then(|from| T::split($simd, $y.get(from..)?).0.first().copied());
        let (y, y_tail) = T::split_mut($simd, &mut *$y);
        // Four registers at a time: their chains of operations run side by side.
        let (y, y_last) = if S::IS_SCALAR { (&mut [][..], y) } else { y.as_chunks_mut::<4>() };
        for y in y {
            let $v = *y;
            *y = $op;
        }
        for y in y_last {
            let $v = [*y];
            [*y] = $op;
        }
        if let (Some(last), Some(from)) = (last, left) {
            let $v = [last];
            let [value] = $op;
            let y = $y.get_mut(from..).unwrap_or(&mut []);
            if let Some(y) = T::split_mut($simd, y).0.first_mut() {
                *y = value;
            }
        } else if !y_tail.is_empty() {
            let mut pad = $crate::elementary::map::padded(y_tail);
            if let Some(y) = T::split_mut($simd, &mut pad).0.first_mut() {
                let $v = [*y];
                [*y] = $op;
            }
            for (y, &pad) in y_tail.iter_mut().zip(&pad) {
                *y = pad;
            }
        }
    }};
    ($simd:ident, $x:expr => $y:expr, |$v:ident| $op:expr) => {{
        let n = $x.len().min($y.len());
        let (x, x_tail) = T::split($simd, &$x[..n]);
        let (y, y_tail) = T::split_mut($simd, &mut $y[..n]);
        // Four registers at a time: their chains of operations run side by side.
        let (x, x_last) = if S::IS_SCALAR { (&[][..], x) } else { x.as_chunks::<4>() };
        let (y, y_last) = if S::IS_SCALAR { (&mut [][..], y) } else { y.as_chunks_mut::<4>() };
        for (y, &$v) in y.iter_mut().zip(x) {
            *y = $op;
        }
        for (y, &x) in y_last.iter_mut().zip(x_last) {
            let $v = [x];
            [*y] = $op;
        }
        if let Some(from) = $crate::elementary::map::last_register::<T, S>(n) {
            let x = T::split($simd, $x.get(from..n).unwrap_or(&[])).0;
            let y = T::split_mut($simd, $y.get_mut(from..n).unwrap_or(&mut [])).0;
            if let (Some(&x), Some(y)) = (x.first(), y.first_mut()) {
                let $v = [x];
                [*y] = $op;
            }
        } else if !y_tail.is_empty() {
            let mut pad = $crate::elementary::map::padded(x_tail);
            if let Some(y) = T::split_mut($simd, &mut pad).0.first_mut() {
                let $v = [*y];
                [*y] = $op;
            }
            for (y, &pad) in y_tail.iter_mut().zip(&pad) {
                *y = pad;
            }
        }
    }};
}
pub(super) use map;
