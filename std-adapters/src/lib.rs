//! Files, owned problems, plots and the command line for southwell.

pub mod checkpoint;
pub mod device;
pub mod cluster;
pub mod files;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod heat;
#[cfg(any(unix, windows))]
pub mod on_disk;
pub mod owned;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "threads")]
pub mod threads;
