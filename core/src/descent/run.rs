//! The run: choose a block, move it, keep the state.

use southwell_simd::vector;

use super::begin::start;
use super::losses::{Loss, Rank};
use super::measure::measured;
use super::penalties::{Block, Penalty};
use super::problem::Problem;
use super::selection::{Choice, Needs, Selection, Sight};
use super::update::{Place, Update};
use super::workspace::{Scheme, Workspace};
use super::{Measure, Options, Outcome, gather};
use crate::copy::CopyFrom;
use crate::{Error, Observer, Real, Run, Status, drive};

/// A run of block coordinate descent in progress.
#[derive(Debug)]
pub struct Descent<'a, T, L, H, S, U> {
    pub(super) problem: Problem<'a, L, H>,
    pub(super) scheme: &'a mut Scheme<S, U>,
    pub(super) measure: Measure,
    pub(super) x: &'a mut [T],
    pub(super) work: Workspace<'a, T>,
    /// What of `work.rest` is the rule's.
    pub(super) rule: Needs,
    /// Whether `work.gradient` belongs to the state.
    pub(super) fresh: bool,
    /// By what the rule ranks variables, if a loss may do it for the rule, and the best that it has found.
    pub(super) rank: Option<Rank<T>>,
    pub(super) best: Option<u32>,
    /// Variables in `work.moved`; `None` if x has changed as a whole.
    pub(super) moved: Option<usize>,
    /// Steps in a row that moved nothing.
    pub(super) idle: u32,
    pub(super) scale: T,
    pub(super) last: usize,
    pub(super) failure: Option<Status>,
}

/// Solves from the x that is handed in.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>>(
    problem: &Problem<'_, L, H>,
    options: &Options<T>,
    scheme: &mut Scheme<S, U>,
    x: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(problem, options, scheme, x, workspace)?;
    let report = drive(&mut run, &options.stop, observer);
    let tolerance = options.stop.absolute.max(options.stop.relative * report.scale);
    Ok(Outcome { report, objective: run.objective(), tolerance, measure: options.measure })
}

impl<'a, T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>> Descent<'a, T, L, H, S, U> {
    /// Asks the rule for a block.
    fn choose(&mut self) -> Choice {
        let work = &mut self.work;
        let greedy = self.scheme.select.greedy();
        let none = Choice { number: None, len: 0 };
        let Some((numbers, _)) = work.rest.split_at_mut_checked(self.rule.numbers) else { return none };
        let Some((indices, _)) = work.indices.split_at_mut_checked(self.rule.indices) else { return none };
        let gradient = match (greedy, self.fresh) {
            (false, _) => &[],
            (true, false) => self.problem.loss.gradient(work.state, work.gradient),
            (true, true) => current(&self.problem, work.state, work.gradient),
        };
        self.fresh |= greedy;
        let moved = self.moved.and_then(|len| work.moved.get(..len));
        self.scheme.select.choose(
            Sight {
                problem: &self.problem,
                x: self.x,
                gradient,
                constants: work.constants,
                moved,
                best: self.best.take(),
                scratch: work.spare,
                numbers,
                indices,
            },
            work.block,
        )
    }

    /// Moves the block that stands in the workspace; whether anything did.
    fn update(&mut self, choice: Choice) -> Result<bool, Status> {
        let loss = self.problem.loss;
        let work = &mut self.work;
        let len = choice.len.min(work.block.len());
        let variables = work.block.get(..len).unwrap_or(&[]);
        let (Some(old), Some(slopes), Some(next)) =
            (work.old.get_mut(..len), work.slopes.get_mut(..len), work.next.get_mut(..len))
        else {
            return Err(Status::Breakdown);
        };
        gather(variables, self.x, old);
        next.copy_from(old);
        if self.fresh {
            gather(variables, current(&self.problem, work.state, work.gradient), slopes);
        } else {
            for (slope, &i) in slopes.iter_mut().zip(variables) {
                *slope = loss.partial(i as usize, work.state);
            }
        }
        let number = match (choice.number, variables) {
            (None, &[only]) => Some(only as usize),
            (number, _) => number,
        };
        let constant = number.and_then(|number| work.constants.get(number)).copied();
        let (rule, numbers) = work.rest.split_at_mut_checked(self.rule.numbers).ok_or(Status::Breakdown)?;
        let (_, indices) = work.indices.split_at_mut_checked(self.rule.indices).ok_or(Status::Breakdown)?;
        let mut place = Place {
            problem: &self.problem,
            block: Block { number: choice.number.unwrap_or(0), variables },
            constant,
            old,
            gradient: slopes,
            next,
            x: self.x,
            state: work.state,
            trial: work.spare,
            numbers,
            indices,
        };
        self.scheme.update.apply(&mut place)?;
        if vector::first_not_finite(next).is_some() {
            return Err(Status::NotFinite);
        }
        if let (Some(rank), &[i], &[old], &[next]) = (self.rank, variables, &*old, &*next)
            && next != old
            && let Some(x) = self.x.get_mut(i as usize)
            && let Some(weights) = rule.get(..rank.weights(loss.variables()))
        {
            *x = next;
            if let Some(best) = loss.shift_ranked(i as usize, next - old, work.state, rank, (self.x, weights))
            {
                self.best = u32::try_from(best).ok();
                self.fresh = false;
                return Ok(true);
            }
        }
        let mut any = false;
        for ((&i, &old), &next) in variables.iter().zip(&*old).zip(&*next) {
            if next != old {
                any = true;
                loss.shift(i as usize, next - old, work.state);
                if let Some(x) = self.x.get_mut(i as usize) {
                    *x = next;
                }
            }
        }
        if any {
            loss.finish(work.state);
            self.fresh = false;
        }
        Ok(any)
    }

    /// F(x) = f(x) + Σ h_b(x_b), of the state as it is carried along.
    pub fn objective(&mut self) -> T {
        let penalty = self.problem.penalty;
        let smooth = self.problem.loss.value(self.x, self.work.state);
        if penalty.is_zero() {
            return smooth;
        }
        let mut sum = T::ZERO;
        if penalty.separable() {
            for (i, x) in self.x.iter().enumerate() {
                let i = [i as u32];
                sum += penalty.value(Block { number: 0, variables: &i }, core::slice::from_ref(x));
            }
        } else if let Some(partition) = self.scheme.select.partition() {
            for number in 0..partition.len() {
                let len = partition.fill(number, self.work.block);
                let variables = self.work.block.get(..len).unwrap_or(&[]);
                let Some(of_x) = self.work.old.get_mut(..len) else { continue };
                gather(variables, self.x, of_x);
                sum += penalty.value(Block { number, variables }, of_x);
            }
        }
        smooth + sum
    }

    /// x and ∇f there, computed unless it is there already.
    pub(super) fn gradient(&mut self) -> (&[T], &[T]) {
        let work = &mut self.work;
        let g = if self.fresh {
            current(&self.problem, work.state, work.gradient)
        } else {
            self.problem.loss.gradient(work.state, work.gradient)
        };
        self.fresh = true;
        (self.x, g)
    }

    /// What is minimised.
    #[must_use]
    pub fn problem(&self) -> Problem<'a, L, H> {
        self.problem
    }

    /// The iterate.
    #[must_use]
    pub fn x(&self) -> &[T] {
        self.x
    }

    /// The variables of the last step's block.
    #[must_use]
    pub fn last_block(&self) -> &[u32] {
        self.work.moved.get(..self.last).unwrap_or(&[])
    }
}

/// The gradient that has been computed already: in the state, or in its own memory.
fn current<'s, T: Real, L: Loss<T>, H>(
    problem: &Problem<'_, L, H>,
    state: &'s [T],
    gradient: &'s mut [T],
) -> &'s [T] {
    if gradient.is_empty() { problem.loss.gradient(state, gradient) } else { gradient }
}

impl<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>, U: Update<T>> Run for Descent<'_, T, L, H, S, U> {
    type Real = T;

    fn step(&mut self) {
        if self.failure.is_some() {
            return;
        }
        let choice = self.choose();
        match self.update(choice) {
            Err(status) => self.failure = Some(status),
            Ok(any) => {
                self.idle = if any { 0 } else { self.idle.saturating_add(1) };
                if self.scheme.select.patience().is_some_and(|steps| self.idle >= steps) {
                    self.failure = Some(Status::Stalled);
                }
            }
        }
        let len = choice.len.min(self.work.block.len());
        self.last = len;
        self.moved = Some(len);
        self.work.moved.copy_from(self.work.block.get(..len).unwrap_or(&[]));
    }

    fn residual(&mut self) -> T {
        let work = &mut self.work;
        let g = if self.fresh {
            current(&self.problem, work.state, work.gradient)
        } else {
            self.problem.loss.gradient(work.state, work.gradient)
        };
        self.fresh = true;
        let rule = (&self.problem, &self.scheme.select, self.measure);
        measured(rule, (self.x, g), (work.block, work.old, work.slopes))
    }

    fn parameter(&self) -> T {
        T::from_usize(self.last)
    }

    fn scale(&self) -> T {
        self.scale
    }

    fn confirm(&mut self, tolerance: T) -> Option<T> {
        let work = &mut self.work;
        self.problem.loss.begin(self.x, work.spare);
        let g = self.problem.loss.gradient(work.spare, work.gradient);
        let rule = (&self.problem, &self.scheme.select, self.measure);
        let residual = measured(rule, (self.x, g), (work.block, work.old, work.slopes));
        self.fresh = false;
        if residual > tolerance {
            work.state.copy_from(work.spare);
            (self.moved, self.idle, self.best) = (None, 0, None);
        }
        Some(residual)
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
