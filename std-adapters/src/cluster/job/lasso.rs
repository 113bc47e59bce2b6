//! The lasso from files over ranks: min (1/2n) ‖y − A w‖² + λ ‖w‖₁, by greedy coordinates.

use std::path::Path;

use southwell::{Observer, Progress, Report, Status, Stop};
use southwell_simd::vector;

use super::{BLOCKS, Saving, Size, refused, until};
use crate::cluster::communicator::exchange_all;
use crate::cluster::partition::Sums;
use crate::cluster::{Communicator, Fault, Partition, agree, checkpoint, descent, read};
use crate::files::archive::{Archive, Array};
use crate::files::{self, npz};

/// Where A and y are.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// A NumPy archive with the arrays `A`, a row a sample, and `y`.
    Archive(&'a Path),
    /// NumPy files.
    Files {
        /// A.
        samples: &'a Path,
        /// y.
        targets: &'a Path,
    },
}

/// What is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    /// Columns of A; all ranks hold y and r.
    Features,
    /// Rows of A; all ranks hold w.
    Samples,
}

/// The problem, and where its parts go.
#[derive(Clone, Copy, Debug)]
pub struct Setting<'a> {
    /// A and y.
    pub data: Data<'a>,
    /// What is divided.
    pub by: By,
    /// λ, or a share of the least λ for which w = 0.
    pub lambda: Size,
    /// The gap relative to that of w = 0, and steps of the whole run. Every step is looked at.
    pub stop: Stop<f64>,
    /// Checkpoints.
    pub saving: Option<Saving<'a>>,
    /// Where w goes.
    pub out: Option<&'a Path>,
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// How the run ended; steps of the whole run. Its residual is n times the gap.
    pub report: Report<f64>,
    /// Samples and features.
    pub shape: (usize, usize),
    /// λ.
    pub lambda: f64,
    /// The least λ for which w = 0.
    pub lambda_max: f64,
    /// (1/2n) ‖y − A w‖² + λ ‖w‖₁
    pub objective: f64,
    /// Features that are not zero.
    pub nonzeros: usize,
    /// The step that was gone on from.
    pub resumed: Option<u32>,
    /// w: of this rank's features, or all of it where samples are divided.
    pub w: Vec<f64>,
}

/// Reads, solves and writes. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for files that cannot be read or written or do not fit, for what the method refuses, and for checkpoints of
/// another problem; [`Fault::Ranks`]; those of the communicator.
pub fn run<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Fitted, Fault> {
    let (values, p, samples) = rows(communicator, setting)?;
    let n = samples.items();
    if n == 0 || p == 0 {
        return Err(refused(format!("{n} samples of {p} features: there is nothing to fit")));
    }
    let y = targets(communicator, setting, &samples)?;
    let divided = match setting.by {
        By::Samples => samples,
        By::Features => Partition::new(p, communicator.size())?,
    };
    let matrix = match setting.by {
        By::Samples => transposed(&values, p),
        By::Features => columns(communicator, &values, p, n, &divided)?,
    };
    drop(values);
    let lambda_max = match setting.by {
        By::Features => descent::lambda_max_by_features(communicator, &matrix, &y)?,
        By::Samples => descent::lambda_max_by_samples(communicator, &divided, &matrix, &y, p)?,
    } / n as f64;
    let lambda = setting.lambda.of(lambda_max);
    let task = Task { communicator, setting, divided, matrix, y, weight: lambda * n as f64 };
    let own = task.divided.items_of(communicator.rank()).len();
    let mut state = State {
        w: vec![0.0; if setting.by == By::Features { own } else { p }],
        r: Vec::new(),
        done: 0,
        first: None,
    };
    let mut resumed = None;
    if let Some(saving) = setting.saving.as_ref().filter(|saving| saving.resume) {
        task.restore(saving, &mut state)?;
        resumed = Some(state.done);
    }
    let report = task.descend(&mut state, observer)?;
    let (objective, nonzeros) = task.value(&state, n as f64)?;
    if let Some(out) = setting.out {
        let features = Partition::spread(p, p, communicator.size());
        match setting.by {
            By::Features => read::write_npy(communicator, out, &task.divided, &state.w)?,
            By::Samples => {
                let own = features.items_of(communicator.rank());
                read::write_npy(communicator, out, &features, &state.w[own])?;
            }
        }
    }
    Ok(Fitted { report, shape: (n, p), lambda, lambda_max, objective, nonzeros, resumed, w: state.w })
}

/// This rank's rows of A, and how long they are.
fn rows<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
) -> Result<(Vec<f64>, usize, Partition), Fault> {
    let size = communicator.size();
    let by = |items| match setting.by {
        By::Samples => Partition::in_blocks(items, BLOCKS, size),
        // Rows pass through: a rank may be without.
        By::Features => Ok(Partition::spread(items, items, size)),
    };
    match setting.data {
        Data::Files { samples, .. } => read::npy_by(communicator, samples, by),
        Data::Archive(path) => match read::npz_by(communicator, path, "A", by)? {
            Some((Array { shape, values }, partition)) if shape.len() == 2 => {
                Ok((values, shape[1], partition))
            }
            _ => Err(refused(format!("{}: the archive holds no matrix `A`", path.display()))),
        },
    }
}

/// y: this rank's, or all of it.
fn targets<C: Communicator + ?Sized>(
    communicator: &C,
    setting: &Setting<'_>,
    samples: &Partition,
) -> Result<Vec<f64>, Fault> {
    let n = samples.items();
    let misfit = |given| refused(format!("there are {given} targets for {n} samples"));
    let by = |items| if items == n { Ok(samples.clone()) } else { Err(misfit(items)) };
    let whole = match (setting.by, setting.data) {
        (By::Samples, Data::Files { targets, .. }) => return Ok(read::npy_by(communicator, targets, by)?.0),
        (By::Samples, Data::Archive(path)) => {
            let read = read::npz_by(communicator, path, "y", by)?;
            let missing = || refused(format!("{}: the archive holds no array `y`", path.display()));
            return read.map(|(array, _)| array.values).ok_or_else(missing);
        }
        (By::Features, Data::Files { targets, .. }) => agree(communicator, files::read_vector(targets))?,
        (By::Features, Data::Archive(path)) => {
            let read = Archive::open(path).and_then(|_| npz::read(path, ["y"]));
            let [y] = agree(communicator, read)?;
            y
        }
    };
    if whole.len() == n { Ok(whole) } else { Err(misfit(whole.len())) }
}

/// Rows, column by column.
fn transposed(values: &[f64], p: usize) -> Vec<f64> {
    (0..p).flat_map(|j| values.iter().skip(j).step_by(p.max(1)).copied()).collect()
}

/// This rank's columns: every rank sends what it has read of them.
fn columns<C: Communicator + ?Sized>(
    communicator: &C,
    values: &[f64],
    p: usize,
    n: usize,
    features: &Partition,
) -> Result<Vec<f64>, Fault> {
    let (rank, size) = (communicator.rank(), communicator.size());
    let samples = Partition::spread(n, n, size);
    let own = features.items_of(rank).len();
    let packed: Vec<Vec<f64>> = (0..size)
        .map(|other| {
            let theirs = features.items_of(other);
            values.chunks_exact(p).flat_map(|row| &row[theirs.clone()]).copied().collect()
        })
        .collect();
    let mut given: Vec<Vec<f64>> =
        (0..size).map(|other| vec![0.0; samples.items_of(other).len() * own]).collect();
    given[rank].copy_from_slice(&packed[rank]);
    exchange_all(communicator, &packed, &mut given)?;
    drop(packed);
    // In the order of the ranks these are all rows, cut to our columns.
    Ok(transposed(&given.concat(), own))
}

struct Task<'a, C: ?Sized> {
    communicator: &'a C,
    setting: &'a Setting<'a>,
    divided: Partition,
    matrix: Vec<f64>,
    y: Vec<f64>,
    /// n λ
    weight: f64,
}

struct State {
    w: Vec<f64>,
    r: Vec<f64>,
    done: u32,
    /// The first residual.
    first: Option<f64>,
}

impl<C: Communicator + ?Sized> Task<'_, C> {
    fn identity(&self) -> [f64; 2] {
        [self.weight, f64::from(self.setting.by as u8)]
    }

    /// What is divided, and what all have.
    fn halves<'s>(&self, state: &'s mut State) -> (&'s mut Vec<f64>, &'s mut Vec<f64>) {
        match self.setting.by {
            By::Features => (&mut state.w, &mut state.r),
            By::Samples => (&mut state.r, &mut state.w),
        }
    }

    fn restore(&self, saving: &Saving<'_>, state: &mut State) -> Result<(), Fault> {
        let names = ["identity", "whole", "first"];
        let restored = checkpoint::restore(self.communicator, saving.path, &self.divided, 1, &names)?;
        let mut common = restored.common.into_iter();
        let mut array = || common.next().unwrap_or_default();
        let (identity, whole, first) = (array(), array(), array());
        let expected = if self.setting.by == By::Features { self.y.len() } else { state.w.len() };
        let fits = identity == self.identity() && whole.len() == expected && first.len() == 1;
        let why = "the checkpoint is of another problem: its size, lambda or what is divided differs";
        agree(self.communicator, if fits { Ok(()) } else { Err(why) })?;
        let (own, all) = self.halves(state);
        (*own, *all) = (restored.x, whole);
        (state.done, state.first) = (restored.step as u32, first.first().copied());
        Ok(())
    }

    fn descend(
        &self,
        state: &mut State,
        observer: &mut (impl Observer<f64> + ?Sized),
    ) -> Result<Report<f64>, Fault> {
        let Self { communicator, setting, divided, matrix, y, weight } = self;
        let (saving, most) = (setting.saving.as_ref(), setting.stop.max_steps);
        loop {
            let done = state.done;
            let stop = Stop { max_steps: until(saving, done, most), check_every: 1, ..setting.stop };
            let mut shifted = |progress: &Progress<f64>| {
                observer.observe(&Progress { step: progress.step + done, ..*progress })
            };
            let (w, r) = (&mut state.w, &mut state.r);
            let part = match setting.by {
                By::Features => descent::by_features_on(
                    *communicator,
                    divided,
                    matrix,
                    y,
                    *weight,
                    &stop,
                    w,
                    r,
                    &mut shifted,
                ),
                By::Samples => descent::by_samples_on(
                    *communicator,
                    divided,
                    matrix,
                    y,
                    *weight,
                    &stop,
                    w,
                    r,
                    &mut shifted,
                ),
            };
            let mut report = part?;
            state.done += report.steps;
            let first = *state.first.get_or_insert(report.initial_residual);
            if let Some(saving) = saving {
                let identity = self.identity();
                let step = u64::from(state.done);
                let (own, all) = self.halves(state);
                let common: [(&str, &[f64]); 3] =
                    [("identity", &identity), ("whole", all), ("first", &[first])];
                checkpoint::save(*communicator, saving.path, divided, 1, step, own, &common)?;
            }
            if report.status != Status::StepLimit || state.done >= most {
                (report.steps, report.initial_residual) = (state.done, first);
                return Ok(report);
            }
        }
    }

    /// The objective, and how many features are in it.
    fn value(&self, state: &State, n: f64) -> Result<(f64, usize), Fault> {
        let (w, r) = (&state.w, &state.r);
        let mut sums = Sums::new(&self.divided, self.communicator.rank(), 1);
        let count = |w: &[f64]| w.iter().filter(|&&w| w != 0.0).count() as f64;
        let (square, norm, nonzeros) = match self.setting.by {
            By::Features => {
                let of = |own: std::ops::Range<usize>| [vector::sum_abs(&w[own.clone()]), count(&w[own])];
                let ([norm, nonzeros], _) = sums.total(self.communicator, false, of)?;
                (vector::dot(r, r), norm, nonzeros)
            }
            By::Samples => {
                let of = |own: std::ops::Range<usize>| [vector::dot(&r[own.clone()], &r[own])];
                let ([square], _) = sums.total(self.communicator, false, of)?;
                (square, vector::sum_abs(w), count(w))
            }
        };
        Ok(((0.5 * square + self.weight * norm) / n, nonzeros as usize))
    }
}
