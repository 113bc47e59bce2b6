//! Symmetric measurement matrices, half of each.

use southwell_simd::{dense, vector};

use super::{Operator, check_dimensions, formed, piece, pieces};
use crate::linear::check_finite;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};
use crate::{Error, Real};

/// Symmetric A_i, of each the lower triangle by rows: half the memory and half the time of
/// [`Dense`](super::Dense).
#[derive(Clone, Copy, Debug)]
pub struct Packed<'a, T> {
    values: &'a [T],
    order: usize,
    count: usize,
}

/// d (d + 1)/2
const fn triangle(order: usize) -> usize {
    order.saturating_mul(order.saturating_add(1)) / 2
}

impl<'a, T: Real> Packed<'a, T> {
    /// Entry (j, k) of A_i, k ≤ j, at `i·order·(order + 1)/2 + j·(j + 1)/2 + k`, once and not doubled.
    /// Cost: one pass, which looks for NaN.
    ///
    /// # Errors
    /// [`Error::Option`] for order 0; [`Error::Dimension`] if the last matrix is not whole;
    /// [`Error::Value`] for a NaN or an infinity.
    pub fn new(values: &'a [T], order: usize) -> Result<Self, Error> {
        check_dimensions(order, order)?;
        let count = pieces("values", values.len(), triangle(order))?;
        check_finite("values", values)?;
        Ok(Self { values, order, count })
    }

    /// Elements of scratch: W, packed, and Q.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.entries().saturating_add(triangle(shape.rows()))
    }
}

/// W ← the lower triangle of X + Xᵀ, the diagonal of X, so that a plain product with A_i is ⟨A_i, X⟩.
fn pack<T: Real>(x: &[T], order: usize, mut packed: &mut [T]) {
    for (i, row) in x.chunks_exact(order.max(1)).enumerate() {
        let Some((mine, rest)) = core::mem::take(&mut packed).split_at_mut_checked(i.saturating_add(1))
        else {
            return;
        };
        packed = rest;
        for (j, (w, &below)) in mine.iter_mut().zip(row).enumerate() {
            let above = x.get(j.saturating_mul(order).saturating_add(i)).copied().unwrap_or(T::ZERO);
            *w = if i == j { below } else { below + above };
        }
    }
}

/// Spreads a packed triangle, at the beginning of the slice, over the whole symmetric matrix, in place.
fn spread<T: Real>(q: &mut [T], order: usize) {
    // From the end: what is written lies behind all that is still to be read.
    for i in (0..order).rev() {
        for j in (0..=i).rev() {
            let from = triangle(i).saturating_add(j);
            let entry = q.get(from).copied().unwrap_or(T::ZERO);
            if let Some(to) = q.get_mut(i.saturating_mul(order).saturating_add(j)) {
                *to = entry;
            }
        }
    }
    for i in 0..order {
        for j in 0..i {
            let entry = q.get(i.saturating_mul(order).saturating_add(j)).copied().unwrap_or(T::ZERO);
            if let Some(to) = q.get_mut(j.saturating_mul(order).saturating_add(i)) {
                *to = entry;
            }
        }
    }
}

impl<T: Real> Operator<T> for Packed<'_, T> {
    fn count(&self) -> usize {
        self.count
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.order, self.order)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Self::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], _gradient: &mut Gradient<'_, T>) {
        let (w, q) = formed::halves(scratch, triangle(self.order));
        x.multiply_out(q);
        pack(q, self.order, w);
        q.fill(T::ZERO);
    }
    fn apply_row(&self, i: usize, _: Factors<'_, T>, scratch: &mut [T]) -> T {
        let n = triangle(self.order);
        vector::dot(piece(self.values, i, n), formed::halves(scratch, n).0)
    }
    fn accumulate(&self, i: usize, w: T, _: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let n = triangle(self.order);
        vector::axpy(w, piece(self.values, i, n), formed::halves(scratch, n).1);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        let q = formed::halves(scratch, triangle(self.order)).1;
        spread(q, self.order);
        formed::close(scale, x, q, gradient);
    }
    fn formed<'s>(&self, _: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        scratch.get(triangle(self.order)..)
    }
    fn pass(
        &self,
        scale: T,
        x: Factors<'_, T>,
        scratch: &mut [T],
        gradient: &mut Gradient<'_, T>,
        weigh: impl FnMut(usize, T) -> T,
    ) {
        self.open(x, scratch, gradient);
        let n = triangle(self.order);
        let (w, q) = formed::halves(scratch, n);
        let q = q.get_mut(..n).unwrap_or(&mut []);
        dense::update_rows(dense::Matrix { values: self.values, columns: n, stride: n }, w, q, weigh);
        self.close(scale, x, scratch, gradient);
    }
}
