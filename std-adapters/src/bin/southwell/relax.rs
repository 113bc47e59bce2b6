//! `southwell relax`: A x = b for a matrix from a file.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Args, ValueEnum};
use serde::Serialize;
use southwell::relaxation::{Auto, Fixed, HagemanYoung, OmegaRule, Problem, Young};
use southwell::{Progress, Status, Stop};
use southwell_std::files::{self, matrix_market, npy};
use southwell_std::owned::{self, Solution, System};

use super::heat::tolerance;
use crate::output::{self, Failure, NOT_CONVERGED};

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The matrix: Matrix Market, square, coordinate or array, real, integer or pattern.
    #[arg(value_name = "A.mtx")]
    matrix: PathBuf,
    /// The right-hand side, Matrix Market or NumPy. Default: all ones.
    #[arg(long, value_name = "b.mtx|b.npy")]
    rhs: Option<PathBuf>,
    /// How the system is solved.
    #[arg(long, value_enum, default_value_t = Method::SsorCg)]
    method: Method,
    /// The relaxation factor: a number in (0, 2), `young` (from an estimate of Jacobi's radius), or
    /// `learned` (from what the solver sees). Not used by cg.
    #[arg(long, default_value = "learned", value_name = "VALUE|young|learned", value_parser = omega)]
    omega: Omega,
    /// The run has converged at ‖b − A x‖ ≤ TOLERANCE · ‖b‖.
    #[arg(long, default_value_t = 1e-8, value_parser = tolerance)]
    tolerance: f64,
    /// Steps after which the run gives up.
    #[arg(long, default_value_t = 10_000_000, value_name = "STEPS")]
    max_iterations: u32,
    /// Write x as a NumPy vector; the best iterate is written even if the run did not converge.
    #[arg(long, value_name = "x.npy")]
    out: Option<PathBuf>,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Forward sweeps.
    Sor,
    /// Forward and backward sweeps in turn.
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
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let matrix = matrix_market::read(&arguments.matrix)?.into_sparse()?;
    let (rows, columns, nonzeros) = (matrix.rows, matrix.columns, matrix.values.len());
    let at = |error: southwell::Error| format!("{}: {error}", arguments.matrix.display());
    if rows != columns {
        return Err(format!(
            "{}: the matrix is {rows} × {columns}; only square systems can be relaxed",
            arguments.matrix.display()
        )
        .into());
    }
    let rhs = match &arguments.rhs {
        Some(path) => {
            let rhs = files::read_vector(path)?;
            if rhs.len() != rows {
                let (path, given) = (path.display(), rhs.len());
                return Err(format!(
                    "{path}: the right-hand side has {given} entries, the matrix {rows} rows"
                )
                .into());
            }
            rhs
        }
        None => vec![1.0; rows],
    };
    let start = Instant::now();
    let system = System::new(matrix, rhs).map_err(at)?;
    let mut rule = rule(arguments, &system).map_err(at)?;
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(arguments.tolerance) };
    let bar = output::progress(arguments.quiet || arguments.json, None);
    let mut observer = |progress: &Progress<f64>| {
        if progress.step.is_multiple_of(64) {
            bar.set_position(u64::from(progress.step));
            if let Some(residual) = progress.residual {
                bar.set_message(format!("residual {residual:.3e}"));
            }
        }
        ControlFlow::Continue(())
    };
    let solution = system.solve(arguments.method.owned(), &stop, &mut *rule, &mut observer).map_err(at)?;
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    if let Some(path) = &arguments.out {
        npy::write_vector(path, &solution.x)?;
    }
    report(arguments, &solution, rows, nonzeros, seconds)?;
    Ok(if solution.report.converged() { ExitCode::SUCCESS } else { ExitCode::from(NOT_CONVERGED) })
}

/// The rule that `--omega` names.
fn rule(arguments: &Arguments, system: &System) -> Result<Box<dyn OmegaRule<f64>>, southwell::Error> {
    Ok(match arguments.omega {
        Omega::Value(value) => Box::new(Fixed(value)),
        Omega::Young => {
            let view = system.view()?;
            let problem = Problem::new(&view, system.rhs())?;
            let mut storage = vec![0.0; 2 * problem.order()];
            let young = Young::estimate(&problem, POWER_STEPS, &mut storage)?;
            if young.jacobi_radius >= 1.0 {
                return Err(southwell::Error::Option {
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
        });
    }
    let omega = solution.omega.map_or(String::new(), |omega| format!(", omega {omega:.4}"));
    let colours = solution.colours.map_or(String::new(), |colours| format!(", {colours} colours"));
    output::print(&format!(
        "{status} after {} iterations: relative residual {relative:.3e}, {unknowns} unknowns, {nonzeros} \
         entries{omega}{colours}, {seconds:.3} s\n",
        run.steps
    ))?;
    if let Some(advice) = advice(run.status, arguments.method) {
        eprintln!("hint: {advice}");
    }
    Ok(())
}

/// A status as machines read it.
fn name(status: Status) -> &'static str {
    match status {
        Status::Converged => "converged",
        Status::StepLimit => "step-limit",
        Status::Stalled => "stalled",
        Status::Breakdown => "breakdown",
        Status::NotFinite => "not-finite",
        Status::Stopped => "stopped",
        _ => "unknown",
    }
}

/// What to do next.
fn advice(status: Status, method: Method) -> Option<&'static str> {
    match status {
        Status::Breakdown => {
            Some("the matrix is not symmetric positive definite; try --method sor with a small --omega")
        }
        Status::NotFinite => Some(
            "the sweeps diverge; try a smaller --omega, or ssor-cg if the matrix is symmetric positive definite",
        ),
        Status::Stalled => Some("the precision is exhausted; ask for a larger --tolerance"),
        Status::StepLimit if matches!(method, Method::Cg | Method::SsorCg) => {
            Some("allow more --max-iterations")
        }
        Status::StepLimit => {
            Some("allow more --max-iterations, or use ssor-cg if the matrix is symmetric positive definite")
        }
        _ => None,
    }
}
