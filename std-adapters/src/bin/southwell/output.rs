//! What the subcommands share: exit codes, printing that survives a closed pipe, progress.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

/// Something was wrong with the input.
pub(crate) const BAD_INPUT: u8 = 1;
/// The run ended without reaching the tolerance.
pub(crate) const NOT_CONVERGED: u8 = 3;

/// Any error of a subcommand.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// Prints to standard output; a reader that has gone away is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a value as one JSON document.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// A bar on standard error of known (`Some`) or unknown length; hidden if `quiet` or if nobody looks.
pub(crate) fn progress(quiet: bool, length: Option<u64>) -> ProgressBar {
    let target = if quiet || !io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    };
    let template = if length.is_some() {
        "{msg:<18} [{bar:30}] {pos}/{len} {elapsed} (about {eta} left)"
    } else {
        "{spinner} {pos} steps, {msg} {elapsed}"
    };
    let bar = ProgressBar::with_draw_target(length, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
