//! Columns of equal length, one after the other: bases, rotations, and what they say about singular values.

use southwell_simd::vector;

use super::shape::Shape;
use crate::copy::CopyFrom;
use crate::linear::check_len;
use crate::{Error, Real};

/// Sweeps of rotations at most; ten are many.
const SWEEPS: u32 = 40;
/// A gap between neighbouring singular values that counts as the end of the matrix.
const GAP: f64 = 10.0;

/// Columns p < q of a slice.
fn pair<T>(columns: &mut [T], length: usize, p: usize, q: usize) -> Option<(&mut [T], &mut [T])> {
    let (head, tail) = columns.split_at_mut_checked(q.saturating_mul(length))?;
    let start = p.saturating_mul(length);
    Some((head.get_mut(start..start.saturating_add(length))?, tail.get_mut(..length)?))
}

/// Makes the columns orthonormal, from the first to the last, twice; one that depends on those before it
/// becomes 0. Cost: 8 · length · rank² operations.
pub(super) fn orthonormalise<T: Real>(columns: &mut [T], length: usize, rank: usize) {
    for _ in 0..2 {
        for q in 0..rank {
            let Some(column) = columns.get(q.saturating_mul(length)..).and_then(|c| c.get(..length)) else {
                return;
            };
            let before = vector::norm_scaled(column);
            for p in 0..q {
                let Some((base, column)) = pair(columns, length, p, q) else { return };
                vector::axpy(-vector::dot(base, column), base, column);
            }
            let start = q.saturating_mul(length);
            let Some(column) = columns.get_mut(start..start.saturating_add(length)) else { return };
            let after = vector::norm_scaled(column);
            let inverse = T::ONE / after;
            let kept = after > T::from_u32(16) * T::EPSILON * before && inverse.is_finite();
            vector::scale(if kept { inverse } else { T::ZERO }, column);
            if !kept {
                column.fill(T::ZERO);
            }
        }
    }
}

/// Rotates columns until every two are orthogonal, and those of `other` with them: P Rᵀ stays, the columns'
/// norms are P's singular values. Cost: about ten times 6 · length · rank² operations.
///
/// *Source*: Hestenes 1958.
pub(super) fn rotate<T: Real>(columns: &mut [T], length: usize, rank: usize, other: &mut [T], others: usize) {
    for _ in 0..SWEEPS {
        let mut rotated = false;
        for q in 1..rank {
            for p in 0..q {
                let Some((a, b)) = pair(columns, length, p, q) else { return };
                let (alpha, beta, gamma) = (vector::dot(a, a), vector::dot(b, b), vector::dot(a, b));
                // Below the first bound they are orthogonal; what is not above 0 is no number.
                let bound = T::TWO * T::EPSILON * (alpha.sqrt() * beta.sqrt());
                if !(gamma.abs() > bound && gamma.is_finite()) {
                    continue;
                }
                rotated = true;
                let zeta = (beta - alpha) / (T::TWO * gamma);
                let size = T::ONE / (zeta.abs() + (T::ONE + zeta * zeta).sqrt());
                let t = if zeta < T::ZERO { -size } else { size };
                let c = T::ONE / (T::ONE + t * t).sqrt();
                turn(c, c * t, a, b);
                if let Some((a, b)) = pair(other, others, p, q) {
                    turn(c, c * t, a, b);
                }
            }
        }
        if !rotated {
            return;
        }
    }
}

/// (a, b) ← (c a − s b, s a + c b)
fn turn<T: Real>(c: T, s: T, a: &mut [T], b: &mut [T]) {
    for (a, b) in a.iter_mut().zip(b) {
        (*a, *b) = (c * *a - s * *b, s * *a + c * *b);
    }
}

/// The singular values of X, the largest first, and the rank that they show. `x` holds the factors, `values`
/// has [`Shape::rank`] elements and `storage` [`Shape::unknowns`] (dirty if you like).
///
/// Where X = U Uᵀ these are the squared singular values of U. The rank is the number of values before the
/// widest gap between neighbours (a factor of ten at least; a value below rounding error ends the matrix as
/// well), or all of them if there is none. Singular values keep their relative accuracy, so the floor that a
/// small start leaves is seen however low. Cost: about 60 d r² operations, twice where there are two
/// factors.
///
/// # Errors
/// [`Error::Dimension`] for `x` or `values`; [`Error::Workspace`] for `storage`.
pub fn singular_values<T: Real>(
    shape: Shape,
    x: &[T],
    values: &mut [T],
    storage: &mut [T],
) -> Result<usize, Error> {
    check_len("x", x.len(), shape.unknowns())?;
    check_len("values", values.len(), shape.rank())?;
    let given = storage.len();
    let Some(copy) = storage.get_mut(..shape.unknowns()) else {
        return Err(Error::Workspace { needed: shape.unknowns(), given });
    };
    copy.copy_from(x);
    let (rows, columns, rank) = (shape.rows(), shape.columns(), shape.rank());
    let Some((u, v)) = copy.split_at_mut_checked(shape.of_u()) else { return Ok(0) };
    rotate(u, rows, rank, v, columns);
    if shape.is_symmetric() {
        let mut of_u = u.chunks_exact(rows.max(1));
        for value in values.iter_mut() {
            let Some(u) = of_u.next() else { break };
            *value = vector::dot(u, u);
        }
    } else {
        // U is orthogonal now; with its norms moved to V, X has V's singular values.
        let mut of_v = v.chunks_exact_mut(columns.max(1));
        for u in u.chunks_exact(rows.max(1)) {
            let Some(v) = of_v.next() else { break };
            vector::scale(vector::norm_scaled(u), v);
        }
        rotate(v, columns, rank, &mut [], 0);
        let mut of_v = v.chunks_exact(columns.max(1));
        for value in values.iter_mut() {
            let Some(v) = of_v.next() else { break };
            *value = vector::norm_scaled(v);
        }
    }
    sort_down(values);
    Ok(rank_of(values))
}

/// Few values: by insertion.
fn sort_down<T: Real>(values: &mut [T]) {
    for end in 1..values.len() {
        for i in (1..=end).rev() {
            if let Some([before, after]) =
                values.get_mut(i.saturating_sub(1)..=i).and_then(|x| x.first_chunk_mut())
                && *before < *after
            {
                core::mem::swap(before, after);
            } else {
                break;
            }
        }
    }
}

fn rank_of<T: Real>(values: &[T]) -> usize {
    let Some(&largest) = values.first() else { return 0 };
    if largest <= T::ZERO || !largest.is_finite() {
        return 0;
    }
    let floor = largest * T::EPSILON;
    let (mut rank, mut widest) = (values.len(), T::from_f64(GAP));
    for (k, (&value, &next)) in (1..).zip(values.iter().zip(values.iter().skip(1))) {
        if value < floor {
            break;
        }
        let gap = value / next.max(floor);
        if gap >= widest {
            (rank, widest) = (k, gap);
        }
    }
    rank
}
