//! Times exp and ln of this crate against a loop over the standard library, level by level.
//!
//!     cargo run --release -p southwell-simd --example elementary
//!
//! Pairs are interleaved and the best of many short runs is kept, so that a busy machine disturbs both
//! alike. Arguments fit into the first cache.

use std::hint::black_box;
use std::time::Instant;

use southwell_simd::{Real, dense, elementary, force_level, levels};

const N: usize = 1000;

/// Nanoseconds an element: the best of some hundred runs of each, taken in turn.
fn race(passes: &mut [(&str, &mut dyn FnMut())]) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; passes.len()];
    for _ in 0..300 {
        for (best, (_, pass)) in best.iter_mut().zip(passes.iter_mut()) {
            let start = Instant::now();
            for _ in 0..10 {
                pass();
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / (10 * N) as f64);
        }
    }
    best
}

fn report<T: Real>(name: &str, std_exp: fn(T) -> T, std_ln: fn(T) -> T) {
    let x: Vec<T> = (0..N).map(|i| T::from_f64(20.0 * (i as f64 * 0.37).sin())).collect();
    let positive: Vec<T> = x.iter().map(|x| T::from_f64(x.to_f64().exp())).collect();
    let costs: Vec<T> = x.iter().map(|&x| x.abs()).collect();
    let matrix = dense::Matrix { values: &costs, columns: 500, stride: 500 };
    for level in levels() {
        force_level(Some(level));
        let (mut a, mut b, mut c, mut d) = (x.clone(), x.clone(), x.clone(), x.clone());
        let (mut e, mut f, mut rows) = (x.clone(), x.clone(), [T::ZERO; 2]);
        let (mut row, mut coupling) = (x.clone(), x.clone());
        let mut passes: [(&str, &mut dyn FnMut()); 10] = [
            ("exp", &mut || elementary::exp(black_box(&x), black_box(&mut a))),
            ("exp, std", &mut || {
                for (y, &x) in b.iter_mut().zip(black_box(&x)) {
                    *y = std_exp(x);
                }
                black_box(&mut b);
            }),
            ("exp, libm", &mut || {
                for (y, &x) in e.iter_mut().zip(black_box(&x)) {
                    *y = x.exp();
                }
                black_box(&mut e);
            }),
            ("ln", &mut || elementary::ln(black_box(&positive), black_box(&mut c))),
            ("ln, std", &mut || {
                for (y, &x) in d.iter_mut().zip(black_box(&positive)) {
                    *y = std_ln(x);
                }
                black_box(&mut d);
            }),
            ("ln, libm", &mut || {
                for (y, &x) in f.iter_mut().zip(black_box(&positive)) {
                    *y = x.ln();
                }
                black_box(&mut f);
            }),
            ("log_sum_exp", &mut || {
                black_box(elementary::log_sum_exp(black_box(&x)));
            }),
            ("log_sum_exp_rows", &mut || {
                elementary::log_sum_exp_rows(black_box(&x), matrix, T::TWO, black_box(&mut rows));
            }),
            ("exp_row", &mut || {
                black_box(elementary::exp_row(black_box(&x), &costs, T::TWO, &mut row));
            }),
            ("exp_coupling", &mut || {
                black_box(elementary::exp_coupling(T::ONE, black_box(&x), &costs, T::TWO, &mut coupling));
            }),
        ];
        let times = race(&mut passes);
        print!("{name} {level:?}:");
        for ((what, _), time) in passes.iter().zip(times) {
            print!("  {what} {time:.3}");
        }
        println!(" ns");
        force_level(None);
    }
}

fn main() {
    report::<f64>("f64", f64::exp, f64::ln);
    report::<f32>("f32", f32::exp, f32::ln);
}
