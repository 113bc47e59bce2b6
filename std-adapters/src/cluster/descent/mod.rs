//! Greedy coordinate descent for the lasso over ranks, divided by features or by samples.
//!
//! ```text
//! min_w P(w) = ½ ‖y − A w‖² + λ ‖w‖₁,    r = y − A w,  c = Aᵀ r,  L_j = ‖a_j‖²
//! w*_j = S(w_j + c_j/L_j, λ/L_j),        the j with the largest √L_j |w*_j − w_j| moves      (Gauss-Southwell-Lipschitz)
//! ```
//! *By features* ([`by_features`]): a rank has columns of A and their w; all have r. Each finds the best of its own columns,
//! one gather of three numbers a rank finds the best of all (the lowest of equals), and its owner sends its column to all: n
//! numbers a step.
//!
//! *By samples* ([`by_samples`]): a rank has rows of A and their r; all have w. c is added up in the order of fixed blocks of
//! rows, p numbers a step; everything else is known to all.
//!
//! *Step*: one coordinate; cost: a reading of the rank's part. *Residual*: the duality gap, with r scaled to be feasible;
//! *scale*: ½ ‖y‖². By features a look gathers ‖w‖₁ by blocks; by samples ‖r‖² and rᵀy by blocks.
//!
//! *Bits*: equal for any number of ranks. *Take something else* where p is small: working sets on one machine
//! ([`southwell::descent::sparse_regression`]) need far fewer readings. *Source*: Nutini et al. 2015; the division by
//! features as in Richtárik & Takáč 2016, but greedy.

mod features;
mod samples;

pub use features::{by_features, by_features_on, lambda_max_by_features};
pub use samples::{by_samples, by_samples_on, lambda_max_by_samples};

use southwell::{Error, Observer, Report, Run, Status, Stop, drive};

use super::watch::Watch;
use super::{Communicator, Fault};

/// Moves towards zero by t.
fn shrink(x: f64, t: f64) -> f64 {
    if x > t {
        x - t
    } else if x < -t {
        x + t
    } else {
        0.0
    }
}

/// The best coordinate of some: its place, what it promises, and how far it goes.
#[derive(Clone, Copy, Debug)]
struct Best {
    score: f64,
    place: usize,
    delta: f64,
}

/// The best of all, the first of equals.
fn best(w: &[f64], c: &[f64], lipschitz: &[f64], lambda: f64) -> Best {
    let mut best = Best { score: 0.0, place: 0, delta: 0.0 };
    for (place, ((&w, &c), &l)) in w.iter().zip(c).zip(lipschitz).enumerate() {
        if l > 0.0 {
            let delta = shrink(w + c / l, lambda / l) - w;
            let score = l.sqrt() * delta.abs();
            if score > best.score {
                best = Best { score, place, delta };
            }
        }
    }
    best
}

/// The duality gap of w and r, given the largest |c|.
fn gap(square: f64, product: f64, norm: f64, largest: f64, lambda: f64) -> f64 {
    let u = if largest > lambda { lambda / largest } else { 1.0 };
    // P − D with the dual point u r: ½‖r‖² + λ‖w‖₁ − u rᵀy + ½u²‖r‖².
    (0.5 * square * (1.0 + u * u) + lambda * norm - u * product).max(0.0)
}

fn check(
    matrix: &[f64],
    rows: usize,
    columns: usize,
    y: &[f64],
    w: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
) -> Result<(), Error> {
    stop.check()?;
    for (argument, values, expected) in
        [("matrix", matrix, rows.saturating_mul(columns)), ("y", y, rows), ("w", w, columns)]
    {
        if values.len() != expected {
            return Err(Error::Dimension { argument, expected, given: values.len() });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Value { argument, index });
        }
    }
    if lambda > 0.0 && lambda.is_finite() {
        Ok(())
    } else {
        Err(Error::Option { name: "lambda", requirement: "must be positive and finite" })
    }
}

/// Refuses what is left of another problem.
fn check_residual(r: &[f64], expected: usize) -> Result<(), Error> {
    match r.iter().position(|value| !value.is_finite()) {
        _ if !r.is_empty() && r.len() != expected => {
            Err(Error::Dimension { argument: "r", expected, given: r.len() })
        }
        Some(index) => Err(Error::Value { argument: "r", index }),
        None => Ok(()),
    }
}

/// What both divisions do between two looks.
trait Division {
    /// One coordinate; false if none promises anything.
    fn step(&mut self) -> Result<bool, Fault>;
    /// The duality gap, and whether a rank wants to stop.
    fn gap(&mut self, wish: bool) -> Result<(f64, bool), Fault>;
}

struct Descent<'a, D> {
    division: D,
    watch: &'a Watch,
    scale: f64,
    known: Option<f64>,
    failure: Option<Status>,
    fault: Option<Fault>,
}

fn solve<D: Division, C: Communicator + ?Sized>(
    communicator: &C,
    division: D,
    scale: f64,
    stop: &Stop<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let mut every = [f64::from(u8::from(observer.every_step()))];
    communicator.max(&mut every)?;
    let watch = Watch::new(every[0] > 0.0);
    let mut run = Descent { division, watch: &watch, scale, known: None, failure: None, fault: None };
    let report = drive(&mut run, stop, &mut watch.over(observer));
    run.fault.map_or(Ok(report), Err)
}

impl<D: Division> Run for Descent<'_, D> {
    type Real = f64;

    fn step(&mut self) {
        if self.fault.is_some() {
            return;
        }
        self.known = None;
        match self.division.step() {
            Ok(true) => {}
            // Nothing moves: what is left of the gap is rounding.
            Ok(false) => self.failure = Some(Status::Stalled),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn residual(&mut self) -> f64 {
        if let Some(known) = self.known {
            return known;
        }
        if self.fault.is_some() {
            return f64::NAN;
        }
        match self.division.gap(self.watch.wish()) {
            Ok((gap, stop)) => {
                self.watch.agreed(stop);
                self.known = Some(gap);
                gap
            }
            Err(fault) => {
                self.fault = Some(fault);
                f64::NAN
            }
        }
    }

    fn parameter(&self) -> f64 {
        1.0
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() { Some(Status::Breakdown) } else { self.failure }
    }
}
