//! The lasso path of the diabetes data (Efron, Hastie, Johnstone & Tibshirani 2004): which of ten measurements
//! foretell the progression of the disease, in the order in which they enter.
//!
//! ```text
//! cargo run --release --example lasso_path
//! ```

use std::ops::ControlFlow;

use southwell::descent::sparse_regression::{self, Options, Penalty, Problem, Workspace};
use southwell::linear::Columns;

const DATA: &str = include_str!("../../std-adapters/tests/data/diabetes.csv");
const POINTS: i32 = 12;

fn main() -> Result<(), southwell::Error> {
    let mut lines = DATA.lines();
    let names: Vec<&str> =
        lines.next().unwrap_or_default().trim_start_matches("# ").split(',').take(10).collect();
    let rows: Vec<Vec<f64>> =
        lines.map(|line| line.split(',').filter_map(|word| word.parse().ok()).collect()).collect();
    let (n, p) = (rows.len(), names.len());
    let by_columns: Vec<f64> = (0..p).flat_map(|j| rows.iter().map(move |row| row[j])).collect();
    let y: Vec<f64> = rows.iter().map(|row| row[p]).collect();

    let design = Columns::new(&by_columns, n, p)?;
    let problem = Problem::least_squares(&design, &y, Penalty::Lasso { lambda: 1.0 })?;
    let problem = problem.averaged()?.with_intercept()?;
    let lambda_max = problem.lambda_max();
    let lambdas: Vec<f64> = (0..POINTS).map(|k| lambda_max * 0.5_f64.powi(k)).collect();

    let mut storage = vec![0.0; Workspace::<f64>::required_len(n, p, p)];
    let mut indices = vec![0; Workspace::<f64>::required_indices(p, p)];
    let workspace = Workspace::new(&problem, p, &mut storage, &mut indices)?;
    let mut w = vec![0.0; p];
    println!("  lambda  objective       gap  steps  weights that are not zero");
    sparse_regression::path(&problem, &lambdas, &Options::default(), &mut w, workspace, |k, w, outcome| {
        let shown: Vec<String> = names
            .iter()
            .zip(w)
            .filter(|(_, w)| **w != 0.0)
            .map(|(name, w)| format!("{name} {w:.0}"))
            .collect();
        let (lambda, primal, gap, steps) = (lambdas[k], outcome.primal, outcome.gap, outcome.report.steps);
        println!("{lambda:8.4} {primal:10.3} {gap:9.1e} {steps:6}  {}", shown.join(", "));
        ControlFlow::Continue(())
    })?;
    Ok(())
}
