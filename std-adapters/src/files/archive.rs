//! NumPy archives of arrays with any number of axes: what `numpy.savez` writes.
//!
//! [`npz`](super::npz) reads vectors whose names are known; here an archive is asked what it holds. The same
//! rules hold: no compression, no element that is not finite, memory as the file is long.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::ops::Range;
use std::path::Path;

use zip::CompressionMethod;
use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::npz::{COMPRESSED, failure, find, other};
use super::{FileError, npy};

/// An array: its shape, and its elements with the last axis running fastest.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Lengths of the axes.
    pub shape: Vec<usize>,
    /// As many elements as the lengths' product.
    pub values: Vec<f64>,
}

/// An archive that is open for reading.
#[derive(Debug)]
pub struct Archive {
    archive: ZipArchive<BufReader<File>>,
    path: std::path::PathBuf,
}

impl Archive {
    /// Opens an archive.
    ///
    /// # Errors
    /// [`FileError::Io`], also for what is no archive.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, FileError> {
        let path = path.as_ref().to_path_buf();
        let open = || -> Result<_, FileError> {
            Ok(ZipArchive::new(BufReader::new(File::open(&path)?)).map_err(failure)?)
        };
        let archive = open().map_err(|error| error.at(&path))?;
        Ok(Self { archive, path })
    }

    /// The names of its arrays.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let names = self.archive.file_names().filter_map(Result::ok);
        names.filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned())).collect()
    }

    /// The array of this name; `None` if there is none.
    ///
    /// # Errors
    /// [`FileError::Io`] for a compressed archive; [`FileError::Npy`] for an element that is NaN or
    /// infinite, and for what [`npy`] lists besides; arrays of three axes and more must be in C order.
    pub fn array(&mut self, name: &str) -> Result<Option<Array>, FileError> {
        let Self { archive, path } = self;
        read(archive, name).map_err(|error| error.at(path))
    }
}

impl Archive {
    /// Some elements of the array of this name, in C order, and the whole's shape; `None` if there is none. `range` is told
    /// the shape and answers with what is wanted; nothing else of the array is read, so that no checksum is looked at.
    ///
    /// # Errors
    /// As [`array`](Archive::array); [`FileError::Io`] for a range that does not exist and for Fortran order.
    pub fn part(
        &mut self,
        name: &str,
        range: impl FnOnce(&[usize]) -> Range<usize>,
    ) -> Result<Option<Array>, FileError> {
        let path = self.path.clone();
        self.read_part(name, range).map_err(|error| error.at(&path))
    }

    fn read_part(
        &mut self,
        name: &str,
        range: impl FnOnce(&[usize]) -> Range<usize>,
    ) -> Result<Option<Array>, FileError> {
        let member = match self.archive.by_name(&format!("{name}.npy")) {
            Ok(member) if member.compression() == CompressionMethod::Stored => member,
            Ok(_) | Err(ZipError::UnsupportedArchive(_)) => return Err(other(COMPRESSED.to_owned()).into()),
            Err(ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(failure(error).into()),
        };
        let begin = member.data_start().ok_or_else(|| other(format!("`{name}` has no beginning")))?;
        let length = member.size();
        drop(member);
        let (shape, values) =
            npy::some_elements(File::open(&self.path)?, begin, length, |shape, fortran| {
                if fortran && shape.iter().filter(|&&axis| axis > 1).count() > 1 {
                    return Err(other(format!("`{name}` is in Fortran order; save it in C order")).into());
                }
                Ok(range(shape))
            })?;
        Ok(Some(Array { shape, values }))
    }
}

fn read(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Option<Array>, FileError> {
    let Some(bytes) = find(archive, name)? else { return Ok(None) };
    let (shape, values) = npy::parse_array(&bytes)?;
    Ok(Some(Array { shape, values }))
}

/// Writes arrays by name, in C order.
///
/// # Errors
/// [`FileError::Io`].
///
/// # Panics
/// If an array has not as many elements as its shape says.
pub fn write(path: impl AsRef<Path>, arrays: &[(&str, &[usize], &[f64])]) -> Result<(), FileError> {
    let path = path.as_ref();
    let written = || -> Result<(), FileError> {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, shape, values) in arrays {
            assert_eq!(shape.iter().product::<usize>(), values.len(), "`{name}` has another shape");
            // Beyond four gigabytes a member must say so before it begins.
            let large = values.len() >= 1 << 28;
            archive.start_file(format!("{name}.npy"), options.large_file(large)).map_err(failure)?;
            let lengths: String = shape.iter().map(|length| format!("{length},")).collect();
            npy::write_to(&mut archive, &format!("({lengths})"), values)?;
        }
        Ok(archive.finish().map_err(failure)?.flush()?)
    };
    written().map_err(|error| error.at(path))
}
