//! Young's optimal omega, by formula and from the rate that is seen.
//!
//! Where an iteration with ω = 1 reduces its error by μ² a step and over-relaxation acts on pairs of
//! half-steps (a consistently ordered matrix whose Jacobi matrix has real eigenvalues and radius μ < 1;
//! Sinkhorn's iteration near its limit, μ = σ₂):
//! ```text
//! ω* = 2 / (1 + √(1 − μ²)),   ρ(ω*) = ω* − 1
//! ```
//! The rate falls off steeply below ω* and gently above: err on the high side.
//!
//! *Source*: Young 1950, 1971; Hageman & Young 1981, ch. 9; for Sinkhorn's iteration Thibault, Chizat,
//! Dossal & Papadakis 2021.

use southwell_simd::elementary::{exp_scalar, ln_scalar};

use super::{OmegaRule, Sight};
use crate::Real;

/// ω* = 2/(1 + √(1 − μ²)) for a radius μ, cut to [0, 1) from above by the type's precision.
#[must_use]
pub fn young_omega<T: Real>(radius: T) -> T {
    let mu = radius.abs();
    let rest = (T::ONE - mu * mu).max(T::EPSILON);
    T::TWO / (T::ONE + rest.sqrt())
}

/// Young's omega found while a run goes on, from how fast its residual falls (Hageman & Young 1981,
/// ch. 9): for [`relaxation::sor`](crate::relaxation::sor) with one sweep a step, and for Sinkhorn's
/// iteration.
///
/// Below ω* the residual falls by λ = ρ(ω) a sweep in the long run, and λ gives the radius away:
/// μ = (λ + ω − 1)/(ω√λ). Once the observed ratio has settled, omega is raised to what that μ asks
/// for; it is never lowered. Remembers what it has found for the next run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HagemanYoung<T> {
    /// Where the first run starts, in [1, 2); what has been found so far afterwards.
    pub omega: T,
    residual: T,
    ratio: T,
    step: u32,
    settled: u32,
}

/// Looks in a row whose ratios must agree, and how well.
const SETTLED_LOOKS: u32 = 3;
const SETTLED_RATIO: f64 = 0.02;
/// No closer to 2: there the rate is lost to rounding.
const LARGEST: f64 = 1.999;

impl<T: Real> Default for HagemanYoung<T> {
    fn default() -> Self {
        Self { omega: T::ONE, residual: T::ZERO, ratio: T::ZERO, step: 0, settled: 0 }
    }
}

/// The geometric mean of the factors by which a residual fell in so many steps.
pub(super) fn mean_ratio<T: Real>(before: T, after: T, steps: u32) -> T {
    exp_scalar(ln_scalar(after / before) / T::from_u32(steps))
}

impl<T: Real> HagemanYoung<T> {
    /// Another omega from here on; what was seen of the rate before says nothing about it.
    pub(super) fn raise(&mut self, omega: T) {
        self.omega = omega;
        self.settled = 0;
    }
}

impl<T: Real> OmegaRule<T> for HagemanYoung<T> {
    fn begin(&mut self, sight: &Sight<'_, T>) -> T {
        *self = Self { omega: self.omega, residual: sight.initial_residual, ..Self::default() };
        self.omega
    }

    fn revise(&mut self, progress: &crate::Progress<T>) -> Option<T> {
        let residual = progress.residual?;
        let sweeps = progress.step.saturating_sub(self.step);
        if sweeps == 0 || residual <= T::ZERO || self.residual <= T::ZERO {
            return None;
        }
        // The factor of one sweep: the geometric mean where looks are spaced out.
        let ratio = mean_ratio(self.residual, residual, sweeps);
        let steady = (ratio - self.ratio).abs() <= T::from_f64(SETTLED_RATIO) * (T::ONE - ratio).abs();
        (self.residual, self.ratio, self.step) = (residual, ratio, progress.step);
        self.settled = if steady { self.settled.saturating_add(1) } else { 0 };
        // Above ω* the ratio stays at ω − 1 and tells nothing about μ.
        if self.settled < SETTLED_LOOKS || ratio >= T::ONE || ratio <= self.omega - T::ONE {
            return None;
        }
        let radius = (ratio + self.omega - T::ONE) / (self.omega * ratio.sqrt());
        if radius >= T::ONE {
            return None;
        }
        let better = young_omega(radius).min(T::from_f64(LARGEST));
        self.settled = 0;
        if better <= self.omega {
            return None;
        }
        self.omega = better;
        Some(better)
    }
}
