//! A rectangular matrix in compressed sparse column form.

use core::cmp::Ordering;

use southwell_simd::{csr, vector};

use super::Design;
use super::csr::check_sparse;
use crate::{Error, Real};

/// A rectangular matrix in compressed sparse column (CSC) form with `u32` indices.
///
/// ```
/// use southwell::linear::{Csc, Design};
/// // [1 0; 0 3; 2 0]
/// let a = Csc::new(&[0, 2, 3], &[0, 2, 1], &[1.0, 2.0, 3.0], 3)?;
/// assert_eq!(a.dot(0, &[1.0, 10.0, 100.0]), 201.0);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Csc<'a, T> {
    /// The transpose by rows.
    columns: csr::Rows<'a, T>,
}

impl<'a, T: Real> Csc<'a, T> {
    /// A view of `offsets.len() − 1` columns of `rows` entries; column j holds entries
    /// `offsets[j]..offsets[j + 1]` of `indices` (rows) and `values`.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `offsets` is empty, or if `indices` and `values` differ in length from each other
    /// or from the last offset; [`Error::Structure`] if the first offset is not 0, an offset decreases, a row
    /// does not exist, or the rows of a column are not strictly increasing; [`Error::Value`] for a NaN or an
    /// infinity. Cost: one pass over the three arrays.
    pub fn new(offsets: &'a [u32], indices: &'a [u32], values: &'a [T], rows: usize) -> Result<Self, Error> {
        check_sparse(offsets, ("indices", indices), values, rows).map(|columns| Self { columns })
    }

    /// The rows and values of a column; empty if there is no such column.
    #[must_use]
    pub fn column(&self, column: usize) -> (&'a [u32], &'a [T]) {
        let column = self.columns.row(column);
        (column.columns(), column.values())
    }

    /// Calls `each` with the values that two columns have in the same row, first row first.
    fn shared(&self, column: usize, other: usize, mut each: impl FnMut(u32, T, T)) {
        let (rows, values) = self.column(column);
        let (other_rows, other_values) = self.column(other);
        let mut left = rows.iter().zip(values);
        let mut right = other_rows.iter().zip(other_values);
        let (mut a, mut b) = (left.next(), right.next());
        while let (Some((i, &x)), Some((j, &y))) = (a, b) {
            match i.cmp(j) {
                Ordering::Less => a = left.next(),
                Ordering::Greater => b = right.next(),
                Ordering::Equal => {
                    each(*i, x, y);
                    (a, b) = (left.next(), right.next());
                }
            }
        }
    }
}

impl<T: Real> Design<T> for Csc<'_, T> {
    fn rows(&self) -> usize {
        self.columns.width()
    }
    fn columns(&self) -> usize {
        self.columns.count()
    }
    fn visit(&self, column: usize, mut each: impl FnMut(usize, T)) {
        let (rows, values) = self.column(column);
        for (&row, &value) in rows.iter().zip(values) {
            each(row as usize, value);
        }
    }
    fn dot(&self, column: usize, v: &[T]) -> T {
        csr::dot(self.columns.row(column), v)
    }
    fn add_scaled(&self, column: usize, alpha: T, v: &mut [T]) {
        csr::add_scaled(alpha, self.columns.row(column), v);
    }
    fn gram(&self, column: usize, other: usize) -> T {
        let mut sum = T::ZERO;
        self.shared(column, other, |_, x, y| sum += x * y);
        sum
    }
    fn square(&self, column: usize) -> T {
        let (_, values) = self.column(column);
        vector::dot(values, values)
    }
    fn entries(&self, column: usize) -> usize {
        self.column(column).0.len()
    }
    fn weighted_gram(&self, column: usize, other: usize, w: &[T]) -> T {
        let mut sum = T::ZERO;
        self.shared(column, other, |row, x, y| {
            if let Some(&w) = w.get(row as usize) {
                sum += x * y * w;
            }
        });
        sum
    }
    fn transposed(&self, v: &[T], out: &mut [T]) {
        csr::dots(self.columns, v, out);
    }
    fn transposed_from(&self, first: usize, v: &[T], out: &mut [T]) {
        csr::dots(self.columns.part(first..first.saturating_add(out.len())), v, out);
    }
    fn dots(&self, columns: &[u32], v: &[T], out: &mut [T]) {
        csr::dots_of(self.columns, columns, v, out);
    }
    fn transposed_squares(&self, v: &[T], out: &mut [T], squares: &mut [T]) {
        csr::dots_squares(self.columns, v, out, squares);
    }
    fn apply(&self, x: &[T], out: &mut [T]) {
        out.fill(T::ZERO);
        for (column, &x) in x.iter().enumerate() {
            if x != T::ZERO {
                self.add_scaled(column, x, out);
            }
        }
    }
}
