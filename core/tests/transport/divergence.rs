//! Sinkhorn divergences and symmetric runs, against reference figures.

use crate::common::cases::{Case, digits, pixel_cost};
use southwell::omega::Fixed;
use southwell::transport::divergence::{self, Divergence, Problems, State};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn, symmetric};
use southwell::{Error, Real, Run, Status, Stop};

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

/// f ← (f + f*)/2 in plain loops; what is refused, and where.
#[test]
fn symmetric_steps_go_half_the_way() {
    let (values, a, epsilon) = ([0.0, 1.0, 0.5, 1.0, 0.0, 0.25, 0.5, 0.25, 0.0], [0.5, 0.0, 1.5], 0.25);
    let cost = DenseCost::new(&values, 3, 3, 3).expect("costs");
    let problem = Problem::new(&cost, &a, &a, epsilon).expect("a problem");
    let options = symmetric::Options { stop: Stop::relative(1e-12) };
    let mut storage = [f64::NAN; 9];
    let work = symmetric::Workspace::new(&problem, &mut storage).expect("memory");
    // Of a line without mass the potential is not looked at.
    let mut start = [0.25, f64::NAN, -0.5];
    let mut run = symmetric::start(&problem, &options, &mut start, work).expect("valid");
    assert_eq!((run.parameter(), run.scale(), run.failure()), (0.5, 2.0, None));
    let mut f = [0.25, f64::NEG_INFINITY, -0.5];
    for step in 0..6 {
        let row = |f: &[f64; 3], i: usize| -> f64 {
            (0..3).map(|j| ((f[i] + f[j] - values[3 * i + j]) / epsilon).exp()).sum()
        };
        if step > 0 {
            let moved = |i: usize| f[i] + 0.5 * epsilon * (a[i] / row(&f, i)).ln();
            f = [moved(0), f64::NEG_INFINITY, moved(2)];
            run.step();
        }
        let near = |x: f64, y: f64| x == y || (x - y).abs() < 1e-12 * (1.0 + y.abs());
        assert!((0..3).all(|i| near(run.potential()[i], f[i])), "{step}: {:?} {f:?}", run.potential());
        let mass = row(&f, 0) + row(&f, 2);
        let error = 2.0 * ((row(&f, 0) - a[0]).abs() + (row(&f, 2) - a[2]).abs());
        assert!(near(run.mass(), mass) && near(run.residual(), error), "{step}: {mass} {error}");
        assert!(near(run.value(), 2.0 * (a[0] * f[0] + a[2] * f[2]) - epsilon * mass), "{step}");
    }
    let mut refused = |f: &[f64]| {
        let mut f = f.to_vec();
        let work = symmetric::Workspace::new(&problem, &mut storage).expect("memory");
        symmetric::start(&problem, &options, &mut f, work).map(|_| ()).err()
    };
    assert_eq!(refused(&[0.0, 0.0, f64::NAN]), Some(Error::Value { argument: "f", index: 2 }));
    assert_eq!(refused(&[f64::INFINITY, 0.0, 0.0]), Some(Error::Value { argument: "f", index: 0 }));
    assert_eq!(refused(&[0.0; 2]), Some(Error::Dimension { argument: "f", expected: 3, given: 2 }));
    // Memory of a smaller problem.
    let small = DenseCost::new(&values[..4], 2, 2, 2).expect("costs");
    let small = Problem::new(&small, &[1.0, 1.0], &[1.0, 1.0], epsilon).expect("a problem");
    let work = symmetric::Workspace::new(&small, &mut storage).expect("memory");
    let mut f = [0.0; 3];
    let refused = symmetric::start(&problem, &options, &mut f, work).map(|_| ()).err();
    assert_eq!(refused, Some(Error::Workspace { needed: 9, given: 6 }));
}

/// Of runs that are not at their end the value is that of their dual values, what masses lack included.
#[test]
fn the_value_of_unfinished_runs() {
    let values = [0.0, 1.0, 0.5, 1.0, 0.0, 0.25, 0.5, 0.25, 0.0];
    let (a, b) = ([0.5, 0.25, 1.25], [1.0, 0.75, 0.25]);
    let cost = DenseCost::new(&values, 3, 3, 3).expect("costs");
    let problem = |a, b| Problem::new(&cost, a, b, 0.125).expect("a problem");
    let (mixed, first, second) = (problem(&a, &b), problem(&a, &a), problem(&b, &b));
    let problems = Problems { mixed: &mixed, first: &first, second: &second };
    let mut storage = [f64::NAN; divergence::required_len(3, 3, 3, true)];
    for max_steps in [0, 1, 3, 8] {
        let [mut f, mut g, mut f_aa, mut g_bb] = [[0.125; 3]; 4];
        let state = State { mixed: Potentials { f: &mut f, g: &mut g }, first: &mut f_aa, second: &mut g_bb };
        let options = sinkhorn::Options { stop: Stop { max_steps, ..Stop::relative(1e-13) } };
        let seen = divergence::solve(&problems, &options, &mut Fixed(1.0), state, &mut storage, &mut ());
        let seen = seen.expect("valid");
        let dual = |a: &[f64], b: &[f64], f: &[f64], g: &[f64]| -> f64 {
            let mass: f64 = (0..9).map(|k| ((f[k / 3] + g[k % 3] - values[k]) / 0.125).exp()).sum();
            (0..3).map(|k| a[k] * f[k] + b[k] * g[k]).sum::<f64>() - 0.125 * mass
        };
        let duals = [dual(&a, &b, &f, &g), dual(&a, &a, &f_aa, &f_aa), dual(&b, &b, &g_bb, &g_bb)];
        for (mine, dual) in seen.transport.iter().zip(duals) {
            assert!((mine - dual).abs() < 1e-13, "{max_steps}: {seen:?} {duals:?}");
        }
        let value = duals[0] - 0.5 * duals[1] - 0.5 * duals[2];
        assert!((seen.value - value).abs() < 1e-13, "{max_steps}: {seen:?} {value}");
    }
}
