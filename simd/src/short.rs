//! Passes over a dozen numbers, which must not cost more than their arithmetic: no choice of an instruction set, four
//! numbers at a time. In single precision an Arm core with a floating-point unit takes them by its loads of several.
//!
//! All run over the common length; nothing is fused, and the order is the one that is written: the same bits everywhere.

use crate::Real;

/// y ← y + w·x, the bits of [`vector::axpy`](crate::vector::axpy). Cost: 2 r, 1 w, 2 operations.
#[inline(always)]
pub fn axpy<T: Real>(w: T, x: &[T], y: &mut [T]) {
    T::short_axpy(w, x, y);
}

/// y ← (y + v·x) + w·z: two rows of a factorisation at once, so that y is read and written half as often.
/// Cost: 3 r, 1 w, 4 operations.
#[inline(always)]
pub fn add_two<T: Real>(v: T, x: &[T], w: T, z: &[T], y: &mut [T]) {
    T::short_add_two(v, x, w, z, y);
}

/// Σ xᵢ·yᵢ, one sum: of every four products (x₀y₀ + x₁y₁) + (x₂y₂ + x₃y₃), what is left over one by one. Other bits than
/// those of [`vector::dot`](crate::vector::dot), whose sixteen lanes cost more than a dozen products.
/// Cost: 2 r, 2 operations.
#[inline(always)]
#[must_use]
pub fn dot<T: Real>(x: &[T], y: &[T]) -> T {
    T::short_dot(x, y)
}

/// Uᵀ D⁻¹ U of the leading `count` rows and columns of a symmetric positive definite matrix by rows, `stride` apart, in its
/// upper half; the diagonal holds the inverse pivots. Of the leading `known` rows and columns that has been done before: the
/// bits of the whole. False, and what the matrix then holds is of no use, where a pivot is not positive, or falls at one step to
/// `lost` of itself or less (what is left of an entry that has lost all its digits says nothing), or where the matrix is too
/// short. Cost: n³/6 multiply–adds (Golub & Van Loan 2013, section 4.1, by rows).
#[inline(always)]
#[must_use]
pub fn factorise<T: Real>(matrix: &mut [T], stride: usize, known: usize, count: usize, lost: T) -> bool {
    T::short_factorise(matrix, stride, known, count, lost)
}

/// x ← A⁻¹ x by what [`factorise`] made of A, whose rows lie `stride` apart, of the order that x has. Leaves x as it is where the
/// matrix is too short. Cost: n² multiply–adds (Golub & Van Loan 2013, section 3.1).
#[inline(always)]
pub fn substitute<T: Real>(matrix: &[T], stride: usize, x: &mut [T]) {
    T::short_substitute(matrix, stride, x);
}
