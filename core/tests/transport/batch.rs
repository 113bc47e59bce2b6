//! A batch does what single solves do, bit for bit.

use crate::common::cases::SplitMix64;
use crate::common::{bits, cast};
use southwell::omega::{Auto, Fixed, OmegaRule};
use southwell::transport::{DenseCost, Potentials, Problem, batch, sinkhorn};
use southwell::{Error, Real, Report, Status, Stop};

const COUNT: usize = 1000;
const SIDE: usize = 16;
const LEN: usize = sinkhorn::Workspace::<f64>::required_len(SIDE, SIDE, SIDE);

fn blank<T: Real>() -> Report<T> {
    let zero = T::ZERO;
    Report {
        status: Status::Stopped,
        steps: 0,
        checks: 0,
        initial_residual: zero,
        residual: zero,
        scale: zero,
    }
}

/// A thousand assignments, twice with warm starts.
fn same_bits<T: Real>(one: &mut dyn OmegaRule<T>, other: &mut dyn OmegaRule<T>) {
    let costs = cast::<T>(&SplitMix64(9).take(COUNT * SIDE * SIDE));
    let weights = vec![T::ONE; SIDE];
    let views: Vec<_> = costs
        .chunks(SIDE * SIDE)
        .map(|values| DenseCost::new(values, SIDE, SIDE, SIDE).expect("costs"))
        .collect();
    let problems = || {
        let problem = |cost| Problem::new(cost, &weights, &weights, T::from_f64(0.05)).expect("a problem");
        views.iter().map(problem)
    };
    let (mut f, mut g) = (vec![T::ZERO; COUNT * SIDE], vec![T::ZERO; COUNT * SIDE]);
    let (mut u, mut v) = (f.clone(), g.clone());
    let (mut storage, mut reports) = (vec![T::NAN; LEN], vec![blank(); COUNT]);
    for tolerance in [1e-2, 1e-3] {
        let options = sinkhorn::Options { stop: Stop::relative(T::from_f64(tolerance)) };
        let x = Potentials { f: &mut f, g: &mut g };
        batch::solve(problems(), &options, one, x, &mut storage, &mut reports).expect("valid");
        for (k, problem) in problems().enumerate() {
            let mut storage = vec![T::NAN; LEN];
            let workspace = sinkhorn::Workspace::new(&problem, &mut storage).expect("memory");
            let place = k * SIDE..(k + 1) * SIDE;
            let x = Potentials { f: &mut u[place.clone()], g: &mut v[place] };
            let report = sinkhorn::solve(&problem, &options, other, x, workspace, &mut ()).expect("valid");
            assert_eq!(report, reports[k]);
        }
        assert_eq!((bits(&f), bits(&g)), (bits(&u), bits(&v)));
    }
}

#[test]
fn a_thousand_assignments() {
    same_bits::<f64>(&mut Fixed(1.0), &mut Fixed(1.0));
    same_bits::<f32>(&mut Fixed(1.4), &mut Fixed(1.4));
    let auto = || Auto::new().expect("its constants are valid");
    same_bits::<f64>(&mut auto(), &mut auto());
}

#[test]
fn refusals_touch_nothing() {
    let (square, flat) = ([0.5; 4], [0.5; 2]);
    let cost = DenseCost::new(&square, 2, 2, 2).expect("costs");
    let long = DenseCost::new(&square, 4, 1, 1).expect("costs");
    let good = Problem::new(&cost, &flat, &flat, 0.1).expect("a problem");
    let odd = Problem::new(&long, &[0.25; 4], &[1.0], 0.1).expect("a problem");
    let refused = |problems: &[Problem<'_, f64, DenseCost<'_, f64>>], bad: f64, len: usize, memory: usize| {
        let (mut f, mut g, mut reports) = (vec![7.0; 2 * len], vec![7.0; 2 * len], vec![blank(); len]);
        g[2 * len - 1] = bad;
        let mut storage = vec![f64::NAN; memory];
        let x = Potentials { f: &mut f, g: &mut g };
        let problems = problems.iter().copied();
        let options = sinkhorn::Options::default();
        let error = batch::solve(problems, &options, &mut Fixed(1.0), x, &mut storage, &mut reports);
        assert!(reports.iter().all(|r| *r == blank()) && f.iter().all(|&f| f == 7.0));
        assert!(g[..2 * len - 1].iter().all(|&g| g == 7.0));
        error.expect_err("it must be refused")
    };
    assert!(matches!(refused(&[good, odd], 7.0, 2, 6), Error::Dimension { argument: "a", .. }));
    assert!(matches!(refused(&[good], 7.0, 2, 6), Error::Dimension { argument: "reports", .. }));
    assert!(matches!(refused(&[good, good], f64::NAN, 2, 6), Error::Value { argument: "g", index: 1 }));
    assert!(matches!(refused(&[good, good], 7.0, 2, 5), Error::Workspace { needed: 6, given: 5 }));
}
