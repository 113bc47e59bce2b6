//! The NumPy reader: on arbitrary bytes, where whatever is read must survive being written and read again
//! bit for bit; and on well-formed files of every type, which must be read as plain decoding says.
#![no_main]

use std::fs;

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use southwell_fuzz::memory::{Counting, peak};
use southwell_std::files::npy::{parse_matrix, parse_vector, write_matrix, write_vector};
use southwell_std::files::{DenseMatrix, FileError};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fuzz_target!(|data: &[u8]| {
    check_bytes(data);
    if let Ok(file) = WellFormed::arbitrary(&mut Unstructured::new(data)) {
        file.check();
    }
});

fn check_bytes(data: &[u8]) {
    let (vector, vector_bytes) = peak(|| parse_vector(data));
    let (matrix, matrix_bytes) = peak(|| parse_matrix(data));
    // The longest header, eight bytes an element of at least one, and in Fortran order twice that.
    let bound = 16 * data.len() + (1 << 16);
    assert!(vector_bytes.max(matrix_bytes) <= bound, "{vector_bytes}, {matrix_bytes} for {}", data.len());

    if let Ok(matrix) = &matrix {
        assert_eq!(matrix.values.len(), matrix.rows * matrix.columns);
        assert!(matrix.values.iter().all(|value| value.is_finite()));
        let again = through_a_file(|path| write_matrix(path, matrix.rows, matrix.columns, &matrix.values));
        let again = parse_matrix(&again).expect("what was written can be read");
        assert_eq!((again.rows, again.columns), (matrix.rows, matrix.columns));
        assert_eq!(bits(&again.values), bits(&matrix.values));
        // A matrix of one row or column is a vector too, and no other is.
        match &vector {
            Ok(values) => {
                assert!(matrix.rows == 1 || matrix.columns == 1);
                assert_eq!(bits(values), bits(&matrix.values));
            }
            Err(FileError::NotAVector { rows, columns, .. }) => {
                assert_eq!((*rows, *columns), (matrix.rows, matrix.columns));
                assert!(*rows != 1 && *columns != 1);
            }
            Err(error) => panic!("read as a matrix, but not as a vector: {error:?}"),
        }
    }
    if let Ok(values) = &vector {
        assert!(values.iter().all(|value| value.is_finite()));
        let again = through_a_file(|path| write_vector(path, values));
        assert_eq!(bits(&parse_vector(&again).expect("what was written can be read")), bits(values));
    }
    for error in [vector.err(), matrix.err()].into_iter().flatten() {
        assert!(!error.to_string().is_empty());
        assert_eq!(error.path(), None);
    }
}

/// The bytes that a writer leaves in a file.
fn through_a_file(write: impl FnOnce(&std::path::Path) -> Result<(), FileError>) -> Vec<u8> {
    let path = std::env::temp_dir().join(format!("southwell-fuzz-{}.npy", std::process::id()));
    write(&path).expect("a writable folder for temporary files");
    let bytes = fs::read(&path).expect("just written");
    fs::remove_file(&path).expect("just written");
    bytes
}

/// A file as NumPy would write it.
#[derive(Arbitrary, Debug)]
struct WellFormed {
    kind: u8,
    big: bool,
    fortran: bool,
    version: u8,
    padding: u8,
    shape: (u8, u8),
    axes: u8,
    elements: Vec<u64>,
}

/// Kind, bytes and what the bits mean.
type Kind = (char, usize, fn(u64) -> f64);
const KINDS: [Kind; 11] = [
    ('f', 8, f64::from_bits),
    ('f', 4, |bits| f64::from(f32::from_bits(bits as u32))),
    ('i', 1, |bits| f64::from(bits as i8)),
    ('i', 2, |bits| f64::from(bits as i16)),
    ('i', 4, |bits| f64::from(bits as i32)),
    ('i', 8, |bits| bits as i64 as f64),
    ('u', 1, |bits| f64::from(bits as u8)),
    ('u', 2, |bits| f64::from(bits as u16)),
    ('u', 4, |bits| f64::from(bits as u32)),
    ('u', 8, |bits| bits as f64),
    ('b', 1, |bits| f64::from(bits & 1 == 1)),
];

impl WellFormed {
    fn check(&self) {
        let (kind, size, decode) = KINDS[usize::from(self.kind) % KINDS.len()];
        let (rows, columns) = (usize::from(self.shape.0) % 40, usize::from(self.shape.1) % 40);
        let vector = self.axes.is_multiple_of(3);
        let count = if vector { rows } else { rows * columns };
        let element = |k: usize| match self.elements.len() {
            0 => 0,
            n if kind == 'b' => self.elements[k % n] & 1,
            n => self.elements[k % n].rotate_left((k / n) as u32),
        };

        let order = if size == 1 {
            '|'
        } else if self.big {
            '>'
        } else {
            '<'
        };
        let fortran = if self.fortran { "True" } else { "False" };
        let shape = if vector { format!("({rows},)") } else { format!("({rows}, {columns})") };
        let blanks = " ".repeat(usize::from(self.padding));
        let text = format!(
            "{{'descr': '{order}{kind}{size}', 'fortran_order': {fortran}, 'shape': {shape}, }}{blanks}\n"
        );
        let version = self.version % 3 + 1;
        let mut bytes = b"\x93NUMPY".to_vec();
        bytes.extend([version, 0]);
        let length = (text.len() as u32).to_le_bytes();
        bytes.extend(if version == 1 { &length[..2] } else { &length[..] });
        bytes.extend(text.as_bytes());
        for k in 0..count {
            let little = element(k).to_le_bytes();
            let mut piece = little[..size].to_vec();
            if self.big {
                piece.reverse();
            }
            bytes.extend(piece);
        }

        let expected: Vec<f64> = (0..count).map(|k| decode(element(k))).collect();
        let finite = expected.iter().all(|value| value.is_finite());
        if vector {
            match parse_vector(&bytes) {
                Ok(values) => assert!(finite && bits(&values) == bits(&expected)),
                Err(error) => assert!(!finite, "refused a sound file: {error}"),
            }
            assert!(parse_matrix(&bytes).is_err());
        } else {
            match parse_matrix(&bytes) {
                Ok(matrix) => self.check_matrix(&matrix, &expected, [rows, columns]),
                Err(error) => assert!(!finite, "refused a sound file: {error}"),
            }
        }
        // A byte less or more is noticed.
        bytes.push(0);
        assert!(parse_vector(&bytes).is_err() && parse_matrix(&bytes).is_err());
        bytes.truncate(bytes.len() - 2);
        assert!(parse_vector(&bytes).is_err() && parse_matrix(&bytes).is_err());
    }

    fn check_matrix(&self, matrix: &DenseMatrix, expected: &[f64], [rows, columns]: [usize; 2]) {
        assert_eq!((matrix.rows, matrix.columns), (rows, columns));
        for i in 0..rows {
            for j in 0..columns {
                let k = if self.fortran { j * rows + i } else { i * columns + j };
                assert_eq!(matrix.values[i * columns + j].to_bits(), expected[k].to_bits());
            }
        }
    }
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}
