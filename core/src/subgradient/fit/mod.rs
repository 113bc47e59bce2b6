//! Least absolute deviations and quantile regression, with a proof at the end.
//!
//! ```text
//! min Σ w_i ρ_q(y_i − x_iᵀβ):  X = Z R,  b = Rβ,  sub-gradient steps on b from the least-squares fit
//! ```
//! In the coordinates b, whose columns are orthogonal, no parameter needs a scale: the first length is the median
//! residual of the start, lengths fall by 3 % a step ([`rule`]). Every 25 steps the vertex near the best b is tried
//! ([`certify::vertex`]): if it is a minimum, the run ends as [`Status::Optimal`], a few hundred steps
//! from the start for data in general position, and β is exact to rounding.
//!
//! *Step*: one reading of Z. *Residual*: the length of the last step, in units of y: what a typical fitted value
//! moved by. *Scale*: the larger of the median residual of the start and ‖b‖. *Memory*: a copy of X
//! ([`Whitening::Orthogonal`]; none with [`Whitening::Columns`]), 3 p² + 13 p, and 2 n if a bound is wanted.
//!
//! *Bound*: if the [`Workspace`] has room for it, an average of the slopes gives a lower bound of the least value at every try,
//! proof or not, for data that are degenerate; take [`Diminishing`](super::step::Diminishing) lengths then.
//!
//! *Fails* to prove anything where columns are dependent (the coefficient of a dependent one is 0), and at times where
//! many more residuals than columns vanish: it then ends as [`Status::Converged`] with small steps, and the bound, if
//! wanted, says how far it can be from the best. A loss by absolute values bounds what an outlier in y can do; those
//! in X (leverage) move it as they move least squares. *Take something else* as the [family](super) says.
//!
//! *Source*: Koenker & Bassett 1978 (quantile regression); Barrodale & Roberts 1973 (vertices); the rest is textbook.

mod white;
mod workspace;

use southwell_simd::{dense, vector};

use super::Problem;
use super::best::{self, Ending};
use super::certify;
use super::method::{self, Outcome, Subgradient};
use super::quantile::Quantile;
use super::select::median;
use super::step::{Geometric, StepRule};
use super::whiten::{column_scales, into_white, unwhiten, whiten};
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Run, Status, drive};
pub use white::{Reader, Rows};
use white::{White, least_squares};
pub use workspace::Workspace;

/// The coordinates that steps are taken in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Whitening {
    /// Orthogonal columns: a copy of X, 4 n p² operations once. The figures of this module are for this one.
    #[default]
    Orthogonal,
    /// Columns divided by their largest entry: no copy. As good only where columns are nearly orthogonal.
    Columns,
}

/// Where a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Start {
    /// At the least-squares fit (weighted as the loss), or at β where that does not exist.
    #[default]
    LeastSquares,
    /// At the β that is handed in.
    Given,
}

/// How a fit is found.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// When the run ends, proofs aside. Default: a relative step of 1e-8 (`f32`: 1e-5), 10,000 steps.
    pub ending: Ending<T>,
    /// Where it begins.
    pub start: Start,
    /// Steps between two attempts at a proof; 0 for none. Default 25.
    pub certify_every: u32,
    /// The run has converged when the bound is within this share of the value. Default 0: it must reach it.
    pub gap: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { ending: Ending::default(), start: Start::default(), certify_every: 25, gap: T::ZERO }
    }
}

/// The rule that this module recommends: lengths from the median residual down, by 3 % a step, twice more half as
/// fast if nothing was proven.
#[must_use]
pub fn rule<T: Real>() -> Geometric<T> {
    Geometric::default().restarted(2)
}

/// A fit in progress.
#[derive(Debug)]
pub struct Fit<'a, T, R, P = ()> {
    loss: Quantile<'a, T>,
    run: Subgradient<'a, T, White<'a, T, P>, (), R>,
    whitening: Whitening,
    triangle: &'a [T],
    beta: &'a mut [T],
    near: &'a mut [T],
    vertex: &'a mut [T],
    indices: &'a mut [u32],
    every: u32,
    gap: T,
    steps: u32,
    value: T,
    seen_at: u32,
    bound: T,
    /// The value of b when β was last made of it.
    taken: T,
    tried: Option<u32>,
    proven: bool,
    close: bool,
}

/// Begins a fit. β is where it begins with [`Start::Given`], and holds the best fit when a drive ends.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for β; [`Error::Option`] for tolerances and what the rule refuses;
/// [`Error::Workspace`] if the workspace was carved for another problem. β is untouched then.
pub fn start<'a, T: Real, R: StepRule<T>>(
    loss: &Quantile<'a, T>,
    options: &Options<T>,
    rule: R,
    beta: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Fit<'a, T, R>, Error> {
    start_with((), loss, options, rule, beta, work)
}

/// The same, the rows of every step read by another one than the calling thread alone. What is done once (whitening, the
/// start) and what proves something every so many steps is the calling thread's.
///
/// # Errors
/// As [`start`].
pub fn start_with<'a, T: Real, R: StepRule<T>, P: Reader<T>>(
    reader: P,
    loss: &Quantile<'a, T>,
    options: &Options<T>,
    rule: R,
    beta: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Fit<'a, T, R, P>, Error> {
    let (n, p) = (loss.table.rows(), loss.table.columns());
    options.ending.check()?;
    if !(options.gap >= T::ZERO && options.gap.is_finite()) {
        return Err(Error::Option { name: "gap", requirement: "must be finite and not negative" });
    }
    check_len("beta", beta.len(), p)?;
    check_finite("beta", beta)?;
    let Workspace { whitening, white, slopes, mean, triangle, b, near, scratch, method, vertex, indices } =
        work;
    let expected = Workspace::<T>::lengths(n, p, whitening, !mean.is_empty());
    let given = [white.len(), slopes.len(), mean.len(), triangle.len(), b.len()];
    if expected.get(..5) != Some(&given[..]) {
        let given = given.iter().fold(0_usize, |sum, &len| sum.saturating_add(len));
        let needed = Workspace::<T>::required_len(n, p, whitening, !mean.is_empty());
        return Err(Error::Workspace { needed, given });
    }
    let rows = match whitening {
        Whitening::Orthogonal => {
            whiten(loss, white, triangle, near);
            dense::Matrix { values: &*white, columns: p, stride: p }
        }
        Whitening::Columns => {
            column_scales(loss.table.values(), p, triangle);
            loss.table.parts()
        }
    };
    let triangle = &*triangle;
    let scales = if whitening == Whitening::Columns { triangle } else { &[] };
    match whitening {
        Whitening::Orthogonal => into_white(triangle, beta, b),
        Whitening::Columns => b.iter_mut().zip(&*beta).zip(scales).for_each(|((b, &x), &s)| *b = x * s),
    }
    mean.fill(T::ZERO);
    let mut oracle =
        White { reader, loss: *loss, rows, scales, scaled: scratch, slopes, mean, total: T::ZERO };
    if options.start == Start::LeastSquares {
        least_squares(&mut oracle, b, near, vertex);
    }
    // The unit of lengths: half of the residuals are larger.
    oracle.divide(b);
    let rows_used = loss.y.iter().enumerate().filter(|&(row, _)| loss.weight(row) > T::ZERO);
    let sizes = rows_used.map(|(row, &y)| (y - vector::dot(rows.row(row), oracle.scaled)).abs());
    let middle = median(sizes.clone());
    let largest = sizes.fold(T::ZERO, T::max);
    let scale = if middle > T::ZERO { middle } else { largest }.max(T::MIN_POSITIVE).min(T::MAX);
    let problem = Problem { oracle, set: () };
    let options_of_method = method::Options { ending: options.ending, average: false, scale };
    let work = method::Workspace::carve(p, false, method)?;
    let run = method::start(problem, &options_of_method, rule, b, work)?;
    Ok(Fit {
        loss: *loss,
        run,
        whitening,
        triangle,
        beta,
        near,
        vertex,
        indices,
        every: options.certify_every,
        gap: options.gap,
        steps: 0,
        value: T::INFINITY,
        seen_at: 0,
        bound: T::ZERO,
        taken: T::INFINITY,
        tried: None,
        proven: false,
        close: false,
    })
}

/// Fits; β holds the best fit.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, R: StepRule<T>>(
    loss: &Quantile<'_, T>,
    options: &Options<T>,
    rule: R,
    beta: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    solve_with((), loss, options, rule, beta, workspace, observer)
}

/// The same with a reader: see [`start_with`].
///
/// # Errors
/// As [`start`].
pub fn solve_with<T: Real, R: StepRule<T>, P: Reader<T>>(
    reader: P,
    loss: &Quantile<'_, T>,
    options: &Options<T>,
    rule: R,
    beta: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start_with(reader, loss, options, rule, beta, workspace)?;
    let report = drive(&mut run, &options.ending.stop, observer);
    Ok(Outcome { report, value: run.value, seen_at: run.seen_at, lower_bound: run.bound })
}

impl<T: Real, R: StepRule<T>, P: Reader<T>> Fit<'_, T, R, P> {
    /// near ← the best b as coefficients, and what it is worth if that is news.
    fn take(&mut self) {
        let (value, seen_at) = self.run.best();
        match self.whitening {
            Whitening::Orthogonal => unwhiten(self.triangle, self.run.x(), self.near),
            Whitening::Columns => {
                let scaled = self.run.x().iter().zip(self.triangle);
                self.near.iter_mut().zip(scaled).for_each(|(near, (&b, &scale))| *near = b / scale);
            }
        }
        if value < self.taken {
            self.taken = value;
            let value = self.loss.value(self.near);
            if value < self.value {
                (self.value, self.seen_at) = (value, seen_at);
                self.beta.copy_from(self.near);
            }
        }
    }

    /// Tries to prove something about the best point so far.
    fn certify(&mut self) {
        if self.tried == Some(self.steps) {
            return;
        }
        self.tried = Some(self.steps);
        self.take();
        if self.every > 0
            && let Ok(Some(found)) = certify::vertex(&self.loss, self.near, self.vertex, self.indices)
        {
            let value = found.value;
            if value < self.value || (found.optimal && value <= self.value) {
                // `near` is the vertex unless that is worse than what it was made from.
                let value = self.loss.value(self.near);
                if value <= self.value {
                    (self.value, self.seen_at) = (value, self.steps);
                    self.beta.copy_from(self.near);
                }
            }
            self.bound = self.bound.max(found.lower_bound);
            // Rounding may leave another point a little lower; the proof is about the value.
            self.proven |= found.optimal;
        }
        let white = self.run.oracle();
        if !white.mean.is_empty() && white.total > T::ZERO {
            let scratch = &mut *white.scaled;
            let bound = certify::dual_bound(&self.loss, white.rows, white.mean, white.total, scratch);
            self.bound = self.bound.max(bound);
        }
        self.bound = self.bound.min(self.value);
        self.close = self.value - self.bound <= self.gap * self.value.abs();
    }

    /// The best fit, and its value, as of the last try or the end of a drive.
    #[must_use]
    pub fn best(&self) -> (&[T], T) {
        (self.beta, self.value)
    }

    /// The least value of the problem is not below this.
    #[must_use]
    pub fn lower_bound(&self) -> T {
        self.bound
    }
}

impl<T: Real, R: StepRule<T>, P: Reader<T>> Run for Fit<'_, T, R, P> {
    type Real = T;

    fn step(&mut self) {
        if self.failure().is_some() {
            return;
        }
        self.run.step();
        self.steps = self.steps.saturating_add(1);
        if self.every > 0 && self.steps.is_multiple_of(self.every) {
            self.certify();
        }
    }

    fn steps(&mut self, count: u32) -> u32 {
        best::steps(self, count)
    }

    fn residual(&mut self) -> T {
        if self.close && self.value.is_finite() { T::ZERO } else { self.run.residual() }
    }

    fn confirm(&mut self, _tolerance: T) -> Option<T> {
        self.certify();
        Some(self.residual())
    }

    fn parameter(&self) -> T {
        self.run.parameter()
    }

    fn scale(&self) -> T {
        self.run.scale()
    }

    fn failure(&self) -> Option<Status> {
        if self.proven { Some(Status::Optimal) } else { self.run.failure() }
    }
}
