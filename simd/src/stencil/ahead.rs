//! What of a grid is asked for before it is reached. Hints alone, which change no value: mutants of this file are not
//! counted (`mutants/README.md`).

use pulp::Simd;

use super::groups::{Line, Rows};
use super::march::{Path, Source};
use crate::Real;
use crate::paths::is_from_memory;
use crate::prefetch::{ask, ask_pages};

/// Bytes of rows to which hints pay: shorter ones end before what they asked for has come, longer ones ask for more than
/// may be under way.
const ROW: core::ops::RangeInclusive<usize> = 1 << 10..=1 << 17;

/// Cells of a row whose successors are asked for; 0 if none are.
#[derive(Clone, Copy)]
pub(super) struct Ahead(usize);

impl Ahead {
    #[inline(always)]
    pub(super) fn new<T>(columns: usize, x: &[T]) -> Self {
        let far = is_from_memory(x) && ROW.contains(&columns.saturating_mul(size_of::<T>()));
        Self(if far { columns } else { 0 })
    }

    /// Asks for what a row needs that comes soon: x two rows further, for the next one reads the one after it, and the
    /// right-hand side one row further.
    #[inline(always)]
    pub(super) fn ask<T>(self, row: usize, x: &[T], rhs: &[T]) {
        if self.0 > 0 {
            let of = |x: &[T], row: usize| ask_pages(x.get(row * self.0..(row + 1) * self.0).unwrap_or(&[]));
            of(x, row + 2);
            of(rhs, row + 1);
        }
    }
}

/// Cells that a lexicographic pass asks for at once.
const WINDOW: usize = 64;
/// Windows between the one that it works on and the one that it asks for.
const AHEAD: usize = 4;

/// Which windows are asked for while a row runs.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    /// Cells that they are ahead in the direction of travel.
    ahead: usize,
    /// Every how manyth window, and which of them.
    every: usize,
    at: usize,
}

impl Asked {
    /// By one of the passes that go `together`; none if the grid is not `far` from the processor.
    #[inline(always)]
    pub(super) fn new<T: Real>(far: bool, path: &Path<T>, together: usize, pass: usize) -> Option<Self> {
        match together {
            _ if !far => None,
            1 => Some(Self { ahead: AHEAD * WINDOW, every: 1, at: 0 }),
            // The first pass finds its next row in cache: all passes ask for a part of it.
            _ => Some(Self { ahead: (pass * path.lag() + 1) * path.columns, every: together, at: pass }),
        }
    }
}

impl<
    T: Real,
    S: Simd,
    R: Source<T, K>,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
> Line<'_, T, S, R, N, U, W, K, REVERSED>
{
    /// Asks for a window after `step` windows of `cells` cells, if it is the turn of one.
    #[inline(always)]
    pub(super) fn ask(&self, rows: &Rows<'_, T>, step: usize, cells: usize) {
        let Some(asked) = rows.asked else { return };
        let done = step * cells;
        if !done.is_multiple_of(WINDOW) || (done / WINDOW) % asked.every.max(1) != asked.at {
            return;
        }
        let (columns, start, ahead) = (self.path.columns, rows.start, asked.ahead);
        // Where x is kept, the row was the row ahead of the one before it.
        let further = if R::KEEPS { ahead + columns } else { ahead };
        if REVERSED {
            let end = start + columns - done;
            let at = |ahead: usize| end.saturating_sub(ahead + WINDOW);
            self.source.ask(at(ahead), WINDOW);
            let at = at(further);
            if at < start { ask(rows.below, at, WINDOW) } else { ask(rows.here, at - start, WINDOW) }
        } else {
            let at = start + rows.from + done;
            self.source.ask(at + ahead, WINDOW);
            let at = at + further - start;
            if at < columns { ask(rows.here, at, WINDOW) } else { ask(rows.above, at - columns, WINDOW) }
        }
    }
}
