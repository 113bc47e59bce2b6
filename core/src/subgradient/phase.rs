//! Robust phase retrieval, f(x) = (1/m) Σ_i |(a_iᵀx)² − y_i|: a vector from the sizes of its products.
//!
//! Not convex but *weakly* convex, and sharp about ±x*: sub-gradient methods converge linearly from a start that is
//! not too far (Polyak's rule where f* is known, lengths that fall geometrically else), a third of the y_i may lie.
//! From a bad start they stop at a point that is none. −x is as good as x. *Cost* of a call: one reading of A.
//!
//! *Source*: Duchi & Ruan 2019; Charisopoulos et al. 2021.

use southwell_simd::dense;

use super::sum::Sum;
use super::{Oracle, Table};
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// (1/m) Σ |(a_iᵀx)² − y_i|.
#[derive(Clone, Copy, Debug)]
pub struct PhaseRetrieval<'a, T> {
    table: Table<'a, T>,
    y: &'a [T],
}

impl<'a, T: Real> PhaseRetrieval<'a, T> {
    /// Rows a_i and what was measured of (a_iᵀx)².
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] for y.
    pub fn new(table: Table<'a, T>, y: &'a [T]) -> Result<Self, Error> {
        check_len("y", y.len(), table.rows())?;
        check_finite("y", y)?;
        Ok(Self { table, y })
    }
}

impl<T: Real> Oracle<T> for PhaseRetrieval<'_, T> {
    fn dimension(&self) -> usize {
        self.table.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let mut sum = Sum::new();
        let share = T::ONE / T::from_usize(self.y.len().max(1));
        g.fill(T::ZERO);
        dense::update_rows(self.table.parts(), x, g, |row, product| {
            let Some(&y) = self.y.get(row) else { return T::ZERO };
            let residual = product * product - y;
            sum.add(residual.abs());
            let slope = T::TWO * product * share;
            if residual > T::ZERO {
                slope
            } else if residual < T::ZERO {
                -slope
            } else {
                T::ZERO
            }
        });
        sum.value() * share
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}
