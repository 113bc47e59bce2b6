//! Ruiz's equilibration: rows and columns at once are divided by the square roots of their norms.
//!
//! ```text
//! B = diag(x) A diag(y),   x_i ← x_i / √‖row i of B‖,   y_j ← y_j / √‖column j of B‖
//! ```
//! The norm is the largest absolute value (any matrix without an empty line) or the sum of them (square, with
//! [support](super)). It keeps what symmetry the matrix has; signs do not matter. It is what a linear system is
//! given before an iteration that wants its rows and columns alike.
//!
//! *Step*: one reading of A, about 6 operations an entry. *Residual*: max |‖line‖ − 1| over rows and columns, of the
//! scalings that are there, free: the reading for the next step says it. *Scale*: 1. *Start*: from the x and y
//! that are handed in; ones are a cold start. *Memory*: 2 n + 2 m numbers; 4 n + m indices for the
//! [matching](super::support).
//!
//! *Fails* never with the largest value: the residual is halved by a step in the end. With sums as
//! [`sinkhorn_knopp`](super::sinkhorn_knopp) does, and more slowly. Scalings that the type cannot express end it
//! as [`Status::Stalled`], with the last ones that it can.
//!
//! *Source*: Ruiz 2001; Knight, Ruiz & Uçar 2014 (convergence, sums).

use southwell_simd::vector;

use super::matrix::Rows;
use super::problem::{Scalings, check_lines, check_start, usable};
pub use super::sinkhorn_knopp::Options;
use super::support;
use super::watch::{Verdict, Watch};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::check_len;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// What of a row or a column shall be 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// The largest absolute value.
    Largest,
    /// The sum of the absolute values.
    Sum,
}

/// A matrix (n × m, of any signs) and the norm that its rows and columns shall have 1 of, borrowed and checked.
#[derive(Debug)]
pub struct Problem<'a, A> {
    matrix: &'a A,
    norm: Norm,
}

/// Borrowed, so copying one is free.
impl<A> Clone for Problem<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<A> Copy for Problem<'_, A> {}

impl<'a, A> Problem<'a, A> {
    /// Checks the shape.
    ///
    /// # Errors
    /// [`Error::Dimension`] for a matrix that is empty, or, with [`Norm::Sum`], not square.
    pub fn new<T: Real>(matrix: &'a A, norm: Norm) -> Result<Self, Error>
    where
        A: Rows<T>,
    {
        let (n, m) = (matrix.rows(), matrix.columns());
        if norm == Norm::Sum {
            check_len("columns", m, n)?;
        }
        for (argument, given) in [("rows", n), ("columns", m)] {
            if given == 0 {
                return Err(Error::Dimension { argument, expected: 1, given });
            }
        }
        Ok(Self { matrix, norm })
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &'a A {
        self.matrix
    }

    /// The norm.
    #[must_use]
    pub fn norm(&self) -> Norm {
        self.norm
    }

    /// The norms of A diag(y) by rows and of diag(x) A by columns: one reading.
    fn read<T: Real>(&self, x: &[T], y: &[T], rows: &mut [T], columns: &mut [T])
    where
        A: Rows<T>,
    {
        columns.fill(T::ZERO);
        for (i, (&x, norm)) in x.iter().zip(rows.iter_mut()).enumerate() {
            let row = self.matrix.row(i);
            match (self.norm, row.columns) {
                (Norm::Largest, None) => {
                    *norm = vector::largest(row.values, y).map_or(T::ZERO, |(_, largest)| largest);
                    for (t, &a) in columns.iter_mut().zip(row.values) {
                        let a = x * a.abs();
                        *t = if *t < a { a } else { *t };
                    }
                }
                (norm_kind, _) => {
                    *norm = T::ZERO;
                    for (j, a) in row.entries() {
                        let (Some(&y), Some(t)) = (y.get(j), columns.get_mut(j)) else { continue };
                        let (of_row, of_column) = (a.abs() * y, x * a.abs());
                        if norm_kind == Norm::Sum {
                            *norm += of_row;
                            *t += of_column;
                        } else {
                            *norm = norm.max(of_row);
                            *t = t.max(of_column);
                        }
                    }
                }
            }
        }
    }
}

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    trial_x: &'w mut [T],
    trial_y: &'w mut [T],
    /// Norms of the rows of A diag(y), and of the columns of diag(x) A.
    rows: &'w mut [T],
    columns: &'w mut [T],
    indices: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns: 2 n + 2 m.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize) -> usize {
        rows.saturating_add(columns).saturating_mul(2)
    }

    /// Indices needed: 4 n + m, none for [`Norm::Largest`].
    #[must_use]
    pub const fn required_indices(rows: usize, columns: usize, norm: Norm) -> usize {
        match norm {
            Norm::Largest => 0,
            Norm::Sum => support::required_indices(rows, columns),
        }
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a storage is too short (that of the indices counts indices).
    pub fn new<A: Rows<T>>(
        problem: &Problem<'_, A>,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, m) = (problem.matrix.rows(), problem.matrix.columns());
        let [trial_x, rows, trial_y, columns] = carve(storage, [n, n, m, m])?;
        let [indices] = carve(indices, [Self::required_indices(n, m, problem.norm)])?;
        Ok(Self { trial_x, trial_y, rows, columns, indices })
    }
}

/// A run of Ruiz's iteration in progress.
#[derive(Debug)]
pub struct Ruiz<'a, T, A> {
    problem: Problem<'a, A>,
    x: Scalings<'a, T>,
    work: Workspace<'a, T>,
    residual: T,
    watch: Watch<T>,
    failure: Option<Status>,
}

/// Begins a run from the x and y that are handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::EmptyLine`] for a row or column without an entry that is not 0; for
/// the scalings [`Error::Dimension`], [`Error::Value`] for a NaN or an infinity, [`Error::Option`] where they are
/// not positive; [`Error::Workspace`] if the workspace was carved for another problem. The scalings are untouched
/// then.
pub fn start<'a, T: Real, A: Rows<T>>(
    problem: &Problem<'a, A>,
    options: &Options<T>,
    x: Scalings<'a, T>,
    mut work: Workspace<'a, T>,
) -> Result<Ruiz<'a, T, A>, Error> {
    options.stop.check()?;
    let (n, m) = (problem.matrix.rows(), problem.matrix.columns());
    check_start("x", x.x, n, |_| true)?;
    check_start("y", x.y, m, |_| true)?;
    if work.rows.len() != n || work.columns.len() != m {
        let given = Workspace::<T>::required_len(work.rows.len(), work.columns.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m), given });
    }
    check_lines(problem.matrix, work.columns, |_| true, |_| true)?;
    let residual = look(problem, x.x, x.y, &mut work);
    let terms = if problem.norm == Norm::Sum { n } else { 1 };
    let floor = T::from_u32(8) * T::EPSILON * T::from_usize(terms);
    let watch = Watch::new(&options.stop, T::ONE, floor);
    Ok(Ruiz { problem: *problem, x, work, residual, watch, failure: None })
}

/// Solves from the x and y that are handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Rows<T>>(
    problem: &Problem<'_, A>,
    options: &Options<T>,
    x: Scalings<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

/// Reads A with x and y: max |‖line‖ − 1|, infinite if one cannot be expressed.
fn look<T: Real, A: Rows<T>>(problem: &Problem<'_, A>, x: &[T], y: &[T], work: &mut Workspace<'_, T>) -> T {
    problem.read(x, y, work.rows, work.columns);
    let off = |scaling: &[T], norms: &[T]| {
        scaling.iter().zip(norms).fold(T::ZERO, |most, (&s, &norm)| {
            let off = (s * norm - T::ONE).abs();
            // Not `max`, which passes over a NaN.
            if off <= most { most } else { off }
        })
    };
    let (rows, columns) = (off(x, work.rows), off(y, work.columns));
    let residual = if rows <= columns { columns } else { rows };
    if residual.is_finite() { residual } else { T::INFINITY }
}

/// trial ← s/√(s·norm); whether the type can express that.
fn divide<T: Real>(scaling: &[T], norms: &[T], trial: &mut [T]) -> bool {
    trial.iter_mut().zip(scaling).zip(norms).fold(true, |sound, ((trial, &s), &norm)| {
        *trial = s / (s * norm).sqrt();
        sound & usable(*trial)
    })
}

impl<T: Real, A: Rows<T>> Ruiz<'_, T, A> {
    /// Takes a step; false if there is none that the type can express.
    fn advance(&mut self) -> bool {
        let Workspace { trial_x, trial_y, rows, columns, .. } = &mut self.work;
        if !(divide(self.x.x, rows, trial_x) & divide(self.x.y, columns, trial_y)) {
            return false;
        }
        let (trial_x, trial_y) = (core::mem::take(trial_x), core::mem::take(trial_y));
        let residual = look(&self.problem, trial_x, trial_y, &mut self.work);
        if residual.is_finite() {
            self.x.x.copy_from(trial_x);
            self.x.y.copy_from(trial_y);
            self.residual = residual;
        }
        (self.work.trial_x, self.work.trial_y) = (trial_x, trial_y);
        residual.is_finite()
    }

    /// Whether it is proven that the norms cannot be reached.
    fn lacks_support(&mut self) -> bool {
        self.problem.norm == Norm::Sum
            && support::structural_rank(self.problem.matrix, self.work.indices)
                .is_ok_and(|rank| rank < self.problem.matrix.rows())
    }

    /// The scalings x and y.
    #[must_use]
    pub fn scalings(&self) -> (&[T], &[T]) {
        (self.x.x, self.x.y)
    }
}

impl<T: Real, A: Rows<T>> Run for Ruiz<'_, T, A> {
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

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
