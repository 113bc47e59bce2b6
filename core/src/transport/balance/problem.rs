//! What is solved: the sums that a scaled matrix shall have.

use southwell_simd::vector;

use super::matrix::Rows;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// A matrix without negative entries (n × m) and the sums that its rows (n) and columns (m) shall have, borrowed
/// and checked. The unit of the sums is the caller's.
///
/// A line that shall sum to 0 is allowed: its scaling is 0.
#[derive(Debug)]
pub struct Problem<'a, T, A> {
    pub(super) matrix: &'a A,
    /// r and c; `None`: ones.
    sums: Option<(&'a [T], &'a [T])>,
    /// Whether all rows shall have the same sum and all columns too, of a square matrix.
    pub(super) uniform: bool,
    pub(super) largest: T,
    pub(super) mass: T,
}

/// Borrowed, so copying one is free.
impl<T: Copy, A> Clone for Problem<'_, T, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, A> Copy for Problem<'_, T, A> {}

/// The scalings x (n) and y (m), a run's iterate: the balanced matrix is diag(x) A diag(y).
///
/// Where a run begins; ones are a cold start. t x and y/t are the same for any t > 0.
#[derive(Debug)]
pub struct Scalings<'x, T> {
    /// x, one for each row.
    pub x: &'x mut [T],
    /// y, one for each column.
    pub y: &'x mut [T],
}

/// Refuses sums that are none; their total.
fn check_sums<T: Real>(argument: &'static str, sums: &[T], expected: usize) -> Result<T, Error> {
    check_len(argument, sums.len(), expected)?;
    check_finite(argument, sums)?;
    if let Some(index) = sums.iter().position(|&s| s < T::ZERO) {
        return Err(Error::Negative { argument, index });
    }
    let total = vector::sum(sums);
    if total >= T::MIN_POSITIVE / T::EPSILON && total.is_finite() {
        Ok(total)
    } else {
        let requirement = "must be positive and finite (and not near the smallest number)";
        Err(Error::Mass { argument, requirement })
    }
}

impl<'a, T: Real, A: Rows<T>> Problem<'a, T, A> {
    /// Rows and columns of a square matrix shall sum to 1. Cost: one pass over the entries.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a matrix that is not square, or empty; [`Error::Negative`] for a negative entry,
    /// by its place among the values.
    pub fn unit(matrix: &'a A) -> Result<Self, Error> {
        let n = matrix.rows();
        check_len("columns", matrix.columns(), n)?;
        if n == 0 {
            return Err(Error::Dimension { argument: "rows", expected: 1, given: 0 });
        }
        Self::checked(matrix, None, true, T::from_usize(n))
    }

    /// Rows shall sum to r and columns to c. Cost: one pass over the entries.
    ///
    /// # Errors
    /// [`Error::Dimension`] for sums of another length than the matrix has rows and columns; [`Error::Value`] for
    /// a NaN or an infinity among them, [`Error::Negative`] for a negative one or a negative entry of the
    /// matrix; [`Error::Mass`] for sums that are all 0, and for totals that differ by more than rounding
    /// ((n + m)·8·[`EPSILON`](Real::EPSILON), relatively).
    pub fn new(matrix: &'a A, r: &'a [T], c: &'a [T]) -> Result<Self, Error> {
        let mass = check_sums("r", r, matrix.rows())?;
        let other = check_sums("c", c, matrix.columns())?;
        let lines = T::from_usize(r.len().saturating_add(c.len()));
        if (mass - other).abs() > T::from_u32(8) * T::EPSILON * lines * mass.max(other) {
            let requirement = "must equal that of `r`; scale one of them";
            return Err(Error::Mass { argument: "c", requirement });
        }
        let same = |sums: &[T]| sums.first().is_none_or(|first| sums.iter().all(|s| s == first));
        let uniform = r.len() == c.len() && same(r) && same(c);
        Self::checked(matrix, Some((r, c)), uniform, mass)
    }

    fn checked(
        matrix: &'a A,
        sums: Option<(&'a [T], &'a [T])>,
        uniform: bool,
        mass: T,
    ) -> Result<Self, Error> {
        match matrix.first_negative() {
            Some(index) => Err(Error::Negative { argument: "values", index }),
            None => Ok(Self { matrix, sums, uniform, largest: matrix.largest(), mass }),
        }
    }

    /// Rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.matrix.rows()
    }

    /// Columns m.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.matrix.columns()
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &'a A {
        self.matrix
    }

    /// What row `row` shall sum to.
    #[inline]
    #[must_use]
    pub fn row_sum(&self, row: usize) -> T {
        self.sums.map_or(T::ONE, |(r, _)| r.get(row).copied().unwrap_or(T::ZERO))
    }

    /// What column `column` shall sum to.
    #[inline]
    #[must_use]
    pub fn column_sum(&self, column: usize) -> T {
        self.sums.map_or(T::ONE, |(_, c)| c.get(column).copied().unwrap_or(T::ZERO))
    }

    /// Σ r
    #[must_use]
    pub fn mass(&self) -> T {
        self.mass
    }

    /// What rounding errors of the residual may add up to.
    pub(super) fn floor(&self) -> T {
        let lines = T::from_usize(self.rows().saturating_add(self.columns()));
        T::from_u32(8) * T::EPSILON * lines * self.mass
    }

    /// Refuses a line that shall carry something and has no entry to carry it with. `seen` is overwritten.
    pub(super) fn check_lines(&self, seen: &mut [T]) -> Result<(), Error> {
        let carries = |i| self.row_sum(i) > T::ZERO;
        check_lines(self.matrix, seen, carries, |j| self.column_sum(j) > T::ZERO)
    }
}

/// Refuses the first row, or else column, of those that shall carry something whose entries in lines that do so as
/// well are all 0. `seen` has m elements and is overwritten. Cost: one pass.
pub(super) fn check_lines<T: Real, A: Rows<T>>(
    matrix: &A,
    seen: &mut [T],
    row_carries: impl Fn(usize) -> bool,
    column_carries: impl Fn(usize) -> bool,
) -> Result<(), Error> {
    seen.fill(T::ZERO);
    for i in (0..matrix.rows()).filter(|&i| row_carries(i)) {
        let mut empty = true;
        for (j, _) in matrix.row(i).entries().filter(|&(j, a)| a != T::ZERO && column_carries(j)) {
            empty = false;
            if let Some(seen) = seen.get_mut(j) {
                *seen = T::ONE;
            }
        }
        if empty {
            return Err(Error::EmptyLine { line: "row", index: i });
        }
    }
    match seen.iter().enumerate().position(|(j, &seen)| seen == T::ZERO && column_carries(j)) {
        Some(index) => Err(Error::EmptyLine { line: "column", index }),
        None => Ok(()),
    }
}

/// Refuses scalings that no run can begin from: of another length, NaN, infinite, or not positive in a line that
/// shall carry something.
pub(super) fn check_start<T: Real>(
    argument: &'static str,
    scaling: &[T],
    expected: usize,
    carries: impl Fn(usize) -> bool,
) -> Result<(), Error> {
    check_len(argument, scaling.len(), expected)?;
    for (index, &s) in scaling.iter().enumerate().filter(|&(k, _)| carries(k)) {
        if !s.is_finite() {
            return Err(Error::Value { argument, index });
        }
        if s < T::MIN_POSITIVE {
            let requirement = "must be positive (and not below the smallest normal number)";
            return Err(Error::Option { name: argument, requirement });
        }
    }
    Ok(())
}

/// Whether a quotient or a root is a scaling that can be worked with.
#[inline]
pub(super) fn usable<T: Real>(scaling: T) -> bool {
    scaling >= T::MIN_POSITIVE && scaling.is_finite()
}

/// Whether a sum of products has all its digits: what underflowed in it is below its rounding.
#[inline]
pub(super) fn seen<T: Real>(sum: T) -> bool {
    sum >= T::MIN_POSITIVE / T::EPSILON && sum.is_finite()
}
