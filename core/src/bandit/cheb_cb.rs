//! ChebCB: a contextual bandit that regresses each arm's loss on Chebyshev polynomials of the context,
//! and draws the arms by inverse-gap weighting.
//!
//! With a context c ∈ \[a, b\], x = 2(c − a)/(b − a) − 1 and features φⱼ = Tⱼ(x), j = 0 … m − 1:
//!
//! ```text
//! ŷᵢ = θᵢ·φ(c),   i* = argmin ŷ,   pᵢ = 1/(d + η (ŷᵢ − ŷᵢ*)/s)  for i ≠ i*,   pᵢ* = 1 − the others
//! θᵢ = argmin Σ (θ·φ − ℓ)²  over the rounds in which i was drawn,  subject to |θ₀| ≤ K, |θⱼ| ≤ 2K/j
//! ```
//!
//! K is the largest loss so far; it stands for (b − a) times the Lipschitz constant of the loss, which
//! the published code estimates the same way. The box holds the Chebyshev coefficients of every such loss.
//! Among all minimisers θ is the shortest. An arm never tried has θ = 0, the least prediction possible: it
//! is tried first. The first round is uniform, and later
//!
//! ```text
//! η = 2 t √(d t / (R + 2 α² t)),   s = K N,   N = 2 + 4 (1 + ln m),   α = (π + (2/π) ln(2m + 1)) / (2 N (m + 1))
//! ```
//!
//! where R = Σ (ŷ − ℓ)²/s² adds up the errors of the predictions acted on, and α bounds the error of a
//! degree m − 1 fit. Everything here is in units of the loss; only the gaps are divided by s.
//!
//! Memory: the normal equations of an arm follow from the moments μₖ = Σ Tₖ(x), k < 2m, since
//! Tᵢ Tⱼ = ½ (Tᵢ₊ⱼ + T|ᵢ₋ⱼ|), and from Σ φ ℓ: 3 m sums (of two floats) and m coefficients an arm, no
//! history. They are solved by an eigen-decomposition (eigenvalues below 10⁻¹¹ of the largest, or the
//! type's precision, are dropped) and, where the box is violated, by an active-set method on top of it. One
//! round costs d m multiply-adds to choose and about 40 m³ flops to learn, a few times that in the box,
//! and again for each arm in the box when a new largest loss widens it.
//!
//! Contexts outside the range are moved to its ends. With few arms and smooth losses this tuner comes
//! within 3–5 % of the best arm for each context; where losses jump in the context take
//! [`BinnedTsallisInf`](crate::bandit::BinnedTsallisInf).
//!
//! Sources: Foster and Rakhlin, Beyond UCB: optimal and efficient contextual bandits with regression
//! oracles (2020), algorithm 1; Khodak, Chow, Balcan and Talwalkar, Learning to relax (2024), ChebCB.
//!
//! ```
//! use southwell::bandit::{ChebCb, ChebOptions, Tuner};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let mut tuner = ChebCb::<f64, 5, 4>::new(0.0, 1.0, ChebOptions::default())?;
//! for round in 0..400_u64 {
//!     let context = (round % 20) as f64 / 20.0;
//!     let arm = tuner.choose_with(context, round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
//!     tuner.learn(10.0 + 40.0 * (arm as f64 / 4.0 - context).powi(2));
//! }
//! tuner.choose_with(0.75, 0);
//! assert_eq!(tuner.incumbent(), 3);
//! # Ok(())
//! # }
//! ```

use super::least_squares::{move_into_box, shortest_solution};
use super::{Sum, Tuner, accept, argmin, check_discount, check_range, draw};
use crate::{Error, Real};

/// Options of [`ChebCb`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct ChebOptions<T> {
    /// γ ∈ (0, 1]: old losses count γ per round of age. Default 1; smaller only where the losses drift
    /// at a fixed context.
    pub discount: T,
}

impl<T: Real> Default for ChebOptions<T> {
    fn default() -> Self {
        Self { discount: T::ONE }
    }
}

/// What is known of one arm.
#[derive(Clone, Copy, Debug)]
struct Arm<T, const FEATURES: usize> {
    /// μₖ, k < m and m ≤ k < 2m (the last one unused); μ₀ is the number of rounds.
    moments: [[Sum<T>; FEATURES]; 2],
    /// Σ φ ℓ
    weighted: [Sum<T>; FEATURES],
    /// θ
    coefficients: [T; FEATURES],
    /// Whether the box holds θ back.
    boxed: bool,
}

/// ChebCB with `ARMS` arms and `FEATURES` Chebyshev features (degrees 0 … `FEATURES` − 1; 6 is usual).
#[derive(Clone, Debug)]
pub struct ChebCb<T, const ARMS: usize, const FEATURES: usize> {
    lower: T,
    upper: T,
    discount: T,
    arms: [Arm<T, FEATURES>; ARMS],
    /// K
    largest: T,
    /// t, discounted like everything else.
    rounds: Sum<T>,
    /// Σ (ŷ − ℓ)²
    errors: Sum<T>,
    /// N and α
    constants: (T, T),
    /// x of the last context.
    place: T,
    probabilities: [T; ARMS],
    /// The arm drawn and its prediction.
    chosen: Option<(usize, T)>,
}

impl<T: Real, const ARMS: usize, const FEATURES: usize> ChebCb<T, ARMS, FEATURES> {
    /// A tuner for contexts in [lower, upper]. `ARMS` = 0 or `FEATURES` = 0 does not compile.
    ///
    /// # Errors
    /// [`Error::Option`] if the range is empty or not finite, or the discount outside (0, 1].
    pub fn new(lower: T, upper: T, options: ChebOptions<T>) -> Result<Self, Error> {
        const { assert!(ARMS > 0, "a tuner needs at least one arm") }
        const { assert!(FEATURES > 0, "a regression needs at least one feature") }
        check_range(lower, upper)?;
        check_discount(options.discount)?;
        let (two, m) = (T::TWO, T::from_usize(FEATURES));
        let spread = two + two * two * (T::ONE + m.ln());
        let lebesgue = T::PI + two / T::PI * (two * m + T::ONE).ln();
        let fresh = Arm {
            moments: [[Sum::ZERO; FEATURES]; 2],
            weighted: [Sum::ZERO; FEATURES],
            coefficients: [T::ZERO; FEATURES],
            boxed: false,
        };
        Ok(Self {
            lower,
            upper,
            discount: options.discount,
            arms: [fresh; ARMS],
            largest: T::ZERO,
            rounds: Sum::ZERO,
            errors: Sum::ZERO,
            constants: (spread, lebesgue / (two * spread * (m + T::ONE))),
            place: T::ZERO,
            probabilities: [T::ONE / T::from_usize(ARMS); ARMS],
            chosen: None,
        })
    }

    /// The loss that the regression predicts for an arm at a context (0 for an arm that does not exist).
    #[must_use]
    pub fn predict(&self, arm: usize, context: T) -> T {
        let features = features(self.place_of(context));
        self.arms.get(arm).map_or(T::ZERO, |arm| arm.predict(&features))
    }

    fn place_of(&self, context: T) -> T {
        let share = (context.max(self.lower).min(self.upper) - self.lower) / (self.upper - self.lower);
        (T::TWO * share - T::ONE).max(-T::ONE).min(T::ONE)
    }

    /// s, and 1 while no loss above zero is known.
    fn loss_scale(&self) -> T {
        let scale = self.largest * self.constants.0;
        if scale > T::MIN_POSITIVE / T::EPSILON { scale } else { T::ONE }
    }

    /// η
    fn learning_rate(&self) -> T {
        let (t, s, alpha) = (self.rounds.value(), self.loss_scale(), self.constants.1);
        let errors = self.errors.value() / s / s + T::TWO * alpha * alpha * t;
        // R ≥ 0 and t ≥ 1 keep this away from zero after the first round.
        if errors > T::ZERO { T::TWO * t * (T::from_usize(ARMS) * t / errors).sqrt() } else { T::ZERO }
    }

    /// Computes the probabilities at a context; returns the predictions.
    pub(super) fn prepare(&mut self, context: T) -> [T; ARMS] {
        self.place = self.place_of(context);
        let features: [T; FEATURES] = features(self.place);
        let mut predictions = [T::ZERO; ARMS];
        for (prediction, arm) in predictions.iter_mut().zip(&self.arms) {
            *prediction = arm.predict(&features);
        }
        let best = argmin(predictions.iter().copied());
        let least = predictions.get(best).copied().unwrap_or(T::ZERO);
        let (rate, scale, arms) = (self.learning_rate(), self.loss_scale(), T::from_usize(ARMS));
        let mut others = T::ZERO;
        for (i, (p, &prediction)) in self.probabilities.iter_mut().zip(&predictions).enumerate() {
            *p = (T::ONE / (arms + rate * ((prediction - least) / scale))).max(T::MIN_POSITIVE);
            if i != best {
                others += *p;
            }
        }
        if let Some(p) = self.probabilities.get_mut(best) {
            *p = T::ONE - others;
        }
        predictions
    }

    /// Settles on an arm, whichever way it was found.
    pub(super) fn settle(&mut self, arm: usize, predictions: &[T; ARMS]) {
        self.chosen = predictions.get(arm).map(|&prediction| (arm, prediction));
    }
}

impl<T: Real, const ARMS: usize, const FEATURES: usize> Tuner<T> for ChebCb<T, ARMS, FEATURES> {
    fn arms(&self) -> usize {
        ARMS
    }

    fn choose_with(&mut self, context: T, word: u64) -> usize {
        let predictions = self.prepare(context);
        let arm = draw(&self.probabilities, word);
        self.settle(arm, &predictions);
        arm
    }

    fn learn(&mut self, loss: T) {
        let (Some((chosen, prediction)), Some(loss)) = (self.chosen.take(), accept(loss)) else { return };
        let discount = self.discount;
        if discount < T::ONE {
            self.rounds.scale(discount);
            self.errors.scale(discount);
            self.arms.iter_mut().for_each(|arm| arm.age(discount));
        }
        self.rounds.add(T::ONE);
        self.errors.add((prediction - loss) * (prediction - loss));
        let widened = loss > self.largest;
        self.largest = loss.max(self.largest * discount);
        let place = self.place;
        let largest = self.largest;
        for (i, arm) in self.arms.iter_mut().enumerate() {
            if i == chosen {
                arm.add(place, loss);
            }
            // A fit inside the box does not change when the box widens.
            if i == chosen || (widened && arm.boxed) {
                arm.fit(largest);
            }
        }
    }

    fn probabilities(&self) -> &[T] {
        &self.probabilities
    }

    fn incumbent(&self) -> usize {
        let features = features(self.place);
        // An arm never tried is promising, not good.
        let tried = |arm: &Arm<T, FEATURES>| arm.rounds() > T::ZERO;
        argmin(self.arms.iter().map(|arm| if tried(arm) { arm.predict(&features) } else { T::INFINITY }))
    }
}

impl<T: Real, const FEATURES: usize> Arm<T, FEATURES> {
    fn rounds(&self) -> T {
        self.moments.iter().flatten().next().map_or(T::ZERO, Sum::value)
    }

    fn predict(&self, features: &[T; FEATURES]) -> T {
        self.coefficients.iter().zip(features).map(|(&theta, &phi)| theta * phi).sum()
    }

    fn age(&mut self, discount: T) {
        self.moments.iter_mut().flatten().chain(&mut self.weighted).for_each(|sum| sum.scale(discount));
    }

    fn add(&mut self, place: T, loss: T) {
        let moments = self.moments.iter_mut().flatten();
        moments.zip(Chebyshev::new(place)).for_each(|(sum, t)| sum.add(t));
        self.weighted.iter_mut().zip(Chebyshev::new(place)).for_each(|(sum, t)| sum.add(t * loss));
    }

    /// Least squares in the box |θ₀| ≤ K, |θⱼ| ≤ 2K/j.
    fn fit(&mut self, largest: T) {
        let rounds = self.rounds();
        if rounds <= T::MIN_POSITIVE / T::EPSILON {
            return;
        }
        // Means instead of sums keep every entry of the normal equations within [−1, 1].
        let moment = |k: usize| self.moments.iter().flatten().nth(k).map_or(T::ZERO, Sum::value) / rounds;
        let mut gram = [[T::ZERO; FEATURES]; FEATURES];
        for (i, row) in gram.iter_mut().enumerate() {
            for (j, entry) in row.iter_mut().enumerate() {
                *entry = T::HALF * (moment(i + j) + moment(i.abs_diff(j)));
            }
        }
        let mut rhs = [T::ZERO; FEATURES];
        for (rhs, sum) in rhs.iter_mut().zip(&self.weighted) {
            *rhs = sum.value() / rounds;
        }
        self.coefficients = shortest_solution(&gram, &rhs);
        let mut bounds = [largest; FEATURES];
        for (j, bound) in bounds.iter_mut().enumerate().skip(1) {
            *bound = T::TWO * largest / T::from_usize(j);
        }
        let pairs = || self.coefficients.iter().zip(&bounds);
        self.boxed = pairs().any(|(theta, &bound)| theta.abs() > bound);
        if self.boxed {
            move_into_box(&gram, &rhs, &bounds, &mut self.coefficients);
        }
    }
}

/// T₀(x), T₁(x), … by Tⱼ₊₁ = 2x Tⱼ − Tⱼ₋₁, for |x| ≤ 1.
struct Chebyshev<T> {
    x: T,
    now: T,
    next: T,
}

impl<T: Real> Chebyshev<T> {
    fn new(x: T) -> Self {
        Self { x, now: T::ONE, next: x }
    }
}

impl<T: Real> Iterator for Chebyshev<T> {
    type Item = T;
    fn next(&mut self) -> Option<T> {
        let now = self.now;
        (self.now, self.next) = (self.next, T::TWO * self.x * self.next - now);
        Some(now)
    }
}

fn features<T: Real, const FEATURES: usize>(place: T) -> [T; FEATURES] {
    let mut features = [T::ZERO; FEATURES];
    features.iter_mut().zip(Chebyshev::new(place)).for_each(|(phi, t)| *phi = t);
    features
}
