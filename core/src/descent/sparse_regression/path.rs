//! A regularisation path: the solutions of a problem for a sequence of λ.
//!
//! Every λ starts from the solution before it, with the working set, its Gram matrix and the factor of the support
//! as they were left: what was learned of the columns is not learned again.

use core::ops::ControlFlow;

use super::problem::Problem;
use super::run::{SparseRegression, start};
use super::working_set::{OUTSIDE, SCREENED, index_at, put};
use super::workspace::Workspace;
use super::{Options, Outcome};
use crate::linear::Design;
use crate::{Error, Real, Status, drive};

/// Solves for every λ of `lambdas` in turn, from the w that is handed in; the last solution is left there.
///
/// `each` is given the position in `lambdas`, w and how its run ended, and may break off. Falling λ are what
/// warm starts are good for; `options.stop` counts for each of them. Returns how many were solved
/// (or given up).
///
/// ```
/// use core::ops::ControlFlow;
/// use southwell::descent::sparse_regression::{self, Options, Outcome, Penalty, Problem, Workspace};
/// use southwell::linear::Columns;
/// let design = Columns::new(&[1.0, 0.0, 0.0, 1.0], 2, 2)?;
/// let problem = Problem::least_squares(&design, &[3.0, 1.0], Penalty::Lasso { lambda: 1.0 })?;
/// let mut storage = [0.0; Workspace::<f64>::required_len(2, 2, 2)];
/// let mut indices = [0; Workspace::<f64>::required_indices(2, 2)];
/// let workspace = Workspace::new(&problem, 2, &mut storage, &mut indices)?;
/// let (mut w, mut nonzeros) = ([0.0; 2], [0; 3]);
/// let options = Options::default();
/// sparse_regression::path(&problem, &[3.0, 2.0, 0.5], &options, &mut w, workspace, |k, _w, outcome: &Outcome<f64>| {
///     nonzeros[k] = outcome.nonzeros;
///     ControlFlow::Continue(())
/// })?;
/// assert_eq!(nonzeros, [0, 1, 2]);
/// # Ok::<(), southwell::Error>(())
/// ```
///
/// # Errors
/// As [`start`], and [`Error::Value`] for a λ that [`Problem::with_lambda`] refuses; nothing is touched then.
pub fn path<'a, T: Real, A: Design<T>>(
    problem: &Problem<'a, T, A>,
    lambdas: &[T],
    options: &Options<T>,
    x: &'a mut [T],
    workspace: Workspace<'a, T>,
    mut each: impl FnMut(usize, &[T], &Outcome<T>) -> ControlFlow<()>,
) -> Result<usize, Error> {
    if let Some(index) = lambdas.iter().position(|&lambda| problem.with_lambda(lambda).is_err()) {
        return Err(Error::Value { argument: "lambdas", index });
    }
    let Some(&first) = lambdas.first() else { return Ok(0) };
    let mut run = start(&problem.with_lambda(first)?, options, x, workspace)?;
    for (k, &lambda) in lambdas.iter().enumerate() {
        if k > 0 {
            run.move_to(problem.with_lambda(lambda)?);
        }
        let report = drive(&mut run, &options.stop, &mut ());
        let outcome = run.outcome(report);
        if each(k, run.x, &outcome).is_break() || report.status == Status::NotFinite {
            return Ok(k + 1);
        }
    }
    Ok(lambdas.len())
}

impl<'a, T: Real, A: Design<T>> SparseRegression<'a, T, A> {
    /// Goes on with the same problem at another λ.
    fn move_to(&mut self, problem: Problem<'a, T, A>) {
        self.problem = problem;
        let Workspace { features, set, .. } = &mut self.work;
        features.weigh(&problem);
        for place in features.place.iter_mut() {
            if *place == SCREENED {
                *place = OUTSIDE;
            }
        }
        for slot in 0..set.len {
            let column = index_at(set.columns, slot) as usize;
            put(set.threshold, slot, problem.lambda * problem.weight(problem.block_of(column)));
        }
        self.resume();
    }
}
