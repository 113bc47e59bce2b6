//! Cyclic sweeps over all columns that are not screened: what is left where no working set has room.

use super::extrapolate::{POINTS, applies};
use super::problem::Loss;
use super::run::SparseRegression;
use super::working_set::{SCREENED, at, index_at, put, reciprocal};
use super::workspace::Workspace;
use crate::linear::Design;
use crate::{Real, Status};

/// Sweeps between two looks.
const SWEEPS: usize = 10;

impl<T: Real, A: Design<T>> SparseRegression<'_, T, A> {
    /// Ten sweeps. A logistic loss counts with the bound ¼ of its second derivatives,
    /// and is evaluated anew after every column that moves: n exponentials, a few times as many with an intercept.
    pub(super) fn sweep(&mut self) {
        let extrapolates = applies(&self.problem);
        for sweep in 0..SWEEPS {
            self.counts.sweeps = self.counts.sweeps.saturating_add(1);
            for block in 0..self.problem.blocks() {
                self.visit(block);
                if self.failure.is_some() {
                    return;
                }
            }
            // The last residuals but the very last, which is still there.
            if extrapolates && let Some(point) = (sweep + 1 + POINTS).checked_sub(SWEEPS) {
                self.work.samples.remember(point);
            }
        }
        self.extrapolated = extrapolates && self.work.samples.extrapolate();
    }

    /// A proximal step of a column, or of a group.
    fn visit(&mut self, block: usize) {
        let problem = &self.problem;
        let Workspace { samples, features, .. } = &mut self.work;
        let columns = problem.columns_of(block).unwrap_or(block..block + 1);
        if index_at(features.place, columns.start) == SCREENED {
            return;
        }
        let quarter = if problem.loss == Loss::Logistic { T::from_f64(0.25) } else { T::ONE };
        let norm = features.block_norm(problem, block);
        let bound = quarter * (norm * norm - problem.ridge) + problem.ridge;
        let inverse = reciprocal(bound);
        if inverse == T::ZERO {
            return;
        }
        // The point before the proximal map, into `slope`: the next look writes the slopes anew.
        let mut square = T::ZERO;
        for column in columns.clone() {
            self.counts.visits += 1;
            let x = at(self.x, column);
            let v = x + (problem.design.dot(column, samples.rho) - problem.ridge * x) * inverse;
            square += v * v;
            put(features.slope, column, v);
        }
        let limit = problem.lambda * problem.weight(block) * inverse;
        let first = at(features.slope, columns.start);
        let size = if problem.positive { first } else { square.sqrt() };
        let keep = if size > limit { T::ONE - limit / size } else { T::ZERO };
        // A column that centring leaves nothing of but rounding may send the step anywhere: the weights stay as they are.
        if !columns.clone().all(|column| (keep * at(features.slope, column)).is_finite()) {
            self.failure = Some(Status::NotFinite);
            return;
        }
        let mut moved = false;
        for column in columns {
            let (x, new) = (at(self.x, column), keep * at(features.slope, column));
            if new == x {
                continue;
            }
            moved = true;
            put(self.x, column, new);
            if problem.loss == Loss::Logistic {
                problem.design.add_scaled(column, new - x, samples.fit);
            } else {
                problem.design.add_scaled(column, x - new, samples.rho);
                if problem.intercept {
                    let shift = (new - x) * at(features.mean, column);
                    samples.rho.iter_mut().for_each(|rho| *rho += shift);
                }
            }
        }
        if moved {
            self.counts.updates += 1;
            if problem.loss == Loss::Logistic {
                samples.profile(problem);
            }
        }
    }
}
