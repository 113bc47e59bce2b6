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

use southwell_simd::vector;

pub use super::cg::Options;
use super::direction::{self, Reach};
use super::omega;
use super::problem::{Problem, Reference, norm_of};
use super::split::Split;
use super::update::SsorCgUpdate;
use crate::copy::CopyFrom;
use crate::linear::update::axpy_square;
use crate::omega::OmegaRule;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
// In one piece, and cut where its vectors are used: on a part's stack seven slices are half a run.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    memory: &'w mut [T],
    order: usize,
}

/// Its vectors by number, each below the one that makes it or is made of it; the scratch follows.
const T_: usize = 0;
const W: usize = 1;
const Y: usize = 2;
const P: usize = 3;
const R_HAT: usize = 4;
const R: usize = 5;
const VECTORS: usize = 6;

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for `order` unknowns and a view with this [`Split::split_len`] (0 for a
    /// constant stencil, `2·order` else).
    #[must_use]
    pub const fn required_len(order: usize, split: usize) -> usize {
        order.saturating_mul(VECTORS).saturating_add(split)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<A: Split<T>>(problem: &Problem<'_, T, A>, storage: &'w mut [T]) -> Result<Self, Error> {
        let given = storage.len();
        let needed = Self::required_len(problem.order(), problem.matrix.split_len());
        let memory = storage.get_mut(..needed).ok_or(Error::Workspace { needed, given })?;
        Ok(Self { memory, order: problem.order() })
    }

    /// A vector, and what follows it.
    #[inline(always)]
    fn vector(&mut self, number: usize) -> Option<(&mut [T], &mut [T])> {
        self.memory.get_mut(number * self.order..)?.split_at_mut_checked(self.order)
    }

    /// Two vectors, of which the first has the lower number, and what follows.
    #[inline(always)]
    fn vectors(&mut self, number: usize, second: usize) -> Option<(&mut [T], &mut [T], &mut [T])> {
        let n = self.order;
        let (first, rest) = self.vector(number)?;
        let (second, rest) = rest.get_mut((second - number - 1) * n..)?.split_at_mut_checked(n)?;
        Some((first, second, rest))
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
    /// ρ at which r̂ has lost all the digits that it had at the last restart.
    least_rho: T,
    /// ‖b − A x‖₂ when r and r̂ were last found to have parted.
    parted: T,
    /// Whether the rule has been asked since the last step.
    asked: bool,
    /// Whether the next step begins anew from r.
    anew: bool,
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
    options.stop.check()?;
    let mut run = SsorCg::new(problem, rule, x, work);
    run.begin(options.reference)?;
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
    options.stop.check()?;
    let mut run = SsorCg::new(problem, &mut *rule, x, workspace);
    run.begin(options.reference)?;
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
            scale: problem.rhs_norm,
            steps: 0,
            least_rho: T::ZERO,
            parted: T::INFINITY,
            asked: true,
            anew: true,
            failure: None,
        }
    }

    /// Refuses what no run can begin with; the first residual.
    // Apart, as its parts, so that a part's stack holds nothing of it while the run goes on.
    #[cfg_attr(target_os = "none", inline(never))]
    fn begin(&mut self, reference: Reference) -> Result<(), Error> {
        self.check()?;
        let trivial = self.problem().is_trivial(reference);
        // The residual of x = 0, which is put in once nothing refuses it, is zero, and takes no step.
        if !trivial {
            self.look();
        }
        self.ask(trivial, reference)
    }

    /// What is solved, until a scale is set.
    fn problem(&self) -> Problem<'_, T, A> {
        Problem { matrix: self.matrix, rhs: self.rhs, rhs_norm: self.scale }
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn check(&self) -> Result<(), Error> {
        let problem = self.problem();
        problem.check_start(self.x)?;
        problem.check_positive_diagonal()?;
        let needed = Workspace::<T>::required_len(problem.order(), problem.matrix.split_len());
        let given = self.work.memory.len();
        if self.work.order != problem.order() || given != needed {
            return Err(Error::Workspace { needed, given });
        }
        Ok(())
    }

    /// The omega of a run whose residual is known, and what is left to prepare.
    #[cfg_attr(target_os = "none", inline(never))]
    fn ask(&mut self, trivial: bool, reference: Reference) -> Result<(), Error> {
        let residual = self.square.sqrt();
        self.omega = omega::begin(self.rule, self.matrix, self.scale, residual)?;
        if trivial {
            self.x.fill(T::ZERO);
        }
        self.matrix.prepare(self.work.memory.get_mut(VECTORS * self.work.order..).unwrap_or_default());
        self.reach = Reach::new(self.x);
        (self.scale, self.parted) = (self.problem().scale(reference, residual), T::INFINITY);
        Ok(())
    }
}

impl<T: Real, A: Split<T>, R: ?Sized> SsorCg<'_, T, A, R> {
    /// The halves: t, y and w of the direction p; or, with t = 0, the r̂ of r, which solves L̃ r̂ = r.
    // Apart, so that a part's stack holds little else while they are solved.
    #[cfg_attr(target_os = "none", inline(never))]
    fn halves(&mut self) {
        let n = self.work.order;
        let Some((t, rest)) = self.work.memory.split_at_mut_checked(n) else { return };
        let Some((w, rest)) = rest.split_at_mut_checked(n) else { return };
        let Some((vectors, scratch)) = rest.split_at_mut_checked(n * (VECTORS - Y)) else { return };
        let from = if self.anew { n * (R_HAT - Y) } else { 0 };
        let Some((y, b)) = vectors.get_mut(from..from + 2 * n).and_then(|v| v.split_at_mut_checked(n)) else {
            return;
        };
        if self.anew {
            t.fill(T::ZERO);
        } else {
            self.matrix.solve_upper(self.omega, scratch, b, t);
        }
        self.matrix.solve_lower(self.omega, scratch, b, t, y, w);
    }

    /// (2 − ω)/ω, which makes K of D.
    fn weight(&self) -> T {
        (T::TWO - self.omega) / self.omega
    }

    /// ρ and the next direction: p ← K r̂ + (ρ/ρ before) p, or the first one, p = K r̂.
    #[cfg_attr(target_os = "none", inline(never))]
    fn turn(&mut self) {
        let (n, weight) = (self.work.order, self.weight());
        let Some((p, r_hat, rest)) = self.work.vectors(P, R_HAT) else { return };
        let diagonal = self.matrix.weights(rest.get(n..).unwrap_or(&[]));
        let rho = weight * diagonal.weighted_square(r_hat);
        let mut share = rho / self.rho;
        if self.anew {
            p.fill(T::ZERO);
            (self.anew, self.least_rho, share) = (false, T::EPSILON * T::EPSILON * rho, T::ZERO);
        }
        self.rho = rho;
        diagonal.weigh(weight, r_hat, share, p);
    }

    /// ‖b − A x‖₂, and b − A x as the residual if that is above the tolerance: the run begins anew from it.
    #[cfg_attr(target_os = "none", inline(never))]
    fn recompute(&mut self, tolerance: T) -> T {
        let Some((y, r, _)) = self.work.vectors(Y, R) else { return T::NAN };
        self.matrix.residual(self.rhs, self.x, y);
        let square = self.matrix.square(y);
        let norm = norm_of(square, y.len(), tolerance, self.scale);
        if norm > tolerance {
            r.copy_from(y);
            (self.square, self.anew) = (square, true);
        }
        norm
    }

    /// The direction, where it is due; begun anew from b − A x when r̂ has lost all its digits while r, which would have
    /// ended the run had it gone along, has not; `false` if that no longer halves the residual.
    fn reconcile(&mut self) -> bool {
        let mut better = None;
        loop {
            if self.anew {
                self.halves();
                self.turn();
            }
            if better.is_some() || self.rho > self.least_rho {
                return better != Some(false);
            }
            better = Some(self.look());
        }
    }

    /// b − A x as the residual, to begin anew from; whether it is half of what it was the last time.
    #[cfg_attr(target_os = "none", inline(never))]
    fn look(&mut self) -> bool {
        let Some((r, _)) = self.work.vector(R) else { return false };
        self.matrix.residual(self.rhs, self.x, r);
        self.square = self.matrix.square(r);
        let residual = self.square.sqrt();
        let better = residual <= self.parted * T::HALF;
        (self.parted, self.anew) = (residual, true);
        better
    }

    /// z (in y), and how far to go along t; a failure if that is nowhere.
    #[cfg_attr(target_os = "none", inline(never))]
    fn aim(&mut self) -> T {
        let n = self.work.order;
        let Some((t, y, rest)) = self.work.vectors(T_, Y) else { return T::ZERO };
        let (square, curvature) = self.matrix.combine(t, rest.get(..n).unwrap_or(&[]), y);
        let alpha = self.rho / curvature;
        self.failure = direction::failure(self.rho, curvature, alpha)
            .or_else(|| self.reach.refuses(alpha, square.sqrt(), t, self.x));
        alpha
    }

    /// Goes there, and turns to the next direction.
    fn go(&mut self, alpha: T) {
        // A part's stack does not hold all vectors at once.
        let in_parts = cfg!(target_os = "none");
        let square = if in_parts { self.advance(alpha) } else { self.update(alpha) };
        if !square.is_finite() {
            // x is still the iterate before.
            self.failure = Some(Status::NotFinite);
            return;
        }
        self.square = square;
        if in_parts {
            self.turn();
        }
    }

    /// In one pass over all vectors; rᵀr.
    fn update(&mut self, alpha: T) -> T {
        let (n, weight) = (self.work.order, self.weight());
        let Some((t, w, rest)) = self.work.vectors(T_, W) else { return T::NAN };
        let (y, rest) = rest.split_at_mut_checked(n).unwrap_or_default();
        let (p, rest) = rest.split_at_mut_checked(n).unwrap_or_default();
        let (r_hat, rest) = rest.split_at_mut_checked(n).unwrap_or_default();
        let (r, scratch) = rest.split_at_mut_checked(n).unwrap_or_default();
        let (square, rho) = self.matrix.update_ssor_cg(SsorCgUpdate {
            alpha,
            weight,
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
            self.rho = rho;
        }
        square
    }

    /// The same, an operation after the other, up to r̂.
    #[cfg_attr(target_os = "none", inline(never))]
    fn advance(&mut self, alpha: T) -> T {
        let Some((w, r, _)) = self.work.vectors(W, R) else { return T::NAN };
        let square = axpy_square(-alpha, w, r);
        if square.is_finite() {
            let Some((t, _)) = self.work.vector(T_) else { return T::NAN };
            vector::axpy(alpha, t, self.x);
            let Some((y, r_hat, _)) = self.work.vectors(Y, R_HAT) else { return T::NAN };
            vector::axpy(-alpha, y, r_hat);
        }
        square
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
        (self.steps, self.asked) = (self.steps.saturating_add(1), false);
        if self.square == T::ZERO {
            return;
        }
        if !self.reconcile() {
            self.failure = Some(Status::Stalled);
            return;
        }
        self.halves();
        let alpha = self.aim();
        if self.failure.is_none() {
            self.go(alpha);
        }
    }

    fn residual(&mut self) -> T {
        let residual = self.square.sqrt();
        if !self.asked {
            self.asked = true;
            if let Some(omega) = omega::revise(self.rule, self.steps, residual, self.omega) {
                (self.omega, self.anew) = (omega, true);
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
        Some(self.recompute(tolerance))
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

    /// Makes the direction that is due.
    fn direct(run: &mut SsorCg<'_, f64, Dense<'_, f64>, Fixed<f64>>) {
        assert!(run.anew, "due");
        assert!(run.reconcile());
        assert!(!run.anew, "made");
    }

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
            let p = |run: &mut SsorCg<'_, f64, Dense<'_, f64>, Fixed<f64>>| {
                let (p, _) = run.work.vector(P).expect("carved");
                [p[0], p[1]]
            };
            direct(run);
            let (rho, first) = (run.rho, p(run));
            let lie = |run: &mut SsorCg<'_, f64, Dense<'_, f64>, Fixed<f64>>| {
                (run.square, run.rho) = (1e-20, 1e-20);
                let (p, r, _) = run.work.vectors(P, R).expect("carved");
                r.fill(1e-10);
                p.fill(1.0);
            };
            for tolerance in [f64::INFINITY, 5.0] {
                lie(run);
                assert_eq!(run.confirm(tolerance), Some(5.0));
                assert_eq!((run.residual(), run.rho, run.anew, p(run)), (1e-10, 1e-20, false, [1.0; 2]));
            }
            lie(run);
            assert_eq!(run.confirm(4.9), Some(5.0));
            direct(run);
            assert_eq!((run.residual(), run.rho, p(run)), (5.0, rho, first));
            assert_eq!(run.work.vector(R).expect("carved").0, [3.0, 4.0]);
        });
    }

    #[test]
    fn residuals_that_have_parted_are_brought_together_as_long_as_that_halves_them() {
        with_a_run(|run| {
            direct(run);
            let first = run.rho;
            let least = f64::EPSILON * f64::EPSILON * first;
            assert_eq!(run.least_rho, least);
            run.least_rho = least * 1e6;
            let bound = run.least_rho;
            run.rho = bound * 1.001;
            assert!(run.reconcile());
            assert_eq!(run.rho, bound * 1.001, "nothing has parted");
            run.rho = bound;
            assert!(run.reconcile(), "the first time");
            assert_eq!((run.rho, run.least_rho, run.parted), (first, least, 5.0));
            run.rho = 0.0;
            assert!(!run.reconcile(), "nothing was gained");
            (run.rho, run.parted) = (0.0, 10.0);
            assert!(run.reconcile(), "half");
            (run.rho, run.parted) = (0.0, 9.99);
            assert!(!run.reconcile(), "not quite");
        });
    }
}
