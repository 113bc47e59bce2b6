//! What is solved: a transport problem in rows.

use southwell::Error;
use southwell::transport::{Cost, Potentials};

use crate::cluster::partition::{Partition, Sums};
use crate::cluster::{Communicator, Fault, agree};

/// The rows of a transport problem that this rank has.
#[derive(Debug)]
pub struct Problem<'a, C: ?Sized, K> {
    pub(in crate::cluster) communicator: &'a C,
    pub(in crate::cluster) rows: Partition,
    pub(in crate::cluster) costs: &'a [K],
    pub(in crate::cluster) a: &'a [f64],
    pub(in crate::cluster) b: &'a [f64],
    pub(in crate::cluster) epsilon: f64,
    pub(in crate::cluster) mass: f64,
    pub(in crate::cluster) largest: f64,
}

/// Blocks of rows that suit a few dozen ranks.
pub const BLOCKS: usize = 64;

impl<'a, C: Communicator + ?Sized, K: Cost<f64>> Problem<'a, C, K> {
    /// Checks this rank's part: `rows` divides the rows of the whole into blocks ([`Partition::in_blocks`]), `costs` has
    /// one view a block of this rank, `a` this rank's masses and `b` all masses of columns. Made by all ranks together;
    /// cost: two reductions and a gather.
    ///
    /// # Errors
    /// [`Fault::Refused`] for what [`southwell::transport::Problem::new`] refuses, rows counted from the first of the rank;
    /// those of the communicator.
    pub fn new(
        communicator: &'a C,
        rows: Partition,
        costs: &'a [K],
        a: &'a [f64],
        b: &'a [f64],
        epsilon: f64,
    ) -> Result<Self, Fault> {
        let rank = communicator.rank();
        agree(communicator, check(&rows, rank, costs, a, b))?;
        let mut largest = [costs.iter().map(Cost::largest).fold(0.0, f64::max)];
        communicator.max(&mut largest)?;
        let ([mass], _) = Sums::new(&rows, rank, 1)
            .total(communicator, false, |own| [southwell_simd::vector::sum(&a[own])])?;
        let other = southwell_simd::vector::sum(b);
        let refused = |error: Error| Err(Fault::Refused { rank: 0, message: error.to_string() });
        let sound = |mass: f64| mass >= f64::MIN_POSITIVE / f64::EPSILON && mass.is_finite();
        if !sound(mass) || !sound(other) {
            let argument = if sound(mass) { "b" } else { "a" };
            let requirement = "must be positive and finite (and not near the smallest number)";
            return refused(Error::Mass { argument, requirement });
        }
        let lines = (rows.items() + b.len()) as f64;
        if (mass - other).abs() > 8.0 * f64::EPSILON * lines * mass.max(other) {
            let requirement = "must equal that of `a`; scale one of them";
            return refused(Error::Mass { argument: "b", requirement });
        }
        if !(epsilon > 0.0 && epsilon.is_finite() && epsilon >= largest[0] * f64::EPSILON) {
            let requirement =
                "must be positive, finite and not smaller than the largest cost times the type's precision";
            return refused(Error::Option { name: "epsilon", requirement });
        }
        Ok(Self { communicator, rows, costs, a, b, epsilon, mass, largest: largest[0] })
    }
}

impl<C: ?Sized, K> Problem<'_, C, K> {
    /// Refuses a start that cannot be used. The potential of a line without mass is not looked at.
    pub(in crate::cluster) fn check_start(&self, x: &Potentials<'_, f64>) -> Result<(), Error> {
        for (argument, potential, weights) in [("f", &*x.f, self.a), ("g", &*x.g, self.b)] {
            let (expected, given) = (weights.len(), potential.len());
            if expected != given {
                return Err(Error::Dimension { argument, expected, given });
            }
            let bad = potential.iter().zip(weights).position(|(p, &w)| w > 0.0 && !p.is_finite());
            if let Some(index) = bad {
                return Err(Error::Value { argument, index });
            }
        }
        Ok(())
    }

    /// Gives lines without mass their potential, −∞.
    pub(in crate::cluster) fn mark_empty(&self, f: &mut [f64], g: &mut [f64]) {
        for (potential, weights) in [(f, self.a), (g, self.b)] {
            let empty = potential.iter_mut().zip(weights).filter(|(_, w)| **w == 0.0);
            empty.for_each(|(p, _)| *p = f64::NEG_INFINITY);
        }
    }
}

fn check<K: Cost<f64>>(
    rows: &Partition,
    rank: usize,
    costs: &[K],
    a: &[f64],
    b: &[f64],
) -> Result<(), Error> {
    let blocks = rows.blocks_of(rank);
    let dimension = |argument, expected, given| Error::Dimension { argument, expected, given };
    if costs.len() != blocks.len() {
        return Err(dimension("costs", blocks.len(), costs.len()));
    }
    for (cost, block) in costs.iter().zip(blocks) {
        if cost.rows() != rows.items_in(block).len() {
            return Err(dimension("rows of a block's costs", rows.items_in(block).len(), cost.rows()));
        }
        if cost.columns() != b.len() {
            return Err(dimension("b", cost.columns(), b.len()));
        }
    }
    let own = rows.items_of(rank).len();
    if a.len() != own {
        return Err(dimension("a", own, a.len()));
    }
    for (argument, weights) in [("a", a), ("b", b)] {
        if let Some(index) = weights.iter().position(|w| !w.is_finite()) {
            return Err(Error::Value { argument, index });
        }
        if let Some(index) = weights.iter().position(|&w| w < 0.0) {
            return Err(Error::Negative { argument, index });
        }
    }
    Ok(())
}
