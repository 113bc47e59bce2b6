//! What every method of the family keeps of its way, and what it reports.

use crate::copy::CopyFrom;
use crate::{Error, Real, Report, Run, Status, Stop};

/// How a run is ended, beyond tolerance and budget.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Ending<T> {
    /// Tolerance of the relative step, budget, and how often to look.
    pub stop: Stop<T>,
    /// The run has converged when a value as small was seen. Default −∞: none is asked for.
    pub target: T,
    /// The run has stalled when so many steps lowered the best value by less than 8 ε of it. Default 0: never.
    pub patience: u32,
}

impl<T: Real> Default for Ending<T> {
    fn default() -> Self {
        Self { stop: Stop::default(), target: -T::INFINITY, patience: 0 }
    }
}

impl<T: Real> Ending<T> {
    /// The default with a budget of steps.
    #[must_use]
    pub fn after(max_steps: u32) -> Self {
        Self { stop: Stop { max_steps, ..Stop::default() }, ..Self::default() }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        self.stop.check()?;
        if self.target < T::INFINITY {
            Ok(())
        } else {
            Err(Error::Option { name: "target", requirement: "must be a number below infinity" })
        }
    }
}

/// How a run ended, and the best that it saw.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Outcome<T> {
    /// How it ended; the residual is the length of the last step.
    pub report: Report<T>,
    /// The least value seen: f at the x that is left.
    pub value: T,
    /// The step at which it was seen, counted over all drives of a run; 0 is the start.
    pub seen_at: u32,
    /// The least value of the problem is not below this; −∞ if nothing is known.
    pub lower_bound: T,
}

impl<T: Real> Outcome<T> {
    /// By how much the value can exceed the least one.
    #[must_use]
    pub fn gap(&self) -> T {
        (self.value - self.lower_bound).max(T::ZERO)
    }
}

/// Steps up to a failure, the step that brought it (a proof, say) included.
pub(crate) fn steps<R: Run>(run: &mut R, count: u32) -> u32 {
    for done in 0..count {
        if run.failure().is_some() {
            return done;
        }
        run.step();
    }
    count
}

/// The best point so far, kept in the caller's x, and reasons to end.
#[derive(Debug)]
pub(crate) struct Best<'a, T> {
    pub(crate) x: &'a mut [T],
    pub(crate) value: T,
    pub(crate) seen_at: u32,
    pub(crate) floor: T,
    target: T,
    patience: u32,
    idle: u32,
    /// What the best value must fall below to count as progress.
    record: T,
    failure: Option<Status>,
    done: bool,
}

impl<'a, T: Real> Best<'a, T> {
    pub(crate) fn new(x: &'a mut [T], ending: &Ending<T>, floor: T) -> Self {
        let (value, record) = (T::INFINITY, T::INFINITY);
        let Ending { target, patience, .. } = *ending;
        Self { x, value, seen_at: 0, floor, target, patience, idle: 0, record, failure: None, done: false }
    }

    /// Takes in f at a point, and ‖g‖ there.
    pub(crate) fn see(&mut self, step: u32, x: &[T], value: T, norm: T) {
        if !(value.is_finite() && norm.is_finite()) {
            self.failure = Some(Status::NotFinite);
            return;
        }
        if self.improve(step, x, value) && value < self.record {
            self.idle = 0;
            self.record = value - value.abs() * T::EPSILON * T::from_u32(8);
        } else {
            self.idle = self.idle.saturating_add(1);
            if self.patience > 0 && self.idle >= self.patience {
                self.failure = Some(Status::Stalled);
            }
        }
        if norm == T::ZERO {
            self.done = true;
        }
    }

    /// Keeps a point if it is better than all before.
    pub(crate) fn improve(&mut self, step: u32, x: &[T], value: T) -> bool {
        let better = value < self.value;
        if better {
            self.value = value;
            self.seen_at = step;
            self.x.copy_from(x);
            self.done = value <= self.target;
            if value <= self.floor {
                self.failure = Some(Status::Optimal);
            }
        }
        better
    }

    /// A lower bound that was found on the way.
    pub(crate) fn bound(&mut self, bound: T) {
        self.floor = self.floor.max(bound.min(self.value));
    }

    pub(crate) fn failure(&self) -> Option<Status> {
        self.failure
    }

    /// The residual of a run whose last step had this length.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(crate) fn residual(&self, moved: T) -> T {
        if self.value == T::INFINITY {
            // Not one value was a number.
            T::NAN
        } else if self.done || self.failure == Some(Status::Optimal) {
            T::ZERO
        } else {
            moved
        }
    }

    /// Whether no further step is of use.
    pub(crate) fn over(&self) -> bool {
        self.failure.is_some() || self.done
    }

    pub(crate) fn outcome(&self, report: Report<T>) -> Outcome<T> {
        let Self { value, seen_at, floor, .. } = *self;
        Outcome { report, value, seen_at, lower_bound: floor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: f64 = f64::EPSILON * 8.0;

    #[test]
    fn a_run_has_stalled_after_so_many_values_that_lower_the_best_by_rounding_alone() {
        let mut x = [0.0_f64];
        let ending = Ending { patience: 3, ..Ending::default() };
        let mut best = Best::new(&mut x, &ending, -f64::INFINITY);
        for (step, value) in [8.0, 9.0, 9.0, 7.0, 7.0 * (1.0 - 0.5 * UNIT), 9.0].into_iter().enumerate() {
            best.see(step as u32, &[value], value, 1.0);
            assert_eq!((best.failure(), best.over()), (None, false), "step {step}");
        }
        // Seven lowered by four roundings was no progress, but it is the best.
        assert_eq!((best.value, best.seen_at, best.residual(2.5)), (7.0 * (1.0 - 0.5 * UNIT), 4, 2.5));
        best.see(6, &[8.0], 8.0, 1.0);
        assert_eq!((best.failure(), best.over(), best.residual(2.5)), (Some(Status::Stalled), true, 2.5));
        let mut best = Best::new(&mut x, &ending, -f64::INFINITY);
        for (step, value) in [-7.0, -6.0, -6.0, -7.0 * (1.0 + 1.5 * UNIT), -6.0, -6.0].into_iter().enumerate()
        {
            best.see(step as u32, &[value], value, 1.0);
            assert_eq!(best.failure(), None, "step {step}: twelve roundings are progress, below zero too");
        }
        // Less by just what counts as rounding is no progress.
        let ending = Ending { patience: 1, ..ending };
        for (below, failure) in [(UNIT, Some(Status::Stalled)), (1.125 * UNIT, None)] {
            let mut best = Best::new(&mut x, &ending, -f64::INFINITY);
            for value in [8.0, 8.0 * (1.0 - below)] {
                best.see(0, &[value], value, 1.0);
            }
            assert_eq!((best.failure(), best.value), (failure, 8.0 * (1.0 - below)));
        }
        let mut best = Best::new(&mut x, &Ending::default(), -f64::INFINITY);
        (0..100).for_each(|step| best.see(step, &[1.0], 1.0, 1.0));
        assert_eq!(best.failure(), None, "never, unless asked for");
    }

    #[test]
    fn targets_floors_and_slopes_of_zero_end_a_run() {
        let mut x = [0.0_f64];
        let ending = Ending { target: 1.0, ..Ending::default() };
        let mut best = Best::<f64>::new(&mut x, &ending, 0.5);
        assert!(best.residual(1.0).is_nan(), "nothing was seen");
        best.see(0, &[2.0], 2.0, 1.0);
        assert!(!best.over() && best.residual(0.25) == 0.25);
        best.see(1, &[1.0], 1.0, 1.0);
        assert_eq!((best.over(), best.failure(), best.residual(0.25)), (true, None, 0.0));
        best.see(2, &[0.5], 0.5, 1.0);
        assert_eq!((best.over(), best.failure(), best.residual(0.25)), (true, Some(Status::Optimal), 0.0));
        let report = Report {
            status: Status::Optimal,
            steps: 2,
            checks: 3,
            initial_residual: 1.0,
            residual: 0.0,
            scale: 1.0,
        };
        let outcome = best.outcome(report);
        assert_eq!((outcome.value, outcome.seen_at, outcome.lower_bound, outcome.gap()), (0.5, 2, 0.5, 0.0));
        assert_eq!(Outcome { value: 3.0, ..outcome }.gap(), 2.5);
        assert_eq!(x, [0.5], "the best is kept");

        let mut best = Best::new(&mut x, &Ending::default(), -f64::INFINITY);
        best.see(0, &[2.0], 2.0, 0.0);
        assert!(best.over() && best.residual(1.0) == 0.0, "without a slope it is a minimum");
        for (value, norm) in [(f64::NAN, 1.0), (1.0, f64::INFINITY)] {
            let mut best = Best::new(&mut x, &Ending::default(), -f64::INFINITY);
            best.see(0, &[1.0], value, norm);
            assert_eq!((best.failure(), best.over()), (Some(Status::NotFinite), true));
        }
    }

    #[test]
    fn bounds_rise_and_stay_below_the_best_value() {
        let mut x = [0.0_f64];
        let mut best = Best::new(&mut x, &Ending::default(), -f64::INFINITY);
        best.see(0, &[2.0], 2.0, 1.0);
        for (bound, floor) in [(-3.0, -3.0), (-4.0, -3.0), (1.0, 1.0), (5.0, 2.0)] {
            best.bound(bound);
            assert_eq!(best.floor, floor);
        }
    }

    #[test]
    fn what_an_ending_may_ask_for() {
        assert_eq!(Ending::<f64>::after(7).stop.max_steps, 7);
        let with = |target: f64| Ending { target, ..Ending::default() }.check().is_ok();
        assert!(with(0.0) && with(-f64::INFINITY) && !with(f64::INFINITY) && !with(f64::NAN));
    }
}
