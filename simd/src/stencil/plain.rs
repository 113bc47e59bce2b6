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

/// Directions, in the order in which products are added.
const CENTRE: usize = 0;
const WEST: usize = 1;
const EAST: usize = 2;
const SOUTH: usize = 3;
const NORTH: usize = 4;
const DOWN: usize = 5;
const UP: usize = 6;
const ALL: [usize; 7] = [CENTRE, WEST, EAST, SOUTH, NORTH, DOWN, UP];

/// The couplings of a direction: an array of a single element if they are constant.
#[inline(never)]
fn couplings<'a, T>(grid: &'a Grid<'a, T>, direction: usize) -> &'a [T] {
    #[inline(always)]
    fn of<C>(star: &Star<C>, direction: usize) -> &C {
        match direction {
            CENTRE => &star.centre,
            WEST => &star.west,
            EAST => &star.east,
            SOUTH => &star.south,
            NORTH => &star.north,
            DOWN => &star.down,
            _ => &star.up,
        }
    }
    match &grid.coefficients {
        Coefficients::PerCell(star) => {
            let array: &&[T] = of(star, direction);
            array
        }
        Coefficients::Constant(star) => core::slice::from_ref(of(star, direction)),
    }
}

/// What an index into couplings is masked with.
#[inline(always)]
fn mask<T>(grid: &Grid<'_, T>) -> usize {
    if matches!(grid.coefficients, Coefficients::Constant(_)) { 0 } else { usize::MAX }
}

/// An element; zero where there is none.
#[inline(always)]
fn at<T: Real>(x: &[T], cell: usize) -> T {
    x.get(cell).copied().unwrap_or(T::ZERO)
}

/// What a row adds up: couplings to neighbours that are there.
#[derive(Clone, Copy)]
struct Arm<'a, T> {
    couplings: &'a [T],
    /// How far away the neighbour is.
    away: usize,
    /// The column without it.
    edge: usize,
}

impl<T> Arm<'_, T> {
    const NONE: Self = Self { couplings: &[], away: 0, edge: 0 };
}

/// Those of a row in some directions; those that are not there have no couplings. Down from the first plane and up from
/// the last one lie outside of every vector.
#[inline(never)]
fn arms<'a, T: Real>(grid: &'a Grid<'a, T>, row: usize, directions: &[usize], arms: &mut [Arm<'a, T>]) {
    let columns = grid.columns;
    let plane = grid.rows * columns;
    let rows = grid.rows.max(1);
    let i = if grid.planes == 1 { row } else { row % rows };
    for (arm, &direction) in arms.iter_mut().zip(directions) {
        let (mut away, mut edge, mut there) = (0, usize::MAX, true);
        match direction {
            CENTRE => {}
            WEST => (away, edge) = (1_usize.wrapping_neg(), 0),
            EAST => (away, edge) = (1, columns.wrapping_sub(1)),
            SOUTH => (away, there) = (columns.wrapping_neg(), i > 0),
            NORTH => (away, there) = (columns, i + 1 < rows),
            DOWN => away = plane.wrapping_neg(),
            _ => away = plane,
        }
        *arm = Arm { couplings: if there { couplings(grid, direction) } else { &[] }, away, edge };
    }
}

/// b plus, or minus, the products of a cell with its neighbours.
#[inline(never)]
fn gather<T: Real>(
    arms: &[Arm<'_, T>],
    mask: usize,
    (cell, column): (usize, usize),
    x: &[T],
    add: bool,
    b: T,
) -> T {
    let mut sum = b;
    for arm in arms {
        if arm.edge == column {
            continue;
        }
        if let (Some(&c), Some(&x)) = (arm.couplings.get(cell & mask), x.get(cell.wrapping_add(arm.away))) {
            let product = c * x;
            sum = if add { sum + product } else { sum - product };
        }
    }
    sum
}

/// Σ |a_kl| over the neighbours of a cell.
#[inline(never)]
pub(super) fn off_diagonal<T: Real>(grid: &Grid<'_, T>, cell: usize) -> T {
    let columns = grid.columns.max(1);
    let (row, column) = (cell / columns, cell % columns);
    let mut found = [Arm::NONE; 6];
    arms(grid, row, &[WEST, EAST, SOUTH, NORTH, DOWN, UP], &mut found);
    let cells = grid.planes * grid.rows * columns;
    let mut sizes = [T::ZERO; 6];
    for (size, arm) in sizes.iter_mut().zip(&found) {
        if arm.edge != column && cell.wrapping_add(arm.away) < cells {
            *size = at(arm.couplings, cell & mask(grid)).abs();
        }
    }
    let [west, east, south, north, down, up] = sizes;
    (west + east) + (south + north) + down + up
}

/// Calls `each` with every cell, in order, its column, and b plus its products in some directions.
#[inline(always)]
fn cells<T: Real, const N: usize>(
    grid: &Grid<'_, T>,
    directions: &[usize; N],
    x: &[T],
    b: impl Fn(usize) -> T,
    mut each: impl FnMut(usize, usize, T),
) {
    let x = x.get(..grid.planes * grid.rows * grid.columns).unwrap_or(x);
    let mut found = [Arm::NONE; N];
    let mask = mask(grid);
    let mut cell = 0;
    for row in 0..grid.planes * grid.rows {
        arms(grid, row, directions, &mut found);
        for column in 0..grid.columns {
            let sum = gather(&found, mask, (cell, column), x, true, b(cell));
            each(cell, column, sum);
            cell += 1;
        }
    }
}

/// y ← A x, or b − A x.
#[inline(never)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    cells(
        grid,
        &ALL,
        x,
        |_| T::ZERO,
        |cell, _, product| {
            let b = rhs.and_then(|rhs| rhs.get(cell));
            if let Some(y) = y.get_mut(cell) {
                *y = b.map_or(product, |&b| b - product);
            }
        },
    );
}

/// ‖b − A x‖₂².
#[inline(never)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = Lanes::default();
    cells(
        grid,
        &ALL,
        x,
        |_| T::ZERO,
        |cell, column, product| {
            let r = at(rhs, cell) - product;
            lanes.add_at(column, r * r);
        },
    );
    lanes.sum()
}

/// w ← p + (1 − 1/ω) D t + L t: p, diagonal, west, south, down.
#[inline(never)]
pub(super) fn product<T: Real>(grid: &Grid<'_, T>, share: T, p: &[T], t: &[T], w: &mut [T]) {
    let (centre, mask) = (couplings(grid, CENTRE), mask(grid));
    let known = |cell: usize| at(p, cell) + share * (at(centre, cell & mask) * at(t, cell));
    cells(grid, &[WEST, SOUTH, DOWN], t, known, |cell, _, sum| {
        if let Some(w) = w.get_mut(cell) {
            *w = sum;
        }
    });
}

/// A recurrence along the rows: x ← keep·x + f·(b − what is known) − f·(the neighbour behind) − f·(the one before).
struct Recurrence<'a, T> {
    reversed: bool,
    omega: T,
    inverse: &'a [T],
    keep: Option<T>,
    b: &'a [T],
    /// What is taken from b besides, times the diagonal: a weight and a vector.
    weighed: Option<(T, &'a [T])>,
    /// The directions that are known, and last the one behind, which is known where couplings differ from cell to cell.
    known: &'a [usize],
}

/// A sweep of SOR.
pub(super) fn sweep<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let known = if reversed { &[DOWN, UP, SOUTH, WEST, NORTH] } else { &[DOWN, UP, NORTH, EAST, SOUTH] };
    let keep = Some(T::ONE - omega);
    march(grid, &Recurrence { reversed, omega, inverse, keep, b: rhs, weighed: None, known }, x);
}

/// A half of SSOR in Eisenstat's form: the upper one is `reversed` and has no `weighed`, (2 − ω)/ω and t.
pub(super) fn half<T: Real>(
    grid: &Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    weighed: Option<(T, &[T])>,
    x: &mut [T],
) {
    let reversed = weighed.is_none();
    let known = if reversed { &[UP, NORTH] } else { &[DOWN, SOUTH] };
    march(grid, &Recurrence { reversed, omega, inverse, keep: None, b: p, weighed, known }, x);
}

/// Runs a recurrence over the whole grid.
#[inline(never)]
fn march<T: Real>(grid: &Grid<'_, T>, by: &Recurrence<'_, T>, x: &mut [T]) {
    let before = if by.reversed { EAST } else { WEST };
    let (centre, before, mask) = (couplings(grid, CENTRE), couplings(grid, before), mask(grid));
    let constant = mask == 0;
    let uniform = by.omega * (T::ONE / at(centre, 0));
    let along = uniform * at(before, 0);
    let factor = |cell: usize| if constant { uniform } else { by.omega * at(by.inverse, cell) };
    let step = if by.reversed { usize::MAX } else { 1 };
    let mut found = [Arm::NONE; 5];
    let all_rows = grid.planes * grid.rows;
    let Some(x) = x.get_mut(..all_rows * grid.columns) else { return };
    let (mut row, mut cell) = if by.reversed { (all_rows, x.len()) } else { (usize::MAX, usize::MAX) };
    for _ in 0..all_rows {
        row = row.wrapping_add(step);
        arms(grid, row, by.known, &mut found);
        let last = by.known.len() - 1;
        // The neighbour behind comes later where the couplings are constant.
        let known = found.get(..if constant { last } else { last + 1 }).unwrap_or(&[]);
        let behind = found.get(last).filter(|_| constant);
        let mut reached = T::ZERO;
        let mut left = grid.columns;
        while left > 0 {
            let n = left.min(BLOCK);
            let from = cell;
            let mut block = [T::ZERO; BLOCK];
            for q in block.iter_mut().take(n) {
                cell = cell.wrapping_add(step);
                let column = if by.reversed { left - 1 } else { grid.columns - left };
                left -= 1;
                let mut t = at(by.b, cell);
                if let Some((weight, x)) = by.weighed {
                    t -= (weight * at(centre, cell & mask)) * at(x, cell);
                }
                let f = factor(cell);
                t = f * gather(known, mask, (cell, column), x, false, t);
                if let Some(keep) = by.keep {
                    t = keep * at(x, cell) + t;
                }
                let across =
                    behind.and_then(|arm| arm.couplings.first().zip(x.get(cell.wrapping_add(arm.away))));
                if let Some((&c, &x)) = across {
                    t -= (f * c) * x;
                }
                *q = t;
            }
            if constant {
                double(&mut block, along);
            }
            let (first, mut power) = (reached, -along);
            cell = from;
            for &y in block.iter().take(n) {
                cell = cell.wrapping_add(step);
                reached = if constant {
                    y + power * first
                } else {
                    y - (factor(cell) * at(before, cell & mask)) * reached
                };
                power *= -along;
                let Some(x) = x.get_mut(cell) else { return };
                *x = reached;
            }
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
        for cell in 0..n {
            assert_eq!(off_diagonal(&grid, cell).to_bits(), grid.off_diagonal(cell).to_bits(), "{grid:?}");
        }
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
