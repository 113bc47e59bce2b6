//! Problems whose answer is known, by the general method.

use southwell::subgradient::projection::Simplex;
use southwell::subgradient::step::{Diminishing, Geometric, Polyak};
use southwell::subgradient::{GeometricMedian, Minimax, PhaseRetrieval, Quantile, Table};

use crate::common::draws::{Stream, outliers};
use crate::common::{dot, norm};
use crate::minimise::{after, minimise};

#[test]
fn robust_regression_with_shares_and_little_memory() {
    // Shares on a simplex, a third of the observations wrong; O(p) numbers of memory.
    let (table, _, _) = outliers(5, 300, 4);
    let shares = [0.1, 0.2, 0.3, 0.4];
    let wrong = Stream::new(5, 99);
    let y: Vec<f64> = (table.chunks(4).enumerate())
        .map(|(i, row)| dot(row, &shares) + if wrong.uniform(i) < 0.3 { 10.0 } else { 0.0 })
        .collect();
    let loss = Quantile::absolute(Table::new(&table, 300, 4).expect("a table"), &y).expect("a loss");
    let mut x = [0.25; 4];
    let set = Simplex::new(1.0).expect("a set");
    minimise(loss, set, &after(1500), Geometric::new(0.3, 0.98), &mut x);
    assert!(x.iter().zip(&shares).all(|(x, s)| (x - s).abs() < 1e-10), "{x:?}");
}

#[test]
fn the_best_line_to_a_parabola() {
    let table: Vec<f64> = (0..=100).flat_map(|i| [1.0, f64::from(i) / 100.0]).collect();
    let y: Vec<f64> = table.chunks(2).map(|row| row[1] * row[1]).collect();
    let mut memory = vec![f64::NAN; 101];
    let table = Table::new(&table, 101, 2).expect("a table");
    let oracle = Minimax::new(table, &y, &mut memory).expect("an oracle");
    let mut x = [0.0; 2];
    let outcome = minimise(oracle, (), &after(4000), Geometric::new(1.0, 0.995), &mut x);
    assert!((outcome.value - 0.125).abs() < 1e-6, "Chebyshev: {outcome:?}");
    assert!((x[0] + 0.125).abs() < 1e-5 && (x[1] - 1.0).abs() < 1e-5, "{x:?}");
}

#[test]
fn the_geometric_median_is_where_it_should_be() {
    let height = 3.0_f64.sqrt() / 2.0;
    let corners = [0.0, 0.0, 1.0, 0.0, 0.5, height];
    let table = Table::new(&corners, 3, 2).expect("a table");
    let mut memory = [f64::NAN; 2];
    let oracle = GeometricMedian::new(table, &mut memory).expect("an oracle");
    let mut x = [0.9, 0.1];
    let outcome = minimise(oracle, (), &after(2000), Diminishing(0.3), &mut x);
    assert!((outcome.value - 3.0_f64.sqrt()).abs() < 1e-6, "Fermat's point: {outcome:?} {x:?}");
    // A point that weighs more than all others together is the median itself.
    let oracle = GeometricMedian::new(table, &mut memory).expect("an oracle");
    let oracle = oracle.weighted(&[1.0, 3.0, 1.0]).expect("weights");
    let outcome = minimise(oracle, (), &after(2000), Geometric::new(0.3, 0.98), &mut x);
    assert!((outcome.value - 2.0).abs() < 1e-9 && (x[0] - 1.0).abs() < 1e-9, "{outcome:?} {x:?}");
}

#[test]
fn a_vector_from_sizes_of_products() {
    let (d, m) = (20, 160);
    let (entries, truth) = (Stream::new(1, 1), Stream::new(1, 2));
    let table: Vec<f64> = (0..m * d).map(|k| entries.normal(k)).collect();
    let x_true: Vec<f64> = (0..d).map(|k| truth.normal(k)).collect();
    let exact: Vec<f64> = table.chunks(d).map(|a| dot(a, &x_true).powi(2)).collect();
    let start: Vec<f64> = (0..d).map(|k| x_true[k] + 0.3 * truth.normal(d + k)).collect();
    let off = |x: &[f64]| {
        let far: Vec<f64> = x.iter().zip(&x_true).map(|(a, b)| a - b).collect();
        norm(&far) / norm(&x_true)
    };
    let rows = Table::new(&table, m, d).expect("a table");
    let mut x = start.clone();
    let outcome = minimise(
        PhaseRetrieval::new(rows, &exact).expect("an oracle"),
        (),
        &after(150),
        Polyak::new(0.0),
        &mut x,
    );
    assert!(off(&x) < 1e-10, "{} {outcome:?}", off(&x));
    // A fifth of the measurements wrong: least squares cannot, lengths that fall can.
    let hit = Stream::new(1, 3);
    let wrong: Vec<f64> =
        (0..m).map(|i| if hit.uniform(i) < 0.2 { 200.0 * hit.uniform(m + i) } else { exact[i] }).collect();
    let mut x = start;
    minimise(
        PhaseRetrieval::new(rows, &wrong).expect("an oracle"),
        (),
        &after(1200),
        Geometric::new(1.0, 0.98),
        &mut x,
    );
    assert!(off(&x) < 1e-6, "{}", off(&x));
}
