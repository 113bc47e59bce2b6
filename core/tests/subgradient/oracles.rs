//! Values and slopes of the problems that come ready made, by plain formulas; where a recovery starts.

use southwell::subgradient::counter::{normal, stream};
use southwell::subgradient::matrix::operator::Dense;
use southwell::subgradient::matrix::{self, Options, Problem, Start, Weights, Workspace};
use southwell::subgradient::{GeometricMedian, Minimax, Oracle, PhaseRetrieval, Quantile, Table};

use crate::common::draws::Stream;
use crate::common::{dot, norm};

const ROWS: [f64; 8] = [1.0, 2.0, -0.5, 1.5, 3.0, -1.0, 0.25, 0.75];

fn table() -> Table<'static, f64> {
    Table::new(&ROWS, 4, 2).expect("a table")
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-12 * (1.0 + e.abs()), "{what}: {found:?} {expected:?}");
    }
}

/// A value and a slope, g being dirty.
fn call(mut oracle: impl Oracle<f64>, x: [f64; 2]) -> (f64, [f64; 2]) {
    assert_eq!((oracle.dimension(), oracle.floor()), (2, 0.0), "losses are not negative");
    let mut g = [f64::NAN; 2];
    (oracle.value_and_subgradient(&x, &mut g), g)
}

#[test]
fn distances_and_their_directions() {
    for weights in [None, Some([1.0, 0.5, 0.0, 2.0])] {
        for x in [[0.3, -0.4], [-0.5, 1.5], [3.0, -1.0]] {
            let mut memory = [f64::NAN; 3];
            let mut oracle = GeometricMedian::new(table(), &mut memory).expect("an oracle");
            if let Some(weights) = &weights {
                oracle = oracle.weighted(weights).expect("weights");
            }
            let (mut value, mut slope) = (0.0, [0.0; 2]);
            for (i, p) in ROWS.chunks(2).enumerate() {
                let (off, weight) = ([x[0] - p[0], x[1] - p[1]], weights.map_or(1.0, |w| w[i]));
                if norm(&off) > 0.0 {
                    value += weight * norm(&off);
                    (0..2).for_each(|k| slope[k] += weight * off[k] / norm(&off));
                }
            }
            let (found, g) = call(oracle, x);
            near(&[found, g[0], g[1]], &[value, slope[0], slope[1]], "median");
        }
    }
}

#[test]
fn the_worst_residual_and_its_row() {
    let found = |y: &[f64; 4], x: [f64; 2]| {
        let mut memory = [f64::NAN; 5];
        call(Minimax::new(table(), y, &mut memory).expect("an oracle"), x)
    };
    // Residuals 1, 2, −3, 0: the fit is too high by 3 in the third row.
    let at = |x: [f64; 2], r: [f64; 4]| [0, 1, 2, 3].map(|i| dot(&ROWS[2 * i..2 * i + 2], &x) + r[i]);
    let x = [0.5, -0.25];
    assert_eq!(found(&at(x, [1.0, 2.0, -3.0, 0.0]), x), (3.0, [3.0, -1.0]));
    assert_eq!(found(&at(x, [1.0, 4.0, -3.0, 0.0]), x), (4.0, [0.5, -1.5]));
    // Equal ones: the first. None: a minimum.
    assert_eq!(found(&at(x, [1.0, 2.0, -2.0, 2.0]), x), (2.0, [0.5, -1.5]));
    assert_eq!(found(&at(x, [0.0; 4]), x), (0.0, [0.0; 2]));
    assert!(found(&[0.0; 4], [f64::INFINITY, f64::INFINITY]).0.is_nan(), "∞ − ∞ in a row");
}

#[test]
fn sizes_of_products_and_shares_of_residuals() {
    let (x, y) = ([0.5, -1.25], [4.0, 0.25, 1.0, 0.5]);
    let product = |i: usize| dot(&ROWS[2 * i..2 * i + 2], &x);
    // The third one is met exactly, and adds nothing to the slope.
    let met = [y[0], y[1], product(2) * product(2), y[3]];
    let (mut value, mut slope) = (0.0, [0.0; 2]);
    for i in 0..4 {
        let residual: f64 = product(i) * product(i) - met[i];
        let sign = if residual == 0.0 { 0.0 } else { residual.signum() };
        value += residual.abs() / 4.0;
        (0..2).for_each(|k| slope[k] += sign * 2.0 * product(i) * ROWS[2 * i + k] / 4.0);
    }
    let (found, g) = call(PhaseRetrieval::new(table(), &met).expect("an oracle"), x);
    near(&[found, g[0], g[1]], &[value, slope[0], slope[1]], "phases");

    let weights = [1.0, 0.0, 3.0, 0.5];
    let y = [product(0) + 2.0, 1e300, product(2), product(3) - 4.0];
    for (weights, used) in [(None, [1.0; 4]), (Some(&weights), weights)] {
        let mut loss = Quantile::new(table(), &y, 0.3).expect("a loss");
        if let Some(weights) = weights {
            loss = loss.weighted(weights).expect("weights");
        }
        assert_eq!((loss.quantile(), loss.y(), loss.table().values()), (0.3, &y[..], &ROWS[..]));
        assert_eq!([0, 1, 2, 3].map(|i| loss.weight(i)), used);
        let (mut value, mut slope) = (0.0, [0.0; 2]);
        for i in 0..4 {
            let r: f64 = y[i] - product(i);
            let s = used[i]
                * if r > 0.0 {
                    0.3
                } else if r < 0.0 {
                    0.3 - 1.0
                } else {
                    0.0
                };
            value += s * r;
            (0..2).for_each(|k| slope[k] -= s * ROWS[2 * i + k]);
        }
        let (found, g) = call(loss, x);
        near(&[found, g[0], g[1]], &[value, slope[0], slope[1]], "quantile");
        near(&[loss.value(&x)], &[value], "value alone");
    }
}

/// x of a start: what a run begins from, before any step.
fn begun(problem: &Problem<'_, f64, Dense<'_, f64>>, options: &Options<f64>) -> Vec<f64> {
    let shape = problem.shape();
    let mut storage =
        vec![f64::NAN; Workspace::<f64>::required_len(shape, false, Dense::<f64>::scratch(shape))];
    let workspace = Workspace::new(problem, false, &mut storage).expect("memory");
    let mut x = vec![f64::NAN; shape.unknowns()];
    let run = matrix::start(problem, options, &mut x, workspace).expect("sound");
    let begun = run.current().to_vec();
    assert_eq!(run.x(), begun);
    begun
}

/// Γ, C Γ and Cᵀ C Γ, for C = (1/m) Σ w_i A_i, as long as α² of the typical measurement.
#[test]
fn a_recovery_starts_where_its_weights_point() {
    let (rows, columns, rank, count) = (3, 2, 2, 7);
    let numbers = Stream::new(9, 1);
    let a: Vec<f64> = (0..count * rows * columns).map(|k| numbers.normal(k)).collect();
    let y = [3.0, -1.0, 0.5, -4.0, 2.0, 0.25, -0.75];
    let operator = Dense::new(&a, rows, columns).expect("sound");
    let problem = Problem::general(&operator, &y, rank).expect("sound");
    let alpha = 0.125;
    // |y| in order: ¼, ½, ¾, 1, 2, 3, 4, of which the fourth is the median; y in order: −4, −1, −¾, ¼, …
    let kept = |y: f64, most: f64| if y.abs() <= most { y } else { 0.0 };
    let cases: [(Option<Weights<f64>>, [f64; 7]); 6] = [
        (None, y.map(f64::signum)),
        (Some(Weights::Sign), y.map(f64::signum)),
        (Some(Weights::AboveMedian), y.map(|y| if y == 0.25 { 0.0 } else { (y - 0.25).signum() })),
        (Some(Weights::Value), y),
        // Half of seven are the four smallest.
        (Some(Weights::Smallest(0.5)), y.map(|y| kept(y, 1.0))),
        (Some(Weights::Smallest(1.0)), y),
    ];
    for (seed, (weights, w)) in (1_u64..).zip(cases) {
        let gamma: Vec<f64> = {
            let key = stream(seed, 6);
            let v = (0..columns * rank).map(|e| normal(key, (e % columns * rank + e / columns) as u64));
            let u =
                (0..rows * rank).map(|e| normal(key, (e % rows * rank + e / rows + columns * rank) as u64));
            u.chain(v).collect()
        };
        let c: Vec<f64> = (0..rows * columns)
            .map(|e| (0..count).map(|i| w[i] * a[i * rows * columns + e]).sum::<f64>() / count as f64)
            .collect();
        let mut step = gamma.clone();
        for r in 0..rank {
            for j in 0..rows {
                let v = &gamma[rank * rows + r * columns..][..columns];
                step[r * rows + j] = dot(&c[j * columns..][..columns], v);
            }
        }
        for r in 0..rank {
            for k in 0..columns {
                step[rank * rows + r * columns + k] =
                    (0..rows).map(|j| c[j * columns + k] * step[r * rows + j]).sum();
            }
        }
        let ratio = norm(&step[..rank * rows]) / norm(&step[rank * rows..]);
        step[rank * rows..].iter_mut().for_each(|v| *v *= ratio);
        for (start, mut expected) in [(Start::Random, gamma.clone()), (Start::PowerStep, step)] {
            let (u, v) = expected.split_at(rank * rows);
            let measured = |i: usize| -> f64 {
                let of = |e: usize| {
                    (0..rank).map(move |r| u[r * rows + e / columns] * v[r * columns + e % columns])
                };
                (0..rows * columns).map(|e| a[i * rows * columns + e] * of(e).sum::<f64>()).sum()
            };
            let mean = (0..count).map(|i| measured(i).abs()).sum::<f64>() / count as f64;
            let factor = alpha * (1.0 / mean).sqrt();
            expected.iter_mut().for_each(|x| *x *= factor);
            let options = Options { start, alpha, seed, weights, ..Options::default() };
            near(&begun(&problem, &options), &expected, "where it starts");
        }
    }
    // Weights that cancel give no direction: the draw stays. Measurements of 0 are those of 0.
    let options = Options { alpha, seed: 5, weights: Some(Weights::AboveMedian), ..Options::default() };
    let equal = Problem::general(&operator, &[2.0; 7], rank).expect("sound");
    let drawn = begun(&equal, &Options { start: Start::Random, ..options });
    assert_eq!(begun(&equal, &options), drawn);
    assert!(drawn.iter().all(|&x| x != 0.0));
    let nothing = Problem::general(&operator, &[0.0; 7], rank).expect("sound");
    assert_eq!(begun(&nothing, &options), vec![0.0; drawn.len()]);
}

/// Measurements that are met exactly count neither as exceeded nor as missed.
#[test]
fn a_recovery_tells_on_which_side_its_measurements_lie() {
    let a: Vec<f64> = (0..24).map(|k| Stream::new(2, 1).normal(k)).collect();
    let (operator, y) = (Dense::new(&a, 2, 2).expect("sound"), [0.0, 2.0, -1.0, 0.0, 3.0, 1.0]);
    let problem = Problem::symmetric(&operator, &y, 1).expect("sound");
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(problem.shape(), false, 8)];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("memory");
    let (mut x, options) = ([0.0; 2], Options { start: Start::Given, ..Options::default() });
    let run = matrix::start(&problem, &options, &mut x, workspace).expect("sound");
    near(&run.signs(), &[2.0 / 6.0, 1.0 / 6.0, 3.0 / 6.0], "met, above, below");
    near(&[run.value()], &[7.0 / 6.0], "value");
}
