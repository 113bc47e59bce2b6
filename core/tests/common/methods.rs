//! The methods called in one line, and the constants of the model problem.

use southwell::linear::Matrix;
use southwell::relaxation::{Fixed, OmegaRule, Problem, Relax, Split, cg, sor, sor::Sweep, ssor_cg};
use southwell::{Progress, Real, Report, Stop};

pub(crate) fn sor_by<T: Real, A: Relax<T>>(
    a: &A,
    b: &[T],
    rule: &mut impl OmegaRule<T>,
    options: &sor::Options<T>,
    x: &mut [T],
) -> Report<T> {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; sor::Workspace::<T>::required_len(problem.order(), a.scratch_len())];
    let workspace = sor::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    sor::solve(&problem, options, rule, x, workspace, &mut ()).expect("valid options")
}

/// Steps from zero to ‖r‖ ≤ 1e-8 ‖b‖ for b = 1.
pub(crate) fn sor_count<A: Relax<f64>>(a: &A, sweep: Sweep, omega: f64) -> u32 {
    let b = vec![1.0; a.order()];
    let options = sor::Options { sweep, ..sor::Options::default() };
    let report = sor_by(a, &b, &mut Fixed(omega), &options, &mut vec![0.0; b.len()]);
    assert!(report.converged(), "{report:?}");
    report.steps
}

pub(crate) fn ssor_cg_by<T: Real, A: Split<T>>(
    a: &A,
    b: &[T],
    omega: T,
    stop: &Stop<T>,
    x: &mut [T],
) -> (Report<T>, Vec<T>) {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; ssor_cg::Workspace::<T>::required_len(problem.order(), a.split_len())];
    let workspace = ssor_cg::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
    let mut history = vec![];
    let mut keep = |p: &Progress<T>| {
        history.extend(p.residual);
        core::ops::ControlFlow::Continue(())
    };
    let report = ssor_cg::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut keep)
        .expect("valid options");
    (report, history)
}

pub(crate) fn cg_by<T: Real, A: Matrix<T>>(a: &A, b: &[T], stop: &Stop<T>, x: &mut [T]) -> Report<T> {
    let problem = Problem::new(a, b).expect("a valid problem");
    let mut storage = vec![T::NAN; cg::Workspace::<T>::required_len(problem.order())];
    let workspace = cg::Workspace::new(&problem, &mut storage).expect("storage of the required length");
    let options = cg::Options { stop: *stop, ..cg::Options::default() };
    cg::solve(&problem, &options, x, workspace, &mut ()).expect("valid options")
}

pub(crate) fn ssor_cg_count<A: Split<f64>>(a: &A, b: &[f64], omega: f64) -> u32 {
    let (report, _) = ssor_cg_by(a, b, omega, &Stop::default(), &mut vec![0.0; b.len()]);
    assert!(report.converged(), "{report:?}");
    report.steps
}

/// One sweep by the view itself, whatever omega.
pub(crate) fn sweep<T: Real, A: Relax<T>>(a: &A, reversed: bool, omega: T, b: &[T], x: &mut [T]) {
    let mut scratch = vec![T::NAN; a.scratch_len()];
    a.prepare(&mut scratch).expect("a usable diagonal");
    a.sweep(reversed, omega, &mut scratch, b, x);
}

/// cos(π/(N+1)), the Jacobi radius of the model problem.
pub(crate) fn mu(n: usize) -> f64 {
    (core::f64::consts::PI / (n as f64 + 1.0)).cos()
}

/// Young's omega of the model problem, 2/(1 + sin(π/(N+1))).
pub(crate) fn omega_star(n: usize) -> f64 {
    2.0 / (1.0 + (core::f64::consts::PI / (n as f64 + 1.0)).sin())
}

/// The omega of SSOR on the model problem, 2/(1 + 2 sin(π/(2(N+1)))).
pub(crate) fn omega_ssor(n: usize) -> f64 {
    2.0 / (1.0 + 2.0 * (core::f64::consts::PI / (2.0 * (n as f64 + 1.0))).sin())
}
