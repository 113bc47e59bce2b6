//! Products with a coloured matrix.

use southwell::Real;
use southwell::linear::Matrix;
use southwell::linear::update::CgUpdate;
use southwell_simd::{Lanes, csr};

use super::half::ColourRows;
use super::sweep::ColouredSweeps;
use super::{LEAST, MOST};
use crate::threads::updates;

/// Rows whose squares are added up together. The blocks are added in order, so that the sum does not depend on the
/// threads.
const BLOCK: usize = 1 << 12;

impl<T: Real> ColourRows<'_, T> {
    /// b − Σ a x of a row, first column first.
    fn row_residual(&self, at: usize, b: T, x: &[T], size: usize) -> T {
        let row = at - self.start;
        let r = csr::row_residual(self.lower, row, b, &x[..self.start]);
        let block = at - row % size;
        let r = match x.get(block..block + size) {
            Some(own) => csr::row_residual(self.within, row, r, own),
            // The last block, which is smaller.
            None => {
                let mut own = [T::ZERO; MOST];
                own[..x.len() - block].copy_from_slice(&x[block..]);
                csr::row_residual(self.within, row, r, &own)
            }
        };
        csr::row_residual(self.upper, row, r, &x[self.end..])
    }
}

impl<T: Real> ColouredSweeps<'_, T> {
    /// Calls `each(place, b − Σ a x)` for some places in turn.
    fn residuals(
        &self,
        places: std::ops::Range<usize>,
        rhs: Option<&[T]>,
        x: &[T],
        mut each: impl FnMut(usize, T),
    ) {
        let size = self.matrix.size;
        for colour in &self.rows {
            for at in places.start.max(colour.start)..places.end.min(colour.end) {
                let b = rhs.map_or(T::ZERO, |rhs| rhs[at]);
                each(at, colour.row_residual(at, b, x, size));
            }
        }
    }
}

/// Each row has the bits of one thread and of [`Csr`](southwell::linear::Csr), first column first; the square of a
/// residual is added up in blocks of 4096 rows.
impl<T: Real> Matrix<T> for ColouredSweeps<'_, T> {
    fn order(&self) -> usize {
        self.matrix.order()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.matrix.diagonal.get(row).copied()
    }
    fn off_diagonal(&self, row: usize) -> T {
        let Some(colour) = self.rows.iter().find(|colour| (colour.start..colour.end).contains(&row)) else {
            return T::ZERO;
        };
        let k = row - colour.start;
        let others = colour.lower.row(k).values().iter().chain(colour.upper.row(k).values());
        let sum = others.fold(T::ZERO, |sum, a| sum + a.abs());
        let within = colour.within.row(k);
        let mine = (k % self.matrix.size) as u32;
        let block = within.columns().iter().zip(within.values()).filter(|(column, _)| **column != mine);
        block.fold(sum, |sum, (_, a)| sum + a.abs())
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        let part = self.pool.part(y.len(), LEAST);
        self.pool.each(y.chunks_mut(part).enumerate(), |(k, y)| {
            let from = k * part;
            // 0 − (0 − Σ a x): the negative of each rounded sum is the rounded sum of the negatives.
            self.residuals(from..from + y.len(), None, x, |at, r| y[at - from] = T::ZERO - r);
        });
    }
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        updates::apply_products(self.pool, x, y, |from, y| {
            self.residuals(from..from + y.len(), None, x, |at, r| y[at - from] = T::ZERO - r);
        })
    }
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        updates::update_cg(self.pool, update)
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        let part = self.pool.part(r.len(), LEAST);
        self.pool.each(r.chunks_mut(part).enumerate(), |(k, r)| {
            let from = k * part;
            self.residuals(from..from + r.len(), Some(rhs), x, |at, value| r[at - from] = value);
        });
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        let mut squares = vec![T::ZERO; rhs.len().div_ceil(BLOCK)];
        self.pool.each(squares.iter_mut().enumerate(), |(k, square)| {
            let mut lanes = Lanes::default();
            let places = k * BLOCK..((k + 1) * BLOCK).min(rhs.len());
            self.residuals(places, Some(rhs), x, |at, r| lanes.add_at(at, r * r));
            *square = lanes.sum();
        });
        squares.into_iter().fold(T::ZERO, |sum, square| sum + square)
    }
}
