//! Greenkhorn against Sinkhorn's solutions, and runs that stop on a certified gap.

use std::ops::ControlFlow;

use crate::common::cases::{Case, digits, look, random, tracks};
use southwell::omega::Fixed;
use southwell::transport::gap::{self, Certified, Criterion, GapStop, Kind};
use southwell::transport::{DenseCost, Potentials, Problem, certificate, greenkhorn, sinkhorn};
use southwell::{Error, Progress, Real, Report, Status, Stop};

fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

fn solve<T: Real>(case: &Case, epsilon: f64, tolerance: f64) -> (Report<T>, Vec<T>, Vec<T>) {
    let (n, m) = (case.rows(), case.columns());
    let (c, a, b) = (narrow::<T>(&case.cost), narrow::<T>(&case.a), narrow::<T>(&case.b));
    let cost = DenseCost::new(&c, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(epsilon)).expect("a problem");
    let mut storage = vec![T::NAN; greenkhorn::Workspace::<T>::required_len(n, m, m)];
    let workspace = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![T::ZERO; n], vec![T::ZERO; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = greenkhorn::Options { stop: Stop::relative(T::from_f64(tolerance)) };
    let report = greenkhorn::solve(&problem, &options, x, workspace, &mut ()).expect("valid");
    (report, f, g)
}

#[test]
fn the_same_solution() {
    for (case, inverse, dual) in [
        (random(1, 100), 50.0, None),
        (digits(2), 200.0, Some(-0.015_821_223_4)),
        (digits(1), 50.0, Some(-0.042_880_659_6)),
    ] {
        let (report, f, g) = solve::<f64>(&case, 1.0 / inverse, 1e-10);
        assert!(report.converged(), "{report:?}");
        let [rows, columns, _, value] = look(&case, 1.0 / inverse, &f, &g);
        assert!((rows + columns - report.residual).abs() < 1e-13, "{rows} {columns} {report:?}");
        if let Some(dual) = dual {
            assert!((value - dual).abs() < 1e-10, "{value} {dual}");
        }
        let (single, f, g) = solve::<f32>(&case, 1.0 / inverse, 1e-5);
        let [rows, columns, ..] = look(&case, 1.0 / inverse, &f, &g);
        assert!(single.converged() && rows + columns < 5e-5, "{single:?} {rows} {columns}");
    }
    let (report, ..) = solve::<f64>(&tracks(), 0.05, 1e-6);
    assert!(report.converged(), "{report:?}");
}

/// Where everything underflows at first, and where lines have no mass.
#[test]
fn small_epsilon_and_zero_weights() {
    let (report, ..) = solve::<f64>(&random(3, 16), 1e-3, 1e-2);
    assert!(report.residual.is_finite() && report.converged(), "{report:?}");
    let cost = vec![0.0, 1.0, 0.5, 2.0, 0.25, 1.0, 3.0, 0.0, 0.5];
    let case = Case { cost, a: vec![0.5, 0.0, 0.5], b: vec![0.25, 0.75, 0.0] };
    for epsilon in [0.1, 1e-2] {
        let (report, f, g) = solve::<f64>(&case, epsilon, 1e-9);
        assert!(report.converged() && f[1] == f64::NEG_INFINITY && g[2] == f64::NEG_INFINITY, "{report:?}");
        let [rows, columns, ..] = look(&case, epsilon, &f, &g);
        assert!(rows + columns < 1e-9);
    }
}

/// A run of Sinkhorn's iteration under a gap.
fn gap_run(
    case: &Case,
    epsilon: f64,
    stops: (&Stop<f64>, &GapStop<f64>),
    stop_at: u32,
) -> (Certified<f64>, Vec<u32>) {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, epsilon).expect("a problem");
    let mut storage = vec![f64::NAN; sinkhorn::Workspace::<f64>::required_len(n, m, m)];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let mut rule = Fixed(1.0);
    let options = sinkhorn::Options { stop: *stops.0 };
    let mut run = sinkhorn::start(&problem, &options, &mut rule, x, workspace).expect("valid");
    let mut storage = vec![f64::NAN; certificate::certify_len(n, m, true)];
    let mut seen = vec![];
    let mut watch = |p: &Progress<f64>| {
        seen.push(p.step);
        if p.step == stop_at { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let done = gap::drive(&mut run, &problem, stops, &mut storage, &mut watch).expect("valid");
    (done, seen)
}

#[test]
fn stopping_on_the_gap() {
    let case = digits(2);
    let stop = Stop::relative(1e-6);
    let gap = GapStop { tolerance: 1e-4, every: 10, ..GapStop::default() };
    let run = |criterion, kind| gap_run(&case, 0.005, (&stop, &GapStop { criterion, kind, ..gap }), u32::MAX);
    let (alone, seen) = run(Criterion::Gap, Kind::Regularised);
    let (both, _) = run(Criterion::Both, Kind::Regularised);
    let (either, _) = run(Criterion::Either, Kind::Regularised);
    for done in [alone, both, either] {
        assert!(done.report.converged(), "{done:?}");
        assert!(done.certificate.is_some_and(|c| c.gap() <= 1e-4), "{done:?}");
    }
    assert_eq!(seen, (0..=alone.report.steps).collect::<Vec<_>>());
    assert!(alone.report.residual > 1e-6 && both.report.residual <= 1e-6, "{alone:?} {both:?}");
    assert_eq!((alone.report.steps, alone.report.steps % 10), (either.report.steps, 0));
    assert!((284..=300).contains(&both.report.steps), "{both:?}");
    // What the entropy costs stays: the exact gap does not close.
    let (never, _) = gap_run(
        &case,
        0.005,
        (&Stop { max_steps: 100, ..stop }, &GapStop { kind: Kind::Exact, ..gap }),
        u32::MAX,
    );
    assert_eq!((never.report.status, never.report.steps), (Status::StepLimit, 100));
    assert!(never.certificate.is_some_and(|c| c.exact_gap() > 1e-4));
    let (stopped, seen) = gap_run(&case, 0.005, (&stop, &gap), 17);
    assert_eq!((stopped.report.status, stopped.report.steps, seen.len()), (Status::Stopped, 17, 18));
    // Either: the marginals alone may end it, between looks at the gap.
    let strict = GapStop { tolerance: 0.0, criterion: Criterion::Either, ..gap };
    let (marginal, _) = gap_run(&case, 0.005, (&stop, &strict), u32::MAX);
    assert!(marginal.report.converged() && marginal.report.steps == 284, "{marginal:?}");
}

#[test]
fn refusals() {
    let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0_f64], 2, 2, 2).expect("costs");
    let problem = Problem::new(&cost, &[0.5, 0.5], &[0.5, 0.5], 0.1).expect("a problem");
    let needed = greenkhorn::Workspace::<f64>::required_len(2, 2, 2);
    let mut storage = vec![0.0; needed];
    let short = greenkhorn::Workspace::new(&problem, &mut storage[1..]).err();
    assert_eq!(short, Some(Error::Workspace { needed, given: needed - 1 }));
    let workspace = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = ([7.0, 7.0], [f64::NAN, 0.0]);
    let x = Potentials { f: &mut f, g: &mut g };
    let error = greenkhorn::solve(&problem, &greenkhorn::Options::default(), x, workspace, &mut ()).err();
    assert_eq!(error, Some(Error::Value { argument: "g", index: 0 }));
    assert_eq!(f, [7.0, 7.0]);
    let workspace = greenkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g) = ([0.0; 2], [0.0; 2]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = greenkhorn::Options::default();
    let mut run = greenkhorn::start(&problem, &options, x, workspace).expect("valid");
    let bad = GapStop { tolerance: f64::NAN, ..GapStop::default() };
    let mut memory = vec![0.0; certificate::certify_len(2, 2, true)];
    let error = gap::drive(&mut run, &problem, (&options.stop, &bad), &mut memory, &mut ()).err();
    assert!(matches!(error, Some(Error::Option { name: "tolerance", .. })));
    let stops = (&options.stop, &GapStop::default());
    assert!(gap::drive(&mut run, &problem, stops, &mut memory[1..], &mut ()).is_err());
    let done = gap::drive(&mut run, &problem, stops, &mut memory, &mut ()).expect("valid");
    assert!(done.report.converged() && done.certificates == 1 && done.report.steps == 0, "{done:?}");
}
