//! The recurrence of a lexicographic pass over constant couplings.
//!
//! ```text
//! t = ((b − c₁·x₁) − c₂·x₂) − …,   q = f·t   or   q = keep·x + f·t
//! x_j ← (q_j − across·x_behind) − along·x_before
//! ```
//! t is what is known of a cell before its row runs; `behind` is the cell of the row that was finished (or is
//! a cell ahead), `before` the neighbour in the row. Columns and rows are counted in the direction of travel.
//! A row is worked on in groups of registers, from which a cell is read and written once; along it the
//! recurrence is [doubled](super::doubling). Several passes go over the grid together, each a row behind the
//! one before (temporal blocking), while the rows between them stay in cache.

use pulp::Simd;

use super::ahead::Asked;
use super::doubling::BLOCK;
use super::groups::Line;
use crate::Real;
use crate::paths::{is_far, together};
use crate::vectors::lanes;

/// c·x of a row as it is, `of` another vector than the one that is relaxed if there is one. Where there is no
/// row there is nothing to subtract.
#[derive(Clone, Copy)]
pub(super) struct Term<'a, T> {
    pub(super) c: T,
    pub(super) of: Option<&'a [T]>,
    pub(super) row: Option<usize>,
}

/// What is known of a cell before its row runs: `K` terms in the order in which they are subtracted.
pub(super) trait Source<T: Real, const K: usize> {
    /// b of all cells.
    fn known(&self) -> &[T];

    /// The terms of a row.
    fn terms(&self, row: usize) -> [Term<'_, T>; K];

    /// Whether x is read where it is written: then the term of the cell ahead in the row comes last.
    const KEEPS: bool;

    /// The factor of t, the coupling to the cell ahead in the row, and the part of x that is kept.
    fn factors(&self) -> [T; 3];

    /// Asks for what is read of cells `from..from + len` besides x.
    fn ask(&self, from: usize, len: usize);
}

/// Shape of the grid and factors of the recurrence.
#[derive(Clone, Copy)]
pub(super) struct Path<T> {
    pub(super) planes: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) across: T,
    pub(super) along: T,
}

impl<T: Real> Path<T> {
    /// Rows that a pass stays behind the one before: in three dimensions it needs the plane ahead.
    #[inline(always)]
    pub(super) fn lag(&self) -> usize {
        if self.planes > 1 { self.rows } else { 1 }
    }

    /// The row that is finished when a row runs.
    #[inline(always)]
    pub(super) fn behind<const REVERSED: bool>(&self, row: usize) -> Option<usize> {
        // A division costs as much as several cells.
        let i = if self.planes == 1 { row } else { row % self.rows.max(1) };
        if REVERSED { (i + 1 < self.rows).then_some(row + 1) } else { (i > 0).then(|| row - 1) }
    }
}

/// Calls a function with what suits the registers.
macro_rules! by_registers {
    ($t:ident, $s:ident, $call:ident::<$r:ident, $k:ident, $reversed:ident>($($argument:expr),*)) => {
        // Registers of a group, groups of a window, cells of a window: half of the registers hold a window.
        match (lanes::<$t, $s>(), $s::REGISTER_COUNT > 16) {
            (16, _) => $call::<$t, $s, $r, 1, 4, 64, $k, $reversed>($($argument),*),
            (8, true) => $call::<$t, $s, $r, 1, 8, 64, $k, $reversed>($($argument),*),
            (8, false) => $call::<$t, $s, $r, 1, 4, 32, $k, $reversed>($($argument),*),
            (4, true) => $call::<$t, $s, $r, 2, 4, 32, $k, $reversed>($($argument),*),
            (4, false) => $call::<$t, $s, $r, 2, 2, 16, $k, $reversed>($($argument),*),
            (2, _) => $call::<$t, $s, $r, 4, 1, 8, $k, $reversed>($($argument),*),
            _ => $call::<$t, $s, $r, BLOCK, 1, 8, $k, $reversed>($($argument),*),
        }
    };
}
pub(super) use by_registers;

/// Runs the recurrence `count` times over the whole grid, from the first cell or (`REVERSED`) from the last.
#[inline(always)]
pub(super) fn march<T: Real, S: Simd, R: Source<T, K>, const K: usize, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &R,
    x: &mut [T],
    count: usize,
) {
    by_registers!(T, S, passes::<R, K, REVERSED>(simd, path, source, x, count));
}

#[inline(always)]
fn passes<
    T: Real,
    S: Simd,
    R: Source<T, K>,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
>(
    simd: S,
    path: Path<T>,
    source: &R,
    x: &mut [T],
    count: usize,
) {
    let rows = path.planes * path.rows;
    let line = Line::<T, S, R, N, U, W, K, REVERSED>::new(simd, path, source);
    let lag = path.lag();
    let far = is_far(x);
    let mut left = count;
    while left > 0 {
        let together = left.min(together::<T>(path.columns, lag)).max(1);
        for i in 0..rows + lag * (together - 1) {
            for pass in 0..together {
                // The passes that have not begun come last.
                let Some(step) = i.checked_sub(pass * lag) else { break };
                if step < rows {
                    let row = if REVERSED { rows - 1 - step } else { step };
                    line.run(simd, x, row, Asked::new(far, &path, together, pass));
                }
            }
        }
        left -= together;
    }
}
