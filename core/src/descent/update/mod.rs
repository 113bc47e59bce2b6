//! How the chosen block moves.
//!
//! | update | x_b becomes | costs, for τ variables | for |
//! |---|---|---|---|
//! | [`Gradient`] | prox of x_b − g_b/L_b | L_b where it is not known: H_b and 4 τ³/3 | everything |
//! | [`Backtracking`] | the same, L_b found by trial | a look at f a trial | loose bounds |
//! | [`Matrix`] | x_b − H_b⁻¹ g_b | H_b and τ³/3 | smooth problems; exact for quadratics |
//! | [`Newton`] | the same with ∇², and a line search | ∇²_b, τ³/3, a look at f a trial | smooth problems |
//! | [`ProxNewton`] | the minimum of the quadratic model + h_b | H_b, sweeps of τ² | separable penalties |
//! | [`TwoMetric`] | a Newton step off the kinks and bounds, projected | H_b, τ³/3, a look at f a trial | the same |
//! | [`MessagePassing`] | x_b − H_b⁻¹ g_b on a forest | linear in τ and its edges | sparse quadratics |

mod backtracking;
mod gradient;
mod matrix;
mod message_passing;
mod newton;
mod proximal_newton;
mod two_metric;

pub use backtracking::{Backtracking, First};
pub use gradient::Gradient;
pub use matrix::Matrix;
pub use message_passing::MessagePassing;
pub use newton::Newton;
pub use proximal_newton::{Curvature, ProxNewton};
pub use two_metric::TwoMetric;

use super::losses::Loss;
use super::penalties::{Block, Penalty};
use super::problem::Problem;
use super::selection::Needs;
use crate::copy::CopyFrom;
use crate::{Error, Real, Status};

/// Halvings of a step at most: beyond, nothing but rounding is left.
const TRIALS: u32 = 60;

/// What a step is the inverse of: L, or where there is no curvature (a column of zeros), so that any length will do, so little
/// that bounds are reached and ridges go before it. What the step makes of the largest slope is never more than numbers are.
fn step_curvature<T: Real>(l: T, slope: T) -> T {
    let l = if l < T::MIN_POSITIVE { T::MIN_POSITIVE.sqrt() } else { l };
    l.max(slope.abs() * ((T::TWO + T::TWO) / T::MAX))
}

/// The chosen block: where it is, what is known there, and where the update writes.
#[derive(Debug)]
pub struct Place<'s, T, L, H> {
    /// What is minimised.
    pub problem: &'s Problem<'s, L, H>,
    /// The block.
    pub block: Block<'s>,
    /// L_b, if it is stored.
    pub constant: Option<T>,
    /// x_b.
    pub old: &'s [T],
    /// g_b.
    pub gradient: &'s [T],
    /// What x_b becomes; x_b at first.
    pub next: &'s mut [T],
    /// The whole iterate: a trial may write the block, and puts it back.
    pub x: &'s mut [T],
    /// The state of the loss; only scratch within it may be written.
    pub state: &'s mut [T],
    /// Room for the state of a trial.
    pub trial: &'s mut [T],
    /// The update's numbers.
    pub numbers: &'s mut [T],
    /// The update's indices.
    pub indices: &'s mut [u32],
}

/// A way to move a block.
pub trait Update<T: Real> {
    /// Its own memory, for so many variables and blocks of up to `largest`.
    fn needs(&self, variables: usize, largest: usize) -> Needs;
    /// Whether it uses L_b.
    fn wants_constants(&self) -> bool {
        false
    }
    /// Refuses a problem that it cannot serve.
    ///
    /// # Errors
    /// What it says.
    fn check<L: Loss<T>, H: Penalty<T>>(&self, _problem: &Problem<'_, L, H>) -> Result<(), Error> {
        Ok(())
    }
    /// Prepares its memory.
    fn begin<L: Loss<T>, H: Penalty<T>>(
        &self,
        _problem: &Problem<'_, L, H>,
        _memory: (&mut [T], &mut [u32]),
    ) {
    }
    /// Writes `next`.
    ///
    /// # Errors
    /// The status that the run ends with; x is left where it is then.
    fn apply<L: Loss<T>, H: Penalty<T>>(&self, place: &mut Place<'_, T, L, H>) -> Result<(), Status>;
}

impl<T: Real, L: Loss<T>, H: Penalty<T>> Place<'_, T, L, H> {
    /// Variables of the block.
    pub(super) fn len(&self) -> usize {
        self.old.len()
    }

    /// F = f + h_b at `next`; what x and the state are is put back.
    pub(super) fn try_next(&mut self) -> T {
        let loss = self.problem.loss;
        self.trial.copy_from(self.state);
        for ((&i, &old), &next) in self.block.variables.iter().zip(self.old).zip(&*self.next) {
            if next != old {
                loss.shift(i as usize, next - old, self.trial);
            }
            if let Some(x) = self.x.get_mut(i as usize) {
                *x = next;
            }
        }
        loss.finish(self.trial);
        let value = loss.value(self.x, self.trial) + self.problem.penalty.value(self.block, self.next);
        for (&i, &old) in self.block.variables.iter().zip(self.old) {
            if let Some(x) = self.x.get_mut(i as usize) {
                *x = old;
            }
        }
        value
    }

    /// F = f + h_b where the block is.
    pub(super) fn value(&self) -> T {
        self.problem.loss.value(self.x, self.state) + self.problem.penalty.value(self.block, self.old)
    }

    /// L_b, stored or from H_b; `numbers` holds τ² + 2 τ.
    pub(super) fn lipschitz(&mut self) -> T {
        match self.constant {
            Some(constant) => constant,
            None => block_lipschitz(self.problem.loss, self.block.variables, self.numbers),
        }
    }
}

/// λ_max(H_b); `numbers` holds τ² + 2 τ.
pub(super) fn block_lipschitz<T: Real>(loss: &impl Loss<T>, block: &[u32], numbers: &mut [T]) -> T {
    if let [only] = block {
        return loss.lipschitz(*only as usize);
    }
    let n = block.len();
    let Some((matrix, scratch)) = numbers.split_at_mut_checked(n.saturating_mul(n)) else { return T::NAN };
    loss.bound(block, matrix);
    super::small::largest_eigenvalue(n, matrix, scratch)
}

/// Numbers that [`block_lipschitz`] needs.
pub(super) const fn lipschitz_len(largest: usize) -> usize {
    if largest < 2 { 0 } else { largest.saturating_mul(largest.saturating_add(2)) }
}

/// What rounding may add to a value: a line search must not ask for less.
pub(super) fn slack<T: Real>(value: T) -> T {
    T::from_f64(8.0) * T::EPSILON * value.abs()
}

/// Refuses a penalty.
fn smooth_only<T: Real, H: Penalty<T>>(penalty: &H) -> Result<(), Error> {
    if penalty.is_zero() {
        return Ok(());
    }
    Err(Error::Option { name: "update", requirement: "is for problems without a penalty" })
}

/// Refuses a penalty that couples the variables of a block.
fn separable_only<T: Real, H: Penalty<T>>(penalty: &H) -> Result<(), Error> {
    if penalty.separable() {
        return Ok(());
    }
    Err(Error::Option { name: "update", requirement: "is for penalties that treat variables one by one" })
}
