//! The two loops that most passes are made of, written once: over registers, then over what is left.
//!
//! Both take the operation as one expression over registers. What does not fill a register goes
//! through the same expression with the scalar token, so that a pass has one definition.

use crate::Real;

/// The first `n` elements; none if there are fewer.
#[inline(always)]
pub(crate) fn cut<T>(x: &[T], n: usize) -> &[T] {
    x.get(..n).unwrap_or(&[])
}

/// The first `n` elements; none if there are fewer.
#[inline(always)]
pub(crate) fn cut_mut<T>(x: &mut [T], n: usize) -> &mut [T] {
    x.get_mut(..n).unwrap_or(&mut [])
}

/// Pieces of N elements, the last one of what is left. As `chunks`, which divides by its length when two are zipped:
/// where the optimiser does not inline it, it keeps a panic for a length of zero.
#[inline(always)]
pub(crate) fn pieces<const N: usize, T>(mut x: &[T]) -> impl Iterator<Item = &[T]> {
    core::iter::from_fn(move || {
        if x.is_empty() {
            return None;
        }
        let (piece, rest) = x.split_at_checked(N.min(x.len()))?;
        x = rest;
        Some(piece)
    })
}

/// The pattern of iterators zipped one after the other: `(((a, &b), &c), &d)`.
macro_rules! nested {
    (($nest:pat)) => { $nest };
    (($nest:pat) $x:ident $($rest:ident)*) => { crate::map::nested!((($nest, &$x)) $($rest)*) };
}

/// The same without references: `(((a, b), c), d)`.
macro_rules! nested_refs {
    (($nest:pat)) => { $nest };
    (($nest:pat) $x:ident $($rest:ident)*) => { crate::map::nested_refs!((($nest, $x)) $($rest)*) };
}

/// `map!(simd, y, x, …; { constants } expression)`: y ← expression(y, x, …), element by element over
/// the common length. Constants are made anew where the token changes.
macro_rules! map {
    ($simd:ident, $y:ident $(, $x:ident)*; { $($constants:tt)* } $value:expr) => {{
        let n = $y.len() $(.min($x.len()))*;
        let $y = crate::map::cut_mut($y, n);
        $(let $x = crate::map::cut($x, n);)*
        if crate::paths::is_loop($simd) {
            #[allow(unused_variables)]
            let $simd = pulp::Scalar::new();
            $($constants)*
            for crate::map::nested!((out) $($x)*) in $y.iter_mut() $(.zip($x))* {
                #[allow(unused_variables)]
                let $y = T::splat($simd, *out);
                $(let $x = T::splat($simd, $x);)*
                *out = crate::map::value::<T>($value);
            }
        } else {
            let $y = T::split_mut($simd, $y);
            $(let $x = T::split($simd, $x);)*
            {
                $($constants)*
                for crate::map::nested!((out) $($x)*) in $y.0.iter_mut() $(.zip($x.0))* {
                    #[allow(unused_variables)] // Some only write.
                    let $y = *out;
                    *out = $value;
                }
            }
            #[allow(unused_variables)] // Not every expression asks for the token.
            let $simd = pulp::Scalar::new();
            $($constants)*
            #[allow(unused_parens)]
            let ($y $(, $x)*) = ($y.1 $(, $x.1)*);
            crate::map::chunk!(8, $simd, $y $(, $x)*; $value);
            crate::map::chunk!(4, $simd, $y $(, $x)*; $value);
            crate::map::chunk!(2, $simd, $y $(, $x)*; $value);
            crate::map::chunk!(1, $simd, $y $(, $x)*; $value);
            let _ = ($y $(, $x)*);
        }
    }};
}

/// One piece of known length of what is left, which the compiler turns into a few narrow registers; then
/// the rest of the rest.
macro_rules! chunk {
    ($n:literal, $simd:ident, $y:ident $(, $x:ident)*; $value:expr) => {
        #[allow(unused_parens)]
        let ($y $(, $x)*) = match ($y.split_first_chunk_mut::<$n>() $(, $x.split_first_chunk::<$n>())*) {
            (Some($y) $(, Some($x))*) => {
                let outs = T::split_mut($simd, $y.0).0;
                $(let $x = (T::split($simd, $x.0).0, $x.1);)*
                for crate::map::nested!((out) $($x)*) in outs.iter_mut() $(.zip($x.0))* {
                    #[allow(unused_variables)] // Some only write.
                    let $y = *out;
                    *out = $value;
                }
                ($y.1 $(, $x.1)*)
            }
            _ => ($y $(, $x)*),
        };
    };
}

/// `total!(simd, lanes, x, y, …; { constants } expression)`: adds expression(x, y, …) of every element
/// to the running sums `lanes`, beginning at lane 0.
macro_rules! total {
    ($simd:ident, $lanes:expr, $first:ident $(, $x:ident)*; { $($constants:tt)* } $value:expr) => {{
        let n = $first.len() $(.min($x.len()))*;
        if crate::paths::is_bare_token($simd) {
            let lanes = $lanes.lanes_mut();
            let $simd = pulp::Scalar::new();
            $($constants)*
            let $first = crate::map::cut($first, n);
            $(let $x = crate::map::cut($x, n);)*
            for (i, crate::map::nested!((first) $($x)*)) in $first.iter() $(.zip($x))*.enumerate() {
                let $first = T::splat($simd, *first);
                $(let $x = T::splat($simd, $x);)*
                lanes[i % crate::LANES] += crate::map::value::<T>($value);
            }
        } else {
        let $first = crate::map::cut($first, n).as_chunks::<{ crate::LANES }>();
        $(let $x = crate::map::cut($x, n).as_chunks::<{ crate::LANES }>();)*
        // A copy that lives in registers while the loop runs.
        let mut lanes = *$lanes.lanes();
        {
            $($constants)*
            for crate::map::nested_refs!(($first) $($x)*) in $first.0.iter() $(.zip($x.0))* {
                let sums = T::split_mut($simd, &mut lanes).0;
                let $first = T::split($simd, $first).0;
                $(let $x = T::split($simd, $x).0;)*
                for crate::map::nested!((sum) $first $($x)*) in sums.iter_mut().zip($first) $(.zip($x))* {
                    *sum = T::vadd($simd, *sum, $value);
                }
            }
        }
        if !$first.1.is_empty() {
            #[allow(unused_variables)]
            let $simd = pulp::Scalar::new();
            $($constants)*
            crate::lanes::add_tail(&mut lanes, |i| {
                let $first = T::splat($simd, *$first.1.get(i)?);
                $(let $x = T::splat($simd, *$x.1.get(i)?);)*
                Some(crate::map::value::<T>($value))
            });
        }
        *$lanes.lanes_mut() = lanes;
        }
    }};
}

/// `map_total!(simd, lanes, y, x, …; { constants } (value, term))`: y ← value(y, x, …), and term(y, x, …)
/// to the running sums, in one loop, beginning at lane 0.
macro_rules! map_total {
    ($simd:ident, $lanes:expr, $y:ident $(, $x:ident)*; { $($constants:tt)* } $both:expr) => {{
        let n = $y.len() $(.min($x.len()))*;
        if crate::paths::is_bare_token($simd) {
            let lanes = $lanes.lanes_mut();
            let $simd = pulp::Scalar::new();
            $($constants)*
            let $y = crate::map::cut_mut($y, n);
            $(let $x = crate::map::cut($x, n);)*
            for (i, crate::map::nested!((out) $($x)*)) in $y.iter_mut() $(.zip($x))*.enumerate() {
                let $y = T::splat($simd, *out);
                $(let $x = T::splat($simd, $x);)*
                let (value, term) = $both;
                *out = crate::map::value::<T>(value);
                lanes[i % crate::LANES] += crate::map::value::<T>(term);
            }
        } else {
        let $y = crate::map::cut_mut($y, n).as_chunks_mut::<{ crate::LANES }>();
        $(let $x = crate::map::cut($x, n).as_chunks::<{ crate::LANES }>();)*
        let mut lanes = *$lanes.lanes();
        {
            $($constants)*
            for crate::map::nested_refs!(($y) $($x)*) in $y.0.iter_mut() $(.zip($x.0))* {
                let sums = T::split_mut($simd, &mut lanes).0;
                let $y = T::split_mut($simd, $y).0;
                $(let $x = T::split($simd, $x).0;)*
                for crate::map::nested!(((sum, out)) $($x)*) in sums.iter_mut().zip($y) $(.zip($x))* {
                    let $y = *out;
                    let (value, term) = $both;
                    *out = value;
                    *sum = T::vadd($simd, *sum, term);
                }
            }
        }
        if !$y.1.is_empty() {
            let $simd = pulp::Scalar::new();
            $($constants)*
            $(let $x = $x.1;)*
            let mut terms = $y.1.iter_mut() $(.zip($x))*;
            crate::lanes::add_tail(&mut lanes, |_| {
                let crate::map::nested_refs!((out) $($x)*) = terms.next()?;
                let $y = T::splat($simd, *out);
                $(let $x = T::splat($simd, *$x);)*
                let (value, term) = $both;
                *out = crate::map::value::<T>(value);
                Some(crate::map::value::<T>(term))
            });
        }
        *$lanes.lanes_mut() = lanes;
        }
    }};
}

/// The number in a register of one lane.
#[inline(always)]
pub(crate) fn value<T: Real>(register: T::Vector<pulp::Scalar>) -> T {
    T::only(register)
}

pub(crate) use {chunk, map, map_total, nested, nested_refs, total};
