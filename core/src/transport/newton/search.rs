//! How far to go along a direction.

use super::curvature::Curvature;
use super::run::{Newton, inner};
use super::workspace::Iterate;
use crate::transport::cost::Cost;
use crate::{Real, Status};

/// The part of the first-order gain that a step must have (Armijo 1966).
const ARMIJO: f64 = 1e-4;
/// Halvings before a direction is given up.
const MOST_HALVINGS: u32 = 12;
/// A step is shortened if the slope at its end is less than −½ of that at its beginning: where Newton's
/// model is right, the slope ends at 0. (1.1 to 2 do the same on the reference problems, 4 takes more steps.)
const OVERSHOOT: f64 = 1.5;
/// Bisections that find a step along the entries of the system.
const BISECTIONS: u32 = 12;

#[allow(private_bounds)] // Sealed: the two kinds of this family.
impl<T: Real, C: Cost<T>, H: Curvature<T>> Newton<'_, T, C, H> {
    /// A guarded line search along d; false if no step was found.
    pub(super) fn search(&mut self, slope: T) -> bool {
        let epsilon = self.problem.epsilon;
        // ⟨a, d_f⟩ + ⟨b, d_g⟩, with which a gain is no difference of dual values.
        let linear = inner(self.problem.a, self.problem.a, self.iterate.d_f)
            + inner(self.problem.b, self.problem.b, self.iterate.d_g);
        let rounding = self.floor.level();
        let mut step = self.predicted(slope);
        for _ in 0..=MOST_HALVINGS {
            let Iterate { trial_f, trial_g, d_f, d_g, .. } = &mut self.iterate;
            let move_on = |trial: &mut [T], x: &[T], d: &[T]| {
                for ((trial, &x), &d) in trial.iter_mut().zip(x).zip(d) {
                    *trial = x + epsilon * (step * d);
                }
            };
            move_on(trial_f, self.x.f, d_f);
            move_on(trial_g, self.x.g, d_g);
            self.work.evaluations += 1;
            let (total, residual) = self.read_trial();
            // In units of ε.
            let gain = step * linear - (total - self.total);
            let expected = T::from_f64(ARMIJO) * step * slope;
            if gain.is_finite()
                && (gain >= expected.max(rounding) || (gain.abs() <= rounding && residual < self.residual))
            {
                self.accept(total, residual);
                return true;
            }
            if step * slope <= rounding {
                // Nothing but rounding is left to be gained.
                if self.residual <= rounding {
                    self.failure = Some(Status::Stalled);
                }
                return false;
            }
            step *= T::HALF;
        }
        false
    }

    /// The step at which the entries of the system stop asking for more, at most 1.
    ///
    /// Along d the dual gains, in units of ε, α ⟨∇, d⟩ − Σ p (e^(α t) − 1 − α t), t = d_f + d_g of the entry.
    /// Over the kept entries that takes a few thousand exponentials and saves readings of all costs: 87 trials
    /// instead of 107 for the hardest of the reference problems. Longer steps than 1 were tried, and refused
    /// too often.
    fn predicted(&self, slope: T) -> T {
        let Iterate { d_f, d_g, .. } = &self.iterate;
        let excess = |step: T| self.curvature.excess(step, d_f, d_g);
        if excess(T::ONE) <= slope * T::from_f64(OVERSHOOT) {
            return T::ONE;
        }
        let (mut low, mut high) = (T::ZERO, T::ONE);
        for _ in 0..BISECTIONS {
            let middle = (low + high) * T::HALF;
            if excess(middle) <= slope { low = middle } else { high = middle }
        }
        low.max(high * T::HALF)
    }
}
