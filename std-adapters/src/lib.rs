//! Files, owned problems, plots and the command line for southwell.

pub mod checkpoint;
pub mod cluster;
pub mod device;
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

/// The snippets of the pages run as tests.
#[cfg(doctest)]
mod pages {
    #[doc = include_str!("../../docs/which-method.md")]
    struct WhichMethod;
    #[doc = include_str!("../../docs/errors.md")]
    struct Errors;
    #[doc = include_str!("../../docs/migrate.md")]
    struct Migrate;
}
