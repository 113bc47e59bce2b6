//! How long a step is.

use crate::{Error, Real};

/// A restart of [`Step::Oscillation`] comes when the step has shrunk to this share.
const SHRUNK: f64 = 1e-3;

/// The rule for step lengths, in [`Unit`]s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Step<T> {
    /// η₀ for ever: shows the growth; the error stays of the order of η₀.
    Constant {
        /// η₀ in (0, 1]
        eta0: T,
    },
    /// η₀/√(t + 1).
    Diminishing {
        /// η₀ in (0, 1]
        eta0: T,
    },
    /// η₀ for `hold` steps, then η₀ ρᵗ: the lowest floors, if the hold is right. The weakest part of X grows
    /// by 1 + η₀ λ_r/λ₁ a step and has to grow by about 1/α, so h ≈ κ ln(1/α)/ln(1 + η₀).
    Held {
        /// η₀ in (0, 1]
        eta0: T,
        /// ρ in (0, 1]
        rho: T,
        /// h
        hold: u32,
    },
    /// η ← ρ η whenever a step went beyond what it sought: ⟨G_t, D_{t−1}⟩ < 0. No hold to choose. A weak
    /// part of X that is still tiny when the strong ones begin to oscillate would be lost, so the step goes
    /// back to η₀ `restarts` times, each when it has shrunk a thousandfold.
    Oscillation {
        /// η₀ in (0, 1]
        eta0: T,
        /// ρ in (0, 1)
        rho: T,
        /// Each costs about a hundred steps. 1 finds κ ≤ 10 with α = 1e-3, 2 with 1e-4.
        restarts: u32,
    },
    /// (f − target)/⟨G, D⟩, at most half of a unit; for measurements without noise, whose best value is
    /// known.
    Polyak {
        /// The least value of f: (1/m) Σ |s_i|.
        target: T,
    },
}

/// What a step is measured in. D is the direction, −D the way that is gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Unit {
    /// [`Relative`](Unit::Relative) with [`Step::Oscillation`], with scaled directions and where the
    /// operator does not form Q, else [`Spectral`](Unit::Spectral). Oscillation in relative units found
    /// every part of the matrices of the tests, singular values up to ten apart, where spectral units lost
    /// one of eight, and takes half the steps; floors of over-estimated ranks are alike at α = 1e-3, up to
    /// ten times higher at 1e-6.
    #[default]
    Auto,
    /// 1/‖Q + Qᵀ‖₂ (1/‖Q‖₂ where X is general): the step is relative to what grows fastest, whatever the
    /// scale of the data. Relative where the operator does not form Q. [`Polyak`](Step::Polyak) is capped
    /// with ‖·‖_F in its place.
    Spectral,
    /// ‖x‖/‖D‖, both factors together: the step is relative to the factors.
    Relative,
    /// 1/‖D‖: the step has this length. η₀ may be any positive number then.
    Length,
}

impl Unit {
    /// What [`Auto`](Unit::Auto) stands for.
    pub(super) fn resolved<T>(self, step: &Step<T>, scaled: bool) -> Self {
        match (self, step) {
            (Unit::Length, _) => Unit::Length,
            (Unit::Auto, Step::Oscillation { .. }) => Unit::Relative,
            (Unit::Auto | Unit::Spectral, _) if !scaled => Unit::Spectral,
            _ => Unit::Relative,
        }
    }
}

impl<T: Real> Step<T> {
    pub(super) fn check(&self, unit: Unit) -> Result<(), Error> {
        let range = |name, requirement, sound: bool| {
            if sound { Ok(()) } else { Err(Error::Option { name, requirement }) }
        };
        let most = if unit == Unit::Length { T::MAX } else { T::ONE };
        let eta = |eta0: T| {
            range(
                "eta0",
                "must lie in (0, 1] (in units of length: be positive)",
                eta0 > T::ZERO && eta0 <= most,
            )
        };
        match *self {
            Step::Constant { eta0 } | Step::Diminishing { eta0 } => eta(eta0),
            Step::Held { eta0, rho, .. } => {
                eta(eta0)?;
                range("rho", "must lie in (0, 1]", rho > T::ZERO && rho <= T::ONE)
            }
            Step::Oscillation { eta0, rho, .. } => {
                eta(eta0)?;
                range("rho", "must lie in (0, 1)", rho > T::ZERO && rho < T::ONE)
            }
            Step::Polyak { target } => {
                range("target", "must be finite and not negative", target >= T::ZERO && target.is_finite())
            }
        }
    }
}

/// A rule under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace<T> {
    rule: Step<T>,
    size: T,
    steps: u32,
    restarts: u32,
}

impl<T: Real> Pace<T> {
    pub(super) fn new(rule: Step<T>) -> Self {
        let (size, restarts) = match rule {
            Step::Constant { eta0 } | Step::Diminishing { eta0 } | Step::Held { eta0, .. } => (eta0, 0),
            Step::Oscillation { eta0, restarts, .. } => (eta0, restarts),
            Step::Polyak { .. } => (T::HALF, 0),
        };
        Self { rule, size, steps: 0, restarts }
    }

    /// A rule that was paused: its [`state`](Self::state).
    pub(super) fn paused(rule: Step<T>, size: T, steps: u32, restarts: u32) -> Self {
        Self { rule, size, steps, restarts }
    }

    /// What it takes to go on.
    pub(super) fn state(&self) -> (T, u32, u32) {
        (self.size, self.steps, self.restarts)
    }

    /// The length of the coming step, in units; `turned`: the last one went beyond what it sought.
    pub(super) fn next(&mut self, turned: bool) -> T {
        match self.rule {
            Step::Constant { .. } | Step::Polyak { .. } => {}
            Step::Diminishing { eta0 } => self.size = eta0 / T::from_u32(self.steps.saturating_add(1)).sqrt(),
            Step::Held { rho, hold, .. } => {
                if self.steps > hold {
                    self.size *= rho;
                }
            }
            Step::Oscillation { eta0, rho, .. } => {
                if turned {
                    self.size *= rho;
                }
                if self.restarts > 0 && self.size < T::from_f64(SHRUNK) * eta0 {
                    self.size = eta0;
                    self.restarts -= 1;
                }
            }
        }
        self.steps = self.steps.saturating_add(1);
        self.size
    }

    /// The step that a restart will go back to, if one is left.
    pub(super) fn coming(&self) -> Option<T> {
        match self.rule {
            Step::Oscillation { eta0, .. } if self.restarts > 0 => Some(eta0),
            _ => None,
        }
    }
}
