//! Which coordinate of a quadratic with |x| in it promises most.

use pulp::Simd;

use crate::dispatch::pass;
use crate::elementary::maximum;
use crate::map::value;
use crate::paths::has_registers;
use crate::{LANES, Real};

/// Coordinates of a quadratic: x, −∂f/∂x, 1/L (0 for a coordinate that changes nothing), the weight of |x|, and L.
#[derive(Clone, Copy, Debug)]
pub struct Coordinates<'a, T> {
    /// x
    pub x: &'a [T],
    /// −∂f/∂x
    pub slope: &'a [T],
    /// 1/L
    pub inverse: &'a [T],
    /// The weight of |x|.
    pub weight: &'a [T],
    /// L
    pub curvature: &'a [T],
}

/// d = prox(x + slope/L) − x, of one number or register after the other.
#[inline(always)]
fn step<T: Real, S: Simd, const POSITIVE: bool>(simd: S, at: [T::Vector<S>; 4]) -> T::Vector<S> {
    let [x, slope, inverse, weight] = at;
    let zero = T::splat(simd, T::ZERO);
    let v = T::vadd(simd, x, T::vmul(simd, slope, inverse));
    let size = if POSITIVE { v } else { T::vabs(simd, v) };
    let size = T::vsub(simd, size, T::vmul(simd, weight, inverse));
    let shrunk = T::vselect(simd, T::vless(simd, zero, size), size, zero);
    let signed = T::vselect(simd, T::vless(simd, v, zero), T::vneg(simd, shrunk), shrunk);
    T::vsub(simd, signed, x)
}

/// The coordinate with the largest L d², d being the proximal step of length 1/L: Gauss, Southwell and Lipschitz's rule
/// (Nutini et al. 2015); the lowest of equal ones, `None` if no d is other than 0. And the largest |L d|/weight, or 0: how far a
/// coordinate is from optimal. What is NaN is passed over. With `positive` steps stay at x ≥ 0. Where lengths differ the common
/// one counts. Cost: 5 r, 13 operations, one of them a division.
#[must_use]
pub fn best_step<T: Real>(positive: bool, of: Coordinates<'_, T>) -> (Option<usize>, T) {
    let (place, violation) = if positive { best_positive(of) } else { best_free(of) };
    ((place != usize::MAX).then_some(place), violation)
}

pass! {
    fn best_free<'a, T>(of: Coordinates<'a, T>) -> (usize, T) = kernel::<T, _, false>
}
pass! {
    fn best_positive<'a, T>(of: Coordinates<'a, T>) -> (usize, T) = kernel::<T, _, true>
}

/// Score and violation of one coordinate.
#[inline(always)]
fn of_one<T: Real, const POSITIVE: bool>(at: [T; 4], curvature: T) -> (T, T) {
    let scalar = pulp::Scalar::new();
    let d = value::<T>(step::<T, _, POSITIVE>(scalar, at.map(|value| T::splat(scalar, value))));
    let weighted = d * curvature;
    (weighted * d, weighted.abs() / at[3])
}

impl<'a, T: Real> Coordinates<'a, T> {
    /// From some coordinate on.
    #[inline(always)]
    fn from(&self, start: usize) -> Self {
        let from = |values: &'a [T]| values.get(start..).unwrap_or(&[]);
        Self {
            x: from(self.x),
            slope: from(self.slope),
            inverse: from(self.inverse),
            weight: from(self.weight),
            curvature: from(self.curvature),
        }
    }

    /// Whole blocks.
    #[inline(always)]
    fn blocks(&self) -> impl Iterator<Item = [&'a [T; LANES]; 5]> + use<'a, T> {
        let [x, slope, inverse, weight, curvature] =
            [self.x, self.slope, self.inverse, self.weight, self.curvature]
                .map(|all| all.as_chunks::<LANES>().0);
        let blocks = x.iter().zip(slope).zip(inverse).zip(weight).zip(curvature);
        blocks.map(|((((x, slope), inverse), weight), curvature)| [x, slope, inverse, weight, curvature])
    }

    /// Score and violation of each.
    #[inline(always)]
    fn each<const POSITIVE: bool>(&self) -> impl Iterator<Item = (T, T)> + use<'a, T, POSITIVE> {
        let each = self.x.iter().zip(self.slope).zip(self.inverse).zip(self.weight).zip(self.curvature);
        each.map(|((((&x, &slope), &inverse), &weight), &curvature)| {
            of_one::<T, POSITIVE>([x, slope, inverse, weight], curvature)
        })
    }
}

#[inline(always)]
fn kernel<T: Real, S: Simd, const POSITIVE: bool>(simd: S, of: Coordinates<'_, T>) -> (usize, T) {
    let (mut best, mut violation, mut done) = (T::ZERO, T::ZERO, 0);
    if has_registers::<S>() {
        let (mut scores, mut violations) = ([T::ZERO; LANES], [T::ZERO; LANES]);
        for block in of.blocks() {
            let [x, slope, inverse, weight, curvature] = block.map(|part| T::split(simd, part).0);
            let lanes = T::split_mut(simd, &mut scores).0.iter_mut();
            let lanes = lanes.zip(T::split_mut(simd, &mut violations).0);
            let operands = x.iter().zip(slope).zip(inverse).zip(weight).zip(curvature);
            for ((score, worst), ((((&x, &slope), &inverse), &weight), &curvature)) in lanes.zip(operands) {
                let d = step::<T, S, POSITIVE>(simd, [x, slope, inverse, weight]);
                let weighted = T::vmul(simd, d, curvature);
                *score = T::vlarger(simd, *score, T::vmul(simd, weighted, d));
                *worst = T::vlarger(simd, *worst, T::vdiv(simd, T::vabs(simd, weighted), weight));
            }
            done += LANES;
        }
        (best, violation) = (maximum(&scores), maximum(&violations));
    }
    let mut place = usize::MAX;
    for (k, (score, off)) in of.from(done).each::<POSITIVE>().enumerate() {
        violation = if violation < off { off } else { violation };
        if best < score {
            (best, place) = (score, done + k);
        }
    }
    if place == usize::MAX && best > T::ZERO {
        place = place_of::<T, S, POSITIVE>(simd, best, of);
    }
    (place, violation)
}

/// The first place with a score that is no less than `best`, which is in a whole block.
#[inline(always)]
fn place_of<T: Real, S: Simd, const POSITIVE: bool>(simd: S, best: T, of: Coordinates<'_, T>) -> usize {
    let (mut start, bound) = (0, T::splat(simd, best));
    for block in of.blocks() {
        let mut found = T::vless(simd, bound, bound);
        let [x, slope, inverse, weight, curvature] = block.map(|part| T::split(simd, part).0);
        let operands = x.iter().zip(slope).zip(inverse).zip(weight).zip(curvature);
        for ((((&x, &slope), &inverse), &weight), &curvature) in operands {
            let d = step::<T, S, POSITIVE>(simd, [x, slope, inverse, weight]);
            let score = T::vmul(simd, T::vmul(simd, d, curvature), d);
            found = T::vor(simd, found, T::vless_equal(simd, bound, score));
        }
        if T::vany::<S>(found) {
            break;
        }
        start += LANES;
    }
    for (within, (score, _)) in of.from(start).each::<POSITIVE>().enumerate() {
        if best <= score {
            return start + within;
        }
    }
    usize::MAX
}
