//! Fifty steps of control, each beginning where the last one ended.

use southwell::Real;
use southwell::descent::box_qp::{Options, Problem, Staged, Workspace, shift, solve};

use crate::plants::{Made, double_integrator, quadrotor};

/// Runs fifty steps and returns all reports.
fn run<T: Real>(made: &Made<T>, horizon: usize, x0: &[f64], bound: f64, verbose: bool) {
    let model = made.staged(horizon);
    let m = made.inputs;
    let mut storage = vec![T::NAN; Staged::<T>::required_len(made.states, m, horizon)];
    let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
    let (lower, upper) = (vec![T::from_f64(-bound); m * horizon], vec![T::from_f64(bound); m * horizon]);
    let mut u = vec![T::ZERO; m * horizon];
    let mut x: Vec<T> = x0.iter().map(|&x| T::from_f64(x)).collect();
    for step in 0..50 {
        let problem = Problem::new(&model, &x, &lower, &upper).expect("sound");
        let found = solve(&problem, &Options::default(), &mut u, &mut workspace, &mut ()).expect("sound");
        if verbose {
            println!("{step} {found:?}");
        }
        x = made.next(&x, &u[..m]);
        shift(&mut u, m);
    }
}

#[test]
fn fifty() {
    run::<f32>(&quadrotor().to(), 10, &[0.3, -0.2, 0.2, 0., 0., 0., 0., 0., 0., 0., 0., 0.], 0.1, true);
    run::<f32>(&quadrotor().to(), 10, &[1., -0.7, 0.5, 0., 0., 0.3, 0., 0., 0., 0., 0., 0.], 0.3, true);
    run::<f32>(
        &quadrotor().to(),
        10,
        &[1., -0.7, 0.5, 0.2, -0.3, 0.3, 0.5, 1., -1., 0.6, -0.4, 0.8],
        0.5,
        true,
    );
    run::<f32>(&double_integrator().to(), 10, &[0.3, 0.1], 1.0, true);
}
