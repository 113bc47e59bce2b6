//! A sum whose error does not grow with the number of its terms.

use crate::Real;

/// Kahan's compensated sum of terms that come one by one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sum<T> {
    sum: T,
    lost: T,
}

impl<T: Real> Sum<T> {
    pub(crate) fn new() -> Self {
        Self { sum: T::ZERO, lost: T::ZERO }
    }

    #[inline(always)]
    pub(crate) fn add(&mut self, term: T) {
        let term = term - self.lost;
        let sum = self.sum + term;
        // An infinite sum has lost nothing that is a number.
        self.lost = if sum.is_finite() { (sum - self.sum) - term } else { T::ZERO };
        self.sum = sum;
    }

    pub(crate) fn value(self) -> T {
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_are_not_lost() {
        let (mut sum, mut single) = (Sum::new(), Sum::new());
        sum.add(1.0);
        single.add(-1.0_f32);
        for _ in 0..100_000 {
            // A quarter of the last bit.
            sum.add(f64::EPSILON / 4.0);
            single.add(-f32::EPSILON / 4.0);
        }
        assert_eq!(sum.value(), 1.0 + 25_000.0 * f64::EPSILON);
        assert_eq!(single.value(), -1.0 - 25_000.0 * f32::EPSILON);
        sum.add(f64::INFINITY);
        sum.add(1.0);
        assert_eq!(sum.value(), f64::INFINITY);
    }
}
