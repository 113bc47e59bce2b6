//! Breadth-first colouring: red and black where the graph allows it.

use std::collections::VecDeque;

use southwell::linear::{Csr, Matrix};

/// Rows grouped by colour: the order, and where each colour begins.
pub(super) struct Colours {
    pub(super) order: Vec<u32>,
    pub(super) starts: Vec<u32>,
}

/// Colours the graph of A + Aᵀ in breadth-first order, each row the smallest colour free.
///
/// A connected bipartite graph gets its two colours this way (in natural order it may get more).
/// Cost: two passes over the matrix.
pub(super) fn breadth_first(matrix: &Csr<'_, f64>) -> Colours {
    let n = matrix.order();
    // Couplings that only the other row stores.
    let mut transposed = vec![Vec::new(); n];
    for row in 0..n {
        for &column in matrix.row(row).0 {
            transposed[column as usize].push(row as u32);
        }
    }
    let mut colour = vec![u32::MAX; n];
    let mut queue = VecDeque::new();
    let mut seen = vec![false; n];
    let mut taken = Vec::new();
    for root in 0..n {
        if seen[root] {
            continue;
        }
        seen[root] = true;
        queue.push_back(root);
        while let Some(row) = queue.pop_front() {
            taken.clear();
            for &neighbour in matrix.row(row).0.iter().chain(&transposed[row]) {
                let neighbour = neighbour as usize;
                if neighbour == row {
                    continue;
                }
                if colour[neighbour] != u32::MAX {
                    taken.push(colour[neighbour]);
                }
                if !seen[neighbour] {
                    seen[neighbour] = true;
                    queue.push_back(neighbour);
                }
            }
            colour[row] = (0..).find(|c| !taken.contains(c)).unwrap_or(0);
        }
    }
    group(&colour)
}

fn group(colour: &[u32]) -> Colours {
    let colours = colour.iter().max().map_or(0, |&c| c as usize + 1);
    let mut starts = vec![0_u32; colours + 1];
    for &c in colour {
        starts[c as usize + 1] += 1;
    }
    for c in 0..colours {
        starts[c + 1] += starts[c];
    }
    let mut next = starts.clone();
    let mut order = vec![0_u32; colour.len()];
    for (row, &c) in colour.iter().enumerate() {
        order[next[c as usize] as usize] = row as u32;
        next[c as usize] += 1;
    }
    Colours { order, starts }
}
