//! Young's optimal omega.
//!
//! For a consistently ordered matrix whose Jacobi matrix B = I − D⁻¹A has real eigenvalues and radius
//! μ < 1 (Young 1950, 1971):
//! ```text
//! ω* = 2 / (1 + √(1 − μ²)),   ρ(ω*) = ω* − 1
//! ```
//! The convergence rate falls off steeply below ω* and gently above: err on the high side.

use super::problem::Problem;
use crate::carve::carve;
use crate::linear::Matrix;
use crate::omega::{OmegaRule, Sight, young_omega};
use crate::{Error, Real};

/// Young's omega for a Jacobi radius that is known or has been estimated once for many systems.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Young<T> {
    /// μ, the spectral radius of I − D⁻¹A, in [0, 1).
    pub jacobi_radius: T,
}

impl<T: Real> OmegaRule<T> for Young<T> {
    fn begin(&mut self, _sight: &Sight<'_, T>) -> T {
        young_omega(self.jacobi_radius)
    }
}

impl<T: Real> Young<T> {
    /// Estimates the radius by [`jacobi_radius`].
    ///
    /// # Errors
    /// As [`jacobi_radius`].
    pub fn estimate<A: Matrix<T>>(
        problem: &Problem<'_, T, A>,
        steps: u32,
        storage: &mut [T],
    ) -> Result<Self, Error> {
        Ok(Self { jacobi_radius: jacobi_radius(problem, steps, storage)? })
    }
}

/// The spectral radius of I − D⁻¹A by power iteration.
///
/// The eigenvalues of a consistently ordered matrix come in pairs ±μ, so a Rayleigh quotient would
/// settle at a wrong value; the ratio ‖B v‖_D/‖v‖_D does not. For symmetric A it rises to μ from
/// below, so it is extrapolated (Aitken) from its last three values where they shrink regularly.
/// `storage` is scratch of 2·order elements. Cost: `steps` passes over the matrix, about as much as a
/// solve: worth it where many systems share A.
///
/// # Errors
/// [`Error::Workspace`] if `storage` is too short; [`Error::Option`] if `steps` is zero.
pub fn jacobi_radius<T: Real, A: Matrix<T>>(
    problem: &Problem<'_, T, A>,
    steps: u32,
    storage: &mut [T],
) -> Result<T, Error> {
    let n = problem.order();
    let [v, w] = carve(storage, [n, n])?;
    if steps == 0 {
        return Err(Error::Option { name: "steps", requirement: "must be positive" });
    }
    // Ones with a small fixed ripple, so that no symmetry hides the leading eigenvector.
    for (i, v) in v.iter_mut().enumerate() {
        *v = T::ONE + T::from_f64(1e-2) * T::from_usize(i.wrapping_mul(7) % 11) / T::from_u32(11);
    }
    let d_norm = |v: &[T]| {
        let sum = v.iter().enumerate().fold(T::ZERO, |sum, (row, &v)| {
            sum + problem.matrix.diagonal(row).unwrap_or(T::ONE).abs() * (v * v)
        });
        sum.sqrt()
    };
    let mut history = [T::ZERO; 3];
    let mut norm = d_norm(v);
    for _ in 0..steps {
        if norm == T::ZERO || !norm.is_finite() {
            return Ok(T::ZERO);
        }
        let scale = T::ONE / norm;
        v.iter_mut().for_each(|v| *v *= scale);
        problem.matrix.apply(v, w);
        for (row, (v, &w)) in v.iter_mut().zip(&*w).enumerate() {
            *v -= w / problem.matrix.diagonal(row).unwrap_or(T::ONE);
        }
        norm = d_norm(v);
        history = [history[1], history[2], norm * norm];
    }
    let [a, b, c] = history;
    let (first, second) = (b - a, c - b);
    // Aitken where the differences shrink by a steady factor; the limit must stay below one.
    let extrapolated = if steps >= 3 && first > T::ZERO && second > T::ZERO && second < first {
        let limit = c + second * second / (first - second);
        if limit < T::ONE { limit } else { c }
    } else {
        c
    };
    Ok(extrapolated.sqrt())
}

#[cfg(test)]
mod tests {
    use super::{Problem, jacobi_radius};
    use crate::Error;
    use crate::linear::Dense;

    fn found<const N: usize>(rows: [[f64; N]; N], steps: u32) -> Result<f64, Error> {
        let matrix = Dense::new(rows.as_flattened(), N, N)?;
        jacobi_radius(&Problem::new(&matrix, &[1.0; N])?, steps, &mut [f64::NAN; 16])
    }

    /// ‖B v‖_D² of normalised v, step by step, from the start that the module documents.
    fn squares<const N: usize>(a: [[f64; N]; N], steps: usize) -> [f64; 8] {
        let mut v: [f64; N] = core::array::from_fn(|i| 1.0 + 0.01 * ((7 * i) % 11) as f64 / 11.0);
        let square =
            |v: &[f64; N]| (0..N).map(|i| a[i][i].abs() * v[i] * v[i]).fold(0.0, |sum: f64, term| sum + term);
        let mut found = [0.0; 8];
        for slot in found.iter_mut().take(steps) {
            let norm = square(&v).sqrt();
            let w = v.map(|v| v / norm);
            for i in 0..N {
                v[i] = w[i] - (0..N).map(|j| a[i][j] * w[j]).fold(0.0, |sum: f64, term| sum + term) / a[i][i];
            }
            *slot = square(&v);
        }
        found
    }

    fn near(found: f64, square: f64) {
        assert!((found - square.sqrt()).abs() < 1e-12, "{found} {}", square.sqrt());
    }

    #[test]
    fn a_few_steps_of_the_power_iteration() {
        // Rising by less and less: extrapolated from the third step on.
        let a = [[4.0, 2.0, -1.0], [-3.0, 4.0, 0.0], [0.0, 1.0, 5.0]];
        let h = squares(a, 3);
        near(found(a, 1).expect("sound"), h[0]);
        near(found(a, 2).expect("sound"), h[1]);
        let (first, second) = (h[1] - h[0], h[2] - h[1]);
        let limit = h[2] + second * second / (first - second);
        assert!(second > 0.0 && second < first && limit < 1.0);
        near(found(a, 3).expect("sound"), limit);
        // Two steps that would allow it, were they three.
        let a = [[5.0, -2.0, -2.0], [1.0, 5.0, -3.0], [3.0, -1.0, 3.0]];
        near(found(a, 2).expect("sound"), squares(a, 2)[1]);
    }

    #[test]
    fn what_does_not_shrink_regularly_is_not_extrapolated() {
        // Falling, falling then rising, rising then falling, rising by more and more, a limit beyond one.
        let cases = [
            ([[5.0, 1.0, -1.0], [-2.0, 5.0, 2.0], [2.0, 2.0, 4.0]], 3),
            ([[5.0, 1.0, 1.0], [-2.0, 5.0, -3.0], [-1.0, -1.0, 2.0]], 3),
            ([[2.0, 2.0, -1.0], [-2.0, 4.0, -3.0], [-1.0, -3.0, 4.0]], 4),
            ([[3.0, 3.0, -3.0], [0.0, 4.0, 2.0], [3.0, 0.0, 5.0]], 4),
            ([[4.0, 2.0, 1.0], [0.0, 5.0, 3.0], [2.0, -2.0, -3.0]], 4),
            ([[5.0, -2.0, -2.0], [1.0, 3.0, -3.0], [3.0, -2.0, -3.0]], 4),
        ];
        for (a, steps) in cases {
            near(found(a, steps as u32).expect("sound"), squares(a, steps)[steps - 1]);
        }
    }

    #[test]
    fn nothing_to_iterate_on_has_the_radius_zero() {
        assert_eq!(found([[2.0, 0.0], [0.0, 3.0]], 5).expect("sound"), 0.0);
        assert_eq!(found([[1.0, 1e300], [1e300, 1.0]], 5).expect("sound"), 0.0, "an overflow");
    }
}
