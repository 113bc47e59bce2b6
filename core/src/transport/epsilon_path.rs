//! A path of falling ε before the one that is asked for: ε scaling.
//!
//! ```text
//! ε_k = max(ε, ε₀ q^k),  k = 0, 1, …;   g of a stage is where the next one starts
//! ```
//! Large ε find out quickly, and roughly, where mass must go; small ones make it sharp. It shortens that
//! first phase only: the rate near the end is that of the last ε, which is a matter for over-relaxation.
//!
//! *Step*: one of [`sinkhorn`]'s; a stage whose start is good enough takes none. *Residual*, *scale*, *memory*: as there.
//!
//! *Source*: Kosowsky & Yuille 1994; Schmitzer 2019.

use super::cost::Cost;
use super::problem::{Potentials, Problem};
use super::sinkhorn;
use crate::omega::OmegaRule;
use crate::{Error, Observer, Real, Report, Status, Stop};

/// How ε falls, and how well the stages before the last are solved.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EpsilonScaling<T> {
    /// ε₀ as a multiple of the largest cost; positive. Default 1.
    pub first: T,
    /// q, by which ε falls from stage to stage; in (0, 1). Default ½; ¼ where the path is not the
    /// difficulty.
    pub factor: T,
    /// The relative tolerance of the stages before the last; positive. The last one has that of the
    /// options. Default 1e-2.
    pub tolerance: T,
}

impl<T: Real> Default for EpsilonScaling<T> {
    fn default() -> Self {
        Self { first: T::ONE, factor: T::HALF, tolerance: T::from_f64(1e-2) }
    }
}

impl<T: Real> EpsilonScaling<T> {
    /// Refuses a path that does not fall.
    fn check(&self) -> Result<(), Error> {
        let positive = |t: T| t > T::ZERO && t.is_finite();
        let fault = |name, requirement| Err(Error::Option { name, requirement });
        if !positive(self.first) {
            return fault("first", "must be positive and finite");
        }
        // Slower, and the path would have no end worth waiting for.
        if !(self.factor > T::ZERO && self.factor <= T::from_f64(0.99)) {
            return fault("factor", "must lie in (0, 0.99]");
        }
        if !positive(self.tolerance) {
            return fault("tolerance", "must be positive and finite");
        }
        Ok(())
    }
}

/// How a path went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PathReport<T> {
    /// Stages begun, the last one included.
    pub stages: u32,
    /// Steps of all stages.
    pub total_steps: u32,
    /// The ε of the stage that ended the path: the problem's, unless it was stopped before.
    pub epsilon: T,
    /// How that stage ended.
    pub last: Report<T>,
}

/// Solves stage after stage from the g that is handed in. `stop.max_steps` limits the steps of all stages
/// together; a stage that stalls is left for the next.
///
/// # Errors
/// As [`sinkhorn::start`], and [`Error::Option`] for the path. The potentials are untouched then, unless the
/// rule hands out an invalid omega after the first stage.
pub fn solve<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, C>,
    options: &sinkhorn::Options<T>,
    path: &EpsilonScaling<T>,
    rule: &mut R,
    mut x: Potentials<'_, T>,
    storage: &mut [T],
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<PathReport<T>, Error> {
    path.check()?;
    options.stop.check()?;
    let mut epsilon = (path.first * problem.cost().largest()).min(T::MAX).max(problem.epsilon());
    let (mut stages, mut total_steps) = (0_u32, 0_u32);
    loop {
        stages = stages.saturating_add(1);
        let is_last = epsilon <= problem.epsilon();
        let left = options.stop.max_steps.saturating_sub(total_steps);
        let tolerances = if is_last { options.stop } else { Stop::relative(path.tolerance) };
        let stop = Stop { max_steps: left, check_every: options.stop.check_every, ..tolerances };
        let stage = problem.with_epsilon(epsilon)?;
        let workspace = sinkhorn::Workspace::new(&stage, storage)?;
        let stage_options = sinkhorn::Options { stop };
        let last =
            sinkhorn::solve(&stage, &stage_options, &mut *rule, x.reborrow(), workspace, &mut *observer)?;
        total_steps = total_steps.saturating_add(last.steps);
        let goes_on = matches!(last.status, Status::Converged | Status::Stalled);
        if is_last || !goes_on {
            return Ok(PathReport { stages, total_steps, epsilon, last });
        }
        epsilon = (epsilon * path.factor).max(problem.epsilon());
    }
}
