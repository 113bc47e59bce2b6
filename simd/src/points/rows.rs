//! Exponentials of several rows together, for points in the plane.
//!
//! Coordinates and potentials are read once for all rows, whose maxima are taken as their terms are made: half of
//! what a row costs by itself is not exponentials. The bits are those of the rows one by one.

use pulp::Simd;

use super::{Cost, Euclidean, Manhattan, SquaredEuclidean, plane_term};
use crate::dense::Matrix;
use crate::dispatch::pass;
use crate::elementary::{exponentials, largest, maximum};
use crate::map::{cut, cut_mut, map};
use crate::{LANES, Real};

/// Rows that go together.
pub const ROWS: usize = 4;

pass! {
    /// [`squared_euclidean_exp_row`](super::squared_euclidean_exp_row) for [`ROWS`] points x of the plane: (m, Σ eⱼ) of each.
    /// The rows of e follow one another, each a fourth of it. Cost: 3 r for all; 2 w, 1 r and 31 operations in `f64`, 27 in
    /// `f32`, for each.
    pub fn squared_euclidean_exp_rows<'a, T>(
        s: T, x: [[T; 2]; ROWS], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> [(T, T); ROWS] = kernel::<T, _, SquaredEuclidean>
}

pass! {
    /// The same for distances: the bits of [`euclidean_exp_row`](super::euclidean_exp_row).
    pub fn euclidean_exp_rows<'a, T>(
        s: T, x: [[T; 2]; ROWS], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> [(T, T); ROWS] = kernel::<T, _, Euclidean>
}

pass! {
    /// The same for sums of absolute values: the bits of [`l1_exp_row`](super::l1_exp_row).
    pub fn l1_exp_rows<'a, T>(
        s: T, x: [[T; 2]; ROWS], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> [(T, T); ROWS] = kernel::<T, _, Manhattan>
}

#[inline(always)]
fn kernel<T: Real, S: Simd, C: Cost>(
    simd: S,
    s: T,
    x: [[T; 2]; ROWS],
    y: Matrix<'_, T>,
    g: &[T],
    t: T,
    e: &mut [T],
) -> [(T, T); ROWS] {
    let (a, b) = (y.row(0), y.row(1));
    let n = (e.len() / ROWS).min(g.len()).min(a.len()).min(b.len());
    let (a, b, g) = (cut(a, n), cut(b, n), cut(g, n));
    let t = t * T::LOG2_E;
    let maxima = if s == T::ONE {
        terms::<T, S, C, false>(simd, s, x, [a, b], g, t, split(e, n))
    } else {
        terms::<T, S, C, true>(simd, s, x, [a, b], g, t, split(e, n))
    };
    let mut found = [(T::ZERO, T::ZERO); ROWS];
    for ((found, row), maxima) in found.iter_mut().zip(split(e, n)).zip(&maxima) {
        *found = exponentials(simd, maximum(maxima), row, |_, _| ());
    }
    found
}

/// The terms of all rows, and their maxima in virtual lanes.
#[inline(always)]
fn terms<T: Real, S: Simd, C: Cost, const SCALED: bool>(
    simd: S,
    s: T,
    x: [[T; 2]; ROWS],
    [a, b]: [&[T]; 2],
    g: &[T],
    t: T,
    rows: [&mut [T]; ROWS],
) -> [[T; LANES]; ROWS] {
    let mut maxima = [[-T::INFINITY; LANES]; ROWS];
    let ((a, a_tail), (b, b_tail), (g, g_tail)) =
        (a.as_chunks::<LANES>(), b.as_chunks::<LANES>(), g.as_chunks::<LANES>());
    let [(e0, e0_tail), (e1, e1_tail), (e2, e2_tail), (e3, e3_tail)] =
        rows.map(|row| row.as_chunks_mut::<LANES>());
    {
        let points = x.map(|x| x.map(|x| T::splat(simd, x)));
        let (s, t) = (T::splat(simd, s), T::splat(simd, t));
        let rows = e0.iter_mut().zip(e1).zip(e2).zip(e3);
        for (((a, b), g), (((e0, e1), e2), e3)) in a.iter().zip(b).zip(g).zip(rows) {
            // One register of columns for all rows, then the next: so it is loaded once.
            let columns = T::split(simd, a).0.iter().zip(T::split(simd, b).0).zip(T::split(simd, g).0);
            for (k, ((&a, &b), &g)) in columns.enumerate() {
                for ((&x, row), maxima) in
                    points.iter().zip([&mut *e0, &mut *e1, &mut *e2, &mut *e3]).zip(&mut maxima)
                {
                    let z = plane_term::<T, S, C, SCALED>(simd, x, [a, b], (s, t), g);
                    T::split_mut(simd, row).0[k] = z;
                    let maximum = &mut T::split_mut(simd, maxima).0[k];
                    *maximum = T::vlarger(simd, *maximum, z);
                }
            }
        }
    }
    // A copy, so that the loop above has its own in registers.
    let mut all = maxima;
    for ((x, out), maxima) in x.iter().zip([e0_tail, e1_tail, e2_tail, e3_tail]).zip(&mut all) {
        let (a, b, g) = (a_tail, b_tail, g_tail);
        map!(simd, out, g, a, b; {
            let x = x.map(|x| T::splat(simd, x));
            let (s, t) = (T::splat(simd, s), T::splat(simd, t));
        } plane_term::<T, _, C, SCALED>(simd, x, [a, b], (s, t), g));
        largest(simd, maxima, out);
    }
    all
}

/// The first n elements of every row.
#[inline(always)]
fn split<T>(mut e: &mut [T], n: usize) -> [&mut [T]; ROWS] {
    let length = e.len() / ROWS;
    core::array::from_fn(|_| {
        let (row, rest) = core::mem::take(&mut e).split_at_mut_checked(length).unwrap_or_default();
        e = rest;
        cut_mut(row, n)
    })
}
