//! Layers at a border between ranks: the neighbour's, and a copy of the own ones that they act on.

use std::ops::Range;

use southwell_simd::stencil::{self, Coefficients, Grid, Star};

use super::{Couplings, Shape};
use crate::cluster::{Communicator, Fault};

/// Whose layers a strip holds besides the own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Those of the rank below.
    Below,
    /// Those of the rank above.
    Above,
    /// All own layers, and those of whoever is beside.
    Both,
}

/// A strip of layers.
#[derive(Debug)]
pub(super) struct Strip {
    pub(super) held: Held,
    /// Number of the first layer in the whole grid.
    pub(super) first: isize,
    layers: usize,
    /// The layers of this strip that are the rank's own, …
    own: Range<usize>,
    /// … where they are among the rank's own, …
    place: usize,
    /// … and how many the rank has.
    all: usize,
    below: Option<usize>,
    above: Option<usize>,
    x: Vec<f64>,
    rhs: Vec<f64>,
    residual: Vec<f64>,
    inverse: Vec<f64>,
    star: Star<Vec<f64>>,
}

/// 2k layers of a neighbour, and 4k own ones, of which the outer half comes out right.
const GHOSTS: usize = 2;
const OWN: usize = 4;

impl Strip {
    /// The strips of a rank that makes `depth` sweeps an exchange.
    pub(super) fn around(
        own: &Range<usize>,
        shape: &Shape,
        depth: usize,
        rank: usize,
        ranks: usize,
    ) -> Vec<Strip> {
        let (ghosts, n) = (GHOSTS * depth, own.len());
        let below = rank.checked_sub(1);
        let above = (rank + 1 < ranks).then_some(rank + 1);
        let make = |held, below: Option<usize>, above: Option<usize>, place: usize, kept: usize| {
            let low = if below.is_some() { ghosts } else { 0 };
            let high = if above.is_some() { ghosts } else { 0 };
            let layers = low + kept + high;
            let cells = layers * shape.layer();
            Strip {
                held,
                first: (own.start + place) as isize - low as isize,
                layers,
                own: low..low + kept,
                place,
                all: n,
                below,
                above,
                x: vec![0.0; cells],
                rhs: vec![0.0; cells],
                residual: vec![0.0; cells],
                inverse: Vec::new(),
                star: Star::default(),
            }
        };
        let kept = OWN * depth;
        if n < kept {
            return vec![make(Held::Both, below, above, 0, n)];
        }
        let low = below.map(|_| make(Held::Below, below, None, 0, kept));
        let high = above.map(|_| make(Held::Above, None, above, n - kept, kept));
        low.into_iter().chain(high).collect()
    }

    /// Copies the own layers in.
    pub(super) fn keep(&mut self, x: &[f64], layer: usize) {
        let own = self.own.start * layer..self.own.end * layer;
        let from = self.place * layer;
        self.x[own.clone()].copy_from_slice(&x[from..from + own.len()]);
    }

    /// Copies the layers that are right out: those that are at most `reach` from a border.
    pub(super) fn give(&self, x: &mut [f64], layer: usize, reach: usize) {
        copy_out(&self.x, self.right(reach), self.own.start, self.place, layer, x);
    }

    /// The layers of this strip that it makes right.
    fn right(&self, reach: usize) -> Range<usize> {
        let reach = reach.min(self.all);
        match self.held {
            Held::Both => self.own.clone(),
            Held::Below => self.own.start..self.own.start + reach,
            Held::Above => self.own.end - reach..self.own.end,
        }
    }

    /// The grid, the reciprocal diagonal, the right-hand side and x.
    pub(super) fn parts<'a>(
        &'a mut self,
        shape: &Shape,
        couplings: &Couplings<'_>,
    ) -> (Grid<'a, f64>, &'a [f64], &'a [f64], &'a mut [f64]) {
        let coefficients = match couplings {
            Couplings::Constant(star) => Coefficients::Constant(*star),
            Couplings::PerCell(_) => Coefficients::PerCell(borrowed(&self.star)),
        };
        (shape.grid(self.layers, coefficients), &self.inverse, &self.rhs, &mut self.x)
    }

    /// Puts the residual of the layers next to a border where it belongs.
    pub(super) fn residual(&mut self, shape: &Shape, couplings: &Couplings<'_>, residual: &mut [f64]) {
        let coefficients = match couplings {
            Couplings::Constant(star) => Coefficients::Constant(*star),
            Couplings::PerCell(_) => Coefficients::PerCell(borrowed(&self.star)),
        };
        stencil::residual(shape.grid(self.layers, coefficients), &self.rhs, &self.x, &mut self.residual);
        copy_out(&self.residual, self.right(1), self.own.start, self.place, shape.layer(), residual);
    }

    /// Sends the own layers at the borders and receives the others', while `meanwhile` works.
    pub(super) fn exchange(
        strips: &mut [Strip],
        communicator: &(impl Communicator + ?Sized),
        layer: usize,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        Self::swap(strips, communicator, layer, |strip| &mut strip.x, meanwhile)
    }

    /// The same for any array of the strips.
    fn swap<'s>(
        strips: &'s mut [Strip],
        communicator: &(impl Communicator + ?Sized),
        layer: usize,
        array: impl Fn(&'s mut Strip) -> &'s mut Vec<f64>,
        meanwhile: &mut dyn FnMut(),
    ) -> Result<(), Fault> {
        let mut sends: Vec<(usize, &[f64])> = Vec::new();
        let mut receives: Vec<(usize, &mut [f64])> = Vec::new();
        for strip in strips {
            let (below, above, own) = (strip.below, strip.above, strip.own.clone());
            let ghosts = if below.is_some() { own.start } else { strip.layers - own.end };
            let (low, rest) = array(strip).split_at_mut(own.start * layer);
            let (own, high) = rest.split_at_mut(own.len() * layer);
            let (own, ghosts) = (&*own, ghosts * layer);
            if let Some(rank) = below {
                sends.push((rank, &own[..ghosts]));
                receives.push((rank, low));
            }
            if let Some(rank) = above {
                sends.push((rank, &own[own.len() - ghosts..]));
                receives.push((rank, high));
            }
        }
        communicator.exchange(&sends, &mut receives, meanwhile)
    }

    /// Fetches what does not change during a solve: the right-hand side and, where it varies, the star.
    pub(super) fn fill(
        strips: &mut [Strip],
        communicator: &(impl Communicator + ?Sized),
        shape: &Shape,
        rhs: &[f64],
        per_cell: Option<(&Star<&[f64]>, &[f64])>,
    ) -> Result<(), Fault> {
        let layer = shape.layer();
        let mut fetch = |values: &[f64], array: fn(&mut Strip) -> &mut Vec<f64>| {
            if values.is_empty() {
                return Ok(());
            }
            for strip in &mut *strips {
                let own = strip.own.start * layer..strip.own.end * layer;
                let (cells, from) = (strip.layers * layer, strip.place * layer);
                let target = array(strip);
                target.resize(cells, 0.0);
                target[own.clone()].copy_from_slice(&values[from..from + own.len()]);
            }
            Self::swap(strips, communicator, layer, array, &mut || ())
        };
        fetch(rhs, |strip| &mut strip.rhs)?;
        let Some((star, inverse)) = per_cell else { return Ok(()) };
        fetch(inverse, |strip| &mut strip.inverse)?;
        fetch(star.centre, |strip| &mut strip.star.centre)?;
        fetch(star.west, |strip| &mut strip.star.west)?;
        fetch(star.east, |strip| &mut strip.star.east)?;
        fetch(star.south, |strip| &mut strip.star.south)?;
        fetch(star.north, |strip| &mut strip.star.north)?;
        if matches!(shape, Shape::Space { .. }) {
            fetch(star.down, |strip| &mut strip.star.down)?;
            fetch(star.up, |strip| &mut strip.star.up)?;
        }
        Ok(())
    }
}

/// Copies layers of a strip to where they are among the rank's own.
fn copy_out(from: &[f64], layers: Range<usize>, own: usize, place: usize, layer: usize, to: &mut [f64]) {
    let target = (place + layers.start - own) * layer;
    let cells = layers.start * layer..layers.end * layer;
    to[target..target + cells.len()].copy_from_slice(&from[cells]);
}

fn borrowed(star: &Star<Vec<f64>>) -> Star<&[f64]> {
    Star {
        centre: &star.centre,
        west: &star.west,
        east: &star.east,
        south: &star.south,
        north: &star.north,
        down: &star.down,
        up: &star.up,
    }
}
