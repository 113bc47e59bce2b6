//! The block of a partition with the best exact step.

use super::{Choice, Needs, Selection, Sight, of_partition};
use crate::descent::{Loss, Partition, Penalty, Problem, gather, small};
use crate::{Error, Real};

/// The block with the largest g_bᵀ H_b⁻¹ g_b: what a [`Matrix`](crate::descent::update::Matrix) step gains, doubled
/// (GSQ). Cost: a gradient, and a Cholesky factorisation of every block.
#[derive(Clone, Copy, Debug)]
pub struct GreedyQuadratic<'a> {
    partition: Partition<'a>,
}

impl<'a> GreedyQuadratic<'a> {
    /// Among the blocks of a partition.
    #[must_use]
    pub fn new(partition: Partition<'a>) -> Self {
        Self { partition }
    }
}

impl<T: Real> Selection<T> for GreedyQuadratic<'_> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn needs(&self, _variables: usize, _smooth: bool) -> Needs {
        let size = self.partition.largest();
        Needs { numbers: size.saturating_mul(size.saturating_add(2)), indices: size }
    }
    fn greedy(&self) -> bool {
        true
    }
    fn check<L: Loss<T>, H: Penalty<T>>(&self, problem: &Problem<'_, L, H>) -> Result<(), Error> {
        if problem.penalty.is_zero() {
            return Ok(());
        }
        Err(Error::Option { name: "selection", requirement: "ranks by exact steps of a smooth problem only" })
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let size = self.partition.largest();
        let mut best = (-T::ONE, 0);
        for number in 0..self.partition.len() {
            let len = self.partition.fill(number, sight.indices);
            let variables = sight.indices.get(..len).unwrap_or(&[]);
            let Some((g, rest)) = sight.numbers.split_at_mut_checked(size) else { continue };
            let Some((d, matrix)) = rest.split_at_mut_checked(size) else { continue };
            let (Some(g), Some(d)) = (g.get_mut(..len), d.get_mut(..len)) else { continue };
            let Some(matrix) = matrix.get_mut(..len.saturating_mul(len)) else { continue };
            gather(variables, sight.gradient, g);
            gather(variables, sight.gradient, d);
            if !small::inverse_times(len, matrix, d, |matrix| sight.problem.loss.bound(variables, matrix)) {
                continue;
            }
            let score = southwell_simd::vector::dot(g, d);
            if best.0 < score {
                best = (score, number);
            }
        }
        of_partition(&self.partition, best.1, block)
    }
}
