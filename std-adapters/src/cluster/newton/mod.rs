//! Sinkhorn-Newton-Sparse over ranks: every rank has rows of the costs, of f and of the sparse system; all have g.
//!
//! The step is that of [`southwell::transport::newton`]: the large entries P̃ of the coupling, a damped system reduced to the
//! columns, conjugate gradients, a guarded search along the direction, Sinkhorn's steps where Newton's fail. What differs:
//!
//! - *P̃ is chosen row by row*: the largest entries of each row, by powers of two, until at most
//!   [`dropped`](Options::dropped) of the row's mass is left out, and at most a given number of them. So nobody needs to
//!   know about other rows, and the choice does not depend on the number of ranks.
//! - Vectors over the columns are on all ranks, which do the same arithmetic with them. A product with P̃ᵀ is added up
//!   over fixed blocks of rows, as in [`sinkhorn`](super::sinkhorn).
//!
//! *A reading of C* sends (blocks of the rank)·m elements in P − 1 messages and gathers m/P and two numbers a block, and so does
//! *a step of conjugate gradients*; a search gathers a few numbers a block. *Bits*: equal for any number of ranks.
//! *Memory* of a rank besides its costs: the entries of P̃ in its rows, 4 n/P + 10 m, and m a block.

mod pattern;
mod search;
mod system;

use southwell::transport::newton::{Options, Work};
use southwell::transport::steps::{Floor, exact_row};
use southwell::transport::{Cost, Potentials};
use southwell::{Error, Observer, Report, Run, Status, drive};
use southwell_simd::elementary::ln_scalar;
use southwell_simd::vector;

use pattern::Pattern;

use super::columns::Columns;
use super::partition::Sums;
use super::sinkhorn::Problem;
use super::watch::Watch;
use super::{Communicator, Fault, agree};

/// As in [`southwell::transport::newton`].
const RESCUE_STEPS: u32 = 10;
const MOST_RESCUES: u32 = 20;

/// Solves from the potentials that are handed in (with `first_steps` from g alone), f being this rank's, with at most
/// `per_row` entries of the system a row; and what was done. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for options out of range, for potentials of other lengths or not finite, and for a `per_row` of 0 (the
/// potentials are untouched then); those of the communicator.
pub fn solve<C: Communicator + ?Sized, K: Cost<f64>>(
    problem: &Problem<'_, C, K>,
    options: &Options<f64>,
    per_row: usize,
    x: Potentials<'_, f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<(Report<f64>, Work), Fault> {
    let &Problem { communicator, ref rows, costs, a, b, epsilon, mass, largest } = problem;
    agree(communicator, check(options, per_row).and_then(|()| problem.check_start(&x)))?;
    let mut every = [f64::from(u8::from(observer.every_step()))];
    communicator.max(&mut every)?;
    let watch = Watch::new(every[0] > 0.0);
    problem.mark_empty(x.f, x.g);
    let (rank, n, m) = (communicator.rank(), a.len(), b.len());
    let scratch = costs.iter().map(Cost::scratch_len).max().unwrap_or(0).max(m);
    let mut run = Newton {
        problem,
        options,
        per_row,
        f: x.f,
        g: x.g,
        columns: Columns::new(rows, m, rows.blocks(), rank),
        sums: Sums::new(rows, rank, 1),
        scratch: vec![0.0; scratch],
        p: vec![0.0; m],
        pattern: Pattern::default(),
        row_sums: vec![0.0; n],
        column_sums: vec![0.0; m],
        total: 0.0,
        residual: f64::INFINITY,
        trial: Trial { f: vec![0.0; n], g: vec![0.0; m], rows: vec![0.0; n], columns: vec![0.0; m] },
        d_f: vec![0.0; n],
        d_g: vec![0.0; m],
        first: options.first_steps,
        sigma: 0.0,
        work: Work::default(),
        watch: &watch,
        floor: Floor::at(4.0 * f64::EPSILON * (1.0 + largest / epsilon) * mass),
        level: 4.0 * f64::EPSILON * (1.0 + largest / epsilon) * mass,
        failure: None,
        fault: None,
    };
    run.fault = run.begin().err();
    let report = drive(&mut run, &options.stop, &mut watch.over(observer));
    match run.fault {
        Some(fault) => Err(fault),
        None => Ok((report, run.work)),
    }
}

fn check(options: &Options<f64>, per_row: usize) -> Result<(), Error> {
    options.stop.check()?;
    let refused = |name, requirement| Err(Error::Option { name, requirement });
    if !(options.dropped >= 0.0 && options.dropped < 1.0) {
        return refused("dropped", "must lie in [0, 1)");
    }
    if !(options.damping >= 0.0 && options.damping.is_finite()) {
        return refused("damping", "must be finite and not negative");
    }
    if options.cg_steps == 0 {
        return refused("cg_steps", "must be positive");
    }
    if !(options.cg_tolerance > 0.0 && options.cg_tolerance <= 1.0) {
        return refused("cg_tolerance", "must lie in (0, 1]");
    }
    if per_row == 0 {
        return refused("per_row", "must be positive");
    }
    Ok(())
}

#[derive(Debug)]
struct Trial {
    f: Vec<f64>,
    g: Vec<f64>,
    rows: Vec<f64>,
    columns: Vec<f64>,
}

struct Newton<'a, C: ?Sized, K> {
    problem: &'a Problem<'a, C, K>,
    options: &'a Options<f64>,
    per_row: usize,
    f: &'a mut [f64],
    g: &'a mut [f64],
    columns: Columns,
    sums: Sums,
    scratch: Vec<f64>,
    p: Vec<f64>,
    pattern: Pattern,
    /// P 1 of this rank's rows, and Pᵀ 1.
    row_sums: Vec<f64>,
    column_sums: Vec<f64>,
    total: f64,
    residual: f64,
    trial: Trial,
    d_f: Vec<f64>,
    d_g: Vec<f64>,
    /// Sinkhorn steps that are left.
    first: u32,
    sigma: f64,
    work: Work,
    watch: &'a Watch,
    floor: Floor<f64>,
    /// What rounding may add up to.
    level: f64,
    failure: Option<Status>,
    fault: Option<Fault>,
}

fn distance(sums: &[f64], weights: &[f64]) -> f64 {
    sums.iter().zip(weights).fold(0.0, |sum, (s, w)| sum + (s - w).abs())
}

impl<C: Communicator + ?Sized, K: Cost<f64>> Newton<'_, C, K> {
    fn begin(&mut self) -> Result<(), Fault> {
        if self.first > 0 {
            return self.balance_rows();
        }
        if !self.look()? {
            self.balance_rows()?;
            self.balance_columns();
            self.look()?;
        }
        Ok(())
    }

    /// The f that makes the rows exact, and the columns' sums with it.
    fn balance_rows(&mut self) -> Result<(), Fault> {
        self.work.kernel_reads += 1;
        let &Problem { communicator, costs, a, b, epsilon, .. } = self.problem;
        let Self { f, g, columns, scratch, .. } = self;
        let (m, mut first) = (b.len(), 0);
        for (cost, vector) in costs.iter().zip(columns.vectors.chunks_mut(m.max(1))) {
            let mut weigh = |i: usize, largest: f64, sum: f64| {
                let a = a[first + i];
                if a == 0.0 {
                    return 0.0;
                }
                f[first + i] = epsilon * exact_row(a, largest, sum);
                a / sum
            };
            cost.pass(epsilon, g, &mut weigh, vector, &mut scratch[..cost.scratch_len()]);
            first += cost.rows();
        }
        let none = vec![[0.0; 0]; costs.len()];
        columns.add_all(communicator, &none, &mut self.column_sums)?;
        self.residual = distance(&self.column_sums, b);
        Ok(())
    }

    fn balance_columns(&mut self) {
        self.work.sinkhorn_steps += 1;
        let &Problem { b, epsilon, .. } = self.problem;
        for ((g, &t), &b) in self.g.iter_mut().zip(&self.column_sums).zip(b) {
            if b > 0.0 {
                *g += epsilon * ln_scalar((b / t.max(f64::MIN_POSITIVE)).min(f64::MAX));
            }
        }
    }

    /// Reads the coupling of the trial potentials; its mass, and its distance from the marginals.
    fn read_trial(&mut self) -> Result<(f64, f64), Fault> {
        self.work.kernel_reads += 1;
        let &Problem { communicator, costs, a, b, epsilon, .. } = self.problem;
        let Self { trial, columns, pattern, p, scratch, options, per_row, .. } = self;
        let dropped = options.dropped.max(16.0 * f64::EPSILON);
        pattern.begin();
        let (m, mut row) = (b.len(), 0);
        let mut values = vec![[0.0; 2]; costs.len()];
        let blocks = costs.iter().zip(columns.vectors.chunks_mut(m.max(1))).zip(&mut values);
        for ((cost, vector), [mass, off]) in blocks {
            vector.fill(0.0);
            for i in 0..cost.rows() {
                let (sum, largest) = cost.coupling_row(i, epsilon, trial.f[row], &trial.g, p, scratch);
                trial.rows[row] = sum;
                *mass += sum;
                *off += (sum - a[row]).abs();
                vector::axpy(1.0, p, vector);
                pattern.row(p, sum, largest, dropped, *per_row);
                row += 1;
            }
        }
        let [total, off] = columns.add_all(communicator, &values, &mut trial.columns)?;
        if !total.is_finite() {
            return Ok((f64::INFINITY, f64::INFINITY));
        }
        Ok((total, off + distance(&trial.columns, b)))
    }

    /// Reads the coupling of the potentials. False if there is none.
    fn look(&mut self) -> Result<bool, Fault> {
        self.trial.f.copy_from_slice(self.f);
        self.trial.g.copy_from_slice(self.g);
        let (total, residual) = self.read_trial()?;
        self.accept(total, residual);
        let empty =
            |sums: &[f64], weights: &[f64]| sums.iter().zip(weights).any(|(&s, &w)| w > 0.0 && s <= 0.0);
        let mut bad = [f64::from(u8::from(
            empty(&self.row_sums, self.problem.a) || empty(&self.column_sums, self.problem.b),
        ))];
        self.problem.communicator.max(&mut bad)?;
        Ok(residual.is_finite() && bad[0] == 0.0)
    }

    fn accept(&mut self, total: f64, residual: f64) {
        (self.total, self.residual) = (total, residual);
        self.f.copy_from_slice(&self.trial.f);
        self.g.copy_from_slice(&self.trial.g);
        std::mem::swap(&mut self.row_sums, &mut self.trial.rows);
        std::mem::swap(&mut self.column_sums, &mut self.trial.columns);
    }

    fn rescue(&mut self) -> Result<(), Fault> {
        self.work.rescues += 1;
        if self.work.rescues > MOST_RESCUES {
            self.failure = Some(Status::Breakdown);
            return Ok(());
        }
        for _ in 0..RESCUE_STEPS {
            self.balance_rows()?;
            self.balance_columns();
        }
        self.look().map(drop)
    }

    fn advance(&mut self) -> Result<(), Fault> {
        // The wish of any rank to stop goes with every step.
        let mut wish = [f64::from(u8::from(self.watch.wish()))];
        self.problem.communicator.max(&mut wish)?;
        self.watch.agreed(wish[0] > 0.0);
        if self.first > 0 {
            self.first -= 1;
            self.balance_columns();
            if self.first > 0 {
                return self.balance_rows();
            }
            return self.look().map(drop);
        }
        self.work.newton_steps += 1;
        let slope = self.direction()?;
        let found = slope > 0.0 && slope.is_finite() && self.search(slope)?;
        if !found && self.failure.is_none() {
            // The last reading was of a trial: the system must be the potentials' again.
            self.rescue()?;
        }
        self.floor.look(self.residual);
        if self.floor.stalled() {
            self.failure = Some(Status::Stalled);
        }
        Ok(())
    }
}

impl<C: Communicator + ?Sized, K: Cost<f64>> Run for Newton<'_, C, K> {
    type Real = f64;

    fn step(&mut self) {
        if self.failure().is_none() {
            self.fault = self.advance().err();
        }
    }

    fn residual(&mut self) -> f64 {
        if self.fault.is_some() { f64::NAN } else { self.residual }
    }

    fn parameter(&self) -> f64 {
        self.sigma
    }

    fn scale(&self) -> f64 {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() { Some(Status::Breakdown) } else { self.failure }
    }
}
