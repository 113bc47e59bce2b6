//! `southwell transport --out-of-core`: the costs stay in their file.

use std::any::Any;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use southwell::transport::certificate::{certify, certify_len, evaluate, evaluate_len};
use southwell::transport::{Cost, Problem, newton};
use southwell::{Progress, Status, Stop};
use southwell_simd::vector::sum;
use southwell_std::checkpoint::Checkpoint;
use southwell_std::files::npz;
use southwell_std::on_disk::transport::{self, Begin, Solved};
use southwell_std::on_disk::{DiskCost, Element, Fault, Reading, Rows};
use southwell_std::owned::{Coupling, Precision, Solving};

use super::{Arguments, Method, marginals, plot, refusal, report};
use crate::on_disk::{KEEP_EVERY, expected, look};
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

/// What watches a run from outside.
#[derive(Clone)]
struct Watch {
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl Watch {
    fn new(quiet: bool) -> Result<Self, Failure> {
        let bar = output::progress(quiet, Some(1));
        if let Ok(style) = ProgressStyle::with_template("{msg} [{bar:20}] row {pos} of {len}") {
            bar.set_style(style.progress_chars("=> "));
        }
        Ok(Self { bar, interrupted: output::interruption()? })
    }

    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Shows how far a pass is, and breaks it off after Ctrl-C.
    fn look(&self, reading: &Reading) -> ControlFlow<()> {
        look(&self.bar, &self.interrupted, reading)
    }

    /// Opens the costs and looks at all of them; none if that was interrupted.
    fn open<T: Element>(&self, path: &Path) -> Result<Option<DiskCost<T>>, Failure> {
        let rows = Rows::open(path).map_err(|error| output::unreadable(&error))?;
        if rows.rows() == 0 || rows.columns() == 0 {
            let (rows, columns) = (rows.rows(), rows.columns());
            return Err(format!("the costs are {rows} × {columns}: there is nothing to transport").into());
        }
        let watch = self.clone();
        match DiskCost::new(rows.watched(move |reading| watch.look(reading))) {
            Ok(cost) => Ok(Some(cost)),
            Err(Fault::Stopped) => Ok(None),
            Err(fault) => Err(fault.into()),
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let over_relaxed = match arguments.method {
        Method::Auto | Method::OverRelaxedLog => true,
        Method::Log => false,
        _ => {
            return Err("this method stores something of the size of the costs; with --out-of-core take \
                        --method over-relaxed-log or log"
                .into());
        }
    };
    let path = arguments.cost.as_ref().ok_or("give --cost")?;
    let kept = match &arguments.resume {
        None => None,
        Some(path) => Some(Checkpoint::read(path).map_err(|error| output::unreadable(&error))?),
    };
    let watch = Watch::new(arguments.quiet || arguments.json)?;
    match arguments.precision.precision() {
        Precision::Double => solve::<f64>(arguments, path, over_relaxed, kept.as_ref(), &watch),
        Precision::Single => solve::<f32>(arguments, path, over_relaxed, kept.as_ref(), &watch),
    }
}

/// Where a run that does not finish leaves its checkpoint.
fn checkpoint_path(arguments: &Arguments) -> PathBuf {
    let given = arguments.checkpoint.as_ref().or(arguments.resume.as_ref());
    given.cloned().unwrap_or_else(|| PathBuf::from("transport-checkpoint.npz"))
}

fn solve<T: Element>(
    arguments: &Arguments,
    path: &Path,
    over_relaxed: bool,
    kept: Option<&Checkpoint>,
    watch: &Watch,
) -> Result<ExitCode, Failure> {
    let quiet = arguments.quiet || arguments.json;
    watch.bar.set_message("looking at the costs");
    let Some(cost) = watch.open::<T>(path)? else { return Ok(ExitCode::from(INTERRUPTED)) };
    let (rows, columns) = (cost.rows(), cost.columns());
    if !quiet {
        let memory = cost.file().memory() + transport::memory::<T>(rows, columns);
        let (pass, memory) = (HumanBytes(cost.file().bytes()), HumanBytes(memory as u64));
        watch.bar.suspend(|| {
            output::note(&format!("{rows} × {columns} costs: {pass} a step, {memory} of memory"))
        });
    }
    let marginals = marginals(arguments, rows, columns)?;
    let (a, b) = (&marginals.0[..], &marginals.1[..]);
    let epsilon = arguments.epsilon.unwrap_or(arguments.epsilon_ratio * cost.largest().to_f64());
    let precision = arguments.precision.precision();
    let tolerance = arguments.tolerance.unwrap_or_else(|| precision.tolerance());
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(tolerance) };
    let warm = match &arguments.warm_start {
        None => None,
        Some(path) => {
            Some(npz::read_potentials(path, ["f", "g"]).map_err(|error| output::unreadable(&error))?)
        }
    };
    let begin = match (kept, &warm) {
        (Some(kept), _) => Begin::Checkpoint(kept),
        (None, Some([f, g])) => Begin::Potentials(f, g),
        (None, None) => Begin::Zero,
    };
    let place = checkpoint_path(arguments);
    output::check_writable("--checkpoint", &place)?;

    let start = Instant::now();
    let (mut last, mut failed) = (start, None);
    let goal = tolerance * sum(a);
    let first = kept.map_or(0, |kept| kept.steps);
    let mut observer = |progress: &Progress<f64>, kept: &Checkpoint| {
        watch.bar.set_message(message(progress, kept, goal, start.elapsed(), first));
        if last.elapsed() >= KEEP_EVERY {
            last = Instant::now();
            if let Err(error) = kept.write(&place) {
                failed = Some(error);
                return ControlFlow::Break(());
            }
        }
        if watch.interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let solving = transport::Solving { epsilon, stop, over_relaxed };
    let solved = transport::solve(&cost, (a, b), &solving, &begin, &mut observer)
        .map_err(|error| refusal(arguments, error))?;
    let seconds = start.elapsed().as_secs_f64();
    if let (Some(path), (f, g)) = (&arguments.potentials, &solved.potentials) {
        npz::write(path, &[("f", f), ("g", g)])?;
    }
    if !solved.report.converged() {
        keep(&solved, &place, quiet, watch)?;
    }
    let curve: Vec<(f64, f64)> = match &solved.checkpoint {
        Some(kept) => kept.looks.iter().map(|&(step, residual)| (f64::from(step) + 1.0, residual)).collect(),
        None => Vec::new(),
    };
    if let Some(path) = &arguments.plot {
        plot(path, arguments, (rows, columns), epsilon, &curve)?;
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    match &solved.fault {
        Some(Fault::Stopped) | None => {}
        Some(fault) => return Err(fault.clone().into()),
    }
    let solving = Solving { precision, stop, ..Solving::default() };
    watch.bar.set_message("valuing what was found");
    let coupling = worth(cost, (a, b), epsilon, solved, curve, watch)?;
    watch.bar.finish_and_clear();
    report::print(
        arguments,
        &solving,
        &coupling,
        epsilon,
        (rows, columns),
        seconds,
        crate::device::name(None),
    )?;
    Ok(match coupling.report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Writes the checkpoint of a run that has not finished.
fn keep(solved: &Solved, place: &Path, quiet: bool, watch: &Watch) -> Result<(), Failure> {
    let Some(kept) = &solved.checkpoint else { return Ok(()) };
    kept.write(place)?;
    if !quiet {
        let text = format!("step {} is kept; go on with --resume {}", kept.steps, place.display());
        watch.bar.suspend(|| output::note(&text));
    }
    Ok(())
}

/// How far a run is, and how long it will take if the error goes on falling as it does.
fn message(progress: &Progress<f64>, kept: &Checkpoint, goal: f64, spent: Duration, first: u32) -> String {
    let residual = progress.residual.unwrap_or(f64::NAN);
    let mut text = format!("{} steps, marginal error {residual:.3e}", progress.step);
    text.push_str(&expected(&kept.looks, goal, spent, progress.step.saturating_sub(first)));
    text
}

/// What the potentials are worth, in `f64`: five passes. After Ctrl-C nobody waits for them.
fn worth<T: Element>(
    cost: DiskCost<T>,
    (a, b): (&[f64], &[f64]),
    epsilon: f64,
    solved: Solved,
    curve: Vec<(f64, f64)>,
    watch: &Watch,
) -> Result<Coupling, Failure> {
    let (f, g) = solved.potentials;
    let mut coupling = Coupling {
        report: solved.report,
        kernel_reads: solved.report.steps.saturating_add(1),
        iterations: solved.report.steps,
        newton: newton::Work::default(),
        omega: solved.omega,
        curve,
        marginal_error: solved.report.residual,
        mass: f64::NAN,
        cost: f64::NAN,
        dual: f64::NAN,
        primal: f64::NAN,
        lower_bound: None,
        f,
        g,
    };
    if watch.interrupted() {
        return Ok(coupling);
    }
    let mut b = Cow::Borrowed(b);
    let path = cost.file().path().to_owned();
    let cost = match (Box::new(cost) as Box<dyn Any>).downcast::<DiskCost<f64>>() {
        Ok(cost) => *cost,
        Err(_) => {
            // Masses that are the same in f32 need not be in f64.
            let factor = sum(a) / sum(&b);
            b.to_mut().iter_mut().for_each(|b| *b *= factor);
            let Some(cost) = watch.open(&path)? else { return Ok(coupling) };
            cost
        }
    };
    let problem = Problem::new(&cost, a, &b, epsilon)?;
    let mut storage = vec![0.0; certify_len(problem.rows(), problem.columns(), false)];
    let certificate = certify(&problem, &coupling.f, &coupling.g, &mut storage);
    storage.resize(evaluate_len(problem.columns(), false), 0.0);
    let evaluation = evaluate(&problem, &coupling.f, &coupling.g, &mut storage);
    match cost.file().fault() {
        Some(Fault::Stopped) => return Ok(coupling),
        Some(fault) => return Err(fault.clone().into()),
        None => {}
    }
    let (certificate, evaluation) = (certificate?, evaluation?);
    coupling.marginal_error = evaluation.error();
    coupling.mass = evaluation.mass;
    (coupling.cost, coupling.dual, coupling.primal) =
        (certificate.upper, certificate.dual, certificate.primal);
    coupling.lower_bound = Some(certificate.lower);
    Ok(coupling)
}
