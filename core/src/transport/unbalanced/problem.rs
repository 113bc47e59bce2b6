//! What is solved, and what missing a marginal costs.

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use crate::transport::cost::Cost;
use crate::transport::problem::{self, Potentials, check_epsilon, check_marginal};
use crate::{Error, Real};

/// Unbalanced transport, borrowed and checked: costs C (n × m), marginals a (n) and b (m) of any mass, the
/// weight ε of the entropy and the prices ρ₁, ρ₂ of missing a and b, all in the unit of the costs.
///
/// A row or column of mass 0 is allowed: its potential is −∞ and its line of the coupling 0.
#[derive(Debug)]
pub struct Problem<'a, T, C> {
    pub(super) base: problem::Problem<'a, T, C>,
    pub(super) rows: Price<T>,
    pub(super) columns: Price<T>,
}

/// Borrowed, so copying one is free whatever the costs are.
impl<T: Copy, C> Clone for Problem<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, C> Copy for Problem<'_, T, C> {}

/// What missing a marginal costs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Price<T> {
    /// 1/ρ, 0 for a hard constraint.
    inverse: T,
    /// ρ/(ρ + ε)
    pub(super) damping: T,
}

impl<T: Real> Price<T> {
    fn new(name: &'static str, rho: T, epsilon: T) -> Result<Self, Error> {
        let inverse = T::ONE / rho;
        if rho > T::ZERO && inverse.is_finite() {
            Ok(Self { inverse, damping: T::ONE / (T::ONE + epsilon * inverse) })
        } else {
            Err(Error::Option { name, requirement: "must be positive (infinite: a hard constraint)" })
        }
    }

    /// |s − weight · e^(−potential/ρ)| of a line that sums to s = e^exponent · sum. Where an exponent is cut, the line
    /// is off by as much as can be said: no two numbers beyond the range shall pass for equal.
    pub(super) fn off(&self, weight: T, potential: T, exponent: T, sum: T) -> T {
        let wanted = -(potential * self.inverse);
        let cut = T::from_u32(highest::<T>());
        if exponent > cut || wanted > cut {
            return exp_scalar(cut) * weight.max(sum);
        }
        (exp_scalar(exponent) * sum - weight * exp_scalar(wanted)).abs()
    }

    /// ln Σ weight · e^(−potential/ρ) over the lines that have a weight.
    fn log_mass(&self, weights: &[T], potential: &[T]) -> T {
        let lines = || weights.iter().zip(potential).filter(|(w, _)| **w > T::ZERO);
        let largest = lines().fold(-T::INFINITY, |m, (_, &p)| m.max(-(p * self.inverse)));
        let sum = lines().fold(T::ZERO, |s, (&w, &p)| s + w * exp_scalar(-(p * self.inverse) - largest));
        largest + ln_scalar(sum)
    }
}

impl<'a, T: Real, C: Cost<T>> Problem<'a, T, C> {
    /// Checks the marginals, ε and the prices. Cost: one pass over a and b.
    ///
    /// # Errors
    /// As the balanced [`Problem`](problem::Problem::new), but masses may differ where a price is finite
    /// (with two infinite prices they must not), and must leave room below the largest number for a start that
    /// is far off ([`Error::Mass`] beyond about 1e177 in `f64`, 1e20 in `f32`); [`Error::Option`] for a price that is not positive or
    /// whose reciprocal overflows.
    pub fn new(
        cost: &'a C,
        a: &'a [T],
        b: &'a [T],
        epsilon: T,
        (row_price, column_price): (T, T),
    ) -> Result<Self, Error> {
        let masses = [check_marginal("a", a, cost.rows())?, check_marginal("b", b, cost.columns())?];
        // Errors of all lines where exponents are cut, added up.
        let lines = T::from_usize(a.len().saturating_add(b.len()));
        let room = T::MAX / (T::from_u32(4) * lines * exp_scalar(T::from_u32(highest::<T>())));
        for (argument, mass) in ["a", "b"].into_iter().zip(masses) {
            if mass > room {
                let requirement = "must leave room below the largest number (unbalanced: 130 decimal orders in \
                                   `f64`, 18 in `f32`)";
                return Err(Error::Mass { argument, requirement });
            }
        }
        let mass = masses.into_iter().fold(T::ZERO, T::max);
        check_epsilon(epsilon, cost.largest())?;
        // Potentials are up to this many ε, and shifted by up to as many ρ: neither may overflow.
        let fits = |t: T| (T::from_u32(1 << 12) * t).is_finite() || t == T::INFINITY;
        for (name, scale) in [("epsilon", epsilon), ("row_price", row_price), ("column_price", column_price)]
        {
            if !fits(scale) {
                return Err(Error::Option { name, requirement: "must leave room below the largest number" });
            }
        }
        let rows = Price::new("row_price", row_price, epsilon)?;
        let columns = Price::new("column_price", column_price, epsilon)?;
        if rows.inverse == T::ZERO && columns.inverse == T::ZERO {
            problem::Problem::new(cost, a, b, epsilon)?;
        }
        Ok(Self { base: problem::Problem { cost, a, b, epsilon, mass }, rows, columns })
    }

    /// Rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.base.rows()
    }

    /// Columns m.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.base.columns()
    }

    /// The weight of the entropy, in the unit of the costs.
    #[must_use]
    pub fn epsilon(&self) -> T {
        self.base.epsilon
    }

    /// k, by which f rises and g falls. 0 for two hard constraints, and where it cannot be expressed.
    pub(super) fn shift(&self, x: &Potentials<'_, T>) -> T {
        let inverse = self.rows.inverse + self.columns.inverse;
        if inverse == T::ZERO {
            return T::ZERO;
        }
        let more = self.rows.log_mass(self.base.a, x.f) - self.columns.log_mass(self.base.b, x.g);
        let k = more / inverse;
        if k.is_finite() { k } else { T::ZERO }
    }
}

/// The largest exponent: products of two such numbers and their sums must not overflow.
pub(super) fn highest<T: Real>() -> u32 {
    if T::EPSILON.to_f64() > 1e-10 { 40 } else { 300 }
}

/// e^x, cut.
pub(super) fn capped_exp<T: Real>(x: T) -> T {
    exp_scalar(x.min(T::from_u32(highest::<T>())))
}
