//! `southwell descend`: sparse regression on what files hold.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use southwell::descent::sparse_regression::{Loss, Options};
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::{self, libsvm, matrix_market, npy, npz};
use southwell_std::owned::{Fit, Regression, Sparsity};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::Work;

use super::heat::tolerance;
use super::relax::name;
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
What is minimised is (1/n) Σ loss + λ·penalty: λ is what scikit-learn calls alpha. The gap bounds how far
the objective is above the least.

Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Examples:
  southwell descend data.npz --lambda-ratio 0.05 --out w.npy
  southwell descend heart_scale.svm --loss logistic --lambda 0.01 --json
  southwell descend data.npz --intercept --lambda-ratio 0.001 --path 100 --out path.npy --plot path.svg")]
pub(crate) struct Arguments {
    /// Samples and targets: LIBSVM's text format (.svm, .libsvm, .txt), or a NumPy archive (.npz) with the arrays
    /// A, a row a sample, and y. Or the samples alone, as Matrix Market (.mtx), with --targets.
    data: PathBuf,
    /// Targets or labels for a design without: NumPy or Matrix Market.
    #[arg(long, value_name = "y.npy")]
    targets: Option<PathBuf>,
    /// How a fit is judged. Of logistic regression the labels have two values; the smaller becomes −1.
    #[arg(long, value_enum, default_value_t = Judge::Squares)]
    loss: Judge,
    /// How the weights are kept small and sparse.
    #[arg(long, value_enum, default_value_t = Kind::Lasso)]
    penalty: Kind,
    /// Weight of ½ ‖w‖² in the elastic net.
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    ridge: f64,
    /// Features in a group, consecutive ones.
    #[arg(long, default_value_t = 10, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    group_size: u32,
    /// λ
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, conflicts_with = "lambda_ratio")]
    lambda: Option<f64>,
    /// λ as a share of the least λ for which all weights are zero.
    #[arg(long, value_name = "RATIO", allow_negative_numbers = true, default_value = "0.1")]
    lambda_ratio: f64,
    /// Add a constant to the fit that is not penalised (with --loss squares).
    #[arg(long)]
    intercept: bool,
    /// The run has converged when the gap is GAP of the objective of w = 0; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-6", value_parser = tolerance)]
    gap: f64,
    /// Steps after which the run gives up.
    #[arg(long, default_value_t = 1000, value_name = "STEPS")]
    max_steps: u32,
    /// Solve for COUNT values of λ from the largest sensible one down to λ, in even steps of its logarithm.
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(2..))]
    path: Option<u32>,
    /// Write the weights; of a path as a matrix, a row a λ.
    #[arg(long, value_name = "w.npy")]
    out: Option<PathBuf>,
    /// Draw the gap against the steps; of a path the weights against λ.
    #[arg(long, value_name = "gap.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of lines.
    #[arg(long)]
    json: bool,
    /// No notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Judge {
    /// ½ (y − z)²
    Squares,
    /// log(1 + e^(−y z)), y = ±1
    Logistic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// ‖w‖₁
    Lasso,
    /// ‖w‖₁, and ½ RIDGE ‖w‖²
    ElasticNet,
    /// Σ w_j, with w ≥ 0
    NonNegative,
    /// Σ ‖w_g‖ over groups of features
    Group,
}

impl Arguments {
    fn sparsity(&self) -> Sparsity {
        match self.penalty {
            Kind::Lasso => Sparsity::Lasso,
            Kind::ElasticNet => Sparsity::ElasticNet(self.ridge),
            Kind::NonNegative => Sparsity::NonNegative,
            Kind::Group => Sparsity::Groups(self.group_size),
        }
    }
}

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document {
    status: &'static str,
    objective: Option<f64>,
    gap: Option<f64>,
    /// What the gap was compared with.
    threshold: Option<f64>,
    steps: u32,
    nonzeros: usize,
    lambda: f64,
    lambda_max: f64,
    intercept: f64,
    column_visits: u64,
    updates: u64,
    second_order_steps: u64,
    sweeps: u32,
    samples: usize,
    features: usize,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
    device: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    path: Vec<Point>,
}

/// A point of a path.
#[derive(Serialize)]
struct Point {
    lambda: f64,
    status: &'static str,
    objective: Option<f64>,
    gap: Option<f64>,
    steps: u32,
    nonzeros: usize,
    intercept: f64,
}

fn number(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_outputs(arguments)?;
    let regression = read(arguments)?;
    let (samples, features) = regression.shape();
    if samples == 0 || features == 0 {
        return Err(format!(
            "{}: {samples} samples of {features} features: there is nothing to fit",
            arguments.data.display()
        )
        .into());
    }
    let refused = |error: Error| -> Failure {
        match error {
            Error::Option { .. } => error.to_string().into(),
            _ => format!("{}: {error}", arguments.data.display()).into(),
        }
    };
    let work = Work { products: regression.entries(), ..Work::default() };
    let pool = device::threads(work)?;
    let regression = if let Some(pool) = &pool { regression.on(pool) } else { regression };
    let sparsity = arguments.sparsity();
    let lambda_max = regression.lambda_max(sparsity).map_err(refused)?;
    let lambda = arguments.lambda.unwrap_or(arguments.lambda_ratio * lambda_max);
    let stop = Stop { max_steps: arguments.max_steps, ..Stop::relative(arguments.gap) };
    let options = Options { stop, ..Options::default() };
    let interrupted = output::interruption()?;
    let start = Instant::now();
    let mut curve = Vec::new();
    let fits = match arguments.path {
        None => {
            let mut observer = |progress: &Progress<f64>| {
                curve.extend(progress.residual.map(|gap| (f64::from(progress.step), gap)));
                match interrupted.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            vec![regression.solve(sparsity, lambda, &options, &mut observer).map_err(refused)?]
        }
        Some(count) => {
            let fall = (lambda / lambda_max).powf(1.0 / f64::from(count - 1));
            let lambdas: Vec<f64> = (0..count).map(|k| lambda_max * fall.powf(f64::from(k))).collect();
            let mut fits = Vec::new();
            let mut each = |fit| {
                fits.push(fit);
                match interrupted.load(Ordering::Relaxed) {
                    true => ControlFlow::Break(()),
                    false => ControlFlow::Continue(()),
                }
            };
            regression.path(sparsity, &lambdas, &options, &mut each).map_err(refused)?;
            fits
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    let Some(last) = fits.last() else { return Err("nothing was solved".into()) };
    write(arguments, &fits, curve, features)?;
    let device = device::name(pool.as_ref());
    report(arguments, &fits, last, (samples, features), lambda_max, seconds, device)?;
    let worst = fits.iter().map(|fit| fit.outcome.report.status).find(|status| *status != Status::Converged);
    Ok(match worst {
        _ if interrupted.load(Ordering::Relaxed) => ExitCode::from(INTERRUPTED),
        None => ExitCode::SUCCESS,
        Some(_) => ExitCode::from(NOT_CONVERGED),
    })
}

/// Refuses places that cannot be written or must not be.
fn check_outputs(arguments: &Arguments) -> Result<(), Failure> {
    for (option, path) in [("--out", &arguments.out), ("--plot", &arguments.plot)] {
        let Some(path) = path else { continue };
        let same =
            |input: &Path| matches!((input.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if same(&arguments.data) || arguments.targets.as_deref().is_some_and(same) {
            let shown = path.display();
            return Err(format!("{option} {shown}: this is an input of the run; name another file").into());
        }
        output::check_writable(option, path)?;
    }
    Ok(())
}

fn read(arguments: &Arguments) -> Result<Regression, Failure> {
    let path = &arguments.data;
    let extension = path.extension().and_then(|word| word.to_str()).unwrap_or_default().to_ascii_lowercase();
    let unreadable = |error| output::unreadable(&error);
    let targets = match &arguments.targets {
        Some(targets) if extension == "mtx" => Some(files::read_vector(targets).map_err(unreadable)?),
        Some(targets) => {
            return Err(format!(
                "--targets {}: only a design in Matrix Market format needs it",
                targets.display()
            )
            .into());
        }
        None => None,
    };
    let loss = match arguments.loss {
        Judge::Squares => Loss::LeastSquares,
        Judge::Logistic => Loss::Logistic,
    };
    let labelled = |mut y: Vec<f64>| -> Result<Vec<f64>, Failure> {
        if loss == Loss::Logistic {
            two_classes(&mut y).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(y)
    };
    let refused = |error: Error| -> Failure { format!("{}: {error}", path.display()).into() };
    let regression = match (extension.as_str(), targets) {
        ("npz", _) => {
            let (samples, y) = npz::read_system(path, "A", "y").map_err(unreadable)?;
            Regression::dense(samples, labelled(y)?, loss)
        }
        ("mtx", Some(y)) => {
            let samples = matrix_market::read(path).map_err(unreadable)?;
            Regression::sparse(&samples.into_sparse().map_err(unreadable)?, labelled(y)?, loss)
                .map_err(refused)?
        }
        ("mtx", None) => return Err(format!("{}: give --targets", path.display()).into()),
        _ => {
            let found = libsvm::read(path).map_err(unreadable)?;
            Regression::sparse(&found.rows, labelled(found.labels)?, loss).map_err(refused)?
        }
    };
    Ok(if arguments.intercept { regression.with_intercept() } else { regression })
}

/// Labels of two values, the smaller turned into −1 and the larger into 1.
fn two_classes(y: &mut [f64]) -> Result<(), String> {
    let (low, high) =
        y.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &y| (low.min(y), high.max(y)));
    if let Some(&other) = y.iter().find(|&&y| y != low && y != high) {
        return Err(format!(
            "logistic regression needs labels of two values; besides {low} and {high} there is {other}"
        ));
    }
    if low >= high {
        return Err(format!("all labels are {low}; logistic regression needs two values"));
    }
    y.iter_mut().for_each(|y| *y = if *y == low { -1.0 } else { 1.0 });
    Ok(())
}

fn write(
    arguments: &Arguments,
    fits: &[Fit],
    curve: Vec<(f64, f64)>,
    features: usize,
) -> Result<(), Failure> {
    if let (Some(path), Some(last)) = (&arguments.out, fits.last()) {
        if arguments.path.is_some() {
            let all: Vec<f64> = fits.iter().flat_map(|fit| fit.w.iter().copied()).collect();
            npy::write_matrix(path, fits.len(), features, &all)?;
        } else {
            npy::write_vector(path, &last.w)?;
        }
    }
    let Some(path) = &arguments.plot else { return Ok(()) };
    let panel = if arguments.path.is_some() {
        let active = |j: &usize| fits.iter().any(|fit| fit.w.get(*j).is_some_and(|&w| w != 0.0));
        let series = (0..features).filter(active).take(64).map(|j| Series {
            name: format!("feature {j}"),
            points: fits.iter().map(|fit| (fit.lambda.log10(), fit.w[j])).collect(),
        });
        Panel {
            title: format!("{} solutions", fits.len()),
            x_label: "log10 lambda".to_owned(),
            y_label: "weight".to_owned(),
            series: series.collect(),
            logarithmic: false,
        }
    } else {
        Panel {
            title: format!("lambda {:.3e}", fits.first().map_or(0.0, |fit| fit.lambda)),
            x_label: "steps".to_owned(),
            y_label: "gap".to_owned(),
            series: vec![Series { name: "gap".to_owned(), points: curve }],
            logarithmic: true,
        }
    };
    Ok(write_svg(path, &[panel])?)
}

fn report(
    arguments: &Arguments,
    fits: &[Fit],
    last: &Fit,
    (samples, features): (usize, usize),
    lambda_max: f64,
    seconds: f64,
    device: String,
) -> Result<(), Failure> {
    let total = |count: fn(&Fit) -> u64| fits.iter().map(count).sum::<u64>();
    let steps = u32::try_from(total(|fit| u64::from(fit.outcome.report.steps))).unwrap_or(u32::MAX);
    let outcome = &last.outcome;
    let worst = fits.iter().find(|fit| fit.outcome.report.status != Status::Converged).unwrap_or(last);
    let status = name(worst.outcome.report.status);
    if arguments.json {
        let point = |fit: &Fit| Point {
            lambda: fit.lambda,
            status: name(fit.outcome.report.status),
            objective: number(fit.outcome.primal),
            gap: number(fit.outcome.gap),
            steps: fit.outcome.report.steps,
            nonzeros: fit.outcome.nonzeros,
            intercept: fit.outcome.intercept,
        };
        return output::print_json(&Document {
            status,
            objective: number(outcome.primal),
            gap: number(outcome.gap),
            threshold: number(outcome.threshold),
            steps,
            nonzeros: outcome.nonzeros,
            lambda: last.lambda,
            lambda_max,
            intercept: outcome.intercept,
            column_visits: total(|fit| fit.outcome.column_visits),
            updates: total(|fit| fit.outcome.updates),
            second_order_steps: total(|fit| fit.outcome.second_order_steps),
            sweeps: fits.iter().map(|fit| fit.outcome.sweeps).sum(),
            samples,
            features,
            seconds,
            simd: southwell_simd::level_name(),
            device,
            path: if arguments.path.is_some() { fits.iter().map(point).collect() } else { Vec::new() },
        });
    }
    if arguments.path.is_some() {
        output::print("lambda         non-zeros  objective         gap        steps\n")?;
        for fit in fits {
            let Fit { lambda, outcome, .. } = fit;
            output::print(&format!(
                "{lambda:<14.6e} {:<10} {:<17.10e} {:<10.1e} {}\n",
                outcome.nonzeros, outcome.primal, outcome.gap, outcome.report.steps
            ))?;
        }
    }
    let intercept =
        if arguments.intercept { format!(", intercept {:.6e}", outcome.intercept) } else { String::new() };
    output::print(&format!(
        "{status} after {steps} steps: {} of {features} weights are not zero at lambda {:.6e}, objective {:.10e}, gap {:.3e} \
         (asked for: {:.3e}){intercept}, {seconds:.3} s\n",
        outcome.nonzeros, last.lambda, outcome.primal, outcome.gap, outcome.threshold,
    ))?;
    let advice = match worst.outcome.report.status {
        Status::StepLimit => Some("allow more --max-steps, or a larger --lambda or --gap"),
        Status::Stalled => Some("the precision is exhausted; ask for a larger --gap"),
        Status::NotFinite => Some("numbers overflowed; scale the features and the targets"),
        _ => None,
    };
    if let (Some(advice), false) = (advice, arguments.quiet) {
        output::note(&format!("hint: {advice}"));
    }
    Ok(())
}
