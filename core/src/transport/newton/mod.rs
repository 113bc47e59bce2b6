//! Sinkhorn-Newton-Sparse: Newton's method on the dual with the large entries of the coupling.
//!
//! ```text
//! D(f, g) = ⟨a, f⟩ + ⟨b, g⟩ − ε Σ P_ij,   P_ij = e^((f_i + g_j − C_ij)/ε),   r = P 1,  c = Pᵀ 1
//! [ (1+σ) diag(r)        P̃       ] [d_f]   [a − r]     P̃: the large entries of P
//! [       P̃ᵀ       (1+σ) diag(c) ] [d_g] = [b − c]     σ = damping · min(1, residual/mass)
//! (f, g) ← (f, g) + ε α (d_f, d_g)
//! ```
//! P̃ leaves out at most [`dropped`](Options::dropped) of the mass, within a budget of entries, and keeps the
//! largest of every row and column. The rows are eliminated and the columns solved for by conjugate
//! gradients with the diagonal of the reduced matrix. σ makes the system definite where the pattern falls
//! apart into components, and vanishes with the residual. α is where the kept entries say that D stops
//! rising, at most 1, and halved until D rises enough; where the rise is rounding error, the residual has to
//! fall. If no α serves, ten of Sinkhorn's steps, which always raise D, take the place of the Newton step; the
//! twenty-first time the run ends as [`Status::Breakdown`].
//!
//! *Step*: first [`first_steps`](Options::first_steps) of Sinkhorn's, then one Newton step or its rescue
//! each. Cost: a reading of C with an exponential an entry for each trial α, nearly always one; the trial's
//! reading serves the next step as well, sums, residual and choice of the entries. A first Newton step, or a
//! coupling that changed much, may take up to three more. Besides, 4 operations an entry of P̃ for each step
//! of conjugate gradients. *Residual*: ‖P 1 − a‖₁ + ‖Pᵀ 1 − b‖₁ of the potentials that are there, free.
//! *Scale*: the mass Σ a. *Start*: with first steps from g alone, without from f and g, one reading either
//! way; a run of Sinkhorn's may come before. *Memory*: [`Workspace::required_len`] and
//! [`Workspace::required_indices`], nothing of size n·m; [`dense`] for small problems.
//!
//! *Fails* by being slow: what P̃ leaves out makes the convergence linear, by a factor that grows with the
//! dropped mass over 1 − σ₂ (see [`sinkhorn`](super::sinkhorn)); so with a budget that is too small, or an ε
//! that leaves nothing sparse, Sinkhorn's iteration is the better one. It stops as [`Status::Stalled`] where
//! the residual is rounding error.
//!
//! *Source*: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao & Ying 2024. The choice by mass,
//! the damping, the reduced system and the step from the kept entries are this project's; the elimination
//! halves the steps of conjugate gradients by Reid 1972.
//!
//! ```
//! use southwell::transport::{DenseCost, Potentials, Problem, newton};
//! let cost = DenseCost::new(&[0.0, 1.0, 1.0, 0.0], 2, 2, 2)?;
//! let problem = Problem::new(&cost, &[0.5, 0.5], &[0.25, 0.75], 0.05)?;
//! let mut storage = [0.0; newton::Workspace::<f64>::required_len(2, 2, 2, 4)];
//! let mut indices = [0; newton::Workspace::<f64>::required_indices(2, 2, 4)];
//! let workspace = newton::Workspace::new(&problem, 4, &mut storage, &mut indices)?;
//! let (mut f, mut g) = ([0.0; 2], [0.0; 2]);
//! let x = Potentials { f: &mut f, g: &mut g };
//! let report = newton::solve(&problem, &newton::Options::default(), x, workspace, &mut ())?;
//! assert!(report.converged());
//! # Ok::<(), southwell::Error>(())
//! ```

mod curvature;
pub mod dense;
mod search;
mod select;
mod sparse;
mod system;

use southwell_simd::elementary::ln_scalar;
use southwell_simd::vector;

use super::cost::Cost;
use super::problem::{Potentials, Problem};
use super::stall::Floor;
use crate::carve::carve;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};
use curvature::{Balance, Curvature};
use select::{BINS, Pattern};
pub use sparse::Sparse;
use system::Vectors;

/// Residuals of the linear system relative to its right-hand side: the coarsest, and the finest, below which
/// the entries that are left out, or σ, spoil the step anyway (measured: 1e-10 takes no step fewer on any
/// reference problem but one, and twice the steps of conjugate gradients).
const COARSEST: f64 = 1e-2;
const FINEST: f64 = 1e-3;
/// Sinkhorn steps after a Newton step that failed.
const RESCUE_STEPS: u32 = 10;
/// Readings that look for a threshold, at most: each lowers it by six binades, of 64.
const MOST_GATHERINGS: u32 = 16;
/// Rescues that end a run.
const MOST_RESCUES: u32 = 20;

/// How a run of Newton's method proceeds, sparse or dense.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options<T> {
    /// Tolerances against the mass Σ a, step limit, how often to look (a look is free). Default: relative
    /// 1e-9 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// Sinkhorn steps before the first Newton step. Default 20.
    pub first_steps: u32,
    /// The share of the mass that the linear system may leave out, in [0, 1); at least 16 roundings count.
    /// Default 1e-6 in `f64`, 1e-4 in `f32`. (Of 1e-3 … 1e-8, 1e-5 and 1e-6 cost least on the reference
    /// problems; 1e-4 asks for a fifth fewer entries and 5 to 20 % more steps.)
    pub dropped: T,
    /// σ = damping · min(1, residual/mass). Default 0.1.
    pub damping: T,
    /// Steps of conjugate gradients in a Newton step, at most. Default 1000.
    pub cg_steps: u32,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let (relative, dropped) = if T::EPSILON.to_f64() > 1e-10 { (1e-5, 1e-4) } else { (1e-9, 1e-6) };
        Self {
            stop: Stop::relative(T::from_f64(relative)),
            first_steps: 20,
            dropped: T::from_f64(dropped),
            damping: T::from_f64(0.1),
            cg_steps: 1000,
        }
    }
}

impl<T: Real> Options<T> {
    fn check(&self) -> Result<(), Error> {
        self.stop.check()?;
        if !(self.dropped >= T::ZERO && self.dropped < T::ONE) {
            return Err(Error::Option { name: "dropped", requirement: "must lie in [0, 1)" });
        }
        if !(self.damping >= T::ZERO && self.damping.is_finite()) {
            return Err(Error::Option { name: "damping", requirement: "must be finite and not negative" });
        }
        if self.cg_steps == 0 {
            return Err(Error::Option { name: "cg_steps", requirement: "must be positive" });
        }
        Ok(())
    }
}

/// Memory of a run, carved from two slices of the caller's. They may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    iterate: Iterate<'w, T>,
    reals: [&'w mut [T]; 3],
    indices: [&'w mut [u32]; 5],
    vectors: Vectors<'w, T>,
    entries: usize,
}

/// Where a run is and where it looks.
#[derive(Debug)]
struct Iterate<'w, T> {
    /// P 1 and Pᵀ 1 of the potentials, and of the trial.
    rows: &'w mut [T],
    columns: &'w mut [T],
    trial_f: &'w mut [T],
    trial_g: &'w mut [T],
    trial_rows: &'w mut [T],
    trial_columns: &'w mut [T],
    d_f: &'w mut [T],
    d_g: &'w mut [T],
    p: &'w mut [T],
    scratch: &'w mut [T],
}

impl<'w, T: Real> Iterate<'w, T> {
    /// f, r, r', d; g, c, c', d and a row of P; scratch.
    const fn required_len(rows: usize, columns: usize, scratch: usize) -> usize {
        let scratch = if scratch > columns { scratch } else { columns };
        rows.saturating_mul(4).saturating_add(columns.saturating_mul(5)).saturating_add(scratch)
    }

    fn new<C: Cost<T>>(problem: &Problem<'_, T, C>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let scratch = problem.cost.scratch_len().max(m);
        let [rows, trial_f, trial_rows, d_f, columns, trial_g, trial_columns, d_g, p, scratch] =
            carve(storage, [n, n, n, n, m, m, m, m, m, scratch])?;
        Ok(Self { rows, columns, trial_f, trial_g, trial_rows, trial_columns, d_f, d_g, p, scratch })
    }

    /// Whether it was carved for such a problem.
    fn check<C: Cost<T>>(&self, problem: &Problem<'_, T, C>) -> Result<(), Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let scratch = problem.cost.scratch_len().max(m);
        if self.rows.len() == n && self.columns.len() == m && self.scratch.len() == scratch {
            return Ok(());
        }
        let given = Self::required_len(self.rows.len(), self.columns.len(), self.scratch.len());
        Err(Error::Workspace { needed: Self::required_len(n, m, scratch), given })
    }
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for n rows and m columns of costs with this [`Cost::scratch_len`] (m where they are
    /// stored, 2 m where they are made on the fly), and a budget of `entries`: entries + 6 n + 12 m +
    /// scratch + 512.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize, scratch: usize, entries: usize) -> usize {
        // The bins of the histogram, the peaks, 1/r and five vectors of conjugate gradients.
        let system = rows.saturating_add(columns.saturating_mul(6)).saturating_add(BINS);
        Self::capacity(rows, columns, entries)
            .saturating_add(system)
            .saturating_add(Iterate::<T>::required_len(rows, columns, scratch))
    }

    /// Indices needed: entries + 3 n + 2 m + 513.
    #[must_use]
    pub const fn required_indices(rows: usize, columns: usize, entries: usize) -> usize {
        let lines = rows.saturating_mul(2).saturating_add(columns).saturating_add(1);
        Self::capacity(rows, columns, entries).saturating_add(lines).saturating_add(BINS)
    }

    /// Entries that a system may have: the budget, and the largest of every row and column.
    const fn capacity(rows: usize, columns: usize, entries: usize) -> usize {
        entries.saturating_add(rows).saturating_add(columns)
    }

    /// Carves the workspace of a problem whose linear systems may have `entries` entries, besides the
    /// largest of every row and column. 16 to 32 a row are enough for couplings that are nearly sparse;
    /// with fewer than the dropped mass asks for, Newton steps converge linearly, and slowly.
    ///
    /// # Errors
    /// [`Error::Workspace`] if a storage is too short (that of the indices counts indices);
    /// [`Error::TooLarge`] for more entries than `u32` counts.
    pub fn new<C: Cost<T>>(
        problem: &Problem<'_, T, C>,
        entries: usize,
        storage: &'w mut [T],
        indices: &'w mut [u32],
    ) -> Result<Self, Error> {
        let (n, m) = (problem.rows(), problem.columns());
        let capacity = Self::capacity(n, m, entries);
        if u32::try_from(capacity).is_err() {
            return Err(Error::TooLarge { argument: "entries" });
        }
        let needed = Self::required_len(n, m, problem.cost.scratch_len(), entries);
        if storage.len() < needed {
            return Err(Error::Workspace { needed, given: storage.len() });
        }
        let [values, mass, peaks, inverse_rows, diagonal, inverse, residual, direction, product, rest] =
            carve(
                storage,
                [
                    capacity,
                    BINS,
                    m,
                    n,
                    m,
                    m,
                    m,
                    m,
                    m,
                    Iterate::<T>::required_len(n, m, problem.cost.scratch_len()),
                ],
            )?;
        Ok(Self {
            iterate: Iterate::new(problem, rest)?,
            reals: [values, mass, peaks],
            indices: carve(indices, [capacity, n.saturating_add(1), BINS, m, n])?,
            vectors: Vectors { inverse_rows, diagonal, inverse, residual, direction, product },
            entries,
        })
    }
}

/// What a run has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Sinkhorn steps, those of rescues included.
    pub sinkhorn_steps: u32,
    /// Newton steps.
    pub newton_steps: u32,
    /// Steps of conjugate gradients.
    pub cg_steps: u32,
    /// Readings of the costs, an exponential an entry each.
    pub kernel_reads: u32,
    /// Evaluations of the dual function in line searches; each is one of the readings.
    pub evaluations: u32,
    /// Newton steps that were replaced by Sinkhorn steps.
    pub rescues: u32,
    /// Entries that went through products with the system.
    pub entries: u64,
}

/// A run of Newton's method in progress; `H` holds its second derivatives, [`Sparse`] or
/// [`Dense`](dense::Dense).
#[derive(Debug)]
pub struct Newton<'a, T, C, H> {
    problem: Problem<'a, T, C>,
    options: Options<T>,
    x: Potentials<'a, T>,
    iterate: Iterate<'a, T>,
    curvature: H,
    /// Sinkhorn steps that are left.
    first: u32,
    /// Σ P of the potentials
    total: T,
    residual: T,
    sigma: T,
    work: Work,
    floor: Floor<T>,
    failure: Option<Status>,
}

/// Begins a run from the potentials that are handed in: with `first_steps` from g alone, without from both.
///
/// # Errors
/// [`Error::Option`] for options out of range; [`Error::Dimension`] or [`Error::Value`] for potentials;
/// [`Error::Workspace`] if the workspace was carved for another problem. The potentials are untouched then.
pub fn start<'a, T: Real, C: Cost<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    x: Potentials<'a, T>,
    workspace: Workspace<'a, T>,
) -> Result<Newton<'a, T, C, Sparse<'a, T>>, Error> {
    let Workspace { iterate, reals, indices, vectors, entries } = workspace;
    options.check()?;
    let share = options.dropped.max(T::from_u32(16) * T::EPSILON);
    let pattern = Pattern::new(reals, indices, problem.mass, share, entries);
    begin(problem, options, x, iterate, Sparse { pattern, vectors, most_steps: options.cg_steps })
}

/// What the two kinds of runs have in common.
fn begin<'a, T: Real, C: Cost<T>, H: Curvature<T>>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    mut x: Potentials<'a, T>,
    iterate: Iterate<'a, T>,
    curvature: H,
) -> Result<Newton<'a, T, C, H>, Error> {
    options.check()?;
    problem.check_start(&x)?;
    iterate.check(problem)?;
    problem.mark_empty(&mut x);
    let mut run = Newton {
        problem: *problem,
        options: *options,
        x,
        iterate,
        curvature,
        first: options.first_steps,
        total: T::ZERO,
        residual: T::INFINITY,
        sigma: T::ZERO,
        work: Work::default(),
        floor: Floor::new(problem),
        failure: None,
    };
    if run.first > 0 {
        run.balance_rows();
    } else if !run.look() {
        // Potentials that express no coupling: one step of Sinkhorn's gives some that do.
        run.balance_rows();
        run.balance_columns();
        run.look();
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
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

/// Σ |s_i − w_i|
fn distance<T: Real>(sums: &[T], weights: &[T]) -> T {
    sums.iter().zip(weights).fold(T::ZERO, |sum, (&s, &w)| sum + (s - w).abs())
}

/// Σ over lines with weight of x_i y_i
fn inner<T: Real>(weights: &[T], x: &[T], y: &[T]) -> T {
    weights
        .iter()
        .zip(x)
        .zip(y)
        .fold(T::ZERO, |sum, ((&w, &x), &y)| if w > T::ZERO { sum + x * y } else { sum })
}

#[allow(private_bounds)] // Sealed: the two kinds of this family.
impl<T: Real, C: Cost<T>, H: Curvature<T>> Newton<'_, T, C, H> {
    /// The f that makes the rows exact, and the columns' sums with it: half of a Sinkhorn step.
    fn balance_rows(&mut self) {
        self.work.kernel_reads += 1;
        let (a, epsilon, f) = (self.problem.a, self.problem.epsilon, &mut *self.x.f);
        let Iterate { columns, scratch, .. } = &mut self.iterate;
        let mut weigh = |i: usize, m: T, sum: T| {
            let (Some(&a), Some(f)) = (a.get(i), f.get_mut(i)) else { return T::ZERO };
            if a == T::ZERO {
                return T::ZERO;
            }
            *f = epsilon * (ln_scalar(a / sum) - m);
            a / sum
        };
        self.problem.cost.pass(epsilon, self.x.g, &mut weigh, columns, scratch);
        self.residual = distance(columns, self.problem.b);
    }

    /// The other half, which needs no reading.
    fn balance_columns(&mut self) {
        self.work.sinkhorn_steps += 1;
        let epsilon = self.problem.epsilon;
        for ((g, &t), &b) in self.x.g.iter_mut().zip(&*self.iterate.columns).zip(self.problem.b) {
            if b > T::ZERO {
                // A column that underflowed altogether climbs until it is seen.
                *g += epsilon * ln_scalar((b / t.max(T::MIN_POSITIVE)).min(T::MAX));
            }
        }
    }

    /// Reads the coupling of the trial potentials; its mass, and its distance from the marginals.
    fn read_trial(&mut self) -> (T, T) {
        self.work.kernel_reads += 1;
        self.curvature.begin();
        let Iterate { trial_f, trial_g, trial_rows, trial_columns, p, scratch, .. } = &mut self.iterate;
        trial_columns.fill(T::ZERO);
        let mut total = T::ZERO;
        for (i, (&f, row)) in trial_f.iter().zip(trial_rows.iter_mut()).enumerate() {
            let (sum, largest) =
                self.problem.cost.coupling_row(i, self.problem.epsilon, f, trial_g, p, scratch);
            *row = sum;
            total += sum;
            if !total.is_finite() {
                return (T::INFINITY, T::INFINITY);
            }
            vector::axpy(T::ONE, p, trial_columns);
            self.curvature.row(i, p, largest);
        }
        (total, distance(trial_rows, self.problem.a) + distance(trial_columns, self.problem.b))
    }

    /// Reads the coupling of the potentials. False if there is none.
    fn look(&mut self) -> bool {
        self.iterate.trial_f.iter_mut().zip(&*self.x.f).for_each(|(t, &f)| *t = f);
        self.iterate.trial_g.iter_mut().zip(&*self.x.g).for_each(|(t, &g)| *t = g);
        let (total, residual) = self.read_trial();
        self.accept(total, residual);
        let empty =
            |sums: &[T], weights: &[T]| sums.iter().zip(weights).any(|(&s, &w)| w > T::ZERO && s <= T::ZERO);
        residual.is_finite()
            && !empty(self.iterate.rows, self.problem.a)
            && !empty(self.iterate.columns, self.problem.b)
    }

    /// Makes the trial the iterate.
    fn accept(&mut self, total: T, residual: T) {
        (self.total, self.residual) = (total, residual);
        let Iterate { rows, columns, trial_f, trial_g, trial_rows, trial_columns, .. } = &mut self.iterate;
        self.x.f.iter_mut().zip(&**trial_f).for_each(|(f, &t)| *f = t);
        self.x.g.iter_mut().zip(&**trial_g).for_each(|(g, &t)| *g = t);
        core::mem::swap(rows, trial_rows);
        core::mem::swap(columns, trial_columns);
    }

    /// d = M⁻¹ ∇ in units of ε, and its product with ∇.
    fn direction(&mut self) -> T {
        let mut gatherings = 0;
        while !self.curvature.settle(self.total) {
            gatherings += 1;
            if gatherings > MOST_GATHERINGS {
                return T::NAN;
            }
            self.iterate.trial_f.iter_mut().zip(&*self.x.f).for_each(|(t, &f)| *t = f);
            self.iterate.trial_g.iter_mut().zip(&*self.x.g).for_each(|(t, &g)| *t = g);
            self.read_trial();
        }
        let relative = (self.residual / self.problem.mass).min(T::ONE);
        self.sigma = self.options.damping * relative;
        let tenth = T::from_f64(0.1);
        let Iterate { rows, columns, d_f, d_g, .. } = &mut self.iterate;
        let balance = Balance {
            rows,
            columns,
            a: self.problem.a,
            b: self.problem.b,
            damping: self.sigma,
            forcing: (tenth * relative).min(T::from_f64(COARSEST)).max(T::from_f64(FINEST)),
        };
        let steps = self.curvature.solve(&balance, d_f, d_g);
        self.work.cg_steps = self.work.cg_steps.saturating_add(steps);
        self.work.entries = self.work.entries.saturating_add(u64::from(steps) * self.curvature.len() as u64);
        self.slope()
    }

    /// ⟨∇, d⟩
    fn slope(&self) -> T {
        let Iterate { rows, columns, d_f, d_g, .. } = &self.iterate;
        let along = |weights: &[T], sums: &[T], d: &[T]| {
            weights.iter().zip(sums).zip(d).fold(T::ZERO, |sum, ((&w, &s), &d)| sum + (w - s) * d)
        };
        along(self.problem.a, rows, d_f) + along(self.problem.b, columns, d_g)
    }

    /// A Newton step; false if it failed.
    fn newton(&mut self) -> bool {
        let slope = self.direction();
        slope > T::ZERO && slope.is_finite() && self.search(slope)
    }

    /// Goes on without Newton.
    fn rescue(&mut self) {
        self.work.rescues += 1;
        if self.work.rescues > MOST_RESCUES {
            self.failure = Some(Status::Breakdown);
            return;
        }
        for _ in 0..RESCUE_STEPS {
            self.balance_rows();
            self.balance_columns();
        }
        self.look();
    }

    /// The potentials f and g.
    #[must_use]
    pub fn potentials(&self) -> (&[T], &[T]) {
        (self.x.f, self.x.g)
    }

    /// What was done so far.
    #[must_use]
    pub fn work(&self) -> Work {
        self.work
    }

    /// The entries that the last linear system saw, and whether the budget decided about them.
    #[must_use]
    pub fn entries(&self) -> (usize, bool) {
        (self.curvature.len(), self.curvature.clipped())
    }

    /// The cost of conjugate gradients so far, in readings of the costs: two operations an entry of the
    /// system and direction, four an entry of the costs.
    #[must_use]
    pub fn cg_work(&self) -> f64 {
        let size = (self.problem.rows() as f64) * (self.problem.columns() as f64);
        self.work.entries as f64 / size
    }
}

#[allow(private_bounds)]
impl<T: Real, C: Cost<T>, H: Curvature<T>> Run for Newton<'_, T, C, H> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        if self.first > 0 {
            self.first -= 1;
            self.balance_columns();
            if self.first > 0 {
                self.balance_rows();
            } else {
                self.look();
            }
            return;
        }
        self.work.newton_steps += 1;
        if !self.newton() && self.failure.is_none() {
            self.rescue();
        }
        self.floor.look(self.residual);
        if self.floor.stalled() {
            self.failure = Some(Status::Stalled);
        }
    }

    fn residual(&mut self) -> T {
        self.residual
    }

    fn parameter(&self) -> T {
        self.sigma
    }

    fn scale(&self) -> T {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
