//! Factors U and V of a low-rank matrix, side by side in one slice.

use southwell_simd::dense::{Matrix, MatrixMut};

use crate::{Error, Real};

/// What is factorised: X = U Uᵀ (d × d) or X = U Vᵀ (d₁ × d₂), with `rank` columns in each factor.
///
/// Factors lie in one slice, column after column: entry (j, k) of U at `k·rows + j`; V after U, its entry
/// (j, k) at `rank·rows + k·columns + j`. Where X is symmetric there is no V.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: bool,
}

impl Shape {
    /// X = U Uᵀ, U of `order` × `rank`.
    #[must_use]
    pub const fn symmetric(order: usize, rank: usize) -> Self {
        Self { rows: order, columns: order, rank, symmetric: true }
    }

    /// X = U Vᵀ, U of `rows` × `rank` and V of `columns` × `rank`.
    #[must_use]
    pub const fn general(rows: usize, columns: usize, rank: usize) -> Self {
        Self { rows, columns, rank, symmetric: false }
    }

    /// Rows of X.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of X.
    #[must_use]
    pub const fn columns(&self) -> usize {
        self.columns
    }

    /// Columns of each factor: the largest rank that X can have.
    #[must_use]
    pub const fn rank(&self) -> usize {
        self.rank
    }

    /// Whether X = U Uᵀ.
    #[must_use]
    pub const fn is_symmetric(&self) -> bool {
        self.symmetric
    }

    /// Entries of X.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.rows.saturating_mul(self.columns)
    }

    /// Entries of the factors.
    #[must_use]
    pub const fn unknowns(&self) -> usize {
        let lines = if self.symmetric { self.rows } else { self.rows.saturating_add(self.columns) };
        lines.saturating_mul(self.rank)
    }

    /// Entries of U.
    pub(super) const fn of_u(&self) -> usize {
        self.rows.saturating_mul(self.rank)
    }

    /// The factors in a slice; empty ones if it is too short.
    #[must_use]
    pub fn factors<'x, T>(&self, x: &'x [T]) -> Factors<'x, T> {
        let (u, v) = x.split_at_checked(self.of_u()).unwrap_or((&[], &[]));
        Factors { u, v: if self.symmetric { u } else { v }, shape: *self }
    }

    /// A slice of as many [`unknowns`](Shape::unknowns) as a gradient, for
    /// [`Operator`](super::operator::Operator).
    pub fn gradient<'g, T>(&self, values: &'g mut [T]) -> Gradient<'g, T> {
        Gradient { values, shape: *self }
    }

    /// Refuses what no factorisation has.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.rank == 0 {
            return Err(Error::Option { name: "rank", requirement: "must be at least 1" });
        }
        if self.rank > self.rows.min(self.columns) {
            return Err(Error::Option {
                name: "rank",
                requirement: "must not exceed the matrix's dimensions",
            });
        }
        if self.entries().checked_mul(4).is_none() {
            return Err(Error::TooLarge { argument: "the matrix" });
        }
        Ok(())
    }
}

/// Factors to read. Where X is symmetric, `v` is `u`.
#[derive(Clone, Copy, Debug)]
pub struct Factors<'x, T> {
    /// U, column after column.
    pub u: &'x [T],
    /// V, column after column.
    pub v: &'x [T],
    /// What they are factors of.
    pub shape: Shape,
}

impl<'x, T: Real> Factors<'x, T> {
    /// Uᵀ by rows.
    pub(super) fn u_rows(&self) -> Matrix<'x, T> {
        Matrix { values: self.u, columns: self.shape.rows, stride: self.shape.rows }
    }

    /// Vᵀ by rows.
    pub(super) fn v_rows(&self) -> Matrix<'x, T> {
        Matrix { values: self.v, columns: self.shape.columns, stride: self.shape.columns }
    }

    /// The columns of U.
    pub(super) fn u_columns(&self) -> core::slice::ChunksExact<'x, T> {
        self.u.chunks_exact(self.shape.rows.max(1))
    }

    /// The columns of V.
    pub(super) fn v_columns(&self) -> core::slice::ChunksExact<'x, T> {
        self.v.chunks_exact(self.shape.columns.max(1))
    }

    /// Entry (i, j) of X. Cost: 2·rank operations.
    #[must_use]
    pub fn entry(&self, i: usize, j: usize) -> T {
        let (mut sum, mut of_v) = (T::ZERO, self.v_columns());
        for u in self.u_columns() {
            if let (Some(&u), Some(&v)) = (u.get(i), of_v.next().and_then(|v| v.get(j))) {
                sum += u * v;
            }
        }
        sum
    }

    /// W ← X by rows. Cost: 2·rank operations an entry.
    pub fn multiply_out(&self, w: &mut [T]) {
        w.fill(T::ZERO);
        let columns = self.shape.columns;
        let w = MatrixMut { values: w, columns, stride: columns };
        southwell_simd::dense::rank_k(w, T::ONE, self.u_rows(), self.v_rows());
    }
}

/// What is added up to the gradient with respect to the factors, laid out as they are.
#[derive(Debug)]
pub struct Gradient<'g, T> {
    values: &'g mut [T],
    shape: Shape,
}

impl<T: Real> Gradient<'_, T> {
    /// All of it.
    pub fn values(&mut self) -> &mut [T] {
        self.values
    }

    /// The part of U.
    pub fn u(&mut self) -> &mut [T] {
        let n = self.shape.of_u();
        self.values.get_mut(..n).unwrap_or(&mut [])
    }

    /// The part of V, which is that of U where X is symmetric.
    pub fn v(&mut self) -> &mut [T] {
        let n = if self.shape.symmetric { 0 } else { self.shape.of_u() };
        self.values.get_mut(n..).unwrap_or(&mut [])
    }

    /// Uᵀ's part by rows.
    pub(super) fn u_rows(&mut self) -> MatrixMut<'_, T> {
        let rows = self.shape.rows;
        MatrixMut { values: self.u(), columns: rows, stride: rows }
    }

    /// Vᵀ's part by rows.
    pub(super) fn v_rows(&mut self) -> MatrixMut<'_, T> {
        let columns = self.shape.columns;
        MatrixMut { values: self.v(), columns, stride: columns }
    }
}
