//! Least absolute deviations and quantile regression.
//!
//! ```text
//! f(β) = Σ_i w_i ρ_q(y_i − x_iᵀβ),   ρ_q(u) = q u for u > 0, (q − 1) u for u < 0
//! ∂f(β) ∋ −Σ_i s_i x_i,   s_i = w_i q, w_i (q − 1) or 0 for a residual above, below or at 0
//! ```
//! q = ½ is half of Σ w |y − Xβ|, least absolute deviations: the fit of the median. f is a linear program in
//! disguise: piecewise linear, *sharp*, its minimum at a point that interpolates as many rows as there are
//! columns (a vertex). [`fit`](super::fit) solves it with a proof; this oracle alone takes O(columns) memory, so
//! use it with [`method`](super::method) where even a copy of X is too much.
//!
//! *Cost* of a call: one reading of X, 4 operations an entry.

use southwell_simd::dense;

use super::sum::Sum;
use super::{Oracle, Table};
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// The loss of a fit at quantile q, with weights if wanted.
#[derive(Clone, Copy, Debug)]
pub struct Quantile<'a, T> {
    pub(crate) table: Table<'a, T>,
    pub(crate) y: &'a [T],
    pub(crate) weights: Option<&'a [T]>,
    pub(crate) q: T,
}

impl<'a, T: Real> Quantile<'a, T> {
    /// Rows x_i (put a column of ones in for an intercept), observations y_i and the quantile q in (0, 1).
    ///
    /// # Errors
    /// [`Error::Dimension`] and [`Error::Value`] for y; [`Error::Option`] for q.
    pub fn new(table: Table<'a, T>, y: &'a [T], q: T) -> Result<Self, Error> {
        check_len("y", y.len(), table.rows())?;
        check_finite("y", y)?;
        if q > T::ZERO && q < T::ONE {
            Ok(Self { table, y, weights: None, q })
        } else {
            Err(Error::Option { name: "quantile", requirement: "must lie between 0 and 1" })
        }
    }

    /// Least absolute deviations: q = ½, so that the loss is half the sum of |y − Xβ|.
    ///
    /// # Errors
    /// As [`new`](Quantile::new).
    pub fn absolute(table: Table<'a, T>, y: &'a [T]) -> Result<Self, Error> {
        Self::new(table, y, T::HALF)
    }

    /// The same with weights w_i ≥ 0, not all 0. A row of weight 0 plays no part.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`], [`Error::Negative`]; [`Error::Mass`] if all are 0.
    pub fn weighted(self, weights: &'a [T]) -> Result<Self, Error> {
        check_len("weights", weights.len(), self.table.rows())?;
        check_finite("weights", weights)?;
        if let Some(index) = weights.iter().position(|&w| w < T::ZERO) {
            return Err(Error::Negative { argument: "weights", index });
        }
        if weights.iter().all(|&w| w == T::ZERO) {
            return Err(Error::Mass { argument: "weights", requirement: "must not be zero" });
        }
        Ok(Self { weights: Some(weights), ..self })
    }

    /// The rows.
    #[must_use]
    pub fn table(&self) -> Table<'a, T> {
        self.table
    }

    /// The observations.
    #[must_use]
    pub fn y(&self) -> &'a [T] {
        self.y
    }

    /// The quantile.
    #[must_use]
    pub fn quantile(&self) -> T {
        self.q
    }

    /// The weight of a row: 1 where there are none.
    #[must_use]
    pub fn weight(&self, row: usize) -> T {
        self.weights.map_or(T::ONE, |w| w.get(row).copied().unwrap_or(T::ZERO))
    }

    /// f(β). Cost: one reading of X.
    #[must_use]
    pub fn value(&self, beta: &[T]) -> T {
        let mut sum = Sum::new();
        for (row, &y) in self.y.iter().enumerate() {
            let residual = y - southwell_simd::vector::dot(self.table.row(row), beta);
            sum.add(self.loss(row, residual).0);
        }
        sum.value()
    }

    /// w ρ_q(r), and s.
    #[inline(always)]
    pub(crate) fn loss(&self, row: usize, residual: T) -> (T, T) {
        let weight = self.weight(row);
        if weight == T::ZERO {
            // Even where the residual overflows.
            return (T::ZERO, T::ZERO);
        }
        let slope = if residual > T::ZERO {
            self.q
        } else if residual < T::ZERO {
            self.q - T::ONE
        } else {
            // Zero, or a NaN, which goes on.
            return (residual, T::ZERO);
        };
        let slope = weight * slope;
        (slope * residual, slope)
    }
}

impl<T: Real> Oracle<T> for Quantile<'_, T> {
    fn dimension(&self) -> usize {
        self.table.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let mut sum = Sum::new();
        g.fill(T::ZERO);
        dense::update_rows(self.table.parts(), x, g, |row, product| {
            let Some(&y) = self.y.get(row) else { return T::ZERO };
            let (loss, slope) = self.loss(row, y - product);
            sum.add(loss);
            -slope
        });
        sum.value()
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}
