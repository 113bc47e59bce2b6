//! Red-black SOR on a grid of which every rank holds whole layers (rows of a plane, planes of a space).
//!
//! ```text
//! rank 0 │ layers 0 … │ rank 1 │ … │ rank 2 …      the star couples a layer with the one before and the one after
//! ```
//! *k sweeps an exchange.* A red-black sweep carries news two layers far. So a rank that has the 2k layers beyond its
//! border can make k sweeps by itself: what is wrong at the rim of what it holds has not reached its own layers by
//! then. One message a neighbour serves k sweeps, and costs 2k layers of bytes and at most 6k layers of work done
//! twice. k is [`Stop::check_every`](southwell::Stop::check_every), four at most, less where the ranks have few layers.
//!
//! *Overlap.* While the messages are under way, a rank sweeps all its layers as if nothing were beyond the border. When
//! they are there, it does the 2k layers at each border again, from the old values that it kept, in a strip of 6k
//! layers. Ranks of fewer than 4k layers wait for the messages.
//!
//! *Bits.* The iterates are those of `RedBlack` in one piece, whatever the number of ranks: the same products and
//! differences in the same order. The residual is summed by [blocks](super::Partition) of layers, so that it too does
//! not depend on the number of ranks; it differs from the residual of one piece by rounding.
//!
//! *A look* at the residual costs an exchange, which serves the sweeps after it too, and one gather of a number a block.
//!
//! *Memory*: 4 vectors of this rank's cells (x, b, a copy of x, the residual) and up to 30k layers in strips.

mod problem;
mod strip;

pub use problem::{Couplings, Problem, Shape};

use southwell::relaxation::OmegaRule;
use southwell::relaxation::sor::Options;
use southwell::{Observer, Report};
use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::vector;

use super::partition::Sums;
use super::sweeps::{self, Swept};
use super::{Communicator, Fault};
use strip::{Held, Strip};

/// Sweeps an exchange at most: more would share no more passes over memory.
const DEEPEST: usize = 4;

/// Solves by red-black SOR from this rank's x, with the meaning of [`southwell::relaxation::sor::solve`]. Made by all
/// ranks together; all get the same report. The run stops for the observer of any rank, one look later.
///
/// # Errors
/// [`Fault::Refused`] for what [`southwell::relaxation::sor::start`] refuses (x is untouched then), and those of the
/// communicator.
pub fn solve<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    problem: &Problem<'_, C>,
    options: &Options<f64>,
    rule: &mut R,
    x: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let mut part = Part::new(problem, options.stop.check_every.max(1) as usize)?;
    sweeps::solve(&mut part, problem.communicator, &problem.facts, options, rule, x, &mut (), observer)
}

/// What a rank works on.
struct Part<'a, C: ?Sized> {
    problem: &'a Problem<'a, C>,
    layers: usize,
    /// The first layer's number in the whole grid.
    first: usize,
    /// Sweeps an exchange.
    depth: usize,
    strips: Vec<Strip>,
    /// Whether the strips hold what the neighbours have now.
    fresh: bool,
    residual: Vec<f64>,
    sums: Sums,
}

impl<'a, C: Communicator + ?Sized> Part<'a, C> {
    fn new(problem: &'a Problem<'a, C>, together: usize) -> Result<Self, Fault> {
        let rank = problem.communicator.rank();
        let Problem { partition, shape, .. } = problem;
        let own = partition.items_of(rank);
        let depth = if partition.ranks() == 1 {
            together
        } else {
            together.min(DEEPEST).min(partition.fewest() / 2).max(1)
        };
        let mut strips = Vec::new();
        if partition.ranks() > 1 {
            strips = Strip::around(&own, shape, depth, rank, partition.ranks());
            let per_cell = match &problem.couplings {
                Couplings::Constant(_) => None,
                Couplings::PerCell(star) => Some((star, &problem.inverse[..])),
            };
            Strip::fill(&mut strips, problem.communicator, shape, problem.rhs, per_cell)?;
        }
        Ok(Self {
            problem,
            layers: own.len(),
            first: own.start,
            depth,
            strips,
            fresh: false,
            residual: vec![0.0; problem.rhs.len()],
            sums: Sums::new(partition, rank, shape.layer()),
        })
    }

    /// This rank's layers as a grid of their own.
    fn grid(&self) -> Grid<'a, f64> {
        let coefficients = match self.problem.couplings {
            Couplings::Constant(star) => Coefficients::Constant(star),
            Couplings::PerCell(star) => Coefficients::PerCell(star),
        };
        self.problem.shape.grid(self.layers, coefficients)
    }

    /// Whether the layers are too few to work on while waiting.
    fn waits(&self) -> bool {
        self.strips.iter().any(|strip| strip.held == Held::Both)
    }

    /// At most `depth` sweeps.
    fn together(&mut self, reversed: bool, omega: f64, x: &mut [f64], count: usize) -> Result<(), Fault> {
        let (grid, waits, first) = (self.grid(), self.waits(), self.first);
        let Problem { communicator, shape, rhs, inverse, couplings, .. } = self.problem;
        self.strips.iter_mut().for_each(|strip| strip.keep(x, shape.layer()));
        // Local colours are the whole grid's, or the other way round.
        let turned = |first: isize| reversed != (first.rem_euclid(2) == 1);
        let mut own = || {
            if !waits {
                stencil::red_black_sweeps(grid, turned(first as isize), omega, inverse, rhs, x, count);
            }
        };
        if self.fresh || self.strips.is_empty() {
            own();
        } else {
            Strip::exchange(&mut self.strips, *communicator, shape.layer(), &mut own)?;
        }
        for strip in &mut self.strips {
            let turned = turned(strip.first);
            let (strip_grid, inverse, rhs, values) = strip.parts(shape, couplings);
            stencil::red_black_sweeps(strip_grid, turned, omega, inverse, rhs, values, count);
            strip.give(x, shape.layer(), 2 * count);
        }
        self.fresh = false;
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Swept for Part<'_, C> {
    fn sweeps(&mut self, reversed: bool, omega: f64, x: &mut [f64], count: u32) -> Result<(), Fault> {
        let mut left = count as usize;
        while left > 0 {
            let count = left.min(self.depth);
            self.together(reversed, omega, x, count)?;
            left -= count;
        }
        Ok(())
    }

    fn residual_square(&mut self, x: &[f64], flag: bool) -> Result<(f64, bool), Fault> {
        let grid = self.grid();
        let Problem { communicator, shape, rhs, couplings, .. } = self.problem;
        self.strips.iter_mut().for_each(|strip| strip.keep(x, shape.layer()));
        let residual = &mut self.residual;
        let mut own = || stencil::residual(grid, rhs, x, residual);
        if self.fresh || self.strips.is_empty() {
            own();
        } else {
            Strip::exchange(&mut self.strips, *communicator, shape.layer(), &mut own)?;
            self.fresh = true;
        }
        for strip in &mut self.strips {
            strip.residual(shape, couplings, &mut self.residual);
        }
        let residual = &self.residual;
        let square =
            |cells: std::ops::Range<usize>| [vector::dot(&residual[cells.clone()], &residual[cells])];
        let ([total], flag) = self.sums.total(*communicator, flag, square)?;
        Ok((total, flag))
    }

    fn size_square(&mut self, largest: f64) -> Result<f64, Fault> {
        let Problem { communicator, shape, rhs, couplings, .. } = self.problem;
        let whole = shape.grid(shape.layers(), Coefficients::Constant(Star::default()));
        let offset = self.first * shape.layer();
        let size = |cell: usize| {
            let star = match couplings {
                Couplings::Constant(star) => *star,
                Couplings::PerCell(star) => star.map(|c| c.get(cell).copied().unwrap_or(0.0)),
            };
            let grid = Grid { coefficients: Coefficients::Constant(star), ..whole };
            let size = rhs[cell].abs() + (star.centre.abs() + grid.off_diagonal(offset + cell)) * largest;
            size * size
        };
        let ([total], _) = self.sums.total(*communicator, false, |cells| [cells.map(size).sum::<f64>()])?;
        Ok(total)
    }

    fn len(&self) -> usize {
        self.problem.rhs.len()
    }

    fn forget(&mut self) {
        self.fresh = false;
    }
}
