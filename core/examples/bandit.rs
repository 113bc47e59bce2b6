//! Four tuners choose omega for SOR on a chain of resistors whose coupling drifts: cells in a row, each
//! tied to its neighbours and, more weakly, to ground. Prints the mean sweeps of each tuner.
//!
//! `cargo run -p southwell --release --example bandit`

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner, Unimodal, UnimodalOptions,
};

const CELLS: usize = 40;
const PROBLEMS: u32 = 2000;

/// Ratio of off-diagonal to diagonal weight at problem `t`: drifts between 0.5 and 0.98.
fn ratio(t: u32) -> f64 {
    0.74 + 0.24 * (f64::from(t) / 60.0).sin()
}

/// Sweeps of SOR on x_i − ½ ratio (x_{i−1} + x_{i+1}) = 1 until no value changes by more than 10⁻⁸.
fn sweeps(ratio: f64, omega: f64) -> u32 {
    let mut x = [0.0_f64; CELLS + 2];
    let converged = |x: &mut [f64; CELLS + 2]| {
        let mut change = 0.0_f64;
        for i in 1..=CELLS {
            let step = omega * (1.0 + 0.5 * ratio * (x[i - 1] + x[i + 1]) - x[i]);
            x[i] += step;
            change = change.max(step.abs());
        }
        change <= 1e-8
    };
    (1..10_000).find(|_| converged(&mut x)).unwrap_or(10_000)
}

fn play(name: &str, mut tuner: impl Tuner<f64>) {
    let omegas = Grid::<f64>::RELAXATION;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(1);
    let mut total = 0;
    for t in 0..PROBLEMS {
        let arm = tuner.choose(ratio(t), &mut rng);
        let count = sweeps(ratio(t), omegas.value(arm));
        tuner.learn(f64::from(count - 1));
        total += count;
    }
    println!("{name:28} {:6.2}", f64::from(total) / f64::from(PROBLEMS));
}

fn main() -> Result<(), southwell::Error> {
    let omegas = Grid::<f64>::RELAXATION;
    let mean = |of: &dyn Fn(u32) -> u32| f64::from((0..PROBLEMS).map(of).sum::<u32>()) / f64::from(PROBLEMS);
    let fixed = (0..omegas.arms()).map(|arm| mean(&|t| sweeps(ratio(t), omegas.value(arm))));
    println!("{:28} {:6.2}", "omega = 1", mean(&|t| sweeps(ratio(t), 1.0)));
    println!("{:28} {:6.2}", "best fixed arm", fixed.fold(f64::INFINITY, f64::min));
    play("Tsallis-INF", TsallisInf::<f64, 20>::new(TsallisOptions::default())?);
    play("Tsallis-INF, 6 bins", BinnedTsallisInf::<f64, 20, 6>::new(0.5, 1.0, TsallisOptions::default())?);
    play("ChebCB, 6 features", ChebCb::<f64, 20, 6>::new(0.5, 1.0, ChebOptions::default())?);
    play("unimodal walk, 8 bins", Unimodal::<f64, 20, 8>::new(0.5, 1.0, |_| 4, UnimodalOptions::default())?);
    let smooth = UnimodalOptions { discount: 0.9, ..Default::default() };
    play("unimodal walk, no context", Unimodal::<f64, 20, 1>::new(0.5, 1.0, |_| 4, smooth)?);
    let best = |t| (0..omegas.arms()).map(|arm| sweeps(ratio(t), omegas.value(arm))).min().unwrap_or(0);
    println!("{:28} {:6.2}", "best arm each time", mean(&best));
    Ok(())
}
