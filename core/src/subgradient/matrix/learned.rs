//! A number of the step rule, learned over a sequence of problems.

use rand_core::Rng;

use super::step::Step;
use crate::Real;
use crate::bandit::{Grid, Tuner};

/// Any tuner as the chooser of a step rule: an arm is drawn before each run, and what the run cost is its
/// loss.
///
/// What a run costs is the caller's to say: the steps until a target value was met ([`Options::target`]),
/// or the value after a fixed number of steps. Steps alone do not do where no target is known: a step that
/// shrinks too fast ends soon, at a wrong point.
///
/// ```
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
/// use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
/// use southwell::subgradient::matrix::{Learned, Step};
///
/// // How fast held steps shrink.
/// let shrink = |rho| Step::Held { eta0: 0.25, rho, hold: 60 };
/// let tuner = TsallisInf::<f64, 5>::new(TsallisOptions::default())?;
/// let mut learned = Learned::new(tuner, Grid::new(0.8, 0.96, 5)?, Xoshiro256PlusPlus::seed_from_u64(1),
/// shrink); for _ in 0..10 {
///     let step = learned.next(0.0);
///     // … solve with `step` in the options …
///     let Step::Held { rho, .. } = step else { unreachable!() };
///     learned.learn(100.0 + 500.0 * (rho - 0.92).abs());
/// }
/// # Ok::<(), southwell::Error>(())
/// ```
///
/// [`Options::target`]: super::Options::target
#[derive(Clone, Debug)]
pub struct Learned<T, B, G, F> {
    tuner: B,
    grid: Grid<T>,
    rng: G,
    rule: F,
}

impl<T: Real, B: Tuner<T>, G: Rng, F: Fn(T) -> Step<T>> Learned<T, B, G, F> {
    /// A chooser that draws from `grid` with `tuner` and `rng` the number that `rule` is made of. A tuner
    /// with more arms than the grid has values gets the last value for the rest.
    #[must_use]
    pub fn new(tuner: B, grid: Grid<T>, rng: G, rule: F) -> Self {
        Self { tuner, grid, rng, rule }
    }

    /// The rule for the next run; `context` is for tuners that use one.
    pub fn next(&mut self, context: T) -> Step<T> {
        let arm = self.tuner.choose_with(context, self.rng.next_u64());
        (self.rule)(self.grid.value(arm))
    }

    /// What the last run cost; ignored if it is negative or not finite.
    pub fn learn(&mut self, loss: T) {
        self.tuner.learn(loss);
    }

    /// The rule believed best so far.
    pub fn incumbent(&self) -> Step<T> {
        (self.rule)(self.grid.value(self.tuner.incumbent()))
    }

    /// The tuner, to look at.
    #[must_use]
    pub fn tuner(&self) -> &B {
        &self.tuner
    }
}
