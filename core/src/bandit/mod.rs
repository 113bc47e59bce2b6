//! Online tuners: a sequence of problems arrives, and before each one a parameter must be chosen
//! from a few candidates.
//!
//! A tuner picks an **arm** i ∈ {0 … d−1}, the caller solves its problem with the value that this arm
//! stands for (a relaxation factor, say; see [`Grid`]) and reports the **loss** ℓ ≥ 0: an iteration
//! count, or a time it has measured. Nothing is known about the arms that were not chosen. Losses may
//! be in any unit: every tuner is indifferent to a common factor.
//!
//! | tuner | uses a context | assumes | memory (numbers) |
//! |---|---|---|---|
//! | [`TsallisInf`] | no | nothing | about 7 d |
//! | [`BinnedTsallisInf`] | in bins | nothing | about 7 d · bins |
//! | [`ChebCb`] | by regression | cost is smooth in the context | about (7 m + 2) d |
//! | [`Unimodal`] | in bins | cost falls, then rises, along the arms | about 3 d · bins |
//!
//! A context is one number that is known before the choice and says something about the problem.
//! Where there is one, it is worth more than any refinement of the learning.
//!
//! ```
//! use rand_xoshiro::{Xoshiro256PlusPlus, rand_core::SeedableRng};
//! use southwell::bandit::{Grid, TsallisInf, TsallisOptions, Tuner};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let omegas = Grid::<f64>::RELAXATION; // 1.00, 1.05 … 1.95
//! let mut tuner = TsallisInf::<f64, 20>::new(TsallisOptions::default())?;
//! let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
//! for _ in 0..3000 {
//!     let omega = omegas.value(tuner.choose(0.0, &mut rng));
//!     let iterations = 20.0 + 100.0 * (omega - 1.6).abs(); // stands for a solve
//!     tuner.learn(iterations - 1.0);
//! }
//! assert!((omegas.value(tuner.incumbent()) - 1.6).abs() < 0.051);
//! # Ok(())
//! # }
//! ```

mod binned;
mod cheb_cb;
mod grid;
mod least_squares;
mod sum;
mod tsallis_inf;
mod unimodal;

#[cfg(test)]
mod tests;

use rand_core::Rng;

use crate::Real;

pub use binned::BinnedTsallisInf;
pub use cheb_cb::{ChebCb, ChebOptions};
pub use grid::Grid;
pub use sum::Sum;
pub use tsallis_inf::{Estimator, TsallisInf, TsallisOptions};
pub use unimodal::{Unimodal, UnimodalOptions};

/// Chooses among a few arms, again and again, and learns from what each choice cost.
///
/// Same calls, same words: same choices, bit for bit.
pub trait Tuner<T: Real> {
    /// The number of arms.
    fn arms(&self) -> usize;

    /// Chooses an arm for a problem with this context, consuming one random word.
    ///
    /// A tuner without context ignores `context`; the others bring it into their range first (NaN
    /// counts as the lower end). Choosing again without [`learn`](Tuner::learn) forgets the first
    /// choice.
    fn choose_with(&mut self, context: T, word: u64) -> usize;

    /// Chooses an arm for a problem with this context.
    fn choose<R: Rng + ?Sized>(&mut self, context: T, rng: &mut R) -> usize
    where
        Self: Sized,
    {
        self.choose_with(context, rng.next_u64())
    }

    /// What the arm chosen last has cost.
    ///
    /// Without a choice to refer to, the call is ignored. A loss that is negative or not finite is
    /// ignored too, and its choice withdrawn: the tuner stands as before that choice. Absurdly large
    /// losses (above 10¹² in `f32`, 10¹³⁸ in `f64`) are cut, so that their sums and squares stay finite.
    fn learn(&mut self, loss: T);

    /// The probabilities that the last choice was drawn from: uniform before the first one, and 1 for the
    /// choice of a tuner that does not draw.
    fn probabilities(&self) -> &[T];

    /// The arm believed best so far: where there is a context, for the context seen last.
    fn incumbent(&self) -> usize;

    /// The cost after which a trial should be abandoned, if the tuner was asked to bound trials.
    ///
    /// Finish such a problem with the [`incumbent`](Tuner::incumbent) and report the sum of both costs.
    fn budget(&self) -> Option<T> {
        None
    }
}

/// The loss as the tuners take it: `None` if it is to be ignored.
fn accept<T: Real>(loss: T) -> Option<T> {
    let largest = T::MAX.sqrt() * T::EPSILON;
    // Neither a NaN nor an infinity is within.
    (loss >= T::ZERO && loss <= T::MAX).then(|| if loss < largest { loss } else { largest })
}

/// Draws an arm; what rounding leaves over goes to the last one.
fn draw<T: Real>(probabilities: &[T], word: u64) -> usize {
    let mut left = T::unit_from_bits(word);
    for (arm, &p) in probabilities.iter().enumerate() {
        if left < p {
            return arm;
        }
        left -= p;
    }
    probabilities.len().saturating_sub(1)
}

/// The first position of the least value (0 if there is none).
fn argmin<T: Real>(values: impl Iterator<Item = T>) -> usize {
    let mut least = T::INFINITY;
    let mut at = 0;
    for (i, value) in values.enumerate() {
        if value < least {
            least = value;
            at = i;
        }
    }
    at
}

/// How far back a tuner with discount γ looks: min(rounds, 1/(1−γ)).
fn horizon<T: Real>(rounds: u32, discount: T) -> T {
    // Endless where nothing is forgotten.
    let (rounds, seen) = (T::from_u32(rounds), T::ONE / (T::ONE - discount));
    if seen < rounds { seen } else { rounds }
}

/// Where `context` lies among `bins` equal bins of [lower, upper]; the first of two equally near centres.
fn bin_of<T: Real>(context: T, lower: T, upper: T, bins: usize) -> usize {
    // In units of bins, and counted from the first centre: the bin is the nearest whole number.
    let place = (context.max(lower).min(upper) - lower) / (upper - lower) * T::from_usize(bins) - T::HALF;
    (0..bins).find(|&bin| place <= T::from_usize(bin) + T::HALF).unwrap_or(bins.saturating_sub(1))
}

const DISCOUNT: crate::Error =
    crate::Error::Option { name: "discount", requirement: "must lie in (0, 1]; 1 forgets nothing" };
const TRIAL_CAP: crate::Error =
    crate::Error::Option { name: "trial_cap", requirement: "must be finite and above 1" };
const RANGE: crate::Error =
    crate::Error::Option { name: "context range", requirement: "must be finite, with lower < upper" };

/// Checks a discount γ ∈ (0, 1].
fn check_discount<T: Real>(discount: T) -> Result<(), crate::Error> {
    if discount > T::ZERO && discount <= T::ONE { Ok(()) } else { Err(DISCOUNT) }
}

/// Checks a trial cap, a multiple of a mean.
fn check_cap<T: Real>(cap: Option<T>) -> Result<(), crate::Error> {
    if cap.is_none_or(|cap| cap > T::ONE && cap.is_finite()) { Ok(()) } else { Err(TRIAL_CAP) }
}

/// Checks a context range.
fn check_range<T: Real>(lower: T, upper: T) -> Result<(), crate::Error> {
    // The width must be finite and survive a division as well.
    let width = upper - lower;
    let sound = lower.is_finite() && width.is_finite() && width >= T::MIN_POSITIVE;
    if sound { Ok(()) } else { Err(RANGE) }
}
