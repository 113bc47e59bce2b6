//! Grids of many shapes and the plain loops that define the passes over them.
#![allow(dead_code)] // Every test program uses a part of it.

use southwell_simd::stencil::{Coefficients, Grid, Star};
use southwell_simd::{Level, Real, force_bare, force_far, force_level, levels};

/// A small generator: the tests need numbers, not quality.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next<T: Real>(&mut self) -> T {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        T::unit_from_bits(self.0) - T::HALF
    }
    pub(crate) fn vector<T: Real>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| self.next()).collect()
    }
}

/// The arrays behind a grid with couplings by cell.
pub(crate) struct Cells<T>(pub(crate) Star<Vec<T>>);

impl<T: Real> Cells<T> {
    pub(crate) fn new(numbers: &mut Numbers, n: usize) -> Self {
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
    pub(crate) fn star(&self) -> Star<&[T]> {
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
pub(crate) struct Plain<'a, T> {
    pub(crate) grid: Grid<'a, T>,
}

impl<T: Real> Plain<'_, T> {
    pub(crate) fn star(&self, k: usize) -> Star<T> {
        match self.grid.coefficients {
            Coefficients::Constant(star) => star,
            Coefficients::PerCell(star) => star.map(|c| c[k]),
        }
    }
    pub(crate) fn neighbours(&self, k: usize) -> Star<Option<usize>> {
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
    pub(crate) fn minus(&self, t: T, c: T, neighbour: Option<usize>, x: &[T]) -> T {
        neighbour.map_or(t, |k| t - c * x[k])
    }
    pub(crate) fn apply(&self, x: &[T]) -> Vec<T> {
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
    pub(crate) fn sor(&self, reversed: bool, omega: T, rhs: &[T], x: &mut [T]) {
        if matches!(self.grid.coefficients, Coefficients::Constant(_)) {
            return self.sor_by_rows(reversed, omega, rhs, x);
        }
        let n = x.len();
        for i in 0..n {
            let k = if reversed { n - 1 - i } else { i };
            let (c, at) = (self.star(k), self.neighbours(k));
            let f = omega * (T::ONE / c.centre);
            let t = self.minus(rhs[k], c.down, at.down, x);
            let t = self.minus(t, c.up, at.up, x);
            let (old_row, old, new_row, new) = Self::order(reversed, c, at);
            let t = self.minus(t, old_row.0, old_row.1, x);
            let t = self.minus(t, old.0, old.1, x);
            let t = self.minus(t, new_row.0, new_row.1, x);
            let q = (T::ONE - omega) * x[k] + f * t;
            // Before the first cell of a row is +0, as with constant couplings.
            x[k] = q - (f * new.0) * new.1.map_or(T::ZERO, |k| x[k]);
        }
    }
    /// The row ahead, the cell ahead, the row behind, the cell behind.
    fn order(reversed: bool, c: Star<T>, at: Star<Option<usize>>) -> Four<T> {
        if reversed {
            ((c.south, at.south), (c.west, at.west), (c.north, at.north), (c.east, at.east))
        } else {
            ((c.north, at.north), (c.east, at.east), (c.south, at.south), (c.west, at.west))
        }
    }
    /// Constant couplings: what is known of a row, then its recurrence in doubled blocks of eight.
    fn sor_by_rows(&self, reversed: bool, omega: T, rhs: &[T], x: &mut [T]) {
        let columns = self.grid.columns;
        let rows = x.len() / columns.max(1);
        for i in 0..rows {
            let row = if reversed { rows - 1 - i } else { i };
            // The cells of the row in the direction of travel.
            let cells: Vec<usize> =
                (0..columns).map(|j| row * columns + if reversed { columns - 1 - j } else { j }).collect();
            let mut along = T::ZERO;
            let mut q: Vec<T> = vec![];
            for &k in &cells {
                let (c, at) = (self.star(k), self.neighbours(k));
                let f = omega * (T::ONE / c.centre);
                let t = self.minus(rhs[k], c.down, at.down, x);
                let t = self.minus(t, c.up, at.up, x);
                let (old_row, old, new_row, new) = Self::order(reversed, c, at);
                let t = self.minus(t, old_row.0, old_row.1, x);
                let t = self.minus(t, old.0, old.1, x);
                let known = (T::ONE - omega) * x[k] + f * t;
                q.push(self.minus(known, f * new_row.0, new_row.1, x));
                along = f * new.0;
            }
            for (&k, value) in cells.iter().zip(doubled(along, &q)) {
                x[k] = value;
            }
        }
    }
    pub(crate) fn red_black(&self, reversed: bool, omega: T, rhs: &[T], x: &mut [T]) {
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

/// A coupling and its neighbour, four times.
type Four<T> = ((T, Option<usize>), (T, Option<usize>), (T, Option<usize>), (T, Option<usize>));

/// x_j = q_j − c·x_{j−1} in blocks of eight by recursive doubling.
pub(crate) fn doubled<T: Real>(c: T, q: &[T]) -> Vec<T> {
    let (c2, c4) = (c * c, (c * c) * (c * c));
    let mut x = vec![];
    let mut last = T::ZERO;
    for block in q.chunks(8) {
        let at = |y: &[T], i: usize, by: usize, c: T| if i >= by { y[i] + c * y[i - by] } else { y[i] };
        let y: Vec<T> =
            (0..block.len()).map(|i| if i >= 1 { block[i] - c * block[i - 1] } else { block[i] }).collect();
        let y: Vec<T> = (0..block.len()).map(|i| at(&y, i, 2, c2)).collect();
        let y: Vec<T> = (0..block.len()).map(|i| at(&y, i, 4, c4)).collect();
        let mut power = -c;
        for (i, y) in y.into_iter().enumerate() {
            power = if i == 0 { -c } else { power * -c };
            x.push(y + power * last);
        }
        last = x[x.len() - 1];
    }
    x
}

pub(crate) fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.bits()).collect()
}

pub(crate) fn shapes() -> Vec<(usize, usize, usize)> {
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
        (1, 7, 300),
        (3, 2, 100),
        (5, 1, 97),
    ]);
    shapes
}

pub(crate) fn every_case<T: Real>(check: impl Fn(Grid<'_, T>, &mut Numbers, &str)) {
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
            on_every_path(|path| check(grid, &mut numbers, &format!("{planes}x{rows}x{columns} {path}")));
        }
    }
}

/// Runs a check on every instruction set of the machine, by the loops of cores without an operating system, and as if all came
/// from memory.
pub(crate) fn on_every_path(mut check: impl FnMut(&str)) {
    for level in levels().filter(|&level| !cfg!(miri) || Some(level) == levels().max()) {
        force_level(Some(level));
        check(&format!("{level:?}"));
    }
    force_level(None);
    if cfg!(miri) {
        return; // There is no `unsafe` in what follows.
    }
    force_level(Some(Level::Scalar));
    force_bare(true);
    check("bare");
    force_bare(false);
    force_level(None);
    force_far(Some(1));
    check("from memory");
    force_far(None);
}

/// Goes on with the plainest of the host's own paths, to compare with.
pub(crate) fn on_scalars() {
    force_bare(false);
    force_level(Some(Level::Scalar));
}

pub(crate) fn inverse<T: Real>(grid: Grid<'_, T>) -> Vec<T> {
    let n = grid.planes * grid.rows * grid.columns;
    let plain = Plain { grid };
    (0..n).map(|k| T::ONE / plain.star(k).centre).collect()
}
