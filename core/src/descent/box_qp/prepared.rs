//! The condensed form with H⁻¹ at hand: for a model that stays and a short horizon, the fewest instructions.
//!
//! ```text
//! x = x̂ + H⁻¹ E λ,   (EᵀH⁻¹ E) λ = (bounds − x̂) of the fixed variables,   x̂ = −H⁻¹ f
//! ```
//! E picks the fixed variables, and λ is their gradient. What is factorised has the order of the fixed variables, not
//! of the free ones: k³/6 multiply–adds for k fixed ones, and n k for x. Where more than half are fixed H of the free ones is
//! factorised instead, as by [`Condensed`], unless flash counts ([`Prepared::compact`]). *Once a run*: 3 n² for x̂, which
//! is refined once. *Memory*: n² + 2 n besides H and H⁻¹. H⁻¹ is made once ([`invert_condensed`]).

use super::condensed::{Condensed, agree, extend, factorise, gather, number, positions, substitute};
use super::model::{Factors, Look, Model};
use super::small::{add_all, axpy, clear, copy, from_mut, row, row_mut};
use crate::linear::{check_finite, check_len};
use crate::{Error, Real, Status};

/// A condensed model and its H⁻¹; `BOTH`: the smaller of two systems is factorised, as [`new`](Prepared::new) has it.
#[derive(Clone, Copy, Debug)]
pub struct Prepared<'a, T, const BOTH: bool = true> {
    condensed: Condensed<'a, T>,
    inverse: &'a [T],
}

impl<'a, T: Real> Prepared<'a, T> {
    /// A condensed model and its H⁻¹ by rows.
    ///
    /// # Errors
    /// [`Error::Dimension`] and [`Error::Value`] for `inverse`. That it is the inverse is not checked; a wrong one
    /// shows in the residual.
    pub fn new(condensed: Condensed<'a, T>, inverse: &'a [T]) -> Result<Self, Error> {
        Self::of(condensed, inverse)
    }
}

impl<'a, T: Real> Prepared<'a, T, false> {
    /// The same for the least flash and stack: only systems of the fixed variables are factorised, whatever their order.
    /// For horizons on which few bounds are met: where most variables are fixed, [`new`](Prepared::new) takes
    /// fewer instructions.
    ///
    /// # Errors
    /// As [`new`](Prepared::new).
    pub fn compact(condensed: Condensed<'a, T>, inverse: &'a [T]) -> Result<Self, Error> {
        Self::of(condensed, inverse)
    }
}

impl<'a, T: Real, const BOTH: bool> Prepared<'a, T, BOTH> {
    fn of(condensed: Condensed<'a, T>, inverse: &'a [T]) -> Result<Self, Error> {
        let n = condensed.variables();
        check_len("inverse", inverse.len(), n.saturating_mul(n))?;
        check_finite("inverse", inverse)?;
        Ok(Self { condensed, inverse })
    }
}

impl<T: Real> Prepared<'_, T> {
    /// Numbers that a [`Workspace`](super::Workspace) needs for n variables: n² + 8 n.
    #[must_use]
    pub const fn required_len(variables: usize) -> usize {
        super::workspace::required_len(variables, factors_len(variables))
    }
}

const fn factors_len(variables: usize) -> usize {
    variables.saturating_mul(variables).saturating_add(variables.saturating_mul(2))
}

/// H⁻¹ of a condensed model, by rows. `storage` holds n² numbers. Cost: n³ multiply–adds. [`Status::Breakdown`] where
/// H is not positive definite; the inverse is of no use then.
///
/// # Errors
/// [`Error::Dimension`] for `inverse`, [`Error::Workspace`] for `storage`.
pub fn invert_condensed<T: Real>(
    condensed: &Condensed<'_, T>,
    inverse: &mut [T],
    storage: &mut [T],
) -> Result<Status, Error> {
    let n = condensed.variables();
    let needed = n.saturating_mul(n);
    check_len("inverse", inverse.len(), needed)?;
    let short = Error::Workspace { needed, given: storage.len() };
    let matrix = storage.get_mut(..needed).ok_or(short)?;
    copy(matrix, condensed.values());
    clear(inverse);
    if !factorise(matrix, n, n) {
        return Ok(Status::Breakdown);
    }
    for i in 0..n {
        let unit = row_mut(inverse, i, n);
        if let Some(one) = unit.get_mut(i) {
            *one = T::ONE;
        }
        substitute(matrix, n, unit);
    }
    Ok(Status::Converged)
}

/// x ← −x.
#[cfg_attr(target_os = "none", inline(never))]
fn negate<T: Real>(x: &mut [T]) {
    x.iter_mut().for_each(|x| *x = -*x);
}

/// Whether so many of n variables are fixed that the free ones make the smaller system.
fn are_many(fixed: usize, n: usize) -> bool {
    fixed.wrapping_mul(2) > n
}

impl<T: Real, const BOTH: bool> Model<T> for Prepared<'_, T, BOTH> {
    const DATA: &'static str = "f";

    fn variables(&self) -> usize {
        self.condensed.variables()
    }
    fn data_len(&self) -> usize {
        self.condensed.variables()
    }
    fn factors_len(&self) -> usize {
        factors_len(self.condensed.variables())
    }
    fn is(&self, other: &Self) -> bool {
        self.condensed.is(&other.condensed) && core::ptr::eq(self.inverse, other.inverse)
    }
    fn begin(&self, data: &[T], storage: &mut [T]) {
        let n = self.variables();
        let Some((unbounded, rest)) = storage.split_at_mut_checked(n) else { return };
        let rounding = row_mut(rest, n, n);
        clear(unbounded);
        add_all(self.inverse, data, unbounded);
        negate(unbounded);
        // Once more with what is left of the gradient: the inverse was rounded.
        copy(rounding, data);
        add_all(self.condensed.values(), unbounded, rounding);
        negate(rounding);
        add_all(self.inverse, rounding, unbounded);
    }
    fn evaluate(&self, data: &[T], x: &[T], sized: bool, gradient: &mut [T], storage: &mut [T]) -> Look<T> {
        self.condensed.evaluate(data, x, sized, gradient, storage)
    }
    fn curvature(&self, d: &[T], storage: &mut [T]) -> T {
        self.condensed.curvature(d, storage)
    }

    fn minimise(
        &self,
        data: &[T],
        sides: &[T],
        x: &mut [T],
        gradient: &mut [T],
        factors: &mut Factors<'_, T>,
    ) -> bool {
        let n = self.variables();
        // Of what was factorised last, the rows and columns up to the first variable that is fixed now and was not, or
        // was and is not. Factors of the free variables are of no use to the fixed ones.
        let count = number(sides, true);
        let (mut first, many) = (0, BOTH && are_many(count, n));
        if factors.valid {
            first = agree(factors.sides, sides);
            if BOTH && first < n && are_many(number(factors.sides, true), n) != many {
                (factors.valid, first) = (false, 0);
            }
        }
        if many {
            let (before, valid) = (&mut *factors.sides, factors.valid);
            let mut own = Factors { sides: before, storage: from_mut(factors.storage, n), valid };
            let positive = self.condensed.minimise(data, sides, x, gradient, &mut own);
            factors.valid = own.valid;
            return positive;
        }
        let Some((unbounded, rest)) = factors.storage.split_at_mut_checked(n) else { return false };
        let Some((matrix, force)) = rest.split_at_mut_checked(n.wrapping_mul(n)) else { return false };
        let known = number(sides.get(..first).unwrap_or(&[]), true);
        let places = x.iter().zip(&*unbounded).zip(sides).filter(|(_, side)| **side != T::ZERO);
        for (force, ((&x, &free), _)) in force.iter_mut().zip(places) {
            *force = x - free;
        }
        if first < n || !factors.valid {
            factors.valid = false;
            gather((self.inverse, n), true, sides, (first, known), matrix);
            if !extend(matrix, n, known, count) {
                return false;
            }
            copy(factors.sides, sides);
            factors.valid = true;
        }
        let force = force.get_mut(..count).unwrap_or(&mut []);
        substitute(matrix, n, force);
        // Fixed variables are where they are, to the last bit; the others move with the forces.
        copy(gradient, unbounded);
        for (i, &force) in positions(sides, true).zip(&*force) {
            axpy(force, row(self.inverse, i, n), gradient);
        }
        let mut forces = force.iter();
        for ((x, g), side) in x.iter_mut().zip(gradient).zip(sides) {
            if *side == T::ZERO {
                *x = core::mem::replace(g, T::ZERO);
            } else {
                *g = forces.next().copied().unwrap_or(T::ZERO);
            }
        }
        true
    }
}
