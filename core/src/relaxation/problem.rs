//! What is solved: A x = b.

use crate::linear::{Matrix, check_vector};
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
    pub fn new(matrix: &'a A, rhs: &'a [T]) -> Result<Self, Error> {
        let rhs_norm = Self::check(matrix, rhs)?;
        Ok(Self { matrix, rhs, rhs_norm })
    }

    /// ‖b‖₂ of a system that can be solved. Apart, so that the view itself is made where it is to lie.
    #[cfg_attr(target_os = "none", inline(never))]
    fn check(matrix: &A, rhs: &[T]) -> Result<T, Error> {
        let n = matrix.order();
        check_vector("rhs", rhs, n)?;
        for row in 0..n {
            let fault = match matrix.diagonal(row) {
                None => DiagonalFault::Missing,
                Some(d) if d == T::ZERO || !(T::ONE / d).is_finite() => DiagonalFault::Zero,
                Some(_) => continue,
            };
            return Err(Error::Diagonal { row, fault });
        }
        let rhs_norm = southwell_simd::vector::norm(rhs);
        let requirement = if !rhs_norm.is_finite() {
            "has a norm that overflows; scale the system"
        } else if rhs_norm == T::ZERO && rhs.iter().any(|&b| b != T::ZERO) {
            "has a norm that underflows; scale the system"
        } else {
            return Ok(rhs_norm);
        };
        Err(Error::Option { name: "rhs", requirement })
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
        check_vector("x", x, self.order())
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

#[cfg(test)]
mod tests {
    use super::{Problem, Reference, hidden, hidden_norm, norm_of, underflows};
    use crate::linear::Dense;

    /// The smallest number of the type, ε times the smallest normal one.
    const LEAST: f64 = f64::from_bits(1);

    #[test]
    fn what_rounding_hides_in_a_sum_of_squares() {
        assert_eq!((hidden::<f64>(0), hidden::<f64>(1), hidden::<f64>(7)), (0.0, LEAST, 7.0 * LEAST));
        assert_eq!(hidden::<f32>(3), 3.0 * f32::from_bits(1));
        // Its square is four of the smallest number.
        let tolerance = LEAST.sqrt() * 2.0;
        assert_eq!(tolerance * tolerance, 4.0 * LEAST);
        assert!(!underflows(3, tolerance, 1.0) && !underflows(4, tolerance, 1.0));
        assert!(underflows(5, tolerance, 1.0));
        assert!(!underflows(5, tolerance, 0.0), "zero answers it");
        // Where a norm at the tolerance is hidden, the bound; else the norm, whatever it is.
        assert_eq!(norm_of(4.0 * LEAST, 5, tolerance, 1.0), (9.0 * LEAST).sqrt());
        assert_eq!(norm_of(9.0, 5, tolerance, 1.0), 3.0);
        assert_eq!(norm_of(LEAST, 4, tolerance, 1.0), LEAST.sqrt());
        // Without a tolerance the sum itself says whether it is.
        assert_eq!(norm_of(2.0 * LEAST, 3, f64::INFINITY, 1.0), (5.0 * LEAST).sqrt());
        assert_eq!(norm_of(3.0 * LEAST, 3, f64::INFINITY, 1.0), (3.0 * LEAST).sqrt());
        assert_eq!(norm_of(9.0, 3, f64::INFINITY, 1.0), 3.0);
        assert_eq!(norm_of(2.0 * LEAST, 3, 1.0, 1.0), (2.0 * LEAST).sqrt());
        assert_eq!(hidden_norm(tolerance, 4, tolerance, 1.0), None);
        assert_eq!(hidden_norm(tolerance, 5, tolerance, 1.0), Some((9.0 * LEAST).sqrt()));
    }

    #[test]
    fn what_zero_answers() {
        let a = Dense::new(&[2.0], 1, 1).expect("finite");
        let zero = Problem::new(&a, &[0.0]).expect("a diagonal");
        assert!(zero.is_trivial(Reference::RightHandSide) && !zero.is_trivial(Reference::InitialResidual));
        let one = Problem::new(&a, &[1.0]).expect("a diagonal");
        assert!(!one.is_trivial(Reference::RightHandSide) && !one.is_trivial(Reference::InitialResidual));
        assert_eq!(
            (one.scale(Reference::RightHandSide, 5.0), one.scale(Reference::InitialResidual, 5.0)),
            (1.0, 5.0)
        );
    }
}
