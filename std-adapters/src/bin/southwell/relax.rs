//! `southwell relax`: A x = b for a matrix from a file.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use southwell::relaxation::{Auto, Fixed, HagemanYoung, OmegaRule, Problem, Young};
use southwell::{DiagonalFault, Error, Progress, Status, Stop};
use southwell_std::files::matrix_market::{self, MatrixMarket};
use southwell_std::files::{self, SparseMatrix, npy};
#[cfg(feature = "gpu")]
use southwell_std::gpu::{owned::relax, relaxation::Settings};
use southwell_std::owned::{self, Solution, System};
use southwell_std::plot::{self, Panel, Series};
use southwell_std::threads::Work;

use super::heat::tolerance;
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Ctrl-C ends the run after the step in hand; --out is written. A second Ctrl-C ends it at once.

Examples:
  southwell relax A.mtx --out x.npy
  southwell relax A.mtx --rhs b.npy --method sor --omega 1.7 --tolerance 1e-6 --json

Over ranks (--cluster, in a build with the feature `mpi`): rows are divided; --checkpoint writes a checkpoint every so many steps, and
--resume goes on from one on any number of ranks:
  mpirun -n 4 southwell relax A.mtx --cluster --method cg --out x.npy --checkpoint run.npz
  mpirun -n 2 southwell relax A.mtx --cluster --method cg --out x.npy --resume run.npz")]
pub(crate) struct Arguments {
    /// The matrix: Matrix Market, square; coordinate or array; real, integer or pattern.
    #[arg(value_name = "A.mtx")]
    matrix: PathBuf,
    /// The right-hand side, Matrix Market or NumPy. Default: all ones.
    #[arg(long, value_name = "b.mtx|b.npy")]
    rhs: Option<PathBuf>,
    /// How the system is solved; ssor-cg and cg need a symmetric positive definite matrix.
    #[arg(long, value_enum, default_value_t = Method::SsorCg)]
    method: Method,
    /// The relaxation factor: a number in (0, 2), `young` (from an estimate of Jacobi's radius), or
    /// `learned` (from what the solver sees). Not used by cg.
    #[arg(long, allow_negative_numbers = true, default_value = "learned", value_name = "VALUE|young|learned", value_parser = omega)]
    omega: Omega,
    /// The run has converged at ‖b − A x‖ ≤ TOLERANCE · ‖b‖; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-8", value_parser = tolerance)]
    tolerance: f64,
    /// Steps after which the run gives up.
    #[arg(long, allow_negative_numbers = true, default_value_t = 10_000_000, value_name = "STEPS")]
    max_iterations: u32,
    /// Write x as a NumPy vector; the best iterate is written even if the run did not converge.
    #[arg(long, value_name = "x.npy")]
    out: Option<PathBuf>,
    /// Draw the residual, step by step.
    #[arg(long, value_name = "residual.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
    /// Divide the rows among the ranks that mpirun started; the methods cg, ssor-cg and multicolour, and a NumPy --rhs.
    #[arg(long)]
    cluster: bool,
    /// Over ranks, let ssor-cg work within so many pieces of the matrix, a multiple of the number of ranks. Default: one a
    /// rank; a fixed number gives the same x on any number of ranks.
    #[arg(long, allow_negative_numbers = true, value_name = "PIECES", requires = "cluster")]
    pieces: Option<usize>,
    /// Write checkpoints of a run over ranks here.
    #[arg(long, value_name = "RUN.npz", requires = "cluster")]
    checkpoint: Option<PathBuf>,
    /// Over ranks, a checkpoint every so many steps.
    #[arg(long, allow_negative_numbers = true, value_name = "STEPS", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..), requires = "cluster")]
    checkpoint_every: u32,
    /// Go on from this checkpoint, on any number of ranks, and keep it. With ssor-cg the x has the same bits where --pieces is given.
    #[arg(long, value_name = "RUN.npz", requires = "cluster", conflicts_with = "checkpoint")]
    resume: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Method {
    /// Forward sweeps.
    Sor,
    /// A forward and a backward sweep a step.
    Ssor,
    /// Conjugate gradients preconditioned by SSOR.
    SsorCg,
    /// Conjugate gradients.
    Cg,
    /// Sweeps over red rows, then black ones (breadth-first colouring).
    RedBlack,
    /// Sweeps colour by colour (greedy colouring).
    Multicolour,
}

impl Method {
    fn owned(self) -> owned::Method {
        match self {
            Method::Sor => owned::Method::Sor,
            Method::Ssor => owned::Method::Ssor,
            Method::SsorCg => owned::Method::SsorCg,
            Method::Cg => owned::Method::Cg,
            Method::RedBlack => owned::Method::RedBlack,
            Method::Multicolour => owned::Method::Multicolour,
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Omega {
    Value(f64),
    Young,
    Learned,
}

fn omega(text: &str) -> Result<Omega, String> {
    match text {
        "young" => Ok(Omega::Young),
        "learned" => Ok(Omega::Learned),
        _ => match text.parse::<f64>() {
            Ok(value) if value > 0.0 && value < 2.0 => Ok(Omega::Value(value)),
            _ => Err("give a number in (0, 2), `young` or `learned`".to_owned()),
        },
    }
}

/// Steps of the power iteration behind `--omega young`.
const POWER_STEPS: u32 = 200;

#[derive(Serialize)]
struct Document {
    status: &'static str,
    iterations: u32,
    relative_residual: Option<f64>,
    unknowns: usize,
    nonzeros: usize,
    omega: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    colours: Option<usize>,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
    device: String,
}

/// Entries from which `auto` tries a GPU: below, a sweep is shorter there than what it takes to start it.
#[cfg(feature = "gpu")]
const WORTH_A_GPU: usize = 1_000_000;

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

/// What a run over ranks needs to know.
#[cfg(feature = "mpi")]
pub(crate) struct Divided<'a> {
    pub(crate) matrix: &'a Path,
    pub(crate) rhs: Option<&'a Path>,
    pub(crate) out: Option<&'a Path>,
    pub(crate) method: Method,
    /// `None`: learned.
    pub(crate) omega: Option<f64>,
    pub(crate) pieces: Option<usize>,
    pub(crate) stop: Stop<f64>,
    pub(crate) saving: Option<southwell_std::cluster::checkpoint::Saving<'a>>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

#[cfg(feature = "mpi")]
impl Arguments {
    pub(crate) fn divided(&self) -> Result<Divided<'_>, String> {
        let omega = match self.omega {
            Omega::Value(value) => Some(value),
            Omega::Learned => None,
            Omega::Young => {
                return Err("--omega young is not there over ranks; use a number or learned".to_owned());
            }
        };
        Ok(Divided {
            matrix: &self.matrix,
            rhs: self.rhs.as_deref(),
            out: self.out.as_deref(),
            method: self.method,
            omega,
            pieces: self.pieces,
            stop: Stop { max_steps: self.max_iterations, ..Stop::relative(self.tolerance) },
            saving: crate::cluster::saving(
                self.checkpoint.as_deref(),
                self.resume.as_deref(),
                self.checkpoint_every,
            )?,
            json: self.json,
            quiet: self.quiet,
        })
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::relax(arguments);
    }
    check_out(arguments)?;
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message(format!("reading {}", arguments.matrix.display()));
    bar.tick();
    let (matrix, rhs) = read(arguments)?;
    let (unknowns, nonzeros) = (matrix.rows, matrix.values.len());
    let refused = |error: Error| refusal(&arguments.matrix, error);

    let start = Instant::now();
    let system = System::new(matrix, rhs).map_err(refused)?;
    let pool = match arguments.method {
        // Left to choose, threads take no method that would go through the unknowns in another order.
        Method::Sor | Method::Ssor | Method::SsorCg if device::is_automatic() => None,
        _ => device::threads(Work { products: nonzeros, ..Work::default() })?,
    };
    let system = if let Some(pool) = &pool { system.on(pool) } else { system };
    let mut rule = rule(arguments, &system).map_err(refused)?;
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(arguments.tolerance) };
    // From here on there is something to lose.
    let interrupted = output::interruption()?;
    let (mut shown, mut curve) = (Instant::now(), Vec::new());
    let mut observer = |progress: &Progress<f64>| {
        if arguments.plot.is_some() {
            curve.extend(progress.residual.map(|residual| (f64::from(progress.step), residual)));
        }
        if let (true, Some(residual)) = (shown.elapsed() >= REFRESH, progress.residual) {
            bar.set_message(format!("{} steps, residual {residual:.3e}", progress.step));
            shown = Instant::now();
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let method = arguments.method.owned();
    #[cfg(feature = "gpu")]
    let gpu = {
        // Left to choose, a GPU takes no method that would go through the unknowns in another order either.
        let same = matches!(arguments.method, Method::Cg | Method::RedBlack);
        device::Gpu::asked(same && nonzeros >= WORTH_A_GPU, arguments.quiet)
    };
    #[cfg(feature = "gpu")]
    let (solution, place) = match &gpu {
        Some(gpu) => {
            let solution = gpu.run(refused, |opened, told| {
                let settings = Settings::default();
                relax(opened, settings, &system, method, &stop, &mut *rule, &mut observer, told)
            })?;
            (solution, gpu.name())
        }
        None => (system.solve(method, &stop, &mut *rule, &mut observer).map_err(refused)?, None),
    };
    #[cfg(not(feature = "gpu"))]
    let (solution, place) = (system.solve(method, &stop, &mut *rule, &mut observer).map_err(refused)?, None);
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();

    if let Some(path) = &arguments.out {
        npy::write_vector(path, &solution.x)?;
    }
    if let Some(path) = &arguments.plot {
        plot::write_svg(path, &[panel(arguments, unknowns, curve)])?;
    }
    let place = place.unwrap_or_else(|| device::name(pool.as_ref()));
    report(arguments, &solution, unknowns, nonzeros, seconds, place)?;
    Ok(match solution.report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Points that a curve is drawn with at most.
const POINTS: usize = 500;

/// The residual against the steps, thinned out evenly; the last point is kept.
fn panel(arguments: &Arguments, unknowns: usize, curve: Vec<(f64, f64)>) -> Panel {
    let (every, last) = (curve.len().div_ceil(POINTS).max(1), curve.last().copied());
    let mut points: Vec<_> = curve.into_iter().step_by(every).collect();
    if let Some(last) = last.filter(|last| points.last() != Some(last)) {
        points.push(last);
    }
    let method = arguments.method.to_possible_value();
    let name = method.map(|value| value.get_name().to_owned()).unwrap_or_default();
    Panel {
        title: format!("{unknowns} unknowns"),
        x_label: "steps".to_owned(),
        y_label: "‖b − A x‖".to_owned(),
        series: vec![Series { name, points }],
        logarithmic: true,
    }
}

/// Refuses a place for x that cannot be written or must not be.
fn check_out(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(plot) = &arguments.plot {
        output::check_writable("--plot", plot)?;
    }
    let Some(out) = &arguments.out else { return Ok(()) };
    let same = |input: &Path| matches!((input.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(&arguments.matrix) || arguments.rhs.as_deref().is_some_and(same) {
        return Err(format!("--out {}: this is an input of the run; name another file", out.display()).into());
    }
    if out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("mtx")) {
        return Err(format!("--out {}: x is written as NumPy vector; name a .npy file", out.display()).into());
    }
    output::check_writable("--out", out)
}

/// The matrix and the right-hand side, which fit together.
fn read(arguments: &Arguments) -> Result<(SparseMatrix, Vec<f64>), Failure> {
    let matrix = matrix_market::read(&arguments.matrix)
        .and_then(MatrixMarket::into_sparse)
        .map_err(|error| output::unreadable(&error))?;
    let (rows, columns) = (matrix.rows, matrix.columns);
    if rows != columns {
        return Err(format!(
            "{}: the matrix is {rows} × {columns}, but only a square system can be relaxed; for least squares \
             relax AᵀA x = Aᵀb",
            arguments.matrix.display()
        )
        .into());
    }
    let Some(path) = &arguments.rhs else { return Ok((matrix, vec![1.0; rows])) };
    let rhs = files::read_vector(path).map_err(|error| output::unreadable(&error))?;
    if rhs.len() != rows {
        return Err(format!(
            "{}: the right-hand side has {} entries, but the matrix has {rows} rows; give one entry a row",
            path.display(),
            rhs.len()
        )
        .into());
    }
    Ok((matrix, rhs))
}

/// Why a system was refused, with rows counted from one as in the file.
fn refusal(path: &Path, error: Error) -> Failure {
    let path = path.display();
    let Error::Diagonal { row, fault } = error else { return format!("{path}: {error}").into() };
    let row = row + 1;
    match fault {
        DiagonalFault::Missing => format!(
            "{path}: row {row} has no diagonal entry, and every method divides by it; reorder the equations so \
             that each row has one"
        ),
        DiagonalFault::Zero => format!(
            "{path}: the diagonal entry of row {row} is zero or too small to divide by; reorder the equations"
        ),
        DiagonalFault::NotPositive => format!(
            "{path}: the diagonal entry of row {row} is not positive, so the matrix is not positive definite; \
             change the signs of the equations, or try --method sor"
        ),
        _ => format!("{path}: row {row}: {error}"),
    }
    .into()
}

/// The rule that `--omega` names.
fn rule(arguments: &Arguments, system: &System) -> Result<Box<dyn OmegaRule<f64>>, Error> {
    Ok(match arguments.omega {
        Omega::Value(value) => Box::new(Fixed(value)),
        Omega::Young => {
            let view = system.view()?;
            let problem = Problem::new(&view, system.rhs())?;
            let mut storage = vec![0.0; 2 * problem.order()];
            let young = Young::estimate(&problem, POWER_STEPS, &mut storage)?;
            if young.jacobi_radius >= 1.0 {
                return Err(Error::Option {
                    name: "--omega young",
                    requirement: "needs a Jacobi radius below 1, which this matrix has not; use --omega learned",
                });
            }
            Box::new(young)
        }
        // Sweeps show their rate while they run; conjugate gradients hide it, so a model must do.
        Omega::Learned => match arguments.method {
            Method::SsorCg | Method::Cg | Method::Ssor => Box::new(Auto::new()?),
            Method::Sor | Method::RedBlack | Method::Multicolour => Box::new(HagemanYoung::default()),
        },
    })
}

fn report(
    arguments: &Arguments,
    solution: &Solution,
    unknowns: usize,
    nonzeros: usize,
    seconds: f64,
    device: String,
) -> Result<(), Failure> {
    let run = &solution.report;
    let status = name(run.status);
    let relative = run.relative_residual();
    if arguments.json {
        return output::print_json(&Document {
            status,
            iterations: run.steps,
            relative_residual: relative.is_finite().then_some(relative),
            unknowns,
            nonzeros,
            omega: solution.omega,
            colours: solution.colours,
            seconds,
            simd: southwell_simd::level_name(),
            device,
        });
    }
    let omega = solution.omega.map_or(String::new(), |omega| format!(", omega {omega:.4}"));
    let colours = solution.colours.map_or(String::new(), |colours| format!(", {colours} colours"));
    output::print(&format!(
        "{status} after {} iterations: relative residual {relative:.3e}, {unknowns} unknowns, {nonzeros} \
         entries{omega}{colours}, {seconds:.3} s\n",
        run.steps
    ))?;
    if arguments.quiet {
        return Ok(());
    }
    if let (Method::RedBlack, Some(colours @ 3..)) = (arguments.method, solution.colours) {
        output::note(&format!(
            "note: the rows do not part into red and black alone (the graph of the matrix is not bipartite): \
             {colours} colours were needed"
        ));
    }
    if let Some(advice) = advice(run.status, arguments.method) {
        output::note(&format!("hint: {advice}"));
    }
    Ok(())
}

/// A status as machines read it.
pub(super) fn name(status: Status) -> &'static str {
    match status {
        Status::Converged => "converged",
        Status::StepLimit => "step-limit",
        Status::Stalled => "stalled",
        Status::Breakdown => "breakdown",
        Status::NotFinite => "not-finite",
        Status::Stopped => "stopped",
        Status::Optimal => "optimal",
        _ => "unknown",
    }
}

/// What to do next.
fn advice(status: Status, method: Method) -> Option<&'static str> {
    let conjugate = matches!(method, Method::Cg | Method::SsorCg);
    match status {
        Status::Breakdown => {
            Some("the matrix is not symmetric positive definite; try --method sor with a small --omega")
        }
        Status::NotFinite if conjugate => {
            Some("the numbers overflow; scale the system, or try --method sor with a small --omega")
        }
        Status::NotFinite => Some(
            "the sweeps diverge; try a smaller --omega, or ssor-cg if the matrix is symmetric positive definite",
        ),
        Status::Stalled => Some("the precision is exhausted; ask for a larger --tolerance"),
        Status::StepLimit if conjugate => {
            Some("allow more --max-iterations, or use sor if the matrix is not symmetric positive definite")
        }
        Status::StepLimit => {
            Some("allow more --max-iterations, or use ssor-cg if the matrix is symmetric positive definite")
        }
        _ => None,
    }
}
