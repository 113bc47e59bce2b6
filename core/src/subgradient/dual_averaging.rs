//! Dual averaging: every sub-gradient so far counts, and none is forgotten.
//!
//! ```text
//! z ← z + λ g,   x ← argmin ⟨z, x⟩ + l1 Σλ ‖x‖₁ + √(t + 1)/(2 R) ‖x − x₀‖²   over the set
//! ```
//! With λ = 1/‖g‖ ([`Options::normalised`]) or 1, R is the unit of distances ([`Options::scale`]): of x itself in the
//! first case, of x for a sub-gradient of length 1 in the second. The step from an average of slopes is less
//! nervous than one from the last slope: for noisy oracles, and with the ℓ1 term for answers with zeros that
//! stay zeros.
//!
//! *Step*: one call of the oracle and one projection. *Residual*: the length of the last step; *scale*: R or ‖x₀‖, the larger. *Memory*: 5 n.
//! The best value falls like 1/√T; averages as in [`method`](super::method).
//!
//! *Source*: Nesterov 2009; Xiao 2010 (the ℓ1 term).

use southwell_simd::vector;

use super::best::{self, Best};
pub use super::best::{Ending, Outcome};
use super::{Oracle, Problem, Projection};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Run, Status, drive};

/// How a problem is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// When the run ends.
    pub ending: Ending<T>,
    /// Whether sub-gradients are divided by their length. Default: yes.
    pub normalised: bool,
    /// The unit of distances R: about ‖x₀ − x*‖. Positive. Default 1.
    pub scale: T,
    /// The weight of ‖x‖₁, which is added to f. Not negative; only with sets that are boxes. Default 0.
    pub l1: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { ending: Ending::default(), normalised: true, scale: T::ONE, l1: T::ZERO }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    x: &'w mut [T],
    g: &'w mut [T],
    z: &'w mut [T],
    origin: &'w mut [T],
    average: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for so many unknowns.
    #[must_use]
    pub const fn required_len(dimension: usize) -> usize {
        dimension.saturating_mul(5)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<O: Oracle<T>, P>(problem: &Problem<O, P>, storage: &'w mut [T]) -> Result<Self, Error> {
        let n = problem.oracle.dimension();
        let [x, g, z, origin, average] = carve(storage, [n, n, n, n, n])?;
        Ok(Self { x, g, z, origin, average })
    }
}

/// A run of dual averaging in progress.
#[derive(Debug)]
pub struct DualAveraging<'a, T, O, P> {
    oracle: O,
    set: P,
    best: Best<'a, T>,
    work: Workspace<'a, T>,
    options: Options<T>,
    norm: T,
    weight: T,
    moved: T,
    unit: T,
    steps: u32,
}

/// Begins a run from the x that is handed in, or from its projection.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Option`] for tolerances, the scale, and an ℓ1 term
/// that is negative or meets a set that is no box; [`Error::Workspace`]. x is untouched then.
pub fn start<'a, T: Real, O: Oracle<T>, P: Projection<T>>(
    problem: Problem<O, P>,
    options: &Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<DualAveraging<'a, T, O, P>, Error> {
    options.ending.check()?;
    if !(options.scale > T::ZERO && options.scale.is_finite()) {
        return Err(Error::Option { name: "scale", requirement: "must be positive and finite" });
    }
    if !(options.l1 >= T::ZERO && options.l1.is_finite()) {
        return Err(Error::Option { name: "l1", requirement: "must be finite and not negative" });
    }
    let Problem { oracle, mut set } = problem;
    if options.l1 > T::ZERO && !set.separable() {
        return Err(Error::Option {
            name: "l1",
            requirement: "needs a set that bounds coordinates one by one",
        });
    }
    let n = oracle.dimension();
    check_len("x", x.len(), n)?;
    check_finite("x", x)?;
    if work.x.len() != n {
        let needed = Workspace::<T>::required_len(n);
        return Err(Error::Workspace { needed, given: work.x.len().saturating_mul(5) });
    }
    work.x.copy_from(x);
    set.project(work.x);
    work.origin.copy_from(work.x);
    work.z.fill(T::ZERO);
    work.average.fill(T::ZERO);
    let unit = options.scale.max(vector::norm_scaled(work.x)).min(T::MAX);
    let best = Best::new(x, &options.ending, oracle.floor());
    let (norm, weight, moved, steps, options) = (T::ZERO, T::ZERO, unit, 0, *options);
    let mut run = DualAveraging { oracle, set, best, work, options, norm, weight, moved, unit, steps };
    let value = run.evaluate();
    run.best.see(0, run.work.x, value, run.optimality());
    Ok(run)
}

/// Solves from the x that is handed in; x holds the best point.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, O: Oracle<T>, P: Projection<T>>(
    problem: Problem<O, P>,
    options: &Options<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    let report = drive(&mut run, &options.ending.stop, observer);
    Ok(run.best.outcome(report))
}

impl<T: Real, O: Oracle<T>, P: Projection<T>> DualAveraging<'_, T, O, P> {
    /// f + l1 ‖x‖₁ at the current point.
    fn evaluate(&mut self) -> T {
        let value = self.oracle.value_and_subgradient(self.work.x, self.work.g);
        self.norm = vector::norm_scaled(self.work.g);
        if self.options.l1 > T::ZERO { value + self.options.l1 * vector::sum_abs(self.work.x) } else { value }
    }

    /// ‖g‖, which proves nothing at 0 if there is another term.
    fn optimality(&self) -> T {
        if self.options.l1 > T::ZERO && self.norm == T::ZERO { T::ONE } else { self.norm }
    }

    /// The least value so far, and the step at which it was seen.
    #[must_use]
    pub fn best(&self) -> (T, u32) {
        (self.best.value, self.best.seen_at)
    }

    /// The current point.
    #[must_use]
    pub fn current(&self) -> &[T] {
        self.work.x
    }
}

impl<T: Real, O: Oracle<T>, P: Projection<T>> Run for DualAveraging<'_, T, O, P> {
    type Real = T;

    fn step(&mut self) {
        if self.best.over() {
            return;
        }
        let lambda = if self.options.normalised && self.norm > T::ZERO { T::ONE / self.norm } else { T::ONE };
        self.oracle.weigh(lambda);
        self.weight += lambda;
        let share = lambda / self.weight;
        let Workspace { x, g, z, origin, average } = &mut self.work;
        vector::axpby(share, x, T::ONE - share, average);
        vector::axpy(lambda, g, z);
        // g holds the point before, to see how far this one is from it.
        g.copy_from(x);
        let reach = self.options.scale / T::from_u32(self.steps.saturating_add(1)).sqrt();
        x.copy_from(origin);
        vector::axpy(-reach, z, x);
        if self.options.l1 > T::ZERO {
            vector::soft_threshold(reach * self.weight * self.options.l1, x);
        }
        self.set.project(x);
        vector::axpy(-T::ONE, x, g);
        self.moved = vector::norm_scaled(g);
        self.steps = self.steps.saturating_add(1);
        let value = self.evaluate();
        self.best.see(self.steps, self.work.x, value, self.optimality());
    }

    fn steps(&mut self, count: u32) -> u32 {
        best::steps(self, count)
    }

    fn residual(&mut self) -> T {
        self.best.residual(self.moved)
    }

    fn parameter(&self) -> T {
        self.options.scale / T::from_u32(self.steps.max(1)).sqrt()
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
        // Rounding may have carried an average out of the set.
        self.set.project(self.work.average);
        core::mem::swap(&mut self.work.x, &mut self.work.average);
        let value = self.evaluate();
        if value.is_finite() {
            self.best.improve(self.steps, self.work.x, value);
        }
        core::mem::swap(&mut self.work.x, &mut self.work.average);
        self.evaluate();
        None
    }
}
