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
use super::{Coefficients, Coupling, Grid, Star, plain, small};
use crate::Real;
use crate::dispatch::pass;
use crate::prefetch::ask;

pass! {
    /// t ← (D/ω + U)⁻¹ p. `inverse` as in [`sor_sweep`](super::sor_sweep).
    /// Cost per cell, constant: 1 r, 1 w, 9 operations.
    short(grid.is_small_in_order()) pub fn solve_upper<'a, T>(grid: Grid<'a, T>, omega: T, inverse: &'a [T], p: &'a [T], t: &'a mut [T]) -> () =
        upper_kernel
}

#[inline(always)]
fn upper_kernel<T: Real, S: Simd>(simd: S, grid: Grid<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    if plain::is_plain::<S>() {
        return plain::half(&grid, omega, inverse, p, None, t);
    }
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            let upper = Upper { grid: &grid, star, factor, p };
            march::<T, S, _, 1, true>(
                simd,
                path(&grid, factor * star.north, factor * star.east),
                &upper,
                t,
                1,
            );
        }
        Coefficients::PerCell(star) if S::IS_SCALAR && grid.is_small_in_order() => {
            small::upper(&grid, star, omega, inverse, p, t);
        }
        Coefficients::PerCell(_) => {
            march_cells(simd, &grid, true, omega, inverse, None, &UpperCells { grid: &grid, p }, t);
        }
    }
}

pass! {
    /// y ← (D/ω + L)⁻¹ (p − K t) and w ← A t, given t = (D/ω + U)⁻¹ p.
    /// Cost per cell, constant: 2 r, 2 w and 2 r from cache, 17 operations.
    short(grid.is_small_in_order()) pub fn solve_lower<'a, T>(
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
    w: &mut [T],
) {
    let weight = (T::TWO - omega) / omega;
    if plain::is_plain::<S>() {
        return plain::lower(&grid, omega, inverse, p, t, y, w);
    }
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            let lower = Lower { grid: &grid, star, factor, weight: weight * star.centre, p, t };
            march::<T, S, _, 2, false>(
                simd,
                path(&grid, factor * star.south, factor * star.west),
                &lower,
                y,
                1,
            );
        }
        Coefficients::PerCell(star) if S::IS_SCALAR && grid.is_small_in_order() => {
            return small::lower(&grid, star, omega, inverse, p, t, y, w);
        }
        Coefficients::PerCell(_) => {
            march_cells(
                simd,
                &grid,
                false,
                omega,
                inverse,
                None,
                &LowerCells { grid: &grid, weight, p, t },
                y,
            );
        }
    }
    let share = T::ONE - T::ONE / omega;
    if let (Coefficients::Constant(star), true) =
        (grid.coefficients, S::IS_SCALAR && grid.is_small_in_order())
    {
        return small::lower_product(&grid, star, share, p, t, w);
    }
    product(simd, &grid, share, p, t, w);
}

#[inline(always)]
fn path<T: Real>(grid: &Grid<'_, T>, across: T, along: T) -> Path<T> {
    Path { planes: grid.planes, rows: grid.rows, columns: grid.columns, across, along }
}

/// w ← p + (1 − 1/ω) D t + L t: p, diagonal, west, south, down.
#[inline(always)]
fn product<T: Real, S: Simd>(simd: S, grid: &Grid<'_, T>, share: T, p: &[T], t: &[T], w: &mut [T]) {
    for (row, w) in w.chunks_exact_mut(grid.columns.max(1)).enumerate() {
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns);
        let here = grid.row_of(t, Some(row), 0);
        let known = grid.row_of(p, Some(row), 0);
        if let (Coefficients::Constant(star), 1, Some(west)) =
            (grid.coefficients, grid.planes, before(grid, t, row))
        {
            let south = grid.row_of(t, around.south, 0);
            lower_row(simd, star, share, known, [here, west, south], w);
            continue;
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
        if let Some(w) = w.get_mut(1..) {
            add_scaled(simd, coupling.west.skip(1), here, w);
        }
        add_scaled(simd, coupling.south, grid.row_of(t, around.south, 0), w);
        add_scaled(simd, coupling.down, grid.row_of(t, around.down, 0), w);
    }
}

/// The cells to the west of a row that is not the first.
#[inline(always)]
fn before<'x, T: Real>(grid: &Grid<'_, T>, t: &'x [T], row: usize) -> Option<&'x [T]> {
    let start = row.checked_mul(grid.columns)?.checked_sub(1)?;
    if row == 0 { None } else { t.get(start..start + grid.columns) }
}

/// q = (ω/c)·(p − up·t_U)
struct Upper<'a, T> {
    grid: &'a Grid<'a, T>,
    star: Star<T>,
    factor: T,
    p: &'a [T],
}

impl<T: Real> Source<T, 1> for Upper<'_, T> {
    const KEEPS: bool = false;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.p
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; 1] {
        [Term { c: self.star.up, of: None, row: self.grid.around(row).up }]
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
struct Lower<'a, T> {
    grid: &'a Grid<'a, T>,
    star: Star<T>,
    factor: T,
    weight: T,
    p: &'a [T],
    t: &'a [T],
}

impl<T: Real> Source<T, 2> for Lower<'_, T> {
    const KEEPS: bool = false;

    #[inline(always)]
    fn known(&self) -> &[T] {
        self.p
    }

    #[inline(always)]
    fn terms(&self, row: usize) -> [Term<'_, T>; 2] {
        let weighed = Term { c: self.weight, of: Some(self.t), row: Some(row) };
        [weighed, Term { c: self.star.down, of: None, row: self.grid.around(row).down }]
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
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, t: &[T], row: usize, first: usize, q: &mut [T]) {
        let grid = self.grid;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns + first);
        copy(grid.row_of(self.p, Some(row), first), q);
        sub_scaled(simd, coupling.up, grid.row_of(t, around.up, first), q);
        sub_scaled(simd, coupling.north, grid.row_of(t, around.north, first), q);
    }
}

/// y-part of the lower solve by cell: (((p − K t) − down) − south).
struct LowerCells<'a, T> {
    grid: &'a Grid<'a, T>,
    weight: T,
    p: &'a [T],
    t: &'a [T],
}

impl<T: Real> Fill<T> for LowerCells<'_, T> {
    #[inline(always)]
    fn fill<S: Simd>(&self, simd: S, y: &[T], row: usize, first: usize, q: &mut [T]) {
        let grid = self.grid;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(row * grid.columns + first);
        if let Coupling::Cells(centre) = coupling.centre {
            let known =
                grid.row_of(self.p, Some(row), first).iter().zip(grid.row_of(self.t, Some(row), first));
            for ((q, (&p, &t)), &c) in q.iter_mut().zip(known).zip(centre) {
                *q = p - (self.weight * c) * t;
            }
        }
        sub_scaled(simd, coupling.down, grid.row_of(y, around.down, first), q);
        sub_scaled(simd, coupling.south, grid.row_of(y, around.south, first), q);
    }
}
