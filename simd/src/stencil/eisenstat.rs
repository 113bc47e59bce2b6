//! The two triangular halves of SSOR in Eisenstat's form.
//!
//! With A = D + L + U, one iteration needs, and these two passes give (Eisenstat 1981):
//! ```text
//! solve_upper:  t = (D/ω + U)⁻¹ p
//! solve_lower:  v = p − K t,  y = (D/ω + L)⁻¹ v,  w = A t = p + (1 − 1/ω) D t + L t,   K = ((2 − ω)/ω) D
//! ```

use pulp::Simd;

use super::cells::{Fill, march_cells};
use super::march::{Path, Source, Term, march};
use super::reach::lower_row;
use super::sor::copy;
use super::star::{add_scaled, sub_scaled};
use super::{Coefficients, Coupling, Grid, Star, in_turn, piece, plain};
use crate::Real;
use crate::dispatch::pass;
use crate::paths;
use crate::prefetch::ask;

pass! {
    /// t ← (D/ω + U)⁻¹ p. `inverse` as in [`sor_sweep`](super::sor_sweep).
    /// Cost per cell, constant: 1 r, 1 w, 9 operations.
    short(paths::small_in_order(&grid)) narrow(paths::narrow_in_order(&grid)) pub fn solve_upper<'a, T>(grid: Grid<'a, T>, omega: T, inverse: &'a [T], p: &'a [T], t: &'a mut [T]) -> () =
        upper_kernel
}

#[inline(always)]
fn upper_kernel<T: Real, S: Simd>(simd: S, grid: Grid<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    if paths::is_bare::<S>() {
        return plain::upper(&grid, omega, inverse, p, t);
    }
    if paths::by_cells::<S>(paths::small_in_order(&grid)) {
        return in_turn::upper(&grid, omega, inverse, p, t);
    }
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            let upper = Upper { grid: &grid, star, factor, p };
            let path = path(&grid, factor * star.north, factor * star.east);
            if has_beyond(&grid) {
                march::<T, S, _, 1, true>(simd, path, &upper, t, 1);
            } else {
                march::<T, S, _, 0, true>(simd, path, &upper, t, 1);
            }
        }
        Coefficients::PerCell(_) => {
            march_cells(simd, &grid, true, omega, inverse, None, &mut UpperCells { grid: &grid, p }, t);
        }
    }
}

pass! {
    /// y ← (D/ω + L)⁻¹ (p − K t) and w ← A t, given t = (D/ω + U)⁻¹ p.
    /// Cost per cell, constant: 2 r, 2 w and 2 r from cache, 17 operations.
    short(paths::small_in_order(&grid)) narrow(paths::narrow_in_space(&grid)) pub fn solve_lower<'a, T>(
        grid: Grid<'a, T>,
        omega: T,
        inverse: &'a [T],
        p: &'a [T],
        t: &'a [T],
        y: &'a mut [T],
        w: &'a mut [T],
    ) -> () = lower_kernel
}

#[inline(always)]
fn lower_kernel<T: Real, S: Simd>(
    simd: S,
    grid: Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    mut w: &mut [T],
) {
    let weight = (T::TWO - omega) / omega;
    if paths::is_bare::<S>() {
        return plain::lower(&grid, omega, inverse, p, t, y, w);
    }
    if paths::by_cells::<S>(paths::small_in_order(&grid)) {
        return in_turn::lower(&grid, omega, inverse, p, t, y, w);
    }
    let share = T::ONE - T::ONE / omega;
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            let lower = Lower { grid: &grid, star, factor, weight: weight * star.centre, p, t };
            let path = path(&grid, factor * star.south, factor * star.west);
            if has_beyond(&grid) {
                march::<T, S, _, 2, false>(simd, path, &lower, y, 1);
            } else {
                march::<T, S, _, 1, false>(simd, path, &lower, y, 1);
            }
        }
        Coefficients::PerCell(_) => {
            // Where what the product reads would come back from further away, it is formed in the same loop.
            let (inside, after) = if paths::is_beside(y) { (w, &mut [][..]) } else { (&mut [][..], w) };
            let mut lower = LowerCells { grid: &grid, weight, share, p, t, w: inside };
            march_cells(simd, &grid, false, omega, inverse, None, &mut lower, y);
            w = after;
        }
    }
    product(simd, &grid, share, p, t, w);
}

#[inline(always)]
pub(super) fn path<T: Real>(grid: &Grid<'_, T>, across: T, along: T) -> Path<T> {
    Path { planes: grid.planes, rows: grid.rows, columns: grid.columns, across, along }
}

/// Whether a row has a term of the plane beyond it. Without one, a row in the plane goes by windows; in one that is too
/// short for a whole window the look for the term costs less than what a shorter window takes.
#[inline(always)]
fn has_beyond<T>(grid: &Grid<'_, T>) -> bool {
    grid.planes > 1 || paths::shorter_than_a_window(grid.columns)
}

/// w ← p + (1 − 1/ω) D t + L t.
#[inline(always)]
fn product<T: Real, S: Simd>(simd: S, grid: &Grid<'_, T>, share: T, p: &[T], t: &[T], w: &mut [T]) {
    for (row, w) in w.chunks_exact_mut(grid.columns.max(1)).enumerate() {
        product_of_row(simd, grid, share, p, t, row, 0, w);
    }
}

/// The same on the columns of a row from `first` on: p, diagonal, west, south, down.
#[inline(always)]
pub(super) fn product_of_row<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    share: T,
    p: &[T],
    t: &[T],
    row: usize,
    first: usize,
    w: &mut [T],
) {
    let around = grid.around(row);
    let coupling = grid.coefficients.from(row * grid.columns + first);
    let here = grid.row_of(t, Some(row), first);
    let known = grid.row_of(p, Some(row), first);
    if let (Coefficients::Constant(star), 1, Some(south)) = (grid.coefficients, grid.planes, around.south) {
        let (start, n) = (row * grid.columns + first, w.len());
        let south = south * grid.columns + first;
        // Above another row, so there is a cell before the first one in memory, if not in the grid.
        let beside = [start, start.saturating_sub(1), south].map(|from| piece(t, from, n));
        return lower_row(simd, star, share, piece(known, 0, n), beside, first == 0, w);
    }
    match coupling.centre {
        Coupling::Uniform(c) => {
            for ((w, &p), &t) in w.iter_mut().zip(known).zip(here) {
                *w = p + share * (c * t);
            }
        }
        Coupling::Cells(c) => {
            for (((w, &p), &t), &c) in w.iter_mut().zip(known).zip(here).zip(c) {
                *w = p + share * (c * t);
            }
        }
    }
    // The first column has no west: its terms begin one cell later.
    let skip = usize::from(first == 0);
    if let Some(w) = w.get_mut(skip..) {
        let west = grid.row_of(t, Some(row), first.saturating_sub(1));
        add_scaled(simd, coupling.west.skip(skip), west, w);
    }
    add_scaled(simd, coupling.south, grid.row_of(t, around.south, first), w);
    add_scaled(simd, coupling.down, grid.row_of(t, around.down, first), w);
}

/// q = (ω/c)·(p − up·t_U)
pub(super) struct Upper<'a, T> {
    pub(super) grid: &'a Grid<'a, T>,
    pub(super) star: Star<T>,
    pub(super) factor: T,
    pub(super) p: &'a [T],
}

/// `K` is 0 where no row has a plane beyond it.
impl<T: Real, const K: usize> Source<T, K> for Upper<'_, T> {
    const KEEPS: bool = false;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.p
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; K] {
        [Term { c: self.star.up, of: None, row: self.grid.around(row).up }; K]
    }

    #[inline(always)]
    fn factors(&self) -> [T; 3] {
        [self.factor, T::ZERO, T::ZERO]
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.p, from, len);
    }
}

/// q = (ω/c)·((p − K t) − down·y_D)
pub(super) struct Lower<'a, T> {
    pub(super) grid: &'a Grid<'a, T>,
    pub(super) star: Star<T>,
    pub(super) factor: T,
    pub(super) weight: T,
    pub(super) p: &'a [T],
    pub(super) t: &'a [T],
}

/// `K` is 1 where no row has a plane beyond it.
impl<T: Real, const K: usize> Source<T, K> for Lower<'_, T> {
    const KEEPS: bool = false;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.p
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; K] {
        let mut terms = [Term { c: self.star.down, of: None, row: self.grid.around(row).down }; K];
        if let Some(weighed) = terms.first_mut() {
            *weighed = Term { c: self.weight, of: Some(self.t), row: Some(row) };
        }
        terms
    }

    #[inline(always)]
    fn factors(&self) -> [T; 3] {
        [self.factor, T::ZERO, T::ZERO]
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.p, from, len);
        ask(self.t, from, len);
    }
}

/// t-part of the upper solve by cell: ((p − up) − north).
struct UpperCells<'a, T> {
    grid: &'a Grid<'a, T>,
    p: &'a [T],
}

impl<T: Real> Fill<T> for UpperCells<'_, T> {
    const MUCH: bool = false;

    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, t: &[T], row: usize, first: usize, q: &mut [T]) {
        let grid = self.grid;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns + first);
        let (up, north) = (grid.row_of(t, around.up, first), grid.row_of(t, around.north, first));
        upper_cells(simd, coupling, grid.row_of(self.p, Some(row), first), up, north, q);
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        ask(self.p, from, len);
        let Coefficients::PerCell(star) = self.grid.coefficients else { return };
        ask(star.north, from, len);
        if self.grid.planes > 1 {
            ask(star.up, from, len);
        }
    }
}

/// q ← (p − up) − north
#[inline(always)]
pub(super) fn upper_cells<T: Real, S: Simd>(
    simd: S,
    coupling: Star<Coupling<'_, T>>,
    p: &[T],
    up: &[T],
    north: &[T],
    q: &mut [T],
) {
    copy(p, q);
    sub_scaled(simd, coupling.up, up, q);
    sub_scaled(simd, coupling.north, north, q);
}

/// y-part of the lower solve by cell, (((p − K t) − down) − south), and w ← A t where there is a w.
struct LowerCells<'a, T> {
    grid: &'a Grid<'a, T>,
    weight: T,
    share: T,
    p: &'a [T],
    t: &'a [T],
    w: &'a mut [T],
}

impl<T: Real> Fill<T> for LowerCells<'_, T> {
    const MUCH: bool = true;

    #[inline(always)]
    fn fill<S: Simd>(&mut self, simd: S, y: &[T], row: usize, first: usize, q: &mut [T]) {
        let grid = self.grid;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns + first);
        let (p, t) = (grid.row_of(self.p, Some(row), first), grid.row_of(self.t, Some(row), first));
        let (down, south) = (grid.row_of(y, around.down, first), grid.row_of(y, around.south, first));
        lower_cells(simd, coupling, self.weight, p, t, down, south, q);
        let start = row * grid.columns + first;
        if let Some(w) = self.w.get_mut(start..start + q.len()) {
            product_of_row(simd, grid, self.share, self.p, self.t, row, first, w);
        }
    }

    #[inline(always)]
    fn ask(&self, from: usize, len: usize) {
        let Coefficients::PerCell(star) = self.grid.coefficients else { return };
        for x in [self.p, self.t, &*self.w, star.centre, star.south] {
            ask(x, from, len);
        }
        if self.grid.planes > 1 {
            ask(star.down, from, len);
        }
    }
}

/// q ← ((p − K t) − down) − south
#[inline(always)]
pub(super) fn lower_cells<T: Real, S: Simd>(
    simd: S,
    coupling: Star<Coupling<'_, T>>,
    weight: T,
    p: &[T],
    t: &[T],
    down: &[T],
    south: &[T],
    q: &mut [T],
) {
    if let Coupling::Cells(centre) = coupling.centre {
        for ((q, (&p, &t)), &c) in q.iter_mut().zip(p.iter().zip(t)).zip(centre) {
            *q = p - (weight * c) * t;
        }
    }
    sub_scaled(simd, coupling.down, down, q);
    sub_scaled(simd, coupling.south, south, q);
}
