//! Minimax regression, f(β) = ‖y − Xβ‖_∞: the fit whose worst residual is least.
//!
//! A sub-gradient is ∓ the row of the largest residual (the first among equals). One outlier decides everything:
//! this is for data with bounded errors (tables, tolerances), never for sensors that lie. *Cost* of a call: one
//! reading of X. *Take something else*: Lawson's or Remez's exchange, or a linear program, if X is small.

use southwell_simd::{dense, vector};

use super::{Oracle, Table};
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// ‖y − Xβ‖_∞, with memory for the residuals.
#[derive(Debug)]
pub struct Minimax<'a, T> {
    table: Table<'a, T>,
    y: &'a [T],
    residual: &'a mut [T],
}

impl<'a, T: Real> Minimax<'a, T> {
    /// Rows, observations, and as many elements of memory as there are rows.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] for y; [`Error::Workspace`].
    pub fn new(table: Table<'a, T>, y: &'a [T], storage: &'a mut [T]) -> Result<Self, Error> {
        check_len("y", y.len(), table.rows())?;
        check_finite("y", y)?;
        let given = storage.len();
        match storage.get_mut(..table.rows()) {
            Some(residual) => Ok(Self { table, y, residual }),
            None => Err(Error::Workspace { needed: table.rows(), given }),
        }
    }
}

impl<T: Real> Oracle<T> for Minimax<'_, T> {
    fn dimension(&self) -> usize {
        self.table.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        dense::residual(self.table.parts(), self.y, x, self.residual);
        let mut worst = (0, T::ZERO, T::ZERO);
        for (row, &residual) in self.residual.iter().enumerate() {
            if residual.abs() > worst.1 {
                worst = (row, residual.abs(), residual);
            } else if residual.partial_cmp(&residual).is_none() {
                return T::NAN;
            }
        }
        if worst.1 == T::ZERO {
            g.fill(T::ZERO);
            return T::ZERO;
        }
        g.copy_from(self.table.row(worst.0));
        if worst.2 > T::ZERO {
            vector::scale(-T::ONE, g);
        }
        worst.1
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}
