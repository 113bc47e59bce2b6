//! What is recovered from what.

use super::operator::Operator;
use super::shape::Shape;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Measurements y_i = ⟨A_i, X⟩ + s_i of a matrix X, of which the rank is known not to exceed `rank`,
/// borrowed and checked.
#[derive(Debug)]
pub struct Problem<'a, T, O> {
    pub(super) operator: &'a O,
    pub(super) y: &'a [T],
    pub(super) shape: Shape,
}

/// Borrowed, so copying one is free whatever the operator is.
impl<T, O> Clone for Problem<'_, T, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, O> Copy for Problem<'_, T, O> {}

impl<'a, T: Real, O: Operator<T>> Problem<'a, T, O> {
    /// X = U Uᵀ, symmetric and positive semidefinite.
    ///
    /// # Errors
    /// [`Error::Dimension`] if X would not be square or y is not as long as there are measurements;
    /// [`Error::Option`] for rank 0, a rank above the dimension, or no measurement at all;
    /// [`Error::Value`] for a NaN or an infinity in y.
    pub fn symmetric(operator: &'a O, y: &'a [T], rank: usize) -> Result<Self, Error> {
        let (rows, columns) = operator.dimensions();
        check_len("columns", columns, rows)?;
        Self::new(operator, y, Shape::symmetric(rows, rank))
    }

    /// X = U Vᵀ.
    ///
    /// # Errors
    /// As [`symmetric`](Problem::symmetric); X may be of any shape.
    pub fn general(operator: &'a O, y: &'a [T], rank: usize) -> Result<Self, Error> {
        let (rows, columns) = operator.dimensions();
        Self::new(operator, y, Shape::general(rows, columns, rank))
    }

    fn new(operator: &'a O, y: &'a [T], shape: Shape) -> Result<Self, Error> {
        shape.check()?;
        if operator.count() == 0 {
            return Err(Error::Option { name: "measurements", requirement: "must be at least one" });
        }
        check_len("y", y.len(), operator.count())?;
        check_finite("y", y)?;
        Ok(Self { operator, y, shape })
    }

    /// What is factorised, and how the factors lie in memory.
    #[must_use]
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The operator.
    #[must_use]
    pub fn operator(&self) -> &'a O {
        self.operator
    }

    /// The measurements.
    #[must_use]
    pub fn y(&self) -> &'a [T] {
        self.y
    }
}
