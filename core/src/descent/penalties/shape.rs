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

#[cfg(test)]
mod tests {
    use super::*;

    const INFINITY: f64 = f64::INFINITY;

    fn shapes() -> impl Iterator<Item = Shape<f64>> {
        let weights =
            [(0.0, 0.0, 0.0), (0.5, 0.0, 0.0), (0.0, 0.75, 0.25), (0.5, 0.75, -0.25), (1.0, 0.0, 0.5)];
        let bounds =
            [(-INFINITY, INFINITY), (-1.0, 2.0), (0.0, INFINITY), (-2.0, 0.0), (0.5, 1.5), (-INFINITY, 1.0)];
        let every = weights.into_iter().flat_map(move |(l1, l2, linear)| {
            bounds.into_iter().map(move |(lower, upper)| Shape { l1, l2, linear, lower, upper })
        });
        every.step_by(if cfg!(miri) { 13 } else { 1 })
    }

    /// Points where a shape bends, ends, and between.
    const POINTS: [f64; 10] = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 1.25, 1.5, 2.0, 0.03125];
    const SLOPES: [f64; 9] = [-2.0, -0.75, -0.5, -0.25, 0.0, 0.25, 0.5, 1.0, 3.0];

    /// All; to Miri, which is slow, every fourth.
    fn some<const N: usize>(of: [f64; N]) -> impl Iterator<Item = f64> {
        of.into_iter().step_by(if cfg!(miri) { 4 } else { 1 })
    }

    fn near(found: f64, expected: f64, what: &str, shape: &Shape<f64>) {
        assert!(
            found == expected || (found - expected).abs() < 1e-12,
            "{what}: {found} {expected}, {shape:?}"
        );
    }

    /// h in plain form.
    fn plain(shape: &Shape<f64>, x: f64) -> f64 {
        let within = shape.lower <= x && x <= shape.upper;
        let h = shape.l1 * x.abs() + shape.linear * x + 0.5 * shape.l2 * x * x;
        if within { h } else { INFINITY }
    }

    /// The ends of ∂h(x), from the left and from the right.
    fn ends(shape: &Shape<f64>, x: f64) -> (f64, f64) {
        let smooth = shape.linear + shape.l2 * x;
        let left =
            if x <= shape.lower { -INFINITY } else { smooth + if x > 0.0 { shape.l1 } else { -shape.l1 } };
        let right =
            if x >= shape.upper { INFINITY } else { smooth + if x < 0.0 { -shape.l1 } else { shape.l1 } };
        (left, right)
    }

    #[test]
    fn distances_from_the_slopes_of_a_shape() {
        for shape in shapes() {
            for x in POINTS.into_iter().filter(|&x| shape.lower <= x && x <= shape.upper) {
                near(shape.value(x), plain(&shape, x), "value", &shape);
                let (least, most) = ends(&shape, x);
                assert_eq!(shape.at_kink(x), least < most, "{x} {shape:?}");
                for g in SLOPES {
                    near(shape.violation(x, g), (least + g).max(-g - most).max(0.0), "violation", &shape);
                    near(shape.margin(x, g), (-g - least).min(most + g).max(0.0), "margin", &shape);
                    for to in POINTS.into_iter().filter(|&x| shape.lower <= x && x <= shape.upper) {
                        let d = to - x;
                        let gain = -(g * d + 0.5 * 1.5 * d * d + plain(&shape, to) - plain(&shape, x));
                        near(shape.progress(x, d, g, 1.5), gain, "progress", &shape);
                    }
                }
            }
            assert_eq!(shape.value(-2.5), plain(&shape, -2.5));
            assert_eq!(shape.value(2.5), plain(&shape, 2.5));
            let bounded = shape.l2 > 0.0 || shape.lower > -INFINITY && shape.upper < INFINITY;
            assert_eq!(shape.is_bounded(), bounded);
            assert!(shape.violation(0.5, f64::NAN).is_nan());
        }
    }

    /// Proximal steps and gaps: no point of a fine grid does better, and what is named is attained.
    #[test]
    fn minimisers_of_a_shape() {
        for shape in shapes() {
            let grid = || (-400..=400).map(|k| f64::from(k) / 64.0).filter(|&u| plain(&shape, u) < INFINITY);
            for v in some(SLOPES) {
                for step in [0.25, 1.0, 4.0] {
                    let at = shape.prox(step, v);
                    let of = |u: f64| plain(&shape, u) + (u - v) * (u - v) / (2.0 * step);
                    assert!(grid().all(|u| of(at) <= of(u) + 1e-12), "{v} {step}: {at}, {shape:?}");
                }
            }
            for x in some(POINTS).filter(|&x| shape.lower <= x && x <= shape.upper) {
                for g in some(SLOPES) {
                    let of = |u: f64| g * (x - u) + plain(&shape, x) - plain(&shape, u);
                    let best = grid().map(of).fold(0.0, f64::max);
                    let (left, right) = (g + shape.linear + shape.l1, g + shape.linear - shape.l1);
                    let falls_for_ever = shape.l2 == 0.0
                        && (shape.upper == INFINITY && left < 0.0 || shape.lower == -INFINITY && right > 0.0);
                    let gap = shape.gap(x, g);
                    if falls_for_ever {
                        assert_eq!(gap, INFINITY, "{x} {g} {shape:?}");
                    } else {
                        // The grid misses a minimum by half of its spacing at most.
                        let missed = 0.5 * shape.l2 / 128.0 / 128.0;
                        assert!(
                            gap >= best - 1e-12 && gap <= best + missed + 1e-12,
                            "{x} {g}: {gap} {best}, {shape:?}"
                        );
                    }
                }
            }
        }
        let shape = Shape { l1: 0.5, ..Shape::zero() };
        assert!(shape.prox(1.0, f64::NAN).is_nan() && shape.cut(f64::NAN).is_nan());
        assert_eq!((shape.prox(1.0, INFINITY), shape.prox(1.0, -INFINITY)), (INFINITY, -INFINITY));
    }
}
