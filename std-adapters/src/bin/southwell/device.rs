//! `--device`: where a subcommand runs.

#[cfg(feature = "gpu")]
use std::ops::ControlFlow;
use std::sync::OnceLock;

use southwell_std::device::Device;
#[cfg(feature = "gpu")]
use southwell_std::gpu;
use southwell_std::threads::{Pool, Work, auto};

use crate::Command;
#[cfg(feature = "gpu")]
use crate::output;
use crate::output::Failure;

/// What was asked for.
static CHOSEN: OnceLock<Device> = OnceLock::new();

/// Keeps the device, if the subcommand can run there.
pub(crate) fn choose(device: Device, command: &Command) -> Result<(), Failure> {
    check(&device, command, cfg!(feature = "gpu"))?;
    CHOSEN.get_or_init(|| device);
    Ok(())
}

/// Refuses what a subcommand does not run on, in a build with or without support for graphics processors.
fn check(device: &Device, command: &Command, gpu_support: bool) -> Result<(), Failure> {
    let alone = match command {
        Command::Devices(_) => Some("devices"),
        Command::Completions(_) => Some("completions"),
        Command::Man(_) => Some("man"),
        Command::Heat(arguments) if arguments.is_divided() => Some("heat --cluster"),
        Command::Balance(_) => Some("balance"),
        Command::Reproduce(_) => Some("reproduce"),
        #[cfg(feature = "images")]
        Command::ColourTransfer(_) => Some("colour-transfer"),
        #[cfg(feature = "images")]
        Command::Background(_) => Some("background"),
        Command::Transport(arguments) if arguments.out_of_core => Some("transport --out-of-core"),
        Command::Descend(arguments) if arguments.out_of_core => Some("descend --out-of-core"),
        Command::Recover(arguments) if arguments.out_of_core => Some("recover --out-of-core"),
        Command::Fit(arguments) if arguments.out_of_core => Some("fit --out-of-core"),
        Command::Heat(_)
        | Command::Relax(_)
        | Command::Descend(_)
        | Command::Transport(_)
        | Command::Recover(_)
        | Command::Fit(_) => None,
    };
    match (device, command) {
        (Device::Gpu(_), _) if !gpu_support => {
            return Err(format!(
                "--device {device}: this southwell was built without support for graphics processors; build it with \
                 `cargo build --release -p southwell-std --features gpu`, or take --device threads"
            )
            .into());
        }
        (Device::Gpu(_), Command::Relax(_)) => {}
        (Device::Gpu(_), Command::Heat(arguments)) if !arguments.is_divided() => {}
        (Device::Gpu(_), Command::Transport(arguments)) if !arguments.out_of_core => {}
        (Device::Gpu(_), Command::Descend(arguments))
            if !arguments.is_divided() && !arguments.out_of_core => {}
        (Device::Gpu(_), Command::Recover(arguments))
            if !arguments.is_divided() && !arguments.out_of_core => {}
        (Device::Gpu(_), _) => {
            return Err(format!(
                "--device {device}: only southwell descend, heat, recover, relax and transport run there, alone and in \
                 memory; leave --device out"
            )
            .into());
        }
        _ => {}
    }
    if let (Device::Threads(_), Some(name)) = (device, alone) {
        return Err(format!(
            "--device {device}: southwell {name} runs on one thread; leave --device out, or say cpu or auto"
        )
        .into());
    }
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

/// Refuses threads that were asked for by name where a method has nothing to share out; with a word on what has.
pub(crate) fn refuse(what: &str, instead: &str) -> Result<(), Failure> {
    match CHOSEN.get() {
        Some(device @ Device::Threads(_)) => {
            Err(format!("--device {device}: {what} there is one thread; leave --device out; {instead}")
                .into())
        }
        _ => Ok(()),
    }
}

/// Refuses a graphics processor that was asked for by name where it has no kernel; with a word on what to do.
pub(crate) fn refuse_gpu(what: &str, instead: &str) -> Result<(), Failure> {
    match CHOSEN.get() {
        Some(device @ Device::Gpu(_)) => Err(format!("--device {device}: {what} there; {instead}").into()),
        _ => Ok(()),
    }
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

/// A graphics processor to try, with a word to the user where it fails.
#[cfg(feature = "gpu")]
pub(crate) struct Gpu {
    opened: Result<gpu::Device, gpu::Error>,
    /// Nobody asked for it by name, so that the CPU is as good.
    automatic: bool,
    quiet: bool,
    failed: std::cell::Cell<bool>,
}

#[cfg(feature = "gpu")]
impl Gpu {
    /// The one that was asked for, or, with `auto`, any if this is `worth` it.
    pub(crate) fn asked(worth: bool, quiet: bool) -> Option<Self> {
        let (name, automatic) = match CHOSEN.get()? {
            Device::Gpu(name) => (name.clone(), false),
            Device::Auto if worth => (None, true),
            _ => return None,
        };
        let opened = gpu::Device::open(&gpu::Choice { name, ..gpu::Choice::from_environment() });
        // For tests of what happens then.
        let loss = std::env::var("SOUTHWELL_LOSE_GPU_AFTER").ok().and_then(|number| number.parse().ok());
        if let (Ok(device), Some(submissions)) = (&opened, loss) {
            device.lose_after(submissions);
        }
        Some(Self { opened, automatic, quiet, failed: std::cell::Cell::new(false) })
    }

    /// Does `work` there; a failure of the device that is none of the problem becomes a message.
    pub(crate) fn run<V>(
        &self,
        refused: impl Fn(southwell::Error) -> Failure,
        work: impl FnOnce(gpu::owned::Opened<'_>, gpu::owned::Told<'_>) -> Result<V, gpu::Error>,
    ) -> Result<V, Failure> {
        let mut told = |error: &gpu::Error, steps: u32| {
            self.failed.set(true);
            if steps == 0 && !self.automatic {
                return ControlFlow::Break(());
            }
            if !self.quiet {
                let place = if steps == 0 { String::new() } else { format!(" after {steps} steps") };
                output::note(&format!("note: {error}{place}; the CPU carries on"));
            }
            ControlFlow::Continue(())
        };
        work(self.opened.as_ref().map_err(Clone::clone), &mut told).map_err(|error| match error {
            gpu::Error::Refused(error) => refused(error),
            error => format!("--device: {error}").into(),
        })
    }

    /// Where it ran, if it ran there to the end.
    pub(crate) fn name(&self) -> Option<String> {
        let device = self.opened.as_ref().ok().filter(|_| !self.failed.get())?;
        Some(Device::Gpu(Some(device.adapter().name.clone())).to_string())
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::check;
    use crate::Cli;

    fn checked(words: &[&str], gpu_support: bool) -> Result<(), String> {
        let cli = Cli::try_parse_from([&["southwell"], words].concat()).map_err(|error| error.to_string())?;
        check(&cli.device, &cli.command, gpu_support).map_err(|error| error.to_string())
    }

    #[test]
    fn a_graphics_processor_needs_the_feature() {
        for command in [&["relax", "A.mtx"][..], &["heat"], &["devices"]] {
            let said = checked(&[command, &["--device", "gpu"]].concat(), false).expect_err("no support");
            assert!(said.contains("--features gpu") && said.lines().count() == 1, "{said}");
            assert_eq!(checked(&[command, &["--device", "cpu"]].concat(), false), Ok(()));
        }
        assert_eq!(checked(&["relax", "A.mtx", "--device", "gpu"], true), Ok(()));
        for command in [&["heat", "--cluster"][..], &["balance", "A.mtx"]] {
            let said = checked(&[command, &["--device", "gpu"]].concat(), true).expect_err("not there");
            assert!(said.contains("only southwell descend, heat"), "{said}");
        }
    }
}
