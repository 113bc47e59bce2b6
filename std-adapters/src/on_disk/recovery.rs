//! Recovery of a matrix from measurement matrices in a file, made to be interrupted.
//!
//! A step is one pass over the file; what [`Kept`] holds after it is all that it takes to go on, with the bits of a run
//! that was never interrupted.

use std::ops::ControlFlow;

use southwell::subgradient::matrix::{self, Options, Pause, Problem, Workspace};
use southwell::{Error, Progress, Report, Run, Status, Stop, drive};

use super::{DiskMeasurements, Element, Fault};
use crate::checkpoint::hash;
use crate::owned::Found;

/// A run between two steps. Numbers of a run in `f32` are kept in `f64`, which loses nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// What tells one problem, and one way of solving it, from another.
    pub problem: Vec<f64>,
    /// The best factors, as [`Shape`](southwell::subgradient::matrix::Shape) lays them out.
    pub x: Vec<f64>,
    /// As of [`Pause`].
    pub current: Vec<f64>,
    /// As of [`Pause`].
    pub direction: Vec<f64>,
    /// As of [`Pause`].
    pub vector: Vec<f64>,
    /// As of [`Pause`].
    pub numbers: [f64; 5],
    /// As of [`Pause`].
    pub counts: [u32; 8],
    /// Steps, and the relative lengths of the steps that came next.
    pub looks: Vec<(u32, f64)>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// The best factors, and the whole run; none where a fault came before the first value.
    pub found: Option<Found>,
    /// What the file was found to be at fault with, [`Fault::Stopped`] where its watcher broke off.
    pub fault: Option<Fault>,
    /// What [`solve`](DiskRecovery::solve) goes on from, as after the last step that was whole.
    pub kept: Option<Kept>,
}

/// A recovery whose measurement matrices are in a file.
#[derive(Clone, Copy, Debug)]
pub struct DiskRecovery<'d, T: Element> {
    /// The matrices.
    pub measurements: &'d DiskMeasurements<T>,
    /// The measurements.
    pub y: &'d [f64],
    /// Whether X = U Uᵀ; else X = U Vᵀ.
    pub symmetric: bool,
    /// Columns of the factors: the rank, or more.
    pub rank: usize,
}

fn widen<T: Element>(values: &[T]) -> Vec<f64> {
    values.iter().map(|value| value.to_f64()).collect()
}

fn narrow<T: Element>(values: &[f64]) -> Vec<T> {
    values.iter().map(|&value| T::from_f64(value)).collect()
}

impl<T: Element> DiskRecovery<'_, T> {
    /// What tells this problem from others: sizes, sums of the squares of the matrices, the measurements, and all options
    /// but when the run ends.
    fn fingerprint(&self, options: &Options<T>) -> Vec<f64> {
        let file = self.measurements.file();
        let how = format!("{:?}", Options { stop: Stop::default(), ..*options });
        let how: Vec<f64> = how.bytes().map(f64::from).collect();
        let halves = |hash: u64| [hash >> 32, hash & 0xffff_ffff].map(|half| half as f64);
        let ([a, b], [c, d]) = (halves(hash(&[self.y])), halves(hash(&[&how])));
        let (symmetric, bits) = (f64::from(u8::from(self.symmetric)), 8.0 * size_of::<T>() as f64);
        let sizes = [file.rows(), file.columns(), self.rank].map(|size| size as f64);
        let [m, n, rank] = sizes;
        vec![m, n, rank, symmetric, bits, self.measurements.square().to_f64(), a, b, c, d]
    }

    /// Solves from the start that the options say, or on from what was kept. An observer, which sees every step and what
    /// is kept after it, may end the run; who wants to end it in the middle of a pass gives the file a
    /// [watcher](super::Rows::watched).
    ///
    /// # Errors
    /// What the problem and the method refuse; [`Error::Option`] for what was kept of another problem. A fault of the
    /// file is no error: see [`Solved::fault`].
    pub fn solve(
        &self,
        options: &Options<T>,
        begin: Option<&Kept>,
        observer: &mut dyn FnMut(&Progress<f64>, &Kept) -> ControlFlow<()>,
    ) -> Result<Solved, Error> {
        let fresh = self.fingerprint(options);
        let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits();
        if let Some(kept) = begin
            && !(kept.problem.len() == fresh.len() && kept.problem.iter().zip(&fresh).all(same))
        {
            let requirement = "must be of these measurements, rank and options";
            return Err(Error::Option { name: "checkpoint", requirement });
        }
        let y = narrow::<T>(self.y);
        let problem = if self.symmetric {
            Problem::symmetric(self.measurements, &y, self.rank)?
        } else {
            Problem::general(self.measurements, &y, self.rank)?
        };
        let (shape, scaled) = (problem.shape(), options.is_scaled());
        let scratch = matrix::operator::Dense::<T>::scratch(shape);
        let mut storage = vec![T::ZERO; Workspace::<T>::required_len(shape, scaled, scratch)];
        let workspace = Workspace::new(&problem, scaled, &mut storage)?;
        let mut x = vec![T::ZERO; shape.unknowns()];
        let (mut run, looks) = match begin {
            None => (matrix::start(&problem, options, &mut x, workspace)?, Vec::new()),
            Some(kept) => {
                x = narrow(&kept.x);
                let [current, direction, vector] =
                    [&kept.current, &kept.direction, &kept.vector].map(|values| narrow::<T>(values));
                let numbers = kept.numbers.map(T::from_f64);
                let pause = Pause {
                    current: &current,
                    direction: &direction,
                    vector: &vector,
                    numbers,
                    counts: kept.counts,
                };
                (matrix::resume(&problem, options, &mut x, workspace, &pause)?, kept.looks.clone())
            }
        };
        let fault = || self.measurements.file().fault().cloned();
        if let Some(fault) = fault() {
            return Ok(Solved { found: None, fault: Some(fault), kept: begin.cloned() });
        }
        let mut kept = Kept { problem: fresh, looks, ..Kept::default() };
        keep(&mut kept, &run);
        let residual = run.residual();
        if kept.looks.is_empty() {
            kept.looks.push((0, residual.to_f64()));
        }
        let mut report = drive(&mut run, &Stop { max_steps: 0, ..options.stop }, &mut ());
        report = Report {
            steps: kept.counts[0],
            checks: kept.counts[0].saturating_add(1),
            initial_residual: T::from_f64(kept.looks[0].1),
            ..report
        };
        let fault = loop {
            let progress = Progress {
                step: report.steps,
                residual: Some(report.residual.to_f64()),
                parameter: run.parameter().to_f64(),
            };
            let asked = observer(&progress, &kept);
            if report.status != Status::StepLimit || report.steps >= options.stop.max_steps {
                break None;
            }
            if asked.is_break() {
                report.status = Status::Stopped;
                break None;
            }
            let part = drive(&mut run, &Stop { max_steps: 1, ..options.stop }, &mut ());
            if let Some(fault) = fault() {
                report.status = if fault == Fault::Stopped { Status::Stopped } else { Status::NotFinite };
                break Some(fault);
            }
            report = Report {
                steps: report.steps + part.steps,
                checks: report.checks + 1,
                initial_residual: report.initial_residual,
                ..part
            };
            keep(&mut kept, &run);
            kept.looks.push((report.steps, report.residual.to_f64()));
        };
        let recovered = run.finish(report);
        let found = Found::new(shape, &x, &recovered, &mut storage)?;
        Ok(Solved { found: Some(found), fault, kept: Some(kept) })
    }
}

fn keep<T: Element>(kept: &mut Kept, run: &matrix::Recovery<'_, T, DiskMeasurements<T>>) {
    let pause = run.pause();
    kept.x = widen(run.x());
    [kept.current, kept.direction, kept.vector] =
        [pause.current, pause.direction, pause.vector].map(|values| widen(values));
    kept.numbers = pause.numbers.map(|number| number.to_f64());
    kept.counts = pause.counts;
}

/// A checkpoint is a NumPy archive of eight vectors (feature `npz`): `problem`, `x`, `current`, `direction`, `vector`,
/// `state` (numbers and counts), and of the looks `steps` and `lengths`.
#[cfg(feature = "npz")]
impl Kept {
    const NAMES: [&str; 8] = ["problem", "x", "current", "direction", "vector", "state", "steps", "lengths"];

    /// Writes it, in the place of an older one only when it is whole.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) if the file cannot be written.
    pub fn write(&self, path: &std::path::Path) -> Result<(), crate::files::FileError> {
        let (steps, lengths): (Vec<f64>, Vec<f64>) =
            self.looks.iter().map(|&(step, length)| (f64::from(step), length)).unzip();
        let state: Vec<f64> = self.numbers.into_iter().chain(self.counts.map(f64::from)).collect();
        let vectors: [&[f64]; 8] =
            [&self.problem, &self.x, &self.current, &self.direction, &self.vector, &state, &steps, &lengths];
        let named: Vec<_> = Self::NAMES.into_iter().zip(vectors).collect();
        crate::files::npz::replace(path, &named)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) for what is no archive, lacks a vector, or holds parts that do not fit
    /// together.
    pub fn read(path: &std::path::Path) -> Result<Self, crate::files::FileError> {
        let [problem, x, current, direction, vector, state, steps, lengths] =
            crate::files::npz::read(path, Self::NAMES)?;
        let count = |value: f64| {
            let whole = value >= 0.0 && value <= f64::from(u32::MAX) && value.fract() == 0.0;
            whole.then_some(value as u32)
        };
        let parse = || {
            let (numbers, counts) = state.split_first_chunk::<5>()?;
            let counts: Vec<u32> = counts.iter().map(|&value| count(value)).collect::<Option<_>>()?;
            let steps: Vec<u32> = steps.iter().map(|&step| count(step)).collect::<Option<_>>()?;
            let looks = steps.into_iter().zip(lengths.iter().copied()).collect();
            Some((*numbers, <[u32; 8]>::try_from(counts).ok()?, looks))
        };
        let (numbers, counts, looks) = parse().ok_or_else(|| {
            let text = "the parts of this archive do not fit together; name a file that a run with --checkpoint has \
                        written";
            crate::files::FileError::from(std::io::Error::new(std::io::ErrorKind::InvalidData, text)).at(path)
        })?;
        Ok(Self { problem, x, current, direction, vector, numbers, counts, looks })
    }
}
