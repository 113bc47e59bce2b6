//! `--device`: where a subcommand runs.

use std::sync::OnceLock;

use southwell_std::device::Device;
use southwell_std::threads::{Pool, Work, auto};

use crate::Command;
use crate::output::Failure;

/// What was asked for.
static CHOSEN: OnceLock<Device> = OnceLock::new();

/// Keeps the device, if the subcommand can run there.
pub(crate) fn choose(device: Device, command: &Command) -> Result<(), Failure> {
    let alone = match command {
        Command::Relax(_) | Command::Descend(_) | Command::Transport(_) | Command::Recover(_) => None,
        Command::Fit(_) => Some("fit"),
        Command::Heat(_) => Some("heat"),
        Command::Balance(_) => Some("balance"),
        Command::Reproduce(_) => Some("reproduce"),
        #[cfg(feature = "images")]
        Command::ColourTransfer(_) => Some("colour-transfer"),
    };
    match (&device, alone) {
        (Device::Gpu(_), _) => {
            return Err(format!(
                "--device {device}: this southwell was built without support for graphics processors; build it with \
                 `cargo build --release -p southwell-std --features gpu`, or take --device threads"
            )
            .into());
        }
        (Device::Threads(_), Some(name)) => {
            return Err(format!(
                "--device {device}: southwell {name} runs on one thread; leave --device out, or say cpu or auto"
            )
            .into());
        }
        _ => {}
    }
    CHOSEN.get_or_init(|| device);
    Ok(())
}

/// The threads to run on, none for the calling one alone. With `auto` there are as many as passes of this work
/// are worth.
pub(crate) fn threads(work: Work) -> Result<Option<Pool>, Failure> {
    let threads = match CHOSEN.get() {
        Some(Device::Threads(threads)) => *threads,
        Some(Device::Auto) if auto(work).get() > 1 => Some(auto(work)),
        _ => return Ok(None),
    };
    Ok(Some(Pool::new(threads).map_err(|error| format!("--device: {error}"))?))
}

/// Whether the device was left to the size of the problem.
pub(crate) fn is_automatic() -> bool {
    CHOSEN.get() == Some(&Device::Auto)
}

/// Where it ran, for reports.
pub(crate) fn name(pool: Option<&Pool>) -> String {
    let device = match pool {
        None => Device::Cpu,
        Some(pool) => Device::Threads(std::num::NonZeroUsize::new(pool.threads())),
    };
    device.to_string()
}
