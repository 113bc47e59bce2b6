//! The elimination of a chain of stages, and the memory that it keeps. See [`staged`](super::staged).

use core::mem;

use super::condensed::{ROUNDINGS, invert};
use super::small::{
    add_all, add_products, add_rows, anew, at, axpy, clear, copy, dot, from, from_mut, largest, row, row_mut,
};
use super::staged::Plant;
use crate::Real;
use crate::carve::take;

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

/// Rows of the free inputs: what belongs to fixed ones is left out.
fn is_free<T: Real>(side: Option<&T>) -> bool {
    side.is_some_and(|&side| side == T::ZERO)
}

impl<T: Real> Plant<'_, T> {
    pub(super) fn stage_len(&self) -> usize {
        // The storage was carved by the saturating count, so this one cannot have wrapped.
        let (n, m) = (self.states, self.inputs);
        n.wrapping_add(m).wrapping_mul(n.wrapping_add(1)).wrapping_add(m.wrapping_mul(m)).max(1)
    }

    /// The parts of a stage's memory.
    pub(super) fn stage<'w>(&self, mut memory: &'w mut [T]) -> Stage<'w, T> {
        let (n, m) = (self.states, self.inputs);
        Stage {
            cost: take(&mut memory, n.wrapping_mul(n)),
            slope: take(&mut memory, n),
            gain: take(&mut memory, n.wrapping_mul(m)),
            pivots: take(&mut memory, m.wrapping_mul(m)),
            offset: take(&mut memory, m),
        }
    }

    /// s of stage k.
    #[inline(never)]
    pub(super) fn slope<'w>(&self, stages: &'w mut [T], k: usize) -> &'w mut [T] {
        let n = self.states;
        let begin = k.wrapping_mul(self.stage_len()).wrapping_add(n.wrapping_mul(n));
        stages.get_mut(begin..begin.wrapping_add(n)).unwrap_or(&mut [])
    }

    /// S and s of the last of k stages, if there is one.
    #[inline(never)]
    pub(super) fn head<'w>(&self, stages: &'w mut [T], k: usize) -> Option<(&'w mut [T], &'w mut [T])> {
        let begin = k.checked_sub(1)?.wrapping_mul(self.stage_len());
        let (cost, rest) =
            stages.get_mut(begin..)?.split_at_mut_checked(self.states.wrapping_mul(self.states))?;
        Some((cost, rest.get_mut(..self.states)?))
    }

    /// The memory of the stages and that of the scratch.
    pub(super) fn split<'w>(&self, mut storage: &'w mut [T], horizon: usize) -> (&'w mut [T], &'w mut [T]) {
        (take(&mut storage, self.stage_len().wrapping_mul(horizon)), storage)
    }

    pub(super) fn scratch<'w>(&self, mut storage: &'w mut [T]) -> Scratch<'w, T> {
        let (n, m) = (self.states, self.inputs);
        Scratch {
            matrix: take(&mut storage, n.wrapping_mul(n)),
            state: take(&mut storage, n),
            next: take(&mut storage, n),
            push: take(&mut storage, n),
            pull: take(&mut storage, n),
            input: take(&mut storage, m),
        }
    }

    /// x ← A x + B u.
    pub(super) fn advance(&self, u: &[T], scratch: &mut Scratch<'_, T>) {
        clear(scratch.next);
        add_products(self.a, scratch.state, scratch.next);
        add_products(self.b, u, scratch.next);
        mem::swap(&mut scratch.state, &mut scratch.next);
    }

    /// The largest |R u| + |B|ᵀ|λ| of a stage, R u being in `input` and λ in `pull`.
    pub(super) fn size(&self, scratch: &mut Scratch<'_, T>) -> T {
        let sizes = &mut *scratch.input;
        sizes.iter_mut().for_each(|size| *size = size.abs());
        for (i, &costate) in scratch.pull.iter().enumerate() {
            let effects = row(self.b, i, self.inputs);
            sizes.iter_mut().zip(effects).for_each(|(size, &b)| *size += (b * costate).abs());
        }
        largest(sizes)
    }

    /// Eliminates the free inputs of a stage and writes the S before it, if there is a stage before it.
    /// False for a pivot that is not positive.
    // Its parts are not inlined: two callers, much of the family's flash, and a stack that holds one of them at a time.
    #[inline(always)]
    pub(super) fn eliminate(
        &self,
        sides: &[T],
        stage: &mut Stage<'_, T>,
        before: Option<&mut [T]>,
        scratch: &mut Scratch<'_, T>,
    ) -> bool {
        self.gather(sides, stage, scratch.push);
        if !self.reduce(sides, stage) {
            return false;
        }
        if let Some(before) = before {
            self.carry(sides, stage, before, scratch);
        }
        true
    }

    /// M and G of a stage, rows of the free inputs.
    #[inline(never)]
    fn gather(&self, sides: &[T], stage: &mut Stage<'_, T>, bent: &mut [T]) {
        for (f, side) in sides.iter().enumerate() {
            if *side == T::ZERO {
                let (plant, stage) = anew((self, &mut *stage));
                let (n, m) = (plant.states, plant.inputs);
                let (pivots, gain) = (row_mut(stage.pivots, f, m), row_mut(stage.gain, f, n));
                clear(bent);
                add_rows(stage.cost, n, from(plant.b, f), m, bent);
                copy(pivots, row(plant.r, f, m));
                add_all(plant.b, bent, pivots);
                clear(gain);
                add_all(plant.a, bent, gain);
            }
        }
    }

    /// The S before a stage.
    #[inline(never)]
    fn carry(&self, sides: &[T], stage: &Stage<'_, T>, before: &mut [T], scratch: &mut Scratch<'_, T>) {
        let (n, m) = (self.states, self.inputs);
        let bent = &mut *scratch.push;
        // S A, a column at a time: the columns of A are what is sparse.
        for i in 0..n {
            clear(bent);
            add_rows(stage.cost, n, from(self.a, i), n, bent);
            let mut place = i;
            for &bent in &*bent {
                if let Some(entry) = scratch.matrix.get_mut(place) {
                    *entry = bent;
                }
                place = place.wrapping_add(n);
            }
        }
        for i in 0..n {
            let line = from_mut(row_mut(before, i, n), i);
            copy(line, from(row(self.q, i, n), i));
            add_rows(from(scratch.matrix, i), n, from(self.a, i), n, line);
            for (f, side) in sides.iter().enumerate() {
                if *side == T::ZERO {
                    let gain = from(row(stage.gain, f, n), i);
                    axpy(-(at(gain, 0) * at(stage.pivots, f.wrapping_mul(m.wrapping_add(1)))), gain, line);
                }
            }
        }
        mirror(before, n);
    }

    /// The elimination of one free input after the other from the rows of those behind it.
    #[inline(never)]
    fn reduce(&self, sides: &[T], stage: &mut Stage<'_, T>) -> bool {
        let (n, m) = (self.states, self.inputs);
        for f in 0..m {
            let (Some((rows, later_rows)), Some((gains, later_gains))) = (
                stage.pivots.split_at_mut_checked(f.wrapping_add(1).wrapping_mul(m)),
                stage.gain.split_at_mut_checked(f.wrapping_add(1).wrapping_mul(n)),
            ) else {
                return false;
            };
            if !is_free(sides.get(f)) {
                continue;
            }
            let least = T::from_u32(ROUNDINGS) * T::EPSILON * at(row(self.r, f, m), f);
            let (factors, gain) = (row_mut(rows, f, m), row(gains, f, n));
            let Some(pivot) = factors.get_mut(f) else { return false };
            let Some(inverse) = invert(*pivot, least.max(T::MIN_POSITIVE)) else { return false };
            *pivot = inverse;
            for (later, side) in from(sides, f.wrapping_add(1)).iter().enumerate() {
                if *side == T::ZERO {
                    let factors = from(factors, f.wrapping_add(1).wrapping_add(later));
                    let weight = -(at(factors, 0) * inverse);
                    let own = f.wrapping_add(1).wrapping_add(later);
                    axpy(weight, factors, from_mut(row_mut(later_rows, later, m), own));
                    axpy(weight, gain, row_mut(later_gains, later, n));
                }
            }
        }
        true
    }

    /// h of a stage, and the s before it, if there is a stage before it. Says whether all has been zero so far, as
    /// `quiet` said of the stages behind.
    #[inline(never)]
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
        clear(before);
        clear(stage.offset);
        let all_free = sides.iter().all(|side| is_free(Some(side)));
        if quiet && all_free {
            return true;
        }
        let (push, input) = (&mut *scratch.push, &mut *scratch.input);
        copy(push, stage.slope);
        if !all_free {
            for ((input, &u), side) in input.iter_mut().zip(u).zip(sides) {
                *input = if is_free(Some(side)) { T::ZERO } else { u };
            }
            clear(scratch.pull);
            add_products(self.b, input, scratch.pull);
            add_all(stage.cost, scratch.pull, push);
            add_all(self.r, input, stage.offset);
        }
        add_all(self.b, push, stage.offset);
        add_all(self.a, push, before);
        for (f, side) in sides.iter().enumerate() {
            if *side == T::ZERO {
                let factors = row(stage.pivots, f, m);
                let weight = -(at(stage.offset, f) * at(factors, f));
                let later = f.wrapping_add(1);
                // What lands in rows of fixed inputs is never looked at.
                axpy(weight, from(factors, later), from_mut(stage.offset, later));
                axpy(weight, row(stage.gain, f, n), before);
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
        let (n, m) = (self.states, self.inputs);
        // The free inputs behind f, and 0 for the fixed ones.
        let later = &mut *scratch.input;
        clear(later);
        for f in (0..m).rev() {
            if is_free(sides.get(f)) {
                let factors = row(stage.pivots, f, m);
                let behind = dot(from(factors, f.wrapping_add(1)), from(later, f.wrapping_add(1)));
                let sum = at(stage.offset, f) + dot(row(stage.gain, f, n), scratch.state) + behind;
                let value = -(sum * at(factors, f));
                if let (Some(u), Some(later)) = (u.get_mut(f), later.get_mut(f)) {
                    (*u, *later) = (value, value);
                }
            }
        }
        self.advance(u, scratch);
        clear(gradient);
        if sides.iter().all(|side| is_free(Some(side))) {
            return;
        }
        let pull = &mut *scratch.pull;
        copy(pull, stage.slope);
        add_all(stage.cost, scratch.state, pull);
        add_all(self.r, u, gradient);
        add_all(self.b, pull, gradient);
        for (g, side) in gradient.iter_mut().zip(sides) {
            if is_free(Some(side)) {
                *g = T::ZERO;
            }
        }
    }
}

/// Copies the upper half of a matrix to its lower half.
fn mirror<T: Real>(matrix: &mut [T], n: usize) {
    for i in 0..n {
        for j in 0..i {
            let above = at(row(matrix, j, n), i);
            if let Some(below) = row_mut(matrix, i, n).get_mut(j) {
                *below = above;
            }
        }
    }
}
