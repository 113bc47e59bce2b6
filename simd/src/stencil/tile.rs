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

pub(super) use super::places::SWEEPS;
use super::places::{Above, Group, LAG, ORIGIN, PAST, Places, WINDOW, one, put};
use crate::Real;

/// Places between a sweep and the next.
const STEP: usize = LAG + 1;

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
    matches!(lanes, 8 | 16) && rows >= 64 && (256..1 << 22).contains(&columns)
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
        let mut exists = [T::lanes(simd, L, |_| true); SWEEPS];
        let mut outside = [zero; SWEEPS];
        let (behind, ahead) = (T::splat(simd, T::ZERO * sweep.across), T::splat(simd, T::ZERO * sweep.ahead));
        for s in 0..SWEEPS {
            // Row first + k − (s + 1).
            let low = (s + 1).saturating_sub(first);
            let high = (sweep.rows + s + 1).saturating_sub(first);
            exists[s] = T::lanes(simd, L, |k| low <= k && k < high);
            outside[s] = T::vselect(simd, T::lanes(simd, L, |k| k < low), behind, ahead);
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
        let lowest = T::lanes(simd, L, |l| l == 0);
        let Some(above) = above.get(place) else { return };
        let keep = T::splat(simd, sweep.keep);
        let factor = T::splat(simd, sweep.factor);
        let (ahead, side) = (T::splat(simd, sweep.ahead), T::splat(simd, sweep.side));
        let (across, along) = (T::splat(simd, sweep.across), T::splat(simd, sweep.along));
        let m = base + place;
        let Some(&v0) = old.get(PAST + place).and_then(|new| one::<T, S>(simd, new, SWEEPS, L)) else {
            return;
        };
        let y0 = T::vselect(simd, lowest, T::splat(simd, above[0]), T::rotate(simd, v0, 1));
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
            self.y[0][s] = T::vselect(simd, lowest, T::splat(simd, above[s + 1]), T::rotate(simd, v, 1));
        }
        self.v0 = v0;
        self.y0 = [y0, self.y0[0], self.y0[1]];
    }
}
