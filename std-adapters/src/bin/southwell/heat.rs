//! `southwell heat`: the published heat experiment.

use std::fmt::Write as _;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use southwell_std::heat::{self, ARMS, DT, Outcome, Policy, Setting, arm_omega};
use southwell_std::plot::{self, Panel, Series};

use crate::output::{self, Failure};

/// What runs when no policy is named.
const DEFAULT: [&str; 8] =
    ["cg", "fixed:1.0", "best-fixed", "tsallis-inf", "tsallis-inf-cb", "cheb-cb", "auto", "instance-optimal"];

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// Grid intervals a side: (GRID − 1)² unknowns.
    #[arg(long, default_value_t = 50)]
    grid: usize,
    /// Time steps of length 1e-3.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    steps: u32,
    /// How omega is chosen; may be repeated. One of cg, fixed:OMEGA, best-fixed, tsallis-inf,
    /// tsallis-inf-cb, cheb-cb, auto, instance-optimal. Default: all, with fixed:1.0.
    #[arg(long = "policy", value_name = "POLICY", value_parser = named_policy)]
    policies: Vec<(String, Policy)>,
    /// Seed of the policies that draw.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A step is solved to ‖b − A x‖ ≤ TOLERANCE · ‖b‖.
    #[arg(long, default_value_t = 1e-8, value_parser = tolerance)]
    tolerance: f64,
    /// Print one JSON document instead of a table.
    #[arg(long)]
    json: bool,
    /// No progress bar.
    #[arg(long)]
    quiet: bool,
    /// Draw iterations against step and the chosen omega over time into an SVG file.
    #[arg(long, value_name = "OUT.svg")]
    plot: Option<PathBuf>,
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
    policies: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    iterations: u64,
    seconds: f64,
    regret_to_best_fixed: i64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let named: Vec<(String, Policy)> = if arguments.policies.is_empty() {
        DEFAULT.iter().map(|name| named_policy(name)).collect::<Result<_, _>>()?
    } else {
        arguments.policies.clone()
    };
    let &Arguments { grid, steps, seed, tolerance, .. } = arguments;
    let setting = Setting { grid, steps, tolerance, seed };
    let quiet = arguments.quiet || arguments.json;

    // Who wants to know the best arm afterwards needs every arm tried at every step.
    let hindsight = named.iter().any(|(_, p)| matches!(p, Policy::BestFixed | Policy::InstanceOptimal));
    let survey = if hindsight || arguments.json {
        watched(quiet, steps, "trying all arms", |on_step| heat::survey(&setting, on_step))?
    } else {
        None
    };
    let mut outcomes = Vec::new();
    for (name, policy) in &named {
        let outcome =
            watched(quiet, steps, name, |on_step| heat::run(*policy, &setting, survey.as_ref(), on_step))?;
        outcomes.extend(outcome.map(|outcome| (name.as_str(), outcome)));
    }

    if let Some(path) = &arguments.plot {
        plot::write_svg(path, &panels(&setting, &outcomes))?;
    }
    if let (true, Some(survey)) = (arguments.json, &survey) {
        let best = survey.best_fixed();
        let rows = outcomes.iter().map(|(name, outcome)| Row {
            name,
            iterations: outcome.iterations,
            seconds: outcome.elapsed.as_secs_f64(),
            regret_to_best_fixed: outcome.iterations.cast_signed() - best.cast_signed(),
        });
        let document = Document {
            grid,
            unknowns: (grid - 1) * (grid - 1),
            steps,
            seed,
            tolerance,
            best_fixed_omega: (arm_omega(survey.best_arm()) * 100.0).round() / 100.0,
            policies: rows.collect(),
        };
        output::print_json(&document)?;
    } else {
        output::print(&table(&setting, survey.as_ref().map(|s| arm_omega(s.best_arm())), &outcomes))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `work` under a progress bar.
fn watched<W>(
    quiet: bool,
    steps: u32,
    name: &str,
    work: impl FnOnce(heat::OnStep<'_>) -> Result<W, southwell::Error>,
) -> Result<W, southwell::Error> {
    let bar = output::progress(quiet, Some(u64::from(steps)));
    bar.set_message(name.to_owned());
    let result = work(&mut |step| {
        bar.set_position(u64::from(step));
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    result
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

/// Points that a curve is drawn with: more cannot be told apart.
const POINTS: usize = 500;

fn panels(setting: &Setting, outcomes: &[(&str, Outcome)]) -> [Panel; 2] {
    let series = |of: fn(&Outcome) -> Vec<f64>, wanted: fn(&Outcome) -> bool| -> Vec<Series> {
        let wanted = outcomes.iter().filter(|(_, outcome)| wanted(outcome));
        wanted
            .map(|(name, outcome)| Series { name: (*name).to_owned(), points: thinned(&of(outcome)) })
            .collect()
    };
    [
        Panel {
            title: format!("Iterations a step, grid {}", setting.grid),
            x_label: "time".to_owned(),
            y_label: "iterations".to_owned(),
            series: series(|o| o.by_step.iter().map(|&k| f64::from(k)).collect(), |_| true),
            logarithmic: false,
        },
        Panel {
            title: "Omega chosen".to_owned(),
            x_label: "time".to_owned(),
            y_label: "omega".to_owned(),
            series: series(|o| o.omegas.clone(), |o| o.omegas.iter().any(|&omega| omega > 0.0)),
            logarithmic: false,
        },
    ]
}

/// Means over equal pieces of time.
fn thinned(values: &[f64]) -> Vec<(f64, f64)> {
    let size = values.len().div_ceil(POINTS).max(1);
    let pieces = values.chunks(size).enumerate();
    pieces
        .map(|(i, piece)| {
            let mean = piece.iter().sum::<f64>() / piece.len() as f64;
            ((i * size) as f64 * DT + piece.len() as f64 * DT / 2.0, mean)
        })
        .collect()
}
