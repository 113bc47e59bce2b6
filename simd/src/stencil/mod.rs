//! Passes over regular grids: the five-point star in two dimensions, the seven-point in three.
//!
//! A grid has `planes × rows × columns` cells, cell (p, i, j) at `(p·rows + i)·columns + j`; two
//! dimensions are one plane. Neighbours outside the grid do not exist (Dirichlet zero).
//!
//! ```text
//! west, east:   cell ∓ 1          (same row)
//! south, north: cell ∓ columns    (same plane)
//! down, up:     cell ∓ rows·columns
//! ```
//!
//! The lexicographic passes are serial along a row by nature: each cell waits for its western
//! neighbour. With constant couplings a sweep is split into a vector part, which gathers everything that is
//! known, and a recurrence of one product and one difference, which is doubled in blocks of eight cells;
//! both in registers, so that a cell is read and written once.

mod ahead;
mod by_reference;
mod cells;
mod doubling;
mod eisenstat;
mod groups;
mod in_turn;
mod lines;
mod listed;
mod march;
mod plain;
mod reach;
mod red_black;
mod small;
mod sor;
mod star;
mod strips;
mod strips_by_cell;

pub(crate) use cells::ROWS;
pub use eisenstat::{solve_lower, solve_upper};
pub use lines::{factor_lines, line_sweep};
pub use red_black::{red_black_sweep, red_black_sweeps};
pub use sor::{sor_sweep, sor_sweeps};
pub(crate) use star::WINDOW;
pub use star::{apply, residual, residual_square};
pub use strips::{CUT, Strip, lower_product_strip, solve_lower_strip, solve_upper_strip};

use crate::Real;
use crate::paths::is_bare_target;

/// The couplings of a cell to itself and to its neighbours.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Star<C> {
    /// The diagonal entry.
    pub centre: C,
    /// To cell − 1.
    pub west: C,
    /// To cell + 1.
    pub east: C,
    /// To cell − columns.
    pub south: C,
    /// To cell + columns.
    pub north: C,
    /// To cell − rows·columns.
    pub down: C,
    /// To cell + rows·columns.
    pub up: C,
}

/// Couplings that are the same everywhere, or one array per direction.
#[derive(Clone, Copy, Debug)]
pub enum Coefficients<'a, T> {
    /// One star for all cells.
    Constant(Star<T>),
    /// Entry k of each array belongs to cell k; `down` and `up` may be empty for one plane.
    PerCell(Star<&'a [T]>),
}

/// A grid with its couplings: the matrix that the passes work on.
#[derive(Clone, Copy, Debug)]
pub struct Grid<'a, T> {
    /// Planes; 1 in two dimensions.
    pub planes: usize,
    /// Rows of a plane.
    pub rows: usize,
    /// Columns of a row: neighbours in memory.
    pub columns: usize,
    /// The couplings.
    pub coefficients: Coefficients<'a, T>,
}

impl<T: Real> Grid<'_, T> {
    /// The row's neighbours in space, as row numbers counted through all planes.
    #[inline(always)]
    fn around(&self, row: usize) -> Star<Option<usize>> {
        let rows = self.rows.max(1);
        // A division costs as much as several cells.
        let (plane, i) = if self.planes == 1 { (0, row) } else { (row / rows, row % rows) };
        Star {
            centre: Some(row),
            west: None,
            east: None,
            south: if i > 0 { Some(row - 1) } else { None },
            north: if i + 1 < rows { Some(row + 1) } else { None },
            down: if plane > 0 { Some(row - rows) } else { None },
            up: if plane + 1 < self.planes { Some(row + rows) } else { None },
        }
    }

    /// Row `row` of a grid function, from column `first` on; empty where there is none.
    #[inline(always)]
    fn row_of<'x>(&self, x: &'x [T], row: Option<usize>, first: usize) -> &'x [T] {
        let Some(row) = row else { return &[] };
        let start = row * self.columns;
        x.get(start + first..start + self.columns).unwrap_or(&[])
    }
}

impl<T: Real> Grid<'_, T> {
    /// Σ |a_kl| over the neighbours of cell `cell`.
    #[must_use]
    pub fn off_diagonal(&self, cell: usize) -> T {
        if is_bare_target() {
            return plain::off_diagonal(self, cell);
        }
        let columns = self.columns.max(1);
        let (row, j) = (cell / columns, cell % columns);
        let around = self.around(row);
        let star = match self.coefficients {
            Coefficients::Constant(star) => star,
            Coefficients::PerCell(star) => star.map(|c| c.get(cell).copied().unwrap_or(T::ZERO)),
        };
        let there = |exists: bool, c: T| if exists { c.abs() } else { T::ZERO };
        let in_row = there(j > 0, star.west) + there(j + 1 < columns, star.east);
        let in_plane = there(around.south.is_some(), star.south) + there(around.north.is_some(), star.north);
        in_row + in_plane + there(around.down.is_some(), star.down) + there(around.up.is_some(), star.up)
    }
}

/// Elements `from..from + len`; empty where they do not exist.
#[inline(always)]
fn piece<T>(x: &[T], from: usize, len: usize) -> &[T] {
    x.get(from..from + len).unwrap_or(&[])
}

/// A coupling along a piece of a row.
#[derive(Clone, Copy, Debug)]
enum Coupling<'a, T> {
    Uniform(T),
    Cells(&'a [T]),
}

impl<'a, T: Real> Coupling<'a, T> {
    /// Without its first `n` cells.
    #[inline(always)]
    fn skip(self, n: usize) -> Self {
        match self {
            Coupling::Uniform(c) => Coupling::Uniform(c),
            Coupling::Cells(c) => Coupling::Cells(c.get(n..).unwrap_or(&[])),
        }
    }
}

impl<'a, T: Real> Coefficients<'a, T> {
    /// The couplings from cell `start` on.
    #[inline(always)]
    fn from(&self, start: usize) -> Star<Coupling<'a, T>> {
        match *self {
            Coefficients::Constant(s) => s.map(Coupling::Uniform),
            Coefficients::PerCell(s) => s.map(|c| Coupling::Cells(c.get(start..).unwrap_or(&[]))),
        }
    }
}

impl<C> Star<C> {
    /// The same operation on every coupling.
    #[inline(always)]
    pub fn map<D>(self, f: impl Fn(C) -> D) -> Star<D> {
        Star {
            centre: f(self.centre),
            west: f(self.west),
            east: f(self.east),
            south: f(self.south),
            north: f(self.north),
            down: f(self.down),
            up: f(self.up),
        }
    }
}
