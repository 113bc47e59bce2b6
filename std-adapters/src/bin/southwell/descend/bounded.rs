//! Quadratics in a box, by active sets.

use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;
use southwell::descent::box_qp::{Method, Options};
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::{self, DenseMatrix, npy};
use southwell_std::owned::BoxQp;
use southwell_std::owned::descent::Smooth;
use southwell_std::plot::{Panel, Series, write_svg};

use super::{Arguments, number};
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

/// Variables beyond which a dense matrix is not made.
const MOST: usize = 2048;

#[derive(Serialize)]
struct Document {
    status: &'static str,
    objective: Option<f64>,
    /// A bound of how far the objective is above the least.
    gap: Option<f64>,
    /// The largest violation of the optimality conditions.
    residual: Option<f64>,
    steps: u32,
    nonzeros: usize,
    at_lower: usize,
    at_upper: usize,
    method: &'static str,
    variables: usize,
    seconds: f64,
    device: String,
    simd: &'static str,
}

/// Bounds from `--lower` and `--upper`: a number, or a file.
pub(super) fn bound(option: &str, text: &str) -> Result<Vec<f64>, Failure> {
    match text.parse::<f64>() {
        Ok(value) if !value.is_nan() => Ok(vec![value]),
        Ok(_) => Err(format!("{option} {text}: a bound is a number").into()),
        Err(_) => files::read_vector(text)
            .map_err(|error| format!("{option}: {}", output::unreadable(&error)).into()),
    }
}

/// The problem, if it is a quadratic that is small enough and has no other terms.
pub(super) fn pose(arguments: &Arguments, smooth: &Smooth) -> Result<Option<BoxQp>, Failure> {
    let (n, linear) = match smooth {
        Smooth::Quadratic { matrix, linear } => (matrix.rows, linear),
        Smooth::DenseQuadratic { matrix, linear } => (matrix.rows, linear),
        _ => return Ok(None),
    };
    if n > MOST {
        return Ok(None);
    }
    let mut h = match smooth {
        Smooth::Quadratic { matrix, .. } if matrix.rows == matrix.columns => {
            let mut values = vec![0.0; n * n];
            for (row, pair) in matrix.row_offsets.windows(2).enumerate() {
                for entry in pair[0] as usize..pair[1] as usize {
                    values[row * n + matrix.column_indices[entry] as usize] = matrix.values[entry];
                }
            }
            DenseMatrix { rows: n, columns: n, values }
        }
        Smooth::DenseQuadratic { matrix, .. } => matrix.clone(),
        _ => return Ok(None),
    };
    if h.rows == h.columns {
        (0..n).for_each(|i| h.values[i * n + i] += arguments.ridge);
    }
    let each = |option, text| -> Result<Vec<f64>, Failure> {
        let values = bound(option, text)?;
        Ok(if let [one] = values[..] { vec![one; n] } else { values })
    };
    let (lower, upper) = (each("--lower", &arguments.lower)?, each("--upper", &arguments.upper)?);
    Ok(Some(BoxQp { h, f: linear.iter().map(|c| -c).collect(), lower, upper }))
}

pub(super) fn run(arguments: &Arguments, problem: &BoxQp) -> Result<ExitCode, Failure> {
    let default = Options::default();
    let relative = arguments.gap.unwrap_or(default.stop.relative);
    let max_steps = arguments.max_steps.unwrap_or(default.stop.max_steps);
    let options = Options { stop: Stop { relative, max_steps, ..default.stop }, ..default };
    let interrupted = output::interruption()?;
    let mut curve = Vec::new();
    let start = Instant::now();
    let mut observer = |progress: &Progress<f64>| {
        curve.extend(progress.residual.map(|residual| (f64::from(progress.step), residual)));
        match interrupted.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    let refused = |error: Error| format!("{}: {error}", arguments.data.display());
    let found = problem.solve(&options, &mut observer).map_err(refused)?;
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &arguments.out {
        npy::write_vector(path, &found.x)?;
    }
    if let Some(path) = &arguments.plot {
        let panel = Panel {
            title: "quadratic in a box".to_owned(),
            x_label: "steps".to_owned(),
            y_label: "violation".to_owned(),
            series: vec![Series { name: "active sets".to_owned(), points: curve }],
            logarithmic: true,
        };
        write_svg(path, &[panel])?;
    }
    let box_report = &found.report;
    let report = &box_report.report;
    let method = match box_report.method {
        Method::PrimalDual => "primal-dual",
        Method::Dual => "dual",
        Method::TwoMetric => "two-metric",
    };
    let status = name(report.status);
    if arguments.json {
        output::print_json(&Document {
            status,
            objective: number(box_report.objective),
            gap: number(gap(problem, &found.x)),
            residual: number(report.residual),
            steps: report.steps,
            nonzeros: found.x.iter().filter(|x| **x != 0.0).count(),
            at_lower: box_report.at_lower,
            at_upper: box_report.at_upper,
            method,
            variables: found.x.len(),
            seconds,
            device: device::name(None),
            simd: southwell_simd::level_name(),
        })?;
    } else {
        output::print(&format!(
            "{status} after {} steps ({method} active sets): objective {:.10e}, {} variables at their lower bound and {} \
             at their upper one, of {}, violation {:.3e}, {seconds:.3} s\n",
            report.steps,
            box_report.objective,
            box_report.at_lower,
            box_report.at_upper,
            found.x.len(),
            report.residual,
        ))?;
    }
    Ok(match report.status {
        _ if interrupted.load(Ordering::Relaxed) => ExitCode::from(INTERRUPTED),
        Status::Converged | Status::Optimal => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Σ over the variables of what a linear model could still gain.
fn gap(problem: &BoxQp, x: &[f64]) -> f64 {
    let n = x.len();
    let mut gap = 0.0;
    for (i, row) in problem.h.values.chunks(n.max(1)).enumerate() {
        let g: f64 = row.iter().zip(x).map(|(h, x)| h * x).sum::<f64>() + problem.f[i];
        let to = if g > 0.0 { problem.lower[i] } else { problem.upper[i] };
        gap += if g == 0.0 { 0.0 } else { g * (x[i] - to) };
    }
    gap
}
