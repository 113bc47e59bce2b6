//! Projections: feasible, idempotent, nearest, nonexpansive; and what cannot be a set.

use crate::common::{cast, wide};
use proptest::collection::vec;
use proptest::prelude::*;
use southwell::subgradient::projection::*;
use southwell::subgradient::{Projection, Table};
use southwell::{Error, Real};

/// How far a point is outside of a set, by definition; 0 inside.
type Outside = Box<dyn Fn(&[f64]) -> f64>;

fn distance(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| (x - y) * (x - y)).sum::<f64>().sqrt()
}

fn projected<T: Real>(set: &mut impl Projection<T>, x: &[f64]) -> Vec<f64> {
    let mut x = cast::<T>(x);
    set.project(&mut x);
    wide(&x)
}

/// All that a projection promises, for two points.
fn check<T: Real>(
    mut set: impl Projection<T>,
    outside: &Outside,
    x: &[f64],
    z: &[f64],
) -> Result<(), TestCaseError> {
    // What is handed in, as the type holds it.
    let (x, z) = (wide(&cast::<T>(x)), wide(&cast::<T>(z)));
    let size = x.iter().chain(&z).fold(4.0_f64, |size, x| size.max(x.abs()));
    let tolerance = 256.0 * T::EPSILON.to_f64() * size;
    let (p, q) = (projected(&mut set, &x), projected(&mut set, &z));
    prop_assert!(outside(&p) <= tolerance, "feasible: {:?} is outside by {}", p, outside(&p));
    let again = projected(&mut set, &p);
    prop_assert!(distance(&again, &p) <= tolerance, "idempotent: {:?} {:?}", p, again);
    prop_assert!(distance(&p, &q) <= distance(&x, &z) + tolerance, "nonexpansive");
    // ⟨x − Πx, z − Πx⟩ ≤ 0 for z in the set, which Πz is.
    let angle: f64 = x.iter().zip(&p).zip(&q).map(|((x, p), q)| (x - p) * (q - p)).sum();
    prop_assert!(angle <= tolerance * size * x.len() as f64, "nearest: {}", angle);
    if outside(&x) == 0.0 {
        prop_assert!(distance(&x, &p) <= tolerance, "a point of the set stays");
    }
    Ok(())
}

fn sum(x: &[f64]) -> f64 {
    x.iter().sum()
}
fn norm(x: &[f64]) -> f64 {
    distance(x, &vec![0.0; x.len()])
}

fn every_set<T: Real>(x: &[f64], z: &[f64], a: &[f64], b: f64) -> Result<(), TestCaseError> {
    let n = x.len();
    let outside: Outside = Box::new(|_| 0.0);
    check::<T>((), &outside, x, z)?;
    let outside: Outside = Box::new(|x| x.iter().fold(0.0, |out: f64, x| out.max(-1.0 - x).max(x - 0.5)));
    check::<T>(Interval::new(-T::ONE, T::HALF).expect("a set"), &outside, x, z)?;
    let outside: Outside = Box::new(|x| x.iter().fold(0.0, |out: f64, x| out.max(-x)));
    check::<T>(Interval::non_negative(), &outside, x, z)?;
    let (lower, upper): (Vec<f64>, Vec<f64>) = a.iter().map(|a| (a - 0.5, a + a.abs())).unzip();
    let (l, u) = (cast::<T>(&lower), cast::<T>(&upper));
    let outside: Outside = Box::new(move |x| {
        x.iter().zip(&lower).zip(&upper).fold(0.0, |out: f64, ((x, l), u)| out.max(l - x).max(x - u))
    });
    check::<T>(Bounds::new(&l, &u).expect("a set"), &outside, x, z)?;
    let outside: Outside = Box::new(|x| (norm(x) - 1.5).max(0.0));
    check::<T>(Ball::new(&[], T::from_f64(1.5)).expect("a set"), &outside, x, z)?;
    let (centre, c) = (a.to_vec(), cast::<T>(a));
    let outside: Outside = Box::new(move |x| (distance(x, &centre) - 0.75).max(0.0));
    check::<T>(Ball::new(&c, T::from_f64(0.75)).expect("a set"), &outside, x, z)?;
    let (total, t) = (b.abs() + 0.5, T::from_f64(b.abs() + 0.5));
    let outside: Outside = Box::new(move |x| x.iter().fold((sum(x) - total).abs(), |out, x| out.max(-x)));
    check::<T>(Simplex::new(t).expect("a set"), &outside, x, z)?;
    let outside: Outside = Box::new(move |x| (x.iter().map(|x| x.abs()).sum::<f64>() - total).max(0.0));
    check::<T>(L1Ball::new(t).expect("a set"), &outside, x, z)?;
    let outside: Outside = Box::new(move |x| {
        let (t, v) = x.split_last().expect("not empty");
        (norm(v) - t).max(0.0)
    });
    check::<T>(Cone, &outside, x, z)?;
    if norm(a) > 0.25 {
        let (normal, row) = (a.to_vec(), c.clone());
        let outside: Outside =
            Box::new(move |x| (x.iter().zip(&normal).map(|(x, a)| x * a).sum::<f64>() - b).max(0.0));
        check::<T>(HalfSpace::new(&row, T::from_f64(b)).expect("a set"), &outside, x, z)?;
    }
    // Σ x = b, and x₀ − x₁ = 1.
    let mut rows = vec![1.0; 2 * n];
    rows[n..].fill(0.0);
    (rows[n], rows[n + 1]) = (1.0, -1.0);
    let (values, rhs) = (cast::<T>(&rows), cast::<T>(&[b, 1.0]));
    let mut storage = vec![T::NAN; Affine::<T>::required_len(2)];
    let set = Affine::new(Table::new(&values, 2, n).expect("a table"), &rhs, &mut storage).expect("a set");
    let outside: Outside = Box::new(move |x| (sum(x) - b).abs().max((x[0] - x[1] - 1.0).abs()));
    check::<T>(set, &outside, x, z)
}

proptest! {
    #[test]
    fn every_projection_is_one(
        x in vec(-4.0_f64..4.0, 9),
        z in vec(-4.0_f64..4.0, 9),
        a in vec(-2.0_f64..2.0, 9),
        b in -2.0_f64..2.0,
        n in 3_usize..10,
    ) {
        every_set::<f64>(&x[..n], &z[..n], &a[..n], b)?;
        every_set::<f32>(&x[..n], &z[..n], &a[..n], b)?;
    }

    /// Newton's threshold against sorting.
    #[test]
    fn the_simplex_agrees_with_sorting(x in vec(-10.0_f64..10.0, 1..200), total in 0.1_f64..20.0) {
        let mut sorted = x.clone();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let (mut running, mut tau) = (0.0, 0.0);
        for (k, u) in sorted.iter().enumerate() {
            running += u;
            let candidate = (running - total) / (k + 1) as f64;
            if *u > candidate {
                tau = candidate;
            }
        }
        let found = projected::<f64>(&mut Simplex::new(total).expect("a set"), &x);
        for (found, x) in found.iter().zip(&x) {
            prop_assert!((found - (x - tau).max(0.0)).abs() <= 1e-13 * 10.0, "{} {}", found, x - tau);
        }
    }
}

#[test]
fn corners_of_sets() {
    // All equal, one far above, far from the origin, zeros.
    let simplex = |x: &[f64]| projected::<f64>(&mut Simplex::new(1.0).expect("a set"), x);
    assert_eq!(simplex(&[3.0; 4]), [0.25; 4]);
    assert_eq!(simplex(&[1e9, 0.0, -1e9]), [1.0, 0.0, 0.0]);
    assert_eq!(simplex(&[1e15 + 0.5, 1e15]), [0.75, 0.25]);
    assert_eq!(simplex(&[0.0]), [1.0]);
    let l1 = |x: &[f64]| projected::<f64>(&mut L1Ball::new(1.0).expect("a set"), x);
    assert_eq!(l1(&[0.5, -0.5]), [0.5, -0.5]);
    assert_eq!(l1(&[2.0, -2.0, 0.5]), [0.5, -0.5, 0.0]);
    let cone = |x: &[f64]| projected::<f64>(&mut Cone, x);
    assert_eq!(cone(&[3.0, 4.0, 5.0]), [3.0, 4.0, 5.0]);
    assert_eq!(cone(&[3.0, 4.0, -5.0]), [0.0; 3]);
    assert_eq!(cone(&[3.0, 4.0, 0.0]), [1.5, 2.0, 2.5]);
    assert_eq!(cone(&[-1.0]), [0.0]);
    let ball = |x: &[f64]| projected::<f64>(&mut Ball::new(&[], 0.0).expect("a point"), x);
    assert_eq!(ball(&[3.0, -4.0]), [0.0; 2]);
    let huge = projected::<f64>(&mut Ball::new(&[], 5.0).expect("a set"), &[3e200, 4e200]);
    assert!(
        (huge[0] - 3.0).abs() < 1e-14 && (huge[1] - 4.0).abs() < 1e-14,
        "squares that overflow: {huge:?}"
    );
}

#[test]
fn an_empty_set_is_refused() {
    let option = |name| move |error: Error| matches!(error, Error::Option { name: n, .. } if n == name);
    assert!(Interval::new(1.0, 0.5).is_err_and(option("bounds")));
    assert!(Interval::new(f64::NAN, 0.5).is_err_and(option("bounds")));
    assert!(Interval::new(f64::INFINITY, f64::INFINITY).is_err_and(option("bounds")));
    assert!(Bounds::new(&[0.0, 1.0], &[1.0, 0.0]).is_err_and(option("bounds")));
    assert!(Bounds::new(&[0.0, 1.0], &[1.0]).is_err_and(|e| matches!(e, Error::Dimension { .. })));
    assert!(Ball::new(&[], -1.0).is_err_and(option("radius")));
    assert!(Ball::new(&[f64::NAN], 1.0).is_err_and(|e| matches!(e, Error::Value { index: 0, .. })));
    for bad in [0.0, -1.0, f64::INFINITY, f64::NAN] {
        assert!(Simplex::new(bad).is_err_and(option("total")));
        assert!(L1Ball::new(bad).is_err_and(option("radius")));
    }
    assert!(HalfSpace::new(&[0.0, 0.0], -1.0).is_err_and(option("normal")));
    assert!(HalfSpace::new(&[1.0], f64::NAN).is_err_and(option("offset")));
    // x₀ + x₁ = 1 and 2 x₀ + 2 x₁ = 3 contradict each other.
    let rows = [1.0, 1.0, 2.0, 2.0];
    let table = Table::new(&rows, 2, 2).expect("a table");
    assert!(Affine::new(table, &[1.0, 3.0], &mut [0.0; 6]).is_err_and(option("table")));
    let mut storage = [0.0; 5];
    let short = Affine::new(table, &[1.0, 3.0], &mut storage);
    assert!(short.is_err_and(|e| e == Error::Workspace { needed: 6, given: 5 }));
}
