//! A dense quadratic, greedily, on a GPU.

use std::mem;

use southwell::descent::{self, Loss, Problem, Sizes, Workspace};
use southwell::{Observer, Report, Run, Stop};

use super::loss::{AnyLoss, Memory};
use super::penalty::AnyPenalty;
use super::{Blocks, Descended, Descent, Move, Options, Outcome, Plan, Select, look};
use crate::gpu::descent::greedy;
use crate::gpu::relaxation::{Failed, Settings};
use crate::gpu::{Device, Error};

impl Descent {
    /// What the device does, by whichever one variable gains most, and what the CPU does like it.
    pub(crate) const GREEDY: Plan = Plan {
        select: Select::GsQ,
        blocks: Blocks::Variable,
        size: 1,
        update: Move::Gradient,
        seed: 0,
        lattice: None,
        face: None,
        face_limit: 0,
    };

    /// Solves from zero on a device. If it fails, x is the last that came home.
    ///
    /// # Errors
    /// [`Error::Unsupported`] for what is not a dense quadratic, and as [`greedy`].
    pub(crate) fn solve_at(
        &self,
        device: &Device,
        settings: Settings,
        options: &Options<f64>,
        x: &mut Vec<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Descended, Failed> {
        self.smooth.check()?;
        let mut memory = Memory::default();
        let (AnyLoss::Dense(loss), _) = AnyLoss::new(&self.smooth, &mut memory)? else {
            return Err(Error::Unsupported("descent on what is not a dense quadratic").into());
        };
        let penalty = AnyPenalty::new(&self.kink);
        let problem = Problem::new::<f64>(&loss, &penalty)?;
        *x = vec![0.0; Loss::<f64>::variables(&loss)];
        let solved = greedy(device, settings, &problem, options, x, observer)?;
        let (free, gap) = self.with(&Self::GREEDY, |problem, _| Ok(look(problem, x)))?;
        Ok(Descended { x: mem::take(x), outcome: solved.outcome, free, gap })
    }

    /// Goes on from the x after `before` steps from zero, to the tolerance that a run from zero has.
    ///
    /// # Errors
    /// As [`solve`](Self::solve).
    pub(crate) fn carry_on(
        &self,
        mut x: Vec<f64>,
        before: u32,
        options: &Options<f64>,
        observer: &mut dyn Observer<f64>,
    ) -> Result<Descended, southwell::Error> {
        self.with(&Self::GREEDY, |problem, scheme| {
            let sizes = Sizes::of(problem, scheme);
            let mut numbers = vec![0.0; Workspace::<f64>::required_len(&sizes)];
            let mut indices = vec![0; Workspace::<f64>::required_indices(&sizes)];
            let mut zero = vec![0.0; x.len()];
            let work = Workspace::new(problem, scheme, &mut numbers, &mut indices)?;
            let scale = descent::start(problem, options, scheme, &mut zero, work)?.scale();
            let Stop { absolute, relative, max_steps, .. } = options.stop;
            let stop = Stop {
                absolute: absolute.max(relative * scale).max(f64::MIN_POSITIVE),
                relative: 0.0,
                max_steps: max_steps.saturating_sub(before),
                ..options.stop
            };
            let work = Workspace::new(problem, scheme, &mut numbers, &mut indices)?;
            let rest = Options { stop, ..*options };
            let found = descent::solve(problem, &rest, scheme, &mut x, work, observer)?;
            let steps = found.report.steps.saturating_add(before);
            let report = Report { steps, scale, initial_residual: scale, ..found.report };
            let (free, gap) = look(problem, &x);
            Ok(Descended { x, outcome: Outcome { report, ..found }, free, gap })
        })
    }
}
