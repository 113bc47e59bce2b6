//! What a step of conjugate gradients does with its vectors once the product is there.
//!
//! Sums over long vectors are made in blocks of [`BLOCK`] elements, each in virtual lanes, and the blocks' sums are added
//! in order: whoever has several threads gets the very same bits from them. A vector of one block has the bits of
//! [`dot`](southwell_simd::vector::dot).

use southwell_simd::vector;

use crate::Real;

/// Elements of a vector whose products are added up together.
pub const BLOCK: usize = 1024;

/// The first elements of a vector, as many as there are of these, and what follows.
#[inline(always)]
pub(crate) fn some<T>(x: &[T], count: usize) -> (&[T], &[T]) {
    x.split_at_checked(count.min(x.len())).unwrap_or_default()
}

/// The same of a vector that is written.
#[inline(always)]
pub(crate) fn some_mut<T>(x: &mut [T], count: usize) -> (&mut [T], &mut [T]) {
    x.split_at_mut_checked(count.min(x.len())).unwrap_or_default()
}

/// The first block of a vector, and what follows.
#[inline(always)]
pub(crate) fn first<T>(x: &[T]) -> (&[T], &[T]) {
    some(x, BLOCK)
}

/// The same of a vector that is written.
#[inline(always)]
pub(crate) fn first_mut<T>(x: &mut [T]) -> (&mut [T], &mut [T]) {
    some_mut(x, BLOCK)
}

/// xᵀy in blocks. Cost: 2 vectors.
#[must_use]
#[cfg_attr(target_os = "none", inline(never))] // Flash counts there.
pub fn dot<T: Real>(mut x: &[T], mut y: &[T]) -> T {
    let mut sum = T::ZERO;
    while !x.is_empty() {
        let ((x_block, x_rest), (y_block, y_rest)) = (first(x), first(y));
        sum += vector::dot(x_block, y_block);
        (x, y) = (x_rest, y_rest);
    }
    sum
}

/// y ← y + a x; yᵀy in blocks. Cost: 3 vectors.
#[must_use]
#[inline]
pub fn axpy_square<T: Real>(a: T, mut x: &[T], mut y: &mut [T]) -> T {
    if cfg!(target_os = "none") {
        // What is there already takes less flash than a pass that reads y once.
        vector::axpy(a, x, y);
        return dot(y, y);
    }
    let mut sum = T::ZERO;
    while !y.is_empty() {
        let ((x_block, x_rest), (y_block, y_rest)) = (first(x), first_mut(y));
        sum += vector::axpy_square(a, x_block, y_block);
        (x, y) = (x_rest, y_rest);
    }
    sum
}

/// xᵀy and yᵀy in blocks. Cost: 2 vectors.
#[must_use]
pub fn dot_square<T: Real>(mut x: &[T], mut y: &[T]) -> (T, T) {
    let (mut products, mut squares) = (T::ZERO, T::ZERO);
    while !x.is_empty() {
        let ((x_block, x_rest), (y_block, y_rest)) = (first(x), first(y));
        let (product, square) = vector::dot_square(x_block, y_block);
        products += product;
        squares += square;
        (x, y) = (x_rest, y_rest);
    }
    (products, squares)
}

/// The second half of a step of conjugate gradients, q being A p:
/// ```text
/// r ← r − α q,  ρ' = rᵀr;  x ← x + α p,  p ← r + (ρ'/ρ) p     unless ρ' is not finite
/// ```
#[derive(Debug)]
#[allow(missing_docs)]
pub struct CgUpdate<'v, T> {
    pub alpha: T,
    /// rᵀr before.
    pub rho: T,
    pub q: &'v [T],
    pub r: &'v mut [T],
    pub x: &'v mut [T],
    pub p: &'v mut [T],
}

impl<'v, T: Real> CgUpdate<'v, T> {
    /// The first elements, `count` of them if there are as many, and those that follow.
    #[must_use]
    #[inline]
    pub fn split(self, count: usize) -> (Self, Self) {
        let Self { alpha, rho, q, r, x, p } = self;
        let ((q, q_rest), (r, r_rest)) = (some(q, count), some_mut(r, count));
        let ((x, x_rest), (p, p_rest)) = (some_mut(x, count), some_mut(p, count));
        (Self { alpha, rho, q, r, x, p }, Self { alpha, rho, q: q_rest, r: r_rest, x: x_rest, p: p_rest })
    }

    /// The same update, to be split again.
    #[must_use]
    pub fn reborrow(&mut self) -> CgUpdate<'_, T> {
        CgUpdate { alpha: self.alpha, rho: self.rho, q: self.q, r: self.r, x: self.x, p: self.p }
    }

    /// r ← r − α q of a block; rᵀr.
    pub fn residual(&mut self) -> T {
        vector::axpy_square(-self.alpha, self.q, self.r)
    }

    /// x ← x + α p, p ← r + (ρ'/ρ) p of a block, or of several.
    pub fn advance(&mut self, square: T) {
        vector::axpy(self.alpha, self.p, self.x);
        vector::xpby(self.r, square / self.rho, self.p);
    }

    fn each(mut self, mut work: impl FnMut(&mut CgUpdate<'_, T>)) {
        while !self.r.is_empty() {
            let (mut block, rest) = self.split(BLOCK);
            work(&mut block);
            self = rest;
        }
    }

    /// All of it by the calling thread; ρ'. Cost: 8 vectors.
    pub fn run(self) -> T {
        let square = axpy_square(-self.alpha, self.q, self.r);
        if square.is_finite() {
            self.each(|block| block.advance(square));
        }
        square
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    /// Numbers without a pattern that a sum would notice.
    pub(crate) fn numbers(seed: u32, n: usize) -> Vec<f64> {
        (0..n as u32).map(|i| f64::from((i * 7919 + seed * 104_729) % 1009) / 997.0 - 0.5).collect()
    }

    #[test]
    fn sums_are_those_of_blocks_in_order() {
        for n in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 77] {
            let (x, y) = (numbers(1, n), numbers(2, n));
            let sum = |x: &[f64], y: &[f64]| {
                let blocks = x.chunks(BLOCK).zip(y.chunks(BLOCK));
                blocks.map(|(x, y)| vector::dot(x, y)).fold(0.0, |sum, block| sum + block)
            };
            assert_eq!(dot(&x, &y).to_bits(), sum(&x, &y).to_bits(), "{n}");
            let (product, square) = dot_square(&x, &y);
            assert_eq!((product.to_bits(), square.to_bits()), (sum(&x, &y).to_bits(), sum(&y, &y).to_bits()));
            if n <= BLOCK {
                assert_eq!(dot(&x, &y).to_bits(), vector::dot(&x, &y).to_bits(), "{n}: one block");
            }
        }
    }

    #[test]
    fn an_update_is_its_three_lines() {
        for n in [1, BLOCK, 2 * BLOCK + 5] {
            let (q, r, x, p) = (numbers(1, n), numbers(2, n), numbers(3, n), numbers(4, n));
            let (mut r_new, mut x_new, mut p_new) = (r.clone(), x.clone(), p.clone());
            let (alpha, rho) = (0.3, 0.7);
            let vectors = (&mut r_new, &mut x_new, &mut p_new);
            let square = CgUpdate { alpha, rho, q: &q, r: vectors.0, x: vectors.1, p: vectors.2 }.run();
            let beta = square / rho;
            for i in 0..n {
                assert_eq!(r_new[i], r[i] + -alpha * q[i]);
                assert_eq!((x_new[i], p_new[i]), (x[i] + alpha * p[i], r_new[i] + beta * p[i]));
            }
            assert_eq!(square.to_bits(), dot(&r_new, &r_new).to_bits());
        }
    }

    #[test]
    fn what_overflows_leaves_x_and_p() {
        let (q, mut r, mut x, mut p) = ([-f64::MAX; 2], [0.0, 1.0], [2.0; 2], [3.0; 2]);
        let update = CgUpdate { alpha: 1.0, rho: 1.0, q: &q, r: &mut r, x: &mut x, p: &mut p };
        assert!(update.run().is_infinite());
        assert_eq!((x, p), ([2.0; 2], [3.0; 2]));
    }
}
