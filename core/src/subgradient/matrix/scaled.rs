//! Directions scaled by the factors' own shape.

use southwell_simd::vector;

use super::shape::Shape;
use crate::Real;

/// D ← (G_U (VᵀV + λI)⁻¹, G_V (UᵀU + λI)⁻¹), λ = damping·tr/r, in place; `gram` has room for r².
pub(super) fn precondition<T: Real>(shape: Shape, damping: T, x: &[T], d: &mut [T], gram: &mut [T]) {
    let factors = shape.factors(x);
    let Some((d_u, d_v)) = d.split_at_mut_checked(shape.of_u()) else { return };
    factorise(factors.v, shape.columns(), shape.rank(), damping, gram);
    solve(gram, shape.rank(), d_u, shape.rows());
    if !shape.is_symmetric() {
        factorise(factors.u, shape.rows(), shape.rank(), damping, gram);
        solve(gram, shape.rank(), d_v, shape.columns());
    }
}

/// L Lᵀ = UᵀU + λI in the lower half, the diagonal of L inverted; a pivot of rounding error counts as
/// infinite.
fn factorise<T: Real>(u: &[T], length: usize, rank: usize, damping: T, gram: &mut [T]) {
    let columns = || u.chunks_exact(length.max(1));
    let trace = columns().fold(T::ZERO, |sum, u| sum + vector::dot(u, u));
    let lambda = damping * (trace / T::from_usize(rank.max(1)));
    for (k, u_k) in columns().enumerate() {
        let Some((above, rest)) = gram.split_at_mut_checked(k.saturating_mul(rank)) else { return };
        let Some((row, _)) = rest.split_at_mut_checked(rank) else { return };
        for (entry, u_j) in row.iter_mut().zip(columns()).take(k.saturating_add(1)) {
            *entry = vector::dot(u_k, u_j);
        }
        let mut own = T::ZERO;
        if let Some(diagonal) = row.get_mut(k) {
            *diagonal += lambda;
            own = *diagonal;
        }
        for (j, other) in above.chunks_exact(rank.max(1)).enumerate() {
            let (Some((known, current)), Some((factors, inverse))) = (
                row.split_at_mut_checked(j).and_then(|(known, rest)| rest.first_mut().map(|c| (known, c))),
                other.split_at_checked(j).and_then(|(factors, rest)| rest.first().map(|c| (factors, c))),
            ) else {
                return;
            };
            *current = (*current - vector::dot(known, factors)) * *inverse;
        }
        if let Some((known, pivot)) =
            row.split_at_mut_checked(k).and_then(|(known, rest)| rest.first_mut().map(|p| (known, p)))
        {
            let left = *pivot - vector::dot(known, known);
            let inverse = T::ONE / left.sqrt();
            let sound = left > T::from_u32(64) * T::EPSILON * own && inverse.is_finite();
            *pivot = if sound { inverse } else { T::ZERO };
        }
    }
}

/// D ← D (L Lᵀ)⁻¹, column by column.
fn solve<T: Real>(l: &[T], rank: usize, d: &mut [T], length: usize) {
    let factor =
        |k: usize, j: usize| l.get(k.saturating_mul(rank).saturating_add(j)).copied().unwrap_or(T::ZERO);
    for k in 0..rank {
        let Some((before, rest)) = d.split_at_mut_checked(k.saturating_mul(length)) else { return };
        let Some(column) = rest.get_mut(..length) else { return };
        for (j, other) in before.chunks_exact(length.max(1)).enumerate() {
            vector::axpy(-factor(k, j), other, column);
        }
        vector::scale(factor(k, k), column);
    }
    for k in (0..rank).rev() {
        let Some((_, rest)) = d.split_at_mut_checked(k.saturating_mul(length)) else { return };
        let Some((column, after)) = rest.split_at_mut_checked(length) else { return };
        for (j, other) in after.chunks_exact(length.max(1)).enumerate() {
            vector::axpy(-factor(k.saturating_add(j).saturating_add(1), k), other, column);
        }
        vector::scale(factor(k, k), column);
    }
}

/// Shortens rows of U and V to at most `bound`.
pub(super) fn clip_rows<T: Real>(shape: Shape, bound: T, x: &mut [T]) {
    let clip = |columns: &mut [T], length: usize| {
        for i in 0..length {
            let square = columns.iter().skip(i).step_by(length.max(1)).fold(T::ZERO, |sum, &u| sum + u * u);
            if square > bound * bound {
                let factor = bound / square.sqrt();
                columns.iter_mut().skip(i).step_by(length.max(1)).for_each(|u| *u *= factor);
            }
        }
    };
    let Some((u, v)) = x.split_at_mut_checked(shape.of_u()) else { return };
    clip(u, shape.rows());
    if !shape.is_symmetric() {
        clip(v, shape.columns());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// d (VᵀV + λ1)⁻¹ for two columns, written out.
    fn by_hand(v: [[f64; 3]; 2], damping: f64, d: [[f64; 3]; 2]) -> [[f64; 3]; 2] {
        let dot = |a: usize, b: usize| (0..3).map(|k| v[a][k] * v[b][k]).sum::<f64>();
        let lambda = damping * (dot(0, 0) + dot(1, 1)) / 2.0;
        let (p, q, r) = (dot(0, 0) + lambda, dot(0, 1), dot(1, 1) + lambda);
        let whole = p * r - q * q;
        let of = |k: usize| [(d[0][k] * r - d[1][k] * q) / whole, (d[1][k] * p - d[0][k] * q) / whole];
        [[of(0)[0], of(1)[0], of(2)[0]], [of(0)[1], of(1)[1], of(2)[1]]]
    }

    fn near(found: &[f64], expected: &[f64]) {
        assert_eq!(found.len(), expected.len());
        for (f, e) in found.iter().zip(expected) {
            assert!((f - e).abs() < 1e-14 * (1.0 + e.abs()), "{found:?} {expected:?}");
        }
    }

    const U: [[f64; 3]; 2] = [[1.0, -0.5, 0.25], [0.5, 2.0, -1.0]];
    const V: [[f64; 3]; 2] = [[0.75, 1.5, -0.25], [-1.0, 0.25, 0.5]];
    const D: [[f64; 3]; 4] = [[1.0, 2.0, 3.0], [-1.0, 0.5, 0.25], [2.0, -2.0, 1.0], [0.125, 1.0, -3.0]];

    #[test]
    fn a_direction_is_measured_by_the_other_factor() {
        for damping in [0.0, 0.125] {
            let mut gram = [f64::NAN; 4];
            let (x, mut d) = ([U[0], U[1], V[0], V[1]], D);
            let shape = Shape::general(3, 3, 2);
            precondition(shape, damping, x.as_flattened(), d.as_flattened_mut(), &mut gram);
            near(d[..2].as_flattened(), by_hand(V, damping, [D[0], D[1]]).as_flattened());
            near(d[2..].as_flattened(), by_hand(U, damping, [D[2], D[3]]).as_flattened());
            let mut d = [D[0], D[1]];
            precondition(Shape::symmetric(3, 2), damping, U.as_flattened(), d.as_flattened_mut(), &mut gram);
            near(d.as_flattened(), by_hand(U, damping, [D[0], D[1]]).as_flattened());
        }
    }

    #[test]
    fn a_column_that_depends_on_the_first_does_not_move() {
        let (mut gram, mut d) = ([f64::NAN; 4], [D[0], D[1]]);
        let twice = [U[0], U[0].map(|u| 2.0 * u)];
        precondition(Shape::symmetric(3, 2), 0.0, twice.as_flattened(), d.as_flattened_mut(), &mut gram);
        let square: f64 = U[0].iter().map(|u| u * u).sum();
        near(d.as_flattened(), [D[0].map(|d| d / square), [0.0; 3]].as_flattened());
    }

    #[test]
    fn long_rows_are_shortened_in_both_factors() {
        let scaled = |x: [[f64; 3]; 2]| {
            let factor = |k: usize| (1.5 / (x[0][k] * x[0][k] + x[1][k] * x[1][k]).sqrt()).min(1.0);
            [0, 1].map(|c| [0, 1, 2].map(|k| x[c][k] * factor(k)))
        };
        let mut x = [U[0], U[1], V[0], V[1]];
        clip_rows(Shape::general(3, 3, 2), 1.5, x.as_flattened_mut());
        near(x[..2].as_flattened(), scaled(U).as_flattened());
        near(x[2..].as_flattened(), scaled(V).as_flattened());
        let mut x = U;
        clip_rows(Shape::symmetric(3, 2), 1.5, x.as_flattened_mut());
        near(x.as_flattened(), scaled(U).as_flattened());
        let mut exact = [[3.0, 0.0, 0.0], [4.0, 0.0, 1.0]];
        clip_rows(Shape::symmetric(3, 2), 5.0, exact.as_flattened_mut());
        assert_eq!(exact, [[3.0, 0.0, 0.0], [4.0, 0.0, 1.0]]);
    }
}
