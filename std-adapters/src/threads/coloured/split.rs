//! The two halves of a coloured matrix, for SSOR as a preconditioner.

use southwell::Real;
use southwell::linear::Matrix;
use southwell::linear::update::CgUpdate;
use southwell::relaxation::Split;
use southwell::relaxation::update::{Diagonal, SsorCgUpdate};
use southwell_simd::csr::{self, Rows};

use super::LEAST;
use super::sweep::ColouredSweeps;
use crate::threads::updates;

/// A [`Coloured`](super::Coloured) matrix with its two halves, each solved colour by colour.
#[derive(Clone, Debug)]
pub struct ColouredHalves<'a, T> {
    pub(super) sweeps: ColouredSweeps<'a, T>,
    /// The upper half of each colour, from the last column to the first.
    pub(super) upper: Vec<Rows<'a, T>>,
}

/// As of [`ColouredSweeps`].
impl<T: Real> Matrix<T> for ColouredHalves<'_, T> {
    fn order(&self) -> usize {
        self.sweeps.order()
    }
    fn diagonal(&self, row: usize) -> Option<T> {
        self.sweeps.diagonal(row)
    }
    fn off_diagonal(&self, row: usize) -> T {
        self.sweeps.off_diagonal(row)
    }
    fn apply(&self, x: &[T], y: &mut [T]) {
        self.sweeps.apply(x, y);
    }
    fn apply_products(&self, x: &[T], y: &mut [T]) -> (T, T) {
        self.sweeps.apply_products(x, y)
    }
    fn update_cg(&self, update: CgUpdate<'_, T>) -> T {
        self.sweeps.update_cg(update)
    }
    fn residual(&self, rhs: &[T], x: &[T], r: &mut [T]) {
        self.sweeps.residual(rhs, x, r);
    }
    fn residual_square(&self, rhs: &[T], x: &[T]) -> T {
        self.sweeps.residual_square(rhs, x)
    }
}

/// Every element has the bits of the matrix in this order as a [`Csr`](southwell::linear::Csr).
impl<T: Real> Split<T> for ColouredHalves<'_, T> {
    fn split_len(&self) -> usize {
        2 * self.order()
    }

    fn prepare(&self, scratch: &mut [T]) {
        let (inverse, diagonal) = scratch.split_at_mut(self.order());
        diagonal.copy_from_slice(&self.sweeps.matrix.diagonal);
        for (inverse, &d) in inverse.iter_mut().zip(&*diagonal) {
            *inverse = T::ONE / d;
        }
    }

    fn solve_upper(&self, omega: T, scratch: &[T], p: &[T], t: &mut [T]) {
        for (colour, &upper) in self.sweeps.rows.iter().zip(&self.upper).rev() {
            let (head, after) = t.split_at_mut(colour.end);
            let (t, after) = (&mut head[colour.start..], &*after);
            let (inverse, p) = (&scratch[colour.start..], &p[colour.start..]);
            let part = self.sweeps.pool.part(t.len(), LEAST);
            self.sweeps.pool.each(t.chunks_mut(part).enumerate(), |(k, t)| {
                let k = k * part;
                for (i, ((t, &p), &inverse)) in t.iter_mut().zip(&p[k..]).zip(&inverse[k..]).enumerate() {
                    *t = csr::row_residual(upper, k + i, p, after) * (omega * inverse);
                }
            });
        }
    }

    fn solve_lower(&self, omega: T, scratch: &[T], p: &[T], t: &[T], y: &mut [T], w: &mut [T]) {
        let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
        for colour in &self.sweeps.rows {
            let range = colour.start..colour.end;
            let (before, rest) = y.split_at_mut(colour.start);
            let (y, before) = (&mut rest[..range.len()], &*before);
            let (t_before, mine) = t.split_at(colour.start);
            let (inverse, p) = (&scratch[colour.start..], &p[colour.start..]);
            let diagonal = &self.sweeps.matrix.diagonal[colour.start..];
            let w = &mut w[range];
            let part = self.sweeps.pool.part(y.len(), LEAST);
            self.sweeps.pool.each(y.chunks_mut(part).zip(w.chunks_mut(part)).enumerate(), |(k, (y, w))| {
                let k = k * part;
                let operands = p[k..].iter().zip(&mine[k..]).zip(&inverse[k..]).zip(&diagonal[k..]);
                for (i, ((y, w), (((&p, &t), &inverse), &d))) in y.iter_mut().zip(w).zip(operands).enumerate()
                {
                    // The negatives of the sums along t and y.
                    let along_t = csr::row_residual(colour.lower, k + i, T::ZERO, t_before);
                    let along_y = csr::row_residual(colour.lower, k + i, T::ZERO, before);
                    *w = (p + share * (d * t)) - along_t;
                    *y = ((p - (weight * d) * t) + along_y) * (omega * inverse);
                }
            });
        }
    }

    fn weights<'s>(&'s self, scratch: &'s [T]) -> Diagonal<'s, T> {
        Diagonal::Stored(&scratch[self.order()..])
    }

    fn combine(&self, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
        updates::combine(self.sweeps.pool, &None, t, p, y)
    }

    fn update_ssor_cg(&self, update: SsorCgUpdate<'_, T>) -> (T, T) {
        updates::update_ssor_cg(self.sweeps.pool, &None, update)
    }
}
