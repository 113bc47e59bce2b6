//! Scores of greedy descent against the plain definitions, bit for bit.
#![cfg(feature = "force-level")]

mod common;

use common::{FEW, Numbers, bits, bits_of, check_update, on_every_level, operands};
use southwell_simd::Real;
use southwell_simd::vector::{self, Kink, Rank};

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

/// What [`vector::axpy_ranked`] is to do, one after the other.
fn ranked<T: Real>(
    rank: Rank<T>,
    (alpha, row): (T, &[T]),
    g: &mut [T],
    (x, w): (&[T], &[T]),
) -> Option<usize> {
    let (mut best, mut place) = (-T::ONE, None);
    for (i, (g, &row)) in g.iter_mut().zip(row).enumerate() {
        *g += alpha * row;
        let score = match rank {
            Rank::Slope | Rank::SlopeInGroups => g.abs() * w[i],
            Rank::Violation(kink) => violation(&kink, x[i], *g) * w[i],
            Rank::Length(kink) => w[i].sqrt() * step(&kink, x[i], *g, w[i]).abs(),
            Rank::Gain(kink) => gain(&kink, x[i], step(&kink, x[i], *g, w[i]), *g, w[i]),
        };
        if best < score {
            (best, place) = (score, Some(i));
        }
    }
    place
}

fn kinks<T: Real>() -> Vec<Kink<T>> {
    let c = T::from_f64;
    let free = Kink { l1: T::ZERO, l2: T::ZERO, linear: T::ZERO, lower: -T::INFINITY, upper: T::INFINITY };
    let all = [
        free,
        Kink { l1: c(0.125), ..free },
        Kink { l1: c(0.0625), l2: c(0.75), ..free },
        Kink { linear: c(0.3), lower: T::ZERO, ..free },
        Kink { l2: c(0.5), lower: c(-0.2), upper: c(0.3), ..free },
    ];
    // Kinks take no ways of their own.
    all[if FEW { 3 } else { 0 }..].to_vec()
}

fn scores<T: Real>() {
    operands::<T>(|x, g, w, name| {
        let w: Vec<T> = w.iter().map(|w| w.abs()).collect();
        for kink in kinks::<T>() {
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

/// Weights, and what stands behind them.
fn weights<T: Real>(rank: Rank<T>, w: &[T]) -> Vec<T> {
    let mut all = w.to_vec();
    all.resize(rank.weights(w.len()), T::ZERO);
    vector::largest_weights(w, &mut all[w.len()..]);
    all
}

fn ranks<T: Real>() {
    let alpha = T::from_f64(-0.75);
    operands::<T>(|row, x, w, name| {
        let w: Vec<T> = w.iter().map(|w| w.abs()).collect();
        let start: Vec<T> = x.iter().zip(row).map(|(&x, &row)| T::HALF * x - row * x).collect();
        let kinks = kinks::<T>().into_iter();
        let ranks = kinks.flat_map(|kink| [Rank::Violation(kink), Rank::Length(kink), Rank::Gain(kink)]);
        for rank in [Rank::Slope, Rank::SlopeInGroups].into_iter().chain(ranks) {
            let (mut g, mut expected) = (start.clone(), start.clone());
            let found = vector::axpy_ranked(rank, alpha, row, &mut g, x, &weights(rank, &w));
            let place = ranked(rank, (alpha, row), &mut expected, (x, &w));
            assert_eq!((found, bits(&g)), (place, bits(&expected)), "{rank:?} {name}");
        }
    });
}

#[test]
fn updates_find_the_best_score_in_passing() {
    ranks::<f32>();
    ranks::<f64>();
}

/// Equal scores in several blocks, and operands that do not fit.
#[test]
fn the_first_of_the_best_is_found() {
    let n = if FEW { 70 } else { 5000 };
    let (row, w) = (vec![1.0_f64; n], vec![1.0; n]);
    on_every_level(|level| {
        for rank in [Rank::Slope, Rank::SlopeInGroups] {
            let best = |g: &mut [f64]| {
                let n = g.len();
                vector::axpy_ranked(rank, 1.0, &row[..n], g, &[], &weights(rank, &w[..n]))
            };
            let mut g = vec![0.0; n];
            assert_eq!(best(&mut g), Some(0), "{level:?}");
            for place in [n - 1, n / 2, 33] {
                g[place] = -7.0;
                assert_eq!(best(&mut g.clone()), Some(place), "{level:?}");
            }
            assert_eq!(best(&mut vec![f64::NAN; n]), None, "{level:?}");
            let short = &weights(rank, &w)[1..];
            assert_eq!(
                (best(&mut []), vector::axpy_ranked(rank, 1.0, &row, &mut g, &[], short)),
                (None, None)
            );
            assert_eq!((g[0], g[33]), (1.0, -7.0), "nothing is done then");
        }
    });
    let mut numbers = Numbers(3);
    let (row, mut g, x): (Vec<f32>, Vec<f32>, Vec<f32>) =
        (numbers.vector(n), numbers.vector(n), numbers.vector(n));
    let kink = Kink { l1: 0.125, l2: 0.0, linear: 0.0, lower: -f32::INFINITY, upper: f32::INFINITY };
    let mut expected = g.clone();
    let w = vec![2.0; n];
    let place = ranked(Rank::Gain(kink), (0.5, &row), &mut expected, (&x, &w));
    assert_eq!(vector::axpy_ranked(Rank::Gain(kink), 0.5, &row, &mut g, &x, &w), place);
    assert_eq!(bits(&g), bits(&expected));
}

/// Groups whose largest slope and largest weight are far apart, of weight nothing, and with slopes that are no numbers: weights
/// are read where they could matter, and the answer is that of all.
#[test]
fn groups_are_passed_over_only_where_they_hold_nothing_better() {
    let n = vector::WEIGHTS * if FEW { 2 } else { 9 } + 5;
    let mut numbers = Numbers(17);
    on_every_level(|level| {
        for case in 0..if FEW { 2 } else { 40 } {
            let (row, start): (Vec<f64>, Vec<f64>) = (numbers.vector(n), numbers.vector(n));
            let mut start = start;
            let mut w: Vec<f64> = numbers.vector(n).iter().map(|w: &f64| w.abs()).collect();
            for (i, w) in w.iter_mut().enumerate() {
                let group = i / vector::WEIGHTS;
                *w *= match (case + group) % 5 {
                    0 => 0.0,
                    1 => 1e-3,
                    2 => (i % 7) as f64,
                    _ => 1.0,
                };
            }
            start[case * 31 % n] = [f64::NAN, f64::INFINITY, 1e3, 0.0][case % 4];
            let (mut g, mut expected) = (start.clone(), start);
            let rank = Rank::SlopeInGroups;
            let found = vector::axpy_ranked(rank, -0.5, &row, &mut g, &[], &weights(rank, &w));
            let place = ranked(rank, (-0.5, &row), &mut expected, (&[], &w));
            assert_eq!((found, bits(&g)), (place, bits(&expected)), "{case}, {level:?}");
        }
    });
}

fn steps<T: Real>() {
    operands::<T>(|x, slope, w, name| {
        let weight: Vec<T> = w.iter().map(|w| w.abs()).collect();
        // 0 where there is none, as for a coordinate that changes nothing.
        let curvature: Vec<T> = x.iter().map(|x| x.abs()).collect();
        let inverse: Vec<T> =
            curvature.iter().map(|&l| if l > T::ZERO { T::ONE / l } else { T::ZERO }).collect();
        for positive in [false, true] {
            let (mut best, mut place, mut violation) = (T::ZERO, None, T::ZERO);
            for i in 0..x.len() {
                let v = slope[i] + x[i] * inverse[i];
                let size = (if positive { v } else { v.abs() }) - weight[i] * inverse[i];
                let shrunk = if size > T::ZERO { size } else { T::ZERO };
                let d = (if v < T::ZERO { -shrunk } else { shrunk }) - slope[i];
                let weighted = d * curvature[i];
                let off = weighted.abs() / weight[i];
                violation = if violation < off { off } else { violation };
                if best < weighted * d {
                    (best, place) = (weighted * d, Some(i));
                }
            }
            let of = vector::Coordinates {
                x: slope,
                slope: x,
                inverse: &inverse,
                weight: &weight,
                curvature: &curvature,
            };
            let (found, off) = vector::best_step(positive, of);
            assert_eq!((found, bits_of(off)), (place, bits_of(violation)), "{positive} {name}");
        }
    });
}

#[test]
fn the_best_step_is_that_of_a_plain_loop() {
    steps::<f32>();
    steps::<f64>();
    let zeros = [0.0_f64; 20];
    let nothing = vector::Coordinates {
        x: &zeros,
        slope: &zeros,
        inverse: &zeros,
        weight: &[1.0; 20],
        curvature: &zeros,
    };
    assert_eq!(vector::best_step(false, nothing), (None, 0.0));
    let none = vector::Coordinates { x: &[], ..nothing };
    assert_eq!(vector::best_step(true, none), (None, 0.0));
    // The first of equal ones, in a whole block and after it.
    for place in [3, 17] {
        let mut slope = zeros;
        slope[place..].fill(2.0);
        let of = vector::Coordinates { slope: &slope, inverse: &[1.0; 20], curvature: &[1.0; 20], ..nothing };
        assert_eq!(vector::best_step(false, of), (Some(place), 1.0));
    }
}
