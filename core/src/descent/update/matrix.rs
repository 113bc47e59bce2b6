//! A step by the inverse of the block's bound.

use super::{Place, Update, smooth_only};
use crate::copy::CopyFrom;
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem, small};
use crate::{Error, Real, Status};

/// x_b ← x_b − H_b⁻¹ g_b by Cholesky's factorisation: the exact minimum over the block of a quadratic, and never an
/// ascent for others. A singular H_b is lifted by a few roundings. Memory: τ².
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Matrix;

impl<T: Real> Update<T> for Matrix {
    fn needs(&self, _variables: usize, largest: usize) -> Needs {
        Needs { numbers: largest.saturating_mul(largest), indices: 0 }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        smooth_only(problem.penalty)
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let (n, loss, block) = (place.len(), place.problem.loss, place.block.variables);
        let Some(matrix) = place.numbers.get_mut(..n.saturating_mul(n)) else {
            return Err(Status::Breakdown);
        };
        if place.gradient.iter().all(|&g| g == T::ZERO) {
            return Ok(());
        }
        place.next.copy_from(place.gradient);
        if !small::inverse_times(n, matrix, place.next, |matrix| loss.bound(block, matrix)) {
            return Err(Status::Breakdown);
        }
        for (next, &x) in place.next.iter_mut().zip(place.old) {
            *next = x - *next;
        }
        Ok(())
    }
}
