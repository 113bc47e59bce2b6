//! What every look at a finished iterate shares: sums that keep their digits, and rows of the coupling.

use southwell_simd::elementary;

use super::cost::Cost;
use super::problem::Problem;
use crate::linear::check_len;
use crate::{Error, Real};

/// A sum that carries its rounding errors along (Neumaier 1974): the error of n terms x is below
/// [`EPSILON`](Real::EPSILON)·|Σ x| + n²·[`EPSILON`](Real::EPSILON)²·Σ |x|.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum<T> {
    sum: T,
    lost: T,
}

impl<T: Real> Sum<T> {
    pub(super) const fn new() -> Self {
        Self { sum: T::ZERO, lost: T::ZERO }
    }

    pub(super) fn add(&mut self, x: T) {
        let sum = self.sum + x;
        let lost = if self.sum.abs() >= x.abs() { (self.sum - sum) + x } else { (x - sum) + self.sum };
        self.sum = sum;
        self.lost += lost;
    }

    /// The sum; of infinite terms, what plain addition makes of them.
    pub(super) fn value(&self) -> T {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// Σ over the terms.
pub(super) fn total<T: Real>(terms: impl Iterator<Item = T>) -> T {
    let mut sum = Sum::new();
    terms.for_each(|x| sum.add(x));
    sum.value()
}

/// ⟨w, p⟩ over the lines that have mass; the potential of the others is −∞.
pub(super) fn weighted<T: Real>(weights: &[T], potential: &[T]) -> T {
    let lines = weights.iter().zip(potential).filter(|(w, _)| **w > T::ZERO);
    total(lines.map(|(&w, &p)| w * p))
}

/// max |p| over the lines that have mass.
pub(super) fn largest<T: Real>(weights: &[T], potential: &[T]) -> T {
    let lines = weights.iter().zip(potential).filter(|(w, _)| **w > T::ZERO);
    lines.fold(T::ZERO, |largest, (_, p)| largest.max(p.abs()))
}

/// Refuses potentials that say nothing: of another length, NaN or infinite where there is mass.
pub(super) fn check_potentials<T: Real, C: Cost<T>>(
    problem: &Problem<'_, T, C>,
    f: &[T],
    g: &[T],
) -> Result<(), Error> {
    for (argument, potential, weights) in [("f", f, problem.a), ("g", g, problem.b)] {
        check_len(argument, potential.len(), weights.len())?;
        let bad = potential.iter().zip(weights).position(|(p, &w)| w > T::ZERO && !p.is_finite());
        if let Some(index) = bad {
            return Err(Error::Value { argument, index });
        }
    }
    Ok(())
}

/// Elements that [`Cost::row`] wants as a buffer.
pub(super) const fn buffer_len(columns: usize, stored: bool) -> usize {
    if stored { 0 } else { columns }
}

/// g with −∞ where a column has no mass, whatever was handed in there.
pub(super) fn copy_marked<T: Real>(weights: &[T], potential: &[T], copy: &mut [T]) {
    for ((copy, &p), &w) in copy.iter_mut().zip(potential).zip(weights) {
        *copy = if w > T::ZERO { p } else { -T::INFINITY };
    }
}

/// A row of the coupling up to a factor, e_j = e^((g_j − C_j)/ε − m) with its largest entry near 1: m, and Σ e (0 if
/// m is infinite, beyond what the type can express).
pub(super) fn shape<T: Real>(epsilon: T, g: &[T], c: &[T], e: &mut [T]) -> (T, T) {
    let (m, sum) = elementary::exp_row(g, c, T::ONE / epsilon, e);
    if m.is_finite() && sum > T::ZERO && sum.is_finite() {
        return (m, sum);
    }
    e.fill(T::ZERO);
    (m, T::ZERO)
}

#[cfg(test)]
mod tests {
    use southwell_simd::elementary::ln_scalar;

    use super::{copy_marked, largest, shape, total, weighted};

    /// Digits that a plain sum would lose, whichever of two terms is the larger.
    #[test]
    fn sums_keep_what_large_terms_hide() {
        let sum = |terms: &[f64]| total(terms.iter().copied());
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[1.0, 1e100, -1e100]), 1.0);
        assert_eq!(sum(&[1.0, 1e100, 1.0, -1e100]), 2.0);
        assert_eq!(sum(&[3.0, -1e100, 0.5, 1e100, 0.25]), 3.75);
        assert_eq!((sum(&[]), sum(&[f64::INFINITY, 1.0])), (0.0, f64::INFINITY));
        assert!(sum(&[f64::INFINITY, -f64::INFINITY]).is_nan());
    }

    #[test]
    fn lines_without_mass_are_passed_over() {
        let (weights, p) = ([0.5, 0.0, 2.0], [-3.0, f64::NEG_INFINITY, 1.0]);
        assert_eq!((weighted(&weights, &p), largest(&weights, &p)), (0.5, 3.0));
        let mut copy = [7.0; 3];
        copy_marked(&weights, &[-3.0, 5.0, 1.0], &mut copy);
        assert_eq!(copy, p);
    }

    #[test]
    fn a_row_has_its_largest_entry_near_one() {
        // Half of ln 2 times what these exponentials are relative to, so that nothing is rounded.
        let half = 0.5 * core::f64::consts::LN_2;
        let mut e = [f64::NAN; 3];
        let row = shape(0.5, &[half, half, f64::NEG_INFINITY], &[0.0; 3], &mut e);
        assert_eq!(row, (core::f64::consts::LN_2, 2.0));
        assert_eq!(e, [1.0, 1.0, 0.0]);
        // Elsewhere within an eighth of an octave.
        let (m, sum) = shape(0.5, &[1.0, 0.5, f64::NEG_INFINITY], &[0.5, 0.0, 0.0], &mut e);
        assert!((m + ln_scalar(sum) - (1.0 + core::f64::consts::LN_2)).abs() < 4.0 * f64::EPSILON);
        assert!(e[0] == e[1] && (0.917..1.091).contains(&e[0]) && sum == 2.0 * e[0] && e[2] == 0.0, "{e:?}");
        assert_eq!(shape(0.5, &[f64::NEG_INFINITY; 3], &[0.0; 3], &mut e), (f64::NEG_INFINITY, 0.0));
        assert_eq!(e, [0.0; 3]);
    }
}
