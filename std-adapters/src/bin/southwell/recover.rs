//! `southwell recover`: a low-rank matrix from measurements of which many are grossly wrong.

mod out_of_core;
mod read;

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use southwell::subgradient::matrix::{Options, Precondition, Start, Step, Unit};
use southwell::{Progress, Real, Status, Stop};
use southwell_std::files::archive;
use southwell_std::owned::{Found, Look, Measurements, Recovery};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::{Pool, Work};

use super::heat::tolerance;
use super::relax::name;
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use read::Input;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("resumable").args(["out_of_core", "cluster"]))]
#[command(after_help = "\
The archive, as numpy.savez writes it, holds the measurements y (m) and one operator:
  A (m, d1, d2)          any matrices: y = <A[i], X>
  P (m, d (d + 1)/2)     symmetric ones, lower triangles by rows
  a (m, d)               y = a[i]' X a[i]
  a, a_minus (m, d)      y = a[i]' X a[i] - a_minus[i]' X a_minus[i]
  a (m, d1), b (m, d2)   y = a[i]' X b[i]
  i, j (m), shape (2)    entries of X, which has this shape
  signs or normal (2), shape (2)   random matrices of the counter generator: seed and tag of the stream
or, instead of both, M (d1, d2): every entry of X, some of them wrong. X (d1, d2), if there, is compared with.

Exit codes: 0 converged (the step has shrunk, or the target is met), 1 bad input, 2 wrong usage,
3 not converged, 130 interrupted. That the step has shrunk does not say that the value is low: look at it.

Examples:
  southwell recover measurements.npz --rank 10 --json
  southwell recover image.npz --rank 5 --general --out factors.npz --plot value.svg
  southwell recover phases.npz --rank 1 --step polyak --target 0 --init-scale 1 --start spectral
  southwell recover A.npy --targets y.npy --rank 10 --out-of-core --checkpoint run.npz   # Ctrl-C, then --resume run.npz

Over ranks (--cluster, in a build with the feature `mpi`): the measurements are divided; the factors do not depend on the number of
ranks, and agree with those of one machine to rounding:
  mpirun -n 4 southwell recover measurements.npz --cluster --rank 10 --out factors.npz --checkpoint run.npz
  mpirun -n 2 southwell recover measurements.npz --cluster --rank 10 --out factors.npz --resume run.npz")]
pub(crate) struct Arguments {
    /// Operator and measurements: a NumPy archive.
    #[arg(value_name = "FILE.npz")]
    file: PathBuf,
    /// Columns of the factors: the rank of X, or more.
    #[arg(long)]
    rank: usize,
    /// X = U V'. Default: X = U U' where the measurements are of square matrices, unless of single entries.
    #[arg(long, conflicts_with = "symmetric")]
    general: bool,
    /// X = U U'.
    #[arg(long)]
    symmetric: bool,
    /// The direction of the start.
    #[arg(long, value_enum, default_value_t = Direction::PowerStep)]
    start: Direction,
    /// The size of the start: its measurements are the square of this times the typical one.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1e-3, value_name = "ALPHA")]
    init_scale: f64,
    /// The rule for steps.
    #[arg(long, value_enum, default_value_t = Rule::Oscillation)]
    step: Rule,
    /// The first step, relative to what grows fastest; of normalised steps, its length.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.25)]
    eta: f64,
    /// What steps shrink by. Default: 0.9, and 0.95 for held steps.
    #[arg(long, allow_negative_numbers = true)]
    rho: Option<f64>,
    /// Steps before held steps begin to shrink.
    #[arg(long, default_value_t = 60)]
    hold: u32,
    /// How often the oscillation rule goes back to the first step.
    #[arg(long, default_value_t = 1)]
    restarts: u32,
    /// The run has converged at this value of (1/m) sum |<A[i], X> - y[i]|; what Polyak's steps aim at.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.0)]
    target: f64,
    /// Scale directions by the factors' own shape (for starts that are not small).
    #[arg(long)]
    scaled: bool,
    /// The damping of scaled directions.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1e-4, requires = "scaled")]
    damping: f64,
    /// The run has converged when the step has shrunk to this; between 0 and 1. Default: 1e-8, 1e-5 in
    /// single precision.
    #[arg(long, allow_hyphen_values = true, value_parser = tolerance)]
    tolerance: Option<f64>,
    /// Steps after which the run gives up.
    #[arg(long, default_value_t = 10_000, value_name = "STEPS")]
    max_iterations: u32,
    /// The seed of the start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Compute with numbers of 32 bits: half of the memory, and of the time.
    #[arg(long)]
    single: bool,
    /// Write the factors U and V and the singular values of X as a NumPy archive.
    #[arg(long, value_name = "UV.npz")]
    pub(crate) out: Option<PathBuf>,
    /// Draw the value (and the error, where X is there) against the steps.
    #[arg(long, value_name = "value.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Divide the measurements among the ranks that mpirun started.
    #[arg(long, conflicts_with_all = ["single", "plot"])]
    cluster: bool,
    /// Leave the matrices in FILE, a NumPy file (.npy) of three axes in C order, and read it once a step.
    #[arg(long, requires = "targets", conflicts_with_all = ["cluster", "plot"])]
    pub(crate) out_of_core: bool,
    /// With --out-of-core, the measurements: a NumPy vector.
    #[arg(long, value_name = "y.npy", requires = "out_of_core")]
    targets: Option<PathBuf>,
    /// With --out-of-core, where a checkpoint is written on Ctrl-C, every ten minutes and when steps run out. Default:
    /// recover-checkpoint.npz.
    /// With --cluster there are checkpoints only where this or --resume names a file.
    #[arg(long, value_name = "RUN.npz", requires = "resumable")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Over ranks, a checkpoint every so many steps.
    #[arg(long, allow_negative_numbers = true, value_name = "STEPS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..), requires = "cluster")]
    checkpoint_every: u32,
    /// Go on from this checkpoint, over any number of ranks, and keep it.
    #[arg(long, value_name = "RUN.npz", requires = "resumable", conflicts_with = "checkpoint")]
    resume: Option<PathBuf>,
}

impl Arguments {
    /// Whether ranks share the problem.
    pub(crate) fn is_divided(&self) -> bool {
        self.cluster
    }
}

#[cfg(feature = "mpi")]
impl Arguments {
    /// What runs over ranks.
    pub(crate) fn divided(&self) -> Result<southwell_std::cluster::job::recover::Setting<'_>, String> {
        let symmetric = match (self.symmetric, self.general) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        };
        Ok(southwell_std::cluster::job::recover::Setting {
            file: &self.file,
            rank: self.rank,
            symmetric,
            options: options(self),
            saving: crate::cluster::saving(
                self.checkpoint.as_deref(),
                self.resume.as_deref(),
                self.checkpoint_every,
            )?,
            out: self.out.as_deref(),
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Direction {
    /// The measurements' own matrix times a random one.
    PowerStep,
    /// Its leading eigenvectors.
    Spectral,
    /// A random matrix.
    Random,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Rule {
    /// Shrink when a step went too far.
    Oscillation,
    /// Hold, then shrink.
    Held,
    /// As far as the value is above the target.
    Polyak,
    /// Never shrink.
    Constant,
    /// Shrink as 1/sqrt(t + 1).
    Diminishing,
    /// The same, of lengths: each step is the sub-gradient's direction times eta/sqrt(t + 1), in the factors' own unit.
    Normalised,
}

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document {
    status: &'static str,
    /// (1/m) Σ |⟨A_i, X⟩ − y_i| of the factors that are left.
    value: Option<f64>,
    found_at: u32,
    last_value: Option<f64>,
    iterations: u32,
    relative_step: Option<f64>,
    /// The rank that the singular values show.
    rank: usize,
    singular_values: Vec<f64>,
    /// Shares of measurements that the last iterate meets exactly, exceeds, and falls short of.
    signs: [f64; 3],
    /// ‖X − truth‖_F/‖truth‖_F where the archive holds X.
    relative_error: Option<f64>,
    rows: usize,
    columns: usize,
    measurements: usize,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
    device: String,
}

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::recover(arguments);
    }
    for (option, path) in [("--out", &arguments.out), ("--plot", &arguments.plot)] {
        let Some(path) = path else { continue };
        if matches!((arguments.file.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b) {
            let path = path.display();
            return Err(format!("{option} {path}: this is the input of the run; name another file").into());
        }
        output::check_writable(option, path)?;
    }
    if arguments.out_of_core {
        return match arguments.single {
            true => out_of_core::run::<f32>(arguments),
            false => out_of_core::run::<f64>(arguments),
        };
    }
    let Input { measurements, y, symmetric, truth } = read::read(&arguments.file)?;
    let (rows, columns) = measurements.dimensions();
    let symmetric = arguments.symmetric || !arguments.general && symmetric.unwrap_or(true);
    if !matches!(measurements, Measurements::Dense { .. } | Measurements::Seeded { .. }) {
        let instead = "leave --device out, or take --device threads";
        device::refuse_gpu("only passes over whole matrices run (A, signs or normal)", instead)?;
    }
    let work = work(&measurements, y.len(), arguments.rank);
    let pool = device::threads(Work { products: work, ..Work::default() })?;
    let recovery = Recovery { measurements, y, symmetric, rank: arguments.rank };
    let truth = truth.map(|truth| {
        if (truth.rows, truth.columns) == (rows, columns) {
            Ok(truth.values)
        } else {
            let file = arguments.file.display();
            Err(format!("{file}: `X` is {} × {}, not {rows} × {columns}", truth.rows, truth.columns))
        }
    });
    let truth = truth.transpose()?;
    let start = Instant::now();
    let truth = truth.as_deref();
    let (found, place) = if arguments.single {
        solve::<f32>(arguments, &recovery, pool.as_ref(), truth)
    } else {
        solve::<f64>(arguments, &recovery, pool.as_ref(), truth)
    }?;
    let seconds = start.elapsed().as_secs_f64();
    finish(arguments, (rows, columns, recovery.y.len()), &found, truth, seconds, place)
}

/// Writes what was found, and says so; rows, columns and the number of measurements are of the problem.
fn finish(
    arguments: &Arguments,
    shape: (usize, usize, usize),
    found: &Found,
    truth: Option<&[f64]>,
    seconds: f64,
    device: String,
) -> Result<ExitCode, Failure> {
    if let Some(path) = &arguments.out {
        let (u, v) = (&found.u, &found.v);
        archive::write(
            path,
            &[
                ("U", &[u.rows, u.columns], &u.values),
                ("V", &[v.rows, v.columns], &v.values),
                ("singular_values", &[u.columns], &found.singular_values),
            ],
        )?;
    }
    if let Some(path) = &arguments.plot {
        write_svg(path, &panels(&found.history))?;
    }
    report(arguments, shape, found, truth, seconds, device)?;
    Ok(match found.recovered.report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Products and sums of an iteration.
fn work(measurements: &Measurements, count: usize, rank: usize) -> usize {
    let (rows, columns) = measurements.dimensions();
    let each = match measurements {
        Measurements::Dense { .. } | Measurements::Packed { .. } | Measurements::Seeded { .. } => {
            2 * rows.saturating_mul(columns)
        }
        Measurements::Entries { .. } | Measurements::AllEntries { .. } => 4 * rank,
        _ => 2 * rank * (rows + columns),
    };
    count.saturating_mul(each)
}

fn options<T: Real>(arguments: &Arguments) -> Options<T> {
    let eta0 = T::from_f64(arguments.eta);
    let rho = |default: f64| T::from_f64(arguments.rho.unwrap_or(default));
    let step = match arguments.step {
        Rule::Oscillation => Step::Oscillation { eta0, rho: rho(0.9), restarts: arguments.restarts },
        Rule::Held => Step::Held { eta0, rho: rho(0.95), hold: arguments.hold },
        Rule::Polyak => Step::Polyak { target: T::from_f64(arguments.target) },
        Rule::Constant => Step::Constant { eta0 },
        Rule::Diminishing | Rule::Normalised => Step::Diminishing { eta0 },
    };
    let unit = if arguments.step == Rule::Normalised { Unit::Length } else { Unit::Auto };
    let start = match arguments.start {
        Direction::PowerStep => Start::PowerStep,
        Direction::Spectral => Start::Spectral,
        Direction::Random => Start::Random,
    };
    let precondition = if arguments.scaled {
        Precondition::Scaled { damping: T::from_f64(arguments.damping) }
    } else {
        Precondition::None
    };
    let mut stop = Stop { max_steps: arguments.max_iterations, ..Stop::default() };
    if let Some(tolerance) = arguments.tolerance {
        stop.relative = T::from_f64(tolerance);
    }
    let (alpha, target) = (T::from_f64(arguments.init_scale), T::from_f64(arguments.target));
    Options {
        stop,
        start,
        alpha,
        seed: arguments.seed,
        step,
        unit,
        precondition,
        target,
        ..Options::default()
    }
}

/// What is found, and where.
fn solve<T: Real>(
    arguments: &Arguments,
    recovery: &Recovery,
    pool: Option<&Pool>,
    truth: Option<&[f64]>,
) -> Result<(Found, String), Failure> {
    let bar = output::progress(arguments.quiet || arguments.json, None);
    let interrupted = output::interruption()?;
    let mut shown = Instant::now();
    let mut observer = |progress: &Progress<T>| {
        if shown.elapsed() >= REFRESH {
            bar.set_message(format!(
                "{} steps, step size {:.3e}",
                progress.step,
                progress.parameter.to_f64()
            ));
            shown = Instant::now();
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = options::<T>(arguments);
    let refused =
        |error: southwell::Error| -> Failure { format!("{}: {error}", arguments.file.display()).into() };
    // Left to choose, a run stays where its values have all their digits.
    #[cfg(feature = "gpu")]
    if let Some(gpu) = device::Gpu::asked(false, arguments.quiet) {
        let watch = arguments.plot.is_some().then_some(truth);
        let found = gpu.run(refused, |opened, told| {
            southwell_std::gpu::owned::recover(opened, recovery, &options, watch, &mut observer, told)
        });
        bar.finish_and_clear();
        return Ok((found?, gpu.name().unwrap_or_else(|| device::name(None))));
    }
    let found = match (pool, arguments.plot.is_some()) {
        (None, false) => recovery.solve(&options, &mut observer),
        (None, true) => recovery.watch(&options, truth, &mut observer),
        (Some(pool), false) => recovery.on(pool).solve(&options, &mut observer),
        (Some(pool), true) => recovery.on(pool).watch(&options, truth, &mut observer),
    };
    bar.finish_and_clear();
    Ok((found.map_err(refused)?, device::name(pool)))
}

/// Value and error against the steps.
fn panels(history: &[Look]) -> Vec<Panel> {
    let curve = |name: &str, of: &dyn Fn(&Look) -> Option<f64>| Series {
        name: name.to_owned(),
        points: history.iter().filter_map(|look| Some((f64::from(look.step), of(look)?))).collect(),
    };
    let panel = |y_label: &str, series| Panel {
        title: String::new(),
        x_label: "steps".to_owned(),
        y_label: y_label.to_owned(),
        series: vec![series],
        logarithmic: true,
    };
    let mut panels = vec![
        panel("mean |residual|", curve("value", &|look| Some(look.value))),
        panel("relative step", curve("step", &|look| Some(look.relative_step))),
    ];
    if history.iter().any(|look| look.error.is_some()) {
        panels.insert(0, panel("relative error", curve("error", &|look| look.error)));
    }
    panels
}

/// ‖X − truth‖_F/‖truth‖_F.
fn relative_error(found: &Found, truth: &[f64]) -> f64 {
    let square = |sum: f64, off: f64| sum + off * off;
    let off = found.matrix().values.iter().zip(truth).map(|(x, truth)| x - truth).fold(0.0, square);
    (off / truth.iter().copied().fold(0.0, square)).sqrt()
}

fn report(
    arguments: &Arguments,
    (rows, columns, measurements): (usize, usize, usize),
    found: &Found,
    truth: Option<&[f64]>,
    seconds: f64,
    device: String,
) -> Result<(), Failure> {
    let recovered = &found.recovered;
    let status = name(recovered.report.status);
    let number = |value: f64| value.is_finite().then_some(value);
    let error = truth.map(|truth| relative_error(found, truth));
    if arguments.json {
        return output::print_json(&Document {
            status,
            value: number(recovered.value),
            found_at: recovered.found_at,
            last_value: number(recovered.last_value),
            iterations: recovered.report.steps,
            relative_step: number(recovered.report.residual),
            rank: recovered.rank,
            singular_values: found.singular_values.clone(),
            signs: recovered.signs,
            relative_error: error.and_then(number),
            rows,
            columns,
            measurements,
            seconds,
            simd: southwell_simd::level_name(),
            device,
        });
    }
    let error = error.map_or(String::new(), |error| format!(", relative error {error:.3e}"));
    output::print(&format!(
        "{status} after {} steps: mean |residual| {:.10e} (step {}), rank {}{error}, {seconds:.3} s\n",
        recovered.report.steps, recovered.value, recovered.found_at, recovered.rank,
    ))?;
    if recovered.report.status != Status::Converged && !arguments.quiet {
        output::note("hint: more steps with --max-iterations, or another rule with --step");
    }
    Ok(())
}
