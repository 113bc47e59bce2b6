//! Where rounding ends what an iteration can reach.

use super::cost::Cost;
use super::problem::Problem;
use crate::Real;

/// Looks in a row without a new lowest residual, below the floor, that end a run.
const PATIENCE: u32 = 20;

/// Watches a residual near the level of rounding errors.
///
/// Potentials of size c = max C have a rounding error of c·[`EPSILON`](Real::EPSILON), and the coupling one
/// of c/ε·[`EPSILON`](Real::EPSILON), relatively. A residual below four times that, and not falling any
/// more, will not fall.
#[derive(Clone, Copy, Debug)]
pub struct Floor<T> {
    level: T,
    lowest: T,
    idle: u32,
}

impl<T: Real> Floor<T> {
    pub(super) fn new<C: Cost<T>>(problem: &Problem<'_, T, C>) -> Self {
        let range = T::ONE + problem.cost.largest() / problem.epsilon;
        Self::at(T::from_u32(4) * T::EPSILON * range * problem.mass)
    }

    /// For rounding errors that may add up to `level`.
    #[must_use]
    pub fn at(level: T) -> Self {
        Self { level, lowest: T::INFINITY, idle: 0 }
    }

    /// What rounding errors may add up to.
    pub(super) fn level(&self) -> T {
        self.level
    }

    /// Takes note of a residual.
    pub fn look(&mut self, residual: T) {
        if residual < self.lowest {
            self.lowest = residual;
            self.idle = 0;
        } else if residual <= self.level {
            self.idle = self.idle.saturating_add(1);
        }
    }

    /// Whether it is not worth going on.
    #[must_use]
    pub fn stalled(&self) -> bool {
        self.idle >= PATIENCE
    }
}
