//! Conjugate gradients, the yardstick.
//!
//! ```text
//! q = A p,  α = ρ/(pᵀq),  x ← x + α p,  r ← r − α q,  ρ' = rᵀr,  p ← r + (ρ'/ρ) p
//! ```
//! *Step*: one iteration; cost: one pass over the matrix and 15 vector elements an unknown.
//! *Residual*: ‖r‖₂ carried along, free; confirmed as ‖b − A x‖₂ before convergence is claimed.
//! *Memory*: 3 vectors.
//! *Fails* if A is not positive definite: [`Status::Breakdown`] at a direction with pᵀAp ≤ 0, x being
//! the iterate before it. *Source*: Hestenes & Stiefel 1952.

use southwell_simd::vector;

use super::problem::{Problem, Reference};
use crate::carve::carve;
use crate::linear::Matrix;
use crate::{Error, Observer, Real, Report, Run, Status, Stop, drive};

/// How the system is solved.
#[derive(Clone, Copy, Debug, PartialEq)]
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
    let rho = vector::dot(work.r, work.r);
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
        self.matrix.apply(p, q);
        let curvature = vector::dot(p, q);
        let alpha = self.rho / curvature;
        self.failure = if !curvature.is_finite() || !alpha.is_finite() && curvature > T::ZERO {
            Some(Status::NotFinite)
        } else if curvature <= T::ZERO {
            Some(Status::Breakdown)
        } else {
            None
        };
        if self.failure.is_none() && !self.reach.allows(alpha, p, self.x) {
            self.failure = Some(Status::NotFinite);
        }
        if self.failure.is_some() {
            return;
        }
        vector::axpy(-alpha, q, r);
        let rho = vector::dot(r, r);
        if !rho.is_finite() {
            self.failure = Some(Status::NotFinite);
            return;
        }
        vector::axpy(alpha, p, self.x);
        vector::xpby(r, rho / self.rho, p);
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
        let rho = vector::dot(q, q);
        if rho.sqrt() > tolerance {
            r.copy_from(q);
            p.copy_from(q);
            self.rho = rho;
        }
        Some(rho.sqrt())
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}

/// How far from zero an iterate can have come: a step that would overflow is recognised before it is
/// taken, as nothing could bring the iterate back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<T>(T);

impl<T: Real> Reach<T> {
    /// ‖x₀‖
    pub(super) fn new(x: &[T]) -> Self {
        Self(vector::norm(x))
    }

    /// Whether x + αp is finite. Cost: p once; x too where the sum of all step lengths comes near overflow.
    pub(super) fn allows(&mut self, alpha: T, p: &[T], x: &[T]) -> bool {
        self.0 += alpha.abs() * vector::norm(p);
        self.0 < T::HALF * T::MAX || x.iter().zip(p).all(|(&x, &p)| (x + alpha * p).is_finite())
    }
}

/// `copy_from_slice` that cannot panic: slices of one run have one length.
pub(super) trait CopyFrom<T> {
    /// Copies the common length.
    fn copy_from(&mut self, from: &[T]);
}

impl<T: Copy> CopyFrom<T> for [T] {
    fn copy_from(&mut self, from: &[T]) {
        self.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Fixed, ssor_cg};
    use super::*;
    use crate::linear::Dense;

    /// 10⁻³⁰⁰ x = 10¹⁰ has no solution in `f64`.
    #[test]
    fn an_iterate_that_would_overflow_is_not_taken() {
        let a = Dense::new(&[1e-300], 1, 1).expect("finite");
        let problem = Problem::new(&a, &[1e10]).expect("a diagonal with a reciprocal");
        let options = Options::default();
        let mut storage = [f64::NAN; 8];

        let mut x = [3.0];
        let work = Workspace::new(&problem, &mut storage).expect("long enough");
        let report = solve(&problem, &options, &mut x, work, &mut ()).expect("valid");
        assert_eq!((report.status, report.residual, x), (Status::NotFinite, 1e10, [3.0]));

        let mut x = [3.0];
        let work = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let report =
            ssor_cg::solve(&problem, &options, &mut Fixed(1.0), &mut x, work, &mut ()).expect("valid");
        assert_eq!((report.status, report.residual, x), (Status::NotFinite, 1e10, [3.0]));
    }
}
