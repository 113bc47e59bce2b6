//! Working sets that are swept over rather than given a Gram matrix: short columns, and labels with many non-zeros.

use crate::regression::{Data, classes, normal, uniform};
use southwell::Stop;
use southwell::descent::sparse_regression::{self, Options, Outcome, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Csc, Design};

fn solve<A: Design<f64>>(problem: &Problem<'_, f64, A>, relative: f64) -> (Vec<f64>, Outcome<f64>) {
    let ((n, p), capacity) = (problem.shape(), 400);
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(n, p, capacity)];
    let mut indices = vec![77; Workspace::<f64>::required_indices(p, capacity)];
    let work = Workspace::new(problem, capacity, &mut storage, &mut indices).expect("memory");
    let options = Options { stop: Stop::relative(relative), ..Options::default() };
    let mut w = vec![0.0; p];
    let found = sparse_regression::solve(problem, &options, &mut w, work, &mut ()).expect("valid");
    assert!(found.report.converged() && found.gap <= found.threshold, "{found:?}");
    (w, found)
}

/// 640 columns of about four entries in 128 rows, and y from a third of them.
fn short_columns() -> Data {
    let (rows, columns) = (128, 640);
    let entry = |k| if uniform(71, k) < 0.03 { normal(72, k) } else { 0.0 };
    let a = (0..(rows * columns) as u64).map(entry).collect();
    let data = Data { rows, columns, a, y: vec![] };
    let w: Vec<f64> = (0..columns).map(|j| if j % 3 == 0 { normal(73, j as u64) } else { 0.0 }).collect();
    let y = data.apply(&w).iter().enumerate().map(|(i, z)| z + 2.0 + 0.1 * normal(74, i as u64)).collect();
    Data { y, ..data }
}

/// The same optimum as with a Gram matrix, which the same columns with their zeros are given.
#[test]
fn short_columns_come_to_the_same_optimum() {
    let data = short_columns();
    let (n, p) = (data.rows, data.columns);
    let dense = Columns::new(&data.a, n, p).expect("a design");
    let (offsets, rows, values) = data.sparse();
    let sparse = Csc::new(&offsets, &rows, &values, n).expect("a design");
    let lambda = 0.15;
    for penalty in [
        Penalty::Lasso { lambda },
        Penalty::ElasticNet { lambda, ridge: 0.25 },
        Penalty::NonNegative { lambda },
    ] {
        for constant in [false, true] {
            let mut one = Problem::least_squares(&dense, &data.y, penalty).expect("a problem");
            let mut other = Problem::least_squares(&sparse, &data.y, penalty).expect("a problem");
            if constant {
                one = one.with_intercept().expect("a problem");
                other = other.with_intercept().expect("a problem");
            }
            let ((w, expected), (v, found)) = (solve(&one, 1e-12), solve(&other, 1e-12));
            let name = format!("{penalty:?} {constant}: {expected:?} {found:?}");
            assert!(found.working_set >= 64 && found.updates > expected.updates, "swept over: {name}");
            assert!((found.primal - expected.primal).abs() <= 1e-11 * expected.primal, "{name}");
            assert!((found.intercept - expected.intercept).abs() <= 1e-6, "{name}");
            if matches!(penalty, Penalty::ElasticNet { .. }) {
                assert!(w.iter().zip(&v).all(|(w, v)| (w - v).abs() < 1e-5), "{name}");
            }
        }
    }
}

/// Optimality by plain loops, with what a penalty and a constant ask for.
#[test]
fn labels_with_many_nonzeros_are_optimal() {
    let data = classes();
    let (n, p) = (data.rows, data.columns);
    let design = Columns::new(&data.a, n, p).expect("a design");
    for (lambda, ridge, positive, constant) in
        [(2.0, 0.0, false, false), (2.0, 0.0, false, true), (1.0, 0.5, false, true), (1.0, 0.0, true, false)]
    {
        let penalty = match (positive, ridge > 0.0) {
            (true, _) => Penalty::NonNegative { lambda },
            (_, true) => Penalty::ElasticNet { lambda, ridge },
            _ => Penalty::Lasso { lambda },
        };
        let mut problem = Problem::logistic(&design, &data.y, penalty).expect("a problem");
        if constant {
            problem = problem.with_intercept().expect("two classes");
        }
        let (w, found) = solve(&problem, 1e-12);
        assert!(found.working_set >= 64 && found.nonzeros > 64, "{penalty:?} {found:?}");
        let z = data.apply(&w);
        let rho = |(&y, z): (&f64, &f64)| y / (1.0 + (y * (z + found.intercept)).exp());
        let rho: Vec<f64> = data.y.iter().zip(&z).map(rho).collect();
        assert!(!constant || rho.iter().sum::<f64>().abs() < 1e-9, "{penalty:?}");
        for (j, &w) in w.iter().enumerate() {
            let c = data.slope(j, &rho) - ridge * w;
            let off = match w {
                0.0 if positive => c - lambda,
                0.0 => c.abs() - lambda,
                _ => (c - lambda * w.signum()).abs(),
            };
            assert!(off < 1e-4 && (w >= 0.0 || !positive), "{penalty:?} {constant}: {j}, {w}, {off}");
        }
    }
}
