//! Breadth-first colouring: red and black where the graph allows it.

use std::collections::VecDeque;

use southwell::Real;
use southwell::linear::{Csr, Matrix};

/// Rows grouped by colour: the order, and where each colour begins.
pub(crate) struct Colours {
    pub(crate) order: Vec<u32>,
    pub(crate) starts: Vec<u32>,
}

/// Marks what has no colour yet.
const NONE: u32 = u32::MAX;

/// Colours the graph of A + Aᵀ in breadth-first order, each row the smallest colour free.
///
/// A bipartite graph gets its two colours: all coloured neighbours of a row lie in the levels before
/// and after its own, which have the other colour. (In natural order it may get more.) Any graph gets
/// at most its largest degree + 1.
/// Deterministic. Cost: each entry is looked at four times. Memory: a copy of the pattern.
pub(crate) fn breadth_first<T: Real>(matrix: &Csr<'_, T>) -> Colours {
    let n = matrix.order();
    let transposed = Transposed::new(matrix);
    let mut colour = vec![NONE; n];
    // The row that has last seen a colour among its neighbours.
    let mut seen_by = vec![NONE; n];
    let mut queued = vec![false; n];
    let mut queue = VecDeque::new();
    for root in 0..n {
        if queued[root] {
            continue;
        }
        queued[root] = true;
        queue.push_back(root);
        while let Some(row) = queue.pop_front() {
            for &neighbour in matrix.row(row).0.iter().chain(transposed.row(row)) {
                let neighbour = neighbour as usize;
                // The row itself has no colour yet and is queued, so a diagonal entry does nothing.
                if colour[neighbour] != NONE {
                    seen_by[colour[neighbour] as usize] = row as u32;
                }
                if !queued[neighbour] {
                    queued[neighbour] = true;
                    queue.push_back(neighbour);
                }
            }
            // n − 1 neighbours leave one of n colours free.
            let free = seen_by.iter().position(|&last| last != row as u32);
            colour[row] = free.unwrap_or(0) as u32;
        }
    }
    let (starts, order) = grouped(colour.iter().copied(), colour.iter().max().map_or(0, |&c| c as usize + 1));
    Colours { order, starts }
}

/// The rows that have an entry in each column: couplings that only the other row stores.
struct Transposed {
    starts: Vec<u32>,
    rows: Vec<u32>,
}

impl Transposed {
    fn new<T: Real>(matrix: &Csr<'_, T>) -> Self {
        let n = matrix.order();
        let entries = (0..n).flat_map(|row| matrix.row(row).0.iter().copied());
        let (starts, mut rows) = grouped(entries, n);
        // Positions of entries, in the order of the rows that hold them: turned into the rows.
        let mut row_of = Vec::with_capacity(rows.len());
        (0..n).for_each(|row| row_of.extend(matrix.row(row).0.iter().map(|_| row as u32)));
        rows.iter_mut().for_each(|position| *position = row_of[*position as usize]);
        Self { starts, rows }
    }

    fn row(&self, row: usize) -> &[u32] {
        &self.rows[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}

/// Positions sorted by key (a counting sort): where each of `keys` keys begins, and the positions.
fn grouped(items: impl Iterator<Item = u32> + Clone, keys: usize) -> (Vec<u32>, Vec<u32>) {
    let mut starts = vec![0_u32; keys + 1];
    let mut count = 0;
    for key in items.clone() {
        starts[key as usize + 1] += 1;
        count += 1;
    }
    for key in 0..keys {
        starts[key + 1] += starts[key];
    }
    let mut next = starts.clone();
    let mut positions = vec![0_u32; count];
    for (position, key) in items.enumerate() {
        positions[next[key as usize] as usize] = position as u32;
        next[key as usize] += 1;
    }
    (starts, positions)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Colours of the graph with these entries besides the diagonal.
    fn colours(n: u32, entries: &[(u32, u32)]) -> (usize, Vec<u32>) {
        let mut all: Vec<(u32, u32)> = (0..n).map(|i| (i, i)).chain(entries.iter().copied()).collect();
        all.sort_unstable();
        let (offsets, _) = grouped(all.iter().map(|&(row, _)| row), n as usize);
        let columns: Vec<u32> = all.iter().map(|&(_, column)| column).collect();
        let values = vec![1.0; columns.len()];
        let matrix = Csr::new(&offsets, &columns, &values).expect("a valid pattern");
        let found = breadth_first(&matrix);
        let mut colour = vec![NONE; n as usize];
        for (c, bounds) in found.starts.windows(2).enumerate() {
            for &row in &found.order[bounds[0] as usize..bounds[1] as usize] {
                assert_eq!(colour[row as usize], NONE, "row {row} occurs twice");
                colour[row as usize] = c as u32;
            }
        }
        assert_eq!(found.order.len(), n as usize);
        for &(i, j) in entries {
            assert!(i == j || colour[i as usize] != colour[j as usize], "rows {i} and {j}");
        }
        (found.starts.len() - 1, colour)
    }

    #[test]
    fn a_bipartite_graph_gets_two_colours_in_any_numbering() {
        // In natural order the path 0-2-3-1 gets three colours: 0 and 1 the first, 2 and 3 two more.
        assert_eq!(colours(4, &[(0, 2), (2, 3), (3, 1)]).0, 2);
        // Entries on one side only count for both.
        assert_eq!(colours(4, &[(2, 0), (2, 3), (1, 3)]).0, 2);
        assert_eq!(colours(4, &[(2, 0), (2, 3), (1, 3), (0, 1)]).0, 2);
    }

    #[test]
    fn odd_cycles_stars_cliques_and_nothing() {
        assert_eq!(colours(3, &[(0, 1), (1, 2), (2, 0)]).0, 3);
        let star: Vec<_> = (1..500).map(|i| (0, i)).collect();
        assert_eq!(colours(500, &star).0, 2);
        let clique: Vec<_> = (0..40).flat_map(|i| (0..i).map(move |j| (i, j))).collect();
        assert_eq!(colours(40, &clique).0, 40);
        assert_eq!(colours(3, &[]).0, 1);
        assert_eq!(colours(0, &[]).0, 0);
    }
}
