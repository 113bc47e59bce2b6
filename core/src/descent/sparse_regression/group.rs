//! Greedy steps along one group of a working set.
//!
//! d = prox(w_g + slope_g/L_g) − w_g with L_g that bounds the largest eigenvalue of the group's Gram matrix; the
//! group with the largest L_g ‖d‖² moves.

use southwell_simd::vector;

use super::coordinate::{Done, Look};
use super::working_set::{Columns, WorkingSet, at, put, reciprocal};
use crate::Real;
use crate::linear::Design;

impl<T: Real> WorkingSet<'_, T> {
    /// The step of the group that begins at `head`, into `direction`; L ‖d‖², and L ‖d‖ relative to the threshold.
    fn group_step(&mut self, slots: core::ops::Range<usize>) -> (T, T) {
        let (inverse, threshold) = (at(self.inverse, slots.start), at(self.threshold, slots.start));
        let (Some(d), Some(x), Some(slope)) =
            (self.direction.get_mut(slots.clone()), self.x.get(slots.clone()), self.slope.get(slots))
        else {
            return (T::ZERO, T::ZERO);
        };
        if inverse == T::ZERO {
            d.fill(T::ZERO);
            return (T::ZERO, T::ZERO);
        }
        for ((d, &x), &g) in d.iter_mut().zip(x).zip(slope) {
            *d = x + g * inverse;
        }
        let size = vector::dot(d, d).sqrt();
        let limit = threshold * inverse;
        let keep = if size > limit { T::ONE - limit / size } else { T::ZERO };
        for (d, &x) in d.iter_mut().zip(x) {
            *d = keep * *d - x;
        }
        let square = vector::dot(d, d);
        (square / inverse, square.sqrt() / limit)
    }

    /// The bounds of the groups' eigenvalues from what is known: of their Gram matrices, else of the diagonals.
    pub(super) fn bound_groups(&mut self) {
        let mut head = 0;
        while head < self.len {
            let slots = self.group(head);
            self.bound_group(slots.clone());
            head = slots.end;
        }
    }

    /// Gershgorin's bound, or the trace.
    fn bound_group(&mut self, slots: core::ops::Range<usize>) {
        let mut bound = T::ZERO;
        let known = slots.clone().all(|slot| self.knows(slot));
        for slot in slots.clone() {
            if known {
                let row = slots.clone().fold(T::ZERO, |sum, other| sum + self.entry(slot, other).abs());
                bound = bound.max(row);
            } else {
                bound += at(self.diagonal, slot);
            }
        }
        put(self.inverse, slots.start, reciprocal(bound));
    }

    /// The largest violation, and the group with the largest score.
    pub(super) fn look_at_groups(&mut self) -> Look<T> {
        let (mut best, mut look) = (T::ZERO, Look { violation: T::ZERO, slot: 0, step: T::ZERO });
        let mut head = 0;
        while head < self.len {
            let slots = self.group(head);
            let (score, violation) = self.group_step(slots.clone());
            if look.violation < violation {
                look.violation = violation;
            }
            if best < score {
                best = score;
                (look.slot, look.step) = (head, T::ONE);
            }
            head = slots.end;
        }
        look
    }

    /// As [`descend`](Self::descend), by groups.
    pub(super) fn descend_by_groups<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        enough: T,
        most: u32,
    ) -> Done {
        self.bound_groups();
        let mut done = Done::default();
        let (mut since, mut patience) = (0_u32, 16_u32);
        for _ in 0..most {
            let look = self.look_at_groups();
            if look.violation <= enough || look.step == T::ZERO {
                break;
            }
            let slots = self.group(look.slot);
            if !slots.clone().all(|slot| self.knows(slot)) {
                slots.clone().for_each(|slot| self.fill(slot, columns));
                self.bound_group(slots.clone());
            }
            self.group_step(slots.clone());
            for slot in slots {
                let delta = at(self.direction, slot);
                self.shift(slot, delta, columns);
            }
            done.updates += 1;
            since += 1;
            if since >= patience {
                let faces = self.descend_on_groups(columns, 4);
                done.faces += faces;
                since = 0;
                // A first step that has to be shortened says that the right groups are not found yet.
                patience = if faces > 1 { 16 } else { patience.saturating_mul(2).min(1024) };
            }
        }
        done
    }
}
