//! Files that are refused, in which words, and how much memory that takes.

#[path = "../data/largest_allocation.rs"]
mod recorder;

use recorder::largest_allocation;

use super::*;

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

pub(super) const SMALL: [&str; 4] = [
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
