//! The buffer of [`tile`](super::tile): rows beside each other, each two places behind the one before.

use pulp::Simd;

use super::march::turn;
use super::piece;
use super::sor::copy;
use super::tile::Sweep;
use crate::Real;
use crate::prefetch::{ask, is_far};

/// Sweeps that run in one loop.
pub(super) const SWEEPS: usize = 4;
/// Places between a row and the next.
pub(super) const LAG: usize = 2;
/// Places that are worked on at once.
pub(super) const WINDOW: usize = 64;
/// Places before them that later sweeps still use; a multiple of every register's lanes.
pub(super) const PAST: usize = 16;

/// The rows that a group's sweeps change, from the highest of the last sweep on, place by place.
pub(super) type Places<T, const N: usize> = [[T; N]; WINDOW + PAST];

/// What comes into lane 0 of y_s, for every place.
pub(super) type Above<T> = [[T; SWEEPS + 1]; WINDOW];

/// The place of the first column in a group's first row: the highest row above it begins at 0.
pub(super) const ORIGIN: usize = LAG * SWEEPS;

/// L rows from `first` on and the places from `base` on, in the direction of travel.
pub(super) struct Group<const REVERSED: bool> {
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) first: usize,
    pub(super) base: usize,
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
            for (i, v) in v.iter_mut().enumerate().take(last + 1 - k) {
                let start = if REVERSED { start.saturating_sub(i * ahead) } else { start + i * ahead };
                if let Some(&x) = one::<T, S>(simd, x, start, L) {
                    *v = x;
                }
            }
            return v;
        }
        for (i, v) in v.iter_mut().enumerate().take(last + 1 - k) {
            let part = self.part::<L>(k + i, place);
            let mut cells = [outside[usize::from(self.row(k + i).is_none())]; L];
            let from = if REVERSED { L - part.place.min(L) - part.len } else { part.place };
            let cells_there = cells.get_mut(from..from + part.len).unwrap_or(&mut []);
            copy(piece(x, part.start, part.len), cells_there);
            if let Some(&x) = one::<T, S>(simd, &cells, 0, L) {
                *v = x;
            }
        }
        v
    }

    /// Gathers the rows above the group, row `first` − s − 1 for y_s.
    #[inline(always)]
    pub(super) fn fill_above<T: Real>(&self, sweep: Sweep<T>, x: &[T], above: &mut Above<T>) {
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
    pub(super) fn load<T: Real, S: Simd, const L: usize, const N: usize>(
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
    pub(super) fn store<T: Real, S: Simd, const L: usize, const N: usize>(
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
            for (i, v) in v.iter_mut().enumerate() {
                let place = if REVERSED { L - 1 - i } else { i };
                if let Some(&p) = one::<T, S>(simd, &old[place], k, L) {
                    *v = p;
                }
            }
            let v = transpose::<T, S, L>(simd, v);
            if let Some((start, ahead)) = self.whole::<L>(k, last, place) {
                for (i, &v) in v.iter().enumerate().take(last + 1 - k) {
                    let start = if REVERSED { start.saturating_sub(i * ahead) } else { start + i * ahead };
                    put::<T, S>(simd, x, start, L, v);
                }
                continue;
            }
            for (i, &v) in v.iter().enumerate().take(last + 1 - k) {
                let part = self.part::<L>(k + i, place);
                let mut cells = [T::ZERO; L];
                put::<T, S>(simd, &mut cells, 0, L, v);
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
pub(super) fn put<T: Real, S: Simd>(simd: S, x: &mut [T], from: usize, lanes: usize, v: T::Vector<S>) {
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
    for (k, y) in y.iter_mut().enumerate().skip(1) {
        *y = T::vrotate(simd, *y, L - k);
    }
    y
}
