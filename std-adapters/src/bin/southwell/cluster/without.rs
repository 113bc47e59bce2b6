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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::{Cli, Command};

    /// The message says what to build, and nothing is read; in builds with MPI too.
    #[test]
    fn a_cluster_is_refused_with_what_to_build() {
        for words in [
            &["heat"][..],
            &["relax", "nowhere.mtx"],
            &["transport", "--cost", "nowhere.npy"],
            &["descend", "nowhere.npz"],
            &["recover", "nowhere.npz", "--rank", "1"],
            &["fit", "nowhere.npz", "--loss", "lad"],
        ] {
            let cli = Cli::try_parse_from([&["southwell"], words, &["--cluster"]].concat())
                .expect("good arguments");
            let refused = match &cli.command {
                Command::Heat(arguments) => heat(arguments),
                Command::Relax(arguments) => relax(arguments),
                Command::Transport(arguments) => transport(arguments),
                Command::Descend(arguments) => descend(arguments),
                Command::Recover(arguments) => recover(arguments),
                Command::Fit(arguments) => fit(arguments),
                _ => panic!("{words:?} is another command"),
            };
            let said = refused.expect_err("refused").to_string();
            assert!(said.contains("--features mpi") && said.contains("libopenmpi-dev"), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
}
