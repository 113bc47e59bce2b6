//! A matrix to be balanced that owns its entries.

use southwell::transport::balance::{
    Csr, Dense, Problem, Rows, Scalings, ruiz, ruiz::Norm, sinkhorn_knopp, symmetric,
};
use southwell::{Error, Observer, Report, Stop};

use crate::files::matrix_market::Matrix;
use crate::files::{DenseMatrix, SparseMatrix};

/// How a matrix is balanced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balancer {
    /// Sums by Sinkhorn & Knopp's iteration: rows and columns in turn.
    #[default]
    SinkhornKnopp,
    /// Sums by one scaling for rows and columns; the matrix must be symmetric.
    Symmetric,
    /// Norms by Ruiz's equilibration: no sums are asked for, and signs do not matter.
    Ruiz(Norm),
}

/// A matrix, dense or sparse, and the sums that its rows and columns shall have: ones unless given.
///
/// ```
/// use southwell::Stop;
/// use southwell_std::files::{DenseMatrix, matrix_market::Matrix};
/// use southwell_std::owned::{Balance, Balancer};
///
/// # fn main() -> Result<(), southwell::Error> {
/// let matrix = DenseMatrix { rows: 2, columns: 2, values: vec![1.0, 2.0, 3.0, 4.0] };
/// let balance = Balance::new(Matrix::Dense(matrix), None);
/// let balanced = balance.solve(Balancer::SinkhornKnopp, &Stop::relative(1e-9), &mut ())?;
/// assert!(balanced.report.converged());
/// let Matrix::Dense(scaled) = balance.scaled(&balanced.x, &balanced.y) else { unreachable!() };
/// assert!((scaled.values[0] + scaled.values[1] - 1.0).abs() < 1e-8);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Balance {
    matrix: Matrix,
    sums: Option<(Vec<f64>, Vec<f64>)>,
}

/// Scalings, and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Balanced {
    /// x, one for each row.
    pub x: Vec<f64>,
    /// y, one for each column.
    pub y: Vec<f64>,
    /// How the run ended.
    pub report: Report<f64>,
}

impl Balance {
    /// A matrix and the sums of its rows and columns; what does not fit is refused by the methods.
    #[must_use]
    pub fn new(matrix: Matrix, sums: Option<(Vec<f64>, Vec<f64>)>) -> Self {
        Self { matrix, sums }
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &Matrix {
        &self.matrix
    }

    /// Rows and columns.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        match &self.matrix {
            Matrix::Dense(matrix) => (matrix.rows, matrix.columns),
            Matrix::Sparse(matrix) => (matrix.rows, matrix.columns),
        }
    }

    /// Stored entries.
    #[must_use]
    pub fn entries(&self) -> usize {
        match &self.matrix {
            Matrix::Dense(matrix) => matrix.values.len(),
            Matrix::Sparse(matrix) => matrix.values.len(),
        }
    }

    /// Balances from ones.
    ///
    /// # Errors
    /// What the view, the problem and the method refuse.
    pub fn solve(
        &self,
        balancer: Balancer,
        stop: &Stop<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Balanced, Error> {
        match &self.matrix {
            Matrix::Dense(DenseMatrix { rows, columns, values }) => {
                self.run(&Dense::new(values, *rows, *columns, *columns)?, balancer, stop, observer)
            }
            Matrix::Sparse(SparseMatrix { columns, row_offsets, column_indices, values, .. }) => {
                self.run(&Csr::new(row_offsets, column_indices, values, *columns)?, balancer, stop, observer)
            }
        }
    }

    fn run<A: Rows<f64>>(
        &self,
        matrix: &A,
        balancer: Balancer,
        stop: &Stop<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Balanced, Error> {
        let (n, m) = (matrix.rows(), matrix.columns());
        let (mut x, mut y) = (vec![1.0; n], vec![1.0; m]);
        let mut indices = vec![0; sinkhorn_knopp::Workspace::<f64>::required_indices(n, m)];
        let options = sinkhorn_knopp::Options { stop: *stop };
        let problem = || match &self.sums {
            Some((r, c)) => Problem::new(matrix, r, c),
            None => Problem::unit(matrix),
        };
        let scalings = Scalings { x: &mut x, y: &mut y };
        let report = match balancer {
            Balancer::SinkhornKnopp => {
                let problem = problem()?;
                let mut storage = vec![0.0; sinkhorn_knopp::Workspace::<f64>::required_len(n, m)];
                let workspace = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices)?;
                sinkhorn_knopp::solve(&problem, &options, scalings, workspace, observer)?
            }
            Balancer::Symmetric => {
                let problem = problem()?;
                let mut storage = vec![0.0; symmetric::Workspace::<f64>::required_len(n)];
                let workspace = symmetric::Workspace::new(&problem, &mut storage, &mut indices)?;
                let report = symmetric::solve(&problem, &options, scalings.x, workspace, observer)?;
                scalings.y.copy_from_slice(scalings.x);
                report
            }
            Balancer::Ruiz(norm) => {
                let problem = ruiz::Problem::new(matrix, norm)?;
                let mut storage = vec![0.0; ruiz::Workspace::<f64>::required_len(n, m)];
                let workspace = ruiz::Workspace::new(&problem, &mut storage, &mut indices)?;
                ruiz::solve(&problem, &options, scalings, workspace, observer)?
            }
        };
        Ok(Balanced { x, y, report })
    }

    /// diag(x) A diag(y), stored like A. Scalings that are too short count as 0 where they end.
    #[must_use]
    pub fn scaled(&self, x: &[f64], y: &[f64]) -> Matrix {
        let at = |scaling: &[f64], index: usize| scaling.get(index).copied().unwrap_or(0.0);
        let mut scaled = self.matrix.clone();
        match &mut scaled {
            Matrix::Dense(matrix) => {
                for (i, row) in matrix.values.chunks_mut(matrix.columns.max(1)).enumerate() {
                    row.iter_mut().enumerate().for_each(|(j, a)| *a *= at(x, i) * at(y, j));
                }
            }
            Matrix::Sparse(matrix) => {
                let mut rows = matrix.row_offsets.windows(2).enumerate();
                let mut entries = matrix.values.iter_mut().zip(&matrix.column_indices);
                for (i, row) in &mut rows {
                    for (a, &j) in entries.by_ref().take((row[1] - row[0]) as usize) {
                        *a *= at(x, i) * at(y, j as usize);
                    }
                }
            }
        }
        scaled
    }
}
