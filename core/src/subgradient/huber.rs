//! Huber's regression by reweighted least squares, with a gap.
//!
//! ```text
//! f(β) = Σ_i w_i h(y_i − x_iᵀβ),   h(u) = u²/2 for |u| ≤ δ, δ|u| − δ²/2 beyond
//! β ← β + (Xᵀ V X)⁻¹ Xᵀ V r,   v_i = w_i min(1, δ/|r_i|)
//! ```
//! Smooth, so that no sub-gradient is needed: it is here beside [`fit`](super::fit) for the loss between squares and
//! absolute values. On Gaussian noise with δ = 1.345 σ it costs 5 % of accuracy; outliers pull it by δ each, which is
//! more than nothing when they lie on one side.
//!
//! Each step lowers f. The residuals after it, with the weights before it, s_i = v_i r_i, have Xᵀs = 0; shrunk into
//! |s_i| ≤ w_i δ they bound the least value: f* ≥ Σ s_i y_i − s_i²/(2 w_i). *Residual*: f less that bound, so that
//! [`Status::Converged`] is a proof within the tolerance. *Scale*: f at the start. *Step*: two readings of X, p² operations a row.
//! *Memory*: p² + 4 p. *Fails* where columns are dependent ([`Status::Breakdown`]).
//!
//! *Source*: Huber 1964; Holland & Welsch 1977.

use southwell_simd::vector;

use super::Table;
use super::best::{self, Outcome};
use super::quantile::Quantile;
use super::small;
use super::sum::Sum;
use super::whiten::column_scales;
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::{Error, Observer, Real, Run, Status, Stop, drive};

/// Huber's loss of a linear fit.
#[derive(Clone, Copy, Debug)]
pub struct Huber<'a, T> {
    rows: Quantile<'a, T>,
    delta: T,
}

impl<'a, T: Real> Huber<'a, T> {
    /// Rows, observations and the δ beyond which the loss grows linearly, in the unit of y.
    ///
    /// # Errors
    /// As [`Quantile::new`]; [`Error::Option`] unless δ is positive and finite.
    pub fn new(table: Table<'a, T>, y: &'a [T], delta: T) -> Result<Self, Error> {
        let rows = Quantile::absolute(table, y)?;
        if delta > T::ZERO && delta.is_finite() {
            Ok(Self { rows, delta })
        } else {
            Err(Error::Option { name: "delta", requirement: "must be positive and finite" })
        }
    }

    /// The same with weights w_i ≥ 0, not all 0.
    ///
    /// # Errors
    /// As [`Quantile::weighted`].
    pub fn weighted(self, weights: &'a [T]) -> Result<Self, Error> {
        Ok(Self { rows: self.rows.weighted(weights)?, ..self })
    }

    /// f(β). Cost: one reading of X.
    #[must_use]
    pub fn value(&self, beta: &[T]) -> T {
        let mut sum = Sum::new();
        for (row, &y) in self.rows.y.iter().enumerate() {
            let residual = y - vector::dot(self.rows.table.row(row), beta);
            sum.add(self.loss(self.rows.weight(row), residual));
        }
        sum.value()
    }

    fn loss(&self, weight: T, residual: T) -> T {
        let size = residual.abs();
        if weight == T::ZERO {
            T::ZERO
        } else if size <= self.delta {
            weight * (size * size * T::HALF)
        } else {
            weight * (self.delta * (size - self.delta * T::HALF))
        }
    }

    /// v_i for a residual.
    fn pull(&self, weight: T, residual: T) -> T {
        let size = residual.abs();
        if size <= self.delta { weight } else { weight * (self.delta / size) }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    normal: &'w mut [T],
    change: &'w mut [T],
    row: &'w mut [T],
    scales: &'w mut [T],
    next: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for so many columns.
    #[must_use]
    pub const fn required_len(columns: usize) -> usize {
        columns.saturating_mul(columns).saturating_add(columns.saturating_mul(4))
    }

    /// Carves the workspace of a fit.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new(loss: &Huber<'_, T>, storage: &'w mut [T]) -> Result<Self, Error> {
        let p = loss.rows.table.columns();
        let [normal, change, row, scales, next] = carve(storage, [p.saturating_mul(p), p, p, p, p])?;
        Ok(Self { normal, change, row, scales, next })
    }
}

/// Steps without a lower value or a higher bound after which what is left of the gap is rounding.
pub const IDLE_STEPS: u32 = 5;

/// A fit in progress.
#[derive(Debug)]
pub struct Reweighted<'a, T> {
    loss: Huber<'a, T>,
    beta: &'a mut [T],
    work: Workspace<'a, T>,
    value: T,
    bound: T,
    scale: T,
    steps: u32,
    seen_at: u32,
    idle: u32,
    failure: Option<Status>,
}

/// Begins a fit from the β that is handed in (least absolute deviations are a good start, zeros will do).
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for β; [`Error::Option`] for tolerances; [`Error::Workspace`].
/// β is untouched then.
pub fn start<'a, T: Real>(
    loss: &Huber<'a, T>,
    stop: &Stop<T>,
    beta: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Reweighted<'a, T>, Error> {
    stop.check()?;
    let p = loss.rows.table.columns();
    check_len("beta", beta.len(), p)?;
    check_finite("beta", beta)?;
    if work.row.len() != p {
        let given = work.normal.len().saturating_add(work.row.len().saturating_mul(4));
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(p), given });
    }
    column_scales(loss.rows.table.values(), p, work.scales);
    let value = loss.value(beta);
    let (bound, steps, seen_at, idle, failure) = (T::ZERO, 0, 0, 0, None);
    Ok(Reweighted { loss: *loss, beta, work, value, bound, scale: value, steps, seen_at, idle, failure })
}

/// Fits from the β that is handed in; β holds the best fit.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real>(
    loss: &Huber<'_, T>,
    stop: &Stop<T>,
    beta: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(loss, stop, beta, workspace)?;
    let report = drive(&mut run, stop, observer);
    Ok(Outcome { report, value: run.value, seen_at: run.seen_at, lower_bound: run.bound })
}

impl<T: Real> Reweighted<'_, T> {
    /// next ← β + (Xᵀ V X)⁻¹ Xᵀ V r; false if that does not exist.
    fn solve(&mut self) -> bool {
        let Self { loss, beta, work, .. } = self;
        let Workspace { normal, change, row, scales, next } = work;
        let p = beta.len();
        normal.fill(T::ZERO);
        change.fill(T::ZERO);
        for (i, &y) in loss.rows.y.iter().enumerate() {
            let x = loss.rows.table.row(i);
            let residual = y - vector::dot(x, beta);
            let pull = loss.pull(loss.rows.weight(i), residual);
            if pull == T::ZERO {
                continue;
            }
            row.iter_mut().zip(x).zip(&**scales).for_each(|((row, &x), &scale)| *row = x / scale);
            vector::axpy(pull * residual, row, change);
            for (entries, &x) in normal.chunks_exact_mut(p.max(1)).zip(&**row) {
                vector::axpy(pull * x, row, entries);
            }
        }
        if !small::cholesky(normal, p) {
            return false;
        }
        small::cholesky_solve(normal, change);
        next.copy_from(beta);
        for ((next, &change), &scale) in next.iter_mut().zip(&**change).zip(&**scales) {
            *next += change / scale;
        }
        vector::first_not_finite(next).is_none()
    }

    /// f at the next β, and the bound that its residuals give with the weights of this one.
    fn judge(&self) -> (T, T) {
        let Self { loss, beta, work, .. } = self;
        let (mut value, mut linear, mut square) = (Sum::new(), Sum::new(), Sum::new());
        let mut most = T::INFINITY;
        for (i, &y) in loss.rows.y.iter().enumerate() {
            let (x, weight) = (loss.rows.table.row(i), loss.rows.weight(i));
            if weight == T::ZERO {
                continue;
            }
            let (now, then) = (y - vector::dot(x, work.next), y - vector::dot(x, beta));
            value.add(loss.loss(weight, now));
            let s = loss.pull(weight, then) * now;
            most = most.min(weight * loss.delta / s.abs());
            linear.add(s * y);
            square.add(s * s / weight);
        }
        let (linear, square) = (linear.value(), square.value());
        // The best multiple of s within its bounds.
        let share = (linear / square).min(most);
        let bound = share * linear - share * share * square * T::HALF;
        (value.value(), if bound.is_finite() { bound.max(T::ZERO) } else { T::ZERO })
    }
}

impl<T: Real> Run for Reweighted<'_, T> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        if !self.solve() {
            self.failure = Some(Status::Breakdown);
            return;
        }
        self.steps = self.steps.saturating_add(1);
        let (value, bound) = self.judge();
        if !value.is_finite() {
            self.failure = Some(Status::NotFinite);
            return;
        }
        // Within rounding of the least value the bound still closes.
        let level = value <= self.value * (T::ONE + T::EPSILON * T::from_u32(16));
        if !level || value >= self.value && bound <= self.bound {
            self.idle = self.idle.saturating_add(1);
            if self.idle >= IDLE_STEPS {
                self.failure = Some(Status::Stalled);
            }
        }
        if level {
            (self.value, self.seen_at) = (value, self.steps);
            self.beta.copy_from(self.work.next);
        }
        self.bound = self.bound.max(bound).min(self.value);
    }

    /// A step that is the last of use is a step as well.
    fn steps(&mut self, count: u32) -> u32 {
        let before = self.steps;
        best::steps(self, count);
        self.steps.saturating_sub(before)
    }

    fn residual(&mut self) -> T {
        self.value - self.bound
    }

    fn parameter(&self) -> T {
        self.loss.delta
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
