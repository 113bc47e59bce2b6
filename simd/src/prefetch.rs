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

/// Bytes of what comes from memory: more than a core's share of the last cache.
pub(crate) const FROM_MEMORY: usize = 24 << 20;

/// Whether a vector comes from memory, and asking for the pages ahead pays.
#[inline(always)]
pub(crate) fn is_from_memory<T>(x: &[T]) -> bool {
    cfg!(target_arch = "x86_64") && size_of_val(x) >= FROM_MEMORY
}

/// Bytes of a page: where one ends, the processor stops fetching ahead by itself.
pub(crate) const PAGE: usize = 4096;
/// Pages between the one that is worked on and the one whose beginning is asked for.
pub(crate) const PAGES_AHEAD: usize = 4;

/// Asks for the beginnings of the pages of a row that comes soon.
#[inline(always)]
pub(crate) fn ask_pages<T>(row: &[T]) {
    row.chunks((PAGE / size_of::<T>().max(1)).max(1)).for_each(ask_beginning);
}

/// A vector page by page; each asks for the beginning of one further on. All but the last are whole lanes.
#[inline(always)]
pub(crate) fn pages<T>(x: &[T]) -> impl Iterator<Item = &[T]> {
    let page = (PAGE / size_of::<T>().max(1)).max(1);
    let mut rest = x;
    core::iter::from_fn(move || {
        ask_beginning(rest.get(PAGES_AHEAD * page..).unwrap_or(&[]));
        let (first, others) = rest.split_at_checked(page.min(rest.len()))?;
        rest = others;
        if first.is_empty() { None } else { Some(first) }
    })
}

/// The same for a vector that is written.
#[inline(always)]
pub(crate) fn pages_mut<T>(x: &mut [T]) -> impl Iterator<Item = &mut [T]> {
    let page = (PAGE / size_of::<T>().max(1)).max(1);
    let mut rest = x;
    core::iter::from_fn(move || {
        ask_beginning(rest.get(PAGES_AHEAD * page..).unwrap_or(&[]));
        let len = page.min(rest.len());
        let (first, others) = core::mem::take(&mut rest).split_at_mut_checked(len)?;
        rest = others;
        if first.is_empty() { None } else { Some(first) }
    })
}

/// `by_pages!(x, y; pass)`: a pass over vectors, page by page where they come from memory. `mut x` is written.
macro_rules! by_pages {
    (mut $first:ident $(, $x:ident)*; $pass:expr) => {
        if crate::prefetch::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::prefetch::pages_mut($first) $(.zip(crate::prefetch::pages($x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
    ($first:ident $(, $x:ident)*; $pass:expr) => {
        if crate::prefetch::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::prefetch::pages($first) $(.zip(crate::prefetch::pages($x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
}
pub(crate) use by_pages;
