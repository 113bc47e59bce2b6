//! Matrices that own their entries, and a borrowed view of a sparse one.

use southwell::{Error, StructureFault};

use super::{FileError, memory};

/// A sparse matrix, stored by rows (CSR).
///
/// From a reader of this module: offsets never decrease, columns strictly increase in each row, and
/// every value is finite. Zeros that a file stores stay stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SparseMatrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Row `i` holds the entries `row_offsets[i]..row_offsets[i + 1]`; length `rows + 1`.
    pub row_offsets: Vec<u32>,
    /// Column of each entry, counted from zero.
    pub column_indices: Vec<u32>,
    /// Value of each entry.
    pub values: Vec<f64>,
}

impl SparseMatrix {
    /// The matrix, borrowed.
    pub fn view(&self) -> SparseView<'_> {
        SparseView {
            rows: self.rows,
            columns: self.columns,
            row_offsets: &self.row_offsets,
            column_indices: &self.column_indices,
            values: &self.values,
        }
    }

    /// The matrix as a vector, if it has one row or one column.
    ///
    /// # Errors
    /// [`FileError::NotAVector`], or [`FileError::Memory`].
    pub fn into_vector(self) -> Result<Vec<f64>, FileError> {
        let view = self.view();
        view.check()?;
        if self.columns != 1 && self.rows != 1 {
            return Err(FileError::NotAVector { path: None, rows: self.rows, columns: self.columns });
        }
        let mut vector = memory::filled(0.0, self.rows * self.columns)?;
        for row in 0..self.rows {
            for (column, value) in view.row(row) {
                // One of the two is always zero.
                vector[row + column] = value;
            }
        }
        Ok(vector)
    }
}

/// A dense matrix, stored row after row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DenseMatrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// The entry in row `i`, column `j` is `values[i * columns + j]`.
    pub values: Vec<f64>,
}

impl DenseMatrix {
    /// The matrix as a vector, if it has one row or one column.
    ///
    /// # Errors
    /// [`FileError::NotAVector`].
    pub fn into_vector(self) -> Result<Vec<f64>, FileError> {
        if self.columns != 1 && self.rows != 1 {
            return Err(FileError::NotAVector { path: None, rows: self.rows, columns: self.columns });
        }
        Ok(self.values)
    }

    /// A matrix whose entries come column after column.
    pub(super) fn from_columns(rows: usize, columns: usize, packed: Vec<f64>) -> Result<Self, FileError> {
        debug_assert_eq!(rows * columns, packed.len());
        if rows <= 1 || columns <= 1 {
            return Ok(DenseMatrix { rows, columns, values: packed });
        }
        let mut values = memory::filled(0.0, packed.len())?;
        for (column, entries) in packed.chunks_exact(rows).enumerate() {
            for (value, entry) in values.iter_mut().skip(column).step_by(columns).zip(entries) {
                *value = *entry;
            }
        }
        Ok(DenseMatrix { rows, columns, values })
    }
}

/// A sparse matrix stored by rows, borrowed; the fields are those of [`SparseMatrix`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SparseView<'a> {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub columns: usize,
    /// Where each row begins, and the end; length `rows + 1`.
    pub row_offsets: &'a [u32],
    /// Column of each entry, counted from zero.
    pub column_indices: &'a [u32],
    /// Value of each entry.
    pub values: &'a [f64],
}

impl<'a> SparseView<'a> {
    /// Whether the five parts fit together, columns strictly increase in each row, and every value is
    /// finite.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Structure`] or [`Error::Value`], with the place.
    pub fn check(&self) -> Result<(), Error> {
        let length = |argument, expected, given| {
            if expected == given { Ok(()) } else { Err(Error::Dimension { argument, expected, given }) }
        };
        let structure = |argument, index, fault| Err(Error::Structure { argument, index, fault });
        length("row_offsets", self.rows.saturating_add(1), self.row_offsets.len())?;
        if self.row_offsets[0] != 0 {
            return structure("row_offsets", 0, StructureFault::FirstNotZero);
        }
        if let Some(index) = self.row_offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return structure("row_offsets", index + 1, StructureFault::Decreasing);
        }
        let entries = self.row_offsets[self.rows] as usize;
        length("column_indices", entries, self.column_indices.len())?;
        length("values", entries, self.values.len())?;
        for pair in self.row_offsets.windows(2) {
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            let columns = &self.column_indices[start..end];
            if let Some(index) = columns.iter().position(|&column| column as usize >= self.columns) {
                return structure("column_indices", start + index, StructureFault::OutOfRange);
            }
            if let Some(index) = columns.windows(2).position(|pair| pair[0] >= pair[1]) {
                return structure("column_indices", start + index + 1, StructureFault::Unsorted);
            }
        }
        match self.values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(Error::Value { argument: "values", index }),
            None => Ok(()),
        }
    }

    /// Columns and values of one row, after [`check`](Self::check).
    pub(super) fn row(&self, row: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
        let range = self.row_offsets[row] as usize..self.row_offsets[row + 1] as usize;
        let columns = self.column_indices[range.clone()].iter().map(|&column| column as usize);
        columns.zip(self.values[range].iter().copied())
    }

    /// A place whose entry differs in bits from its mirror image, or has none.
    pub(super) fn asymmetry(&self) -> Option<(usize, usize)> {
        let at = |row: usize, column: usize| {
            let range = self.row_offsets[row] as usize..self.row_offsets[row + 1] as usize;
            let columns = &self.column_indices[range.clone()];
            let place = columns.binary_search_by(|&other| (other as usize).cmp(&column)).ok()?;
            Some(self.values[range.start + place].to_bits())
        };
        (0..self.rows).find_map(|row| {
            self.row(row).find_map(|(column, value)| {
                (at(column, row) != Some(value.to_bits())).then_some((row, column))
            })
        })
    }
}
