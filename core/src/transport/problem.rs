//! What is solved: min ⟨P, C⟩ + ε Σ P (ln P − 1) subject to P 1 = a, Pᵀ 1 = b.

use super::cost::Cost;
use crate::linear::{check_len, check_vector};
use crate::{Error, Real};

/// Entropic optimal transport, borrowed and checked: costs C (n × m), marginals a (n) and b (m) of equal
/// mass, and the weight ε of the entropy, in the unit of the costs.
///
/// A row or column of mass 0 is allowed: its potential is −∞ and its line of the coupling 0.
#[derive(Debug)]
pub struct Problem<'a, T, C> {
    pub(super) cost: &'a C,
    pub(super) a: &'a [T],
    pub(super) b: &'a [T],
    pub(super) epsilon: T,
    pub(super) mass: T,
}

/// Borrowed, so copying one is free whatever the costs are.
impl<T: Copy, C> Clone for Problem<'_, T, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T: Copy, C> Copy for Problem<'_, T, C> {}

/// The potentials f (n) and g (m), a run's iterate: the coupling is P_ij = e^((f_i + g_j − C_ij)/ε).
///
/// Where a run begins; zeros are a cold start. f + t and g − t are the same coupling for any t.
#[derive(Debug)]
pub struct Potentials<'x, T> {
    /// f, one for each row.
    pub f: &'x mut [T],
    /// g, one for each column.
    pub g: &'x mut [T],
}

impl<T> Potentials<'_, T> {
    /// The same potentials, lent again.
    #[must_use]
    pub fn reborrow(&mut self) -> Potentials<'_, T> {
        Potentials { f: self.f, g: self.g }
    }
}

/// Refuses a marginal that is no mass distribution; its mass.
pub(super) fn check_marginal<T: Real>(
    argument: &'static str,
    weights: &[T],
    expected: usize,
) -> Result<T, Error> {
    check_vector(argument, weights, expected)?;
    if let Some(index) = weights.iter().position(|&w| w < T::ZERO) {
        return Err(Error::Negative { argument, index });
    }
    let mass = southwell_simd::vector::sum(weights);
    // Shares of a mass near the smallest number have no digits.
    if mass >= T::MIN_POSITIVE / T::EPSILON && mass.is_finite() {
        Ok(mass)
    } else {
        Err(Error::Mass {
            argument,
            requirement: "must be positive and finite (and not near the smallest number)",
        })
    }
}

/// Refuses an ε that is not positive, or so small that C/ε has no digits left of the decimal point's
/// right: the potentials could not express a coupling.
pub(super) fn check_epsilon<T: Real>(epsilon: T, largest: T) -> Result<(), Error> {
    let sound = epsilon > T::ZERO && epsilon <= T::MAX * T::EPSILON && (T::ONE / epsilon).is_finite();
    if !sound {
        return Err(Error::Option {
            name: "epsilon",
            requirement: "must be positive, finite and not near the largest number",
        });
    }
    if epsilon < largest * T::EPSILON {
        return Err(Error::Option {
            name: "epsilon",
            requirement: "must not be smaller than the largest cost times the type's precision",
        });
    }
    Ok(())
}

impl<'a, T: Real, C: Cost<T>> Problem<'a, T, C> {
    /// Checks the marginals and ε. Cost: one pass over a and b.
    ///
    /// # Errors
    /// [`Error::Dimension`] for marginals of another length than the costs have rows and columns;
    /// [`Error::Value`] for a NaN or an infinity, [`Error::Negative`] for a negative weight,
    /// [`Error::Mass`] for a marginal without mass and for masses that differ by more than rounding
    /// ((n + m)·8·[`EPSILON`](Real::EPSILON), relatively: the difference would stay as an error of the
    /// coupling; divide by the sums first); [`Error::Option`] for an ε that is not positive or below the
    /// largest cost times [`EPSILON`](Real::EPSILON).
    pub fn new(cost: &'a C, a: &'a [T], b: &'a [T], epsilon: T) -> Result<Self, Error> {
        let mass = check_marginal("a", a, cost.rows())?;
        let other = check_marginal("b", b, cost.columns())?;
        let lines = T::from_usize(a.len().saturating_add(b.len()));
        if (mass - other).abs() > T::from_u32(8) * T::EPSILON * lines * mass.max(other) {
            return Err(Error::Mass {
                argument: "b",
                requirement: "must equal that of `a`; scale one of them, or use unbalanced transport",
            });
        }
        check_epsilon(epsilon, cost.largest())?;
        Ok(Self { cost, a, b, epsilon, mass })
    }

    /// Rows n.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.a.len()
    }

    /// Columns m.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.b.len()
    }

    /// The costs.
    #[must_use]
    pub fn cost(&self) -> &'a C {
        self.cost
    }

    /// The row marginal a.
    #[must_use]
    pub fn a(&self) -> &'a [T] {
        self.a
    }

    /// The column marginal b.
    #[must_use]
    pub fn b(&self) -> &'a [T] {
        self.b
    }

    /// The weight of the entropy, in the unit of the costs.
    #[must_use]
    pub fn epsilon(&self) -> T {
        self.epsilon
    }

    /// Σ a, the mass to be moved.
    #[must_use]
    pub fn mass(&self) -> T {
        self.mass
    }

    /// The same problem with another ε, for a path of them.
    ///
    /// # Errors
    /// [`Error::Option`] as [`new`](Problem::new).
    pub fn with_epsilon(&self, epsilon: T) -> Result<Self, Error> {
        check_epsilon(epsilon, self.cost.largest())?;
        Ok(Self { epsilon, ..*self })
    }

    /// Refuses a start that cannot be used. The potential of a line without mass is not looked at.
    pub(super) fn check_start(&self, x: &Potentials<'_, T>) -> Result<(), Error> {
        check_potential("f", x.f, self.a)?;
        check_potential("g", x.g, self.b)
    }

    /// Gives lines without mass their potential, −∞.
    pub(super) fn mark_empty(&self, x: &mut Potentials<'_, T>) {
        mark_empty(x.f, self.a);
        mark_empty(x.g, self.b);
    }
}

/// Refuses a potential that cannot be used. That of a line without mass is not looked at.
fn check_potential<T: Real>(argument: &'static str, potential: &[T], weights: &[T]) -> Result<(), Error> {
    check_len(argument, potential.len(), weights.len())?;
    match unusable(potential, weights) {
        None => Ok(()),
        Some(index) => Err(Error::Value { argument, index }),
    }
}

/// The first potential that cannot be used.
// Its answer fits into registers: a part keeps no room for an error.
#[cfg_attr(target_os = "none", inline(never))]
fn unusable<T: Real>(potential: &[T], weights: &[T]) -> Option<usize> {
    potential.iter().zip(weights).position(|(p, &w)| w > T::ZERO && !p.is_finite())
}

/// Gives lines without mass their potential.
#[cfg_attr(target_os = "none", inline(never))]
fn mark_empty<T: Real>(potential: &mut [T], weights: &[T]) {
    for (potential, &weight) in potential.iter_mut().zip(weights) {
        if weight == T::ZERO {
            *potential = -T::INFINITY;
        }
    }
}
