//! A run that goes on where another one was left, with the bits of one that never ended.
//!
//! Of a run between two steps its potentials are not all: the next f and the columns' sums with it have been
//! read already, and the rule of omega remembers what it saw. The first two are kept ([`Pause`]), and the rule is
//! shown all residuals again. Nothing is read.

use super::{Options, Sinkhorn, Workspace, begin};
use crate::copy::CopyFrom;
use crate::linear::{check_finite, check_len};
use crate::omega::OmegaRule;
use crate::transport::cost::Cost;
use crate::transport::problem::{Potentials, Problem};
use crate::{Error, Real};

/// What is left of a run between two steps, besides its potentials; numbers to be written down.
#[derive(Clone, Copy, Debug)]
pub struct Pause<'p, T> {
    /// The f of the step that comes next (n); −∞ where there is no mass.
    pub next: &'p [T],
    /// What the columns sum to with it and the g that is there (m).
    pub sums: &'p [T],
    /// The errors of the rows and of the columns, as [`Sinkhorn::errors`] says them.
    pub errors: (T, T),
    /// Steps that were taken.
    pub steps: u32,
}

impl<T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized> Sinkhorn<'_, T, C, R> {
    /// What [`resume`] needs to go on from here, with the [potentials](Sinkhorn::potentials).
    #[must_use]
    pub fn pause(&self) -> Pause<'_, T> {
        Pause {
            next: self.work.next,
            sums: self.work.sums,
            errors: (self.row_error, self.column_error),
            steps: self.steps,
        }
    }
}

/// Goes on with a run of the same problem and options: potentials and [`Pause`] as they were, a rule as it was
/// before that run began, and all that the run looked at, steps counted from its first start and their residuals
/// (what an [`Observer`](crate::Observer) was shown; step 0 may be among them). The steps that follow have the bits
/// of a run that never paused. Cost: no reading of the costs; the rule hears every residual again.
///
/// # Errors
/// As [`start`](super::start); [`Error::Dimension`] and [`Error::Value`] for what `pause` holds. The potentials are
/// untouched then.
pub fn resume<'a, T: Real, C: Cost<T>, R: OmegaRule<T> + ?Sized>(
    problem: &Problem<'a, T, C>,
    options: &Options<T>,
    rule: &'a mut R,
    mut x: Potentials<'a, T>,
    work: Workspace<'a, T>,
    pause: &Pause<'_, T>,
    looks: impl IntoIterator<Item = (u32, T)>,
) -> Result<Sinkhorn<'a, T, C, R>, Error> {
    check_len("next", pause.next.len(), problem.rows())?;
    check_len("sums", pause.sums.len(), problem.columns())?;
    check_finite("sums", pause.sums)?;
    let bad = pause.next.iter().zip(problem.a()).position(|(f, &a)| a > T::ZERO && !f.is_finite());
    if let Some(index) = bad {
        return Err(Error::Value { argument: "next", index });
    }
    let (row_error, column_error) = pause.errors;
    check_finite("errors", &[row_error, column_error])?;
    let reach = begin(problem, options, rule, &x, &work)?;
    problem.mark_empty(&mut x);
    let mut run = Sinkhorn::new(problem, rule, x, work, reach);
    run.work.next.copy_from(pause.next);
    run.work.sums.copy_from(pause.sums);
    for (step, residual) in looks {
        run.look(step, residual);
    }
    (run.row_error, run.column_error) = (row_error, column_error);
    run.steps = pause.steps;
    Ok(run)
}
