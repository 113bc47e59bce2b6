//! Factorisations of small matrices by rows, in place, plain.

use southwell_simd::vector;

use crate::Real;

/// Rows `i` and `k > i` of a matrix with `n` columns.
fn two_rows<T>(a: &mut [T], n: usize, i: usize, k: usize) -> Option<(&mut [T], &mut [T])> {
    let (head, tail) = a.split_at_mut_checked(k.saturating_mul(n))?;
    let start = i.saturating_mul(n);
    Some((head.get_mut(start..start.saturating_add(n))?, tail.get_mut(..n)?))
}

fn row<T>(a: &[T], n: usize, i: usize) -> &[T] {
    let start = i.saturating_mul(n);
    a.get(start..start.saturating_add(n)).unwrap_or(&[])
}

fn entry<T: Real>(a: &[T], n: usize, i: usize, j: usize) -> T {
    row(a, n, i).get(j).copied().unwrap_or(T::ZERO)
}

/// L with L Lᵀ = A in the lower triangle; false if A is not positive definite as far as rounding shows.
pub(crate) fn cholesky<T: Real>(a: &mut [T], n: usize) -> bool {
    for i in 0..n {
        // What cancellation leaves of a dependent row.
        let floor = entry(a, n, i, i) * T::EPSILON * T::from_usize(n.saturating_mul(8));
        for j in 0..i {
            let Some((above, this)) = two_rows(a, n, j, i) else { return false };
            let (Some(&pivot), Some(&target)) = (above.get(j), this.get(j)) else { return false };
            let known = vector::dot(above.get(..j).unwrap_or(&[]), this.get(..j).unwrap_or(&[]));
            if let Some(place) = this.get_mut(j) {
                *place = (target - known) / pivot;
            }
        }
        let start = i.saturating_mul(n);
        let Some(this) = a.get_mut(start..start.saturating_add(n)) else { return false };
        let known = vector::dot(this.get(..i).unwrap_or(&[]), this.get(..i).unwrap_or(&[]));
        let Some(place) = this.get_mut(i) else { return false };
        let square = *place - known;
        if !(square > floor && square.is_finite()) {
            return false;
        }
        *place = square.sqrt();
    }
    true
}

/// x ← (L Lᵀ)⁻¹ x
pub(crate) fn cholesky_solve<T: Real>(l: &[T], x: &mut [T]) {
    let n = x.len();
    for i in 0..n {
        let (done, rest) = x.split_at_mut_checked(i).unwrap_or_default();
        if let Some(x) = rest.first_mut() {
            *x = (*x - vector::dot(row(l, n, i).get(..i).unwrap_or(&[]), done)) / entry(l, n, i, i);
        }
    }
    for i in (0..n).rev() {
        let (before, rest) = x.split_at_mut_checked(i).unwrap_or_default();
        if let Some(x) = rest.first_mut() {
            *x /= entry(l, n, i, i);
            vector::axpy(-*x, row(l, n, i), before);
        }
    }
}

/// L and U of the rows in the order that is found on the way; `order` is turned along. False if singular.
pub(crate) fn lu<T: Real>(a: &mut [T], order: &mut [u32]) -> bool {
    let n = order.len();
    for k in 0..n {
        let (mut place, mut most) = (k, T::ZERO);
        for i in k..n {
            let size = entry(a, n, i, k).abs();
            if size > most {
                (place, most) = (i, size);
            }
        }
        if !(most > T::ZERO && most.is_finite()) {
            return false;
        }
        if place != k {
            let Some((one, other)) = two_rows(a, n, k, place) else { return false };
            one.swap_with(other);
            let (head, tail) = order.split_at_mut_checked(place).unwrap_or_default();
            if let (Some(one), Some(other)) = (head.get_mut(k), tail.first_mut()) {
                core::mem::swap(one, other);
            }
        }
        for i in k.saturating_add(1)..n {
            let Some((pivot_row, this)) = two_rows(a, n, k, i) else { return false };
            let (Some(&pivot), Some(target)) = (pivot_row.get(k), this.get_mut(k)) else { return false };
            *target /= pivot;
            let factor = *target;
            let from = k.saturating_add(1);
            if let (Some(above), Some(this)) = (pivot_row.get(from..), this.get_mut(from..)) {
                vector::axpy(-factor, above, this);
            }
        }
    }
    true
}

/// x ← A⁻¹ x for a right-hand side in the order of the factors' rows.
pub(crate) fn lu_solve<T: Real>(a: &[T], x: &mut [T]) {
    let n = x.len();
    for i in 0..n {
        let (done, rest) = x.split_at_mut_checked(i).unwrap_or_default();
        if let Some(x) = rest.first_mut() {
            *x -= vector::dot(row(a, n, i).get(..i).unwrap_or(&[]), done);
        }
    }
    upper_solve(a, x);
}

/// x ← U⁻¹ x for the upper triangle.
pub(crate) fn upper_solve<T: Real>(a: &[T], x: &mut [T]) {
    let n = x.len();
    for i in (0..n).rev() {
        let next = i.saturating_add(1);
        let (head, done) = x.split_at_mut_checked(next).unwrap_or_default();
        if let Some(x) = head.last_mut() {
            let known = vector::dot(row(a, n, i).get(next..).unwrap_or(&[]), done);
            *x = (*x - known) / entry(a, n, i, i);
        }
    }
}

/// x ← A⁻ᵀ x; what comes out is in the order of the factors' rows.
pub(crate) fn lu_solve_transposed<T: Real>(a: &[T], x: &mut [T]) {
    let n = x.len();
    for i in 0..n {
        let next = i.saturating_add(1);
        let (head, rest) = x.split_at_mut_checked(next).unwrap_or_default();
        if let Some(x) = head.last_mut() {
            *x /= entry(a, n, i, i);
            vector::axpy(-*x, row(a, n, i).get(next..).unwrap_or(&[]), rest);
        }
    }
    for i in (0..n).rev() {
        let (before, rest) = x.split_at_mut_checked(i).unwrap_or_default();
        if let Some(&mut x) = rest.first_mut() {
            vector::axpy(-x, row(a, n, i).get(..i).unwrap_or(&[]), before);
        }
    }
}

/// Rows of equal length exchanged, without the check that `swap_with_slice` makes.
trait SwapWith {
    fn swap_with(&mut self, other: &mut Self);
}

impl<T> SwapWith for [T] {
    fn swap_with(&mut self, other: &mut Self) {
        self.iter_mut().zip(other).for_each(|(one, other)| core::mem::swap(one, other));
    }
}
