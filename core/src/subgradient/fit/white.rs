//! The loss in well-conditioned coordinates.

use southwell_simd::{dense, vector};

use crate::Real;
use crate::copy::CopyFrom;
use crate::subgradient::quantile::Quantile;
use crate::subgradient::sum::Sum;
use crate::subgradient::{Oracle, small};

/// Some rows of a fit in the coordinates of the run, and their observations.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    loss: Quantile<'a, T>,
    matrix: dense::Matrix<'a, T>,
    first: usize,
    count: usize,
}

impl<T: Real> Rows<'_, T> {
    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// `count` of them, from `first` on; fewer where there are fewer.
    #[must_use]
    pub fn part(&self, first: usize, count: usize) -> Self {
        let first = first.min(self.count);
        let count = count.min(self.count.saturating_sub(first));
        Self { first: self.first.saturating_add(first), count, ..*self }
    }

    /// Σ w ρ_q(y − z·x) over these rows, g ← Σ −s z, and the slopes s where there is room for them. Cost: one reading
    /// of the rows.
    pub fn read(&self, x: &[T], slopes: &mut [T], g: &mut [T]) -> T {
        let Self { loss, matrix, first, count } = self;
        let stride = matrix.stride;
        let start = first.saturating_mul(stride);
        let end = start.saturating_add(count.saturating_mul(stride));
        let values = matrix.values.get(start..end.min(matrix.values.len())).unwrap_or(&[]);
        let mut sum = Sum::new();
        g.fill(T::ZERO);
        dense::update_rows(dense::Matrix { values, ..*matrix }, x, g, |row, product| {
            let place = first.saturating_add(row);
            let Some(&y) = loss.y.get(place) else { return T::ZERO };
            let (share, slope) = loss.loss(place, y - product);
            sum.add(share);
            if let Some(kept) = slopes.get_mut(row) {
                *kept = slope;
            }
            -slope
        });
        sum.value()
    }
}

/// Who reads the rows in every step: the calling thread, `()`, or whoever shares them out.
pub trait Reader<T: Real> {
    /// As [`Rows::read`] of all rows.
    fn read(&self, rows: &Rows<'_, T>, x: &[T], slopes: &mut [T], g: &mut [T]) -> T;
}

impl<T: Real> Reader<T> for () {
    fn read(&self, rows: &Rows<'_, T>, x: &[T], slopes: &mut [T], g: &mut [T]) -> T {
        rows.read(x, slopes, g)
    }
}

/// The loss in coordinates b, and the average of its slopes.
#[derive(Debug)]
pub(super) struct White<'a, T, P> {
    pub(super) reader: P,
    pub(super) loss: Quantile<'a, T>,
    pub(super) rows: dense::Matrix<'a, T>,
    /// What columns of `rows` are divided by; empty for 1.
    pub(super) scales: &'a [T],
    pub(super) scaled: &'a mut [T],
    /// The slopes s of the last call, Σ η s and Σ η, if a bound is wanted.
    pub(super) slopes: &'a mut [T],
    pub(super) mean: &'a mut [T],
    pub(super) total: T,
}

impl<T: Real, P> White<'_, T, P> {
    pub(super) fn divide(&mut self, x: &[T]) {
        self.scaled.copy_from(x);
        self.scaled.iter_mut().zip(self.scales).for_each(|(x, &scale)| *x /= scale);
    }
}

impl<T: Real, P: Reader<T>> Oracle<T> for White<'_, T, P> {
    fn dimension(&self) -> usize {
        self.rows.columns
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        self.divide(x);
        let Self { reader, loss, rows, scales, scaled, slopes, .. } = self;
        let all = Rows { loss: *loss, matrix: *rows, first: 0, count: loss.y.len() };
        let value = reader.read(&all, scaled, slopes, g);
        g.iter_mut().zip(*scales).for_each(|(g, &scale)| *g /= scale);
        value
    }

    fn weigh(&mut self, factor: T) {
        vector::axpy(factor, self.slopes, self.mean);
        self.total += factor;
    }
}

/// b ← the least-squares fit with the loss's weights, if its normal equations can be solved.
pub(super) fn least_squares<T: Real, P>(
    white: &mut White<'_, T, P>,
    b: &mut [T],
    row: &mut [T],
    memory: &mut [T],
) {
    let p = b.len();
    let Some((normal, rest)) = memory.split_at_mut_checked(p.saturating_mul(p)) else { return };
    let Some(rhs) = rest.get_mut(..p) else { return };
    normal.fill(T::ZERO);
    rhs.fill(T::ZERO);
    for (i, &y) in white.loss.y.iter().enumerate() {
        row.copy_from(white.rows.row(i));
        row.iter_mut().zip(white.scales).for_each(|(z, &scale)| *z /= scale);
        let weight = white.loss.weight(i);
        vector::axpy(weight * y, row, rhs);
        for (entries, &z) in normal.chunks_exact_mut(p.max(1)).zip(&*row) {
            vector::axpy(weight * z, row, entries);
        }
    }
    // A column that was cleared keeps the coefficient 0.
    for (i, entries) in normal.chunks_exact_mut(p.max(1)).enumerate() {
        entries.get_mut(i).into_iter().filter(|d| **d == T::ZERO).for_each(|d| *d = T::ONE);
    }
    if small::cholesky(normal, p) {
        small::cholesky_solve(normal, rhs);
        if vector::first_not_finite(rhs).is_none() {
            b.copy_from(rhs);
        }
    }
}
