//! Tsallis-INF with α = ½: a bandit without context that is good in a random world and in an
//! adversarial one, without knowing which it is in.
//!
//! With estimates k̂ of the arms' total losses, S their scale and η a step size, the arms are drawn from
//!
//! ```text
//! p = argmin over the simplex of ⟨k̂, p⟩ − (4 S/η) Σ √pᵢ,     so pᵢ = 4 / (η (k̂ᵢ/S − x))²,   Σ pᵢ = 1.
//! ```
//!
//! The number x is found by Newton's method from min k̂/S − 2/η, where the least k̂ alone gives p = 1:
//! Σp − 1 is increasing and convex left of min k̂/S, so that the iteration descends to the root and
//! cannot cross the pole. It takes 5 steps on average, 9 at most in 15 000 rounds with 20 arms; the cap
//! is 60.
//!
//! * [`Estimator::ImportanceWeighted`]: k̂ of the arm drawn grows by ℓ/p; S is the mean loss so far (1
//!   before the first loss and while all losses are 0); η = 2/√t.
//! * [`Estimator::ReducedVariance`]: with M the largest loss so far, every k̂ᵢ grows by
//!   1\[i drawn\](ℓ − Bᵢ)/pᵢ + Bᵢ, where Bᵢ = ½ M if pᵢ ≥ η² and 0 otherwise; S = M; η = 4/√t.
//!
//! k̂ is kept relative to its minimum, which changes no probability and keeps `f32` sharp. A weight 1/p
//! is cut at 2/ε, the resolution of a draw.
//!
//! One round costs about 5 d flops a Newton step, about 1000 flops with 20 arms. Memory: about 7 d numbers.
//! On iteration counts whose bad arms cost several times the mean, reduced variance gains nothing.
//! Discounting forgets old rounds (γ = 1 − 1/(25 d) is about right where the world jumps); on drifting
//! sequences a context ([`ChebCb`](crate::bandit::ChebCb), [`Unimodal`](crate::bandit::Unimodal)) does better.
//!
//! Source: Zimmert and Seldin, Tsallis-INF: an optimal algorithm for stochastic and adversarial bandits
//! (2021), algorithm 1 and section 5; for relaxation: Khodak, Chow, Balcan and Talwalkar, Learning to
//! relax (2024), algorithm 1. Their published code starts Newton at x = −1 in each round, which crosses
//! the pole after some 150 rounds.
//!
//! ```
//! use southwell::bandit::{TsallisInf, TsallisOptions, Tuner};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let mut tuner = TsallisInf::<f32, 3>::new(TsallisOptions::default())?;
//! for round in 0..600_u64 {
//!     let arm = tuner.choose_with(0.0, round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
//!     tuner.learn([30.0, 10.0, 20.0][arm]);
//! }
//! assert_eq!(tuner.incumbent(), 1);
//! # Ok(())
//! # }
//! ```

use super::{Sum, Tuner, accept, argmin, check_cap, check_discount, draw, horizon};
use crate::{Error, Real};

/// Newton steps at most. From the safe start 9 were the most ever seen.
const MAX_NEWTON: u32 = 60;

/// How [`TsallisInf`] estimates the losses of the arms it did not draw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Estimator {
    /// Loss over probability, for the arm drawn only.
    #[default]
    ImportanceWeighted,
    /// The same about a baseline of half the largest loss. Helps where losses spread evenly over their
    /// range.
    ReducedVariance,
}

/// Options of [`TsallisInf`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct TsallisOptions<T> {
    /// How losses not seen are estimated; importance weighting by default.
    pub estimator: Estimator,
    /// γ ∈ (0, 1]: old losses count γ per round of age, and η follows min(t, 1/(1−γ)) rounds. Default 1;
    /// smaller only where the best arm is known to jump.
    pub discount: T,
    /// Largest cost of a trial as a multiple (> 1) of the best mean so far; see
    /// [`budget`](Tuner::budget). Default: none.
    pub trial_cap: Option<T>,
}

impl<T: Real> Default for TsallisOptions<T> {
    fn default() -> Self {
        Self { estimator: Estimator::ImportanceWeighted, discount: T::ONE, trial_cap: None }
    }
}

/// Tsallis-INF, α = ½, over `ARMS` arms.
#[derive(Clone, Debug)]
pub struct TsallisInf<T, const ARMS: usize> {
    options: TsallisOptions<T>,
    /// k̂ − min k̂.
    estimates: [Sum<T>; ARMS],
    /// Losses seen and their (discounted) number, arm by arm.
    seen: [(Sum<T>, Sum<T>); ARMS],
    total: (Sum<T>, Sum<T>),
    largest: T,
    /// Rounds finished.
    rounds: u32,
    probabilities: [T; ARMS],
    chosen: Option<usize>,
}

impl<T: Real, const ARMS: usize> TsallisInf<T, ARMS> {
    /// A tuner that has seen nothing. `ARMS` = 0 does not compile.
    ///
    /// # Errors
    /// [`Error::Option`] if the discount lies outside (0, 1] or the trial cap is not a finite number above 1.
    pub fn new(options: TsallisOptions<T>) -> Result<Self, Error> {
        const { assert!(ARMS > 0, "a tuner needs at least one arm") }
        check_discount(options.discount)?;
        check_cap(options.trial_cap)?;
        Ok(Self {
            options,
            estimates: [Sum::ZERO; ARMS],
            seen: [(Sum::ZERO, Sum::ZERO); ARMS],
            total: (Sum::ZERO, Sum::ZERO),
            largest: T::ZERO,
            rounds: 0,
            probabilities: [T::ONE / T::from_usize(ARMS); ARMS],
            chosen: None,
        })
    }

    /// Rounds learnt from (stops counting at 2³² − 1).
    #[must_use]
    pub fn rounds(&self) -> u32 {
        self.rounds
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn step_size(&self) -> T {
        let t = horizon(self.rounds.saturating_add(1), self.options.discount);
        match self.options.estimator {
            Estimator::ImportanceWeighted => T::TWO / t.sqrt(),
            Estimator::ReducedVariance => (T::TWO + T::TWO) / t.sqrt(),
        }
    }

    /// S. Too small to divide by counts as zero, and zero as one.
    fn loss_scale(&self) -> T {
        let scale = match self.options.estimator {
            Estimator::ImportanceWeighted => mean(&self.total).unwrap_or(T::ZERO),
            Estimator::ReducedVariance => self.largest,
        };
        if scale > T::MIN_POSITIVE / T::EPSILON { scale } else { T::ONE }
    }

    /// Computes the probabilities of the next round.
    #[cfg_attr(target_os = "none", inline(never))]
    pub(super) fn prepare(&mut self) {
        let scale = self.loss_scale();
        let mut u = [T::ZERO; ARMS];
        for (u, estimate) in u.iter_mut().zip(&self.estimates) {
            *u = estimate.value() / scale;
        }
        simplex(&u, self.step_size(), &mut self.probabilities);
    }

    /// Takes over a choice and its probabilities from a tuner in double precision.
    #[cfg(test)]
    pub(super) fn imitate(&mut self, arm: usize, probabilities: &[f64]) {
        let pairs = self.probabilities.iter_mut().zip(probabilities);
        pairs.for_each(|(own, &p)| *own = T::from_f64(p));
        self.settle(arm);
    }

    /// Settles on an arm, whichever way it was found.
    pub(super) fn settle(&mut self, arm: usize) {
        self.chosen = Some(arm);
    }
}

impl<T: Real, const ARMS: usize> Tuner<T> for TsallisInf<T, ARMS> {
    fn arms(&self) -> usize {
        ARMS
    }

    fn choose_with(&mut self, _context: T, word: u64) -> usize {
        self.prepare();
        let arm = draw(&self.probabilities, word);
        self.settle(arm);
        arm
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn learn(&mut self, loss: T) {
        let (Some(arm), Some(loss)) = (self.chosen.take(), accept(loss)) else { return };
        let discount = self.options.discount;
        let step_size = self.step_size();
        if loss > self.largest {
            self.largest = loss;
        }
        let half_range = T::HALF * self.largest;
        tally(&mut self.total, loss, discount, true);
        let arms = self.estimates.iter_mut().zip(&mut self.seen).zip(&self.probabilities);
        for (i, ((estimate, seen), &p)) in arms.enumerate() {
            estimate.scale(discount);
            tally(seen, loss, discount, i == arm);
            let baseline = match self.options.estimator {
                Estimator::ReducedVariance if p >= step_size * step_size => half_range,
                _ => T::ZERO,
            };
            estimate.add(baseline);
            if i == arm {
                estimate.add((loss - baseline) / p.max(T::HALF * T::EPSILON));
            }
        }
        let least = self.estimates.get(self.incumbent()).copied().unwrap_or_default();
        for estimate in &mut self.estimates {
            estimate.sub(least);
        }
        self.rounds = self.rounds.saturating_add(1);
    }

    fn probabilities(&self) -> &[T] {
        &self.probabilities
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn incumbent(&self) -> usize {
        argmin(self.estimates.iter().map(Sum::value))
    }

    fn budget(&self) -> Option<T> {
        let cap = self.options.trial_cap?;
        let best = self.seen.iter().filter_map(mean).fold(T::INFINITY, |a, b| if b < a { b } else { a });
        // A mean of zero bounds nothing sensibly.
        (best > T::ZERO && best <= T::MAX).then(|| cap * best)
    }
}

/// Adds a loss to a (sum, count), after both have aged by a round.
pub(super) fn tally<T: Real>(seen: &mut (Sum<T>, Sum<T>), loss: T, discount: T, add: bool) {
    seen.0.scale(discount);
    seen.1.scale(discount);
    if add {
        seen.0.add(loss);
        seen.1.add(T::ONE);
    }
}

/// The mean of a (sum, count), if anything that still counts was seen.
pub(super) fn mean<T: Real>(seen: &(Sum<T>, Sum<T>)) -> Option<T> {
    let (sum, count) = (seen.0.value(), seen.1.value());
    (count > T::MIN_POSITIVE / T::EPSILON).then(|| sum / count)
}

/// pᵢ = 4/(η(uᵢ − x))² with Σp = 1, for u ≥ 0 with minimum 0; returns x.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn simplex<T: Real, const ARMS: usize>(u: &[T; ARMS], step_size: T, p: &mut [T; ARMS]) -> T {
    let close = T::from_usize(ARMS) * T::EPSILON;
    let mut x = -T::TWO / step_size;
    let mut total = T::ONE;
    for newton in 0..=MAX_NEWTON {
        total = T::ZERO;
        let mut slope = T::ZERO;
        for (p, &u) in p.iter_mut().zip(u) {
            let root = T::TWO / (step_size * (u - x));
            // An arm may become hopeless, but never impossible.
            *p = (root * root).max(T::MIN_POSITIVE);
            total += *p;
            slope += *p * root;
        }
        let moved = x - (total - T::ONE) / (step_size * slope);
        // Rounding may lift x at the root, never before it.
        if newton == MAX_NEWTON || total - T::ONE <= close || moved >= x {
            break;
        }
        x = moved;
    }
    for p in p.iter_mut() {
        *p = (*p / total).max(T::MIN_POSITIVE);
    }
    x
}
