//! The columns that a run works on, their Gram matrix, and what is known of them.

use southwell_simd::vector;

use super::problem::Problem;
use crate::Real;
use crate::linear::Design;

/// The place of a column that is in no working set.
pub(super) const OUTSIDE: u32 = u32::MAX;
/// The place of a column that is zero in every solution.
pub(super) const SCREENED: u32 = u32::MAX - 1;

/// A working set in the caller's memory. Slot i holds a column; what is known of it has the same index.
#[derive(Debug)]
pub(super) struct WorkingSet<'w, T> {
    pub(super) len: usize,
    pub(super) capacity: usize,
    /// Numbers from one row of the two matrices to the next: little more than the slots in use, so that little
    /// memory is touched.
    pub(super) stride: usize,
    /// The column in each slot.
    pub(super) columns: &'w mut [u32],
    /// The first entries of each row of the Gram matrix that are known.
    filled: &'w mut [u32],
    /// The Gram matrix by rows.
    pub(super) gram: &'w mut [T],
    /// w, and w when the step began.
    pub(super) x: &'w mut [T],
    pub(super) before: &'w mut [T],
    /// The negative gradient of the smooth part, ridge included.
    pub(super) slope: &'w mut [T],
    /// The diagonal of the Gram matrix, ridge included, and what it is divided by: 0 for a column of zeros.
    pub(super) diagonal: &'w mut [T],
    pub(super) inverse: &'w mut [T],
    /// The weight of |w| (of ‖w_g‖ for a member of a group).
    pub(super) threshold: &'w mut [T],
    /// Slots that are not zero, in the order of the factors, and the rows of the factor that are right.
    pub(super) support: &'w mut [u32],
    pub(super) support_len: usize,
    pub(super) factored: usize,
    /// Where a slot stands in `support`; [`OUTSIDE`] if it does not.
    pub(super) rank: &'w mut [u32],
    /// L by rows, the diagonal inverted.
    pub(super) factor: &'w mut [T],
    pub(super) direction: &'w mut [T],
    /// The first slot of the group that a slot belongs to; itself without groups.
    pub(super) head: &'w mut [u32],
    /// ‖w_g‖ of the group that a slot belongs to, while its second derivatives are in use.
    pub(super) radius: &'w mut [T],
}

/// The slices behind a working set.
pub(super) const REALS: usize = 8;
pub(super) const INDICES: usize = 5;

/// 1/x, and 0 for what has none.
pub(super) fn reciprocal<T: Real>(x: T) -> T {
    let inverse = T::ONE / x;
    if x > T::ZERO && inverse.is_finite() { inverse } else { T::ZERO }
}

/// A value by index; zero beyond the end.
pub(super) fn at<T: Real>(values: &[T], index: usize) -> T {
    values.get(index).copied().unwrap_or(T::ZERO)
}

/// The slots in use.
pub(super) fn used<T>(values: &[T], len: usize) -> &[T] {
    values.get(..len).unwrap_or(values)
}

/// Writes a value by index.
pub(super) fn put<T>(values: &mut [T], index: usize, value: T) {
    if let Some(place) = values.get_mut(index) {
        *place = value;
    }
}

/// An index by index; [`OUTSIDE`] beyond the end.
pub(super) fn index_at(indices: &[u32], index: usize) -> u32 {
    indices.get(index).copied().unwrap_or(OUTSIDE)
}

/// Elements looked at together where few are not zero.
pub(super) const TOGETHER: usize = 16;

/// The elements that are not zero, with their index.
pub(super) fn nonzeros<T: Real>(x: &[T]) -> impl Iterator<Item = (usize, T)> + '_ {
    // Not `chunks`: outlined, it divides by a length that could be 0.
    let (parts, rest) = x.as_chunks::<TOGETHER>();
    // Bits of all of them, which take no branch; those of −0 let it be looked at.
    let any = |part: &[T; TOGETHER]| part.iter().fold(0, |any, x| any | x.bits()) != 0;
    let parts = parts.iter().enumerate().filter(move |(_, part)| any(part));
    let parts =
        parts.map(|(k, part)| (k, part.as_slice())).chain(core::iter::once((x.len() / TOGETHER, rest)));
    let each = parts.flat_map(|(k, part)| {
        part.iter().enumerate().map(move |(i, &x)| (k.saturating_mul(TOGETHER).saturating_add(i), x))
    });
    each.filter(|(_, x)| *x != T::ZERO)
}

/// Moves the first `len` numbers of a row to where it begins with a longer stride.
fn move_up<T: Real>(matrix: &mut [T], row: usize, len: usize, (old, new): (usize, usize)) {
    for column in (0..len).rev() {
        let value = at(matrix, row * old + column);
        put(matrix, row * new + column, value);
    }
}

/// An index that is known to fit.
#[allow(clippy::cast_possible_truncation)]
pub(super) fn short(index: usize) -> u32 {
    index as u32
}

impl<'w, T: Real> WorkingSet<'w, T> {
    pub(super) fn new(
        capacity: usize,
        [columns, filled, support, rank, head]: [&'w mut [u32]; INDICES],
        [x, before, slope, diagonal, inverse, threshold, direction, radius]: [&'w mut [T]; REALS],
        [gram, factor]: [&'w mut [T]; 2],
    ) -> Self {
        Self {
            len: 0,
            capacity,
            stride: 0,
            columns,
            filled,
            gram,
            x,
            before,
            slope,
            diagonal,
            inverse,
            threshold,
            support,
            support_len: 0,
            factored: 0,
            rank,
            factor,
            direction,
            head,
            radius,
        }
    }

    /// Makes room in the rows for so many slots.
    pub(super) fn make_room(&mut self, slots: usize) {
        let old = self.stride;
        if slots <= old {
            return;
        }
        // Half as many again, and no power of two between the rows: those would meet in the cache.
        let new = (slots + slots / 2).next_multiple_of(16).saturating_add(8).min(self.capacity);
        for row in (0..self.len).rev() {
            let known = index_at(self.filled, row) as usize;
            move_up(self.gram, row, known, (old, new));
        }
        for row in (0..self.factored).rev() {
            move_up(self.factor, row, row + 1, (old, new));
        }
        self.stride = new;
    }

    /// Takes a column in, as a member of the group whose first slot is `head`; false if there is no room.
    pub(super) fn push(&mut self, column: usize, head: usize, x: T, threshold: T) -> bool {
        if self.len >= self.capacity {
            return false;
        }
        let slot = self.len;
        put(self.columns, slot, short(column));
        put(self.filled, slot, 0);
        put(self.rank, slot, OUTSIDE);
        put(self.head, slot, short(head));
        put(self.x, slot, x);
        put(self.threshold, slot, threshold);
        self.len += 1;
        true
    }

    /// Lets go of the slots that `keep` does not want, in the order that they have; what is known of the Gram matrix
    /// and the factor stays known. `old` is scratch of the capacity's length. Not for groups.
    pub(super) fn retain(&mut self, place: &mut [u32], old: &mut [u32], mut keep: impl FnMut(u32) -> bool) {
        let (len, stride) = (self.len, self.stride);
        let mut kept = 0;
        for slot in 0..len {
            let column = index_at(self.columns, slot);
            let stays = keep(column);
            put(place, column as usize, if stays { short(kept) } else { OUTSIDE });
            if stays {
                put(old, kept, short(slot));
                kept += 1;
            }
        }
        // Members of the support that do not stay are zero: they leave it when it is next looked at.
        for slot in self.support.iter_mut().take(self.support_len) {
            *slot = index_at(place, index_at(self.columns, *slot as usize) as usize);
        }
        for new in 0..kept {
            let from = index_at(old, new) as usize;
            for indices in [&mut *self.columns, &mut *self.rank] {
                let index = index_at(indices, from);
                put(indices, new, index);
            }
            put(self.head, new, short(new));
            for values in [
                &mut *self.x,
                &mut *self.slope,
                &mut *self.diagonal,
                &mut *self.inverse,
                &mut *self.threshold,
            ] {
                let value = at(values, from);
                put(values, new, value);
            }
            let filled = index_at(self.filled, from);
            let mut known = 0;
            for (column, &from_column) in old.iter().enumerate().take(kept) {
                if from_column >= filled {
                    break;
                }
                let entry = at(self.gram, from * stride + from_column as usize);
                put(self.gram, new * stride + column, entry);
                known += 1;
            }
            put(self.filled, new, known);
        }
        self.len = kept;
    }

    /// No row of the factor is right any more, and the support is not known.
    pub(super) fn forget_factor(&mut self) {
        self.rank.iter_mut().for_each(|rank| *rank = OUTSIDE);
        (self.support_len, self.factored) = (0, 0);
    }

    /// Nothing of the Gram matrix is right any more.
    pub(super) fn forget_gram(&mut self) {
        self.filled.iter_mut().for_each(|filled| *filled = 0);
    }

    /// The entry of the Gram matrix, if the row is known.
    pub(super) fn entry(&self, slot: usize, other: usize) -> T {
        at(self.gram, slot * self.stride + other)
    }

    /// The slots of the group that begins at `head`.
    pub(super) fn group(&self, head: usize) -> core::ops::Range<usize> {
        let mut end = head + 1;
        while end < self.len && index_at(self.head, end) as usize == head {
            end += 1;
        }
        head..end
    }

    /// Whether a row of the Gram matrix is known.
    pub(super) fn knows(&self, slot: usize) -> bool {
        index_at(self.filled, slot) as usize >= self.len
    }

    /// Σ t_i |w_i| or Σ t_g ‖w_g‖
    pub(super) fn penalty(&self) -> T {
        let (mut sum, mut head) = (T::ZERO, 0);
        while head < self.len {
            let slots = self.group(head);
            head = slots.end;
            let x = self.x.get(slots.clone()).unwrap_or(&[]);
            let size = match x {
                [x] => x.abs(),
                _ => vector::dot(x, x).sqrt(),
            };
            sum += at(self.threshold, slots.start) * size;
        }
        sum
    }

    /// Sets the diagonal of a slot.
    pub(super) fn set_diagonal(&mut self, slot: usize, value: T) {
        put(self.diagonal, slot, value);
        put(self.inverse, slot, reciprocal(value));
    }

    /// Makes row `slot` of the Gram matrix known. Cost: a product with a column for each entry that is neither
    /// known here nor in the row of that column.
    pub(super) fn fill<A: Design<T>>(&mut self, slot: usize, columns: &mut Columns<'_, '_, T, A>) {
        let (len, stride) = (self.len, self.stride);
        let known = index_at(self.filled, slot) as usize;
        if known >= len {
            return;
        }
        // Products that are missing, some at a time.
        let (mut others, mut lot, mut count) = ([0; TOGETHER], [0; TOGETHER], 0);
        let mut spread = false;
        for other in known..len {
            let entry = if other == slot {
                at(self.diagonal, slot)
            } else if index_at(self.filled, other) as usize > slot {
                at(self.gram, other * stride + slot)
            } else {
                put(&mut others, count, other);
                put(&mut lot, count, index_at(self.columns, other));
                count += 1;
                T::ZERO
            };
            put(self.gram, slot * stride + other, entry);
            if count == TOGETHER || (count > 0 && other + 1 == len) {
                if !spread {
                    columns.spread(index_at(self.columns, slot) as usize);
                    spread = true;
                }
                let mut products = [T::ZERO; TOGETHER];
                columns.products(lot.get(..count).unwrap_or(&lot), &mut products);
                for (&other, &product) in others.iter().zip(&products).take(count) {
                    put(self.gram, slot * stride + other, product);
                }
                count = 0;
            }
        }
        put(self.filled, slot, short(len));
    }

    /// w_slot ← w_slot + δ, and the slopes follow, or the residual that they come from. The row must be known, then.
    pub(super) fn shift<A: Design<T>>(&mut self, slot: usize, delta: T, columns: &mut Columns<'_, '_, T, A>) {
        if !columns.residual.is_empty() {
            columns.follow(index_at(self.columns, slot) as usize, delta);
            if let Some(x) = self.x.get_mut(slot) {
                *x += delta;
            }
            return;
        }
        let from = slot * self.stride;
        let row = self.gram.get(from..from + self.len).unwrap_or(&[]);
        vector::axpy(-delta, row, self.slope);
        if let Some(x) = self.x.get_mut(slot) {
            *x += delta;
        }
    }
}

/// The columns of a problem as products need them: less their means with an intercept, weighted by the curvature
/// of a logistic loss.
#[derive(Debug)]
pub(super) struct Columns<'c, 'a, T, A> {
    pub(super) problem: &'c Problem<'a, T, A>,
    /// Means, if the problem has an intercept.
    pub(super) means: &'c [T],
    /// The second derivatives of the losses, if they are not 1.
    pub(super) curvature: &'c [T],
    /// n
    pub(super) spread: &'c mut [T],
    /// ρ less diag(curvature) A times what w has moved by: slopes are products with it. Empty where the Gram matrix
    /// keeps them.
    pub(super) residual: &'c mut [T],
    /// Products so far.
    pub(super) visits: u64,
}

impl<T: Real, A: Design<T>> Columns<'_, '_, T, A> {
    /// Writes a column out, ready for products.
    pub(super) fn spread(&mut self, column: usize) {
        self.spread.fill(T::ZERO);
        self.problem.design.add_scaled(column, T::ONE, self.spread);
        if self.problem.intercept {
            let mean = at(self.means, column);
            self.spread.iter_mut().for_each(|a| *a -= mean);
        }
        if !self.curvature.is_empty() {
            vector::multiply(self.curvature, self.spread);
        }
    }

    /// a_jᵀ residual − ridge·w_j
    pub(super) fn slope(&mut self, column: usize, x: T) -> T {
        self.visits += 1;
        self.problem.design.dot(column, self.residual) - self.problem.ridge * x
    }

    /// What the residual becomes as w_j moves by δ.
    pub(super) fn follow(&mut self, column: usize, delta: T) {
        self.visits += 1;
        let mean = at(self.means, column);
        if !self.curvature.is_empty() {
            self.problem.design.add_weighted(column, -delta, self.curvature, self.residual);
            if self.problem.intercept {
                vector::axpy(delta * mean, self.curvature, self.residual);
            }
            return;
        }
        self.problem.design.add_scaled(column, -delta, self.residual);
        if self.problem.intercept {
            self.residual.iter_mut().for_each(|rho| *rho += delta * mean);
        }
    }

    /// The products of columns with the one that was written out.
    pub(super) fn products(&mut self, columns: &[u32], products: &mut [T]) {
        self.visits += columns.len() as u64;
        self.problem.design.dots(columns, self.spread, products);
    }

    /// The product of a column with the one that was written out.
    pub(super) fn product(&mut self, column: usize) -> T {
        self.visits += 1;
        self.problem.design.dot(column, self.spread)
    }
}
