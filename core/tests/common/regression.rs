//! Random streams that need nothing but integers, standard regressions made of them, and a plain certificate.
#![allow(dead_code)]

/// Word k of a seed: SplitMix64 as a counter.
fn word(seed: u64, k: u64) -> u64 {
    let mut z = seed.wrapping_add((k + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// Number k of a seed, uniform in [0, 1).
pub(crate) fn uniform(seed: u64, k: u64) -> f64 {
    (word(seed, k) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Number k of a seed, normal.
pub(crate) fn normal(seed: u64, k: u64) -> f64 {
    let pair = k & !1;
    let radius = (-2.0 * (1.0 - uniform(seed, pair)).ln()).sqrt();
    let angle = 2.0 * std::f64::consts::PI * uniform(seed, pair + 1);
    radius * if k & 1 == 0 { angle.cos() } else { angle.sin() }
}

/// k different numbers below n.
pub(crate) fn subset(seed: u64, n: usize, k: usize) -> Vec<usize> {
    let mut index: Vec<usize> = (0..n).collect();
    for j in 0..k {
        let t = j + (uniform(seed, j as u64) * (n - j) as f64) as usize;
        index.swap(j, t);
    }
    index.truncate(k);
    index
}

/// A matrix by columns, with what it is to explain.
#[derive(Clone)]
pub(crate) struct Data {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    /// By columns.
    pub(crate) a: Vec<f64>,
    pub(crate) y: Vec<f64>,
}

impl Data {
    pub(crate) fn column(&self, j: usize) -> &[f64] {
        &self.a[j * self.rows..(j + 1) * self.rows]
    }

    pub(crate) fn apply(&self, w: &[f64]) -> Vec<f64> {
        let mut z = vec![0.0; self.rows];
        for (j, &w) in w.iter().enumerate() {
            z.iter_mut().zip(self.column(j)).for_each(|(z, a)| *z += w * a);
        }
        z
    }

    pub(crate) fn slope(&self, j: usize, v: &[f64]) -> f64 {
        self.column(j).iter().zip(v).map(|(a, v)| a * v).sum()
    }

    /// Offsets, rows and values of the columns without their zeros.
    pub(crate) fn sparse(&self) -> (Vec<u32>, Vec<u32>, Vec<f64>) {
        let (mut offsets, mut rows, mut values) = (vec![0], vec![], vec![]);
        for j in 0..self.columns {
            for (i, &a) in self.column(j).iter().enumerate().filter(|(_, a)| **a != 0.0) {
                rows.push(i as u32);
                values.push(a);
            }
            offsets.push(rows.len() as u32);
        }
        (offsets, rows, values)
    }
}

/// Normal columns, each correlated with the one before it.
fn autoregressive(seed: u64, rows: usize, columns: usize, rho: f64) -> Vec<f64> {
    let mut a = vec![0.0; rows * columns];
    let rest = (1.0 - rho * rho).sqrt();
    for i in 0..rows {
        let mut last = 0.0;
        for j in 0..columns {
            let z = normal(seed, (i * columns + j) as u64);
            last = if j == 0 { z } else { rho * last + rest * z };
            a[j * rows + i] = last;
        }
    }
    a
}

/// +1, −1, +1, … on a random support.
fn truth(seed: u64, columns: usize, count: usize) -> Vec<f64> {
    let mut w = vec![0.0; columns];
    for (k, j) in subset(seed, columns, count).into_iter().enumerate() {
        w[j] = if k % 2 == 0 { 1.0 } else { -1.0 };
    }
    w
}

fn noisy(rows: usize, columns: usize, a: Vec<f64>, w: &[f64], noise: f64, seed: u64) -> Data {
    let mut data = Data { rows, columns, a, y: vec![] };
    data.y = data.apply(w);
    data.y.iter_mut().enumerate().for_each(|(i, y)| *y += noise * normal(seed, i as u64));
    data
}

pub(crate) fn dense() -> Data {
    noisy(200, 1000, autoregressive(1001, 200, 1000, 0.0), &truth(1002, 1000, 20), 0.5, 1003)
}

pub(crate) fn correlated() -> Data {
    noisy(200, 2000, autoregressive(1011, 200, 2000, 0.9), &truth(1012, 2000, 20), 0.5, 1013)
}

pub(crate) fn sparse() -> Data {
    let (rows, columns) = (1000, 5000);
    let mut a = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            let k = (i * columns + j) as u64;
            if uniform(1022, k) < 0.01 {
                a[j * rows + i] = normal(1021, k);
            }
        }
    }
    noisy(rows, columns, a, &truth(1023, columns, 50), 0.1, 1024)
}

/// Two classes.
pub(crate) fn classes() -> Data {
    let (rows, columns) = (300, 600);
    let mut data =
        noisy(rows, columns, autoregressive(1031, rows, columns, 0.5), &truth(1032, columns, 20), 0.0, 1033);
    for (i, y) in data.y.iter_mut().enumerate() {
        *y = if uniform(1033, i as u64) < 1.0 / (1.0 + (-*y).exp()) { 1.0 } else { -1.0 };
    }
    data
}

/// Lines of numbers, the last of each being what is to be explained; lines that begin with # are comments.
pub(crate) fn csv(text: &str) -> Data {
    let lines: Vec<Vec<f64>> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(',').map(|word| word.parse().expect("sound input")).collect())
        .collect();
    let (rows, columns) = (lines.len(), lines[0].len() - 1);
    let a = (0..columns).flat_map(|j| lines.iter().map(move |line| line[j])).collect();
    Data { rows, columns, a, y: lines.iter().map(|line| line[columns]).collect() }
}

/// Diabetes, y less its mean.
pub(crate) fn diabetes() -> Data {
    let mut data = csv(include_str!("../../../std-adapters/tests/data/diabetes.csv"));
    let mean = data.y.iter().sum::<f64>() / data.rows as f64;
    data.y.iter_mut().for_each(|y| *y -= mean);
    data
}

/// Breast cancer, columns less their means, divided by their deviations.
pub(crate) fn cancer() -> Data {
    let mut data = csv(include_str!("../../../std-adapters/tests/data/breast_cancer.csv"));
    let n = data.rows as f64;
    for column in data.a.chunks_exact_mut(data.rows) {
        let mean = column.iter().sum::<f64>() / n;
        column.iter_mut().for_each(|a| *a -= mean);
        let deviation = (column.iter().map(|a| a * a).sum::<f64>() / n).sqrt();
        column.iter_mut().for_each(|a| *a /= deviation);
    }
    data
}
