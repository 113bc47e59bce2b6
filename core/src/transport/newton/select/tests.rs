//! What is kept of a coupling, against sorting it.

extern crate std;

use std::vec;
use std::vec::Vec;

use super::{BINS, Pattern};
use crate::Real;

/// Memory of a pattern of n rows and m columns.
struct Memory<T> {
    reals: [Vec<T>; 3],
    indices: [Vec<u32>; 5],
}

impl<T: Real> Memory<T> {
    fn new(n: usize, m: usize, budget: usize) -> Self {
        let real = |length: usize| vec![T::from_f64(7.0); length];
        let capacity = budget + n + m;
        let index = |length: usize| vec![9_u32; length];
        Self {
            reals: [real(capacity), real(BINS), real(m)],
            indices: [index(capacity), index(n + 1), index(BINS), index(m), index(n)],
        }
    }

    fn pattern(&mut self, share: f64, budget: usize) -> Pattern<'_, T> {
        let reals = self.reals.each_mut().map(Vec::as_mut_slice);
        let indices = self.indices.each_mut().map(Vec::as_mut_slice);
        Pattern::new(reals, indices, T::ONE, T::from_f64(share), budget)
    }
}

/// A coupling of mass 1 whose entries span so many binades.
fn coupling(seed: u64, n: usize, m: usize, binades: f64) -> Vec<f64> {
    let mut state = seed;
    let p: Vec<f64> = (0..n * m)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (-binades * ((state >> 33) as f64 / f64::from(1_u32 << 31))).exp2()
        })
        .collect();
    let mass: f64 = p.iter().sum();
    p.iter().map(|p| p / mass).collect()
}

/// Gathers until the pattern is content; how many readings that took.
fn gather<T: Real>(pattern: &mut Pattern<'_, T>, p: &[T], m: usize) -> u32 {
    let total = p.iter().fold(T::ZERO, |sum, &p| sum + p);
    for reading in 1..20 {
        pattern.begin();
        for (i, row) in p.chunks(m).enumerate() {
            pattern.row(i, row, row.iter().fold(T::ZERO, |most, &p| most.max(p)));
        }
        if pattern.settle(total) {
            return reading;
        }
    }
    panic!("no end of readings");
}

/// The entries that are kept, by place.
fn kept<T: Real>(pattern: &Pattern<'_, T>, n: usize, m: usize) -> Vec<(usize, T)> {
    let rows = pattern.rows().expect("rows");
    let row = |i: usize| {
        let row = rows.row(i);
        let entries = row.columns().iter().zip(row.values());
        entries.map(move |(&j, &p)| (i * m + j as usize, p)).collect::<Vec<_>>()
    };
    (0..n).flat_map(row).collect()
}

/// The bin of an entry of a coupling of mass 1: eight to a binade, by the leading bits.
fn bin(p: f64) -> u64 {
    ((1.0_f64.to_bits() >> 49) - (p.to_bits() >> 49)).min(BINS as u64 - 1)
}

/// The largest entries until no more than `share` is missing, whole bins of them, or as many as the budget allows by their
/// places; with the largest of each row and each column. Places in order.
fn expected(p: &[f64], m: usize, share: f64, budget: usize) -> (Vec<usize>, bool) {
    let total: f64 = p.iter().sum();
    let mut places: Vec<usize> = (0..p.len()).collect();
    places.sort_by_key(|&k| (bin(p[k]), k));
    let (mut mass, mut count) = (0.0, 0);
    for same in places.chunk_by(|&k, &l| bin(p[k]) == bin(p[l])) {
        if total - mass <= share * total || count >= budget {
            break;
        }
        let fits = same.len().min(budget - count);
        count += fits;
        mass += same[..fits].iter().map(|&k| p[k]).sum::<f64>();
    }
    let clipped = total - mass > share * total;
    let mut kept = places[..count].to_vec();
    let largest = |line: &mut dyn Iterator<Item = usize>| {
        line.reduce(|most, k| if p[k] > p[most] { k } else { most }).expect("a line")
    };
    for i in 0..p.len() / m {
        let row = i * m..i * m + m;
        if !kept.iter().any(|k| row.contains(k)) {
            kept.push(largest(&mut row.clone()));
        }
    }
    for j in 0..m {
        let most = largest(&mut (j..p.len()).step_by(m));
        if !kept.contains(&most) {
            kept.push(most);
        }
    }
    kept.sort_unstable();
    (kept, clipped)
}

#[test]
fn the_first_reading_keeps_what_sorting_would() {
    for (seed, n, m) in [(1, 6, 7), (2, 12, 5), (3, 3, 40), (4, 1, 9), (5, 20, 20)] {
        for binades in [1.0, 12.0, 40.0, 90.0] {
            for (share, per_row) in [(1e-6, m), (1e-2, m), (0.25, m), (1e-6, 2), (1e-2, 1)] {
                let (p, budget) = (coupling(seed, n, m, binades), per_row * n);
                let mut memory = Memory::<f64>::new(n, m, budget);
                let mut pattern = memory.pattern(share, budget);
                let readings = gather(&mut pattern, &p, m);
                let (places, clipped) = expected(&p, m, share, budget);
                let found = kept(&pattern, n, m);
                // What does not fit into the memory at first is read again with a threshold that fits.
                assert!(readings == 1 || clipped, "{readings}");
                let mut sorted: Vec<usize> = found.iter().map(|entry| entry.0).collect();
                sorted.sort_unstable();
                let label = (seed, binades, share, per_row);
                assert!(found.iter().all(|&(k, value)| value == p[k]), "{label:?}");
                assert_eq!(pattern.clipped(), clipped, "{label:?}");
                assert_eq!(pattern.len(), found.len());
                if readings == 1 {
                    assert_eq!(sorted, places, "{label:?}");
                }
            }
        }
    }
}

/// Once a threshold is known, a coupling that hardly differs takes one reading, and one that is much sharper two; what is
/// kept is what a first reading keeps.
#[test]
fn later_readings_keep_the_same() {
    let (n, m, share) = (15, 16, 1e-4);
    let sharp = coupling(1, n, m, 60.0);
    let flat = coupling(2, n, m, 4.0);
    let near: Vec<f64> = sharp.iter().enumerate().map(|(k, p)| p * (1.0 + (k % 3) as f64 / 64.0)).collect();
    let mut memory = Memory::<f64>::new(n, m, n * m);
    let mut pattern = memory.pattern(share, n * m);
    let mut readings = vec![];
    for p in [&sharp, &near, &flat, &sharp] {
        readings.push(gather(&mut pattern, p, m));
        let found: Vec<usize> = kept(&pattern, n, m).iter().map(|entry| entry.0).collect();
        let (places, clipped) = expected(p, m, share, n * m);
        let mut sorted = found.clone();
        sorted.sort_unstable();
        assert_eq!((sorted, pattern.clipped()), (places, clipped));
    }
    assert_eq!(readings, [1, 1, 1, 2]);
}

/// Numbers of `f32` have bins of their own: powers of two one binade apart are eight bins apart.
#[test]
fn bins_are_eighths_of_binades() {
    fn check<T: Real>() {
        let scale = super::Scale::new(T::ONE);
        for k in 0..60 {
            let power = T::from_f64((-f64::from(k)).exp2());
            assert_eq!(scale.bin(power), 8 * k as usize);
            assert_eq!(scale.edge::<T>(8 * k as usize), power);
            assert_eq!(scale.bin(power * T::from_f64(1.125)), (8 * k as usize).saturating_sub(1));
        }
        assert_eq!((scale.bin(T::TWO), scale.bin(T::from_f64(1e-30))), (0, BINS - 1));
    }
    check::<f64>();
    check::<f32>();
}
