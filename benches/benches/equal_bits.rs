//! What equal bits cost: our reductions, in fixed virtual lanes and with every product rounded, against the same
//! sums in the machine's own way: fused multiply-add, four registers of running sums, any order.
//!
//! Both run in turn, a pair at a time, and a ratio is the median over the pairs: a busy machine slows both.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use pulp::{Arch, Simd, WithSimd};
use southwell::Real;
use southwell_benches::{median, numbers};
use southwell_simd::dense::{self, Matrix};
use southwell_simd::vector;

/// Pairs of measurements of a row.
const PAIRS: usize = 101;
/// How long a measurement lasts, at least a call.
const SPAN: Duration = Duration::from_micros(300);

/// A place, the length of a vector and the order of a matrix whose bytes fit it, in `f64`.
const PLACES: [(&str, usize, usize); 3] =
    [("L1", 1 << 10, 48), ("L2", 1 << 15, 240), ("memory", 1 << 23, 4096)];

fn main() {
    println!("passes run on {}\n", southwell_simd::level_name());
    println!("| pass | type | in | length | equal bits, ns | free, ns | equal / free |");
    println!("|---|---|---|--:|--:|--:|--:|");
    rows::<f32>("f32");
    rows::<f64>("f64");
}

fn rows<T: Free>(real: &str) {
    let wider = size_of::<f64>() / size_of::<T>();
    for (place, len, order) in PLACES {
        let n = len * wider;
        let (x, y) = (numbers::<T>(1, n), numbers::<T>(2, n));
        let equal = || vector::dot(black_box(&x), black_box(&y));
        let free = || T::dot(black_box(&x), black_box(&y));
        row(&format!("| dot | {real} | {place} | {n}"), equal, free);
        let (columns, stride) = (order * wider, order * wider);
        let values = numbers::<T>(3, order * columns);
        let x = numbers::<T>(4, columns);
        let (mut out, mut other) = (vec![T::ZERO; order], vec![T::ZERO; order]);
        let equal = || {
            let matrix = Matrix { values: black_box(&values), columns, stride };
            dense::apply(matrix, black_box(&x), black_box(&mut out));
        };
        let free = || T::apply(black_box(&values), black_box(&x), black_box(&mut other));
        row(&format!("| matrix · vector | {real} | {place} | {order} × {columns}"), equal, free);
    }
}

/// Measures both in turn and prints a row.
fn row<R>(name: &str, mut equal: impl FnMut() -> R, mut free: impl FnMut() -> R) {
    let (equal_calls, free_calls) = (calls(&mut equal), calls(&mut free));
    let (mut ours, mut theirs, mut ratios) = (vec![], vec![], vec![]);
    for _ in 0..PAIRS {
        let (a, b) = (time(equal_calls, &mut equal), time(free_calls, &mut free));
        ours.push(a);
        theirs.push(b);
        ratios.push(a / b);
    }
    let [a, b, ratio] = [ours, theirs, ratios].map(median);
    println!("{name} | {:.0} | {:.0} | {ratio:.2} |", a * 1e9, b * 1e9);
}

/// Calls that fill a measurement.
fn calls<R>(f: &mut impl FnMut() -> R) -> u32 {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed() < SPAN {
        black_box(f());
        calls += 1;
    }
    calls
}

/// Seconds of a call.
fn time<R>(calls: u32, f: &mut impl FnMut() -> R) -> f64 {
    let start = Instant::now();
    for _ in 0..calls {
        black_box(f());
    }
    start.elapsed().as_secs_f64() / f64::from(calls)
}

/// Reductions in the machine's own way.
trait Free: Real {
    fn dot(x: &[Self], y: &[Self]) -> Self;
    fn apply(values: &[Self], x: &[Self], y: &mut [Self]);
}

macro_rules! free {
    ($t:ident, $split:ident, $splat:ident, $fused:ident, $add:ident, $sum:ident) => {
        const _: () = {
            #[inline(always)]
            fn kernel<S: Simd>(simd: S, x: &[$t], y: &[$t]) -> $t {
                let n = x.len().min(y.len());
                let ((x, x_tail), (y, y_tail)) = (S::$split(&x[..n]), S::$split(&y[..n]));
                let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
                let mut sums = [simd.$splat(0.0); 4];
                for (x, y) in x.iter().zip(y) {
                    for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
                        *sum = simd.$fused(x, y, *sum);
                    }
                }
                for (&x, &y) in x_rest.iter().zip(y_rest) {
                    sums[0] = simd.$fused(x, y, sums[0]);
                }
                let sum = simd.$add(simd.$add(sums[0], sums[1]), simd.$add(sums[2], sums[3]));
                x_tail.iter().zip(y_tail).fold(simd.$sum(sum), |sum, (x, y)| x.mul_add(*y, sum))
            }

            struct Dot<'a>(&'a [$t], &'a [$t]);

            impl WithSimd for Dot<'_> {
                type Output = $t;
                #[inline(always)]
                fn with_simd<S: Simd>(self, simd: S) -> $t {
                    kernel(simd, self.0, self.1)
                }
            }

            struct Apply<'a>(&'a [$t], &'a [$t], &'a mut [$t]);

            impl WithSimd for Apply<'_> {
                type Output = ();
                #[inline(always)]
                fn with_simd<S: Simd>(self, simd: S) {
                    let Apply(values, x, y) = self;
                    for (y, row) in y.iter_mut().zip(values.chunks_exact(x.len())) {
                        *y = kernel(simd, row, x);
                    }
                }
            }

            impl Free for $t {
                fn dot(x: &[$t], y: &[$t]) -> $t {
                    Arch::new().dispatch(Dot(x, y))
                }
                fn apply(values: &[$t], x: &[$t], y: &mut [$t]) {
                    Arch::new().dispatch(Apply(values, x, y));
                }
            }
        };
    };
}

free!(f32, as_simd_f32s, splat_f32s, mul_add_e_f32s, add_f32s, reduce_sum_f32s);
free!(f64, as_simd_f64s, splat_f64s, mul_add_e_f64s, add_f64s, reduce_sum_f64s);
