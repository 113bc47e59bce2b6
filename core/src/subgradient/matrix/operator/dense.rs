//! Dense measurement matrices.

use southwell_simd::{dense, vector};

use super::{Operator, check_dimensions, formed, piece, pieces};
use crate::linear::check_finite;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};
use crate::{Error, Real};

/// Any matrices A_i, stored one after the other, each by rows.
///
/// An iteration reads them once: Q takes up one A_i from cache while the next comes from memory. 4 operations
/// an entry of the A_i, 6 d₁ d₂ r besides, and up to 20 products with Q for the norm of a step.
#[derive(Clone, Copy, Debug)]
pub struct Dense<'a, T> {
    values: &'a [T],
    rows: usize,
    columns: usize,
    count: usize,
}

impl<'a, T: Real> Dense<'a, T> {
    /// Entry (j, k) of A_i at `(i·rows + j)·columns + k`. Cost: one pass, which looks for NaN.
    ///
    /// # Errors
    /// [`Error::Option`] without rows or columns; [`Error::Dimension`] if the last matrix is not whole;
    /// [`Error::Value`] for a NaN or an infinity.
    pub fn new(values: &'a [T], rows: usize, columns: usize) -> Result<Self, Error> {
        let count = pieces("values", values.len(), check_dimensions(rows, columns)?)?;
        check_finite("values", values)?;
        Ok(Self { values, rows, columns, count })
    }

    /// Elements of scratch: W = U Vᵀ and Q.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.entries().saturating_mul(2)
    }
}

impl<T: Real> Operator<T> for Dense<'_, T> {
    fn count(&self) -> usize {
        self.count
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Self::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], _gradient: &mut Gradient<'_, T>) {
        let (w, q) = formed::halves(scratch, x.shape.entries());
        x.multiply_out(w);
        q.fill(T::ZERO);
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        let n = x.shape.entries();
        vector::dot(piece(self.values, i, n), formed::halves(scratch, n).0)
    }
    fn accumulate(&self, i: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let n = x.shape.entries();
        vector::axpy(w, piece(self.values, i, n), formed::halves(scratch, n).1);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        formed::close(scale, x, formed::halves(scratch, x.shape.entries()).1, gradient);
    }
    fn formed<'s>(&self, shape: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        scratch.get(shape.entries()..)
    }
    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        weigh: impl FnMut(usize, T) -> T,
    ) {
        self.open(x, scratch, gradient);
        let n = x.shape.entries();
        let (w, q) = formed::halves(scratch, n);
        dense::update_rows(dense::Matrix { values: self.values, columns: n, stride: n }, w, q, weigh);
        self.close(scale, x, scratch, gradient);
    }
}
