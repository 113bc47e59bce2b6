//! Quadratics with a penalty, greedily.

use southwell::Observer;

use super::{Opened, Told, later};
use crate::gpu::error::Error;
use crate::gpu::relaxation::{Failed, Settings};
use crate::owned::descent::{Descended, Descent, Options};

/// A dense quadratic with a penalty variable by variable, from zero, by the variable that gains most and exact steps: in
/// `f32` on the device, and finished by the same rule on the CPU. The weights come home with the first look and every eighth after it: where the
/// device fails, the CPU carries on from the last of them, with the steps that are left.
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
    let mut x = Vec::new();
    let solved = match device {
        Ok(device) => problem.solve_at(device, settings, options, &mut x, observer),
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
    if failed.steps == 0 {
        return Ok(problem.solve(&Descent::GREEDY, options, observer)?);
    }
    Ok(problem.carry_on(x, failed.steps, options, &mut later(failed.steps, observer))?)
}
