//! `southwell reproduce`: published comparisons run again, ours beside what was printed; one file a paper.

mod bcd;
mod images;
mod sns;
mod subgm;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::output::Failure;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Block coordinate descent (Nutini, Laradji & Schmidt 2022): rules, blocks and updates on data sets A to E.
    Bcd(bcd::Arguments),
    /// Sinkhorn-Newton-Sparse (Tang et al. 2024): random assignment, digits and MNIST at epsilon = 1/1200.
    Sns(sns::Arguments),
    /// Robust matrix recovery by sub-gradients (Ma & Fattahi 2023): outliers, noise, over-estimated ranks.
    Subgm(subgm::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    match &arguments.what {
        What::Bcd(arguments) => bcd::run(arguments),
        What::Sns(arguments) => sns::run(arguments),
        What::Subgm(arguments) => subgm::run(arguments),
    }
}
