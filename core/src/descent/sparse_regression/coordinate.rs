//! Greedy steps along one coordinate of a working set.
//!
//! d_i = prox(w_i + slope_i/L_i) − w_i, and the coordinate with the largest L_i d_i² moves (the Gauss-Southwell-
//! Lipschitz rule of the proximal kind, Nutini et al. 2015); a row of the Gram matrix brings the slopes up to
//! date.

use southwell_simd::vector;

use super::working_set::{Columns, WorkingSet, at, short, used};
use crate::Real;
use crate::linear::Design;

/// What a look at all coordinates of a working set says.
pub(super) struct Look<T> {
    /// The largest |L_i d_i| / threshold_i: how far a slot is from optimal.
    pub(super) violation: T,
    pub(super) slot: usize,
    pub(super) step: T,
}

/// What was done on a working set.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Done {
    pub(super) updates: u64,
    pub(super) faces: u32,
}

/// Greedy steps before the whole support moves, at least; half as many as there are non-zeros, if those are more: a
/// factor costs the more the larger it is. (8 to 64 take the same time on the standard problems.)
const PATIENCE: usize = 16;

/// prox(w + slope/L) − w for the threshold t.
#[inline(always)]
pub(super) fn step<T: Real>((x, slope): (T, T), (inverse, t): (T, T), positive: bool) -> T {
    let v = x + slope * inverse;
    let size = (if positive { v } else { v.abs() }) - t * inverse;
    let shrunk = if size > T::ZERO { size } else { T::ZERO };
    (if v < T::ZERO { -shrunk } else { shrunk }) - x
}

impl<T: Real> WorkingSet<'_, T> {
    pub(super) fn look(&self, positive: bool) -> Look<T> {
        let [x, slope, inverse, weight, curvature] =
            [&*self.x, &*self.slope, &*self.inverse, &*self.threshold, &*self.diagonal]
                .map(|values| used(values, self.len));
        let of = vector::Coordinates { x, slope, inverse, weight, curvature };
        let (slot, violation) = vector::best_step(positive, of);
        let Some(slot) = slot else { return Look { violation, slot: 0, step: T::ZERO } };
        let threshold = (at(inverse, slot), at(weight, slot));
        Look { violation, slot, step: step((at(x, slot), at(slope, slot)), threshold, positive) }
    }

    /// Minimises the quadratic over the working set, until no slot is farther than `enough` of its threshold from
    /// optimal, or after `most` greedy steps a slot.
    pub(super) fn descend<A: Design<T>>(
        &mut self,
        columns: &mut Columns<'_, '_, T, A>,
        enough: T,
        most: u32,
    ) -> Done {
        let most = short(self.len).saturating_mul(most);
        if columns.problem.groups.is_some() {
            return self.descend_by_groups(columns, enough, most);
        }
        let positive = columns.problem.positive;
        let mut done = Done::default();
        let mut since = 0;
        for _ in 0..most {
            let look = self.look(positive);
            if look.violation <= enough || look.step == T::ZERO {
                break;
            }
            self.fill(look.slot, columns);
            self.shift(look.slot, look.step, columns);
            done.updates += 1;
            since += 1;
            if since >= PATIENCE.max(self.support_len / 2) {
                done.faces += self.descend_on_face(columns, 8);
                since = 0;
            }
        }
        done
    }
}
