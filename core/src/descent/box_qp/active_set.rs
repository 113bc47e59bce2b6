//! The run: primal–dual active set, and what it falls back to. See the [module](super).

use super::bounds::Bounds;
use super::dual::{Dual, Next};
use super::model::{Look, Model};
use super::problem::Problem;
use super::small::{copy, largest};
use super::workspace::Workspace;
use crate::linear::check_vector;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// What follows when the primal–dual method does not settle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Fallback {
    /// One bound at a time, by the dual active-set method: the fewest steps.
    #[default]
    Dual,
    /// Projected Newton steps with a line search: feasible, and better with every step.
    TwoMetric,
}

/// How to solve.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// When to end. Default: relative 1e-8 in `f64`, 1e-4 in `f32` (where rounding leaves 3e-5 of a quadrotor's
    /// gradients), at most 200 steps.
    pub stop: Stop<T>,
    /// Steps of the primal–dual method without fewer changes than ever before, until it is given up. 0 begins with
    /// the fallback. Default 5.
    pub patience: u32,
    /// What follows then.
    pub fallback: Fallback,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = T::from_f64(if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-8 });
        let stop = Stop { relative, max_steps: 200, ..Stop::default() };
        Self { stop, patience: 5, fallback: Fallback::default() }
    }
}

/// Which method took the last step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Method {
    /// The primal–dual active-set method.
    PrimalDual,
    /// The dual active-set method.
    Dual,
    /// Two-metric projection.
    TwoMetric,
}

/// How a run ended, and at what.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct BoxReport<T> {
    /// Status, steps and residuals.
    pub report: Report<T>,
    /// Which method took the last step, or would have taken the first.
    pub method: Method,
    /// The objective at x: ½ xᵀH x + fᵀx of a condensed model, the cost with that of x₀ of a staged one.
    pub objective: T,
    /// Variables at their lower bound.
    pub at_lower: usize,
    /// Variables at their upper bound, and not at their lower one.
    pub at_upper: usize,
}

/// What the next step does.
#[derive(Clone, Copy, Debug)]
enum Phase {
    PrimalDual {
        fewest: usize,
        idle: u32,
    },
    Dual(Dual),
    TwoMetric,
    /// The sets do not change any more.
    Settled,
}

/// Roundings of a bound by which a variable may be outside of it.
const OUTSIDE: u32 = 8;
/// Roundings of the largest multiplier that any may be off by: 170 were seen on a quadrotor in `f32`.
const WRONG: u32 = 256;

/// A run in progress.
#[derive(Debug)]
pub struct BoxQp<'r, 'a, 'w, T, M> {
    // The workspace has the model: a part's stack holds no second one.
    pub(super) data: &'a [T],
    pub(super) bounds: Bounds<'a, T>,
    pub(super) x: &'r mut [T],
    pub(super) work: &'r mut Workspace<'w, T, M>,
    patience: u32,
    fallback: Fallback,
    phase: Phase,
    method: Method,
    /// Of x, as last evaluated.
    pub(super) residual: T,
    pub(super) scale: T,
    objective: T,
    start_objective: T,
    pub(super) failure: Option<Status>,
}

/// Begins a run at x, which is moved into the box.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Workspace`] if the
/// workspace was carved for another model. Nothing is touched then.
pub fn start<'r, 'a, 'w, T: Real, M: Model<T>>(
    problem: &'r Problem<'a, T, M>,
    options: &Options<T>,
    x: &'r mut [T],
    work: &'r mut Workspace<'w, T, M>,
) -> Result<BoxQp<'r, 'a, 'w, T, M>, Error> {
    let mut started = prepare(problem, options, x, work);
    if let Ok(run) = &mut started {
        run.begin();
    }
    started
}

/// A run that has not looked at its x. Apart, so that it can do so where it is to lie: on a part every copy of a run
/// counts.
#[inline(always)]
fn prepare<'r, 'a, 'w, T: Real, M: Model<T>>(
    problem: &'r Problem<'a, T, M>,
    options: &Options<T>,
    x: &'r mut [T],
    work: &'r mut Workspace<'w, T, M>,
) -> Result<BoxQp<'r, 'a, 'w, T, M>, Error> {
    options.stop.check()?;
    check_vector("x", x, problem.variables())?;
    work.fit(&problem.model)?;
    Ok(BoxQp {
        data: problem.data,
        bounds: problem.bounds,
        x,
        work,
        patience: options.patience,
        fallback: options.fallback,
        phase: Phase::PrimalDual { fewest: usize::MAX, idle: 0 },
        method: Method::PrimalDual,
        residual: T::ZERO,
        scale: T::ZERO,
        objective: T::ZERO,
        start_objective: T::ZERO,
        failure: None,
    })
}

/// Solves from x.
///
/// # Errors
/// As [`start`].
pub fn solve<'w, T: Real, M: Model<T>>(
    problem: &Problem<'_, T, M>,
    options: &Options<T>,
    x: &mut [T],
    work: &mut Workspace<'w, T, M>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<BoxReport<T>, Error> {
    let mut started = prepare(problem, options, x, work);
    let run = started.as_mut().map_err(|error| *error)?;
    run.begin();
    let report = drive(run, &options.stop, observer);
    Ok(run.report(report))
}

impl<T: Real, M: Model<T>> BoxQp<'_, '_, '_, T, M> {
    /// Looks at x, moved into the box, and chooses the first sides.
    #[cfg_attr(target_os = "none", inline(never))]
    fn begin(&mut self) {
        let bounds = self.bounds;
        self.work.model.begin(self.data, self.work.factors.storage);
        bounds.clip(self.x);
        copy(self.work.start, self.x);
        copy(self.work.trial, self.x);
        let look = self.evaluate(true);
        self.start_objective = look.objective;
        self.scale = look.scale;
        let starts = self.x.iter().zip(&*self.work.gradient).zip(bounds.pairs());
        for (side, ((&x, &g), (lo, hi))) in self.work.sides.iter_mut().zip(starts) {
            let pressed = lo >= hi || (x <= lo && g >= T::ZERO);
            *side = if pressed {
                -T::ONE
            } else if x >= hi && g <= T::ZERO {
                T::ONE
            } else {
                T::ZERO
            };
        }
        if self.patience == 0 {
            self.fall_back();
        }
    }

    /// The family's report around that of a drive.
    // Inlined on a part, so that what the caller does not read is neither counted nor kept on the stack.
    #[cfg_attr(target_os = "none", inline(always))]
    #[must_use]
    pub fn report(&self, report: Report<T>) -> BoxReport<T> {
        let (mut at_lower, mut at_upper) = (0_usize, 0_usize);
        for (&x, (lo, hi)) in self.x.iter().zip(self.bounds.pairs()) {
            at_lower = at_lower.wrapping_add(usize::from(x <= lo));
            at_upper = at_upper.wrapping_add(usize::from(x >= hi && x > lo));
        }
        BoxReport { report, method: self.method, objective: self.objective, at_lower, at_upper }
    }

    /// The current point, in the box.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }

    /// Objective, gradient and residual of x.
    pub(super) fn evaluate(&mut self, sized: bool) -> Look<T> {
        let work = &mut *self.work;
        let look = work.model.evaluate(self.data, self.x, sized, work.gradient, work.factors.storage);
        self.objective = look.objective;
        self.residual = self.bounds.residual(self.x, self.work.gradient);
        look
    }

    /// Moves the fixed variables of the trial to their bounds.
    pub(super) fn bind(&mut self) {
        let fixed = self.work.sides.iter().zip(self.bounds.pairs());
        for (trial, (&side, (lo, hi))) in self.work.trial.iter_mut().zip(fixed) {
            if side < T::ZERO {
                *trial = lo;
            } else if side > T::ZERO {
                *trial = hi;
            }
        }
    }

    /// Minimises over the free variables, the others at their bounds: trial and gradient.
    fn minimise(&mut self) -> bool {
        self.bind();
        let work = &mut *self.work;
        let (model, sides) = (&work.model, &*work.sides);
        let positive = model.minimise(self.data, sides, work.trial, work.gradient, &mut work.factors);
        if !positive {
            self.failure = Some(Status::Breakdown);
        }
        positive
    }

    /// Makes the trial, moved into the box, the current point; false if it is not finite.
    fn adopt(&mut self) -> bool {
        if largest(self.work.trial) > T::MAX {
            return false;
        }
        copy(self.x, self.work.trial);
        self.bounds.clip(self.x);
        self.evaluate(false);
        self.residual.is_finite()
    }

    /// The sets have settled: the trial is the answer.
    fn finish(&mut self) {
        if self.adopt() {
            self.phase = Phase::Settled;
        } else {
            self.failure = Some(Status::NotFinite);
        }
    }

    /// Makes the better of trial and start the current point.
    fn better(&mut self) {
        let improves = self.adopt() && self.objective <= self.start_objective;
        if !improves {
            copy(self.x, self.work.start);
            self.evaluate(false);
        }
    }

    /// A step of the primal–dual method, the trial having been minimised.
    #[cfg_attr(target_os = "none", inline(never))]
    fn primal_dual(&mut self, fewest: usize, idle: u32) {
        let changes = self.revise(true);
        if changes == 0 {
            self.finish();
        } else if changes < fewest {
            self.phase = Phase::PrimalDual { fewest: changes, idle: 0 };
        } else if idle.saturating_add(1) < self.patience {
            self.phase = Phase::PrimalDual { fewest, idle: idle.saturating_add(1) };
        } else {
            self.fall_back();
        }
    }

    /// Multipliers above −slack count as right.
    pub(super) fn slack(&self) -> T {
        slack_of(self.work.gradient)
    }

    /// Frees what is pushed into the box and, if `fix`, fixes what left it; says how many that were.
    pub(super) fn revise(&mut self, fix: bool) -> usize {
        let mut changes = 0_usize;
        let work = &mut *self.work;
        // What is wrong by rounding is looked at where something is wrong at all.
        let mut slack = None;
        let values = work.trial.iter().zip(&*work.gradient).zip(self.bounds.pairs());
        for (side, ((&z, &g), (lo, hi))) in work.sides.iter_mut().zip(values) {
            let new = if *side == T::ZERO {
                if fix { outside(z, lo, hi) } else { T::ZERO }
            } else if lo < hi
                && *side * g > T::ZERO
                && *side * g > *slack.get_or_insert_with(|| slack_of(work.gradient))
            {
                T::ZERO
            } else {
                *side
            };
            changes = changes.wrapping_add(usize::from(new != *side));
            *side = new;
        }
        changes
    }

    /// Gives the primal–dual method up.
    fn fall_back(&mut self) {
        match self.fallback {
            Fallback::Dual => {
                self.method = Method::Dual;
                self.phase = Phase::Dual(Dual::default());
            }
            Fallback::TwoMetric => self.project(),
        }
    }

    /// Goes on by two-metric projection.
    fn project(&mut self) {
        self.better();
        self.method = Method::TwoMetric;
        self.phase = Phase::TwoMetric;
    }
}

/// What a multiplier may be off by.
fn slack_of<T: Real>(gradient: &[T]) -> T {
    T::from_u32(WRONG) * T::EPSILON * largest(gradient)
}

/// The side on which a value has left its bounds by more than rounding; 0 if it has not.
pub(super) fn outside<T: Real>(z: T, lo: T, hi: T) -> T {
    let rounding = T::from_u32(OUTSIDE) * T::EPSILON;
    // An infinite bound times rounding is infinite: nothing is outside of it.
    if lo - z > rounding * lo.abs() {
        -T::ONE
    } else if z - hi > rounding * hi.abs() {
        T::ONE
    } else {
        T::ZERO
    }
}

impl<T: Real, M: Model<T>> Run for BoxQp<'_, '_, '_, T, M> {
    type Real = T;

    fn step(&mut self) {
        // Before any of what follows, so that a part's stack holds nothing of that meanwhile.
        let minimises = matches!(self.phase, Phase::PrimalDual { .. } | Phase::Dual(_));
        if minimises && !self.minimise() {
            return;
        }
        match self.phase {
            Phase::PrimalDual { fewest, idle } => self.primal_dual(fewest, idle),
            Phase::Dual(dual) => match self.dual(dual) {
                Next::Go(dual) => self.phase = Phase::Dual(dual),
                Next::Done => self.finish(),
                // Rounding has broken a sign that theory does not.
                Next::Lost => self.project(),
            },
            Phase::TwoMetric => self.two_metric(),
            Phase::Settled => self.failure = Some(Status::Stalled),
        }
    }

    fn residual(&mut self) -> T {
        self.residual
    }

    /// Variables that are fixed at a bound in the current trial.
    fn parameter(&self) -> T {
        T::from_usize(self.work.sides.iter().filter(|side| **side != T::ZERO).count())
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }

    fn settle(&mut self, status: Status) -> Option<T> {
        let unsettled = matches!(self.phase, Phase::PrimalDual { .. } | Phase::Dual(_));
        if status == Status::Converged || !unsettled {
            return None;
        }
        // A run that goes on must not know that it was looked at.
        let carried = self.residual;
        self.better();
        Some(core::mem::replace(&mut self.residual, carried))
    }
}
