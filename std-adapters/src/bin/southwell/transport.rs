//! `southwell transport`: entropic optimal transport between what files hold.

#[cfg(any(unix, windows))]
mod out_of_core;
mod report;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use southwell::transport::Ground;
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::{self, npy, npz};
#[cfg(feature = "gpu")]
use southwell_std::gpu::{owned::couple, relaxation::Settings};
use southwell_std::owned::{Costs, Coupler, Precision, Solving, Transport};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::Work;

use super::heat::tolerance;
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("resumable").args(["out_of_core", "cluster"]))]
#[command(after_help = "\
Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Ctrl-C ends the run after the step in hand; what was asked for is written. A second Ctrl-C ends it at once.

Examples:
  southwell transport --cost C.npy --epsilon-ratio 0.01 --plan P.npy
  southwell transport --points X.npy Y.npy --ground euclidean --epsilon 0.05 --json
  southwell transport --cost C.npy --a a.npy --b b.npy --epsilon 1e-3 --potentials fg.npz --plot error.svg
  southwell transport --cost C.npy --a a.npy --b b.npy --unbalanced 0.1 --precision f32
  southwell transport --cost C.npy --epsilon 1e-3 --gap 1e-6
  southwell transport --cost C.npy --out-of-core --epsilon 0.01 --checkpoint run.npz --potentials fg.npz
  southwell transport --cost C.npy --out-of-core --epsilon 0.01 --resume run.npz --potentials fg.npz

Over ranks (--cluster, in a build with the feature `mpi`): rows of the costs, or of X.npy, divided among the ranks; the
methods auto and over-relaxed-log, which are the same here, log and newton-sparse; masses in NumPy files. The potentials do not depend on
the number of ranks. --checkpoint writes a checkpoint every so many steps, and --resume goes on from one on any number:
  mpirun -n 4 southwell transport --cluster --cost C.npy --epsilon 0.01 --checkpoint run.npz --potentials fg.npz
  mpirun -n 2 southwell transport --cluster --cost C.npy --epsilon 0.01 --resume run.npz --potentials fg.npz")]
pub(crate) struct Arguments {
    /// The costs: a NumPy matrix, none of them negative.
    #[arg(long, value_name = "C.npy", required_unless_present = "points", conflicts_with = "points")]
    cost: Option<PathBuf>,
    /// Two point clouds, a row a point; costs are made when they are needed.
    #[arg(long, num_args = 2, value_names = ["X.npy", "Y.npy"])]
    points: Option<Vec<PathBuf>>,
    /// What a distance between points is.
    #[arg(long, value_enum, default_value_t = Distance::SquaredEuclidean, requires = "points")]
    ground: Distance,
    /// The mass of each row, NumPy or Matrix Market. Default: the same for all, 1 together.
    #[arg(long, value_name = "a.npy")]
    a: Option<PathBuf>,
    /// The mass of each column. Default: the same for all, as much as the rows have.
    #[arg(long, value_name = "b.npy")]
    b: Option<PathBuf>,
    /// The weight of the entropy, in the unit of the costs.
    #[arg(long, allow_negative_numbers = true, conflicts_with = "epsilon_ratio")]
    epsilon: Option<f64>,
    /// The same as a share of the largest cost (for points, of a bound of it).
    #[arg(long, allow_negative_numbers = true, default_value = "0.01", value_name = "RATIO")]
    epsilon_ratio: f64,
    /// How the problem is solved.
    #[arg(long, value_enum, default_value_t = Method::Auto)]
    method: Method,
    /// Let marginals be missed, at RHO times the Kullback-Leibler divergence from them; masses may differ then.
    /// Methods: auto and log, which are the same here.
    #[arg(long, allow_negative_numbers = true, value_name = "RHO")]
    unbalanced: Option<f64>,
    /// The numbers that the run computes with; what it found is valued in f64.
    #[arg(long, value_enum, default_value_t = Numbers::F64)]
    precision: Numbers,
    /// The run has converged when the marginals are off by TOLERANCE of the mass, all together; between 0 and 1.
    /// Default: 1e-9, in f32 1e-5.
    #[arg(long, allow_hyphen_values = true, value_parser = tolerance)]
    tolerance: Option<f64>,
    /// The run has converged when no coupling can be better by more than GAP, in the unit of the costs times mass,
    /// with a certificate; with --tolerance, when the marginals are right as well.
    #[arg(long, allow_negative_numbers = true, value_name = "GAP", conflicts_with = "unbalanced")]
    gap: Option<f64>,
    /// Steps after which the run gives up.
    #[arg(long, allow_negative_numbers = true, default_value_t = 100_000, value_name = "STEPS")]
    max_iterations: u32,
    /// Begin with the potentials f and g of an earlier run; −inf (a line without mass) is allowed.
    #[arg(long, value_name = "fg.npz")]
    warm_start: Option<PathBuf>,
    /// Write the coupling as a NumPy matrix.
    #[arg(long, value_name = "P.npy")]
    pub(crate) plan: Option<PathBuf>,
    /// Write the potentials f and g as a NumPy archive.
    #[arg(long, value_name = "fg.npz")]
    pub(crate) potentials: Option<PathBuf>,
    /// Draw the error against the readings of the kernel, or of the costs.
    #[arg(long, value_name = "error.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Leave the costs in their file and read it once a step, for costs larger than memory. Methods: auto and
    /// over-relaxed-log, which are the same here, and log.
    #[arg(long, requires = "cost", conflicts_with_all = ["unbalanced", "plan", "points"])]
    pub(crate) out_of_core: bool,
    /// Where a run that is interrupted leaves what it takes to go on; written every ten minutes, too.
    /// Default: the file of --resume, or transport-checkpoint.npz.
    /// With --cluster there are checkpoints only where this or --resume names a file.
    #[arg(long, value_name = "RUN.npz", requires = "resumable")]
    pub(crate) checkpoint: Option<PathBuf>,
    /// Go on where the run that wrote this was interrupted, with the bits of one that was not.
    #[arg(long, value_name = "RUN.npz", requires = "resumable", conflicts_with = "warm_start")]
    resume: Option<PathBuf>,
    /// Divide the rows among the ranks that mpirun started.
    #[arg(long, conflicts_with_all = ["out_of_core", "unbalanced", "gap", "plot"])]
    cluster: bool,
    /// Over ranks, a checkpoint every so many steps.
    #[arg(long, allow_negative_numbers = true, value_name = "STEPS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..), requires = "cluster")]
    checkpoint_every: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Distance {
    /// Σ (x − y)²
    SquaredEuclidean,
    /// √Σ (x − y)²
    Euclidean,
    /// Σ |x − y|
    L1,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Over-relaxed iterations, Newton's method, or both by turns, as the run shows.
    Auto,
    /// Sinkhorn's iteration on a stored kernel.
    Sinkhorn,
    /// Sinkhorn's iteration in the log domain; stores nothing of the size of the costs.
    Log,
    /// Over-relaxed iterations, omega found on the way.
    OverRelaxed,
    /// The same in the log domain.
    OverRelaxedLog,
    /// Sinkhorn-Newton-Sparse.
    NewtonSparse,
    /// Greenkhorn, the worst line at a time; for small problems.
    Greedy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Numbers {
    F32,
    F64,
}

impl Numbers {
    fn precision(self) -> Precision {
        match self {
            Numbers::F32 => Precision::Single,
            Numbers::F64 => Precision::Double,
        }
    }
}

impl Method {
    /// What a pass over so many costs takes.
    fn work(self, entries: usize) -> Work {
        match self {
            Method::Log | Method::OverRelaxedLog => Work { exponentials: entries, ..Work::default() },
            Method::Auto | Method::Sinkhorn | Method::OverRelaxed | Method::NewtonSparse => {
                // An entry of a stored kernel takes a third of what one of a matrix does.
                Work { products: entries / 3, ..Work::default() }
            }
            // A line at a time: nothing is shared out.
            Method::Greedy => Work::default(),
        }
    }

    fn coupler(self) -> Coupler {
        match self {
            Method::Auto => Coupler::Auto,
            Method::Sinkhorn => Coupler::Sinkhorn,
            Method::Log => Coupler::Log,
            Method::OverRelaxed => Coupler::OverRelaxed,
            Method::OverRelaxedLog => Coupler::OverRelaxedLog,
            Method::NewtonSparse => Coupler::NewtonSparse,
            Method::Greedy => Coupler::Greedy,
        }
    }
}

/// Entries of the costs from which `auto` tries a GPU: below, a reading is shorter there than what it takes to
/// start it.
#[cfg(feature = "gpu")]
const WORTH_A_GPU: usize = 10_000_000;

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

impl Arguments {
    fn ground(&self) -> Ground {
        match self.ground {
            Distance::SquaredEuclidean => Ground::SquaredEuclidean,
            Distance::Euclidean => Ground::Euclidean,
            Distance::L1 => Ground::L1,
        }
    }
}

#[cfg(feature = "mpi")]
impl Arguments {
    /// What runs over ranks.
    pub(crate) fn divided(&self) -> Result<southwell_std::cluster::job::transport::Setting<'_>, String> {
        use southwell_std::cluster::job::{Size, transport as divided};
        let method = match self.method {
            Method::Auto | Method::OverRelaxedLog => divided::Method::OverRelaxed,
            Method::Log => divided::Method::Log,
            Method::NewtonSparse => divided::Method::NewtonSparse,
            _ => {
                return Err(
                    "this --method is not there over ranks; use over-relaxed-log, log or newton-sparse"
                        .to_owned(),
                );
            }
        };
        if self.precision == Numbers::F32 {
            return Err("--precision f32 is not there over ranks; leave it out".to_owned());
        }
        let costs = match (&self.cost, self.points.as_deref()) {
            (Some(cost), _) => divided::Costs::Matrix(cost),
            (None, Some([x, y])) => divided::Costs::Points { x, y, ground: self.ground() },
            _ => return Err("give --cost or --points".to_owned()),
        };
        let tolerance = self.tolerance.unwrap_or_else(|| Precision::Double.tolerance());
        Ok(divided::Setting {
            costs,
            a: self.a.as_deref(),
            b: self.b.as_deref(),
            epsilon: self.epsilon.map_or(Size::Ratio(self.epsilon_ratio), Size::Given),
            method,
            stop: Stop { max_steps: self.max_iterations, ..Stop::relative(tolerance) },
            warm_start: self.warm_start.as_deref(),
            saving: crate::cluster::saving(
                self.checkpoint.as_deref(),
                self.resume.as_deref(),
                self.checkpoint_every,
            )?,
            plan: self.plan.as_deref(),
            potentials: self.potentials.as_deref(),
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::transport(arguments);
    }
    check_outputs(arguments)?;
    #[cfg(any(unix, windows))]
    if arguments.out_of_core {
        return out_of_core::run(arguments);
    }
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message("reading");
    bar.tick();
    let transport = read(arguments)?;
    let (rows, columns) = transport.shape();
    let pool = device::threads(arguments.method.work(rows.saturating_mul(columns)))?;
    let transport = if let Some(pool) = &pool { transport.on(pool) } else { transport };
    let refused = |error: Error| refusal(arguments, error);
    let epsilon = match arguments.epsilon {
        Some(epsilon) => epsilon,
        None => arguments.epsilon_ratio * transport.largest().map_err(refused)?,
    };
    let warm = match &arguments.warm_start {
        None => None,
        Some(path) => {
            Some(npz::read_potentials(path, ["f", "g"]).map_err(|error| output::unreadable(&error))?)
        }
    };
    let warm = warm.as_ref().map(|[f, g]| (f.as_slice(), g.as_slice()));

    let precision = arguments.precision.precision();
    let tolerance = arguments.tolerance.unwrap_or_else(|| precision.tolerance());
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(tolerance) };
    let solving = Solving {
        stop,
        unbalanced: arguments.unbalanced,
        gap: arguments.gap,
        both: arguments.tolerance.is_some(),
        ..Solving::with(arguments.method.coupler(), precision)
    };
    let start = Instant::now();
    // From here on there is something to lose.
    let interrupted = output::interruption()?;
    let mut shown = Instant::now();
    let mut observer = |progress: &Progress<f64>| {
        if let (Some(residual), true) = (progress.residual, shown.elapsed() >= REFRESH) {
            bar.set_message(format!("{} steps, marginal error {residual:.3e}", progress.step));
            shown = Instant::now();
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    #[cfg(feature = "gpu")]
    let gpu = device::Gpu::asked(rows.saturating_mul(columns) >= WORTH_A_GPU, arguments.quiet);
    #[cfg(feature = "gpu")]
    let (coupling, place) = match &gpu {
        Some(gpu) => {
            let coupling = gpu.run(refused, |opened, told| {
                let settings = Settings::default();
                couple(opened, settings, &transport, epsilon, &solving, warm, &mut observer, told)
            })?;
            (coupling, gpu.name())
        }
        None => (transport.solve(epsilon, &solving, warm, &mut observer).map_err(refused)?, None),
    };
    #[cfg(not(feature = "gpu"))]
    let (coupling, place) = (transport.solve(epsilon, &solving, warm, &mut observer).map_err(refused)?, None);
    let seconds = start.elapsed().as_secs_f64();
    bar.set_message("writing");
    if let Some(path) = &arguments.potentials {
        npz::write(path, &[("f", &coupling.f), ("g", &coupling.g)])?;
    }
    if let Some(path) = &arguments.plan {
        let plan = transport.coupling(epsilon, &coupling.f, &coupling.g).map_err(refused)?;
        npy::write_matrix(path, plan.rows, plan.columns, &plan.values)?;
    }
    if let Some(path) = &arguments.plot {
        plot(path, arguments, (rows, columns), epsilon, &coupling.curve)?;
    }
    bar.finish_and_clear();
    let device = place.unwrap_or_else(|| device::name(pool.as_ref()));
    report::print(arguments, &solving, &coupling, epsilon, (rows, columns), seconds, device)?;
    Ok(match coupling.report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Draws the error against readings.
fn plot(
    path: &Path,
    arguments: &Arguments,
    (rows, columns): (usize, usize),
    epsilon: f64,
    curve: &[(f64, f64)],
) -> Result<(), Failure> {
    let name = arguments.method.to_possible_value().map(|value| value.get_name().to_owned());
    let series = vec![Series { name: name.unwrap_or_default(), points: curve.to_vec() }];
    let panel = Panel {
        title: format!("{rows} × {columns}, epsilon {epsilon:.3e}"),
        x_label: "readings of the kernel or of the costs".to_owned(),
        y_label: "marginal error".to_owned(),
        series,
        logarithmic: true,
    };
    Ok(write_svg(path, &[panel])?)
}

/// Refuses places that cannot be written or must not be.
fn check_outputs(arguments: &Arguments) -> Result<(), Failure> {
    let inputs = [&arguments.cost, &arguments.a, &arguments.b, &arguments.warm_start];
    let inputs: Vec<&Path> =
        inputs.into_iter().flatten().chain(arguments.points.iter().flatten()).map(PathBuf::as_path).collect();
    let outputs = [
        ("--plan", &arguments.plan),
        ("--potentials", &arguments.potentials),
        ("--plot", &arguments.plot),
        ("--checkpoint", &arguments.checkpoint),
    ];
    for (option, path) in outputs.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
        let same =
            |input: &&Path| matches!((input.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if inputs.iter().any(same) {
            return Err(format!(
                "{option} {}: this is an input of the run; name another file",
                path.display()
            )
            .into());
        }
        output::check_writable(option, path)?;
    }
    Ok(())
}

/// The problem, with uniform marginals where none are given.
fn read(arguments: &Arguments) -> Result<Transport, Failure> {
    let matrix = |path: &Path| npy::read_matrix(path).map_err(|error| output::unreadable(&error));
    let costs = match (&arguments.cost, arguments.points.as_deref()) {
        (Some(cost), _) => Costs::Matrix(matrix(cost)?),
        (None, Some([x, y])) => {
            let (x, y) = (matrix(x)?, matrix(y)?);
            Costs::Points { x, y, ground: arguments.ground() }
        }
        _ => return Err("give --cost or --points".into()),
    };
    let (rows, columns) = Transport::new(costs.clone(), Vec::new(), Vec::new()).shape();
    if rows == 0 || columns == 0 {
        return Err(format!("the costs are {rows} × {columns}: there is nothing to transport").into());
    }
    let (a, b) = marginals(arguments, rows, columns)?;
    Ok(Transport::new(costs, a, b))
}

/// The marginals, uniform where none are given.
fn marginals(arguments: &Arguments, rows: usize, columns: usize) -> Result<(Vec<f64>, Vec<f64>), Failure> {
    let vector = |path: &Path| files::read_vector(path).map_err(|error| output::unreadable(&error));
    let uniform = |mass: f64, count: usize| vec![mass / count as f64; count];
    Ok(match (&arguments.a, &arguments.b) {
        (None, None) => (uniform(1.0, rows), uniform(1.0, columns)),
        (Some(a), None) => {
            let a = vector(a)?;
            let mass = a.iter().sum();
            (a, uniform(mass, columns))
        }
        (None, Some(b)) => {
            let b = vector(b)?;
            (uniform(b.iter().sum(), rows), b)
        }
        (Some(a), Some(b)) => (vector(a)?, vector(b)?),
    })
}

/// Why a problem was refused, with the file that is to blame.
fn refusal(arguments: &Arguments, error: Error) -> Failure {
    let argument = match error {
        Error::Dimension { argument, .. }
        | Error::Value { argument, .. }
        | Error::Negative { argument, .. }
        | Error::Mass { argument, .. } => argument,
        _ => return error.to_string().into(),
    };
    let file = match argument {
        "cost" => arguments.cost.as_ref(),
        "a" => arguments.a.as_ref(),
        "b" => arguments.b.as_ref(),
        "f" | "g" => arguments.warm_start.as_ref(),
        _ => None,
    };
    match file {
        Some(path) => format!("{}: {error}", path.display()).into(),
        None => error.to_string().into(),
    }
}
