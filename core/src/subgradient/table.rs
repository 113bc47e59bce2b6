//! A rectangular table of numbers: rows of observations.

use southwell_simd::dense;

use crate::linear::check_finite;
use crate::{Error, Real};

/// A dense matrix by rows, one row an observation (or a constraint), borrowed and checked once.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
}

impl<'a, T: Real> Table<'a, T> {
    /// A view of rows · columns numbers, entry (i, j) at i·columns + j.
    ///
    /// # Errors
    /// [`Error::Option`] for no rows or no columns; [`Error::Dimension`] for another length; [`Error::Value`] for
    /// a NaN or an infinity. Cost: one pass.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Result<Self, Error> {
        if rows == 0 || columns == 0 {
            return Err(Error::Option { name: "values", requirement: "must have a row and a column" });
        }
        let expected = rows.saturating_mul(columns);
        if values.len() != expected {
            return Err(Error::Dimension { argument: "values", expected, given: values.len() });
        }
        check_finite("values", values)?;
        Ok(Self { values, rows, columns })
    }

    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The numbers, row by row.
    #[must_use]
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// A row; empty if there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [T] {
        let start = row.saturating_mul(self.columns);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or(&[])
    }

    pub(crate) fn parts(&self) -> dense::Matrix<'a, T> {
        dense::Matrix { values: self.values, columns: self.columns, stride: self.columns }
    }
}
