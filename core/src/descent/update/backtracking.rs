//! A proximal gradient step whose length is found by trial.

use super::gradient::proximal_step;
use super::{Place, Update, slack};
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real, Status};

/// The first estimates of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum First<T> {
    /// The same for all variables. The published experiments begin with 1; far from the curvature that costs
    /// doublings, or steps that are too short for good.
    Value(T),
    /// A part of L_i, in (0, 1].
    Share(T),
}

/// Doubles an estimate of L_b until f falls by what it promises, f(x⁺) ≤ f(x) + ⟨g_b, d⟩ + ½L‖d‖². Every variable keeps
/// its estimate, a block begins with the largest of its members, and none ever falls. Where bounds are loose
/// (logistic losses, large blocks) steps get much longer than 1/L_b. Memory: p numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Backtracking<T> {
    /// The first estimates. Default: a quarter of L_i.
    pub first: First<T>,
}

impl<T: Real> Default for Backtracking<T> {
    fn default() -> Self {
        Self { first: First::Share(T::HALF * T::HALF) }
    }
}

impl<T: Real> Update<T> for Backtracking<T> {
    fn needs(&self, variables: usize, _largest: usize) -> Needs {
        Needs { numbers: variables, indices: 0 }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, _problem: &Problem<'_, L, H>) -> Result<(), Error> {
        let valid = match self.first {
            First::Value(value) => value > T::ZERO && value.is_finite(),
            First::Share(share) => share > T::ZERO && share <= T::ONE,
        };
        if valid {
            return Ok(());
        }
        Err(Error::Option { name: "first", requirement: "must be positive, and a share at most 1" })
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>, memory: (&mut [T], &mut [u32])) {
        for (i, estimate) in memory.0.iter_mut().enumerate() {
            *estimate = match self.first {
                First::Value(value) => value,
                First::Share(share) => share * problem.loss.lipschitz(i),
            };
        }
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let of = |i: u32| place.numbers.get(i as usize).copied().unwrap_or(T::ZERO);
        let mut l = place.block.variables.iter().fold(T::MIN_POSITIVE, |l, &i| l.max(of(i)));
        let value = place.problem.loss.value(place.x, place.state);
        // From a subnormal estimate to the largest number.
        for _ in 0..2048 {
            proximal_step(place, l);
            let (mut slope, mut square) = (T::ZERO, T::ZERO);
            for ((&next, &old), &g) in place.next.iter().zip(place.old).zip(place.gradient) {
                slope += g * (next - old);
                square += (next - old) * (next - old);
            }
            let smooth = place.try_next() - place.problem.penalty.value(place.block, place.next);
            if smooth <= value + slope + T::HALF * l * square + slack(value) {
                for &i in place.block.variables {
                    if let Some(estimate) = place.numbers.get_mut(i as usize) {
                        *estimate = l;
                    }
                }
                return Ok(());
            }
            l = l + l;
            if !l.is_finite() {
                break;
            }
        }
        Err(Status::NotFinite)
    }
}
