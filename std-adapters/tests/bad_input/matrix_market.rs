//! Matrix Market files.

use southwell_std::files::matrix_market::{Symmetry, parse, read, write_dense_to, write_sparse_to};
use southwell_std::files::{SparseMatrix, read_vector};

use crate::corpus::Group;

const SPARSE: &str = "%%MatrixMarket matrix coordinate real general\n";
const SYMMETRIC: &str = "%%MatrixMarket matrix coordinate real symmetric\n";
const DENSE: &str = "%%MatrixMarket matrix array real general\n";

pub(crate) fn rows(group: &mut Group<'_>) {
    let long = format!("{SPARSE}1 1 1\n1 1 1{}\n", "0".repeat(5000));
    let binary = [SPARSE.as_bytes(), b"1 1 1\n1 1 \xff\xfe\n"].concat();
    let whole: [(&str, &[u8]); 12] = [
        ("empty", b""),
        ("a newline alone", b"\n"),
        ("text without banner", b"1 1 1\n1 1 1\n"),
        ("a NumPy file", b"\x93NUMPY\x01\x00"),
        ("zeros", &[0; 64]),
        ("one percent sign", b"%MatrixMarket matrix coordinate real general\n"),
        ("a banner cut short", b"%%MatrixMarket"),
        ("a vector", b"%%MatrixMarket vector coordinate real general\n"),
        ("a line without end", long.as_bytes()),
        ("bytes that are no text", &binary),
        ("UTF-16", b"\xff\xfe%\0%\0M\0a\0t\0r\0i\0x\0"),
        ("a byte order mark", b"\xef\xbb\xbf%%MatrixMarket matrix array real general\n1 1\n1\n"),
    ];
    for (name, bytes) in whole {
        group.bad(name, parse(bytes));
    }
    for (name, banner) in [
        ("another format", "matrix sparse real general"),
        ("another field", "matrix array quaternion general"),
        ("no symmetry", "matrix array real"),
        ("a word too many", "matrix array real general row-major"),
        ("complex", "matrix coordinate complex general"),
        ("hermitian", "matrix coordinate real hermitian"),
        ("skew-symmetric", "matrix coordinate real skew-symmetric"),
        ("a dense pattern", "matrix array pattern general"),
        ("a hostile word", "matrix \x1b[31m real general"),
    ] {
        group.bad(name, parse(format!("%%MatrixMarket {banner}\n1 1 1\n1 1 1\n").as_bytes()));
    }
    for (name, start, rest) in [
        ("no sizes", SPARSE, "% words\n"),
        ("two sizes for three", SPARSE, "2 2\n"),
        ("three sizes for two", DENSE, "1 1 1\n1\n"),
        ("a negative size", SPARSE, "-2 2 0\n"),
        ("a size with a fraction", SPARSE, "2.0 2 0\n"),
        ("a hexadecimal size", SPARSE, "0x2 2 0\n"),
        ("symmetric and not square", SYMMETRIC, "2 3 1\n1 1 1\n"),
        ("row zero", SPARSE, "2 2 1\n0 1 1.0\n"),
        ("column zero", SPARSE, "2 2 1\n1 0 1.0\n"),
        ("a row beyond the last", SPARSE, "2 2 1\n3 1 1.0\n"),
        ("a column beyond the last", SPARSE, "2 2 1\n1 3 1.0\n"),
        ("a column beyond 64 bits", SPARSE, "2 2 1\n1 99999999999999999999 1.0\n"),
        ("an entry of an empty matrix", SPARSE, "0 0 1\n1 1 1.0\n"),
        ("fewer entries than promised", SPARSE, "2 2 2\n1 1 1.00000\n"),
        ("no entry of those promised", SPARSE, "2 2 1\n          \n"),
        ("more entries than promised", SPARSE, "2 2 1\n1 1 1\n2 2 1\n"),
        ("more values than promised", DENSE, "1 1\n1\n2\n"),
        ("fewer values than promised", DENSE, "2 1\n1.000\n"),
        ("a word after the value", SPARSE, "2 2 1\n1 1 1.0 7\n"),
        ("no value", SPARSE, "2 2 1\n1 1\n1   1\n"),
        ("two values a line", DENSE, "2 2\n1 2\n3 4\n"),
        ("trillions of entries", SPARSE, "2 2 9999999999999\n1 1 1\n"),
        ("a dense claim of 80 gigabytes", DENSE, "100000 100000\n1\n"),
        ("a dense claim beyond 64 bits", DENSE, "99999999999 99999999999\n1\n"),
        ("four thousand million empty rows", SPARSE, "4000000000 4000000000 0\n"),
        (
            "a symmetric claim beyond 64 bits",
            "%%MatrixMarket matrix array real symmetric\n",
            "99999999999 99999999999\n1\n",
        ),
        ("above the diagonal", SYMMETRIC, "2 2 1\n1 2 1.0\n"),
        ("nan", SPARSE, "1 1 1\n1 1 nan\n"),
        ("NaN in a dense matrix", DENSE, "2 1\n1\nNaN\n"),
        ("minus infinity", SPARSE, "1 1 1\n1 1 -Infinity\n"),
        ("a value too large", SPARSE, "1 1 1\n1 1 1e309\n"),
        ("Fortran's exponent too large", SPARSE, "1 1 1\n1 1 1D999\n"),
        ("two points", SPARSE, "1 1 1\n1 1 1.0.0\n"),
        ("a decimal comma", SPARSE, "1 1 1\n1 1 1,5\n"),
        ("a word for a value", SPARSE, "1 1 1\n1 1 one\n"),
        ("a comment after the sizes", SPARSE, "1 1 1\n% words\n1 1 1\n"),
        ("a sum that overflows", SPARSE, "2 2 2\n2 1 1e308\n2 1 1e308\n"),
    ] {
        group.bad(name, parse(format!("{start}{rest}").as_bytes()));
    }
    let integers = "%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 1.5\n";
    group.bad("a fraction among integers", parse(integers.as_bytes()));
    let pattern = "%%MatrixMarket matrix coordinate pattern general\n2 2 1\n1 1 1\n";
    group.bad("a value in a pattern", parse(pattern.as_bytes()));

    group.bad("a name without format", read_vector("b.txt"));
    group.bad("no name", read_vector(""));
    // What the system says is its own; that a file was named is ours.
    assert!(read("no/such.mtx").is_err_and(|error| error.to_string().starts_with("no/such.mtx: ")));
    let matrix = SparseMatrix {
        rows: 2,
        columns: 2,
        row_offsets: vec![0, 1, 2],
        column_indices: vec![1, 1],
        values: vec![1.0, 2.0],
    };
    group.bad("a matrix for a vector", matrix.clone().into_vector());
    let mut nowhere = Vec::new();
    group.bad(
        "written as symmetric, but is not",
        write_sparse_to(&mut nowhere, matrix.view(), Symmetry::Symmetric),
    );
    let broken = SparseMatrix { values: vec![1.0, f64::NAN], ..matrix.clone() };
    group.bad("NaN to be written", write_sparse_to(&mut nowhere, broken.view(), Symmetry::General));
    let broken = SparseMatrix { column_indices: vec![1, 7], ..matrix.clone() };
    group.bad(
        "a column that is none to be written",
        write_sparse_to(&mut nowhere, broken.view(), Symmetry::General),
    );
    let broken = SparseMatrix { row_offsets: vec![0, 2], ..matrix };
    group.bad(
        "offsets too few to be written",
        write_sparse_to(&mut nowhere, broken.view(), Symmetry::General),
    );
    group.bad("values too few to be written", write_dense_to(&mut nowhere, 2, 2, &[1.0; 3]));
    group.bad("a shape beyond 64 bits to be written", write_dense_to(&mut nowhere, usize::MAX, 2, &[]));
    assert!(nowhere.is_empty(), "something was written");
}
