//! A dense rectangular matrix by columns.

use southwell_simd::{dense, vector};

use super::{Design, check_finite, check_len};
use crate::{Error, Real};

/// A dense matrix stored by columns without gaps, entry (i, j) at `j·rows + i`.
///
/// ```
/// use southwell::linear::{Columns, Design};
/// // [1 3 5; 2 4 6]
/// let a = Columns::new(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2, 3)?;
/// assert_eq!(a.dot(1, &[1.0, 10.0]), 43.0);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
}

impl<'a, T: Real> Columns<'a, T> {
    /// A view of `columns` columns of `rows` entries.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `values` is not `rows·columns` long; [`Error::Value`] for a NaN or an infinity.
    /// Cost: one pass.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Result<Self, Error> {
        check_len("values", values.len(), rows.saturating_mul(columns))?;
        check_finite("values", values)?;
        Ok(Self { values, rows, columns })
    }

    /// A column; empty if there is no such column.
    #[must_use]
    pub fn column(&self, column: usize) -> &'a [T] {
        let start = column.saturating_mul(self.rows);
        self.values.get(start..start.saturating_add(self.rows)).unwrap_or(&[])
    }

    /// Values, rows and columns.
    #[cfg(feature = "nalgebra")]
    pub(super) fn parts(&self) -> (&'a [T], usize, usize) {
        (self.values, self.rows, self.columns)
    }

    /// The transpose, stored by rows.
    fn by_rows(&self) -> dense::Matrix<'a, T> {
        dense::Matrix { values: self.values, columns: self.rows, stride: self.rows }
    }
}

impl<T: Real> Design<T> for Columns<'_, T> {
    fn rows(&self) -> usize {
        self.rows
    }
    fn columns(&self) -> usize {
        self.columns
    }
    fn visit(&self, column: usize, mut each: impl FnMut(usize, T)) {
        for (row, &value) in self.column(column).iter().enumerate() {
            each(row, value);
        }
    }
    fn dot(&self, column: usize, v: &[T]) -> T {
        vector::dot(self.column(column), v)
    }
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]) {
        vector::axpy(alpha, self.column(column), v);
    }
    fn gram(&self, column: usize, other: usize) -> T {
        vector::dot(self.column(column), self.column(other))
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T {
        vector::dot3(self.column(column), self.column(other), w)
    }
    fn add_weighted(&self, column: usize, alpha: T, w: &[T], v: &mut [T]) {
        vector::scaled_xpby(alpha, w, self.column(column), T::ONE, v);
    }
    fn transposed(&self, v: &[T], out: &mut [T]) {
        if self.rows == 0 {
            out.fill(T::ZERO); // columns without entries are not rows that a pass would see
        }
        dense::apply(self.by_rows(), v, out);
    }
    fn transposed_from(&self, first: usize, v: &[T], out: &mut [T]) {
        let values = self.values.get(first.saturating_mul(self.rows)..).unwrap_or(&[]);
        Columns { values, ..*self }.transposed(v, out);
    }
    fn dots(&self, columns: &[u32], v: &[T], out: &mut [T]) {
        dense::dots_of(self.by_rows(), columns, v, out);
    }
    fn transposed_squares(&self, v: &[T], out: &mut [T], squares: &mut [T]) {
        for (column, (out, square)) in out.iter_mut().zip(squares).enumerate() {
            (*out, *square) = vector::dot_square(v, self.column(column));
        }
    }
    fn apply(&self, x: &[T], out: &mut [T]) {
        dense::apply_transposed(self.by_rows(), x, out);
    }
}
