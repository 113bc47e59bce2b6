//! The loss in well-conditioned coordinates.

use southwell_simd::{dense, vector};

use crate::Real;
use crate::copy::CopyFrom;
use crate::subgradient::quantile::Quantile;
use crate::subgradient::sum::Sum;
use crate::subgradient::{Oracle, small};

/// The loss in coordinates b, and the average of its slopes.
#[derive(Debug)]
pub(super) struct White<'a, T> {
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

impl<T: Real> White<'_, T> {
    pub(super) fn divide(&mut self, x: &[T]) {
        self.scaled.copy_from(x);
        self.scaled.iter_mut().zip(self.scales).for_each(|(x, &scale)| *x /= scale);
    }
}

impl<T: Real> Oracle<T> for White<'_, T> {
    fn dimension(&self) -> usize {
        self.rows.columns
    }

    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        self.divide(x);
        let Self { loss, rows, scales, scaled, slopes, .. } = self;
        let mut sum = Sum::new();
        g.fill(T::ZERO);
        dense::update_rows(*rows, scaled, g, |row, product| {
            let Some(&y) = loss.y.get(row) else { return T::ZERO };
            let (share, slope) = loss.loss(row, y - product);
            sum.add(share);
            if let Some(kept) = slopes.get_mut(row) {
                *kept = slope;
            }
            -slope
        });
        g.iter_mut().zip(*scales).for_each(|(g, &scale)| *g /= scale);
        sum.value()
    }

    fn weigh(&mut self, factor: T) {
        vector::axpy(factor, self.slopes, self.mean);
        self.total += factor;
    }
}

/// b ← the least-squares fit with the loss's weights, if its normal equations can be solved.
pub(super) fn least_squares<T: Real>(white: &mut White<'_, T>, b: &mut [T], row: &mut [T], memory: &mut [T]) {
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
