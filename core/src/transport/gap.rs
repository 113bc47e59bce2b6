//! Stopping on what is certified: the gap between bounds, the marginals' error, or both.
//!
//! [`drive`] takes the steps of any run of the family that shows its [`Iterate`], and every so many of them
//! [certifies](super::certificate::certify) the potentials. A marginal error says how far the coupling is from being
//! feasible; a gap says how much could still be won, in the unit of the costs, and is free of any doubt about the
//! method.
//!
//! *Cost*: four readings of C a look at the gap, so look every ten steps or more. *Memory*:
//! [`certify_len`].

use core::ops::ControlFlow;

use super::certificate::{Certificate, certify, certify_len};
use super::cost::Cost;
use super::problem::Problem;
use super::{greenkhorn, newton, scaling, sinkhorn};
use crate::omega::OmegaRule;
use crate::{Error, Observer, Progress, Real, Report, Run, Status, Stop};

/// A run whose iterate is a pair of potentials.
pub trait Iterate: Run {
    /// f and g as they are.
    fn iterate(&self) -> (&[Self::Real], &[Self::Real]);
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Iterate for sinkhorn::Sinkhorn<'_, T, C, R> {
    fn iterate(&self) -> (&[T], &[T]) {
        self.potentials()
    }
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Iterate for scaling::Scaling<'_, T, C, R> {
    fn iterate(&self) -> (&[T], &[T]) {
        self.potentials()
    }
}

impl<T: Real, C: Cost<T>> Iterate for newton::Newton<'_, T, C, newton::Sparse<'_, T>> {
    fn iterate(&self) -> (&[T], &[T]) {
        self.potentials()
    }
}

impl<T: Real, C: Cost<T>> Iterate for newton::Newton<'_, T, C, newton::dense::Dense<'_, T>> {
    fn iterate(&self) -> (&[T], &[T]) {
        self.potentials()
    }
}

impl<T: Real, C: Cost<T>> Iterate for greenkhorn::Greenkhorn<'_, T, C> {
    fn iterate(&self) -> (&[T], &[T]) {
        self.potentials()
    }
}

/// Which of the two gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Kind {
    /// [`Certificate::gap`], of the problem with entropy; falls to rounding error.
    Regularised,
    /// [`Certificate::exact_gap`], of transport without entropy; falls to about ε times the entropy.
    Exact,
}

/// What must be small for a run to have converged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Criterion {
    /// The gap, whatever the marginals' error.
    Gap,
    /// The gap and the marginals' error.
    Both,
    /// Whichever comes first.
    Either,
}

/// When a gap is small enough, and how often to look.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct GapStop<T> {
    /// Which gap. Default: that of the problem with entropy.
    pub kind: Kind,
    /// How gap and marginals' error go together. Default: both.
    pub criterion: Criterion,
    /// The gap's tolerance, in the unit of the costs times mass; finite, ≥ 0. Default: 1e-6 in `f64`, 1e-4 in
    /// `f32`, for costs up to 1 and a mass of 1.
    pub tolerance: T,
    /// The gap is certified every so many steps (0 counts as 1). Default 20.
    pub every: u32,
}

impl<T: Real> Default for GapStop<T> {
    fn default() -> Self {
        let tolerance = if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-6 };
        Self {
            kind: Kind::Regularised,
            criterion: Criterion::Both,
            tolerance: T::from_f64(tolerance),
            every: 20,
        }
    }
}

/// How a drive ended.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Certified<T> {
    /// Steps, residuals and status; [`Status::Converged`] if the criterion was met.
    pub report: Report<T>,
    /// The certificate of the potentials that are left; `None` if they are not finite.
    pub certificate: Option<Certificate<T>>,
    /// Certificates on the way, the last included.
    pub certificates: u32,
}

/// Hides the seams between stretches of a drive from an observer.
struct Seamless<'o, O: ?Sized> {
    inner: &'o mut O,
    before: u32,
    /// Whether an earlier stretch has shown where this one begins.
    shown: bool,
    /// Whether the observer asked to stop.
    asked: bool,
}

impl<T: Real, O: Observer<T> + ?Sized> Observer<T> for Seamless<'_, O> {
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        // The first look of a later stretch has been the last one of the stretch before.
        if progress.step == 0 && self.shown {
            return ControlFlow::Continue(());
        }
        self.shown = true;
        let step = self.before.saturating_add(progress.step);
        let flow = self.inner.observe(&Progress { step, ..*progress });
        self.asked |= flow == ControlFlow::Break(());
        flow
    }

    fn every_step(&self) -> bool {
        self.inner.every_step()
    }
}

/// Steps a run of `problem` until the criterion holds, it fails, or `stop` or the observer ends it.
///
/// `stop` has the marginals' tolerance, the step limit and how often the residual is looked at, as in
/// [`drive`](crate::drive()); it takes `gap.every` steps at a time. Under [`Criterion::Gap`] and
/// [`Criterion::Both`] the criterion is tested after every such stretch, under [`Criterion::Either`] the
/// marginals' error at every look.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Workspace`] if `storage` is shorter than
/// [`certify_len`]. No step is taken then.
pub fn drive<T: Real, C: Cost<T>, R: Iterate<Real = T> + ?Sized, O: Observer<T> + ?Sized>(
    run: &mut R,
    problem: &Problem<'_, T, C>,
    (stop, gap): (&Stop<T>, &GapStop<T>),
    storage: &mut [T],
    observer: &mut O,
) -> Result<Certified<T>, Error> {
    stop.check()?;
    if !(gap.tolerance.is_finite() && gap.tolerance >= T::ZERO) {
        return Err(Error::Option { name: "tolerance", requirement: "must be finite and not negative" });
    }
    let needed = certify_len(problem.rows(), problem.columns(), problem.cost.is_stored());
    if storage.len() < needed {
        return Err(Error::Workspace { needed, given: storage.len() });
    }
    let tolerance = stop.absolute.max(stop.relative * run.scale());
    // Only where either will do may the marginals' error end a stretch.
    let alone = gap.criterion == Criterion::Either;
    let inner = if alone { *stop } else { Stop { absolute: T::ZERO, relative: T::ZERO, ..*stop } };
    let mut observer = Seamless { inner: observer, before: 0, shown: false, asked: false };
    let (mut whole, mut certificates) = (None::<Report<T>>, 0_u32);
    loop {
        let left = stop.max_steps.saturating_sub(observer.before);
        // No step before the first look: a warm start may be good enough.
        let stretch = if whole.is_none() { 0 } else { gap.every.max(1).min(left) };
        let part = crate::drive(run, &Stop { max_steps: stretch, ..inner }, &mut observer);
        observer.before = observer.before.saturating_add(part.steps);
        let mut report = whole.map_or(part, |whole| Report {
            steps: observer.before,
            checks: whole.checks.saturating_add(part.checks),
            initial_residual: whole.initial_residual,
            ..part
        });
        let (f, g) = run.iterate();
        let certificate = certify(problem, f, g, storage).ok();
        certificates = certificates.saturating_add(1);
        let closed = certificate.is_some_and(|c| {
            let size = if gap.kind == Kind::Exact { c.exact_gap() } else { c.gap() };
            size <= gap.tolerance
        });
        let met = match gap.criterion {
            Criterion::Gap => closed,
            Criterion::Both => closed && report.residual <= tolerance,
            Criterion::Either => closed || report.residual <= tolerance,
        };
        let out_of_steps = observer.before >= stop.max_steps;
        let over = match report.status {
            // The end of a stretch is not the end.
            Status::StepLimit => out_of_steps,
            Status::Converged => alone || out_of_steps || part.steps == 0,
            _ => true,
        };
        if met && report.status != Status::NotFinite {
            report.status = Status::Converged;
        } else if report.status == Status::Converged {
            // An error of nought, and a gap that will not close.
            report.status = Status::Stalled;
        }
        if observer.asked && !met {
            report.status = Status::Stopped;
        }
        if met || over || observer.asked {
            return Ok(Certified { report, certificate, certificates });
        }
        whole = Some(report);
    }
}
