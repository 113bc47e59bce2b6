//! Passes over what no cache holds, which ask ahead and take rows together in other ways, against plain loops, bit for bit,
//! at every level.
#![cfg(all(feature = "force-level", not(miri)))] // Too large to interpret.

mod common;

use common::{Numbers, bits, bits_of, dot, in_lanes, on_every_level, on_every_level_by_rows};
use southwell_simd::csr::{self, Rows};
use southwell_simd::dense::{self, Matrix};
use southwell_simd::stencil::{self, Coefficients, Grid, Star};
use southwell_simd::{Real, vector};

/// Bytes of what counts as coming from memory.
const FAR: usize = 24 << 20;

/// Some numbers, over and over: drawing millions would take longer than the passes.
fn many<T: Real>(numbers: &mut Numbers, n: usize) -> Vec<T> {
    let some = numbers.vector::<T>(10_007);
    some.iter().copied().cycle().take(n).collect()
}

/// Rows of `columns` that fill a bit more than [`FAR`], not a multiple of eight, with padding.
fn products<T: Real>(columns: usize) {
    let stride = columns + 3;
    let count = (FAR / (stride * size_of::<T>()) + 1).next_multiple_of(8) + 5;
    let mut numbers = Numbers(columns as u64);
    let values = many::<T>(&mut numbers, count * stride);
    let a = Matrix { values: &values, columns, stride };
    let (v, w) = (numbers.vector::<T>(columns), many::<T>(&mut numbers, count));
    let rows = || values.chunks(stride).map(|row| &row[..columns]);

    let product: Vec<T> = rows().map(|row| dot(row, &v)).collect();
    let residual: Vec<T> = product.iter().zip(&w).map(|(&p, &b)| b - p).collect();
    let (mut down, mut fused) = (vec![T::HALF; columns], vec![T::HALF; columns]);
    for ((row, &w), &p) in rows().zip(&w).zip(&product) {
        down.iter_mut().zip(row).for_each(|(t, &a)| *t += w * a);
        let u = w / p;
        fused.iter_mut().zip(row).for_each(|(t, &a)| *t += u * a);
    }
    on_every_level_by_rows(|level| {
        let name = format!("{columns} columns, {level:?}");
        let mut y = vec![T::TWO; count];
        dense::apply(a, &v, &mut y);
        assert_eq!(bits(&y), bits(&product), "{name}");
        dense::residual(a, &w, &v, &mut y);
        assert_eq!(bits(&y), bits(&residual), "{name}");
        let mut t = vec![T::HALF; columns];
        dense::add_transposed(a, &w, &mut t);
        assert_eq!(bits(&t), bits(&down), "{name}");
        let (mut t, mut next) = (vec![T::HALF; columns], 0);
        dense::update_rows(a, &v, &mut t, |i, s| {
            assert_eq!(i, next, "{name}");
            next += 1;
            w[i] / s
        });
        assert_eq!((bits(&t), next), (bits(&fused), count), "{name}");
        // Sections of it, one after the other into the same sums.
        let (mut t, mut u) = (vec![T::HALF; columns], vec![T::NAN; count]);
        for (k, u) in u.chunks_mut(dense::section(count)).enumerate() {
            let first = k * dense::section(count);
            dense::update_section(a, first, &v, |i, s| (w[i] / s, s), u, &mut t);
        }
        assert_eq!(bits(&t), bits(&fused), "{name}");
    });
}

#[test]
fn products_match_plain_loops() {
    // Rows too short for hints, one at a time, eight together, four; which is which depends on the pass.
    for columns in [50, 300, 1100, 2600, 5000, 13_000] {
        products::<f32>(columns);
        products::<f64>(columns);
    }
}

fn vectors<T: Real>() {
    let mut numbers = Numbers(3);
    let n = FAR / size_of::<T>() + 4117;
    let (x, y, z) = (many::<T>(&mut numbers, n), many::<T>(&mut numbers, n + 5), many::<T>(&mut numbers, n));
    let alpha = numbers.next::<T>();
    let products = || x.iter().zip(&y);
    let axpy: Vec<T> = products().map(|(&x, &y)| y + alpha * x).chain(y[n..].iter().copied()).collect();
    let xpby: Vec<T> = products().map(|(&x, &y)| x + alpha * y).chain(y[n..].iter().copied()).collect();
    let sums = [
        dot(&x, &y[..n]),
        in_lanes(x.iter().copied()),
        in_lanes(x.iter().map(|x| x.abs())),
        in_lanes(products().zip(&z).map(|((&x, &y), &z)| x * y * z)),
        dot(&axpy[..n], &axpy[..n]),
        dot(&x, &x),
    ];
    on_every_level(|level| {
        let mut updated = y.clone();
        let axpy_square = vector::axpy_square(alpha, &x, &mut updated);
        assert_eq!(bits(&updated), bits(&axpy), "{level:?}");
        updated.copy_from_slice(&y);
        vector::axpy(alpha, &x, &mut updated);
        assert_eq!(bits(&updated), bits(&axpy), "{level:?}");
        updated.copy_from_slice(&y);
        vector::xpby(&x, alpha, &mut updated);
        assert_eq!(bits(&updated), bits(&xpby), "{level:?}");
        updated.copy_from_slice(&y);
        let add_square = vector::add_square(&x, &mut updated);
        let sum = |k: usize| if k < n { y[k] + x[k] } else { y[k] };
        assert!((0..n + 5).all(|k| bits_of(updated[k]) == bits_of(sum(k))), "{level:?}");
        let found = [
            vector::dot(&x, &y),
            vector::sum(&x),
            vector::sum_abs(&x),
            vector::dot3(&x, &y, &z),
            axpy_square,
            add_square,
        ];
        assert_eq!(bits(&found), bits(&sums), "{level:?}");
    });
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "asked ahead on x86-64 alone: elsewhere the loops of `vector.rs`"
)]
fn vectors_match_plain_loops() {
    vectors::<f32>();
    vectors::<f64>();
}

/// A five-point star, by a grid and by sparse rows: centre, west, east, south, north, as a grid adds them.
fn stars<T: Real>(columns: usize) {
    let mut numbers = Numbers(5);
    let rows = FAR / (columns * size_of::<T>()) + 3;
    let n = rows * columns;
    let c = [5.0, -1.25, -0.75, -1.5, -0.5].map(T::from_f64);
    let star =
        Star { centre: c[0], west: c[1], east: c[2], south: c[3], north: c[4], down: T::ZERO, up: T::ZERO };
    let grid = Grid { planes: 1, rows, columns, coefficients: Coefficients::Constant(star) };
    let (x, b) = (many::<T>(&mut numbers, n), many::<T>(&mut numbers, n));
    // Of a cell by its number: the neighbours that exist, as the star lists them.
    let around = |k: usize| {
        let (i, j) = (k / columns, k % columns);
        [
            Some(k),
            (j > 0).then(|| k - 1),
            (j + 1 < columns).then(|| k + 1),
            (i > 0).then(|| k - columns),
            (i + 1 < rows).then(|| k + columns),
        ]
    };
    let terms = |k: usize| around(k).into_iter().zip(c).filter_map(|(cell, c)| Some((cell?, c)));
    let product: Vec<T> =
        (0..n).map(|k| terms(k).fold(T::ZERO, |sum, (cell, c)| sum + c * x[cell])).collect();
    let residual: Vec<T> = product.iter().zip(&b).map(|(&p, &b)| b - p).collect();
    let (omega, keep) = (T::from_f64(1.25), T::ONE - T::from_f64(1.25));
    let mut relaxed = x.clone();
    for colour in [0, 1] {
        for k in (0..n).filter(|k| (k / columns + k % columns) % 2 == colour) {
            let t = terms(k).skip(1).fold(b[k], |t, (cell, c)| t - c * relaxed[cell]);
            relaxed[k] = keep * relaxed[k] + (omega * (T::ONE / c[0])) * t;
        }
    }
    on_every_level(|level| {
        let name = format!("{columns} columns, {level:?}");
        let mut y = vec![T::TWO; n];
        stencil::apply(grid, &x, &mut y);
        assert_eq!(bits(&y), bits(&product), "{name}");
        stencil::residual(grid, &b, &x, &mut y);
        assert_eq!(bits(&y), bits(&residual), "{name}");
        y.copy_from_slice(&x);
        stencil::red_black_sweep(grid, false, omega, &[], &b, &mut y);
        assert_eq!(bits(&y), bits(&relaxed), "{name}");
    });

    // The same matrix with its columns in order.
    let (mut offsets, mut indices, mut values) = (vec![0u32], vec![], vec![]);
    for k in 0..n {
        let mut row: Vec<(usize, T)> = terms(k).collect();
        row.sort_by_key(|entry| entry.0);
        indices.extend(row.iter().map(|entry| entry.0 as u32));
        values.extend(row.iter().map(|entry| entry.1));
        offsets.push(values.len() as u32);
    }
    let sparse = Rows::new(&offsets, &indices, &values, n).expect("a valid matrix");
    let entries = |k: usize| offsets[k] as usize..offsets[k + 1] as usize;
    let at = |x: &[T], e: usize| values[e] * x[indices[e] as usize];
    let product: Vec<T> = (0..n).map(|k| entries(k).fold(T::ZERO, |sum, e| sum + at(&x, e))).collect();
    let residual: Vec<T> = (0..n).map(|k| entries(k).fold(b[k], |sum, e| sum - at(&x, e))).collect();
    let square = in_lanes(residual.iter().map(|&r| r * r));
    let inverse = vec![T::ONE / c[0]; n];
    let mut swept = x.clone();
    for k in 0..n {
        let sigma = entries(k).rev().fold(b[k], |sum, e| sum - at(&swept, e));
        swept[k] += (omega * inverse[k]) * sigma;
    }
    let mut y = vec![T::TWO; n];
    csr::apply(sparse, &x, &mut y);
    assert_eq!(bits(&y), bits(&product));
    csr::residual(sparse, &b, &x, &mut y);
    assert_eq!(bits(&y), bits(&residual));
    assert_eq!(bits_of(csr::residual_square(sparse, &b, &x)), bits_of(square));
    on_every_level(|level| {
        y.copy_from_slice(&x);
        csr::sor_sweep(sparse, false, omega, &inverse, &b, &mut y);
        assert_eq!(bits(&y), bits(&swept), "{level:?}");
    });
}

#[test]
#[cfg_attr(
    not(target_arch = "x86_64"),
    ignore = "asked ahead on x86-64 alone: elsewhere tests of any size take these loops by `force_far`"
)]
fn stars_match_plain_loops() {
    stars::<f32>(1500);
    stars::<f64>(1003);
}
