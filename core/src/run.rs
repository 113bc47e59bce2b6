//! The resumable run and the only loop.

use core::ops::ControlFlow;

use crate::{Observer, Progress, Real, Report, Status, Stop};

/// A run in progress: it takes steps and can say how far it is.
///
/// A method writes [`step`](Run::step) and [`residual`](Run::residual); [`drive`] does the rest, so
/// tolerances, limits, confirmations and observers behave alike everywhere.
pub trait Run {
    /// The element type.
    type Real: Real;

    /// One step. What a step is and costs is the method's to say.
    fn step(&mut self);

    /// `count` steps, or as many as can be taken before a [`failure`](Run::failure); returns how many
    /// those were. A method overrides it where several steps together cost less; the iterate and the
    /// residuals that follow have the bits of single steps.
    fn steps(&mut self, count: u32) -> u32 {
        for done in 0..count {
            // What a look has found out needs no step to be true.
            if self.failure().is_some() {
                return done;
            }
            self.step();
            if self.failure().is_some() {
                return done;
            }
        }
        count
    }

    /// The residual of the current iterate; a method may carry it along by a recurrence.
    fn residual(&mut self) -> Self::Real;

    /// The parameter that adapts (omega, step size, ε …), for observers.
    fn parameter(&self) -> Self::Real;

    /// What the relative tolerance refers to; fixed at the first start.
    fn scale(&self) -> Self::Real {
        Self::Real::ONE
    }

    /// The residual recomputed from scratch, for a method whose [`residual`](Run::residual) is
    /// carried along. If it exceeds `tolerance`, the run goes on from the recomputed one.
    /// `None`: `residual` is computed from scratch already.
    fn confirm(&mut self, _tolerance: Self::Real) -> Option<Self::Real> {
        None
    }

    /// Why no further step can be taken, if so.
    fn failure(&self) -> Option<Status> {
        None
    }

    /// Called once when a drive ends. After [`Status::NotFinite`] a method puts its last good iterate
    /// back and returns the residual of it.
    fn settle(&mut self, _status: Status) -> Option<Self::Real> {
        None
    }
}

/// Steps a run until it converges, fails, reaches its limit or is told to stop.
///
/// Between two looks an observer that does not want [every step](Observer::every_step) sees nothing, and
/// the steps are taken together ([`Run::steps`]); `()` is one.
///
/// Cost: the steps, one residual every `stop.check_every` steps, and one confirmation a claim of
/// convergence. A claim that is denied twice without halving the true residual ends the run as
/// [`Status::Stalled`]. Calling `drive` again continues the run: two drives of `k` and `m` steps do
/// what one of `k + m` does.
#[cfg_attr(target_os = "none", inline(always))]
pub fn drive<R: Run + ?Sized>(
    run: &mut R,
    stop: &Stop<R::Real>,
    observer: &mut (impl Observer<R::Real> + ?Sized),
) -> Report<R::Real> {
    let tolerance = stop.absolute.max(stop.relative * run.scale());
    let every = stop.check_every.max(1);
    let initial_residual = run.residual();
    let mut claim = Claim { residual: initial_residual, tolerance, denied: R::Real::INFINITY };
    let mut looked = true;
    let mut checks = 1;
    let mut steps = 0;
    let mut status = loop {
        let mut ended = None;
        if looked {
            let claimed = claim.residual.is_finite() && claim.residual <= claim.tolerance;
            let confirmed = if claimed { run.confirm(claim.tolerance) } else { None };
            claim.residual = confirmed.unwrap_or(claim.residual);
            ended = claim.judge(confirmed.is_some());
            checks += u32::from(confirmed.is_some());
        }
        let progress =
            Progress { step: steps, residual: looked.then_some(claim.residual), parameter: run.parameter() };
        // The last step is shown as well; what it achieved counts more than a wish to stop.
        let asked = observer.observe(&progress);
        if let Some(status) = ended {
            break status;
        }
        if asked == ControlFlow::Break(()) {
            break Status::Stopped;
        }
        if steps >= stop.max_steps {
            break Status::StepLimit;
        }
        // Nothing is looked at before the next multiple of `every`, or the limit.
        let together =
            if observer.every_step() { 1 } else { (every - steps % every).min(stop.max_steps - steps) };
        steps += run.steps(together);
        looked = false;
        if let Some(failure) = run.failure() {
            break failure;
        }
        looked = steps % every == 0 || steps == stop.max_steps;
        if looked {
            claim.residual = run.residual();
            checks += 1;
        }
    };
    let mut residual = claim.residual;
    if status != Status::Converged {
        // The report must describe the iterate that is left, not a recurrence or an older look.
        let evaluated = run.confirm(R::Real::INFINITY).or_else(|| (!looked).then(|| run.residual()));
        checks += u32::from(evaluated.is_some());
        residual = evaluated.unwrap_or(residual);
        // A run that cannot get on may be where it should be: its steps went beyond the tolerance.
        if status == Status::Stalled && residual <= claim.tolerance {
            status = Status::Converged;
        }
        // An overflow since the last look must not pass for a mere stop.
        if !residual.is_finite() {
            status = Status::NotFinite;
        }
    }
    // A proof says more than a tolerance.
    if status != Status::NotFinite && run.failure() == Some(Status::Optimal) {
        status = Status::Optimal;
    }
    if let Some(kept) = run.settle(status) {
        residual = kept;
    }
    Report { status, steps, checks, initial_residual, residual, scale: run.scale() }
}

/// A residual that may end a run.
// In one piece and read where it lies, so that a part keeps no registers of it on the stack.
struct Claim<T> {
    residual: T,
    tolerance: T,
    /// The true residual of the last claim that was not confirmed.
    denied: T,
}

impl<T: Real> Claim<T> {
    /// What the residual means, which was just evaluated or confirmed.
    // Apart, so that a part keeps no constant of it on the stack.
    #[cfg_attr(target_os = "none", inline(never))]
    fn judge(&mut self, confirmed: bool) -> Option<Status> {
        if !self.residual.is_finite() {
            Some(Status::NotFinite)
        } else if self.residual <= self.tolerance {
            Some(Status::Converged)
        } else if !confirmed {
            None
        } else if self.residual > self.denied * T::HALF {
            Some(Status::Stalled)
        } else {
            self.denied = self.residual;
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Halves its residual each step; may lie about it.
    struct Halving {
        value: f64,
        lie: f64,
        steps: u32,
    }

    impl Run for Halving {
        type Real = f64;
        fn step(&mut self) {
            self.value *= 0.5;
            self.steps += 1;
        }
        fn residual(&mut self) -> f64 {
            self.value * self.lie
        }
        fn parameter(&self) -> f64 {
            f64::from(self.steps)
        }
        fn confirm(&mut self, _tolerance: f64) -> Option<f64> {
            Some(self.value)
        }
    }

    fn stop(relative: f64, max_steps: u32, check_every: u32) -> Stop<f64> {
        Stop { absolute: 0.0, relative, max_steps, check_every }
    }

    #[test]
    fn converges_at_the_first_step_below_the_tolerance() {
        let mut run = Halving { value: 1.0, lie: 1.0, steps: 0 };
        let report = drive(&mut run, &stop(1e-3, 100, 1), &mut ());
        assert_eq!((report.status, report.steps, report.residual), (Status::Converged, 10, 1.0 / 1024.0));
        assert_eq!(report.checks, 12, "one at the start, one a step, one confirmation");
    }

    #[test]
    fn looking_less_often_overshoots_by_less_than_the_interval() {
        let mut run = Halving { value: 1.0, lie: 1.0, steps: 0 };
        let report = drive(&mut run, &stop(1e-3, 100, 7), &mut ());
        assert_eq!((report.status, report.steps, report.checks), (Status::Converged, 14, 4));
    }

    #[test]
    fn a_lying_recurrence_is_not_believed() {
        let mut run = Halving { value: 1.0, lie: 0.1, steps: 0 };
        let report = drive(&mut run, &stop(1e-3, 100, 1), &mut ());
        assert_eq!((report.status, report.steps), (Status::Converged, 10));
    }

    #[test]
    fn zero_steps_when_the_start_is_good_enough() {
        let mut run = Halving { value: 1e-9, lie: 1.0, steps: 0 };
        assert_eq!(drive(&mut run, &stop(1e-3, 100, 1), &mut ()).steps, 0);
        assert_eq!(run.steps, 0);
    }

    #[test]
    fn the_limit_and_the_observer_end_a_run_and_it_can_go_on() {
        let mut run = Halving { value: 1.0, lie: 1.0, steps: 0 };
        let report = drive(&mut run, &stop(1e-30, 3, 2), &mut ());
        assert_eq!((report.status, report.steps, report.residual), (Status::StepLimit, 3, 0.125));
        let mut seen = 0;
        let report = drive(&mut run, &stop(1e-30, 50, 1), &mut |p: &Progress<f64>| {
            seen += 1;
            if p.step == 4 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((report.status, report.steps, seen), (Status::Stopped, 4, 5));
        assert_eq!(run.steps, 7);
    }

    #[test]
    fn the_observer_sees_the_last_step_too() {
        let mut run = Halving { value: 1.0, lie: 1.0, steps: 0 };
        let (mut seen, mut last) = (0, None);
        let report = drive(&mut run, &stop(1e-3, 100, 1), &mut |p: &Progress<f64>| {
            (seen, last) = (seen + 1, p.residual);
            if p.step == 10 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert_eq!((report.status, report.steps), (Status::Converged, 10));
        assert_eq!((seen, last), (11, Some(report.residual)));
    }

    #[test]
    fn not_finite_is_noticed() {
        let mut run = Halving { value: f64::NAN, lie: 1.0, steps: 0 };
        assert_eq!(drive(&mut run, &stop(1e-3, 100, 1), &mut ()).status, Status::NotFinite);
    }

    /// Notices at a look that it gets no further.
    struct Stalling {
        steps: u32,
        stalled: bool,
    }

    impl Run for Stalling {
        type Real = f64;
        fn step(&mut self) {
            self.steps += 1;
        }
        fn residual(&mut self) -> f64 {
            self.stalled = self.steps >= 5;
            1.0
        }
        fn parameter(&self) -> f64 {
            1.0
        }
        fn failure(&self) -> Option<Status> {
            self.stalled.then_some(Status::Stalled)
        }
    }

    #[test]
    fn a_failure_that_a_look_finds_is_not_answered_with_a_step_that_nobody_counts() {
        let mut run = Stalling { steps: 0, stalled: false };
        let report = drive(&mut run, &stop(1e-3, 100, 1), &mut ());
        assert_eq!((report.status, report.steps, run.steps), (Status::Stalled, 5, 5));
    }

    /// Claims to be there at every look; what is true is told by a list, the last of it for ever.
    struct Claiming<'a> {
        truths: &'a [f64],
        told: usize,
        proof_at: usize,
    }

    impl Run for Claiming<'_> {
        type Real = f64;
        fn step(&mut self) {}
        fn residual(&mut self) -> f64 {
            0.0
        }
        fn parameter(&self) -> f64 {
            1.0
        }
        fn confirm(&mut self, _tolerance: f64) -> Option<f64> {
            let truth = self.truths.get(self.told).or(self.truths.last()).copied();
            self.told += 1;
            truth
        }
        fn failure(&self) -> Option<Status> {
            (self.told >= self.proof_at).then_some(Status::Optimal)
        }
    }

    fn claiming(truths: &[f64], proof_at: usize) -> (Status, u32, f64) {
        let report = drive(&mut Claiming { truths, told: 0, proof_at }, &stop(1e-3, 100, 1), &mut ());
        (report.status, report.steps, report.residual)
    }

    #[test]
    fn a_claim_is_denied_as_long_as_the_truth_halves() {
        assert_eq!(claiming(&[8.0, 4.0, 2.0, 1e-3], 99), (Status::Converged, 3, 1e-3));
        assert_eq!(claiming(&[8.0, 4.0, 2.1], 99), (Status::Stalled, 2, 2.1));
        // What is left is looked at once more, and counts.
        assert_eq!(claiming(&[8.0, 7.0, 1e-3], 99), (Status::Converged, 1, 1e-3));
        assert_eq!(claiming(&[8.0, 7.0, 7.0, 1e-3], 99), (Status::Stalled, 1, 7.0));
    }

    #[test]
    fn a_proof_says_more_than_a_tolerance_and_nothing_of_what_is_not_finite() {
        assert_eq!(claiming(&[1e-4], 1), (Status::Optimal, 0, 1e-4));
        let (status, steps, _) = claiming(&[f64::NAN], 1);
        assert_eq!((status, steps), (Status::NotFinite, 0));
    }

    /// Grows until it overflows; keeps its first value.
    struct Growing {
        value: f64,
    }

    impl Run for Growing {
        type Real = f64;
        fn step(&mut self) {
            self.value *= 1e200;
        }
        fn residual(&mut self) -> f64 {
            self.value
        }
        fn parameter(&self) -> f64 {
            1.0
        }
        fn settle(&mut self, status: Status) -> Option<f64> {
            (status == Status::NotFinite).then(|| {
                self.value = 1.0;
                self.value
            })
        }
    }

    #[test]
    fn an_overflow_between_two_looks_is_noticed_when_the_observer_stops() {
        let mut run = Growing { value: 1.0 };
        let mut at_three =
            |p: &Progress<f64>| if p.step == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
        let report = drive(&mut run, &stop(1e-3, 100, 10), &mut at_three);
        assert_eq!((report.status, report.steps, report.residual), (Status::NotFinite, 3, 1.0));
        assert_eq!(run.value, 1.0, "the last good iterate is put back");
    }
}
