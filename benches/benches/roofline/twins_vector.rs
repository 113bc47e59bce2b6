//! The vector passes as plain loops of the same definition: what the compiler makes of them is what a
//! pass has to beat.

use southwell::Real;
use southwell_simd::{LANES, reduce};

/// Σ f(i) in virtual lanes, as a loop that the compiler can see through.
macro_rules! lanes {
    (|$($x:ident),+| $term:expr) => {{
        let n = [$($x.len()),+].into_iter().min().unwrap_or(0);
        $(let $x = &$x[..n];)+
        let mut lanes = [T::ZERO; LANES];
        let whole = n - n % LANES;
        let mut from = 0;
        while from < whole {
            $(let $x = &$x[from..from + LANES];)+
            for (k, lane) in lanes.iter_mut().enumerate() {
                $(let $x = $x[k];)+
                *lane += $term;
            }
            from += LANES;
        }
        for (k, lane) in lanes.iter_mut().enumerate().take(n - whole) {
            $(let $x = $x[whole + k];)+
            *lane += $term;
        }
        reduce(&lanes)
    }};
}

#[inline(never)]
pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    lanes!(|x, y| x * y)
}

#[inline(never)]
pub(crate) fn dot3<T: Real>(x: &[T], y: &[T], z: &[T]) -> T {
    lanes!(|x, y, z| (x * y) * z)
}

#[inline(never)]
pub(crate) fn dot_square<T: Real>(x: &[T], y: &[T]) -> T {
    lanes!(|x, y| x * y) + lanes!(|y| y * y)
}

#[inline(never)]
pub(crate) fn add_square<T: Real>(x: &[T], y: &mut [T]) -> T {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += x;
    }
    lanes!(|x| x * x)
}

#[inline(never)]
pub(crate) fn norm<T: Real>(x: &[T]) -> T {
    lanes!(|x| x * x).sqrt()
}

#[inline(never)]
pub(crate) fn axpy<T: Real>(alpha: T, x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
}

#[inline(never)]
pub(crate) fn axpy_dot<T: Real>(alpha: T, x: &[T], y: &mut [T], z: &[T]) -> T {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
    lanes!(|y, z| y * z)
}

#[inline(never)]
pub(crate) fn axpy_square<T: Real>(alpha: T, x: &[T], y: &mut [T]) -> T {
    for (y, &x) in y.iter_mut().zip(x) {
        *y += alpha * x;
    }
    lanes!(|y| y * y)
}

#[inline(never)]
pub(crate) fn xpby<T: Real>(x: &[T], beta: T, y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x + beta * *y;
    }
}

#[inline(never)]
pub(crate) fn axpby<T: Real>(alpha: T, x: &[T], beta: T, y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = alpha * x + beta * *y;
    }
}

#[inline(never)]
pub(crate) fn scaled_xpby<T: Real>(gamma: T, d: &[T], x: &[T], beta: T, y: &mut [T]) {
    for ((y, &x), &d) in y.iter_mut().zip(x).zip(d) {
        *y = gamma * (d * x) + beta * *y;
    }
}

#[inline(never)]
pub(crate) fn rsub<T: Real>(b: &[T], y: &mut [T]) {
    for (y, &b) in y.iter_mut().zip(b) {
        *y = b - *y;
    }
}

#[inline(never)]
pub(crate) fn first_not_finite<T: Real>(x: &[T]) -> Option<usize> {
    for (i, x) in x.iter().enumerate() {
        if !x.is_finite() {
            return Some(i);
        }
    }
    None
}
