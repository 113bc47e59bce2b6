//! Triangles of small matrices by rows, and what is packed of symmetric ones.

use southwell_simd::vector;

/// Numbers in the upper triangle of a symmetric matrix.
pub(super) const fn packed(p: usize) -> usize {
    p * (p + 1) / 2
}

/// triangle ← triangle + weight · x xᵀ, packed by rows.
pub(super) fn add_square(weight: f64, x: &[f64], triangle: &mut [f64]) {
    let mut rest = triangle;
    for (k, &entry) in x.iter().enumerate() {
        let Some((row, after)) = rest.split_at_mut_checked(x.len() - k) else { return };
        vector::axpy(weight * entry, &x[k..], row);
        rest = after;
    }
}

/// R with RᵀR = A, by rows of p, from what is packed of A; where a pivot is not above `floor(k)` its row is that of the identity,
/// and `false` stands for it.
pub(super) fn factor(triangle: &[f64], p: usize, floor: impl Fn(usize) -> f64) -> (Vec<f64>, Vec<bool>) {
    let (mut r, mut sound, mut at) = (vec![0.0; p * p], vec![true; p], 0);
    for k in 0..p {
        let (above, below) = r.split_at_mut(k * p);
        let row = &mut below[k..p];
        row.copy_from_slice(&triangle[at..at + p - k]);
        at += p - k;
        for known in above.chunks_exact(p) {
            vector::axpy(-known[k], &known[k..], row);
        }
        let pivot = row[0];
        sound[k] = pivot > floor(k) && pivot.is_finite();
        if sound[k] {
            let root = pivot.sqrt();
            row.iter_mut().for_each(|entry| *entry /= root);
        } else {
            row.fill(0.0);
            row[0] = 1.0;
        }
    }
    (r, sound)
}

/// x ← R⁻¹ x
pub(super) fn solve(r: &[f64], x: &mut [f64]) {
    let p = x.len();
    for k in (0..p).rev() {
        let row = &r[k * p..(k + 1) * p];
        x[k] = (x[k] - vector::dot(&row[k + 1..], &x[k + 1..])) / row[k];
    }
}

/// x ← R⁻ᵀ x, which is what a row of a matrix becomes when that is divided by R on the right.
pub(super) fn solve_transposed(r: &[f64], x: &mut [f64]) {
    let p = x.len();
    for k in 0..p {
        let row = &r[k * p..(k + 1) * p];
        x[k] /= row[k];
        vector::axpy(-x[k], &row[k + 1..], &mut x[k + 1..]);
    }
}

/// S R, both upper.
pub(super) fn product(s: &[f64], r: &[f64], p: usize) -> Vec<f64> {
    let mut all = vec![0.0; p * p];
    for (k, row) in all.chunks_exact_mut(p).enumerate() {
        for (m, other) in r.chunks_exact(p).enumerate().skip(k) {
            vector::axpy(s[k * p + m], &other[m..], &mut row[m..]);
        }
    }
    all
}
