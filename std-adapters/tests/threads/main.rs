//! Passes that several threads share: the bits of one thread, whatever their number.

#[cfg(feature = "cli")]
mod cli;
mod coloured;
mod descent;
mod grids;
mod recovery;
mod transport;

use std::num::NonZeroUsize;

use southwell::Real;
use southwell_std::threads::Pool;

/// Pools of 1 to 4 threads.
fn pools() -> [Pool; 4] {
    [1, 2, 3, 4].map(|threads| Pool::new(NonZeroUsize::new(threads)).expect("a few threads").eager())
}

/// Numbers in (−1, 1) that have all their digits.
fn noise<T: Real>(seed: u64, n: usize) -> Vec<T> {
    let mut state = seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    };
    (0..n).map(|_| T::from_f64(next())).collect()
}

/// The bits of numbers, so that NaN and signs count.
fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// Every test in both types.
macro_rules! in_both {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check::$name::<f32>();
            check::$name::<f64>();
        })*
    };
}
use in_both;
