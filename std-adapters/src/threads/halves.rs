//! SSOR-CG of stencils in natural order: threads go through parts of the grid, each a little behind the one before. Here strips,
//! for grids in space; in the plane [bands](super::bands).

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use southwell::Real;
use southwell::linear::{Matrix, Stencil2d, Stencil3d};
use southwell::relaxation::Split;
use southwell::relaxation::update::{Diagonal, SsorCgUpdate, combine};
use southwell_simd::stencil::{self, CUT, Grid, Strip};

use super::bands::{self, Bands};
use super::levels::{get, put};
use super::relay::{Patience, Relay};
use super::{Pool, Threaded, updates};

/// Cells below which a half in space is left to the calling thread.
const LEAST: usize = 3 << 16;

/// Columns of a strip, or of a run in a band, at least.
pub(super) const WIDTH: usize = 64;

/// Cells that a strip of columns does before it says so.
const BATCH: usize = 1024;

/// A grid cut into strips, in the direction of travel.
struct Course<'a, T> {
    grid: Grid<'a, T>,
    reversed: bool,
    parts: Vec<(Range<usize>, Range<usize>)>,
    /// Whether strips are bands of rows.
    by_rows: bool,
    /// Rows that a strip does at a time; what it hands on of them, each a row's last cell or all of the last row.
    rows: usize,
    handed: usize,
}

impl<'a, T: Real> Course<'a, T> {
    /// Bands of rows in space, if they are high enough; else columns. `None` where there is nothing to share out.
    fn new(grid: Grid<'a, T>, reversed: bool, pool: &Pool) -> Option<Self> {
        let Grid { planes, rows, columns, .. } = grid;
        let threads = pool.threads();
        if !pool.shares(planes * rows * columns, LEAST) {
            return None;
        }
        let bands = if planes >= 8 * threads { threads.min(rows / 4) } else { 1 };
        let strips = threads.min(columns / WIDTH);
        let by_rows = bands > 1 && (bands >= strips || planes >= rows);
        let count = if by_rows { bands } else { strips };
        if count < 2 {
            return None;
        }
        // What lies before the k-th cut, counted as the pass travels.
        let cut = |k: usize| match by_rows {
            true => k * rows / count,
            false if k == count => columns,
            // The nearest place where a row may be cut.
            false => (columns * k / count + CUT / 2) / CUT * CUT,
        };
        let all = if by_rows { rows } else { columns };
        let range = |k: usize| match reversed {
            true => all - cut(k + 1)..all - cut(k),
            false => cut(k)..cut(k + 1),
        };
        let part = |k| if by_rows { (range(k), 0..columns) } else { (0..rows, range(k)) };
        let parts: Vec<_> = (0..count).map(part).collect();
        let (rows, handed) = if by_rows { (0, columns) } else { (BATCH * count / columns, 1) };
        Some(Self { grid, reversed, parts, by_rows, rows: rows.max(1), handed })
    }

    /// The memory of each strip: a piece of every plane or of every row, in the order of memory.
    fn shares<'x>(&self, x: &'x mut [T]) -> Vec<Vec<&'x mut [T]>> {
        let Grid { planes, rows, columns, .. } = self.grid;
        let (chunk, count) = if self.by_rows { (rows * columns, planes) } else { (columns, planes * rows) };
        let mut lens: Vec<_> = self
            .parts
            .iter()
            .map(|(rows, columns)| if self.by_rows { rows.len() * columns.len() } else { columns.len() })
            .collect();
        let mut shares: Vec<_> = lens.iter().map(|_| Vec::with_capacity(count)).collect();
        if self.reversed {
            lens.reverse();
            shares.reverse();
        }
        for mut rest in x[..planes * rows * columns].chunks_exact_mut(chunk) {
            for (&len, share) in lens.iter().zip(&mut shares) {
                let (piece, after) = rest.split_at_mut(len);
                share.push(piece);
                rest = after;
            }
        }
        if self.reversed {
            shares.reverse();
        }
        shares
    }

    /// Solves a half: `work` on some pieces of a strip at a time. `products` are written beside what is solved, if at all.
    fn run(&self, pool: &Pool, solved: &mut [T], products: &mut [T], work: &impl Work<T>) {
        let mut products = if products.is_empty() { Vec::new() } else { self.shares(products) }.into_iter();
        let strips: Vec<_> = self
            .shares(solved)
            .into_iter()
            .map(|solved| Mutex::new((solved, products.next().unwrap_or_default())))
            .collect();
        let messages = self.grid.planes * if self.by_rows { 1 } else { self.grid.rows };
        let seams: Vec<_> = self.parts.iter().skip(1).map(|_| Seam::new(messages * self.handed)).collect();
        let relay = Relay::default();
        pool.together(|| {
            relay.each(strips.len(), |k| {
                let (solved, products) =
                    mem::take(&mut *strips[k].lock().unwrap_or_else(PoisonError::into_inner));
                let seams = (k.checked_sub(1).map(|before| &seams[before]), seams.get(k));
                self.strip(&self.parts[k], solved, products, seams, &relay, work)
            });
        });
    }

    /// One strip; false if the one before will never be done.
    fn strip(
        &self,
        (rows, columns): &(Range<usize>, Range<usize>),
        solved: Vec<&mut [T]>,
        products: Vec<&mut [T]>,
        (before, after): (Option<&Seam>, Option<&Seam>),
        relay: &Relay,
        work: &impl Work<T>,
    ) -> bool {
        let in_rows = |pieces: Vec<_>| {
            let mut rows: Vec<_> =
                pieces.into_iter().flat_map(|piece: &mut [T]| piece.chunks_mut(columns.len())).collect();
            if self.reversed {
                rows.reverse();
            }
            rows
        };
        let (mut solved, mut products) = (in_rows(solved), in_rows(products));
        let step = if self.by_rows { rows.len() } else { self.rows };
        // Messages are one for each row, or one for each plane.
        let message = |row: usize| if self.by_rows { row / rows.len() } else { row };
        let (mut entries, mut behind) = (vec![T::ZERO; step], Vec::new());
        let (mut done, mut there) = (0, 0);
        while done < solved.len() {
            let now = done..(done + step).min(solved.len());
            let messages = message(now.start)..message(now.end - 1) + 1;
            entries.fill(T::ZERO);
            if let Some(before) = before {
                if there < messages.end {
                    let Some(ready) = before.wait(messages.end, relay) else { return false };
                    there = ready;
                }
                let handed = &before.values[messages.start * self.handed..messages.end * self.handed];
                if self.by_rows {
                    behind.clear();
                    behind.extend(handed.iter().map(get::<T>));
                } else {
                    entries.iter_mut().zip(handed).for_each(|(entry, cell)| *entry = get(cell));
                }
            }
            let strip = Strip {
                rows: rows.clone(),
                columns: columns.clone(),
                pieces: &mut solved,
                now: now.clone(),
                entries: &mut entries,
                behind: &behind,
            };
            work.solve(strip, &mut products);
            if let Some(after) = after {
                let cells = &after.values[messages.start * self.handed..messages.end * self.handed];
                let last = if self.by_rows { &*solved[now.end - 1] } else { &entries };
                cells.iter().zip(last).for_each(|(cell, &value)| put(cell, value));
                after.ready.store(messages.end, Ordering::Release);
            }
            done = now.end;
        }
        true
    }
}

/// What a strip hands to the next one. In lines of the cache of its own.
#[derive(Debug)]
#[repr(align(128))]
struct Seam {
    /// Messages that are there.
    ready: AtomicUsize,
    values: Vec<AtomicU64>,
}

impl Seam {
    fn new(values: usize) -> Self {
        Self { ready: AtomicUsize::new(0), values: (0..values).map(|_| AtomicU64::new(0)).collect() }
    }

    /// Waits for so many messages, and says how many there are; `None` if they will never come.
    fn wait(&self, messages: usize, relay: &Relay) -> Option<usize> {
        let mut patience = Patience::default();
        loop {
            let ready = self.ready.load(Ordering::Acquire);
            if ready >= messages {
                return Some(ready);
            }
            if relay.is_broken() {
                return None;
            }
            patience.wait();
        }
    }
}

/// A half of the iteration.
pub(super) trait Work<T>: Sync {
    /// A strip, and the products there if they are asked for.
    fn solve<'s, 'x>(&'s self, strip: Strip<'s, 'x, T>, products: &'s mut [&'x mut [T]]);

    /// The products of whole rows, if there are any: they wait for nobody.
    fn products(&self, rows: Range<usize>, products: &mut [T]);
}

/// What both halves read.
struct Half<'a, T> {
    grid: Grid<'a, T>,
    omega: T,
    inverse: &'a [T],
    p: &'a [T],
}

struct Upper<'a, T>(Half<'a, T>);

impl<T: Real> Work<T> for Upper<'_, T> {
    fn solve<'s, 'x>(&'s self, strip: Strip<'s, 'x, T>, _products: &'s mut [&'x mut [T]]) {
        let Half { grid, omega, inverse, p } = &self.0;
        stencil::solve_upper_strip(*grid, *omega, inverse, p, strip);
    }

    fn products(&self, _rows: Range<usize>, _products: &mut [T]) {}
}

struct Lower<'a, T>(Half<'a, T>, &'a [T]);

impl<T: Real> Work<T> for Lower<'_, T> {
    fn solve<'s, 'x>(&'s self, strip: Strip<'s, 'x, T>, products: &'s mut [&'x mut [T]]) {
        let (Half { grid, omega, inverse, p }, t) = (&self.0, self.1);
        stencil::solve_lower_strip(*grid, *omega, inverse, p, t, strip, products);
    }

    fn products(&self, rows: Range<usize>, products: &mut [T]) {
        let Half { grid, omega, p, .. } = &self.0;
        stencil::lower_product_strip(*grid, *omega, p, self.1, rows, products);
    }
}

/// Both halves with the bits of the view itself: of a plane by [bands](super::bands) that threads take in turn, in space by
/// bands of rows, begun plane by plane, or by runs of 64 columns and more, where a thread begins with a row when the strip
/// before has done that row. Grids of fewer columns and rows than there is to cut, or of fewer than 196,608 cells (of a plane:
/// 49,152), are left to the calling thread.
macro_rules! split_in_strips {
    ($view:ident) => {
        impl<T: Real> Split<T> for Threaded<'_, $view<'_, T>> {
            fn split_len(&self) -> usize {
                self.inner.split_len()
            }
            fn prepare(&self, scratch: &mut [T]) {
                self.inner.prepare(scratch);
            }
            fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]) {
                let grid = self.inner.grid();
                let inverse = scratch.get(..self.order()).unwrap_or(&[]);
                let work = Upper(Half { grid, omega, inverse, p });
                if let Some(bands) = Bands::new(grid, true, self.pool) {
                    bands.run(self.pool, t, &mut [], &work);
                } else if let Some(course) = Course::new(grid, true, self.pool) {
                    course.run(self.pool, t, &mut [], &work);
                } else {
                    self.inner.solve_upper(omega, scratch, p, t);
                }
            }
            fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
                let grid = self.inner.grid();
                let inverse = scratch.get(..self.order()).unwrap_or(&[]);
                let work = Lower(Half { grid, omega, inverse, p }, t);
                if let Some(bands) = Bands::new(grid, false, self.pool) {
                    bands.run(self.pool, y, w, &work);
                } else if let Some(course) = Course::new(grid, false, self.pool) {
                    course.run(self.pool, y, w, &work);
                } else {
                    self.inner.solve_lower(omega, scratch, p, t, y, w);
                }
            }
            fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T> {
                self.inner.weights(scratch)
            }
            fn combine(&self, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
                let grid = self.inner.grid();
                if bands::is_small(&grid, self.pool) {
                    return combine(t, p, y);
                }
                updates::combine(self.pool, &bands::turns(&grid, self.pool), t, p, y)
            }
            fn update_ssor_cg(&self, update: SsorCgUpdate<'_, T>) -> (T, T) {
                let grid = self.inner.grid();
                if bands::is_small(&grid, self.pool) {
                    return update.run();
                }
                updates::update_ssor_cg(self.pool, &bands::turns(&grid, self.pool), update)
            }
        }
    };
}

split_in_strips!(Stencil2d);
split_in_strips!(Stencil3d);
