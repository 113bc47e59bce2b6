//! NumPy files: what NumPy wrote is read, what is written here `npyz` reads, and no damage does harm.

#[path = "data/largest_allocation.rs"]
mod recorder;

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use recorder::largest_allocation;
use southwell_std::files::npy::{
    parse_matrix, parse_vector, read_matrix, read_vector, write_matrix, write_vector,
};
use southwell_std::files::{FileError, NpyFault};

fn data(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "data", name].iter().collect()
}

fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("southwell-{name}-{}.npy", std::process::id()))
}

/// A file of version 1.0 with any dictionary and any content.
fn file(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let length = (dictionary.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], dictionary.as_bytes(), content].concat()
}

fn eights(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[test]
fn what_numpy_wrote() {
    for name in ["numpy-c.npy", "numpy-fortran.npy", "numpy-big-endian.npy", "numpy-f4.npy"] {
        let matrix = read_matrix(data(name)).expect(name);
        assert_eq!((matrix.rows, matrix.columns), (2, 3), "{name}");
        assert_eq!(matrix.values, [1.5, -2.0, 3.0, 0.25, 5.0, -6.0], "{name}");
        let error = read_vector(data(name)).expect_err("a matrix");
        assert!(matches!(error, FileError::NotAVector { rows: 2, columns: 3, .. }), "{error}");
    }
    for name in ["numpy-i8.npy", "numpy-i4.npy", "numpy-i2.npy", "numpy-i1.npy"] {
        assert_eq!(read_vector(data(name)).expect(name), [-3.0, 0.0, 100.0, 7.0], "{name}");
    }
    assert_eq!(read_vector(data("numpy-u1.npy")).expect("u1"), [0.0, 255.0, 7.0]);
    assert_eq!(read_vector(data("numpy-bool.npy")).expect("bool"), [1.0, 0.0, 1.0]);
    assert_eq!(read_vector(data("numpy-v3.npy")).expect("version 3"), [1.0, 2.0]);
    assert_eq!(southwell_std::files::read_vector(data("numpy-v3.npy")).expect("by name"), [1.0, 2.0]);
}

#[test]
fn shapes_of_a_vector() {
    for shape in ["(2,)", "(2)", "(2, 1)", "(1,2)", "( 2L , )"] {
        for order in ["True", "False"] {
            let dictionary = format!("{{ 'shape':{shape}, \"descr\" : '<f8', 'fortran_order': {order} }} \n");
            let bytes = file(&dictionary, &eights(&[1.0, 2.0]));
            assert_eq!(parse_vector(&bytes).expect(shape), [1.0, 2.0], "{shape}");
        }
    }
    let empty = file("{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}", &[]);
    assert_eq!(parse_vector(&empty).expect("no elements"), [0.0; 0]);
}

#[test]
fn refused() {
    let good =
        |descr: &str, shape: &str| format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}");
    let cases: &[(Vec<u8>, &str)] = &[
        (
            b"PK\x03\x04 and so on".to_vec(),
            "this is no NumPy file; write one with `numpy.save` (an `.npz` must be unpacked first)",
        ),
        (
            b"\x93NUMPY\x04\x00aaaaaaaaaaaaa".to_vec(),
            "version 4.0 of the NumPy format is not known; save with one of 1.0 to 3.0",
        ),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
            "the header is damaged: a length of at most 10000 bytes expected at byte 8; save the array again",
        ),
        (
            file(&good("'<c16'", "(1,)"), &[0; 16]),
            "elements of type `<c16` are not read; convert them with `array.astype('float64')`",
        ),
        (
            file(&good("[('a', '<f8')]", "(1,)"), &[0; 8]),
            "elements of type `record` are not read; convert them with `array.astype('float64')`",
        ),
        (
            file(&good("'|O'", "(1,)"), &[0; 8]),
            "elements of type `|O` are not read; convert them with `array.astype('float64')`",
        ),
        (
            file(&good("'<f8'", "()"), &[0; 8]),
            "the array has 0 axes, but one is needed; use `array.reshape(…)`",
        ),
        (
            file(&good("'<f8'", "(1, 1, 1)"), &[0; 8]),
            "the array has 3 axes, but one is needed; use `array.reshape(…)`",
        ),
        (
            file(&good("'<f8'", "(1000000000000,)"), &[0; 8]),
            "the elements need 8000000000000 bytes, but only 8 are there; is the file complete?",
        ),
        (
            file(&good("'<f8'", "(9000000000000000000,)"), &[0; 8]),
            "the shape names more elements than this machine can address; save the array again, or a part of it",
        ),
        (
            file(&good("'<f8'", "(99999999999999999999,)"), &[0; 8]),
            "the shape names more elements than this machine can address; save the array again, or a part of it",
        ),
        (
            file(&good("'<f8'", "(1,)"), &[0; 9]),
            "the file goes on after the last element; save one array per file",
        ),
        (
            file(&good("'<f8'", "(2,)"), &eights(&[1.0, f64::NAN])),
            "element 1 (in file order, from zero) is NaN or infinite; replace it",
        ),
        (
            file(&good("'<f8'", "(-1,)"), &[0; 8]),
            "the header is damaged: a whole number or `)` expected at byte 61; save the array again",
        ),
        (
            file("{'descr': '<f8', 'shape': (1,)}", &[0; 8]),
            "the header is damaged: each of the keys `descr`, `fortran_order` and `shape` expected at byte 41; save the array again",
        ),
        (
            file("{'shape': (1,), 'shape': (1,)}", &[0; 8]),
            "the header is damaged: each of the keys `descr`, `fortran_order` and `shape` once expected at byte 33; save the array again",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(parse_vector(bytes).expect_err(expected).to_string(), *expected);
    }
    let error = parse_matrix(&file(&good("'<f8'", "(1,)"), &[0; 8])).expect_err("a row or a column?");
    assert!(matches!(error, FileError::Npy { fault: NpyFault::Axes { given: 1, .. }, .. }));
    let error = read_vector(data("numpy-0d.npy")).expect_err("no axes");
    assert!(matches!(error, FileError::Npy { fault: NpyFault::Axes { given: 0, .. }, .. }));
    let error = read_vector(data("numpy-complex.npy")).expect_err("complex");
    assert!(matches!(error, FileError::Npy { fault: NpyFault::Type { .. }, .. }));
    assert!(error.to_string().contains("numpy-complex.npy: "), "{error}");
    assert!(matches!(read_vector("no/such.npy"), Err(FileError::Io { .. })));
}

#[test]
fn prefixes_and_mutations() {
    let largest = largest_allocation(|| {
        for name in ["numpy-c.npy", "numpy-fortran.npy", "numpy-i1.npy", "numpy-v3.npy"] {
            let whole = fs::read(data(name)).expect(name);
            for end in 0..whole.len() {
                assert!(parse_vector(&whole[..end]).is_err());
                assert!(parse_matrix(&whole[..end]).is_err());
            }
            let mut bytes = whole;
            for place in 0..bytes.len() {
                for byte in 0..=255 {
                    let kept = std::mem::replace(&mut bytes[place], byte);
                    if let Ok(vector) = parse_vector(&bytes) {
                        assert!(vector.iter().all(|value| value.is_finite()));
                    }
                    if let Ok(matrix) = parse_matrix(&bytes) {
                        assert_eq!(matrix.values.len(), matrix.rows * matrix.columns);
                        assert!(matrix.values.iter().all(|value| value.is_finite()));
                    }
                    bytes[place] = kept;
                }
            }
        }
    });
    assert!(largest <= 10_000, "{largest} bytes");
}

#[test]
fn a_wrong_length_touches_no_file() {
    let path = temporary("kept");
    fs::write(&path, "kept").expect("a temporary file");
    assert!(matches!(write_matrix(&path, 2, 2, &[1.0; 3]), Err(FileError::Input { .. })));
    assert!(matches!(write_matrix(&path, usize::MAX, 2, &[]), Err(FileError::Input { .. })));
    assert_eq!(fs::read(&path).expect("the temporary file"), b"kept");
    fs::remove_file(&path).expect("the temporary file");
}

#[test]
fn longer_than_the_buffer() {
    let path = temporary("long");
    let values: Vec<f64> = (0..5000).map(f64::from).collect();
    write_matrix(&path, 50, 100, &values).expect("a file");
    assert_eq!(read_matrix(&path).expect("a matrix").values, values);
    fs::remove_file(&path).expect("the temporary file");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn round_trip(values in prop::collection::vec(any::<f64>().prop_filter("finite", |v| v.is_finite()), 0..40)) {
        let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
        let path = temporary("round-trip");
        write_vector(&path, &values).expect("a file");
        prop_assert_eq!(bits(&read_vector(&path).expect("ours")), bits(&values));
        let bytes = fs::read(&path).expect("the temporary file");
        // Elements begin where NumPy would put them.
        prop_assert_eq!((bytes.len() - 8 * values.len()) % 64, 0);
        let oracle: Vec<f64> = npyz::NpyFile::new(&bytes[..]).expect("a header").into_vec().expect("elements");
        prop_assert_eq!(bits(&oracle), bits(&values));
        fs::remove_file(&path).expect("the temporary file");
    }
}
