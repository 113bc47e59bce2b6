//! Whether a pattern can carry the sums that are asked for.
//!
//! For unit sums the question is a bipartite matching: [`structural_rank`] grows one along shortest augmenting
//! paths, all of one length at a time (Hopcroft & Karp 1973): O(√n) rounds of one pass over the entries each.
//!
//! For other sums it is a flow. Instead of one, a run that stands still is asked for a proof: the columns that stay
//! too heavy are those that too many rows depend on. Rows all of whose entries lie in columns that together
//! shall carry less than those rows are a proof that no scaling exists (Hall 1935, with weights), and are what
//! the iteration tends to.

use super::matrix::Rows;
use super::problem::Problem;
use crate::carve::carve;
use crate::transport::reading::Sum;
use crate::{Error, Real};

/// No partner; beyond every level.
const NONE: u32 = u32::MAX;

/// Thresholds that a proof is looked for with.
const THRESHOLDS: u32 = 8;

/// Indices that [`structural_rank`] needs for n rows and m columns: 4 n + m.
#[must_use]
pub const fn required_indices(rows: usize, columns: usize) -> usize {
    rows.saturating_mul(4).saturating_add(columns)
}

/// The most entries that are not 0 of which no two share a row or a column. A square matrix can be scaled to unit
/// sums if it is n.
///
/// Cost: at most O(√n) passes over the entries. `indices` may be dirty.
///
/// # Errors
/// [`Error::Workspace`] if `indices` is shorter than [`required_indices`]; [`Error::TooLarge`] for more rows or
/// columns than `u32` counts.
pub fn structural_rank<T: Real, A: Rows<T>>(matrix: &A, indices: &mut [u32]) -> Result<usize, Error> {
    let (n, m) = (matrix.rows(), matrix.columns());
    if u32::try_from(n.max(m)).is_err() {
        return Err(Error::TooLarge { argument: "matrix" });
    }
    let [row_mates, levels, cursors, queue, column_mates] = carve(indices, [n, n, n, n, m])?;
    let mut matching = Matching { row_mates, column_mates, levels, cursors, queue };
    Ok(matching.grow(matrix))
}

/// A matching in progress.
struct Matching<'w> {
    /// The column of every row, and the row of every column.
    row_mates: &'w mut [u32],
    column_mates: &'w mut [u32],
    /// How many rows an alternating path from a free row passes before it arrives at this one.
    levels: &'w mut [u32],
    /// Where the search goes on in the entries of a row.
    cursors: &'w mut [u32],
    /// Rows to be visited, by level; then the path of a search.
    queue: &'w mut [u32],
}

fn read(list: &[u32], index: usize) -> u32 {
    list.get(index).copied().unwrap_or(NONE)
}

fn write(list: &mut [u32], index: usize, value: usize) {
    if let Some(place) = list.get_mut(index) {
        *place = u32::try_from(value).unwrap_or(NONE);
    }
}

impl Matching<'_> {
    /// Grows the empty matching until no path is left; its size.
    fn grow<T: Real, A: Rows<T>>(&mut self, matrix: &A) -> usize {
        self.row_mates.fill(NONE);
        self.column_mates.fill(NONE);
        let mut size: usize = 0;
        // Every round but the last finds at least one path.
        for _ in 0..=matrix.rows() {
            self.layer(matrix);
            let mut found: usize = 0;
            for root in 0..matrix.rows() {
                if read(self.row_mates, root) == NONE && self.augment(matrix, root) {
                    found = found.saturating_add(1);
                }
            }
            if found == 0 {
                break;
            }
            size = size.saturating_add(found);
        }
        size
    }

    /// Levels of the rows, free ones first.
    fn layer<T: Real, A: Rows<T>>(&mut self, matrix: &A) {
        self.cursors.fill(0);
        let (mut begin, mut end) = (0, 0);
        for row in 0..matrix.rows() {
            let free = read(self.row_mates, row) == NONE;
            write(self.levels, row, if free { 0 } else { NONE as usize });
            if free {
                write(self.queue, end, row);
                end = end.saturating_add(1);
            }
        }
        // A row is queued once.
        while begin < end && begin < self.queue.len() {
            let row = read(self.queue, begin) as usize;
            begin = begin.saturating_add(1);
            let next = (read(self.levels, row) as usize).saturating_add(1);
            for (column, _) in matrix.row(row).entries().filter(|&(_, a)| a != T::ZERO) {
                let mate = read(self.column_mates, column) as usize;
                if self.levels.get(mate) == Some(&NONE) {
                    write(self.levels, mate, next);
                    write(self.queue, end, mate);
                    end = end.saturating_add(1);
                }
            }
        }
    }

    /// Looks for a path from a free row to a free column, each row one level up, and takes it.
    fn augment<T: Real, A: Rows<T>>(&mut self, matrix: &A, root: usize) -> bool {
        let mut depth: usize = 0;
        write(self.queue, 0, root);
        // Every turn takes an entry for good, or a row.
        loop {
            let row = read(self.queue, depth) as usize;
            let Some((column, value)) = matrix.row(row).get(read(self.cursors, row) as usize) else {
                write(self.levels, row, NONE as usize);
                let Some(above) = depth.checked_sub(1) else { return false };
                depth = above;
                continue;
            };
            if let Some(cursor) = self.cursors.get_mut(row) {
                *cursor = cursor.saturating_add(1);
            }
            if value == T::ZERO {
                continue;
            }
            let mate = read(self.column_mates, column);
            if mate == NONE {
                self.take(depth, column);
                return true;
            }
            let next = read(self.levels, row).saturating_add(1);
            if next != NONE && read(self.levels, mate as usize) == next {
                depth = depth.saturating_add(1);
                write(self.queue, depth, mate as usize);
            }
        }
    }

    /// Gives the last row of the path the free column, the one before it the column that this frees, and so on.
    fn take(&mut self, depth: usize, column: usize) {
        let mut free = column;
        for &row in self.queue.iter().take(depth.saturating_add(1)).rev() {
            let before = read(self.row_mates, row as usize) as usize;
            write(self.row_mates, row as usize, free);
            write(self.column_mates, free, row as usize);
            free = before;
        }
        // A row is on a path once a round.
        if let Some(row) = self.queue.first() {
            write(self.levels, *row as usize, NONE as usize);
        }
    }
}

/// Whether it is proven that no scaling has the sums; `load` as for [`overloaded`].
pub(super) fn lacking<T: Real, A: Rows<T>>(
    problem: &Problem<'_, T, A>,
    indices: &mut [u32],
    load: impl Fn(usize) -> T,
) -> bool {
    if problem.uniform {
        structural_rank(problem.matrix, indices).is_ok_and(|rank| rank < problem.rows())
    } else {
        overloaded(problem, load)
    }
}

/// Whether rows that depend on heavy columns prove that the sums cannot be reached. `load(j)` is what column j
/// sums to, rows exact (or nearly), relative to what it shall.
fn overloaded<T: Real, A: Rows<T>>(problem: &Problem<'_, T, A>, load: impl Fn(usize) -> T) -> bool {
    let columns = || (0..problem.columns()).filter(|&j| problem.column_sum(j) > T::ZERO);
    let heaviest = columns().fold(T::ONE, |most, j| most.max(load(j)));
    (1..=THRESHOLDS).any(|k| {
        let share = (T::from_u32(k) - T::HALF) / T::from_u32(THRESHOLDS);
        let threshold = T::ONE + share * (heaviest - T::ONE);
        let heavy = |j: usize| problem.column_sum(j) == T::ZERO || load(j) > threshold;
        let mut capacity = Sum::new();
        columns().filter(|&j| heavy(j)).for_each(|j| capacity.add(problem.column_sum(j)));
        let mut demand = Sum::new();
        for i in (0..problem.rows()).filter(|&i| problem.row_sum(i) > T::ZERO) {
            if problem.matrix.row(i).entries().all(|(j, a)| a == T::ZERO || heavy(j)) {
                demand.add(problem.row_sum(i));
            }
        }
        demand.value() > capacity.value() + T::TWO * problem.floor()
    })
}

#[cfg(test)]
mod tests {
    use super::{lacking, overloaded, required_indices, structural_rank};
    use crate::transport::balance::{Dense, Problem};

    /// Whether loads prove that sums r and c are out of reach for a matrix of this pattern.
    fn proven<const N: usize, const M: usize>(
        pattern: [[u8; M]; N],
        r: [f64; N],
        c: [f64; M],
        load: [f64; M],
    ) -> bool {
        let mut values = [0.0; 16];
        for (value, &entry) in values.iter_mut().zip(pattern.as_flattened()) {
            *value = f64::from(entry);
        }
        let matrix = Dense::new(&values[..N * M], N, M, M).expect("a matrix");
        let problem = Problem::new(&matrix, &r, &c).expect("a problem");
        let found = overloaded(&problem, |j| load[j]);
        let mut indices = [7; 32];
        let asked = lacking(&problem, &mut indices, |j| load[j]);
        // Sums that are all alike are left to the matching.
        let rank = structural_rank(&matrix, &mut indices);
        assert_eq!(asked, if problem.uniform { rank != Ok(N) } else { found });
        found
    }

    /// Rows 0 and 1 reach column 0 alone.
    const NARROW: [[u8; 3]; 3] = [[1, 0, 0], [1, 0, 0], [1, 1, 1]];

    #[test]
    fn rows_that_shall_carry_more_than_their_columns_are_a_proof() {
        let load = [2.0, 0.5, 0.5];
        assert!(proven(NARROW, [1.0, 0.5, 1.5], [1.0, 1.0, 1.0], load));
        assert!(!proven(NARROW, [0.5, 0.5, 2.0], [1.0, 1.0, 1.0], load), "as much is none");
        assert!(!proven(NARROW, [0.5, 0.25, 2.25], [1.0, 1.0, 1.0], load), "less is none");
        // A little more is rounding: twice 8 roundings of six lines and a mass of 3.
        let level = 16.0 * 6.0 * 3.0 * f64::EPSILON;
        assert!(!proven(NARROW, [0.5 + 0.9 * level, 0.5, 2.0 - 0.9 * level], [1.0, 1.0, 1.0], load));
        assert!(proven(NARROW, [0.5 + 1.2 * level, 0.5, 2.0 - 1.2 * level], [1.0, 1.0, 1.0], load));
        // No column is too heavy.
        assert!(!proven(NARROW, [1.0, 0.5, 1.5], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]));
        assert!(!proven(NARROW, [1.0, 0.5, 1.5], [1.0, 1.0, 1.0], [0.5, 0.25, 0.5]));
    }

    /// A column that shall carry nothing is no way out, and a row that shall carry nothing is no burden.
    #[test]
    fn lines_that_carry_nothing_do_not_count() {
        let way_out = [[1, 0, 1], [1, 0, 1], [1, 1, 1]];
        assert!(proven(way_out, [1.0, 0.5, 0.5], [1.0, 1.0, 0.0], [2.0, 0.5, 0.0]));
        assert!(!proven(way_out, [0.5, 0.5, 1.0], [1.0, 1.0, 0.0], [2.0, 0.5, 0.0]));
        assert!(!proven(NARROW, [1.0, 0.0, 2.0], [1.0, 1.0, 1.0], [2.0, 0.5, 0.5]));
        // Of a column without mass the load is not asked: it may be anything.
        assert!(proven(way_out, [1.0, 0.5, 0.5], [1.0, 1.0, 0.0], [2.0, 0.5, f64::NAN]));
    }

    /// Column 0 alone is the proof; eight thresholds, at the middles of eighths between 1 and the heaviest load, have to
    /// tell it from column 1.
    #[test]
    fn thresholds_lie_between_one_and_the_heaviest() {
        let told_apart = |other: f64| proven(NARROW, [1.0, 0.5, 1.5], [1.0, 1.0, 1.0], [9.0, other, 0.5]);
        assert!(told_apart(8.5) && !told_apart(8.51));
        // Two columns together, of loads above 1.5, the lowest threshold.
        let pair = [[1, 1, 0], [1, 1, 0], [1, 1, 1]];
        let both = |other: f64| proven(pair, [1.5, 1.0, 0.5], [1.0, 1.0, 1.0], [9.0, other, 0.5]);
        assert!(both(1.51) && !both(1.5));
    }

    #[test]
    fn a_rank_needs_indices_for_four_lists_of_rows_and_one_of_columns() {
        assert_eq!(required_indices(5, 7), 27);
        let matrix = Dense::new(&[0.0, 1.0, 0.0, 1.0, 0.0, 2.0], 3, 2, 2).expect("a matrix");
        let mut indices = [3; 14];
        assert_eq!(structural_rank(&matrix, &mut indices), Ok(1));
        assert!(structural_rank(&matrix, &mut indices[1..]).is_err());
    }
}
