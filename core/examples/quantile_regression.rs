//! Engel's law: of a larger income a smaller share is spent on food, and more so for the frugal.
//!
//! Fits five quantiles of food expenditure against income (235 Belgian households, 1857) and proves each fit.
//! `cargo run --example quantile_regression`

use southwell::Status;
use southwell::subgradient::{Quantile, Table, fit};

fn main() -> Result<(), southwell::Error> {
    let csv = include_str!("../tests/data/engel.csv");
    let (mut rows, mut food) = (Vec::new(), Vec::new());
    for line in csv.lines().skip(1) {
        let mut words = line.split(',').map(|word| word.parse::<f64>().expect("a number"));
        rows.extend([1.0, words.next().expect("an income")]);
        food.push(words.next().expect("an expenditure"));
    }
    let n = food.len();
    let table = Table::new(&rows, n, 2)?;
    let whitening = fit::Whitening::Orthogonal;
    let mut storage = vec![0.0; fit::Workspace::<f64>::required_len(n, 2, whitening, false)];
    let mut indices = [0; fit::Workspace::<f64>::required_indices(2)];

    println!("quantile      food = a + b income      loss  steps");
    for q in [0.1, 0.25, 0.5, 0.75, 0.9] {
        let loss = Quantile::new(table, &food, q)?;
        let workspace = fit::Workspace::new(&loss, whitening, false, &mut storage, &mut indices)?;
        let mut beta = [0.0; 2];
        let options = fit::Options::default();
        let outcome = fit::solve(&loss, &options, fit::rule(), &mut beta, workspace, &mut ())?;
        assert_eq!(outcome.report.status, Status::Optimal, "a proof, not a tolerance");
        let [a, b] = beta;
        println!("{q:>8}  {a:>12.6} {b:>11.8} {:>9.3} {:>6}", outcome.value, outcome.report.steps);
    }
    Ok(())
}
