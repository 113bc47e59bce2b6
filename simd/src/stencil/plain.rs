//! The same passes, cell by cell, for a core without vectors and without an operating system: there flash counts, and
//! windows and registers hide nothing. The same operations on every cell in the same order, so the same bits.

use super::{Coefficients, Grid, Star};
use crate::{Lanes, Real};

/// Whether passes of an instruction set go cell by cell.
#[inline(always)]
pub(super) fn is_plain<S: pulp::Simd>() -> bool {
    cfg!(target_os = "none") && S::IS_SCALAR
}

/// Cells of a block of the [doubling](super::doubling).
const BLOCK: usize = 8;

/// A grid whose couplings are arrays: one of a single element each if they are constant.
struct View<'a, T> {
    star: Star<&'a [T]>,
    /// What an index into an array is masked with.
    mask: usize,
}

impl<'a, T: Real> View<'a, T> {
    #[inline(always)]
    fn new(grid: &'a Grid<'a, T>) -> Self {
        let (star, mask) = match &grid.coefficients {
            Coefficients::PerCell(star) => (*star, usize::MAX),
            Coefficients::Constant(star) => {
                let one = core::slice::from_ref;
                let arrays = Star {
                    centre: one(&star.centre),
                    west: one(&star.west),
                    east: one(&star.east),
                    south: one(&star.south),
                    north: one(&star.north),
                    down: one(&star.down),
                    up: one(&star.up),
                };
                (arrays, 0)
            }
        };
        Self { star, mask }
    }

    #[inline(always)]
    fn is_constant(&self) -> bool {
        self.mask == 0
    }

    /// An element of an array of couplings; zero where there is none.
    #[inline(always)]
    fn at(&self, c: &[T], cell: usize) -> T {
        c.get(cell & self.mask).copied().unwrap_or(T::ZERO)
    }
}

/// A cell and its neighbours; `usize::MAX` where there is none.
struct Cell {
    here: usize,
    around: Star<usize>,
}

impl Cell {
    #[inline(always)]
    fn new<T: Real>(grid: &Grid<'_, T>, rows: &Star<Option<usize>>, row: usize, column: usize) -> Self {
        let here = row * grid.columns + column;
        let plane = grid.rows * grid.columns;
        let beside = |exists: bool, cell: usize| if exists { cell } else { usize::MAX };
        let around = Star {
            centre: here,
            west: beside(column > 0, here.wrapping_sub(1)),
            east: beside(column + 1 < grid.columns, here + 1),
            south: beside(rows.south.is_some(), here.wrapping_sub(grid.columns)),
            north: beside(rows.north.is_some(), here + grid.columns),
            down: beside(rows.down.is_some(), here.wrapping_sub(plane)),
            up: beside(rows.up.is_some(), here + plane),
        };
        Self { here, around }
    }
}

/// b − c·x of a neighbour.
#[inline(always)]
fn less<T: Real>(view: &View<'_, T>, b: T, c: &[T], x: &[T], cell: &Cell, neighbour: usize) -> T {
    x.get(neighbour).map_or(b, |&x| b - view.at(c, cell.here) * x)
}

/// b + c·x of a neighbour.
#[inline(always)]
fn more<T: Real>(view: &View<'_, T>, b: T, c: &[T], x: &[T], cell: &Cell, neighbour: usize) -> T {
    x.get(neighbour).map_or(b, |&x| b + view.at(c, cell.here) * x)
}

/// Calls `each` with every cell, in order, and its column.
#[inline(always)]
fn cells<T: Real>(grid: &Grid<'_, T>, mut each: impl FnMut(&Cell, usize)) {
    for row in 0..grid.planes * grid.rows {
        let rows = grid.around(row);
        for column in 0..grid.columns {
            each(&Cell::new(grid, &rows, row, column), column);
        }
    }
}

/// Couplings or neighbours in the order in which products are added.
#[inline(always)]
fn listed<C: Copy>(star: &Star<C>) -> [C; 7] {
    [star.centre, star.west, star.east, star.south, star.north, star.down, star.up]
}

/// Cells that are prepared on the stack at once.
const WINDOW: usize = 16;

/// y ← A x, or b − A x, on the cells of a row from `column` on: one coupling after the other, so that loops are short.
#[inline(never)]
fn window<T: Real>(
    (grid, view): (&Grid<'_, T>, &View<'_, T>),
    rhs: Option<&[T]>,
    x: &[T],
    (row, column): (usize, usize),
    y: &mut [T],
) {
    let rows = grid.around(row);
    let here = row * grid.columns + column;
    let plane = grid.rows * grid.columns;
    let beside = |row: Option<usize>| if row.is_some() { usize::MAX } else { 0 };
    // For every coupling how many cells have this neighbour, and how far away it is.
    let runs = Star {
        centre: (usize::MAX, 0),
        west: (usize::MAX, 1_usize.wrapping_neg()),
        east: (grid.columns.saturating_sub(column + 1), 1),
        south: (beside(rows.south), grid.columns.wrapping_neg()),
        north: (beside(rows.north), grid.columns),
        down: (beside(rows.down), plane.wrapping_neg()),
        up: (beside(rows.up), plane),
    };
    y.iter_mut().for_each(|y| *y = T::ZERO);
    for (k, (c, (most, away))) in listed(&view.star).into_iter().zip(listed(&runs)).enumerate() {
        // The first cell of a row has no western neighbour.
        let skipped = usize::from(k == 1 && column == 0);
        let from = here + skipped;
        let (Some(y), Some(x)) = (y.get_mut(skipped..), x.get(from.wrapping_add(away)..)) else { continue };
        let Some(y) = y.get_mut(..most.min(y.len())) else { continue };
        if view.is_constant() {
            let c = view.at(c, 0);
            y.iter_mut().zip(x).for_each(|(y, &x)| *y += c * x);
        } else {
            let c = c.get(from..).unwrap_or_default();
            y.iter_mut().zip(x.iter().zip(c)).for_each(|(y, (&x, &c))| *y += c * x);
        }
    }
    if let Some(rhs) = rhs.and_then(|rhs| rhs.get(here..)) {
        y.iter_mut().zip(rhs).for_each(|(y, &b)| *y = b - *y);
    }
}

/// y ← A x, or b − A x.
#[inline(never)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    let view = View::new(grid);
    for (row, y) in y.chunks_exact_mut(grid.columns.max(1)).take(grid.planes * grid.rows).enumerate() {
        window((grid, &view), rhs, x, (row, 0), y);
    }
}

/// ‖b − A x‖₂².
#[inline(never)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let view = View::new(grid);
    let mut lanes = Lanes::default();
    let mut buffer = [T::ZERO; WINDOW];
    for row in 0..grid.planes * grid.rows {
        let mut column = 0;
        while column < grid.columns {
            let Some(r) = buffer.get_mut(..(grid.columns - column).min(WINDOW)) else { break };
            window((grid, &view), Some(rhs), x, (row, column), r);
            for &r in &*r {
                lanes.add_at(column, r * r);
                column += 1;
            }
        }
    }
    lanes.sum()
}

/// w ← p + (1 − 1/ω) D t + L t: p, diagonal, west, south, down.
#[inline(never)]
pub(super) fn product<T: Real>(grid: &Grid<'_, T>, share: T, p: &[T], t: &[T], w: &mut [T]) {
    let view = View::new(grid);
    let star = &view.star;
    cells(grid, |cell, _| {
        let (Some(w), Some(&p), Some(&here)) = (w.get_mut(cell.here), p.get(cell.here), t.get(cell.here))
        else {
            return;
        };
        let sum = p + share * (view.at(star.centre, cell.here) * here);
        let sum = more(&view, sum, star.west, t, cell, cell.around.west);
        let sum = more(&view, sum, star.south, t, cell, cell.around.south);
        *w = more(&view, sum, star.down, t, cell, cell.around.down);
    });
}

/// A sweep of SOR.
#[inline(never)]
pub(super) fn sweep<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    march(grid, reversed, omega, inverse, Some(T::ONE - omega), x, |view, x, cell| {
        let (star, to) = (&view.star, &cell.around);
        let b = rhs.get(cell.here).copied().unwrap_or(T::ZERO);
        let b = less(view, b, star.down, x, cell, to.down);
        let b = less(view, b, star.up, x, cell, to.up);
        if reversed {
            let b = less(view, b, star.south, x, cell, to.south);
            less(view, b, star.west, x, cell, to.west)
        } else {
            let b = less(view, b, star.north, x, cell, to.north);
            less(view, b, star.east, x, cell, to.east)
        }
    });
}

/// A half of SSOR in Eisenstat's form: the upper one is `reversed` and has no `weighed`, (2 − ω)/ω and t.
#[inline(never)]
pub(super) fn half<T: Real>(
    grid: &Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    weighed: Option<(T, &[T])>,
    x: &mut [T],
) {
    let reversed = weighed.is_none();
    march(grid, reversed, omega, inverse, None, x, |view, x, cell| {
        let star = &view.star;
        let mut b = p.get(cell.here).copied().unwrap_or(T::ZERO);
        if let Some((weight, t)) = weighed {
            let t = t.get(cell.here).copied().unwrap_or(T::ZERO);
            b -= (weight * view.at(star.centre, cell.here)) * t;
        }
        let (c, to) = if reversed { (star.up, cell.around.up) } else { (star.down, cell.around.down) };
        less(view, b, c, x, cell, to)
    });
}

/// Runs the recurrence over the whole grid; `known` is all but the neighbour behind and the one before in the row.
#[inline(always)]
fn march<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    keep: Option<T>,
    x: &mut [T],
    known: impl Fn(&View<'_, T>, &[T], &Cell) -> T,
) {
    let view = View::new(grid);
    let (c_behind, c_before) =
        if reversed { (view.star.north, view.star.east) } else { (view.star.south, view.star.west) };
    let constant = omega * (T::ONE / view.at(view.star.centre, 0));
    let factor = |cell: usize| {
        if view.is_constant() { constant } else { omega * inverse.get(cell).copied().unwrap_or(T::ZERO) }
    };
    let all_rows = grid.planes * grid.rows;
    for i in 0..all_rows {
        let row = if reversed { all_rows - 1 - i } else { i };
        let rows = grid.around(row);
        let mut before = T::ZERO;
        let mut done = 0;
        while done < grid.columns {
            let n = (grid.columns - done).min(BLOCK);
            let place = |i: usize| if reversed { grid.columns - 1 - done - i } else { done + i };
            let mut block = [T::ZERO; BLOCK];
            for (i, q) in block.iter_mut().take(n).enumerate() {
                let cell = Cell::new(grid, &rows, row, place(i));
                let behind = if reversed { cell.around.north } else { cell.around.south };
                let mut t = known(&view, x, &cell);
                if !view.is_constant() {
                    t = less(&view, t, c_behind, x, &cell, behind);
                }
                let f = factor(cell.here);
                t = f * t;
                if let Some(keep) = keep {
                    t = keep * x.get(cell.here).copied().unwrap_or(T::ZERO) + t;
                }
                if let (true, Some(&behind)) = (view.is_constant(), x.get(behind)) {
                    t -= (f * view.at(c_behind, 0)) * behind;
                }
                *q = t;
            }
            let along = constant * view.at(c_before, 0);
            if view.is_constant() {
                double(&mut block, along);
            }
            let (first, mut power) = (before, -along);
            for (i, &y) in block.iter().take(n).enumerate() {
                let here = row * grid.columns + place(i);
                before = if view.is_constant() {
                    y + power * first
                } else {
                    y - (factor(here) * view.at(c_before, here)) * before
                };
                power *= -along;
                let Some(x) = x.get_mut(here) else { return };
                *x = before;
            }
            done += BLOCK;
        }
    }
}

/// y³ of q in a block, from the last cell: what a cell takes has not been changed yet.
#[inline(never)]
fn double<T: Real>(y: &mut [T; BLOCK], c: T) {
    let square = c * c;
    for (by, c) in [(1, -c), (2, square), (4, square * square)] {
        for i in (by..BLOCK).rev() {
            let Some(&other) = y.get(i - by) else { return };
            let Some(y) = y.get_mut(i) else { return };
            *y += c * other;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super as passes;
    use super::*;

    extern crate std;
    use std::vec::Vec;

    /// Numbers of both signs, zeros among them.
    fn numbers(n: usize, seed: u32) -> Vec<f32> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 24) as f32 - 128.0) / 97.0
        };
        (0..n).map(|_| next()).collect()
    }

    fn bits(x: &[f32]) -> Vec<u32> {
        x.iter().map(|x| x.to_bits()).collect()
    }

    fn check(grid: Grid<'_, f32>) {
        let n = grid.planes * grid.rows * grid.columns;
        let (b, start, omega) = (numbers(n, 1), numbers(n, 2), 1.3);
        let inverse = match grid.coefficients {
            Coefficients::PerCell(star) => star.centre.iter().map(|c| 1.0 / c).collect(),
            Coefficients::Constant(_) => Vec::new(),
        };
        let both = |mut plain: Vec<f32>, mut other: Vec<f32>, run: &dyn Fn(bool, &mut [f32])| {
            run(true, &mut plain);
            run(false, &mut other);
            assert_eq!(bits(&plain), bits(&other), "{grid:?}");
        };
        for reversed in [false, true] {
            both(start.clone(), start.clone(), &|plain, x| {
                if plain {
                    sweep(&grid, reversed, omega, &inverse, &b, x);
                } else {
                    passes::sor_sweep(grid, reversed, omega, &inverse, &b, x);
                }
            });
        }
        both(start.clone(), start.clone(), &|plain, y| {
            if plain { star(&grid, None, &b, y) } else { passes::apply(grid, &b, y) }
        });
        both(start.clone(), start.clone(), &|plain, r| {
            if plain { star(&grid, Some(&b), &start, r) } else { passes::residual(grid, &b, &start, r) }
        });
        let square = passes::residual_square(grid, &b, &start);
        assert_eq!(residual_square(&grid, &b, &start).to_bits(), square.to_bits(), "{grid:?}");
        both(start.clone(), start.clone(), &|plain, t| {
            if plain {
                half(&grid, omega, &inverse, &b, None, t);
            } else {
                passes::solve_upper(grid, omega, &inverse, &b, t);
            }
        });
        let (mut y, mut w) = (numbers(n, 3), numbers(n, 4));
        let (mut plain_y, mut plain_w) = (y.clone(), w.clone());
        passes::solve_lower(grid, omega, &inverse, &b, &start, &mut y, &mut w);
        half(&grid, omega, &inverse, &b, Some(((2.0 - omega) / omega, &start)), &mut plain_y);
        product(&grid, 1.0 - 1.0 / omega, &b, &start, &mut plain_w);
        assert_eq!((bits(&plain_y), bits(&plain_w)), (bits(&y), bits(&w)), "{grid:?}");
    }

    #[test]
    fn cell_by_cell_gives_the_bits_of_the_passes() {
        for (planes, rows) in [(1, 1), (1, 2), (1, 5), (2, 1), (3, 4)] {
            for columns in [1, 2, 7, 8, 9, 17, 64, 71] {
                let n = planes * rows * columns;
                let [west, east, south, north] = [-1.25, -0.75, -0.5, 0.875];
                let star = Star { centre: 4.5, west, east, south, north, down: -0.25, up: 0.375 };
                check(Grid { planes, rows, columns, coefficients: Coefficients::Constant(star) });
                let arrays: Vec<Vec<f32>> = (5..12).map(|seed| numbers(n, seed)).collect();
                let centre: Vec<f32> = arrays[0].iter().map(|c| c + 3.0).collect();
                let star = Star {
                    centre: &centre[..],
                    west: &arrays[1][..],
                    east: &arrays[2][..],
                    south: &arrays[3][..],
                    north: &arrays[4][..],
                    down: &arrays[5][..],
                    up: &arrays[6][..],
                };
                check(Grid { planes, rows, columns, coefficients: Coefficients::PerCell(star) });
            }
        }
    }
}
