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
