//! Block coordinate descent on a smooth function of the caller's own.

use core::ffi::c_void;

use southwell::descent::penalties::{ElasticNet, Interval, Shape, Values};
use southwell::descent::selection::{Cyclic, GreedyVariable, Score, Selection};
use southwell::descent::update::Gradient;
use southwell::descent::{
    self, Loss, Options as CoreOptions, Outcome, Partition, Penalty, Problem, Scheme, Sizes, Workspace,
};
use southwell::{Error, Real, Stop};

use crate::border::{Arrays, answer};
use crate::call::{Call, Checked};
use crate::{Code, Fault, Options, Report};

/// Which variables a step moves.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Those that promise the most, by all partial derivatives.
    Greedy = 0,
    /// The next ones, in turn.
    Cyclic = 1,
}

/// min f(x) + Σ l1 |x_i| + ½ l2 x_i² over lower ≤ x ≤ upper, f smooth and convex. Besides x a *state* is kept for f: any
/// numbers that make one partial derivative cheap and are cheap to keep up when one variable moves, such as the residuals
/// A x − y of least squares.
///
/// The functions are called with `context` first. What they are handed does not overlap, and is theirs to use until they
/// return. They must not unwind, nor write what the call itself reads or writes, and the same arguments must have the same
/// answer.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Smooth<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Variables, at least one.
    pub variables: usize,
    /// Numbers of a state; there are two of them, told apart by where they lie.
    pub state_len: usize,
    /// With x, the number of variables, a state and its length: writes the state that belongs to x into all of it, whose
    /// contents mean nothing before.
    pub begin: Option<unsafe extern "C" fn(*mut c_void, *const T, usize, *mut T, usize)>,
    /// With a variable, a change, a state and its length: brings the state to where x_i has grown by the change.
    pub shift: Option<unsafe extern "C" fn(*mut c_void, usize, T, *mut T, usize)>,
    /// With x, the number of variables, the state that belongs to x and its length: f(x).
    pub value: Option<unsafe extern "C" fn(*mut c_void, *const T, usize, *const T, usize) -> T>,
    /// With a variable, a state and its length: ∂f/∂x_i.
    pub partial: Option<unsafe extern "C" fn(*mut c_void, usize, *const T, usize) -> T>,
    /// Handed to them.
    pub context: *mut c_void,
    /// A bound of ∂²f/∂x_i² for all x, not negative, for every variable.
    pub curvature: *const T,
    /// Weight of |x_i|, not negative.
    pub l1: T,
    /// Weight of ½ x_i², not negative.
    pub l2: T,
    /// Lower bounds, one for every variable, minus infinity where there is none; null together with `upper` for no bounds.
    pub lower: *const T,
    /// Upper bounds.
    pub upper: *const T,
    /// One of SouthwellRule.
    pub rule: u32,
    /// How many variables a step moves, from 1 to all.
    pub block: usize,
}

/// What a descent has to say beyond its report.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct SmoothFound<T> {
    /// sizeof of this struct, set by the caller before the call.
    pub size: usize,
    /// The objective at x.
    pub objective: T,
}

/// The function as a loss.
struct Own<'a, T> {
    variables: usize,
    state_len: usize,
    begin: unsafe extern "C" fn(*mut c_void, *const T, usize, *mut T, usize),
    shift: unsafe extern "C" fn(*mut c_void, usize, T, *mut T, usize),
    value: unsafe extern "C" fn(*mut c_void, *const T, usize, *const T, usize) -> T,
    partial: unsafe extern "C" fn(*mut c_void, usize, *const T, usize) -> T,
    context: *mut c_void,
    curvature: &'a [T],
}

impl<T: Real> Loss<T> for Own<'_, T> {
    fn variables(&self) -> usize {
        self.variables
    }
    fn state_len(&self) -> usize {
        self.state_len
    }
    fn begin(&self, x: &[T], state: &mut [T]) {
        if x.len() == self.variables && state.len() == self.state_len {
            let (x, n, state, len) = (x.as_ptr(), x.len(), state.as_mut_ptr(), state.len());
            // SAFETY: the caller's function, by the caller's word; both hold as many elements, apart from each other.
            unsafe { (self.begin)(self.context, x, n, state, len) }
        }
    }
    fn shift(&self, variable: usize, delta: T, state: &mut [T]) {
        if variable < self.variables && state.len() == self.state_len {
            // SAFETY: as in `begin`.
            unsafe { (self.shift)(self.context, variable, delta, state.as_mut_ptr(), state.len()) }
        }
    }
    fn value(&self, x: &[T], state: &[T]) -> T {
        if x.len() != self.variables || state.len() != self.state_len {
            return T::NAN;
        }
        // SAFETY: as in `begin`.
        unsafe { (self.value)(self.context, x.as_ptr(), x.len(), state.as_ptr(), state.len()) }
    }
    fn partial(&self, variable: usize, state: &[T]) -> T {
        if variable >= self.variables || state.len() != self.state_len {
            return T::ZERO;
        }
        // SAFETY: as in `begin`.
        unsafe { (self.partial)(self.context, variable, state.as_ptr(), state.len()) }
    }
    fn lipschitz(&self, variable: usize) -> T {
        self.curvature.get(variable).copied().unwrap_or(T::ZERO)
    }
}

/// What is added to it.
struct Added<'a, T> {
    weights: ElasticNet<'a, T>,
    bounds: Option<Interval<'a, T>>,
}

impl<T: Real> Penalty<T> for Added<'_, T> {
    fn check(&self, variables: usize) -> Result<(), Error> {
        self.weights.check(variables)?;
        self.bounds.map_or(Ok(()), |bounds| bounds.check(variables))
    }
    fn shape(&self, variable: usize) -> Option<Shape<T>> {
        let own = self.weights.shape(variable)?;
        let Some(bounds) = self.bounds else { return Some(own) };
        let Shape { lower, upper, .. } = bounds.shape(variable)?;
        Some(Shape { lower, upper, ..own })
    }
    fn is_zero(&self) -> bool {
        let none = Values::Same(T::ZERO);
        self.bounds.is_none() && self.weights.l1 == none && self.weights.l2 == none
    }
}

/// How it goes.
#[derive(Clone, Copy)]
struct Way {
    rule: Rule,
    variables: usize,
    block: usize,
}

/// The function, what is added, how it goes, and the rest of the call.
type Sound<'a, T> = (Own<'a, T>, Added<'a, T>, Way, Checked<'a, T, SmoothFound<T>>);

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
#[inline(never)]
unsafe fn check<'a, T: Real>(
    smooth: *const Smooth<T>,
    call: Call<T, SmoothFound<T>>,
) -> Result<Sound<'a, T>, Fault> {
    let mut arrays = Arrays::new();
    // SAFETY: the caller's word, here and below.
    let raw: &Smooth<T> = unsafe { arrays.sized(smooth, "smooth") }?;
    let (variables, state_len, context) = (raw.variables, raw.state_len, raw.context);
    if variables == 0 {
        return Err(Error::Option { name: "variables", requirement: "must be positive" }.into());
    }
    // SAFETY: as above.
    let curvature = unsafe { arrays.input(raw.curvature, variables, "curvature") }?;
    let bounds = if raw.lower.is_null() && raw.upper.is_null() {
        None
    } else {
        // SAFETY: as above.
        let lower = unsafe { arrays.input(raw.lower, variables, "lower") }?;
        // SAFETY: as above.
        let upper = unsafe { arrays.input(raw.upper, variables, "upper") }?;
        Some(Interval::new(Values::Each(lower), Values::Each(upper)))
    };
    for (index, &curvature) in curvature.iter().enumerate() {
        let argument = "curvature";
        if !curvature.is_finite() {
            return Err(Error::Value { argument, index }.into());
        }
        if curvature < T::ZERO {
            return Err(Error::Negative { argument, index }.into());
        }
    }
    let rule = match raw.rule {
        0 => Rule::Greedy,
        1 => Rule::Cyclic,
        _ => return Err(Error::Option { name: "rule", requirement: "must be one of SouthwellRule" }.into()),
    };
    if raw.block == 0 || raw.block > variables {
        let requirement = "must lie between 1 and the number of variables";
        return Err(Error::Option { name: "block", requirement }.into());
    }
    let own = Own {
        variables,
        state_len,
        begin: raw.begin.ok_or(Fault::new(Code::Null, "begin"))?,
        shift: raw.shift.ok_or(Fault::new(Code::Null, "shift"))?,
        value: raw.value.ok_or(Fault::new(Code::Null, "value"))?,
        partial: raw.partial.ok_or(Fault::new(Code::Null, "partial"))?,
        context,
        curvature,
    };
    let added = Added { weights: ElasticNet::new(raw.l1, raw.l2), bounds };
    let way = Way { rule, variables, block: raw.block };
    // SAFETY: as above.
    let checked = unsafe { call.check(&mut arrays, ("x", variables), Stop::default()) }?;
    Ok((own, added, way, checked))
}

/// Runs a rule.
fn run<T: Real, S: Selection<T>>(
    select: S,
    problem: &Problem<'_, Own<'_, T>, Added<'_, T>>,
    checked: Checked<'_, T, SmoothFound<T>>,
) -> Result<(), Fault> {
    let Checked { x, mut options, workspace, indices, answers } = checked;
    let mut scheme = Scheme { select, update: Gradient };
    let sizes = Sizes::of(problem, &scheme);
    let needed = Workspace::<T>::required_indices(&sizes);
    if indices.len() < needed {
        let given = indices.len();
        return Err(Error::Dimension { argument: "indices", expected: needed, given }.into());
    }
    let workspace = Workspace::new(problem, &scheme, workspace, indices)?;
    let inner = CoreOptions { stop: options.stop(), ..CoreOptions::default() };
    let Outcome { report, objective, .. } =
        descent::solve(problem, &inner, &mut scheme, x, workspace, &mut options)?;
    answers.store(&report, SmoothFound { size: size_of::<SmoothFound<T>>(), objective });
    Ok(())
}

/// # Safety
/// As [`check`].
unsafe fn descend<T: Real>(smooth: *const Smooth<T>, call: Call<T, SmoothFound<T>>) -> Result<(), Fault> {
    // SAFETY: handed on.
    let (own, added, way, checked) = unsafe { check(smooth, call) }?;
    let problem = Problem::new(&own, &added)?;
    match way.rule {
        Rule::Greedy => run(GreedyVariable::new(way.block, Score::Progress), &problem, checked),
        Rule::Cyclic => {
            run(Cyclic::new(Partition::consecutive(way.variables, way.block)?), &problem, checked)
        }
    }
}

/// Elements of workspace that a descent over so many variables needs, with a state of so many numbers and steps of so many
/// variables: enough for every rule.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_descend_workspace(variables: usize, state_len: usize, block: usize) -> usize {
    // Two states; a gradient, constants, weights and scores; three blocks, the best of a rule, and what bounds a block.
    let square = block.saturating_mul(block).saturating_add(block.saturating_mul(6));
    state_len.saturating_mul(2).saturating_add(variables.saturating_mul(4)).saturating_add(square)
}

/// Indices of workspace that it needs.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_descend_indices(block: usize) -> usize {
    block.saturating_mul(2)
}

/// Minimises a smooth function of the caller's own from the x that is handed in (moved into its bounds) by block coordinate
/// descent with proximal steps. The residual is the largest violation of the optimality conditions; its scale is that of
/// the start. The greedy rule asks for all partial derivatives in every step, the cyclic one for those of its block, and for
/// all at every look. A function that is not finite ends as SOUTHWELL_STATUS_NOT_FINITE. `options`, `report`, `found` and
/// `fault` may be null.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_descend_f32(
    smooth: *const Smooth<f32>,
    x: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f32>,
    found: *mut SmoothFound<f32>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(descend(smooth, call), fault) }
}

/// As `southwell_descend_f32`.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_descend_f64(
    smooth: *const Smooth<f64>,
    x: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    indices: *mut u32,
    indices_len: usize,
    report: *mut Report<f64>,
    found: *mut SmoothFound<f64>,
    fault: *mut Fault,
) -> Code {
    let (workspace, indices) = ((workspace, workspace_len), (indices, indices_len));
    let call = Call { x, options, workspace, indices, report, found };
    // SAFETY: handed on.
    unsafe { answer(descend(smooth, call), fault) }
}
