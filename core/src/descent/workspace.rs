//! The memory of a run.

use super::losses::Loss;
use super::penalties::Penalty;
use super::problem::Problem;
use super::selection::{Needs, Selection};
use super::update::{Update, lipschitz_len};
use crate::carve::carve;
use crate::{Error, Real};

/// How much memory the parts of a run need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Length of the loss's state; it is kept twice.
    pub state: usize,
    /// Numbers for a gradient (0 where the state holds it).
    pub gradient: usize,
    /// Variables of the largest block.
    pub block: usize,
    /// Constants L_b that are stored.
    pub constants: usize,
    /// What the rule and the update need together.
    pub rest: Needs,
}

impl Sizes {
    /// What a scheme needs for a problem.
    pub fn of<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
        problem: &Problem<'_, L, H>,
        scheme: &Scheme<S, U>,
    ) -> Self {
        let (loss, select, update) = (problem.loss, &scheme.select, &scheme.update);
        let (variables, block) = (loss.variables(), select.largest());
        let blocks = match select.partition() {
            Some(partition) => partition.len(),
            None if block == 1 => variables,
            None => 0,
        };
        let wanted = select.wants_constants() || update.wants_constants();
        let (rule, way) =
            (select.needs(variables, problem.penalty.is_zero()), update.needs(variables, block));
        Self {
            state: loss.state_len(),
            gradient: loss.gradient_len(),
            block,
            constants: if wanted { blocks } else { 0 },
            rest: Needs {
                numbers: rule.numbers.saturating_add(way.numbers.max(lipschitz_len(block))),
                indices: rule.indices.saturating_add(way.indices),
            },
        }
    }
}

/// How to choose a block, and how to move it.
#[derive(Clone, Copy, Debug)]
pub struct Scheme<S, U> {
    /// The rule that chooses.
    pub select: S,
    /// The way to move.
    pub update: U,
}

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    pub(super) sizes: Sizes,
    pub(super) state: &'w mut [T],
    pub(super) spare: &'w mut [T],
    pub(super) gradient: &'w mut [T],
    pub(super) constants: &'w mut [T],
    pub(super) old: &'w mut [T],
    pub(super) slopes: &'w mut [T],
    pub(super) next: &'w mut [T],
    pub(super) rest: &'w mut [T],
    pub(super) block: &'w mut [u32],
    pub(super) moved: &'w mut [u32],
    pub(super) indices: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Numbers needed: two states, a gradient, the constants, three blocks, and what rule and update need.
    #[must_use]
    pub const fn required_len(sizes: &Sizes) -> usize {
        let states = sizes.state.saturating_mul(2).saturating_add(sizes.gradient);
        let blocks = sizes.block.saturating_mul(3).saturating_add(sizes.constants);
        states.saturating_add(blocks).saturating_add(sizes.rest.numbers)
    }

    /// Indices needed: two blocks, and what rule and update need.
    #[must_use]
    pub const fn required_indices(sizes: &Sizes) -> usize {
        sizes.block.saturating_mul(2).saturating_add(sizes.rest.indices)
    }

    /// Carves the workspace of a problem and a scheme.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `numbers` is shorter than [`required_len`](Workspace::required_len), or `indices`
    /// than [`required_indices`](Workspace::required_indices).
    pub fn new<L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
        problem: &Problem<'_, L, H>,
        scheme: &Scheme<S, U>,
        numbers: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let sizes = Sizes::of(problem, scheme);
        let Sizes { state, gradient, block, constants, rest } = sizes;
        let lengths = [state, state, gradient, constants, block, block, block, rest.numbers];
        let [state, spare, gradient, constants, old, slopes, next, numbers] = carve(numbers, lengths)?;
        let [block, moved, indices] = carve(indices, [block, block, rest.indices])?;
        let rest = numbers;
        Ok(Self { sizes, state, spare, gradient, constants, old, slopes, next, rest, block, moved, indices })
    }
}
