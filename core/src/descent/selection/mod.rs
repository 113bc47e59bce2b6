//! Which block is next.
//!
//! | rule | blocks | looks at |
//! |---|---|---|
//! | [`Cyclic`], [`Shuffled`], [`Uniform`], [`Proportional`] | a partition | nothing |
//! | [`RandomVariable`] | any τ variables | nothing |
//! | [`Greedy`] | a partition | all of the gradient |
//! | [`GreedyQuadratic`] | a partition | the gradient and every H_b |
//! | [`GreedyVariable`] | the best τ variables | all of the gradient |
//! | [`HardThreshold`] | τ variables that do well together | the gradient, ten products with H |
//! | [`Tournament`] | single variables of a sparse quadratic | the neighbours of the last one |
//! | [`Face`] | those of another rule; once they settle, all that are off their kinks | as the other |
//! | [`GreedyForest`], [`RandomForest`] | forests of a sparse quadratic | the gradient; nothing |
//!
//! Ties go to the lower index, and what is NaN loses.

mod cyclic;
mod face;
mod forest;
mod greedy;
mod hard_threshold;
mod quadratic;
mod random;
mod score;
mod tournament;
mod variable;

pub use cyclic::Cyclic;
pub use face::Face;
pub use forest::{GreedyForest, RandomForest};
pub use greedy::Greedy;
pub use hard_threshold::{HardThreshold, Start};
pub use quadratic::GreedyQuadratic;
pub use random::{Proportional, RandomVariable, Shuffled, Uniform};
pub use score::Score;
pub use tournament::Tournament;
pub use variable::GreedyVariable;

use super::losses::{Loss, Rank};
use super::partitions::Partition;
use super::penalties::Penalty;
use super::problem::Problem;
use crate::{Error, Real};

/// Memory that a rule or an update needs: numbers and indices.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Numbers.
    pub numbers: usize,
    /// Indices (`u32`).
    pub indices: usize,
}

/// What a rule sees when it chooses, and the memory that is its own.
#[derive(Debug)]
pub struct Sight<'s, T, L, H> {
    /// What is minimised.
    pub problem: &'s Problem<'s, L, H>,
    /// The iterate.
    pub x: &'s [T],
    /// ∇f, if the rule is [greedy](Selection::greedy); empty otherwise.
    pub gradient: &'s [T],
    /// L_b of every block of the rule's partition, if it has one and wants them.
    pub constants: &'s [T],
    /// The variables that the last step moved; `None` before the first one, and after x has been changed as a whole.
    pub moved: Option<&'s [u32]>,
    /// The variable with the largest score by the rule's [`rank`](Selection::rank), if the last step has found it.
    pub best: Option<u32>,
    /// Scratch as long as the state.
    pub scratch: &'s mut [T],
    /// The rule's numbers.
    pub numbers: &'s mut [T],
    /// The rule's indices.
    pub indices: &'s mut [u32],
}

/// A block that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Which block of the rule's partition it is, if it has one.
    pub number: Option<usize>,
    /// How many variables were written.
    pub len: usize,
}

/// A rule that chooses the next block.
pub trait Selection<T: Real> {
    /// The partition that it chooses from, if it is a fixed one.
    fn partition(&self) -> Option<&Partition<'_>> {
        None
    }
    /// Variables of the largest block that it may choose.
    fn largest(&self) -> usize;
    /// Its own memory in a problem of so many variables, for the penalty at hand.
    fn needs(&self, _variables: usize, _smooth: bool) -> Needs {
        Needs::default()
    }
    /// Whether it looks at the whole gradient.
    fn greedy(&self) -> bool;
    /// Steps in a row that move nothing after which nothing will ever move. One for a rule that looks, and would
    /// choose the same again; `None` if no number of steps proves it.
    fn patience(&self) -> Option<u32> {
        self.greedy().then_some(1)
    }
    /// Whether it looks at L_b.
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
    /// By what it ranks variables, if it takes the single one with the largest score: a loss may then find that while it
    /// brings its gradient up to date. The weights are the first of its numbers, as many as [`Rank::weights`] says.
    fn rank<H: Penalty<T>>(&self, _penalty: &H) -> Option<Rank<T>> {
        None
    }
    /// Prepares its memory.
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, _sight: Sight<'_, T, L, H>) {}
    /// Writes the variables of the next block to `block`, which holds [`largest`](Selection::largest) of them.
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice;
}

/// Fills `block` from a partition.
fn of_partition(partition: &Partition<'_>, number: usize, block: &mut [u32]) -> Choice {
    Choice { number: Some(number), len: partition.fill(number, block) }
}
