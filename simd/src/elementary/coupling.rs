//! A row of a coupling from potentials and costs: exponentials, their sum and the largest, in one loop.

use pulp::{Scalar, Simd};

use super::exp::exp_whole;
use super::map::padded;
use super::sums::maximum;
use crate::dispatch::{few, pass};
use crate::map::{cut, cut_mut};
use crate::{LANES, Real, reduce};

/// What is known of the entries so far, in virtual lanes.
struct Totals<T> {
    sums: [T; LANES],
    maxima: [T; LANES],
}

impl<T: Real> Totals<T> {
    #[inline(always)]
    fn new() -> Self {
        Self { sums: [T::ZERO; LANES], maxima: [T::ZERO; LANES] }
    }

    /// Adds a block of entries; a NaN is not the largest.
    #[inline(always)]
    fn add<S: Simd>(&mut self, simd: S, entries: &[T; LANES]) {
        let totals =
            T::split_mut(simd, &mut self.sums).0.iter_mut().zip(T::split_mut(simd, &mut self.maxima).0);
        for ((sum, largest), &e) in totals.zip(T::split(simd, entries).0) {
            *sum = T::vadd(simd, *sum, e);
            *largest = T::vlarger(simd, *largest, e);
        }
    }

    #[inline(always)]
    fn values(&self) -> (T, T) {
        (reduce(&self.sums), maximum(&self.maxima))
    }
}

/// e^(((a + bⱼ) − cⱼ)·s) of a block.
#[inline(always)]
fn entries<T: Real, S: Simd>(simd: S, a: T, b: &[T; LANES], c: &[T; LANES], s: T) -> [T; LANES] {
    let (a, s) = (T::splat(simd, a), T::splat(simd, s));
    let mut entries = [T::ZERO; LANES];
    let operands = T::split(simd, b).0.iter().zip(T::split(simd, c).0);
    for (e, (&b, &c)) in T::split_mut(simd, &mut entries).0.iter_mut().zip(operands) {
        *e = exp_whole::<T, S>(simd, T::vmul(simd, T::vsub(simd, T::vadd(simd, a, b), c), s));
    }
    entries
}

/// The entries of what is left after whole blocks, one by one or filled up to a block, and 0 beyond.
#[inline(always)]
fn last<T: Real, S: Simd>(simd: S, a: T, b: &[T], c: &[T], s: T) -> [T; LANES] {
    if S::IS_SCALAR {
        let mut entries = [T::ZERO; LANES];
        for ((e, &b), &c) in entries.iter_mut().zip(b).zip(c) {
            *e = T::only(exp_whole::<T, Scalar>(Scalar::new(), (((a + b) - c) * s).one()));
        }
        return entries;
    }
    let mut entries = entries(simd, a, &padded(b), &padded(c), s);
    // By comparing numbers of places: single lanes written would have to be waited for.
    let places: [T; LANES] = core::array::from_fn(T::from_usize);
    let n = T::splat(simd, T::from_usize(b.len().min(c.len())));
    for (e, &place) in T::split_mut(simd, &mut entries).0.iter_mut().zip(T::split(simd, &places).0) {
        *e = T::vselect(simd, T::vless(simd, place, n), *e, T::splat(simd, T::ZERO));
    }
    entries
}

pass! {
    /// yⱼ ← e^(((a + bⱼ) − cⱼ)·s), Σ yⱼ in [`LANES`] virtual lanes, and the largest yⱼ (0 if there is
    /// none; NaN is passed over there, and kept in the sum).
    ///
    /// With potentials a = fᵢ, b = g, costs c and s = 1/ε: row i of a coupling, its sum and its
    /// largest entry. What is below e^−708 (`f64`; e^−87 in `f32`) becomes 0, what is above e^709 (e^88)
    /// becomes +∞; between, the bits are those of [`exp`](super::exp()). Cost: 2 r, 1 w, 38 operations in
    /// `f64`, 34 in `f32`.
    short(few(b)) pub fn exp_coupling<'a, T>(a: T, b: &'a [T], c: &'a [T], s: T, y: &'a mut [T]) -> (T, T) = exp_coupling_kernel
}

#[inline(always)]
fn exp_coupling_kernel<T: Real, S: Simd>(simd: S, a: T, b: &[T], c: &[T], s: T, y: &mut [T]) -> (T, T) {
    let n = b.len().min(c.len()).min(y.len());
    let (b, b_last) = cut(b, n).as_chunks::<LANES>();
    let (c, c_last) = cut(c, n).as_chunks::<LANES>();
    let (y, y_last) = cut_mut(y, n).as_chunks_mut::<LANES>();
    let mut totals = Totals::new();
    for ((b, c), y) in b.iter().zip(c).zip(y) {
        *y = entries(simd, a, b, c, s);
        totals.add(simd, y);
    }
    if !y_last.is_empty() {
        let entries = last(simd, a, b_last, c_last, s);
        totals.add(simd, &entries);
        y_last.iter_mut().zip(&entries).for_each(|(y, &e)| *y = e);
    }
    totals.values()
}
