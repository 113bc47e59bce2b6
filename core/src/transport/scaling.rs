//! Sinkhorn's iteration on a stored kernel: two multiplications and two additions an entry, no exponential.
//!
//! ```text
//! K_ij = e^((f̄_i + ḡ_j − C_ij)/ε),   f = f̄ + ε ln u,  g = ḡ + ε ln v
//! u_i ← a_i / (K v)_i,   v_j ← b_j / (Kᵀ u)_j                     one reading of K for both
//! ```
//! The same iterates as [`sinkhorn`](super::sinkhorn) up to rounding, over-relaxed by the same rules. The
//! kernel comes from a first step in the log domain, which gives every row and column an entry of
//! the order of its mass, so that a small ε does not underflow; when a scaling leaves e^±200 (`f64`; e^±20 in
//! `f32`), or a sum vanishes, the scalings are absorbed into f̄ and ḡ and the kernel is made anew, by a
//! step in the log domain as well (Schmitzer 2019).
//!
//! *Step*: both half-steps; cost: one reading of K, 4 operations an entry; a step that absorbs costs an
//! exponential an entry and writes K. *Residual*, *scale*, *start*: as for [`sinkhorn`](super::sinkhorn). It is
//! the residual of u K v; the potentials are written at every look and are those scalings' up to the
//! rounding of a potential, so the coupling formed from them may differ by
//! max C/ε·[`EPSILON`](crate::Real::EPSILON), relatively. *Memory*: n·m + 3 n + 3 m, and m more for
//! costs made on the fly and for 128 rows or more.
//!
//! *Source*: Cuturi 2013; Schmitzer 2019 (absorption).

use southwell_simd::dense::section;
use southwell_simd::elementary::{exp_scalar, ln_in_place, ln_scalar};
use southwell_simd::vector;

use super::cost::Cost;
use super::over_relaxation::Reach;
use super::problem::{Potentials, Problem};
pub use super::sinkhorn::Options;
use super::sinkhorn::{column_error, exact_row, move_column, off_by, unseen};
use super::stall::Floor;
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::omega::{self, OmegaRule};
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    kernel: &'w mut [T],
    /// f̄, ḡ
    base_f: &'w mut [T],
    base_g: &'w mut [T],
    u: &'w mut [T],
    v: &'w mut [T],
    /// The u of the next step.
    next: &'w mut [T],
    /// Kᵀ u with the next u.
    sums: &'w mut [T],
    /// A row of costs made on the fly, or the sums of a section of the kernel.
    buffer: &'w mut [T],
}

/// Elements of `buffer`.
const fn buffer_len(rows: usize, columns: usize, stored: bool) -> usize {
    if stored && section(rows) >= rows { 0 } else { columns }
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs that are [stored](Cost::is_stored) or not.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, stored: bool) -> usize {
        let lines = rows.saturating_add(columns).saturating_mul(3);
        let buffer = buffer_len(rows, columns, stored);
        rows.saturating_mul(columns).saturating_add(lines).saturating_add(buffer)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let buffer = buffer_len(n, m, problem.cost.is_stored());
        let lengths = [n.saturating_mul(m), n, m, n, m, n, m, buffer];
        let [kernel, base_f, base_g, u, v, next, sums, buffer] = carve(storage, lengths)?;
        Ok(Self { kernel, base_f, base_g, u, v, next, sums, buffer })
    }
}

/// A run on a stored kernel in progress.
#[derive(Debug)]
pub struct Scaling<'a, T, C, R: ?Sized> {
    problem: Problem<'a, T, C>,
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    rule: &'a mut R,
    reach: Reach<T>,
    row_error: T,
    column_error: T,
    floor: Floor<T>,
    /// Whether a scaling has left the range in which it is trusted.
    far: bool,
    /// Whether the potentials are those of the scalings.
    written: bool,
    steps: u32,
    asked: u32,
    absorptions: u32,
}

/// e^200 in `f64` and e^20 in `f32`: the square root of what a kernel's entry has left of the type's range.
fn bound<T: Real>() -> T {
    T::from_f64(if T::EPSILON.to_f64() > 1e-10 { 4.8e8 } else { 7.2e86 })
}

/// Whether a scaling can be trusted with.
fn in_range<T: Real>(scaling: T) -> bool {
    let bound = bound::<T>();
    scaling < bound && scaling * bound > T::ONE
}

/// Begins a run from the g that is handed in.
///
/// # Errors
/// [`Error::Option`] for tolerances and for an omega outside (0, 2); [`Error::Dimension`] or
/// [`Error::Value`] for potentials; [`Error::Workspace`] if the workspace was carved for another problem.
/// The potentials are untouched then.
pub fn start<'a, T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    rule: &'a mut R,
    mut x: Potentials<'a, T>,
    work: Workspace<'a, T>,
) -> Result<Scaling<'a, T, C, R>, Error> {
    options.stop.check()?;
    problem.check_start(&x)?;
    let (n, m, stored) = (problem.rows(), problem.columns(), problem.cost.is_stored());
    if work.u.len() != n || work.v.len() != m || work.buffer.len() < buffer_len(n, m, stored) {
        let lines = work.u.len().saturating_add(work.v.len()).saturating_mul(3);
        let given = work.kernel.len().saturating_add(lines).saturating_add(work.buffer.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m, stored), given });
    }
    let reach = Reach::new(problem.begin_omega(rule)?);
    problem.mark_empty(&mut x);
    let floor = Floor::new(problem);
    let mut run = Scaling {
        problem: *problem,
        x,
        work,
        rule,
        reach,
        row_error: T::ZERO,
        column_error: T::ZERO,
        floor,
        far: false,
        written: true,
        steps: 0,
        asked: 0,
        absorptions: 0,
    };
    run.begin();
    Ok(run)
}

/// Solves from the g that is handed in, and tells the rule how it went.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    rule: &mut R,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, &mut *rule, x, workspace)?;
    let report = drive(&mut run, &options.stop, observer);
    rule.end(&report);
    Ok(report)
}

/// A reading of the costs in the log domain. For every row with mass, `choose(i, a, m, S)` answers with its new
/// potential in units of ε, which becomes f̄, and with the factor that makes e^(x_ij − m) the row of the
/// coupling, which becomes K's. The scalings of the next step are 1.
fn make_kernel<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    g: &[T],
    work: &mut Workspace<'_, T>,
    choose: &mut (dyn FnMut(usize, T, T, T) -> (T, T) + Send),
) {
    let Workspace { kernel, base_f, next, sums, buffer, .. } = work;
    next.fill(T::ONE);
    let (a, epsilon) = (problem.a, problem.epsilon);
    let mut weigh = |i: usize, m: T, sum: T| {
        let (Some(&a), Some(base)) = (a.get(i), base_f.get_mut(i)) else { return T::ZERO };
        if a == T::ZERO {
            *base = -T::INFINITY;
            return T::ZERO;
        }
        let (potential, weight) = choose(i, a, m, sum);
        *base = epsilon * potential;
        weight
    };
    problem.cost.make_kernel(epsilon, g, &mut weigh, kernel, sums, buffer);
}

/// y ← base + ε ln s
fn potential<T: Real>(epsilon: T, base: &[T], scaling: &[T], y: &mut [T]) {
    for (y, &scaling) in y.iter_mut().zip(scaling) {
        *y = scaling;
    }
    ln_in_place(y);
    vector::xpby(base, epsilon, y);
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Scaling<'_, T, C, R> {
    /// Lets g be the base of the columns.
    fn absorb_columns(&mut self) {
        for (base, &g) in self.work.base_g.iter_mut().zip(&*self.x.g) {
            *base = g;
        }
        self.work.u.fill(T::ONE);
        self.work.v.fill(T::ONE);
    }

    /// Writes the potentials that the scalings stand for.
    fn write(&mut self) {
        if self.written {
            return;
        }
        let (work, epsilon) = (&self.work, self.problem.epsilon);
        potential(epsilon, work.base_f, work.u, self.x.f);
        potential(epsilon, work.base_g, work.v, self.x.g);
        self.written = true;
    }

    /// Whether all columns sum to something that the scalings can be divided by.
    fn columns_are_near(&self) -> bool {
        let mut columns = self.work.v.iter().zip(&*self.work.sums).zip(self.problem.b);
        columns.all(|((&v, &t), &b)| b == T::ZERO || in_range(b / (v * t)))
    }

    /// Moves the columns, knowing what they sum to.
    fn move_columns(&mut self) {
        let reach = self.reach;
        let plain = reach.omega() == T::ONE;
        let (mut error, mut far) = (T::ZERO, false);
        for ((v, &t), &b) in self.work.v.iter_mut().zip(&*self.work.sums).zip(self.problem.b) {
            if b == T::ZERO {
                continue;
            }
            let moved = if plain {
                b / t
            } else {
                let delta = ln_scalar(b / (*v * t));
                let factor = reach.factor(delta);
                error += off_by(b, factor, delta);
                *v * exp_scalar(factor * delta)
            };
            far |= !in_range(moved);
            *v = moved;
        }
        self.column_error = error;
        self.far |= far;
    }

    /// The same in the log domain, from the potentials that are written, where a scaling cannot say it; false if
    /// a column has underflowed.
    fn move_columns_far(&mut self) -> bool {
        let (epsilon, reach) = (self.problem.epsilon, self.reach);
        let columns = self.x.g.iter_mut().zip(self.work.v.iter().zip(&*self.work.sums)).zip(self.problem.b);
        let (mut error, mut seen) = (T::ZERO, true);
        for ((g, (&v, &t)), &b) in columns {
            seen &= !unseen(b, v * t);
            error += move_column(g, v * t, b, epsilon, reach);
        }
        self.column_error = error;
        seen
    }

    /// Makes the rows exact for the columns that are written, and the kernel around both.
    fn begin(&mut self) {
        let exact = &mut |_, a, m, sum| (exact_row(a, m, sum), a / sum);
        make_kernel(&self.problem, self.x.g, &mut self.work, exact);
        (self.row_error, self.column_error) = (T::ZERO, column_error(self.problem.b, self.work.sums));
        self.absorb_columns();
        self.x.f.copy_from(self.work.base_f);
        self.far = false;
    }

    /// Reads the kernel; false if a row's sum says nothing.
    fn read(&mut self) -> bool {
        let Workspace { kernel, u, v, next, sums, buffer, .. } = &mut self.work;
        let (a, u, reach) = (self.problem.a, &**u, self.reach);
        let plain = reach.omega() == T::ONE;
        let weigh = |i: usize, sum: T| {
            let (Some(&a), Some(&u)) = (a.get(i), u.get(i)) else { return (T::ZERO, T::ZERO) };
            if a == T::ZERO {
                return (T::ZERO, T::ZERO);
            }
            let next = if plain {
                a / sum
            } else {
                let delta = ln_scalar(a / (u * sum));
                u * exp_scalar(reach.factor(delta) * delta)
            };
            (next, (u * sum - a).abs())
        };
        self.row_error = self.problem.cost.read_kernel(kernel, v, &weigh, next, sums, buffer);
        let mut moved = next.iter().zip(a).filter(|(_, a)| **a != T::ZERO);
        if moved.clone().all(|(&next, _)| in_range(next)) {
            return true;
        }
        self.far = true;
        moved.all(|(&next, _)| next > T::ZERO && next.is_finite())
    }

    /// Makes the kernel anew around the potentials that are written, by a reading in the log domain.
    fn absorb(&mut self) {
        let reach = self.reach;
        let epsilon = self.problem.epsilon;
        let mut error = T::ZERO;
        let f = &*self.x.f;
        let mut choose = |i: usize, a: T, m: T, sum: T| {
            let f = f.get(i).copied().unwrap_or(T::ZERO) / epsilon;
            let delta = exact_row(a, m, sum) - f;
            error += (a * exp_scalar(-delta) - a).abs();
            let factor = reach.factor(delta);
            (f + factor * delta, a / sum * exp_scalar((factor - T::ONE) * delta))
        };
        make_kernel(&self.problem, self.x.g, &mut self.work, &mut choose);
        self.row_error = error;
        // What is written is the iterate; u is not asked before it becomes `next`.
        self.absorb_columns();
        self.far = false;
        self.absorptions = self.absorptions.saturating_add(1);
    }

    /// The factor in use.
    #[must_use]
    pub fn omega(&self) -> T {
        self.reach.omega()
    }

    /// ‖P 1 − a‖₁ and ‖Pᵀ 1 − b‖₁ of the scalings.
    #[must_use]
    pub fn errors(&self) -> (T, T) {
        (self.row_error, self.column_error)
    }

    /// The potentials f and g, as of the last look.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.x.f, self.x.g)
    }

    /// Readings of the kernel or of the costs so far.
    #[must_use]
    pub fn kernel_reads(&self) -> u32 {
        self.steps.saturating_add(1)
    }

    /// How often the scalings were absorbed, the first step aside.
    #[must_use]
    pub fn absorptions(&self) -> u32 {
        self.absorptions
    }
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Run for Scaling<'_, T, C, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        core::mem::swap(&mut self.work.u, &mut self.work.next);
        self.written = false;
        if self.columns_are_near() {
            self.move_columns();
            if !self.far && self.read() {
                return;
            }
            self.write();
        } else {
            self.write();
            if !self.move_columns_far() {
                self.absorptions = self.absorptions.saturating_add(1);
                self.written = true;
                self.begin();
                return;
            }
        }
        self.absorb();
    }

    fn residual(&mut self) -> T {
        let residual = self.row_error + self.column_error;
        if self.steps != self.asked {
            self.asked = self.steps;
            self.floor.look(residual);
            if let Some(omega) = omega::revise(self.rule, self.steps, residual, self.reach.omega()) {
                self.reach = Reach::new(omega);
            }
        }
        self.write();
        residual
    }

    fn parameter(&self) -> T {
        self.reach.omega()
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.floor.stalled().then_some(Status::Stalled)
    }
}
