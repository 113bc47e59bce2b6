//! Passes over vectors that come from memory, page by page: each page asks for the beginning of one further on.

use crate::prefetch::{PAGE, ask_further};

/// A vector page by page. All pages but the last are whole lanes.
#[inline(always)]
pub(crate) fn pages<T>(x: &[T]) -> impl Iterator<Item = &[T]> {
    let page = (PAGE / size_of::<T>().max(1)).max(1);
    let mut rest = x;
    core::iter::from_fn(move || {
        ask_further(rest);
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
        ask_further(rest);
        let len = page.min(rest.len());
        let (first, others) = core::mem::take(&mut rest).split_at_mut_checked(len)?;
        rest = others;
        if first.is_empty() { None } else { Some(first) }
    })
}

/// `by_pages!(x, y; pass)`: a pass over vectors, page by page where they come from memory. `mut x` is written.
macro_rules! by_pages {
    (mut $first:ident $(, $x:ident)*; $pass:expr) => {
        if crate::paths::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::pages::pages_mut($first) $(.zip(crate::pages::pages($x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
    ($first:ident $(, $x:ident)*; $pass:expr) => {
        if crate::paths::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::pages::pages($first) $(.zip(crate::pages::pages($x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
}
pub(crate) use by_pages;
