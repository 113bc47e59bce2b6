//! `southwell heat`: the published heat experiment.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Args;
use clap::builder::RangedU64ValueParser;
use serde::Serialize;
use southwell_std::heat::{self, ARMS, DT, Outcome, Policy, Setting, Survey, arm_omega};
use southwell_std::plot::{self, Panel, Series};
use southwell_std::threads::Work;

use crate::device;
use crate::output::{self, Failure, INTERRUPTED};

/// What runs when no policy is named.
const DEFAULT: [&str; 8] =
    ["cg", "fixed:1.0", "best-fixed", "tsallis-inf", "tsallis-inf-cb", "cheb-cb", "auto", "instance-optimal"];

#[derive(Debug, Args)]
#[command(after_help = "\
Policies:
  cg                conjugate gradients, the yardstick
  fixed:OMEGA       SSOR-CG with one omega in (0, 2), as in fixed:1.5
  best-fixed        SSOR-CG with the best of 20 omegas, 1.00, 1.05 … 1.95, known afterwards
  tsallis-inf       learns omega from the iterations of the steps before
  tsallis-inf-cb    the same, separately for six ranges of the diffusion coefficient
  cheb-cb           learns iterations as a function of the diffusion coefficient
  auto              learns omega from what the solver sees; draws nothing, is told nothing
  instance-optimal  the best of the 20 omegas at every step, known afterwards

Over ranks (--cluster, in a build with the feature `mpi`): red-black SOR, rows divided among the ranks, with the
policies fixed:OMEGA, auto, tsallis-inf, tsallis-inf-cb and cheb-cb. The states do not depend on the number of ranks:
  mpirun -n 4 southwell heat --cluster --policy auto --checkpoint run.npz
  mpirun -n 2 southwell heat --cluster --policy auto --resume run.npz

With --device threads the 20 omegas that are known afterwards are tried side by side, and grids of 49152 unknowns and
more (--grid 223) are shared out for every policy, in natural order. The iterations are the same.
With --device gpu all systems are solved there, SSOR-CG in red-black order: the iterations are those of that order, and
another omega is best.

Exit codes: 0 done, 1 bad input, 2 wrong usage, 130 interrupted.

Ctrl-C ends the run after the step in hand; what is finished is printed.")]
pub(crate) struct Arguments {
    /// Grid intervals a side: (GRID − 1)² unknowns.
    #[arg(long, allow_negative_numbers = true, default_value_t = 50, value_parser = RangedU64ValueParser::<usize>::new().range(2..=4096))]
    grid: usize,
    /// Time steps of length 1e-3.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    steps: u32,
    /// How omega is chosen (see below); may be repeated. Default: all, with fixed:1.0.
    #[arg(long = "policy", value_name = "POLICY", value_parser = named_policy)]
    policies: Vec<(String, Policy)>,
    /// Seed of the policies that draw.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0)]
    seed: u64,
    /// A step is solved to ‖b − A x‖ ≤ TOLERANCE · ‖b‖; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-8", value_parser = tolerance)]
    tolerance: f64,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
    /// Draw iterations and the chosen omega against time into an SVG file.
    #[arg(long, value_name = "OUT.svg", conflicts_with = "cluster")]
    plot: Option<PathBuf>,
    /// Divide the grid among the ranks that mpirun started.
    #[arg(long)]
    cluster: bool,
    /// Write checkpoints of a run over ranks here (one policy only).
    #[arg(long, value_name = "RUN.npz", requires = "cluster")]
    checkpoint: Option<PathBuf>,
    /// Over ranks, a checkpoint every so many steps.
    #[arg(long, allow_negative_numbers = true, value_name = "STEPS", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..), requires = "cluster")]
    checkpoint_every: u32,
    /// Go on from this checkpoint, on any number of ranks, and keep it.
    #[arg(long, value_name = "RUN.npz", requires = "cluster", conflicts_with = "checkpoint")]
    resume: Option<PathBuf>,
}

impl Arguments {
    /// Whether ranks share the grid.
    pub(crate) fn is_divided(&self) -> bool {
        self.cluster
    }
}

fn named_policy(text: &str) -> Result<(String, Policy), String> {
    Ok((text.to_owned(), text.parse()?))
}

/// A tolerance that a run can be measured against.
pub(crate) fn tolerance(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && value < 1.0 => Ok(value),
        _ => Err("give a number between 0 and 1, as in 1e-8".to_owned()),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    grid: usize,
    unknowns: usize,
    steps: u32,
    seed: u64,
    tolerance: f64,
    best_fixed_omega: f64,
    device: String,
    policies: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    iterations: u64,
    seconds: f64,
    regret_to_best_fixed: i64,
}

/// What a run over ranks needs to know.
#[cfg(feature = "mpi")]
pub(crate) struct Divided<'a> {
    pub(crate) setting: Setting,
    pub(crate) policies: &'a [(String, Policy)],
    pub(crate) saving: Option<southwell_std::cluster::heat::Saving<'a>>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

#[cfg(feature = "mpi")]
impl Arguments {
    pub(crate) fn divided(&self) -> Divided<'_> {
        let &Arguments { grid, steps, seed, tolerance, json, quiet, .. } = self;
        let place = self.resume.as_deref().or(self.checkpoint.as_deref());
        let saving = place.map(|path| southwell_std::cluster::heat::Saving {
            path,
            every: self.checkpoint_every,
            resume: self.resume.is_some(),
        });
        let setting = Setting { grid, steps, tolerance, seed };
        Divided { setting, policies: &self.policies, saving, json, quiet }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if arguments.cluster {
        return crate::cluster::heat(arguments);
    }
    let named: Vec<(String, Policy)> = if arguments.policies.is_empty() {
        DEFAULT.iter().map(|name| named_policy(name)).collect::<Result<_, _>>()?
    } else {
        arguments.policies.clone()
    };
    if let Some(path) = &arguments.plot {
        output::check_writable("--plot", path)?;
    }
    let &Arguments { grid, steps, seed, tolerance, .. } = arguments;
    let setting = Setting { grid, steps, tolerance, seed };
    let quiet = arguments.quiet || arguments.json;
    let watch = Watch { quiet, steps, interrupted: &*output::interruption()? };

    // The whole of a step with one arm; passes over a grid are shared out from a size on only.
    let pool = device::threads(Work { products: 50 * (grid - 1) * (grid - 1), ..Work::default() })?;

    // Who wants to know the best arm afterwards needs every arm tried at every step.
    let hindsight = named.iter().any(|(_, p)| matches!(p, Policy::BestFixed | Policy::InstanceOptimal));
    let surveyed = hindsight || arguments.json;
    #[cfg(feature = "gpu")]
    let gpu = device::Gpu::asked(false, arguments.quiet);
    #[cfg(feature = "gpu")]
    let there = match &gpu {
        None => None,
        Some(gpu) => {
            let done = gpu.run(Failure::from, |opened, told| {
                let place = std::cell::RefCell::new(heat::OnDevice::new(opened, told));
                watch.all(
                    &named,
                    surveyed,
                    |on_step| place.borrow_mut().survey(&setting, on_step),
                    |policy, survey, on_step| place.borrow_mut().run(policy, &setting, survey, on_step),
                )
            })?;
            Some((done, gpu.name()))
        }
    };
    #[cfg(not(feature = "gpu"))]
    let there = None;
    let ((survey, outcomes), place) = match there {
        Some(there) => there,
        None => {
            let done = watch.all(
                &named,
                surveyed,
                |on_step| match &pool {
                    Some(pool) => heat::survey_on(pool, &setting, on_step),
                    None => heat::survey(&setting, on_step),
                },
                |policy, survey, on_step| match &pool {
                    Some(pool) => heat::run_on(pool, policy, &setting, survey, on_step),
                    None => heat::run(policy, &setting, survey, on_step),
                },
            )?;
            (done, None)
        }
    };
    let place = place.unwrap_or_else(|| device::name(pool.as_ref()));
    let interrupted = outcomes.len() < named.len();

    if let (Some(path), false) = (&arguments.plot, outcomes.is_empty()) {
        plot::write_svg(path, &panels(&setting, &outcomes))?;
    }
    if arguments.json {
        if let Some(survey) = &survey {
            output::print_json(&document(&setting, survey, &outcomes, place))?;
        }
    } else if !outcomes.is_empty() {
        output::print(&table(&setting, survey.as_ref().map(|s| arm_omega(s.best_arm())), &outcomes))?;
    }
    if interrupted {
        if !quiet {
            output::note(&format!("interrupted: {} of {} policies finished", outcomes.len(), named.len()));
        }
        return Ok(ExitCode::from(INTERRUPTED));
    }
    Ok(ExitCode::SUCCESS)
}

/// What came of all arms, and of the policies by their names.
type Done<'n> = (Option<Survey>, Vec<(&'n str, Outcome)>);

/// Progress bars, and the end on Ctrl-C.
struct Watch<'a> {
    quiet: bool,
    steps: u32,
    interrupted: &'a AtomicBool,
}

impl Watch<'_> {
    fn interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// The survey, if it is wanted, and what came of the policies that were finished.
    fn all<'n, E>(
        &self,
        named: &'n [(String, Policy)],
        surveyed: bool,
        survey: impl FnOnce(heat::OnStep<'_>) -> Result<Option<Survey>, E>,
        mut run: impl FnMut(Policy, Option<&Survey>, heat::OnStep<'_>) -> Result<Option<Outcome>, E>,
    ) -> Result<Done<'n>, E> {
        let survey = if surveyed { self.over("trying all arms", survey)? } else { None };
        let mut outcomes = Vec::new();
        for (name, policy) in named {
            if self.interrupted() {
                break;
            }
            let outcome = self.over(name, |on_step| run(*policy, survey.as_ref(), on_step))?;
            outcomes.extend(outcome.map(|outcome| (name.as_str(), outcome)));
        }
        Ok((survey, outcomes))
    }

    /// Does `work` under a progress bar.
    fn over<W, E>(
        &self,
        name: &str,
        work: impl FnOnce(heat::OnStep<'_>) -> Result<Option<W>, E>,
    ) -> Result<Option<W>, E> {
        let bar = output::progress(self.quiet, Some(u64::from(self.steps)));
        bar.set_message(name.to_owned());
        let result = work(&mut |step| {
            bar.set_position(u64::from(step));
            if self.interrupted() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        bar.finish_and_clear();
        result
    }
}

fn document<'a>(
    setting: &Setting,
    survey: &Survey,
    outcomes: &[(&'a str, Outcome)],
    device: String,
) -> Document<'a> {
    let &Setting { grid, steps, tolerance, seed } = setting;
    let best = survey.best_fixed();
    let rows = outcomes.iter().map(|(name, outcome)| Row {
        name,
        iterations: outcome.iterations,
        seconds: outcome.elapsed.as_secs_f64(),
        regret_to_best_fixed: outcome.iterations.cast_signed() - best.cast_signed(),
    });
    Document {
        grid,
        unknowns: (grid - 1) * (grid - 1),
        steps,
        seed,
        tolerance,
        // As typed in the grid of arms, without the last bits of 1.00 + k · 0.05.
        best_fixed_omega: (arm_omega(survey.best_arm()) * 100.0).round() / 100.0,
        device,
        policies: rows.collect(),
    }
}

/// The table for people; ratios are to CG where CG was run.
fn table(setting: &Setting, best_omega: Option<f64>, outcomes: &[(&str, Outcome)]) -> String {
    let unknowns = (setting.grid - 1) * (setting.grid - 1);
    let mut text = format!(
        "heat equation, {unknowns} unknowns, {} steps of {DT}, tolerance {:e}, seed {}\n",
        setting.steps, setting.tolerance, setting.seed
    );
    let cg = outcomes.iter().find(|(name, _)| *name == "cg").map(|(_, outcome)| outcome);
    let _ =
        writeln!(text, "{:<18}{:>12}{:>10}{:>12}{:>10}", "policy", "iterations", "to CG", "seconds", "to CG");
    for (name, outcome) in outcomes {
        let seconds = outcome.elapsed.as_secs_f64();
        let ratio = |ours: f64, theirs: Option<f64>| {
            theirs.map_or_else(|| "-".into(), |t| format!("{:.3}", ours / t))
        };
        let iterations = ratio(outcome.iterations as f64, cg.map(|cg| cg.iterations as f64));
        let time = ratio(seconds, cg.map(|cg| cg.elapsed.as_secs_f64()));
        let _ =
            writeln!(text, "{name:<18}{:>12}{iterations:>10}{seconds:>12.3}{time:>10}", outcome.iterations);
    }
    if let Some(omega) = best_omega {
        let _ = writeln!(text, "best fixed omega, known afterwards: {omega:.2} of {ARMS} from 1.00 to 1.95");
    }
    text
}

/// Points that a curve is drawn with at most, and steps that a point is the mean of at least: learners
/// try arms at random, and single steps would hide the course of things.
const POINTS: usize = 200;
const WINDOW: usize = 10;

fn panels(setting: &Setting, outcomes: &[(&str, Outcome)]) -> [Panel; 2] {
    let window = (setting.steps as usize).div_ceil(POINTS).max(WINDOW);
    let series = |of: fn(&Outcome) -> Vec<f64>, wanted: fn(&Outcome) -> bool| -> Vec<Series> {
        let wanted = outcomes.iter().filter(|(_, outcome)| wanted(outcome));
        wanted
            .map(|(name, outcome)| Series { name: (*name).to_owned(), points: means(&of(outcome), window) })
            .collect()
    };
    let unknowns = (setting.grid - 1) * (setting.grid - 1);
    let x_label = format!("time (steps of {DT}; each point is the mean of the {window} before)");
    [
        Panel {
            title: format!("Heat equation, {unknowns} unknowns: iterations a step"),
            x_label: x_label.clone(),
            y_label: "iterations".to_owned(),
            series: series(|o| o.by_step.iter().map(|&k| f64::from(k)).collect(), |_| true),
            logarithmic: true,
        },
        Panel {
            title: "Omega chosen".to_owned(),
            x_label,
            y_label: "omega".to_owned(),
            series: series(|o| o.omegas.clone(), |o| o.omegas.iter().any(|&omega| omega > 0.0)),
            logarithmic: false,
        },
    ]
}

/// Means over pieces of `window` steps, at the end of each piece in time.
fn means(values: &[f64], window: usize) -> Vec<(f64, f64)> {
    let pieces = values.chunks(window).enumerate();
    pieces
        .map(|(i, piece)| {
            let mean = piece.iter().sum::<f64>() / piece.len() as f64;
            ((i * window + piece.len()) as f64 * DT, mean)
        })
        .collect()
}
