//! The stencil passes in three dimensions, with constant couplings, as plain loops of the same definition.

use southwell::Real;
use southwell_simd::stencil::Star;

/// Calls `visit(cell, p, i, j)` for all cells of a cube of side `m`, in order.
#[inline(always)]
fn every_cell(m: usize, mut visit: impl FnMut(usize, usize, usize, usize)) {
    let mut k = 0;
    for p in 0..m {
        for i in 0..m {
            for j in 0..m {
                visit(k, p, i, j);
                k += 1;
            }
        }
    }
}

#[inline(never)]
pub(crate) fn apply<T: Real>(c: Star<T>, m: usize, x: &[T], y: &mut [T]) {
    every_cell(m, |k, p, i, j| {
        let mut sum = T::ZERO + c.centre * x[k];
        if j > 0 {
            sum += c.west * x[k - 1];
        }
        if j + 1 < m {
            sum += c.east * x[k + 1];
        }
        if i > 0 {
            sum += c.south * x[k - m];
        }
        if i + 1 < m {
            sum += c.north * x[k + m];
        }
        if p > 0 {
            sum += c.down * x[k - m * m];
        }
        if p + 1 < m {
            sum += c.up * x[k + m * m];
        }
        y[k] = sum;
    });
}

#[inline(never)]
pub(crate) fn sor_sweep<T: Real>(c: Star<T>, m: usize, omega: T, rhs: &[T], x: &mut [T]) {
    let (keep, f) = (T::ONE - omega, omega * (T::ONE / c.centre));
    let (south, west) = (f * c.south, f * c.west);
    every_cell(m, |k, p, i, j| {
        let mut t = rhs[k];
        if p > 0 {
            t = t - c.down * x[k - m * m];
        }
        if p + 1 < m {
            t = t - c.up * x[k + m * m];
        }
        if i + 1 < m {
            t = t - c.north * x[k + m];
        }
        if j + 1 < m {
            t = t - c.east * x[k + 1];
        }
        let mut q = keep * x[k] + f * t;
        if i > 0 {
            q = q - south * x[k - m];
        }
        if j > 0 {
            q = q - west * x[k - 1];
        }
        x[k] = q;
    });
}
