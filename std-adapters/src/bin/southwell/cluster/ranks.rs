//! In a build with MPI.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use serde::Serialize;
use southwell_std::cluster::heat::{Ended, run};
use southwell_std::cluster::{Communicator, Fault, Mpi, agree, same_version, version};

use crate::output::{self, BAD_INPUT, Failure, INTERRUPTED};

/// What runs when no policy is named.
const DEFAULT: [&str; 4] = ["fixed:1.0", "tsallis-inf", "cheb-cb", "auto"];

#[derive(Serialize)]
struct Document {
    grid: usize,
    unknowns: usize,
    steps: u32,
    seed: u64,
    tolerance: f64,
    ranks: usize,
    policies: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: String,
    iterations: u64,
    seconds: f64,
    /// Of the last state: equal bits give equal numbers.
    fingerprint: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
}

/// One word for all: what every rank has run into is said by rank 0.
fn spoken(result: Result<ExitCode, Fault>, rank: usize) -> Result<ExitCode, Failure> {
    match result {
        Ok(code) => Ok(code),
        Err(fault) if rank == 0 => Err(fault.to_string().into()),
        Err(_) => Ok(ExitCode::from(BAD_INPUT)),
    }
}

pub(crate) fn heat(arguments: &crate::heat::Arguments) -> Result<ExitCode, Failure> {
    let comm = Mpi::start()?;
    spoken(divided(&comm, &arguments.divided()), comm.rank())
}

fn divided(comm: &Mpi, run_of: &crate::heat::Divided<'_>) -> Result<ExitCode, Fault> {
    same_version(comm, version())?;
    let &crate::heat::Divided { setting, policies, saving, json, quiet } = run_of;
    let speaks = comm.rank() == 0;
    let defaults = || DEFAULT.iter().filter_map(|name| Some(((*name).to_owned(), name.parse().ok()?)));
    let named: Vec<_> = if policies.is_empty() { defaults().collect() } else { policies.to_vec() };
    if saving.is_some() && named.len() != 1 {
        return agree(comm, Err("--checkpoint holds one policy; name it with --policy"));
    }
    let interrupted = agree(comm, output::interruption())?;
    let mut rows: Vec<Row> = Vec::new();
    for (name, policy) in named {
        let bar = output::progress(quiet || json || !speaks, Some(u64::from(setting.steps)));
        bar.set_message(name.clone());
        let ended = run(comm, policy, &setting, saving.as_ref(), &mut |step| {
            bar.set_position(u64::from(step));
            if interrupted.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        bar.finish_and_clear();
        let Some(Ended { outcome, fingerprint, resumed }) = ended else {
            return Ok(ExitCode::from(INTERRUPTED));
        };
        rows.push(Row {
            name,
            iterations: outcome.iterations,
            seconds: outcome.elapsed.as_secs_f64(),
            fingerprint: format!("{fingerprint:016x}"),
            resumed,
        });
    }
    let unknowns = (setting.grid - 1) * (setting.grid - 1);
    let printed = match (speaks, json) {
        (false, _) => Ok(()),
        (true, true) => output::print_json(&Document {
            grid: setting.grid,
            unknowns,
            steps: setting.steps,
            seed: setting.seed,
            tolerance: setting.tolerance,
            ranks: comm.size(),
            policies: rows,
        }),
        (true, false) => {
            let head = format!(
                "heat equation, {unknowns} unknowns, {} steps, tolerance {:e}, {} ranks, red-black SOR\n\
                 {:<18}{:>12}{:>12}{:>20}\n",
                setting.steps,
                setting.tolerance,
                comm.size(),
                "policy",
                "iterations",
                "seconds",
                "state"
            );
            let lines = rows.iter().map(|row| {
                format!(
                    "{:<18}{:>12}{:>12.3}{:>20}\n",
                    row.name, row.iterations, row.seconds, row.fingerprint
                )
            });
            output::print(&lines.fold(head, |text, line| text + &line))
        }
    };
    agree(comm, printed)?;
    Ok(ExitCode::SUCCESS)
}
