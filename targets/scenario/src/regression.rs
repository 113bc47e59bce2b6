//! Sparse regression to a duality gap, on a small design: by a working set, with a constant, by groups, of labels, and
//! by sweeps in memory that is too short for a working set.

use core::hint::black_box;

use southwell::descent::sparse_regression::{self, Options, Penalty, Problem, Workspace};
use southwell::linear::{Columns, Design};
use southwell::{Error, Real};

use crate::Fnv;

/// Steps and the answer's hash.
type Found = Result<(u32, u64), Error>;

/// Solves from 0, in a working set of at most `capacity` columns; a run without its gap counts as no answer.
fn solve<T: Real, A: Design<T>>(
    problem: &Problem<'_, T, A>,
    capacity: usize,
    x: &mut [T],
    (work, indices): (&mut [T], &mut [u32]),
) -> Found {
    let x = x.get_mut(..problem.shape().1).unwrap_or(&mut []);
    x.fill(T::ZERO);
    let workspace = Workspace::new(problem, black_box(capacity), work, indices)?;
    let found = sparse_regression::solve(problem, &Options::default(), x, workspace, &mut ())?;
    let mut hash = Fnv::default();
    hash.reals(x);
    hash.reals(&[found.primal, found.intercept]);
    Ok((if found.report.converged() { found.report.steps } else { u32::MAX }, hash.value()))
}

/// Least squares of the last column of numbers by the others: a lasso, then one with a constant and w ≥ 0.
#[inline(never)]
pub(crate) fn lasso<T: Real>(
    design: Columns<'_, T>,
    y: &[T],
    x: &mut [T],
    memory: (&mut [T], &mut [u32]),
) -> Found {
    let (work, indices) = memory;
    let problem = Problem::least_squares(&design, y, Penalty::Lasso { lambda: T::from_f64(0.25) })?;
    let (steps, answer) = solve(&problem, 8, x, (&mut *work, &mut *indices))?;
    let penalty = Penalty::NonNegative { lambda: T::from_f64(0.125) };
    let problem = Problem::least_squares(&design, y, penalty)?.with_intercept()?;
    let (more, other) = solve(&problem, 8, x, (work, indices))?;
    Ok((steps.saturating_add(more), answer ^ other.rotate_left(1)))
}

/// Groups of two columns, and what sweeps alone find of an elastic net.
#[inline(never)]
pub(crate) fn groups<T: Real>(
    design: Columns<'_, T>,
    y: &[T],
    x: &mut [T],
    memory: (&mut [T], &mut [u32]),
) -> Found {
    let (work, indices) = memory;
    let groups = black_box([0, 2, 4, 6, 8]);
    let penalty = Penalty::Group { lambda: T::from_f64(0.25), groups: &groups };
    let problem = Problem::least_squares(&design, y, penalty)?;
    let (steps, answer) = solve(&problem, 8, x, (&mut *work, &mut *indices))?;
    let penalty = Penalty::ElasticNet { lambda: T::from_f64(0.25), ridge: T::HALF };
    let (more, other) = solve(&Problem::least_squares(&design, y, penalty)?, 0, x, (work, indices))?;
    Ok((steps.saturating_add(more), answer ^ other.rotate_left(1)))
}

/// The signs of y as labels.
#[inline(never)]
pub(crate) fn labels<T: Real, const N: usize>(
    design: Columns<'_, T>,
    y: &[T],
    x: &mut [T],
    memory: (&mut [T], &mut [u32]),
) -> Found {
    let mut labels = [T::ONE; N];
    for (label, &y) in labels.iter_mut().zip(y) {
        *label = if y < T::ZERO { -T::ONE } else { T::ONE };
    }
    let problem = Problem::logistic(&design, &labels, Penalty::Lasso { lambda: T::from_f64(0.25) })?;
    solve(&problem, 8, x, memory)
}
