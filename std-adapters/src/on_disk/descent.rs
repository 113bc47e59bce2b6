//! Sparse regression over a design in a file, made to be interrupted.
//!
//! A run goes in legs of [`LEG`] steps, each of which begins with nothing but the weights that the one before has left.
//! So the weights between two legs are all that it takes to go on, with the bits of a run that was not interrupted;
//! what is lost is the leg in hand. A leg begins with two passes over the file.

use std::ops::ControlFlow;

use southwell::descent::sparse_regression::{self, Loss, Options, Outcome, Problem, Workspace};
use southwell::linear::Design;
use southwell::{Error, Progress, Report, Status, Stop};

use super::{DiskDesign, Fault};
use crate::checkpoint::hash;
use crate::owned::{LambdaMax, Memory, Posing, Sparsity, WithProblem};

/// Steps between two checkpoints.
pub const LEG: u32 = 10;

/// A regression whose design is in a file: (1/n) Σ loss + penalty, as [`Regression`](crate::owned::Regression).
#[derive(Debug)]
pub struct DiskRegression<'d> {
    design: &'d DiskDesign<f64>,
    y: Vec<f64>,
    loss: Loss,
    intercept: bool,
    sparsity: Sparsity,
    leg: u32,
}

/// A run between two legs.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// What tells one problem from another: sizes, λ, loss, penalty, a hash of the targets, and the least λ without
    /// weights, which depends on all of the design.
    pub problem: Vec<f64>,
    /// The weights.
    pub w: Vec<f64>,
    /// Steps that were taken.
    pub steps: u32,
    /// Steps and gaps of all looks.
    pub looks: Vec<(u32, f64)>,
}

/// How a run ended, and what it takes to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// The weights, the last good ones however the run ended.
    pub w: Vec<f64>,
    /// The whole run; counts are of the legs since it was begun or resumed. None where no leg has ended.
    pub outcome: Option<Outcome<f64>>,
    /// What the file was found to be at fault with, [`Fault::Stopped`] if the observer or the watcher broke off.
    pub fault: Option<Fault>,
    /// The weights between the last two legs.
    pub kept: Kept,
}

impl<'d> DiskRegression<'d> {
    /// Targets, how a fit is judged, and whether a constant is fitted that is not penalised (least squares only). What
    /// does not fit is refused by the methods.
    #[must_use]
    pub fn new(
        design: &'d DiskDesign<f64>,
        y: Vec<f64>,
        loss: Loss,
        intercept: bool,
        sparsity: Sparsity,
    ) -> Self {
        Self { design, y, loss, intercept, sparsity, leg: LEG }
    }

    /// With legs of so many steps, one at least.
    #[must_use]
    pub fn in_legs_of(self, steps: u32) -> Self {
        Self { leg: steps.max(1), ..self }
    }

    fn posing(&self) -> Posing<'_> {
        Posing { y: &self.y, loss: self.loss, intercept: self.intercept, sparsity: self.sparsity }
    }

    /// The least λ for which w = 0 is a solution; NaN after a fault. Cost: a pass.
    ///
    /// # Errors
    /// What the problem refuses.
    pub fn lambda_max(&self) -> Result<f64, Error> {
        self.posing().with(self.design, 1.0, LambdaMax)
    }

    /// A run that has not begun, with the λ that is wanted and the [largest](Self::lambda_max).
    #[must_use]
    pub fn begin(&self, lambda: f64, lambda_max: f64) -> Kept {
        let (kind, more) = match self.sparsity {
            Sparsity::Lasso => (0.0, 0.0),
            Sparsity::ElasticNet(ridge) => (1.0, ridge),
            Sparsity::NonNegative => (2.0, 0.0),
            Sparsity::Groups(size) => (3.0, f64::from(size)),
        };
        let logistic = f64::from(u8::from(self.loss == Loss::Logistic));
        let targets = hash(&[&self.y]);
        let [high, low] = [targets >> 32, targets & 0xffff_ffff].map(|half| half as f64);
        let (n, p) = (self.design.rows(), self.design.columns());
        let (intercept, leg) = (f64::from(u8::from(self.intercept)), f64::from(self.leg));
        let problem =
            vec![n as f64, p as f64, lambda, lambda_max, logistic, intercept, kind, more, high, low, leg];
        Kept { problem, w: vec![0.0; p], steps: 0, looks: Vec::new() }
    }

    /// Solves on from what was kept. An observer, which sees every look and what is kept, may end the run at any.
    ///
    /// # Errors
    /// [`Error::Option`] for what was kept of another problem (compare [`Kept::problem`] with that of
    /// [`begin`](Self::begin)); what the problem and the run refuse. A fault of the file is no error: see
    /// [`Solved::fault`].
    pub fn solve(
        &self,
        fresh: &Kept,
        mut kept: Kept,
        stop: &Stop<f64>,
        observer: &mut dyn FnMut(&Progress<f64>, &Kept) -> ControlFlow<()>,
    ) -> Result<Solved, Error> {
        let same = |(x, y): (&f64, &f64)| x.to_bits() == y.to_bits();
        if kept.problem.len() != fresh.problem.len() || !kept.problem.iter().zip(&fresh.problem).all(same) {
            return Err(Error::Option {
                name: "checkpoint",
                requirement: "must be of this design, targets, penalty and lambda",
            });
        }
        let lambda = fresh.problem[2];
        let mut whole: Option<Outcome<f64>> = None;
        loop {
            let steps = self.leg.min(stop.max_steps.saturating_sub(kept.steps));
            let mut w = kept.w.clone();
            let (first, mut looks, mut broken) = (kept.steps, Vec::new(), false);
            let mut watch = |progress: &Progress<f64>| {
                let progress = Progress { step: first + progress.step, ..*progress };
                // A leg begins with the look that the one before has ended with.
                if progress.step > first || first == 0 {
                    looks.extend(progress.residual.map(|gap| (progress.step, gap)));
                }
                let asked = observer(&progress, &kept);
                broken |= asked.is_break();
                asked
            };
            let options = Options { stop: Stop { max_steps: steps, ..*stop }, ..Options::default() };
            let leg = Leg { options: &options, w: &mut w, observer: &mut watch };
            let part = self.posing().with(self.design, lambda, leg)?;
            let fault = self.design.file().fault().cloned().or(broken.then_some(Fault::Stopped));
            if fault.is_some() {
                return Ok(Solved { w: kept.w.clone(), outcome: whole, fault, kept });
            }
            let before =
                whole.map_or((0, 0, 0, 0), |o| (o.column_visits, o.updates, o.second_order_steps, o.sweeps));
            // A leg that was cut short by the limit is done again by a run that goes on.
            let whole_leg = (steps < self.leg).then(|| kept.clone());
            kept.w = w;
            kept.steps += part.report.steps;
            kept.looks.append(&mut looks);
            let initial_residual = kept.looks.first().map_or(f64::NAN, |look| look.1);
            whole = Some(Outcome {
                report: Report { steps: kept.steps, initial_residual, ..part.report },
                column_visits: before.0 + part.column_visits,
                updates: before.1 + part.updates,
                second_order_steps: before.2 + part.second_order_steps,
                sweeps: before.3 + part.sweeps,
                ..part
            });
            let more = part.report.status == Status::StepLimit && kept.steps < stop.max_steps;
            if !more {
                let w = kept.w.clone();
                let kept = whole_leg.unwrap_or(kept);
                return Ok(Solved { w, outcome: whole, fault: None, kept });
            }
        }
    }
}

/// Solves from w, for some steps.
struct Leg<'s> {
    options: &'s Options<f64>,
    w: &'s mut [f64],
    observer: &'s mut dyn FnMut(&Progress<f64>) -> ControlFlow<()>,
}

impl WithProblem for Leg<'_> {
    type Output = Outcome<f64>;
    fn call<A: Design<f64>>(self, problem: &Problem<'_, f64, A>) -> Result<Outcome<f64>, Error> {
        let mut memory = Memory::new(problem);
        let workspace = Workspace::new(problem, memory.capacity, &mut memory.reals, &mut memory.indices)?;
        let mut observer = self.observer;
        sparse_regression::solve(problem, self.options, self.w, workspace, &mut observer)
    }
}

/// A checkpoint is a NumPy archive of five vectors (feature `npz`): `problem`, `w`, `taken` (steps), and of the looks `steps` and `gaps`.
#[cfg(feature = "npz")]
impl Kept {
    /// Writes it, in the place of an older one only when it is whole.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) if the file cannot be written.
    pub fn write(&self, path: &std::path::Path) -> Result<(), crate::files::FileError> {
        let steps: Vec<f64> = self.looks.iter().map(|look| f64::from(look.0)).collect();
        let gaps: Vec<f64> = self.looks.iter().map(|look| look.1).collect();
        let taken = [f64::from(self.steps)];
        let vectors: [(&str, &[f64]); 5] = [
            ("problem", &self.problem),
            ("w", &self.w),
            ("taken", &taken),
            ("steps", &steps),
            ("gaps", &gaps),
        ];
        crate::files::npz::replace(path, &vectors)
    }

    /// Reads one.
    ///
    /// # Errors
    /// [`FileError`](crate::files::FileError) for what is no archive or lacks a vector.
    pub fn read(path: &std::path::Path) -> Result<Self, crate::files::FileError> {
        let [problem, w, taken, steps, gaps] =
            crate::files::npz::read(path, ["problem", "w", "taken", "steps", "gaps"])?;
        let looks = steps.iter().zip(&gaps).map(|(&step, &gap)| (step as u32, gap)).collect();
        Ok(Self { problem, w, steps: taken.first().map_or(0, |&steps| steps as u32), looks })
    }
}
