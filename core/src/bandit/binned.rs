//! Tsallis-INF with a context in bins: `BINS` equal parts of [lower, upper], and in each of them a
//! [`TsallisInf`] of its own, with its own clock, scale and estimates.
//!
//! It assumes nothing about how cost depends on the context, and pays for that by learning each bin
//! afresh: few bins (5 or 6) and long sequences suit it. Contexts outside the range belong to the outer
//! bins, a context on a boundary to the lower one.
//!
//! One round costs what [`TsallisInf`] costs, and memory is `BINS` times as much.
//!
//! Source: Khodak, Chow, Balcan and Talwalkar, Learning to relax (2024), Tsallis-INF-CB.
//!
//! ```
//! use southwell::bandit::{BinnedTsallisInf, TsallisOptions, Tuner};
//!
//! # fn main() -> Result<(), southwell::Error> {
//! let mut tuner = BinnedTsallisInf::<f64, 2, 4>::new(0.0, 1.0, TsallisOptions::default())?;
//! for round in 0..2000_u64 {
//!     let context = (round % 10) as f64 / 10.0;
//!     let arm = tuner.choose_with(context, round.wrapping_mul(0x9E37_79B9_7F4A_7C15));
//!     let good = usize::from(context > 0.5);
//!     tuner.learn(if arm == good { 10.0 } else { 30.0 });
//! }
//! tuner.choose_with(0.1, 0);
//! assert_eq!(tuner.incumbent(), 0);
//! tuner.choose_with(0.9, 0);
//! assert_eq!(tuner.incumbent(), 1);
//! # Ok(())
//! # }
//! ```

use super::{TsallisInf, TsallisOptions, Tuner, bin_of, check_range};
use crate::{Error, Real};

/// One [`TsallisInf`] for each of `BINS` equal parts of the context's range.
#[derive(Clone, Debug)]
pub struct BinnedTsallisInf<T, const ARMS: usize, const BINS: usize> {
    lower: T,
    upper: T,
    tuners: [TsallisInf<T, ARMS>; BINS],
    /// The bin of the last context.
    bin: usize,
}

impl<T: Real, const ARMS: usize, const BINS: usize> BinnedTsallisInf<T, ARMS, BINS> {
    /// A tuner for contexts in [lower, upper]. `ARMS` = 0 or `BINS` = 0 does not compile.
    ///
    /// # Errors
    /// [`Error::Option`] if the range is empty or not finite, or if an option is out of range.
    pub fn new(lower: T, upper: T, options: TsallisOptions<T>) -> Result<Self, Error> {
        const { assert!(BINS > 0, "a binned tuner needs at least one bin") }
        check_range(lower, upper)?;
        let fresh = TsallisInf::new(options)?;
        Ok(Self { lower, upper, tuners: core::array::from_fn(|_| fresh.clone()), bin: 0 })
    }

    fn current(&self) -> Option<&TsallisInf<T, ARMS>> {
        self.tuners.get(self.bin)
    }
}

impl<T: Real, const ARMS: usize, const BINS: usize> Tuner<T> for BinnedTsallisInf<T, ARMS, BINS> {
    fn arms(&self) -> usize {
        ARMS
    }

    fn choose_with(&mut self, context: T, word: u64) -> usize {
        // The choice of another bin may still wait for its loss: it is forgotten.
        self.bin = bin_of(context, self.lower, self.upper, BINS);
        self.tuners.get_mut(self.bin).map_or(0, |tuner| tuner.choose_with(context, word))
    }

    fn learn(&mut self, loss: T) {
        if let Some(tuner) = self.tuners.get_mut(self.bin) {
            tuner.learn(loss);
        }
    }

    fn probabilities(&self) -> &[T] {
        self.current().map_or(&[], Tuner::probabilities)
    }

    fn incumbent(&self) -> usize {
        self.current().map_or(0, Tuner::incumbent)
    }

    fn budget(&self) -> Option<T> {
        self.current().and_then(Tuner::budget)
    }
}
