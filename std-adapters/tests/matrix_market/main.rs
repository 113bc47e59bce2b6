//! Matrix Market files: what is read, what is refused and in which words, and what comes back from a file
//! that was written here.

mod read;
mod refused;
mod written;

use std::io::{BufReader, Cursor};
use std::path::PathBuf;

use southwell_std::files::matrix_market::{
    self, Field, Layout, Matrix, MatrixMarket, Symmetry, parse, read_from, write_dense_to, write_sparse_to,
};
use southwell_std::files::{DenseMatrix, FileError, LineFault, SparseMatrix, read_vector};

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

/// What every reader promises about whatever it returns.
fn check_invariants(file: &MatrixMarket) {
    match &file.matrix {
        Matrix::Sparse(matrix) => {
            matrix.view().check().expect("the parts fit together");
            if file.header.symmetry == Symmetry::Symmetric {
                assert_symmetric(matrix);
            }
        }
        Matrix::Dense(matrix) => {
            assert_eq!(matrix.values.len(), matrix.rows * matrix.columns);
            assert!(matrix.values.iter().all(|value| value.is_finite()));
        }
    }
}

fn entries(matrix: &SparseMatrix) -> Vec<(usize, usize, f64)> {
    let row = |row: usize| {
        let range = matrix.row_offsets[row] as usize..matrix.row_offsets[row + 1] as usize;
        range.map(move |at| (row, matrix.column_indices[at] as usize, matrix.values[at]))
    };
    (0..matrix.rows).flat_map(row).collect()
}

fn assert_symmetric(matrix: &SparseMatrix) {
    let straight = entries(matrix);
    let mut mirrored: Vec<_> = straight.iter().map(|&(row, column, value)| (column, row, value)).collect();
    mirrored.sort_by_key(|&(row, column, _)| (row, column));
    assert_eq!(straight, mirrored);
}

/// The matrix written out, row after row.
fn dense(file: MatrixMarket) -> Vec<f64> {
    match file.matrix {
        Matrix::Dense(matrix) => matrix.values,
        Matrix::Sparse(matrix) => {
            let mut values = vec![0.0; matrix.rows * matrix.columns];
            for (row, column, value) in entries(&matrix) {
                values[row * matrix.columns + column] = value;
            }
            values
        }
    }
}

/// Reads through a buffer so small that every line crosses its end, without saying the length.
fn parse_in_pieces(text: &[u8]) -> Result<MatrixMarket, FileError> {
    read_from(BufReader::with_capacity(3, Cursor::new(text)), None)
}

fn banner(words: &str) -> String {
    format!("%%MatrixMarket matrix {words}\n")
}
