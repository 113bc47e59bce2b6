//! Writing, with the fewest digits that read back to the same bits.

use std::fmt;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use southwell::Error;

use super::header::Symmetry;
use crate::files::{FileError, SparseView};

/// Writes a sparse matrix to a file, as `coordinate real`.
///
/// # Errors
/// Before the file is touched: [`FileError::Input`] if [`SparseView::check`] fails,
/// [`FileError::NotSymmetric`] if `symmetry` says more than is true. Then [`FileError::Io`].
pub fn write_sparse(
    path: impl AsRef<Path>,
    matrix: SparseView<'_>,
    symmetry: Symmetry,
) -> Result<(), FileError> {
    let path = path.as_ref();
    let write = || {
        check_sparse(matrix, symmetry)?;
        sparse(BufWriter::new(File::create(path)?), matrix, symmetry)
    };
    write().map_err(|error| error.at(path))
}

/// [`write_sparse`] to anything that can be written to; many small writes are made, so buffer it.
///
/// # Errors
/// As [`write_sparse`].
pub fn write_sparse_to(
    writer: impl Write,
    matrix: SparseView<'_>,
    symmetry: Symmetry,
) -> Result<(), FileError> {
    check_sparse(matrix, symmetry)?;
    sparse(writer, matrix, symmetry)
}

/// Writes a dense matrix, given row after row, to a file, as `array real general`. A vector has one column.
///
/// # Errors
/// Before the file is touched: [`FileError::Input`] if `values` does not hold `rows * columns` finite
/// values. Then [`FileError::Io`].
pub fn write_dense(
    path: impl AsRef<Path>,
    rows: usize,
    columns: usize,
    values: &[f64],
) -> Result<(), FileError> {
    let path = path.as_ref();
    let write = || {
        check_dense(rows, columns, values)?;
        dense(BufWriter::new(File::create(path)?), rows, columns, values)
    };
    write().map_err(|error| error.at(path))
}

/// [`write_dense`] to anything that can be written to; many small writes are made, so buffer it.
///
/// # Errors
/// As [`write_dense`].
pub fn write_dense_to(
    writer: impl Write,
    rows: usize,
    columns: usize,
    values: &[f64],
) -> Result<(), FileError> {
    check_dense(rows, columns, values)?;
    dense(writer, rows, columns, values)
}

fn check_sparse(matrix: SparseView<'_>, symmetry: Symmetry) -> Result<(), FileError> {
    matrix.check()?;
    if symmetry == Symmetry::General {
        return Ok(());
    }
    if matrix.rows != matrix.columns {
        return Err(
            Error::Dimension { argument: "columns", expected: matrix.rows, given: matrix.columns }.into()
        );
    }
    match matrix.asymmetry() {
        Some((row, column)) => Err(FileError::NotSymmetric { path: None, row, column }),
        None => Ok(()),
    }
}

fn check_dense(rows: usize, columns: usize, values: &[f64]) -> Result<(), FileError> {
    let expected = rows.checked_mul(columns).ok_or(Error::TooLarge { argument: "values" })?;
    if values.len() != expected {
        return Err(Error::Dimension { argument: "values", expected, given: values.len() }.into());
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => Err(Error::Value { argument: "values", index }.into()),
        None => Ok(()),
    }
}

fn sparse(mut writer: impl Write, matrix: SparseView<'_>, symmetry: Symmetry) -> Result<(), FileError> {
    let lower = symmetry == Symmetry::Symmetric;
    let stored = |row: usize| matrix.row(row).filter(move |&(column, _)| !lower || column <= row);
    let entries: usize = (0..matrix.rows).map(|row| stored(row).count()).sum();
    let word = if lower { "symmetric" } else { "general" };
    writeln!(writer, "%%MatrixMarket matrix coordinate real {word}")?;
    writeln!(writer, "{} {} {entries}", matrix.rows, matrix.columns)?;
    for row in 0..matrix.rows {
        for (column, value) in stored(row) {
            writeln!(writer, "{} {} {}", row + 1, column + 1, Shortest(value))?;
        }
    }
    Ok(writer.flush()?)
}

fn dense(mut writer: impl Write, rows: usize, columns: usize, values: &[f64]) -> Result<(), FileError> {
    writeln!(writer, "%%MatrixMarket matrix array real general")?;
    writeln!(writer, "{rows} {columns}")?;
    for column in 0..columns {
        for value in values.iter().skip(column).step_by(columns) {
            writeln!(writer, "{}", Shortest(*value))?;
        }
    }
    Ok(writer.flush()?)
}

/// A number that is no longer than it must be: with an exponent where plain notation would be mostly zeros.
struct Shortest(f64);

impl fmt::Display for Shortest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.abs();
        if size == 0.0 || (1e-4..1e16).contains(&size) {
            write!(f, "{}", self.0)
        } else {
            write!(f, "{:e}", self.0)
        }
    }
}
