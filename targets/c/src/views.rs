//! Matrices from C.

use southwell::Real;
use southwell::linear::{Csr, Dense, Star, Stencil2d};

use crate::Fault;
use crate::border::{Span, input, sized, span};

/// A square sparse matrix by rows: row i holds entries `offsets[i]` to `offsets[i + 1]` of `columns` and
/// `values`, columns increasing within a row.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct CsrMatrix<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows, and columns.
    pub order: usize,
    /// Where rows begin, `order + 1` of them; the last is the number of entries.
    pub offsets: *const u32,
    /// The column of every entry.
    pub columns: *const u32,
    /// The value of every entry.
    pub values: *const T,
}

/// A square dense matrix by rows, entry (i, j) at `i·stride + j`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DenseMatrix<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows, and columns.
    pub order: usize,
    /// Distance of two rows, not smaller than the order.
    pub stride: usize,
    /// The entries; the last row may end with its last entry.
    pub values: *const T,
}

/// The same five-point star in every cell of a grid, cell (i, j) at `i·columns + j`; couplings that would lead
/// out of the grid are left out.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Stencil<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows of the grid.
    pub rows: usize,
    /// Columns of the grid.
    pub columns: usize,
    /// The diagonal entry.
    pub centre: T,
    /// The coupling to cell (i, j − 1).
    pub west: T,
    /// The coupling to cell (i, j + 1).
    pub east: T,
    /// The coupling to cell (i − 1, j).
    pub south: T,
    /// The coupling to cell (i + 1, j).
    pub north: T,
}

/// A matrix that C describes.
pub(crate) trait FromC<'a, T>: Sized {
    /// The view of it.
    type View;
    /// The view, its order, and the arrays that it reads.
    ///
    /// # Safety
    /// `pointer` must be null or point to a struct whose first member is its size, and whose arrays have the
    /// lengths that it says and are not written during `'a`.
    unsafe fn view(pointer: *const Self) -> Result<(Self::View, usize, [Span; 3]), Fault>;
}

impl<'a, T: Real + 'a> FromC<'a, T> for CsrMatrix<T> {
    type View = Csr<'a, T>;
    unsafe fn view(pointer: *const Self) -> Result<(Csr<'a, T>, usize, [Span; 3]), Fault> {
        // SAFETY: handed on, here and below.
        let raw = unsafe { sized(pointer, "matrix") }?;
        let lines = raw.order.saturating_add(1);
        // SAFETY: as above.
        let offsets = unsafe { input(raw.offsets, lines, "offsets") }?;
        let entries = offsets.last().map_or(0, |&last| last as usize);
        // SAFETY: as above.
        let columns = unsafe { input(raw.columns, entries, "columns") }?;
        // SAFETY: as above.
        let values = unsafe { input(raw.values, entries, "values") }?;
        let spans = [
            span(raw.offsets, lines, "offsets")?,
            span(raw.columns, entries, "columns")?,
            span(raw.values, entries, "values")?,
        ];
        Ok((Csr::new(offsets, columns, values)?, raw.order, spans))
    }
}

impl<'a, T: Real + 'a> FromC<'a, T> for DenseMatrix<T> {
    type View = Dense<'a, T>;
    unsafe fn view(pointer: *const Self) -> Result<(Dense<'a, T>, usize, [Span; 3]), Fault> {
        // SAFETY: handed on, here and below.
        let raw = unsafe { sized(pointer, "matrix") }?;
        let before = raw.order.saturating_sub(1).saturating_mul(raw.stride);
        let len = if raw.order == 0 { 0 } else { before.saturating_add(raw.order) };
        // SAFETY: as above.
        let values = unsafe { input(raw.values, len, "values") }?;
        let spans = [span(raw.values, len, "values")?; 3];
        Ok((Dense::new(values, raw.order, raw.stride)?, raw.order, spans))
    }
}

impl<'a, T: Real + 'a> FromC<'a, T> for Stencil<T> {
    type View = Stencil2d<'a, T>;
    unsafe fn view(pointer: *const Self) -> Result<(Stencil2d<'a, T>, usize, [Span; 3]), Fault> {
        // SAFETY: handed on.
        let raw = unsafe { sized(pointer, "stencil") }?;
        let star = Star {
            centre: raw.centre,
            west: raw.west,
            east: raw.east,
            south: raw.south,
            north: raw.north,
            ..Star::default()
        };
        let view = Stencil2d::constant(raw.rows, raw.columns, star)?;
        // The view refuses a grid whose cells 32 bits cannot count.
        Ok((view, raw.rows.saturating_mul(raw.columns), [span(pointer, 1, "stencil")?; 3]))
    }
}
