//! Files that are read, and what they say.

use std::fs;

use super::*;

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
