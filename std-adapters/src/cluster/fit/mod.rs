//! Robust linear regression over ranks, divided by rows: absolute deviations, quantiles, Huber's loss.
//!
//! ```text
//! min Σ w_i ρ_q(y_i − x_i·β):  X = Z R,  b = R β,  g = Σ_b g_b over blocks of rows, added in their order
//! ```
//! The method is that of [`southwell::subgradient::fit`]: the coordinates b, whose columns are orthogonal; the least-squares fit as
//! the start; lengths from the median residual down by the ratio, begun anew twice; every 25 steps the vertex near the best point,
//! which may prove that it is a minimum. All ranks have b, β and R and take every decision alike; sums are over blocks, so that bits
//! do not depend on the number of ranks. (They have another order than those of one piece and agree with them to rounding: a vertex
//! that is proven is the same.)
//!
//! | what | how often | sends, a rank | gathers, a rank |
//! |---|---|---|---|
//! | R, by four factors of ZᵀZ | once | (own blocks)·p (p + 1)/2 elements in P − 1 messages, each | p (p + 1)/(2 P) |
//! | the median residual, exactly | once; Huber: a few times | – | 9 · 256 numbers and a reduction |
//! | a step | | (own blocks)·p elements in P − 1 messages | p/P, and 2 numbers a block |
//! | a vertex | 25 steps | (own blocks)·(p + 2) elements in P − 1 messages | 3 p rows, (p + 2)/P, and at most 2 numbers a block |
//! | Huber: a step | | (own blocks)·p (p + 3)/2 elements in P − 1 messages | p (p + 3)/(2 P), 3 numbers a block, and a reduction |
//!
//! *Memory* of a rank: its rows twice, 3 p² and p (p + 1)/2 a block. *Fails* to prove anything where core does; there is no bound from
//! averages here, which proves something of data that are degenerate: fit those on one machine.

mod huber;
mod order;
mod run;
mod small;
mod vertex;
mod white;

use std::ops::Range;

use southwell::subgradient::refine::Refined;
use southwell::{Error, Observer, Status};
use southwell_simd::vector;

use super::columns::Columns;
use super::partition::Sums;
use super::{Communicator, Fault, Keep, Partition, agree};
use crate::owned::{Fitted, Loss, Settings};

/// The rows of a fit that this rank has.
#[derive(Debug)]
pub struct Problem<'a, C: ?Sized> {
    communicator: &'a C,
    rows: Partition,
    values: &'a [f64],
    columns: usize,
    y: &'a [f64],
    weights: &'a [f64],
}

impl<'a, C: Communicator + ?Sized> Problem<'a, C> {
    /// Checks this rank's part: `rows` divides the rows of the whole into blocks ([`Partition::in_blocks`]), `values` are this rank's
    /// row by row, `columns` each (with a column of ones for an intercept), `y` its observations, and `weights` what its rows count,
    /// empty on every rank where all count the same. Made by all ranks together; cost: two gathers and a reduction.
    ///
    /// # Errors
    /// [`Fault::Refused`] for what [`southwell::subgradient::Quantile`] refuses, rows counted from the first of the rank; those of
    /// the communicator.
    pub fn new(
        communicator: &'a C,
        rows: Partition,
        values: &'a [f64],
        columns: usize,
        y: &'a [f64],
        weights: &'a [f64],
    ) -> Result<Self, Fault> {
        let own = rows.items_of(communicator.rank()).len();
        agree(communicator, check(own, values, columns, y, weights))?;
        let problem = Self { communicator, rows, values, columns, y, weights };
        let ([weight], _) =
            problem.sums().total(communicator, false, |own| [own.map(|i| problem.weight(i)).sum()])?;
        if weight > 0.0 {
            Ok(problem)
        } else {
            let error = Error::Mass { argument: "weights", requirement: "must not be zero" };
            Err(Fault::Refused { rank: 0, message: error.to_string() })
        }
    }

    fn row(&self, i: usize) -> &'a [f64] {
        &self.values[i * self.columns..(i + 1) * self.columns]
    }

    fn weight(&self, i: usize) -> f64 {
        self.weights.get(i).copied().unwrap_or(1.0)
    }

    fn residual(&self, i: usize, beta: &[f64]) -> f64 {
        self.y[i] - vector::dot(self.row(i), beta)
    }

    fn sums(&self) -> Sums {
        Sums::new(&self.rows, self.communicator.rank(), 1)
    }

    /// The rows of each block of this rank, from its first.
    fn blocks(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        let rank = self.communicator.rank();
        let first = self.rows.items_of(rank).start;
        self.rows.blocks_of(rank).map(move |block| {
            let rows = self.rows.items_in(block);
            rows.start - first..rows.end - first
        })
    }

    /// A sum of vectors, which `of` writes for the rows of a block into zeros.
    fn add(&self, length: usize, mut of: impl FnMut(Range<usize>, &mut [f64])) -> Result<Vec<f64>, Fault> {
        let mut columns = Columns::new(&self.rows, length, length, self.communicator.rank());
        for (rows, vector) in self.blocks().zip(columns.vectors.chunks_exact_mut(length.max(1))) {
            of(rows, vector);
        }
        let (none, mut sums) = (vec![[0.0; 0]; self.blocks().count()], vec![0.0; length]);
        columns.add_all(self.communicator, &none, &mut sums)?;
        Ok(sums)
    }

    /// Σ v_i z_i z_iᵀ, packed, for rows of as many columns, `weight` giving v.
    fn gram(&self, z: &[f64], weight: impl Fn(usize) -> f64) -> Result<Vec<f64>, Fault> {
        let p = self.columns;
        self.add(small::packed(p), |rows, sums| {
            for i in rows {
                small::add_square(weight(i), &z[i * p..(i + 1) * p], sums);
            }
        })
    }

    /// Σ w_i ρ_q(y_i − x_i·β) over all rows.
    fn value(&self, q: f64, beta: &[f64]) -> Result<f64, Fault> {
        let value = |own: Range<usize>| {
            [own.map(|i| loss_of(q, self.weight(i), self.residual(i, beta)).0).sum::<f64>()]
        };
        Ok(self.sums().total(self.communicator, false, value)?.0[0])
    }

    /// The median of |y − Xβ| up to a limit, rows of weight 0 left out, and how many these are.
    fn middle(&self, beta: &[f64], limit: f64) -> Result<(f64, usize), Fault> {
        let used = (0..self.y.len()).filter(|&i| self.weight(i) > 0.0);
        let sizes = used.map(|i| self.residual(i, beta).abs()).filter(|&size| size <= limit);
        order::median(self.communicator, sizes.collect::<Vec<f64>>().iter().copied())
    }
}

/// w ρ_q(r), and its slope.
fn loss_of(q: f64, weight: f64, residual: f64) -> (f64, f64) {
    if weight == 0.0 || residual == 0.0 {
        // Even where the residual of a row that plays no part overflows.
        return (0.0, 0.0);
    }
    let slope = weight * if residual > 0.0 { q } else { q - 1.0 };
    (slope * residual, slope)
}

fn check(own: usize, values: &[f64], columns: usize, y: &[f64], weights: &[f64]) -> Result<(), Error> {
    if columns == 0 {
        return Err(Error::Option { name: "values", requirement: "must have a row and a column" });
    }
    let weighed = if weights.is_empty() { 0 } else { own };
    let lengths =
        [("values", values, own.saturating_mul(columns)), ("y", y, own), ("weights", weights, weighed)];
    for (argument, values, expected) in lengths {
        if values.len() != expected {
            return Err(Error::Dimension { argument, expected, given: values.len() });
        }
        if let Some(index) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::Value { argument, index });
        }
    }
    match weights.iter().position(|&weight| weight < 0.0) {
        Some(index) => Err(Error::Negative { argument: "weights", index }),
        None => Ok(()),
    }
}

/// Fits. `settings.certify` is not looked at: a vertex is tried in any case, and nothing else proves anything here. Made by all ranks
/// together, and alike on all when it ends; steps by absolute values go on from what `keep` gives and are kept there.
///
/// # Errors
/// [`Fault::Refused`] for tolerances, the quantile and the ratio, and for a state of another run; those of `keep` and of the
/// communicator.
pub fn solve<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    loss: Loss,
    settings: &Settings,
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Fitted, Fault> {
    let (q, unit) = match loss {
        Loss::Quantile(q) => (q, 1.0),
        Loss::Absolute | Loss::Huber => (0.5, 2.0),
    };
    let inside = |value: f64| value > 0.0 && value < 1.0;
    let requirement = "must lie between 0 and 1";
    let sound = settings.stop.check().and_then(|()| match (inside(q), inside(settings.ratio)) {
        (false, _) => Err(Error::Option { name: "quantile", requirement }),
        (_, false) => Err(Error::Option { name: "ratio", requirement }),
        _ => Ok(()),
    });
    agree(problem.communicator, sound)?;
    let fitted = run::solve(problem, q, unit, settings, keep, observer)?;
    if loss == Loss::Huber && fitted.report.status != Status::Stopped {
        return huber::solve(problem, &settings.stop, fitted.coefficients, observer);
    }
    Ok(fitted)
}

/// Rejects rows far from a robust fit β and fits the others by least squares, as [`southwell::subgradient::refine`] does. Made by
/// all ranks together.
///
/// # Errors
/// Those of the communicator.
pub fn refine<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    beta: &mut [f64],
) -> Result<Refined<f64>, Fault> {
    huber::refine(problem, beta)
}
