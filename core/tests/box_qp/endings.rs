//! How runs end: on matrices that are not positive definite, at limits, and in pieces.

use std::ops::ControlFlow;

use southwell::descent::box_qp::{
    BoxReport, Condensed, Fallback, Method, Model, Options, Plant, Problem, Staged, Workspace, solve, start,
    terminal_cost, terminal_len,
};
use southwell::{Progress, Real, Run, Status, Stop, drive};
use southwell_simd::{force_level, levels};

use crate::optima::cases;
use crate::plants::{double_integrator, quadrotor};

const LOW: [f64; 3] = [-1.0; 3];
const HIGH: [f64; 3] = [1.0; 3];

fn condensed(h: &[f64; 9], f: &[f64; 3], options: &Options<f64>, x: &mut [f64]) -> BoxReport<f64> {
    let model = Condensed::new(h, 3).expect("sound");
    let problem = Problem::new(&model, f, &LOW, &HIGH).expect("sound");
    let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(3)];
    let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
    solve(&problem, options, x, &mut workspace, &mut ()).expect("sound")
}

fn ways() -> [Options<f64>; 3] {
    let options = Options::default();
    [
        options,
        Options { patience: 0, ..options },
        Options { patience: 0, fallback: Fallback::TwoMetric, ..options },
    ]
}

#[test]
fn matrices_that_are_not_positive_definite_end_as_breakdowns() {
    let indefinite = [1.0, 2.0, 0.0, 2.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let singular = [1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    for h in [indefinite, singular] {
        for options in ways() {
            let mut x = [0.1, 0.2, -7.0];
            let found = condensed(&h, &[0.3, -0.2, 0.1], &options, &mut x);
            assert_eq!(found.report.status, Status::Breakdown, "{options:?} {found:?}");
            assert_eq!(found.report.steps, 0);
            assert_eq!(x[2], -1.0, "the start, moved into the box");
            assert!(x.iter().all(|x| x.abs() <= 1.0) && found.report.residual.is_finite());
        }
    }
}

#[test]
fn stages_that_are_not_convex_end_as_breakdowns() {
    let q = [-1.0, 0.0, 0.0, -1.0];
    let plant =
        Plant { states: 2, inputs: 1, a: &[1.0, 0.1, 0.0, 1.0], b: &[0.005, 0.1], q: &q, r: &[0.001] };
    let model = Staged::new(plant, &q, 8).expect("a sound description");
    let mut storage = vec![f64::NAN; Staged::<f64>::required_len(2, 1, 8)];
    let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
    let problem = Problem::new(&model, &[1.0, 0.0], &[-1.0; 8], &[1.0; 8]).expect("sound");
    for options in ways() {
        let mut u = [0.0; 8];
        let found = solve(&problem, &options, &mut u, &mut workspace, &mut ()).expect("sound");
        assert_eq!(found.report.status, Status::Breakdown, "{found:?}");
        assert!(u.iter().all(|u| u.abs() <= 1.0));
    }
    let mut p = [0.0; 4];
    let report = terminal_cost(&plant, &mut p, &mut vec![f64::NAN; terminal_len(2, 1)], &Stop::default());
    assert_eq!(report.expect("sound").status, Status::Breakdown);
    assert!(p.iter().all(|p| p.is_finite()));
}

#[test]
fn overflow_ends_as_not_finite_and_leaves_the_start() {
    let h = [1e300, 0.0, 0.0, 0.0, 1e-300, 0.0, 0.0, 0.0, 1.0];
    for options in ways() {
        let mut x = [0.0; 3];
        let model = Condensed::new(&h, 3).expect("sound");
        let (low, high) = ([-f64::INFINITY; 3], [f64::INFINITY; 3]);
        let problem = Problem::new(&model, &[0.0, 1e200, 1.0], &low, &high).expect("sound");
        let mut storage = vec![f64::NAN; Condensed::<f64>::required_len(3)];
        let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
        let found = solve(&problem, &options, &mut x, &mut workspace, &mut ()).expect("sound");
        assert!(matches!(found.report.status, Status::NotFinite | Status::Stalled), "{found:?}");
        assert_eq!(x, [0.0; 3]);
    }
}

#[test]
fn a_tolerance_below_rounding_ends_as_stalled() {
    let h = [2.0, 0.3, 0.1, 0.3, 3.0, 0.7, 0.1, 0.7, 1.0];
    for options in ways() {
        let stop = Stop { relative: 1e-40, ..options.stop };
        let found = condensed(&h, &[0.3, -0.2, 0.1], &Options { stop, ..options }, &mut [0.5; 3]);
        let at_rounding = found.report.residual < 1e-15;
        let ended = matches!(found.report.status, Status::Stalled | Status::Converged);
        assert!(ended && at_rounding, "{found:?}");
    }
}

/// Hands over every case of the reference: model, problem, and the length of a workspace.
fn each_case(mut then: impl FnMut(&Staged<'_, f64>, &Problem<'_, f64, Staged<'_, f64>>, usize)) {
    let plants = [double_integrator(), quadrotor()];
    for case in cases() {
        let made = &plants[usize::from(case.quadrotor)];
        let model = made.staged(case.horizon);
        let bounds = vec![case.bound; model.variables()];
        let lower: Vec<f64> = bounds.iter().map(|b| -b).collect();
        let problem = Problem::new(&model, &case.x0, &lower, &bounds).expect("sound");
        then(&model, &problem, Staged::<f64>::required_len(made.states, made.inputs, case.horizon));
    }
}

#[test]
fn a_limit_leaves_a_point_in_the_box_no_worse_than_the_start() {
    each_case(|model, problem, len| {
        for options in ways() {
            let n = model.variables();
            let mut last = f64::INFINITY;
            for max_steps in 0..8 {
                let stop = Stop { max_steps, ..options.stop };
                let mut storage = vec![f64::NAN; len];
                let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
                let mut u = vec![0.0; n];
                let found = solve(problem, &Options { stop, ..options }, &mut u, &mut workspace, &mut ())
                    .expect("sound");
                let mut gradient = vec![f64::NAN; n];
                if max_steps == 0 {
                    last = found.objective;
                }
                assert!(found.objective <= last, "{found:?}, at the start {last}");
                assert!(found.report.steps <= max_steps);
                if options.fallback == Fallback::TwoMetric {
                    last = found.objective;
                    assert_eq!(found.method, Method::TwoMetric);
                }
                // The residual is that of what was left.
                let mut factors = vec![f64::NAN; model.factors_len()];
                model.evaluate(problem.data(), &u, false, &mut gradient, &mut factors);
                let worst = u.iter().zip(&gradient).zip(problem.upper()).map(|((&u, &g), &bound)| {
                    if u <= -bound {
                        (-g).max(0.0)
                    } else if u >= bound {
                        g.max(0.0)
                    } else {
                        g.abs()
                    }
                });
                let worst = worst.fold(0.0, f64::max);
                assert_eq!(found.report.residual, worst, "{found:?}");
            }
        }
    });
}

/// All the bits of a run.
fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.bits()).collect()
}

#[test]
fn two_drives_steps_by_hand_dirty_memory_and_every_instruction_set_make_no_difference() {
    each_case(|model, problem, len| {
        for options in ways() {
            let n = model.variables();
            let once = |dirt: f64, observe: bool| {
                let mut storage = vec![dirt; len];
                let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
                let mut u = vec![0.0; n];
                let found = if observe {
                    let mut go_on = |_: &Progress<f64>| ControlFlow::Continue(());
                    solve(problem, &options, &mut u, &mut workspace, &mut go_on)
                } else {
                    solve(problem, &options, &mut u, &mut workspace, &mut ())
                };
                (found.expect("sound"), bits(&u))
            };
            let expected = once(f64::NAN, false);
            assert_eq!(once(0.0, true), expected);
            assert_eq!(once(f64::MAX, false), expected);
            for level in levels() {
                force_level(Some(level));
                assert_eq!(once(1.0, false), expected, "{level:?}");
            }
            force_level(None);
            // In pieces.
            for first in 1..expected.0.report.steps {
                let mut storage = vec![f64::NAN; len];
                let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
                let mut u = vec![0.0; n];
                let mut run = start(problem, &options, &mut u, &mut workspace).expect("sound");
                let before = drive(&mut run, &Stop { max_steps: first, ..options.stop }, &mut ());
                assert_eq!((before.status, before.steps), (Status::StepLimit, first));
                let report = drive(&mut run, &options.stop, &mut ());
                let found = run.report(report);
                assert_eq!(report.steps + first, expected.0.report.steps);
                assert_eq!((found.objective, found.method), (expected.0.objective, expected.0.method));
                assert_eq!(bits(&u), expected.1);
            }
            // By hand.
            let mut storage = vec![f64::NAN; len];
            let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
            let mut u = vec![0.0; n];
            let mut run = start(problem, &options, &mut u, &mut workspace).expect("sound");
            let mut steps = 0;
            while run.residual() > options.stop.relative * run.scale() {
                run.step();
                steps += 1;
            }
            assert_eq!(run.x().len(), n);
            assert_eq!((steps, bits(&u)), (expected.0.report.steps, expected.1));
        }
    });
}
