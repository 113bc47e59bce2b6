//! Products with a sparse matrix, in natural order.

use southwell::Real;
use southwell::linear::update::CgUpdate;
use southwell::linear::{Csr, Matrix};
use southwell_simd::csr;

use super::{Threaded, updates};

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
            csr::apply(rows.part(k * part..k * part + y.len()), x, y);
        });
    }
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        let rows = self.inner.parts();
        updates::apply_products(self.pool, x, y, |first, y| {
            csr::apply(rows.part(first..first + y.len()), x, y);
        })
    }
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        updates::update_cg(self.pool, update)
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        let (rows, part) = (self.inner.parts(), self.pool.part(r.len(), LEAST));
        self.pool.each(r.chunks_mut(part).zip(rhs.chunks(part)).enumerate(), |(k, (r, rhs))| {
            csr::residual(rows.part(k * part..k * part + r.len()), rhs, x, r);
        });
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        let rows = self.inner.parts();
        let mut squares = vec![T::ZERO; rhs.len().div_ceil(BLOCK)];
        self.pool.each(squares.iter_mut().zip(rhs.chunks(BLOCK)).enumerate(), |(k, (square, rhs))| {
            *square = csr::residual_square(rows.part(k * BLOCK..k * BLOCK + rhs.len()), rhs, x);
        });
        squares.into_iter().fold(T::ZERO, |sum, square| sum + square)
    }
}
