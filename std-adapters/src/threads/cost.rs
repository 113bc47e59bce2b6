//! Costs of transport that are read by several threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use southwell::Real;
use southwell::transport::Cost;
use southwell_simd::{dense, vector};

use super::Threaded;
use super::relay::{Relay, Station, Sums};

/// What an entry is to a reading: how many go into a block, which is read twice, from the second cache of a core; and
/// how many in all are too few to be shared out.
#[derive(Clone, Copy)]
struct Reading {
    block: usize,
    least: usize,
}

/// An exponential takes a nanosecond, a product in cache a tenth of that.
const EXPONENTIALS: Reading = Reading { block: 1 << 14, least: 1 << 14 };
const PRODUCTS: Reading = Reading { block: 1 << 15, least: 1 << 18 };
/// Entries of a kernel of several sections that are too few to be shared out.
const LEAST_IN_SECTIONS: usize = 1 << 16;

/// The rows go in blocks, which the threads take in order. A thread makes the exponentials (or the products) of its block
/// while others make those of theirs; then, when the blocks before are done, its rows are weighed, and added to the
/// columns' sums. Every sum is thus added up in the order of the rows, as one thread would, and every bit is the same,
/// with one reading of the costs, each block in the cache of one core. The sums of the columns go from core to core with
/// every block, in segments, so that one block is added at one end of the rows while another one is at the other.
///
/// Costs with a `pass` of their own ([`GridCost`](southwell::transport::GridCost)) lose it here: leave them as
/// they are.
impl<T: Real, C: Cost<T> + Sync> Cost<T> for Threaded<'_, C> {
    fn rows(&self) -> usize {
        self.inner.rows()
    }
    fn columns(&self) -> usize {
        self.inner.columns()
    }
    fn largest(&self) -> T {
        self.inner.largest()
    }
    fn row<'s>(&'s self, row: usize, buffer: &'s mut [T]) -> &'s [T] {
        self.inner.row(row, buffer)
    }
    fn is_stored(&self) -> bool {
        self.inner.is_stored()
    }
    fn coupling_row(&self, row: usize, epsilon: T, f: T, g: &[T], p: &mut [T], buffer: &mut [T]) -> (T, T) {
        self.inner.coupling_row(row, epsilon, f, g, p, buffer)
    }

    fn make_kernel(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        kernel: &mut [T],
        columns: &mut [T],
        buffer: &mut [T],
    ) {
        let Some(cut) = self.cut::<T>(EXPONENTIALS) else {
            return self.inner.make_kernel(epsilon, g, weigh, kernel, columns, buffer);
        };
        let (m, inverse) = (columns.len(), T::ONE / epsilon);
        let length = if self.is_stored() { 0 } else { m };
        let (relay, weigh) = (Relay::default(), Station::new(weigh));
        let blocks: Vec<_> = kernel.chunks_mut(cut.rows * m).map(|rows| Mutex::new(Some(rows))).collect();
        let columns = Sums::new(columns, self.pool.threads());
        self.pool.together(|| {
            let (mut buffer, mut found) = (vec![T::ZERO; length], vec![(T::ZERO, T::ZERO); cut.rows]);
            let mut weights = vec![T::ZERO; cut.rows];
            relay.each(blocks.len(), |block| {
                let Some(kernel) = take(&blocks[block]) else { return false };
                let first = block * cut.rows;
                let found = &mut found[..kernel.len() / m];
                self.inner.exp_rows(first, g, inverse, kernel, found, &mut buffer);
                let seen = weigh.visit(block, &relay, |weigh| {
                    for (r, (weight, &(largest, sum))) in weights.iter_mut().zip(&*found).enumerate() {
                        *weight = weigh(first + r, largest, sum);
                    }
                });
                for (row, weight) in kernel.chunks_mut(m).zip(&mut weights) {
                    if *weight == T::ZERO {
                        row.fill(T::ZERO);
                    } else {
                        vector::scale(*weight, row);
                    }
                    // A row of zeros changes no bit of a sum that began with 0.
                    *weight = T::ONE;
                }
                seen && columns.add(block, &relay, kernel, m, &weights)
            });
        });
    }

    /// In sections of rows, which are added up by themselves on one thread too: whoever is first takes them from the first on and
    /// adds each to the columns' sums, as one thread would; others take them from the last on and leave what they sum to.
    fn read_kernel(
        &self,
        kernel: &[T],
        v: &[T],
        weigh: &(dyn Fn(usize, T) -> (T, T) + Sync),
        u: &mut [T],
        columns: &mut [T],
        scratch: &mut [T],
    ) -> T {
        let (n, m, rows) = (u.len(), columns.len(), dense::section(u.len()));
        if rows >= n || scratch.len() < m {
            return self.read_section(kernel, v, weigh, u, columns, scratch);
        }
        if self.pool.threads() == 1 || n.saturating_mul(m) < LEAST_IN_SECTIONS {
            return self.inner.read_kernel(kernel, v, weigh, u, columns, scratch);
        }
        columns.fill(T::ZERO);
        scratch.fill(T::ZERO);
        let matrix = dense::Matrix { values: kernel, columns: m, stride: m };
        let read =
            |k: usize, u: &mut [T], t: &mut [T]| dense::update_section(matrix, k * rows, v, weigh, u, t);
        let mut sections = u.chunks_mut(rows).enumerate();
        let mut sum = T::ZERO;
        let top = Mutex::new(sections.next().map(|(_, u)| (u, &mut *columns, scratch, &mut sum)));
        let (sections, left) = (Mutex::new(sections), Mutex::new(Vec::new()));
        self.pool.together(|| {
            if let Some((u, columns, scratch, sum)) = take(&top) {
                *sum = read(0, u, columns);
                let next = || lock(&sections).next();
                while let Some((k, u)) = next() {
                    *sum += read(k, u, scratch);
                    vector::axpy(T::ONE, scratch, columns);
                    scratch.fill(T::ZERO);
                }
            } else {
                let last = || lock(&sections).next_back();
                while let Some((k, u)) = last() {
                    let mut t = vec![T::ZERO; m];
                    let sum = read(k, u, &mut t);
                    lock(&left).push((k, sum, t));
                }
            }
        });
        let mut left = left.into_inner().unwrap_or_else(PoisonError::into_inner);
        left.sort_unstable_by_key(|&(k, ..)| k);
        for (_, more, t) in left {
            sum += more;
            vector::axpy(T::ONE, &t, columns);
        }
        sum
    }

    fn scratch_len(&self) -> usize {
        let alone = self.inner.scratch_len();
        self.cut::<T>(EXPONENTIALS)
            .map_or(alone, |cut| alone.max(self.seat(cut).saturating_mul(self.pool.threads())))
    }

    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut (dyn FnMut(usize, T, T) -> T + Send),
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        let Some(cut) = self.cut::<T>(EXPONENTIALS) else {
            return self.inner.pass(epsilon, g, weigh, columns, scratch);
        };
        let (n, m, inverse) = (self.rows(), columns.len(), T::ONE / epsilon);
        let (relay, weigh) = (Relay::default(), Station::new(weigh));
        let columns = Sums::new(columns, self.pool.threads());
        let seats = scratch.chunks_mut(self.seat(cut)).map(|seat| Mutex::new(Some(seat)));
        let (seats, taken) = (seats.collect::<Vec<_>>(), AtomicUsize::new(0));
        self.pool.together(|| {
            let seat = seats.get(taken.fetch_add(1, Ordering::Relaxed));
            let Some((kept, rest)) = seat.and_then(take).map(|seat| seat.split_at_mut(cut.rows * m)) else {
                return;
            };
            let (weights, buffer) = rest.split_at_mut(cut.rows);
            let mut found = vec![(T::ZERO, T::ZERO); cut.rows];
            relay.each(n.div_ceil(cut.rows), |block| {
                let first = block * cut.rows;
                let rows = cut.rows.min(n - first);
                let kept = &mut kept[..rows * m];
                let found = &mut found[..rows];
                self.inner.exp_rows(first, g, inverse, kept, found, buffer);
                let seen = weigh.visit(block, &relay, |weigh| {
                    for (r, (weight, &(largest, sum))) in weights.iter_mut().zip(&*found).enumerate() {
                        *weight = weigh(first + r, largest, sum);
                    }
                });
                // Rows of weight 0 are left out, whatever their exponentials are.
                kept.chunks_mut(m)
                    .zip(&*weights)
                    .filter(|(_, w)| **w == T::ZERO)
                    .for_each(|(e, _)| e.fill(T::ZERO));
                seen && columns.add(block, &relay, kept, m, weights)
            });
        });
    }
}

/// How many rows a block has.
#[derive(Clone, Copy)]
struct Cut {
    rows: usize,
}

impl<C> Threaded<'_, C> {
    /// The kernel of one section: its rows go in blocks, as those of a reading of the costs do.
    fn read_section<T: Real>(
        &self,
        kernel: &[T],
        v: &[T],
        weigh: &(dyn Fn(usize, T) -> (T, T) + Sync),
        u: &mut [T],
        columns: &mut [T],
        scratch: &mut [T],
    ) -> T
    where
        C: Cost<T> + Sync,
    {
        let Some(cut) = self.cut::<T>(PRODUCTS) else {
            return self.inner.read_kernel(kernel, v, weigh, u, columns, scratch);
        };
        let (m, relay) = (columns.len(), Relay::default());
        let columns = Sums::new(columns, self.pool.threads());
        let mut terms = vec![T::ZERO; u.len()];
        let blocks = u.chunks_mut(cut.rows).zip(terms.chunks_mut(cut.rows));
        let blocks: Vec<_> = blocks.map(|block| Mutex::new(Some(block))).collect();
        self.pool.together(|| {
            relay.each(blocks.len(), |block| {
                let Some((u, terms)) = take(&blocks[block]) else { return false };
                let first = block * cut.rows;
                let rows = &kernel[first * m..(first + u.len()) * m];
                dense::apply(dense::Matrix { values: rows, columns: m, stride: m }, v, u);
                for ((row, u), term) in (first..).zip(&mut *u).zip(terms) {
                    (*u, *term) = weigh(row, *u);
                }
                columns.add(block, &relay, rows, m, u)
            });
        });
        terms.into_iter().fold(T::ZERO, |sum, term| sum + term)
    }

    /// How the rows are cut; none if one thread should do it all.
    fn cut<T: Real>(&self, reading: Reading) -> Option<Cut>
    where
        C: Cost<T> + Sync,
    {
        let (n, m, threads) = (self.inner.rows(), self.inner.columns(), self.pool.threads());
        let entries = n.saturating_mul(m);
        if threads == 1 || n < 2 || entries < reading.least {
            return None;
        }
        // As many blocks for each thread.
        let blocks = entries.div_ceil(reading.block).max(2 * threads).next_multiple_of(threads).min(n);
        Some(Cut { rows: n.div_ceil(blocks) })
    }

    /// Elements of scratch for each thread: a block of exponentials, a weight for each row, and a row of costs where they
    /// are made.
    fn seat<T: Real>(&self, cut: Cut) -> usize
    where
        C: Cost<T> + Sync,
    {
        let m = self.inner.columns();
        let buffer = if self.inner.is_stored() { 0 } else { m };
        cut.rows.saturating_mul(m.saturating_add(1)).saturating_add(buffer)
    }
}

/// What lies there, once.
fn take<V>(place: &Mutex<Option<V>>) -> Option<V> {
    lock(place).take()
}

fn lock<V>(place: &Mutex<V>) -> MutexGuard<'_, V> {
    place.lock().unwrap_or_else(PoisonError::into_inner)
}
