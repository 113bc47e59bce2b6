//! The recurrence of a lexicographic pass over couplings by cell.
//!
//! ```text
//! f = ω·(1/c),   x_j ← ([keep·x_j +] f·t_j) − (f·along_j)·x_before
//! ```
//! t is what a vector pass could gather, the row behind included. A cell waits for the one before it, as long as a
//! multiplication and a subtraction take; so rows go together, each a window behind the one before (a wavefront), and their
//! cells wait side by side.

use pulp::Simd;

use super::star::WINDOW;
use super::{Coefficients, Grid, piece};
use crate::Real;
use crate::paths::{ByCell, by_cell_together};
use crate::prefetch::ask;

/// Rows of a wavefront.
pub(crate) const ROWS: usize = 4;

/// What a pass gathers before the recurrence runs.
pub(super) trait Fill<T: Real> {
    /// Whether so much is read and written beside x that a memory keeps up with one row alone.
    const MUCH: bool;

    /// q on physical columns `first..first + q.len()` of physical row `row`; x holds finished values behind and old values
    /// ahead. Called once for every cell.
    fn fill<S: Simd>(&mut self, simd: S, x: &[T], row: usize, first: usize, q: &mut [T]);

    /// Asks for what `fill` reads and writes at cells `from..from + len`, besides x.
    fn ask(&self, from: usize, len: usize);
}

/// Runs the recurrence over the whole grid, from the first cell or (`reversed`) from the last.
/// Without `keep`, x is only written.
#[inline(always)]
pub(super) fn march_cells<T: Real, S: Simd, F: Fill<T>>(
    simd: S,
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    keep: Option<T>,
    source: &mut F,
    x: &mut [T],
) {
    let Coefficients::PerCell(star) = grid.coefficients else { return };
    let factors = Factors { omega, inverse, along: if reversed { star.east } else { star.west }, keep };
    let (rows, columns) = (grid.planes * grid.rows, grid.columns);
    match by_cell_together(columns, x, F::MUCH) {
        None => row_by_row(simd, (rows, columns, reversed), &factors, source, x),
        Some(by) => {
            let order = Going { rows, columns, reversed, windows: columns.div_ceil(by.width.max(1)), by };
            wavefront(simd, &order, &factors, source, x);
        }
    }
}

/// One row after the other.
#[inline(always)]
fn row_by_row<T: Real, S: Simd>(
    simd: S,
    (rows, columns, reversed): (usize, usize, bool),
    factors: &Factors<'_, T>,
    source: &mut impl Fill<T>,
    x: &mut [T],
) {
    let (mut q, mut weights) = ([T::ZERO; WINDOW], [T::ZERO; WINDOW]);
    for i in 0..rows {
        let row = if reversed { rows.saturating_sub(i + 1) } else { i };
        let (mut before, mut from) = (T::ZERO, 0);
        while from < columns {
            let n = (columns - from).min(WINDOW);
            let first = if reversed { columns - from - n } else { from };
            let start = row * columns + first;
            let q = &mut q[..n];
            source.fill(simd, x, row, first, q);
            let Some(x) = x.get_mut(start..start + n) else { return };
            factors.recur(reversed, start, q, &mut weights, x, &mut before);
            from += n;
        }
    }
}

/// [`ROWS`] rows together, each a window behind the one before.
#[inline(always)]
fn wavefront<T: Real, S: Simd>(
    simd: S,
    order: &Going,
    factors: &Factors<'_, T>,
    source: &mut impl Fill<T>,
    x: &mut [T],
) {
    let (mut q, mut weights) = ([[T::ZERO; WINDOW]; ROWS], [[T::ZERO; WINDOW]; ROWS]);
    let mut at = Place::firsts();
    let mut before = [T::ZERO; ROWS];
    for turn in 0..order.turns() {
        let begun = ROWS.min(turn + 1);
        let rows = at.iter().zip(&mut q).zip(&mut weights).zip(&mut before);
        for (((&at, q), weights), before) in rows.take(begun) {
            let Some(Cells { row, first, start, count }) = order.cells(at) else { continue };
            if at.window == 0 {
                *before = T::ZERO;
            }
            let (q, weights) = (order.part_of(q, count), order.part_of(weights, count));
            source.fill(simd, x, row, first, q);
            factors.prepare(start, piece(x, start, count), q, weights);
            if order.by.asks
                && let Some(Cells { start, count, .. }) = order.cells(order.later(at))
            {
                source.ask(start, count);
                for x in [factors.inverse, factors.along, x] {
                    ask(x, start, count);
                }
            }
        }
        side_by_side(order, &mut q, &weights, &mut before);
        for (at, q) in at.iter_mut().zip(&mut q).take(begun) {
            if let Some(Cells { start, count, .. }) = order.cells(*at)
                && let Some(x) = x.get_mut(start..start + count)
            {
                x.copy_from_slice(order.part_of(q, count));
            }
            *at = order.later(*at);
        }
    }
}

/// Where a row is: both are counted in the direction of travel.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) row: usize,
    pub(super) window: usize,
}

impl Place {
    /// Where rows begin that go together.
    #[inline(always)]
    pub(super) fn firsts() -> [Self; ROWS] {
        core::array::from_fn(|row| Place { row, window: 0 })
    }
}

/// A window of a row, as it lies in memory.
pub(super) struct Cells {
    row: usize,
    pub(super) first: usize,
    /// Of the grid's cells.
    start: usize,
    pub(super) count: usize,
}

/// How the rows go.
pub(super) struct Going {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) reversed: bool,
    pub(super) by: ByCell,
    /// Of a row; the last may be shorter.
    pub(super) windows: usize,
}

impl Going {
    /// The windows that the first of the rows goes through, and what the last one is behind.
    #[inline(always)]
    pub(super) fn turns(&self) -> usize {
        self.rows.div_ceil(ROWS) * self.windows + (ROWS - 1)
    }

    /// None where there is no such row or window.
    #[inline(always)]
    pub(super) fn cells(&self, at: Place) -> Option<Cells> {
        let done = at.window * self.by.width;
        if at.row >= self.rows || done >= self.columns {
            return None;
        }
        let count = self.by.width.min(self.columns - done);
        let (row, first) = if self.reversed {
            (self.rows - 1 - at.row, self.columns - done - count)
        } else {
            (at.row, done)
        };
        Some(Cells { row, first, start: row * self.columns + first, count })
    }

    /// A window later: in the same row, or in the next one that none has begun.
    #[inline(always)]
    pub(super) fn later(&self, at: Place) -> Place {
        let window = at.window + 1;
        if window < self.windows { Place { window, ..at } } else { Place { row: at.row + ROWS, window: 0 } }
    }

    /// The part of a window that so many cells take: they end where it does if the last comes first.
    #[inline(always)]
    pub(super) fn part_of<'a, T>(&self, window: &'a mut [T; WINDOW], count: usize) -> &'a mut [T] {
        let from = if self.reversed { self.by.width.saturating_sub(count) } else { 0 };
        window.get_mut(from..from + count).unwrap_or_default()
    }
}

/// The factors of the recurrence, as they lie in memory.
pub(super) struct Factors<'a, T> {
    pub(super) omega: T,
    pub(super) inverse: &'a [T],
    /// Couplings to the cell before.
    pub(super) along: &'a [T],
    /// The part of x that is kept, if x is read at all.
    pub(super) keep: Option<T>,
}

impl<T: Real> Factors<'_, T> {
    /// q ← [keep·x +] f·q and the weights f·along of what comes before, for the cells of q, of which the first is number `start`.
    #[inline(always)]
    pub(super) fn prepare(&self, start: usize, x: &[T], q: &mut [T], weights: &mut [T]) {
        let (inverse, along) = (piece(self.inverse, start, q.len()), piece(self.along, start, q.len()));
        let factors = inverse.iter().zip(along);
        for (((q, g), (&inverse, &c)), &x) in q.iter_mut().zip(weights).zip(factors).zip(x) {
            let f = self.omega * inverse;
            *g = f * c;
            *q = f * *q;
            if let Some(keep) = self.keep {
                *q = keep * x + *q;
            }
        }
    }

    /// The recurrence over at most a window of cells of one row, of which the first is number `start`, from what was gathered of
    /// them (`q`) and the cell `before` them, which is then the last of these.
    #[inline(always)]
    pub(super) fn recur(
        &self,
        reversed: bool,
        start: usize,
        q: &mut [T],
        weights: &mut [T; WINDOW],
        x: &mut [T],
        before: &mut T,
    ) {
        let weights = weights.get_mut(..q.len()).unwrap_or(&mut []);
        self.prepare(start, x, q, weights);
        let mut step = |x: &mut T, q: T, g: T| {
            *before = q - g * *before;
            *x = *before;
        };
        let cells = x.iter_mut().zip(&*q).zip(&*weights);
        if reversed {
            cells.rev().for_each(|((x, &q), &g)| step(x, q, g));
        } else {
            cells.for_each(|((x, &q), &g)| step(x, q, g));
        }
    }
}

/// The recurrence along a window of every row. What a row does not fill of it comes after its cells, or before its first.
#[inline(always)]
pub(super) fn side_by_side<T: Real>(
    order: &Going,
    q: &mut [[T; WINDOW]; ROWS],
    weights: &[[T; WINDOW]; ROWS],
    before: &mut [T; ROWS],
) {
    let width = order.by.width.min(WINDOW);
    let mut last = *before;
    let mut step = |j: usize| {
        for ((q, g), last) in q.iter_mut().zip(weights).zip(&mut last) {
            *last = q[j] - g[j] * *last;
            q[j] = *last;
        }
    };
    if order.reversed {
        (0..width).rev().for_each(&mut step)
    } else {
        (0..width).for_each(&mut step)
    }
    *before = last;
}
