//! The optima of the double integrator and of the quadrotor, found by an independent solver.

use southwell::descent::box_qp::{
    BoxReport, Condensed, Fallback, Model, Options, Prepared, Problem, Staged, Workspace, condense,
    condense_len, invert_condensed, solve,
};
use southwell::{Real, Status, Stop};

use crate::plants::{Made, double_integrator, quadrotor};

/// A problem with its answer.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) quadrotor: bool,
    pub(crate) horizon: usize,
    pub(crate) x0: Vec<f64>,
    pub(crate) bound: f64,
    /// ½ uᵀH u + fᵀu, and with what x₀ costs
    pub(crate) objective: f64,
    pub(crate) cost: f64,
    pub(crate) at_bounds: usize,
    /// The first inputs.
    pub(crate) solution: Vec<f64>,
}

pub(crate) fn cases() -> Vec<Case> {
    let quad = |p: [f64; 3], yaw: f64| [&p[..], &[0.0, 0.0, yaw], &[0.0; 6]].concat();
    let integrator = |name, horizon, x0: [f64; 2], objective, cost, at_bounds, solution: &[f64]| Case {
        name,
        quadrotor: false,
        horizon,
        x0: x0.to_vec(),
        bound: 1.0,
        objective,
        cost,
        at_bounds,
        solution: solution.to_vec(),
    };
    let drone = |name, x0, bound, objective, cost, at_bounds, solution: [f64; 8]| Case {
        name,
        quadrotor: true,
        horizon: 10,
        x0,
        bound,
        objective,
        cost,
        at_bounds,
        solution: solution.to_vec(),
    };
    let ten =
        [-1.0, -1.0, -1.0, -1.0, -0.60388858, -0.07563396, 0.23628523, 0.39907635, 0.46304389, 0.46486630];
    let near = [0.02255012, -0.1, -0.1, -0.06491736, -0.1, -0.08273267, -0.09439307, -0.1];
    let far = [0.25331924, -0.3, -0.3, -0.23269532, -0.3, -0.3, -0.06341722, -0.3];
    let mut twenty = vec![-1.0; 14];
    twenty.extend([-0.61794324, 1.0, 1.0, 1.0, 1.0, 1.0]);
    let (rest, lqr) = (0.00752817598, -0.3806479);
    vec![
        integrator("DI 10 (.3,.1)", 10, [0.3, 0.1], -0.777467693391, 0.352128056143, 4, &ten),
        integrator("DI 20 (.3,.1)", 20, [0.3, 0.1], -2.05785625712, 0.352128056143, 4, &[-1.0]),
        integrator("DI 10 (2,0)", 10, [2.0, 0.0], -8.94963762209, 23.0954439496, 10, &[-1.0; 10]),
        integrator("DI 20 (2,0)", 20, [2.0, 0.0], -28.3285833524, 23.7164982193, 19, &twenty),
        integrator("DI 10 (.05,0)", 10, [0.05, 0.0], -0.0125, rest, 0, &[lqr]),
        integrator("DI 20 (.05,0)", 20, [0.05, 0.0], -0.025, rest, 0, &[lqr]),
        drone("near", quad([0.3, -0.2, 0.2], 0.0), 0.1, -80.5629661778, 82.6053142068, 8, near),
        drone("far", quad([1.0, -0.7, 0.5], 0.3), 0.3, -891.569096496, 866.510273975, 10, far),
    ]
}

fn made<T: Real>(case: &Case) -> Made<T> {
    if case.quadrotor { quadrotor().to() } else { double_integrator().to() }
}

fn cast<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// Solves from zero.
pub(crate) fn cold<T: Real, M: Model<T>>(
    model: &M,
    data: &[T],
    bound: f64,
    options: &Options<T>,
    len: usize,
) -> (Vec<T>, BoxReport<T>) {
    let n = model.variables();
    let (lower, upper) = (vec![T::from_f64(-bound); n], vec![T::from_f64(bound); n]);
    let problem = Problem::new(model, data, &lower, &upper).expect("a sound problem");
    let mut storage = vec![T::NAN; len];
    let mut workspace = Workspace::new(model, &mut storage).expect("long enough");
    let mut x = vec![T::ZERO; n];
    let report = solve(&problem, options, &mut x, &mut workspace, &mut ()).expect("sound input");
    (x, report)
}

fn close(found: f64, expected: f64, relative: f64, what: &str) {
    assert!(
        (found - expected).abs() <= relative * expected.abs().max(1e-2),
        "{what}: {found}, not {expected}"
    );
}

/// Every case, staged and condensed, by one method.
fn check(options: &Options<f64>, most_steps: u32) {
    for case in cases() {
        let made = made::<f64>(&case);
        let staged = made.staged(case.horizon);
        let (n, variables) = (made.states, staged.variables());
        let len = Staged::<f64>::required_len(n, made.inputs, case.horizon);
        let (u, found) = cold(&staged, &case.x0, case.bound, options, len);
        let what = format!("{} {found:?}", case.name);
        assert!(found.report.converged() && found.report.steps <= most_steps, "{what}");
        close(found.objective, case.cost, 1e-9, &what);
        assert_eq!(found.at_lower + found.at_upper, case.at_bounds, "{what}");
        for (u, expected) in u.iter().zip(&case.solution) {
            assert!((u - expected).abs() < 1e-8, "{what}: {u}, not {expected}");
        }

        let (mut h, mut f) = (vec![0.0; variables * variables], vec![0.0; variables]);
        let mut storage = vec![f64::NAN; condense_len(n, made.inputs, case.horizon)];
        condense(&staged, &case.x0, &mut h, &mut f, &mut storage).expect("sound sizes");
        let dense = Condensed::new(&h, variables).expect("symmetric");
        let (v, found) = cold(&dense, &f, case.bound, options, Condensed::<f64>::required_len(variables));
        let what = format!("{} condensed {found:?}", case.name);
        assert!(found.report.converged() && found.report.steps <= most_steps, "{what}");
        close(found.objective, case.objective, 1e-9, &what);
        let mut inverse = vec![f64::NAN; h.len()];
        let status =
            invert_condensed(&dense, &mut inverse, &mut vec![f64::NAN; h.len()]).expect("sound sizes");
        assert_eq!(status, Status::Converged);
        let prepared = Prepared::new(dense, &inverse).expect("sound");
        let (w, prepared) =
            cold(&prepared, &f, case.bound, options, Prepared::<f64>::required_len(variables));
        assert!(prepared.report.converged() && prepared.report.steps <= most_steps, "{what} {prepared:?}");
        close(prepared.objective, case.objective, 1e-9, &what);
        let compact = Prepared::compact(dense, &inverse).expect("sound");
        let (z, found) = cold(&compact, &f, case.bound, options, Prepared::<f64>::required_len(variables));
        assert!(found.report.converged() && found.report.steps <= most_steps, "{what} {found:?}");
        close(found.objective, case.objective, 1e-9, &what);
        for (((u, v), w), z) in u.iter().zip(&v).zip(&w).zip(&z) {
            assert!((u - v).abs() < 1e-9, "{what}: {u} staged, {v} condensed");
            assert!((u - w).abs() < 1e-9, "{what}: {u} staged, {w} prepared");
            assert!((u - z).abs() < 1e-9, "{what}: {u} staged, {z} prepared, compact");
        }
    }
}

#[test]
fn primal_dual_active_set_with_the_dual_fallback() {
    check(&Options::default(), 20);
}

#[test]
fn primal_dual_active_set_with_two_metric_projection() {
    check(&Options { fallback: Fallback::TwoMetric, patience: 3, ..Options::default() }, 20);
}

#[test]
fn dual_active_set_alone() {
    check(&Options { patience: 0, ..Options::default() }, 20);
}

#[test]
fn two_metric_projection_alone() {
    check(&Options { patience: 0, fallback: Fallback::TwoMetric, ..Options::default() }, 100);
}

#[test]
fn single_precision_within_its_precision() {
    for case in cases() {
        let made = made::<f32>(&case);
        let staged = made.staged(case.horizon);
        let len = Staged::<f32>::required_len(made.states, made.inputs, case.horizon);
        let (u, found) = cold(&staged, &cast(&case.x0), case.bound, &Options::default(), len);
        let what = format!("{} {found:?}", case.name);
        assert!(found.report.converged() && found.report.steps <= 20, "{what}");
        close(f64::from(found.objective), case.cost, 1e-5, &what);
        for (&u, expected) in u.iter().zip(&case.solution) {
            assert!((f64::from(u) - expected).abs() < 1e-4 * case.bound, "{what}: {u}, not {expected}");
        }
    }
}

#[test]
fn the_plants_are_those_of_the_reference() {
    let q = quadrotor();
    for (found, expected) in [
        (q.a[4], 0.0122625),
        (q.a[10], 2.04375e-4),
        (q.b[0], -7.3599e-4),
        (q.b[12], -0.3601186),
        (q.b[36], -14.404744),
        (q.b[44], -1.5066553),
        (q.b[32], 0.21021429),
        ((0..12).map(|i| q.p[i * 13]).sum(), 3444.908284),
    ] {
        close(found, expected, 1e-6, "quadrotor");
    }
    let di = double_integrator();
    for (found, expected) in di.p.iter().zip([6.02254079, 1.01242284, 1.01242284, 0.60911464]) {
        close(*found, expected, 1e-8, "double integrator");
    }
    let stop = Stop::<f64>::default();
    assert!(stop.relative > 0.0);
}

#[test]
fn single_precision_with_the_inverse() {
    for case in cases() {
        let made = made::<f32>(&case);
        let staged = made.staged(case.horizon);
        let (n, variables) = (made.states, staged.variables());
        let (mut h, mut f) = (vec![0.0; variables * variables], vec![0.0; variables]);
        let mut storage = vec![f32::NAN; condense_len(n, made.inputs, case.horizon)];
        condense(&staged, &cast(&case.x0), &mut h, &mut f, &mut storage).expect("sound sizes");
        let dense = Condensed::new(&h, variables).expect("symmetric");
        let mut inverse = vec![f32::NAN; h.len()];
        let status =
            invert_condensed(&dense, &mut inverse, &mut vec![f32::NAN; h.len()]).expect("sound sizes");
        assert_eq!(status, Status::Converged);
        let prepared = Prepared::new(dense, &inverse).expect("sound");
        let len = Prepared::<f32>::required_len(variables);
        let (w, found) = cold(&prepared, &f, case.bound, &Options::default(), len);
        assert!(found.report.converged() && found.report.steps <= 20, "{} {found:?}", case.name);
        for (w, expected) in w.iter().zip(&case.solution) {
            assert!(
                (f64::from(*w) - expected).abs() < 1e-3 * case.bound,
                "{}: {w}, not {expected}",
                case.name
            );
        }
    }
}
