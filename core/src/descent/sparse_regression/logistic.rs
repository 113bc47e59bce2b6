//! Newton's method with a proximal term on a working set, for the logistic loss.
//!
//! At w the loss is replaced by its quadratic model, whose Gram matrix A_Wᵀ diag(s (1 − s)) A_W is made anew; the
//! model with the penalty is minimised, and the step is halved until the objective falls by a share of
//! what its linear part promises. An intercept is eliminated from the model, which takes the weighted means out of the
//! columns, and is made exact after every step.

use southwell_simd::vector;

use super::run::SparseRegression;
use super::working_set::{Columns, at, index_at, put, used};
use super::workspace::Workspace;
use crate::Real;
use crate::copy::CopyFrom;
use crate::linear::Design;

/// Models on one working set, at most.
const MOST_MODELS: u32 = 12;
/// Halvings of a step, at most.
const MOST_HALVINGS: u32 = 30;

impl<T: Real, A: Design<T>> SparseRegression<'_, T, A> {
    /// Minimises over the working set until no slot is farther than `enough` of its threshold from optimal.
    pub(super) fn solve_logistic(&mut self, enough: T) {
        let Workspace { samples, features, set, .. } = &mut self.work;
        let problem = &self.problem;
        let mut loss = samples.logistic(problem.y);
        let intercept = problem.intercept;
        let directly = set.is_direct(problem);
        // A look at all columns costs no more than a model does then, and the next one knows of all of them.
        let most = if directly { 1 } else { MOST_MODELS };
        for model in 0..most {
            let bend = vector::sum(samples.curvature);
            for slot in 0..set.len {
                let column = index_at(set.columns, slot) as usize;
                let slope = if model == 0 {
                    at(features.slope, column)
                } else {
                    self.counts.visits += 1;
                    problem.design.dot(column, samples.rho) - problem.ridge * at(set.x, slot)
                };
                put(set.slope, slot, slope);
                let mut square = problem.design.weighted_gram(column, column, samples.curvature);
                if intercept {
                    let mean = problem.design.dot(column, samples.curvature) / bend;
                    put(features.mean, column, mean);
                    let spread = square - mean * mean * bend;
                    let noise = T::from_u32(64) * T::EPSILON * square;
                    square = if spread > noise { spread } else { T::ZERO };
                }
                set.set_diagonal(slot, square + problem.ridge);
            }
            self.counts.visits += set.len as u64;
            set.forget_gram();
            if !directly {
                set.factored = 0;
            }
            let groups = problem.groups.is_some();
            let violation = if groups {
                set.bound_groups();
                set.look_at_groups().violation
            } else {
                set.look(problem.positive).violation
            };
            if violation <= enough {
                break;
            }
            set.before.copy_from(set.x);
            let (penalty, square) = (set.penalty(), vector::dot(used(set.x, set.len), used(set.x, set.len)));
            let objective = loss + T::HALF * problem.ridge * square + penalty;
            let slopes: &[T] = &*set.slope;
            let before = slopes.iter().zip(&*set.x).take(set.len).fold(T::ZERO, |sum, (&g, &x)| sum + g * x);
            features.priority.copy_from(slopes);
            let mut columns = Columns {
                problem,
                means: features.mean,
                curvature: samples.curvature,
                spread: samples.scratch,
                residual: if directly { &mut *samples.rho } else { &mut [] },
                visits: 0,
            };
            // The first models are not worth an exact solution.
            let inner = enough.max(T::from_f64(if directly { 0.1 } else { 0.02 }) * violation.min(T::ONE));
            let done = if directly {
                set.descend_directly(&mut columns, inner, self.options.max_updates)
            } else {
                set.descend(&mut columns, inner, self.options.max_updates)
            };
            self.counts.visits += columns.visits;
            self.counts.updates += done.updates;
            self.counts.second_order += u64::from(done.faces);
            if done.updates == 0 {
                break;
            }
            if set.x.iter().take(set.len).any(|x| !x.is_finite()) {
                set.x.copy_from(set.before);
                break;
            }
            // slopeᵀ d less what the penalty rises: what the objective falls by to first order.
            let after = features
                .priority
                .iter()
                .zip(&*set.x)
                .take(set.len)
                .fold(T::ZERO, |sum, (&g, &x)| sum + g * x);
            let promised = after - before - (set.penalty() - penalty);
            samples.scratch.fill(T::ZERO);
            for ((&column, &x), old) in
                set.columns.iter().zip(&*set.x).zip(set.before.iter_mut()).take(set.len)
            {
                // From here on `before` holds the step.
                *old = x - *old;
                if *old != T::ZERO {
                    problem.design.add_scaled(column as usize, *old, samples.scratch);
                }
            }
            let (mut step, mut accepted) = (T::ONE, false);
            // The constant of the model's minimum.
            let shift =
                if intercept { -vector::dot(samples.curvature, samples.scratch) / bend } else { T::ZERO };
            if intercept {
                samples.scratch.iter_mut().for_each(|z| *z += shift);
            }
            let level = samples.level;
            samples.level = level + shift;
            vector::axpy(T::ONE, samples.scratch, samples.fit);
            for _ in 0..MOST_HALVINGS {
                loss = samples.logistic(problem.y);
                let square = vector::dot(used(set.x, set.len), used(set.x, set.len));
                let reached = loss + T::HALF * problem.ridge * square + set.penalty();
                let rounding = T::from_u32(8) * T::EPSILON * objective;
                if reached <= objective - T::from_f64(1e-4) * step * promised + rounding {
                    accepted = true;
                    break;
                }
                step *= T::HALF;
                samples.level = level + step * shift;
                vector::axpy(-step, samples.scratch, samples.fit);
                for (x, &d) in set.x.iter_mut().zip(&*set.before).take(set.len) {
                    *x -= step * d;
                }
            }
            if !accepted {
                samples.level = level;
                vector::axpy(-step, samples.scratch, samples.fit);
                for (x, &d) in set.x.iter_mut().zip(&*set.before).take(set.len) {
                    *x -= step * d;
                }
                break;
            }
            if intercept {
                loss = samples.profile(problem);
            }
        }
        for (&column, &x) in set.columns.iter().zip(&*set.x).take(set.len) {
            put(self.x, column as usize, x);
        }
    }
}
