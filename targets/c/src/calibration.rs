//! Calibration of a three-axis magnetometer while a third of its samples lies.

use core::ptr;

use southwell::Real;
use southwell::subgradient::Table;
use southwell::subgradient::calibration::{self, Options as CoreOptions, Problem, REQUIRED_LEN};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked, NONE};
use crate::{Code, Fault, Options, Report};

/// Raw samples, and the strength of the field that they are of.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Samples<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Samples, at least nine.
    pub count: usize,
    /// Three numbers a sample.
    pub values: *const T,
    /// The strength F of the field, in the unit that is wanted for calibrated values; positive.
    pub field: T,
}

/// What was found: calibrated h = correction · (x − offset). Matrices by rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Calibration<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The hard-iron offset, in the unit of the samples.
    pub offset: [T; 3],
    /// The inverse of the soft-iron matrix.
    pub correction: [[T; 3]; 3],
    /// The soft-iron matrix, symmetric positive definite.
    pub soft_iron: [[T; 3]; 3],
    /// Samples whose calibrated length is within four standard deviations of F: refuse the result where they are few.
    pub agreeing: usize,
    /// That standard deviation, from the median one, in the unit of the field.
    pub deviation: T,
    /// The mean weighted deviation of the lengths, relative to F.
    pub value: T,
}

/// The problem, and the rest of the call.
type Sound<'a, T> = (Problem<'a, T>, Checked<'a, T, Calibration<T>>);

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check<'a, T: Real>(
    samples: *const Samples<T>,
    call: Call<T, Calibration<T>>,
) -> Result<Sound<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let (raw, values): (&Samples<T>, _) = unsafe {
        let raw = arrays.sized(samples, "samples")?;
        (raw, arrays.input(raw.values, raw.count.saturating_mul(3), "values")?)
    };
    let problem = Problem::new(Table::new(values, raw.count, 3)?, raw.field)?;
    if call.found.is_null() {
        return Err(Fault::new(Code::Null, "found"));
    }
    let stop = CoreOptions::default().ending.stop;
    // SAFETY: as above.
    Ok((problem, unsafe { call.check(&mut arrays, ("", 0), stop) }?))
}

/// # Safety
/// As [`check`].
unsafe fn solve<T: Real>(samples: *const Samples<T>, call: Call<T, Calibration<T>>) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (problem, checked) = unsafe { check(samples, call) }?;
    let Checked { mut options, workspace, answers, .. } = checked;
    let mut inner = CoreOptions::default();
    inner.ending.stop = options.stop();
    let found = calibration::solve(&problem, &inner, workspace, &mut options)?;
    let stored = Calibration {
        size: size_of::<Calibration<T>>(),
        offset: found.offset,
        correction: found.correction,
        soft_iron: found.soft_iron,
        agreeing: found.agreeing,
        deviation: found.deviation,
        value: found.outcome.value,
    };
    answers.store(&found.outcome.report, stored);
    Ok(())
}

/// The default options of a calibration: relative step 1e-5, 100 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_calibrate_options_f32() -> Options<f32> {
    Options::with(CoreOptions::default().ending.stop)
}

/// The default options of a calibration: relative step 1e-8, 100 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_calibrate_options_f64() -> Options<f64> {
    Options::with(CoreOptions::default().ending.stop)
}

/// Elements of workspace that a calibration needs, however many samples there are.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_calibrate_workspace() -> usize {
    REQUIRED_LEN
}

/// Finds the ellipsoid on which samples lie, by weighted geometric absolute deviations. The residual is the length of
/// the last step; a step reads the samples once. SOUTHWELL_STATUS_BREAKDOWN says that no ellipsoid was found; what is
/// stored is then a sphere about the medians. `options`, `report` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_calibrate_f32(
    samples: *const Samples<f32>,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    found: *mut Calibration<f32>,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x: ptr::null_mut(), options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(samples, call), fault) }
}

/// As `southwell_calibrate_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_calibrate_f64(
    samples: *const Samples<f64>,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    found: *mut Calibration<f64>,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x: ptr::null_mut(), options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(samples, call), fault) }
}
