//! `southwell balance`: a matrix from a file, scaled to given sums or norms.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;
use southwell::transport::balance::ruiz::Norm;
use southwell::{Error, Progress, Status, Stop};
use southwell_std::files::matrix_market::{self, Matrix, Symmetry};
use southwell_std::files::{self, npy, npz};
use southwell_std::owned::{Balance, Balanced, Balancer};
use southwell_std::plot::{Panel, Series, write_svg};

use super::heat::tolerance;
use super::relax;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Ctrl-C ends the run after the step in hand; what was asked for is written. A second Ctrl-C ends it at once.

Examples:
  southwell balance M.mtx --out doubly-stochastic.mtx
  southwell balance trips.npy --rows leave.npy --columns arrive.npy --scalings xy.npz --json
  southwell balance A.mtx --method ruiz --out equilibrated.mtx --plot residual.svg")]
pub(crate) struct Arguments {
    /// The matrix: Matrix Market or NumPy; without negative entries, but for ruiz and ruiz-sum.
    #[arg(value_name = "M.mtx|M.npy")]
    matrix: PathBuf,
    /// How it is balanced.
    #[arg(long, value_enum, default_value_t = Method::SinkhornKnopp)]
    method: Method,
    /// What every row shall sum to, NumPy or Matrix Market. Default: 1. Not used by ruiz and ruiz-sum.
    #[arg(long, value_name = "r.npy", requires = "columns")]
    rows: Option<PathBuf>,
    /// What every column shall sum to.
    #[arg(long, value_name = "c.npy", requires = "rows")]
    columns: Option<PathBuf>,
    /// The run has converged when the sums are off by TOLERANCE of their total, all together (ruiz: each norm by
    /// TOLERANCE); between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-9", value_parser = tolerance)]
    tolerance: f64,
    /// Steps after which the run gives up.
    #[arg(long, allow_negative_numbers = true, default_value_t = 100_000, value_name = "STEPS")]
    max_iterations: u32,
    /// Write the scaled matrix, Matrix Market or NumPy by the name's ending.
    #[arg(long, value_name = "scaled.mtx|npy")]
    out: Option<PathBuf>,
    /// Write the scalings x of the rows and y of the columns as a NumPy archive.
    #[arg(long, value_name = "xy.npz")]
    scalings: Option<PathBuf>,
    /// Draw the residual against the steps.
    #[arg(long, value_name = "residual.svg")]
    plot: Option<PathBuf>,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Rows and columns are given their sums in turn.
    SinkhornKnopp,
    /// One scaling for rows and columns of a symmetric matrix.
    Symmetric,
    /// The largest entry of every row and column becomes 1 (absolute values).
    Ruiz,
    /// The absolute values of every row and column sum to 1.
    RuizSum,
}

impl Method {
    fn balancer(self) -> Balancer {
        match self {
            Method::SinkhornKnopp => Balancer::SinkhornKnopp,
            Method::Symmetric => Balancer::Symmetric,
            Method::Ruiz => Balancer::Ruiz(Norm::Largest),
            Method::RuizSum => Balancer::Ruiz(Norm::Sum),
        }
    }

    fn asks_for_sums(self) -> bool {
        matches!(self, Method::SinkhornKnopp | Method::Symmetric)
    }
}

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document {
    status: &'static str,
    iterations: u32,
    /// ‖P 1 − r‖₁ + ‖Pᵀ 1 − c‖₁, or the largest |norm − 1|.
    residual: Option<f64>,
    /// The same as a share of Σ r.
    relative_residual: Option<f64>,
    rows: usize,
    columns: usize,
    entries: usize,
    seconds: f64,
    /// The instruction set that the passes ran on.
    simd: &'static str,
}

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_outputs(arguments)?;
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message(format!("reading {}", arguments.matrix.display()));
    bar.tick();
    let balance = read(arguments)?;

    let start = Instant::now();
    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(arguments.tolerance) };
    // From here on there is something to lose.
    let interrupted = output::interruption()?;
    let mut shown = Instant::now();
    let mut curve = Vec::new();
    let mut observer = |progress: &Progress<f64>| {
        if let Some(residual) = progress.residual {
            if arguments.plot.is_some() {
                curve.push((f64::from(progress.step), residual));
            }
            if shown.elapsed() >= REFRESH {
                bar.set_message(format!("{} steps, residual {residual:.3e}", progress.step));
                shown = Instant::now();
            }
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let balanced = balance
        .solve(arguments.method.balancer(), &stop, &mut observer)
        .map_err(|error| refusal(arguments, &balance, error))?;
    let seconds = start.elapsed().as_secs_f64();
    bar.set_message("writing");
    write(arguments, &balance, &balanced, curve)?;
    bar.finish_and_clear();
    report(arguments, &balance, &balanced, seconds)?;
    Ok(match balanced.report.status {
        Status::Converged => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

/// Refuses places that cannot be written or must not be.
fn check_outputs(arguments: &Arguments) -> Result<(), Failure> {
    if let (false, Some(_)) = (arguments.method.asks_for_sums(), &arguments.rows) {
        return Err(
            "--rows and --columns: Ruiz's equilibration asks for norms of 1; leave them out, or use \
                    --method sinkhorn-knopp"
                .into(),
        );
    }
    let inputs = [Some(&arguments.matrix), arguments.rows.as_ref(), arguments.columns.as_ref()];
    let outputs =
        [("--out", &arguments.out), ("--scalings", &arguments.scalings), ("--plot", &arguments.plot)];
    for (option, path) in outputs.into_iter().filter_map(|(option, path)| Some((option, path.as_ref()?))) {
        let same = |input: &&PathBuf| matches!((input.canonicalize(), path.canonicalize()), (Ok(a), Ok(b)) if a == b);
        if inputs.iter().flatten().any(same) {
            let path = path.display();
            return Err(format!("{option} {path}: this is an input of the run; name another file").into());
        }
        if option == "--out" && !ends_with(path, "mtx") && !ends_with(path, "npy") {
            let path = path.display();
            return Err(format!("--out {path}: name a .mtx or a .npy file").into());
        }
        output::check_writable(option, path)?;
    }
    Ok(())
}

/// The matrix and the sums.
fn read(arguments: &Arguments) -> Result<Balance, Failure> {
    let path = &arguments.matrix;
    let matrix = if ends_with(path, "npy") {
        npy::read_matrix(path).map(Matrix::Dense)
    } else {
        matrix_market::read(path).map(|read| read.matrix)
    };
    let matrix = matrix.map_err(|error| output::unreadable(&error))?;
    let vector = |path: &Path| files::read_vector(path).map_err(|error| output::unreadable(&error));
    let sums = match (&arguments.rows, &arguments.columns) {
        (Some(rows), Some(columns)) => Some((vector(rows)?, vector(columns)?)),
        _ => None,
    };
    let balance = Balance::new(matrix, sums);
    let (rows, columns) = balance.shape();
    if rows == 0 || columns == 0 {
        let path = path.display();
        return Err(format!("{path}: the matrix is {rows} × {columns}: there is nothing to balance").into());
    }
    Ok(balance)
}

/// Row and column of a stored entry, counted from one.
fn place(balance: &Balance, index: usize) -> (usize, usize) {
    match balance.matrix() {
        Matrix::Dense(matrix) => (index / matrix.columns.max(1) + 1, index % matrix.columns.max(1) + 1),
        Matrix::Sparse(matrix) => {
            let row = matrix.row_offsets.partition_point(|&offset| offset as usize <= index);
            let column = matrix.column_indices.get(index).map_or(0, |&column| column as usize + 1);
            (row, column)
        }
    }
}

/// Why a problem was refused, with lines counted from one as in a Matrix Market file.
fn refusal(arguments: &Arguments, balance: &Balance, error: Error) -> Failure {
    let (rows, columns) = balance.shape();
    let file = match error {
        Error::Dimension { argument: "r", .. }
        | Error::Value { argument: "r", .. }
        | Error::Negative { argument: "r", .. }
        | Error::Mass { argument: "r", .. } => arguments.rows.as_ref(),
        Error::Dimension { argument: "c", .. }
        | Error::Value { argument: "c", .. }
        | Error::Negative { argument: "c", .. }
        | Error::Mass { argument: "c", .. } => arguments.columns.as_ref(),
        _ => None,
    };
    let path = file.unwrap_or(&arguments.matrix).display();
    let why = match error {
        Error::Dimension { argument: "columns", .. } if arguments.method == Method::SinkhornKnopp => format!(
            "the matrix is {rows} × {columns}, and only a square one has rows and columns that sum to 1; give \
             --rows and --columns, or try --method ruiz"
        ),
        Error::Dimension { argument: "columns", .. } => {
            format!("the matrix is {rows} × {columns}, but this method needs a square one")
        }
        Error::Negative { argument: "values", index } => {
            let (row, column) = place(balance, index);
            format!(
                "the entry in row {row} and column {column} is negative; only --method ruiz and ruiz-sum do \
                 without signs"
            )
        }
        Error::EmptyLine { line, index } => format!(
            "{line} {} has no entry to carry anything with (other than in lines that carry nothing); leave it out",
            index + 1
        ),
        Error::Asymmetric { row, column, .. } => format!(
            "the entry in row {} and column {} differs from its mirror image; use --method sinkhorn-knopp",
            row + 1,
            column + 1
        ),
        _ => error.to_string(),
    };
    format!("{path}: {why}").into()
}

/// Writes what was asked for.
fn write(
    arguments: &Arguments,
    balance: &Balance,
    balanced: &Balanced,
    curve: Vec<(f64, f64)>,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.scalings {
        npz::write(path, &[("x", &balanced.x), ("y", &balanced.y)])?;
    }
    if let Some(path) = &arguments.out {
        let (rows, columns) = balance.shape();
        match balance.scaled(&balanced.x, &balanced.y) {
            Matrix::Sparse(matrix) if ends_with(path, "mtx") => {
                matrix_market::write_sparse(path, matrix.view(), Symmetry::General)?;
            }
            Matrix::Sparse(matrix) => {
                let mut values = vec![0.0; rows * columns];
                for (line, ends) in values.chunks_mut(columns).zip(matrix.row_offsets.windows(2)) {
                    for k in ends[0] as usize..ends[1] as usize {
                        line[matrix.column_indices[k] as usize] = matrix.values[k];
                    }
                }
                npy::write_matrix(path, rows, columns, &values)?;
            }
            Matrix::Dense(matrix) if ends_with(path, "mtx") => {
                matrix_market::write_dense(path, rows, columns, &matrix.values)?;
            }
            Matrix::Dense(matrix) => npy::write_matrix(path, rows, columns, &matrix.values)?,
        }
    }
    if let Some(path) = &arguments.plot {
        let (rows, columns) = balance.shape();
        let panel = Panel {
            title: format!("{rows} × {columns}, {} entries", balance.entries()),
            x_label: "steps".to_owned(),
            y_label: "residual".to_owned(),
            series: vec![Series { name: format!("{:?}", arguments.method), points: curve }],
            logarithmic: true,
        };
        write_svg(path, &[panel])?;
    }
    Ok(())
}

fn report(
    arguments: &Arguments,
    balance: &Balance,
    balanced: &Balanced,
    seconds: f64,
) -> Result<(), Failure> {
    let run = &balanced.report;
    let status = match run.status {
        Status::NoSupport => "no-support",
        status => relax::name(status),
    };
    let (rows, columns) = balance.shape();
    let relative = run.relative_residual();
    if arguments.json {
        return output::print_json(&Document {
            status,
            iterations: run.steps,
            residual: run.residual.is_finite().then_some(run.residual),
            relative_residual: relative.is_finite().then_some(relative),
            rows,
            columns,
            entries: balance.entries(),
            seconds,
            simd: southwell_simd::level_name(),
        });
    }
    output::print(&format!(
        "{status} after {} iterations: residual {:.3e} ({relative:.3e} of the scale), {rows} × {columns}, {} \
         entries, {seconds:.3} s\n",
        run.steps,
        run.residual,
        balance.entries()
    ))?;
    let advice = match run.status {
        Status::NoSupport => Some(
            "no scaling has these sums: some rows reach columns that together shall carry too little; change the \
             sums or the pattern, or try --method ruiz",
        ),
        Status::StepLimit => Some(
            "allow more --max-iterations; a matrix some of whose entries must vanish in the limit converges like \
             1/steps only",
        ),
        Status::Stalled => {
            Some("the precision or the range of the numbers is exhausted; ask for a larger --tolerance")
        }
        _ => None,
    };
    output::hint(advice, arguments.quiet);
    Ok(())
}
