//! A low-rank matrix from measurements of which many are grossly wrong.

use southwell::Real;
use southwell::subgradient::matrix::operator::{Bilinear, Dense, Entries, Operator, RankOne};
use southwell::subgradient::matrix::{self, Options as CoreOptions, Problem, Shape, Workspace};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked, NONE};
use crate::{Code, Fault, Options, Report};

/// Measurements y_i = ⟨A_i, X⟩ + s_i of a matrix X = U Uᵀ or U Vᵀ; what the A_i are made of is said by the function.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Measurements<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Measurements m.
    pub count: usize,
    /// Rows d₁ of X.
    pub rows: usize,
    /// Columns d₂ of X.
    pub columns: usize,
    /// Columns of the factors: X has no larger rank.
    pub rank: usize,
    /// Other than 0: X = U Uᵀ, d₁ = d₂, and there is no V.
    pub symmetric: u32,
    /// The measurements, m numbers.
    pub y: *const T,
    /// Dense: the A_i by rows, m d₁ d₂ numbers. Rank one: the a_i, m d₁ numbers (A_i = a_i a_iᵀ). Bilinear: the a_i,
    /// m d₁ numbers (A_i = a_i b_iᵀ). Entries: not read.
    pub a: *const T,
    /// Bilinear: the b_i, m d₂ numbers. Elsewhere not read.
    pub b: *const T,
    /// Entries: the row of every measurement, m numbers. Elsewhere not read.
    pub row_of: *const u32,
    /// Entries: the column of every measurement, m numbers. Elsewhere not read.
    pub column_of: *const u32,
}

/// How a recovery begins, and when it ends besides what the options say. Zeros are no defaults: begin with
/// `southwell_recovery_start_f32`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RecoveryStart<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// The size of the start, positive; 1e-3. Smaller ones lower the floor where the rank is over-estimated.
    pub alpha: T,
    /// The run ends when the value is no larger; 0.
    pub target: T,
    /// Seed of the random numbers of the start; 1.
    pub seed: u64,
    /// The run ends after so many steps without a lower value; 1000.
    pub patience: u32,
}

/// What a recovery has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RecoveryFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// (1/m) Σ |⟨A_i, X⟩ − y_i| of the factors that are left, the lowest seen.
    pub value: T,
    /// The step after which they were seen.
    pub found_at: u32,
    /// The rank that the factors show.
    pub rank: usize,
}

impl<T: Real> RecoveryStart<T> {
    fn defaults() -> Self {
        let CoreOptions { alpha, target, seed, patience, .. } = CoreOptions::default();
        Self { size: size_of::<Self>(), alpha, target, seed, patience }
    }
}

/// Makes an operator of one kind.
type Reader<T, O> = unsafe fn(&mut Arrays, &Measurements<T>) -> Result<O, Fault>;

/// # Safety
/// The arrays of `raw` that are read have the lengths that it says and are not written during `'a`.
unsafe fn dense<'a, T: Real>(arrays: &mut Arrays, raw: &Measurements<T>) -> Result<Dense<'a, T>, Fault> {
    let len = raw.count.saturating_mul(raw.rows).saturating_mul(raw.columns);
    // SAFETY: handed on.
    Ok(Dense::new(unsafe { arrays.input(raw.a, len, "a") }?, raw.rows, raw.columns)?)
}

/// # Safety
/// As [`dense`].
unsafe fn rank_one<'a, T: Real>(arrays: &mut Arrays, raw: &Measurements<T>) -> Result<RankOne<'a, T>, Fault> {
    // SAFETY: handed on.
    let a = unsafe { arrays.input(raw.a, raw.count.saturating_mul(raw.rows), "a") }?;
    Ok(RankOne::new(a, raw.rows)?)
}

/// # Safety
/// As [`dense`].
unsafe fn bilinear<'a, T: Real>(
    arrays: &mut Arrays,
    raw: &Measurements<T>,
) -> Result<Bilinear<'a, T>, Fault> {
    // SAFETY: handed on, here and below.
    let a = unsafe { arrays.input(raw.a, raw.count.saturating_mul(raw.rows), "a") }?;
    // SAFETY: as above.
    let b = unsafe { arrays.input(raw.b, raw.count.saturating_mul(raw.columns), "b") }?;
    Ok(Bilinear::new(a, b, raw.rows, raw.columns)?)
}

/// # Safety
/// As [`dense`].
unsafe fn entries<'a, T: Real>(arrays: &mut Arrays, raw: &Measurements<T>) -> Result<Entries<'a>, Fault> {
    // SAFETY: handed on, here and below.
    let row_of = unsafe { arrays.input(raw.row_of, raw.count, "row_of") }?;
    // SAFETY: as above.
    let column_of = unsafe { arrays.input(raw.column_of, raw.count, "column_of") }?;
    Ok(Entries::new(row_of, column_of, raw.rows, raw.columns)?)
}

/// Checks, solves, reports.
///
/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
unsafe fn solve<T: Real, O: Operator<T>>(
    measurements: *const Measurements<T>,
    read: Reader<T, O>,
    start: *const RecoveryStart<T>,
    call: Call<T, RecoveryFound<T>>,
) -> Result<(), Fault> {
    let (mut arrays, defaults) = (Arrays::new(), CoreOptions::default());
    // SAFETY: the caller's word, here and below.
    let (raw, operator, y): (&Measurements<T>, _, _) = unsafe {
        let raw = arrays.sized(measurements, "measurements")?;
        (raw, read(&mut arrays, raw)?, arrays.input(raw.y, raw.count, "y")?)
    };
    let begin = if start.is_null() {
        RecoveryStart::defaults()
    } else {
        // SAFETY: as above.
        *unsafe { arrays.sized(start, "start") }?
    };
    let problem = match raw.symmetric {
        0 => Problem::general(&operator, y, raw.rank)?,
        _ => Problem::symmetric(&operator, y, raw.rank)?,
    };
    // SAFETY: as above.
    let checked = unsafe { call.check(&mut arrays, ("x", problem.shape().unknowns()), defaults.stop) }?;
    let Checked { x, mut options, workspace, answers, .. } = checked;
    let workspace = Workspace::new(&problem, false, workspace)?;
    let RecoveryStart { alpha, target, seed, patience, .. } = begin;
    let inner = CoreOptions { stop: options.stop(), alpha, target, seed, patience, ..defaults };
    let recovered = matrix::solve(&problem, &inner, x, workspace, &mut options)?;
    let found = RecoveryFound {
        size: size_of::<RecoveryFound<T>>(),
        value: recovered.value,
        found_at: recovered.found_at,
        rank: recovered.rank,
    };
    answers.store(&recovered.report, found);
    Ok(())
}

/// The shape of factors.
fn shape(rows: usize, columns: usize, rank: usize, symmetric: u32) -> Shape {
    if symmetric == 0 { Shape::general(rows, columns, rank) } else { Shape::symmetric(rows, rank) }
}

/// The default options of recoveries: relative step 1e-5, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_options_f32() -> Options<f32> {
    Options::with(CoreOptions::default().stop)
}

/// The default options of recoveries: relative step 1e-8, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_options_f64() -> Options<f64> {
    Options::with(CoreOptions::default().stop)
}

/// The default start of recoveries.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_start_f32() -> RecoveryStart<f32> {
    RecoveryStart::defaults()
}

/// The default start of recoveries.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_start_f64() -> RecoveryStart<f64> {
    RecoveryStart::defaults()
}

/// Elements of the factors: U column after column, d₁ numbers each, and then V likewise.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_unknowns(
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: u32,
) -> usize {
    shape(rows, columns, rank, symmetric).unknowns()
}

/// Elements of workspace that a recovery from measurements of dense matrices needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_dense_workspace(
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: u32,
) -> usize {
    let shape = shape(rows, columns, rank, symmetric);
    Workspace::<f64>::required_len(shape, false, Dense::<f64>::scratch(shape))
}

/// Elements of workspace that a recovery from measurements of the form a aᵀ needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_rank_one_workspace(
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: u32,
) -> usize {
    let shape = shape(rows, columns, rank, symmetric);
    Workspace::<f64>::required_len(shape, false, RankOne::<f64>::scratch(shape))
}

/// Elements of workspace that a recovery from measurements of the form a bᵀ needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_bilinear_workspace(
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: u32,
) -> usize {
    let shape = shape(rows, columns, rank, symmetric);
    Workspace::<f64>::required_len(shape, false, Bilinear::<f64>::scratch(shape))
}

/// Elements of workspace that a recovery from measurements of single entries needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_recovery_entries_workspace(
    rows: usize,
    columns: usize,
    rank: usize,
    symmetric: u32,
) -> usize {
    let shape = shape(rows, columns, rank, symmetric);
    Workspace::<f64>::required_len(shape, false, Entries::scratch(shape))
}

/// Recovers X from measurements by dense matrices A_i; x receives the factors, the best that were seen, from a start near
/// zero that the measurements suggest. The residual is the relative length of the next step; a step is one pass over
/// the measurements. Look at the value in `found` beside what measurements are known to be off by: a run can end at a
/// wrong point. `start` (defaults), `options`, `report`, `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_dense_f32(
    measurements: *const Measurements<f32>,
    start: *const RecoveryStart<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut RecoveryFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, dense, start, call), fault) }
}

/// As `southwell_recover_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_dense_f64(
    measurements: *const Measurements<f64>,
    start: *const RecoveryStart<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut RecoveryFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, dense, start, call), fault) }
}

/// As `southwell_recover_dense_f32`, from measurements y_i = a_iᵀ X a_i.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_rank_one_f32(
    measurements: *const Measurements<f32>,
    start: *const RecoveryStart<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut RecoveryFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, rank_one, start, call), fault) }
}

/// As `southwell_recover_rank_one_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_rank_one_f64(
    measurements: *const Measurements<f64>,
    start: *const RecoveryStart<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut RecoveryFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, rank_one, start, call), fault) }
}

/// As `southwell_recover_dense_f32`, from measurements y_i = a_iᵀ X b_i.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_bilinear_f32(
    measurements: *const Measurements<f32>,
    start: *const RecoveryStart<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut RecoveryFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, bilinear, start, call), fault) }
}

/// As `southwell_recover_bilinear_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_bilinear_f64(
    measurements: *const Measurements<f64>,
    start: *const RecoveryStart<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut RecoveryFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, bilinear, start, call), fault) }
}

/// As `southwell_recover_dense_f32`, from entries of X.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_entries_f32(
    measurements: *const Measurements<f32>,
    start: *const RecoveryStart<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut RecoveryFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, entries, start, call), fault) }
}

/// As `southwell_recover_entries_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_recover_entries_f64(
    measurements: *const Measurements<f64>,
    start: *const RecoveryStart<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut RecoveryFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(measurements, entries, start, call), fault) }
}
