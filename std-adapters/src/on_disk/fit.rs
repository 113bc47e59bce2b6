//! Least absolute deviations and quantile regression over rows in a file, in few passes, with a proof.
//!
//! Rows far from the fit only say on which side of it they lie. Their losses together are one linear function as long as
//! none changes sides, and a linear function is a row:
//! ```text
//! Σ over far rows of ρ_q(y_i − x_iᵀβ) = Σ s_i y_i − (Σ s_i x_i)ᵀβ,   s_i = q or q − 1
//! ```
//! So a *round* keeps the rows of smallest residual in memory, adds that one, fits them with a proof
//! ([in memory](southwell::subgradient::fit)) and looks whether a far row has changed sides. If none has, the proof is one
//! for all rows. Otherwise the next round keeps twice as many, from the better of the two fits. A round is three passes over
//! the file. The start is the least-squares fit, a pass more.
//!
//! A round is made of the coefficients and the number of rows to keep, so these are all that a checkpoint holds: a
//! run that goes on has the bits of one that was not interrupted.
//!
//! *Memory*: y, a residual a row, and the rows that are kept, three times.
//!
//! *Fails*, as [`Status::Stalled`], where the rows that would have to be kept exceed the limit, or the fit of those that
//! are kept proves nothing (dependent columns, many residuals of 0): then it is a fit, without a proof.
//!
//! *Source*: Portnoy & Koenker 1997.

use std::ops::ControlFlow;

use southwell::subgradient::fit::{self, Whitening, Workspace};
use southwell::subgradient::{Quantile, Table};
use southwell::{Error, Progress, Status, Stop};
use southwell_simd::vector;

use super::{DiskQuantile, Fault, Rows};
use crate::checkpoint::hash;

/// A fit between two rounds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept {
    /// What tells one problem from another.
    pub problem: Vec<f64>,
    /// The best coefficients so far.
    pub beta: Vec<f64>,
    /// Their loss; infinite before it is known.
    pub value: f64,
    /// Rows that the next round keeps.
    pub near: usize,
    /// Rounds that were made.
    pub rounds: u32,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// [`Status::Optimal`], [`Status::Stalled`], [`Status::StepLimit`], [`Status::Stopped`], or [`Status::NotFinite`] after a
    /// fault.
    pub status: Status,
    /// What the file was found to be at fault with.
    pub fault: Option<Fault>,
    /// The best coefficients, their loss, and what it takes to go on; none where a fault came before the start.
    pub kept: Option<Kept>,
}

/// A fit whose rows are in a file.
#[derive(Debug)]
pub struct DiskFit<'a> {
    file: &'a Rows<f64>,
    y: &'a [f64],
    q: f64,
    most: usize,
}

impl<'a> DiskFit<'a> {
    /// Observations, the quantile (½: half the sum of absolute deviations), and how many rows may be kept at most. Cost: a
    /// pass, which looks for NaN.
    ///
    /// # Errors
    /// As [`DiskQuantile::new`].
    pub fn new(file: &'a Rows<f64>, y: &'a [f64], q: f64, most: usize) -> Result<Self, Fault> {
        DiskQuantile::new(file, y, q)?;
        Ok(Self { file, y, q, most: most.max(file.columns() + 1) })
    }

    /// The residuals of all rows, and f.
    fn residuals(&self, beta: &[f64], out: &mut Vec<f64>) -> Result<f64, Fault> {
        out.clear();
        let columns = self.file.columns();
        self.file.pass(|first, values| {
            for (row, x) in values.chunks(columns).enumerate() {
                out.push(self.y[first + row] - vector::dot(x, beta));
            }
        })?;
        Ok(out.iter().fold(0.0, |sum, &r| sum + self.slope(r) * r))
    }

    fn slope(&self, residual: f64) -> f64 {
        if residual > 0.0 { self.q } else { self.q - 1.0 }
    }

    /// The normal equations, solved; 0 where they cannot be. Cost: a pass.
    fn least_squares(&self) -> Result<(Vec<f64>, f64), Fault> {
        let p = self.file.columns();
        let (mut normal, mut rhs) = (vec![0.0; p * p], vec![0.0; p]);
        self.file.pass(|first, values| {
            for (row, x) in values.chunks(p).enumerate() {
                vector::axpy(self.y[first + row], x, &mut rhs);
                for (entries, &a) in normal.chunks_mut(p).zip(x) {
                    vector::axpy(a, x, entries);
                }
            }
        })?;
        let trace = (0..p).map(|j| normal[j * p + j]).fold(0.0, |sum, d| sum + d);
        Ok((solved(normal, rhs, p).unwrap_or_else(|| vec![0.0; p]), trace))
    }

    /// Fits. An observer sees what is kept before every round, with the loss of the round before, and may end the run;
    /// who wants to end it within a pass gives the file a [watcher](Rows::watched).
    ///
    /// # Errors
    /// [`Error::Option`] for what was kept of another problem; what the fit in memory refuses. A fault of the file is no
    /// error: see [`Solved::fault`].
    pub fn solve(
        &self,
        begin: Option<&Kept>,
        rounds: u32,
        observer: &mut dyn FnMut(&Kept) -> ControlFlow<()>,
    ) -> Result<Solved, Error> {
        let (n, p) = (self.file.rows(), self.file.columns());
        let failed = |fault: Fault, kept: Option<Kept>| {
            let status = if fault == Fault::Stopped { Status::Stopped } else { Status::NotFinite };
            Ok(Solved { status, fault: Some(fault), kept })
        };
        let (beta, trace) = match self.least_squares() {
            Ok(found) => found,
            Err(fault) => return failed(fault, begin.cloned()),
        };
        let hash = hash(&[self.y]);
        let [high, low] = [hash >> 32, hash & 0xffff_ffff].map(|half| half as f64);
        let problem = vec![n as f64, p as f64, self.q, trace, high, low];
        // Portnoy & Koenker's, and enough for small problems at once.
        let near = ((n as f64 * p as f64).powf(2.0 / 3.0) as usize).max(1000);
        let fresh = Kept { problem, beta, value: f64::INFINITY, near, rounds: 0 };
        let mut kept = match begin {
            None => fresh,
            Some(kept) => {
                let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits();
                let fits = kept.problem.len() == fresh.problem.len() && kept.beta.len() == p;
                if !(fits && kept.problem.iter().zip(&fresh.problem).all(same)) {
                    let requirement = "must be of these rows, observations and quantile";
                    return Err(Error::Option { name: "checkpoint", requirement });
                }
                kept.clone()
            }
        };
        let mut residuals = Vec::with_capacity(n);
        let status = loop {
            let asked = observer(&kept);
            if kept.rounds >= rounds {
                break Status::StepLimit;
            }
            if asked.is_break() {
                break Status::Stopped;
            }
            let near = kept.near.min(n);
            if near > self.most {
                break Status::Stalled;
            }
            let round = match self.round(&kept.beta, near, &mut residuals) {
                Ok(round) => round?,
                Err(fault) => return failed(fault, Some(kept)),
            };
            if round.status == Status::Stopped {
                return failed(Fault::Stopped, Some(kept));
            }
            let next = match self.residuals(&round.beta, &mut residuals) {
                Ok(value) => value,
                Err(fault) => return failed(fault, Some(kept)),
            };
            kept.rounds += 1;
            kept.value = kept.value.min(round.before);
            let kept_sides =
                round.far.iter().all(|&(row, slope)| self.slope(residuals[row as usize]) == slope);
            if next <= kept.value {
                (kept.value, kept.beta) = (next, round.beta);
                if round.status == Status::Optimal && kept_sides {
                    break Status::Optimal;
                }
            }
            if near == n {
                break Status::Stalled;
            }
            kept.near = kept.near.saturating_mul(2);
        };
        Ok(Solved { status, fault: None, kept: Some(kept) })
    }

    /// Fits the rows nearest to β and the one that stands for the others. Cost: two passes.
    fn round(
        &self,
        beta: &[f64],
        near: usize,
        residuals: &mut Vec<f64>,
    ) -> Result<Result<Round, Error>, Fault> {
        let (n, p) = (self.file.rows(), self.file.columns());
        let before = self.residuals(beta, residuals)?;
        let mut order: Vec<u32> = (0..n as u32).collect();
        let size = |row: &u32| residuals[*row as usize].abs();
        if near < n {
            order.select_nth_unstable_by(near, |a, b| size(a).total_cmp(&size(b)).then(a.cmp(b)));
        }
        let mut is_near = vec![false; n];
        order[..near].iter().for_each(|&row| is_near[row as usize] = true);
        let (mut values, mut y) = (Vec::with_capacity((near + 1) * p), Vec::with_capacity(near + 1));
        let (mut sum_x, mut sum_y, mut far) = (vec![0.0; p], 0.0, Vec::new());
        self.file.pass(|first, block| {
            for (row, x) in (first..).zip(block.chunks(p)) {
                if is_near[row] {
                    values.extend_from_slice(x);
                    y.push(self.y[row]);
                } else {
                    let slope = self.slope(residuals[row]);
                    vector::axpy(slope, x, &mut sum_x);
                    sum_y += slope * self.y[row];
                    far.push((row as u32, slope));
                }
            }
        })?;
        let mut weights = vec![1.0; y.len()];
        if near < n {
            // Its residual, the mean loss of the far rows, is above 0; as long as a row is, so that it does not spoil the
            // coordinates of the fit.
            let count = far.len() as f64;
            vector::scale(1.0 / count, &mut sum_x);
            values.append(&mut sum_x);
            y.push(sum_y / count);
            weights.push(count / self.q);
        }
        Ok(self.fit(&values, &y, &weights, beta).map(|(beta, status)| Round { beta, status, before, far }))
    }

    fn fit(
        &self,
        values: &[f64],
        y: &[f64],
        weights: &[f64],
        beta: &[f64],
    ) -> Result<(Vec<f64>, Status), Error> {
        let p = self.file.columns();
        let loss = Quantile::new(Table::new(values, y.len(), p)?, y, self.q)?.weighted(weights)?;
        let whitening = Whitening::Orthogonal;
        let mut storage = vec![0.0; Workspace::<f64>::required_len(y.len(), p, whitening, false)];
        let mut indices = vec![0; Workspace::<f64>::required_indices(p)];
        let work = Workspace::new(&loss, whitening, false, &mut storage, &mut indices)?;
        let mut options = fit::Options { start: fit::Start::Given, ..fit::Options::default() };
        options.ending.stop = Stop { max_steps: 20_000, ..Stop::relative(1e-9) };
        let mut beta = beta.to_vec();
        // The watcher of the file may end this too.
        let mut watch = |_: &Progress<f64>| match self.file.show(self.file.rows()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        };
        let outcome = fit::solve(&loss, &options, fit::rule(), &mut beta, work, &mut watch)?;
        Ok((beta, outcome.report.status))
    }
}

/// What a round has found.
struct Round {
    beta: Vec<f64>,
    /// How the fit of the rows that were kept ended.
    status: Status,
    /// f where the round began.
    before: f64,
    /// The rows that were not kept, and their slopes.
    far: Vec<(u32, f64)>,
}

/// A x = b for a symmetric positive definite A by Cholesky's factors.
fn solved(mut a: Vec<f64>, mut b: Vec<f64>, p: usize) -> Option<Vec<f64>> {
    for j in 0..p {
        let (above, row) = a.split_at_mut(j * p);
        for k in 0..j {
            let sum = vector::dot(&above[k * p..k * p + k], &row[..k]);
            row[k] = (row[k] - sum) / above[k * p + k];
        }
        let square = row[j] - vector::dot(&row[..j], &row[..j]);
        if square.is_nan() || square <= 1e-14 * row[j] {
            return None;
        }
        row[j] = square.sqrt();
        b[j] = (b[j] - vector::dot(&row[..j], &b[..j])) / row[j];
    }
    for j in (0..p).rev() {
        b[j] /= a[j * p + j];
        let x = b[j];
        vector::axpy(-x, &a[j * p..j * p + j], &mut b[..j]);
    }
    vector::first_not_finite(&b).is_none().then_some(b)
}

/// A checkpoint is a NumPy archive of three vectors (feature `npz`): `problem`, `beta` and `state` (the loss or −1, rows to
/// keep, rounds).
#[cfg(feature = "npz")]
impl Kept {
    const NAMES: [&str; 3] = ["problem", "beta", "state"];

    /// Writes it, in the place of an older one only when it is whole.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) if the file cannot be written.
    pub fn write(&self, path: &std::path::Path) -> Result<(), crate::files::FileError> {
        let value = if self.value.is_finite() { self.value } else { -1.0 };
        let state = [value, self.near as f64, f64::from(self.rounds)];
        let vectors: [&[f64]; 3] = [&self.problem, &self.beta, &state];
        let named: Vec<_> = Self::NAMES.into_iter().zip(vectors).collect();
        crate::files::npz::replace(path, &named)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) for what is no archive, or lacks a vector.
    pub fn read(path: &std::path::Path) -> Result<Self, crate::files::FileError> {
        let [problem, beta, state] = crate::files::npz::read(path, Self::NAMES)?;
        let whole = |value: f64, most: f64| value >= 0.0 && value <= most && value.fract() == 0.0;
        let fits = |&[_, near, rounds]: &[f64; 3]| whole(near, 9e15) && whole(rounds, f64::from(u32::MAX));
        let Some([value, near, rounds]) = <[f64; 3]>::try_from(state).ok().filter(fits) else {
            let text = "the parts of this archive do not fit together; name a file that a run with --checkpoint has \
                        written";
            let error = std::io::Error::new(std::io::ErrorKind::InvalidData, text);
            return Err(crate::files::FileError::from(error).at(path));
        };
        let value = if value < 0.0 { f64::INFINITY } else { value };
        Ok(Self { problem, beta, value, near: near as usize, rounds: rounds as u32 })
    }
}
