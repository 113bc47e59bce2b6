//! `--cluster`: the subcommands over the ranks that `mpirun` started.

#[cfg(feature = "mpi")]
mod files;
#[cfg(feature = "mpi")]
mod line;
#[cfg(feature = "mpi")]
mod ranks;
#[cfg(any(test, not(feature = "mpi")))]
mod without;

#[cfg(feature = "mpi")]
pub(crate) use files::{descend, fit, recover, saving, transport};
#[cfg(feature = "mpi")]
pub(crate) use ranks::{heat, relax};
#[cfg(not(feature = "mpi"))]
pub(crate) use without::{descend, fit, heat, recover, relax, transport};
