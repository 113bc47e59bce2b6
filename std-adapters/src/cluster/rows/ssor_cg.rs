//! Conjugate gradients preconditioned by SSOR inside pieces of the matrix, in Eisenstat's form.
//!
//! The preconditioner is SSOR of the pieces alone: with A = P + R, P = D + L + U the couplings inside the pieces and R
//! those between them, M = L̃ K⁻¹ Ũ as in [`southwell::relaxation::ssor_cg`]. Eisenstat's product keeps its cost of one pass,
//! as A = L̃ + Ũ − K + R:
//! ```text
//! t = Ũ⁻¹ p,  y = L̃⁻¹ (p − K t + R t),  z = t + y,  w = A t
//! ```
//! The only elements that go between ranks are those of t that R needs; they are needed before anything else can be
//! done, so there is nothing to hide them behind.
//!
//! *The method changes with the pieces*: more of them, more iterations, towards Jacobi's in the end. One piece a rank is the
//! cheapest for a given number of ranks; a fixed number of pieces gives the same bits on every number of ranks
//! that divides it.

use southwell::relaxation::cg::Options;
use southwell::relaxation::{OmegaRule, Reference};
use southwell::{DiagonalFault, Error, Observer, Report, Run, Status};
use southwell_simd::{csr, vector};

use super::cg::{Reach, refusal};
use super::{Matrix, Sums, view};
use crate::cluster::keep::{Keep, Kept, drive_kept, other, unwoven, woven};
use crate::cluster::sweeps::{Seen, begin, check_start};
use crate::cluster::watch::Watch;
use crate::cluster::{Communicator, Fault, Partition, agree};

/// What SSOR works within.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pieces {
    /// The rows of each rank.
    #[default]
    Ranks,
    /// So many pieces of the whole, a multiple of the number of ranks.
    Fixed(usize),
}

/// Solves A x = b from this rank's x, with the meaning of [`southwell::relaxation::ssor_cg::solve`]; with one piece the
/// iteration is that one. Made by all ranks together.
///
/// *Step*: one pass over the matrix, one fetch of border elements, two gathers.
///
/// # Errors
/// [`Fault::Refused`] for what [`southwell::relaxation::ssor_cg::start`] refuses (x is untouched then) and for pieces that
/// cannot be divided among the ranks; those of the communicator.
pub fn ssor_cg<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    pieces: Pieces,
    rule: &mut R,
    x: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    ssor_cg_kept(matrix, rhs, options, pieces, rule, x, &mut (), observer)
}

/// The same, leaving its state behind and going on from one: 4 numbers a row, and the residuals that the rule saw. With as many
/// pieces as before, what comes out has the bits of a run that was not broken off; with others, it begins anew from the x that was
/// reached.
///
/// # Errors
/// As [`ssor_cg`], and what `keep` refuses.
pub fn ssor_cg_kept<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    pieces: Pieces,
    rule: &mut R,
    x: &mut [f64],
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let facts = matrix.facts(rhs)?;
    let communicator = matrix.communicator;
    let split = agree(communicator, Split::new(matrix, pieces))?;
    let positive = matrix.diagonal.iter().position(|&d| d <= 0.0);
    let checked = options.stop.check().and_then(|()| check_start(x, matrix.own.len())).and_then(|()| {
        let fault = DiagonalFault::NotPositive;
        positive.map_or(Ok(()), |row| Err(Error::Diagonal { row: matrix.own.start + row, fault }))
    });
    agree(communicator, checked)?;
    if options.reference == Reference::RightHandSide && facts.rhs_norm == 0.0 {
        x.fill(0.0);
    }
    let n = matrix.own.len();
    let (mut r, mut sums) = (vec![0.0; n], matrix.sums());
    matrix.residual(rhs, &mut matrix.local(x), &mut r)?;
    let ([square, norm], every) = sums.total(communicator, observer.every_step(), |rows| {
        [vector::dot(&r[rows.clone()], &r[rows.clone()]), vector::dot(&x[rows.clone()], &x[rows])]
    })?;
    let omega = agree(communicator, begin(rule, &facts, square.sqrt()))?;
    let watch = Watch::new(every);
    let mut run = SsorCg {
        inverse: matrix.diagonal.iter().map(|d| 1.0 / d).collect(),
        scale: if options.reference == Reference::RightHandSide { facts.rhs_norm } else { square.sqrt() },
        p: vec![0.0; n],
        pushed: vec![0.0; n],
        t: vec![0.0; matrix.width],
        y: vec![0.0; n],
        w: vec![0.0; n],
        r_hat: vec![0.0; n],
        r,
        matrix,
        split: &split,
        rhs,
        x,
        sums,
        rule: &mut *rule,
        watch: &watch,
        omega,
        rho: 0.0,
        square,
        reach: Reach(norm.sqrt()),
        steps: 0,
        asked: 0,
        seen: Seen::new(keep.every() > 0),
        about: [3.0, facts.order as f64, facts.rhs_norm, square],
        first_rho: 0.0,
        parted: f64::INFINITY,
        failure: None,
        fault: None,
    };
    run.fault = run.restart().err();
    let report = drive_kept(&mut run, keep, &options.stop, &mut watch.over(observer));
    let report = run.fault.map_or(report, Err)?;
    rule.end(&report);
    Ok(report)
}

/// The own rows as A = P + R.
struct Split {
    pieces: usize,
    /// P, columns from the first own row.
    inside: (Vec<u32>, Vec<u32>, Vec<f64>),
    /// −R, over the local vector.
    across: (Vec<u32>, Vec<u32>, Vec<f64>),
    rows: usize,
    width: usize,
}

impl Split {
    fn new<C: Communicator + ?Sized>(matrix: &Matrix<'_, C>, pieces: Pieces) -> Result<Self, Error> {
        let n = matrix.own.len();
        let ranks = matrix.partition.ranks();
        let pieces = match pieces {
            Pieces::Ranks => ranks,
            Pieces::Fixed(pieces) => pieces,
        };
        let refused = |requirement| Error::Option { name: "pieces", requirement };
        if pieces == 0 || !pieces.is_multiple_of(ranks) {
            return Err(refused("must be a multiple of the number of ranks"));
        }
        let divided = Partition::of_rows(matrix.partition.items(), pieces)
            .map_err(|_| refused("must not be more than the blocks of rows"))?;
        let mut inside = (vec![0_u32], Vec::new(), Vec::new());
        let mut across = (vec![0_u32], Vec::new(), Vec::new());
        let own = matrix.low..matrix.low + n;
        let mut piece = divided.owner(matrix.own.start);
        for row in 0..n {
            while !divided.items_of(piece).contains(&(matrix.own.start + row)) {
                piece += 1;
            }
            let bounds = divided.items_of(piece);
            // The piece by place in the local vector; it lies among the own rows.
            let local = bounds.start.max(matrix.own.start) - matrix.own.start + matrix.low
                ..bounds.end.min(matrix.own.end) - matrix.own.start + matrix.low;
            let offsets = &matrix.offsets[matrix.low + row..matrix.low + row + 2];
            for entry in offsets[0] as usize..offsets[1] as usize {
                let (column, value) = (matrix.columns[entry], matrix.values[entry]);
                if local.contains(&(column as usize)) {
                    inside.1.push(column - own.start as u32);
                    inside.2.push(value);
                } else {
                    across.1.push(column);
                    across.2.push(-value);
                }
            }
            inside.0.push(inside.1.len() as u32);
            across.0.push(across.1.len() as u32);
        }
        Ok(Self { pieces, inside, across, rows: n, width: matrix.width })
    }

    fn inside(&self) -> csr::Rows<'_, f64> {
        view(&self.inside.0, &self.inside.1, &self.inside.2, self.rows)
    }

    fn across(&self) -> csr::Rows<'_, f64> {
        view(&self.across.0, &self.across.1, &self.across.2, self.width)
    }
}

struct SsorCg<'a, C: ?Sized, R: ?Sized> {
    matrix: &'a Matrix<'a, C>,
    split: &'a Split,
    rhs: &'a [f64],
    x: &'a mut [f64],
    inverse: Vec<f64>,
    p: Vec<f64>,
    /// p + R t
    pushed: Vec<f64>,
    /// A local vector.
    t: Vec<f64>,
    y: Vec<f64>,
    w: Vec<f64>,
    r_hat: Vec<f64>,
    r: Vec<f64>,
    sums: Sums,
    rule: &'a mut R,
    watch: &'a Watch,
    omega: f64,
    rho: f64,
    square: f64,
    reach: Reach,
    scale: f64,
    steps: u32,
    asked: u32,
    seen: Seen,
    /// The method, and what the problem is known by.
    about: [f64; 4],
    first_rho: f64,
    parted: f64,
    failure: Option<Status>,
    fault: Option<Fault>,
}

impl<C: Communicator + ?Sized, R: ?Sized> SsorCg<'_, C, R> {
    fn weight(&self) -> f64 {
        (2.0 - self.omega) / self.omega
    }

    /// The first direction from the residual r.
    fn restart(&mut self) -> Result<(), Fault> {
        let weight = self.weight();
        let own = self.matrix.low..self.matrix.low + self.matrix.own.len();
        self.t.fill(0.0);
        let Self { split, inverse, p, t, w, r_hat, r, sums, matrix, .. } = self;
        csr::solve_lower(split.inside(), self.omega, inverse, r, &t[own], r_hat, w);
        p.fill(0.0);
        vector::scaled_xpby(weight, &matrix.diagonal, r_hat, 0.0, p);
        let ([square], _) = sums.total(matrix.communicator, false, |rows| {
            [vector::dot3(&matrix.diagonal[rows.clone()], &r_hat[rows.clone()], &r_hat[rows])]
        })?;
        self.rho = weight * square;
        self.first_rho = self.rho;
        Ok(())
    }

    /// r from scratch; ‖r‖².
    fn recompute(&mut self) -> Result<f64, Fault> {
        let Self { matrix, x, y, sums, .. } = self;
        matrix.residual(self.rhs, &mut matrix.local(x), y)?;
        let square = |rows: std::ops::Range<usize>| [vector::dot(&y[rows.clone()], &y[rows])];
        let ([square], _) = sums.total(matrix.communicator, false, square)?;
        Ok(square)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        if self.rho <= f64::EPSILON * f64::EPSILON * self.first_rho {
            self.square = self.recompute()?;
            self.r.copy_from_slice(&self.y);
            let better = self.square.sqrt() <= self.parted * 0.5;
            self.parted = self.square.sqrt();
            self.restart()?;
            if !better {
                self.failure = Some(Status::Stalled);
                return Ok(());
            }
        }
        let weight = self.weight();
        let own = self.matrix.low..self.matrix.low + self.matrix.own.len();
        let Self { matrix, split, x, inverse, p, pushed, t, y, w, r_hat, r, sums, .. } = self;
        let communicator = matrix.communicator;
        csr::solve_upper(split.inside(), self.omega, inverse, p, &mut t[own.clone()]);
        matrix.fetch(t, &mut |_| ())?;
        csr::residual(split.across(), p, t, pushed);
        let t = &t[own];
        csr::solve_lower(split.inside(), self.omega, inverse, pushed, t, y, w);
        let ([square, curvature], flag) = sums.total(communicator, self.watch.wish(), |rows| {
            let square = vector::add_square(&t[rows.clone()], &mut y[rows.clone()]);
            [square, vector::dot(&p[rows.clone()], &y[rows])]
        })?;
        self.watch.agreed(flag);
        let alpha = self.rho / curvature;
        self.failure = refusal(self.rho, curvature, alpha);
        if self.failure.is_some() {
            return Ok(());
        }
        if !self.reach.allows(communicator, alpha, square.sqrt(), t, x)? {
            self.failure = Some(Status::NotFinite);
            return Ok(());
        }
        vector::axpy(-alpha, y, r_hat);
        let ([square, weighted], _) = sums.total(communicator, false, |rows| {
            let square = vector::axpy_square(-alpha, &w[rows.clone()], &mut r[rows.clone()]);
            let (d, r_hat) = (&matrix.diagonal[rows.clone()], &r_hat[rows]);
            [square, vector::dot3(d, r_hat, r_hat)]
        })?;
        if !square.is_finite() {
            self.failure = Some(Status::NotFinite);
            return Ok(());
        }
        self.square = square;
        vector::axpy(alpha, t, x);
        let rho = weight * weighted;
        vector::scaled_xpby(weight, &matrix.diagonal, r_hat, rho / self.rho, p);
        self.rho = rho;
        Ok(())
    }
}

impl<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized> Run for SsorCg<'_, C, R> {
    type Real = f64;

    fn step(&mut self) {
        if self.fault.is_some() {
            return;
        }
        self.steps += 1;
        if self.square != 0.0 {
            self.fault = self.advance().err();
        }
    }

    fn residual(&mut self) -> f64 {
        if self.fault.is_some() {
            return f64::NAN;
        }
        let residual = self.square.sqrt();
        if self.steps != self.asked {
            self.asked = self.steps;
            if let Some(omega) = self.seen.revise(self.rule, self.steps, residual, self.omega) {
                self.omega = omega;
                self.fault = self.restart().err();
            }
        }
        residual
    }

    fn parameter(&self) -> f64 {
        self.omega
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn confirm(&mut self, tolerance: f64) -> Option<f64> {
        if self.fault.is_some() {
            return None;
        }
        let confirmed = self.recompute().and_then(|square| {
            if square.sqrt() > tolerance {
                self.r.copy_from_slice(&self.y);
                self.square = square;
                self.restart()?;
            }
            Ok(square.sqrt())
        });
        match confirmed {
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

impl<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized> Kept for SsorCg<'_, C, R> {
    const WIDTH: usize = 4;

    fn identity(&self) -> Vec<f64> {
        self.about.to_vec()
    }

    fn state(&self) -> (Vec<f64>, Vec<f64>) {
        let counts = [self.split.pieces as f64, f64::from(self.steps), f64::from(self.asked)];
        let reals = [self.omega, self.rho, self.square, self.reach.0, self.first_rho, self.parted];
        let numbers = counts.into_iter().chain(reals).chain(self.seen.all()).collect();
        (woven([self.x, &self.p, &self.r_hat, &self.r]), numbers)
    }

    fn go_on(&mut self, items: &[f64], numbers: &[f64]) -> Result<(), Fault> {
        let &[pieces, steps, asked, omega, rho, square, reach, first_rho, parted, ref seen @ ..] = numbers
        else {
            return Err(other("its form"));
        };
        unwoven(items, [&mut *self.x, &mut self.p, &mut self.r_hat, &mut self.r]);
        self.reach = Reach(reach);
        if pieces != self.split.pieces as f64 {
            // Another preconditioner: r̂ and p mean nothing to it, and the rule has yet to see it at work.
            self.square = self.recompute()?;
            self.r.copy_from_slice(&self.y);
            return self.restart();
        }
        self.omega = self.seen.live_through(self.rule, seen, self.omega);
        if self.omega != omega {
            return Err(other("the rule for omega"));
        }
        (self.steps, self.asked) = (steps as u32, asked as u32);
        (self.rho, self.square, self.first_rho, self.parted) = (rho, square, first_rho, parted);
        Ok(())
    }
}
