//! The recurrence of a lexicographic pass over constant couplings.
//!
//! ```text
//! x_j ← (q_j − across·x_behind) − along·x_before
//! ```
//! q is what a vector pass could gather; `behind` is the cell of the row that was finished (or is a
//! cell ahead), `before` the neighbour in the row. Columns and rows are counted in the direction of
//! travel. Up to eight rows run together, each a cell behind the one before it: their chains do not
//! wait for one another, and the result has the bits of one row after the other.
//!
//! The rows are worked on window by window, in a buffer where row k stands k places to the right:
//! ```text
//! place    0  1  2  3  4 …
//! row 0    0  1  2  3  4 …      columns in the buffer; place by place, all rows take their step
//! row 1    ·  0  1  2  3 …
//! row 2    ·  ·  0  1  2 …      ·: no column; holds zeros, from which zeros follow
//! ```

use core::ops::Range;

use pulp::Simd;

use super::Coupling;
use super::sor::copy;
use super::star::sub_scaled;
use crate::Real;
use crate::prefetch::is_far;

/// What a pass gathers before the recurrence runs.
pub(super) trait Source<T: Real> {
    /// q on physical columns `first..first + q.len()` of physical row `row`; x holds finished
    /// values behind and old values ahead.
    fn fill<S: Simd>(&self, simd: S, x: &[T], row: usize, first: usize, q: &mut [T]);

    /// Asks for what `fill` will read of cells `from..from + len`, and for x there.
    fn ask(&self, x: &[T], from: usize, len: usize);
}

/// Columns that are prepared at once.
pub(super) const WINDOW: usize = 64;
/// Rows side by side, at most. A core without an operating system finishes one operation before it
/// begins the next, so that rows side by side would cost it stack and flash for nothing.
const ROWS: usize = if cfg!(target_os = "none") { 1 } else { 8 };

/// Shape of the grid and factors of the recurrence.
#[derive(Clone, Copy)]
pub(super) struct Path<T> {
    pub(super) planes: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) across: T,
    pub(super) along: T,
}

/// Runs the recurrence over the whole grid, from the first cell or (`REVERSED`) from the last.
#[inline(always)]
pub(super) fn march<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
) {
    let mut windows = [[T::ZERO; WINDOW]; ROWS];
    let turn = turn::<REVERSED>;
    for plane in 0..path.planes {
        let first_row = turn(plane, path.planes) * path.rows;
        let mut i = 0;
        while i < path.rows {
            let row = first_row + turn(i, path.rows);
            let left = path.rows - i;
            let together = [ROWS, 4, 2].into_iter().find(|&n| n <= ROWS.min(left)).unwrap_or(1);
            let Some(windows) = windows.get_mut(..together) else { return };
            side_by_side::<T, S, REVERSED>(simd, path, source, x, row, i > 0, windows);
            i += together;
        }
    }
}

/// The i-th of n from the end where the travel begins.
#[inline(always)]
pub(super) fn turn<const REVERSED: bool>(i: usize, n: usize) -> usize {
    if REVERSED { n.saturating_sub(i + 1) } else { i }
}

/// `windows.len()` rows from `row` on; there is a finished one behind them if `follows`.
#[inline(always)]
fn side_by_side<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
    row: usize,
    follows: bool,
    windows: &mut [[T; WINDOW]],
) {
    let columns = path.columns;
    let far = is_far(x);
    let places = columns + windows.len().saturating_sub(1);
    let mut before = [T::ZERO; ROWS];
    let mut base = 0;
    while base < places {
        for (k, window) in windows.iter_mut().enumerate() {
            let Part { row, column, place, len } = Part::of::<REVERSED>(row, columns, base, k);
            // Only the first window of a row has places without a column before it.
            if base == 0 {
                let empty = if REVERSED { WINDOW.saturating_sub(k)..WINDOW } else { 0..k };
                window.get_mut(empty).unwrap_or(&mut []).fill(T::ZERO);
            }
            let q = window.get_mut(place..place + len).unwrap_or(&mut []);
            source.fill(simd, x, row, column, q);
            if k == 0 && follows {
                let behind = (if REVERSED { row + 1 } else { row.saturating_sub(1) }) * columns + column;
                let behind = x.get(behind..behind + len).unwrap_or(&[]);
                sub_scaled(simd, Coupling::Uniform(path.across), behind, q);
            }
        }
        // While the recurrence runs, memory brings what the next window of every row needs.
        let next = |k: usize| Part::of::<REVERSED>(row, columns, base + WINDOW, k);
        let mut steps = 0;
        for k in 0..ROWS {
            let Part { row, column, len, .. } = next(k);
            if far && k < windows.len() {
                source.ask(x, row * columns + column, len);
            }
            let to = (steps + WINDOW / ROWS).min(places - base);
            advance::<T, REVERSED>(path, windows, steps..to, &mut before);
            steps = to;
        }
        for (k, window) in windows.iter().enumerate() {
            let Part { row, column, place, len } = Part::of::<REVERSED>(row, columns, base, k);
            let start = row * columns + column;
            let x = x.get_mut(start..start + len).unwrap_or(&mut []);
            match <&mut [T; WINDOW]>::try_from(&mut *x) {
                Ok(x) => *x = *window,
                Err(_) => copy(window.get(place..place + len).unwrap_or(&[]), x),
            }
        }
        base += WINDOW;
    }
}

/// The columns of a row that a window holds.
struct Part {
    /// Physical row, and its first physical column in the window.
    row: usize,
    column: usize,
    /// The place of that column.
    place: usize,
    len: usize,
}

impl Part {
    /// Of the k-th row from `row` on, in the window of the places from `base` on.
    #[inline(always)]
    fn of<const REVERSED: bool>(row: usize, columns: usize, base: usize, k: usize) -> Self {
        // In the direction of travel.
        let from = base.saturating_sub(k).min(columns);
        let to = (base + WINDOW).saturating_sub(k).min(columns).max(from);
        let place = (from + k).saturating_sub(base).min(WINDOW);
        let len = (to - from).min(WINDOW - place);
        if REVERSED {
            let (row, column) = (row.saturating_sub(k), columns.saturating_sub(from + len));
            Self { row, column, place: WINDOW - place - len, len }
        } else {
            Self { row: row + k, column: from, place, len }
        }
    }
}

/// Places `steps` of the windows, all rows together.
#[inline(always)]
fn advance<T: Real, const REVERSED: bool>(
    path: Path<T>,
    windows: &mut [[T; WINDOW]],
    steps: Range<usize>,
    before: &mut [T; ROWS],
) {
    if let Ok(windows) = <&mut [[T; WINDOW]; ROWS]>::try_from(&mut *windows) {
        chains::<T, REVERSED, ROWS>(path, windows, steps, before);
    } else if ROWS == 1 {
    } else if let Ok(windows) = <&mut [[T; WINDOW]; 4]>::try_from(&mut *windows) {
        chains::<T, REVERSED, 4>(path, windows, steps, before);
    } else if let Ok(windows) = <&mut [[T; WINDOW]; 2]>::try_from(&mut *windows) {
        chains::<T, REVERSED, 2>(path, windows, steps, before);
    } else if let Ok(windows) = <&mut [[T; WINDOW]; 1]>::try_from(&mut *windows) {
        chains::<T, REVERSED, 1>(path, windows, steps, before);
    }
}

/// The recurrence of N rows; `before` holds the last values of the window before.
#[inline(always)]
fn chains<T: Real, const REVERSED: bool, const N: usize>(
    path: Path<T>,
    windows: &mut [[T; WINDOW]; N],
    steps: Range<usize>,
    before: &mut [T; ROWS],
) {
    let (across, along) = (path.across, path.along);
    let mut x = [T::ZERO; N];
    copy(before.as_slice(), &mut x);
    for step in steps.start..steps.end.min(WINDOW) {
        let place = if REVERSED { WINDOW - 1 - step } else { step };
        // From the last row: x[k − 1] is still the value of the step before, which is the cell behind.
        for k in (1..N).rev() {
            x[k] = (windows[k][place] - across * x[k - 1]) - along * x[k];
            windows[k][place] = x[k];
        }
        x[0] = windows[0][place] - along * x[0];
        windows[0][place] = x[0];
    }
    copy(&x, before.as_mut_slice());
}
