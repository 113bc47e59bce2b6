//! Files that are read, and vectors that are written, by all ranks together, none of which holds the whole.
//!
//! Of a sparse Matrix Market file every rank reads an equal share of the bytes, in lines, and sends each entry to the rank
//! that has its row. Entries for one place are summed in the order of the file, so the rows are those that
//! [`matrix_market::read`](crate::files::matrix_market::read) finds, bit for bit. Of a NumPy array every rank reads the items of
//! its own. All machines must see the same files.

use std::path::Path;

use super::communicator::exchange_all;
use super::{Communicator, Fault, Partition, agree};
use crate::files::matrix_market::piece::{Opening, Piece, at_line, rows_of};
use crate::files::{FileError, LineFault, SparseMatrix, npy};

/// This rank's rows of a sparse Matrix Market file, and who has which. Made by all ranks together.
///
/// Cost: a rank reads its share of the bytes, and sends and receives its share of the entries, 24 bytes each (twice what is
/// not on the diagonal of a symmetric file); four reductions and three gathers.
///
/// # Errors
/// [`Fault::Refused`] for what [`matrix_market::read`](crate::files::matrix_market::read) refuses, with the same line numbers, for
/// `array` files, and where a rank does not see the file that the others see; [`Fault::Ranks`]; those of the communicator.
pub fn matrix_market(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
) -> Result<(SparseMatrix, Partition), Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let opening = agree(communicator, Opening::read(path))?;
    let (rows, columns) = opening.shape();
    let seen = [rows as f64, columns as f64, opening.promised() as f64, opening.part(0, 1).end as f64];
    let mut all = vec![0.0; 4 * size];
    communicator.gather(&seen, &vec![4; size], &mut all)?;
    let other = format!("{}: this is not the file that rank 0 sees; all must see one", path.display());
    agree(communicator, if all[..4] == seen { Ok(()) } else { Err(other) })?;
    let piece = agree(communicator, opening.piece(path, opening.part(rank, size)))?;
    agree_on_lines(communicator, path, &opening, &piece)?;
    let partition = Partition::of_rows(rows, size)?;

    let mut sent: Vec<Vec<f64>> = vec![Vec::new(); size];
    for (row, column, value) in piece.entries {
        sent[partition.owner(row as usize)].extend([f64::from(row), f64::from(column), value]);
    }
    let lengths: Vec<f64> = sent.iter().map(|numbers| numbers.len() as f64).collect();
    let mut all = vec![0.0; size * size];
    communicator.gather(&lengths, &vec![size; size], &mut all)?;
    let mut given: Vec<Vec<f64>> =
        (0..size).map(|other| vec![0.0; all[other * size + rank] as usize]).collect();
    given[rank] = std::mem::take(&mut sent[rank]);
    exchange_all(communicator, &sent, &mut given)?;
    // The ranks' shares follow one another in the file.
    let entries = given
        .iter()
        .flat_map(|numbers| numbers.chunks_exact(3))
        .map(|entry| (entry[0] as u32, entry[1] as u32, entry[2]));
    let matrix = agree(communicator, rows_of(&partition.items_of(rank), columns, entries))?;
    Ok((matrix, partition))
}

/// Refuses a bad line by its number in the file, and entries too many or too few.
fn agree_on_lines(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    opening: &Opening,
    piece: &Piece,
) -> Result<(), Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let mut all = vec![0.0; 2 * size];
    communicator.gather(&[piece.lines as f64, piece.stored as f64], &vec![2; size], &mut all)?;
    let sum = |ranks: usize, at: usize| all.chunks_exact(2).take(ranks).map(|n| n[at]).sum::<f64>() as u64;
    let line = opening.lines() + sum(rank, 0) + piece.lines;
    let (given, expected) = (sum(size, 1), opening.promised());
    let before = sum(rank, 1);
    let fault = match &piece.fault {
        Some(fault) => Some((line, fault.clone())),
        // Whoever reads the first entry beyond the promised says so; it may be any of its lines.
        None if before <= expected && before + piece.stored > expected => {
            Some((line, LineFault::TooMany { expected }))
        }
        None if rank + 1 == size && given < expected => {
            Some((opening.lines() + sum(size, 0), LineFault::TooFew { expected, given }))
        }
        None => None,
    };
    let result = fault.map_or(Ok(()), |(line, fault)| Err(at_line(path, line, fault)));
    agree(communicator, result)
}

/// This rank's items of a NumPy array: elements of a vector, rows of a matrix in C order; how long an item is, and who has
/// which. Made by all ranks together.
///
/// Cost: a rank reads its own items; one reduction.
///
/// # Errors
/// [`Fault::Refused`] for what [`npy::read_rows`] refuses; [`Fault::Ranks`]; those of the communicator.
pub fn npy(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
) -> Result<(Vec<f64>, usize, Partition), Fault> {
    let size = communicator.size();
    npy_by(communicator, path, |items| Partition::new(items, size))
}

/// The same, divided as `by` says of the number of items.
///
/// # Errors
/// As [`npy()`].
pub fn npy_by(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    by: impl FnOnce(usize) -> Result<Partition, Fault>,
) -> Result<(Vec<f64>, usize, Partition), Fault> {
    let rank = communicator.rank();
    let mut divided = Ok(None);
    let read = npy::read_rows(path, |items| {
        divided = by(items).map(Some);
        match &divided {
            Ok(Some(partition)) => partition.items_of(rank),
            _ => 0..0,
        }
    });
    let (values, width) = agree(communicator, read)?;
    divided_as(communicator, divided).map(|partition| (values, width, partition))
}

/// The partition, which was asked for where the file could be read.
fn divided_as(
    communicator: &(impl Communicator + ?Sized),
    divided: Result<Option<Partition>, Fault>,
) -> Result<Partition, Fault> {
    match divided? {
        Some(partition) => Ok(partition),
        None => agree(communicator, Err(FileError::from(southwell::Error::TooLarge { argument: "array" }))),
    }
}

/// This rank's items of an array in a NumPy archive, items being what the first axis counts, divided as `by` says; the shape of
/// the whole, and who has which. `None` if there is no array of this name. Made by all ranks together.
///
/// Cost: a rank reads its own items; three reductions.
///
/// # Errors
/// [`Fault::Refused`] for what [`Archive::part`](crate::files::archive::Archive::part) refuses; those of `by` and of the
/// communicator.
#[cfg(feature = "npz")]
pub fn npz_by(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    name: &str,
    by: impl FnOnce(usize) -> Result<Partition, Fault>,
) -> Result<Option<(crate::files::archive::Array, Partition)>, Fault> {
    let rank = communicator.rank();
    let mut divided = Ok(None);
    let read = crate::files::archive::Archive::open(path).and_then(|mut archive| {
        archive.part(name, |shape| {
            let items = shape.first().copied().unwrap_or(0);
            let width = shape.iter().skip(1).fold(1, |width: usize, &axis| width.saturating_mul(axis));
            divided = by(items).map(Some);
            match &divided {
                Ok(Some(partition)) => {
                    let own = partition.items_of(rank);
                    own.start.saturating_mul(width)..own.end.saturating_mul(width)
                }
                _ => 0..0,
            }
        })
    });
    let Some(array) = agree(communicator, read)? else { return Ok(None) };
    let partition = divided_as(communicator, divided)?;
    Ok(Some((array, partition)))
}

/// Writes a matrix by rows, each rank those of its own in turn, `row` giving the k-th of them. Made by all ranks together; cost:
/// a reduction a rank.
///
/// # Errors
/// As [`write_npy`].
pub fn write_npy_rows(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    partition: &Partition,
    columns: usize,
    mut row: impl FnMut(usize, &mut [f64]),
) -> Result<(), Fault> {
    let own = partition.items_of(communicator.rank()).len();
    // Some rows at a time: a file is not opened for each.
    let (together, mut values) = ((1 << 16) / columns.max(1) + 1, Vec::new());
    for rank in 0..communicator.size() {
        let mut write = || {
            if rank != communicator.rank() {
                return Ok(());
            }
            if rank == 0 {
                npy::begin_matrix(path, partition.items(), columns)?;
            }
            for first in (0..own).step_by(together) {
                let count = together.min(own - first);
                values.resize(count * columns, 0.0);
                values.chunks_exact_mut(columns.max(1)).enumerate().for_each(|(k, to)| row(first + k, to));
                npy::append(path, &values)?;
            }
            Ok::<_, FileError>(())
        };
        agree(communicator, write())?;
    }
    Ok(())
}

/// Writes a vector, each rank its own items in turn, as a NumPy file. Made by all ranks together; cost: a reduction a rank.
///
/// # Errors
/// [`Fault::Refused`] if a rank cannot write; those of the communicator.
pub fn write_npy(
    communicator: &(impl Communicator + ?Sized),
    path: &Path,
    partition: &Partition,
    own: &[f64],
) -> Result<(), Fault> {
    for rank in 0..communicator.size() {
        let written = if rank != communicator.rank() {
            Ok(())
        } else if rank == 0 {
            npy::begin_vector(path, partition.items(), own)
        } else {
            npy::append(path, own)
        };
        agree(communicator, written)?;
    }
    Ok(())
}
