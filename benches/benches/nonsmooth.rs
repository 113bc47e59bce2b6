//! The sub-gradient family: what an iteration, a step and a whole fit cost.
//!
//! Iterations of matrix recovery by each kind of measurement, a fit by least absolute deviations until it is proven,
//! steps of the general method on a box and on a simplex, projections, and a calibration. Throughput is in
//! measurements, rows or elements a second.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod common;

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use southwell::Real;
use southwell::subgradient::calibration;
use southwell::subgradient::counter::{normal, uniform};
use southwell::subgradient::fit::{self, Whitening};
use southwell::subgradient::matrix::operator::{Dense, Draw, Operator, Packed, Paired, Seeded};
use southwell::subgradient::method::{self, Ending};
use southwell::subgradient::projection::{Interval, L1Ball, Simplex};
use southwell::subgradient::step::Geometric;
use southwell::subgradient::{self, Projection, Quantile, Table};
use southwell_benches::{numbers, recovery as on_recovery};

/// Dimension, measurements and rank of the recoveries.
const D: usize = 30;
const M: usize = 1200;
const RANK: usize = 6;

fn main() {
    let mut criterion = common::criterion();
    each::<f32>(&mut criterion, "f32");
    each::<f64>(&mut criterion, "f64");
    criterion.final_summary();
}

fn each<T: Real>(criterion: &mut Criterion, real: &str) {
    let whole = numbers::<T>(1, M * D * D);
    recovery::<T>(criterion, &format!("recovery/dense/{real}"), &Dense::new(&whole, D, D).expect("sound"));
    let half = &whole[..M * D * (D + 1) / 2];
    recovery::<T>(criterion, &format!("recovery/packed/{real}"), &Packed::new(half, D).expect("sound"));
    let (a, b) = whole[..2 * M * D].split_at(M * D);
    recovery::<T>(criterion, &format!("recovery/paired/{real}"), &Paired::new(a, b, D).expect("sound"));
    let signs = Seeded::new(Draw::Signs, 7, M, D, D).expect("sound");
    recovery::<T>(criterion, &format!("recovery/signs drawn anew/{real}"), &signs);
    for n in [1000, 5000] {
        deviations::<T>(criterion, real, n);
    }
    projections::<T>(criterion, real);
    calibrate::<T>(criterion, real);
}

fn recovery<T: Real>(criterion: &mut Criterion, name: &str, operator: &impl Operator<T>) {
    let mut group = criterion.benchmark_group("subgradient");
    group.throughput(Throughput::Elements(M as u64));
    on_recovery(operator, M, RANK, |run| {
        group.bench_function(name, |bencher| bencher.iter(|| run.step()));
    });
}

/// A line with noise, and three observations in ten far above it: rows, and what is observed.
fn observations<T: Real>(n: usize, p: usize) -> (Vec<T>, Vec<T>) {
    let at = |stream: u64, k: usize| normal(stream, k as u64);
    let rows: Vec<f64> = (0..n * p).map(|k| if k.is_multiple_of(p) { 1.0 } else { at(21, k) }).collect();
    let y = rows.chunks(p).enumerate().map(|(i, row)| {
        let exact: f64 = row.iter().zip(1..).map(|(x, j)| x * f64::from(j) / p as f64).sum();
        let gross = if uniform(23, i as u64) < 0.3 { 5.0 + 10.0 * at(24, i).abs() } else { 0.0 };
        T::from_f64(exact + 0.1 * at(22, i) + gross)
    });
    let y = y.collect();
    (rows.into_iter().map(T::from_f64).collect(), y)
}

fn deviations<T: Real>(criterion: &mut Criterion, real: &str, n: usize) {
    const P: usize = 10;
    let (rows, y) = observations::<T>(n, P);
    let table = Table::new(&rows, n, P).expect("sound");
    let loss = Quantile::absolute(table, &y).expect("sound");
    let whitening = Whitening::Orthogonal;
    let mut reals = vec![T::ZERO; fit::Workspace::<T>::required_len(n, P, whitening, true)];
    let mut indices = vec![0; fit::Workspace::<T>::required_indices(P)];
    let mut group = criterion.benchmark_group("subgradient");
    group.throughput(Throughput::Elements(n as u64));
    group.bench_function(format!("fit, proven/{n}/{real}"), |bencher| {
        bencher.iter(|| {
            let workspace =
                fit::Workspace::new(&loss, whitening, true, &mut reals, &mut indices).expect("long enough");
            let mut beta = [T::ZERO; P];
            fit::solve(&loss, &fit::Options::default(), fit::rule(), &mut beta, workspace, &mut ())
        });
    });
    for (name, simplex) in [("box", false), ("simplex", true)] {
        group.bench_function(format!("100 steps on a {name}/{n}/{real}"), |bencher| {
            bencher.iter(|| {
                if simplex {
                    hundred_steps(loss, Simplex::new(T::ONE).expect("sound"), &mut reals)
                } else {
                    hundred_steps(loss, Interval::non_negative(), &mut reals)
                }
            });
        });
    }
}

fn hundred_steps<T: Real>(loss: Quantile<'_, T>, set: impl Projection<T>, memory: &mut [T]) -> T {
    let problem = subgradient::Problem::new(loss, set).expect("sound");
    let workspace = method::Workspace::new(&problem, false, memory).expect("long enough");
    let options = method::Options { ending: Ending::after(100), ..method::Options::default() };
    let mut x = [T::ZERO; 10];
    let end = method::solve(problem, &options, Geometric::default(), &mut x, workspace, &mut ());
    end.expect("sound").value
}

fn projections<T: Real>(criterion: &mut Criterion, real: &str) {
    let mut group = criterion.benchmark_group("subgradient");
    for n in [1000, 100_000] {
        let given: Vec<T> = (0..n).map(|k| T::from_f64(normal(5, k))).collect();
        let mut x = given.clone();
        group.throughput(Throughput::Elements(n));
        let mut simplex = Simplex::new(T::ONE).expect("sound");
        group.bench_function(format!("projection/simplex/{n}/{real}"), |bencher| {
            bencher.iter(|| {
                x.copy_from_slice(&given);
                simplex.project(black_box(&mut x));
            });
        });
        let mut ball = L1Ball::new(T::from_u32(10)).expect("sound");
        group.bench_function(format!("projection/l1 ball/{n}/{real}"), |bencher| {
            bencher.iter(|| {
                x.copy_from_slice(&given);
                ball.project(black_box(&mut x));
            });
        });
    }
}

/// Two hundred samples of a sphere that is stretched and shifted, a third of them spoilt.
fn calibrate<T: Real>(criterion: &mut Criterion, real: &str) {
    let sample = |i: u64| {
        let g: [f64; 3] = std::array::from_fn(|j| normal(11, 3 * i + j as u64));
        let size = g.iter().map(|g| g * g).sum::<f64>().sqrt();
        let spike = if uniform(13, i) < 0.3 { 100.0 } else { 0.0 };
        [55.0 * g[0] / size + 12.0 + spike, 48.0 * g[1] / size - 8.0, 51.0 * g[2] / size + 20.0]
    };
    let samples: Vec<T> = (0..200).flat_map(sample).map(T::from_f64).collect();
    let table = Table::new(&samples, 200, 3).expect("sound");
    let problem = calibration::Problem::new(table, T::from_f64(50.0)).expect("sound");
    let mut memory = vec![T::ZERO; calibration::REQUIRED_LEN];
    let mut group = criterion.benchmark_group("subgradient");
    group.throughput(Throughput::Elements(200));
    group.bench_function(format!("calibration/{real}"), |bencher| {
        bencher.iter(|| calibration::solve(&problem, &calibration::Options::default(), &mut memory, &mut ()));
    });
}
