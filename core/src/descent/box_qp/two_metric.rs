//! Two-metric projection: Newton's step over all variables that do not press against a bound, projected, with a line
//! search.
//!
//! Variables within a margin of a bound that the gradient presses against it go to the bound, the others towards the
//! minimum over them. The margin shrinks with the residual. A step α is taken that decreases the objective by 1e-4 of
//! what its parts promise: α over the free variables, the gradient times the way over the others. *Source*:
//! Bertsekas 1982.

use super::active_set::BoxQp;
use super::bounds::cut;
use super::model::Model;
use super::small::copy;
use crate::{Real, Status};

/// Parts of the box that count as at a bound, while the residual is as large as the gradient's terms.
const MARGIN: f64 = 1e-4;
/// The decrease that is asked for, in parts of what was promised.
const DECREASE: f64 = 1e-4;
/// Halvings of a step.
const HALVINGS: u32 = 48;

impl<T: Real, M: Model<T>> BoxQp<'_, '_, '_, T, M> {
    /// A step of two-metric projection. Cost: a minimisation, a gradient, and dᵀH d in every trial of the search.
    // Its parts are functions of their own, so that a part's stack holds one of them at a time.
    pub(super) fn two_metric(&mut self) {
        self.press();
        if self.aim() {
            self.search();
        } else {
            self.failure = Some(Status::Breakdown);
        }
    }

    /// Goes the largest part of the way that decreases the objective enough.
    #[cfg_attr(target_os = "none", inline(never))]
    fn search(&mut self) {
        let mut step = T::ONE;
        for _ in 0..HALVINGS {
            let (slope, promised) = self.go(step);
            let curvature = self.work.model.curvature(self.work.change, self.work.factors.storage);
            if promised < T::ZERO && slope + T::HALF * curvature <= T::from_f64(DECREASE) * promised {
                self.arrive(step);
                return;
            }
            step *= T::HALF;
        }
        // No decrease that this precision could tell.
        self.failure = Some(Status::Stalled);
    }

    /// Chooses the sides: what presses against a bound, or nearly.
    #[cfg_attr(target_os = "none", inline(never))]
    fn press(&mut self) {
        let share = T::from_f64(MARGIN) * (self.residual / self.scale).min(T::ONE);
        let values = self.x.iter().zip(&*self.work.gradient).zip(self.bounds.pairs());
        for (side, ((&x, &g), (lo, hi))) in self.work.sides.iter_mut().zip(values) {
            let width = hi - lo;
            // Without a second bound nothing says how much is near.
            let margin = if width <= T::MAX { share * width } else { T::ZERO };
            *side = if lo >= hi || (x - lo <= margin && g > T::ZERO) {
                -T::ONE
            } else if hi - x <= margin && g < T::ZERO {
                T::ONE
            } else {
                T::ZERO
            };
        }
    }

    /// Where a full step leads before it is projected, into the trial.
    fn aim(&mut self) -> bool {
        let work = &mut *self.work;
        copy(work.trial, self.x);
        // The gradient there is of no use; that of x is still needed.
        let (model, sides) = (&work.model, &*work.sides);
        let positive = model.minimise(self.data, sides, work.trial, work.change, &mut work.factors);
        self.bind();
        positive
    }

    /// The change that a step makes, the gradient times it, and what is promised of it.
    fn go(&mut self, step: T) -> (T, T) {
        let (mut slope, mut promised) = (T::ZERO, T::ZERO);
        let work = &mut *self.work;
        let ways = self.x.iter().zip(&*work.trial).zip(self.bounds.pairs());
        let signs = work.gradient.iter().zip(&*work.sides);
        for ((change, ((&x, &trial), (lo, hi))), (&g, &side)) in work.change.iter_mut().zip(ways).zip(signs) {
            let way = trial - x;
            *change = cut(x + step * way, lo, hi) - x;
            slope += g * *change;
            promised += if side == T::ZERO { step * (g * way) } else { g * *change };
        }
        (slope, promised)
    }

    /// Takes a step.
    fn arrive(&mut self, step: T) {
        let ways = self.work.trial.iter().zip(self.bounds.pairs());
        for (x, (&trial, (lo, hi))) in self.x.iter_mut().zip(ways) {
            // x + (trial − x) is not always the trial.
            let to = if step == T::ONE { trial } else { *x + step * (trial - *x) };
            *x = cut(to, lo, hi);
        }
        self.evaluate(false);
    }
}
