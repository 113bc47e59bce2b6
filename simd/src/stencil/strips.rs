//! The halves of SSOR on a part of a grid, for threads that go through it behind one another.
//!
//! ```text
//! columns a..b of all rows:  a cell waits for the one before it, in its row, in another strip
//! rows c..d of all planes:   a row waits for the one behind it, in its plane, in another strip
//! ```
//! Those come as numbers; all else that a strip waits for is in the strip itself. With constant couplings the
//! recurrence is [doubled](super::doubling) in blocks of eight cells that are counted from where a row begins: a cut
//! between columns leaves whole blocks before it, in the direction of travel, and then the bits are those of
//! [`solve_upper`](super::solve_upper) and [`solve_lower`](super::solve_lower).

use core::ops::Range;

use pulp::{Simd, WithSimd};

use super::doubling::BLOCK;
use super::eisenstat::{Lower, Upper, path, product_of_row};
use super::groups::{Line, Operands, Rows, fetch, groups};
use super::march::{Path, Source, by_registers};
use super::strips_by_cell::{Weighed, by_cell};
use super::{Coefficients, Grid, piece};
use crate::Real;
use crate::dispatch::{compiled_here, dispatch, dispatch_narrow_if};
use crate::paths::{has_all_terms, is_forced, narrow_in_order, narrow_in_space};
use crate::vectors::lanes;

/// Strips of columns are cut at multiples of this, from where the rows begin in the direction of travel: blocks of the
/// recurrence, as many as the widest register holds.
pub const CUT: usize = 2 * BLOCK;

/// A part of a grid, and what one call does of it.
#[derive(Debug)]
pub struct Strip<'s, 'x, T> {
    /// The part's rows of every plane.
    pub rows: Range<usize>,
    /// The part's columns.
    pub columns: Range<usize>,
    /// What is solved: the part of every row, rows in the direction of travel.
    pub pieces: &'s mut [&'x mut [T]],
    /// Which of the pieces are next. Those before are done.
    pub now: Range<usize>,
    /// For each of these the cell before it, 0 where there is none; left as the piece's own last cell.
    pub entries: &'s mut [T],
    /// For the first row of a plane, the piece behind it in another part; empty where there is none. A call that has one
    /// begins no second plane.
    pub behind: &'s [T],
}

compiled_here!(solve_upper_strip);
compiled_here!(solve_lower_strip);

/// The next pieces of t ← (D/ω + U)⁻¹ p, which travels from the last row to the first and along rows from their ends.
/// Other arguments as of [`solve_upper`](super::solve_upper).
#[cfg_attr(feature = "force-level", inline(never))]
pub fn solve_upper_strip<T: Real>(
    grid: Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    strip: Strip<'_, '_, T>,
) {
    dispatch_narrow_if(is_narrow(&grid, &strip, false), UpperPass { grid, omega, inverse, p, strip });
}

/// The next pieces of y ← (D/ω + L)⁻¹ (p − K t), and of w ← A t, whose pieces are `products`. t is there as a whole; other
/// arguments as of [`solve_lower`](super::solve_lower).
#[cfg_attr(feature = "force-level", inline(never))]
pub fn solve_lower_strip<'s, 'x, T: Real>(
    grid: Grid<'s, T>,
    omega: T,
    inverse: &'s [T],
    p: &'s [T],
    t: &'s [T],
    strip: Strip<'s, 'x, T>,
    products: &'s mut [&'x mut [T]],
) {
    let narrow = is_narrow(&grid, &strip, true);
    dispatch_narrow_if(narrow, LowerPass { grid, omega, inverse, p, t, strip, products });
}

compiled_here!(lower_product_strip);

/// w ← A t on whole rows, given t = (D/ω + U)⁻¹ p as a whole: what [`solve_lower_strip`] leaves out if it gets no pieces of products.
/// `rows` are counted through all planes, and w holds these alone; other arguments as there. Cost per cell, constant: 2 r, 1 w, 8
/// operations.
#[cfg_attr(feature = "force-level", inline(never))]
pub fn lower_product_strip<T: Real>(
    grid: Grid<'_, T>,
    omega: T,
    p: &[T],
    t: &[T],
    rows: Range<usize>,
    w: &mut [T],
) {
    dispatch(ProductPass { grid, omega, p, t, rows, w });
}

struct ProductPass<'a, 'w, T> {
    grid: Grid<'a, T>,
    omega: T,
    p: &'a [T],
    t: &'a [T],
    rows: Range<usize>,
    w: &'w mut [T],
}

impl<T: Real> WithSimd for ProductPass<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grid, omega, p, t, rows, w } = self;
        let share = T::ONE - T::ONE / omega;
        for (row, w) in rows.zip(w.chunks_exact_mut(grid.columns.max(1))) {
            product_of_row(simd, &grid, share, p, t, row, 0, w);
        }
    }
}

/// Whether a strip goes by registers of 256 bits: as the whole does, if its rows were as short.
fn is_narrow<T: Real>(grid: &Grid<'_, T>, strip: &Strip<'_, '_, T>, lower: bool) -> bool {
    let grid = Grid { columns: strip.columns.len(), ..*grid };
    let narrow = if lower { narrow_in_space(&grid) } else { narrow_in_order(&grid) };
    narrow && !is_forced()
}

struct UpperPass<'a, 's, 'x, T> {
    grid: Grid<'a, T>,
    omega: T,
    inverse: &'a [T],
    p: &'a [T],
    strip: Strip<'s, 'x, T>,
}

impl<T: Real> WithSimd for UpperPass<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grid, omega, inverse, p, strip } = self;
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let factor = omega * (T::ONE / star.centre);
                let source = Upper { grid: &grid, star, factor, p };
                let path = path(&grid, factor * star.north, factor * star.east);
                if grid.planes > 1 {
                    constant::<T, S, _, 1, true>(simd, path, &source, strip);
                } else {
                    constant::<T, S, _, 0, true>(simd, path, &source, strip);
                }
            }
            Coefficients::PerCell(_) => by_cell(simd, &grid, (omega, inverse), p, None, strip),
        }
    }
}

struct LowerPass<'s, 'x, T> {
    grid: Grid<'s, T>,
    omega: T,
    inverse: &'s [T],
    p: &'s [T],
    t: &'s [T],
    strip: Strip<'s, 'x, T>,
    products: &'s mut [&'x mut [T]],
}

impl<T: Real> WithSimd for LowerPass<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { grid, omega, inverse, p, t, strip, products } = self;
        let weight = (T::TWO - omega) / omega;
        let share = T::ONE - T::ONE / omega;
        let (order, now, columns) = (Order::new(&grid, &strip), strip.now.clone(), strip.columns.clone());
        match grid.coefficients {
            Coefficients::Constant(star) => {
                let factor = omega * (T::ONE / star.centre);
                let source = Lower { grid: &grid, star, factor, weight: weight * star.centre, p, t };
                let path = path(&grid, factor * star.south, factor * star.west);
                if grid.planes > 1 {
                    constant::<T, S, _, 2, false>(simd, path, &source, strip);
                } else {
                    constant::<T, S, _, 1, false>(simd, path, &source, strip);
                }
            }
            Coefficients::PerCell(_) => {
                let weighed = Weighed { weight, t, share, products };
                return by_cell(simd, &grid, (omega, inverse), p, Some(weighed), strip);
            }
        }
        for (step, w) in now.clone().zip(products.get_mut(now).unwrap_or(&mut [])) {
            product_of_row(simd, &grid, share, p, t, order.row(step, false), columns.start, w);
        }
    }
}

/// Which row a piece belongs to.
#[derive(Clone, Copy)]
pub(super) struct Order {
    planes: usize,
    /// Of a plane.
    rows: usize,
    first: usize,
    count: usize,
}

impl Order {
    #[inline(always)]
    pub(super) fn new<T>(grid: &Grid<'_, T>, strip: &Strip<'_, '_, T>) -> Self {
        let count = strip.rows.len().max(1);
        Self { planes: grid.planes, rows: grid.rows, first: strip.rows.start, count }
    }

    /// Counted through all planes.
    #[inline(always)]
    pub(super) fn row(&self, step: usize, reversed: bool) -> usize {
        let (plane, i) = (step / self.count, step % self.count);
        if reversed {
            (self.planes - 1 - plane) * self.rows + self.first + (self.count - 1 - i)
        } else {
            plane * self.rows + self.first + i
        }
    }
}

/// A piece that is next, and what it reads of those that are done.
pub(super) struct Next<'a, T> {
    pub(super) row: usize,
    pub(super) here: &'a mut [T],
    pub(super) behind: &'a [T],
    /// Of the plane before.
    pub(super) beyond: &'a [T],
}

#[inline(always)]
pub(super) fn next<'a, T>(
    order: Order,
    step: usize,
    reversed: bool,
    pieces: &'a mut [&mut [T]],
    behind: &'a [T],
) -> Option<Next<'a, T>> {
    let (done, ahead) = pieces.split_at_mut_checked(step)?;
    let done = &*done;
    let behind = if step.is_multiple_of(order.count) { behind } else { done.last()? };
    let beyond = step.checked_sub(order.count).and_then(|before| done.get(before));
    let beyond = beyond.map_or(&[][..], |beyond| beyond);
    Some(Next { row: order.row(step, reversed), here: ahead.first_mut()?, behind, beyond })
}

#[inline(always)]
fn constant<T: Real, S: Simd, R: Source<T, K>, const K: usize, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &R,
    strip: Strip<'_, '_, T>,
) {
    by_registers!(T, S, march::<R, K, REVERSED>(simd, path, source, strip));
}

#[inline(always)]
fn march<
    T: Real,
    S: Simd,
    R: Source<T, K>,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
>(
    simd: S,
    path: Path<T>,
    source: &R,
    strip: Strip<'_, '_, T>,
) {
    let Strip { rows, columns, pieces, now, entries, behind } = strip;
    let order = Order { planes: path.planes, rows: path.rows, first: rows.start, count: rows.len().max(1) };
    let line = Line::<T, S, R, N, U, W, K, REVERSED>::new(simd, path, source);
    for (step, entry) in now.zip(entries) {
        let Some(next) = next(order, step, REVERSED, pieces, behind) else { return };
        let start = next.row * path.columns + columns.start;
        let (terms, mut along) = (source.terms(next.row), [next.beyond; K]);
        for (along, term) in along.iter_mut().zip(&terms) {
            if let Some(of) = term.of {
                *along = piece(of, start, next.here.len());
            }
        }
        let c = terms.map(|term| T::splat(simd, term.c));
        let b = piece(source.known(), start, next.here.len());
        *entry = line.piece(simd, next.here, b, &c, &along, next.behind, *entry);
    }
}

impl<
    T: Real,
    S: Simd,
    R: Source<T, K>,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
> Line<'_, T, S, R, N, U, W, K, REVERSED>
{
    /// A piece of a row whose neighbours lie in slices of their own, empty where they do not exist; its last cell.
    #[inline(always)]
    fn piece(
        &self,
        simd: S,
        here: &mut [T],
        b: &[T],
        c: &[T::Vector<S>; K],
        along: &[&[T]; K],
        behind: &[T],
        entry: T,
    ) -> T {
        let rest = here.len() % Self::cells();
        let (from, len) = (if REVERSED { rest } else { 0 }, here.len() - rest);
        let mut before = T::splat(simd, entry);
        let b_whole = groups::<T, S, N>(simd, piece(b, from, len));
        let behind_whole = groups::<T, S, N>(simd, piece(behind, from, len));
        let mut along_whole = [b_whole; K];
        for (of_one, along) in along_whole.iter_mut().zip(along) {
            *of_one = groups::<T, S, N>(simd, piece(along, from, len));
        }
        let mut done = 0;
        if has_all_terms(b_whole, behind_whole, &along_whole) {
            let rows = &mut Rows { below: &[], here: &mut *here, above: &[], start: 0, from, asked: None };
            done = self.windows::<U, W>(simd, c, b_whole, &along_whole, behind_whole, rows, 0, &mut before);
        }
        for step in done..b_whole.len() + usize::from(rest > 0) {
            // The last cells are part of a group that goes on beyond the piece.
            let at = match (REVERSED, step < b_whole.len()) {
                (false, _) => step * Self::cells(),
                (true, true) => from + (b_whole.len() - 1 - step) * Self::cells(),
                (true, false) => rest.wrapping_sub(Self::cells()),
            };
            let mut terms = [None; K];
            for (term, along) in terms.iter_mut().zip(along) {
                *term = found::<T, S, N>(simd, along, at);
            }
            let (b, behind) = (fetch::<T, S, N>(simd, b, at), found::<T, S, N>(simd, behind, at));
            let operands = Operands { b, terms, behind, own: [b; 2], inner: None };
            let new = self.relax(simd, c, &operands, &mut before);
            store::<T, S, N>(simd, here, at, &new);
        }
        let last = if REVERSED { here.first() } else { here.last() };
        last.copied().unwrap_or(entry)
    }
}

/// A group of a piece, if there is such a piece.
#[inline(always)]
fn found<T: Real, S: Simd, const N: usize>(simd: S, x: &[T], at: usize) -> Option<[T::Vector<S>; N]> {
    if x.is_empty() { None } else { Some(fetch::<T, S, N>(simd, x, at)) }
}

/// Writes a group, as far as there are cells.
#[inline(always)]
fn store<T: Real, S: Simd, const N: usize>(simd: S, x: &mut [T], at: usize, group: &[T::Vector<S>; N]) {
    let cells = N * lanes::<T, S>();
    if let Some(x) = x.get_mut(at..at.wrapping_add(cells))
        && let Some(x) = T::split_mut(simd, x).0.first_chunk_mut::<N>()
    {
        *x = *group;
        return;
    }
    let mut buffer = [T::ZERO; 2 * BLOCK];
    for (buffer, &group) in T::split_mut(simd, &mut buffer).0.iter_mut().zip(group) {
        *buffer = group;
    }
    for (i, &value) in buffer.iter().enumerate().take(cells) {
        if let Some(x) = x.get_mut(at.wrapping_add(i)) {
            *x = value;
        }
    }
}
