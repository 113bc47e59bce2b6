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
pub(crate) fn dot_square<T: Real>(x: &[T], y: &[T]) -> (T, T) {
    (lanes!(|x, y| x * y), lanes!(|y| y * y))
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

#[inline(never)]
pub(crate) fn sum<T: Real>(x: &[T]) -> T {
    lanes!(|x| x)
}

#[inline(never)]
pub(crate) fn sum_abs<T: Real>(x: &[T]) -> T {
    lanes!(|x| x.abs())
}

#[inline(never)]
pub(crate) fn scaled_square<T: Real>(s: T, x: &[T]) -> T {
    lanes!(|x| {
        let x = s * x;
        x * x
    })
}

#[inline(never)]
pub(crate) fn scale<T: Real>(alpha: T, y: &mut [T]) {
    for y in y {
        *y = alpha * *y;
    }
}

#[inline(never)]
pub(crate) fn multiply<T: Real>(x: &[T], y: &mut [T]) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = x * *y;
    }
}

#[inline(always)]
fn shrunk<T: Real>(x: T, t: T) -> T {
    if x.abs() <= t {
        T::ZERO
    } else if x < T::ZERO {
        x + t
    } else {
        x - t
    }
}

#[inline(never)]
pub(crate) fn soft_threshold<T: Real>(t: T, x: &mut [T]) {
    for x in x {
        *x = shrunk(*x, t);
    }
}

#[inline(never)]
pub(crate) fn soft_threshold_each<T: Real>(t: &[T], x: &mut [T]) {
    for (x, &t) in x.iter_mut().zip(t) {
        *x = shrunk(*x, t);
    }
}

#[inline(always)]
fn within<T: Real>(x: T, lower: T, upper: T) -> T {
    let x = if x < lower { lower } else { x };
    if upper < x { upper } else { x }
}

#[inline(never)]
pub(crate) fn clamp<T: Real>(lower: T, upper: T, x: &mut [T]) {
    for x in x {
        *x = within(*x, lower, upper);
    }
}

#[inline(never)]
pub(crate) fn clamp_each<T: Real>(lower: &[T], upper: &[T], x: &mut [T]) {
    for ((x, &lower), &upper) in x.iter_mut().zip(lower).zip(upper) {
        *x = within(*x, lower, upper);
    }
}

#[inline(never)]
pub(crate) fn sign_sum<T: Real>(x: &mut [T]) -> T {
    let sum = lanes!(|x| x.abs());
    for x in x {
        *x = if *x < T::ZERO {
            -T::ONE
        } else if T::ZERO < *x {
            T::ONE
        } else {
            T::ZERO
        };
    }
    sum
}

#[inline(never)]
pub(crate) fn max_abs<T: Real>(x: &[T]) -> T {
    let mut best = T::ZERO;
    for x in x {
        best = if best < x.abs() { x.abs() } else { best };
    }
    best
}

#[inline(never)]
pub(crate) fn largest<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    let (mut best, mut place) = (-T::ONE, None);
    for (i, (x, &w)) in x.iter().zip(w).enumerate() {
        let score = x.abs() * w;
        if best < score {
            (best, place) = (score, Some(i));
        }
    }
    place.map(|i| (i, best))
}

/// By insertion into a sorted list.
#[inline(never)]
pub(crate) fn k_largest<T: Real>(x: &[T], w: &[T], indices: &mut [u32], values: &mut [T]) -> usize {
    let k = indices.len();
    let mut found = 0;
    for (i, (x, &w)) in x.iter().zip(w).enumerate() {
        let score = x.abs() * w;
        if found == k && score <= values[k - 1] {
            continue;
        }
        let mut place = found.min(k - 1);
        found = (found + 1).min(k);
        while place > 0 && values[place - 1] < score {
            values[place] = values[place - 1];
            indices[place] = indices[place - 1];
            place -= 1;
        }
        values[place] = score;
        indices[place] = i as u32;
    }
    found
}
