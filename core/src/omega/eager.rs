//! Omega raised as soon as a run proves slow, and then by what is seen.

use super::young::mean_ratio;
use super::{HagemanYoung, OmegaRule, Sight};
use crate::{Progress, Real};

/// Steps that a run is watched for before its speed means anything.
const WATCHED: u32 = 8;
/// A residual that falls faster than this a step needs no help.
const FAST: f64 = 0.7;
/// What a slow run gets at once; its rate is ½ at best.
const FIRST: f64 = 1.5;

/// Plain steps first; ω = 1.5 as soon as the residual falls by less than 0.7 a step after the eighth; and from
/// there on as [`HagemanYoung`]. For iterations that converge with any omega of [1, 2) but take long before
/// their final rate shows (Sinkhorn's, with its safe over-relaxation).
///
/// Waiting for a settled rate at ω = 1 costs hundreds of steps in the hard cases, and what settles first
/// may be another rate than the last; runs that are fast anyway lose by any omega above 1. Of the fourteen
/// reference problems of transport none took more steps than with ω = 1, and those that take more than
/// 500 with it took a fifth to a fiftieth. Every run begins anew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Eager<T> {
    rule: HagemanYoung<T>,
    residual: T,
    step: u32,
}

impl<T: Real> Default for Eager<T> {
    fn default() -> Self {
        Self { rule: HagemanYoung::default(), residual: T::ZERO, step: 0 }
    }
}

impl<T: Real> OmegaRule<T> for Eager<T> {
    fn begin(&mut self, sight: &Sight<'_, T>) -> T {
        *self = Self { residual: sight.initial_residual, ..Self::default() };
        self.rule.begin(sight)
    }

    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        let found = self.rule.revise(progress);
        let residual = progress.residual?;
        let (before, steps) = (self.residual, progress.step.saturating_sub(self.step));
        (self.residual, self.step) = (residual, progress.step);
        let first = T::from_f64(FIRST);
        if found.is_some() || self.rule.omega >= first || progress.step < WATCHED || steps == 0 {
            return found;
        }
        if mean_ratio(before, residual, steps) > T::from_f64(FAST) {
            self.rule.raise(first);
            return Some(first);
        }
        None
    }
}
