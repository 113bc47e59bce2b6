//! The view of a sparse matrix that carries the proof that every entry has its place.
//!
//! Unsafe, as little else of the crate. A compare at every entry costs up to two fifths of a product with a
//! five-point matrix that is in cache (2.4 against 1.5 ns a row) and a tenth to a quarter of a sweep; so
//! the columns are compared once, when the view is made, and a vector once a row.
#![allow(unsafe_code)]

use pulp::{Simd, WithSimd};

use crate::Real;
use crate::dispatch::dispatch;
use crate::prefetch::Entries;

/// A matrix in compressed sparse row form whose indices have been checked: row i holds entries
/// `offsets[i]..offsets[i + 1]`. Columns increase within a row where a pass says so. The columns of a
/// matrix by columns (CSC) are the rows of such a view as well.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a, T> {
    // Invariants: `offsets` does not decrease and its last entry is at most `columns.len()`, which is
    // `values.len()`; every column is below `width`.
    offsets: &'a [u32],
    columns: &'a [u32],
    values: &'a [T],
    width: usize,
}

/// A sparse vector whose indices have been checked: a row of [`Rows`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a, T> {
    // Invariants: as many columns as values; every column is below `width`.
    columns: &'a [u32],
    values: &'a [T],
    width: usize,
}

impl<'a, T: Real> Rows<'a, T> {
    /// A view of a matrix with `width` columns, or `None` if an offset decreases or reaches beyond the
    /// entries, if columns and values are not equally many, or if a column is not below `width`. No
    /// offsets are no rows. Cost: one pass over offsets and columns.
    #[must_use]
    pub fn new(offsets: &'a [u32], columns: &'a [u32], values: &'a [T], width: usize) -> Option<Self> {
        // A plain loop: the optimiser does not see that `is_sorted` cannot panic.
        let mut last = 0;
        for &offset in offsets {
            if offset < last {
                return None;
            }
            last = offset;
        }
        let Row { columns, values, width } = Row::new(columns, values, width)?;
        (last as usize <= columns.len()).then_some(Self { offsets, columns, values, width })
    }

    /// The same, and `None` as well if columns do not increase within a row. Cost: one pass over offsets and columns.
    #[must_use]
    pub fn ascending(offsets: &'a [u32], columns: &'a [u32], values: &'a [T], width: usize) -> Option<Self> {
        if columns.len() != values.len() {
            return None;
        }
        // Columns fail to rise nowhere but where a row begins.
        let (falls, largest) = dispatch(Falls { columns });
        let (mut between, mut last) = (0_u32, 0_u32);
        for &begin in offsets {
            if begin < last {
                return None;
            }
            // An empty row begins where the one before it does.
            if begin > last
                && let Some(&[a, b]) =
                    columns.get((begin as usize).wrapping_sub(1)..).and_then(<[u32]>::first_chunk)
            {
                between = between.wrapping_add(u32::from(a >= b));
            }
            last = begin;
        }
        let inside = columns.is_empty() || (largest as usize) < width;
        let sound = falls == between && inside && last as usize <= columns.len();
        sound.then_some(Self { offsets, columns, values, width })
    }

    /// Rows.
    #[inline(always)]
    #[must_use]
    pub fn count(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// Columns of the matrix.
    #[inline(always)]
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Where the rows begin, and where the last one ends.
    #[inline(always)]
    #[must_use]
    pub fn offsets(&self) -> &'a [u32] {
        self.offsets
    }

    /// The column of every entry.
    #[inline(always)]
    #[must_use]
    pub fn columns(&self) -> &'a [u32] {
        self.columns
    }

    /// The value of every entry.
    #[inline(always)]
    #[must_use]
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// Consecutive rows as a view of their own, as many of them as there are.
    #[inline]
    #[must_use]
    pub fn part(&self, rows: core::ops::Range<usize>) -> Self {
        let end = rows.end.min(self.count());
        // Neighbours stay neighbours, and the last offset is no larger than that of the whole.
        Self { offsets: self.offsets.get(rows.start..=end).unwrap_or(&[]), ..*self }
    }

    /// Row `row`; empty if there is no such row.
    #[inline(always)]
    #[must_use]
    pub fn row(&self, row: usize) -> Row<'a, T> {
        match self.offsets.get(row..row.saturating_add(2)) {
            Some(&[from, to]) => self.between(from, to),
            _ => Row { columns: &[], values: &[], width: self.width },
        }
    }

    /// All rows, first to last, at most `most` of them.
    #[inline(always)]
    pub(super) fn iter(
        &self,
        most: usize,
    ) -> impl DoubleEndedIterator<Item = Row<'a, T>> + ExactSizeIterator + use<'a, T> {
        let this = *self;
        let offsets = self.offsets.get(..=most.min(self.count())).unwrap_or(&[]);
        // A pair of neighbours: `array_windows` is not there yet.
        offsets.windows(2).map(move |pair| match *pair {
            [from, to] => this.between(from, to),
            _ => Row { columns: &[], values: &[], width: this.width },
        })
    }

    /// All rows, first to last, at most `most` of them; where they come from memory, each page of entries asks for the
    /// beginning of one further on.
    #[inline(always)]
    pub(super) fn iter_ahead(&self, most: usize) -> impl Iterator<Item = Row<'a, T>> + use<'a, T> {
        let this = *self;
        let mut entries = Entries::default();
        let offsets = self.offsets.get(..=most.min(self.count())).unwrap_or(&[]);
        offsets.windows(2).map(move |pair| match *pair {
            [from, to] => {
                entries.ask(from as usize, this.columns, this.values);
                this.between(from, to)
            }
            _ => Row { columns: &[], values: &[], width: this.width },
        })
    }

    /// The view with a vector for its products; `None` if that is shorter than the width.
    #[inline(always)]
    pub(super) fn beside<'x>(&self, x: &'x [T]) -> Option<Beside<'a, 'x, T>> {
        (x.len() >= self.width).then_some(Beside { rows: *self, x })
    }

    /// The entries between two neighbouring offsets of this view.
    #[inline(always)]
    fn between(&self, from: u32, to: u32) -> Row<'a, T> {
        let range = from as usize..to as usize;
        // SAFETY: both are neighbours in `offsets`, so from ≤ to ≤ the last offset ≤ columns.len() =
        // values.len() by the invariants, which `new` has checked. Private: nothing else calls it.
        let (columns, values) =
            unsafe { (self.columns.get_unchecked(range.clone()), self.values.get_unchecked(range)) };
        Row { columns, values, width: self.width }
    }
}

impl<'a, T: Real> Row<'a, T> {
    /// A sparse vector of dimension `width`, or `None` if indices and values are not equally many or an
    /// index is not below `width`. Cost: one pass over the indices.
    #[must_use]
    pub fn new(indices: &'a [u32], values: &'a [T], width: usize) -> Option<Self> {
        let most = indices.iter().fold(0, |most, &index| most.max(index));
        let inside = indices.is_empty() || (most as usize) < width;
        (inside && indices.len() == values.len()).then_some(Self { columns: indices, values, width })
    }

    /// The columns, in the order that they were given in.
    #[inline(always)]
    #[must_use]
    pub fn columns(&self) -> &'a [u32] {
        self.columns
    }

    /// The value of every entry.
    #[inline(always)]
    #[must_use]
    pub fn values(&self) -> &'a [T] {
        self.values
    }

    /// Every entry as (column, value, element of x in that column); none if x is shorter than the width.
    #[inline(always)]
    pub(super) fn with<'x>(
        self,
        x: &'x [T],
    ) -> impl DoubleEndedIterator<Item = (u32, T, T)> + ExactSizeIterator + use<'a, 'x, T> {
        let (columns, values) =
            if x.len() >= self.width { (self.columns, self.values) } else { (&[][..], &[][..]) };
        columns.iter().zip(values).map(move |(&column, &value)| {
            // SAFETY: the column is below the width by the invariant, which `new` has checked, and the
            // width is at most x.len(), or there would be no column here.
            (column, value, unsafe { *x.get_unchecked(column as usize) })
        })
    }

    /// Four entries at a time, each with its element of x, and what is left; nothing if x is shorter than
    /// the width.
    #[inline(always)]
    pub(super) fn fours<'x>(
        self,
        x: &'x [T],
    ) -> (impl Iterator<Item = ([T; 4], [T; 4])> + use<'a, 'x, T>, Self) {
        let row = if x.len() >= self.width { self } else { Self { columns: &[], values: &[], ..self } };
        let (columns, columns_left) = row.columns.as_chunks::<4>();
        let (values, values_left) = row.values.as_chunks::<4>();
        let fours = columns.iter().zip(values).map(move |(columns, &values)| {
            // SAFETY: as in `with`, for each of the four.
            (values, columns.map(|column| unsafe { *x.get_unchecked(column as usize) }))
        });
        (fours, Self { columns: columns_left, values: values_left, width: self.width })
    }

    /// Every entry as (value, place of y in that column), to change it; none if y is shorter than the width.
    #[inline(always)]
    pub(super) fn change(self, y: &mut [T], mut change: impl FnMut(T, &mut T)) {
        if y.len() < self.width {
            return;
        }
        for (&column, &value) in self.columns.iter().zip(self.values) {
            // SAFETY: as in `with`: column < width ≤ y.len().
            change(value, unsafe { y.get_unchecked_mut(column as usize) });
        }
    }
}

/// A matrix and a vector that is no shorter than it is wide.
#[derive(Clone, Copy)]
pub(super) struct Beside<'a, 'x, T> {
    // Invariant: x.len() ≥ rows.width.
    rows: Rows<'a, T>,
    x: &'x [T],
}

impl<'a, 'x, T: Real> Beside<'a, 'x, T> {
    /// A row as [`Row::fours`] has it; what is left as a group that is filled up with entries of rows behind, so that all rows are
    /// read alike; and how many entries of that group are the row's own. `None` if nothing is behind, or there is no such row.
    #[inline(always)]
    #[allow(clippy::type_complexity)] // What it is is said above.
    pub(super) fn row(
        &self,
        row: usize,
    ) -> Option<(impl Iterator<Item = ([T; 4], [T; 4])> + use<'a, 'x, T>, ([T; 4], [T; 4]), usize)> {
        let Rows { offsets, columns, values, .. } = self.rows;
        let (&[from, to], _) = offsets.get(row..)?.split_first_chunk::<2>()?;
        let (from, to) = (from as usize, to as usize);
        let last = to - (to - from) % 4;
        if last + 4 > columns.len() {
            return None;
        }
        let x = self.x;
        let read = move |(columns, &values): (&[u32; 4], &[T; 4])| {
            // SAFETY: every column of the view is below the width, which is at most x.len(), by the invariants.
            (values, columns.map(|column| unsafe { *x.get_unchecked(column as usize) }))
        };
        // SAFETY: from ≤ last ≤ to by the invariants of the view, and last + 4 ≤ columns.len() = values.len(), as has just been seen.
        let (own, own_values, rest, rest_values) = unsafe {
            (
                columns.get_unchecked(from..last),
                values.get_unchecked(from..last),
                columns.get_unchecked(last..last + 4),
                values.get_unchecked(last..last + 4),
            )
        };
        let (rest, rest_values) = (rest.first_chunk()?, rest_values.first_chunk()?);
        let fours = own.as_chunks::<4>().0.iter().zip(own_values.as_chunks::<4>().0).map(read);
        Some((fours, read((rest, rest_values)), to - last))
    }
}

/// How often a column is followed by one that is not larger, and the largest of all.
struct Falls<'a> {
    columns: &'a [u32],
}

impl WithSimd for Falls<'_> {
    type Output = (u32, u32);
    // A loop without branches, which the compiler turns into the registers at hand.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> (u32, u32) {
        let (mut falls, mut largest) = (0_u32, self.columns.last().copied().unwrap_or(0));
        let next = self.columns.get(1..).unwrap_or(&[]);
        for (&a, &b) in self.columns.iter().zip(next) {
            falls = falls.wrapping_add(u32::from(a >= b));
            largest = largest.max(a);
        }
        (falls, largest)
    }
}

/// `by_rows!(all in rows, most; { loop })`: a loop over all rows, that asks ahead where they come from memory; in cache the
/// question at every row would cost a tenth.
macro_rules! by_rows {
    ($all:ident in $rows:expr, $most:expr; $loop:block) => {
        if crate::paths::is_from_memory($rows.values()) {
            let $all = $rows.iter_ahead($most);
            $loop
        } else {
            let $all = $rows.iter($most);
            $loop
        }
    };
}
pub(super) use by_rows;
