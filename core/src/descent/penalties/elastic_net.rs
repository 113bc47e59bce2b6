//! λ₁‖x‖₁ + ½λ₂‖x‖².

use super::{Penalty, Shape, Values};
use crate::{Error, Real};

/// h = Σ λ₁ |x_i| + ½λ₂ x_i², both weights ≥ 0 (Zou & Hastie 2005).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ElasticNet<'a, T> {
    /// λ₁, in units of the gradient.
    pub l1: Values<'a, T>,
    /// λ₂, in units of the curvature.
    pub l2: Values<'a, T>,
}

impl<'a, T: Real> ElasticNet<'a, T> {
    /// Each weight for all variables, or one each.
    pub fn new(l1: impl Into<Values<'a, T>>, l2: impl Into<Values<'a, T>>) -> Self {
        Self { l1: l1.into(), l2: l2.into() }
    }
}

impl<T: Real> Penalty<T> for ElasticNet<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        self.l1.check_weights("l1", variables)?;
        self.l2.check_weights("l2", variables)
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        Some(Shape { l1: self.l1.get(variable), l2: self.l2.get(variable), ..Shape::zero() })
    }
    fn uniform(&self) -> Option<Shape<T>> {
        (self.l1.is_same() && self.l2.is_same()).then(|| self.shape(0))?
    }
}
