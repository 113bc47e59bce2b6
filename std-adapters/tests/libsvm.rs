//! Files in LIBSVM's format.

use std::path::Path;

use southwell_std::files::{FileError, LineFault, libsvm};

fn read(text: &str) -> Result<libsvm::LabelledRows, FileError> {
    libsvm::read_from(text.as_bytes())
}

#[test]
fn labels_and_rows() {
    let found = read("+1 1:0.5 3:-2e-1 # first\n\n# nothing\n-1\r\n3.5\t2:1\r\n").expect("sound input");
    assert_eq!(found.labels, [1.0, -1.0, 3.5]);
    assert_eq!((found.rows.rows, found.rows.columns), (3, 3));
    assert_eq!(found.rows.row_offsets, [0, 2, 2, 3]);
    assert_eq!(found.rows.column_indices, [0, 2, 1]);
    assert_eq!(found.rows.values, [0.5, -0.2, 1.0]);
    assert_eq!(found.rows.view().check(), Ok(()));
    let none = read("").expect("sound input");
    assert_eq!((none.rows.rows, none.rows.columns, none.rows.row_offsets), (0, 0, vec![0]));
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    type Is = fn(&LineFault) -> bool;
    let cases: [(&str, u64, Is); 11] = [
        ("1 1:1\nx 1:2\n", 2, |f| matches!(f, LineFault::NotANumber { .. })),
        ("1 1\n", 1, |f| matches!(f, LineFault::Words { .. })),
        ("1 0:1\n", 1, |f| matches!(f, LineFault::ZeroIndex)),
        ("1 2:1 2:1\n", 1, |f| matches!(f, LineFault::Words { .. })),
        ("1 3:1 2:1\n", 1, |f| matches!(f, LineFault::Words { .. })),
        ("1 qid:3 2:1\n", 1, |f| matches!(f, LineFault::NotAnInteger { .. })),
        ("1,2 2:1\n", 1, |f| matches!(f, LineFault::NotANumber { .. })),
        ("nan 2:1\n", 1, |f| matches!(f, LineFault::NotFinite { .. })),
        ("1 1:1e400\n", 1, |f| matches!(f, LineFault::NotFinite { .. })),
        ("1 99999999999:1\n", 1, |f| matches!(f, LineFault::TooLarge)),
        ("1 1:1\n1 4000000000:1\n", 2, |f| matches!(f, LineFault::Hollow { .. })),
    ];
    for (text, expected, is) in cases {
        match read(text) {
            Err(FileError::Line { line, fault, .. }) => {
                assert!(is(&fault) && line == expected, "{text:?}: line {line}, {fault}");
            }
            other => panic!("{text:?}: {other:?}"),
        }
    }
}

#[test]
fn the_sample_file() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/heart_scale");
    if !path.exists() {
        return; // It is not part of this repository.
    }
    let found = libsvm::read(path).expect("sound input");
    assert_eq!((found.rows.rows, found.rows.columns, found.rows.values.len()), (270, 13, 3378));
    assert!(found.labels.iter().all(|label| label.abs() == 1.0));
}
