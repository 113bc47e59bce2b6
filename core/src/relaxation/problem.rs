//! What is solved: A x = b.

use crate::linear::{Matrix, check_finite, check_len};
use crate::{DiagonalFault, Error, Real};

/// The system A x = b, borrowed and checked.
#[derive(Debug)]
pub struct Problem<'a, T, A> {
    pub(super) matrix: &'a A,
    pub(super) rhs: &'a [T],
    pub(super) rhs_norm: T,
}

/// What the relative tolerance refers to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[non_exhaustive]
pub enum Reference {
    /// ‖b‖₂: the answer's quality does not depend on the start. A zero right-hand side is answered
    /// by x = 0 at once.
    #[default]
    RightHandSide,
    /// ‖b − A x₀‖₂: a warm start must be improved by the same factor as a cold one.
    InitialResidual,
}

impl<'a, T: Real, A: Matrix<T>> Problem<'a, T, A> {
    /// Checks the right-hand side and the diagonal. Cost: one pass over both.
    ///
    /// # Errors
    /// [`Error::Dimension`] if `rhs` has not the matrix's order; [`Error::Value`] for a NaN or an
    /// infinity in it; [`Error::Diagonal`] for a diagonal entry that is missing, zero or without a
    /// finite reciprocal; [`Error::Option`] for a right-hand side whose squares overflow, or all
    /// underflow to zero.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn new(matrix: &'a A, rhs: &'a [T]) -> Result<Self, Error> {
        let n = matrix.order();
        check_len("rhs", rhs.len(), n)?;
        check_finite("rhs", rhs)?;
        for row in 0..n {
            let fault = match matrix.diagonal(row) {
                None => DiagonalFault::Missing,
                Some(d) if d == T::ZERO || !(T::ONE / d).is_finite() => DiagonalFault::Zero,
                Some(_) => continue,
            };
            return Err(Error::Diagonal { row, fault });
        }
        let rhs_norm = southwell_simd::vector::norm(rhs);
        if !rhs_norm.is_finite() {
            return Err(Error::Option {
                name: "rhs",
                requirement: "has a norm that overflows; scale the system",
            });
        }
        if rhs_norm == T::ZERO && rhs.iter().any(|&b| b != T::ZERO) {
            return Err(Error::Option {
                name: "rhs",
                requirement: "has a norm that underflows; scale the system",
            });
        }
        Ok(Self { matrix, rhs, rhs_norm })
    }

    /// Unknowns.
    #[must_use]
    pub fn order(&self) -> usize {
        self.rhs.len()
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &'a A {
        self.matrix
    }

    /// The right-hand side.
    #[must_use]
    pub fn rhs(&self) -> &'a [T] {
        self.rhs
    }

    /// ‖b − A x‖₂ of any x of the right length (NaN otherwise). Cost: one pass over the matrix.
    #[must_use]
    pub fn residual_norm(&self, x: &[T]) -> T {
        if x.len() == self.order() { self.matrix.residual_square(self.rhs, x).sqrt() } else { T::NAN }
    }

    /// Refuses a start that cannot be used.
    pub(super) fn check_start(&self, x: &[T]) -> Result<(), Error> {
        check_len("x", x.len(), self.order())?;
        check_finite("x", x)
    }

    /// Refuses a diagonal entry that is not positive.
    pub(super) fn check_positive_diagonal(&self) -> Result<(), Error> {
        let bad = (0..self.order()).find(|&row| self.matrix.diagonal(row).is_none_or(|d| d <= T::ZERO));
        match bad {
            None => Ok(()),
            Some(row) => Err(Error::Diagonal { row, fault: DiagonalFault::NotPositive }),
        }
    }

    /// The scale that a reference names, given the first residual.
    pub(super) fn scale(&self, reference: Reference, initial_residual: T) -> T {
        match reference {
            Reference::RightHandSide => self.rhs_norm,
            Reference::InitialResidual => initial_residual,
        }
    }

    /// Whether x = 0 answers the problem under this reference.
    pub(super) fn is_trivial(&self, reference: Reference) -> bool {
        reference == Reference::RightHandSide && self.rhs_norm == T::ZERO
    }
}

/// What rounding can hide in a sum of n squares: each may be off by the smallest number of the type.
fn hidden<T: Real>(n: usize) -> T {
    T::from_usize(n) * (T::MIN_POSITIVE * T::EPSILON)
}

/// Whether residuals at this tolerance have squares that underflow, so that a norm seems to be what it is not. A scale
/// of zero is that of a problem that zero answers.
fn underflows<T: Real>(n: usize, tolerance: T, scale: T) -> bool {
    scale > T::ZERO && tolerance * tolerance < hidden(n)
}

/// The norm that a sum of n squares has; a bound of it where rounding hides it from this tolerance, or, where none is
/// asked for (infinity), from the sum itself. So a run whose own numbers underflow stalls and does not converge.
pub(super) fn norm_of<T: Real>(square: T, n: usize, tolerance: T, scale: T) -> T {
    if underflows(n, tolerance, scale) || (tolerance == T::INFINITY && square < hidden(n)) {
        return (square + hidden(n)).sqrt();
    }
    square.sqrt()
}

/// The same of a norm that is known, where it is hidden.
pub(super) fn hidden_norm<T: Real>(norm: T, n: usize, tolerance: T, scale: T) -> Option<T> {
    underflows(n, tolerance, scale).then(|| norm_of(norm * norm, n, tolerance, scale))
}
