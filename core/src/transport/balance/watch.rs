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

#[cfg(test)]
mod tests {
    extern crate std;

    use super::{Verdict, Watch};
    use crate::Stop;

    fn watch(floor: f64) -> Watch<f64> {
        Watch::new(&Stop { absolute: 1e-3, relative: 1e-4, ..Stop::default() }, 20.0, floor)
    }

    /// The steps of those that are asked to be looked into, of so many with these residuals.
    fn suspicions(watch: &mut Watch<f64>, steps: u32, residual: impl Fn(u32) -> f64) -> [u32; 4] {
        let (mut found, mut count) = ([0; 4], 0);
        for step in 1..=steps {
            if watch.look(residual(step)) == Verdict::Suspicious {
                found[count] = step;
                count += 1;
            }
        }
        found
    }

    /// After ten steps there is something to compare with; each suspicion that comes to nothing makes the next one wait
    /// twice as long.
    #[test]
    fn a_residual_that_stands_still_is_suspicious_every_so_often() {
        assert_eq!(suspicions(&mut watch(1e-9), 170, |_| 1.0), [20, 40, 80, 160]);
    }

    #[test]
    fn a_hundredth_in_ten_steps_is_enough() {
        let falling = |factor: f64| move |step: u32| factor.powf(f64::from(step) / 10.0);
        assert_eq!(suspicions(&mut watch(1e-9), 100, falling(0.9899)), [0; 4]);
        assert_eq!(suspicions(&mut watch(1e-9), 39, falling(0.9901)), [20, 0, 0, 0]);
        // What counts is what it was ten steps ago, not in between.
        assert_eq!(
            suspicions(&mut watch(1e-9), 35, |step| if step % 10 == 5 { 9.0 } else { 1.0 }),
            [20, 0, 0, 0]
        );
    }

    /// A tolerance of 20 · 1e-4 is the larger one here.
    #[test]
    fn nothing_is_suspicious_below_the_tolerance_or_the_level_of_rounding() {
        assert_eq!(suspicions(&mut watch(1e-9), 40, |_| 2e-3), [0; 4]);
        assert_eq!(suspicions(&mut watch(1e-9), 30, |_| 2.001e-3), [20, 0, 0, 0]);
        let mut level = watch(0.5);
        assert_eq!(suspicions(&mut level, 20, |_| 0.5), [0; 4]);
        // The first look is a new lowest residual, twenty more are not.
        assert_eq!(level.look(0.5), Verdict::Stalled);
        assert_eq!(suspicions(&mut watch(0.5), 30, |_| 0.501), [20, 0, 0, 0]);
    }
}
