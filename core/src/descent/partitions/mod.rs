//! Fixed partitions of the variables into blocks.
//!
//! | partition | blocks | for |
//! |---|---|---|
//! | [`Partition::consecutive`] | 0…τ−1, τ…2τ−1, … (needs no memory) | whatever has an order |
//! | [`Partition::sorted`] | runs of ascending L_i | greedy rules: a block has a scale of its own |
//! | [`Partition::averaged`] | smallest, largest, second smallest, … | cyclic rules |
//! | [`Partition::coloured`] | no two variables of a block coupled | sparse quadratics, in parallel |
//! | [`Partition::red_black`], [`Partition::combs`] | the same, and two trees, on a lattice | grids |
//! | [`Partition::forests`] | no cycle within a block | sparse quadratics, by message passing |
//! | [`Partition::new`] | your own | |

mod graph;
mod lattice;
mod sort;

pub use graph::Visit;
pub(super) use graph::{join, see};
pub(super) use sort::{sort, swap};

use crate::carve::carve;
use crate::{Error, Real, StructureFault};

/// Blocks of variables: every variable is in one block.
#[derive(Clone, Copy, Debug)]
pub struct Partition<'a> {
    variables: usize,
    kind: Kind<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Kind<'a> {
    /// Runs of so many.
    Consecutive(usize),
    /// Block k is `order[offsets[k]..offsets[k + 1]]`.
    Listed { offsets: &'a [u32], order: &'a [u32] },
}

impl<'a> Partition<'a> {
    /// Indices of storage for a listed partition of so many variables into so many blocks.
    #[must_use]
    pub const fn required_len(variables: usize, blocks: usize) -> usize {
        variables.saturating_add(blocks).saturating_add(1)
    }

    /// Consecutive runs of `size` variables; the last may be shorter. Size 1: single coordinates.
    ///
    /// # Errors
    /// [`Error::Option`] if the size is 0; [`Error::TooLarge`] beyond 32-bit indices.
    pub fn consecutive(variables: usize, size: usize) -> Result<Self, Error> {
        check_size(variables, size)?;
        Ok(Self { variables, kind: Kind::Consecutive(size) })
    }

    /// Blocks of the caller's: block k is `order[offsets[k]..offsets[k + 1]]`. `scratch` is of at least
    /// variables/32 words, rounded up.
    ///
    /// # Errors
    /// [`Error::Structure`] if the first offset is not 0, a block is empty, or a variable is missing or in two blocks;
    /// [`Error::Dimension`] if the last offset is not the number of variables; [`Error::Workspace`].
    pub fn new(offsets: &'a [u32], order: &'a [u32], scratch: &mut [u32]) -> Result<Self, Error> {
        let fault = |argument, index, fault| Err(Error::Structure { argument, index, fault });
        let (Some(&first), Some(&last)) = (offsets.first(), offsets.last()) else {
            return Err(Error::Dimension { argument: "offsets", expected: 1, given: 0 });
        };
        if first != 0 {
            return fault("offsets", 0, StructureFault::FirstNotZero);
        }
        if let Some(i) = offsets.windows(2).position(|w| matches!(*w, [a, b] if b <= a)) {
            return fault("offsets", i.saturating_add(1), StructureFault::EmptyBlock);
        }
        crate::linear::check_len("order", order.len(), last as usize)?;
        let [seen] = carve(scratch, [order.len().div_ceil(32)])?;
        seen.fill(0);
        for (index, &variable) in order.iter().enumerate() {
            let bit = 1_u32 << (variable % 32);
            if variable as usize >= order.len() {
                return fault("order", index, StructureFault::OutOfRange);
            }
            match seen.get_mut((variable / 32) as usize) {
                Some(word) if *word & bit == 0 => *word |= bit,
                _ => return fault("order", index, StructureFault::NotAPermutation),
            }
        }
        Ok(Self::listed(offsets, order))
    }

    fn listed(offsets: &'a [u32], order: &'a [u32]) -> Self {
        Self { variables: order.len(), kind: Kind::Listed { offsets, order } }
    }

    /// Runs of `size` variables in the order of ascending L_i, equal ones in their own order.
    ///
    /// # Errors
    /// As [`consecutive`](Partition::consecutive); [`Error::Workspace`].
    pub fn sorted<T: Real>(lipschitz: &[T], size: usize, storage: &'a mut [u32]) -> Result<Self, Error> {
        let n = lipschitz.len();
        check_size(n, size)?;
        let [order, offsets] = carve(storage, [n, n.div_ceil(size.max(1)).saturating_add(1)])?;
        by_lipschitz(lipschitz, order);
        runs(n, size, offsets);
        Ok(Self::listed(offsets, order))
    }

    /// Runs of `size` of the smallest L_i, the largest, the second smallest, the second largest, …
    ///
    /// # Errors
    /// As [`sorted`](Partition::sorted); the storage holds twice the variables here, beside the offsets.
    pub fn averaged<T: Real>(lipschitz: &[T], size: usize, storage: &'a mut [u32]) -> Result<Self, Error> {
        let n = lipschitz.len();
        check_size(n, size)?;
        let [order, offsets, sorted] = carve(storage, [n, n.div_ceil(size.max(1)).saturating_add(1), n])?;
        by_lipschitz(lipschitz, sorted);
        let mut ends = sorted.iter();
        for (k, out) in order.iter_mut().enumerate() {
            let next = if k % 2 == 0 { ends.next() } else { ends.next_back() };
            *out = next.copied().unwrap_or(0);
        }
        runs(n, size, offsets);
        Ok(Self::listed(offsets, order))
    }

    /// Variables.
    #[must_use]
    pub fn variables(&self) -> usize {
        self.variables
    }

    /// Blocks.
    #[must_use]
    pub fn len(&self) -> usize {
        match self.kind {
            Kind::Consecutive(size) => self.variables.div_ceil(size.max(1)),
            Kind::Listed { offsets, .. } => offsets.len().saturating_sub(1),
        }
    }

    /// Whether there is no block.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Variables of the largest block.
    #[must_use]
    pub fn largest(&self) -> usize {
        match self.kind {
            Kind::Consecutive(size) => size.min(self.variables),
            Kind::Listed { offsets, .. } => offsets.windows(2).fold(0, |most, w| match *w {
                [a, b] => most.max(b.saturating_sub(a) as usize),
                _ => most,
            }),
        }
    }

    /// Writes the variables of a block to `out` and returns how many there are; 0 if there is no such block.
    pub fn fill(&self, block: usize, out: &mut [u32]) -> usize {
        match self.kind {
            Kind::Consecutive(size) => {
                let start = block.saturating_mul(size).min(self.variables);
                let len = size.min(self.variables.saturating_sub(start)).min(out.len());
                for (k, out) in out.iter_mut().enumerate().take(len) {
                    *out = start.saturating_add(k) as u32;
                }
                len
            }
            Kind::Listed { offsets, order } => {
                let range = match offsets.get(block..block.saturating_add(2)) {
                    Some(&[from, to]) => from as usize..to as usize,
                    _ => return 0,
                };
                let block = order.get(range).unwrap_or(&[]);
                out.iter_mut().zip(block).for_each(|(out, &variable)| *out = variable);
                block.len().min(out.len())
            }
        }
    }
}

fn check_size(variables: usize, size: usize) -> Result<(), Error> {
    if size == 0 {
        return Err(Error::Option { name: "size", requirement: "must be positive: a block cannot be empty" });
    }
    if u32::try_from(variables).is_err() {
        return Err(Error::TooLarge { argument: "variables" });
    }
    Ok(())
}

/// The variables by ascending L_i.
fn by_lipschitz<T: Real>(lipschitz: &[T], order: &mut [u32]) {
    order.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
    let of = |i: u32| lipschitz.get(i as usize).copied().unwrap_or(T::ZERO);
    sort(order, |a, b| of(a) < of(b) || (of(a) == of(b) && a < b));
}

fn runs(variables: usize, size: usize, offsets: &mut [u32]) {
    for (k, offset) in offsets.iter_mut().enumerate() {
        *offset = k.saturating_mul(size).min(variables) as u32;
    }
}
