//! Sinkhorn-Newton-Sparse: a few Sinkhorn steps, then Newton's method on the dual with a sparse Hessian.
//!
//! The Hessian of the dual value is −H/ε, H = [diag r, P; Pᵀ, diag c] with r = P 1 and c = Pᵀ 1. Once Sinkhorn's
//! iteration has found where the mass goes, few entries of P carry it all, the more so the smaller ε:
//! ```text
//! keep the largest entries of P until the others weigh at most δ Σ P           (see select.rs)
//! solve ((1+σ) diag(r, c) + offdiag(P̃)) Δ = ε (a − r, b − c),  σ = min(0.1, e/10)   (see system.rs)
//! (f, g) ← (f, g) + α Δ,  α = 1, ½, ¼ … by a guarded line search on the dual value
//! ```
//! The damping σ goes to zero with the marginal error e (relative to the mass): it keeps components that hardly
//! exchange mass from being torn apart, and costs no speed in the end.
//!
//! *Step*: a Sinkhorn step, `first_steps` times; then a Newton step. Cost of a Newton step: one reading of C
//! with an exponential an entry for each trial of the line search (nearly always one), which gives the sums,
//! the dual value and the entries of the next system at once; a second one where the entries do not fit the
//! budget; and conjugate gradients, 4 operations a stored entry and step. *Residual*: ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁,
//! free. *Scale*: the mass Σ a. *Memory*: 4 n + 9 m + 128 numbers (m more for costs made on the fly) and one for each entry of the budget; n + 129
//! indices and one for each entry.
//!
//! *Fails* where the coupling is not sparse enough for the budget: the steps shorten, and a line search that
//! finds no ascent is rescued by ten Sinkhorn steps, twenty times at most ([`Status::Stalled`] then). Use
//! [`scaling`](super::scaling) with an omega that adapts there. Whatever happens, the dual value never falls,
//! and the potentials that are left are the best ones.
//!
//! *Source*: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao & Ying 2024 (the method); the rule by
//! mass, the damping, the Schur complement and the line search near the end are this project's.

mod select;
mod system;

use select::{CLASSES, Selection};
use southwell_simd::csr::Rows;
use southwell_simd::vector;
use system::{Sides, Vectors};

use super::cost::Cost;
use super::over_relaxation::Reach;
use super::problem::{Potentials, Problem};
use super::sinkhorn::{column_error, exact_row, move_column};
use super::stall::Floor;
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// Halvings of a step before a rescue (2⁻¹² of it is no step).
const HALVINGS: u32 = 12;
/// Share of the predicted ascent that a step must achieve (Armijo 1966; the usual constant).
const ARMIJO: f64 = 1e-4;
/// Sinkhorn steps of a rescue, and rescues before a run gives up.
const RESCUE_STEPS: u32 = 10;
const RESCUES: u32 = 20;
/// σ = min(MOST_DAMPING, DAMPING·e)
const DAMPING: f64 = 0.1;
const MOST_DAMPING: f64 = 0.1;

/// How a run proceeds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options<T> {
    /// Tolerances against the mass Σ a, step limit, how often to look (a look is free). Default: relative
    /// 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// Sinkhorn steps before the first Newton step. Default 20; 0 for potentials that are good already.
    pub first_steps: u32,
    /// The share δ of the mass that the entries which are not kept may have, in (0, 1). Default 1e-5: larger
    /// ones take more Newton steps, smaller ones more entries.
    pub dropped: T,
    /// Conjugate-gradient steps of a Newton step at most. Default 500.
    pub max_cg_steps: u32,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        let stop = super::sinkhorn::Options::default().stop;
        Self { stop, first_steps: 20, dropped: T::from_f64(1e-5), max_cg_steps: 500 }
    }
}

/// Memory of a run, carved from the caller's slices. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    /// r and c of the potentials, and of those on trial.
    rows: &'w mut [T],
    columns: &'w mut [T],
    trial_columns: &'w mut [T],
    trial_f: &'w mut [T],
    trial_g: &'w mut [T],
    vectors: Vectors<'w, T>,
    scratch: &'w mut [T],
    selection: Selection<'w, T>,
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Numbers needed for n rows and m columns of costs that are [stored](Cost::is_stored) or not, and a
    /// budget of so many entries. A budget of a few entries a row serves small ε, n·m all.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, stored: bool, entries: usize) -> usize {
        let lines =
            rows.saturating_mul(4).saturating_add(columns.saturating_mul(if stored { 9 } else { 10 }));
        lines.saturating_add(CLASSES).saturating_add(entries)
    }

    /// Indices needed for n rows and a budget of so many entries.
    #[must_use]
    pub const fn required_indices(rows: usize, entries: usize) -> usize {
        rows.saturating_add(1).saturating_add(CLASSES).saturating_add(entries)
    }

    /// Carves the workspace of a problem, for a budget of so many entries.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` or `indices` is too short; [`Error::Option`] for a budget of fewer
    /// entries than there are rows; [`Error::TooLarge`] for more than 32-bit indices can count.
    pub fn new<C: Cost<T>>(
        problem: &Problem<'_, T, C>,
        entries: usize,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        if entries < n {
            return Err(Error::Option { name: "entries", requirement: "must be at least one for each row" });
        }
        if entries > u32::MAX as usize || m > u32::MAX as usize {
            return Err(Error::TooLarge { argument: "entries" });
        }
        let [offsets, counts, places] = carve(indices, [n.saturating_add(1), CLASSES, entries])?;
        let scratch = if problem.cost.is_stored() { m } else { m.saturating_mul(2) };
        let lengths = [n, m, m, n, m, n, m, n, m, m, m, m, scratch, CLASSES, entries];
        let [
            rows,
            columns,
            trial_columns,
            trial_f,
            trial_g,
            f,
            g,
            inverse,
            preconditioner,
            residual,
            direction,
            product,
            scratch,
            masses,
            values,
        ] = carve(storage, lengths)?;
        let vectors = Vectors { f, g, inverse, preconditioner, residual, direction, product };
        let selection = Selection::new(offsets, places, values, masses, counts);
        Ok(Self { rows, columns, trial_columns, trial_f, trial_g, vectors, scratch, selection })
    }
}

/// What a run has done, beside its steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Readings of the costs, each with an exponential an entry.
    pub kernel_reads: u32,
    /// Newton steps.
    pub newton_steps: u32,
    /// Conjugate-gradient steps of all of them.
    pub cg_steps: u32,
    /// Readings of stored entries, all conjugate-gradient steps together: twice 2 operations each.
    pub cg_entries: u64,
    /// Trials of the line searches.
    pub trials: u32,
    /// Line searches that found no ascent and were answered by Sinkhorn steps.
    pub rescues: u32,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A Sinkhorn step; so many are left.
    Sinkhorn(u32),
    /// A Newton step, its entries being stored.
    Newton,
}

/// A run of Sinkhorn-Newton-Sparse in progress.
#[derive(Debug)]
pub struct Newton<'a, T, C> {
    problem: Problem<'a, T, C>,
    options: Options<T>,
    x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    phase: Phase,
    row_error: T,
    column_error: T,
    floor: Floor<T>,
    done: Work,
    steps: u32,
    asked: u32,
    failure: Option<Status>,
}

/// Begins a run from the g that is handed in, or from both potentials if `first_steps` is 0.
///
/// # Errors
/// [`Error::Option`] for tolerances and for `dropped`; [`Error::Dimension`] or [`Error::Value`] for
/// potentials; [`Error::Workspace`] if the workspace was carved for another problem. The potentials are
/// untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    mut x: Potentials<'a, T>,
    work: Workspace<'a, T>,
) -> Result<Newton<'a, T, C>, Error> {
    options.stop.check()?;
    if !(options.dropped > T::ZERO && options.dropped < T::ONE) {
        return Err(Error::Option { name: "dropped", requirement: "must lie between 0 and 1" });
    }
    problem.check_start(&x)?;
    let (n, m, stored) = (problem.rows(), problem.columns(), problem.cost.is_stored());
    let scratch = if stored { m } else { m.saturating_mul(2) };
    if work.rows.len() != n || work.columns.len() != m || work.scratch.len() != scratch {
        let entries = work.selection.budget();
        let needed = Workspace::<T>::required_len(n, m, stored, entries);
        let given = Workspace::<T>::required_len(work.rows.len(), work.columns.len(), stored, entries);
        return Err(Error::Workspace { needed, given });
    }
    problem.mark_empty(&mut x);
    let mut run = Newton {
        problem: *problem,
        options: *options,
        x,
        work,
        phase: Phase::Sinkhorn(options.first_steps),
        row_error: T::ZERO,
        column_error: T::ZERO,
        floor: Floor::new(problem),
        done: Work::default(),
        steps: 0,
        asked: 0,
        failure: None,
    };
    if options.first_steps == 0 {
        run.measure();
    } else {
        run.make_rows_exact();
    }
    Ok(run)
}

/// Solves from the potentials that are handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    options: &Options<T>,
    x: Potentials<'_, T>,
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<(Report<T>, Work), Error> {
    let mut run = start(problem, options, x, workspace)?;
    let report = drive(&mut run, &options.stop, observer);
    Ok((report, run.work_done()))
}

/// Σ |s − w| of a side.
fn error<T: Real>(sums: &[T], weights: &[T]) -> T {
    column_error(weights, sums)
}

/// y ← x + α d
fn moved<T: Real>(x: &[T], alpha: T, d: &[T], y: &mut [T]) {
    for ((y, &x), &d) in y.iter_mut().zip(x).zip(d) {
        *y = x + alpha * d;
    }
}

/// Σ w d over the lines with mass.
fn slope<T: Real>(weights: &[T], sums: Option<&[T]>, d: &[T]) -> T {
    let mut sum = T::ZERO;
    match sums {
        None => sum += vector::dot(weights, d),
        Some(sums) => {
            for ((&w, &s), &d) in weights.iter().zip(sums).zip(d) {
                sum += (w - s) * d;
            }
        }
    }
    sum
}

/// A reading of the costs: the coupling's sums by rows (into `rows`) and by columns, and its largest entries.
/// False, and early, if a sum is not finite.
fn read<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    f: &[T],
    g: &[T],
    rows: &mut [T],
    columns: &mut [T],
    scratch: &mut [T],
    selection: &mut Selection<'_, T>,
    threshold: T,
) -> bool {
    let (p, buffer) = scratch.split_at_mut_checked(columns.len()).unwrap_or_default();
    columns.fill(T::ZERO);
    selection.begin(threshold);
    for (i, (row, &f)) in rows.iter_mut().zip(f).enumerate() {
        let (sum, largest) = problem.cost.coupling_row(i, problem.epsilon, f, g, p, buffer);
        if !sum.is_finite() {
            return false;
        }
        *row = sum;
        vector::axpy(T::ONE, p, columns);
        selection.row(i, p, largest);
    }
    true
}

impl<T: Real, C: Cost<T>> Newton<'_, T, C> {
    /// The f that makes the rows exact for g, and the columns' sums with it.
    fn make_rows_exact(&mut self) {
        let (a, epsilon) = (self.problem.a, self.problem.epsilon);
        let f = &mut *self.x.f;
        let mut weigh = |i: usize, m: T, sum: T| {
            let (Some(&a), Some(f)) = (a.get(i), f.get_mut(i)) else { return T::ZERO };
            if a == T::ZERO {
                return T::ZERO;
            }
            *f = epsilon * exact_row(a, m, sum);
            a / sum
        };
        self.problem.cost.pass(epsilon, self.x.g, &mut weigh, self.work.columns, self.work.scratch);
        self.done.kernel_reads = self.done.kernel_reads.saturating_add(1);
        self.row_error = T::ZERO;
        self.column_error = error(self.work.columns, self.problem.b);
    }

    /// A Sinkhorn step: columns, then rows.
    fn sinkhorn_step(&mut self) {
        let reach = Reach::new(T::ONE);
        let columns = self.x.g.iter_mut().zip(&*self.work.columns).zip(self.problem.b);
        for ((g, &sum), &b) in columns {
            move_column(g, sum, b, self.problem.epsilon, reach);
        }
        self.make_rows_exact();
    }

    /// The smallest entry that is stored: those below weigh δ·mass at most, together.
    fn threshold(&self) -> T {
        let entries = T::from_usize(self.problem.rows()) * T::from_usize(self.problem.columns());
        (self.options.dropped * self.problem.mass / entries).max(T::MIN_POSITIVE)
    }

    /// Sums and entries of the coupling at the potentials.
    fn measure(&mut self) {
        let threshold = self.threshold();
        let sound = self.read_at_x(threshold);
        if sound {
            self.row_error = error(self.work.rows, self.problem.a);
            self.column_error = error(self.work.columns, self.problem.b);
            self.fit();
            self.phase = Phase::Newton;
        } else {
            // Potentials that overflow: a Sinkhorn step cannot.
            self.make_rows_exact();
            self.phase = Phase::Sinkhorn(1);
        }
    }

    fn read_at_x(&mut self, threshold: T) -> bool {
        let Workspace { rows, columns, scratch, selection, .. } = &mut self.work;
        self.done.kernel_reads = self.done.kernel_reads.saturating_add(1);
        read(&self.problem, self.x.f, self.x.g, rows, columns, scratch, selection, threshold)
    }

    /// Makes the stored entries those that a system needs: a second reading if they did not fit.
    fn fit(&mut self) {
        if !self.work.selection.complete() {
            // The largest of every row are stored whatever the threshold.
            let budget = self.work.selection.budget().saturating_sub(self.problem.rows());
            let threshold = self.work.selection.threshold_for(budget);
            self.read_at_x(threshold);
        }
        let mass = vector::sum(self.work.rows);
        self.work.selection.thin_out(self.options.dropped, mass, self.work.vectors.product);
    }

    /// The marginal error relative to the mass.
    fn error(&self) -> T {
        (self.row_error + self.column_error) / self.problem.mass
    }

    /// Solves for a direction; false if there is none.
    fn find_direction(&mut self) -> bool {
        let error = self.error();
        let Workspace { rows, columns, vectors, selection, .. } = &mut self.work;
        let kept = selection.stored();
        let (values, places) = (selection.values.get(..kept), selection.columns.get(..kept));
        let (Some(values), Some(places)) = (values, places) else { return false };
        let Some(entries) = Rows::new(selection.offsets, places, values, columns.len()) else { return false };
        let sides = Sides {
            a: self.problem.a,
            b: self.problem.b,
            rows,
            columns,
            epsilon: self.problem.epsilon,
            damping: T::from_f64(MOST_DAMPING).min(T::from_f64(DAMPING) * error),
        };
        let least = T::from_f64(1e-10).max(T::EPSILON);
        let tolerance = (T::from_f64(0.1) * error).min(T::from_f64(1e-2)).max(least);
        let steps = system::solve(entries, sides, tolerance, self.options.max_cg_steps, vectors);
        self.done.cg_steps = self.done.cg_steps.saturating_add(steps);
        let read = u64::from(steps).saturating_mul(kept as u64);
        self.done.cg_entries = self.done.cg_entries.saturating_add(read);
        true
    }

    /// Goes along the direction as far as the dual value rises; false if it does not.
    fn search(&mut self) -> bool {
        let epsilon = self.problem.epsilon;
        let (a, b) = (self.problem.a, self.problem.b);
        let threshold = self.threshold();
        let Workspace { rows, columns, trial_columns, trial_f, trial_g, vectors, scratch, selection } =
            &mut self.work;
        let ascent = slope(a, Some(rows), vectors.f) + slope(b, Some(columns), vectors.g);
        if !(ascent > T::ZERO && ascent.is_finite()) {
            return false;
        }
        let linear = slope(a, None, vectors.f) + slope(b, None, vectors.g);
        let mass = vector::sum(rows);
        // What rounding can make of a difference of dual values.
        let noise =
            T::from_u32(16) * T::EPSILON * (self.problem.cost.largest() + epsilon) * self.problem.mass;
        let before = self.row_error + self.column_error;
        let mut alpha = T::ONE;
        for _ in 0..HALVINGS {
            moved(self.x.f, alpha, vectors.f, trial_f);
            moved(self.x.g, alpha, vectors.g, trial_g);
            self.done.trials = self.done.trials.saturating_add(1);
            self.done.kernel_reads = self.done.kernel_reads.saturating_add(1);
            // The rows' sums on trial take the place of a vector that the system needs no more.
            let trial_rows = &mut *vectors.inverse;
            let sound = read(
                &self.problem,
                trial_f,
                trial_g,
                trial_rows,
                trial_columns,
                scratch,
                selection,
                threshold,
            );
            if sound {
                let gain = alpha * linear - epsilon * (vector::sum(trial_rows) - mass);
                let (row_error, column_error) = (error(trial_rows, a), error(trial_columns, b));
                let rises = gain >= T::from_f64(ARMIJO) * alpha * ascent;
                let level = gain.abs() <= noise && row_error + column_error < before;
                if rises || level {
                    self.x.f.copy_from(trial_f);
                    self.x.g.copy_from(trial_g);
                    core::mem::swap(rows, &mut vectors.inverse);
                    core::mem::swap(columns, trial_columns);
                    (self.row_error, self.column_error) = (row_error, column_error);
                    return true;
                }
            }
            alpha *= T::HALF;
        }
        false
    }

    fn newton_step(&mut self) {
        self.done.newton_steps = self.done.newton_steps.saturating_add(1);
        if self.find_direction() && self.search() {
            self.fit();
            return;
        }
        if self.done.rescues >= RESCUES {
            self.failure = Some(Status::Stalled);
            return;
        }
        self.done.rescues = self.done.rescues.saturating_add(1);
        self.make_rows_exact();
        for _ in 0..RESCUE_STEPS {
            self.sinkhorn_step();
        }
        self.measure();
    }

    /// What was done so far, beside steps.
    #[must_use]
    pub fn work_done(&self) -> Work {
        self.done
    }

    /// Entries of the coupling that the next system keeps.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.work.selection.stored()
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
}

impl<T: Real, C: Cost<T>> Run for Newton<'_, T, C> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        match self.phase {
            Phase::Sinkhorn(left) => {
                self.sinkhorn_step();
                match left.saturating_sub(1) {
                    0 => self.measure(),
                    left => self.phase = Phase::Sinkhorn(left),
                }
            }
            Phase::Newton => self.newton_step(),
        }
    }

    fn residual(&mut self) -> T {
        let residual = self.row_error + self.column_error;
        if self.steps != self.asked {
            self.asked = self.steps;
            self.floor.look(residual);
        }
        residual
    }

    /// 1 for Newton steps, 0 for Sinkhorn steps.
    fn parameter(&self) -> T {
        if self.phase == Phase::Newton { T::ONE } else { T::ZERO }
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.failure.or_else(|| self.floor.stalled().then_some(Status::Stalled))
    }
}
