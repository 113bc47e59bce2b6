//! The simplex and the ℓ1 ball, without memory.
//!
//! The projection onto {x ≥ 0, Σ x = s} is max(x_i − τ, 0) for the τ at which these sum to s. Newton's method on
//! that equation: from τ = (Σ x − s)/n, again and again τ ← (Σ x_i − s)/count over the x_i > τ. τ only rises, so the
//! count only falls, and when it stays the equation is solved exactly: at most n passes, and 3 to 13 for normal
//! vectors of 10 to 100,000.
//!
//! *Source*: Michelot 1986.

use southwell_simd::vector;

use super::Projection;
use crate::simplex::lower;
use crate::{Error, Real};

const POSITIVE: &str = "must be positive and finite";

/// The simplex x ≥ 0, Σ x = total.
#[derive(Clone, Copy, Debug)]
pub struct Simplex<T> {
    total: T,
}

impl<T: Real> Simplex<T> {
    /// Vectors without negative entries that sum to `total`.
    ///
    /// # Errors
    /// [`Error::Option`] unless the total is positive and finite.
    pub fn new(total: T) -> Result<Self, Error> {
        if total > T::ZERO && total.is_finite() {
            Ok(Self { total })
        } else {
            Err(Error::Option { name: "total", requirement: POSITIVE })
        }
    }
}

impl<T: Real> Projection<T> for Simplex<T> {
    fn dimension(&self) -> Option<usize> {
        None
    }
    fn project(&mut self, x: &mut [T]) {
        lower(x, self.total);
        let tau = threshold(x, self.total, |x| x);
        x.iter_mut().for_each(|x| *x = above(*x, tau));
    }
}

/// The ball ‖x‖₁ ≤ radius.
#[derive(Clone, Copy, Debug)]
pub struct L1Ball<T> {
    radius: T,
}

impl<T: Real> L1Ball<T> {
    /// Vectors whose magnitudes sum to at most `radius`.
    ///
    /// # Errors
    /// [`Error::Option`] unless the radius is positive and finite.
    pub fn new(radius: T) -> Result<Self, Error> {
        if radius > T::ZERO && radius.is_finite() {
            Ok(Self { radius })
        } else {
            Err(Error::Option { name: "radius", requirement: POSITIVE })
        }
    }
}

impl<T: Real> Projection<T> for L1Ball<T> {
    fn dimension(&self) -> Option<usize> {
        None
    }
    fn project(&mut self, x: &mut [T]) {
        if vector::sum_abs(x) <= self.radius {
            return;
        }
        let (top, tau) = beside_largest(x, self.radius, T::abs);
        if top.is_finite() && top * T::EPSILON.sqrt() > self.radius {
            // So far away the radius is lost in the rounding of τ itself, and all of x would be 0.
            for x in x {
                let size = above(x.abs() - top, tau);
                *x = if *x < T::ZERO { T::ZERO - size } else { size };
            }
        } else {
            vector::soft_threshold((top + tau).max(T::ZERO), x);
        }
    }
}

/// max(x − τ, 0); a NaN stays one.
fn above<T: Real>(x: T, tau: T) -> T {
    if x <= tau { T::ZERO } else { x - tau }
}

/// The τ with Σ max(size(x_i) − τ, 0) = total.
fn threshold<T: Real>(x: &[T], total: T, size: impl Fn(T) -> T) -> T {
    let (top, tau) = beside_largest(x, total, size);
    top + tau
}

/// The largest size of x, and what that τ is more.
fn beside_largest<T: Real>(x: &[T], total: T, size: impl Fn(T) -> T) -> (T, T) {
    // About the largest entry, so that numbers far from zero cancel before they are summed.
    let top = x.iter().fold(-T::INFINITY, |top, &x| top.max(size(x)));
    // τ ≥ top − total: the largest entry alone reaches the total there.
    let mut tau = -total;
    let mut last = usize::MAX;
    for _ in 0..x.len().saturating_add(1) {
        let (sum, count) = x.iter().fold((T::ZERO, 0_usize), |(sum, count), &x| {
            let x = size(x) - top;
            if x > tau { (sum + x, count.saturating_add(1)) } else { (sum, count) }
        });
        if count == 0 || count >= last {
            break;
        }
        last = count;
        tau = (sum - total) / T::from_usize(count);
    }
    (top, tau)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The nearest point of the ball is on its edge, from wherever: a corner, or the middle of what is equally far.
    #[test]
    fn the_radius_is_kept_from_afar() {
        for far in [1e3, 1e9, 1e17, 1e30, 1e300] {
            for (v, expected) in [
                ([far, -0.5 * far, 0.25 * far], [2.0, 0.0, 0.0]),
                ([far, -far, 0.5 * far], [1.0, -1.0, 0.0]),
                ([-far, 0.0, 0.0], [-2.0, 0.0, 0.0]),
            ] {
                let mut x = v;
                L1Ball::new(2.0).expect("a radius").project(&mut x);
                assert_eq!(x, expected, "{v:?}");
            }
        }
        let mut x = [1e30_f32, -1e30, 1.0, 0.0];
        L1Ball::new(3.0).expect("a radius").project(&mut x);
        assert_eq!(x, [1.5, -1.5, 0.0, 0.0]);
    }
}
