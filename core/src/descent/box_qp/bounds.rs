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
            // NaN, or a bound that nothing satisfies.
            if lo.partial_cmp(&lo).is_none() || lo == T::INFINITY {
                return Err(Error::Value { argument: "lower", index });
            }
            if hi.partial_cmp(&hi).is_none() || hi == -T::INFINITY {
                return Err(Error::Value { argument: "upper", index });
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
            *x = x.max(lo).min(hi);
        }
    }

    /// The largest violation of the optimality conditions: |g| of a variable between its bounds, what pushes one
    /// off its bound into the box otherwise. NaN if a gradient is not finite.
    pub(super) fn residual(&self, x: &[T], gradient: &[T]) -> T {
        let (mut worst, mut sound) = (T::ZERO, true);
        for ((&x, &g), (lo, hi)) in x.iter().zip(gradient).zip(self.pairs()) {
            sound &= g.is_finite();
            let push = if x > lo { g } else { T::ZERO.min(g) };
            let push = if x < hi { push } else { T::ZERO.max(push) };
            worst = worst.max(push.abs());
        }
        if sound { worst } else { T::NAN }
    }
}
