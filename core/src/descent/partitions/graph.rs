//! Partitions of the variables of a sparse quadratic, by its graph (an edge where Q_ij ≠ 0).

use super::{Partition, sort};
use crate::carve::carve;
use crate::linear::{Csr, Matrix};
use crate::{Error, Real};

/// Not in any block yet.
const NONE: u32 = u32::MAX;

/// In which order vertices are visited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visit {
    /// Largest diagonal entry first (equal ones by index): most of the weight goes into the first blocks.
    #[default]
    Descending,
    /// By index.
    InOrder,
}

impl<'a> Partition<'a> {
    /// Indices of storage that [`coloured`](Partition::coloured) and [`forests`](Partition::forests) need: room
    /// for as many blocks as variables.
    #[must_use]
    pub const fn graph_len(variables: usize) -> usize {
        variables.saturating_mul(6).saturating_add(1)
    }

    /// A proper colouring: each vertex takes the admissible colour with the fewest members (the lowest of several),
    /// and opens a new one if none is. Q is taken to be symmetric.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is shorter than [`graph_len`](Partition::graph_len); [`Error::TooLarge`].
    /// Cost: one pass over Q, and vertices × colours.
    pub fn coloured<T: Real>(
        matrix: &Csr<'_, T>,
        visit: Visit,
        storage: &'a mut [u32],
    ) -> Result<Self, Error> {
        assign(matrix, visit, storage, |vertex, scratch| {
            let Scratch { block_of, blocked, sizes, .. } = scratch;
            for &neighbour in matrix.row(vertex as usize).0.iter().filter(|&&j| j != vertex) {
                let colour = block_of.get(neighbour as usize).copied().unwrap_or(NONE);
                if let Some(mark) = blocked.get_mut(colour as usize) {
                    *mark = vertex;
                }
            }
            let open = sizes.iter().zip(&**blocked).enumerate().take_while(|(_, (size, _))| **size > 0);
            let admissible = open.filter(|(_, (_, mark))| **mark != vertex);
            let best = admissible.fold(None, |best, (colour, (&size, _))| match best {
                Some((_, least)) if least <= size => best,
                _ => Some((colour, size)),
            });
            best.map(|(colour, _)| colour)
        })
    }

    /// First fit into forests: each vertex goes to the first block where it closes no cycle, and opens a new one if
    /// there is none. Q is taken to be symmetric.
    ///
    /// # Errors
    /// As [`coloured`](Partition::coloured). Cost: O((p + m) α(p)) a block.
    pub fn forests<T: Real>(
        matrix: &Csr<'_, T>,
        visit: Visit,
        storage: &'a mut [u32],
    ) -> Result<Self, Error> {
        assign(matrix, visit, storage, |vertex, scratch| {
            let Scratch { block_of, sizes, parents, blocked } = scratch;
            let neighbours = || matrix.row(vertex as usize).0.iter().copied().filter(|&j| j != vertex);
            let mut block = 0_usize;
            while sizes.get(block).is_some_and(|&size| size > 0) {
                let inside = |j: u32| block_of.get(j as usize).is_some_and(|&of| of as usize == block);
                if fits(parents, blocked, vertex, neighbours().filter(|&j| inside(j))) {
                    break;
                }
                block = block.saturating_add(1);
            }
            neighbours()
                .filter(|&j| block_of.get(j as usize).is_some_and(|&of| of as usize == block))
                .for_each(|j| join(parents, vertex, j));
            Some(block)
        })
    }
}

/// What the choice of a block may look at.
struct Scratch<'s> {
    block_of: &'s mut [u32],
    /// Who saw a colour, or a root, last.
    blocked: &'s mut [u32],
    sizes: &'s mut [u32],
    /// Union–find: the parent of a vertex within its tree.
    parents: &'s mut [u32],
}

/// Visits the vertices and puts each into the block that `choose` names (`None`: a new one).
fn assign<'a, T: Real>(
    matrix: &Csr<'_, T>,
    visit: Visit,
    storage: &'a mut [u32],
    mut choose: impl FnMut(u32, &mut Scratch<'_>) -> Option<usize>,
) -> Result<Partition<'a>, Error> {
    let n = matrix.order();
    super::check_size(n, 1)?;
    let [order, offsets, block_of, blocked, sizes, parents] =
        carve(storage, [n, n.saturating_add(1), n, n, n, n])?;
    order.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
    if visit == Visit::Descending {
        let of = |i: u32| matrix.diagonal(i as usize).unwrap_or(T::ZERO);
        sort(order, |a, b| of(a) > of(b) || (of(a) == of(b) && a < b));
    }
    block_of.fill(NONE);
    blocked.fill(NONE);
    sizes.fill(0);
    parents.iter_mut().enumerate().for_each(|(i, out)| *out = i as u32);
    let mut blocks = 0_usize;
    for &vertex in &*order {
        let mut scratch = Scratch { block_of, blocked, sizes, parents };
        let block = choose(vertex, &mut scratch).unwrap_or(blocks);
        blocks = blocks.max(block.saturating_add(1));
        if let (Some(of), Some(size)) = (block_of.get_mut(vertex as usize), sizes.get_mut(block)) {
            (*of, *size) = (block as u32, size.saturating_add(1));
        }
    }
    // The blocks, each in the order of indices.
    let mut end = 0_u32;
    for (offset, &size) in offsets.iter_mut().zip(&*sizes) {
        *offset = end;
        end = end.saturating_add(size);
    }
    let mut next = 0_usize;
    for block in 0..blocks {
        for (vertex, _) in block_of.iter().enumerate().filter(|(_, of)| **of as usize == block) {
            if let Some(out) = order.get_mut(next) {
                *out = vertex as u32;
            }
            next = next.saturating_add(1);
        }
    }
    if let Some(last) = offsets.get_mut(blocks) {
        *last = n as u32;
    }
    Ok(Partition::listed(offsets.get(..=blocks).unwrap_or(&[]), order))
}

/// The root of the tree that a vertex is in; halves paths on its way.
pub(in crate::descent) fn root(parents: &mut [u32], mut vertex: u32) -> u32 {
    // A path is no longer than there are vertices.
    for _ in 0..parents.len() {
        let parent = parents.get(vertex as usize).copied().unwrap_or(vertex);
        if parent == vertex {
            break;
        }
        let above = parents.get(parent as usize).copied().unwrap_or(parent);
        if let Some(out) = parents.get_mut(vertex as usize) {
            *out = above;
        }
        vertex = above;
    }
    vertex
}

/// Puts `vertex`, the root of its own tree, over the tree of `other`.
pub(in crate::descent) fn join(parents: &mut [u32], vertex: u32, other: u32) {
    let (top, other) = (root(parents, vertex), root(parents, other));
    if let Some(out) = parents.get_mut(other as usize) {
        *out = top;
    }
}

/// Whether no two of these neighbours of `vertex` are in one tree. `marks` says which vertex saw a root last.
pub(in crate::descent) fn fits(
    parents: &mut [u32],
    marks: &mut [u32],
    vertex: u32,
    mut neighbours: impl Iterator<Item = u32>,
) -> bool {
    neighbours.all(|neighbour| see(parents, marks, vertex, neighbour))
}

/// Marks the root of a neighbour; false if the vertex has seen it before.
pub(in crate::descent) fn see(parents: &mut [u32], marks: &mut [u32], vertex: u32, neighbour: u32) -> bool {
    let top = root(parents, neighbour);
    let Some(mark) = marks.get_mut(top as usize) else { return true };
    if *mark == vertex {
        return false;
    }
    *mark = vertex;
    true
}
