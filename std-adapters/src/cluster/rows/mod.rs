//! A sparse system of which every rank holds whole rows.
//!
//! ```text
//! local vector:  [ elements of lower ranks │ own │ elements of higher ranks ]      in the order of the whole
//! ```
//! Columns are renumbered to places in the local vector, in their order, so that every row is summed as in one piece.
//! Which elements go where is found once, when the [`Matrix`] is made: one gather of a count for every pair of ranks and
//! one message between ranks that are coupled.
//!
//! | method | a step sends | a step gathers | bits |
//! |---|---|---|---|
//! | [`multicolour`] | a message a colour and neighbour, together each border element once | nothing; a look: one number a block | of `Multicolour` over `Colouring::greedy` |
//! | [`cg`] | a message a neighbour, each border element once | twice: two numbers a block, one number a block | equal for any number of ranks |
//! | [`ssor_cg`] | the same | twice | equal for any number of ranks that divides the pieces |
//!
//! *Memory* of a rank: its rows, those at the border twice, and the elements of others that they name.

mod cg;
mod colours;
mod multicolour;
mod ssor_cg;

pub use cg::{cg, cg_kept};
pub use multicolour::{multicolour, multicolour_kept};
pub use ssor_cg::{Pieces, ssor_cg, ssor_cg_kept};

use std::ops::Range;

use southwell::linear::Csr;
use southwell::{DiagonalFault, Error};
use southwell_simd::{csr, vector};

use super::partition::Sums;
use super::sweeps::Facts;
use super::{Communicator, Fault, Partition, agree};
use crate::files::SparseMatrix;

/// This rank's rows of a square matrix, and who needs what of whom.
#[derive(Debug)]
pub struct Matrix<'a, C: ?Sized> {
    communicator: &'a C,
    partition: Partition,
    own: Range<usize>,
    /// Elements of lower ranks in a local vector, and its length.
    low: usize,
    width: usize,
    /// Rows by place in the local vector: those of lower ranks are empty.
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
    diagonal: Vec<f64>,
    /// The rows that have entries in columns of others, once more.
    edge: Edge,
    /// The own elements that each other rank needs, by place in the local vector.
    sends: Vec<(usize, Vec<u32>)>,
    /// The places in the local vector of what comes from each other rank.
    receives: Vec<(usize, Range<usize>)>,
    /// Couplings to other ranks, in both directions: (rank, own row, row of the other), rows counted in the whole.
    couplings: Vec<(usize, u32, u32)>,
    /// Numbers in the whole of the elements of others, in order.
    halo: Vec<u32>,
}

/// Rows at a border.
#[derive(Debug, Default)]
struct Edge {
    /// Own rows, from 0.
    rows: Vec<u32>,
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<f64>,
}

/// Rows that the coupling is the mean of, at most.
const SAMPLE: usize = 64;

impl<'a, C: Communicator + ?Sized> Matrix<'a, C> {
    /// Takes the rows `partition.items_of(rank)` of a square matrix; `rows.columns` is the order of the whole. Made by
    /// all ranks together.
    ///
    /// # Errors
    /// [`Fault::Ranks`]; [`Fault::Refused`] for what [`Csr::new`] and [`southwell::relaxation::Problem::new`] refuse, with
    /// rows counted in the whole; those of the communicator.
    pub fn new(communicator: &'a C, rows: &SparseMatrix) -> Result<Self, Fault> {
        let (rank, size) = (communicator.rank(), communicator.size());
        let partition = Partition::of_rows(rows.columns, size)?;
        let own = partition.items_of(rank);
        let diagonal = agree(communicator, check(rows, &own))?;
        let mut halo: Vec<u32> =
            rows.column_indices.iter().copied().filter(|&j| !own.contains(&(j as usize))).collect();
        halo.sort_unstable();
        halo.dedup();
        let low = halo.partition_point(|&j| (j as usize) < own.start);
        let place = |column: u32| {
            let j = column as usize;
            if own.contains(&j) {
                return (low + j - own.start) as u32;
            }
            let at = halo.binary_search(&column).unwrap_or(0);
            (if at < low { at } else { at + own.len() }) as u32
        };
        let columns: Vec<u32> = rows.column_indices.iter().map(|&j| place(j)).collect();
        let mut offsets = vec![0; low];
        offsets.extend_from_slice(&rows.row_offsets);
        let mut matrix = Self {
            communicator,
            edge: Edge::default(),
            sends: Vec::new(),
            receives: Vec::new(),
            couplings: Vec::new(),
            width: halo.len() + own.len(),
            low,
            offsets,
            columns,
            values: rows.values.clone(),
            diagonal,
            partition,
            own,
            halo,
        };
        matrix.introduce(rows)?;
        matrix.find_edge();
        Ok(matrix)
    }

    /// The rows of the ranks.
    #[must_use]
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Tells every other rank which of its elements this rank needs, and by which rows.
    fn introduce(&mut self, rows: &SparseMatrix) -> Result<(), Fault> {
        let (rank, size) = (self.communicator.rank(), self.communicator.size());
        let mut pairs: Vec<Vec<f64>> = vec![Vec::new(); size];
        for (i, bounds) in rows.row_offsets.windows(2).enumerate() {
            for &j in &rows.column_indices[bounds[0] as usize..bounds[1] as usize] {
                if !self.own.contains(&(j as usize)) {
                    let (owner, row) = (self.partition.owner(j as usize), (self.own.start + i) as u32);
                    pairs[owner].extend([f64::from(j), f64::from(row)]);
                    self.couplings.push((owner, row, j));
                }
            }
        }
        let lengths: Vec<f64> = pairs.iter().map(|pairs| pairs.len() as f64).collect();
        let mut all = vec![0.0; size * size];
        self.communicator.gather(&lengths, &vec![size; size], &mut all)?;
        let mut given: Vec<(usize, Vec<f64>)> = (0..size)
            .map(|other| (other, vec![0.0; all[other * size + rank] as usize]))
            .filter(|(_, pairs)| !pairs.is_empty())
            .collect();
        let sends: Vec<(usize, &[f64])> = pairs
            .iter()
            .enumerate()
            .filter(|(_, pairs)| !pairs.is_empty())
            .map(|(other, pairs)| (other, &pairs[..]))
            .collect();
        let mut receives: Vec<(usize, &mut [f64])> =
            given.iter_mut().map(|(other, pairs)| (*other, &mut pairs[..])).collect();
        self.communicator.exchange(&sends, &mut receives, &mut || ())?;
        for (other, pairs) in &given {
            let mut needed = Vec::with_capacity(pairs.len() / 2);
            for pair in pairs.chunks_exact(2) {
                let (mine, theirs) = (pair[0] as u32, pair[1] as u32);
                self.couplings.push((*other, mine, theirs));
                needed.push((self.low + mine as usize - self.own.start) as u32);
            }
            needed.sort_unstable();
            needed.dedup();
            self.sends.push((*other, needed));
        }
        let mut from = 0;
        while let Some(&first) = self.halo.get(from) {
            let owner = self.partition.owner(first as usize);
            let end = self.partition.items_of(owner).end;
            let to = from + self.halo[from..].partition_point(|&j| (j as usize) < end);
            let shift = if from < self.low { 0 } else { self.own.len() };
            self.receives.push((owner, from + shift..to + shift));
            from = to;
        }
        Ok(())
    }

    fn find_edge(&mut self) {
        let mut edge = Edge { offsets: vec![0], ..Edge::default() };
        let inside = self.low..self.low + self.own.len();
        for (row, bounds) in self.offsets[self.low..].windows(2).enumerate() {
            let entries = bounds[0] as usize..bounds[1] as usize;
            let columns = &self.columns[entries.clone()];
            if columns.iter().any(|&j| !inside.contains(&(j as usize))) {
                edge.rows.push(row as u32);
                edge.columns.extend_from_slice(columns);
                edge.values.extend_from_slice(&self.values[entries]);
                edge.offsets.push(edge.columns.len() as u32);
            }
        }
        self.edge = edge;
    }

    /// The own rows, over a local vector.
    fn rows(&self) -> csr::Rows<'_, f64> {
        view(&self.offsets[self.low..], &self.columns, &self.values, self.width)
    }

    /// All places of the local vector as rows; those of lower ranks are empty.
    fn places(&self) -> csr::Rows<'_, f64> {
        view(&self.offsets, &self.columns, &self.values, self.width)
    }

    /// A local vector of this rank's elements; those of others are 0.
    fn local(&self, own: &[f64]) -> Vec<f64> {
        let mut local = vec![0.0; self.width];
        local[self.low..self.low + own.len()].copy_from_slice(own);
        local
    }

    /// The own part of a local vector.
    fn part<'x>(&self, local: &'x [f64]) -> &'x [f64] {
        &local[self.low..self.low + self.own.len()]
    }

    /// Fetches the elements of others, while `meanwhile` works with those of before.
    fn fetch(&self, local: &mut [f64], meanwhile: &mut dyn FnMut(&[f64])) -> Result<(), Fault> {
        let packed: Vec<(usize, Vec<f64>)> = self
            .sends
            .iter()
            .map(|(rank, places)| (*rank, places.iter().map(|&place| local[place as usize]).collect()))
            .collect();
        let sends: Vec<(usize, &[f64])> =
            packed.iter().map(|(rank, numbers)| (*rank, &numbers[..])).collect();
        let mut given: Vec<(usize, Vec<f64>)> =
            self.receives.iter().map(|(rank, places)| (*rank, vec![0.0; places.len()])).collect();
        let mut receives: Vec<(usize, &mut [f64])> =
            given.iter_mut().map(|(rank, numbers)| (*rank, &mut numbers[..])).collect();
        self.communicator.exchange(&sends, &mut receives, &mut || meanwhile(local))?;
        for ((_, places), (_, numbers)) in self.receives.iter().zip(&given) {
            local[places.clone()].copy_from_slice(numbers);
        }
        Ok(())
    }

    /// y ← A x, y of the own rows; fetches what it needs of x while it works on the rest.
    fn apply(&self, x: &mut [f64], y: &mut [f64]) -> Result<(), Fault> {
        self.fetch(x, &mut |x| csr::apply(self.rows(), x, y))?;
        let mut redone = vec![0.0; self.edge.rows.len()];
        csr::apply(self.edge.view(self.width), x, &mut redone);
        self.edge.rows.iter().zip(redone).for_each(|(&row, value)| y[row as usize] = value);
        Ok(())
    }

    /// r ← b − A x likewise.
    fn residual(&self, rhs: &[f64], x: &mut [f64], r: &mut [f64]) -> Result<(), Fault> {
        self.fetch(x, &mut |x| csr::residual(self.rows(), rhs, x, r))?;
        let known: Vec<f64> = self.edge.rows.iter().map(|&row| rhs[row as usize]).collect();
        let mut redone = vec![0.0; known.len()];
        csr::residual(self.edge.view(self.width), &known, x, &mut redone);
        self.edge.rows.iter().zip(redone).for_each(|(&row, value)| r[row as usize] = value);
        Ok(())
    }

    /// Σ_{j≠i} |a_ij| of an own row.
    fn off_diagonal(&self, row: usize) -> f64 {
        let bounds = &self.offsets[self.low + row..self.low + row + 2];
        let entries = bounds[0] as usize..bounds[1] as usize;
        let others = self.columns[entries.clone()].iter().zip(&self.values[entries]);
        others.filter(|&(&j, _)| j as usize != self.low + row).fold(0.0, |sum, (_, a)| sum + a.abs())
    }

    fn sums(&self) -> Sums {
        Sums::new(&self.partition, self.communicator.rank(), 1)
    }

    /// Checks a right-hand side; ‖b‖ and the coupling of sampled rows. One reduction, two gathers.
    fn facts(&self, rhs: &[f64]) -> Result<Facts, Fault> {
        let checked = super::sweeps::check_start(rhs, self.own.len()).map_err(|error| match error {
            Error::Dimension { expected, given, .. } => Error::Dimension { argument: "rhs", expected, given },
            Error::Value { index, .. } => Error::Value { argument: "rhs", index: index + self.own.start },
            other => other,
        });
        agree(self.communicator, checked)?;
        let ([square], nonzero) =
            self.sums().total(self.communicator, rhs.iter().any(|&b| b != 0.0), |rows| {
                [vector::dot(&rhs[rows.clone()], &rhs[rows])]
            })?;
        if !square.is_finite() || square == 0.0 && nonzero {
            let requirement = "has a norm that overflows or underflows; scale the system";
            let error = Error::Option { name: "rhs", requirement };
            return Err(Fault::Refused { rank: 0, message: error.to_string() });
        }
        let n = self.partition.items();
        let stride = (n / SAMPLE).max(1);
        let sampled = |own: &Range<usize>| {
            let own = own.clone();
            (stride / 2..n).step_by(stride).filter(move |row| own.contains(row))
        };
        let ratio =
            |row: usize| self.off_diagonal(row - self.own.start) / self.diagonal[row - self.own.start].abs();
        let mine: Vec<f64> = sampled(&self.own).map(ratio).collect();
        let ranks = 0..self.partition.ranks();
        let counts: Vec<usize> = ranks.map(|rank| sampled(&self.partition.items_of(rank)).count()).collect();
        let mut all = vec![0.0; counts.iter().sum()];
        self.communicator.gather(&mine, &counts, &mut all)?;
        let coupling = if all.is_empty() { 0.0 } else { all.iter().sum::<f64>() / all.len() as f64 };
        Ok(Facts { order: n, rhs_norm: square.sqrt(), coupling })
    }
}

impl Edge {
    fn view(&self, width: usize) -> csr::Rows<'_, f64> {
        view(&self.offsets, &self.columns, &self.values, width)
    }
}

/// A view of arrays that were made here; no rows if they contradict themselves.
pub(super) fn view<'a>(
    offsets: &'a [u32],
    columns: &'a [u32],
    values: &'a [f64],
    width: usize,
) -> csr::Rows<'a, f64> {
    csr::Rows::new(offsets, columns, values, width).unwrap_or_else(|| {
        csr::Rows::new(&[], &[], &[], 0).unwrap_or_else(|| unreachable!("no rows are valid"))
    })
}

/// Refuses rows that cannot be used; the diagonal.
fn check(rows: &SparseMatrix, own: &Range<usize>) -> Result<Vec<f64>, Error> {
    if rows.row_offsets.len() != own.len() + 1 {
        let (expected, given) = (own.len() + 1, rows.row_offsets.len());
        return Err(Error::Dimension { argument: "row_offsets", expected, given });
    }
    rows.view().check()?;
    let diagonal = |i: usize| {
        let row = own.start + i;
        let entries = rows.row_offsets[i] as usize..rows.row_offsets[i + 1] as usize;
        let at = rows.column_indices[entries.clone()].binary_search(&(row as u32));
        match at.map(|at| rows.values[entries.start + at]) {
            Err(_) => Err(Error::Diagonal { row, fault: DiagonalFault::Missing }),
            Ok(d) if d == 0.0 || !(1.0 / d).is_finite() => {
                Err(Error::Diagonal { row, fault: DiagonalFault::Zero })
            }
            Ok(d) => Ok(d),
        }
    };
    (0..own.len()).map(diagonal).collect()
}

/// The rows of a rank, cut from a matrix in one piece.
///
/// # Errors
/// [`Fault::Ranks`].
pub fn cut(whole: &Csr<'_, f64>, rank: usize, ranks: usize) -> Result<SparseMatrix, Fault> {
    use southwell::linear::Matrix as _;
    let partition = Partition::of_rows(whole.order(), ranks)?;
    let mut part = SparseMatrix { columns: whole.order(), row_offsets: vec![0], ..SparseMatrix::default() };
    for row in partition.items_of(rank) {
        let (columns, values) = whole.row(row);
        part.column_indices.extend_from_slice(columns);
        part.values.extend_from_slice(values);
        part.row_offsets.push(part.values.len() as u32);
        part.rows += 1;
    }
    Ok(part)
}
