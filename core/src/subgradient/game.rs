//! Matrix games: two players, each by mirror descent against the other.
//!
//! ```text
//! max_x min_y xᵀA y  over two simplices:   x_i ← x_i e^(η (A y)_i)/Σ,   y_j ← y_j e^(−η (Aᵀx)_j)/Σ
//! ```
//! Of the averages x̄, ȳ: max_i (A ȳ)_i is what the row player can get at most against ȳ, min_j (Aᵀx̄)_j what the
//! column player must pay at least against x̄. The value of the game lies between, and the averages of A y and Aᵀx
//! are carried along, so this *gap* is free. *Residual*: the gap. *Scale*: the largest |a_ij|. *Step*: two readings of
//! A. *Memory*: 3 (m + n). The callers' x and y hold the averages when a drive ends.
//! *Rounding*: averages are kept up step by step and not summed anew, so that after T steps sums of 1 and the bounds may be
//! off by T roundings (of 1, and of the largest |a_ij|): ask for a gap above that.
//!
//! The gap falls like 1/√T. *Take something else* (a linear program) for a small game and many digits.
//!
//! *Source*: Nemirovski & Yudin 1983; Freund & Schapire 1999.

use southwell_simd::{dense, vector};

use super::Table;
use super::best::Ending;
use super::mirror::{check_weights, normalise, tilt};
use super::step::{Choice, Sight, StepRule};
use crate::carve::carve;
use crate::copy::CopyFrom;
use crate::linear::check_len;
use crate::{Error, Observer, Real, Report, Run, Status, drive};

/// Memory of a run, carved from the caller's slice. It may be handed over dirty.
#[derive(Debug)]
pub struct Workspace<'w, T> {
    x: &'w mut [T],
    y: &'w mut [T],
    gains: &'w mut [T],
    costs: &'w mut [T],
    mean_gains: &'w mut [T],
    mean_costs: &'w mut [T],
}

impl<'w, T: Real> Workspace<'w, T> {
    /// Elements needed for a game of m rows and n columns.
    #[must_use]
    pub const fn required_len(rows: usize, columns: usize) -> usize {
        rows.saturating_add(columns).saturating_mul(3)
    }

    /// Carves the workspace of a game.
    ///
    /// # Errors
    /// [`Error::Workspace`] if `storage` is too short.
    pub fn new(payoff: &Table<'_, T>, storage: &'w mut [T]) -> Result<Self, Error> {
        let (m, n) = (payoff.rows(), payoff.columns());
        let [x, y, gains, costs, mean_gains, mean_costs] = carve(storage, [m, n, m, n, m, n])?;
        Ok(Self { x, y, gains, costs, mean_gains, mean_costs })
    }
}

/// How a run ended: the value of the game lies between the bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub struct Outcome<T> {
    /// How it ended; the residual is the gap.
    pub report: Report<T>,
    /// x secures at least this.
    pub lower: T,
    /// y pays at most this.
    pub upper: T,
}

/// A game in progress.
#[derive(Debug)]
pub struct Game<'a, T, R> {
    payoff: Table<'a, T>,
    rule: R,
    x: &'a mut [T],
    y: &'a mut [T],
    work: Workspace<'a, T>,
    largest: T,
    weight: T,
    factor: T,
    steps: u32,
}

/// Begins a game from the mixed strategies that are handed in (equal entries are a good start), brought to
/// sums of 1. The rule's ‖g‖ is the largest |a_ij|.
///
/// # Errors
/// [`Error::Dimension`], [`Error::Value`], [`Error::Negative`] or [`Error::Mass`] for x and y; [`Error::Option`]
/// for tolerances, a payoff of zeros and what the rule refuses; [`Error::Workspace`]. x and y are untouched then.
pub fn start<'a, T: Real, R: StepRule<T>>(
    payoff: &Table<'a, T>,
    ending: &Ending<T>,
    mut rule: R,
    x: &'a mut [T],
    y: &'a mut [T],
    work: Workspace<'a, T>,
) -> Result<Game<'a, T, R>, Error> {
    ending.check()?;
    let (m, n) = (payoff.rows(), payoff.columns());
    check_len("x", x.len(), m)?;
    check_len("y", y.len(), n)?;
    check_weights("x", x)?;
    check_weights("y", y)?;
    if [work.x.len(), work.y.len()] != [m, n] {
        let given = work.x.len().saturating_add(work.y.len()).saturating_mul(3);
        return Err(Error::Workspace { needed: Workspace::<T>::required_len(m, n), given });
    }
    let largest = vector::max_abs(payoff.values());
    if largest == T::ZERO {
        return Err(Error::Option { name: "payoff", requirement: "must have an entry that is not zero" });
    }
    rule.begin(&Sight { step: 0, value: T::ZERO, best: T::ZERO, norm: largest, scale: T::ONE })?;
    work.x.copy_from(x);
    work.y.copy_from(y);
    normalise(work.x);
    normalise(work.y);
    x.copy_from(work.x);
    y.copy_from(work.y);
    let (weight, factor, steps) = (T::ZERO, T::ZERO, 0);
    let mut game = Game { payoff: *payoff, rule, x, y, work, largest, weight, factor, steps };
    game.play();
    game.work.mean_gains.copy_from(game.work.gains);
    game.work.mean_costs.copy_from(game.work.costs);
    Ok(game)
}

/// Plays from the strategies that are handed in; x and y hold the averages.
///
/// # Errors
/// As [`start`].
pub fn solve<T: Real, R: StepRule<T>>(
    payoff: &Table<'_, T>,
    ending: &Ending<T>,
    rule: R,
    x: &mut [T],
    y: &mut [T],
    workspace: Workspace<'_, T>,
    observer: &mut (impl Observer<T> + ?Sized),
) -> Result<Outcome<T>, Error> {
    let mut run = start(payoff, ending, rule, x, y, workspace)?;
    let report = drive(&mut run, &ending.stop, observer);
    let (lower, upper) = run.bounds();
    Ok(Outcome { report, lower, upper })
}

impl<T: Real, R: StepRule<T>> Game<'_, T, R> {
    /// What each row gets against y, what each column pays against x.
    fn play(&mut self) {
        dense::apply(self.payoff.parts(), self.work.y, self.work.gains);
        dense::apply_transposed(self.payoff.parts(), self.work.x, self.work.costs);
    }

    /// What x̄ secures, and what ȳ pays at most.
    #[must_use]
    pub fn bounds(&self) -> (T, T) {
        let least = |sum: T, &value: &T| sum.min(value);
        let most = |sum: T, &value: &T| sum.max(value);
        let lower = self.work.mean_costs.iter().fold(T::INFINITY, least);
        (lower, self.work.mean_gains.iter().fold(-T::INFINITY, most))
    }
}

/// mean ← mean + share (now − mean)
fn mix<T: Real>(share: T, now: &[T], mean: &mut [T]) {
    vector::axpby(share, now, T::ONE - share, mean);
}

impl<T: Real, R: StepRule<T>> Run for Game<'_, T, R> {
    type Real = T;

    fn step(&mut self) {
        let (lower, upper) = self.bounds();
        let value = upper - lower;
        let sight = Sight { step: self.steps, value, best: value, norm: self.largest, scale: T::ONE };
        self.steps = self.steps.saturating_add(1);
        // There is no best point to go back to.
        let Choice::Move(factor) = self.rule.next(&sight) else { return };
        self.factor = factor;
        self.weight += factor;
        let share = factor / self.weight;
        mix(share, self.work.x, self.x);
        mix(share, self.work.y, self.y);
        mix(share, self.work.gains, self.work.mean_gains);
        mix(share, self.work.costs, self.work.mean_costs);
        tilt(self.work.x, factor, self.work.gains);
        tilt(self.work.y, -factor, self.work.costs);
        self.play();
    }

    fn residual(&mut self) -> T {
        let (lower, upper) = self.bounds();
        (upper - lower).max(T::ZERO)
    }

    fn parameter(&self) -> T {
        self.factor
    }

    fn scale(&self) -> T {
        self.largest
    }

    fn failure(&self) -> Option<Status> {
        None
    }
}
