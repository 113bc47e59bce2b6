//! The lasso and its relatives, by the solver with working sets, to a duality gap.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;
use southwell::descent::sparse_regression::Options;
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::npy;
use southwell_std::owned::{Fit, Sparsity};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::Work;

use super::read;
use super::words::Kind;
use super::{Arguments, number};
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

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

impl Arguments {
    pub(super) fn sparsity(&self) -> Sparsity {
        match self.penalty.unwrap_or(Kind::Lasso) {
            Kind::ElasticNet => Sparsity::ElasticNet(self.ridge),
            Kind::NonNegative => Sparsity::NonNegative,
            Kind::Group => Sparsity::Groups(self.group_size),
            _ => Sparsity::Lasso,
        }
    }
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let regression = read::regression(arguments)?;
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
    let stop = Stop {
        max_steps: arguments.max_steps.unwrap_or(1000),
        ..Stop::relative(arguments.gap.unwrap_or(1e-6))
    };
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

pub(super) fn write(
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

pub(super) fn report(
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
    output::hint(advice, arguments.quiet);
    Ok(())
}
