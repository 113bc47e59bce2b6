//! What the test programs share: numbers, plain systems, plain loops in `f64`, a small LU.
#![allow(dead_code)] // Every test program uses a part of it.

pub(crate) mod any;
pub(crate) mod cases;
pub(crate) mod descending;
pub(crate) mod draws;
pub(crate) mod lasso;
pub(crate) mod methods;
pub(crate) mod sensing;
pub(crate) mod streams;

use southwell::Real;
use southwell::linear::{Csr, Dense, Star, Stencil2d, Stencil3d};

/// A small generator: the tests need numbers, not quality.
#[derive(Clone)]
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
    /// A number in [−½, ½) that `f32` holds exactly, so that both precisions get the same system.
    pub(crate) fn next(&mut self) -> f64 {
        ((self.word() >> 44) as f64) / f64::from(1_u32 << 20) - 0.5
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.word() >> 33) as usize % n
    }
    pub(crate) fn vector(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// Views borrow; a test's arrays may live as long as the test.
pub(crate) fn leak<T>(values: Vec<T>) -> &'static [T] {
    values.leak()
}

/// Rounds to the type under test.
pub(crate) fn cast<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&v| T::from_f64(v)).collect()
}

/// Widens to `f64`.
pub(crate) fn wide<T: Real>(values: &[T]) -> Vec<f64> {
    values.iter().map(|v| v.to_f64()).collect()
}

pub(crate) fn bits<T: Real>(values: &[T]) -> Vec<u64> {
    values.iter().map(|v| v.bits()).collect()
}

pub(crate) fn norm(values: &[f64]) -> f64 {
    values.iter().map(|v| v * v).sum::<f64>().sqrt()
}

pub(crate) fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// A sparse matrix in plain rows of (column, value), columns increasing.
#[derive(Clone, Debug)]
pub(crate) struct Plain(pub(crate) Vec<Vec<(usize, f64)>>);

impl Plain {
    pub(crate) fn order(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn from_dense(rows: &[&[f64]]) -> Self {
        let sparse = |row: &&[f64]| row.iter().copied().enumerate().filter(|e| e.1 != 0.0).collect();
        Plain(rows.iter().map(sparse).collect())
    }

    /// The matrix of a grid; `star(cell)` gives the couplings.
    pub(crate) fn grid(
        planes: usize,
        rows: usize,
        columns: usize,
        star: impl Fn(usize) -> Star<f64>,
    ) -> Self {
        let cell = |k: usize| {
            let (p, i, j) = (k / (rows * columns), k / columns % rows, k % columns);
            let s = star(k);
            let all = [
                (p > 0, k.wrapping_sub(rows * columns), s.down),
                (i > 0, k.wrapping_sub(columns), s.south),
                (j > 0, k.wrapping_sub(1), s.west),
                (true, k, s.centre),
                (j + 1 < columns, k + 1, s.east),
                (i + 1 < rows, k + columns, s.north),
                (p + 1 < planes, k + rows * columns, s.up),
            ];
            all.into_iter().filter(|e| e.0).map(|e| (e.1, e.2)).collect()
        };
        Plain((0..planes * rows * columns).map(cell).collect())
    }

    /// The five-point matrix (4, −1) on n × n cells.
    pub(crate) fn poisson(n: usize) -> Self {
        Self::grid(1, n, n, |_| poisson_star(4.0))
    }

    /// A random pattern with a dominant diagonal, symmetric or not.
    pub(crate) fn random(numbers: &mut Numbers, n: usize, per_row: usize, symmetric: bool) -> Self {
        let mut dense = vec![vec![0.0; n]; n];
        for k in 0..n * per_row {
            let (i, j, value) = (k % n, numbers.below(n), numbers.next());
            dense[i][j] = value;
            if symmetric {
                dense[j][i] = value;
            }
        }
        for (i, row) in dense.iter_mut().enumerate() {
            row[i] = 0.0;
            // Barely dominant, so that runs take a while.
            row[i] = 1.03 * row.iter().map(|a| a.abs()).sum::<f64>() + 0.0625;
            row[i] = f64::from(row[i] as f32);
        }
        Self::from_dense(&dense.iter().map(Vec::as_slice).collect::<Vec<_>>())
    }

    pub(crate) fn get(&self, i: usize, j: usize) -> f64 {
        self.0[i].iter().find(|e| e.0 == j).map_or(0.0, |e| e.1)
    }

    pub(crate) fn apply(&self, x: &[f64]) -> Vec<f64> {
        self.0.iter().map(|row| row.iter().map(|&(j, a)| a * x[j]).sum()).collect()
    }

    pub(crate) fn residual(&self, rhs: &[f64], x: &[f64]) -> Vec<f64> {
        self.apply(x).iter().zip(rhs).map(|(ax, b)| b - ax).collect()
    }

    /// ‖b − A x‖₂ by plain loops in `f64`, and by how much a pass in `T` may differ from it.
    ///
    /// A row of m entries is rounded at most m + 5 times (lanes and tree included), each time by half
    /// an EPSILON of Σ|a||x| + |b|; squaring and summing n of them costs n/16 + 8 more. Doubled for
    /// the rounding of this loop itself where T is `f64`.
    pub(crate) fn look<T: Real>(&self, rhs: &[T], x: &[T]) -> (f64, f64) {
        let (rhs, x, eps) = (wide(rhs), wide(x), T::EPSILON.to_f64());
        let r = norm(&self.residual(&rhs, &x));
        let size = |(row, b): (&Vec<(usize, f64)>, &f64)| {
            let sum: f64 = row.iter().map(|&(j, a)| (a * x[j]).abs()).sum();
            (row.len() as f64 + 5.0) * (sum + b.abs())
        };
        let rows: Vec<f64> = self.0.iter().zip(&rhs).map(size).collect();
        (r, eps * norm(&rows) + eps * (rhs.len() as f64 / 16.0 + 8.0) * r)
    }

    /// Dense rows.
    pub(crate) fn dense_rows(&self) -> Vec<Vec<f64>> {
        let n = self.order();
        let full = |row: &Vec<(usize, f64)>| {
            let mut out = vec![0.0; n];
            row.iter().for_each(|&(j, a)| out[j] = a);
            out
        };
        self.0.iter().map(full).collect()
    }

    /// A⁻¹ b, by the LU below.
    pub(crate) fn solve(&self, rhs: &[f64]) -> Vec<f64> {
        Lu::new(self.dense_rows()).solve(rhs)
    }

    /// Rows and columns in another order: new row k is old row `order[k]`.
    pub(crate) fn permuted(&self, order: &[usize]) -> Self {
        let mut place = vec![0; order.len()];
        order.iter().enumerate().for_each(|(k, &old)| place[old] = k);
        let row = |&old: &usize| {
            let mut row: Vec<_> = self.0[old].iter().map(|&(j, a)| (place[j], a)).collect();
            row.sort_by_key(|e| e.0);
            row
        };
        Plain(order.iter().map(row).collect())
    }

    pub(crate) fn csr<T: Real>(&self) -> Csr<'static, T> {
        let (mut offsets, mut columns, mut values) = (vec![0], vec![], vec![]);
        for row in &self.0 {
            columns.extend(row.iter().map(|e| e.0 as u32));
            values.extend(row.iter().map(|e| T::from_f64(e.1)));
            offsets.push(columns.len() as u32);
        }
        Csr::new(leak(offsets), leak(columns), leak(values)).expect("a valid matrix")
    }

    /// With a leading dimension larger than the order and rubbish in the padding.
    pub(crate) fn dense<T: Real>(&self) -> Dense<'static, T> {
        let (n, stride) = (self.order(), self.order() + 3);
        let mut values = vec![T::NAN; n * stride];
        for (row, out) in self.dense_rows().iter().zip(values.chunks_mut(stride)) {
            out.iter_mut().zip(row).for_each(|(out, &a)| *out = T::from_f64(a));
        }
        Dense::new(leak(values), n, stride).expect("a valid matrix")
    }
}

/// (centre, −1 …): −Δ in two dimensions for 4, in three for 6.
pub(crate) fn poisson_star(centre: f64) -> Star<f64> {
    let m = -1.0;
    let (down, up) = if centre > 5.0 { (m, m) } else { (0.0, 0.0) };
    Star { centre, west: m, east: m, south: m, north: m, down, up }
}

pub(crate) fn cast_star<T: Real>(star: Star<f64>) -> Star<T> {
    star.map(T::from_f64)
}

/// The five-point star (4, −1) on n × n cells.
pub(crate) fn poisson<T: Real>(n: usize) -> Stencil2d<'static, T> {
    Stencil2d::constant(n, n, cast_star(poisson_star(4.0))).expect("a small grid")
}

/// A symmetric positive definite grid matrix with couplings by cell: random conductances between
/// cells, and a small leak to the outside.
pub(crate) fn conductances(
    numbers: &mut Numbers,
    planes: usize,
    rows: usize,
    columns: usize,
) -> Star<Vec<f64>> {
    let n = planes * rows * columns;
    let mut star = Star {
        centre: vec![0.125; n],
        west: vec![0.0; n],
        east: vec![0.0; n],
        south: vec![0.0; n],
        north: vec![0.0; n],
        down: vec![0.0; n],
        up: vec![0.0; n],
    };
    for k in 0..n {
        let (p, i, j) = (k / (rows * columns), k / columns % rows, k % columns);
        let mut couple = |there: bool, other: usize, to: &mut Vec<f64>, back: &mut Vec<f64>| {
            let g = 1.0 + numbers.next();
            if there {
                to[k] = -g;
                back[other] = -g;
                star.centre[k] += g;
                star.centre[other] += g;
            }
        };
        couple(j + 1 < columns, k + 1, &mut star.east, &mut star.west);
        couple(i + 1 < rows, k + columns, &mut star.north, &mut star.south);
        couple(p + 1 < planes, k + rows * columns, &mut star.up, &mut star.down);
    }
    // Sums of few twentieth-bit numbers: exact in f32 as well.
    star
}

/// One cell of arrays by cell.
pub(crate) fn cell_of(star: &Star<Vec<f64>>, k: usize) -> Star<f64> {
    Star {
        centre: star.centre[k],
        west: star.west[k],
        east: star.east[k],
        south: star.south[k],
        north: star.north[k],
        down: star.down[k],
        up: star.up[k],
    }
}

pub(crate) fn leak_star<T: Real>(star: &Star<Vec<f64>>) -> Star<&'static [T]> {
    let l = |v: &[f64]| leak(cast::<T>(v));
    Star {
        centre: l(&star.centre),
        west: l(&star.west),
        east: l(&star.east),
        south: l(&star.south),
        north: l(&star.north),
        down: l(&star.down),
        up: l(&star.up),
    }
}

pub(crate) fn per_cell_2d<T: Real>(
    rows: usize,
    columns: usize,
    star: &Star<Vec<f64>>,
) -> Stencil2d<'static, T> {
    Stencil2d::per_cell(rows, columns, leak_star(star)).expect("a small grid")
}

pub(crate) fn per_cell_3d<T: Real>(
    planes: usize,
    rows: usize,
    columns: usize,
    star: &Star<Vec<f64>>,
) -> Stencil3d<'static, T> {
    Stencil3d::per_cell(planes, rows, columns, leak_star(star)).expect("a small grid")
}

/// Gaussian elimination with partial pivoting: the oracle.
pub(crate) struct Lu {
    lu: Vec<Vec<f64>>,
    order: Vec<usize>,
    odd: bool,
}

impl Lu {
    pub(crate) fn new(mut lu: Vec<Vec<f64>>) -> Self {
        let n = lu.len();
        let mut order: Vec<usize> = (0..n).collect();
        let mut odd = false;
        for k in 0..n {
            let p = (k..n).max_by(|&a, &b| lu[a][k].abs().total_cmp(&lu[b][k].abs())).expect("k < n");
            lu.swap(k, p);
            order.swap(k, p);
            odd ^= k != p;
            let (above, below) = lu.split_at_mut(k + 1);
            let pivot = &above[k];
            for row in below {
                let factor = row[k] / pivot[k];
                row[k] = factor;
                for j in k + 1..n {
                    row[j] -= factor * pivot[j];
                }
            }
        }
        Lu { lu, order, odd }
    }

    pub(crate) fn solve(&self, rhs: &[f64]) -> Vec<f64> {
        let n = rhs.len();
        let mut x: Vec<f64> = self.order.iter().map(|&k| rhs[k]).collect();
        for i in 0..n {
            x[i] -= dot(&self.lu[i][..i], &x[..i]);
        }
        for i in (0..n).rev() {
            x[i] = (x[i] - dot(&self.lu[i][i + 1..], &x[i + 1..])) / self.lu[i][i];
        }
        x
    }

    pub(crate) fn determinant(&self) -> f64 {
        let product: f64 = self.lu.iter().enumerate().map(|(k, row)| row[k]).product();
        if self.odd { -product } else { product }
    }
}
