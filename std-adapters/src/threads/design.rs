//! Designs of regressions whose products are made by several threads.

use southwell::Real;
use southwell::linear::Design;

use super::Threaded;

/// Entries of a design below which its products are left to the calling thread.
const LEAST: usize = 1 << 15;

/// The products with all columns at once, Aᵀv, are shared out: each thread has columns of its own, and each
/// element has the bits of [`dot`](Design::dot), as it must. What works on one column, or adds columns up, stays
/// with the calling thread.
impl<T: Real, A: Design<T> + Sync> Design<T> for Threaded<'_, A> {
    fn rows(&self) -> usize {
        self.inner.rows()
    }
    fn columns(&self) -> usize {
        self.inner.columns()
    }
    fn visit(&self, column: usize, each: impl FnMut(usize, T)) {
        self.inner.visit(column, each);
    }
    fn dot(&self, column: usize, v: &[T]) -> T {
        self.inner.dot(column, v)
    }
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]) {
        self.inner.add_scaled(column, alpha, v);
    }
    fn gram(&self, column: usize, other: usize) -> T {
        self.inner.gram(column, other)
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T {
        self.inner.weighted_gram(column, other, w)
    }
    fn square(&self, column: usize) -> T {
        self.inner.square(column)
    }
    fn add_weighted(&self, column: usize, alpha: T, w: &[T], v: &mut [T]) {
        self.inner.add_weighted(column, alpha, w, v);
    }
    fn entries(&self, column: usize) -> usize {
        self.inner.entries(column)
    }
    fn apply(&self, x: &[T], out: &mut [T]) {
        self.inner.apply(x, out);
    }
    fn transposed_from(&self, first: usize, v: &[T], out: &mut [T]) {
        self.inner.transposed_from(first, v, out);
    }
    fn dots(&self, columns: &[u32], v: &[T], out: &mut [T]) {
        self.inner.dots(columns, v, out);
    }
    fn transposed_squares(&self, v: &[T], out: &mut [T], squares: &mut [T]) {
        self.inner.transposed_squares(v, out, squares);
    }

    fn transposed(&self, v: &[T], out: &mut [T]) {
        let (n, p) = (self.inner.rows(), out.len());
        if self.pool.threads() == 1 || n.saturating_mul(p) < LEAST {
            return self.inner.transposed(v, out);
        }
        let columns = self.pool.part(p, 1 + LEAST / 4 / n.max(1));
        self.pool.each(out.chunks_mut(columns).enumerate(), |(part, out)| {
            self.inner.transposed_from(part * columns, v, out);
        });
    }
}
