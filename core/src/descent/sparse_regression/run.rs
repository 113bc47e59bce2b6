//! The run: looks, working sets, and what is done on them.

use super::look::Certificate;
use super::problem::{Loss, Problem};
use super::working_set::{Columns, OUTSIDE, at, index_at, nonzeros, put, short};
use super::workspace::Workspace;
use super::{Ending, Options, Outcome};
use crate::copy::CopyFrom;
use crate::linear::{Design, check_finite, check_len};
use crate::{Error, Real, Report, Run, Status};

/// Steps without any change that end a run, the tolerance of the working set being tightened at each.
const MOST_IDLE: u32 = 4;

/// A run in progress.
#[derive(Debug)]
pub struct SparseRegression<'a, T, A> {
    pub(super) problem: Problem<'a, T, A>,
    pub(super) options: Options<T>,
    pub(super) x: &'a mut [T],
    pub(super) work: Workspace<'a, T>,
    pub(super) found: Certificate<T>,
    pub(super) intercept: T,
    /// P(0), as it goes with the sum of the losses.
    scale: T,
    /// What the working set is to be solved to, relative to what the step hopes for.
    pub(super) tight: T,
    idle: u32,
    /// The smallest gap so far.
    best: T,
    begun: bool,
    /// The working set has no room: columns are gone over one by one.
    sweeping: bool,
    /// By how many columns (or groups) the working set grows at least.
    growth: usize,
    /// Sweeps have left an extrapolated residual behind.
    pub(super) extrapolated: bool,
    pub(super) counts: Counts,
    pub(super) failure: Option<Status>,
}

/// What a look at the columns may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Nothing: norms are missing as well.
    First,
    /// Norms.
    Anew,
    /// Norms, and the slopes or bounds of the look before.
    Lazy,
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) visits: u64,
    pub(super) updates: u64,
    pub(super) second_order: u64,
    pub(super) sweeps: u32,
    pub(super) screened: u32,
}

/// Begins a run from the w that is handed in. Cost: two passes over the matrix.
///
/// # Errors
/// [`Error::Option`] for options out of range; [`Error::Dimension`] or [`Error::Value`] for w, [`Error::Negative`]
/// where it may not be; [`Error::Workspace`] if the workspace was carved for another problem. w is untouched then.
pub fn start<'a, T: Real, A: Design<T>>(
    problem: &Problem<'a, T, A>,
    options: &Options<T>,
    x: &'a mut [T],
    workspace: Workspace<'a, T>,
) -> Result<SparseRegression<'a, T, A>, Error> {
    options.check()?;
    workspace.check(problem)?;
    check_len("w", x.len(), problem.design.columns())?;
    check_finite("w", x)?;
    if problem.positive
        && let Some(index) = x.iter().position(|&x| x < T::ZERO)
    {
        return Err(Error::Negative { argument: "w", index });
    }
    let mut run = SparseRegression {
        problem: *problem,
        options: *options,
        x,
        work: workspace,
        found: Certificate { primal: T::ZERO, gap: T::INFINITY, shrink: T::ONE },
        intercept: T::ZERO,
        scale: T::ZERO,
        tight: T::ONE,
        idle: 0,
        best: T::INFINITY,
        begun: false,
        sweeping: false,
        growth: options.growth as usize,
        extrapolated: false,
        counts: Counts::default(),
        failure: None,
    };
    run.begin();
    Ok(run)
}

impl<T: Real, A: Design<T>> SparseRegression<'_, T, A> {
    fn begin(&mut self) {
        let Workspace { features, set, .. } = &mut self.work;
        features.place.iter_mut().for_each(|place| *place = OUTSIDE);
        (set.len, set.stride) = (0, 0);
        set.forget_factor();
        features.weigh(&self.problem);
        self.growth = self.problem.growth(self.options.growth as usize);
        self.scale = self.problem.loss_of_nothing();
        self.look(Look::First);
        // What explains nothing has no weight: else there would be no step that takes it away.
        let mut dropped = false;
        for (x, &norm) in self.x.iter_mut().zip(&*self.work.features.norm) {
            if norm == T::ZERO && *x != T::ZERO {
                (*x, dropped) = (T::ZERO, true);
            }
        }
        if dropped {
            self.look(Look::Anew);
        }
    }

    /// Goes on after the problem has changed its λ.
    pub(super) fn resume(&mut self) {
        (self.tight, self.idle, self.failure) = (T::ONE, 0, None);
        self.best = T::INFINITY;
        self.counts = Counts::default();
        self.look(if self.sweeping { Look::Anew } else { Look::Lazy });
    }

    /// Evaluates w: everything that a certificate needs.
    fn look(&mut self, how: Look) {
        let Workspace { samples, features, .. } = &mut self.work;
        let (loss, intercept) = samples.evaluate(&self.problem, self.x);
        self.intercept = intercept;
        self.counts.visits += match how {
            Look::First => features.measure(&self.problem, samples, self.x),
            how => features.correlate(&self.problem, samples, self.x, how == Look::Anew),
        };
        self.found = features.certify(&self.problem, samples, loss, self.x);
        if core::mem::take(&mut self.extrapolated) {
            self.counts.visits += features.slope.len() as u64;
            if let Some(better) = features.certify_extrapolated(&self.problem, samples, &self.found, self.x) {
                self.found = better;
            }
        }
        self.best = self.best.min(self.found.gap);
        if self.options.screening && self.found.gap.is_finite() {
            self.counts.screened += features.screen(&self.problem, &self.found, self.x);
        }
    }

    /// The smallest gap that is asked for.
    fn goal(&self) -> T {
        let Options { stop, .. } = &self.options;
        (stop.absolute * self.problem.divisor).max(stop.relative * self.scale)
    }

    /// Enlarges the working set; the number of columns taken in, or `None` if there is no room for them.
    fn enlarge(&mut self) -> Option<usize> {
        let nonzeros = self.active_blocks();
        let Workspace { features, set, picks, spare, ranks, .. } = &mut self.work;
        let mut taken = 0;
        if !self.begun {
            self.begun = true;
            for block in 0..self.problem.blocks() {
                let columns = self.problem.columns_of(block).unwrap_or(block..block + 1);
                if self.x.get(columns.clone()).is_none_or(|x| x.iter().all(|&x| x == T::ZERO)) {
                    continue;
                }
                let threshold = self.problem.lambda * self.problem.weight(block);
                let head = set.len;
                for column in columns {
                    put(features.place, column, short(set.len));
                    if !set.push(column, head, at(self.x, column), threshold) {
                        return None;
                    }
                    taken += 1;
                }
            }
        }
        // Slots may exceed their λ by rounding; among so many there are `wanted` others, if there are any.
        let wanted = nonzeros.max(self.growth).min(set.capacity);
        let most = (wanted + set.len).min(set.capacity);
        let (picks, ranks) = (picks.get_mut(..most)?, ranks.get_mut(..most)?);
        let found = features.rank(&self.problem, picks, ranks);
        let outside = |place: &[u32], block: u32| {
            let column =
                self.problem.columns_of(block as usize).map_or(block as usize, |columns| columns.start);
            index_at(place, column) == OUTSIDE
        };
        let mut lacking = picks.iter().take(found).filter(|&&block| outside(features.place, block)).count();
        if lacking == 0 && found >= most {
            // The list was too short to tell.
            let exceeds = |block: &usize| {
                outside(features.place, short(*block))
                    && features.pull(&self.problem, *block) * at(features.inverse, *block) > T::ONE
            };
            lacking = (0..self.problem.blocks()).filter(exceeds).count();
        }
        // A row of the Gram matrix is as long as the set: columns that are not needed are a burden.
        let crowded = set.len > 2 * nonzeros + self.growth;
        if self.problem.groups.is_none() && (lacking > set.capacity - set.len || (lacking > 0 && crowded)) {
            let x = &*self.x;
            set.retain(features.place, spare, |column| at(x, column as usize) != T::ZERO);
        }
        let before = taken;
        for &block in picks.iter().take(found) {
            if taken - before >= wanted {
                break;
            }
            if !outside(features.place, block) {
                continue;
            }
            let block = block as usize;
            let columns = self.problem.columns_of(block).unwrap_or(block..block + 1);
            if columns.len() > set.capacity - set.len {
                break;
            }
            let threshold = self.problem.lambda * self.problem.weight(block);
            let head = set.len;
            for column in columns {
                put(features.place, column, short(set.len));
                set.push(column, head, T::ZERO, threshold);
                taken += 1;
            }
        }
        set.make_room(set.len);
        (lacking == 0 || taken > before).then_some(taken)
    }

    /// Columns or groups that are not zero.
    fn active_blocks(&self) -> usize {
        if self.problem.groups.is_none() {
            return nonzeros(self.x).count();
        }
        let mut count = 0;
        for block in 0..self.problem.blocks() {
            let columns = self.problem.columns_of(block).unwrap_or(block..block + 1);
            let x = self.x.get(columns).unwrap_or(&[]);
            count += usize::from(x.iter().any(|&x| x != T::ZERO));
        }
        count
    }

    /// Least squares on the working set, whose last `taken` slots are new.
    fn solve_squares(&mut self, taken: usize, enough: T) {
        let Workspace { samples, features, set, .. } = &mut self.work;
        let known = set.len - taken.min(set.len);
        for slot in 0..set.len {
            let column = index_at(set.columns, slot) as usize;
            put(set.slope, slot, at(features.slope, column));
            if slot >= known {
                let (square, _) = self.problem.square(column, samples.scratch);
                set.set_diagonal(slot, square);
            }
        }
        let directly = set.is_direct(&self.problem);
        let mut columns = Columns {
            problem: &self.problem,
            means: features.mean,
            curvature: &[],
            spread: samples.scratch,
            residual: if directly { &mut *samples.rho } else { &mut [] },
            visits: 0,
        };
        set.before.copy_from(set.x);
        let done = if directly {
            set.descend_directly(&mut columns, enough, self.options.max_updates)
        } else {
            set.descend(&mut columns, enough, self.options.max_updates)
        };
        self.counts.visits += columns.visits;
        self.counts.updates += done.updates;
        self.counts.second_order += u64::from(done.faces);
        if set.x.iter().take(set.len).any(|x| !x.is_finite()) {
            set.x.copy_from(set.before);
            self.failure = Some(Status::NotFinite);
        }
        for (&column, &x) in set.columns.iter().zip(&*set.x).take(set.len) {
            put(self.x, column as usize, x);
        }
    }

    /// A weight that has become zero takes its share of the ridge from its slope, of which the distance that ρ has
    /// gone says nothing: such slopes have no bound and are found anew.
    fn unbind(&mut self) {
        if self.problem.ridge > T::ZERO {
            let Workspace { features, set, .. } = &mut self.work;
            for (&column, _) in set.columns.iter().zip(&*set.x).take(set.len).filter(|(_, x)| **x == T::ZERO)
            {
                put(features.slope, column as usize, T::INFINITY);
            }
        }
    }

    pub(super) fn outcome(&self, report: Report<T>) -> Outcome<T> {
        let divisor = self.problem.divisor;
        let Options { stop, .. } = &self.options;
        Outcome {
            report,
            ended: match report.status {
                Status::Converged => Ending::Gap,
                Status::StepLimit => Ending::Limit,
                Status::Stopped => Ending::Observer,
                _ => Ending::Precision,
            },
            gap: self.found.gap / divisor,
            threshold: stop.absolute.max(stop.relative * report.scale),
            primal: self.found.primal / divisor,
            dual: (self.found.primal - self.found.gap) / divisor,
            intercept: self.intercept,
            nonzeros: nonzeros(self.x).count(),
            working_set: self.work.set.len,
            screened: self.counts.screened,
            column_visits: self.counts.visits,
            updates: self.counts.updates,
            second_order_steps: self.counts.second_order,
            sweeps: self.counts.sweeps,
        }
    }
}

impl<T: Real, A: Design<T>> Run for SparseRegression<'_, T, A> {
    type Real = T;

    fn step(&mut self) {
        if self.found.gap == T::ZERO {
            return;
        }
        let (before, best) = (self.found.primal, self.best);
        let taken = if self.sweeping { None } else { self.enlarge() };
        // A sweep over the set costs little beside a look where columns are short, and much where they are long.
        let share = match (self.work.set.is_direct(&self.problem), self.problem.loss) {
            (false, _) => 0.1,
            (true, Loss::LeastSquares) => 0.03,
            (true, Loss::Logistic) => 1.0,
        };
        let goal = self.goal().max(T::from_f64(share) * self.found.gap);
        let enough = self.tight * T::from_f64(0.05) * goal / before;
        match taken {
            None => {
                self.sweeping = true;
                self.sweep();
            }
            Some(_) if self.problem.loss == Loss::Logistic => self.solve_logistic(enough),
            Some(taken) => self.solve_squares(taken, enough),
        }
        self.unbind();
        // Sweeps leave no slopes behind that bounds could start from.
        self.look(if self.sweeping { Look::Anew } else { Look::Lazy });
        // A step that neither lowers P nor the gap is idle: the working set was not solved well enough.
        let rounding = T::from_u32(4) * T::EPSILON * before;
        let improved = self.found.primal < before - rounding || self.found.gap < T::from_f64(0.9) * best;
        if improved || taken.is_some_and(|taken| taken > 0) {
            self.idle = 0;
        } else {
            self.idle += 1;
            self.tight *= T::from_f64(0.1);
            if self.idle >= MOST_IDLE {
                self.failure = Some(Status::Stalled);
            }
        }
    }

    fn residual(&mut self) -> T {
        self.found.gap / self.problem.divisor
    }

    fn parameter(&self) -> T {
        T::from_usize(self.work.set.len)
    }

    fn scale(&self) -> T {
        self.scale / self.problem.divisor
    }

    fn failure(&self) -> Option<Status> {
        self.failure
    }
}
