//! A look at all columns: residual, slopes, duality gap, and what can be screened.

use southwell_simd::elementary::{exp_in_place, ln_in_place, ln_scalar};
use southwell_simd::vector;

use super::problem::{Loss, Problem};
use super::working_set::{OUTSIDE, SCREENED, at};
use super::workspace::{Features, Samples};
use crate::Real;
use crate::copy::CopyFrom;
use crate::linear::Design;

/// What a look found out, as it goes with the sum of the losses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Certificate<T> {
    pub(super) primal: T,
    /// P − D of the feasible dual point shrink·ρ
    pub(super) gap: T,
    /// min(1, λ/‖Aᵀρ‖_∞)
    pub(super) shrink: T,
}

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
                    self.rho.iter_mut().for_each(|rho| *rho = *rho - mean);
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
    fn loss_gap(&mut self, problem_loss: Loss, y: &[T], u: T) -> T {
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
                for (((&v, &log), &z), &y) in
                    self.scratch.iter().zip(&*self.powers).zip(&*self.fit).zip(y)
                {
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

impl<T: Real> Features<'_, T> {
    /// The slopes of the columns whose size could matter; for the others a bound by the Cauchy-Schwarz
    /// inequality, by how far ρ has gone. Returns the number of columns visited.
    pub(super) fn correlate<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        samples: &mut Samples<'_, T>,
        x: &[T],
        first: bool,
    ) -> u64 {
        if first {
            problem.design.transposed(samples.rho, self.slope);
            self.add_ridge(problem.ridge, x);
            samples.old_rho.copy_from(samples.rho);
            return self.slope.len() as u64;
        }
        let size = vector::norm(samples.rho);
        for (old, &new) in samples.old_rho.iter_mut().zip(&*samples.rho) {
            *old = *old - new;
        }
        let slack = T::from_u32(16) * T::EPSILON * size;
        let distance = vector::norm(samples.old_rho) + slack;
        let reach = |slope: T, norm: T| slope.abs() + norm * distance;
        let mut visits = 0;
        for block in 0..problem.blocks() {
            let limit = problem.lambda * problem.weight(block);
            let (small, columns) = match problem.columns_of(block) {
                None => {
                    let bound = reach(at(self.slope, block), at(self.norm, block));
                    (at(x, block) == T::ZERO && bound <= limit, block..block + 1)
                }
                Some(columns) => {
                    let mut sum = T::ZERO;
                    let mut zero = true;
                    for column in columns.clone() {
                        let bound = reach(at(self.slope, column), at(self.norm, column));
                        sum += bound * bound;
                        zero = zero && at(x, column) == T::ZERO;
                    }
                    (zero && sum <= limit * limit, columns)
                }
            };
            for column in columns {
                let bound = reach(at(self.slope, column), at(self.norm, column));
                if let Some(slope) = self.slope.get_mut(column) {
                    if small {
                        *slope = bound;
                    } else {
                        visits += 1;
                        *slope =
                            problem.design.dot(column, samples.rho) - problem.ridge * at(x, column);
                    }
                }
            }
        }
        samples.old_rho.copy_from(samples.rho);
        visits
    }

    fn add_ridge(&mut self, ridge: T, x: &[T]) {
        if ridge > T::ZERO {
            vector::axpy(-ridge, x, self.slope);
        }
    }

    /// Norms and means. Cost: a pass over the matrix, or two with an intercept.
    pub(super) fn measure<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>, scratch: &mut [T]) {
        let n = T::from_usize(scratch.len().max(1));
        for (column, (norm, mean)) in self.norm.iter_mut().zip(&mut *self.mean).enumerate() {
            let square = if problem.intercept {
                scratch.fill(T::ZERO);
                problem.design.add_scaled(column, T::ONE, scratch);
                *mean = vector::sum(scratch) / n;
                scratch.iter_mut().for_each(|a| *a = *a - *mean);
                vector::dot(scratch, scratch)
            } else {
                *mean = T::ZERO;
                problem.design.square(column)
            };
            *norm = (square + problem.ridge).sqrt();
        }
    }

    /// The size of a block's slope that the penalty must bear: |c|, c or ‖c_g‖.
    pub(super) fn pull<A: Design<T>>(&self, problem: &Problem<'_, T, A>, block: usize) -> T {
        match problem.columns_of(block) {
            None if problem.positive => at(self.slope, block),
            None => at(self.slope, block).abs(),
            Some(columns) => {
                let slopes = self.slope.get(columns).unwrap_or(&[]);
                slopes.iter().fold(T::ZERO, |sum, &c| sum + c * c).sqrt()
            }
        }
    }

    /// √Σ ‖a_j‖² over a block
    pub(super) fn block_norm<A: Design<T>>(&self, problem: &Problem<'_, T, A>, block: usize) -> T {
        match problem.columns_of(block) {
            None => at(self.norm, block),
            Some(columns) => {
                let norms = self.norm.get(columns).unwrap_or(&[]);
                norms.iter().fold(T::ZERO, |sum, &norm| sum + norm * norm).sqrt()
            }
        }
    }

    /// The gap at w, from the slopes.
    ///
    /// P − D = loss(z) + loss*(−u ρ) + u ρᵀz + Σ_b (λ ‖w_b‖ − u w_bᵀ c_b): every part is ≥ 0, and nothing
    /// cancels.
    pub(super) fn certify<A: Design<T>>(
        &self,
        problem: &Problem<'_, T, A>,
        samples: &mut Samples<'_, T>,
        loss: T,
        x: &[T],
    ) -> Certificate<T> {
        let mut largest = T::ONE;
        for block in 0..problem.blocks() {
            let ratio = self.pull(problem, block) / (problem.lambda * problem.weight(block));
            // A NaN must not hide.
            largest = if ratio <= largest { largest } else { ratio };
        }
        let shrink = T::ONE / largest;
        let (mut penalty, mut excess) = (T::ZERO, T::ZERO);
        for block in 0..problem.blocks() {
            let lambda = problem.lambda * problem.weight(block);
            let (size, product) = match problem.columns_of(block) {
                None => {
                    let x = at(x, block);
                    (x.abs(), x * at(self.slope, block))
                }
                Some(columns) => {
                    let of_group = x.get(columns.clone()).unwrap_or(&[]);
                    let product = vector::dot(of_group, self.slope.get(columns).unwrap_or(&[]));
                    (vector::dot(of_group, of_group).sqrt(), product)
                }
            };
            if size != T::ZERO {
                penalty += lambda * size;
                excess += (lambda * size - shrink * product).max(T::ZERO);
            }
        }
        let square = if problem.ridge > T::ZERO { problem.ridge * vector::dot(x, x) } else { T::ZERO };
        let rest = T::ONE - shrink;
        let gap = samples.loss_gap(problem.loss, problem.y, shrink) + T::HALF * rest * rest * square + excess;
        Certificate { primal: loss + T::HALF * square + penalty, gap, shrink }
    }

    /// Marks the columns outside the working set that a gap-safe sphere shows to be zero in every solution, and
    /// that are zero in w; the number of new ones.
    pub(super) fn screen<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        found: &Certificate<T>,
        x: &[T],
    ) -> u32 {
        // Rounding may hide a gap of this size.
        let gap = found.gap + T::from_u32(64) * T::EPSILON * found.primal;
        // The dual function is 4-strongly concave with a logistic loss alone, 1-strongly else.
        let smooth = problem.loss == Loss::Logistic && problem.ridge == T::ZERO;
        let radius = (if smooth { T::HALF } else { T::TWO } * gap).sqrt();
        let mut screened = 0;
        for block in 0..problem.blocks() {
            let bound = found.shrink * self.pull(problem, block) + radius * self.block_norm(problem, block);
            if !(bound < problem.lambda * problem.weight(block)) {
                continue;
            }
            let columns = problem.columns_of(block).unwrap_or(block..block + 1);
            let places = self.place.get_mut(columns.clone()).unwrap_or(&mut []);
            let values = x.get(columns).unwrap_or(&[]);
            if places.iter().any(|&place| place != OUTSIDE) || values.iter().any(|&x| x != T::ZERO) {
                continue;
            }
            for place in places {
                *place = SCREENED;
                screened += 1;
            }
        }
        screened
    }
}
