//! The synthetic sequences of Khodak, Chow, Balcan and Talwalkar (Learning to relax, 2024): SOR on
//! A₀ + c I with random c, where A₀ is the five-point matrix of a 10 × 10 grid. The iteration counts come
//! from a plain SOR written here; the expected means from an independent reproduction of the paper.

use std::cell::Cell;

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner, Unimodal, UnimodalOptions,
};

const SIDE: usize = 10;
const LINE: usize = SIDE + 2;
const SYSTEMS: usize = 5000;
const ARMS: usize = 20;

/// Uniform in (0, 1).
fn unit(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 11) as f64 + 0.5) / 2.0_f64.powi(53)
}

fn gaussian(rng: &mut impl Rng) -> f64 {
    (-2.0 * unit(rng).ln()).sqrt() * (2.0 * std::f64::consts::PI * unit(rng)).cos()
}

/// Jöhnk's rule.
fn beta_half_three_halves(rng: &mut impl Rng) -> f64 {
    loop {
        let (u, v) = (unit(rng).powi(2), unit(rng).powf(2.0 / 3.0));
        if u + v <= 1.0 {
            return u / (u + v);
        }
    }
}

/// The second smallest of seven uniforms.
fn beta_two_six(rng: &mut impl Rng) -> f64 {
    let mut draws: [f64; 7] = std::array::from_fn(|_| unit(rng));
    draws.sort_by(f64::total_cmp);
    draws[1]
}

/// A system, padded by a ring of zeros, and the counts found out so far.
struct System {
    shift: f64,
    rhs: [f64; LINE * LINE],
    counts: [Cell<u32>; ARMS],
}

impl System {
    fn draw(
        rng: &mut impl Rng,
        beta: fn(&mut Xoshiro256PlusPlus) -> f64,
        source: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let shift = -0.15 + 0.6 * beta(source);
        loop {
            let mut rhs = [0.0; LINE * LINE];
            for i in 1..=SIDE {
                rhs[i * LINE + 1..=i * LINE + SIDE].iter_mut().for_each(|b| *b = gaussian(rng));
            }
            if rhs.iter().map(|b| b * b).sum::<f64>() <= (SIDE * SIDE) as f64 {
                return Self { shift, rhs, counts: std::array::from_fn(|_| Cell::new(0)) };
            }
        }
    }

    /// Forward SOR from zero until ‖b − A x‖ < 10⁻⁸ ‖b‖; counted once.
    fn count(&self, arm: usize) -> u32 {
        if self.counts[arm].get() == 0 {
            let omega = Grid::<f64>::RELAXATION.value(arm);
            let diagonal = 4.0 + self.shift;
            let tolerance = 1e-8 * self.rhs.iter().map(|b| b * b).sum::<f64>().sqrt();
            let mut x = [0.0; LINE * LINE];
            let residual = |x: &[f64; LINE * LINE], q: usize| {
                self.rhs[q] - diagonal * x[q] + x[q - 1] + x[q + 1] + x[q - LINE] + x[q + LINE]
            };
            let inner = || (1..=SIDE).flat_map(|i| i * LINE + 1..=i * LINE + SIDE);
            let count = (1..10_000).find(|_| {
                inner().for_each(|q| x[q] += omega / diagonal * residual(&x, q));
                inner().map(|q| residual(&x, q).powi(2)).sum::<f64>().sqrt() < tolerance
            });
            self.counts[arm].set(count.unwrap_or(10_000));
        }
        self.counts[arm].get()
    }
}

fn sequence(beta: fn(&mut Xoshiro256PlusPlus) -> f64, seed: u64) -> Vec<System> {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut source = Xoshiro256PlusPlus::seed_from_u64(seed + 1000);
    (0..SYSTEMS).map(|_| System::draw(&mut rng, beta, &mut source)).collect()
}

/// Mean count with a fixed arm.
fn fixed(systems: &[System], arm: usize) -> f64 {
    systems.iter().map(|system| f64::from(system.count(arm))).sum::<f64>() / SYSTEMS as f64
}

/// Mean count with a tuner.
fn learnt(systems: &[System], mut tuner: impl Tuner<f64>, seed: u64) -> f64 {
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
    let total: f64 = systems
        .iter()
        .map(|system| {
            let count = f64::from(system.count(tuner.choose(system.shift, &mut rng)));
            tuner.learn(count - 1.0);
            count
        })
        .sum();
    total / SYSTEMS as f64
}

/// Mean and standard deviation over trials: of two fixed arms, Tsallis-INF, its binned form, and ChebCB.
struct Expected {
    arms: [(usize, f64, f64); 2],
    tsallis_inf: (f64, f64),
    binned: (f64, f64),
    cheb_cb: (f64, f64),
    unimodal_at_most: f64,
}

fn check(systems: &[System], expected: &Expected) {
    let near = |name: &str, got: f64, (mean, deviation): (f64, f64)| {
        assert!((got - mean).abs() <= 3.0 * deviation, "{name}: {got}, expected {mean} ± {deviation}");
        println!("{name}: {got:.2}, expected {mean} ± {deviation}");
    };
    for (arm, mean, deviation) in expected.arms {
        near("fixed", fixed(systems, arm), (mean, deviation));
    }
    let tuner = TsallisInf::<f64, ARMS>::new(TsallisOptions::default()).expect("sound");
    near("Tsallis-INF", learnt(systems, tuner, 1), expected.tsallis_inf);
    let tuner = BinnedTsallisInf::<f64, ARMS, 5>::new(-0.15, 0.65, TsallisOptions::default()).expect("sound");
    near("binned", learnt(systems, tuner, 2), expected.binned);
    let tuner = ChebCb::<f64, ARMS, 6>::new(-0.15, 0.65, ChebOptions::default()).expect("sound");
    near("ChebCB", learnt(systems, tuner, 3), expected.cheb_cb);
    let tuner =
        Unimodal::<f64, ARMS, 16>::new(-0.15, 0.65, |_| 8, UnimodalOptions::default()).expect("sound");
    let got = learnt(systems, tuner, 4);
    println!("unimodal: {got:.2}");
    assert!(got <= expected.unimodal_at_most, "unimodal: {got}");
}

#[test]
fn widely_spread_systems() {
    let expected = Expected {
        arms: [(13, 132.67, 1.96), (16, 103.61, 0.64)],
        tsallis_inf: (119.93, 1.97),
        binned: (104.60, 1.21),
        cheb_cb: (66.79, 0.81),
        unimodal_at_most: 80.0,
    };
    check(&sequence(beta_half_three_halves, 1), &expected);
}

#[test]
fn narrowly_spread_systems() {
    let expected = Expected {
        arms: [(12, 63.71, 0.53), (13, 59.54, 0.43)],
        tsallis_inf: (67.72, 1.46),
        binned: (64.75, 1.27),
        cheb_cb: (47.72, 0.78),
        unimodal_at_most: 50.0,
    };
    check(&sequence(beta_two_six, 2), &expected);
}
