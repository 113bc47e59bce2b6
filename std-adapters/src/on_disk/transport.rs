//! Sinkhorn's iteration over costs in a file, made to be interrupted.

use std::ops::ControlFlow;

use southwell::omega::{Eager, Fixed, OmegaRule};
use southwell::transport::sinkhorn::{self, Pause, Sinkhorn, Workspace};
use southwell::transport::{Cost, Potentials, Problem};
use southwell::{Error, Progress, Real, Report, Status, Stop, drive};

use super::{DiskCost, Element, Fault};
use crate::checkpoint::{Checkpoint, Fingerprint, hash};

/// How a run over a file proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solving {
    /// The weight of the entropy.
    pub epsilon: f64,
    /// Tolerances, and the steps of the whole run, those before a checkpoint among them. Every step is looked at.
    pub stop: Stop<f64>,
    /// Whether omega is found on the way ([`Eager`]); 1 otherwise.
    pub over_relaxed: bool,
}

/// How a run ended, and what it takes to go on.
#[derive(Clone, Debug, PartialEq)]
pub struct Solved {
    /// Potentials of the rows and of the columns, the last good ones however the run ended.
    pub potentials: (Vec<f64>, Vec<f64>),
    /// The whole run, steps before a checkpoint among them.
    pub report: Report<f64>,
    /// The omega that was in use last, where it is found on the way.
    pub omega: Option<f64>,
    /// What the file was found to be at fault with; potentials and checkpoint are those of the step before.
    pub fault: Option<Fault>,
    /// What [`solve`] goes on from; none where a fault came before the first step.
    pub checkpoint: Option<Checkpoint>,
}

/// Bytes that [`solve`] takes for n rows and m columns besides the blocks of the file ([`Rows::memory`](super::Rows::memory)).
#[must_use]
pub const fn memory<T>(rows: usize, columns: usize) -> usize {
    let both = rows.saturating_add(columns);
    // Marginals, potentials and workspace of the run; what it is asked with and what is kept of it.
    let run = both.saturating_mul(3).saturating_add(columns).saturating_mul(size_of::<T>());
    run.saturating_add(both.saturating_mul(4 * size_of::<f64>()))
}

/// Solves from zero, from potentials, or where a checkpoint ends; in the last case with the bits of a run that was
/// never interrupted. A step is one pass over the file. An observer may end the run after any step; whoever wants
/// to end it in the middle of a pass gives the file a [watcher](super::Rows::watched).
///
/// # Errors
/// What the problem and the method refuse; [`Error::Option`] for a checkpoint of another problem. A fault of the
/// file is no error: see [`Solved::fault`].
pub fn solve<T: Element>(
    cost: &DiskCost<T>,
    (a, b): (&[f64], &[f64]),
    solving: &Solving,
    begin: &Begin<'_>,
    observer: &mut dyn FnMut(&Progress<f64>, &Checkpoint) -> ControlFlow<()>,
) -> Result<Solved, Error> {
    let narrow = |values: &[f64]| values.iter().map(|&value| T::from_f64(value)).collect::<Vec<T>>();
    let problem_of = Fingerprint {
        rows: cost.rows(),
        columns: cost.columns(),
        epsilon: solving.epsilon,
        largest: cost.largest().to_f64(),
        sum: cost.sum().to_f64(),
        marginals: hash(&[a, b]),
        precision: 8 * size_of::<T>() as u32,
        over_relaxed: solving.over_relaxed,
    };
    let (a, b) = (narrow(a), narrow(b));
    let problem = Problem::new(cost, &a, &b, T::from_f64(solving.epsilon))?;
    let (n, m) = (problem.rows(), problem.columns());
    let mut storage = vec![T::ZERO; Workspace::<T>::required_len(n, m, cost.scratch_len())];
    let workspace = Workspace::new(&problem, &mut storage)?;
    let mut rule: Box<dyn OmegaRule<T>> =
        if solving.over_relaxed { Box::new(Eager::default()) } else { Box::new(Fixed(T::ONE)) };
    let Stop { absolute, relative, max_steps, check_every } = solving.stop;
    let stop =
        Stop { absolute: T::from_f64(absolute), relative: T::from_f64(relative), max_steps, check_every };
    let options = sinkhorn::Options { stop };

    let (mut f, mut g) = match begin {
        Begin::Zero => (vec![T::ZERO; n], vec![T::ZERO; m]),
        Begin::Potentials(f, g) => (massive(narrow(f), &a), massive(narrow(g), &b)),
        Begin::Checkpoint(kept) => (narrow(&kept.f), narrow(&kept.g)),
    };
    let x = Potentials { f: &mut f, g: &mut g };
    let run = match begin {
        Begin::Checkpoint(kept) => {
            kept.check(&problem_of)?;
            let (next, sums) = (narrow(&kept.next), narrow(&kept.sums));
            let errors = (T::from_f64(kept.errors.0), T::from_f64(kept.errors.1));
            let pause = Pause { next: &next, sums: &sums, errors, steps: kept.steps };
            let looks = kept.looks.iter().map(|&(step, residual)| (step, T::from_f64(residual)));
            sinkhorn::resume(&problem, &options, &mut *rule, x, workspace, &pause, looks)?
        }
        _ => sinkhorn::start(&problem, &options, &mut *rule, x, workspace)?,
    };
    let checkpoint = match begin {
        Begin::Checkpoint(kept) => (*kept).clone(),
        _ => Checkpoint::new(problem_of),
    };
    Ok(advance(run, cost, &stop, checkpoint, begin, observer))
}

/// Potentials to begin with: a line that had no mass when they were found has none to start from.
fn massive<T: Real>(mut potentials: Vec<T>, weights: &[T]) -> Vec<T> {
    for (potential, &weight) in potentials.iter_mut().zip(weights) {
        if weight > T::ZERO && *potential == -T::INFINITY {
            *potential = T::ZERO;
        }
    }
    potentials
}

/// Where a run begins.
#[derive(Clone, Copy, Debug)]
pub enum Begin<'b> {
    /// At zero.
    Zero,
    /// At potentials f and g.
    Potentials(&'b [f64], &'b [f64]),
    /// Where another run was interrupted.
    Checkpoint(&'b Checkpoint),
}

/// Drives a run step by step, what it takes to go on always at hand.
fn advance<T: Element>(
    mut run: Sinkhorn<'_, T, DiskCost<T>, dyn OmegaRule<T> + '_>,
    cost: &DiskCost<T>,
    stop: &Stop<T>,
    mut kept: Checkpoint,
    begin: &Begin<'_>,
    observer: &mut dyn FnMut(&Progress<f64>, &Checkpoint) -> ControlFlow<()>,
) -> Solved {
    let drive_on = |run: &mut Sinkhorn<'_, T, DiskCost<T>, dyn OmegaRule<T> + '_>, max_steps| {
        let Report { status, steps, checks, initial_residual, residual, scale } =
            drive(run, &Stop { max_steps, ..*stop }, &mut ());
        let [initial_residual, residual, scale] = [initial_residual, residual, scale].map(|x| x.to_f64());
        Report { status, steps, checks, initial_residual, residual, scale }
    };
    let mut report = Report { steps: kept.steps, ..drive_on(&mut run, 0) };
    if let Some(fault) = cost.file().fault() {
        let potentials = match begin {
            Begin::Potentials(f, g) => (f.to_vec(), g.to_vec()),
            _ => (vec![0.0; cost.rows()], vec![0.0; cost.columns()]),
        };
        let omega = kept.problem.over_relaxed.then(|| run.omega().to_f64());
        return Solved { potentials, report, omega, fault: Some(fault.clone()), checkpoint: None };
    }
    if kept.looks.is_empty() {
        kept.looks.push((0, report.residual));
    }
    report.initial_residual = kept.looks[0].1;
    kept.take(run.potentials(), &run.pause());
    let mut omega = run.omega();
    let fault = loop {
        let progress =
            Progress { step: report.steps, residual: Some(report.residual), parameter: omega.to_f64() };
        let asked = observer(&progress, &kept);
        if report.status != Status::StepLimit || report.steps >= stop.max_steps {
            break None;
        }
        if asked.is_break() {
            report.status = Status::Stopped;
            break None;
        }
        let part = drive_on(&mut run, 1);
        if let Some(fault) = cost.file().fault() {
            report.status = if *fault == Fault::Stopped { Status::Stopped } else { Status::NotFinite };
            break Some(fault.clone());
        }
        report = Report {
            steps: report.steps + part.steps,
            checks: report.checks + 1,
            initial_residual: report.initial_residual,
            ..part
        };
        kept.take(run.potentials(), &run.pause());
        kept.looks.push((report.steps, report.residual));
        omega = run.omega();
    };
    Solved {
        potentials: (kept.f.clone(), kept.g.clone()),
        report,
        omega: kept.problem.over_relaxed.then(|| omega.to_f64()),
        fault,
        checkpoint: Some(kept),
    }
}

/// Steps that are left to a goal, as the last ten looks promise; none where the residual does not fall.
#[must_use]
pub fn steps_left(looks: &[(u32, f64)], goal: f64) -> Option<f64> {
    let (&(last, after), &(first, before)) = (looks.last()?, looks.iter().rev().nth(9).or(looks.first())?);
    if after <= goal {
        return Some(0.0);
    }
    if after >= before || goal <= 0.0 {
        return None;
    }
    Some(f64::from(last - first) * (after / goal).ln() / (before / after).ln())
}
