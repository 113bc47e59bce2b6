//! A tuner for costs that fall and then rise along the arms, as iteration counts do along omega, and
//! that change smoothly with a context: it walks downhill, bin by bin, and tries neighbours only.
//!
//! The range of the context is cut into `BINS` equal bins. In each one the tuner keeps the mean cost μ
//! and the weight w of every arm tried. The **leader** of a bin is its arm with the least mean. A round
//! looks at the leader and the arm on either side of it, and takes the one with the least
//!
//! ```text
//! index = μ − μ_leader (0.02 + κ σ) √(ln(1 + W)/w),      −∞ for an arm not tried yet
//! ```
//!
//! where W = Σ w in the bin and σ is the relative deviation of costs about the mean of their arm, pooled
//! over the bin: noise widens the search, a steady cost narrows it to almost nothing. A bin visited
//! for the first time starts at its own start arm, moved by as many arms as the leader of the nearest
//! visited bin has moved from its start. Nothing is random: the word is not used, and the probability of
//! the choice is 1.
//!
//! So a bin whose start is right pays two trials of neighbouring arms, which cost a few per cent more
//! than the best, and no arm far off is ever tried; that is where [`TsallisInf`](crate::bandit::TsallisInf)
//! and [`ChebCb`](crate::bandit::ChebCb) spend theirs. Means and weights forget (discount γ), so that the
//! neighbours of a leader are tried again every now and then: a best arm that drifts is followed, even
//! without a context. The price is the assumption: the walk ends in the first valley, and where costs at
//! one arm scatter more than they differ between neighbours, it needs many rounds to see through that.
//! A context along which the best arm moves evenly needs fewer bins: for relaxation √(1 − μ), with μ the
//! ratio of off-diagonal to diagonal weight, rather than μ.
//!
//! Measured on the heat equation of Khodak et al. (5000 steps, grids 25 and 50, all bins started at
//! ω = 1.4), as iterations relative to the best single arm; and on their independent random systems, in
//! mean iterations where the best single arm needs 104 and 59:
//!
//! | bins | γ | context | grid 25 | grid 50 | systems, context c |
//! |---|---|---|---|---|---|
//! | 16 | 0.98 | √(1 − μ) | 0.829 | 0.822 | 72, 48 |
//! | 16 | 0.98 | μ | 0.828 | 0.829 | |
//! | 16 | 1 | √(1 − μ) | 0.826 | 0.825 | 69, 48 |
//! | 1 | 0.9 | none | 0.840 | 0.846 | 124, 65 |
//! | 1 | 0.98 | none | 0.928 | 0.923 | 116, 64 |
//! | 1 | 1 | none | 1.050 | 1.186 | 106, 63 |
//! | | | best arm each time | 0.822 | 0.809 | 58, 43 |
//!
//! One round costs about 2 d flops. Memory: 3 d + 6 numbers a bin.
//!
//! Source: the leader and its neighbours are OSUB, Combes and Proutière, Unimodal bandits: regret lower
//! bounds and optimal algorithms (2014); index, noise estimate, bins and starts are our own, and no
//! regret bound is claimed for them.
//!
//! ```
//! use southwell::bandit::{Tuner, Unimodal, UnimodalOptions};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let mut tuner = Unimodal::<f64, 20, 8>::new(0.0, 1.0, |_| 8, UnimodalOptions::default())?;
//! for round in 0..400 {
//!     let context = f64::from(round % 40) / 40.0;
//!     let arm = tuner.choose_with(context, 0);
//!     tuner.learn(10.0 + (arm as f64 - 19.0 * context).abs());
//! }
//! tuner.choose_with(0.55, 0);
//! assert!(tuner.incumbent().abs_diff(10) <= 1);
//! # Ok(())
//! # }
//! ```

use super::{Sum, Tuner, accept, argmin, bin_of, check_cap, check_discount, check_range};
use crate::{Error, Real};

/// Width of the search, relative to the cost, that remains without noise.
const LEAST_WIDTH: f64 = 0.02;

/// Options of [`Unimodal`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct UnimodalOptions<T> {
    /// κ ≥ 0: how far noise widens the search. Default 1; 1.5 where single costs mislead badly, 0.5
    /// where they hardly vary.
    pub caution: T,
    /// γ ∈ (0, 1]: old costs count γ per round of age, counted in rounds of their bin. Default 0.98; 0.9
    /// with a single bin, where costs change smoothly from problem to problem; 1 where problems are
    /// independent of one another.
    pub discount: T,
    /// Largest cost of a trial as a multiple (> 1) of the leader's mean in the bin; see
    /// [`budget`](Tuner::budget). Default: none.
    pub trial_cap: Option<T>,
}

impl<T: Real> Default for UnimodalOptions<T> {
    fn default() -> Self {
        Self { caution: T::ONE, discount: T::from_f64(0.98), trial_cap: None }
    }
}

/// What is known of one arm in one bin.
#[derive(Clone, Copy, Debug)]
struct Arm<T> {
    mean: Sum<T>,
    weight: T,
}

impl<T: Real> Arm<T> {
    /// The mean, if anything that still counts was seen.
    fn mean(&self) -> Option<T> {
        (self.weight > T::MIN_POSITIVE / T::EPSILON).then(|| self.mean.value())
    }
}

#[derive(Clone, Copy, Debug)]
struct Bin<T, const ARMS: usize> {
    arms: [Arm<T>; ARMS],
    /// Σ ((ℓ − μ)/μ)² about the mean of the arm, and how many terms it has.
    deviations: (Sum<T>, Sum<T>),
    start: usize,
    leader: usize,
    visited: bool,
}

/// A walk along `ARMS` arms in each of `BINS` equal parts of the context's range; 1 bin ignores the context.
#[derive(Clone, Debug)]
pub struct Unimodal<T, const ARMS: usize, const BINS: usize> {
    lower: T,
    upper: T,
    options: UnimodalOptions<T>,
    bins: [Bin<T, ARMS>; BINS],
    /// The bin of the last context.
    bin: usize,
    probabilities: [T; ARMS],
    chosen: Option<usize>,
}

impl<T: Real, const ARMS: usize, const BINS: usize> Unimodal<T, ARMS, BINS> {
    /// A tuner for contexts in [lower, upper]; `start` names the arm to begin with for the context at
    /// the centre of each bin (beyond the last arm counts as the last). `ARMS` = 0 or `BINS` = 0 does
    /// not compile.
    ///
    /// # Errors
    /// [`Error::Option`] if the range is empty or not finite, or if an option is out of range.
    pub fn new(
        lower: T,
        upper: T,
        mut start: impl FnMut(T) -> usize,
        options: UnimodalOptions<T>,
    ) -> Result<Self, Error> {
        const { assert!(ARMS > 0, "a tuner needs at least one arm") }
        const { assert!(BINS > 0, "a binned tuner needs at least one bin") }
        check_range(lower, upper)?;
        check_discount(options.discount)?;
        check_cap(options.trial_cap)?;
        if !(options.caution >= T::ZERO && options.caution.is_finite()) {
            return Err(Error::Option { name: "caution", requirement: "must be finite and not negative" });
        }
        let bins = core::array::from_fn(|bin| {
            let share = (T::from_usize(bin) + T::HALF) / T::from_usize(BINS);
            let start = start(lower + (upper - lower) * share).min(ARMS.saturating_sub(1));
            Bin {
                arms: [Arm { mean: Sum::ZERO, weight: T::ZERO }; ARMS],
                deviations: (Sum::ZERO, Sum::ZERO),
                start,
                leader: start,
                visited: false,
            }
        });
        let probabilities = [T::ONE / T::from_usize(ARMS); ARMS];
        Ok(Self { lower, upper, options, bins, bin: 0, probabilities, chosen: None })
    }

    /// How far the nearest visited bin's leader stands from its start: (arms up, arms down).
    fn shift(&self) -> (usize, usize) {
        let visited = self.bins.iter().enumerate().filter(|(_, bin)| bin.visited);
        // The first of two equally near bins.
        let nearest = visited.min_by_key(|(i, _)| i.abs_diff(self.bin));
        nearest.map_or((0, 0), |(_, bin)| {
            (bin.leader.saturating_sub(bin.start), bin.start.saturating_sub(bin.leader))
        })
    }

    /// Finds the bin and the arm to try there.
    pub(super) fn prepare(&mut self, context: T) -> usize {
        self.bin = bin_of(context, self.lower, self.upper, BINS);
        let (up, down) = self.shift();
        let caution = self.options.caution;
        let arm = self.bins.get_mut(self.bin).map_or(0, |bin| {
            if !bin.visited {
                bin.leader = (bin.start + up).saturating_sub(down).min(ARMS.saturating_sub(1));
            }
            bin.candidate(caution)
        });
        for (i, p) in self.probabilities.iter_mut().enumerate() {
            *p = if i == arm { T::ONE } else { T::ZERO };
        }
        arm
    }

    /// Settles on an arm, whichever way it was found.
    pub(super) fn settle(&mut self, arm: usize) {
        self.chosen = Some(arm);
    }
}

impl<T: Real, const ARMS: usize> Bin<T, ARMS> {
    fn leader_mean(&self) -> Option<T> {
        self.arms.get(self.leader).and_then(Arm::mean)
    }

    /// The leader or one of its neighbours, whichever promises most.
    fn candidate(&self, caution: T) -> usize {
        // Before the first cost there is nothing to compare with.
        let Some(leading) = self.leader_mean() else { return self.leader };
        let (sum, terms) = (self.deviations.0.value(), self.deviations.1.value());
        let sigma = if terms > T::HALF { (sum / terms).max(T::ZERO).sqrt() } else { T::ZERO };
        let rounds = self.arms.iter().map(|arm| arm.weight).sum::<T>();
        let width = leading * (T::from_f64(LEAST_WIDTH) + caution * sigma) * (T::ONE + rounds).ln().sqrt();
        let index = |arm: &Arm<T>| arm.mean().map_or(-T::INFINITY, |mean| mean - width / arm.weight.sqrt());
        let from = self.leader.saturating_sub(1);
        let count = self.leader - from + 2;
        from + argmin(self.arms.iter().skip(from).take(count).map(index))
    }

    fn learn(&mut self, arm: usize, loss: T, discount: T) {
        if discount < T::ONE {
            // A mean does not change when all its costs age alike.
            self.arms.iter_mut().for_each(|arm| arm.weight *= discount);
            self.deviations.0.scale(discount);
            self.deviations.1.scale(discount);
        }
        if let Some(arm) = self.arms.get_mut(arm) {
            match arm.mean() {
                Some(mean) => {
                    // The deviation from a mean of w costs varies (w + 1)/w as much as a cost.
                    let relative = (loss - mean) / mean;
                    let term = relative * relative * (arm.weight / (arm.weight + T::ONE));
                    if term.is_finite() {
                        self.deviations.0.add(term);
                        self.deviations.1.add(T::ONE);
                    }
                    arm.weight += T::ONE;
                    arm.mean.add((loss - mean) / arm.weight);
                }
                None => {
                    arm.mean = Sum::ZERO;
                    arm.mean.add(loss);
                    arm.weight = T::ONE;
                }
            }
        }
        self.leader = argmin(self.arms.iter().map(|arm| arm.mean().unwrap_or(T::INFINITY)));
        self.visited = true;
    }
}

impl<T: Real, const ARMS: usize, const BINS: usize> Tuner<T> for Unimodal<T, ARMS, BINS> {
    fn arms(&self) -> usize {
        ARMS
    }

    fn choose_with(&mut self, context: T, _word: u64) -> usize {
        let arm = self.prepare(context);
        self.settle(arm);
        arm
    }

    fn learn(&mut self, loss: T) {
        let (Some(arm), Some(loss)) = (self.chosen.take(), accept(loss)) else { return };
        if let Some(bin) = self.bins.get_mut(self.bin) {
            bin.learn(arm, loss, self.options.discount);
        }
    }

    fn probabilities(&self) -> &[T] {
        &self.probabilities
    }

    fn incumbent(&self) -> usize {
        self.bins.get(self.bin).map_or(0, |bin| bin.leader)
    }

    fn budget(&self) -> Option<T> {
        let cap = self.options.trial_cap?;
        let mean = self.bins.get(self.bin)?.leader_mean()?;
        (mean > T::ZERO).then(|| cap * mean)
    }
}
