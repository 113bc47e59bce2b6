//! Stencil passes against plain loops, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::{Level, Real, force_level, levels};

/// A small generator: the tests need numbers, not quality.
struct Numbers(u64);

impl Numbers {
    fn next<T: Real>(&mut self) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::unit_from_bits(self.0) - T::HALF
    }
    fn vector<T: Real>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// The arrays behind a grid with couplings by cell.
struct Cells<T>(Star<Vec<T>>);

impl<T: Real> Cells<T> {
    fn new(numbers: &mut Numbers, n: usize) -> Self {
        let mut array = || numbers.vector::<T>(n);
        let mut star = Star {
            centre: array(),
            west: array(),
            east: array(),
            south: array(),
            north: array(),
            down: array(),
            up: array(),
        };
        for c in &mut star.centre {
            *c += T::from_f64(4.0);
        }
        Cells(star)
    }
    fn star(&self) -> Star<&[T]> {
        let s = &self.0;
        Star {
            centre: &s.centre,
            west: &s.west,
            east: &s.east,
            south: &s.south,
            north: &s.north,
            down: &s.down,
            up: &s.up,
        }
    }
}

/// The definition: one cell's couplings and its neighbours' positions.
struct Plain<'a, T> {
    grid: Grid<'a, T>,
}

impl<T: Real> Plain<'_, T> {
    fn star(&self, k: usize) -> Star<T> {
        match self.grid.coefficients {
            Coefficients::Constant(star) => star,
            Coefficients::PerCell(star) => star.map(|c| c[k]),
        }
    }
    fn neighbours(&self, k: usize) -> Star<Option<usize>> {
        let g = &self.grid;
        let (row, j) = (k / g.columns, k % g.columns);
        let (p, i) = (row / g.rows, row % g.rows);
        let plane = g.rows * g.columns;
        Star {
            centre: Some(k),
            west: (j > 0).then(|| k - 1),
            east: (j + 1 < g.columns).then(|| k + 1),
            south: (i > 0).then(|| k - g.columns),
            north: (i + 1 < g.rows).then(|| k + g.columns),
            down: (p > 0).then(|| k - plane),
            up: (p + 1 < g.planes).then(|| k + plane),
        }
    }
    fn minus(&self, t: T, c: T, neighbour: Option<usize>, x: &[T]) -> T {
        neighbour.map_or(t, |k| t - c * x[k])
    }
    fn apply(&self, x: &[T]) -> Vec<T> {
        (0..x.len())
            .map(|k| {
                let (c, n) = (self.star(k), self.neighbours(k));
                let add = |sum: T, c: T, at: Option<usize>| at.map_or(sum, |k| sum + c * x[k]);
                let sum = add(T::ZERO, c.centre, n.centre);
                let sum = add(add(sum, c.west, n.west), c.east, n.east);
                let sum = add(add(sum, c.south, n.south), c.north, n.north);
                add(add(sum, c.down, n.down), c.up, n.up)
            })
            .collect()
    }
    fn sor(&self, reversed: bool, omega: T, rhs: &[T], x: &mut [T]) {
        let n = x.len();
        for i in 0..n {
            let k = if reversed { n - 1 - i } else { i };
            let (c, at) = (self.star(k), self.neighbours(k));
            let f = omega * (T::ONE / c.centre);
            let constant = matches!(self.grid.coefficients, Coefficients::Constant(_));
            let t = self.minus(rhs[k], c.down, at.down, x);
            let t = self.minus(t, c.up, at.up, x);
            let (old_row, old, new_row, new) = if reversed {
                ((c.south, at.south), (c.west, at.west), (c.north, at.north), (c.east, at.east))
            } else {
                ((c.north, at.north), (c.east, at.east), (c.south, at.south), (c.west, at.west))
            };
            let t = self.minus(t, old_row.0, old_row.1, x);
            let t = self.minus(t, old.0, old.1, x);
            x[k] = if constant {
                let q = (T::ONE - omega) * x[k] + f * t;
                let q = self.minus(q, f * new_row.0, new_row.1, x);
                self.minus(q, f * new.0, new.1, x)
            } else {
                let t = self.minus(t, new_row.0, new_row.1, x);
                let q = (T::ONE - omega) * x[k] + f * t;
                self.minus(q, f * new.0, new.1, x)
            };
        }
    }
    fn red_black(&self, reversed: bool, omega: T, rhs: &[T], x: &mut [T]) {
        for half in 0..2 {
            for k in 0..x.len() {
                let row = k / self.grid.columns;
                let parity = (row / self.grid.rows + row % self.grid.rows + k % self.grid.columns) % 2;
                if (parity == 0) != ((half == 0) != reversed) {
                    continue;
                }
                let (c, at) = (self.star(k), self.neighbours(k));
                let t = self.minus(self.minus(rhs[k], c.west, at.west, x), c.east, at.east, x);
                let t = self.minus(self.minus(t, c.south, at.south, x), c.north, at.north, x);
                let t = self.minus(self.minus(t, c.down, at.down, x), c.up, at.up, x);
                x[k] = (T::ONE - omega) * x[k] + (omega * (T::ONE / c.centre)) * t;
            }
        }
    }
}

fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.bits()).collect()
}

fn shapes() -> Vec<(usize, usize, usize)> {
    if cfg!(miri) {
        return vec![(1, 9, 11), (2, 3, 4)];
    }
    let mut shapes = vec![
        (1, 1, 1),
        (1, 1, 200),
        (1, 200, 1),
        (1, 5, 2),
        (1, 4, 64),
        (1, 8, 65),
        (1, 9, 63),
        (1, 13, 131),
    ];
    for rows in 1..8 {
        for columns in 1..9 {
            shapes.push((1, rows, columns));
        }
    }
    shapes.extend([
        (2, 3, 4),
        (3, 1, 1),
        (3, 4, 5),
        (4, 5, 67),
        (2, 9, 7),
        (1, 4, 58),
        (1, 4, 70),
        (1, 6, 128),
    ]);
    shapes
}

fn every_case<T: Real>(check: impl Fn(Grid<'_, T>, &mut Numbers, &str)) {
    let mut numbers = Numbers(7);
    for (planes, rows, columns) in shapes() {
        let n = planes * rows * columns;
        let cells = Cells::<T>::new(&mut numbers, n);
        let constant = Star {
            centre: T::from_f64(4.3),
            west: numbers.next(),
            east: numbers.next(),
            south: numbers.next(),
            north: numbers.next(),
            down: numbers.next(),
            up: numbers.next(),
        };
        for coefficients in [Coefficients::Constant(constant), Coefficients::PerCell(cells.star())] {
            let grid = Grid { planes, rows, columns, coefficients };
            for level in levels().filter(|&level| !cfg!(miri) || Some(level) == levels().max()) {
                force_level(Some(level));
                let name = format!("{planes}x{rows}x{columns} {level:?}");
                check(grid, &mut numbers, &name);
                force_level(None);
            }
        }
    }
}

fn inverse<T: Real>(grid: Grid<'_, T>) -> Vec<T> {
    let n = grid.planes * grid.rows * grid.columns;
    let plain = Plain { grid };
    (0..n).map(|k| T::ONE / plain.star(k).centre).collect()
}

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
        force_level(Some(Level::Scalar));
        assert_eq!(square.bits(), stencil::residual_square(grid, &b, &x).bits(), "norm {name}");
    });
}

fn sweeps<T: Real>() {
    every_case::<T>(|grid, numbers, name| {
        let n = grid.planes * grid.rows * grid.columns;
        let (x, b) = (numbers.vector::<T>(n), numbers.vector::<T>(n));
        let (omega, inverse) = (T::from_f64(1.3), inverse(grid));
        for reversed in [false, true] {
            let (mut fast, mut plain) = (x.clone(), x.clone());
            stencil::sor_sweep(grid, reversed, omega, &inverse, &b, &mut fast);
            Plain { grid }.sor(reversed, omega, &b, &mut plain);
            assert_eq!(bits(&fast), bits(&plain), "sor {reversed} {name}");
            let (mut fast, mut plain) = (x.clone(), x.clone());
            stencil::red_black_sweep(grid, reversed, omega, &inverse, &b, &mut fast);
            Plain { grid }.red_black(reversed, omega, &b, &mut plain);
            assert_eq!(bits(&fast), bits(&plain), "red-black {reversed} {name}");
        }
    });
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
        force_level(Some(Level::Scalar));
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
