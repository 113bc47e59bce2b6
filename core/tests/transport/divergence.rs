//! Sinkhorn divergences and symmetric runs, against reference figures.

use crate::common::cases::{Case, digits, pixel_cost};
use southwell::omega::Fixed;
use southwell::transport::divergence::{self, Divergence, Problems, State};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn, symmetric};
use southwell::{Error, Real, Status, Stop};

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Digits with squared costs, or any two marginals of 64 pixels.
fn solve<T: Real>(a: &[f64], b: &[f64], epsilon: f64, tolerance: f64) -> Divergence<T> {
    let (c, a, b) = (narrow::<T>(&pixel_cost(8, 2)), narrow::<T>(a), narrow::<T>(b));
    let cost = DenseCost::new(&c, 64, 64, 64).expect("costs");
    let problem = |a, b| Problem::new(&cost, a, b, T::from_f64(epsilon)).expect("a problem");
    let (mixed, first, second) = (problem(&a, &b), problem(&a, &a), problem(&b, &b));
    let problems = Problems { mixed: &mixed, first: &first, second: &second };
    let mut storage = vec![T::NAN; divergence::required_len(64, 64, 64, true)];
    let [mut f, mut g, mut f_aa, mut g_bb] = [[T::ZERO; 64]; 4];
    let mixed = Potentials { f: &mut f, g: &mut g };
    let state = State { mixed, first: &mut f_aa, second: &mut g_bb };
    let options = sinkhorn::Options { stop: Stop::relative(T::from_f64(tolerance)) };
    divergence::solve(&problems, &options, &mut Fixed(T::ONE), state, &mut storage, &mut ()).expect("valid")
}

#[test]
fn handwritten_digits() {
    let Case { a, b, .. } = digits(2);
    for (inverse, transport, value) in [
        (50.0, [-0.109_762_439_2, -0.117_983_547_7, -0.116_351_263_0], 0.007_404_966_2),
        (200.0, [-0.015_821_223_4, -0.024_290_812_4, -0.023_525_070_5], 0.008_086_718_1),
    ] {
        let seen = solve::<f64>(&a, &b, 1.0 / inverse, 1e-10);
        assert!(seen.converged(), "{seen:?}");
        assert!((seen.value - value).abs() < 1e-10, "{seen:?}");
        for (mine, reference) in seen.transport.iter().zip(transport) {
            assert!((mine - reference).abs() < 1e-10, "{seen:?}");
        }
        for report in &seen.reports[1..] {
            assert!((20..=32).contains(&report.steps), "{report:?}");
        }
        let [ab, aa, bb] = seen.transport;
        assert!((seen.value - (ab - 0.5 * aa - 0.5 * bb)).abs() < 1e-15);

        // f32 keeps its digits: seven of the largest potential, not of the values.
        let single = solve::<f32>(&a, &b, 1.0 / inverse, 1e-5);
        assert!(single.converged() && (f64::from(single.value) - value).abs() < 4e-7, "{single:?}");
    }
}

#[test]
fn nothing_between_equals() {
    let Case { a, .. } = digits(2);
    let seen = solve::<f64>(&a, &a, 0.02, 1e-12);
    assert!(seen.value.abs() < 1e-14, "{seen:?}");
    let seen = solve::<f32>(&a, &a, 0.02, 1e-5);
    assert!(seen.value.abs() < 1e-6, "{seen:?}");
}

/// Pixels without ink are no pixels.
#[test]
fn zero_weights() {
    let Case { a, b, .. } = digits(2);
    let cut = |x: &[f64], keep: &dyn Fn(usize) -> bool| -> Vec<f64> {
        let kept: Vec<f64> = x.iter().enumerate().map(|(k, &x)| if keep(k) { x } else { 0.0 }).collect();
        let sum: f64 = kept.iter().sum();
        kept.iter().map(|x| x / sum).collect()
    };
    let (a, b) = (cut(&a, &|k| k % 3 != 0), cut(&b, &|k| k % 5 != 1));
    let seen = solve::<f64>(&a, &b, 0.02, 1e-10);
    assert!(seen.converged() && seen.value > 0.0 && seen.value < 0.05, "{seen:?}");
    let single = solve::<f32>(&a, &b, 0.02, 1e-5);
    assert!((f64::from(single.value) - seen.value).abs() < 1e-6, "{single:?} {seen:?}");
}

/// A start so large that its masses and its potentials overflow together: a run that failed has no value, not NaN.
#[test]
fn overflowing_starts() {
    let (costs, half) = ([0.0_f32; 4], [0.5; 2]);
    let cost = DenseCost::new(&costs, 2, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &half, &half, 1.0).expect("a problem");
    let problems = Problems { mixed: &problem, first: &problem, second: &problem };
    let mut storage = vec![f32::NAN; divergence::required_len(2, 2, 2, true)];
    let [mut f, mut g, mut f_aa] = [[0.0; 2]; 3];
    let mut g_bb = [3e38; 2];
    let mixed = Potentials { f: &mut f, g: &mut g };
    let state = State { mixed, first: &mut f_aa, second: &mut g_bb };
    let options = sinkhorn::Options::default();
    let seen =
        divergence::solve(&problems, &options, &mut Fixed(1.0), state, &mut storage, &mut ()).expect("valid");
    assert_eq!(seen.reports[2].status, Status::NotFinite);
    assert_eq!(seen.transport[2], f32::NEG_INFINITY, "{seen:?}");
    assert_eq!(seen.value, f32::INFINITY, "{seen:?}");
}

/// A symmetric run reports its own error, goes on where it stopped, and keeps a start that it is refused.
#[test]
fn symmetric_runs() {
    let case = digits(2);
    let cost = DenseCost::new(&case.cost, 64, 64, 64).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.a, 0.02).expect("a problem");
    let run = |f: &mut [f64], steps: u32| {
        let mut storage = vec![f64::NAN; symmetric::Workspace::<f64>::required_len(64, 64)];
        let workspace = symmetric::Workspace::new(&problem, &mut storage).expect("memory");
        let stop = Stop { max_steps: steps, ..Stop::relative(1e-10) };
        symmetric::solve(&problem, &symmetric::Options { stop }, f, workspace, &mut ()).expect("valid")
    };
    let (mut once, mut twice) = ([0.0; 64], [0.0; 64]);
    let report = run(&mut once, 12);
    assert_eq!(report.status, Status::StepLimit);
    let mut error = 0.0;
    for i in 0..64 {
        let p = |j: usize| ((once[i] + once[j] - case.cost[64 * i + j]) / 0.02_f64).exp();
        error += 2.0 * ((0..64).map(p).sum::<f64>() - case.a[i]).abs();
    }
    assert!((report.residual - error).abs() < 1e-13, "{report:?} {error}");
    run(&mut twice, 5);
    run(&mut twice, 7);
    assert_eq!(once, twice);
    // A constant is no obstacle.
    let report = run(&mut [30.0; 64], 100);
    assert!(report.converged(), "{report:?}");

    let mixed = Problem::new(&cost, &case.a, &case.b, 0.02).expect("a problem");
    let mut storage = vec![f64::NAN; symmetric::Workspace::<f64>::required_len(64, 64)];
    let workspace = symmetric::Workspace::new(&mixed, &mut storage).expect("memory");
    let mut f = [7.0; 64];
    let error = symmetric::solve(&mixed, &symmetric::Options::default(), &mut f, workspace, &mut ()).err();
    assert!(matches!(error, Some(Error::Mass { argument: "b", .. })));
    assert_eq!(f, [7.0; 64]);
}
