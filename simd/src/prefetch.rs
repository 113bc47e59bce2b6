//! Hints to the memory system, and nothing else: they change no value. Mutants of this file are therefore not counted
//! (`mutants/README.md`).

/// Bytes that come from memory together.
const LINE: usize = 64;

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

macro_rules! ask_lines {
    ($(#[$meta:meta])* $name:ident, $hint:ident) => {
        $(#[$meta])*
        #[inline(always)]
        pub(crate) fn $name<T>(x: &[T], from: usize, count: usize) {
            #[cfg(target_arch = "x86_64")]
            if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
                lines(x, from, count)
                    .for_each(|line| sse._mm_prefetch::<{ core::arch::x86_64::$hint }>(line.cast()));
            }
            #[cfg(not(target_arch = "x86_64"))]
            let _ = (x, from, count);
        }
    };
}

ask_lines! {
    /// Asks for `count` elements from `from` on, if there are as many; the first of them begins a line, or nearly.
    ask_all, _MM_HINT_T0
}
ask_lines! {
    /// The same into the second cache: for more than the first holds beside what is worked on.
    ask_all_into_second, _MM_HINT_T1
}

/// Where the lines of `count` elements from `from` on begin, if there are as many.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn lines<T>(x: &[T], from: usize, count: usize) -> impl Iterator<Item = *const T> {
    let x = x.get(from..from.saturating_add(count)).unwrap_or(&[]);
    x.chunks((LINE / size_of::<T>().max(1)).max(1)).map(<[T]>::as_ptr)
}

/// Asks for what lies so many bytes after these elements, whether or not anything does.
#[inline(always)]
pub(crate) fn ask_ahead<T, const N: usize>(x: &[T; N], bytes: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        for line in x.chunks((LINE / size_of::<T>().max(1)).max(1)) {
            let line = line.as_ptr().wrapping_byte_add(bytes);
            sse._mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T0 }>(line.cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, bytes);
}

/// Asks for the first two lines of a row: enough for the processor to fetch what follows by itself. More lines only
/// take turns away from the rows before.
#[inline(always)]
pub(crate) fn ask_beginning<T>(row: &[T]) {
    ask(row, 0, 2 * LINE / size_of::<T>().max(1) - 1);
}

/// Bytes of a page: where one ends, the processor stops fetching ahead by itself.
pub(crate) const PAGE: usize = 4096;
/// Pages between the one that is worked on and the one whose beginning is asked for.
const PAGES_AHEAD: usize = 4;

/// Asks for the beginnings of the pages of a row that comes soon.
#[inline(always)]
pub(crate) fn ask_pages<T>(row: &[T]) {
    row.chunks((PAGE / size_of::<T>().max(1)).max(1)).for_each(ask_beginning);
}

/// Asks for the beginning of a page of elements some pages after the beginning of these.
#[inline(always)]
pub(crate) fn ask_further<T>(x: &[T]) {
    ask_beginning(x.get(PAGES_AHEAD * (PAGE / size_of::<T>().max(1)).max(1)..).unwrap_or(&[]));
}

/// Bytes of a piece of a vector whose lines are asked for together, and how far ahead. Eight at a time, into the second cache,
/// so that the misses of the first are left to what is worked on.
pub(crate) const PIECE: usize = 512;
#[cfg(target_arch = "x86_64")]
const SOON: usize = 2048;

/// Asks for the lines so far after those of the first `count` elements, if there are as many, whether or not anything lies there.
#[inline(always)]
pub(crate) fn ask_soon<T>(x: &[T], count: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(sse) = pulp::core_arch::x86::Sse::try_new() {
        for line in lines(x, 0, count) {
            sse._mm_prefetch::<{ core::arch::x86_64::_MM_HINT_T1 }>(line.wrapping_byte_add(SOON).cast());
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (x, count);
}

/// Asks for the pages of a sparse matrix's entries while its rows are passed over: each for one further on.
#[derive(Default)]
pub(crate) struct Entries {
    next: usize,
}

impl Entries {
    /// At the row whose first entry this is.
    #[inline(always)]
    pub(crate) fn ask<T>(&mut self, first: usize, columns: &[u32], values: &[T]) {
        if first >= self.next {
            let (page, ahead) = (PAGE / size_of::<T>().max(1), PAGES_AHEAD * PAGE / size_of::<T>().max(1));
            self.next = first + page;
            ask_beginning(values.get(first + ahead..).unwrap_or(&[]));
            ask_beginning(columns.get(first + ahead..).unwrap_or(&[]));
        }
    }
}
