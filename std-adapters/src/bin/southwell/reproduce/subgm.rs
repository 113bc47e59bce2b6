//! `southwell reproduce subgm`: error against iterations of the sub-gradient method for robust matrix
//! recovery.
//!
//! J. Ma & S. Fattahi, «Global convergence of sub-gradient method for robust matrix recovery: small
//! initialization, noisy measurements, and over-parameterization», JMLR 24(96), 2023, is the setting:
//! outliers of growing probability, Gaussian noise, and ranks that are over-estimated up to the dimension,
//! from a small start. The data of its figures are not known; these are ours, from the counter generator: X
//! of 30 × 30 and rank 3, 1200 Gaussian measurements, outliers ten times the signal. Beside it runs the
//! gradient method on least squares. The reference errors were computed by another implementation, in C.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use serde::Serialize;
use southwell::Stop;
use southwell::subgradient::counter::{fill_normal, normal, stream, uniform};
use southwell::subgradient::matrix::operator::{Dense, Operator};
use southwell::subgradient::matrix::{self, Options, Problem, Start, Step, Weights, Workspace};
use southwell_std::owned::{Measurements, Recovery};
use southwell_std::plot::{Panel, Series, write_svg};

use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 an error is more than three times its reference, 130 interrupted.")]
pub(crate) struct Arguments {
    /// Draw the errors against the iterations, an SVG file an experiment, into this directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Iterations of a run.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    iterations: u32,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

const D: usize = 30;
const TRUE_RANK: usize = 3;
const COUNT: usize = 1200;
const SEED: u64 = 1;
/// Size of outliers, in units of the signal.
const GROSS: f64 = 10.0;
const ALPHA: f64 = 1e-6;
/// Iterations of which the errors are printed.
const SHOWN: [u32; 3] = [100, 200, 500];

struct Case {
    outliers: f64,
    noise: f64,
    rank: usize,
    /// Of both methods after 500 iterations.
    reference: [Option<f64>; 2],
}

const fn case(outliers: f64, noise: f64, rank: usize, l1: Option<f64>, l2: Option<f64>) -> Case {
    Case { outliers, noise, rank, reference: [l1, l2] }
}

struct Experiment {
    name: &'static str,
    file: &'static str,
    cases: &'static [Case],
}

const EXPERIMENTS: [Experiment; 3] = [
    Experiment {
        name: "outliers, rank 30 for 3",
        file: "outliers.svg",
        cases: &[
            case(0.0, 0.0, 30, Some(3.1e-8), Some(3.7e-9)),
            case(0.1, 0.0, 30, Some(1.8e-7), Some(1.71)),
            case(0.3, 0.0, 30, Some(2.5e-6), Some(2.66)),
            case(0.5, 0.0, 30, Some(8.2e-3), Some(3.48)),
        ],
    },
    Experiment {
        name: "over-estimated ranks, 30 % outliers",
        file: "ranks.svg",
        cases: &[
            case(0.3, 0.0, 3, Some(4.4e-11), None),
            case(0.3, 0.0, 10, Some(2.5e-6), None),
            case(0.3, 0.0, 30, Some(2.5e-6), Some(2.66)),
        ],
    },
    Experiment {
        name: "Gaussian noise",
        file: "noise.svg",
        cases: &[
            case(0.0, 0.1, 10, Some(3.6e-2), None),
            case(0.0, 0.5, 10, Some(0.177), None),
            case(0.3, 0.1, 10, Some(5.9e-2), None),
        ],
    },
];

#[derive(Serialize)]
struct Row {
    method: &'static str,
    outliers: f64,
    noise: f64,
    rank: usize,
    /// At the iterations that are shown.
    errors: Vec<f64>,
    /// The lowest and the last one.
    lowest: f64,
    last: f64,
    /// After 500 iterations, by another implementation.
    reference: Option<f64>,
}

#[derive(Serialize)]
struct Document {
    iterations: u32,
    shown: Vec<u32>,
    experiments: Vec<(&'static str, Vec<Row>)>,
}

/// Measurements, without what spoils them.
struct Clean {
    a: Vec<f64>,
    y: Vec<f64>,
    truth: Vec<f64>,
    signal: f64,
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn clean() -> Clean {
    // Normal columns, made orthonormal from left to right.
    let entry = |j: usize, k: usize| normal(stream(SEED, 2), (j * TRUE_RANK + k) as u64);
    let mut columns: Vec<Vec<f64>> = (0..TRUE_RANK).map(|k| (0..D).map(|j| entry(j, k)).collect()).collect();
    for k in 0..TRUE_RANK {
        let (before, rest) = columns.split_at_mut(k);
        for base in before {
            let dot: f64 = base.iter().zip(&rest[0]).map(|(a, b)| a * b).sum();
            rest[0].iter_mut().zip(base).for_each(|(a, b)| *a -= dot * *b);
        }
        let length = norm(&rest[0]);
        rest[0].iter_mut().for_each(|a| *a /= length);
    }
    let truth: Vec<f64> =
        (0..D * D).map(|n| columns.iter().map(|column| column[n / D] * column[n % D]).sum()).collect();
    let mut a = vec![0.0; COUNT * D * D];
    fill_normal(stream(SEED, 1), 0, &mut a);
    let y = a.chunks(D * D).map(|a| a.iter().zip(&truth).map(|(a, x)| a * x).sum()).collect();
    let signal = norm(&truth);
    Clean { a, y, truth, signal }
}

impl Clean {
    fn spoilt(&self, case: &Case) -> Vec<f64> {
        let spoil = |(i, y): (u64, &f64)| {
            let gross = if uniform(stream(SEED, 3), i) < case.outliers { GROSS } else { 0.0 };
            y + self.signal * (gross * normal(stream(SEED, 4), i) + case.noise * normal(stream(SEED, 5), i))
        };
        (0..).zip(&self.y).map(spoil).collect()
    }

    /// ‖X − X*‖_F/‖X*‖_F
    fn error(&self, x: &[f64]) -> f64 {
        let off: Vec<f64> = x.iter().zip(&self.truth).map(|(x, truth)| x - truth).collect();
        norm(&off) / self.signal
    }

    /// Errors of the sub-gradient method: η₀ = 1/4, held for 60 iterations, then shrinking by 0.95 each.
    fn by_signs(&self, case: &Case, y: &[f64], iterations: u32) -> Result<Vec<f64>, Failure> {
        let measurements = Measurements::Dense { values: self.a.clone(), rows: D, columns: D };
        let recovery = Recovery { measurements, y: y.to_vec(), symmetric: true, rank: case.rank };
        let options = Options {
            // No step is too small to go on.
            stop: Stop { max_steps: iterations, ..Stop::relative(f64::MIN_POSITIVE) },
            start: Start::Spectral,
            alpha: ALPHA,
            step: Step::Held { eta0: 0.25, rho: 0.95, hold: 60 },
            patience: u32::MAX,
            ..Options::default()
        };
        let found = recovery.watch::<f64>(&options, Some(&self.truth), &mut ())?;
        Ok(found.history.iter().filter_map(|look| look.error).collect())
    }

    /// Errors of the gradient method on least squares, with steps of 0.1 from a start of the same size.
    fn by_squares(&self, case: &Case, y: &[f64], iterations: u32) -> Result<Vec<f64>, Failure> {
        let operator = Dense::new(&self.a, D, D)?;
        let problem = Problem::symmetric(&operator, y, case.rank)?;
        let shape = problem.shape();
        let mut storage =
            vec![0.0; Workspace::<f64>::required_len(shape, false, Dense::<f64>::scratch(shape))];
        let workspace = Workspace::new(&problem, false, &mut storage)?;
        let weights = Some(Weights::Value);
        let options = Options { start: Start::Spectral, alpha: ALPHA, weights, ..Options::default() };
        let mut u = vec![0.0; shape.unknowns()];
        matrix::start(&problem, &options, &mut u, workspace)?;
        let (mut gradient, mut x) = (vec![0.0; u.len()], vec![0.0; D * D]);
        let mut scratch = vec![0.0; Dense::<f64>::scratch(shape)];
        let mut errors = Vec::new();
        for t in 0..=iterations {
            shape.factors(&u).multiply_out(&mut x);
            errors.push(self.error(&x));
            if t < iterations {
                let (factors, mut sums) = (shape.factors(&u), shape.gradient(&mut gradient));
                operator.pass(1.0 / COUNT as f64, factors, &mut scratch, &mut sums, |i, s| s - y[i]);
                u.iter_mut().zip(&gradient).for_each(|(u, g)| *u -= 0.1 * g);
            }
        }
        Ok(errors)
    }
}

fn label(method: &str, case: &Case) -> String {
    format!("{method}, p = {}, noise {}, rank {}", case.outliers, case.noise, case.rank)
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| format!("--out {}: {error}", folder.display()))?;
    }
    let interrupted = output::interruption()?;
    let runs = EXPERIMENTS.iter().map(|experiment| 2 * experiment.cases.len() as u64).sum();
    let bar = output::progress(arguments.quiet || arguments.json, Some(runs));
    let clean = clean();
    let mut experiments = Vec::new();
    for experiment in &EXPERIMENTS {
        let mut rows = Vec::new();
        let mut panel = Panel {
            title: experiment.name.to_owned(),
            x_label: "iterations".to_owned(),
            y_label: "relative error".to_owned(),
            series: Vec::new(),
            logarithmic: true,
        };
        for case in experiment.cases {
            let y = clean.spoilt(case);
            for (method, reference) in ["sub-gradient", "least squares"].into_iter().zip(case.reference) {
                if stopped(&interrupted) {
                    return Ok(ExitCode::from(INTERRUPTED));
                }
                bar.set_message(label(method, case));
                let errors = if method == "sub-gradient" {
                    clean.by_signs(case, &y, arguments.iterations)?
                } else {
                    clean.by_squares(case, &y, arguments.iterations)?
                };
                let points = (0..).map(f64::from as fn(u32) -> f64).zip(errors.iter().copied()).collect();
                panel.series.push(Series { name: label(method, case), points });
                rows.push(row(method, case, reference, &errors));
                bar.inc(1);
            }
        }
        if let Some(folder) = &arguments.out {
            write_svg(folder.join(experiment.file), &[panel])?;
        }
        experiments.push((experiment.name, rows));
    }
    bar.finish_and_clear();
    let missed =
        arguments.iterations >= SHOWN[2] && experiments.iter().any(|(_, rows)| rows.iter().any(missed));
    if arguments.json {
        let shown = SHOWN.to_vec();
        output::print_json(&Document { iterations: arguments.iterations, shown, experiments })?;
    } else {
        output::print(&tables(&experiments))?;
    }
    if missed && !arguments.quiet {
        output::note("an error is more than three times its reference");
    }
    Ok(if missed { ExitCode::from(NOT_CONVERGED) } else { ExitCode::SUCCESS })
}

fn stopped(interrupted: &AtomicBool) -> bool {
    interrupted.load(Ordering::Relaxed)
}

fn row(method: &'static str, case: &Case, reference: Option<f64>, errors: &[f64]) -> Row {
    Row {
        method,
        outliers: case.outliers,
        noise: case.noise,
        rank: case.rank,
        errors: SHOWN.iter().filter_map(|&t| errors.get(t as usize).copied()).collect(),
        lowest: errors.iter().copied().fold(f64::INFINITY, f64::min),
        last: errors.last().copied().unwrap_or(f64::NAN),
        reference,
    }
}

/// Whether the sub-gradient method ended above what it should reach. (Signs make its path chaotic in the last
/// bit: another order of sums ends within a factor of three.)
fn missed(row: &Row) -> bool {
    let at_500 = row.errors.get(2).copied().unwrap_or(f64::NAN);
    row.method == "sub-gradient"
        && row.reference.is_some_and(|reference| at_500.is_nan() || at_500 > 3.0 * reference)
}

fn tables(experiments: &[(&'static str, Vec<Row>)]) -> String {
    let mut text = String::new();
    for (name, rows) in experiments {
        let [a, b, c] = SHOWN;
        text += &format!(
            "{name}\n{:<14} {:>4} {:>5} {:>4}  {a:>9} {b:>9} {c:>9}  {:>9}\n",
            "method", "p", "noise", "rank", "reference"
        );
        for row in rows {
            let cell = |error: Option<&f64>| error.map_or("-".to_owned(), |error| format!("{error:.1e}"));
            text += &format!(
                "{:<14} {:>4} {:>5} {:>4}  {:>9} {:>9} {:>9}  {:>9}\n",
                row.method,
                row.outliers,
                row.noise,
                row.rank,
                cell(row.errors.first()),
                cell(row.errors.get(1)),
                cell(row.errors.get(2)),
                cell(row.reference.as_ref()),
            );
        }
        text.push('\n');
    }
    text
}
