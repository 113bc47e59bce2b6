//! Couplings of one colour to others, or within its blocks.

use southwell::Real;
use southwell_simd::csr::Rows;

/// Compressed rows.
#[derive(Clone, Debug)]
pub(super) struct Half<T> {
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T> Default for Half<T> {
    fn default() -> Self {
        Self { offsets: vec![0], columns: Vec::new(), values: Vec::new() }
    }
}

impl<T: Real> Half<T> {
    pub(super) fn push(&mut self, column: usize, value: T) {
        self.columns.push(column as u32);
        self.values.push(value);
    }

    pub(super) fn end_row(&mut self) {
        self.offsets.push(self.columns.len() as u32);
    }

    /// The same rows, each from its last entry to its first.
    pub(super) fn reversed(&self) -> Self {
        let mut reversed = Self::default();
        for pair in self.offsets.windows(2) {
            for entry in (pair[0] as usize..pair[1] as usize).rev() {
                reversed.push(self.columns[entry] as usize, self.values[entry]);
            }
            reversed.end_row();
        }
        reversed
    }

    /// As a matrix that is `width` wide. Cost: one pass over offsets and columns.
    pub(super) fn rows(&self, width: usize) -> Rows<'_, T> {
        Rows::new(&self.offsets, &self.columns, &self.values, width).expect("columns below the width")
    }
}

/// The rows of one colour.
#[derive(Clone, Debug)]
pub(super) struct Colour<T> {
    /// Where they begin and end.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Couplings to colours before, first column first.
    pub(super) lower: Half<T>,
    /// Couplings to colours after, first column first, counted from the end of this one.
    pub(super) upper: Half<T>,
    /// Couplings within a block, counted from its beginning.
    pub(super) within: Half<T>,
}

impl<T> Colour<T> {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self { start, end, lower: Half::default(), upper: Half::default(), within: Half::default() }
    }
}

/// The same as views.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColourRows<'a, T> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) lower: Rows<'a, T>,
    pub(super) upper: Rows<'a, T>,
    pub(super) within: Rows<'a, T>,
}

impl<T: Real> Colour<T> {
    /// `upper` is the own one, or the reversed one.
    pub(super) fn rows<'a>(&'a self, upper: &'a Half<T>, order: usize, size: usize) -> ColourRows<'a, T> {
        ColourRows {
            start: self.start,
            end: self.end,
            lower: self.lower.rows(self.start),
            upper: upper.rows(order - self.end),
            within: self.within.rows(size),
        }
    }
}
