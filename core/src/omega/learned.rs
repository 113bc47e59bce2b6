//! Omega learned over a sequence of problems by a [`Tuner`].

use rand_core::Rng;

use super::{OmegaRule, Sight};
use crate::bandit::{Grid, Tuner, Unimodal, UnimodalOptions};
use crate::{Error, Progress, Real, Report};

/// What a run is charged with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cost {
    /// Its steps, less one: known without being told.
    #[default]
    Steps,
    /// What the caller tells by [`Learned::tell`], a measured time say.
    Told,
}

/// Any tuner as a rule: an arm is drawn before each run, and the run's cost is its loss.
///
/// A tuner with a [budget](Tuner::budget) abandons a run that exceeds it: the run goes on with the
/// tuner's incumbent, x being kept, and the sum is charged.
///
/// ```
/// use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
/// use southwell::bandit::{Grid, TsallisInf, TsallisOptions};
/// use southwell::linear::{Star, Stencil2d};
/// use southwell::relaxation::{Learned, Problem, sor};
///
/// let star = Star { centre: 5.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, ..Star::default() };
/// let a = Stencil2d::constant(8, 8, star)?;
/// let tuner = TsallisInf::<f64, 20>::new(TsallisOptions::default())?;
/// let mut rule = Learned::new(tuner, Grid::<f64>::RELAXATION, Xoshiro256PlusPlus::seed_from_u64(1));
/// let mut storage = [0.0; sor::Workspace::<f64>::required_len(64, 0)];
/// for _ in 0..20 {
///     let b = [1.0; 64];
///     let problem = Problem::new(&a, &b)?;
///     let workspace = sor::Workspace::new(&problem, &mut storage)?;
///     let mut x = [0.0; 64];
///     sor::solve(&problem, &sor::Options::default(), &mut rule, &mut x, workspace, &mut ())?;
/// }
/// # Ok::<(), southwell::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Learned<T, B, G> {
    /// The context of the next run, for tuners that use one. Set it before each run.
    pub context: T,
    /// What a run is charged with. Default: its steps.
    pub cost: Cost,
    tuner: B,
    grid: Grid<T>,
    rng: G,
    abandoned: bool,
}

impl<T: Real, B: Tuner<T>, G: Rng> Learned<T, B, G> {
    /// A rule that draws from `grid` with `tuner` and `rng`. A tuner with more arms than the grid has
    /// values gets the last value for the rest.
    #[must_use]
    pub fn new(tuner: B, grid: Grid<T>, rng: G) -> Self {
        Self { context: T::ZERO, cost: Cost::Steps, tuner, grid, rng, abandoned: false }
    }

    /// Tells what the last run cost, where [`Cost::Told`] is set; ignored otherwise, and if the cost
    /// is negative or not finite.
    pub fn tell(&mut self, cost: T) {
        if self.cost == Cost::Told {
            self.tuner.learn(cost);
        }
    }

    /// The tuner, to look at.
    #[must_use]
    pub fn tuner(&self) -> &B {
        &self.tuner
    }
}

/// The steps of a run as a loss.
fn steps_as_loss<T: Real>(steps: u32) -> T {
    T::from_u32(steps.saturating_sub(1))
}

impl<T: Real, B: Tuner<T>, G: Rng> OmegaRule<T> for Learned<T, B, G> {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        self.abandoned = false;
        let arm = self.tuner.choose_with(self.context, self.rng.next_u64());
        self.grid.value(arm)
    }

    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        // A budget is in the unit of the losses; only steps can be compared with it from here.
        let budget = if self.cost == Cost::Steps && !self.abandoned { self.tuner.budget() } else { None };
        if budget.is_some_and(|budget| steps_as_loss::<T>(progress.step) > budget) {
            self.abandoned = true;
            return Some(self.grid.value(self.tuner.incumbent()));
        }
        None
    }

    fn end(&mut self, report: &Report<T>) {
        if self.cost == Cost::Steps {
            self.tuner.learn(steps_as_loss(report.steps));
        }
    }
}

/// Arms of [`Auto`].
const ARMS: usize = 20;
/// Contexts that [`Auto`] tells apart.
const BINS: usize = 16;

/// Where [`Auto`] starts at most: the model is right for fine Poisson grids, but matrices whose rows
/// sum to about zero without being one (networks, plates) are best served lower, and an omega that is
/// too large costs more than one that is too small.
const LARGEST_START: f64 = 1.5;

/// Omega learned without any help from the caller.
///
/// The rule looks at what a solver sees anyway ([`Sight::coupling`], μ: in a linear system the ratio of
/// off-diagonal to diagonal weight), starts at the model value ω = 2/(1 + √(2(1 − μ))) of SSOR or at 1.5 if that
/// is less, and walks downhill from there, separately for each of 16 ranges of √(1 − μ) ([`Unimodal`]). Deterministic.
///
/// Memory: about 1000 numbers.
#[derive(Clone, Debug)]
pub struct Auto<T> {
    tuner: Unimodal<T, ARMS, BINS>,
    grid: Grid<T>,
}

impl<T: Real> Auto<T> {
    /// A rule that has seen nothing; omega from 1.00, 1.05 … 1.95.
    ///
    /// # Errors
    /// None: the constants are valid.
    pub fn new() -> Result<Self, Error> {
        let grid = Grid::new(T::ONE, T::from_f64(1.95), ARMS as u32)?;
        // The context is s = √(1 − μ).
        let start = |s: T| {
            let model = T::TWO / (T::ONE + T::TWO.sqrt() * s);
            grid.at_or_above(model.min(T::from_f64(LARGEST_START)))
        };
        Ok(Self { tuner: Unimodal::new(T::ZERO, T::ONE, start, UnimodalOptions::default())?, grid })
    }
}

impl<T: Real> OmegaRule<T> for Auto<T> {
    fn begin(&mut self, sight: &Sight<'_, T>) -> T {
        let rest = (T::ONE - sight.coupling()).max(T::ZERO);
        // Deterministic: the word is not used.
        self.grid.value(self.tuner.choose_with(rest.sqrt(), 0))
    }

    fn end(&mut self, report: &Report<T>) {
        self.tuner.learn(steps_as_loss(report.steps));
    }
}
