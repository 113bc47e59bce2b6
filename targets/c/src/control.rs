//! What is made once before the first step of control: the cost of the last state, H and f, H⁻¹.

use southwell::Stop;
use southwell::descent::box_qp::{
    self, Condensed, Model, Plant as CorePlant, Staged, condense_len, invert_condensed, terminal_cost,
    terminal_len,
};
use southwell::{Real, Status as CoreStatus};

use crate::border::{Arrays, answer, output};
use crate::box_qp::{Plant, plant, stages};
use crate::call::{Call, Checked, NONE};
use crate::{Code, Fault, Options, Report};

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check_terminal<'a, T: Real>(
    raw: *const Plant<T>,
    call: Call<T, ()>,
) -> Result<(CorePlant<'a, T>, Checked<'a, T, ()>), Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let (plant, _) = unsafe { plant(&mut arrays, raw) }?;
    let square = plant.states.saturating_mul(plant.states);
    // SAFETY: as above.
    Ok((plant, unsafe { call.check(&mut arrays, ("p", square), Stop::default()) }?))
}

/// # Safety
/// As [`check_terminal`].
unsafe fn terminal<T: Real>(raw: *const Plant<T>, call: Call<T, ()>) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (plant, checked) = unsafe { check_terminal(raw, call) }?;
    let Checked { x: p, options, workspace, answers, .. } = checked;
    let report = terminal_cost(&plant, p, workspace, &options.stop())?;
    answers.store(&report, ());
    Ok(())
}

/// A staged model and its state, and what is written: H, f and the workspace.
type Condensing<'a, T> = (Staged<'a, T>, &'a [T], [&'a mut [T]; 3]);

/// # Safety
/// As [`check_terminal`].
#[inline(never)]
unsafe fn check_condense<'a, T: Real>(
    raw: *const Plant<T>,
    x0: *const T,
    (h, f): (*mut T, *mut T),
    workspace: (*mut T, usize),
) -> Result<Condensing<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let model = unsafe { stages(&mut arrays, raw) }?;
    let n = model.variables();
    // SAFETY: as above.
    let x0 = unsafe { arrays.input(x0, model.data_len(), "x0") }?;
    let (h, f) = (arrays.output(h, n.saturating_mul(n), "h")?, arrays.output(f, n, "f")?);
    let workspace = arrays.output(workspace.0, workspace.1, "workspace")?;
    arrays.apart()?;
    // SAFETY: each is taken once, and after `apart`.
    Ok((model, x0, unsafe { [h.take()?, f.take()?, workspace.take()?] }))
}

/// # Safety
/// As [`check_terminal`].
unsafe fn condense<T: Real>(
    raw: *const Plant<T>,
    x0: *const T,
    written: (*mut T, *mut T),
    workspace: (*mut T, usize),
) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (model, x0, [h, f, workspace]) = unsafe { check_condense(raw, x0, written, workspace) }?;
    Ok(box_qp::condense(&model, x0, h, f, workspace)?)
}

/// # Safety
/// As [`check_terminal`].
#[inline(never)]
unsafe fn check_invert<'a, T: Real>(
    (h, n): (*const T, usize),
    inverse: *mut T,
    workspace: (*mut T, usize),
) -> Result<(&'a [T], [&'a mut [T]; 2]), Fault> {
    let (mut arrays, square) = (Arrays::new(), n.saturating_mul(n));
    // SAFETY: the caller's word.
    let h = unsafe { arrays.input(h, square, "h") }?;
    let inverse = arrays.output(inverse, square, "inverse")?;
    let workspace = arrays.output(workspace.0, workspace.1, "workspace")?;
    arrays.apart()?;
    // SAFETY: each is taken once, and after `apart`.
    Ok((h, unsafe { [inverse.take()?, workspace.take()?] }))
}

/// # Safety
/// As [`check_terminal`].
unsafe fn invert<T: Real>(
    (h, n): (*const T, usize),
    inverse: *mut T,
    workspace: (*mut T, usize),
) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (h, [inverse, workspace]) = unsafe { check_invert((h, n), inverse, workspace) }?;
    match invert_condensed(&Condensed::new(h, n)?, inverse, workspace)? {
        CoreStatus::Converged => Ok(()),
        _ => Err(Fault::new(Code::Indefinite, "h")),
    }
}

/// # Safety
/// As [`check_terminal`].
unsafe fn shift<T: Real>(x: *mut T, len: usize, inputs: usize) -> Result<(), Fault> {
    // SAFETY: the caller's word; there is no other array.
    box_qp::shift(unsafe { output(x, len, "x") }?, inputs);
    Ok(())
}

/// Elements of workspace that a terminal cost needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_terminal_workspace(states: usize, inputs: usize) -> usize {
    terminal_len(states, inputs)
}

/// Elements of workspace that condensing needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_condense_workspace(states: usize, inputs: usize, horizon: usize) -> usize {
    condense_len(states, inputs, horizon)
}

/// Writes the cost P of the last state, n × n, that stands for an endless horizon without bounds, by Riccati's
/// iteration from Q. The residual is the largest change of an entry, its scale the largest entry. `options` (relative
/// tolerance and steps), `report` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_terminal_f32(
    plant: *const Plant<f32>,
    p: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, found) = ((workspace, workspace_len), core::ptr::null_mut());
    let call = Call { x: p, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(terminal(plant, call), fault) }
}

/// Writes H, (N m)² numbers by rows, and f, N m numbers, of a plant in a state: the condensed form. H does not depend
/// on the state, and f is linear in it. Cost: N m + 1 gradients.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_condense_f32(
    plant: *const Plant<f32>,
    x0: *const f32,
    h: *mut f32,
    f: *mut f32,
    workspace: *mut f32,
    workspace_len: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(condense(plant, x0, (h, f), (workspace, workspace_len)), fault) }
}

/// Writes H⁻¹ of an H of so many variables, for the prepared form. The workspace holds n² elements. An H that is
/// symmetric and yet not positive definite is refused as SOUTHWELL_CODE_INDEFINITE; the inverse is of no use then.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_invert_f32(
    h: *const f32,
    variables: usize,
    inverse: *mut f32,
    workspace: *mut f32,
    workspace_len: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(invert((h, variables), inverse, (workspace, workspace_len)), fault) }
}

/// Moves the inputs of all stages, `len` of them and `inputs` a stage, one stage forward, the last one staying: the
/// start of the next step.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_shift_f32(
    x: *mut f32,
    len: usize,
    inputs: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(shift(x, len, inputs), fault) }
}

/// As `southwell_box_qp_terminal_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_terminal_f64(
    plant: *const Plant<f64>,
    p: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, found) = ((workspace, workspace_len), core::ptr::null_mut());
    let call = Call { x: p, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(terminal(plant, call), fault) }
}

/// As `southwell_box_qp_condense_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_condense_f64(
    plant: *const Plant<f64>,
    x0: *const f64,
    h: *mut f64,
    f: *mut f64,
    workspace: *mut f64,
    workspace_len: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(condense(plant, x0, (h, f), (workspace, workspace_len)), fault) }
}

/// As `southwell_box_qp_invert_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_invert_f64(
    h: *const f64,
    variables: usize,
    inverse: *mut f64,
    workspace: *mut f64,
    workspace_len: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(invert((h, variables), inverse, (workspace, workspace_len)), fault) }
}

/// As `southwell_box_qp_shift_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_shift_f64(
    x: *mut f64,
    len: usize,
    inputs: usize,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(shift(x, len, inputs), fault) }
}
