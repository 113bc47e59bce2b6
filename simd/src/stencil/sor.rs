//! A lexicographic SOR sweep.
//!
//! Constant couplings, forward (backward exchanges the neighbours):
//! ```text
//! t = ((b − down·x_D) − up·x_U) − north·x_N − east·x_E        (what is known before the row runs)
//! q = (1 − ω)·x + (ω/c)·t
//! x ← (q − (ω/c)·south·x_S) − (ω/c)·west·x_W                  (the recurrence, doubled along the row)
//! ```
//! with ω/c computed as ω·(1/c). Couplings by cell: the south joins t, after the others, and
//! x ← ((1 − ω)·x + f·t) − (f·west)·x_W with f = ω·(1/c) of the cell.

use pulp::Simd;

use super::cells::{Fill, march_cells};
use super::march::{Path, Source, Term, march};
use super::star::sub_scaled;
use super::{Coefficients, Coupling, Grid, Star, in_turn, plain};
use crate::Real;
use crate::dispatch::pass;
use crate::paths;
use crate::prefetch::ask;

/// One sweep in place, from the first cell or (`reversed`) from the last. `inverse` holds the
/// reciprocal diagonal for couplings by cell and is not read for constant ones.
///
/// Cost per cell, constant: 2 r, 1 w (24 bytes in `f64`), 15 operations; by cell: 7 r, 1 w in two
/// dimensions.
#[inline]
pub fn sor_sweep<T: Real>(
    grid: Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    sor_sweeps(grid, reversed, omega, inverse, rhs, x, 1);
}

pass! {
    /// `count` sweeps in place, with the bits of as many [`sor_sweep`]s. With constant couplings up to eight
    /// go through the cache together, each a row (a plane) behind the one before (temporal blocking).
    ///
    /// Cost per cell and sweep then: an eighth of 2 r, 1 w; 15 operations.
    short(paths::small_in_order(&grid)) narrow(paths::narrow_in_space(&grid)) pub fn sor_sweeps<'a, T>(
        grid: Grid<'a, T>,
        reversed: bool,
        omega: T,
        inverse: &'a [T],
        rhs: &'a [T],
        x: &'a mut [T],
        count: usize,
    ) -> () = sweeps_kernel
}

#[inline(always)]
fn sweeps_kernel<T: Real, S: Simd>(
    simd: S,
    grid: Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
    count: usize,
) {
    if paths::is_bare::<S>() {
        return (0..count).for_each(|_| plain::sweep(&grid, reversed, omega, inverse, rhs, x));
    }
    if paths::by_cells::<S>(paths::small_in_order(&grid)) {
        return in_turn::sweeps(&grid, reversed, omega, inverse, rhs, x, count);
    }
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            let gather = Gather { grid: &grid, star, keep: T::ONE - omega, factor, rhs, reversed };
            let (across, along) = if reversed { (star.north, star.east) } else { (star.south, star.west) };
            let path = Path {
                planes: grid.planes,
                rows: grid.rows,
                columns: grid.columns,
                across: factor * across,
                along: factor * along,
            };
            match (reversed, grid.planes > 1) {
                (false, false) => march::<T, S, _, 1, false>(simd, path, &gather, x, count),
                (true, false) => march::<T, S, _, 1, true>(simd, path, &gather, x, count),
                (false, true) => march::<T, S, _, 3, false>(simd, path, &gather, x, count),
                (true, true) => march::<T, S, _, 3, true>(simd, path, &gather, x, count),
            }
        }
        Coefficients::PerCell(_) => {
            let mut gather = GatherCells { grid: &grid, rhs, reversed };
            for _ in 0..count {
                march_cells(simd, &grid, reversed, omega, inverse, Some(T::ONE - omega), &mut gather, x);
            }
        }
    }
}

/// The vector part with constant couplings.
struct Gather<'a, T> {
    grid: &'a Grid<'a, T>,
    star: Star<T>,
    keep: T,
    factor: T,
    rhs: &'a [T],
    reversed: bool,
}

impl<T: Real> Gather<'_, T> {
    /// The term of the row ahead.
    #[inline(always)]
    fn ahead(&self, around: &Star<Option<usize>>) -> Term<'_, T> {
        if self.reversed {
            Term { c: self.star.south, of: None, row: around.south }
        } else {
            Term { c: self.star.north, of: None, row: around.north }
        }
    }

    #[inline(always)]
    fn factors(&self) -> [T; 3] {
        [self.factor, if self.reversed { self.star.west } else { self.star.east }, self.keep]
    }
}

/// In two dimensions.
impl<T: Real> Source<T, 1> for Gather<'_, T> {
    const KEEPS: bool = true;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.rhs
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; 1] {
        [self.ahead(&self.grid.around(row))]
    }

    #[inline(always)]
    fn factors(&self) -> [T; 3] {
        Gather::factors(self)
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.rhs, from, len);
    }
}

/// In three.
impl<T: Real> Source<T, 3> for Gather<'_, T> {
    const KEEPS: bool = true;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.rhs
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; 3] {
        let around = self.grid.around(row);
        let down = Term { c: self.star.down, of: None, row: around.down };
        let up = Term { c: self.star.up, of: None, row: around.up };
        [down, up, self.ahead(&around)]
    }

    #[inline(always)]
    fn factors(&self) -> [T; 3] {
        Gather::factors(self)
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.rhs, from, len);
    }
}

/// The vector part with couplings by cell: everything but the neighbour before in the row.
struct GatherCells<'a, T> {
    grid: &'a Grid<'a, T>,
    rhs: &'a [T],
    reversed: bool,
}

impl<T: Real> Fill<T> for GatherCells<'_, T> {
    const MUCH: bool = true;

    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, x: &[T], row: usize, first: usize, q: &mut [T]) {
        let grid = self.grid;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns + first);
        copy(grid.row_of(self.rhs, Some(row), first), q);
        sub_scaled(simd, coupling.down, grid.row_of(x, around.down, first), q);
        sub_scaled(simd, coupling.up, grid.row_of(x, around.up, first), q);
        if self.reversed {
            sub_scaled(simd, coupling.south, grid.row_of(x, around.south, first), q);
            sub_west(simd, coupling.west, grid.row_of(x, Some(row), 0), first, q);
            sub_scaled(simd, coupling.north, grid.row_of(x, around.north, first), q);
        } else {
            sub_scaled(simd, coupling.north, grid.row_of(x, around.north, first), q);
            sub_scaled(simd, coupling.east, grid.row_of(x, Some(row), first + 1), q);
            sub_scaled(simd, coupling.south, grid.row_of(x, around.south, first), q);
        }
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.rhs, from, len);
        let Coefficients::PerCell(star) = self.grid.coefficients else { return };
        let beside = if self.reversed { star.west } else { star.east };
        for couplings in [star.south, star.north, beside] {
            ask(couplings, from, len);
        }
        if self.grid.planes > 1 {
            ask(star.down, from, len);
            ask(star.up, from, len);
        }
    }
}

/// q ← x over the common length.
#[inline(always)]
pub(super) fn copy<T: Copy>(x: &[T], q: &mut [T]) {
    for (q, &x) in q.iter_mut().zip(x) {
        *q = x;
    }
}

/// q ← q − c·x_W on columns from `first` on; the first column of a row has no west.
#[inline(always)]
pub(super) fn sub_west<T: Real, S: Simd>(simd: S, c: Coupling<'_, T>, row: &[T], first: usize, q: &mut [T]) {
    if first == 0 {
        if let Some(q) = q.get_mut(1..) {
            sub_scaled(simd, c.skip(1), row, q);
        }
    } else {
        sub_scaled(simd, c, row.get(first - 1..).unwrap_or(&[]), q);
    }
}
