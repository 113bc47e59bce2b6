//! The dual active-set method: one bound at a time.
//!
//! Multipliers μ ≥ 0 of the fixed variables are kept. The free variable that left its bounds furthest is fixed there,
//! which moves the multipliers in a straight line from μ to those of the new minimum. If one of them would become
//! negative on the way, the way ends where the first is zero; that variable is freed, and a new line begins. The dual
//! value rises along every line. From sets that are not dual feasible, what has a wrong multiplier is freed until none
//! has. *Source*: Goldfarb & Idnani 1983, for bounds.

use super::active_set::{BoxQp, outside};
use super::model::Model;
use super::small::clear;
use crate::Real;

/// Where the method is.
#[derive(Clone, Copy, Debug, Default)]
pub(super) enum Dual {
    /// Frees what has a wrong multiplier.
    #[default]
    Restore,
    /// This variable was fixed last.
    Enter(usize),
}

/// What comes after a step.
pub(super) enum Next {
    Go(Dual),
    /// Nothing is outside of its bounds.
    Done,
    /// The last variable to be fixed got a wrong multiplier.
    Lost,
}

/// μ of a variable on a side; where bounds are equal both signs are right.
fn multiplier<T: Real>(side: T, gradient: T, (lo, hi): (T, T)) -> T {
    if lo < hi { -(side * gradient) } else { gradient.abs() }
}

impl<T: Real, M: Model<T>> BoxQp<'_, '_, '_, T, M> {
    /// A step of the dual method, the trial having been minimised.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn dual(&mut self, stage: Dual) -> Next {
        match stage {
            Dual::Restore => {
                clear(self.work.change);
                if self.revise(false) > 0 {
                    return Next::Go(Dual::Restore);
                }
            }
            Dual::Enter(entered) => match self.block(entered) {
                Some((blocking, _)) if blocking == entered => return Next::Lost,
                Some((blocking, way)) => {
                    self.follow(way);
                    if let (Some(side), Some(mu)) =
                        (self.work.sides.get_mut(blocking), self.work.change.get_mut(blocking))
                    {
                        (*side, *mu) = (T::ZERO, T::ZERO);
                    }
                    return Next::Go(Dual::Enter(entered));
                }
                None => {}
            },
        }
        self.follow(T::ONE);
        match self.furthest() {
            Some((entering, on)) => {
                if let (Some(side), Some(mu)) =
                    (self.work.sides.get_mut(entering), self.work.change.get_mut(entering))
                {
                    (*side, *mu) = (on, T::ZERO);
                }
                Next::Go(Dual::Enter(entering))
            }
            None => Next::Done,
        }
    }

    /// The variable whose multiplier reaches zero first on the way to the trial's, and how far that is; the one that
    /// entered if its own multiplier is wrong.
    fn block(&self, entered: usize) -> Option<(usize, T)> {
        let (work, slack) = (&*self.work, self.slack());
        let mut first = None;
        let values = work.sides.iter().zip(&*work.gradient).zip(&*work.change).zip(self.bounds.pairs());
        for (i, (((&side, &g), &mu), bounds)) in values.enumerate() {
            let goal = multiplier(side, g, bounds);
            if side == T::ZERO || goal >= -slack {
                continue;
            }
            if i == entered {
                return Some((entered, T::ZERO));
            }
            let way = mu / (mu - goal);
            if first.is_none_or(|(_, shortest)| way < shortest) {
                first = Some((i, way));
            }
        }
        first
    }

    /// Moves the multipliers towards those of the trial.
    fn follow(&mut self, way: T) {
        let work = &mut *self.work;
        let values = work.sides.iter().zip(&*work.gradient).zip(self.bounds.pairs());
        for (mu, ((&side, &g), bounds)) in work.change.iter_mut().zip(values) {
            let goal = if side == T::ZERO { T::ZERO } else { multiplier(side, g, bounds) };
            let moved = *mu + way * (goal - *mu);
            *mu = if moved >= T::ZERO { moved } else { T::ZERO };
        }
    }

    /// The free variable that is furthest outside of its bounds, and on which side.
    fn furthest(&self) -> Option<(usize, T)> {
        let (mut most, mut found) = (T::ZERO, None);
        let values = self.work.trial.iter().zip(&*self.work.sides).zip(self.bounds.pairs());
        for (i, ((&z, &side), (lo, hi))) in values.enumerate() {
            let distance = (lo - z).max(z - hi);
            if side == T::ZERO && distance > most {
                let on = outside(z, lo, hi);
                if on != T::ZERO {
                    (most, found) = (distance, Some((i, on)));
                }
            }
        }
        found
    }
}
