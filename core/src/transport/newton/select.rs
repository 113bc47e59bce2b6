//! Which entries of the coupling the linear system sees: by mass, within a budget, without sorting.

#[cfg(test)]
mod tests;

use southwell_simd::csr;

use crate::Real;

/// Bins of the histogram: eight to a binade, from the whole mass down to 2⁻⁶⁴ of it.
pub(super) const BINS: usize = 512;
const BINS_PER_BINADE_BITS: u32 = 3;
/// Entries looked at together when a row is searched for large ones.
const TOGETHER: usize = 16;
/// Candidates are stored down to this part of the last threshold, so that one reading is nearly always
/// enough.
const MARGIN: f64 = 0.125;
/// A pattern that drops more than this many times what it may is gathered anew, with a lower threshold.
const TOLERATED: f64 = 2.0;

/// The order of positive numbers by their leading bits.
#[derive(Clone, Copy, Debug)]
struct Scale {
    shift: u32,
    top: u64,
    double: bool,
}

impl Scale {
    fn new<T: Real>(mass: T) -> Self {
        let double = T::EPSILON.to_f64() < 1e-10;
        let shift = if double { 52 } else { 23 } - BINS_PER_BINADE_BITS;
        Self { shift, top: mass.bits() >> shift, double }
    }

    /// The bin of a positive number; 0 for the mass and above.
    #[inline(always)]
    fn bin<T: Real>(self, p: T) -> usize {
        let below = self.top.saturating_sub(p.bits() >> self.shift);
        usize::try_from(below).unwrap_or(BINS).min(BINS - 1)
    }

    /// The smallest number of a bin.
    #[allow(clippy::cast_possible_truncation)] // The key of an f32 has twelve bits.
    fn edge<T: Real>(self, bin: usize) -> T {
        let key = self.top.saturating_sub(bin as u64) << self.shift;
        T::from_f64(if self.double { f64::from_bits(key) } else { f64::from(f32::from_bits(key as u32)) })
    }
}

/// What a look at the histogram decides.
#[derive(Clone, Copy, Debug)]
struct Cut {
    /// The first bin that is not kept as a whole, and how many of its entries are.
    bin: usize,
    spare: u32,
}

/// The large entries of a coupling by rows, gathered while it is read.
#[derive(Debug)]
pub(super) struct Pattern<'w, T> {
    pub(super) values: &'w mut [T],
    pub(super) columns: &'w mut [u32],
    /// n + 1
    pub(super) offsets: &'w mut [u32],
    pub(super) mass: &'w mut [T],
    pub(super) counts: &'w mut [u32],
    /// The largest entry of every column, and its row.
    pub(super) peaks: &'w mut [T],
    pub(super) peak_rows: &'w mut [u32],
    /// n: entries that a row gets for the sake of columns.
    pub(super) extra: &'w mut [u32],
    state: State<T>,
}

/// The numbers of a pattern that are no array.
#[derive(Clone, Copy, Debug)]
struct State<T> {
    scale: Scale,
    /// Entries from here on are candidates.
    level: T,
    /// Below this nothing needs to be kept.
    lowest: T,
    share: T,
    budget: usize,
    stored: usize,
    overflow: bool,
    /// Mass of rows whose largest entry is no candidate, but kept.
    forced: T,
    clipped: bool,
    /// The threshold was raised because the last reading did not fit.
    raised: bool,
}

impl<'w, T: Real> Pattern<'w, T> {
    /// A pattern in memory that may be dirty. `share`: how much of the mass may be dropped.
    #[allow(clippy::too_many_arguments)] // Once, in one place.
    pub(super) fn new(
        arrays: [&'w mut [T]; 3],
        indices: [&'w mut [u32]; 5],
        mass: T,
        share: T,
        budget: usize,
    ) -> Self {
        let [values, mass_bins, peaks] = arrays;
        let [columns, offsets, counts, peak_rows, extra] = indices;
        let entries = T::from_usize(extra.len()) * T::from_usize(peaks.len());
        let lowest = (share * mass / entries.max(T::ONE)).max(T::MIN_POSITIVE);
        let state = State {
            scale: Scale::new(mass),
            level: lowest,
            lowest,
            share,
            budget,
            stored: 0,
            overflow: false,
            forced: T::ZERO,
            clipped: false,
            raised: false,
        };
        let mut pattern =
            Self { values, columns, offsets, mass: mass_bins, counts, peaks, peak_rows, extra, state };
        pattern.begin();
        pattern
    }

    /// Forgets what was gathered.
    pub(super) fn begin(&mut self) {
        self.mass.fill(T::ZERO);
        self.counts.fill(0);
        self.peaks.fill(T::ZERO);
        self.peak_rows.fill(0);
        self.offsets.fill(0);
        self.state.stored = 0;
        self.state.overflow = false;
        self.state.forced = T::ZERO;
    }

    /// Looks at a row of the coupling with its largest entry.
    #[allow(clippy::cast_possible_truncation)] // Shapes were checked to fit u32.
    pub(super) fn row(&mut self, i: usize, p: &[T], largest: T) {
        for ((peak, row), &p) in self.peaks.iter_mut().zip(self.peak_rows.iter_mut()).zip(p) {
            if p > *peak {
                (*peak, *row) = (p, i as u32);
            }
        }
        if largest > T::ZERO {
            let forced = largest < self.state.level;
            let level = if forced { largest } else { self.state.level };
            'row: for (chunk, together) in p.chunks(TOGETHER).enumerate() {
                if !together.iter().fold(false, |any, &p| any | (p >= level)) {
                    continue;
                }
                for (k, &p) in together.iter().enumerate() {
                    if p >= level {
                        self.add(chunk * TOGETHER + k, p, forced);
                        if forced {
                            break 'row;
                        }
                    }
                }
            }
        }
        if let Some(end) = self.offsets.get_mut(i.saturating_add(1)) {
            *end = self.state.stored as u32;
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn add(&mut self, j: usize, p: T, forced: bool) {
        let state = &mut self.state;
        if forced {
            state.forced += p;
        } else {
            let bin = state.scale.bin(p);
            if let (Some(mass), Some(count)) = (self.mass.get_mut(bin), self.counts.get_mut(bin)) {
                *mass += p;
                *count = count.saturating_add(1);
            }
        }
        match (self.values.get_mut(state.stored), self.columns.get_mut(state.stored)) {
            (Some(value), Some(column)) => {
                (*value, *column) = (p, j as u32);
                state.stored += 1;
            }
            _ => state.overflow = true,
        }
    }

    /// Decides what is kept of a coupling of this mass. False: the coupling has to be gathered anew.
    pub(super) fn settle(&mut self, total: T) -> bool {
        let state = self.state;
        let allowed = state.share * total;
        let (mut kept, mut count) = (state.forced, 0_usize);
        let mut cut = Cut { bin: BINS, spare: 0 };
        let mut clipped = false;
        for (bin, (&mass, &entries)) in self.mass.iter().zip(&*self.counts).enumerate() {
            if total - kept <= allowed {
                cut = Cut { bin, spare: 0 };
                break;
            }
            let after = count.saturating_add(entries as usize);
            if after > state.budget {
                let spare = u32::try_from(state.budget.saturating_sub(count)).unwrap_or(0);
                (cut, clipped) = (Cut { bin, spare }, true);
                break;
            }
            (kept, count) = (kept + mass, after);
        }
        let near = total - kept <= T::from_f64(TOLERATED) * allowed;
        let full = state.raised || (state.clipped && count.saturating_mul(2) >= state.budget);
        if !(clipped || near || full) && state.level > state.lowest {
            self.state.level = (state.level * T::from_f64(MARGIN * MARGIN)).max(state.lowest);
            return false;
        }
        // The threshold as a number: with it, and a margin where there is room, the next coupling is read.
        let edge = if cut.bin < BINS { state.scale.edge::<T>(cut.bin) } else { state.level };
        if state.overflow && !state.raised {
            // The histogram says what fits: the bins above the cut.
            let above = match cut.bin.checked_sub(1) {
                Some(bin) => state.scale.edge::<T>(bin),
                None => state.scale.edge::<T>(0) * T::TWO,
            };
            self.state.level = above;
            self.state.raised = true;
            return false;
        }
        let clipped = clipped || state.raised;
        self.state.raised = false;
        let margin = if clipped { T::ONE } else { T::from_f64(MARGIN) };
        self.state.level = (edge * margin).max(state.lowest);
        self.state.clipped = clipped;
        self.compact(cut);
        self.complete(cut);
        true
    }

    /// Removes what lies below the cut, but for the largest entry of a row.
    #[allow(clippy::cast_possible_truncation)]
    fn compact(&mut self, mut cut: Cut) {
        let (mut from, mut to) = (0_usize, 0_usize);
        for i in 0..self.extra.len() {
            let end = self.offsets.get(i.saturating_add(1)).map_or(from, |&end| end as usize);
            let begin = to;
            let mut largest = (T::ZERO, 0);
            while from < end {
                let (Some(&p), Some(&j)) = (self.values.get(from), self.columns.get(from)) else { break };
                from += 1;
                if p > largest.0 {
                    largest = (p, j);
                }
                let bin = self.state.scale.bin(p);
                if bin > cut.bin || (bin == cut.bin && cut.spare == 0) {
                    continue;
                }
                if bin == cut.bin {
                    cut.spare -= 1;
                }
                self.put(to, p, j);
                to += 1;
            }
            from = end;
            if to == begin && largest.0 > T::ZERO {
                self.put(to, largest.0, largest.1);
                to += 1;
            }
            if let Some(offset) = self.offsets.get_mut(i.saturating_add(1)) {
                *offset = to as u32;
            }
        }
        self.state.stored = to;
    }

    fn put(&mut self, at: usize, p: T, j: u32) {
        if let (Some(value), Some(column)) = (self.values.get_mut(at), self.columns.get_mut(at)) {
            (*value, *column) = (p, j);
        }
    }

    /// Adds the largest entries of columns that are not there.
    #[allow(clippy::cast_possible_truncation)]
    fn complete(&mut self, cut: Cut) {
        self.extra.fill(0);
        let mut missing = 0_usize;
        for j in 0..self.peaks.len() {
            let (Some(&peak), Some(&i)) = (self.peaks.get(j), self.peak_rows.get(j)) else { break };
            // Peaks that are there already are marked by 0.
            let there = peak <= T::ZERO || self.state.scale.bin(peak) < cut.bin || self.holds(i, j as u32);
            if there {
                if let Some(peak) = self.peaks.get_mut(j) {
                    *peak = T::ZERO;
                }
            } else if let Some(extra) = self.extra.get_mut(i as usize) {
                *extra = extra.saturating_add(1);
                missing += 1;
            }
        }
        if missing == 0 {
            return;
        }
        let (mut from, mut to) = (self.state.stored, self.state.stored.saturating_add(missing));
        if to > self.values.len() {
            // No room: these columns move by themselves.
            return;
        }
        self.state.stored = to;
        for i in (0..self.extra.len()).rev() {
            let begin = self.offsets.get(i).map_or(0, |&begin| begin as usize);
            if let Some(end) = self.offsets.get_mut(i.saturating_add(1)) {
                *end = to as u32;
            }
            to = to.saturating_sub(self.extra.get(i).map_or(0, |&extra| extra as usize));
            while from > begin {
                (from, to) = (from - 1, to.saturating_sub(1));
                if let (Some(&p), Some(&j)) = (self.values.get(from), self.columns.get(from)) {
                    self.put(to, p, j);
                }
            }
        }
        for j in 0..self.peaks.len() {
            let (Some(&peak), Some(&i)) = (self.peaks.get(j), self.peak_rows.get(j)) else { break };
            let end = self.offsets.get((i as usize).saturating_add(1)).map_or(0, |&end| end as usize);
            if peak > T::ZERO
                && let Some(extra) = self.extra.get_mut(i as usize)
            {
                let at = end.saturating_sub(*extra as usize);
                *extra = extra.saturating_sub(1);
                self.put(at, peak, j as u32);
            }
        }
    }

    /// Whether an entry is stored.
    fn holds(&self, row: u32, column: u32) -> bool {
        match self.offsets.get(row as usize..(row as usize).saturating_add(2)) {
            Some(&[from, to]) => {
                self.columns.get(from as usize..to as usize).is_some_and(|row| row.contains(&column))
            }
            _ => false,
        }
    }

    /// The entries that are kept.
    pub(super) fn rows(&self) -> Option<csr::Rows<'_, T>> {
        let (values, columns) =
            (self.values.get(..self.state.stored)?, self.columns.get(..self.state.stored)?);
        csr::Rows::new(self.offsets, columns, values, self.peaks.len())
    }

    /// How many those are.
    pub(super) fn len(&self) -> usize {
        self.state.stored
    }

    /// Whether the budget, not the mass, decided.
    pub(super) fn clipped(&self) -> bool {
        self.state.clipped
    }
}
