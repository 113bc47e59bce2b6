//! The halves of SSOR in strips of a grid, against the halves of the whole, bit for bit.
#![cfg(feature = "force-level")]

mod grids;

use std::ops::Range;

use grids::{Cells, Numbers, bits, inverse, on_every_path};
use southwell_simd::Real;
use southwell_simd::stencil::{self, CUT, Coefficients, Grid, Star, Strip};

/// The part of every row, rows in the direction of travel.
fn pieces<'x, T>(
    grid: &Grid<'_, T>,
    (rows, columns): &(Range<usize>, Range<usize>),
    reversed: bool,
    x: &'x mut [T],
) -> Vec<&'x mut [T]> {
    let of = x.chunks_mut(grid.columns).enumerate().filter(|(row, _)| rows.contains(&(row % grid.rows)));
    let mut pieces: Vec<_> = of.map(|(_, row)| &mut row[columns.clone()]).collect();
    if reversed {
        pieces.reverse();
    }
    pieces
}

/// All parts, one after the other, each `step` rows at a time; what they wait for is taken from `solved`, which is the
/// answer, so that no part can lean on what another one has left in memory.
fn in_strips<T: Real>(
    grid: Grid<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    lower: Option<&[T]>,
    parts: &[(Range<usize>, Range<usize>)],
    step: usize,
    solved: &[T],
) -> [Vec<T>; 2] {
    let reversed = lower.is_none();
    let (mut x, mut w) = (vec![T::NAN; p.len()], vec![T::NAN; p.len()]);
    for part in parts {
        let (rows, columns) = part;
        let all = grid.planes * rows.len();
        let (mut own, mut products) = (x.clone(), w.clone());
        let (mut own_pieces, mut w_pieces) =
            (pieces(&grid, part, reversed, &mut own), pieces(&grid, part, reversed, &mut products));
        // By bands a call stays in a plane.
        let step = if rows.len() < grid.rows { rows.len() } else { step };
        for start in (0..all).step_by(step) {
            let now = start..(start + step).min(all);
            let row = |k: usize| {
                let (plane, i) = (k / rows.len(), k % rows.len());
                match reversed {
                    true => (grid.planes - 1 - plane) * grid.rows + rows.end - 1 - i,
                    false => plane * grid.rows + rows.start + i,
                }
            };
            let before = |k: usize| match reversed {
                true if columns.end < grid.columns => solved[row(k) * grid.columns + columns.end],
                false if columns.start > 0 => solved[row(k) * grid.columns + columns.start - 1],
                _ => T::ZERO,
            };
            let mut entries: Vec<T> = now.clone().map(before).collect();
            let first = row(now.start);
            let behind = match reversed {
                true if rows.end < grid.rows => first + 1..first + 2,
                false if rows.start > 0 => first - 1..first,
                _ => 0..0,
            };
            // Of the row behind, the strip's columns.
            let behind = behind.last().map_or(&[][..], |row| &solved[row * grid.columns..][columns.clone()]);
            let strip = Strip {
                rows: rows.clone(),
                columns: columns.clone(),
                pieces: &mut own_pieces,
                now: now.clone(),
                entries: &mut entries,
                behind,
            };
            match lower {
                None => stencil::solve_upper_strip(grid, omega, inverse, p, strip),
                Some(t) => stencil::solve_lower_strip(grid, omega, inverse, p, t, strip, &mut w_pieces),
            }
            for (k, entry) in now.zip(&entries) {
                let piece = &own_pieces[k];
                let last = if reversed { piece.first() } else { piece.last() };
                assert_eq!(last.map(|x| x.bits()), Some(entry.bits()));
            }
        }
        (x, w) = (own, products);
    }
    [x, w]
}

fn check<T: Real>(planes: usize, rows: usize, columns: usize, step: usize) {
    let mut numbers = Numbers(columns as u64);
    let n = planes * rows * columns;
    let c = |x: f64| T::from_f64(x);
    let star = Star {
        centre: c(4.5),
        west: c(-1.25),
        east: c(-0.75),
        south: c(-0.5),
        north: c(0.875),
        down: c(-0.25),
        up: c(0.375),
    };
    let cells = Cells::new(&mut numbers, n);
    let (p, omega) = (numbers.vector::<T>(n), c(1.4));
    for (kind, coefficients) in
        [("constant", Coefficients::Constant(star)), ("by cells", Coefficients::PerCell(cells.star()))]
    {
        let grid = Grid { planes, rows, columns, coefficients };
        let inverse = inverse(grid);
        on_every_path(|path| {
            let name = format!("{planes} x {rows} x {columns}, {path}, {kind}");
            let (mut t, mut y, mut w) = (vec![T::NAN; n], vec![T::NAN; n], vec![T::NAN; n]);
            stencil::solve_upper(grid, omega, &inverse, &p, &mut t);
            stencil::solve_lower(grid, omega, &inverse, &p, &t, &mut y, &mut w);
            // Columns, counted from where rows begin; bands of rows.
            let cuts = [0, (columns / CUT).min(1) * CUT, columns / CUT * CUT, columns];
            let from_left = cuts.windows(2).map(|c| (0..rows, c[0]..c[1]));
            let from_right = cuts.windows(2).map(|c| (0..rows, columns - c[1]..columns - c[0]));
            let bands = [0..rows / 3, rows / 3..rows].map(|band| (band, 0..columns));
            let some = |part: &(Range<usize>, Range<usize>)| !part.0.is_empty() && !part.1.is_empty();
            let [left, right, bands]: [Vec<_>; 3] = [
                from_left.filter(some).collect(),
                from_right.filter(some).collect(),
                bands.into_iter().filter(some).collect(),
            ];
            let cut = |columns: &[(Range<usize>, Range<usize>)]| -> Vec<_> {
                let within = |(rows, _): &(Range<usize>, _)| {
                    columns.iter().map(|(_, run)| (rows.clone(), run.clone())).collect::<Vec<_>>()
                };
                bands.iter().flat_map(within).collect()
            };
            for parts in [&right, &bands, &cut(&right)] {
                let [found, _] = in_strips(grid, omega, &inverse, &p, None, parts, step, &t);
                assert!(bits(&found) == bits(&t), "upper {name} {parts:?}");
            }
            for parts in [&left, &bands, &cut(&left)] {
                let [found, product] = in_strips(grid, omega, &inverse, &p, Some(&t), parts, step, &y);
                assert!(bits(&found) == bits(&y), "lower {name} {parts:?}");
                assert!(bits(&product) == bits(&w), "product {name} {parts:?}");
            }
            let all = planes * rows;
            let mut product = vec![T::NAN; n];
            for some in [0..all / 3, all / 3..all] {
                let of = &mut product[some.start * columns..some.end * columns];
                stencil::lower_product_strip(grid, omega, &p, &t, some, of);
            }
            assert!(bits(&product) == bits(&w), "product of rows {name}");
        });
    }
}

#[test]
fn strips_have_the_bits_of_the_whole() {
    // Miri is slow.
    let shapes: &[(usize, usize, usize, usize)] = if cfg!(miri) {
        &[(1, 2, 70, 1), (2, 3, 9, 2)]
    } else {
        &[
            (1, 1, 64, 1),
            (1, 7, 65, 3),
            (1, 5, 127, 2),
            (1, 9, 128, 9),
            (1, 4, 201, 1),
            (1, 16, 275, 16),
            (2, 3, 64, 2),
            (3, 4, 145, 5),
            (4, 7, 17, 4),
            (5, 3, 1, 7),
        ]
    };
    for &(planes, rows, columns, step) in shapes {
        check::<f32>(planes, rows, columns, step);
        check::<f64>(planes, rows, columns, step);
    }
}
