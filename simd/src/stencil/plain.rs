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
    grid: &'a Grid<'a, T>,
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
        Self { grid, star, mask }
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

/// (A x) of a cell.
#[inline(always)]
fn star_at<T: Real>(view: &View<'_, T>, x: &[T], cell: &Cell) -> T {
    let (star, to) = (&view.star, &cell.around);
    let sum = more(view, T::ZERO, star.centre, x, cell, to.centre);
    let sum = more(view, sum, star.west, x, cell, to.west);
    let sum = more(view, sum, star.east, x, cell, to.east);
    let sum = more(view, sum, star.south, x, cell, to.south);
    let sum = more(view, sum, star.north, x, cell, to.north);
    let sum = more(view, sum, star.down, x, cell, to.down);
    more(view, sum, star.up, x, cell, to.up)
}

/// y ← A x, or b − A x.
#[inline(never)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    let view = View::new(grid);
    cells(grid, |cell, _| {
        let sum = star_at(&view, x, cell);
        let Some(y) = y.get_mut(cell.here) else { return };
        *y = rhs.and_then(|rhs| rhs.get(cell.here)).map_or(sum, |&b| b - sum);
    });
}

/// ‖b − A x‖₂².
#[inline(never)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let view = View::new(grid);
    let mut lanes = Lanes::default();
    cells(grid, |cell, column| {
        let Some(&b) = rhs.get(cell.here) else { return };
        let r = b - star_at(&view, x, cell);
        lanes.add_at(column, r * r);
    });
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
