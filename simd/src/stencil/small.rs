//! The passes over grids with rows too short for registers: plain loops, a cell after the other, without dispatch. The
//! same operations on every cell in the same order as in the wide passes, so the same bits.

use super::doubling::BLOCK;
use super::{Coefficients, Grid, Star};
use crate::{LANES, Real, reduce};

/// Bytes of a row up to which a product with the star goes by plain loops.
const PRODUCT: usize = 128;
/// Bytes of a row up to which a red-black sweep does: it uses every other lane alone.
const RED_BLACK: usize = 256;
/// Cells of a row up to which a recurrence over couplings by cell does.
const CELLS: usize = 16;

impl<T: Real> Grid<'_, T> {
    /// Whether products with the star gain nothing from wide registers.
    #[inline(always)]
    pub(super) fn is_small(&self) -> bool {
        cfg!(feature = "std") && self.columns.saturating_mul(size_of::<T>()) <= PRODUCT
    }

    /// The same of red-black sweeps.
    #[inline(always)]
    pub(super) fn is_small_by_colours(&self) -> bool {
        cfg!(feature = "std") && self.columns.saturating_mul(size_of::<T>()) <= RED_BLACK
    }

    /// The same of recurrences along a row.
    #[inline(always)]
    pub(super) fn is_small_in_order(&self) -> bool {
        let most = match self.coefficients {
            Coefficients::Constant(_) => BLOCK,
            Coefficients::PerCell(_) => CELLS,
        };
        cfg!(feature = "std") && self.columns <= most
    }
}

/// A coupling, by the number of its cell.
trait Entry<T>: Copy {
    fn at(self, cell: usize) -> T;
}

/// The same everywhere.
#[derive(Clone, Copy)]
struct Same<T>(T);

impl<T: Copy> Entry<T> for Same<T> {
    #[inline(always)]
    fn at(self, _cell: usize) -> T {
        self.0
    }
}

impl<T: Real> Entry<T> for &[T] {
    #[inline(always)]
    fn at(self, cell: usize) -> T {
        value(self, cell)
    }
}

/// An element; zero where there is none.
#[inline(always)]
fn value<T: Real>(x: &[T], cell: usize) -> T {
    x.get(cell).copied().unwrap_or(T::ZERO)
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

/// Calls `visit` with all rows in order, from the last one if `reversed`.
#[inline(always)]
fn each_row<T>(grid: &Grid<'_, T>, reversed: bool, mut visit: impl FnMut(Row)) {
    let (planes, rows) = (grid.planes, grid.rows);
    for p in 0..planes {
        let p = if reversed { planes - 1 - p } else { p };
        for i in 0..rows {
            let i = if reversed { rows - 1 - i } else { i };
            visit(Row {
                start: (p * rows + i) * grid.columns,
                south: i > 0,
                north: i + 1 < rows,
                down: p > 0,
                up: p + 1 < planes,
                parity: (p + i) % 2,
            });
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
        let r = value(rhs, k) - product;
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
        for j in 0..columns {
            let k = row.start + j;
            let mut sum = T::ZERO + star.centre.at(k) * value(x, k);
            if j > 0 {
                sum += star.west.at(k) * value(x, k - 1);
            }
            if j + 1 < columns {
                sum += star.east.at(k) * value(x, k + 1);
            }
            if row.south {
                sum += star.south.at(k) * value(x, k - columns);
            }
            if row.north {
                sum += star.north.at(k) * value(x, k + columns);
            }
            if SPACE && row.down {
                sum += star.down.at(k) * value(x, k - plane);
            }
            if SPACE && row.up {
                sum += star.up.at(k) * value(x, k + plane);
            }
            give(k, j, sum);
        }
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
        let colour = (half + usize::from(reversed)) % 2;
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let factor = omega * (T::ONE / star.centre);
                relax(grid, star.map(Same), colour, T::ONE - omega, |_| factor, rhs, x);
            }
            Coefficients::PerCell(star) => {
                relax(grid, star, colour, T::ONE - omega, |k| omega * value(inverse, k), rhs, x);
            }
        }
    }
}

/// Relaxes the cells of a colour.
#[inline(always)]
fn relax<T: Real, E: Entry<T>>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    colour: usize,
    keep: T,
    factor: impl Fn(usize) -> T,
    rhs: &[T],
    x: &mut [T],
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    each_row(grid, false, |row| {
        let mut j = (row.parity + colour) % 2;
        while j < columns {
            let k = row.start + j;
            let mut t = value(rhs, k);
            if j > 0 {
                t -= star.west.at(k) * value(x, k - 1);
            }
            if j + 1 < columns {
                t -= star.east.at(k) * value(x, k + 1);
            }
            if row.south {
                t -= star.south.at(k) * value(x, k - columns);
            }
            if row.north {
                t -= star.north.at(k) * value(x, k + columns);
            }
            if row.down {
                t -= star.down.at(k) * value(x, k - plane);
            }
            if row.up {
                t -= star.up.at(k) * value(x, k + plane);
            }
            if let Some(x) = x.get_mut(k) {
                *x = keep * *x + factor(k) * t;
            }
            j += 2;
        }
    });
}

/// `count` lexicographic sweeps of SOR.
#[inline(always)]
pub(super) fn sweeps<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
    count: usize,
) {
    let keep = T::ONE - omega;
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    // t of a cell, but for the row behind and the cell before.
    let known = |star: &Star<T>, x: &[T], row: Row, k: usize, j: usize| {
        let mut t = value(rhs, k);
        if row.down {
            t -= star.down * value(x, k - plane);
        }
        if row.up {
            t -= star.up * value(x, k + plane);
        }
        if reversed {
            if row.south {
                t -= star.south * value(x, k - columns);
            }
            if j > 0 {
                t -= star.west * value(x, k - 1);
            }
        } else {
            if row.north {
                t -= star.north * value(x, k + columns);
            }
            if j + 1 < columns {
                t -= star.east * value(x, k + 1);
            }
        }
        t
    };
    for _ in 0..count {
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let factor = omega * (T::ONE / star.centre);
                let (behind, before) =
                    if reversed { (star.north, star.east) } else { (star.south, star.west) };
                doubled(grid, reversed, (factor * behind, factor * before), x, |x, row, k, j| {
                    keep * value(x, k) + factor * known(&star, x, row, k, j)
                });
            }
            Coefficients::PerCell(star) => {
                let beside = if reversed { (star.north, star.east) } else { (star.south, star.west) };
                in_turn(grid, reversed, omega, inverse, Some(keep), beside, x, |x, row, k, j| {
                    known(&star.map(|c| value(c, k)), x, row, k, j)
                });
            }
        }
    }
}

/// t ← (D/ω + U)⁻¹ p.
#[inline(always)]
pub(super) fn upper<T: Real>(grid: &Grid<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    let plane = grid.rows * grid.columns;
    let known = |up: T, t: &[T], row: Row, k: usize| {
        if row.up { value(p, k) - up * value(t, k + plane) } else { value(p, k) }
    };
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            doubled(grid, true, (factor * star.north, factor * star.east), t, |t, row, k, _| {
                factor * known(star.up, t, row, k)
            });
        }
        Coefficients::PerCell(star) => {
            in_turn(grid, true, omega, inverse, None, (star.north, star.east), t, |t, row, k, _| {
                known(value(star.up, k), t, row, k)
            });
        }
    }
}

/// y ← (D/ω + L)⁻¹ (p − K t), w ← A t.
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
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let plane = grid.rows * grid.columns;
    let known = |weight: T, down: T, y: &[T], row: Row, k: usize| {
        let left = value(p, k) - weight * value(t, k);
        if row.down { left - down * value(y, k - plane) } else { left }
    };
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let (factor, weight) = (omega * (T::ONE / star.centre), weight * star.centre);
            doubled(grid, false, (factor * star.south, factor * star.west), y, |y, row, k, _| {
                factor * known(weight, star.down, y, row, k)
            });
            lower_product(grid, star.map(Same), share, p, t, w);
        }
        Coefficients::PerCell(star) => {
            in_turn(grid, false, omega, inverse, None, (star.south, star.west), y, |y, row, k, _| {
                known(weight * value(star.centre, k), value(star.down, k), y, row, k)
            });
            lower_product(grid, star, share, p, t, w);
        }
    }
}

/// w ← p + (1 − 1/ω) D t + L t.
#[inline(always)]
fn lower_product<T: Real, E: Entry<T>>(
    grid: &Grid<'_, T>,
    star: Star<E>,
    share: T,
    p: &[T],
    t: &[T],
    w: &mut [T],
) {
    let (columns, plane) = (grid.columns, grid.rows * grid.columns);
    each_row(grid, false, |row| {
        for j in 0..columns {
            let k = row.start + j;
            let mut sum = value(p, k) + share * (star.centre.at(k) * value(t, k));
            if j > 0 {
                sum += star.west.at(k) * value(t, k - 1);
            }
            if row.south {
                sum += star.south.at(k) * value(t, k - columns);
            }
            if row.down {
                sum += star.down.at(k) * value(t, k - plane);
            }
            if let Some(w) = w.get_mut(k) {
                *w = sum;
            }
        }
    });
}

/// The cell of column `j` in the direction of travel, its column in memory, and the cell behind it if there is one.
#[inline(always)]
fn place(row: Row, columns: usize, reversed: bool, j: usize) -> (usize, usize, Option<usize>) {
    let column = if reversed { columns - 1 - j } else { j };
    let k = row.start + column;
    let behind = if reversed { row.north.then_some(k + columns) } else { row.south.then(|| k - columns) };
    (k, column, behind)
}

/// The recurrence with constant couplings: x ← (`start` − across·x_behind) − along·x_before, doubled along rows of at
/// most a block.
#[inline(always)]
fn doubled<T: Real>(
    grid: &Grid<'_, T>,
    reversed: bool,
    (across, along): (T, T),
    x: &mut [T],
    start: impl Fn(&[T], Row, usize, usize) -> T,
) {
    let columns = grid.columns.min(BLOCK);
    if columns <= BLOCK / 2 {
        each_row(grid, reversed, |row| {
            doubled_row::<_, { BLOCK / 2 }>(row, columns, reversed, (across, along), x, &start);
        });
    } else {
        each_row(grid, reversed, |row| {
            doubled_row::<_, BLOCK>(row, columns, reversed, (across, along), x, &start);
        });
    }
}

#[inline(always)]
fn doubled_row<T: Real, const B: usize>(
    row: Row,
    columns: usize,
    reversed: bool,
    (across, c): (T, T),
    x: &mut [T],
    start: &impl Fn(&[T], Row, usize, usize) -> T,
) {
    let mut y = [T::ZERO; B];
    for (j, y) in y.iter_mut().enumerate().take(columns) {
        let (k, column, behind) = place(row, columns, reversed, j);
        *y = start(x, row, k, column);
        if let Some(behind) = behind {
            *y -= across * value(x, behind);
        }
    }
    let (c2, c4) = (c * c, (c * c) * (c * c));
    // From the last cell: what a cell takes has not been changed yet.
    for i in (1..B).rev() {
        y[i] -= c * y[i - 1];
    }
    for i in (2..B).rev() {
        y[i] += c2 * y[i - 2];
    }
    for i in (4..B).rev() {
        y[i] += c4 * y[i - 4];
    }
    let mut power = -c;
    for (j, &y) in y.iter().enumerate().take(columns) {
        let (k, ..) = place(row, columns, reversed, j);
        if let Some(x) = x.get_mut(k) {
            // What comes in at the edge is zero, and is added as everywhere: a zero and an infinity show.
            *x = y + power * T::ZERO;
        }
        power *= -c;
    }
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
    known: impl Fn(&[T], Row, usize, usize) -> T,
) {
    each_row(grid, reversed, |row| {
        let mut last = T::ZERO;
        for j in 0..grid.columns {
            let (k, column, other) = place(row, grid.columns, reversed, j);
            let mut t = known(x, row, k, column);
            if let Some(other) = other {
                t -= value(behind, k) * value(x, other);
            }
            let f = omega * value(inverse, k);
            let mut q = f * t;
            let Some(x) = x.get_mut(k) else { return };
            if let Some(keep) = keep {
                q = keep * *x + q;
            }
            last = q - (f * value(before, k)) * last;
            *x = last;
        }
    });
}
