//! Running sums and maxima in virtual lanes.

use pulp::Simd;

use crate::paths::is_bare;
use crate::{LANES, Real};

/// Adds values to the lanes, beginning at lane 0.
#[inline(always)]
pub(super) fn add_lanes<T: Real, S: Simd>(simd: S, lanes: &mut [T; LANES], values: &[T]) {
    if is_bare::<S>() {
        // The stack has room for one.
        return values.iter().enumerate().for_each(|(i, &value)| lanes[i % LANES] += value);
    }
    let (values, tail) = values.as_chunks::<LANES>();
    // A copy that lives in registers while the loop runs.
    let mut sums = *lanes;
    for values in values {
        let (sums, _) = T::split_mut(simd, &mut sums);
        let (values, _) = T::split(simd, values.as_slice());
        for (sum, &value) in sums.iter_mut().zip(values) {
            *sum = T::vadd(simd, *sum, value);
        }
    }
    let ([low, high], _) = sums.as_chunks_mut::<8>() else { return };
    match tail.split_first_chunk::<8>() {
        Some((values, rest)) => {
            add_whole(simd, low, values);
            add_to_eight(simd, high, rest);
        }
        None => add_to_eight(simd, low, tail),
    }
    *lanes = sums;
}

/// The same of up to seven values: pieces of known length, so that no single lane is written that a register is then loaded
/// from.
#[inline(always)]
fn add_to_eight<T: Real, S: Simd>(simd: S, lanes: &mut [T; 8], values: &[T]) {
    let ([low, high], _) = lanes.as_chunks_mut::<4>() else { return };
    match values.split_first_chunk::<4>() {
        Some((values, rest)) => {
            add_whole(simd, low, values);
            add_to_four(simd, high, rest);
        }
        None => add_to_four(simd, low, values),
    }
}

/// The same of up to three, and zeros: a sum that began at +0 does not see another +0.
#[inline(always)]
fn add_to_four<T: Real, S: Simd>(simd: S, lanes: &mut [T; 4], values: &[T]) {
    if !values.is_empty() {
        let at = |k: usize| values.get(k).copied().unwrap_or(T::ZERO);
        add_whole(simd, lanes, &[at(0), at(1), at(2), T::ZERO]);
    }
}

#[inline(always)]
fn add_whole<T: Real, S: Simd, const N: usize>(simd: S, lanes: &mut [T; N], values: &[T; N]) {
    let ((sums, sums_left), (values, values_left)) = (T::split_mut(simd, lanes), T::split(simd, values));
    for (sum, &value) in sums.iter_mut().zip(values) {
        *sum = T::vadd(simd, *sum, value);
    }
    for (sum, &value) in sums_left.iter_mut().zip(values_left) {
        *sum += value;
    }
}

/// Raises the lanes to the values that are larger; NaN is none. Two chains of comparisons run side by
/// side, for which value meets which first leaves no trace.
#[inline(always)]
pub(crate) fn largest<T: Real, S: Simd>(simd: S, lanes: &mut [T; LANES], values: &[T]) {
    if is_bare::<S>() {
        // No two of them run side by side there, and the stack has room for one.
        return values.chunks(LANES).for_each(|values| raise(simd, lanes, values));
    }
    let (pairs, rest) = values.as_chunks::<{ 2 * LANES }>();
    let (mut maxima, mut others) = (*lanes, *lanes);
    for pair in pairs {
        let (first, second) = pair.split_at(LANES);
        raise(simd, &mut maxima, first);
        raise(simd, &mut others, second);
    }
    raise(simd, &mut maxima, &others);
    for values in rest.chunks(LANES) {
        raise(simd, &mut maxima, values);
    }
    *lanes = maxima;
}

/// One chunk of [`largest`].
#[inline(always)]
fn raise<T: Real, S: Simd>(simd: S, maxima: &mut [T; LANES], values: &[T]) {
    let n = values.len().min(LANES);
    let (maxima, maxima_tail) = T::split_mut(simd, &mut maxima[..n]);
    let (values, tail) = T::split(simd, &values[..n]);
    for (maximum, &value) in maxima.iter_mut().zip(values) {
        *maximum = T::vlarger(simd, *maximum, value);
    }
    for (maximum, &value) in maxima_tail.iter_mut().zip(tail) {
        *maximum = larger(*maximum, value);
    }
}

/// The larger of two numbers; a, if b is none.
#[inline(always)]
pub(super) fn larger<T: Real>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// The largest lane, none of which is NaN. A zero comes out positive, so that the order of comparing
/// leaves no trace.
#[inline(always)]
pub(crate) fn maximum<T: Real>(lanes: &[T; LANES]) -> T {
    let l = lanes;
    let a = [
        larger(l[0], l[8]),
        larger(l[1], l[9]),
        larger(l[2], l[10]),
        larger(l[3], l[11]),
        larger(l[4], l[12]),
        larger(l[5], l[13]),
        larger(l[6], l[14]),
        larger(l[7], l[15]),
    ];
    let b = [larger(a[0], a[4]), larger(a[1], a[5]), larger(a[2], a[6]), larger(a[3], a[7])];
    larger(larger(b[0], b[2]), larger(b[1], b[3])) + T::ZERO
}
