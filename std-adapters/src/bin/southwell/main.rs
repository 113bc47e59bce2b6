//! The command line of southwell: one file a subcommand.
//!
//! Exit codes: 0 done (solvers: converged), 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

mod fit;
mod heat;
mod output;
mod relax;
mod transport;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use southwell_simd::Level;

/// Solvers that tune themselves: relaxation, and entropic transport.
#[derive(Debug, Parser)]
#[command(name = "southwell", version, max_term_width = 100)]
struct Cli {
    /// Use no instruction set wider than this: scalar, 128-bit, avx2 or avx512. The results are the same.
    #[arg(long, global = true, value_name = "LEVEL", env = "SOUTHWELL_SIMD")]
    simd: Option<Level>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit a linear model that outliers hardly move: least absolute deviations, quantiles, Huber.
    Fit(fit::Arguments),
    /// A sequence of implicit heat steps, omega chosen by several policies: the published experiment.
    Heat(heat::Arguments),
    /// Solve A x = b for a matrix in Matrix Market format.
    Relax(relax::Arguments),
    /// Move one distribution to another at the least cost, with entropy.
    Transport(transport::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(level) = cli.simd {
        southwell_simd::set_max_level(level);
    }
    let result = match cli.command {
        Command::Fit(arguments) => fit::run(&arguments),
        Command::Heat(arguments) => heat::run(&arguments),
        Command::Relax(arguments) => relax::run(&arguments),
        Command::Transport(arguments) => transport::run(&arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            output::note(&format!("error: {error}"));
            ExitCode::from(output::BAD_INPUT)
        }
    }
}
