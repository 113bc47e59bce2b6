//! The vectors of conjugate gradients between two products: in blocks, and several passes in one hand-over.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, TryLockError};

use southwell::Real;
use southwell::linear::update::{BLOCK, CgUpdate};
use southwell::relaxation::update::SsorCgUpdate;
use southwell_simd::vector;

use super::Pool;
use super::levels::{get, put};
use super::relay::{Patience, Relay};

/// Elements from which on vectors are shared out: below, the passes take less than two hand-overs.
const VECTORS: usize = 3 << 12;

/// The same where the product is made on the way.
const PRODUCTS: usize = 1 << 12;

/// Runs of blocks for each thread where each has as many blocks or more: who is late leaves some to the others. Else one: what a
/// core takes from another's cache costs more than to wait for it.
const RUNS: usize = 3;
const LONG: usize = 32;

/// Blocks that go together, and the passes over them that are done. Neighbours' counts lie in other lines of the cache.
struct Run<B> {
    /// The first block.
    first: usize,
    done: AtomicUsize,
    piece: Mutex<B>,
    _apart: [u64; 8],
}

/// Elements at which runs begin that threads have in turn, as they have bands of a grid; `None` where each has some that lie
/// together.
pub(super) type Turns = Option<Vec<usize>>;

/// Runs of blocks that several threads go through, some times in turn. A thread begins with those that were its own in every
/// pass over as many elements, whose memory its caches hold.
struct Shared<'p, B> {
    pool: &'p Pool,
    runs: Vec<Run<B>>,
    in_turn: bool,
    blocks: usize,
    relay: Relay,
}

/// What each block gives in a pass.
struct Sums(Vec<[AtomicU64; 2]>);

impl Sums {
    fn all<T: Real>(&self) -> [T; 2] {
        self.0.iter().fold([T::ZERO; 2], |[a, b], [c, d]| [a + get::<T>(c), b + get::<T>(d)])
    }
}

impl<'p, B: Send> Shared<'p, B> {
    /// `split` cuts off so many elements.
    fn new(pool: &'p Pool, all: B, len: usize, turns: &Turns, split: impl Fn(B, usize) -> (B, B)) -> Self {
        let (blocks, threads) = (len.div_ceil(BLOCK), pool.threads());
        let runs = match turns {
            Some(turns) => turns.len(),
            None if blocks < LONG * threads => threads.min(blocks),
            None => RUNS * threads,
        };
        let start = |run: usize| match turns {
            Some(turns) => turns.get(run).map_or(blocks, |&at| ((at + BLOCK / 2) / BLOCK).min(blocks)),
            None => run * blocks / runs,
        };
        let mut rest = Some(all);
        let cut = |run| {
            let (piece, others) = split(rest.take()?, BLOCK * (start(run + 1) - start(run)));
            rest = Some(others);
            let (piece, done) = (Mutex::new(piece), AtomicUsize::new(0));
            Some(Run { first: start(run), done, piece, _apart: [0; 8] })
        };
        let (runs, in_turn) = ((0..runs).map_while(cut).collect(), turns.is_some());
        Self { pool, runs, in_turn, blocks, relay: Relay::default() }
    }

    fn sums(&self) -> Sums {
        Sums((0..self.blocks).map(|_| Default::default()).collect())
    }

    /// Does runs of a pass, of which so many were made before: its own, then those that nobody has begun. `work` is told a
    /// run's first block.
    fn pass(&self, before: usize, work: impl Fn(usize, &mut B)) {
        let (seat, threads, count) = (self.pool.seat(), self.pool.threads(), self.runs.len());
        let is_own = |k: usize| seat == if self.in_turn { k % threads } else { k * threads / count };
        let those = |own: bool| self.runs.iter().enumerate().filter(move |&(k, _)| is_own(k) == own);
        for (_, run) in those(true).chain(those(false)) {
            if run.done.load(Ordering::Acquire) > before {
                continue;
            }
            let mut piece = match run.piece.try_lock() {
                Ok(piece) => piece,
                Err(TryLockError::Poisoned(error)) => error.into_inner(),
                Err(TryLockError::WouldBlock) => continue,
            };
            // Somebody may have done it while this one looked.
            if run.done.load(Ordering::Relaxed) == before {
                work(run.first, &mut piece);
                run.done.store(before + 1, Ordering::Release);
            }
        }
    }

    /// Waits until so many passes are done; false if they will never be, for a thread has panicked.
    fn meet(&self, passes: usize) -> bool {
        self.runs.iter().all(|run| {
            let mut patience = Patience::default();
            while run.done.load(Ordering::Acquire) < passes {
                if self.relay.is_broken() {
                    return false;
                }
                patience.wait();
            }
            true
        })
    }

    /// Every thread does the work; `None` waits for nobody.
    fn together(&self, work: impl Fn() -> Option<()> + Sync) {
        self.pool.together(|| {
            self.relay.guarded(&work);
        });
    }
}

/// [`CgUpdate::run`], shared out.
pub(super) fn update_cg<T: Real>(pool: &Pool, update: CgUpdate<'_, T>) -> T {
    let len = update.r.len();
    if !pool.shares(len, VECTORS) {
        return update.run();
    }
    let shared = Shared::new(pool, update, len, &None, CgUpdate::split);
    let squares = shared.sums();
    shared.together(|| {
        shared.pass(0, |first, run| {
            let mut rest = run.reborrow();
            for [square, _] in &squares.0[first..] {
                let (mut block, others) = rest.split(BLOCK);
                if block.r.is_empty() {
                    break;
                }
                put(square, block.residual());
                rest = others;
            }
        });
        let [square, _] = shared.meet(1).then(|| squares.all::<T>())?;
        if square.is_finite() {
            shared.pass(1, |_, run| run.advance(square));
        }
        Some(())
    });
    let [square, _] = squares.all();
    square
}

/// [`SsorCgUpdate::run`], shared out.
pub(super) fn update_ssor_cg<T: Real>(pool: &Pool, turns: &Turns, update: SsorCgUpdate<'_, T>) -> (T, T) {
    let len = update.r.len();
    if !pool.shares(len, VECTORS) {
        return update.run();
    }
    let (weight, factor) = (update.weight, update.diagonal.factor());
    let rho = |sum: T| weight * (factor * sum);
    let shared = Shared::new(pool, update, len, turns, SsorCgUpdate::split);
    let sums = shared.sums();
    let each = |which: usize, first: usize, run: &mut SsorCgUpdate<'_, T>, work: Part<T>| {
        let mut rest = run.reborrow();
        for sums in &sums.0[first..] {
            let (mut block, others) = rest.split(BLOCK);
            if block.r.is_empty() {
                break;
            }
            put(&sums[which], work(&mut block));
            rest = others;
        }
    };
    shared.together(|| {
        shared.pass(0, |first, run| each(0, first, run, |block| block.residual()));
        let [square, _] = shared.meet(1).then(|| sums.all::<T>())?;
        if !square.is_finite() {
            return None;
        }
        shared.pass(1, |first, run| each(1, first, run, |block| block.advance()));
        let [_, sum] = shared.meet(2).then(|| sums.all::<T>())?;
        shared.pass(2, |_, run| run.direct(rho(sum)));
        Some(())
    });
    let [square, sum] = sums.all();
    (square, rho(sum))
}

/// What is done with a block.
type Part<T> = fn(&mut SsorCgUpdate<'_, T>) -> T;

/// One pass over blocks of `y`: `work(first element, block)` gives two summands.
fn over_blocks<T: Real>(
    pool: &Pool,
    (least, turns): (usize, &Turns),
    y: &mut [T],
    work: impl Fn(usize, &mut [T]) -> (T, T) + Sync,
) -> (T, T) {
    let len = y.len();
    if !pool.shares(len, least) {
        return y.chunks_mut(BLOCK).enumerate().fold((T::ZERO, T::ZERO), |(a, b), (k, y)| {
            let (c, d) = work(k * BLOCK, y);
            (a + c, b + d)
        });
    }
    let shared = Shared::new(pool, y, len, turns, |y, count| {
        let count = count.min(y.len());
        y.split_at_mut(count)
    });
    let sums = shared.sums();
    shared.together(|| {
        shared.pass(0, |first, y| {
            for ((k, y), [a, b]) in (first..).zip(y.chunks_mut(BLOCK)).zip(&sums.0[first..]) {
                let (c, d) = work(k * BLOCK, y);
                put(a, c);
                put(b, d);
            }
        });
        Some(())
    });
    sums.all().into()
}

/// y ← A x, made block by block by `apply(first row, y)`, and the sums of
/// [`Matrix::apply_products`](southwell::linear::Matrix::apply_products).
pub(super) fn apply_products<T: Real>(
    pool: &Pool,
    x: &[T],
    y: &mut [T],
    apply: impl Fn(usize, &mut [T]) + Sync,
) -> (T, T) {
    over_blocks(pool, (PRODUCTS, &None), y, |first, y| {
        apply(first, y);
        vector::dot_square(y, &x[first..first + y.len()])
    })
}

/// [`combine`](southwell::relaxation::update::combine), shared out.
pub(super) fn combine<T: Real>(pool: &Pool, turns: &Turns, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
    over_blocks(pool, (VECTORS, turns), y, |first, y| {
        let block = first..first + y.len();
        (vector::add_square(&t[block.clone()], y), vector::dot(&p[block], y))
    })
}

/// [`dot_square`](southwell::linear::update::dot_square) of y and x, once y is there.
pub(super) fn products<T: Real>(pool: &Pool, x: &[T], y: &mut [T]) -> (T, T) {
    over_blocks(pool, (VECTORS, &None), y, |first, y| vector::dot_square(y, &x[first..first + y.len()]))
}
