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

#[cfg(test)]
mod tests {
    use super::*;

    const N: usize = 5;
    const A: [[f64; N]; N] = [
        [0.25, -1.5, 2.0, 0.5, 1.0],
        [1.5, 0.75, -0.5, 3.0, -2.0],
        [-4.0, 1.0, 0.125, -1.0, 0.5],
        [2.0, 2.5, 1.0, -0.25, 0.75],
        [1.0, -0.5, -3.0, 0.5, 1.25],
    ];
    const B: [f64; N] = [1.0, -2.0, 0.5, 3.0, -0.75];

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-13 * (1.0 + e.abs()), "{found:?} {expected:?}");
        }
    }

    fn times(a: impl Fn(usize, usize) -> f64, x: &[f64; N]) -> [f64; N] {
        core::array::from_fn(|i| (0..N).map(|j| a(i, j) * x[j]).sum())
    }

    #[test]
    fn a_positive_definite_matrix_is_the_square_of_its_factor() {
        let square = |i: usize, j: usize| (0..N).map(|k| A[i][k] * A[j][k]).sum::<f64>();
        // What lies above the diagonal is not looked at.
        let mut l: [[f64; N]; N] =
            core::array::from_fn(|i| core::array::from_fn(|j| if j > i { f64::NAN } else { square(i, j) }));
        assert!(cholesky(l.as_flattened_mut(), N));
        for (i, j) in (0..N).flat_map(|i| (0..=i).map(move |j| (i, j))) {
            near(&[(0..=j).map(|k| l[i][k] * l[j][k]).sum()], &[square(i, j)]);
        }
        let mut x = B;
        cholesky_solve(l.as_flattened(), &mut x);
        let back = times(square, &x);
        assert!(back.iter().zip(B).all(|(f, e)| (f - e).abs() < 1e-11), "{back:?}");
        // Nothing but rounding is left of a dependent row; less than nothing of an indefinite matrix.
        for third in [1.0 / 3.0, 1.0 / 3.0 + 4.0 * f64::EPSILON, 0.25, -1.0, f64::NAN, f64::INFINITY] {
            let mut a = [3.0, 0.0, 1.0, third];
            assert!(!cholesky(&mut a, 2), "{third}");
        }
        assert!(cholesky(&mut [3.0, 0.0, 1.0, 1.0 / 3.0 + 24.0 * f64::EPSILON], 2));
        assert!(!cholesky(&mut [0.0_f64], 1));
        assert!(!cholesky(&mut [1.0_f64; 3], 2), "too short");
    }

    #[test]
    fn a_matrix_is_the_product_of_its_triangles_in_the_order_that_was_found() {
        let (mut a, mut order) = (A, [10, 11, 12, 13, 14]);
        assert!(lu(a.as_flattened_mut(), &mut order));
        let row = |i: usize| (order[i] - 10) as usize;
        let lower = |i: usize, k: usize| if k == i { 1.0 } else { a[i][k] };
        for (i, j) in (0..N).flat_map(|i| (0..N).map(move |j| (i, j))) {
            let product: f64 = (0..=i.min(j)).map(|k| lower(i, k) * a[k][j]).sum();
            near(&[product], &[A[row(i)][j]]);
            assert!(j >= i || a[i][j].abs() <= 1.0, "the largest of a column is the pivot: {a:?}");
        }
        assert_eq!(row(0), 2, "and the first row is that of the largest first entry");
        let mut x: [f64; N] = core::array::from_fn(|i| B[row(i)]);
        lu_solve(a.as_flattened(), &mut x);
        near(&times(|i, j| A[i][j], &x), &B);
        let mut y = B;
        lu_solve_transposed(a.as_flattened(), &mut y);
        let mut in_place = [0.0; N];
        (0..N).for_each(|i| in_place[row(i)] = y[i]);
        near(&times(|i, j| A[j][i], &in_place), &B);
        // A column that cancels, a number that is none.
        assert!(!lu(&mut [1.0, 2.0, 0.5, 1.0], &mut [0, 1]));
        assert!(!lu(&mut [0.0, 2.0, 0.0, 1.0], &mut [0, 1]));
        assert!(!lu(&mut [f64::INFINITY, 2.0, 0.5, 1.0], &mut [0, 1]));
        assert!(lu(&mut [0.0, 2.0, 0.5, 1.0], &mut [0, 1]));
    }
}
