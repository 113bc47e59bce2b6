//! ε scaling against the reference counts.

use core::ops::ControlFlow;

use crate::common::cases::{Case, digits, look, random};
use southwell::omega::Fixed;
use southwell::transport::epsilon_path::{self, EpsilonScaling, PathReport};
use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Error, Progress, Status, Stop};

/// Report, f and g.
type Solved = (PathReport<f64>, Vec<f64>, Vec<f64>);

fn run(case: &Case, inverse: f64, stop: Stop<f64>, path: EpsilonScaling<f64>) -> Result<Solved, Error> {
    let (n, m) = (case.rows(), case.columns());
    let cost = DenseCost::new(&case.cost, n, m, m)?;
    let problem = Problem::new(&cost, &case.a, &case.b, 1.0 / inverse)?;
    let mut storage = vec![f64::NAN; sinkhorn::Workspace::<f64>::required_len(n, m, m)];
    let (mut f, mut g) = (vec![0.0; n], vec![0.0; m]);
    let x = Potentials { f: &mut f, g: &mut g };
    let options = sinkhorn::Options { stop };
    let report = epsilon_path::solve(&problem, &options, &path, &mut Fixed(1.0), x, &mut storage, &mut ())?;
    Ok((report, f, g))
}

fn stop(tolerance: f64) -> Stop<f64> {
    Stop { max_steps: 100_000, ..Stop::relative(tolerance) }
}

#[test]
fn reference_counts() {
    let (assignment, l1, l2) = (random(1, 500), digits(1), digits(2));
    for (case, inverse, factor, tolerance, stages, count) in [
        (&assignment, 400.0, 0.25, 1e-10, 6, 83),
        (&assignment, 1200.0, 0.5, 1e-10, 12, 6642),
        (&l1, 200.0, 0.5, 1e-10, 9, 6333),
        (&l1, 1200.0, 0.5, 1e-10, 12, 10001),
        (&l1, 1200.0, 0.5, 1e-3, 12, 5177),
        (&l2, 1200.0, 0.5, 1e-10, 12, 2634),
    ] {
        let path = EpsilonScaling { factor, ..EpsilonScaling::default() };
        let (report, f, g) = run(case, inverse, stop(tolerance), path).expect("valid");
        assert!(report.last.converged() && report.epsilon == 1.0 / inverse);
        // What a stage of no step counts, and rounding near 1e-2, make a difference of less than 1 %.
        assert_eq!(report.stages, stages, "{inverse} {tolerance}");
        let apart = report.total_steps.abs_diff(count);
        assert!(apart <= 1 + count / 100, "{inverse} {tolerance}: {count} {report:?}");
        let [rows, columns, ..] = look(case, 1.0 / inverse, &f, &g);
        assert!((rows + columns - report.last.residual).abs() < 1e-12);
    }
}

#[test]
fn limits_hold_for_the_whole_path() {
    let limited = Stop { max_steps: 40, ..stop(1e-10) };
    let (report, ..) = run(&digits(1), 1200.0, limited, EpsilonScaling::default()).expect("valid");
    assert_eq!((report.last.status, report.total_steps), (Status::StepLimit, 40));
    assert!(report.epsilon > 1.0 / 1200.0);
}

#[test]
fn refusals() {
    let good = EpsilonScaling::<f64>::default();
    for path in [
        EpsilonScaling { first: 0.0, ..good },
        EpsilonScaling { factor: 1.0, ..good },
        EpsilonScaling { factor: f64::NAN, ..good },
        EpsilonScaling { tolerance: 0.0, ..good },
    ] {
        assert!(matches!(run(&digits(2), 50.0, stop(1e-9), path), Err(Error::Option { .. })));
    }
}

/// Stages at max C · first, then a factor of it each, down to the problem's ε; the observer sees one run a stage.
#[test]
fn stages_follow_from_the_largest_cost() {
    let mut case = random(3, 6);
    case.cost[7] = 4.0;
    let cost = DenseCost::new(&case.cost, 6, 6, 6).expect("costs");
    let problem = Problem::new(&cost, &case.a, &case.b, 0.25).expect("a problem");
    for (first, factor, stages) in
        [(1.0, 0.5, 5), (0.5, 0.5, 4), (0.5, 0.25, 3), (0.0625, 0.5, 1), (0.01, 0.5, 1)]
    {
        let path = EpsilonScaling { first, factor, ..EpsilonScaling::default() };
        let (mut f, mut g, mut storage) = ([0.0; 6], [0.0; 6], [f64::NAN; 18]);
        let x = Potentials { f: &mut f, g: &mut g };
        let options = sinkhorn::Options { stop: stop(1e-10) };
        let (mut begun, mut steps) = (0, 0);
        let mut look = |progress: &Progress<f64>| {
            begun += u32::from(progress.step == 0);
            steps += u32::from(progress.step > 0);
            ControlFlow::Continue(())
        };
        let report =
            epsilon_path::solve(&problem, &options, &path, &mut Fixed(1.0), x, &mut storage, &mut look);
        let report = report.expect("valid");
        assert!(report.last.converged() && report.epsilon == 0.25, "{report:?}");
        assert_eq!((report.stages, begun, report.total_steps), (stages, stages, steps), "{first} {factor}");
    }
}
