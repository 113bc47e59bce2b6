//! The beginning of a run: everything is checked before anything is touched.

use super::losses::Loss;
use super::measure::bounded;
use super::penalties::{Block, Penalty};
use super::problem::Problem;
use super::run::Descent;
use super::selection::{Selection, Sight};
use super::update::{Update, block_lipschitz};
use super::workspace::{Scheme, Sizes, Workspace};
use super::{Measure, Options, gather};
use crate::{Error, Real, Run};

/// Begins a run from the x that is handed in; where a penalty confines it, the nearest allowed x.
///
/// # Errors
/// [`Error::Option`] for tolerances, and for a rule or an update that does not fit the problem; [`Error::Dimension`] or
/// [`Error::Value`] for x and for a partition of other variables; [`Error::Workspace`] if the workspace was carved for
/// another problem or scheme. x is untouched then.
pub fn start<'a, T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
    problem: &Problem<'a, L, H>,
    options: &Options<T>,
    scheme: &'a mut Scheme<S, U>,
    x: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Descent<'a, T, L, H, S, U>, Error> {
    options.stop.check()?;
    problem.check_start(x)?;
    let (variables, penalty) = (problem.loss.variables(), problem.penalty);
    if let Some(partition) = scheme.select.partition() {
        crate::linear::check_len("partition", partition.variables(), variables)?;
        if let Some(blocks) = penalty.blocks() {
            crate::linear::check_len("partition", partition.len(), blocks)?;
        }
    } else if !penalty.separable() {
        return Err(Error::Option { name: "selection", requirement: "must keep the blocks of the penalty" });
    }
    if options.measure == Measure::Gap && !bounded(problem) {
        return Err(Error::Option {
            name: "measure",
            requirement: "must be the violation where a block is unbounded",
        });
    }
    scheme.select.check(problem)?;
    scheme.update.check(problem)?;
    let sizes = Sizes::of(problem, scheme);
    if sizes != work.sizes {
        let (needed, given) =
            (Workspace::<T>::required_len(&sizes), Workspace::<T>::required_len(&work.sizes));
        return Err(Error::Workspace { needed, given });
    }
    let rule = scheme.select.needs(variables, penalty.is_zero());
    let rank = scheme.select.rank(penalty);
    let mut run = Descent {
        problem: *problem,
        scheme,
        measure: options.measure,
        x,
        work,
        rule,
        fresh: false,
        rank,
        best: None,
        moved: None,
        idle: 0,
        scale: T::ZERO,
        last: 0,
        failure: None,
    };
    run.project();
    run.problem.loss.begin(run.x, run.work.state);
    run.fill_constants();
    run.begin_parts();
    run.scale = run.residual();
    Ok(run)
}

impl<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>> Descent<'_, T, L, H, S, U> {
    /// x ← the nearest x that the penalty allows.
    fn project(&mut self) {
        let penalty = self.problem.penalty;
        if penalty.is_zero() {
            return;
        }
        if penalty.separable() {
            for (i, x) in self.x.iter_mut().enumerate() {
                let i = [i as u32];
                penalty.prox(Block { number: 0, variables: &i }, T::ZERO, core::slice::from_mut(x));
            }
            return;
        }
        let Some(partition) = self.scheme.select.partition() else { return };
        for number in 0..partition.len() {
            let len = partition.fill(number, self.work.block);
            let variables = self.work.block.get(..len).unwrap_or(&[]);
            let Some(of_x) = self.work.old.get_mut(..len) else { continue };
            gather(variables, self.x, of_x);
            penalty.prox(Block { number, variables }, T::ZERO, of_x);
            for (&i, &of_x) in variables.iter().zip(&*of_x) {
                if let Some(x) = self.x.get_mut(i as usize) {
                    *x = of_x;
                }
            }
        }
    }

    /// L_b of every block, if they are stored.
    fn fill_constants(&mut self) {
        let loss = self.problem.loss;
        match self.scheme.select.partition() {
            Some(partition) => {
                for (number, constant) in self.work.constants.iter_mut().enumerate() {
                    let len = partition.fill(number, self.work.block);
                    let variables = self.work.block.get(..len).unwrap_or(&[]);
                    *constant = block_lipschitz(loss, variables, self.work.rest);
                }
            }
            None => {
                for (i, constant) in self.work.constants.iter_mut().enumerate() {
                    *constant = loss.lipschitz(i);
                }
            }
        }
    }

    fn begin_parts(&mut self) {
        let Scheme { select, update } = &mut *self.scheme;
        let Some((numbers, way_numbers)) = self.work.rest.split_at_mut_checked(self.rule.numbers) else {
            return;
        };
        let Some((indices, way_indices)) = self.work.indices.split_at_mut_checked(self.rule.indices) else {
            return;
        };
        update.begin(&self.problem, (way_numbers, way_indices));
        select.begin(Sight {
            problem: &self.problem,
            x: self.x,
            gradient: &[],
            constants: self.work.constants,
            moved: None,
            best: None,
            scratch: self.work.spare,
            numbers,
            indices,
        });
    }
}
