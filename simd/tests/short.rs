//! Passes over a dozen numbers against plain loops, bit for bit.
#![cfg(feature = "force-level")]

mod common;

use common::{Numbers, bits, check_update, operands};
use southwell_simd::{Real, short};

fn updates<T: Real>() {
    operands::<T>(|x, y, z, name| {
        let (v, w) = (T::from_f64(0.7), T::from_f64(-1.3));
        check_update(name, y, |y| short::axpy(w, x, y), |i| y[i] + w * x[i]);
        check_update(name, y, |y| short::add_two(v, x, w, z, y), |i| (y[i] + v * x[i]) + w * z[i]);
        let (fours, rest) = (x.len() / 4 * 4, x.len());
        let product = |i: usize| x[i] * y[i];
        let four = |i: usize| (product(i) + product(i + 1)) + (product(i + 2) + product(i + 3));
        let sum = (0..fours).step_by(4).fold(T::ZERO, |sum, i| sum + four(i));
        let sum = (fours..rest).fold(sum, |sum, i| sum + product(i));
        assert_eq!(bits(&[short::dot(x, y)]), bits(&[sum]), "{name}");
    });
}

#[test]
fn updates_and_sums_are_plain_ones() {
    updates::<f32>();
    updates::<f64>();
}

#[test]
fn lengths_are_cut_to_the_shortest() {
    let mut y = [1.0_f64; 3];
    short::axpy(2.0, &[1.0; 2], &mut y);
    assert_eq!(y, [3.0, 3.0, 1.0]);
    short::add_two(1.0, &[1.0; 9], 1.0, &[1.0], &mut y);
    assert_eq!(y, [5.0, 3.0, 1.0]);
    assert_eq!(short::dot(&[1.0_f64; 7], &[1.0; 5]), 5.0);
    assert_eq!(short::dot::<f32>(&[], &[1.0]), 0.0);
}

/// Symmetric and positive definite, with rubbish in its padding and below the diagonal.
fn matrix<T: Real>(numbers: &mut Numbers, n: usize, stride: usize) -> Vec<T> {
    let mut a: Vec<T> = numbers.vector(n * stride);
    for (i, row) in a.chunks_mut(stride.max(1)).enumerate() {
        row[i] = T::from_u32(n as u32) + row[i];
        row[..i].fill(T::NAN);
        row[n..].fill(T::NAN);
    }
    a
}

/// Entry by entry, in the order of the rows above.
fn plain<T: Real>(a: &[T], n: usize, stride: usize) -> Vec<T> {
    let mut u = a.to_vec();
    for i in 0..n {
        for j in i..n {
            for k in 0..i {
                let weight = -(u[k * stride + i] * u[k * stride + k]);
                let above = u[k * stride + j];
                u[i * stride + j] += weight * above;
            }
        }
        u[i * stride + i] = T::ONE / u[i * stride + i];
    }
    u
}

fn factorisations<T: Real>() {
    let mut numbers = Numbers(5);
    let lost = T::EPSILON * T::from_u32(4);
    // Miri is slow: a whole four and what is left, twice and not at all.
    let orders = (0..=21).filter(|n| !cfg!(miri) || [0, 1, 2, 4, 5, 8, 10].contains(n));
    for (n, stride) in orders.flat_map(|n| [(n, n), (n, n + 3)]) {
        let a = matrix::<T>(&mut numbers, n, stride);
        let expected = bits(&plain(&a, n, stride));
        for known in [0, n / 2, n] {
            let mut u = a.clone();
            assert!(short::factorise(&mut u, stride, 0, known, lost));
            assert!(short::factorise(&mut u, stride, known, n, lost));
            assert_eq!(bits(&u), expected, "{n} {stride} {known}");
        }
        let mut u = a.clone();
        assert!(short::factorise(&mut u, stride, 0, n, lost));
        // A x = b, from b = A x.
        let x: Vec<T> = numbers.vector(n);
        let at = |i: usize, j: usize| a[i.min(j) * stride + i.max(j)];
        let mut b: Vec<T> = (0..n).map(|i| (0..n).map(|j| at(i, j) * x[j]).sum()).collect();
        short::substitute(&u, stride, &mut b);
        for (&found, &x) in b.iter().zip(&x) {
            assert!((found - x).abs() <= T::EPSILON * T::from_u32(64), "{n} {stride}: {found} {x}");
        }
        // Too short by one: nothing is touched.
        if n > 0 {
            let (short, mut kept) = (n * stride - (stride - n) - 1, x.clone());
            short::substitute(&u[..short], stride, &mut kept);
            assert_eq!(bits(&kept), bits(&x));
            assert!(!short::factorise(&mut u[..short], stride, 0, n, lost));
            assert!(!short::factorise(&mut u, n - 1, 0, n, lost));
        }
    }
}

#[test]
fn factorisations_are_plain_ones_and_solve() {
    factorisations::<f32>();
    factorisations::<f64>();
}

#[test]
fn pivots_that_are_lost_or_not_positive_are_refused() {
    let lost = 4.0 * f64::EPSILON;
    for bad in [
        [1.0, 1.0, 1.0, 1.0],
        [1.0, 1.0, 1.0, 1.0 + f64::EPSILON],
        [1.0, 2.0, 2.0, 1.0],
        [0.0, 1.0, 1.0, 1.0],
        [-1.0, 0.0, 0.0, 1.0],
        [f64::NAN, 0.0, 0.0, 1.0],
        [1.0, f64::NAN, f64::NAN, 1.0],
        [f64::INFINITY, 0.0, 0.0, 1.0],
        [f64::MIN_POSITIVE / 2.0, 0.0, 0.0, 1.0],
    ] {
        assert!(!short::factorise(&mut bad.clone(), 2, 0, 2, lost), "{bad:?}");
        // The same in the second place, and what is known is not asked again.
        let mut three = [1.0, 0.0, 0.0, 0.0, bad[0], bad[1], 0.0, bad[2], bad[3]];
        assert!(!short::factorise(&mut three, 3, 0, 3, lost), "{bad:?}");
    }
    let mut known = [-1.0, 0.5, 0.5, 1.0];
    assert!(short::factorise(&mut known, 2, 1, 2, lost));
    assert_eq!(known, [-1.0, 0.5, 0.5, 1.0 / 1.25]);
}
