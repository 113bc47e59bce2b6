//! Problems that own their memory, on a device; and what happens where it fails.
//!
//! Each function takes the device as opening it went, so that a device that is not there, one that is too small
//! and one that is lost half-way are treated alike: `told` hears why, and the CPU carries on from the last good
//! iterate. To have the failure itself, use [`relaxation`], [`transport`], [`descent`](super::descent) and
//! [`Measured`](super::Measured).

mod descend;
mod recover;

use std::ops::ControlFlow;

use southwell::linear::Matrix;
use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::relaxation::{Problem, cg, sor, ssor_cg};
use southwell::transport::{DenseCost, PointCost, Potentials, sinkhorn};
use southwell::{Observer, Progress, Report, Status, Stop};

pub use self::descend::descend;
pub use self::recover::recover;
use super::adapter::Device;
use super::costs::ResidentCost;
use super::error::Error;
use super::relaxation::{self, Failed, Settings};
use super::transport;
use crate::owned::{Costs, Coupler, Coupling, Method, Solution, Solving, System, Transport};

/// A device, or why there is none.
pub type Opened<'d> = Result<&'d Device, Error>;

/// What went wrong with a device, and the steps that it had done by then; whether the CPU shall carry on.
pub type Told<'t> = &'t mut dyn FnMut(&Error, u32) -> ControlFlow<()>;

/// A x = b from x = 0. The sweeps of all methods are in colour order on a device.
///
/// # Errors
/// What the method's `start` refuses; the failure of the device if `told` breaks.
pub fn relax(
    device: Opened<'_>,
    settings: Settings,
    system: &System,
    method: Method,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
    told: Told<'_>,
) -> Result<Solution, Error> {
    let mut x = vec![0.0; system.rhs().len()];
    let solved = match device {
        Ok(device) => on_device(device, settings, system, method, stop, rule, observer, &mut x),
        Err(error) => Err(error.into()),
    };
    let failed = match solved {
        Ok(solved) => {
            let colours = matches!(method, Method::RedBlack | Method::Multicolour).then_some(solved.colours);
            return Ok(Solution { x, report: solved.report, omega: solved.omega, colours });
        }
        Err(Failed { error: error @ Error::Refused(_), .. }) => return Err(error),
        Err(failed) => failed,
    };
    if told(&failed.error, failed.steps).is_break() {
        return Err(failed.error);
    }
    if failed.steps == 0 {
        return Ok(system.solve(method, stop, rule, observer)?);
    }
    Ok(carry_on(system, &x, failed.steps, method, stop, rule, observer)?)
}

/// The CPU's part of a run: a correction d with A d = b − A x, to the tolerance that x was to have.
fn carry_on(
    system: &System,
    x: &[f64],
    before: u32,
    method: Method,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
) -> Result<Solution, southwell::Error> {
    let view = system.view()?;
    let scale = southwell_simd::vector::norm(system.rhs());
    let mut rest = vec![0.0; x.len()];
    view.residual(system.rhs(), x, &mut rest);
    let stop = Stop {
        absolute: stop.absolute.max(stop.relative * scale),
        relative: f64::MIN_POSITIVE,
        max_steps: stop.max_steps.saturating_sub(before),
        ..*stop
    };
    let mut later = later(before, observer);
    let correction = system.with_rhs(rest)?.solve(method, &stop, rule, &mut later)?;
    let steps = correction.report.steps.saturating_add(before);
    let report = Report { steps, scale, initial_residual: scale, ..correction.report };
    let x = x.iter().zip(&correction.x).map(|(x, d)| x + d).collect();
    Ok(Solution { x, report, ..correction })
}

/// Progress counted from the steps that were done before.
fn later<'o, O: Observer<f64> + ?Sized>(
    before: u32,
    observer: &'o mut O,
) -> impl FnMut(&Progress<f64>) -> ControlFlow<()> + use<'o, O> {
    move |progress| observer.observe(&Progress { step: progress.step.saturating_add(before), ..*progress })
}

fn on_device(
    device: &Device,
    settings: Settings,
    system: &System,
    method: Method,
    stop: &Stop<f64>,
    rule: &mut dyn OmegaRule<f64>,
    observer: &mut dyn Observer<f64>,
    x: &mut [f64],
) -> Result<relaxation::Solved<f64>, Failed> {
    let view = system.view()?;
    debug_assert_eq!(view.order(), x.len());
    let problem = Problem::new(&view, system.rhs())?;
    let sweep = if method == Method::Ssor { sor::Sweep::Symmetric } else { sor::Sweep::Forward };
    match method {
        Method::Sor | Method::Ssor | Method::RedBlack | Method::Multicolour => {
            let options = sor::Options { sweep, stop: *stop, ..sor::Options::default() };
            relaxation::sor(device, settings, &problem, &options, rule, x, observer)
        }
        Method::SsorCg => {
            let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
            relaxation::ssor_cg(device, settings, &problem, &options, rule, x, observer)
        }
        Method::Cg => {
            let options = cg::Options { stop: *stop, ..cg::Options::default() };
            relaxation::cg(device, settings, &problem, &options, x, observer)
        }
    }
}

/// Digits that are left to the CPU: the device is asked for no more than this, relative to the mass.
const SHARE: f64 = 1e-6;

/// Entropic transport. The device iterates in `f32` as far as that goes; the CPU takes over from its potentials
/// with the method and the precision that were asked for (a reading of the costs if nothing is missing), and
/// values what was found.
///
/// # Errors
/// What the views, the problem and the method refuse; the failure of the device if `told` breaks.
pub fn couple(
    device: Opened<'_>,
    settings: Settings,
    problem: &Transport,
    epsilon: f64,
    solving: &Solving,
    warm: Option<(&[f64], &[f64])>,
    observer: &mut dyn Observer<f64>,
    told: Told<'_>,
) -> Result<Coupling, Error> {
    let (n, m) = problem.shape();
    let (mut f, mut g) = match warm {
        Some((f, g)) => (f.to_vec(), g.to_vec()),
        None => (vec![0.0; n], vec![0.0; m]),
    };
    let method = match solving.coupler {
        Coupler::NewtonSparse | Coupler::Greedy => Err(Error::Unsupported("this method of transport")),
        _ if solving.unbalanced.is_some() => Err(Error::Unsupported("unbalanced transport")),
        coupler => Ok(coupler),
    };
    let iterated = method.and_then(|coupler| Ok((coupler, device?)));
    let (steps, status) = match iterated.map_err(Failed::from).and_then(|(coupler, device)| {
        iterate(device, settings, problem, epsilon, (coupler, &solving.stop), observer, (&mut f, &mut g))
    }) {
        Ok(report) => (report.steps, Some(report.status)),
        Err(failed) => {
            // Rounded to f32 the problem may be none; whether it is one, the CPU will say.
            let narrow = Error::Range { argument: "the problem" };
            let refused = !failed.error.concerns_the_device();
            let error = if refused { narrow } else { failed.error };
            if told(&error, failed.steps).is_break() {
                return Err(error);
            }
            (failed.steps, None)
        }
    };
    // Who wished to stop wishes it still.
    let left = solving.stop.max_steps.saturating_sub(steps);
    let left = if status == Some(Status::Stopped) { 0 } else { left };
    let rest = Solving { stop: Stop { max_steps: left, ..solving.stop }, ..*solving };
    let mut later = later(steps, observer);
    let coupling = problem.solve(epsilon, &rest, Some((&f, &g)), &mut later)?;
    let report = Report { steps: coupling.report.steps.saturating_add(steps), ..coupling.report };
    let iterations = coupling.iterations.saturating_add(steps);
    Ok(Coupling { report, iterations, ..coupling })
}

/// The device's part, in `f32`.
fn iterate(
    device: &Device,
    settings: Settings,
    problem: &Transport,
    epsilon: f64,
    (coupler, stop): (Coupler, &Stop<f64>),
    observer: &mut dyn Observer<f64>,
    (f, g): (&mut [f64], &mut [f64]),
) -> Result<Report<f32>, Failed> {
    let narrow = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<f32>>();
    let (costs, a, b) = problem.parts();
    let (a, b) = (narrow(a), narrow(b));
    let stop = Stop {
        absolute: stop.absolute as f32,
        relative: stop.relative.max(SHARE) as f32,
        max_steps: stop.max_steps,
        check_every: stop.check_every,
    };
    let (mut plain, mut eager) = (Fixed(1.0_f32), Eager::default());
    let rule: &mut dyn OmegaRule<f32> = match coupler {
        Coupler::Log | Coupler::Sinkhorn => &mut plain,
        _ => &mut eager,
    };
    let (mut f32s, mut g32s) = (narrow(f), narrow(g));
    // A line without mass may have got some since.
    f32s.iter_mut().chain(&mut g32s).filter(|p| **p == f32::NEG_INFINITY).for_each(|p| *p = 0.0);
    let mut wide = |progress: &Progress<f32>| {
        observer.observe(&Progress {
            step: progress.step,
            residual: progress.residual.map(f64::from),
            parameter: progress.parameter.into(),
        })
    };
    let call = Call { device, settings, a: &a, b: &b, epsilon: epsilon as f32, stop };
    let x = Potentials { f: &mut f32s, g: &mut g32s };
    let solved = match costs {
        Costs::Matrix(cost) => {
            let values = narrow(&cost.values);
            let view = DenseCost::new(&values, cost.rows, cost.columns, cost.columns)?;
            call.with(&view, rule, x, &mut wide)
        }
        Costs::Points { x: from, y: to, ground } => {
            if from.columns != to.columns {
                let (expected, given) = (from.columns, to.columns);
                let argument = "coordinates of y";
                return Err(southwell::Error::Dimension { argument, expected, given }.into());
            }
            let (from, to_values) = (narrow(&from.values), narrow(&to.values));
            let mut storage = vec![0.0; PointCost::<f32>::required_len(to.rows, to.columns)];
            let view = PointCost::new(&from, &to_values, to.columns, *ground, &mut storage)?;
            call.with(&view, rule, x, &mut wide)
        }
    };
    // What the device had found by the time that it failed counts as well.
    f.iter_mut().zip(&f32s).for_each(|(f, &value)| *f = value.into());
    g.iter_mut().zip(&g32s).for_each(|(g, &value)| *g = value.into());
    solved.map(|solved| solved.report)
}

/// What a run on a device needs besides the costs.
struct Call<'c> {
    device: &'c Device,
    settings: Settings,
    a: &'c [f32],
    b: &'c [f32],
    epsilon: f32,
    stop: Stop<f32>,
}

impl Call<'_> {
    fn with<C: ResidentCost<f32>>(
        &self,
        cost: &C,
        rule: &mut dyn OmegaRule<f32>,
        x: Potentials<'_, f32>,
        observer: &mut dyn Observer<f32>,
    ) -> Result<transport::Solved<f32>, Failed> {
        let problem = southwell::transport::Problem::new(cost, self.a, self.b, self.epsilon)?;
        let options = sinkhorn::Options { stop: self.stop };
        transport::sinkhorn(self.device, self.settings, &problem, &options, rule, x, observer)
    }
}
