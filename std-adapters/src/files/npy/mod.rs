//! NumPy files (`.npy`), read and written.
//!
//! # What is read
//! Versions 1.0 to 3.0; elements `f8`, `f4`, `i1` … `i8`, `u1` … `u8` of either byte order, and `bool`
//! (0 and 1), all turned into `f64` (integers beyond 2⁵³ are rounded to the nearest); C and Fortran order.
//! A vector may have the shape `(n,)`, `(n, 1)` or `(1, n)`; a matrix has two axes.
//!
//! # What is refused
//! Other element types, other numbers of axes, elements that are NaN or infinite, a file that is shorter
//! than its header says, or longer.
//!
//! # Why the header is parsed here
//! The `npyz` crate, which the tests use as an oracle, reserves what the header claims (a single wrong
//! byte makes that 600 MB) and multiplies the shape out unchecked. A header that holds three known keys
//! needs no parser for Python expressions.
//!
//! The format: NumPy Enhancement Proposal 1 and the documentation of `numpy.lib.format`.

mod header;
mod write;

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

use super::{DenseMatrix, FileError, NpyFault, memory};
pub(crate) use header::{Header, Kind};
#[cfg(feature = "npz")]
pub(super) use write::write_to;
pub(crate) use write::{append, begin_matrix, begin_vector};
pub use write::{write_matrix, write_vector};

/// Reads a vector.
///
/// # Errors
/// [`FileError::NotAVector`] for a matrix with more than one row and column; [`FileError::Npy`] for what
/// the module's documentation lists, [`FileError::Io`], [`FileError::Memory`].
pub fn read_vector(path: impl AsRef<Path>) -> Result<Vec<f64>, FileError> {
    let path = path.as_ref();
    open(path).and_then(|(file, length)| vector(file, length)).map_err(|error| error.at(path))
}

/// Reads a matrix.
///
/// # Errors
/// As [`read_vector`]; an array of one axis is refused too, as it could be a row or a column.
pub fn read_matrix(path: impl AsRef<Path>) -> Result<DenseMatrix, FileError> {
    let path = path.as_ref();
    open(path).and_then(|(file, length)| matrix(file, length)).map_err(|error| error.at(path))
}

/// Reads some items of a file's array: elements of a vector, rows of a matrix; and how many elements an item has. `range`
/// is told how many items there are and answers with those that are wanted; nothing else of the file is read.
///
/// # Errors
/// As [`read_vector`]; [`NpyFault::Axes`] for more than two axes, [`FileError::Io`] for a matrix in Fortran order and
/// for a range that does not exist. An element that is not finite is refused where it was read.
pub fn read_rows(
    path: impl AsRef<Path>,
    range: impl FnOnce(usize) -> Range<usize>,
) -> Result<(Vec<f64>, usize), FileError> {
    let path = path.as_ref();
    let open = || {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let mut width = 0;
        let (_, values) = some_elements(file, 0, length, |shape, fortran| {
            let (items, of_each) = match *shape {
                [items] | [items, 1] | [1, items] => (items, 1),
                [_, _] if fortran => return Err(refused(FORTRAN)),
                [rows, columns] => (rows, columns),
                _ => return Err(NpyFault::Axes { given: shape.len(), expected: "one or two" }.into()),
            };
            width = of_each;
            let range = range(items);
            if range.start > range.end || range.end > items {
                return Err(refused("there are not so many items"));
            }
            let bound = |item: usize| item.checked_mul(width).ok_or(NpyFault::TooLarge);
            Ok(bound(range.start)?..bound(range.end)?)
        })?;
        Ok((values, width))
    };
    open().map_err(|error: FileError| error.at(path))
}

const FORTRAN: &str = "a matrix in Fortran order cannot be read by rows; save it in C order";

fn refused(why: &str) -> FileError {
    io::Error::new(io::ErrorKind::InvalidData, why).into()
}

/// Reads some elements of the array whose file begins at `base` and is `length` bytes long: its shape, and those. `range` is
/// told the shape and whether the first axis runs fastest.
pub(super) fn some_elements(
    mut file: File,
    base: u64,
    length: u64,
    range: impl FnOnce(&[usize], bool) -> Result<Range<usize>, FileError>,
) -> Result<(Vec<usize>, Vec<f64>), FileError> {
    file.seek(SeekFrom::Start(base))?;
    let header = header::read(&mut file)?;
    let range = range(&header.shape, header.fortran)?;
    let count = header.shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis));
    let bytes = count.and_then(|count| count.checked_mul(header.size));
    let (Some(count), Some(needed)) = (count, bytes.map(|bytes| bytes as u64)) else {
        return Err(NpyFault::TooLarge.into());
    };
    let given = length.saturating_sub(header.length as u64);
    if given < needed {
        return Err(NpyFault::Truncated { needed, given }.into());
    }
    if given > needed {
        return Err(NpyFault::Trailing.into());
    }
    if range.start > range.end || range.end > count {
        return Err(refused("there are not so many elements"));
    }
    file.seek(SeekFrom::Start(base + (header.length + range.start * header.size) as u64))?;
    let mut values = Vec::new();
    memory::reserve(&mut values, range.len())?;
    let mut reader = BufReader::new(file);
    let mut element = [0_u8; 8];
    for index in range {
        let piece = &mut element[..header.size];
        reader.read_exact(piece)?;
        let value = header.decode(piece);
        if !value.is_finite() {
            return Err(NpyFault::NotFinite { index: index as u64 }.into());
        }
        values.push(value);
    }
    Ok((header.shape, values))
}

/// Reads a vector from a file that is in memory already.
///
/// # Errors
/// As [`read_vector`].
pub fn parse_vector(bytes: &[u8]) -> Result<Vec<f64>, FileError> {
    vector(bytes, Some(bytes.len() as u64))
}

/// Reads a matrix from a file that is in memory already.
///
/// # Errors
/// As [`read_matrix`].
pub fn parse_matrix(bytes: &[u8]) -> Result<DenseMatrix, FileError> {
    matrix(bytes, Some(bytes.len() as u64))
}

/// Reads a vector of potentials, in which −∞ is a number like any other.
#[cfg(feature = "npz")]
pub(super) fn parse_potentials(bytes: &[u8]) -> Result<Vec<f64>, FileError> {
    vector_of(bytes, Some(bytes.len() as u64), |value| value.is_finite() || value == f64::NEG_INFINITY)
}

/// Reads an array of any number of axes from a file that is in memory already: its shape, and its elements with
/// the last axis running fastest.
#[cfg(feature = "npz")]
pub(super) fn parse_array(mut bytes: &[u8]) -> Result<(Vec<usize>, Vec<f64>), FileError> {
    let length = Some(bytes.len() as u64);
    let header = header::read(&mut bytes)?;
    let mut values = elements(bytes, &header, length, f64::is_finite)?;
    let one_order = header.shape.iter().filter(|&&axis| axis != 1).count() < 2;
    if header.fortran && !one_order {
        let [rows, columns] = header.shape[..] else {
            let given = header.shape.len();
            return Err(NpyFault::Axes { given, expected: "two, in Fortran order" }.into());
        };
        values = DenseMatrix::from_columns(rows, columns, values)?.values;
    }
    Ok((header.shape, values))
}

/// Opens a file to read its elements by position: it holds as many of them as its header says, and nothing more.
/// None of them has been looked at.
pub(crate) fn open_elements(path: &Path) -> Result<(File, Header), FileError> {
    let opened = || -> Result<_, FileError> {
        let (mut file, length) = open(path)?;
        let Some(length) = length else {
            let text = "this is no regular file; elements are read by position";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text).into());
        };
        let header = header::read(&mut file)?;
        let count = header.shape.iter().try_fold(1_u64, |count, &axis| count.checked_mul(axis as u64));
        let needed =
            count.and_then(|count| count.checked_mul(header.size as u64)).ok_or(NpyFault::TooLarge)?;
        let given = length.saturating_sub(header.length as u64);
        match needed.cmp(&given) {
            std::cmp::Ordering::Greater => Err(NpyFault::Truncated { needed, given }.into()),
            std::cmp::Ordering::Less => Err(NpyFault::Trailing.into()),
            std::cmp::Ordering::Equal => Ok((file, header)),
        }
    };
    opened().map_err(|error| error.at(path))
}

fn open(path: &Path) -> Result<(File, Option<u64>), FileError> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    // A pipe reports length zero; only a regular file's length says anything.
    let length = metadata.is_file().then_some(metadata.len());
    Ok((file, length))
}

fn vector(reader: impl Read, length: Option<u64>) -> Result<Vec<f64>, FileError> {
    vector_of(reader, length, f64::is_finite)
}

/// A vector of numbers that are allowed.
fn vector_of(
    mut reader: impl Read,
    length: Option<u64>,
    allowed: fn(f64) -> bool,
) -> Result<Vec<f64>, FileError> {
    let header = header::read(&mut reader)?;
    match header.shape[..] {
        [_] | [_, 1] | [1, _] => elements(reader, &header, length, allowed),
        [rows, columns] => Err(FileError::NotAVector { path: None, rows, columns }),
        ref shape => Err(NpyFault::Axes { given: shape.len(), expected: "one" }.into()),
    }
}

fn matrix(mut reader: impl Read, length: Option<u64>) -> Result<DenseMatrix, FileError> {
    let header = header::read(&mut reader)?;
    let [rows, columns] = header.shape[..] else {
        return Err(NpyFault::Axes { given: header.shape.len(), expected: "two" }.into());
    };
    let values = elements(reader, &header, length, f64::is_finite)?;
    if header.fortran {
        DenseMatrix::from_columns(rows, columns, values)
    } else {
        Ok(DenseMatrix { rows, columns, values })
    }
}

/// The elements in the order of the file.
fn elements(
    mut reader: impl Read,
    header: &Header,
    length: Option<u64>,
    allowed: fn(f64) -> bool,
) -> Result<Vec<f64>, FileError> {
    let size = header.size;
    let count = header.shape.iter().try_fold(1_usize, |count, &axis| count.checked_mul(axis));
    let bytes = count.and_then(|count| count.checked_mul(size));
    let (Some(count), Some(bytes)) = (count, bytes) else {
        return Err(NpyFault::TooLarge.into());
    };
    let needed = bytes as u64;
    let mut values = Vec::new();
    if let Some(length) = length {
        let given = length.saturating_sub(header.length as u64);
        if needed > given {
            return Err(NpyFault::Truncated { needed, given }.into());
        }
        memory::reserve(&mut values, count)?;
    }
    // A multiple of every element size.
    let mut buffer = [0_u8; 1 << 13];
    let mut missing = bytes;
    while missing > 0 {
        let piece = &mut buffer[..missing.min(1 << 13)];
        let given = fill(&mut reader, piece)?;
        if given < piece.len() {
            return Err(NpyFault::Truncated { needed, given: (bytes - missing + given) as u64 }.into());
        }
        for element in piece.chunks_exact(size) {
            let value = header.decode(element);
            if !allowed(value) {
                return Err(NpyFault::NotFinite { index: values.len() as u64 }.into());
            }
            memory::push(&mut values, value)?;
        }
        missing -= given;
    }
    if fill(&mut reader, &mut buffer[..1])? > 0 {
        return Err(NpyFault::Trailing.into());
    }
    Ok(values)
}

/// Reads until the buffer is full or the file ends, and says how much came.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> Result<usize, FileError> {
    let mut given = 0;
    while given < buffer.len() {
        match reader.read(&mut buffer[given..]) {
            Ok(0) => break,
            Ok(more) => given += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(given)
}

impl Header {
    /// One element as a 64-bit float. A piece of the wrong length, which `elements` never hands over,
    /// decodes as if filled up with zeros.
    #[inline]
    pub(crate) fn decode(&self, element: &[u8]) -> f64 {
        // Little end first, whatever the file has.
        let mut bytes = [0_u8; 8];
        for (byte, &given) in bytes.iter_mut().zip(element) {
            *byte = given;
        }
        if self.big_endian {
            bytes[..self.size].reverse();
        }
        let bits = u64::from_le_bytes(bytes);
        match self.kind {
            Kind::Float if self.size == 4 => f64::from(f32::from_bits(bits as u32)),
            Kind::Float => f64::from_bits(bits),
            Kind::Unsigned => bits as f64,
            Kind::Signed => {
                // Brings the sign bit to the top and spreads it back down.
                let shift = 64 - 8 * self.size as u32;
                (((bits << shift) as i64) >> shift) as f64
            }
            Kind::Bool => f64::from(u8::from(bits != 0)),
        }
    }
}
