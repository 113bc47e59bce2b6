//! Tolerances that no precision can reach: a run must notice and leave the best that it had.

use southwell::linear::Csr;
use southwell::relaxation::{Fixed, Problem, cg, sor, ssor_cg};
use southwell::{Real, Report, Status, Stop};

/// A chain of springs whose stiffness varies over four decades: rows sum to nothing but at the ends.
fn chain<T: Real>(n: usize) -> (Vec<u32>, Vec<u32>, Vec<T>) {
    let spring = |i: usize| 10.0_f64.powi((i * 7 % 5) as i32 - 2);
    let (mut offsets, mut columns, mut values) = (vec![0], Vec::new(), Vec::new());
    for i in 0..n {
        let mut put = |j: usize, value: f64| {
            columns.push(j as u32);
            values.push(T::from_f64(value));
        };
        if i > 0 {
            put(i - 1, -spring(i));
        }
        put(i, spring(i) + spring(i + 1));
        if i + 1 < n {
            put(i + 1, -spring(i + 1));
        }
        offsets.push(columns.len() as u32);
    }
    (offsets, columns, values)
}

fn methods_stall<T: Real>() {
    let n = 60;
    let (offsets, columns, values) = chain::<T>(n);
    let matrix = Csr::new(&offsets, &columns, &values).expect("a valid matrix");
    let rhs: Vec<T> = (0..n).map(|i| T::from_f64(1.0 + (i % 3) as f64)).collect();
    let problem = Problem::new(&matrix, &rhs).expect("a valid problem");
    let stop = Stop { absolute: T::MIN_POSITIVE, relative: T::ZERO, max_steps: 1_000_000, check_every: 1 };
    let mut storage = vec![T::NAN; 8 * n];
    let check = |name: &str, report: Report<T>, x: &[T]| {
        assert_eq!(report.status, Status::Stalled, "{name}: {report:?}");
        assert!(x.iter().all(|x| x.is_finite()), "{name}");
        assert_eq!(report.residual.bits(), problem.residual_norm(x).bits(), "{name}: not the residual of x");
        // What rounding makes of b − A x at this x, row by row in the worst case.
        let largest = x.iter().fold(0.0, |most: f64, x| most.max(x.to_f64().abs()));
        let weights = (0..n).map(|i| matrix.row(i).1.iter().map(|a| a.to_f64().abs()).sum::<f64>());
        let size = weights.zip(&rhs).map(|(w, b)| (b.to_f64() + w * largest).powi(2)).sum::<f64>().sqrt();
        let units = report.residual.to_f64() / (T::EPSILON.to_f64() * size);
        assert!(units < 10.0, "{name} gave up at {units} roundings");
    };
    let mut x = vec![T::ZERO; n];
    let options = sor::Options { stop, ..sor::Options::default() };
    let work = sor::Workspace::new(&problem, &mut storage).expect("long enough");
    let report =
        sor::solve(&problem, &options, &mut Fixed(T::from_f64(1.9)), &mut x, work, &mut ()).expect("starts");
    check("sor", report, &x);

    let options = cg::Options { stop, ..cg::Options::default() };
    for omega in [1.0, 1.5] {
        x.fill(T::ZERO);
        let work = ssor_cg::Workspace::new(&problem, &mut storage).expect("long enough");
        let mut rule = Fixed(T::from_f64(omega));
        let report = ssor_cg::solve(&problem, &options, &mut rule, &mut x, work, &mut ()).expect("starts");
        check("ssor-cg", report, &x);
    }
    x.fill(T::ZERO);
    let work = cg::Workspace::new(&problem, &mut storage).expect("long enough");
    let report = cg::solve(&problem, &options, &mut x, work, &mut ()).expect("starts");
    check("cg", report, &x);
}

#[test]
fn runs_notice_that_double_precision_is_exhausted() {
    methods_stall::<f64>();
}

#[test]
fn runs_notice_that_single_precision_is_exhausted() {
    methods_stall::<f32>();
}
