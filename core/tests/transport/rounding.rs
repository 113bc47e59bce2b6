//! Rounded couplings: exact marginals, near what they were made of.

use crate::common::cases::{Case, digits, look, random};
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Ground, PointCost, Potentials, Problem, rounding, sinkhorn};
use southwell::{Error, Real, Stop};

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁, the same of P̂, and ‖P̂ − P‖₁, after so many steps.
fn check<T: Real>(case: &Case, epsilon: f64, steps: u32) -> [f64; 3] {
    let (n, m) = (case.rows(), case.columns());
    let (c, a, b) = (narrow::<T>(&case.cost), narrow::<T>(&case.a), narrow::<T>(&case.b));
    let cost = DenseCost::new(&c, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, m)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let stop = Stop { max_steps: steps, ..Stop::relative(T::EPSILON * T::EPSILON) };
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop };
    sinkhorn::solve(&problem, &options, &mut Fixed(T::ONE), x, workspace, &mut ()).expect("valid");

    let mut storage = vec![T::NAN; rounding::Workspace::<T>::required_len(n, m, true)];
    let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
    let mut rounded = rounding::round(&problem, &f, &g, workspace).expect("potentials");
    let (mut row, mut columns) = (vec![T::NAN; m], vec![0.0; m]);
    let (mut apart, mut rounded_rows, mut moved, mut primal) = (0.0, 0.0, 0.0, 0.0);
    for (i, &f) in f.iter().enumerate() {
        rounded.row(i, &mut row).expect("a row");
        let mut sum = 0.0;
        for (j, p) in row.iter().map(|p| p.to_f64()).enumerate() {
            assert!(p >= 0.0);
            let c = case.cost[i * m + j];
            apart += (p - ((f.to_f64() + g[j].to_f64() - c) / epsilon).exp()).abs();
            sum += p;
            columns[j] += p;
            moved += p * c;
            primal += p * c + if p > 0.0 { epsilon * p * (p.ln() - 1.0) } else { 0.0 };
        }
        rounded_rows += (sum - case.a[i]).abs();
    }
    let rounded_columns: f64 = columns.iter().zip(&case.b).map(|(s, b)| (s - b).abs()).sum();
    let value = rounded.evaluate();
    let tolerance = 8.0 * T::EPSILON.to_f64();
    assert!((value.cost.to_f64() - moved).abs() < tolerance, "{value:?} {moved}");
    assert!((value.primal.to_f64() - primal).abs() < tolerance, "{value:?} {primal}");
    assert!(value.row_error.to_f64() < 16.0 * tolerance && value.column_error.to_f64() < 16.0 * tolerance);
    let [rows, columns, ..] = look(case, epsilon, &f, &g);
    [rows + columns, rounded_rows + rounded_columns, apart]
}

#[test]
fn random_assignment() {
    let case = random(1, 500);
    let [error, left, apart] = check::<f64>(&case, 1.0 / 1200.0, 20);
    assert!((error - 1.81e-2).abs() < 5e-5 && (apart - 1.81e-2).abs() < 5e-5, "{error} {apart}");
    assert!(left < 1e-14, "{left}");
    let [error, left, apart] = check::<f32>(&case, 1.0 / 1200.0, 20);
    assert!((error - 1.81e-2).abs() < 2e-4 && (apart - 1.81e-2).abs() < 2e-4, "{error} {apart}");
    assert!(left < 1e-5, "{left}");
}

#[test]
fn never_further_than_twice_the_error() {
    for steps in [0, 1, 5, 50, 500] {
        let [error, left, apart] = check::<f64>(&digits(2), 1.0 / 200.0, steps);
        assert!(apart <= 2.0 * error + 1e-14 && left < 1e-14, "{steps}: {error} {left} {apart}");
        let [error, left, apart] = check::<f32>(&digits(1), 1.0 / 50.0, steps);
        assert!(apart <= 2.0 * error + 1e-5 && left < 1e-5, "{steps}: {error} {left} {apart}");
    }
}

/// From any potentials, also where nothing of the coupling can be expressed, and with lines without mass.
#[test]
fn exact_marginals_from_anywhere() {
    let cost = [0.0, 1.0, 0.5, 2.0, 0.25, 1.0_f64];
    let cost = DenseCost::new(&cost, 2, 3, 3).expect("costs");
    for (a, b) in
        [([0.5, 0.5], [0.25, 0.25, 0.5]), ([0.0, 1.0], [0.5, 0.0, 0.5]), ([1.0, 0.0], [0.0, 0.0, 1.0])]
    {
        let problem = Problem::new(&cost, &a, &b, 1e-3).expect("a problem");
        for f in [[0.0, 0.0], [-1e308, 1e308], [3.0, -3.0]] {
            for g in [[0.0, 0.0, 0.0], [1e308, 0.0, -1e308], [-1e308, -1e308, -1e308]] {
                let mut storage = [f64::NAN; 40];
                let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
                let mut rounded = rounding::round(&problem, &f, &g, workspace).expect("potentials");
                let (mut row, mut columns) = ([0.0; 3], [0.0; 3]);
                for (i, a) in a.iter().enumerate() {
                    rounded.row(i, &mut row).expect("a row");
                    assert!(row.iter().all(|&p| p >= 0.0));
                    assert!((row.iter().sum::<f64>() - a).abs() <= 4.0 * f64::EPSILON * a);
                    columns.iter_mut().zip(row).for_each(|(c, p)| *c += p);
                }
                for (c, b) in columns.iter().zip(b) {
                    assert!((c - b).abs() <= 4.0 * f64::EPSILON, "{f:?} {g:?} {columns:?}");
                    assert!(b > 0.0 || *c == 0.0);
                }
            }
        }
    }
}

#[test]
fn refusals() {
    let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0_f64], 2, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[0.5, 0.5], &[0.5, 0.5], 1e-3).expect("a problem");
    let needed = rounding::Workspace::<f64>::required_len(2, 2, true);
    let mut storage = vec![0.0; needed];
    let short = rounding::Workspace::new(&problem, &mut storage[1..]).err();
    assert_eq!(short, Some(Error::Workspace { needed, given: needed - 1 }));
    let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
    let error = rounding::round(&problem, &[0.0, f64::INFINITY], &[0.0, 0.0], workspace).err();
    assert_eq!(error, Some(Error::Value { argument: "f", index: 1 }));
    let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
    let mut rounded = rounding::round(&problem, &[0.0, 0.0], &[0.0, 0.0], workspace).expect("potentials");
    assert!(rounded.row(2, &mut [0.0; 2]).is_err() && rounded.row(0, &mut [0.0; 3]).is_err());
}

/// A workspace of another problem, by its rows, its columns, or whether its costs are stored.
#[test]
fn memory_of_another_shape() {
    let values = [0.5; 12];
    let shape = |n: usize, m: usize| DenseCost::new(&values[..n * m], n, m, m).expect("costs");
    let weights = |n: usize| vec![1.0 / n as f64; n];
    let (cost, a, b) = (shape(3, 4), weights(3), weights(4));
    let problem = Problem::new(&cost, &a, &b, 1.0).expect("a problem");
    let mut storage = [0.0; 60];
    for (n, m) in [(2, 4), (3, 3), (3, 4)] {
        let (other, c, d) = (shape(n, m), weights(n), weights(m));
        let other = Problem::new(&other, &c, &d, 1.0).expect("a problem");
        let workspace = rounding::Workspace::new(&other, &mut storage).expect("memory");
        let refused = rounding::round(&problem, &[0.0; 3], &[0.0; 4], workspace).err();
        let needed = rounding::Workspace::<f64>::required_len(3, 4, true);
        let given = rounding::Workspace::<f64>::required_len(n, m, true);
        assert_eq!(refused, (needed != given).then_some(Error::Workspace { needed, given }), "{n} {m}");
    }
    let mut transposed = [0.0; 4];
    let made = PointCost::new(&[0.0, 1.0, 2.0], &[0.0, 1.0, 2.0, 3.0], 1, Ground::L1, &mut transposed);
    let made = made.expect("points");
    let other = Problem::new(&made, &a, &b, 1.0).expect("a problem");
    let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
    let refused = rounding::round(&other, &[0.0; 3], &[0.0; 4], workspace).err();
    let needed = rounding::Workspace::<f64>::required_len(3, 4, false);
    assert_eq!(refused, Some(Error::Workspace { needed, given: needed - 4 }));
}

/// Σ P of potentials that are too large or too small to be expressed.
#[test]
fn masses_beyond_the_range() {
    let cost = DenseCost::new(&[0.0, 0.0], 1, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[1.0], &[0.5, 0.5], 1e-3).expect("a problem");
    let mut storage = [0.0; 40];
    for (f, g, mass) in [
        (0.0, 0.0, 2.0),
        (0.0, 1e308, f64::INFINITY),
        (0.0, -1e308, 0.0),
        (1e308, -1e308, f64::INFINITY),
        (-1e308, 0.0, 0.0),
    ] {
        let workspace = rounding::Workspace::new(&problem, &mut storage).expect("memory");
        let rounded = rounding::round(&problem, &[f], &[g; 2], workspace).expect("potentials");
        assert_eq!(rounded.mass_before(), mass, "{f} {g}");
    }
}

/// Where nothing but rounding is missing, nothing is handed out.
#[test]
fn couplings_that_are_nearly_exact() {
    for seed in 0..60 {
        for steps in [0, 60, 400] {
            let case = random(seed, 4);
            let [_, left, apart] = check::<f64>(&case, 0.5, steps);
            assert!(left < 1e-15 && apart.is_finite(), "{seed} {steps}: {left} {apart}");
        }
    }
}
