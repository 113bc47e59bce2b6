//! The vectors of conjugate gradients between two products: in blocks, and several passes in one hand-over.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use southwell::Real;
use southwell::linear::update::{BLOCK, CgUpdate};
use southwell::relaxation::update::SsorCgUpdate;
use southwell_simd::vector;

use super::Pool;
use super::levels::{get, put};
use super::relay::{Patience, Relay};

/// Elements from which on vectors are shared out: below, the passes take less than two hand-overs.
const VECTORS: usize = 1 << 15;

/// The same where the product is made on the way.
const PRODUCTS: usize = 1 << 12;

/// Runs of blocks for each thread: who is late leaves some to the others.
const RUNS: usize = 3;

/// One pass over all blocks, after which threads meet.
#[derive(Debug)]
struct Stage {
    claimed: Vec<AtomicBool>,
    done: Meeting,
    /// What each block gives.
    sums: Vec<[AtomicU64; 2]>,
}

/// Runs that are done, in lines of the cache of their own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Meeting(AtomicUsize);

/// Blocks that several threads go through, some times in turn.
struct Shared<'p, B> {
    pool: &'p Pool,
    blocks: Vec<Mutex<B>>,
    /// Runs of blocks, of nearly the same length.
    runs: usize,
    relay: Relay,
}

impl<'p, B> Shared<'p, B> {
    fn new(pool: &'p Pool, blocks: impl Iterator<Item = B>) -> Self {
        let blocks: Vec<_> = blocks.map(Mutex::new).collect();
        let runs = (RUNS * pool.threads()).min(blocks.len());
        Self { pool, blocks, runs, relay: Relay::default() }
    }

    fn stage(&self) -> Stage {
        Stage {
            claimed: (0..self.runs).map(|_| AtomicBool::new(false)).collect(),
            done: Meeting::default(),
            sums: self.blocks.iter().map(|_| Default::default()).collect(),
        }
    }

    /// Does runs of a stage, its own first, then those that others have not begun; then waits for those that they have.
    /// The sums of all blocks; `None` if a thread has panicked.
    fn each<T: Real>(&self, stage: &Stage, work: impl Fn(usize, &mut B) -> [T; 2]) -> Option<[T; 2]> {
        let (runs, count) = (self.runs, self.blocks.len());
        let first = self.pool.seat() * runs / self.pool.threads();
        for run in (first..runs).chain(0..first) {
            if stage.claimed[run].swap(true, Ordering::Relaxed) {
                continue;
            }
            for block in run * count / runs..(run + 1) * count / runs {
                let mut operands = self.blocks[block].lock().unwrap_or_else(PoisonError::into_inner);
                let sums = work(block, &mut operands);
                stage.sums[block].iter().zip(sums).for_each(|(cell, sum)| put(cell, sum));
            }
            stage.done.0.fetch_add(1, Ordering::Release);
        }
        let mut patience = Patience::default();
        while stage.done.0.load(Ordering::Acquire) < runs {
            if self.relay.is_broken() {
                return None;
            }
            patience.wait();
        }
        Some(stage.sums.iter().fold([T::ZERO; 2], |[a, b], [c, d]| [a + get::<T>(c), b + get::<T>(d)]))
    }

    /// Every thread does the work; `None` waits for nobody.
    fn together(&self, work: impl Fn() -> Option<()> + Sync)
    where
        B: Send,
    {
        self.pool.together(|| {
            self.relay.guarded(&work);
        });
    }
}

/// Blocks of what can be split.
fn blocks<B>(all: B, is_empty: impl Fn(&B) -> bool, split: impl Fn(B) -> (B, B)) -> impl Iterator<Item = B> {
    let mut rest = Some(all);
    std::iter::from_fn(move || {
        let (block, others) = split(rest.take().filter(|rest| !is_empty(rest))?);
        rest = Some(others);
        Some(block)
    })
}

/// [`CgUpdate::run`], shared out.
pub(super) fn update_cg<T: Real>(pool: &Pool, update: CgUpdate<'_, T>) -> T {
    if !pool.shares(update.r.len(), VECTORS) {
        return update.run();
    }
    let shared = Shared::new(pool, blocks(update, |update| update.r.is_empty(), CgUpdate::split));
    let (stages, found) = ([(); 2].map(|()| shared.stage()), AtomicU64::new(0));
    shared.together(|| {
        let [square, _] = shared.each(&stages[0], |_, block| [block.residual(), T::ZERO])?;
        put(&found, square);
        if square.is_finite() {
            let _ = shared.each(&stages[1], |_, block| {
                block.advance(square);
                [T::ZERO; 2]
            });
        }
        Some(())
    });
    get(&found)
}

/// [`SsorCgUpdate::run`], shared out.
pub(super) fn update_ssor_cg<T: Real>(pool: &Pool, update: SsorCgUpdate<'_, T>) -> (T, T) {
    if !pool.shares(update.r.len(), VECTORS) {
        return update.run();
    }
    let (weight, factor) = (update.weight, update.diagonal.factor());
    let shared = Shared::new(pool, blocks(update, |update| update.r.is_empty(), SsorCgUpdate::split));
    let (stages, found) = ([(); 3].map(|()| shared.stage()), [(); 2].map(|()| AtomicU64::new(0)));
    shared.together(|| {
        let [square, _] = shared.each(&stages[0], |_, block| [block.residual(), T::ZERO])?;
        put(&found[0], square);
        if !square.is_finite() {
            return None;
        }
        let [sum, _] = shared.each(&stages[1], |_, block| [block.advance(), T::ZERO])?;
        let rho = weight * (factor * sum);
        put(&found[1], rho);
        let _ = shared.each(&stages[2], |_, block| {
            block.direct(rho);
            [T::ZERO; 2]
        });
        Some(())
    });
    (get(&found[0]), get(&found[1]))
}

/// One pass over blocks of `y`: `work(first element, block)` gives two summands.
fn over_blocks<T: Real>(
    pool: &Pool,
    least: usize,
    y: &mut [T],
    work: impl Fn(usize, &mut [T]) -> (T, T) + Sync,
) -> (T, T) {
    if !pool.shares(y.len(), least) {
        return y.chunks_mut(BLOCK).enumerate().fold((T::ZERO, T::ZERO), |(a, b), (k, y)| {
            let (c, d) = work(k * BLOCK, y);
            (a + c, b + d)
        });
    }
    let shared = Shared::new(pool, y.chunks_mut(BLOCK));
    let (stage, found) = (shared.stage(), [(); 2].map(|()| AtomicU64::new(0)));
    shared.together(|| {
        let sums = shared.each::<T>(&stage, |block, y| work(block * BLOCK, y).into())?;
        found.iter().zip(sums).for_each(|(cell, sum)| put(cell, sum));
        Some(())
    });
    (get(&found[0]), get(&found[1]))
}

/// y ← A x, made block by block by `apply(first row, y)`, and the sums of
/// [`Matrix::apply_products`](southwell::linear::Matrix::apply_products).
pub(super) fn apply_products<T: Real>(
    pool: &Pool,
    x: &[T],
    y: &mut [T],
    apply: impl Fn(usize, &mut [T]) + Sync,
) -> (T, T) {
    over_blocks(pool, PRODUCTS, y, |first, y| {
        apply(first, y);
        vector::dot_square(y, &x[first..first + y.len()])
    })
}

/// [`combine`](southwell::relaxation::update::combine), shared out.
pub(super) fn combine<T: Real>(pool: &Pool, t: &[T], p: &[T], y: &mut [T]) -> (T, T) {
    over_blocks(pool, VECTORS, y, |first, y| {
        let block = first..first + y.len();
        (vector::add_square(&t[block.clone()], y), vector::dot(&p[block], y))
    })
}

/// [`dot_square`](southwell::linear::update::dot_square) of y and x, once y is there.
pub(super) fn products<T: Real>(pool: &Pool, x: &[T], y: &mut [T]) -> (T, T) {
    over_blocks(pool, VECTORS, y, |first, y| vector::dot_square(y, &x[first..first + y.len()]))
}
