//! What a penalty of one variable looks like.

use crate::Real;

/// h(x) = l1·|x| + linear·x + ½ l2·x² for lower ≤ x ≤ upper, +∞ elsewhere.
///
/// Its proximal step is in closed form: subtract what is linear, soft-threshold, shrink, cut to the interval
/// (in one dimension the minimiser within an interval is the free one, cut).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shape<T> {
    /// Weight of |x|, ≥ 0.
    pub l1: T,
    /// Weight of ½x², ≥ 0.
    pub l2: T,
    /// Weight of x.
    pub linear: T,
    /// Least x, may be −∞.
    pub lower: T,
    /// Largest x, may be +∞.
    pub upper: T,
}

impl<T: Real> Shape<T> {
    /// h = 0.
    #[must_use]
    pub fn zero() -> Self {
        Self { l1: T::ZERO, l2: T::ZERO, linear: T::ZERO, lower: -T::INFINITY, upper: T::INFINITY }
    }

    /// h(x).
    #[must_use]
    pub fn value(&self, x: T) -> T {
        if x < self.lower || x > self.upper {
            return T::INFINITY;
        }
        self.l1 * x.abs() + self.linear * x + T::HALF * self.l2 * (x * x)
    }

    /// argmin_u h(u) + (u − v)²/(2·step).
    #[must_use]
    pub fn prox(&self, step: T, v: T) -> T {
        let v = v - step * self.linear;
        let threshold = step * self.l1;
        let shrunk = if v > threshold {
            v - threshold
        } else if v < -threshold {
            v + threshold
        } else if v.is_finite() {
            T::ZERO
        } else {
            v
        };
        self.cut(shrunk / (T::ONE + step * self.l2))
    }

    /// x, cut to the interval. A NaN stays one.
    #[must_use]
    pub fn cut(&self, x: T) -> T {
        if x < self.lower {
            self.lower
        } else if x > self.upper {
            self.upper
        } else {
            x
        }
    }

    /// Whether no line lies below h: it ends both ways, or curves.
    #[must_use]
    pub fn is_bounded(&self) -> bool {
        self.l2 > T::ZERO || (self.lower > -T::INFINITY && self.upper < T::INFINITY)
    }

    /// Whether x is where h bends or ends.
    #[must_use]
    pub fn at_kink(&self, x: T) -> bool {
        x <= self.lower || x >= self.upper || (x == T::ZERO && self.l1 > T::ZERO)
    }

    /// How far −g is from the ends of ∂h(x), for an x at a kink where it lies within: as long as derivatives are off
    /// by less, the variable stays there. 0 elsewhere.
    #[must_use]
    pub fn margin(&self, x: T, g: T) -> T {
        let slope = g + self.linear + self.l2 * x;
        let least = if x <= self.lower {
            -T::INFINITY
        } else if x > T::ZERO {
            self.l1
        } else {
            -self.l1
        };
        let most = if x >= self.upper {
            T::INFINITY
        } else if x < T::ZERO {
            -self.l1
        } else {
            self.l1
        };
        (-slope - least).min(most + slope).max(T::ZERO)
    }

    /// dist(−g, ∂h(x)) for an x within the interval.
    #[must_use]
    pub fn violation(&self, x: T, g: T) -> T {
        let slope = g + self.linear + self.l2 * x;
        // ∂h minus what is in `slope`: from `least` to `most`.
        let mut least = if x > T::ZERO { self.l1 } else { -self.l1 };
        let mut most = if x < T::ZERO { -self.l1 } else { self.l1 };
        if x <= self.lower {
            least = -T::INFINITY;
        }
        if x >= self.upper {
            most = T::INFINITY;
        }
        if -slope < least {
            least + slope
        } else if -slope > most {
            -slope - most
        } else if slope.is_finite() {
            T::ZERO
        } else {
            // A NaN, or an infinity that a bound would hide.
            T::NAN
        }
    }

    /// −(g·d + ½ l·d² + h(x + d) − h(x)) for x and x + d within the interval, without the cancellation of values: what a
    /// step d gains where f curves by l.
    #[must_use]
    pub fn progress(&self, x: T, d: T, g: T, l: T) -> T {
        let to = x + d;
        let slope = g + self.linear + self.l2 * x;
        let bent = if x >= T::ZERO && to >= T::ZERO {
            (slope + self.l1) * d
        } else if x <= T::ZERO && to <= T::ZERO {
            (slope - self.l1) * d
        } else {
            slope * d + self.l1 * (to.abs() - x.abs())
        };
        -(bent + T::HALF * (l + self.l2) * (d * d))
    }

    /// max over u of g·(x − u) + h(x) − h(u).
    #[must_use]
    pub fn gap(&self, x: T, g: T) -> T {
        // u minimises g·u + h(u): where h bends, or ends.
        let slope = g + self.linear;
        let free = if slope > self.l1 {
            (self.l1 - slope) / self.l2
        } else if slope < -self.l1 {
            (-self.l1 - slope) / self.l2
        } else {
            T::ZERO
        };
        let u = self.cut(free);
        if !u.is_finite() {
            return T::INFINITY;
        }
        (g * (x - u) + (self.value(x) - self.value(u))).max(T::ZERO)
    }
}
