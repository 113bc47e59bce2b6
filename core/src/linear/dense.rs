//! A dense square matrix by rows.

use southwell_simd::dense;

use super::{Matrix, check_finite};
use crate::{Error, Real};

/// A dense square matrix stored by rows, entry (i, j) at `i·stride + j`.
///
/// ```
/// use southwell::linear::{Dense, Matrix};
/// let a = Dense::new(&[4.0, -1.0, -1.0, 4.0], 2, 2)?;
/// let mut y = [0.0; 2];
/// a.apply(&[1.0, 2.0], &mut y);
/// assert_eq!(y, [2.0, 7.0]);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T> {
    values: &'a [T],
    order: usize,
    stride: usize,
}

impl<'a, T: Real> Dense<'a, T> {
    /// A view of `order` rows of `order` entries, `stride` apart (the leading dimension). The last
    /// row may lack its padding.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `values` is shorter than `(order − 1)·stride + order` or longer than
    /// `order·stride`; [`Error::Option`] if `stride < order`; [`Error::Value`] for a NaN or an
    /// infinity among the entries (padding is not looked at). Cost: one pass.
    pub fn new(values: &'a [T], order: usize, stride: usize) -> Result<Self, Error> {
        if stride < order {
            return Err(Error::Option { name: "stride", requirement: "must not be smaller than the order" });
        }
        let most = order.saturating_mul(stride);
        let least = order.saturating_sub(1).saturating_mul(stride).saturating_add(order);
        let least = if order == 0 { 0 } else { least };
        if values.len() < least || values.len() > most {
            let expected = if values.len() < least { least } else { most };
            return Err(Error::Dimension { argument: "values", expected, given: values.len() });
        }
        for (row, entries) in values.chunks(stride.max(1)).enumerate() {
            let entries = entries.get(..order).unwrap_or(entries);
            if let Err(Error::Value { argument, index }) = check_finite("values", entries) {
                return Err(Error::Value {
                    argument,
                    index: row.saturating_mul(stride).saturating_add(index),
                });
            }
        }
        Ok(Self { values, order, stride })
    }

    pub(crate) fn parts(&self) -> dense::Matrix<'a, T> {
        dense::Matrix { values: self.values, columns: self.order, stride: self.stride }
    }

    /// The entries of a row; empty if there is no such row.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [T] {
        let start = row.saturating_mul(self.stride);
        self.values.get(start..start.saturating_add(self.order)).unwrap_or(&[])
    }
}

impl<T: Real> Matrix<T> for Dense<'_, T> {
    fn order(&self) -> usize {
        self.order
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.row(row).get(row).copied()
    }
    fn off_diagonal(&self, row: usize) -> T {
        let entries = self.row(row).iter().enumerate().filter(|&(column, _)| column != row);
        entries.fold(T::ZERO, |sum, (_, &a)| sum + a.abs())
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        dense::apply(self.parts(), x, y);
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        dense::residual(self.parts(), rhs, x, r);
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        dense::residual_square(self.parts(), rhs, x)
    }
}
