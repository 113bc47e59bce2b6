//! Functions of the caller's own: an operator for conjugate gradients, and an oracle for the sub-gradient method.

use core::ffi::c_void;

use southwell::linear::Matrix;
use southwell::relaxation::{Problem as System, cg};
use southwell::subgradient::method::{self, Options as CoreOptions, Workspace};
use southwell::subgradient::projection::Bounds;
use southwell::subgradient::step::{Diminishing, Polyak};
use southwell::subgradient::{Oracle, Problem, Projection};
use southwell::{Real, Stop};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked, NONE};
use crate::{Code, Fault, Options, Report};

/// A symmetric positive definite matrix that is not stored: a function that multiplies by it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Operator<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows, and columns.
    pub order: usize,
    /// Called with `context`, x, y and the order: writes A x into all of y, whose contents mean nothing before. The two
    /// do not overlap, and are its to use until it returns. It must not unwind, nor write what the call itself reads or
    /// writes.
    pub apply: Option<unsafe extern "C" fn(*mut c_void, *const T, *mut T, usize)>,
    /// Handed to `apply`.
    pub context: *mut c_void,
}

/// A convex function, in a box or without one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Function<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Unknowns, at least one.
    pub dimension: usize,
    /// Called with `context`, x, g and the number of unknowns: writes a sub-gradient at x into all of g, whose contents
    /// mean nothing before, and returns the value at x. The two do not overlap, and are its to use until it returns. It
    /// must not unwind, nor write what the call itself reads or writes.
    pub evaluate: Option<unsafe extern "C" fn(*mut c_void, *const T, *mut T, usize) -> T>,
    /// Handed to `evaluate`.
    pub context: *mut c_void,
    /// Lower bounds, one for every unknown; null together with `upper` for the whole space.
    pub lower: *const T,
    /// Upper bounds.
    pub upper: *const T,
    /// How long the first step is, positive; step t, counted from 0, is that over √(t + 1). Not read with `least`.
    pub length: T,
    /// The least value, where it is known: then steps are Polyak's, which need no length. Minus infinity elsewhere.
    pub least: T,
}

/// What a minimisation has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct FunctionFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The least value seen: that of the x that is left.
    pub value: T,
    /// The step at which it was seen; 0 is the start.
    pub seen_at: u32,
}

/// The operator as a matrix.
struct Multiplied<T> {
    order: usize,
    apply: unsafe extern "C" fn(*mut c_void, *const T, *mut T, usize),
    context: *mut c_void,
}

impl<T: Real> Matrix<T> for Multiplied<T> {
    fn order(&self) -> usize {
        self.order
    }
    /// Nobody knows; conjugate gradients do not ask, and the check of a system wants one that is not zero.
    fn diagonal(&self, row: usize) -> Option<T> {
        (row < self.order).then_some(T::ONE)
    }
    fn off_diagonal(&self, _row: usize) -> T {
        T::ZERO
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        let n = self.order;
        if x.len() == n && y.len() == n {
            // SAFETY: the caller's function, by the caller's word; both hold n elements, apart from each other.
            unsafe { (self.apply)(self.context, x.as_ptr(), y.as_mut_ptr(), n) }
        }
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        self.apply(x, r);
        r.iter_mut().zip(rhs).for_each(|(r, &b)| *r = b - *r);
    }
    /// It cannot be told without memory for A x; conjugate gradients form their residuals.
    fn residual_square(&self, _rhs: &[T], _x: &[T]) -> T {
        T::NAN
    }
}

/// The function as an oracle.
struct Evaluated<T> {
    dimension: usize,
    evaluate: unsafe extern "C" fn(*mut c_void, *const T, *mut T, usize) -> T,
    context: *mut c_void,
}

impl<T: Real> Oracle<T> for Evaluated<T> {
    fn dimension(&self) -> usize {
        self.dimension
    }
    fn value_and_subgradient(&mut self, x: &[T], g: &mut [T]) -> T {
        let n = self.dimension;
        if x.len() != n || g.len() != n {
            return T::NAN;
        }
        // SAFETY: as in `apply`.
        unsafe { (self.evaluate)(self.context, x.as_ptr(), g.as_mut_ptr(), n) }
    }
}

/// Where it is minimised.
enum Set<'a, T> {
    Space,
    Box(Bounds<'a, T>),
}

impl<T: Real> Projection<T> for Set<'_, T> {
    fn dimension(&self) -> Option<usize> {
        match self {
            Self::Space => None,
            Self::Box(bounds) => bounds.dimension(),
        }
    }
    fn project(&mut self, x: &mut [T]) {
        if let Self::Box(bounds) = self {
            bounds.project(x);
        }
    }
    fn separable(&self) -> bool {
        true
    }
}

/// The operator, the right-hand side, and the rest of the call.
type Linear<'a, T> = (Multiplied<T>, &'a [T], Checked<'a, T, ()>);

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check_operator<'a, T: Real>(
    operator: *const Operator<T>,
    rhs: *const T,
    call: Call<T, ()>,
) -> Result<Linear<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let (raw, rhs): (&Operator<T>, _) = unsafe {
        let raw: &Operator<T> = arrays.sized(operator, "operator")?;
        (raw, arrays.input(rhs, raw.order, "rhs")?)
    };
    let Operator { order, context, .. } = *raw;
    let apply = raw.apply.ok_or(Fault::new(Code::Null, "apply"))?;
    // SAFETY: as above.
    let checked = unsafe { call.check(&mut arrays, ("x", order), Stop::default()) }?;
    Ok((Multiplied { order, apply, context }, rhs, checked))
}

/// # Safety
/// As [`check_operator`].
unsafe fn solve<T: Real>(
    operator: *const Operator<T>,
    rhs: *const T,
    call: Call<T, ()>,
) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (matrix, rhs, checked) = unsafe { check_operator(operator, rhs, call) }?;
    let Checked { x, mut options, workspace, answers, .. } = checked;
    let problem = System::new(&matrix, rhs)?;
    let workspace = cg::Workspace::new(&problem, workspace)?;
    let inner = cg::Options { stop: options.stop(), ..cg::Options::default() };
    let report = cg::solve(&problem, &inner, x, workspace, &mut options)?;
    answers.store(&report, ());
    Ok(())
}

/// The function, where it is minimised, the rest of its struct, and the rest of the call.
type Sound<'a, T> = (Evaluated<T>, Set<'a, T>, &'a Function<T>, Checked<'a, T, FunctionFound<T>>);

/// # Safety
/// As [`check_operator`].
#[inline(never)]
unsafe fn check_function<'a, T: Real>(
    function: *const Function<T>,
    call: Call<T, FunctionFound<T>>,
) -> Result<Sound<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let (raw, bounds): (&Function<T>, _) = unsafe {
        let raw: &Function<T> = arrays.sized(function, "function")?;
        let n = raw.dimension;
        let bounds = if raw.lower.is_null() && raw.upper.is_null() {
            None
        } else {
            Some((arrays.input(raw.lower, n, "lower")?, arrays.input(raw.upper, n, "upper")?))
        };
        (raw, bounds)
    };
    let set = match bounds {
        None => Set::Space,
        Some((lower, upper)) => Set::Box(Bounds::new(lower, upper)?),
    };
    let evaluate = raw.evaluate.ok_or(Fault::new(Code::Null, "evaluate"))?;
    let oracle = Evaluated { dimension: raw.dimension, evaluate, context: raw.context };
    // SAFETY: as above.
    let checked = unsafe { call.check(&mut arrays, ("x", raw.dimension), Stop::default()) }?;
    Ok((oracle, set, raw, checked))
}

/// # Safety
/// As [`check_operator`].
unsafe fn minimise<T: Real>(
    function: *const Function<T>,
    call: Call<T, FunctionFound<T>>,
) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (oracle, set, raw, checked) = unsafe { check_function(function, call) }?;
    let Checked { x, mut options, workspace, answers, .. } = checked;
    let (length, least) = (raw.length, raw.least);
    let problem = Problem::new(oracle, set)?;
    let workspace = Workspace::new(&problem, false, workspace)?;
    let mut inner = CoreOptions::default();
    inner.ending.stop = options.stop();
    let outcome = if least == -T::INFINITY {
        method::solve(problem, &inner, Diminishing(length), x, workspace, &mut options)
    } else {
        inner.ending.target = least;
        method::solve(problem, &inner, Polyak::new(least), x, workspace, &mut options)
    }?;
    let size = size_of::<FunctionFound<T>>();
    answers.store(&outcome.report, FunctionFound { size, value: outcome.value, seen_at: outcome.seen_at });
    Ok(())
}

/// Elements of workspace that conjugate gradients need for an operator of this order.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_cg_workspace(order: usize) -> usize {
    cg::Workspace::<f64>::required_len(order)
}

/// Elements of workspace that a function of so many unknowns needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_minimise_workspace(dimension: usize) -> usize {
    Workspace::<f64>::required_len(dimension, false)
}

/// Solves A x = b from the x that is handed in by conjugate gradients, without a preconditioner: one call of the
/// operator a step, one more at the start and where convergence is confirmed. An operator that is not positive definite ends
/// as SOUTHWELL_STATUS_BREAKDOWN, one that writes NaN or an infinity as SOUTHWELL_STATUS_NOT_FINITE. `options`, `report` and
/// `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_cg_f32(
    operator: *const Operator<f32>,
    rhs: *const f32,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, found) = ((workspace, workspace_len), core::ptr::null_mut());
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(operator, rhs, call), fault) }
}

/// As `southwell_cg_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_cg_f64(
    operator: *const Operator<f64>,
    rhs: *const f64,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, found) = ((workspace, workspace_len), core::ptr::null_mut());
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(solve(operator, rhs, call), fault) }
}

/// Minimises a function from the x that is handed in by the projected sub-gradient method: x is the best point that was
/// seen. One call of the function a step. The residual is the length of the last step; a value that is not finite ends as
/// SOUTHWELL_STATUS_NOT_FINITE. `options`, `report`, `found` and `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_minimise_f32(
    function: *const Function<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    found: *mut FunctionFound<f32>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(minimise(function, call), fault) }
}

/// As `southwell_minimise_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_minimise_f64(
    function: *const Function<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    found: *mut FunctionFound<f64>,
    fault: *mut Fault,
) -> Code {
    let workspace = (workspace, workspace_len);
    let call = Call { x, options, workspace, indices: NONE, report, found };
    // SAFETY: handed on.
    unsafe { answer(minimise(function, call), fault) }
}
