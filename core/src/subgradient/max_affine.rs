//! The maximum of affine functions, f(x) = max_k (a_kᵀ x + b_k), and the bound that its averages give.
//!
//! A sub-gradient is the a_k of the largest one (the first among equals). For weights λ ≥ 0 with Σ λ = 1,
//! f(x) ≥ Σ λ_k b_k + (Σ λ_k a_k)ᵀ x, so that on a ball ‖x‖ ≤ R
//! f* ≥ Σ λ_k b_k − R ‖Σ λ_k a_k‖: with λ_k the share of the steps (by their factors) at which k was the largest, the bound closes as the
//! averages of the method do. A linear program; small ones are better solved by a simplex code.
//!
//! *Cost* of a call: one reading of A.

use southwell_simd::{dense, vector};

use super::{Oracle, Table};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// max_k (a_kᵀ x + b_k).
#[derive(Debug)]
pub struct MaxAffine<'a, T> {
    table: Table<'a, T>,
    offsets: &'a [T],
    values: &'a mut [T],
    /// The steps that each was the largest for, by their factors; empty if no bound is wanted.
    shares: &'a mut [T],
    total: T,
    last: usize,
}

impl<'a, T: Real> MaxAffine<'a, T> {
    /// Elements needed for so many functions, with shares for a bound or without.
    #[must_use]
    pub const fn required_len(functions: usize, bound: bool) -> usize {
        if bound { functions.saturating_mul(2) } else { functions }
    }

    /// Rows a_k and offsets b_k. `bound`: whether shares are counted for [`lower_bound`](MaxAffine::lower_bound).
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] for the offsets; [`Error::Workspace`].
    pub fn new(
        table: Table<'a, T>,
        offsets: &'a [T],
        bound: bool,
        storage: &'a mut [T],
    ) -> Result<Self, Error> {
        let m = table.rows();
        check_len("offsets", offsets.len(), m)?;
        check_finite("offsets", offsets)?;
        let [values, shares] = carve(storage, [m, if bound { m } else { 0 }])?;
        shares.fill(T::ZERO);
        Ok(Self { table, offsets, values, shares, total: T::ZERO, last: 0 })
    }

    /// A number that f does not go below on ‖x‖₂ ≤ radius, from the steps so far, each with the weight
    /// of its factor, so that lengths should not fall off too fast; −∞ without any. Cost: one reading of A; `scratch` has the length of x.
    #[must_use]
    pub fn lower_bound(&self, radius: T, scratch: &mut [T]) -> T {
        if self.total == T::ZERO {
            return -T::INFINITY;
        }
        dense::apply_transposed(self.table.parts(), self.shares, scratch);
        let slope = vector::norm_scaled(scratch) / self.total;
        let level = vector::dot(self.shares, self.offsets) / self.total;
        // Nothing to move along: 0 · ∞ counts as 0.
        if slope == T::ZERO { level } else { level - radius * slope }
    }
}

impl<T: Real> Oracle<T> for MaxAffine<'_, T> {
    fn dimension(&self) -> usize {
        self.table.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        dense::apply(self.table.parts(), x, self.values);
        vector::axpy(T::ONE, self.offsets, self.values);
        let mut largest = (0, -T::INFINITY);
        for (k, &value) in self.values.iter().enumerate() {
            if value > largest.1 {
                largest = (k, value);
            } else if value.partial_cmp(&value).is_none() {
                return T::NAN;
            }
        }
        g.copy_from(self.table.row(largest.0));
        self.last = largest.0;
        largest.1
    }

    fn weigh(&mut self, factor: T) {
        if let Some(share) = self.shares.get_mut(self.last) {
            *share += factor;
            self.total += factor;
        }
    }
}
