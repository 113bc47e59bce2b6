//! Four variables: every active set by elimination, and how many steps each way takes. So small that Miri runs them too.

use southwell::descent::box_qp::{
    BoxReport, Condensed, Fallback, Method, Options, Plant, Problem, Workspace, solve, start, terminal_cost,
    terminal_len,
};
use southwell::{Status, Stop, drive};

use crate::oracle::Dense;

const N: usize = 4;

/// A random problem whose matrix is G Gᵀ/4 + weight·1, its bounds tight, equal, or wide.
fn problem(seed: u64, weight: f64) -> Dense {
    let mut word = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1;
    let mut next = || {
        word = word.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (word >> 44) as f64 / f64::from(1_u32 << 20) - 0.5
    };
    let g: Vec<f64> = (0..N * N).map(|_| 4.0 * next()).collect();
    let entry = |i: usize, j: usize| {
        (0..N).map(|k| g[N * i + k] * g[N * j + k]).sum::<f64>() / 4.0 + if i == j { weight } else { 0.0 }
    };
    let h = (0..N * N).map(|k| entry(k / N, k % N)).collect();
    let f = (0..N).map(|_| 4.0 * next()).collect();
    let lower: Vec<f64> =
        (0..N).map(|i| if (seed + i as u64).is_multiple_of(5) { -8.0 } else { next() - 0.25 }).collect();
    let upper =
        (0..N).map(|i| if (seed + i as u64).is_multiple_of(7) { lower[i] } else { lower[i] + next() + 0.75 });
    let upper: Vec<f64> = upper.collect();
    Dense { h, f, lower, upper }
}

/// The optimum: among all choices of variables at their bounds the one that violates nothing.
fn by_exhaustion(dense: &Dense) -> Vec<f64> {
    let mut best = (f64::INFINITY, vec![]);
    for code in 0..3_usize.pow(N as u32) {
        let side = |i: usize| code / 3_usize.pow(i as u32) % 3;
        let mut x: Vec<f64> = (0..N).map(|i| [0.0, dense.lower[i], dense.upper[i]][side(i)]).collect();
        let free: Vec<usize> = (0..N).filter(|&i| side(i) == 0).collect();
        let g = dense.gradient(&x);
        let mut rows: Vec<Vec<f64>> =
            free.iter().map(|&i| free.iter().map(|&j| dense.h[N * i + j]).chain([-g[i]]).collect()).collect();
        let n = free.len();
        // Positive definite: no pivoting.
        for k in 0..n {
            let pivot = rows[k].clone();
            for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
                let factor = row[k] / pivot[k];
                row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
            }
        }
        free.iter().enumerate().for_each(|(k, &i)| x[i] = rows[k][n] / rows[k][k]);
        let value = dense.objective(&x);
        if dense.inside(&x) && value < best.0 {
            best = (value, x);
        }
    }
    best.1
}

fn ways() -> [Options<f64>; 5] {
    let options = Options::default();
    let projected = Options { fallback: Fallback::TwoMetric, ..options };
    [
        options,
        Options { patience: 1, ..options },
        Options { patience: 0, ..options },
        Options { patience: 1, ..projected },
        Options { patience: 0, ..projected },
    ]
}

fn solved(dense: &Dense, options: &Options<f64>, x: &mut [f64]) -> BoxReport<f64> {
    let model = Condensed::new(&dense.h, N).expect("sound");
    let problem = Problem::new(&model, &dense.f, &dense.lower, &dense.upper).expect("sound");
    let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(N)];
    let mut work = Workspace::new(&model, &mut storage).expect("long enough");
    solve(&problem, options, x, &mut work, &mut ()).expect("sound")
}

#[test]
fn every_way_ends_at_the_optimum_after_as_many_steps() {
    let problems = if cfg!(miri) { 1 } else { 60 };
    let mut steps = [0; 5];
    for (seed, weight) in (0..problems).flat_map(|seed| [(seed, 0.5), (seed, 0.01)]) {
        let dense = problem(seed, weight);
        // Miri looks for what is undefined on the way, and that is not here.
        let expected = (!cfg!(miri)).then(|| by_exhaustion(&dense));
        for (way, (options, steps)) in ways().iter().zip(&mut steps).enumerate() {
            let mut x = [0.25, -0.5, 1.0, -2.0];
            let found = solved(&dense, options, &mut x);
            assert!(found.report.converged(), "{seed} {weight} {way}: {found:?}");
            if let Some(expected) = &expected {
                let off = x.iter().zip(expected).fold(0.0_f64, |off, (x, e)| off.max((x - e).abs()));
                assert!(off < 1e-7, "{seed} {weight} {way}: {x:?} {expected:?}");
            }
            assert!(dense.inside(&x) && (found.report.residual - dense.residual(&x)).abs() < 1e-12);
            assert!((found.objective - dense.objective(&x)).abs() < 1e-12);
            let at = |bound: &[f64]| x.iter().zip(bound).filter(|(x, bound)| x == bound).count();
            let both = (0..N).filter(|&i| dense.lower[i] >= dense.upper[i]).count();
            assert_eq!((found.at_lower, found.at_upper + both), (at(&dense.lower), at(&dense.upper)));
            if options.patience == 0 {
                let method =
                    if options.fallback == Fallback::Dual { Method::Dual } else { Method::TwoMetric };
                assert!(found.method == method || found.report.steps == 0, "{found:?}");
            }
            *steps += found.report.steps;
        }
    }
    if !cfg!(miri) {
        assert_eq!(steps, [250, 250, 284, 239, 160]);
    }
}

/// What a limit leaves is the better of the trial and the start, and the run goes on as if nobody had looked.
#[test]
fn a_limit_leaves_the_better_of_trial_and_start() {
    let (mut of_trial, mut of_start) = (0, 0);
    for seed in 0..if cfg!(miri) { 1 } else { 60 } {
        let dense = problem(seed, 0.01);
        for options in &ways()[..3] {
            let model = Condensed::new(&dense.h, N).expect("sound");
            let problem = Problem::new(&model, &dense.f, &dense.lower, &dense.upper).expect("sound");
            let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(N)];
            let mut work = Workspace::new(&model, &mut storage).expect("long enough");
            let mut x = [0.25, -0.5, 1.0, -2.0];
            let mut run = start(&problem, options, &mut x, &mut work).expect("sound");
            let first = run.x().to_vec();
            let before = dense.objective(&first);
            let whole = solved(&dense, options, &mut [0.25, -0.5, 1.0, -2.0]).report.steps;
            let mut done = 0;
            loop {
                let report = drive(&mut run, &Stop { max_steps: 1, ..options.stop }, &mut ());
                done += report.steps;
                let now = dense.objective(run.x());
                assert!(dense.inside(run.x()) && now <= before + 1e-12, "{seed}: {now} {before}");
                assert!((report.residual - dense.residual(run.x())).abs() < 1e-12, "{seed}: {report:?}");
                if report.status != Status::StepLimit {
                    assert_eq!((report.status, done), (Status::Converged, whole), "{seed}");
                    break;
                }
                if run.x() == first { of_start += 1 } else { of_trial += 1 }
            }
        }
    }
    if !cfg!(miri) {
        assert_eq!((of_trial, of_start), (244, 1));
    }
}

/// One state and one input: P is the root of a quadratic, and every step of the recursion is in closed form.
#[test]
fn the_terminal_cost_of_one_state() {
    let (a, b, q, r) = (1.25, 0.5, 1.0, 0.25);
    let plant = Plant { states: 1, inputs: 1, a: &[a], b: &[b], q: &[q], r: &[r] };
    let after = |p: f64| q + a * a * p - (a * b * p).powi(2) / (r + b * b * p);
    let mut storage = [f64::NAN; terminal_len(1, 1)];
    let (mut expected, mut changes) = (q, vec![]);
    for max_steps in 0..4 {
        let mut p = [f64::NAN];
        let stop = Stop { max_steps, ..Stop::relative(1e-30) };
        let report = terminal_cost(&plant, &mut p, &mut storage, &stop).expect("sound");
        assert!((p[0] - expected).abs() < 1e-14, "{p:?} {expected}");
        assert_eq!((report.status, report.steps, report.checks), (Status::StepLimit, max_steps, max_steps));
        assert!((report.scale - expected).abs() < 1e-14, "{report:?}");
        let near =
            |found: f64, expected: Option<&f64>| (found - expected.copied().unwrap_or(0.0)).abs() < 1e-14;
        assert!(near(report.residual, changes.last()) && near(report.initial_residual, changes.first()));
        changes.push((after(expected) - expected).abs());
        expected = after(expected);
    }
    let mut p = [f64::NAN];
    let report = terminal_cost(&plant, &mut p, &mut storage, &Stop::default()).expect("sound");
    assert_eq!(report.status, Status::Converged);
    assert!((after(p[0]) - p[0]).abs() <= 1e-8 * p[0], "{p:?}");
}
