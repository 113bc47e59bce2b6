//! A model with the numbers of the moment and bounds.

use super::bounds::Bounds;
use super::model::Model;
use crate::linear::check_vector;
use crate::{Error, Real};

/// A quadratic model, what changes of it from one problem to the next, and bounds on every variable.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, T, M> {
    pub(super) model: M,
    pub(super) data: &'a [T],
    pub(super) bounds: Bounds<'a, T>,
}

impl<'a, T: Real, M: Model<T>> Problem<'a, T, M> {
    /// `data` is f of a [`Condensed`](super::Condensed) model and the first state x₀ of a
    /// [`Staged`](super::Staged) one, whose bounds run stage after stage. An infinite bound is none; equal bounds
    /// fix a variable.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] for a NaN, an infinite number in `data`, a lower bound of +∞ or an
    /// upper one of −∞; [`Error::Bounds`] if a lower bound lies above its upper one.
    pub fn new(model: &M, data: &'a [T], lower: &'a [T], upper: &'a [T]) -> Result<Self, Error> {
        check_vector(M::DATA, data, model.data_len())?;
        let bounds = Bounds::new(lower, upper, model.variables())?;
        Ok(Self { model: *model, data, bounds })
    }

    /// Variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.model.variables()
    }

    /// What changes from problem to problem: f, or x₀.
    #[must_use]
    pub fn data(&self) -> &'a [T] {
        self.data
    }

    /// The lower bounds.
    #[must_use]
    pub fn lower(&self) -> &'a [T] {
        self.bounds.lower
    }

    /// The upper bounds.
    #[must_use]
    pub fn upper(&self) -> &'a [T] {
        self.bounds.upper
    }
}
