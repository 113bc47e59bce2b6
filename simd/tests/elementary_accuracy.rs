//! How far exp and ln are from the truth, in units in the last place of the true value (ulp).
//!
//! The sums of `f32` are measured against the `f64` functions of the standard library (their own error,
//! below 1 ulp of `f64`, is 2⁻²⁹ of what is measured); those of `f64` against pairs of `f64`, below.
// Measured once is enough, since bits are the same everywhere: wasm has no threads, and Miri errs on purpose
// in the functions of the standard library.
#![cfg(not(any(miri, target_family = "wasm")))]

mod common;

use common::{Exact, Numbers};
use southwell_simd::{Real, dense, elementary};

/// The bound that the documentation states, in ulp: exp in `f32` and `f64`, ln in `f32` and `f64`.
const BOUNDS: [f64; 4] = [1.0, 1.0, 1.0, 1.0];

// ---- f32, number by number

/// The unit in the last place of a true value as `f32` sees it.
fn ulp_f32(truth: f64) -> f64 {
    let exponent = (truth.abs().to_bits() >> 52) as i32 - 1023;
    2f64.powi(exponent.max(-126) - 23)
}

fn error_f32(found: f32, truth: f64) -> f64 {
    let found = f64::from(found);
    if truth.is_nan() || found.is_nan() {
        return if truth.is_nan() && found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    // Half an ulp beyond MAX rounds to infinity: count infinity as the number that would come next.
    let next = 2f64.powi(128);
    let (found, truth) = (found.clamp(-next, next), truth.clamp(-next, next));
    (found - truth).abs() / ulp_f32(truth)
}

/// The largest error over every `stride`-th word, on two threads: exp, ln.
fn worst_f32(stride: usize) -> [f64; 2] {
    let run = |part: u64| {
        let (mut worst, mut x, mut y) = ([0f64; 2], Vec::new(), vec![0f32; 4096]);
        let mut words = (part << 31..(part + 1) << 31).step_by(stride);
        loop {
            x.clear();
            x.extend(words.by_ref().take(4096).map(|word| f32::from_bits(word as u32)));
            if x.is_empty() {
                return worst;
            }
            elementary::exp(&x, &mut y);
            for (&x, &y) in x.iter().zip(&y) {
                worst[0] = worst[0].max(error_f32(y, f64::from(x).exp()));
            }
            elementary::ln(&x, &mut y);
            for (&x, &y) in x.iter().zip(&y) {
                worst[1] = worst[1].max(error_f32(y, f64::from(x).ln()));
            }
        }
    };
    let parts = std::thread::scope(|scope| {
        [0, 1].map(|part| scope.spawn(move || run(part))).map(|thread| thread.join().expect("no panic"))
    });
    [0, 1].map(|i| parts[0][i].max(parts[1][i]))
}

fn check_f32(stride: usize) {
    let worst = worst_f32(stride);
    println!("f32, every {stride}. word: exp {:.4}, ln {:.4} ulp", worst[0], worst[1]);
    assert!(worst[0] <= BOUNDS[0] && worst[1] <= BOUNDS[2], "{worst:?}");
}

/// Every 251st; an emulator, which takes a minute for these, has every 2503rd: thousands of every exponent, and the bits of the
/// machine where the others are measured.
#[test]
fn f32_at_numbers_of_every_size() {
    check_f32(if std::env::var_os("SOUTHWELL_EMULATED").is_some() { 2503 } else { 251 });
}

#[test]
#[ignore = "all 2³² numbers: some minutes of two cores"]
fn f32_at_every_number() {
    check_f32(1);
}

// ---- f64, against pairs of numbers

/// An unevaluated sum of two numbers (Dekker, 1971), good for about 100 bits.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

fn two_sum(a: f64, b: f64) -> Pair {
    let s = a + b;
    let t = s - a;
    Pair(s, (a - (s - t)) + (b - t))
}

fn two_product(a: f64, b: f64) -> Pair {
    let split = |v: f64| {
        let c = 134_217_729.0 * v;
        let high = c - (c - v);
        (high, v - high)
    };
    let ((ah, al), (bh, bl)) = (split(a), split(b));
    let p = a * b;
    Pair(p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
}

impl Pair {
    fn add(self, other: Self) -> Self {
        let s = two_sum(self.0, other.0);
        let t = two_sum(self.1, other.1);
        let s = two_sum(s.0, s.1 + t.0);
        two_sum(s.0, s.1 + t.1)
    }
    fn mul(self, other: Self) -> Self {
        let p = two_product(self.0, other.0);
        two_sum(p.0, p.1 + (self.0 * other.1 + self.1 * other.0))
    }
    fn scale(self, power: f64) -> Self {
        Pair(self.0 * power, self.1 * power)
    }
    fn div(self, other: Self) -> Self {
        let q = self.0 / other.0;
        let r = self.add(other.mul(Pair(-q, 0.0)));
        let low = r.0 / other.0;
        let r = r.add(other.mul(Pair(-low, 0.0)));
        two_sum(q, low).add(Pair(r.0 / other.0, 0.0))
    }
}

/// 2^k for |k| ≤ 1022.
fn power(k: i32) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

/// x·2^k, exact where the result is normal.
fn scaled(x: f64, k: i32) -> f64 {
    let third = k / 3;
    x * power(third) * power(third) * power(k - 2 * third)
}

/// e^x = p·2^k with p near 1.
struct Reference {
    /// 1/n!
    inverse_factorials: Vec<Pair>,
}

impl Reference {
    fn new() -> Self {
        let mut inverse_factorials = vec![Pair(1.0, 0.0)];
        for n in 1..14 {
            inverse_factorials.push(inverse_factorials[n - 1].div(Pair(n as f64, 0.0)));
        }
        Self { inverse_factorials }
    }

    fn exp(&self, x: f64) -> (Pair, i32) {
        // ln 2 in pieces of 32 bits and the rest: the products with k are exact.
        const LN_2: [f64; 3] =
            [0.693_147_180_369_123_8, 1.908_214_929_114_120_8e-10, 1.564_670_158_533_888e-20];
        let k = (x / std::f64::consts::LN_2).round();
        let r = two_sum(x - k * LN_2[0], -(k * LN_2[1])).add(Pair(-(k * LN_2[2]), 0.0));
        // e^r = (e^(r/16))^16 by Taylor's series: the first term left out is below 2⁻¹¹⁰.
        let r = r.scale(1.0 / 16.0);
        let mut p = Pair(0.0, 0.0);
        for c in self.inverse_factorials.iter().rev() {
            p = p.mul(r).add(*c);
        }
        for _ in 0..4 {
            p = p.mul(p);
        }
        (p, k as i32)
    }

    fn exp_error(&self, x: f64, found: f64) -> f64 {
        let (p, k) = self.exp(x);
        if found == f64::INFINITY {
            return if p.0 >= scaled(f64::MAX, -k) { 0.0 } else { f64::INFINITY };
        }
        let exponent = ((p.0.to_bits() >> 52) as i32 - 1023).max(-1022 - k);
        let difference = (scaled(found, -k) - p.0) - p.1;
        difference.abs() / power(exponent - 52)
    }

    /// From y = ln(x)(1 + …): ln x − y = ln(x·e^−y), and near 1 by the series of artanh.
    fn ln_error(&self, x: f64, found: f64) -> f64 {
        let f = x - 1.0;
        let difference = if f.abs() < 1.0 / 64.0 {
            let s = Pair(f, 0.0).div(two_sum(2.0, f));
            let z = s.mul(s);
            let mut q = Pair(0.0, 0.0);
            for n in (0..9).rev() {
                q = q.mul(z).add(Pair(1.0, 0.0).div(Pair(f64::from(2 * n + 1), 0.0)));
            }
            let truth = s.mul(q).scale(2.0);
            (truth.0 - found) + truth.1
        } else {
            let (p, k) = self.exp(-found);
            let quotient = p.mul(Pair(scaled(x, k), 0.0));
            let d = (quotient.0 - 1.0) + quotient.1;
            d - 0.5 * d * d
        };
        if difference == 0.0 {
            return 0.0;
        }
        let exponent = (found.abs().to_bits() >> 52) as i32 - 1023;
        difference.abs() / power(exponent - 52)
    }
}

fn worst_f64(x: &[f64], pass: fn(&[f64], &mut [f64]), error: impl Fn(f64, f64) -> f64) -> f64 {
    let mut y = vec![0.0; x.len()];
    pass(x, &mut y);
    let errors = x.iter().zip(&y).map(|(&x, &y)| error(x, y));
    errors.map(|error| if error.is_nan() { f64::INFINITY } else { error }).fold(0.0, f64::max)
}

/// The reference is no further from the standard library than that is from the truth.
#[test]
fn references_agree_with_the_standard_library() {
    let reference = Reference::new();
    let mut numbers = Numbers(21);
    for _ in 0..20_000 {
        let x = 1500.0 * numbers.next::<f64>();
        assert!(reference.exp_error(x, x.exp()) <= 1.0 || x.exp() == 0.0, "exp {x}");
        let x = (1400.0 * numbers.next::<f64>()).exp();
        assert!(reference.ln_error(x, x.ln()) <= 1.0, "ln {x}");
        let x = 1.0 + 0.1 * numbers.next::<f64>();
        assert!(reference.ln_error(x, x.ln()) <= 1.0, "ln {x}");
    }
}

#[test]
fn exp_in_f64() {
    let reference = Reference::new();
    let mut numbers = Numbers(22);
    let (n, ln_2) = (150_000, std::f64::consts::LN_2);
    let mut ranges: [(&str, Vec<f64>); 6] = Default::default();
    ranges[0] = ("normal results", (0..n).map(|_| 1417.0 * numbers.next::<f64>()).collect());
    ranges[1] = ("|x| < 1", (0..n).map(|_| 2.0 * numbers.next::<f64>()).collect());
    ranges[2] = ("subnormal results", (0..n).map(|_| -726.7 + 36.8 * numbers.next::<f64>()).collect());
    // Where the reduction changes over: (k + ½)·(ln 2)/16 and its neighbourhood.
    let near = |k: i32, d: f64| (f64::from(k) + 0.5) / 16.0 * ln_2 * (1.0 + d);
    let changes = (-16 * 1075..16 * 1024)
        .flat_map(|k| [-1e-9, -1e-13, -2e-16, 0.0, 2e-16, 1e-13, 1e-9].map(|d| near(k, d)));
    ranges[3] = ("changes of k", changes.collect());
    let tiny = (0..n).map(|i| numbers.next::<f64>() * power(-(i % 1020)));
    ranges[4] = ("tiny", tiny.collect());
    let edges =
        [709.782_712_893_384, 709.782_712_893_383_9, -745.133_219_101_941_2, -745.2, -708.396_418_532_264_1];
    ranges[5] = ("edges", edges.to_vec());
    for (name, x) in &ranges {
        let worst = worst_f64(x, elementary::exp, |x, y| reference.exp_error(x, y));
        println!("exp f64, {name}: {worst:.4} ulp");
        assert!(worst <= BOUNDS[1], "{name}: {worst}");
    }
}

#[test]
fn ln_in_f64() {
    let reference = Reference::new();
    let mut numbers = Numbers(23);
    let n = 150_000;
    let mut ranges: [(&str, Vec<f64>); 5] = Default::default();
    let all = |word: u64| f64::from_bits((word >> 1) % 0x7FF0_0000_0000_0000);
    ranges[0] = ("all positive", (0..n).map(|_| all(numbers.word())).filter(|&x| x > 0.0).collect());
    ranges[1] = ("½ to 2", (0..n).map(|_| 1.25 + 1.5 * numbers.next::<f64>()).collect());
    let near_one = (0..n).map(|i| 1.0 + numbers.next::<f64>() * power(-(i % 52)));
    ranges[2] = ("near 1", near_one.filter(|&x| x > 0.0).collect());
    let subnormal = (0..n).map(|i| f64::from_bits((numbers.word() >> 13 >> (i % 50)) + 1));
    ranges[3] = ("subnormal", subnormal.collect());
    // Where the exponent changes over.
    let root = std::f64::consts::FRAC_1_SQRT_2;
    let near = |k: i32, d: f64| root * (1.0 + d) * power(k);
    let changes =
        (-1020..1020).flat_map(|k| [-1e-6, -1e-9, -2e-16, 0.0, 2e-16, 1e-9, 1e-6].map(|d| near(k, d)));
    ranges[4] = ("changes of e", changes.collect());
    for (name, x) in &ranges {
        let worst = worst_f64(x, elementary::ln, |x, y| reference.ln_error(x, y));
        println!("ln f64, {name}: {worst:.4} ulp");
        assert!(worst <= BOUNDS[3], "{name}: {worst}");
    }
}

// ---- log-sum-exp

/// Against exponentials by the standard library, summed with compensation.
fn log_sum_exp<T: Real>() {
    let mut numbers = Numbers(24);
    let epsilon = T::EPSILON.to_f64();
    let mut worst = 0f64;
    for n in [1, 2, 10, 100, 257, 1000, 5000, 20_000] {
        for spread in [0.01, 1.0, 30.0, 2000.0] {
            let mut vector =
                |size: f64| -> Vec<T> { (0..n).map(|_| T::from_f64(size) * numbers.next::<T>()).collect() };
            let (g, c) = (vector(spread), vector(spread));
            let s = T::from_f64(0.75);
            let x: Vec<f64> = g.iter().zip(&c).map(|(&g, &c)| ((g - c) * s).to_f64()).collect();
            let m = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut sum = Exact::default();
            x.iter().for_each(|x| sum.add((x - m).exp()));
            let log = sum.value().ln();
            let mut y = [T::ZERO];
            let matrix = dense::Matrix { values: &c, columns: n, stride: n };
            elementary::log_sum_exp_rows(&g, matrix, s, &mut y);
            // Additions in a lane and in the tree, rescalings, the rounding of x − m, and the last sum.
            let bound =
                ((n / 16 + 4) as f64 + 2.0 * (n / 256) as f64 + (n as f64).ln() + 4.0 + m.abs()) * epsilon;
            let error = ((y[0].to_f64() - m) - log).abs();
            worst = worst.max(error / bound);
            assert!(error <= bound, "n = {n}, spread {spread}: {}, not {m} + {log}", y[0]);
        }
    }
    println!("log-sum-exp: {worst:.3} of its bound");
}

#[test]
fn log_sum_exp_is_near_the_truth() {
    log_sum_exp::<f32>();
    log_sum_exp::<f64>();
}
