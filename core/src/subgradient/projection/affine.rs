//! The affine set A x = b: x ← x − Aᵀ (A Aᵀ)⁻¹ (A x − b).

use southwell_simd::dense;

use super::Projection;
use crate::carve::carve;
use crate::linear::{check_finite, check_len};
use crate::subgradient::{Table, small};
use crate::{Error, Real};

/// The solutions of A x = b, for an A with fewer rows than columns, all independent.
///
/// A Aᵀ is factorised once, in memory of the caller. Projecting costs A twice and k² operations for k rows;
/// A x − b is left at the rounding of A A ᵀ's condition, so that rows of like size are better.
#[derive(Debug)]
pub struct Affine<'a, T> {
    table: Table<'a, T>,
    rhs: &'a [T],
    factor: &'a mut [T],
    residual: &'a mut [T],
}

impl<'a, T: Real> Affine<'a, T> {
    /// Elements needed for so many rows.
    #[must_use]
    pub const fn required_len(rows: usize) -> usize {
        rows.saturating_mul(rows).saturating_add(rows)
    }

    /// {x : A x = rhs}, and A Aᵀ factorised in `storage`.
    ///
    /// # Errors
    /// [`Error::Dimension`] and [`Error::Value`] for the right-hand side; [`Error::Workspace`];
    /// [`Error::Option`] if rows are dependent as far as rounding shows (the set may be empty then).
    pub fn new(table: Table<'a, T>, rhs: &'a [T], storage: &'a mut [T]) -> Result<Self, Error> {
        let k = table.rows();
        check_len("rhs", rhs.len(), k)?;
        check_finite("rhs", rhs)?;
        let [factor, residual] = carve(storage, [k.saturating_mul(k), k])?;
        for (i, row) in factor.chunks_exact_mut(k.max(1)).enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = southwell_simd::vector::dot(table.row(i), table.row(j));
            }
        }
        if small::cholesky(factor, k) {
            Ok(Self { table, rhs, factor, residual })
        } else {
            Err(Error::Option { name: "table", requirement: "must have independent rows" })
        }
    }
}

impl<T: Real> Projection<T> for Affine<'_, T> {
    fn dimension(&self) -> Option<usize> {
        Some(self.table.columns())
    }
    fn project(&mut self, x: &mut [T]) {
        let a = self.table.parts();
        dense::residual(a, self.rhs, x, self.residual);
        small::cholesky_solve(self.factor, self.residual);
        dense::add_transposed(a, self.residual, x);
    }
}
