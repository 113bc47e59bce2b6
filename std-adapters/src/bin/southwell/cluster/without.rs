//! In a build without MPI: how to get one.

use std::process::ExitCode;

use crate::output::Failure;

const HOW: &str = "--cluster: this southwell was built without MPI; build it with `cargo build --release -p \
southwell-std --features mpi`, which needs an MPI (as libopenmpi-dev) and libclang-dev";

pub(crate) fn heat(_arguments: &crate::heat::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}

pub(crate) fn relax(_arguments: &crate::relax::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}

pub(crate) fn descend(_arguments: &crate::descend::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}

pub(crate) fn recover(_arguments: &crate::recover::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}

pub(crate) fn transport(_arguments: &crate::transport::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}

pub(crate) fn fit(_arguments: &crate::fit::Arguments) -> Result<ExitCode, Failure> {
    Err(HOW.into())
}
