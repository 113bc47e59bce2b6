//! SSOR-CG of a sparse matrix in natural order: each half is solved level by level.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use southwell::Real;
use southwell::linear::update::CgUpdate;
use southwell::linear::{Csr, Matrix};
use southwell::relaxation::Split;
use southwell::relaxation::update::{Diagonal, SsorCgUpdate};

use super::lines::Lines;
use super::relay::{Patience, Relay};
use super::updates::Turns;
use super::{Pool, Threaded, updates};

/// Rows that a thread takes at a time, at least, and rows of small levels that go together to one thread.
const LEAST: usize = 128;

/// A sparse matrix whose two halves are solved in *levels* (wavefronts): a row is of a higher level than all rows that it
/// waits for, so that those of one level can be solved at once, in the order and with the bits of a serial run.
///
/// Hand [`on`](Self::on) to [`ssor_cg`](southwell::relaxation::ssor_cg) as the matrix: unlike with
/// [`Coloured`](super::Coloured), nothing is permuted, the preconditioner is the one of the natural order, and so are the
/// steps, bit for bit.
///
/// Where the rows fall into *lines* (as of a grid: chains of rows that wait for the row before, no two lines of which are
/// neighbours in memory alone), a thread takes a line and goes along it, some 32 rows behind the thread that has the line before:
/// rows are read in their order in memory, and threads wait for what they need and for nothing else. Else they meet after
/// each level, by a counter that they watch; a tridiagonal matrix has n levels of one row, and nothing to share out, and levels of
/// fewer than 256 rows stay with one thread. [`parallelism`](Self::parallelism) says how many rows there are in a
/// level on average, [`by_lines`](Self::by_lines) which of the two it is; `cargo bench --bench threads` what is gained.
///
/// *Memory*: without lines the two halves once more, and 4 bytes a row twice; 16 bytes a row in [`on`](Self::on).
#[derive(Clone, Debug)]
pub struct Levels<'m, T> {
    matrix: Csr<'m, T>,
    counts: (usize, usize),
    schedule: Schedule<T>,
}

/// How rows are shared out.
#[derive(Clone, Debug)]
enum Schedule<T> {
    Lines(Lines),
    /// The lower half, and the upper one.
    Levels(Half<T>, Half<T>),
}

/// Rows of one half in the order of their levels, entries in the order in which the serial pass subtracts them.
#[derive(Clone, Debug)]
struct Half<T> {
    order: Vec<u32>,
    offsets: Vec<usize>,
    columns: Vec<u32>,
    values: Vec<T>,
    /// Where each level begins, in `order`.
    starts: Vec<usize>,
}

/// The level of every row, and how many there are: `rows` in the order of the serial pass; `entries` of a row, those that
/// it waits for.
fn levels_of<T, I: Iterator<Item = (u32, T)>>(
    n: usize,
    rows: impl Iterator<Item = usize>,
    entries: impl Fn(usize) -> I,
) -> (Vec<u32>, usize) {
    let (mut level, mut levels) = (vec![0_u32; n], 0);
    for row in rows {
        let after = entries(row).map(|(column, _)| level[column as usize] + 1).max().unwrap_or(0);
        level[row] = after;
        levels = levels.max(after as usize + 1);
    }
    (level, levels)
}

impl<T: Real> Half<T> {
    /// Rows by their levels; `entries` of a row, those that it waits for, in their order.
    fn new<I: Iterator<Item = (u32, T)>>(
        (level, levels): (Vec<u32>, usize),
        entries: impl Fn(usize) -> I,
    ) -> Self {
        let n = level.len();
        let mut starts = vec![0; levels + 1];
        level.iter().for_each(|&level| starts[level as usize + 1] += 1);
        (0..levels).for_each(|k| starts[k + 1] += starts[k]);
        let (mut next, mut order) = (starts.clone(), vec![0; n]);
        for (row, &level) in level.iter().enumerate() {
            order[next[level as usize]] = row as u32;
            next[level as usize] += 1;
        }
        let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
        for &row in &order {
            for (column, value) in entries(row as usize) {
                columns.push(column);
                values.push(value);
            }
            offsets.push(columns.len());
        }
        Self { order, offsets, columns, values, starts }
    }

    /// The row at a place, and its entries.
    fn row(&self, place: usize) -> (usize, impl Iterator<Item = (usize, T)> + '_) {
        let range = self.offsets[place]..self.offsets[place + 1];
        let entries = self.columns[range.clone()].iter().zip(&self.values[range]);
        (self.order[place] as usize, entries.map(|(&column, &value)| (column as usize, value)))
    }

    /// What threads take at a time, and the number of such blocks that must be done before each.
    fn blocks(&self, threads: usize) -> Vec<(Range<usize>, usize)> {
        let mut blocks: Vec<(Range<usize>, usize)> = Vec::new();
        let mut small = false;
        for level in self.starts.windows(2) {
            let (rows, before) = (level[1] - level[0], blocks.len());
            if rows < 2 * LEAST {
                // One thread does small levels one after the other, which need not wait for one another.
                match blocks.last_mut().filter(|(last, _)| small && last.len() < 2 * LEAST) {
                    Some((last, _)) => last.end = level[1],
                    None => blocks.push((level[0]..level[1], before)),
                }
                small = true;
                continue;
            }
            small = false;
            let part = rows.div_ceil(threads).max(LEAST);
            let parts = (level[0]..level[1]).step_by(part);
            blocks.extend(parts.map(|start| (start..(start + part).min(level[1]), before)));
        }
        blocks
    }
}

impl<'m, T: Real> Levels<'m, T> {
    /// Finds the levels. Cost: some passes over the matrix.
    #[must_use]
    pub fn new(matrix: Csr<'m, T>) -> Self {
        let n = matrix.order();
        let entries = |row: usize| {
            let (columns, values) = matrix.row(row);
            columns.iter().copied().zip(values.iter().copied())
        };
        let below = move |row: usize| entries(row).take_while(move |&(column, _)| (column as usize) < row);
        let above =
            move |row: usize| entries(row).rev().take_while(move |&(column, _)| column as usize > row);
        let (lower, upper) = (levels_of(n, 0..n, below), levels_of(n, (0..n).rev(), above));
        let counts = (lower.1, upper.1);
        let schedule = match Lines::new(&matrix) {
            Some(lines) => Schedule::Lines(lines),
            None => Schedule::Levels(Half::new(lower, below), Half::new(upper, above)),
        };
        Self { matrix, counts, schedule }
    }

    /// Whether rows fall into lines, which are shared out instead of levels.
    #[must_use]
    pub const fn by_lines(&self) -> bool {
        matches!(self.schedule, Schedule::Lines(_))
    }

    /// Levels of the lower half and of the upper one.
    #[must_use]
    pub fn levels(&self) -> (usize, usize) {
        self.counts
    }

    /// Rows of a level, on average over both halves: what there is to share out between two meetings.
    #[must_use]
    pub fn parallelism(&self) -> f64 {
        let (lower, upper) = self.levels();
        2.0 * self.matrix.order() as f64 / (lower + upper).max(1) as f64
    }

    /// The matrix for SSOR-CG, solved by the threads of a pool.
    #[must_use]
    pub fn on<'a>(&'a self, pool: &'a Pool) -> LevelledHalves<'a, T> {
        let cells = || (0..self.matrix.order()).map(|_| AtomicU64::new(0)).collect();
        let (lower, upper) = match &self.schedule {
            Schedule::Lines(_) => Default::default(),
            Schedule::Levels(lower, upper) => (lower.blocks(pool.threads()), upper.blocks(pool.threads())),
        };
        LevelledHalves {
            products: Threaded::new(pool, self.matrix),
            levels: self,
            pool,
            lower,
            upper,
            solved: cells(),
            product: cells(),
        }
    }
}

/// [`Levels`] on the threads of a pool.
#[derive(Debug)]
pub struct LevelledHalves<'a, T> {
    products: Threaded<'a, Csr<'a, T>>,
    levels: &'a Levels<'a, T>,
    pool: &'a Pool,
    lower: Vec<(Range<usize>, usize)>,
    upper: Vec<(Range<usize>, usize)>,
    /// What threads write for one another to read: the unknowns, and the product besides.
    solved: Vec<AtomicU64>,
    product: Vec<AtomicU64>,
}

/// Numbers that threads hand to one another; exact in either type.
pub(super) fn put<T: Real>(cell: &AtomicU64, value: T) {
    cell.store(value.to_f64().to_bits(), Ordering::Relaxed);
}

pub(super) fn get<T: Real>(cell: &AtomicU64) -> T {
    T::from_f64(f64::from_bits(cell.load(Ordering::Relaxed)))
}

impl<T: Real> LevelledHalves<'_, T> {
    /// Does blocks in order, each after those before its level.
    fn each(&self, blocks: &[(Range<usize>, usize)], work: impl Fn(usize) + Sync) {
        let (relay, done) = (Relay::default(), Done::default());
        self.pool.together(|| {
            relay.each(blocks.len(), |block| {
                let (places, before) = &blocks[block];
                let mut patience = Patience::default();
                while done.0.load(Ordering::Acquire) < *before {
                    if relay.is_broken() {
                        return false;
                    }
                    patience.wait();
                }
                places.clone().for_each(&work);
                done.0.fetch_add(1, Ordering::Release);
                true
            });
        });
    }

    /// Where threads begin in the other passes of a step: each with what it has in the halves.
    fn turns(&self) -> Turns {
        match &self.levels.schedule {
            Schedule::Lines(lines) => lines.turns(self.pool.threads()),
            Schedule::Levels(..) => None,
        }
    }

    /// Takes what was written for threads to where the solver wants it.
    fn take(&self, cells: &[AtomicU64], out: &mut [T]) {
        let part = self.pool.part(out.len(), 1 << 13);
        self.pool.each(out.chunks_mut(part).zip(cells.chunks(part)), |(out, cells)| {
            out.iter_mut().zip(cells).for_each(|(out, cell)| *out = get(cell));
        });
    }
}

/// Blocks that are done, in lines of the cache of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Done(AtomicUsize);

/// Products as of [`Threaded`]; the square of a residual is added up by the calling thread, so that it has its bits.
impl<T: Real> Matrix<T> for LevelledHalves<'_, T> {
    fn order(&self) -> usize {
        self.products.order()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.products.diagonal(row)
    }
    fn off_diagonal(&self, row: usize) -> T {
        self.products.off_diagonal(row)
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.products.apply(x, y);
    }
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        self.products.apply_products(x, y)
    }
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        self.products.update_cg(update)
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        self.products.residual(rhs, x, r);
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        self.levels.matrix.residual_square(rhs, x)
    }
}

/// Every element has the bits of the [`Csr`].
impl<T: Real> Split<T> for LevelledHalves<'_, T> {
    fn split_len(&self) -> usize {
        self.levels.matrix.split_len()
    }

    fn prepare(&self, scratch: &mut [T]) {
        self.levels.matrix.prepare(scratch);
    }

    fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]) {
        let upper = match &self.levels.schedule {
            Schedule::Levels(_, upper) => upper,
            Schedule::Lines(lines) => {
                return lines.solve(self.pool, true, (t, &mut []), |row| {
                    let (columns, values) = self.levels.matrix.row(row);
                    let after = columns.iter().zip(values).rev().take_while(|(c, _)| **c as usize > row);
                    let sum =
                        after.fold(p[row], |sum, (&c, &a)| sum - a * get::<T>(&self.solved[c as usize]));
                    let x = sum * (omega * scratch[row]);
                    put(&self.solved[row], x);
                    (x, T::ZERO)
                });
            }
        };
        self.each(&self.upper, |place| {
            let (row, entries) = upper.row(place);
            let sum = entries.fold(p[row], |sum, (column, a)| sum - a * get::<T>(&self.solved[column]));
            put(&self.solved[row], sum * (omega * scratch[row]));
        });
        self.take(&self.solved, t);
    }

    fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
        let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
        let (inverse, diagonal) = scratch.split_at(self.order());
        let lower = match &self.levels.schedule {
            Schedule::Levels(lower, _) => lower,
            Schedule::Lines(lines) => {
                return lines.solve(self.pool, false, (y, w), |row| {
                    let (columns, values) = self.levels.matrix.row(row);
                    let before = columns.iter().zip(values).take_while(|(c, _)| (**c as usize) < row);
                    let (mut along_t, mut along_y) = (T::ZERO, T::ZERO);
                    for (&column, &a) in before {
                        along_t += a * t[column as usize];
                        along_y += a * get::<T>(&self.solved[column as usize]);
                    }
                    let (p, t, d) = (p[row], t[row], diagonal[row]);
                    let y = ((p - (weight * d) * t) - along_y) * (omega * inverse[row]);
                    put(&self.solved[row], y);
                    (y, (p + share * (d * t)) + along_t)
                });
            }
        };
        self.each(&self.lower, |place| {
            let (row, entries) = lower.row(place);
            let (mut along_t, mut along_y) = (T::ZERO, T::ZERO);
            for (column, a) in entries {
                along_t += a * t[column];
                along_y += a * get::<T>(&self.solved[column]);
            }
            let (p, t, d) = (p[row], t[row], diagonal[row]);
            put(&self.product[row], (p + share * (d * t)) + along_t);
            put(&self.solved[row], ((p - (weight * d) * t) - along_y) * (omega * inverse[row]));
        });
        self.take(&self.solved, y);
        self.take(&self.product, w);
    }

    fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T> {
        Diagonal::Stored(&scratch[self.order()..])
    }

    fn combine(&self, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
        updates::combine(self.pool, &self.turns(), t, p, y)
    }

    fn update_ssor_cg(&self, update: SsorCgUpdate<'_, T>) -> (T, T) {
        updates::update_ssor_cg(self.pool, &self.turns(), update)
    }
}
