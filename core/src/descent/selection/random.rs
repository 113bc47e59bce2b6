//! Blocks drawn at random, from a generator of the caller's.

use rand_core::Rng;

use super::{Choice, Needs, Selection, Sight, of_partition};
use crate::Real;
use crate::descent::partitions::swap;
use crate::descent::{Loss, Partition, Penalty};

/// ⌊U·n⌋ of a number U in [0, 1) from the generator.
pub(super) fn below(rng: &mut impl Rng, n: usize) -> usize {
    ((f64::unit_from_bits(rng.next_u64()) * n as f64) as usize).min(n.saturating_sub(1))
}

/// Every block with the same probability, drawn with repetition.
#[derive(Debug)]
pub struct Uniform<'a, R> {
    partition: Partition<'a>,
    rng: R,
}

impl<'a, R: Rng> Uniform<'a, R> {
    /// One number of `rng` a step.
    pub fn new(partition: Partition<'a>, rng: R) -> Self {
        Self { partition, rng }
    }
}

impl<T: Real, R: Rng> Selection<T> for Uniform<'_, R> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn greedy(&self) -> bool {
        false
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, _sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let number = below(&mut self.rng, self.partition.len());
        of_partition(&self.partition, number, block)
    }
}

/// All blocks in a new random order each time round.
#[derive(Debug)]
pub struct Shuffled<'a, R> {
    partition: Partition<'a>,
    rng: R,
    next: usize,
}

impl<'a, R: Rng> Shuffled<'a, R> {
    /// One number of `rng` a step. Memory: an index a block.
    pub fn new(partition: Partition<'a>, rng: R) -> Self {
        Self { partition, rng, next: 0 }
    }
}

impl<T: Real, R: Rng> Selection<T> for Shuffled<'_, R> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn needs(&self, _variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: 0, indices: self.partition.len() }
    }
    fn greedy(&self) -> bool {
        false
    }
    fn patience(&self) -> Option<u32> {
        // As many steps hold every block once, wherever they begin.
        u32::try_from(self.partition.len().saturating_mul(2)).ok()
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        self.next = 0;
        sight.indices.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let blocks = self.partition.len();
        if self.next >= blocks {
            self.next = 0;
        }
        // Fisher and Yates, one exchange a step.
        let with = self.next.saturating_add(below(&mut self.rng, blocks.saturating_sub(self.next)));
        swap(sight.indices, self.next, with);
        let number = sight.indices.get(self.next).copied().unwrap_or(0);
        self.next = self.next.saturating_add(1);
        of_partition(&self.partition, number as usize, block)
    }
}

/// Blocks with probability L_b/Σ L (Nesterov 2012).
#[derive(Debug)]
pub struct Proportional<'a, R> {
    partition: Partition<'a>,
    rng: R,
}

impl<'a, R: Rng> Proportional<'a, R> {
    /// One number of `rng` a step, and a binary search. Memory: a number a block.
    pub fn new(partition: Partition<'a>, rng: R) -> Self {
        Self { partition, rng }
    }
}

impl<T: Real, R: Rng> Selection<T> for Proportional<'_, R> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn needs(&self, _variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: self.partition.len(), indices: 0 }
    }
    fn greedy(&self) -> bool {
        false
    }
    fn wants_constants(&self) -> bool {
        true
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>) {
        let mut sum = T::ZERO;
        for (out, &l) in sight.numbers.iter_mut().zip(sight.constants) {
            sum += l.max(T::ZERO);
            *out = sum;
        }
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let total = sight.numbers.last().copied().unwrap_or(T::ZERO);
        let drawn = T::unit_from_bits(self.rng.next_u64()) * total;
        let number = sight.numbers.partition_point(|&sum| sum <= drawn);
        of_partition(&self.partition, number.min(self.partition.len().saturating_sub(1)), block)
    }
}

/// τ different variables, all sets with the same probability.
#[derive(Debug)]
pub struct RandomVariable<R> {
    size: usize,
    variables: usize,
    rng: R,
}

impl<R: Rng> RandomVariable<R> {
    /// `size` of `variables`; τ numbers of `rng` a step. Memory: p indices.
    pub fn new(variables: usize, size: usize, rng: R) -> Self {
        Self { size: size.min(variables), variables, rng }
    }
}

impl<T: Real, R: Rng> Selection<T> for RandomVariable<R> {
    fn largest(&self) -> usize {
        self.size
    }
    fn needs(&self, variables: usize, _smooth: bool) -> Needs {
        Needs { numbers: 0, indices: variables }
    }
    fn greedy(&self) -> bool {
        false
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let n = self.variables;
        // The beginning of a fresh shuffle.
        sight.indices.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
        for k in 0..self.size {
            let with = k.saturating_add(below(&mut self.rng, n.saturating_sub(k)));
            swap(sight.indices, k, with);
        }
        block.iter_mut().zip(&*sight.indices).for_each(|(out, &i)| *out = i);
        Choice { number: None, len: self.size.min(block.len()) }
    }
}
