//! Costs of transport that are read by several threads.

use southwell::Real;
use southwell::transport::Cost;
use southwell_simd::{dense, elementary, vector};

use super::Threaded;

/// Entries of the costs whose exponentials are kept until their rows have been weighed: they should not leave
/// the caches between cores.
const KEPT: usize = 1 << 17;

/// Readings of fewer quarters of a nanosecond than this are left to the calling thread.
const LEAST: usize = 1 << 16;
const EXPONENTIALS: usize = 4;
const PRODUCTS: usize = 1;

/// The rows go in groups. The exponentials of a group are made row by row in parallel; the rows are weighed in
/// order; then each thread adds all rows of the group to columns of its own. Every sum is thus added up in the order
/// of the rows, as one thread would, and every bit is the same.
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
        weigh: &mut dyn FnMut(usize, T, T) -> T,
        kernel: &mut [T],
        columns: &mut [T],
        buffer: &mut [T],
    ) {
        let Some(group) = self.group::<T>(EXPONENTIALS) else {
            return self.inner.make_kernel(epsilon, g, weigh, kernel, columns, buffer);
        };
        let m = columns.len();
        let inverse = T::ONE / epsilon;
        let length = if self.is_stored() { 0 } else { m };
        let mut buffers = vec![vec![T::ZERO; length]; group.parts()];
        let mut sums = vec![T::ZERO; 2 * group.rows];
        columns.fill(T::ZERO);
        for (first, kernel) in (0..).step_by(group.rows).zip(kernel.chunks_mut(group.rows * m)) {
            let parts = kernel.chunks_mut(group.part * m).zip(sums.chunks_mut(2 * group.part));
            self.pool.each(parts.zip(&mut buffers).enumerate(), |(part, ((rows, sums), buffer))| {
                let from = first + part * group.part;
                for (r, (row, sums)) in rows.chunks_mut(m).zip(sums.chunks_mut(2)).enumerate() {
                    let (largest, sum) =
                        elementary::exp_row(g, self.inner.row(from + r, buffer), inverse, row);
                    sums.copy_from_slice(&[largest, sum]);
                }
            });
            for (r, sums) in sums.chunks_mut(2).take(kernel.len() / m).enumerate() {
                sums[0] = weigh(first + r, sums[0], sums[1]);
            }
            let parts = kernel.chunks_mut(group.part * m).zip(sums.chunks(2 * group.part));
            self.pool.each(parts, |(rows, sums)| {
                for (row, sums) in rows.chunks_mut(m).zip(sums.chunks(2)) {
                    if sums[0] == T::ZERO {
                        row.fill(T::ZERO);
                    } else {
                        vector::scale(sums[0], row);
                    }
                }
            });
            // A row of zeros changes no bit of a sum that began with 0.
            let ones = sums.iter().step_by(2).map(|&w| if w == T::ZERO { w } else { T::ONE });
            self.add_rows(kernel, &ones.collect::<Vec<_>>(), columns);
        }
    }

    fn read_kernel(&self, kernel: &[T], v: &[T], weigh: &mut dyn FnMut(usize, T) -> T, columns: &mut [T]) {
        let Some(group) = self.group::<T>(PRODUCTS) else {
            return self.inner.read_kernel(kernel, v, weigh, columns);
        };
        let m = columns.len();
        let mut sums = vec![T::ZERO; group.rows];
        columns.fill(T::ZERO);
        for (first, kernel) in (0..).step_by(group.rows).zip(kernel.chunks(group.rows * m)) {
            let parts = kernel.chunks(group.part * m).zip(sums.chunks_mut(group.part));
            self.pool.each(parts, |(rows, sums)| {
                dense::apply(dense::Matrix { values: rows, columns: m, stride: m }, v, sums);
            });
            for (r, sum) in sums.iter_mut().take(kernel.len() / m).enumerate() {
                *sum = weigh(first + r, *sum);
            }
            self.add_rows(kernel, &sums, columns);
        }
    }

    fn scratch_len(&self) -> usize {
        let alone = self.inner.scratch_len();
        let Some(group) = self.group::<T>(EXPONENTIALS) else { return alone };
        let m = self.columns();
        let buffers = if self.is_stored() { 0 } else { group.parts().saturating_mul(m) };
        let kept = group.rows.saturating_mul(m.saturating_add(2));
        alone.max(kept.saturating_add(buffers))
    }

    fn pass(
        &self,
        epsilon: T,
        g: &[T],
        weigh: &mut dyn FnMut(usize, T, T) -> T,
        columns: &mut [T],
        scratch: &mut [T],
    ) {
        let (n, m) = (self.rows(), columns.len());
        let Some(group) = self.group::<T>(EXPONENTIALS) else {
            return self.inner.pass(epsilon, g, weigh, columns, scratch);
        };
        let (kept, rest) = scratch.split_at_mut(group.rows * m);
        let (sums, rest) = rest.split_at_mut(2 * group.rows);
        let mut buffers: Vec<&mut [T]> = if self.is_stored() {
            (0..group.parts()).map(|_| &mut [][..]).collect()
        } else {
            rest.chunks_mut(m).take(group.parts()).collect()
        };
        let inverse = T::ONE / epsilon;
        columns.fill(T::ZERO);
        for first in (0..n).step_by(group.rows) {
            let rows = group.rows.min(n - first);
            let parts = kept[..rows * m].chunks_mut(group.part * m).zip(sums.chunks_mut(2 * group.part));
            self.pool.each(parts.zip(&mut buffers).enumerate(), |(part, ((kept, sums), buffer))| {
                let from = first + part * group.part;
                for (r, (e, sums)) in kept.chunks_mut(m).zip(sums.chunks_mut(2)).enumerate() {
                    let (largest, sum) = elementary::exp_row(g, self.inner.row(from + r, buffer), inverse, e);
                    sums.copy_from_slice(&[largest, sum]);
                }
            });
            for (r, sums) in sums.chunks_mut(2).take(rows).enumerate() {
                sums[0] = weigh(first + r, sums[0], sums[1]);
            }
            let weights: Vec<T> = sums.iter().step_by(2).copied().take(rows).collect();
            self.add_rows(&kept[..rows * m], &weights, columns);
        }
    }
}

/// Rows whose exponentials are kept together, and rows a part.
#[derive(Clone, Copy)]
struct Group {
    rows: usize,
    part: usize,
}

impl Group {
    fn parts(&self) -> usize {
        self.rows.div_ceil(self.part)
    }
}

impl<C> Threaded<'_, C> {
    /// How the rows are cut, if an entry takes so many quarters of a nanosecond; none if one thread should do it all.
    fn group<T: Real>(&self, quarters: usize) -> Option<Group>
    where
        C: Cost<T> + Sync,
    {
        let (n, m, threads) = (self.inner.rows(), self.inner.columns(), self.pool.threads());
        if threads == 1 || n < 2 || n.saturating_mul(m).saturating_mul(quarters) < LEAST {
            return None;
        }
        let rows = (KEPT / m.max(1)).max(2 * threads).min(n);
        Some(Group { rows, part: self.pool.part(rows, 1) })
    }

    /// columns ← columns + w_i·row_i for the rows in order, those of weight 0 left out; each thread has columns of its
    /// own.
    fn add_rows<T: Real>(&self, rows: &[T], weights: &[T], columns: &mut [T]) {
        let m = columns.len();
        // Whole lines of the cache.
        let width = self.pool.part(m, 512).next_multiple_of(64);
        self.pool.each(columns.chunks_mut(width).enumerate(), |(part, columns)| {
            let range = part * width..part * width + columns.len();
            for (row, &w) in rows.chunks(m).zip(weights) {
                if w != T::ZERO {
                    vector::axpy(w, &row[range.clone()], columns);
                }
            }
        });
    }
}
