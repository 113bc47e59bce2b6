//! The passes over grids with rows too short for registers: plain loops, a cell after the other, without dispatch. The
//! same operations on every cell in the same order as in the wide passes, so the same bits.

use super::{Coefficients, Grid, Star};
use crate::{LANES, Real, reduce};

/// A coupling, by the number of its cell.
trait Entry<T>: Copy {
    /// Those of a row, whose length is known then.
    fn row(self, start: usize, columns: usize) -> Option<Self>;
    fn at(self, cell: usize) -> Option<T>;
}

/// The same everywhere.
#[derive(Clone, Copy)]
struct Same<T>(T);

impl<T: Copy> Entry<T> for Same<T> {
    #[inline(always)]
    fn row(self, _start: usize, _columns: usize) -> Option<Self> {
        Some(self)
    }

    #[inline(always)]
    fn at(self, _cell: usize) -> Option<T> {
        Some(self.0)
    }
}

impl<T: Real> Entry<T> for &[T] {
    #[inline(always)]
    fn row(self, start: usize, columns: usize) -> Option<Self> {
        self.get(start..start + columns)
    }

    #[inline(always)]
    fn at(self, cell: usize) -> Option<T> {
        self.get(cell).copied()
    }
}

/// An element. Where there is none a pass ends, so that nothing has to be chosen on the way to a result.
#[inline(always)]
fn value<T: Copy>(x: &[T], cell: usize) -> Option<T> {
    x.get(cell).copied()
}

/// A row: its first cell, and which rows beside it exist.
#[derive(Clone, Copy)]
struct Row {
    start: usize,
    south: bool,
    north: bool,
    down: bool,
    up: bool,
    /// Of plane and row, for colours.
    parity: usize,
}

/// Calls `visit` with all rows in order, from the last one if `reversed`, until it gives none.
#[inline(always)]
fn each_row<T>(grid: &Grid<'_, T>, reversed: bool, mut visit: impl FnMut(Row) -> Option<()>) {
    let (planes, rows) = (grid.planes, grid.rows);
    for p in 0..planes {
        let p = if reversed { planes - 1 - p } else { p };
        for i in 0..rows {
            let i = if reversed { rows - 1 - i } else { i };
            let row = Row {
                start: (p * rows + i) * grid.columns,
                south: i > 0,
                north: i + 1 < rows,
                down: p > 0,
                up: p + 1 < planes,
                parity: (p + i) % 2,
            };
            if visit(row).is_none() {
                return;
            }
        }
    }
}

/// y ← A x, or b − A x.
#[inline(always)]
pub(super) fn star<T: Real>(grid: &Grid<'_, T>, rhs: Option<&[T]>, x: &[T], y: &mut [T]) {
    let x = x.get(..grid.planes * grid.rows * grid.columns).unwrap_or(x);
    match rhs {
        None => products(grid, x, |k, _, product| {
            if let Some(y) = y.get_mut(k) {
                *y = product;
            }
        }),
        Some(rhs) => products(grid, x, |k, _, product| {
            if let (Some(y), Some(&b)) = (y.get_mut(k), rhs.get(k)) {
                *y = b - product;
            }
        }),
    }
}

/// ‖b − A x‖₂².
#[inline(always)]
pub(super) fn residual_square<T: Real>(grid: &Grid<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    products(grid, x, |k, j, product| {
        let r = rhs.get(k).map_or(T::ZERO, |&b| b - product);
        lanes[j % LANES] += r * r;
    });
    reduce(&lanes)
}

/// Gives (A x)ₖ of all cells, with the cell and its column.
#[inline(always)]
fn products<T: Real>(grid: &Grid<'_, T>, x: &[T], give: impl FnMut(usize, usize, T)) {
    match (grid.coefficients, grid.planes) {
        (Coefficients::Constant(star), 1) => products_by::<_, _, false>(grid, star.map(Same), x, give),
        (Coefficients::Constant(star), _) => products_by::<_, _, true>(grid, star.map(Same), x, give),
        (Coefficients::PerCell(star), 1) => products_by::<_, _, false>(grid, star, x, give),
        (Coefficients::PerCell(star), _) => products_by::<_, _, true>(grid, star, x, give),
    }
}

#[inline(always)]
fn products_by<T: Real, E: Entry<T>, const SPACE: bool>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    x: &[T],
    mut give: impl FnMut(usize, usize, T),
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    each_row(grid, false, |row| {
        let of =
            |there: bool, start: usize| if there { x.get(start..start + columns) } else { Some(&[][..]) };
        let here = of(true, row.start)?;
        let south = of(row.south, row.start.wrapping_sub(columns))?;
        let north = of(row.north, row.start + columns)?;
        let down = of(SPACE && row.down, row.start.wrapping_sub(plane))?;
        let up = of(SPACE && row.up, row.start + plane)?;
        let of = |c: E| c.row(row.start, columns);
        let (centre, west, east) = (of(star.centre)?, of(star.west)?, of(star.east)?);
        let (to_south, to_north) = (of(star.south)?, of(star.north)?);
        let cell = |j: usize| {
            let mut sum = T::ZERO + centre.at(j)? * value(here, j)?;
            if j > 0 {
                sum += west.at(j)? * value(here, j - 1)?;
            }
            if j + 1 < columns {
                sum += east.at(j)? * value(here, j + 1)?;
            }
            if row.south {
                sum += to_south.at(j)? * value(south, j)?;
            }
            if row.north {
                sum += to_north.at(j)? * value(north, j)?;
            }
            if SPACE && row.down {
                sum += star.down.at(row.start + j)? * value(down, j)?;
            }
            if SPACE && row.up {
                sum += star.up.at(row.start + j)? * value(up, j)?;
            }
            Some(sum)
        };
        if SPACE || !row.south || !row.north || columns < 3 {
            for j in 0..columns {
                give(row.start + j, j, cell(j)?);
            }
            return Some(());
        }
        let (south, north) = (south.get(..columns)?, north.get(..columns)?);
        give(row.start, 0, cell(0)?);
        for j in 1..columns - 1 {
            let sum = T::ZERO + centre.at(j)? * value(here, j)?;
            let sum = (sum + west.at(j)? * value(here, j - 1)?) + east.at(j)? * value(here, j + 1)?;
            give(
                row.start + j,
                j,
                (sum + to_south.at(j)? * value(south, j)?) + to_north.at(j)? * value(north, j)?,
            );
        }
        give(row.start + columns - 1, columns - 1, cell(columns - 1)?);
        Some(())
    });
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
    for half in 0..2 * count {
        let colour = half + usize::from(reversed);
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let factor = omega * (T::ONE / star.centre);
                relax(grid, star.map(Same), colour, T::ONE - omega, |_| Some(factor), rhs, x);
            }
            Coefficients::PerCell(star) => {
                relax(grid, star, colour, T::ONE - omega, |k| Some(omega * value(inverse, k)?), rhs, x);
            }
        }
    }
}

/// Relaxes the cells of a colour, an even or an odd number.
#[inline(always)]
fn relax<T: Real, E: Entry<T>>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    colour: usize,
    keep: T,
    factor: impl Fn(usize) -> Option<T>,
    rhs: &[T],
    x: &mut [T],
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    each_row(grid, false, |row| {
        let (behind, rest) = x.split_at_mut_checked(row.start)?;
        let (here, ahead) = rest.split_at_mut_checked(columns)?;
        let (behind, ahead) = (&*behind, &*ahead);
        let below = |there: bool, cells: usize| {
            if there { behind.get(row.start.wrapping_sub(cells)..)?.get(..columns) } else { Some(&[][..]) }
        };
        let above = |there: bool, cells: usize| {
            if there { ahead.get(cells.wrapping_sub(columns)..)?.get(..columns) } else { Some(&[][..]) }
        };
        let (south, north) = (below(row.south, columns)?, above(row.north, columns)?);
        let (down, up) = (below(row.down, plane)?, above(row.up, plane)?);
        let b = rhs.get(row.start..row.start + columns)?;
        let of = |c: E| c.row(row.start, columns);
        let (west, east) = (of(star.west)?, of(star.east)?);
        let (to_south, to_north) = (of(star.south)?, of(star.north)?);
        let mut j = (row.parity + colour) % 2;
        while j < columns {
            let mut t = value(b, j)?;
            if j > 0 {
                t -= west.at(j)? * value(here, j - 1)?;
            }
            if j + 1 < columns {
                t -= east.at(j)? * value(here, j + 1)?;
            }
            if row.south {
                t -= to_south.at(j)? * value(south, j)?;
            }
            if row.north {
                t -= to_north.at(j)? * value(north, j)?;
            }
            if row.down {
                t -= star.down.at(row.start + j)? * value(down, j)?;
            }
            if row.up {
                t -= star.up.at(row.start + j)? * value(up, j)?;
            }
            let factor = factor(row.start + j)?;
            let x = here.get_mut(j)?;
            *x = keep * *x + factor * t;
            j += 2;
        }
        Some(())
    });
}

/// A lexicographic sweep of SOR with couplings by cell.
#[inline(always)]
pub(super) fn sweep<T: Real>(
    grid: &Grid<'_, T>,
    star: Star<&[T]>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    let beside = if reversed { (star.north, star.east) } else { (star.south, star.west) };
    in_turn(grid, reversed, omega, inverse, Some(T::ONE - omega), beside, x, |x, row, k, j| {
        let mut t = value(rhs, k)?;
        if row.down {
            t -= value(star.down, k)? * value(x, k - plane)?;
        }
        if row.up {
            t -= value(star.up, k)? * value(x, k + plane)?;
        }
        if reversed {
            if row.south {
                t -= value(star.south, k)? * value(x, k - columns)?;
            }
            if j > 0 {
                t -= value(star.west, k)? * value(x, k - 1)?;
            }
        } else {
            if row.north {
                t -= value(star.north, k)? * value(x, k + columns)?;
            }
            if j + 1 < columns {
                t -= value(star.east, k)? * value(x, k + 1)?;
            }
        }
        Some(t)
    });
}

/// t ← (D/ω + U)⁻¹ p with couplings by cell.
#[inline(always)]
pub(super) fn upper<T: Real>(
    grid: &Grid<'_, T>,
    star: Star<&[T]>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &mut [T],
) {
    let plane = grid.rows * grid.columns;
    in_turn(grid, true, omega, inverse, None, (star.north, star.east), t, |t, row, k, _| {
        let known = value(p, k)?;
        if row.up { Some(known - value(star.up, k)? * value(t, k + plane)?) } else { Some(known) }
    });
}

/// w ← p + (1 − 1/ω) D t + L t with constant couplings.
#[inline(always)]
pub(super) fn lower_product<T: Real>(
    grid: &Grid<'_, T>,
    star: Star<T>,
    share: T,
    p: &[T],
    t: &[T],
    w: &mut [T],
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    each_row(grid, false, |row| {
        let (p, here) = (p.get(row.start..row.start + columns)?, t.get(row.start..row.start + columns)?);
        let w = w.get_mut(row.start..row.start + columns)?;
        for j in 0..columns {
            let mut sum = value(p, j)? + share * (star.centre * value(here, j)?);
            if j > 0 {
                sum += star.west * value(here, j - 1)?;
            }
            if row.south {
                sum += star.south * value(t, row.start + j - columns)?;
            }
            if row.down {
                sum += star.down * value(t, row.start + j - plane)?;
            }
            *w.get_mut(j)? = sum;
        }
        Some(())
    });
}

/// y ← (D/ω + L)⁻¹ (p − K t), w ← A t, with couplings by cell.
#[inline(always)]
pub(super) fn lower<T: Real>(
    grid: &Grid<'_, T>,
    star: Star<&[T]>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    in_turn(grid, false, omega, inverse, None, (star.south, star.west), y, |y, row, k, j| {
        let (p, c, here) = (value(p, k)?, value(star.centre, k)?, value(t, k)?);
        let mut product = p + share * (c * here);
        if j > 0 {
            product += value(star.west, k)? * value(t, k - 1)?;
        }
        if row.south {
            product += value(star.south, k)? * value(t, k - columns)?;
        }
        if row.down {
            product += value(star.down, k)? * value(t, k - plane)?;
        }
        *w.get_mut(k)? = product;
        let known = p - (weight * c) * here;
        if row.down { Some(known - value(star.down, k)? * value(y, k - plane)?) } else { Some(known) }
    });
}

/// The recurrence with couplings by cell: t ← `known` − behind·x_behind, x ← ([keep·x +] f·t) − (f·before)·x_before.
#[inline(always)]
fn in_turn<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    keep: Option<T>,
    (behind, before): (&[T], &[T]),
    x: &mut [T],
    mut known: impl FnMut(&[T], Row, usize, usize) -> Option<T>,
) {
    let columns = grid.columns;
    each_row(grid, reversed, |row| {
        let mut last = T::ZERO;
        for j in 0..columns {
            let column = if reversed { columns - 1 - j } else { j };
            let k = row.start + column;
            let mut t = known(x, row, k, column)?;
            if reversed && row.north {
                t -= value(behind, k)? * value(x, k + columns)?;
            } else if !reversed && row.south {
                t -= value(behind, k)? * value(x, k - columns)?;
            }
            let f = omega * value(inverse, k)?;
            let mut q = f * t;
            let x = x.get_mut(k)?;
            if let Some(keep) = keep {
                q = keep * *x + q;
            }
            last = q - (f * value(before, k)?) * last;
            *x = last;
        }
        Some(())
    });
}
