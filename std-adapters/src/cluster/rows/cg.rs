//! Conjugate gradients over ranks.

use southwell::relaxation::Reference;
use southwell::relaxation::cg::Options;
use southwell::{Observer, Report, Run, Status};
use southwell_simd::vector;

use super::{Matrix, Sums};
use crate::cluster::keep::{Keep, Kept, drive_kept, other, unwoven, woven};
use crate::cluster::sweeps::check_start;
use crate::cluster::watch::Watch;
use crate::cluster::{Communicator, Fault, agree};

/// Solves A x = b from this rank's x by conjugate gradients, with the meaning of [`southwell::relaxation::cg::solve`].
/// Made by all ranks together.
///
/// *Step*: one product with the matrix, whose border elements are fetched while the inner rows are worked on, and two
/// gathers that cannot be hidden. Sums by blocks: the bits do not depend on the number of ranks, and differ from those of
/// one piece by rounding.
///
/// # Errors
/// [`Fault::Refused`] for what [`southwell::relaxation::cg::start`] refuses (x is untouched then), and those of the
/// communicator.
pub fn cg<C: Communicator + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    x: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    cg_kept(matrix, rhs, options, x, &mut (), observer)
}

/// The same, leaving its state behind and going on from one: x, the residual and the direction, 3 numbers a row. What comes out
/// has the bits of a run that was not broken off.
///
/// # Errors
/// As [`cg`], and what `keep` refuses.
pub fn cg_kept<C: Communicator + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    x: &mut [f64],
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let facts = matrix.facts(rhs)?;
    agree(matrix.communicator, options.stop.check().and_then(|()| check_start(x, matrix.own.len())))?;
    if options.reference == Reference::RightHandSide && facts.rhs_norm == 0.0 {
        x.fill(0.0);
    }
    let n = matrix.own.len();
    let (mut r, mut sums) = (vec![0.0; n], matrix.sums());
    matrix.residual(rhs, &mut matrix.local(x), &mut r)?;
    let ([rho, norm], every) = sums.total(matrix.communicator, observer.every_step(), |rows| {
        [vector::dot(&r[rows.clone()], &r[rows.clone()]), vector::dot(&x[rows.clone()], &x[rows])]
    })?;
    let watch = Watch::new(every);
    let mut run = Cg {
        p: matrix.local(&r),
        q: vec![0.0; n],
        scale: if options.reference == Reference::RightHandSide { facts.rhs_norm } else { rho.sqrt() },
        matrix,
        rhs,
        x,
        r,
        sums,
        watch: &watch,
        rho,
        reach: Reach(norm.sqrt()),
        about: [1.0, facts.order as f64, facts.rhs_norm, rho],
        failure: None,
        fault: None,
    };
    let report = drive_kept(&mut run, keep, &options.stop, &mut watch.over(observer));
    run.fault.map_or(report, Err)
}

/// How far from zero an iterate can have come, as in one piece: a step that would overflow is not taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach(pub(super) f64);

impl Reach {
    /// Whether x + αp is finite on all ranks, given ‖p‖. A reduction only where an overflow is near.
    pub(super) fn allows<C: Communicator + ?Sized>(
        &mut self,
        communicator: &C,
        alpha: f64,
        norm: f64,
        p: &[f64],
        x: &[f64],
    ) -> Result<bool, Fault> {
        self.0 += alpha.abs() * norm;
        if self.0.is_finite() && self.0 < 0.5 * f64::MAX {
            return Ok(true);
        }
        let finite = x.iter().zip(p).all(|(&x, &p)| (x + alpha * p).is_finite());
        let mut worst = [f64::from(u8::from(!finite))];
        communicator.max(&mut worst)?;
        Ok(worst[0] == 0.0)
    }
}

/// Why a step cannot be taken, if so, as in one piece.
pub(super) fn refusal(rho: f64, curvature: f64, alpha: f64) -> Option<Status> {
    if !curvature.is_finite() || !alpha.is_finite() && curvature > 0.0 {
        Some(Status::NotFinite)
    } else if curvature > 0.0 {
        None
    } else if rho * f64::EPSILON < f64::MIN_POSITIVE {
        Some(Status::Stalled)
    } else {
        Some(Status::Breakdown)
    }
}

struct Cg<'a, C: ?Sized> {
    matrix: &'a Matrix<'a, C>,
    rhs: &'a [f64],
    x: &'a mut [f64],
    r: Vec<f64>,
    /// A local vector.
    p: Vec<f64>,
    q: Vec<f64>,
    sums: Sums,
    watch: &'a Watch,
    rho: f64,
    reach: Reach,
    /// The method, and what the problem is known by.
    about: [f64; 4],
    scale: f64,
    failure: Option<Status>,
    fault: Option<Fault>,
}

impl<C: Communicator + ?Sized> Cg<'_, C> {
    fn advance(&mut self) -> Result<(), Fault> {
        let Self { matrix, x, r, p, q, sums, .. } = self;
        let communicator = matrix.communicator;
        matrix.apply(p, q)?;
        let own = matrix.part(p);
        let ([curvature, square], flag) = sums.total(communicator, self.watch.wish(), |rows| {
            let (curvature, square) = vector::dot_square(&q[rows.clone()], &own[rows]);
            [curvature, square]
        })?;
        self.watch.agreed(flag);
        let alpha = self.rho / curvature;
        self.failure = refusal(self.rho, curvature, alpha);
        if self.failure.is_some() {
            return Ok(());
        }
        if !self.reach.allows(communicator, alpha, square.sqrt(), own, x)? {
            self.failure = Some(Status::NotFinite);
            return Ok(());
        }
        let ([rho], _) = sums.total(communicator, false, |rows| {
            [vector::axpy_square(-alpha, &q[rows.clone()], &mut r[rows])]
        })?;
        if !rho.is_finite() {
            self.failure = Some(Status::NotFinite);
            return Ok(());
        }
        vector::axpy(alpha, own, x);
        let own = matrix.low..matrix.low + matrix.own.len();
        vector::xpby(r, rho / self.rho, &mut p[own]);
        self.rho = rho;
        Ok(())
    }

    fn recompute(&mut self, tolerance: f64) -> Result<f64, Fault> {
        let Self { matrix, x, r, p, q, sums, .. } = self;
        matrix.residual(self.rhs, &mut matrix.local(x), q)?;
        let square = |rows: std::ops::Range<usize>| [vector::dot(&q[rows.clone()], &q[rows])];
        let ([rho], _) = sums.total(matrix.communicator, false, square)?;
        if rho.sqrt() > tolerance {
            r.copy_from_slice(q);
            *p = matrix.local(q);
            self.rho = rho;
        }
        Ok(rho.sqrt())
    }
}

impl<C: Communicator + ?Sized> Run for Cg<'_, C> {
    type Real = f64;

    fn step(&mut self) {
        if self.rho == 0.0 || self.fault.is_some() {
            return;
        }
        self.fault = self.advance().err();
    }

    fn residual(&mut self) -> f64 {
        if self.fault.is_some() { f64::NAN } else { self.rho.sqrt() }
    }

    fn parameter(&self) -> f64 {
        1.0
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn confirm(&mut self, tolerance: f64) -> Option<f64> {
        if self.fault.is_some() {
            return None;
        }
        match self.recompute(tolerance) {
            Ok(residual) => Some(residual),
            Err(fault) => {
                self.fault = Some(fault);
                None
            }
        }
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() { Some(Status::Breakdown) } else { self.failure }
    }
}

impl<C: Communicator + ?Sized> Kept for Cg<'_, C> {
    const WIDTH: usize = 3;

    fn identity(&self) -> Vec<f64> {
        self.about.to_vec()
    }

    fn state(&self) -> (Vec<f64>, Vec<f64>) {
        (woven([self.x, &self.r, self.matrix.part(&self.p)]), vec![self.rho, self.reach.0])
    }

    fn go_on(&mut self, items: &[f64], numbers: &[f64]) -> Result<(), Fault> {
        let &[rho, reach] = numbers else { return Err(other("its form")) };
        let own = self.matrix.low..self.matrix.low + self.matrix.own.len();
        unwoven(items, [&mut *self.x, &mut self.r, &mut self.p[own]]);
        (self.rho, self.reach) = (rho, Reach(reach));
        Ok(())
    }
}
