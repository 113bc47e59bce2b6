//! The geometric median, f(x) = Σ_i w_i ‖x − p_i‖₂: the centre that half of the points cannot move far.
//!
//! A sub-gradient is Σ w_i (x − p_i)/‖x − p_i‖, a point at x itself adding 0. Smooth but at the points, so that a
//! median away from all of them is found faster by Weiszfeld's iteration; that one stops dead when it hits a point,
//! this does not. *Cost* of a call: the points twice.

use southwell_simd::vector;

use super::sum::Sum;
use super::{Oracle, Table};
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

/// Σ w_i ‖x − p_i‖₂ over points, one a row.
#[derive(Debug)]
pub struct GeometricMedian<'a, T> {
    points: Table<'a, T>,
    weights: Option<&'a [T]>,
    offset: &'a mut [T],
}

impl<'a, T: Real> GeometricMedian<'a, T> {
    /// Points, and as many elements of memory as one has coordinates.
    ///
    /// # Errors
    /// [`Error::Workspace`].
    pub fn new(points: Table<'a, T>, storage: &'a mut [T]) -> Result<Self, Error> {
        let given = storage.len();
        match storage.get_mut(..points.columns()) {
            Some(offset) => Ok(Self { points, weights: None, offset }),
            None => Err(Error::Workspace { needed: points.columns(), given }),
        }
    }

    /// The same with weights w_i ≥ 0.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`], [`Error::Negative`].
    pub fn weighted(self, weights: &'a [T]) -> Result<Self, Error> {
        check_len("weights", weights.len(), self.points.rows())?;
        check_finite("weights", weights)?;
        match weights.iter().position(|&w| w < T::ZERO) {
            Some(index) => Err(Error::Negative { argument: "weights", index }),
            None => Ok(Self { weights: Some(weights), ..self }),
        }
    }
}

impl<T: Real> Oracle<T> for GeometricMedian<'_, T> {
    fn dimension(&self) -> usize {
        self.points.columns()
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let mut sum = Sum::new();
        g.fill(T::ZERO);
        for row in 0..self.points.rows() {
            let weight = self.weights.map_or(T::ONE, |w| w.get(row).copied().unwrap_or(T::ZERO));
            let differences = self.offset.iter_mut().zip(x).zip(self.points.row(row));
            differences.for_each(|((offset, &x), &p)| *offset = x - p);
            let distance = vector::norm_scaled(self.offset);
            if weight == T::ZERO || distance == T::ZERO {
                continue;
            }
            sum.add(weight * distance);
            vector::axpy(weight / distance, self.offset, g);
        }
        sum.value()
    }

    fn floor(&self) -> T {
        T::ZERO
    }
}
