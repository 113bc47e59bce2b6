//! The threads themselves.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use super::relay::Patience;

/// Threads that share the passes of a solver: the calling one, and workers that wait for it.
///
/// A clone shares the workers. They sleep between solves, and end with the last clone.
///
/// A pass is cut into parts, and whoever is free takes the next one, the caller too: a core that is busy with
/// something else takes fewer. Each part writes what no other part reads, so that it does not matter who takes
/// which. Handing over a pass costs some microseconds: see [`auto`](super::auto) for when it pays.
#[derive(Clone)]
pub struct Pool {
    /// None if the caller is alone.
    workers: Option<Arc<Workers>>,
    threads: usize,
    /// Whether threads were not asked for at all.
    none: bool,
    eager: bool,
}

struct Workers {
    workers: rayon::ThreadPool,
    awake: Arc<Awake>,
}

/// Why there is no pool.
#[derive(Debug)]
#[non_exhaustive]
pub enum PoolError {
    /// More threads than a pool can have.
    TooMany {
        /// How many were asked for.
        asked: usize,
        /// How many there can be.
        most: usize,
    },
    /// The system refused to start a thread.
    Start(rayon::ThreadPoolBuildError),
}

impl fmt::Display for PoolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PoolError::TooMany { asked, most } => {
                write!(f, "{asked} threads are too many; ask for {most} or fewer")
            }
            PoolError::Start(error) => write!(f, "a thread could not be started: {error}"),
        }
    }
}

impl std::error::Error for PoolError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PoolError::TooMany { .. } => None,
            PoolError::Start(error) => Some(error),
        }
    }
}

/// More than any machine has cores: a typing error, not a wish.
const MOST: usize = 4096;

impl Pool {
    /// Threads of that number, the calling one among them; by default one for each core that this process
    /// may use.
    ///
    /// # Errors
    /// [`PoolError`] for more than 4096 threads, or if the system gives none.
    pub fn new(threads: Option<NonZeroUsize>) -> Result<Self, PoolError> {
        let threads = threads.or_else(|| available_parallelism().ok()).map_or(1, NonZeroUsize::get);
        if threads > MOST {
            return Err(PoolError::TooMany { asked: threads, most: MOST });
        }
        if threads == 1 {
            return Ok(Self { workers: None, threads, none: false, eager: false });
        }
        let workers = rayon::ThreadPoolBuilder::new()
            .num_threads(threads - 1)
            .thread_name(|i| format!("southwell-{}", i + 1))
            .build()
            .map_err(PoolError::Start)?;
        Ok(Self {
            workers: Some(Arc::new(Workers { workers, awake: Arc::default() })),
            threads,
            none: false,
            eager: false,
        })
    }

    /// Shares out the halves of SSOR from an eighth of the cells on from which that was seen to pay: for cores that meet
    /// faster than those it was measured on, and for tests. The bits are the same.
    #[must_use]
    pub const fn eager(mut self) -> Self {
        self.eager = true;
        self
    }

    /// Elements from which on a pass is shared out, if `least` is where it was seen to pay.
    pub(super) const fn least(&self, least: usize) -> usize {
        if self.eager { least >> 3 } else { least }
    }

    /// Whether a pass over so many elements is shared out, if `least` is where that was seen to pay.
    pub(super) const fn shares(&self, count: usize, least: usize) -> bool {
        self.threads > 1 && count >= self.least(least)
    }

    /// The calling thread, for views that are to do exactly what they do unwrapped: one way of solving is then compiled
    /// for both.
    pub(crate) const fn none() -> Self {
        Self { workers: None, threads: 1, none: true, eager: false }
    }

    /// Whether this is [`none`](Self::none).
    pub(super) const fn is_none(&self) -> bool {
        self.none
    }

    /// Threads, the calling one among them.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Which of the threads this is, counted from 0, the caller.
    pub(super) fn seat(&self) -> usize {
        let worker = self.workers.as_ref().and_then(|workers| workers.workers.current_thread_index());
        worker.map_or(0, |worker| worker + 1)
    }

    /// Solves many problems that have nothing to do with one another, each by one thread: `solve(workspace, job)` for
    /// every job, with a workspace of the thread's own, which it finds as the job before left it. A job brings along where
    /// its result goes. For a thousand assignments of 16 × 16, say: what is small is better shared out whole.
    ///
    /// Which thread does which is left open, so a result must not depend on what is left in the workspace: those of
    /// southwell's solvers do not.
    ///
    /// ```
    /// use southwell::transport::{DenseCost, Potentials, Problem, sinkhorn};
    /// use southwell_std::threads::Pool;
    ///
    /// let pool = Pool::new(None)?;
    /// let costs: Vec<[f64; 4]> = (0..100).map(|k| [0.0, 1.0, 1.0 + f64::from(k), 0.0]).collect();
    /// let mut found = vec![([0.0; 2], [0.0; 2], None); costs.len()];
    /// let len = sinkhorn::Workspace::<f64>::required_len(2, 2, 2);
    /// pool.batch(costs.iter().zip(&mut found), || vec![0.0; len], |storage, (cost, (f, g, report))| {
    ///     *report = DenseCost::new(cost, 2, 2, 2).and_then(|cost| {
    ///         let problem = Problem::new(&cost, &[0.5, 0.5], &[0.25, 0.75], 0.1)?;
    ///         let workspace = sinkhorn::Workspace::new(&problem, storage)?;
    ///         let (options, rule) = (sinkhorn::Options::default(), &mut southwell::omega::Fixed(1.0));
    ///         sinkhorn::solve(&problem, &options, rule, Potentials { f, g }, workspace, &mut ())
    ///     })
    ///     .ok();
    /// });
    /// assert!(found.iter().all(|(.., report)| report.is_some_and(|report| report.converged())));
    /// # Ok::<(), southwell_std::threads::PoolError>(())
    /// ```
    pub fn batch<I, W>(
        &self,
        jobs: I,
        workspace: impl Fn() -> W + Sync,
        solve: impl Fn(&mut W, I::Item) + Sync,
    ) where
        I: ExactSizeIterator + Send,
        I::Item: Send,
    {
        let count = jobs.len();
        let Some(pool) = self.workers.as_ref().filter(|_| count > 1) else {
            let mut workspace = workspace();
            jobs.for_each(|job| solve(&mut workspace, job));
            return;
        };
        let queue = Mutex::new(jobs);
        // The lock is released before the work begins.
        let take = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let serve = || {
            let Some(mut job) = take() else { return };
            let mut workspace = workspace();
            loop {
                solve(&mut workspace, job);
                let Some(next) = take() else { return };
                job = next;
            }
        };
        pool.workers.in_place_scope(|scope| {
            for _ in 1..self.threads.min(count) {
                scope.spawn(|_| serve());
            }
            serve();
        });
    }

    /// Does the work for every part of a pass. A thread begins with the parts that were its own in every pass over as many,
    /// whose memory its caches hold, and then takes from the end of what is left to others.
    pub(crate) fn each<I>(&self, parts: I, work: impl Fn(I::Item) + Sync)
    where
        I: ExactSizeIterator + Send,
        I::Item: Send,
    {
        let count = parts.len();
        if self.workers.is_none() || count < 2 {
            return parts.for_each(work);
        }
        let mut parts = parts.fuse();
        let homes: Vec<Home<I::Item>> = (0..self.threads)
            .map(|seat| {
                let share = count * (seat + 1) / self.threads - count * seat / self.threads;
                Home(Mutex::new(parts.by_ref().take(share).collect()))
            })
            .collect();
        self.together(|| {
            let seat = self.seat();
            if let Some(home) = homes.get(seat) {
                while let Some(part) = home.first() {
                    work(part);
                }
            }
            for other in 1..homes.len() {
                let home = &homes[(seat + other) % homes.len()];
                while let Some(part) = home.last() {
                    work(part);
                }
            }
        });
    }

    /// Every thread does the work once, unless it is done before a worker is there. Meant for passes of microseconds:
    /// nobody falls asleep who is wanted again at once.
    pub(crate) fn together(&self, work: impl Fn() + Sync) {
        let Some(Workers { workers, awake }) = self.workers.as_deref() else { return work() };
        let away = AtomicUsize::new(self.threads - 1);
        workers.in_place_scope(|scope| {
            for _ in 1..self.threads {
                scope.spawn(|_| {
                    let _done = Done(&away);
                    work();
                });
            }
            work();
            let mut patience = Patience::default();
            while away.load(Ordering::Acquire) > 0 {
                // A worker that shares out a pass of its own may have to do all of it.
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    patience.wait();
                }
            }
            // The last steps of a worker that has counted itself out.
            (0..4).for_each(|_| std::hint::spin_loop());
        });
        awake.prolong(workers, self.threads - 1);
    }

    /// How many elements go into a part, of `count` in all and no fewer than `least` a part: a few parts a thread, and as
    /// many for each where there are enough.
    pub(crate) fn part(&self, count: usize, least: usize) -> usize {
        let most = if self.threads == 1 { 1 } else { PARTS * self.threads };
        let parts = (count / least.max(1)).clamp(1, most);
        let parts = if parts > self.threads { parts - parts % self.threads } else { parts };
        count.div_ceil(parts).max(1)
    }
}

/// The parts that a thread begins with. In a line of the cache of its own.
#[repr(align(128))]
struct Home<P>(Mutex<VecDeque<P>>);

impl<P> Home<P> {
    // The lock is released before the work begins.
    fn first(&self) -> Option<P> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    fn last(&self) -> Option<P> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop_back()
    }
}

/// Counts a worker out, even if it panics.
struct Done<'a>(&'a AtomicUsize);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Release);
    }
}

/// Keeps workers from falling asleep for a short while: to wake one takes longer than many a pass.
#[derive(Default)]
struct Awake {
    /// Workers that stay.
    count: AtomicUsize,
    /// Passes so far, by which a worker sees that it is still wanted.
    passes: AtomicUsize,
}

/// How long a worker looks out for the next pass.
const AWAKE: Duration = Duration::from_micros(100);

impl Awake {
    fn prolong(self: &Arc<Self>, workers: &rayon::ThreadPool, count: usize) {
        self.passes.fetch_add(1, Ordering::Relaxed);
        if self.count.compare_exchange(0, count, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            return;
        }
        let awake = Arc::clone(self);
        workers.spawn_broadcast(move |_| {
            let (mut seen, mut since) = (0, Instant::now());
            let mut patience = Patience::default();
            while since.elapsed() < AWAKE {
                // Does what there is to do, else lets others have the core: the caller may be waiting for this one.
                if rayon::yield_now() != Some(rayon::Yield::Executed) {
                    patience.wait();
                }
                let passes = awake.passes.load(Ordering::Relaxed);
                if passes != seen {
                    (seen, since) = (passes, Instant::now());
                    patience = Patience::default();
                }
            }
            awake.count.fetch_sub(1, Ordering::AcqRel);
        });
    }
}

/// Parts a thread: enough to even out what a busy machine takes away, few enough to be cheap.
const PARTS: usize = 3;

/// Pools are equal if they have as many threads: nothing that they compute tells them apart.
impl PartialEq for Pool {
    fn eq(&self, other: &Self) -> bool {
        self.threads == other.threads
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_done_once() {
        for threads in 1..=5 {
            let pool = Pool::new(NonZeroUsize::new(threads)).expect("threads");
            assert_eq!(pool.threads(), threads);
            for n in [0, 1, 2, 7, 100] {
                let mut x = vec![0_u32; n];
                pool.each(x.chunks_mut(3).enumerate(), |(i, part)| {
                    part.iter_mut().for_each(|x| *x += i as u32 + 1);
                });
                assert!(x.iter().enumerate().all(|(k, &x)| x == k as u32 / 3 + 1), "{threads} {n}");
            }
        }
    }

    #[test]
    fn a_pool_cannot_be_absurd() {
        let error = Pool::new(NonZeroUsize::new(5000)).expect_err("too many").to_string();
        assert!(error.contains("4096 or fewer"), "{error}");
    }
}
