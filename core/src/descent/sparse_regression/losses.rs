//! The losses: what they are at w, their slopes with respect to the fit, and their part of the gap.

use southwell_simd::elementary::{exp_in_place, ln_in_place, ln_scalar};
use southwell_simd::vector;

use super::problem::{Loss, Problem};
use super::working_set::nonzeros;
use super::workspace::Samples;
use crate::Real;
use crate::linear::Design;

/// Shifts of a constant until it is right, at most; four to six are usual.
const MOST_SHIFTS: u32 = 60;

impl<T: Real> Samples<'_, T> {
    /// ρ of w, the loss, and the intercept, which is the best for this w: so Σ ρ = 0.
    pub(super) fn evaluate<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>, x: &[T]) -> (T, T) {
        match problem.loss {
            Loss::LeastSquares => {
                for (rho, &y) in self.rho.iter_mut().zip(problem.y) {
                    *rho = y;
                }
                for (column, x) in nonzeros(x) {
                    problem.design.add_scaled(column, -x, self.rho);
                }
                let mut mean = T::ZERO;
                if problem.intercept {
                    mean = vector::sum(self.rho) / T::from_usize(self.rho.len().max(1));
                    self.rho.iter_mut().for_each(|rho| *rho -= mean);
                }
                (T::HALF * vector::dot(self.rho, self.rho), mean)
            }
            Loss::Logistic => {
                self.fit.fill(self.level);
                for (column, x) in nonzeros(x) {
                    problem.design.add_scaled(column, x, self.fit);
                }
                (self.profile(problem), self.level)
            }
        }
    }

    /// What [`logistic`](Self::logistic) says of the fit that is there, its constant moved to the best one if the
    /// problem has one.
    pub(super) fn profile<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>) -> T {
        let mut loss = self.logistic(problem.y);
        if !problem.intercept {
            return loss;
        }
        // Newton's method for Σ ρ = 0, which falls as the constant rises, between what is too low and too high.
        let (mut low, mut high) = (-T::INFINITY, T::INFINITY);
        for _ in 0..MOST_SHIFTS {
            let (sum, bend) = (vector::sum(self.rho), vector::sum(self.curvature));
            let size = vector::sum_abs(self.rho) + self.level.abs().max(T::ONE) * bend;
            let wrong = sum.abs() > T::from_u32(16) * T::EPSILON * size;
            if !wrong {
                break;
            }
            if sum > T::ZERO {
                low = self.level;
            } else {
                high = self.level;
            }
            let mut next = self.level + (sum / bend).max(-T::TWO).min(T::TWO);
            if !(low < next && next < high) {
                next = T::HALF * (low + high);
            }
            let shift = next - self.level;
            if shift == T::ZERO || !next.is_finite() {
                break;
            }
            self.fit.iter_mut().for_each(|z| *z += shift);
            self.level = next;
            loss = self.logistic(problem.y);
        }
        loss
    }

    /// ρ, curvature and the loss of the fit that is there, a logistic one.
    pub(super) fn logistic(&mut self, y: &[T]) -> T {
        for ((e, &z), &y) in self.powers.iter_mut().zip(&*self.fit).zip(y) {
            *e = -(y * z).abs();
        }
        exp_in_place(self.powers);
        let lines = self.rho.iter_mut().zip(&mut *self.curvature).zip(&*self.powers);
        let mut loss = T::ZERO;
        for (((rho, curvature), &e), (&z, &y)) in lines.zip(self.fit.iter().zip(y)) {
            // With t = y z: s = 1/(1 + e^t).
            let (large, small) = (T::ONE / (T::ONE + e), e / (T::ONE + e));
            let negative = y * z < T::ZERO;
            *rho = if negative { y * large } else { y * small };
            *curvature = large * small;
            if negative {
                loss += -(y * z);
            }
        }
        self.powers.iter_mut().for_each(|e| *e += T::ONE);
        ln_in_place(self.powers);
        loss + vector::sum(self.powers)
    }

    /// The loss's part of the gap: Σ φ(z) + φ*(−u ρ) + u ρ z.
    pub(super) fn loss_gap(&mut self, problem_loss: Loss, y: &[T], u: T) -> T {
        match problem_loss {
            Loss::LeastSquares => {
                let rest = T::ONE - u;
                T::HALF * rest * rest * vector::dot(self.rho, self.rho)
            }
            Loss::Logistic if u == T::ONE => T::ZERO,
            Loss::Logistic => {
                // u s ln u + (1 − u s)(ln(1 − u s) + φ): relative entropy of u s and s.
                for ((v, &rho), &y) in self.scratch.iter_mut().zip(&*self.rho).zip(y) {
                    *v = T::ONE - u * (y * rho);
                }
                let log_u = ln_scalar(u);
                // φ = ln(1 + e^(−t)) = max(−t, 0) + the logarithm that is kept.
                let mut sum = T::ZERO;
                for (((&v, &log), &z), &y) in self.scratch.iter().zip(&*self.powers).zip(&*self.fit).zip(y) {
                    let loss = log + (-(y * z)).max(T::ZERO);
                    // Where s rounds to 1 the rest, 1 − u s, is 1 − u.
                    let rest = v.max(T::ONE - u);
                    let entropy = if rest > T::ZERO { ln_scalar(rest) + loss } else { T::ZERO };
                    sum += (T::ONE - v) * log_u + rest * entropy;
                }
                sum.max(T::ZERO)
            }
        }
    }
}
