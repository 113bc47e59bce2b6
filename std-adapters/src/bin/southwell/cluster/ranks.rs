//! In a build with MPI.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;
use southwell::relaxation::{Auto, Fixed, HagemanYoung, OmegaRule, cg, sor};
use southwell::{Progress, Status};
use southwell_std::cluster::checkpoint::Files;
use southwell_std::cluster::heat::{Ended, run};
use southwell_std::cluster::rows::{self, Matrix, Pieces};
use southwell_std::cluster::{Communicator, Fault, Mpi, Partition, agree, read, same_version, version};

use super::line::Line;
use crate::output::{self, BAD_INPUT, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::Method;

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

/// One word for all: what every rank has run into is said by rank 0, before the end of MPI, where the launcher may
/// end rank 0 for the code of another.
pub(super) fn spoken(result: Result<ExitCode, Fault>, rank: usize) -> ExitCode {
    result.unwrap_or_else(|fault| {
        if rank == 0 {
            output::note(&format!("error: {fault}"));
        }
        ExitCode::from(BAD_INPUT)
    })
}

pub(crate) fn heat(arguments: &crate::heat::Arguments) -> Result<ExitCode, Failure> {
    let comm = Mpi::start()?;
    Ok(spoken(divided(&comm, &arguments.divided()), comm.rank()))
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
        let mut line = Line::new(quiet || json || !speaks, Some(u64::from(setting.steps)));
        line.bar().set_message(name.clone());
        let ended = run(comm, policy, &setting, saving.as_ref(), &mut |step| {
            line.at(u64::from(step), || format!("{name}: step {step} of {}", setting.steps));
            if interrupted.load(Ordering::Relaxed) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        line.end();
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

#[derive(Serialize)]
struct Relaxed {
    status: &'static str,
    iterations: u32,
    relative_residual: Option<f64>,
    unknowns: usize,
    ranks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
    seconds: f64,
}

pub(crate) fn relax(arguments: &crate::relax::Arguments) -> Result<ExitCode, Failure> {
    let comm = Mpi::start()?;
    let rank = comm.rank();
    let solved = same_version(&comm, version())
        .and_then(|()| agree(&comm, arguments.divided()))
        .and_then(|run_of| relaxed(&comm, &run_of));
    Ok(spoken(solved, rank))
}

fn relaxed(comm: &Mpi, run_of: &crate::relax::Divided<'_>) -> Result<ExitCode, Fault> {
    let speaks = comm.rank() == 0;
    let (rows, partition) = read::matrix_market(comm, run_of.matrix)?;
    if rows.columns != partition.items() {
        let words = format!(
            "{}: the matrix is {} × {}, but only a square system can be relaxed",
            run_of.matrix.display(),
            partition.items(),
            rows.columns
        );
        return agree(comm, Err(words));
    }
    let own = partition.items_of(comm.rank()).len();
    let rhs = match run_of.rhs {
        None => vec![1.0; own],
        Some(path) => {
            let by = |items| Partition::of_rows(items, comm.size());
            let (values, width, given) = read::npy_by(comm, path, by)?;
            let fits = width == 1 && given == partition;
            let words =
                || format!("{}: give one entry for each of the {} rows", path.display(), partition.items());
            agree(comm, if fits { Ok(()) } else { Err(words()) })?;
            values
        }
    };
    let written = [("--out", run_of.out), ("--checkpoint", run_of.saving.map(|saving| saving.path))];
    let writable = written
        .iter()
        .filter(|_| speaks)
        .try_for_each(|(option, path)| path.map_or(Ok(()), |path| output::check_writable(option, path)));
    agree(comm, writable)?;
    let interrupted = agree(comm, output::interruption())?;
    let mut line = Line::new(run_of.quiet || run_of.json || !speaks, None);
    let mut observer = |progress: &Progress<f64>| {
        if let Some(residual) = progress.residual {
            line.show(|| format!("{} steps, residual {residual:.3e}", progress.step));
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let start = Instant::now();
    let matrix = Matrix::new(comm, &rows)?;
    let mut x = vec![0.0; own];
    let mut keep = Files::new(comm, partition.clone(), run_of.saving);
    let stop = run_of.stop;
    let sweeping = matches!(run_of.method, Method::Multicolour);
    let mut rule: Box<dyn OmegaRule<f64>> = match run_of.omega {
        Some(omega) => Box::new(Fixed(omega)),
        None if sweeping => Box::new(HagemanYoung::default()),
        None => Box::new(agree(comm, Auto::new())?),
    };
    let report = match run_of.method {
        Method::Multicolour => {
            let options = sor::Options { stop, ..sor::Options::default() };
            rows::multicolour_kept(&matrix, &rhs, &options, &mut *rule, &mut x, &mut keep, &mut observer)?
        }
        Method::Cg => {
            let options = cg::Options { stop, ..cg::Options::default() };
            rows::cg_kept(&matrix, &rhs, &options, &mut x, &mut keep, &mut observer)?
        }
        Method::SsorCg => {
            let pieces = run_of.pieces.map_or(Pieces::Ranks, Pieces::Fixed);
            let options = cg::Options { stop, ..cg::Options::default() };
            rows::ssor_cg_kept(&matrix, &rhs, &options, pieces, &mut *rule, &mut x, &mut keep, &mut observer)?
        }
        _ => {
            return agree(comm, Err("this --method is not there over ranks; use cg, ssor-cg or multicolour"));
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    line.end();
    if let Some(out) = run_of.out {
        read::write_npy(comm, out, &partition, &x)?;
    }
    let relative = report.relative_residual();
    let status = crate::relax::name(report.status);
    let printed = match (speaks, run_of.json) {
        (false, _) => Ok(()),
        (true, true) => output::print_json(&Relaxed {
            status,
            iterations: report.steps,
            relative_residual: relative.is_finite().then_some(relative),
            unknowns: partition.items(),
            ranks: comm.size(),
            resumed: keep.resumed(),
            seconds,
        }),
        (true, false) => output::print(&format!(
            "{status}: {} steps, relative residual {relative:.3e}, {} unknowns, {} ranks, {seconds:.3} s\n",
            report.steps,
            partition.items(),
            comm.size()
        )),
    };
    agree(comm, printed)?;
    Ok(match report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}
