//! Stencils: their products, and red-black sweeps.

use southwell::linear::update::CgUpdate;
use southwell::linear::{Matrix, Stencil2d, Stencil3d};
use southwell::relaxation::{RedBlack, Relax};
use southwell::{Error, Real};
use southwell_simd::stencil;

use super::layers::Layers;
use super::{Threaded, updates};

/// Products with a stencil are made in bands of rows (of planes); each cell has the bits of one thread, the square of a
/// residual is added up in blocks of 65,536 cells.
macro_rules! matrix_of_layers {
    ($view:ty, $self:ident => $grid:expr) => {
        impl<T: Real> Matrix<T> for Threaded<'_, $view> {
            fn order(&self) -> usize {
                self.inner.order()
            }
            fn diagonal(&self, row: usize) -> Option<T> {
                self.inner.diagonal(row)
            }
            fn off_diagonal(&self, row: usize) -> T {
                self.inner.off_diagonal(row)
            }
            fn apply(&$self, x: &[T], y: &mut [T]) {
                Layers::new($grid).apply($self.pool, x, y);
            }
            fn apply_products(&$self, x: &[T], y: &mut [T]) -> (T, T) {
                $self.apply(x, y);
                updates::products($self.pool, x, y)
            }
            fn update_cg(&$self, update: CgUpdate<'_, T>) -> T {
                updates::update_cg($self.pool, update)
            }
            fn residual(&$self, rhs: &[T], x: &[T], r: &mut [T]) {
                Layers::new($grid).residual($self.pool, rhs, x, r);
            }
            fn residual_square(&$self, rhs: &[T], x: &[T]) -> T {
                Layers::new($grid).residual_square($self.pool, rhs, x)
            }
        }
    };
}

matrix_of_layers!(Stencil2d<'_, T>, self => self.inner.grid());
matrix_of_layers!(Stencil3d<'_, T>, self => self.inner.grid());
matrix_of_layers!(RedBlack<Stencil2d<'_, T>>, self => self.inner.stencil().grid());
matrix_of_layers!(RedBlack<Stencil3d<'_, T>>, self => self.inner.stencil().grid());

/// Half-sweeps that a sweep consists of: each looks one layer farther.
const HALVES: usize = 2;

/// Sweeps that are made before the bands meet, at most: as many as core makes in one pass over memory.
const TOGETHER: usize = 4;

/// The largest part of all layers that strips may make up, as 1 in so many, before fewer sweeps go together: of a grid that
/// a cache holds, and of one from memory, where a pass costs more than the cells of a strip.
const SHARE: usize = 12;
const SHARE_OF_MEMORY: usize = 6;

/// Cells of a grid that no cache holds.
const MEMORY: usize = 1 << 21;

impl<T: Real> Layers<'_, T> {
    /// Into how many parts a sweep is cut, and how many sweeps go together.
    fn plan(&self, threads: usize) -> (usize, usize) {
        if self.count * self.size < super::layers::LEAST {
            return (1, TOGETHER);
        }
        let most = self.count / (8 * HALVES);
        let parts = threads.min(most).max(1);
        let extra = 4 * HALVES * (parts - 1);
        let share = if self.count * self.size < MEMORY { SHARE } else { SHARE_OF_MEMORY };
        let together = self.count.checked_div(extra * share).unwrap_or(TOGETHER);
        (parts, together.clamp(1, TOGETHER))
    }
}

/// Bands of rows (of planes) are swept side by side. A sweep looks two layers beyond a band, so the rows about each cut
/// are swept once more by themselves, from copies: some layers of work for each thread, and one meeting for up to four
/// sweeps. A cell is computed from the same numbers in the same order as by one thread.
macro_rules! relax_in_bands {
    ($stencil:ident) => {
        impl<T: Real> Relax<T> for Threaded<'_, RedBlack<$stencil<'_, T>>> {
            fn scratch_len(&self) -> usize {
                let layers = Layers::new(self.inner.stencil().grid());
                let (parts, together) = layers.plan(self.pool.threads());
                self.inner.scratch_len() + layers.strips_len(parts, HALVES * together)
            }
            fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
                self.inner.prepare(&mut scratch[..self.inner.scratch_len()])
            }
            fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
                self.sweeps(reversed, omega, scratch, rhs, x, 1);
            }
            fn sweeps(
                &self,
                reversed: bool,
                omega: T,
                scratch: &mut [T],
                rhs: &[T],
                x: &mut [T],
                count: u32,
            ) {
                let (inverse, strips) = scratch.split_at_mut(self.inner.scratch_len());
                let layers = Layers::new(self.inner.stencil().grid());
                let (parts, together) = layers.plan(self.pool.threads());
                if parts == 1 {
                    return self.inner.sweeps(reversed, omega, inverse, rhs, x, count);
                }
                let mut left = count as usize;
                while left > 0 {
                    let now = left.min(together);
                    left -= now;
                    layers.banded(self.pool, parts, HALVES * now, x, strips, |band, x| {
                        let cells = layers.cells(&band);
                        let inverse = inverse.get(cells.clone()).unwrap_or(&[]);
                        // In a band that begins with an odd layer the colours have changed names.
                        let reversed = reversed != (band.start % 2 == 1);
                        let grid = layers.band(&band);
                        stencil::red_black_sweeps(grid, reversed, omega, inverse, &rhs[cells], x, now);
                    });
                }
            }
        }
    };
}

relax_in_bands!(Stencil2d);
relax_in_bands!(Stencil3d);
