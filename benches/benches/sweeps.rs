//! Sweeps and iterations of relaxation: bytes moved a second, in cache and far out of it.
//!
//! Bytes are those of the pass's own documentation: what must move if every operand moves once, from
//! memory or from the cache that holds it. Beside each bench, `axpy` over two vectors of the same
//! length, which reads and writes what a constant sweep does, is run alternately with it, nine times:
//! the ratio at the end is the median of the nine. A copy counts 16 bytes an element in `f64`, `axpy`
//! and a triad 24.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

mod common;

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use southwell::linear::{Csr, Star, Stencil2d, Stencil3d};
use southwell::relaxation::{Fixed, Lines, Problem, RedBlack, Relax, Split, cg, ssor_cg};
use southwell::{Real, Run};
use southwell_benches::{FivePoint, median, numbers, seconds};
use southwell_simd::vector;

/// Sides of the grids: one that stays in the second-level cache, one far beyond the last.
struct Sides {
    place: &'static str,
    /// Constant couplings: two vectors.
    constant: usize,
    /// Matrices in memory, and iterations of many vectors.
    stored: usize,
    /// Three dimensions.
    cube: usize,
}

const SIDES: [Sides; 2] = [
    Sides { place: "L2", constant: 100, stored: 100, cube: 22 },
    Sides { place: "memory", constant: 4000, stored: 2000, cube: 200 },
];

/// Pairs of a bench and `axpy`.
const PAIRS: usize = 9;
/// Sweeps between two looks at the residual.
const TOGETHER: u32 = 8;
/// Omega of all sweeps; its value does not change the work.
const OMEGA: f64 = 1.5;

fn main() {
    let mut criterion = common::criterion();
    let mut table = Table::default();
    for sides in &SIDES {
        all_passes::<f64>(&mut criterion, &mut table, sides);
        all_passes::<f32>(&mut criterion, &mut table, sides);
    }
    criterion.final_summary();
    table.print();
}

/// What the benches found.
#[derive(Default)]
struct Table {
    rows: Vec<Row>,
}

struct Row {
    place: &'static str,
    real: &'static str,
    name: &'static str,
    side: usize,
    /// Bytes a second: the best seen, and the middle of the pairs.
    best: f64,
    middle: f64,
    /// Its bandwidth over that of `axpy`: the middle of the pairs.
    of_axpy: f64,
}

impl Table {
    fn print(&self) {
        if self.rows.is_empty() {
            return;
        }
        println!(
            "\n| place | type | pass | side | GB/s best | GB/s median | ÷ axpy (median of {PAIRS} pairs) |"
        );
        println!("|---|---|---|---|---|---|---|");
        for r in &self.rows {
            let (best, middle) = (r.best * 1e-9, r.middle * 1e-9);
            println!(
                "| {} | {} | {} | {} | {best:.1} | {middle:.1} | {:.2} |",
                r.place, r.real, r.name, r.side, r.of_axpy
            );
        }
    }
}

/// One bench: criterion's run, then the pairs with `axpy` over `n` elements.
struct Bench<'c> {
    criterion: &'c mut Criterion,
    table: &'c mut Table,
    place: &'static str,
    real: &'static str,
}

impl Bench<'_> {
    /// `work(k)` does the pass k times and tells how long that took; `bytes` is what one moves.
    fn run<T: Real>(
        &mut self,
        name: &'static str,
        side: usize,
        cells: usize,
        bytes: usize,
        mut work: impl FnMut(u64) -> Duration,
    ) {
        let mut group = self.criterion.benchmark_group(format!("{}/{}", self.place, self.real));
        group.throughput(Throughput::BytesDecimal(bytes as u64));
        let mut best = f64::INFINITY;
        group.bench_function(format!("{name}/{side}"), |bencher| {
            bencher.iter_custom(|count| {
                let time = work(count);
                best = best.min(time.as_secs_f64() / count as f64);
                time
            });
        });
        group.finish();
        if best.is_infinite() {
            return; // filtered out
        }
        let (from, mut to) = (numbers::<T>(7, cells), vec![T::ZERO; cells]);
        // Long enough for the clock.
        let count = (2e-3 / best).ceil().max(1.0) as u64;
        let copies = (2e-3 / (2e-11 * (cells * size_of::<T>()) as f64)).ceil().clamp(1.0, 1e4) as u64;
        // Small enough for the sum to stay finite.
        let tiny = T::from_f64(1e-6);
        let mut middle = Vec::new();
        let mut of_axpy = Vec::new();
        for _ in 0..PAIRS {
            let ours = bytes as f64 * count as f64 / work(count).as_secs_f64();
            let time = seconds(|| {
                for _ in 0..copies {
                    vector::axpy(black_box(tiny), black_box(&from), black_box(&mut to));
                }
            });
            let moved = (3 * cells * size_of::<T>()) as f64 * copies as f64 / time;
            middle.push(ours);
            of_axpy.push(ours / moved);
        }
        self.table.rows.push(Row {
            place: self.place,
            real: self.real,
            name,
            side,
            best: bytes as f64 / best,
            middle: median(middle),
            of_axpy: median(of_axpy),
        });
    }

    /// A sweep in the order of the view, without its preparation.
    fn sweep<T: Real, A: Relax<T>>(&mut self, name: &'static str, side: usize, matrix: &A, bytes: usize) {
        let n = matrix.order();
        let rhs = numbers::<T>(1, n);
        let mut x = numbers::<T>(2, n);
        let mut scratch = vec![T::ZERO; matrix.scratch_len()];
        if let Err(error) = matrix.prepare(&mut scratch) {
            panic!("{name}: {error}");
        }
        let omega = T::from_f64(OMEGA);
        self.run::<T>(name, side, n, bytes, |count| {
            timed(|| {
                for _ in 0..count {
                    matrix.sweep(false, omega, &mut scratch, black_box(&rhs), black_box(&mut x));
                }
            })
        });
    }

    /// Sweeps that may go through the cache together; `bytes` are those of one sweep.
    fn together<T: Real, A: Relax<T>>(&mut self, name: &'static str, side: usize, matrix: &A, bytes: usize) {
        let n = matrix.order();
        let rhs = numbers::<T>(1, n);
        let mut x = numbers::<T>(2, n);
        let mut scratch = vec![T::ZERO; matrix.scratch_len()];
        let omega = T::from_f64(OMEGA);
        self.run::<T>(name, side, n, TOGETHER as usize * bytes, |count| {
            timed(|| {
                for _ in 0..count {
                    matrix.sweeps(false, omega, &mut scratch, black_box(&rhs), black_box(&mut x), TOGETHER);
                }
            })
        });
    }

    /// Steps of CG, begun anew often enough never to converge.
    fn cg<T: Real, A: Relax<T>>(&mut self, name: &'static str, side: usize, matrix: &A, bytes: usize) {
        let rhs = numbers::<T>(1, matrix.order());
        let problem = Problem::new(matrix, &rhs).expect("a valid system");
        let mut storage = vec![T::ZERO; cg::Workspace::<T>::required_len(matrix.order())];
        let mut x = vec![T::ZERO; matrix.order()];
        self.run::<T>(name, side, matrix.order(), bytes, |count| {
            in_turns(count, |steps| {
                x.fill(T::ZERO);
                let work = cg::Workspace::new(&problem, &mut storage).expect("long enough");
                let run = cg::start(&problem, &cg::Options::default(), &mut x, work);
                steps_of(&mut run.expect("a valid start"), steps)
            })
        });
    }

    /// Steps of SSOR-CG, likewise.
    fn ssor_cg<T: Real, A: Split<T>>(&mut self, name: &'static str, side: usize, matrix: &A, bytes: usize) {
        let rhs = numbers::<T>(1, matrix.order());
        let problem = Problem::new(matrix, &rhs).expect("a valid system");
        let length = ssor_cg::Workspace::<T>::required_len(matrix.order(), matrix.split_len());
        let mut storage = vec![T::ZERO; length];
        let mut x = vec![T::ZERO; matrix.order()];
        let mut rule = Fixed(T::from_f64(OMEGA));
        self.run::<T>(name, side, matrix.order(), bytes, |count| {
            in_turns(count, |steps| {
                x.fill(T::ZERO);
                let work = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
                let run = ssor_cg::start(&problem, &ssor_cg::Options::default(), &mut rule, &mut x, work);
                steps_of(&mut run.expect("a valid start"), steps)
            })
        });
    }
}

/// Steps between two starts: fewer than the smallest system here needs.
const TURN: u64 = 16;

fn in_turns(count: u64, mut turn: impl FnMut(u64) -> Duration) -> Duration {
    let mut left = count;
    let mut time = Duration::ZERO;
    while left > 0 {
        let steps = left.min(TURN);
        time += turn(steps);
        left -= steps;
    }
    time
}

fn steps_of(run: &mut impl Run, steps: u64) -> Duration {
    timed(|| (0..steps).for_each(|_| black_box(&mut *run).step()))
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// The plain copy loop.
#[inline(never)]
fn copy<T: Copy>(from: &[T], to: &mut [T]) {
    for (to, &from) in to.iter_mut().zip(from) {
        *to = from;
    }
}

/// a ← b + s·c, which no library routine replaces.
#[inline(never)]
fn triad<T: Real>(b: &[T], s: T, c: &[T], a: &mut [T]) {
    for ((a, &b), &c) in a.iter_mut().zip(b).zip(c) {
        *a = b + s * c;
    }
}

fn all_passes<T: Real>(criterion: &mut Criterion, table: &mut Table, sides: &Sides) {
    let real = if size_of::<T>() == 4 { "f32" } else { "f64" };
    let mut bench = Bench { criterion, table, place: sides.place, real };
    let e = size_of::<T>();

    let side = sides.constant;
    let n = side * side;
    {
        let (from, mut to) = (numbers::<T>(1, n), vec![T::ZERO; n]);
        bench.run::<T>("copy", side, n, 2 * e * n, |count| {
            timed(|| (0..count).for_each(|_| copy(black_box(&from), black_box(&mut to))))
        });
        let third = numbers::<T>(2, n);
        bench.run::<T>("triad", side, n, 3 * e * n, |count| {
            timed(|| {
                (0..count)
                    .for_each(|_| triad(black_box(&from), T::HALF, black_box(&third), black_box(&mut to)));
            })
        });
    }
    let star = Star {
        centre: T::from_u32(4),
        west: -T::ONE,
        east: -T::ONE,
        south: -T::ONE,
        north: -T::ONE,
        ..Star::default()
    };
    let plane = Stencil2d::constant(side, side, star).expect("a valid star");
    bench.sweep("five-point, constant", side, &plane, 3 * e * n);
    bench.sweep("five-point, red-black", side, &RedBlack::<Stencil2d<'_, T>>::new(plane), 3 * e * n);
    bench.together("five-point, constant, 8 sweeps", side, &plane, 3 * e * n);
    bench.together(
        "five-point, red-black, 8 sweeps",
        side,
        &RedBlack::<Stencil2d<'_, T>>::new(plane),
        3 * e * n,
    );
    bench.sweep("five-point, lines", side, &Lines::<Stencil2d<'_, T>>::new(plane), 3 * e * n);

    let cube = sides.cube;
    let star = Star { centre: T::from_u32(6), down: -T::ONE, up: -T::ONE, ..star };
    let space = Stencil3d::constant(cube, cube, cube, star).expect("a valid star");
    bench.sweep("seven-point, constant", cube, &space, 3 * e * cube * cube * cube);

    let side = sides.stored;
    let n = side * side;
    let (four, minus) = (vec![T::from_u32(4); n], vec![-T::ONE; n]);
    let none: &[T] = &[];
    let star = Star {
        centre: &four[..],
        west: &minus[..],
        east: &minus[..],
        south: &minus[..],
        north: &minus[..],
        down: none,
        up: none,
    };
    // The arrays are read at four places of one: give every direction memory of its own.
    let (east, south, north) = (minus.clone(), minus.clone(), minus.clone());
    let star = Star { east: &east[..], south: &south[..], north: &north[..], ..star };
    let cells = Stencil2d::per_cell(side, side, star).expect("valid couplings");
    bench.sweep("five-point, by cell", side, &cells, 8 * e * n);

    let sparse = FivePoint::<T>::new(side);
    let csr = Csr::new(&sparse.offsets, &sparse.columns, &sparse.values).expect("a valid matrix");
    bench.sweep("five-point, CSR", side, &csr, sparse.bytes() + 4 * e * n);
    bench.cg("CG step, CSR", side, &csr, sparse.bytes() + 14 * e * n);
    bench.ssor_cg("SSOR-CG step, CSR", side, &csr, sparse.bytes() + 29 * e * n);

    let star = Star {
        centre: T::from_u32(4),
        west: -T::ONE,
        east: -T::ONE,
        south: -T::ONE,
        north: -T::ONE,
        ..Star::default()
    };
    let plane = Stencil2d::constant(side, side, star).expect("a valid star");
    bench.cg("CG step, constant", side, &plane, 14 * e * n);
    bench.ssor_cg("SSOR-CG step, constant", side, &plane, 25 * e * n);
}
