//! Blocks of a pass that several threads take in order, and in which none overtakes another.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use southwell::Real;
use southwell_simd::dense;

/// Who takes the next block.
#[derive(Debug, Default)]
pub(super) struct Relay {
    next: AtomicUsize,
    /// A thread has panicked: nobody waits for it.
    broken: AtomicBool,
}

impl Relay {
    /// Whether a thread has panicked: what others wait for will never come.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Does work that others wait for.
    pub(super) fn guarded<R>(&self, work: impl FnOnce() -> R) -> R {
        let _guard = Guard(self);
        work()
    }

    /// Does blocks until there are no more, or `work` says that there is no point.
    pub(super) fn each(&self, blocks: usize, mut work: impl FnMut(usize) -> bool) {
        let _guard = Guard(self);
        loop {
            let block = self.next.fetch_add(1, Ordering::Relaxed);
            if block >= blocks || !work(block) {
                return;
            }
        }
    }
}

/// Tells the others when its thread panics.
struct Guard<'r>(&'r Relay);

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.broken.store(true, Ordering::Relaxed);
        }
    }
}

/// What every block changes, one after the other. In lines of the cache of its own.
#[derive(Debug)]
#[repr(align(128))]
pub(super) struct Station<V> {
    turn: AtomicUsize,
    value: Mutex<V>,
}

impl<V> Station<V> {
    pub(super) const fn new(value: V) -> Self {
        Self { turn: AtomicUsize::new(0), value: Mutex::new(value) }
    }

    /// Waits for the blocks before this one; false if they will never come.
    pub(super) fn visit(&self, block: usize, relay: &Relay, work: impl FnOnce(&mut V)) -> bool {
        let mut patience = Patience::default();
        while self.turn.load(Ordering::Acquire) != block {
            if relay.broken.load(Ordering::Relaxed) {
                return false;
            }
            patience.wait();
        }
        work(&mut self.value.lock().unwrap_or_else(PoisonError::into_inner));
        self.turn.store(block + 1, Ordering::Release);
        true
    }
}

/// Waits for what other threads do within microseconds, unless the machine is busy.
#[derive(Debug, Default)]
pub(super) struct Patience(u32);

impl Patience {
    pub(super) fn wait(&mut self) {
        if self.0 < 100 {
            self.0 += 1;
            std::hint::spin_loop();
        } else {
            thread::yield_now();
        }
    }
}

/// Sums of columns, cut so that a thread can begin to add its rows while another one still adds those before.
pub(super) struct Sums<'c, T> {
    stations: Vec<Station<&'c mut [T]>>,
    width: usize,
}

impl<'c, T: Real> Sums<'c, T> {
    /// Sums that begin with 0.
    pub(super) fn new(columns: &'c mut [T], threads: usize) -> Self {
        columns.fill(T::ZERO);
        // Whole lines of the cache, and enough of them for a vector loop.
        let width = columns.len().div_ceil(2 * threads).max(192).next_multiple_of(64);
        Self { stations: columns.chunks_mut(width).map(Station::new).collect(), width }
    }

    /// columns ← columns + w_i·row_i for the rows of a block in order, after the blocks before.
    pub(super) fn add(&self, block: usize, relay: &Relay, rows: &[T], m: usize, weights: &[T]) -> bool {
        self.stations.iter().enumerate().all(|(k, station)| {
            let values = &rows[k * self.width..];
            station.visit(block, relay, |columns| {
                let matrix = dense::Matrix { values, columns: columns.len(), stride: m };
                dense::add_transposed(matrix, weights, columns);
            })
        })
    }
}
