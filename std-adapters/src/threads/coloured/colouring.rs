//! Colours for blocks of consecutive unknowns.

use southwell::Real;
use southwell::linear::{Csr, Matrix};

/// Blocks in the order of their colours, and where each colour begins.
pub(super) struct Colours {
    pub(super) order: Vec<u32>,
    pub(super) starts: Vec<usize>,
}

/// Which blocks are coupled, in either direction.
struct Graph {
    starts: Vec<usize>,
    neighbours: Vec<u32>,
}

impl Graph {
    fn new<T: Real>(matrix: &Csr<'_, T>, size: usize) -> Self {
        let blocks = matrix.order().div_ceil(size);
        let each = |see: &mut dyn FnMut(usize, usize)| {
            for row in 0..matrix.order() {
                for &column in matrix.row(row).0 {
                    let (i, j) = (row / size, column as usize / size);
                    if i != j {
                        see(i, j);
                        see(j, i);
                    }
                }
            }
        };
        let mut starts = vec![0; blocks + 1];
        each(&mut |i, _| starts[i + 1] += 1);
        for i in 0..blocks {
            starts[i + 1] += starts[i];
        }
        let mut next = starts.clone();
        let mut neighbours = vec![0; starts[blocks]];
        each(&mut |i, j| {
            neighbours[next[i]] = j as u32;
            next[i] += 1;
        });
        Self { starts, neighbours }
    }
}

/// Gives each block in turn the smallest colour that no neighbour has. A last block that is smaller than the others
/// gets a colour of its own, the last one: it must stay at the end.
///
/// Deterministic. Cost: a few passes over the pattern. Memory: both directions of the pattern.
pub(super) fn greedy<T: Real>(matrix: &Csr<'_, T>, size: usize) -> Colours {
    let graph = Graph::new(matrix, size);
    let blocks = graph.starts.len() - 1;
    let whole = matrix.order() / size;
    let mut colours = vec![u32::MAX; blocks];
    // The block that has last seen a colour at a neighbour.
    let mut seen_by = vec![u32::MAX; blocks + 1];
    let mut count = 0;
    for block in 0..whole {
        for &neighbour in &graph.neighbours[graph.starts[block]..graph.starts[block + 1]] {
            if let Some(seen) = seen_by.get_mut(colours[neighbour as usize] as usize) {
                *seen = block as u32;
            }
        }
        let colour = seen_by.iter().position(|&last| last != block as u32).unwrap_or(0);
        colours[block] = colour as u32;
        count = count.max(colour + 1);
    }
    if whole < blocks {
        colours[whole] = count as u32;
        count += 1;
    }
    let mut starts = vec![0; count + 1];
    for &colour in &colours {
        starts[colour as usize + 1] += 1;
    }
    for colour in 0..count {
        starts[colour + 1] += starts[colour];
    }
    let mut next = starts.clone();
    let mut order = vec![0; blocks];
    for (block, &colour) in colours.iter().enumerate() {
        order[next[colour as usize]] = block as u32;
        next[colour as usize] += 1;
    }
    Colours { order, starts }
}
