//! A run: readings, directions, rescues.

use southwell_simd::elementary::ln_scalar;
use southwell_simd::vector;

use super::curvature::{Balance, Curvature};
use super::options::{Options, Work};
use super::workspace::Iterate;
use crate::transport::cost::Cost;
use crate::transport::problem::{Potentials, Problem};
use crate::transport::stall::Floor;
use crate::{Error, Real, Run, Status};

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

/// A run of Newton's method in progress; `H` holds its second derivatives, [`Sparse`](super::Sparse) or
/// [`Dense`](super::dense::Dense).
#[derive(Debug)]
pub struct Newton<'a, T, C, H> {
    pub(super) problem: Problem<'a, T, C>,
    pub(super) options: Options<T>,
    pub(super) x: Potentials<'a, T>,
    pub(super) iterate: Iterate<'a, T>,
    pub(super) curvature: H,
    /// Sinkhorn steps that are left.
    pub(super) first: u32,
    /// Σ P of the potentials
    pub(super) total: T,
    pub(super) residual: T,
    pub(super) sigma: T,
    pub(super) work: Work,
    pub(super) floor: Floor<T>,
    pub(super) failure: Option<Status>,
}

/// What the two kinds of runs have in common.
pub(super) fn begin<'a, T: Real, C: Cost<T>, H: Curvature<T>>(
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

/// Σ |s_i − w_i|
fn distance<T: Real>(sums: &[T], weights: &[T]) -> T {
    sums.iter().zip(weights).fold(T::ZERO, |sum, (&s, &w)| sum + (s - w).abs())
}

/// Σ over lines with weight of x_i y_i
pub(super) fn inner<T: Real>(weights: &[T], x: &[T], y: &[T]) -> T {
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
    pub(super) fn read_trial(&mut self) -> (T, T) {
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
    pub(super) fn accept(&mut self, total: T, residual: T) {
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
            forcing: (tenth * relative)
                .min(T::from_f64(COARSEST))
                .max(T::from_f64(FINEST))
                .min(self.options.cg_tolerance),
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
