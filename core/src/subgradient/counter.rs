//! A counter generator: every draw has an address, so nothing drawn need be stored.
//!
//! ```text
//! G = 0x9E3779B97F4A7C15
//! mix(z):  z ← (z ⊕ z≫30)·0xBF58476D1CE4E5B9,  z ← (z ⊕ z≫27)·0x94D049BB133111EB,  z ⊕ z≫31     (mod 2⁶⁴)
//! draw(key, n)      = mix(key + (n + 1)·G)
//! stream(seed, tag) = mix(mix(seed + G) + tag·G)
//! uniform(key, n)   = ⌊draw(key, n)/2¹¹⌋·2⁻⁵³                       in [0, 1)
//! normal(key, n)    : j = n div 2, u₁ = (⌊draw(key, 2j)/2¹¹⌋ + 1)·2⁻⁵³, u₂ = uniform(key, 2j + 1)
//!                     √(−2 ln u₁)·cos 2πu₂ for even n, ·sin 2πu₂ for odd n
//! sign(key, n)      : bit n mod 64 of draw(key, n div 64), the least significant first; 1 is +1
//! ```
//! The mapping is frozen: a seed that is written down stands for the same numbers for ever, on every part.
//! (Integers are exact; logarithm, cosine and sine are made of additions and multiplications that nothing
//! fuses, so the bits of a normal number agree as well.)
//!
//! *Cost* of a draw: two or three multiplications of 64 bits; 64 signs cost one draw; two normal numbers
//! cost two draws, a logarithm, a root, a cosine and a sine in `f64`.
//!
//! *Source*: Steele, Lea & Flood 2014 (SplitMix64, whose n-th output from the state `key` is `draw`);
//! Box & Muller 1958.

use southwell_simd::Real;
use southwell_simd::elementary::{cos_sin_turn, ln_scalar};

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;
/// 2⁻⁵³
const UNIT: f64 = 1.110_223_024_625_156_5e-16;
/// The last word of signs: 64 of them share one.
const WORDS: u64 = u64::MAX >> 6;

const fn mix(z: u64) -> u64 {
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The n-th word of a stream.
#[must_use]
pub const fn draw(key: u64, n: u64) -> u64 {
    mix(key.wrapping_add(n.wrapping_add(1).wrapping_mul(GOLDEN)))
}

/// The key of an independent stream.
#[must_use]
pub const fn stream(seed: u64, tag: u64) -> u64 {
    mix(mix(seed.wrapping_add(GOLDEN)).wrapping_add(tag.wrapping_mul(GOLDEN)))
}

/// The n-th uniform number of a stream, in [0, 1), a multiple of 2⁻⁵³.
#[must_use]
pub fn uniform(key: u64, n: u64) -> f64 {
    f64::unit_from_bits(draw(key, n))
}

/// The 2j-th and the (2j + 1)-th standard normal number of a stream.
#[must_use]
pub fn normal_pair(key: u64, j: u64) -> (f64, f64) {
    let first = j.wrapping_mul(2);
    let u = ((draw(key, first) >> 11).wrapping_add(1)) as f64 * UNIT;
    let radius = Real::sqrt(-2.0 * ln_scalar(u));
    let (cos, sin) = cos_sin_turn(uniform(key, first.wrapping_add(1)));
    (radius * cos, radius * sin)
}

/// The n-th standard normal number of a stream; [`normal_pair`] gives two for the same cost.
#[must_use]
pub fn normal(key: u64, n: u64) -> f64 {
    let (even, odd) = normal_pair(key, n >> 1);
    if n & 1 == 0 { even } else { odd }
}

/// The n-th sign of a stream, +1 or −1.
#[must_use]
pub fn sign<T: Real>(key: u64, n: u64) -> T {
    if (draw(key, n >> 6) >> (n & 63)) & 1 == 1 { T::ONE } else { -T::ONE }
}

/// Writes the normal numbers n, n + 1, … of a stream, rounded to the type; after the last address comes the first.
pub fn fill_normal<T: Real>(key: u64, n: u64, out: &mut [T]) {
    let mut n = n;
    let mut out = out.iter_mut();
    while let Some(first) = out.next() {
        let (even, odd) = normal_pair(key, n >> 1);
        if n & 1 == 1 {
            *first = T::from_f64(odd);
            n = n.wrapping_add(1);
            continue;
        }
        *first = T::from_f64(even);
        if let Some(second) = out.next() {
            *second = T::from_f64(odd);
        }
        n = n.wrapping_add(2);
    }
}

/// Writes the signs n, n + 1, … of a stream; after the last address comes the first.
pub fn fill_signs<T: Real>(key: u64, n: u64, out: &mut [T]) {
    let (mut word, mut left) = (draw(key, n >> 6) >> (n & 63), 64 - (n & 63));
    let mut next = (n >> 6).wrapping_add(1) & WORDS;
    for out in out {
        if left == 0 {
            (word, left) = (draw(key, next), 64);
            next = next.wrapping_add(1) & WORDS;
        }
        *out = if word & 1 == 1 { T::ONE } else { -T::ONE };
        word >>= 1;
        left -= 1;
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec;

    use super::*;

    #[test]
    fn reference_words() {
        assert_eq!(draw(0, 0), 0xe220_a839_7b1d_cdaf);
        assert_eq!([draw(1, 0), draw(1, 1)], [0x910a_2dec_8902_5cc1, 0xbeeb_8da1_658e_ec67]);
        let streams = [0x5e41_ab08_7439_611e, 0xf18d_6ce9_3d6c_f1ee, 0x0b95_f66d_327e_8d78];
        assert_eq!([stream(1, 1), stream(1, 2), stream(1, 3)], streams);
    }

    #[test]
    fn reference_numbers() {
        let expected = [0.842_127_924_8, -0.150_975_590_8, 0.451_478_632_5, -1.224_798_030_0];
        for (n, expected) in (0..).zip(expected) {
            assert!((normal(stream(1, 1), n) - expected).abs() < 1e-10, "{n}");
        }
        assert!((uniform(stream(1, 3), 0) - 0.242_464_081_91).abs() < 1e-11);
    }

    /// Against the platform's functions, from the formula.
    #[test]
    fn normal_numbers_are_those_of_the_formula() {
        for j in 0..2000 {
            let u1 = ((draw(9, 2 * j) >> 11) + 1) as f64 / 2_f64.powi(53);
            let turn = core::f64::consts::TAU * uniform(9, 2 * j + 1);
            let radius = (-2.0 * u1.ln()).sqrt();
            let (even, odd) = normal_pair(9, j);
            assert!((even - radius * turn.cos()).abs() < 1e-14 && (odd - radius * turn.sin()).abs() < 1e-14);
        }
    }

    #[test]
    fn runs_of_numbers_are_the_numbers() {
        for start in [0, 1, 62, 63, 64, 65, 127, 1 << 40, u64::MAX - 64, u64::MAX] {
            for len in [0, 1, 2, 3, 64, 65, 130] {
                let (mut normals, mut signs) = (vec![f64::NAN; len], vec![f64::NAN; len]);
                fill_normal(7, start, &mut normals);
                fill_signs(7, start, &mut signs);
                for (k, (&a, &b)) in normals.iter().zip(&signs).enumerate() {
                    let k = start.wrapping_add(k as u64);
                    assert_eq!((a, b), (normal(7, k), sign(7, k)));
                }
            }
        }
    }

    #[test]
    fn moments() {
        let n = 40_000;
        let (mut sum, mut square, mut signs) = (0.0, 0.0, 0.0);
        for k in 0..n {
            let x = normal(stream(5, 1), k);
            (sum, square, signs) = (sum + x, square + x * x, signs + sign::<f64>(stream(5, 2), k));
        }
        let n = n as f64;
        // Four standard deviations.
        assert!((sum / n).abs() < 0.02 && (square / n - 1.0).abs() < 0.03 && (signs / n).abs() < 0.02);
    }
}
