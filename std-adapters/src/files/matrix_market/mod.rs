//! Matrix Market files (`.mtx`), read and written.
//!
//! # What is read
//! Sparse files (`coordinate`) and dense ones (`array`), of `real`, `integer` or `pattern` values (a
//! pattern's entries are 1), `general` or `symmetric`. A symmetric file is expanded, so that every row of
//! the result is complete. Entries given more than once are summed in the order of the file.
//!
//! The banner's words may be in any case. Lines may end in CR LF, the last one in nothing. Blank lines may
//! stand anywhere, comments between the banner and the sizes. A Fortran exponent is one (`2.0D+01` = 20).
//!
//! # What is refused
//! With the number of the line, always: `complex`, `hermitian` and `skew-symmetric` files (no method here
//! can use them), words too few or too many, indices out of range, entries above the diagonal of a
//! symmetric file, values that are not finite, and more or fewer entries than promised.
//!
//! # Memory
//! While a sparse file is read, 16 bytes an entry; at the end 12 more for each entry of the expanded
//! matrix. Two bounds keep a short file from claiming a large memory:
//!
//! - the entries promised must have room in the file (at least 4 bytes each; 6 with a value; 2 in an
//!   array), or nothing is reserved for them;
//! - a matrix may have at most 2²⁴ + (bytes of the file) rows, and as many columns. A matrix without
//!   empty rows has at most a quarter as many rows as its file has bytes, so this binds only where nearly
//!   all rows are empty, and then the row offsets take at most 64 MiB + 4 bytes for each byte of the file.
//!
//! # Example
//! ```
//! use southwell_std::files::matrix_market;
//!
//! let text = b"%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 4\n2 1 -1\n2 2 4\n";
//! let matrix = matrix_market::parse(text)?.into_sparse()?;
//! assert_eq!(matrix.row_offsets, [0, 2, 4]);
//! assert_eq!(matrix.column_indices, [0, 1, 0, 1]);
//! assert_eq!(matrix.values, [4.0, -1.0, -1.0, 4.0]);
//! # Ok::<(), southwell_std::files::FileError>(())
//! ```
//!
//! The format: R. F. Boisvert, R. Pozo, K. A. Remington, *The Matrix Market Exchange Formats: Initial
//! Design*, NISTIR 5935, 1996.

mod array;
mod assemble;
mod coordinate;
mod header;
mod lines;
pub(crate) mod piece;
mod words;
mod write;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{DenseMatrix, FileError, SparseMatrix, memory};
pub use header::{Field, Header, Layout, Symmetry};
use lines::Lines;
pub use write::{write_dense, write_dense_to, write_sparse, write_sparse_to};

/// What a Matrix Market file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct MatrixMarket {
    /// What the banner says. Of a symmetric file the matrix is complete nevertheless.
    pub header: Header,
    /// The matrix.
    pub matrix: Matrix,
}

/// A matrix as its file stores it.
#[derive(Clone, Debug, PartialEq)]
pub enum Matrix {
    /// From a `coordinate` file.
    Sparse(SparseMatrix),
    /// From an `array` file.
    Dense(DenseMatrix),
}

impl MatrixMarket {
    /// The matrix by rows; the zeros of a dense one are dropped.
    ///
    /// # Errors
    /// [`FileError::Input`] if a dense matrix is too large for 32-bit indices, [`FileError::Memory`].
    pub fn into_sparse(self) -> Result<SparseMatrix, FileError> {
        match self.matrix {
            Matrix::Sparse(matrix) => Ok(matrix),
            Matrix::Dense(matrix) => sparsify(&matrix),
        }
    }

    /// The matrix as a vector, if it has one row or one column.
    ///
    /// # Errors
    /// [`FileError::NotAVector`], or [`FileError::Memory`].
    pub fn into_vector(self) -> Result<Vec<f64>, FileError> {
        match self.matrix {
            Matrix::Sparse(matrix) => matrix.into_vector(),
            Matrix::Dense(matrix) => matrix.into_vector(),
        }
    }
}

/// Reads a file.
///
/// # Errors
/// [`FileError`], with the path and, where a line is at fault, its number.
pub fn read(path: impl AsRef<Path>) -> Result<MatrixMarket, FileError> {
    let path = path.as_ref();
    let open = || {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        // A pipe reports length zero; only a regular file's length says anything.
        let length = metadata.is_file().then_some(metadata.len());
        read_from(BufReader::with_capacity(1 << 18, file), length)
    };
    open().map_err(|error| error.at(path))
}

/// Reads from anything that can be read to its end.
///
/// `length` is how many bytes will come, or more; it lets a header be refused that promises more than that
/// has room for. Without it, memory grows with what was read.
///
/// # Errors
/// [`FileError`], with the number of the line where one is at fault.
pub fn read_from(reader: impl BufRead, length: Option<u64>) -> Result<MatrixMarket, FileError> {
    let mut lines = Lines::new(reader, length);
    let header = header::banner(&mut lines)?;
    let matrix = match header.layout {
        Layout::Coordinate => Matrix::Sparse(coordinate::read(&mut lines, header)?),
        Layout::Array => Matrix::Dense(array::read(&mut lines, header)?),
    };
    Ok(MatrixMarket { header, matrix })
}

/// Reads a file that is in memory already.
///
/// # Errors
/// [`FileError`], with the number of the line where one is at fault.
pub fn parse(bytes: &[u8]) -> Result<MatrixMarket, FileError> {
    read_from(bytes, Some(bytes.len() as u64))
}

fn sparsify(dense: &DenseMatrix) -> Result<SparseMatrix, FileError> {
    let limit = || southwell::Error::TooLarge { argument: "matrix" };
    let entries = dense.values.iter().filter(|&&value| value != 0.0).count();
    let (Ok(_), Ok(_)) = (u32::try_from(entries), u32::try_from(dense.columns)) else {
        return Err(limit().into());
    };
    let mut sparse = SparseMatrix { rows: dense.rows, columns: dense.columns, ..SparseMatrix::default() };
    memory::reserve(&mut sparse.row_offsets, dense.rows.checked_add(1).ok_or_else(limit)?)?;
    memory::reserve(&mut sparse.column_indices, entries)?;
    memory::reserve(&mut sparse.values, entries)?;
    sparse.row_offsets.push(0);
    for row in 0..dense.rows {
        let values = &dense.values[row * dense.columns..][..dense.columns];
        for (column, &value) in values.iter().enumerate().filter(|&(_, &value)| value != 0.0) {
            sparse.column_indices.push(column as u32);
            sparse.values.push(value);
        }
        sparse.row_offsets.push(sparse.values.len() as u32);
    }
    Ok(sparse)
}
