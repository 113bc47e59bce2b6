//! When threads are worth it.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;

/// What one pass of a solver over its problem takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Entries of which an exponential is taken.
    pub exponentials: usize,
    /// Entries that are multiplied and added.
    pub products: usize,
}

/// Nanoseconds of one thread with vector instructions, in `f64`, data in cache.
const EXPONENTIAL: f64 = 1.0;
const PRODUCT: f64 = 0.3;

/// Nanoseconds of a pass that a thread must have, or it had better sleep: some times what handing over costs.
const SHARE: f64 = 50_000.0;

/// How many threads a pass is worth: one for every 50 µs that it is expected to take a single thread (1 ns an
/// exponential, 0.3 ns a product), of as many as there are cores. 1 means to leave it to the calling thread.
///
/// A pass over data that no cache holds is expected no differently: there the gain is what the memory allows, which
/// on a machine with few channels may be nothing, but hardly a loss.
///
/// ```
/// use southwell_std::threads::{Work, auto};
/// assert_eq!(auto(Work { products: 10_000, ..Work::default() }).get(), 1);
/// assert!(auto(Work { exponentials: 100_000_000, ..Work::default() }).get() >= 1);
/// ```
#[must_use]
pub fn auto(work: Work) -> NonZeroUsize {
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(shares(work).min(cores)).unwrap_or(NonZeroUsize::MIN)
}

fn shares(work: Work) -> usize {
    let time = EXPONENTIAL * work.exponentials as f64 + PRODUCT * work.products as f64;
    (time / SHARE) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_one_that_is_documented() {
        let products = |products| shares(Work { products, ..Work::default() });
        let exponentials = |exponentials| shares(Work { exponentials, ..Work::default() });
        assert_eq!((products(333_000), products(340_000)), (1, 2));
        assert_eq!((exponentials(99_000), exponentials(100_000)), (1, 2));
        assert!(auto(Work { exponentials: usize::MAX, products: usize::MAX }).get() >= 1);
        assert_eq!(auto(Work::default()).get(), 1);
    }
}
