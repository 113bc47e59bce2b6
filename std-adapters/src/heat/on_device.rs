//! The experiment with its systems solved on a device.

use southwell::relaxation::{OmegaRule, cg, ssor_cg};
use southwell::{Error, Report, Stop};

use super::policy::{self, Here, OnStep, Outcome, Place, Policy, Setting, StencilProblem, Survey};
use crate::gpu::owned::{Opened, Told};
use crate::gpu::relaxation::{self, Failed, Settings, Solved};
use crate::gpu::{self, Device};

/// Systems are solved on a device as long as it lasts, in `f32` with refinement, SSOR-CG in red-black order: the
/// iterations are those of that order, more than in the natural one that the published totals are of. From a failure of
/// the device on (there is none, it is too small, it is lost) the CPU carries on from the last good iterate, in natural
/// order.
pub struct OnDevice<'d> {
    device: Option<&'d Device>,
    /// Why there is no device, until somebody has been told.
    missing: Option<gpu::Error>,
    told: Told<'d>,
    /// What the caller did not want to get over.
    failure: Option<gpu::Error>,
    /// Iterations of all systems that the device has solved.
    done: u32,
}

impl std::fmt::Debug for OnDevice<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OnDevice").field("device", &self.device).finish_non_exhaustive()
    }
}

/// Systems of this experiment take a dozen iterations, and who learns omega wants to know how many: the device is looked at
/// after every one.
const SETTINGS: Settings = Settings { chunk: Some(1) };

/// What ends a run that the caller did not want to go on without the device.
const ENDED: Error = Error::Option { name: "device", requirement: "must last" };

impl<'d> OnDevice<'d> {
    /// A device as opening it went, and who hears of its failure, with the iterations that all systems took there: `Break`
    /// ends the run.
    #[must_use]
    pub fn new(device: Opened<'d>, told: Told<'d>) -> Self {
        match device {
            Ok(device) => Self { device: Some(device), missing: None, told, failure: None, done: 0 },
            Err(error) => Self { device: None, missing: Some(error), told, failure: None, done: 0 },
        }
    }

    /// As [`run`](super::run).
    ///
    /// # Errors
    /// As there; the device's failure, where `told` has said to break.
    pub fn run(
        &mut self,
        policy: Policy,
        setting: &Setting,
        survey: Option<&Survey>,
        on_step: OnStep<'_>,
    ) -> Result<Option<Outcome>, gpu::Error> {
        policy::run_at(self, policy, setting, survey, on_step).map_err(|error| self.told_why(error))
    }

    /// As [`survey`](super::survey), one arm after the other.
    ///
    /// # Errors
    /// As [`run`](OnDevice::run).
    pub fn survey(&mut self, setting: &Setting, on_step: OnStep<'_>) -> Result<Option<Survey>, gpu::Error> {
        policy::survey_at(self, setting, on_step).map_err(|error| self.told_why(error))
    }

    fn told_why(&mut self, error: Error) -> gpu::Error {
        self.failure.take().unwrap_or(gpu::Error::Refused(error))
    }

    /// The device, unless it has failed before.
    fn device(&mut self) -> Result<Option<&'d Device>, Error> {
        match self.missing.take() {
            Some(error) => self.fail(error, 0).map(|()| None),
            None => Ok(self.device),
        }
    }

    fn fail(&mut self, error: gpu::Error, steps: u32) -> Result<(), Error> {
        if let gpu::Error::Refused(error) = error {
            return Err(error);
        }
        self.device = None;
        if (self.told)(&error, self.done.saturating_add(steps)).is_break() {
            self.failure = Some(error);
            return Err(ENDED);
        }
        Ok(())
    }

    /// What the device made of a system, or how many steps it took before it failed.
    fn settle(&mut self, solved: Result<Solved<f64>, Failed>) -> Result<Result<Solved<f64>, u32>, Error> {
        match solved {
            Ok(solved) => {
                self.done = self.done.saturating_add(solved.report.steps);
                Ok(Ok(solved))
            }
            Err(Failed { error, steps }) => self.fail(error, steps).map(|()| Err(steps)),
        }
    }
}

/// The report of a system that was begun there and finished here.
fn both(report: Report<f64>, before: u32) -> Report<f64> {
    Report { steps: report.steps.saturating_add(before), ..report }
}

impl Place for OnDevice<'_> {
    fn cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<Report<f64>, Error> {
        let mut before = 0;
        if let Some(device) = self.device()? {
            let options = cg::Options { stop: *stop, ..cg::Options::default() };
            let solved = relaxation::cg(device, SETTINGS, problem, &options, x, &mut ());
            match self.settle(solved)? {
                Ok(solved) => return Ok(solved.report),
                Err(steps) => before = steps,
            }
        }
        Ok(both(Here.cg(problem, stop, x, storage)?, before))
    }

    fn ssor_cg(
        &mut self,
        problem: &StencilProblem<'_>,
        stop: &Stop<f64>,
        rule: &mut dyn OmegaRule<f64>,
        x: &mut [f64],
        storage: &mut [f64],
    ) -> Result<(Report<f64>, f64), Error> {
        let mut before = 0;
        if let Some(device) = self.device()? {
            let options = ssor_cg::Options { stop: *stop, ..ssor_cg::Options::default() };
            let solved = relaxation::ssor_cg(device, SETTINGS, problem, &options, &mut *rule, x, &mut ());
            match self.settle(solved)? {
                Ok(solved) => return Ok((solved.report, solved.omega.unwrap_or(1.0))),
                Err(steps) => before = steps,
            }
        }
        let (report, omega) = Here.ssor_cg(problem, stop, rule, x, storage)?;
        Ok((both(report, before), omega))
    }
}
