//! Random problems, and how they are solved here and by nalgebra. The example `accuracy` uses this file as well.
#![allow(dead_code, reason = "the tests and the example use different parts")]

use nalgebra::{DMatrix, DVector};
use southwell::linear::Dense;
use southwell::relaxation::{Auto, Fixed, Problem, cg, sor, ssor_cg};
use southwell::{Error, Real, Report, Stop};

/// Numbers that are the same everywhere (SplitMix64, Steele, Lea & Flood 2014).
#[derive(Clone, Debug)]
pub(crate) struct Stream(pub(crate) u64);

impl Stream {
    fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// In [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.word() >> 11) as f64 * (0.5_f64).powi(53)
    }

    /// In [−1, 1).
    pub(crate) fn signed(&mut self) -> f64 {
        2.0 * self.unit() - 1.0
    }

    /// In `from..to`.
    pub(crate) fn whole(&mut self, from: usize, to: usize) -> usize {
        from + (self.unit() * (to - from) as f64) as usize
    }

    pub(crate) fn vector(&mut self, n: usize) -> Vec<f64> {
        (0..n).map(|_| self.signed()).collect()
    }
}

/// A symmetric positive definite matrix, turned by four reflections, whose eigenvalues lie evenly on a logarithmic
/// scale between 1 and 1/κ. Exactly symmetric.
pub(crate) fn conditioned(n: usize, condition: f64, stream: &mut Stream) -> Vec<f64> {
    let mut a = DMatrix::zeros(n, n);
    for i in 0..n {
        let share = if n > 1 { i as f64 / (n - 1) as f64 } else { 0.0 };
        a[(i, i)] = condition.powf(-share);
    }
    for _ in 0..4 {
        let v = DVector::from_vec(stream.vector(n)).normalize();
        let reflection = DMatrix::identity(n, n) - 2.0 * &v * v.transpose();
        a = &reflection * a * &reflection;
    }
    let a = 0.5 * (&a + a.transpose());
    a.iter().copied().collect()
}

/// What the type keeps of these numbers.
pub(crate) fn rounded<T: Real>(x: &[f64]) -> Vec<f64> {
    x.iter().map(|&x| T::from_f64(x).to_f64()).collect()
}

pub(crate) fn cast<T: Real>(x: &[f64]) -> Vec<T> {
    x.iter().map(|&x| T::from_f64(x)).collect()
}

pub(crate) fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

/// b − A x in double precision.
pub(crate) fn residual(a: &[f64], b: &[f64], x: &[f64]) -> Vec<f64> {
    let product = |row: &[f64]| row.iter().zip(x).map(|(a, x)| a * x).sum::<f64>();
    a.chunks(b.len()).zip(b).map(|(row, b)| b - product(row)).collect()
}

/// A⁻¹ b by nalgebra's LU with pivoting, with three steps of refinement.
pub(crate) fn by_elimination(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = b.len();
    let factors = DMatrix::from_row_slice(n, n, a).lu();
    let mut x = DVector::zeros(n);
    for _ in 0..4 {
        let rest = DVector::from_vec(residual(a, b, x.as_slice()));
        x += factors.solve(&rest).expect("a matrix that can be inverted");
    }
    x.as_slice().to_vec()
}

/// The three methods for systems.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Method {
    Ssor,
    SsorCg,
    Cg,
}

/// Solves from zero in this precision; x as doubles.
pub(crate) fn by_relaxation<T: Real>(
    method: Method,
    a: &[f64],
    b: &[f64],
    stop: Stop<T>,
) -> Result<(Vec<f64>, Report<T>), Error> {
    let (n, values, rhs) = (b.len(), cast::<T>(a), cast::<T>(b));
    let view = Dense::new(&values, n, n)?;
    let problem = Problem::new(&view, &rhs)?;
    let mut x = vec![T::ZERO; n];
    let report = match method {
        Method::Ssor => {
            let mut storage = vec![T::NAN; sor::Workspace::<T>::required_len(n, n)];
            let workspace = sor::Workspace::new(&problem, &mut storage)?;
            let options = sor::Options { sweep: sor::Sweep::Symmetric, stop, ..sor::Options::default() };
            sor::solve(&problem, &options, &mut Fixed(T::ONE), &mut x, workspace, &mut ())?
        }
        Method::SsorCg => {
            let mut storage = vec![T::NAN; ssor_cg::Workspace::<T>::required_len(n, 2 * n)];
            let workspace = ssor_cg::Workspace::new(&problem, &mut storage)?;
            let options = ssor_cg::Options { stop, ..ssor_cg::Options::default() };
            ssor_cg::solve(&problem, &options, &mut Auto::new()?, &mut x, workspace, &mut ())?
        }
        Method::Cg => {
            let mut storage = vec![T::NAN; cg::Workspace::<T>::required_len(n)];
            let workspace = cg::Workspace::new(&problem, &mut storage)?;
            cg::solve(&problem, &cg::Options { stop, ..cg::Options::default() }, &mut x, workspace, &mut ())?
        }
    };
    Ok((x.iter().map(|x| x.to_f64()).collect(), report))
}

/// The least cost of an assignment, rows to columns, by successive shortest paths (Kuhn 1955, Munkres 1957).
pub(crate) fn assignment(n: usize, cost: impl Fn(usize, usize) -> f64) -> f64 {
    // Row 0 and column 0 are none: `row_of[j]` is the row that has column j.
    let (mut u, mut v) = (vec![0.0; n + 1], vec![0.0; n + 1]);
    let (mut row_of, mut before) = (vec![0; n + 1], vec![0; n + 1]);
    for row in 1..=n {
        row_of[0] = row;
        let (mut least, mut used) = (vec![f64::INFINITY; n + 1], vec![false; n + 1]);
        let mut column = 0;
        while row_of[column] != 0 {
            used[column] = true;
            let (i, mut delta, mut next) = (row_of[column], f64::INFINITY, 0);
            for j in (1..=n).filter(|&j| !used[j]) {
                let reduced = cost(i - 1, j - 1) - u[i] - v[j];
                if reduced < least[j] {
                    (least[j], before[j]) = (reduced, column);
                }
                if least[j] < delta {
                    (delta, next) = (least[j], j);
                }
            }
            for j in 0..=n {
                if used[j] {
                    u[row_of[j]] += delta;
                    v[j] -= delta;
                } else {
                    least[j] -= delta;
                }
            }
            column = next;
        }
        while column != 0 {
            row_of[column] = row_of[before[column]];
            column = before[column];
        }
    }
    (1..=n).map(|j| cost(row_of[j] - 1, j - 1)).sum()
}
