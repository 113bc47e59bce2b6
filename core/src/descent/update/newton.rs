//! Newton's step on a block.

use super::{Place, TRIALS, Update, slack, smooth_only};
use crate::copy::CopyFrom;
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem, small};
use crate::{Error, Real, Status};

/// x_b ← x_b + α d, d = −(∇²_bb f)⁻¹ g_b, α = 1, ½, ¼, … until f(x + αd) ≤ f(x) + c α g_bᵀd (Armijo). Memory: τ² + τ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Newton<T> {
    /// c, in (0, ½). Default 1e-4.
    pub armijo: T,
}

impl<T: Real> Default for Newton<T> {
    fn default() -> Self {
        Self { armijo: T::from_f64(1e-4) }
    }
}

/// Refuses another c than one in (0, ½).
pub(super) fn check_armijo<T: Real>(armijo: T) -> Result<(), Error> {
    if armijo > T::ZERO && armijo < T::HALF {
        return Ok(());
    }
    Err(Error::Option { name: "armijo", requirement: "must lie between 0 and ½" })
}

impl<T: Real> Update<T> for Newton<T> {
    fn needs(&self, _variables: usize, largest: usize) -> Needs {
        Needs { numbers: largest.saturating_mul(largest.saturating_add(1)), indices: 0 }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        check_armijo(self.armijo)?;
        smooth_only(problem.penalty)
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let (n, loss, block) = (place.len(), place.problem.loss, place.block.variables);
        if place.gradient.iter().all(|&g| g == T::ZERO) {
            return Ok(());
        }
        // The direction moves through `next`, since a trial needs all of the place.
        let state = &mut *place.state;
        let Some((d, matrix)) = place.numbers.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some(matrix) = matrix.get_mut(..n.saturating_mul(n)) else { return Err(Status::Breakdown) };
        d.copy_from(place.gradient);
        if !small::inverse_times(n, matrix, d, |matrix| loss.hessian(state, block, matrix)) {
            return Err(Status::Breakdown);
        }
        let slope = southwell_simd::vector::dot(d, place.gradient);
        let value = place.value();
        let mut alpha = T::ONE;
        for _ in 0..TRIALS {
            for ((next, &x), &d) in place.next.iter_mut().zip(place.old).zip(&*place.numbers) {
                *next = x - alpha * d;
            }
            if place.try_next() <= value - self.armijo * alpha * slope + slack(value) {
                return Ok(());
            }
            alpha *= T::HALF;
        }
        place.next.copy_from(place.old);
        Err(Status::Stalled)
    }
}
