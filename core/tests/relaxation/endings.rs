//! How runs end: breakdown, divergence, exhausted precision, nothing to do.

use crate::common::methods::*;
use crate::common::{Numbers, Plain, cast, cast_star, leak, poisson, poisson_star};
use southwell::linear::{Csr, Stencil2d, Stencil3d};
use southwell::relaxation::{Blocks, Fixed, Lines, Problem, RedBlack, Reference, sor, sor::Sweep};
use southwell::{Real, Report, Run, Status, Stop};

fn belongs<T: Real>(plain: &Plain, b: &[T], x: &[T], report: &Report<T>) {
    assert!(x.iter().all(|x| x.is_finite()), "{report:?}: {x:?}");
    let (exact, bound) = plain.look(b, x);
    let off = (report.residual.to_f64() - exact).abs();
    assert!(off <= bound, "{report:?}: {exact} ± {bound}");
}

fn indefinite_matrices_break_gradients<T: Real>() {
    let small = Plain::from_dense(&[&[1.0, 2.0], &[2.0, 1.0]]);
    let grid = Plain::grid(1, 15, 15, |_| poisson_star(3.5));
    let skew = Plain::from_dense(&[&[1.0, -3.0, 0.0], &[3.0, 1.0, -4.0], &[0.0, 4.0, 1.0]]);
    for plain in [&small, &grid] {
        let n = plain.order();
        let b: Vec<T> = cast(&(0..n).map(|i| if n == 2 && i == 1 { -1.0 } else { 1.0 }).collect::<Vec<_>>());
        let first: Vec<T> = cast(&Numbers(2).vector(n).iter().map(|v| v / 64.0).collect::<Vec<_>>());
        let csr = plain.csr::<T>();
        let mut x = first.clone();
        let report = cg_by(&csr, &b, &Stop::default(), &mut x);
        assert_eq!(report.status, Status::Breakdown);
        belongs(plain, &b, &x, &report);
        for omega in [0.5, 1.0, 1.5] {
            let mut x = first.clone();
            let (report, history) = ssor_cg_by(&csr, &b, T::from_f64(omega), &Stop::default(), &mut x);
            assert_eq!(report.status, Status::Breakdown, "{report:?}");
            assert_eq!(history.len(), report.steps as usize + 1, "the step that failed does not count");
            belongs(plain, &b, &x, &report);
        }
    }
    // Not symmetric, but xᵀAx > 0: no theory, and yet the run must end with a residual that is x's.
    let b = cast::<T>(&[1.0, 2.0, 3.0]);
    let mut x = vec![T::ZERO; 3];
    let stop = Stop { max_steps: 500, ..Stop::default() };
    let report = cg_by(&skew.csr::<T>(), &b, &stop, &mut x);
    belongs(&skew, &b, &x, &report);
    let mut x = vec![T::ZERO; 3];
    let (report, _) = ssor_cg_by(&skew.csr::<T>(), &b, T::ONE, &stop, &mut x);
    belongs(&skew, &b, &x, &report);
}

#[test]
fn a_matrix_that_is_not_definite_breaks_conjugate_gradients() {
    indefinite_matrices_break_gradients::<f32>();
    indefinite_matrices_break_gradients::<f64>();
}

/// The iterate that a run falls back to is the one at which the residual first grew, while it is better than the start.
#[test]
fn a_run_that_overflows_falls_back_to_where_it_began_to_grow() {
    // Gauss and Seidel divide the error of the first pair by four a sweep, and multiply that of the second by four.
    let plain = Plain::from_dense(&[
        &[1.0, 0.5, 0.0, 0.0],
        &[0.5, 1.0, 0.0, 0.0],
        &[0.0, 0.0, 1.0, 2.0],
        &[0.0, 0.0, 2.0, 1.0],
    ]);
    let csr = plain.csr::<f64>();
    let (b, first) = ([0.0; 4], [1.0, 1.0, 0.0, 1e-9]);
    let size = |x: &[f64; 4]| {
        let a = [x[0] + 0.5 * x[1], 0.5 * x[0] + x[1], x[2] + 2.0 * x[3], 2.0 * x[2] + x[3]];
        a.iter().map(|a| a * a).sum::<f64>().sqrt()
    };
    let (mut at, mut sizes) = (first, vec![size(&first)]);
    while sizes.len() < 3 || sizes[sizes.len() - 1] <= sizes[sizes.len() - 2] {
        at[0] = -0.5 * at[1];
        at[1] = -0.5 * at[0];
        at[2] = -2.0 * at[3];
        at[3] = -2.0 * at[2];
        sizes.push(size(&at));
    }
    assert!(sizes.len() > 5 && size(&at) < 1e-3, "{sizes:?}");
    let stop = Stop { max_steps: 5000, ..Stop::relative(1e-14) };
    let options = sor::Options { stop, reference: Reference::InitialResidual, ..sor::Options::default() };
    let mut x = first;
    let report = sor_by(&csr, &b, &mut Fixed(1.0), &options, &mut x);
    assert_eq!(report.status, Status::NotFinite);
    assert!((report.residual / size(&at) - 1.0).abs() < 1e-12, "{report:?} {sizes:?}");
    assert!((size(&x) / size(&at) - 1.0).abs() < 1e-12 && x[0].abs() < 1e-3, "{x:?} {at:?}");
}

/// Steps by hand, one or several, are sweeps; after a failure, and of none, there are none.
#[test]
fn steps_by_hand_end_with_the_run() {
    let grid = Stencil2d::constant(6, 6, cast_star::<f64>(poisson_star(4.0))).expect("a grid");
    let b = vec![1.0; 36];
    let problem = Problem::new(&grid, &b).expect("a valid system");
    let (mut left, mut right) = (vec![0.0; 36], vec![0.0; 36]);
    let (mut memory, mut other) = (vec![f64::NAN; 36], vec![f64::NAN; 36]);
    let options = sor::Options::default();
    let (mut rule, mut same) = (Fixed(1.5), Fixed(1.5));
    let work = sor::Workspace::new(&problem, &mut memory).expect("long enough");
    let mut single = sor::start(&problem, &options, &mut rule, &mut left, work).expect("valid");
    let work = sor::Workspace::new(&problem, &mut other).expect("long enough");
    let mut several = sor::start(&problem, &options, &mut same, &mut right, work).expect("valid");
    let begin = single.residual();
    (0..3).for_each(|_| single.step());
    assert_eq!((several.steps(0), several.steps(3)), (0, 3));
    assert_eq!(single.x(), several.x());
    assert!(single.residual() < 0.5 * begin && single.residual() == several.residual());
    // Twenty looks without a new least residual, and the last of them within rounding.
    let (mut least, mut idle, mut steps) = (single.residual(), 0, 0);
    while single.failure().is_none() && steps < 2000 {
        single.step();
        steps += 1;
        let residual = single.residual();
        idle = if residual < least { 0 } else { idle + 1 };
        least = least.min(residual);
    }
    assert_eq!((single.failure(), idle), (Some(Status::Stalled), 20), "{steps}: {}", single.residual());
    let ended = single.x().to_vec();
    single.step();
    assert_eq!((single.steps(5), single.x()), (0, &ended[..]));
}

/// What rounding may leave grows with |A| |x|, however small b is.
#[test]
fn large_numbers_that_cancel_stall_at_their_own_rounding() {
    for coupling in [0.99, 0.995, 0.999] {
        let plain = Plain::from_dense(&[
            &[1.0, -coupling, 0.0],
            &[-coupling, 2.0, -coupling],
            &[0.0, -coupling, 1.0],
        ]);
        let csr = plain.csr::<f64>();
        let mut x = [0.0; 3];
        let mut rule = Fixed(1.8);
        let stop = Stop { max_steps: 20_000, ..Stop::relative(1e-30) };
        let options = sor::Options { stop, ..sor::Options::default() };
        let report = sor_by(&csr, &[1e-3, 2e-4, -3e-4], &mut rule, &options, &mut x);
        assert_eq!(report.status, Status::Stalled, "{coupling}: {report:?} {x:?}");
    }
}

/// A residual of 0 may hide as much as a square that underflows: less than that cannot be promised.
#[test]
fn a_tolerance_below_what_squares_can_show_is_not_met() {
    let csr = Plain::from_dense(&[&[2.0, 0.0], &[0.0, 4.0]]).csr::<f64>();
    for (relative, status) in [(1e-150, Status::Converged), (1e-170, Status::Stalled)] {
        let mut x = [0.0; 2];
        let options = sor::Options { stop: Stop::relative(relative), ..sor::Options::default() };
        let report = sor_by(&csr, &[2.0, 4.0], &mut Fixed(1.0), &options, &mut x);
        assert_eq!((report.status, x), (status, [1.0, 1.0]), "{report:?}");
        assert!(
            report.residual < 1e-150 && (report.residual > 0.0) == (status == Status::Stalled),
            "{report:?}"
        );
    }
}

fn divergence_is_noticed<T: Real>() {
    let matrices = [
        Plain::from_dense(&[&[1.0, 3.0], &[2.0, 1.0]]),
        Plain::from_dense(&[&[1.0, -5.0], &[5.0, 1.0]]),
        Plain::from_dense(&[&[1.0, 2.0, 2.0], &[2.0, 1.0, 2.0], &[2.0, 2.0, 1.0]]),
        Plain::from_dense(&[
            &[4.0, -1.0, -6.0, 0.0],
            &[-5.0, -4.0, 10.0, 8.0],
            &[0.0, 9.0, 4.0, -2.0],
            &[1.0, 0.0, -7.0, 5.0],
        ]),
    ];
    for (which, omegas) in [&[0.9, 1.0, 1.9][..], &[1.0], &[1.0, 1.5, 1.9], &[1.0, 1.9]].iter().enumerate() {
        let plain = &matrices[which];
        let n = plain.order();
        let b = vec![T::ONE; n];
        let csr = plain.csr::<T>();
        for &omega in *omegas {
            for check_every in [1, 2, 7] {
                for sweep in [Sweep::Forward, Sweep::Backward, Sweep::Symmetric] {
                    let stop = Stop { max_steps: 100_000, check_every, ..Stop::default() };
                    let options = sor::Options { sweep, stop, ..sor::Options::default() };
                    let mut x: Vec<T> = cast(&Numbers(3).vector(n));
                    let report = sor_by(&csr, &b, &mut Fixed(T::from_f64(omega)), &options, &mut x);
                    assert_eq!(report.status, Status::NotFinite, "{which} {omega} {sweep:?}: {report:?}");
                    belongs(plain, &b, &x, &report);
                    assert!(report.residual <= report.initial_residual, "the best that was kept");
                }
            }
        }
    }
    // Falls for a while before it grows: what is kept is better than the start.
    let plain = Plain::grid(1, 9, 9, |_| poisson_star(3.75));
    let grid = Stencil2d::<T>::constant(9, 9, cast_star(poisson_star(3.75))).expect("a small grid");
    let b: Vec<T> = (0..81).map(|i| if i % 2 == 0 { T::ONE } else { -T::ONE }).collect();
    let mut x = vec![T::ZERO; 81];
    let options =
        sor::Options { stop: Stop { max_steps: 1_000_000, ..Stop::default() }, ..Default::default() };
    let report = sor_by(&grid, &b, &mut Fixed(T::ONE), &options, &mut x);
    assert_eq!(report.status, Status::NotFinite, "{report:?}");
    belongs(&plain, &b, &x, &report);
    assert!(report.residual < T::HALF * report.initial_residual, "{report:?}");
}

#[test]
fn divergence_ends_with_the_last_good_iterate() {
    divergence_is_noticed::<f32>();
    divergence_is_noticed::<f64>();
}

/// A tolerance below the precision is never confirmed; the run ends all the same.
fn hopeless_tolerances<T: Real>() {
    for n in [7, 31] {
        let (grid, plain) = (poisson::<T>(n), Plain::poisson(n));
        let b: Vec<T> = cast(&Numbers(9).vector(n * n));
        for relative in [T::EPSILON * T::from_f64(1e-3), T::from_f64(1e-20), T::MIN_POSITIVE] {
            let stop = Stop { relative, max_steps: 3000, ..Stop::default() };
            let ended = |name: &str, x: &[T], report: &Report<T>| {
                let fair = matches!(report.status, Status::Stalled | Status::StepLimit);
                assert!(fair && report.steps <= 3000, "{name} N = {n} {relative}: {report:?}");
                belongs(&plain, &b, x, report);
                // It got as far as the precision goes before it gave up.
                let floor = T::EPSILON.to_f64() * 40.0 * (n * n) as f64;
                assert!(report.relative_residual().to_f64() < floor, "{name} N = {n}: {report:?}");
            };
            let mut x = vec![T::ZERO; n * n];
            let report = cg_by(&grid, &b, &stop, &mut x);
            ended("cg", &x, &report);
            for omega in [1.0, 1.5] {
                let mut x = vec![T::ZERO; n * n];
                let (report, _) = ssor_cg_by(&grid, &b, T::from_f64(omega), &stop, &mut x);
                ended("ssor-cg", &x, &report);
            }
            let mut x = vec![T::ZERO; n * n];
            let options = sor::Options { stop, ..sor::Options::default() };
            let omega = T::from_f64(omega_star(n));
            let report = sor_by(&grid, &b, &mut Fixed(omega), &options, &mut x);
            ended("sor", &x, &report);
        }
    }
}

#[test]
fn a_tolerance_below_the_precision_ends_as_stalled_or_at_the_limit() {
    hopeless_tolerances::<f32>();
    hopeless_tolerances::<f64>();
}

#[test]
fn no_unknowns_need_no_step() {
    let csr = Csr::<f64>::new(&[0], &[], &[]).expect("an empty matrix");
    let grid = Stencil2d::<f64>::constant(0, 5, poisson_star(4.0)).expect("an empty grid");
    let space = Stencil3d::<f64>::constant(2, 3, 0, poisson_star(6.0)).expect("an empty grid");
    let reports = [
        sor_by(&csr, &[], &mut Fixed(1.0), &sor::Options::default(), &mut []),
        sor_by(&grid, &[], &mut Fixed(1.0), &sor::Options::default(), &mut []),
        sor_by(
            &RedBlack::<Stencil3d<'_, f64>>::new(space),
            &[],
            &mut Fixed(1.0),
            &Default::default(),
            &mut [],
        ),
        sor_by(&Lines::<Stencil2d<'_, f64>>::new(grid), &[], &mut Fixed(1.0), &Default::default(), &mut []),
        sor_by(&Blocks::new(csr, 3).expect("allowed"), &[], &mut Fixed(1.0), &Default::default(), &mut []),
        ssor_cg_by(&space, &[], 1.0, &Stop::default(), &mut []).0,
        cg_by(&csr, &[], &Stop::default(), &mut []),
    ];
    for report in reports {
        assert_eq!((report.status, report.steps, report.residual), (Status::Converged, 0, 0.0));
    }
    // Sweeping nothing is allowed too.
    let b: &[f64] = leak(vec![]);
    let problem = Problem::new(&grid, b).expect("an empty problem");
    let options = sor::Options { reference: Reference::InitialResidual, ..sor::Options::default() };
    let workspace = sor::Workspace::new(&problem, &mut []).expect("nothing is needed");
    let mut rule = Fixed(1.0);
    let mut run = sor::start(&problem, &options, &mut rule, &mut [], workspace).expect("an empty problem");
    run.step();
    assert_eq!(run.residual(), 0.0);
}
