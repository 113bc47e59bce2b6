//! x ≥ 0.

use super::{Penalty, Shape, Values};
use crate::{Error, Real};

/// x ≥ 0 with h = Σ λ_i x_i, λ ≥ 0 (0: the constraint alone).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NonNegative<'a, T> {
    /// λ, in units of the gradient.
    pub lambda: Values<'a, T>,
}

impl<'a, T: Real> NonNegative<'a, T> {
    /// λ for all variables, or one each.
    pub fn new(lambda: impl Into<Values<'a, T>>) -> Self {
        Self { lambda: lambda.into() }
    }
}

impl<T: Real> Penalty<T> for NonNegative<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        self.lambda.check_weights("lambda", variables)
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        Some(Shape { linear: self.lambda.get(variable), lower: T::ZERO, ..Shape::zero() })
    }
    fn uniform(&self) -> Option<Shape<T>> {
        self.lambda.is_same().then(|| self.shape(0))?
    }
}
