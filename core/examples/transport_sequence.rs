//! Tuners learn the over-relaxation of Sinkhorn's iteration over a sequence of related transport problems, beside the
//! local theory, which finds omega anew within every run.
//!
//! Eighty points move towards eighty others, and the weight of the entropy breathes, between 1/25 and 1/400 of the
//! largest cost: what is best drifts. Printed are the mean readings of the kernel (steps) to a marginal error of 1e-9;
//! the tuners' are means over five seeds.
//!
//! `cargo run -p southwell --release --example transport_sequence`

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;
use southwell::bandit::{
    BinnedTsallisInf, ChebCb, ChebOptions, Grid, TsallisInf, TsallisOptions, Tuner, Unimodal, UnimodalOptions,
};
use southwell::omega::{Eager, Fixed, HagemanYoung, Learned, OmegaRule};
use southwell::transport::{Cost, Ground, PointCost, Potentials, Problem, scaling};
use southwell::{Error, Stop};

const N: usize = 80;
const PROBLEMS: u32 = 400;
const SEEDS: u64 = 5;
/// Tsallis-INF divides losses by what a run may cost at most, so that bound is kept.
const LIMIT: u32 = 2000;

/// −log₁₀ of ε as a share of the largest cost, the context.
fn context(t: u32) -> f64 {
    2.0 + 0.6 * (f64::from(t) / 40.0).sin()
}

/// Steele, Lea & Flood's SplitMix64, in [0, 1).
fn uniform(k: u64) -> f64 {
    let z = k.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// Readings of problem `t`.
fn readings(t: u32, rule: &mut impl OmegaRule<f64>) -> Result<u32, Error> {
    // Points that go a part of their way, there and back, and jitter.
    let share = 0.5 - 0.5 * (f64::from(t) / 90.0).cos();
    let x: Vec<f64> = (0..2 * N as u64)
        .map(|k| uniform(k) + 0.5 * share * (uniform(1000 + k) - uniform(k)))
        .zip(0..)
        .map(|(x, k)| x + 0.02 * uniform(10_000 + 200 * u64::from(t) + k))
        .collect();
    let y: Vec<f64> = (0..2 * N as u64).map(|k| uniform(1000 + k)).collect();
    let mut storage = vec![0.0; PointCost::<f64>::required_len(N, 2)];
    let cost = PointCost::new(&x, &y, 2, Ground::SquaredEuclidean, &mut storage)?;
    let weights = [1.0 / N as f64; N];
    let epsilon = cost.largest() * 10.0_f64.powf(-context(t));
    let problem = Problem::new(&cost, &weights, &weights, epsilon)?;
    let mut storage = vec![0.0; scaling::Workspace::<f64>::required_len(N, N, false)];
    let workspace = scaling::Workspace::new(&problem, &mut storage)?;
    let (mut f, mut g) = ([0.0; N], [0.0; N]);
    let options = scaling::Options { stop: Stop { max_steps: LIMIT, ..Stop::relative(1e-9) } };
    let x = Potentials { f: &mut f, g: &mut g };
    Ok(scaling::solve(&problem, &options, rule, x, workspace, &mut ())?.steps)
}

fn mean(mut of: impl FnMut(u32) -> Result<u32, Error>) -> Result<f64, Error> {
    let mut total = 0.0;
    for t in 0..PROBLEMS {
        total += f64::from(of(t)?);
    }
    Ok(total / f64::from(PROBLEMS))
}

/// A tuner: over all problems, and over the last quarter of them.
fn learned<B: Tuner<f64>>(name: &str, tuner: impl Fn() -> Result<B, Error>) -> Result<(), Error> {
    let (mut all, mut late) = (0.0, 0.0);
    for seed in 0..SEEDS {
        let generator = Xoshiro256PlusPlus::seed_from_u64(seed);
        let mut rule = Learned::new(tuner()?, Grid::<f64>::RELAXATION, generator);
        for t in 0..PROBLEMS {
            rule.context = context(t);
            let steps = f64::from(readings(t, &mut rule)?);
            all += steps / f64::from(PROBLEMS);
            late += if t >= 3 * PROBLEMS / 4 { 4.0 * steps / f64::from(PROBLEMS) } else { 0.0 };
        }
    }
    let seeds = SEEDS as f64;
    println!("{name:44} {:8.1} {:8.1}", all / seeds, late / seeds);
    Ok(())
}

fn main() -> Result<(), Error> {
    let omegas = Grid::<f64>::RELAXATION;
    // What every arm costs on every problem.
    let mut costs = vec![];
    for arm in 0..omegas.arms() {
        let mut row = vec![];
        for t in 0..PROBLEMS {
            row.push(readings(t, &mut Fixed(omegas.value(arm)))?);
        }
        costs.push(row);
    }
    let last = |row: &[f64]| row[3 * row.len() / 4..].iter().sum::<f64>() * 4.0 / row.len() as f64;
    let row = |name: &str, row: Vec<f64>| {
        println!("{name:44} {:8.1} {:8.1}", row.iter().sum::<f64>() / row.len() as f64, last(&row));
    };
    let wide = |row: &[u32]| row.iter().map(|&steps| f64::from(steps)).collect::<Vec<f64>>();
    println!("{:44} {:>8} {:>8}", "readings of the kernel a problem, mean", "all", "last ¼");
    row("omega = 1, plain", wide(&costs[0]));
    let total = |row: &&Vec<u32>| row.iter().sum::<u32>();
    if let Some(best) = costs.iter().min_by_key(total) {
        row("best fixed omega of 20, known afterwards", wide(best));
    }
    let within = |name: &str, rule: &mut dyn FnMut(u32) -> Result<u32, Error>| -> Result<(), Error> {
        let mut steps = vec![];
        mean(|t| {
            let count = rule(t)?;
            steps.push(f64::from(count));
            Ok(count)
        })?;
        row(name, steps);
        Ok(())
    };
    within("local theory within a run: HagemanYoung", &mut |t| readings(t, &mut HagemanYoung::default()))?;
    within("local theory within a run: Eager", &mut |t| readings(t, &mut Eager::default()))?;
    let (low, high) = (1.4, 2.6);
    learned("Tsallis-INF", || TsallisInf::<f64, 20>::new(TsallisOptions::default()))?;
    learned("Tsallis-INF, 6 bins, told epsilon", || {
        BinnedTsallisInf::<f64, 20, 6>::new(low, high, TsallisOptions::default())
    })?;
    learned("ChebCB, 6 features, told epsilon", || {
        ChebCb::<f64, 20, 6>::new(low, high, ChebOptions::default())
    })?;
    learned("unimodal walk, 8 bins, told epsilon", || {
        Unimodal::<f64, 20, 8>::new(low, high, |_| 8, UnimodalOptions::default())
    })?;
    let best = (0..PROBLEMS as usize).map(|t| costs.iter().map(|row| row[t]).min().unwrap_or(0));
    row("best omega for every problem, known afterwards", best.map(f64::from).collect());
    Ok(())
}
