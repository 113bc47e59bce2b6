//! Scores of greedy descent, one variable after the other.

use southwell::Real;
use southwell_simd::vector::{Kink, Rank};

macro_rules! twin {
    ($name:ident, $score:expr) => {
        #[inline(never)]
        pub(crate) fn $name<T: Real>(kink: Kink<T>, x: &[T], g: &[T], w: &[T], out: &mut [T]) {
            for (((out, &x), &g), &w) in out.iter_mut().zip(x).zip(g).zip(w) {
                *out = $score(&kink, x, g, w);
            }
        }
    };
}

twin!(kink_violations, |kink, x, g, w: T| violation(kink, x, g) * w);
twin!(kink_lengths, |kink, x, g, l: T| l.sqrt() * step(kink, x, g, l).abs());
twin!(kink_gains, |kink, x, g, l: T| gain(kink, x, step(kink, x, g, l), g, l));

#[inline(never)]
pub(crate) fn kink_largest<T: Real>(kink: Kink<T>, x: &[T], g: &[T]) -> T {
    let mut largest = T::ZERO;
    for (&x, &g) in x.iter().zip(g) {
        let violation = violation(&kink, x, g);
        if violation > largest || violation.partial_cmp(&violation).is_none() {
            largest = violation;
        }
    }
    largest
}

#[inline(never)]
pub(crate) fn axpy_ranked<T: Real>(
    rank: Rank<T>,
    alpha: T,
    row: &[T],
    g: &mut [T],
    x: &[T],
    w: &[T],
) -> Option<usize> {
    match rank {
        Rank::Slope | Rank::SlopeInGroups => ranked(alpha, row, g, (x, w), |_, g, w| g.abs() * w),
        Rank::Violation(kink) => ranked(alpha, row, g, (x, w), |x, g, w| violation(&kink, x, g) * w),
        Rank::Length(kink) => ranked(alpha, row, g, (x, w), |x, g, l| l.sqrt() * step(&kink, x, g, l).abs()),
        Rank::Gain(kink) => {
            ranked(alpha, row, g, (x, w), |x, g, l| gain(&kink, x, step(&kink, x, g, l), g, l))
        }
    }
}

#[inline(always)]
fn ranked<T: Real>(
    alpha: T,
    row: &[T],
    g: &mut [T],
    (x, w): (&[T], &[T]),
    score: impl Fn(T, T, T) -> T,
) -> Option<usize> {
    let (mut best, mut place) = (-T::ONE, None);
    for (i, (((g, &row), &x), &w)) in g.iter_mut().zip(row).zip(x).zip(w).enumerate() {
        *g += alpha * row;
        let score = score(x, *g, w);
        if best < score {
            (best, place) = (score, Some(i));
        }
    }
    place
}

/// dist(−g, ∂h(x)).
#[inline(always)]
fn violation<T: Real>(kink: &Kink<T>, x: T, g: T) -> T {
    let slope = g + kink.linear + kink.l2 * x;
    let mut least = if x > T::ZERO { kink.l1 } else { -kink.l1 };
    let mut most = if x < T::ZERO { -kink.l1 } else { kink.l1 };
    if x <= kink.lower {
        least = -T::INFINITY;
    }
    if x >= kink.upper {
        most = T::INFINITY;
    }
    if -slope < least {
        least + slope
    } else if -slope > most {
        -slope - most
    } else if slope.is_finite() {
        T::ZERO
    } else {
        T::NAN
    }
}

/// The proximal step of length 1/l, less x.
#[inline(always)]
fn step<T: Real>(kink: &Kink<T>, x: T, g: T, l: T) -> T {
    let step = T::ONE / if l > T::MIN_POSITIVE { l } else { T::MIN_POSITIVE };
    let v = x - step * g - step * kink.linear;
    let threshold = step * kink.l1;
    let shrunk = if v > threshold {
        v - threshold
    } else if v < -threshold {
        v + threshold
    } else if v.is_finite() {
        T::ZERO
    } else {
        v
    };
    let free = shrunk / (T::ONE + step * kink.l2);
    let cut = if free > kink.upper { kink.upper } else { free };
    (if free < kink.lower { kink.lower } else { cut }) - x
}

#[inline(always)]
fn gain<T: Real>(kink: &Kink<T>, x: T, d: T, g: T, l: T) -> T {
    let (to, slope) = (x + d, g + kink.linear + kink.l2 * x);
    let bent = if x >= T::ZERO && to >= T::ZERO {
        (slope + kink.l1) * d
    } else if x <= T::ZERO && to <= T::ZERO {
        (slope - kink.l1) * d
    } else {
        slope * d + kink.l1 * (to.abs() - x.abs())
    };
    -(bent + T::HALF * (l + kink.l2) * (d * d))
}
