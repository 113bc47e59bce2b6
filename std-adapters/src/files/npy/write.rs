//! Writing: version 1.0, `<f8`, C order.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::Path;

use southwell::Error;

use crate::files::FileError;

/// Writes a vector, as an array of one axis. Any bits are written, NaN too: a run that failed may be kept.
///
/// # Errors
/// [`FileError::Io`].
pub fn write_vector(path: impl AsRef<Path>, values: &[f64]) -> Result<(), FileError> {
    let path = path.as_ref();
    write(path, &format!("({},)", values.len()), values).map_err(|error| error.at(path))
}

/// Writes a matrix that is given row after row.
///
/// # Errors
/// [`FileError::Input`] if `values` does not hold `rows * columns` values; no file is touched then.
/// [`FileError::Io`].
pub fn write_matrix(
    path: impl AsRef<Path>,
    rows: usize,
    columns: usize,
    values: &[f64],
) -> Result<(), FileError> {
    let path = path.as_ref();
    let checked = || match rows.checked_mul(columns) {
        Some(expected) if expected == values.len() => write(path, &format!("({rows}, {columns})"), values),
        Some(expected) => Err(Error::Dimension { argument: "values", expected, given: values.len() }.into()),
        None => Err(Error::TooLarge { argument: "values" }.into()),
    };
    checked().map_err(|error| error.at(path))
}

/// Begins a vector of `length` values with its first ones; the others are to be [appended](append).
pub(crate) fn begin_vector(path: &Path, length: usize, first: &[f64]) -> Result<(), FileError> {
    write(path, &format!("({length},)"), first).map_err(|error| error.at(path))
}

/// The same for a matrix of `rows` rows.
pub(crate) fn begin_matrix(path: &Path, rows: usize, columns: usize) -> Result<(), FileError> {
    write(path, &format!("({rows}, {columns})"), &[]).map_err(|error| error.at(path))
}

/// Appends values to a file that was [begun](begin_vector).
pub(crate) fn append(path: &Path, values: &[f64]) -> Result<(), FileError> {
    let write = || {
        let mut writer = BufWriter::new(OpenOptions::new().append(true).open(path)?);
        for value in values {
            writer.write_all(&value.to_le_bytes())?;
        }
        Ok(writer.flush()?)
    };
    write().map_err(|error: FileError| error.at(path))
}

fn write(path: &Path, shape: &str, values: &[f64]) -> Result<(), FileError> {
    let mut writer = BufWriter::new(File::create(path)?);
    write_to(&mut writer, shape, values)?;
    Ok(writer.flush()?)
}

/// The file's bytes.
pub(in crate::files) fn write_to(
    writer: &mut impl Write,
    shape: &str,
    values: &[f64],
) -> Result<(), FileError> {
    let mut text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
    // The elements begin at a multiple of 64 bytes: magic, version and length take 10, a newline ends it.
    while (10 + text.len() + 1) % 64 != 0 {
        text.push(' ');
    }
    text.push('\n');
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    // Two numbers of at most twenty digits keep the text far below what two bytes count.
    writer.write_all(&(text.len() as u16).to_le_bytes())?;
    writer.write_all(text.as_bytes())?;
    for value in values {
        writer.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}
