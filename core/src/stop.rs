//! When a run ends.

use crate::{Error, Real};

/// Tolerances, a step limit, and how often to look.
///
/// A run has converged when `residual ≤ max(absolute, relative · scale)`. What the residual measures
/// and what its scale is (‖b‖ or the first residual, say) is defined by each family; the scale is
/// fixed when the run starts, so a continued run keeps it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Stop<T> {
    /// Absolute tolerance, in units of the residual; finite, ≥ 0. Default 0.
    pub absolute: T,
    /// Tolerance relative to the run's scale; finite, ≥ 0. Default 1e-8 in `f64`, 1e-5 in `f32`
    /// (about half the digits of the type).
    pub relative: T,
    /// The run ends after this many steps whatever happens. Default 10 000.
    pub max_steps: u32,
    /// The residual is evaluated every so many steps (0 counts as 1). A method whose residual is
    /// free says so; elsewhere a larger interval saves work and may overshoot by as many steps.
    /// Default 1.
    pub check_every: u32,
}

impl<T: Real> Default for Stop<T> {
    fn default() -> Self {
        // EPSILON > 1e-10 tells f32 from f64 without asking for the type.
        let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-5 } else { 1e-8 };
        Self { absolute: T::ZERO, relative: T::from_f64(relative), max_steps: 10_000, check_every: 1 }
    }
}

impl<T: Real> Stop<T> {
    /// The default with another relative tolerance.
    #[must_use]
    pub fn relative(tolerance: T) -> Self {
        Self { relative: tolerance, ..Self::default() }
    }

    /// Refuses tolerances that no run could be measured against.
    ///
    /// # Errors
    /// [`Error::Option`] if a tolerance is negative, NaN or infinite, or both are zero.
    pub fn check(&self) -> Result<(), Error> {
        let valid = |t: T| t >= T::ZERO && t <= T::MAX;
        if !valid(self.absolute) {
            return Err(Error::Option { name: "absolute", requirement: "must be finite and not negative" });
        }
        if !valid(self.relative) {
            return Err(Error::Option { name: "relative", requirement: "must be finite and not negative" });
        }
        if self.absolute == T::ZERO && self.relative == T::ZERO {
            return Err(Error::Option {
                name: "relative",
                requirement: "must be positive where `absolute` is zero",
            });
        }
        Ok(())
    }
}
