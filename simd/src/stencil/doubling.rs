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

use super::Coupling;
use super::march::WINDOW;
use super::star::sub_scaled;
use crate::Real;
use crate::vectors::lanes;

/// Cells of a block, on every machine.
const BLOCK: usize = 8;

/// Blocks of a window.
const BLOCKS: usize = WINDOW / BLOCK;

/// The powers of a coupling that the doubling takes.
#[derive(Clone, Copy)]
struct Powers<T> {
    /// c, c², c⁴
    c: [T; 3],
    /// (−c)^{i+1} for the i-th cell of the travel, at the place of the cell.
    carry: [T; BLOCK],
}

impl<T: Real> Powers<T> {
    #[inline(always)]
    fn new<const REVERSED: bool>(c: T) -> Self {
        let mut carry = [-c; BLOCK];
        let mut power = -c;
        for carry in carry.iter_mut().skip(1) {
            power *= -c;
            *carry = power;
        }
        if REVERSED {
            carry.reverse();
        }
        Self { c: [c, c * c, (c * c) * (c * c)], carry }
    }
}

/// What a run over many windows holds in registers, for registers of `L` = 8 or 16 lanes.
#[derive(Clone, Copy)]
struct Wide<T: Real, S: Simd> {
    c: [T::Vector<S>; 3],
    carry: T::Vector<S>,
    /// The lanes that have a cell 1, 2, 4 before them in their block, and those of an upper block.
    inner: [T::Mask<S>; 3],
    upper: T::Mask<S>,
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
        let powers = Powers::new::<REVERSED>(c);
        let lanes = lanes::<T, S>();
        // Lane l is cell l mod 8 of its block, or in reverse the one as far from its end.
        let cell = |lane: usize| if REVERSED { BLOCK - 1 - lane % BLOCK } else { lane % BLOCK };
        let inner = |by: usize| T::vchosen(simd, lanes, |lane| cell(lane) >= by);
        let mut carries = [T::ZERO; 2 * BLOCK];
        for (lane, carry) in carries.iter_mut().enumerate() {
            *carry = powers.carry[lane % BLOCK];
        }
        let carry = T::split(simd, carries.as_slice()).0.first().copied();
        let last = if REVERSED { powers.carry[0] } else { powers.carry[BLOCK - 1] };
        let wide = Wide {
            c: powers.c.map(|c| T::splat(simd, c)),
            carry: carry.unwrap_or(T::splat(simd, T::ZERO)),
            inner: [inner(1), inner(2), inner(4)],
            upper: T::vchosen(simd, lanes, |lane| lane >= BLOCK),
            last,
        };
        Self { powers, wide }
    }

    /// Doubles every block of a window: y³ of q − across·behind.
    #[inline(always)]
    pub(super) fn double(&self, simd: S, window: &mut [T; WINDOW], behind: Option<(T, &[T; WINDOW])>) {
        match lanes::<T, S>() {
            8 => self.double_registers::<8>(simd, window, behind),
            16 => self.double_registers::<16>(simd, window, behind),
            _ => {
                if let Some((across, behind)) = behind {
                    sub_scaled(simd, Coupling::Uniform(across), behind, window);
                }
                for block in window.as_chunks_mut::<BLOCK>().0 {
                    self.double_cells(block);
                }
            }
        }
    }

    /// x of a doubled window; `before` is the cell before it, and then its last one.
    #[inline(always)]
    pub(super) fn carry(&self, simd: S, window: &[T; WINDOW], before: &mut T, x: &mut [T; WINDOW]) {
        // The last cell of every block, and the one before the window.
        let mut last = *before;
        let mut carries = [T::ZERO; BLOCKS];
        let (blocks, _) = window.as_chunks::<BLOCK>();
        for k in 0..BLOCKS {
            let block = if REVERSED { BLOCKS - 1 - k } else { k };
            carries[block] = last;
            let y = blocks.get(block).map_or(T::ZERO, |b| if REVERSED { b[0] } else { b[BLOCK - 1] });
            last = y + self.wide.last * last;
        }
        *before = last;
        match lanes::<T, S>() {
            8 => {
                let (x, y) = (T::split_mut(simd, x.as_mut_slice()).0, T::split(simd, window.as_slice()).0);
                for ((x, &y), &carry) in x.iter_mut().zip(y).zip(&carries) {
                    *x = T::vadd(simd, y, T::vmul(simd, self.wide.carry, T::splat(simd, carry)));
                }
            }
            16 => {
                let (x, y) = (T::split_mut(simd, x.as_mut_slice()).0, T::split(simd, window.as_slice()).0);
                for ((x, &y), &[low, high]) in x.iter_mut().zip(y).zip(carries.as_chunks::<2>().0) {
                    let (low, high) = (T::splat(simd, low), T::splat(simd, high));
                    let carry = T::vselect(simd, self.wide.upper, high, low);
                    *x = T::vadd(simd, y, T::vmul(simd, self.wide.carry, carry));
                }
            }
            _ => {
                let (x, _) = x.as_chunks_mut::<BLOCK>();
                for ((x, y), &carry) in x.iter_mut().zip(blocks).zip(&carries) {
                    for ((x, &y), &power) in x.iter_mut().zip(y).zip(&self.powers.carry) {
                        *x = y + power * carry;
                    }
                }
            }
        }
    }

    /// Registers that hold one block or two.
    #[inline(always)]
    fn double_registers<const L: usize>(
        &self,
        simd: S,
        window: &mut [T; WINDOW],
        behind: Option<(T, &[T; WINDOW])>,
    ) {
        let window = T::split_mut(simd, window.as_mut_slice()).0;
        if let Some((across, behind)) = behind {
            let across = T::splat(simd, across);
            for (y, &behind) in window.iter_mut().zip(T::split(simd, behind.as_slice()).0) {
                *y = self.doubled::<L>(simd, T::vsub(simd, *y, T::vmul(simd, across, behind)));
            }
        } else {
            for y in window {
                *y = self.doubled::<L>(simd, *y);
            }
        }
    }

    /// y³ of q. A method, not a closure: what is not inlined leaves the code of the instruction set.
    #[inline(always)]
    fn doubled<const L: usize>(&self, simd: S, q: T::Vector<S>) -> T::Vector<S> {
        let ([c, c2, c4], [one, two, four]) = (self.wide.c, self.wide.inner);
        let sum = T::vsub(simd, q, T::vmul(simd, c, T::vrotate(simd, q, by::<L, REVERSED>(1))));
        let q = T::vselect(simd, one, sum, q);
        let sum = T::vadd(simd, q, T::vmul(simd, c2, T::vrotate(simd, q, by::<L, REVERSED>(2))));
        let q = T::vselect(simd, two, sum, q);
        let sum = T::vadd(simd, q, T::vmul(simd, c4, T::vrotate(simd, q, by::<L, REVERSED>(4))));
        T::vselect(simd, four, sum, q)
    }

    /// Other registers, or none: a block in variables.
    #[inline(always)]
    fn double_cells(&self, block: &mut [T; BLOCK]) {
        let [c, c2, c4] = self.powers.c;
        let cell = |i: usize| if REVERSED { BLOCK - 1 - i } else { i };
        let y = block;
        // From the last cell: what a cell takes has not been changed yet.
        for i in (1..BLOCK).rev() {
            y[cell(i)] -= c * y[cell(i - 1)];
        }
        for i in (2..BLOCK).rev() {
            y[cell(i)] += c2 * y[cell(i - 2)];
        }
        for i in (4..BLOCK).rev() {
            y[cell(i)] += c4 * y[cell(i - 4)];
        }
    }
}

/// Lanes to turn a register up by, for the cell `cells` before in the direction of travel.
#[inline(always)]
fn by<const L: usize, const REVERSED: bool>(cells: usize) -> usize {
    if REVERSED { L - cells } else { cells }
}
