//! A vector from a file of either format.

use std::path::Path;

use super::{FileError, matrix_market, npy};

/// Reads a right-hand side, a start or a marginal; the name tells the format.
///
/// `.npy` is NumPy's format, `.mtx` is Matrix Market with one row or one column, dense or sparse.
///
/// # Errors
/// [`FileError::Extension`] for other names, [`FileError::NotAVector`] for matrices, and what
/// [`npy::read_vector`] and [`matrix_market::read`] refuse.
pub fn read_vector(path: impl AsRef<Path>) -> Result<Vec<f64>, FileError> {
    let path = path.as_ref();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some(extension) if extension.eq_ignore_ascii_case("npy") => npy::read_vector(path),
        Some(extension) if extension.eq_ignore_ascii_case("mtx") => {
            matrix_market::read(path)?.into_vector().map_err(|error| error.at(path))
        }
        _ => Err(FileError::Extension { path: path.to_owned() }),
    }
}
