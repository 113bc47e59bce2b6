//! The losses: what they are at w, their slopes with respect to the fit, and their part of the gap.

use southwell_simd::elementary::{exp_in_place, ln_in_place, ln_scalar};
use southwell_simd::vector;

use super::problem::{Loss, Problem};
use super::workspace::Samples;
use crate::Real;
use crate::linear::Design;

impl<T: Real> Samples<'_, T> {
    /// ρ of w, and the loss; the intercept of least squares is returned as well.
    pub(super) fn evaluate<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>, x: &[T]) -> (T, T) {
        let support = || x.iter().enumerate().filter(|(_, x)| **x != T::ZERO);
        match problem.loss {
            Loss::LeastSquares => {
                for (rho, &y) in self.rho.iter_mut().zip(problem.y) {
                    *rho = y;
                }
                for (column, &x) in support() {
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
                self.fit.fill(T::ZERO);
                for (column, &x) in support() {
                    problem.design.add_scaled(column, x, self.fit);
                }
                (self.logistic(problem.y), T::ZERO)
            }
        }
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
