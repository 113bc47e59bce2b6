//! Least absolute deviations and quantile regression, with a proof.

use southwell::Real;
use southwell::subgradient::fit::{self, Options as CoreOptions, Whitening, Workspace};
use southwell::subgradient::{Quantile, Table, certify};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked};
use crate::{Code, Fault, Options, Report};

/// min Σ w_i ρ_q(y_i − x_iᵀβ), ρ_q(r) = q r for r ≥ 0 and (q − 1) r below: q = ½: least absolute deviations.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Fit<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows n.
    pub rows: usize,
    /// Columns p: coefficients.
    pub columns: usize,
    /// X by rows, entry (i, j) at `i·columns + j`.
    pub x: *const T,
    /// Targets, n numbers.
    pub y: *const T,
    /// A weight for every row, not negative; null for 1.
    pub weights: *const T,
    /// q between 0 and 1.
    pub quantile: T,
    /// Other than 0: a lower bound is formed on the way (2 n more elements of workspace), for data so degenerate that
    /// no vertex proves anything.
    pub bound: u32,
}

/// What a fit has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FitFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The value of β.
    pub value: T,
    /// No fit has a smaller value than this.
    pub lower_bound: T,
    /// The step at which β was seen.
    pub seen_at: u32,
    /// 1 if β is proven to be a minimum.
    pub optimal: u32,
}

/// # Safety
/// `pointer` must be null or point to a struct whose first member is its size, and whose arrays have the lengths that
/// it says and are not written during `'a`.
unsafe fn read<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const Fit<T>,
) -> Result<(Quantile<'a, T>, bool), Fault> {
    // SAFETY: handed on.
    let (raw, x, y, weights): (&Fit<T>, _, _, _) = unsafe {
        let raw = arrays.sized(pointer, "problem")?;
        let x = arrays.input(raw.x, raw.rows.saturating_mul(raw.columns), "x")?;
        let y = arrays.input(raw.y, raw.rows, "y")?;
        (raw, x, y, arrays.input_or_none(raw.weights, raw.rows, "weights")?)
    };
    let table = Table::new(x, raw.rows, raw.columns)?;
    let loss = Quantile::new(table, y, raw.quantile)?;
    let loss = if let Some(weights) = weights { loss.weighted(weights)? } else { loss };
    Ok((loss, raw.bound != 0))
}

/// The loss, whether a bound is wanted, and the rest of the call.
type Sound<'a, T> = (Quantile<'a, T>, bool, Checked<'a, T, FitFound<T>>);

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check<'a, T: Real>(
    problem: *const Fit<T>,
    call: Call<T, FitFound<T>>,
) -> Result<Sound<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let (loss, bound) = unsafe { read(&mut arrays, problem) }?;
    let (beta, stop) = (("beta", loss.table().columns()), CoreOptions::default().ending.stop);
    // SAFETY: as above.
    Ok((loss, bound, unsafe { call.check(&mut arrays, beta, stop) }?))
}

/// # Safety
/// As [`check`].
unsafe fn solve<T: Real>(problem: *const Fit<T>, call: Call<T, FitFound<T>>) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (loss, bound, checked) = unsafe { check(problem, call) }?;
    let Checked { x, mut options, workspace, indices, answers } = checked;
    let workspace = Workspace::new(&loss, Whitening::Orthogonal, bound, workspace, indices)?;
    let mut inner = CoreOptions::default();
    inner.ending.stop = options.stop();
    let outcome = fit::solve(&loss, &inner, fit::rule(), x, workspace, &mut options)?;
    let found = FitFound {
        size: size_of::<FitFound<T>>(),
        value: outcome.value,
        lower_bound: outcome.lower_bound,
        seen_at: outcome.seen_at,
        optimal: u32::from(outcome.report.status == southwell::Status::Optimal),
    };
    answers.store(&outcome.report, found);
    Ok(())
}

/// # Safety
/// As [`check`].
unsafe fn prove<T: Real>(problem: *const Fit<T>, call: Call<T, FitFound<T>>) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (loss, _, Checked { x, workspace, indices, answers, .. }) = unsafe { check(problem, call) }?;
    let found = certify::vertex(&loss, x, workspace, indices)?;
    // Where nothing was found: a sum of absolute values is at least 0.
    let (lower_bound, optimal) =
        found.map_or((T::ZERO, 0), |found| (found.lower_bound, found.optimal.into()));
    let value = loss.value(x);
    answers.tell(FitFound { size: size_of::<FitFound<T>>(), value, lower_bound, seen_at: 0, optimal });
    Ok(())
}

/// The default options of fits: relative step 1e-5, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_fit_options_f32() -> Options<f32> {
    Options::with(CoreOptions::default().ending.stop)
}

/// The default options of fits: relative step 1e-8, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_fit_options_f64() -> Options<f64> {
    Options::with(CoreOptions::default().ending.stop)
}

/// Elements of workspace that a fit of n rows and p columns needs; `bound` as in the problem.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_fit_workspace(rows: usize, columns: usize, bound: u32) -> usize {
    Workspace::<f64>::required_len(rows, columns, Whitening::Orthogonal, bound != 0)
}

/// Indices of workspace that a fit, or a proof, needs for p columns.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_fit_indices(columns: usize) -> usize {
    Workspace::<f64>::required_indices(columns)
}

/// Elements of workspace that a proof needs for p columns.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_fit_certify_workspace(columns: usize) -> usize {
    certify::vertex_len(columns)
}

/// Fits from the least-squares fit, by sub-gradient steps whose best points are taken to the vertex nearby: where that
/// is a minimum the run ends as SOUTHWELL_STATUS_OPTIMAL, and β is exact to rounding. The residual is the length of
/// the last step; a step reads X once. `options`, `report`, `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_fit_f32(
    problem: *const Fit<f32>,
    beta: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f32>,
    found: *mut FitFound<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: beta, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, call), fault) }
}

/// As `southwell_fit_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_fit_f64(
    problem: *const Fit<f64>,
    beta: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f64>,
    found: *mut FitFound<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: beta, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, call), fault) }
}

/// Goes to the vertex near any β, if its value is not larger, and says whether that is proven to be a minimum, and how
/// small a value can be. `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_fit_certify_f32(
    problem: *const Fit<f32>,
    beta: *mut f32,
    workspace: *mut f32,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    found: *mut FitFound<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let (options, report) = (core::ptr::null(), core::ptr::null_mut());
    let call = Call { x: beta, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(prove(problem, call), fault) }
}

/// As `southwell_fit_certify_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_fit_certify_f64(
    problem: *const Fit<f64>,
    beta: *mut f64,
    workspace: *mut f64,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    found: *mut FitFound<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let (options, report) = (core::ptr::null(), core::ptr::null_mut());
    let call = Call { x: beta, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(prove(problem, call), fault) }
}
