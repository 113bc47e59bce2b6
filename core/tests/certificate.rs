//! Rounded couplings are feasible, and certificates hold.

mod common;

use common::cases::{Case, SplitMix64, digits, look, random};
use common::{cast, wide};
use proptest::prelude::*;
use southwell::omega::Fixed;
use southwell::transport::{
    Certificate, Cost, DenseCost, Ground, PointCost, Potentials, Problem, Rounded, certificate_len, certify,
    scaling,
};
use southwell::{Error, Real, Stop};

/// Potentials after so many Sinkhorn steps, and what is known of them.
fn after<T: Real>(case: &Case, epsilon: f64, steps: u32) -> (Vec<T>, Vec<T>, Certificate<T>, Vec<Vec<f64>>) {
    let (n, m) = (case.rows(), case.columns());
    let (values, a, b) = (cast::<T>(&case.cost), cast::<T>(&case.a), cast::<T>(&case.b));
    let cost = DenseCost::new(&values, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
    let mut storage = vec![T::NAN; scaling::Workspace::<T>::required_len(n, m, true)];
    let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let stop = Stop { max_steps: steps, ..scaling::Options::default().stop };
    let x = Potentials { f: &mut f, g: &mut g };
    scaling::solve(&problem, &scaling::Options { stop }, &mut Fixed(T::ONE), x, workspace, &mut ())
        .expect("valid");
    let mut storage = vec![T::NAN; certificate_len(n, m, true)];
    let short = storage.len() - 1;
    let refused = certify(&problem, &f, &g, &mut storage[..short]);
    assert_eq!(refused, Err(Error::Workspace { needed: short + 1, given: short }));
    let certificate = certify(&problem, &f, &g, &mut storage).expect("memory");
    let mut rounded = Rounded::new(&problem, &f, &g, &mut storage).expect("memory");
    let mut rows = vec![];
    for i in 0..n {
        let mut row = vec![T::NAN; m];
        rounded.row(i, &mut row);
        rows.push(wide(&row));
    }
    (f, g, certificate, rows)
}

#[test]
fn the_reference_figures() {
    let case = random(1, 500);
    let (_, _, found, _) = after::<f64>(&case, 1.0 / 1200.0, 100);
    assert!(
        (found.lower - 0.003_287_545).abs() < 1e-9 && (found.cost - 0.003_650_711).abs() < 1e-9,
        "{found:?}"
    );
    assert!((found.gap() - 7.0e-5).abs() < 1e-6, "{found:?} {}", found.gap());
    let (_, _, found, _) = after::<f64>(&case, 1.0 / 400.0, 100);
    assert!(
        (found.lower - 0.003_104_503).abs() < 1e-9 && (found.cost - 0.004_587_953).abs() < 1e-9,
        "{found:?}"
    );
    // 20 iterations: marginal error and ‖P̂ − P‖₁ are both 1.81e-2.
    let (f, g, found, rounded) = after::<f64>(&case, 1.0 / 1200.0, 20);
    assert!((found.row_error - 1.81e-2).abs() < 1e-4 && found.column_error < 1e-12, "{found:?}");
    let mut apart = 0.0;
    for (i, row) in rounded.iter().enumerate() {
        for (j, p) in row.iter().enumerate() {
            apart += (p - ((f[i] + g[j] - case.cost[500 * i + j]) * 1200.0).exp()).abs();
        }
    }
    assert!((apart - 1.81e-2).abs() < 1e-4, "{apart}");
}

/// ‖P̂ 1 − a‖₁ + ‖P̂ᵀ 1 − b‖₁, and whether an entry is negative or none.
fn infeasible(case: &Case, rounded: &[Vec<f64>]) -> f64 {
    let mut columns = vec![0.0; case.columns()];
    let mut off = 0.0;
    for (row, a) in rounded.iter().zip(&case.a) {
        off += (row.iter().sum::<f64>() - a).abs();
        row.iter().zip(&mut columns).for_each(|(p, sum)| *sum += p);
        assert!(row.iter().all(|p| *p >= 0.0 && p.is_finite()), "{row:?}");
    }
    off + columns.iter().zip(&case.b).map(|(sum, b)| (sum - b).abs()).sum::<f64>()
}

fn holds<T: Real>(case: &Case, epsilon: f64, steps: u32) -> Result<(), TestCaseError> {
    let (f, g, found, rounded) = after::<T>(case, epsilon, steps);
    let size = (case.rows() * case.columns()) as f64;
    let rounding = 32.0 * T::EPSILON.to_f64() * (size.sqrt() + 1.0 / epsilon);
    let off = infeasible(case, &rounded);
    prop_assert!(off <= rounding, "{off} {found:?}");
    prop_assert!(
        found.gap().to_f64() >= -rounding && found.transport_gap().to_f64() >= -rounding,
        "{found:?}"
    );
    let epsilon = T::from_f64(epsilon).to_f64();
    let [rows, columns, _, dual] = look(case, epsilon, &f, &g);
    prop_assert!((rows - found.row_error.to_f64()).abs() <= rounding, "{rows} {found:?}");
    prop_assert!((columns - found.column_error.to_f64()).abs() <= rounding, "{columns} {found:?}");
    prop_assert!((dual - found.dual.to_f64()).abs() <= rounding, "{dual} {found:?}");
    let (mut cost, mut value, mut apart) = (0.0, 0.0, 0.0);
    for (i, row) in rounded.iter().enumerate() {
        for (j, &p) in row.iter().enumerate() {
            let c = case.cost[i * case.columns() + j];
            cost += p * c;
            value += p * c + if p > 0.0 { epsilon * p * (p.ln() - 1.0) } else { 0.0 };
            apart += (p - ((f[i].to_f64() + g[j].to_f64() - c) / epsilon).exp()).abs();
        }
    }
    prop_assert!((cost - found.cost.to_f64()).abs() <= rounding, "{cost} {found:?}");
    prop_assert!((value - found.primal.to_f64()).abs() <= rounding, "{value} {found:?}");
    prop_assert!(apart <= 2.0 * (rows + columns) + rounding, "{apart} {rows} {columns}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn rounded_couplings_are_feasible_and_bounds_hold(
        n in 1_usize..9, m in 1_usize..9, seed in any::<u64>(), inverse in 1.0_f64..500.0, empty in any::<u16>(),
        steps in 0_u32..40,
    ) {
        let mut numbers = SplitMix64(seed);
        let cost: Vec<f64> = numbers.take(n * m).iter().map(|c| f64::from(*c as f32)).collect();
        // Whole numbers of the same sum, some of them 0.
        let mut weights = |count: usize, shift: usize| {
            let mut weights: Vec<f64> = (0..count).map(|_| (numbers.next() * 100.0).round()).collect();
            for (k, w) in weights.iter_mut().enumerate() {
                if empty >> ((k + shift) % 16) & 3 == 3 {
                    *w = 0.0;
                }
            }
            weights[0] = 1024.0 - weights[1..].iter().sum::<f64>();
            weights.iter().map(|w| w / 1024.0).collect::<Vec<f64>>()
        };
        let case = Case { cost, a: weights(n, 0), b: weights(m, 8) };
        holds::<f64>(&case, 1.0 / inverse, steps)?;
        holds::<f32>(&case, 1.0 / inverse, steps)?;
    }
}

/// Costs made on the fly are those that are stored.
#[test]
fn points() {
    let (x, y) = (SplitMix64(1).take(3 * 20), SplitMix64(2).take(3 * 31));
    for ground in [Ground::SquaredEuclidean, Ground::Euclidean, Ground::L1] {
        let mut storage = vec![f64::NAN; PointCost::<f64>::required_len(31, 3)];
        let cost = PointCost::new(&x, &y, 3, ground, &mut storage).expect("points");
        let cost = cost.scaled(1.0 / cost.largest()).expect("a scale");
        let mut stored = vec![];
        for i in 0..20 {
            for j in 0..31 {
                let d = (0..3).map(|k| (x[3 * i + k] - y[3 * j + k]).abs());
                stored.push(match ground {
                    Ground::L1 => d.sum::<f64>(),
                    Ground::Euclidean => d.map(|d| d * d).sum::<f64>().sqrt(),
                    _ => d.map(|d| d * d).sum::<f64>(),
                });
            }
        }
        let largest = stored.iter().fold(0.0_f64, |most, &c| most.max(c));
        let mut row = vec![0.0; 31];
        let scale = cost.row(0, &mut row)[0] / stored[0];
        assert!(1.0 / scale >= largest && 1.0 / scale <= 4.0 * largest, "{ground:?} {scale} {largest}");
        for i in 0..20 {
            for (made, stored) in cost.row(i, &mut row).iter().zip(&stored[31 * i..]) {
                assert!((made - stored * scale).abs() <= 1e-15, "{ground:?}");
            }
        }
        stored.iter_mut().for_each(|c| *c *= scale);
        let case = Case { cost: stored, a: vec![1.0 / 20.0; 20], b: vec![1.0 / 31.0; 31] };
        let problem = Problem::new(&cost, &case.a, &case.b, 0.05).expect("a problem");
        let mut storage = vec![f64::NAN; scaling::Workspace::<f64>::required_len(20, 31, false)];
        let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
        let (mut f, mut g) = (vec![0.0; 20], vec![0.0; 31]);
        let x = Potentials { f: &mut f, g: &mut g };
        let report =
            scaling::solve(&problem, &scaling::Options::default(), &mut Fixed(1.0), x, workspace, &mut ());
        assert!(report.expect("valid").converged());
        let [rows, columns, ..] = look(&case, 0.05, &f, &g);
        assert!(rows + columns < 1.1e-9, "{ground:?} {rows} {columns}");
    }
    let mut storage = [0.0; 6];
    let refused = |x: &[f64], y: &[f64], d, storage: &mut [f64]| {
        PointCost::new(x, y, d, Ground::L1, storage).map(|_| ()).err()
    };
    assert!(matches!(refused(&[], &[], 0, &mut storage), Some(Error::Option { name: "dimension", .. })));
    let expected = Error::Dimension { argument: "y", expected: 2, given: 3 };
    assert_eq!(refused(&[1.0, 2.0], &[1.0; 3], 2, &mut storage), Some(expected));
    let expected = Error::Value { argument: "x", index: 1 };
    assert_eq!(refused(&[1.0, f64::NAN], &[1.0; 4], 2, &mut storage), Some(expected));
    let expected = Error::Workspace { needed: 8, given: 6 };
    assert_eq!(refused(&[1.0, 2.0], &[1.0; 8], 2, &mut storage), Some(expected));
    assert!(matches!(
        refused(&[1e308; 2], &[-1e308; 2], 2, &mut storage),
        Some(Error::Option { name: "points", .. })
    ));
}

/// Digits: what converged potentials are worth.
#[test]
fn a_converged_run_is_certified() {
    let (_, _, found, _) = after::<f64>(&digits(2), 1.0 / 200.0, 2000);
    assert!(found.gap().abs() < 1e-9, "{found:?}");
    assert!((found.dual + 0.015_821_223_4).abs() < 1e-9, "{found:?}");
}
