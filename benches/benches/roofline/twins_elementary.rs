//! Exponentials and logarithms as plain loops over the functions of one number.

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

#[inline(never)]
pub(crate) fn exp_row<T: Real>(g: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    let mut m = -T::INFINITY;
    for ((y, &g), &c) in y.iter_mut().zip(g).zip(c) {
        *y = (g - c) * s;
        m = if m < *y { *y } else { m };
    }
    for y in y.iter_mut() {
        *y = exp_scalar(*y - m);
    }
    (m, total(y))
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
