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
