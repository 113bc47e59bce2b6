//! Quadratic programs in a box, and sparse regression.

use southwell::descent::box_qp::{self, Condensed, Fallback};
use southwell::descent::sparse_regression::{self, Penalty};
use southwell::linear::Columns;
use southwell::{Real, Stop};

use crate::Method;
use crate::common::{Numbers, cast, dot, leak};
use crate::shaped::Shaped;

const N: usize = 14;
const BOUND: f64 = 0.25;

/// A quadratic that is far from diagonal.
fn in_a_box<T: Real>(name: &'static str, fallback: Fallback, patience: u32) -> Shaped<T> {
    let mut numbers = Numbers(21);
    let half = numbers.vector(N * N);
    let h: Vec<f64> = (0..N * N)
        .map(|k| {
            dot(&half[k / N * N..][..N], &half[k % N * N..][..N]) + if k / N == k % N { 0.0625 } else { 0.0 }
        })
        .collect();
    let h = cast::<T>(&h);
    // Symmetric after rounding, and the same for both precisions.
    let h: Vec<f64> = h.iter().map(|h| f64::from(h.to_f64() as f32)).collect();
    let f = numbers.vector(N);
    let (matrix, linear): (&'static [T], &'static [T]) = (leak(cast(&h)), leak(cast(&f)));
    let (lower, upper) = (leak(vec![T::from_f64(-BOUND); N]), leak(vec![T::from_f64(BOUND); N]));
    let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-8 };
    Shaped {
        name,
        first: cast(&numbers.vector(N).iter().map(|x| x / 4.0).collect::<Vec<_>>()),
        len: Condensed::<T>::required_len(N),
        stop: Stop { max_steps: 200, ..Stop::relative(T::from_f64(relative)) },
        worth: Some(Box::new(move |x| {
            let product = |i: usize| dot(&h[i * N..][..N], x);
            x.iter().enumerate().map(|(i, x)| x * (0.5 * product(i) + f[i])).sum()
        })),
        pose: Box::new(move |stop, x, storage, call| {
            let model = Condensed::new(matrix, N)?;
            let problem = box_qp::Problem::new(&model, linear, lower, upper)?;
            let mut work = box_qp::Workspace::new(&model, storage)?;
            let options = box_qp::Options { stop: *stop, patience, fallback };
            Ok(call.to(&mut box_qp::start(&problem, &options, x, &mut work)?, stop))
        }),
    }
}

const ROWS: usize = 30;
const COLUMNS: usize = 40;

fn sparse<T: Real>(name: &'static str, capacity: usize, logistic: bool) -> Shaped<T> {
    let mut numbers = Numbers(22);
    let a = numbers.vector(ROWS * COLUMNS);
    let mut y: Vec<f64> =
        (0..ROWS).map(|i| (0..6).map(|j| a[j * ROWS + i]).sum::<f64>() + 0.1 * numbers.next()).collect();
    if logistic {
        y.iter_mut().for_each(|y| *y = if *y < 0.0 { -1.0 } else { 1.0 });
    }
    let y: Vec<f64> = cast::<f32>(&y).iter().map(|y| f64::from(*y)).collect();
    let (design, target): (&'static [T], &'static [T]) = (leak(cast(&a)), leak(cast(&y)));
    let lambda = 0.125;
    let relative = if T::EPSILON.to_f64() > 1e-10 { 1e-4 } else { 1e-10 };
    let penalty = Penalty::Lasso { lambda: T::from_f64(lambda) };
    Shaped {
        name,
        first: vec![T::ZERO; COLUMNS],
        len: sparse_regression::Workspace::<T>::required_len(ROWS, COLUMNS, capacity),
        stop: Stop { max_steps: 500, ..Stop::relative(T::from_f64(relative)) },
        worth: Some(Box::new(move |w| {
            let z = |i: usize| (0..COLUMNS).map(|j| a[j * ROWS + i] * w[j]).sum::<f64>();
            let loss = |i: usize| {
                if logistic { (-y[i] * z(i)).exp().ln_1p() } else { 0.5 * (y[i] - z(i)).powi(2) }
            };
            (0..ROWS).map(loss).sum::<f64>() + lambda * w.iter().map(|w| w.abs()).sum::<f64>()
        })),
        pose: Box::new(move |stop, x, storage, call| {
            let view = Columns::new(design, ROWS, COLUMNS)?;
            let problem = if logistic {
                sparse_regression::Problem::logistic(&view, target, penalty)?
            } else {
                sparse_regression::Problem::least_squares(&view, target, penalty)?
            };
            let indices = sparse_regression::Workspace::<T>::required_indices(COLUMNS, capacity);
            let mut indices = vec![u32::MAX; indices];
            let work = sparse_regression::Workspace::new(&problem, capacity, storage, &mut indices)?;
            let options = sparse_regression::Options { stop: *stop, ..Default::default() };
            Ok(call.to(&mut sparse_regression::start(&problem, &options, x, work)?, stop))
        }),
    }
}

pub(crate) fn boxed<T: Real>() -> Vec<Box<dyn Method<T>>> {
    vec![
        Box::new(in_a_box("box, primal-dual", Fallback::Dual, 5)),
        Box::new(in_a_box("box, dual", Fallback::Dual, 0)),
        Box::new(in_a_box("box, two-metric", Fallback::TwoMetric, 0)),
        Box::new(sparse("lasso, working sets", COLUMNS, false)),
        Box::new(sparse("lasso, sweeps", 0, false)),
        Box::new(sparse("sparse logistic", COLUMNS, true)),
    ]
}
