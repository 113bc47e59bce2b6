//! Sparse systems whose unknowns are laid out by colours, so that each colour is relaxed by all threads.

mod colouring;
mod half;
mod products;
mod split;
mod sweep;

use std::sync::OnceLock;

use southwell::linear::{Csr, Matrix as _};
use southwell::relaxation::Colouring;
use southwell::{Error, Real};

use super::Pool;
use colouring::Colours;
use half::{Colour, Half};

pub use split::ColouredHalves;
pub use sweep::ColouredSweeps;
pub(super) use sweep::Proximal;

/// The largest block.
const MOST: usize = 8;

/// Rows that are worth handing over.
const LEAST: usize = 1 << 10;

/// A sparse matrix P A Pᵀ in the order of its colours: no two unknowns (or blocks of unknowns) of one colour are
/// coupled, and those of a colour lie side by side.
///
/// A system A x = b is solved as (P A Pᵀ)(P x) = P b: [`permute`](Self::permute) the right-hand side, hand
/// [`sweeps`](Self::sweeps) or [`halves`](Self::halves) to the solvers of
/// [`relaxation`](southwell::relaxation) as the matrix, and [`restore`](Self::restore) what they leave in x.
///
/// The sweeps have the bits of a serial [`Multicolour`](southwell::relaxation::Multicolour) (of
/// [`Blocks`](southwell::relaxation::Blocks), if the blocks are larger than 1) over the matrix in this order, the two
/// halves those of the [`Csr`]. SOR converges as in another ordering, about as fast as in the natural one;
/// SSOR-CG needs more steps, for a matrix in few colours nearly as many as with a diagonal preconditioner.
///
/// *Memory*: a copy of the matrix; once halves were asked for, of its upper half again.
///
/// ```
/// use southwell::linear::Csr;
/// use southwell::relaxation::{Fixed, Problem, sor};
/// use southwell_std::threads::{Coloured, Pool};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let a = Csr::new(&[0, 2, 5, 7], &[0, 1, 0, 1, 2, 1, 2], &[4.0, -1.0, -1.0, 4.0, -1.0, -1.0, 4.0])?;
/// let pool = Pool::new(None)?;
/// let coloured = Coloured::greedy(&a)?;
/// assert_eq!(coloured.colours(), 2);
///
/// let matrix = coloured.sweeps(&pool);
/// let b = coloured.permute(&[2.0, 4.0, 10.0]);
/// let problem = Problem::new(&matrix, &b)?;
/// let mut storage = vec![0.0; sor::Workspace::<f64>::required_len(3, 3)];
/// let workspace = sor::Workspace::new(&problem, &mut storage)?;
/// let mut x = vec![0.0; 3];
/// let report = sor::solve(&problem, &sor::Options::default(), &mut Fixed(1.03), &mut x, workspace, &mut ())?;
/// assert!(report.converged() && (coloured.restore(&x)[2] - 3.0_f64).abs() < 1e-7);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Coloured<T> {
    /// The unknown at each place.
    order: Vec<u32>,
    size: usize,
    colours: Vec<Colour<T>>,
    /// The upper couplings of each, from the last column to the first.
    reversed: OnceLock<Vec<Half<T>>>,
    /// 0 where none is stored.
    diagonal: Vec<T>,
}

impl<T: Real> Coloured<T> {
    /// Colours the graph of A + Aᵀ greedily, in natural order, and lays the matrix out by colours. Cost: a few passes
    /// over the matrix.
    ///
    /// # Errors
    /// None for a view that [`Csr::new`] has accepted.
    pub fn greedy(matrix: &Csr<'_, T>) -> Result<Self, Error> {
        Self::blocks(matrix, 1)
    }

    /// The same for blocks of `size` consecutive unknowns (the last may be smaller).
    ///
    /// # Errors
    /// [`Error::Option`] if `size` is not in 1..=8.
    pub fn blocks(matrix: &Csr<'_, T>, size: usize) -> Result<Self, Error> {
        if size == 0 || size > MOST {
            return Err(Error::Option { name: "size", requirement: "must lie in 1..=8" });
        }
        Self::laid_out(matrix, size, &colouring::greedy(matrix, size))
    }

    /// By a colouring of the caller's.
    ///
    /// # Errors
    /// [`Error::Dimension`] if it is of a matrix of another order, [`Error::Option`] if two rows of a colour are
    /// coupled in this one.
    pub fn new(matrix: &Csr<'_, T>, colouring: &Colouring<'_>) -> Result<Self, Error> {
        let mut colours = Colours { order: Vec::with_capacity(matrix.order()), starts: vec![0] };
        for colour in 0..colouring.colours() {
            colours.order.extend_from_slice(colouring.rows(colour));
            colours.starts.push(colours.order.len());
        }
        let (given, expected) = (colours.order.len(), matrix.order());
        if given != expected {
            return Err(Error::Dimension { argument: "colouring", expected, given });
        }
        Self::laid_out(matrix, 1, &colours)
    }

    fn laid_out(matrix: &Csr<'_, T>, size: usize, colours: &Colours) -> Result<Self, Error> {
        let n = matrix.order();
        let order: Vec<u32> = colours
            .order
            .iter()
            .flat_map(|&block| block as usize * size..((block as usize + 1) * size).min(n))
            .map(|row| row as u32)
            .collect();
        let mut place = vec![0_u32; n];
        for (at, &row) in order.iter().enumerate() {
            place[row as usize] = at as u32;
        }
        let mut laid_out = Vec::with_capacity(colours.starts.len());
        let mut diagonal = vec![T::ZERO; n];
        let mut entries: Vec<(usize, T)> = Vec::new();
        for bounds in colours.starts.windows(2) {
            let (start, end) = ((bounds[0] * size).min(n), (bounds[1] * size).min(n));
            let mut colour = Colour::new(start, end);
            for (at, &row) in (start..end).zip(&order[start..end]) {
                let (columns, values) = matrix.row(row as usize);
                entries.clear();
                let places = columns.iter().map(|&column| place[column as usize] as usize);
                entries.extend(places.zip(values.iter().copied()));
                entries.sort_unstable_by_key(|&(to, _)| to);
                let block = at - (at - start) % size;
                for &(to, value) in &entries {
                    if to < start {
                        colour.lower.push(to, value);
                    } else if to >= end {
                        colour.upper.push(to - end, value);
                    } else if (block..block + size).contains(&to) {
                        colour.within.push(to - block, value);
                    } else {
                        let requirement = "must not have coupled rows in one colour";
                        return Err(Error::Option { name: "colouring", requirement });
                    }
                    if to == at {
                        diagonal[at] = value;
                    }
                }
                for half in [&mut colour.lower, &mut colour.upper, &mut colour.within] {
                    half.end_row();
                }
            }
            laid_out.push(colour);
        }
        Ok(Self { order, size, colours: laid_out, reversed: OnceLock::new(), diagonal })
    }

    /// The unknown at each place.
    pub(super) fn order_of_rows(&self) -> &[u32] {
        &self.order
    }

    /// Colours.
    #[must_use]
    pub fn colours(&self) -> usize {
        self.colours.len()
    }

    /// Unknowns.
    #[must_use]
    pub fn order(&self) -> usize {
        self.order.len()
    }

    /// A vector in the order of the colours.
    ///
    /// # Panics
    /// If it is shorter than the matrix.
    #[must_use]
    pub fn permute(&self, x: &[T]) -> Vec<T> {
        self.order.iter().map(|&row| x[row as usize]).collect()
    }

    /// A vector in the order of the colours, put back.
    ///
    /// # Panics
    /// If it is shorter than the matrix.
    #[must_use]
    pub fn restore(&self, x: &[T]) -> Vec<T> {
        let mut restored = vec![T::ZERO; self.order.len()];
        for (place, &row) in self.order.iter().enumerate() {
            restored[row as usize] = x[place];
        }
        restored
    }

    /// The matrix as [`Relax`](southwell::relaxation::Relax) wants it, swept colour by colour. Cost: one pass over
    /// the pattern.
    #[must_use]
    pub fn sweeps<'a>(&'a self, pool: &'a Pool) -> ColouredSweeps<'a, T> {
        let rows = |colour: &'a Colour<T>| colour.rows(&colour.upper, self.order(), self.size);
        ColouredSweeps { rows: self.colours.iter().map(rows).collect(), matrix: self, pool }
    }

    /// The matrix as [`Split`](southwell::relaxation::Split) wants it, for SSOR-CG. Cost: one pass over the pattern,
    /// the first time two.
    ///
    /// # Errors
    /// [`Error::Option`] if this is a matrix of larger blocks than 1.
    pub fn halves<'a>(&'a self, pool: &'a Pool) -> Result<ColouredHalves<'a, T>, Error> {
        if self.size != 1 {
            return Err(Error::Option { name: "size", requirement: "must be 1 for the halves of a matrix" });
        }
        let reversed =
            self.reversed.get_or_init(|| self.colours.iter().map(|colour| colour.upper.reversed()).collect());
        let sweeps = self.sweeps(pool);
        let upper = self.colours.iter().zip(reversed);
        let upper = upper.map(|(colour, upper)| upper.rows(self.order() - colour.end)).collect();
        Ok(ColouredHalves { sweeps, upper })
    }
}
