//! Files, owned problems, plots and the command line for southwell.

pub mod cluster;
pub mod files;
pub mod heat;
pub mod owned;
#[cfg(feature = "plot")]
pub mod plot;
