//! Stencil passes against plain loops, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

mod grids;

use grids::{Plain, bits, every_case, inverse, on_scalars};
use southwell_simd::Real;
use southwell_simd::stencil::{self, Coefficients, Grid, Star};

fn products<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let mut y = vec![T::NAN; n];
        stencil::apply(grid, &x, &mut y);
        let expected = Plain { grid }.apply(&x);
        assert_eq!(bits(&y), bits(&expected), "apply {name}");
        let mut r = vec![T::NAN; n];
        stencil::residual(grid, &b, &x, &mut r);
        let expected: Vec<T> = b.iter().zip(&expected).map(|(&b, &a)| b - a).collect();
        assert_eq!(bits(&r), bits(&expected), "residual {name}");
        let square = stencil::residual_square(grid, &b, &x);
        let exact: f64 = r.iter().map(|r| r.to_f64() * r.to_f64()).sum();
        let bound = (n + 4) as f64 * T::EPSILON.to_f64() * exact;
        assert!((square.to_f64() - exact).abs() <= bound, "{square} {exact} {name}");
        on_scalars();
        assert_eq!(square.bits(), stencil::residual_square(grid, &b, &x).bits(), "norm {name}");
    });
}

/// What lies behind the cells of a grid is not of it: neither read nor written.
fn longer<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let more = |x: &[T]| [x, &vec![T::TWO; (grid.rows + 1) * grid.columns]].concat();
        let (mut y, mut long) = (vec![T::NAN; n], vec![T::NAN; n]);
        stencil::apply(grid, &x, &mut y);
        stencil::apply(grid, &more(&x), &mut long);
        assert_eq!(bits(&y), bits(&long), "apply {name}");
        stencil::residual(grid, &b, &x, &mut y);
        stencil::residual(grid, &more(&b), &more(&x), &mut long);
        assert_eq!(bits(&y), bits(&long), "residual {name}");
        let square = stencil::residual_square(grid, &b, &x);
        assert_eq!(square.bits(), stencil::residual_square(grid, &b, &more(&x)).bits(), "norm {name}");
        let (omega, inverse) = (T::from_f64(1.3), inverse(grid));
        for reversed in [false, true] {
            let (mut short, mut long) = (x.clone(), more(&x));
            stencil::sor_sweep(grid, reversed, omega, &inverse, &b, &mut short);
            stencil::sor_sweep(grid, reversed, omega, &inverse, &more(&b), &mut long);
            assert_eq!(bits(&more(&short)), bits(&long), "sor {reversed} {name}");
            let (mut short, mut long) = (x.clone(), more(&x));
            stencil::red_black_sweep(grid, reversed, omega, &inverse, &b, &mut short);
            stencil::red_black_sweep(grid, reversed, omega, &inverse, &more(&b), &mut long);
            assert_eq!(bits(&more(&short)), bits(&long), "red-black {reversed} {name}");
        }
        let (mut t, mut long) = (x.clone(), more(&x));
        stencil::solve_upper(grid, omega, &inverse, &b, &mut t);
        stencil::solve_upper(grid, omega, &inverse, &more(&b), &mut long);
        assert_eq!(bits(&more(&t)), bits(&long), "upper {name}");
        let (mut y, mut w) = (x.clone(), x.clone());
        let (mut long_y, mut long_w) = (more(&x), x.clone());
        stencil::solve_lower(grid, omega, &inverse, &b, &t, &mut y, &mut w);
        stencil::solve_lower(grid, omega, &inverse, &more(&b), &more(&t), &mut long_y, &mut long_w);
        assert_eq!([more(&y), w].map(|x| bits(&x)), [long_y, long_w].map(|x| bits(&x)), "lower {name}");
    });
}

#[test]
fn what_lies_behind_a_grid_stays_out_of_it() {
    longer::<f32>();
    longer::<f64>();
}

/// The passes as methods.
#[test]
fn methods_are_the_passes() {
    every_case::<f64>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<f64>(n), numbers.vector::<f64>(n));
        let (omega, inverse) = (1.3, inverse(grid));
        let [mut y, mut z] = [vec![0.0; n], vec![0.0; n]];
        stencil::apply(grid, &x, &mut y);
        grid.apply(&x, &mut z);
        assert_eq!(y, z, "apply {name}");
        stencil::residual(grid, &b, &x, &mut y);
        grid.residual(&b, &x, &mut z);
        assert_eq!(y, z, "residual {name}");
        assert_eq!(grid.residual_square(&b, &x), stencil::residual_square(grid, &b, &x), "norm {name}");
        stencil::sor_sweeps(grid, true, omega, &inverse, &b, &mut y, 2);
        grid.sor_sweeps(true, omega, &inverse, &b, &mut z, 2);
        assert_eq!(y, z, "sor {name}");
        stencil::solve_upper(grid, omega, &inverse, &b, &mut y);
        grid.solve_upper(omega, &inverse, &b, &mut z);
        assert_eq!(y, z, "upper {name}");
        let [mut lower, mut product] = [x.clone(), x.clone()];
        let [mut l, mut p] = [x.clone(), x.clone()];
        stencil::solve_lower(grid, omega, &inverse, &b, &y, &mut lower, &mut product);
        grid.solve_lower(omega, &inverse, &b, &z, &mut l, &mut p);
        assert_eq!([lower, product], [l, p], "lower {name}");
    });
}

/// |a_kl| over the neighbours of every cell, against the definition of a neighbour.
fn off_diagonals<T: Real>() {
    every_case::<T>(|grid, _, name| {
        let plain = Plain { grid };
        for k in 0..grid.planes * grid.rows * grid.columns {
            let (c, at) = (plain.star(k), plain.neighbours(k));
            let of = |c: T, at: Option<usize>| at.map_or(T::ZERO, |_| c.abs());
            let sum = (of(c.west, at.west) + of(c.east, at.east))
                + (of(c.south, at.south) + of(c.north, at.north))
                + of(c.down, at.down)
                + of(c.up, at.up);
            assert_eq!(grid.off_diagonal(k).bits(), sum.bits(), "{name} {k}");
        }
    });
}

#[test]
fn off_diagonals_are_those_of_the_neighbours() {
    off_diagonals::<f32>();
    off_diagonals::<f64>();
}

/// One sweep in natural and one in red-black order, from x, both ways.
fn check_sweeps<T: Real>(grid: Grid<'_, T>, x: &[T], b: &[T], name: &str) {
    let (omega, inverse) = (T::from_f64(1.3), inverse(grid));
    for reversed in [false, true] {
        let (mut fast, mut plain) = (x.to_vec(), x.to_vec());
        stencil::sor_sweep(grid, reversed, omega, &inverse, b, &mut fast);
        Plain { grid }.sor(reversed, omega, b, &mut plain);
        assert_eq!(bits(&fast), bits(&plain), "sor {reversed} {name}");
        let (mut fast, mut plain) = (x.to_vec(), x.to_vec());
        stencil::red_black_sweep(grid, reversed, omega, &inverse, b, &mut fast);
        Plain { grid }.red_black(reversed, omega, b, &mut plain);
        assert_eq!(bits(&fast), bits(&plain), "red-black {reversed} {name}");
    }
}

fn sweeps<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        check_sweeps(grid, &x, &b, name);
    });
}

/// Zeros of both signs and little else: whatever is left out or added must not turn the sign of one.
fn zeros<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let mut signed = || {
            let signs = numbers.vector::<T>(n);
            signs.into_iter().map(|x| x * T::from_f64(0.0)).collect::<Vec<_>>()
        };
        let (x, b) = (signed(), signed());
        check_sweeps(grid, &x, &b, name);
        let (mut y, expected) = (vec![T::NAN; n], Plain { grid }.apply(&x));
        stencil::apply(grid, &x, &mut y);
        assert_eq!(bits(&y), bits(&expected), "apply {name}");
    });
}

#[test]
fn signs_of_zeros_are_those_of_plain_loops() {
    zeros::<f32>();
    zeros::<f64>();
}

/// (D/ω + U) t = p, (D/ω + L) y = p − K t and w = A t, checked by multiplying out.
fn halves<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let p = numbers.vector::<T>(n);
        let (omega, inverse) = (T::from_f64(1.4), inverse(grid));
        let mut t = vec![T::NAN; n];
        stencil::solve_upper(grid, omega, &inverse, &p, &mut t);
        let (mut y, mut w) = (vec![T::NAN; n], vec![T::NAN; n]);
        stencil::solve_lower(grid, omega, &inverse, &p, &t, &mut y, &mut w);
        let plain = Plain { grid };
        let product = plain.apply(&t);
        let tolerance = 40.0 * T::EPSILON.to_f64();
        for k in 0..n {
            let (c, at) = (plain.star(k), plain.neighbours(k));
            let term = |c: T, k: Option<usize>, x: &[T]| k.map_or(0.0, |k| c.to_f64() * x[k].to_f64());
            let upper = term(c.east, at.east, &t) + term(c.north, at.north, &t) + term(c.up, at.up, &t);
            let lower = term(c.west, at.west, &y) + term(c.south, at.south, &y) + term(c.down, at.down, &y);
            let d = c.centre.to_f64();
            let weight = (2.0 - omega.to_f64()) / omega.to_f64() * d;
            let left = d / omega.to_f64() * t[k].to_f64() + upper - p[k].to_f64();
            assert!(left.abs() < tolerance, "upper {name} {k}: {left}");
            let left = d / omega.to_f64() * y[k].to_f64() + lower - (p[k].to_f64() - weight * t[k].to_f64());
            assert!(left.abs() < tolerance, "lower {name} {k}: {left}");
            let left = w[k].to_f64() - product[k].to_f64();
            assert!(left.abs() < tolerance, "product {name} {k}: {left}");
        }
        let level = [bits(&t), bits(&y), bits(&w)];
        on_scalars();
        stencil::solve_upper(grid, omega, &inverse, &p, &mut t);
        stencil::solve_lower(grid, omega, &inverse, &p, &t, &mut y, &mut w);
        assert_eq!(level, [bits(&t), bits(&y), bits(&w)], "halves {name}");
    });
}

/// After a line sweep with ω = 1 every line solves its own equations; here against a plain Thomas.
fn lines<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let factors = if matches!(grid.coefficients, Coefficients::Constant(_)) { grid.columns } else { n };
        let (mut gamma, mut pivot) = (vec![T::NAN; factors], vec![T::NAN; factors]);
        assert_eq!(stencil::factor_lines(&grid, &mut gamma, &mut pivot), None);
        let mut line = vec![T::NAN; grid.columns];
        let plain = Plain { grid };
        for reversed in [false, true] {
            let mut fast = x.clone();
            stencil::line_sweep(grid, reversed, T::ONE, &gamma, &pivot, &mut line, &b, &mut fast);
            let mut row_by_row = x.clone();
            let rows = grid.planes * grid.rows;
            for i in 0..rows {
                let row = if reversed { rows - 1 - i } else { i };
                let cells = row * grid.columns..(row + 1) * grid.columns;
                row_by_row[cells.clone()].copy_from_slice(&fast[cells.clone()]);
                for k in cells {
                    let (c, at) = (plain.star(k), plain.neighbours(k));
                    let mut r = b[k].to_f64() - c.centre.to_f64() * row_by_row[k].to_f64();
                    for (c, at) in [
                        (c.west, at.west),
                        (c.east, at.east),
                        (c.south, at.south),
                        (c.north, at.north),
                        (c.down, at.down),
                        (c.up, at.up),
                    ] {
                        r -= at.map_or(0.0, |k| c.to_f64() * row_by_row[k].to_f64());
                    }
                    assert!(r.abs() < 40.0 * T::EPSILON.to_f64(), "{name} {k}: {r}");
                }
            }
        }
    });
}

#[test]
fn products_match_plain_loops() {
    products::<f32>();
    products::<f64>();
}

#[test]
fn sweeps_match_plain_loops() {
    sweeps::<f32>();
    sweeps::<f64>();
}

#[test]
fn eisenstat_halves_solve_their_triangles() {
    halves::<f32>();
    halves::<f64>();
}

#[test]
fn a_line_sweep_solves_every_line() {
    lines::<f32>();
    lines::<f64>();
}

/// One line alone: a sweep with another ω moves that much of the way, to the bit.
fn relaxed_lines<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        if grid.planes * grid.rows != 1 {
            return;
        }
        let n = grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let (mut gamma, mut pivot, mut line) = (vec![T::NAN; n], vec![T::NAN; n], vec![T::NAN; n]);
        assert_eq!(stencil::factor_lines(&grid, &mut gamma, &mut pivot), None);
        let (mut whole, mut part, omega) = (vec![T::ZERO; n], x.clone(), T::from_f64(1.3));
        stencil::line_sweep(grid, false, T::ONE, &gamma, &pivot, &mut line, &b, &mut whole);
        stencil::line_sweep(grid, false, omega, &gamma, &pivot, &mut line, &b, &mut part);
        let plain: Vec<T> = x.iter().zip(&whole).map(|(&x, &to)| (T::ONE - omega) * x + omega * to).collect();
        assert_eq!(bits(&part), bits(&plain), "{name}");
    });
}

#[test]
fn a_relaxed_line_sweep_goes_as_far_as_omega_says() {
    relaxed_lines::<f32>();
    relaxed_lines::<f64>();
}

#[test]
fn a_pivot_that_vanishes_is_named_by_its_cell() {
    let (zeros, mut centre) = ([0.0f64; 6], [4.0; 6]);
    let named = |centre: &[f64; 6], west: &[f64; 6], east: &[f64; 6]| {
        let nothing = &zeros[..];
        let star = Star {
            centre: &centre[..],
            west: &west[..],
            east: &east[..],
            south: nothing,
            north: nothing,
            down: nothing,
            up: nothing,
        };
        let grid = Grid { planes: 1, rows: 2, columns: 3, coefficients: Coefficients::PerCell(star) };
        stencil::factor_lines(&grid, &mut [0.0; 6], &mut [0.0; 6])
    };
    assert_eq!(named(&centre, &[1.0; 6], &[1.0; 6]), None);
    for cell in 0..6 {
        // Too small to be divided by, and nothing.
        for bad in [f64::from_bits(1), 0.0] {
            centre[cell] = bad;
            assert_eq!(named(&centre, &zeros, &zeros), Some(cell), "{bad}");
        }
        centre[cell] = 4.0;
    }
    // 1 − 1·(1/1): the second pivot of a row, on whose first cell nothing lies.
    assert_eq!(named(&[1.0, 1.0, 4.0, 1.0, 1.0, 4.0], &[0.0, 1.0, 0.0, 0.0, 0.0, 0.0], &[1.0; 6]), Some(1));
    assert_eq!(named(&[1.0; 6], &[0.0, 0.0, 0.0, 0.0, 0.0, 1.0], &[1.0; 6]), Some(5));
}
