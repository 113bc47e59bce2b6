//! Fifty steps of control, each beginning where the last one ended.

use southwell::Real;
use southwell::descent::box_qp::{BoxReport, Options, Problem, Staged, Workspace, shift, solve};

use crate::plants::{Made, double_integrator, quadrotor};

/// Fifty steps; what every step found, and the inputs that it left. `fresh`: a new workspace for every step.
fn run<T: Real>(
    made: &Made<T>,
    horizon: usize,
    x0: &[f64],
    bound: f64,
    fresh: bool,
) -> Vec<(BoxReport<T>, Vec<T>, Vec<T>)> {
    let model = made.staged(horizon);
    let m = made.inputs;
    let len = Staged::<T>::required_len(made.states, m, horizon);
    let (mut storage, mut other) = (vec![T::NAN; len], vec![T::MAX; len]);
    let mut kept = Workspace::new(&model, &mut storage).expect("long enough");
    let (lower, upper) = (vec![T::from_f64(-bound); m * horizon], vec![T::from_f64(bound); m * horizon]);
    let mut u = vec![T::ZERO; m * horizon];
    let mut x: Vec<T> = x0.iter().map(|&x| T::from_f64(x)).collect();
    let step = |_| {
        let problem = Problem::new(&model, &x, &lower, &upper).expect("sound");
        let options = Options::default();
        let found = if fresh {
            let mut workspace = Workspace::new(&model, &mut other).expect("long enough");
            solve(&problem, &options, &mut u, &mut workspace, &mut ())
        } else {
            solve(&problem, &options, &mut u, &mut kept, &mut ())
        };
        let found = (found.expect("sound"), x.clone(), u.clone());
        x = made.next(&x, &u[..m]);
        shift(&mut u, m);
        found
    };
    (0..50).map(step).collect()
}

fn far() -> [f64; 12] {
    [1.0, -0.7, 0.5, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
}

/// Tilted, turning and on the move, with weak propellers: the sets change at every step.
fn wild() -> [f64; 12] {
    [1.0, -0.7, 0.5, 0.2, -0.3, 0.3, 0.5, 1.0, -1.0, 0.6, -0.4, 0.8]
}

fn check<T: Real>(horizon: usize, made: &Made<f64>, x0: &[f64], bound: f64, most: u32, tolerance: f64) {
    let made: Made<T> = made.to();
    let warm = run(&made, horizon, x0, bound, false);
    let total: u32 = warm.iter().map(|(found, ..)| found.report.steps).sum();
    assert!(total <= most, "{total} steps");
    let model = made.staged(horizon);
    let n = made.inputs * horizon;
    let (lower, upper) = (vec![T::from_f64(-bound); n], vec![T::from_f64(bound); n]);
    for (step, (found, x, u)) in warm.iter().enumerate() {
        assert!(found.report.converged(), "step {step}: {found:?}");
        if step > 0 && step % 7 != 0 {
            continue;
        }
        // A cold start ends at the same point.
        let mut storage = vec![T::NAN; Staged::<T>::required_len(made.states, made.inputs, horizon)];
        let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
        let problem = Problem::new(&model, x, &lower, &upper).expect("sound");
        let mut cold = vec![T::ZERO; n];
        let again = solve(&problem, &Options::default(), &mut cold, &mut workspace, &mut ()).expect("sound");
        assert!(again.report.converged(), "step {step}: {again:?}");
        for (u, cold) in u.iter().zip(&cold) {
            let apart = (*u - *cold).abs().to_f64();
            assert!(apart <= tolerance * bound, "step {step}: {u} warm, {cold} cold");
        }
    }
    let (first, last) = (&warm[0].0, &warm[49].0);
    assert!(last.objective.to_f64() < 1e-2 * first.objective.to_f64(), "it comes to rest: {last:?}");
}

#[test]
fn warm_steps_are_few_and_end_where_cold_ones_do() {
    check::<f64>(10, &double_integrator(), &[0.3, 0.1], 1.0, 53, 1e-9);
    check::<f64>(20, &double_integrator(), &[2.0, 0.0], 1.0, 80, 1e-9);
    check::<f64>(10, &quadrotor(), &far(), 0.3, 57, 1e-9);
    check::<f64>(10, &quadrotor(), &wild(), 0.5, 70, 1e-9);
    check::<f32>(10, &double_integrator(), &[0.3, 0.1], 1.0, 53, 2e-4);
    check::<f32>(10, &quadrotor(), &far(), 0.3, 57, 2e-4);
    check::<f32>(10, &quadrotor(), &wild(), 0.5, 70, 2e-4);
}

#[test]
fn factors_that_are_kept_have_the_bits_of_new_ones() {
    let quadrotor = quadrotor();
    for (x0, bound) in [(far(), 0.3), (wild(), 0.5), (wild(), 0.1)] {
        let kept = run(&quadrotor, 10, &x0, bound, false);
        let new = run(&quadrotor, 10, &x0, bound, true);
        for (step, (kept, new)) in kept.iter().zip(&new).enumerate() {
            assert_eq!((kept.0, &kept.2), (new.0, &new.2), "step {step}");
        }
    }
}
