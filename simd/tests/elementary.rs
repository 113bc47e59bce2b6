//! Elementary functions against plain definitions, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

mod common;

use common::{FEW, Numbers, bits, bits_of, in_lanes, on_every_level};
use southwell_simd::{Real, dense, elementary};

/// exp and ln of one number, step by step: the definition of their bits.
trait Plain: Real {
    fn plain_exp(self) -> Self;
    fn plain_ln(self) -> Self;
    /// Where a term of log-sum-exp becomes 0.
    const VANISHES: f64;
    /// Where an entry of a coupling becomes infinite.
    const EXCEEDS: f64;
}

macro_rules! plain {
    ($t:ident, $word:ident, $bits:literal, $bias:literal, $low:literal, $high:literal, $normal:literal, $whole:literal,
     $hi:literal, $lo:literal, $root:literal, $lift:literal, $lifted:literal, $ln_2:expr, $nearest:expr,
     $root_of:expr, $growth:expr, $p:expr) => {
        impl Plain for $t {
            const VANISHES: f64 = $normal;
            const EXCEEDS: f64 = $whole;
            fn plain_exp(self) -> Self {
                if self.is_nan() {
                    return self;
                }
                let x = if self < $low { $low } else { self };
                let x = if $high < x { $high } else { x };
                let k = $nearest(x * core::$t::consts::LOG2_E);
                let e = k.floor();
                let root = $root_of(k - e);
                let (ln_2_high, ln_2_low) = $ln_2;
                let y = root + root * $growth(x - k * ln_2_high, k * ln_2_low);
                let power = |k: i64| $t::from_bits(((k + $bias) as $word) << $bits);
                let half = (e as i64).div_euclid(2);
                // Which half is the larger does not matter: only the last product is rounded.
                (y * power(half)) * power(e as i64 - half)
            }
            fn plain_ln(self) -> Self {
                if self.is_nan() || self == $t::INFINITY {
                    return self;
                }
                if self <= 0.0 {
                    return if self < 0.0 { $t::NAN } else { -$t::INFINITY };
                }
                let small = self < $t::MIN_POSITIVE;
                let x = if small { self * $lift } else { self };
                // In units of the last place, counted from √½.
                let word = x.to_bits().wrapping_sub($root);
                let e = (word as i64) << (64 - $word::BITS) >> (64 - $word::BITS) >> $bits;
                let m = $t::from_bits((word & ((1 << $bits) - 1)) + $root);
                let e = e as $t + if small { -$lifted } else { 0.0 };
                let f = m - 1.0;
                let s = f / (f + 2.0);
                let half = (f * f) * 0.5;
                let z = s * s;
                let correction = s * (half + z * $p(z, z * z)) + e * $lo;
                e * $hi - ((half - correction) - f)
            }
        }
    };
}

#[rustfmt::skip]
plain!(f64, u64, 52, 1023, -746.0, 710.0, -708.0, 709.0,
    0.693_147_180_559_890_3, 5.497_923_018_708_371e-14, 0x3FE6_A09E_0000_0000, 18_014_398_509_481_984.0, 54.0,
    (0.693_147_180_558_298_7, 1.646_594_958_289_708_2e-12),
    |t: f64| (t * 16.0).round_ties_even() / 16.0,
    |part: f64| ROOTS[(16.0 * part) as usize],
    |high: f64, low: f64| {
        let r = high - (low - 9.396_927_447_151_475e-5);
        let rr = r * r;
        let first = 0.499_999_999_999_995_95 + 0.166_666_666_643_786_88 * r;
        let second = (0.041_666_666_693_714_23 + 0.008_333_473_126_058_477 * r) + 0.001_388_859_150_344_659_3 * rr;
        (r + rr * first) + (rr * rr) * second
    },
    |z: f64, zz: f64| {
        let first = (0.666_666_666_666_673_5 + 0.399_999_999_994_076_54 * z)
            + (0.285_714_287_441_008_24 + 0.222_221_983_829_625_35 * z) * zz;
        let second = (0.147_989_947_883_276 * z + 0.153_137_625_167_524_47) * z + 0.181_835_749_165_102_23;
        first + second * (zz * zz)
    }
);
#[rustfmt::skip]
plain!(f32, u32, 23, 127, -104.0, 89.0, -87.0, 88.0,
    0.693_145_75, 1.428_606_8e-6, 0x3F35_04F3, 33_554_432.0, 25.0,
    (0.693_145_75, 1.428_606_8e-6),
    |t: f32| (t + (12_582_912.0 + 254.0)) - (12_582_912.0 + 254.0),
    |_: f32| 1.0,
    |high: f32, low: f32| {
        let r = high - low;
        let rr = r * r;
        let first = (0.499_999_94 + 0.166_665_21 * r) + (0.041_668_39 + 0.008_368_727 * r) * rr;
        high + (rr * (first + 0.001_381_457_7 * (rr * rr)) - low)
    },
    |z: f32, _: f32| (0.298_743_58 * z + 0.399_774_52) * z + 0.666_667_76
);

/// e^((j/16)·ln 2 − 9.396927447151475e-5)
#[rustfmt::skip]
const ROOTS: [f64; 16] = [
    0.999_906_035_140_502_5, 1.044_175_657_388_171, 1.090_405_263_259_376_8, 1.138_681_628_642_629_3,
    1.189_095_371_323_246_4, 1.241_741_121_078_656_6, 1.296_717_697_304_466, 1.354_128_294_504_701,
    1.414_080_675_994_407_1, 1.476_687_376_178_193_8, 1.542_065_911_784_415_8, 1.610_339_002_451_490_5,
    1.681_634_801_080_406_5, 1.756_087_134_385_807_8, 1.833_835_754_097_185_7, 1.915_026_599_281_696_8,
];

/// Arguments of every size, and the edges of the domains.
fn arguments<T: Real>(numbers: &mut Numbers, n: usize) -> Vec<T> {
    let special = [
        T::NAN,
        T::INFINITY,
        -T::INFINITY,
        T::ZERO,
        -T::ZERO,
        T::ONE,
        T::MIN_POSITIVE,
        T::MAX,
        -T::MAX,
        -T::ONE,
    ];
    let mut one = || {
        let x = numbers.next::<T>();
        match numbers.below(32) {
            k if k < special.len() => special[k],
            k if k < 14 => x * T::MIN_POSITIVE,
            k if k < 18 => x * T::from_f64(1600.0),
            k if k < 22 => x * T::from_f64(220.0),
            k if k < 26 => x.abs() / (numbers.next::<T>() * numbers.next::<T>()),
            _ => x * T::from_f64(8.0),
        }
    };
    (0..n).map(|_| one()).collect()
}

fn lengths() -> impl Iterator<Item = usize> {
    let every = (0..=130).chain([255, 256, 257, 511, 512, 1000]);
    every.filter(|n| !FEW || matches!(n, 0 | 37 | 257))
}

fn same<T: Real>(found: &[T], expected: &[T], name: &str) {
    assert_eq!(bits(found), bits(expected), "{name}");
}

fn maps<T: Plain>() {
    let mut numbers = Numbers(11);
    // Blocks of 256 are those of sums.
    for n in lengths().map(|n| if FEW { n.min(70) } else { n }) {
        for shift in [1, 0, 7].into_iter().take(if FEW { 1 } else { 3 }) {
            let x = arguments::<T>(&mut numbers, n + shift);
            let (exp, ln): (Vec<T>, Vec<T>) = x.iter().map(|x| (x.plain_exp(), x.plain_ln())).unzip();
            on_every_level(|level| {
                let name = format!("n = {n}, shift {shift}, {level:?}");
                let check = |pass: fn(&[T], &mut [T]), in_place: fn(&mut [T]), expected: &[T]| {
                    let mut y = vec![T::TWO; n + 2];
                    pass(&x[shift..], &mut y[1..=n]);
                    same(&y[1..=n], &expected[shift..], &name);
                    assert!(y[0] == T::TWO && y[n + 1] == T::TWO, "{name}");
                    let mut y = x.clone();
                    in_place(&mut y[shift..]);
                    same(&y[shift..], &expected[shift..], &name);
                    same(&y[..shift], &x[..shift], &name);
                };
                check(elementary::exp, elementary::exp_in_place, &exp);
                check(elementary::ln, elementary::ln_in_place, &ln);
            });
            let scalar: Vec<T> = x.iter().map(|&x| elementary::exp_scalar(x)).collect();
            same(&scalar, &exp, "scalar exp");
            let scalar: Vec<T> = x.iter().map(|&x| elementary::ln_scalar(x)).collect();
            same(&scalar, &ln, "scalar ln");
        }
    }
}

#[test]
fn exp_and_ln_are_the_plain_ones() {
    maps::<f32>();
    maps::<f64>();
}

fn special_values<T: Real>() {
    on_every_level(|level| {
        for n in [21, 1, 16].into_iter().take(if FEW { 1 } else { 3 }) {
            let all = |x: T| {
                let (mut exp, mut ln) = (vec![x; n], vec![x; n]);
                elementary::exp_in_place(&mut exp);
                elementary::ln_in_place(&mut ln);
                assert!(exp.windows(2).all(|w| bits(&w[..1]) == bits(&w[1..])), "{level:?}");
                assert!(ln.windows(2).all(|w| bits(&w[..1]) == bits(&w[1..])), "{level:?}");
                (bits_of(exp[0]), bits_of(ln[0]))
            };
            let nan = bits_of(T::NAN);
            let (zero, one, infinity) = (T::ZERO.bits(), T::ONE.bits(), T::INFINITY.bits());
            let low = (-T::INFINITY).bits();
            assert_eq!(all(T::NAN), (nan, nan));
            assert_eq!(all(T::INFINITY), (infinity, infinity));
            assert_eq!(all(-T::INFINITY), (zero, nan));
            assert_eq!(all(T::ZERO), (one, low));
            assert_eq!(all(-T::ZERO), (one, low));
            assert_eq!(all(T::ONE).1, zero);
            assert_eq!(all(-T::ONE).1, nan);
            assert_eq!(all(-T::MIN_POSITIVE), (one, nan));
            assert_eq!(all(T::MAX).0, infinity);
            assert_eq!(all(-T::MAX), (zero, nan));
        }
    });
}

#[test]
fn special_values_are_those_of_the_documentation() {
    special_values::<f32>();
    special_values::<f64>();
}

/// The term of a sum whose largest is m.
fn term<T: Plain>(x: T, m: T) -> T {
    let d = x - m;
    if d < T::from_f64(T::VANISHES) { T::ZERO } else { d.plain_exp() }
}

/// An entry of a coupling: what is hardly a number of its type counts as 0 or as infinite.
fn entry<T: Plain>(x: T) -> T {
    if T::from_f64(T::EXCEEDS) < x { T::INFINITY } else { term(x, T::ZERO) }
}

/// The larger; `a` if `b` is none.
fn larger<T: Real>(a: T, b: T) -> T {
    if a < b { b } else { a }
}

/// What is subtracted, and the terms it is subtracted from.
fn settled<T: Real>(m: T, x: &[T]) -> (T, Vec<T>) {
    let lowered = |x: T| if x == T::INFINITY { T::MAX } else { x };
    match m.is_finite() {
        true => (m, x.to_vec()),
        false if m > T::ZERO => (T::MAX, x.iter().copied().map(lowered).collect()),
        false => (T::ZERO, x.to_vec()),
    }
}

/// Blocks of 256 with an online maximum; sums in virtual lanes.
fn plain_log_sum_exp<T: Plain>(x: &[T]) -> T {
    let (mut maximum, mut lanes) = (-T::INFINITY, [T::ZERO; 16]);
    for block in x.chunks(256) {
        let old = maximum;
        maximum = block.iter().fold(old, |m, &x| larger(m, x)) + T::ZERO;
        if old > -T::INFINITY {
            let difference = if old < maximum { old - maximum } else { T::ZERO };
            lanes = lanes.map(|lane| lane * term(difference, T::ZERO));
        }
        let (shift, block) = settled(maximum, block);
        for (i, &x) in block.iter().enumerate() {
            lanes[i % 16] += term(x, shift);
        }
    }
    maximum + in_lanes(lanes.into_iter()).plain_ln()
}

fn sums<T: Plain>() {
    let mut numbers = Numbers(12);
    let (half, s) = (T::HALF, T::from_f64(3.7));
    for n in lengths() {
        for kind in if FEW { 3 } else { 0 }..4 {
            let mut vector = || match kind {
                0 => numbers.vector::<T>(n),
                1 => numbers.vector::<T>(n).iter().map(|&x| x * T::from_f64(400.0)).collect(),
                2 => numbers.strange::<T>(n),
                _ => arguments::<T>(&mut numbers, n),
            };
            let (x, c) = (vector(), vector());
            let name = |what: &str, level| format!("{what}, n = {n}, kind {kind}, {level:?}");
            let shifted: Vec<T> = x.iter().map(|&x| (x - half).plain_exp()).collect();
            let sum = bits_of(in_lanes(shifted.iter().copied()));
            let coupling: Vec<T> = x.iter().zip(&c).map(|(&b, &c)| entry(((half + b) - c) * s)).collect();
            let coupling_sum = bits_of(in_lanes(coupling.iter().copied()));
            let largest = coupling.iter().fold(T::ZERO, |m, &y| larger(m, y));
            let log_sum = bits_of(plain_log_sum_exp(&x));
            on_every_level(|level| {
                let mut y = vec![T::TWO; n];
                assert_eq!(bits_of(elementary::exp_sum(&x, half, &mut y)), sum, "{}", name("sum", level));
                same(&y, &shifted, &name("exp_sum", level));
                let mut y = x.clone();
                assert_eq!(bits_of(elementary::exp_sum_in_place(half, &mut y)), sum);
                same(&y, &shifted, &name("exp_sum_in_place", level));
                let found = elementary::exp_coupling(half, &x, &c, s, &mut y);
                assert_eq!(bits_of(found.0), coupling_sum, "{}", name("coupling", level));
                assert_eq!(bits_of(found.1), bits_of(largest), "{}", name("largest", level));
                same(&y, &coupling, &name("coupling", level));
                let found = elementary::log_sum_exp(&x);
                assert_eq!(bits_of(found), log_sum, "{}", name("log_sum_exp", level));
            });
        }
    }
}

#[test]
fn sums_of_exponentials_are_the_plain_ones() {
    sums::<f32>();
    sums::<f64>();
}

fn rows<T: Plain>() {
    let mut numbers = Numbers(13);
    let s = T::from_f64(11.0);
    let shapes = [(5, 17, 20), (0, 5, 5), (1, 0, 3), (3, 1, 1), (4, 16, 16), (2, 300, 301), (3, 1000, 1000)];
    for (count, columns, stride) in shapes.into_iter().take(if FEW { 1 } else { 7 }) {
        let (g, values) = (numbers.vector::<T>(columns), numbers.vector::<T>(count * stride));
        let matrix = dense::Matrix { values: &values, columns, stride };
        let expected: Vec<T> = (0..count)
            .map(|i| {
                let row = &values[i * stride..i * stride + columns];
                let x: Vec<T> = g.iter().zip(row).map(|(&g, &c)| (g - c) * s).collect();
                plain_log_sum_exp(&x)
            })
            .collect();
        on_every_level(|level| {
            let mut y = vec![T::TWO; count];
            elementary::log_sum_exp_rows(&g, matrix, s, &mut y);
            same(&y, &expected, &format!("{count} × {columns}, {level:?}"));
        });
    }
}

#[test]
fn rows_are_log_sum_exp_of_each() {
    rows::<f32>();
    rows::<f64>();
}

fn extremes<T: Real>() {
    let (low, high) = (-T::INFINITY, T::INFINITY);
    on_every_level(|level| {
        let log_sum_exp = |x: &[T]| bits_of(elementary::log_sum_exp(x));
        for n in [15, 1, 16, 17, 300, 700].into_iter().take(if FEW { 1 } else { 6 }) {
            for at in [n - 1, 0, n / 2].into_iter().take(if FEW { 1 } else { 3 }) {
                let with = |others: T, one: T| {
                    let mut x = vec![others; n];
                    x[at] = one;
                    log_sum_exp(&x)
                };
                assert_eq!(with(low, low), bits_of(low), "{level:?}");
                assert_eq!(with(low, high), bits_of(high), "{level:?}");
                assert_eq!(with(high, high), bits_of(high), "{level:?}");
                assert_eq!(with(T::ONE, high), bits_of(high), "{level:?}");
                assert_eq!(with(-T::MAX, T::MAX), bits_of(T::MAX), "{level:?}");
                assert_eq!(with(low, -T::MAX), bits_of(-T::MAX), "{level:?}");
                for others in [low, high, T::ZERO, T::MAX] {
                    assert_eq!(with(others, T::NAN), bits_of(T::NAN), "{level:?}");
                }
            }
        }
        assert_eq!(log_sum_exp(&[]), bits_of(low));
    });
}

#[test]
fn infinite_terms_and_nan_come_through_log_sum_exp() {
    extremes::<f32>();
    extremes::<f64>();
}
