//! How a run proceeds.

use super::start::{Start, Weights};
use super::step::{Step, Unit};
use crate::{Error, Real, Stop};

/// Whether directions are scaled by the factors' own shape.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Precondition<T> {
    /// D = G.
    #[default]
    None,
    /// D = (G_U (VᵀV + λI)⁻¹, G_V (UᵀU + λI)⁻¹): the rate does not depend on how far apart X's singular
    /// values are. For starts that are not small (α = 1, [`Start::Spectral`]) and
    /// [`Step::Polyak`]. Costs two products of r columns and r² more memory.
    Scaled {
        /// λ as a share of the mean of the diagonal, tr(UᵀU)/r; ≥ 0. 0 is right where the rank is exact; 1e-4
        /// where it is over-estimated.
        damping: T,
    },
}

/// How a run proceeds. The defaults need no number to be guessed: X's singular values up to ten apart, any
/// share of outliers that the measurements can bear, any scale of the data.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Options<T> {
    /// Tolerances for the relative length of a step, step limit, how often to look (a look is free). Default:
    /// [`Stop::default`], a relative step of 1e-8 in `f64`, 1e-5 in `f32`.
    pub stop: Stop<T>,
    /// The direction of the start. Default: one power step.
    pub start: Start,
    /// The size of the start: its measurements are α² times the typical one. Positive. Smaller ones lower
    /// the floor of over-estimated ranks and lengthen the run by ln(1/α); 1 with exact ranks only. Default
    /// 1e-3.
    pub alpha: T,
    /// Seed of the random numbers of the start. Default 1.
    pub seed: u64,
    /// The weights of the start; `None`: what the operator asks for.
    pub weights: Option<Weights<T>>,
    /// The rule for steps. Default: oscillation, η₀ = 0.25, ρ = 0.9, one restart.
    pub step: Step<T>,
    /// What steps are measured in. Default: what suits the rule and the operator.
    pub unit: Unit,
    /// Whether directions are scaled. Default: no.
    pub precondition: Precondition<T>,
    /// The run ends when f is no larger. Default 0.
    pub target: T,
    /// The run ends as [`Status::Stalled`](crate::Status::Stalled) after so many steps without a lower value.
    /// Default 1000.
    pub patience: u32,
    /// Rows of U and V are shortened to this length after every step. Default: infinite.
    pub row_bound: T,
}

impl<T: Real> Default for Options<T> {
    fn default() -> Self {
        Self {
            stop: Stop::default(),
            start: Start::PowerStep,
            alpha: T::from_f64(1e-3),
            seed: 1,
            weights: None,
            step: Step::Oscillation { eta0: T::from_f64(0.25), rho: T::from_f64(0.9), restarts: 1 },
            unit: Unit::Auto,
            precondition: Precondition::None,
            target: T::ZERO,
            patience: 1000,
            row_bound: T::INFINITY,
        }
    }
}

impl<T: Real> Options<T> {
    /// Whether directions are scaled, which takes memory.
    #[must_use]
    pub fn is_scaled(&self) -> bool {
        self.precondition != Precondition::None
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let range = |name, requirement, sound: bool| {
            if sound { Ok(()) } else { Err(Error::Option { name, requirement }) }
        };
        self.stop.check()?;
        self.step.check(self.unit)?;
        range("alpha", "must be positive and finite", self.alpha > T::ZERO && self.alpha.is_finite())?;
        range(
            "target",
            "must be finite and not negative",
            self.target >= T::ZERO && self.target.is_finite(),
        )?;
        range("row_bound", "must be positive", self.row_bound > T::ZERO)?;
        if let Precondition::Scaled { damping } = self.precondition {
            range("damping", "must be finite and not negative", damping >= T::ZERO && damping.is_finite())?;
        }
        self.weights.map_or(Ok(()), |weights| weights.check())
    }
}
