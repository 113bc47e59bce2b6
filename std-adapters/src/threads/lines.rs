//! A sparse matrix in natural order whose rows fall into lines: chains of rows that wait for the row before, as of a grid.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use southwell::Real;
use southwell::linear::{Csr, Matrix};

use super::Pool;
use super::relay::{Patience, Relay};
use super::updates::Turns;

/// Rows between which no neighbour may lie where a line is to end: nearer ones would be waited for at once.
const APART: usize = 64;

/// Lines, at least.
const LEAST: usize = 8;

/// Rows that a thread does before it says so.
const BATCH: usize = 32;

/// Lines of a band, which one thread takes together, at most, and bands a thread where there are fewer lines.
const BAND: usize = 16;
const BANDS: usize = 4;

/// Rows up to which a matrix stays in cache. From memory, eight lines side by side are more streams than a processor fetches ahead.
const IN_CACHE: usize = 1 << 18;

/// Lines of consecutive rows. A thread takes a band of lines and goes along them, a batch of rows of each in turn, a little
/// behind those who have the lines before: each batch waits for what it reads of other lines. Only the last line of a band is
/// read on another core.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    /// Where each line begins, in the direction of the rows; then the end.
    starts: Vec<usize>,
    lower: Needs,
    upper: Needs,
}

/// What each batch of rows of a half waits for, in the order of the pass.
#[derive(Clone, Debug)]
struct Needs {
    /// Where the needs of each batch begin.
    offsets: Vec<usize>,
    /// The first batch of each line.
    batches: Vec<usize>,
    /// A line before, in the order of the pass, and how many of its rows must be done.
    needs: Vec<(u32, u32)>,
}

impl Lines {
    /// The lines of a matrix; `None` if it has none, or too few to be shared out.
    pub(super) fn new<T: Real>(matrix: &Csr<'_, T>) -> Option<Self> {
        let n = matrix.order();
        // The neighbours of a row before and after it.
        let before = |row: usize| {
            let columns = matrix.row(row).0;
            columns.iter().take_while(|&&c| (c as usize) < row).last().map(|&c| c as usize)
        };
        let after = |row: usize| {
            let columns = matrix.row(row).0;
            columns.iter().find(|&&c| c as usize > row).map(|&c| c as usize)
        };
        let mut starts = vec![0];
        for row in 1..n {
            let last = starts[starts.len() - 1];
            let apart = before(row).is_none_or(|near| near + APART <= row)
                && after(row - 1).is_none_or(|near| near >= row - 1 + APART);
            if apart && row - last >= APART {
                starts.push(row);
            }
        }
        let lines = starts.len();
        starts.push(n);
        let longest = starts.windows(2).map(|line| line[1] - line[0]).max()?;
        if lines < LEAST || longest > n / LEAST {
            return None;
        }
        let lower = Needs::new(&starts, false, |row| {
            matrix.row(row).0.iter().map(|&c| c as usize).take_while(move |&c| c < row)
        });
        let upper = Needs::new(&starts, true, |row| {
            matrix.row(row).0.iter().rev().map(|&c| c as usize).take_while(move |&c| c > row)
        });
        Some(Self { starts, lower, upper })
    }

    /// Solves a half: `row` gives the unknown of a row, which other threads can read from then on, and a product, which
    /// is stored if `products` are not empty.
    pub(super) fn solve<T: Real>(
        &self,
        pool: &Pool,
        reversed: bool,
        (solved, products): (&mut [T], &mut [T]),
        row: impl Fn(usize) -> (T, T) + Sync,
    ) {
        let needs = if reversed { &self.upper } else { &self.lower };
        let lines = self.starts.len() - 1;
        let mut products = self.pieces(products).into_iter();
        let pieces =
            self.pieces(solved).into_iter().map(|piece| (piece, products.next().unwrap_or_default()));
        let mut pieces: Vec<_> = pieces.collect();
        let mut bands = self.bands(pool.threads());
        if reversed {
            pieces.reverse();
            bands.reverse();
        }
        let mut pieces = pieces.into_iter().enumerate();
        let bands: Vec<_> = bands
            .into_iter()
            .map(|band| {
                let lines = pieces.by_ref().take(band.len());
                let lines = lines.map(|(turn, (solved, products))| Line { turn, solved, products, from: 0 });
                Mutex::new(lines.collect::<Vec<_>>())
            })
            .collect();
        let done: Vec<_> = (0..lines).map(|_| Done::default()).collect();
        let relay = Relay::default();
        let advance = |line: &mut Line<'_, T>| {
            let count = line.solved.len();
            let to = (line.from + BATCH).min(count);
            let first = self.starts[if reversed { lines - 1 - line.turn } else { line.turn }];
            for at in line.from..to {
                let at = if reversed { count - 1 - at } else { at };
                let (x, product) = row(first + at);
                line.solved[at] = x;
                if let Some(place) = line.products.get_mut(at) {
                    *place = product;
                }
            }
            line.from = to;
            done[line.turn].0.store(to, Ordering::Release);
        };
        pool.together(|| {
            relay.each(bands.len(), |band| {
                let mut band = bands[band].lock().unwrap_or_else(PoisonError::into_inner);
                let mut patience = Patience::default();
                // Lines that are done leave the band from its beginning, for each waits for those before it.
                let mut begun = 0;
                while begun < band.len() {
                    let mut waited = true;
                    for line in &mut band[begun..] {
                        if line.from < line.solved.len()
                            && needs.are_met(needs.batches[line.turn] + line.from / BATCH, &done)
                        {
                            advance(line);
                            waited = false;
                        }
                    }
                    while band.get(begun).is_some_and(|line| line.from == line.solved.len()) {
                        begun += 1;
                    }
                    if !waited {
                        patience = Patience::default();
                    } else if relay.is_broken() {
                        return false;
                    } else {
                        patience.wait();
                    }
                }
                true
            });
        });
    }

    /// Bands of lines, in the order of the rows.
    fn bands(&self, threads: usize) -> Vec<Range<usize>> {
        let lines = self.starts.len() - 1;
        if !self.are_in_cache() {
            return (0..lines).map(|line| line..line + 1).collect();
        }
        let band = lines.div_ceil(threads * BANDS).min(BAND);
        let count = (lines / (band * threads)).max(1) * threads;
        if threads != 2 {
            return (0..count).map(|k| k * lines / count..(k + 1) * lines / count).collect();
        }
        // Of two threads, the one that begins ends too, with bands of half as many lines, and begins the other half with what
        // it has.
        let cut = |k: usize| if k > count { lines } else { (2 * k).saturating_sub(1) * lines / (2 * count) };
        (0..=count).map(|k| cut(k)..cut(k + 1)).collect()
    }

    fn are_in_cache(&self) -> bool {
        self.starts[self.starts.len() - 1] <= IN_CACHE
    }

    /// The rows at which threads that have the bands in turn begin with others.
    pub(super) fn turns(&self, threads: usize) -> Turns {
        let rows = |band: Range<usize>| self.starts[band.start];
        self.are_in_cache().then(|| self.bands(threads).into_iter().map(rows).collect())
    }

    /// A vector cut into lines; nothing of an empty one.
    fn pieces<'x, T>(&self, mut x: &'x mut [T]) -> Vec<&'x mut [T]> {
        if x.is_empty() {
            return Vec::new();
        }
        let pieces = self.starts.windows(2).map(|line| {
            let (piece, rest) = std::mem::take(&mut x).split_at_mut(line[1] - line[0]);
            x = rest;
            piece
        });
        pieces.collect()
    }
}

impl Needs {
    /// `entries` of a row: those that it waits for.
    fn new<I: Iterator<Item = usize>>(
        starts: &[usize],
        reversed: bool,
        entries: impl Fn(usize) -> I,
    ) -> Self {
        let lines = starts.len() - 1;
        let line_of = |row: usize| starts.partition_point(|&start| start <= row) - 1;
        let turn = |line: usize| if reversed { lines - 1 - line } else { line };
        let (mut offsets, mut batches, mut needs) = (vec![0], Vec::with_capacity(lines), Vec::new());
        for line in (0..lines).map(turn) {
            batches.push(offsets.len() - 1);
            let rows: Range<usize> = starts[line]..starts[line + 1];
            for from in (0..rows.len()).step_by(BATCH) {
                let mut found: Vec<(u32, u32)> = Vec::new();
                for at in from..(from + BATCH).min(rows.len()) {
                    let row = if reversed { rows.end - 1 - at } else { rows.start + at };
                    for column in entries(row).filter(|column| !rows.contains(column)) {
                        let other = line_of(column);
                        // Rows of that line up to this one, in the direction of the pass.
                        let rows =
                            if reversed { starts[other + 1] - column } else { column + 1 - starts[other] };
                        let (key, rows) = (turn(other) as u32, rows as u32);
                        match found.iter_mut().find(|(line, _)| *line == key) {
                            Some((_, most)) => *most = (*most).max(rows),
                            None => found.push((key, rows)),
                        }
                    }
                }
                needs.extend(found);
                offsets.push(needs.len());
            }
        }
        Self { offsets, batches, needs }
    }

    /// Whether what a batch needs is done.
    fn are_met(&self, batch: usize, done: &[Done]) -> bool {
        let needs = &self.needs[self.offsets[batch]..self.offsets[batch + 1]];
        needs.iter().all(|&(line, rows)| done[line as usize].0.load(Ordering::Acquire) >= rows as usize)
    }
}

/// A line while it is solved: its place in the order of the pass, its unknowns and products, and how many rows are done.
struct Line<'x, T> {
    turn: usize,
    solved: &'x mut [T],
    products: &'x mut [T],
    from: usize,
}

/// Rows of a line that are done, in lines of the cache of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Done(AtomicUsize);
