//! A plain iteration of Sinkhorn's: on a stored kernel, in the log domain, and on points whose costs are never
//! stored.
//!
//! Beside each bench, the iteration on a stored kernel of the same size and type takes turns with it, short ones; the
//! table at the end has the ratio of the best turns, and the median of the pairs' ratios, which other programs disturb
//! more. An iteration includes a look at the residual, as a run has it.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod common;

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, Throughput};
use southwell::omega::Fixed;
use southwell::transport::{Cost, DenseCost, Ground, PointCost, Potentials, Problem, scaling, sinkhorn};
use southwell::{Real, Run};
use southwell_benches::{median, numbers, seconds};

/// Points a side: kernels in the second cache (in `f32`), in the third, and out of all of them.
const SIZES: [usize; 3] = [256, 1000, 4000];
/// Pairs of a bench and the stored kernel.
const PAIRS: usize = 31;
/// Seconds of a turn: a few of them fall between two interruptions.
const TURN: f64 = 1e-3;
/// ε as a share of the largest cost.
const RATIO: f64 = 0.02;

fn main() {
    let mut criterion = common::criterion();
    let mut rows = Vec::new();
    for n in SIZES {
        iterations::<f64>(&mut criterion, &mut rows, "f64", n);
        iterations::<f32>(&mut criterion, &mut rows, "f32", n);
    }
    criterion.final_summary();
    if rows.is_empty() {
        return;
    }
    println!(
        "\n| type | n | iteration | ns an entry, best | median | ÷ stored kernel, best | median of {PAIRS} |"
    );
    println!("|---|---|---|---|---|---|---|");
    for Row { real, n, name, best, middle, best_ratio, ratio } in rows {
        println!("| {real} | {n} | {name} | {best:.3} | {middle:.3} | {best_ratio:.2} | {ratio:.2} |");
    }
}

struct Row {
    real: &'static str,
    n: usize,
    name: &'static str,
    /// Nanoseconds an entry.
    best: f64,
    middle: f64,
    best_ratio: f64,
    ratio: f64,
}

/// A run that steps for ever: near its end it would stop for lack of progress.
type Steps<'r> = &'r mut dyn FnMut(u64);

fn iterations<T: Real>(criterion: &mut Criterion, rows: &mut Vec<Row>, real: &'static str, n: usize) {
    let points = |seed: u64, dimension: usize| numbers::<T>(seed, dimension * n);
    let (x, y) = (points(1, 2), points(2, 2));
    let mut storage = vec![T::ZERO; 2 * n];
    let plane = PointCost::new(&x, &y, 2, Ground::SquaredEuclidean, &mut storage).expect("points");
    let mut values = vec![T::ZERO; n * n];
    for (i, row) in values.chunks_mut(n).enumerate() {
        plane.row(i, row);
    }
    let stored = DenseCost::new(&values, n, n, n).expect("costs");
    let mut bench = Bench { criterion, rows, real, n };
    on_kernel(&stored, n, &mut |kernel| {
        bench.run("stored kernel", None, kernel);
        in_log_domain(&stored, n, &mut |steps| {
            bench.run("log domain, stored costs", Some(&mut *kernel), steps)
        });
        for (name, ground) in [
            ("log domain, points in the plane, squared Euclidean", Ground::SquaredEuclidean),
            ("log domain, points in the plane, Euclidean", Ground::Euclidean),
            ("log domain, points in the plane, L1", Ground::L1),
        ] {
            let mut storage = vec![T::ZERO; 2 * n];
            let cost = PointCost::new(&x, &y, 2, ground, &mut storage).expect("points");
            in_log_domain(&cost, n, &mut |steps| bench.run(name, Some(&mut *kernel), steps));
        }
        let (x, y) = (points(3, 16), points(4, 16));
        let mut storage = vec![T::ZERO; 16 * n];
        let cost = PointCost::new(&x, &y, 16, Ground::SquaredEuclidean, &mut storage).expect("points");
        in_log_domain(&cost, n, &mut |steps| {
            bench.run("log domain, points of 16 coordinates, squared Euclidean", Some(&mut *kernel), steps);
        });
    });
}

fn on_kernel<T: Real, C: Cost<T>>(cost: &C, n: usize, then: &mut dyn FnMut(Steps<'_>)) {
    let weights = vec![T::ONE / T::from_usize(n); n];
    let epsilon = cost.largest() * T::from_f64(RATIO);
    let problem = Problem::new(cost, &weights, &weights, epsilon).expect("a problem");
    let mut storage = vec![T::ZERO; scaling::Workspace::<T>::required_len(n, n, cost.is_stored())];
    let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g, mut rule) = (vec![T::ZERO; n], vec![T::ZERO; n], Fixed(T::ONE));
    let x = Potentials { f: &mut f, g: &mut g };
    let mut run =
        scaling::start(&problem, &scaling::Options::default(), &mut rule, x, workspace).expect("a run");
    then(&mut |count| steps(&mut run, count));
}

fn in_log_domain<T: Real, C: Cost<T>>(cost: &C, n: usize, then: &mut dyn FnMut(Steps<'_>)) {
    let weights = vec![T::ONE / T::from_usize(n); n];
    let epsilon = cost.largest() * T::from_f64(RATIO);
    let problem = Problem::new(cost, &weights, &weights, epsilon).expect("a problem");
    let mut storage = vec![T::ZERO; sinkhorn::Workspace::<T>::required_len(n, n, cost.scratch_len())];
    let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
    let (mut f, mut g, mut rule) = (vec![T::ZERO; n], vec![T::ZERO; n], Fixed(T::ONE));
    let x = Potentials { f: &mut f, g: &mut g };
    let mut run =
        sinkhorn::start(&problem, &sinkhorn::Options::default(), &mut rule, x, workspace).expect("a run");
    then(&mut |count| steps(&mut run, count));
}

fn steps(run: &mut impl Run, count: u64) {
    for _ in 0..count {
        run.step();
        black_box(run.residual());
    }
}

struct Bench<'b> {
    criterion: &'b mut Criterion,
    rows: &'b mut Vec<Row>,
    real: &'static str,
    n: usize,
}

impl Bench<'_> {
    fn run(&mut self, name: &'static str, mut kernel: Option<Steps<'_>>, steps: Steps<'_>) {
        let Self { real, n, .. } = *self;
        let entries = n * n;
        let mut group = self.criterion.benchmark_group(format!("{real}/{n}"));
        group.throughput(Throughput::Elements(entries as u64));
        let mut best = f64::INFINITY;
        group.bench_function(name, |bencher| {
            bencher.iter_custom(|count| {
                let time = seconds(|| steps(count));
                best = best.min(time / count as f64);
                Duration::from_secs_f64(time)
            });
        });
        group.finish();
        if best.is_infinite() {
            return; // filtered out
        }
        let count = |time: f64| (TURN / time).ceil().max(1.0) as u64;
        let beside_count = kernel.as_mut().map_or(1, |kernel| count(seconds(|| kernel(1))));
        let count = count(best);
        let (mut times, mut beside, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PAIRS {
            let time = seconds(|| steps(count)) / count as f64;
            let other = match &mut kernel {
                Some(kernel) => seconds(|| kernel(beside_count)) / beside_count as f64,
                None => time,
            };
            times.push(time);
            beside.push(other);
            ratios.push(time / other);
        }
        let least = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let best_ratio = least(&times) / least(&beside);
        let nanoseconds = |time: f64| 1e9 * time / entries as f64;
        let best = times.iter().fold(best, |best, &time| best.min(time));
        self.rows.push(Row {
            real,
            n,
            name,
            best: nanoseconds(best),
            middle: nanoseconds(median(times)),
            best_ratio,
            ratio: median(ratios),
        });
    }
}
