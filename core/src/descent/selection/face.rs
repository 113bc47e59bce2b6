//! Newton's method once the active set is known.

use super::{Choice, Needs, Selection, Sight};
use crate::descent::{Loss, Partition, Penalty, Problem};
use crate::{Error, Real};

/// Follows another rule, and watches which variables are off their kinks and bounds. When these have been the same for
/// `after` steps, the next block is all of them: with a second-order update
/// ([`ProxNewton`](crate::descent::update::ProxNewton), [`TwoMetric`](crate::descent::update::TwoMetric)) that is a
/// Newton step on the face, which ends a quadratic problem at once when the face is right, and converges superlinearly
/// for others. For penalties that treat variables one by one.
///
/// If F falls by a constant factor a step and no derivative at a kink is at the end of its interval, proximal steps
/// find the face after finitely many steps (Nutini, Laradji & Schmidt 2022). A face of more than `most` variables is
/// left to the other rule. Cost beside the other rule: the variables that moved. Memory: ⌈p/32⌉ indices.
#[derive(Clone, Copy, Debug)]
pub struct Face<S> {
    inner: S,
    after: u32,
    most: usize,
    settled: u32,
    free: usize,
}

impl<S> Face<S> {
    /// Around a rule: after so many steps (at least 1) without a change, blocks of up to `most` variables.
    pub fn new(inner: S, after: u32, most: usize) -> Self {
        Self { inner, after: after.max(1), most, settled: 0, free: 0 }
    }

    /// Variables that are off their kinks and bounds, as the last step found them.
    #[must_use]
    pub fn free(&self) -> usize {
        self.free
    }
}

/// Whether a variable can move a little either way.
fn is_free<T: Real, L: Loss<T>, H: Penalty<T>>(problem: &Problem<'_, L, H>, i: usize, x: T) -> bool {
    problem.penalty.shape(i).is_some_and(|shape| !shape.at_kink(x))
}

impl<S> Face<S> {
    /// Notes whether a variable is free; true if that is new.
    fn note(&mut self, marks: &mut [u32], i: usize, free: bool) -> bool {
        let bit = 1_u32 << (i % 32);
        let Some(word) = marks.get_mut(i / 32) else { return false };
        if (*word & bit != 0) == free {
            return false;
        }
        *word ^= bit;
        self.free = if free { self.free.saturating_add(1) } else { self.free.saturating_sub(1) };
        true
    }
}

impl<T: Real, S: Selection<T>> Selection<T> for Face<S> {
    fn partition(&self) -> Option<&Partition<'_>> {
        self.inner.partition()
    }
    fn largest(&self) -> usize {
        self.inner.largest().max(self.most)
    }
    fn needs(&self, variables: usize, smooth: bool) -> Needs {
        let Needs { numbers, indices } = self.inner.needs(variables, smooth);
        Needs { numbers, indices: indices.saturating_add(variables.div_ceil(32)) }
    }
    fn greedy(&self) -> bool {
        self.inner.greedy()
    }
    fn patience(&self) -> Option<u32> {
        // The face may come in between.
        self.inner.patience().map(|steps| steps.saturating_mul(2).saturating_add(1))
    }
    fn wants_constants(&self) -> bool {
        self.inner.wants_constants()
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !problem.penalty.separable() {
            return Err(Error::Option {
                name: "selection",
                requirement: "must keep the blocks of the penalty",
            });
        }
        self.inner.check(problem)
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        let variables = sight.problem.loss.variables();
        let Some((_, rest)) = sight.indices.split_at_mut_checked(variables.div_ceil(32)) else { return };
        self.inner.begin(Sight { indices: rest, ..sight });
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let (problem, x) = (sight.problem, sight.x);
        let none = Choice { number: None, len: 0 };
        let Some((marks, rest)) = sight.indices.split_at_mut_checked(x.len().div_ceil(32)) else {
            return none;
        };
        let mut changed = false;
        if let Some(moved) = sight.moved {
            for &i in moved {
                if let Some(&x) = x.get(i as usize) {
                    changed |= self.note(marks, i as usize, is_free(problem, i as usize, x));
                }
            }
        } else {
            marks.fill(0);
            (self.free, changed) = (0, true);
            for (i, &x) in x.iter().enumerate() {
                self.note(marks, i, is_free(problem, i, x));
            }
        }
        self.settled = if changed { 0 } else { self.settled.saturating_add(1) };
        if self.settled < self.after || self.free == 0 || self.free > self.most.min(block.len()) {
            let inner = self.inner.largest();
            let block = block.get_mut(..inner).unwrap_or(&mut []);
            return self.inner.choose(Sight { indices: rest, ..sight }, block);
        }
        self.settled = 0;
        let mut len = 0_usize;
        for (word, marks) in marks.iter().enumerate() {
            let mut marks = *marks;
            while marks != 0 {
                if let Some(out) = block.get_mut(len) {
                    *out = (word as u32).wrapping_mul(32).wrapping_add(marks.trailing_zeros());
                }
                len = len.saturating_add(1);
                marks &= marks.wrapping_sub(1);
            }
        }
        Choice { number: None, len }
    }
}
