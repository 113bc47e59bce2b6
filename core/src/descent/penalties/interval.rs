//! lo ≤ x ≤ hi.

use super::{Penalty, Shape, Values};
use crate::{Error, Real};

/// lower ≤ x ≤ upper, each ±∞ where there is no bound, with h = ½ l2 ‖x‖².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval<'a, T> {
    /// Least values; −∞ is allowed.
    pub lower: Values<'a, T>,
    /// Largest values; +∞ is allowed.
    pub upper: Values<'a, T>,
    /// Weight of ½‖x‖², ≥ 0.
    pub l2: T,
}

impl<'a, T: Real> Interval<'a, T> {
    /// Bounds for all variables, or one each.
    pub fn new(lower: impl Into<Values<'a, T>>, upper: impl Into<Values<'a, T>>) -> Self {
        Self { lower: lower.into(), upper: upper.into(), l2: T::ZERO }
    }
}

impl<T: Real> Penalty<T> for Interval<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        let value = |argument, index| Error::Value { argument, index };
        // NaN is neither below nor above infinity.
        self.lower.check("lower", variables, |v| if v < T::INFINITY { Ok(()) } else { Err(value) })?;
        self.upper.check("upper", variables, |v| if v > -T::INFINITY { Ok(()) } else { Err(value) })?;
        Values::Same(self.l2).check_weights("l2", variables)?;
        if (0..variables).any(|i| self.lower.get(i) > self.upper.get(i)) {
            return Err(Error::Option { name: "lower", requirement: "must not be above `upper`" });
        }
        Ok(())
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        let (lower, upper) = (self.lower.get(variable), self.upper.get(variable));
        Some(Shape { lower, upper, l2: self.l2, ..Shape::zero() })
    }
    fn uniform(&self) -> Option<Shape<T>> {
        (self.lower.is_same() && self.upper.is_same()).then(|| self.shape(0))?
    }
}
