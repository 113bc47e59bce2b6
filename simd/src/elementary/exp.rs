//! e^x.
//!
//! x = k·ln 2 + r with an integer k in `f32`, a multiple of 1/16 in `f64`, and r of at most half a step; then
//! e^x = 2^k·(1 + (r + r²·q(r))). The root 2^(k − ⌊k⌋) is looked up among sixteen (Tang, 1989), which halves the
//! polynomial; in `f32` it is 1, since the polynomial is short as it is. 2^⌊k⌋ comes in two factors, so that a subnormal
//! result is rounded once and 2^1024 can be formed.

use pulp::{Scalar, Simd};

use super::map::{every, map};
use super::sums::add_lanes;
use crate::dispatch::{fills_none, pass, too_few, very_few};
use crate::map::{cut, cut_mut, pieces};
use crate::{LANES, Real, reduce};

/// e^x in some registers, the operation behind every pass here.
#[inline(always)]
pub(super) fn exp_registers<T: Real, S: Simd, const N: usize>(
    simd: S,
    x: [T::Vector<S>; N],
) -> [T::Vector<S>; N] {
    if !S::IS_SCALAR && are_plain::<T, S, N>(simd, x) {
        return plain::<T, S, N>(simd, x);
    }
    let (low, high) = (T::splat(simd, T::EXP_LOW), T::splat(simd, T::EXP_HIGH));
    let (mut x, mut k, mut root, mut first, mut second) = (x, x, x, x, x);
    for x in &mut x {
        // Comparing leaves NaN alone.
        let (below, above) = (T::vless(simd, *x, low), T::vless(simd, high, *x));
        *x = T::vselect(simd, above, high, T::vselect(simd, below, low, *x));
    }
    for i in 0..N {
        let power = T::nearest_power(simd, T::vmul(simd, x[i], T::splat(simd, T::LOG2_E)));
        (k[i], root[i], [first[i], second[i]]) = (power.k, power.root, power.power);
    }
    let mul = |a, b| each(a, b, |a, b| T::vmul(simd, a, b));
    mul(mul(reduced::<T, S, N>(simd, x, k, root), first), second)
}

/// Whether e^x needs no care for its range, nor x is NaN.
#[inline(always)]
fn are_plain<T: Real, S: Simd, const N: usize>(simd: S, x: [T::Vector<S>; N]) -> bool {
    let most = T::splat(simd, T::EXP_PLAIN);
    let within = |x| T::vless_equal(simd, T::vabs(simd, x), most);
    let mut all = within(x[0]);
    for &x in &x[1..] {
        all = T::vand(simd, all, within(x));
    }
    T::vall::<S>(all)
}

/// The same bits for such x, in fewer operations: nothing but the power of two is large or small, so that it may come early.
#[inline(always)]
fn plain<T: Real, S: Simd, const N: usize>(simd: S, x: [T::Vector<S>; N]) -> [T::Vector<S>; N] {
    let (mut k, mut scale) = (x, x);
    for i in 0..N {
        (k[i], scale[i]) = T::scaled_root(simd, T::vmul(simd, x[i], T::splat(simd, T::LOG2_E)));
    }
    if T::HAS_ROOTS {
        return reduced::<T, S, N>(simd, x, k, scale);
    }
    let one = [T::splat(simd, T::ONE); N];
    each(reduced::<T, S, N>(simd, x, k, one), scale, |y, power| T::vmul(simd, y, power))
}

/// root·e^r with r = x − k·ln 2, less what the root has of it already; of several registers step by step, since of chains
/// that come one after the other a processor sees too few at a time.
#[inline(always)]
fn reduced<T: Real, S: Simd, const N: usize>(
    simd: S,
    x: [T::Vector<S>; N],
    k: [T::Vector<S>; N],
    root: [T::Vector<S>; N],
) -> [T::Vector<S>; N] {
    let add = |a, b| each(a, b, |a, b| T::vadd(simd, a, b));
    let sub = |a, b| each(a, b, |a, b| T::vsub(simd, a, b));
    let mul = |a, b| each(a, b, |a, b| T::vmul(simd, a, b));
    let all = |c: T| [T::splat(simd, c); N];
    let (ln_2_high, ln_2_low) = T::EXP_LN_2;
    let high = sub(x, mul(k, all(ln_2_high)));
    let low = mul(k, all(ln_2_low));
    let low = if T::HAS_ROOTS { add(low, all(T::ROOT_SHIFT)) } else { low };
    let r = sub(high, low);
    let square = mul(r, r);
    let growth = if T::HAS_ROOTS {
        let [a, b, c, d, e] = T::EXP;
        let (a, b, c, d, e) = (all(a), all(b), all(c), all(d), all(e));
        let first = add(a, mul(b, r));
        let second = add(c, mul(d, r));
        let second = add(second, mul(e, square));
        // Two products side by side: the chain of dependent operations is what an exponential takes.
        let fourth = mul(square, square);
        let first = add(r, mul(square, first));
        add(first, mul(fourth, second))
    } else {
        // Not a closure: one that is called from several places is not inlined, and then knows no registers.
        let mut q = r;
        for i in 0..N {
            q[i] = polynomial::<T, S>(simd, &T::EXP, r[i], square[i]);
        }
        // r is large enough for its rounding to count: the exact part enters last.
        add(high, sub(mul(square, q), low))
    };
    add(root, mul(root, growth))
}

/// f(aᵢ, bᵢ) of registers.
#[inline(always)]
pub(super) fn each<V: Copy, const N: usize>(mut a: [V; N], b: [V; N], f: impl Fn(V, V) -> V) -> [V; N] {
    for (a, &b) in a.iter_mut().zip(&b) {
        *a = f(*a, b);
    }
    a
}

/// e^x for x up to `EXP_WHOLE`, with 0 for what is below e^−708 (`f64`) or e^−87 (`f32`): as for a term of a sum
/// whose largest is 1. Elsewhere the bits of [`exp_registers`].
#[inline(always)]
pub(super) fn exp_term<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    let [y] = exp_terms::<T, S, 1>(simd, [x]);
    y
}

/// The same of several registers.
#[inline(always)]
pub(super) fn exp_terms<T: Real, S: Simd, const N: usize>(
    simd: S,
    x: [T::Vector<S>; N],
) -> [T::Vector<S>; N] {
    let (mut k, mut root, mut power) = (x, x, x);
    for i in 0..N {
        let found = T::whole_power(simd, T::vmul(simd, x[i], T::splat(simd, T::LOG2_E)));
        (k[i], root[i], power[i]) = (found.k, found.root, found.power);
    }
    let y = each(reduced::<T, S, N>(simd, x, k, root), power, |y, power| T::vmul(simd, y, power));
    each(y, x, |y, x| {
        let vanishes = T::vless(simd, x, T::splat(simd, T::EXP_NORMAL));
        T::vselect(simd, vanishes, T::splat(simd, T::ZERO), y)
    })
}

/// e^x with 0 below e^−708 (`f64`; e^−87 in `f32`) and +∞ above e^709 (e^88), where one power of two serves;
/// between, the bits of [`exp_register`].
#[inline(always)]
pub(super) fn exp_whole<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    let exceeds = T::vless(simd, T::splat(simd, T::EXP_WHOLE), x);
    T::vselect(simd, exceeds, T::splat(simd, T::INFINITY), exp_term::<T, S>(simd, x))
}

/// A polynomial, constant term first: groups of four coefficients in the manner of Estrin (1960), the
/// groups by Horner's rule in x⁴. The chain of dependent operations is half as long as Horner's, for one
/// multiplication more.
#[inline(always)]
pub(super) fn polynomial<T: Real, S: Simd>(
    simd: S,
    coefficients: &[T],
    x: T::Vector<S>,
    square: T::Vector<S>,
) -> T::Vector<S> {
    let (groups, rest) = coefficients.as_chunks::<4>();
    let mut top = rest.iter().rev();
    let mut y = top.next().map(|&c| T::splat(simd, c));
    for &c in top {
        let c = T::splat(simd, c);
        y = y.map(|y| T::vadd(simd, T::vmul(simd, y, x), c));
    }
    let fourth = T::vmul(simd, square, square);
    for &[a, b, c, d] in groups.iter().rev() {
        let low = T::vadd(simd, T::splat(simd, a), T::vmul(simd, T::splat(simd, b), x));
        let high = T::vadd(simd, T::splat(simd, c), T::vmul(simd, T::splat(simd, d), x));
        let group = T::vadd(simd, low, T::vmul(simd, high, square));
        y = Some(y.map_or(group, |y| T::vadd(simd, group, T::vmul(simd, y, fourth))));
    }
    y.unwrap_or(T::splat(simd, T::ZERO))
}

/// e^x of one number, with the bits of [`exp`].
#[cfg_attr(feature = "std", inline(always))]
#[cfg_attr(not(feature = "std"), inline(never))] // Called from many places: flash counts there.
#[must_use]
pub fn exp_scalar<T: Real>(x: T) -> T {
    let [y] = exp_registers::<T, Scalar, 1>(Scalar::new(), [x.one()]);
    T::only(y)
}

pass! {
    /// yᵢ ← e^(xᵢ). Errors and special values: see the [module](crate::elementary). Cost: 1 r, 1 w,
    /// 25 operations in `f64`, 24 in `f32`; 12 and 8 more among numbers beyond 660 (87), or NaN, and without registers.
    short(very_few(x)) narrow(fills_none(x)) pub fn exp<'a, T>(x: &'a [T], y: &'a mut [T]) -> () = exp_kernel
}

#[inline(always)]
pub(crate) fn exp_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) {
    map!(simd, x => y, |v| exp_registers::<T, S, _>(simd, v));
}

pass! {
    /// xᵢ ← e^(xᵢ): [`exp`] in place. Cost: 1 r, 1 w, as many operations.
    short(very_few(x)) narrow(fills_none(x)) pub fn exp_in_place<'a, T>(x: &'a mut [T]) -> () = exp_in_place_kernel
}

#[inline(always)]
pub(crate) fn exp_in_place_kernel<T: Real, S: Simd>(simd: S, x: &mut [T]) {
    map!(simd, x, |v| exp_registers::<T, S, _>(simd, v));
}

/// Elements that a pass maps before it sums them up; a multiple of the lanes.
pub(super) const BLOCK: usize = 128;

pass! {
    /// yⱼ ← e^(xⱼ − m), and Σ yⱼ in [`LANES`] virtual lanes. Cost: 1 r, 1 w, 2 operations
    /// more than [`exp`].
    short(too_few(x)) narrow(fills_none(x)) pub fn exp_sum<'a, T>(x: &'a [T], m: T, y: &'a mut [T]) -> T = exp_sum_kernel
}

#[inline(always)]
pub(crate) fn exp_sum_kernel<T: Real, S: Simd>(simd: S, x: &[T], m: T, y: &mut [T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    let m = T::splat(simd, m);
    let n = x.len().min(y.len());
    for (x, y) in pieces::<BLOCK, _>(cut(x, n)).zip(cut_mut(y, n).chunks_mut(BLOCK)) {
        map!(simd, x => y, |v| exp_registers::<T, S, _>(simd, every(v, |v| T::vsub(simd, v, m))));
        add_lanes(simd, &mut lanes, y);
    }
    reduce(&lanes)
}

pass! {
    /// xⱼ ← e^(xⱼ − m), and Σ xⱼ: [`exp_sum`] in place. Cost: 1 r, 1 w, as many operations.
    short(too_few(x)) narrow(fills_none(x)) pub fn exp_sum_in_place<'a, T>(m: T, x: &'a mut [T]) -> T = exp_sum_in_place_kernel
}

#[inline(always)]
pub(crate) fn exp_sum_in_place_kernel<T: Real, S: Simd>(simd: S, m: T, x: &mut [T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    add_exponentials(simd, m, x, &mut lanes);
    reduce(&lanes)
}

/// x ← e^(x − m), added to running lanes; the length of what was added before is a multiple of the lanes.
#[inline(always)]
pub(super) fn add_exponentials<T: Real, S: Simd>(simd: S, m: T, x: &mut [T], lanes: &mut [T; LANES]) {
    let m = T::splat(simd, m);
    for x in x.chunks_mut(BLOCK) {
        map!(simd, x, |v| exp_registers::<T, S, _>(simd, every(v, |v| T::vsub(simd, v, m))));
        add_lanes(simd, lanes, x);
    }
}
