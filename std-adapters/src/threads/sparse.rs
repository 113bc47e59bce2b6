//! Products with a sparse matrix, in natural order.

use southwell::Real;
use southwell::linear::{Csr, Matrix};
use southwell_simd::{Lanes, csr};

use super::Threaded;

/// Rows that are worth handing over.
const LEAST: usize = 1 << 11;

/// Rows whose squares are added up together, in order.
const BLOCK: usize = 1 << 12;

/// Rows are shared out; each has the bits of one thread, the square of a residual is added up in blocks of 4096 rows.
impl<T: Real> Matrix<T> for Threaded<'_, Csr<'_, T>> {
    fn order(&self) -> usize {
        self.inner.order()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.inner.diagonal(row)
    }
    fn off_diagonal(&self, row: usize) -> T {
        self.inner.off_diagonal(row)
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        let (rows, part) = (self.inner.parts(), self.pool.part(y.len(), LEAST));
        self.pool.each(y.chunks_mut(part).enumerate(), |(k, y)| {
            for (row, y) in (k * part..).zip(y) {
                // The negative of a rounded sum is the rounded sum of the negatives.
                *y = T::ZERO - csr::row_residual(rows, row, T::ZERO, x);
            }
        });
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        let (rows, part) = (self.inner.parts(), self.pool.part(r.len(), LEAST));
        self.pool.each(r.chunks_mut(part).zip(rhs.chunks(part)).enumerate(), |(k, (r, rhs))| {
            for (row, (r, &b)) in (k * part..).zip(r.iter_mut().zip(rhs)) {
                *r = csr::row_residual(rows, row, b, x);
            }
        });
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        let rows = self.inner.parts();
        let mut squares = vec![T::ZERO; rhs.len().div_ceil(BLOCK)];
        self.pool.each(squares.iter_mut().zip(rhs.chunks(BLOCK)).enumerate(), |(k, (square, rhs))| {
            let mut lanes = Lanes::default();
            for (i, &b) in rhs.iter().enumerate() {
                let r = csr::row_residual(rows, k * BLOCK + i, b, x);
                lanes.add_at(i, r * r);
            }
            *square = lanes.sum();
        });
        squares.into_iter().fold(T::ZERO, |sum, square| sum + square)
    }
}
