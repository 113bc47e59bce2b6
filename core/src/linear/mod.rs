//! Borrowed, validated views of matrices.
//!
//! A view checks its arrays once, when it is made; afterwards no pass over it can fail. Views are
//! `Copy` and as large as a few slices; making one anew for changed values costs the check.
//!
//! | view | stores | for |
//! |---|---|---|
//! | [`Dense`] | all entries by rows, with a leading dimension | small or full systems |
//! | [`Csr`] | compressed sparse rows, `u32` indices | everything unstructured |
//! | [`Columns`] | all entries of a rectangular matrix by columns | designs of regressions |
//! | [`Csc`] | compressed sparse columns, rectangular | sparse designs |
//! | [`Stencil2d`] | a five-point star, constant or by cell | grids in the plane |
//! | [`Stencil3d`] | a seven-point star, constant or by cell | grids in space |
//!
//! [`small`] has kernels for small dense matrices in plain slices and arrays: products, factors, substitutions.

mod columns;
mod csc;
mod csr;
mod dense;
mod design;
#[cfg(feature = "nalgebra")]
mod nalgebra;
pub mod small;
mod stencil;
pub mod update;

#[cfg(feature = "nalgebra")]
pub use self::nalgebra::RowsView;
pub use columns::Columns;
pub use csc::Csc;
pub use csr::Csr;
pub use dense::Dense;
pub use design::Design;
pub use southwell_simd::stencil::Star;
pub use stencil::{Stencil2d, Stencil3d};

use self::update::CgUpdate;
use crate::{Error, Real};

/// A square matrix that can be multiplied: what every linear method needs to know.
///
/// A caller's own matrix implements it with plain methods over slices. The slices that come in have
/// length [`order`](Matrix::order).
pub trait Matrix<T: Real> {
    /// Rows, and columns.
    fn order(&self) -> usize;
    /// The diagonal entry of a row; `None` if none is stored.
    fn diagonal(&self, row: usize) -> Option<T>;
    /// Σ |a_ij| over the stored entries of a row besides the diagonal. Cost: the row.
    fn off_diagonal(&self, row: usize) -> T;
    /// y ← A x. Cost: one pass over the matrix.
    fn apply(&self, x: &[T], y: &mut [T]);
    /// r ← b − A x. Cost: one pass over the matrix.
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]);
    /// ‖b − A x‖₂² without storing the residual. Cost: one pass over the matrix.
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T;
    /// y ← A x; yᵀx and xᵀx, in [blocks](update). Cost: one pass over the matrix, and 2 vectors.
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        self.apply(x, y);
        update::dot_square(y, x)
    }
    /// xᵀx, in [blocks](update). Cost: 1 vector.
    fn square(&self, x: &[T]) -> T {
        update::dot(x, x)
    }
    /// The second half of a step of conjugate gradients; ρ'. Cost: 8 vectors.
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        update.run()
    }
}

/// A reference to a matrix is a matrix.
impl<T: Real, A: Matrix<T> + ?Sized> Matrix<T> for &A {
    fn order(&self) -> usize {
        (**self).order()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        (**self).diagonal(row)
    }
    fn off_diagonal(&self, row: usize) -> T {
        (**self).off_diagonal(row)
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        (**self).apply(x, y);
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        (**self).residual(rhs, x, r);
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        (**self).residual_square(rhs, x)
    }
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        (**self).apply_products(x, y)
    }
    fn square(&self, x: &[T]) -> T {
        (**self).square(x)
    }
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        (**self).update_cg(update)
    }
}

/// Refuses the first NaN or infinity of an argument.
pub(crate) fn check_finite<T: Real>(argument: &'static str, x: &[T]) -> Result<(), Error> {
    match southwell_simd::vector::first_not_finite(x) {
        None => Ok(()),
        Some(index) => Err(Error::Value { argument, index }),
    }
}

/// The same, and what is not of the length that is expected.
pub(crate) fn check_vector<T: Real>(argument: &'static str, x: &[T], expected: usize) -> Result<(), Error> {
    check_len(argument, x.len(), expected)?;
    check_finite(argument, x)
}

/// Refuses an argument of the wrong length.
pub(crate) fn check_len(argument: &'static str, given: usize, expected: usize) -> Result<(), Error> {
    if given == expected { Ok(()) } else { Err(Error::Dimension { argument, expected, given }) }
}
