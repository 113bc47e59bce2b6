//! Sub-gradient steps on a fit at a quantile.

use southwell::subgradient::{Oracle, Quantile, Table};
use southwell::{Observer, Run, Status};
use southwell_simd::vector;

use super::{Problem, small, vertex, white};
use crate::cluster::columns::Columns;
use crate::cluster::keep::{self, Keep, Kept, drive_kept};
use crate::cluster::watch::Watch;
use crate::cluster::{Communicator, Fault};
use crate::owned::{Fitted, Settings};

/// Steps between two attempts at a proof, and how often lengths begin anew.
const CERTIFY_EVERY: u32 = 25;
const RESTARTS: u32 = 2;
/// Numbers of a state besides three points.
const NUMBERS: usize = 12;

struct Descent<'a, 'w, C: ?Sized> {
    problem: &'a Problem<'a, C>,
    q: f64,
    ratio: f64,
    /// The rows of each block in the coordinates b; none where no row of it counts.
    blocks: Vec<Option<Quantile<'w, f64>>>,
    columns: Columns,
    values: Vec<[f64; 2]>,
    watch: &'a Watch,
    r: &'w [f64],
    /// The unit of lengths, and of the residual.
    reach: f64,
    unit: f64,
    x: Vec<f64>,
    g: Vec<f64>,
    value: f64,
    norm: f64,
    best: Vec<f64>,
    best_value: f64,
    best_at: u32,
    /// The length of the next step, what it falls by, and how often it may begin anew.
    length: f64,
    falls: f64,
    left: u32,
    factor: f64,
    moved: f64,
    steps: u32,
    beta: Vec<f64>,
    beta_value: f64,
    bound: f64,
    /// The value of the best point when β was last made of it.
    taken: f64,
    tried: Option<u32>,
    proven: bool,
    failure: Option<Status>,
    fault: Option<Fault>,
}

pub(super) fn solve<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    q: f64,
    unit: f64,
    settings: &Settings,
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Fitted, Fault> {
    let (p, communicator) = (problem.columns, problem.communicator);
    let (z, r) = white::whiten(problem)?;
    let blocks: Vec<Option<Quantile<'_, f64>>> = problem
        .blocks()
        .map(|rows| {
            let table = Table::new(&z[rows.start * p..rows.end * p], rows.len(), p).ok()?;
            let loss = Quantile::new(table, &problem.y[rows.clone()], q).ok()?;
            if problem.weights.is_empty() { Some(loss) } else { loss.weighted(&problem.weights[rows]).ok() }
        })
        .collect();
    let b = least_squares(problem, &z)?;
    let white = Problem { values: &z, rows: problem.rows.clone(), ..*problem };
    let (middle, _) = white.middle(&b, f64::INFINITY)?;
    let mut largest = [(0..problem.y.len())
        .filter(|&i| problem.weight(i) > 0.0)
        .map(|i| white.residual(i, &b).abs())
        .fold(0.0, f64::max)];
    communicator.max(&mut largest)?;
    let reach = if middle > 0.0 { middle } else { largest[0] }.clamp(f64::MIN_POSITIVE, f64::MAX);
    let mut every = [f64::from(u8::from(observer.every_step()))];
    communicator.max(&mut every)?;
    let watch = Watch::new(every[0] > 0.0);
    let mut run = Descent {
        problem,
        q,
        ratio: settings.ratio,
        values: vec![[0.0; 2]; blocks.len()],
        blocks,
        columns: Columns::new(&problem.rows, p, p, communicator.rank()),
        watch: &watch,
        r: &r,
        reach,
        unit: reach.max(vector::norm_scaled(&b)).min(f64::MAX),
        x: b.clone(),
        g: vec![0.0; p],
        value: 0.0,
        norm: 0.0,
        best: b,
        best_value: f64::INFINITY,
        best_at: 0,
        length: 1.0,
        falls: settings.ratio,
        left: RESTARTS,
        factor: 0.0,
        moved: 0.0,
        steps: 0,
        beta: vec![0.0; p],
        beta_value: f64::INFINITY,
        bound: 0.0,
        taken: f64::INFINITY,
        tried: None,
        proven: false,
        failure: None,
        fault: None,
    };
    run.moved = run.unit;
    run.evaluate();
    run.see();
    let report = drive_kept(&mut run, keep, &settings.stop, &mut watch.over(observer));
    // A run that ended at its limit has not looked at its last points.
    if report.is_ok() && run.fault.is_none() {
        run.certify();
    }
    if let Some(fault) = run.fault {
        return Err(fault);
    }
    let (objective, lower_bound) = (unit * run.beta_value, unit * run.bound);
    Ok(Fitted { coefficients: run.beta, report: report?, objective, lower_bound, delta: None })
}

/// b of the least-squares fit with the loss's weights; a column that was cleared keeps 0.
fn least_squares<C: Communicator + ?Sized>(problem: &Problem<'_, C>, z: &[f64]) -> Result<Vec<f64>, Fault> {
    let p = problem.columns;
    let (r, sound) = small::factor(&problem.gram(z, |i| problem.weight(i))?, p, |_| 0.0);
    let mut b = problem.add(p, |rows, sums| {
        for i in rows {
            vector::axpy(problem.weight(i) * problem.y[i], &z[i * p..(i + 1) * p], sums);
        }
    })?;
    b.iter_mut().zip(&sound).filter(|(_, sound)| !**sound).for_each(|(b, _)| *b = 0.0);
    small::solve_transposed(&r, &mut b);
    small::solve(&r, &mut b);
    if b.iter().any(|b| !b.is_finite()) {
        b.fill(0.0);
    }
    Ok(b)
}

impl<C: Communicator + ?Sized> Descent<'_, '_, C> {
    fn evaluate(&mut self) {
        let p = self.x.len();
        let vectors = self.columns.vectors.chunks_exact_mut(p);
        for ((block, vector), value) in self.blocks.iter_mut().zip(vectors).zip(&mut self.values) {
            let found = block.as_mut().map(|block| block.value_and_subgradient(&self.x, vector));
            *value = [found.unwrap_or(0.0), f64::from(u8::from(self.watch.wish()))];
        }
        match self.columns.add_all(self.problem.communicator, &self.values, &mut self.g) {
            Ok([value, wish]) => {
                self.watch.agreed(wish > 0.0);
                self.value = value;
                self.norm = vector::norm_scaled(&self.g);
            }
            Err(fault) => self.fail(fault),
        }
    }

    fn fail(&mut self, fault: Fault) {
        self.fault = Some(fault);
        self.failure = Some(Status::Breakdown);
    }

    fn see(&mut self) {
        if self.fault.is_some() {
            return;
        }
        if !(self.value.is_finite() && self.norm.is_finite()) {
            self.failure = Some(Status::NotFinite);
        } else if self.value < self.best_value {
            (self.best_value, self.best_at) = (self.value, self.steps);
            self.best.copy_from_slice(&self.x);
        }
    }

    /// No further step is of use: every row is fitted, or something ended the run.
    fn over(&self) -> bool {
        self.failure().is_some() || self.norm == 0.0
    }

    /// β ← the best point, if that is news, and then the vertex near it, with what that proves.
    fn certify(&mut self) {
        if self.tried == Some(self.steps) {
            return;
        }
        self.tried = Some(self.steps);
        if let Err(fault) = self.try_vertex() {
            self.fail(fault);
        }
    }

    fn try_vertex(&mut self) -> Result<(), Fault> {
        let mut near = self.best.clone();
        small::solve(self.r, &mut near);
        if near.iter().any(|x| !x.is_finite()) {
            return Ok(());
        }
        if self.best_value < self.taken {
            self.taken = self.best_value;
            let value = self.problem.value(self.q, &near)?;
            if value < self.beta_value {
                (self.beta, self.beta_value) = (near.clone(), value);
            }
        }
        if let Some((corner, found)) = vertex::near(self.problem, self.q, &near)? {
            if found.value < self.beta_value || found.optimal && found.value <= self.beta_value {
                (self.beta, self.beta_value) = (corner, found.value);
            }
            self.bound = self.bound.max(found.lower_bound);
            // Rounding may leave another point a little lower; the proof is about the value.
            self.proven |= found.optimal;
        }
        self.bound = self.bound.min(self.beta_value);
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Run for Descent<'_, '_, C> {
    type Real = f64;

    fn step(&mut self) {
        if self.over() {
            return;
        }
        if self.left > 0 && self.length < f64::EPSILON.sqrt() {
            self.left -= 1;
            (self.length, self.falls) = (1.0, self.falls.sqrt());
            self.x.copy_from_slice(&self.best);
            self.evaluate();
            if self.over() {
                return;
            }
        }
        self.factor = self.length * self.reach / self.norm;
        self.length *= self.falls;
        vector::axpy(-self.factor, &self.g, &mut self.x);
        self.moved = self.factor * self.norm;
        self.steps = self.steps.saturating_add(1);
        self.evaluate();
        self.see();
        if self.failure.is_none() && self.steps.is_multiple_of(CERTIFY_EVERY) {
            self.certify();
        }
    }

    fn steps(&mut self, count: u32) -> u32 {
        for done in 0..count {
            if self.failure().is_some() {
                return done;
            }
            self.step();
        }
        count
    }

    fn residual(&mut self) -> f64 {
        if self.best_value == f64::INFINITY {
            f64::NAN
        } else if self.proven || self.norm == 0.0 {
            0.0
        } else {
            self.moved
        }
    }

    fn confirm(&mut self, _tolerance: f64) -> Option<f64> {
        self.certify();
        Some(self.residual())
    }

    fn parameter(&self) -> f64 {
        self.factor
    }

    fn scale(&self) -> f64 {
        self.unit
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_none() && self.proven { Some(Status::Optimal) } else { self.failure }
    }
}

impl<C: Communicator + ?Sized> Kept for Descent<'_, '_, C> {
    const WIDTH: usize = 0;

    fn identity(&self) -> Vec<f64> {
        vec![self.problem.rows.items() as f64, self.x.len() as f64, self.q, self.ratio, self.reach, self.unit]
    }

    fn state(&self) -> (Vec<f64>, Vec<f64>) {
        let numbers: [f64; NUMBERS] = [
            self.best_value,
            f64::from(self.best_at),
            self.length,
            self.falls,
            f64::from(self.left),
            self.factor,
            self.moved,
            f64::from(self.steps),
            self.beta_value,
            self.bound,
            self.taken,
            f64::from(self.tried.map_or(-1, |step| i64::from(step) as i32)),
        ];
        let points = [&self.x, &self.best, &self.beta].into_iter().flatten();
        // Archives hold finite numbers.
        let finite = |x: f64| if x == f64::INFINITY { f64::MAX } else { x };
        (Vec::new(), numbers.into_iter().map(finite).chain(points.copied()).collect())
    }

    fn go_on(&mut self, _items: &[f64], numbers: &[f64]) -> Result<(), Fault> {
        let p = self.x.len();
        let misfit = || keep::other("the number of columns");
        let (numbers, points) = numbers.split_first_chunk::<NUMBERS>().ok_or_else(misfit)?;
        if points.len() != 3 * p {
            return Err(misfit());
        }
        let whole = |x: f64| if x == f64::MAX { f64::INFINITY } else { x };
        let &[best, best_at, length, falls, left, factor, moved, steps, beta, bound, taken, tried] = numbers;
        (self.best_value, self.beta_value, self.taken) = (whole(best), whole(beta), whole(taken));
        (self.length, self.falls, self.factor, self.moved, self.bound) =
            (length, falls, factor, moved, bound);
        (self.best_at, self.left, self.steps) = (best_at as u32, left as u32, steps as u32);
        self.tried = (tried >= 0.0).then_some(tried as u32);
        for (to, from) in
            [&mut self.x, &mut self.best, &mut self.beta].into_iter().zip(points.chunks_exact(p))
        {
            to.copy_from_slice(from);
        }
        // Where the run is, its value and sub-gradient have the bits that they had.
        self.evaluate();
        match self.fault.clone() {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}
