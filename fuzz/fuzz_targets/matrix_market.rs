//! The Matrix Market reader on arbitrary bytes: what is read keeps the invariants, survives being written
//! and read again bit for bit, and took no more memory than documented; what is refused is explained.
#![no_main]

use libfuzzer_sys::fuzz_target;
use southwell::linear::Csr;
use southwell_fuzz::memory::{Counting, peak};
use southwell_std::files::matrix_market::{
    Layout, Matrix, Symmetry, parse, read_from, write_dense_to, write_sparse_to,
};
use southwell_std::files::{DenseMatrix, FileError, SparseMatrix};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Row offsets of 2²⁴ rows.
const OFFSETS: usize = 4 << 24;
/// Lines, messages.
const SMALL: usize = 1 << 16;
/// More rows or columns than this are looked at, but not written out: each costs a microsecond.
const WRITTEN: usize = 1 << 16;

fuzz_target!(|data: &[u8]| {
    let (read, bytes) = peak(|| parse(data));
    // An entry takes 4 bytes of the file at least: 16 bytes while it is read and 24 when it is mirrored;
    // a value of a symmetric array takes 2, and 8 bytes while it is read and 16 when it is mirrored.
    let bound = OFFSETS + 16 * data.len() + SMALL;
    assert!(bytes <= bound, "{bytes} bytes for a file of {}", data.len());

    // Lines that straddle the buffer take another way.
    let pieces = read_from(std::io::BufReader::with_capacity(7, data), Some(data.len() as u64));
    match (&read, &pieces) {
        (Ok(a), Ok(b)) => assert_eq!(a, b),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        _ => panic!("{read:?} in one piece, {pieces:?} in many"),
    }
    let file = match read {
        Ok(file) => file,
        Err(error) => return check_error(&error, data),
    };
    let symmetric = file.header.symmetry == Symmetry::Symmetric;
    match file.matrix {
        Matrix::Sparse(matrix) => {
            assert_eq!(file.header.layout, Layout::Coordinate);
            check_sparse(&matrix, symmetric);
        }
        Matrix::Dense(matrix) => {
            assert_eq!(file.header.layout, Layout::Array);
            check_dense(&matrix, symmetric);
        }
    }
});

fn check_error(error: &FileError, data: &[u8]) {
    assert!(!error.to_string().is_empty());
    assert_eq!(error.path(), None);
    let lines = data.split(|&byte| byte == b'\n').count() as u64;
    match *error {
        FileError::Line { line, .. } => assert!((1..=lines).contains(&line), "{error:?}: no such line"),
        FileError::Sum { row, column, .. } => assert!(row > 0 && column > 0),
        _ => panic!("{error:?} cannot come from memory"),
    }
}

fn check_sparse(matrix: &SparseMatrix, symmetric: bool) {
    let SparseMatrix { rows, columns, row_offsets, column_indices, values } = matrix;
    assert_eq!(row_offsets.len(), rows + 1);
    assert_eq!((row_offsets[0], row_offsets[*rows] as usize), (0, values.len()));
    assert_eq!(column_indices.len(), values.len());
    assert!(values.iter().all(|value| value.is_finite()));
    for pair in row_offsets.windows(2) {
        assert!(pair[0] <= pair[1]);
        let row = &column_indices[pair[0] as usize..pair[1] as usize];
        assert!(row.windows(2).all(|w| w[0] < w[1]) && row.iter().all(|&j| (j as usize) < *columns));
    }
    if rows == columns {
        Csr::new(row_offsets, column_indices, values).expect("a square matrix is a view");
    }
    if *rows.max(columns) > WRITTEN {
        return;
    }
    let kinds: &[_] =
        if symmetric { &[Symmetry::General, Symmetry::Symmetric] } else { &[Symmetry::General] };
    for &kind in kinds {
        let mut text = Vec::new();
        write_sparse_to(&mut text, matrix.view(), kind).expect("what was read can be written");
        let again = parse(&text).expect("what was written can be read").into_sparse().expect("sparse");
        assert_eq!((&again.row_offsets, &again.column_indices), (row_offsets, column_indices));
        assert_eq!((again.rows, again.columns, bits(&again.values)), (*rows, *columns, bits(values)));
    }
    let vector = matrix.clone().into_vector();
    assert_eq!(vector.is_ok(), *rows == 1 || *columns == 1);
    if let Ok(vector) = vector {
        assert_eq!(vector.len(), rows * columns);
    }
}

fn check_dense(matrix: &DenseMatrix, symmetric: bool) {
    let &DenseMatrix { rows, columns, ref values } = matrix;
    assert_eq!(values.len(), rows * columns);
    assert!(values.iter().all(|value| value.is_finite()));
    if rows.max(columns) > WRITTEN {
        return;
    }
    if symmetric {
        let at = |i: usize, j: usize| values[i * columns + j].to_bits();
        assert!((0..rows).all(|i| (0..i).all(|j| at(i, j) == at(j, i))));
    }
    let mut text = Vec::new();
    write_dense_to(&mut text, rows, columns, values).expect("what was read can be written");
    let again = parse(&text).expect("what was written can be read");
    let Matrix::Dense(dense) = &again.matrix else { panic!("written dense, read sparse") };
    assert_eq!((dense.rows, dense.columns, bits(&dense.values)), (rows, columns, bits(values)));
    let sparse = again.into_sparse().expect("small");
    check_stored(&sparse, matrix);
}

/// The sparse form holds what is not zero.
fn check_stored(sparse: &SparseMatrix, dense: &DenseMatrix) {
    let mut stored = sparse.column_indices.iter().zip(&sparse.values);
    for i in 0..dense.rows {
        let row = &dense.values[i * dense.columns..][..dense.columns];
        for (j, value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            assert_eq!(stored.next(), Some((&(j as u32), value)));
        }
        let end = sparse.row_offsets[i + 1] as usize;
        assert_eq!(end, sparse.values.len() - stored.len());
    }
    assert_eq!(stored.next(), None);
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
