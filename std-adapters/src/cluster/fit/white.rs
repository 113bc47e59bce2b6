//! Coordinates in which columns are orthogonal, from reductions of p (p + 1)/2 numbers: X = Z R.
//!
//! Cholesky's factor of XᵀX divides X on the right, and so again, the first time with what keeps it from breaking down added to the
//! diagonal (shifted CholeskyQR3: Fukaya, Kannan, Nakatsukasa, Yamamoto & Yanagisawa 2020; once more, as only then what rounding has
//! left of a dependent column is as small as it is). A column that depends on those before it, as far as rounding shows, becomes 0 in Z,
//! and its coefficient 0.

use super::{Problem, small};
use crate::cluster::{Communicator, Fault};

/// What is left of a column that counts as dependent, in units of ε times columns.
const DEPENDENT: f64 = 64.0;
/// Factors after the first.
const PASSES: usize = 3;

/// This rank's rows of Z, whose columns have square n, and R.
pub(super) fn whiten<C: Communicator + ?Sized>(
    problem: &Problem<'_, C>,
) -> Result<(Vec<f64>, Vec<f64>), Fault> {
    let (p, n) = (problem.columns, problem.rows.items() as f64);
    let mut scales = vec![0.0_f64; p];
    for row in problem.values.chunks_exact(p) {
        scales.iter_mut().zip(row).for_each(|(scale, x)| *scale = scale.max(x.abs()));
    }
    problem.communicator.max(&mut scales)?;
    scales.iter_mut().filter(|scale| **scale == 0.0).for_each(|scale| *scale = 1.0);
    let mut z = vec![0.0; problem.values.len()];
    for (i, (to, from)) in z.chunks_exact_mut(p).zip(problem.values.chunks_exact(p)).enumerate() {
        if problem.weight(i) > 0.0 {
            to.iter_mut().zip(from).zip(&scales).for_each(|((to, from), scale)| *to = from / scale);
        }
    }
    // The first factor, and what columns measured before it.
    let mut gram = problem.gram(&z, |_| 1.0)?;
    let squares: Vec<f64> = diagonal(p).map(|at| gram[at]).collect();
    let trace: f64 = squares.iter().sum();
    let (rows, columns) = (n, p as f64);
    let shift = 5.5 * f64::EPSILON * (rows * columns + columns * (columns + 1.0)) * trace;
    diagonal(p).for_each(|at| gram[at] += shift);
    let (mut r, _) = small::factor(&gram, p, |_| 0.0);
    z.chunks_exact_mut(p).for_each(|row| small::solve_transposed(&r, row));
    let mut dependent = vec![false; p];
    for _ in 0..PASSES {
        let gram = problem.gram(&z, |_| 1.0)?;
        let floor = |k: usize| (DEPENDENT * f64::EPSILON * columns / r[k * p + k]).powi(2) * squares[k];
        let (more, sound) = small::factor(&gram, p, floor);
        for row in z.chunks_exact_mut(p) {
            small::solve_transposed(&more, row);
            row.iter_mut().zip(&sound).filter(|(_, sound)| !**sound).for_each(|(z, _)| *z = 0.0);
        }
        dependent.iter_mut().zip(sound).for_each(|(dependent, sound)| *dependent |= !sound);
        r = small::product(&more, &r, p);
    }
    let length = n.sqrt();
    z.iter_mut().for_each(|z| *z *= length);
    for (k, row) in r.chunks_exact_mut(p).enumerate() {
        row.iter_mut().zip(&scales).for_each(|(r, scale)| *r = *r / length * scale);
        if dependent[k] {
            row.fill(0.0);
            row[k] = 1.0;
        }
    }
    Ok((z, r))
}

/// Where the diagonal of a packed triangle is.
fn diagonal(p: usize) -> impl Iterator<Item = usize> {
    (0..p).scan(0, move |at, k| {
        let here = *at;
        *at += p - k;
        Some(here)
    })
}
