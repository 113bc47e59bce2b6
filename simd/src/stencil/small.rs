//! The passes over grids with rows too short for registers: plain loops, a cell after the other, without dispatch. The
//! same operations on every cell in the same order as in the wide passes, so the same bits.

use super::{Coefficients, Grid, Star};
use crate::{LANES, Real, reduce};

/// A coupling, by the number of its cell.
pub(super) trait Entry<T>: Copy {
    /// Whether it is the same everywhere.
    const SAME: bool;
    fn at(self, cell: usize) -> Option<T>;
}

/// The same everywhere.
#[derive(Clone, Copy)]
pub(super) struct Same<T>(pub(super) T);

impl<T: Copy> Entry<T> for Same<T> {
    const SAME: bool = true;

    #[inline(always)]
    fn at(self, _cell: usize) -> Option<T> {
        Some(self.0)
    }
}

impl<T: Real> Entry<T> for &[T] {
    const SAME: bool = false;

    #[inline(always)]
    fn at(self, cell: usize) -> Option<T> {
        self.get(cell).copied()
    }
}

/// An element. Where there is none a pass ends, so that nothing has to be chosen on the way to a result.
#[inline(always)]
pub(super) fn value<T: Copy>(x: &[T], cell: usize) -> Option<T> {
    x.get(cell).copied()
}

/// A row: its first cell, its length, and which rows beside it exist.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) start: usize,
    pub(super) columns: usize,
    /// Cells of a plane.
    plane: usize,
    south: bool,
    north: bool,
    down: bool,
    up: bool,
    /// Of plane and row, for colours.
    parity: usize,
}

/// All rows in order, or (`reversed`) from the last one; in a plane or in `SPACE`.
pub(super) struct Rows<const SPACE: bool> {
    planes: usize,
    rows: usize,
    columns: usize,
    reversed: bool,
    /// Plane and row, counted in the order of travel.
    next: (usize, usize),
}

impl<const SPACE: bool> Rows<SPACE> {
    #[inline(always)]
    pub(super) fn of<T>(grid: &Grid<'_, T>, reversed: bool) -> Self {
        let planes = if grid.rows > 0 { grid.planes } else { 0 };
        Self { planes, rows: grid.rows, columns: grid.columns, reversed, next: (0, 0) }
    }
}

impl<const SPACE: bool> Iterator for Rows<SPACE> {
    type Item = Row;

    #[inline(always)]
    fn next(&mut self) -> Option<Row> {
        let (p, i) = self.next;
        if p >= self.planes {
            return None;
        }
        self.next = if i + 1 < self.rows { (p, i + 1) } else { (p + 1, 0) };
        let (p, i) = if self.reversed { (self.planes - 1 - p, self.rows - 1 - i) } else { (p, i) };
        Some(Row {
            start: if SPACE { (p * self.rows + i) * self.columns } else { i * self.columns },
            columns: self.columns,
            plane: self.rows * self.columns,
            south: i > 0,
            north: i + 1 < self.rows,
            down: SPACE && p > 0,
            up: SPACE && p + 1 < self.planes,
            parity: (p + i) % 2,
        })
    }
}

impl Row {
    /// The row of x, and the rows beside it, empty where there are none: to find a neighbour there is to find that the
    /// row exists.
    #[inline(always)]
    pub(super) fn of<T>(self, x: &[T]) -> Option<Star<&[T]>> {
        let of = |there: bool, start: usize| {
            if there { x.get(start..start + self.columns) } else { Some(&[][..]) }
        };
        Some(Star {
            centre: of(true, self.start)?,
            west: &[],
            east: &[],
            south: of(self.south, self.start.wrapping_sub(self.columns))?,
            north: of(self.north, self.start + self.columns)?,
            down: of(self.down, self.start.wrapping_sub(self.plane))?,
            up: of(self.up, self.start + self.plane)?,
        })
    }

    /// The same, the row itself to be written.
    #[inline(always)]
    pub(super) fn of_mut<T>(self, x: &mut [T]) -> Option<(&mut [T], Star<&[T]>)> {
        let (behind, rest) = x.split_at_mut_checked(self.start)?;
        let (here, ahead) = rest.split_at_mut_checked(self.columns)?;
        let (behind, ahead) = (&*behind, &*ahead);
        let below = |there: bool, cells: usize| {
            if there {
                behind.get(self.start.wrapping_sub(cells)..)?.get(..self.columns)
            } else {
                Some(&[][..])
            }
        };
        let above = |there: bool, cells: usize| {
            if there {
                ahead.get(cells.wrapping_sub(self.columns)..)?.get(..self.columns)
            } else {
                Some(&[][..])
            }
        };
        let (south, north) = (below(self.south, self.columns)?, above(self.north, self.columns)?);
        let (down, up) = (below(self.down, self.plane)?, above(self.up, self.plane)?);
        Some((here, Star { centre: &[], west: &[], east: &[], south, north, down, up }))
    }
}

/// What becomes of the products.
trait Sink<T> {
    /// Takes (A x)ₖ of a cell in column j.
    fn take(&mut self, k: usize, j: usize, product: T) -> Option<()>;
}

/// y ← A x
struct Stored<'a, T>(&'a mut [T]);

impl<T: Real> Sink<T> for Stored<'_, T> {
    #[inline(always)]
    fn take(&mut self, k: usize, _j: usize, product: T) -> Option<()> {
        *self.0.get_mut(k)? = product;
        Some(())
    }
}

/// r ← b − A x
struct Subtracted<'a, T>(&'a [T], &'a mut [T]);

impl<T: Real> Sink<T> for Subtracted<'_, T> {
    #[inline(always)]
    fn take(&mut self, k: usize, _j: usize, product: T) -> Option<()> {
        *self.1.get_mut(k)? = value(self.0, k)? - product;
        Some(())
    }
}

/// Squares of b − A x, in lanes by columns.
struct Squares<'a, T>(&'a [T], [T; LANES]);

impl<T: Real> Sink<T> for Squares<'_, T> {
    #[inline(always)]
    fn take(&mut self, k: usize, j: usize, product: T) -> Option<()> {
        let r = value(self.0, k)? - product;
        self.1[j % LANES] += r * r;
        Some(())
    }
}

/// y ← A x, or b − A x.
#[inline(always)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    match rhs {
        None => products(grid, x, &mut Stored(y)),
        Some(rhs) => products(grid, x, &mut Subtracted(rhs, y)),
    }
}

/// ‖b − A x‖₂².
#[inline(always)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut squares = Squares(rhs, [T::ZERO; LANES]);
    products(grid, x, &mut squares);
    reduce(&squares.1)
}

/// Gives (A x)ₖ of all cells.
#[inline(always)]
fn products<T: Real>(grid: &Grid<'_, T>, x: &[T], sink: &mut impl Sink<T>) {
    match (grid.coefficients, grid.planes) {
        (Coefficients::Constant(star), 1) => products_by::<_, _, false>(grid, star.map(Same), x, sink),
        (Coefficients::Constant(star), _) => products_by::<_, _, true>(grid, star.map(Same), x, sink),
        (Coefficients::PerCell(star), 1) => products_by::<_, _, false>(grid, star, x, sink),
        (Coefficients::PerCell(star), _) => products_by::<_, _, true>(grid, star, x, sink),
    }
}

#[inline(always)]
fn products_by<T: Real, E: Entry<T>, const SPACE: bool>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    x: &[T],
    sink: &mut impl Sink<T>,
) {
    for row in Rows::<SPACE>::of(grid, false) {
        if products_of(row, star, SPACE, x, sink).is_none() {
            return;
        }
    }
}

/// Gives the products of a row. With constant couplings all but the ends of one in a plane that has both rows beside it go
/// without a question; of many arrays it would take longer to ask whether one of them is written.
#[inline(always)]
fn products_of<T: Real, E: Entry<T>>(
    row: Row,
    star: Star<E>,
    in_space: bool,
    x: &[T],
    sink: &mut impl Sink<T>,
) -> Option<()> {
    let (start, columns, x) = (row.start, row.columns, row.of(x)?);
    let here = x.centre;
    let has_all = E::SAME && !in_space && row.south && row.north && columns > 2;
    let mut j = 0;
    while j < columns {
        let k = start + j;
        let mut sum = T::ZERO + star.centre.at(k)? * value(here, j)?;
        if j > 0 {
            sum += star.west.at(k)? * value(here, j - 1)?;
        }
        if let Some(&x) = here.get(j + 1) {
            sum += star.east.at(k)? * x;
        }
        if let Some(&x) = x.south.get(j) {
            sum += star.south.at(k)? * x;
        }
        if let Some(&x) = x.north.get(j) {
            sum += star.north.at(k)? * x;
        }
        if in_space {
            if let Some(&x) = x.down.get(j) {
                sum += star.down.at(k)? * x;
            }
            if let Some(&x) = x.up.get(j) {
                sum += star.up.at(k)? * x;
            }
        }
        sink.take(k, j, sum)?;
        j += 1;
        if j == 1 && has_all {
            let (south, north) = (x.south.get(..columns)?, x.north.get(..columns)?);
            let of = |c: E| c.at(start);
            let (centre, west, east) = (of(star.centre)?, of(star.west)?, of(star.east)?);
            let (to_south, to_north) = (of(star.south)?, of(star.north)?);
            for j in 1..columns - 1 {
                let sum = T::ZERO + centre * value(here, j)?;
                let sum = (sum + west * value(here, j - 1)?) + east * value(here, j + 1)?;
                let sum = (sum + to_south * value(south, j)?) + to_north * value(north, j)?;
                sink.take(start + j, j, sum)?;
            }
            j = columns - 1;
        }
    }
    Some(())
}

/// ω over the diagonal, by cell.
trait Factor<T>: Copy {
    fn at(self, cell: usize) -> Option<T>;
}

impl<T: Copy> Factor<T> for Same<T> {
    #[inline(always)]
    fn at(self, _cell: usize) -> Option<T> {
        Some(self.0)
    }
}

impl<T: Real> Factor<T> for (T, &[T]) {
    #[inline(always)]
    fn at(self, cell: usize) -> Option<T> {
        Some(self.0 * value(self.1, cell)?)
    }
}

/// `count` red-black sweeps.
#[inline(always)]
pub(super) fn red_black<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
    count: usize,
) {
    let (first, halves, keep) = (usize::from(reversed), 2 * count, T::ONE - omega);
    match (grid.coefficients, grid.planes) {
        (Coefficients::Constant(star), planes) => {
            let (star, factor) = (star.map(Same), Same(omega * (T::ONE / star.centre)));
            if planes == 1 {
                relax::<_, _, _, false>(grid, star, first, halves, keep, factor, rhs, x);
            } else {
                relax::<_, _, _, true>(grid, star, first, halves, keep, factor, rhs, x);
            }
        }
        (Coefficients::PerCell(star), 1) => {
            relax::<_, _, _, false>(grid, star, first, halves, keep, (omega, inverse), rhs, x);
        }
        (Coefficients::PerCell(star), _) => {
            relax::<_, _, _, true>(grid, star, first, halves, keep, (omega, inverse), rhs, x);
        }
    }
}

/// Relaxes the cells of one colour after the other: an even or an odd number.
#[inline(always)]
fn relax<T: Real, E: Entry<T>, F: Factor<T>, const SPACE: bool>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    first: usize,
    halves: usize,
    keep: T,
    factor: F,
    rhs: &[T],
    x: &mut [T],
) {
    for colour in first..first + halves {
        for row in Rows::<SPACE>::of(grid, false) {
            if relax_row(row, star, colour, SPACE, keep, factor, rhs, x).is_none() {
                return;
            }
        }
    }
}

#[inline(always)]
fn relax_row<T: Real, E: Entry<T>>(
    row: Row,
    star: Star<E>,
    colour: usize,
    in_space: bool,
    keep: T,
    factor: impl Factor<T>,
    rhs: &[T],
    x: &mut [T],
) -> Option<()> {
    let (here, x) = row.of_mut(x)?;
    let b = rhs.get(row.start..row.start + row.columns)?;
    let mut j = (row.parity + colour) % 2;
    while j < here.len() {
        let k = row.start + j;
        let mut t = value(b, j)?;
        if j > 0 {
            t -= star.west.at(k)? * value(here, j - 1)?;
        }
        if let Some(&x) = here.get(j + 1) {
            t -= star.east.at(k)? * x;
        }
        if let Some(&x) = x.south.get(j) {
            t -= star.south.at(k)? * x;
        }
        if let Some(&x) = x.north.get(j) {
            t -= star.north.at(k)? * x;
        }
        if in_space {
            if let Some(&x) = x.down.get(j) {
                t -= star.down.at(k)? * x;
            }
            if let Some(&x) = x.up.get(j) {
                t -= star.up.at(k)? * x;
            }
        }
        let (factor, x) = (factor.at(k)?, here.get_mut(j)?);
        *x = keep * *x + factor * t;
        j += 2;
    }
    Some(())
}
