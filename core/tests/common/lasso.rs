//! The standard problems of sparse regression, with random designs.

use super::streams::{Wide, normal, normals, subset, uniform};

/// Columns of normal numbers, neighbours correlated by rho.
pub(crate) fn correlated(seed: u64, rows: usize, columns: usize, rho: f64) -> Wide {
    let mut values = vec![0.0; rows * columns];
    for i in 0..rows {
        let mut before = 0.0;
        for j in 0..columns {
            let z = normal(seed, i * columns + j);
            before = if j == 0 { z } else { rho * before + (1.0 - rho * rho).sqrt() * z };
            values[j * rows + i] = before;
        }
    }
    Wide { rows, columns, values }
}

/// k weights +1, −1, +1, … on a random support.
pub(crate) fn alternating(seed: u64, columns: usize, k: usize) -> Vec<f64> {
    let mut w = vec![0.0; columns];
    for (j, i) in subset(seed, columns, k).into_iter().enumerate() {
        w[i] = if j % 2 == 0 { 1.0 } else { -1.0 };
    }
    w
}

fn noisy(x: &Wide, w: &[f64], noise: f64, seed: u64) -> Vec<f64> {
    x.times(w).iter().zip(normals(seed, x.rows)).map(|(y, z)| y + noise * z).collect()
}

/// 200 × 1000.
pub(crate) fn dense() -> (Wide, Vec<f64>) {
    let x = correlated(1001, 200, 1000, 0.0);
    let y = noisy(&x, &alternating(1002, 1000, 20), 0.5, 1003);
    (x, y)
}

/// 200 × 2000, neighbours correlated by 0.9.
pub(crate) fn corr() -> (Wide, Vec<f64>) {
    let x = correlated(1011, 200, 2000, 0.9);
    let y = noisy(&x, &alternating(1012, 2000, 20), 0.5, 1013);
    (x, y)
}

/// 1000 × 5000, one entry in a hundred.
pub(crate) fn sparse() -> (Wide, Vec<f64>) {
    let (rows, columns) = (1000, 5000);
    let mut values = vec![0.0; rows * columns];
    for i in 0..rows {
        for j in 0..columns {
            let k = i * columns + j;
            if uniform(1022, k) < 0.01 {
                values[j * rows + i] = normal(1021, k);
            }
        }
    }
    let x = Wide { rows, columns, values };
    let y = noisy(&x, &alternating(1023, columns, 50), 0.1, 1024);
    (x, y)
}

/// 300 × 600 with labels ±1, neighbours correlated by 0.5.
pub(crate) fn labels() -> (Wide, Vec<f64>) {
    let x = correlated(1031, 300, 600, 0.5);
    let z = x.times(&alternating(1032, 600, 20));
    let label = |(i, z): (usize, &f64)| if uniform(1033, i) < 1.0 / (1.0 + (-z).exp()) { 1.0 } else { -1.0 };
    let y = z.iter().enumerate().map(label).collect();
    (x, y)
}

/// ‖Xᵀv‖_∞
pub(crate) fn largest_correlation(x: &Wide, v: &[f64]) -> f64 {
    let column = |c: &[f64]| c.iter().zip(v).map(|(a, b)| a * b).sum::<f64>().abs();
    x.values.chunks(x.rows).map(column).fold(0.0, f64::max)
}

/// The duality gap of ½‖Xw − y‖² + λ‖w‖₁ for the residual r = Xw − y, by plain loops.
pub(crate) fn gap(x: &Wide, y: &[f64], lambda: f64, w: &[f64]) -> f64 {
    let mut rho = y.to_vec();
    for (column, &w) in x.values.chunks(x.rows).zip(w).filter(|(_, w)| **w != 0.0) {
        rho.iter_mut().zip(column).for_each(|(r, a)| *r -= w * a);
    }
    let scale = 1.0 / largest_correlation(x, &rho).max(lambda);
    let primal =
        0.5 * rho.iter().map(|r| r * r).sum::<f64>() + lambda * w.iter().map(|w| w.abs()).sum::<f64>();
    let norm = y.iter().map(|y| y * y).sum::<f64>();
    let away: f64 = rho.iter().zip(y).map(|(r, y)| (r * scale - y / lambda).powi(2)).sum();
    primal - (0.5 * norm - 0.5 * lambda * lambda * away)
}
