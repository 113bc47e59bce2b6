//! A proximal gradient step of length 1/L_b.

use super::{Place, Update, lipschitz_len, step_curvature};
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty};
use crate::{Real, Status};

/// x_b ← prox of x_b − g_b/L_b with L_b = λ_max(H_b). For one variable of a quadratic it is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gradient;

/// x_b − g_b/L and its proximal step, into `next`.
pub(super) fn proximal_step<T: Real, L: Loss<T>, H: Penalty<T>>(place: &mut Place<'_, T, L, H>, l: T) {
    let steepest = place.gradient.iter().fold(T::ZERO, |most, g| most.max(g.abs()));
    let step = T::ONE / step_curvature(l, steepest);
    for ((next, &x), &g) in place.next.iter_mut().zip(place.old).zip(place.gradient) {
        *next = if g == T::ZERO { x } else { x - step * g };
    }
    place.problem.penalty.prox(place.block, step, place.next);
}

impl<T: Real> Update<T> for Gradient {
    fn needs(&self, _variables: usize, largest: usize) -> Needs {
        Needs { numbers: lipschitz_len(largest), indices: 0 }
    }
    fn wants_constants(&self) -> bool {
        true
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let l = place.lipschitz();
        if l < T::ZERO {
            return Err(Status::Breakdown);
        }
        if l < T::MIN_POSITIVE
            && place.problem.penalty.violation(place.block, place.old, place.gradient) == T::ZERO
        {
            return Ok(());
        }
        proximal_step(place, l);
        Ok(())
    }
}
