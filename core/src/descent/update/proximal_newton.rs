//! The minimum of a quadratic model and the penalty over a block.

use southwell_simd::vector;

use super::{Place, TRIALS, Update, separable_only, slack, step_curvature};
use crate::copy::CopyFrom;
use crate::descent::selection::Needs;
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real, Status};

/// Which matrix the model takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Curvature {
    /// The bound H_b: the full step never ascends, and is exact for quadratics.
    #[default]
    Bound,
    /// The Hessian where x is, with a line search.
    Hessian,
}

/// x_b ← argmin over u of ⟨g_b, u − x_b⟩ + ½(u − x_b)ᵀH(u − x_b) + h_b(u), by coordinate descent on the block until
/// nothing moves by more than `inner` times the largest |u|; for penalties that treat variables one by one.
/// Memory: τ² + 2 τ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProxNewton<T> {
    /// Which matrix. Default: the bound.
    pub curvature: Curvature,
    /// Relative tolerance of the inner sweeps. Default: a few roundings.
    pub inner: T,
    /// Inner sweeps at most. Default 10 000.
    pub max_sweeps: u32,
}

impl<T: Real> Default for ProxNewton<T> {
    fn default() -> Self {
        Self { curvature: Curvature::Bound, inner: T::from_f64(4.0) * T::EPSILON, max_sweeps: 10_000 }
    }
}

impl<T: Real> Update<T> for ProxNewton<T> {
    fn needs(&self, _variables: usize, largest: usize) -> Needs {
        Needs { numbers: largest.saturating_mul(largest.saturating_add(2)), indices: 0 }
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !(self.inner >= T::ZERO && self.inner < T::ONE) {
            return Err(Error::Option { name: "inner", requirement: "must lie between 0 and 1" });
        }
        separable_only(problem.penalty)
    }
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status> {
        let (n, loss, block) = (place.len(), place.problem.loss, place.block.variables);
        let Some((slopes, rest)) = place.numbers.split_at_mut_checked(n) else {
            return Err(Status::Breakdown);
        };
        let Some((target, matrix)) = rest.split_at_mut_checked(n) else { return Err(Status::Breakdown) };
        let Some(matrix) = matrix.get_mut(..n.saturating_mul(n)) else { return Err(Status::Breakdown) };
        match self.curvature {
            Curvature::Bound => loss.bound(block, matrix),
            Curvature::Hessian => loss.hessian(place.state, block, matrix),
        }
        slopes.copy_from(place.gradient);
        for _ in 0..self.max_sweeps.max(1) {
            let (mut moved, mut size) = (T::ZERO, T::ZERO);
            for (i, (&variable, row)) in block.iter().zip(matrix.chunks_exact(n.max(1))).enumerate() {
                let (Some(u), Some(&slope), Some(&l)) = (place.next.get_mut(i), slopes.get(i), row.get(i))
                else {
                    continue;
                };
                let Some(shape) = place.problem.penalty.shape(variable as usize) else { continue };
                if l < T::ZERO {
                    return Err(Status::Breakdown);
                }
                if l < T::MIN_POSITIVE && shape.violation(*u, slope) == T::ZERO {
                    continue;
                }
                let step = T::ONE / step_curvature(l, slope);
                let to = shape.prox(step, if slope == T::ZERO { *u } else { *u - step * slope });
                let d = to - *u;
                if d != T::ZERO {
                    *u = to;
                    vector::axpy(d, row, slopes);
                }
                moved = moved.max(d.abs());
                size = size.max(to.abs());
            }
            if moved <= self.inner * size {
                break;
            }
        }
        if self.curvature == Curvature::Bound {
            return Ok(());
        }
        // What the model promises: ⟨g, d⟩ + h(u) − h(x).
        target.copy_from(place.next);
        let penalty = place.problem.penalty;
        let each = place.next.iter().zip(place.old).zip(place.gradient);
        let slope = each.fold(T::ZERO, |sum, ((&u, &x), &g)| sum + g * (u - x));
        let promise =
            slope + (penalty.value(place.block, place.next) - penalty.value(place.block, place.old));
        let value = place.value();
        let mut alpha = T::ONE;
        for _ in 0..TRIALS {
            let target = place.numbers.get(n..).unwrap_or(&[]);
            for ((next, &x), &target) in place.next.iter_mut().zip(place.old).zip(target) {
                *next = if alpha == T::ONE { target } else { x + alpha * (target - x) };
            }
            if place.try_next() <= value + T::from_f64(1e-4) * alpha * promise.min(T::ZERO) + slack(value) {
                return Ok(());
            }
            alpha *= T::HALF;
        }
        place.next.copy_from(place.old);
        Err(Status::Stalled)
    }
}
