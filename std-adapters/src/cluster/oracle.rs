//! Sums of functions over ranks, for every method of [`southwell::subgradient`] that calls an oracle.
//!
//! f(x) = Σ_b f_b(x) over blocks of measurements, whole blocks on every rank; x is on all ranks. The method itself runs on
//! every rank and does the same everywhere: it sees values and sub-gradients that are added in the order of the
//! blocks, so neither it nor its bits know how many ranks there are.
//!
//! *A call* sends (blocks of the rank)·p elements in P − 1 messages and gathers p/P and a number a block.

use southwell::Error;
use southwell::subgradient::Oracle;

use super::columns::Columns;
use super::{Communicator, Fault, Partition};

/// A sum of functions of which this rank has some blocks.
#[derive(Debug)]
pub struct Divided<'a, C: ?Sized, F> {
    communicator: &'a C,
    dimension: usize,
    columns: Columns,
    values: Vec<[f64; 1]>,
    call: F,
    floor: f64,
    fault: Option<Fault>,
}

impl<'a, C: Communicator + ?Sized, F: FnMut(usize, &[f64], &mut [f64]) -> f64> Divided<'a, C, F> {
    /// A function of `dimension` unknowns: `call(k, x, g)` is the value of this rank's k-th block of `measurements`
    /// ([`Partition::in_blocks`]) and writes a sub-gradient of it to g, which comes filled with zeros. `floor` is as
    /// [`Oracle::floor`].
    ///
    /// # Errors
    /// [`Error::Option`] for no unknowns.
    pub fn new(
        communicator: &'a C,
        measurements: &Partition,
        dimension: usize,
        floor: f64,
        call: F,
    ) -> Result<Self, Error> {
        if dimension == 0 {
            return Err(Error::Option { name: "dimension", requirement: "must be positive" });
        }
        let rank = communicator.rank();
        let columns = Columns::new(measurements, dimension, dimension, rank);
        let values = vec![[0.0]; measurements.blocks_of(rank).len()];
        Ok(Self { communicator, dimension, columns, values, call, floor, fault: None })
    }

    /// What went wrong between the ranks, if anything: the run ended as `NotFinite` then. To be asked after every run.
    ///
    /// # Errors
    /// The fault.
    pub fn sound(&self) -> Result<(), Fault> {
        self.fault.clone().map_or(Ok(()), Err)
    }
}

impl<C: Communicator + ?Sized, F: FnMut(usize, &[f64], &mut [f64]) -> f64> Oracle<f64> for Divided<'_, C, F> {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn value_and_subgradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
        if self.fault.is_some() {
            g.fill(f64::NAN);
            return f64::NAN;
        }
        self.columns.vectors.fill(0.0);
        let vectors = self.columns.vectors.chunks_exact_mut(self.dimension);
        for (k, (vector, value)) in vectors.zip(&mut self.values).enumerate() {
            value[0] = (self.call)(k, x, vector);
        }
        match self.columns.add_all(self.communicator, &self.values, g) {
            Ok([value]) => value,
            Err(fault) => {
                self.fault = Some(fault);
                g.fill(f64::NAN);
                f64::NAN
            }
        }
    }

    fn floor(&self) -> f64 {
        self.floor
    }
}
