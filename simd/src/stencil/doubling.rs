//! A first-order recurrence along a row by recursive doubling.
//!
//! ```text
//! x_j = q_j − c·x_{j−1}
//! ```
//! One after the other, every cell waits for the product and the difference of the cell before it. In
//! blocks of eight cells, whose own recurrence is doubled three times (Kogge and Stone 1973), a block is a
//! few operations on whole registers, and only its last cell is waited for:
//! ```text
//! y¹_i = q_i  − c ·q_{i−1}          i ≥ 1;  the same with  y² = y¹ + c²·y¹_{i−2}, i ≥ 2
//! y³_i = y²_i + c⁴·y²_{i−4}         i ≥ 4;  below, y stays
//! x_i  = y³_i + (−c)^{i+1}·X        X: the last cell of the block before; +0 before the first
//! ```
//! It costs 4¼ operations a cell more than the plain form. Cells and blocks are counted in the direction
//! of travel. The same operations in the same order on every instruction set, whatever its registers: a
//! group of `N` of them holds one block, or two where a register alone has sixteen lanes.

use pulp::Simd;

use crate::Real;
use crate::vectors::lanes;

/// Cells of a block, on every machine.
pub(super) const BLOCK: usize = 8;

/// The recurrence, prepared once a pass.
#[derive(Clone, Copy)]
pub(super) struct Doubling<T: Real, S: Simd, const N: usize, const REVERSED: bool> {
    /// c, c², c⁴
    c: [T::Vector<S>; 3],
    /// (−c)^{i+1} for the i-th cell of a block, at the place of the cell.
    carry: [T::Vector<S>; N],
    /// (−c)⁸
    last: T::Vector<S>,
    /// In wide registers, the lanes whose cell has one 1, 2, 4 before it in its block.
    inner: [T::Mask<S>; 3],
    /// Lanes of the second block of a register.
    second: T::Mask<S>,
}

/// The register that is the k-th in the direction of travel.
#[inline(always)]
fn place<const N: usize, const REVERSED: bool>(k: usize) -> usize {
    if REVERSED { N - 1 - k } else { k }
}

impl<T: Real, S: Simd, const N: usize, const REVERSED: bool> Doubling<T, S, N, REVERSED> {
    /// Registers with masks, which a sum merges with at no cost.
    const WIDE: bool = size_of::<T::Vector<S>>() == 64;

    #[inline(always)]
    pub(super) fn new(simd: S, c: T) -> Self {
        let lanes = lanes::<T, S>();
        let span = lanes.clamp(1, BLOCK);
        // The cell of a lane within its register and block.
        let cell = |lane: usize| if REVERSED { span - 1 - lane % span } else { lane % span };
        let inner = |by: usize| T::vchosen(simd, lanes, |lane| cell(lane) >= by);
        let second = T::vchosen(simd, lanes, |lane| (lane >= BLOCK) != REVERSED && lanes > BLOCK);
        let mut powers = [-c; BLOCK];
        let mut power = -c;
        for next in powers.iter_mut().skip(1) {
            power *= -c;
            *next = power;
        }
        if REVERSED {
            powers.reverse();
        }
        let mut cells = [T::ZERO; 2 * BLOCK];
        for (cell, &power) in cells.iter_mut().zip(powers.iter().cycle()) {
            *cell = power;
        }
        let mut carry = [T::splat(simd, T::ZERO); N];
        for (carry, &powers) in carry.iter_mut().zip(T::split(simd, cells.as_slice()).0) {
            *carry = powers;
        }
        let c = [c, c * c, (c * c) * (c * c)].map(|c| T::splat(simd, c));
        Self { c, carry, last: T::splat(simd, power), inner: [inner(1), inner(2), inner(4)], second }
    }

    /// Step 0, 1 or 2 of the doubling: y¹ of q, y² of y¹, y³ of y².
    #[inline(always)]
    pub(super) fn double<const STEP: usize>(&self, simd: S, before: &[T::Vector<S>; N]) -> [T::Vector<S>; N] {
        let (by, lanes, mut y) = (1 << STEP, lanes::<T, S>(), *before);
        for k in 0..N {
            let shifted = Self::shifted(simd, before, k, by);
            let product = T::vmul(simd, self.c[STEP], shifted);
            let here = before[place::<N, REVERSED>(k)];
            let sum = if STEP == 0 { T::vsub(simd, here, product) } else { T::vadd(simd, here, product) };
            y[place::<N, REVERSED>(k)] = if k * lanes >= by {
                sum
            } else if by >= lanes {
                here
            } else if Self::WIDE {
                T::vselect(simd, self.inner[STEP], sum, here)
            } else {
                T::vshifted(simd, sum, here, by, REVERSED)
            };
        }
        y
    }

    /// For the k-th register of the travel, the cells `by` before its own; anything where there are none.
    #[inline(always)]
    fn shifted(simd: S, y: &[T::Vector<S>; N], k: usize, by: usize) -> T::Vector<S> {
        let lanes = lanes::<T, S>();
        if by >= lanes {
            return y[place::<N, REVERSED>(k.saturating_sub(by / lanes.max(1)))];
        }
        let own = y[place::<N, REVERSED>(k)];
        if Self::WIDE {
            return T::vrotate(simd, own, if REVERSED { lanes - by } else { by });
        }
        T::vshift(simd, own, y[place::<N, REVERSED>(k.saturating_sub(1))], by, REVERSED)
    }

    /// x of a doubled group; every lane of `before` is the cell before it, and then its last one.
    #[inline(always)]
    pub(super) fn carry(
        &self,
        simd: S,
        y: [T::Vector<S>; N],
        before: &mut T::Vector<S>,
    ) -> [T::Vector<S>; N] {
        let lanes = lanes::<T, S>();
        let end = if REVERSED { 0 } else { lanes - 1 };
        let first = *before;
        let mut carried = first;
        if lanes > BLOCK {
            let middle = self.next(simd, &y, if REVERSED { BLOCK } else { BLOCK - 1 }, first);
            carried = T::vselect(simd, self.second, middle, first);
            *before = self.next(simd, &y, end, middle);
        } else {
            *before = self.next(simd, &y, end, first);
        }
        let mut x = y;
        for k in 0..N {
            x[k] = T::vadd(simd, y[k], T::vmul(simd, self.carry[k], carried));
        }
        x
    }
    /// The last cell of a block that ends at a lane of the last register.
    #[inline(always)]
    fn next(&self, simd: S, y: &[T::Vector<S>; N], lane: usize, before: T::Vector<S>) -> T::Vector<S> {
        let y = T::splat(simd, T::vlane::<S>(y[place::<N, REVERSED>(N - 1)], lane));
        T::vadd(simd, y, T::vmul(simd, self.last, before))
    }
}
