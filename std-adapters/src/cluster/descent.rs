//! Greedy coordinate descent for the lasso over ranks, divided by features or by samples.
//!
//! ```text
//! min_w P(w) = ½ ‖y − A w‖² + λ ‖w‖₁,    r = y − A w,  c = Aᵀ r,  L_j = ‖a_j‖²
//! w*_j = S(w_j + c_j/L_j, λ/L_j),        the j with the largest √L_j |w*_j − w_j| moves      (Gauss-Southwell-Lipschitz)
//! ```
//! *By features* ([`by_features`]): a rank has columns of A and their w; all have r. Each finds the best of its own columns,
//! one gather of three numbers a rank finds the best of all (the lowest of equals), and its owner sends its column to all: n
//! numbers a step.
//!
//! *By samples* ([`by_samples`]): a rank has rows of A and their r; all have w. c is added up in the order of fixed blocks of
//! rows, p numbers a step; everything else is known to all.
//!
//! *Step*: one coordinate; cost: a reading of the rank's part. *Residual*: the duality gap, with r scaled to be feasible;
//! *scale*: ½ ‖y‖². By features a look gathers ‖w‖₁ by blocks; by samples ‖r‖² and rᵀy by blocks.
//!
//! *Bits*: equal for any number of ranks. *Take something else* where p is small: working sets on one machine
//! ([`southwell::descent::sparse_regression`]) need far fewer readings. *Source*: Nutini et al. 2015; the division by
//! features as in Richtárik & Takáč 2016, but greedy.

use std::ops::Range;

use southwell::{Error, Observer, Report, Run, Status, Stop, drive};
use southwell_simd::vector;

use super::columns::Columns;
use super::partition::Sums;
use super::watch::Watch;
use super::{Communicator, Fault, Partition, agree};

/// Moves towards zero by t.
fn shrink(x: f64, t: f64) -> f64 {
    if x > t {
        x - t
    } else if x < -t {
        x + t
    } else {
        0.0
    }
}

/// The best coordinate of some: its place, what it promises, and how far it goes.
#[derive(Clone, Copy, Debug)]
struct Best {
    score: f64,
    place: usize,
    delta: f64,
}

/// The best of all, the first of equals.
fn best(w: &[f64], c: &[f64], lipschitz: &[f64], lambda: f64) -> Best {
    let mut best = Best { score: 0.0, place: 0, delta: 0.0 };
    for (place, ((&w, &c), &l)) in w.iter().zip(c).zip(lipschitz).enumerate() {
        if l > 0.0 {
            let delta = shrink(w + c / l, lambda / l) - w;
            let score = l.sqrt() * delta.abs();
            if score > best.score {
                best = Best { score, place, delta };
            }
        }
    }
    best
}

/// The duality gap of w and r, given the largest |c|.
fn gap(square: f64, product: f64, norm: f64, largest: f64, lambda: f64) -> f64 {
    let u = if largest > lambda { lambda / largest } else { 1.0 };
    // P − D with the dual point u r: ½‖r‖² + λ‖w‖₁ − u rᵀy + ½u²‖r‖².
    (0.5 * square * (1.0 + u * u) + lambda * norm - u * product).max(0.0)
}

fn check(
    matrix: &[f64],
    rows: usize,
    columns: usize,
    y: &[f64],
    w: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
) -> Result<(), Error> {
    stop.check()?;
    for (argument, values, expected) in
        [("matrix", matrix, rows.saturating_mul(columns)), ("y", y, rows), ("w", w, columns)]
    {
        if values.len() != expected {
            return Err(Error::Dimension { argument, expected, given: values.len() });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Value { argument, index });
        }
    }
    if lambda > 0.0 && lambda.is_finite() {
        Ok(())
    } else {
        Err(Error::Option { name: "lambda", requirement: "must be positive and finite" })
    }
}

/// What both divisions do between two looks.
trait Division {
    /// One coordinate; false if none promises anything.
    fn step(&mut self) -> Result<bool, Fault>;
    /// The duality gap, and whether a rank wants to stop.
    fn gap(&mut self, wish: bool) -> Result<(f64, bool), Fault>;
}

struct Descent<'a, D> {
    division: D,
    watch: &'a Watch,
    scale: f64,
    known: Option<f64>,
    failure: Option<Status>,
    fault: Option<Fault>,
}

fn solve<D: Division, C: Communicator + ?Sized>(
    communicator: &C,
    division: D,
    scale: f64,
    stop: &Stop<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let mut every = [f64::from(u8::from(observer.every_step()))];
    communicator.max(&mut every)?;
    let watch = Watch::new(every[0] > 0.0);
    let mut run = Descent { division, watch: &watch, scale, known: None, failure: None, fault: None };
    let report = drive(&mut run, stop, &mut watch.over(observer));
    run.fault.map_or(Ok(report), Err)
}

impl<D: Division> Run for Descent<'_, D> {
    type Real = f64;

    fn step(&mut self) {
        if self.fault.is_some() {
            return;
        }
        self.known = None;
        match self.division.step() {
            Ok(true) => {}
            // Nothing moves: what is left of the gap is rounding.
            Ok(false) => self.failure = Some(Status::Stalled),
            Err(fault) => self.fault = Some(fault),
        }
    }

    fn residual(&mut self) -> f64 {
        if let Some(known) = self.known {
            return known;
        }
        if self.fault.is_some() {
            return f64::NAN;
        }
        match self.division.gap(self.watch.wish()) {
            Ok((gap, stop)) => {
                self.watch.agreed(stop);
                self.known = Some(gap);
                gap
            }
            Err(fault) => {
                self.fault = Some(fault);
                f64::NAN
            }
        }
    }

    fn parameter(&self) -> f64 {
        1.0
    }

    fn scale(&self) -> f64 {
        self.scale
    }

    fn failure(&self) -> Option<Status> {
        if self.fault.is_some() { Some(Status::Breakdown) } else { self.failure }
    }
}

struct Features<'a, C: ?Sized> {
    communicator: &'a C,
    sums: Sums,
    matrix: &'a [f64],
    y: &'a [f64],
    lambda: f64,
    w: &'a mut [f64],
    r: Vec<f64>,
    c: Vec<f64>,
    lipschitz: Vec<f64>,
    column: Vec<u8>,
}

/// Solves from this rank's w: `columns` are its columns of A, one after the other, of the features
/// `features.items_of(rank)`; y is the same on all ranks. Made by all ranks together.
///
/// # Errors
/// [`Fault::Refused`] for lengths that do not fit, numbers that are not finite, a λ that is not positive, and tolerances;
/// those of the communicator.
pub fn by_features<C: Communicator + ?Sized>(
    communicator: &C,
    features: &Partition,
    columns: &[f64],
    y: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
    w: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let (rank, n) = (communicator.rank(), y.len());
    let own = features.items_of(rank).len();
    agree(communicator, check(columns, n, own, y, w, lambda, stop))?;
    let mut division = Features {
        communicator,
        sums: Sums::new(features, rank, 1),
        lipschitz: columns.chunks_exact(n.max(1)).map(|column| vector::dot(column, column)).collect(),
        matrix: columns,
        y,
        lambda,
        w,
        r: y.to_vec(),
        c: vec![0.0; own],
        column: vec![0; 8 * n + 8],
    };
    division.begin(features)?;
    let scale = 0.5 * vector::dot(y, y);
    solve(communicator, division, scale, stop, observer)
}

impl<C: Communicator + ?Sized> Features<'_, C> {
    /// r of a warm start, one feature after the other in the order of the whole.
    fn begin(&mut self, features: &Partition) -> Result<(), Fault> {
        let mut all = vec![0.0; features.items()];
        let counts: Vec<usize> = (0..features.ranks()).map(|rank| features.items_of(rank).len()).collect();
        self.communicator.gather(self.w, &counts, &mut all)?;
        for (feature, &w) in all.iter().enumerate().filter(|(_, w)| **w != 0.0) {
            let owner = features.owner(feature);
            self.moved(owner, feature - features.items_of(owner).start, w)?;
        }
        self.correlate();
        Ok(())
    }

    fn correlate(&mut self) {
        let columns = self.matrix.chunks_exact(self.r.len().max(1));
        self.c.iter_mut().zip(columns).for_each(|(c, column)| *c = vector::dot(column, &self.r));
    }

    /// r ← r − δ a_j, j being a column of the owner, who sends it.
    fn moved(&mut self, owner: usize, place: usize, delta: f64) -> Result<(), Fault> {
        let n = self.r.len();
        let bytes = &mut self.column[..8 * n];
        if self.communicator.rank() == owner {
            let column = &self.matrix[place * n..(place + 1) * n];
            bytes.chunks_exact_mut(8).zip(column).for_each(|(b, a)| b.copy_from_slice(&a.to_le_bytes()));
        }
        self.communicator.broadcast(owner, bytes)?;
        for (r, bytes) in self.r.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut word = [0; 8];
            word.copy_from_slice(bytes);
            *r -= delta * f64::from_le_bytes(word);
        }
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Division for Features<'_, C> {
    fn step(&mut self) -> Result<bool, Fault> {
        let mine = best(self.w, &self.c, &self.lipschitz, self.lambda);
        let size = self.communicator.size();
        let mut all = vec![0.0; 3 * size];
        self.communicator.gather(&[mine.score, mine.place as f64, mine.delta], &vec![3; size], &mut all)?;
        let mut owner = 0;
        for (rank, found) in all.chunks_exact(3).enumerate() {
            if found[0] > all[3 * owner] {
                owner = rank;
            }
        }
        let (score, place, delta) = (all[3 * owner], all[3 * owner + 1] as usize, all[3 * owner + 2]);
        if score == 0.0 {
            return Ok(false);
        }
        if owner == self.communicator.rank() {
            self.w[place] += delta;
        }
        self.moved(owner, place, delta)?;
        self.correlate();
        Ok(true)
    }

    fn gap(&mut self, wish: bool) -> Result<(f64, bool), Fault> {
        let Self { communicator, sums, w, c, r, y, lambda, .. } = self;
        let mut largest = [vector::max_abs(c)];
        communicator.max(&mut largest)?;
        let ([norm], stop) = sums.total(*communicator, wish, |features| [vector::sum_abs(&w[features])])?;
        Ok((gap(vector::dot(r, r), vector::dot(r, y), norm, largest[0], *lambda), stop))
    }
}

struct Samples<'a, C: ?Sized> {
    communicator: &'a C,
    sums: Sums,
    columns: Columns,
    /// The rows of each block of this rank, from its first.
    blocks: Vec<Range<usize>>,
    matrix: &'a [f64],
    y: &'a [f64],
    lambda: f64,
    w: &'a mut [f64],
    r: Vec<f64>,
    c: Vec<f64>,
    lipschitz: Vec<f64>,
}

/// Solves from w, which is the same on all ranks before and after: `matrix` is this rank's part of A by columns (as many
/// numbers a column as `samples.items_of(rank)` is long), y its part of y. `samples` divides the rows into blocks
/// ([`Partition::in_blocks`]), each of which contributes p numbers a step. Made by all ranks together.
///
/// # Errors
/// As [`by_features`].
pub fn by_samples<C: Communicator + ?Sized>(
    communicator: &C,
    samples: &Partition,
    matrix: &[f64],
    y: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
    w: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let rank = communicator.rank();
    let own = samples.items_of(rank);
    let checked = if y.len() == own.len() {
        check(matrix, own.len(), w.len(), y, w, lambda, stop)
    } else {
        Err(Error::Dimension { argument: "y", expected: own.len(), given: y.len() })
    };
    agree(communicator, checked)?;
    let p = w.len();
    let blocks: Vec<Range<usize>> = samples
        .blocks_of(rank)
        .map(|block| {
            let rows = samples.items_in(block);
            rows.start - own.start..rows.end - own.start
        })
        .collect();
    let mut division = Samples {
        communicator,
        sums: Sums::new(samples, rank, 1),
        columns: Columns::new(samples, p, p, rank),
        blocks,
        matrix,
        y,
        lambda,
        r: y.to_vec(),
        c: vec![0.0; p],
        lipschitz: vec![0.0; p],
        w,
    };
    let n = own.len();
    for (column, &w) in matrix.chunks_exact(n.max(1)).zip(&*division.w) {
        if w != 0.0 {
            vector::axpy(-w, column, &mut division.r);
        }
    }
    let mut lipschitz = std::mem::take(&mut division.lipschitz);
    division.add(&mut lipschitz, |column, _| vector::dot(column, column))?;
    division.lipschitz = lipschitz;
    division.correlate()?;
    let ([square], _) =
        division.sums.total(communicator, false, |rows| [vector::dot(&y[rows.clone()], &y[rows])])?;
    solve(communicator, division, 0.5 * square, stop, observer)
}

impl<C: Communicator + ?Sized> Samples<'_, C> {
    /// A number of every column, added over the blocks: `of(the column's rows of a block, r there)`.
    fn add(
        &mut self,
        sums: &mut [f64],
        of: impl for<'x> Fn(&'x [f64], &'x [f64]) -> f64,
    ) -> Result<(), Fault> {
        let (n, p) = (self.r.len(), self.w.len());
        for (block, vector) in self.blocks.iter().zip(self.columns.vectors.chunks_exact_mut(p.max(1))) {
            for (sum, column) in vector.iter_mut().zip(self.matrix.chunks_exact(n.max(1))) {
                *sum = of(&column[block.clone()], &self.r[block.clone()]);
            }
        }
        let values = vec![0.0; self.blocks.len()];
        self.columns.add_all(self.communicator, &values, sums).map(drop)
    }

    fn correlate(&mut self) -> Result<(), Fault> {
        let mut c = std::mem::take(&mut self.c);
        let added = self.add(&mut c, vector::dot);
        self.c = c;
        added
    }
}

impl<C: Communicator + ?Sized> Division for Samples<'_, C> {
    fn step(&mut self) -> Result<bool, Fault> {
        let best = best(self.w, &self.c, &self.lipschitz, self.lambda);
        if best.score == 0.0 {
            return Ok(false);
        }
        self.w[best.place] += best.delta;
        let n = self.r.len();
        vector::axpy(-best.delta, &self.matrix[best.place * n..(best.place + 1) * n], &mut self.r);
        self.correlate()?;
        Ok(true)
    }

    fn gap(&mut self, wish: bool) -> Result<(f64, bool), Fault> {
        let Self { communicator, sums, w, c, r, y, lambda, .. } = self;
        let ([square, product], stop) = sums.total(*communicator, wish, |rows| {
            [vector::dot(&r[rows.clone()], &r[rows.clone()]), vector::dot(&r[rows.clone()], &y[rows])]
        })?;
        Ok((gap(square, product, vector::sum_abs(w), vector::max_abs(c), *lambda), stop))
    }
}
