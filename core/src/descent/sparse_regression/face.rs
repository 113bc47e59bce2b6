//! The second-order step on the face that a working set has found: w_S ← argmin of the quadratic with the signs
//! that w_S has, as far as no sign changes.
//!
//! The factor L Lᵀ = G_SS is kept from step to step. What enters the support is appended, a row each; what leaves
//! makes the rows after it wrong, and no others.

use southwell_simd::vector;

use super::working_set::{Columns, OUTSIDE, WorkingSet, at, index_at, put, reciprocal, short};
use crate::Real;
use crate::linear::Design;

/// Pivots below this many roundings of their diagonal entry are none.
const ROUNDINGS: u32 = 64;

impl<T: Real> WorkingSet<'_, T> {
    /// Minimises over the support with its signs fixed. Where a coordinate would change its sign it becomes
    /// 0 and leaves, and the rest is minimised anew, at most `most` times; returns how many minimisations
    /// there were.
    pub(super) fn descend_on_face<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        most: u32,
    ) -> u32 {
        let mut steps = 0;
        while steps < most {
            self.update_support();
            self.factorise(columns);
            if self.support_len == 0 {
                break;
            }
            steps += 1;
            self.solve(false);
            if !self.walk(columns) {
                break;
            }
        }
        steps
    }

    /// The same by a factor that may be of another curvature than the slopes, which come from the residual: steps are taken
    /// again, until no slope of the support is farther than `enough` of its threshold from where it should be. A factor that does
    /// not halve that distance is made anew; returns the number of steps.
    pub(super) fn descend_on_face_directly<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        enough: T,
        most: u32,
    ) -> u32 {
        let (mut steps, mut last, mut anew) = (0, T::INFINITY, self.factored == 0);
        self.update_support();
        while steps < most {
            self.factorise(columns);
            let violation = self.slopes_of_support(columns);
            if violation <= enough || !violation.is_finite() {
                break;
            }
            if violation > T::HALF * last {
                if anew {
                    break;
                }
                (anew, last, self.factored) = (true, T::INFINITY, 0);
                continue;
            }
            last = violation;
            steps += 1;
            self.solve(false);
            if self.walk(columns) {
                last = T::INFINITY;
                self.update_support();
            }
        }
        steps
    }

    /// Newton steps on the groups that are not zero, where their norms are smooth, at most `most`; returns how many
    /// there were. A step that does not lower the objective is halved, and given up after five halvings.
    pub(super) fn descend_on_groups<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        most: u32,
    ) -> u32 {
        for steps in 0..most {
            self.update_support();
            self.factored = 0;
            let mut head = 0;
            while head < self.len {
                let slots = self.group(head);
                head = slots.end;
                let x = self.x.get(slots.clone()).unwrap_or(&[]);
                let radius = vector::dot(x, x).sqrt();
                self.radius.get_mut(slots).unwrap_or(&mut []).fill(radius);
            }
            self.factorise(columns);
            if self.support_len == 0 {
                return steps;
            }
            self.solve(true);
            if !self.search(columns) {
                return steps + 1;
            }
        }
        most
    }

    /// w_S ← w_S + t d with t = 1, ½, … that lowers the objective; whether it was 1.
    fn search<A: Design<T>>(&mut self, columns: &mut Columns<'_, '_, T, A>) -> bool {
        let along = |set: &Self| {
            let slots = set.support.iter().take(set.support_len);
            slots
                .zip(&*set.direction)
                .fold(T::ZERO, |sum, (&slot, &d)| sum + at(set.slope, slot as usize) * d)
        };
        let (penalty, slope) = (self.penalty(), along(self));
        if !slope.is_finite() {
            return false;
        }
        let mut step = T::ONE;
        self.shift_support(step, columns);
        for _ in 0..5 {
            // The quadratic falls by the mean of the slopes at both ends.
            let fall = T::HALF * step * (slope + along(self)) - (self.penalty() - penalty);
            if fall > T::ZERO {
                return step == T::ONE;
            }
            step *= T::HALF;
            self.shift_support(-step, columns);
        }
        self.shift_support(-step, columns);
        false
    }

    /// The slopes of the support from the residual, and how far from their thresholds they are.
    fn slopes_of_support<A: Design<T>>(&mut self, columns: &mut Columns<'_, '_, T, A>) -> T {
        let mut largest = T::ZERO;
        for &slot in self.support.iter().take(self.support_len) {
            let slot = slot as usize;
            let (x, t) = (at(self.x, slot), at(self.threshold, slot));
            let slope = columns.slope(index_at(self.columns, slot) as usize, x);
            put(self.slope, slot, slope);
            let off = (if x < T::ZERO { slope + t } else { slope - t }).abs() / t;
            largest = if off <= largest { largest } else { off };
        }
        largest
    }

    fn shift_support<A: Design<T>>(&mut self, step: T, columns: &mut Columns<'_, '_, T, A>) {
        for rank in 0..self.support_len {
            let slot = index_at(self.support, rank) as usize;
            let delta = step * at(self.direction, rank);
            self.shift(slot, delta, columns);
        }
    }

    /// Takes out what has become zero, and appends what is not any more.
    fn update_support(&mut self) {
        let mut kept = 0;
        for rank in 0..self.support_len {
            let slot = index_at(self.support, rank);
            if at(self.x, slot as usize) == T::ZERO {
                put(self.rank, slot as usize, OUTSIDE);
                self.factored = self.factored.min(kept);
            } else {
                put(self.support, kept, slot);
                put(self.rank, slot as usize, short(kept));
                kept += 1;
            }
        }
        for (slot, (&x, rank)) in self.x.iter().zip(self.rank.iter_mut()).take(self.len).enumerate() {
            if x != T::ZERO && *rank == OUTSIDE {
                put(self.support, kept, short(slot));
                *rank = short(kept);
                kept += 1;
            }
        }
        self.support_len = kept;
    }

    /// The rows of L that are not right yet. A pivot of rounding error counts as infinite: its
    /// unknown stays what it is.
    fn factorise<A: Design<T>>(&mut self, columns: &mut Columns<'_, '_, T, A>) {
        let stride = self.stride;
        let directly = !columns.residual.is_empty();
        for rank in 0..if directly { 0 } else { self.support_len } {
            self.fill(index_at(self.support, rank) as usize, columns);
        }
        for rank in self.factored..self.support_len {
            let slot = index_at(self.support, rank) as usize;
            let entries = self.gram.get(slot * stride..).unwrap_or(&[]);
            let Some((above, rest)) = self.factor.split_at_mut_checked(rank * stride) else { return };
            let Some(row) = rest.get_mut(..=rank) else { return };
            if directly {
                columns.spread(index_at(self.columns, slot) as usize);
                for (entry, &other) in row.iter_mut().zip(&*self.support) {
                    *entry = if other as usize == slot {
                        at(self.diagonal, slot)
                    } else {
                        columns.product(index_at(self.columns, other as usize) as usize)
                    };
                }
            } else {
                for (entry, &other) in row.iter_mut().zip(&*self.support) {
                    *entry = at(entries, other as usize);
                }
            }
            if columns.problem.groups.is_some() {
                // t (I/‖w_g‖ − w_g w_gᵀ/‖w_g‖³)
                let (head, radius) = (index_at(self.head, slot), at(self.radius, slot));
                let curvature = at(self.threshold, slot) / radius;
                let x = at(self.x, slot) / radius;
                for (entry, &other) in row.iter_mut().zip(&*self.support) {
                    if index_at(self.head, other as usize) == head {
                        *entry += -(curvature * x * (at(self.x, other as usize) / radius));
                    }
                }
                if let Some(diagonal) = row.last_mut() {
                    *diagonal += curvature;
                }
            }
            for (k, other) in above.chunks_exact(stride.max(1)).enumerate() {
                let (Some((known, current)), Some((factors, inverse))) = (
                    row.split_at_mut_checked(k)
                        .and_then(|(known, rest)| rest.first_mut().map(|current| (known, current))),
                    other
                        .split_at_checked(k)
                        .and_then(|(factors, rest)| rest.first().map(|inverse| (factors, inverse))),
                ) else {
                    return;
                };
                *current = (*current - vector::dot(known, factors)) * *inverse;
            }
            if let Some((pivot, known)) = row.split_last_mut() {
                let left = *pivot - vector::dot(known, known);
                let none = left <= T::from_u32(ROUNDINGS) * T::EPSILON * at(self.diagonal, slot);
                *pivot = if none { T::ZERO } else { reciprocal(left.sqrt()) };
            }
            self.factored = rank + 1;
        }
    }

    /// direction ← G_SS⁻¹ (slope − threshold·sign); with groups, of the second derivatives at w.
    fn solve(&mut self, grouped: bool) {
        let (s, stride) = (self.support_len, self.stride);
        for (d, &slot) in self.direction.iter_mut().zip(&*self.support).take(s) {
            let slot = slot as usize;
            let threshold = at(self.threshold, slot);
            let x = at(self.x, slot);
            let pull = if grouped {
                threshold * (x / at(self.radius, slot))
            } else if x > T::ZERO {
                threshold
            } else {
                -threshold
            };
            *d = at(self.slope, slot) - pull;
        }
        let d = self.direction.get_mut(..s).unwrap_or(&mut []);
        let factor = &*self.factor;
        let row = |j: usize| factor.get(j * stride..=j * stride + j).and_then(<[T]>::split_last);
        for j in 0..s {
            if let (Some((known, rest)), Some((&inverse, factors))) = (d.split_at_mut_checked(j), row(j))
                && let Some(current) = rest.first_mut()
            {
                *current = (*current - vector::dot(factors, known)) * inverse;
            }
        }
        for j in (0..s).rev() {
            if let (Some((others, rest)), Some((&inverse, factors))) = (d.split_at_mut_checked(j), row(j))
                && let Some(current) = rest.first_mut()
            {
                *current *= inverse;
                vector::axpy(-*current, factors, others);
            }
        }
    }

    /// w_S ← w_S + t d, t ≤ 1 as long as no sign changes; true if one would.
    fn walk<A: Design<T>>(&mut self, columns: &mut Columns<'_, '_, T, A>) -> bool {
        let (mut step, mut first) = (T::ONE, OUTSIDE);
        if self.direction.iter().take(self.support_len).any(|d| !d.is_finite()) {
            return false;
        }
        for (&d, &slot) in self.direction.iter().zip(&*self.support).take(self.support_len) {
            let x = at(self.x, slot as usize);
            let crosses = x > T::ZERO && x + d <= T::ZERO || x < T::ZERO && x + d >= T::ZERO;
            if crosses && -(x / d) < step {
                (step, first) = (-(x / d), slot);
            }
        }
        self.shift_support(step, columns);
        if first != OUTSIDE {
            // What is left of it is rounding error.
            let left = at(self.x, first as usize);
            self.shift(first as usize, -left, columns);
            put(self.x, first as usize, T::ZERO);
        }
        first != OUTSIDE
    }
}
