//! Linear systems A x = b: SSOR-preconditioned conjugate gradients and SOR on three views.
//!
//! Each function checks its input, solves from the x that is handed in, and reports. `omega` is a learned omega or
//! null (then it is the options'), `options` may be null (defaults), `report` and `fault` too.

use southwell::linear::Matrix;
use southwell::relaxation::{Problem, Relax, Split, sor, ssor_cg};
use southwell::{Error, Report as CoreReport, Stop};

use crate::border::{answer, apart, input, output, span};
use crate::omega::{Learns, Rule};
use crate::views::FromC;
pub use crate::views::{CsrMatrix, DenseMatrix, Stencil};
use crate::{Code, Fault, OmegaF32, OmegaF64, Options, Report};

/// What a call hands over besides the matrix.
struct Call<T: Learns> {
    rhs: *const T,
    x: *mut T,
    options: *const Options<T>,
    omega: *mut T::State,
    workspace: *mut T,
    workspace_len: usize,
    report: *mut Report<T>,
}

/// A method on a view that is known by now.
type Method<T, A> = fn(
    &Problem<'_, T, A>,
    &mut Options<T>,
    &mut Rule<'_, T>,
    &mut [T],
    &mut [T],
) -> Result<CoreReport<T>, Error>;

/// Checks, solves, reports.
///
/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
unsafe fn solve<'a, T: Learns + 'a, M: FromC<'a, T>>(
    matrix: *const M,
    call: Call<T>,
    method: Method<T, M::View>,
) -> Result<(), Fault>
where
    M::View: Matrix<T>,
{
    // SAFETY: the caller's word, here and below; `apart` sees to it that what is written is written by one name.
    let (view, n, spans) = unsafe { M::view(matrix) }?;
    // SAFETY: as above.
    let mut options = unsafe { Options::read(call.options, Stop::default()) }?;
    // SAFETY: as above.
    unsafe { Report::check(call.report) }?;
    let written = [
        span(call.x, n, "x")?,
        span(call.workspace, call.workspace_len, "workspace")?,
        span(call.omega, 1, "omega")?,
        span(call.report, 1, "report")?,
    ];
    let [a, b, c] = spans;
    apart(&written, &[a, b, c, span(call.rhs, n, "rhs")?, span(call.options, 1, "options")?])?;
    // SAFETY: as above.
    let rhs = unsafe { input(call.rhs, n, "rhs") }?;
    // SAFETY: as above.
    let x = unsafe { output(call.x, n, "x") }?;
    // SAFETY: as above.
    let workspace = unsafe { output(call.workspace, call.workspace_len, "workspace") }?;
    // SAFETY: as above.
    let mut rule = unsafe { Rule::read(call.omega, options.omega) }?;
    let problem = Problem::new(&view, rhs)?;
    let report = method(&problem, &mut options, &mut rule, x, workspace)?;
    // SAFETY: as above.
    unsafe { Report::write(call.report, &report) };
    Ok(())
}

/// SSOR-preconditioned conjugate gradients.
fn ssor_cg<T: Learns, A: Split<T>>(
    problem: &Problem<'_, T, A>,
    options: &mut Options<T>,
    rule: &mut Rule<'_, T>,
    x: &mut [T],
    workspace: &mut [T],
) -> Result<CoreReport<T>, Error> {
    let workspace = ssor_cg::Workspace::new(problem, workspace)?;
    let inner = ssor_cg::Options { stop: options.stop(), ..Default::default() };
    ssor_cg::solve(problem, &inner, rule, x, workspace, options)
}

/// Successive over-relaxation.
fn sor<T: Learns, A: Relax<T>>(
    problem: &Problem<'_, T, A>,
    options: &mut Options<T>,
    rule: &mut Rule<'_, T>,
    x: &mut [T],
    workspace: &mut [T],
) -> Result<CoreReport<T>, Error> {
    let workspace = sor::Workspace::new(problem, workspace)?;
    let inner = sor::Options { stop: options.stop(), ..Default::default() };
    sor::solve(problem, &inner, rule, x, workspace, options)
}

/// Elements of workspace that SSOR-CG needs for a sparse or dense matrix of this order.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_ssor_cg_workspace(order: usize) -> usize {
    ssor_cg::Workspace::<f64>::required_len(order, order.saturating_mul(2))
}

/// Elements of workspace that SSOR-CG needs for a stencil on so many cells.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_ssor_cg_workspace_stencil(cells: usize) -> usize {
    ssor_cg::Workspace::<f64>::required_len(cells, 0)
}

/// Elements of workspace that SOR needs for a sparse or dense matrix of this order.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_sor_workspace(order: usize) -> usize {
    sor::Workspace::<f64>::required_len(order, order)
}

/// Elements of workspace that SOR needs for a stencil on so many cells.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_sor_workspace_stencil(cells: usize) -> usize {
    sor::Workspace::<f64>::required_len(cells, 0)
}

/// Solves with a sparse matrix by conjugate gradients preconditioned by SSOR (symmetric positive definite).
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_csr_f32(
    matrix: *const CsrMatrix<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// As `southwell_ssor_cg_csr_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_csr_f64(
    matrix: *const CsrMatrix<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// Solves with a dense matrix by conjugate gradients preconditioned by SSOR (symmetric positive definite).
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_dense_f32(
    matrix: *const DenseMatrix<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// As `southwell_ssor_cg_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_dense_f64(
    matrix: *const DenseMatrix<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// Solves with a five-point stencil by conjugate gradients preconditioned by SSOR (symmetric positive definite).
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one pass over the matrix.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_stencil_f32(
    matrix: *const Stencil<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// As `southwell_ssor_cg_stencil_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_ssor_cg_stencil_f64(
    matrix: *const Stencil<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, ssor_cg), fault) }
}

/// Solves with a sparse matrix by successive over-relaxation, forward sweeps in the natural order.
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_csr_f32(
    matrix: *const CsrMatrix<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}

/// As `southwell_sor_csr_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_csr_f64(
    matrix: *const CsrMatrix<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}

/// Solves with a dense matrix by successive over-relaxation, forward sweeps in the natural order.
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_dense_f32(
    matrix: *const DenseMatrix<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}

/// As `southwell_sor_dense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_dense_f64(
    matrix: *const DenseMatrix<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}

/// Solves with a five-point stencil by successive over-relaxation, forward sweeps in the natural order.
/// The residual is ‖b − A x‖₂, its scale ‖b‖₂; a step is one sweep.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_stencil_f32(
    matrix: *const Stencil<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    omega: *mut OmegaF32,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}

/// As `southwell_sor_stencil_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sor_stencil_f64(
    matrix: *const Stencil<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    omega: *mut OmegaF64,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let call = Call { rhs, x, options, omega, workspace, workspace_len, report };
    // SAFETY: handed on.
    unsafe { answer(solve(matrix, call, sor), fault) }
}
