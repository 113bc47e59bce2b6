//! `southwell descend --out-of-core`: the design stays in its file.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use indicatif::{HumanBytes, ProgressBar};
use southwell::descent::sparse_regression::Loss;
use southwell::linear::Design;
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files;
use southwell_std::on_disk::descent::{DiskRegression, Kept, LEG};
use southwell_std::on_disk::{DiskDesign, Fault, Rows};
use southwell_std::owned::Fit;

use super::words::Judge;
use super::{Arguments, read, sparse};
use crate::on_disk::{KEEP_EVERY, expected, look};
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = &arguments.data;
    if read::extension(path) != "npy" {
        return Err(format!(
            "{}: with --out-of-core the design is a NumPy file (.npy) in Fortran order, as \
             numpy.save(name, numpy.asfortranarray(A)) writes it",
            path.display()
        )
        .into());
    }
    let unreadable = |error| output::unreadable(&error);
    let quiet = arguments.quiet || arguments.json;
    let (bar, interrupted) = (output::progress(quiet, Some(1)), output::interruption()?);
    bar.set_message("looking at the design");
    let rows = Rows::open_columns(path).map_err(unreadable)?;
    if rows.rows() == 0 || rows.columns() == 0 {
        return Err(format!("{}: there is nothing to fit", path.display()).into());
    }
    let watch = (bar.clone(), Arc::clone(&interrupted));
    let rows = rows.watched(move |reading| look(&watch.0, &watch.1, reading));
    let (bytes, budget) = (rows.bytes(), (arguments.column_memory as usize) << 20);
    let design = match DiskDesign::<f64>::new(rows, budget) {
        Ok(design) => design,
        Err(Fault::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        Err(fault) => return Err(fault.into()),
    };
    if !quiet {
        let (pass, memory) = (HumanBytes(bytes), HumanBytes((budget + design.file().memory()) as u64));
        let (n, p) = (design.rows(), design.columns());
        bar.suspend(|| {
            output::note(&format!("{n} samples of {p} features: {pass} a pass, up to {memory} of memory"));
        });
    }
    let targets = arguments.targets.as_ref().ok_or("give --targets")?;
    let mut y = files::read_vector(targets).map_err(unreadable)?;
    let loss = match arguments.loss() {
        Judge::Logistic => {
            read::two_classes(&mut y).map_err(|error| format!("{}: {error}", targets.display()))?;
            Loss::Logistic
        }
        _ => Loss::LeastSquares,
    };
    let regression = DiskRegression::new(&design, y, loss, arguments.intercept, arguments.sparsity());
    solve(arguments, &design, &regression, &bar, &interrupted)
}

fn solve(
    arguments: &Arguments,
    design: &DiskDesign<f64>,
    regression: &DiskRegression<'_>,
    bar: &ProgressBar,
    interrupted: &AtomicBool,
) -> Result<ExitCode, Failure> {
    let refused = |error: Error| -> Failure {
        match (error, &arguments.resume) {
            (Error::Option { name: "checkpoint", .. }, Some(path)) => {
                format!("{}: {error}", path.display()).into()
            }
            (Error::Option { .. }, _) => error.to_string().into(),
            _ => read::named(&arguments.data)(error),
        }
    };
    let place = arguments.checkpoint.as_ref().or(arguments.resume.as_ref()).cloned();
    let place = place.unwrap_or_else(|| PathBuf::from("descend-checkpoint.npz"));
    output::check_writable("--checkpoint", &place)?;
    let kept = match &arguments.resume {
        Some(path) => Some(Kept::read(path).map_err(|error| output::unreadable(&error))?),
        None => None,
    };
    let lambda_max = regression.lambda_max().map_err(refused)?;
    match design.file().fault() {
        Some(Fault::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        Some(fault) => return Err(fault.clone().into()),
        None => {}
    }
    let lambda = arguments.lambda.unwrap_or(arguments.lambda_ratio * lambda_max);
    let stop = Stop {
        max_steps: arguments.max_steps.unwrap_or(1000),
        ..Stop::relative(arguments.gap.unwrap_or(1e-6))
    };
    let fresh = regression.begin(lambda, lambda_max);
    let begun = kept.unwrap_or_else(|| fresh.clone());
    let first = begun.steps;
    let start = Instant::now();
    let (last, failed) = (Cell::new(start), Cell::new(None));
    let (written, mut looks, mut goal) = (Cell::new(first), begun.looks.clone(), f64::NAN);
    let mut observer = |progress: &Progress<f64>, kept: &Kept| {
        if let Some(gap) = progress.residual {
            looks.push((progress.step, gap));
            // The gap of w = 0 is no more than the objective there, which the run asks for a share of.
            goal = if goal.is_nan() { looks[0].1 * stop.relative } else { goal };
            let mut text = format!("{} steps, gap {gap:.3e}", progress.step);
            let taken = progress.step.saturating_sub(first);
            text.push_str(&expected(&looks, goal, start.elapsed(), taken));
            bar.set_message(text);
        }
        if last.get().elapsed() >= KEEP_EVERY && kept.steps > written.get() {
            last.set(Instant::now());
            written.set(kept.steps);
            if let Err(error) = kept.write(&place) {
                failed.set(Some(error));
                return ControlFlow::Break(());
            }
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let solved = regression.solve(&fresh, begun, &stop, &mut observer).map_err(refused)?;
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let converged = solved.outcome.is_some_and(|outcome| outcome.report.converged());
    if !converged || solved.fault.is_some() {
        solved.kept.write(&place)?;
        if !(arguments.quiet || arguments.json) {
            let (step, place) = (solved.kept.steps, place.display());
            output::note(&format!("step {step} is kept (every {LEG}); go on with --resume {place}"));
        }
    }
    if let Some(error) = failed.into_inner() {
        return Err(error.into());
    }
    match &solved.fault {
        Some(Fault::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        Some(fault) => return Err(fault.clone().into()),
        None => {}
    }
    let Some(outcome) = solved.outcome else { return Err("nothing was solved".into()) };
    let fit = Fit { lambda, w: solved.w, outcome };
    let (samples, features) = (design.rows(), design.columns());
    let curve = solved.kept.looks.iter().map(|&(step, gap)| (f64::from(step), gap)).collect();
    let fits = std::slice::from_ref(&fit);
    sparse::write(arguments, fits, curve, features)?;
    sparse::report(
        arguments,
        fits,
        &fit,
        (samples, features),
        lambda_max,
        seconds,
        crate::device::name(None),
    )?;
    Ok(if outcome.report.status == Status::Converged {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(NOT_CONVERGED)
    })
}
