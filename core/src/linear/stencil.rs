//! Regular grids: the five-point star in the plane and the seven-point star in space.

use southwell_simd::stencil::{Coefficients, Grid, Star};

use super::{Matrix, check_finite, check_len};
use crate::{Error, Real};

/// A five-point stencil on `rows × columns` cells, cell (i, j) at `i·columns + j`, zero outside
/// (Dirichlet). West and east are the neighbours in memory, south and north a row away.
///
/// ```
/// use southwell::linear::{Matrix, Star, Stencil2d};
/// // −Δ on a 3×3 grid: 4 in the centre, −1 to the neighbours.
/// let star = Star { centre: 4.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
/// let a = Stencil2d::constant(3, 3, star)?;
/// let mut y = [0.0; 9];
/// a.apply(&[1.0; 9], &mut y);
/// assert_eq!(y, [2.0, 1.0, 2.0, 1.0, 0.0, 1.0, 2.0, 1.0, 2.0]);
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Stencil2d<'a, T> {
    grid: Grid<'a, T>,
}

/// A seven-point stencil on `planes × rows × columns` cells, cell (p, i, j) at
/// `(p·rows + i)·columns + j`, zero outside (Dirichlet). Down and up are a plane away.
#[derive(Clone, Copy, Debug)]
pub struct Stencil3d<'a, T> {
    grid: Grid<'a, T>,
}

/// Cells of a grid, if 32-bit indices can count them.
fn cells(planes: usize, rows: usize, columns: usize) -> Result<usize, Error> {
    let cells = planes.checked_mul(rows).and_then(|n| n.checked_mul(columns));
    match cells {
        Some(n) if u32::try_from(n).is_ok() => Ok(n),
        _ => Err(Error::TooLarge { argument: "grid" }),
    }
}

/// The names of couplings, in the order in which errors count them.
const NAMES: [&str; 7] = ["centre", "west", "east", "south", "north", "down", "up"];

/// Refuses what a constant star must not be, in as many of its couplings as are read.
#[cfg_attr(target_os = "none", inline(never))]
fn check_constant<T: Real>(
    planes: usize,
    rows: usize,
    columns: usize,
    star: &Star<T>,
    read: usize,
) -> Result<(), Error> {
    cells(planes, rows, columns)?;
    match NAMES.iter().zip(star.listed()).take(read).find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((&argument, _)) => Err(Error::Value { argument, index: 0 }),
    }
}

#[cfg_attr(target_os = "none", inline(never))]
fn per_cell<'a, T: Real>(
    planes: usize,
    rows: usize,
    columns: usize,
    star: Star<&'a [T]>,
    arrays: usize,
) -> Result<Grid<'a, T>, Error> {
    let n = cells(planes, rows, columns)?;
    for (&argument, values) in NAMES.iter().zip(star.listed()).take(arrays) {
        check_len(argument, values.len(), n)?;
        check_finite(argument, values)?;
    }
    Ok(Grid { planes, rows, columns, coefficients: Coefficients::PerCell(star) })
}

impl<'a, T: Real> Stencil2d<'a, T> {
    /// The same star in every cell; `down` and `up` are not read.
    ///
    /// # Errors
    /// [`Error::Value`] for a coupling that is NaN or infinite, [`Error::TooLarge`] for a grid of
    /// more than 2³² − 1 cells.
    #[inline]
    pub fn constant(rows: usize, columns: usize, star: Star<T>) -> Result<Self, Error> {
        check_constant(1, rows, columns, &star, 5)?;
        let star = Star { down: T::ZERO, up: T::ZERO, ..star };
        // Made where it is to lie, for it is large.
        Ok(Self { grid: Grid { planes: 1, rows, columns, coefficients: Coefficients::Constant(star) } })
    }

    /// One array of `rows·columns` couplings per direction; entries that would lead out of the grid
    /// are not read, `down` and `up` not at all.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] naming the direction, [`Error::TooLarge`].
    /// Cost: one pass over the arrays.
    pub fn per_cell(rows: usize, columns: usize, star: Star<&'a [T]>) -> Result<Self, Error> {
        let star = Star { down: &[][..], up: &[][..], ..star };
        Ok(Self { grid: per_cell(1, rows, columns, star, 5)? })
    }

    /// Rows of the grid.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.grid.rows
    }
}

impl<'a, T: Real> Stencil3d<'a, T> {
    /// The same star in every cell.
    ///
    /// # Errors
    /// [`Error::Value`] for a coupling that is NaN or infinite, [`Error::TooLarge`] for a grid of
    /// more than 2³² − 1 cells.
    #[inline]
    pub fn constant(planes: usize, rows: usize, columns: usize, star: Star<T>) -> Result<Self, Error> {
        check_constant(planes, rows, columns, &star, 7)?;
        Ok(Self { grid: Grid { planes, rows, columns, coefficients: Coefficients::Constant(star) } })
    }

    /// One array of `planes·rows·columns` couplings per direction; entries that would lead out of
    /// the grid are not read.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`] naming the direction, [`Error::TooLarge`].
    /// Cost: one pass over the arrays.
    pub fn per_cell(planes: usize, rows: usize, columns: usize, star: Star<&'a [T]>) -> Result<Self, Error> {
        Ok(Self { grid: per_cell(planes, rows, columns, star, 7)? })
    }

    /// Planes of the grid.
    #[must_use]
    pub fn planes(&self) -> usize {
        self.grid.planes
    }

    /// Rows of a plane.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.grid.rows
    }
}

/// What both dimensions share.
macro_rules! grid_matrix {
    ($name:ident) => {
        impl<'a, T: Real> $name<'a, T> {
            /// Columns: cells that are neighbours in memory.
            #[must_use]
            pub fn columns(&self) -> usize {
                self.grid.columns
            }

            /// Whether every cell has the same star.
            #[must_use]
            pub fn is_constant(&self) -> bool {
                matches!(self.grid.coefficients, Coefficients::Constant(_))
            }

            pub(crate) fn grid_ref(&self) -> &Grid<'a, T> {
                &self.grid
            }

            /// The grid as the passes of [`southwell_simd::stencil`] take it.
            #[must_use]
            pub fn grid(&self) -> Grid<'a, T> {
                self.grid
            }
        }

        impl<T: Real> Matrix<T> for $name<'_, T> {
            fn order(&self) -> usize {
                let g = &self.grid;
                // Counted when the view was made.
                g.planes.wrapping_mul(g.rows).wrapping_mul(g.columns)
            }
            #[cfg_attr(target_os = "none", inline(never))]
            fn diagonal(&self, row: usize) -> Option<T> {
                match self.grid.coefficients {
                    Coefficients::Constant(star) => (row < self.order()).then_some(star.centre),
                    Coefficients::PerCell(star) => star.centre.get(row).copied(),
                }
            }
            fn off_diagonal(&self, row: usize) -> T {
                self.grid.off_diagonal(row)
            }
            #[cfg_attr(target_os = "none", inline(never))]
            fn apply(&self, x: &[T], y: &mut [T]) {
                self.grid.apply(x, y);
            }
            #[cfg_attr(target_os = "none", inline(never))]
            fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
                self.grid.residual(rhs, x, r);
            }
            fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
                self.grid.residual_square(rhs, x)
            }
        }
    };
}

grid_matrix!(Stencil2d);
grid_matrix!(Stencil3d);
