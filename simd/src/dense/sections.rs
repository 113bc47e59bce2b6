//! A row update and a column sum in one reading, in sections of rows that can be read side by side.
//!
//! Down the columns each section is added up by itself, from zero; sections are added to one another in order. What
//! comes out depends on how many rows there are, not on who reads which section.

use super::Matrix;
use super::fused::update_some_rows;
use crate::Real;

/// Sections are not shorter than this: the sums of one cost as much as half a row.
const SHORTEST: usize = 64;
/// At most 2⁴ sections, whose sums a core keeps in its second cache up to 4,000 columns.
const MOST: u32 = 4;

/// Rows of a section of a matrix of so many rows, the last of which may be shorter: all rows if they are fewer than 128,
/// else a half of them, a quarter, down to a sixteenth, at least 64, and filled up to a multiple of 8.
#[must_use]
pub const fn section(rows: usize) -> usize {
    let halvings = match (rows / SHORTEST).checked_ilog2() {
        None | Some(0) => return if rows == 0 { 1 } else { rows },
        Some(halvings) if halvings < MOST => halvings,
        Some(_) => MOST,
    };
    let rows = ((rows - 1) >> halvings) + 1;
    (rows + 7) & !7
}

/// A section, from row `first` on, as many rows as `u` has elements: for every row in order s ← a_i·v,
/// (u_i, e_i) ← `update(i, s)`, t ← t + u_i·a_i, t from the caller. What is returned is Σ e_i, added up in order as well.
///
/// The bits are those of [`update_rows`](super::update_rows) of these rows alone; they are read as suits the whole matrix.
/// *Cost*: the rows once, 4 operations an entry.
pub fn update_section<T: Real>(
    a: Matrix<'_, T>,
    first: usize,
    v: &[T],
    mut update: impl FnMut(usize, T) -> (T, T),
    u: &mut [T],
    t: &mut [T],
) -> T {
    let (rows, mut sum) = (first..first.saturating_add(u.len()), T::ZERO);
    let mut u = u.iter_mut();
    update_some_rows(a, rows, v, t, |row, product| {
        let (weight, term) = update(row, product);
        if let Some(u) = u.next() {
            *u = weight;
        }
        sum += term;
        weight
    });
    sum
}
