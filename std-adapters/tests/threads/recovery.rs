//! Measurements of matrices, taken by several threads.

use southwell::Real;
use southwell::subgradient::matrix::Options;
use southwell::subgradient::matrix::Shape;
use southwell::subgradient::matrix::operator::{Dense, Draw, Operator, Packed, Paired, Seeded};
use southwell_std::owned::{Measurements, Recovery};
use southwell_std::threads::Threaded;

use super::{bits, in_both, noise, pools};

/// The sum, the counts, the gradient, and Q where it is formed.
fn misfit<T: Real>(
    operator: &impl Operator<T>,
    shape: Shape,
    y: &[T],
) -> (T, [u32; 2], Vec<T>, Option<Vec<T>>) {
    let factors = noise::<T>(1, shape.unknowns());
    let mut scratch = vec![T::NAN; operator.scratch_len(shape)];
    let mut values = vec![T::NAN; factors.len()];
    let mut gradient = shape.gradient(&mut values);
    let scale = T::from_f64(0.25);
    let (sum, counts) = operator.misfit(scale, shape.factors(&factors), y, &mut scratch, &mut gradient);
    let q = operator.formed(shape, &scratch).map(<[T]>::to_vec);
    (sum, counts, values, q)
}

fn agree<T: Real>(operator: impl Operator<T> + Sync + Copy, shape: Shape, what: &str) {
    let y = noise::<T>(2, operator.count());
    let serial = misfit(&operator, shape, &y);
    let near = |a: &[T], b: &[T]| {
        let size = b.iter().fold(T::MIN_POSITIVE, |size, b| size.max(b.abs()));
        let bound = T::from_f64(200.0) * T::EPSILON * size;
        a.len() == b.len() && a.iter().zip(b).all(|(&a, &b)| (a - b).abs() <= bound)
    };
    let mut first = None;
    for pool in &pools() {
        let (sum, counts, gradient, q) = misfit(&Threaded::new(pool, operator), shape, &y);
        assert!(near(&[sum], &[serial.0]) && counts == serial.1, "{what}: {sum} {counts:?}");
        assert!(near(&gradient, &serial.2), "{what}: the gradient");
        assert_eq!(q.is_some(), serial.3.is_some());
        assert!(near(q.as_deref().unwrap_or(&[]), serial.3.as_deref().unwrap_or(&[])), "{what}: Q");
        let found = (bits(&[sum]), bits(&gradient), q.as_deref().map(bits));
        assert!(*first.get_or_insert_with(|| found.clone()) == found, "{what}, {} threads", pool.threads());
    }
}

mod check {
    use super::*;

    pub(super) fn misfits<T: Real>() {
        for count in [1, 63, 65, 1021] {
            let values = noise::<T>(3, count * 9 * 7);
            agree(Dense::new(&values, 9, 7).expect("whole"), Shape::general(9, 7, 2), "dense");
            let triangles = noise::<T>(4, count * 36);
            agree(Packed::new(&triangles, 8).expect("whole"), Shape::symmetric(8, 3), "packed");
            let (a, b) = (noise::<T>(5, count * 8), noise::<T>(6, count * 8));
            agree(Paired::new(&a, &b, 8).expect("whole"), Shape::symmetric(8, 2), "paired");
            let seeded = Seeded::new(Draw::Normal, 7, count, 5, 6).expect("entries");
            agree::<T>(seeded, Shape::general(5, 6, 2), "seeded");
        }
    }
}

in_both! { misfits }

#[test]
fn a_matrix_is_recovered() {
    let (rows, columns, count) = (9, 7, 400);
    let values = noise::<f64>(3, count * rows * columns);
    let truth: Vec<f64> =
        (0..rows * columns).map(|k| (1 + k / columns) as f64 * (k % columns + 2) as f64).collect();
    let mut y: Vec<f64> =
        values.chunks(rows * columns).map(|a| a.iter().zip(&truth).map(|(a, x)| a * x).sum()).collect();
    y.iter_mut().step_by(9).for_each(|y| *y = 1e4);
    let measurements = Measurements::Dense { values, rows, columns };
    let recovery = Recovery { measurements, y, symmetric: false, rank: 2 };
    let options = Options::<f64>::default();
    let mut found = Vec::new();
    for pool in &pools() {
        let matrix = recovery.on(pool).solve(&options, &mut ()).expect("valid").matrix();
        assert!(matrix.values.iter().zip(&truth).all(|(x, t)| (x - t).abs() <= 1e-4 * t));
        found.push(bits(&matrix.values));
    }
    assert!(found.iter().all(|x| *x == found[0]));
}
