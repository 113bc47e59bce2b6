//! Dense files: one value a line, column after column; of a symmetric matrix the lower triangle.

use std::io::BufRead;

use super::header::{Header, Symmetry, refuse_hollow, sizes};
use super::lines::Lines;
use super::words::{Words, value};
use crate::files::{DenseMatrix, FileError, LineFault, memory};

pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, header: Header) -> Result<DenseMatrix, FileError> {
    let sizes = sizes(lines, header)?;
    let shape = (usize::try_from(sizes.rows), usize::try_from(sizes.columns), usize::try_from(sizes.entries));
    let (Ok(rows), Ok(columns), Ok(entries)) = shape else {
        return Err(lines.fault(LineFault::TooLarge));
    };
    let mut packed = Vec::new();
    if lines.length().is_some() {
        memory::reserve(&mut packed, entries)?;
    }
    for given in 0..sizes.entries {
        if !lines.advance_to_content(false)? {
            return Err(lines.fault(LineFault::TooFew { expected: sizes.entries, given }));
        }
        let entry = Words(lines.text()?).exactly("one value").and_then(|[word]| value(word, header.field));
        let entry = entry.map_err(|fault| lines.fault(fault))?;
        memory::push(&mut packed, entry)?;
    }
    if lines.advance_to_content(false)? {
        return Err(lines.fault(LineFault::TooMany { expected: sizes.entries }));
    }
    refuse_hollow(lines, sizes, lines.consumed())?;
    match header.symmetry {
        Symmetry::General => DenseMatrix::from_columns(rows, columns, packed),
        Symmetry::Symmetric => expand(rows, &packed),
    }
}

/// The whole matrix from its lower triangle. All entries were read, so `size` squared does not overflow.
fn expand(size: usize, packed: &[f64]) -> Result<DenseMatrix, FileError> {
    let mut values = memory::filled(0.0, size * size)?;
    let mut entries = packed.iter();
    for column in 0..size {
        for (row, &entry) in (column..size).zip(&mut entries) {
            values[row * size + column] = entry;
            values[column * size + row] = entry;
        }
    }
    Ok(DenseMatrix { rows: size, columns: size, values })
}
