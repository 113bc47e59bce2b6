//! Steps of balancing, one by one, against their formulas in plain loops; starts that are out of range.

use crate::common::bits;
use southwell::transport::balance::{Dense, Problem, Rows, Scalings, ruiz, sinkhorn_knopp, symmetric};
use southwell::{Run, Status, Stop, drive};

const A: [f64; 9] = [2.0, 1.0, 0.5, 1.0, 3.0, 0.25, 0.5, 0.25, 4.0];
const SUMS: [f64; 3] = [1.0, 2.0, 1.5];

fn near(found: &[f64], expected: &[f64], label: &str) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() <= 1e-13 * (1.0 + e.abs()), "{label}: {found:?} {expected:?}");
    }
}

fn matrix() -> Dense<'static, f64> {
    Dense::new(&A, 3, 3, 3).expect("a matrix")
}

fn options(max_steps: u32) -> sinkhorn_knopp::Options<f64> {
    sinkhorn_knopp::Options { stop: Stop { max_steps, ..Stop::relative(1e-14) } }
}

/// Σ over rows and columns of what diag(x) A diag(y) is off by.
fn off(x: &[f64], y: &[f64]) -> f64 {
    let line = |i: usize| {
        let row: f64 = (0..3).map(|j| x[i] * A[3 * i + j] * y[j]).sum();
        let column: f64 = (0..3).map(|j| x[j] * A[3 * j + i] * y[i]).sum();
        (row - SUMS[i]).abs() + (column - SUMS[i]).abs()
    };
    line(0) + line(1) + line(2)
}

/// x = r/(A y), then y = c/(Aᵀ x) and x again: a step leaves the columns exact, the start the rows.
#[test]
fn sinkhorn_and_knopp_divide_by_the_sums() {
    let matrix = matrix();
    let problem = Problem::new(&matrix, &SUMS, &SUMS).expect("a problem");
    let (mut storage, mut indices) = ([f64::NAN; 12], [7; 15]);
    let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let (mut x, mut y) = ([f64::NAN; 3], [1.0, 0.5, 2.0]);
    let scalings = Scalings { x: &mut x, y: &mut y };
    let mut run = sinkhorn_knopp::start(&problem, &options(20), scalings, work).expect("valid");
    assert_eq!((run.parameter(), run.scale(), run.failure()), (1.0, 4.5, None));
    let mut y = [1.0, 0.5, 2.0];
    let rows = |y: [f64; 3]| [0, 1, 2].map(|i| SUMS[i] / (0..3).map(|j| A[3 * i + j] * y[j]).sum::<f64>());
    let mut x = rows(y);
    for step in 0..8 {
        if step > 0 {
            x = rows(y);
            y = [0, 1, 2].map(|j| SUMS[j] / (0..3).map(|i| A[3 * i + j] * x[i]).sum::<f64>());
            run.step();
        }
        near(run.scalings().0, &x, "x");
        near(run.scalings().1, &y, "y");
        near(&[run.residual()], &[off(&x, &y)], "residual");
    }
}

/// x_i ← √(x_i r_i/(A x)_i)
#[test]
fn the_symmetric_iteration_takes_the_mean_of_both() {
    let matrix = matrix();
    let problem = Problem::new(&matrix, &SUMS, &SUMS).expect("a problem");
    let (mut storage, mut indices) = ([f64::NAN; 6], [7; 15]);
    let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let (mut x, mut at) = ([1.0, 0.25, 2.0], [1.0, 0.25, 2.0]);
    let mut run = symmetric::start(&problem, &options(20), &mut x, work).expect("valid");
    for step in 0..8 {
        if step > 0 {
            let sum = |i: usize| (0..3).map(|j| A[3 * i + j] * at[j]).sum::<f64>();
            at = [0, 1, 2].map(|i| (at[i] * SUMS[i] / sum(i)).sqrt());
            run.step();
        }
        near(run.scaling(), &at, "x");
        near(&[run.residual()], &[off(&at, &at)], "residual");
    }
}

/// x_i ← x_i/√‖row i‖ and y_j ← y_j/√‖column j‖ at once, by sums or by largest entries.
#[test]
fn ruiz_divides_by_roots() {
    const B: [f64; 6] = [2.0, -1.0, 0.5, 0.25, 3.0, -8.0];
    for (rows, columns, norm) in
        [(2, 3, ruiz::Norm::Largest), (3, 2, ruiz::Norm::Largest), (2, 2, ruiz::Norm::Sum)]
    {
        let matrix = Dense::new(&B[..rows * columns], rows, columns, columns).expect("a matrix");
        let problem = ruiz::Problem::new::<f64>(&matrix, norm).expect("a problem");
        let (mut storage, mut indices) = ([f64::NAN; 10], [7; 15]);
        let work = ruiz::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let (mut x, mut y) = (vec![1.0, 0.5, 2.0], vec![0.25, 1.0, 4.0]);
        x.truncate(rows);
        y.truncate(columns);
        let (mut u, mut v) = (x.clone(), y.clone());
        let scalings = Scalings { x: &mut x, y: &mut y };
        let mut run = ruiz::start(&problem, &options(20), scalings, work).expect("valid");
        assert_eq!((run.parameter(), run.scale()), (0.5, 1.0));
        for step in 0..8 {
            let entry = |i: usize, j: usize, u: &[f64], v: &[f64]| (u[i] * B[columns * i + j] * v[j]).abs();
            let line = |entries: &mut dyn Iterator<Item = f64>| match norm {
                ruiz::Norm::Sum => entries.sum::<f64>(),
                _ => entries.fold(0.0, f64::max),
            };
            let norms = |u: &[f64], v: &[f64]| -> (Vec<f64>, Vec<f64>) {
                let row = |i: usize| line(&mut (0..columns).map(|j| entry(i, j, u, v)));
                let column = |j: usize| line(&mut (0..rows).map(|i| entry(i, j, u, v)));
                ((0..rows).map(row).collect(), (0..columns).map(column).collect())
            };
            if step > 0 {
                let (of_rows, of_columns) = norms(&u, &v);
                u.iter_mut().zip(of_rows).for_each(|(u, norm)| *u /= norm.sqrt());
                v.iter_mut().zip(of_columns).for_each(|(v, norm)| *v /= norm.sqrt());
                run.step();
            }
            near(run.scalings().0, &u, "x");
            near(run.scalings().1, &v, "y");
            let (of_rows, of_columns) = norms(&u, &v);
            let most = of_rows.iter().chain(&of_columns).fold(0.0, |most: f64, n| most.max((n - 1.0).abs()));
            near(&[run.residual()], &[most], "residual");
        }
    }
}

/// A start whose sums leave the range is replaced by one of the same shape; powers of two change no bit.
#[test]
fn a_start_out_of_range_is_one_of_the_same_shape() {
    let matrix = matrix();
    let problem = Problem::new(&matrix, &SUMS, &SUMS).expect("a problem");
    // The largest entry is 4.
    assert_eq!(matrix.largest(), 4.0);
    let shape = [0.25, 1.0, 0.5];
    let knopp = |factor: f64, steps: u32| {
        let (mut storage, mut indices) = ([f64::NAN; 12], [7; 15]);
        let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let (mut x, mut y) = ([1.0; 3], shape.map(|y| y * factor));
        let scalings = Scalings { x: &mut x, y: &mut y };
        let report =
            sinkhorn_knopp::solve(&problem, &options(steps), scalings, work, &mut ()).expect("valid");
        (report, bits(&x), bits(&y))
    };
    let mirror = |factor: f64, steps: u32| {
        let (mut storage, mut indices) = ([f64::NAN; 6], [7; 15]);
        let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let mut x = shape.map(|x| x * factor);
        let report = symmetric::solve(&problem, &options(steps), &mut x, work, &mut ()).expect("valid");
        (report, bits(&x))
    };
    for steps in [0, 1, 5] {
        // The largest y becomes 16 over the largest entry, the largest x one over its root.
        for power in [-1020, 1022] {
            assert_eq!(knopp(2.0_f64.powi(power), steps), knopp(4.0, steps), "{power}");
        }
        assert_eq!(mirror(2.0_f64.powi(1000), steps), mirror(0.5, steps));
        // In range it is kept.
        assert_ne!(knopp(2.0, steps).2, knopp(4.0, steps).2);
        // (A step of the symmetric iteration forgets the scale by itself.)
        assert_eq!(mirror(1.0, steps).1 == mirror(0.5, steps).1, steps > 0);
    }
}

/// Lines that shall carry nothing get nothing, and are off by nothing.
#[test]
fn lines_that_carry_nothing() {
    let matrix = matrix();
    let (r, c) = ([1.0, 0.0, 2.0], [0.0, 2.5, 0.5]);
    let problem = Problem::new(&matrix, &r, &c).expect("a problem");
    let (mut storage, mut indices) = ([f64::NAN; 12], [7; 15]);
    let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let (mut x, mut y) = ([1.0; 3], [f64::NAN, 1.0, 0.5]);
    let scalings = Scalings { x: &mut x, y: &mut y };
    let mut run = sinkhorn_knopp::start(&problem, &options(20), scalings, work).expect("valid");
    for step in 0..5 {
        let (x, y) = run.scalings();
        assert_eq!((x[1], y[0]), (0.0, 0.0), "{step}");
        let entry = |i: usize, j: usize| x[i] * A[3 * i + j] * y[j];
        let off = |i: usize| {
            let (row, column): (f64, f64) =
                ((0..3).map(|j| entry(i, j)).sum(), (0..3).map(|j| entry(j, i)).sum());
            (row - r[i]).abs() + (column - c[i]).abs()
        };
        let residual = off(0) + off(1) + off(2);
        near(&[run.residual()], &[residual], "residual");
        run.step();
    }
}

/// Where the sums cannot be reached a run says so at the first look at whether it still falls, with the twentieth step,
/// which does not count.
#[test]
fn no_support_is_said_with_the_twentieth_step() {
    let values = [1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
    let matrix = Dense::new(&values, 3, 3, 3).expect("a matrix");
    let (alike, unlike) = ([1.0, 1.0, 1.0], [1.0, 0.5, 1.5]);
    for (r, c) in [(alike, alike), (unlike, alike)] {
        let problem = Problem::new(&matrix, &r, &c).expect("a problem");
        let (mut storage, mut indices) = ([f64::NAN; 12], [7; 15]);
        let work = sinkhorn_knopp::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let (mut x, mut y) = ([1.0; 3], [1.0; 3]);
        let scalings = Scalings { x: &mut x, y: &mut y };
        let mut run = sinkhorn_knopp::start(&problem, &options(500), scalings, work).expect("valid");
        let report = drive(&mut run, &options(500).stop, &mut ());
        assert_eq!((report.status, report.steps), (Status::NoSupport, 19), "{r:?}: {report:?}");
        assert_eq!(run.failure(), Some(Status::NoSupport));
        // No further step is taken.
        let before = bits(run.scalings().0);
        run.step();
        assert_eq!(bits(run.scalings().0), before);
    }
    // The same by one scaling: rows 0 and 1 depend on the last column, which shall carry less than they.
    let values = [0.0, 0.0, 1.0, 0.0, 0.0, 2.0, 1.0, 2.0, 1.0];
    let mirrored = Dense::new(&values, 3, 3, 3).expect("a matrix");
    for sums in [alike, [1.0, 0.5, 1.0], [0.25, 1.0, 1.0]] {
        let problem = Problem::new(&mirrored, &sums, &sums).expect("a problem");
        let (mut storage, mut indices) = ([f64::NAN; 6], [7; 15]);
        let work = symmetric::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
        let mut x = [1.0; 3];
        let report = symmetric::solve(&problem, &options(500), &mut x, work, &mut ()).expect("valid");
        assert!(report.status == Status::NoSupport && report.steps < 100, "{sums:?}: {report:?}");
    }
    let problem = ruiz::Problem::new::<f64>(&matrix, ruiz::Norm::Sum).expect("a problem");
    let (mut storage, mut indices) = ([f64::NAN; 12], [7; 15]);
    let work = ruiz::Workspace::new(&problem, &mut storage, &mut indices).expect("memory");
    let (mut x, mut y) = ([1.0; 3], [1.0; 3]);
    let scalings = Scalings { x: &mut x, y: &mut y };
    let report = ruiz::solve(&problem, &options(500), scalings, work, &mut ()).expect("valid");
    assert_eq!(report.status, Status::NoSupport, "{report:?}");
}
