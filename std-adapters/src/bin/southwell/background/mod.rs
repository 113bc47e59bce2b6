//! `southwell background`: what stays and what moves in a sequence of images, or what a photograph was spoilt by.
//!
//! Robust principal components: a matrix whose columns are the frames (or which is the photograph) is a low-rank one,
//! the background, plus a sparse one. The low-rank part is found by least absolute deviations over its factors
//! (`southwell::subgradient::matrix`), which the sparse one, however large its entries, hardly moves.

mod frames;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;
use southwell::subgradient::matrix::{Options, Start, Step};
use southwell::{Progress, Status, Stop};
use southwell_std::owned::{Found, Measurements, Recovery};

use self::frames::Frames;
use super::heat::tolerance;
use super::relax::name;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};

#[derive(Debug, Args)]
#[command(after_help = "\
Several images of one size are the frames of a sequence: the background of each is written, and the frame where it
differs. One image is a matrix of its own: written are its low-rank part and the rest.

Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged, 130 interrupted.

Examples:
  southwell background frame-*.png --out parts
  southwell background camera.png --every 4 --spoil 0.2 --rank 5 --out parts --json")]
pub(crate) struct Arguments {
    /// Photographs or frames: PNG or JPEG, taken as grey.
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// A folder for what is found.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Rank of the background. Default: 1 for a sequence, 5 for a photograph.
    #[arg(long)]
    rank: Option<usize>,
    /// Take only every so many pixels, in both directions.
    #[arg(long, default_value_t = 1, value_name = "STEP", value_parser = clap::value_parser!(u32).range(1..))]
    every: u32,
    /// Turn this share of the pixels black or white first, to see what can be had back.
    #[arg(long, allow_negative_numbers = true, value_name = "SHARE", value_parser = share)]
    spoil: Option<f64>,
    /// Take the nearest image of this rank in place of the image, so that all of it can be had back.
    #[arg(long, value_name = "RANK", value_parser = clap::value_parser!(u32).range(1..))]
    simplify: Option<u32>,
    /// A pixel is of the foreground if it differs by more than this from the background; white is 1.
    #[arg(long, default_value_t = 0.1, allow_negative_numbers = true)]
    threshold: f64,
    /// The size of the start; smaller ones bear larger ranks, and take longer.
    #[arg(long, allow_negative_numbers = true, default_value_t = 0.1, value_name = "ALPHA")]
    init_scale: f64,
    /// The run has converged when the step has shrunk to this; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-5", value_parser = tolerance)]
    tolerance: f64,
    /// Steps after which the run gives up.
    #[arg(long, default_value_t = 2000, value_name = "STEPS")]
    max_iterations: u32,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.0..=1.0).contains(&value) => Ok(value),
        _ => Err("give a share between 0 and 1, as in 0.2".to_owned()),
    }
}

#[derive(Serialize)]
struct Document {
    status: &'static str,
    iterations: u32,
    /// Mean of |background − image|; white is 1.
    value: f64,
    rank: usize,
    /// Singular values of the background, the largest first.
    singular_values: Vec<f64>,
    frames: usize,
    width: u32,
    height: u32,
    /// The share of pixels that are of the foreground.
    foreground: f64,
    /// The share of pixels that were spoilt, of those the share that was found, and ‖background − image‖/‖image‖ with
    /// the image before; the same of the nearest matrix of the rank, which is what least squares finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    spoilt: Option<Spoilt>,
    seconds: f64,
    simd: &'static str,
}

#[derive(Clone, Copy, Serialize)]
struct Spoilt {
    share: f64,
    found: f64,
    relative_error: f64,
    relative_error_before: f64,
    relative_error_of_squares: f64,
}

/// How often the progress is shown.
const REFRESH: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_output(arguments)?;
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message("reading");
    bar.tick();
    let mut clean = frames::read(&arguments.images, arguments.every)?;
    if let Some(rank) = arguments.simplify {
        clean.values = clean.nearest(rank as usize);
    }
    let mut given = clean.clone();
    if let Some(share) = arguments.spoil {
        given.spoil(share);
    }
    let (rows, columns) = (given.rows, given.columns);
    let rank = arguments.rank.unwrap_or(if given.is_sequence() { 1 } else { 5 });

    let stop = Stop { max_steps: arguments.max_iterations, ..Stop::relative(arguments.tolerance as f32) };
    let options = Options {
        stop,
        start: Start::Spectral,
        alpha: arguments.init_scale as f32,
        step: Step::Oscillation { eta0: 0.25, rho: 0.95, restarts: 0 },
        ..Options::default()
    };
    let recovery = Recovery {
        measurements: Measurements::AllEntries { rows, columns },
        y: given.values.clone(),
        symmetric: false,
        rank,
    };
    let interrupted = output::interruption()?;
    let (start, mut shown) = (Instant::now(), Instant::now());
    let mut observer = |progress: &Progress<f32>| {
        if shown.elapsed() >= REFRESH {
            bar.set_message(format!("{} steps", progress.step));
            shown = Instant::now();
        }
        if interrupted.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let found = recovery.solve(&options, &mut observer)?;
    let seconds = start.elapsed().as_secs_f64();

    bar.set_message("writing");
    let background = found.matrix().values;
    let foreground: Vec<bool> = background
        .iter()
        .zip(&given.values)
        .map(|(low, image)| (low - image).abs() > arguments.threshold)
        .collect();
    fs::create_dir_all(&arguments.out)
        .map_err(|error| format!("--out {}: {error}", arguments.out.display()))?;
    frames::write(&arguments.out, &given, &background, &foreground, arguments.spoil.is_some())?;
    bar.finish_and_clear();

    let part = |count: usize, of: usize| count as f64 / of.max(1) as f64;
    let document = Document {
        status: name(found.recovered.report.status),
        iterations: found.recovered.report.steps,
        value: found.recovered.value,
        rank,
        singular_values: found.singular_values.clone(),
        frames: given.frames(),
        width: given.width,
        height: given.height,
        foreground: part(foreground.iter().filter(|is| **is).count(), foreground.len()),
        spoilt: arguments.spoil.map(|_| compare(&clean, &given, rank, &background, &foreground)),
        seconds,
        simd: southwell_simd::level_name(),
    };
    print(arguments, &found, &document)?;
    Ok(match found.recovered.report.status {
        Status::Stopped => ExitCode::from(INTERRUPTED),
        // No value below what sparse corruption leaves is to be had: a value that has stopped falling is the end.
        Status::Converged | Status::Stalled => ExitCode::SUCCESS,
        _ => ExitCode::from(NOT_CONVERGED),
    })
}

/// What was had back of what was spoilt.
fn compare(clean: &Frames, given: &Frames, rank: usize, background: &[f64], foreground: &[bool]) -> Spoilt {
    let square = |off: &mut dyn Iterator<Item = f64>| off.fold(0.0, |sum, off| sum + off * off).sqrt();
    let size = square(&mut clean.values.iter().copied()).max(f64::MIN_POSITIVE);
    let off = |from: &[f64]| square(&mut from.iter().zip(&clean.values).map(|(a, b)| a - b)) / size;
    let spoilt = || clean.values.iter().zip(&given.values).map(|(a, b)| a != b);
    let count = spoilt().filter(|is| *is).count();
    let both = spoilt().zip(foreground).filter(|(spoilt, found)| *spoilt && **found).count();
    Spoilt {
        share: count as f64 / clean.values.len().max(1) as f64,
        found: both as f64 / count.max(1) as f64,
        relative_error: off(background),
        relative_error_before: off(&given.values),
        relative_error_of_squares: off(&given.nearest(rank)),
    }
}

fn print(arguments: &Arguments, found: &Found, document: &Document) -> Result<(), Failure> {
    if arguments.json {
        return output::print_json(document);
    }
    let back = document.spoilt.map_or(String::new(), |spoilt| {
        format!(
            "; {:.1} % were spoilt, {:.1} % of them found, relative error {:.4} (before: {:.4}, by least squares: {:.4})",
            100.0 * spoilt.share,
            100.0 * spoilt.found,
            spoilt.relative_error,
            spoilt.relative_error_before,
            spoilt.relative_error_of_squares
        )
    });
    output::print(&format!(
        "{} after {} iterations: rank {}, mean difference {:.5}, {:.1} % of the pixels are foreground{back}; {:.3} s\n",
        document.status,
        document.iterations,
        found.u.columns,
        document.value,
        100.0 * document.foreground,
        document.seconds
    ))
}

/// Refuses a folder that would have an input overwritten.
fn check_output(arguments: &Arguments) -> Result<(), Failure> {
    let out = &arguments.out;
    if out.is_file() {
        return Err(format!("--out {}: this is a file; name a folder", out.display()).into());
    }
    let inside = |image: &PathBuf| {
        let folder = image.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        matches!((folder.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b)
    };
    if arguments.images.iter().any(inside) {
        return Err(format!("--out {}: the images are in it; name another folder", out.display()).into());
    }
    Ok(())
}
