//! SOR colour by colour over ranks.

use southwell::relaxation::OmegaRule;
use southwell::relaxation::sor::Options;
use southwell::{Observer, Report};
use southwell_simd::{csr, vector};

use super::colours::{self, Colours};
use super::{Matrix, Sums};
use crate::cluster::keep::Keep;
use crate::cluster::sweeps::{self, Swept};
use crate::cluster::{Communicator, Fault};

/// Solves A x = b from this rank's x by SOR in the order of a greedy colouring of the whole, with the meaning of
/// [`southwell::relaxation::sor::solve`] over [`Multicolour`](southwell::relaxation::Multicolour). Made by all ranks
/// together.
///
/// *Step*: a sweep. Of each colour, the rows that others wait for go first, and while their values are under way the
/// rest of the colour follows. After a sweep every rank knows all it needs, so a look sends nothing but its sums.
/// *Set-up*: the colouring, a chain over the ranks.
///
/// # Errors
/// [`Fault::Refused`] for what [`southwell::relaxation::Problem::new`] and [`southwell::relaxation::sor::start`] refuse (x is
/// untouched then), and those of the communicator.
pub fn multicolour<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    rule: &mut R,
    x: &mut [f64],
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    multicolour_kept(matrix, rhs, options, rule, x, &mut (), observer)
}

/// The same, leaving its state behind and going on from one: 2 numbers a row, and the residuals that the rule saw. What comes out
/// has the bits of a run that was not broken off.
///
/// # Errors
/// As [`multicolour`], and what `keep` refuses.
pub fn multicolour_kept<C: Communicator + ?Sized, R: OmegaRule<f64> + ?Sized>(
    matrix: &Matrix<'_, C>,
    rhs: &[f64],
    options: &Options<f64>,
    rule: &mut R,
    x: &mut [f64],
    keep: &mut (impl Keep + ?Sized),
    observer: &mut (impl Observer<f64> + ?Sized),
) -> Result<Report<f64>, Fault> {
    let facts = matrix.facts(rhs)?;
    let mut part = Part::new(matrix, rhs, &colours::greedy(matrix)?);
    sweeps::solve(&mut part, matrix.communicator, &facts, options, rule, x, keep, observer)
}

/// What a rank does for one colour; all by place in the local vector.
#[derive(Default)]
struct Turn {
    /// Own rows that others wait for, and the rest.
    first: Vec<u32>,
    rest: Vec<u32>,
    sends: Vec<(usize, Vec<u32>)>,
    receives: Vec<(usize, Vec<u32>)>,
}

struct Part<'a, C: ?Sized> {
    matrix: &'a Matrix<'a, C>,
    turns: Vec<Turn>,
    /// By place, as the passes want it.
    inverse: Vec<f64>,
    rhs: Vec<f64>,
    local: Vec<f64>,
    /// Whether `local` holds x of all that the rank needs.
    loaded: bool,
    residual: Vec<f64>,
    sums: Sums,
}

impl<'a, C: Communicator + ?Sized> Part<'a, C> {
    fn new(matrix: &'a Matrix<'a, C>, rhs: &[f64], colours: &Colours) -> Self {
        let mut awaited = vec![false; matrix.width];
        matrix.sends.iter().flat_map(|(_, places)| places).for_each(|&place| awaited[place as usize] = true);
        let mut turns: Vec<Turn> = Vec::new();
        turns.resize_with(colours.count, Turn::default);
        let of = |place: u32| colours.of[place as usize] as usize;
        for place in matrix.low..matrix.low + matrix.own.len() {
            let turn = &mut turns[of(place as u32)];
            if awaited[place] { &mut turn.first } else { &mut turn.rest }.push(place as u32);
        }
        for (rank, places) in &matrix.sends {
            for (colour, turn) in turns.iter_mut().enumerate() {
                let places: Vec<u32> = places.iter().copied().filter(|&place| of(place) == colour).collect();
                if !places.is_empty() {
                    turn.sends.push((*rank, places));
                }
            }
        }
        for (rank, places) in &matrix.receives {
            for (colour, turn) in turns.iter_mut().enumerate() {
                let places: Vec<u32> =
                    places.clone().map(|place| place as u32).filter(|&place| of(place) == colour).collect();
                if !places.is_empty() {
                    turn.receives.push((*rank, places));
                }
            }
        }
        let padded = |own: &mut dyn Iterator<Item = f64>| -> Vec<f64> {
            std::iter::repeat_n(0.0, matrix.low).chain(own).collect()
        };
        Self {
            turns,
            inverse: padded(&mut matrix.diagonal.iter().map(|d| 1.0 / d)),
            rhs: padded(&mut rhs.iter().copied()),
            local: vec![0.0; matrix.width],
            loaded: false,
            residual: vec![0.0; matrix.own.len()],
            sums: matrix.sums(),
            matrix,
        }
    }

    fn load(&mut self, x: &[f64]) -> Result<(), Fault> {
        if !self.loaded {
            self.local = self.matrix.local(x);
            self.matrix.fetch(&mut self.local, &mut |_| ())?;
            self.loaded = true;
        }
        Ok(())
    }

    fn turn(&mut self, colour: usize, omega: f64) -> Result<(), Fault> {
        let Self { matrix, turns, inverse, rhs, local, .. } = self;
        let Some(turn) = turns.get(colour) else { return Ok(()) };
        let rows = matrix.places();
        csr::sor_sweep_in_order(rows, &turn.first, false, omega, inverse, rhs, local);
        let packed: Vec<(usize, Vec<f64>)> = turn
            .sends
            .iter()
            .map(|(rank, places)| (*rank, places.iter().map(|&place| local[place as usize]).collect()))
            .collect();
        let sends: Vec<(usize, &[f64])> = packed.iter().map(|(rank, x)| (*rank, &x[..])).collect();
        let mut given: Vec<(usize, Vec<f64>)> =
            turn.receives.iter().map(|(rank, places)| (*rank, vec![0.0; places.len()])).collect();
        let mut receives: Vec<(usize, &mut [f64])> =
            given.iter_mut().map(|(rank, x)| (*rank, &mut x[..])).collect();
        matrix.communicator.exchange(&sends, &mut receives, &mut || {
            csr::sor_sweep_in_order(rows, &turn.rest, false, omega, inverse, rhs, local);
        })?;
        for ((_, places), (_, x)) in turn.receives.iter().zip(&given) {
            places.iter().zip(x).for_each(|(&place, &x)| local[place as usize] = x);
        }
        Ok(())
    }
}

impl<C: Communicator + ?Sized> Swept for Part<'_, C> {
    fn sweeps(&mut self, reversed: bool, omega: f64, x: &mut [f64], count: u32) -> Result<(), Fault> {
        self.load(x)?;
        let colours = self.turns.len();
        for _ in 0..count {
            for turn in 0..colours {
                self.turn(if reversed { colours - 1 - turn } else { turn }, omega)?;
            }
        }
        x.copy_from_slice(self.matrix.part(&self.local));
        Ok(())
    }

    fn residual_square(&mut self, x: &[f64], flag: bool) -> Result<(f64, bool), Fault> {
        self.load(x)?;
        let Self { matrix, rhs, local, residual, sums, .. } = self;
        csr::residual(matrix.rows(), &rhs[matrix.low..], local, residual);
        let square = |rows: std::ops::Range<usize>| [vector::dot(&residual[rows.clone()], &residual[rows])];
        let ([total], flag) = sums.total(matrix.communicator, flag, square)?;
        Ok((total, flag))
    }

    fn size_square(&mut self, largest: f64) -> Result<f64, Fault> {
        let Self { matrix, rhs, sums, .. } = self;
        let size = |row: usize| {
            let weight = matrix.diagonal[row].abs() + matrix.off_diagonal(row);
            let size = rhs[matrix.low + row].abs() + weight * largest;
            size * size
        };
        let ([total], _) = sums.total(matrix.communicator, false, |rows| [rows.map(size).sum::<f64>()])?;
        Ok(total)
    }

    fn len(&self) -> usize {
        self.matrix.own.len()
    }

    fn forget(&mut self) {
        self.loaded = false;
    }
}
