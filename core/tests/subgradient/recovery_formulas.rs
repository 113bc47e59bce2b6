//! Matrix recovery against its formulas, step by step: values, directions, units, rules.

use southwell::subgradient::matrix::operator::{Bilinear, Dense, Operator};
use southwell::subgradient::matrix::{
    self, Options, Precondition, Problem, Shape, Start, Step, Unit, Workspace,
};
use southwell::{Run, Stop};

use crate::common::draws::Stream;
use crate::common::{dot, norm};

const COUNT: usize = 9;
const RANK: usize = 2;

/// Matrices A_i = a_i b_iᵀ by rows, what was measured, and where a run begins.
struct Data {
    rows: usize,
    columns: usize,
    symmetric: bool,
    a: Vec<f64>,
    b: Vec<f64>,
    matrices: Vec<f64>,
    y: Vec<f64>,
    start: Vec<f64>,
}

/// f, how many residuals are above and below, the gradient, and Q or Q + Qᵀ.
struct Look {
    value: f64,
    counts: [usize; 2],
    gradient: Vec<f64>,
    q: Vec<f64>,
}

impl Data {
    fn new(rows: usize, columns: usize, symmetric: bool, seed: u64) -> Self {
        let numbers = Stream::new(seed, 1);
        let draw = |from: usize, n: usize| (0..n).map(|k| numbers.normal(from + k)).collect::<Vec<f64>>();
        let (a, b) = (draw(0, COUNT * rows), draw(200, COUNT * columns));
        let of = |i: usize, j: usize, k: usize| a[i * rows + j] * b[i * columns + k];
        let entries =
            (0..COUNT * rows * columns).map(|n| (n / (rows * columns), n / columns % rows, n % columns));
        let matrices = entries.map(|(i, j, k)| of(i, j, k)).collect();
        let unknowns = RANK * if symmetric { rows } else { rows + columns };
        Data { rows, columns, symmetric, a, b, matrices, y: draw(400, COUNT), start: draw(600, unknowns) }
    }

    /// The factors as U and V by columns.
    fn factors<'x>(&self, x: &'x [f64]) -> (&'x [f64], &'x [f64]) {
        let (u, v) = x.split_at(RANK * self.rows);
        (u, if self.symmetric { u } else { v })
    }

    fn look(&self, x: &[f64]) -> Look {
        let (m, n) = (self.rows, self.columns);
        let (u, v) = self.factors(x);
        let entry = |j: usize, k: usize| (0..RANK).map(|r| u[r * m + j] * v[r * n + k]).sum::<f64>();
        let w: Vec<f64> = (0..m * n).map(|e| entry(e / n, e % n)).collect();
        let (mut value, mut counts, mut q) = (0.0, [0; 2], vec![0.0; m * n]);
        for (a, y) in self.matrices.chunks(m * n).zip(&self.y) {
            let residual = dot(a, &w) - y;
            value += residual.abs() / COUNT as f64;
            counts[usize::from(residual < 0.0)] += 1;
            q.iter_mut().zip(a).for_each(|(q, a)| *q += residual.signum() * a / COUNT as f64);
        }
        if self.symmetric {
            q = (0..m * m).map(|e| q[e] + q[e % m * m + e / m]).collect();
        }
        let of_u = (0..RANK * m).map(|e| (0..n).map(|k| q[e % m * n + k] * v[e / m * n + k]).sum());
        let of_v = (0..RANK * n).map(|e| (0..m).map(|j| q[j * n + e % n] * u[e / n * m + j]).sum());
        let gradient = if self.symmetric { of_u.collect() } else { of_u.chain(of_v).collect() };
        Look { value, counts, gradient, q }
    }

    /// D = (G_U (VᵀV + λI)⁻¹, G_V (UᵀU + λI)⁻¹) for two columns.
    fn scaled(&self, x: &[f64], g: &[f64], damping: f64) -> Vec<f64> {
        let turn = |g: &[f64], length: usize, other: &[f64], others: usize| {
            let of = |a: usize, b: usize| dot(&other[a * others..][..others], &other[b * others..][..others]);
            let lambda = damping * (of(0, 0) + of(1, 1)) / 2.0;
            let (p, q, r) = (of(0, 0) + lambda, of(0, 1), of(1, 1) + lambda);
            let whole = p * r - q * q;
            let first = (0..length).map(|j| (g[j] * r - g[length + j] * q) / whole);
            let second = (0..length).map(|j| (g[length + j] * p - g[j] * q) / whole);
            first.chain(second).collect::<Vec<f64>>()
        };
        let (u, v) = self.factors(x);
        let (g_u, g_v) = g.split_at(RANK * self.rows);
        let mut d = turn(g_u, self.rows, v, self.columns);
        if !self.symmetric {
            d.extend(turn(g_v, self.columns, u, self.rows));
        }
        d
    }

    fn clip(&self, bound: f64, x: &mut [f64]) {
        let (u, v) = x.split_at_mut(RANK * self.rows);
        for (columns, length) in [(u, self.rows), (v, self.columns)] {
            for j in 0..if columns.is_empty() { 0 } else { length } {
                let size = columns[j].hypot(columns[length + j]);
                if size > bound {
                    columns[j] *= bound / size;
                    columns[length + j] *= bound / size;
                }
            }
        }
    }
}

/// The largest singular value, by more products than anybody takes.
fn spectral(q: &[f64], rows: usize, columns: usize) -> f64 {
    let mut v: Vec<f64> = (0..columns).map(|k| 1.0 + 0.3 * k as f64).collect();
    let mut size = 0.0;
    for _ in 0..2000 {
        let w: Vec<f64> = (0..rows).map(|j| dot(&q[j * columns..][..columns], &v)).collect();
        v = (0..columns).map(|k| (0..rows).map(|j| q[j * columns + k] * w[j]).sum()).collect();
        size = norm(&v).sqrt();
        v.iter_mut().for_each(|v| *v /= size * size);
    }
    size
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-11 * (1.0 + e.abs()), "{what}: {found:?} {expected:?}");
    }
}

/// Follows a run for some steps; how often the direction turned and a restart came.
fn follow<O: Operator<f64>>(data: &Data, operator: &O, formed: bool, options: &Options<f64>) -> [u32; 2] {
    let problem = match data.symmetric {
        true => Problem::symmetric(operator, &data.y, RANK),
        false => Problem::general(operator, &data.y, RANK),
    };
    let problem = problem.expect("sound");
    let (shape, name): (Shape, _) = (problem.shape(), format!("{} {options:?}", data.symmetric));
    let (scratch, is_scaled) = (operator.scratch_len(shape), options.is_scaled());
    let mut storage = vec![f64::NAN; Workspace::<f64>::required_len(shape, is_scaled, scratch)];
    let workspace = Workspace::new(&problem, is_scaled, &mut storage).expect("long enough");
    let mut left = data.start.clone();
    let mut run = matrix::start(&problem, options, &mut left, workspace).expect("sound");
    let (mut x, mut before) = (data.start.clone(), vec![0.0; data.start.len()]);
    let (mut best, mut size, mut counts) = ((f64::MAX, 0), 0.0, [0; 2]);
    for step in 0..40_u32 {
        let look = data.look(&x);
        if look.value < best.0 {
            best = (look.value, step);
        }
        let d = match options.precondition {
            Precondition::None => look.gradient.clone(),
            Precondition::Scaled { damping } => data.scaled(&x, &look.gradient, damping),
        };
        let turned = dot(&look.gradient, &before) < 0.0;
        counts[0] += u32::from(turned);
        let mut coming = None;
        match options.step {
            Step::Constant { eta0 } => size = eta0,
            Step::Diminishing { eta0 } => size = eta0 / f64::from(step + 1).sqrt(),
            Step::Held { eta0, rho, hold } => size = eta0 * rho.powi(step.saturating_sub(hold) as i32),
            Step::Oscillation { eta0, rho, restarts } => {
                size = if step == 0 {
                    eta0
                } else if turned {
                    size * rho
                } else {
                    size
                };
                if size < 1e-3 * eta0 && counts[1] < restarts {
                    (size, counts[1]) = (eta0, counts[1] + 1);
                }
                coming = (counts[1] < restarts).then_some(eta0);
            }
            Step::Polyak { .. } => {}
        }
        let relative = norm(&d) / norm(&x);
        let unit = match (options.unit, options.step) {
            (Unit::Auto, Step::Oscillation { .. }) => Unit::Relative,
            (Unit::Auto | Unit::Spectral, _) if formed && !is_scaled => Unit::Spectral,
            (Unit::Length, _) => Unit::Length,
            _ => Unit::Relative,
        };
        let (length, share) = match (options.step, unit) {
            (Step::Polyak { target }, _) => {
                let whole = (look.value - target).max(0.0) / dot(&look.gradient, &d);
                let most = 0.5 / if unit == Unit::Spectral { norm(&look.q) } else { relative };
                (whole.min(most), whole.min(most) * relative)
            }
            (_, Unit::Length) => (size / norm(&d), size / norm(&x)),
            (_, Unit::Spectral) => {
                // From below, nearly.
                let (found, exact) = (size / run.parameter(), spectral(&look.q, data.rows, data.columns));
                assert!(found <= exact * (1.0 + 1e-12) && found > 0.9 * exact, "{name}: {found} {exact}");
                (run.parameter(), size)
            }
            _ => (size / relative, size),
        };
        near(run.current(), &x, &name);
        near(&[run.value(), run.best().0], &[look.value, best.0], &name);
        near(&[run.parameter(), run.relative_step()], &[length, share], &name);
        near(&[run.residual()], &[coming.unwrap_or(share)], &name);
        assert_eq!((run.best().1, run.failure(), run.scale()), (best.1, None, 1.0), "{name}");
        let [above, below] = look.counts.map(|n| n as f64 / COUNT as f64);
        near(&run.signs(), &[1.0 - above - below, above, below], &name);
        x.iter_mut().zip(&d).for_each(|(x, d)| *x -= length * d);
        if options.row_bound < f64::INFINITY {
            data.clip(options.row_bound, &mut x);
        }
        before = d;
        run.step();
    }
    let left = data.look(run.x()).value;
    near(&[left], &[run.best().0], "what is left");
    counts
}

#[test]
fn every_rule_in_every_unit_follows_its_formula() {
    let rules = [
        Step::Constant { eta0: 0.0625 },
        Step::Diminishing { eta0: 0.25 },
        Step::Held { eta0: 0.25, rho: 0.9, hold: 3 },
        Step::Oscillation { eta0: 0.25, rho: 0.25, restarts: 1 },
        Step::Polyak { target: 0.125 },
    ];
    let mut seen = [0; 2];
    for (rows, columns, symmetric) in [(3, 3, true), (3, 2, false)] {
        let data = Data::new(rows, columns, symmetric, 5);
        let dense = Dense::new(&data.matrices, rows, columns).expect("sound");
        let bilinear = Bilinear::new(&data.a, &data.b, rows, columns).expect("sound");
        for step in rules {
            for unit in [Unit::Auto, Unit::Spectral, Unit::Relative, Unit::Length] {
                for damping in [None, Some(0.0), Some(0.125)] {
                    let options = Options {
                        start: Start::Given,
                        stop: Stop { max_steps: 100, ..Stop::relative(1e-300) },
                        step,
                        unit,
                        precondition: damping
                            .map_or(Precondition::None, |damping| Precondition::Scaled { damping }),
                        row_bound: if unit == Unit::Length { 1.75 } else { f64::INFINITY },
                        ..Options::default()
                    };
                    let dense = follow(&data, &dense, true, &options);
                    let bilinear = follow(&data, &bilinear, false, &options);
                    (0..2).for_each(|k| seen[k] += dense[k] + bilinear[k]);
                }
            }
        }
    }
    assert!(seen[0] > 100 && seen[1] > 5, "turns and restarts occur: {seen:?}");
}
