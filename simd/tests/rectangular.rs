//! Dense passes over rectangular matrices against plain loops, bit for bit, at every level.
#![cfg(feature = "force-level")]

mod common;

use common::{FEW, Numbers, bits, dot, on_every_level_by_rows};
use southwell_simd::Real;
use southwell_simd::dense::{self, Matrix, MatrixMut};

/// A matrix with rubbish in its padding.
struct Case<T> {
    rows: Vec<Vec<T>>,
    values: Vec<T>,
    columns: usize,
    stride: usize,
}

impl<T: Real> Case<T> {
    fn new(numbers: &mut Numbers, rows: usize, columns: usize, padding: usize, strange: bool) -> Self {
        let rows: Vec<Vec<T>> = (0..rows).map(|_| vector(numbers, columns, strange)).collect();
        let mut values = vec![];
        for row in &rows {
            values.extend_from_slice(row);
            values.extend(vec![T::NAN; padding]);
        }
        // The last row may lack its padding.
        values.truncate(values.len() - padding.min(values.len()));
        Self { rows, values, columns, stride: columns + padding }
    }
    fn view(&self) -> Matrix<'_, T> {
        Matrix { values: &self.values, columns: self.columns, stride: self.stride }
    }
    /// The rows of an updated copy of the values, and the padding as bits.
    fn updated(&self, update: impl FnOnce(MatrixMut<'_, T>)) -> Vec<Vec<u64>> {
        let mut values = self.values.clone();
        update(MatrixMut { values: &mut values, columns: self.columns, stride: self.stride });
        values.chunks(self.stride.max(1)).map(bits).collect()
    }
    /// What a plain update of every entry gives, padding as it was.
    fn expected(&self, entry: impl Fn(usize, usize, T) -> T) -> Vec<Vec<u64>> {
        let rows = self.values.chunks(self.stride.max(1)).enumerate();
        rows.map(|(i, row)| {
            let new = |(j, &a): (usize, &T)| if j < self.columns { entry(i, j, a) } else { a };
            bits(&row.iter().enumerate().map(new).collect::<Vec<T>>())
        })
        .collect()
    }
}

fn vector<T: Real>(numbers: &mut Numbers, n: usize, strange: bool) -> Vec<T> {
    if strange { numbers.strange(n) } else { numbers.vector(n) }
}

/// Shapes around the blocks of rows and lanes; wide enough that fewer rows go together, and at last that they no longer do.
fn every_shape<T: Real>(check: impl Fn(&Case<T>, &mut Numbers, bool, &str)) {
    let mut numbers = Numbers(11);
    let wide = (1 << 16) / size_of::<T>() + 21;
    let shapes = (0..=9).flat_map(|m| [1, 7, 15, 16, 17, 31, 33, 64, 100, 130].map(|n| (m, n)));
    let wider = [(31, 1100), (15, 4000), (7, 10_000)].map(|(m, bytes)| (m, bytes / size_of::<T>() + 3));
    let shapes: Vec<_> = shapes.chain([(33, 5), (9, wide)]).chain(wider).collect();
    for (m, n) in if FEW { vec![(7, 21)] } else { shapes } {
        // Miri cares for places, not for numbers.
        for (padding, strange) in
            [(0, false), (2, true), (3, false)].into_iter().take(if FEW { 2 } else { 3 })
        {
            let case = Case::new(&mut numbers, m, n, padding, strange);
            on_every_level_by_rows(|level| {
                check(&case, &mut numbers, strange, &format!("{m} × {n} + {padding}, {strange}, {level:?}"));
            });
        }
    }
}

fn products<T: Real>() {
    every_shape::<T>(|case, numbers, strange, name| {
        let (m, n) = (case.rows.len(), case.columns);
        // Operands may be longer than the matrix.
        let x = vector::<T>(numbers, n + 2, strange);
        let w = vector::<T>(numbers, m + 3, strange);
        let mut y = vec![T::TWO; m + 1];
        dense::apply(case.view(), &x, &mut y);
        let mut plain: Vec<T> = case.rows.iter().map(|row| dot(row, &x)).collect();
        plain.push(T::TWO);
        assert_eq!(bits(&y), bits(&plain), "apply {name}");
        let list: Vec<u32> = (0..=m as u32).rev().step_by(2).collect();
        let mut listed = vec![T::NAN; list.len()];
        dense::dots_of(case.view(), &list, &x, &mut listed);
        let each = |&i: &u32| case.rows.get(i as usize).map_or(T::ZERO, |row| dot(row, &x));
        assert_eq!(bits(&listed), bits(&list.iter().map(each).collect::<Vec<T>>()), "listed {name}");

        let down =
            |start: T, j: usize| case.rows.iter().zip(&w).fold(start, |sum, (row, &w)| sum + w * row[j]);
        let mut y = vec![T::TWO; n];
        dense::apply_transposed(case.view(), &w, &mut y);
        let plain: Vec<T> = (0..n).map(|j| down(T::ZERO, j)).collect();
        assert_eq!(bits(&y), bits(&plain), "transposed {name}");
        let mut y = x[..n].to_vec();
        dense::add_transposed(case.view(), &w, &mut y);
        let plain: Vec<T> = (0..n).map(|j| down(x[j], j)).collect();
        assert_eq!(bits(&y), bits(&plain), "add transposed {name}");

        // The fused pass: matrix scaling's row update, with the rows told in order.
        let mut t = vec![T::HALF; n];
        let mut seen = vec![];
        dense::update_rows(case.view(), &x[..n], &mut t, |i, s| {
            seen.push(i);
            w[i] / s
        });
        assert!(seen.iter().copied().eq(0..m), "{name}: {seen:?}");
        let u: Vec<T> = case.rows.iter().zip(&w).map(|(row, &w)| w / dot(row, &x[..n])).collect();
        let plain: Vec<T> = (0..n)
            .map(|j| case.rows.iter().zip(&u).fold(T::HALF, |sum, (row, &u)| sum + u * row[j]))
            .collect();
        assert_eq!(bits(&t), bits(&plain), "fused {name}");

        // A section is these rows alone, whatever is around it.
        for (first, rows) in [(0, m), (m / 3, m - m / 3), (m / 2, m / 4), (m, 0)] {
            let (mut t, mut told) = (vec![T::HALF; n], vec![T::NAN; rows]);
            let mut seen = vec![];
            let told_sum = dense::update_section(
                case.view(),
                first,
                &x[..n],
                |i, s| {
                    seen.push(i);
                    (w[i] / s, s)
                },
                &mut told,
                &mut t,
            );
            assert!(seen.iter().copied().eq(first..first + rows), "{name}: {seen:?}");
            assert_eq!(bits(&told), bits(&u[first..first + rows]), "section's weights {name}");
            let section = || case.rows[first..].iter().zip(&told);
            let plain: Vec<T> =
                (0..n).map(|j| section().fold(T::HALF, |sum, (row, &u)| sum + u * row[j])).collect();
            assert_eq!(bits(&t), bits(&plain), "section {name}");
            let sum = section().fold(T::ZERO, |sum, (row, _)| sum + dot(row, &x[..n]));
            assert_eq!(bits(&[told_sum]), bits(&[sum]), "section's sum {name}");
        }
    });
}

/// Whole eights of rows, no fewer than 64, no more than sixteen sections, and all rows are in one.
#[test]
fn sections_are_few_and_even() {
    let section = dense::section;
    let known = [(0, 1), (1, 1), (127, 127), (128, 64), (129, 72), (255, 128), (256, 64), (400, 104)];
    let larger = [(1000, 128), (1024, 64), (1025, 72), (5000, 320), (1 << 20, 1 << 16)];
    for (rows, expected) in known.into_iter().chain(larger) {
        assert_eq!(section(rows), expected, "{rows}");
    }
    for rows in 128..3000 {
        let section = section(rows);
        assert!(section >= 64 && section.is_multiple_of(8), "{rows}");
        assert!((2..=16).contains(&rows.div_ceil(section)), "{rows}");
    }
}

#[test]
fn products_match_plain_loops() {
    products::<f32>();
    products::<f64>();
}

fn updates<T: Real>() {
    let alpha = T::from_f64(0.7);
    every_shape::<T>(|case, numbers, strange, name| {
        let (m, n) = (case.rows.len(), case.columns);
        let (x, y) = (vector::<T>(numbers, m.max(n), strange), vector::<T>(numbers, n, strange));
        let found = case.updated(|a| dense::rank_one(a, alpha, &x, &y));
        assert_eq!(found, case.expected(|i, j, a| a + (alpha * x[i]) * y[j]), "rank one {name}");

        let found = case.updated(|a| dense::symmetric_rank_one(a, alpha, &x));
        let lower = |i, j, a| if j <= i { a + (alpha * x[i]) * x[j] } else { a };
        assert_eq!(found, case.expected(lower), "symmetric {name}");

        for k in [0, 1, 3, 4, 5, 9].into_iter().filter(|k| !FEW || matches!(k, 0 | 5)) {
            if m == 0 {
                continue; // a view without columns has no rows either
            }
            let (xs, ys) = (Case::new(numbers, k, m, 1, strange), Case::new(numbers, k, n, 2, strange));
            let found = case.updated(|a| dense::rank_k(a, alpha, xs.view(), ys.view()));
            let sum = |i: usize, j: usize, a: T| {
                (0..k).fold(a, |sum, k| sum + (alpha * xs.rows[k][i]) * ys.rows[k][j])
            };
            assert_eq!(found, case.expected(sum), "rank {k} {name}");
        }
    });
}

#[test]
fn outer_products_match_plain_loops() {
    updates::<f32>();
    updates::<f64>();
}
