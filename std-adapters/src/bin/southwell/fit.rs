//! `southwell fit`: linear models that outliers hardly move, from a table.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use southwell::subgradient::refine::Refined;
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::{DenseMatrix, csv, npy, npz};
use southwell_std::owned::{Fitted, Loss, Robust, Settings};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::Work;

use super::heat::tolerance;
use super::relax::name;
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

mod out_of_core;

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("resumable").args(["out_of_core", "cluster"]))]
#[command(after_help = "\
A CSV file's last column is what is fitted, unless --target names another; an intercept is fitted too, unless
--no-intercept; --weights takes a column out that says what rows count. An archive holds the rows as the matrix `A`, taken as it is, and what is fitted as `y`.

The objective is the sum of |y - A x| for lad, of the check function for quantile:Q, of Huber's loss for huber.

Exit codes: 0 converged or proven, 1 bad input, 2 wrong usage, 3 not (with --certify: not proven), 130 interrupted.

Examples:
  southwell fit engel.csv --loss quantile:0.9 --certify
  southwell fit data.csv --loss lad --refine --out x.npy --json
  southwell fit survey.csv --loss quantile:0.5 --target income --weights count --certify
  southwell fit data.npz --loss huber --plot steps.svg
  southwell fit rows.npy --targets y.npy --loss lad --out-of-core --checkpoint run.npz   # Ctrl-C, then --resume run.npz

Over ranks (--cluster, in a build with the feature `mpi`): the rows of an archive are divided, which numpy.savez wrote; coefficients do
not depend on the number of ranks, and agree with those of one machine to rounding. --certify takes a proof by a vertex there, and no bound:
  mpirun -n 4 southwell fit data.npz --cluster --loss quantile:0.9 --certify --out x.npy --checkpoint run.npz
  mpirun -n 2 southwell fit data.npz --cluster --loss quantile:0.9 --certify --out x.npy --resume run.npz")]
pub(crate) struct Arguments {
    /// The table: comma-separated values with or without a heading, or a NumPy archive with arrays A and y.
    #[arg(value_name = "DATA.csv|DATA.npz")]
    data: PathBuf,
    /// lad (least absolute deviations), quantile:Q with Q between 0 and 1, or huber.
    #[arg(long, value_parser = loss, allow_hyphen_values = true)]
    loss: Loss,
    /// The column that is fitted: its name, or its number from 1 (CSV).
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// The column of weights, not negative: its name, or its number from 1; in an archive the name of a vector.
    #[arg(long, value_name = "COLUMN")]
    weights: Option<String>,
    /// Fit no intercept (CSV).
    #[arg(long)]
    no_intercept: bool,
    /// End with a proof, or with a bound of how far the fit can be from the best, or fail.
    #[arg(long)]
    pub(crate) certify: bool,
    /// Reject what is more than four standard deviations from the fit, and fit the rest by least squares.
    #[arg(long)]
    refine: bool,
    /// What step lengths are multiplied by; nearer to 1 is slower and surer.
    #[arg(long, default_value = "0.97", allow_hyphen_values = true)]
    ratio: f64,
    /// The fit has converged when steps are as small, relative to the fit; with --certify also the gap.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-9", value_parser = tolerance)]
    tolerance: f64,
    /// Steps after which the run gives up; with --out-of-core, rounds of three passes.
    #[arg(long, allow_negative_numbers = true, default_value_t = 20_000, value_name = "STEPS")]
    max_iterations: u32,
    /// Write the coefficients as a NumPy vector.
    #[arg(long, value_name = "x.npy")]
    pub(crate) out: Option<PathBuf>,
    /// Draw how far steps went.
    #[arg(long, value_name = "steps.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    pub(crate) quiet: bool,
    /// Leave the rows in DATA, a NumPy matrix (.npy) in C order that is taken as it is, and prove the fit in a few
    /// passes over it (lad and quantiles).
    #[arg(long, requires = "targets", conflicts_with_all = ["cluster", "target", "weights", "no_intercept", "refine", "plot", "ratio", "tolerance"])]
    pub(crate) out_of_core: bool,
    /// With --out-of-core, what is fitted: a NumPy vector.
    #[arg(long, value_name = "y.npy", requires = "out_of_core")]
    targets: Option<PathBuf>,
    /// With --out-of-core, MiB of rows that may be kept in memory, three times.
    #[arg(long, value_name = "MIB", default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..), requires = "out_of_core")]
    row_memory: u32,
    /// Divide the rows of an archive among the ranks that mpirun started.
    #[arg(long, conflicts_with_all = ["target", "no_intercept", "plot"])]
    cluster: bool,
    /// With --out-of-core, where a checkpoint is written on Ctrl-C, every ten minutes and when rounds run out. Default:
    /// fit-checkpoint.npz.
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

#[cfg(feature = "mpi")]
impl Arguments {
    /// What runs over ranks.
    pub(crate) fn divided(&self) -> Result<southwell_std::cluster::job::fit::Setting<'_>, String> {
        if !self.data.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) {
            let path = self.data.display();
            return Err(format!(
                "{path}: over ranks a fit reads a NumPy archive (.npz) with A and y by parts; write one with numpy.savez"
            ));
        }
        Ok(southwell_std::cluster::job::fit::Setting {
            file: &self.data,
            weights: self.weights.as_deref(),
            loss: self.loss,
            settings: settings(self),
            refine: self.refine,
            saving: crate::cluster::saving(
                self.checkpoint.as_deref(),
                self.resume.as_deref(),
                self.checkpoint_every,
            )?,
            out: self.out.as_deref(),
        })
    }
}

/// Tolerance, budget and ratio.
fn settings(arguments: &Arguments) -> Settings {
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(arguments.tolerance) };
    Settings { stop, ratio: arguments.ratio, certify: arguments.certify }
}

fn loss(text: &str) -> Result<Loss, String> {
    match text {
        "lad" => Ok(Loss::Absolute),
        "huber" => Ok(Loss::Huber),
        _ => match text.strip_prefix("quantile:").map(str::parse::<f64>) {
            Some(Ok(q)) if q > 0.0 && q < 1.0 => Ok(Loss::Quantile(q)),
            Some(_) => Err("give a quantile between 0 and 1, as in quantile:0.9".to_owned()),
            None => Err("give lad, quantile:Q or huber".to_owned()),
        },
    }
}

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document<'a> {
    status: &'static str,
    /// The loss of the fit, before it was refined.
    objective: Option<f64>,
    lower_bound: Option<f64>,
    gap: Option<f64>,
    iterations: u32,
    /// Refined, if that was asked for.
    coefficients: &'a [f64],
    names: &'a [String],
    rows: usize,
    columns: usize,
    /// Huber's δ.
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refined: Option<Rest<'a>>,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
    device: String,
}

/// What refining did.
#[derive(Serialize)]
struct Rest<'a> {
    kept: usize,
    deviation: f64,
    rms: f64,
    /// Before.
    robust_coefficients: &'a [f64],
}

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::fit(arguments);
    }
    for (option, path) in [("--out", &arguments.out), ("--plot", &arguments.plot)] {
        let Some(path) = path else { continue };
        if matches!((path.canonicalize(), arguments.data.canonicalize()), (Ok(a), Ok(b)) if a == b) {
            let path = path.display();
            return Err(format!("{option} {path}: this is the table; name another file").into());
        }
        output::check_writable(option, path)?;
    }
    if arguments.out_of_core {
        return out_of_core::run(arguments);
    }
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message("reading");
    bar.tick();
    let Read { table, y, weights, names } = read(arguments)?;
    let (rows, columns) = (table.rows, table.columns);
    let refused = |error: Error| -> Failure { format!("{}: {error}", arguments.data.display()).into() };
    let model = Robust::new(table, y, weights);

    let start = Instant::now();
    let settings = settings(arguments);
    let interrupted = output::interruption()?;
    let (mut shown, mut curve) = (Instant::now(), Vec::new());
    let mut observer = |progress: &Progress<f64>| {
        if let Some(residual) = progress.residual {
            if arguments.plot.is_some() && progress.step > 0 {
                curve.push((curve.len() as f64 + 1.0, residual));
            }
            if shown.elapsed() >= REFRESH {
                bar.set_message(format!("{} steps, the last of {residual:.3e}", progress.step));
                shown = Instant::now();
            }
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    // A step multiplies every entry twice.
    let pool = device::threads(Work { products: 2 * rows.saturating_mul(columns), ..Work::default() })?;
    let fitted = match &pool {
        Some(pool) => model.fit_on(pool, arguments.loss, &settings, &mut observer),
        None => model.fit(arguments.loss, &settings, &mut observer),
    };
    let fitted = fitted.map_err(refused)?;
    let mut coefficients = fitted.coefficients.clone();
    let refined = match arguments.refine {
        true => Some(model.refined(&mut coefficients).map_err(refused)?),
        false => None,
    };
    let seconds = start.elapsed().as_secs_f64();
    bar.set_message("writing");
    if let Some(path) = &arguments.out {
        npy::write_vector(path, &coefficients)?;
    }
    if let Some(path) = &arguments.plot {
        let series = vec![Series { name: format!("{:?}", arguments.loss), points: curve }];
        let panel = Panel {
            title: format!("{rows} rows, {columns} columns"),
            x_label: "steps".to_owned(),
            y_label: "length of the step".to_owned(),
            series,
            logarithmic: true,
        };
        write_svg(path, &[panel])?;
    }
    bar.finish_and_clear();
    let found = Out { fitted: &fitted, coefficients: &coefficients, names: &names, refined };
    report(arguments, &found, (rows, columns), seconds, device::name(pool.as_ref()))
}

/// What is said of a fit.
struct Out<'a> {
    fitted: &'a Fitted,
    coefficients: &'a [f64],
    names: &'a [String],
    refined: Option<Refined<f64>>,
}

fn report(
    arguments: &Arguments,
    found: &Out<'_>,
    (rows, columns): (usize, usize),
    seconds: f64,
    device: String,
) -> Result<ExitCode, Failure> {
    let &Out { fitted, coefficients, names, refined } = found;
    let number = |value: f64| value.is_finite().then_some(value);
    let gap = fitted.objective - fitted.lower_bound;
    if arguments.json {
        output::print_json(&Document {
            status: name(fitted.report.status),
            objective: number(fitted.objective),
            lower_bound: number(fitted.lower_bound),
            gap: number(gap),
            iterations: fitted.report.steps,
            coefficients,
            names,
            rows,
            columns,
            delta: fitted.delta,
            refined: refined.map(|refined| Rest {
                kept: refined.kept,
                deviation: refined.deviation,
                rms: refined.rms,
                robust_coefficients: &fitted.coefficients,
            }),
            seconds,
            simd: southwell_simd::level_name(),
            device,
        })?;
    } else {
        print(arguments, fitted, coefficients, names, seconds)?;
        if let Some(refined) = refined {
            output::print(&format!(
                "refined: {} of {rows} rows kept, standard deviation {:.4e}\n",
                refined.kept, refined.rms
            ))?;
        }
    }
    Ok(match fitted.report.status {
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ if !fitted.report.converged() || arguments.certify && !proven(arguments, fitted) => {
            ExitCode::from(NOT_CONVERGED)
        }
        _ => ExitCode::SUCCESS,
    })
}

/// Whether the bound reaches the objective, within the tolerance.
pub(crate) fn proven(arguments: &Arguments, fitted: &Fitted) -> bool {
    let gap = fitted.objective - fitted.lower_bound;
    fitted.report.status == Status::Optimal || gap <= arguments.tolerance * fitted.objective
}

fn print(
    arguments: &Arguments,
    fitted: &Fitted,
    coefficients: &[f64],
    names: &[String],
    seconds: f64,
) -> Result<(), Failure> {
    let status = name(fitted.report.status);
    let (steps, objective, bound) = (fitted.report.steps, fitted.objective, fitted.lower_bound);
    let mut text = format!(
        "{status} after {steps} iterations: objective {objective:.12e}, no fit is below {bound:.12e}, {seconds:.3} s\n"
    );
    for (name, value) in names.iter().zip(coefficients) {
        text += &format!("{name:>20}  {value:.10e}\n");
    }
    output::print(&text)?;
    if !arguments.quiet && !(proven(arguments, fitted)) {
        let advice = if arguments.certify {
            "nothing was proven; try a --ratio nearer to 1, and see the bound"
        } else {
            "the fit is as good as its steps are small; --certify asks for a bound"
        };
        output::note(&format!("hint: {advice}"));
    }
    Ok(())
}

/// Rows, what is fitted, what rows count (nothing: all the same), and what coefficients are called.
struct Read {
    table: DenseMatrix,
    y: Vec<f64>,
    weights: Vec<f64>,
    names: Vec<String>,
}

fn read(arguments: &Arguments) -> Result<Read, Failure> {
    let path = arguments.data.as_path();
    let is = |wanted: &str| path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(wanted));
    if is("npz") {
        if arguments.target.is_some() || arguments.no_intercept {
            return Err(
                "--target and --no-intercept are for CSV files; an archive's A is taken as it is".into()
            );
        }
        let (table, y) = npz::read_system(path, "A", "y").map_err(|error| output::unreadable(&error))?;
        let names = (1..=table.columns).map(|column| format!("x{column}")).collect();
        let weights = match &arguments.weights {
            Some(name) => {
                let [weights] = npz::read(path, [name]).map_err(|error| output::unreadable(&error))?;
                weights
            }
            None => Vec::new(),
        };
        return Ok(Read { table, y, weights, names });
    }
    if !is("csv") {
        return Err(format!("{}: the name must end in `.csv` or `.npz`", path.display()).into());
    }
    let table = csv::read(path).map_err(|error| output::unreadable(&error))?;
    split(arguments, table)
}

/// Takes the columns that are fitted and that weigh out of a table.
fn split(arguments: &Arguments, table: csv::Table) -> Result<Read, Failure> {
    let (path, intercept) = (arguments.data.display(), !arguments.no_intercept);
    let columns = table.values.columns;
    let place = |column: &str| {
        let numbered = || column.parse::<usize>().ok()?.checked_sub(1).filter(|&k| k < columns);
        table.names.iter().position(|name| name == column).or_else(numbered).ok_or_else(|| {
            format!("{path}: there is no column {column}; there are {}", table.names.join(", "))
        })
    };
    let weighed = arguments.weights.as_deref().map(place).transpose()?;
    // The last column that does not weigh.
    let last = if weighed == Some(columns - 1) { columns.saturating_sub(2) } else { columns - 1 };
    let fitted = arguments.target.as_deref().map(place).transpose()?.unwrap_or(last);
    if weighed == Some(fitted) {
        return Err(format!("{path}: one column cannot be fitted and weigh").into());
    }
    let names: Vec<String> = match table.names.is_empty() {
        true => (1..=columns).map(|column| format!("x{column}")).collect(),
        false => table.names,
    };
    let kept = |column: usize| column != fitted && weighed != Some(column);
    let (mut values, mut y, mut weights) = (Vec::new(), Vec::new(), Vec::new());
    for row in table.values.values.chunks(columns) {
        values.extend(intercept.then_some(1.0));
        values.extend(row.iter().enumerate().filter(|&(column, _)| kept(column)).map(|(_, value)| value));
        y.extend(row.get(fitted));
        weights.extend(weighed.and_then(|column| row.get(column)));
    }
    let rest = names.into_iter().enumerate().filter(|&(column, _)| kept(column)).map(|(_, name)| name);
    let names: Vec<String> = intercept.then(|| "intercept".to_owned()).into_iter().chain(rest).collect();
    if names.is_empty() {
        return Err(format!("{path}: one column, and no intercept: there is nothing to fit").into());
    }
    Ok(Read { table: DenseMatrix { rows: y.len(), columns: names.len(), values }, y, weights, names })
}
