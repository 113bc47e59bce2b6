//! `southwell fit --out-of-core`: the rows stay in their file.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::{HumanBytes, HumanDuration};
use southwell::{Error, Report, Status};
use southwell_std::files::{self, npy};
use southwell_std::on_disk::fit::{DiskFit, Kept};
use southwell_std::on_disk::{Fault, Rows};
use southwell_std::owned::{Fitted, Loss};

use super::{Arguments, Out, report};
use crate::on_disk::{KEEP_EVERY, look};
use crate::output::{self, Failure, INTERRUPTED};

/// Passes of a round.
const PASSES: u64 = 3;

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = &arguments.data;
    let (q, unit) = match arguments.loss {
        Loss::Absolute => (0.5, 2.0),
        Loss::Quantile(q) => (q, 1.0),
        Loss::Huber => {
            return Err("--out-of-core fits lad and quantile:Q; huber needs the rows in memory".into());
        }
    };
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("npy")) {
        return Err(format!(
            "{}: with --out-of-core the rows are a NumPy matrix (.npy) in C order, as numpy.save writes it",
            path.display()
        )
        .into());
    }
    let unreadable = |error| output::unreadable(&error);
    let targets = arguments.targets.as_ref().ok_or("give --targets")?;
    let place = arguments.checkpoint.as_ref().or(arguments.resume.as_ref()).cloned();
    let place = place.unwrap_or_else(|| PathBuf::from("fit-checkpoint.npz"));
    if [path, targets].contains(&&place) {
        return Err(format!("--checkpoint {}: this is an input of the run", place.display()).into());
    }
    output::check_writable("--checkpoint", &place)?;
    let begin = arguments.resume.as_ref().map(|path| Kept::read(path)).transpose().map_err(unreadable)?;
    let y = files::read_vector(targets).map_err(unreadable)?;
    let quiet = arguments.quiet || arguments.json;
    let (bar, interrupted) = (output::progress(quiet, Some(1)), output::interruption()?);
    bar.set_message("looking at the rows");
    let rows = Rows::open(path).map_err(unreadable)?;
    let watch = (bar.clone(), Arc::clone(&interrupted));
    let rows = rows.watched(move |reading| look(&watch.0, &watch.1, reading));
    let (n, p) = (rows.rows(), rows.columns());
    if !quiet {
        let pass = HumanBytes(rows.bytes());
        bar.suspend(|| {
            output::note(&format!("{n} rows of {p} columns: {pass} a pass, {PASSES} passes a round"))
        });
    }
    let most = ((arguments.row_memory as usize) << 20) / (8 * p.max(1));
    let begun = Instant::now();
    let fit = match DiskFit::new(&rows, &y, q, most) {
        Ok(fit) => fit,
        Err(Fault::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        Err(fault) => return Err(fault.into()),
    };
    // What the first pass took says what a round will take.
    let round = begun.elapsed().saturating_mul(PASSES as u32);
    let (last, failed) = (Cell::new(Instant::now()), Cell::new(None));
    let mut observer = |kept: &Kept| {
        let left = HumanDuration(round);
        let value = unit * kept.value;
        bar.set_message(match kept.rounds {
            0 => format!("a first round of {} rows, about {left}", kept.near.min(n)),
            rounds => format!("{rounds} rounds, {value:.6e}; one of {} rows, about {left}", kept.near.min(n)),
        });
        // Nothing that a checkpoint holds changes within a round.
        if last.get().elapsed() + round >= KEEP_EVERY {
            last.set(Instant::now());
            if let Err(error) = kept.write(&place) {
                failed.set(Some(error));
                return ControlFlow::Break(());
            }
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let refused = |error: Error| -> Failure {
        match (error, &arguments.resume) {
            (Error::Option { name: "checkpoint", .. }, Some(path)) => {
                format!("{}: {error}", path.display()).into()
            }
            _ => format!("{}: {error}", path.display()).into(),
        }
    };
    let solved = fit.solve(begin.as_ref(), arguments.max_iterations, &mut observer).map_err(refused)?;
    let seconds = begun.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let ended = matches!(solved.status, Status::Optimal | Status::Stalled);
    if let (Some(kept), false) = (&solved.kept, ended) {
        kept.write(&place)?;
        if !quiet {
            output::note(&format!("round {} is kept; go on with --resume {}", kept.rounds, place.display()));
        }
    }
    if let Some(error) = failed.into_inner() {
        return Err(error.into());
    }
    match (solved.fault, solved.kept) {
        (Some(Fault::Stopped), _) => Ok(ExitCode::from(INTERRUPTED)),
        (Some(fault), _) => Err(fault.into()),
        (None, Some(kept)) => {
            if let Some(path) = &arguments.out {
                npy::write_vector(path, &kept.beta)?;
            }
            if solved.status == Status::Stalled && !quiet {
                output::note("hint: no proof within --row-memory; give more, or fit fewer columns");
            }
            let objective = unit * kept.value;
            let lower_bound = if solved.status == Status::Optimal { objective } else { 0.0 };
            let number = f64::NAN;
            let report_of = Report {
                status: solved.status,
                steps: kept.rounds,
                checks: kept.rounds,
                initial_residual: number,
                residual: number,
                scale: number,
            };
            let names: Vec<String> = (1..=p).map(|column| format!("x{column}")).collect();
            let coefficients = kept.beta;
            let fitted = Fitted {
                coefficients: coefficients.clone(),
                report: report_of,
                objective,
                lower_bound,
                delta: None,
            };
            let found = Out { fitted: &fitted, coefficients: &coefficients, names: &names, refined: None };
            report(arguments, &found, (n, p), seconds, crate::device::name(None))
        }
        (None, None) => Err("nothing was fitted".into()),
    }
}
