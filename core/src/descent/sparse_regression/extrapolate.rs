//! Dual extrapolation: where residuals come nearer to the optimum by a constant map, as sweeps lead them, five in a row
//! say where they are going.
//!
//! With d_k = ρ_{k+1} − ρ_k of four steps, the combination Σ c_k ρ_{k+1}, Σ c_k = 1, with the shortest Σ c_k d_k is
//! near the limit long before ρ is; scaled until it is feasible, it is a dual point as good as any. The gap between w and
//! such a point ρ' is ½ ‖ρ − u ρ'‖² + Σ_b (λ_b ‖w_b‖ − u w_bᵀ Aᵀρ'): again no part is negative. The better of both
//! points counts. Least squares without a ridge only; the memory is that of the logistic loss, which is not in use then.
//! Working sets are solved exactly and take few steps, so there is nothing to extrapolate.
//!
//! *Source*: Massias, Gramfort & Salmon 2018.

use southwell_simd::vector;

use super::look::Certificate;
use super::problem::{Loss, Problem};
use super::workspace::{Features, Samples};
use crate::Real;
use crate::copy::CopyFrom;
use crate::descent::small;
use crate::linear::Design;

/// Residuals that are remembered besides the one that there is.
pub(super) const POINTS: usize = 4;

/// Whether a problem's residuals can be combined to dual points.
pub(super) fn applies<T: Real, A: Design<T>>(problem: &Problem<'_, T, A>) -> bool {
    problem.loss == Loss::LeastSquares && problem.ridge == T::ZERO
}

impl<T: Real> Samples<'_, T> {
    /// Remembers ρ as one of the four.
    pub(super) fn remember(&mut self, point: usize) {
        let memory = [&mut *self.fit, &mut *self.curvature, &mut *self.powers, &mut *self.old_rho];
        if let Some(memory) = memory.into_iter().nth(point) {
            memory.copy_from(self.rho);
        }
    }

    /// Where the five residuals are going, into `scratch`; false if they do not say.
    pub(super) fn extrapolate(&mut self) -> bool {
        let points = [&*self.fit, &*self.curvature, &*self.powers, &*self.old_rho, &*self.rho];
        let steps = || points.windows(2).filter_map(|pair| pair.first_chunk::<2>());
        let mut gram = [T::ZERO; POINTS * POINTS];
        for (row, [a, b]) in gram.chunks_exact_mut(POINTS).zip(steps()) {
            for (entry, [c, d]) in row.iter_mut().zip(steps()) {
                let lines = a.iter().zip(*b).zip(c.iter().zip(*d));
                *entry = lines.fold(T::ZERO, |sum, ((&a, &b), (&c, &d))| sum + (b - a) * (d - c));
            }
        }
        small::lift(POINTS, &mut gram);
        if !small::factor(POINTS, &mut gram) {
            return false;
        }
        let mut weights = [T::ONE; POINTS];
        small::solve(POINTS, &gram, &mut weights);
        let inverse = T::ONE / weights.iter().fold(T::ZERO, |sum, &z| sum + z);
        self.scratch.fill(T::ZERO);
        for (&weight, point) in weights.iter().zip(points.iter().skip(1)) {
            vector::axpy(weight * inverse, point, self.scratch);
        }
        vector::first_not_finite(self.scratch).is_none()
    }
}

impl<T: Real> Features<'_, T> {
    /// The certificate of the point that was extrapolated, if it is better than `found`; the slopes are then those of
    /// that point. Cost: a pass over the matrix.
    pub(super) fn certify_extrapolated<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        samples: &Samples<'_, T>,
        found: &Certificate<T>,
        x: &[T],
    ) -> Option<Certificate<T>> {
        self.priority.copy_from(self.slope);
        problem.design.transposed(samples.scratch, self.slope);
        self.silence(problem);
        let balance = self.balance(problem, x);
        let lines = samples.rho.iter().zip(&*samples.scratch);
        let square = lines.fold(T::ZERO, |sum, (&own, &other)| {
            let off = own - balance.shrink * other;
            sum + off * off
        });
        let gap = T::HALF * square + balance.excess;
        if gap < found.gap {
            return Some(Certificate { gap, shrink: balance.shrink, ..*found });
        }
        self.slope.copy_from(self.priority);
        None
    }
}
