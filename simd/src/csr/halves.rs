//! Solves with the upper and the lower half of a matrix, for symmetric over-relaxation.

use super::Rows;
use crate::Real;
use crate::map::cut;

/// t ← (D/ω + U)⁻¹ p, from the last row; reads the upper half of the matrix.
pub fn solve_upper<T: Real>(rows: Rows<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    let n = p.len().min(inverse.len()).min(t.len()).min(rows.count());
    for (i, ((row, &p), &inverse)) in rows.iter(n).zip(cut(p, n)).zip(cut(inverse, n)).enumerate().rev() {
        let upper = row.with(t).rev().take_while(|&(column, ..)| column as usize > i);
        let sum = upper.fold(p, |sum, (_, a, t)| sum - a * t);
        if let Some(t) = t.get_mut(i) {
            *t = sum * (omega * inverse);
        }
    }
}

/// y ← (D/ω + L)⁻¹ (p − K t) with K = ((2 − ω)/ω) D, and w ← A t = p + (1 − 1/ω) D t + L t, given
/// t = (D/ω + U)⁻¹ p; reads the lower half of the matrix once for both.
pub fn solve_lower<T: Real>(
    rows: Rows<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    let operands = rows.iter(usize::MAX).zip(p).zip(t).zip(inverse).zip(w);
    for (i, ((((row, &p), &t_i), &inverse), w)) in operands.enumerate() {
        let mut along_t = T::ZERO;
        let mut along_y = T::ZERO;
        let mut diagonal = T::ZERO;
        for ((column, a, t), (_, _, y)) in row.with(t).zip(row.with(y)) {
            if column as usize >= i {
                diagonal = if column as usize == i { a } else { T::ZERO };
                break;
            }
            along_t += a * t;
            along_y += a * y;
        }
        let v = p - (weight * diagonal) * t_i;
        *w = (p + share * (diagonal * t_i)) + along_t;
        if let Some(y) = y.get_mut(i) {
            *y = (v - along_y) * (omega * inverse);
        }
    }
}
