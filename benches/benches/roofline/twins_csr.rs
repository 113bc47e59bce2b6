//! The sparse passes as plain loops of the same definition.

use southwell::Real;
use southwell_simd::csr::{Row, Rows};
use southwell_simd::{LANES, reduce};

fn entries<'a, T: Real>(
    a: &Rows<'a, T>,
    i: usize,
) -> impl DoubleEndedIterator<Item = (usize, T)> + use<'a, T> {
    let range = a.offsets()[i] as usize..a.offsets()[i + 1] as usize;
    a.columns()[range.clone()].iter().zip(&a.values()[range]).map(|(&j, &v)| (j as usize, v))
}

#[inline(never)]
pub(crate) fn apply<T: Real>(a: Rows<'_, T>, x: &[T], y: &mut [T]) {
    for (i, y) in y.iter_mut().enumerate() {
        let mut sum = T::ZERO;
        for (j, v) in entries(&a, i) {
            sum += v * x[j];
        }
        *y = sum;
    }
}

fn remainder<T: Real>(a: &Rows<'_, T>, i: usize, b: T, x: &[T]) -> T {
    let mut sum = b;
    for (j, v) in entries(a, i) {
        sum -= v * x[j];
    }
    sum
}

#[inline(never)]
pub(crate) fn residual<T: Real>(a: Rows<'_, T>, rhs: &[T], x: &[T], r: &mut [T]) {
    for (i, r) in r.iter_mut().enumerate() {
        *r = remainder(&a, i, rhs[i], x);
    }
}

#[inline(never)]
pub(crate) fn residual_square<T: Real>(a: Rows<'_, T>, rhs: &[T], x: &[T]) -> T {
    let mut lanes = [T::ZERO; LANES];
    for (i, &b) in rhs.iter().enumerate() {
        let r = remainder(&a, i, b, x);
        lanes[i % LANES] += r * r;
    }
    reduce(&lanes)
}

#[inline(never)]
pub(crate) fn sor_sweep<T: Real>(a: Rows<'_, T>, omega: T, inverse: &[T], rhs: &[T], x: &mut [T]) {
    for i in 0..x.len() {
        let mut sum = rhs[i];
        for (j, v) in entries(&a, i).rev() {
            sum -= v * x[j];
        }
        x[i] += (omega * inverse[i]) * sum;
    }
}

#[inline(never)]
pub(crate) fn sor_sweep_in_order<T: Real>(
    a: Rows<'_, T>,
    order: &[u32],
    omega: T,
    inverse: &[T],
    rhs: &[T],
    x: &mut [T],
) {
    for &i in order {
        let i = i as usize;
        x[i] += (omega * inverse[i]) * remainder(&a, i, rhs[i], x);
    }
}

#[inline(never)]
pub(crate) fn solve_upper<T: Real>(a: Rows<'_, T>, omega: T, inverse: &[T], p: &[T], t: &mut [T]) {
    for i in (0..t.len()).rev() {
        let mut sum = p[i];
        for (j, v) in entries(&a, i).rev() {
            if j <= i {
                break;
            }
            sum -= v * t[j];
        }
        t[i] = sum * (omega * inverse[i]);
    }
}

#[inline(never)]
pub(crate) fn solve_lower<T: Real>(
    a: Rows<'_, T>,
    omega: T,
    inverse: &[T],
    p: &[T],
    t: &[T],
    y: &mut [T],
    w: &mut [T],
) {
    let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
    for i in 0..y.len() {
        let (mut along_t, mut along_y, mut diagonal) = (T::ZERO, T::ZERO, T::ZERO);
        for (j, v) in entries(&a, i) {
            if j >= i {
                diagonal = v;
                break;
            }
            along_t += v * t[j];
            along_y += v * y[j];
        }
        let v = p[i] - (weight * diagonal) * t[i];
        w[i] = (p[i] + share * (diagonal * t[i])) + along_t;
        y[i] = (v - along_y) * (omega * inverse[i]);
    }
}

#[inline(never)]
pub(crate) fn dot<T: Real>(row: Row<'_, T>, x: &[T]) -> T {
    let mut sums = [T::ZERO; 4];
    for (k, (&j, &a)) in row.columns().iter().zip(row.values()).enumerate() {
        sums[k % 4] += a * x[j as usize];
    }
    (sums[0] + sums[2]) + (sums[1] + sums[3])
}

#[inline(never)]
pub(crate) fn add_scaled<T: Real>(alpha: T, row: Row<'_, T>, y: &mut [T]) {
    for (&j, &a) in row.columns().iter().zip(row.values()) {
        y[j as usize] += alpha * a;
    }
}
