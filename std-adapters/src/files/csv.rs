//! Tables of numbers as comma-separated values, read by the `csv` crate.
//!
//! A first line that holds a word that is no number is a heading. Every other line holds as many finite numbers as
//! the first; empty lines are passed over. Quotes, and spaces about numbers, are allowed; another separator is not.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};

use super::{CsvFault, DenseMatrix, FileError, memory};

/// A table and what its columns are called.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// The heading; empty if there is none.
    pub names: Vec<String>,
    /// The numbers.
    pub values: DenseMatrix,
}

/// Reads a table.
///
/// # Errors
/// [`FileError::Csv`] for what the module's documentation does not allow, [`FileError::Io`],
/// [`FileError::Memory`].
pub fn read(path: impl AsRef<Path>) -> Result<Table, FileError> {
    let path = path.as_ref();
    let read = || parse(BufReader::new(File::open(path)?));
    read().map_err(|error| error.at(path))
}

/// Reads a table from any reader.
///
/// # Errors
/// As [`read`].
pub fn parse(reader: impl Read) -> Result<Table, FileError> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(reader);
    let (mut table, mut record) = (Table::default(), StringRecord::new());
    let (mut width, mut values) = (0, Vec::new());
    loop {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(refused(error)),
        }
        let line = record.position().map_or(0, csv::Position::line);
        let fault = |fault| FileError::Csv { path: None, line, fault };
        if width == 0 {
            width = record.len();
            if record.iter().any(|word| word.parse::<f64>().is_err()) {
                table.names = record.iter().map(str::to_owned).collect();
                continue;
            }
        }
        if record.len() != width {
            return Err(fault(CsvFault::Width { expected: width, given: record.len() }));
        }
        for (column, word) in record.iter().enumerate() {
            match word.parse::<f64>() {
                Ok(value) if value.is_finite() => memory::push(&mut values, value)?,
                Ok(_) => return Err(fault(CsvFault::NotFinite { column: column + 1 })),
                Err(_) => return Err(fault(CsvFault::NotANumber { column: column + 1 })),
            }
        }
    }
    if values.is_empty() {
        return Err(FileError::Csv { path: None, line: reader.position().line(), fault: CsvFault::Empty });
    }
    table.values = DenseMatrix { rows: values.len() / width, columns: width, values };
    Ok(table)
}

fn refused(error: csv::Error) -> FileError {
    let line = error.position().map_or(0, csv::Position::line);
    match error.into_kind() {
        ErrorKind::Io(source) => source.into(),
        _ => FileError::Csv { path: None, line, fault: CsvFault::NotText },
    }
}
