//! A part of the bytes of a sparse file, for readers none of whom reads the whole.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::assemble::{Triplets, assemble};
use super::coordinate::entry;
use super::header::{Header, Layout, Sizes, Symmetry, banner, sizes};
use super::lines::{Lines, MAX_LINE};
use crate::files::{FileError, LineFault, SparseMatrix, memory};

/// What the beginning of a file says.
#[derive(Clone, Copy)]
pub(crate) struct Opening {
    header: Header,
    sizes: Sizes,
    /// Bytes before the first entry, and of the file.
    data: u64,
    length: u64,
}

/// The entries of the lines that begin in a part of a file.
#[derive(Default)]
pub(crate) struct Piece {
    /// (row, column, value), counted from zero, mirror images included.
    pub(crate) entries: Vec<(u32, u32, f64)>,
    /// Lines that begin in the part, blank ones too, up to a fault.
    pub(crate) lines: u64,
    /// Entries that the lines hold, without mirror images.
    pub(crate) stored: u64,
    /// What is wrong with the last of the lines.
    pub(crate) fault: Option<LineFault>,
}

impl Opening {
    /// Reads the banner and the sizes of a regular file.
    pub(crate) fn read(path: &Path) -> Result<Self, FileError> {
        let open = || {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            let mut lines = Lines::new(BufReader::new(file), Some(length));
            let header = banner(&mut lines)?;
            if header.layout == Layout::Array {
                let reason = "ranks share sparse files only; write `coordinate`";
                return Err(lines.fault(LineFault::Refused { word: "array", reason }));
            }
            let sizes = sizes(&mut lines, header)?;
            let shape = (u32::try_from(sizes.rows), u32::try_from(sizes.columns));
            let (Ok(_), Ok(_)) = shape else { return Err(lines.fault(LineFault::TooLarge)) };
            Ok(Self { header, sizes, data: lines.consumed(), length })
        };
        open().map_err(|error| error.at(path))
    }

    /// Rows and columns.
    pub(crate) fn shape(&self) -> (usize, usize) {
        (self.sizes.rows as usize, self.sizes.columns as usize)
    }

    /// Entries that the file promises.
    pub(crate) fn promised(&self) -> u64 {
        self.sizes.entries
    }

    /// Lines up to the sizes.
    pub(crate) fn lines(&self) -> u64 {
        self.sizes.line
    }

    /// The bytes of one of several parts.
    pub(crate) fn part(&self, part: usize, parts: usize) -> Range<u64> {
        let bytes = u128::from(self.length.saturating_sub(self.data));
        let bound = |part: usize| self.data + (bytes * part as u128 / parts.max(1) as u128) as u64;
        bound(part)..bound(part + 1)
    }

    /// Reads the lines that begin in a part.
    pub(crate) fn piece(&self, path: &Path, part: Range<u64>) -> Result<Piece, FileError> {
        self.lines_of(path, part).map_err(|error| error.at(path))
    }

    fn lines_of(&self, path: &Path, part: Range<u64>) -> Result<Piece, FileError> {
        let mut reader = BufReader::with_capacity(1 << 18, File::open(path)?);
        let mut from = part.start;
        if from > self.data {
            // A line begins where the one before ends: look for that from the byte before.
            reader.seek(SeekFrom::Start(from - 1))?;
            from = from - 1 + reader.skip_until(b'\n')? as u64;
        } else {
            reader.seek(SeekFrom::Start(from))?;
        }
        let (rows, columns) = (self.sizes.rows as u32, self.sizes.columns as u32);
        let symmetric = self.header.symmetry == Symmetry::Symmetric;
        let mut lines = Lines::new(reader, None);
        let mut piece = Piece::default();
        while from + lines.consumed() < part.end && lines.advance()? {
            piece.lines = lines.number();
            let text = lines.text()?;
            let found = match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'%') => Err(LineFault::LateComment),
                _ if text.len() > MAX_LINE => Err(LineFault::LongLine),
                Some(_) => entry(text, self.header, rows, columns),
                None => continue,
            };
            match found {
                Ok((row, column, value)) => {
                    piece.stored += 1;
                    memory::push(&mut piece.entries, (row, column, value))?;
                    if symmetric && row != column {
                        memory::push(&mut piece.entries, (column, row, value))?;
                    }
                }
                Err(fault) => {
                    piece.fault = Some(fault);
                    break;
                }
            }
        }
        Ok(piece)
    }
}

/// Rows from entries in the order of the file, as the reader of a whole file makes them.
pub(crate) fn rows_of(
    own: &Range<usize>,
    columns: usize,
    entries: impl Iterator<Item = (u32, u32, f64)>,
) -> Result<SparseMatrix, FileError> {
    let mut triplets = Triplets::default();
    for (row, column, value) in entries {
        memory::push(&mut triplets.rows, row - own.start as u32)?;
        memory::push(&mut triplets.columns, column)?;
        memory::push(&mut triplets.values, value)?;
    }
    match assemble(own.len(), columns, triplets, false) {
        Ok(Some(matrix)) => Ok(matrix),
        Ok(None) => Err(southwell::Error::TooLarge { argument: "rows of a rank" }.into()),
        Err(FileError::Sum { path, row, column }) => {
            Err(FileError::Sum { path, row: row + own.start as u64, column })
        }
        Err(error) => Err(error),
    }
}

/// An error on a line of the whole file.
pub(crate) fn at_line(path: &Path, line: u64, fault: LineFault) -> FileError {
    FileError::Line { path: Some(path.to_owned()), line, fault }
}
