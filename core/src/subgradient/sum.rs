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
