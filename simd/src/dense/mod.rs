//! Passes over dense matrices stored by rows, with a leading dimension.
//!
//! Every product of a row with a vector is a [`dot`](crate::vector::dot) in virtual lanes, and every
//! sum down a column runs from the first row to the last, however many rows a pass takes together.
//! *Cost* counts entries of the matrix, rows m and columns n (r: read, w: written).

mod at_once;
mod fours;
mod fused;
mod product;
mod rank;
mod rows;
mod sections;
mod sweep;

pub use fused::update_rows;
pub use product::{add_transposed, apply, apply_transposed, dots_of, residual, residual_square};
pub use rank::{rank_k, rank_one, symmetric_rank_one};
pub(crate) use rows::dots2;
pub use sections::{section, update_section};
pub use sweep::{solve_lower, solve_upper, sor_sweep};

use crate::Real;

/// A dense matrix stored by rows.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// Entry (i, j) at `i·stride + j`.
    pub values: &'a [T],
    /// Columns.
    pub columns: usize,
    /// Distance of two rows (the leading dimension), ≥ columns.
    pub stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows that are stored.
    #[inline(always)]
    pub(crate) fn count(&self) -> usize {
        self.values.len().div_ceil(self.stride.max(1))
    }

    /// A row; empty if there is no such row. The last one may be stored without its padding.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [T] {
        let start = row.saturating_mul(self.stride);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or(&[])
    }

    /// The rows, first to last.
    #[inline(always)]
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &'a [T]> + use<'a, T> {
        let this = *self;
        (0..self.count()).map(move |row| this.row(row))
    }

    /// Everything from a row on.
    #[inline(always)]
    fn from(&self, row: usize) -> &'a [T] {
        self.values.get(row.saturating_mul(self.stride)..).unwrap_or(&[])
    }

    /// `N` rows from `row` on.
    #[inline(always)]
    fn some_rows<const N: usize>(&self, row: usize) -> [&'a [T]; N] {
        core::array::from_fn(|k| self.row(row.saturating_add(k)))
    }
}

/// A dense matrix stored by rows, for writing.
#[derive(Debug)]
pub struct MatrixMut<'a, T> {
    /// Entry (i, j) at `i·stride + j`.
    pub values: &'a mut [T],
    /// Columns.
    pub columns: usize,
    /// Distance of two rows (the leading dimension), ≥ columns.
    pub stride: usize,
}

impl<T: Real> MatrixMut<'_, T> {
    /// The rows, first to last.
    #[inline(always)]
    fn rows(&mut self) -> impl Iterator<Item = &mut [T]> {
        let columns = self.columns;
        let rows = self.values.chunks_mut(self.stride.max(1));
        rows.map(move |row| row.get_mut(..columns).unwrap_or(&mut []))
    }
}
