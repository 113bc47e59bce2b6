//! One row of a lexicographic pass over constant couplings, in groups of registers.
//!
//! A group is what [doubling](super::doubling) takes at once, a window several groups. The cells of a row are
//! read and written once: windows first, whose groups go through every stage together, so that what one
//! waits for the others fill; then shorter windows; then groups; then the last cells, with masks.

use pulp::Simd;

use super::ahead::Asked;
use super::doubling::{BLOCK, Doubling};
use super::march::{Path, Source, Term};
use super::piece;
use crate::Real;
use crate::paths::has_all_terms;
use crate::vectors::lanes;

/// A row of x, those on its two sides, and where in memory and in the row the groups begin.
pub(super) struct Rows<'a, T> {
    pub(super) below: &'a [T],
    pub(super) here: &'a mut [T],
    pub(super) above: &'a [T],
    pub(super) start: usize,
    pub(super) from: usize,
    pub(super) asked: Option<Asked>,
}

/// What the rows of a pass have in common.
pub(super) struct Line<
    'a,
    T: Real,
    S: Simd,
    R,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
> {
    pub(super) path: Path<T>,
    pub(super) source: &'a R,
    doubling: Doubling<T, S, N, REVERSED>,
    across: T::Vector<S>,
    factor: T::Vector<S>,
    ahead: T::Vector<S>,
    keep: T::Vector<S>,
}

/// What a group is made from; rows that do not exist are left out.
pub(super) struct Operands<T: Real, S: Simd, const N: usize, const K: usize> {
    pub(super) b: [T::Vector<S>; N],
    pub(super) terms: [Option<[T::Vector<S>; N]>; K],
    pub(super) behind: Option<[T::Vector<S>; N]>,
    /// x and the cells ahead in the row, if x is kept.
    pub(super) own: [[T::Vector<S>; N]; 2],
    /// The lanes that have one ahead; `None`: all.
    pub(super) inner: Option<[T::Mask<S>; N]>,
}

impl<
    T: Real,
    S: Simd,
    R: Source<T, K>,
    const N: usize,
    const U: usize,
    const W: usize,
    const K: usize,
    const REVERSED: bool,
> Line<'_, T, S, R, N, U, W, K, REVERSED>
{
    #[inline(always)]
    pub(super) fn new(simd: S, path: Path<T>, source: &R) -> Line<'_, T, S, R, N, U, W, K, REVERSED> {
        let [factor, ahead, keep] = source.factors();
        Line {
            path,
            source,
            doubling: Doubling::new(simd, path.along),
            across: T::splat(simd, path.across),
            factor: T::splat(simd, factor),
            ahead: T::splat(simd, ahead),
            keep: T::splat(simd, keep),
        }
    }

    /// Cells of a group.
    #[inline(always)]
    pub(super) fn cells() -> usize {
        N * lanes::<T, S>()
    }

    /// One row.
    #[inline(always)]
    pub(super) fn run(&self, simd: S, x: &mut [T], row: usize, asked: Option<Asked>) {
        let columns = self.path.columns;
        let terms = self.source.terms(row);
        let c = terms.map(|term| T::splat(simd, term.c));
        // Groups all of whose cells have one ahead of them, and the cells that are left.
        let whole = columns.saturating_sub(usize::from(R::KEEPS)) / Self::cells();
        let mut before = T::splat(simd, T::ZERO);
        if whole > 0 {
            self.groups(simd, x, row, whole, &terms, &c, asked, &mut before);
        }
        let rest = columns - whole * Self::cells();
        if rest > 0 {
            self.rest(simd, x, row, rest, &terms, &c, &mut before);
        }
    }

    /// The first `whole` groups of a row.
    #[inline(always)]
    fn groups(
        &self,
        simd: S,
        x: &mut [T],
        row: usize,
        whole: usize,
        terms: &[Term<'_, T>; K],
        c: &[T::Vector<S>; K],
        asked: Option<Asked>,
        before: &mut T::Vector<S>,
    ) {
        let (columns, len) = (self.path.columns, whole * Self::cells());
        let (start, from) = (row * columns, if REVERSED { columns - len } else { 0 });
        let Some((below, others)) = x.split_at_mut_checked(start) else { return };
        let Some((here, above)) = others.split_at_mut_checked(columns) else { return };
        let (below, above) = (&*below, &*above);
        let beside = |at: Option<usize>| match at {
            Some(at) if at < row => piece(below, at * columns + from, len),
            Some(at) => piece(above, (at - row).saturating_sub(1) * columns + from, len),
            None => &[],
        };
        let b = groups::<T, S, N>(simd, piece(self.source.known(), start + from, len));
        let behind = groups::<T, S, N>(simd, beside(self.path.behind::<REVERSED>(row)));
        let mut along = [b; K];
        for (along, term) in along.iter_mut().zip(terms) {
            let cells = match (term.of, term.row) {
                (Some(of), Some(at)) => piece(of, at * columns + from, len),
                (_, at) => beside(at),
            };
            *along = groups::<T, S, N>(simd, cells);
        }
        // Windows of rows that have all their terms, then shorter ones; the rest group by group.
        let mut done = 0;
        if has_all_terms(b, behind, &along) {
            let mut rows = Rows { below, here: &mut *here, above, start, from, asked };
            done = self.windows::<U, W>(simd, c, b, &along, behind, &mut rows, done, before);
            rows.asked = None;
            if U > 4 {
                done = self.windows::<4, 32>(simd, c, b, &along, behind, &mut rows, done, before);
            }
        }
        for step in done..b.len() {
            let k = if REVERSED { b.len() - 1 - step } else { step };
            let at = from + k * Self::cells();
            let Some(&b) = b.get(k) else { return };
            let mut terms = [None; K];
            for (term, along) in terms.iter_mut().zip(&along) {
                *term = along.get(k).copied();
            }
            let mut own = [b; 2];
            if R::KEEPS {
                let ahead = if REVERSED { at.wrapping_sub(1) } else { at + 1 };
                let Some(&x) = one::<T, S, N>(simd, here, at) else { return };
                let Some(&ahead) = one::<T, S, N>(simd, here, ahead) else { return };
                own = [x, ahead];
            }
            let behind = behind.get(k).copied();
            let operands = Operands { b, terms, behind, own, inner: None };
            let new = self.relax(simd, c, &operands, before);
            let Some(here) = here.get_mut(at..at + Self::cells()) else { return };
            if let Some(here) = T::split_mut(simd, here).0.first_chunk_mut::<N>() {
                *here = new;
            }
        }
    }

    /// The windows of a row after the first `done` groups, if it has all its terms; how many are done then.
    #[inline(always)]
    pub(super) fn windows<const U2: usize, const W2: usize>(
        &self,
        simd: S,
        c: &[T::Vector<S>; K],
        b: &[[T::Vector<S>; N]],
        along: &[&[[T::Vector<S>; N]]; K],
        behind: &[[T::Vector<S>; N]],
        rows: &mut Rows<'_, T>,
        done: usize,
        before: &mut T::Vector<S>,
    ) -> usize {
        let windows = (b.len() - done.min(b.len())) / U2.max(1);
        let skip = if REVERSED { (b.len() - done).saturating_sub(windows * U2) } else { done };
        let b = cut_windows::<_, U2>(b, skip, windows);
        let behind = cut_windows::<_, U2>(behind, skip, windows);
        let along = along.map(|along| cut_windows::<_, U2>(along, skip, windows));
        if behind.len() < b.len() || along.iter().any(|along| along.len() < b.len()) {
            return done;
        }
        for step in 0..b.len() {
            let k = if REVERSED { b.len() - 1 - step } else { step };
            self.ask(rows, step, W2);
            let at = rows.from + (skip + k * U2) * Self::cells();
            let (Some(b), Some(behind)) = (b.get(k), behind.get(k)) else { break };
            let mut terms = [b; K];
            for (term, along) in terms.iter_mut().zip(&along) {
                let Some(along) = along.get(k) else { return done };
                *term = along;
            }
            self.window::<U2, W2>(simd, c, b, &terms, behind, rows.here, at, before);
        }
        done + windows * U2
    }

    /// A window in stages, each of which goes over all of its registers: what one waits for, the others fill.
    #[inline(always)]
    fn window<const U2: usize, const W2: usize>(
        &self,
        simd: S,
        c: &[T::Vector<S>; K],
        b: &[[T::Vector<S>; N]; U2],
        terms: &[&[[T::Vector<S>; N]; U2]; K],
        behind: &[[T::Vector<S>; N]; U2],
        here: &mut [T],
        at: usize,
        before: &mut T::Vector<S>,
    ) {
        let mut q = *b;
        for u in 0..U2 {
            for k in 0..K {
                q[u] = sub_scaled::<T, S, N>(simd, q[u], c[k], &terms[k][u]);
            }
        }
        if R::KEEPS {
            let ahead = if REVERSED { at.wrapping_sub(1) } else { at + 1 };
            let Some(x) = window::<T, S, N, U2, W2>(simd, here, at) else { return };
            let Some(ahead) = window::<T, S, N, U2, W2>(simd, here, ahead) else { return };
            for u in 0..U2 {
                q[u] = sub_scaled::<T, S, N>(simd, q[u], self.ahead, &ahead[u]);
                for n in 0..N {
                    q[u][n] = T::vmul(simd, self.factor, q[u][n]);
                    q[u][n] = T::vadd(simd, T::vmul(simd, self.keep, x[u][n]), q[u][n]);
                }
                q[u] = sub_scaled::<T, S, N>(simd, q[u], self.across, &behind[u]);
            }
        } else {
            for u in 0..U2 {
                for q in &mut q[u] {
                    *q = T::vmul(simd, self.factor, *q);
                }
                q[u] = sub_scaled::<T, S, N>(simd, q[u], self.across, &behind[u]);
            }
        }
        for q in &mut q {
            *q = self.doubling.double::<0>(simd, q);
        }
        for q in &mut q {
            *q = self.doubling.double::<1>(simd, q);
        }
        for q in &mut q {
            *q = self.doubling.double::<2>(simd, q);
        }
        for u in 0..U2 {
            let u = if REVERSED { U2 - 1 - u } else { u };
            q[u] = self.doubling.carry(simd, q[u], before);
        }
        let Some(here) = here.get_mut(at..at + W2) else { return };
        let here = T::split_mut(simd, here).0.as_chunks_mut::<N>().0;
        if let Some(here) = here.first_chunk_mut::<U2>() {
            *here = q;
        }
    }

    /// The last `rest` cells of a row, at most a group. What lies beyond them is computed too, and not stored.
    #[inline(always)]
    fn rest(
        &self,
        simd: S,
        x: &mut [T],
        row: usize,
        rest: usize,
        terms: &[Term<'_, T>; K],
        c: &[T::Vector<S>; K],
        before: &mut T::Vector<S>,
    ) {
        let (columns, lanes) = (self.path.columns, lanes::<T, S>());
        let start = row * columns;
        // In reverse these are the first of the row, and end where the group ends.
        let at = if REVERSED { (start + rest).wrapping_sub(Self::cells()) } else { start + columns - rest };
        let of_row = |other: usize| at.wrapping_add(other.wrapping_sub(row).wrapping_mul(columns));
        let mut found = [None; K];
        for (found, term) in found.iter_mut().zip(terms) {
            if let Some(other) = term.row {
                *found = Some(fetch::<T, S, N>(simd, term.of.unwrap_or(x), of_row(other)));
            }
        }
        let b = fetch::<T, S, N>(simd, self.source.known(), at);
        let old = fetch::<T, S, N>(simd, x, at);
        let mut behind = None;
        if let Some(other) = self.path.behind::<REVERSED>(row) {
            behind = Some(fetch::<T, S, N>(simd, x, of_row(other)));
        }
        let mut own = [old; 2];
        // The lanes of the cells, and of those with one ahead of them in the row.
        let mut stored = [T::vbetween(simd, 0, 0); N];
        let mut inner = stored;
        for n in 0..N {
            let (first, all) = (n * lanes, Self::cells());
            let (from, to) = if REVERSED { (all - rest, all) } else { (0, rest) };
            let within = |lane: usize| lane.saturating_sub(first).min(lanes);
            stored[n] = T::vbetween(simd, within(from), within(to));
            if R::KEEPS {
                let (from, to) = if REVERSED { (from + 1, to) } else { (from, to - 1) };
                inner[n] = T::vbetween(simd, within(from), within(to));
            }
        }
        if R::KEEPS {
            own[1] =
                fetch::<T, S, N>(simd, x, if REVERSED { at.wrapping_sub(1) } else { at.wrapping_add(1) });
        }
        let operands = Operands { b, terms: found, behind, own, inner: Some(inner) };
        let new = self.relax(simd, c, &operands, before);
        if let Some(x) = x.get_mut(at..at.wrapping_add(Self::cells()))
            && let Some(x) = T::split_mut(simd, x).0.first_chunk_mut::<N>()
        {
            for n in 0..N {
                x[n] = T::vselect(simd, stored[n], new[n], old[n]);
            }
        } else {
            let mut cells = [T::ZERO; 2 * BLOCK];
            for (cells, &new) in T::split_mut(simd, &mut cells).0.iter_mut().zip(&new) {
                *cells = new;
            }
            let skip = if REVERSED { Self::cells() - rest } else { 0 };
            let (cells, at) = (cells.get(skip..).unwrap_or(&[]), at.wrapping_add(skip));
            for (x, &new) in x.get_mut(at..at + rest).unwrap_or(&mut []).iter_mut().zip(cells) {
                *x = new;
            }
        }
    }

    /// New values of a group.
    #[inline(always)]
    pub(super) fn relax(
        &self,
        simd: S,
        c: &[T::Vector<S>; K],
        operands: &Operands<T, S, N, K>,
        before: &mut T::Vector<S>,
    ) -> [T::Vector<S>; N] {
        let mut q = operands.b;
        for (&c, term) in c.iter().zip(&operands.terms) {
            if let Some(x) = term {
                q = sub_scaled::<T, S, N>(simd, q, c, x);
            }
        }
        let [x, ahead] = &operands.own;
        if R::KEEPS {
            let t = sub_scaled::<T, S, N>(simd, q, self.ahead, ahead);
            if let Some(inner) = operands.inner {
                for n in 0..N {
                    q[n] = T::vselect(simd, inner[n], t[n], q[n]);
                }
            } else {
                q = t;
            }
        }
        for n in 0..N {
            q[n] = T::vmul(simd, self.factor, q[n]);
            if R::KEEPS {
                q[n] = T::vadd(simd, T::vmul(simd, self.keep, x[n]), q[n]);
            }
        }
        if let Some(behind) = &operands.behind {
            q = sub_scaled::<T, S, N>(simd, q, self.across, behind);
        }
        q = self.doubling.double::<0>(simd, &q);
        q = self.doubling.double::<1>(simd, &q);
        q = self.doubling.double::<2>(simd, &q);
        self.doubling.carry(simd, q, before)
    }
}

/// t − c·x
#[inline(always)]
fn sub_scaled<T: Real, S: Simd, const N: usize>(
    simd: S,
    t: [T::Vector<S>; N],
    c: T::Vector<S>,
    x: &[T::Vector<S>; N],
) -> [T::Vector<S>; N] {
    let mut t = t;
    for n in 0..N {
        t[n] = T::vsub(simd, t[n], T::vmul(simd, c, x[n]));
    }
    t
}

/// `count` windows of groups from the `skip`-th on.
#[inline(always)]
fn cut_windows<G, const U: usize>(groups: &[G], skip: usize, count: usize) -> &[[G; U]] {
    let windows = groups.get(skip..).unwrap_or(&[]).as_chunks::<U>().0;
    windows.get(..count).unwrap_or(&[])
}

/// The window at `at`.
#[inline(always)]
fn window<T: Real, S: Simd, const N: usize, const U: usize, const W: usize>(
    simd: S,
    x: &[T],
    at: usize,
) -> Option<&[[T::Vector<S>; N]; U]> {
    let x = x.get(at..at.wrapping_add(W))?;
    T::split(simd, x).0.as_chunks::<N>().0.first_chunk::<U>()
}

/// The whole groups of a piece.
#[inline(always)]
pub(super) fn groups<T: Real, S: Simd, const N: usize>(simd: S, x: &[T]) -> &[[T::Vector<S>; N]] {
    T::split(simd, x).0.as_chunks::<N>().0
}

/// The group at `at`.
#[inline(always)]
fn one<T: Real, S: Simd, const N: usize>(simd: S, x: &[T], at: usize) -> Option<&[T::Vector<S>; N]> {
    let x = x.get(at..at.wrapping_add(N * lanes::<T, S>()))?;
    T::split(simd, x).0.first_chunk::<N>()
}

/// The same; cells that do not exist are 0.
#[inline(always)]
pub(super) fn fetch<T: Real, S: Simd, const N: usize>(simd: S, x: &[T], at: usize) -> [T::Vector<S>; N] {
    if let Some(&group) = one::<T, S, N>(simd, x, at) {
        return group;
    }
    let mut cells = [T::ZERO; 2 * BLOCK];
    for (i, cell) in cells.iter_mut().enumerate().take(N * lanes::<T, S>()) {
        *cell = x.get(at.wrapping_add(i)).copied().unwrap_or(T::ZERO);
    }
    let mut group = [T::splat(simd, T::ZERO); N];
    for (group, &cells) in group.iter_mut().zip(T::split(simd, &cells).0) {
        *group = cells;
    }
    group
}
