//! NumPy files.

use southwell_std::files::npy::{parse_matrix, parse_vector, write_matrix, write_vector};

use crate::corpus::Group;

/// A file of version 1.0 with any dictionary and any content.
pub(crate) fn file(dictionary: &str, content: &[u8]) -> Vec<u8> {
    let length = (dictionary.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], dictionary.as_bytes(), content].concat()
}

/// The file of an array of this type and shape.
pub(crate) fn array(descr: &str, shape: &str, content: &[u8]) -> Vec<u8> {
    file(&format!("{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}"), content)
}

pub(crate) fn eights(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

pub(crate) fn rows(group: &mut Group<'_>) {
    let f8 = |shape: &str, content: &[u8]| array("'<f8'", shape, content);
    for (name, bytes) in [
        ("empty", vec![]),
        ("an archive", b"PK\x03\x04 and so on".to_vec()),
        ("text", b"1.0 2.0 3.0\n".to_vec()),
        ("a magic cut short", b"\x93NUM".to_vec()),
        ("version 4", b"\x93NUMPY\x04\x00aaaaaaaaaaaaa".to_vec()),
        ("version 0", b"\x93NUMPY\x00\x00aaaaaaaaaaaaa".to_vec()),
        ("a header of four gigabytes", b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec()),
        ("a header of 65535 bytes", b"\x93NUMPY\x01\x00\xff\xff{'descr'".to_vec()),
        ("a header cut short", b"\x93NUMPY\x01\x00\x76\x00{'descr'".to_vec()),
        ("a header without length", b"\x93NUMPY\x01\x00\x10".to_vec()),
        ("no dictionary", file("[]", &[])),
        ("a dictionary without end", file("{'descr': '<f8', ", &[])),
        ("a string without end", file("{'descr", &[])),
        ("an unknown key", file("{'colour': 'red'}", &[])),
        ("a key twice", file("{'shape': (1,), 'shape': (1,)}", &[0; 8])),
        ("a key missing", file("{'descr': '<f8', 'shape': (1,)}", &[0; 8])),
        ("an order that is none", file("{'descr': '<f8', 'fortran_order': Maybe, 'shape': (1,)}", &[0; 8])),
        (
            "code after the dictionary",
            file("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} + exit()", &[0; 8]),
        ),
        ("complex numbers", array("'<c16'", "(1,)", &[0; 16])),
        ("half precision", array("'<f2'", "(1,)", &[0; 2])),
        ("long doubles", array("'<f16'", "(1,)", &[0; 16])),
        ("records", array("[('a', '<f8')]", "(1,)", &[0; 8])),
        ("objects", array("'|O'", "(1,)", &[0; 8])),
        ("strings", array("'<U8'", "(1,)", &[0; 32])),
        ("dates", array("'<M8[ns]'", "(1,)", &[0; 8])),
        ("a type that upsets terminals", array("'\x1b[2J'", "(1,)", &[0; 8])),
        ("an order of bytes that is none", array("'=f8'", "(1,)", &[0; 8])),
        ("no axes", f8("()", &[0; 8])),
        ("three axes", f8("(1, 1, 1)", &[0; 8])),
        ("a negative axis", f8("(-1,)", &[0; 8])),
        ("a fraction of an axis", f8("(1.5,)", &[0; 8])),
        ("a shape without end", f8("(1, ", &[0; 8])),
        ("a matrix", f8("(2, 2)", &[0; 32])),
        ("terabytes promised", f8("(1000000000000,)", &[0; 8])),
        ("more bytes than can be counted", f8("(9000000000000000000,)", &[0; 8])),
        ("more elements than can be counted", f8("(99999999999999999999,)", &[0; 8])),
        ("axes whose product overflows", f8("(1, 9223372036854775807)", &[0; 8])),
        ("an element short", f8("(2,)", &[0; 8])),
        ("half an element", f8("(1,)", &[0; 4])),
        ("a byte too many", f8("(1,)", &[0; 9])),
        ("elements of an empty array", f8("(0,)", &[0; 8])),
        ("NaN", f8("(2,)", &eights(&[1.0, f64::NAN]))),
        ("infinity", f8("(3,)", &eights(&[f64::INFINITY, 1.0, 1.0]))),
        ("infinity in single precision", array("'>f4'", "(1,)", &f32::NEG_INFINITY.to_be_bytes())),
    ] {
        group.bad(name, parse_vector(&bytes));
    }
    group.bad("a vector for a matrix", parse_matrix(&f8("(1,)", &[0; 8])));
    group.bad("a cube for a matrix", parse_matrix(&f8("(1, 1, 1)", &[0; 8])));
    group.bad("a matrix of which half is there", parse_matrix(&f8("(2, 2)", &[0; 16])));
    group.bad("a matrix with NaN in a corner", parse_matrix(&f8("(1, 2)", &eights(&[0.0, f64::NAN]))));
    // Nothing may be written where the shape is wrong.
    let path = std::env::temp_dir().join(format!("southwell-bad-input-{}.npy", std::process::id()));
    for refused in [write_matrix(&path, 2, 2, &[1.0; 3]), write_matrix(&path, usize::MAX, 2, &[])] {
        assert!(refused.is_err_and(|error| error.to_string().contains("; ")) && !path.exists());
    }
    assert!(write_vector("no/such/directory/x.npy", &[1.0]).is_err());
}
