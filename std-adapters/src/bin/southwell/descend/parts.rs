//! A problem and a scheme, put together from their names.

use std::num::NonZeroUsize;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Instant;

use serde::Serialize;
use southwell::descent::sparse_regression::Loss;
use southwell::{Error, Progress, Report, Status, Stop};
use southwell_std::files::npy;
use southwell_std::owned::descent::{
    Blocks, Descended, Descent, Kink, Measure, Move, Options, Outcome, Plan, Select, Share, Smooth,
};
use southwell_std::owned::{Regression, Sparsity};
use southwell_std::plot::{Panel, Series, write_svg};
use southwell_std::threads::{Pool, Work};

use super::bounded::bound;
use super::read::Posed;
use super::words::Kind;
use super::{Arguments, ON_GPU, SHARED, number};
use crate::device;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

/// Numbers that JSON cannot say are `null`.
#[derive(Serialize)]
struct Document {
    status: &'static str,
    objective: Option<f64>,
    /// A bound of how far the objective is above the least, where the problem has one.
    gap: Option<f64>,
    /// What the run was measured by, and what that was compared with.
    residual: Option<f64>,
    threshold: Option<f64>,
    measure: &'static str,
    steps: u32,
    nonzeros: usize,
    /// Variables off their kinks and bounds.
    free: usize,
    lambda: Option<f64>,
    lambda_max: Option<f64>,
    select: &'static str,
    partition: &'static str,
    update: &'static str,
    block_size: usize,
    variables: usize,
    samples: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    classes: Vec<f64>,
    seconds: f64,
    simd: &'static str,
    device: String,
}

/// λ, and the least one for which all weights are zero, as means over the samples.
struct Weight {
    lambda: f64,
    most: f64,
}

fn weight(arguments: &Arguments, smooth: &Smooth, samples: f64) -> Result<Option<Weight>, Error> {
    let slopes = smooth.slopes()?;
    let largest = |of: &mut dyn Iterator<Item = f64>| of.fold(0.0_f64, f64::max);
    let most = match arguments.kind() {
        Kind::Lasso | Kind::ElasticNet => largest(&mut slopes.iter().map(|g| g.abs())),
        Kind::NonNegative => largest(&mut slopes.iter().map(|g| -g)),
        Kind::Group => {
            let groups = slopes.chunks(arguments.group_size as usize);
            largest(&mut groups.map(|group| group.iter().map(|g| g * g).sum::<f64>().sqrt()))
        }
        Kind::None | Kind::Box | Kind::Simplex => return Ok(None),
    };
    let most = most / samples;
    Ok(Some(Weight { lambda: arguments.lambda.unwrap_or(arguments.lambda_ratio * most), most }))
}

fn kink(arguments: &Arguments, lambda: f64, samples: f64) -> Result<Kink, Failure> {
    let ridge = samples * arguments.ridge;
    let sum = || arguments.sum.ok_or("--penalty simplex: give --sum");
    Ok(match arguments.kind() {
        Kind::None => Kink::Free,
        Kind::Lasso => Kink::L1(lambda),
        Kind::ElasticNet => Kink::ElasticNet { l1: lambda, l2: ridge },
        Kind::NonNegative => Kink::NonNegative(lambda),
        Kind::Group => Kink::Group(lambda),
        Kind::Simplex => Kink::Simplex { sum: sum()?, l2: ridge },
        Kind::Box => Kink::Interval {
            lower: bound("--lower", &arguments.lower)?,
            upper: bound("--upper", &arguments.upper)?,
            l2: ridge,
        },
    })
}

/// What was asked for, and for the rest what suits the problem.
fn plan(arguments: &Arguments, variables: usize) -> Plan {
    let coupled = match arguments.kind() {
        Kind::Group => Some(arguments.group_size as usize),
        Kind::Simplex => Some(variables.max(1)),
        _ => None,
    };
    let select = arguments.select.unwrap_or(Select::GsQ);
    let fixed = matches!(select, Select::Cyclic | Select::Shuffled | Select::Lipschitz);
    let blocks = match coupled {
        Some(_) => Blocks::Order,
        None if fixed => Blocks::Sort,
        None => Blocks::Variable,
    };
    let forest = matches!(select, Select::Forest | Select::RandomForest);
    Plan {
        select,
        blocks: arguments.partition.unwrap_or(blocks),
        size: arguments.block_size.map_or(coupled.unwrap_or(1), |size| size as usize),
        update: arguments.update.unwrap_or(if forest { Move::MessagePassing } else { Move::Gradient }),
        seed: arguments.seed,
        lattice: arguments.lattice,
        face: arguments.face,
        ..Plan::default()
    }
}

/// Whether the residual is at hand after every step; if not, a look costs a gradient.
fn looks(select: Select) -> bool {
    !matches!(
        select,
        Select::Cyclic | Select::Shuffled | Select::Random | Select::Lipschitz | Select::RandomForest
    )
}

pub(super) fn run(arguments: &Arguments, posed: Posed) -> Result<ExitCode, Failure> {
    let Posed { smooth, samples, classes } = posed;
    let mean = samples.max(1) as f64;
    let refused = |error: Error| -> Failure {
        match error {
            Error::Option { .. } => error.to_string().into(),
            _ => format!("{}: {error}", arguments.data.display()).into(),
        }
    };
    let variables = smooth.variables().map_err(refused)?;
    if variables == 0 || samples == 0 {
        return Err(format!(
            "{}: {samples} samples and {variables} variables: there is nothing to minimise",
            arguments.data.display()
        )
        .into());
    }
    let weight = weight(arguments, &smooth, mean).map_err(refused)?;
    let kink = kink(arguments, weight.as_ref().map_or(0.0, |weight| mean * weight.lambda), mean)?;
    let plan = plan(arguments, variables);
    let select = match arguments.share {
        Some(Share::Colours) => "colours",
        Some(Share::Parts(_)) => "parts",
        None => plan.select.name(),
    };
    let measure = if arguments.gap.is_some() { Measure::Gap } else { Measure::Violation };
    let every = if looks(plan.select) || arguments.share.is_some() {
        1
    } else {
        variables.div_ceil(plan.size) as u32
    };
    let stop = Stop {
        max_steps: arguments.max_steps.unwrap_or(1_000_000),
        check_every: every.max(1),
        ..Stop::relative(arguments.gap.or(arguments.tolerance).unwrap_or(1e-6))
    };
    // A step of a round multiplies every entry once.
    let pool = match arguments.share {
        Some(_) => Some(device::threads(Work { products: smooth.entries(), ..Work::default() })?),
        None => {
            device::refuse("put together from parts,", SHARED)?;
            None
        }
    };
    if !on_gpu(arguments, &plan, &smooth) {
        device::refuse_gpu("no such descent", ON_GPU)?;
    }
    let problem = Descent { smooth, kink };
    let interrupted = output::interruption()?;
    let bar = output::progress(arguments.quiet || arguments.json, None);
    let mut curve = Vec::new();
    let start = Instant::now();
    let mut observer = |progress: &Progress<f64>| {
        if let Some(residual) = progress.residual {
            curve.push((f64::from(progress.step), residual / mean));
            bar.set_message(format!("step {}: {:.3e}", progress.step, residual / mean));
            bar.tick();
        }
        match interrupted.load(Ordering::Relaxed) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    };
    #[allow(unused_mut)] // In a build without GPUs.
    let mut device = device::name(pool.as_ref().and_then(Option::as_ref));
    let shared = match (arguments.share, pool) {
        (Some(share), Some(Some(pool))) => Some((share, pool)),
        // The same on the calling thread alone.
        (Some(share), _) => {
            Some((share, Pool::new(Some(NonZeroUsize::MIN)).map_err(|error| error.to_string())?))
        }
        (None, _) => None,
    };
    let mut found = match (arguments.sum, &shared) {
        (_, Some((share, pool))) => problem.solve_on(pool, *share, &stop, &mut observer).map_err(refused)?,
        (Some(sum), None) if arguments.kind() != Kind::Simplex => {
            let (x, objective, report) =
                problem.solve_with_sum(sum, &stop, &mut observer).map_err(refused)?;
            let free = x.iter().filter(|x| **x != 0.0).count();
            Descended { x, outcome: paired(objective, report, &stop), free, gap: f64::INFINITY }
        }
        _ => {
            let options = Options { stop, measure };
            #[cfg(feature = "gpu")]
            let there = on_device(arguments, &problem, &options, &mut observer, refused)?;
            #[cfg(not(feature = "gpu"))]
            let there: Option<(Descended, Option<String>)> = None;
            match there {
                Some((found, place)) => {
                    device = place.unwrap_or(device);
                    found
                }
                None => problem.solve(&plan, &options, &mut observer).map_err(refused)?,
            }
        }
    };
    bar.finish_and_clear();
    let seconds = start.elapsed().as_secs_f64();
    write(arguments, &problem.smooth, &found, &classes, &plan, curve)?;
    if !found.gap.is_finite()
        && let Some(gap) =
            weight.as_ref().and_then(|weight| dual(arguments, problem.smooth, weight, &found.x))
    {
        found.gap = mean * gap;
    }
    let outcome = &found.outcome;
    let status = name(outcome.report.status);
    let nonzeros = found.x.iter().filter(|x| **x != 0.0).count();
    let measure = if measure == Measure::Gap { "gap" } else { "violation" };
    if arguments.json {
        output::print_json(&Document {
            status,
            objective: number(outcome.objective / mean),
            gap: number(found.gap / mean),
            residual: number(outcome.report.residual / mean),
            threshold: number(outcome.tolerance / mean),
            measure,
            steps: outcome.report.steps,
            nonzeros,
            free: found.free,
            lambda: weight.as_ref().map(|weight| weight.lambda),
            lambda_max: weight.as_ref().map(|weight| weight.most),
            select,
            partition: plan.blocks.name(),
            update: plan.update.name(),
            block_size: plan.size,
            variables,
            samples,
            classes,
            seconds,
            simd: southwell_simd::level_name(),
            device,
        })?;
    } else {
        let lambda = weight.map_or(String::new(), |weight| format!(" at lambda {:.6e}", weight.lambda));
        output::print(&format!(
            "{status} after {} steps: {nonzeros} of {variables} variables are not zero{lambda}, objective {:.10e}, \
             {measure} {:.3e} (asked for: {:.3e}), {seconds:.3} s\n",
            outcome.report.steps,
            outcome.objective / mean,
            outcome.report.residual / mean,
            outcome.tolerance / mean,
        ))?;
    }
    let advice = match outcome.report.status {
        Status::StepLimit => Some("allow more --max-steps, or a larger --tolerance"),
        Status::Stalled => Some("the precision is exhausted, or the rule chooses what cannot move"),
        Status::Breakdown => Some("a block has no minimum: the matrix may be indefinite"),
        Status::NotFinite => Some("the problem has no minimum, or numbers overflowed; scale the data"),
        _ => None,
    };
    output::hint(advice, arguments.quiet);
    Ok(match outcome.report.status {
        _ if interrupted.load(Ordering::Relaxed) => ExitCode::from(INTERRUPTED),
        Status::Converged | Status::Optimal => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// Whether a GPU has what this asks for.
fn on_gpu(arguments: &Arguments, plan: &Plan, smooth: &Smooth) -> bool {
    let variables =
        plan.select == Select::GsQ && plan.update == Move::Gradient && plan.blocks == Blocks::Variable;
    let one = variables && plan.size == 1 && plan.face.is_none();
    let alone = !matches!(arguments.kind(), Kind::Group | Kind::Simplex);
    let plain = arguments.share.is_none() && arguments.sum.is_none() && arguments.gap.is_none();
    one && alone && plain && matches!(smooth, Smooth::DenseQuadratic { .. })
}

/// What a GPU finds if one was asked for, and its name if it did so to the end. `auto` leaves descent to the CPU, whose
/// greedy steps are as short as sending one.
#[cfg(feature = "gpu")]
fn on_device(
    arguments: &Arguments,
    problem: &Descent,
    options: &Options<f64>,
    observer: &mut dyn southwell::Observer<f64>,
    refused: impl Fn(Error) -> Failure,
) -> Result<Option<(Descended, Option<String>)>, Failure> {
    use southwell_std::gpu::{owned::descend, relaxation::Settings};
    let Some(gpu) = device::Gpu::asked(false, arguments.quiet) else { return Ok(None) };
    let found = gpu.run(refused, |opened, told| {
        descend(opened, Settings::default(), problem, options, observer, told)
    })?;
    Ok(Some((found, gpu.name())))
}

/// The duality gap of a regression, as a mean over the samples, whose variables have no bounds to tell one from.
fn dual(arguments: &Arguments, smooth: Smooth, weight: &Weight, x: &[f64]) -> Option<f64> {
    let regression = match smooth {
        Smooth::LeastSquares { samples, y } => Regression::of(samples, y, Loss::LeastSquares),
        Smooth::Logistic { samples, y } => Regression::of(samples, y, Loss::Logistic),
        _ => return None,
    };
    let sparsity = match arguments.kind() {
        Kind::Lasso => Sparsity::Lasso,
        Kind::ElasticNet => Sparsity::ElasticNet(arguments.ridge),
        Kind::NonNegative => Sparsity::NonNegative,
        Kind::Group => Sparsity::Groups(arguments.group_size),
        Kind::None | Kind::Box | Kind::Simplex => return None,
    };
    // A weight of 0 has no dual point.
    regression.gap(sparsity, weight.lambda, x).ok()
}

/// What greedy pairs report, as other runs do.
fn paired(objective: f64, report: Report<f64>, stop: &Stop<f64>) -> Outcome<f64> {
    let tolerance = stop.absolute.max(stop.relative * report.scale);
    Outcome { report, objective, tolerance, measure: Measure::Violation }
}

fn write(
    arguments: &Arguments,
    smooth: &Smooth,
    found: &Descended,
    classes: &[f64],
    plan: &Plan,
    curve: Vec<(f64, f64)>,
) -> Result<(), Failure> {
    if let Some(path) = &arguments.out {
        match smooth {
            Smooth::Labels { graph, labelled, values } => {
                let mut all = vec![0.0; graph.rows];
                let known = labelled.iter().copied().zip(values.iter().copied());
                let learned = smooth.vertices().into_iter().zip(found.x.iter().copied());
                known.chain(learned).for_each(|(vertex, value)| all[vertex as usize] = value);
                npy::write_vector(path, &all)?;
            }
            Smooth::Softmax { .. } => {
                npy::write_matrix(path, found.x.len() / classes.len().max(1), classes.len(), &found.x)?;
            }
            _ => npy::write_vector(path, &found.x)?,
        }
    }
    if let Some(path) = &arguments.plot {
        let panel = Panel {
            title: "block coordinate descent".to_owned(),
            x_label: "steps".to_owned(),
            y_label: if arguments.gap.is_some() { "gap" } else { "violation" }.to_owned(),
            series: vec![Series {
                name: format!("{} {} {}", plan.select, plan.blocks, plan.update),
                points: curve,
            }],
            logarithmic: true,
        };
        write_svg(path, &[panel])?;
    }
    Ok(())
}
