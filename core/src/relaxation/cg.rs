//! Conjugate gradients, the yardstick.
//!
//! ```text
//! q = A p,  α = ρ/(pᵀq),  x ← x + α p,  r ← r − α q,  ρ' = rᵀr,  p ← r + (ρ'/ρ) p
//! ```
//! *Step*: one iteration; cost: one pass over the matrix and 14 vector elements an unknown; sums over more than
//! [1024 unknowns](crate::linear::update::BLOCK) are made in blocks.
//! *Residual*: ‖r‖₂ carried along, free; confirmed as ‖b − A x‖₂ before convergence is claimed.
//! *Memory*: 3 vectors.
//! *Fails* if A is not positive definite: [`Status::Breakdown`] at a direction with pᵀAp ≤ 0, x being
//! the iterate before it. *Source*: Hestenes & Stiefel 1952.

use super::direction::{self, Reach};
use super::problem::{Problem, Reference, norm_of};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::Matrix;
use crate::linear::update::CgUpdate;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// How the system is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// What the relative tolerance refers to. Default ‖b‖.
    pub reference: Reference,
    /// When the run ends.
    pub stop: Stop<T>,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self { reference: Reference::default(), stop: Stop::default() }
    }
}

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    r: &'w mut [T],
    p: &'w mut [T],
    q: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for `order` unknowns: three vectors.
    #[must_use]
    pub const fn required_len(order: usize) -> usize {
        order.saturating_mul(3)
    }

    /// Carves the workspace of a problem.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new<A: Matrix<T>>(problem: &Problem<'_, T, A>, storage: &'w mut [T]) -> Result<Self, Error> {
        let n = problem.order();
        let [r, p, q] = carve(storage, [n, n, n])?;
        Ok(Self { r, p, q })
    }
}

/// A run of conjugate gradients in progress.
#[derive(Debug)]
pub struct Cg<'a, T, A> {
    matrix: &'a A,
    rhs: &'a [T],
    x: &'a mut [T],
    work: Workspace<'a, T>,
    /// rᵀr
    rho: T,
    reach: Reach<T>,
    scale: T,
    failure: Option<Status>,
}

/// Begins a run from the x that is handed in.
///
/// # Errors
/// [`Error::Dimension`] or [`Error::Value`] for x, [`Error::Option`] for tolerances,
/// [`Error::Workspace`] if the workspace was carved for another problem. x is untouched then.
pub fn start<'a, T: Real, A: Matrix<T>>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Cg<'a, T, A>, Error> {
    options.stop.check()?;
    problem.check_start(x)?;
    if work.r.len() != problem.order() {
        let needed = Workspace::<T>::required_len(problem.order());
        return Err(Error::Workspace { needed, given: work.r.len().saturating_mul(3) });
    }
    if problem.is_trivial(options.reference) {
        x.fill(T::ZERO);
    }
    problem.matrix.residual(problem.rhs, x, work.r);
    work.p.copy_from(work.r);
    let rho = problem.matrix.square(work.r);
    let scale = problem.scale(options.reference, rho.sqrt());
    let reach = Reach::new(x);
    Ok(Cg { matrix: problem.matrix, rhs: problem.rhs, x, work, rho, reach, scale, failure: None })
}

/// Solves from the x that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, A: Matrix<T>>(
    problem: &Problem<'_, T, A>,
    options: &Options<T>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Report<T>, Error> {
    let mut run = start(problem, options, x, workspace)?;
    Ok(drive(&mut run, &options.stop, observer))
}

impl<T: Real, A: Matrix<T>> Run for Cg<'_, T, A> {
    type Real = T;

    fn step(&mut self) {
        if self.rho == T::ZERO {
            return;
        }
        let Workspace { r, p, q } = &mut self.work;
        let (curvature, square) = self.matrix.apply_products(p, q);
        let alpha = self.rho / curvature;
        self.failure = direction::failure(self.rho, curvature, alpha)
            .or_else(|| self.reach.refuses(alpha, square.sqrt(), p, self.x));
        if self.failure.is_some() {
            return;
        }
        let rho = self.matrix.update_cg(CgUpdate { alpha, rho: self.rho, q, r, x: self.x, p });
        if !rho.is_finite() {
            // x is still the iterate before.
            self.failure = Some(Status::NotFinite);
            return;
        }
        self.rho = rho;
    }

    fn residual(&mut self) -> T {
        self.rho.sqrt()
    }

    fn parameter(&self) -> T {
        T::ONE
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, tolerance: T) -> Option<T> {
        let Workspace { r, p, q } = &mut self.work;
        self.matrix.residual(self.rhs, self.x, q);
        let rho = self.matrix.square(q);
        let norm = norm_of(rho, q.len(), tolerance, self.scale);
        if norm > tolerance {
            r.copy_from(q);
            p.copy_from(q);
            self.rho = rho;
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

    #[test]
    fn a_run_goes_on_from_what_was_computed_anew_where_that_is_too_large_and_nowhere_else() {
        let a = Dense::new(&[2.0, 0.5, 0.5, 3.0], 2, 2).expect("finite");
        let problem = Problem::new(&a, &[3.0, 4.0]).expect("a diagonal");
        let mut storage = [f64::NAN; 6];
        let work = Workspace::new(&problem, &mut storage).expect("long enough");
        let mut x = [0.0; 2];
        let mut run = start(&problem, &Options::default(), &mut x, work).expect("valid");
        assert_eq!((run.parameter(), run.scale(), run.residual()), (1.0, 5.0, 5.0));
        let lie = |run: &mut Cg<'_, f64, Dense<'_, f64>>| {
            run.rho = 1e-20;
            run.work.r.fill(1e-10);
            run.work.p.fill(1.0);
        };
        for tolerance in [f64::INFINITY, 5.0] {
            lie(&mut run);
            assert_eq!(run.confirm(tolerance), Some(5.0));
            assert_eq!(
                (run.residual(), &run.work.r[..], &run.work.p[..]),
                (1e-10, &[1e-10; 2][..], &[1.0; 2][..])
            );
        }
        lie(&mut run);
        assert_eq!(run.confirm(4.9), Some(5.0));
        assert_eq!(
            (run.residual(), &run.work.r[..], &run.work.p[..]),
            (5.0, &[3.0, 4.0][..], &[3.0, 4.0][..])
        );
    }
}
