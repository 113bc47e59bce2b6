//! Which columns exceed their λ most.

use southwell_simd::vector;

use super::problem::Problem;
use super::working_set::{TOGETHER, at, index_at, put, short};
use super::workspace::Features;
use crate::Real;
use crate::linear::Design;

impl<T: Real> Features<'_, T> {
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
                let parts = self.slope.chunks(TOGETHER).zip(self.inverse.chunks(TOGETHER)).enumerate();
                for (part, (slopes, inverses)) in parts {
                    let ranks = || slopes.iter().zip(inverses).map(|(&c, &inverse)| c.abs() * inverse);
                    if ranks().fold(0, |any, rank| any | u64::from(rank > T::ONE)) == 0 {
                        continue;
                    }
                    for (k, rank) in ranks().enumerate().filter(|&(_, rank)| rank > T::ONE) {
                        let Some((pick, place)) = places.next() else { break };
                        (*pick, *place) = (short(part * TOGETHER + k), rank);
                    }
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
