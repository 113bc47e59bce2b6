//! Sets whose projection is a formula: boxes, balls, half-spaces, the second-order cone.

use southwell_simd::vector;

use super::Projection;
use crate::linear::{check_finite, check_len};
use crate::{Error, Real};

const EMPTY: &str = "must leave a point: no lower bound above its upper bound";

/// The box lower ≤ x_i ≤ upper, the same for all coordinates. Bounds may be infinite.
#[derive(Clone, Copy, Debug)]
pub struct Interval<T> {
    lower: T,
    upper: T,
}

impl<T: Real> Interval<T> {
    /// Bounds of every coordinate.
    ///
    /// # Errors
    /// [`Error::Option`] for NaN and for lower > upper (an empty set), or a bound that excludes all numbers.
    pub fn new(lower: T, upper: T) -> Result<Self, Error> {
        if lower <= upper && lower < T::INFINITY && upper > -T::INFINITY {
            Ok(Self { lower, upper })
        } else {
            Err(Error::Option { name: "bounds", requirement: EMPTY })
        }
    }

    /// x ≥ 0.
    #[must_use]
    pub fn non_negative() -> Self {
        Self { lower: T::ZERO, upper: T::INFINITY }
    }
}

impl<T: Real> Projection<T> for Interval<T> {
    fn dimension(&self) -> Option<usize> {
        None
    }
    fn project(&mut self, x: &mut [T]) {
        vector::clamp(self.lower, self.upper, x);
    }
    fn separable(&self) -> bool {
        true
    }
}

/// The box lower_i ≤ x_i ≤ upper_i. Bounds may be infinite.
#[derive(Clone, Copy, Debug)]
pub struct Bounds<'a, T> {
    lower: &'a [T],
    upper: &'a [T],
}

impl<'a, T: Real> Bounds<'a, T> {
    /// Bounds of each coordinate.
    ///
    /// # Errors
    /// [`Error::Dimension`] for different lengths; [`Error::Option`] for NaN and for a lower bound above its
    /// upper one (an empty set).
    pub fn new(lower: &'a [T], upper: &'a [T]) -> Result<Self, Error> {
        check_len("upper", upper.len(), lower.len())?;
        for (&lower, &upper) in lower.iter().zip(upper) {
            Interval::new(lower, upper)?;
        }
        Ok(Self { lower, upper })
    }
}

impl<T: Real> Projection<T> for Bounds<'_, T> {
    fn dimension(&self) -> Option<usize> {
        Some(self.lower.len())
    }
    fn project(&mut self, x: &mut [T]) {
        vector::clamp_each(self.lower, self.upper, x);
    }
    fn separable(&self) -> bool {
        true
    }
}

/// The ball ‖x − centre‖₂ ≤ radius.
#[derive(Clone, Copy, Debug)]
pub struct Ball<'a, T> {
    centre: &'a [T],
    radius: T,
}

impl<'a, T: Real> Ball<'a, T> {
    /// A ball around a centre; an empty slice stands for the origin.
    ///
    /// # Errors
    /// [`Error::Option`] for a radius that is negative or not finite; [`Error::Value`] for the centre.
    pub fn new(centre: &'a [T], radius: T) -> Result<Self, Error> {
        if !(radius.is_finite() && radius >= T::ZERO) {
            return Err(Error::Option { name: "radius", requirement: "must be finite and not negative" });
        }
        check_finite("centre", centre)?;
        Ok(Self { centre, radius })
    }
}

impl<T: Real> Projection<T> for Ball<'_, T> {
    fn dimension(&self) -> Option<usize> {
        (!self.centre.is_empty()).then_some(self.centre.len())
    }
    fn project(&mut self, x: &mut [T]) {
        // The distance first: a point inside keeps its bits.
        let distance = if self.centre.is_empty() {
            vector::norm_scaled(x)
        } else {
            vector::axpy(-T::ONE, self.centre, x);
            let distance = vector::norm_scaled(x);
            vector::axpy(T::ONE, self.centre, x);
            distance
        };
        if distance <= self.radius {
            return;
        }
        let factor = self.radius / distance;
        if self.centre.is_empty() {
            vector::scale(factor, x);
        } else {
            vector::axpby(T::ONE - factor, self.centre, factor, x);
        }
    }
}

/// The half-space aᵀx ≤ b.
#[derive(Clone, Copy, Debug)]
pub struct HalfSpace<'a, T> {
    normal: &'a [T],
    offset: T,
    square: T,
}

impl<'a, T: Real> HalfSpace<'a, T> {
    /// {x : normalᵀx ≤ offset}.
    ///
    /// # Errors
    /// [`Error::Value`] for the normal; [`Error::Option`] for a normal whose square vanishes or overflows and
    /// for an offset that is not finite.
    pub fn new(normal: &'a [T], offset: T) -> Result<Self, Error> {
        check_finite("normal", normal)?;
        let square = vector::dot(normal, normal);
        if !(square.is_finite() && square >= T::MIN_POSITIVE) {
            return Err(Error::Option {
                name: "normal",
                requirement: "must have a square that neither vanishes nor overflows",
            });
        }
        if !offset.is_finite() {
            return Err(Error::Option { name: "offset", requirement: "must be finite" });
        }
        Ok(Self { normal, offset, square })
    }
}

impl<T: Real> Projection<T> for HalfSpace<'_, T> {
    fn dimension(&self) -> Option<usize> {
        Some(self.normal.len())
    }
    fn project(&mut self, x: &mut [T]) {
        let excess = vector::dot(self.normal, x) - self.offset;
        if excess > T::ZERO {
            vector::axpy(-(excess / self.square), self.normal, x);
        }
    }
}

/// The second-order cone ‖(x₁ … x_{n−1})‖₂ ≤ x_n.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cone;

impl<T: Real> Projection<T> for Cone {
    fn dimension(&self) -> Option<usize> {
        None
    }
    fn project(&mut self, x: &mut [T]) {
        let Some((height, v)) = x.split_last_mut() else { return };
        let norm = vector::norm_scaled(v);
        if norm <= *height {
            return;
        }
        if norm <= -*height {
            v.fill(T::ZERO);
            *height = T::ZERO;
            return;
        }
        let middle = *height * T::HALF + norm * T::HALF;
        vector::scale(middle / norm, v);
        *height = middle;
    }
}
