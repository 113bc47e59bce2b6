//! Sparse passes against plain loops, bit for bit, on every instruction set of the machine.
#![cfg(feature = "force-level")]

mod common;

use common::{Exact, FEW, Numbers, bits, bits_of, in_lanes, near, on_every_level};
use southwell_simd::Real;
use southwell_simd::csr::{self, Row, Rows};

/// A matrix that owns its arrays.
struct Matrix<T> {
    offsets: Vec<u32>,
    columns: Vec<u32>,
    values: Vec<T>,
}

impl<T: Real> Matrix<T> {
    /// Rows of up to `most` entries besides the diagonal, some of them empty of neighbours.
    fn random(numbers: &mut Numbers, n: usize, most: usize, strange: bool) -> Self {
        let mut matrix = Matrix { offsets: vec![0], columns: vec![], values: vec![] };
        for i in 0..n {
            let mut columns: Vec<u32> =
                (0..numbers.below(most + 1)).map(|_| numbers.below(n) as u32).collect();
            columns.push(i as u32);
            columns.sort_unstable();
            columns.dedup();
            let values = if strange { numbers.strange(columns.len()) } else { numbers.vector(columns.len()) };
            for (&column, mut value) in columns.iter().zip(values) {
                if column as usize == i && !strange {
                    value += T::from_f64(4.0);
                }
                matrix.columns.push(column);
                matrix.values.push(value);
            }
            matrix.offsets.push(matrix.columns.len() as u32);
        }
        matrix
    }
    fn rows(&self) -> Rows<'_, T> {
        Rows::new(&self.offsets, &self.columns, &self.values, self.order()).expect("a valid matrix")
    }
    fn order(&self) -> usize {
        self.offsets.len() - 1
    }
    /// (column, value) of a row.
    fn row(&self, i: usize) -> Vec<(usize, T)> {
        let range = self.offsets[i] as usize..self.offsets[i + 1] as usize;
        range.map(|k| (self.columns[k] as usize, self.values[k])).collect()
    }
    fn diagonal(&self, i: usize) -> T {
        self.row(i).iter().find(|e| e.0 == i).expect("a diagonal entry").1
    }
    fn inverse(&self) -> Vec<T> {
        (0..self.order()).map(|i| T::ONE / self.diagonal(i)).collect()
    }
    /// b − Σ a x of a row, from its first column or from its last.
    fn remainder(&self, i: usize, b: T, x: &[T], last_first: bool) -> T {
        let mut row = self.row(i);
        if last_first {
            row.reverse();
        }
        row.iter().fold(b, |sum, &(j, a)| sum - a * x[j])
    }
}

fn every_case<T: Real>(check: impl Fn(&Matrix<T>, &mut Numbers, bool, &str)) {
    let mut numbers = Numbers(5);
    let every = [0, 1, 2, 3, 7, 15, 16, 17, 31, 33, 49, 100, 257];
    for n in if FEW { vec![1, 17] } else { every.to_vec() } {
        let cases = [(5, true), (0, false), (3, false), (6, false), (40, false)];
        for (most, strange) in cases.into_iter().take(if FEW { 1 } else { 5 }) {
            if n == 0 && most > 0 {
                continue;
            }
            let matrix = Matrix::random(&mut numbers, n, most, strange);
            on_every_level(|level| {
                check(&matrix, &mut numbers, strange, &format!("n = {n}, {most}, {level:?}"))
            });
        }
    }
}

fn vector<T: Real>(numbers: &mut Numbers, n: usize, strange: bool) -> Vec<T> {
    if strange { numbers.strange(n) } else { numbers.vector(n) }
}

fn products<T: Real>() {
    every_case::<T>(|a, numbers, strange, name| {
        let n = a.order();
        let (x, b) = (vector::<T>(numbers, n, strange), vector::<T>(numbers, n, strange));
        let mut y = vec![T::NAN; n];
        csr::apply(a.rows(), &x, &mut y);
        let plain: Vec<T> =
            (0..n).map(|i| a.row(i).iter().fold(T::ZERO, |sum, &(j, v)| sum + v * x[j])).collect();
        assert_eq!(bits(&y), bits(&plain), "apply {name}");
        let mut r = vec![T::NAN; n];
        csr::residual(a.rows(), &b, &x, &mut r);
        let plain: Vec<T> = (0..n).map(|i| a.remainder(i, b[i], &x, false)).collect();
        assert_eq!(bits(&r), bits(&plain), "residual {name}");
        let square = in_lanes(plain.iter().map(|&r| r * r));
        assert_eq!(bits_of(csr::residual_square(a.rows(), &b, &x)), bits_of(square), "norm {name}");
        // Rows that may have fewer entries than there are sums.
        let (mut dots, mut own, mut squares) = (vec![T::NAN; n], vec![T::NAN; n], vec![T::NAN; n]);
        csr::dots(a.rows(), &x, &mut dots);
        csr::dots_squares(a.rows(), &x, &mut own, &mut squares);
        let list: Vec<u32> = (0..n as u32 + 1).rev().step_by(2).collect();
        let mut listed = vec![T::NAN; list.len()];
        csr::dots_of(a.rows(), &list, &x, &mut listed);
        let each: Vec<T> = list.iter().map(|&i| csr::dot(a.rows().row(i as usize), &x)).collect();
        assert_eq!(bits(&listed), bits(&each), "listed {name}");
        let each: Vec<T> = (0..n).map(|i| csr::dot(a.rows().row(i), &x)).collect();
        assert_eq!((bits(&dots), bits(&own)), (bits(&each), bits(&each)), "dots {name}");
        let fours = |i: usize| {
            let mut sums = [T::ZERO; 4];
            a.row(i).iter().enumerate().for_each(|(k, &(_, v))| sums[k % 4] += v * v);
            (sums[0] + sums[2]) + (sums[1] + sums[3])
        };
        assert_eq!(bits(&squares), bits(&(0..n).map(fours).collect::<Vec<T>>()), "squares {name}");
        for (i, &r) in plain.iter().enumerate() {
            assert_eq!(bits_of(csr::row_residual(a.rows(), i, b[i], &x)), bits_of(r), "row {name}");
            let row = a.rows().row(i);
            let (columns, values) = (row.columns(), row.values());
            let row: Vec<(usize, u64)> =
                columns.iter().zip(values).map(|(&j, &v)| (j as usize, bits_of(v))).collect();
            let plain: Vec<(usize, u64)> = a.row(i).iter().map(|&(j, v)| (j, bits_of(v))).collect();
            assert_eq!(row, plain, "{name}");
        }
        assert!(a.rows().row(n).columns().is_empty(), "there is no row {n}");
        if !strange {
            for (i, &y) in y.iter().enumerate() {
                let mut exact = Exact::default();
                a.row(i).iter().for_each(|&(j, v)| exact.add_product(v.to_f64(), x[j].to_f64()));
                assert!(near(y, &exact, a.row(i).len()), "{name} {i}: {y} {}", exact.value());
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
    every_case::<T>(|a, numbers, strange, name| {
        let n = a.order();
        let (x, b, inverse) =
            (vector::<T>(numbers, n, strange), vector::<T>(numbers, n, strange), a.inverse());
        let omega = T::from_f64(1.3);
        for reversed in [false, true] {
            let (mut fast, mut plain) = (x.clone(), x.clone());
            csr::sor_sweep(a.rows(), reversed, omega, &inverse, &b, &mut fast);
            for k in 0..n {
                let i = if reversed { n - 1 - k } else { k };
                // The newest value is waited for last.
                let sigma = a.remainder(i, b[i], &plain, !reversed);
                plain[i] += (omega * inverse[i]) * sigma;
            }
            assert_eq!(bits(&fast), bits(&plain), "sweep {reversed} {name}");

            let mut order: Vec<u32> = (0..n as u32).collect();
            order.sort_by_key(|&i| (i.wrapping_mul(2_654_435_761) >> 7, i));
            let (mut fast, mut plain) = (x.clone(), x.clone());
            csr::sor_sweep_in_order(a.rows(), &order, reversed, omega, &inverse, &b, &mut fast);
            if reversed {
                order.reverse();
            }
            for i in order.iter().map(|&i| i as usize) {
                let sigma = a.remainder(i, b[i], &plain, false);
                plain[i] += (omega * inverse[i]) * sigma;
            }
            assert_eq!(bits(&fast), bits(&plain), "in order {reversed} {name}");
        }
    });
}

#[test]
fn sweeps_match_plain_loops() {
    sweeps::<f32>();
    sweeps::<f64>();
}

fn halves<T: Real>() {
    every_case::<T>(|a, numbers, strange, name| {
        let n = a.order();
        let (p, inverse) = (vector::<T>(numbers, n, strange), a.inverse());
        let omega = T::from_f64(1.4);
        let mut t = vec![T::NAN; n];
        csr::solve_upper(a.rows(), omega, &inverse, &p, &mut t);
        let mut plain_t = vec![T::NAN; n];
        for i in (0..n).rev() {
            let right = a.row(i).into_iter().rev().filter(|e| e.0 > i);
            plain_t[i] = right.fold(p[i], |sum, (j, v)| sum - v * plain_t[j]) * (omega * inverse[i]);
        }
        assert_eq!(bits(&t), bits(&plain_t), "upper {name}");

        let (mut y, mut w) = (vec![T::NAN; n], vec![T::NAN; n]);
        csr::solve_lower(a.rows(), omega, &inverse, &p, &t, &mut y, &mut w);
        let (mut plain_y, mut plain_w) = (vec![T::NAN; n], vec![T::NAN; n]);
        let (weight, share) = ((T::TWO - omega) / omega, T::ONE - T::ONE / omega);
        for i in 0..n {
            let left: Vec<(usize, T)> = a.row(i).into_iter().filter(|e| e.0 < i).collect();
            let along = |x: &[T]| left.iter().fold(T::ZERO, |sum, &(j, v)| sum + v * x[j]);
            let d = a.diagonal(i);
            plain_w[i] = (p[i] + share * (d * t[i])) + along(&t);
            plain_y[i] = ((p[i] - (weight * d) * t[i]) - along(&plain_y)) * (omega * inverse[i]);
        }
        assert_eq!(bits(&y), bits(&plain_y), "lower {name}");
        assert_eq!(bits(&w), bits(&plain_w), "product {name}");

        if !strange {
            // w is A t, and the triangles are solved.
            let mut product = vec![T::NAN; n];
            csr::apply(a.rows(), &t, &mut product);
            for i in 0..n {
                let size: f64 = a.row(i).iter().map(|&(j, v)| (v * t[j]).to_f64().abs()).sum();
                let bound =
                    8.0 * (a.row(i).len() + 2) as f64 * T::EPSILON.to_f64() * (size + p[i].to_f64().abs());
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

/// Operands that are too short lead nowhere and to no panic.
#[test]
fn nothing_panics() {
    let mut numbers = Numbers(6);
    let a = Matrix::<f64>::random(&mut numbers, 9, 4, false);
    let full = numbers.vector::<f64>(9);
    let (inverse, mut x) = (a.inverse(), full.clone());
    for n in 0..9 {
        let short = &full[..n];
        let mut out = short.to_vec();
        csr::apply(a.rows(), short, &mut out);
        csr::residual(a.rows(), short, &full, &mut x);
        let _ = csr::residual_square(a.rows(), short, short);
        for reversed in [false, true] {
            csr::sor_sweep(a.rows(), reversed, 1.0, &inverse, short, &mut x);
            csr::sor_sweep(a.rows(), reversed, 1.0, short, &full, &mut out);
            csr::sor_sweep_in_order(a.rows(), &[8, 99, 0], reversed, 1.0, &inverse, short, &mut x);
        }
        csr::solve_upper(a.rows(), 1.0, &inverse, short, &mut x);
        csr::solve_upper(a.rows(), 1.0, short, &full, &mut out);
        csr::solve_lower(a.rows(), 1.0, &inverse, short, &full, &mut out, &mut x);
    }
    let none = Rows::<f64>::new(&[], &[], &[], 0).expect("no rows");
    csr::sor_sweep(none, true, 1.0, &[1.0; 3], &[1.0; 3], &mut x);
    assert!(none.row(0).columns().is_empty() && a.rows().row(9).values().is_empty());
}

/// A vector that is shorter than the matrix is wide is not read at all, and an output not written by sweeps.
#[test]
fn short_vectors_have_no_entries() {
    let mut numbers = Numbers(8);
    let a = Matrix::<f64>::random(&mut numbers, 9, 4, false);
    let mut y = [7.0; 9];
    csr::apply(a.rows(), &[1.0; 8], &mut y);
    assert_eq!(y, [0.0; 9]);
    let mut short = [7.0; 8];
    csr::sor_sweep(a.rows(), false, 1.0, &a.inverse(), &[1.0; 9], &mut short);
    csr::sor_sweep_in_order(a.rows(), &[1, 2], false, 1.0, &a.inverse(), &[1.0; 9], &mut short);
    csr::add_scaled(1.0, a.rows().row(1), &mut short);
    assert_eq!(short, [7.0; 8]);
    assert_eq!(csr::dot(a.rows().row(1), &short), 0.0);
    let (mut dots, mut squares, mut just_squares) = ([7.0; 9], [7.0; 9], [8.0; 9]);
    csr::dots(a.rows(), &short, &mut dots);
    assert_eq!(dots, [0.0; 9]);
    csr::dots_squares(a.rows(), &short, &mut dots, &mut squares);
    assert_eq!(dots, [0.0; 9]);
    csr::dots_squares(a.rows(), &[0.0; 9], &mut dots, &mut just_squares);
    assert_eq!(squares, just_squares);
    assert!(squares.iter().all(|&square| square > 0.0));
    let mut just = [7.0; 9];
    csr::add_scaled(2.0, a.rows().row(1), &mut just);
    let mut plain = [7.0; 9];
    a.row(1).iter().for_each(|&(j, v)| plain[j] += 2.0 * v);
    assert_eq!(just, plain, "as long as the matrix is wide is long enough");
    assert_ne!(just, [7.0; 9]);
}

/// What the unchecked reads rely on is refused where it does not hold.
#[test]
fn a_view_of_rubbish_cannot_be_made() {
    let (columns, values) = ([0, 2, 1], [1.0f32, 2.0, 3.0]);
    let make = |offsets: &[u32], width| Rows::new(offsets, &columns, &values, width).is_some();
    assert!(make(&[0, 1, 3], 3) && make(&[1, 1, 2], 3) && make(&[], 3) && make(&[3], 9));
    let rows = Rows::new(&[0, 1, 3], &columns, &values, 3).expect("a valid matrix");
    assert_eq!(
        (rows.count(), rows.width(), rows.offsets(), rows.columns()),
        (2, 3, &[0, 1, 3][..], &columns[..])
    );
    assert_eq!(rows.values(), values);
    assert!(!make(&[0, 1, 4], 3), "beyond the entries");
    assert!(!make(&[0, 2, 1], 3), "decreasing");
    assert!(!make(&[2, 0], 3), "decreasing");
    assert!(!make(&[0, 3], 2), "a column that does not exist");
    assert!(Rows::new(&[0, 2], &columns, &values[..2], 3).is_none(), "fewer values than columns");
    let below = usize::BITS > u32::BITS;
    assert_eq!(Row::new(&[u32::MAX], &values[..1], usize::MAX).is_some(), below);
    assert!(Row::new(&columns, &values, 2).is_none());
    assert!(Row::<f32>::new(&[], &[], 0).is_some());
}

/// And what does not increase within its rows is no view either, where that is asked for.
#[test]
fn columns_increase_where_they_must() {
    let check = |offsets: &[u32], columns: &[u32], width| {
        let values = vec![1.0f32; columns.len()];
        let plain = Rows::new(offsets, columns, &values, width).is_some()
            && offsets.windows(2).all(|w| columns[w[0] as usize..w[1] as usize].is_sorted_by(|a, b| a < b))
            && offsets.first().is_none_or(|&first| first == 0)
            && offsets.last().map_or(0, |&last| last as usize) == columns.len();
        let found = Rows::ascending(offsets, columns, &values, width);
        assert_eq!(found.is_some(), plain, "{offsets:?} {columns:?} {width}");
        plain
    };
    assert!(check(&[0, 2, 2, 5], &[1, 4, 0, 1, 2], 5) && check(&[0, 0, 0], &[], 0) && check(&[], &[], 3));
    assert!(check(&[0, 0, 2], &[0, 1], 2) && check(&[0, 2, 2], &[0, 1], 2) && check(&[0, 1], &[8], 9));
    for (offsets, columns) in [
        (&[0, 2, 5][..], &[4, 1, 0, 1, 2][..]),
        (&[0, 2, 5], &[1, 1, 0, 1, 2]),
        (&[0, 2, 5], &[1, 4, 0, 1, 5]),
        (&[0, 2, 5], &[1, 5, 0, 1, 2]),
        (&[0, 3, 2, 5], &[0, 1, 2, 3, 4]),
        (&[0, 2, 6], &[1, 4, 0, 1, 2]),
        (&[0, 5], &[0, 1, 2, 4, 3]),
    ] {
        assert!(!check(offsets, columns, 5));
    }
    assert!(Rows::ascending(&[0, 2], &[0, 1], &[1.0f32], 3).is_none(), "fewer values than columns");
    // Long enough for every register, with one fault at a time.
    let n = if FEW { 9 } else { 150 };
    let mut numbers = Numbers(21);
    on_every_level(|_| {
        for rows in 1..6 {
            let mut offsets: Vec<u32> = (0..=rows).map(|i| (i * n / rows) as u32).collect();
            offsets.insert(1, offsets[1]);
            let starts = offsets.clone();
            let columns: Vec<u32> = (0..n as u32)
                .map(|k| k - *starts.iter().rfind(|&&s| s <= k).expect("the first is 0"))
                .collect();
            assert!(check(&offsets, &columns, n));
            let mut faulty = columns.clone();
            let place = numbers.below(n);
            faulty[place] = n as u32;
            assert!(!check(&offsets, &faulty, n));
            if place > 0 {
                (faulty[place], faulty[place - 1]) = (3, 3);
                check(&offsets, &faulty, n);
            }
        }
    });
}

fn sparse_vectors<T: Real>() {
    let mut numbers = Numbers(10);
    for n in (0..=if FEW { 5 } else { 130 }).chain([1000].into_iter().take(usize::from(!FEW))) {
        for strange in [false, true] {
            let make = |numbers: &mut Numbers, n| {
                if strange { numbers.strange::<T>(n) } else { numbers.vector::<T>(n) }
            };
            let width = n / 2 + 3;
            // Indices may come in any order, and more than once.
            let indices: Vec<u32> = (0..n).map(|_| numbers.below(width) as u32).collect();
            let (values, x) = (make(&mut numbers, n), make(&mut numbers, width + 2));
            let row = Row::new(&indices, &values, width).expect("valid");
            let mut sums = [T::ZERO; 4];
            for (k, (&j, &a)) in indices.iter().zip(&values).enumerate() {
                sums[k % 4] += a * x[j as usize];
            }
            let plain = (sums[0] + sums[2]) + (sums[1] + sums[3]);
            assert_eq!(bits_of(csr::dot(row, &x)), bits_of(plain), "{n} {strange}");
            let (mut y, mut plain, alpha) = (x.clone(), x.clone(), T::from_f64(-0.7));
            csr::add_scaled(alpha, row, &mut y);
            for (&j, &a) in indices.iter().zip(&values) {
                plain[j as usize] += alpha * a;
            }
            assert_eq!(bits(&y), bits(&plain), "{n} {strange}");
        }
    }
}

#[test]
fn sparse_vectors_match_plain_loops() {
    sparse_vectors::<f32>();
    sparse_vectors::<f64>();
}
