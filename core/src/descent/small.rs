//! Small dense symmetric matrices: Cholesky's factorisation and the largest eigenvalue.

use southwell_simd::vector;

use crate::Real;

/// Halvings of an interval that holds the eigenvalue; it begins no wider than the matrix is large.
const HALVINGS: u32 = 80;

/// Overwrites the lower half of an n × n matrix by rows with L, A = LLᵀ; false, with rubbish left, if a pivot is
/// not positive. n³/3 operations.
pub(super) fn factor<T: Real>(n: usize, a: &mut [T]) -> bool {
    for i in 0..n {
        let Some((above, rest)) = a.split_at_mut_checked(i.saturating_mul(n)) else { return false };
        let Some(row) = rest.get_mut(..n) else { return false };
        for (j, other) in above.chunks_exact(n.max(1)).enumerate() {
            let sum = dot_to(j, row, other);
            if let (Some(entry), Some(&pivot)) = (row.get_mut(j), other.get(j)) {
                *entry = (*entry - sum) / pivot;
            }
        }
        let sum = dot_to(i, row, row);
        let Some(pivot) = row.get_mut(i) else { return false };
        let square = *pivot - sum;
        if !(square > T::ZERO && square.is_finite()) {
            return false;
        }
        *pivot = square.sqrt();
    }
    true
}

/// Product of the first k elements.
fn dot_to<T: Real>(k: usize, x: &[T], y: &[T]) -> T {
    match (x.get(..k), y.get(..k)) {
        (Some(x), Some(y)) => vector::dot(x, y),
        _ => T::ZERO,
    }
}

/// b ← A⁻¹ b for the factor of A. n² operations.
pub(super) fn solve<T: Real>(n: usize, factor: &[T], b: &mut [T]) {
    for (i, row) in factor.chunks_exact(n.max(1)).enumerate().take(n) {
        let sum = dot_to(i, row, b);
        if let (Some(b), Some(&pivot)) = (b.get_mut(i), row.get(i)) {
            *b = (*b - sum) / pivot;
        }
    }
    for i in (0..n).rev() {
        let start = i.saturating_mul(n);
        let row = factor.get(start..start.saturating_add(n)).unwrap_or(&[]);
        let Some((before, rest)) = b.split_at_mut_checked(i) else { return };
        let (Some(b), Some(&pivot)) = (rest.first_mut(), row.get(i)) else { return };
        *b /= pivot;
        vector::axpy(-*b, row, before);
    }
}

/// Adds to the diagonal of an n × n matrix what makes a singular one factorisable: a few roundings of its mean.
pub(super) fn lift<T: Real>(n: usize, a: &mut [T]) {
    let trace = a.iter().step_by(n.saturating_add(1).max(1)).take(n).fold(T::ZERO, |sum, &d| sum + d.abs());
    let lift = T::from_f64(4096.0) * T::EPSILON * trace / T::from_usize(n.max(1));
    for d in a.iter_mut().step_by(n.saturating_add(1).max(1)).take(n) {
        *d += lift;
    }
}

/// b ← H⁻¹ b for the matrix that `fill` writes, lifted if it is singular; false if it is not positive semidefinite.
pub(super) fn inverse_times<T: Real>(
    n: usize,
    matrix: &mut [T],
    b: &mut [T],
    mut fill: impl FnMut(&mut [T]),
) -> bool {
    fill(matrix);
    if !factor(n, matrix) {
        fill(matrix);
        lift(n, matrix);
        if !factor(n, matrix) {
            return false;
        }
    }
    solve(n, matrix, b);
    true
}

/// The largest eigenvalue of a symmetric n × n matrix by rows, from above by no more than rounding; the matrix is
/// overwritten, `scratch` holds 2 n numbers. Householder's tridiagonal form and bisection: 4 n³/3 operations.
pub(super) fn largest_eigenvalue<T: Real>(n: usize, a: &mut [T], scratch: &mut [T]) -> T {
    if n == 1 {
        return a.first().copied().unwrap_or(T::ZERO);
    }
    let Some((off, w)) = scratch.split_at_mut_checked(n) else { return T::NAN };
    off.fill(T::ZERO);
    for k in 0..n.saturating_sub(1) {
        let next = k.saturating_add(1);
        let Some((above, below)) = a.split_at_mut_checked(next.saturating_mul(n)) else { return T::NAN };
        let start = k.saturating_mul(n).saturating_add(next);
        let Some(v) = above.get_mut(start..next.saturating_mul(n)) else { return T::NAN };
        let Some(off) = off.get_mut(k) else { return T::NAN };
        let Some(w) = w.get_mut(..v.len()) else { return T::NAN };
        *off = reflect(v);
        let square = vector::dot(v, v);
        if v.len() < 2 || square == T::ZERO {
            continue;
        }
        // The rest ← P R P with P = 1 − β vvᵀ: R − v wᵀ − w vᵀ, w = β R v − ½β²(vᵀRv) v.
        let beta = T::TWO / square;
        for (w, row) in w.iter_mut().zip(below.chunks_exact(n.max(1))) {
            *w = beta * vector::dot(row.get(next..).unwrap_or(&[]), v);
        }
        let shrink = T::HALF * beta * vector::dot(w, v);
        vector::axpy(-shrink, v, w);
        for ((row, &v_i), &w_i) in below.chunks_exact_mut(n.max(1)).zip(&*v).zip(&*w) {
            let Some(row) = row.get_mut(next..) else { continue };
            vector::axpy(-v_i, w, row);
            vector::axpy(-w_i, v, row);
        }
    }
    let diagonal = || a.iter().step_by(n.saturating_add(1).max(1)).take(n).copied();
    bisect(diagonal, off)
}

/// Turns v into the vector of a reflection that leaves nothing of v but its first element, which is returned; v
/// becomes 0 where there is nothing to reflect.
fn reflect<T: Real>(v: &mut [T]) -> T {
    let norm = vector::norm_scaled(v);
    let Some((first, rest)) = v.split_first_mut() else { return T::ZERO };
    if rest.iter().all(|&v| v == T::ZERO) {
        let kept = *first;
        *first = T::ZERO;
        return kept;
    }
    let kept = if *first > T::ZERO { -norm } else { norm };
    *first -= kept;
    kept
}

/// The largest eigenvalue of a tridiagonal matrix.
fn bisect<T: Real, D: Iterator<Item = T>>(diagonal: impl Fn() -> D, off: &[T]) -> T {
    let (mut low, mut high, mut before) = (-T::INFINITY, -T::INFINITY, T::ZERO);
    for (d, &e) in diagonal().zip(off) {
        low = low.max(d);
        high = high.max(d + (before.abs() + e.abs()));
        before = e;
    }
    // All pivots of A − x negative: no eigenvalue is at x or above.
    let above = |x: T| {
        let (mut pivot, mut e) = (T::ZERO, T::ZERO);
        diagonal().zip(off).all(|(d, &next)| {
            let fill = if e == T::ZERO { T::ZERO } else { e * (e / pivot) };
            (pivot, e) = (d - x - fill, next);
            pivot < T::ZERO
        })
    };
    for _ in 0..HALVINGS {
        let middle = low + T::HALF * (high - low);
        if !(low < middle && middle < high) {
            break;
        }
        if above(middle) {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::{vec, vec::Vec};

    use super::*;

    fn numbers(seed: u64, n: usize) -> impl Iterator<Item = f64> {
        let mut state = seed;
        (0..n).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1_u32 << 24) - 0.5
        })
    }

    #[test]
    fn eigenvalue_of_a_known_matrix() {
        // Tridiagonal (−1, 2, −1): 2 − 2 cos(kπ/(n + 1)).
        for n in [1_usize, 2, 3, 7, 20] {
            let mut a = vec![0.0; n * n];
            for i in 0..n {
                a[i * n + i] = 2.0;
                if i > 0 {
                    a[i * n + i - 1] = -1.0;
                    a[(i - 1) * n + i] = -1.0;
                }
            }
            let exact = 2.0 - 2.0 * (core::f64::consts::PI * n as f64 / (n + 1) as f64).cos();
            let found = largest_eigenvalue(n, &mut a, &mut vec![f64::NAN; 2 * n]);
            assert!((found - exact).abs() < 1e-14 * n as f64, "{n}: {found} {exact}");
        }
    }

    #[test]
    fn eigenvalue_and_cholesky_of_random_grams() {
        for n in [2, 5, 13] {
            let x: Vec<f64> = numbers(n as u64, n * 20).collect();
            let mut gram = vec![0.0; n * n];
            for i in 0..n {
                for j in 0..n {
                    gram[i * n + j] = (0..20).map(|k| x[i * 20 + k] * x[j * 20 + k]).sum();
                }
            }
            // Power iteration, long enough.
            let mut v = vec![1.0; n];
            let mut power = 0.0;
            for _ in 0..20_000 {
                let w: Vec<f64> =
                    gram.chunks(n).map(|row| row.iter().zip(&v).map(|(a, b)| a * b).sum()).collect();
                power = w.iter().map(|w| w * w).sum::<f64>().sqrt();
                v = w.iter().map(|w| w / power).collect();
            }
            let found = largest_eigenvalue(n, &mut gram.clone(), &mut vec![f64::NAN; 2 * n]);
            assert!((found - power).abs() < 1e-12 * power, "{n}: {found} {power}");
            let x: Vec<f64> = numbers(7, n).collect();
            let mut b: Vec<f64> =
                gram.chunks(n).map(|row| row.iter().zip(&x).map(|(a, b)| a * b).sum()).collect();
            let mut factored = gram.clone();
            assert!(factor(n, &mut factored));
            solve(n, &factored, &mut b);
            for (b, x) in b.iter().zip(&x) {
                assert!((b - x).abs() < 1e-10, "{b} {x}");
            }
        }
        assert!(!factor(2, &mut [1.0, 2.0, 2.0, 1.0]), "indefinite");
    }
}
