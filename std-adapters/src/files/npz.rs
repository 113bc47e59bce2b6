//! NumPy archives (`.npz`): vectors and matrices by name, as `numpy.savez` writes them.
//!
//! The archive is a zip file without compression, one `.npy` file a name. Compressed archives
//! (`numpy.savez_compressed`) are refused: what an archive unfolds to would follow what it claims, not what
//! it holds.

use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use zip::CompressionMethod;
use zip::read::ZipArchive;
use zip::result::ZipError;

use super::{DenseMatrix, FileError, archive, npy};

/// Writes vectors by name. Any bits are written, NaN too.
///
/// # Errors
/// [`FileError::Io`].
pub fn write(path: impl AsRef<Path>, vectors: &[(&str, &[f64])]) -> Result<(), FileError> {
    let shapes: Vec<[usize; 1]> = vectors.iter().map(|(_, values)| [values.len()]).collect();
    let arrays: Vec<_> =
        vectors.iter().zip(&shapes).map(|(&(name, values), shape)| (name, &shape[..], values)).collect();
    archive::write(path, &arrays)
}

/// Writes vectors as [`write`] does; they are on the disk when this returns.
///
/// # Errors
/// [`FileError::Io`].
pub(crate) fn write_through(path: &Path, vectors: &[(&str, &[f64])]) -> Result<(), FileError> {
    write(path, vectors)?;
    let sync = File::open(path).and_then(|file| file.sync_all());
    sync.map_err(|error| FileError::from(error).at(path))
}

/// Writes vectors in the place of an older file, but only when they are whole on the disk: beside it until then.
///
/// # Errors
/// [`FileError::Io`].
pub(crate) fn replace(path: &Path, vectors: &[(&str, &[f64])]) -> Result<(), FileError> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = Path::new(&part);
    write_through(part, vectors)?;
    fs::rename(part, path).map_err(|error| FileError::from(error).at(path))
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

/// The bytes of an array that must be there.
fn member(archive: &mut ZipArchive<BufReader<File>>, name: &str) -> Result<Vec<u8>, FileError> {
    let bytes = find(archive, name)?;
    bytes.ok_or_else(|| {
        let names: Vec<String> =
            archive.file_names().filter_map(Result::ok).take(8).map(|name| shown(&name)).collect();
        let there = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
        other(format!("the archive holds no array `{name}`; save it under this name (there is {there})"))
            .into()
    })
}

/// A name for a message: not too long, and nothing that would upset a terminal.
fn shown(name: &str) -> String {
    let name = name.strip_suffix(".npy").unwrap_or(name);
    format!("`{}`", name.chars().take(40).flat_map(char::escape_debug).collect::<String>())
}

pub(super) const COMPRESSED: &str = "the archive is compressed; write it with numpy.savez";

/// The bytes of an array, if there is one of this name.
pub(super) fn find(
    archive: &mut ZipArchive<BufReader<File>>,
    name: &str,
) -> Result<Option<Vec<u8>>, FileError> {
    const AGAIN: &str = "save the archive again";
    let mut member = match archive.by_name(&format!("{name}.npy")) {
        Ok(member) if member.compression() == CompressionMethod::Stored => member,
        Ok(_) | Err(ZipError::UnsupportedArchive(_)) => return Err(other(COMPRESSED.to_owned()).into()),
        Err(ZipError::FileNotFound) => return Ok(None),
        Err(error) => return Err(failure(error).into()),
    };
    // Nothing is reserved: the bytes come as the file holds them.
    let (mut bytes, size) = (Vec::new(), member.size());
    // The checksum is looked at where the member's end is seen, so one byte more is asked for.
    let read = (&mut member).take(size).read_to_end(&mut bytes).and_then(|_| member.read(&mut [0]));
    match read {
        Ok(0) => {}
        Ok(_) => return Err(other(format!("`{name}` is longer than the archive says; {AGAIN}")).into()),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => {
            return Err(other(format!("`{name}` is damaged ({error}); {AGAIN}")).into());
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Some(bytes))
}

pub(super) fn other(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

pub(super) fn failure(error: ZipError) -> io::Error {
    match error {
        ZipError::Io(error) => error,
        error => other(format!("this is no sound NumPy archive ({error}); write one with numpy.savez")),
    }
}
