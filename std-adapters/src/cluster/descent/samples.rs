//! Divided by samples.

use std::ops::Range;

use southwell::{Error, Observer, Report, Stop};
use southwell_simd::vector;

use super::{Division, best, check, check_residual, gap, solve};
use crate::cluster::columns::Columns;
use crate::cluster::partition::Sums;
use crate::cluster::{Communicator, Fault, Partition, agree};

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
    r: &'a mut [f64],
    c: Vec<f64>,
    lipschitz: Vec<f64>,
}

/// Solves from w, which is the same on all ranks before and after: `matrix` is this rank's part of A by columns (as many
/// numbers a column as `samples.items_of(rank)` is long), y its part of y. `samples` divides the rows into blocks
/// ([`Partition::in_blocks`]), each of which contributes p numbers a step. Made by all ranks together.
///
/// # Errors
/// As [`by_features`](super::by_features).
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
    by_samples_on(communicator, samples, matrix, y, lambda, stop, w, &mut Vec::new(), observer)
}

/// The same in parts: goes on from w and this rank's r = y − A w as the part before left them, with the bits of a run in one part;
/// an empty r begins.
///
/// # Errors
/// As [`by_samples`].
pub fn by_samples_on<C: Communicator + ?Sized>(
    communicator: &C,
    samples: &Partition,
    matrix: &[f64],
    y: &[f64],
    lambda: f64,
    stop: &Stop<f64>,
    w: &mut [f64],
    r: &mut Vec<f64>,
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let rank = communicator.rank();
    let own = samples.items_of(rank);
    let checked = if y.len() == own.len() {
        check(matrix, own.len(), w.len(), y, w, lambda, stop)
    } else {
        Err(Error::Dimension { argument: "y", expected: own.len(), given: y.len() })
    };
    agree(communicator, checked.and_then(|()| check_residual(r, own.len())))?;
    let mut division = Samples::new(communicator, samples, matrix, y, lambda, w, r);
    let mut lipschitz = std::mem::take(&mut division.lipschitz);
    division.add(&mut lipschitz, |column, _| vector::dot(column, column))?;
    division.lipschitz = lipschitz;
    division.correlate()?;
    let ([square], _) =
        division.sums.total(communicator, false, |rows| [vector::dot(&y[rows.clone()], &y[rows])])?;
    solve(communicator, division, 0.5 * square, stop, observer)
}

/// The least λ for which w = 0 is the best: the largest |a_jᵀ y|, of p features. Cost: a reading, and a sum of p numbers a block.
///
/// # Errors
/// [`Fault::Refused`] for lengths that do not fit; those of the communicator.
pub fn lambda_max_by_samples(
    communicator: &(impl Communicator + ?Sized),
    samples: &Partition,
    matrix: &[f64],
    y: &[f64],
    features: usize,
) -> Result<f64, Fault> {
    let expected = samples.items_of(communicator.rank()).len();
    let fits = y.len() == expected && matrix.len() == expected.saturating_mul(features);
    let words = Error::Dimension { argument: "y", expected, given: y.len() };
    agree(communicator, if fits { Ok(()) } else { Err(words) })?;
    let (mut w, mut r) = (vec![0.0; features], Vec::new());
    let mut division = Samples::new(communicator, samples, matrix, y, 1.0, &mut w, &mut r);
    division.correlate()?;
    Ok(vector::max_abs(&division.c))
}

impl<'a, C: Communicator + ?Sized> Samples<'a, C> {
    /// Nothing is known yet; r is that of w where it was empty.
    fn new(
        communicator: &'a C,
        samples: &Partition,
        matrix: &'a [f64],
        y: &'a [f64],
        lambda: f64,
        w: &'a mut [f64],
        r: &'a mut Vec<f64>,
    ) -> Self {
        let (rank, p) = (communicator.rank(), w.len());
        let own = samples.items_of(rank);
        let blocks: Vec<Range<usize>> = samples
            .blocks_of(rank)
            .map(|block| {
                let rows = samples.items_in(block);
                rows.start - own.start..rows.end - own.start
            })
            .collect();
        if r.is_empty() {
            r.extend_from_slice(y);
            for (column, &w) in matrix.chunks_exact(own.len().max(1)).zip(&*w) {
                if w != 0.0 {
                    vector::axpy(-w, column, r);
                }
            }
        }
        Self {
            communicator,
            sums: Sums::new(samples, rank, 1),
            columns: Columns::new(samples, p, p, rank),
            blocks,
            matrix,
            y,
            lambda,
            w,
            r,
            c: vec![0.0; p],
            lipschitz: vec![0.0; p],
        }
    }

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
        let none = vec![[0.0; 0]; self.blocks.len()];
        self.columns.add_all(self.communicator, &none, sums).map(drop)
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
        vector::axpy(-best.delta, &self.matrix[best.place * n..(best.place + 1) * n], self.r);
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
