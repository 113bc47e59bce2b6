//! Entropic transport by whichever method the run itself asks for.
//!
//! A run begins with Sinkhorn's iteration on a [stored kernel](super::scaling), over-relaxed as soon as it proves
//! slow ([`Eager`]). Where the rate that is seen promises many more steps, the potentials are
//! handed to [Newton's method](super::newton). If the coupling is nearly sparse, a few Newton steps end it;
//! if it is not, or the line search stumbles, Newton's steps do not pay, and the iteration goes on from where
//! they led, for twice as long before the next attempt.
//!
//! Both need not be guessed from the problem: on images over-relaxation often wins, on assignment with a tiny
//! ε Newton's method does, by an order of magnitude.

use super::cost::Cost;
use super::newton;
use super::problem::{Potentials, Problem};
use super::scaling;
use crate::omega::Eager;
use crate::{Error, Observer, Progress, Real, Report, Run, Status, Stop, drive};
use core::ops::ControlFlow;

/// Steps that are watched before anything is decided, and the length of the first stretch of steps.
const WATCHED: u32 = 20;
/// A Newton attempt costs about as much as so many steps on a stored kernel: readings with exponentials count
/// about five of them.
const ATTEMPT: u32 = 90;
/// The last steps, from which the rate is read.
const RATED: u32 = 10;
/// Newton steps that must reduce the error to a tenth together, or Newton's method is left.
const NEWTON_STRETCH: u32 = 12;

/// Which methods may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Method {
    /// Whatever the run asks for.
    #[default]
    Auto,
    /// Over-relaxed iterations alone, omega found on the way.
    OverRelaxed,
    /// Newton's method after a few iterations.
    Newton,
}

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the mass Σ a and a limit for the steps of all kinds together. Default: relative 1e-9
    /// in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// Which methods may be used. Default: all.
    pub method: Method,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { stop: scaling::Options::default().stop, method: Method::Auto }
    }
}

/// Memory of a run. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    storage: &'w mut [T],
    indices: &'w mut [u32],
    entries: usize,
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Numbers needed for n rows and m columns of costs that are [stored](Cost::is_stored) or not and have this
    /// [`Cost::scratch_len`], and a budget of so many entries for Newton's method: those of one method, for they
    /// take turns.
    #[must_use]
    pub const fn required_len(
        rows: usize,
        columns: usize,
        stored: bool,
        scratch: usize,
        entries: usize,
    ) -> usize {
        let kernel = scaling::Workspace::<T>::required_len(rows, columns, stored);
        let newton = newton::Workspace::<T>::required_len(rows, columns, scratch, entries);
        if kernel > newton { kernel } else { newton }
    }

    /// Indices needed.
    #[must_use]
    pub const fn required_indices(rows: usize, columns: usize, entries: usize) -> usize {
        newton::Workspace::<T>::required_indices(rows, columns, entries)
    }

    /// Takes the memory of a problem, with a budget of so many entries; 64 a row are a good number.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` or `indices` is too short; [`Error::Option`] for a budget of fewer
    /// entries than there are rows; [`Error::TooLarge`] for more than 32-bit indices can count.
    pub fn new<C: Cost<T>>(
        problem: &Problem<'_, T, C>,
        entries: usize,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        scaling::Workspace::new(problem, storage)?;
        newton::Workspace::new(problem, entries, storage, indices)?;
        Ok(Self { storage, indices, entries })
    }
}

/// How a run ended and what it took.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Outcome<T> {
    /// How it ended. Steps are iterations and Newton steps together.
    pub report: Report<T>,
    /// Iterations on the stored kernel, Newton's own first steps included.
    pub iterations: u32,
    /// Readings of the stored kernel or of the costs, by every method.
    pub kernel_reads: u32,
    /// What Newton's method did of it.
    pub newton: newton::Work,
    /// The omega that was in use last.
    pub omega: T,
}

/// Shows an observer the steps of a part of a run, counted on.
struct Shifted<'o, O: ?Sized> {
    observer: &'o mut O,
    before: u32,
    /// Whether the last one shown is the first of this part as well.
    shown: bool,
}

impl<T: Real, O: Observer<T> + ?Sized> Observer<T> for Shifted<'_, O> {
    fn observe(&mut self, progress: &Progress<T>) -> ControlFlow<()> {
        if progress.step == 0 && core::mem::replace(&mut self.shown, false) {
            return ControlFlow::Continue(());
        }
        let step = self.before.saturating_add(progress.step);
        self.observer.observe(&Progress { step, ..*progress })
    }
    fn every_step(&self) -> bool {
        self.observer.every_step()
    }
}

/// The report of a run in two parts.
fn joined<T: Real>(first: Option<Report<T>>, second: Report<T>) -> Report<T> {
    let Some(first) = first else { return second };
    Report {
        steps: first.steps.saturating_add(second.steps),
        checks: first.checks.saturating_add(second.checks),
        initial_residual: first.initial_residual,
        ..second
    }
}

/// Steps that are left at a rate, to an error.
fn predicted<T: Real>(before: T, after: T, steps: u32, goal: T) -> T {
    if after >= before {
        return T::INFINITY;
    }
    let a_step = (before / after).ln() / T::from_u32(steps.max(1));
    (after / goal).ln() / a_step
}

/// Solves from the potentials that are handed in; g alone matters.
///
/// # Errors
/// As [`scaling::start`] and [`newton::start`]: nothing is touched then.
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    options.stop.check()?;
    problem.check_start(&x)?;
    let Workspace { storage, indices, entries } = workspace;
    let mut solver = Solver {
        problem,
        options,
        x,
        storage,
        indices,
        entries,
        outcome: None,
        newton: newton::Work::default(),
        iterations: 0,
        reads: 0,
        omega: T::ONE,
    };
    solver.run(observer)
}

/// The parts of a run that takes turns.
struct Solver<'s, 'a, T, C> {
    problem: &'s Problem<'a, T, C>,
    options: &'s Options<T>,
    x: Potentials<'s, T>,
    storage: &'s mut [T],
    indices: &'s mut [u32],
    entries: usize,
    /// The reports so far, added up.
    outcome: Option<Report<T>>,
    newton: newton::Work,
    iterations: u32,
    reads: u32,
    omega: T,
}

impl<T: Real, C: Cost<T>> Solver<'_, '_, T, C> {
    fn run(&mut self, observer: &mut (impl Observer<T> + ?Sized)) -> Result<Outcome<T>, Error> {
        let mut stretch = WATCHED;
        let mut turn_to_newton = false;
        loop {
            let status = if turn_to_newton || self.options.method == Method::Newton {
                self.newton(observer)?
            } else {
                self.iterate(stretch, observer)?
            };
            // `StepLimit` before the limit means that a turn has ended.
            if status != Status::StepLimit || self.left() == 0 {
                break;
            }
            if turn_to_newton {
                stretch = stretch.saturating_mul(2).max(10 * WATCHED);
            }
            turn_to_newton = !turn_to_newton && self.options.method != Method::OverRelaxed;
        }
        let report =
            self.outcome.ok_or(Error::Option { name: "method", requirement: "must do something" })?;
        Ok(Outcome {
            report,
            iterations: self.iterations,
            kernel_reads: self.reads,
            newton: self.newton,
            omega: self.omega,
        })
    }

    fn steps(&self) -> u32 {
        self.outcome.map_or(0, |report| report.steps)
    }

    fn left(&self) -> u32 {
        self.options.stop.max_steps.saturating_sub(self.steps())
    }

    /// Takes a part's report into account.
    fn add(&mut self, part: &Report<T>) {
        self.outcome = Some(joined(self.outcome, *part));
    }

    /// Iterations on the stored kernel: to the end, or until Newton's method seems worth an attempt, not before
    /// `stretch` steps.
    fn iterate(&mut self, stretch: u32, observer: &mut (impl Observer<T> + ?Sized)) -> Result<Status, Error> {
        let (problem, stop) = (self.problem, self.options.stop);
        let goal = stop.absolute.max(stop.relative * problem.mass);
        let (before, left, shown) = (self.steps(), self.left(), self.outcome.is_some());
        let workspace = scaling::Workspace::new(problem, self.storage)?;
        let options = scaling::Options { stop };
        let mut rule = Eager::default();
        let mut run = scaling::start(problem, &options, &mut rule, self.x.reborrow(), workspace)?;
        let mut watched = Shifted { observer, before, shown };
        let (mut total, mut length) = (None::<Report<T>>, stretch.saturating_sub(RATED));
        let report = loop {
            let done = total.map_or(0, |report| report.steps);
            let most = if self.options.method == Method::OverRelaxed { left } else { length };
            let max_steps = most.min(left.saturating_sub(done));
            watched.before = before.saturating_add(done);
            let part = drive(&mut run, &Stop { max_steps, ..stop }, &mut watched);
            watched.shown = true;
            let all = joined(total, part);
            let rated = total.replace(all).is_some();
            if part.status != Status::StepLimit || all.steps >= left {
                break all;
            }
            length = RATED;
            if !rated {
                continue;
            }
            let rest = predicted(part.initial_residual, part.residual, part.steps, goal);
            if rest > T::from_u32(ATTEMPT) {
                break all;
            }
        };
        self.omega = run.parameter();
        self.iterations = self.iterations.saturating_add(report.steps);
        self.reads = self.reads.saturating_add(run.kernel_reads());
        self.add(&report);
        Ok(report.status)
    }

    /// Newton's method from the potentials: to the end, or until it does not pay.
    fn newton(&mut self, observer: &mut (impl Observer<T> + ?Sized)) -> Result<Status, Error> {
        let (problem, stop) = (self.problem, self.options.stop);
        let alone = self.options.method == Method::Newton;
        let (before, left, shown) = (self.steps(), self.left(), self.outcome.is_some());
        let defaults = newton::Options::default();
        let first_steps = if self.outcome.is_none() { defaults.first_steps } else { 0 };
        let options = newton::Options { stop, first_steps, ..defaults };
        let workspace = newton::Workspace::new(problem, self.entries, self.storage, self.indices)?;
        let mut run = newton::start(problem, &options, self.x.reborrow(), workspace)?;
        let mut watched = Shifted { observer, before, shown };
        let mut total = None::<Report<T>>;
        let report = loop {
            let done = total.map_or(0, |report| report.steps);
            let most = if alone { left } else { NEWTON_STRETCH };
            let max_steps = most.min(left.saturating_sub(done));
            watched.before = before.saturating_add(done);
            let part = drive(&mut run, &Stop { max_steps, ..stop }, &mut watched);
            watched.shown = true;
            let all = joined(total, part);
            total = Some(all);
            if part.status != Status::StepLimit || all.steps >= left {
                break all;
            }
            if part.residual > T::from_f64(0.1) * part.initial_residual {
                break all;
            }
        };
        let done = run.work();
        self.reads = self.reads.saturating_add(done.kernel_reads);
        self.iterations = self.iterations.saturating_add(report.steps.saturating_sub(done.newton_steps));
        let total = &mut self.newton;
        total.kernel_reads = total.kernel_reads.saturating_add(done.kernel_reads);
        total.newton_steps = total.newton_steps.saturating_add(done.newton_steps);
        total.cg_steps = total.cg_steps.saturating_add(done.cg_steps);
        total.sinkhorn_steps = total.sinkhorn_steps.saturating_add(done.sinkhorn_steps);
        total.entries = total.entries.saturating_add(done.entries);
        total.evaluations = total.evaluations.saturating_add(done.evaluations);
        total.rescues = total.rescues.saturating_add(done.rescues);
        self.add(&report);
        // A line search that stumbled is a reason to iterate on, not to end.
        let gave_up = report.status == Status::Breakdown && !alone;
        Ok(if gave_up { Status::StepLimit } else { report.status })
    }
}
