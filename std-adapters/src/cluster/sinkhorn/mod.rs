//! Sinkhorn's iteration in the log domain over ranks: every rank has rows of the costs and of f, all have g.
//!
//! A step reads each rank's rows once, as in [`southwell::transport::sinkhorn`], with the same over-relaxation by
//! line. What the columns sum to is added up in the order of fixed blocks of rows, each rank for a part of the
//! columns; there it also moves g, and all are told.
//!
//! *Costs* may be stored ([`DenseCost`](southwell::transport::DenseCost)) or made on the fly
//! ([`PointCost`](southwell::transport::PointCost)); a rank hands in one view a block of its rows.
//!
//! *A step* sends (blocks of the rank)·m elements in P − 1 messages and gathers m/P + 1; *a look* gathers one number a
//! block of rows and one a piece of the columns. *Bits*: equal for any number of ranks; those of one piece for one block.
//! More blocks allow more ranks and cost bytes: with as many blocks as ranks a step sends what a plain reduction would.
//!
//! *Memory* of a rank besides its costs: 2 n/P + 2 m, and m a block.

mod problem;

pub use problem::{BLOCKS, Problem};

use southwell::omega::Sight;
use southwell::relaxation::OmegaRule;
use southwell::transport::sinkhorn::Options;
use southwell::transport::steps::{Floor, Reach, exact_row, move_column, unseen};
use southwell::transport::{Cost, Potentials};
use southwell::{Error, Observer, Report, Run, Status, drive};

use super::columns::Columns;
use super::sweeps::revise;
use super::watch::Watch;
use super::{Communicator, Fault, agree};

/// Solves from the g that is handed in, with the meaning of [`southwell::transport::sinkhorn::solve`]; f is this rank's.
/// Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for what [`southwell::transport::sinkhorn::start`] refuses (the potentials are untouched then), and
/// those of the communicator.
pub fn solve<C: Communicator + ?Sized, K: Cost<f64>, R: OmegaRule<f64> + ?Sized>(
    problem: &Problem<'_, C, K>,
    options: &Options<f64>,
    rule: &mut R,
    x: Potentials<'_, f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    solve_on(problem, options, rule, x, &mut Vec::new(), observer)
}

/// The same in parts: goes on where a run was that looked at these steps and residuals and left these f and g, and adds its own
/// looks; without any it begins. Whoever saves f, g and the looks after a part goes on with the bits of a run that made the same
/// parts and was never broken off. `options` and the report count the steps of this part. Every step is to be looked at
/// ([`check_every`](southwell::Stop::check_every) 1). Cost of going on: a reading of the costs.
///
/// # Errors
/// As [`solve`].
pub fn solve_on<C: Communicator + ?Sized, K: Cost<f64>, R: OmegaRule<f64> + ?Sized>(
    problem: &Problem<'_, C, K>,
    options: &Options<f64>,
    rule: &mut R,
    x: Potentials<'_, f64>,
    looks: &mut Vec<(u32, f64)>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let &Problem { communicator, ref rows, costs, a, b, epsilon, mass, largest } = problem;
    let coupling = || if epsilon < largest { 1.0 - epsilon / largest } else { 0.0 };
    let omega = rule.begin(&Sight::new(rows.items() + b.len(), mass, mass + mass, &coupling));
    let usable = if omega > 0.0 && omega < 2.0 {
        Ok(())
    } else {
        Err(Error::Option { name: "omega", requirement: "must lie in (0, 2)" })
    };
    let checked = options.stop.check().and_then(|()| problem.check_start(&x)).and(usable);
    agree(communicator, checked)?;
    let mut every = [f64::from(u8::from(observer.every_step()))];
    communicator.max(&mut every)?;
    let watch = Watch::new(every[0] > 0.0);
    problem.mark_empty(x.f, x.g);
    let rank = communicator.rank();
    let columns = Columns::new(rows, b.len(), rows.blocks(), rank);
    let scratch = costs.iter().map(Cost::scratch_len).max().unwrap_or(0);
    let mut run = Sinkhorn {
        next: vec![0.0; a.len()],
        sums: vec![0.0; columns.own().len()],
        scratch: vec![0.0; scratch],
        row_errors: vec![0.0; costs.len()],
        column_errors: vec![0.0; columns.columns.blocks_of(rank).len()],
        columns,
        problem,
        f: x.f,
        g: x.g,
        rule: &mut *rule,
        watch: &watch,
        reach: Reach::new(omega),
        floor: Floor::at(4.0 * f64::EPSILON * (1.0 + largest / epsilon) * mass),
        steps: 0,
        asked: None,
        residual: 0.0,
        fault: None,
        looks,
    };
    run.fault = if run.looks.is_empty() { run.make_rows_exact() } else { run.go_on() }.err();
    let report = drive(&mut run, &options.stop, &mut watch.over(observer));
    match run.fault {
        Some(fault) => Err(fault),
        None => {
            rule.end(&report);
            Ok(report)
        }
    }
}

struct Sinkhorn<'a, C: ?Sized, K, R: ?Sized> {
    problem: &'a Problem<'a, C, K>,
    f: &'a mut [f64],
    g: &'a mut [f64],
    /// The f of the next step.
    next: Vec<f64>,
    columns: Columns,
    /// What this rank's columns sum to with the next f.
    sums: Vec<f64>,
    scratch: Vec<f64>,
    /// A number a block.
    row_errors: Vec<f64>,
    column_errors: Vec<f64>,
    rule: &'a mut R,
    watch: &'a Watch,
    reach: Reach<f64>,
    floor: Floor<f64>,
    steps: u32,
    asked: Option<u32>,
    residual: f64,
    fault: Option<Fault>,
    looks: &'a mut Vec<(u32, f64)>,
}

impl<C: Communicator + ?Sized, K: Cost<f64>, R: OmegaRule<f64> + ?Sized> Sinkhorn<'_, C, K, R> {
    /// What was seen before is seen again; the last step's reading comes before what it taught.
    fn go_on(&mut self) -> Result<(), Fault> {
        let looks = self.looks.clone();
        let Some((&(step, residual), earlier)) = looks.split_last() else { return Ok(()) };
        for (k, &(step, residual)) in earlier.iter().enumerate() {
            self.hear(k == 0, step, residual);
        }
        self.read()?;
        self.hear(earlier.is_empty(), step, residual);
        (self.steps, self.asked, self.residual) = (step, Some(step), residual);
        Ok(())
    }

    /// What the rule and the floor learn of a residual; nothing of the first.
    fn hear(&mut self, first: bool, step: u32, residual: f64) {
        if first {
            return;
        }
        self.floor.look(residual);
        if let Some(omega) = revise(self.rule, step, residual, self.reach.omega()) {
            self.reach = Reach::new(omega);
        }
    }

    /// Reads the costs: `weigh` gets a row's number, the largest of its terms and their sum, and the error so far of the
    /// block, and answers with the row's weight.
    fn pass(
        &mut self,
        mut weigh: impl FnMut(usize, f64, f64, &mut f64, &mut f64) -> f64 + Send,
    ) -> Result<(), Fault> {
        let Self { problem, g, next, columns, sums, scratch, row_errors, .. } = self;
        let (m, mut first) = (problem.b.len(), 0);
        let vectors = columns.vectors.chunks_mut(m.max(1));
        for ((cost, vector), error) in problem.costs.iter().zip(vectors).zip(row_errors) {
            *error = 0.0;
            let mut weigh = |i: usize, largest: f64, sum: f64| {
                weigh(first + i, largest, sum, &mut next[first + i], error)
            };
            cost.pass(problem.epsilon, g, &mut weigh, vector, &mut scratch[..cost.scratch_len()]);
            first += cost.rows();
        }
        columns.add(problem.communicator, sums)
    }

    fn make_rows_exact(&mut self) -> Result<(), Fault> {
        let (a, epsilon) = (self.problem.a, self.problem.epsilon);
        self.pass(|i, largest, sum, next, _| {
            if a[i] == 0.0 {
                *next = f64::NEG_INFINITY;
                return 0.0;
            }
            *next = epsilon * exact_row(a[i], largest, sum);
            a[i] / sum
        })?;
        self.f.copy_from_slice(&self.next);
        let (own, b) = (self.columns.own(), self.problem.b);
        self.each_column(|sums, column| (sums[column - own.start] - b[column]).abs());
        Ok(())
    }

    /// Sums what `error` says of this rank's columns, by pieces.
    fn each_column(&mut self, mut error: impl FnMut(&[f64], usize) -> f64) {
        let rank = self.problem.communicator.rank();
        let pieces = self.columns.columns.blocks_of(rank);
        for (sum, piece) in self.column_errors.iter_mut().zip(pieces) {
            *sum =
                self.columns.columns.items_in(piece).fold(0.0, |sum, column| sum + error(&self.sums, column));
        }
    }

    /// Moves this rank's columns and hears of the others'; false if any has underflowed.
    fn move_columns(&mut self) -> Result<bool, Fault> {
        let &Problem { communicator, b, epsilon, .. } = self.problem;
        let (own, reach) = (self.columns.own(), self.reach);
        let mut moved: Vec<f64> = self.g[own.clone()].to_vec();
        let mut seen = true;
        self.each_column(|sums, column| {
            let at = column - own.start;
            seen &= !unseen(b[column], sums[at]);
            move_column(&mut moved[at], sums[at], b[column], epsilon, reach)
        });
        moved.push(f64::from(u8::from(seen)));
        let columns = &self.columns.columns;
        let counts: Vec<usize> = (0..columns.ranks()).map(|rank| columns.items_of(rank).len() + 1).collect();
        let mut all = vec![0.0; counts.iter().sum()];
        communicator.gather(&moved, &counts, &mut all)?;
        let mut rest = &all[..];
        for (rank, &count) in counts.iter().enumerate() {
            let (here, after) = rest.split_at(count);
            let columns = columns.items_of(rank);
            seen &= here[columns.len()] != 0.0;
            let len = columns.len();
            self.g[columns].copy_from_slice(&here[..len]);
            rest = after;
        }
        Ok(seen)
    }

    fn read(&mut self) -> Result<(), Fault> {
        let (a, epsilon, reach) = (self.problem.a, self.problem.epsilon, self.reach);
        let plain = reach.omega() == 1.0;
        let f = self.f.to_vec();
        self.pass(|i, largest, sum, next, error| {
            let (a, f) = (a[i], f[i]);
            if a == 0.0 {
                return 0.0;
            }
            let delta = exact_row(a, largest, sum) - f / epsilon;
            *error += (a * southwell_simd::elementary::exp_scalar(-delta) - a).abs();
            if plain {
                *next = f + epsilon * delta;
                return a / sum;
            }
            let factor = reach.factor(delta);
            *next = f + epsilon * (factor * delta);
            a / sum * southwell_simd::elementary::exp_scalar((factor - 1.0) * delta)
        })
    }

    fn advance(&mut self) -> Result<(), Fault> {
        for ((f, &next), &a) in self.f.iter_mut().zip(&self.next).zip(self.problem.a) {
            if a > 0.0 {
                *f = next;
            }
        }
        if self.move_columns()? { self.read() } else { self.make_rows_exact() }
    }

    /// The errors of all rows and columns, in the order of the blocks.
    fn look(&mut self) -> Result<f64, Fault> {
        let Problem { communicator, rows, .. } = self.problem;
        let columns = &self.columns.columns;
        let mut mine = vec![f64::from(u8::from(self.watch.wish()))];
        mine.extend_from_slice(&self.row_errors);
        mine.extend_from_slice(&self.column_errors);
        let counts: Vec<usize> = (0..rows.ranks())
            .map(|rank| 1 + rows.blocks_of(rank).len() + columns.blocks_of(rank).len())
            .collect();
        let mut all = vec![0.0; counts.iter().sum()];
        communicator.gather(&mine, &counts, &mut all)?;
        let (mut row_error, mut column_error, mut stop, mut rest) = (0.0, 0.0, false, &all[..]);
        for (rank, &count) in counts.iter().enumerate() {
            let (here, after) = rest.split_at(count);
            let (errors_of_rows, errors_of_columns) = here[1..].split_at(rows.blocks_of(rank).len());
            row_error = errors_of_rows.iter().fold(row_error, |sum, error| sum + error);
            column_error = errors_of_columns.iter().fold(column_error, |sum, error| sum + error);
            stop |= here[0] != 0.0;
            rest = after;
        }
        self.watch.agreed(stop);
        Ok(row_error + column_error)
    }
}

impl<C: Communicator + ?Sized, K: Cost<f64>, R: OmegaRule<f64> + ?Sized> Run for Sinkhorn<'_, C, K, R> {
    type Real = f64;

    fn step(&mut self) {
        if self.fault.is_some() {
            return;
        }
        self.steps += 1;
        self.fault = self.advance().err();
    }

    fn residual(&mut self) -> f64 {
        if self.asked != Some(self.steps) && self.fault.is_none() {
            let first = self.asked.is_none();
            self.asked = Some(self.steps);
            match self.look() {
                Ok(residual) => self.residual = residual,
                Err(fault) => self.fault = Some(fault),
            }
            if self.fault.is_none() {
                self.looks.push((self.steps, self.residual));
                self.hear(first, self.steps, self.residual);
            }
        }
        if self.fault.is_some() { f64::NAN } else { self.residual }
    }

    fn parameter(&self) -> f64 {
        self.reach.omega()
    }

    fn scale(&self) -> f64 {
        self.problem.mass
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() {
            return Some(Status::Breakdown);
        }
        self.floor.stalled().then_some(Status::Stalled)
    }
}
