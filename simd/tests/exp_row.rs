//! Rows of exponentials relative to their largest: bit for bit against a plain definition on every instruction set of the
//! machine, and near the truth.
#![cfg(feature = "force-level")]

mod common;

use common::{FEW, Numbers, bits, in_lanes, on_every_level};
use southwell_simd::{Real, elementary};

/// 2^(w − v) of one number that is hardly more than v, step by step.
trait Plain: Real {
    fn plain_power(self, v: Self) -> Self;
    /// The least exponent of 2 that is formed.
    const LOW: f64;
    /// v is a multiple of it.
    const STEP: f64;
    /// The largest v.
    const NEAR: f64;
}

impl Plain for f64 {
    const LOW: f64 = -1023.0;
    const STEP: f64 = 0.25;
    const NEAR: f64 = 1_099_511_627_776.0;
    fn plain_power(self, v: Self) -> Self {
        let w = if self < v - 1023.0 { v - 1023.0 } else { self };
        if w.is_nan() {
            return w;
        }
        // A number whose unit is ¼.
        let place = 1.5 * 2_f64.powi(50) - v;
        let k = (w + place) - place;
        let r = w - k;
        let n = 4.0 * (k - v);
        let j = n.rem_euclid(4.0);
        let root = [1.0, 1.189_207_115_002_721, std::f64::consts::SQRT_2, 1.681_792_830_507_429][j as usize];
        // The exponent of a root is 0; below the normal numbers, where it would be less than −1022, the word has it all the
        // same.
        let scale = f64::from_bits(f64::to_bits(root).wrapping_add_signed((((n - j) / 4.0) as i64) << 52));
        let q = r * r;
        let top = (1.525_637_496_761_788_1e-5 + 1.322_306_125_504_332_9e-6 * r) * (q + 116.489_885_290_392_3)
            + -0.000_443_857_598_707_098_3;
        let p = (0.055_504_108_665_013_41 + 0.009_618_129_107_721_573 * r) + q * top;
        let p = (0.693_147_180_559_945_1 + 0.240_226_506_959_100_58 * r) + q * p;
        scale + (scale * r) * p
    }
}

impl Plain for f32 {
    const LOW: f64 = -127.0;
    const STEP: f64 = 1.0;
    const NEAR: f64 = 1_048_576.0;
    fn plain_power(self, v: Self) -> Self {
        let w = if self < v - 127.0 { v - 127.0 } else { self };
        if w.is_nan() {
            return w;
        }
        let place = 1.5 * 2_f32.powi(23) - v;
        let k = (w + place) - place;
        let r = w - k;
        let scale = f32::from_bits((((k - v) as i32 + 127) << 23) as u32);
        let q = r * r;
        let top = (0.001_340_664_3 + 0.000_155_946_78 * r) * (q + 61.672_916) + -0.027_179_576;
        let p = (0.693_147_24 + 0.240_226_52 * r) + q * top;
        scale + (scale * r) * p
    }
}

/// The row, and what is returned.
fn plain<T: Plain>(g: &[T], c: &[T], s: T) -> (Vec<T>, T, T) {
    let s = s * T::LOG2_E;
    let u: Vec<T> = g.iter().zip(c).map(|(&g, &c)| (g - c) * s).collect();
    let m = u.iter().fold(-T::INFINITY, |m, &u| if m < u { u } else { m }) + T::ZERO;
    let powers = |v: T, u: &dyn Fn(T) -> T, terms: &[T]| -> Vec<T> {
        terms.iter().map(|&w| u(w).plain_power(v)).collect()
    };
    let (v, e) = if m.abs().to_f64() <= T::NEAR {
        let v = T::from_f64((m.to_f64() / T::STEP).round_ties_even() * T::STEP + 0.0);
        (v, powers(v, &|u| u, &u))
    } else {
        // Infinite terms are lowered, so that differences are numbers.
        let shift = if m.is_finite() {
            m
        } else if m > T::ZERO {
            T::MAX
        } else {
            T::ZERO
        };
        let lowered = |u: T| if m == T::INFINITY && u == T::INFINITY { T::MAX } else { u };
        (m, powers(T::ZERO, &|u| lowered(u) - shift, &u))
    };
    let sum = in_lanes(e.iter().copied());
    (e, v * T::LN_2, sum)
}

fn rows<T: Plain>() {
    let mut numbers = Numbers(31);
    let lengths = (0..=140).chain([191, 192, 193, 255, 256, 257, 511, 512, 1000]);
    for n in lengths.filter(|n| !FEW || matches!(n, 0 | 37 | 70)) {
        for kind in if FEW { 2 } else { 0 }..3 {
            for s in [3.7, 1.0, 400.0].into_iter().take(if FEW { 1 } else { 3 }).map(T::from_f64) {
                let mut vector = || if kind == 0 { numbers.vector::<T>(n) } else { numbers.strange::<T>(n) };
                let (mut g, c) = (vector(), vector());
                if kind == 1 {
                    // Among other things the least exponents, and more than one infinity.
                    g.iter_mut().step_by(3).for_each(|g| *g *= T::from_f64(T::LOW));
                    g.iter_mut().skip(1).step_by(11).for_each(|g| *g = T::INFINITY);
                }
                let (e, m, sum) = plain(&g, &c, s);
                on_every_level(|level| {
                    let name = format!("n = {n}, kind {kind}, {s}, {level:?}");
                    let mut y = vec![T::TWO; n + 1];
                    let found = elementary::exp_row(&g, &c, s, &mut y);
                    assert_eq!(bits(&[found.0, found.1]), bits(&[m, sum]), "{name}");
                    assert_eq!((bits(&y[..n]), y[n]), (bits(&e), T::TWO), "{name}");
                    let mut y = vec![T::TWO; n];
                    let found = elementary::exp_row_before(&g, &c, &g[n / 3..], s, &mut y);
                    assert_eq!(bits(&[found.0, found.1]), bits(&[m, sum]), "{name}, before");
                    assert_eq!(bits(&y), bits(&e), "{name}, before");
                });
            }
        }
    }
}

#[test]
fn rows_are_the_plain_ones() {
    rows::<f32>();
    rows::<f64>();
}

/// The largest error of 2^w, in units in the last place of the truth, for w from the least exponent of a normal number to 0.
fn largest_error<T: Plain>(true_power: impl Fn(f64) -> f64) -> f64 {
    let count = 400_000;
    // ln 2·log₂ e is 1 once rounded: u is g itself.
    let s = T::LN_2;
    assert_eq!((s * T::LOG2_E).to_f64(), 1.0);
    let lowest = T::LOW + 1.0;
    let mut g: Vec<T> = (0..count).map(|k| T::from_f64(lowest * f64::from(k) / f64::from(count))).collect();
    g.extend((0..count).map(|k| T::from_f64(-2.5 * f64::from(k) / f64::from(count))));
    let c = vec![T::ZERO; g.len()];
    let mut e = c.clone();
    let (m, _) = elementary::exp_row(&g, &c, s, &mut e);
    assert!(m == T::ZERO && e[0] == T::ONE);
    let error = |(g, e): (&T, &T)| {
        let truth = true_power(g.to_f64());
        (e.to_f64() - truth).abs() / (T::EPSILON.to_f64() * truth.log2().floor().exp2())
    };
    g.iter().zip(&e).map(error).fold(0.0, f64::max)
}

/// The function of the standard library has errors of its own, a bit more than half a unit in `f64`.
#[test]
#[cfg_attr(miri, ignore = "Miri's own powers and logarithms err by more")]
fn powers_are_near_the_truth() {
    let errors = (largest_error::<f32>(f64::exp2), largest_error::<f64>(f64::exp2));
    println!("{errors:?}");
    assert!(errors.0 <= 1.7 && errors.1 <= 1.7, "{errors:?}");
}

/// A term counts as long as it is a normal number beside the largest, and not at all soon after.
#[test]
fn small_terms_vanish() {
    fn vanish<T: Plain>() {
        let exponents = [0.0, 1.0, 1.5, 2.0, 3.0, 1e9].map(|below| T::from_f64(T::LOW + 1.0 - below));
        let g = [[T::ZERO].as_slice(), &exponents].concat();
        on_every_level(|level| {
            let mut e = [T::TWO; 7];
            elementary::exp_row(&g, &[T::ZERO; 7], T::LN_2, &mut e);
            assert_eq!(
                (e[0], e[1], e[3..].iter().any(|&e| e > T::MIN_POSITIVE)),
                (T::ONE, T::MIN_POSITIVE, false),
                "{level:?}"
            );
            assert!(
                e[2..4].iter().all(|&e| e < T::MIN_POSITIVE) && e[4..] == [T::ZERO; 3],
                "{level:?} {e:?}"
            );
        });
    }
    vanish::<f32>();
    vanish::<f64>();
}
