//! Points far from a simplex.

use crate::Real;

/// Moves x along 1 until its largest element is 0, if that is so large that a sum of this size is lost in its rounding.
/// The nearest point with that sum, and without negative elements, stays the same: without this it would be 0 there, whose
/// sum is none. False where the largest is no number: then x is left, and nobody knows the nearest point.
pub(crate) fn lower<T: Real>(x: &mut [T], sum: T) -> bool {
    let most = x.iter().fold(-T::INFINITY, |most, &x| most.max(x));
    if most.is_finite() && most.abs() * T::EPSILON.sqrt() > sum {
        x.iter_mut().for_each(|x| *x -= most);
    }
    most.is_finite()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::descent::penalties::{Block, Penalty, Simplex};
    use crate::subgradient::Projection;
    use crate::subgradient::projection;

    #[test]
    fn only_what_is_far_is_moved() {
        let mut x = [1e7, -3.0, 2.0_f64];
        assert!(lower(&mut x, 1.0));
        assert_eq!(x, [1e7, -3.0, 2.0]);
        assert!(lower(&mut x, 1e-2));
        assert_eq!(x, [0.0, -1e7 - 3.0, 2.0 - 1e7]);
        let mut x = [f64::INFINITY, 1.0];
        assert!(!lower(&mut x, 1e-30));
        assert_eq!(x, [f64::INFINITY, 1.0]);
    }

    /// A step that overflowed leads nowhere, rather than to 0.
    #[test]
    fn no_number_is_no_point() {
        for far in [f64::INFINITY, -f64::INFINITY, f64::NAN] {
            let mut x = [far];
            Simplex::new(2.0).prox(Block { number: 0, variables: &[0] }, 1.0, &mut x);
            assert!(x[0].is_nan());
        }
        let mut x = [1.0, -f64::INFINITY];
        Simplex::new(2.0).prox(Block { number: 0, variables: &[0, 1] }, 1.0, &mut x);
        assert_eq!(x, [2.0, 0.0]);
    }

    /// The nearest point of a simplex is on it, from wherever: a corner, or the middle of what is equally far.
    #[test]
    fn the_sum_is_kept_from_afar() {
        for far in [1e3, 1e9, 1e17, 1e30, 1e300] {
            for (v, expected) in [
                ([far, -far, 0.5 * far], [2.0, 0.0, 0.0]),
                ([far, far, -far], [1.0, 1.0, 0.0]),
                ([-far, -2.0 * far, -3.0 * far], [2.0, 0.0, 0.0]),
            ] {
                let mut x = v;
                Simplex::new(2.0).prox(Block { number: 0, variables: &[0, 1, 2] }, 1.0, &mut x);
                assert_eq!(x, expected, "{v:?}");
                let mut x = v;
                projection::Simplex::new(2.0).expect("a sum").project(&mut x);
                assert_eq!(x, expected, "{v:?}");
            }
        }
    }
}
