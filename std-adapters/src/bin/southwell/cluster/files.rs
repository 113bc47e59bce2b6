//! The commands that read, solve and write by parts, in a build with MPI.

use std::ops::ControlFlow;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use southwell::{Observer, Progress, Report, Status};
use southwell_std::cluster::checkpoint::Saving;
use southwell_std::cluster::job::{fit as robust, lasso, recover as recovery, transport as coupling};
use southwell_std::cluster::{Communicator, Fault, Mpi, agree, same_version, version};

use super::line::Line;
use super::ranks::spoken;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

/// Starts MPI, checks the versions, and runs what the arguments say.
fn started<S>(
    setting: Result<S, String>,
    outputs: &[(&str, Option<&Path>)],
    run: impl FnOnce(&Mpi, &S) -> Result<ExitCode, Fault>,
) -> Result<ExitCode, Failure> {
    let comm = Mpi::start()?;
    let rank = comm.rank();
    let ended = same_version(&comm, version()).and_then(|()| agree(&comm, setting)).and_then(|setting| {
        let writable = match rank {
            0 => outputs.iter().try_for_each(|(option, path)| {
                path.map_or(Ok(()), |path| output::check_writable(option, path))
            }),
            _ => Ok(()),
        };
        agree(&comm, writable)?;
        run(&comm, &setting)
    });
    Ok(spoken(ended, rank))
}

/// Progress of rank 0, and the end on Ctrl-C.
struct Watch {
    line: Line,
    /// What the residual is called.
    residual: &'static str,
    interrupted: Arc<AtomicBool>,
}

impl Watch {
    fn new(comm: &Mpi, quiet: bool, residual: &'static str) -> Result<Self, Fault> {
        let interrupted = agree(comm, output::interruption())?;
        Ok(Self { line: Line::new(quiet || comm.rank() != 0, None), residual, interrupted })
    }

    /// The seconds that it took.
    fn end(self) -> f64 {
        self.line.end()
    }
}

impl Observer<f64> for Watch {
    fn observe(&mut self, progress: &Progress<f64>) -> ControlFlow<()> {
        if let Some(residual) = progress.residual {
            self.line.show(|| format!("{} steps, {} {residual:.3e}", progress.step, self.residual));
        }
        if self.interrupted.load(Ordering::Relaxed) {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

/// Rank 0 prints, once; how the run ended is the exit code of all.
fn printed(
    comm: &Mpi,
    json: bool,
    document: &impl Serialize,
    line: &str,
    report: &Report<f64>,
) -> Result<ExitCode, Fault> {
    let printed = match (comm.rank(), json) {
        (0, true) => output::print_json(document),
        (0, false) => output::print(line),
        _ => Ok(()),
    };
    agree(comm, printed)?;
    Ok(match report.status {
        Status::Converged | Status::Optimal => ExitCode::SUCCESS,
        Status::Stopped => ExitCode::from(INTERRUPTED),
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

fn number(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// What `--checkpoint`, `--checkpoint-every` and `--resume` say.
pub(crate) fn saving<'a>(
    checkpoint: Option<&'a Path>,
    resumed: Option<&'a Path>,
    every: u32,
) -> Result<Option<Saving<'a>>, String> {
    if checkpoint.is_some() && resumed.is_some() && checkpoint != resumed {
        return Err("over ranks --resume goes on with the checkpoint that it names; leave --checkpoint out"
            .to_owned());
    }
    Ok(resumed.or(checkpoint).map(|path| Saving { path, every, resume: resumed.is_some() }))
}

#[derive(Serialize)]
struct Coupled {
    status: &'static str,
    iterations: u32,
    newton_steps: u32,
    /// Of the coupling as it is.
    marginal_error: Option<f64>,
    /// ⟨P, C⟩ of the coupling as it is, not rounded.
    cost: Option<f64>,
    mass: Option<f64>,
    epsilon: f64,
    omega: Option<f64>,
    rows: usize,
    columns: usize,
    ranks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
    seconds: f64,
}

pub(crate) fn transport(arguments: &crate::transport::Arguments) -> Result<ExitCode, Failure> {
    let (json, quiet) = (arguments.json, arguments.quiet);
    let outputs = [
        ("--plan", arguments.plan.as_deref()),
        ("--potentials", arguments.potentials.as_deref()),
        ("--checkpoint", arguments.checkpoint.as_deref()),
    ];
    started(arguments.divided(), &outputs, |comm, setting| {
        let mut watch = Watch::new(comm, quiet || json, "marginal error")?;
        let found = coupling::run(comm, setting, &mut watch)?;
        let seconds = watch.end();
        let (status, ranks, (rows, columns)) = (name(found.report.status), comm.size(), found.shape);
        let newton = found.newton_steps > 0;
        let document = Coupled {
            status,
            iterations: found.report.steps,
            newton_steps: found.newton_steps,
            marginal_error: number(found.report.residual),
            cost: number(found.cost),
            mass: number(found.mass),
            epsilon: found.epsilon,
            omega: (!newton).then_some(found.parameter),
            rows,
            columns,
            ranks,
            resumed: found.resumed,
            seconds,
        };
        let line = format!(
            "{status} after {} iterations: marginal error {:.3e}, cost of the coupling {:.10e}, {ranks} ranks, {seconds:.3} s\n",
            found.report.steps, found.report.residual, found.cost
        );
        printed(comm, json, &document, &line, &found.report)
    })
}

#[derive(Serialize)]
struct Fitted {
    status: &'static str,
    iterations: u32,
    objective: Option<f64>,
    gap: Option<f64>,
    lambda: f64,
    lambda_max: f64,
    nonzeros: usize,
    samples: usize,
    features: usize,
    divided: &'static str,
    ranks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
    seconds: f64,
}

pub(crate) fn descend(arguments: &crate::descend::Arguments) -> Result<ExitCode, Failure> {
    let (json, quiet) = (arguments.json, arguments.quiet);
    let outputs = [("--out", arguments.out.as_deref()), ("--checkpoint", arguments.checkpoint.as_deref())];
    started(arguments.divided(), &outputs, |comm, setting| {
        let mut watch = Watch::new(comm, quiet || json, "gap")?;
        let found = lasso::run(comm, setting, &mut watch)?;
        let seconds = watch.end();
        let (status, ranks, (samples, features)) = (name(found.report.status), comm.size(), found.shape);
        let gap = found.report.residual / samples as f64;
        let document = Fitted {
            status,
            iterations: found.report.steps,
            objective: number(found.objective),
            gap: number(gap),
            lambda: found.lambda,
            lambda_max: found.lambda_max,
            nonzeros: found.nonzeros,
            samples,
            features,
            divided: if setting.by == lasso::By::Features { "features" } else { "samples" },
            ranks,
            resumed: found.resumed,
            seconds,
        };
        let line = format!(
            "{status} after {} steps: objective {:.10e}, gap {gap:.3e}, {} of {features} weights, lambda {:.4e}, \
             {ranks} ranks, {seconds:.3} s\n",
            found.report.steps, found.objective, found.nonzeros, found.lambda
        );
        printed(comm, json, &document, &line, &found.report)
    })
}

#[derive(Serialize)]
struct Recovered {
    status: &'static str,
    value: Option<f64>,
    found_at: u32,
    last_value: Option<f64>,
    iterations: u32,
    relative_step: Option<f64>,
    rank: usize,
    singular_values: Vec<f64>,
    rows: usize,
    columns: usize,
    measurements: usize,
    ranks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
    seconds: f64,
}

pub(crate) fn recover(arguments: &crate::recover::Arguments) -> Result<ExitCode, Failure> {
    let (json, quiet) = (arguments.json, arguments.quiet);
    let outputs = [("--out", arguments.out.as_deref()), ("--checkpoint", arguments.checkpoint.as_deref())];
    started(arguments.divided(), &outputs, |comm, setting| {
        let mut watch = Watch::new(comm, quiet || json, "relative step")?;
        let found = recovery::run(comm, setting, &mut watch)?;
        let seconds = watch.end();
        let (recovered, (rows, columns)) = (&found.found.recovered, found.shape);
        let (status, ranks) = (name(recovered.report.status), comm.size());
        let document = Recovered {
            status,
            value: number(recovered.value),
            found_at: recovered.found_at,
            last_value: number(recovered.last_value),
            iterations: recovered.report.steps,
            relative_step: number(recovered.report.residual),
            rank: recovered.rank,
            singular_values: found.found.singular_values.clone(),
            rows,
            columns,
            measurements: found.measurements,
            ranks,
            resumed: found.resumed,
            seconds,
        };
        let line = format!(
            "{status} after {} steps: mean |residual| {:.10e} (step {}), rank {}, {ranks} ranks, {seconds:.3} s\n",
            recovered.report.steps, recovered.value, recovered.found_at, recovered.rank
        );
        printed(comm, json, &document, &line, &recovered.report)
    })
}

#[derive(Serialize)]
struct Robust<'a> {
    status: &'static str,
    objective: Option<f64>,
    lower_bound: Option<f64>,
    gap: Option<f64>,
    iterations: u32,
    coefficients: &'a [f64],
    rows: usize,
    columns: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refined: Option<Refined>,
    ranks: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed: Option<u32>,
    seconds: f64,
}

#[derive(Serialize)]
struct Refined {
    kept: usize,
    deviation: f64,
    rms: f64,
}

pub(crate) fn fit(arguments: &crate::fit::Arguments) -> Result<ExitCode, Failure> {
    let (json, quiet) = (arguments.json, arguments.quiet);
    let outputs = [("--out", arguments.out.as_deref()), ("--checkpoint", arguments.checkpoint.as_deref())];
    started(arguments.divided(), &outputs, |comm, setting| {
        let mut watch = Watch::new(comm, quiet || json, "step")?;
        let found = robust::run(comm, setting, &mut watch)?;
        let seconds = watch.end();
        let (fitted, ranks, (rows, columns)) = (&found.fitted, comm.size(), found.shape);
        let status = name(fitted.report.status);
        let document = Robust {
            status,
            objective: number(fitted.objective),
            lower_bound: number(fitted.lower_bound),
            gap: number(fitted.objective - fitted.lower_bound),
            iterations: fitted.report.steps,
            coefficients: &found.coefficients,
            rows,
            columns,
            delta: fitted.delta,
            refined: found.refined.map(|refined| Refined {
                kept: refined.kept,
                deviation: refined.deviation,
                rms: refined.rms,
            }),
            ranks,
            resumed: found.resumed,
            seconds,
        };
        let mut text = format!(
            "{status} after {} steps: objective {:.12e}, no fit is below {:.12e}, {ranks} ranks, {seconds:.3} s\n",
            fitted.report.steps, fitted.objective, fitted.lower_bound
        );
        for (column, value) in found.coefficients.iter().enumerate() {
            text += &format!("{:>20}  {value:.10e}\n", format!("x{}", column + 1));
        }
        if let Some(refined) = found.refined {
            let (kept, rms) = (refined.kept, refined.rms);
            text += &format!("refined: {kept} of {rows} rows kept, standard deviation {rms:.4e}\n");
        }
        let code = printed(comm, json, &document, &text, &fitted.report)?;
        let proven = crate::fit::proven(arguments, fitted);
        if arguments.certify && !proven && fitted.report.converged() {
            if comm.rank() == 0 && !quiet {
                output::note(
                    "hint: no vertex was proven; try a --ratio nearer to 1, or a fit without --cluster, which can bound it",
                );
            }
            return Ok(ExitCode::from(NOT_CONVERGED));
        }
        Ok(code)
    })
}
