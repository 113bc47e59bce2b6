//! What the subcommands share: exit codes, printing that survives a closed pipe, progress, Ctrl-C.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use signal_hook::{consts::SIGINT, flag};
use southwell_std::files::FileError;

/// Something was wrong with the input.
pub(crate) const BAD_INPUT: u8 = 1;
/// The run ended without reaching the tolerance.
pub(crate) const NOT_CONVERGED: u8 = 3;
/// The run was interrupted from the keyboard (128 + SIGINT, as shells count).
pub(crate) const INTERRUPTED: u8 = 130;

/// Any error of a subcommand.
pub(crate) type Failure = Box<dyn std::error::Error>;

/// What was printed so far, for a report.
static PRINTED: Mutex<String> = Mutex::new(String::new());

/// What was printed so far.
pub(crate) fn printed() -> String {
    PRINTED.lock().map(|text| text.clone()).unwrap_or_default()
}

/// Prints to standard output; a reader that has gone away is not an error.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    if let Ok(mut printed) = PRINTED.lock() {
        printed.push_str(text);
    }
    let mut output = io::stdout().lock();
    match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {error}").into())
        }
        _ => Ok(()),
    }
}

/// Prints a value as one JSON document.
pub(crate) fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    print(&format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// Prints a line to standard error, if anybody still reads it.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Says what to do next, if there is anything to say and it is wanted.
pub(crate) fn hint(advice: Option<&str>, quiet: bool) {
    if let (Some(advice), false) = (advice, quiet) {
        note(&format!("hint: {advice}"));
    }
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
        "{spinner} {msg} ({elapsed})"
    };
    let bar = ProgressBar::with_draw_target(length, target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

/// A flag that Ctrl-C raises, so that a run can stop where nothing is lost. A second Ctrl-C ends the
/// process at once.
pub(crate) fn interruption() -> Result<Arc<AtomicBool>, Failure> {
    let raised = Arc::new(AtomicBool::new(false));
    // In this order: the first signal finds the flag down and only raises it.
    flag::register_conditional_shutdown(SIGINT, i32::from(INTERRUPTED), Arc::clone(&raised))?;
    flag::register(SIGINT, Arc::clone(&raised))?;
    Ok(raised)
}

/// Refuses a path that cannot be written, before hours are spent on what belongs there. A file that
/// exists is not touched.
pub(crate) fn check_writable(option: &str, path: &Path) -> Result<(), Failure> {
    let attempt = match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(found) if found.is_file() => OpenOptions::new().write(true).open(path).map(drop),
        // A pipe would take an opening for the whole message.
        Ok(_) => Ok(()),
        Err(_) => {
            OpenOptions::new().write(true).create_new(true).open(path).and_then(|_| fs::remove_file(path))
        }
    };
    attempt.map_err(|error| {
        let advice = match error.kind() {
            io::ErrorKind::NotFound => "create the directory first, or name another one",
            io::ErrorKind::IsADirectory => "this is a directory; name a file in it",
            _ => "name a place that can be written",
        };
        format!("{option} {}: {error}; {advice}", path.display()).into()
    })
}

/// A file that could not be read, with a word on what to do where the system has none.
pub(crate) fn unreadable(error: &FileError) -> Failure {
    let advice = match error {
        FileError::Io { source, .. } => match source.kind() {
            io::ErrorKind::NotFound => "; check the name",
            io::ErrorKind::IsADirectory => "; name a file in it",
            io::ErrorKind::PermissionDenied => "; check its permissions",
            _ => "",
        },
        _ => "",
    };
    format!("{error}{advice}").into()
}
