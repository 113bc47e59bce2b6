//! The file: what it holds, whether it is still the same, and any of its rows.

use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::Fault;
use super::element::{Element, as_stored};
use crate::files::npy::{self, Header};
use crate::files::{FileError, NpyFault};

/// Bytes that are turned into numbers at a time; a multiple of every element's size.
const PIECE: usize = 1 << 16;

/// An open file of rows that lie one after the other.
#[derive(Debug)]
pub(super) struct Source {
    file: File,
    header: Header,
    path: PathBuf,
    rows: usize,
    columns: usize,
    length: u64,
    modified: Option<SystemTime>,
}

/// Which rows lie together in a file of two axes and more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Those of the first axis (C order).
    Rows,
    /// Those of the last of two axes (Fortran order): the file's columns are the rows here.
    Columns,
}

impl Source {
    /// Opens a file and looks at its header.
    pub(super) fn open(path: &Path, order: Order) -> Result<Self, FileError> {
        let (file, header) = npy::open_elements(path)?;
        let metadata = file.metadata().map_err(|error| FileError::from(error).at(path))?;
        let at = |fault: NpyFault| FileError::from(fault).at(path);
        let shape = &header.shape;
        let (first, rest) = match &shape[..] {
            [first, rest @ ..] if !rest.is_empty() => (*first, rest),
            _ => return Err(at(NpyFault::Axes { given: shape.len(), expected: "two" })),
        };
        let other = rest.iter().try_fold(1_usize, |product, &axis| product.checked_mul(axis));
        let other = other.ok_or_else(|| at(NpyFault::TooLarge))?;
        // Of one row or one column both orders are the same.
        let either = rest.len() == 1 && (first <= 1 || other <= 1);
        let found = if header.fortran { Order::Columns } else { Order::Rows };
        if !either && (found != order || (found == Order::Columns && rest.len() > 1)) {
            let expected = if order == Order::Rows { "C" } else { "Fortran" };
            return Err(at(NpyFault::Order { expected }));
        }
        let (rows, columns) = if order == Order::Rows { (first, other) } else { (other, first) };
        let (length, modified) = stamp(&metadata);
        Ok(Self { file, header, path: path.to_owned(), rows, columns, length, modified })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Rows, and elements of each.
    pub(super) fn shape(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }

    /// The lengths of the file's axes.
    pub(super) fn axes(&self) -> &[usize] {
        &self.header.shape
    }

    /// Bytes of a row in the file.
    pub(super) fn row_bytes(&self) -> usize {
        self.columns.saturating_mul(self.header.size)
    }

    /// Whether the file is still the one that was opened.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let metadata = self.file.metadata().map_err(|error| Fault::read(&self.path, &error))?;
        if stamp(&metadata) == (self.length, self.modified) {
            Ok(())
        } else {
            Err(Fault::Changed { path: self.path.clone() })
        }
    }

    /// Reads `count` rows from `first` on; those must exist.
    pub(super) fn read<T: Element>(&self, first: usize, count: usize, out: &mut Vec<T>) -> Result<(), Fault> {
        let row = self.row_bytes() as u64;
        let offset = self.header.length as u64 + first as u64 * row;
        out.resize(count * self.columns, T::ZERO);
        let read = if as_stored::<T>(&self.header) {
            read_exact_at(&self.file, T::bytes_mut(out), offset)
        } else {
            self.read_turned(out, offset)
        };
        read.map_err(|error| Fault::read(&self.path, &error))
    }

    fn read_turned<T: Element>(&self, out: &mut [T], mut offset: u64) -> io::Result<()> {
        let mut bytes = [0_u8; PIECE];
        for values in out.chunks_mut(PIECE / self.header.size) {
            let bytes = &mut bytes[..values.len() * self.header.size];
            read_exact_at(&self.file, bytes, offset)?;
            offset += bytes.len() as u64;
            for (value, element) in values.iter_mut().zip(bytes.chunks_exact(self.header.size)) {
                *value = T::from_f64(self.header.decode(element));
            }
        }
        Ok(())
    }
}

/// What tells that a file was written to.
fn stamp(metadata: &Metadata) -> (u64, Option<SystemTime>) {
    (metadata.len(), metadata.modified().ok())
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> io::Result<()> {
    use std::os::windows::fs::FileExt;
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
