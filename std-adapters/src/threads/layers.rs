//! Grids cut into bands of layers: rows in the plane, planes in space.

use std::ops::Range;

use southwell::Real;
use southwell_simd::stencil::{self, Coefficients, Grid};
use southwell_simd::vector;

use super::Pool;

/// Cells below which a pass is left to the calling thread.
pub(super) const LEAST: usize = 1 << 14;

/// Cells whose squares are added up together. The blocks are added in order, so that the sum does not depend on the
/// threads.
const BLOCK: usize = 1 << 16;

/// A grid as a pile of layers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layers<'a, T> {
    grid: Grid<'a, T>,
    /// How many.
    pub(super) count: usize,
    /// Cells of each.
    pub(super) size: usize,
}

impl<'a, T: Real> Layers<'a, T> {
    pub(super) fn new(grid: Grid<'a, T>) -> Self {
        if grid.planes > 1 {
            Self { grid, count: grid.planes, size: grid.rows * grid.columns }
        } else {
            Self { grid, count: grid.rows, size: grid.columns }
        }
    }

    /// The cells of some layers.
    pub(super) fn cells(&self, layers: &Range<usize>) -> Range<usize> {
        layers.start * self.size..layers.end * self.size
    }

    /// Some layers as a grid by itself: couplings that lead out of it find nothing.
    pub(super) fn band(&self, layers: &Range<usize>) -> Grid<'a, T> {
        let (cells, count) = (self.cells(layers), layers.len());
        let coefficients = match self.grid.coefficients {
            Coefficients::Constant(star) => Coefficients::Constant(star),
            Coefficients::PerCell(star) => {
                Coefficients::PerCell(star.map(|values| values.get(cells.clone()).unwrap_or(&[])))
            }
        };
        let grid = Grid { coefficients, ..self.grid };
        if self.grid.planes > 1 { Grid { planes: count, ..grid } } else { Grid { rows: count, ..grid } }
    }

    /// Layers cut into so many parts. Who has done a part runs the strip around a cut, of which there is one less than there are
    /// parts: all but the first are smaller by a strip, so that all end at the same time.
    fn parts(&self, parts: usize, strip: usize) -> impl Iterator<Item = Range<usize>> + use<T> {
        let all = self.count + (parts - 1) * strip;
        let cut = move |k: usize| if k == 0 { 0 } else { k * all / parts - (k - 1) * strip };
        (0..parts).map(move |k| cut(k)..cut(k + 1))
    }

    /// Into how many parts a pass is cut that spoils `reach` layers at the ends of a band; 1 to leave it alone.
    pub(super) fn cut(&self, pool: &Pool, reach: usize) -> usize {
        let most = self.count / (8 * reach);
        if self.count * self.size < LEAST { 1 } else { pool.threads().min(most).max(1) }
    }

    /// Elements that [`banded`](Self::banded) takes for its strips.
    pub(super) fn strips_len(&self, parts: usize, reach: usize) -> usize {
        (parts - 1) * 4 * reach * self.size
    }

    /// Runs a pass on bands side by side, all of `y` being their output. What a band reads beyond its ends is
    /// missing, so that the pass spoils `reach` layers there: strips around the cuts, four times as wide, are
    /// run as well, from what was there before, and the good middle of each replaces what was spoilt.
    pub(super) fn banded(
        &self,
        pool: &Pool,
        parts: usize,
        reach: usize,
        y: &mut [T],
        strips: &mut [T],
        pass: impl Fn(Range<usize>, &mut [T]) + Sync,
    ) {
        let around = |cut: usize, reach: usize| cut - reach..cut + reach;
        let strip = 4 * reach;
        let cuts: Vec<usize> = self.parts(parts, strip).skip(1).map(|part| part.start).collect();
        let width = strip * self.size;
        for (&cut, strip) in cuts.iter().zip(strips.chunks_mut(width)) {
            strip.copy_from_slice(&y[self.cells(&around(cut, 2 * reach))]);
        }
        let mut bands = Vec::with_capacity(2 * parts);
        let mut rest = &mut *y;
        for part in self.parts(parts, strip) {
            let (band, after) = rest.split_at_mut(part.len() * self.size);
            bands.push((part, band));
            rest = after;
        }
        let strips_of = strips.chunks_mut(width);
        bands.extend(cuts.iter().zip(strips_of).map(|(&cut, strip)| (around(cut, 2 * reach), strip)));
        pool.each(bands.into_iter(), |(layers, band)| pass(layers, band));
        for (&cut, strip) in cuts.iter().zip(strips.chunks(width)) {
            let middle = reach * self.size..3 * reach * self.size;
            y[self.cells(&around(cut, reach))].copy_from_slice(&strip[middle]);
        }
    }

    pub(super) fn apply(&self, pool: &Pool, x: &[T], y: &mut [T]) {
        let parts = self.cut(pool, 1);
        let mut strips = vec![T::ZERO; self.strips_len(parts, 1)];
        self.banded(pool, parts, 1, y, &mut strips, |layers, y| {
            stencil::apply(self.band(&layers), &x[self.cells(&layers)], y);
        });
    }

    pub(super) fn residual(&self, pool: &Pool, rhs: &[T], x: &[T], r: &mut [T]) {
        let parts = self.cut(pool, 1);
        let mut strips = vec![T::ZERO; self.strips_len(parts, 1)];
        self.banded(pool, parts, 1, r, &mut strips, |layers, r| {
            let cells = self.cells(&layers);
            stencil::residual(self.band(&layers), &rhs[cells.clone()], &x[cells], r);
        });
    }

    pub(super) fn residual_square(&self, pool: &Pool, rhs: &[T], x: &[T]) -> T {
        let block = (BLOCK / self.size.max(1)).max(4);
        let mut squares = vec![T::ZERO; self.count.div_ceil(block)];
        pool.each(squares.iter_mut().enumerate(), |(k, square)| {
            let layers = k * block..((k + 1) * block).min(self.count);
            // With the layers around, which are read and not counted.
            let wide = layers.start.saturating_sub(1)..(layers.end + 1).min(self.count);
            let cells = self.cells(&wide);
            let mut r = vec![T::ZERO; cells.len()];
            stencil::residual(self.band(&wide), &rhs[cells.clone()], &x[cells], &mut r);
            let counted = self.cells(&(layers.start - wide.start..layers.end - wide.start));
            *square = vector::dot(&r[counted.clone()], &r[counted]);
        });
        squares.into_iter().fold(T::ZERO, |sum, square| sum + square)
    }
}
