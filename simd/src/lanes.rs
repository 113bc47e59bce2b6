//! The fixed virtual lanes of a reduction.

use pulp::Simd;

use crate::Real;
use crate::map::{cut, total};
use crate::paths::{has_registers, is_bare_target};

/// Virtual lanes of every reduction, on every machine and in both precisions.
///
/// Sixteen is one AVX-512 register of `f32`, two of `f64`, four NEON registers of `f32`. On a core
/// without vectors the lanes are sixteen ordinary variables, which half of a Cortex-M4F's registers
/// hold. More lanes hide more of the latency of an addition, if there is any left to hide, and cost more
/// at the end of every sum. A dot of 1024 elements in cache, AMD Zen 5, and the loop of a Cortex-M4F:
///
/// | lanes | AVX-512 `f64`, `f32` | AVX2 `f64`, `f32` | M4F `f32`, instructions an element |
/// |---|---|---|---|
/// | 8 | | | 3.1 |
/// | 16 | 50 ns, 32 ns | 77 ns, 47 ns | 4.3 |
/// | 32 | 50 ns, 33 ns | 79 ns, 47 ns | 6.2 |
/// | 64 | 57 ns, 40 ns | 100 ns, 57 ns | 5.1 |
pub const LANES: usize = 16;

/// Adds the lanes by a fixed tree: 16 → 8 → 4 → 2 → 1, the upper half onto the lower.
#[inline(always)]
#[must_use]
pub fn reduce<T: Real>(lanes: &[T; LANES]) -> T {
    if is_bare_target() { bare::reduce(lanes) } else { tree(lanes) }
}

#[inline(always)]
pub(crate) fn tree<T: Real>(lanes: &[T; LANES]) -> T {
    let l = lanes;
    let a = [
        l[0] + l[8],
        l[1] + l[9],
        l[2] + l[10],
        l[3] + l[11],
        l[4] + l[12],
        l[5] + l[13],
        l[6] + l[14],
        l[7] + l[15],
    ];
    let b = [a[0] + a[4], a[1] + a[5], a[2] + a[6], a[3] + a[7]];
    (b[0] + b[2]) + (b[1] + b[3])
}

/// Running sums in virtual lanes, for a reduction that is fed row by row.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<T>([T; LANES]);

impl<T: Real> Default for Lanes<T> {
    fn default() -> Self {
        Self([T::ZERO; LANES])
    }
}

impl<T: Real> Lanes<T> {
    /// Adds x·y, beginning at lane 0.
    #[inline(always)]
    pub(crate) fn add_products<S: Simd>(&mut self, simd: S, x: &[T], y: &[T]) {
        if !has_registers::<S>() {
            return total!(simd, self, x, y; {} T::vmul(simd, x, y));
        }
        let n = x.len().min(y.len());
        let ((x, x_tail), (y, y_tail)) = (cut(x, n).as_chunks::<LANES>(), cut(y, n).as_chunks::<LANES>());
        let mut lanes = self.0;
        for (x, y) in x.iter().zip(y) {
            add_whole(simd, &mut lanes, x, y);
        }
        add_rest(simd, &mut lanes, x_tail, y_tail);
        self.0 = lanes;
    }

    #[inline(always)]
    pub(crate) fn lanes(&self) -> &[T; LANES] {
        &self.0
    }

    #[inline(always)]
    pub(crate) fn lanes_mut(&mut self) -> &mut [T; LANES] {
        &mut self.0
    }

    /// Adds one value to the lane that its position names.
    #[inline(always)]
    pub fn add_at(&mut self, position: usize, value: T) {
        self.0[position % LANES] += value;
    }

    /// The sum of all lanes.
    #[inline(always)]
    #[must_use]
    pub fn sum(&self) -> T {
        reduce(&self.0)
    }
}

/// lanes ← lanes + x·y.
#[inline(always)]
fn add_whole<T: Real, S: Simd, const N: usize>(simd: S, lanes: &mut [T; N], x: &[T; N], y: &[T; N]) {
    let ((sums, sums_left), (x, x_left), (y, y_left)) =
        (T::split_mut(simd, lanes), T::split(simd, x), T::split(simd, y));
    for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
        *sum = T::vadd(simd, *sum, T::vmul(simd, x, y));
    }
    for ((sum, &x), &y) in sums_left.iter_mut().zip(x_left).zip(y_left) {
        *sum += x * y;
    }
}

/// The same of what is left of two vectors of one length after whole blocks: eight, four, and up to three numbers, each where
/// the compiler knows the lanes, so that these stay in their registers.
#[inline(always)]
pub(crate) fn add_rest<T: Real, S: Simd>(simd: S, lanes: &mut [T; LANES], x: &[T], y: &[T]) {
    let ([low, high], _) = lanes.as_chunks_mut::<8>() else { return };
    match (x.split_first_chunk::<8>(), y.split_first_chunk::<8>()) {
        (Some((x, x_left)), Some((y, y_left))) => {
            add_whole(simd, low, x, y);
            add_to_eight(simd, high, x_left, y_left);
        }
        _ => add_to_eight(simd, low, x, y),
    }
}

/// The same of up to seven numbers.
#[inline(always)]
fn add_to_eight<T: Real, S: Simd>(simd: S, lanes: &mut [T; 8], x: &[T], y: &[T]) {
    let ([low, high], _) = lanes.as_chunks_mut::<4>() else { return };
    match (x.split_first_chunk::<4>(), y.split_first_chunk::<4>()) {
        (Some((x, x_left)), Some((y, y_left))) => {
            add_whole(simd, low, x, y);
            add_to_four(simd, high, x_left, y_left);
        }
        _ => add_to_four(simd, low, x, y),
    }
}

/// The same of up to three numbers, and zeros: a sum that began at +0 does not see another +0.
#[inline(always)]
fn add_to_four<T: Real, S: Simd>(simd: S, lanes: &mut [T; 4], x: &[T], y: &[T]) {
    if !x.is_empty() {
        let filled = |x: &[T]| {
            let at = |k: usize| x.get(k).copied().unwrap_or(T::ZERO);
            [at(0), at(1), at(2), T::ZERO]
        };
        add_whole(simd, lanes, &filled(x), &filled(y));
    }
}

/// Adds what is left of a vector after its whole blocks: lane i ← lane i + term(i), as far as terms go.
///
/// A loop would write single lanes that a register is then loaded from, and the machine waits for such
/// a load: 7 of the 12 ns that a dot of 100 took. So every lane gets a term, a missing one being 0: a
/// sum that began at +0 is never −0, and adding +0 to anything else changes nothing.
#[inline(always)]
pub(crate) fn add_tail<T: Real>(lanes: &mut [T; LANES], mut term: impl FnMut(usize) -> Option<T>) {
    if is_bare_target() {
        // One lane after the other: there is nothing to wait for, and flash to save.
        for (i, lane) in lanes.iter_mut().enumerate() {
            let Some(term) = term(i) else { return };
            *lane += term;
        }
    } else {
        let mut at = |i: usize| term(i).unwrap_or(T::ZERO);
        let terms = [
            at(0),
            at(1),
            at(2),
            at(3),
            at(4),
            at(5),
            at(6),
            at(7),
            at(8),
            at(9),
            at(10),
            at(11),
            at(12),
            at(13),
            at(14),
            at(15),
        ];
        for (lane, term) in lanes.iter_mut().zip(terms) {
            *lane += term;
        }
    }
}

/// The same for a core without vectors and without an operating system, where flash counts: one copy of each that is
/// called, and short loops. The same operations in the same order, so the same bits.
pub(crate) mod bare {
    use super::LANES;
    use crate::Real;

    /// The tree of [`reduce`](super::reduce).
    #[inline(never)]
    pub(crate) fn reduce<T: Real>(lanes: &[T; LANES]) -> T {
        T::bare_sum(lanes)
    }

    /// Σ (s·xᵢ)², for norms: they come once a run or once a step, and what needs no other sum shall not hold [`dot`].
    #[inline(never)]
    pub(crate) fn scaled_square<T: Real>(s: T, x: &[T]) -> T {
        let mut lanes = crate::Lanes::default();
        for (i, &x) in x.iter().enumerate() {
            let x = s * x;
            lanes.add_at(i, x * x);
        }
        lanes.sum()
    }

    /// Elements of a vector that are taken together: what is optimised for size unrolls nothing by itself.
    const GROUP: usize = 4;

    /// Σ xᵢ·yᵢ.
    #[inline(never)]
    pub(crate) fn dot<T: Real>(x: &[T], y: &[T]) -> T {
        T::bare_dot(x, y)
    }

    /// The same with plain loops.
    #[inline(always)]
    pub(crate) fn dot_in_groups<T: Real>(x: &[T], y: &[T]) -> T {
        let n = x.len().min(y.len());
        let (Some(x), Some(y)) = (x.get(..n), y.get(..n)) else { return T::ZERO };
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<GROUP>(), y.as_chunks::<GROUP>());
        let mut lanes = [[T::ZERO; GROUP]; LANES / GROUP];
        for (k, (x, y)) in x.iter().zip(y).enumerate() {
            let [a, b, c, d] = &mut lanes[k % (LANES / GROUP)];
            *a += x[0] * y[0];
            *b += x[1] * y[1];
            *c += x[2] * y[2];
            *d += x[3] * y[3];
        }
        let rest = &mut lanes[x.len() % (LANES / GROUP)];
        rest.iter_mut().zip(x_rest).zip(y_rest).for_each(|((sum, &x), &y)| *sum += x * y);
        lanes.as_flattened().first_chunk().map_or(T::ZERO, reduce)
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        extern crate std;
        use std::vec::Vec;

        /// With a term for every lane, and lane by lane.
        #[test]
        #[cfg(feature = "force-level")]
        fn tails_of_every_length_are_added_alike() {
            let lanes: [f64; LANES] = core::array::from_fn(|i| 1.0 / (i + 3) as f64);
            for n in 0..=LANES {
                let term = |i: usize| (i < n).then(|| 0.1 * (i + 1) as f64);
                let expected: [f64; LANES] = core::array::from_fn(|i| lanes[i] + term(i).unwrap_or(0.0));
                for is_bare in [false, true] {
                    crate::force_bare(is_bare);
                    let mut sums = lanes;
                    crate::lanes::add_tail(&mut sums, term);
                    assert_eq!(sums, expected, "{n}, {is_bare}");
                }
                crate::force_bare(false);
            }
        }

        #[test]
        fn bare_sums_have_the_bits_of_the_others() {
            // Miri is slow.
            for n in (0..70_u32).step_by(if cfg!(miri) { 5 } else { 1 }) {
                let x: Vec<f32> = (0..n).map(|i| 1.0 / (1 + i * i % 17) as f32 - 0.4).collect();
                let y: Vec<f32> = (0..n).map(|i| 3.0 / (2 + i * 5 % 13) as f32 - 0.7).collect();
                let mut expected = crate::Lanes::default();
                for (i, (x, y)) in x.iter().zip(&y).enumerate() {
                    expected.add_at(i, x * y);
                }
                assert_eq!(dot(&x, &y).to_bits(), expected.sum().to_bits());
                let mut expected = crate::Lanes::default();
                x.iter().enumerate().for_each(|(i, x)| expected.add_at(i, (0.75 * x) * (0.75 * x)));
                assert_eq!(scaled_square(0.75, &x).to_bits(), expected.sum().to_bits());
                let double = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
                let mut expected = crate::Lanes::default();
                for (i, (x, y)) in double(&x).iter().zip(double(&y)).enumerate() {
                    expected.add_at(i, x * y);
                }
                assert_eq!(dot(&double(&x), &double(&y)).to_bits(), expected.sum().to_bits());
            }
        }
    }
}
