//! The recurrence of a lexicographic pass over constant couplings.
//!
//! ```text
//! x_j ← (q_j − across·x_behind) − along·x_before
//! ```
//! q is what a vector pass could gather; `behind` is the cell of the row that was finished (or is a
//! cell ahead), `before` the neighbour in the row. Columns and rows are counted in the direction of
//! travel. A row is worked on window by window; along it the recurrence is
//! [doubled](super::doubling). Several passes go over the grid together, each a row behind the one before
//! (temporal blocking), while the rows between them stay in cache.

use pulp::Simd;

use super::Coupling;
use super::doubling::Doubling;
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

/// Columns that are prepared at once; whole blocks of the doubling.
pub(super) const WINDOW: usize = 64;
/// Windows between the one that is worked on and the one that is asked for.
const AHEAD: usize = 4;
/// Bytes of the rows of two vectors that passes together may keep in cache.
const NEAR: usize = 1 << 19;
/// Passes that go together, at most.
const TOGETHER: usize = 8;

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
    fn lag(&self) -> usize {
        if self.planes > 1 { self.rows } else { 1 }
    }

    /// Passes whose rows stay in cache together.
    #[inline(always)]
    fn together(&self) -> usize {
        let row = self.columns.saturating_mul(2 * size_of::<T>()).max(1);
        let kept = NEAR.checked_div(row.saturating_mul(self.lag())).unwrap_or(1);
        kept.saturating_sub(1).clamp(1, TOGETHER)
    }
}

/// A window that begins on a line of the cache: registers that lie across two take twice the time.
#[cfg_attr(not(target_os = "none"), repr(align(64)))]
struct Window<T>([T; WINDOW]);

/// Runs the recurrence `count` times over the whole grid, from the first cell or (`REVERSED`) from the last.
#[inline(always)]
pub(super) fn march<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
    count: usize,
) {
    let rows = path.planes * path.rows;
    let doubling = Doubling::<T, S, REVERSED>::new(simd, path.along);
    let lag = path.lag();
    let far = is_far(x);
    let mut left = count;
    while left > 0 {
        let together = left.min(path.together());
        for i in 0..rows + lag * (together - 1) {
            for pass in 0..together {
                // The passes that have not begun come last.
                let Some(step) = i.checked_sub(pass * lag) else { break };
                if step < rows {
                    let row = if REVERSED { rows - 1 - step } else { step };
                    line::<T, S, REVERSED>(simd, path, &doubling, source, x, row, far && pass == 0);
                }
            }
        }
        left -= together;
    }
}

/// One row.
#[inline(always)]
fn line<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    doubling: &Doubling<T, S, REVERSED>,
    source: &impl Source<T>,
    x: &mut [T],
    row: usize,
    far: bool,
) {
    let columns = path.columns;
    // A division costs as much as several cells.
    let i = if path.planes == 1 { row } else { row % path.rows.max(1) };
    let behind = if REVERSED { (i + 1 < path.rows).then_some(row + 1) } else { (i > 0).then(|| row - 1) };
    let mut window = Window([T::ZERO; WINDOW]);
    let window = &mut window.0;
    let mut before = T::ZERO;
    let mut done = 0;
    while done < columns {
        let len = (columns - done).min(WINDOW);
        // Blocks are counted from where the row begins in the direction of travel.
        let (first, place) = if REVERSED { (columns - done - len, WINDOW - len) } else { (done, 0) };
        let start = row * columns + first;
        if far {
            let ahead = AHEAD * WINDOW;
            source.ask(x, if REVERSED { start.saturating_sub(ahead) } else { start + ahead }, len);
        }
        let Some(q) = window.get_mut(place..place + len) else { return };
        source.fill(simd, x, row, first, q);
        let behind =
            behind.and_then(|behind| x.get(behind * columns + first..behind * columns + first + len));
        let whole = behind.and_then(|behind| behind.first_chunk::<WINDOW>());
        if let (Some(behind), None) = (behind, whole) {
            sub_scaled(simd, Coupling::Uniform(path.across), behind, q);
        }
        doubling.double(simd, window, whole.map(|behind| (path.across, behind)));
        let Some(x) = x.get_mut(start..start + len) else { return };
        if let Some(x) = x.first_chunk_mut::<WINDOW>() {
            doubling.carry(simd, window, &mut before, x);
        } else {
            let y = *window;
            doubling.carry(simd, &y, &mut before, window);
            copy(window.get(place..place + len).unwrap_or(&[]), x);
        }
        done += len;
    }
}
