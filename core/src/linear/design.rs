//! A design matrix, read by columns.

use crate::Real;

/// A matrix of n rows (samples) and p columns (features), read by columns: what coordinate methods need to know.
///
/// A caller's own design implements it with plain methods over slices. Vectors over the samples have length
/// [`rows`](Design::rows), vectors over the features length [`columns`](Design::columns); a method that is
/// handed a column that does not exist finds it empty.
pub trait Design<T: Real> {
    /// Rows: samples, n.
    fn rows(&self) -> usize;
    /// Columns: features, p.
    fn columns(&self) -> usize;
    /// Calls `each(row, value)` for the stored entries of a column, first row first.
    fn visit(&self, column: usize, each: impl FnMut(usize, T));
    /// a_jᵀ v. Cost: the column.
    fn dot(&self, column: usize, v: &[T]) -> T;
    /// v ← v + α a_j. Cost: the column.
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]);
    /// a_jᵀ a_k. Cost: both columns.
    fn gram(&self, column: usize, other: usize) -> T;
    /// a_jᵀ diag(w) a_k. Cost: both columns and w.
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T;
    /// out ← Aᵀ v, each element with the bits of [`dot`](Design::dot). Cost: one pass over the matrix.
    fn transposed(&self, v: &[T], out: &mut [T]);
    /// out ← A x. Cost: one pass over the matrix.
    fn apply(&self, x: &[T], out: &mut [T]);

    /// out_k ← a_jᵀ v of the columns j from `first` on, as many as `out` holds; the bits of [`dot`](Design::dot). Cost: these
    /// columns.
    fn transposed_from(&self, first: usize, v: &[T], out: &mut [T]) {
        for (k, out) in out.iter_mut().enumerate() {
            *out = self.dot(first.saturating_add(k), v);
        }
    }
    /// out_k ← a_jᵀ v of the columns j in a list, as many as `columns` and `out` both hold; the bits of [`dot`](Design::dot).
    /// Cost: these columns.
    fn dots(&self, columns: &[u32], v: &[T], out: &mut [T]) {
        for (&column, out) in columns.iter().zip(out) {
            *out = self.dot(column as usize, v);
        }
    }
    /// out ← Aᵀ v, the bits of [`transposed`](Design::transposed), and squares_j ← ‖a_j‖², which may differ from
    /// [`square`](Design::square) in rounding. Cost: one pass over the matrix.
    fn transposed_squares(&self, v: &[T], out: &mut [T], squares: &mut [T]) {
        for (column, (out, square)) in out.iter_mut().zip(squares).enumerate() {
            (*out, *square) = (self.dot(column, v), self.square(column));
        }
    }

    /// ‖a_j‖². Cost: the column.
    fn square(&self, column: usize) -> T {
        self.gram(column, column)
    }

    /// v ← v + α diag(w) a_j, each element by α·(w_i·a_ij). Cost: the column and w.
    fn add_weighted(&self, column: usize, alpha: T, w: &[T], v: &mut [T]) {
        self.visit(column, |row, a| {
            if let (Some(v), Some(&w)) = (v.get_mut(row), w.get(row)) {
                *v += alpha * (w * a);
            }
        });
    }

    /// What a product with a column costs: its stored entries. Methods go by it when they choose between ways that
    /// differ in rounding only. Cost: none.
    fn entries(&self, _column: usize) -> usize {
        self.rows()
    }
}

/// A reference to a design is a design.
impl<T: Real, A: Design<T> + ?Sized> Design<T> for &A {
    fn rows(&self) -> usize {
        (**self).rows()
    }
    fn columns(&self) -> usize {
        (**self).columns()
    }
    fn visit(&self, column: usize, each: impl FnMut(usize, T)) {
        (**self).visit(column, each);
    }
    fn dot(&self, column: usize, v: &[T]) -> T {
        (**self).dot(column, v)
    }
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]) {
        (**self).add_scaled(column, alpha, v);
    }
    fn gram(&self, column: usize, other: usize) -> T {
        (**self).gram(column, other)
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T {
        (**self).weighted_gram(column, other, w)
    }
    fn transposed(&self, v: &[T], out: &mut [T]) {
        (**self).transposed(v, out);
    }
    fn transposed_from(&self, first: usize, v: &[T], out: &mut [T]) {
        (**self).transposed_from(first, v, out);
    }
    fn dots(&self, columns: &[u32], v: &[T], out: &mut [T]) {
        (**self).dots(columns, v, out);
    }
    fn transposed_squares(&self, v: &[T], out: &mut [T], squares: &mut [T]) {
        (**self).transposed_squares(v, out, squares);
    }
    fn apply(&self, x: &[T], out: &mut [T]) {
        (**self).apply(x, out);
    }
    fn square(&self, column: usize) -> T {
        (**self).square(column)
    }
    fn add_weighted(&self, column: usize, alpha: T, w: &[T], v: &mut [T]) {
        (**self).add_weighted(column, alpha, w, v);
    }
    fn entries(&self, column: usize) -> usize {
        (**self).entries(column)
    }
}
