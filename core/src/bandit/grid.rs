//! Evenly spaced arms: value(i) = first + (last − first) · i/(d − 1), i = 0 … d−1.
//!
//! The published experiments with relaxation use 20 arms, 1.00, 1.05 … 1.95
//! ([`Grid::RELAXATION`]; Khodak, Chow, Balcan and Talwalkar, Learning to relax, 2024). Their theory
//! asks for about T^⅓ arms for T problems, and takes the nearest arm *above* an optimum for the safe
//! one: left of it the cost of relaxation rises without bound on the slope.
//!
//! ```
//! use southwell::bandit::Grid;
//! let omegas = Grid::<f64>::RELAXATION;
//! assert_eq!((omegas.value(0), omegas.value(11), omegas.value(19)), (1.0, 1.55, 1.95));
//! assert_eq!(omegas.at_or_above(1.52), 11);
//! ```

use crate::{Error, Real};

/// Evenly spaced values of the arms of a [`Tuner`](crate::bandit::Tuner).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid<T> {
    arms: u32,
    first: T,
    last: T,
}

impl Grid<f64> {
    /// The published relaxation factors: 20 arms 1.00, 1.05 … 1.95.
    pub const RELAXATION: Self = Self { arms: 20, first: 1.0, last: 1.95 };
}

impl Grid<f32> {
    /// The published relaxation factors: 20 arms 1.00, 1.05 … 1.95.
    pub const RELAXATION: Self = Self { arms: 20, first: 1.0, last: 1.95 };
}

impl<T: Real> Grid<T> {
    /// `arms` values from `first` to `last`, both included. A single arm has the value `first`.
    ///
    /// # Errors
    /// [`Error::Option`] if there is no arm, or if the values are not finite and increasing.
    pub fn new(first: T, last: T, arms: u32) -> Result<Self, Error> {
        if arms == 0 {
            return Err(Error::Option { name: "arms", requirement: "must be at least 1" });
        }
        let sound = first.is_finite() && (last - first).is_finite() && (first < last || arms == 1);
        if !sound {
            return Err(Error::Option {
                name: "last",
                requirement: "must be finite and larger than `first`",
            });
        }
        Ok(Self { arms, first, last })
    }

    /// The number of arms.
    #[must_use]
    pub fn arms(&self) -> usize {
        self.arms as usize
    }

    /// The value of an arm, the last one's if there is no such arm.
    #[cfg_attr(target_os = "none", inline(never))]
    #[must_use]
    pub fn value(&self, arm: usize) -> T {
        let intervals = self.arms.saturating_sub(1);
        if intervals == 0 {
            return self.first;
        }
        let arm = arm.min(intervals as usize);
        // Weights that are whole numbers keep the rounding to that of the two products and a quotient.
        let (right, left) = (T::from_usize(arm), T::from_usize(intervals as usize - arm));
        (self.first * left + self.last * right) / T::from_u32(intervals)
    }

    /// The first arm whose value reaches `value`; the last arm if none does.
    #[must_use]
    pub fn at_or_above(&self, value: T) -> usize {
        let last = self.arms().saturating_sub(1);
        (0..last).find(|&arm| self.value(arm) >= value).unwrap_or(last)
    }
}
