//! Entries of X, some or all.

use southwell_simd::vector;

use super::{Operator, check_dimensions, formed};
use crate::linear::check_len;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};
use crate::subgradient::matrix::start::Weights;
use crate::{Error, Real, StructureFault};

/// A_k = e_i e_jᵀ: y_k is entry (i_k, j_k) of X, as in matrix completion. An entry may occur more than once.
///
/// Rows of U and V are gathered for every entry, from copies that hold them contiguously. An iteration reads
/// the indices once, and does 6 r operations an entry.
#[derive(Clone, Copy, Debug)]
pub struct Entries<'a> {
    row_of: &'a [u32],
    column_of: &'a [u32],
    rows: usize,
    columns: usize,
}

impl<'a> Entries<'a> {
    /// Entry k is (`row_of[k]`, `column_of[k]`), counted from zero.
    ///
    /// # Errors
    /// [`Error::Option`] without rows or columns; [`Error::Dimension`] for lists of different length;
    /// [`Error::Structure`] for an index that does not exist.
    pub fn new(row_of: &'a [u32], column_of: &'a [u32], rows: usize, columns: usize) -> Result<Self, Error> {
        check_dimensions(rows, columns)?;
        check_len("column_of", column_of.len(), row_of.len())?;
        for (argument, indices, count) in [("row_of", row_of, rows), ("column_of", column_of, columns)] {
            let outside = |&i: &u32| usize::try_from(i).map_or(true, |i| i >= count);
            if let Some(index) = indices.iter().position(outside) {
                return Err(Error::Structure { argument, index, fault: StructureFault::OutOfRange });
            }
        }
        Ok(Self { row_of, column_of, rows, columns })
    }

    /// Elements of scratch: the factors and their gradients by rows.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.unknowns().saturating_mul(2)
    }

    fn places(&self, k: usize, x: Factors<'_, impl Real>) -> Option<(usize, usize)> {
        let (i, j) = (usize::try_from(*self.row_of.get(k)?), usize::try_from(*self.column_of.get(k)?));
        let behind = if x.shape.is_symmetric() { 0 } else { x.shape.of_u() };
        let rank = x.shape.rank();
        Some((i.ok()?.saturating_mul(rank), behind.saturating_add(j.ok()?.saturating_mul(rank))))
    }
}

/// `rows` ← the rows of a matrix of which `columns` are the columns; lines of `length`.
fn transpose<T: Real>(columns: &[T], length: usize, rank: usize, rows: &mut [T]) {
    for (k, column) in columns.chunks_exact(length.max(1)).enumerate() {
        for (row, &entry) in rows.chunks_exact_mut(rank.max(1)).zip(column) {
            if let Some(to) = row.get_mut(k) {
                *to = entry;
            }
        }
    }
}

/// The other way.
fn transpose_back<T: Real>(scale: T, rows: &[T], length: usize, rank: usize, columns: &mut [T]) {
    for (k, column) in columns.chunks_exact_mut(length.max(1)).enumerate() {
        for (row, entry) in rows.chunks_exact(rank.max(1)).zip(column) {
            if let Some(&from) = row.get(k) {
                *entry = scale * from;
            }
        }
    }
}

fn line<T>(rows: &[T], start: usize, rank: usize) -> &[T] {
    rows.get(start..start.saturating_add(rank)).unwrap_or(&[])
}

fn line_mut<T>(rows: &mut [T], start: usize, rank: usize) -> &mut [T] {
    rows.get_mut(start..start.saturating_add(rank)).unwrap_or(&mut [])
}

impl<T: Real> Operator<T> for Entries<'_> {
    fn count(&self) -> usize {
        self.row_of.len()
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Self::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let (rows, sums) = formed::halves(scratch, x.shape.unknowns());
        let (of_u, of_v) = formed::halves(rows, x.shape.of_u());
        transpose(x.u, self.rows, x.shape.rank(), of_u);
        if !x.shape.is_symmetric() {
            transpose(x.v, self.columns, x.shape.rank(), of_v);
        }
        sums.fill(T::ZERO);
    }
    fn apply_row(&self, k: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        let Some((i, j)) = self.places(k, x) else { return T::ZERO };
        let rank = x.shape.rank();
        vector::dot(line(scratch, i, rank), line(scratch, j, rank))
    }
    fn accumulate(&self, k: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let Some((i, j)) = self.places(k, x) else { return };
        let rank = x.shape.rank();
        let (rows, sums) = formed::halves(scratch, x.shape.unknowns());
        vector::axpy(w, line(rows, j, rank), line_mut(sums, i, rank));
        vector::axpy(w, line(rows, i, rank), line_mut(sums, j, rank));
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        let (_, sums) = formed::halves(scratch, x.shape.unknowns());
        let (of_u, of_v) = formed::halves(sums, x.shape.of_u());
        transpose_back(scale, of_u, self.rows, x.shape.rank(), gradient.u());
        if !x.shape.is_symmetric() {
            transpose_back(scale, of_v, self.columns, x.shape.rank(), gradient.v());
        }
    }
    fn start_weights(&self) -> Weights<T> {
        Weights::Value
    }
}

/// Every entry of X is measured, y being the matrix by rows: robust principal components. The part of y that
/// X does not explain is the sparse part.
///
/// An iteration reads y once and does 6 r operations an entry; W = U Vᵀ becomes the signs in place.
#[derive(Clone, Copy, Debug)]
pub struct AllEntries {
    rows: usize,
    columns: usize,
}

impl AllEntries {
    /// All entries of a matrix of this size.
    ///
    /// # Errors
    /// [`Error::Option`] without rows or columns.
    pub fn new(rows: usize, columns: usize) -> Result<Self, Error> {
        check_dimensions(rows, columns)?;
        Ok(Self { rows, columns })
    }

    /// Elements of scratch.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.entries()
    }
}

impl<T: Real> Operator<T> for AllEntries {
    fn count(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Self::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        x.multiply_out(scratch);
    }
    fn apply_row(&self, i: usize, _: Factors<'_, T>, scratch: &mut [T]) -> T {
        scratch.get(i).copied().unwrap_or(T::ZERO)
    }
    fn accumulate(&self, i: usize, w: T, _: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        // An entry is measured once: what it was is not needed any more.
        if let Some(q) = scratch.get_mut(i) {
            *q = w;
        }
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        formed::close(scale, x, scratch, gradient);
    }
    fn formed<'s>(&self, _: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        Some(scratch)
    }
    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        mut weigh: impl FnMut(usize, T) -> T,
    ) {
        self.open(x, scratch, gradient);
        for (i, w) in scratch.iter_mut().enumerate() {
            *w = weigh(i, *w);
        }
        self.close(scale, x, scratch, gradient);
    }
    fn start_weights(&self) -> Weights<T> {
        Weights::Value
    }
}
