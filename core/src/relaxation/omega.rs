//! Who chooses omega.

use crate::linear::Matrix;
use crate::{Error, Progress, Real, Report};

/// Chooses the relaxation factor, on two time scales: within a run, and over a sequence of runs.
///
/// A solver asks [`begin`](OmegaRule::begin) before a run, offers [`revise`](OmegaRule::revise) every
/// residual that it evaluates, and tells [`end`](OmegaRule::end) how the run ended (a caller who
/// steps a run by hand tells it himself).
pub trait OmegaRule<T: Real> {
    /// Omega for the run that begins; must lie in (0, 2).
    fn begin(&mut self, sight: &Sight<'_, T>) -> T;

    /// Another omega from here on, or `None` to keep it. A value outside (0, 2) is ignored.
    fn revise(&mut self, _progress: &Progress<T>) -> Option<T> {
        None
    }

    /// How the run ended.
    fn end(&mut self, _report: &Report<T>) {}
}

/// What a solver sees anyway when a run begins, for rules that look.
#[derive(Clone, Copy)]
pub struct Sight<'a, T> {
    /// The matrix.
    pub matrix: &'a dyn Matrix<T>,
    /// ‖b‖₂
    pub rhs_norm: T,
    /// ‖b − A x₀‖₂
    pub initial_residual: T,
}

impl<T: Real> core::fmt::Debug for Sight<'_, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Sight").field("order", &self.matrix.order()).finish_non_exhaustive()
    }
}

/// Rows that [`Sight::coupling`] looks at, at most.
const SAMPLE: usize = 64;

impl<T: Real> Sight<'_, T> {
    /// The mean of Σ_{j≠i} |a_ij| / |a_ii| over at most 64 evenly spaced rows, a number that costs
    /// next to nothing.
    ///
    /// Where the off-diagonal entries have one sign it is the Rayleigh quotient of Jacobi's matrix
    /// with the vector of ones, so it lies below its radius, and near it for smooth problems: 0 for
    /// a diagonal matrix, 4a/(1+4a) in the interior for an implicit step of the heat equation, and
    /// close to 1 for a fine Poisson grid.
    #[must_use]
    pub fn coupling(&self) -> T {
        let n = self.matrix.order();
        let stride = (n / SAMPLE).max(1);
        let mut sum = T::ZERO;
        let mut rows = 0_u32;
        // The middle of every stride: the first row of a grid would show the boundary alone.
        for row in (stride / 2..n).step_by(stride) {
            if let Some(d) = self.matrix.diagonal(row) {
                sum += self.matrix.off_diagonal(row) / d.abs();
                rows = rows.saturating_add(1);
            }
        }
        if rows == 0 { T::ZERO } else { sum / T::from_u32(rows) }
    }
}

/// The same omega for every run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fixed<T>(pub T);

impl<T: Real> OmegaRule<T> for Fixed<T> {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        self.0
    }
}

/// Whether omega can be used: 0 < ω < 2 (Kahan 1958: no sweep converges outside).
pub(super) fn is_valid<T: Real>(omega: T) -> bool {
    omega > T::ZERO && omega < T::TWO
}

/// Asks a rule for the omega of a run that begins.
pub(super) fn begin<T: Real, A: Matrix<T>, R: OmegaRule<T> + ?Sized>(
    rule: &mut R,
    matrix: &A,
    rhs_norm: T,
    initial_residual: T,
) -> Result<T, Error> {
    let omega = rule.begin(&Sight { matrix, rhs_norm, initial_residual });
    if is_valid(omega) {
        Ok(omega)
    } else {
        Err(Error::Option { name: "omega", requirement: "must lie in (0, 2)" })
    }
}

/// Offers a rule the residual of a check; a new omega if it wants one.
pub(super) fn revise<T: Real, R: OmegaRule<T> + ?Sized>(
    rule: &mut R,
    step: u32,
    residual: T,
    omega: T,
) -> Option<T> {
    let progress = Progress { step, residual: Some(residual), parameter: omega };
    rule.revise(&progress).filter(|&new| is_valid(new) && new != omega)
}
