//! Watching a residual for what ends a run early: no support, or nothing but rounding left.

use crate::transport::stall::Floor;
use crate::{Real, Stop};

/// Steps between two looks at whether the residual still falls.
const INTERVAL: u32 = 10;

/// What a residual asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    GoOn,
    /// Only rounding errors are left.
    Stalled,
    /// It hardly falls: is there support?
    Suspicious,
}

/// Watches the residual of every step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch<T> {
    tolerance: T,
    floor: Floor<T>,
    /// The residual at the last look, and the steps until the next one.
    mark: T,
    left: u32,
    /// Suspicions that are passed over, and how many have been: each asks for more than the one before.
    patience: u32,
    skipped: u32,
}

impl<T: Real> Watch<T> {
    /// For a run of this scale, whose rounding errors may add up to `floor`.
    pub(super) fn new(stop: &Stop<T>, scale: T, floor: T) -> Self {
        let tolerance = stop.absolute.max(stop.relative * scale);
        let mark = T::INFINITY;
        Self { tolerance, floor: Floor::at(floor), mark, left: INTERVAL, patience: 0, skipped: 0 }
    }

    /// Takes note of the residual after a step. One that fell by less than a hundredth in ten steps is
    /// suspicious.
    pub(super) fn look(&mut self, residual: T) -> Verdict {
        self.floor.look(residual);
        if self.floor.stalled() {
            return Verdict::Stalled;
        }
        self.left = self.left.saturating_sub(1);
        if self.left > 0 {
            return Verdict::GoOn;
        }
        self.left = INTERVAL;
        let falls = residual <= T::from_f64(0.99) * self.mark;
        self.mark = residual;
        if falls || residual <= self.tolerance.max(self.floor.level()) {
            return Verdict::GoOn;
        }
        self.skipped = self.skipped.saturating_add(1);
        if self.skipped <= self.patience {
            return Verdict::GoOn;
        }
        (self.skipped, self.patience) = (0, self.patience.saturating_mul(2).saturating_add(1));
        Verdict::Suspicious
    }
}
