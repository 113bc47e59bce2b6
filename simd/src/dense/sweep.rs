//! Sweeps and triangular solves over a dense matrix: every row waits for the one before it.

use pulp::Simd;

use super::Matrix;
use crate::Real;
use crate::dispatch::pass;
use crate::vector::dot_kernel;
<<<<<<< HEAD:simd/src/dense/sweep.rs
=======
use crate::{Lanes, Real};

/// A dense matrix stored by rows.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a, T> {
    /// Entry (i, j) at `i·stride + j`.
    pub values: &'a [T],
    /// Columns.
    pub columns: usize,
    /// Distance of two rows (the leading dimension), ≥ columns.
    pub stride: usize,
}

impl<'a, T: Real> Matrix<'a, T> {
    /// Rows that are stored.
    #[inline(always)]
    fn count(&self) -> usize {
        self.values.len().div_ceil(self.stride.max(1))
    }

    /// A row; empty if there is no such row. The last one may be stored without its padding.
    #[inline(always)]
    fn row(&self, row: usize) -> &'a [T] {
        let start = row.saturating_mul(self.stride);
        self.values.get(start..start.saturating_add(self.columns)).unwrap_or(&[])
    }

    /// The rows, first to last.
    #[inline(always)]
    pub(crate) fn rows(&self) -> impl ExactSizeIterator<Item = &'a [T]> + use<'a, T> {
        let this = *self;
        (0..self.count()).map(move |row| this.row(row))
    }
}

pass! {
    /// y ← A x.
    pub fn apply<'a, T>(a: Matrix<'a, T>, x: &'a [T], y: &'a mut [T]) -> () = apply_kernel
}

#[inline(always)]
fn apply_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, x: &[T], y: &mut [T]) {
    for (y, row) in y.iter_mut().zip(a.rows()) {
        *y = dot_kernel(simd, row, x);
    }
}

pass! {
    /// r ← b − A x.
    pub fn residual<'a, T>(a: Matrix<'a, T>, rhs: &'a [T], x: &'a [T], r: &'a mut [T]) -> () = residual_kernel
}

#[inline(always)]
fn residual_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    for ((r, &b), row) in r.iter_mut().zip(rhs).zip(a.rows()) {
        *r = b - dot_kernel(simd, row, x);
    }
}

pass! {
    /// ‖b − A x‖₂² without storing the residual; row i goes to lane i mod [`LANES`](crate::LANES).
    pub fn residual_square<'a, T>(a: Matrix<'a, T>, rhs: &'a [T], x: &'a [T]) -> T = residual_square_kernel
}

#[inline(always)]
fn residual_square_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = Lanes::default();
    for (i, (&b, row)) in rhs.iter().zip(a.rows()).enumerate() {
        let r = b - dot_kernel(simd, row, x);
        lanes.add_at(i, r * r);
    }
    lanes.sum()
}
>>>>>>> exp:simd/src/dense.rs

pass! {
    /// One SOR sweep in place, x_i ← x_i + (ω·(1/a_ii))·(b_i − a_i·x), from the first row or
    /// (`reversed`) from the last.
    pub fn sor_sweep<'a, T>(
        a: Matrix<'a, T>,
        reversed: bool,
        omega: T,
        inverse: &'a [T],
        rhs: &'a [T],
        x: &'a mut [T],
    ) -> () = sweep_kernel
}

#[inline(always)]
fn sweep_kernel<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let n = a.count().min(rhs.len()).min(inverse.len());
    // By number: iterators zipped together run backwards only on the promise of equal lengths.
    for step in 0..n {
        let i = if reversed { n - 1 - step } else { step };
        let (Some(&b), Some(&inverse)) = (rhs.get(i), inverse.get(i)) else { return };
        let sigma = b - dot_kernel(simd, a.row(i), x);
        if let Some(x) = x.get_mut(i) {
            *x += (omega * inverse) * sigma;
        }
    }
}

pass! {
    /// t ← (D/ω + U)⁻¹ p, from the last row; reads the upper half of the matrix.
    pub fn solve_upper<'a, T>(a: Matrix<'a, T>, omega: T, inverse: &'a [T], p: &'a [T], t: &'a mut [T]) -> () =
        upper_kernel
}

#[inline(always)]
fn upper_kernel<T: Real, S: Simd>(simd: S, a: Matrix<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    for i in (0..a.count().min(p.len()).min(inverse.len())).rev() {
        let right = i.saturating_add(1);
        let sum = dot_kernel(simd, a.row(i).get(right..).unwrap_or(&[]), t.get(right..).unwrap_or(&[]));
        if let (Some(t), Some(&p), Some(&inverse)) = (t.get_mut(i), p.get(i), inverse.get(i)) {
            *t = (p - sum) * (omega * inverse);
        }
    }
}

pass! {
    /// y ← (D/ω + L)⁻¹ (p − K t) with K = ((2 − ω)/ω) D, and w ← A t = p + (1 − 1/ω) D t + L t, given
    /// t = (D/ω + U)⁻¹ p; reads the lower half of the matrix.
    pub fn solve_lower<'a, T>(
        a: Matrix<'a, T>,
        omega: T,
        inverse: &'a [T],
        p: &'a [T],
        t: &'a [T],
        y: &'a mut [T],
        w: &'a mut [T],
    ) -> () = lower_kernel
}

#[inline(always)]
fn lower_kernel<T: Real, S: Simd>(
    simd: S,
    a: Matrix<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let operands = a.rows().zip(p).zip(t).zip(inverse).zip(w);
    for (i, ((((row, &p), &t_i), &inverse), w)) in operands.enumerate() {
        let left = row.get(..i).unwrap_or(&[]);
        let diagonal = row.get(i).copied().unwrap_or(T::ZERO);
        let v = p - (weight * diagonal) * t_i;
        *w = (p + share * (diagonal * t_i)) + dot_kernel(simd, left, t);
        let sum = dot_kernel(simd, left, y);
        if let Some(y) = y.get_mut(i) {
            *y = (v - sum) * (omega * inverse);
        }
    }
}
