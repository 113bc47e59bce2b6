//! What can go wrong with a file.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::{CsvFault, LineFault, NpyFault};

/// Why a file was not read or not written.
///
/// `path` is `None` where the bytes came from memory or from a reader.
#[derive(Debug)]
#[non_exhaustive]
pub enum FileError {
    /// The operating system refused.
    Io {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// What the system said.
        source: io::Error,
    },
    /// A line of a Matrix Market file cannot be accepted.
    Line {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// The line, counted from one.
        line: u64,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// The entries given for one place of a matrix sum to infinity.
    Sum {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// The row, counted from one as in the file.
        row: u64,
        /// The column, counted from one as in the file.
        column: u64,
    },
    /// A NumPy file cannot be accepted.
    Npy {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// What is wrong with it.
        fault: NpyFault,
    },
    /// A vector was asked for, but the file holds a matrix.
    NotAVector {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// The name does not tell the format.
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// The content does not fit into memory.
    Memory {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// What was asked for in vain.
        bytes: u64,
    },
    /// What was to be written contradicts itself; no file was touched.
    Input {
        /// The file, if one was named.
        path: Option<PathBuf>,
        /// What is wrong with the argument.
        source: southwell::Error,
    },
    /// A matrix was to be written as symmetric, but is not; no file was touched.
    NotSymmetric {
        /// The file, if one was named.
        path: Option<PathBuf>,
        /// A row, counted from zero, …
        row: usize,
        /// … and a column, counted from zero, whose entry differs from its mirror image.
        column: usize,
    },
    /// A line of a table of comma-separated values cannot be accepted.
    Csv {
        /// The file, if it was opened by path.
        path: Option<PathBuf>,
        /// The line, counted from one.
        line: u64,
        /// What is wrong with it.
        fault: CsvFault,
    },
}

impl FileError {
    /// The file, if it was named.
    pub fn path(&self) -> Option<&Path> {
        match self {
            FileError::Io { path, .. }
            | FileError::Line { path, .. }
            | FileError::Sum { path, .. }
            | FileError::Npy { path, .. }
            | FileError::NotAVector { path, .. }
            | FileError::Memory { path, .. }
            | FileError::Input { path, .. }
            | FileError::NotSymmetric { path, .. }
            | FileError::Csv { path, .. } => path.as_deref(),
            FileError::Extension { path } => Some(path),
        }
    }

    /// The same error, with the name of the file that was opened.
    pub(crate) fn at(mut self, name: &Path) -> Self {
        match &mut self {
            FileError::Io { path, .. }
            | FileError::Line { path, .. }
            | FileError::Sum { path, .. }
            | FileError::Npy { path, .. }
            | FileError::NotAVector { path, .. }
            | FileError::Memory { path, .. }
            | FileError::Input { path, .. }
            | FileError::NotSymmetric { path, .. }
            | FileError::Csv { path, .. } => *path = Some(name.to_owned()),
            FileError::Extension { path } => *path = name.to_owned(),
        }
        self
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = self.path() {
            write!(f, "{}: ", path.display())?;
        }
        match self {
            FileError::Io { source, .. } => write!(f, "{source}"),
            FileError::Line { line, fault, .. } => write!(f, "line {line}: {fault}"),
            FileError::Sum { row, column, .. } => write!(
                f,
                "the entries given for row {row}, column {column} sum to infinity; give the place once, or rescale"
            ),
            FileError::Npy { fault, .. } => write!(f, "{fault}"),
            FileError::Csv { line, fault, .. } => write!(f, "line {line}: {fault}"),
            FileError::NotAVector { rows, columns, .. } => write!(
                f,
                "this is a {rows} × {columns} matrix where a vector is needed; one of the two must be 1"
            ),
            FileError::Extension { .. } => {
                f.write_str("the name must end in `.npy` (NumPy) or `.mtx` (Matrix Market)")
            }
            FileError::Memory { bytes, .. } => {
                write!(
                    f,
                    "the content does not fit into memory ({bytes} bytes were asked for in one piece); take a part of it"
                )
            }
            FileError::Input { source, .. } => write!(f, "nothing was written: {source}"),
            FileError::NotSymmetric { row, column, .. } => write!(
                f,
                "nothing was written: the entry in row {row}, column {column} (from zero) differs from its mirror image; write the matrix as general"
            ),
        }
    }
}

impl Error for FileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            FileError::Io { source, .. } => Some(source),
            FileError::Input { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<io::Error> for FileError {
    fn from(source: io::Error) -> Self {
        FileError::Io { path: None, source }
    }
}

impl From<southwell::Error> for FileError {
    fn from(source: southwell::Error) -> Self {
        FileError::Input { path: None, source }
    }
}

impl From<NpyFault> for FileError {
    fn from(fault: NpyFault) -> Self {
        FileError::Npy { path: None, fault }
    }
}
