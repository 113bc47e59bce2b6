//! Reference problems of robust matrix recovery: data that a seed determines.

use southwell::Real;
use southwell::subgradient::counter::{normal, stream, uniform};

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
    let gross = if uniform(stream(seed, 3), i) < p { 10.0 * signal * normal(stream(seed, 4), i) } else { 0.0 };
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

    /// The measurements by the matrices that `entry(i, n)` makes, n counting the entries of A_i.
    pub(crate) fn measure(&self, entry: impl Fn(usize, usize) -> f64) -> Sensing {
        let (truth, n) = (self.truth(), self.d * self.d);
        let signal = norm(&truth);
        let a: Vec<f64> = (0..self.m).flat_map(|i| (0..n).map(move |k| (i, k))).map(|(i, k)| entry(i, k)).collect();
        let s: Vec<f64> =
            (0..self.m).map(|i| corruption(self.seed, i, self.p, self.noise, signal)).collect();
        let y = a.chunks(n).zip(&s).map(|(a, s)| a.iter().zip(&truth).map(|(a, x)| a * x).sum::<f64>() + s);
        let outliers = (0..self.m).filter(|&i| uniform(stream(self.seed, 3), i as u64) < self.p).count();
        let best = s.iter().map(|s| s.abs()).sum::<f64>() / self.m as f64;
        Sensing { y: y.collect(), truth, best, outliers, a }
    }

    /// By Gaussian matrices.
    pub(crate) fn gaussian(&self) -> Sensing {
        let key = stream(self.seed, 1);
        let mut sensing = self.measure(|_, _| 0.0);
        let n = self.d * self.d;
        southwell::subgradient::counter::fill_normal(key, 0, &mut sensing.a);
        for (i, a) in sensing.a.chunks(n).enumerate() {
            sensing.y[i] += a.iter().zip(&sensing.truth).map(|(a, x)| a * x).sum::<f64>();
        }
        sensing
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
