//! What the passes of a core without vectors are made of, and what has an Arm core's own instructions for it: the same
//! operations in the same order everywhere, so the same bits.

use crate::dense::Matrix;
use crate::lanes::{bare, tree};
use crate::vector::axpy_plain;
use crate::{LANES, Real};

/// A scalar type's loops. Those that are not told apart by type are the loops of every core.
pub trait Bare: Copy {
    /// Σ xᵢ·yᵢ in lanes.
    #[inline(always)]
    fn bare_dot(x: &[Self], y: &[Self]) -> Self
    where
        Self: Real,
    {
        bare::dot_in_groups(x, y)
    }

    /// The sum of all lanes, as a tree.
    #[inline(always)]
    fn bare_sum(lanes: &[Self; LANES]) -> Self
    where
        Self: Real,
    {
        tree(lanes)
    }

    /// y ← A x, row after row.
    #[inline(always)]
    fn bare_apply(a: Matrix<'_, Self>, x: &[Self], y: &mut [Self])
    where
        Self: Real,
    {
        // The next row begins where this one's stride ends: a product a row less.
        for (y, values) in y.iter_mut().zip(a.values.chunks(a.stride.max(1))) {
            *y = bare::dot(values.get(..a.columns).unwrap_or(&[]), x);
        }
    }

    /// y ← y + w·x.
    #[inline(always)]
    fn bare_axpy(w: Self, x: &[Self], y: &mut [Self])
    where
        Self: Real,
    {
        axpy_plain(w, x, y);
    }

    /// The same four at a time.
    #[inline(always)]
    fn short_axpy(w: Self, x: &[Self], y: &mut [Self])
    where
        Self: Real,
    {
        let n = x.len().min(y.len());
        let (Some(x), Some(y)) = (x.get(..n), y.get_mut(..n)) else { return };
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<4>(), y.as_chunks_mut::<4>());
        for ([y0, y1, y2, y3], &[x0, x1, x2, x3]) in y.iter_mut().zip(x) {
            *y0 += w * x0;
            *y1 += w * x1;
            *y2 += w * x2;
            *y3 += w * x3;
        }
        for (y, &x) in y_rest.iter_mut().zip(x_rest) {
            *y += w * x;
        }
    }

    /// y ← (y + v·x) + w·z.
    #[inline(always)]
    fn short_add_two(v: Self, x: &[Self], w: Self, z: &[Self], y: &mut [Self])
    where
        Self: Real,
    {
        let n = x.len().min(z.len()).min(y.len());
        let (Some(x), Some(z), Some(y)) = (x.get(..n), z.get(..n), y.get_mut(..n)) else { return };
        let ((x, x_rest), (z, z_rest), (y, y_rest)) =
            (x.as_chunks::<4>(), z.as_chunks::<4>(), y.as_chunks_mut::<4>());
        for (([y0, y1, y2, y3], &[x0, x1, x2, x3]), &[z0, z1, z2, z3]) in y.iter_mut().zip(x).zip(z) {
            *y0 = (*y0 + v * x0) + w * z0;
            *y1 = (*y1 + v * x1) + w * z1;
            *y2 = (*y2 + v * x2) + w * z2;
            *y3 = (*y3 + v * x3) + w * z3;
        }
        for ((y, &x), &z) in y_rest.iter_mut().zip(x_rest).zip(z_rest) {
            *y = (*y + v * x) + w * z;
        }
    }

    /// What [`short::factorise`](crate::short::factorise) does.
    #[inline(always)]
    fn short_factorise(matrix: &mut [Self], stride: usize, known: usize, count: usize, lost: Self) -> bool
    where
        Self: Real,
    {
        if !holds(matrix.len(), stride, count) {
            return false;
        }
        (0..count).all(|i| {
            let parts = matrix.split_at_mut_checked(i.wrapping_mul(stride));
            parts.is_some_and(|(above, rest)| {
                eliminate(above, stride, known, i, rest.get_mut(i..count).unwrap_or(&mut []), lost)
            })
        })
    }

    /// What [`short::substitute`](crate::short::substitute) does.
    #[inline(always)]
    fn short_substitute(matrix: &[Self], stride: usize, x: &mut [Self])
    where
        Self: Real,
    {
        let count = x.len();
        if !holds(matrix.len(), stride, count) {
            return;
        }
        let from_diagonal = |k: usize| {
            let begin = k.wrapping_mul(stride);
            matrix.get(begin.wrapping_add(k)..begin.wrapping_add(count)).and_then(|row| row.split_first())
        };
        for k in 0..count {
            let (Some((&inverse, factors)), Some((first, later))) =
                (from_diagonal(k), x.get_mut(k..).and_then(|x| x.split_first_mut()))
            else {
                return;
            };
            axpy_apart(-(*first * inverse), factors, later);
        }
        for k in (0..count).rev() {
            let (Some((&inverse, factors)), Some((first, later))) =
                (from_diagonal(k), x.get_mut(k..).and_then(|x| x.split_first_mut()))
            else {
                return;
            };
            *first = (*first - dot_apart(factors, later)) * inverse;
        }
    }

    /// Σ xᵢ·yᵢ in groups of four.
    #[inline(always)]
    fn short_dot(x: &[Self], y: &[Self]) -> Self
    where
        Self: Real,
    {
        let n = x.len().min(y.len());
        let (Some(x), Some(y)) = (x.get(..n), y.get(..n)) else { return Self::ZERO };
        let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<4>(), y.as_chunks::<4>());
        let mut sum = Self::ZERO;
        for (&[x0, x1, x2, x3], &[y0, y1, y2, y3]) in x.iter().zip(y) {
            sum += (x0 * y0 + x1 * y1) + (x2 * y2 + x3 * y3);
        }
        for (&x, &y) in x_rest.iter().zip(y_rest) {
            sum += x * y;
        }
        sum
    }
}

/// Whether `count` rows of as many numbers, `stride` apart, lie in so many.
#[inline(always)]
pub(crate) fn holds(len: usize, stride: usize, count: usize) -> bool {
    match count.checked_sub(1) {
        Some(last) => count <= stride && len.checked_sub(count).is_some_and(|before| before / stride >= last),
        None => true,
    }
}

#[cfg_attr(target_os = "none", inline(never))]
fn axpy_apart<T: Real>(w: T, x: &[T], y: &mut [T]) {
    T::short_axpy(w, x, y);
}

#[cfg_attr(target_os = "none", inline(never))]
fn dot_apart<T: Real>(x: &[T], y: &[T]) -> T {
    T::short_dot(x, y)
}

/// Row i of that, from its diagonal entry on: the rows above it are subtracted in order, two at a time, so that it is read and
/// written half as often.
// Apart, so that a part keeps no constant on its stack for the next row.
#[cfg_attr(target_os = "none", inline(never))]
fn eliminate<T: Real>(above: &[T], stride: usize, known: usize, i: usize, row: &mut [T], lost: T) -> bool {
    let end = i.wrapping_add(row.len());
    let Some((pivot, target)) = row.split_first_mut() else { return false };
    let is_new = i >= known;
    // Of a row that is known, what is right of the known columns.
    let first = if is_new { 0 } else { known.wrapping_sub(i).wrapping_sub(1) };
    let target = target.get_mut(first..).unwrap_or(&mut []);
    let mut waiting: Option<(T, &[T])> = None;
    for (k, row) in above.chunks_exact(stride.max(1)).enumerate() {
        let (Some(factors), Some(&inverse)) = (row.get(i..end), row.get(k)) else { return false };
        let Some((&factor, factors)) = factors.split_first() else { return false };
        let weight = -(factor * inverse);
        if is_new {
            // What is left of a diagonal entry that has lost all its digits says nothing.
            let before = *pivot;
            *pivot += weight * factor;
            if *pivot <= lost * before {
                return false;
            }
        }
        let factors = factors.get(first..).unwrap_or(&[]);
        waiting = match waiting {
            None => Some((weight, factors)),
            Some((other_weight, other)) => {
                T::short_add_two(other_weight, other, weight, factors, target);
                None
            }
        };
    }
    if let Some((weight, factors)) = waiting {
        T::short_axpy(weight, factors, target);
    }
    if is_new {
        if !(T::MIN_POSITIVE..=T::MAX).contains(pivot) {
            return false;
        }
        *pivot = T::ONE / *pivot;
    }
    true
}

impl Bare for f64 {}

#[cfg(not(all(target_arch = "arm", target_abi = "eabihf", not(feature = "std"))))]
impl Bare for f32 {}

#[cfg(all(target_arch = "arm", target_abi = "eabihf", not(feature = "std")))]
impl Bare for f32 {
    #[inline(always)]
    fn bare_dot(x: &[Self], y: &[Self]) -> Self {
        crate::arm::dot(x, y)
    }
    #[inline(always)]
    fn bare_sum(lanes: &[Self; LANES]) -> Self {
        crate::arm::sum(lanes)
    }
    #[inline(always)]
    fn bare_apply(a: Matrix<'_, Self>, x: &[Self], y: &mut [Self]) {
        crate::arm::apply(a, x, y);
    }
    #[inline(always)]
    fn bare_axpy(w: Self, x: &[Self], y: &mut [Self]) {
        crate::arm::axpy(w, x, y);
    }
    #[inline(always)]
    fn short_axpy(w: Self, x: &[Self], y: &mut [Self]) {
        crate::arm::axpy(w, x, y);
    }
    #[inline(always)]
    fn short_add_two(v: Self, x: &[Self], w: Self, z: &[Self], y: &mut [Self]) {
        crate::arm::add_two(v, x, w, z, y);
    }
    #[inline(always)]
    fn short_factorise(matrix: &mut [Self], stride: usize, known: usize, count: usize, lost: Self) -> bool {
        crate::arm::factorise(matrix, stride, known, count, lost)
    }
    #[inline(always)]
    fn short_substitute(matrix: &[Self], stride: usize, x: &mut [Self]) {
        crate::arm::substitute(matrix, stride, x);
    }
    #[inline(always)]
    fn short_dot(x: &[Self], y: &[Self]) -> Self {
        crate::arm::dot_in_fours(x, y)
    }
}
