//! What the tests of passes share: numbers, the definition of a reduction, comparing bits.
#![allow(dead_code)] // Every test program uses a part of it.

use southwell_simd::{Level, Real, force_bare, force_far, force_level, levels};

/// A small generator: the tests need numbers, not quality.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0
    }
    pub(crate) fn next<T: Real>(&mut self) -> T {
        T::unit_from_bits(self.word()) - T::HALF
    }
    pub(crate) fn vector<T: Real>(&mut self, n: usize) -> Vec<T> {
        (0..n).map(|_| self.next()).collect()
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.word() >> 33) as usize % n
    }
    /// Numbers of all sizes, and now and then one that is none.
    pub(crate) fn strange<T: Real>(&mut self, n: usize) -> Vec<T> {
        let special = [T::NAN, T::INFINITY, -T::INFINITY, T::ZERO, -T::ZERO, T::MIN_POSITIVE, T::MAX];
        let mut one = || match self.below(24) {
            k if k < special.len() => special[k],
            k if k < 12 => self.next::<T>() * T::MIN_POSITIVE,
            _ => self.next(),
        };
        (0..n).map(|_| one()).collect()
    }
}

/// Miri interprets, thousands of times slower: it looks for undefined behaviour in few cases, one of
/// every kind.
pub(crate) const FEW: bool = cfg!(miri);

/// The lengths to try: all up to eight blocks of lanes and two more, and some larger.
pub(crate) fn lengths() -> impl Iterator<Item = usize> {
    let every = if FEW { 0 } else { 130 };
    let others = if FEW { &[1, 23, 70][..] } else { &[255, 1000, 1027] };
    (0..=every).chain(others.iter().copied())
}

/// Where operands begin: at every kind of place in the widest register that there is. In one of 128 bits, 7 and 15 are the
/// place that 3 is.
fn shifts() -> &'static [usize] {
    match levels().max() {
        _ if FEW => &[1],
        Some(Level::Scalar | Level::Simd128) => &[0, 1, 3],
        _ => &[0, 1, 3, 7, 15],
    }
}

/// Calls a check on every instruction set of the machine with three operands of every length, beginning
/// at every place in a register, of ordinary and of strange numbers.
pub(crate) fn operands<T: Real>(check: impl Fn(&[T], &[T], &[T], &str)) {
    let mut numbers = Numbers(1);
    for n in lengths() {
        for &shift in shifts() {
            for strange in if FEW { &[true][..] } else { &[false, true] }.iter().copied() {
                let mut vector =
                    || if strange { numbers.strange(n + shift) } else { numbers.vector::<T>(n + shift) };
                let (x, y, z) = (vector(), vector(), vector());
                let name = format!("n = {n}, shift {shift}, strange {strange}");
                on_every_level(|level| {
                    check(&x[shift..], &y[shift..], &z[shift..], &format!("{name}, {level:?}"));
                });
            }
        }
    }
}

/// Runs an update of a vector between neighbours that must stay, and compares every bit.
pub(crate) fn check_update<T: Real>(
    name: &str,
    y: &[T],
    update: impl FnOnce(&mut [T]),
    plain: impl FnMut(usize) -> T,
) {
    let mut out = [&[T::TWO; 3][..], y, &[T::TWO; 3]].concat();
    update(&mut out[3..3 + y.len()]);
    let expected: Vec<T> = (0..y.len()).map(plain).collect();
    let expected = [&[T::TWO; 3][..], &expected, &[T::TWO; 3]].concat();
    assert_eq!(bits(&out), bits(&expected), "{name}");
}

/// Runs a check on every instruction set of the machine, as users run it (there short passes go without wide registers), and
/// by the loops of cores without an operating system, and as if all came from memory.
pub(crate) fn on_every_level(check: impl FnMut(Level)) {
    on_levels(&[1], check);
}

/// The same for passes over rows of a dense matrix, which go together in several ways if they come from memory: no other pass
/// asks in which.
pub(crate) fn on_every_level_by_rows(check: impl FnMut(Level)) {
    on_levels(&[1, 4, 8], check);
}

fn on_levels(together: &[usize], mut check: impl FnMut(Level)) {
    let widest = levels().max();
    if cfg!(miri) {
        // Miri looks for what is undefined: the instructions of wide registers may be, and loops over scalars are not, which
        // short passes and cores without an operating system take; nor is what is for memory another code.
        force_level(widest);
        widest.into_iter().for_each(&mut check);
        return force_level(None);
    }
    widest.into_iter().for_each(&mut check);
    for &rows in together {
        force_far(Some(rows));
        widest.into_iter().for_each(&mut check);
    }
    force_far(None);
    for level in levels() {
        force_level(Some(level));
        check(level);
        force_level(None);
    }
    force_bare(true);
    force_level(Some(Level::Scalar));
    check(Level::Scalar);
    force_level(None);
    force_bare(false);
}

/// The bits of a number. All NaN count as one: IEEE 754 leaves their sign and payload open.
pub(crate) fn bits_of<T: Real>(x: T) -> u64 {
    if x.partial_cmp(&x).is_some() { x.bits() } else { u64::MAX }
}

pub(crate) fn bits<T: Real>(x: &[T]) -> Vec<u64> {
    x.iter().copied().map(bits_of).collect()
}

/// The definition of a reduction: element i goes to lane i mod 16, in order, and the lanes are added
/// by halves.
pub(crate) fn in_lanes<T: Real>(terms: impl Iterator<Item = T>) -> T {
    let mut lanes = vec![T::ZERO; 16];
    for (i, term) in terms.enumerate() {
        lanes[i % 16] += term;
    }
    while lanes.len() > 1 {
        let upper = lanes.split_off(lanes.len() / 2);
        lanes.iter_mut().zip(upper).for_each(|(low, high)| *low += high);
    }
    lanes[0]
}

pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    in_lanes(x.iter().zip(y).map(|(&x, &y)| x * y))
}

/// Σ of terms that are exact in `f64` pairs: compensated (Neumaier), with products split (Dekker), so
/// that its own error is of second order.
#[derive(Default)]
pub(crate) struct Exact {
    sum: f64,
    low: f64,
    /// Σ |terms|
    pub(crate) size: f64,
}

impl Exact {
    pub(crate) fn add(&mut self, term: f64) {
        let next = self.sum + term;
        self.low +=
            if self.sum.abs() >= term.abs() { (self.sum - next) + term } else { (term - next) + self.sum };
        self.sum = next;
        self.size += term.abs();
    }
    pub(crate) fn add_product(&mut self, x: f64, y: f64) {
        let product = x * y;
        self.add(product);
        let split = |v: f64| {
            let c = 134_217_729.0 * v;
            let high = c - (c - v);
            (high, v - high)
        };
        let ((xh, xl), (yh, yl)) = (split(x), split(y));
        self.low += ((xh * yh - product) + xh * yl + xl * yh) + xl * yl;
    }
    pub(crate) fn value(&self) -> f64 {
        self.sum + self.low
    }
}

/// Whether a reduction of n products is as near to the exact sum as n·ε·Σ|xᵢyᵢ|.
pub(crate) fn near<T: Real>(found: T, exact: &Exact, n: usize) -> bool {
    let bound = n.max(1) as f64 * T::EPSILON.to_f64() * exact.size;
    (found.to_f64() - exact.value()).abs() <= bound
}
