//! No penalty.

use super::{Penalty, Shape};
use crate::{Error, Real};

/// h = 0: a smooth problem.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Free;

impl<T: Real> Penalty<T> for Free {
    fn check(&self, _variables: usize) -> Result<(), Error> {
        Ok(())
    }
    fn shape(&self, _variable: usize) -> Option<Shape<T>> {
        Some(Shape::zero())
    }
    fn is_zero(&self) -> bool {
        true
    }
}
