//! The two limits of the roofline: a loop that only moves the bytes, and one that only multiplies
//! and adds (Williams, Waterman, Patterson 2009).

use std::hint::black_box;

use pulp::{Simd, WithSimd};

use crate::registers::{UNROLL, Word, widest};

/// Streams of equal length that a pass moves for every element, and one long stream that it reads
/// beside them (a matrix).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Streams {
    /// Vectors that are read.
    pub(crate) reads: usize,
    /// Vectors that are read and written in place.
    pub(crate) updates: usize,
    /// Vectors that are written without having been read. No streaming stores: the machine reads the
    /// line first, here as in the pass.
    pub(crate) writes: usize,
    /// Bytes of the long stream, in all.
    pub(crate) long: usize,
}

impl Streams {
    pub(crate) const fn new(reads: usize, updates: usize, writes: usize) -> Self {
        Self { reads, updates, writes, long: 0 }
    }

    pub(crate) const fn long(self, bytes: usize) -> Self {
        Self { long: bytes, ..self }
    }

    /// Bytes moved by a pass over `n` elements.
    pub(crate) fn bytes<T>(&self, n: usize) -> usize {
        (self.reads + 2 * self.updates + self.writes) * n * size_of::<T>() + self.long
    }

    /// Bytes that it touches.
    pub(crate) fn footprint<T>(&self, n: usize) -> usize {
        (self.reads + self.updates + self.writes) * n * size_of::<T>() + self.long
    }
}

/// The loop that moves the bytes: every update and write gets the sum of what is read; where nothing
/// is written the sums stay in registers, eight independent ones.
pub(crate) struct Traffic<'a, T, const R: usize, const U: usize, const W: usize, const LONG: bool> {
    pub(crate) reads: [&'a [T]; R],
    pub(crate) updates: [&'a mut [T]; U],
    pub(crate) writes: [&'a mut [T]; W],
    pub(crate) long: &'a [T],
    pub(crate) count: u64,
}

impl<T: Word, const R: usize, const U: usize, const W: usize, const LONG: bool> WithSimd
    for Traffic<'_, T, R, U, W, LONG>
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let reads = self.reads.map(|x| T::blocks(simd, x));
        let mut updates = self.updates.map(|x| T::blocks_mut(simd, x));
        let mut writes = self.writes.map(|x| T::blocks_mut(simd, x));
        let long = T::blocks(simd, self.long);
        let lengths = (reads.iter().map(|x| x.len()))
            .chain(updates.iter().map(|x| x.len()))
            .chain(writes.iter().map(|x| x.len()));
        let blocks = lengths.min().unwrap_or(0);
        // The repetition is inside: a limit pays for no dispatch.
        for _ in 0..self.count {
            let mut sums = [T::all(simd, T::ZERO); UNROLL];
            let long = black_box(long);
            if R + U + W == 0 {
                keep::<T, S>(simd, read_all::<T, S>(simd, long, sums));
                continue;
            }
            // The long stream in equal shares beside the blocks.
            let mut long = long.chunks(long.len().div_ceil(blocks.max(1)).max(1));
            let reads = black_box(&reads).map(|x| &x[..blocks]);
            let mut updates = black_box(&mut updates).each_mut().map(|x| &mut x[..blocks]);
            let mut writes = black_box(&mut writes).each_mut().map(|x| &mut x[..blocks]);
            for i in 0..blocks {
                if LONG && let Some(share) = long.next() {
                    sums = read_all::<T, S>(simd, share, sums);
                }
                for j in 0..UNROLL {
                    let mut sum = if R > 0 { reads[0][i][j] } else { sums[j] };
                    for x in reads.iter().skip(1) {
                        sum = T::plus(simd, sum, x[i][j]);
                    }
                    if U + W == 0 {
                        sums[j] = T::plus(simd, sums[j], sum);
                    }
                    for x in &mut updates {
                        x[i][j] = T::plus(simd, x[i][j], sum);
                    }
                    for x in &mut writes {
                        x[i][j] = sum;
                    }
                }
            }
            if U + W == 0 || LONG {
                keep::<T, S>(simd, sums);
            }
        }
    }
}

#[inline(always)]
fn read_all<T: Word, S: Simd>(
    simd: S,
    x: &[[T::Register<S>; UNROLL]],
    mut sums: [T::Register<S>; UNROLL],
) -> [T::Register<S>; UNROLL] {
    for block in x {
        for (sum, &x) in sums.iter_mut().zip(block) {
            *sum = T::plus(simd, *sum, x);
        }
    }
    sums
}

/// Adds the sums and shows them to nobody, so that they must be computed.
#[inline(always)]
fn keep<T: Word, S: Simd>(simd: S, sums: [T::Register<S>; UNROLL]) {
    let [a, b, c, d, e, f, g, h] = sums;
    let left = T::plus(simd, T::plus(simd, a, b), T::plus(simd, c, d));
    let right = T::plus(simd, T::plus(simd, e, f), T::plus(simd, g, h));
    black_box(T::plus(simd, left, right));
}

/// Independent chains of x ← x·a + b: enough for the latency of a product and a sum at two a cycle.
pub(crate) const CHAINS: usize = 12;

/// The loop that only computes: `turns` times [`CHAINS`] products and sums.
pub(crate) struct Arithmetic<T> {
    pub(crate) turns: u64,
    pub(crate) a: T,
    pub(crate) b: T,
    pub(crate) fused: bool,
}

impl<T: Word> Arithmetic<T> {
    pub(crate) fn new(turns: u64, fused: bool) -> Self {
        // x tends to b/(1 − a): no number leaves the normal range.
        Self { turns, a: T::from_f64(0.75), b: T::from_f64(0.25), fused }
    }

    /// Operations of a turn on registers of `lanes`.
    pub(crate) fn operations(lanes: usize) -> f64 {
        (2 * CHAINS * lanes) as f64
    }
}

impl<T: Word> WithSimd for Arithmetic<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let (a, b) = (T::all(simd, self.a), T::all(simd, self.b));
        let mut x: [T::Register<S>; CHAINS] =
            std::array::from_fn(|k| T::all(simd, black_box(T::from_usize(k))));
        if self.fused {
            for _ in 0..self.turns {
                for x in &mut x {
                    *x = T::fused(simd, *x, a, b);
                }
            }
        } else {
            for _ in 0..self.turns {
                for x in &mut x {
                    *x = T::plus(simd, T::times(simd, *x, a), b);
                }
            }
        }
        black_box(x);
    }
}

/// Lanes of the widest register.
pub(crate) fn widest_lanes<T: Word>() -> usize {
    struct Ask<T>(std::marker::PhantomData<T>);
    impl<T: Word> WithSimd for Ask<T> {
        type Output = usize;
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            T::register_lanes(simd)
        }
    }
    widest(Ask::<T>(std::marker::PhantomData))
}

/// `turns` additions of which each waits for the one before.
pub(crate) struct Chain<T> {
    pub(crate) turns: u64,
    pub(crate) step: T,
}

impl<T: Word> WithSimd for Chain<T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let step = T::all(simd, self.step);
        let mut x = step;
        for _ in 0..self.turns {
            x = T::plus(simd, x, step);
        }
        black_box(x);
    }
}
