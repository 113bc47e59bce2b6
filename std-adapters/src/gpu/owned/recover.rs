//! Robust recovery of matrices.

use std::ops::ControlFlow;

use southwell::subgradient::matrix::Options;
use southwell::subgradient::matrix::operator::Operator;
use southwell::{Observer, Progress, Real, drive};

use super::{Opened, Told};
use crate::gpu::error::Error;
use crate::gpu::measure::Measured;
use crate::owned::{Found, Measurements, Recovery, narrow, recover as recover_by};

/// A recovery whose passes over measurements run on the device, in `f32`: of dense matrices and of seeded ones, which are
/// drawn there. The factors and the rules for steps stay here, in `T`. With `watch` every iterate is looked at, beside a
/// truth if there is one: see [`Recovery::watch`].
///
/// A device that fails hands over in the middle of a pass, and no step is lost.
///
/// # Errors
/// As [`Recovery::watch`]; the failure of the device if `told` breaks, [`Error::Unsupported`] for other measurements
/// among them.
pub fn recover<T: Real>(
    device: Opened<'_>,
    recovery: &Recovery,
    options: &Options<T>,
    watch: Option<Option<&[f64]>>,
    observer: &mut dyn Observer<T>,
    told: Told<'_>,
) -> Result<Found, Error> {
    recovery.check_truth(watch.flatten())?;
    let error = match (device, &recovery.measurements) {
        (Ok(device), Measurements::Dense { values, rows, columns }) => {
            let values = narrow::<T>(values);
            match Measured::dense(device, &values, *rows, *columns) {
                Ok(measured) => return by(&measured, recovery, options, watch, observer, told),
                Err(error) => error,
            }
        }
        (Ok(device), Measurements::Seeded { draw, key, count, rows, columns }) => {
            match Measured::seeded(device, *draw, *key, *count, *rows, *columns) {
                Ok(measured) => return by(&measured, recovery, options, watch, observer, told),
                Err(error) => error,
            }
        }
        (Ok(_), _) => Error::Unsupported("measurements that are neither dense matrices nor seeded ones"),
        (Err(error), _) => error,
    };
    if !error.concerns_the_device() || told(&error, 0).is_break() {
        return Err(error);
    }
    Ok(match watch {
        None => recovery.solve(options, observer)?,
        Some(truth) => recovery.watch(options, truth, observer)?,
    })
}

/// With an operator that is on the device.
fn by<T: Real, O: Operator<T>>(
    measured: &Measured<'_, O>,
    recovery: &Recovery,
    options: &Options<T>,
    watch: Option<Option<&[f64]>>,
    observer: &mut dyn Observer<T>,
    told: Told<'_>,
) -> Result<Found, Error> {
    // The failure, once it has been told, and whether the run shall end for it.
    let (mut known, mut ended) = (false, None);
    let mut hear = |step: u32| {
        let Some(error) = measured.failure().filter(|_| !known) else { return ControlFlow::Continue(()) };
        known = true;
        let answer = told(&error, step);
        if answer.is_break() {
            ended = Some(error);
        }
        answer
    };
    let y = narrow::<T>(&recovery.y);
    let found = recover_by(
        measured,
        &y,
        recovery.symmetric,
        recovery.rank,
        options,
        observer,
        watch,
        &mut |run, stop, observer| {
            // What happened on the way to the start.
            let go_on = hear(0).is_continue();
            let stop = southwell::Stop { max_steps: if go_on { stop.max_steps } else { 0 }, ..*stop };
            let report = drive(run, &stop, &mut |progress: &Progress<T>| match hear(progress.step) {
                ControlFlow::Continue(()) => observer.observe(progress),
                end => end,
            });
            let _ = hear(report.steps);
            report
        },
    )?;
    ended.map_or(Ok(found), Err)
}
