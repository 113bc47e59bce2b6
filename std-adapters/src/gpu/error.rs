//! Why a solve could not run on a device.

use std::fmt;

/// What kept a device from solving. Nothing panics: whatever the driver reports ends up here.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The problem itself was refused, as the CPU would refuse it.
    Refused(southwell::Error),
    /// There is no driver, or no device behind it.
    NoAdapter,
    /// No adapter has this name.
    NoSuchAdapter {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        have: Vec<String>,
    },
    /// The only adapters are software on the CPU, which is slower than the CPU's own solvers.
    SoftwareOnly {
        /// Such an adapter.
        name: String,
    },
    /// A limit of the adapter is too small for the problem; found before anything was uploaded.
    LimitTooSmall {
        /// What would not fit.
        what: &'static str,
        /// Bytes (or items) needed.
        need: u64,
        /// Bytes (or items) that the adapter allows.
        have: u64,
    },
    /// The device has not got the memory.
    OutOfMemory {
        /// Bytes that were asked for in one piece.
        need: u64,
    },
    /// The device went away half-way; the iterate is the last one that was seen.
    Lost(String),
    /// The driver refused a command or a kernel.
    Driver(String),
    /// Numbers of the problem do not fit into `f32`, in which devices compute.
    Range {
        /// The argument that has them.
        argument: &'static str,
    },
    /// The device has no kernel for this.
    Unsupported(&'static str),
}

impl Error {
    /// Whether the same problem may succeed on the CPU.
    #[must_use]
    pub fn concerns_the_device(&self) -> bool {
        !matches!(self, Self::Refused(_))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::NoAdapter => f.write_str(
                "no GPU: no Vulkan driver, or no device behind it (is the Vulkan loader, libvulkan.so.1, installed?)",
            ),
            Self::NoSuchAdapter { name, have } if have.is_empty() => {
                write!(f, "no GPU is called '{name}'; there is none at all")
            }
            Self::NoSuchAdapter { name, have } => {
                write!(f, "no GPU is called '{name}'; there are: {}", have.join(", "))
            }
            Self::SoftwareOnly { name } => write!(
                f,
                "no GPU: '{name}' is software on the CPU, slower than the solvers for the CPU; set \
                 SOUTHWELL_SOFTWARE_GPU=1 to use it all the same"
            ),
            Self::LimitTooSmall { what, need, have } => {
                write!(f, "the GPU is too small: {what} needs {need}, the adapter allows {have}")
            }
            Self::OutOfMemory { need } => write!(f, "the GPU has no {need} bytes of memory left"),
            Self::Lost(message) => write!(f, "the GPU was lost: {message}"),
            Self::Driver(message) => write!(f, "the GPU's driver refused a command: {message}"),
            Self::Range { argument } => {
                write!(f, "{argument}: numbers beyond the range of f32, in which GPUs compute; scale the problem")
            }
            Self::Unsupported(what) => write!(f, "not on a GPU: {what}"),
        }
    }
}

impl std::error::Error for Error {}

impl From<southwell::Error> for Error {
    fn from(error: southwell::Error) -> Self {
        Self::Refused(error)
    }
}
