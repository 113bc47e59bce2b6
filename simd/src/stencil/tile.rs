//! Four lexicographic sweeps over constant couplings at once, with a row in every lane.
//!
//! A group of L rows (the lanes of a register) goes through a buffer in which each row stands two places
//! behind the one before it, so that a register holds a place of all rows:
//! ```text
//! place     0  1  2  3  4  5 …
//! row 0     0  1  2  3  4  5 …       columns; ·: none
//! row 1     ·  ·  0  1  2  3 …
//! row 2     ·  ·  ·  ·  0  1 …
//! ```
//! A sweep takes a place a step. Its western neighbours are the step before, in the same lanes; its
//! southern ones two steps before, a lane lower: both are known in time, whatever the latency.
//!
//! The sweeps run in the same loop (temporal blocking). Sweep s works on rows one higher up and
//! three places behind sweep s − 1, where all that it needs is done:
//! ```text
//! v_s[p]        lane k: row r + k − s, column p − 2k, after sweep s
//! y_s[p]        v_s[p] turned by a lane, the row above in lane 0
//! north, east, old, south, west of v_s[p]:  v_{s−1}[p], y_{s−1}[p − 1], y_{s−1}[p − 2], y_s[p − 2], v_s[p − 1]
//! ```
//! The rows above the group are those of the group before; each was left by as many sweeps as the next
//! has to find there. So memory is read and written once for all sweeps, with the bits of one after the
//! other. Cells outside the grid hold zeros of such a sign that they subtract nothing; the one before a row's
//! first cell holds +0.

use pulp::Simd;

use super::march::turn;
use super::piece;
use super::sor::copy;
use crate::Real;
use crate::prefetch::{ask, is_far};

/// Sweeps that run in one loop.
pub(super) const SWEEPS: usize = 4;
/// Places between a row and the next.
const LAG: usize = 2;
/// Places between a sweep and the next.
const STEP: usize = LAG + 1;
/// Places that are worked on at once.
const WINDOW: usize = 64;
/// Places before them that later sweeps still use; a multiple of every register's lanes.
const PAST: usize = 16;

/// The rows that a group's sweeps change, from the highest of the last sweep on, place by place.
type Places<T, const N: usize> = [[T; N]; WINDOW + PAST];

/// What comes into lane 0 of y_s, for every place.
type Above<T> = [[T; SWEEPS + 1]; WINDOW];

/// The place of the first column in a group's first row: the highest row above it begins at 0.
const ORIGIN: usize = LAG * SWEEPS;

/// What a sweep is made of, in the direction of travel.
#[derive(Clone, Copy)]
pub(super) struct Sweep<T> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// 1 − ω and ω/c
    pub(super) keep: T,
    pub(super) factor: T,
    /// Couplings to the row and the cell ahead.
    pub(super) ahead: T,
    pub(super) side: T,
    /// Those to the row behind and the cell before, times ω/c.
    pub(super) across: T,
    pub(super) along: T,
}

/// Whether the machine's registers and the plane are large enough to gain by: every group of rows begins
/// and ends with places that are not full.
#[inline(always)]
pub(super) fn worth_it<T: Real, S: Simd>(rows: usize, columns: usize) -> bool {
    let lanes = size_of::<T::Vector<S>>() / size_of::<T>();
    // Columns are also counted in T, exactly.
    matches!(lanes, 8 | 16) && rows >= 8 * lanes && columns >= 32 * lanes && columns < 1 << 22
}

/// [`SWEEPS`] sweeps over a plane in place, from the first cell or (`REVERSED`) from the last.
#[inline(always)]
pub(super) fn sweep_plane<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    sweep: Sweep<T>,
    rhs: &[T],
    x: &mut [T],
) {
    match size_of::<T::Vector<S>>() / size_of::<T>() {
        8 => plane::<T, S, REVERSED, 8, 16>(simd, sweep, rhs, x),
        16 => plane::<T, S, REVERSED, 16, 32>(simd, sweep, rhs, x),
        _ => {}
    }
}

#[inline(always)]
fn plane<T: Real, S: Simd, const REVERSED: bool, const L: usize, const N: usize>(
    simd: S,
    sweep: Sweep<T>,
    rhs: &[T],
    x: &mut [T],
) {
    let mut old = [[T::ZERO; N]; WINDOW + PAST];
    let mut b = [[T::ZERO; N]; WINDOW + PAST];
    let mut above = [[T::ZERO; SWEEPS + 1]; WINDOW];
    // Places until the last sweep has passed the last row, and until that is stored.
    let last = sweep.columns + ORIGIN + LAG * (L - 1);
    let (steps_end, places) = (last + SWEEPS, last + PAST);
    // Steps with every lane inside the row, for every sweep.
    let inside = ORIGIN + LAG * (L - 1) + SWEEPS..sweep.columns + ORIGIN - LAG;
    let mut first = 0;
    while first < sweep.rows + SWEEPS {
        let mut steps = Steps::<T, S, L>::new(simd, sweep, first);
        let mut base = 0;
        while base < places {
            let group = Group::<REVERSED> { rows: sweep.rows, columns: sweep.columns, first, base };
            let count = (places - base).min(WINDOW).next_multiple_of(L);
            for from in (0..count).step_by(L) {
                group.load::<T, S, L, N>(simd, sweep, rhs, x, from, &mut old, &mut b);
            }
            group.fill_above(sweep, x, &mut above);
            let start = inside.start.saturating_sub(base).min(count);
            let end = inside.end.saturating_sub(base).clamp(start, count);
            for p in 0..start {
                steps.take::<true, N>(simd, base, p, &above, &mut old, &b);
            }
            for p in start..end {
                steps.take::<false, N>(simd, base, p, &above, &mut old, &b);
            }
            for p in end..steps_end.saturating_sub(base).min(count) {
                steps.take::<true, N>(simd, base, p, &above, &mut old, &b);
            }
            // What every sweep has passed.
            for from in (0..count).step_by(L) {
                group.store::<T, S, L, N>(simd, from, x, &old);
            }
            old.copy_within(count..count + PAST, 0);
            b.copy_within(count..count + PAST, 0);
            base += count;
        }
        first += L;
    }
}

/// L rows from `first` on and the places from `base` on, in the direction of travel.
struct Group<const REVERSED: bool> {
    rows: usize,
    columns: usize,
    first: usize,
    base: usize,
}

/// What a row has in a block of places: the first of them with a cell, how many, and the first of the
/// cells in memory.
#[derive(Clone, Copy)]
struct Part {
    place: usize,
    len: usize,
    start: usize,
}

impl<const REVERSED: bool> Group<REVERSED> {
    /// The k-th row of the buffers, if it exists.
    #[inline(always)]
    fn row(&self, k: usize) -> Option<usize> {
        (self.first + k).checked_sub(SWEEPS).filter(|&row| row < self.rows)
    }

    /// The cells of the k-th row at L places from `place` on.
    #[inline(always)]
    fn part<const L: usize>(&self, k: usize, place: usize) -> Part {
        let Some(row) = self.row(k) else { return Part { place: 0, len: 0, start: 0 } };
        // Column + LAG·k, so as not to fall below zero.
        let zero = LAG * k;
        let low = place.max(zero);
        let len = (place + L).min(zero + self.columns).saturating_sub(low);
        let column = low - zero;
        let start = turn::<REVERSED>(row, self.rows) * self.columns;
        let start = start + if REVERSED { self.columns.saturating_sub(column + len) } else { column };
        Part { place: low - place, len, start }
    }

    /// Where rows `k..=last` begin in memory if each of them has all L places: the first, and how much
    /// further (reversed: before) each of the others.
    #[inline(always)]
    fn whole<const L: usize>(&self, k: usize, last: usize, place: usize) -> Option<(usize, usize)> {
        let inside = place >= LAG * last && place + L <= LAG * k + self.columns;
        let rows = self.row(k).is_some() && self.row(last).is_some();
        (inside && rows).then(|| (self.part::<L>(k, place).start, self.columns.saturating_sub(LAG)))
    }

    /// The registers of rows `k..=last` at L places from `place` on; `outside` where there is no cell.
    #[inline(always)]
    fn registers<T: Real, S: Simd, const L: usize>(
        &self,
        simd: S,
        x: &[T],
        k: usize,
        last: usize,
        place: usize,
        outside: [T; 2],
    ) -> [T::Vector<S>; L] {
        let mut v = [T::splat(simd, T::ZERO); L];
        if let Some((start, ahead)) = self.whole::<L>(k, last, place) {
            for i in 0..(last + 1 - k).min(L) {
                let start = if REVERSED { start.saturating_sub(i * ahead) } else { start + i * ahead };
                if let Some(&x) = one::<T, S>(simd, x, start, L) {
                    v[i] = x;
                }
            }
            return v;
        }
        for i in 0..(last + 1 - k).min(L) {
            let part = self.part::<L>(k + i, place);
            let mut cells = [outside[usize::from(self.row(k + i).is_none())]; L];
            let from = if REVERSED { L - part.place.min(L) - part.len } else { part.place };
            let cells_there = cells.get_mut(from..from + part.len).unwrap_or(&mut []);
            copy(piece(x, part.start, part.len), cells_there);
            if let Some(&x) = one::<T, S>(simd, &cells, 0, L) {
                v[i] = x;
            }
        }
        v
    }

    /// Gathers the rows above the group, row `first` − s − 1 for y_s.
    #[inline(always)]
    fn fill_above<T: Real>(&self, sweep: Sweep<T>, x: &[T], above: &mut Above<T>) {
        let row_of = |s: usize| {
            let row = self.first.checked_sub(s + 1).filter(|&row| row < self.rows)?;
            let start = turn::<REVERSED>(row, self.rows) * self.columns;
            x.get(start..start + self.columns)
        };
        let mut rows: [&[T]; SWEEPS + 1] = [&[]; SWEEPS + 1];
        for (s, row) in rows.iter_mut().enumerate().take(SWEEPS + 1) {
            *row = row_of(s).unwrap_or(&[]);
        }
        for (place, above) in above.iter_mut().enumerate() {
            for s in 0..=SWEEPS {
                // Column of lane 0, two columns further: y is used two places later.
                let column = (self.base + place + LAG).wrapping_sub(s + ORIGIN);
                let outside = if rows[s].is_empty() { sweep.across } else { sweep.side };
                let at = if REVERSED { self.columns.wrapping_sub(column.wrapping_add(1)) } else { column };
                above[s] = rows[s].get(at).copied().unwrap_or(T::ZERO * outside);
            }
        }
    }

    /// Fills L places of the buffers, from `from` on.
    #[inline(always)]
    fn load<T: Real, S: Simd, const L: usize, const N: usize>(
        &self,
        simd: S,
        sweep: Sweep<T>,
        rhs: &[T],
        x: &[T],
        from: usize,
        old: &mut Places<T, N>,
        b: &mut Places<T, N>,
    ) {
        let (Some(old), Some(b)) = (old.get_mut(PAST + from..), b.get_mut(PAST + from..)) else { return };
        let (Some(old), Some(b)) = (old.first_chunk_mut::<L>(), b.first_chunk_mut::<L>()) else { return };
        let place = self.base + from;
        if is_far(rhs)
            && let Some((start, ahead)) = self.whole::<L>(SWEEPS, SWEEPS + L - 1, place)
        {
            for i in 0..L {
                let start = if REVERSED {
                    start.saturating_sub(i * ahead + WINDOW)
                } else {
                    start + i * ahead + WINDOW
                };
                ask(x, start, 0);
                ask(rhs, start, 0);
            }
        }
        // The values of cells outside subtract nothing.
        let outside = [T::ZERO * sweep.side, T::ZERO * sweep.ahead];
        let new = self.registers::<T, S, L>(simd, x, SWEEPS, SWEEPS + L - 1, place, outside);
        spread::<T, S, REVERSED, L, N>(simd, new, SWEEPS, old);
        for k in (0..L + SWEEPS - 1).step_by(L) {
            let last = (k + L - 1).min(L + SWEEPS - 2);
            let t = self.registers::<T, S, L>(simd, rhs, k, last, place, [T::ZERO; 2]);
            spread::<T, S, REVERSED, L, N>(simd, t, k, b);
        }
    }

    /// Writes back L places that are PAST behind those that were loaded at `from`.
    #[inline(always)]
    fn store<T: Real, S: Simd, const L: usize, const N: usize>(
        &self,
        simd: S,
        from: usize,
        x: &mut [T],
        old: &Places<T, N>,
    ) {
        let Some(old) = old.get(from..).and_then(|old| old.first_chunk::<L>()) else { return };
        let Some(place) = (self.base + from).checked_sub(PAST) else { return };
        for k in (0..L + SWEEPS - 1).step_by(L) {
            let last = (k + L - 1).min(L + SWEEPS - 2);
            let mut v = [T::splat(simd, T::ZERO); L];
            for i in 0..L {
                let place = if REVERSED { L - 1 - i } else { i };
                if let Some(&p) = one::<T, S>(simd, &old[place], k, L) {
                    v[i] = p;
                }
            }
            let v = transpose::<T, S, L>(simd, v);
            if let Some((start, ahead)) = self.whole::<L>(k, last, place) {
                for i in 0..(last + 1 - k).min(L) {
                    let start = if REVERSED { start.saturating_sub(i * ahead) } else { start + i * ahead };
                    put::<T, S>(simd, x, start, L, v[i]);
                }
                continue;
            }
            for i in 0..(last + 1 - k).min(L) {
                let part = self.part::<L>(k + i, place);
                let mut cells = [T::ZERO; L];
                put::<T, S>(simd, &mut cells, 0, L, v[i]);
                let from = if REVERSED { L - part.place.min(L) - part.len } else { part.place };
                let x = x.get_mut(part.start..part.start + part.len).unwrap_or(&mut []);
                copy(piece(&cells, from, part.len), x);
            }
        }
    }
}

/// Rows to places, from row k on.
#[inline(always)]
fn spread<T: Real, S: Simd, const REVERSED: bool, const L: usize, const N: usize>(
    simd: S,
    rows: [T::Vector<S>; L],
    k: usize,
    places: &mut [[T; N]; L],
) {
    let v = transpose::<T, S, L>(simd, rows);
    for i in 0..L {
        put::<T, S>(simd, &mut places[if REVERSED { L - 1 - i } else { i }], k, L, v[i]);
    }
}

/// The register at `from`.
#[inline(always)]
pub(super) fn one<T: Real, S: Simd>(simd: S, x: &[T], from: usize, lanes: usize) -> Option<&T::Vector<S>> {
    T::split(simd, x.get(from..from + lanes)?).0.first()
}

/// Writes a register at `from`.
#[inline(always)]
fn put<T: Real, S: Simd>(simd: S, x: &mut [T], from: usize, lanes: usize, v: T::Vector<S>) {
    if let Some(x) = x.get_mut(from..from + lanes)
        && let Some(x) = T::split_mut(simd, x).0.first_mut()
    {
        *x = v;
    }
}

/// Lane l of register k to lane k of register l: by turning, choosing and turning back.
#[inline(always)]
fn transpose<T: Real, S: Simd, const L: usize>(simd: S, x: [T::Vector<S>; L]) -> [T::Vector<S>; L] {
    let mut y = x;
    for k in 0..L {
        y[(L - k) % L] = T::vrotate(simd, x[k], k);
    }
    let mut bit = 1;
    while bit < L {
        let mask = T::vchosen(simd, L, |l| l & bit != 0);
        let before = y;
        for k in 0..L {
            y[k] = T::vselect(simd, mask, before[(k + L - bit) % L], before[k]);
        }
        bit *= 2;
    }
    for k in 1..L {
        y[k] = T::vrotate(simd, y[k], L - k);
    }
    y
}

/// What the sweeps of a group carry from place to place; index s belongs to sweep s + 1.
struct Steps<T: Real, S: Simd, const L: usize> {
    sweep: Sweep<T>,
    /// The newest v, and y of one, two and three steps ago.
    v: [T::Vector<S>; SWEEPS],
    y: [[T::Vector<S>; SWEEPS]; 3],
    /// The same of the old values.
    v0: T::Vector<S>,
    y0: [T::Vector<S>; 3],
    /// Lanes whose row exists, and what the others hold.
    exists: [T::Mask<S>; SWEEPS],
    outside: [T::Vector<S>; SWEEPS],
    lanes: T::Vector<S>,
}

impl<T: Real, S: Simd, const L: usize> Steps<T, S, L> {
    #[inline(always)]
    fn new(simd: S, sweep: Sweep<T>, first: usize) -> Self {
        let zero = T::splat(simd, T::ZERO);
        let mut exists = [T::vchosen(simd, L, |_| true); SWEEPS];
        let mut outside = [zero; SWEEPS];
        let (behind, ahead) = (T::splat(simd, T::ZERO * sweep.across), T::splat(simd, T::ZERO * sweep.ahead));
        for s in 0..SWEEPS {
            // Row first + k − (s + 1).
            let low = (s + 1).saturating_sub(first);
            let high = (sweep.rows + s + 1).saturating_sub(first);
            exists[s] = T::vchosen(simd, L, |k| low <= k && k < high);
            outside[s] = T::vselect(simd, T::vchosen(simd, L, |k| k < low), behind, ahead);
        }
        let mut count = [T::ZERO; L];
        for (k, count) in count.iter_mut().enumerate() {
            *count = T::from_usize(LAG * k);
        }
        let lanes = one::<T, S>(simd, &count, 0, L).copied().unwrap_or(zero);
        let (v, y) = ([zero; SWEEPS], [[zero; SWEEPS]; 3]);
        Self { sweep, v, y, v0: zero, y0: [zero; 3], exists, outside, lanes }
    }

    /// One place of every sweep; `EDGE` where some lanes are outside their row.
    #[inline(always)]
    fn take<const EDGE: bool, const N: usize>(
        &mut self,
        simd: S,
        base: usize,
        place: usize,
        above: &Above<T>,
        old: &mut Places<T, N>,
        b: &Places<T, N>,
    ) {
        let sweep = self.sweep;
        let lowest = T::vchosen(simd, L, |l| l == 0);
        let Some(above) = above.get(place) else { return };
        let keep = T::splat(simd, sweep.keep);
        let factor = T::splat(simd, sweep.factor);
        let (ahead, side) = (T::splat(simd, sweep.ahead), T::splat(simd, sweep.side));
        let (across, along) = (T::splat(simd, sweep.across), T::splat(simd, sweep.along));
        let m = base + place;
        let Some(&v0) = old.get(PAST + place).and_then(|new| one::<T, S>(simd, new, SWEEPS, L)) else {
            return;
        };
        let y0 = T::vselect(simd, lowest, T::splat(simd, above[0]), T::vrotate(simd, v0, 1));
        let before = (self.v, self.y);
        for s in 0..SWEEPS {
            let (north, east, own) = if s == 0 {
                (self.v0, self.y0[1], self.y0[2])
            } else {
                (before.0[s - 1], before.1[1][s - 1], before.1[2][s - 1])
            };
            let (south, west) = (before.1[1][s], before.0[s]);
            // The place of b and of the result.
            let at = PAST + place - STEP * (s + 1);
            let (Some(old), Some(b)) = (old.get_mut(at), b.get(at)) else { return };
            let Some(&b) = one::<T, S>(simd, b, SWEEPS - (s + 1), L) else { return };
            let t = T::vsub(simd, b, T::vmul(simd, ahead, north));
            let t = T::vsub(simd, t, T::vmul(simd, side, east));
            let q = T::vadd(simd, T::vmul(simd, keep, own), T::vmul(simd, factor, t));
            let q = T::vsub(simd, q, T::vmul(simd, across, south));
            let v = T::vsub(simd, q, T::vmul(simd, along, west));
            let mut v = T::vselect(simd, self.exists[s], v, self.outside[s]);
            if EDGE {
                let here = T::from_usize(m) - T::from_usize(s + 1 + ORIGIN);
                let column = T::vsub(simd, T::splat(simd, here), self.lanes);
                let below = T::vless(simd, column, T::splat(simd, T::ZERO));
                let last = T::splat(simd, T::from_usize(sweep.columns) - T::ONE);
                let beyond = T::vless(simd, last, column);
                v = T::vselect(simd, below, T::splat(simd, T::ZERO), v);
                v = T::vselect(simd, beyond, T::splat(simd, T::ZERO * sweep.side), v);
            }
            // Rows that later sweeps do not reach stay as the last of these left them.
            put::<T, S>(simd, old, SWEEPS - (s + 1), L, v);
            self.v[s] = v;
            self.y[2][s] = self.y[1][s];
            self.y[1][s] = self.y[0][s];
            self.y[0][s] = T::vselect(simd, lowest, T::splat(simd, above[s + 1]), T::vrotate(simd, v, 1));
        }
        self.v0 = v0;
        self.y0 = [y0, self.y0[0], self.y0[1]];
    }
}
