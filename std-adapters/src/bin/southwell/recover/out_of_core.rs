//! `southwell recover --out-of-core`: the measurement matrices stay in their file.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use indicatif::HumanBytes;
use southwell::{Error, Progress};
use southwell_std::files;
use southwell_std::on_disk::recovery::{DiskRecovery, Kept};
use southwell_std::on_disk::{DiskMeasurements, Element, Fault, Rows};

use super::{Arguments, finish, options};
use crate::on_disk::{KEEP_EVERY, expected, look};
use crate::output::{self, Failure, INTERRUPTED};

pub(super) fn run<T: Element>(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let path = &arguments.file;
    if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("npy")) {
        return Err(format!(
            "{}: with --out-of-core the measurement matrices are a NumPy file (.npy) of three axes (measurements, rows, \
             columns), as numpy.save writes it",
            path.display()
        )
        .into());
    }
    let unreadable = |error| output::unreadable(&error);
    let targets = arguments.targets.as_ref().ok_or("give --targets")?;
    let y = files::read_vector(targets).map_err(unreadable)?;
    let place = arguments.checkpoint.as_ref().or(arguments.resume.as_ref()).cloned();
    let place = place.unwrap_or_else(|| PathBuf::from("recover-checkpoint.npz"));
    if [path, targets].contains(&&place) {
        return Err(format!("--checkpoint {}: this is an input of the run", place.display()).into());
    }
    output::check_writable("--checkpoint", &place)?;
    let begin = arguments.resume.as_ref().map(|path| Kept::read(path)).transpose().map_err(unreadable)?;
    let quiet = arguments.quiet || arguments.json;
    let (bar, interrupted) = (output::progress(quiet, Some(1)), output::interruption()?);
    bar.set_message("looking at the measurements");
    let rows = Rows::<T>::open(path).map_err(unreadable)?;
    let &[_, d1, d2] = rows.axes() else {
        let path = path.display();
        return Err(format!("{path}: the file must have three axes: measurements, rows, columns").into());
    };
    let watch = (bar.clone(), Arc::clone(&interrupted));
    let rows = rows.watched(move |reading| look(&watch.0, &watch.1, reading));
    if !quiet {
        let (pass, memory) = (HumanBytes(rows.bytes()), HumanBytes(rows.memory() as u64));
        let count = rows.rows();
        bar.suspend(|| {
            output::note(&format!("{count} matrices of {d1} × {d2}: {pass} a pass, {memory} of blocks"))
        });
    }
    let measurements = match DiskMeasurements::new(rows, d1, d2) {
        Ok(measurements) => measurements,
        Err(Fault::Stopped) => return Ok(ExitCode::from(INTERRUPTED)),
        Err(fault) => return Err(fault.into()),
    };
    let symmetric = arguments.symmetric || !arguments.general && d1 == d2;
    let recovery = DiskRecovery { measurements: &measurements, y: &y, symmetric, rank: arguments.rank };
    let refused = |error: Error| -> Failure {
        match (error, &arguments.resume) {
            (Error::Option { name: "checkpoint", .. }, Some(path)) => {
                format!("{}: {error}", path.display()).into()
            }
            _ => format!("{}: {error}", arguments.file.display()).into(),
        }
    };
    let options = options::<T>(arguments);
    let (start, goal) = (Instant::now(), options.stop.relative.to_f64());
    let first = begin.as_ref().map_or(0, |kept| kept.counts[0]);
    let (last, failed) = (Cell::new(start), Cell::new(None));
    let mut observer = |progress: &Progress<f64>, kept: &Kept| {
        let mut text =
            format!("{} steps, relative step {:.3e}", progress.step, progress.residual.unwrap_or(f64::NAN));
        let taken = progress.step.saturating_sub(first);
        text.push_str(&expected(&kept.looks, goal, start.elapsed(), taken));
        bar.set_message(text);
        if last.get().elapsed() >= KEEP_EVERY {
            last.set(Instant::now());
            if let Err(error) = kept.write(&place) {
                failed.set(Some(error));
                return ControlFlow::Break(());
            }
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let solved = recovery.solve(&options, begin.as_ref(), &mut observer).map_err(refused)?;
    let seconds = start.elapsed().as_secs_f64();
    bar.finish_and_clear();
    let converged = solved.found.as_ref().is_some_and(|found| found.recovered.report.converged());
    if let (Some(kept), true) = (&solved.kept, !converged || solved.fault.is_some()) {
        kept.write(&place)?;
        if !quiet {
            output::note(&format!(
                "step {} is kept; go on with --resume {}",
                kept.counts[0],
                place.display()
            ));
        }
    }
    if let Some(error) = failed.into_inner() {
        return Err(error.into());
    }
    match (solved.fault, solved.found) {
        (None | Some(Fault::Stopped), Some(found)) => {
            finish(arguments, (d1, d2, y.len()), &found, None, seconds, crate::device::name(None))
        }
        (Some(Fault::Stopped), None) => Ok(ExitCode::from(INTERRUPTED)),
        (Some(fault), _) => Err(fault.into()),
        (None, None) => Err("nothing was recovered".into()),
    }
}
