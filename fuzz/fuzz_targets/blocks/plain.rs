//! The same problems and partitions in plain loops.

use southwell::Real;
use southwell::descent::penalties::Shape;

/// What is added to f.
pub enum Added {
    Each(Vec<Shape<f64>>),
    /// λ of every block.
    Group(Vec<f64>),
    Simplex(f64),
}

/// f = ½xᵀQx − cᵀx with Q = `rows`, or ½‖Ax − y‖² with A = `design` by columns, and what is added.
pub struct Plain {
    pub rows: Vec<Vec<f64>>,
    pub design: Vec<f64>,
    pub target: Vec<f64>,
    pub added: Added,
    /// Blocks of a penalty that has some.
    pub blocks: Vec<Vec<usize>>,
}

/// F, ∇f, and the size of the terms behind a derivative and behind a value.
pub struct Look {
    pub value: f64,
    pub gradient: Vec<f64>,
    pub slopes: f64,
    pub size: f64,
}

pub fn wide<T: Real>(x: &[T]) -> Vec<f64> {
    x.iter().map(|x| x.to_f64()).collect()
}

fn norm(x: impl Iterator<Item = f64> + Clone) -> f64 {
    southwell_fuzz::norm(x)
}

fn pick(block: &[usize], from: &[f64]) -> Vec<f64> {
    block.iter().map(|&i| from[i]).collect()
}

impl Plain {
    /// The matrix of second derivatives.
    pub fn curvature(&self, i: usize, j: usize) -> f64 {
        if self.design.is_empty() {
            return self.rows[i][j];
        }
        let n = self.target.len();
        (0..n).map(|k| self.design[i * n + k] * self.design[j * n + k]).sum()
    }

    pub fn look(&self, x: &[f64]) -> Look {
        let p = x.len() as f64;
        let largest = x.iter().fold(1.0_f64, |m, x| m.max(x.abs()));
        let (f, gradient, mut slopes) = if self.design.is_empty() {
            let product = |row: &Vec<f64>| row.iter().zip(x).map(|(q, x)| q * x).sum::<f64>();
            let size = |row: &Vec<f64>| row.iter().map(|q| q.abs()).sum::<f64>() * largest;
            let g: Vec<f64> = self.rows.iter().zip(&self.target).map(|(row, c)| product(row) - c).collect();
            let f = x.iter().zip(&g).zip(&self.target).map(|((x, g), c)| 0.5 * x * (g - c)).sum::<f64>();
            let slopes = self.rows.iter().map(size).chain(self.target.iter().map(|c| c.abs()));
            (f, g, slopes.fold(1.0, f64::max))
        } else {
            let n = self.target.len();
            let mut r: Vec<f64> = self.target.iter().map(|y| -y).collect();
            for (column, x) in self.design.chunks(n).zip(x) {
                column.iter().zip(&mut r).for_each(|(a, r)| *r += a * x);
            }
            let dot = |column: &[f64]| column.iter().zip(&r).map(|(a, r)| a * r).sum();
            let g: Vec<f64> = self.design.chunks(n).map(dot).collect();
            let most = self.design.iter().chain(&self.target).fold(1.0_f64, |m, a| m.max(a.abs()));
            let f = 0.5 * r.iter().map(|r| r * r).sum::<f64>();
            (f, g, (most * largest * p + most) * most * n as f64)
        };
        let h = match &self.added {
            Added::Each(shapes) => {
                let steepest = |h: &Shape<f64>| h.l1 + h.linear.abs() + h.l2 * largest;
                slopes += shapes.iter().map(steepest).fold(0.0, f64::max);
                shapes.iter().zip(x).map(|(h, x)| h.value(*x)).sum::<f64>()
            }
            Added::Group(lambda) => {
                slopes += lambda.iter().fold(0.0, |m: f64, l| m.max(*l));
                let of = |(block, lambda): (&Vec<usize>, &f64)| lambda * norm(block.iter().map(|&i| x[i]));
                self.blocks.iter().zip(lambda).map(of).sum()
            }
            Added::Simplex(l2) => {
                slopes += l2 * largest;
                0.5 * l2 * x.iter().map(|x| x * x).sum::<f64>()
            }
        };
        // A value is products of slopes and variables; f of least squares is no larger than that either.
        Look { value: f + h, gradient, slopes, size: slopes * largest * p }
    }

    /// dist(−g, ∂h) of one block, or of one variable.
    pub fn violation_of(&self, number: usize, block: &[usize], x: &[f64], g: &[f64]) -> f64 {
        let (x_b, g_b) = (pick(block, x), pick(block, g));
        match &self.added {
            Added::Each(shapes) => norm(block.iter().map(|&i| {
                let (h, x, g) = (&shapes[i], x[i], g[i]);
                let slope = g + h.linear + h.l2 * x;
                // How much F falls to the right and to the left.
                let right = -(slope + if x >= 0.0 { h.l1 } else { -h.l1 });
                let left = slope + if x <= 0.0 { -h.l1 } else { h.l1 };
                let right = if x >= h.upper { 0.0 } else { right };
                let left = if x <= h.lower { 0.0 } else { left };
                right.max(left).max(0.0)
            })),
            Added::Group(lambda) => {
                let length = norm(x_b.iter().copied());
                if length == 0.0 {
                    return (norm(g_b.iter().copied()) - lambda[number]).max(0.0);
                }
                norm(g_b.iter().zip(&x_b).map(|(g, x)| g + lambda[number] * (x / length)))
            }
            Added::Simplex(l2) => {
                let slopes: Vec<f64> = g_b.iter().zip(&x_b).map(|(g, x)| g + l2 * x).collect();
                let off = |nu: f64, (s, x): (&f64, &f64)| if *x > 0.0 { s - nu } else { (s - nu).min(0.0) };
                // The derivative of Σ off² by ν rises: its root by bisection.
                let (mut low, mut high) =
                    slopes.iter().fold((f64::MAX, f64::MIN), |(l, h), s| (l.min(*s), h.max(*s)));
                for _ in 0..200 {
                    let nu = 0.5 * low + 0.5 * high;
                    let rises = slopes.iter().zip(&x_b).map(|each| off(nu, each)).sum::<f64>() < 0.0;
                    if rises { high = nu } else { low = nu }
                }
                norm(slopes.iter().zip(&x_b).map(|each| off(high, each)))
            }
        }
    }

    /// The largest violation.
    pub fn violation(&self, x: &[f64], g: &[f64]) -> f64 {
        if let Added::Each(_) = self.added {
            return (0..x.len()).map(|i| self.violation_of(0, &[i], x, g)).fold(0.0, f64::max);
        }
        let each = self.blocks.iter().enumerate();
        each.map(|(number, block)| self.violation_of(number, block, x, g)).fold(0.0, f64::max)
    }

    /// gᵀH⁻¹g of a block of a positive definite matrix.
    pub fn gain(&self, block: &[usize], g: &[f64]) -> f64 {
        let n = block.len();
        let row = |&i: &usize| block.iter().map(|&j| self.curvature(i, j)).chain([g[i]]).collect();
        let mut rows: Vec<Vec<f64>> = block.iter().map(row).collect();
        for k in 0..n {
            let pivot = rows[k].clone();
            for (_, row) in rows.iter_mut().enumerate().filter(|(i, _)| *i != k) {
                let factor = row[k] / pivot[k];
                row.iter_mut().zip(&pivot).for_each(|(a, b)| *a -= factor * b);
            }
        }
        (0..n).map(|k| g[block[k]] * rows[k][n] / rows[k][k]).sum()
    }

    /// Whether two variables are joined.
    pub fn joined(&self, i: usize, j: usize) -> bool {
        i != j && self.rows[i][j] != 0.0
    }

    /// Whether no path in a block comes back to where it began.
    pub fn is_forest(&self, block: &[usize]) -> bool {
        let edges: usize =
            block.iter().map(|&i| block.iter().filter(|&&j| j < i && self.joined(i, j)).count()).sum();
        let mut left = block.to_vec();
        let mut trees = 0;
        while let Some(root) = left.pop() {
            trees += 1;
            let mut reached = vec![root];
            while let Some(i) = reached.pop() {
                let (next, rest) = left.into_iter().partition(|&j| self.joined(i, j));
                left = rest;
                reached.extend::<Vec<usize>>(next);
            }
        }
        edges + trees == block.len()
    }
}
