//! `southwell reproduce bcd`: the comparisons of «Let's make block coordinate descent converge faster».
//!
//! J. Nutini, I. Laradji & M. Schmidt, JMLR 23(131), 2022: random and greedy rules, fixed and variable blocks,
//! gradient, matrix and Newton updates, exact solves on forests, and how fast the support of a sparse solution is
//! found. The paper's recipes for its data sets are followed with random numbers of our own, so that curves agree in
//! rank and size and not in digits; «reference» is what another implementation, in NumPy, found for the very same
//! data, «paper» what can be read off the paper's plots. FB are fixed blocks by ascending Lipschitz constants, VB
//! variable blocks.

mod data;
mod figures;

use std::fmt::Write as _;
use std::fs;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args;
use serde::Serialize;
use southwell_std::owned::descent::Trace;
use southwell_std::plot::{Panel, Series, write_svg};

use self::data::Set;
use self::figures::{Arm, FIGURES, Figure, known, known_steps};
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
Figures: 4 and 8, gradient updates; 5 and 11, matrix updates; 6, forests; 7 and 13, finding the support;
9, constants by trial; 10, partitions; 12, Newton updates. At full size figures 5 and 12 take minutes.

Exit codes: 0 done, 1 bad input, 2 wrong usage, 3 a value is off its reference by more than a factor of two
(ten below a millionth of f at the start), 130 interrupted.

Examples:
  southwell reproduce bcd --figure 6 --out plots
  southwell reproduce bcd --figure 4 --figure 5 --set A --set D --json
  southwell reproduce bcd --small")]
pub(crate) struct Arguments {
    /// A figure of the paper; more may be named. Default: 4, 5, 6 and 7.
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(4..=13))]
    figure: Vec<u32>,
    /// Only this data set, A to E; more may be named.
    #[arg(long, value_name = "LETTER", value_parser = ["A", "B", "C", "D", "E"])]
    set: Vec<String>,
    /// Small twins of the data sets, 200 samples and 1000 variables or 400 vertices, and blocks of 5 and 20.
    #[arg(long)]
    small: bool,
    /// Steps of a run.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    steps: u32,
    /// Draw f − f* against the steps, an SVG file a figure and data set, into this directory.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON document instead of tables.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

/// Steps whose values are printed.
const SHOWN: [u32; 4] = [10, 100, 200, 500];
/// Relative gaps of the experiments with a support.
const GAPS: [f64; 2] = [1e-4, 1e-8];

#[derive(Serialize)]
struct Row {
    figure: u32,
    set: &'static str,
    block_size: usize,
    name: &'static str,
    /// f − f* at the steps that are shown.
    off: Vec<f64>,
    last: f64,
    /// Step and f − f* of another implementation on the same data.
    reference: Option<(u32, f64)>,
    /// The same of the paper, on other data.
    paper: Option<(u32, f64)>,
    /// Steps to relative gaps of 1e-4 and 1e-8 and until the support stays right, and those of the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    steps: Option<[Option<u32>; 3]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reference_steps: Option<[Option<u32>; 3]>,
    missed: bool,
    /// How the run ended, where it did before its last step.
    ended: Option<&'static str>,
}

#[derive(Serialize)]
struct Document {
    steps: u32,
    shown: Vec<u32>,
    small: bool,
    rows: Vec<Row>,
    simd: &'static str,
}

/// The curve of an arm.
struct Curve {
    off: Vec<f64>,
    /// Step from which the support stays the right one.
    support: Option<u32>,
    ended: Option<&'static str>,
    interrupted: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    if let Some(folder) = &arguments.out {
        fs::create_dir_all(folder).map_err(|error| format!("--out {}: {error}", folder.display()))?;
    }
    let asked = if arguments.figure.is_empty() { vec![4, 5, 6, 7] } else { arguments.figure.clone() };
    let wanted = |figure: &&Figure| figure.numbers.iter().any(|number| asked.contains(number));
    let interrupted = output::interruption()?;
    let bar = output::progress(arguments.quiet || arguments.json, Some(count(arguments, &asked)));
    let mut rows = Vec::new();
    for figure in FIGURES.iter().filter(wanted) {
        for &(letter, sizes) in figure.sets.iter().filter(|(letter, _)| is_asked(arguments, *letter)) {
            let set = data::set(letter, arguments.small)?;
            let mut panels = Vec::new();
            for size in sizes_of(arguments, sizes) {
                let mut panel = Panel {
                    title: format!("{} ({}), {}, blocks of {size}", set.name, set.about, figure.title),
                    x_label: "steps".to_owned(),
                    y_label: "f - f*".to_owned(),
                    series: Vec::new(),
                    logarithmic: true,
                };
                if size == 0 {
                    panel.title = format!("{} ({}), {}", set.name, set.about, figure.title);
                }
                for arm in figure.arms.iter().filter(|arm| arm.is_for(set.name)) {
                    bar.set_message(format!("{} {}", set.name, arm.name));
                    let stop = || interrupted.load(Ordering::Relaxed);
                    let curve = follow(&set, arm, size, arguments.steps, &stop)?;
                    if curve.interrupted {
                        return Ok(ExitCode::from(INTERRUPTED));
                    }
                    let points = (0_u32..).map(f64::from).zip(curve.off.iter().copied()).collect();
                    panel.series.push(Series { name: arm.name.to_owned(), points });
                    rows.push(row(arguments, figure, &set, size, arm.name, &curve));
                    bar.inc(1);
                }
                panels.push(panel);
            }
            if let Some(folder) = &arguments.out {
                write_svg(folder.join(format!("figure-{}-{}.svg", figure.numbers[0], set.name)), &panels)?;
            }
        }
    }
    bar.finish_and_clear();
    let missed = rows.iter().any(|row| row.missed);
    let shown = SHOWN.iter().copied().filter(|&step| step <= arguments.steps).collect();
    let (steps, small) = (arguments.steps, arguments.small);
    let document = Document { steps, shown, small, rows, simd: southwell_simd::level_name() };
    if arguments.json {
        output::print_json(&document)?;
    } else {
        output::print(&tables(&document))?;
    }
    if missed && !arguments.quiet {
        output::note("a value is off its reference");
    }
    Ok(if missed { ExitCode::from(NOT_CONVERGED) } else { ExitCode::SUCCESS })
}

/// A1 goes by the letter of A.
fn is_asked(arguments: &Arguments, letter: char) -> bool {
    let letter = if letter == '1' { 'A' } else { letter };
    arguments.set.is_empty() || arguments.set.iter().any(|set| set.starts_with(letter))
}

fn sizes_of(arguments: &Arguments, sizes: &'static [usize]) -> Vec<usize> {
    match sizes {
        [0] => vec![0],
        _ if arguments.small => vec![5, 20],
        _ => sizes.to_vec(),
    }
}

/// Runs in all.
fn count(arguments: &Arguments, asked: &[u32]) -> u64 {
    let of = |figure: &Figure| {
        let sets = figure.sets.iter().filter(|(letter, _)| is_asked(arguments, *letter));
        let runs = |&(letter, sizes): &(char, &'static [usize])| {
            let name = if letter == '1' { "A1".to_owned() } else { letter.to_string() };
            sizes_of(arguments, sizes).len() * figure.arms.iter().filter(|arm| arm.is_for(&name)).count()
        };
        sets.map(runs).sum::<usize>() as u64
    };
    let wanted = |figure: &&Figure| figure.numbers.iter().any(|number| asked.contains(number));
    FIGURES.iter().filter(wanted).map(of).sum()
}

/// Runs one arm. A block of size 0 is as the rule has it; where it needs one, ⌊p^⅓⌋ variables.
fn follow(set: &Set, arm: &Arm, size: usize, steps: u32, stop: &dyn Fn() -> bool) -> Result<Curve, Failure> {
    let size = if size == 0 { (set.variables as f64).cbrt() as usize } else { size };
    let mut curve = Curve { off: Vec::new(), support: None, ended: None, interrupted: false };
    let (mut last, mut since): (Vec<bool>, u32) = (Vec::new(), 0);
    let mut each = |trace: Trace<'_>| {
        curve.off.push(trace.objective - set.least);
        let now: Vec<bool> = trace.x.iter().map(|x| *x != 0.0).collect();
        if now != last {
            (since, last) = (trace.step, now);
        }
        curve.interrupted = stop();
        if curve.interrupted { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let ended = set.problem.trace(&arm.plan(size, set.lattice), steps, &mut each)?;
    // The optimum has as many elements as this, and who has them stays there.
    let right = set.support == Some(last.iter().filter(|is| **is).count());
    curve.support = right.then_some(since);
    curve.ended = ended.map(crate::relax::name);
    // What has come to an end stays where it is.
    if let Some(&last) = curve.off.last() {
        curve.off.resize(steps as usize + 1, last);
    }
    Ok(curve)
}

fn row(
    arguments: &Arguments,
    figure: &Figure,
    set: &Set,
    size: usize,
    name: &'static str,
    curve: &Curve,
) -> Row {
    let number = figure.numbers[0];
    let first = curve.off.first().copied().unwrap_or(f64::NAN);
    let steps = (set.name == "A1").then(|| {
        let to = |gap: f64| curve.off.iter().position(|off| *off <= gap * first).map(|step| step as u32);
        [to(GAPS[0]), to(GAPS[1]), curve.support]
    });
    let [reference, paper] = if arguments.small { [None; 2] } else { known(number, set.name, size, name) };
    let reference_steps = if arguments.small || steps.is_none() { None } else { known_steps(size, name) };
    let reached = |(step, to): (u32, f64)| {
        // f* is known to a dozen digits.
        let floor = 1e-12 * set.least.abs();
        let factor = if to < 1e-6 * first { 10.0 } else { 2.0 };
        let found = curve.off.get(step as usize).copied();
        found.is_none_or(|off| off <= factor * to + floor && off >= to / factor - floor)
    };
    let in_time = |(found, to): (&Option<u32>, &Option<u32>)| match (found, to) {
        (Some(found), Some(to)) => *found <= 2 * *to + 3,
        (None, Some(to)) => 2 * *to + 3 > arguments.steps,
        (_, None) => true,
    };
    let late = steps.zip(reference_steps).is_some_and(|(found, to)| !found.iter().zip(&to).all(in_time));
    Row {
        figure: number,
        set: set.name,
        block_size: size,
        name,
        off: SHOWN.iter().filter_map(|&step| curve.off.get(step as usize).copied()).collect(),
        last: curve.off.last().copied().unwrap_or(f64::NAN),
        reference,
        paper,
        steps,
        reference_steps,
        missed: late || !reference.is_none_or(reached),
        ended: curve.ended,
    }
}

fn tables(document: &Document) -> String {
    let mut text = String::new();
    let mut heading = (0, "", usize::MAX);
    let cell = |known: Option<(u32, f64)>| match known {
        Some((step, value)) => format!("{value:.2e} at {step}"),
        None => "-".to_owned(),
    };
    let triple = |steps: &[Option<u32>; 3]| {
        steps.map(|step| step.map_or("-".to_owned(), |step| step.to_string())).join("/")
    };
    for row in &document.rows {
        if heading != (row.figure, row.set, row.block_size) {
            heading = (row.figure, row.set, row.block_size);
            let title = FIGURES.iter().find(|figure| figure.numbers[0] == row.figure).map_or("", |f| f.title);
            let blocks =
                if row.block_size == 0 { String::new() } else { format!(", blocks of {}", row.block_size) };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "\nFigure {}: {title}; set {}{blocks}", row.figure, row.set);
            let _ = write!(text, "  {:<17}", "f - f* at step");
            document.shown.iter().for_each(|step| {
                let _ = write!(text, " {step:>9}");
            });
            let _ = writeln!(text, "  {:>16}  {:>16}", "reference", "paper");
        }
        let _ = write!(text, "  {:<17}", row.name);
        row.off.iter().for_each(|off| {
            let _ = write!(text, " {off:>9.2e}");
        });
        let _ = write!(text, "  {:>16}  {:>16}", cell(row.reference), cell(row.paper));
        if let Some(steps) = &row.steps {
            let _ = write!(text, "  to 1e-4/1e-8/support: {}", triple(steps));
        }
        if let Some(steps) = &row.reference_steps {
            let _ = write!(text, " (reference {})", triple(steps));
        }
        if let Some(ended) = row.ended {
            let _ = write!(text, "  {ended}");
        }
        let _ = writeln!(text, "{}", if row.missed { "  missed" } else { "" });
    }
    text.trim_start().to_owned()
}
