//! Bad transport problems are refused with what was wrong and where, before anything is touched.

use crate::common::bits;
use southwell::omega::Fixed;
use southwell::transport::{DenseCost, Potentials, Problem, scaling, sinkhorn};
use southwell::{Error, Real, Stop};

const COST: [f64; 6] = [0.0, 1.0, 4.0, 1.0, 0.0, 1.0];
const A: [f64; 2] = [0.5, 0.5];
const B: [f64; 3] = [0.25, 0.25, 0.5];

#[test]
fn costs() {
    let refused = |values: &[f64], rows, columns, stride| DenseCost::new(values, rows, columns, stride).err();
    let dimension = |expected, given| Some(Error::Dimension { argument: "cost", expected, given });
    assert_eq!(refused(&COST, 2, 3, 3), None);
    assert_eq!(refused(&COST, 2, 2, 3), None);
    assert_eq!(refused(&COST[..5], 2, 2, 3), None, "the last row may lack its padding");
    assert_eq!(refused(&COST[..5], 2, 3, 3), dimension(6, 5));
    assert_eq!(refused(&COST, 3, 3, 3), dimension(9, 6));
    assert!(matches!(refused(&COST, 2, 3, 2), Some(Error::Option { name: "stride", .. })));
    let mut bad = COST;
    bad[4] = f64::NAN;
    assert_eq!(refused(&bad, 2, 3, 3), Some(Error::Value { argument: "cost", index: 4 }));
    assert_eq!(refused(&bad, 2, 1, 3), None, "padding is not looked at");
    bad[4] = f64::INFINITY;
    assert_eq!(refused(&bad, 2, 3, 3), Some(Error::Value { argument: "cost", index: 4 }));
    bad[4] = -1e-300;
    assert_eq!(refused(&bad, 2, 3, 3), Some(Error::Negative { argument: "cost", index: 4 }));
    assert_eq!(refused(&[0.0, -0.0], 1, 2, 2), None, "−0 is a zero");
}

#[test]
fn marginals_and_epsilon() {
    let cost = DenseCost::new(&COST, 2, 3, 3).expect("costs");
    let refused = |a: &[f64], b: &[f64], epsilon| Problem::new(&cost, a, b, epsilon).err();
    assert_eq!(refused(&A, &B, 0.1), None);
    assert_eq!(refused(&[0.0, 1.0], &[1.0, 0.0, 0.0], 0.1), None, "lines without mass are allowed");
    let dimension = |argument, expected, given| Some(Error::Dimension { argument, expected, given });
    assert_eq!(refused(&A[..1], &B, 0.1), dimension("a", 2, 1));
    assert_eq!(refused(&A, &A, 0.1), dimension("b", 3, 2));
    let value = |argument, index| Some(Error::Value { argument, index });
    assert_eq!(refused(&[0.5, f64::NAN], &B, 0.1), value("a", 1));
    assert_eq!(refused(&A, &[0.25, f64::INFINITY, 0.5], 0.1), value("b", 1));
    let negative = |argument, index| Some(Error::Negative { argument, index });
    assert_eq!(refused(&[1.5, -0.5], &B, 0.1), negative("a", 1));
    assert_eq!(refused(&A, &[-0.25, 0.75, 0.5], 0.1), negative("b", 0));
    let mass = |refused: Option<Error>| match refused {
        Some(Error::Mass { argument, .. }) => argument,
        other => panic!("{other:?}"),
    };
    assert_eq!(mass(refused(&[0.0, 0.0], &[0.0, 0.0, 0.0], 0.1)), "a");
    assert_eq!(mass(refused(&A, &[0.0, 0.0, 0.0], 0.1)), "b");
    assert_eq!(mass(refused(&[f64::MAX, f64::MAX], &B, 0.1)), "a");
    assert_eq!(mass(refused(&A, &[0.25, 0.25, 0.5 + 1e-9], 0.1)), "b");
    assert_eq!(refused(&A, &[0.25, 0.25, 0.5 + 1e-15], 0.1), None, "that is rounding");
    for epsilon in [0.0, -0.1, f64::NAN, f64::INFINITY, 1e-310, 4.0 * f64::EPSILON * 0.99] {
        let refused = refused(&A, &B, epsilon);
        assert!(matches!(refused, Some(Error::Option { name: "epsilon", .. })), "{epsilon} {refused:?}");
    }
}

/// What both methods refuse at the start, with untouched potentials.
fn starts<T: Real>(
    solve: impl Fn(&mut [T], &mut [T], &Stop<T>, T, &mut [T]) -> Result<southwell::Report<T>, Error>,
    needed: usize,
) {
    let good = Stop::relative(T::from_f64(1e-3));
    let check = |f: &[f64], g: &[f64], stop: &Stop<T>, omega: f64, given: usize, expected: Option<Error>| {
        let (mut f, mut g): (Vec<T>, Vec<T>) = (crate::common::cast(f), crate::common::cast(g));
        let before = (bits(&f), bits(&g));
        let mut storage = vec![T::NAN; given];
        let refused = solve(&mut f, &mut g, stop, T::from_f64(omega), &mut storage);
        assert_eq!(refused.as_ref().err(), expected.as_ref(), "{refused:?}");
        assert_eq!((bits(&f), bits(&g)) == before, expected.is_some());
    };
    let (f, g) = ([0.1, 0.2], [0.3, 0.4, 0.5]);
    check(&f, &g, &good, 1.0, needed, None);
    check(&f, &g, &good, 1.0, needed - 1, Some(Error::Workspace { needed, given: needed - 1 }));
    let dimension = |argument, expected, given| Some(Error::Dimension { argument, expected, given });
    check(&f[..1], &g, &good, 1.0, needed, dimension("f", 2, 1));
    check(&f, &g[..1], &good, 1.0, needed, dimension("g", 3, 1));
    let value = |argument, index| Some(Error::Value { argument, index });
    check(&[0.1, f64::NAN], &g, &good, 1.0, needed, value("f", 1));
    check(&f, &[f64::NEG_INFINITY, 0.4, 0.5], &good, 1.0, needed, value("g", 0));
    for omega in [0.0, 2.0, -1.0, f64::NAN] {
        let expected = Error::Option { name: "omega", requirement: "must lie in (0, 2)" };
        check(&f, &g, &good, omega, needed, Some(expected));
    }
    let negative = Stop { relative: -T::ONE, ..good };
    let expected = Error::Option { name: "relative", requirement: "must be finite and not negative" };
    check(&f, &g, &negative, 1.0, needed, Some(expected));
}

fn methods<T: Real>() {
    let (values, a, b) =
        (crate::common::cast::<T>(&COST), crate::common::cast::<T>(&A), crate::common::cast::<T>(&B));
    let cost = DenseCost::new(&values, 2, 3, 3).expect("costs");
    let problem = Problem::new(&cost, &a, &b, T::from_f64(0.25)).expect("a problem");
    starts::<T>(
        |f, g, stop, omega, storage| {
            let workspace = sinkhorn::Workspace::new(&problem, storage)?;
            let options = sinkhorn::Options { stop: *stop };
            let x = Potentials { f, g };
            sinkhorn::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut ())
        },
        sinkhorn::Workspace::<T>::required_len(2, 3, 3),
    );
    starts::<T>(
        |f, g, stop, omega, storage| {
            let workspace = scaling::Workspace::new(&problem, storage)?;
            let options = scaling::Options { stop: *stop };
            let x = Potentials { f, g };
            scaling::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut ())
        },
        scaling::Workspace::<T>::required_len(2, 3, true),
    );
}

#[test]
fn runs() {
    methods::<f32>();
    methods::<f64>();
}

/// A workspace that was carved for another problem.
#[test]
fn another_problems_workspace() {
    let cost = DenseCost::new(&COST, 2, 3, 3).expect("costs");
    let problem = Problem::new(&cost, &A, &B, 0.25).expect("a problem");
    let small = DenseCost::new(&COST, 1, 3, 3).err();
    assert!(small.is_some(), "too many values");
    let small = DenseCost::new(&COST[..3], 1, 3, 3).expect("costs");
    let other = Problem::new(&small, &[1.0], &B, 0.25).expect("a problem");
    let (mut f, mut g, mut storage) = ([0.0; 2], [0.0; 3], [0.0; 99]);
    let workspace = sinkhorn::Workspace::new(&other, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let refused =
        sinkhorn::solve(&problem, &sinkhorn::Options::default(), &mut Fixed(1.0), x, workspace, &mut ());
    assert_eq!(refused, Err(Error::Workspace { needed: 8, given: 7 }));
    let workspace = scaling::Workspace::new(&other, &mut storage).expect("memory");
    let x = Potentials { f: &mut f, g: &mut g };
    let refused =
        scaling::solve(&problem, &scaling::Options::default(), &mut Fixed(1.0), x, workspace, &mut ());
    assert_eq!(refused, Err(Error::Workspace { needed: 21, given: 15 }));
    assert_eq!((f, g), ([0.0; 2], [0.0; 3]));
}

/// Numbers at the ends of the range: nothing but a status may come of them.
#[test]
fn strange_but_allowed() {
    let tiny = f64::MIN_POSITIVE;
    for (cost, a, b, epsilon) in [
        ([1e300; 6], A, B, 1e290),
        ([0.0; 6], A, B, 1e-300),
        ([tiny; 6], A, B, 1e-300),
        (COST, [1.0, 0.0], [0.0, 0.0, 1.0], 1e-12),
        (COST, [1.0 - 1e-12, 1e-12], [1e-12, 1e-12, 1.0 - 2e-12], 1e-3),
        (COST, [1e300, 1e300], [5e299, 5e299, 1e300], 0.1),
        (COST, [1e-290, 1e-290], [5e-291, 5e-291, 1e-290], 0.1),
        ([0.0, 1.0, 1.0, 1.0, 1.0, 0.0], A, [0.5, 0.0, 0.5], 1e-15),
    ] {
        let view = DenseCost::new(&cost, 2, 3, 3).expect("costs");
        let problem = Problem::new(&view, &a, &b, epsilon).expect("a problem");
        for omega in [1.0, 1.5] {
            let (mut f, mut g, mut storage) = ([0.0; 2], [0.0; 3], [f64::NAN; 99]);
            let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            let x = Potentials { f: &mut f, g: &mut g };
            let options = sinkhorn::Options { stop: Stop { max_steps: 50, ..Stop::relative(1e-9) } };
            let report = sinkhorn::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut ());
            let report = report.expect("valid");
            assert!(report.residual.is_finite() && report.residual >= 0.0, "{cost:?} {report:?}");
            assert!(f.iter().zip(a).all(|(f, a)| if a > 0.0 {
                f.is_finite()
            } else {
                *f == f64::NEG_INFINITY
            }));
            assert!(g.iter().zip(b).all(|(g, b)| if b > 0.0 {
                g.is_finite()
            } else {
                *g == f64::NEG_INFINITY
            }));
            let (mut f, mut g) = ([0.0; 2], [0.0; 3]);
            let workspace = scaling::Workspace::new(&problem, &mut storage).expect("memory");
            let x = Potentials { f: &mut f, g: &mut g };
            let report = scaling::solve(&problem, &options, &mut Fixed(omega), x, workspace, &mut ());
            let report = report.expect("valid");
            assert!(report.residual.is_finite() && report.residual >= 0.0, "{cost:?} {report:?}");
            assert!(f.iter().zip(a).all(|(f, a)| if a > 0.0 {
                f.is_finite()
            } else {
                *f == f64::NEG_INFINITY
            }));
            assert!(g.iter().zip(b).all(|(g, b)| if b > 0.0 {
                g.is_finite()
            } else {
                *g == f64::NEG_INFINITY
            }));
        }
    }
}
