//! Quadrotors that are thrown: cold starts where most of the inputs end at a bound and the primal–dual method alone
//! often cycles.

use southwell::Real;
use southwell::descent::box_qp::{BoxReport, Fallback, Method, Options, Problem, Staged, Workspace, solve};

use crate::plants::{Made, quadrotor};

/// Forty states and bounds, the same everywhere.
fn thrown() -> Vec<(Vec<f64>, f64)> {
    let mut state = 7_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 * 2.0 - 1.0
    };
    let sizes = [1.5, 1.5, 1.5, 0.3, 0.3, 0.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0];
    let bounds = [0.05, 0.1, 0.3, 0.5];
    (0..40).map(|k| (sizes.iter().map(|size| size * next()).collect(), bounds[k % 4])).collect()
}

fn cold<T: Real>(made: &Made<T>, x0: &[f64], bound: f64, options: &Options<T>) -> (BoxReport<T>, Vec<T>) {
    let model = made.staged(10);
    let x0: Vec<T> = x0.iter().map(|&x| T::from_f64(x)).collect();
    let (lower, upper) = (vec![T::from_f64(-bound); 40], vec![T::from_f64(bound); 40]);
    let problem = Problem::new(&model, &x0, &lower, &upper).expect("sound");
    let mut storage = vec![T::NAN; Staged::<T>::required_len(12, 4, 10)];
    let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
    let mut u = vec![T::ZERO; 40];
    let found = solve(&problem, options, &mut u, &mut workspace, &mut ()).expect("sound");
    (found, u)
}

#[test]
fn both_fallbacks_end_at_the_same_point_and_the_dual_one_sooner() {
    let made = quadrotor();
    let (mut most, mut total, mut fell) = ([0; 2], [0; 2], 0);
    for (x0, bound) in thrown() {
        let mut answers = Vec::new();
        for (k, fallback) in [Fallback::Dual, Fallback::TwoMetric].into_iter().enumerate() {
            let (found, u) = cold(&made, &x0, bound, &Options { fallback, ..Options::default() });
            assert!(found.report.converged(), "{found:?}");
            most[k] = most[k].max(found.report.steps);
            total[k] += found.report.steps;
            fell += usize::from(k == 0 && found.method == Method::Dual);
            answers.push(u);
        }
        for (a, b) in answers[0].iter().zip(&answers[1]) {
            assert!((a - b).abs() < 1e-6 * bound, "{a} and {b}");
        }
    }
    // Measured: 52 and 139 at most, 700 and 1283 in all; 15 needed it.
    assert!(fell > 5, "the fallback is needed: {fell}");
    assert!(most[0] <= 60 && most[1] <= 150 && 3 * total[0] < 2 * total[1], "{most:?} {total:?}");
}

#[test]
fn single_precision_ends_there_too() {
    let (double, single) = (quadrotor(), quadrotor().to::<f32>());
    for (x0, bound) in thrown() {
        let (_, expected) = cold(&double, &x0, bound, &Options::default());
        for options in [Options::default(), Options { patience: 0, ..Options::default() }] {
            let (found, u) = cold(&single, &x0, bound, &options);
            assert!(found.report.converged() && found.report.steps <= 60, "{found:?}");
            for (u, expected) in u.iter().zip(&expected) {
                assert!((f64::from(*u) - expected).abs() < 2e-3 * bound, "{u}, not {expected}: {found:?}");
            }
        }
    }
}
