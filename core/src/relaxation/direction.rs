//! A step along a search direction, x ← x + α p: what both forms of conjugate gradients share.

use southwell_simd::vector;

use crate::{Real, Status};

/// Why a step along a direction cannot be taken, if so: ρ, pᵀAp and their ratio α.
pub(super) fn failure<T: Real>(rho: T, curvature: T, alpha: T) -> Option<Status> {
    if !curvature.is_finite() || !alpha.is_finite() && curvature > T::ZERO {
        Some(Status::NotFinite)
    } else if curvature > T::ZERO {
        None
    } else if rho * T::EPSILON < T::MIN_POSITIVE {
        // The products underflow: the sign says that the precision is exhausted, nothing of the matrix.
        Some(Status::Stalled)
    } else {
        Some(Status::Breakdown)
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

    /// Of x = 0.
    pub(super) fn zero() -> Self {
        Self(T::ZERO)
    }

    /// `NotFinite` if x + αp is not finite, given ‖p‖. Cost: nothing until the sum of all step lengths
    /// comes near overflow, then p and x.
    pub(super) fn refuses(&mut self, alpha: T, norm: T, p: &[T], x: &[T]) -> Option<Status> {
        self.0 += alpha.abs() * norm;
        let near = self.0.is_finite() && self.0 < T::HALF * T::MAX;
        let finite = near || x.iter().zip(p).all(|(&x, &p)| (x + alpha * p).is_finite());
        if finite { None } else { Some(Status::NotFinite) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::cg::{Options, Workspace, solve};
    use super::super::{Fixed, Problem, ssor_cg};
    use super::{Reach, failure};
    use crate::Status;
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

    #[test]
    fn why_a_step_cannot_be_taken() {
        let (nan, infinity) = (f64::NAN, f64::INFINITY);
        assert_eq!(failure(1.0, 1.0, 1.0), None);
        assert_eq!(failure(1.0, nan, nan), Some(Status::NotFinite));
        assert_eq!(failure(1.0, infinity, 0.0), Some(Status::NotFinite));
        assert_eq!(failure(1.0, 1e-310, infinity), Some(Status::NotFinite));
        // A direction without curvature, or with less: the matrix is not positive definite …
        assert_eq!(failure(1.0, 0.0, infinity), Some(Status::Breakdown));
        assert_eq!(failure(1.0, -1.0, -1.0), Some(Status::Breakdown));
        let least = f64::MIN_POSITIVE / f64::EPSILON;
        assert_eq!(failure(least, -1.0, -1.0), Some(Status::Breakdown));
        // … unless the products are so small that nothing follows from their signs.
        assert_eq!(failure(least / 2.0, -1.0, -1.0), Some(Status::Stalled));
        assert_eq!(failure(0.0, 0.0, nan), Some(Status::Stalled));
        assert_eq!(failure(least / 2.0, 1.0, 1.0), None);
    }

    #[test]
    fn steps_are_refused_where_they_overflow_and_nowhere_else() {
        let large = f64::MAX / 10.0;
        let overflows = Some(Status::NotFinite);
        // Near: looked at, and in order; and what lies near by its start alone.
        assert_eq!(Reach::new(&[0.0]).refuses(1.0, 9.0 * large, &[9.0 * large], &[0.0]), None);
        assert_eq!(Reach::new(&[0.0]).refuses(2.0, 9.0 * large, &[9.0 * large], &[0.0]), overflows);
        assert_eq!(Reach::new(&[0.0]).refuses(-2.0, 9.0 * large, &[9.0 * large], &[0.0]), overflows);
        assert_eq!(Reach(9.0 * large).refuses(1.0, 2.0 * large, &[2.0 * large], &[9.0 * large]), overflows);
        assert_eq!(Reach(9.0 * large).refuses(-1.0, 2.0 * large, &[2.0 * large], &[9.0 * large]), None);
        // Far from overflow nothing is looked at, not even what could not be; within a factor of two everything is.
        assert_eq!(Reach::new(&[0.0]).refuses(1.0, 4.0 * large, &[9.0 * large], &[9.0 * large]), None);
        assert_eq!(Reach::new(&[0.0]).refuses(1.0, 6.0 * large, &[6.0 * large], &[9.0 * large]), overflows);
        // A sum of lengths beyond the range says nothing by itself.
        assert_eq!(Reach(f64::INFINITY).refuses(1.0, 1.0, &[1.0], &[1.0]), None);
        // Every step counts, and the first to overflow is refused.
        let mut reach = Reach::new(&[1.0]);
        for k in 0..9 {
            let x = [f64::from(k) * large];
            assert_eq!(reach.refuses(0.5, 2.0 * large, &[2.0 * large], &x), None, "{k}");
        }
        assert_eq!(reach.refuses(1.0, 2.0 * large, &[2.0 * large], &[9.0 * large]), overflows);
    }
}
