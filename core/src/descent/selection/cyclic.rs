//! One block after the other.

use super::{Choice, Selection, Sight, of_partition};
use crate::Real;
use crate::descent::{Loss, Partition, Penalty};

/// Block k mod B in step k.
#[derive(Clone, Copy, Debug)]
pub struct Cyclic<'a> {
    partition: Partition<'a>,
    next: usize,
}

impl<'a> Cyclic<'a> {
    /// Through the blocks of a partition.
    #[must_use]
    pub fn new(partition: Partition<'a>) -> Self {
        Self { partition, next: 0 }
    }
}

impl<T: Real> Selection<T> for Cyclic<'_> {
    fn partition(&self) -> Option<&Partition<'_>> {
        Some(&self.partition)
    }
    fn largest(&self) -> usize {
        self.partition.largest()
    }
    fn greedy(&self) -> bool {
        false
    }
    fn patience(&self) -> Option<u32> {
        u32::try_from(self.partition.len()).ok()
    }
    fn begin<L: Loss<T>, H: Penalty<T>>(&mut self, _sight: Sight<'_, T, L, H>) {
        self.next = 0;
    }
    fn choose<L: Loss<T>, H: Penalty<T>>(&mut self, _sight: Sight<'_, T, L, H>, block: &mut [u32]) -> Choice {
        let number = if self.next < self.partition.len() { self.next } else { 0 };
        self.next = number.saturating_add(1);
        of_partition(&self.partition, number, block)
    }
}
