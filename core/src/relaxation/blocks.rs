//! Block SOR with small dense diagonal blocks.

use southwell_simd::csr;

use super::relax::{Relax, matrix_by_field};
use crate::linear::{Csr, Matrix, check_len};
use crate::{DiagonalFault, Error, Real};

/// The largest block.
const MOST: usize = 8;

/// A sparse matrix relaxed a block of 2 to 8 consecutive unknowns at a time:
/// `x_B ← x_B + ω A_BB⁻¹ (b − A x)_B`.
///
/// For systems with several unknowns a node (displacements, species). The last block may be
/// smaller. The blocks are inverted once (Gauss-Jordan with partial pivoting): `order·size`
/// elements of scratch.
#[derive(Clone, Copy, Debug)]
pub struct Blocks<'a, T> {
    matrix: Csr<'a, T>,
    size: usize,
}

impl<'a, T: Real> Blocks<'a, T> {
    /// Blocks of `size` unknowns.
    ///
    /// # Errors
    /// [`Error::Option`] if `size` is not in 1..=8.
    pub fn new(matrix: Csr<'a, T>, size: usize) -> Result<Self, Error> {
        if size == 0 || size > MOST {
            return Err(Error::Option { name: "size", requirement: "must lie in 1..=8" });
        }
        Ok(Self { matrix, size })
    }
}

impl<T: Real> Matrix<T> for Blocks<'_, T> {
    matrix_by_field!(matrix);
}

impl<T: Real> Relax<T> for Blocks<'_, T> {
    fn scratch_len(&self) -> usize {
        self.order().saturating_mul(self.size)
    }

    fn prepare(&self, scratch: &mut [T]) -> Result<(), Error> {
        check_len("scratch", scratch.len(), self.scratch_len())?;
        // Block B occupies size·(rows of B) elements, row by row, each row `size` long.
        for (block, inverse) in scratch.chunks_mut(self.size.saturating_mul(self.size).max(1)).enumerate() {
            let first = block.saturating_mul(self.size);
            let mut a = [[T::ZERO; MOST]; MOST];
            let rows = self.order().saturating_sub(first).min(self.size);
            for (i, row) in a.iter_mut().enumerate().take(rows) {
                for (j, entry) in row.iter_mut().enumerate().take(rows) {
                    *entry = self.matrix.get(first.saturating_add(i), first.saturating_add(j));
                }
            }
            let Some(inverted) = invert(a, rows) else {
                return Err(Error::Diagonal { row: first, fault: DiagonalFault::SingularBlock });
            };
            for (to, from) in inverse.chunks_mut(self.size.max(1)).zip(&inverted) {
                to.iter_mut().zip(from).for_each(|(to, &from)| *to = from);
            }
        }
        Ok(())
    }

    fn sweep(&self, reversed: bool, omega: T, scratch: &mut [T], rhs: &[T], x: &mut [T]) {
        // Counted, not cut into chunks: a chunk's size that is handed over to a loop no longer shows that it is not 0.
        let area = self.size.saturating_mul(self.size).max(1);
        let blocks = 0..scratch.len().div_ceil(area);
        let relax = |block: usize, x: &mut [T]| {
            let inverse = scratch.get(block.saturating_mul(area)..).unwrap_or(&[]);
            let first = block.saturating_mul(self.size);
            let mut r = [T::ZERO; MOST];
            for ((i, r), &b) in (first..).zip(&mut r).zip(rhs.get(first..).unwrap_or(&[])).take(self.size) {
                *r = csr::row_residual(self.matrix.parts(), i, b, x);
            }
            let x = x.get_mut(first..).unwrap_or(&mut []);
            for (x, row) in x.iter_mut().zip(inverse.chunks(self.size.max(1))).take(self.size) {
                let change = row.iter().zip(&r).fold(T::ZERO, |sum, (&a, &r)| sum + a * r);
                *x += omega * change;
            }
        };
        if reversed { blocks.rev().for_each(|b| relax(b, x)) } else { blocks.for_each(|b| relax(b, x)) }
    }
}

/// The inverse of the leading n×n part, by Gauss-Jordan with partial pivoting; `None` if singular.
fn invert<T: Real>(mut a: [[T; MOST]; MOST], n: usize) -> Option<[[T; MOST]; MOST]> {
    let mut inverse = [[T::ZERO; MOST]; MOST];
    for (i, row) in inverse.iter_mut().enumerate() {
        if let Some(entry) = row.get_mut(i) {
            *entry = T::ONE;
        }
    }
    for k in 0..n.min(MOST) {
        let mut pivot_row = k;
        for i in k..n.min(MOST) {
            if a[i][k].abs() > a[pivot_row.min(MOST - 1)][k].abs() {
                pivot_row = i;
            }
        }
        // Swapping by value: `swap` could not be proven to stay in range.
        let p = pivot_row.min(MOST - 1);
        (a[k], a[p]) = (a[p], a[k]);
        (inverse[k], inverse[p]) = (inverse[p], inverse[k]);
        let scale = T::ONE / a[k][k];
        if a[k][k] == T::ZERO || !scale.is_finite() {
            return None;
        }
        for j in 0..MOST {
            a[k][j] *= scale;
            inverse[k][j] *= scale;
        }
        let (pivot, pivot_inverse) = (a[k], inverse[k]);
        let others = a.iter_mut().zip(&mut inverse).enumerate().take(n).filter(|&(i, _)| i != k);
        for (_, (row, inverse)) in others {
            let factor = row[k];
            for j in 0..MOST {
                row[j] -= factor * pivot[j];
                inverse[j] -= factor * pivot_inverse[j];
            }
        }
    }
    Some(inverse)
}
