//! The projected sub-gradient method.
//!
//! ```text
//! x ← Π(x − η_t g),   g ∈ ∂f(x),   η_t from a rule ([`step`](super::step))
//! ```
//! *Step*: one call of the oracle and one projection; two calls when a rule goes back to the best point. Values need not fall: the best point so far is kept, in the
//! caller's x, so x is a usable answer at any time. *Residual*: the length of the last step before the projection;
//! 0 once the target value was seen or g = 0. *Scale*: [`Options::scale`], or the length of x at the start if that
//! is larger. *Memory*: 2 n, and 2 n more for averages.
//!
//! *Averages*: x̄ = Σ η_t x_t/Σ η_t, for which the bounds of the convex theory hold too; with
//! [`Options::average`] f(x̄) is looked at when a drive ends (two calls of the oracle) and x̄ becomes x if it is
//! better. Of no use where minima form a curved set (factors of a matrix).
//!
//! *Fails* to converge where f is not convex, or with steps that do not diminish; ends as
//! [`Status::NotFinite`] when a value or a sub-gradient is not finite, and x is the best point before.
//! [`Status::Optimal`]: the value reached [`Oracle::floor`]. *Take something else* for a smooth f (gradient
//! methods), for small linear programs (simplex) and for simple sums of an ℓ1 term and constraints at moderate
//! accuracy (ADMM).
//!
//! *Source*: Shor 1985; Polyak 1987, chapter 5.

use southwell_simd::vector;

use super::best::{self, Best};
pub use super::best::{Ending, Outcome};
use super::step::{Choice, Sight, StepRule};
use super::{Oracle, Problem, Projection};
use crate::copy::CopyFrom;
use crate::linear::check_vector;
use crate::{Error, Observer, Real, Run, Status, drive};

/// How a problem is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// When the run ends.
    pub ending: Ending<T>,
    /// Whether the average of the points is formed, and looked at when a drive ends. Default: no.
    pub average: bool,
    /// The unit of a rule's lengths: what a good first step is long. Positive. Default 1.
    pub scale: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { ending: Ending::default(), average: false, scale: T::ONE }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    x: &'w mut [T],
    g: &'w mut [T],
    average: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for so many unknowns.
    #[must_use]
    pub const fn required_len(dimension: usize, average: bool) -> usize {
        dimension.saturating_mul(if average { 3 } else { 2 })
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<O: Oracle<T>, P>(
        problem: &Problem<O, P>,
        average: bool,
        storage: &'w mut [T],
    ) -> Result<Self, Error> {
        Self::carve(problem.oracle.dimension(), average, storage)
    }

    pub(crate) fn carve(n: usize, average: bool, storage: &'w mut [T]) -> Result<Self, Error> {
        let short = Error::Workspace { needed: Self::required_len(n, average), given: storage.len() };
        let (x, rest) = storage.split_at_mut_checked(n).ok_or(short)?;
        let (g, rest) = rest.split_at_mut_checked(n).ok_or(short)?;
        let average = rest.get_mut(..if average { n } else { 0 }).ok_or(short)?;
        Ok(Self { x, g, average })
    }
}

/// A run of the projected sub-gradient method in progress.
#[derive(Debug)]
pub struct Subgradient<'a, T, O, P, R> {
    oracle: O,
    set: P,
    rule: R,
    pub(crate) best: Best<'a, T>,
    work: Workspace<'a, T>,
    reach: T,
    unit: T,
    value: T,
    norm: T,
    /// Σ η_t
    weight: T,
    /// The last η.
    factor: T,
    moved: T,
    steps: u32,
}

/// Begins a run from the x that is handed in, or from its projection. The rule is taken by value; hand in `&mut`
/// of it to have it back.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Option`] for tolerances, the scale and what the rule
/// refuses; [`Error::Workspace`] if the workspace was carved for another problem. x is untouched then.
pub fn start<'a, T: Real, O: Oracle<T>, P: Projection<T>, R: StepRule<T>>(
    problem: Problem<O, P>,
    options: &Options<T>,
    rule: R,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Subgradient<'a, T, O, P, R>, Error> {
    let mut started = prepare(problem, options, rule, x, work);
    if let Ok(run) = &mut started
        && let Err(error) = run.begin()
    {
        return Err(error);
    }
    started
}

/// A run that has not looked at where it begins. Apart, so that it can do so where it is to lie: on a part every
/// copy of a run counts.
#[inline(always)]
fn prepare<'a, T: Real, O: Oracle<T>, P: Projection<T>, R: StepRule<T>>(
    problem: Problem<O, P>,
    options: &Options<T>,
    rule: R,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Subgradient<'a, T, O, P, R>, Error> {
    options.ending.check()?;
    if !(options.scale > T::ZERO && options.scale.is_finite()) {
        return Err(Error::Option { name: "scale", requirement: "must be positive and finite" });
    }
    let Problem { oracle, set } = problem;
    let n = oracle.dimension();
    check_vector("x", x, n)?;
    let averages = if options.average { n } else { 0 };
    if work.x.len() != n || work.g.len() != n || work.average.len() != averages {
        let given = work.x.len().saturating_add(work.g.len()).saturating_add(work.average.len());
        let needed = Workspace::<T>::required_len(n, options.average);
        return Err(Error::Workspace { needed, given });
    }
    let best = Best::new(x, &options.ending, oracle.floor());
    let (reach, unit, value, norm) = (options.scale, options.scale, T::INFINITY, T::ZERO);
    let (weight, factor, moved, steps) = (T::ZERO, T::ZERO, unit, 0);
    Ok(Subgradient { oracle, set, rule, best, work, reach, unit, value, norm, weight, factor, moved, steps })
}

/// Solves from the x that is handed in; x holds the best point.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, O: Oracle<T>, P: Projection<T>, R: StepRule<T>>(
    problem: Problem<O, P>,
    options: &Options<T>,
    rule: R,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut started = prepare(problem, options, rule, x, workspace);
    let run = started.as_mut().map_err(|error| *error)?;
    run.begin()?;
    let report = drive(run, &options.ending.stop, observer);
    Ok(run.best.outcome(report))
}

impl<T: Real, O: Oracle<T>, P: Projection<T>, R: StepRule<T>> Subgradient<'_, T, O, P, R> {
    /// Looks at where the run begins. The rule may refuse; x is untouched then.
    fn begin(&mut self) -> Result<(), Error> {
        self.lay();
        let size = self.size();
        self.unit = self.unit.max(size).min(T::MAX);
        self.moved = self.unit;
        self.evaluate();
        self.rule.begin(&Sight { best: self.value, ..self.sight() })?;
        self.see();
        Ok(())
    }

    /// Puts the current point where the run begins.
    #[cfg_attr(target_os = "none", inline(never))]
    fn lay(&mut self) {
        self.work.x.copy_from(self.best.x);
        self.set.project(self.work.x);
        self.work.average.fill(T::ZERO);
    }

    /// The length of the best point.
    #[cfg_attr(target_os = "none", inline(never))]
    fn size(&self) -> T {
        vector::norm_scaled(self.best.x)
    }

    fn sight(&self) -> Sight<T> {
        let Self { steps: step, value, norm, reach: scale, .. } = *self;
        Sight { step, value, best: self.best.value, norm, scale }
    }

    /// Value, sub-gradient and its norm. Two functions, so that a part's stack holds one of them at a time.
    #[inline(always)]
    fn evaluate(&mut self) {
        self.look();
        self.measure();
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn look(&mut self) {
        self.value = self.oracle.value_and_subgradient(self.work.x, self.work.g);
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn measure(&mut self) {
        self.norm = vector::norm_scaled(self.work.g);
    }

    /// Takes note of the point.
    #[inline]
    fn see(&mut self) {
        self.best.see(self.steps, self.work.x, self.value, self.norm);
    }

    /// Moves by this factor. Apart, so that a part's stack holds nothing of it while points are evaluated.
    #[cfg_attr(target_os = "none", inline(never))]
    fn go(&mut self, factor: T) {
        if !self.work.average.is_empty() {
            self.add_to_average(factor);
        }
        self.oracle.weigh(factor);
        vector::axpy(-factor, self.work.g, self.work.x);
        self.set.project(self.work.x);
        self.factor = factor;
        self.moved = factor * self.norm;
    }

    /// x̄ ← x̄ + (η/Σ η)(x − x̄)
    fn add_to_average(&mut self, factor: T) {
        self.weight += factor;
        let share = factor / self.weight;
        if share.is_finite() {
            vector::axpby(share, self.work.x, T::ONE - share, self.work.average);
        }
    }

    /// The least value so far, and the step at which it was seen.
    #[must_use]
    pub fn best(&self) -> (T, u32) {
        (self.best.value, self.best.seen_at)
    }

    /// The best point so far.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.best.x
    }

    /// The current point, and f there.
    #[must_use]
    pub fn current(&self) -> (&[T], T) {
        (self.work.x, self.value)
    }

    /// The average of the points so far, if it is formed.
    #[must_use]
    pub fn average(&self) -> Option<&[T]> {
        (!self.work.average.is_empty() && self.weight > T::ZERO).then_some(&*self.work.average)
    }

    /// The oracle.
    pub fn oracle(&mut self) -> &mut O {
        &mut self.oracle
    }
}

impl<T: Real, O: Oracle<T>, P: Projection<T>, R: StepRule<T>> Run for Subgradient<'_, T, O, P, R> {
    type Real = T;

    fn step(&mut self) {
        if self.best.over() {
            return;
        }
        let mut choice = self.rule.next(&self.sight());
        if choice == Choice::Return {
            self.work.x.copy_from(self.best.x);
            self.evaluate();
            choice = self.rule.next(&self.sight());
        }
        // A rule that wants to go back where it is wants nothing.
        if let Choice::Move(factor) = choice {
            self.go(factor);
        }
        self.steps = self.steps.saturating_add(1);
        self.evaluate();
        self.see();
    }

    fn steps(&mut self, count: u32) -> u32 {
        best::steps(self, count)
    }

    fn residual(&mut self) -> T {
        self.best.residual(self.moved)
    }

    fn parameter(&self) -> T {
        self.factor
    }

    fn scale(&self) -> T {
        self.unit
    }

    fn failure(&self) -> Option<Status> {
        self.best.failure()
    }

    fn settle(&mut self, status: Status) -> Option<T> {
        if status != Status::NotFinite && self.average().is_some() {
            // Rounding may have carried an average out of the set.
            self.set.project(self.work.average);
            core::mem::swap(&mut self.work.x, &mut self.work.average);
            self.evaluate();
            if self.value.is_finite() {
                self.best.improve(self.steps, self.work.x, self.value);
            }
            // A run that goes on needs the sub-gradient of its own point.
            core::mem::swap(&mut self.work.x, &mut self.work.average);
            self.evaluate();
        }
        None
    }
}
