//! What every method must satisfy, written once and called for each.
//!
//! A new family joins by implementing [`Method`] for a small adapter in a file of its own and adding its
//! cases to [`every`]; nothing else here changes. What only linear systems promise asks for
//! [`linear::Linear`].

/// Does with a method what was called for: hands over the run that `$start` makes, or has `$solve` report.
macro_rules! answer {
    ($call:ident, $stop:ident, $start:expr, $observer:ident => $solve:expr) => {
        match $call {
            crate::Call::Solve($observer) => $solve.map(Some),
            begin => Ok(begin.to(&mut $start?, $stop)),
        }
    };
}

mod around;
mod balance;
mod boxed;
#[path = "../common/mod.rs"]
mod common;
mod descent;
mod linear;
mod nonsmooth;
mod shaped;
mod transport;

use core::ops::ControlFlow;

use common::bits;
use linear::{against_the_first_residual, exact_start, linear, right_answer, zero_right_hand_side};
use southwell::{Error, Observer, Progress, Real, Report, Run, Status, Stop, drive};
use southwell_simd::{force_level, levels};

/// What a property does with a run that has begun.
pub(crate) type Then<'f, T> = &'f mut dyn FnMut(&mut dyn Run<Real = T>);

/// What is done with a run that has begun.
pub(crate) enum Call<'f, 'o, T> {
    Begin(Then<'f, T>),
    Solve(&'o mut dyn Observer<T>),
}

impl<T: Real> Call<'_, '_, T> {
    /// Does it.
    pub(crate) fn to(self, run: &mut dyn Run<Real = T>, stop: &Stop<T>) -> Option<Report<T>> {
        match self {
            Call::Begin(then) => {
                then(run);
                None
            }
            Call::Solve(observer) => Some(drive(run, stop, observer)),
        }
    }
}

/// A method with a problem and options: everything but the tolerance, the iterate and the memory.
pub(crate) trait Method<T: Real> {
    fn name(&self) -> String;
    /// Where runs begin. An iterate of several parts is laid out in one slice.
    fn first(&self) -> Vec<T>;
    /// What is there when the first residual is evaluated: what was handed in, unless a method begins
    /// by moving a part of it.
    fn begun(&self) -> Vec<T> {
        self.first()
    }
    fn required_len(&self) -> usize;
    /// Poses the problem, and begins a run or solves.
    fn call(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        call: Call<'_, '_, T>,
    ) -> Result<Option<Report<T>>, Error>;
    /// Begins a run and hands it to `then`.
    fn begin(&self, stop: &Stop<T>, x: &mut [T], storage: &mut [T], then: Then<'_, T>) -> Result<(), Error> {
        self.call(stop, x, storage, Call::Begin(then)).map(|_| ())
    }
    fn solve(
        &self,
        stop: &Stop<T>,
        x: &mut [T],
        storage: &mut [T],
        observer: &mut dyn Observer<T>,
    ) -> Result<Report<T>, Error> {
        self.call(stop, x, storage, Call::Solve(observer)).map(|report| report.expect("a report"))
    }
    /// The residual of x recomputed by plain loops in `f64`, and by how much rounding in `T` may make
    /// the reported one differ.
    fn look(&self, x: &[T]) -> (f64, f64);
    /// A tolerance that the method reaches within the precision.
    fn stop(&self) -> Stop<T> {
        Stop { max_steps: 3000, ..Stop::default() }
    }
    /// Whether a step may find that nothing but rounding is left, beyond the tolerance.
    fn ends_at_rounding(&self) -> bool {
        false
    }
    /// Whether a residual that met the tolerance stays below it. (The largest violation of a block may rise again
    /// when another block moves, though the objective falls.)
    fn residual_stays_small(&self) -> bool {
        true
    }
    /// Whether a run ends where it should. Of methods with proofs and of those that keep the best they saw, other ends
    /// than a tolerance are sound.
    fn ends_well(&self, report: &Report<T>) -> bool {
        report.converged() && report.steps >= 5
    }
    /// Whether more than the residual is looked at when a drive ends, an average or a proof: a run in two drives saw
    /// more, and must not be worse.
    fn looks_at_ends(&self) -> bool {
        false
    }
    /// What is minimised, by plain loops in `f64`, where a limit of steps leaves nothing worse than the start.
    fn worth(&self, _x: &[T]) -> Option<f64> {
        None
    }
    /// The largest rounding error of one step, in units of EPSILON times the largest |x_i|.
    fn rounding_per_step(&self) -> f64 {
        64.0
    }
}

/// Every method of every family.
fn every<T: Real>() -> Vec<Box<dyn Method<T>>> {
    let linear = linear().into_iter().map(|method| method as Box<dyn Method<T>>);
    linear.chain(transport::transport()).chain(balance::balance()).chain(descent::descent()).collect()
}

/// The same, and those whose residual is no function of x alone: what is asked of every solver.
fn all<T: Real>() -> Vec<Box<dyn Method<T>>> {
    every().into_iter().chain(boxed::boxed()).chain(nonsmooth::nonsmooth()).chain(around::around()).collect()
}

/// Calls a property for every method in both precisions.
macro_rules! conforms {
    ($(#[$meta:meta])* $test:ident, $all:ident, $property:ident) => {
        $(#[$meta])*
        #[test]
        fn $test() {
            $all::<f32>().iter().for_each(|method| $property(&**method));
            $all::<f64>().iter().for_each(|method| $property(&**method));
        }
    };
}

/// A whole solve from the method's own start; x, report.
pub(crate) fn solved<T: Real, M: Method<T> + ?Sized>(method: &M, stop: &Stop<T>) -> (Vec<T>, Report<T>) {
    let (mut x, mut storage) = (method.first(), vec![T::ZERO; method.required_len()]);
    let report = method.solve(stop, &mut x, &mut storage, &mut ()).expect("a valid problem");
    (x, report)
}

fn dirty_memory<T: Real>(method: &dyn Method<T>) {
    let (clean, report) = solved(method, &method.stop());
    assert!(method.ends_well(&report), "{}: {report:?}", method.name());
    for rubbish in [T::NAN, T::INFINITY, T::from_f64(1e30)] {
        let (mut x, mut storage) = (method.first(), vec![rubbish; method.required_len() + 5]);
        let again = method.solve(&method.stop(), &mut x, &mut storage, &mut ()).expect("a valid problem");
        assert_eq!(bits(&x), bits(&clean), "{} with {rubbish}", method.name());
        assert_eq!(again, report, "{} with {rubbish}", method.name());
        assert_eq!(
            bits(&storage[method.required_len()..]),
            bits(&[rubbish; 5]),
            "{} writes past its memory",
            method.name()
        );
    }
}

fn short_memory<T: Real>(method: &dyn Method<T>) {
    let needed = method.required_len();
    for given in [0, needed / 2, needed - 1] {
        let (mut x, mut storage) = (method.first(), vec![T::ZERO; given]);
        let expected = Err(Error::Workspace { needed, given });
        let solved = method.solve(&method.stop(), &mut x, &mut storage, &mut ());
        assert_eq!(solved, expected.map(|()| unreachable!()), "{}", method.name());
        let mut begun = false;
        let started = method.begin(&method.stop(), &mut x, &mut storage, &mut |_| begun = true);
        assert_eq!((started, begun), (expected, false), "{}", method.name());
        assert_eq!(bits(&x), bits(&method.first()), "{} touched x", method.name());
    }
}

fn steps_by_hand<T: Real>(method: &dyn Method<T>) {
    let (whole, report) = solved(method, &method.stop());
    let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
    let mut by_hand = |run: &mut dyn Run<Real = T>| {
        assert_eq!(run.residual().bits(), report.initial_residual.bits(), "{}", method.name());
        assert_eq!(run.scale().bits(), report.scale.bits(), "{}", method.name());
        for _ in 0..report.steps {
            run.step();
            assert_eq!(run.failure(), None, "{}", method.name());
        }
        let carried = run.residual();
        let confirmed = run.confirm(T::INFINITY).unwrap_or(carried);
        assert_eq!(confirmed.bits(), report.residual.bits(), "{}", method.name());
    };
    method.begin(&method.stop(), &mut x, &mut storage, &mut by_hand).expect("a valid problem");
    assert_eq!(bits(&x), bits(&whole), "{}", method.name());
}

fn continued<T: Real>(method: &dyn Method<T>) {
    let (whole, report) = solved(method, &method.stop());
    for first in [0, 1, report.steps / 2, report.steps - 1, report.steps] {
        let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
        // A run that ended at its limit has so many steps left.
        let limited = report.status == Status::StepLimit;
        let left = if limited { report.steps - first } else { method.stop().max_steps };
        let rest = Stop { max_steps: left, ..method.stop() };
        let same = !method.looks_at_ends() || first == report.steps;
        let mut twice = |run: &mut dyn Run<Real = T>| {
            let short = Stop { max_steps: first, ..method.stop() };
            let begun = drive(run, &short, &mut ());
            if !same {
                drive(run, &rest, &mut ());
                return;
            }
            let expected = if first == report.steps { report.status } else { Status::StepLimit };
            assert_eq!((begun.status, begun.steps), (expected, first), "{}", method.name());
            let ended = drive(run, &rest, &mut ());
            assert_eq!(begun.steps + ended.steps, report.steps, "{} after {first}", method.name());
            assert_eq!(ended.status, report.status, "{} after {first}", method.name());
            assert_eq!(ended.residual.bits(), report.residual.bits(), "{} after {first}", method.name());
            assert_eq!(ended.scale.bits(), report.scale.bits(), "{} after {first}", method.name());
        };
        method.begin(&method.stop(), &mut x, &mut storage, &mut twice).expect("a valid problem");
        if same {
            assert_eq!(bits(&x), bits(&whole), "{} after {first}", method.name());
        } else if let (Some(worth), Some(once)) = (method.worth(&x), method.worth(&whole)) {
            let rounding = 64.0 * T::EPSILON.to_f64() * once.abs();
            assert!(worth <= once + rounding, "{} after {first}: {worth}, at once {once}", method.name());
        }
    }
}

fn observed<T: Real>(method: &dyn Method<T>) {
    let (_, report) = solved(method, &method.stop());
    for (last, every) in [(0, 1), (1, 1), (4, 1), (4, 3), (u32::MAX, 1), (u32::MAX, 4)] {
        let mut seen = vec![];
        let mut look = |progress: &Progress<T>| {
            seen.push(*progress);
            if progress.step == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let (mut x, mut storage) = (method.first(), vec![T::NAN; method.required_len()]);
        let stop = Stop { check_every: every, ..method.stop() };
        let ended = method.solve(&stop, &mut x, &mut storage, &mut look).expect("a valid problem");
        let status = if last == u32::MAX { Status::Converged } else { Status::Stopped };
        assert_eq!(ended.status, status, "{}", method.name());
        if last != u32::MAX {
            assert_eq!(ended.steps, last, "{}", method.name());
        } else if every == 1 {
            assert_eq!(ended.steps, report.steps, "{}", method.name());
        }
        let steps: Vec<u32> = seen.iter().map(|p| p.step).collect();
        assert_eq!(steps, (0..=ended.steps).collect::<Vec<_>>(), "{} every {every}", method.name());
        for progress in &seen {
            assert_eq!(progress.residual.is_some(), progress.step % every == 0, "{}", method.name());
        }
        assert_eq!(seen[0].residual.map(T::bits), Some(ended.initial_residual.bits()), "{}", method.name());
        // Whatever ended it, the report speaks of the x that is left.
        let (exact, bound) = method.look(&x);
        assert!((ended.residual.to_f64() - exact).abs() <= bound, "{} {ended:?} {exact}", method.name());
    }
}

fn honest_residual<T: Real>(method: &dyn Method<T>) {
    for max_steps in [0, 1, 2, 5, 3000] {
        for check_every in [1, 3] {
            let (x, report) = solved(method, &Stop { max_steps, check_every, ..method.stop() });
            let (exact, bound) = method.look(&x);
            let off = (report.residual.to_f64() - exact).abs();
            assert!(off <= bound, "{} {report:?}: {exact} ± {bound}", method.name());
            let (exact, bound) = method.look(&method.begun());
            let off = (report.initial_residual.to_f64() - exact).abs();
            assert!(off <= bound, "{} {report:?}: {exact} ± {bound}", method.name());
            assert_eq!(report.converged(), report.residual <= method.stop().relative * report.scale);
        }
    }
}

fn same_bits_again<T: Real>(method: &dyn Method<T>) {
    let (first, report) = solved(method, &method.stop());
    let (second, again) = solved(method, &method.stop());
    assert_eq!((bits(&first), report), (bits(&second), again), "{}", method.name());
}

fn same_bits_everywhere<T: Real>(method: &dyn Method<T>) {
    let run = |level| {
        force_level(Some(level));
        let out = solved(method, &method.stop());
        force_level(None);
        out
    };
    let (plain, report) = run(levels().next().expect("scalar is always there"));
    for level in levels().skip(1) {
        let (x, here) = run(level);
        assert_eq!((bits(&x), here), (bits(&plain), report), "{} on {level:?}", method.name());
    }
}

fn seldom_looks<T: Real>(method: &dyn Method<T>) {
    let (_, report) = solved(method, &method.stop());
    for check_every in [0, 1, 2, 5, 9] {
        let (_, seldom) = solved(method, &Stop { check_every, ..method.stop() });
        assert_eq!(seldom.status, Status::Converged, "{} every {check_every}", method.name());
        assert!(check_every < 2 || seldom.checks < report.checks, "{} every {check_every}", method.name());
        if !method.residual_stays_small() {
            assert!(seldom.steps >= report.steps, "{} every {check_every}: {seldom:?}", method.name());
            continue;
        }
        // To the next look, or to where rounding leaves nothing to do.
        let next = report.steps.next_multiple_of(check_every.max(1));
        let expected = if method.ends_at_rounding() { report.steps..=next } else { next..=next };
        assert!(expected.contains(&seldom.steps), "{} every {check_every}: {seldom:?}", method.name());
    }
}

/// A limit of steps leaves nothing worse than the start.
fn limits_keep_the_best<T: Real>(method: &dyn Method<T>) {
    let (_, report) = solved(method, &method.stop());
    let mut start = None;
    for max_steps in (0..report.steps).step_by((report.steps as usize / 20).max(1)) {
        let (x, _) = solved(method, &Stop { max_steps, ..method.stop() });
        let Some(worth) = method.worth(&x) else { return };
        let start = *start.get_or_insert(worth);
        let rounding = 64.0 * T::EPSILON.to_f64() * start.abs().max(1.0);
        assert!(worth <= start + rounding, "{}: {start} to {worth}", method.name());
    }
}

conforms!(a_dirty_workspace_changes_nothing, all, dirty_memory);
conforms!(a_workspace_one_too_short_is_refused_and_x_untouched, all, short_memory);
conforms!(start_and_steps_make_a_solve, every, steps_by_hand);
conforms!(a_continued_run_equals_one_long_run, all, continued);
conforms!(an_observer_sees_every_step_and_may_end_the_run, every, observed);
conforms!(the_reported_residual_is_that_of_x, every, honest_residual);
conforms!(a_limit_keeps_the_best, all, limits_keep_the_best);
conforms!(the_same_run_gives_the_same_bits, all, same_bits_again);
conforms!(every_instruction_set_gives_the_same_bits, all, same_bits_everywhere);
conforms!(looking_seldom_overshoots_by_less_than_the_interval, every, seldom_looks);
conforms!(a_zero_right_hand_side_is_answered_by_zero, linear, zero_right_hand_side);
conforms!(a_start_at_the_solution_takes_no_step, linear, exact_start);
conforms!(a_tolerance_against_the_first_residual_starts_anew, linear, against_the_first_residual);
conforms!(the_answer_is_that_of_elimination, linear, right_answer);

/// Steps that both precisions take together, and how far apart they may be: the rounding of a step in
/// `f32`, as often as there were steps.
#[test]
fn both_precisions_agree_to_that_of_f32() {
    const STEPS: u32 = 6;
    for (single, double) in every::<f32>().iter().zip(&every::<f64>()) {
        assert_eq!(single.name(), double.name());
        let (x, _) = solved(&**single, &Stop { max_steps: STEPS, ..single.stop() });
        let (exact, report) = solved(&**double, &Stop { max_steps: STEPS, ..double.stop() });
        assert_eq!(report.steps, STEPS, "{}", double.name());
        let finite = exact.iter().filter(|x| x.is_finite());
        let size = finite.fold(1.0_f64, |m, v| m.max(v.abs()));
        let bound = double.rounding_per_step() * f64::from(STEPS) * f64::from(f32::EPSILON) * size;
        for (x, exact) in x.iter().zip(&exact).filter(|(x, exact)| f64::from(**x) != **exact) {
            let off = (f64::from(*x) - exact).abs();
            assert!(off <= bound, "{}: {x} {exact} {off} {bound}", double.name());
        }
    }
}
