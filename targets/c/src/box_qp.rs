//! Quadratic programs in a box: min ½ xᵀH x + fᵀx, lower ≤ x ≤ upper, H positive definite; in stages, model
//! predictive control.

use southwell::Real;
use southwell::descent::box_qp::{
    self, Condensed, Method, Model, Options as CoreOptions, Plant as CorePlant, Prepared, Problem, Staged,
    Workspace,
};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked, NONE};
use crate::{Code, Fault, Options, Report};

/// min ½ xᵀH x + fᵀx, lower ≤ x ≤ upper.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BoxQp<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Variables n.
    pub variables: usize,
    /// H by rows, n² numbers: symmetric, positive definite.
    pub h: *const T,
    /// H⁻¹ by rows, n² numbers; read by the prepared form alone.
    pub inverse: *const T,
    /// f, n numbers.
    pub f: *const T,
    /// Lower bounds, n numbers; −infinity is none.
    pub lower: *const T,
    /// Upper bounds, n numbers; +infinity is none; equal bounds fix a variable.
    pub upper: *const T,
}

/// A plant with n states and m inputs, x⁺ = A x + B u, the costs ½ xᵀQ x + ½ uᵀR u of a stage and ½ xᵀP x of the last
/// state; matrices by rows.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Plant<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// States n.
    pub states: usize,
    /// Inputs m.
    pub inputs: usize,
    /// Stages N; not read where a terminal cost is made.
    pub horizon: usize,
    /// A, n × n.
    pub a: *const T,
    /// B, n × m.
    pub b: *const T,
    /// Q, n × n, symmetric positive semidefinite.
    pub q: *const T,
    /// R, m × m, symmetric positive definite.
    pub r: *const T,
    /// P, n × n, symmetric positive semidefinite; not read where it is made.
    pub p: *const T,
}

/// A plant at a state, and what its inputs may be: the variables are the inputs, stage after stage, N m of them.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Control<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// The plant.
    pub plant: *const Plant<T>,
    /// The state that it is in, n numbers.
    pub x0: *const T,
    /// Lower bounds of the inputs of every stage, N m numbers; −infinity is none.
    pub lower: *const T,
    /// Upper bounds, N m numbers; +infinity is none.
    pub upper: *const T,
}

/// What a run in a box has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct BoxFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The objective at x; in stages with the cost of x₀.
    pub objective: T,
    /// Variables at their lower bound.
    pub at_lower: usize,
    /// Variables at their upper bound and not at their lower one.
    pub at_upper: usize,
    /// 1 if the dual active-set method had to take over, 0 if the primal–dual one settled.
    pub fell_back: u32,
}

/// A model that C describes, with what changes from problem to problem.
type Described<'a, T, M> = (M, &'a [T], &'a [T], &'a [T]);

/// # Safety
/// `pointer` must be null or point to a struct whose first member is its size, and whose arrays have the lengths
/// that it says and are not written during `'a`.
unsafe fn condensed<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const BoxQp<T>,
) -> Result<Described<'a, T, Condensed<'a, T>>, Fault> {
    // SAFETY: handed on, here and below.
    unsafe {
        let raw = arrays.sized(pointer, "problem")?;
        let n = raw.variables;
        let h = arrays.input(raw.h, n.saturating_mul(n), "h")?;
        let (f, lower) = (arrays.input(raw.f, n, "f")?, arrays.input(raw.lower, n, "lower")?);
        let upper = arrays.input(raw.upper, n, "upper")?;
        Ok((Condensed::new(h, n)?, f, lower, upper))
    }
}

/// # Safety
/// As [`condensed`].
unsafe fn prepared<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const BoxQp<T>,
) -> Result<Described<'a, T, Prepared<'a, T>>, Fault> {
    // SAFETY: handed on; the struct was seen to be there by `condensed`.
    unsafe {
        let (model, f, lower, upper) = condensed(arrays, pointer)?;
        let n = (*pointer).variables;
        let inverse = arrays.input((*pointer).inverse, n.saturating_mul(n), "inverse")?;
        Ok((Prepared::new(model, inverse)?, f, lower, upper))
    }
}

/// The plant without its P, and its horizon.
///
/// # Safety
/// As [`condensed`].
pub(crate) unsafe fn plant<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const Plant<T>,
) -> Result<(CorePlant<'a, T>, &'a Plant<T>), Fault> {
    // SAFETY: handed on.
    unsafe {
        let raw: &Plant<T> = arrays.sized(pointer, "plant")?;
        let (n, m) = (raw.states, raw.inputs);
        let a = arrays.input(raw.a, n.saturating_mul(n), "a")?;
        let b = arrays.input(raw.b, n.saturating_mul(m), "b")?;
        let q = arrays.input(raw.q, n.saturating_mul(n), "q")?;
        let r = arrays.input(raw.r, m.saturating_mul(m), "r")?;
        Ok((CorePlant { states: n, inputs: m, a, b, q, r }, raw))
    }
}

/// # Safety
/// As [`condensed`].
pub(crate) unsafe fn stages<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const Plant<T>,
) -> Result<Staged<'a, T>, Fault> {
    // SAFETY: handed on.
    unsafe {
        let (plant, raw) = plant(arrays, pointer)?;
        let p = arrays.input(raw.p, plant.states.saturating_mul(plant.states), "p")?;
        Ok(Staged::new(plant, p, raw.horizon)?)
    }
}

/// # Safety
/// As [`condensed`].
unsafe fn staged<'a, T: Real>(
    arrays: &mut Arrays,
    pointer: *const Control<T>,
) -> Result<Described<'a, T, Staged<'a, T>>, Fault> {
    // SAFETY: handed on.
    unsafe {
        let raw: &Control<T> = arrays.sized(pointer, "control")?;
        let model = stages(arrays, raw.plant)?;
        let (data, n) = (model.data_len(), model.variables());
        let (x0, lower) = (arrays.input(raw.x0, data, "x0")?, arrays.input(raw.lower, n, "lower")?);
        Ok((model, x0, lower, arrays.input(raw.upper, n, "upper")?))
    }
}

/// Reads one form of a problem.
type Reader<'a, T, P, M> = unsafe fn(&mut Arrays, *const P) -> Result<Described<'a, T, M>, Fault>;

/// A model with its data and bounds, and the rest of the call.
type Sound<'a, T, M> = (Described<'a, T, M>, Checked<'a, T, BoxFound<T>>);

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check<'a, T: Real, P, M: Model<T>>(
    problem: *const P,
    read: Reader<'a, T, P, M>,
    call: Call<T, BoxFound<T>>,
) -> Result<Sound<'a, T, M>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let described = unsafe { read(&mut arrays, problem) }?;
    let (x, stop) = (("x", described.0.variables()), CoreOptions::default().stop);
    // SAFETY: as above.
    Ok((described, unsafe { call.check(&mut arrays, x, stop) }?))
}

/// Checks, solves, reports.
///
/// # Safety
/// As [`check`].
unsafe fn solve<'a, T: Real, P, M: Model<T>>(
    problem: *const P,
    read: Reader<'a, T, P, M>,
    call: Call<T, BoxFound<T>>,
) -> Result<(), Fault> {
    // SAFETY: handed on.
    let ((model, data, lower, upper), checked) = unsafe { check(problem, read, call) }?;
    let Checked { x, mut options, workspace, answers, .. } = checked;
    let problem = Problem::new(&model, data, lower, upper)?;
    let mut workspace = Workspace::new(&model, workspace)?;
    let inner = CoreOptions { stop: options.stop(), ..CoreOptions::default() };
    let solved = box_qp::solve(&problem, &inner, x, &mut workspace, &mut options)?;
    let found = BoxFound {
        size: size_of::<BoxFound<T>>(),
        objective: solved.objective,
        at_lower: solved.at_lower,
        at_upper: solved.at_upper,
        fell_back: u32::from(solved.method != Method::PrimalDual),
    };
    answers.store(&solved.report, found);
    Ok(())
}

/// The default options of programs in a box: relative tolerance 1e-4, 200 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_options_f32() -> Options<f32> {
    Options::with(CoreOptions::default().stop)
}

/// The default options of programs in a box: relative tolerance 1e-8, 200 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_options_f64() -> Options<f64> {
    Options::with(CoreOptions::default().stop)
}

/// Elements of workspace that the condensed form needs for so many variables.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_condensed_workspace(variables: usize) -> usize {
    Condensed::<f64>::required_len(variables)
}

/// Elements of workspace that the prepared form needs for so many variables.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_prepared_workspace(variables: usize) -> usize {
    Prepared::<f64>::required_len(variables)
}

/// Elements of workspace that control in stages needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_box_qp_staged_workspace(states: usize, inputs: usize, horizon: usize) -> usize {
    Staged::<f64>::required_len(states, inputs, horizon)
}

/// Solves with H, which is factorised for the free variables where their set changes. x holds where to begin (what
/// lies outside of the box is moved to its bound; the answer of the problem before is a good start) and then the
/// answer. The residual is the largest violation of the optimality conditions, its scale max |f| + |H x| at the
/// start; a step is one minimisation over the free variables. `options`, `report`, `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_condensed_f32(
    problem: *const BoxQp<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut BoxFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, condensed, call), fault) }
}

/// As `southwell_box_qp_condensed_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_condensed_f64(
    problem: *const BoxQp<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut BoxFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, condensed, call), fault) }
}

/// As `southwell_box_qp_condensed_f32`, with H⁻¹ at hand (`southwell_box_qp_invert_f32` makes it): the fewest
/// operations where H stays and f changes.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_prepared_f32(
    problem: *const BoxQp<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut BoxFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, prepared, call), fault) }
}

/// As `southwell_box_qp_prepared_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_prepared_f64(
    problem: *const BoxQp<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut BoxFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(problem, prepared, call), fault) }
}

/// One step of model predictive control in stages: H is never formed, nothing is prepared, and the cost is linear in
/// the horizon. x holds the inputs of all stages, N m of them, to begin with (`southwell_box_qp_shift_f32` makes them
/// of those of the step before) and then the answer, of which the first m are applied. Residual, step and what may
/// be null: as `southwell_box_qp_condensed_f32`; the scale is the largest |R u| + |B|ᵀ|λ|.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_staged_f32(
    control: *const Control<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut BoxFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(control, staged, call), fault) }
}

/// As `southwell_box_qp_staged_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_box_qp_staged_f64(
    control: *const Control<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut BoxFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(control, staged, call), fault) }
}
