//! Rows of costs against plain loops, bit for bit, at every level.
#![cfg(feature = "force-level")]

mod common;

use common::{FEW, Numbers, bits, check_update, lengths, on_every_level};
use southwell_simd::Real;
use southwell_simd::dense::Matrix;
use southwell_simd::points::ROWS;
use southwell_simd::{elementary, points};

/// Σₖ term(xₖ, yₖⱼ), coordinate after coordinate.
fn sum<T: Real>(x: &[T], y: &[Vec<T>], j: usize, term: impl Fn(T, T) -> T) -> T {
    let terms = x.iter().zip(y).map(|(&x, y)| term(x, y[j]));
    terms.reduce(|sum, term| sum + term).unwrap_or(T::ZERO)
}

fn square<T: Real>(x: T, y: T) -> T {
    (x - y) * (x - y)
}

/// Points by coordinates, with rubbish in the padding, beginning `shift` places into their memory.
struct Cloud<T> {
    rows: Vec<Vec<T>>,
    values: Vec<T>,
    columns: usize,
    stride: usize,
    shift: usize,
}

impl<T: Real> Cloud<T> {
    fn new(numbers: &mut Numbers, d: usize, columns: usize, shift: usize, strange: bool) -> Self {
        let rows: Vec<Vec<T>> = (0..d).map(|_| vector(numbers, columns, strange)).collect();
        let stride = columns + shift;
        let mut values = vec![T::NAN; shift];
        for row in &rows {
            values.extend_from_slice(row);
            values.extend(vec![T::NAN; shift]);
        }
        // The last row may lack its padding.
        values.truncate(values.len() - shift);
        Self { rows, values, columns, stride, shift }
    }
    fn view(&self) -> Matrix<'_, T> {
        let values = self.values.get(self.shift..).unwrap_or(&[]);
        Matrix { values, columns: self.columns, stride: self.stride }
    }
}

fn vector<T: Real>(numbers: &mut Numbers, n: usize, strange: bool) -> Vec<T> {
    if strange { numbers.strange(n) } else { numbers.vector(n) }
}

type Row<T> = fn(T, &[T], Matrix<'_, T>, &mut [T]);
type RowExp<T> = fn(T, &[T], Matrix<'_, T>, &[T], T, &mut [T]) -> (T, T);

fn rows<T: Real>() {
    let mut numbers = Numbers(17);
    let half = T::from_f64(0.3);
    for n in lengths() {
        for d in if FEW { &[2, 9][..] } else { &[0, 1, 2, 3, 4, 5, 7, 8, 13] }.iter().copied() {
            for (shift, strange) in
                [(3, false), (0, false), (1, true)].into_iter().take(if FEW { 1 } else { 3 })
            {
                let cloud = Cloud::<T>::new(&mut numbers, d, n, shift, strange);
                let x = vector::<T>(&mut numbers, d, strange);
                let y = vec![T::TWO; n];
                let g = vector::<T>(&mut numbers, n, strange);
                let each = |cost: &dyn Fn(usize) -> T| (0..n).map(|j| half * cost(j)).collect::<Vec<T>>();
                let squares = each(&|j| sum(&x, &cloud.rows, j, square));
                let roots = each(&|j| sum(&x, &cloud.rows, j, square).sqrt());
                let sizes = each(&|j| sum(&x, &cloud.rows, j, |x, y| (x - y).abs()));
                on_every_level(|level| {
                    let name = format!("n = {n}, d = {d}, shift {shift}, {strange}, {level:?}");
                    let a = cloud.view();
                    check_update(
                        &name,
                        &y,
                        |y| points::squared_euclidean_row(half, &x, a, y),
                        |j| squares[j],
                    );
                    check_update(&name, &y, |y| points::euclidean_row(half, &x, a, y), |j| roots[j]);
                    check_update(&name, &y, |y| points::l1_row(half, &x, a, y), |j| sizes[j]);
                    let made: [(Row<T>, RowExp<T>); 3] = [
                        (
                            |s, x, y, c| points::squared_euclidean_row(s, x, y, c),
                            |s, x, y, g, t, e| points::squared_euclidean_exp_row(s, x, y, g, t, e),
                        ),
                        (
                            |s, x, y, c| points::euclidean_row(s, x, y, c),
                            |s, x, y, g, t, e| points::euclidean_exp_row(s, x, y, g, t, e),
                        ),
                        (
                            |s, x, y, c| points::l1_row(s, x, y, c),
                            |s, x, y, g, t, e| points::l1_exp_row(s, x, y, g, t, e),
                        ),
                    ];
                    for (row, both) in made {
                        let (mut costs, mut expected, mut e) = (y.clone(), y.clone(), y.clone());
                        row(half, &x, a, &mut costs);
                        let (m, sum) = elementary::exp_row(&g, &costs, half, &mut expected);
                        let given = both(half, &x, a, &g, half, &mut e);
                        assert_eq!(bits(&[given.0, given.1]), bits(&[m, sum]), "{name}");
                        assert_eq!(bits(&e), bits(&expected), "{name}");
                    }
                });
            }
        }
    }
}

type RowsExp<T> = fn(T, [[T; 2]; ROWS], Matrix<'_, T>, &[T], T, &mut [T]) -> [(T, T); ROWS];

/// Rows together have the bits of rows one by one, and places beyond the points stay.
fn together<T: Real>() {
    let mut numbers = Numbers(23);
    let half = T::from_f64(0.3);
    let passes: [(RowExp<T>, RowsExp<T>); 3] = [
        (
            |s, x, y, g, t, e| points::squared_euclidean_exp_row(s, x, y, g, t, e),
            |s, x, y, g, t, e| points::squared_euclidean_exp_rows(s, x, y, g, t, e),
        ),
        (
            |s, x, y, g, t, e| points::euclidean_exp_row(s, x, y, g, t, e),
            |s, x, y, g, t, e| points::euclidean_exp_rows(s, x, y, g, t, e),
        ),
        (
            |s, x, y, g, t, e| points::l1_exp_row(s, x, y, g, t, e),
            |s, x, y, g, t, e| points::l1_exp_rows(s, x, y, g, t, e),
        ),
    ];
    for n in lengths() {
        let cases = [(3, 2, false), (0, 0, false), (1, 0, true)];
        for (shift, beyond, strange) in cases.into_iter().take(if FEW { 1 } else { 3 }) {
            let cloud = Cloud::<T>::new(&mut numbers, 2, n, shift, strange);
            let g = vector::<T>(&mut numbers, n, strange);
            let x: [[T; 2]; ROWS] = core::array::from_fn(|_| {
                let x = vector::<T>(&mut numbers, 2, strange);
                [x[0], x[1]]
            });
            on_every_level(|level| {
                for (one, all) in passes {
                    let name = format!("n = {n}, shift {shift}, {beyond} beyond, {strange}, {level:?}");
                    let mut e = vec![T::TWO; ROWS * (n + beyond)];
                    let mut expected = e.clone();
                    let found = all(half, x, cloud.view(), &g, half, &mut e);
                    for (k, (m, sum)) in found.into_iter().enumerate() {
                        let row = &mut expected[k * (n + beyond)..][..n];
                        let alone = one(half, &x[k], cloud.view(), &g, half, row);
                        assert_eq!(bits(&[m, sum]), bits(&[alone.0, alone.1]), "{name}, row {k}");
                    }
                    assert_eq!(bits(&e), bits(&expected), "{name}");
                }
            });
        }
    }
}

#[test]
fn rows_together_are_rows_one_by_one() {
    together::<f32>();
    together::<f64>();
}

#[test]
fn rows_are_plain_sums() {
    rows::<f32>();
    rows::<f64>();
}

#[test]
fn lengths_are_cut_to_what_is_there() {
    let y: Vec<f64> = (0..12).map(f64::from).collect();
    // Two whole coordinates of five points, and two numbers of a third.
    let cloud = Matrix { values: &y, columns: 5, stride: 5 };
    let plain =
        |j: usize| (1.0 - j as f64) * (1.0 - j as f64) + (2.0 - (5.0 + j as f64)) * (2.0 - (5.0 + j as f64));
    on_every_level(|level| {
        // Places beyond the points stay; a third coordinate of x meets none.
        let mut out = [7.0; 8];
        points::squared_euclidean_row(1.0, &[1.0, 2.0, 3.0], cloud, &mut out);
        let expected: Vec<f64> = (0..8).map(|j| if j < 5 { plain(j) } else { 7.0 }).collect();
        assert_eq!(bits(&out), bits(&expected), "{level:?}");
        let mut short = [7.0; 3];
        points::squared_euclidean_row(1.0, &[1.0, 2.0], cloud, &mut short);
        assert_eq!(bits(&short), bits(&expected[..3]), "{level:?}");
        // One coordinate of x: the first alone counts.
        points::l1_row(1.0, &[1.0], cloud, &mut short);
        assert_eq!(short, [1.0, 0.0, 1.0], "{level:?}");
        // No coordinates cost nothing.
        let none = Matrix { values: &[], columns: 5, stride: 5 };
        points::euclidean_row(1.0, &[1.0], none, &mut short);
        assert_eq!(short, [0.0; 3], "{level:?}");
        points::euclidean_row(1.0, &[], cloud, &mut short);
        assert_eq!(short, [0.0; 3], "{level:?}");
        points::euclidean_row(1.0, &[1.0], Matrix { values: &[], columns: 0, stride: 0 }, &mut short);
        assert_eq!(short, [0.0; 3], "{level:?}");
    });
}
