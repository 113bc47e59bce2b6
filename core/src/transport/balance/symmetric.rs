//! One scaling for rows and columns of a symmetric matrix: D A D.
//!
//! ```text
//! P = diag(x) A diag(x),   x_i ← √(x_i r_i / (A x)_i)
//! ```
//! x_i ← r_i/(A x)_i alone swings between two scalings; the geometric mean of it and the old x stops that.
//!
//! *Step*: one product with A, 2 operations an entry. *Residual*: 2 ‖P 1 − r‖₁, rows and columns alike, of the x
//! that is there, free: the product for the next step says it. *Scale*: the mass Σ r. *Start*: from the x that is
//! handed in; ones are a cold start. *Memory*: 2 n numbers; 5 n indices for the [matching](super::support).
//!
//! *Fails* as [`sinkhorn_knopp`](super::sinkhorn_knopp) does, on the same condition. In the end a step reduces the
//! residual to (1 − λ)/2 of it, λ the lowest eigenvalue of diag(r)⁻¹ P above −1: a half where P mixes well. In no
//! trial did the residual grow, so what is left is the best that was seen.
//!
//! *Source*: Knight, Ruiz & Uçar 2014.

use super::matrix::Rows;
use super::problem::{Problem, check_start, seen, usable};
pub use super::sinkhorn_knopp::Options;
use super::support;
use super::watch::{Verdict, Watch};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::check_len;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// The x of the step in hand.
    trial: &'w mut [T],
    /// A x
    sums: &'w mut [T],
    indices: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows: 2 n.
    #[must_use]
    pub const fn required_len(rows: usize) -> usize {
        rows.saturating_mul(2)
    }

    /// Indices needed: 5 n.
    #[must_use]
    pub const fn required_indices(rows: usize) -> usize {
        support::required_indices(rows, rows)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a storage is too short (that of the indices counts indices).
    pub fn new<A: Rows<T>>(
        problem: &Problem<'_, T, A>,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let n = problem.rows();
        let [trial, sums] = carve(storage, [n, n])?;
        let [indices] = carve(indices, [Self::required_indices(n)])?;
        Ok(Self { trial, sums, indices })
    }
}

/// A symmetric run in progress.
#[derive(Debug)]
pub struct Symmetric<'a, T, A> {
    problem: Problem<'a, T, A>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
    residual: T,
    watch: Watch<T>,
    failure: Option<Status>,
}

/// Refuses a matrix that is not symmetric, bit for bit. Cost: a binary search an entry of a sparse one.
fn check_symmetric<T: Real, A: Rows<T>>(matrix: &A) -> Result<(), Error> {
    let get = |row: usize, column: usize| {
        let row = matrix.row(row);
        let place = match row.columns {
            None => Some(column),
            Some(columns) => u32::try_from(column).ok().and_then(|c| columns.binary_search(&c).ok()),
        };
        place.and_then(|k| row.values.get(k).copied()).unwrap_or(T::ZERO)
    };
    for row in 0..matrix.rows() {
        for (column, a) in matrix.row(row).entries() {
            if get(column, row) != a {
                return Err(Error::Asymmetric { argument: "matrix", row, column });
            }
        }
    }
    Ok(())
}

/// Begins a run from the x that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::Dimension`] for a matrix that is not square, [`Error::Asymmetric`]
/// for one that is not symmetric, [`Error::Mass`] if c is not r; [`Error::EmptyLine`] for a row that shall carry
/// something and has no positive entry in a line that does; [`Error::Dimension`], [`Error::Value`] or
/// [`Error::Option`] for an x that is not positive; [`Error::Workspace`] if the workspace was carved for another
/// problem. x is untouched then. Cost of the checks: two passes over the entries.
pub fn start<'a, T: Real, A: Rows<T>>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Symmetric<'a, T, A>, Error> {
    options.stop.check()?;
    let n = problem.rows();
    check_len("columns", problem.columns(), n)?;
    if (0..n).any(|i| problem.row_sum(i) != problem.column_sum(i)) {
        return Err(Error::Mass { argument: "c", requirement: "must be that of `r`, line by line" });
    }
    check_symmetric(problem.matrix)?;
    check_start("x", x, n, |i| problem.row_sum(i) > T::ZERO)?;
    if work.sums.len() != n {
        let given = Workspace::<T>::required_len(work.sums.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n), given });
    }
    problem.check_lines(work.sums)?;
    for (i, x) in x.iter_mut().enumerate() {
        if problem.row_sum(i) == T::ZERO {
            *x = T::ZERO;
        }
    }
    problem.matrix.apply(x, work.sums);
    let mut residual = error(problem, x, work.sums);
    if !residual.is_finite() {
        // A start that is too large: one of the same shape whose sums are in range.
        let largest = x.iter().fold(T::ZERO, |most, &x| most.max(x));
        let factor = T::ONE / problem.largest.max(T::ONE).sqrt() / largest;
        if usable(factor) {
            x.iter_mut().for_each(|x| *x *= factor);
            problem.matrix.apply(x, work.sums);
            residual = error(problem, x, work.sums);
        }
    }
    let watch = Watch::new(&options.stop, problem.mass, problem.floor());
    Ok(Symmetric { problem: *problem, x, work, residual, watch, failure: None })
}

/// Solves from the x that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Rows<T>>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

/// 2 Σ |x_i s_i − r_i|
fn error<T: Real, A: Rows<T>>(problem: &Problem<'_, T, A>, x: &[T], sums: &[T]) -> T {
    let lines = x.iter().zip(sums).enumerate();
    T::TWO * lines.fold(T::ZERO, |error, (i, (&x, &s))| error + (x * s - problem.row_sum(i)).abs())
}

impl<T: Real, A: Rows<T>> Symmetric<'_, T, A> {
    /// Takes a step; false if there is none that the type can express.
    fn advance(&mut self) -> bool {
        let (problem, Workspace { trial, sums, .. }) = (&self.problem, &mut self.work);
        let mut sound = true;
        for (i, ((trial, &x), &s)) in trial.iter_mut().zip(&*self.x).zip(&**sums).enumerate() {
            let r = problem.row_sum(i);
            *trial = T::ZERO;
            if r > T::ZERO {
                // The quotient is near 1 in the end; formed like this it does not leave the range before x does.
                *trial = x * (r / (x * s)).sqrt();
                sound &= seen(s) && usable(*trial);
            }
        }
        if !sound {
            return false;
        }
        problem.matrix.apply(trial, sums);
        let residual = error(problem, trial, sums);
        if residual.is_finite() {
            self.x.copy_from(trial);
            self.residual = residual;
        }
        residual.is_finite()
    }

    /// Whether it is proven that the sums cannot be reached.
    fn lacks_support(&mut self) -> bool {
        let Workspace { sums, indices, .. } = &mut self.work;
        let (problem, x, sums) = (&self.problem, &*self.x, &**sums);
        let load = |j: usize| match (x.get(j), sums.get(j)) {
            (Some(&x), Some(&s)) => x * s / problem.column_sum(j),
            _ => T::ZERO,
        };
        support::lacking(problem, indices, load)
    }

    /// The scaling x.
    #[must_use]
    pub fn scaling(&self) -> &[T] {
        self.x
    }
}

impl<T: Real, A: Rows<T>> Run for Symmetric<'_, T, A> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        self.failure = if self.advance() {
            match self.watch.look(self.residual) {
                Verdict::GoOn => None,
                Verdict::Stalled => Some(Status::Stalled),
                Verdict::Suspicious => self.lacks_support().then_some(Status::NoSupport),
            }
        } else {
            Some(if self.lacks_support() { Status::NoSupport } else { Status::Stalled })
        };
    }

    fn residual(&mut self) -> T {
        self.residual
    }

    fn parameter(&self) -> T {
        T::HALF
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
