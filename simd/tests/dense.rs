//! Dense passes against plain loops, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

mod common;

use common::{Exact, FEW, Numbers, bits, bits_of, dot, in_lanes, near, on_every_level_by_rows};
use southwell_simd::Real;
use southwell_simd::dense::{self, Matrix};

/// n, padding, and numbers that are strange or not, with rubbish in the padding.
fn every_case<T: Real>(check: impl Fn(Matrix<'_, T>, &[Vec<T>], &mut Numbers, bool, &str)) {
    let mut numbers = Numbers(7);
    let every = (0..=33).chain([47, 48, 49, 65, 100]);
    for n in if FEW { vec![1, 19] } else { every.collect() } {
        let cases = [(3, true), (0, false), (1, false), (5, false)];
        for (padding, strange) in cases.into_iter().take(if FEW { 1 } else { 4 }) {
            let rows: Vec<Vec<T>> = (0..n)
                .map(|i| {
                    let mut row = if strange { numbers.strange(n) } else { numbers.vector::<T>(n) };
                    if !strange {
                        row[i] += T::from_f64(8.0);
                    }
                    row
                })
                .collect();
            let mut values = vec![];
            for row in &rows {
                values.extend_from_slice(row);
                values.extend(vec![T::NAN; padding]);
            }
            // The last row may lack its padding.
            values.truncate(values.len() - padding.min(values.len()));
            let matrix = Matrix { values: &values, columns: n, stride: n + padding };
            on_every_level_by_rows(|level| {
                check(matrix, &rows, &mut numbers, strange, &format!("n = {n} + {padding}, {level:?}"));
            });
        }
    }
}

fn vector<T: Real>(numbers: &mut Numbers, n: usize, strange: bool) -> Vec<T> {
    if strange { numbers.strange(n) } else { numbers.vector(n) }
}

fn products<T: Real>() {
    every_case::<T>(|a, rows, numbers, strange, name| {
        let n = rows.len();
        let (x, b) = (vector::<T>(numbers, n, strange), vector::<T>(numbers, n, strange));
        let mut y = vec![T::INFINITY; n];
        dense::apply(a, &x, &mut y);
        let plain: Vec<T> = rows.iter().map(|row| dot(row, &x)).collect();
        assert_eq!(bits(&y), bits(&plain), "apply {name}");
        let mut r = vec![T::INFINITY; n];
        dense::residual(a, &b, &x, &mut r);
        let plain: Vec<T> = plain.iter().zip(&b).map(|(&ax, &b)| b - ax).collect();
        assert_eq!(bits(&r), bits(&plain), "residual {name}");
        let square = in_lanes(plain.iter().map(|&r| r * r));
        assert_eq!(bits_of(dense::residual_square(a, &b, &x)), bits_of(square), "norm {name}");
        if !strange {
            for (row, &y) in rows.iter().zip(&y) {
                let mut exact = Exact::default();
                row.iter().zip(&x).for_each(|(a, x)| exact.add_product(a.to_f64(), x.to_f64()));
                assert!(near(y, &exact, n), "{name}: {y} {}", exact.value());
            }
        }
    });
}

#[test]
fn products_match_plain_loops() {
    products::<f32>();
    products::<f64>();
}

fn sweeps<T: Real>() {
    every_case::<T>(|a, rows, numbers, strange, name| {
        let n = rows.len();
        let (x, b) = (vector::<T>(numbers, n, strange), vector::<T>(numbers, n, strange));
        let inverse: Vec<T> = rows.iter().enumerate().map(|(i, row)| T::ONE / row[i]).collect();
        let omega = T::from_f64(1.3);
        for reversed in [false, true] {
            let (mut fast, mut plain) = (x.clone(), x.clone());
            dense::sor_sweep(a, reversed, omega, &inverse, &b, &mut fast);
            for k in 0..n {
                let i = if reversed { n - 1 - k } else { k };
                let sigma = b[i] - dot(&rows[i], &plain);
                plain[i] += (omega * inverse[i]) * sigma;
            }
            assert_eq!(bits(&fast), bits(&plain), "sweep {reversed} {name}");
        }
    });
}

#[test]
fn sweeps_match_plain_loops() {
    sweeps::<f32>();
    sweeps::<f64>();
}

fn halves<T: Real>() {
    every_case::<T>(|a, rows, numbers, strange, name| {
        let n = rows.len();
        let p = vector::<T>(numbers, n, strange);
        let inverse: Vec<T> = rows.iter().enumerate().map(|(i, row)| T::ONE / row[i]).collect();
        let omega = T::from_f64(1.4);
        let mut t = vec![T::NAN; n];
        dense::solve_upper(a, omega, &inverse, &p, &mut t);
        let mut plain_t = vec![T::NAN; n];
        for i in (0..n).rev() {
            plain_t[i] = (p[i] - dot(&rows[i][i + 1..], &plain_t[i + 1..])) * (omega * inverse[i]);
        }
        assert_eq!(bits(&t), bits(&plain_t), "upper {name}");

        let (mut y, mut w) = (vec![T::NAN; n], vec![T::NAN; n]);
        dense::solve_lower(a, omega, &inverse, &p, &t, &mut y, &mut w);
        let (mut plain_y, mut plain_w) = (vec![T::NAN; n], vec![T::NAN; n]);
        let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
        for i in 0..n {
            let (left, d) = (&rows[i][..i], rows[i][i]);
            plain_w[i] = (p[i] + share * (d * t[i])) + dot(left, &t);
            plain_y[i] = ((p[i] - (weight * d) * t[i]) - dot(left, &plain_y)) * (omega * inverse[i]);
        }
        assert_eq!(bits(&y), bits(&plain_y), "lower {name}");
        assert_eq!(bits(&w), bits(&plain_w), "product {name}");

        if !strange {
            let mut product = vec![T::NAN; n];
            dense::apply(a, &t, &mut product);
            for i in 0..n {
                let size: f64 = rows[i].iter().zip(&t).map(|(&a, &t)| (a * t).to_f64().abs()).sum();
                let bound = 8.0 * (n + 2) as f64 * T::EPSILON.to_f64() * (size + p[i].to_f64().abs());
                let off = (w[i] - product[i]).to_f64().abs();
                assert!(off <= bound, "{name} {i}: {off} {bound}");
            }
        }
    });
}

#[test]
fn eisenstat_halves_match_plain_loops() {
    halves::<f32>();
    halves::<f64>();
}

#[test]
fn nothing_panics() {
    let mut numbers = Numbers(8);
    let (values, full) = (numbers.vector::<f64>(81), numbers.vector::<f64>(9));
    let a = Matrix { values: &values, columns: 9, stride: 9 };
    for n in 0..9 {
        let (short, mut x, mut out) = (&full[..n], full.clone(), full[..n].to_vec());
        dense::apply(a, short, &mut x);
        dense::residual(a, short, short, &mut x);
        let _ = dense::residual_square(a, short, &full);
        for reversed in [false, true] {
            dense::sor_sweep(a, reversed, 1.0, short, &full, &mut x);
            dense::sor_sweep(a, reversed, 1.0, &full, short, &mut out);
        }
        dense::solve_upper(a, 1.0, short, &full, &mut x);
        dense::solve_upper(a, 1.0, &full, &full, &mut out);
        dense::solve_lower(a, 1.0, &full, short, &full, &mut out, &mut x);
    }
    for (columns, stride) in [(0, 0), (9, 0), (20, 9), (100, 100)] {
        let strange = Matrix { values: &values, columns, stride };
        let mut x = full.clone();
        dense::apply(strange, &full, &mut x);
        dense::sor_sweep(strange, true, 1.0, &full, &full, &mut x);
    }
}
