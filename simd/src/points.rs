//! Costs between one point and many, computed on the fly: a row of a cost matrix that is never stored.
//!
//! Points yⱼ are stored by coordinates: row k of a d × m matrix holds coordinate k of all m points, so that
//! a pass reads d streams and writes one. Every sum runs over the coordinates from the first to the last,
//! ((t₀ + t₁) + t₂) + …, and is multiplied by a scale at the end; a scale of 1 changes no bit. In one to
//! three dimensions a loop reads all coordinates side by side; beyond, the sums of 32 points (or 64) stay in
//! registers while the coordinates pass. Nothing is stored but the costs.
//!
//! Relative error, to first order: no term is negative, so a sum of d squares is within (d + 2)/2 units
//! of [`EPSILON`](crate::Real::EPSILON), one of absolute values within d/2, the root of squares within
//! (d + 4)/4; the scale adds ½. That holds for points far from the origin too. Squares overflow beyond √MAX
//! and vanish below √MIN.
//!
//! d is the length of x, or the number of coordinates stored if that is smaller; without any, a cost is the
//! scale times 0. As many costs are written as there are points, or places in `out` if those are fewer.

use core::marker::PhantomData;

use pulp::{Scalar, Simd};

use crate::dense::Matrix;
use crate::dispatch::{brief, few, few_points, narrow, pass};
use crate::elementary::{Made, exp_row_made};
use crate::map::{cut_mut, map};
use crate::paths::{has_registers, hold_four_blocks, is_bare_target};
use crate::{LANES, Real};

mod rows;

pub use rows::{ROWS, euclidean_exp_rows, l1_exp_rows, squared_euclidean_exp_rows};

/// What a distance is made of: the term of one coordinate, and what becomes of the sum.
trait Cost {
    fn term<T: Real, S: Simd>(simd: S, x: T::Vector<S>, y: T::Vector<S>) -> T::Vector<S>;
    fn finish<T: Real, S: Simd>(simd: S, sum: T::Vector<S>) -> T::Vector<S>;
}

struct SquaredEuclidean;
struct Euclidean;
struct Manhattan;

impl Cost for SquaredEuclidean {
    #[inline(always)]
    fn term<T: Real, S: Simd>(simd: S, x: T::Vector<S>, y: T::Vector<S>) -> T::Vector<S> {
        let difference = T::vsub(simd, x, y);
        T::vmul(simd, difference, difference)
    }
    #[inline(always)]
    fn finish<T: Real, S: Simd>(_simd: S, sum: T::Vector<S>) -> T::Vector<S> {
        sum
    }
}

impl Cost for Euclidean {
    #[inline(always)]
    fn term<T: Real, S: Simd>(simd: S, x: T::Vector<S>, y: T::Vector<S>) -> T::Vector<S> {
        SquaredEuclidean::term::<T, S>(simd, x, y)
    }
    #[inline(always)]
    fn finish<T: Real, S: Simd>(simd: S, sum: T::Vector<S>) -> T::Vector<S> {
        T::vsqrt(simd, sum)
    }
}

impl Cost for Manhattan {
    #[inline(always)]
    fn term<T: Real, S: Simd>(simd: S, x: T::Vector<S>, y: T::Vector<S>) -> T::Vector<S> {
        T::vabs(simd, T::vsub(simd, x, y))
    }
    #[inline(always)]
    fn finish<T: Real, S: Simd>(_simd: S, sum: T::Vector<S>) -> T::Vector<S> {
        sum
    }
}

pass! {
    /// outⱼ ← s·Σₖ (xₖ − yₖⱼ)². Cost: d r, 1 w, 3d operations.
    short(few_points(y.columns, out)) pub fn squared_euclidean_row<'a, T>(s: T, x: &'a [T], y: Matrix<'a, T>, out: &'a mut [T]) -> () =
        kernel::<T, _, SquaredEuclidean>
}

pass! {
    /// outⱼ ← s·√(Σₖ (xₖ − yₖⱼ)²). Cost: d r, 1 w, 3d + 1 operations, one of them a root.
    short(few_points(y.columns, out)) pub fn euclidean_row<'a, T>(s: T, x: &'a [T], y: Matrix<'a, T>, out: &'a mut [T]) -> () =
        kernel::<T, _, Euclidean>
}

pass! {
    /// outⱼ ← s·Σₖ |xₖ − yₖⱼ|. Cost: d r, 1 w, 3d operations.
    short(narrow::<T>(y.columns, 256) || few(out)) pub fn l1_row<'a, T>(s: T, x: &'a [T], y: Matrix<'a, T>, out: &'a mut [T]) -> () =
        kernel::<T, _, Manhattan>
}

pass! {
    /// eⱼ ← e^(zⱼ − m) with zⱼ = (gⱼ − s·Σₖ (xₖ − yₖⱼ)²)·t and m near maxⱼ zⱼ: the pair (m, Σ eⱼ). The bits of
    /// [`squared_euclidean_row`] and [`exp_row`](crate::elementary::exp_row), without a row of costs in between.
    /// Cost: d + 1 r, 1 w, 25 + 3d operations in `f64`, 21 + 3d in `f32`.
    short(y.columns <= LANES || brief(e, LANES)) pub fn squared_euclidean_exp_row<'a, T>(
        s: T, x: &'a [T], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> (T, T) = exp_row::<T, _, SquaredEuclidean>
}

pass! {
    /// The same for distances: zⱼ = (gⱼ − s·√(Σₖ (xₖ − yₖⱼ)²))·t, and the bits of [`euclidean_row`] and `exp_row`.
    short(y.columns <= LANES || brief(e, LANES)) pub fn euclidean_exp_row<'a, T>(
        s: T, x: &'a [T], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> (T, T) = exp_row::<T, _, Euclidean>
}

pass! {
    /// The same for sums of absolute values: zⱼ = (gⱼ − s·Σₖ |xₖ − yₖⱼ|)·t, and the bits of [`l1_row`] and `exp_row`.
    short(y.columns <= LANES || brief(e, LANES)) pub fn l1_exp_row<'a, T>(
        s: T, x: &'a [T], y: Matrix<'a, T>, g: &'a [T], t: T, e: &'a mut [T],
    ) -> (T, T) = exp_row::<T, _, Manhattan>
}

#[inline(always)]
fn exp_row<T: Real, S: Simd, C: Cost>(
    simd: S,
    s: T,
    x: &[T],
    y: Matrix<'_, T>,
    g: &[T],
    t: T,
    e: &mut [T],
) -> (T, T) {
    struct Costs<'a, T, C> {
        s: T,
        x: &'a [T],
        y: Matrix<'a, T>,
        ground: PhantomData<C>,
    }
    impl<T: Real, C: Cost> Made<T> for Costs<'_, T, C> {
        #[inline(always)]
        fn make<S: Simd>(&self, simd: S, start: usize, costs: &mut [T]) {
            // The coordinates of the points from this one on.
            let values = self.y.values.get(start..).unwrap_or(&[]);
            kernel::<T, S, C>(simd, self.s, self.x, Matrix { values, columns: costs.len(), ..self.y }, costs);
        }

        #[inline(always)]
        fn make_terms<S: Simd>(&self, simd: S, start: usize, g: &[T], t: T, out: &mut [T]) -> bool {
            // Points in the plane are most of what is solved; where flash counts, there is no second loop for them.
            let [x0, x1] = *self.x else { return false };
            if is_bare_target() {
                return false;
            }
            let from = |k: usize| self.y.row(k).get(start..).unwrap_or(&[]);
            let (a, b, s) = (from(0), from(1), self.s);
            map!(simd, out, g, a, b; {
                let x = [x0, x1].map(|x| T::splat(simd, x));
                let (s, t) = (T::splat(simd, s), T::splat(simd, t));
            } plane_term::<T, _, C, true>(simd, x, [a, b], (s, t), g));
            true
        }
    }
    let x = x.get(..stored(&y)).unwrap_or(x);
    let e = cut_mut(e, e.len().min(y.columns));
    exp_row_made(simd, g, &Costs::<T, C> { s, x, y, ground: PhantomData }, t, e)
}

/// (g − s·cost)·t of two points in the plane; a scale that is 1 may be left out.
#[inline(always)]
fn plane_term<T: Real, S: Simd, C: Cost, const SCALED: bool>(
    simd: S,
    x: [T::Vector<S>; 2],
    y: [T::Vector<S>; 2],
    (s, t): (T::Vector<S>, T::Vector<S>),
    g: T::Vector<S>,
) -> T::Vector<S> {
    let sum = T::vadd(simd, C::term::<T, S>(simd, x[0], y[0]), C::term::<T, S>(simd, x[1], y[1]));
    let cost = C::finish::<T, S>(simd, sum);
    let cost = if SCALED { T::vmul(simd, s, cost) } else { cost };
    T::vmul(simd, T::vsub(simd, g, cost), t)
}

/// Coordinates that are stored; a last one that is stored in part is none.
#[inline(always)]
fn stored<T: Real>(y: &Matrix<'_, T>) -> usize {
    let last = y.count().saturating_sub(1);
    if y.row(last).len() < y.columns { last } else { y.count() }
}

#[inline(always)]
fn kernel<T: Real, S: Simd, C: Cost>(simd: S, s: T, x: &[T], y: Matrix<'_, T>, out: &mut [T]) {
    let x = x.get(..stored(&y)).unwrap_or(x);
    let n = out.len().min(y.columns);
    let out = cut_mut(out, n);
    match *x {
        [x0] => {
            let a = y.row(0);
            map!(simd, out, a; { let x = [x0].map(|x| T::splat(simd, x)); let s = T::splat(simd, s); } {
                let sum = C::term::<T, _>(simd, x[0], a);
                T::vmul(simd, s, C::finish::<T, _>(simd, sum))
            });
        }
        [x0, x1] => {
            let (a, b) = (y.row(0), y.row(1));
            map!(simd, out, a, b; { let x = [x0, x1].map(|x| T::splat(simd, x)); let s = T::splat(simd, s); } {
                let sum = C::term::<T, _>(simd, x[0], a);
                let sum = T::vadd(simd, sum, C::term::<T, _>(simd, x[1], b));
                T::vmul(simd, s, C::finish::<T, _>(simd, sum))
            });
        }
        [x0, x1, x2] => {
            let (a, b, c) = (y.row(0), y.row(1), y.row(2));
            map!(simd, out, a, b, c; { let x = [x0, x1, x2].map(|x| T::splat(simd, x)); let s = T::splat(simd, s); } {
                let sum = C::term::<T, _>(simd, x[0], a);
                let sum = T::vadd(simd, sum, C::term::<T, _>(simd, x[1], b));
                let sum = T::vadd(simd, sum, C::term::<T, _>(simd, x[2], c));
                T::vmul(simd, s, C::finish::<T, _>(simd, sum))
            });
        }
        _ => many::<T, S, C>(simd, s, x, y, out),
    }
}

/// Any dimension: the sums of a block of points stay in registers while the coordinates pass.
#[inline(always)]
fn many<T: Real, S: Simd, C: Cost>(simd: S, s: T, x: &[T], y: Matrix<'_, T>, out: &mut [T]) {
    let (mut start, mut rest) = (0, out);
    if has_registers::<S>() {
        if hold_four_blocks::<T, S>() {
            (start, rest) = blocks::<T, S, C, { 4 * LANES }>(simd, s, x, y, start, rest);
        }
        (start, rest) = blocks::<T, S, C, { 2 * LANES }>(simd, s, x, y, start, rest);
        (start, rest) = blocks::<T, S, C, LANES>(simd, s, x, y, start, rest);
    }
    let simd = Scalar::new();
    (start, rest) = blocks::<T, _, C, 4>(simd, s, x, y, start, rest);
    blocks::<T, _, C, 1>(simd, s, x, y, start, rest);
}

/// As many blocks of `N` points as there are, from number `start` on; where they end, and what is left.
#[inline(always)]
fn blocks<'a, T: Real, S: Simd, C: Cost, const N: usize>(
    simd: S,
    s: T,
    x: &[T],
    y: Matrix<'_, T>,
    mut start: usize,
    out: &'a mut [T],
) -> (usize, &'a mut [T]) {
    let (blocks, rest) = out.as_chunks_mut::<N>();
    let s = T::splat(simd, s);
    for out in blocks {
        // No term is −0, so a sum may begin at 0.
        let mut sums = [T::ZERO; N];
        for (k, &x) in x.iter().enumerate() {
            let Some(y) = y.row(k).get(start..).and_then(<[T]>::first_chunk::<N>) else { continue };
            let x = T::splat(simd, x);
            for (sum, &y) in T::split_mut(simd, &mut sums).0.iter_mut().zip(T::split(simd, y).0) {
                *sum = T::vadd(simd, *sum, C::term::<T, S>(simd, x, y));
            }
        }
        for (out, &sum) in T::split_mut(simd, out).0.iter_mut().zip(T::split(simd, &sums).0) {
            *out = T::vmul(simd, s, C::finish::<T, S>(simd, sum));
        }
        start += N;
    }
    (start, rest)
}
