//! A red-black SOR sweep: cells with (p + i + j) even first, then the others.
//!
//! ```text
//! t = ((((((b − west) − east) − south) − north) − down) − up),   x ← (1 − ω)·x + (ω·(1/c))·t
//! ```
//! Cells of one colour do not see one another, so every order of them gives the same bits. The two
//! colours run in one pass over memory: a black row follows as soon as its red neighbours are done.

use pulp::Simd;

use super::gather::{Term, gather};
use super::sor::{copy, sub_west};
use super::star::{WINDOW, sub_scaled};
use super::{Coefficients, Grid, piece};
use crate::Real;
use crate::dispatch::pass;

/// One sweep in place, red before black or (`reversed`) black before red. `inverse` as in
/// [`sor_sweep`](super::sor_sweep).
/// Cost per cell, constant: 2 r, 1 w, and twice 13 operations.
#[inline]
pub fn red_black_sweep<T: Real>(
    grid: Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    red_black_sweeps(grid, reversed, omega, inverse, rhs, x, 1);
}

pass! {
    /// `count` sweeps in place, with the bits of as many [`red_black_sweep`]s; up to four follow each
    /// other, a row (a plane) behind, in one pass over memory.
    /// Cost per cell and sweep, constant: a quarter of 2 r, 1 w, and twice 13 operations.
    pub fn red_black_sweeps<'a, T>(
        grid: Grid<'a, T>,
        reversed: bool,
        omega: T,
        inverse: &'a [T],
        rhs: &'a [T],
        x: &'a mut [T],
        count: usize,
    ) -> () = kernel
}

/// Sweeps in one pass over memory, at most: their rows have to stay in cache.
const TOGETHER: usize = 4;

#[inline(always)]
fn kernel<T: Real, S: Simd>(
    simd: S,
    grid: Grid<'_, T>,
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
    count: usize,
) {
    let rows = grid.planes * grid.rows;
    // A colour needs the rows around it in the other: the next one, or in three dimensions the next plane.
    let lag = if grid.planes > 1 { grid.rows } else { 1 };
    let mut left = count;
    while left > 0 {
        let halves = 2 * left.min(TOGETHER);
        for i in 0..rows + lag * (halves - 1) {
            for half in 0..halves {
                // The halves that have not begun come last.
                let Some(row) = i.checked_sub(half * lag) else { break };
                if row < rows {
                    let colour = (half + usize::from(reversed)) % 2;
                    half_row(simd, &grid, row, colour, omega, inverse, rhs, x);
                }
            }
        }
        left -= halves / 2;
    }
}

/// The cells of one colour in one row. The vector part runs over all cells, the store over every other.
#[inline(always)]
fn half_row<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    row: usize,
    colour: usize,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let rows = grid.rows.max(1);
    let parity = (row / rows + row % rows + colour) % 2;
    let around = grid.around(row);
    let keep = T::ONE - omega;
    let mut buffer = [T::ZERO; WINDOW];
    let mut first = 0;
    while first < grid.columns {
        let n = (grid.columns - first).min(WINDOW);
        let start = row * grid.columns + first;
        let q = &mut buffer[..n];
        if let (Coefficients::Constant(star), 1, Some(_), Some(_)) =
            (grid.coefficients, grid.planes, around.south, around.north)
        {
            let here = grid.row_of(x, Some(row), 0);
            let terms = [
                Term::west(star.west, here, first),
                Term::east(star.east, here, first),
                Term::new(star.south, grid.row_of(x, around.south, first)),
                Term::new(star.north, grid.row_of(x, around.north, first)),
            ];
            let (b, x) = (grid.row_of(rhs, Some(row), first), grid.row_of(x, Some(row), first));
            gather::<T, S, 4, true>(simd, b, terms, omega * (T::ONE / star.centre), keep, x, q);
        } else {
            term_by_term(simd, grid, row, first, omega, inverse, rhs, x, q);
        }
        let Some(x) = x.get_mut(start..start + n) else { return };
        // WINDOW is even, so the parity of a window's first cell is the row's.
        merge(simd, parity, q, x);
        first += n;
    }
}

/// x ← q on every other cell, from cell `parity` on.
#[inline(always)]
fn merge<T: Real, S: Simd>(simd: S, parity: usize, q: &[T], x: &mut [T]) {
    let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
    let (mut q, mut x) = (q, x);
    if lanes.is_multiple_of(2) {
        let mine = T::lanes(simd, lanes, |lane| lane % 2 == parity);
        let (heads, tail) = T::split(simd, q);
        let (x_heads, x_tail) = T::split_mut(simd, x);
        for (x, &q) in x_heads.iter_mut().zip(heads) {
            *x = T::vselect(simd, mine, q, *x);
        }
        (q, x) = (tail, x_tail);
    }
    let (pairs, last) = x.as_chunks_mut::<2>();
    let (news, new) = q.as_chunks::<2>();
    if parity == 0 {
        pairs.iter_mut().zip(news).for_each(|(x, q)| x[0] = q[0]);
        last.iter_mut().zip(new).for_each(|(x, &q)| *x = q);
    } else {
        pairs.iter_mut().zip(news).for_each(|(x, q)| x[1] = q[1]);
    }
}

/// q ← (1 − ω)·x + f·t where a neighbouring row is missing, in three dimensions, and by cell.
#[inline(always)]
fn term_by_term<T: Real, S: Simd>(
    simd: S,
    grid: &Grid<'_, T>,
    row: usize,
    first: usize,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &[T],
    q: &mut [T],
) {
    let start = row * grid.columns + first;
    let (around, keep) = (grid.around(row), T::ONE - omega);
    let coupling = grid.coefficients.from(start);
    copy(grid.row_of(rhs, Some(row), first), q);
    sub_west(simd, coupling.west, grid.row_of(x, Some(row), 0), first, q);
    sub_scaled(simd, coupling.east, grid.row_of(x, Some(row), first + 1), q);
    sub_scaled(simd, coupling.south, grid.row_of(x, around.south, first), q);
    sub_scaled(simd, coupling.north, grid.row_of(x, around.north, first), q);
    if grid.planes > 1 {
        sub_scaled(simd, coupling.down, grid.row_of(x, around.down, first), q);
        sub_scaled(simd, coupling.up, grid.row_of(x, around.up, first), q);
    }
    let x = piece(x, start, q.len());
    match grid.coefficients {
        Coefficients::Constant(star) => {
            let factor = omega * (T::ONE / star.centre);
            for (q, &x) in q.iter_mut().zip(x) {
                *q = keep * x + factor * *q;
            }
        }
        Coefficients::PerCell(_) => {
            let inverse = piece(inverse, start, q.len());
            for ((q, &x), &inverse) in q.iter_mut().zip(x).zip(inverse) {
                *q = keep * x + (omega * inverse) * *q;
            }
        }
    }
}
