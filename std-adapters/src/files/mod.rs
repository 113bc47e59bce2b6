//! Matrices and vectors from files, and back into them.
//!
//! | file | read | write |
//! |---|---|---|
//! | Matrix Market, sparse or dense | [`matrix_market::read`] | [`matrix_market::write_sparse`], [`matrix_market::write_dense`] |
//! | NumPy `.npy` | [`npy::read_vector`], [`npy::read_matrix`] | [`npy::write_vector`], [`npy::write_matrix`] |
//! | NumPy `.npz`, vectors and matrices by name (feature `npz`) | `npz::read`, `npz::read_system` | `npz::write` |
//! | LIBSVM, labelled sparse rows | [`libsvm::read`] | |
//! | NumPy `.npz`, arrays of any shape (feature `npz`) | `archive::Archive` | `archive::write` |
//! | comma-separated values (feature `csv`) | `csv::read` | |
//! | a vector in either format | [`read_vector`] | |
//!
//! Files come from strangers, so every reader holds to three rules:
//!
//! - What is not understood is refused with the line (or the element) and a word on what to do; nothing
//!   is guessed, skipped or repaired in silence.
//! - Memory follows what the file *holds*, never what its header *claims*.
//! - Whatever is returned can be computed with: every value is finite, every index in range, and a
//!   sparse matrix has strictly increasing columns in each row.

#[cfg(feature = "npz")]
pub mod archive;
#[cfg(feature = "csv")]
pub mod csv;
mod error;
mod fault;
pub mod libsvm;
mod matrix;
pub mod matrix_market;
mod memory;
pub mod npy;
#[cfg(feature = "npz")]
pub mod npz;
mod vector;

pub use error::FileError;
pub use fault::{CsvFault, LineFault, NpyFault};
pub use matrix::{DenseMatrix, SparseMatrix, SparseView};
pub use vector::read_vector;
