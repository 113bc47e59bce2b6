//! Kernels for dense matrices of small order: of any order by rows, and of a constant one up to 16, where the compiler
//! knows every length, so that loops unroll and nothing is looked up. Both give the same bits.
//!
//! | | any order | constant order |
//! |---|---|---|
//! | A x, the bits of [`Dense`](super::Dense)'s product | [`apply`] | [`apply_fixed`] |
//! | A = Uᵀ D⁻¹ U, as [`box_qp`] factorises | [`factorise`] | – |
//! | A⁻¹ x by those factors | [`substitute`] | [`substitute_fixed`] |
//!
//! What a constant order saves in instructions is in `targets/README.md`; a factorisation gains nothing by it, and in `f32` on
//! an Arm core with a floating-point unit only products up to order 12 do. It costs flash for every order in use.
//!
//! ```
//! use southwell::linear::small::{apply_fixed, factorise, substitute_fixed};
//! let a = [[4.0_f32, 1.0], [1.0, 3.0]];
//! let b = apply_fixed(&a, &[1.0, 2.0]);
//! assert_eq!(b, [6.0, 7.0]);
//! let (mut factors, mut x) = (a, b);
//! assert!(factorise(factors.as_flattened_mut(), 2));
//! substitute_fixed(&factors, &mut x);
//! assert!((x[0] - 1.0).abs() < 1e-6 && (x[1] - 2.0).abs() < 1e-6);
//! ```

use southwell_simd::dense;

use crate::Real;
use crate::descent::box_qp;

/// y ← A x of a matrix by rows, as many rows as y has elements and as many columns as x. Rows that are not there leave
/// their elements alone. Cost: one pass over the matrix.
pub fn apply<T: Real>(a: &[T], x: &[T], y: &mut [T]) {
    dense::apply(dense::Matrix { values: a, columns: x.len(), stride: x.len() }, x, y);
}

/// Factorises a symmetric positive definite matrix of order n by rows, in place: Uᵀ D⁻¹ U in its upper half, the inverse
/// pivots on its diagonal; the lower half is left as it is. False where a pivot is lost to rounding or not positive,
/// or where `a` is too short: what it holds is of no use then. Cost: n³/6 multiply–adds (Cholesky without roots).
#[must_use]
pub fn factorise<T: Real>(a: &mut [T], n: usize) -> bool {
    box_qp::factorise(a, n, n)
}

/// x ← A⁻¹ x by what [`factorise`] made of A, of the order that x has. Cost: n² multiply–adds.
pub fn substitute<T: Real>(factors: &[T], x: &mut [T]) {
    box_qp::substitute(factors, x.len(), x);
}

/// The order is known to be small when the program is compiled.
const fn small(n: usize) -> usize {
    assert!(n <= 16, "a constant order is at most 16");
    n
}

/// A x of constant order up to 16, with the bits of [`apply`].
#[must_use]
pub fn apply_fixed<T: Real, const N: usize>(a: &[[T; N]; N], x: &[T; N]) -> [T; N] {
    const { small(N) };
    let mut y = [T::ZERO; N];
    // Four rows read x once.
    let ((fours, last), (places, last_place)) = (a.as_chunks::<4>(), y.as_chunks_mut::<4>());
    for (y, [a, b, c, d]) in places.iter_mut().zip(fours) {
        *y = [dot(a, x), dot(b, x), dot(c, x), dot(d, x)];
    }
    for (y, row) in last_place.iter_mut().zip(last) {
        *y = dot(row, x);
    }
    y
}

/// The products in their sixteen lanes, added by the tree of every pass (`southwell_simd::reduce`). Lanes that N does
/// not reach are left out: they would only make a −0 a 0, which the last sum does.
#[inline(always)]
fn dot<T: Real, const N: usize>(row: &[T; N], x: &[T; N]) -> T {
    let product = |i: usize| match (row.get(i), x.get(i)) {
        (Some(&a), Some(&x)) => a * x,
        _ => T::ZERO,
    };
    let eight = |i: usize| if i + 8 < N { product(i) + product(i + 8) } else { product(i) };
    let four = |i: usize| if i + 4 < N { eight(i) + eight(i + 4) } else { eight(i) };
    let two = |i: usize| if i + 2 < N { four(i) + four(i + 2) } else { four(i) };
    let one = if N > 1 { two(0) + two(1) } else { two(0) };
    one + T::ZERO
}

/// x ← A⁻¹ x by what [`factorise`] made of A, with the bits of [`substitute`].
pub fn substitute_fixed<T: Real, const N: usize>(factors: &[[T; N]; N], x: &mut [T; N]) {
    const { small(N) };
    for (k, row) in factors.iter().enumerate() {
        let weight = -(at(x, k) * at(row, k));
        for (x, &factor) in x.iter_mut().zip(row).skip(k.wrapping_add(1)) {
            *x += weight * factor;
        }
    }
    for (k, row) in factors.iter().enumerate().rev() {
        let later = k.wrapping_add(1);
        let known = box_qp::dot(row.get(later..).unwrap_or(&[]), x.get(later..).unwrap_or(&[]));
        let value = (at(x, k) - known) * at(row, k);
        if let Some(x) = x.get_mut(k) {
            *x = value;
        }
    }
}

#[inline(always)]
fn at<T: Real, const N: usize>(x: &[T; N], i: usize) -> T {
    x.get(i).copied().unwrap_or(T::ZERO)
}
