//! What the commands that leave their data in files (`--out-of-core`) share.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar};
use southwell_std::on_disk::Reading;
use southwell_std::on_disk::transport::steps_left;

/// How often a checkpoint is written without being asked for.
pub(crate) const KEEP_EVERY: Duration = Duration::from_secs(600);

/// Shows how far a pass is, and breaks it off after Ctrl-C.
pub(crate) fn look(bar: &ProgressBar, interrupted: &AtomicBool, reading: &Reading) -> ControlFlow<()> {
    bar.set_length(reading.rows as u64);
    bar.set_position(reading.row as u64);
    if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
}

/// Words for what is left until the looks (steps, and what falls) reach the goal, where that can be said: `taken` steps
/// took so long.
pub(crate) fn expected(looks: &[(u32, f64)], goal: f64, spent: Duration, taken: u32) -> String {
    if let (Some(left), true) = (steps_left(looks, goal), taken > 0) {
        let seconds = spent.as_secs_f64() / f64::from(taken) * left;
        if seconds < 1e9 {
            let time = HumanDuration(Duration::from_secs_f64(seconds));
            return format!(", about {left:.0} more in {time}");
        }
    }
    String::new()
}
