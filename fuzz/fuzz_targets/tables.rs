//! Tables of comma-separated values and rows in LIBSVM's format, on arbitrary bytes: what is read keeps the
//! invariants, survives being written and read again bit for bit, and took memory by what the file holds; what is
//! refused is refused at a line that exists.
#![no_main]

use std::fmt::Write;
use std::io::BufReader;

use libfuzzer_sys::fuzz_target;
use southwell::linear::{Csc, Design};
use southwell_fuzz::memory::{Counting, peak};
use southwell_std::files::{FileError, csv, libsvm};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Buffers of the readers, messages.
const SMALL: usize = 1 << 18;

fuzz_target!(|data: &[u8]| {
    check_csv(data);
    check_libsvm(data);
});

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|value| value.to_bits()).collect()
}

fn check_csv(data: &[u8]) {
    let (read, bytes) = peak(|| csv::parse(data));
    // A number takes two bytes of the file; lists grow by doubling, and a field costs a place in a list.
    assert!(bytes <= 64 * data.len() + SMALL, "{bytes} bytes for a file of {}", data.len());
    let pieces = csv::parse(BufReader::with_capacity(5, data));
    match (&read, &pieces) {
        (Ok(a), Ok(b)) => assert_eq!((&a.names, bits(&a.values.values)), (&b.names, bits(&b.values.values))),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        _ => panic!("{read:?} in one piece, {pieces:?} in many"),
    }
    let table = match read {
        Ok(table) => table,
        Err(error) => return check_error(&error, data),
    };
    let (rows, columns, values) = (table.values.rows, table.values.columns, &table.values.values);
    assert!(rows > 0 && columns > 0 && rows * columns == values.len());
    assert!(values.iter().all(|value| value.is_finite()));
    assert!(table.names.is_empty() || table.names.len() == columns);
    // A heading is no line of numbers.
    assert!(table.names.is_empty() || table.names.iter().any(|name| name.parse::<f64>().is_err()));
    let mut text = String::new();
    for row in values.chunks(columns) {
        let words: Vec<String> = row.iter().map(|value| format!("{value:?}")).collect();
        text.push_str(&words.join(", "));
        text.push('\n');
    }
    let again = csv::parse(text.as_bytes()).expect("what was written can be read");
    assert!(again.names.is_empty());
    assert_eq!((again.values.rows, again.values.columns), (rows, columns));
    assert_eq!(bits(&again.values.values), bits(values));
    // One number more on a line is noticed.
    if rows > 1 {
        text.insert_str(text.find('\n').unwrap_or(0), ", 1");
        assert!(csv::parse(text.as_bytes()).is_err());
    }
}

fn check_libsvm(data: &[u8]) {
    let (read, bytes) = peak(|| libsvm::read_from(data));
    assert!(bytes <= 64 * data.len() + SMALL, "{bytes} bytes for a file of {}", data.len());
    let pieces = libsvm::read_from(BufReader::with_capacity(5, data));
    match (&read, &pieces) {
        (Ok(a), Ok(b)) => assert_eq!(a, b),
        (Err(a), Err(b)) => assert_eq!(a.to_string(), b.to_string()),
        _ => panic!("{read:?} in one piece, {pieces:?} in many"),
    }
    let found = match read {
        Ok(found) => found,
        Err(error) => return check_error(&error, data),
    };
    let rows = &found.rows;
    assert!(found.labels.iter().all(|label| label.is_finite()));
    assert_eq!((rows.rows, rows.row_offsets.len()), (found.labels.len(), found.labels.len() + 1));
    rows.view().check().expect("what is read is sound");
    // Rows of the samples are columns of the transpose.
    let transpose = Csc::new(&rows.row_offsets, &rows.column_indices, &rows.values, rows.columns);
    assert_eq!(transpose.expect("what is read is a view").columns(), rows.rows);

    let mut text = String::from("# written again\n\n");
    for (i, label) in found.labels.iter().enumerate() {
        let _ = write!(text, "{label:?}");
        for k in rows.row_offsets[i] as usize..rows.row_offsets[i + 1] as usize {
            let _ = write!(text, " {}:{:?}", u64::from(rows.column_indices[k]) + 1, rows.values[k]);
        }
        text.push_str(" # a sample\n");
    }
    let again = libsvm::read_from(text.as_bytes()).expect("what was written can be read");
    assert_eq!(
        (&again.rows.row_offsets, &again.rows.column_indices),
        (&rows.row_offsets, &rows.column_indices)
    );
    assert_eq!(bits(&again.rows.values), bits(&rows.values));
    assert_eq!((again.rows.columns, bits(&again.labels)), (rows.columns, bits(&found.labels)));
}

fn check_error(error: &FileError, data: &[u8]) {
    assert!(!error.to_string().is_empty());
    assert_eq!(error.path(), None);
    let lines = data.split(|&byte| byte == b'\n').count() as u64;
    match *error {
        FileError::Line { line, .. } => assert!((1..=lines).contains(&line), "{error:?}: no such line"),
        FileError::Csv { line, .. } => assert!(line <= lines, "{error:?}: no such line"),
        _ => panic!("{error:?} cannot come from memory"),
    }
}
