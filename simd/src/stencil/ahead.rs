//! Rows of a grid that comes from memory are asked for before they are reached.

use crate::prefetch::{ask_pages, is_from_memory};

/// Bytes of rows to which hints pay: shorter ones end before what they asked for has come, longer ones ask for more than
/// may be under way.
const ROW: core::ops::RangeInclusive<usize> = 1 << 10..=1 << 17;

/// Cells of a row whose successors are asked for; 0 if none are.
#[derive(Clone, Copy)]
pub(super) struct Ahead(usize);

impl Ahead {
    #[inline(always)]
    pub(super) fn new<T>(columns: usize, x: &[T]) -> Self {
        let far = is_from_memory(x) && ROW.contains(&columns.saturating_mul(size_of::<T>()));
        Self(if far { columns } else { 0 })
    }

    /// Asks for what a row needs that comes soon: x two rows further, for the next one reads the one after it, and the
    /// right-hand side one row further.
    #[inline(always)]
    pub(super) fn ask<T>(self, row: usize, x: &[T], rhs: &[T]) {
        if self.0 > 0 {
            let of = |x: &[T], row: usize| ask_pages(x.get(row * self.0..(row + 1) * self.0).unwrap_or(&[]));
            of(x, row + 2);
            of(rhs, row + 1);
        }
    }
}
