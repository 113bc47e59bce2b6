//! The natural logarithm.
//!
//! x = 2^e·m with m in [√½, √2). With f = m − 1, s = f/(2 + f) and z = s²,
//! ln m = ln((1 + s)/(1 − s)) = f − (½f² − s·(½f² + z·p(z))): the rounding of s then touches small terms
//! only. (This arrangement is the one of Ng's logarithm in fdlibm, 1993.)

use pulp::{Scalar, Simd};

use super::exp::polynomial;
use super::map::{every, map};
use crate::Real;
use crate::dispatch::{fills_none, pass, very_few};

/// ln x in a register, the operation behind every pass here.
#[inline(always)]
pub(crate) fn ln_register<T: Real, S: Simd>(simd: S, x: T::Vector<S>) -> T::Vector<S> {
    let (zero, one) = (T::splat(simd, T::ZERO), T::splat(simd, T::ONE));
    let (lift, lifted) = T::LIFT;
    let small = T::vless(simd, x, T::splat(simd, T::MIN_POSITIVE));
    let normal = T::vmul(simd, x, T::splat(simd, lift));
    let (e, m) = T::exponent(simd, T::vselect(simd, small, normal, x));
    let e = T::vsub(simd, e, T::vselect(simd, small, T::splat(simd, lifted), zero));

    let f = T::vsub(simd, m, one);
    let s = T::vdiv(simd, f, T::vadd(simd, f, T::splat(simd, T::TWO)));
    let half = T::vmul(simd, T::vmul(simd, f, f), T::splat(simd, T::HALF));
    let z = T::vmul(simd, s, s);
    let p = T::vmul(simd, z, polynomial::<T, S>(simd, T::LN, z, T::vmul(simd, z, z)));
    let low = T::vmul(simd, e, T::splat(simd, T::LN_2_LOW));
    let correction = T::vadd(simd, T::vmul(simd, s, T::vadd(simd, half, p)), low);
    let y = T::vsub(simd, T::vsub(simd, half, correction), f);
    let y = T::vsub(simd, T::vmul(simd, e, T::splat(simd, T::LN_2_HIGH)), y);

    // Zero, then what is below it; at last infinity and NaN, which are no less than infinity.
    let negative = T::vless(simd, x, zero);
    let infinity = T::splat(simd, T::INFINITY);
    let edge = T::vselect(simd, negative, T::splat(simd, T::NAN), T::splat(simd, -T::INFINITY));
    let y = T::vselect(simd, T::vless(simd, zero, x), y, edge);
    T::vselect(simd, T::vless(simd, x, infinity), y, x)
}

/// ln x of one number, with the bits of [`ln`].
#[cfg_attr(feature = "std", inline(always))]
#[cfg_attr(not(feature = "std"), inline(never))] // Called from many places: flash counts there.
#[must_use]
pub fn ln_scalar<T: Real>(x: T) -> T {
    T::only(ln_register::<T, Scalar>(Scalar::new(), x.one()))
}

pass! {
    /// yᵢ ← ln xᵢ. Errors and special values: see the [module](crate::elementary). Cost: 1 r, 1 w,
    /// 47 operations in `f64`, 37 in `f32`, one of them a division.
    short(very_few(x)) narrow(fills_none(x)) pub fn ln<'a, T>(x: &'a [T], y: &'a mut [T]) -> () = ln_kernel
}

#[inline(always)]
pub(crate) fn ln_kernel<T: Real, S: Simd>(simd: S, x: &[T], y: &mut [T]) {
    map!(simd, x => y, |v| every(v, |v| ln_register::<T, S>(simd, v)));
}

pass! {
    /// xᵢ ← ln xᵢ: [`ln`] in place. Cost: 1 r, 1 w, as many operations.
    short(very_few(x)) narrow(fills_none(x)) pub fn ln_in_place<'a, T>(x: &'a mut [T]) -> () = ln_in_place_kernel
}

#[inline(always)]
pub(crate) fn ln_in_place_kernel<T: Real, S: Simd>(simd: S, x: &mut [T]) {
    map!(simd, x, |v| every(v, |v| ln_register::<T, S>(simd, v)));
}
