//! Quadratics with a penalty, greedily.

use southwell::{Observer, Report, Stop};

use super::{Opened, Told, later};
use crate::gpu::error::Error;
use crate::gpu::relaxation::{Failed, Settings};
use crate::owned::descent::{Descended, Descent, Options, Outcome};

/// A dense quadratic with a penalty variable by variable, from zero, by the variable that gains most and exact steps: in
/// `f32` on the device, and finished by the same rule on the CPU. The weights of a run are there only at its end: where the
/// device fails, the CPU begins anew, with the steps that are left.
///
/// # Errors
/// What the views, the problem and the run refuse; the failure of the device if `told` breaks, [`Error::Unsupported`] for
/// other problems among them.
pub fn descend(
    device: Opened<'_>,
    settings: Settings,
    problem: &Descent,
    options: &Options<f64>,
    observer: &mut dyn Observer<f64>,
    told: Told<'_>,
) -> Result<Descended, Error> {
    let solved = match device {
        Ok(device) => problem.solve_at(device, settings, options, observer),
        Err(error) => Err(error.into()),
    };
    let failed = match solved {
        Ok(found) => return Ok(found),
        Err(Failed { error: error @ Error::Refused(_), .. }) => return Err(error),
        Err(failed) => failed,
    };
    if told(&failed.error, failed.steps).is_break() {
        return Err(failed.error);
    }
    let max_steps = options.stop.max_steps.saturating_sub(failed.steps);
    let rest = Options { stop: Stop { max_steps, ..options.stop }, ..*options };
    let found = problem.solve(&Descent::GREEDY, &rest, &mut later(failed.steps, observer))?;
    let steps = found.outcome.report.steps.saturating_add(failed.steps);
    let report = Report { steps, ..found.outcome.report };
    Ok(Descended { outcome: Outcome { report, ..found.outcome }, ..found })
}
