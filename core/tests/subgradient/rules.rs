//! The general method: rules, sets, averages, endings, what is refused.

use proptest::prelude::*;
use southwell::subgradient::method;
use southwell::subgradient::projection::{Ball, Interval};
use southwell::subgradient::step::*;
use southwell::subgradient::{Function, MaxAffine, Oracle, Problem, Quantile, Table};
use southwell::{Error, Run, Status, drive};

use crate::common::{bits, norm};
use crate::minimise::{CENTRE, SLOPES, after, minimise, tent};

#[test]
fn rules_keep_what_theory_promises() {
    let distance = norm(&CENTRE); // from the origin
    let slope = norm(&SLOPES);
    let find = |rule: &mut dyn StepRule<f64>, steps| {
        let mut x = [0.0; 3];
        minimise(tent(&CENTRE, &SLOPES), (), &after(steps), rule, &mut x).value
    };
    for steps in [10, 100, 1000] {
        let t = f64::from(steps);
        let h = 0.01;
        assert!(
            find(&mut Constant(h), steps) <= distance * distance * slope / (2.0 * h * t) + slope * h / 2.0
        );
        let ln = 2.0 + t.ln();
        let bound = slope * distance * ln / (4.0 * ((t + 1.0).sqrt() - 1.0));
        assert!(find(&mut Diminishing(distance), steps) <= bound);
        assert!(find(&mut Polyak::new(0.0), steps) <= distance * slope / t.sqrt());
    }
    // f is sharp with modulus ½, so ρ ≥ √(1 − ¼/‖slopes‖²) = 0.976 falls to nothing.
    assert!(find(&mut Geometric::new(distance, 0.98), 1500) < 1e-11);
    assert!(find(&mut Polyak::new(0.0), 2000) < 1e-11);
    assert!(find(&mut PathLevel::new(0.0, 2.0), 3000) < 1e-3);
    assert!(find(&mut Restarted::new(1.0, 0.5, 30), 1500) < 1e-11);
    assert!(find(&mut Raw(Diminishing(0.5)), 3000) < 0.02);
    // Too fast a fall stops short; started anew with slower ones it does not.
    let short = find(&mut Geometric::new(1.0, 0.5), 3000);
    let anew = find(&mut Geometric::new(1.0, 0.5).restarted(6), 3000);
    assert!(short > 0.1 && anew < 1e-6, "{short} {anew}");
    // ‖x − a‖² + Σ |x|: strongly convex with modulus 2; the least value by hand.
    let square = Function::new(1, |x: &[f64], g: &mut [f64]| {
        g[0] = 2.0 * (x[0] - 3.0) + x[0].signum();
        (x[0] - 3.0).powi(2) + x[0].abs()
    });
    let mut x = [-4.0];
    let outcome = minimise(square, (), &after(500), StronglyConvex(2.0), &mut x);
    assert!(outcome.value - 2.75 <= 2.0 * 15.0 * 15.0 / (2.0 * 501.0), "{outcome:?}");
}

#[test]
fn sets_bind() {
    // The tent on x ≥ 0: the second coordinate stays at its bound.
    let mut x = [5.0; 3];
    let set = Interval::non_negative();
    let outcome = minimise(tent(&CENTRE, &SLOPES), set, &after(2000), Geometric::new(4.0, 0.98), &mut x);
    assert!((outcome.value - 4.0).abs() < 1e-9 && x[1] == 0.0, "{x:?} {outcome:?}");
    // max_k x_k on the unit ball: −1/√n everywhere.
    let eye = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    let mut memory = [f64::NAN; 6];
    let mut oracle = MaxAffine::new(Table::new(&eye, 3, 3).expect("a table"), &[0.0; 3], true, &mut memory)
        .expect("an oracle");
    let mut x = [1.0, 0.0, 0.0];
    let ball = Ball::new(&[], 1.0).expect("a ball");
    let outcome = minimise(&mut oracle, ball, &after(4000), Diminishing(1.0), &mut x);
    let least = -1.0 / 3.0_f64.sqrt();
    let bound = oracle.lower_bound(1.0, &mut [0.0; 3]);
    assert!(bound <= least && least <= outcome.value, "{bound} {outcome:?}");
    assert!(outcome.value - bound < 0.02, "{bound} {outcome:?}");
}

#[test]
fn averages_help_where_points_oscillate() {
    // Steps of 0.7 from one side of a minimum to the other.
    let run = |average| {
        let options = method::Options { average, ..after(400) };
        minimise(tent(&[0.0], &[1.0]), (), &options, Constant(0.7), &mut [0.35]).value
    };
    let (with, without) = (run(true), run(false));
    assert!(with < 1e-3 && without > 0.34, "{with} {without}");
}

#[test]
fn a_run_goes_on_where_it_was() {
    let run = |parts: &[u32]| {
        let (mut x, mut storage) = ([0.0; 3], [f64::NAN; 9]);
        let options = method::Options { average: true, ..after(0) };
        let problem = Problem::new(tent(&CENTRE, &SLOPES), ()).expect("a problem");
        let work = method::Workspace::new(&problem, true, &mut storage).expect("memory");
        let mut run = method::start(problem, &options, PathLevel::default(), &mut x, work).expect("sound");
        for &steps in parts {
            drive(&mut run, &after(steps).ending.stop, &mut ());
        }
        (bits(run.current().0), run.current().1)
    };
    assert_eq!(run(&[100]), run(&[30, 1, 69]));
}

#[test]
fn endings() {
    let solve = |options: &method::Options<f64>, x: &mut [f64]| {
        minimise(tent(&CENTRE, &SLOPES), (), options, Geometric::new(1.0, 0.99), x)
    };
    let mut target = after(1000);
    target.ending.target = 0.5;
    let outcome = solve(&target, &mut [0.0; 3]);
    assert!(outcome.report.status == Status::Converged && outcome.value <= 0.5, "{outcome:?}");
    assert_eq!(outcome.seen_at, outcome.report.steps);
    let outcome = solve(&after(100), &mut CENTRE.clone());
    assert_eq!((outcome.report.status, outcome.report.steps), (Status::Converged, 0), "a sub-gradient of 0");
    let mut patience = after(100_000);
    patience.ending.patience = 50;
    let outcome = minimise(tent(&CENTRE, &SLOPES), (), &patience, Constant(0.1), &mut [0.0; 3]);
    assert_eq!(outcome.report.status, Status::Stalled);
    let mut small = after(100_000);
    small.ending.stop.relative = 1e-6;
    let outcome = solve(&small, &mut [0.0; 3]);
    assert!(outcome.report.status == Status::Converged && outcome.report.steps < 1500, "{outcome:?}");
    // 0 is as low as a sum of losses goes: a proof.
    let (rows, y) = ([1.0, 1.0], [2.0, 2.0]);
    let loss = Quantile::absolute(Table::new(&rows, 2, 1).expect("a table"), &y).expect("a loss");
    let outcome = minimise(loss, (), &after(100), Polyak::new(0.0), &mut [0.0]);
    assert_eq!((outcome.report.status, outcome.gap()), (Status::Optimal, 0.0));
}

#[test]
fn what_is_not_finite_ends_a_run_and_leaves_the_best() {
    let mut calls = 0;
    let fails = Function::new(1, |x: &[f64], g: &mut [f64]| {
        calls += 1;
        g[0] = x[0].signum();
        if calls > 5 { f64::NAN } else { x[0].abs() }
    });
    let problem = Problem::new(fails, ()).expect("a problem");
    let (mut x, mut storage) = ([3.0], [f64::NAN; 2]);
    let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
    let outcome = method::solve(problem, &after(100), Constant(0.5), &mut x, work, &mut ()).expect("sound");
    assert_eq!((outcome.report.status, outcome.value, x[0]), (Status::NotFinite, 1.0, 1.0));
    let never = Function::new(1, |_: &[f64], _: &mut [f64]| f64::INFINITY);
    let problem = Problem::new(never, ()).expect("a problem");
    let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
    let outcome = method::solve(problem, &after(100), Constant(0.5), &mut x, work, &mut ()).expect("sound");
    assert_eq!((outcome.report.status, outcome.report.steps, x[0]), (Status::NotFinite, 0, 1.0));
}

#[test]
fn bad_input_is_refused() {
    let empty = Function::new(0, |_: &[f64], _: &mut [f64]| 0.0);
    assert!(matches!(Problem::new::<f64>(empty, ()), Err(Error::Option { name: "oracle", .. })));
    let centre = [0.0; 2];
    let wrong = Problem::new(tent(&CENTRE, &SLOPES), Ball::new(&centre, 1.0).expect("a ball"));
    assert!(matches!(wrong, Err(Error::Dimension { argument: "set", expected: 3, given: 2 })));
    let refuse = |rule: &mut dyn StepRule<f64>, options: &method::Options<f64>, x: &mut [f64]| {
        let before = bits(x);
        let mut storage = [f64::NAN; 6];
        let problem = Problem::new(tent(&CENTRE, &SLOPES), ()).expect("a problem");
        let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
        let error = method::solve(problem, options, rule, x, work, &mut ()).expect_err("refused");
        assert_eq!(bits(x), before, "untouched");
        error
    };
    let name = |error| if let Error::Option { name, .. } = error { name } else { "" };
    let (mut x, options) = ([0.0; 3], after(10));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(name(refuse(&mut Constant(bad), &options, &mut x)), "length");
        assert_eq!(name(refuse(&mut Diminishing(bad), &options, &mut x)), "length");
        assert_eq!(name(refuse(&mut StronglyConvex(bad), &options, &mut x)), "modulus");
        assert_eq!(name(refuse(&mut PathLevel::new(0.0, bad), &options, &mut x)), "bound");
        let scale = method::Options { scale: bad, ..options };
        assert_eq!(name(refuse(&mut Constant(1.0), &scale, &mut x)), "scale");
    }
    assert_eq!(name(refuse(&mut Geometric::new(1.0, 1.0), &options, &mut x)), "ratio");
    assert_eq!(name(refuse(&mut Restarted::new(1.0, 0.5, 0), &options, &mut x)), "horizon");
    assert_eq!(name(refuse(&mut Polyak::new(f64::INFINITY), &options, &mut x)), "target");
    assert!(matches!(refuse(&mut Constant(1.0), &options, &mut [0.0; 2]), Error::Dimension { .. }));
    assert!(matches!(
        refuse(&mut Constant(1.0), &options, &mut [0.0, f64::NAN, 0.0]),
        Error::Value { index: 1, .. }
    ));
    let average = method::Options { average: true, ..options };
    assert!(matches!(refuse(&mut Constant(1.0), &average, &mut x), Error::Workspace { needed: 9, given: 6 }));
}

proptest! {
    /// The best value never rises, and the x that is left has it, whatever the rule.
    #[test]
    fn the_best_value_never_rises(which in 0_usize..6, length in 0.01_f64..3.0, steps in 1_u32..60) {
        let mut geometric = Geometric::new(length, 0.9).restarted(1);
        let mut restarted = Restarted::new(length, 0.7, 5);
        let mut path = PathLevel::new(length, 1.0);
        let rules: [&mut dyn StepRule<f64>; 6] = [
            &mut Constant(length), &mut Diminishing(length), &mut geometric, &mut restarted, &mut path,
            &mut Polyak::new(-length),
        ];
        let rule = rules.into_iter().nth(which).expect("a rule");
        let (mut x, mut storage) = ([0.1, 0.2, 0.3], [f64::NAN; 6]);
        let problem = Problem::new(tent(&CENTRE, &SLOPES), ()).expect("a problem");
        let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
        let mut run = method::start(problem, &after(steps), rule, &mut x, work).expect("sound");
        let mut last = f64::INFINITY;
        for _ in 0..steps {
            run.step();
            let (value, _) = run.best();
            prop_assert!(value <= last && value <= run.current().1);
            let again = tent(&CENTRE, &SLOPES).value_and_subgradient(run.x(), &mut [0.0; 3]);
            prop_assert_eq!(again, value);
            last = value;
        }
    }
}
