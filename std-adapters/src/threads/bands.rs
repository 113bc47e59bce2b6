//! The halves of SSOR of a grid in the plane: threads take bands of rows in order, and go along them one behind the other.
//!
//! ```text
//! band 0:  run 0 | run 1 | run 2                      one thread
//! band 1:          run 0 | run 1 | run 2              another, which waits for the last row of the run above
//! band 2:                          run 0 | run 1 …    the first one again
//! ```
//! All that a thread writes at a time lies together in memory. Strips of columns, whose rows take turns in memory, have
//! processors fetch ahead into what the other one writes.

use std::mem;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use southwell::Real;
use southwell_simd::stencil::{CUT, Coefficients, Grid, Strip};

use super::Pool;
use super::halves::{WIDTH, Work};
use super::levels::{get, put};
use super::relay::{Patience, Relay};
use super::updates::Turns;

/// Rows of a band, about: its last one goes from core to core. More threads have more to wait for, and lower bands.
const HEIGHT_OF_TWO: usize = 48;
const HEIGHT: usize = 16;

/// Cells below which a half is left to the calling thread, and with it the rest of a step: one core has all that the next pass
/// reads. With 200 by 200 cells two threads gained 1.17 on cores that are near each other, and lost a third on cores that are not;
/// with 255 by 255 1.25 and nothing.
const LEAST: usize = 3 << 14;

/// Bytes of a vector of couplings from which on what a band has read of them all is no longer in its core's cache when it is done.
const FAR: usize = 1 << 22;

/// Whether there are too few cells in a plane to share out anything of a step.
pub(super) fn is_small<T>(grid: &Grid<'_, T>, pool: &Pool) -> bool {
    grid.planes == 1 && !pool.shares(grid.rows * grid.columns, LEAST)
}

/// Columns of a run, at least: with couplings by cell so many that its rows can go together, if there are enough.
const fn width<T>(grid: &Grid<'_, T>) -> usize {
    match grid.coefficients {
        Coefficients::PerCell(_) if grid.columns >= 4 * WIDTH - 2 * CUT => 2 * WIDTH - CUT,
        _ => WIDTH,
    }
}

/// The first row of each band, in the order of memory; `None` where there is nothing to share out, or another way to do it.
fn starts<T>(grid: &Grid<'_, T>, pool: &Pool) -> Option<Vec<usize>> {
    let (&Grid { planes, rows, columns, .. }, threads) = (grid, pool.threads());
    if planes != 1 || columns < 2 * WIDTH || is_small(grid, pool) {
        return None;
    }
    let height = if threads == 2 { HEIGHT_OF_TWO } else { HEIGHT };
    let count = rows / (height * threads) * threads;
    if count == 0 {
        return None;
    }
    if threads > 2 {
        return Some((0..count).map(|k| k * rows / count).collect());
    }
    // Of two, the one that begins ends too, with bands of half the height, and begins the other half with what it has.
    let inner = (0..count).map(|k| (2 * k + 1) * rows / (2 * count));
    Some([0].into_iter().chain(inner).collect())
}

/// The elements at which threads that have the bands of a grid in turn begin with others.
pub(super) fn turns<T>(grid: &Grid<'_, T>, pool: &Pool) -> Turns {
    starts(grid, pool).map(|starts| starts.iter().map(|row| row * grid.columns).collect())
}

/// A grid of one plane cut into bands, and those into runs of columns, both in the direction of travel.
pub(super) struct Bands<'a, T> {
    grid: Grid<'a, T>,
    reversed: bool,
    bands: Vec<Range<usize>>,
    runs: Vec<Range<usize>>,
    threads: usize,
    /// Whether products are made with what is solved, and not of whole rows when a band is done.
    products_beside: bool,
}

/// Runs of a band that are done. In lines of the cache of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Done(AtomicUsize);

/// Where a band meets the next one: how far it is, and its last row.
struct End<'s> {
    done: &'s Done,
    row: &'s [AtomicU64],
}

/// What a thread works with.
struct Room<'x, T> {
    /// What is left of the band's rows, in the direction of travel: of what is solved, and of products that are made with it.
    rests: [Vec<&'x mut [T]>; 2],
    /// The run's part of them.
    pieces: [Vec<&'x mut [T]>; 2],
    entries: Vec<T>,
    behind: Vec<T>,
}

impl<'a, T: Real> Bands<'a, T> {
    /// `None` where there is nothing to share out, or another way to do it.
    pub(super) fn new(grid: Grid<'a, T>, reversed: bool, pool: &Pool) -> Option<Self> {
        let (columns, threads) = (grid.columns, pool.threads());
        // With a run more than threads, or with products to make when a band is done, nobody waits for who is a band ahead.
        let products_beside = match grid.coefficients {
            Coefficients::Constant(_) => false,
            Coefficients::PerCell(star) => !reversed && size_of_val(star.centre) > FAR,
        };
        let runs = (columns / width(&grid)).min(threads + usize::from(reversed || products_beside));
        let starts = starts(&grid, pool)?;
        let ends = starts[1..].iter().copied().chain([grid.rows]);
        let mut bands: Vec<_> = starts.iter().zip(ends).map(|(&start, end)| start..end).collect();
        if reversed {
            bands.reverse();
        }
        let turned = |from: usize, to: usize| {
            if reversed { columns - to..columns - from } else { from..to }
        };
        // The nearest place where a row may be cut.
        let cut = |k: usize| if k == runs { columns } else { (columns * k / runs + CUT / 2) / CUT * CUT };
        Some(Self {
            grid,
            reversed,
            bands,
            products_beside,
            runs: (0..runs).map(|k| turned(cut(k), cut(k + 1))).collect(),
            threads,
        })
    }

    /// The memory of each band.
    fn shares<'x>(&self, mut x: &'x mut [T]) -> Vec<&'x mut [T]> {
        let mut shares: Vec<_> = self.bands.iter().map(|_| Default::default()).collect();
        let take = |(band, share): (&Range<usize>, &mut &'x mut [T])| {
            (*share, x) = mem::take(&mut x).split_at_mut(band.len() * self.grid.columns);
        };
        let all = self.bands.iter().zip(&mut shares);
        if self.reversed {
            all.rev().for_each(take)
        } else {
            all.for_each(take)
        }
        shares
    }

    /// Solves a half: `work` on a run of a band at a time. `products` are written beside what is solved, if at all.
    pub(super) fn run(&self, pool: &Pool, solved: &mut [T], products: &mut [T], work: &impl Work<T>) {
        let mut products = if products.is_empty() { Vec::new() } else { self.shares(products) }.into_iter();
        let shares: Vec<_> = self
            .shares(solved)
            .into_iter()
            .map(|solved| Mutex::new([solved, products.next().unwrap_or_default()]))
            .collect();
        let done: Vec<_> = self.bands.iter().map(|_| Done::default()).collect();
        // The last rows of bands. Who writes one again has waited for the bands between, so for who reads it.
        let last: Vec<Vec<_>> = (0..2 * self.threads)
            .map(|_| (0..self.grid.columns).map(|_| AtomicU64::new(0)).collect())
            .collect();
        let relay = Relay::default();
        pool.together(|| {
            let mut room = Room {
                rests: [const { Vec::new() }; 2],
                pieces: [const { Vec::new() }; 2],
                entries: Vec::new(),
                behind: Vec::new(),
            };
            relay.each(shares.len(), |k| {
                let share = mem::take(&mut *shares[k].lock().unwrap_or_else(PoisonError::into_inner));
                let end = |k: usize| End { done: &done[k], row: &last[k % last.len()] };
                let ends = (k.checked_sub(1).map(end), end(k));
                self.band(&self.bands[k], share, ends, &mut room, &relay, work)
            });
        });
    }

    /// One band; false if the one before will never be done.
    fn band<'x>(
        &self,
        rows: &Range<usize>,
        [solved, products]: [&'x mut [T]; 2],
        (before, after): (Option<End<'_>>, End<'_>),
        room: &mut Room<'x, T>,
        relay: &Relay,
        work: &impl Work<T>,
    ) -> bool {
        let Room { rests, pieces, entries, behind } = room;
        let (beside, after_all) =
            if self.products_beside { (products, &mut [][..]) } else { (&mut [][..], products) };
        for (rests, share) in rests.iter_mut().zip([solved, beside]) {
            rests.clear();
            let all = share.chunks_exact_mut(self.grid.columns);
            if self.reversed { rests.extend(all.rev()) } else { rests.extend(all) }
        }
        entries.clear();
        entries.resize(rows.len(), T::ZERO);
        for (k, columns) in self.runs.iter().enumerate() {
            for (pieces, rests) in pieces.iter_mut().zip(&mut *rests) {
                pieces.clear();
                pieces.extend(rests.iter_mut().map(|rest| {
                    let row = mem::take(rest);
                    if self.reversed {
                        let (others, piece) = row.split_at_mut(columns.start);
                        *rest = others;
                        piece
                    } else {
                        let (piece, others) = row.split_at_mut(columns.len());
                        *rest = others;
                        piece
                    }
                }));
            }
            behind.clear();
            if let Some(End { done, row }) = &before {
                let mut patience = Patience::default();
                while done.0.load(Ordering::Acquire) <= k {
                    if relay.is_broken() {
                        return false;
                    }
                    patience.wait();
                }
                behind.extend(row[columns.clone()].iter().map(get::<T>));
            }
            let [solved, products] = &mut *pieces;
            let strip = Strip {
                rows: rows.clone(),
                columns: columns.clone(),
                pieces: &mut *solved,
                now: 0..rows.len(),
                entries: &mut *entries,
                behind: &*behind,
            };
            work.solve(strip, products);
            if let Some(row) = solved.last() {
                after.row[columns.clone()].iter().zip(&**row).for_each(|(cell, &value)| put(cell, value));
            }
            after.done.0.store(k + 1, Ordering::Release);
        }
        work.products(rows.clone(), after_all);
        true
    }
}
