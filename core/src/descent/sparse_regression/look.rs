//! A look at all columns: residual, slopes, duality gap, and what can be screened.

use southwell_simd::vector;

use super::problem::{Loss, Problem};
use super::working_set::{OUTSIDE, SCREENED, TOGETHER, at, index_at, nonzeros, put, short};
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
        let known = self.norm.iter_mut().zip(&mut *self.mean).zip(&mut *self.slope).zip(x);
        for (column, (((norm, mean), slope), &x)) in known.enumerate() {
            *slope = problem.design.dot(column, samples.rho) - problem.ridge * x;
            (*norm, *mean) = problem.square(column, samples.scratch);
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
        let mut visits = 0;
        let parts = self.slope.chunks_mut(TOGETHER).zip(self.norm.chunks(TOGETHER));
        let parts = parts.zip(self.inverse.chunks(TOGETHER).zip(x.chunks(TOGETHER)));
        for (part, ((slopes, norms), (inverses, x))) in parts.enumerate() {
            // Bounds of all first, for that takes no branch; mostly they do.
            let mut few = true;
            for (((slope, &norm), &inverse), &x) in slopes.iter_mut().zip(norms).zip(inverses).zip(x) {
                *slope = slope.abs() + norm * distance;
                few &= (x == T::ZERO) & (*slope * inverse <= T::ONE);
            }
            if few {
                continue;
            }
            for (k, ((slope, &inverse), &x)) in slopes.iter_mut().zip(inverses).zip(x).enumerate() {
                if !(x == T::ZERO && *slope * inverse <= T::ONE) {
                    visits += 1;
                    *slope = problem.design.dot(part * TOGETHER + k, rho) - problem.ridge * x;
                }
            }
        }
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
            let known = self.slope.iter().zip(&*self.norm).zip(&*self.inverse).zip(x);
            for (place, (((&slope, &norm), &inverse), &x)) in self.place.iter_mut().zip(known) {
                let pull = if problem.positive { slope } else { slope.abs() };
                let bound = found.shrink * pull + radius * norm;
                if bound * inverse < T::ONE && *place == OUTSIDE && x == T::ZERO {
                    *place = SCREENED;
                    screened += 1;
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

    /// The size of every block's slope relative to its λ, into `priority`, and whether ranks can do without:
    /// then they are |slope|·inverse.
    fn relate<A: Design<T>>(&mut self, problem: &Problem<'_, T, A>) -> bool {
        if problem.groups.is_none() && !problem.positive {
            return false;
        }
        for block in 0..problem.blocks() {
            let ratio = self.pull(problem, block) * at(self.inverse, block);
            put(self.priority, block, ratio);
        }
        true
    }

    /// The blocks whose slopes exceed their λ most, relative to it, the farthest first, into `picks`; how many there
    /// are.
    pub(super) fn rank<A: Design<T>>(
        &mut self,
        problem: &Problem<'_, T, A>,
        picks: &mut [u32],
        ranks: &mut [T],
    ) -> usize {
        let found = if self.relate(problem) {
            let ratios = self.priority.get_mut(..problem.blocks()).unwrap_or(&mut []);
            ratios.iter_mut().for_each(|ratio| *ratio = ratio.max(T::ZERO));
            vector::k_largest(ratios, ratios, picks, ranks)
        } else {
            let exceeding = || self.slope.iter().zip(&*self.inverse).map(|(&c, &inverse)| c.abs() * inverse);
            let count = exceeding().fold(0, |count, rank| count + usize::from(rank > T::ONE));
            if count > picks.len() {
                vector::k_largest(self.slope, self.inverse, picks, ranks)
            } else {
                // So few that they need not be chosen, only put in order.
                let mut places = picks.iter_mut().zip(ranks.iter_mut());
                for (block, rank) in exceeding().enumerate().filter(|&(_, rank)| rank > T::ONE) {
                    let Some((pick, place)) = places.next() else { break };
                    (*pick, *place) = (short(block), rank);
                }
                sort(count, picks, ranks);
                return count;
            }
        };
        ranks.iter().take(found).take_while(|rank| **rank > T::ONE).count()
    }
}

/// The first `count` picks by falling rank, those of equal rank by rising index, as they come: heapsort.
fn sort<T: Real>(count: usize, picks: &mut [u32], ranks: &mut [T]) {
    // On top is what comes last.
    let later = |a: (T, u32), b: (T, u32)| a.0 < b.0 || (a.0 == b.0 && a.1 > b.1);
    let pair = |picks: &[u32], ranks: &[T], i: usize| (at(ranks, i), index_at(picks, i));
    let sink = |picks: &mut [u32], ranks: &mut [T], mut place: usize, len: usize| {
        let sinking = pair(picks, ranks, place);
        loop {
            let (left, right) = (2 * place + 1, 2 * place + 2);
            if left >= len {
                break;
            }
            let (l, r) = (pair(picks, ranks, left), pair(picks, ranks, right));
            let (child, below) = if right < len && later(r, l) { (right, r) } else { (left, l) };
            if !later(below, sinking) {
                break;
            }
            put(ranks, place, below.0);
            put(picks, place, below.1);
            place = child;
        }
        put(ranks, place, sinking.0);
        put(picks, place, sinking.1);
    };
    for place in (0..count / 2).rev() {
        sink(picks, ranks, place, count);
    }
    for last in (1..count).rev() {
        let ((first, moved), end) = ((pair(picks, ranks, 0), pair(picks, ranks, last)), last);
        put(ranks, 0, moved.0);
        put(picks, 0, moved.1);
        put(ranks, end, first.0);
        put(picks, end, first.1);
        sink(picks, ranks, 0, end);
    }
}
