//! The elimination of a chain of stages, and the memory that it keeps. See [`staged`](super::staged).

use core::mem;

use super::condensed::{ROUNDINGS, invert};
use super::small::{add_products, add_rows, axpy, dot};
use super::staged::Plant;
use crate::Real;
use crate::copy::CopyFrom;

/// Numbers of a stage: S, s, G, M, h.
pub(super) const fn stage_len(n: usize, m: usize) -> usize {
    let rows = n.saturating_add(m);
    rows.saturating_mul(n).saturating_add(m.saturating_mul(m)).saturating_add(rows)
}

/// Numbers of scratch: a matrix, four states, two inputs.
pub(super) const fn scratch_len(n: usize, m: usize) -> usize {
    n.saturating_mul(n).saturating_add(n.saturating_mul(4)).saturating_add(m)
}

/// Numbers of all stages and of the scratch.
pub(super) const fn factors_len(n: usize, m: usize, horizon: usize) -> usize {
    stage_len(n, m).saturating_mul(horizon).saturating_add(scratch_len(n, m))
}

/// What a stage keeps: the cost ½ xᵀS x + sᵀx of all that comes behind it, and its own eliminated rows.
pub(super) struct Stage<'w, T> {
    /// S
    pub(super) cost: &'w mut [T],
    /// s; outside of a solve the state behind the stage.
    pub(super) slope: &'w mut [T],
    /// G
    gain: &'w mut [T],
    /// M, with inverse pivots
    pivots: &'w mut [T],
    /// h
    offset: &'w mut [T],
}

/// Scratch.
pub(super) struct Scratch<'w, T> {
    matrix: &'w mut [T],
    pub(super) state: &'w mut [T],
    next: &'w mut [T],
    pub(super) push: &'w mut [T],
    pub(super) pull: &'w mut [T],
    pub(super) input: &'w mut [T],
}

/// Cuts the next `n` elements off.
fn take<'w, T>(rest: &mut &'w mut [T], n: usize) -> &'w mut [T] {
    match mem::take(rest).split_at_mut_checked(n) {
        Some((piece, tail)) => {
            *rest = tail;
            piece
        }
        None => &mut [],
    }
}

/// Rows of the free inputs: what belongs to fixed ones is left out.
fn is_free<T: Real>(side: Option<&T>) -> bool {
    side.is_some_and(|&side| side == T::ZERO)
}

impl<T: Real> Plant<'_, T> {
    pub(super) fn stage_len(&self) -> usize {
        stage_len(self.states, self.inputs).max(1)
    }

    /// The parts of a stage's memory.
    pub(super) fn stage<'w>(&self, mut memory: &'w mut [T]) -> Stage<'w, T> {
        let (n, m) = (self.states, self.inputs);
        Stage {
            cost: take(&mut memory, n.saturating_mul(n)),
            slope: take(&mut memory, n),
            gain: take(&mut memory, n.saturating_mul(m)),
            pivots: take(&mut memory, m.saturating_mul(m)),
            offset: take(&mut memory, m),
        }
    }

    /// The last of the stages, and those before it.
    pub(super) fn split_last<'w>(&self, stages: &'w mut [T]) -> Option<(&'w mut [T], Stage<'w, T>)> {
        let begin = stages.len().checked_sub(self.stage_len())?;
        let (earlier, last) = stages.split_at_mut_checked(begin)?;
        Some((earlier, self.stage(last)))
    }

    /// The stages' memory, and scratch.
    pub(super) fn split<'w>(
        &self,
        mut storage: &'w mut [T],
        horizon: usize,
    ) -> (&'w mut [T], Scratch<'w, T>) {
        let stages = take(&mut storage, self.stage_len().saturating_mul(horizon));
        (stages, self.scratch(storage))
    }

    pub(super) fn scratch<'w>(&self, mut storage: &'w mut [T]) -> Scratch<'w, T> {
        let (n, m) = (self.states, self.inputs);
        Scratch {
            matrix: take(&mut storage, n.saturating_mul(n)),
            state: take(&mut storage, n),
            next: take(&mut storage, n),
            push: take(&mut storage, n),
            pull: take(&mut storage, n),
            input: take(&mut storage, m),
        }
    }

    /// x ← A x + B u.
    pub(super) fn advance(&self, u: &[T], scratch: &mut Scratch<'_, T>) {
        scratch.next.fill(T::ZERO);
        add_products(self.a, scratch.state, scratch.next);
        add_products(self.b, u, scratch.next);
        mem::swap(&mut scratch.state, &mut scratch.next);
    }

    /// Eliminates the free inputs of a stage and writes the S before it, if there is a stage before it.
    /// False for a pivot that is not positive.
    // Not inlined: two callers, and most of the family's flash.
    #[inline(never)]
    pub(super) fn eliminate(
        &self,
        sides: &[T],
        stage: &mut Stage<'_, T>,
        before: Option<&mut [T]>,
        scratch: &mut Scratch<'_, T>,
    ) -> bool {
        let (n, m) = (self.states.max(1), self.inputs.max(1));
        let rows = stage.gain.chunks_exact_mut(n).zip(stage.pivots.chunks_exact_mut(m));
        for (f, ((gain, pivots), side)) in rows.zip(sides).enumerate() {
            if is_free(Some(side)) {
                let bent = &mut *scratch.push;
                bent.fill(T::ZERO);
                add_rows(stage.cost, n, self.b.get(f..).unwrap_or(&[]), m, bent);
                pivots.copy_from(self.r.get(f.wrapping_mul(m)..).unwrap_or(&[]));
                add_rows(self.b, m, bent, 1, pivots);
                gain.fill(T::ZERO);
                add_rows(self.a, n, bent, 1, gain);
            }
        }
        if !self.reduce(sides, stage) {
            return false;
        }
        let Some(before) = before else { return true };
        // S A, a column at a time.
        for i in 0..n {
            let bent = &mut *scratch.push;
            bent.fill(T::ZERO);
            add_rows(stage.cost, n, self.a.get(i..).unwrap_or(&[]), n, bent);
            let column = scratch.matrix.get_mut(i..).unwrap_or(&mut []).iter_mut().step_by(n);
            column.zip(&*bent).for_each(|(entry, &bent)| *entry = bent);
        }
        for i in 0..n {
            let Some(row) =
                before.get_mut(i.wrapping_mul(n.wrapping_add(1))..i.wrapping_mul(n).wrapping_add(n))
            else {
                return false;
            };
            row.copy_from(self.q.get(i.wrapping_mul(n.wrapping_add(1))..).unwrap_or(&[]));
            add_rows(scratch.matrix.get(i..).unwrap_or(&[]), n, self.a.get(i..).unwrap_or(&[]), n, row);
            let rows = stage.gain.chunks_exact(n).zip(stage.pivots.chunks_exact(m)).zip(sides);
            for (f, ((gain, pivots), side)) in rows.enumerate() {
                if let (true, Some(gain), Some(&inverse)) =
                    (is_free(Some(side)), gain.get(i..), pivots.get(f))
                    && let Some(&first) = gain.first()
                {
                    axpy(-(first * inverse), gain, row);
                }
            }
        }
        mirror(before, n);
        true
    }

    /// The elimination of one free input after the other from the rows of those behind it.
    fn reduce(&self, sides: &[T], stage: &mut Stage<'_, T>) -> bool {
        let (n, m) = (self.states, self.inputs);
        let (mut gains, mut rows) = (&mut *stage.gain, &mut *stage.pivots);
        for f in 0..m {
            let (gain, row) = (take(&mut gains, n), take(&mut rows, m));
            if !is_free(sides.get(f)) {
                continue;
            }
            let own = self.r.get(f.wrapping_mul(m.wrapping_add(1))).copied().unwrap_or(T::ZERO);
            let least = T::from_u32(ROUNDINGS) * T::EPSILON * own;
            let Some((pivot, factors)) = row.get_mut(f..).and_then(<[T]>::split_first_mut) else {
                return false;
            };
            let Some(inverse) = invert(*pivot, least.max(T::MIN_POSITIVE)) else { return false };
            *pivot = inverse;
            let later = gains.chunks_exact_mut(n.max(1)).zip(rows.chunks_exact_mut(m.max(1)));
            for (at, (later_gain, later_row)) in later.enumerate() {
                let g = f.wrapping_add(1).wrapping_add(at);
                if let (true, Some(factors), Some(later_row)) =
                    (is_free(sides.get(g)), factors.get(at..), later_row.get_mut(g..))
                    && let Some(&factor) = factors.first()
                {
                    axpy(-(factor * inverse), factors, later_row);
                    axpy(-(factor * inverse), gain, later_gain);
                }
            }
        }
        true
    }

    /// h of a stage, and the s before it, if there is a stage before it. Says whether all has been zero so far, as
    /// `quiet` said of the stages behind.
    pub(super) fn pull_back(
        &self,
        sides: &[T],
        u: &[T],
        stage: &mut Stage<'_, T>,
        before: Option<&mut [T]>,
        quiet: bool,
        scratch: &mut Scratch<'_, T>,
    ) -> bool {
        let (n, m) = (self.states, self.inputs);
        let before = before.unwrap_or(&mut []);
        before.fill(T::ZERO);
        stage.offset.fill(T::ZERO);
        let all_free = sides.iter().all(|side| is_free(Some(side)));
        if quiet && all_free {
            return true;
        }
        let (push, input) = (&mut *scratch.push, &mut *scratch.input);
        push.copy_from(stage.slope);
        if !all_free {
            for ((input, &u), side) in input.iter_mut().zip(u).zip(sides) {
                *input = if is_free(Some(side)) { T::ZERO } else { u };
            }
            scratch.pull.fill(T::ZERO);
            add_products(self.b, input, scratch.pull);
            add_rows(stage.cost, n, scratch.pull, 1, push);
            add_rows(self.r, m, input, 1, stage.offset);
        }
        add_rows(self.b, m, push, 1, stage.offset);
        add_rows(self.a, n, push, 1, before);
        let mut rest = &mut *stage.offset;
        let rows = stage.gain.chunks_exact(n.max(1)).zip(stage.pivots.chunks_exact(m.max(1))).enumerate();
        for (f, (gain, row)) in rows {
            let Some((&mut offset, later)) = mem::take(&mut rest).split_first_mut() else { break };
            rest = later;
            if let (true, Some((&inverse, factors))) =
                (is_free(sides.get(f)), row.get(f..).and_then(<[T]>::split_first))
            {
                // What lands in rows of fixed inputs is never looked at.
                axpy(-(offset * inverse), factors, rest);
                axpy(-(offset * inverse), gain, before);
            }
        }
        false
    }

    /// The free inputs of a stage, the gradient of the fixed ones, and the state behind it.
    pub(super) fn roll(
        &self,
        sides: &[T],
        stage: &Stage<'_, T>,
        u: &mut [T],
        gradient: &mut [T],
        scratch: &mut Scratch<'_, T>,
    ) {
        let (n, m) = (self.states.max(1), self.inputs.max(1));
        let rows = stage.gain.chunks_exact(n).zip(stage.pivots.chunks_exact(m)).zip(&*stage.offset);
        for (f, ((gain, row), &offset)) in rows.enumerate().rev() {
            let (Some(row), Some(u), Some(sides)) = (row.get(f..), u.get_mut(f..), sides.get(f..)) else {
                break;
            };
            let (Some((&inverse, factors)), Some((value, later)), Some((side, sides))) =
                (row.split_first(), u.split_first_mut(), sides.split_first())
            else {
                break;
            };
            if is_free(Some(side)) {
                let mut sum = offset + dot(gain, scratch.state);
                for ((&factor, &later), side) in factors.iter().zip(&*later).zip(sides) {
                    if is_free(Some(side)) {
                        sum += factor * later;
                    }
                }
                *value = -(sum * inverse);
            }
        }
        self.advance(u, scratch);
        gradient.fill(T::ZERO);
        if sides.iter().all(|side| is_free(Some(side))) {
            return;
        }
        let pull = &mut *scratch.pull;
        pull.copy_from(stage.slope);
        add_rows(stage.cost, n, scratch.state, 1, pull);
        add_rows(self.r, m, u, 1, gradient);
        add_rows(self.b, m, pull, 1, gradient);
        for (g, side) in gradient.iter_mut().zip(sides) {
            if is_free(Some(side)) {
                *g = T::ZERO;
            }
        }
    }
}

/// Copies the upper half of a matrix to its lower half.
fn mirror<T: Real>(matrix: &mut [T], n: usize) {
    for i in 1..n {
        let Some((above, row)) = matrix.split_at_mut_checked(i.wrapping_mul(n)) else { return };
        let column = above.get(i..).unwrap_or(&[]).iter().step_by(n.max(1));
        row.iter_mut().zip(column).for_each(|(entry, &above)| *entry = above);
    }
}
