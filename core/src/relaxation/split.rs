//! Matrices whose triangles can be solved, for SSOR as a preconditioner.

use southwell_simd::{csr, dense};

use super::update::{self, Diagonal, SsorCgUpdate};
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
    /// D, which may lie in the scratch.
    fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T>;
    /// y ← y + t; tᵀt and pᵀy, in [blocks](crate::linear::update). Cost: 4 vectors.
    fn combine(&self, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
        update::combine(t, p, y)
    }
    /// What follows in a step; rᵀr and ρ'. Without an operating system a run takes the same operations one after the other
    /// instead, for the sake of its stack. Cost: 13 vectors.
    fn update_ssor_cg(&self, update: SsorCgUpdate<'_, T>) -> (T, T) {
        update.run()
    }
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
        fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T> {
            Diagonal::Stored(halves(scratch, self.order()).1)
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
                self.grid_ref().solve_upper(omega, halves(scratch, p.len()).0, p, t);
            }
            fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
                self.grid_ref().solve_lower(omega, halves(scratch, p.len()).0, p, t, y, w);
            }
            #[inline(always)]
            fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T> {
                if self.is_constant() {
                    Diagonal::Constant(self.diagonal(0).unwrap_or(T::ONE))
                } else {
                    Diagonal::Stored(halves(scratch, self.order()).1)
                }
            }
        }
    };
}

split_stencil!(Stencil2d);
split_stencil!(Stencil3d);
