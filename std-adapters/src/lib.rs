//! Files, owned problems, plots and the command line for southwell.

pub mod device;
pub mod files;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod heat;
pub mod owned;
#[cfg(feature = "plot")]
pub mod plot;
#[cfg(feature = "threads")]
pub mod threads;
