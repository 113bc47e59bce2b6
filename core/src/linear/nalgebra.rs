//! nalgebra's matrices as views and back, without copies (feature `nalgebra`).
//!
//! nalgebra stores by columns, and so does [`Columns`]: they are the same memory. A [`Dense`] is stored by rows: it reads
//! an nalgebra matrix as its transpose, which for a symmetric one, a Hessian or a stiffness matrix, is the same again.
//! Vectors need nothing: a `DVector`'s or `SVector`'s `as_slice` is what a solver takes, and
//! `DVectorView::from_slice` is the way back.
//!
//! ```
//! use nalgebra::{Matrix3, Vector3};
//! use southwell::linear::{Dense, Matrix};
//! use southwell::relaxation::{Fixed, Problem, cg};
//!
//! let a = Matrix3::new(4.0, -1.0, 0.0, -1.0, 4.0, -1.0, 0.0, -1.0, 4.0);
//! let b = Vector3::new(3.0, 2.0, 3.0);
//! let view = Dense::from_nalgebra_transposed(&a)?; // A is symmetric
//! assert_eq!(view.to_nalgebra(), a);
//! let problem = Problem::new(&view, b.as_slice())?;
//! let mut storage = [0.0; cg::Workspace::<f64>::required_len(3)];
//! let workspace = cg::Workspace::new(&problem, &mut storage)?;
//! let mut x = Vector3::zeros();
//! let report = cg::solve(&problem, &cg::Options::default(), x.as_mut_slice(), workspace, &mut ())?;
//! assert!(report.converged() && x.iter().all(|x| (x - 1.0_f64).abs() < 1e-7));
//! # Ok::<(), southwell::Error>(())
//! ```

use nalgebra::{DMatrixView, Dim, Dyn, IsContiguous, Matrix, MatrixView, RawStorage, Scalar, U1};

use super::{Columns, Dense, check_len};
use crate::{Error, Real};

/// A view of an nalgebra-like storage by rows: what [`Dense::to_nalgebra`] gives.
pub type RowsView<'a, T> = MatrixView<'a, T, Dyn, Dyn, Dyn, U1>;

impl<'a, T: Real + Scalar> Columns<'a, T> {
    /// A view of an nalgebra matrix: a `DMatrix`, an `SMatrix`, whatever lies in one piece.
    ///
    /// # Errors
    /// [`Error::Value`] for a NaN or an infinity. Cost: one pass, and no copy.
    pub fn from_nalgebra<R: Dim, C: Dim, S>(matrix: &'a Matrix<T, R, C, S>) -> Result<Self, Error>
    where
        S: RawStorage<T, R, C> + IsContiguous,
    {
        Self::new(matrix.as_slice(), matrix.nrows(), matrix.ncols())
    }

    /// The same memory as nalgebra sees it. Cost: nothing.
    #[must_use]
    pub fn to_nalgebra(&self) -> DMatrixView<'a, T> {
        let (values, rows, columns) = self.parts();
        if !fits(values.len(), (rows, 1), (columns, rows)) {
            return DMatrixView::from_slice(&[], 0, 0); // never: `new` has compared them
        }
        DMatrixView::from_slice(values, rows, columns)
    }
}

impl<'a, T: Real + Scalar> Dense<'a, T> {
    /// The transpose of a square nalgebra matrix: the matrix itself where it is symmetric.
    ///
    /// # Errors
    /// [`Error::Dimension`] if it is not square; [`Error::Value`] for a NaN or an infinity. Cost: one pass, and no copy.
    pub fn from_nalgebra_transposed<R: Dim, C: Dim, S>(matrix: &'a Matrix<T, R, C, S>) -> Result<Self, Error>
    where
        S: RawStorage<T, R, C> + IsContiguous,
    {
        let order = matrix.nrows();
        check_len("matrix", matrix.ncols(), order)?;
        Self::new(matrix.as_slice(), order, order)
    }

    /// The same memory as nalgebra sees it, not transposed: rows are `stride` apart. Cost: nothing.
    #[must_use]
    pub fn to_nalgebra(&self) -> RowsView<'a, T> {
        let matrix = self.parts();
        let (order, stride) = (matrix.columns, matrix.stride);
        let view = |values, order, stride| {
            RowsView::from_slice_with_strides_generic(values, Dyn(order), Dyn(order), Dyn(stride), U1)
        };
        if !fits(matrix.values.len(), (order, stride), (order, 1)) {
            return view(&[], 0, 1); // never: `new` has compared them
        }
        view(matrix.values, order, stride)
    }
}

/// nalgebra's own demand on a slice, so that its assertion is seen to hold.
#[inline(always)]
fn fits(len: usize, (rows, row): (usize, usize), (columns, column): (usize, usize)) -> bool {
    let most = columns.wrapping_mul(column).wrapping_add(rows.wrapping_mul(row)).wrapping_add(1);
    len.wrapping_add(column).wrapping_add(row) >= most
}
