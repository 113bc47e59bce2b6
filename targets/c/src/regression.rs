//! Sparse regression: the lasso and its relatives, to a duality gap.

use southwell::descent::sparse_regression::{
    self, Options as CoreOptions, Penalty as CorePenalty, Problem, Workspace,
};
use southwell::linear::{Columns, Csc, Design};
use southwell::{Error, Real};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked};
use crate::{Code, Fault, Options, Report};

/// A dense matrix by columns, entry (i, j) at `j·rows + i`: samples are rows, features columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DenseDesign<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Samples n.
    pub rows: usize,
    /// Features p.
    pub columns: usize,
    /// The entries, n p of them.
    pub values: *const T,
}

/// A sparse matrix by columns: column j holds entries `offsets[j]` to `offsets[j + 1]` of `indices` and `values`,
/// rows increasing within a column.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SparseDesign<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Samples n.
    pub rows: usize,
    /// Features p.
    pub columns: usize,
    /// Where columns begin, `columns + 1` of them; the last is the number of entries.
    pub offsets: *const u32,
    /// The row of every entry.
    pub indices: *const u32,
    /// The value of every entry.
    pub values: *const T,
}

/// How far the fit z = A w is from y.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// ½ ‖y − z‖².
    Squares = 0,
    /// Σ log(1 + e^(−y_i z_i)), y_i = ±1.
    Logistic = 1,
}

/// What keeps w small and sparse.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Penalty {
    /// λ ‖w‖₁.
    Lasso = 0,
    /// λ ‖w‖₁ + ½ ridge ‖w‖².
    ElasticNet = 1,
    /// λ Σ w_j, with w not negative.
    NonNegative = 2,
    /// λ Σ_g ‖w_g‖₂ over groups of consecutive columns.
    Group = 3,
}

/// min loss(A w; y) + penalty(w) for a design A with n rows and p columns.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Regression<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Targets, or labels of a logistic loss; n of them.
    pub y: *const T,
    /// One of SouthwellLoss.
    pub loss: u32,
    /// One of SouthwellPenalty.
    pub penalty: u32,
    /// λ, positive.
    pub lambda: T,
    /// Weight of the square in an elastic net, not negative; not read elsewhere.
    pub ridge: T,
    /// Where each group begins, and p at the end, `groups_len` numbers; not read without groups.
    pub groups: *const u32,
    /// Groups and one.
    pub groups_len: usize,
    /// A positive weight that multiplies λ, for every column or group; null for 1.
    pub weights: *const T,
    /// Other than 0: the loss is divided by n.
    pub averaged: u32,
    /// Other than 0: a constant is fitted as well, and not penalised.
    pub intercept: u32,
    /// Columns that the working set holds at most: twice the non-zeros of the solution are enough, p always.
    pub capacity: usize,
}

/// What a regression has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RegressionFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The objective at w.
    pub primal: T,
    /// A lower bound of every objective; the difference is the residual.
    pub dual: T,
    /// The constant of the fit, 0 without one.
    pub intercept: T,
    /// Elements of w that are not 0.
    pub nonzeros: usize,
    /// Columns in the working set at the end.
    pub working_set: usize,
}

/// A design that C describes.
trait FromC<'a, T: Real>: Sized {
    /// The view of it.
    type View: Design<T> + 'a;
    /// # Safety
    /// `pointer` must be null or point to a struct whose first member is its size, and whose arrays have the lengths
    /// that it says and are not written during `'a`.
    unsafe fn view(arrays: &mut Arrays, pointer: *const Self) -> Result<Self::View, Fault>;
}

impl<'a, T: Real + 'a> FromC<'a, T> for DenseDesign<T> {
    type View = Columns<'a, T>;
    unsafe fn view(arrays: &mut Arrays, pointer: *const Self) -> Result<Self::View, Fault> {
        // SAFETY: handed on.
        unsafe {
            let raw = arrays.sized(pointer, "design")?;
            let values = arrays.input(raw.values, raw.rows.saturating_mul(raw.columns), "values")?;
            Ok(Columns::new(values, raw.rows, raw.columns)?)
        }
    }
}

impl<'a, T: Real + 'a> FromC<'a, T> for SparseDesign<T> {
    type View = Csc<'a, T>;
    unsafe fn view(arrays: &mut Arrays, pointer: *const Self) -> Result<Self::View, Fault> {
        // SAFETY: handed on.
        unsafe {
            let raw = arrays.sized(pointer, "design")?;
            let offsets = arrays.input(raw.offsets, raw.columns.saturating_add(1), "offsets")?;
            let entries = offsets.last().map_or(0, |&last| last as usize);
            let indices = arrays.input(raw.indices, entries, "indices")?;
            let values = arrays.input(raw.values, entries, "values")?;
            Ok(Csc::new(offsets, indices, values, raw.rows)?)
        }
    }
}

/// The problem, and how many columns its working set may hold.
///
/// # Safety
/// As [`FromC::view`].
unsafe fn read<'a, T: Real, A: Design<T>>(
    arrays: &mut Arrays,
    design: &'a A,
    pointer: *const Regression<T>,
) -> Result<(Problem<'a, T, A>, usize), Fault> {
    // SAFETY: handed on, here and below.
    let raw: &Regression<T> = unsafe { arrays.sized(pointer, "problem") }?;
    // SAFETY: as above.
    let y = unsafe { arrays.input(raw.y, design.rows(), "y") }?;
    let lambda = raw.lambda;
    let penalty = match raw.penalty {
        0 => CorePenalty::Lasso { lambda },
        1 => CorePenalty::ElasticNet { lambda, ridge: raw.ridge },
        2 => CorePenalty::NonNegative { lambda },
        3 => {
            // SAFETY: as above.
            let groups = unsafe { arrays.input(raw.groups, raw.groups_len, "groups") }?;
            CorePenalty::Group { lambda, groups }
        }
        _ => return Err(Error::Option { name: "penalty", requirement: "must be a SouthwellPenalty" }.into()),
    };
    let mut problem = match raw.loss {
        0 => Problem::least_squares(design, y, penalty)?,
        1 => Problem::logistic(design, y, penalty)?,
        _ => return Err(Error::Option { name: "loss", requirement: "must be a SouthwellLoss" }.into()),
    };
    if raw.averaged != 0 {
        problem = problem.averaged()?;
    }
    if raw.intercept != 0 {
        problem = problem.with_intercept()?;
    }
    // SAFETY: as above.
    if let Some(weights) = unsafe { arrays.input_or_none(raw.weights, problem.blocks(), "weights") }? {
        problem = problem.weighted(weights)?;
    }
    Ok((problem, raw.capacity))
}

/// Checks, solves, reports.
///
/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
unsafe fn solve<'a, T: Real + 'a, D: FromC<'a, T>>(
    design: *const D,
    problem: *const Regression<T>,
    call: Call<T, RegressionFound<T>>,
) -> Result<(), Fault> {
    let (mut arrays, defaults) = (Arrays::new(), CoreOptions::default());
    // SAFETY: the caller's word, here and below.
    let view = unsafe { D::view(&mut arrays, design) }?;
    // SAFETY: as above.
    let (problem, capacity) = unsafe { read(&mut arrays, &view, problem) }?;
    // SAFETY: as above.
    let checked = unsafe { call.check(&mut arrays, ("w", view.columns()), defaults.stop) }?;
    let Checked { x, mut options, workspace, indices, answers } = checked;
    let workspace = Workspace::new(&problem, capacity, workspace, indices)?;
    let inner = CoreOptions { stop: options.stop(), ..defaults };
    let outcome = sparse_regression::solve(&problem, &inner, x, workspace, &mut options)?;
    let found = RegressionFound {
        size: size_of::<RegressionFound<T>>(),
        primal: outcome.primal,
        dual: outcome.dual,
        intercept: outcome.intercept,
        nonzeros: outcome.nonzeros,
        working_set: outcome.working_set,
    };
    answers.store(&outcome.report, found);
    Ok(())
}

/// # Safety
/// As [`solve`].
unsafe fn lambda_max<'a, T: Real + 'a, D: FromC<'a, T>>(
    design: *const D,
    problem: *const Regression<T>,
    lambda: *mut T,
) -> Result<(), Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let view = unsafe { D::view(&mut arrays, design) }?;
    // SAFETY: as above.
    let (problem, _) = unsafe { read(&mut arrays, &view, problem) }?;
    let lambda = arrays.output(lambda, 1, "lambda")?;
    arrays.apart()?;
    // SAFETY: taken once, and after `apart`.
    unsafe { lambda.take() }?.fill(problem.lambda_max());
    Ok(())
}

/// The default options of sparse regression: relative gap 1e-5, 1000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_regression_options_f32() -> Options<f32> {
    Options::with(CoreOptions::default().stop)
}

/// The default options of sparse regression: relative gap 1e-6, 1000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_regression_options_f64() -> Options<f64> {
    Options::with(CoreOptions::default().stop)
}

/// Elements of workspace that sparse regression needs for n samples, p columns and a working set.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_regression_workspace(samples: usize, columns: usize, capacity: usize) -> usize {
    Workspace::<f64>::required_len(samples, columns, capacity)
}

/// Indices of workspace that sparse regression needs for p columns and a working set.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_regression_indices(columns: usize, capacity: usize) -> usize {
    Workspace::<f64>::required_indices(columns, capacity)
}

/// Fits a dense design from the w that is handed in (zeros do). The residual is the duality gap, a bound of how far the
/// objective is above the least one; its scale is the objective at 0; a step is one working set and one look at the
/// columns. `options`, `report`, `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_dense_f32(
    design: *const DenseDesign<f32>,
    problem: *const Regression<f32>,
    w: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f32>,
    found: *mut RegressionFound<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: w, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(design, problem, call), fault) }
}

/// As `southwell_regression_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_dense_f64(
    design: *const DenseDesign<f64>,
    problem: *const Regression<f64>,
    w: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f64>,
    found: *mut RegressionFound<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: w, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(design, problem, call), fault) }
}

/// As `southwell_regression_dense_f32`, of a sparse design.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_sparse_f32(
    design: *const SparseDesign<f32>,
    problem: *const Regression<f32>,
    w: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f32>,
    found: *mut RegressionFound<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: w, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(design, problem, call), fault) }
}

/// As `southwell_regression_dense_f32`, of a sparse design.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_sparse_f64(
    design: *const SparseDesign<f64>,
    problem: *const Regression<f64>,
    w: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f64>,
    found: *mut RegressionFound<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x: w, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(design, problem, call), fault) }
}

/// Writes the least λ for which w = 0 is a solution, as the loss and its divisor go; the λ of the problem must be
/// positive all the same.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_lambda_max_dense_f32(
    design: *const DenseDesign<f32>,
    problem: *const Regression<f32>,
    lambda: *mut f32,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(lambda_max(design, problem, lambda), fault) }
}

/// As `southwell_regression_lambda_max_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_lambda_max_dense_f64(
    design: *const DenseDesign<f64>,
    problem: *const Regression<f64>,
    lambda: *mut f64,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(lambda_max(design, problem, lambda), fault) }
}

/// As `southwell_regression_lambda_max_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_lambda_max_sparse_f32(
    design: *const SparseDesign<f32>,
    problem: *const Regression<f32>,
    lambda: *mut f32,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(lambda_max(design, problem, lambda), fault) }
}

/// As `southwell_regression_lambda_max_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_regression_lambda_max_sparse_f64(
    design: *const SparseDesign<f64>,
    problem: *const Regression<f64>,
    lambda: *mut f64,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(lambda_max(design, problem, lambda), fault) }
}
