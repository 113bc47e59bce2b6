//! A proof over ranks that a fit at a quantile is the best there is.
//!
//! The 3 p rows of smallest residual go to all ranks. At β every other row has a side, so that together they weigh as
//! one row: Σ s_i (y_i − x_i·β) = ȳ − x̄·β with the slopes s_i of their sides, x̄ and ȳ added up in blocks. The problem of the near
//! rows and this one is small, and [`certify::vertex`] of it is made on every rank. What it proves it proves of the whole: a slope
//! of the row of sums between 0 and its bound is slopes within bounds for all rows in it, so that the bound holds wherever the vertex
//! lies; and the value of the vertex is added up over all rows.

use southwell::subgradient::certify::{self, Vertex};
use southwell::subgradient::{Quantile, Table};
use southwell_simd::vector;

use super::{Problem, loss_of};
use crate::cluster::{Communicator, Fault};

/// Rows that are looked at for each column: as many as [`certify::vertex`] looks at.
const CANDIDATES: usize = 3;
/// What rounding may take from a proof: as in [`certify`].
const ROUNDING: f64 = 64.0;
/// The residual of the row of sums, relative to what it is made of, below which its side is not sure.
const SIDE: f64 = 1e-9;

/// Where a vertex is, and what is known of it.
type Found = (Vec<f64>, Vertex<f64>);

/// A row that is near: its residual, its number, its weight, y, x.
struct Near {
    size: f64,
    place: usize,
    weight: f64,
    y: f64,
    x: Vec<f64>,
}

/// The vertex near β, if one that proves something is there: where it is, and what is known of it.
pub(super) fn near<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
    q: f64,
    beta: &[f64],
) -> Result<Option<Found>, Fault> {
    let p = problem.columns;
    let near = nearest(problem, beta)?;
    let first = problem.rows.items_of(problem.communicator.rank()).start;
    let mut numbers: Vec<usize> = near.iter().map(|row| row.place).collect();
    numbers.sort_unstable();
    // x̄, ȳ and Σ |s y| of the others.
    let sums = problem.add(p + 2, |rows, sums| {
        let (x, others) = sums.split_at_mut(p);
        for i in rows.filter(|i| numbers.binary_search(&(first + i)).is_err()) {
            let (_, slope) = loss_of(q, problem.weight(i), problem.residual(i, beta));
            vector::axpy(slope, problem.row(i), x);
            others[0] += slope * problem.y[i];
            others[1] += (slope * problem.y[i]).abs();
        }
    })?;
    let (bar, rest) = sums.split_at(p);
    let others = rest[1] > 0.0 || bar.iter().any(|x| *x != 0.0);
    let mut values: Vec<f64> = near.iter().flat_map(|row| row.x.iter().copied()).collect();
    let mut y: Vec<f64> = near.iter().map(|row| row.y).collect();
    let mut weights: Vec<f64> = near.iter().map(|row| row.weight).collect();
    if others {
        values.extend(bar);
        y.push(rest[0]);
        // Its slope is 1 on the side where its residual is positive.
        weights.push(1.0 / q);
    }
    let Some((corner, found)) = small_vertex(&values, &y, &weights, q, beta) else { return Ok(None) };
    if others {
        let made_of = corner.iter().zip(bar).fold(rest[0].abs(), |sum, (b, x)| sum + (b * x).abs());
        if rest[0] - vector::dot(bar, &corner) <= SIDE * made_of {
            return Ok(None);
        }
    }
    let value = problem.value(q, &corner)?;
    let added = near.iter().fold(rest[1], |sum, row| sum + (row.weight * row.y).abs());
    let allowed = ROUNDING * f64::EPSILON * p as f64 * added;
    let bound = found.lower_bound.min(value);
    let optimal = found.optimal && (value - bound).abs() <= allowed;
    Ok(Some((corner, Vertex { value, lower_bound: bound, optimal })))
}

/// The vertex of a small problem near β.
fn small_vertex(values: &[f64], y: &[f64], weights: &[f64], q: f64, beta: &[f64]) -> Option<Found> {
    let p = beta.len();
    let table = Table::new(values, y.len(), p).ok()?;
    let loss = Quantile::new(table, y, q).and_then(|loss| loss.weighted(weights)).ok()?;
    let (mut storage, mut indices) = (vec![0.0; certify::vertex_len(p)], vec![0; certify::vertex_indices(p)]);
    let mut corner = beta.to_vec();
    let found = certify::vertex(&loss, &mut corner, &mut storage, &mut indices).ok()??;
    // A vertex that is worse was not taken, and where it is is not known.
    (found.value <= loss.value(beta)).then_some((corner, found))
}

/// The rows of smallest residual over all ranks, by their size, then their number: alike on all ranks.
fn nearest<C: Communicator + ?Sized>(problem: &Problem<'_, C>, beta: &[f64]) -> Result<Vec<Near>, Fault> {
    let Problem { communicator, rows, columns: p, .. } = problem;
    let (rank, most, width) = (communicator.rank(), CANDIDATES * p, p + 4);
    let own = rows.items_of(rank);
    let used = (0..own.len()).filter(|&i| problem.weight(i) > 0.0);
    let mut sizes: Vec<(f64, usize)> = used.map(|i| (problem.residual(i, beta).abs(), i)).collect();
    let order = |a: &(f64, usize), b: &(f64, usize)| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1));
    if sizes.len() > most {
        sizes.select_nth_unstable_by(most, order);
        sizes.truncate(most);
    }
    sizes.sort_by(order);
    let mut counts = vec![0.0; communicator.size()];
    communicator.gather(&[sizes.len() as f64], &vec![1; communicator.size()], &mut counts)?;
    let counts: Vec<usize> = counts.iter().map(|&count| count as usize * width).collect();
    let mine: Vec<f64> = sizes
        .iter()
        .flat_map(|&(size, i)| {
            let about = [size, (own.start + i) as f64, problem.weight(i), problem.y[i]];
            about.into_iter().chain(problem.row(i).iter().copied())
        })
        .collect();
    let mut all = vec![0.0; counts.iter().sum()];
    communicator.gather(&mine, &counts, &mut all)?;
    let mut near: Vec<Near> = all
        .chunks_exact(width)
        .map(|row| Near {
            size: row[0],
            place: row[1] as usize,
            weight: row[2],
            y: row[3],
            x: row[4..].to_vec(),
        })
        .collect();
    near.sort_by(|a, b| a.size.total_cmp(&b.size).then(a.place.cmp(&b.place)));
    near.truncate(most);
    Ok(near)
}
