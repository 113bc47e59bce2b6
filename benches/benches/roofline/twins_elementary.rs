//! Exponentials and logarithms as plain loops over the functions of one number.

use pulp::Scalar;
use southwell::Real;
use southwell_simd::dense::Matrix;
use southwell_simd::elementary::{exp_scalar, ln_scalar};
use southwell_simd::{LANES, reduce};

use crate::registers::Word;

#[inline(never)]
pub(crate) fn exp<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = exp_scalar(x);
    }
}

#[inline(never)]
pub(crate) fn ln<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = ln_scalar(x);
    }
}

/// By the mathematical library of the system.
#[inline(never)]
pub(crate) fn exp_std<T: Word>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.exp_std();
    }
}

/// By the mathematical library of the system.
#[inline(never)]
pub(crate) fn ln_std<T: Word>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x.ln_std();
    }
}

#[inline(never)]
pub(crate) fn exp_in_place<T: Real>(x: &mut [T]) {
    for x in x {
        *x = exp_scalar(*x);
    }
}

#[inline(never)]
pub(crate) fn ln_in_place<T: Real>(x: &mut [T]) {
    for x in x {
        *x = ln_scalar(*x);
    }
}

pub(crate) fn total<T: Real>(x: &[T]) -> T {
    let (blocks, tail) = x.as_chunks::<LANES>();
    let mut lanes = [T::ZERO; LANES];
    for block in blocks {
        for k in 0..LANES {
            lanes[k] += block[k];
        }
    }
    for (lane, &x) in lanes.iter_mut().zip(tail) {
        *lane += x;
    }
    reduce(&lanes)
}

#[inline(never)]
pub(crate) fn exp_sum<T: Real>(x: &[T], m: T, y: &mut [T]) -> T {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = exp_scalar(x - m);
    }
    total(y)
}

#[inline(never)]
pub(crate) fn exp_sum_in_place<T: Real>(m: T, x: &mut [T]) -> T {
    for x in x.iter_mut() {
        *x = exp_scalar(*x - m);
    }
    total(x)
}

#[inline(never)]
pub(crate) fn exp_coupling<T: Real>(a: T, b: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    let mut largest = T::ZERO;
    for ((y, &b), &c) in y.iter_mut().zip(b).zip(c) {
        *y = exp_scalar(((a + b) - c) * s);
        largest = if largest < *y { *y } else { largest };
    }
    (total(y), largest)
}

/// 2^(w − v), where v is what `place` has less than it had.
#[inline(always)]
fn power<T: Real>(w: T, v: T, place: T) -> T {
    let low = v + T::BINARY_LOW;
    let w = if w < low { low } else { w };
    let (r, scale) = T::binary_power(Scalar::new(), w.one(), place.one());
    let (r, scale) = (T::only(r), T::only(scale));
    let q = r * r;
    let [a, b, c, d] = T::BINARY_TOP;
    let mut p = (a + b * r) * (q + c) + d;
    for &[a, b] in T::BINARY.iter().rev() {
        p = (a + b * r) + q * p;
    }
    scale + (scale * r) * p
}

/// Terms in units of ln 2 become powers of 2 relative to the multiple of a quarter, or the integer, nearest to the largest.
#[inline(always)]
pub(crate) fn powers<T: Real>(u: &mut [T]) -> (T, T) {
    let m = u.iter().fold(-T::INFINITY, |m, &u| if m < u { u } else { m });
    let v = (m + T::BINARY_PLACE) - T::BINARY_PLACE;
    let place = T::BINARY_PLACE - v;
    for u in u.iter_mut() {
        *u = power(*u, v, place);
    }
    (v * T::LN_2, total(u))
}

#[inline(never)]
pub(crate) fn exp_row<T: Real>(g: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    let s = s * T::LOG2_E;
    for ((y, &g), &c) in y.iter_mut().zip(g).zip(c) {
        *y = (g - c) * s;
    }
    powers(y)
}

#[inline(never)]
pub(crate) fn log_sum_exp<T: Real>(x: &[T]) -> T {
    let mut m = -T::INFINITY;
    for &x in x {
        m = if m < x { x } else { m };
    }
    let mut sum = T::ZERO;
    for &x in x {
        sum += exp_scalar(x - m);
    }
    m + ln_scalar(sum)
}

#[inline(never)]
pub(crate) fn log_sum_exp_rows<T: Real>(g: &[T], c: Matrix<'_, T>, s: T, y: &mut [T]) {
    for (y, row) in y.iter_mut().zip(c.values.chunks(c.stride)) {
        let mut m = -T::INFINITY;
        for (&g, &c) in g.iter().zip(row) {
            let x = (g - c) * s;
            m = if m < x { x } else { m };
        }
        let mut sum = T::ZERO;
        for (&g, &c) in g.iter().zip(row) {
            sum += exp_scalar((g - c) * s - m);
        }
        *y = m + ln_scalar(sum);
    }
}
