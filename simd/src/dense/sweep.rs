//! Sweeps and triangular solves over a dense matrix: every row waits for the one before it.

use pulp::Simd;

use super::Matrix;
use crate::Real;
use crate::dispatch::pass;
use crate::vector::dot_kernel;

pass! {
    /// One SOR sweep in place, x_i ← x_i + (ω·(1/a_ii))·(b_i − a_i·x), from the first row or
    /// (`reversed`) from the last.
    short(a.columns <= 64) pub fn sor_sweep<'a, T>(
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
