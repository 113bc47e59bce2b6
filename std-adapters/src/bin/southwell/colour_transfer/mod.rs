//! `southwell colour-transfer`: a photograph with the colours of another one.
//!
//! Colours are points in the cube [0, 1]³ of red, green and blue. A sample of one image's is coupled with a sample of
//! the other's under squared distances; every colour of the first image then becomes the mean of those that its mass
//! would go to, which the potentials tell for colours outside the sample as well ([`map`]).

mod map;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use image::{ImageError, ImageFormat, RgbImage};
use serde::Serialize;
use southwell::transport::Ground;
use southwell::{Progress, Status, Stop};
use southwell_std::files::DenseMatrix;
use southwell_std::owned::{Costs, Coupler, Coupling, Precision, Solving, Transport};

use crate::heat::tolerance;
use crate::output::{self, Failure, INTERRUPTED, NOT_CONVERGED};
use crate::relax::name;

#[derive(Debug, Args)]
#[command(after_help = "\
Images are PNG or JPEG; what is transparent is taken for opaque.

Exit codes: 0 converged, 1 bad input, 2 wrong usage, 3 not converged (the image is still written), 130 interrupted.

Example:
  southwell colour-transfer china.jpg flower.jpg --out china-in-flower.png")]
pub(crate) struct Arguments {
    /// The image that is recoloured.
    image: PathBuf,
    /// The image whose colours it gets.
    palette: PathBuf,
    /// Where the result goes, PNG or JPEG by its name.
    #[arg(long, value_name = "OUT.png")]
    out: PathBuf,
    /// Pixels that are drawn from each image.
    #[arg(long, default_value_t = 1500, allow_negative_numbers = true, value_parser = RangedU64ValueParser::<usize>::new().range(1..=20_000))]
    samples: usize,
    /// The weight of the entropy, as a share of the largest squared distance of two colours: the smaller, the more
    /// faithful, and the more grain.
    #[arg(long, allow_negative_numbers = true, default_value_t = 1e-3, value_name = "RATIO")]
    epsilon_ratio: f64,
    /// The run has converged when the marginals are off by TOLERANCE, all together; between 0 and 1.
    #[arg(long, allow_hyphen_values = true, default_value = "1e-6", value_parser = tolerance)]
    tolerance: f64,
    /// Print one JSON document instead of a line.
    #[arg(long)]
    json: bool,
    /// Neither progress nor notes on standard error, only errors.
    #[arg(long)]
    quiet: bool,
}

#[derive(Serialize)]
struct Document {
    status: &'static str,
    iterations: u32,
    newton_steps: u32,
    kernel_reads: u32,
    marginal_error: f64,
    /// Squared distance between the samples' colours, by the coupling: before, and after the image was recoloured.
    cost_before: f64,
    cost_after: f64,
    epsilon: f64,
    samples: usize,
    /// Different colours of the image.
    colours: usize,
    solve_seconds: f64,
    map_seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    check_output(arguments)?;
    let bar = output::progress(arguments.quiet || arguments.json, None);
    bar.set_message("reading");
    bar.tick();
    let (image, palette) = (read(&arguments.image)?, read(&arguments.palette)?);
    let interrupted = output::interruption()?;

    bar.set_message("coupling the colours");
    let start = Instant::now();
    let (x, y) = (map::sample(&image, arguments.samples), map::sample(&palette, arguments.samples));
    let stop = Stop { max_steps: 10_000, ..Stop::relative(arguments.tolerance) };
    let solving = Solving { stop, ..Solving::with(Coupler::Auto, Precision::Double) };
    let mut observer = |_: &Progress<f64>| match interrupted.load(std::sync::atomic::Ordering::Relaxed) {
        true => std::ops::ControlFlow::Break(()),
        false => std::ops::ControlFlow::Continue(()),
    };
    let mut couple = |x: &DenseMatrix, y: &DenseMatrix| -> Result<(f64, Coupling), Failure> {
        let transport = between(x, y);
        let largest = transport.largest().map_err(|error| error.to_string())?;
        // Two images of one colour each, the same, are no distance apart.
        let epsilon = arguments.epsilon_ratio * if largest > 0.0 { largest } else { 1.0 };
        let coupling =
            transport.solve(epsilon, &solving, None, &mut observer).map_err(|error| error.to_string())?;
        Ok((epsilon, coupling))
    };
    let (epsilon, coupling) = couple(&x, &y)?;
    let solve_seconds = start.elapsed().as_secs_f64();
    if coupling.report.status == Status::Stopped {
        bar.finish_and_clear();
        return Ok(ExitCode::from(INTERRUPTED));
    }

    bar.set_message("recolouring");
    let start = Instant::now();
    let (recoloured, colours) = map::recolour(&image, &y, &coupling.g, epsilon)?;
    let map_seconds = start.elapsed().as_secs_f64();
    recoloured.save(&arguments.out).map_err(|error| format!("{}: {error}", arguments.out.display()))?;
    let (_, after) = couple(&map::sample(&recoloured, arguments.samples), &y)?;
    bar.finish_and_clear();

    let document = Document {
        status: name(coupling.report.status),
        iterations: coupling.iterations,
        newton_steps: coupling.newton.newton_steps,
        kernel_reads: coupling.kernel_reads,
        marginal_error: coupling.marginal_error,
        cost_before: coupling.cost,
        cost_after: after.cost,
        epsilon,
        samples: arguments.samples,
        colours,
        solve_seconds,
        map_seconds,
    };
    print(arguments, &document)?;
    let converged = coupling.report.status == Status::Converged;
    Ok(if converged { ExitCode::SUCCESS } else { ExitCode::from(NOT_CONVERGED) })
}

fn print(arguments: &Arguments, document: &Document) -> Result<(), Failure> {
    if arguments.json {
        return output::print_json(document);
    }
    let Document { status, iterations, newton_steps, cost_before, cost_after, colours, .. } = document;
    output::print(&format!(
        "{status} after {iterations} iterations and {newton_steps} Newton steps; {colours} colours; squared distance \
         of the colours {cost_before:.5} before, {cost_after:.5} after; {:.3} s to couple, {:.3} s to recolour\n",
        document.solve_seconds, document.map_seconds
    ))
}

/// Refuses a place that cannot be written, has no format, or is one of the images.
fn check_output(arguments: &Arguments) -> Result<(), Failure> {
    let out = &arguments.out;
    let known = matches!(ImageFormat::from_path(out), Ok(ImageFormat::Png | ImageFormat::Jpeg));
    if !known {
        return Err(format!(
            "--out {}: no such kind of image; give a name that ends in .png, .jpg or .jpeg",
            out.display()
        )
        .into());
    }
    let same = |input: &Path| matches!((input.canonicalize(), out.canonicalize()), (Ok(a), Ok(b)) if a == b);
    if same(&arguments.image) || same(&arguments.palette) {
        return Err(format!("--out {}: this is an input of the run; name another file", out.display()).into());
    }
    output::check_writable("--out", out)
}

fn read(path: &Path) -> Result<RgbImage, Failure> {
    let refused = |error: ImageError| match error {
        ImageError::IoError(error) if error.kind() != ErrorKind::UnexpectedEof => {
            format!("{}: {error}; check the name", path.display())
        }
        error => {
            let what = error.to_string();
            let what = what.trim_end();
            format!("{}: this is no sound image ({what}); save it again, as PNG or JPEG", path.display())
        }
    };
    let image = image::open(path).map_err(refused)?.to_rgb8();
    if image.is_empty() {
        return Err(format!("{}: the image has no pixels; take another", path.display()).into());
    }
    Ok(image)
}

/// The same mass for every colour of a sample.
fn between(x: &DenseMatrix, y: &DenseMatrix) -> Transport {
    let uniform = |count: usize| vec![1.0 / count as f64; count];
    let ground = Ground::SquaredEuclidean;
    Transport::new(Costs::Points { x: x.clone(), y: y.clone(), ground }, uniform(x.rows), uniform(y.rows))
}
