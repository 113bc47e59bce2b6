//! A hint to the memory system; it changes no value.

/// Bytes that come from memory together.
const LINE: usize = 64;

/// Bytes of a vector from which on asking ahead pays: below, the caches have it anyway.
const FAR: usize = 1 << 19;

/// Whether a vector is too long to be in cache when a pass comes to it.
#[inline(always)]
pub(crate) fn is_far<T>(x: &[T]) -> bool {
    cfg!(target_arch = "x86_64") && size_of_val(x) >= FAR
}

/// Asks for elements `from..=from + len`, as far as they exist, before they are needed: a piece that
/// begins inside a line ends inside another, and a pass may look at the cell after it.
#[inline(always)]
pub(crate) fn ask<T>(x: &[T], from: usize, len: usize) {
    // Part of every x86-64 processor, so this is decided when the crate is compiled.
    #[cfg(target_arch = "x86_64")]
    if let (Some(sse), Some(x)) = (pulp::core_arch::x86::Sse::try_new(), x.get(from..)) {
        for line in x.iter().take(len + 1).step_by((LINE / size_of::<T>().max(1)).max(1)) {
            sse._mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(core::ptr::from_ref(line).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, from, len);
}

/// Asks for the first two lines of a row: enough for the processor to fetch what follows by itself. More lines only
/// take turns away from the rows before.
#[inline(always)]
pub(crate) fn ask_beginning<T>(row: &[T]) {
    ask(row, 0, 2 * LINE / size_of::<T>().max(1) - 1);
}
