//! The best block of a partition.

use super::score::of_block;
use super::{Choice, Needs, Score, Selection, Sight, of_partition};
use crate::descent::gather;
use crate::descent::penalties::Block;
use crate::descent::{Loss, Partition, Penalty, Problem};
use crate::{Error, Real};

/// The block of a fixed partition with the largest [`Score`]. Cost: a gradient, and a look at all of it.
#[derive(Clone, Copy, Debug)]
pub struct Greedy<'a> {
    partition: Partition<'a>,
    score: Score,
}

impl<'a> Greedy<'a> {
    /// Among the blocks of a partition, by a score.
    #[must_use]
    pub fn new(partition: Partition<'a>, score: Score) -> Self {
        Self { partition, score }
    }
}

impl<T: Real> Selection<T> for Greedy<'_> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn needs(&self, _variables: usize, _smooth: bool) -> Needs {
        let size = self.partition.largest();
        Needs { numbers: size.saturating_mul(3), indices: size }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn wants_constants(&self) -> bool {
        matches!(self.score, Score::Steepest | Score::Length | Score::Progress)
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if matches!(self.score, Score::Diagonal | Score::DiagonalProgress) && !problem.penalty.separable() {
            return Err(Error::Option {
                name: "score",
                requirement: "must not treat variables one by one here",
            });
        }
        Ok(())
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let size = self.partition.largest();
        let mut best = (-T::ONE, 0);
        for number in 0..self.partition.len() {
            let len = self.partition.fill(number, sight.indices);
            let variables = sight.indices.get(..len).unwrap_or(&[]);
            let Some((x, rest)) = sight.numbers.split_at_mut_checked(size) else { continue };
            let Some((g, next)) = rest.split_at_mut_checked(size) else { continue };
            let (Some(x), Some(g), Some(next)) = (x.get_mut(..len), g.get_mut(..len), next.get_mut(..len))
            else {
                continue;
            };
            gather(variables, sight.x, x);
            gather(variables, sight.gradient, g);
            let l = sight.constants.get(number).copied().unwrap_or(T::ONE);
            let score = of_block(self.score, sight.problem, Block { number, variables }, l, (x, g, next));
            if best.0 < score {
                best = (score, number);
            }
        }
        of_partition(&self.partition, best.1, block)
    }
}
