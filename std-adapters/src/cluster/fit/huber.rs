//! Huber's regression by reweighted least squares, with a gap, from a fit by absolute values; and its rejection of rows.
//!
//! As [`southwell::subgradient::huber`] and [`southwell::subgradient::refine`], whose sums are over blocks here.

use std::ops::Range;

use southwell::subgradient::huber::IDLE_STEPS;
use southwell::subgradient::refine::{CORRECTIONS, MAD, ROUNDS, Refined};
use southwell::{Observer, Run, Status, Stop, drive};
use southwell_simd::vector;

use super::{Problem, small};
use crate::cluster::watch::Watch;
use crate::cluster::{Communicator, Fault};
use crate::owned::Fitted;

/// Standard deviations beyond which a row is rejected; δ in units of them.
const CUT: f64 = 4.0;
const DELTA: f64 = 1.345;

/// The deviation of the good rows, and how many they are.
fn deviation<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    beta: &[f64],
) -> Result<(f64, usize), Fault> {
    let (middle, mut kept) = problem.middle(beta, f64::INFINITY)?;
    let mut deviation = MAD * middle;
    for _ in 0..ROUNDS {
        let (middle, count) = problem.middle(beta, CUT * deviation)?;
        deviation = MAD * middle;
        if count == kept {
            break;
        }
        kept = count;
    }
    Ok((deviation, kept))
}

/// The largest entry of each column, 1 for a column of zeros.
fn scales<C: Communicator + ?Sized>(problem: &Problem<'_, C>) -> Result<Vec<f64>, Fault> {
    let mut scales = vec![0.0_f64; problem.columns];
    for row in problem.values.chunks_exact(problem.columns) {
        scales.iter_mut().zip(row).for_each(|(scale, x)| *scale = scale.max(x.abs()));
    }
    problem.communicator.max(&mut scales)?;
    scales.iter_mut().filter(|scale| **scale == 0.0).for_each(|scale| *scale = 1.0);
    Ok(scales)
}

/// (Xᵀ V X)⁻¹ Xᵀ V r for residuals of `at`, v being given by row and residual: what is to be added, if it exists. Σ v r² as well.
fn correction<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    scales: &[f64],
    at: &[f64],
    weight: impl Fn(usize, f64) -> f64,
) -> Result<Option<Vec<f64>>, Fault> {
    let p = problem.columns;
    let length = small::packed(p);
    let mut row = vec![0.0; p];
    let sums = problem.add(length + p, |rows, sums| {
        let (square, change) = sums.split_at_mut(length);
        for i in rows {
            let residual = problem.residual(i, at);
            let pull = weight(i, residual);
            if pull > 0.0 {
                row.iter_mut().zip(problem.row(i)).zip(scales).for_each(|((to, x), scale)| *to = x / scale);
                vector::axpy(pull * residual, &row, change);
                small::add_square(pull, &row, square);
            }
        }
    })?;
    let (square, change) = sums.split_at(length);
    let whole: Vec<f64> = (0..p).map(|k| square[length - small::packed(p - k)]).collect();
    let (r, sound) = small::factor(square, p, |k| whole[k] * f64::EPSILON * (8 * p) as f64);
    if sound.contains(&false) {
        return Ok(None);
    }
    let mut change = change.to_vec();
    small::solve_transposed(&r, &mut change);
    small::solve(&r, &mut change);
    change.iter_mut().zip(scales).for_each(|(change, scale)| *change /= scale);
    Ok(change.iter().all(|x| x.is_finite()).then_some(change))
}

/// As [`super::refine`].
pub(super) fn refine<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    beta: &mut [f64],
) -> Result<Refined<f64>, Fault> {
    let (deviation, kept) = deviation(problem, beta)?;
    let (limit, scales) = (CUT * deviation, scales(problem)?);
    // Rows are kept by the robust fit, whatever is fitted to them.
    let robust = beta.to_vec();
    let used = |i: usize| if problem.residual(i, &robust).abs() <= limit { problem.weight(i) } else { 0.0 };
    let mut fitted = robust.clone();
    let mut solvable = true;
    // Corrected: what the condition of normal equations costs in digits comes back.
    for _ in 0..CORRECTIONS {
        match correction(problem, &scales, &fitted, |i, _| used(i))? {
            Some(change) => vector::axpy(1.0, &change, &mut fitted),
            None => {
                solvable = false;
                break;
            }
        }
    }
    let square = |own: Range<usize>| {
        [own.filter(|&i| used(i) > 0.0).map(|i| problem.residual(i, &fitted).powi(2)).sum::<f64>()]
    };
    let ([square], _) = problem.sums().total(problem.communicator, false, square)?;
    if solvable && fitted.iter().all(|x| x.is_finite()) {
        beta.copy_from_slice(&fitted);
    }
    Ok(Refined { kept, deviation, rms: (square / kept.max(1) as f64).sqrt() })
}

/// From a fit by absolute values.
pub(super) fn solve<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    stop: &Stop<f64>,
    beta: Vec<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Fitted, Fault> {
    let mut numbers = [
        problem.y.iter().fold(f64::MIN_POSITIVE, |size, y| size.max(y.abs())),
        f64::from(u8::from(observer.every_step())),
    ];
    problem.communicator.max(&mut numbers)?;
    let [size, every] = numbers;
    // More than half of the rows fit exactly: a δ that is 0 as far as rounding shows.
    let delta = (DELTA * deviation(problem, &beta)?.0).max(1e-12 * size);
    let watch = Watch::new(every > 0.0);
    let mut run = Reweighted {
        problem,
        watch: &watch,
        scales: scales(problem)?,
        delta,
        beta,
        value: 0.0,
        bound: 0.0,
        scale: 0.0,
        idle: 0,
        failure: None,
        fault: None,
    };
    run.value = run.judge(&run.beta)?.0;
    run.scale = run.value;
    let report = drive(&mut run, stop, &mut watch.over(observer));
    match run.fault {
        Some(fault) => Err(fault),
        None => Ok(Fitted {
            coefficients: run.beta,
            report,
            objective: run.value,
            lower_bound: run.bound,
            delta: Some(delta),
        }),
    }
}

struct Reweighted<'a, C: ?Sized> {
    problem: &'a Problem<'a, C>,
    watch: &'a Watch,
    scales: Vec<f64>,
    delta: f64,
    beta: Vec<f64>,
    value: f64,
    bound: f64,
    scale: f64,
    idle: u32,
    failure: Option<Status>,
    fault: Option<Fault>,
}

impl<C: Communicator + ?Sized> Reweighted<'_, C> {
    /// w min(1, δ/|r|)
    fn pull(&self, weight: f64, residual: f64) -> f64 {
        let size = residual.abs();
        if size <= self.delta { weight } else { weight * (self.delta / size) }
    }

    fn loss(&self, weight: f64, residual: f64) -> f64 {
        let size = residual.abs();
        match weight {
            0.0 => 0.0,
            _ if size <= self.delta => weight * (0.5 * size * size),
            _ => weight * (self.delta * (size - 0.5 * self.delta)),
        }
    }

    /// f at another β, and the bound that its residuals give with the weights of this one.
    fn judge(&self, next: &[f64]) -> Result<(f64, f64), Fault> {
        let (problem, delta) = (self.problem, self.delta);
        let mut least = [f64::NEG_INFINITY];
        let sums = |own: Range<usize>| {
            let (mut value, mut linear, mut square) = (0.0, 0.0, 0.0);
            for i in own {
                let weight = problem.weight(i);
                if weight > 0.0 {
                    let (now, then) = (problem.residual(i, next), problem.residual(i, &self.beta));
                    value += self.loss(weight, now);
                    let s = self.pull(weight, then) * now;
                    least[0] = f64::max(least[0], -(weight * delta / s.abs()));
                    linear += s * problem.y[i];
                    square += s * s / weight;
                }
            }
            [value, linear, square]
        };
        let wish = self.watch.wish();
        let ([value, linear, square], stop) = problem.sums().total(problem.communicator, wish, sums)?;
        self.watch.agreed(stop);
        problem.communicator.max(&mut least)?;
        // The best multiple of s within its bounds.
        let share = (linear / square).min(-least[0]);
        let bound = share * linear - 0.5 * share * share * square;
        Ok((value, if bound.is_finite() { bound.max(0.0) } else { 0.0 }))
    }

    fn advance(&mut self) -> Result<(), Fault> {
        let weight = |i: usize, residual: f64| self.pull(self.problem.weight(i), residual);
        let Some(change) = correction(self.problem, &self.scales, &self.beta, weight)? else {
            self.failure = Some(Status::Breakdown);
            return Ok(());
        };
        let next: Vec<f64> = self.beta.iter().zip(&change).map(|(beta, change)| beta + change).collect();
        let (value, bound) = self.judge(&next)?;
        if !value.is_finite() {
            self.failure = Some(Status::NotFinite);
            return Ok(());
        }
        // Within rounding of the least value the bound still closes.
        let level = value <= self.value * (1.0 + 16.0 * f64::EPSILON);
        if !level || value >= self.value && bound <= self.bound {
            self.idle += 1;
            if self.idle >= IDLE_STEPS {
                self.failure = Some(Status::Stalled);
            }
        }
        if level {
            (self.value, self.beta) = (value, next);
        }
        self.bound = self.bound.max(bound).min(self.value);
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Run for Reweighted<'_, C> {
    type Real = f64;

    fn step(&mut self) {
        if self.failure.is_none()
            && let Err(fault) = self.advance()
        {
            (self.fault, self.failure) = (Some(fault), Some(Status::Breakdown));
        }
    }

    fn residual(&mut self) -> f64 {
        if self.fault.is_some() { f64::NAN } else { self.value - self.bound }
    }

    fn parameter(&self) -> f64 {
        self.delta
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
