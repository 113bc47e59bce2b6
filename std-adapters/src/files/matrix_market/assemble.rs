//! From entries in any order to sorted rows.

use std::mem::take;

use crate::files::{FileError, SparseMatrix, memory};

/// Entries in the order of the file, indices counted from zero.
#[derive(Default)]
pub(super) struct Triplets {
    pub(super) rows: Vec<u32>,
    pub(super) columns: Vec<u32>,
    pub(super) values: Vec<f64>,
}

/// Sorts entries into rows, mirrors those of a symmetric matrix, and sums what shares a place in the order
/// of the file, so that mirror images have the same bits. `None`: more entries than `u32` counts.
///
/// Cost: two passes over the entries, and a sort of each row that is not in order already. The rows of a
/// file in the usual order of columns are.
pub(super) fn assemble(
    rows: usize,
    columns: usize,
    triplets: Triplets,
    symmetric: bool,
) -> Result<Option<SparseMatrix>, FileError> {
    let places = || triplets.rows.iter().copied().zip(triplets.columns.iter().copied());
    let mirrored = if symmetric { places().filter(|(row, column)| row != column).count() } else { 0 };
    let entries = triplets.values.len() + mirrored;
    if u32::try_from(entries).is_err() {
        return Ok(None);
    }

    // Counts, one place late, so that their running sum is where each row begins.
    let mut offsets = memory::filled(0_u32, rows + 1)?;
    for (row, column) in places() {
        offsets[row as usize + 1] += 1;
        if symmetric && row != column {
            offsets[column as usize + 1] += 1;
        }
    }
    let mut sum = 0;
    for offset in &mut offsets {
        sum += *offset;
        *offset = sum;
    }

    let mut matrix = SparseMatrix {
        rows,
        columns,
        row_offsets: offsets,
        column_indices: memory::filled(0, entries)?,
        values: memory::filled(0.0, entries)?,
    };
    for ((row, column), &value) in places().zip(&triplets.values) {
        place(&mut matrix, row, column, value);
        if symmetric && row != column {
            place(&mut matrix, column, row, value);
        }
    }
    drop(triplets);
    // Each offset now is where its row ends, which is where the next one begins.
    matrix.row_offsets.rotate_right(1);
    matrix.row_offsets[0] = 0;
    merge(&mut matrix)?;
    Ok(Some(matrix))
}

fn place(matrix: &mut SparseMatrix, row: u32, column: u32, value: f64) {
    let next = &mut matrix.row_offsets[row as usize];
    matrix.column_indices[*next as usize] = column;
    matrix.values[*next as usize] = value;
    *next += 1;
}

/// Sorts each row by column and sums equal columns, moving the rows together.
fn merge(matrix: &mut SparseMatrix) -> Result<(), FileError> {
    let SparseMatrix { row_offsets, column_indices, values, .. } = matrix;
    let mut scratch = Vec::new();
    let (mut start, mut kept) = (0, 0);
    for row in 0..matrix.rows {
        let end = row_offsets[row + 1] as usize;
        row_offsets[row] = kept as u32;
        if !column_indices[start..end].is_sorted() {
            sort(&mut column_indices[start..end], &mut values[start..end], &mut scratch)?;
        }
        let first = kept;
        for entry in start..end {
            let (column, value) = (column_indices[entry], values[entry]);
            if kept > first && column_indices[kept - 1] == column {
                values[kept - 1] += value;
                if !values[kept - 1].is_finite() {
                    return Err(FileError::Sum {
                        path: None,
                        row: row as u64 + 1,
                        column: u64::from(column) + 1,
                    });
                }
            } else {
                column_indices[kept] = column;
                values[kept] = value;
                kept += 1;
            }
        }
        start = end;
    }
    row_offsets[matrix.rows] = kept as u32;
    column_indices.truncate(kept);
    values.truncate(kept);
    Ok(())
}

/// Sorts one row by column; the position decides between equals, so that sums do not depend on the sort.
fn sort(
    columns: &mut [u32],
    values: &mut [f64],
    scratch: &mut Vec<(u32, u32, f64)>,
) -> Result<(), FileError> {
    let mut row = take(scratch);
    row.clear();
    memory::reserve(&mut row, columns.len())?;
    row.extend(columns.iter().zip(values.iter()).zip(0..).map(|((&column, &value), at)| (column, at, value)));
    row.sort_unstable_by_key(|&(column, at, _)| (column, at));
    for ((column, value), entry) in columns.iter_mut().zip(values).zip(&row) {
        (*column, *value) = (entry.0, entry.2);
    }
    *scratch = row;
    Ok(())
}
