//! Sparse regression against reference figures.

use core::ops::ControlFlow;

use crate::regression::Data;
use southwell::descent::sparse_regression::{self, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Status, Stop};

/// Solves from 0 in dirty memory.
fn solve<A: Design<f64>>(
    problem: &Problem<'_, f64, A>,
    (n, p, capacity): (usize, usize, usize),
    options: &Options<f64>,
) -> (Vec<f64>, Outcome<f64>) {
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![77; Workspace::<f64>::required_indices(p, capacity)];
    let workspace = Workspace::new(problem, capacity, &mut storage, &mut indices).expect("sound input");
    let mut w = vec![0.0; p];
    let outcome =
        sparse_regression::solve(problem, options, &mut w, workspace, &mut ()).expect("sound input");
    (w, outcome)
}

fn tight() -> Options<f64> {
    let mut options = Options::default();
    options.stop.relative = 1e-12;
    options
}

struct Expected {
    lambda_max: f64,
    start: f64,
    optimum: f64,
    nonzeros: usize,
    norm: f64,
}

fn close(name: &str, given: f64, expected: f64, relative: f64) {
    assert!((given - expected).abs() <= relative * expected.abs(), "{name}: {given} is not {expected}");
}

fn lasso_table(name: &str, data: &Data, ratio: f64, expected: &Expected) {
    let (n, p) = (data.rows, data.columns);
    let design = Columns::new(&data.a, n, p).expect("sound input");
    let penalty = |lambda| Penalty::Lasso { lambda };
    let unit = Problem::least_squares(&design, &data.y, penalty(1.0))
        .expect("sound input")
        .averaged()
        .expect("sound input");
    let lambda_max = unit.lambda_max();
    close(name, lambda_max, expected.lambda_max, 1e-9);
    let problem = unit.with_lambda(lambda_max * ratio).expect("sound input");
    let (w, outcome) = solve(&problem, (n, p, p.min(400)), &tight());
    println!("{name} {outcome:?}");
    let quick = solve(&problem, (n, p, p.min(400)), &Options::default()).1;
    println!("{name} 1e-6: {quick:?}");
    assert_eq!(outcome.report.status, Status::Converged);
    close(name, outcome.report.scale, expected.start, 1e-9);
    close(name, outcome.primal, expected.optimum, 1e-10);
    assert_eq!(outcome.nonzeros, expected.nonzeros, "{name}");
    close(name, w.iter().map(|w| w.abs()).sum(), expected.norm, 1e-6);

    let (offsets, rows, values) = data.sparse();
    let design = Csc::new(&offsets, &rows, &values, n).expect("sound input");
    let problem = Problem::least_squares(&design, &data.y, penalty(lambda_max * ratio)).expect("sound input");
    let (_, outcome) = solve(&problem.averaged().expect("sound input"), (n, p, p.min(400)), &tight());
    close(name, outcome.primal, expected.optimum, 1e-10);
}

#[test]
fn lasso_on_the_standard_problems() {
    lasso_table(
        "dense",
        &crate::regression::dense(),
        0.1,
        &Expected {
            lambda_max: 1.589129415,
            start: 10.83421514,
            optimum: 3.06341121876,
            nonzeros: 27,
            norm: 17.061236,
        },
    );
    lasso_table(
        "corr",
        &crate::regression::correlated(),
        0.05,
        &Expected {
            lambda_max: 1.868958166,
            start: 10.3959392,
            optimum: 1.85161713606,
            nonzeros: 57,
            norm: 17.973862,
        },
    );
    lasso_table(
        "sparse",
        &crate::regression::sparse(),
        0.1,
        &Expected {
            lambda_max: 0.02345344873,
            start: 0.2405788547,
            optimum: 0.103710052051,
            nonzeros: 76,
            norm: 34.601554,
        },
    );
    lasso_table(
        "diabetes",
        &crate::regression::diabetes(),
        0.01,
        &Expected {
            lambda_max: 2.148043576,
            start: 2964.942448,
            optimum: 1482.11185934,
            nonzeros: 8,
            norm: 2060.0157,
        },
    );
}

#[test]
fn other_penalties_on_dense() {
    let data = crate::regression::dense();
    let (n, p) = (data.rows, data.columns);
    let design = Columns::new(&data.a, n, p).expect("sound input");
    let lambda = 0.1 * 1.589129415;
    let groups: Vec<u32> = (0..=100).map(|g| 10 * g).collect();
    let cases = [
        ("elastic net", Penalty::ElasticNet { lambda, ridge: 0.1 }, 3.69669110282, 63, Some(15.9664741)),
        ("non-negative", Penalty::NonNegative { lambda }, 4.94695454037, 114, None),
        (
            "groups",
            Penalty::Group { lambda: 0.2 * 1.848727366, groups: &groups },
            5.11054053839,
            380,
            Some(24.2539231),
        ),
    ];
    for (name, penalty, optimum, nonzeros, norm) in cases {
        let problem = Problem::least_squares(&design, &data.y, penalty)
            .expect("sound input")
            .averaged()
            .expect("sound input");
        for (capacity, relative) in [(1000, 1e-12), (0, 1e-7)] {
            let mut options = tight();
            options.stop.relative = relative;
            let (w, outcome) = solve(&problem, (n, p, capacity), &options);
            println!("{name} {capacity}: {outcome:?}");
            assert_eq!(outcome.report.status, Status::Converged, "{name} {capacity}");
            // λ is given with ten digits.
            assert!(outcome.primal >= optimum * (1.0 - 1e-9), "{name}");
            assert!(
                outcome.primal <= optimum * (1.0 + 1e-9) + outcome.threshold,
                "{name} {}",
                outcome.primal
            );
            if capacity > 0 {
                assert_eq!(outcome.nonzeros, nonzeros, "{name}");
                if let Some(norm) = norm {
                    close(name, w.iter().map(|w| w.abs()).sum(), norm, 1e-6);
                }
            }
        }
    }
}

#[test]
fn logistic_regression() {
    let cases = [
        ("log", crate::regression::classes(), 0.1, 39.53124696, 207.9441542, 106.972258148, 116, 15.217427),
        ("cancer", crate::regression::cancer(), 0.01, 218.3157661, 394.4007457, 61.6072119321, 13, 11.293653),
    ];
    for (name, data, ratio, lambda_max, start, optimum, nonzeros, norm) in cases {
        let (n, p) = (data.rows, data.columns);
        let design = Columns::new(&data.a, n, p).expect("sound input");
        let problem =
            Problem::logistic(&design, &data.y, Penalty::Lasso { lambda: 1.0 }).expect("sound input");
        close(name, problem.lambda_max(), lambda_max, 1e-9);
        let problem = problem.with_lambda(problem.lambda_max() * ratio).expect("sound input");
        let (w, outcome) = solve(&problem, (n, p, p.min(600)), &tight());
        println!("{name} {outcome:?}");
        println!("{name} 1e-6 {:?}", solve(&problem, (n, p, p.min(600)), &Options::default()).1);
        assert_eq!(outcome.report.status, Status::Converged, "{name}");
        close(name, outcome.report.scale, start, 1e-9);
        close(name, outcome.primal, optimum, 1e-10);
        assert_eq!(outcome.nonzeros, nonzeros, "{name}");
        close(name, w.iter().map(|w| w.abs()).sum(), norm, 1e-6);
    }
}

#[test]
fn a_path_on_corr() {
    let data = crate::regression::correlated();
    let (n, p, capacity) = (data.rows, data.columns, 400);
    let design = Columns::new(&data.a, n, p).expect("sound input");
    let problem =
        Problem::least_squares(&design, &data.y, Penalty::Lasso { lambda: 1.0 }).expect("sound input");
    let problem = problem.averaged().expect("sound input");
    let lambdas: Vec<f64> =
        (0..20).map(|k| problem.lambda_max() * 0.01_f64.powf(f64::from(k) / 19.0)).collect();
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![77; Workspace::<f64>::required_indices(p, capacity)];
    let workspace = Workspace::new(&problem, capacity, &mut storage, &mut indices).expect("sound input");
    let mut w = vec![0.0; p];
    let mut nonzeros = vec![];
    let solved = sparse_regression::path(&problem, &lambdas, &tight(), &mut w, workspace, |k, _, outcome| {
        println!("{k} {outcome:?}");
        assert_eq!(outcome.report.status, Status::Converged);
        nonzeros.push(outcome.nonzeros);
        ControlFlow::Continue(())
    });
    assert_eq!(solved, Ok(20));
    assert_eq!([0, 5, 10, 15, 19].map(|k| nonzeros[k]), [0, 33, 44, 87, 143]);
}

/// A weight that λ took away comes back when λ falls: what its ridge held back of the slope is not lost. One column of
/// 1, y = 4.25: w = (4.25 − λ)₊ / 1.25.
#[test]
fn a_ridge_along_a_path_that_rises() {
    let design = Columns::new(&[1.0], 1, 1).expect("sound input");
    let penalty = Penalty::ElasticNet { lambda: 1.0, ridge: 0.25 };
    let problem = Problem::least_squares(&design, &[4.25], penalty).expect("sound input");
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(1, 1, 1)];
    let mut indices = vec![77; Workspace::<f64>::required_indices(1, 1)];
    let workspace = Workspace::new(&problem, 1, &mut storage, &mut indices).expect("sound input");
    let (mut w, mut found) = ([0.0], vec![]);
    sparse_regression::path(&problem, &[2.0, 4.375, 4.125], &tight(), &mut w, workspace, |_, w, outcome| {
        assert!(outcome.report.converged(), "{outcome:?}");
        found.push(w[0]);
        ControlFlow::Continue(())
    })
    .expect("positive λ");
    assert_eq!(found[1], 0.0);
    assert!((found[0] - 1.8).abs() < 1e-9 && (found[2] - 0.1).abs() < 1e-6, "{found:?}");
}

/// P, the dual value of a feasible point, and Σ ρ, by plain loops, for a logistic loss with a constant.
fn with_a_constant(data: &Data, lambda: f64, w: &[f64], constant: f64) -> (f64, f64, f64) {
    let z: Vec<f64> = data.apply(w).iter().map(|z| z + constant).collect();
    let mut rho: Vec<f64> = data.y.iter().zip(&z).map(|(y, z)| y / (1.0 + (y * z).exp())).collect();
    let sum: f64 = rho.iter().sum();
    // The heavier class gives way, so that the point is feasible to the last bit.
    let of = |sign: f64| rho.iter().filter(|r| sign * **r > 0.0).map(|r| r.abs()).sum::<f64>();
    let (plus, minus) = (of(1.0), of(-1.0));
    for r in &mut rho {
        *r *= if *r > 0.0 { (minus / plus).min(1.0) } else { (plus / minus).min(1.0) };
    }
    let pull = (0..data.columns).map(|j| data.slope(j, &rho).abs()).fold(lambda, f64::max);
    let entropy = |v: f64| if v > 0.0 { v * v.ln() } else { 0.0 };
    let dual = data.y.iter().zip(&rho).map(|(y, r)| y * r * lambda / pull);
    let dual: f64 = dual.map(|v| -entropy(v) - entropy(1.0 - v)).sum();
    let loss = |(y, z): (&f64, &f64)| (-(y * z)).max(0.0) + (-(y * z).abs()).exp().ln_1p();
    let loss: f64 = data.y.iter().zip(&z).map(loss).sum();
    (loss + lambda * w.iter().map(|w| w.abs()).sum::<f64>(), dual, sum)
}

/// The certificate is one without the penalty on the constant, whatever the shares of the classes; and what may move
/// beside the penalised columns makes P less.
#[test]
fn labels_with_a_constant() {
    let mut rare = crate::regression::classes();
    let z = rare.apply(&vec![0.1; rare.columns]);
    rare.y.iter_mut().zip(&z).for_each(|(y, z)| *y = if *z > 1.2 { 1.0 } else { -1.0 });
    for (name, data, ratio) in [
        ("classes", crate::regression::classes(), 0.1),
        ("rare", rare, 0.2),
        ("cancer", crate::regression::cancer(), 0.01),
    ] {
        let (n, p) = (data.rows, data.columns);
        let design = Columns::new(&data.a, n, p).expect("sound input");
        let plain = Problem::logistic(&design, &data.y, Penalty::Lasso { lambda: 1.0 }).expect("sound input");
        let problem = plain.with_intercept().expect("two classes");
        let most = problem.lambda_max();
        let (lambda, at_most) = (ratio * most, problem.with_lambda(most * 1.000_001).expect("sound input"));
        let (_, nothing) = solve(&at_most, (n, p, 0), &tight());
        let share = data.y.iter().filter(|y| **y > 0.0).count() as f64 / n as f64;
        let logit = (share / (1.0 - share)).ln();
        assert!((nothing.intercept - logit).abs() < 1e-12 * logit.abs(), "{name}: {nothing:?}");
        assert!(nothing.nonzeros == 0 && nothing.report.steps == 0, "{name}: {nothing:?}");
        let problem = problem.with_lambda(lambda).expect("sound input");
        let (w, found) = solve(&problem, (n, p, 400), &tight());
        let (primal, dual, sum) = with_a_constant(&data, lambda, &w, found.intercept);
        assert!(found.report.converged() && sum.abs() < 1e-11, "{name}: {found:?}, {sum}");
        assert!((found.primal - primal).abs() < 1e-12 * primal, "{name}: {primal} and {found:?}");
        assert!(primal - dual <= found.gap + 1e-11 * primal, "{name}: {} and {found:?}", primal - dual);
        let (_, other) = solve(&plain.with_lambda(lambda).expect("sound input"), (n, p, 400), &tight());
        assert!(found.primal < other.primal, "{name}");
        if name == "cancer" {
            // Sweeps alone come to the same.
            let options = Options { stop: Stop { max_steps: 4000, ..Stop::relative(1e-2) }, ..tight() };
            let (_, swept) = solve(&problem, (n, p, 0), &options);
            assert!(swept.primal - found.primal <= swept.gap && swept.report.converged(), "{swept:?}");
        }
    }
}
