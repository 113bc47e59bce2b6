//! A look at all columns: residual, slopes, duality gap, and what can be screened.

use southwell_simd::vector;

use super::problem::{Loss, Problem};
use super::working_set::{OUTSIDE, SCREENED, TOGETHER, at, nonzeros, put, short};
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

/// A penalty against the slopes of a dual point.
#[derive(Clone, Copy, Debug)]
pub(super) struct Balance<T> {
    /// What makes the dual point feasible.
    pub(super) shrink: T,
    penalty: T,
    /// Σ_b (λ_b ‖w_b‖ − shrink·w_bᵀ c_b)
    pub(super) excess: T,
    /// ‖w‖²
    square: T,
}

/// √x or a little more, from a number near it: Heron's iteration comes from above.
fn root_above<T: Real>(x: T, near: T) -> T {
    if x <= T::ZERO || !x.is_finite() {
        return x;
    }
    let better = |root: T| T::HALF * (root + x / root);
    let mut root = better(near);
    for _ in 0..1100 {
        let last = root;
        root = better(last);
        if last - root <= T::from_f64(0.02) * root {
            break;
        }
    }
    root * (T::ONE + T::from_u32(8) * T::EPSILON)
}

/// Every x ← √x or a little more. A bound is all that is needed, and a correctly rounded root costs many times as much:
/// Heron's iteration again, so many times for all, as a loop without branches, which is right within a thousandth for
/// numbers up to sixteen times from a typical one; others are gone back to.
fn roots_above<T: Real>(values: &mut [T]) {
    let first = values.iter().find(|x| x.is_finite() && **x > T::ZERO);
    let Some(near) = first.map(|x| x.sqrt()) else { return };
    let (inverse, narrow) = (T::ONE / (near * near), T::from_f64(1.0 / 16.0));
    let wider = near * (T::ONE + T::from_u32(8) * T::EPSILON);
    for x in values.iter_mut() {
        let share = *x * inverse;
        let mut root = T::HALF * (share + T::ONE);
        for _ in 0..4 {
            root = T::HALF * (root + share / root);
        }
        let usual = share >= narrow && share <= T::from_u32(16);
        *x = if usual { root * wider } else { -*x };
    }
    for x in values.iter_mut().filter(|x| **x <= T::ZERO) {
        *x = root_above(-*x, near);
    }
}

impl<T: Real> Features<'_, T> {
    /// Norms, means and slopes, column by column, each being in cache for all of them. Cost: a pass over the
    /// matrix, or two with an intercept.
    pub(super) fn measure<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        samples: &mut Samples<'_, T>,
        x: &[T],
    ) -> u64 {
        if problem.intercept {
            let known = self.norm.iter_mut().zip(&mut *self.mean).zip(&mut *self.slope).zip(x);
            for (column, (((norm, mean), slope), &x)) in known.enumerate() {
                *slope = problem.design.dot(column, samples.rho) - problem.ridge * x;
                (*norm, *mean) = problem.square(column, samples.scratch);
            }
        } else {
            problem.design.transposed_squares(samples.rho, self.slope, self.norm);
            self.mean.fill(T::ZERO);
            if problem.ridge > T::ZERO {
                let known = self.slope.iter_mut().zip(&mut *self.norm).zip(x);
                known.for_each(|((slope, norm), &x)| {
                    (*slope, *norm) = (*slope - problem.ridge * x, *norm + problem.ridge)
                });
            }
        }
        roots_above(self.norm);
        self.shortest =
            self.norm.iter().fold(T::INFINITY, |least, &norm| if norm < least { norm } else { least });
        samples.old_rho.copy_from(samples.rho);
        self.silence(problem);
        (self.slope.len() as u64).saturating_mul(2)
    }

    /// The slope of a column of which centring has left nothing is nothing, too.
    pub(super) fn silence<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>) {
        if problem.intercept {
            for (slope, &norm) in self.slope.iter_mut().zip(&*self.norm) {
                if norm == T::ZERO {
                    *slope = T::ZERO;
                }
            }
        }
    }

    /// The weights of the penalty.
    pub(super) fn weigh<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>) {
        if problem.weights.is_none() {
            self.heaviest = problem.lambda;
            self.inverse.fill(T::ONE / problem.lambda);
            return;
        }
        self.heaviest = T::ZERO;
        for (block, inverse) in self.inverse.iter_mut().enumerate() {
            let lambda = problem.lambda * problem.weight(block);
            *inverse = T::ONE / lambda;
            self.heaviest = self.heaviest.max(lambda);
        }
    }

    /// The slopes of the columns whose size could matter; for the others a bound by the Cauchy-Schwarz
    /// inequality, by how far ρ has gone; of all columns if `anew`. Returns the number of columns visited.
    pub(super) fn correlate<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        samples: &mut Samples<'_, T>,
        x: &[T],
        anew: bool,
    ) -> u64 {
        let visits = if anew {
            problem.design.transposed(samples.rho, self.slope);
            if problem.ridge > T::ZERO {
                vector::axpy(-problem.ridge, x, self.slope);
            }
            self.slope.len() as u64
        } else {
            let mut square = T::ZERO;
            for (&old, &new) in samples.old_rho.iter().zip(&*samples.rho) {
                square += (old - new) * (old - new);
            }
            let slack = T::from_u32(16) * T::EPSILON * vector::norm(samples.rho);
            let distance = square.sqrt() + slack;
            match problem.groups {
                None => self.correlate_columns(problem, samples.rho, x, distance),
                Some(_) => self.correlate_groups(problem, samples.rho, x, distance),
            }
        };
        samples.old_rho.copy_from(samples.rho);
        self.silence(problem);
        visits
    }

    fn correlate_columns<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        rho: &[T],
        x: &[T],
        distance: T,
    ) -> u64 {
        let (mut visits, mut first) = (0, 0);
        let (slopes, slopes_left) = self.slope.as_chunks_mut::<TOGETHER>();
        let (norms, norms_left) = self.norm.as_chunks::<TOGETHER>();
        let (inverses, inverses_left) = self.inverse.as_chunks::<TOGETHER>();
        let (xs, xs_left) = x.as_chunks::<TOGETHER>();
        let mut part = |slopes: &mut [T], norms: &[T], inverses: &[T], x: &[T]| {
            // Bounds of all first, for that takes no branch; mostly they do.
            let mut wanted = 0_u64;
            for (((slope, &norm), &inverse), &x) in slopes.iter_mut().zip(norms).zip(inverses).zip(x) {
                *slope = slope.abs() + norm * distance;
                wanted += 1 - u64::from((*slope * inverse <= T::ONE) & (x == T::ZERO));
            }
            visits += wanted;
            if wanted == TOGETHER as u64 {
                let columns: [u32; TOGETHER] = core::array::from_fn(|k| short(first + k));
                problem.design.dots(&columns, rho, slopes);
                if problem.ridge > T::ZERO {
                    vector::axpy(-problem.ridge, x, slopes);
                }
            } else if wanted != 0 {
                let (mut columns, mut places, mut count) = ([0; TOGETHER], [0; TOGETHER], 0);
                for (k, ((&slope, &inverse), &x)) in slopes.iter().zip(inverses).zip(x).enumerate() {
                    if let (Some(column), Some(place)) = (columns.get_mut(count), places.get_mut(count)) {
                        (*column, *place) = (short(first + k), k);
                    }
                    count += usize::from(!(x == T::ZERO && slope * inverse <= T::ONE));
                }
                let mut found = [T::ZERO; TOGETHER];
                problem.design.dots(columns.get(..count).unwrap_or(&columns), rho, &mut found);
                for (&place, &found) in places.iter().zip(&found).take(count) {
                    put(slopes, place, found - problem.ridge * at(x, place));
                }
            }
            first += TOGETHER;
        };
        for (((slopes, norms), inverses), x) in slopes.iter_mut().zip(norms).zip(inverses).zip(xs) {
            part(slopes, norms, inverses, x);
        }
        part(slopes_left, norms_left, inverses_left, xs_left);
        visits
    }

    fn correlate_groups<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        rho: &[T],
        x: &[T],
        distance: T,
    ) -> u64 {
        let mut visits = 0;
        for block in 0..problem.blocks() {
            let columns = problem.columns_of(block).unwrap_or(0..0);
            let (Some(slopes), Some(norms), Some(x)) =
                (self.slope.get_mut(columns.clone()), self.norm.get(columns.clone()), x.get(columns.clone()))
            else {
                return visits;
            };
            let reach = |slope: T, norm: T| slope.abs() + norm * distance;
            let square = slopes.iter().zip(norms).fold(T::ZERO, |sum, (&slope, &norm)| {
                let bound = reach(slope, norm);
                sum + bound * bound
            });
            let inverse = at(self.inverse, block);
            let small = x.iter().all(|&x| x == T::ZERO) && square * inverse * inverse <= T::ONE;
            for ((slope, &norm), column) in slopes.iter_mut().zip(norms).zip(columns) {
                *slope = if small {
                    reach(*slope, norm)
                } else {
                    visits += 1;
                    problem.design.dot(column, rho)
                };
            }
        }
        visits
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

    /// The largest pull relative to its λ, at least 1.
    fn largest<A: Design<T>>(&self, problem: &Problem<'_, T, A>) -> T {
        if problem.groups.is_none() && !problem.positive {
            let largest = vector::largest(self.slope, self.inverse);
            return largest.map_or(T::ONE, |(_, ratio)| ratio.max(T::ONE));
        }
        let pulls = (0..problem.blocks()).map(|block| self.pull(problem, block)).zip(&*self.inverse);
        pulls.fold(T::ONE, |largest, (pull, &inverse)| largest.max(pull * inverse))
    }

    /// The penalty at w, and how far it is from being balanced by the slopes of the dual point shrink·ρ.
    pub(super) fn balance<A: Design<T>>(&self, problem: &Problem<'_, T, A>, x: &[T]) -> Balance<T> {
        let shrink = T::ONE / self.largest(problem);
        let (mut penalty, mut excess, mut square) = (T::ZERO, T::ZERO, T::ZERO);
        let mut add = |lambda: T, size: T, product: T| {
            penalty += lambda * size;
            excess += (lambda * size - shrink * product).max(T::ZERO);
            square += size * size;
        };
        match problem.groups {
            None => {
                for (column, x) in nonzeros(x) {
                    add(problem.lambda * problem.weight(column), x.abs(), x * at(self.slope, column));
                }
            }
            Some(_) => {
                for block in 0..problem.blocks() {
                    let columns = problem.columns_of(block).unwrap_or(0..0);
                    let x = x.get(columns.clone()).unwrap_or(&[]);
                    let size = vector::dot(x, x).sqrt();
                    if size != T::ZERO {
                        let product = vector::dot(x, self.slope.get(columns).unwrap_or(&[]));
                        add(problem.lambda * problem.weight(block), size, product);
                    }
                }
            }
        }
        Balance { shrink, penalty, excess, square }
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
        let Balance { shrink, penalty, excess, square } = self.balance(problem, x);
        let rest = T::ONE - shrink;
        let ridge = T::HALF * problem.ridge * square;
        let parts = samples.loss_gap(problem.loss, problem.y, shrink) + rest * rest * ridge + excess;
        // A loss that is no number must not hide behind products that are passed over.
        let gap = if loss.is_finite() { parts } else { T::NAN };
        Certificate { primal: loss + ridge + penalty, gap, shrink }
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
        if radius * self.shortest >= self.heaviest {
            return 0;
        }
        if problem.groups.is_none() {
            let parts = self.slope.chunks(TOGETHER).zip(self.norm.chunks(TOGETHER));
            let parts = parts.zip(self.inverse.chunks(TOGETHER)).zip(x.chunks(TOGETHER));
            for (places, (((slopes, norms), inverses), x)) in self.place.chunks_mut(TOGETHER).zip(parts) {
                if places.iter().fold(0, |some, &place| some | u32::from(place == OUTSIDE)) == 0 {
                    continue;
                }
                let known = slopes.iter().zip(norms).zip(inverses).zip(x);
                for (place, (((&slope, &norm), &inverse), &x)) in places.iter_mut().zip(known) {
                    let pull = if problem.positive { slope } else { slope.abs() };
                    let bound = found.shrink * pull + radius * norm;
                    let out = (bound * inverse < T::ONE) & (*place == OUTSIDE) & (x == T::ZERO);
                    *place = if out { SCREENED } else { *place };
                    screened += u32::from(out);
                }
            }
            return screened;
        }
        for block in 0..problem.blocks() {
            let bound = found.shrink * self.pull(problem, block) + radius * self.block_norm(problem, block);
            if bound * at(self.inverse, block) >= T::ONE {
                continue;
            }
            let columns = problem.columns_of(block).unwrap_or(0..0);
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
