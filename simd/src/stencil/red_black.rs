//! A red-black SOR sweep: cells with (p + i + j) even first, then the others.
//!
//! ```text
//! t = ((((((b − west) − east) − south) − north) − down) − up),   x ← (1 − ω)·x + (ω·(1/c))·t
//! ```
//! Cells of one colour do not see one another, so every order of them gives the same bits. The two
//! colours run in one pass over memory: a black row follows as soon as its red neighbours are done.

use pulp::Simd;

use super::ahead::Ahead;
use super::sor::{copy, sub_west};
use super::star::{WINDOW, sub_scaled};
use super::{Coefficients, Grid, piece, small};
use crate::Real;
use crate::dispatch::pass;
use crate::paths;
use crate::vectors::lanes;

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
    short(paths::small_by_colours(&grid)) pub fn red_black_sweeps<'a, T>(
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
    if paths::by_cells::<S>(paths::small_by_colours(&grid)) {
        return small::red_black(&grid, reversed, omega, inverse, rhs, x, count);
    }
    let rows = grid.planes * grid.rows;
    // A colour needs the rows around it in the other: the next one, or in three dimensions the next plane.
    let lag = if grid.planes > 1 { grid.rows } else { 1 };
    let ahead = Ahead::new(grid.columns, x);
    let mut left = count;
    while left > 0 {
        let halves = 2 * left.min(TOGETHER);
        for i in 0..rows + lag * (halves - 1) {
            ahead.ask(i, x, rhs);
            for half in 0..halves {
                // The halves that have not begun come last.
                let Some(row) = i.checked_sub(half * lag) else { break };
                if row < rows {
                    half_row(simd, &grid, row, half + usize::from(reversed), omega, inverse, rhs, x);
                }
            }
        }
        left -= halves / 2;
    }
}

/// Bytes that a cache moves together, on most machines.
const LINE: usize = 64;

/// A row of a constant star in which all cells have the same neighbours in other rows.
struct Line<T> {
    west: T,
    east: T,
    keep: T,
    factor: T,
    /// The first cell to relax.
    parity: usize,
}

impl<T: Real> Line<T> {
    /// Relaxes every other cell of x; `others` are rows beside it with their couplings, in the order in
    /// which they are subtracted.
    #[inline(always)]
    fn relax<S: Simd, const K: usize>(&self, simd: S, b: &[T], others: [(T, &[T]); K], x: &mut [T]) {
        let lanes = lanes::<T, S>();
        let n = x.len();
        // Whole registers from `from` to `to`, where they begin at a line; one that lies in two costs double.
        let (mut from, mut to) = (n, n);
        if lanes.is_multiple_of(2) && paths::fill_registers(n, lanes) {
            from = 1 + x.get(1..).map_or(0, |x| x.as_ptr().align_offset(LINE)) % lanes;
            to = from + (n - 1).saturating_sub(from) / lanes * lanes;
            self.registers(simd, b, others, x, from, to);
        }
        let mine = |j: &usize| j % 2 == self.parity;
        for j in (0..from).chain(to..n).filter(mine) {
            self.cell(b, &others, x, j);
        }
    }

    #[inline(always)]
    fn cell<const K: usize>(&self, b: &[T], others: &[(T, &[T]); K], x: &mut [T], j: usize) {
        let (Some(&b), Some(&old)) = (b.get(j), x.get(j)) else { return };
        let mut t = b;
        if let Some(&x) = j.checked_sub(1).and_then(|west| x.get(west)) {
            t -= self.west * x;
        }
        if let Some(&x) = x.get(j + 1) {
            t -= self.east * x;
        }
        for (c, row) in others {
            if let Some(&x) = row.get(j) {
                t -= *c * x;
            }
        }
        if let Some(x) = x.get_mut(j) {
            *x = self.keep * old + self.factor * t;
        }
    }

    /// All cells have a western and an eastern neighbour. Both colours are computed, one is stored: what
    /// it reads of x is not of its colour, so nothing that is read has been written.
    #[inline(always)]
    fn registers<S: Simd, const K: usize>(
        &self,
        simd: S,
        b: &[T],
        others: [(T, &[T]); K],
        x: &mut [T],
        from: usize,
        to: usize,
    ) {
        let lanes = lanes::<T, S>();
        let (odd, parity) = (from % 2, self.parity);
        let mine = T::vchosen(simd, lanes, |lane| (lane + odd) % 2 == parity);
        let (west, east) = (T::splat(simd, self.west), T::splat(simd, self.east));
        let (keep, factor) = (T::splat(simd, self.keep), T::splat(simd, self.factor));
        let len = to.saturating_sub(from);
        let (b, _) = T::split(simd, piece(b, from, len));
        let mut c = [west; K];
        let mut rows = [b; K];
        for (k, (coupling, row)) in others.into_iter().enumerate() {
            c[k] = T::splat(simd, coupling);
            rows[k] = T::split(simd, piece(row, from, len)).0;
            let Some(row) = rows[k].get(..b.len()) else { return };
            rows[k] = row;
        }
        let mut at = from;
        // The west is read a register early: what was just stored would have to be waited for.
        let Some(&first) = one::<T, S>(simd, x, from - 1, lanes) else { return };
        let mut next = first;
        for (i, &b) in b.iter().enumerate() {
            let w = next;
            if let Some(&w) = one::<T, S>(simd, x, at + lanes - 1, lanes) {
                next = w;
            }
            let Some(&e) = one::<T, S>(simd, x, at + 1, lanes) else { return };
            let Some(x) = x.get_mut(at..at + lanes) else { return };
            let Some(x) = T::split_mut(simd, x).0.first_mut() else { return };
            let mut t = T::vsub(simd, b, T::vmul(simd, west, w));
            t = T::vsub(simd, t, T::vmul(simd, east, e));
            for k in 0..K {
                if let Some(&x) = rows[k].get(i) {
                    t = T::vsub(simd, t, T::vmul(simd, c[k], x));
                }
            }
            let new = T::vadd(simd, T::vmul(simd, keep, *x), T::vmul(simd, factor, t));
            *x = T::vselect(simd, mine, new, *x);
            at += lanes;
        }
    }
}

/// The cells of one colour, an even or an odd number, in one row. The vector part runs over all cells, the store over every other.
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
    if let Coefficients::Constant(star) = grid.coefficients
        && around.south.is_some()
        && around.north.is_some()
    {
        let line =
            Line { west: star.west, east: star.east, keep, factor: omega * (T::ONE / star.centre), parity };
        let start = row * grid.columns;
        let (Some(b), Some((behind, rest))) =
            (grid.row_of(rhs, Some(row), 0).get(..), x.split_at_mut_checked(start))
        else {
            return;
        };
        let Some((here, ahead)) = rest.split_at_mut_checked(grid.columns) else { return };
        let (behind, ahead) = (&*behind, &*ahead);
        // A row behind or ahead, by its distance in cells.
        let below = |cells: usize| piece(behind, start.saturating_sub(cells), grid.columns);
        let above = |cells: usize| piece(ahead, cells - grid.columns, grid.columns);
        let plane = [(star.south, below(grid.columns)), (star.north, above(grid.columns))];
        match (around.down, around.up) {
            (None, None) => return line.relax(simd, b, plane, here),
            (Some(_), Some(_)) => {
                let [south, north] = plane;
                let size = grid.rows * grid.columns;
                let space = [south, north, (star.down, below(size)), (star.up, above(size))];
                return line.relax(simd, b, space, here);
            }
            _ => {}
        }
    }
    let mut buffer = [T::ZERO; WINDOW];
    let mut first = 0;
    while first < grid.columns {
        let n = (grid.columns - first).min(WINDOW);
        let start = row * grid.columns + first;
        let q = &mut buffer[..n];
        term_by_term(simd, grid, row, first, omega, inverse, rhs, x, q);
        let Some(x) = x.get_mut(start..start + n) else { return };
        // WINDOW is even, so the parity of a window's first cell is the row's.
        merge(simd, parity, q, x);
        first += n;
    }
}

/// x ← q on every other cell, from cell `parity` on.
#[inline(always)]
fn merge<T: Real, S: Simd>(simd: S, parity: usize, q: &[T], x: &mut [T]) {
    let lanes = lanes::<T, S>();
    let (mut q, mut x) = (q, x);
    if lanes.is_multiple_of(2) {
        let mine = T::vchosen(simd, lanes, |lane| lane % 2 == parity);
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

/// The register at `from`.
#[inline(always)]
fn one<T: Real, S: Simd>(simd: S, x: &[T], from: usize, lanes: usize) -> Option<&T::Vector<S>> {
    T::split(simd, x.get(from..from + lanes)?).0.first()
}
