//! Sums of vectors over ranks, in an order that does not depend on the number of ranks.
//!
//! Each block of the work contributes a vector of m elements. Every rank adds up a part of the columns over all
//! blocks, in the order of the blocks: what a reduction sends, in an order that is kept. A rank sends (its
//! blocks)·m elements in P − 1 messages; handing the sums to all costs m/P more in one gather.

use std::ops::Range;

use super::communicator::exchange_all;
use super::{Communicator, Fault, Partition};

/// The vectors of this rank's blocks, and how they are added.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) columns: Partition,
    own: Range<usize>,
    /// Blocks of every rank.
    blocks: Vec<usize>,
    /// A vector of m for each block of this rank, one after the other.
    pub(super) vectors: Vec<f64>,
    /// Packed pieces to and from every rank.
    sent: Vec<Vec<f64>>,
    given: Vec<Vec<f64>>,
}

impl Columns {
    /// Vectors of `m` elements from the blocks of `work`, added by columns in at most `pieces` pieces.
    pub(super) fn new(work: &Partition, m: usize, pieces: usize, rank: usize) -> Self {
        let ranks = work.ranks();
        let columns = Partition::spread(m, pieces, ranks);
        let own = columns.items_of(rank);
        let blocks: Vec<usize> = (0..ranks).map(|rank| work.blocks_of(rank).len()).collect();
        let given = blocks.iter().map(|blocks| vec![0.0; blocks * own.len()]).collect();
        let vectors = vec![0.0; blocks[rank] * m];
        Self { columns, own, blocks, vectors, sent: vec![Vec::new(); ranks], given }
    }

    /// The columns that this rank adds up.
    pub(super) fn own(&self) -> Range<usize> {
        self.own.clone()
    }

    /// The sums of this rank's columns.
    pub(super) fn add<C: Communicator + ?Sized>(
        &mut self,
        communicator: &C,
        sums: &mut [f64],
    ) -> Result<(), Fault> {
        let (rank, m) = (communicator.rank(), self.columns.items().max(1));
        for (other, packed) in self.sent.iter_mut().enumerate() {
            packed.clear();
            for vector in self.vectors.chunks_exact(m) {
                packed.extend_from_slice(&vector[self.columns.items_of(other)]);
            }
        }
        exchange_all(communicator, &self.sent, &mut self.given)?;
        self.given[rank].copy_from_slice(&self.sent[rank]);
        sums.fill(0.0);
        let width = self.own.len().max(1);
        for vector in self.given.iter().flat_map(|packed| packed.chunks_exact(width)) {
            sums.iter_mut().zip(vector).for_each(|(sum, term)| *sum += term);
        }
        Ok(())
    }

    /// The sums of all columns, and of N numbers a block of this rank, on all ranks.
    pub(super) fn add_all<C: Communicator + ?Sized, const N: usize>(
        &mut self,
        communicator: &C,
        values: &[[f64; N]],
        sums: &mut [f64],
    ) -> Result<[f64; N], Fault> {
        let mut mine = vec![0.0; self.own.len()];
        self.add(communicator, &mut mine)?;
        mine.extend(values.iter().flatten());
        let counts: Vec<usize> = self
            .blocks
            .iter()
            .enumerate()
            .map(|(rank, blocks)| self.columns.items_of(rank).len() + N * blocks)
            .collect();
        let mut all = vec![0.0; counts.iter().sum()];
        communicator.gather(&mine, &counts, &mut all)?;
        let (mut totals, mut rest) = ([0.0; N], &all[..]);
        for (rank, &count) in counts.iter().enumerate() {
            let (here, after) = rest.split_at(count);
            let columns = self.columns.items_of(rank);
            let (columns_sums, values) = here.split_at(columns.len());
            sums[columns].copy_from_slice(columns_sums);
            // `N` may be 0, where there is nothing to chunk.
            for values in values.chunks_exact(N.max(1)) {
                totals.iter_mut().zip(values).for_each(|(total, value)| *total += value);
            }
            rest = after;
        }
        Ok(totals)
    }
}
