//! What a rule sees of a linear system.

use crate::linear::Matrix;
use crate::omega::{self, OmegaRule, Sight};
use crate::{Error, Real};

pub(super) use crate::omega::revise;

/// Rows that [`coupling`] looks at, at most.
const SAMPLE: usize = 64;

/// The mean of Σ_{j≠i} |a_ij| / |a_ii| over at most 64 evenly spaced rows, a number that costs
/// next to nothing.
///
/// Where the off-diagonal entries have one sign it is the Rayleigh quotient of Jacobi's matrix
/// with the vector of ones, so it lies below its radius, and near it for smooth problems: 0 for
/// a diagonal matrix, 4a/(1+4a) in the interior for an implicit step of the heat equation, and
/// close to 1 for a fine Poisson grid.
fn coupling<T: Real, A: Matrix<T>>(matrix: &A) -> T {
    let n = matrix.order();
    let stride = (n / SAMPLE).max(1);
    let mut sum = T::ZERO;
    let mut rows = 0_u32;
    // The middle of every stride: the first row of a grid would show the boundary alone.
    for row in (stride / 2..n).step_by(stride) {
        if let Some(d) = matrix.diagonal(row) {
            sum += matrix.off_diagonal(row) / d.abs();
            rows = rows.saturating_add(1);
        }
    }
    if rows == 0 { T::ZERO } else { sum / T::from_u32(rows) }
}

/// Asks a rule for the omega of a run that begins.
pub(super) fn begin<T: Real, A: Matrix<T>, R: OmegaRule<T> + ?Sized>(
    rule: &mut R,
    matrix: &A,
    rhs_norm: T,
    initial_residual: T,
) -> Result<T, Error> {
    let coupling = || coupling(matrix);
    let sight = Sight { size: matrix.order(), scale: rhs_norm, initial_residual, coupling: &coupling };
    omega::begin(rule, &sight)
}
