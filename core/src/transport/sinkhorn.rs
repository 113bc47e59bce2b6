//! Sinkhorn's iteration in the log domain, over-relaxed if a rule says so.
//!
//! ```text
//! x_ij = (g_j − C_ij)/ε,  m_i near max_j x_ij,  S_i = Σ_j e^(x_ij − m_i)     one reading of C
//! f*_i = ε (ln(a_i/S_i) − m_i),   f_i ← f_i + ω (f*_i − f_i)
//! t_j = Σ_i P_ij with the new f and the old g                                   in the same reading
//! g*_j = g_j + ε ln(b_j/t_j),     g_j ← g_j + ω (g*_j − g_j)
//! ```
//! With the new f the coupling's row is a multiple of e^(x_ij − m_i), so the columns need no exponential of
//! their own. Nothing can over- or underflow, whatever ε. ω = 1 is Sinkhorn's iteration; a larger one moves
//! every line as far as its own share of the dual value allows, so the dual value never falls.
//!
//! *Step*: both half-steps; cost: one reading of C, an exponential and about 8 operations an entry, and an
//! exponential and a logarithm a line. *Residual*: ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ of the potentials that are
//! there, free: a reading says what the rows of the iterate before it sum to, so every step ends with the
//! reading that the next one begins with. With ω = 1 the columns are exact and add nothing. *Scale*: the
//! mass Σ a. *Start*: makes the rows exact for the g that is handed in (one reading; f is not looked at
//! but for NaN), so a warm start needs g alone. *Memory*: n + 2 m, and m more for costs made on the fly.
//!
//! *Fails* never, but may be slow: the residual falls by σ₂² a step in the end, σ₂ the second singular value of
//! diag(a)^(−½) P diag(b)^(−½) (Knight 2008), and with the best ω by ω* − 1 (see
//! [`omega`]). It stops as [`Status::Stalled`] where the residual is rounding error.
//! [`scaling`](super::scaling) needs no exponentials where a kernel can be stored, and
//! [`newton`](super::newton) few readings where the coupling is nearly sparse.
//!
//! *Source*: Sinkhorn & Knopp 1967; Cuturi 2013; Schmitzer 2019 (log domain); Thibault, Chizat, Dossal &
//! Papadakis 2021 (over-relaxation).

mod resume;

pub use resume::{Pause, resume};

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use super::cost::Cost;
use super::over_relaxation::Reach;
use super::problem::{Potentials, Problem};
use super::stall::Floor;
use crate::carve::take;
use crate::copy::CopyFrom;
use crate::omega::{self, OmegaRule, Sight};
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// How a run of Sinkhorn's iteration proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances against the mass Σ a, step limit, how often to look (a look is free). Default: relative
    /// 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-9 };
        Self { stop: Stop::relative(T::from_f64(relative)) }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// The f of the next step.
    next: &'w mut [T],
    /// t, the columns' sums with the next f.
    sums: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`] (m where they are
    /// stored, 2 m where they are made on the fly, 4 m of points in the plane).
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        rows.saturating_add(columns).saturating_add(scratch)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (rows, columns, scratch) = (problem.rows(), problem.columns(), problem.cost.scratch_len());
        let (needed, given) = (Self::required_len(rows, columns, scratch), storage.len());
        if given < needed {
            return Err(Error::Workspace { needed, given });
        }
        let mut rest = storage;
        let (next, sums) = (take(&mut rest, rows), take(&mut rest, columns));
        let scratch = take(&mut rest, scratch);
        Ok(Self { next, sums, scratch })
    }
}

/// A run of Sinkhorn's iteration in progress.
#[derive(Debug)]
pub struct Sinkhorn<'a, T, C, R: ?Sized> {
    problem: Problem<'a, T, C>,
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    rule: &'a mut R,
    reach: Reach<T>,
    row_error: T,
    column_error: T,
    floor: Floor<T>,
    steps: u32,
    asked: u32,
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
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
) -> Result<Sinkhorn<'a, T, C, R>, Error> {
    let reach = begin(problem, options, rule, &x, &work)?;
    let mut run = Sinkhorn::new(problem, rule, x, work, reach);
    run.begin();
    Ok(run)
}

/// Refuses what no run can begin with; the factor that the rule wants.
fn begin<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    rule: &mut R,
    x: &Potentials<'_, T>,
    work: &Workspace<'_, T>,
) -> Result<Reach<T>, Error> {
    options.stop.check()?;
    problem.check_start(x)?;
    let (n, m, scratch) = (problem.rows(), problem.columns(), problem.cost.scratch_len());
    if work.next.len() != n || work.sums.len() != m || work.scratch.len() != scratch {
        let given = work.next.len().saturating_add(work.sums.len()).saturating_add(work.scratch.len());
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(n, m, scratch), given });
    }
    Ok(Reach::new(problem.begin_omega(rule)?))
}

/// Solves from the g that is handed in, and tells the rule how it went.
///
/// # Errors
/// As [`start`].
pub fn solve<'a, T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    rule: &mut R,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let reach = begin(problem, options, rule, &x, &workspace)?;
    let mut run = Sinkhorn::new(problem, &mut *rule, x, workspace, reach);
    run.begin();
    let report = drive(&mut run, &options.stop, observer);
    rule.end(&report);
    Ok(report)
}

impl<T: Real, C: Cost<T>> Problem<'_, T, C> {
    /// Asks a rule for the omega of a run that begins. The coupling that it may look at is 1 − ε/max C.
    /// Nothing has been computed by then: of the residual it hears the bound, Σ a + Σ b.
    pub(super) fn begin_omega<R: OmegaRule<T> + ?Sized>(&self, rule: &mut R) -> Result<T, Error> {
        let initial_residual = self.mass + self.mass;
        let (epsilon, largest) = (self.epsilon, self.cost.largest());
        let coupling = || if epsilon < largest { T::ONE - epsilon / largest } else { T::ZERO };
        let size = self.rows().saturating_add(self.columns());
        omega::begin(rule, &Sight { size, scale: self.mass, initial_residual, coupling: &coupling })
    }
}

/// f* of a row, in units of ε, for the largest term m and the sum S of its exponentials relative to it.
#[inline]
#[must_use]
pub fn exact_row<T: Real>(a: T, m: T, sum: T) -> T {
    ln_scalar(a / sum) - m
}

/// Whether a column with mass b that sums to t has underflowed: what it really sums to, nobody knows.
#[must_use]
pub fn unseen<T: Real>(b: T, t: T) -> bool {
    b > T::ZERO && t < T::MIN_POSITIVE
}

/// Moves the potential of a column with mass b that sums to t; what it is off by afterwards, if it was seen.
#[inline]
pub fn move_column<T: Real>(g: &mut T, t: T, b: T, epsilon: T, reach: Reach<T>) -> T {
    if b == T::ZERO {
        return T::ZERO;
    }
    // A column that underflowed altogether climbs until it is seen.
    let delta = ln_scalar((b / t.max(T::MIN_POSITIVE)).min(T::MAX));
    let factor = reach.factor(delta);
    *g += epsilon * (factor * delta);
    if factor == T::ONE { T::ZERO } else { off_by(b, factor, delta) }
}

/// |t − b| of a line that was δ away from its mass b and moved by a factor of that: t = b e^((factor − 1) δ).
#[inline]
#[must_use]
pub fn off_by<T: Real>(b: T, factor: T, delta: T) -> T {
    (b * exp_scalar((factor - T::ONE) * delta) - b).abs()
}

/// Σ |t_j − b_j|
pub(super) fn column_error<T: Real>(b: &[T], sums: &[T]) -> T {
    sums.iter().zip(b).fold(T::ZERO, |error, (&t, &b)| error + (t - b).abs())
}

/// What a reading makes of the rows. Of references alone: a part's stack holds it while exponentials are made.
struct Rows<'r, 'a, T> {
    a: &'r &'a [T],
    epsilon: T,
    x: &'r Potentials<'a, T>,
    next: &'r mut &'a mut [T],
    reach: &'r Reach<T>,
    /// Σ |row sum − a| so far.
    error: &'r mut T,
    /// Whether rows become exact, whatever f is.
    exact: bool,
}

impl<T: Real> Rows<'_, '_, T> {
    /// The error of a row as it is, where it goes next, and what its exponentials weigh there.
    // Apart, so that a part's stack holds nothing of it while exponentials are made.
    #[cfg_attr(target_os = "none", inline(never))]
    fn weigh(&mut self, i: usize, m: T, sum: T) -> T {
        let (Some(&a), Some(&f), Some(next)) = (self.a.get(i), self.x.f.get(i), self.next.get_mut(i)) else {
            return T::ZERO;
        };
        let (epsilon, reach) = (self.epsilon, self.reach);
        if a == T::ZERO {
            if self.exact {
                *next = -T::INFINITY;
            }
            return T::ZERO;
        }
        let best = exact_row(a, m, sum);
        if self.exact {
            *next = epsilon * best;
            return a / sum;
        }
        let delta = best - f / epsilon;
        *self.error += (a * exp_scalar(-delta) - a).abs();
        if reach.omega() == T::ONE {
            *next = f + epsilon * delta;
            return a / sum;
        }
        let factor = reach.factor(delta);
        *next = f + epsilon * (factor * delta);
        a / sum * exp_scalar((factor - T::ONE) * delta)
    }
}

// The phases of a step are functions of their own, so that a part's stack holds one of them at a time.
impl<'a, T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Sinkhorn<'a, T, C, R> {
    /// A run of which the rows are exact.
    fn new(
        problem: &Problem<'a, T, C>,
        rule: &'a mut R,
        x: Potentials<'a, T>,
        work: Workspace<'a, T>,
        reach: Reach<T>,
    ) -> Self {
        let (floor, zero) = (Floor::new(problem), T::ZERO);
        let problem = *problem;
        Self { problem, x, work, rule, reach, row_error: zero, column_error: zero, floor, steps: 0, asked: 0 }
    }

    /// The first reading.
    fn begin(&mut self) {
        self.problem.mark_empty(&mut self.x);
        self.make_rows_exact();
    }

    /// Takes note of a residual after so many steps, once.
    fn look(&mut self, step: u32, residual: T) {
        if step != self.asked {
            self.asked = step;
            self.floor.look(residual);
            if let Some(omega) = omega::revise(self.rule, step, residual, self.reach.omega()) {
                self.reach = Reach::new(omega);
            }
        }
    }

    /// Moves the columns, knowing what they sum to; false if one has underflowed.
    #[cfg_attr(target_os = "none", inline(never))]
    fn move_columns(&mut self) -> bool {
        let (epsilon, reach) = (self.problem.epsilon, self.reach);
        let columns = self.x.g.iter_mut().zip(&*self.work.sums).zip(self.problem.b);
        let (mut error, mut seen) = (T::ZERO, true);
        for ((g, &t), &b) in columns {
            seen &= !unseen(b, t);
            error += move_column(g, t, b, epsilon, reach);
        }
        self.column_error = error;
        seen
    }

    /// Reads the costs and makes the rows exact for the columns as they are.
    #[inline(always)]
    fn make_rows_exact(&mut self) {
        self.read(true);
        self.take_exact();
    }

    /// The rows have become exact.
    #[cfg_attr(target_os = "none", inline(never))]
    fn take_exact(&mut self) {
        self.x.f.copy_from(self.work.next);
        (self.row_error, self.column_error) = (T::ZERO, column_error(self.problem.b, self.work.sums));
    }

    /// Reads the costs: the error of the rows as they are, where they go next, and the columns' sums there. Where rows
    /// are to become exact: the f that makes them so, and the columns' sums with it.
    #[cfg_attr(target_os = "none", inline(never))]
    fn read(&mut self, exact: bool) {
        let Workspace { next, sums, scratch } = &mut self.work;
        self.row_error = T::ZERO;
        let Problem { cost, a, epsilon, .. } = &self.problem;
        let (epsilon, x, reach, error) = (*epsilon, &self.x, &self.reach, &mut self.row_error);
        let mut rows = Rows { a, epsilon, x, next, reach, error, exact };
        cost.pass(epsilon, x.g, &mut |i, m, sum| rows.weigh(i, m, sum), sums, scratch);
    }

    /// The factor in use.
    #[must_use]
    pub fn omega(&self) -> T {
        self.reach.omega()
    }

    /// ‖P 1 − a‖₁ and ‖Pᵀ 1 − b‖₁ of the potentials.
    #[must_use]
    pub fn errors(&self) -> (T, T) {
        (self.row_error, self.column_error)
    }

    /// The potentials f and g.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.x.f, self.x.g)
    }

    /// Readings of the costs so far.
    #[must_use]
    pub fn kernel_reads(&self) -> u32 {
        self.steps.saturating_add(1)
    }
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Run for Sinkhorn<'_, T, C, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        for ((f, &next), &a) in self.x.f.iter_mut().zip(&*self.work.next).zip(self.problem.a) {
            if a > T::ZERO {
                *f = next;
            }
        }
        if self.move_columns() {
            self.read(false);
        } else {
            self.make_rows_exact();
        }
    }

    fn residual(&mut self) -> T {
        let residual = self.row_error + self.column_error;
        self.look(self.steps, residual);
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
