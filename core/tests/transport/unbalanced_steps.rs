//! Steps of the iteration with missed marginals, one by one, against the formulas of its page in plain loops.

use southwell::transport::{DenseCost, Potentials, unbalanced};
use southwell::{Run, Stop};

const COST: [f64; 12] = [0.5, 1.0, 0.25, 0.75, 0.125, 0.875, 1.0, 0.0, 0.625, 0.25, 0.5, 0.375];
const A: [f64; 3] = [0.5, 0.0, 1.5];
const B: [f64; 4] = [0.25, 0.75, 0.0, 0.5];
const EPSILON: f64 = 0.125;

fn entry(f: &[f64], g: &[f64], k: usize) -> f64 {
    ((f[k / 4] + g[k % 4] - COST[k]) / EPSILON).exp()
}

fn row(f: &[f64], g: &[f64], i: usize) -> f64 {
    (0..4).map(|j| entry(f, g, 4 * i + j)).sum()
}

fn column(f: &[f64], g: &[f64], j: usize) -> f64 {
    (0..3).map(|i| entry(f, g, 4 * i + j)).sum()
}

/// What a line should sum to.
fn wanted(weight: f64, potential: f64, rho: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * (-potential / rho).exp() }
}

/// Where a line's potential goes that sums to this.
fn moved(potential: f64, weight: f64, sum: f64, rho: f64) -> f64 {
    let damping = if rho.is_finite() { rho / (rho + EPSILON) } else { 1.0 };
    if weight == 0.0 { f64::NEG_INFINITY } else { damping * (potential + EPSILON * (weight / sum).ln()) }
}

fn near(x: f64, y: f64) -> bool {
    x == y || (x - y).abs() < 1e-12 * (1.0 + y.abs())
}

#[test]
fn steps_are_those_of_the_page() {
    let cost = DenseCost::new(&COST, 3, 4, 4).expect("costs");
    let infinite = f64::INFINITY;
    for (rho, translate) in [
        ((1.0, 0.25), true),
        ((1.0, 0.25), false),
        ((infinite, 0.5), true),
        ((2.0, infinite), true),
        ((0.0625, 4.0), true),
    ] {
        let problem = unbalanced::Problem::new(&cost, &A, &B, EPSILON, rho).expect("a problem");
        let mut storage = [f64::NAN; 11];
        let work = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
        let options = unbalanced::Options { stop: Stop::relative(1e-12), translate };
        let (mut f, mut g) = ([0.25; 3], [-0.25, 0.5, 9.0, 0.0]);
        let x = Potentials { f: &mut f, g: &mut g };
        let mut run = unbalanced::start(&problem, &options, x, work).expect("valid");
        assert_eq!((run.parameter(), run.scale(), run.failure()), (EPSILON, 2.0, None));
        assert_eq!(run.change(), f64::INFINITY, "before the first step");
        let (mut f, mut g) = (vec![0.25, f64::NEG_INFINITY, 0.25], vec![-0.25, 0.5, f64::NEG_INFINITY, 0.0]);
        let mut before = f.clone();
        for step in 0..8 {
            if step != 1 {
                f = (0..3).map(|i| moved(f[i], A[i], row(&f, &g, i), rho.0)).collect();
            }
            if step > 0 {
                g = (0..4).map(|j| moved(g[j], B[j], column(&f, &g, j), rho.1)).collect();
                let mass = |weights: &[f64], potential: &[f64], rho: f64| -> f64 {
                    weights.iter().zip(potential).map(|(&w, &p)| wanted(w, p, rho)).sum()
                };
                let ratio = (mass(&A, &f, rho.0) / mass(&B, &g, rho.1)).ln();
                let k = if translate { ratio / (1.0 / rho.0 + 1.0 / rho.1) } else { 0.0 };
                f.iter_mut().for_each(|f| *f += k);
                g.iter_mut().for_each(|g| *g -= k);
                run.step();
                let change = [0, 2].map(|i: usize| (f[i] - before[i]).abs());
                assert!(
                    near(run.change(), change[0].max(change[1])),
                    "{rho:?} {step}: {} {change:?}",
                    run.change()
                );
                before.clone_from(&f);
            }
            let label = format!("{rho:?} {translate} {step}");
            let (rows, columns) = run.potentials();
            assert!((0..3).all(|i| near(rows[i], f[i])), "{label}: {rows:?} {f:?}");
            assert!((0..4).all(|j| near(columns[j], g[j])), "{label}: {columns:?} {g:?}");
            let row_error = (0..3).map(|i| (row(&f, &g, i) - wanted(A[i], f[i], rho.0)).abs()).sum();
            let column_error: f64 =
                (0..4).map(|j| (column(&f, &g, j) - wanted(B[j], g[j], rho.1)).abs()).sum();
            let (of_rows, of_columns) = run.errors();
            assert!(
                near(of_rows, row_error) && near(of_columns, column_error),
                "{label}: {:?}",
                run.errors()
            );
            assert_eq!(run.residual(), of_rows + of_columns, "{label}");
            let mass: f64 = (0..12).map(|k| entry(&f, &g, k)).sum();
            assert!(near(run.mass(), mass), "{label}: {} {mass}", run.mass());
        }
    }
}
