//! Why a view of a file stopped in the middle of a run.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a view of a file answers NaN.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The file is no longer the one that was opened: its length or its time of change differs.
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// The system could not read it.
    Read {
        /// The file.
        path: PathBuf,
        /// The kind of error.
        kind: io::ErrorKind,
        /// What the system said.
        text: String,
    },
    /// It holds a number that a view in memory refuses as well.
    Content {
        /// The file.
        path: PathBuf,
        /// What, and where.
        source: southwell::Error,
    },
    /// The watcher asked to stop.
    Stopped,
}

impl Fault {
    pub(super) fn read(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            // It was as long as it had to be when it was opened.
            io::ErrorKind::UnexpectedEof => Self::Changed { path },
            kind => Self::Read { path, kind, text: error.to_string() },
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed { path } => write!(
                f,
                "{}: the file changed while it was computed with; let its writer finish, then begin again",
                path.display()
            ),
            Self::Read { path, text, .. } => {
                write!(f, "{}: {text}; check the disk, or copy the file to another one", path.display())
            }
            Self::Content { path, source } => write!(f, "{}: {source}", path.display()),
            Self::Stopped => f.write_str("stopped on request"),
        }
    }
}

impl std::error::Error for Fault {}
