//! Labelled sparse rows in the text format of LIBSVM and SVMlight: a line a sample.
//!
//! ```text
//! +1 1:0.708333 3:-0.32 7:1      # what follows is a comment
//! ```
//! A label, then `index:value` with indices from one that increase along the line. Blank lines and comments are
//! passed over. Refused are `qid:`, several labels, indices of zero, NaN and infinities.
//!
//! There is no header: the matrix is as wide as the largest index says. A file of a few bytes could name column
//! four thousand million, so a matrix may have sixteen million columns and one more for every byte of the file.
//!
//! The format: Chang & Lin 2011, the README of LIBSVM; Joachims 1999.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{FileError, LineFault, SparseMatrix, memory};

/// Columns that any file may name.
const FREE_COLUMNS: u64 = 1 << 24;

/// Samples and their labels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabelledRows {
    /// A row a sample. Zeros that the file stores stay stored.
    pub rows: SparseMatrix,
    /// A label (or a target) a sample.
    pub labels: Vec<f64>,
}

/// Reads a file.
///
/// # Errors
/// [`FileError::Line`] with the number of the line for what the module's documentation lists; [`FileError::Io`],
/// [`FileError::Memory`].
pub fn read(path: impl AsRef<Path>) -> Result<LabelledRows, FileError> {
    let path = path.as_ref();
    let open = || File::open(path).map_err(FileError::from);
    open().and_then(|file| read_from(BufReader::new(file))).map_err(|error| error.at(path))
}

/// Reads from a reader.
///
/// # Errors
/// As [`read`].
pub fn read_from(mut reader: impl BufRead) -> Result<LabelledRows, FileError> {
    let mut found = LabelledRows::default();
    memory::push(&mut found.rows.row_offsets, 0)?;
    let (mut line, mut number, mut bytes, mut widest) = (Vec::new(), 0_u64, 0_u64, (0_u32, 0_u64));
    loop {
        line.clear();
        let length = reader.read_until(b'\n', &mut line)?;
        if length == 0 {
            break;
        }
        number += 1;
        bytes = bytes.saturating_add(length as u64);
        let fault = |fault| FileError::Line { path: None, line: number, fault };
        let content = line.split(|&byte| byte == b'#').next().unwrap_or_default();
        let mut words = content.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        let Some(label) = words.next() else { continue };
        memory::push(&mut found.labels, value(label).map_err(fault)?)?;
        let mut last = 0;
        for word in words {
            let (index, value) = entry(word, last).map_err(fault)?;
            last = index;
            memory::push(&mut found.rows.column_indices, index - 1)?;
            memory::push(&mut found.rows.values, value)?;
        }
        if last > widest.0 {
            widest = (last, number);
        }
        let end = u32::try_from(found.rows.values.len()).map_err(|_| fault(LineFault::TooLarge))?;
        memory::push(&mut found.rows.row_offsets, end)?;
    }
    let (size, limit) = (u64::from(widest.0), bytes.saturating_add(FREE_COLUMNS));
    if size > limit {
        let fault = LineFault::Hollow { size, limit };
        return Err(FileError::Line { path: None, line: widest.1, fault });
    }
    found.rows.rows = found.labels.len();
    found.rows.columns = widest.0 as usize;
    Ok(found)
}

/// `index:value`, the index larger than the one before.
fn entry(word: &[u8], last: u32) -> Result<(u32, f64), LineFault> {
    let expected = "a label, then index:value with whole indices that increase along the line,";
    let mut parts = word.splitn(2, |&byte| byte == b':');
    let (Some(index), Some(number)) = (parts.next(), parts.next()) else {
        return Err(LineFault::Words { expected });
    };
    if index.is_empty() || !index.iter().all(u8::is_ascii_digit) {
        return Err(LineFault::NotAnInteger { found: quote(index) });
    }
    // More digits than fit are more columns than can be addressed.
    let index: u32 = std::str::from_utf8(index)
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|&index| index < u32::MAX - 1)
        .ok_or(LineFault::TooLarge)?;
    match index {
        0 => Err(LineFault::ZeroIndex),
        index if index <= last => Err(LineFault::Words { expected }),
        index => Ok((index, value(number)?)),
    }
}

fn value(word: &[u8]) -> Result<f64, LineFault> {
    let text = std::str::from_utf8(word).ok();
    let value: f64 = text
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| LineFault::NotANumber { found: quote(word) })?;
    if value.is_finite() { Ok(value) } else { Err(LineFault::NotFinite { found: quote(word) }) }
}

/// A word for a message: not too long, and nothing that would upset a terminal.
fn quote(word: &[u8]) -> String {
    const SHOWN: usize = 40;
    String::from_utf8_lossy(&word[..word.len().min(SHOWN)]).escape_debug().collect()
}
