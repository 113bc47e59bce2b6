//! Passes over vectors that come from memory, piece by piece: each piece asks for some of one further on.

use pulp::Simd;

use crate::paths::asks_by_lines;
use crate::prefetch::{PAGE, PIECE, ask_further, ask_soon};

/// Elements of a piece.
#[inline(always)]
fn piece<S: Simd, T>() -> usize {
    (if asks_by_lines::<S>() { PIECE } else { PAGE } / size_of::<T>().max(1)).max(1)
}

/// Asks at the beginning of a piece of so many elements.
#[inline(always)]
fn ask<S: Simd, T>(rest: &[T], piece: usize) {
    if asks_by_lines::<S>() { ask_soon(rest, piece) } else { ask_further(rest) }
}

/// A vector piece by piece. All pieces but the last are whole lanes.
#[inline(always)]
pub(crate) fn pieces<S: Simd, T>(_simd: S, x: &[T]) -> impl Iterator<Item = &[T]> + use<'_, S, T> {
    let piece = piece::<S, T>();
    let mut rest = x;
    core::iter::from_fn(move || {
        ask::<S, T>(rest, piece);
        let (first, others) = rest.split_at_checked(piece.min(rest.len()))?;
        rest = others;
        if first.is_empty() { None } else { Some(first) }
    })
}

/// The same for a vector that is written.
#[inline(always)]
pub(crate) fn pieces_mut<S: Simd, T>(
    _simd: S,
    x: &mut [T],
) -> impl Iterator<Item = &mut [T]> + use<'_, S, T> {
    let piece = piece::<S, T>();
    let mut rest = x;
    core::iter::from_fn(move || {
        ask::<S, T>(rest, piece);
        let len = piece.min(rest.len());
        let (first, others) = core::mem::take(&mut rest).split_at_mut_checked(len)?;
        rest = others;
        if first.is_empty() { None } else { Some(first) }
    })
}

/// `by_pieces!(simd, x, y; pass)`: a pass over vectors, piece by piece where they come from memory. `mut x` is written. After
/// `lines` only where lines are asked for. One vector alone is asked for by pages on every machine.
macro_rules! by_pieces {
    (lines $simd:ident, $($rest:tt)*) => {
        crate::pages::by_pieces!(@ crate::paths::asks_by_lines_token($simd); $simd, $($rest)*)
    };
    ($simd:ident, $alone:ident; $pass:expr) => {
        crate::pages::by_pieces!(@ true; (pulp::Scalar::new()), $alone; $pass)
    };
    ($simd:ident, $($rest:tt)*) => { crate::pages::by_pieces!(@ true; $simd, $($rest)*) };
    (@ $where:expr; $simd:tt, mut $first:ident $(, $x:ident)*; $pass:expr) => {
        if $where && crate::paths::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::pages::pieces_mut($simd, $first) $(.zip(crate::pages::pieces($simd, $x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
    (@ $where:expr; $simd:tt, $first:ident $(, $x:ident)*; $pass:expr) => {
        if $where && crate::paths::is_from_memory($first) {
            for crate::map::nested_refs!(($first) $($x)*) in
                crate::pages::pieces($simd, $first) $(.zip(crate::pages::pieces($simd, $x)))*
            {
                $pass;
            }
        } else {
            $pass;
        }
    };
}
pub(crate) use by_pieces;
