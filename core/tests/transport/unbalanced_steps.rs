//! Steps of the iteration with missed marginals, one by one, against the formulas of its page in plain loops.

use southwell::transport::{DenseCost, Potentials, unbalanced};
use southwell::{Error, Run, Stop};

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

/// ln Σ w e^(−p/ρ), of exponents that may be large.
fn log_mass(weights: &[f64], potential: &[f64], rho: f64) -> f64 {
    let lines = || weights.iter().zip(potential).filter(|(w, _)| **w > 0.0).map(|(w, p)| (w, -p / rho));
    let most = lines().fold(f64::NEG_INFINITY, |most, (_, x)| most.max(x));
    most + lines().map(|(w, x)| w * (x - most).exp()).sum::<f64>().ln()
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

/// The shift makes both sides ask for the same mass, from potentials of any size; where a column cannot be seen at first,
/// what a step changed is finite all the same, with lines without mass.
#[test]
fn both_sides_ask_for_the_same_mass() {
    let cost = DenseCost::new(&COST, 3, 4, 4).expect("costs");
    let rho = (0.25, 0.5);
    let problem = unbalanced::Problem::new(&cost, &A, &B, EPSILON, rho).expect("a problem");
    for start in [0.0, 1.0, 20.0, -20.0, 500.0, -500.0] {
        let mut storage = [f64::NAN; 11];
        let work = unbalanced::Workspace::new(&problem, &mut storage).expect("memory");
        let options = unbalanced::Options { stop: Stop::relative(1e-12), translate: true };
        let (mut f, mut g) = ([0.0; 3], [start, start / 2.0, 0.0, -start]);
        let x = Potentials { f: &mut f, g: &mut g };
        let mut run = unbalanced::start(&problem, &options, x, work).expect("valid");
        let mut told = f64::INFINITY;
        for step in 0..12 {
            run.step();
            assert!(run.change().is_finite() && run.residual().is_finite(), "{start} {step}");
            let (f, g) = run.potentials();
            told = log_mass(&A, f, rho.0) - log_mass(&B, g, rho.1);
        }
        // (A step that could not see a column, or shifted far, moves the rows once more: not the last ones.)
        assert!(told.abs() < 1e-9, "{start}: {told}");
    }
}

/// Memory of another problem, by its rows, its columns or both.
#[test]
fn memory_of_another_shape() {
    let values = [0.5; 16];
    let shape = |n: usize, m: usize| DenseCost::new(&values[..n * m], n, m, m).expect("costs");
    let cost = shape(3, 4);
    let problem = unbalanced::Problem::new(&cost, &A, &B, EPSILON, (1.0, 1.0)).expect("a problem");
    for (n, m) in [(3, 4), (2, 4), (3, 3), (4, 3)] {
        let (other, ones) = (shape(n, m), [1.0; 4]);
        let other = unbalanced::Problem::new(&other, &ones[..n], &ones[..m], EPSILON, (1.0, 1.0));
        let mut storage = [f64::NAN; 20];
        let work = unbalanced::Workspace::new(&other.expect("a problem"), &mut storage).expect("memory");
        let (mut f, mut g) = ([0.0; 3], [0.0; 4]);
        let x = Potentials { f: &mut f, g: &mut g };
        let options = unbalanced::Options::default();
        let refused = unbalanced::start(&problem, &options, x, work).map(|_| ()).err();
        let given = n + 2 * m;
        assert_eq!(refused, (given != 11).then_some(Error::Workspace { needed: 11, given }), "{n} {m}");
    }
}
