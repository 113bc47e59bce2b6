//! Which entries of the coupling a Newton system keeps.
//!
//! Entries are stored while the coupling is read: all that reach δ·mass/(n m) (together the others weigh at
//! most a share δ of the mass) and the largest of every row. A histogram of them by size, two classes an
//! octave, then says up to where small entries can go until the share δ is really used up, or the budget
//! kept; nothing is sorted, and the order stays that of the rows.

use crate::Real;

/// Classes of the histogram: 64 octaves above the smallest entry that is stored.
pub(super) const CLASSES: usize = 128;

/// Entries looked at together for one that is worth storing.
const CHUNK: usize = 16;

/// Stored entries of the coupling by rows, with a budget.
#[derive(Debug)]
pub(super) struct Selection<'w, T> {
    /// n + 1
    pub(super) offsets: &'w mut [u32],
    pub(super) columns: &'w mut [u32],
    pub(super) values: &'w mut [T],
    /// Mass of the stored entries, by class.
    masses: &'w mut [T],
    counts: &'w mut [u32],
    /// What an entry must reach to be stored.
    threshold: T,
    stored: usize,
    /// Entries that reached the threshold, stored or not.
    seen: usize,
}

impl<'w, T: Real> Selection<'w, T> {
    pub(super) fn new(
        offsets: &'w mut [u32],
        columns: &'w mut [u32],
        values: &'w mut [T],
        masses: &'w mut [T],
        counts: &'w mut [u32],
    ) -> Self {
        Self { offsets, columns, values, masses, counts, threshold: T::ZERO, stored: 0, seen: 0 }
    }

    /// Entries that fit.
    pub(super) fn budget(&self) -> usize {
        self.values.len().min(self.columns.len())
    }

    /// Entries kept.
    pub(super) fn stored(&self) -> usize {
        self.stored
    }

    /// Begins anew, with another threshold (positive).
    pub(super) fn begin(&mut self, threshold: T) {
        self.threshold = threshold;
        (self.stored, self.seen) = (0, 0);
        self.offsets.fill(0);
        self.masses.fill(T::ZERO);
        self.counts.fill(0);
    }

    /// Takes in a row, whose largest entry is known.
    pub(super) fn row(&mut self, row: usize, p: &[T], largest: T) {
        let least = self.threshold.min(largest);
        if largest > T::ZERO {
            for (k, chunk) in p.chunks(CHUNK).enumerate() {
                // The compiler makes this a comparison of registers.
                if chunk.iter().fold(false, |any, &p| any | (p >= least)) {
                    for (j, &p) in chunk.iter().enumerate().filter(|(_, p)| **p >= least) {
                        self.push(k.saturating_mul(CHUNK).saturating_add(j), p);
                    }
                }
            }
        }
        if let Some(end) = self.offsets.get_mut(row.saturating_add(1)) {
            *end = self.stored as u32;
        }
    }

    fn push(&mut self, column: usize, p: T) {
        let class = class(p / self.threshold);
        if let (Some(mass), Some(count)) = (self.masses.get_mut(class), self.counts.get_mut(class)) {
            *mass += p;
            *count = count.saturating_add(1);
        }
        self.seen = self.seen.saturating_add(1);
        if let (Some(value), Some(place)) =
            (self.values.get_mut(self.stored), self.columns.get_mut(self.stored))
        {
            (*value, *place) = (p, column as u32);
            self.stored += 1;
        }
    }

    /// Whether every entry that should be stored was.
    pub(super) fn complete(&self) -> bool {
        self.seen == self.stored
    }

    /// The lowest threshold with which `fitting` entries are enough.
    pub(super) fn threshold_for(&self, fitting: usize) -> T {
        let mut left = fitting;
        let mut lowest = CLASSES;
        for (class, &count) in self.counts.iter().enumerate().rev() {
            match left.checked_sub(count as usize) {
                Some(rest) => (left, lowest) = (rest, class),
                None => break,
            }
        }
        self.threshold * lower_end(lowest)
    }

    /// Lets the smallest entries go until those that are not kept weigh `share`·mass, `mass` being the
    /// sum of the whole coupling. The largest entries of rows and columns stay. `largest` is
    /// scratch for the columns.
    pub(super) fn thin_out(&mut self, share: T, mass: T, largest: &mut [T]) {
        let kept = self.masses.iter().fold(T::ZERO, |sum, &mass| sum + mass);
        let mut dropped = (mass - kept).max(T::ZERO);
        let mut lowest = 0;
        for (class, &mass_here) in self.masses.iter().enumerate() {
            dropped += mass_here;
            if dropped > share * mass {
                break;
            }
            lowest = class.saturating_add(1);
        }
        if lowest == 0 {
            return;
        }
        let least = self.threshold * lower_end(lowest);
        largest.fill(T::ZERO);
        for (&p, &j) in self.values.iter().zip(&*self.columns).take(self.stored) {
            if let Some(largest) = largest.get_mut(j as usize) {
                *largest = largest.max(p);
            }
        }
        let (mut to, mut from) = (0_usize, 0_usize);
        for row in 1..self.offsets.len() {
            let end = self.offsets.get(row).map_or(0, |&end| end as usize);
            let entries = self.values.get(from..end).unwrap_or(&[]);
            let largest_of_row = entries.iter().fold(T::ZERO, |most, &p| most.max(p));
            for k in from..end {
                let (Some(&p), Some(&j)) = (self.values.get(k), self.columns.get(k)) else { continue };
                let of_column = largest.get(j as usize).copied().unwrap_or(T::ZERO);
                if p >= least || p >= largest_of_row || p >= of_column {
                    if let (Some(value), Some(column)) = (self.values.get_mut(to), self.columns.get_mut(to)) {
                        (*value, *column) = (p, j);
                    }
                    to = to.saturating_add(1);
                }
            }
            if let Some(offset) = self.offsets.get_mut(row) {
                *offset = to as u32;
            }
            from = end;
        }
        self.stored = to;
    }
}

/// The class of an entry that is `ratio` times the threshold: two an octave, from the exponent and the first
/// bit of the significand.
fn class<T: Real>(ratio: T) -> usize {
    let (bits, one) = if size_of::<T>() == 4 { (22, 127_u64 << 1) } else { (51, 1023_u64 << 1) };
    (ratio.bits() >> bits).saturating_sub(one).min(CLASSES as u64 - 1) as usize
}

/// The lowest ratio of a class: 2^(k/2) for even k, 1.5·2^((k−1)/2) for odd ones.
fn lower_end<T: Real>(class: usize) -> T {
    let mut end = if class.is_multiple_of(2) { T::ONE } else { T::from_f64(1.5) };
    for _ in 0..class / 2 {
        end *= T::TWO;
    }
    end
}
