//! Penalties over blocks: values, distances from their slopes, what a step gains, and gaps, by plain formulas.

use southwell::descent::Penalty;
use southwell::descent::penalties::{Block, Group, Simplex, Values};

use crate::common::Numbers;

const BLOCK: Block<'static> = Block { number: 1, variables: &[4, 2] };
const THREE: Block<'static> = Block { number: 0, variables: &[0, 1, 2] };

fn near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= 1e-12 * (1.0 + expected.abs()), "{what}: {found}, not {expected}");
}

/// λ = 2 for this block, and vectors of lengths 5, 10 and 13.
#[test]
fn a_group_by_hand() {
    let group = Group::new(Values::Each(&[7.0, 2.0]));
    let of = |x: [f64; 2]| group.value(BLOCK, &x);
    assert_eq!((of([3.0, -4.0]), of([0.0, 0.0]), of([-6.0, 8.0])), (10.0, 0.0, 20.0));
    let prox = |step: f64, mut x: [f64; 2]| {
        group.prox(BLOCK, step, &mut x);
        x
    };
    // ‖x‖ less 2·step, in the same direction.
    for (found, expected) in [
        (prox(1.25, [3.0, -4.0]), [1.5, -2.0]),
        (prox(2.5, [3.0, -4.0]), [0.0, 0.0]),
        (prox(4.0, [3.0, -4.0]), [0.0, 0.0]),
        (prox(3.25, [5.0, 12.0]), [2.5, 6.0]),
    ] {
        near(found[0], expected[0], "prox");
        near(found[1], expected[1], "prox");
    }
    // Away from 0 the slope is 2x/‖x‖; at 0 it is a ball of radius 2.
    let violation = |x: [f64; 2], g: [f64; 2]| group.violation(BLOCK, &x, &g);
    near(violation([3.0, 4.0], [1.0, 1.0]), 2.2 * 2.2 + 2.6 * 2.6, "violation");
    near(violation([3.0, 4.0], [-1.2, -1.6]), 0.0, "violation");
    near(violation([0.0, 0.0], [3.0, -4.0]), 9.0, "violation");
    assert_eq!(violation([0.0, 0.0], [1.2, -1.6]), 0.0);
    assert_eq!(violation([0.0, 0.0], [0.5, 0.5]), 0.0);
    assert!(violation([0.0, 0.0], [f64::NAN, 0.5]).is_nan());
    // gᵀ(x − u) + 2‖x‖ − 2‖u‖ is bounded in u for ‖g‖ ≤ 2, and largest at u = 0.
    let gap = |x: [f64; 2], g: [f64; 2]| group.gap(BLOCK, &x, &g);
    near(gap([3.0, 4.0], [0.5, -1.0]), 1.5 - 4.0 + 10.0, "gap");
    near(gap([3.0, 4.0], [-1.2, -1.6]), 0.0, "gap");
    assert_eq!(gap([3.0, 4.0], [1.5, 2.0]), f64::INFINITY);
    assert_eq!((gap([0.0, 0.0], [0.0, 2.0]), gap([0.0, 0.0], [0.0, 2.25])), (0.0, f64::INFINITY));
    assert_eq!((Penalty::<f64>::blocks(&group), Penalty::<f64>::blocks(&Group::new(2.0))), (Some(2), None));
    assert!(!Penalty::<f64>::separable(&group));
}

/// What is gained is the difference of values, where these do not cancel.
#[test]
fn steps_gain_what_their_values_say() {
    let mut numbers = Numbers(3);
    let (group, simplex) = (Group::new(Values::Each(&[7.0, 2.0])), Simplex { sum: 1.5, l2: 0.75 });
    for _ in 0..200 {
        let (l, of) = (3.0 * (0.5 + numbers.next()), |numbers: &mut Numbers, n| numbers.vector(n));
        let smooth = |x: &[f64], next: &[f64], g: &[f64]| {
            let each = x.iter().zip(next).zip(g);
            each.map(|((x, next), g)| (next - x) * (g + 0.5 * l * (next - x))).sum::<f64>()
        };
        let (x, next, g) = (of(&mut numbers, 2), of(&mut numbers, 2), of(&mut numbers, 2));
        let gain = group.value(BLOCK, &x) - group.value(BLOCK, &next) - smooth(&x, &next, &g);
        near(group.progress(BLOCK, (&x, &next), &g, l), gain, "group");
        let zero = [0.0; 2];
        let gain = -group.value(BLOCK, &next) - smooth(&zero, &next, &g);
        near(group.progress(BLOCK, (&zero, &next), &g, l), gain, "group, from 0");
        let (x, next, g) = (of(&mut numbers, 3), of(&mut numbers, 3), of(&mut numbers, 3));
        let gain = simplex.value(THREE, &x) - simplex.value(THREE, &next) - smooth(&x, &next, &g);
        near(simplex.progress(THREE, (&x, &next), &g, l), gain, "simplex");
    }
    assert_eq!(group.progress(BLOCK, (&[0.0; 2], &[0.0; 2]), &[1.0, 2.0], 1.0), 0.0);
}

/// Distances from the normal cone by a search for ν, gaps by the corners, projections by their conditions.
#[test]
fn a_simplex_by_its_conditions() {
    let mut numbers = Numbers(5);
    for round in 0..400 {
        let simplex = Simplex { sum: 1.5, l2: if round % 2 == 0 { 0.0 } else { 0.75 } };
        let (mut x, g): (Vec<f64>, Vec<f64>) = (numbers.vector(3), numbers.vector(3));
        let (v, step) = (x.clone(), 0.5 + 0.25 * (round % 5) as f64);
        simplex.prox(THREE, step, &mut x);
        near(x.iter().sum(), 1.5, "sum");
        near(simplex.value(THREE, &x), 0.5 * simplex.l2 * x.iter().map(|x| x * x).sum::<f64>(), "value");
        // (x − v)/step + l2·x is the same wherever x > 0, and no less where x = 0.
        let slope = |k: usize| (x[k] - v[k]) / step + simplex.l2 * x[k];
        let inside: Vec<usize> = (0..3).filter(|&k| x[k] > 0.0).collect();
        assert!(x.iter().all(|x| *x >= 0.0) && !inside.is_empty());
        let nu = slope(inside[0]);
        for k in 0..3 {
            assert!(slope(k) >= nu - 1e-12 && (x[k] == 0.0 || slope(k) <= nu + 1e-12), "{v:?} {x:?}");
        }
        if round % 3 == 0 {
            // A corner, where two are held.
            x = vec![0.0, 1.5, 0.0];
        }
        let slopes: Vec<f64> = x.iter().zip(&g).map(|(x, g)| g + simplex.l2 * x).collect();
        let distance = |nu: f64| {
            let one = |(x, slope): (&f64, &f64)| if *x > 0.0 { slope - nu } else { (slope - nu).min(0.0) };
            x.iter().zip(&slopes).map(one).map(|d| d * d).sum::<f64>()
        };
        let (mut low, mut high) = (-4.0, 4.0);
        for _ in 0..200 {
            let (a, b) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
            if distance(a) < distance(b) { high = b } else { low = a }
        }
        near(simplex.violation(THREE, &x, &g), distance(0.5 * (low + high)), "violation");
        let now: f64 = x.iter().zip(&slopes).map(|(x, slope)| x * slope).sum();
        let corner = slopes.iter().map(|slope| 1.5 * slope).fold(f64::INFINITY, f64::min);
        near(simplex.gap(THREE, &x, &g), now - corner, "gap");
    }
}
