//! Entropic optimal transport by Sinkhorn's iteration in the log domain.

use southwell::omega::{Eager, Fixed, OmegaRule, Sight};
use southwell::transport::{Cost, DenseCost, Potentials, Problem, sinkhorn};
use southwell::{Progress, Real, Report as CoreReport};

use crate::border::{Span, answer, apart, input, output, sized, span};
use crate::{Code, Fault, Options, Report};

/// min ⟨P, C⟩ + ε Σ P (ln P − 1), P 1 = a, Pᵀ 1 = b.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct Transport<T> {
    /// sizeof of this struct.
    pub size: usize,
    /// Rows n of the costs.
    pub rows: usize,
    /// Columns m of the costs.
    pub columns: usize,
    /// Distance of two rows, not smaller than m.
    pub stride: usize,
    /// The costs, entry (i, k) at `i·stride + k`; not negative.
    pub cost: *const T,
    /// What each row has to give, n weights; not negative.
    pub a: *const T,
    /// What each column has to get, m weights of the same sum.
    pub b: *const T,
    /// The weight of the entropy ε, in the unit of the costs; positive.
    pub epsilon: T,
}

/// The arrays of a problem.
struct Arrays<'a, T> {
    cost: DenseCost<'a, T>,
    a: &'a [T],
    b: &'a [T],
    epsilon: T,
    spans: [Span; 3],
}

/// # Safety
/// `pointer` must be null or point to a struct whose first member is its size, and whose arrays have the lengths
/// that it says and are not written during `'a`.
unsafe fn read<'a, T: Real>(pointer: *const Transport<T>) -> Result<Arrays<'a, T>, Fault> {
    // SAFETY: handed on, here and below.
    let raw = unsafe { sized(pointer, "problem") }?;
    let (n, m) = (raw.rows, raw.columns);
    let before = n.saturating_sub(1).saturating_mul(raw.stride);
    let len = if n == 0 { 0 } else { before.saturating_add(m) };
    // SAFETY: as above.
    let cost = unsafe { input(raw.cost, len, "cost") }?;
    // SAFETY: as above.
    let a = unsafe { input(raw.a, n, "a") }?;
    // SAFETY: as above.
    let b = unsafe { input(raw.b, m, "b") }?;
    let spans = [span(raw.cost, len, "cost")?, span(raw.a, n, "a")?, span(raw.b, m, "b")?];
    Ok(Arrays { cost: DenseCost::new(cost, n, m, raw.stride)?, a, b, epsilon: raw.epsilon, spans })
}

/// # Safety
/// Pointers must be null or point to what the interface says; arrays that are written belong to this call alone.
unsafe fn solve<T: Real>(
    problem: *const Transport<T>,
    (f, g): (*mut T, *mut T),
    options: *const Options<T>,
    (workspace, workspace_len): (*mut T, usize),
    report: *mut Report<T>,
) -> Result<(), Fault> {
    // SAFETY: the caller's word, here and below; `apart` sees to it that what is written is written by one name.
    let arrays = unsafe { read(problem) }?;
    // SAFETY: as above.
    let mut options = unsafe { Options::read(options, sinkhorn::Options::default().stop) }?;
    // SAFETY: as above.
    unsafe { Report::check(report) }?;
    let (n, m) = (arrays.a.len(), arrays.b.len());
    let written = [
        span(f, n, "f")?,
        span(g, m, "g")?,
        span(workspace, workspace_len, "workspace")?,
        span(report, 1, "report")?,
    ];
    apart(&written, &arrays.spans)?;
    // SAFETY: as above.
    let x = Potentials { f: unsafe { output(f, n, "f") }?, g: unsafe { output(g, m, "g") }? };
    // SAFETY: as above.
    let workspace = unsafe { output(workspace, workspace_len, "workspace") }?;
    let problem = Problem::new(&arrays.cost, arrays.a, arrays.b, arrays.epsilon)?;
    let mut rule = match options.omega {
        omega if omega == T::ZERO => Choice::Eager(Eager::default()),
        omega => Choice::Fixed(Fixed(omega)),
    };
    let workspace = sinkhorn::Workspace::new(&problem, workspace)?;
    let inner = sinkhorn::Options { stop: options.stop() };
    let found = sinkhorn::solve(&problem, &inner, &mut rule, x, workspace, &mut options)?;
    // SAFETY: as above.
    unsafe { Report::write(report, &found) };
    Ok(())
}

/// Omega found on the way, or given: one solver for both.
enum Choice<T> {
    Eager(Eager<T>),
    Fixed(Fixed<T>),
}

impl<T: Real> OmegaRule<T> for Choice<T> {
    fn begin(&mut self, sight: &Sight<'_, T>) -> T {
        match self {
            Self::Eager(rule) => rule.begin(sight),
            Self::Fixed(rule) => rule.begin(sight),
        }
    }
    fn revise(&mut self, progress: &Progress<T>) -> Option<T> {
        match self {
            Self::Eager(rule) => rule.revise(progress),
            Self::Fixed(rule) => rule.revise(progress),
        }
    }
    fn end(&mut self, report: &CoreReport<T>) {
        match self {
            Self::Eager(rule) => OmegaRule::<T>::end(rule, report),
            Self::Fixed(rule) => OmegaRule::<T>::end(rule, report),
        }
    }
}

/// # Safety
/// As [`solve`].
unsafe fn row<T: Real>(
    problem: *const Transport<T>,
    row: usize,
    (f, g): (*const T, *const T),
    out: *mut T,
) -> Result<(), Fault> {
    // SAFETY: as in `solve`.
    let arrays = unsafe { read(problem) }?;
    let (n, m) = (arrays.a.len(), arrays.b.len());
    let [cost, a, b] = arrays.spans;
    apart(&[span(out, m, "out")?], &[cost, a, b, span(f, n, "f")?, span(g, m, "g")?])?;
    // SAFETY: as above.
    let (f, g) = unsafe { (input(f, n, "f")?, input(g, m, "g")?) };
    // SAFETY: as above.
    let out = unsafe { output(out, m, "out") }?;
    let Some(&f) = f.get(row) else { return Err(Fault::new(Code::Dimension, "row")) };
    arrays.cost.coupling_row(row, arrays.epsilon, f, g, out, &mut []);
    Ok(())
}

/// The default options of Sinkhorn's iteration: relative tolerance 1e-5, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_sinkhorn_options_f32() -> Options<f32> {
    Options::with(sinkhorn::Options::default().stop)
}

/// The default options of Sinkhorn's iteration: relative tolerance 1e-9, 10 000 steps.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_sinkhorn_options_f64() -> Options<f64> {
    Options::with(sinkhorn::Options::default().stop)
}

/// Elements of workspace that Sinkhorn's iteration needs for so many rows and columns.
#[unsafe(no_mangle)]
pub extern "C" fn southwell_sinkhorn_workspace(rows: usize, columns: usize) -> usize {
    sinkhorn::Workspace::<f64>::required_len(rows, columns, columns)
}

/// Finds potentials f (n of them) and g (m), from the g that is handed in (zeros do). The residual is the L1 error of
/// both marginals, its scale the mass; a step reads the costs once. Lines without weight get −infinity.
/// `options` may be null (defaults), `report` and `fault` too.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sinkhorn_f32(
    problem: *const Transport<f32>,
    f: *mut f32,
    g: *mut f32,
    options: *const Options<f32>,
    workspace: *mut f32,
    workspace_len: usize,
    report: *mut Report<f32>,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(solve(problem, (f, g), options, (workspace, workspace_len), report), fault) }
}

/// Writes row `row` of the coupling that potentials stand for, m weights, to `out`.
///
/// # Safety
/// As `southwell_sinkhorn_f32`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_coupling_row_f32(
    problem: *const Transport<f32>,
    row: usize,
    f: *const f32,
    g: *const f32,
    out: *mut f32,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(self::row(problem, row, (f, g), out), fault) }
}

/// As `southwell_sinkhorn_f32`.
/// `options` may be null (defaults), `report` and `fault` too.
///
/// # Safety
/// Pointers must be null or point to what their types say, arrays to as many elements as the lengths say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_sinkhorn_f64(
    problem: *const Transport<f64>,
    f: *mut f64,
    g: *mut f64,
    options: *const Options<f64>,
    workspace: *mut f64,
    workspace_len: usize,
    report: *mut Report<f64>,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(solve(problem, (f, g), options, (workspace, workspace_len), report), fault) }
}

/// As `southwell_coupling_row_f32`.
///
/// # Safety
/// As `southwell_sinkhorn_f64`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn southwell_coupling_row_f64(
    problem: *const Transport<f64>,
    row: usize,
    f: *const f64,
    g: *const f64,
    out: *mut f64,
    fault: *mut Fault,
) -> Code {
    // SAFETY: handed on.
    unsafe { answer(self::row(problem, row, (f, g), out), fault) }
}
