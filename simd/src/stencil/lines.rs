//! Line SOR: all cells of a row at once, by the Thomas algorithm (Varga 1962, §6.4).
//!
//! ```text
//! m_0 = c_0,  γ_j = e_j/m_j,  m_{j+1} = c_{j+1} − w_{j+1} γ_j              (factored once)
//! d = (((b − south) − north) − down) − up                                 (all other rows)
//! δ_j = (d_j − w_j δ_{j−1})·(1/m_j),  s_j = δ_j − γ_j s_{j+1},  x ← (1 − ω)·x + ω·s
//! ```
//! Constant couplings need one row of factors, couplings by cell one for every row.

use pulp::Simd;

use super::sor::copy;
use super::star::sub_scaled;
use super::{Coupling, Grid, piece};
use crate::Real;
use crate::dispatch::pass;
use crate::paths;

/// Factorises the rows: γ and 1/m, each of one row (constant couplings) or of all rows.
///
/// Returns the first cell whose pivot is zero or not finite. Cost per cell: 3 r, 2 w, one division.
pub fn factor_lines<T: Real>(grid: &Grid<'_, T>, gamma: &mut [T], pivot: &mut [T]) -> Option<usize> {
    let columns = grid.columns.max(1);
    for (row, gamma) in gamma.chunks_exact_mut(columns).enumerate() {
        let Some(pivot) = pivot.get_mut(row * columns..(row + 1) * columns) else { break };
        let star = grid.coefficients.from(row * grid.columns);
        let mut before = T::ZERO;
        for (j, (gamma, pivot)) in gamma.iter_mut().zip(pivot).enumerate() {
            let m = value(star.centre, j) - value(star.west, j) * before;
            *pivot = T::ONE / m;
            *gamma = if j + 1 < columns { value(star.east, j) * *pivot } else { T::ZERO };
            if m == T::ZERO || !pivot.is_finite() {
                return Some(row * columns + j);
            }
            before = *gamma;
        }
    }
    None
}

#[inline(always)]
fn value<T: Real>(coupling: Coupling<'_, T>, j: usize) -> T {
    match coupling {
        Coupling::Uniform(c) => c,
        Coupling::Cells(c) => c.get(j).copied().unwrap_or(T::ZERO),
    }
}

pass! {
    /// One sweep over all lines in place, from the first or (`reversed`) from the last; `line` is
    /// scratch of one row.
    /// Cost per cell, constant: 2 r, 1 w (and the factors from cache), 17 operations, six of them serial.
    short(paths::small_by_lines(&grid)) pub fn line_sweep<'a, T>(
        grid: Grid<'a, T>,
        reversed: bool,
        omega: T,
        gamma: &'a [T],
        pivot: &'a [T],
        line: &'a mut [T],
        rhs: &'a [T],
        x: &'a mut [T],
    ) -> () = kernel
}

#[inline(always)]
fn kernel<T: Real, S: Simd>(
    simd: S,
    grid: Grid<'_, T>,
    reversed: bool,
    omega: T,
    gamma: &[T],
    pivot: &[T],
    line: &mut [T],
    rhs: &[T],
    x: &mut [T],
) {
    let (rows, columns, keep) = (grid.planes * grid.rows, grid.columns, T::ONE - omega);
    let one_row_of_factors = gamma.len() == columns;
    for i in 0..rows {
        let row = if reversed { rows.saturating_sub(i + 1) } else { i };
        let start = row * columns;
        let around = grid.around(row);
        let coupling = grid.coefficients.from(start);
        let factors = if one_row_of_factors { 0 } else { start };
        let (gamma, pivot) = (piece(gamma, factors, columns), piece(pivot, factors, columns));
        copy(grid.row_of(rhs, Some(row), 0), line);
        sub_scaled(simd, coupling.south, grid.row_of(x, around.south, 0), line);
        sub_scaled(simd, coupling.north, grid.row_of(x, around.north, 0), line);
        sub_scaled(simd, coupling.down, grid.row_of(x, around.down, 0), line);
        sub_scaled(simd, coupling.up, grid.row_of(x, around.up, 0), line);
        let mut before = T::ZERO;
        for (j, (d, &pivot)) in line.iter_mut().zip(pivot).enumerate() {
            before = (*d - value(coupling.west, j) * before) * pivot;
            *d = before;
        }
        let Some(x) = x.get_mut(start..start + columns) else { return };
        let mut after = T::ZERO;
        for ((x, &delta), &gamma) in x.iter_mut().zip(&*line).zip(gamma).rev() {
            after = delta - gamma * after;
            *x = keep * *x + omega * after;
        }
    }
}
