//! Conjugate gradients preconditioned by SSOR, in Eisenstat's form: one pass over the matrix a step.
//!
//! With A = D + L + U, L̃ = D/ω + L, Ũ = D/ω + U and K = ((2 − ω)/ω) D, SSOR is M = L̃ K⁻¹ Ũ, and
//! A = L̃ + Ũ − K. CG on L̃⁻¹ A Ũ⁻¹ with preconditioner K is the iteration of CG on A with M, and the
//! product needs the two triangles once (Eisenstat 1981):
//! ```text
//! t = Ũ⁻¹ p,  y = L̃⁻¹ (p − K t),  z = t + y,  w = A t          (p: search direction, transformed)
//! α = ρ/(pᵀz),  x ← x + α t,  r̂ ← r̂ − α z,  r ← r − α w,  ρ' = r̂ᵀ K r̂,  p ← K r̂ + (ρ'/ρ) p
//! ```
//! The order is *forward-backward*: M applies the lower triangle first.
//!
//! *Step*: one iteration; cost: one pass over the matrix (the upper half in one sweep, the lower half
//! in the other, where w falls off) and the vectors.
//! *Residual*: ‖r‖₂ carried along by w, free; confirmed as ‖b − A x‖₂ before convergence is claimed.
//! *Memory*: 6 vectors, and 2 more for the diagonal unless the stencil is constant.
//! *Fails* if A is not symmetric positive definite: [`Status::Breakdown`] at a direction of
//! non-positive curvature, x being the iterate before it.
//! *Source*: Axelsson 1972; Eisenstat 1981.

pub use super::cg::Options;
use super::direction::{self, Reach};
use super::omega;
use super::problem::{Problem, norm_of};
use super::split::Split;
use super::update::SsorCgUpdate;
use crate::carve::take;
use crate::copy::CopyFrom;
use crate::omega::OmegaRule;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    scratch: &'w mut [T],
    p: &'w mut [T],
    t: &'w mut [T],
    y: &'w mut [T],
    w: &'w mut [T],
    r_hat: &'w mut [T],
    r: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for `order` unknowns and a view with this [`Split::split_len`] (0 for a
    /// constant stencil, `2·order` else).
    #[must_use]
    pub const fn required_len(order: usize, split: usize) -> usize {
        order.saturating_mul(6).saturating_add(split)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<A: Split<T>>(problem: &Problem<'_, T, A>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (n, split, given) = (problem.order(), problem.matrix.split_len(), storage.len());
        let needed = Self::required_len(n, split);
        if given < needed {
            return Err(Error::Workspace { needed, given });
        }
        let mut rest = storage;
        let mut next = |n: usize| take(&mut rest, n);
        let (scratch, p, t, y) = (next(split), next(n), next(n), next(n));
        Ok(Self { scratch, p, t, y, w: next(n), r_hat: next(n), r: next(n) })
    }
}

/// A run of SSOR-CG in progress.
#[derive(Debug)]
pub struct SsorCg<'a, T, A, R: ?Sized> {
    matrix: &'a A,
    rhs: &'a [T],
    x: &'a mut [T],
    work: Workspace<'a, T>,
    rule: &'a mut R,
    omega: T,
    /// r̂ᵀ K r̂
    rho: T,
    /// rᵀr
    square: T,
    reach: Reach<T>,
    scale: T,
    steps: u32,
    asked: u32,
    /// ρ at the last restart.
    first_rho: T,
    /// ‖b − A x‖₂ when r and r̂ were last found to have parted.
    parted: T,
    failure: Option<Status>,
}

/// Begins a run from the x that is handed in.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for x; [`Error::Diagonal`] for a diagonal entry that is
/// not positive; [`Error::Option`] for tolerances and for an omega outside (0, 2);
/// [`Error::Workspace`] if the workspace was carved for another problem. x is untouched then.
pub fn start<'a, T: Real, A: Split<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    rule: &'a mut R,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<SsorCg<'a, T, A, R>, Error> {
    let mut run = SsorCg::new(problem, rule, x, work);
    run.begin(problem, options)?;
    Ok(run)
}

/// Solves from the x that is handed in, and tells the rule how it went.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Split<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    rule: &mut R,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = SsorCg::new(problem, &mut *rule, x, workspace);
    run.begin(problem, options)?;
    let report = drive(&mut run, &options.stop, observer);
    rule.end(&report);
    Ok(report)
}

impl<'a, T: Real, A: Split<T>, R: OmegaRule<T> + ?Sized> SsorCg<'a, T, A, R> {
    /// A run that has not begun. Where it is to lie: on a part every copy of a run counts, and of a workspace.
    #[inline(always)]
    fn new(problem: &Problem<'a, T, A>, rule: &'a mut R, x: &'a mut [T], work: Workspace<'a, T>) -> Self {
        Self {
            matrix: problem.matrix,
            rhs: problem.rhs,
            x,
            work,
            rule,
            omega: T::ONE,
            rho: T::ZERO,
            square: T::ZERO,
            reach: Reach::zero(),
            scale: T::ZERO,
            steps: 0,
            asked: 0,
            first_rho: T::ZERO,
            parted: T::INFINITY,
            failure: None,
        }
    }

    /// Refuses what no run can begin with; the first residual and the first direction.
    #[inline(always)]
    fn begin(&mut self, problem: &Problem<'a, T, A>, options: &Options<T>) -> Result<(), Error> {
        options.stop.check()?;
        problem.check_start(self.x)?;
        problem.check_positive_diagonal()?;
        let (split, work) = (problem.matrix.split_len(), &mut self.work);
        if work.r.len() != problem.order() || work.scratch.len() != split {
            let given = work.r.len().saturating_mul(6).saturating_add(work.scratch.len());
            let needed = Workspace::<T>::required_len(problem.order(), split);
            return Err(Error::Workspace { needed, given });
        }
        let trivial = problem.is_trivial(options.reference);
        if trivial {
            work.r.fill(T::ZERO);
        } else {
            problem.matrix.residual(problem.rhs, self.x, work.r);
        }
        self.square = problem.matrix.square(work.r);
        let residual = self.square.sqrt();
        self.omega = omega::begin(self.rule, problem.matrix, problem.rhs_norm, residual)?;
        if trivial {
            self.x.fill(T::ZERO);
        }
        problem.matrix.prepare(work.scratch);
        self.reach = Reach::new(self.x);
        self.scale = problem.scale(options.reference, residual);
        self.restart();
        Ok(())
    }
}

impl<T: Real, A: Split<T>, R: ?Sized> SsorCg<'_, T, A, R> {
    /// The first direction from the residual r: r̂ = L̃⁻¹ r, p = K r̂.
    #[cfg_attr(target_os = "none", inline(never))]
    fn restart(&mut self) {
        let Workspace { scratch, p, t, w, r_hat, r, .. } = &mut self.work;
        // With t = 0 the lower half solves L̃ r̂ = r.
        t.fill(T::ZERO);
        self.matrix.solve_lower(self.omega, scratch, r, t, r_hat, w);
        p.fill(T::ZERO);
        let weight = (T::TWO - self.omega) / self.omega;
        let diagonal = self.matrix.weights(scratch);
        diagonal.weigh(weight, r_hat, T::ZERO, p);
        self.rho = weight * diagonal.weighted_square(r_hat);
        self.first_rho = self.rho;
    }

    /// ‖b − A x‖₂, and b − A x as the residual if that is above the tolerance.
    #[cfg_attr(target_os = "none", inline(never))]
    fn recompute(&mut self, tolerance: T) -> T {
        self.matrix.residual(self.rhs, self.x, self.work.y);
        let square = self.matrix.square(self.work.y);
        let norm = norm_of(square, self.work.y.len(), tolerance, self.scale);
        if norm > tolerance {
            self.work.r.copy_from(self.work.y);
            self.square = square;
        }
        norm
    }

    /// Begins anew from b − A x when r̂ has lost all its digits while r, which would have ended the run
    /// had it gone along, has not; `false` if that no longer halves the residual.
    fn reconcile(&mut self) -> bool {
        if self.rho > T::EPSILON * T::EPSILON * self.first_rho {
            return true;
        }
        self.matrix.residual(self.rhs, self.x, self.work.r);
        self.square = self.matrix.square(self.work.r);
        let residual = self.square.sqrt();
        let better = residual <= self.parted * T::HALF;
        self.parted = residual;
        self.restart();
        better
    }

    /// t, z (in y), w, and how far to go along t; a failure if that is nowhere.
    fn aim(&mut self) -> T {
        let Workspace { scratch, p, t, y, w, .. } = &mut self.work;
        self.matrix.solve_upper(self.omega, scratch, p, t);
        self.matrix.solve_lower(self.omega, scratch, p, t, y, w);
        let (square, curvature) = self.matrix.combine(t, p, y);
        let alpha = self.rho / curvature;
        self.failure = direction::failure(self.rho, curvature, alpha)
            .or_else(|| self.reach.refuses(alpha, square.sqrt(), t, self.x));
        alpha
    }

    /// Goes there, and turns to the next direction.
    fn go(&mut self, alpha: T) {
        let Workspace { scratch, p, t, y, w, r_hat, r } = &mut self.work;
        let (square, rho) = self.matrix.update_ssor_cg(SsorCgUpdate {
            alpha,
            weight: (T::TWO - self.omega) / self.omega,
            diagonal: self.matrix.weights(scratch),
            rho: self.rho,
            t,
            z: y,
            w,
            r,
            x: self.x,
            r_hat,
            p,
        });
        if square.is_finite() {
            (self.square, self.rho) = (square, rho);
        } else {
            // x is still the iterate before.
            self.failure = Some(Status::NotFinite);
        }
    }

    /// The omega in use.
    #[must_use]
    pub fn omega(&self) -> T {
        self.omega
    }

    /// The current iterate.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }
}

impl<T: Real, A: Split<T>, R: OmegaRule<T> + ?Sized> Run for SsorCg<'_, T, A, R> {
    type Real = T;

    fn step(&mut self) {
        self.steps = self.steps.saturating_add(1);
        if self.square == T::ZERO {
            return;
        }
        if !self.reconcile() {
            self.failure = Some(Status::Stalled);
            return;
        }
        let alpha = self.aim();
        if self.failure.is_none() {
            self.go(alpha);
        }
    }

    fn residual(&mut self) -> T {
        let residual = self.square.sqrt();
        if self.steps != self.asked {
            self.asked = self.steps;
            if let Some(omega) = omega::revise(self.rule, self.steps, residual, self.omega) {
                self.omega = omega;
                self.restart();
            }
        }
        residual
    }

    fn parameter(&self) -> T {
        self.omega
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, tolerance: T) -> Option<T> {
        let norm = self.recompute(tolerance);
        if norm > tolerance {
            self.restart();
        }
        Some(norm)
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::linear::Dense;
    use crate::omega::Fixed;

    fn with_a_run(check: impl FnOnce(&mut SsorCg<'_, f64, Dense<'_, f64>, Fixed<f64>>)) {
        let a = Dense::new(&[2.0, 0.5, 0.5, 3.0], 2, 2).expect("finite");
        let problem = Problem::new(&a, &[3.0, 4.0]).expect("a diagonal");
        let mut storage = [f64::NAN; 16];
        let work = Workspace::new(&problem, &mut storage).expect("long enough");
        let (mut x, mut rule) = ([0.0; 2], Fixed(1.25));
        check(&mut start(&problem, &Options::default(), &mut rule, &mut x, work).expect("valid"));
    }

    #[test]
    fn a_run_goes_on_from_what_was_computed_anew_where_that_is_too_large_and_nowhere_else() {
        with_a_run(|run| {
            assert_eq!((run.omega(), run.parameter(), run.scale(), run.residual()), (1.25, 1.25, 5.0, 5.0));
            let (rho, p) = (run.rho, [run.work.p[0], run.work.p[1]]);
            let lie = |run: &mut SsorCg<'_, f64, Dense<'_, f64>, Fixed<f64>>| {
                (run.square, run.rho) = (1e-20, 1e-20);
                run.work.r.fill(1e-10);
                run.work.p.fill(1.0);
            };
            for tolerance in [f64::INFINITY, 5.0] {
                lie(run);
                assert_eq!(run.confirm(tolerance), Some(5.0));
                assert_eq!((run.residual(), run.rho, &run.work.p[..]), (1e-10, 1e-20, &[1.0; 2][..]));
            }
            lie(run);
            assert_eq!(run.confirm(4.9), Some(5.0));
            assert_eq!((run.residual(), run.rho, &run.work.p[..]), (5.0, rho, &p[..]));
            assert_eq!(run.work.r[..], [3.0, 4.0]);
        });
    }

    #[test]
    fn residuals_that_have_parted_are_brought_together_as_long_as_that_halves_them() {
        with_a_run(|run| {
            let first = run.first_rho;
            run.first_rho = first * 1e6;
            let bound = f64::EPSILON * f64::EPSILON * run.first_rho;
            run.rho = bound * 1.001;
            assert!(run.reconcile());
            assert_eq!(run.rho, bound * 1.001, "nothing has parted");
            run.rho = bound;
            assert!(run.reconcile(), "the first time");
            assert_eq!((run.rho, run.first_rho, run.parted), (first, first, 5.0));
            run.rho = 0.0;
            assert!(!run.reconcile(), "nothing was gained");
            (run.rho, run.parted) = (0.0, 10.0);
            assert!(run.reconcile(), "half");
            (run.rho, run.parted) = (0.0, 9.99);
            assert!(!run.reconcile(), "not quite");
        });
    }
}
