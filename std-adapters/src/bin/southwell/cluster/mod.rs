//! `--cluster`: the subcommands over the ranks that `mpirun` started.

#[cfg(feature = "mpi")]
mod ranks;
#[cfg(not(feature = "mpi"))]
mod without;

#[cfg(feature = "mpi")]
pub(crate) use ranks::{heat, relax};
#[cfg(not(feature = "mpi"))]
pub(crate) use without::{heat, relax};
