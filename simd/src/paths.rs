//! Which of several paths a pass takes, all of which give the same bits: by the size of what it is given, by the registers, by
//! the machine.
//!
//! That is all that is here, so that nothing here changes a result. The tests run every path: `force_level` chooses the
//! registers and rules the short ways out, `force_bare` takes the loops of cores without an operating system, `force_far` what
//! is for vectors from memory, and sizes lie on both sides of the other limits. Mutants of this file are therefore not counted
//! (`mutants/README.md`).

mod dense;

use pulp::Simd;

pub(crate) use dense::{
    BOTH, DOTS, Rows, SUMS, Together, are_short, ask_for_two, asks_within_rows, have_room, may_spill,
    rest_is_dear, sum_in_pairs,
};

use crate::LANES;
#[cfg(feature = "force-level")]
use crate::level;
use crate::stencil::{Coefficients, Grid, ROWS, WINDOW};
use crate::vectors::lanes;

/// Whether this is a core without an operating system, where flash counts and little hides behind what.
#[inline(always)]
pub(crate) fn is_bare_target() -> bool {
    #[cfg(feature = "force-level")]
    if level::is_bare_forced() {
        return true;
    }
    cfg!(target_os = "none")
}

/// Whether passes of an instruction set go by short loops: such a core, without vectors.
#[inline(always)]
pub(crate) fn is_bare<S: Simd>() -> bool {
    S::IS_SCALAR && is_bare_target()
}

/// The same of a token.
#[inline(always)]
pub(crate) fn is_bare_token<S: Simd>(_simd: S) -> bool {
    is_bare::<S>()
}

/// Whether that is so whatever [`dispatch`](crate::dispatch) would say.
#[inline(always)]
pub(crate) fn is_bare_core() -> bool {
    let arch = cfg!(any(target_arch = "arm", target_arch = "riscv32", target_arch = "riscv64"));
    is_bare_target() && (arch || cfg!(feature = "force-level"))
}

/// Whether the compiler's own registers of 128 bits are there to go without wider ones.
#[inline(always)]
fn is_host() -> bool {
    cfg!(feature = "std") && !is_bare_target()
}

/// Whether a host has come without registers for this: the compiler makes them of a plain loop.
#[inline(always)]
pub(crate) fn is_loop<S: Simd>(_simd: S) -> bool {
    S::IS_SCALAR && is_host()
}

/// Whether there are registers at all.
#[inline(always)]
pub(crate) fn has_registers<S: Simd>() -> bool {
    !S::IS_SCALAR
}

/// Whether a test has chosen the instruction set of this thread: then nothing goes without, however short.
#[inline(always)]
pub(crate) fn is_forced() -> bool {
    #[cfg(feature = "force-level")]
    return level::forced().is_some();
    #[cfg(not(feature = "force-level"))]
    false
}

/// Whether a pass over so few elements does not dispatch: the call into the code of an instruction set
/// costs as much as they do. The results are the same, as everywhere.
#[inline(always)]
pub(crate) fn few<T>(x: &[T]) -> bool {
    x.len() < LANES
}

/// Whether a pass that moves more than it computes is short enough to go without: up to so many elements, the
/// registers of 128 bits that every host has take no longer than the call.
#[inline(always)]
pub(crate) fn brief<T>(x: &[T], most: usize) -> bool {
    x.len() <= most
}

/// The same of a sum, which is as long as its lanes at most.
#[inline(always)]
pub(crate) fn fills_lanes<T>(x: &[T]) -> bool {
    x.len() <= LANES
}

/// The same in bytes, for a pass that computes more.
#[inline(always)]
pub(crate) fn slight<T>(x: &[T]) -> bool {
    size_of_val(x) <= 128
}

/// The same for exponentials and logarithms: from four elements on, that fill a register or are padded to one, they are worth
/// a call.
#[inline(always)]
pub(crate) fn very_few<T>(x: &[T]) -> bool {
    x.len() < 4
}

/// The same for sums of exponentials, whose lanes take as long as some of them.
#[inline(always)]
pub(crate) fn too_few<T>(x: &[T]) -> bool {
    x.len() < 8
}

/// Whether elements fill no register of 512 bits, so that they had better fill one of 256.
#[inline(always)]
pub(crate) fn fills_none<T>(x: &[T]) -> bool {
    size_of_val(x) < 64
}

/// Whether elements have a lane each, in which registers know the place of one.
#[inline(always)]
pub(crate) fn have_a_lane<T>(x: &[T]) -> bool {
    is_host() && fills_lanes(x)
}

/// Whether the rows of a matrix are so narrow that wide registers would not be filled.
#[inline(always)]
pub(crate) fn narrow<T>(columns: usize, bytes: usize) -> bool {
    columns.saturating_mul(size_of::<T>()) <= bytes
}

/// Whether there are so few points, or places for their costs, that a call into wide registers costs more than they save.
#[inline(always)]
pub(crate) fn few_points<T>(points: usize, out: &[T]) -> bool {
    narrow::<T>(points, 128) || few(out)
}

/// Whether the sums of four blocks of points stay in registers, with room for what is added.
#[inline(always)]
pub(crate) fn hold_four_blocks<T: crate::Real, S: Simd>() -> bool {
    4 * LANES / lanes::<T, S>().max(1) <= S::REGISTER_COUNT / 4
}

/// Bytes of what comes from memory: more than a core's share of the last cache.
const FROM_MEMORY: usize = 24 << 20;

/// Whether a vector comes from memory, and asking ahead pays.
#[inline(always)]
pub(crate) fn is_from_memory<T>(x: &[T]) -> bool {
    #[cfg(feature = "force-level")]
    if level::forced_far().is_some() {
        return true;
    }
    cfg!(target_arch = "x86_64") && size_of_val(x) >= FROM_MEMORY
}

/// Whether vectors from memory are asked for line by line, not page by page, where a register holds a line. On the machine with
/// such registers that this was read on, asking for pages takes up to a fourth longer, and for lines no longer than for none.
#[inline(always)]
pub(crate) fn asks_by_lines<S: Simd>() -> bool {
    cfg!(target_arch = "x86_64") && size_of::<S::f64s>() == 64
}

/// The same of a token.
#[inline(always)]
pub(crate) fn asks_by_lines_token<S: Simd>(_simd: S) -> bool {
    asks_by_lines::<S>()
}

/// Whether a pass goes without registers that hold a line, where it comes from memory and does not ask ahead: most such loops are
/// faster with narrower ones.
#[inline(always)]
pub(crate) fn is_far_off<T>(x: &[T]) -> bool {
    size_of_val(x) >= FROM_MEMORY
}

/// Bytes of a vector from which on asking ahead of a recurrence pays: below, the caches have it anyway.
const FAR: usize = 1 << 19;

/// Whether a vector is too long to be in cache when a pass comes to it.
#[inline(always)]
pub(crate) fn is_far<T>(x: &[T]) -> bool {
    is_from_memory(x) || cfg!(target_arch = "x86_64") && size_of_val(x) >= FAR
}

/// Whether registers are filled by four numbers, or by fewer.
#[inline(always)]
pub(crate) fn fill_with_four<T: crate::Real, S: Simd>() -> bool {
    has_registers::<S>() && lanes::<T, S>() <= 4
}

/// Whether a plain loop finds the largest product as fast as registers and a search for the place do.
#[inline(always)]
pub(crate) fn search_one_by_one<T>(x: &[T]) -> bool {
    is_host() && x.len() <= 2 * LANES && !is_forced()
}

/// The same of the largest element alone.
#[inline(always)]
pub(crate) fn fold_one_by_one<T, S: Simd>(x: &[T]) -> bool {
    is_bare::<S>() || few(x)
}

/// Whether weights are so few that to pass over groups of them costs more than to read them.
#[inline(always)]
pub(crate) fn read_all_weights<T>(x: &[T]) -> bool {
    size_of_val(x) < 6 << 10 && !is_forced()
}

/// Whether a block is too short for several comparisons side by side.
#[inline(always)]
pub(crate) fn compare_one<T>(x: &[T]) -> bool {
    x.len() < 4 * LANES
}

/// Whether half of the registers hold four comparisons side by side.
#[inline(always)]
pub(crate) fn compare_four<T: crate::Real, S: Simd>() -> bool {
    4 * LANES <= 8 * lanes::<T, S>()
}

/// Whether a list of the `k` largest is kept in order, rather than as a heap.
#[inline(always)]
pub(crate) fn keep_in_order<S: Simd>(k: usize) -> bool {
    k <= 64 && !is_bare::<S>()
}

/// Elements that are offered one by one to a list of the `k` largest, as most of them enter it.
#[inline(always)]
pub(crate) fn offered_first(k: usize) -> usize {
    (4 * LANES).max(8 * k)
}

/// Whether so few are looked at that all are.
#[inline(always)]
pub(crate) fn offers_all<T>(x: &[T], k: usize) -> bool {
    is_host() && !is_forced() && 0 < k && k <= 64 && x.len() <= offered_first(k)
}

/// Cells of a row up to which products with the star, red-black sweeps, and recurrences over couplings by cell go by
/// plain loops, without registers.
const PRODUCT: usize = 15;
const BY_COLOURS: usize = 64;
const BY_LINES: usize = 24;
const IN_ORDER: usize = 20;
/// Cells of a block of the recurrence over constant couplings.
const BLOCK: usize = 8;

/// Whether products with the star gain nothing from wide registers.
#[inline(always)]
pub(crate) fn small<T>(grid: &Grid<'_, T>) -> bool {
    is_host() && grid.columns <= PRODUCT
}

/// The same of red-black sweeps.
#[inline(always)]
pub(crate) fn small_by_colours<T>(grid: &Grid<'_, T>) -> bool {
    is_host() && grid.columns <= BY_COLOURS
}

/// The same of sweeps over lines, which wait for one another.
#[inline(always)]
pub(crate) fn small_by_lines<T>(grid: &Grid<'_, T>) -> bool {
    is_host() && grid.columns <= BY_LINES
}

/// The same of recurrences along a row: it is a single block of constant couplings, or couplings are by cell.
#[inline(always)]
pub(crate) fn small_in_order<T>(grid: &Grid<'_, T>) -> bool {
    match grid.coefficients {
        Coefficients::Constant(_) => grid.columns <= BLOCK,
        Coefficients::PerCell(_) => is_host() && grid.columns <= IN_ORDER,
    }
}

/// How [`ROWS`] rows of a recurrence over couplings by cell go together, each a window behind the one before.
#[derive(Clone, Copy)]
pub(crate) struct ByCell {
    /// Cells of a window, [`WINDOW`] at most, so many that a row has a window for each of the rows.
    pub(crate) width: usize,
    /// Whether rows ask for their next windows.
    pub(crate) asks: bool,
}

/// None where one row goes after the other: rows are short, or so much is gathered from many vectors (`is_much`), from far off, that
/// in `f64` a row hardly waits for its cells.
#[inline(always)]
pub(crate) fn by_cell_together<T>(columns: usize, x: &[T], is_much: bool) -> Option<ByCell> {
    let half = WINDOW / 2;
    if columns <= (ROWS - 1) * half || is_much && size_of::<T>() == 8 && is_beside(x) {
        return None;
    }
    let width = if columns < ROWS * WINDOW { half } else { WINDOW };
    Some(ByCell { width, asks: is_beside(x) })
}

/// Whether the couplings by cell of a grid function do not stay in the second cache.
#[inline(always)]
pub(crate) fn is_beside<T>(x: &[T]) -> bool {
    #[cfg(feature = "force-level")]
    if level::forced_far().is_some() {
        return true;
    }
    size_of_val(x) > 1 << 20
}

/// Whether a pass that came without registers goes by cells: the condition under which it came, asked again.
#[inline(always)]
pub(crate) fn by_cells<S: Simd>(is_small: bool) -> bool {
    S::IS_SCALAR && is_small
}

/// Whether every other cell of a row of so many fills registers.
#[inline(always)]
pub(crate) fn fill_registers(cells: usize, lanes: usize) -> bool {
    cells > 2 * lanes
}

/// Whether rows are so short that to look for a term of another plane costs less than shorter windows do.
#[inline(always)]
pub(crate) fn shorter_than_a_window(columns: usize) -> bool {
    columns < 64
}

/// Whether a recurrence over constant couplings had better go by registers of 256 bits where there are wider ones, of which its rows
/// fill few: 1.1 to 1.5 times as fast on a core that works on halves of wide ones.
#[inline(always)]
pub(crate) fn narrow_in_order<T>(grid: &Grid<'_, T>) -> bool {
    matches!(grid.coefficients, Coefficients::Constant(_)) && shorter_than_a_window(grid.columns)
}

/// The same of recurrences with more terms: in space whatever the rows, 1.1 to 1.9 times.
#[inline(always)]
pub(crate) fn narrow_in_space<T>(grid: &Grid<'_, T>) -> bool {
    matches!(grid.coefficients, Coefficients::Constant(_))
        && (grid.planes > 1 || shorter_than_a_window(grid.columns))
}

/// The same of products: in space and with couplings by cell, up to 1.3 times.
#[inline(always)]
pub(crate) fn narrow_products<T>(grid: &Grid<'_, T>) -> bool {
    grid.planes > 1 || matches!(grid.coefficients, Coefficients::PerCell(_))
}

/// Whether a row has all its terms, so that it may go by windows. A window is not begun without them either: what is
/// asked here saves rows that lack one the way there.
#[inline(always)]
pub(crate) fn has_all_terms<G, const K: usize>(b: &[G], behind: &[G], along: &[&[G]; K]) -> bool {
    behind.len() == b.len() && along.iter().all(|along| along.len() == b.len())
}

/// Bytes of the rows of two vectors that passes of a recurrence together may keep in cache, and the most that go together.
const NEAR: usize = 1 << 19;
const TOGETHER: usize = 8;

/// Passes of a recurrence whose rows stay in cache together, each `lag` rows behind the one before; one goes alone if none.
#[inline(always)]
pub(crate) fn together<T>(columns: usize, lag: usize) -> usize {
    let row = columns.saturating_mul(2 * size_of::<T>()).max(1);
    let kept = NEAR.checked_div(row.saturating_mul(lag)).unwrap_or(1);
    kept.saturating_sub(1).min(TOGETHER)
}

#[cfg(all(test, feature = "force-level"))]
mod tests {
    use super::*;
    use crate::{Level, force_bare, force_far, force_level};

    /// What the tests of every path rest on.
    #[test]
    fn tests_choose_paths() {
        let x = [0.0_f64; 20];
        let chosen =
            || (is_bare::<pulp::Scalar>(), is_loop(pulp::Scalar::new()), is_from_memory(&x), is_far(&x));
        assert_eq!(chosen(), (false, true, false, false));
        force_bare(true);
        assert_eq!((chosen(), is_bare_core()), ((true, false, false, false), true));
        force_bare(false);
        let rows = || Rows::of::<f64, pulp::Scalar>(&x, 5, DOTS);
        assert!(rows() == Rows::Plain);
        force_far(Some(1));
        assert!(chosen() == (false, true, true, true) && rows() == Rows::One);
        force_far(Some(8));
        assert!(chosen() == (false, true, true, true) && rows() == Rows::Eight);
        force_far(None);
        force_level(Some(Level::Scalar));
        assert!(is_forced() && !search_one_by_one(&x));
        force_level(None);
        assert!(!is_forced() && search_one_by_one(&x));
        assert_eq!((chosen(), is_bare_core()), ((false, true, false, false), false));
    }
}
