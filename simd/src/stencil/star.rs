//! The star applied to a grid function: A x, b − A x and its norm.
//!
//! Per cell, in this order: centre, west, east, south, north, down, up; each product is rounded and
//! added; a neighbour that does not exist is skipped.

use pulp::Simd;

use super::ahead::Ahead;
use super::reach::Reach;
use super::{Coupling, Grid, Star, plain, small};
use crate::dispatch::pass;
use crate::paths;
use crate::vector::rsub_kernel;
use crate::{Lanes, Real};

/// Cells that are prepared in a buffer on the stack at once; a multiple of the lanes.
pub(crate) const WINDOW: usize = 64;

pass! {
    /// y ← A x. Cost per cell: 1 r, 1 w (7 r per cell with arrays in two dimensions), 9 operations.
    short(paths::small(&grid)) narrow(paths::narrow_products(&grid)) pub fn apply<'a, T>(grid: Grid<'a, T>, x: &'a [T], y: &'a mut [T]) -> () = apply_kernel
}

#[inline(always)]
fn apply_kernel<T: Real, S: Simd>(simd: S, grid: Grid<'_, T>, x: &[T], y: &mut [T]) {
    if paths::is_bare::<S>() {
        return plain::star(&grid, None, x, y);
    }
    if paths::by_cells::<S>(paths::small(&grid)) {
        return small::star(&grid, None, x, y);
    }
    let ahead = Ahead::new(grid.columns, x);
    for (row, y) in y.chunks_exact_mut(grid.columns.max(1)).enumerate() {
        ahead.ask(row, x, &[]);
        match Reach::new(&grid, x, row) {
            Some(reach) => reach.product(simd, y),
            None => star_window(simd, &grid, x, row, 0, y),
        }
    }
}

pass! {
    /// r ← b − A x. Cost per cell: 2 r, 1 w, 10 operations.
    short(paths::small(&grid)) pub fn residual<'a, T>(grid: Grid<'a, T>, rhs: &'a [T], x: &'a [T], r: &'a mut [T]) -> () = residual_kernel
}

#[inline(always)]
fn residual_kernel<T: Real, S: Simd>(simd: S, grid: Grid<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    if paths::is_bare::<S>() {
        return plain::star(&grid, Some(rhs), x, r);
    }
    if paths::by_cells::<S>(paths::small(&grid)) {
        return small::star(&grid, Some(rhs), x, r);
    }
    let columns = grid.columns.max(1);
    let ahead = Ahead::new(grid.columns, x);
    // Not two iterators over chunks zipped: their making may be outlined, and then a row that is 0 long could panic.
    for (row, r) in r.chunks_exact_mut(columns).enumerate() {
        ahead.ask(row, x, rhs);
        let Some(rhs) = rhs.get(row * columns..(row + 1) * columns) else { break };
        if let Some(reach) = Reach::new(&grid, x, row) {
            reach.residual(simd, rhs, r);
        } else {
            star_window(simd, &grid, x, row, 0, r);
            rsub_kernel(simd, rhs, r);
        }
    }
}

pass! {
    /// ‖b − A x‖₂² without storing the residual. Column j goes to lane j mod [`LANES`](crate::LANES).
    /// Cost per cell: 2 r, 12 operations.
    short(paths::small(&grid)) pub fn residual_square<'a, T>(grid: Grid<'a, T>, rhs: &'a [T], x: &'a [T]) -> T = residual_square_kernel
}

#[inline(always)]
fn residual_square_kernel<T: Real, S: Simd>(simd: S, grid: Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    if paths::is_bare::<S>() {
        return plain::residual_square(&grid, rhs, x);
    }
    if paths::by_cells::<S>(paths::small(&grid)) {
        return small::residual_square(&grid, rhs, x);
    }
    let mut lanes = Lanes::default();
    let mut buffer = [T::ZERO; WINDOW];
    let (all, ahead) = (rhs, Ahead::new(grid.columns, x));
    for (row, rhs) in rhs.chunks_exact(grid.columns.max(1)).enumerate() {
        ahead.ask(row, x, all);
        if let Some(reach) = Reach::new(&grid, x, row) {
            reach.add_square(simd, rhs, lanes.lanes_mut());
            continue;
        }
        for (window, rhs) in rhs.chunks(WINDOW).enumerate() {
            let r = &mut buffer[..rhs.len().min(WINDOW)];
            star_window(simd, &grid, x, row, window * WINDOW, r);
            rsub_kernel(simd, rhs, r);
            lanes.add_products(simd, r, r);
        }
    }
    lanes.sum()
}

/// y ← (A x) on columns `first..first + y.len()` of a row.
#[inline(always)]
fn star_window<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    x: &[T],
    row: usize,
    first: usize,
    y: &mut [T],
) {
    let around = grid.around(row);
    let at = |neighbour| grid.row_of(x, neighbour, first);
    let here = grid.row_of(x, around.centre, 0);
    let rows = Star {
        centre: at(around.centre),
        west: here.get(first.saturating_sub(1)..).unwrap_or(&[]),
        east: here.get(first + 1..).unwrap_or(&[]),
        south: at(around.south),
        north: at(around.north),
        down: at(around.down),
        up: at(around.up),
    };
    // The first column has no west: its terms begin one cell later.
    let skip = usize::from(first == 0);
    let coefficients = grid.coefficients.from(row * grid.columns + first);
    y.fill(T::ZERO);
    add_scaled(simd, coefficients.centre, rows.centre, y);
    if let Some(y) = y.get_mut(skip..) {
        add_scaled(simd, coefficients.west.skip(skip), rows.west, y);
    }
    add_scaled(simd, coefficients.east, rows.east, y);
    add_scaled(simd, coefficients.south, rows.south, y);
    add_scaled(simd, coefficients.north, rows.north, y);
    add_scaled(simd, coefficients.down, rows.down, y);
    add_scaled(simd, coefficients.up, rows.up, y);
}

/// y ← y + c·x over the common length.
#[inline(always)]
pub(super) fn add_scaled<T: Real, S: Simd>(simd: S, c: Coupling<'_, T>, x: &[T], y: &mut [T]) {
    match c {
        Coupling::Uniform(c) => crate::vector::axpy_kernel(simd, c, x, y),
        Coupling::Cells(c) => {
            let n = x.len().min(y.len()).min(c.len());
            let (x, x_tail) = T::split(simd, &x[..n]);
            let (c, c_tail) = T::split(simd, &c[..n]);
            let (y, y_tail) = T::split_mut(simd, &mut y[..n]);
            for ((y, &x), &c) in y.iter_mut().zip(x).zip(c) {
                *y = T::vadd(simd, *y, T::vmul(simd, c, x));
            }
            for ((y, &x), &c) in y_tail.iter_mut().zip(x_tail).zip(c_tail) {
                *y += c * x;
            }
        }
    }
}

/// y ← y − c·x over the common length.
#[inline(always)]
pub(super) fn sub_scaled<T: Real, S: Simd>(simd: S, c: Coupling<'_, T>, x: &[T], y: &mut [T]) {
    // Negation is exact, so y + (−c)·x has the bits of y − c·x.
    match c {
        Coupling::Uniform(c) => crate::vector::axpy_kernel(simd, -c, x, y),
        Coupling::Cells(c) => {
            let n = x.len().min(y.len()).min(c.len());
            // `get`, not an index: the optimiser loses sight of a minimum of three.
            let (Some(x), Some(c), Some(y)) = (x.get(..n), c.get(..n), y.get_mut(..n)) else { return };
            let (x, x_tail) = T::split(simd, x);
            let (c, c_tail) = T::split(simd, c);
            let (y, y_tail) = T::split_mut(simd, y);
            for ((y, &x), &c) in y.iter_mut().zip(x).zip(c) {
                *y = T::vsub(simd, *y, T::vmul(simd, c, x));
            }
            for ((y, &x), &c) in y_tail.iter_mut().zip(x_tail).zip(c_tail) {
                *y -= c * x;
            }
        }
    }
}
