//! Largest elements, proximal maps and scaled norms against plain loops, bit for bit.
#![cfg(feature = "force-level")]

mod common;

use common::{Numbers, bits, bits_of, check_update, in_lanes, on_every_level, operands};
use southwell_simd::{Real, vector};

/// The largest product by a plain loop, the lowest index among equals.
fn plain_largest<T: Real>(x: &[T], w: &[T]) -> Option<(usize, T)> {
    let mut best: Option<(usize, T)> = None;
    for (i, (x, &w)) in x.iter().zip(w).enumerate() {
        let score = x.abs() * w;
        let larger = best.is_none_or(|(_, value)| score > value);
        if larger && score.partial_cmp(&score).is_some() {
            best = Some((i, score));
        }
    }
    best
}

/// All products that are numbers, the largest first, the lower index first among equals.
fn in_order<T: Real>(x: &[T], w: &[T]) -> Vec<(u32, T)> {
    let scores = x.iter().zip(w).map(|(x, &w)| x.abs() * w).enumerate();
    let mut all: Vec<(u32, T)> =
        scores.filter(|(_, s)| s.partial_cmp(s).is_some()).map(|(i, s)| (i as u32, s)).collect();
    all.sort_by(|a, b| b.1.partial_cmp(&a.1).expect("numbers").then(a.0.cmp(&b.0)));
    all
}

fn extremes<T: Real>() {
    operands::<T>(|x, y, _, name| {
        let w: Vec<T> = y.iter().map(|y| y.abs()).collect();
        let found = vector::largest(x, &w).map(|(i, value)| (i, value.bits()));
        assert_eq!(found, plain_largest(x, &w).map(|(i, value)| (i, value.bits())), "{name}");
        let largest = x.iter().fold(T::ZERO, |best, x| if x.abs() > best { x.abs() } else { best });
        assert_eq!(vector::max_abs(x).bits(), largest.bits(), "{name}");
        assert_eq!(vector::first_not_finite(x), x.iter().position(|x| !x.is_finite()), "{name}");
        let all = in_order(x, &w);
        for k in [0, 1, 2, 5, 16, 70, x.len(), x.len() + 3] {
            let (mut indices, mut values) = (vec![7; k], vec![T::ONE; k]);
            let count = vector::k_largest(x, &w, &mut indices, &mut values);
            assert_eq!(count, k.min(all.len()), "{name}, k = {k}");
            let found: Vec<_> =
                indices.iter().zip(&values).take(count).map(|(&i, v)| (i, v.bits())).collect();
            let expected: Vec<_> = all.iter().take(k).map(|(i, v)| (*i, v.bits())).collect();
            assert_eq!(found, expected, "{name}, k = {k}");
        }
    });
}

#[test]
fn largest_elements_match_plain_loops() {
    extremes::<f32>();
    extremes::<f64>();
}

/// Equal values in several blocks: the lowest index wins, in the list of k as well.
#[test]
fn ties_go_to_the_lower_index() {
    let (mut x, w) = (vec![1.0f32; 1000], vec![1.0; 1000]);
    on_every_level(|level| assert_eq!(vector::largest(&x, &w), Some((0, 1.0)), "{level:?}"));
    for place in [3, 270, 700] {
        x[place] = -2.0;
    }
    on_every_level(|level| {
        assert_eq!(vector::largest(&x, &w), Some((3, 2.0)), "{level:?}");
        let (mut indices, mut values) = ([0; 5], [0.0; 5]);
        assert_eq!(vector::k_largest(&x, &w, &mut indices, &mut values), 5);
        assert_eq!((indices, values), ([3, 270, 700, 0, 1], [2.0, 2.0, 2.0, 1.0, 1.0]), "{level:?}");
    });
    // Beyond what is looked at together: the first of the blocks that hold the largest.
    let (mut x, w) = (vec![1.0f64; 7000], vec![1.0; 7000]);
    for place in [2500, 4700, 6999].into_iter().take(if common::FEW { 1 } else { 3 }) {
        x[place] = -2.0;
        on_every_level(|level| assert_eq!(vector::largest(&x, &w), Some((2500, 2.0)), "{level:?}"));
    }
    assert_eq!(vector::largest::<f64>(&[], &[]), None);
    assert_eq!(vector::largest(&[f64::NAN; 20], &[1.0; 20]), None);
}

fn soft<T: Real>(t: T, x: T) -> T {
    if x.abs() <= t {
        T::ZERO
    } else if x < T::ZERO {
        x - (-t)
    } else {
        x - t
    }
}

fn sign<T: Real>(x: T) -> T {
    if x > T::ZERO {
        T::ONE
    } else if x < T::ZERO {
        -T::ONE
    } else if x == T::ZERO {
        T::ZERO
    } else {
        x
    }
}

fn clamped<T: Real>(x: T, lower: T, upper: T) -> T {
    let x = if x < lower { lower } else { x };
    if x > upper { upper } else { x }
}

fn proximal<T: Real>() {
    let (low, high) = (T::from_f64(-0.2), T::from_f64(0.3));
    operands::<T>(|x, y, z, name| {
        let t: Vec<T> = y.iter().map(|y| y.abs()).collect();
        let name = |what: &str| format!("{what} {name}");
        check_update(&name("soft"), x, |x| vector::soft_threshold(high, x), |i| soft(high, x[i]));
        check_update(&name("soft each"), x, |x| vector::soft_threshold_each(&t, x), |i| soft(t[i], x[i]));
        check_update(&name("clamp"), x, |x| vector::clamp(low, high, x), |i| clamped(x[i], low, high));
        check_update(&name("clamp each"), x, |x| vector::clamp_each(y, z, x), |i| clamped(x[i], y[i], z[i]));
        let size = in_lanes(x.iter().map(|x| x.abs()));
        let pass = |x: &mut [T]| assert_eq!(bits_of(vector::sign_sum(x)), bits_of(size), "{}", name("sum"));
        check_update(&name("sign"), x, pass, |i| sign(x[i]));
    });
}

#[test]
fn proximal_maps_match_plain_loops() {
    proximal::<f32>();
    proximal::<f64>();
}

/// The scaled norm equals a norm computed with a wider exponent.
fn scaled_norm<T: Real>(scale: T, relative: f64) {
    let mut numbers = Numbers(5);
    for n in [1, 2, 17, 64, 1000] {
        let x: Vec<T> = numbers.vector::<T>(n).iter().map(|&x| x * scale).collect();
        let size = x.iter().fold(T::ZERO, |m, x| m.max(x.abs())).to_f64();
        let exact = x.iter().map(|x| (x.to_f64() / size).powi(2)).sum::<f64>().sqrt();
        let found = vector::norm_scaled(&x).to_f64() / size;
        assert!(
            (found - exact).abs() <= relative * exact * (n as f64 / 2.0 + 2.0),
            "{n}, {scale}: {found} {exact}"
        );
    }
}

#[test]
fn the_scaled_norm_neither_overflows_nor_vanishes() {
    for scale in
        [1.0, 1e15, 1e19, 1e30, f32::MAX / 16.0, 1e-10, 1e-19, 1e-25, 1e-30, 1e-36, f32::MIN_POSITIVE]
            .into_iter()
            .step_by(if common::FEW { 4 } else { 1 })
    {
        scaled_norm(scale, f64::from(f32::EPSILON));
    }
    for scale in
        [1.0, 1e150, 1e155, 1e200, f64::MAX / 16.0, 1e-140, 1e-155, 1e-200, 1e-290, f64::MIN_POSITIVE]
            .into_iter()
            .step_by(if common::FEW { 4 } else { 1 })
    {
        scaled_norm(scale, f64::EPSILON);
    }
    // Subnormal numbers have few bits of their own, and the norm must not lose more.
    assert_eq!(vector::norm_scaled(&[5e-324f64, 0.0]), 5e-324);
    assert_eq!(
        vector::norm_scaled(&[3.0 * f32::from_bits(1), 4.0 * f32::from_bits(1)]),
        5.0 * f32::from_bits(1)
    );
    assert_eq!(vector::norm_scaled::<f64>(&[]), 0.0);
    assert_eq!(vector::norm_scaled(&[1.0, f64::INFINITY]), f64::INFINITY);
    assert!(vector::norm_scaled(&[1.0, f64::NAN, f64::INFINITY]).is_nan());
    assert!(vector::norm_scaled(&[1e-300, f64::NAN]).is_nan());
}

/// Projections are idempotent, the soft threshold is its own definition by the sub-differential.
#[test]
fn proximal_maps_satisfy_their_definition() {
    let mut numbers = Numbers(29);
    // Every length of a few registers and their rest; thresholds from none to more than half of the numbers.
    for n in (0..70).step_by(if common::FEW { 23 } else { 1 }) {
        for _ in 0..if common::FEW { 1 } else { 16 } {
            let x: Vec<f64> = numbers.vector(n).into_iter().map(|x: f64| 20.0 * x).collect();
            let t = 5.0 * (numbers.next::<f64>() + 0.5);
            let mut p = x.clone();
            vector::soft_threshold(t, &mut p);
            for (&p, &x) in p.iter().zip(&x) {
                // x − p ∈ t·∂|p|
                let holds = if p == 0.0 { x.abs() <= t } else { (x - p - t * p.signum()).abs() < 1e-12 };
                assert!(holds, "{x} to {p}, t = {t}, n = {n}");
            }
            let mut once = x.clone();
            vector::clamp(-t, t, &mut once);
            let mut twice = once.clone();
            vector::clamp(-t, t, &mut twice);
            assert_eq!(bits(&once), bits(&twice));
            assert!(once.iter().all(|v| v.abs() <= t));
        }
    }
}
