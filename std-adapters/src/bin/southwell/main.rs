//! The command line of southwell: one file a subcommand.
//!
//! Exit codes: 0 done (solvers: converged), 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

#[cfg(feature = "images")]
mod background;
mod balance;
mod cluster;
#[cfg(feature = "images")]
mod colour_transfer;
mod descend;
mod device;
mod devices;
mod fit;
mod heat;
mod on_disk;
mod output;
mod pages;
mod recover;
mod relax;
mod report;
mod reproduce;
mod transport;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use southwell_simd::Level;
use southwell_std::device::Device;

/// Solvers that tune themselves: linear systems, transport, sparse and robust fits.
#[derive(Debug, Parser)]
#[command(name = "southwell", version, max_term_width = 80)]
struct Cli {
    /// Use no instruction set wider than this: scalar, 128-bit, avx2 or avx512. The results are the same.
    #[arg(long, global = true, value_name = "LEVEL", env = "SOUTHWELL_SIMD")]
    simd: Option<Level>,
    /// Where it runs: `cpu` (one thread), `threads` (all cores), `threads:4`, `gpu`, `gpu:NAME`, or `auto` (threads where the problem is large enough).
    #[arg(long, global = true, value_name = "DEVICE", env = "SOUTHWELL_DEVICE", default_value_t)]
    device: Device,
    /// Write what is printed and drawn as one HTML page, which needs no other file and no scripts.
    #[arg(long, global = true, value_name = "OUT.html")]
    report: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fit a linear model that outliers hardly move: least absolute deviations, quantiles, Huber.
    Fit(fit::Arguments),
    /// A sequence of implicit heat steps, omega chosen by several policies: the published experiment.
    Heat(heat::Arguments),
    /// Recover a low-rank matrix from measurements of which many are grossly wrong.
    Recover(recover::Arguments),
    /// Solve A x = b for a matrix in Matrix Market format.
    Relax(relax::Arguments),
    /// Minimise what is smooth plus what bends, block by block: the lasso, classes, quadratics, labels on graphs.
    Descend(descend::Arguments),
    /// Move one distribution to another at the least cost, with entropy.
    Transport(transport::Arguments),
    /// Scale the rows and columns of a matrix to given sums, or to norm 1.
    Balance(balance::Arguments),
    /// List where solvers can run: the CPU, its threads, and GPUs with their limits.
    Devices(devices::Arguments),
    /// Run a published comparison again.
    Reproduce(reproduce::Arguments),
    /// Give a photograph the colours of another one, by transport between them.
    #[cfg(feature = "images")]
    ColourTransfer(colour_transfer::Arguments),
    /// What stays and what moves in a sequence of images, or what a photograph was spoilt by.
    #[cfg(feature = "images")]
    Background(background::Arguments),
    /// Print a script that completes commands in a shell.
    Completions(pages::Completions),
    /// Print a manual page, of the program or of a command.
    Man(pages::Man),
}

fn main() -> ExitCode {
    let result = arguments().and_then(|(cli, report)| {
        let code = run(&cli)?;
        report.map_or(Ok(()), |report| report.write())?;
        Ok(code)
    });
    match result {
        Ok(code) => code,
        Err(error) => {
            output::note(&format!("error: {error}"));
            ExitCode::from(output::BAD_INPUT)
        }
    }
}

/// What was typed. Where a report is wanted, a plot is drawn for it as well.
fn arguments() -> Result<(Cli, Option<report::Report>), output::Failure> {
    let mut words: Vec<_> = std::env::args_os().collect();
    let matches = Cli::command().get_matches_from(&words);
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let Some(path) = &cli.report else { return Ok((cli, None)) };
    let report = report::Report::begin(path, &words, matches.subcommand())?;
    let Some(plot) = report.plot_to_add() else { return Ok((cli, Some(report))) };
    words.push("--plot".into());
    words.push(plot.into());
    Ok((Cli::parse_from(words), Some(report)))
}

fn run(cli: &Cli) -> Result<ExitCode, output::Failure> {
    if let Some(level) = cli.simd {
        southwell_simd::set_max_level(level);
    }
    device::choose(cli.device.clone(), &cli.command)?;
    match &cli.command {
        Command::Fit(arguments) => fit::run(arguments),
        Command::Heat(arguments) => heat::run(arguments),
        Command::Recover(arguments) => recover::run(arguments),
        Command::Relax(arguments) => relax::run(arguments),
        Command::Descend(arguments) => descend::run(arguments),
        Command::Transport(arguments) => transport::run(arguments),
        Command::Balance(arguments) => balance::run(arguments),
        Command::Devices(arguments) => devices::run(arguments),
        Command::Reproduce(arguments) => reproduce::run(arguments),
        #[cfg(feature = "images")]
        Command::ColourTransfer(arguments) => colour_transfer::run(arguments),
        #[cfg(feature = "images")]
        Command::Background(arguments) => background::run(arguments),
        Command::Completions(arguments) => pages::completions(arguments, Cli::command()),
        Command::Man(arguments) => pages::man(arguments, Cli::command()),
    }
}
