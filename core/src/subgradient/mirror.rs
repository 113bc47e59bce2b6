//! Mirror descent on the simplex, and a proof of how good it is.
//!
//! ```text
//! x_i ← x_i e^(−η g_i)/Σ,   x ≥ 0, Σ x = 1
//! ```
//! The step of a sub-gradient method in the geometry of the entropy: with lengths η ‖g‖_∞ = √(2 ln n/T) the best of T
//! steps is within ‖g‖_∞ √(2 ln n/T) of the least value, where the Euclidean method has √(n/T). Rules are those of
//! [`step`](super::step), with ‖g‖_∞ for ‖g‖₂ and 1 for the scale; `Diminishing(√(2 ln n))` if T is not known.
//!
//! For a convex f, averages of what was seen bound it: f* ≥ Σ η_t (f_t − g_tᵀx_t)/Σ η_t + min_i Σ η_t g_ti/Σ η_t. *Residual*:
//! the best value less that bound, so that [`Status::Converged`](crate::Status) is a proof within the
//! tolerance. *Scale*: |f| at the start, or the first residual if that is larger. *Step*: one call of the oracle
//! and n exponentials. *Memory*: 5 n. x holds the best point seen; the average x̄, brought to a sum of 1 as every point
//! is, is looked at when a drive ends.
//!
//! *Fails*: the bound is wrong for an f that is not convex. A coordinate never falls below the smallest normal
//! number, so that it can come back.
//!
//! *Source*: Nemirovski & Yudin 1983; Beck & Teboulle 2003.

use southwell_simd::elementary::exp_in_place;
use southwell_simd::vector;

use super::Oracle;
use super::best::{self, Best};
pub use super::best::{Ending, Outcome};
use super::step::{Choice, Sight, StepRule};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    x: &'w mut [T],
    g: &'w mut [T],
    average: &'w mut [T],
    slopes: &'w mut [T],
    spare: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for so many unknowns.
    #[must_use]
    pub const fn required_len(dimension: usize) -> usize {
        dimension.saturating_mul(5)
    }

    /// Carves the workspace for an oracle.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new(oracle: &impl Oracle<T>, storage: &'w mut [T]) -> Result<Self, Error> {
        let n = oracle.dimension();
        let [x, g, average, slopes, spare] = carve(storage, [n, n, n, n, n])?;
        Ok(Self { x, g, average, slopes, spare })
    }
}

/// A run of mirror descent in progress.
#[derive(Debug)]
pub struct Mirror<'a, T, O, R> {
    oracle: O,
    rule: R,
    best: Best<'a, T>,
    work: Workspace<'a, T>,
    value: T,
    norm: T,
    factor: T,
    weight: T,
    /// Σ η (f − gᵀx)
    level: T,
    unit: T,
    steps: u32,
}

/// Refuses what is no point to begin from: entries must not be negative, nor all 0.
pub(super) fn check_weights<T: Real>(name: &'static str, x: &[T]) -> Result<(), Error> {
    check_finite(name, x)?;
    if let Some(index) = x.iter().position(|&x| x < T::ZERO) {
        return Err(Error::Negative { argument: name, index });
    }
    let sum = vector::sum(x);
    if sum >= T::MIN_POSITIVE && sum.is_finite() {
        Ok(())
    } else {
        Err(Error::Mass { argument: name, requirement: "must be positive and finite" })
    }
}

/// Brings entries to a sum of 1, none of them below the smallest normal number before.
pub(super) fn normalise<T: Real>(x: &mut [T]) {
    x.iter_mut().for_each(|x| *x = x.max(T::MIN_POSITIVE));
    let sum = vector::sum(x);
    vector::scale(T::ONE / sum, x);
}

/// x_i ← x_i e^(η g_i)/Σ; g is used up.
pub(super) fn tilt<T: Real>(x: &mut [T], eta: T, g: &mut [T]) {
    let top = g.iter().fold(-T::INFINITY, |top, &g| top.max(eta * g));
    g.iter_mut().for_each(|g| *g = eta * *g - top);
    exp_in_place(g);
    vector::multiply(g, x);
    normalise(x);
}

/// Begins a run from the x that is handed in, brought to a sum of 1 (equal entries are a good start).
///
/// # Errors
/// [`Error::Dimension`], [`Error::Value`], [`Error::Negative`] or [`Error::Mass`] for x; [`Error::Option`] for
/// tolerances and what the rule refuses; [`Error::Workspace`]. x is untouched then.
pub fn start<'a, T: Real, O: Oracle<T>, R: StepRule<T>>(
    mut oracle: O,
    ending: &Ending<T>,
    mut rule: R,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Mirror<'a, T, O, R>, Error> {
    ending.check()?;
    let n = oracle.dimension();
    if n == 0 {
        return Err(Error::Option { name: "oracle", requirement: "must have at least one unknown" });
    }
    check_len("x", x.len(), n)?;
    check_weights("x", x)?;
    if work.x.len() != n {
        return Err(Error::Workspace {
            needed: Workspace::<T>::required_len(n),
            given: work.x.len().saturating_mul(5),
        });
    }
    work.x.copy_from(x);
    normalise(work.x);
    let value = oracle.value_and_subgradient(work.x, work.g);
    let norm = largest(work.g);
    rule.begin(&Sight { step: 0, value, best: value, norm, scale: T::ONE })?;
    work.average.fill(T::ZERO);
    work.slopes.fill(T::ZERO);
    let mut best = Best::new(x, ending, oracle.floor());
    best.see(0, work.x, value, norm);
    let gap = vector::dot(work.g, work.x) - least(work.g);
    best.bound(value - gap);
    let unit = value.abs().max(gap).min(T::MAX);
    let (factor, weight, level, steps) = (T::ZERO, T::ZERO, T::ZERO, 0);
    Ok(Mirror { oracle, rule, best, work, value, norm, factor, weight, level, unit, steps })
}

/// Solves from the x that is handed in; x holds the best point.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, O: Oracle<T>, R: StepRule<T>>(
    oracle: O,
    ending: &Ending<T>,
    rule: R,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(oracle, ending, rule, x, workspace)?;
    let report = drive(&mut run, &ending.stop, observer);
    Ok(run.best.outcome(report))
}

/// ‖g‖_∞, NaN if an entry is one.
fn largest<T: Real>(g: &[T]) -> T {
    if vector::first_not_finite(g).is_some() { T::NAN } else { vector::max_abs(g) }
}

fn least<T: Real>(g: &[T]) -> T {
    g.iter().fold(T::INFINITY, |least, &g| least.min(g))
}

impl<T: Real, O: Oracle<T>, R: StepRule<T>> Mirror<'_, T, O, R> {
    fn sight(&self) -> Sight<T> {
        let Self { steps: step, value, norm, .. } = *self;
        Sight { step, value, best: self.best.value, norm, scale: T::ONE }
    }

    fn evaluate(&mut self) {
        self.value = self.oracle.value_and_subgradient(self.work.x, self.work.g);
        self.norm = largest(self.work.g);
    }

    /// Averages of point and slopes, and the bound that they give.
    fn average(&mut self, factor: T) {
        self.weight += factor;
        vector::axpy(factor, self.work.x, self.work.average);
        vector::axpy(factor, self.work.g, self.work.slopes);
        self.level += factor * (self.value - vector::dot(self.work.g, self.work.x));
        let bound = (self.level + least(self.work.slopes)) / self.weight;
        if bound.is_finite() {
            self.best.bound(bound);
        }
    }

    /// The least value so far, and what no value is below.
    #[must_use]
    pub fn bounds(&self) -> (T, T) {
        (self.best.value, self.best.floor)
    }
}

impl<T: Real, O: Oracle<T>, R: StepRule<T>> Run for Mirror<'_, T, O, R> {
    type Real = T;

    fn step(&mut self) {
        if self.best.over() {
            return;
        }
        let mut choice = self.rule.next(&self.sight());
        if choice == Choice::Return {
            self.work.x.copy_from(self.best.x);
            normalise(self.work.x);
            self.evaluate();
            choice = self.rule.next(&self.sight());
        }
        if let Choice::Move(factor) = choice {
            self.average(factor);
            self.oracle.weigh(factor);
            tilt(self.work.x, -factor, self.work.g);
            self.factor = factor;
        }
        self.steps = self.steps.saturating_add(1);
        self.evaluate();
        self.best.see(self.steps, self.work.x, self.value, self.norm);
    }

    fn steps(&mut self, count: u32) -> u32 {
        best::steps(self, count)
    }

    fn residual(&mut self) -> T {
        let gap = (self.best.value - self.best.floor).max(T::ZERO);
        self.best.residual(gap)
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
        if status == Status::NotFinite || self.weight == T::ZERO {
            return None;
        }
        self.work.spare.copy_from(self.work.average);
        vector::scale(T::ONE / self.weight, self.work.spare);
        // As many roundings as steps are in it.
        normalise(self.work.spare);
        let value = self.oracle.value_and_subgradient(self.work.spare, self.work.g);
        if value.is_finite() {
            self.best.improve(self.steps, self.work.spare, value);
        }
        // A run that goes on needs the sub-gradient of its own point.
        self.evaluate();
        None
    }
}
