//! An iteration of robust matrix recovery against one reading of the measurement matrices.
//!
//! Both run in turn, a pair at a time, and a share is the median over the pairs: a busy machine slows both.
//! The reading is a sum of all entries (`vector::sum`), which is the least that any method must do.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::hint::black_box;

use southwell::Real;
use southwell::subgradient::matrix::operator::{Dense, Operator, Packed};
use southwell_benches::{Aligned, median, recovery, seconds};
use southwell_simd::vector;

/// Pairs of measurements of a row.
const PAIRS: usize = 51;

/// Dimension, measurements, rank.
const SIZES: [(usize, usize, usize); 3] = [(30, 1200, 10), (64, 4096, 10), (128, 4096, 10)];

fn main() {
    println!("passes run on {}\n", southwell_simd::level_name());
    println!(
        "| matrices | type | d | m | r | MB | iteration, ms | one reading, ms | GB/s | share of the reading |"
    );
    println!("|---|---|--:|--:|--:|--:|--:|--:|--:|--:|");
    rows::<f32>("f32");
    rows::<f64>("f64");
}

fn rows<T: Real>(real: &str) {
    for (d, m, rank) in SIZES {
        let values = Aligned::<T>::new(1, m * d * d, 0);
        let operator = Dense::new(values.get(), d, d).expect("sound");
        row(&format!("| dense | {real} | {d} | {m} | {rank}"), &operator, values.get(), m, rank);
        let values = Aligned::<T>::new(1, m * d * (d + 1) / 2, 0);
        let operator = Packed::new(values.get(), d).expect("sound");
        row(&format!("| packed | {real} | {d} | {m} | {rank}"), &operator, values.get(), m, rank);
    }
}

fn row<T: Real, O: Operator<T>>(name: &str, operator: &O, values: &[T], m: usize, rank: usize) {
    let (mut iterations, mut readings, mut shares) = (vec![], vec![], vec![]);
    // Short measurements: what takes no longer than a time slice is seldom interrupted.
    let calls = (1 << 24) / size_of_val(values) + 1;
    recovery(operator, m, rank, |run| {
        for _ in 0..PAIRS {
            let iteration = seconds(|| (0..calls).for_each(|_| run.step())) / calls as f64;
            let reading = seconds(|| {
                for _ in 0..calls {
                    black_box(vector::sum(black_box(values)));
                }
            }) / calls as f64;
            iterations.push(iteration);
            readings.push(reading);
            shares.push(reading / iteration);
        }
    });
    let [iteration, reading, share] = [iterations, readings, shares].map(median);
    let bytes = size_of_val(values) as f64;
    println!(
        "{name} | {:.1} | {:.3} | {:.3} | {:.1} | {share:.2} |",
        bytes / 1e6,
        iteration * 1e3,
        reading * 1e3,
        bytes / iteration / 1e9
    );
}
