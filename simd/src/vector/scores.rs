//! What moving each variable is worth, where a convex function with kinks and bounds is added to a smooth one: the
//! scores that greedy descent ranks by, for one shape of all variables.

use pulp::Simd;

use crate::dispatch::{fills_none, pass, too_few};
use crate::elementary::maximum;
use crate::map::{cut, map, value};
use crate::paths::has_registers;
use crate::{LANES, Real};

/// h(x) = l1·|x| + linear·x + ½ l2·x² for lower ≤ x ≤ upper, +∞ elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kink<T> {
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

/// The same in registers, with what a pass compares with.
#[derive(Clone, Copy)]
pub(super) struct Wide<T: Real, S: Simd> {
    l1: T::Vector<S>,
    l2: T::Vector<S>,
    linear: T::Vector<S>,
    lower: T::Vector<S>,
    upper: T::Vector<S>,
    zero: T::Vector<S>,
    one: T::Vector<S>,
    half: T::Vector<S>,
    infinity: T::Vector<S>,
    most: T::Vector<S>,
    least_curvature: T::Vector<S>,
    /// Whether l2 is not 0.
    curved: bool,
}

impl<T: Real, S: Simd> Wide<T, S> {
    #[inline(always)]
    pub(super) fn new(simd: S, kink: &Kink<T>) -> Self {
        let [l1, l2, linear, lower, upper, zero, one, half, infinity, most, least_curvature] = [
            kink.l1,
            kink.l2,
            kink.linear,
            kink.lower,
            kink.upper,
            T::ZERO,
            T::ONE,
            T::HALF,
            T::INFINITY,
            T::MAX,
            T::MIN_POSITIVE,
        ]
        .map(|value| T::splat(simd, value));
        let curved = kink.l2 != T::ZERO;
        Self { l1, l2, linear, lower, upper, zero, one, half, infinity, most, least_curvature, curved }
    }

    /// g + linear + l2·x.
    #[inline(always)]
    fn slope(&self, simd: S, x: T::Vector<S>, g: T::Vector<S>) -> T::Vector<S> {
        T::vadd(simd, T::vadd(simd, g, self.linear), T::vmul(simd, self.l2, x))
    }

    /// dist(−g, ∂h(x)); infinite or NaN where the slope is not finite.
    #[inline(always)]
    pub(super) fn violation(&self, simd: S, x: T::Vector<S>, g: T::Vector<S>) -> T::Vector<S> {
        let slope = self.slope(simd, x, g);
        let (minus, under) = (T::vneg(simd, slope), T::vneg(simd, self.l1));
        let least = T::vselect(simd, T::vless(simd, self.zero, x), self.l1, under);
        let most = T::vselect(simd, T::vless(simd, x, self.zero), under, self.l1);
        let least =
            T::vselect(simd, T::vless_equal(simd, x, self.lower), T::vneg(simd, self.infinity), least);
        let most = T::vselect(simd, T::vless_equal(simd, self.upper, x), self.infinity, most);
        let within = T::vless_equal(simd, T::vabs(simd, slope), self.most);
        // ∞ − ∞ is the NaN of a slope that a bound would hide.
        let nan = T::vsub(simd, self.infinity, self.infinity);
        let inside = T::vselect(simd, within, self.zero, nan);
        let above = T::vselect(simd, T::vless(simd, most, minus), T::vsub(simd, minus, most), inside);
        T::vselect(simd, T::vless(simd, minus, least), T::vadd(simd, least, slope), above)
    }

    /// The proximal step of length 1/l from x, less x.
    #[inline(always)]
    pub(super) fn step(&self, simd: S, x: T::Vector<S>, g: T::Vector<S>, l: T::Vector<S>) -> T::Vector<S> {
        let l = T::vselect(simd, T::vless(simd, self.least_curvature, l), l, self.least_curvature);
        let step = T::vdiv(simd, self.one, l);
        let v = T::vsub(simd, x, T::vmul(simd, step, g));
        let v = T::vsub(simd, v, T::vmul(simd, step, self.linear));
        let threshold = T::vmul(simd, step, self.l1);
        let finite = T::vless_equal(simd, T::vabs(simd, v), self.most);
        let inside = T::vselect(simd, finite, self.zero, v);
        let below = T::vless(simd, v, T::vneg(simd, threshold));
        let shrunk = T::vselect(simd, below, T::vadd(simd, v, threshold), inside);
        let above = T::vless(simd, threshold, v);
        let shrunk = T::vselect(simd, above, T::vsub(simd, v, threshold), shrunk);
        // Dividing by 1 changes no bit.
        let free = match self.curved {
            true => T::vdiv(simd, shrunk, T::vadd(simd, self.one, T::vmul(simd, step, self.l2))),
            false => shrunk,
        };
        let cut = T::vselect(simd, T::vless(simd, self.upper, free), self.upper, free);
        let cut = T::vselect(simd, T::vless(simd, free, self.lower), self.lower, cut);
        T::vsub(simd, cut, x)
    }

    /// −(g·d + ½ l·d² + h(x + d) − h(x)), without the cancellation of values.
    #[inline(always)]
    pub(super) fn gain(
        &self,
        simd: S,
        (x, d): (T::Vector<S>, T::Vector<S>),
        g: T::Vector<S>,
        l: T::Vector<S>,
    ) -> T::Vector<S> {
        let (to, slope) = (T::vadd(simd, x, d), self.slope(simd, x, g));
        // Both ends on one side of 0: the lesser of them is at least 0, or the larger at most.
        let least = T::vselect(simd, T::vless(simd, to, x), to, x);
        let largest = T::vselect(simd, T::vless(simd, to, x), x, to);
        let across = T::vmul(simd, self.l1, T::vsub(simd, T::vabs(simd, to), T::vabs(simd, x)));
        let bent = T::vadd(simd, T::vmul(simd, slope, d), across);
        let left = T::vmul(simd, T::vsub(simd, slope, self.l1), d);
        let bent = T::vselect(simd, T::vless_equal(simd, largest, self.zero), left, bent);
        let right = T::vmul(simd, T::vadd(simd, slope, self.l1), d);
        let bent = T::vselect(simd, T::vless_equal(simd, self.zero, least), right, bent);
        let curved = T::vmul(simd, T::vmul(simd, self.half, T::vadd(simd, l, self.l2)), T::vmul(simd, d, d));
        T::vneg(simd, T::vadd(simd, bent, curved))
    }
}

/// scoreᵢ ← wᵢ·dist(−gᵢ, ∂h(xᵢ)) for x within the bounds: Gauss and Southwell's rule with weights 1, and with 1/√Lᵢ
/// its Lipschitz form (Nutini et al. 2015, GS-s). Infinite or NaN where gᵢ is not finite. Cost: 3 r, 1 w,
/// 9 operations.
#[inline]
pub fn kink_violations<T: Real>(kink: Kink<T>, x: &[T], g: &[T], w: &[T], scores: &mut [T]) {
    violations(&kink, x, g, w, scores);
}

pass! {
    short(too_few(x)) narrow(fills_none(x)) fn violations<'a, T>(kink: &'a Kink<T>, x: &'a [T], g: &'a [T], w: &'a [T], scores: &'a mut [T]) -> () =
        violations_kernel
}

#[inline(always)]
fn violations_kernel<T: Real, S: Simd>(simd: S, kink: &Kink<T>, x: &[T], g: &[T], w: &[T], scores: &mut [T]) {
    map!(simd, scores, x, g, w; { let wide = Wide::<T, _>::new(simd, kink); } {
        T::vmul(simd, wide.violation(simd, x, g), w)
    });
}

/// scoreᵢ ← √lᵢ·|dᵢ|, dᵢ the proximal step of length 1/lᵢ from xᵢ (the same, GS-r). Cost: 3 r, 1 w, 13 operations,
/// two of them divisions, and a root.
#[inline]
pub fn kink_lengths<T: Real>(kink: Kink<T>, x: &[T], g: &[T], l: &[T], scores: &mut [T]) {
    lengths(&kink, x, g, l, scores);
}

pass! {
    short(too_few(x)) narrow(fills_none(x)) fn lengths<'a, T>(kink: &'a Kink<T>, x: &'a [T], g: &'a [T], l: &'a [T], scores: &'a mut [T]) -> () =
        lengths_kernel
}

#[inline(always)]
fn lengths_kernel<T: Real, S: Simd>(simd: S, kink: &Kink<T>, x: &[T], g: &[T], l: &[T], scores: &mut [T]) {
    map!(simd, scores, x, g, l; { let wide = Wide::<T, _>::new(simd, kink); } {
        T::vmul(simd, T::vsqrt(simd, l), T::vabs(simd, wide.step(simd, x, g, l)))
    });
}

/// scoreᵢ ← −(gᵢdᵢ + ½ lᵢdᵢ² + h(xᵢ + dᵢ) − h(xᵢ)) with the same dᵢ: what the step gains where the smooth function curves
/// by lᵢ (the same, GS-q). Cost: 3 r, 1 w, 25 operations, two of them divisions.
#[inline]
pub fn kink_gains<T: Real>(kink: Kink<T>, x: &[T], g: &[T], l: &[T], scores: &mut [T]) {
    gains(&kink, x, g, l, scores);
}

pass! {
    short(too_few(x)) narrow(fills_none(x)) fn gains<'a, T>(kink: &'a Kink<T>, x: &'a [T], g: &'a [T], l: &'a [T], scores: &'a mut [T]) -> () =
        gains_kernel
}

#[inline(always)]
fn gains_kernel<T: Real, S: Simd>(simd: S, kink: &Kink<T>, x: &[T], g: &[T], l: &[T], scores: &mut [T]) {
    map!(simd, scores, x, g, l; { let wide = Wide::<T, _>::new(simd, kink); } {
        wide.gain(simd, (x, wide.step(simd, x, g, l)), g, l)
    });
}

/// max dist(−gᵢ, ∂h(xᵢ)) for x within the bounds, 0 if there is none; NaN if one of them is, as where
/// gᵢ is NaN. Cost: 2 r, 10 operations.
#[inline]
#[must_use]
pub fn kink_largest<T: Real>(kink: Kink<T>, x: &[T], g: &[T]) -> T {
    largest(&kink, x, g)
}

pass! {
    short(too_few(x)) narrow(fills_none(x)) fn largest<'a, T>(kink: &'a Kink<T>, x: &'a [T], g: &'a [T]) -> T = largest_kernel
}

#[inline(always)]
fn largest_kernel<T: Real, S: Simd>(simd: S, kink: &Kink<T>, x: &[T], g: &[T]) -> T {
    if !has_registers::<S>() {
        return largest_one_by_one(kink, x, g);
    }
    let n = x.len().min(g.len());
    let (x, x_tail) = cut(x, n).as_chunks::<LANES>();
    let (g, g_tail) = cut(g, n).as_chunks::<LANES>();
    // The largest so far, and 1 where a lane has seen a NaN.
    let (mut largest, mut odd) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    let wide = Wide::<T, S>::new(simd, kink);
    for (x, g) in x.iter().zip(g) {
        raise(simd, &wide, T::split(simd, x).0, T::split(simd, g).0, &mut largest, &mut odd);
    }
    let ((x, x_tail), (g, g_tail)) = (T::split(simd, x_tail), T::split(simd, g_tail));
    raise(simd, &wide, x, g, &mut largest, &mut odd);
    let (found, rest) = (maximum(&largest), largest_one_by_one(kink, x_tail, g_tail));
    if maximum(&odd) > T::ZERO {
        T::NAN
    } else if rest <= found {
        found
    } else {
        rest
    }
}

/// Raises lanes to the violations of at most as many registers as hold them.
#[inline(always)]
fn raise<T: Real, S: Simd>(
    simd: S,
    wide: &Wide<T, S>,
    x: &[T::Vector<S>],
    g: &[T::Vector<S>],
    largest: &mut [T; LANES],
    odd: &mut [T; LANES],
) {
    let lanes = T::split_mut(simd, largest).0.iter_mut().zip(T::split_mut(simd, odd).0);
    for (((largest, odd), &x), &g) in lanes.zip(x).zip(g) {
        let violation = wide.violation(simd, x, g);
        *largest = T::vselect(simd, T::vless(simd, *largest, violation), violation, *largest);
        *odd = T::vselect(simd, T::vless_equal(simd, violation, violation), *odd, wide.one);
    }
}

/// The same by a plain loop.
#[inline(always)]
fn largest_one_by_one<T: Real>(kink: &Kink<T>, x: &[T], g: &[T]) -> T {
    let scalar = pulp::Scalar::new();
    let narrow = Wide::<T, _>::new(scalar, kink);
    let (mut found, mut is_odd) = (T::ZERO, false);
    for (&x, &g) in x.iter().zip(g) {
        let violation = value::<T>(narrow.violation(scalar, T::splat(scalar, x), T::splat(scalar, g)));
        found = if found < violation { violation } else { found };
        is_odd |= violation.partial_cmp(&violation).is_none();
    }
    if is_odd { T::NAN } else { found }
}
