//! Barycentres of the digits against the reference figures.

use crate::common::cases::{digits, pixel_cost};
use crate::common::{cast, wide};
use southwell::transport::{Cost, DenseCost, GridCost, barycentre};
use southwell::{Error, Real, Report, Stop};

fn solve<T: Real, C: Cost<T>>(
    cost: &C,
    measures: &[T],
    weights: &[T],
    epsilon: f64,
    tolerance: f64,
    debiased: bool,
) -> Result<(Report<T>, Vec<T>), Error> {
    let (n, k) = (cost.rows(), weights.len());
    let problem = barycentre::Problem::new(cost, measures, weights, T::from_f64(epsilon))?;
    let problem = if debiased { problem.debiased() } else { problem };
    assert_eq!((problem.places(), problem.count()), (n, k));
    let len = barycentre::Workspace::<T>::required_len(n, k, cost.scratch_len());
    let mut storage = vec![T::NAN; len];
    let workspace = barycentre::Workspace::new(&problem, &mut storage)?;
    let (mut f, mut p) = (vec![T::ZERO; n * k], vec![T::NAN; n]);
    let options = barycentre::Options { stop: Stop::relative(T::from_f64(tolerance)) };
    let x = barycentre::Iterate { f: &mut f, p: &mut p };
    let report = barycentre::solve(&problem, &options, x, workspace, &mut ())?;
    Ok((report, p))
}

fn measures() -> Vec<f64> {
    let case = digits(2);
    [case.a, case.b].concat()
}

/// The largest entry, where it is, and the entropy.
fn look(p: &[f64]) -> (f64, usize, f64) {
    let at = (0..p.len()).fold(0, |at, i| if p[i] > p[at] { i } else { at });
    (p[at], at, -p.iter().map(|p| if *p > 0.0 { p * p.ln() } else { 0.0 }).sum::<f64>())
}

/// The reference counts the look at the start as an iteration.
#[test]
fn reference_figures() {
    let values = pixel_cost(8, 2);
    let cost = DenseCost::new(&values, 64, 64, 64).expect("costs");
    let axis: Vec<f64> = (0..64).map(|k| ((k / 8) as f64 - (k % 8) as f64).powi(2) / 98.0).collect();
    let axis = DenseCost::new(&axis, 8, 8, 8).expect("costs");
    let grid = GridCost::new(axis, axis).expect("small");
    for (epsilon, count, largest, place, entropy) in [
        (0.02, 126, 0.033_621_165_2, 12, 3.917_531_330_5),
        (0.005, 549, 0.039_753_743_6, 11, 3.724_099_683_6),
    ] {
        let all: [&dyn Cost<f64>; 2] = [&cost, &grid];
        for cost in all {
            let (report, p) = solve(&cost, &measures(), &[0.5; 2], epsilon, 1e-10, false).expect("valid");
            assert!(report.converged() && report.steps == count - 1, "{report:?}");
            let (most, at, sum) = look(&p);
            assert_eq!(at, place);
            assert!((most - largest).abs() < 1e-9 && (sum - entropy).abs() < 1e-9, "{most} {sum}");
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
        }
    }
}

/// Of equal measures the debiased barycentre is they, so far as it has got; the other one is wider.
#[test]
fn debiased() {
    let values = pixel_cost(8, 2);
    let cost = DenseCost::new(&values, 64, 64, 64).expect("costs");
    let b = digits(2).a;
    let twice = [b.clone(), b.clone()].concat();
    let (report, p) = solve(&cost, &twice, &[0.25, 0.75], 0.02, 1e-5, true).expect("valid");
    let apart = |p: &[f64]| p.iter().zip(&b).map(|(p, b)| (p - b).abs()).sum::<f64>();
    assert!(report.converged(), "{report:?}");
    assert!(apart(&p) < 0.02, "{}", apart(&p));
    let (_, blurred) = solve(&cost, &twice, &[0.25, 0.75], 0.02, 1e-9, false).expect("valid");
    assert!(apart(&blurred) > 0.1 && look(&blurred).2 > look(&p).2);
    let (report, sharp) = solve(&cost, &measures(), &[0.5; 2], 0.02, 1e-5, true).expect("valid");
    let (_, blurred) = solve(&cost, &measures(), &[0.5; 2], 0.02, 1e-9, false).expect("valid");
    assert!(report.converged() && look(&sharp).2 < look(&blurred).2);
}

/// Nothing overflows or becomes NaN (debiased, the barycentre creeps towards zeros): zeros in the measures, a weight of zero, small ε, single precision.
#[test]
fn corners() {
    let (values, mut b) = (pixel_cost(8, 2), measures());
    for k in [0, 5, 64, 127] {
        b[k] = 0.0;
    }
    for measure in b.chunks_mut(64) {
        let sum: f64 = measure.iter().sum();
        measure.iter_mut().for_each(|b| *b /= sum);
    }
    let cost = DenseCost::new(&values, 64, 64, 64).expect("costs");
    let (short_values, short_b) = (cast::<f32>(&values), cast::<f32>(&b));
    let short = DenseCost::new(&short_values, 64, 64, 64).expect("costs");
    for weights in [[0.5, 0.5], [1.0, 0.0], [0.3, 0.7]] {
        for debiased in [false, true] {
            for epsilon in [0.02, 1e-4] {
                let (report, p) = solve(&cost, &b, &weights, epsilon, 1e-7, debiased).expect("valid");
                assert!(p.iter().all(|p| p.is_finite()) && report.residual.is_finite(), "{report:?}");
                let short_weights = cast::<f32>(&weights);
                let (low, q) =
                    solve(&short, &short_b, &short_weights, epsilon, 1e-4, debiased).expect("valid");
                assert!(q.iter().all(|p| p.is_finite()) && low.residual.is_finite(), "{low:?}");
                if epsilon == 0.02 && !debiased {
                    assert!(report.converged() && low.converged(), "{weights:?} {report:?} {low:?}");
                    let apart: f64 = p.iter().zip(wide(&q)).map(|(p, q)| (p - q).abs()).sum();
                    assert!(apart < 2e-2, "{apart}");
                }
            }
        }
    }
}

#[test]
fn refusals() {
    let (values, b) = (pixel_cost(8, 2), measures());
    let cost = DenseCost::new(&values, 64, 64, 64).expect("costs");
    let error = |b: &[f64], w: &[f64], epsilon| solve(&cost, b, w, epsilon, 1e-9, false).expect_err("bad");
    assert!(matches!(error(&b, &[1.0], 0.1), Error::Dimension { argument: "measures", .. }));
    assert!(matches!(error(&b, &[0.5, 0.6], 0.1), Error::Mass { argument: "weights", .. }));
    assert!(matches!(error(&b, &[0.5, 0.5], 0.0), Error::Option { name: "epsilon", .. }));
    let mut heavy = b.clone();
    heavy[70] += 1e-3;
    assert!(matches!(error(&heavy, &[0.5, 0.5], 0.1), Error::Mass { argument: "measures", .. }));
    heavy[70] = f64::NAN;
    assert!(matches!(error(&heavy, &[0.5, 0.5], 0.1), Error::Value { argument: "measures", index: 70 }));
}
