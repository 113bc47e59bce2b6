//! What is written, or is not, and comes back.

use std::fs;

use proptest::prelude::*;

use super::refused::SMALL;
use super::*;

#[test]
fn nothing_is_written_of_what_cannot_be_read() {
    let path = std::env::temp_dir().join(format!("southwell-kept-{}.mtx", std::process::id()));
    fs::write(&path, "kept").expect("a temporary file");
    let matrix = SparseMatrix {
        rows: 2,
        columns: 2,
        row_offsets: vec![0, 1, 2],
        column_indices: vec![1, 0],
        values: vec![1.0, 2.0],
    };
    let write = |matrix: &SparseMatrix, symmetry| matrix_market::write_sparse(&path, matrix.view(), symmetry);
    let error = write(&matrix, Symmetry::Symmetric).expect_err("not symmetric");
    assert!(matches!(error, FileError::NotSymmetric { row: 0, column: 1, .. }));
    let mut broken = matrix.clone();
    broken.column_indices[0] = 2;
    assert!(matches!(write(&broken, Symmetry::General), Err(FileError::Input { .. })));
    broken = SparseMatrix { values: vec![1.0, f64::NAN], ..matrix.clone() };
    assert!(matches!(write(&broken, Symmetry::General), Err(FileError::Input { .. })));
    broken = SparseMatrix { row_offsets: vec![0, 1], ..matrix.clone() };
    assert!(matches!(write(&broken, Symmetry::General), Err(FileError::Input { .. })));
    let error = matrix_market::write_dense(&path, 2, 2, &[1.0; 3]).expect_err("too short");
    assert!(matches!(error, FileError::Input { .. }));
    assert_eq!(fs::read(&path).expect("the temporary file"), b"kept");

    write(&matrix, Symmetry::General).expect("a file");
    assert_eq!(matrix_market::read(&path).and_then(MatrixMarket::into_sparse).expect("a matrix"), matrix);
    fs::remove_file(&path).expect("the temporary file");
}

/// Any finite bits: subnormal, negative zero, huge.
fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), any::<u64>().prop_map(f64::from_bits), -1e3..1e3]
        .prop_filter("finite", |value| value.is_finite())
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// A shape and entries in any order, some of them more than once.
fn triplets() -> impl Strategy<Value = (usize, usize, Vec<(usize, usize, i32)>)> {
    (1_usize..9, 1_usize..9).prop_flat_map(|(rows, columns)| {
        let entry = (0..rows, 0..columns, -50..50);
        (Just(rows), Just(columns), prop::collection::vec(entry, 0..40))
    })
}

proptest! {
    #[test]
    fn dense_round_trip(rows in 0_usize..7, columns in 0_usize..7, seed in prop::collection::vec(finite(), 36)) {
        let values = &seed[..rows * columns];
        let mut text = Vec::new();
        write_dense_to(&mut text, rows, columns, values).expect("a Vec takes everything");
        let Matrix::Dense(DenseMatrix { rows: r, columns: c, values: v }) = parse(&text).expect("valid").matrix else {
            panic!("an array");
        };
        prop_assert_eq!((r, c, bits(&v)), (rows, columns, bits(values)));
    }

    #[test]
    fn sparse_round_trip(
        (rows, columns, places) in triplets(),
        values in prop::collection::vec(finite(), 40),
        symmetric in any::<bool>(),
    ) {
        // Small integers sum exactly, so that the order of a naive sum does not matter.
        let (columns, symmetry, word) =
            if symmetric { (rows, Symmetry::Symmetric, "symmetric") } else { (columns, Symmetry::General, "general") };
        let mut naive = vec![None; rows * columns];
        let mut text = banner(&format!("coordinate integer {word}")) + &format!("{rows} {columns} {}\n", places.len());
        for &(row, column, value) in &places {
            let (row, column) = if symmetric { (row.max(column % rows), row.min(column % rows)) } else { (row, column) };
            text += &format!("{} {} {value}\n", row + 1, column + 1);
            *naive[row * columns + column].get_or_insert(0.0) += f64::from(value);
            if symmetric && row != column {
                *naive[column * columns + row].get_or_insert(0.0) += f64::from(value);
            }
        }
        let file = parse(text.as_bytes()).expect("valid");
        check_invariants(&file);
        let mut matrix = file.into_sparse().expect("sparse");
        let stored = naive.iter().enumerate().filter_map(|(at, value)| Some((at / columns, at % columns, (*value)?)));
        prop_assert_eq!(entries(&matrix), stored.collect::<Vec<_>>());

        if !symmetric {
            for (value, &any) in matrix.values.iter_mut().zip(&values) {
                *value = any;
            }
        }
        let mut text = Vec::new();
        write_sparse_to(&mut text, matrix.view(), symmetry).expect("a Vec takes everything");
        let again = parse(&text).and_then(MatrixMarket::into_sparse).expect("valid");
        prop_assert_eq!(bits(&again.values), bits(&matrix.values));
        prop_assert_eq!(again, matrix);
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..60), which in 0..SMALL.len(), cut in 0_usize..60) {
        let text = SMALL[which].as_bytes();
        let bytes = [&text[..cut.min(text.len())], &bytes].concat();
        if let Ok(file) = parse(&bytes) {
            check_invariants(&file);
        }
    }
}
