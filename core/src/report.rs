//! How a run ended and what it did.

/// How a run ended. Every variant leaves a usable iterate: each method says which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Status {
    /// The tolerance was met, confirmed by a residual recomputed from scratch.
    Converged,
    /// The step limit came first; the best iterate so far is kept.
    StepLimit,
    /// The precision of the type is exhausted: the recurrence claimed convergence that the true
    /// residual denied, repeatedly without progress, or its own numbers underflowed.
    Stalled,
    /// The method met a situation that its theory excludes (conjugate gradients: a direction of
    /// non-positive curvature, so the matrix is not positive definite; Newton's method on transport: line
    /// searches that failed, again and again).
    Breakdown,
    /// A residual was NaN or infinite; the last good iterate is kept.
    NotFinite,
    /// The observer asked to stop.
    Stopped,
    /// No scaling exists: the nonzero entries of the matrix cannot carry the sums that were asked for (matrix
    /// balancing). The best scalings found are kept.
    NoSupport,
    /// The iterate is a minimum, and a proof of it was found (a lower bound that its value reaches); the
    /// tolerance did not decide.
    Optimal,
}

/// How a run ended and what it did.
#[derive(Clone, Copy, Debug, PartialEq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct Report<T> {
    /// How the run ended.
    pub status: Status,
    /// Steps done; each method says what one step is and costs.
    pub steps: u32,
    /// Residuals evaluated on the way, confirmations included; each method says what one costs.
    pub checks: u32,
    /// The residual at the start.
    pub initial_residual: T,
    /// The residual of the iterate that the run left, as last evaluated.
    pub residual: T,
    /// What the relative tolerance was measured against.
    pub scale: T,
}

impl<T: crate::Real> Report<T> {
    /// residual / scale, the number that the relative tolerance bounds (0 if both are 0).
    #[must_use]
    pub fn relative_residual(&self) -> T {
        if self.residual == T::ZERO { T::ZERO } else { self.residual / self.scale }
    }

    /// Whether the tolerance was met, or better: the iterate was proven to be a minimum.
    #[must_use]
    pub fn converged(&self) -> bool {
        matches!(self.status, Status::Converged | Status::Optimal)
    }
}
