//! λ‖x‖₁.

use super::{Penalty, Shape, Values};
use crate::{Error, Real};

/// h = Σ λ_i |x_i|, λ ≥ 0: keeps x sparse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1<'a, T> {
    /// λ, in units of the gradient.
    pub lambda: Values<'a, T>,
}

impl<'a, T: Real> L1<'a, T> {
    /// λ for all variables, or one each.
    pub fn new(lambda: impl Into<Values<'a, T>>) -> Self {
        Self { lambda: lambda.into() }
    }
}

impl<T: Real> Penalty<T> for L1<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        self.lambda.check_weights("lambda", variables)
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        Some(Shape { l1: self.lambda.get(variable), ..Shape::zero() })
    }
    fn uniform(&self) -> Option<Shape<T>> {
        self.lambda.is_same().then(|| self.shape(0))?
    }
}
