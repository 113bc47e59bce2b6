//! The same passes by short loops, for a core without vectors and without an operating system: there flash counts, and
//! windows and registers hide nothing. A row goes block by block, and in a block one direction after the other. The same
//! operations on every cell in the same order, so the same bits.

use core::hint::black_box;

use super::{Coefficients, Grid};
use crate::{Lanes, Real};

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
const DIRECTIONS: usize = 7;

/// The couplings of a direction: an array of a single element if they are constant.
#[inline(never)]
fn couplings<'a, T>(grid: &'a Grid<'a, T>, direction: usize) -> &'a [T] {
    match &grid.coefficients {
        Coefficients::PerCell(star) => star.listed().get(direction).copied().unwrap_or(&[]),
        Coefficients::Constant(star) => star.listed().get(direction).map_or(&[], core::slice::from_ref),
    }
}

/// What couples one cell in a direction.
#[inline(never)]
fn coupling<T: Real>(grid: &Grid<'_, T>, direction: usize, cell: usize) -> T {
    at(couplings(grid, direction), if is_constant(grid) { 0 } else { cell })
}

/// An element; zero where there is none.
#[inline(always)]
fn at<T: Real>(x: &[T], cell: usize) -> T {
    x.get(cell).copied().unwrap_or(T::ZERO)
}

/// Whether all cells have the same couplings.
#[inline(always)]
fn is_constant<T>(grid: &Grid<'_, T>) -> bool {
    matches!(grid.coefficients, Coefficients::Constant(_))
}

/// Farther away than any memory reaches.
const NOWHERE: usize = usize::MAX / 2;
/// No column.
const NONE: usize = usize::MAX;

/// How far away the neighbours of a row's cells are in a direction, and the column that has none there. Down from the
/// first plane and up from the last one lie outside of every vector.
#[inline(never)]
fn neighbours<T>(grid: &Grid<'_, T>, row: usize, direction: usize) -> (usize, usize) {
    let columns = grid.columns;
    let plane = grid.rows * columns;
    let i = if grid.planes == 1 { row } else { row % grid.rows.max(1) };
    match direction {
        CENTRE => (0, NONE),
        WEST => (1_usize.wrapping_neg(), 0),
        EAST => (1, columns.wrapping_sub(1)),
        SOUTH => (if i > 0 { columns.wrapping_neg() } else { NOWHERE }, NONE),
        NORTH => (if i + 1 < grid.rows { columns } else { NOWHERE }, NONE),
        DOWN => (plane.wrapping_neg(), NONE),
        _ => (plane, NONE),
    }
}

/// A piece of a row from a column on, and whose neighbours it takes from. Handed on by reference: its parts are kept once
/// on a stack, and nothing of them at a call.
struct Piece<'r, 'g, T> {
    grid: &'g Grid<'g, T>,
    row: usize,
    column: usize,
    x: &'r [T],
    q: &'r mut [T],
    /// What products are taken by.
    scale: T,
}

impl<T> Piece<'_, '_, T> {
    /// Its first cell.
    #[inline(always)]
    fn first(&self) -> usize {
        self.row * self.grid.columns + self.column
    }
}

/// q ← q − (s·c)·x, where c are the couplings of the cells of a piece in a direction and x what their neighbours hold; where
/// there are none, q stays. With s = −1 the products are added.
#[inline(never)]
fn take<T: Real>(piece: &mut Piece<'_, '_, T>, direction: usize) {
    let (away, edge) = neighbours(piece.grid, piece.row, direction);
    let (mut cell, column) = (piece.first(), piece.column);
    let mut q = &mut *piece.q;
    if edge == column {
        // The first of the piece has no neighbour.
        (cell, q) = (cell + 1, q.get_mut(1..).unwrap_or(&mut []));
    } else if edge == (column + q.len()).wrapping_sub(1) {
        q = q.split_last_mut().map_or(&mut [], |(_, before)| before);
    }
    let start = cell.wrapping_add(away);
    let Some(x) = piece.x.get(start..start.wrapping_add(q.len())) else { return };
    let (couplings, scale) = (couplings(piece.grid, direction), piece.scale);
    let mut weight = scale * at(couplings, 0);
    let constant = is_constant(piece.grid);
    for (q, &x) in q.iter_mut().zip(x) {
        if !constant {
            weight = scale * at(couplings, cell);
            cell += 1;
        }
        *q -= weight * x;
    }
}

/// Σ |a_kl| over the neighbours of a cell.
#[inline(never)]
pub(super) fn off_diagonal<T: Real>(grid: &Grid<'_, T>, cell: usize) -> T {
    let columns = grid.columns.max(1);
    let (row, column) = (cell / columns, cell % columns);
    let cells = grid.planes * grid.rows * columns;
    let (mut total, mut first) = (T::ZERO, T::ZERO);
    for direction in WEST..DIRECTIONS {
        let (away, edge) = neighbours(grid, row, direction);
        let there = edge != column && cell.wrapping_add(away) < cells;
        let size = if there { coupling(grid, direction, cell).abs() } else { T::ZERO };
        // (west + east) + (south + north) + down + up
        if direction == WEST || direction == SOUTH {
            first = size;
        } else {
            (total, first) = (total + (first + size), T::ZERO);
        }
    }
    total
}

/// y ← A x, or b − A x.
#[inline(never)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    y.fill(T::ZERO);
    add_rows(grid, &[CENTRE, WEST, EAST, SOUTH, NORTH, DOWN, UP], x, y);
    if let Some(rhs) = rhs {
        y.iter_mut().zip(rhs).for_each(|(y, &b)| *y = b - *y);
    }
}

/// Adds the products with the neighbours in some directions.
#[inline(never)]
fn add_rows<T: Real>(grid: &Grid<'_, T>, directions: &[usize], x: &[T], y: &mut [T]) {
    let x = part(grid, x);
    for (row, y) in y.chunks_exact_mut(grid.columns.max(1)).enumerate() {
        let mut piece = Piece { grid, row, column: 0, x, q: y, scale: -T::ONE };
        for &direction in directions {
            take(&mut piece, direction);
        }
    }
}

/// ‖b − A x‖₂².
#[inline(never)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let (x, mut lanes) = (part(grid, x), Lanes::default());
    let (mut row, mut column) = (0, 0);
    while row < grid.planes * grid.rows {
        // Read anew for every block: what is kept in registers for all of them is kept on the stack, after all.
        let grid = black_box(grid);
        let mut block = [T::ZERO; BLOCK];
        let Some(q) = block.get_mut(..grid.columns.saturating_sub(column).min(BLOCK)) else { return T::NAN };
        let mut piece = Piece { grid, row, column, x, q, scale: -T::ONE };
        let piece = black_box(&mut piece);
        for direction in CENTRE..DIRECTIONS {
            take(piece, direction);
        }
        let first = piece.first();
        for (k, product) in piece.q.iter().enumerate() {
            let Some(&b) = rhs.get(first + k) else { break };
            let r = b - *product;
            lanes.add_at(piece.column + k, r * r);
        }
        column += BLOCK;
        if column >= piece.grid.columns {
            (row, column) = (row + 1, 0);
        }
    }
    lanes.sum()
}

/// w ← p + (1 − 1/ω) D t, of the p and t of a lower half.
#[inline(never)]
fn begin_product<T: Real>(by: &Recurrence<'_, T>, w: &mut [T]) {
    let share = T::ONE - T::ONE / by.omega;
    for (cell, ((w, &p), &t)) in w.iter_mut().zip(by.b).zip(part(by.grid, by.weighed)).enumerate() {
        *w = p + share * (coupling(by.grid, CENTRE, cell) * t);
    }
}

/// The part of a grid function that belongs to the grid.
#[inline(always)]
fn part<'x, T>(grid: &Grid<'_, T>, x: &'x [T]) -> &'x [T] {
    x.get(..grid.planes * grid.rows * grid.columns).unwrap_or(x)
}

/// A recurrence along the rows: x ← keep·x + f·(b − what is known) − f·(the neighbour behind) − f·(the one before).
struct Recurrence<'a, T> {
    grid: &'a Grid<'a, T>,
    reversed: bool,
    /// Whether a share of x is kept; nothing is, else.
    keeps: bool,
    omega: T,
    /// 1 − ω of x that is kept, or (2 − ω)/ω of what is weighed.
    share: T,
    inverse: &'a [T],
    b: &'a [T],
    x: &'a mut [T],
    /// What is taken from b besides, times the diagonal and a share; nothing if it is empty.
    weighed: &'a [T],
    /// f, and what it makes of the coupling to the one before, the sign turned, where they are the same for all.
    uniform: T,
    along: T,
    /// The cell before.
    reached: T,
}

impl<'a, T: Real> Recurrence<'a, T> {
    #[inline(always)]
    fn new(grid: &'a Grid<'a, T>, omega: T, inverse: &'a [T], b: &'a [T], x: &'a mut [T]) -> Self {
        let (uniform, along, reached) = (T::ZERO, T::ZERO, T::ZERO);
        let (reversed, keeps, share) = (false, false, T::ONE - omega);
        Self { grid, reversed, keeps, omega, share, inverse, b, x, weighed: &[], uniform, along, reached }
    }

    /// What is the same for all cells, and no more of x than belongs to the grid.
    // Apart, so that nothing of it is kept on the stack.
    #[inline(never)]
    fn prepare(&mut self) {
        self.uniform = self.omega * (T::ONE / coupling(self.grid, CENTRE, 0));
        self.along = -(self.uniform * coupling(self.grid, self.before().0, 0));
        let cells = self.grid.planes * self.grid.rows * self.grid.columns;
        self.x = core::mem::take(&mut self.x).get_mut(..cells).unwrap_or_default();
    }

    /// The directions that are known, and the one behind, which is known as well where couplings differ from cell to cell.
    fn known(&self) -> &'static [usize] {
        const KNOWN: [&[usize]; 4] =
            [&[DOWN, SOUTH], &[UP, NORTH], &[DOWN, UP, NORTH, EAST, SOUTH], &[DOWN, UP, SOUTH, WEST, NORTH]];
        KNOWN[usize::from(self.keeps) * 2 + usize::from(self.reversed)]
    }

    /// f of a cell.
    #[inline(always)]
    fn factor(&self, cell: usize) -> T {
        let inverse = if is_constant(self.grid) { None } else { self.inverse.get(cell) };
        inverse.map_or(self.uniform, |&inverse| self.omega * inverse)
    }

    /// The direction of the one before, and by what the cells of a block are counted.
    #[inline(always)]
    fn before(&self) -> (usize, usize) {
        if self.reversed { (EAST, BLOCK - 1) } else { (WEST, 0) }
    }
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
    march(&mut Recurrence { reversed, keeps: true, ..Recurrence::new(grid, omega, inverse, rhs, x) });
}

/// The upper half of SSOR in Eisenstat's form: t ← (D/ω + U)⁻¹ p.
#[inline(always)]
pub(super) fn upper<T: Real>(grid: &Grid<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    march(&mut Recurrence { reversed: true, ..Recurrence::new(grid, omega, inverse, p, t) });
}

/// The lower half with the product: y ← (D/ω + L)⁻¹ (p − K t), w ← A t.
#[inline(always)]
pub(super) fn lower<T: Real>(
    grid: &Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let share = (T::TWO - omega) / omega;
    let mut by = Recurrence { share, weighed: t, ..Recurrence::new(grid, omega, inverse, p, y) };
    begin_product(&by, w);
    add_rows(grid, &[WEST, SOUTH, DOWN], t, w);
    march(&mut by);
}

/// Runs a recurrence over the whole grid, a block after the other.
// One loop, and all is read anew for every block: what is kept in registers for all of them is kept on the stack, after all.
#[inline(never)]
fn march<T: Real>(mut by: &mut Recurrence<'_, T>) {
    by.prepare();
    let (mut begun, mut left) = (0, 0);
    loop {
        by = black_box(by);
        let columns = by.grid.columns;
        if left == 0 {
            // The next row.
            if begun == by.grid.planes * by.grid.rows {
                return;
            }
            (by.reached, begun, left) = (T::ZERO, begun + 1, columns);
        }
        let row = if by.reversed { by.grid.planes * by.grid.rows - begun } else { begun - 1 };
        let n = left.min(BLOCK);
        let column = if by.reversed { left - n } else { columns - left };
        left -= n;
        let mut block = [T::ZERO; BLOCK];
        // In the order of memory, so that the recurrence begins at an end of the block.
        let Some(q) = block.get_mut(if by.reversed { BLOCK - n..BLOCK } else { 0..n }) else { return };
        let mut piece = Piece { grid: by.grid, row, column, x: &*by.x, q, scale: by.share };
        let piece = black_box(&mut piece);
        let b = by.b.get(piece.first()..).unwrap_or(&[]);
        piece.q.iter_mut().zip(b).for_each(|(q, &b)| *q = b);
        if !by.weighed.is_empty() {
            piece.x = by.weighed;
            take(piece, CENTRE);
            piece.x = &*by.x;
        }
        piece.scale = T::ONE;
        // Where f is the same for all, the one behind comes after it.
        let constant = is_constant(piece.grid);
        let Some((&behind, others)) = by.known().split_last() else { return };
        for &direction in if constant { others } else { by.known() } {
            take(piece, direction);
        }
        for (cell, q) in (piece.first()..).zip(&mut *piece.q) {
            *q = by.factor(cell) * *q;
            if by.keeps
                && let Some(&x) = piece.x.get(cell)
            {
                *q = by.share * x + *q;
            }
        }
        if constant {
            piece.scale = by.uniform;
            take(piece, behind);
        }
        let (n, first) = (piece.q.len(), piece.first());
        by = black_box(by);
        let (before, flip) = by.before();
        if constant {
            double(&mut block, by.along, flip);
        }
        let before = if constant { &[] } else { couplings(by.grid, before) };
        let (entry, mut power) = (by.reached, by.along);
        for k in 0..n {
            let cell = first + if by.reversed { n - 1 - k } else { k };
            let y = block[(k ^ flip) % BLOCK];
            by.reached = if constant {
                y + power * entry
            } else {
                before.get(cell).map_or(y, |&before| y - (by.factor(cell) * before) * by.reached)
            };
            power *= by.along;
            let Some(x) = by.x.get_mut(cell) else { return };
            *x = by.reached;
        }
    }
}

/// y³ of q in a block, from the last cell: what a cell takes has not been changed yet. Cells are counted by `flip`.
#[inline(never)]
fn double<T: Real>(y: &mut [T; BLOCK], mut c: T, flip: usize) {
    let mut by = 1;
    while by < BLOCK {
        for i in (by..BLOCK).rev() {
            let other = y[((i - by) ^ flip) % BLOCK];
            y[(i ^ flip) % BLOCK] += c * other;
        }
        (by, c) = (by * 2, c * c);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{self as passes, Star};
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
                upper(&grid, omega, &inverse, &b, t);
            } else {
                passes::solve_upper(grid, omega, &inverse, &b, t);
            }
        });
        let (mut y, mut w) = (numbers(n, 3), numbers(n, 4));
        let (mut plain_y, mut plain_w) = (y.clone(), w.clone());
        passes::solve_lower(grid, omega, &inverse, &b, &start, &mut y, &mut w);
        lower(&grid, omega, &inverse, &b, &start, &mut plain_y, &mut plain_w);
        assert_eq!((bits(&plain_y), bits(&plain_w)), (bits(&y), bits(&w)), "{grid:?}");
    }

    #[test]
    fn short_loops_give_the_bits_of_the_passes() {
        // Miri is slow.
        let all: &[usize] = if cfg!(miri) { &[9] } else { &[1, 2, 7, 8, 9, 17, 64, 71] };
        for (planes, rows) in [(1, 1), (1, 2), (1, 5), (2, 1), (3, 4)] {
            for &columns in all {
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
