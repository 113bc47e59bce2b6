//! Matrices whose triangles can be solved, for SSOR as a preconditioner.

use southwell_simd::{csr, dense, vector};

use crate::Real;
use crate::linear::{Csr, Dense, Matrix, Stencil2d, Stencil3d};

/// A matrix A = D + L + U that offers the two halves of Eisenstat's iteration.
///
/// K = ((2 − ω)/ω) D throughout.
pub trait Split<T: Real>: Matrix<T> {
    /// Elements that [`prepare`](Split::prepare) fills: the diagonal and its reciprocal, or nothing.
    fn split_len(&self) -> usize;
    /// Fills them. Cost: one pass over the diagonal.
    fn prepare(&self, scratch: &mut [T]);
    /// t ← (D/ω + U)⁻¹ p. Cost: the upper half of the matrix.
    fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]);
    /// y ← (D/ω + L)⁻¹ (p − K t) and w ← p + (1 − 1/ω) D t + L t, which is A t if t solves the upper
    /// half. Cost: the lower half of the matrix.
    fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]);
    /// p ← γ D r + β p. Cost: 3 vectors.
    fn weigh(&self, scratch: &[T], gamma: T, r: &[T], beta: T, p: &mut [T]);
    /// rᵀ D r. Cost: 2 vectors.
    fn weighted_square(&self, scratch: &[T], r: &[T]) -> T;
}

/// The two halves of the scratch: reciprocal diagonal, diagonal.
fn halves<T>(scratch: &[T], n: usize) -> (&[T], &[T]) {
    scratch.split_at_checked(n).unwrap_or((&[], &[]))
}

fn prepare_halves<T: Real>(matrix: &impl Matrix<T>, scratch: &mut [T]) {
    if let Some((inverse, diagonal)) = scratch.split_at_mut_checked(matrix.order()) {
        for (row, (inverse, d)) in inverse.iter_mut().zip(diagonal).enumerate() {
            *d = matrix.diagonal(row).unwrap_or(T::ONE);
            *inverse = T::ONE / *d;
        }
    }
}

/// The parts that every stored diagonal shares.
macro_rules! split_by_arrays {
    ($module:ident, $view:ident) => {
        fn split_len(&self) -> usize {
            self.order().saturating_mul(2)
        }
        fn prepare(&self, scratch: &mut [T]) {
            prepare_halves(self, scratch);
        }
        fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]) {
            $module::solve_upper(self.$view(), omega, halves(scratch, self.order()).0, p, t);
        }
        fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
            $module::solve_lower(self.$view(), omega, halves(scratch, self.order()).0, p, t, y, w);
        }
        fn weigh(&self, scratch: &[T], gamma: T, r: &[T], beta: T, p: &mut [T]) {
            vector::scaled_xpby(gamma, halves(scratch, self.order()).1, r, beta, p);
        }
        fn weighted_square(&self, scratch: &[T], r: &[T]) -> T {
            vector::dot3(halves(scratch, self.order()).1, r, r)
        }
    };
}

impl<T: Real> Split<T> for Csr<'_, T> {
    split_by_arrays!(csr, parts);
}

impl<T: Real> Split<T> for Dense<'_, T> {
    split_by_arrays!(dense, parts);
}

macro_rules! split_stencil {
    ($name:ident) => {
        impl<T: Real> Split<T> for $name<'_, T> {
            fn split_len(&self) -> usize {
                if self.is_constant() { 0 } else { self.order().saturating_mul(2) }
            }
            fn prepare(&self, scratch: &mut [T]) {
                if !self.is_constant() {
                    prepare_halves(self, scratch);
                }
            }
            fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]) {
                self.grid_ref().solve_upper(omega, halves(scratch, self.order()).0, p, t);
            }
            fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
                self.grid_ref().solve_lower(omega, halves(scratch, self.order()).0, p, t, y, w);
            }
            fn weigh(&self, scratch: &[T], gamma: T, r: &[T], beta: T, p: &mut [T]) {
                if self.is_constant() {
                    vector::axpby(gamma * self.diagonal(0).unwrap_or(T::ONE), r, beta, p);
                } else {
                    vector::scaled_xpby(gamma, halves(scratch, self.order()).1, r, beta, p);
                }
            }
            fn weighted_square(&self, scratch: &[T], r: &[T]) -> T {
                if self.is_constant() {
                    self.diagonal(0).unwrap_or(T::ONE) * vector::dot(r, r)
                } else {
                    vector::dot3(halves(scratch, self.order()).1, r, r)
                }
            }
        }
    };
}

split_stencil!(Stencil2d);
split_stencil!(Stencil3d);
