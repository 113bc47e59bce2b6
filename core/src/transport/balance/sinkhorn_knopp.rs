//! Sinkhorn & Knopp's iteration: rows and columns in turn are given their sums.
//!
//! ```text
//! x_i ← r_i / (A y)_i,   y_j ← c_j / (Aᵀ x)_j                       one reading of A for both
//! ```
//! *Step*: both halves; cost: one reading of A, 4 operations an entry. *Residual*: ‖P 1 − r‖₁ + ‖Pᵀ 1 − c‖₁ of
//! P = diag(x) A diag(y), free: the reading for the next step says it. After a step the columns are exact and add
//! nothing; the residual never grows but by rounding. *Scale*: the mass Σ r. *Start*: makes the rows exact for the
//! y that is handed in (one reading, and one for the check of the lines), so a warm start needs y alone.
//! *Memory*: 2 n + 2 m numbers; 4 n + m indices for the [matching](super::support).
//!
//! *Fails* where the sums cannot be reached: ends as [`Status::NoSupport`], with the scalings of the smallest
//! residual, once the residual falls by less than a hundredth in ten steps and a proof is found. Where x and y
//! leave the range of the type, or the residual is rounding error, it ends as [`Status::Stalled`]; either way
//! the scalings are finite and the residual is theirs. A row that the type cannot scale at all (with entries
//! whose reciprocal overflows) has the scaling 0 from the start on. The residual falls by σ₂² a step in the end,
//! σ₂ the second singular value of diag(r)^(−½) P diag(c)^(−½) (Knight 2008); for tiny rates write C = −ε ln A
//! and use [`newton`](crate::transport::newton).
//!
//! *Source*: Sinkhorn & Knopp 1967.

use super::matrix::Rows;
use super::problem::{Problem, Scalings, check_start, seen, usable};
use super::support;
use super::watch::{Verdict, Watch};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the mass Σ r, step limit, how often to look (a look is free). Default: relative 1e-9
    /// in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-9 };
        Self { stop: Stop::relative(T::from_f64(relative)) }
    }
}

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// The x of the step in hand, and of the next one.
    trial_x: &'w mut [T],
    next: &'w mut [T],
    /// The y of the step in hand.
    trial_y: &'w mut [T],
    /// Aᵀ x with the next x.
    sums: &'w mut [T],
    indices: &'w mut [u32],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns: 2 n + 2 m.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize) -> usize {
        rows.saturating_add(columns).saturating_mul(2)
    }

    /// Indices needed: 4 n + m.
    #[must_use]
    pub const fn required_indices(rows: usize, columns: usize) -> usize {
        support::required_indices(rows, columns)
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
        let (n, m) = (problem.rows(), problem.columns());
        let [trial_x, next, trial_y, sums] = carve(storage, [n, n, m, m])?;
        let [indices] = carve(indices, [Self::required_indices(n, m)])?;
        Ok(Self { trial_x, next, trial_y, sums, indices })
    }
}

/// A run of Sinkhorn & Knopp's iteration in progress.
#[derive(Debug)]
pub struct SinkhornKnopp<'a, T, A> {
    problem: Problem<'a, T, A>,
    x: Scalings<'a, T>,
    work: Workspace<'a, T>,
    residual: T,
    /// Whether a next step can be taken.
    sound: bool,
    watch: Watch<T>,
    failure: Option<Status>,
}

/// Begins a run from the y that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances; [`Error::EmptyLine`] for a row or column that shall carry something and has no
/// positive entry in a line that does; for the scalings [`Error::Dimension`], [`Error::Value`] for a NaN or an
/// infinity in y, [`Error::Option`] where y is not positive (x is not looked at); [`Error::Workspace`] if the
/// workspace was carved for another problem. The scalings are untouched then.
pub fn start<'a, T: Real, A: Rows<T>>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    x: Scalings<'a, T>,
    work: Workspace<'a, T>,
) -> Result<SinkhornKnopp<'a, T, A>, Error> {
    options.stop.check()?;
    let (n, m) = (problem.rows(), problem.columns());
    check_start("x", x.x, n, |_| false)?;
    check_start("y", x.y, m, |j| problem.column_sum(j) > T::ZERO)?;
    if work.next.len() != n || work.sums.len() != m {
        let given = Workspace::<T>::required_len(work.next.len(), work.sums.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m), given });
    }
    problem.check_lines(work.sums)?;
    let watch = Watch::new(&options.stop, problem.mass, problem.floor());
    let mut run = SinkhornKnopp {
        problem: *problem,
        x,
        work,
        residual: T::INFINITY,
        sound: false,
        watch,
        failure: None,
    };
    run.begin();
    Ok(run)
}

/// Solves from the y that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Rows<T>>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    x: Scalings<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

/// A reading with x and y: the error of the rows, the next x, and what the columns sum to with it; whether both
/// say how to go on. A row that the type cannot scale gets 0.
fn read<T: Real, A: Rows<T>>(
    problem: &Problem<'_, T, A>,
    x: &[T],
    y: &[T],
    next: &mut [T],
    sums: &mut [T],
) -> (T, bool) {
    let (mut error, mut sound) = (T::ZERO, true);
    let mut update = |i: usize, sum: T| {
        let r = problem.row_sum(i);
        let (Some(&x), Some(next)) = (x.get(i), next.get_mut(i)) else { return T::ZERO };
        *next = T::ZERO;
        if r == T::ZERO {
            return T::ZERO;
        }
        error += (x * sum - r).abs();
        let wanted = r / sum;
        if seen(sum) && usable(wanted) {
            *next = wanted;
        } else {
            sound = false;
        }
        *next
    };
    problem.matrix.sums(y, sums, &mut update);
    let mut columns = sums.iter().enumerate().map(|(j, &t)| (problem.column_sum(j), t));
    let sound = sound && columns.all(|(c, t)| c == T::ZERO || seen(t) && usable(c / t));
    (error, sound)
}

impl<T: Real, A: Rows<T>> SinkhornKnopp<'_, T, A> {
    /// Makes the rows exact for the y that is there.
    fn begin(&mut self) {
        let (problem, Workspace { next, sums, .. }) = (&self.problem, &mut self.work);
        for (j, y) in self.x.y.iter_mut().enumerate() {
            if problem.column_sum(j) == T::ZERO {
                *y = T::ZERO;
            }
        }
        self.x.x.fill(T::ZERO);
        let (_, mut sound) = read(problem, self.x.x, self.x.y, next, sums);
        if !sound {
            // Sums may be out of range only because y is: another y of the same shape.
            let largest = self.x.y.iter().fold(T::ZERO, |most, &y| most.max(y));
            let factor = T::from_u32(16) / problem.largest / largest;
            if usable(factor) {
                self.x.y.iter_mut().for_each(|y| *y *= factor);
                (_, sound) = read(problem, self.x.x, self.x.y, next, sums);
            }
        }
        self.x.x.copy_from(next);
        // Rows that got nothing are off by all that they should carry.
        let rows = next.iter().enumerate().filter(|(_, x)| **x == T::ZERO);
        let error = rows.fold(T::ZERO, |error, (i, _)| error + problem.row_sum(i));
        let columns = sums.iter().zip(&*self.x.y).enumerate();
        let error = columns.fold(error, |error, (j, (&t, &y))| error + (y * t - problem.column_sum(j)).abs());
        (self.residual, self.sound) = (error, sound);
        if !error.is_finite() {
            // Nothing that the type can express: the zero matrix, which is off by everything.
            self.x.x.fill(T::ZERO);
            (self.residual, self.sound) = (problem.mass + problem.mass, false);
        }
    }

    /// Takes the step that the last reading says; false if its own reading says nothing.
    fn advance(&mut self) -> bool {
        let (problem, Workspace { trial_x, next, trial_y, sums, .. }) = (&self.problem, &mut self.work);
        core::mem::swap(trial_x, next);
        for (j, (y, &t)) in trial_y.iter_mut().zip(&**sums).enumerate() {
            let c = problem.column_sum(j);
            *y = if c == T::ZERO { T::ZERO } else { c / t };
        }
        let (error, sound) = read(problem, trial_x, trial_y, next, sums);
        if !error.is_finite() {
            return false;
        }
        self.x.x.copy_from(trial_x);
        self.x.y.copy_from(trial_y);
        (self.residual, self.sound) = (error, sound);
        true
    }

    /// The scalings x and y.
    #[must_use]
    pub fn scalings(&self) -> (&[T], &[T]) {
        (self.x.x, self.x.y)
    }

    /// Whether it is proven that the sums cannot be reached.
    fn lacks_support(&mut self) -> bool {
        let Workspace { sums, indices, .. } = &mut self.work;
        let (problem, y, sums) = (&self.problem, &*self.x.y, &**sums);
        // A column's sum with exact rows, relative to what it shall be.
        let load = |j: usize| match (y.get(j), sums.get(j)) {
            (Some(&y), Some(&t)) => y * t / problem.column_sum(j),
            _ => T::ZERO,
        };
        support::lacking(problem, indices, load)
    }
}

impl<T: Real, A: Rows<T>> Run for SinkhornKnopp<'_, T, A> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        self.failure = if self.sound && self.advance() {
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
        T::ONE
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
