//! What a long run leaves behind so that it can go on later with the same bits.
//!
//! A checkpoint of Sinkhorn's iteration is a NumPy archive of nine vectors (feature `npz`): `version` (1), `problem`
//! ([`Fingerprint`]), the potentials `f` and `g`, `next`, `sums` and `state` ([`Pause`]), and `steps` and
//! `residuals` of all that the run looked at, from which its rule of omega learns again what it knew. Numbers of a
//! run in `f32` are kept in `f64`, which loses nothing. Reading one gives an error for what is no checkpoint, for a
//! version that is not known and for parts that do not fit together; [`Checkpoint::check`] for another problem's.

use southwell::transport::sinkhorn::Pause;
use southwell::{Error, Real};

/// What tells one problem of transport from another without keeping it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fingerprint {
    /// Rows of the costs.
    pub rows: usize,
    /// Columns of the costs.
    pub columns: usize,
    /// The weight of the entropy.
    pub epsilon: f64,
    /// The largest cost.
    pub largest: f64,
    /// The sum of the costs, in the order of the file.
    pub sum: f64,
    /// A hash of the marginals' bits ([`hash`]).
    pub marginals: u64,
    /// Bits of a number of the run: 32 or 64.
    pub precision: u32,
    /// Whether the iteration is over-relaxed, omega found on the way.
    pub over_relaxed: bool,
}

/// A run of Sinkhorn's iteration between two steps.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// Of which problem.
    pub problem: Fingerprint,
    /// The potentials of the rows.
    pub f: Vec<f64>,
    /// The potentials of the columns.
    pub g: Vec<f64>,
    /// The next potentials of the rows.
    pub next: Vec<f64>,
    /// What the columns sum to with them.
    pub sums: Vec<f64>,
    /// The errors of rows and columns.
    pub errors: (f64, f64),
    /// Steps that were taken.
    pub steps: u32,
    /// Steps and residuals of all looks.
    pub looks: Vec<(u32, f64)>,
}

/// Fowler, Noll & Vo's hash (1a, 64 bits) of numbers' bits.
#[must_use]
pub fn hash(vectors: &[&[f64]]) -> u64 {
    let bytes =
        vectors.iter().flat_map(|vector| vector.iter().flat_map(|value| value.to_bits().to_le_bytes()));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

impl Checkpoint {
    /// An empty one, to be filled by [`take`](Checkpoint::take).
    #[must_use]
    pub fn new(problem: Fingerprint) -> Self {
        let empty = Vec::new;
        Self {
            problem,
            f: empty(),
            g: empty(),
            next: empty(),
            sums: empty(),
            errors: (0.0, 0.0),
            steps: 0,
            looks: Vec::new(),
        }
    }

    /// Takes a run as it is now, in the memory that is there; looks are the caller's to note.
    pub fn take<T: Real>(&mut self, (f, g): (&[T], &[T]), pause: &Pause<'_, T>) {
        let widen = |from: &[T], to: &mut Vec<f64>| {
            to.clear();
            to.extend(from.iter().map(|value| value.to_f64()));
        };
        widen(f, &mut self.f);
        widen(g, &mut self.g);
        widen(pause.next, &mut self.next);
        widen(pause.sums, &mut self.sums);
        self.errors = (pause.errors.0.to_f64(), pause.errors.1.to_f64());
        self.steps = pause.steps;
    }

    /// Refuses to go on with another problem.
    ///
    /// # Errors
    /// [`Error::Option`] that names what differs.
    pub fn check(&self, problem: &Fingerprint) -> Result<(), Error> {
        let (ours, theirs) = (&self.problem, problem);
        let same = |x: f64, y: f64| x.to_bits() == y.to_bits();
        let name = if (ours.rows, ours.columns) != (theirs.rows, theirs.columns)
            || !same(ours.largest, theirs.largest)
            || !same(ours.sum, theirs.sum)
        {
            "costs"
        } else if ours.marginals != theirs.marginals {
            "marginals"
        } else if !same(ours.epsilon, theirs.epsilon) {
            "epsilon"
        } else if ours.precision != theirs.precision {
            "precision"
        } else if ours.over_relaxed != theirs.over_relaxed {
            "method"
        } else {
            return Ok(());
        };
        Err(Error::Option { name, requirement: "must be as in the run that wrote the checkpoint" })
    }
}

#[cfg(feature = "npz")]
mod file {
    use std::io;
    use std::path::Path;

    use super::{Checkpoint, Fingerprint};
    use crate::files::{FileError, npz};

    /// The format that is written, and the only one that is read.
    const VERSION: f64 = 1.0;
    const NAMES: [&str; 9] = ["version", "problem", "state", "f", "g", "next", "sums", "steps", "residuals"];

    fn no_checkpoint(what: &str) -> FileError {
        let text = format!("{what}; name a file that a run with --checkpoint has written");
        FileError::from(io::Error::new(io::ErrorKind::InvalidData, text))
    }

    impl Checkpoint {
        /// Writes it beside the file first, so that an earlier one is there until this one is whole.
        ///
        /// # Errors
        /// [`FileError::Io`].
        pub fn write(&self, path: impl AsRef<Path>) -> Result<(), FileError> {
            let Fingerprint { rows, columns, epsilon, largest, sum, marginals, precision, over_relaxed } =
                self.problem;
            let problem = [
                rows as f64,
                columns as f64,
                epsilon,
                largest,
                sum,
                f64::from((marginals >> 32) as u32),
                f64::from(marginals as u32),
                f64::from(precision),
                f64::from(u8::from(over_relaxed)),
            ];
            let state = [self.errors.0, self.errors.1, f64::from(self.steps)];
            let (steps, residuals): (Vec<f64>, Vec<f64>) =
                self.looks.iter().map(|&(step, residual)| (f64::from(step), residual)).unzip();
            let vectors: [&[f64]; 9] =
                [&[VERSION], &problem, &state, &self.f, &self.g, &self.next, &self.sums, &steps, &residuals];
            let named: Vec<_> = NAMES.into_iter().zip(vectors).collect();
            npz::replace(path.as_ref(), &named)
        }

        /// Reads one.
        ///
        /// # Errors
        /// [`FileError::Io`] for what is no checkpoint, too; what [`npz::read_potentials`] refuses.
        pub fn read(path: impl AsRef<Path>) -> Result<Self, FileError> {
            let path = path.as_ref();
            let [version] = npz::read_potentials(path, ["version"])?;
            let read = || {
                if version != [VERSION] {
                    return Err(no_checkpoint("this version of checkpoints is not known"));
                }
                let [_, problem, state, f, g, next, sums, steps, residuals] =
                    npz::read_potentials(path, NAMES)?;
                parse(&problem, &state, (&steps, &residuals))
                    .filter(|read| {
                        let Fingerprint { rows, columns, .. } = read.problem;
                        [f.len(), g.len(), next.len(), sums.len()] == [rows, columns, rows, columns]
                    })
                    .map(|read| Self { f, g, next, sums, ..read })
                    .ok_or_else(|| no_checkpoint("the parts of this archive do not fit together"))
            };
            read().map_err(|error| error.at(path))
        }
    }

    /// A whole number that was written as a float.
    fn whole(value: f64, most: f64) -> Option<u64> {
        (value >= 0.0 && value <= most && value.fract() == 0.0).then_some(value as u64)
    }

    fn count(value: f64) -> Option<u32> {
        whole(value, f64::from(u32::MAX)).and_then(|value| u32::try_from(value).ok())
    }

    /// All but the long vectors.
    fn parse(problem: &[f64], state: &[f64], (steps, residuals): (&[f64], &[f64])) -> Option<Checkpoint> {
        let &[rows, columns, epsilon, largest, sum, high, low, precision, over_relaxed] = problem else {
            return None;
        };
        let &[row_error, column_error, taken] = state else { return None };
        let size = |value| whole(value, 9e15).and_then(|value| usize::try_from(value).ok());
        let problem = Fingerprint {
            rows: size(rows)?,
            columns: size(columns)?,
            epsilon,
            largest,
            sum,
            marginals: u64::from(count(high)?) << 32 | u64::from(count(low)?),
            precision: count(precision)?,
            over_relaxed: whole(over_relaxed, 1.0)? == 1,
        };
        let taken = count(taken)?;
        let steps: Vec<u32> = steps.iter().map(|&step| count(step)).collect::<Option<_>>()?;
        let in_order =
            steps.windows(2).all(|pair| pair[0] < pair[1]) && steps.last().is_none_or(|&last| last <= taken);
        if steps.len() != residuals.len() || !in_order {
            return None;
        }
        let looks = steps.into_iter().zip(residuals.iter().copied()).collect();
        Some(Checkpoint {
            errors: (row_error, column_error),
            steps: taken,
            looks,
            ..Checkpoint::new(problem)
        })
    }
}
