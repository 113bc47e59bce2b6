//! The same of rows of dense matrices.

use pulp::Simd;

use super::{FROM_MEMORY, has_registers, narrow};
use crate::LANES;
#[cfg(feature = "force-level")]
use crate::level;
use crate::vectors::lanes;

/// How rows of a dense matrix come from memory best.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rows {
    /// As they come: the matrix is in a cache, or its rows are too short for a hint to each.
    Plain,
    /// One after the other, as one stream; the processor stops at the end of a page of memory, so each asks for the
    /// beginning of the one after the next, which is not far from the next page's.
    One,
    /// Eight beside one another, as eight streams, which ask for the beginnings of the next eight.
    Eight,
}

/// Bytes of a row that are worth a hint, and up to which one row at a time is best, for products, for sums of rows, and for
/// both in one reading.
pub(crate) const DOTS: [usize; 2] = [256, 12 << 10];
pub(crate) const SUMS: [usize; 2] = [256, 8 << 10];
pub(crate) const BOTH: [usize; 2] = [512, 1 << 10];
/// Bytes of a row up to which eight that are multiplied and added together stay in half of the second cache; else four do.
const EIGHT_STAY: usize = 48 << 10;
/// Bytes of a row up to which rows are multiplied first and added then.
const AT_ONCE: usize = 3 << 10;
/// Bytes of a row from which on eight are added up together in registers of 512 bits.
const EIGHT_SUMS: usize = (8 << 10) + 1;
/// Bytes of a row up to which all of the next rows are asked for while these are added; more would be in the way of these.
const ASKED_WHOLE: usize = 12 << 10;

impl Rows {
    /// Of a matrix with these values.
    #[inline(always)]
    pub(crate) fn of<T, S: Simd>(values: &[T], columns: usize, [shortest, longest]: [usize; 2]) -> Self {
        #[cfg(feature = "force-level")]
        match level::forced_far() {
            Some(1) => return Self::One,
            Some(_) => return Self::Eight,
            None => {}
        }
        let row = columns.saturating_mul(size_of::<T>());
        if S::IS_SCALAR || size_of_val(values) < FROM_MEMORY || row < shortest {
            Self::Plain
        } else if row <= longest {
            Self::One
        } else {
            Self::Eight
        }
    }

    /// Whether eight products of a row are formed together: from cache too, where x takes up the first.
    #[inline(always)]
    pub(crate) fn dots_by_eight<T, S: Simd>(self, columns: usize) -> bool {
        self == Self::Eight || has_registers::<S>() && columns.saturating_mul(size_of::<T>()) >= 16 << 10
    }

    /// Whether four products of a row from cache share what they cost beside their loops. Rows of 256 B to 2 KiB took 0.7 to
    /// 0.9 of the time on a core with AVX2 and half of it in `f32`. In registers of 512 bits, of which a row of 2 KiB fills 32,
    /// rows of 512 B took 0.5 to 0.67 of it, and longer ones came faster as one stream.
    #[inline(always)]
    pub(crate) fn dots_by_four<T: crate::Real, S: Simd>(self, columns: usize) -> bool {
        let longest = if are_narrow::<T, S>() { (16 << 10) - 1 } else { FOUR };
        self == Self::Plain && has_registers::<S>() && narrow::<T>(columns, longest)
    }

    /// Whether four rows from cache do so that are added up.
    #[inline(always)]
    pub(crate) fn sums_by_four<T: crate::Real, S: Simd>(self, columns: usize) -> bool {
        let longest = if are_narrow::<T, S>() { 8 << 10 } else { EIGHT_SUMS };
        self == Self::Plain && has_registers::<S>() && narrow::<T>(columns, longest - 1)
    }

    /// Whether eight rows are added up together: from the third cache too in registers of 512 bits, where four streams brought
    /// 57 to 70 GB/s and eight 70 to 78.
    #[inline(always)]
    pub(crate) fn sums_by_eight<T: crate::Real, S: Simd>(self, columns: usize) -> bool {
        self == Self::Eight
            || self == Self::Plain
                && has_registers::<S>()
                && !are_narrow::<T, S>()
                && !narrow::<T>(columns, EIGHT_SUMS - 1)
    }

    /// Whether rows that are multiplied and added go eight together.
    #[inline(always)]
    pub(crate) fn both_by_eight<T>(self, columns: usize) -> bool {
        self == Self::Eight && narrow::<T>(columns, EIGHT_STAY)
    }

    /// Whether four rows are multiplied while the four before are added. A core with AVX2 that reads 24 GB/s reads rows of
    /// 8 to 64 KiB at 0.8 to 1 of that so, at 0.6 to 0.85 of it one after the other; on cores with AVX-512 that read 40 to
    /// 70 GB/s the streams got in each other's way.
    #[inline(always)]
    pub(crate) fn both_at_once<T: crate::Real, S: Simd>(self, columns: usize) -> bool {
        #[cfg(feature = "force-level")]
        if let Some(forced) = level::forced_far() {
            return forced == 4;
        }
        self == Self::Eight && !narrow::<T>(columns, AT_ONCE) && are_narrow::<T, S>()
    }

    /// The share of the next rows that is asked for while rows are added: one in so many elements; none if 0.
    #[inline(always)]
    pub(crate) fn asked<T>(self, columns: usize) -> usize {
        match self {
            Self::Eight if narrow::<T>(columns, ASKED_WHOLE) => 1,
            Self::Eight => 4,
            Self::Plain | Self::One => 0,
        }
    }

    /// Whether rows that are multiplied and added go four together.
    #[inline(always)]
    pub(crate) fn both_by_four<S: Simd>(self) -> bool {
        has_registers::<S>() && self != Self::One
    }
}

/// Whether rows are so short that four which are multiplied share more than two which ask for the next two gain, which is nothing
/// in registers of 512 bits.
#[inline(always)]
pub(crate) fn are_short<T: crate::Real, S: Simd>(columns: usize) -> bool {
    narrow::<T>(columns, 1536) || !are_narrow::<T, S>()
}

/// Whether two rows that are multiplied ask for the next two, as the first cache holds both: else they drive one another out,
/// and the third cache gives 50 GB/s instead of 70.
#[inline(always)]
pub(crate) fn ask_for_two<T>(columns: usize) -> bool {
    narrow::<T>(columns, TWO)
}

/// Whether rows from memory that are multiplied while others are added ask for what they read next: 1.05 to 1.1 times as fast
/// for two registers a line, 0.95 to 1 for one.
#[inline(always)]
pub(crate) fn asks_within_rows<T>() -> bool {
    size_of::<T>() >= 8
}

/// How rows from cache that are multiplied and added go together.
#[derive(Clone, Copy)]
pub(crate) struct Together {
    /// Four, rather than two.
    pub(crate) are_four: bool,
    /// The next ones are asked for.
    pub(crate) ask: bool,
}

/// Bytes of a row up to which the first cache holds four of them, as many that come next, and two vectors; the same of two; and
/// of a matrix that it holds anyway.
const FOUR: usize = 3 << 10;
const TWO: usize = 6 << 10;
const FIRST: usize = 32 << 10;

impl Together {
    /// Of a matrix with these values.
    #[inline(always)]
    pub(crate) fn of<T>(values: &[T], columns: usize) -> Self {
        Self {
            are_four: narrow::<T>(columns, FOUR),
            ask: ask_for_two::<T>(columns) && size_of_val(values) > FIRST,
        }
    }
}

/// Whether the sum of rows in cache is best formed of two rows at a time rather than of four.
#[inline(always)]
pub(crate) fn sum_in_pairs<T>(columns: usize) -> bool {
    (1 << 10..1 << 14).contains(&columns.saturating_mul(size_of::<T>()))
}

/// Whether there are registers, and of 256 bits at most.
#[inline(always)]
fn are_narrow<T: crate::Real, S: Simd>() -> bool {
    has_registers::<S>() && lanes::<T, S>() * size_of::<T>() <= 32
}

/// Whether the running sums of that many rows leave half of the registers.
#[inline(always)]
pub(crate) fn have_room<T: crate::Real, S: Simd>(rows: usize) -> bool {
    2 * rows * LANES / lanes::<T, S>().max(1) <= S::REGISTER_COUNT
}

/// Whether four rows are read side by side though their sums find no room: memory gives four streams more than two, and waits longer
/// than the first cache, in which the sums are.
#[inline(always)]
pub(crate) fn may_spill<T: crate::Real, S: Simd>(columns: usize) -> bool {
    are_narrow::<T, S>() && !narrow::<T>(columns, 12 << 10)
}

/// Whether what is left of rows after whole blocks takes four products more than they share: half of the one register that holds
/// all lanes of a sum, or more.
#[inline(always)]
pub(crate) fn rest_is_dear<T: crate::Real, S: Simd>(columns: usize) -> bool {
    lanes::<T, S>() == LANES && columns % LANES >= LANES / 2
}
