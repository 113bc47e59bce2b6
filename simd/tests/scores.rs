//! Scores of greedy descent against the plain definitions, bit for bit.
#![cfg(feature = "force-level")]

mod common;

use common::{bits_of, check_update, operands};
use southwell_simd::Real;
use southwell_simd::vector::{self, Kink};

/// dist(−g, ∂h(x)).
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

fn scores<T: Real>() {
    let c = T::from_f64;
    let free = Kink { l1: T::ZERO, l2: T::ZERO, linear: T::ZERO, lower: -T::INFINITY, upper: T::INFINITY };
    let kinks = [
        free,
        Kink { l1: c(0.125), ..free },
        Kink { l1: c(0.0625), l2: c(0.75), ..free },
        Kink { linear: c(0.3), lower: T::ZERO, ..free },
        Kink { l2: c(0.5), lower: c(-0.2), upper: c(0.3), ..free },
    ];
    operands::<T>(|x, g, w, name| {
        let w: Vec<T> = w.iter().map(|w| w.abs()).collect();
        for kink in kinks {
            let name = |what: &str| format!("{what} {kink:?} {name}");
            check_update(
                &name("violations"),
                x,
                |out| vector::kink_violations(kink, x, g, &w, out),
                |i| violation(&kink, x[i], g[i]) * w[i],
            );
            let all: Vec<T> = x.iter().zip(g).map(|(&x, &g)| violation(&kink, x, g)).collect();
            let odd = all.iter().any(|v| v.partial_cmp(v).is_none());
            let largest = all.iter().fold(T::ZERO, |most, &v| if v > most { v } else { most });
            let largest = if odd { T::NAN } else { largest };
            let found = vector::kink_largest(kink, x, g);
            assert_eq!(bits_of(found), bits_of(largest), "{}", name("largest"));
            check_update(
                &name("lengths"),
                x,
                |out| vector::kink_lengths(kink, x, g, &w, out),
                |i| w[i].sqrt() * step(&kink, x[i], g[i], w[i]).abs(),
            );
            check_update(
                &name("gains"),
                x,
                |out| vector::kink_gains(kink, x, g, &w, out),
                |i| gain(&kink, x[i], step(&kink, x[i], g[i], w[i]), g[i], w[i]),
            );
        }
    });
}

#[test]
fn scores_match_plain_definitions() {
    scores::<f32>();
    scores::<f64>();
}
