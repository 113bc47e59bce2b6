//! x_b ≥ 0, Σ x_b = s.

use southwell_simd::vector;

use super::{Block, Penalty, Shape};
use crate::simplex::lower;
use crate::{Error, Real};

/// Rounds of [`threshold`]: each drops variables, so a block of τ ends in τ; a few is usual.
const ROUNDS: usize = 1 << 20;

/// x_b ≥ 0 and Σ x_b = sum in every block of a fixed partition, with h = ½ l2 ‖x‖².
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Simplex<T> {
    /// What each block sums to, positive.
    pub sum: T,
    /// Weight of ½‖x‖², ≥ 0.
    pub l2: T,
}

impl<T: Real> Simplex<T> {
    /// Blocks that sum to `sum`.
    pub fn new(sum: T) -> Self {
        Self { sum, l2: T::ZERO }
    }
}

/// θ with Σ max(v − θ, 0) = s: starts from all of v, and drops what is below the θ of those left until none is
/// (Michelot 1986). θ never falls, so what was dropped stays so.
fn threshold<T: Real>(s: T, v: &[T]) -> T {
    let mut theta = -T::INFINITY;
    let mut count = usize::MAX;
    for _ in 0..ROUNDS.min(v.len().saturating_add(1)) {
        let (sum, left) =
            v.iter().filter(|&&v| v > theta).fold((T::ZERO, 0_usize), |(sum, n), &v| (sum + v, n + 1));
        if left == 0 || left == count {
            break;
        }
        count = left;
        theta = (sum - s) / T::from_usize(left);
    }
    theta
}

impl<T: Real> Penalty<T> for Simplex<T> {
    fn check(&self, _variables: usize) -> Result<(), Error> {
        if !(self.sum > T::ZERO && self.sum.is_finite()) {
            return Err(Error::Option { name: "sum", requirement: "must be positive and finite" });
        }
        if !(self.l2 >= T::ZERO && self.l2.is_finite()) {
            return Err(Error::Option { name: "l2", requirement: "must be finite and not negative" });
        }
        Ok(())
    }
    fn shape(&self, _variable: usize) -> Option<Shape<T>> {
        None
    }
    fn separable(&self) -> bool {
        false
    }
    fn value(&self, _block: Block<'_>, x: &[T]) -> T {
        // Whatever the sum is off by is rounding: steps stay in the set.
        T::HALF * self.l2 * vector::dot(x, x)
    }
    fn prox(&self, _block: Block<'_>, step: T, x: &mut [T]) {
        vector::scale(T::ONE / (T::ONE + step * self.l2), x);
        if !lower(x, self.sum) {
            x.fill(T::NAN);
        }
        let theta = threshold(self.sum, x);
        for x in x {
            *x = if *x <= theta { T::ZERO } else { *x - theta };
        }
    }
    fn violation(&self, _block: Block<'_>, x: &[T], g: &[T]) -> T {
        // The normal cone at x: one number ν for all, and anything below it where x_i = 0. The nearest ν is found by
        // dropping zeros whose slope does not press down, as in `threshold`.
        let slope = |(&x, &g): (&T, &T)| g + self.l2 * x;
        let each = || x.iter().zip(g);
        let pressed = |nu: T, (x, g): (&T, &T)| *x > T::ZERO || slope((x, g)) < nu;
        let mut nu = T::INFINITY;
        let mut count = usize::MAX;
        for _ in 0..ROUNDS.min(x.len().saturating_add(1)) {
            let kept = each().filter(|&(x, g)| pressed(nu, (x, g)));
            let (sum, left) = kept.fold((T::ZERO, 0_usize), |(sum, n), xg| (sum + slope(xg), n + 1));
            if left == 0 || left == count {
                break;
            }
            count = left;
            nu = sum / T::from_usize(left);
        }
        let kept = each().filter(|&(x, g)| pressed(nu, (x, g)));
        kept.fold(T::ZERO, |total, xg| {
            let v = slope(xg) - nu;
            total + v * v
        })
    }
    fn progress(&self, _block: Block<'_>, (x, next): (&[T], &[T]), g: &[T], l: T) -> T {
        -x.iter().zip(next).zip(g).fold(T::ZERO, |sum, ((&x, &next), &g)| {
            let d = next - x;
            sum + d * (g + self.l2 * x + T::HALF * (l + self.l2) * d)
        })
    }
    fn gap(&self, _block: Block<'_>, x: &[T], g: &[T]) -> T {
        // With the slope of h in g: the best u is a corner.
        let slope = |(&x, &g): (&T, &T)| g + self.l2 * x;
        let least = x.iter().zip(g).map(slope).fold(T::INFINITY, T::min);
        let now = x.iter().zip(g).fold(T::ZERO, |sum, (x, g)| sum + *x * slope((x, g)));
        (now - self.sum * least).max(T::ZERO)
    }
}
