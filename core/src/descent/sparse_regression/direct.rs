//! Sweeps over a working set whose Gram matrix would cost more than they do.
//!
//! The slope of a coordinate is a product of its column with a residual, which follows what moves: two products for a
//! coordinate that moves and one for another, where a greedy step pays for a row of the Gram matrix once and for a look at
//! all slots every time. Slots lie in the order in which they promised most, so that sweeps begin where it matters. What
//! sweeps are slow at, the last digits of a support that is right, is left to the face, whose matrix is that of
//! the support alone.

use super::coordinate::{Done, step};
use super::problem::{Loss, Problem};
use super::working_set::{Columns, WorkingSet, at, index_at};
use crate::Real;
use crate::linear::Design;

/// Slots below which the Gram matrix is always used.
const LEAST: usize = 64;
/// Sweeps in which the support stays what it is before all of it moves: a factor costs as much as a few dozen.
const PATIENCE: u32 = 12;
/// The same where there is a factor already.
const PATIENCE_KNOWN: u32 = 2;
/// Sweeps over what is not zero, after each over all slots, at most.
const INNER: u32 = 4;

/// Slots that go over one another in a sweep.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slots {
    All,
    NonZero,
}

impl<T: Real> WorkingSet<'_, T> {
    /// Whether sweeps over the set cost less than rows of its Gram matrix: of a logistic loss, for every model has a matrix
    /// of its own, where the set is not small; else where columns have few entries.
    pub(super) fn is_direct<A: Design<T>>(&self, problem: &Problem<'_, T, A>) -> bool {
        if problem.groups.is_some() || self.len < LEAST {
            return false;
        }
        if problem.loss == Loss::Logistic {
            return true;
        }
        let mut entries = 0_usize;
        for &column in self.columns.iter().take(self.len) {
            entries = entries.saturating_add(problem.design.entries(column as usize));
        }
        entries.saturating_mul(4) <= self.len.saturating_mul(self.len)
    }

    /// As [`descend`](Self::descend), by at most `most` sweeps over all slots.
    pub(super) fn descend_directly<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        enough: T,
        most: u32,
    ) -> Done {
        let mut done = Done::default();
        let mut since = 0;
        for _ in 0..most {
            let (violation, changed) = self.sweep(Slots::All, columns, &mut done);
            if violation <= enough {
                break;
            }
            since = if changed { 0 } else { since + 1 };
            let patience = if self.factored > 0 { PATIENCE_KNOWN } else { PATIENCE };
            for _ in 0..INNER {
                if since >= patience {
                    break;
                }
                let (inner, changed) = self.sweep(Slots::NonZero, columns, &mut done);
                since = if changed { 0 } else { since + 1 };
                if inner <= T::from_f64(0.3) * violation {
                    break;
                }
            }
            if since >= patience {
                done.faces += self.descend_on_face_directly(columns, T::HALF * enough, 8);
                since = 0;
            }
        }
        done
    }

    /// Every coordinate in its turn to its minimum; the largest violation that one was found with.
    fn sweep<A: Design<T>>(
        &mut self,
        slots: Slots,
        columns: &mut Columns<'_, '_, T, A>,
        done: &mut Done,
    ) -> (T, bool) {
        let positive = columns.problem.positive;
        let (mut largest, mut changed) = (T::ZERO, false);
        for slot in 0..self.len {
            let (x, inverse) = (at(self.x, slot), at(self.inverse, slot));
            if inverse == T::ZERO || (slots == Slots::NonZero && x == T::ZERO) {
                continue;
            }
            let slope = columns.slope(index_at(self.columns, slot) as usize, x);
            let t = at(self.threshold, slot);
            let d = step((x, slope), (inverse, t), positive);
            if d != T::ZERO {
                let violation = (d * at(self.diagonal, slot)).abs() / t;
                largest = if largest < violation { violation } else { largest };
                done.updates += 1;
                self.shift(slot, d, columns);
                changed |= (x == T::ZERO) | (at(self.x, slot) == T::ZERO);
            }
        }
        (largest, changed)
    }
}
