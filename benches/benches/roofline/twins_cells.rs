//! The stencil passes with couplings by cell as plain loops of the same definition.

use southwell::Real;
use southwell_simd::stencil::Star;

type Arrays<'a, T> = Star<&'a [T]>;

#[inline(never)]
pub(crate) fn apply<T: Real>(c: Arrays<'_, T>, m: usize, x: &[T], y: &mut [T]) {
    let rows = x.len() / m;
    for i in 0..rows {
        for j in 0..m {
            let k = i * m + j;
            let mut sum = T::ZERO + c.centre[k] * x[k];
            if j > 0 {
                sum += c.west[k] * x[k - 1];
            }
            if j + 1 < m {
                sum += c.east[k] * x[k + 1];
            }
            if i > 0 {
                sum += c.south[k] * x[k - m];
            }
            if i + 1 < rows {
                sum += c.north[k] * x[k + m];
            }
            y[k] = sum;
        }
    }
}

#[inline(never)]
pub(crate) fn sor_sweep<T: Real>(
    c: Arrays<'_, T>,
    m: usize,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let keep = T::ONE - omega;
    let rows = x.len() / m;
    for i in 0..rows {
        for j in 0..m {
            let k = i * m + j;
            let mut t = rhs[k];
            if i + 1 < rows {
                t -= c.north[k] * x[k + m];
            }
            if j + 1 < m {
                t -= c.east[k] * x[k + 1];
            }
            if i > 0 {
                t -= c.south[k] * x[k - m];
            }
            let f = omega * inverse[k];
            let mut q = keep * x[k] + f * t;
            if j > 0 {
                q -= (f * c.west[k]) * x[k - 1];
            }
            x[k] = q;
        }
    }
}

#[inline(never)]
pub(crate) fn red_black_sweep<T: Real>(
    c: Arrays<'_, T>,
    m: usize,
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    let keep = T::ONE - omega;
    let rows = x.len() / m;
    for colour in 0..2 {
        for i in 0..rows {
            for j in ((i + colour) % 2..m).step_by(2) {
                let k = i * m + j;
                let mut t = rhs[k];
                if j > 0 {
                    t -= c.west[k] * x[k - 1];
                }
                if j + 1 < m {
                    t -= c.east[k] * x[k + 1];
                }
                if i > 0 {
                    t -= c.south[k] * x[k - m];
                }
                if i + 1 < rows {
                    t -= c.north[k] * x[k + m];
                }
                x[k] = keep * x[k] + (omega * inverse[k]) * t;
            }
        }
    }
}

#[inline(never)]
pub(crate) fn solve_upper<T: Real>(
    c: Arrays<'_, T>,
    m: usize,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &mut [T],
) {
    let rows = t.len() / m;
    for i in (0..rows).rev() {
        for j in (0..m).rev() {
            let k = i * m + j;
            let mut q = p[k];
            if i + 1 < rows {
                q -= c.north[k] * t[k + m];
            }
            let f = omega * inverse[k];
            q = f * q;
            if j + 1 < m {
                q -= (f * c.east[k]) * t[k + 1];
            }
            t[k] = q;
        }
    }
}

#[inline(never)]
pub(crate) fn solve_lower<T: Real>(
    c: Arrays<'_, T>,
    m: usize,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    for i in 0..y.len() / m {
        for j in 0..m {
            let k = i * m + j;
            let mut q = p[k] - (weight * c.centre[k]) * t[k];
            let mut a = p[k] + share * (c.centre[k] * t[k]);
            if j > 0 {
                a += c.west[k] * t[k - 1];
            }
            if i > 0 {
                q -= c.south[k] * y[k - m];
                a += c.south[k] * t[k - m];
            }
            let f = omega * inverse[k];
            q = f * q;
            if j > 0 {
                q -= (f * c.west[k]) * y[k - 1];
            }
            y[k] = q;
            w[k] = a;
        }
    }
}
