//! Numbers from 1e-310 to 1e300: refused, or solved, or a status that says why not; never NaN under a good status.

use southwell::descent::box_qp::{self, Condensed};
use southwell::descent::sparse_regression::{self, Penalty};
use southwell::linear::Columns;
use southwell::subgradient::fit::{self, Whitening};
use southwell::subgradient::step::Geometric;
use southwell::subgradient::{Quantile, Table};
use southwell::transport::{DenseCost, Potentials, Problem, auto};
use southwell::{Error, Real, Report, Status, Stop};

use crate::problems::{Method, Stream, by_relaxation, cast, conditioned, norm, residual, rounded};

/// What every run owes: numbers, or a status that says that there are none.
fn honest<T: Real>(what: &str, report: &Report<T>, numbers: &[T]) {
    let finite = numbers.iter().all(|x| x.is_finite());
    assert!(finite || report.status == Status::NotFinite, "{what}: {report:?} {numbers:?}");
    let good = matches!(report.status, Status::Converged | Status::Optimal);
    assert!(!good || report.residual.is_finite(), "{what}: {report:?}");
}

/// Scales of data that the type can hold, subnormal ones among them.
fn scales<T: Real>() -> Vec<f64> {
    let most =
        [1e-310, 1e-300, 1e-200, 1e-45, 1e-40, 1e-30, 1e-20, 1e-10, 1.0, 1e10, 1e18, 1e30, 1e150, 1e300];
    most.into_iter()
        .filter(|&scale| {
            let kept = T::from_f64(scale);
            kept > T::ZERO && kept.is_finite()
        })
        .collect()
}

fn systems<T: Real>() -> usize {
    let (mut stream, mut solved) = (Stream(6), 0);
    for matrix in scales::<T>() {
        for right in scales::<T>() {
            for method in [Method::Ssor, Method::SsorCg, Method::Cg] {
                let a = conditioned(4, 100.0, &mut stream);
                let a = rounded::<T>(&a.iter().map(|a| a * matrix).collect::<Vec<_>>());
                let b = rounded::<T>(&stream.vector(4).iter().map(|b| b * right).collect::<Vec<_>>());
                let stop = Stop { max_steps: 300, ..Stop::default() };
                let what = format!("{method:?}, A {matrix:e}, b {right:e}");
                let Ok((x, report)) = by_relaxation::<T>(method, &a, &b, stop) else { continue };
                honest(&what, &report, &cast::<T>(&x));
                if b.iter().all(|&b| b == 0.0) {
                    assert!(x.iter().all(|&x| x == 0.0), "{what}: {x:?}");
                    continue;
                }
                if report.status == Status::Converged {
                    solved += 1;
                    // In double precision, brought into a range where nothing under- or overflows.
                    let (largest, size) = (
                        a.iter().fold(0.0_f64, |m, a| m.max(a.abs())),
                        norm(&b.iter().map(|b| b / right).collect::<Vec<_>>()) * right,
                    );
                    let scaled: Vec<f64> = a.iter().map(|a| a / largest).collect();
                    let unknown: Vec<f64> = x.iter().map(|x| x / size * largest).collect();
                    let known: Vec<f64> = b.iter().map(|b| b / size).collect();
                    let rest = norm(&residual(&scaled, &known, &unknown));
                    assert!(
                        rest <= 1.5 * stop.relative.to_f64() + 100.0 * T::EPSILON.to_f64(),
                        "{what}: {rest} {report:?}"
                    );
                }
            }
        }
    }
    solved
}

fn transports<T: Real>() -> usize {
    let (mut stream, mut solved) = (Stream(7), 0);
    for scale in scales::<T>() {
        for mass in scales::<T>() {
            for ratio in [1.0, 1e-2, 1e-4] {
                let costs: Vec<T> = (0..12).map(|_| T::from_f64(stream.unit() * scale)).collect();
                let (a, b) = (
                    [0.25, 0.5, 0.25].map(|a| T::from_f64(a * mass)),
                    [0.25; 4].map(|b| T::from_f64(b * mass)),
                );
                let mut run = || -> Result<(), Error> {
                    let cost = DenseCost::new(&costs, 3, 4, 4)?;
                    let problem = Problem::new(&cost, &a, &b, T::from_f64(ratio * scale))?;
                    let mut storage = vec![T::NAN; auto::Workspace::<T>::required_len(3, 4, true, 4, 192)];
                    let mut indices = vec![0; auto::Workspace::<T>::required_indices(3, 4, 192)];
                    let workspace = auto::Workspace::new(&problem, 192, &mut storage, &mut indices)?;
                    let (mut f, mut g) = ([T::ZERO; 3], [T::ZERO; 4]);
                    let stop = Stop { max_steps: 500, ..auto::Options::default().stop };
                    let options = auto::Options { stop, ..auto::Options::default() };
                    let x = Potentials { f: &mut f, g: &mut g };
                    let outcome = auto::solve(&problem, &options, x, workspace, &mut ())?;
                    honest(
                        &format!("costs {scale:e}, mass {mass:e}, ε {ratio}"),
                        &outcome.report,
                        &[&f[..], &g].concat(),
                    );
                    solved += usize::from(outcome.report.converged());
                    Ok(())
                };
                let _ = run();
            }
        }
    }
    solved
}

fn fits<T: Real>() -> usize {
    let (mut stream, mut solved) = (Stream(8), 0);
    for scale in scales::<T>() {
        for target in scales::<T>() {
            let a: Vec<T> = (0..24).map(|_| T::from_f64(stream.signed() * scale)).collect();
            let y: Vec<T> = (0..8).map(|_| T::from_f64(stream.signed() * target)).collect();
            let what = format!("rows {scale:e}, y {target:e}");
            let mut lasso = || -> Result<(), Error> {
                let design = Columns::new(&a, 8, 3)?;
                let unit = sparse_regression::Problem::least_squares(
                    &design,
                    &y,
                    Penalty::Lasso { lambda: T::ONE },
                )?;
                let problem = unit.with_lambda(unit.lambda_max() * T::from_f64(0.1))?;
                let mut storage = vec![T::NAN; sparse_regression::Workspace::<T>::required_len(8, 3, 3)];
                let mut indices = vec![0; sparse_regression::Workspace::<T>::required_indices(3, 3)];
                let workspace = sparse_regression::Workspace::new(&problem, 3, &mut storage, &mut indices)?;
                let options = sparse_regression::Options::default();
                let mut w = [T::ZERO; 3];
                let outcome = sparse_regression::solve(&problem, &options, &mut w, workspace, &mut ())?;
                honest(&format!("lasso, {what}"), &outcome.report, &w);
                solved += usize::from(outcome.report.converged());
                Ok(())
            };
            let _ = lasso();
            let deviations = || -> Result<(), Error> {
                let loss = Quantile::absolute(Table::new(&a, 8, 3)?, &y)?;
                let mut storage =
                    vec![T::NAN; fit::Workspace::<T>::required_len(8, 3, Whitening::Orthogonal, true)];
                let mut indices = vec![0; fit::Workspace::<T>::required_indices(3)];
                let workspace =
                    fit::Workspace::new(&loss, Whitening::Orthogonal, true, &mut storage, &mut indices)?;
                let mut options = fit::Options::default();
                options.ending.stop.max_steps = 500;
                let mut beta = [T::ZERO; 3];
                let rule = Geometric::new(T::ONE, T::from_f64(0.97));
                let outcome = fit::solve(&loss, &options, rule, &mut beta, workspace, &mut ())?;
                honest(&format!("deviations, {what}"), &outcome.report, &beta);
                Ok(())
            };
            let _ = deviations();
            let h: Vec<T> =
                cast(&conditioned(3, 100.0, &mut stream).iter().map(|h| h * scale).collect::<Vec<_>>());
            let quadratic = || -> Result<(), Error> {
                let model = Condensed::new(&h, 3)?;
                let (f, lower, upper) = (&y[..3], [-T::ONE; 3], [T::ONE; 3]);
                let problem = box_qp::Problem::new(&model, f, &lower, &upper)?;
                let mut storage = vec![T::NAN; Condensed::<T>::required_len(3)];
                let mut workspace = box_qp::Workspace::new(&model, &mut storage)?;
                let mut x = [T::ZERO; 3];
                let report =
                    box_qp::solve(&problem, &box_qp::Options::default(), &mut x, &mut workspace, &mut ())?;
                honest(&format!("box, {what}"), &report.report, &x);
                assert!(x.iter().all(|&x| x >= -T::ONE && x <= T::ONE), "outside: {x:?} {what}");
                Ok(())
            };
            let _ = quadratic();
        }
    }
    solved
}

#[test]
fn at_the_ends_of_the_range() {
    let solved = [
        systems::<f64>(),
        systems::<f32>(),
        transports::<f64>(),
        transports::<f32>(),
        fits::<f64>(),
        fits::<f32>(),
    ];
    println!("solved: {solved:?}");
    // Most of what is not refused is solved: being honest is no excuse for solving nothing.
    assert!(
        solved.iter().zip([300, 60, 300, 90, 110, 20]).all(|(solved, least)| *solved >= least),
        "{solved:?}"
    );
}
