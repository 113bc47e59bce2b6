//! Reference problems of robust matrix recovery: data that a seed determines.

use southwell::subgradient::counter::{fill_normal, normal, stream, uniform};
use southwell::subgradient::matrix::operator::{Dense, Operator};
use southwell::subgradient::matrix::{self, Options, Problem, Start, Weights, Workspace};
use southwell::{Real, Run};

/// Dense Gaussian measurements of a matrix of rank r: the base case unless changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) d: usize,
    pub(crate) r: usize,
    pub(crate) m: usize,
    /// Share of outliers, ten times the signal.
    pub(crate) p: f64,
    /// Gaussian noise on all, as a share of the signal.
    pub(crate) noise: f64,
    /// Ratio of the largest and the smallest singular value.
    pub(crate) kappa: f64,
    pub(crate) seed: u64,
}

impl Default for Case {
    fn default() -> Self {
        Self { d: 30, r: 3, m: 1200, p: 0.3, noise: 0.0, kappa: 1.0, seed: 1 }
    }
}

/// What a case consists of.
#[derive(Clone, Debug)]
pub(crate) struct Sensing {
    pub(crate) a: Vec<f64>,
    pub(crate) y: Vec<f64>,
    pub(crate) truth: Vec<f64>,
    /// (1/m) Σ |s_i|
    pub(crate) best: f64,
    pub(crate) outliers: usize,
}

/// Columns of normal numbers (entry (j, k) is number j·r + k), made orthonormal from left to right.
pub(crate) fn orthonormal(key: u64, d: usize, r: usize) -> Vec<Vec<f64>> {
    let mut columns: Vec<Vec<f64>> =
        (0..r).map(|k| (0..d).map(|j| normal(key, (j * r + k) as u64)).collect()).collect();
    for k in 0..r {
        for l in 0..k {
            let dot: f64 = columns[k].iter().zip(&columns[l]).map(|(a, b)| a * b).sum();
            let base = columns[l].clone();
            columns[k].iter_mut().zip(&base).for_each(|(a, b)| *a -= dot * b);
        }
        let norm = columns[k].iter().map(|a| a * a).sum::<f64>().sqrt();
        columns[k].iter_mut().for_each(|a| *a /= norm);
    }
    columns
}

/// Σ_k u_k v_kᵀ by rows.
pub(crate) fn product(u: &[Vec<f64>], v: &[Vec<f64>]) -> Vec<f64> {
    let (rows, columns) = (u[0].len(), v[0].len());
    let mut x = vec![0.0; rows * columns];
    for (u, v) in u.iter().zip(v) {
        for j in 0..rows {
            for k in 0..columns {
                x[j * columns + k] += u[j] * v[k];
            }
        }
    }
    x
}

pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// Outliers and noise, in units of `signal`.
pub(crate) fn corruption(seed: u64, i: usize, p: f64, noise: f64, signal: f64) -> f64 {
    let i = i as u64;
    let gross =
        if uniform(stream(seed, 3), i) < p { 10.0 * signal * normal(stream(seed, 4), i) } else { 0.0 };
    gross + if noise > 0.0 { noise * signal * normal(stream(seed, 5), i) } else { 0.0 }
}

impl Case {
    /// X*, d × d.
    pub(crate) fn truth(&self) -> Vec<f64> {
        let mut columns = orthonormal(stream(self.seed, 2), self.d, self.r);
        for (k, column) in columns.iter_mut().enumerate().skip(1) {
            let share = (1.0 - 1.0 / self.kappa) * k as f64 / (self.r as f64 - 1.0);
            column.iter_mut().for_each(|a| *a *= (1.0 - share).sqrt());
        }
        product(&columns, &columns)
    }

    /// The measurements by the matrices that `fill` writes, one after the other.
    pub(crate) fn measured(&self, fill: impl FnOnce(&mut [f64])) -> Sensing {
        let (truth, n) = (self.truth(), self.d * self.d);
        let signal = norm(&truth);
        let mut a = vec![0.0; self.m * n];
        fill(&mut a);
        let s: Vec<f64> = (0..self.m).map(|i| corruption(self.seed, i, self.p, self.noise, signal)).collect();
        let y = a.chunks(n).zip(&s).map(|(a, s)| a.iter().zip(&truth).map(|(a, x)| a * x).sum::<f64>() + s);
        let outliers = (0..self.m).filter(|&i| uniform(stream(self.seed, 3), i as u64) < self.p).count();
        let best = s.iter().map(|s| s.abs()).sum::<f64>() / self.m as f64;
        Sensing { y: y.collect(), truth, best, outliers, a }
    }

    /// By Gaussian matrices.
    pub(crate) fn gaussian(&self) -> Sensing {
        self.measured(|a| fill_normal(stream(self.seed, 1), 0, a))
    }
}

pub(crate) fn narrow<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

/// ‖U Vᵀ − X*‖_F/‖X*‖_F by plain loops; `u` and `v` column after column.
pub(crate) fn error<T: Real>(u: &[T], v: &[T], rank: usize, truth: &[f64]) -> f64 {
    let columns = |x: &[T]| -> Vec<Vec<f64>> {
        x.chunks(x.len() / rank).map(|c| c.iter().map(|x| x.to_f64()).collect()).collect()
    };
    let x = product(&columns(u), &columns(v));
    let off: Vec<f64> = x.iter().zip(truth).map(|(x, t)| x - t).collect();
    norm(&off) / norm(truth)
}

/// A run over dense measurements, stopped at some steps for its error; a run that has ended stays where it
/// is.
pub(crate) fn errors<T: Real>(sensing: &Sensing, rank: usize, options: &Options<T>, at: &[u32]) -> Vec<f64> {
    let (a, y) = (narrow::<T>(&sensing.a), narrow::<T>(&sensing.y));
    let d = sensing.order();
    let operator = Dense::new(&a, d, d).expect("matrices");
    errors_by(&operator, &y, &sensing.truth, rank, options, at)
}

/// The same with any operator on symmetric matrices.
pub(crate) fn errors_by<T: Real, O: Operator<T>>(
    operator: &O,
    y: &[T],
    truth: &[f64],
    rank: usize,
    options: &Options<T>,
    at: &[u32],
) -> Vec<f64> {
    errors_from(operator, y, truth, (rank, &[]), options, at)
}

/// The same from the factor that is given, zeros where it is too short.
pub(crate) fn errors_from<T: Real, O: Operator<T>>(
    operator: &O,
    y: &[T],
    truth: &[f64],
    (rank, from): (usize, &[T]),
    options: &Options<T>,
    at: &[u32],
) -> Vec<f64> {
    let problem = Problem::symmetric(operator, y, rank).expect("a problem");
    let (shape, scaled) = (problem.shape(), options.is_scaled());
    let needed = Workspace::<T>::required_len(shape, scaled, operator.scratch_len(shape));
    let mut storage = vec![T::NAN; needed];
    let workspace = Workspace::new(&problem, scaled, &mut storage).expect("long enough");
    let mut x = vec![T::ZERO; shape.unknowns()];
    x.iter_mut().zip(from).for_each(|(x, &from)| *x = from);
    let mut run = matrix::start(&problem, options, &mut x, workspace).expect("sound options");
    let mut steps = 0;
    let look = |&until: &u32| {
        while steps < until && run.failure().is_none() {
            run.step();
            steps += 1;
        }
        error(run.current(), run.current(), rank, truth)
    };
    at.iter().map(look).collect()
}

/// Least squares by gradient steps of 0.1 from a start of size α in the direction of Σ y_i A_i: what a third
/// of wrong measurements does to it.
pub(crate) fn least_squares(sensing: &Sensing, rank: usize, alpha: f64, steps: u32) -> f64 {
    let (d, y) = (sensing.order(), &sensing.y);
    let operator = Dense::new(&sensing.a, d, d).expect("matrices");
    let problem = Problem::symmetric(&operator, y, rank).expect("a problem");
    let shape = problem.shape();
    let mut storage = vec![0.0; Workspace::<f64>::required_len(shape, false, Dense::<f64>::scratch(shape))];
    let workspace = Workspace::new(&problem, false, &mut storage).expect("long enough");
    let options =
        Options { alpha, start: Start::Spectral, weights: Some(Weights::Value), ..Options::default() };
    let mut u = vec![0.0; shape.unknowns()];
    matrix::start(&problem, &options, &mut u, workspace).expect("sound options");
    let (mut g, mut scratch) = (vec![0.0; u.len()], vec![0.0; Dense::<f64>::scratch(shape)]);
    for _ in 0..steps {
        let mut gradient = shape.gradient(&mut g);
        operator.pass(1.0 / y.len() as f64, shape.factors(&u), &mut scratch, &mut gradient, |i, s| s - y[i]);
        u.iter_mut().zip(&g).for_each(|(u, g)| *u -= 0.1 * g);
    }
    error(&u, &u, rank, &sensing.truth)
}

impl Sensing {
    pub(crate) fn order(&self) -> usize {
        (self.truth.len() as f64).sqrt() as usize
    }
}

/// Errors must not exceed what the reference reached, by this factor.
pub(crate) fn below(errors: &[f64], figures: &[f64], factor: f64, what: &str) {
    assert_eq!(errors.len(), figures.len());
    for (e, f) in errors.iter().zip(figures) {
        assert!(*e <= factor * f, "{what}: {errors:?} against {figures:?}");
    }
}
