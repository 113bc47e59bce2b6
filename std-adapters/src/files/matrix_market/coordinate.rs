//! Sparse files: one entry a line.

use std::io::BufRead;

use super::assemble::{Triplets, assemble};
use super::header::{Field, Header, Symmetry, refuse_hollow, sizes};
use super::lines::Lines;
use super::words::{Words, index, value};
use crate::files::{FileError, LineFault, SparseMatrix, memory};

/// Entries reserved for when the length of the file, and so the truth of its header, is not known.
const BLIND_RESERVE: u64 = 1 << 16;

pub(super) fn read<R: BufRead>(lines: &mut Lines<R>, header: Header) -> Result<SparseMatrix, FileError> {
    let sizes = sizes(lines, header)?;
    let shape = (u32::try_from(sizes.rows), u32::try_from(sizes.columns), u32::try_from(sizes.entries));
    let (Ok(rows), Ok(columns), Ok(_)) = shape else {
        return Err(lines.fault(LineFault::TooLarge));
    };
    let known = if lines.length().is_some() { sizes.entries } else { sizes.entries.min(BLIND_RESERVE) };
    let mut triplets = Triplets::default();
    memory::reserve(&mut triplets.rows, known as usize)?;
    memory::reserve(&mut triplets.columns, known as usize)?;
    memory::reserve(&mut triplets.values, known as usize)?;

    for given in 0..sizes.entries {
        if !lines.advance_to_content(false)? {
            return Err(lines.fault(LineFault::TooFew { expected: sizes.entries, given }));
        }
        let entry = entry(lines.text()?, header, rows, columns);
        let (row, column, value) = entry.map_err(|fault| lines.fault(fault))?;
        memory::push(&mut triplets.rows, row)?;
        memory::push(&mut triplets.columns, column)?;
        memory::push(&mut triplets.values, value)?;
    }
    if lines.advance_to_content(false)? {
        return Err(lines.fault(LineFault::TooMany { expected: sizes.entries }));
    }
    refuse_hollow(lines, sizes, lines.consumed())?;
    let symmetric = header.symmetry == Symmetry::Symmetric;
    match assemble(rows as usize, columns as usize, triplets, symmetric)? {
        Some(matrix) => Ok(matrix),
        None => Err(lines.fault_on(sizes.line, LineFault::TooLarge)),
    }
}

#[inline]
pub(super) fn entry(
    text: &[u8],
    header: Header,
    rows: u32,
    columns: u32,
) -> Result<(u32, u32, f64), LineFault> {
    let (row, column, number) = if header.field == Field::Pattern {
        let [row, column] = Words(text).exactly("two words (row, column)")?;
        (row, column, None)
    } else {
        let [row, column, number] = Words(text).exactly("three words (row, column, value)")?;
        (row, column, Some(number))
    };
    let row = index(row, "row", rows)?;
    let column = index(column, "column", columns)?;
    if header.symmetry == Symmetry::Symmetric && column > row {
        return Err(LineFault::AboveDiagonal { row: u64::from(row) + 1, column: u64::from(column) + 1 });
    }
    let number = match number {
        Some(word) => value(word, header.field)?,
        None => 1.0,
    };
    Ok((row, column, number))
}
