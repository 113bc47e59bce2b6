//! The parts h_b of a problem that may have kinks, and the sets that x must stay in.
//!
//! | penalty | h | couples a block |
//! |---|---|---|
//! | [`Free`] | 0 | – |
//! | [`L1`] | λ‖x‖₁ | – |
//! | [`ElasticNet`] | λ₁‖x‖₁ + ½λ₂‖x‖² | – |
//! | [`NonNegative`] | λ Σ x_i, x ≥ 0 | – |
//! | [`Interval`] | lo ≤ x ≤ hi, + ½λ₂‖x‖² | – |
//! | [`Group`] | λ_b ‖x_b‖₂ | yes |
//! | [`Simplex`] | x_b ≥ 0, Σ x_b = s, + ½λ₂‖x‖² | yes |
//!
//! All that do not couple a block are one [`Shape`] a variable.

mod elastic_net;
mod free;
mod group;
mod interval;
mod l1;
mod nonnegative;
mod shape;
mod simplex;

pub use elastic_net::ElasticNet;
pub use free::Free;
pub use group::Group;
pub use interval::Interval;
pub use l1::L1;
pub use nonnegative::NonNegative;
pub use shape::Shape;
pub use simplex::Simplex;

use southwell_simd::vector::Kink;

use crate::{Error, Real};

/// A block of variables as a penalty sees it.
#[derive(Clone, Copy, Debug)]
pub struct Block<'b> {
    /// Which block of a fixed partition it is; 0 for blocks that are chosen anew each step.
    pub number: usize,
    /// Its variables.
    pub variables: &'b [u32],
}

impl<'b> Block<'b> {
    /// Every variable of the block as a block of its own, with its place.
    pub(super) fn each(self) -> impl Iterator<Item = (usize, Block<'b>)> {
        let number = self.number;
        self.variables.chunks(1).enumerate().map(move |(i, variables)| (i, Block { number, variables }))
    }
}

/// A convex h = Σ_b h_b(x_b) that may be infinite.
///
/// A penalty that treats variables one by one gives their [`shape`](Penalty::shape) and needs nothing else; one that
/// couples the variables of a block overrides the three methods over blocks. x and g are those of the block.
pub trait Penalty<T: Real> {
    /// Refuses what does not fit a problem of so many variables.
    ///
    /// # Errors
    /// [`Error::Dimension`], [`Error::Value`], [`Error::Negative`], [`Error::Option`].
    fn check(&self, variables: usize) -> Result<(), Error>;
    /// h of a variable; `None` if blocks are coupled.
    fn shape(&self, variable: usize) -> Option<Shape<T>>;
    /// The shape of every variable, if all have the same: whole registers of them are then looked at together.
    fn uniform(&self) -> Option<Shape<T>> {
        None
    }
    /// Whether h is 0.
    fn is_zero(&self) -> bool {
        false
    }
    /// Whether it treats variables one by one, so that any blocks will do.
    fn separable(&self) -> bool {
        true
    }
    /// How many blocks it knows, if it cares.
    fn blocks(&self) -> Option<usize> {
        None
    }
    /// h_b(x_b).
    fn value(&self, block: Block<'_>, x: &[T]) -> T {
        let each = block.variables.iter().zip(x);
        each.fold(T::ZERO, |sum, (&i, &x)| sum + self.shape(i as usize).map_or(T::ZERO, |h| h.value(x)))
    }
    /// x_b ← argmin_u h_b(u) + ‖u − x_b‖²/(2·step).
    fn prox(&self, block: Block<'_>, step: T, x: &mut [T]) {
        for (&i, x) in block.variables.iter().zip(x) {
            if let Some(h) = self.shape(i as usize) {
                *x = h.prox(step, *x);
            }
        }
    }
    /// dist(−g_b, ∂h_b(x_b))², 0 where the block is optimal.
    fn violation(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        block.variables.iter().zip(x).zip(g).fold(T::ZERO, |sum, ((&i, &x), &g)| {
            let v = self.shape(i as usize).map_or(T::ZERO, |h| h.violation(x, g));
            sum + v * v
        })
    }
    /// −(g_bᵀd + ½ l‖d‖² + h_b(x_b + d) − h_b(x_b)) for d = next − x: what a step gains where f curves by l. Greedy rules
    /// rank by it, so it should not be a difference of large values.
    fn progress(&self, block: Block<'_>, (x, next): (&[T], &[T]), g: &[T], l: T) -> T {
        let each = block.variables.iter().zip(x.iter().zip(next)).zip(g);
        each.fold(T::ZERO, |sum, ((&i, (&x, &next)), &g)| {
            sum + self.shape(i as usize).map_or(T::ZERO, |h| h.progress(x, next - x, g, l))
        })
    }
    /// A bound of what the block can still gain for a convex f with gradient g_b, max over u of
    /// g_bᵀ(x_b − u) + h_b(x_b) − h_b(u); infinite where it is not bounded.
    fn gap(&self, block: Block<'_>, x: &[T], g: &[T]) -> T {
        let each = block.variables.iter().zip(x).zip(g);
        each.fold(T::ZERO, |sum, ((&i, &x), &g)| {
            sum + self.shape(i as usize).map_or(T::ZERO, |h| h.gap(x, g))
        })
    }
}

/// The shape of all variables for passes over whole registers; none where shapes differ, and where flash counts more.
pub(super) fn in_registers<T: Real>(penalty: &(impl Penalty<T> + ?Sized)) -> Option<Kink<T>> {
    if cfg!(target_os = "none") {
        return None;
    }
    let Shape { l1, l2, linear, lower, upper } = penalty.uniform()?;
    Some(Kink { l1, l2, linear, lower, upper })
}

/// A number for all, or one each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Values<'a, T> {
    /// The same for all.
    Same(T),
    /// One for each.
    Each(&'a [T]),
}

impl<T: Real> From<T> for Values<'_, T> {
    fn from(value: T) -> Self {
        Values::Same(value)
    }
}

impl<T: Real> Values<'_, T> {
    /// Whether it is one for all.
    pub(super) fn is_same(&self) -> bool {
        matches!(self, Values::Same(_))
    }

    pub(super) fn get(&self, index: usize) -> T {
        match self {
            Values::Same(value) => *value,
            Values::Each(values) => values.get(index).copied().unwrap_or(T::ZERO),
        }
    }

    /// Refuses another length than `count`, and values that `valid` denies.
    pub(super) fn check(
        &self,
        argument: &'static str,
        count: usize,
        valid: impl Fn(T) -> Result<(), fn(&'static str, usize) -> Error>,
    ) -> Result<(), Error> {
        let one = |index: usize, value: T| valid(value).map_err(|error| error(argument, index));
        match *self {
            Values::Same(value) => one(0, value),
            Values::Each(values) => {
                crate::linear::check_len(argument, values.len(), count)?;
                values.iter().enumerate().try_for_each(|(i, &value)| one(i, value))
            }
        }
    }

    /// Refuses what is negative, NaN or infinite.
    pub(super) fn check_weights(&self, argument: &'static str, count: usize) -> Result<(), Error> {
        self.check(argument, count, |value| {
            if !value.is_finite() {
                return Err(|argument, index| Error::Value { argument, index });
            }
            if value < T::ZERO {
                return Err(|argument, index| Error::Negative { argument, index });
            }
            Ok(())
        })
    }
}
