//! The recurrence of a lexicographic pass over couplings by cell, one row after the other.
//!
//! ```text
//! f = ω·(1/c),   x_j ← ([keep·x_j +] f·t_j) − (f·along_j)·x_before
//! ```
//! t is what a vector pass could gather, the row behind included.

use pulp::Simd;

use super::star::WINDOW;
use super::{Coefficients, Grid, piece};
use crate::Real;

/// What a pass gathers before the recurrence runs.
pub(super) trait Fill<T: Real> {
    /// q on physical columns `first..first + q.len()` of physical row `row`; x holds finished
    /// values behind and old values ahead.
    fn fill<S: Simd>(&self, simd: S, x: &[T], row: usize, first: usize, q: &mut [T]);
}

/// Runs the recurrence over the whole grid, from the first cell or (`reversed`) from the last.
/// Without `keep`, x is only written.
#[inline(always)]
pub(super) fn march_cells<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    keep: Option<T>,
    source: &impl Fill<T>,
    x: &mut [T],
) {
    let Coefficients::PerCell(star) = grid.coefficients else { return };
    let before_in_row = if reversed { star.east } else { star.west };
    let columns = grid.columns;
    let mut q = [T::ZERO; WINDOW];
    let mut weights = [T::ZERO; WINDOW];
    let all_rows = grid.planes * grid.rows;
    for i in 0..all_rows {
        let row = if reversed { all_rows.saturating_sub(i + 1) } else { i };
        let mut before = T::ZERO;
        let mut from = 0;
        while from < columns {
            let n = (columns - from).min(WINDOW);
            let first = if reversed { columns - from - n } else { from };
            let start = row * columns + first;
            let q = &mut q[..n];
            source.fill(simd, x, row, first, q);
            let Some(x) = x.get_mut(start..start + n) else { return };
            let (inverse, along) = (piece(inverse, start, n), piece(before_in_row, start, n));
            recur(reversed, omega, inverse, along, keep, q, &mut weights, x, &mut before);
            from += n;
        }
    }
}

/// The recurrence over at most a window of cells, from what was gathered of them (`q`) and the cell `before` them, which is
/// then the last of these.
#[inline(always)]
pub(super) fn recur<T: Real>(
    reversed: bool,
    omega: T,
    inverse: &[T],
    along: &[T],
    keep: Option<T>,
    q: &mut [T],
    weights: &mut [T; WINDOW],
    x: &mut [T],
    before: &mut T,
) {
    let weights = weights.get_mut(..q.len()).unwrap_or(&mut []);
    let factors = inverse.iter().zip(along);
    for (((q, g), (&inverse, &c)), &x) in q.iter_mut().zip(&mut *weights).zip(factors).zip(&*x) {
        let f = omega * inverse;
        *g = f * c;
        *q = f * *q;
        if let Some(keep) = keep {
            *q = keep * x + *q;
        }
    }
    let mut step = |x: &mut T, q: T, g: T| {
        *before = q - g * *before;
        *x = *before;
    };
    let cells = x.iter_mut().zip(&*q).zip(&*weights);
    if reversed {
        cells.rev().for_each(|((x, &q), &g)| step(x, q, g));
    } else {
        cells.for_each(|((x, &q), &g)| step(x, q, g));
    }
}
