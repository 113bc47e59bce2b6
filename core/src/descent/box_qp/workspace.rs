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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descent::box_qp::{Condensed, Plant, Prepared, Staged};

    const UNIT: [f64; 4] = [1.0, 0.0, 0.0, 1.0];

    #[test]
    fn models_are_the_same_if_their_memory_and_their_sizes_are() {
        let parts = [UNIT; 5];
        let copies = parts;
        // The part that is another one, states, inputs, horizon.
        let staged = |which: usize, states: usize, inputs: usize, horizon: usize| {
            let of = |k: usize, len: usize| if k == which { &copies[k][..len] } else { &parts[k][..len] };
            let (n, m) = (states, inputs);
            let plant =
                Plant { states, inputs, a: of(0, n * n), b: of(1, n * m), q: of(2, n * n), r: of(3, m * m) };
            Staged::new(plant, of(4, n * n), horizon).expect("sound")
        };
        let model = staged(9, 2, 1, 3);
        assert!(model.is(&model) && model.is(&staged(9, 2, 1, 3)));
        for which in 0..5 {
            assert!(!model.is(&staged(which, 2, 1, 3)), "part {which}");
        }
        assert!(
            !model.is(&staged(9, 1, 1, 3))
                && !model.is(&staged(9, 2, 2, 3))
                && !model.is(&staged(9, 2, 1, 4))
        );

        let (h, other) = (UNIT, UNIT);
        let condensed = |h| Condensed::new(h, 2).expect("sound");
        assert!(condensed(&h).is(&condensed(&h)) && !condensed(&h).is(&condensed(&other)));
        let prepared = |h, inverse| Prepared::new(condensed(h), inverse).expect("sound");
        let model = prepared(&h, &other);
        assert!(model.is(&prepared(&h, &other)));
        assert!(!model.is(&prepared(&h, &h)) && !model.is(&prepared(&other, &other)));
    }

    #[test]
    fn factors_are_kept_for_the_same_model_alone() {
        let (h, other) = (UNIT, UNIT);
        let model = Condensed::new(&h, 2).expect("sound");
        let mut storage = [0.0; Condensed::<f64>::required_len(2)];
        let mut work = Workspace::new(&model, &mut storage).expect("long enough");
        assert!(!work.factors.valid);
        work.factors.valid = true;
        assert_eq!(work.fit(&model), Ok(()));
        assert!(work.factors.valid);
        assert_eq!(work.fit(&Condensed::new(&other, 2).expect("sound")), Ok(()));
        assert!(!work.factors.valid, "they are of other numbers");
        let short = Condensed::new(&h[..1], 1).expect("sound");
        let (needed, given) = (Condensed::<f64>::required_len(1), Condensed::<f64>::required_len(2));
        assert_eq!(work.fit(&short), Err(Error::Workspace { needed, given }));

        // As many variables, but other factors; and as many factors, but other variables.
        let plant = |states: usize, inputs: usize| {
            let of = |len: usize| UNIT.get(..len).expect("at most four");
            let (n, m) = (states, inputs);
            Plant { states, inputs, a: of(n * n), b: of(n * m), q: of(n * n), r: of(m * m) }
        };
        let two = Staged::new(plant(2, 1), &UNIT, 2).expect("sound");
        let one = Staged::new(plant(1, 1), &UNIT[..1], 2).expect("sound");
        let mut storage = [0.0; Staged::<f64>::required_len(2, 1, 2)];
        let mut work = Workspace::new(&two, &mut storage).expect("long enough");
        let (needed, given) = (Staged::<f64>::required_len(1, 1, 2), Staged::<f64>::required_len(2, 1, 2));
        assert_eq!(work.fit(&one), Err(Error::Workspace { needed, given }));
    }
}
