//! ½xᵀQx − cᵀx.

use southwell_simd::{csr, vector};

use super::{Loss, Rank, symmetric};
use crate::linear::{Csr, Dense, Matrix, check_finite, check_len};
use crate::{Error, Real};

/// A symmetric matrix whose rows can be read one by one: what a quadratic needs to know.
///
/// Symmetry is the caller's to keep: only rows are read.
pub trait Symmetric<T: Real>: Matrix<T> {
    /// Q_ij.
    fn entry(&self, row: usize, column: usize) -> T;
    /// v ← v + α q_i. Cost: the row.
    fn add_row(&self, row: usize, alpha: T, v: &mut [T]);
    /// The same, and in the same pass the variable whose slope in v has the largest score then, as
    /// [`Loss::shift_ranked`] has it. `None`, and nothing done, by default.
    fn add_row_ranked(
        &self,
        _row: usize,
        _alpha: T,
        _v: &mut [T],
        _rank: Rank<T>,
        _values: (&[T], &[T]),
    ) -> Option<usize> {
        None
    }
    /// Calls `each(j, Q_ij)` for the stored entries of a row; false, and no call, where all are stored.
    fn visit_row(&self, row: usize, each: impl FnMut(usize, T)) -> bool;
}

impl<T: Real> Symmetric<T> for Dense<'_, T> {
    fn entry(&self, row: usize, column: usize) -> T {
        self.row(row).get(column).copied().unwrap_or(T::ZERO)
    }
    fn add_row(&self, row: usize, alpha: T, v: &mut [T]) {
        vector::axpy(alpha, self.row(row), v);
    }
    fn add_row_ranked(
        &self,
        row: usize,
        alpha: T,
        v: &mut [T],
        rank: Rank<T>,
        (x, w): (&[T], &[T]),
    ) -> Option<usize> {
        let (row, n) = (self.row(row), v.len());
        // Where flash counts more, two passes that are there anyway.
        if cfg!(target_os = "none") || [row.len(), x.len(), w.len()] != [n, n, rank.weights(n)] {
            return None;
        }
        Some(vector::axpy_ranked(rank, alpha, row, v, x, w).unwrap_or(0))
    }
    fn visit_row(&self, _row: usize, _each: impl FnMut(usize, T)) -> bool {
        false
    }
}

impl<T: Real> Symmetric<T> for Csr<'_, T> {
    fn entry(&self, row: usize, column: usize) -> T {
        self.get(row, column)
    }
    fn add_row(&self, row: usize, alpha: T, v: &mut [T]) {
        csr::add_scaled(alpha, self.parts().row(row), v);
    }
    fn visit_row(&self, row: usize, mut each: impl FnMut(usize, T)) -> bool {
        let (columns, values) = self.row(row);
        for (&column, &value) in columns.iter().zip(values) {
            each(column as usize, value);
        }
        true
    }
}

/// f(x) = ½xᵀQx − cᵀx with Q symmetric; the state is the gradient g = Qx − c, so that greedy rules find it
/// there. L_i = Q_ii, H = Q. A shift costs a row of Q.
///
/// Q should be positive semidefinite. Where a step finds that it is not, the run ends as
/// [`Status::Breakdown`](crate::Status::Breakdown); where the iterates run away, as
/// [`Status::NotFinite`](crate::Status::NotFinite).
#[derive(Clone, Copy, Debug)]
pub struct Quadratic<'a, T, Q> {
    matrix: Q,
    linear: &'a [T],
}

impl<'a, T: Real, Q: Symmetric<T>> Quadratic<'a, T, Q> {
    /// `linear` is c.
    ///
    /// # Errors
    /// [`Error::Dimension`] if c is not as long as Q; [`Error::Value`] for a NaN or an infinity.
    pub fn new(matrix: Q, linear: &'a [T]) -> Result<Self, Error> {
        check_len("linear", linear.len(), matrix.order())?;
        check_finite("linear", linear)?;
        Ok(Self { matrix, linear })
    }

    /// Q.
    pub fn matrix(&self) -> &Q {
        &self.matrix
    }
}

impl<T: Real, Q: Symmetric<T>> Loss<T> for Quadratic<'_, T, Q> {
    fn variables(&self) -> usize {
        self.linear.len()
    }
    fn state_len(&self) -> usize {
        self.linear.len()
    }
    fn gradient_len(&self) -> usize {
        0
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        self.matrix.apply(x, state);
        vector::axpy(-T::ONE, self.linear, state);
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        self.matrix.add_row(variable, delta, state);
    }
    fn shift_ranked(
        &self,
        variable: usize,
        delta: T,
        state: &mut [T],
        rank: Rank<T>,
        values: (&[T], &[T]),
    ) -> Option<usize> {
        self.matrix.add_row_ranked(variable, delta, state, rank, values)
    }
    fn value(&self, x: &[T], state: &[T]) -> T {
        // xᵀQx = xᵀ(g + c).
        T::HALF * (vector::dot(x, state) - vector::dot(x, self.linear))
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        state.get(variable).copied().unwrap_or(T::ZERO)
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.matrix.entry(variable, variable)
    }
    fn gradient<'s>(&self, state: &'s [T], _out: &'s mut [T]) -> &'s [T] {
        state
    }
    fn bound(&self, block: &[u32], out: &mut [T]) {
        symmetric(block, out, |i, j| self.matrix.entry(i, j));
    }
    fn row_sum(&self, variable: usize) -> T {
        self.matrix.entry(variable, variable).abs() + self.matrix.off_diagonal(variable)
    }
    fn bound_times(&self, v: &[T], _scratch: &mut [T], out: &mut [T]) {
        self.matrix.apply(v, out);
    }
    fn row(&self, variable: usize, each: impl FnMut(usize, T)) -> bool {
        self.matrix.visit_row(variable, each)
    }
}
