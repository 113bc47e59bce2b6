//! The best variable of a sparse quadratic, kept by a tree of matches.

use super::score::{inverse_root, of_variable};
use super::variable::check_size;
use super::{Choice, Needs, Score, Selection, Sight};
use crate::descent::{Loss, Penalty, Problem};
use crate::{Error, Real};

/// Nobody.
const NONE: u32 = u32::MAX;

/// The variable with the largest [`Score`], where a step changes few derivatives: leaves hold the variables, every
/// node the winner of its two, and a changed score replays ⌈log₂ p⌉ matches. The same choices as
/// [`GreedyVariable::one`](super::GreedyVariable::one). Worth it while the entries of a row times log₂ p stay well
/// below p/8, the cost of a look at everything. Memory: 2 p numbers, 2^(⌈log₂ p⌉ + 1) indices.
///
/// Losses that say which derivatives change ([`Loss::row`]) only.
#[derive(Clone, Copy, Debug)]
pub struct Tournament {
    score: Score,
}

impl Tournament {
    /// By a score.
    #[must_use]
    pub fn new(score: Score) -> Self {
        Self { score }
    }

    fn score<T: Real, L: Loss<T>, H: Penalty<T>>(
        &self,
        problem: &Problem<'_, L, H>,
        i: usize,
        (x, g): (&[T], &[T]),
        weights: &[T],
    ) -> T {
        let (Some(&x), Some(&g), Some(&weight)) = (x.get(i), g.get(i), weights.get(i)) else {
            return T::ZERO;
        };
        let score = of_variable(self.score, problem, i, weight, (x, g));
        if self.score.is_weighted() { score * weight } else { score }
    }
}

/// Leaves of the tree.
fn leaves(variables: usize) -> usize {
    variables.checked_next_power_of_two().unwrap_or(usize::MAX)
}

/// The winner of two: the larger score, the lower index of equals.
fn winner<T: Real>(a: u32, b: u32, scores: &[T]) -> u32 {
    let of = |i: u32| scores.get(i as usize).copied().unwrap_or(-T::ONE);
    if of(a) < of(b) { b } else { a }
}

/// Decides a node from its two children.
fn decide<T: Real>(tree: &mut [u32], node: usize, scores: &[T]) {
    let left = node.saturating_mul(2);
    let a = tree.get(left).copied().unwrap_or(NONE);
    let b = tree.get(left.saturating_add(1)).copied().unwrap_or(NONE);
    if let Some(out) = tree.get_mut(node) {
        *out = winner(a, b, scores);
    }
}

impl<T: Real> Selection<T> for Tournament {
    fn largest(&self) -> usize {
        1
    }
    fn needs(&self, variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: variables.saturating_mul(2), indices: leaves(variables).saturating_mul(2) }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if !problem.loss.row(0, |_, _| ()) {
            return Err(Error::Option {
                name: "selection",
                requirement: "needs a loss with sparse curvature",
            });
        }
        check_size(1, problem)
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        let loss = sight.problem.loss;
        for (i, weight) in sight.numbers.iter_mut().enumerate().take(loss.variables()) {
            *weight = match self.score {
                Score::Violation => T::ONE,
                Score::Steepest | Score::Diagonal => inverse_root(loss.lipschitz(i)),
                _ => loss.lipschitz(i),
            };
        }
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let problem = sight.problem;
        let n = problem.loss.variables();
        let leaves = leaves(n);
        let none = Choice { number: None, len: 0 };
        let Some((weights, scores)) = sight.numbers.split_at_mut_checked(n) else { return none };
        let tree = sight.indices;
        let xg = (sight.x, sight.gradient);
        if let Some(moved) = sight.moved {
            let mut replay = |i: usize| {
                let Some(score) = scores.get_mut(i) else { return };
                *score = self.score(problem, i, xg, weights);
                let mut node = leaves.saturating_add(i) / 2;
                while node > 0 {
                    decide(tree, node, scores);
                    node /= 2;
                }
            };
            for &i in moved {
                problem.loss.row(i as usize, |j, _| replay(j));
                replay(i as usize);
            }
        } else {
            for (i, score) in scores.iter_mut().enumerate() {
                *score = self.score(problem, i, xg, weights);
            }
            for (leaf, out) in tree.iter_mut().skip(leaves).enumerate() {
                *out = if leaf < n { leaf as u32 } else { NONE };
            }
            for node in (1..leaves).rev() {
                decide(tree, node, scores);
            }
        }
        let best = tree.get(1).copied().unwrap_or(0);
        block.iter_mut().take(1).for_each(|out| *out = best);
        Choice { number: None, len: block.len().min(1) }
    }
}
