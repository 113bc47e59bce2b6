//! What several threads gain, method by method, next to what they gain from the memory in the same run.
//!
//! ```sh
//! cargo bench -p southwell-benches --bench threads              # 1, 2, 4 … threads, as many as there are cores
//! cargo bench -p southwell-benches --bench threads -- 8         # at most 8
//! cargo bench -p southwell-benches --bench threads -- 8 sinkhorn
//! ```
//!
//! All numbers of threads take turns, so that what else the machine does falls on all of them. A figure is the time on
//! one thread, by the serial view, over the time on so many: best over best, and the median of the turns' ratios.
//! *Copies* is what as many threads get done that make the pass each for itself, over the same matrix and vectors of
//! their own, over what one gets done alone, best over best: a pass that is cut up can hardly gain more, unless its
//! parts fit a cache that the whole does not.
//! Passes marked *memory* go through more than the caches hold: compare them with the first rows.
#![forbid(unsafe_code)]
#![allow(missing_docs)]

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Barrier;
use std::thread::{self, available_parallelism};

use southwell::descent::penalties::L1;
use southwell::linear::update::CgUpdate;
use southwell::linear::{Columns, Csr, Design, Matrix, Star, Stencil2d, Stencil3d};
use southwell::omega::Fixed;
use southwell::relaxation::update::SsorCgUpdate;
use southwell::relaxation::{Blocks, Colouring, Multicolour, RedBlack, Relax, Split};
use southwell::subgradient::fit::{self, Reader, Whitening};
use southwell::subgradient::step::Diminishing;
use southwell::subgradient::{Quantile, Table};
use southwell::transport::{Cost, DenseCost, Ground, PointCost, Potentials, Problem, sinkhorn};
use southwell::{Run, Stop};
use southwell_benches::{FivePoint, median, numbers, seconds};
use southwell_simd::vector;
use southwell_std::threads::descent::{Parts, by_colours, greedy};
use southwell_std::threads::{Coloured, Levels, Pool, Threaded};

/// Turns of each number of threads.
const TURNS: usize = 15;
/// Seconds of a turn, about.
const TURN: f64 = 0.02;

/// Something to do again and again.
type Work<'w> = Box<dyn FnMut() + Send + 'w>;

struct Bench {
    pools: &'static [Pool],
    filter: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| argument != "--bench").peekable();
    let cores = available_parallelism().map_or(1, NonZeroUsize::get);
    let most = arguments.next_if(|word| word.parse::<usize>().is_ok());
    let most = most.and_then(|word| word.parse().ok()).unwrap_or(cores);
    let filter = arguments.next().unwrap_or_default();
    let mut counts: Vec<usize> = (1..).map(|k| 1 << k).take_while(|&threads| threads < most).collect();
    counts.push(most.max(2));
    let pools = counts.iter().map(|&threads| Pool::new(NonZeroUsize::new(threads)).expect("threads"));
    let bench = Bench { pools: Vec::leak(pools.collect()), filter };
    println!("passes run on {}, {cores} cores", southwell_simd::level_name());
    if let Ok(load) = std::fs::read_to_string("/proc/loadavg") {
        println!("load when it began: {}", load.trim());
    }
    let columns: String =
        counts.iter().map(|threads| format!(" {threads}: best | median | copies |")).collect();
    println!("\n| pass | where | ms on 1 thread |{columns}");
    println!("|---|---|---|{}", "---|---|---|".repeat(counts.len()));
    bench.memory();
    bench.transport();
    bench.grids();
    bench.sparse();
    bench.descent();
    bench.quadratics();
    bench.fits();
    bench.batch();
}

impl Bench {
    /// `make` gives the work on a pool, or on the calling thread by the serial view.
    fn row<'w>(&self, name: &str, place: &str, make: &mut dyn FnMut(Option<&'static Pool>) -> Work<'w>) {
        if !name.contains(&self.filter) {
            return;
        }
        let mut works: Vec<Work<'w>> =
            std::iter::once(None).chain(self.pools.iter().map(Some)).map(&mut *make).collect();
        works.iter_mut().for_each(|work| work());
        let once = seconds(&mut works[0]);
        let count = (TURN / once).ceil().clamp(1.0, 1e5) as u32;
        let mut times = vec![Vec::new(); works.len()];
        for _ in 0..TURNS {
            for (work, times) in works.iter_mut().zip(&mut times) {
                times.push(seconds(|| (0..count).for_each(|_| work())) / f64::from(count));
            }
        }
        let best = |times: &[f64]| times.iter().copied().fold(f64::INFINITY, f64::min);
        let alone = &times[0];
        let gains: String = times[1..]
            .iter()
            .zip(self.pools)
            .map(|(times, pool)| {
                let ratios = alone.iter().zip(times).map(|(a, t)| a / t).collect();
                let most = pool.threads() as f64 * best(alone) / best(&copies(pool.threads(), count, make));
                format!(" {:.2} | {:.2} | {most:.2} |", best(alone) / best(times), median(ratios))
            })
            .collect();
        println!("| {name} | {place} | {:.3} |{gains}", 1e3 * best(alone));
    }

    fn memory(&self) {
        for (name, n, place) in
            [("axpy, 2 × 32 MiB", 1 << 22, "memory"), ("axpy, 2 × 64 KiB", 1 << 13, "cache")]
        {
            self.row(name, place, &mut |pool| {
                let (x, mut y) = (vec![1e-9; n], vec![1.0; n]);
                match pool {
                    None => Box::new(move || vector::axpy(1.0, &x, black_box(&mut y))),
                    Some(pool) => Box::new(move || {
                        let part = n / pool.threads();
                        let jobs = y.chunks_mut(part).zip(x.chunks(part));
                        pool.batch(jobs, || (), |(), (y, x)| vector::axpy(1.0, x, y));
                    }),
                }
            });
        }
    }

    fn transport(&self) {
        let n = 1000;
        let (x, y) = (numbers::<f64>(1, 2 * n), numbers::<f64>(2, 2 * n));
        let mut storage = vec![0.0; PointCost::<f64>::required_len(n, 2)];
        let points = PointCost::new(&x, &y, 2, Ground::SquaredEuclidean, &mut storage).expect("points");
        let mut values = vec![0.0; n * n];
        for (i, row) in values.chunks_mut(n).enumerate() {
            points.row(i, row);
        }
        let dense = DenseCost::new(&values, n, n, n).expect("costs");
        self.row("sinkhorn, log domain, 1000 × 1000 points", "arithmetic", &mut |pool| match pool {
            None => reading(points),
            Some(pool) => reading(Threaded::new(pool, points)),
        });
        self.row("sinkhorn, log domain, 1000 × 1000 stored", "arithmetic", &mut |pool| match pool {
            None => reading(dense),
            Some(pool) => reading(Threaded::new(pool, dense)),
        });
        for (side, place) in [(400, "cache"), (1000, "cache"), (3000, "memory")] {
            let zeros = vec![0.0; side * side];
            let dense = DenseCost::new(&zeros, side, side, side).expect("costs");
            self.row(&format!("sinkhorn, stored kernel, {side} × {side}"), place, &mut |pool| match pool {
                None => kernel(dense),
                Some(pool) => kernel(Threaded::new(pool, dense)),
            });
        }
    }

    fn grids(&self) {
        let star =
            Star { centre: 6.0, west: -1.0, east: -1.0, south: -1.0, north: -1.0, down: -1.0, up: -1.0 };
        for (side, place) in [(255, "cache"), (500, "cache"), (3000, "memory")] {
            let grid =
                RedBlack::<Stencil2d<'_, f64>>::new(Stencil2d::constant(side, side, star).expect("a grid"));
            self.row(&format!("red-black, 8 sweeps, {side} × {side}"), place, &mut |pool| match pool {
                None => sweeps(grid, 8),
                Some(pool) => sweeps(Threaded::new(pool, grid), 8),
            });
        }
        for (side, place) in [(255, "cache"), (500, "cache"), (1000, "cache"), (3000, "memory")] {
            let grid = Stencil2d::constant(side, side, star).expect("a grid");
            self.row(&format!("SSOR-CG, both halves, {side}²"), place, &mut |pool| match pool {
                None => halves(grid),
                Some(pool) => halves(Threaded::new(pool, grid)),
            });
            self.row(&format!("SSOR-CG, a step, {side}²"), place, &mut |pool| match pool {
                None => gradients(grid),
                Some(pool) => gradients(Threaded::new(pool, grid)),
            });
            // An array for each direction, as many bytes as couplings that differ.
            let cells = star.map(|c| vec![c; side * side]);
            let slices = Star {
                centre: &cells.centre[..],
                west: &cells.west,
                east: &cells.east,
                south: &cells.south,
                north: &cells.north,
                down: &[],
                up: &[],
            };
            let grid = Stencil2d::per_cell(side, side, slices).expect("a grid");
            self.row(&format!("SSOR-CG, both halves, {side}², by cell"), place, &mut |pool| match pool {
                None => halves(grid),
                Some(pool) => halves(Threaded::new(pool, grid)),
            });
        }
        for (side, place) in [(64, "cache"), (200, "memory")] {
            let grid = Stencil3d::constant(side, side, side, star).expect("a grid");
            self.row(&format!("SSOR-CG, both halves, {side}³"), place, &mut |pool| match pool {
                None => halves(grid),
                Some(pool) => halves(Threaded::new(pool, grid)),
            });
            self.row(&format!("SSOR-CG, a step, {side}³"), place, &mut |pool| match pool {
                None => gradients(grid),
                Some(pool) => gradients(Threaded::new(pool, grid)),
            });
            let grid = RedBlack::<Stencil3d<'_, f64>>::new(grid);
            self.row(&format!("red-black, 8 sweeps, {side}³"), place, &mut |pool| match pool {
                None => sweeps(grid, 8),
                Some(pool) => sweeps(Threaded::new(pool, grid), 8),
            });
        }
    }

    fn sparse(&self) {
        for (side, place) in [(120, "cache"), (300, "cache"), (1500, "memory")] {
            let matrix = FivePoint::<f64>::new(side);
            let view = Csr::new(&matrix.offsets, &matrix.columns, &matrix.values).expect("a matrix");
            let mut storage = vec![0; Colouring::required_len(view.order())];
            let colouring = Colouring::greedy(&view, &mut storage).expect("long enough");
            let coloured = Coloured::greedy(&view).expect("a colouring");
            let blocks = Coloured::blocks(&view, 4).expect("a colouring");
            let by_blocks = in_order(&view, &blocks);
            let by_blocks =
                Csr::new(&by_blocks.offsets, &by_blocks.columns, &by_blocks.values).expect("permuted");
            self.row(&format!("multicolour SOR, CSR, {side}² unknowns"), place, &mut |pool| match pool {
                None => sweeps(Multicolour::new(view, colouring).expect("of one order"), 1),
                Some(pool) => sweeps(coloured.sweeps(pool), 1),
            });
            self.row(&format!("block SOR of 4, CSR, {side}² unknowns"), place, &mut |pool| match pool {
                None => sweeps(Blocks::new(by_blocks, 4).expect("a size"), 1),
                Some(pool) => sweeps(blocks.sweeps(pool), 1),
            });
            self.row(&format!("SSOR-CG, a step, CSR, {side}² unknowns"), place, &mut |pool| match pool {
                None => gradients(view),
                Some(pool) => gradients(coloured.halves(pool).expect("blocks of 1")),
            });
            let levels = Levels::new(view);
            self.row(&format!("SSOR-CG by levels, a step, CSR, {side}² unknowns"), place, &mut |pool| {
                match pool {
                    None => gradients(view),
                    Some(pool) => gradients(levels.on(pool)),
                }
            });
            self.row(&format!("CG, a step, CSR, {side}² unknowns"), place, &mut |pool| match pool {
                None => conjugate(view),
                Some(pool) => conjugate(Threaded::new(pool, view)),
            });
        }
    }

    fn descent(&self) {
        for (n, p, place) in [(100, 1000, "cache"), (1000, 1000, "cache"), (1000, 8000, "memory")] {
            let values = numbers::<f64>(1, n * p);
            let design = Columns::new(&values, n, p).expect("a design");
            self.row(&format!("gradient of a regression, {n} × {p}"), place, &mut |pool| match pool {
                None => transposed(design),
                Some(pool) => transposed(Threaded::new(pool, design)),
            });
        }
    }

    /// Sparse quadratics; one thread is a pool of one, which does the same.
    fn quadratics(&self) {
        let alone: &'static Pool = Box::leak(Box::new(Pool::new(NonZeroUsize::new(1)).expect("a thread")));
        for (side, place) in [(300, "cache"), (1500, "memory")] {
            let matrix = FivePoint::<f64>::new(side);
            let view = Csr::new(&matrix.offsets, &matrix.columns, &matrix.values).expect("a matrix");
            let n = view.order();
            let linear = vec![1.0; n];
            let steps = |max_steps| Stop { max_steps, check_every: max_steps, ..Stop::relative(1e-15) };
            let (view, linear) = (&view, &linear[..]);
            self.row(&format!("descent by colours, 20 rounds, {side}² variables"), place, &mut |pool| {
                let pool = pool.unwrap_or(alone);
                let mut x = vec![0.0; n];
                Box::new(move || {
                    let run = by_colours(pool, (view, linear), &L1::new(1e-3), &steps(20), &mut x, &mut ());
                    black_box(run.expect("valid"));
                })
            });
            if side > 300 {
                continue;
            }
            self.row(&format!("descent greedily in 16 parts, {side}² variables"), place, &mut |pool| {
                let pool = pool.unwrap_or(alone);
                let mut x = vec![0.0; n];
                Box::new(move || {
                    let (parts, stop) = (Parts::default(), steps(1));
                    let run = greedy(pool, parts, (view, linear), &L1::new(1e-3), &stop, &mut x, &mut ());
                    black_box(run.expect("valid"));
                })
            });
        }
    }

    /// A step of a fit by least absolute deviations.
    fn fits(&self) {
        for (n, p, place) in [(10_000, 20, "cache"), (400_000, 20, "memory")] {
            let (values, y) = (numbers::<f64>(1, n * p), numbers::<f64>(2, n));
            let loss = Quantile::new(Table::new(&values, n, p).expect("rows"), &y, 0.5).expect("valid");
            self.row(&format!("robust fit, a step, {n} × {p}"), place, &mut |pool| match pool {
                None => fit_steps((), loss),
                Some(pool) => fit_steps(pool, loss),
            });
        }
    }

    fn batch(&self) {
        const SIDE: usize = 16;
        const COUNT: usize = 200;
        let values = numbers::<f64>(1, COUNT * SIDE * SIDE).iter().map(|c| c.abs()).collect::<Vec<_>>();
        let a = [1.0 / SIDE as f64; SIDE];
        let solve = |storage: &mut Vec<f64>, (k, f): (usize, &mut [f64; SIDE])| {
            let cost = &values[k * SIDE * SIDE..(k + 1) * SIDE * SIDE];
            let cost = DenseCost::new(cost, SIDE, SIDE, SIDE).expect("costs");
            let problem = Problem::new(&cost, &a, &a, 0.05).expect("a problem");
            let workspace = sinkhorn::Workspace::new(&problem, storage).expect("long enough");
            let mut g = [0.0; SIDE];
            let x = Potentials { f, g: &mut g };
            let options = sinkhorn::Options::default();
            sinkhorn::solve(&problem, &options, &mut Fixed(1.0), x, workspace, &mut ()).expect("valid");
        };
        let len = sinkhorn::Workspace::<f64>::required_len(SIDE, SIDE, SIDE);
        let alone = &*Box::leak(Box::new(Pool::new(NonZeroUsize::new(1)).expect("a thread")));
        self.row(&format!("{COUNT} transports of {SIDE} × {SIDE}"), "arithmetic", &mut |pool| {
            let pool = pool.unwrap_or(alone);
            let mut f = vec![[0.0; SIDE]; COUNT];
            Box::new(move || pool.batch(f.iter_mut().enumerate(), || vec![0.0; len], solve))
        });
    }
}

/// The matrix in the order of the colours, so that one thread goes through it as several do.
fn in_order(view: &Csr<'_, f64>, coloured: &Coloured<f64>) -> FivePoint<f64> {
    let n = view.order();
    let rows: Vec<f64> = (0..n).map(|row| row as f64).collect();
    let order = coloured.permute(&rows);
    let mut place = vec![0; n];
    order.iter().enumerate().for_each(|(at, &row)| place[row as usize] = at as u32);
    let mut permuted = FivePoint { offsets: vec![0], ..FivePoint::default() };
    for &row in &order {
        let (columns, values) = view.row(row as usize);
        let mut entries: Vec<_> = columns.iter().map(|&c| place[c as usize]).zip(values).collect();
        entries.sort_unstable_by_key(|&(column, _)| column);
        permuted.columns.extend(entries.iter().map(|&(column, _)| column));
        permuted.values.extend(entries.iter().map(|&(_, value)| *value));
        permuted.offsets.push(permuted.columns.len() as u32);
    }
    permuted
}

/// Times of a pass where each of these threads does so many by itself, by the serial view. The calling thread is one of
/// them, so that no time is shorter than that of one alone.
fn copies<'w>(
    threads: usize,
    count: u32,
    make: &mut dyn FnMut(Option<&'static Pool>) -> Work<'w>,
) -> Vec<f64> {
    let mut own = make(None);
    let mut others: Vec<Work<'w>> = (1..threads).map(|_| make(None)).collect();
    let (begin, end) = (Barrier::new(threads), Barrier::new(threads));
    let turn = |work: &mut Work<'w>| {
        begin.wait();
        seconds(|| {
            (0..count).for_each(|_| work());
            end.wait();
        }) / f64::from(count)
    };
    thread::scope(|scope| {
        for work in &mut others {
            scope.spawn(|| (0..=TURNS).map(|_| turn(work)).for_each(|_| ()));
        }
        // The first turn fills the caches.
        (0..=TURNS).map(|_| turn(&mut own)).skip(1).collect()
    })
}

/// A reading of costs in the log domain.
fn reading<'w, C: Cost<f64> + Send + 'w>(cost: C) -> Work<'w> {
    let (g, mut columns) = (vec![0.0; cost.columns()], vec![0.0; cost.columns()]);
    let mut scratch = vec![0.0; cost.scratch_len()];
    Box::new(move || cost.pass(0.1, &g, &mut |_, _, sum| 1.0 / sum, black_box(&mut columns), &mut scratch))
}

/// A reading of a stored kernel.
fn kernel<'w, C: Cost<f64> + Send + 'w>(cost: C) -> Work<'w> {
    let (n, m) = (cost.rows(), cost.columns());
    let kernel = vec![0.5; n * m];
    let (v, mut u, mut columns, mut scratch) = (vec![1.0; m], vec![0.0; n], vec![0.0; m], vec![0.0; m]);
    Box::new(move || {
        let weigh = |_, sum| (1.0 / sum, sum);
        black_box(cost.read_kernel(&kernel, &v, &weigh, &mut u, black_box(&mut columns), &mut scratch));
    })
}

fn sweeps<'w, A: Relax<f64> + Send + 'w>(matrix: A, count: u32) -> Work<'w> {
    let mut scratch = vec![0.0; matrix.scratch_len()];
    matrix.prepare(&mut scratch).expect("a diagonal");
    let (rhs, mut x) = (vec![1.0; matrix.order()], vec![0.0; matrix.order()]);
    Box::new(move || matrix.sweeps(false, 1.2, &mut scratch, &rhs, black_box(&mut x), count))
}

/// The passes of a step of SSOR-CG that reach for the matrix, and the others as they are.
fn gradients<'w, A: Split<f64> + Send + 'w>(matrix: A) -> Work<'w> {
    let n = matrix.order();
    let mut scratch = vec![0.0; matrix.split_len()];
    matrix.prepare(&mut scratch);
    let [mut p, mut t, mut y, mut w, mut r, mut r_hat, mut x] = [(); 7].map(|()| vec![1e-3; n]);
    Box::new(move || {
        matrix.solve_upper(1.2, &scratch, &p, &mut t);
        matrix.solve_lower(1.2, &scratch, &p, &t, &mut y, &mut w);
        black_box(matrix.combine(&t, &p, &mut y));
        black_box(matrix.update_ssor_cg(SsorCgUpdate {
            alpha: 1e-9,
            weight: 0.2,
            diagonal: matrix.weights(&scratch),
            rho: 1e9,
            t: &t,
            z: &y,
            w: &w,
            r: &mut r,
            x: &mut x,
            r_hat: &mut r_hat,
            p: &mut p,
        }));
    })
}

/// The two halves of such a step, and nothing else.
fn halves<'w, A: Split<f64> + Send + 'w>(matrix: A) -> Work<'w> {
    let n = matrix.order();
    let mut scratch = vec![0.0; matrix.split_len()];
    matrix.prepare(&mut scratch);
    let [p, mut t, mut y, mut w] = [(); 4].map(|()| vec![1e-3; n]);
    Box::new(move || {
        matrix.solve_upper(1.2, &scratch, &p, &mut t);
        matrix.solve_lower(1.2, &scratch, &p, &t, &mut y, &mut w);
        black_box((&t, &y, &w));
    })
}

/// The passes of a step of CG.
fn conjugate<'w, A: Matrix<f64> + Send + 'w>(matrix: A) -> Work<'w> {
    let [mut p, mut q, mut r, mut x] = [(); 4].map(|()| vec![1e-3; matrix.order()]);
    Box::new(move || {
        black_box(matrix.apply_products(&p, &mut q));
        // As many passes as a step makes, and numbers that stay where they are.
        let update = CgUpdate { alpha: 1e-9, rho: 1e9, q: &q, r: &mut r, x: &mut x, p: &mut p };
        black_box(matrix.update_cg(update));
    })
}

fn fit_steps<'w, P: Reader<f64> + Send + 'w>(reader: P, loss: Quantile<'w, f64>) -> Work<'w> {
    let (n, p) = (loss.y().len(), loss.table().columns());
    let whitening = Whitening::Columns;
    // A run borrows its memory; a few kilobytes are left behind.
    let storage = vec![0.0; fit::Workspace::<f64>::required_len(n, p, whitening, false)].leak();
    let indices = vec![0; fit::Workspace::<f64>::required_indices(p)].leak();
    let work = fit::Workspace::new(&loss, whitening, false, storage, indices).expect("long enough");
    let options = fit::Options { certify_every: 0, ..fit::Options::default() };
    let beta = vec![0.0; p].leak();
    let mut run = fit::start_with(reader, &loss, &options, Diminishing(1.0), beta, work).expect("valid");
    Box::new(move || run.step())
}

fn transposed<'w, A: Design<f64> + Send + 'w>(design: A) -> Work<'w> {
    let (v, mut out) = (vec![1.0; design.rows()], vec![0.0; design.columns()]);
    Box::new(move || design.transposed(&v, black_box(&mut out)))
}
