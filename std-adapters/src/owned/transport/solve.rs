//! A run of any method in either precision, and what its potentials are worth.

use std::borrow::Cow;

use southwell::omega::{Eager, Fixed};
use southwell::transport::certificate::{certify, certify_len, evaluate, evaluate_len};
use southwell::transport::{Cost, Potentials, Problem, auto, greenkhorn, newton, scaling, sinkhorn};
use southwell::{Error, Observer, Real, Report, Stop, drive};
use southwell_simd::vector::sum;

use super::counted::{Counted, Watch};
use super::{Coupler, Coupling, Held, Precision, Solving, Transport, WithCost, gap, unbalanced};

/// Entries a row that Newton's method may keep.
pub(super) const BUDGET: usize = 64;

/// What a run has left.
pub(super) struct Found {
    pub(super) f: Vec<f64>,
    pub(super) g: Vec<f64>,
    pub(super) report: Report<f64>,
    pub(super) kernel_reads: u32,
    pub(super) iterations: u32,
    pub(super) newton: newton::Work,
    pub(super) omega: Option<f64>,
    pub(super) curve: Vec<(f64, f64)>,
}

impl Found {
    /// Potentials and a report in `f64`, of a method of which each step is an iteration and a reading.
    pub(super) fn new<T: Real>(f: &[T], g: &[T], report: &Report<T>) -> Self {
        let wide = |values: &[T]| values.iter().map(|value| value.to_f64()).collect();
        let &Report { status, steps, checks, initial_residual, residual, scale } = report;
        let [initial_residual, residual, scale] = [initial_residual, residual, scale].map(Real::to_f64);
        Self {
            f: wide(f),
            g: wide(g),
            report: Report { status, steps, checks, initial_residual, residual, scale },
            kernel_reads: steps.saturating_add(1),
            iterations: steps,
            newton: newton::Work::default(),
            omega: None,
            curve: Vec::new(),
        }
    }

    /// With its value.
    pub(super) fn worth(self, value: Value) -> Coupling {
        Coupling {
            f: self.f,
            g: self.g,
            report: self.report,
            kernel_reads: self.kernel_reads,
            iterations: self.iterations,
            newton: self.newton,
            omega: self.omega,
            curve: self.curve,
            marginal_error: value.marginal_error,
            mass: value.mass,
            cost: value.cost,
            dual: value.dual,
            primal: value.primal,
            lower_bound: value.lower_bound,
        }
    }
}

/// What potentials are worth.
pub(super) struct Value {
    pub(super) marginal_error: f64,
    pub(super) mass: f64,
    pub(super) cost: f64,
    pub(super) dual: f64,
    pub(super) primal: f64,
    pub(super) lower_bound: Option<f64>,
}

pub(super) fn solve(
    transport: &Transport,
    epsilon: f64,
    solving: &Solving,
    warm: Option<(&[f64], &[f64])>,
    observer: &mut dyn Observer<f64>,
) -> Result<Coupling, Error> {
    if let Some(rho) = solving.unbalanced {
        unbalanced::check(rho, solving.coupler)?;
        if solving.gap.is_some() {
            return Err(Error::Option {
                name: "gap",
                requirement: "is certified where masses are given only",
            });
        }
    }
    let run = Run { transport, epsilon, solving, warm, observer };
    let found = match solving.precision {
        Precision::Single => transport.with::<f32, _>(run)?,
        Precision::Double => transport.with::<f64, _>(run)?,
    };
    let value = match solving.unbalanced {
        Some(rho) => {
            transport.with::<f64, _>(unbalanced::Worth { transport, epsilon, rho, found: &found })?
        }
        None => transport.with::<f64, _>(Worth { transport, solving, epsilon, found: &found })?,
    };
    Ok(found.worth(value))
}

struct Run<'s> {
    transport: &'s Transport,
    epsilon: f64,
    solving: &'s Solving,
    warm: Option<(&'s [f64], &'s [f64])>,
    observer: &'s mut dyn Observer<f64>,
}

impl<T: Held> WithCost<T> for Run<'_> {
    type Output = Found;

    fn call<C: Cost<T>>(self, cost: &C) -> Result<Found, Error> {
        let Run { transport, epsilon, solving, warm, observer } = self;
        let (a, b) = (T::hold(&transport.a), T::hold(&transport.b));
        let (counted, epsilon) = (Counted::new(cost), T::from_f64(epsilon));
        let mut watch = Watch::new(&counted, observer);
        let (f, g) = start(warm, &a, &b);
        let found = match solving.unbalanced {
            Some(rho) => {
                let rho = T::from_f64(rho);
                let problem =
                    southwell::transport::unbalanced::Problem::new(&counted, &a, &b, epsilon, (rho, rho))?;
                unbalanced::run(&problem, counted.scratch_len(), &solving.stop, (f, g), &mut watch)?
            }
            None => {
                let problem = Problem::new(&counted, &a, &b, epsilon)?;
                match solving.gap {
                    Some(tolerance) => gap::solve(&problem, solving, tolerance, (f, g), &mut watch)?,
                    None => balanced(&problem, solving, f, g, &mut watch)?,
                }
            }
        };
        Ok(Found { curve: watch.curve, ..found })
    }
}

/// Where a run begins. A line that had no mass when the potentials were found has none to start from.
fn start<T: Held>(warm: Option<(&[f64], &[f64])>, a: &[T], b: &[T]) -> (Vec<T>, Vec<T>) {
    let begin = |potentials: &[f64], weights: &[T]| -> Vec<T> {
        let mut potentials = T::hold(potentials).into_owned();
        for (potential, &weight) in potentials.iter_mut().zip(weights) {
            if weight > T::ZERO && *potential == -T::INFINITY {
                *potential = T::ZERO;
            }
        }
        potentials
    };
    match warm {
        Some((f, g)) => (begin(f, a), begin(g, b)),
        None => (vec![T::ZERO; a.len()], vec![T::ZERO; b.len()]),
    }
}

/// Tolerances in a run's own precision.
pub(super) fn stop_of<T: Real>(stop: &Stop<f64>) -> Stop<T> {
    let Stop { absolute, relative, max_steps, check_every } = *stop;
    Stop { absolute: T::from_f64(absolute), relative: T::from_f64(relative), max_steps, check_every }
}

fn balanced<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    solving: &Solving,
    mut f: Vec<T>,
    mut g: Vec<T>,
    observer: &mut impl Observer<T>,
) -> Result<Found, Error> {
    let (n, m, cost) = (problem.rows(), problem.columns(), problem.cost());
    let (stored, scratch) = (cost.is_stored(), cost.scratch_len());
    let x = Potentials { f: &mut f, g: &mut g };
    let stop = stop_of(&solving.stop);
    let options = sinkhorn::Options { stop };
    let method = match solving.coupler {
        Coupler::Auto => auto::Method::Auto,
        Coupler::NewtonSparse => auto::Method::Newton,
        Coupler::OverRelaxed => auto::Method::OverRelaxed,
        Coupler::Sinkhorn => {
            let mut storage = vec![T::ZERO; scaling::Workspace::<T>::required_len(n, m, stored)];
            let workspace = scaling::Workspace::new(problem, &mut storage)?;
            let report = scaling::solve(problem, &options, &mut Fixed(T::ONE), x, workspace, observer)?;
            return Ok(Found::new(&f, &g, &report));
        }
        Coupler::Log | Coupler::OverRelaxedLog => {
            let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = sinkhorn::Workspace::new(problem, &mut storage)?;
            let report = if solving.coupler == Coupler::Log {
                sinkhorn::solve(problem, &options, &mut Fixed(T::ONE), x, workspace, observer)?
            } else {
                sinkhorn::solve(problem, &options, &mut Eager::default(), x, workspace, observer)?
            };
            return Ok(Found::new(&f, &g, &report));
        }
        Coupler::Greedy => {
            let mut storage = vec![T::ZERO; greenkhorn::Workspace::<T>::required_len(n, m, scratch)];
            let workspace = greenkhorn::Workspace::new(problem, &mut storage)?;
            let mut run = greenkhorn::start(problem, &options, x, workspace)?;
            let report = drive(&mut run, &stop, observer);
            // Two readings at the start and one a step; the lines of the stored coupling besides.
            let lines = run.updates().saturating_mul(2) / (n.saturating_add(m).max(1) as u64);
            let lines = u32::try_from(lines).unwrap_or(u32::MAX);
            let found = Found::new(&f, &g, &report);
            return Ok(Found { kernel_reads: report.steps.saturating_add(2).saturating_add(lines), ..found });
        }
    };
    let entries = n.saturating_mul(m.min(BUDGET));
    let mut storage = vec![T::ZERO; auto::Workspace::<T>::required_len(n, m, stored, scratch, entries)];
    let mut indices = vec![0; auto::Workspace::<T>::required_indices(n, m, entries)];
    let workspace = auto::Workspace::new(problem, entries, &mut storage, &mut indices)?;
    let outcome = auto::solve(problem, &auto::Options { stop, method }, x, workspace, observer)?;
    Ok(Found {
        kernel_reads: outcome.kernel_reads,
        iterations: outcome.iterations,
        newton: outcome.newton,
        omega: (method != auto::Method::Newton).then(|| outcome.omega.to_f64()),
        ..Found::new(&f, &g, &outcome.report)
    })
}

/// Certifies what a run has left.
struct Worth<'s> {
    transport: &'s Transport,
    solving: &'s Solving,
    epsilon: f64,
    found: &'s Found,
}

impl WithCost<f64> for Worth<'_> {
    type Output = Value;

    fn call<C: Cost<f64>>(self, cost: &C) -> Result<Value, Error> {
        let Worth { transport, solving, epsilon, found } = self;
        let mut b = Cow::Borrowed(&transport.b[..]);
        if solving.precision == Precision::Single {
            // Masses that are the same in f32 need not be in f64.
            let factor = sum(&transport.a) / sum(&b);
            b.to_mut().iter_mut().for_each(|b| *b *= factor);
        }
        let problem = Problem::new(cost, &transport.a, &b, epsilon)?;
        let stored = cost.is_stored();
        let mut storage = vec![0.0; certify_len(problem.rows(), problem.columns(), stored)];
        let certificate = certify(&problem, &found.f, &found.g, &mut storage)?;
        storage.resize(evaluate_len(problem.columns(), stored), 0.0);
        let evaluation = evaluate(&problem, &found.f, &found.g, &mut storage)?;
        Ok(Value {
            marginal_error: evaluation.error(),
            mass: evaluation.mass,
            cost: certificate.upper,
            dual: certificate.dual,
            primal: certificate.primal,
            lower_bound: Some(certificate.lower),
        })
    }
}
