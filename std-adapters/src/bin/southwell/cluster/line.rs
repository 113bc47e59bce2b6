//! What rank 0 shows of a run that goes on.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::output;

/// How often a bar is drawn anew; when the first line is written, and the longest wait for the next.
const REFRESH: Duration = Duration::from_millis(100);
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);

/// A bar where somebody looks. Launchers give ranks a pipe: there lines are written, after 1, 2, 4, 8… seconds, then every minute.
pub(super) struct Line {
    bar: ProgressBar,
    lines: bool,
    begun: Instant,
    due: Duration,
}

impl Line {
    /// Nothing is shown if `quiet`; a bar of a known length, or none.
    pub(super) fn new(quiet: bool, length: Option<u64>) -> Self {
        let lines = !quiet && !io::stderr().is_terminal();
        let due = if lines { FIRST } else { REFRESH };
        Self { bar: output::progress(quiet, length), lines, begun: Instant::now(), due }
    }

    /// The bar, for what lines do not say.
    pub(super) fn bar(&self) -> &ProgressBar {
        &self.bar
    }

    /// Moves a bar of known length, or says so, if it is time to.
    pub(super) fn at(&mut self, position: u64, words: impl FnOnce() -> String) {
        self.bar.set_position(position);
        if self.lines {
            self.show(words);
        }
    }

    /// Shows words, if it is time to.
    pub(super) fn show(&mut self, words: impl FnOnce() -> String) {
        let past = self.begun.elapsed();
        if past < self.due {
            return;
        }
        if self.lines {
            output::note(&words());
            self.due = past + past.min(LONGEST);
        } else {
            self.bar.set_message(words());
            self.due = past + REFRESH;
        }
    }

    /// The seconds that it took.
    pub(super) fn end(self) -> f64 {
        self.bar.finish_and_clear();
        self.begun.elapsed().as_secs_f64()
    }
}
