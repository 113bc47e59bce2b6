//! The stencil passes with constant couplings as plain loops of the same definition, in two dimensions.

use southwell::Real;
use southwell_simd::stencil::Star;
use southwell_simd::{LANES, reduce};

/// (A x) in one row of the grid. Rows with both neighbours run without a question but for their ends,
/// which leaves the compiler a loop that it can vectorise.
fn product_row<T: Real>(c: &Star<T>, m: usize, i: usize, x: &[T], y: &mut [T]) {
    let rows = x.len() / m;
    let cell = |j: usize| {
        let k = i * m + j;
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
        if i + 1 < rows {
            sum += c.north * x[k + m];
        }
        sum
    };
    if i == 0 || i + 1 == rows || m < 3 {
        for (j, y) in y.iter_mut().enumerate() {
            *y = cell(j);
        }
        return;
    }
    let (south, here, north) = (&x[(i - 1) * m..][..m], &x[i * m..][..m], &x[(i + 1) * m..][..m]);
    let y = &mut y[..m];
    y[0] = cell(0);
    y[m - 1] = cell(m - 1);
    for j in 1..m - 1 {
        let sum = T::ZERO + c.centre * here[j];
        let sum = (sum + c.west * here[j - 1]) + c.east * here[j + 1];
        y[j] = (sum + c.south * south[j]) + c.north * north[j];
    }
}

#[inline(never)]
pub(crate) fn apply<T: Real>(c: Star<T>, m: usize, x: &[T], y: &mut [T]) {
    for (i, y) in y.chunks_exact_mut(m).enumerate() {
        product_row(&c, m, i, x, y);
    }
}

#[inline(never)]
pub(crate) fn residual<T: Real>(c: Star<T>, m: usize, rhs: &[T], x: &[T], r: &mut [T]) {
    for (i, (r, b)) in r.chunks_exact_mut(m).zip(rhs.chunks_exact(m)).enumerate() {
        product_row(&c, m, i, x, r);
        for (r, &b) in r.iter_mut().zip(b) {
            *r = b - *r;
        }
    }
}

/// `line` is scratch of one row.
#[inline(never)]
pub(crate) fn residual_square<T: Real>(c: Star<T>, m: usize, rhs: &[T], x: &[T], line: &mut [T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (i, b) in rhs.chunks_exact(m).enumerate() {
        product_row(&c, m, i, x, line);
        for (r, &b) in line.iter_mut().zip(b) {
            *r = b - *r;
        }
        for r in line[..m].chunks(LANES) {
            for (lane, &r) in lanes.iter_mut().zip(r) {
                *lane += r * r;
            }
        }
    }
    reduce(&lanes)
}

#[inline(never)]
pub(crate) fn sor_sweep<T: Real>(c: Star<T>, m: usize, omega: T, rhs: &[T], x: &mut [T]) {
    let (keep, f) = (T::ONE - omega, omega * (T::ONE / c.centre));
    let (south, west) = (f * c.south, f * c.west);
    let rows = x.len() / m;
    for i in 0..rows {
        for j in 0..m {
            let k = i * m + j;
            let mut t = rhs[k];
            if i + 1 < rows {
                t -= c.north * x[k + m];
            }
            if j + 1 < m {
                t -= c.east * x[k + 1];
            }
            let mut q = keep * x[k] + f * t;
            if i > 0 {
                q -= south * x[k - m];
            }
            if j > 0 {
                q -= west * x[k - 1];
            }
            x[k] = q;
        }
    }
}

#[inline(never)]
pub(crate) fn red_black_sweep<T: Real>(c: Star<T>, m: usize, omega: T, rhs: &[T], x: &mut [T]) {
    let (keep, f) = (T::ONE - omega, omega * (T::ONE / c.centre));
    let rows = x.len() / m;
    for colour in 0..2 {
        for i in 0..rows {
            for j in ((i + colour) % 2..m).step_by(2) {
                let k = i * m + j;
                let mut t = rhs[k];
                if j > 0 {
                    t -= c.west * x[k - 1];
                }
                if j + 1 < m {
                    t -= c.east * x[k + 1];
                }
                if i > 0 {
                    t -= c.south * x[k - m];
                }
                if i + 1 < rows {
                    t -= c.north * x[k + m];
                }
                x[k] = keep * x[k] + f * t;
            }
        }
    }
}

/// `gamma` and `pivot` are the factors of one row, `line` scratch of one.
#[inline(never)]
pub(crate) fn line_sweep<T: Real>(
    c: Star<T>,
    m: usize,
    omega: T,
    (gamma, pivot): (&[T], &[T]),
    line: &mut [T],
    rhs: &[T],
    x: &mut [T],
) {
    let keep = T::ONE - omega;
    let rows = x.len() / m;
    for i in 0..rows {
        line[..m].copy_from_slice(&rhs[i * m..][..m]);
        if i > 0 {
            for (d, &x) in line[..m].iter_mut().zip(&x[(i - 1) * m..]) {
                *d -= c.south * x;
            }
        }
        if i + 1 < rows {
            for (d, &x) in line[..m].iter_mut().zip(&x[(i + 1) * m..]) {
                *d -= c.north * x;
            }
        }
        let mut before = T::ZERO;
        for (d, &pivot) in line[..m].iter_mut().zip(pivot) {
            before = (*d - c.west * before) * pivot;
            *d = before;
        }
        let mut after = T::ZERO;
        for ((x, &d), &gamma) in x[i * m..][..m].iter_mut().zip(&line[..m]).zip(gamma).rev() {
            after = d - gamma * after;
            *x = keep * *x + omega * after;
        }
    }
}

#[inline(never)]
pub(crate) fn solve_upper<T: Real>(c: Star<T>, m: usize, omega: T, p: &[T], t: &mut [T]) {
    let f = omega * (T::ONE / c.centre);
    let (north, east) = (f * c.north, f * c.east);
    let rows = t.len() / m;
    for i in (0..rows).rev() {
        for j in (0..m).rev() {
            let k = i * m + j;
            let mut q = f * p[k];
            if i + 1 < rows {
                q -= north * t[k + m];
            }
            if j + 1 < m {
                q -= east * t[k + 1];
            }
            t[k] = q;
        }
    }
}

#[inline(never)]
pub(crate) fn solve_lower<T: Real>(
    c: Star<T>,
    m: usize,
    omega: T,
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = (((T::TWO - omega) / omega) * c.centre, T::ONE - T::ONE / omega);
    let f = omega * (T::ONE / c.centre);
    let (south, west) = (f * c.south, f * c.west);
    for i in 0..y.len() / m {
        for j in 0..m {
            let k = i * m + j;
            let mut q = f * (p[k] - weight * t[k]);
            let mut a = p[k] + share * (c.centre * t[k]);
            if j > 0 {
                a += c.west * t[k - 1];
            }
            if i > 0 {
                q -= south * y[k - m];
                a += c.south * t[k - m];
            }
            if j > 0 {
                q -= west * y[k - 1];
            }
            y[k] = q;
            w[k] = a;
        }
    }
}
