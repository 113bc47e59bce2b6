//! Files, owned problems, plots and the command line for southwell.

pub mod files;
pub mod heat;
pub mod owned;
#[cfg(feature = "plot")]
pub mod plot;

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
