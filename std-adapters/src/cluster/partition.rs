//! Who has what: items in fixed blocks, and whole blocks on every rank.

use std::ops::Range;

use super::{Communicator, Fault};

/// Blocks at most, and so ranks. A sum over all items is gathered as one number a block.
pub const MOST_BLOCKS: usize = 4096;

/// Of sparse rows: blocks of a small matrix, and rows of a block of a larger one.
const FEWEST_BLOCKS: usize = 64;
const ROWS_A_BLOCK: usize = 256;

/// A division of `items` (rows of a matrix, layers of a grid) among ranks.
///
/// The blocks depend on the number of items alone, ⌈items/4096⌉ items each. A sum is made within each block and
/// the blocks' sums are added in their order, so that its bits do not depend on the number of ranks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    items: usize,
    block: usize,
    ranks: usize,
}

impl Partition {
    /// Divides `items` among `ranks`, as evenly as whole blocks allow, in order.
    ///
    /// # Errors
    /// [`Fault::Ranks`] for more ranks than blocks.
    pub fn new(items: usize, ranks: usize) -> Result<Self, Fault> {
        Self::in_blocks(items, MOST_BLOCKS, ranks)
    }

    /// The same in at most `blocks` blocks: fewer are cheaper where a block contributes a vector to a sum.
    ///
    /// # Errors
    /// [`Fault::Ranks`] for more ranks than blocks.
    pub fn in_blocks(items: usize, blocks: usize, ranks: usize) -> Result<Self, Fault> {
        let block = items.div_ceil(blocks.max(1)).max(1);
        let most = items.div_ceil(block).max(1);
        if ranks == 0 || ranks > most {
            return Err(Fault::Ranks { ranks, most });
        }
        Ok(Self { items, block, ranks })
    }

    /// The same for the rows of a sparse matrix: where there are enough of them, 256 a block, as sums over a few numbers
    /// cost more than the numbers; at least 64 blocks where there are as many rows.
    ///
    /// # Errors
    /// [`Fault::Ranks`] for more ranks than blocks.
    pub fn of_rows(rows: usize, ranks: usize) -> Result<Self, Fault> {
        let block = rows.div_ceil(FEWEST_BLOCKS).min(ROWS_A_BLOCK);
        Self::in_blocks(rows, rows.div_ceil(block.max(1)).min(MOST_BLOCKS), ranks)
    }

    /// The same where ranks may be left without items.
    pub(super) fn spread(items: usize, blocks: usize, ranks: usize) -> Self {
        Self { items, block: items.div_ceil(blocks.max(1)).max(1), ranks: ranks.max(1) }
    }

    /// Items in all.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// Ranks.
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.ranks
    }

    /// Blocks in all.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.items.div_ceil(self.block)
    }

    /// The blocks of a rank.
    #[must_use]
    pub fn blocks_of(&self, rank: usize) -> Range<usize> {
        let bound = |rank: usize| self.blocks() * rank / self.ranks;
        bound(rank)..bound(rank + 1)
    }

    /// The items of a block.
    #[must_use]
    pub fn items_in(&self, block: usize) -> Range<usize> {
        (block * self.block).min(self.items)..((block + 1) * self.block).min(self.items)
    }

    /// The items of a rank.
    #[must_use]
    pub fn items_of(&self, rank: usize) -> Range<usize> {
        let blocks = self.blocks_of(rank);
        (blocks.start * self.block).min(self.items)..(blocks.end * self.block).min(self.items)
    }

    /// The rank that has an item.
    #[must_use]
    pub fn owner(&self, item: usize) -> usize {
        let block = item / self.block;
        let mut rank = (block * self.ranks / self.blocks().max(1)).min(self.ranks - 1);
        while self.blocks_of(rank).end <= block && rank + 1 < self.ranks {
            rank += 1;
        }
        while self.blocks_of(rank).start > block && rank > 0 {
            rank -= 1;
        }
        rank
    }

    /// The fewest items that a rank has.
    #[must_use]
    pub fn fewest(&self) -> usize {
        (0..self.ranks).map(|rank| self.items_of(rank).len()).min().unwrap_or(0)
    }
}

/// Sums over all items, made block by block.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    /// Where this rank's blocks begin and end, in elements from its first.
    bounds: Vec<usize>,
    /// Blocks of every rank.
    blocks: Vec<usize>,
    counts: Vec<usize>,
    mine: Vec<f64>,
    all: Vec<f64>,
}

impl Sums {
    /// `width` elements an item.
    pub(super) fn new(partition: &Partition, rank: usize, width: usize) -> Self {
        let first = partition.items_of(rank).start;
        let mut bounds = vec![0];
        bounds.extend(partition.blocks_of(rank).map(|b| (partition.items_in(b).end - first) * width));
        let blocks: Vec<usize> = (0..partition.ranks()).map(|rank| partition.blocks_of(rank).len()).collect();
        Self { bounds, counts: blocks.clone(), blocks, mine: Vec::new(), all: Vec::new() }
    }

    /// `N` sums at once and whether any rank has raised its flag: one gather of `N` numbers a block and one a rank.
    /// `sum` gives the sums of the elements from one bound to another.
    pub(super) fn total<const N: usize>(
        &mut self,
        communicator: &(impl Communicator + ?Sized),
        flag: bool,
        mut sum: impl FnMut(Range<usize>) -> [f64; N],
    ) -> Result<([f64; N], bool), Fault> {
        self.mine.clear();
        self.mine.push(f64::from(u8::from(flag)));
        for bound in self.bounds.windows(2) {
            self.mine.extend(sum(bound[0]..bound[1]));
        }
        for (count, &blocks) in self.counts.iter_mut().zip(&self.blocks) {
            *count = 1 + N * blocks;
        }
        self.all.resize(self.counts.iter().sum(), 0.0);
        communicator.gather(&self.mine, &self.counts, &mut self.all)?;
        let (mut totals, mut flag, mut at) = ([0.0; N], false, 0);
        for &count in &self.counts {
            flag |= self.all[at] != 0.0;
            for sums in self.all[at + 1..at + count].chunks_exact(N) {
                totals.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
            }
            at += count;
        }
        Ok((totals, flag))
    }
}
