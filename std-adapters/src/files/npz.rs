//! NumPy archives (`.npz`): vectors and matrices by name, as `numpy.savez` writes them.
//!
//! The archive is a zip file without compression, one `.npy` file a name. Compressed archives
//! (`numpy.savez_compressed`) are refused: what an archive unfolds to would follow what it claims, not what
//! it holds.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use zip::CompressionMethod;
use zip::read::ZipArchive;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::{DenseMatrix, FileError, npy};

/// Writes vectors by name. Any bits are written, NaN too.
///
/// # Errors
/// [`FileError::Io`].
pub fn write(path: impl AsRef<Path>, vectors: &[(&str, &[f64])]) -> Result<(), FileError> {
    let path = path.as_ref();
    let written = || -> Result<(), FileError> {
        let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, values) in vectors {
            // Beyond four gigabytes a member must say so before it begins.
            let large = values.len() >= 1 << 28;
            archive.start_file(format!("{name}.npy"), options.large_file(large)).map_err(failure)?;
            npy::write_to(&mut archive, &format!("({},)", values.len()), values)?;
        }
        Ok(archive.finish().map_err(failure)?.flush()?)
    };
    written().map_err(|error| error.at(path))
}

/// Reads the vectors of these names.
///
/// # Errors
/// [`FileError::Io`] for what is no such archive or lacks a name; what [`npy::read_vector`] refuses.
pub fn read<const N: usize>(path: impl AsRef<Path>, names: [&str; N]) -> Result<[Vec<f64>; N], FileError> {
    read_by(path.as_ref(), names, npy::parse_vector)
}

/// Reads potentials of these names, as [`read`] does: −∞, the potential of a line without mass, is one; NaN and +∞
/// are not.
///
/// # Errors
/// As [`read`].
pub fn read_potentials<const N: usize>(
    path: impl AsRef<Path>,
    names: [&str; N],
) -> Result<[Vec<f64>; N], FileError> {
    read_by(path.as_ref(), names, npy::parse_potentials)
}

type Parse = fn(&[u8]) -> Result<Vec<f64>, FileError>;

fn read_by<const N: usize>(path: &Path, names: [&str; N], parse: Parse) -> Result<[Vec<f64>; N], FileError> {
    let read = || -> Result<Vec<Vec<f64>>, FileError> {
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(failure)?;
        names.iter().map(|name| parse(&member(&mut archive, name)?)).collect()
    };
    let vectors = read().map_err(|error| error.at(path))?;
    let mut vectors = vectors.into_iter();
    Ok(std::array::from_fn(|_| vectors.next().unwrap_or_default()))
}

/// Reads the matrix of a name.
///
/// # Errors
/// As [`read`], and what [`npy::read_matrix`] refuses.
pub fn read_matrix(path: impl AsRef<Path>, name: &str) -> Result<DenseMatrix, FileError> {
    let path = path.as_ref();
    let read = || -> Result<DenseMatrix, FileError> {
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(failure)?;
        npy::parse_matrix(&member(&mut archive, name)?)
    };
    read().map_err(|error| error.at(path))
}

/// Reads a matrix and a vector of these names.
///
/// # Errors
/// As [`read`], and what [`npy::read_matrix`] refuses.
pub fn read_system(
    path: impl AsRef<Path>,
    matrix: &str,
    vector: &str,
) -> Result<(DenseMatrix, Vec<f64>), FileError> {
    let path = path.as_ref();
    let read = || -> Result<_, FileError> {
        let mut archive = ZipArchive::new(BufReader::new(File::open(path)?)).map_err(failure)?;
        let matrix = npy::parse_matrix(&member(&mut archive, matrix)?)?;
        Ok((matrix, npy::parse_vector(&member(&mut archive, vector)?)?))
    };
    read().map_err(|error| error.at(path))
}

/// The bytes of an array.
fn member(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Vec<u8>, FileError> {
    let member = archive.by_name(&format!("{name}.npy")).map_err(|error| match error {
        ZipError::FileNotFound => other(format!("the archive holds no array `{name}`")),
        ZipError::UnsupportedArchive(_) => {
            other("the archive is compressed; write it with numpy.savez".to_owned())
        }
        error => failure(error),
    })?;
    if member.compression() != CompressionMethod::Stored {
        return Err(other("the archive is compressed; write it with numpy.savez".to_owned()).into());
    }
    // Nothing is reserved: the bytes come as the file holds them.
    let (mut bytes, size) = (Vec::new(), member.size());
    member.take(size).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(super) fn other(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub(super) fn failure(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        error => other(error.to_string()),
    }
}
