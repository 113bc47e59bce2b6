//! Matrix Market files: what is read, what is refused and in which words, and what comes back from a file
//! that was written here.

#[path = "data/largest_allocation.rs"]
mod recorder;

use std::fs;
use std::io::{BufReader, Cursor};
use std::path::PathBuf;

use proptest::prelude::*;
use recorder::largest_allocation;
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

#[test]
fn accepted() {
    let general = banner("coordinate real general");
    let cases: &[(&str, String, &[f64])] = &[
        ("general", format!("{general}2 3 2\n1 1 1.5\n2 3 -2\n"), &[1.5, 0.0, 0.0, 0.0, 0.0, -2.0]),
        (
            "symmetric",
            banner("coordinate real symmetric") + "2 2 2\n1 1 4\n2 1 -1\n",
            &[4.0, -1.0, -1.0, 0.0],
        ),
        ("pattern", banner("coordinate pattern general") + "2 2 2\n1 2\n2 1\n", &[0.0, 1.0, 1.0, 0.0]),
        ("integer", banner("coordinate integer general") + "1 2 2\n1 1 -3\n1 2 +4\n", &[-3.0, 4.0]),
        ("array", banner("array real general") + "2 2\n1\n2\n3\n4\n", &[1.0, 3.0, 2.0, 4.0]),
        ("array symmetric", banner("array real symmetric") + "2 2\n1\n2\n3\n", &[1.0, 2.0, 2.0, 3.0]),
        ("array integer", banner("array integer general") + "1 2\n1\n2\n", &[1.0, 2.0]),
        ("any case", "%%MATRIXMARKET MATRIX Coordinate REAL General\n1 1 1\n1 1 7\n".into(), &[7.0]),
        ("double", banner("coordinate double general") + "1 1 1\n1 1 7\n", &[7.0]),
        ("CR LF", general.replace('\n', "\r\n") + "1 1 1\r\n1 1 7\r\n", &[7.0]),
        ("no final newline", format!("{general}1 1 1\n1 1 7"), &[7.0]),
        ("blank before sizes", format!("{general}\n  \n% words\n\n1 1 1\n1 1 7\n"), &[7.0]),
        ("blank elsewhere", format!("{general}1 2 2\n\n1 1 7\n \t\n1 2 8\n\n\n"), &[7.0, 8.0]),
        ("tabs", format!("{general}\t1  1\t1\n 1\t1   7 \n"), &[7.0]),
        ("Fortran", format!("{general}1 2 2\n1 1 2.0D+01\n1 2 -.5d-1\n"), &[20.0, -0.05]),
        ("forms", format!("{general}1 3 3\n1 1 .5\n1 2 5.\n1 3 +1E2\n"), &[0.5, 5.0, 100.0]),
        ("any order", format!("{general}1 3 3\n1 3 3\n1 1 1\n1 2 2\n"), &[1.0, 2.0, 3.0]),
        ("sums", format!("{general}2 2 4\n1 2 1\n1 1 5\n1 2 2\n2 2 9\n"), &[5.0, 3.0, 0.0, 9.0]),
        (
            "sums, symmetric",
            banner("coordinate real symmetric") + "2 2 4\n2 1 1\n2 2 1\n2 2 2\n2 1 5\n",
            &[0.0, 6.0, 6.0, 3.0],
        ),
        ("no entries", format!("{general}1 2 0\n"), &[0.0, 0.0]),
        ("nothing at all", format!("{general}0 0 0\n"), &[]),
        ("long comment", format!("{general}%{}\n1 1 1\n1 1 7\n", "x".repeat(10_000)), &[7.0]),
    ];
    for (name, text, expected) in cases {
        for parse in [parse, parse_in_pieces] {
            let file = parse(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
            check_invariants(&file);
            assert_eq!(&dense(file), expected, "{name}");
        }
    }
}

#[test]
fn sums_keep_the_order_of_the_file() {
    // (10¹⁶ + 1) − 10¹⁶ is 0 in floating point, and 1 in the other order. The columns descend, and there
    // are enough of them for a sort that does not keep equals in order to show it.
    let mut text = banner("coordinate real general") + "1 200 600\n";
    for value in ["1e16", "1", "-1e16"] {
        for column in (1..=200).rev() {
            text += &format!("1 {column} {value}\n");
        }
    }
    let matrix = parse(text.as_bytes()).and_then(MatrixMarket::into_sparse).expect("a matrix");
    assert_eq!(matrix.values, [0.0; 200]);
}

#[test]
fn refused() {
    let general = banner("coordinate real general");
    let symmetric = banner("coordinate real symmetric");
    let cases: &[(&str, String, &str)] = &[
        ("empty", String::new(), "line 1: the file is empty; it must begin with `%%MatrixMarket matrix …`"),
        (
            "no banner",
            "1 1 1\n1 1 1\n".into(),
            "line 1: this is no Matrix Market file: it must begin with `%%MatrixMarket matrix coordinate real general` or the like",
        ),
        (
            "object",
            "%%MatrixMarket vector\n".into(),
            "line 1: the banner says `vector` where `matrix` belongs; correct the first line",
        ),
        (
            "format",
            banner("sparse real general"),
            "line 1: the banner says `sparse` where `coordinate` or `array` belongs; correct the first line",
        ),
        (
            "field",
            banner("array quaternion general"),
            "line 1: the banner says `quaternion` where `real`, `integer` or `pattern` belongs; correct the first line",
        ),
        (
            "symmetry missing",
            banner("array real"),
            "line 1: the banner ends where `general` or `symmetric` belongs; complete the first line",
        ),
        (
            "banner too long",
            banner("array real general row-major"),
            "line 1: the banner says `row-major` where the end of the line belongs; correct the first line",
        ),
        (
            "complex",
            banner("coordinate complex general") + "1 1 1\n1 1 1 0\n",
            "line 1: `complex` is not supported: the solvers compute with real numbers; write the equivalent real system",
        ),
        (
            "hermitian",
            banner("coordinate real hermitian") + "1 1 1\n1 1 1\n",
            "line 1: `hermitian` is not supported: a real matrix that is hermitian is `symmetric`; write that word",
        ),
        (
            "skew-symmetric",
            banner("coordinate real skew-symmetric") + "2 2 1\n2 1 1\n",
            "line 1: `skew-symmetric` is not supported: its diagonal is zero, and every method here divides by the diagonal or needs a symmetric matrix; take a direct solver",
        ),
        (
            "array pattern",
            banner("array pattern general") + "1 1\n",
            "line 1: `pattern` is not supported: an array has a value in every place; write `coordinate`, or give the values",
        ),
        (
            "no sizes",
            format!("{general}% words\n"),
            "line 2: the file ends before the line with the sizes; is it complete?",
        ),
        (
            "two sizes",
            format!("{general}2 2\n"),
            "line 2: exactly three numbers (rows, columns, entries) must stand on this line",
        ),
        (
            "three sizes of an array",
            banner("array real general") + "1 1 1\n1\n",
            "line 2: exactly two numbers (rows, columns) must stand on this line",
        ),
        (
            "negative size",
            format!("{general}-2 2 0\n"),
            "line 2: `-2` stands where a whole number without sign belongs; correct it",
        ),
        (
            "not square",
            format!("{symmetric}2 3 1\n1 1 1\n"),
            "line 2: a symmetric matrix must be square, but this one is 2 × 3; correct the sizes or write `general`",
        ),
        (
            "index 0",
            format!("{general}2 2 1\n0 1 1.0\n"),
            "line 3: indices count from 1, so 0 names nothing; add 1 to every index",
        ),
        (
            "row out of range",
            format!("{general}2 2 1\n3 1 1.0\n"),
            "line 3: row 3 does not exist, the last one is 2; correct the entry or the sizes",
        ),
        (
            "column out of range",
            format!("{general}2 2 1\n\n1 99999999999999999999 1.0\n"),
            "line 4: column 18446744073709551615 does not exist, the last one is 2; correct the entry or the sizes",
        ),
        (
            "too few",
            format!("{general}2 2 2\n1 1 1.00000\n"),
            "line 3: the file ends here with 1 of the 2 entries promised; is it complete?",
        ),
        (
            "too many",
            format!("{general}2 2 1\n1 1 1\n2 2 1\n"),
            "line 4: only 1 entries were promised; correct the sizes or delete what follows",
        ),
        (
            "too many in an array",
            banner("array real general") + "1 1\n1\n2\n",
            "line 4: only 1 entries were promised; correct the sizes or delete what follows",
        ),
        (
            "extra word",
            format!("{general}2 2 1\n1 1 1.0 7\n"),
            "line 3: exactly three words (row, column, value) must stand on this line",
        ),
        (
            "value missing",
            format!("{general}2 2 1\n1 1\n% \n"),
            "line 3: exactly three words (row, column, value) must stand on this line",
        ),
        (
            "value in a pattern",
            banner("coordinate pattern general") + "2 2 1\n1 1 1\n",
            "line 3: exactly two words (row, column) must stand on this line",
        ),
        (
            "array in rows",
            banner("array real general") + "2 2\n1 2\n3 4\n",
            "line 3: exactly one value must stand on this line",
        ),
        (
            "claim",
            format!("{general}2 2 9999999999999\n1 1 1\n"),
            "line 2: 9999999999999 entries are promised, but the rest of the file has room for at most 1; is it complete?",
        ),
        (
            "claim of an array",
            banner("array real general") + "99999999999 99999999999\n1\n",
            "line 2: more entries are promised than can be counted; the rest of the file has room for at most 1; correct the sizes",
        ),
        (
            "hollow",
            format!("{general}4000000000 4000000000 0\n"),
            "line 2: 4000000000 rows or columns are claimed, nearly all of them empty; a file of this length may have at most 16777286; number without gaps",
        ),
        (
            "above the diagonal",
            format!("{symmetric}2 2 1\n1 2 1.0\n"),
            "line 3: row 1, column 2 lies above the diagonal; a symmetric file gives the lower triangle only: swap the two, or write `general`",
        ),
        (
            "nan",
            format!("{general}1 1 1\n1 1 nan\n"),
            "line 3: `nan` is not a finite 64-bit number; replace it or leave the entry out",
        ),
        (
            "inf",
            format!("{general}1 1 1\n1 1 -Infinity\n"),
            "line 3: `-Infinity` is not a finite 64-bit number; replace it or leave the entry out",
        ),
        (
            "overflow",
            format!("{general}1 1 1\n1 1 1D999\n"),
            "line 3: `1D999` is not a finite 64-bit number; replace it or leave the entry out",
        ),
        (
            "no number",
            format!("{general}1 1 1\n1 1 1.0.0\n"),
            "line 3: `1.0.0` is not a number of the kind that this file holds; correct it",
        ),
        (
            "fraction among integers",
            banner("coordinate integer general") + "1 1 1\n1 1 1.5\n",
            "line 3: `1.5` is not a number of the kind that this file holds; correct it",
        ),
        (
            "late comment",
            format!("{general}1 1 1\n% words\n1 1 1\n"),
            "line 3: comments belong before the line with the sizes; move or delete this one",
        ),
        (
            "long line",
            format!("{general}1 1 1\n1 1 1{}\n", "0".repeat(5000)),
            "line 3: the line is longer than 4096 bytes; is this a text file?",
        ),
        (
            "sum",
            format!("{general}2 2 2\n2 1 1e308\n2 1 1e308\n"),
            "the entries given for row 2, column 1 sum to infinity; give the place once, or rescale",
        ),
    ];
    for (name, text, expected) in cases {
        let error = parse(text.as_bytes()).expect_err(name);
        assert_eq!(error.to_string(), *expected, "{name}");
        // In pieces of unknown length the same is refused; only a false claim comes to light later.
        let error = parse_in_pieces(text.as_bytes()).expect_err(name);
        if !name.starts_with("claim") {
            assert_eq!(error.to_string(), *expected, "{name}, in pieces");
        }
    }
}

#[test]
fn too_large_for_indices() {
    // A length that allows everything, so that only the indices can object.
    let read = |sizes: &str| {
        let text = banner("coordinate pattern general") + sizes;
        read_from(text.as_bytes(), Some(u64::MAX)).expect_err(sizes)
    };
    for sizes in ["4294967296 1 0\n", "1 4294967296 0\n", "1 1 4294967296\n"] {
        let error = read(sizes);
        assert!(matches!(error, FileError::Line { line: 2, fault: LineFault::TooLarge, .. }), "{error}");
    }
}

#[test]
fn memory_follows_the_file() {
    let general = banner("coordinate real general");
    let array = banner("array real symmetric");
    for text in [
        format!("{general}999999999999 999999999999 0\n"),
        format!("{general}4294967294 1 0\n"),
        format!("{general}1 4294967294 0\n"),
        format!("{general}9 9 4294967295\n1 1 1\n"),
        format!("{array}3000000000 3000000000\n1\n"),
        banner("array real general") + "4294967294 0\n",
        "%".repeat(1000),
    ] {
        for parse in [parse, parse_in_pieces] {
            let largest = largest_allocation(|| assert!(parse(text.as_bytes()).is_err(), "{text}"));
            // Entries are reserved for blindly where the length is not known, and no more than that.
            assert!(largest <= 8 << 16, "{text}: {largest} bytes");
        }
    }
}

const SMALL: [&str; 4] = [
    "%%MatrixMarket matrix coordinate real symmetric\n% a\n3 3 4\n1 1 4\n2 1 -1.5\n\n2 2 4e0\n3 3 1D1\n",
    "%%MatrixMarket matrix coordinate pattern general\r\n2 3 3\r\n2 1\r\n1 3\r\n2 1\r\n",
    "%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n",
    "%%MatrixMarket matrix array integer general\n2 2\n1\n-2\n3\n4\n",
];

#[test]
fn prefixes_and_mutations() {
    let try_both = |bytes: &[u8]| {
        let results = [parse(bytes), parse_in_pieces(bytes)];
        let [whole, pieces] = &results;
        assert_eq!(whole.is_ok(), pieces.is_ok(), "{}", String::from_utf8_lossy(bytes));
        results.iter().flatten().for_each(check_invariants);
    };
    let largest = largest_allocation(|| {
        for text in SMALL {
            assert!(parse(text.as_bytes()).is_ok());
            for end in 0..text.len() {
                try_both(&text.as_bytes()[..end]);
            }
            let mut bytes = text.as_bytes().to_vec();
            for place in 0..bytes.len() {
                for byte in 0..=255 {
                    let kept = std::mem::replace(&mut bytes[place], byte);
                    try_both(&bytes);
                    bytes[place] = kept;
                }
            }
        }
    });
    assert!(largest <= 8 << 16, "{largest} bytes");
}

#[test]
fn real_files() {
    for (name, rows, expanded) in [("nos3.mtx", 960, 15_844), ("1138_bus.mtx", 1138, 4054)] {
        let file = matrix_market::read(data(name)).expect(name);
        assert_eq!(file.header.layout, Layout::Coordinate);
        assert_eq!(file.header.field, Field::Real);
        assert_eq!(file.header.symmetry, Symmetry::Symmetric);
        check_invariants(&file);
        let matrix = file.into_sparse().expect(name);
        assert_eq!((matrix.rows, matrix.columns, matrix.values.len()), (rows, rows, expanded));
        let diagonal = entries(&matrix).into_iter().filter(|&(row, column, _)| row == column);
        assert!(diagonal.clone().all(|(.., value)| value > 0.0));
        assert_eq!(diagonal.count(), rows);

        // Written as symmetric and read again, nothing has changed.
        let mut text = Vec::new();
        write_sparse_to(&mut text, matrix.view(), Symmetry::Symmetric).expect(name);
        let again = parse(&text).and_then(MatrixMarket::into_sparse).expect(name);
        assert_eq!(again, matrix);
    }
}

#[test]
fn paths_are_named() {
    let error = matrix_market::read("no/such.mtx").expect_err("there is no such file");
    assert!(matches!(error, FileError::Io { .. }));
    assert!(error.to_string().starts_with("no/such.mtx: "), "{error}");
    assert!(matches!(read_vector("b.txt"), Err(FileError::Extension { .. })));
    let error = read_vector(data("nos3.mtx")).expect_err("a matrix");
    assert!(
        error
            .to_string()
            .ends_with("this is a 960 × 960 matrix where a vector is needed; one of the two must be 1")
    );
}

#[test]
fn vectors() {
    let path = std::env::temp_dir().join(format!("southwell-vector-{}.MTX", std::process::id()));
    for (text, expected) in [
        (banner("array real general") + "3 1\n1\n2\n3\n", vec![1.0, 2.0, 3.0]),
        (banner("array real general") + "1 2\n1\n2\n", vec![1.0, 2.0]),
        (banner("coordinate real general") + "3 1 1\n2 1 5\n", vec![0.0, 5.0, 0.0]),
        (banner("coordinate real general") + "1 3 1\n1 3 5\n", vec![0.0, 0.0, 5.0]),
        (banner("coordinate real general") + "1 0 0\n", vec![]),
    ] {
        fs::write(&path, text).expect("a temporary file");
        assert_eq!(read_vector(&path).expect("a vector"), expected);
    }
    fs::remove_file(&path).expect("the temporary file");
}

#[test]
fn dense_to_sparse() {
    let text = banner("array real general") + "2 3\n1\n0\n0\n2\n3\n0\n";
    let matrix = parse(text.as_bytes()).and_then(MatrixMarket::into_sparse).expect("a matrix");
    assert_eq!(entries(&matrix), [(0, 0, 1.0), (0, 2, 3.0), (1, 1, 2.0)]);
}

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
