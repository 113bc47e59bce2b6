//! A sum constraint: min f(x) with lo ≤ x ≤ hi and Σ x = s, by greedy pairs (sequential minimal optimisation).
//!
//! No single variable can move alone, so two do: i with the least derivative of those that can grow, j with the largest
//! of those that can shrink, and
//!
//! ```text
//! x_i += δ,  x_j −= δ,   δ = (g_j − g_i)/(H_ii + H_jj − 2 H_ij), cut to the bounds.
//! ```
//!
//! One *step* is one pair: a gradient (free where the state holds it), a look at it, two shifts. The *residual* is
//! g_j − g_i, 0 where no pair gains; the sum is kept to rounding. The objective never rises. Memory: a gradient and
//! two states. A pair without curvature along which f falls for ever ends the run as
//! [`Breakdown`](crate::Status::Breakdown); bounds prevent that.
//!
//! *Source*: Platt 1998; Keerthi, Shevade, Bhattacharyya & Murthy 2001 (the maximal violating pair).

use super::losses::Loss;
use super::penalties::{Interval, Penalty};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// min f(x), lo ≤ x ≤ hi, Σ x = s.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a, T, L> {
    loss: &'a L,
    bounds: Interval<'a, T>,
    sum: T,
}

impl<'a, T: Real, L: Loss<T>> Problem<'a, T, L> {
    /// A loss, bounds for its variables and what these sum to.
    ///
    /// # Errors
    /// What is wrong with the bounds ([`Penalty::check`]; `l2` must be 0); [`Error::Mass`] if the bounds do not allow
    /// the sum, or it is not finite.
    pub fn new(loss: &'a L, bounds: Interval<'a, T>, sum: T) -> Result<Self, Error> {
        let variables = loss.variables();
        bounds.check(variables)?;
        if bounds.l2 != T::ZERO {
            return Err(Error::Option { name: "l2", requirement: "must be zero here: put it into the loss" });
        }
        let total = |of: &dyn Fn(usize) -> T| (0..variables).fold(T::ZERO, |total, i| total + of(i));
        let (least, most) = (total(&|i| bounds.lower.get(i)), total(&|i| bounds.upper.get(i)));
        if !sum.is_finite() || sum < least || sum > most || variables == 0 {
            return Err(Error::Mass {
                argument: "sum",
                requirement: "must be finite and within the sums of the bounds",
            });
        }
        Ok(Self { loss, bounds, sum })
    }
}

/// Memory of a run. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    state: &'w mut [T],
    spare: &'w mut [T],
    gradient: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Numbers needed for a loss with this [`Loss::state_len`] and [`Loss::gradient_len`].
    #[must_use]
    pub const fn required_len(state: usize, gradient: usize) -> usize {
        state.saturating_mul(2).saturating_add(gradient)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<L: Loss<T>>(problem: &Problem<'_, T, L>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (state, gradient) = (problem.loss.state_len(), problem.loss.gradient_len());
        let [state, spare, gradient] = carve(storage, [state, state, gradient])?;
        Ok(Self { state, spare, gradient })
    }
}

/// A run of greedy pairs in progress.
#[derive(Debug)]
pub struct Pairs<'a, T, L> {
    problem: Problem<'a, T, L>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
    scale: T,
    failure: Option<Status>,
}

/// The pair that violates most.
#[derive(Clone, Copy, Debug)]
struct Pair<T> {
    grows: usize,
    shrinks: usize,
    /// g_j − g_i.
    slope: T,
}

/// Begins a run. x is cut to its bounds, and then moved, first variable first, until it has its sum.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Workspace`] if the
/// workspace was carved for another problem. x is untouched then.
pub fn start<'a, T: Real, L: Loss<T>>(
    problem: &Problem<'a, T, L>,
    stop: &Stop<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Pairs<'a, T, L>, Error> {
    stop.check()?;
    check_len("x", x.len(), problem.loss.variables())?;
    check_finite("x", x)?;
    let lengths = (problem.loss.state_len(), problem.loss.gradient_len());
    let given = (work.state.len(), work.gradient.len());
    if lengths != given {
        let needed = Workspace::<T>::required_len(lengths.0, lengths.1);
        return Err(Error::Workspace { needed, given: Workspace::<T>::required_len(given.0, given.1) });
    }
    let bounds = problem.bounds;
    let mut missing = problem.sum;
    for (i, x) in x.iter_mut().enumerate() {
        *x = x.max(bounds.lower.get(i)).min(bounds.upper.get(i));
        missing -= *x;
    }
    for (i, x) in x.iter_mut().enumerate() {
        let to = (*x + missing).max(bounds.lower.get(i)).min(bounds.upper.get(i));
        missing -= to - *x;
        *x = to;
    }
    problem.loss.begin(x, work.state);
    let mut run = Pairs {
        problem: Problem { loss: problem.loss, bounds, sum: problem.sum },
        x,
        work,
        scale: T::ZERO,
        failure: None,
    };
    run.scale = run.residual();
    Ok(run)
}

/// Solves from the x that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, L: Loss<T>>(
    problem: &Problem<'_, T, L>,
    stop: &Stop<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, stop, x, workspace)?;
    Ok(drive(&mut run, stop, observer))
}

/// Ties go to the lower index.
fn worst<T: Real>(bounds: &Interval<'_, T>, x: &[T], g: &[T]) -> Option<Pair<T>> {
    let (mut least, mut most) = (None, None);
    for (i, (&x, &g)) in x.iter().zip(g).enumerate() {
        if x < bounds.upper.get(i) && least.is_none_or(|(_, least)| g < least) {
            least = Some((i, g));
        }
        if x > bounds.lower.get(i) && most.is_none_or(|(_, most)| g > most) {
            most = Some((i, g));
        }
    }
    let ((grows, least), (shrinks, most)) = (least?, most?);
    Some(Pair { grows, shrinks, slope: most - least })
}

impl<T: Real, L: Loss<T>> Pairs<'_, T, L> {
    fn worst(&mut self) -> Option<Pair<T>> {
        let g = self.problem.loss.gradient(self.work.state, self.work.gradient);
        worst(&self.problem.bounds, self.x, g)
    }

    /// Moves a pair; false if rounding leaves nothing to move.
    fn advance(&mut self, pair: Pair<T>) -> Result<bool, Status> {
        let (loss, bounds) = (self.problem.loss, &self.problem.bounds);
        let mut h = [T::ZERO; 4];
        loss.bound(&[pair.grows as u32, pair.shrinks as u32], &mut h);
        let curvature = h[0] + h[3] - (h[1] + h[2]);
        let (Some(&from_i), Some(&from_j)) = (self.x.get(pair.grows), self.x.get(pair.shrinks)) else {
            return Ok(false);
        };
        let (up, down) = (bounds.upper.get(pair.grows) - from_i, from_j - bounds.lower.get(pair.shrinks));
        let room = up.min(down);
        let free = if curvature > T::ZERO { pair.slope / curvature } else { T::INFINITY };
        let delta = free.min(room);
        if !delta.is_finite() {
            return Err(Status::Breakdown);
        }
        // A bound that is reached is met exactly.
        let to_i = if delta == up { bounds.upper.get(pair.grows) } else { from_i + delta };
        let to_j = if delta == down { bounds.lower.get(pair.shrinks) } else { from_j - delta };
        if to_i == from_i || to_j == from_j {
            return Ok(false);
        }
        if !(to_i.is_finite() && to_j.is_finite()) {
            return Err(Status::NotFinite);
        }
        for (i, from, to) in [(pair.grows, from_i, to_i), (pair.shrinks, from_j, to_j)] {
            loss.shift(i, to - from, self.work.state);
            if let Some(x) = self.x.get_mut(i) {
                *x = to;
            }
        }
        loss.finish(self.work.state);
        Ok(true)
    }

    /// f(x) of the state as it is carried along.
    #[must_use]
    pub fn objective(&self) -> T {
        self.problem.loss.value(self.x, self.work.state)
    }

    /// The iterate.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }
}

/// What a pair leaves to gain.
fn residual_of<T: Real>(pair: Option<Pair<T>>, g: &[T]) -> T {
    if southwell_simd::vector::first_not_finite(g).is_some() {
        return T::NAN;
    }
    pair.map_or(T::ZERO, |pair| pair.slope.max(T::ZERO))
}

impl<T: Real, L: Loss<T>> Run for Pairs<'_, T, L> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let Some(pair) = self.worst().filter(|pair| pair.slope > T::ZERO) else {
            self.failure = Some(Status::Stalled);
            return;
        };
        match self.advance(pair) {
            Ok(true) => {}
            Ok(false) => self.failure = Some(Status::Stalled),
            Err(status) => self.failure = Some(status),
        }
    }

    fn residual(&mut self) -> T {
        let g = self.problem.loss.gradient(self.work.state, self.work.gradient);
        residual_of(worst(&self.problem.bounds, self.x, g), g)
    }

    fn parameter(&self) -> T {
        T::TWO
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, tolerance: T) -> Option<T> {
        self.problem.loss.begin(self.x, self.work.spare);
        let g = self.problem.loss.gradient(self.work.spare, self.work.gradient);
        let residual = residual_of(worst(&self.problem.bounds, self.x, g), g);
        if residual > tolerance {
            self.work.state.copy_from(self.work.spare);
        }
        Some(residual)
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
