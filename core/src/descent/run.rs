//! The run: choose a block, move it, keep the state.

use southwell_simd::vector;

use super::losses::Loss;
use super::penalties::{Block, Penalty};
use super::problem::Problem;
use super::selection::{Choice, Needs, Selection, Sight};
use super::update::{Place, Update, block_lipschitz};
use super::workspace::{Scheme, Sizes, Workspace};
use super::{Identified, Measure, Options, Outcome, gather};
use crate::copy::CopyFrom;
use crate::{Error, Observer, Real, Run, Status, drive};

/// A run of block coordinate descent in progress.
#[derive(Debug)]
pub struct Descent<'a, T, L, H, S, U> {
    problem: Problem<'a, L, H>,
    scheme: &'a mut Scheme<S, U>,
    measure: Measure,
    x: &'a mut [T],
    work: Workspace<'a, T>,
    /// What of `work.rest` is the rule's.
    rule: Needs,
    /// Whether `work.gradient` belongs to the state.
    fresh: bool,
    /// Variables in `work.moved`; `None` if x has changed as a whole.
    moved: Option<usize>,
    /// Steps in a row that moved nothing.
    idle: u32,
    scale: T,
    last: usize,
    failure: Option<Status>,
}

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
    let mut run = Descent {
        problem: *problem,
        scheme,
        measure: options.measure,
        x,
        work,
        rule,
        fresh: false,
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

/// Whether the gap of every block is finite, as far as shapes tell.
fn bounded<T: Real, L: Loss<T>, H: Penalty<T>>(problem: &Problem<'_, L, H>) -> bool {
    (0..problem.loss.variables()).all(|i| problem.penalty.shape(i).is_none_or(|shape| shape.is_bounded()))
}

/// The residual of x by a measure: the largest violation, or the sum of the gaps.
fn measured<T: Real, L: Loss<T>, H: Penalty<T>, S: Selection<T>>(
    (problem, select, measure): (&Problem<'_, L, H>, &S, Measure),
    (x, g): (&[T], &[T]),
    (block, of_x, of_g): (&mut [u32], &mut [T], &mut [T]),
) -> T {
    let penalty = problem.penalty;
    let mut worst = T::ZERO;
    let mut look = |block: Block<'_>, x: &[T], g: &[T]| match measure {
        Measure::Violation => {
            let violation = penalty.violation(block, x, g);
            // A NaN has to be seen.
            if !(violation <= worst) {
                worst = violation;
            }
        }
        Measure::Gap => worst += penalty.gap(block, x, g),
    };
    if penalty.separable() {
        if penalty.is_zero() && measure == Measure::Violation {
            let largest = vector::max_abs(g);
            // The pass passes over NaN.
            return if vector::first_not_finite(g).is_some() { T::NAN } else { largest };
        }
        for (i, (x, g)) in x.iter().zip(g).enumerate() {
            let i = [i as u32];
            let block = Block { number: 0, variables: &i };
            look(block, core::slice::from_ref(x), core::slice::from_ref(g));
        }
    } else if let Some(partition) = select.partition() {
        for number in 0..partition.len() {
            let len = partition.fill(number, block);
            let variables = block.get(..len).unwrap_or(&[]);
            let (Some(of_x), Some(of_g)) = (of_x.get_mut(..len), of_g.get_mut(..len)) else { continue };
            gather(variables, x, of_x);
            gather(variables, g, of_g);
            look(Block { number, variables }, of_x, of_g);
        }
    }
    match measure {
        Measure::Violation => worst.sqrt(),
        Measure::Gap => worst,
    }
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
            scratch: self.work.spare,
            numbers,
            indices,
        });
    }

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
        let (_, numbers) = work.rest.split_at_mut_checked(self.rule.numbers).ok_or(Status::Breakdown)?;
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

    /// Which variables are off their kinks and bounds, and how safely the others are where they are; for penalties
    /// that treat variables one by one. Cost: a gradient, unless it is there.
    pub fn identified(&mut self) -> Identified<T> {
        let g = if self.fresh {
            current(&self.problem, self.work.state, self.work.gradient)
        } else {
            self.problem.loss.gradient(self.work.state, self.work.gradient)
        };
        self.fresh = true;
        let mut found = Identified { free: 0, margin: T::INFINITY };
        for (i, (&x, &g)) in self.x.iter().zip(g).enumerate() {
            match self.problem.penalty.shape(i) {
                Some(shape) if shape.at_kink(x) => found.margin = found.margin.min(shape.margin(x, g)),
                _ => found.free = found.free.saturating_add(1),
            }
        }
        found
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
            (self.moved, self.idle) = (None, 0);
        }
        Some(residual)
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
