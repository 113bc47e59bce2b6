//! Robust matrix recovery that owns its measurements.

use southwell::subgradient::matrix::operator::{
    AllEntries, Bilinear, Dense, Draw, Entries, Operator, Packed, Paired, RankOne, Seeded,
};
use southwell::subgradient::matrix::{self, Options, Problem, Recovered, Shape, Workspace, singular_values};
use southwell::{Error, Observer, Real, Report, Run, Status, Stop, drive};

use crate::files::DenseMatrix;
#[cfg(feature = "threads")]
use crate::threads::{Pool, Threaded};

/// What was measured; see [`operator`](southwell::subgradient::matrix::operator).
#[derive(Clone, Debug, PartialEq)]
pub enum Measurements {
    /// Matrices of `rows` × `columns`, one after the other, each by rows.
    Dense {
        /// Entries.
        values: Vec<f64>,
        /// Rows of each.
        rows: usize,
        /// Columns of each.
        columns: usize,
    },
    /// Lower triangles of symmetric matrices, by rows.
    Packed {
        /// Entries.
        values: Vec<f64>,
        /// Rows and columns of each.
        order: usize,
    },
    /// a aᵀ.
    RankOne {
        /// The vectors, one after the other.
        a: Vec<f64>,
        /// Their length.
        order: usize,
    },
    /// a aᵀ − b bᵀ.
    Paired {
        /// The vectors a.
        a: Vec<f64>,
        /// The vectors b.
        b: Vec<f64>,
        /// Their length.
        order: usize,
    },
    /// a bᵀ.
    Bilinear {
        /// The vectors a.
        a: Vec<f64>,
        /// The vectors b.
        b: Vec<f64>,
        /// Length of an a.
        rows: usize,
        /// Length of a b.
        columns: usize,
    },
    /// Entries of the matrix.
    Entries {
        /// Rows of the entries.
        row_of: Vec<u32>,
        /// Columns of the entries.
        column_of: Vec<u32>,
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Every entry of the matrix, by rows.
    AllEntries {
        /// Rows of the matrix.
        rows: usize,
        /// Columns of the matrix.
        columns: usize,
    },
    /// Random matrices that a key stands for.
    Seeded {
        /// What they consist of.
        draw: Draw,
        /// The stream.
        key: u64,
        /// How many.
        count: usize,
        /// Rows of each.
        rows: usize,
        /// Columns of each.
        columns: usize,
    },
}

impl Measurements {
    /// Rows and columns of the matrix that is measured.
    #[must_use]
    pub fn dimensions(&self) -> (usize, usize) {
        match *self {
            Measurements::Packed { order, .. }
            | Measurements::RankOne { order, .. }
            | Measurements::Paired { order, .. } => (order, order),
            Measurements::Dense { rows, columns, .. }
            | Measurements::Bilinear { rows, columns, .. }
            | Measurements::Entries { rows, columns, .. }
            | Measurements::AllEntries { rows, columns }
            | Measurements::Seeded { rows, columns, .. } => (rows, columns),
        }
    }
}

/// A recovery problem, owned.
///
/// ```
/// use southwell::subgradient::matrix::Options;
/// use southwell_std::owned::{Measurements, Recovery};
///
/// # fn main() -> Result<(), southwell::Error> {
/// // Ones everywhere, but for two entries that were spoilt.
/// let mut y = vec![1.0; 30];
/// (y[3], y[17]) = (-8.0, 40.0);
/// let measurements = Measurements::AllEntries { rows: 5, columns: 6 };
/// let recovery = Recovery { measurements, y, symmetric: false, rank: 1 };
/// let found = recovery.solve(&Options::<f64>::default(), &mut ())?;
/// assert!((found.entry(0, 3) - 1.0).abs() < 1e-6 && found.recovered.rank == 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Recovery {
    /// What was measured.
    pub measurements: Measurements,
    /// The measurements.
    pub y: Vec<f64>,
    /// Whether X = U Uᵀ; else X = U Vᵀ.
    pub symmetric: bool,
    /// Columns of the factors: the rank, or more.
    pub rank: usize,
}

/// An iterate of a run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Look {
    /// Steps done.
    pub step: u32,
    /// f of the iterate.
    pub value: f64,
    /// The relative length of the step that comes next.
    pub relative_step: f64,
    /// ‖X − truth‖_F/‖truth‖_F where a truth was given.
    pub error: Option<f64>,
}

/// Factors, and how they were found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// U, d₁ × rank.
    pub u: DenseMatrix,
    /// V, d₂ × rank; U where X is symmetric.
    pub v: DenseMatrix,
    /// How the run ended.
    pub recovered: Recovered<f64>,
    /// Singular values of X, the largest first.
    pub singular_values: Vec<f64>,
    /// Every iterate, where it was asked for.
    pub history: Vec<Look>,
}

impl Found {
    /// Of the factors that a run has left in x; `storage` is memory as the run had it.
    pub(crate) fn new<T: Real>(
        shape: Shape,
        x: &[T],
        recovered: &Recovered<T>,
        storage: &mut [T],
    ) -> Result<Self, Error> {
        let mut values = vec![T::ZERO; shape.rank()];
        singular_values(shape, x, &mut values, storage)?;
        let factors = shape.factors(x);
        Ok(Self {
            u: by_rows(factors.u, shape.rows(), shape.rank()),
            v: by_rows(factors.v, shape.columns(), shape.rank()),
            recovered: widen(recovered),
            singular_values: values.iter().map(|value| value.to_f64()).collect(),
            history: Vec::new(),
        })
    }

    /// Entry (i, j) of X.
    ///
    /// # Panics
    /// If there is no such entry.
    #[must_use]
    pub fn entry(&self, i: usize, j: usize) -> f64 {
        let rank = self.u.columns;
        let (u, v) = (&self.u.values[i * rank..(i + 1) * rank], &self.v.values[j * rank..(j + 1) * rank]);
        u.iter().zip(v).map(|(u, v)| u * v).sum()
    }

    /// X by rows.
    #[must_use]
    pub fn matrix(&self) -> DenseMatrix {
        let (rows, columns) = (self.u.rows, self.v.rows);
        let values = (0..rows).flat_map(|i| (0..columns).map(move |j| self.entry(i, j))).collect();
        DenseMatrix { rows, columns, values }
    }
}

impl Recovery {
    /// Solves with numbers of type `T`: `f32` halves what an iteration reads.
    ///
    /// # Errors
    /// What the operator, the problem and the options refuse.
    pub fn solve<T: Real>(
        &self,
        options: &Options<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Found, Error> {
        self.with(None, options, observer, None)
    }

    /// The same, keeping a [`Look`] at every iterate; with a truth (by rows), at its error too.
    ///
    /// # Errors
    /// As [`solve`](Recovery::solve); [`Error::Dimension`] for a truth of another size.
    pub fn watch<T: Real>(
        &self,
        options: &Options<T>,
        truth: Option<&[f64]>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Found, Error> {
        self.watch_at(None, options, truth, observer)
    }

    /// The same problem, its measurements taken by several threads. What comes out does not depend on their number;
    /// it agrees with what one thread finds without them to rounding.
    #[cfg(feature = "threads")]
    #[must_use]
    pub fn on<'r>(&'r self, pool: &'r Pool) -> OnThreads<'r> {
        OnThreads { recovery: self, pool }
    }

    fn watch_at<T: Real>(
        &self,
        place: Place<'_>,
        options: &Options<T>,
        truth: Option<&[f64]>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Found, Error> {
        self.check_truth(truth)?;
        self.with(place, options, observer, Some(truth))
    }

    /// Refuses a truth of another size.
    pub(crate) fn check_truth(&self, truth: Option<&[f64]>) -> Result<(), Error> {
        let (rows, columns) = self.measurements.dimensions();
        match truth.filter(|truth| Some(truth.len()) != rows.checked_mul(columns)) {
            Some(truth) => {
                let expected = rows.saturating_mul(columns);
                Err(Error::Dimension { argument: "truth", expected, given: truth.len() })
            }
            None => Ok(()),
        }
    }

    /// Makes the operator and solves.
    fn with<T: Real>(
        &self,
        place: Place<'_>,
        options: &Options<T>,
        observer: &mut dyn Observer<T>,
        watch: Option<Option<&[f64]>>,
    ) -> Result<Found, Error> {
        let y = narrow::<T>(&self.y);
        match &self.measurements {
            Measurements::Dense { values, rows, columns } => self.at(
                place,
                Dense::new(&narrow::<T>(values), *rows, *columns)?,
                &y,
                options,
                observer,
                watch,
            ),
            Measurements::Packed { values, order } => {
                self.at(place, Packed::new(&narrow::<T>(values), *order)?, &y, options, observer, watch)
            }
            Measurements::RankOne { a, order } => {
                self.at(place, RankOne::new(&narrow::<T>(a), *order)?, &y, options, observer, watch)
            }
            Measurements::Paired { a, b, order } => {
                let (a, b) = (narrow::<T>(a), narrow::<T>(b));
                self.at(place, Paired::new(&a, &b, *order)?, &y, options, observer, watch)
            }
            Measurements::Bilinear { a, b, rows, columns } => {
                let (a, b) = (narrow::<T>(a), narrow::<T>(b));
                self.at(place, Bilinear::new(&a, &b, *rows, *columns)?, &y, options, observer, watch)
            }
            Measurements::Entries { row_of, column_of, rows, columns } => self.at(
                place,
                Entries::new(row_of, column_of, *rows, *columns)?,
                &y,
                options,
                observer,
                watch,
            ),
            Measurements::AllEntries { rows, columns } => {
                self.at(place, AllEntries::new(*rows, *columns)?, &y, options, observer, watch)
            }
            Measurements::Seeded { draw, key, count, rows, columns } => {
                let operator = Seeded::new(*draw, *key, *count, *rows, *columns)?;
                self.at(place, operator, &y, options, observer, watch)
            }
        }
    }

    /// Solves with all threads that there are.
    fn at<T: Real>(
        &self,
        place: Place<'_>,
        operator: impl Operator<T> + Sync,
        y: &[T],
        options: &Options<T>,
        observer: &mut dyn Observer<T>,
        watch: Option<Option<&[f64]>>,
    ) -> Result<Found, Error> {
        #[cfg(feature = "threads")]
        let operator = Threaded::new(place.unwrap_or(const { &Pool::none() }), operator);
        #[cfg(not(feature = "threads"))]
        let _ = place;
        self.by(&operator, y, options, observer, watch)
    }

    fn by<T: Real, O: Operator<T>>(
        &self,
        operator: &O,
        y: &[T],
        options: &Options<T>,
        observer: &mut dyn Observer<T>,
        watch: Option<Option<&[f64]>>,
    ) -> Result<Found, Error> {
        let mut follow = |run: &mut Watched<'_, '_, T, O>, stop: &Stop<T>, observer: &mut dyn Observer<T>| {
            drive(run, stop, observer)
        };
        recover(operator, y, self.symmetric, self.rank, options, observer, watch, &mut follow)
    }
}

/// Drives a run to its end.
pub(crate) type Follow<'f, T, O> =
    &'f mut dyn FnMut(&mut Watched<'_, '_, T, O>, &Stop<T>, &mut dyn Observer<T>) -> Report<T>;

/// Solves with an operator that is there.
pub(crate) fn recover<T: Real, O: Operator<T>>(
    operator: &O,
    y: &[T],
    symmetric: bool,
    rank: usize,
    options: &Options<T>,
    observer: &mut dyn Observer<T>,
    watch: Option<Option<&[f64]>>,
    follow: Follow<'_, T, O>,
) -> Result<Found, Error> {
    let problem =
        if symmetric { Problem::symmetric(operator, y, rank)? } else { Problem::general(operator, y, rank)? };
    let (shape, scaled) = (problem.shape(), options.is_scaled());
    let needed = Workspace::<T>::required_len(shape, scaled, operator.scratch_len(shape));
    let mut storage = vec![T::ZERO; needed];
    let mut x = vec![T::ZERO; shape.unknowns()];
    let workspace = Workspace::new(&problem, scaled, &mut storage)?;
    let run = matrix::start(&problem, options, &mut x, workspace)?;
    // A run of the same start on the same measurements, up to the rules for steps.
    #[cfg(feature = "npz")]
    let about = vec![options.seed as f64, run.value().to_f64(), run.relative_step().to_f64(), y.len() as f64];
    let mut watched = Watched {
        run,
        shape,
        watch,
        history: Vec::new(),
        #[cfg(feature = "npz")]
        about,
    };
    watched.look();
    let report = follow(&mut watched, &options.stop, observer);
    let Watched { run, history, .. } = watched;
    let recovered = run.finish(report);
    Ok(Found { history, ..Found::new(shape, &x, &recovered, &mut storage)? })
}

/// The threads to run on.
#[cfg(feature = "threads")]
type Place<'p> = Option<&'p Pool>;
#[cfg(not(feature = "threads"))]
type Place<'p> = Option<&'p std::convert::Infallible>;

/// A [`Recovery`] on several threads.
#[cfg(feature = "threads")]
#[derive(Clone, Copy, Debug)]
pub struct OnThreads<'r> {
    recovery: &'r Recovery,
    pool: &'r Pool,
}

#[cfg(feature = "threads")]
impl OnThreads<'_> {
    /// As [`Recovery::solve`].
    ///
    /// # Errors
    /// As there.
    pub fn solve<T: Real>(
        self,
        options: &Options<T>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Found, Error> {
        self.recovery.with(Some(self.pool), options, observer, None)
    }

    /// As [`Recovery::watch`].
    ///
    /// # Errors
    /// As there.
    pub fn watch<T: Real>(
        self,
        options: &Options<T>,
        truth: Option<&[f64]>,
        observer: &mut dyn Observer<T>,
    ) -> Result<Found, Error> {
        self.recovery.watch_at(Some(self.pool), options, truth, observer)
    }
}

/// A run that is looked at after every step.
pub(crate) struct Watched<'w, 'a, T, O> {
    pub(crate) run: matrix::Recovery<'a, T, O>,
    /// What the problem and its start are known by.
    #[cfg(feature = "npz")]
    pub(crate) about: Vec<f64>,
    shape: Shape,
    watch: Option<Option<&'w [f64]>>,
    history: Vec<Look>,
}

impl<T: Real, O: Operator<T>> Watched<'_, '_, T, O> {
    fn look(&mut self) {
        let Some(truth) = self.watch else { return };
        let error = truth.map(|truth| {
            let mut x = vec![T::ZERO; truth.len()];
            self.shape.factors(self.run.current()).multiply_out(&mut x);
            let square = |sum: f64, off: f64| sum + off * off;
            let off = x.iter().zip(truth).map(|(x, truth)| x.to_f64() - truth).fold(0.0, square);
            (off / truth.iter().copied().fold(0.0, square)).sqrt()
        });
        self.history.push(Look {
            step: u32::try_from(self.history.len()).unwrap_or(u32::MAX),
            value: self.run.value().to_f64(),
            relative_step: self.run.relative_step().to_f64(),
            error,
        });
    }
}

impl<T: Real, O: Operator<T>> Run for Watched<'_, '_, T, O> {
    type Real = T;
    fn step(&mut self) {
        self.run.step();
        self.look();
    }
    fn residual(&mut self) -> T {
        self.run.residual()
    }
    fn parameter(&self) -> T {
        self.run.parameter()
    }
    fn scale(&self) -> T {
        self.run.scale()
    }
    fn failure(&self) -> Option<Status> {
        self.run.failure()
    }
}

pub(crate) fn narrow<T: Real>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

/// A factor by rows, as arrays are written.
fn by_rows<T: Real>(columns: &[T], length: usize, rank: usize) -> DenseMatrix {
    let values = (0..length).flat_map(|j| (0..rank).map(move |k| columns[k * length + j].to_f64())).collect();
    DenseMatrix { rows: length, columns: rank, values }
}

fn widen<T: Real>(found: &Recovered<T>) -> Recovered<f64> {
    let report = Report {
        status: found.report.status,
        steps: found.report.steps,
        checks: found.report.checks,
        initial_residual: found.report.initial_residual.to_f64(),
        residual: found.report.residual.to_f64(),
        scale: found.report.scale.to_f64(),
    };
    Recovered {
        report,
        value: found.value.to_f64(),
        found_at: found.found_at,
        last_value: found.last_value.to_f64(),
        signs: found.signs.map(Real::to_f64),
        rank: found.rank,
    }
}
