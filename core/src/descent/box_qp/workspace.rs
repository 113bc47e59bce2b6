//! Memory of a run, and what it remembers for the next.

use super::model::{Factors, Model};
use crate::carve::carve;
use crate::{Error, Real};

/// Numbers for so many variables and so many numbers of factors.
#[inline(never)]
pub(super) const fn required_len(variables: usize, factors: usize) -> usize {
    variables.saturating_mul(6).saturating_add(factors)
}

/// Memory of runs on one model, carved from the caller's slice, which may be dirty.
///
/// Keep it from one problem to the next: it holds the factors of the last active set, and a run that begins with
/// that set, or with one that differs only in early stages, need not make them anew. It borrows the model, so they
/// cannot be out of date. For another model in other memory they are made anew.
#[derive(Debug)]
pub struct Workspace<'w, T, M> {
    pub(super) model: M,
    pub(super) factors: Factors<'w, T>,
    /// Where the variables are in the current trial.
    pub(super) sides: &'w mut [T],
    /// The trial.
    pub(super) trial: &'w mut [T],
    pub(super) gradient: &'w mut [T],
    /// Multipliers of the dual method, steps of two-metric projection.
    pub(super) change: &'w mut [T],
    /// Where the run began.
    pub(super) start: &'w mut [T],
}

impl<'w, T: Real, M: Model<T>> Workspace<'w, T, M> {
    /// Carves the workspace of a model. How long `storage` must be is told by the model's `required_len`.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new(model: &M, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, factors) = (model.variables(), model.factors_len());
        let [factor_sides, sides, trial, gradient, change, start, storage] =
            carve(storage, [n, n, n, n, n, n, factors])?;
        let factors = Factors { sides: factor_sides, storage, valid: false };
        Ok(Self { model: *model, factors, sides, trial, gradient, change, start })
    }

    /// Makes the workspace ready for a model.
    pub(super) fn fit(&mut self, model: &M) -> Result<(), Error> {
        let needed = required_len(model.variables(), model.factors_len());
        let given = required_len(self.trial.len(), self.factors.storage.len());
        if model.variables() != self.trial.len() || model.factors_len() != self.factors.storage.len() {
            return Err(Error::Workspace { needed, given });
        }
        if !self.model.is(model) {
            (self.model, self.factors.valid) = (*model, false);
        }
        Ok(())
    }
}
