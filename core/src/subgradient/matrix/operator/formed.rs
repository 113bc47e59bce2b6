//! What operators that form Q share.

use southwell_simd::{dense, vector};

use crate::Real;
use crate::copy::CopyFrom;
use crate::subgradient::counter;
use crate::subgradient::matrix::shape::{Factors, Gradient, Shape};

/// Q ← scale·Q, then Q + Qᵀ where X is symmetric; then the gradients.
pub(super) fn close<T: Real>(scale: T, x: Factors<'_, T>, q: &mut [T], gradient: &mut Gradient<'_, T>) {
    vector::scale(scale, q);
    if x.shape.is_symmetric() {
        symmetrise(q, x.shape.rows());
    }
    multiply(q, x, gradient);
}

/// Q ← Q + Qᵀ.
fn symmetrise<T: Real>(q: &mut [T], order: usize) {
    for i in 0..order {
        let Some((above, rest)) = q.split_at_mut_checked(i.saturating_mul(order)) else { return };
        let Some(row) = rest.get_mut(..order) else { return };
        if let Some(diagonal) = row.get_mut(i) {
            *diagonal += *diagonal;
        }
        // Row j of those above holds (j, i).
        for (other, mine) in above.chunks_exact_mut(order.max(1)).zip(row) {
            if let Some(theirs) = other.get_mut(i) {
                *mine += *theirs;
                *theirs = *mine;
            }
        }
    }
}

/// The gradients Q V and Qᵀ U, or Q U where X (and then Q) is symmetric.
pub(in super::super) fn multiply<T: Real>(q: &[T], x: Factors<'_, T>, gradient: &mut Gradient<'_, T>) {
    let (rows, columns) = (x.shape.rows(), x.shape.columns());
    let matrix = dense::Matrix { values: q, columns, stride: columns };
    // Not zipped, here and elsewhere: a zip of chunks divides by their lengths, which are not seen to be positive.
    let mut to = gradient.u().chunks_exact_mut(rows.max(1));
    for v in x.v_columns() {
        let Some(g) = to.next() else { break };
        dense::apply(matrix, v, g);
    }
    if !x.shape.is_symmetric() {
        let mut to = gradient.v().chunks_exact_mut(columns.max(1));
        for u in x.u_columns() {
            let Some(g) = to.next() else { break };
            dense::apply_transposed(matrix, u, g);
        }
    }
}

/// W and Q.
pub(super) fn halves<T>(scratch: &mut [T], first: usize) -> (&mut [T], &mut [T]) {
    scratch.split_at_mut_checked(first).unwrap_or((&mut [], &mut []))
}

/// Steps of the power method that [`spectral_norm`] takes at most.
const POWERS: u32 = 20;
/// A step that raises the norm by less than this share ends them.
const ENOUGH: f64 = 1e-3;

/// ‖Q‖₂ from below, by the power method on Q (symmetric) or QᵀQ, from the vector that is handed in (any, or
/// 0) and that is left for the next time; it has room for a row and a column. Cost: up to 20 (40) products.
pub(in super::super) fn spectral_norm<T: Real>(shape: Shape, q: &[T], vector: &mut [T]) -> T {
    let (rows, columns) = (shape.rows(), shape.columns());
    let matrix = dense::Matrix { values: q, columns, stride: columns };
    let Some((v, w)) = vector.split_at_mut_checked(columns) else { return T::ZERO };
    let Some(w) = w.get_mut(..rows) else { return T::ZERO };
    if !normalise(v) {
        // Signs in no order: equal ones would be blind to a matrix whose rows sum to zero.
        counter::fill_signs(1, 0, v);
        normalise(v);
    }
    let mut norm = T::ZERO;
    for _ in 0..POWERS {
        dense::apply(matrix, v, w);
        let last = norm;
        if shape.is_symmetric() {
            norm = vector::norm(w);
            v.copy_from(w);
        } else {
            dense::apply_transposed(matrix, w, v);
            norm = vector::norm(v).sqrt();
        }
        if !normalise(v) || norm <= last * T::from_f64(1.0 + ENOUGH) {
            break;
        }
    }
    norm
}

/// v ← v/‖v‖, if that is a number.
fn normalise<T: Real>(v: &mut [T]) -> bool {
    let inverse = T::ONE / vector::norm(v);
    let sound = inverse.is_finite() && inverse > T::ZERO;
    if sound {
        vector::scale(inverse, v);
    }
    sound
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A norm that is 0, that has no reciprocal, that overflows or that is no number is left alone.
    #[test]
    fn what_cannot_be_divided_by_its_length_stays() {
        for v in [[0.0; 3], [5e-324, 0.0, 0.0], [f64::MAX, f64::MAX, 1.0], [1.0, f64::NAN, 0.0]] {
            let mut w = v;
            assert!(!normalise(&mut w), "{v:?}");
            assert_eq!(w.map(f64::to_bits), v.map(f64::to_bits));
        }
        let mut v = [3e150, -4e150, 0.0];
        assert!(normalise(&mut v));
        assert!((v[0] - 0.6).abs() < 1e-15 && (v[1] + 0.8).abs() < 1e-15, "{v:?}");
    }
}
