//! Many problems of one shape, one after the other in one workspace.
//!
//! Each gets exactly what [`sinkhorn::solve`] would make of it; potentials lie one behind the other and are
//! left as warm starts for the next call. For a thousand assignments of 16 × 16, say.

use super::cost::Cost;
use super::problem::{Potentials, Problem};
use super::sinkhorn;
use crate::linear::check_len;
use crate::omega::OmegaRule;
use crate::{Error, Real, Report};

/// Solves every problem from its own g, and writes a report for each.
///
/// `x.f` holds n potentials for each problem in turn, `x.g` m, and `reports` one place; `storage` is as
/// long as one problem needs ([`sinkhorn::Workspace::required_len`]). The rule sees the problems in order, as
/// a sequence of runs. Cost: the solves; the problems are gone through once before, to check them.
///
/// # Errors
/// [`Error::Dimension`] if the problems are not of one shape or the slices do not fit their number; else as
/// [`sinkhorn::start`]. Nothing is touched then, unless the rule hands out an invalid omega in mid-course.
pub fn solve<'a, T, C, R, I>(
    problems: I,
    options: &sinkhorn::Options<T>,
    rule: &mut R,
    x: Potentials<'_, T>,
    storage: &mut [T],
    reports: &mut [Report<T>],
) -> Result<(), Error>
where
    T: Real,
    C: Cost<T> + 'a,
    R: OmegaRule<T> + ?Sized,
    I: IntoIterator<Item = Problem<'a, T, C>, IntoIter: Clone>,
{
    let problems = problems.into_iter();
    let Some(first) = problems.clone().next() else {
        check_len("reports", reports.len(), 0)?;
        check_len("f", x.f.len(), 0)?;
        return check_len("g", x.g.len(), 0);
    };
    options.stop.check()?;
    let (n, m, count) = (first.rows(), first.columns(), problems.clone().count());
    check_len("reports", reports.len(), count)?;
    check_len("f", x.f.len(), count.saturating_mul(n))?;
    check_len("g", x.g.len(), count.saturating_mul(m))?;
    // Marginals have mass, so n and m are not 0.
    let starts = x.f.chunks_exact_mut(n.max(1)).zip(x.g.chunks_exact_mut(m.max(1)));
    for (problem, (f, g)) in problems.clone().zip(starts) {
        check_len("a", problem.rows(), n)?;
        check_len("b", problem.columns(), m)?;
        problem.check_start(&Potentials { f, g })?;
        sinkhorn::Workspace::new(&problem, storage)?;
    }
    let starts = x.f.chunks_exact_mut(n.max(1)).zip(x.g.chunks_exact_mut(m.max(1)));
    for ((problem, (f, g)), report) in problems.zip(starts).zip(reports) {
        let workspace = sinkhorn::Workspace::new(&problem, storage)?;
        *report = sinkhorn::solve(&problem, options, &mut *rule, Potentials { f, g }, workspace, &mut ())?;
    }
    Ok(())
}
