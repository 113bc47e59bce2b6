//! The recurrence of a lexicographic pass over constant couplings.
//!
//! ```text
//! x_j ← (q_j − across·x_behind) − along·x_before
//! ```
//! q is what a vector pass could gather; `behind` is the cell of the row that was finished (or is
//! two cells ahead), `before` the neighbour in the row. Columns and rows are counted in the
//! direction of travel. Four rows run together, each two cells behind the one before it: their
//! chains do not wait for one another, and the result has the bits of one row after the other.

use pulp::Simd;

use super::Coupling;
use super::star::{WINDOW, sub_scaled};
use crate::Real;

/// What a pass gathers before the recurrence runs.
pub(super) trait Source<T: Real> {
    /// q on physical columns `first..first + q.len()` of physical row `row`; x holds finished
    /// values behind and old values ahead.
    fn fill<S: Simd>(&self, simd: S, x: &[T], row: usize, first: usize, q: &mut [T]);
}

/// Rows side by side.
const ROWS: usize = 4;
/// Cells by which a row trails the one before it: two, so that its value from there is ready.
const LAG: usize = 2;

/// Shape of the grid and factors of the recurrence.
#[derive(Clone, Copy)]
pub(super) struct Path<T> {
    pub(super) planes: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
    pub(super) across: T,
    pub(super) along: T,
}

/// Runs the recurrence over the whole grid, from the first cell or (`REVERSED`) from the last.
#[inline(always)]
pub(super) fn march<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
) {
    let mut q = [[T::ZERO; WINDOW]; ROWS];
    let turn = |i: usize, n: usize| if REVERSED { n.saturating_sub(i + 1) } else { i };
    for plane in 0..path.planes {
        let first_row = turn(plane, path.planes) * path.rows;
        let mut i = 0;
        while i < path.rows {
            let row = first_row + turn(i, path.rows);
            let behind = if i == 0 {
                None
            } else if REVERSED {
                Some(row + 1)
            } else {
                Some(row.saturating_sub(1))
            };
            if path.rows - i >= ROWS {
                four_rows::<T, S, REVERSED>(simd, path, source, x, row, behind, &mut q);
                i += ROWS;
            } else {
                one_row::<T, S, REVERSED>(simd, path, source, x, row, behind, &mut q[0]);
                i += 1;
            }
        }
    }
}

/// The physical columns of a window counted in the direction of travel.
#[inline(always)]
fn physical<const REVERSED: bool>(columns: usize, from: usize, to: usize) -> (usize, usize) {
    if REVERSED { (columns.saturating_sub(to), columns.saturating_sub(from)) } else { (from, to) }
}

/// One row, window by window.
#[inline(always)]
fn one_row<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
    row: usize,
    behind: Option<usize>,
    q: &mut [T; WINDOW],
) {
    let columns = path.columns;
    let mut before = T::ZERO;
    let mut from = 0;
    while from < columns {
        let to = columns.min(from + WINDOW);
        let (first, last) = physical::<REVERSED>(columns, from, to);
        let q = &mut q[..(last - first).min(WINDOW)];
        source.fill(simd, x, row, first, q);
        subtract_behind(simd, path, x, behind, first, q);
        let Some(x) = x.get_mut(row * columns + first..row * columns + last) else { return };
        before = chain::<T, REVERSED>(q, path.along, before, x);
        from = to;
    }
}

/// q ← q − across·x on the finished row behind.
#[inline(always)]
fn subtract_behind<T: Real, S: Simd>(
    simd: S,
    path: Path<T>,
    x: &[T],
    behind: Option<usize>,
    first: usize,
    q: &mut [T],
) {
    if let Some(row) = behind {
        let start = row * path.columns + first;
        sub_scaled(simd, Coupling::Uniform(path.across), x.get(start..start + q.len()).unwrap_or(&[]), q);
    }
}

/// x_j ← q_j − along·x_before along a piece of a row; returns the last value.
#[inline(always)]
fn chain<T: Real, const REVERSED: bool>(q: &[T], along: T, mut before: T, x: &mut [T]) -> T {
    let mut step = |x: &mut T, q: T| {
        before = q - along * before;
        *x = before;
    };
    if REVERSED {
        x.iter_mut().zip(q).rev().for_each(|(x, &q)| step(x, q));
    } else {
        x.iter_mut().zip(q).for_each(|(x, &q)| step(x, q));
    }
    before
}

/// The same with the row behind read from memory: the ragged ends of four rows.
#[inline(always)]
fn chain_behind<T: Real, const REVERSED: bool>(
    q: &[T],
    behind: &[T],
    path: Path<T>,
    mut before: T,
    x: &mut [T],
) {
    let mut step = |x: &mut T, q: T, behind: T| {
        before = (q - path.across * behind) - path.along * before;
        *x = before;
    };
    let n = q.len().min(behind.len()).min(x.len());
    let cells = x[..n].iter_mut().zip(&q[..n]).zip(&behind[..n]);
    if REVERSED {
        cells.rev().for_each(|((x, &q), &b)| step(x, q, b));
    } else {
        cells.for_each(|((x, &q), &b)| step(x, q, b));
    }
}

/// Four rows side by side, row k trailing by `LAG·k` cells.
#[inline(always)]
fn four_rows<T: Real, S: Simd, const REVERSED: bool>(
    simd: S,
    path: Path<T>,
    source: &impl Source<T>,
    x: &mut [T],
    row: usize,
    behind: Option<usize>,
    q: &mut [[T; WINDOW]; ROWS],
) {
    let columns = path.columns;
    let lowest = if REVERSED { (row + 1).saturating_sub(ROWS) } else { row };
    let mut base = 0;
    while base < columns + LAG * (ROWS - 1) {
        // Row k works on columns from[k]..to[k]; in from..ramp[k] and flat[k]..to[k] rows go one
        // after the other, between them all four go together.
        let s0 = if base == 0 { LAG * (ROWS - 1) } else { 0 };
        let s1 = WINDOW.min(columns.saturating_sub(base)).max(s0);
        let mut from = [0; ROWS];
        let mut to = [0; ROWS];
        let mut ramp = [0; ROWS];
        let mut flat = [0; ROWS];
        for k in 0..ROWS {
            from[k] = base.saturating_sub(LAG * k).min(columns);
            to[k] = (base + WINDOW).saturating_sub(LAG * k).min(columns).max(from[k]);
            ramp[k] = (base + s0).saturating_sub(LAG * k).max(from[k]).min(to[k]);
            flat[k] = (base + s1).saturating_sub(LAG * k).max(ramp[k]).min(to[k]);
            let physical_row = if REVERSED { row.saturating_sub(k) } else { row + k };
            let (first, last) = physical::<REVERSED>(columns, from[k], to[k]);
            let q = &mut q[k][..(last - first).min(WINDOW)];
            source.fill(simd, x, physical_row, first, q);
            if k == 0 {
                subtract_behind(simd, path, x, behind, first, q);
            }
        }
        let block = x.get_mut(lowest * columns..(lowest + ROWS) * columns).unwrap_or(&mut []);
        let mut chunks = block.chunks_exact_mut(columns.max(1));
        let (Some(a), Some(b), Some(c), Some(d)) =
            (chunks.next(), chunks.next(), chunks.next(), chunks.next())
        else {
            return;
        };
        let mut rows = if REVERSED { [d, c, b, a] } else { [a, b, c, d] };
        let [q0, q1, q2, q3] = &*q;
        let queues: [&[T]; ROWS] = [q0, q1, q2, q3];
        ragged::<T, REVERSED>(path, &queues, &mut rows, &from, &from, &ramp, &to);
        side_by_side::<T, REVERSED>(path, &queues, &mut rows, &from, &ramp, &flat, &to);
        ragged::<T, REVERSED>(path, &queues, &mut rows, &from, &flat, &to, &to);
        base += WINDOW;
    }
}

/// The queue entries of travel columns `a..b`, in physical order; the queue covers `from..to`.
#[inline(always)]
fn piece<const REVERSED: bool, T>(q: &[T], from: usize, to: usize, a: usize, b: usize) -> &[T] {
    if REVERSED { q.get(to - b..to - a) } else { q.get(a - from..b - from) }.unwrap_or(&[])
}

/// One row after the other over columns `a[k]..b[k]`.
#[inline(always)]
fn ragged<T: Real, const REVERSED: bool>(
    path: Path<T>,
    queues: &[&[T]; ROWS],
    rows: &mut [&mut [T]; ROWS],
    from: &[usize; ROWS],
    a: &[usize; ROWS],
    b: &[usize; ROWS],
    to: &[usize; ROWS],
) {
    let columns = path.columns;
    for k in 0..ROWS {
        if a[k] >= b[k] {
            continue;
        }
        let before = before_column::<T, REVERSED>(rows[k], a[k]);
        let q = piece::<REVERSED, T>(queues[k], from[k], to[k], a[k], b[k]);
        let (first, last) = physical::<REVERSED>(columns, a[k], b[k]);
        let (done, open) = rows.split_at_mut(k);
        let Some(x) = open.first_mut().and_then(|x| x.get_mut(first..last)) else { continue };
        match done.last().and_then(|behind| behind.get(first..last)) {
            Some(behind) => chain_behind::<T, REVERSED>(q, behind, path, before, x),
            None => {
                chain::<T, REVERSED>(q, path.along, before, x);
            }
        }
    }
}

/// The value before travel column `column` of a row, zero before the first.
#[inline(always)]
fn before_column<T: Real, const REVERSED: bool>(x: &[T], column: usize) -> T {
    if column == 0 {
        return T::ZERO;
    }
    at_column::<T, REVERSED>(x, column - 1)
}

#[inline(always)]
fn at_column<T: Real, const REVERSED: bool>(x: &[T], column: usize) -> T {
    let at = if REVERSED { x.len().wrapping_sub(column + 1) } else { column };
    x.get(at).copied().unwrap_or(T::ZERO)
}

/// All four rows together over columns `a[k]..b[k]`, which have one length.
#[inline(always)]
fn side_by_side<T: Real, const REVERSED: bool>(
    path: Path<T>,
    queues: &[&[T]; ROWS],
    rows: &mut [&mut [T]; ROWS],
    from: &[usize; ROWS],
    a: &[usize; ROWS],
    b: &[usize; ROWS],
    to: &[usize; ROWS],
) {
    let columns = path.columns;
    let (across, along) = (path.across, path.along);
    let mut before = [T::ZERO; ROWS];
    // behind[k]: the values of row k − 1 at columns a[k] and a[k] + 1, finished two steps ago.
    let mut behind = [[T::ZERO; LAG]; ROWS];
    for k in 0..ROWS {
        before[k] = before_column::<T, REVERSED>(rows[k], a[k]);
        if k > 0 {
            behind[k] = [
                at_column::<T, REVERSED>(rows[k - 1], a[k]),
                at_column::<T, REVERSED>(rows[k - 1], a[k] + 1),
            ];
        }
    }
    let q = |k: usize| piece::<REVERSED, T>(queues[k], from[k], to[k], a[k], b[k]);
    let (q0, q1, q2, q3) = (q(0), q(1), q(2), q(3));
    let cut = |k: usize| physical::<REVERSED>(columns, a[k], b[k]);
    let (c0, c1, c2, c3) = (cut(0), cut(1), cut(2), cut(3));
    let [x0, x1, x2, x3] = rows;
    let x0 = x0.get_mut(c0.0..c0.1).unwrap_or(&mut []);
    let x1 = x1.get_mut(c1.0..c1.1).unwrap_or(&mut []);
    let x2 = x2.get_mut(c2.0..c2.1).unwrap_or(&mut []);
    let x3 = x3.get_mut(c3.0..c3.1).unwrap_or(&mut []);
    let n = [q0.len(), q1.len(), q2.len(), q3.len(), x0.len(), x1.len(), x2.len(), x3.len()]
        .into_iter()
        .fold(usize::MAX, usize::min);
    // n is the least of the eight lengths, but the optimiser would not know that: `get`, not an index.
    let (Some(q0), Some(q1), Some(q2), Some(q3)) = (q0.get(..n), q1.get(..n), q2.get(..n), q3.get(..n))
    else {
        return;
    };
    let (Some(x0), Some(x1), Some(x2), Some(x3)) =
        (x0.get_mut(..n), x1.get_mut(..n), x2.get_mut(..n), x3.get_mut(..n))
    else {
        return;
    };
    let [mut w0, mut w1, mut w2, mut w3] = before;
    let [_, [mut a1, mut b1], [mut a2, mut b2], [mut a3, mut b3]] = behind;
    for step in 0..n {
        let i = if REVERSED { n - 1 - step } else { step };
        w0 = q0[i] - along * w0;
        w1 = (q1[i] - across * a1) - along * w1;
        w2 = (q2[i] - across * a2) - along * w2;
        w3 = (q3[i] - across * a3) - along * w3;
        x0[i] = w0;
        x1[i] = w1;
        x2[i] = w2;
        x3[i] = w3;
        (a1, b1) = (b1, w0);
        (a2, b2) = (b2, w1);
        (a3, b3) = (b3, w2);
    }
}
