//! Sweeps of successive over-relaxation in the row-residual form with the inverse diagonal.

use super::view::by_rows;
use super::{Rows, ascending, descending};
use crate::Real;
use crate::dispatch::pass;
use crate::map::cut;

pass! {
    /// One SOR sweep in place, x_i ← x_i + (ω·(1/a_ii))·(b_i − Σ_j a_ij x_j), from the first row or
    /// (`reversed`) from the last. A forward sweep sums a row from its last column, a backward one
    /// from its first, so that the newest value is waited for last. Cost besides the matrix: 3 r, 1 w a row.
    pub fn sor_sweep<'a, T>(
        rows: Rows<'a, T>,
        reversed: bool,
        omega: T,
        inverse: &'a [T],
        rhs: &'a [T],
        x: &'a mut [T],
    ) -> () = |_simd, rows, reversed, omega, inverse, rhs, x| sweep_kernel(rows, reversed, omega, inverse, rhs, x)
}

#[inline(always)]
fn sweep_kernel<T: Real>(rows: Rows<'_, T>, reversed: bool, omega: T, inverse: &[T], rhs: &[T], x: &mut [T]) {
    if x.len() < rows.width() {
        return;
    }
    let n = rhs.len().min(inverse.len()).min(x.len()).min(rows.count());
    let (rhs, inverse) = (cut(rhs, n), cut(inverse, n));
    if reversed {
        for (i, ((row, &b), &inverse)) in rows.iter(n).zip(rhs).zip(inverse).enumerate().rev() {
            let sigma = ascending(b, row, x);
            if let Some(x) = x.get_mut(i) {
                *x += (omega * inverse) * sigma;
            }
        }
    } else {
        by_rows!(all in rows, n; {
            for (i, ((row, &b), &inverse)) in all.zip(rhs).zip(inverse).enumerate() {
                let sigma = descending(b, row, x);
                if let Some(x) = x.get_mut(i) {
                    *x += (omega * inverse) * sigma;
                }
            }
        });
    }
}

/// One SOR sweep over the rows that `order` lists, in that order or (`reversed`) from its end; each
/// row is summed from its first column. Cost as [`sor_sweep`], with scattered rows.
pub fn sor_sweep_in_order<T: Real>(
    rows: Rows<'_, T>,
    order: &[u32],
    reversed: bool,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    if x.len() < rows.width() {
        return;
    }
    let mut relax = |&i: &u32| {
        let i = i as usize;
        if let (Some(&b), Some(&inverse)) = (rhs.get(i), inverse.get(i)) {
            let sigma = ascending(b, rows.row(i), x);
            if let Some(x) = x.get_mut(i) {
                *x += (omega * inverse) * sigma;
            }
        }
    };
    if reversed { order.iter().rev().for_each(&mut relax) } else { order.iter().for_each(&mut relax) }
}
