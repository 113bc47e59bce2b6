//! Bounds on every variable.

use crate::linear::check_len;
use crate::{Error, Real};

/// lowerᵢ ≤ xᵢ ≤ upperᵢ. An infinite bound is none; equal bounds fix a variable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a, T> {
    pub(super) lower: &'a [T],
    pub(super) upper: &'a [T],
}

impl<'a, T: Real> Bounds<'a, T> {
    pub(super) fn new(lower: &'a [T], upper: &'a [T], variables: usize) -> Result<Self, Error> {
        check_len("lower", lower.len(), variables)?;
        check_len("upper", upper.len(), variables)?;
        for (index, (&lo, &hi)) in lower.iter().zip(upper).enumerate() {
            // NaN, or a bound that nothing satisfies: neither is below or above what it must be.
            let (below, above) = (lo < T::INFINITY, hi > -T::INFINITY);
            if !(below && above) {
                return Err(Error::Value { argument: if below { "upper" } else { "lower" }, index });
            }
            if lo > hi {
                return Err(Error::Bounds { index });
            }
        }
        Ok(Self { lower, upper })
    }

    /// Pairs of bounds.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (T, T)> + use<'a, T> {
        self.lower.iter().copied().zip(self.upper.iter().copied())
    }

    /// The nearest point in the box.
    pub(super) fn clip(&self, x: &mut [T]) {
        for (x, (lo, hi)) in x.iter_mut().zip(self.pairs()) {
            *x = cut(*x, lo, hi);
        }
    }

    /// The largest violation of the optimality conditions: |g| of a variable between its bounds, what pushes one
    /// off its bound into the box otherwise. NaN if a gradient is not finite.
    pub(super) fn residual(&self, x: &[T], gradient: &[T]) -> T {
        let (mut worst, mut sound) = (T::ZERO, true);
        for ((&x, &g), (lo, hi)) in x.iter().zip(gradient).zip(self.pairs()) {
            sound &= g.is_finite();
            // A comparison with NaN is false; one comparison each, where `min` and `max` take two.
            let push = if x > lo || g <= T::ZERO { g } else { T::ZERO };
            let push = if x < hi || push >= T::ZERO { push } else { T::ZERO };
            if push.abs() >= worst {
                worst = push.abs();
            }
        }
        if sound { worst } else { T::NAN }
    }
}

/// The nearest number between two bounds, neither of which is NaN; the lower one for NaN.
#[inline(always)]
pub(super) fn cut<T: Real>(x: T, lo: T, hi: T) -> T {
    let x = if x > lo { x } else { lo };
    if x < hi { x } else { hi }
}
