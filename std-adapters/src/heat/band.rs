//! The equation on some rows of the grid, or on all: where it starts, its matrix, its right-hand side.

use core::f64::consts::PI;

use southwell::linear::Star;

use super::{DT, diffusion};

/// Rows `first..first + rows` of a grid of `side` × `side` interior points, `dx` apart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Band {
    pub(crate) side: usize,
    pub(crate) first: usize,
    pub(crate) rows: usize,
    pub(crate) dx: f64,
}

/// The smooth bump of radius ρ, given the squared distance to its centre.
fn bump(distance_square: f64, radius: f64) -> f64 {
    let s = distance_square / (radius * radius);
    if s < 1.0 { libm::exp(1.0 - 1.0 / (1.0 - s)) } else { 0.0 }
}

/// The middle of the step that begins at `time`, where everything is evaluated.
fn middle(time: f64) -> f64 {
    time + DT / 2.0
}

impl Band {
    /// x and y of a point, by its row in the grid.
    fn point(&self, i: usize, j: usize) -> (f64, f64) {
        ((i + 1) as f64 * self.dx, (j + 1) as f64 * self.dx)
    }

    /// u(0, p)
    pub(crate) fn start(&self) -> Vec<f64> {
        let mut u = Vec::with_capacity(self.rows * self.side);
        for i in self.first..self.first + self.rows {
            for j in 0..self.side {
                let (x, y) = self.point(i, j);
                u.push(bump((x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5), 0.25));
            }
        }
        u
    }

    /// a of the step that begins at `time`.
    pub(crate) fn coupling(&self, time: f64) -> f64 {
        0.5 * diffusion(middle(time)) * DT / (self.dx * self.dx)
    }

    /// (1 + 4a) I − a Σ
    pub(crate) fn star(a: f64) -> Star<f64> {
        Star { centre: 1.0 + 4.0 * a, west: -a, east: -a, south: -a, north: -a, ..Star::default() }
    }

    /// ((1 − 4a) I + a Σ) u in row `i` of the band, into `rhs`; `below` and `above` are the rows beside the band,
    /// read where the grid goes on there.
    pub(crate) fn explicit(
        &self,
        a: f64,
        u: &[f64],
        i: usize,
        (below, above): (&[f64], &[f64]),
        rhs: &mut [f64],
    ) {
        let side = self.side;
        for j in 0..side {
            let k = i * side + j;
            let mut around = 0.0;
            if j > 0 {
                around += u[k - 1];
            }
            if j + 1 < side {
                around += u[k + 1];
            }
            if self.first + i > 0 {
                around += if i > 0 { u[k - side] } else { below[j] };
            }
            if self.first + i + 1 < side {
                around += if i + 1 < self.rows { u[k + side] } else { above[j] };
            }
            rhs[k] = (1.0 - 4.0 * a) * u[k] + a * around;
        }
    }

    /// Adds dt F of the step that begins at `time`. The source is a moving bump: only the cells under it are touched.
    pub(crate) fn add_source(&self, time: f64, rhs: &mut [f64]) {
        let h = middle(time);
        let (cx, cy) = (0.5 + libm::cos(16.0 * PI * h) / 4.0, 0.5 + libm::sin(16.0 * PI * h) / 4.0);
        let radius = 0.125;
        let span = |c: f64| {
            let first = ((c - radius) / self.dx - 1.0).floor().max(0.0) as usize;
            let last = ((c + radius) / self.dx).ceil().max(0.0) as usize;
            first..last.min(self.side)
        };
        for i in span(cx).filter(|i| (self.first..self.first + self.rows).contains(i)) {
            for j in span(cy) {
                let (x, y) = self.point(i, j);
                let distance_square = (x - cx) * (x - cx) + (y - cy) * (y - cy);
                rhs[(i - self.first) * self.side + j] += DT * (32.0 * bump(distance_square, radius));
            }
        }
    }
}
