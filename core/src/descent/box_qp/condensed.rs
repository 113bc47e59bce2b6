//! ½ xᵀH x + fᵀx with a dense H, the states having been eliminated.
//!
//! *Reduced solve*: H on the free variables is gathered and factorised as L D Lᵀ by rows, n³/6 multiply–adds for n
//! free ones, when the set of free variables has changed since; n² otherwise. *Memory*: n² + n.

use southwell_simd::short;

use super::model::{Factors, Look, Model};
use super::small::{add_all, at, clear, copy, dot, from, from_mut, row};
use crate::linear::{Dense, check_finite, check_len};
use crate::{DiagonalFault, Error, Real};

/// A pivot below this many roundings of its diagonal entry counts as not positive.
pub(super) const ROUNDINGS: u32 = 4;

/// H of ½ xᵀH x + fᵀx by rows; f comes with the problem.
#[derive(Clone, Copy, Debug)]
pub struct Condensed<'a, T> {
    h: &'a [T],
    n: usize,
}

impl<'a, T: Real> Condensed<'a, T> {
    /// A view of H, n × n by rows, symmetric, with a positive diagonal. That it is positive definite is found out
    /// by solving.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `h` has not n² entries, [`Error::Value`] for a NaN or an infinity,
    /// [`Error::Diagonal`] for an entry that is not positive there, [`Error::Asymmetric`]. Cost: two passes.
    pub fn new(h: &'a [T], variables: usize) -> Result<Self, Error> {
        check_len("h", h.len(), variables.saturating_mul(variables))?;
        // It says "values": the argument's name here is `h`.
        check_finite("h", h)?;
        check_symmetric("h", h, variables)?;
        check_positive_diagonal(h, variables)?;
        Ok(Self { h, n: variables })
    }

    /// Numbers that a [`Workspace`](super::Workspace) needs for n variables: n² + 7 n.
    #[must_use]
    pub const fn required_len(variables: usize) -> usize {
        let factors = variables.saturating_mul(variables).saturating_add(variables);
        super::workspace::required_len(variables, factors)
    }

    pub(super) fn values(&self) -> &'a [T] {
        self.h
    }

    /// f + H x of the fixed variables, or of the free ones; zero of the others.
    #[cfg_attr(target_os = "none", inline(never))]
    #[cfg_attr(not(target_os = "none"), inline(always))]
    fn slopes(&self, data: &[T], sides: &[T], fixed: bool, x: &[T], gradient: &mut [T]) {
        let size = size(fixed);
        // Counted: pieces beside other iterators ask for their length, by a division that shows no longer not to be by 0.
        for (i, ((g, &f), side)) in gradient.iter_mut().zip(data).zip(sides).enumerate() {
            *g = if side.abs() == size { f + dot(row(self.h, i, self.n), x) } else { T::ZERO };
        }
    }

    fn rows(&self) -> impl Iterator<Item = &'a [T]> + use<'a, T> {
        self.h.chunks_exact(self.n.max(1))
    }
}

impl<'a, T: Real> TryFrom<Dense<'a, T>> for Condensed<'a, T> {
    type Error = Error;

    /// The same from a view without padding.
    fn try_from(dense: Dense<'a, T>) -> Result<Self, Error> {
        let parts = dense.parts();
        Self::new(parts.values, parts.columns)
    }
}

/// Refuses entries that differ from their mirror images by more than √ε of the diagonal entries beside them.
pub(super) fn check_symmetric<T: Real>(argument: &'static str, a: &[T], n: usize) -> Result<(), Error> {
    let rows = || a.chunks_exact(n.max(1)).enumerate();
    let rounding = T::EPSILON.sqrt();
    for (row, upper) in rows() {
        for (column, lower) in rows().take(row) {
            let (Some(&above), Some(&below)) = (lower.get(row), upper.get(column)) else { continue };
            let size = lower.get(column).copied().unwrap_or(T::ZERO).abs();
            let size = size.max(upper.get(row).copied().unwrap_or(T::ZERO).abs());
            if (above - below).abs() > rounding * size {
                return Err(Error::Asymmetric { argument, row, column });
            }
        }
    }
    Ok(())
}

/// Refuses a diagonal entry that is not positive.
pub(super) fn check_positive_diagonal<T: Real>(a: &[T], n: usize) -> Result<(), Error> {
    for (row, entries) in a.chunks_exact(n.max(1)).enumerate() {
        if entries.get(row).is_none_or(|&d| d < T::MIN_POSITIVE) {
            return Err(Error::Diagonal { row, fault: DiagonalFault::NotPositive });
        }
    }
    Ok(())
}

impl<T: Real> Model<T> for Condensed<'_, T> {
    const DATA: &'static str = "f";

    fn variables(&self) -> usize {
        self.n
    }
    fn data_len(&self) -> usize {
        self.n
    }
    fn factors_len(&self) -> usize {
        self.n.saturating_mul(self.n).saturating_add(self.n)
    }
    fn is(&self, other: &Self) -> bool {
        core::ptr::eq(self.h, other.h)
    }

    fn evaluate(&self, data: &[T], x: &[T], _sized: bool, gradient: &mut [T], _storage: &mut [T]) -> Look<T> {
        let mut look = Look { objective: T::ZERO, scale: T::ZERO };
        // By columns, which are rows: those of zeros, as at a cold start, are passed over.
        clear(gradient);
        add_all(self.h, x, gradient);
        for ((g, &f), &xi) in gradient.iter_mut().zip(data).zip(x) {
            let hx = *g;
            *g = hx + f;
            look.objective += xi * (T::HALF * hx + f);
            let size = hx.abs() + f.abs();
            if size > look.scale {
                look.scale = size;
            }
        }
        look
    }

    fn curvature(&self, d: &[T], _storage: &mut [T]) -> T {
        self.rows()
            .zip(d)
            .fold(T::ZERO, |sum, (row, &di)| if di == T::ZERO { sum } else { sum + di * dot(row, d) })
    }

    fn minimise(
        &self,
        data: &[T],
        sides: &[T],
        x: &mut [T],
        gradient: &mut [T],
        factors: &mut Factors<'_, T>,
    ) -> bool {
        let n = self.n;
        // H, of as many, lies in memory.
        let Some((matrix, rhs)) = factors.storage.split_at_mut_checked(n.wrapping_mul(n)) else {
            return false;
        };
        // Which bound a variable is at does not matter to the factors, and what was factorised of the variables before the
        // first one that is free now and was not, or was and is not, stays.
        let first = if factors.valid { agree(factors.sides, sides) } else { 0 };
        let count = number(sides, false);
        if first < n || !factors.valid {
            factors.valid = false;
            let known = number(sides.get(..first).unwrap_or(&[]), false);
            gather((self.h, n), false, sides, (first, known), matrix);
            if !extend(matrix, n, known, count) {
                return false;
            }
            copy(factors.sides, sides);
            factors.valid = true;
        }
        // −(f + H x) with x = 0 where it is free.
        for (x, &side) in x.iter_mut().zip(sides) {
            if side == T::ZERO {
                *x = T::ZERO;
            }
        }
        self.slopes(data, sides, false, x, gradient);
        let gathered = gradient.iter().zip(sides).filter(|&(_, &side)| side == T::ZERO);
        rhs.iter_mut().zip(gathered).for_each(|(r, (&g, _))| *r = -g);
        substitute(matrix, n, rhs.get_mut(..count).unwrap_or(&mut []));
        let places = x.iter_mut().zip(sides).filter(|(_, side)| **side == T::ZERO);
        places.zip(&*rhs).for_each(|((x, _), &r)| *x = r);
        self.slopes(data, sides, true, x, gradient);
        true
    }
}

/// |side| of the fixed variables, or of the free ones: one comparison, whichever are asked for.
#[inline(always)]
fn size<T: Real>(fixed: bool) -> T {
    if fixed { T::ONE } else { T::ZERO }
}

/// Positions of the fixed variables, or of the free ones.
pub(super) fn positions<T: Real>(sides: &[T], fixed: bool) -> impl Iterator<Item = usize> + '_ {
    let size = size(fixed);
    sides.iter().enumerate().filter(move |&(_, side)| side.abs() == size).map(|(i, _)| i)
}

/// How many those are.
#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn number<T: Real>(sides: &[T], fixed: bool) -> usize {
    positions(sides, fixed).count()
}

/// The rows and columns of a symmetric matrix of order n that belong to the fixed variables, or to the free ones, into the
/// leading ones of another: its upper half, which is all that is read, and of that the columns from variable `first` on, the
/// ones before which are `known` in number.
#[cfg_attr(target_os = "none", inline(never))] // A part's stack holds one phase of a step at a time.
#[cfg_attr(not(target_os = "none"), inline(always))]
pub(super) fn gather<T: Real>(
    (values, n): (&[T], usize),
    fixed: bool,
    sides: &[T],
    (first, known): (usize, usize),
    matrix: &mut [T],
) {
    for (number, (to, i)) in matrix.chunks_exact_mut(n.max(1)).zip(positions(sides, fixed)).enumerate() {
        let (begin, row) = (i.max(first), row(values, i, n));
        let to = from_mut(to, number.max(known)).iter_mut();
        to.zip(positions(from(sides, begin), fixed)).for_each(|(to, j)| *to = at(row, begin.wrapping_add(j)));
    }
}

/// Uᵀ D⁻¹ U of the leading part in its upper half, rows `stride` apart; the diagonal holds the inverse pivots.
pub(crate) fn factorise<T: Real>(matrix: &mut [T], stride: usize, count: usize) -> bool {
    extend(matrix, stride, 0, count)
}

/// The same where the leading `known` rows and columns have been factorised before: the bits of the whole.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn extend<T: Real>(matrix: &mut [T], stride: usize, known: usize, count: usize) -> bool {
    short::factorise(matrix, stride, known, count, T::from_u32(ROUNDINGS) * T::EPSILON)
}

/// The first place where one of two sets holds a variable and the other does not.
#[cfg_attr(target_os = "none", inline(never))]
pub(super) fn agree<T: Real>(before: &[T], now: &[T]) -> usize {
    let differ = |(a, b): (&T, &T)| a.abs() != b.abs();
    before.iter().zip(now).position(differ).unwrap_or(now.len())
}

/// 1/pivot of a pivot that is at least so large.
pub(super) fn invert<T: Real>(pivot: T, least: T) -> Option<T> {
    (pivot >= least && pivot <= T::MAX).then(|| T::ONE / pivot)
}

/// x ← (Uᵀ D⁻¹ U)⁻¹ x.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn substitute<T: Real>(matrix: &[T], stride: usize, x: &mut [T]) {
    short::substitute(matrix, stride, x);
}
