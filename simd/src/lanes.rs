//! The fixed virtual lanes of a reduction.

use pulp::Simd;

use crate::Real;

/// Virtual lanes of every reduction, on every machine and in both precisions.
///
/// Sixteen is one AVX-512 register of `f32`, two of `f64`, four NEON registers of `f32`. On a core
/// without vectors the lanes are sixteen ordinary variables.
pub const LANES: usize = 16;

/// Adds the lanes by a fixed tree: 16 → 8 → 4 → 2 → 1, the upper half onto the lower.
#[inline(always)]
#[must_use]
pub fn reduce<T: Real>(lanes: &[T; LANES]) -> T {
    let l = lanes;
    let a = [
        l[0] + l[8],
        l[1] + l[9],
        l[2] + l[10],
        l[3] + l[11],
        l[4] + l[12],
        l[5] + l[13],
        l[6] + l[14],
        l[7] + l[15],
    ];
    let b = [a[0] + a[4], a[1] + a[5], a[2] + a[6], a[3] + a[7]];
    (b[0] + b[2]) + (b[1] + b[3])
}

/// Running sums in virtual lanes, for a reduction that is fed row by row.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<T>([T; LANES]);

impl<T: Real> Default for Lanes<T> {
    fn default() -> Self {
        Self([T::ZERO; LANES])
    }
}

impl<T: Real> Lanes<T> {
    /// Adds x·y, beginning at lane 0.
    #[inline(always)]
    pub(crate) fn add_products<S: Simd>(&mut self, simd: S, x: &[T], y: &[T]) {
        let n = x.len().min(y.len());
        let (x, x_tail) = x[..n].as_chunks::<LANES>();
        let (y, y_tail) = y[..n].as_chunks::<LANES>();
        // A copy that lives in registers while the loop runs.
        let mut lanes = self.0;
        for (x, y) in x.iter().zip(y) {
            let (sums, _) = T::split_mut(simd, &mut lanes);
            let (x, _) = T::split(simd, x.as_slice());
            let (y, _) = T::split(simd, y.as_slice());
            for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
                *sum = T::vadd(simd, *sum, T::vmul(simd, x, y));
            }
        }
        for ((sum, &x), &y) in lanes.iter_mut().zip(x_tail).zip(y_tail) {
            *sum += x * y;
        }
        self.0 = lanes;
    }

    /// Adds one value to the lane that its position names.
    #[inline(always)]
    pub(crate) fn add_at(&mut self, position: usize, value: T) {
        self.0[position % LANES] += value;
    }

    /// The sum of all lanes.
    #[inline(always)]
    #[must_use]
    pub fn sum(&self) -> T {
        reduce(&self.0)
    }
}
