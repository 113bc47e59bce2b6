//! Measurement matrices that are drawn anew whenever they are needed.

use southwell_simd::vector;

use super::{Operator, check_dimensions, formed};
use crate::subgradient::counter;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};
use crate::{Error, Real};

/// What a [`Seeded`] operator consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// ±1, [`counter::sign`]: 64 entries from one word; the choice for small parts.
    Signs,
    /// Standard normal numbers, [`counter::normal`].
    Normal,
}

/// Random A_i that need no memory: entry (j, k) of A_i is number `(i·rows + j)·columns + k` of a stream of
/// the [`counter`] generator.
///
/// An iteration reads y and draws every A_i once; signs cost little beside the 4 operations an entry, normal
/// numbers about ten times as much.
#[derive(Clone, Copy, Debug)]
pub struct Seeded {
    draw: Draw,
    key: u64,
    count: usize,
    rows: usize,
    columns: usize,
}

impl Seeded {
    /// `count` matrices from stream `key`: [`counter::stream`] makes keys.
    ///
    /// # Errors
    /// [`Error::Option`] without rows or columns.
    pub fn new(draw: Draw, key: u64, count: usize, rows: usize, columns: usize) -> Result<Self, Error> {
        check_dimensions(rows, columns)?;
        Ok(Self { draw, key, count, rows, columns })
    }

    /// Elements of scratch: one A_i, W = U Vᵀ and Q.
    #[must_use]
    pub const fn scratch(shape: Shape) -> usize {
        shape.entries().saturating_mul(3)
    }

    /// Writes A_i by rows.
    pub fn write<T: Real>(&self, i: usize, a: &mut [T]) {
        let start = (i as u64).wrapping_mul(self.rows as u64).wrapping_mul(self.columns as u64);
        match self.draw {
            Draw::Signs => counter::fill_signs(self.key, start, a),
            Draw::Normal => counter::fill_normal(self.key, start, a),
        }
    }
}

impl<T: Real> Operator<T> for Seeded {
    fn count(&self) -> usize {
        self.count
    }
    fn dimensions(&self) -> (usize, usize) {
        (self.rows, self.columns)
    }
    fn scratch_len(&self, shape: Shape) -> usize {
        Self::scratch(shape)
    }
    fn open(&self, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let n = x.shape.entries();
        let (w, q) = formed::halves(formed::halves(scratch, n).1, n);
        x.multiply_out(w);
        q.fill(T::ZERO);
    }
    fn apply_row(&self, i: usize, x: Factors<'_, T>, scratch: &mut [T]) -> T {
        let n = x.shape.entries();
        let (a, rest) = formed::halves(scratch, n);
        self.write(i, a);
        vector::dot(a, formed::halves(rest, n).0)
    }
    fn accumulate(&self, _: usize, w: T, x: Factors<'_, T>, scratch: &mut [T], _: &mut Gradient<'_, T>) {
        let n = x.shape.entries();
        let (a, rest) = formed::halves(scratch, n);
        vector::axpy(w, a, formed::halves(rest, n).1);
    }
    fn close(&self, scale: T, x: Factors<'_, T>, scratch: &mut [T], gradient: &mut Gradient<'_, T>) {
        let n = x.shape.entries().saturating_mul(2);
        formed::close(scale, x, formed::halves(scratch, n).1, gradient);
    }
    fn formed<'s>(&self, shape: Shape, scratch: &'s [T]) -> Option<&'s [T]> {
        scratch.get(shape.entries().saturating_mul(2)..)
    }
}
