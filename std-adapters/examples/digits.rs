//! Handwritten digits, recognised by the cheapest transport to one that is known, under L1 and L2 ways.
//!
//! ```text
//! python std-adapters/examples/data.py data
//! cargo run --release --example digits -- data/digits.npy data/digits-labels.npy 100 500
//! ```
//! Arguments: images (a row each, square), labels, how many are to be recognised, how many are known. Every pair is
//! one transport problem of the same costs; the workspace is made once.

use std::error::Error;
use std::time::Instant;

use southwell::Stop;
use southwell::omega::Eager;
use southwell::transport::certificate::{evaluate, evaluate_len};
use southwell::transport::{DenseCost, Potentials, Problem, scaling};
use southwell_std::files::npy;

/// The weight of the entropy, as a share of the longest way.
const EPSILON: f64 = 1.0 / 50.0;
/// The share of the largest intensity that is added everywhere, so that all have mass.
const SMOOTHING: f64 = 0.01;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [images, labels, rest @ ..] = &arguments[..] else {
        return Err("usage: digits IMAGES.npy LABELS.npy [RECOGNISED] [KNOWN]".into());
    };
    let count = |place: usize, default: usize| rest.get(place).map_or(Ok(default), |text| text.parse());
    let (images, labels) = (npy::read_matrix(images)?, npy::read_vector(labels)?);
    let side = images.columns.isqrt();
    if side * side != images.columns || labels.len() != images.rows || side < 2 {
        return Err("give square images by rows, and a label for each".into());
    }
    let known = count(1, 300)?.min(images.rows);
    let new = count(0, 50)?.min(images.rows - known);
    let largest = images.values.iter().fold(0.0, |m: f64, &x| m.max(x));
    let weights: Vec<Vec<f64>> =
        images.values.chunks(side * side).map(|image| weights(image, SMOOTHING * largest)).collect();
    let (known, new) = (&weights[..known], &weights[known..known + new]);
    let of_new = &labels[known.len()..];
    println!(
        "{} digits of {side} × {side} pixels, {} known ones, 1/epsilon = {}",
        new.len(),
        known.len(),
        1.0 / EPSILON
    );

    let by_pixels = nearest(new, known, |a, b| Ok(a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()))?;
    println!("pixel by pixel: {} recognised", hits(&by_pixels, &labels, of_new));
    for (name, power) in [("L1", 1), ("L2", 2)] {
        let start = Instant::now();
        let mut way = Way::new(side, power);
        let found = nearest(new, known, |a, b| way.cost(a, b))?;
        let (hits, pairs) = (hits(&found, &labels, of_new), new.len() * known.len());
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "transport, {name}: {hits} recognised; {pairs} problems, {:.0} iterations and {:.1} µs each, {} not converged",
            f64::from(way.iterations) / pairs.max(1) as f64,
            1e6 * seconds / pairs.max(1) as f64,
            way.unconverged
        );
    }
    Ok(())
}

fn weights(image: &[f64], smoothing: f64) -> Vec<f64> {
    let sum: f64 = image.iter().map(|x| x + smoothing).sum();
    image.iter().map(|x| (x + smoothing) / sum).collect()
}

/// For each new image, the known one that is nearest.
fn nearest(
    new: &[Vec<f64>],
    known: &[Vec<f64>],
    mut distance: impl FnMut(&[f64], &[f64]) -> Result<f64, southwell::Error>,
) -> Result<Vec<usize>, southwell::Error> {
    let mut found = Vec::new();
    for a in new {
        let mut best = (f64::INFINITY, 0);
        for (k, b) in known.iter().enumerate() {
            let distance = distance(a, b)?;
            if distance < best.0 {
                best = (distance, k);
            }
        }
        found.push(best.1);
    }
    Ok(found)
}

fn hits(found: &[usize], of_known: &[f64], of_new: &[f64]) -> usize {
    found.iter().zip(of_new).filter(|&(&k, new)| of_known.get(k) == Some(new)).count()
}

/// Ways between pixels, and what solving takes.
struct Way {
    cost: Vec<f64>,
    pixels: usize,
    storage: Vec<f64>,
    f: Vec<f64>,
    g: Vec<f64>,
    iterations: u32,
    unconverged: u32,
}

impl Way {
    fn new(side: usize, power: i32) -> Self {
        let n = side * side;
        let apart = |i: usize, j: usize| (i as f64 - j as f64).abs().powi(power);
        let way = |i: usize, j: usize| apart(i / side, j / side) + apart(i % side, j % side);
        let longest = way(0, n - 1);
        let cost = (0..n * n).map(|k| way(k / n, k % n) / longest).collect();
        let length = scaling::Workspace::<f64>::required_len(n, n, true).max(evaluate_len(n, true));
        let storage = vec![0.0; length];
        Self { cost, pixels: n, storage, f: vec![0.0; n], g: vec![0.0; n], iterations: 0, unconverged: 0 }
    }

    /// ⟨P, C⟩ of the coupling between two images.
    fn cost(&mut self, a: &[f64], b: &[f64]) -> Result<f64, southwell::Error> {
        let n = self.pixels;
        let cost = DenseCost::new(&self.cost, n, n, n)?;
        let problem = Problem::new(&cost, a, b, EPSILON)?;
        let options = scaling::Options { stop: Stop { max_steps: 5000, ..Stop::relative(1e-3) } };
        self.g.fill(0.0);
        let x = Potentials { f: &mut self.f, g: &mut self.g };
        let workspace = scaling::Workspace::new(&problem, &mut self.storage)?;
        let report = scaling::solve(&problem, &options, &mut Eager::default(), x, workspace, &mut ())?;
        self.iterations += report.steps;
        self.unconverged += u32::from(!report.converged());
        Ok(evaluate(&problem, &self.f, &self.g, &mut self.storage)?.cost)
    }
}
