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

use southwell::relaxation::OmegaRule;
use southwell::relaxation::sor::Options;
use southwell::{DiagonalFault, Error, Observer, Report};
use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::vector;

use super::partition::{Partition, Sums};
use super::strip::{Held, Strip};
use super::sweeps::{self, Facts, Swept};
use super::{Communicator, Fault, agree};

/// The whole grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A plane of `rows × columns` cells: a five-point star; a layer is a row.
    Plane {
        /// Rows, which are divided among the ranks.
        rows: usize,
        /// Columns: neighbours in memory.
        columns: usize,
    },
    /// `planes × rows × columns` cells: a seven-point star; a layer is a plane.
    Space {
        /// Planes, which are divided among the ranks.
        planes: usize,
        /// Rows of a plane.
        rows: usize,
        /// Columns of a row.
        columns: usize,
    },
}

impl Shape {
    /// Layers, which are divided among the ranks.
    #[must_use]
    pub fn layers(&self) -> usize {
        match *self {
            Shape::Plane { rows, .. } => rows,
            Shape::Space { planes, .. } => planes,
        }
    }

    /// Cells of a layer.
    #[must_use]
    pub fn layer(&self) -> usize {
        match *self {
            Shape::Plane { columns, .. } => columns,
            Shape::Space { rows, columns, .. } => rows * columns,
        }
    }

    /// So many layers of it.
    pub(super) fn grid<'a>(&self, layers: usize, coefficients: Coefficients<'a, f64>) -> Grid<'a, f64> {
        match *self {
            Shape::Plane { columns, .. } => Grid { planes: 1, rows: layers, columns, coefficients },
            Shape::Space { rows, columns, .. } => Grid { planes: layers, rows, columns, coefficients },
        }
    }
}

/// How a cell is coupled to itself and to its neighbours.
#[derive(Clone, Copy, Debug)]
pub enum Couplings<'a> {
    /// The same star in every cell.
    Constant(Star<f64>),
    /// One array a direction, for the cells of this rank; `down` and `up` are not read in a plane. Entries that
    /// lead out of the whole grid are not read.
    PerCell(Star<&'a [f64]>),
}

/// The part of A x = b that this rank has.
#[derive(Debug)]
pub struct Problem<'a, C: ?Sized> {
    communicator: &'a C,
    partition: Partition,
    shape: Shape,
    couplings: Couplings<'a>,
    inverse: Vec<f64>,
    rhs: &'a [f64],
    facts: Facts,
}

/// Rows that the coupling is the mean of, at most, as in one piece.
const SAMPLE: usize = 64;
/// Sweeps an exchange at most: more would share no more passes over memory.
const DEEPEST: usize = 4;

impl<'a, C: Communicator + ?Sized> Problem<'a, C> {
    /// The layers of each rank: at least two.
    ///
    /// # Errors
    /// [`Fault::Ranks`].
    pub fn partition(shape: &Shape, ranks: usize) -> Result<Partition, Fault> {
        let partition = Partition::new(shape.layers(), ranks)?;
        // Two layers are what a sweep needs of a neighbour.
        if ranks > 1 && partition.fewest() < 2 {
            return Err(Fault::Ranks { ranks, most: (shape.layers() / 2).max(1) });
        }
        Ok(partition)
    }

    /// Checks this rank's right-hand side (and couplings), given for its layers. Made by all ranks together; cost:
    /// a pass over both, one reduction and one gather.
    ///
    /// # Errors
    /// [`Fault::Ranks`]; [`Fault::Refused`] for what [`southwell::relaxation::Problem::new`] refuses, with cells
    /// counted from the first of the rank; those of the communicator.
    pub fn new(
        communicator: &'a C,
        shape: Shape,
        couplings: Couplings<'a>,
        rhs: &'a [f64],
    ) -> Result<Self, Fault> {
        let rank = communicator.rank();
        let partition = Self::partition(&shape, communicator.size())?;
        let cells = partition.items_of(rank).len() * shape.layer();
        let inverse = agree(communicator, check(&shape, &couplings, rhs, cells))?;
        let mut problem = Self {
            communicator,
            partition,
            shape,
            couplings,
            inverse,
            rhs,
            facts: Facts { order: shape.layers() * shape.layer(), rhs_norm: 0.0, coupling: 0.0 },
        };
        let mut sums = Sums::new(&problem.partition, rank, shape.layer());
        let ([square], _) =
            sums.total(communicator, false, |cells| [vector::dot(&rhs[cells.clone()], &rhs[cells])])?;
        problem.facts.rhs_norm = square.sqrt();
        let norm = problem.facts.rhs_norm;
        let mut largest = [rhs.iter().fold(0.0, |most: f64, b| most.max(b.abs()))];
        if norm == 0.0 {
            communicator.max(&mut largest)?;
        }
        if !norm.is_finite() || norm == 0.0 && largest[0] != 0.0 {
            let requirement = "has a norm that overflows or underflows; scale the system";
            let error = Error::Option { name: "rhs", requirement };
            return Err(Fault::Refused { rank: 0, message: error.to_string() });
        }
        problem.facts.coupling = problem.coupling()?;
        Ok(problem)
    }

    /// The layers of the ranks.
    #[must_use]
    pub fn layers(&self) -> &Partition {
        &self.partition
    }

    /// What a rule sees of the matrix ([`Sight::coupling`](southwell::omega::Sight::coupling)); free.
    #[must_use]
    pub fn coupling_seen(&self) -> f64 {
        self.facts.coupling
    }

    /// The mean coupling of rows that are spread over the whole grid. Free for a constant star; else one gather.
    fn coupling(&self) -> Result<f64, Fault> {
        let n = self.facts.order;
        let stride = (n / SAMPLE).max(1);
        let sampled = (stride / 2..n).step_by(stride);
        let rows = sampled.clone().count();
        if rows == 0 {
            return Ok(0.0);
        }
        let ratios: Vec<f64> = match self.couplings {
            Couplings::Constant(star) => {
                let grid = self.shape.grid(self.shape.layers(), Coefficients::Constant(star));
                sampled.map(|cell| grid.off_diagonal(cell) / star.centre.abs()).collect()
            }
            Couplings::PerCell(star) => {
                let layer = self.shape.layer();
                let cells = |rank: usize| {
                    let layers = self.partition.items_of(rank);
                    layers.start * layer..layers.end * layer
                };
                let mine = cells(self.communicator.rank());
                let whole = self.shape.grid(self.shape.layers(), Coefficients::Constant(Star::default()));
                let ratio = |cell: usize| {
                    let here = star.map(|c| c.get(cell - mine.start).copied().unwrap_or(0.0));
                    let grid = Grid { coefficients: Coefficients::Constant(here), ..whole };
                    grid.off_diagonal(cell) / here.centre.abs()
                };
                let own: Vec<f64> = sampled.clone().filter(|cell| mine.contains(cell)).map(ratio).collect();
                let counts: Vec<usize> = (0..self.partition.ranks())
                    .map(|rank| sampled.clone().filter(|cell| cells(rank).contains(cell)).count())
                    .collect();
                let mut all = vec![0.0; rows];
                self.communicator.gather(&own, &counts, &mut all)?;
                all
            }
        };
        Ok(ratios.iter().sum::<f64>() / rows as f64)
    }
}

/// Refuses a part that cannot be solved; the reciprocal diagonal, empty for a constant star.
fn check(shape: &Shape, couplings: &Couplings<'_>, rhs: &[f64], cells: usize) -> Result<Vec<f64>, Error> {
    let finite = |argument, values: &[f64]| {
        if values.len() != cells {
            return Err(Error::Dimension { argument, expected: cells, given: values.len() });
        }
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(Error::Value { argument, index }),
            None => Ok(()),
        }
    };
    finite("rhs", rhs)?;
    let diagonal = |(row, &d): (usize, &f64)| {
        let fault = DiagonalFault::Zero;
        if d == 0.0 || !(1.0 / d).is_finite() { Err(Error::Diagonal { row, fault }) } else { Ok(1.0 / d) }
    };
    match couplings {
        Couplings::Constant(star) => {
            let listed = [star.centre, star.west, star.east, star.south, star.north, star.down, star.up];
            if listed.iter().any(|c| !c.is_finite()) {
                return Err(Error::Value { argument: "star", index: 0 });
            }
            diagonal((0, &star.centre)).map(|_| Vec::new())
        }
        Couplings::PerCell(star) => {
            let space = matches!(shape, Shape::Space { .. });
            let named = [
                ("centre", star.centre),
                ("west", star.west),
                ("east", star.east),
                ("south", star.south),
                ("north", star.north),
                ("down", star.down),
                ("up", star.up),
            ];
            for (name, values) in named.into_iter().take(if space { 7 } else { 5 }) {
                finite(name, values)?;
            }
            star.centre.iter().enumerate().map(diagonal).collect()
        }
    }
}

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
    sweeps::solve(&mut part, problem.communicator, &problem.facts, options, rule, x, observer)
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
}
