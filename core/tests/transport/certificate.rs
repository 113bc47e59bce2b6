//! Bounds on the value, with and without entropy, against reference figures and plain sums.

use crate::common::cases::{Case, digits, look, random};
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, Problem, certificate, sinkhorn};
use southwell::{Error, Real, Stop};

/// The potentials after so many steps.
fn potentials<T: Real>(problem: &Problem<'_, T, DenseCost<'_, T>>, steps: u32) -> (Vec<T>, Vec<T>) {
    let (n, m) = (problem.rows(), problem.columns());
    let mut storage = vec![T::NAN; sinkhorn::Workspace::<T>::required_len(n, m, m)];
    let workspace = sinkhorn::Workspace::new(problem, &mut storage).expect("memory");
    let stop = Stop { max_steps: steps, ..Stop::relative(T::EPSILON * T::EPSILON) };
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop };
    sinkhorn::solve(problem, &options, &mut Fixed(T::ONE), x, workspace, &mut ()).expect("valid");
    (f, g)
}

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// A look by the library and one by plain sums at the same potentials; the certificate.
fn check<T: Real>(case: &Case, epsilon: f64, steps: u32, tolerance: f64) -> certificate::Certificate<T> {
    let (n, m) = (case.rows(), case.columns());
    let (c, a, b) = (narrow::<T>(&case.cost), narrow::<T>(&case.a), narrow::<T>(&case.b));
    let cost = DenseCost::new(&c, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
    let (f, g) = potentials(&problem, steps);
    let mut storage = vec![T::NAN; certificate::evaluate_len(m, true)];
    let seen = certificate::evaluate(&problem, &f, &g, &mut storage).expect("memory");
    let [rows, columns, moved, dual] = look(case, epsilon, &f, &g);
    for (mine, plain) in
        [(seen.row_error, rows), (seen.column_error, columns), (seen.cost, moved), (seen.dual, dual)]
    {
        assert!((mine.to_f64() - plain).abs() < tolerance, "{seen:?} {plain}");
    }
    let primal = seen.cost.to_f64() + epsilon * seen.entropy.to_f64();
    assert!((seen.primal.to_f64() - primal).abs() < tolerance, "{seen:?}");
    let mut storage = vec![T::NAN; certificate::certify_len(n, m, true)];
    let certificate = certificate::certify(&problem, &f, &g, &mut storage).expect("memory");
    assert!((certificate.dual.to_f64() - dual).abs() < tolerance);
    assert!(certificate.gap() >= -certificate.rounding && certificate.exact_gap() >= -certificate.rounding);
    certificate
}

#[test]
fn random_assignment() {
    let case = random(1, 500);
    let best = 0.003_341_804_981;
    for (inverse, lower, upper) in
        [(1200.0, 0.003_287_545, 0.003_650_711), (400.0, 0.003_104_503, 0.004_587_953)]
    {
        let seen = check::<f64>(&case, 1.0 / inverse, 100, 1e-12);
        assert!((seen.lower - lower).abs() < 1e-9 && (seen.upper - upper).abs() < 1e-9, "{seen:?}");
        assert!(seen.lower < best && best < seen.upper && seen.rounding < 1e-13, "{seen:?}");
        if inverse > 1000.0 {
            assert!((seen.gap() - 7.0e-5).abs() < 1e-6, "{seen:?} {}", seen.gap());
        }
        let single = check::<f32>(&case, 1.0 / inverse, 100, 2e-4);
        assert!(f64::from(single.lower) < best + f64::from(single.rounding), "{single:?}");
        assert!(best < f64::from(single.upper) + f64::from(single.rounding), "{single:?}");
        assert!(single.rounding < 1e-5, "{single:?}");
    }
}

#[test]
fn gaps_close_at_the_solution() {
    let case = digits(2);
    let gaps = [20, 100, 500].map(|steps| check::<f64>(&case, 1.0 / 200.0, steps, 1e-12).gap());
    assert!(gaps[0] > gaps[1] && gaps[1] > gaps[2] && gaps[2] < 1e-10, "{gaps:?}");
}

/// Lines without mass weigh nothing, whatever potential is handed in for them.
#[test]
fn zero_weights() {
    let cost = [0.0, 1.0, 0.5, 2.0, 0.25, 1.0, 3.0, 0.0, 0.5_f64];
    let cost = DenseCost::new(&cost, 3, 3, 3).expect("costs");
    let (a, b) = ([0.5, 0.0, 0.5], [0.25, 0.75, 0.0]);
    let problem = Problem::new(&cost, &a, &b, 0.1).expect("a problem");
    let (f, g) = potentials(&problem, 50);
    let mut storage = [f64::NAN; 64];
    let marked = certificate::evaluate(&problem, &f, &g, &mut storage).expect("memory");
    let bounds = certificate::certify(&problem, &f, &g, &mut storage).expect("memory");
    assert!(marked.error() < 1e-9 && bounds.gap() < 1e-9 && bounds.upper >= bounds.lower, "{bounds:?}");
    // 0.25 of row 0 moves on to column 1, at 1.
    assert!(
        (0.2..=0.25).contains(&bounds.lower) && (0.25..0.2501).contains(&(bounds.upper + 1e-12)),
        "{bounds:?}"
    );
    for other in [0.0, f64::NAN, f64::INFINITY] {
        let (mut f, mut g) = (f.clone(), g.clone());
        (f[1], g[2]) = (other, other);
        assert_eq!(certificate::evaluate(&problem, &f, &g, &mut storage), Ok(marked));
        assert_eq!(certificate::certify(&problem, &f, &g, &mut storage), Ok(bounds));
    }
}

/// Wild potentials are answered by true statements, unusable ones are refused.
#[test]
fn wild_potentials() {
    let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0_f64], 2, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[0.5, 0.5], &[0.5, 0.5], 1e-3).expect("a problem");
    let mut storage = [f64::NAN; 32];
    for f in [[1e300, -1e300], [1.0, 1e308], [-1e308, -1e308], [5.0, 5.0]] {
        for g in [[0.0, 0.0], [1e308, 1e308], [-1e308, 1.0]] {
            let seen = certificate::evaluate(&problem, &f, &g, &mut storage).expect("finite potentials");
            let bounds = certificate::certify(&problem, &f, &g, &mut storage).expect("finite potentials");
            assert!(!seen.dual.is_nan() && seen.error() >= 0.0 && !seen.primal.is_nan(), "{seen:?}");
            assert!(bounds.gap() >= -bounds.rounding && bounds.exact_gap() >= -bounds.rounding, "{bounds:?}");
            assert!(bounds.upper >= 0.0 && bounds.upper <= 1.0 && bounds.primal.is_finite(), "{bounds:?}");
        }
    }
    let error = certificate::evaluate(&problem, &[0.0], &[0.0, 0.0], &mut storage).err();
    assert_eq!(error, Some(Error::Dimension { argument: "f", expected: 2, given: 1 }));
    let error = certificate::evaluate(&problem, &[0.0, 0.0], &[0.0, f64::NAN], &mut storage).err();
    assert_eq!(error, Some(Error::Value { argument: "g", index: 1 }));
    let needed = certificate::evaluate_len(2, true);
    let error = certificate::evaluate(&problem, &[0.0, 0.0], &[0.0, 0.0], &mut storage[..needed - 1]).err();
    assert_eq!(error, Some(Error::Workspace { needed, given: needed - 1 }));
    let needed = certificate::certify_len(2, 2, true);
    let error = certificate::certify(&problem, &[0.0, 0.0], &[0.0, 0.0], &mut storage[..needed - 1]).err();
    assert_eq!(error, Some(Error::Workspace { needed, given: needed - 1 }));
}
