//! [Strips](super::strips) with couplings by cell: their rows go together, each a window behind the one before, as
//! [those of a grid](super::cells) do.

use pulp::Simd;

use super::cells::{Cells, Factors, Going, Place, ROWS, side_by_side};
use super::eisenstat::{lower_cells, product_of_row, upper_cells};
use super::star::WINDOW;
use super::strips::{Next, Order, Strip, next};
use super::{Coefficients, Grid, piece};
use crate::Real;
use crate::paths::{by_cell_together, is_from_memory};
use crate::prefetch::ask;

/// What the lower half has besides: (2 − ω)/ω, t, 1 − 1/ω, and pieces of the products, if any. These are formed in the same loop,
/// for which what they read is there.
pub(super) struct Weighed<'a, 's, 'x, T> {
    pub(super) weight: T,
    pub(super) t: &'a [T],
    pub(super) share: T,
    pub(super) products: &'s mut [&'x mut [T]],
}

/// What a half reads besides what it solves.
struct Half<'a, 's, 'x, T> {
    grid: &'a Grid<'a, T>,
    factors: Factors<'a, T>,
    p: &'a [T],
    weighed: Option<Weighed<'a, 's, 'x, T>>,
    /// Of the strip.
    first: usize,
}

/// Couplings by cell; the lower half, which travels forward, if `weighed`, else the upper one.
#[inline(always)]
pub(super) fn by_cell<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    (omega, inverse): (T, &[T]),
    p: &[T],
    weighed: Option<Weighed<'_, '_, '_, T>>,
    strip: Strip<'_, '_, T>,
) {
    let Coefficients::PerCell(star) = grid.coefficients else { return };
    let reversed = weighed.is_none();
    let along = if reversed { star.east } else { star.west };
    let factors = Factors { omega, inverse, along, keep: None };
    let mut half = Half { grid, factors, p, weighed, first: strip.columns.start };
    let order = Order::new(grid, &strip);
    let columns = strip.columns.len();
    // All of p, as the strip has pieces of x alone.
    match by_cell_together(columns, p, !reversed && is_from_memory(p)) {
        None => row_by_row(simd, &mut half, order, strip),
        Some(by) => {
            let (rows, windows) = (strip.now.len(), columns.div_ceil(by.width.max(1)));
            let going = Going { rows, columns, reversed, windows, by };
            wavefront(simd, &mut half, order, &going, strip);
        }
    }
}

impl<T: Real> Half<'_, '_, '_, T> {
    /// What is gathered of a window of a row, the `step`-th, that begins `first` cells after the piece does; the number of its first
    /// cell.
    #[inline(always)]
    fn gather<S: Simd>(
        &mut self,
        simd: S,
        step: usize,
        next: &Next<'_, T>,
        first: usize,
        q: &mut [T],
    ) -> usize {
        let (grid, n) = (self.grid, q.len());
        let start = next.row * grid.columns + self.first + first;
        let coupling = grid.coefficients.from(start);
        let (p, beyond, behind) =
            (piece(self.p, start, n), piece(next.beyond, first, n), piece(next.behind, first, n));
        match &mut self.weighed {
            None => upper_cells(simd, coupling, p, beyond, behind, q),
            Some(Weighed { weight, t, share, products }) => {
                lower_cells(simd, coupling, *weight, p, piece(t, start, n), beyond, behind, q);
                if let Some(w) = products.get_mut(step).and_then(|w| w.get_mut(first..first + n)) {
                    product_of_row(simd, grid, *share, self.p, t, next.row, self.first + first, w);
                }
            }
        }
        start
    }

    /// Asks for what `gather` and the recurrence read of a window of a row.
    #[inline(always)]
    fn ask(&self, row: usize, first: usize, count: usize) {
        let Coefficients::PerCell(star) = self.grid.coefficients else { return };
        let start = row * self.grid.columns + self.first + first;
        let of_half = match &self.weighed {
            None => [star.north, &[], &[]],
            Some(weighed) => [star.south, star.centre, weighed.t],
        };
        for x in of_half.into_iter().chain([self.p, self.factors.inverse, self.factors.along]) {
            ask(x, start, count);
        }
    }
}

/// One row after the other.
#[inline(always)]
fn row_by_row<T: Real, S: Simd>(
    simd: S,
    half: &mut Half<'_, '_, '_, T>,
    order: Order,
    strip: Strip<'_, '_, T>,
) {
    let reversed = half.weighed.is_none();
    let (mut q, mut weights) = ([T::ZERO; WINDOW], [T::ZERO; WINDOW]);
    let Strip { pieces, now, entries, behind, .. } = strip;
    for (step, entry) in now.zip(entries) {
        let Some(next) = next(order, step, reversed, pieces, behind) else { return };
        let (len, mut from) = (next.here.len(), 0);
        while from < len {
            let n = (len - from).min(WINDOW);
            let first = if reversed { len - from - n } else { from };
            let q = &mut q[..n];
            let start = half.gather(simd, step, &next, first, q);
            let Some(x) = next.here.get_mut(first..first + n) else { return };
            half.factors.recur(reversed, start, q, &mut weights, x, entry);
            from += n;
        }
    }
}

/// [`ROWS`] rows together.
#[inline(always)]
fn wavefront<T: Real, S: Simd>(
    simd: S,
    half: &mut Half<'_, '_, '_, T>,
    order: Order,
    going: &Going,
    strip: Strip<'_, '_, T>,
) {
    let Strip { pieces, now, entries, behind, .. } = strip;
    let (mut q, mut weights) = ([[T::ZERO; WINDOW]; ROWS], [[T::ZERO; WINDOW]; ROWS]);
    let mut at = Place::firsts();
    let mut before = [T::ZERO; ROWS];
    for turn in 0..going.turns() {
        let begun = ROWS.min(turn + 1);
        let rows = at.iter().zip(&mut q).zip(&mut weights).zip(&mut before);
        for (((&at, q), weights), before) in rows.take(begun) {
            let Some(Cells { first, count, .. }) = going.cells(at) else { continue };
            let step = now.start + at.row;
            let Some(next) = next(order, step, going.reversed, pieces, behind) else { return };
            if at.window == 0 {
                *before = entries.get(at.row).copied().unwrap_or(T::ZERO);
            }
            let (q, weights) = (going.part_of(q, count), going.part_of(weights, count));
            let start = half.gather(simd, step, &next, first, q);
            half.factors.prepare(start, piece(next.here, first, count), q, weights);
            let later = going.later(at);
            if going.by.asks
                && let Some(Cells { first, count, .. }) = going.cells(later)
            {
                half.ask(order.row(now.start + later.row, going.reversed), first, count);
            }
        }
        side_by_side(going, &mut q, &weights, &mut before);
        for (at, q) in at.iter_mut().zip(&mut q).take(begun) {
            if let Some(Cells { first, count, .. }) = going.cells(*at)
                && let Some(here) = pieces.get_mut(now.start + at.row)
                && let Some(x) = here.get_mut(first..first + count)
            {
                x.copy_from_slice(going.part_of(q, count));
                let last = if going.reversed { here.first() } else { here.last() };
                if let (Some(entry), Some(&last)) = (entries.get_mut(at.row), last) {
                    *entry = last;
                }
            }
            *at = going.later(*at);
        }
    }
}
