//! `southwell devices`: where solvers can run.

use std::fmt::Write as _;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use crate::output::{self, Failure};

#[derive(Debug, Args)]
#[command(after_help = "\
The first column is what --device takes. Software devices run on the CPU and are for tests: the environment must
have SOUTHWELL_SOFTWARE_GPU=1 for a solver to use one.

Exit codes: 0 done, 2 wrong usage.")]
pub(crate) struct Arguments {
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Document {
    /// The instruction set that the passes run on.
    simd: &'static str,
    threads: usize,
    /// Whether this program was built with support for GPUs.
    gpu_support: bool,
    gpus: Vec<Gpu>,
}

#[derive(Serialize)]
struct Gpu {
    device: String,
    name: String,
    kind: &'static str,
    driver: String,
    largest_buffer_bytes: u64,
    largest_binding_bytes: u64,
    workgroup_memory_bytes: u32,
    workgroups: u32,
    usable: bool,
}

#[cfg(feature = "gpu")]
fn gpus() -> Vec<Gpu> {
    use southwell_std::gpu::{Choice, Kind, adapters};
    let software = Choice::from_environment().software;
    let described = adapters().into_iter().map(|adapter| Gpu {
        device: format!("gpu:{}", adapter.name),
        name: adapter.name,
        kind: adapter.kind.name(),
        driver: adapter.driver,
        largest_buffer_bytes: adapter.largest_buffer,
        largest_binding_bytes: adapter.largest_binding,
        workgroup_memory_bytes: adapter.workgroup_memory,
        workgroups: adapter.workgroups,
        usable: adapter.kind != Kind::Software || software,
    });
    described.collect()
}

#[cfg(not(feature = "gpu"))]
fn gpus() -> Vec<Gpu> {
    Vec::new()
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let document = Document {
        simd: southwell_simd::level_name(),
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        gpu_support: cfg!(feature = "gpu"),
        gpus: gpus(),
    };
    if arguments.json {
        output::print_json(&document)?;
    } else {
        output::print(&table(&document))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Bytes as people read them, in powers of 1024.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    // −1 of a power of two is a limit of that power to people.
    let (mut value, mut unit) = (bytes.saturating_add(1) as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.0} {}", UNITS[unit]) }
}

fn table(document: &Document) -> String {
    let mut text = format!("cpu      one thread, {}\n", document.simd);
    let _ = writeln!(text, "threads  {}", document.threads);
    for gpu in &document.gpus {
        let _ = writeln!(
            text,
            "{}\n         {}, {}; buffers up to {}, of which {} are seen at once; {} of shared memory{}",
            gpu.device,
            gpu.kind,
            gpu.driver,
            size(gpu.largest_buffer_bytes),
            size(gpu.largest_binding_bytes),
            size(gpu.workgroup_memory_bytes.into()),
            if gpu.usable { "" } else { "; for tests only" },
        );
    }
    if !document.gpu_support {
        text.push_str("gpu      this program was built without (cargo install --features gpu)\n");
    } else if document.gpus.is_empty() {
        text.push_str("gpu      none found (no Vulkan driver, or no device behind it)\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_as_people_read_them() {
        let sizes = [0, 1023, 1024, 134_217_728, 2_147_483_647, u64::MAX].map(size);
        assert_eq!(sizes, ["0 B", "1 KiB", "1 KiB", "128 MiB", "2 GiB", "16777216 TiB"]);
    }
}
