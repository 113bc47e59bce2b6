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
//! of travel. The same operations in the same order on every instruction set, whatever its registers.

use pulp::Simd;

use super::march::WINDOW;
use crate::Real;

/// Cells of a block, on every machine.
pub(super) const BLOCK: usize = 8;

/// The powers of a coupling that the doubling takes.
#[derive(Clone, Copy)]
pub(super) struct Powers<T> {
    /// c, c², c⁴
    c: [T; 3],
    /// (−c)^{i+1}, in the direction of travel.
    carry: [T; BLOCK],
}

impl<T: Real> Powers<T> {
    #[inline(always)]
    pub(super) fn new(c: T) -> Self {
        let mut carry = [-c; BLOCK];
        let mut power = -c;
        for carry in carry.iter_mut().skip(1) {
            power *= -c;
            *carry = power;
        }
        Self { c: [c, c * c, (c * c) * (c * c)], carry }
    }
}

/// What a run over many windows holds in registers, for registers of `L` = 8 or 16 lanes.
#[derive(Clone, Copy)]
struct Wide<T: Real, S: Simd> {
    c: [T::Vector<S>; 3],
    carry: T::Vector<S>,
    /// The lanes that have a cell 1, 2, 4 before them in their block, and those of a second block.
    inner: [T::Mask<S>; 3],
    second: T::Mask<S>,
    last: T,
}

/// The recurrence, prepared once a pass.
#[derive(Clone, Copy)]
pub(super) struct Doubling<T: Real, S: Simd, const REVERSED: bool> {
    powers: Powers<T>,
    wide: Wide<T, S>,
}

impl<T: Real, S: Simd, const REVERSED: bool> Doubling<T, S, REVERSED> {
    #[inline(always)]
    pub(super) fn new(simd: S, c: T) -> Self {
        let powers = Powers::new(c);
        let lanes = lanes::<T, S>();
        // Lane l is cell l mod 8 of its block, or in reverse the one as far from its end.
        let cell = |lane: usize| if REVERSED { BLOCK - 1 - lane % BLOCK } else { lane % BLOCK };
        let inner = |by: usize| T::vchosen(simd, lanes, |lane| cell(lane) >= by);
        let mut carries = [T::ZERO; 2 * BLOCK];
        for (lane, carry) in carries.iter_mut().enumerate() {
            *carry = powers.carry.get(cell(lane)).copied().unwrap_or(T::ZERO);
        }
        let carry = T::split(simd, carries.as_slice()).0.first().copied();
        let [.., last] = powers.carry;
        let wide = Wide {
            c: powers.c.map(|c| T::splat(simd, c)),
            carry: carry.unwrap_or(T::splat(simd, T::ZERO)),
            inner: [inner(1), inner(2), inner(4)],
            second: T::vchosen(simd, lanes, |lane| (lane >= BLOCK) != REVERSED),
            last,
        };
        Self { powers, wide }
    }

    /// Solves a window of whole blocks in place; `before` is the cell before it, and then its last one.
    #[inline(always)]
    pub(super) fn solve(&self, simd: S, window: &mut [T; WINDOW], before: &mut T) {
        match lanes::<T, S>() {
            8 => self.registers::<8>(simd, window, before),
            16 => self.registers::<16>(simd, window, before),
            _ => self.cells(window, before),
        }
    }

    /// Registers that hold one block or two.
    #[inline(always)]
    fn registers<const L: usize>(&self, simd: S, window: &mut [T; WINDOW], before: &mut T) {
        let wide = &self.wide;
        // The cell before, as lanes go.
        let shift = |v: T::Vector<S>, by: usize| T::vrotate(simd, v, if REVERSED { L - by } else { by });
        for y in T::split_mut(simd, window.as_mut_slice()).0 {
            let q = *y;
            let sum = T::vsub(simd, q, T::vmul(simd, wide.c[0], shift(q, 1)));
            let q = T::vselect(simd, wide.inner[0], sum, q);
            let sum = T::vadd(simd, q, T::vmul(simd, wide.c[1], shift(q, 2)));
            let q = T::vselect(simd, wide.inner[1], sum, q);
            let sum = T::vadd(simd, q, T::vmul(simd, wide.c[2], shift(q, 4)));
            *y = T::vselect(simd, wide.inner[2], sum, q);
        }
        // The last cell of every block, and the one before the window.
        const BLOCKS: usize = WINDOW / BLOCK;
        let mut x = *before;
        let mut carries = [T::ZERO; BLOCKS];
        let (blocks, _) = window.as_chunks::<BLOCK>();
        for k in 0..BLOCKS {
            let block = if REVERSED { BLOCKS - 1 - k } else { k };
            carries[block] = x;
            let last = blocks.get(block).map_or(T::ZERO, |b| if REVERSED { b[0] } else { b[BLOCK - 1] });
            x = last + wide.last * x;
        }
        *before = x;
        let (starts, _) = if L == 16 { carries.as_chunks::<2>() } else { (&[][..], &[][..]) };
        let registers = T::split_mut(simd, window.as_mut_slice()).0;
        if L == 16 {
            for (y, &[low, high]) in registers.iter_mut().zip(starts) {
                let (first, second) = if REVERSED { (high, low) } else { (low, high) };
                let (first, second) = (T::splat(simd, first), T::splat(simd, second));
                let x = T::vselect(simd, wide.second, second, first);
                *y = T::vadd(simd, *y, T::vmul(simd, wide.carry, x));
            }
        } else {
            for (y, &x) in registers.iter_mut().zip(&carries) {
                *y = T::vadd(simd, *y, T::vmul(simd, wide.carry, T::splat(simd, x)));
            }
        }
    }

    /// Other registers, or none: a block in variables.
    #[inline(always)]
    fn cells(&self, window: &mut [T; WINDOW], before: &mut T) {
        let [c, c2, c4] = self.powers.c;
        let mut solve = |block: &mut [T; BLOCK]| {
            let mut y = *block;
            if REVERSED {
                y.reverse();
            }
            // From the last cell: what a cell takes has not been changed yet.
            for i in (1..BLOCK).rev() {
                y[i] -= c * y[i - 1];
            }
            for i in (2..BLOCK).rev() {
                y[i] += c2 * y[i - 2];
            }
            for i in (4..BLOCK).rev() {
                y[i] += c4 * y[i - 4];
            }
            let x = *before;
            for (y, &carry) in y.iter_mut().zip(&self.powers.carry) {
                *y += carry * x;
            }
            *before = y[BLOCK - 1];
            if REVERSED {
                y.reverse();
            }
            *block = y;
        };
        let (blocks, _) = window.as_chunks_mut::<BLOCK>();
        if REVERSED {
            blocks.iter_mut().rev().for_each(&mut solve);
        } else {
            blocks.iter_mut().for_each(&mut solve);
        }
    }
}

/// Lanes of a register.
#[inline(always)]
fn lanes<T: Real, S: Simd>() -> usize {
    size_of::<T::Vector<S>>() / size_of::<T>()
}
