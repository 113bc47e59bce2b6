//! Coordinates in which a fit is well conditioned: X = Z R with orthogonal columns of Z, each of square n.
//!
//! Columns are scaled by their largest entry, then made orthogonal by the modified Gram-Schmidt process, twice,
//! reading and writing rows from first to last. A column that depends on those before it (as far as rounding
//! shows) becomes 0 in Z, and its coefficient 0.

use southwell_simd::vector;

use super::quantile::Quantile;
use super::small::upper_solve;
use crate::Real;
use crate::copy::CopyFrom;

/// What is left of a column that counts as dependent, in units of ε times columns.
const DEPENDENT: u32 = 64;

/// z ← Z and r ← R for the rows of a loss; rows of weight 0 are left out (0 in Z). `w` is scratch of one row.
pub(crate) fn whiten<T: Real>(loss: &Quantile<'_, T>, z: &mut [T], r: &mut [T], w: &mut [T]) {
    let p = loss.table.columns();
    z.copy_from(loss.table.values());
    if loss.weights.is_some() {
        for (i, row) in z.chunks_exact_mut(p.max(1)).enumerate() {
            if loss.weight(i) == T::ZERO {
                row.fill(T::ZERO);
            }
        }
    }
    r.fill(T::ZERO);
    column_scales(z, p, w);
    for row in z.chunks_exact_mut(p.max(1)) {
        row.iter_mut().zip(&*w).for_each(|(z, &scale)| *z /= scale);
    }
    orthogonalise(z, p, r, true);
    orthogonalise(z, p, r, false);
    // Columns of length √n, so that entries of Z are about 1; the columns' own scales go to R.
    let length = T::from_usize(loss.table.rows()).sqrt();
    vector::scale(length, z);
    for row in r.chunks_exact_mut(p.max(1)) {
        row.iter_mut().zip(&*w).for_each(|(r, &scale)| *r = (*r / length) * scale);
    }
}

/// The largest entry of each column, 1 for a column of zeros.
pub(crate) fn column_scales<T: Real>(values: &[T], columns: usize, scales: &mut [T]) {
    scales.fill(T::ZERO);
    for row in values.chunks_exact(columns.max(1)) {
        scales.iter_mut().zip(row).for_each(|(scale, x)| *scale = scale.max(x.abs()));
    }
    scales.iter_mut().filter(|scale| **scale == T::ZERO).for_each(|scale| *scale = T::ONE);
}

/// One Gram-Schmidt process: z ← Z with z = Z S for an upper triangle S, and r ← S (`first`) or S r.
fn orthogonalise<T: Real>(z: &mut [T], p: usize, r: &mut [T], first: bool) {
    for k in 0..p {
        let (above, below) = r.split_at_mut_checked(k.saturating_mul(p)).unwrap_or_default();
        let (this, below) = below.split_at_mut_checked(p).unwrap_or_default();
        let Some(tail) = this.get_mut(k..) else { return };
        // The products of column k with itself and those after it; the first process has no R yet to keep.
        let mut square = T::ZERO;
        if first {
            tail.fill(T::ZERO);
            for row in z.chunks_exact(p.max(1)) {
                if let Some((&head, _)) = row.get(k..).and_then(<[T]>::split_first) {
                    vector::axpy(head, row.get(k..).unwrap_or(&[]), tail);
                }
            }
            square = tail.first().copied().unwrap_or(T::ZERO);
            let before = above.chunks_exact(p.max(1)).filter_map(|row| row.get(k));
            let whole = before.fold(square, |sum, &r| sum + r * r);
            let unit = T::EPSILON * T::from_u32(DEPENDENT) * T::from_usize(p);
            if square <= unit * unit * whole {
                clear(z, p, k);
                tail.fill(T::ZERO);
                tail.iter_mut().take(1).for_each(|r| *r = T::ONE);
                continue;
            }
            let norm = square.sqrt();
            tail.iter_mut().for_each(|r| *r /= norm);
            remove(z, p, k, norm, tail);
            continue;
        }
        let column = z.chunks_exact(p.max(1)).filter_map(|row| row.get(k));
        column.for_each(|&z| square += z * z);
        if square == T::ZERO {
            continue; // Dependent; nothing to do again.
        }
        second(z, p, k, square.sqrt(), tail, below);
    }
}

/// Column k becomes 0.
fn clear<T: Real>(z: &mut [T], p: usize, k: usize) {
    z.chunks_exact_mut(p.max(1)).filter_map(|row| row.get_mut(k)).for_each(|z| *z = T::ZERO);
}

/// Column k becomes a unit vector, and those after it orthogonal to it; `s` is row k of S from its diagonal on.
fn remove<T: Real>(z: &mut [T], p: usize, k: usize, norm: T, s: &[T]) {
    let after = s.get(1..).unwrap_or(&[]);
    for row in z.chunks_exact_mut(p.max(1)) {
        let Some((head, tail)) = row.get_mut(k..).and_then(<[T]>::split_first_mut) else { return };
        *head /= norm;
        vector::axpy(-*head, after, tail);
    }
}

/// Step k of the second process: S is nearly the identity, so R's row k is updated at once, column by column.
fn second<T: Real>(z: &mut [T], p: usize, k: usize, norm: T, tail: &mut [T], below: &[T]) {
    for row in z.chunks_exact_mut(p.max(1)) {
        row.get_mut(k).into_iter().for_each(|z| *z /= norm);
    }
    // r_kj ← s_kk r_kj + Σ_{m > k} s_km r_mj
    tail.iter_mut().for_each(|r| *r *= norm);
    for m in k.saturating_add(1)..p {
        let mut s = T::ZERO;
        for row in z.chunks_exact(p.max(1)) {
            if let (Some(&q), Some(&z)) = (row.get(k), row.get(m)) {
                s += q * z;
            }
        }
        for row in z.chunks_exact_mut(p.max(1)) {
            let Some((head, tail)) = row.get_mut(k..).and_then(<[T]>::split_first_mut) else { return };
            let q = *head;
            tail.get_mut(m.saturating_sub(k).saturating_sub(1)).into_iter().for_each(|z| *z -= q * s);
        }
        let offset = m.saturating_sub(k).saturating_sub(1).saturating_mul(p);
        let row = below.get(offset..offset.saturating_add(p)).and_then(|row| row.get(k..)).unwrap_or(&[]);
        vector::axpy(s, row, tail);
    }
}

/// β ← R⁻¹ b.
pub(crate) fn unwhiten<T: Real>(r: &[T], b: &[T], beta: &mut [T]) {
    beta.copy_from(b);
    upper_solve(r, beta);
}

/// b ← R β.
pub(crate) fn into_white<T: Real>(r: &[T], beta: &[T], b: &mut [T]) {
    let p = beta.len();
    for (i, (b, row)) in b.iter_mut().zip(r.chunks_exact(p.max(1))).enumerate() {
        *b = vector::dot(row.get(i..).unwrap_or(&[]), beta.get(i..).unwrap_or(&[]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subgradient::Table;

    const ROWS: usize = 9;
    const COLUMNS: usize = 4;

    /// Columns of very different sizes; the third depends on the first two if that is asked for. The fourth row is far
    /// from all others.
    fn table(dependent: bool) -> [[f64; COLUMNS]; ROWS] {
        core::array::from_fn(|i| {
            let t = i as f64;
            let (a, b, d) = (1e6 * (1.0 + 0.125 * t), 1e-3 * (t * 1.7).sin(), 4.0 - (t * 0.9).cos());
            let c = if dependent { 3.0 * a - 2e9 * b } else { (t * t + 1.0).ln() };
            if i == 3 { [9e9, 7.0, -5e3, 8e4] } else { [a, b, c, d] }
        })
    }

    #[test]
    fn rows_are_orthogonal_columns_times_a_triangle() {
        let y = [0.0; ROWS];
        for (dependent, weighted) in [(false, false), (false, true), (true, true)] {
            let x = table(dependent);
            let weights: [f64; ROWS] = core::array::from_fn(|i| if weighted && i == 3 { 0.0 } else { 0.5 });
            let table = Table::new(x.as_flattened(), ROWS, COLUMNS).expect("a table");
            let mut loss = Quantile::absolute(table, &y).expect("a loss");
            if weighted {
                loss = loss.weighted(&weights).expect("weights");
            }
            let (mut z, mut r) = ([[f64::NAN; COLUMNS]; ROWS], [[f64::NAN; COLUMNS]; COLUMNS]);
            let mut scratch = [f64::NAN; COLUMNS];
            whiten(&loss, z.as_flattened_mut(), r.as_flattened_mut(), &mut scratch);
            for (j, k) in (0..COLUMNS).flat_map(|j| (0..COLUMNS).map(move |k| (j, k))) {
                let product: f64 = z.iter().map(|z| z[j] * z[k]).sum();
                let gone = dependent && (j == 2 || k == 2);
                let expected = if j == k && !gone { ROWS as f64 } else { 0.0 };
                assert!((product - expected).abs() < 1e-14 * ROWS as f64, "{j} {k}: {product}");
                assert!(k >= j || r[j][k] == 0.0, "a triangle: {r:?}");
            }
            for (i, (z, x)) in z.iter().zip(&x).enumerate() {
                for k in 0..COLUMNS {
                    let product: f64 = (0..=k).map(|j| z[j] * r[j][k]).sum();
                    let expected = if weighted && i == 3 { 0.0 } else { x[k] };
                    let size: f64 = x.iter().map(|x| x.abs()).fold(0.0, f64::max).max(1.0);
                    let size = if k == 2 { size } else { x[k].abs().max(1e-3) };
                    assert!((product - expected).abs() < 1e-13 * size, "{i} {k}: {product} {expected}");
                }
            }
            let beta = [1e-6, 250.0, if dependent { 0.0 } else { -2.0 }, 0.75];
            let (mut b, mut back) = ([f64::NAN; COLUMNS], [f64::NAN; COLUMNS]);
            into_white(r.as_flattened(), &beta, &mut b);
            for (i, z) in z.iter().enumerate().filter(|&(i, _)| !(weighted && i == 3)) {
                let (fit, plain) = (vector::dot(z, &b), vector::dot(&x[i], &beta));
                assert!((fit - plain).abs() < 1e-10 * (1.0 + plain.abs()), "{i}: {fit} {plain}");
            }
            unwhiten(r.as_flattened(), &b, &mut back);
            assert!(back.iter().zip(beta).all(|(f, e)| (f - e).abs() < 1e-11 * (e.abs() + 1e-6)), "{back:?}");
        }
    }

    /// Columns that differ in their ninth digit: one process leaves as much of one in the other, the second takes it away.
    #[test]
    fn what_one_process_leaves_the_second_takes_away() {
        let y = [0.0; ROWS];
        let x: [[f64; COLUMNS]; ROWS] = core::array::from_fn(|i| {
            let t = i as f64;
            let common = 1.0 + (1.3 * t).sin();
            [common, common + 1e-9 * t, common + 1e-9 * (0.7 * t).cos(), common - 1e-9 * (t * t)]
        });
        let table = Table::new(x.as_flattened(), ROWS, COLUMNS).expect("a table");
        let loss = Quantile::absolute(table, &y).expect("a loss");
        let (mut z, mut r) = ([[f64::NAN; COLUMNS]; ROWS], [[f64::NAN; COLUMNS]; COLUMNS]);
        whiten(&loss, z.as_flattened_mut(), r.as_flattened_mut(), &mut [f64::NAN; COLUMNS]);
        for (j, k) in (0..COLUMNS).flat_map(|j| (0..COLUMNS).map(move |k| (j, k))) {
            let product: f64 = z.iter().map(|z| z[j] * z[k]).sum();
            let expected = if j == k { ROWS as f64 } else { 0.0 };
            assert!((product - expected).abs() < 1e-14 * ROWS as f64, "{j} {k}: {product}");
        }
    }

    #[test]
    fn scales_are_the_largest_entries() {
        let mut scales = [f64::NAN; 3];
        column_scales(&[1.0, 0.0, -3.0, -2.0, 0.0, 2.0, 0.5, -0.0, 1.0], 3, &mut scales);
        assert_eq!(scales, [2.0, 1.0, 3.0]);
    }
}
