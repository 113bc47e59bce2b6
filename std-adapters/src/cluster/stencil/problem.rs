//! What is solved: a grid in layers.

use southwell::{DiagonalFault, Error};
use southwell_simd::stencil::{Coefficients, Grid, Star};
use southwell_simd::vector;

use crate::cluster::partition::{Partition, Sums};
use crate::cluster::sweeps::Facts;
use crate::cluster::{Communicator, Fault, agree};

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
    pub(in crate::cluster) fn grid<'a>(
        &self,
        layers: usize,
        coefficients: Coefficients<'a, f64>,
    ) -> Grid<'a, f64> {
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
    pub(super) communicator: &'a C,
    pub(super) partition: Partition,
    pub(super) shape: Shape,
    pub(super) couplings: Couplings<'a>,
    pub(super) inverse: Vec<f64>,
    pub(super) rhs: &'a [f64],
    pub(super) facts: Facts,
}

/// Rows that the coupling is the mean of, at most, as in one piece.
const SAMPLE: usize = 64;

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
