//! The general methods: rules, sets, problems, averages, bounds, endings.

use std::ops::ControlFlow;

use crate::common::draws::{Stream, outliers};
use crate::common::{bits, dot, norm};
use proptest::prelude::*;
use southwell::subgradient::method::{self, Ending, Outcome};
use southwell::subgradient::projection::{Ball, Interval, Simplex};
use southwell::subgradient::step::*;
use southwell::subgradient::{
    Function, GeometricMedian, MaxAffine, Minimax, Oracle, PhaseRetrieval, Problem, Projection, Quantile,
    Table, dual_averaging, fit, game, huber, mirror,
};
use southwell::{Error, Progress, Run, Status, Stop, drive};

fn after(steps: u32) -> method::Options<f64> {
    let mut options = method::Options { ending: Ending::after(steps), ..method::Options::default() };
    options.ending.stop.relative = 1e-15;
    options
}

fn minimise<O: Oracle<f64>>(
    mut oracle: O,
    set: impl Projection<f64>,
    options: &method::Options<f64>,
    rule: impl StepRule<f64>,
    x: &mut [f64],
) -> Outcome<f64> {
    let mut storage = vec![f64::NAN; method::Workspace::<f64>::required_len(x.len(), options.average)];
    let problem = Problem::new(&mut oracle, set).expect("a problem");
    let work = method::Workspace::new(&problem, options.average, &mut storage).expect("memory");
    let outcome = method::solve(problem, options, rule, x, work, &mut ()).expect("sound");
    let value = oracle.value_and_subgradient(x, &mut vec![0.0; x.len()]);
    assert_eq!(outcome.value, value, "the value is that of the x that is left");
    outcome
}

/// Σ c_i |x_i − a_i|, sharp, its minimum at a.
fn tent(centre: &'static [f64], slopes: &'static [f64]) -> impl Oracle<f64> {
    Function::new(centre.len(), move |x: &[f64], g: &mut [f64]| {
        let mut value = 0.0;
        for (k, g) in g.iter_mut().enumerate() {
            let d = x[k] - centre[k];
            *g = if d > 0.0 {
                slopes[k]
            } else if d < 0.0 {
                -slopes[k]
            } else {
                0.0
            };
            value += slopes[k] * d.abs();
        }
        value
    })
}

const CENTRE: [f64; 3] = [1.0, -2.0, 0.5];
const SLOPES: [f64; 3] = [1.0, 2.0, 0.5];

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
fn robust_regression_with_shares_and_little_memory() {
    // Shares on a simplex, a third of the observations wrong; O(p) numbers of memory.
    let (table, _, _) = outliers(5, 300, 4);
    let shares = [0.1, 0.2, 0.3, 0.4];
    let wrong = Stream::new(5, 99);
    let y: Vec<f64> = (table.chunks(4).enumerate())
        .map(|(i, row)| dot(row, &shares) + if wrong.uniform(i) < 0.3 { 10.0 } else { 0.0 })
        .collect();
    let loss = Quantile::absolute(Table::new(&table, 300, 4).expect("a table"), &y).expect("a loss");
    let mut x = [0.25; 4];
    let set = Simplex::new(1.0).expect("a set");
    minimise(loss, set, &after(1500), Geometric::new(0.3, 0.98), &mut x);
    assert!(x.iter().zip(&shares).all(|(x, s)| (x - s).abs() < 1e-10), "{x:?}");
}

#[test]
fn the_best_line_to_a_parabola() {
    let table: Vec<f64> = (0..=100).flat_map(|i| [1.0, f64::from(i) / 100.0]).collect();
    let y: Vec<f64> = table.chunks(2).map(|row| row[1] * row[1]).collect();
    let mut memory = vec![f64::NAN; 101];
    let table = Table::new(&table, 101, 2).expect("a table");
    let oracle = Minimax::new(table, &y, &mut memory).expect("an oracle");
    let mut x = [0.0; 2];
    let outcome = minimise(oracle, (), &after(4000), Geometric::new(1.0, 0.995), &mut x);
    assert!((outcome.value - 0.125).abs() < 1e-6, "Chebyshev: {outcome:?}");
    assert!((x[0] + 0.125).abs() < 1e-5 && (x[1] - 1.0).abs() < 1e-5, "{x:?}");
}

#[test]
fn the_geometric_median_is_where_it_should_be() {
    let height = 3.0_f64.sqrt() / 2.0;
    let corners = [0.0, 0.0, 1.0, 0.0, 0.5, height];
    let table = Table::new(&corners, 3, 2).expect("a table");
    let mut memory = [f64::NAN; 2];
    let oracle = GeometricMedian::new(table, &mut memory).expect("an oracle");
    let mut x = [0.9, 0.1];
    let outcome = minimise(oracle, (), &after(2000), Diminishing(0.3), &mut x);
    assert!((outcome.value - 3.0_f64.sqrt()).abs() < 1e-6, "Fermat's point: {outcome:?} {x:?}");
    // A point that weighs more than all others together is the median itself.
    let oracle = GeometricMedian::new(table, &mut memory).expect("an oracle");
    let oracle = oracle.weighted(&[1.0, 3.0, 1.0]).expect("weights");
    let outcome = minimise(oracle, (), &after(2000), Geometric::new(0.3, 0.98), &mut x);
    assert!((outcome.value - 2.0).abs() < 1e-9 && (x[0] - 1.0).abs() < 1e-9, "{outcome:?} {x:?}");
}

#[test]
fn a_vector_from_sizes_of_products() {
    let (d, m) = (20, 160);
    let (entries, truth) = (Stream::new(1, 1), Stream::new(1, 2));
    let table: Vec<f64> = (0..m * d).map(|k| entries.normal(k)).collect();
    let x_true: Vec<f64> = (0..d).map(|k| truth.normal(k)).collect();
    let exact: Vec<f64> = table.chunks(d).map(|a| dot(a, &x_true).powi(2)).collect();
    let start: Vec<f64> = (0..d).map(|k| x_true[k] + 0.3 * truth.normal(d + k)).collect();
    let off = |x: &[f64]| {
        let far: Vec<f64> = x.iter().zip(&x_true).map(|(a, b)| a - b).collect();
        norm(&far) / norm(&x_true)
    };
    let rows = Table::new(&table, m, d).expect("a table");
    let mut x = start.clone();
    let outcome = minimise(
        PhaseRetrieval::new(rows, &exact).expect("an oracle"),
        (),
        &after(150),
        Polyak::new(0.0),
        &mut x,
    );
    assert!(off(&x) < 1e-10, "{} {outcome:?}", off(&x));
    // A fifth of the measurements wrong: least squares cannot, lengths that fall can.
    let hit = Stream::new(1, 3);
    let wrong: Vec<f64> =
        (0..m).map(|i| if hit.uniform(i) < 0.2 { 200.0 * hit.uniform(m + i) } else { exact[i] }).collect();
    let mut x = start;
    minimise(
        PhaseRetrieval::new(rows, &wrong).expect("an oracle"),
        (),
        &after(1200),
        Geometric::new(1.0, 0.98),
        &mut x,
    );
    assert!(off(&x) < 1e-6, "{}", off(&x));
}

#[test]
fn mirror_descent_bounds_what_it_finds() {
    // max_k a_kᵀx on the simplex is the game of A against y.
    let n = 12;
    let numbers = Stream::new(7, 1);
    let payoff: Vec<f64> = (0..n * n).map(|k| numbers.normal(k)).collect();
    let table = Table::new(&payoff, n, n).expect("a table");
    let mut memory = vec![f64::NAN; n];
    let mut oracle = MaxAffine::new(table, &[0.0; 12], false, &mut memory).expect("an oracle");
    let mut storage = vec![f64::NAN; mirror::Workspace::<f64>::required_len(n)];
    let mut x = vec![1.0; n];
    let length = (2.0 * (n as f64).ln()).sqrt();
    let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
    let ending = Ending::after(20_000);
    let pure =
        mirror::solve(&mut oracle, &ending, Diminishing(length), &mut x, work, &mut ()).expect("sound");
    assert!(pure.lower_bound <= pure.value && pure.gap() < 0.05, "{pure:?}");
    assert!((x.iter().sum::<f64>() - 1.0).abs() < 1e-12 && x.iter().all(|&x| x > 0.0));

    let mut storage = vec![f64::NAN; game::Workspace::<f64>::required_len(n, n)];
    let work = game::Workspace::new(&table, &mut storage).expect("memory");
    let (mut x, mut y) = (vec![1.0; n], vec![1.0; n]);
    let ending = Ending::after(5000);
    let found =
        game::solve(&table, &ending, Diminishing(length), &mut x, &mut y, work, &mut ()).expect("sound");
    // Both bounds, again, by plain loops.
    let upper = (0..n).map(|i| dot(&payoff[i * n..(i + 1) * n], &y)).fold(f64::MIN, f64::max);
    let column = |j: usize| (0..n).map(|i| payoff[i * n + j] * x[i]).sum::<f64>();
    let lower = (0..n).map(column).fold(f64::MAX, f64::min);
    assert!((upper - found.upper).abs() < 1e-10 && (lower - found.lower).abs() < 1e-10, "{found:?}");
    assert!(found.upper - found.lower < 0.05 && found.report.residual == found.upper - found.lower);
    // Two ways to the value of one game.
    assert!(pure.lower_bound <= found.upper && found.lower <= pure.value, "{pure:?} {found:?}");
}

/// The average of ten thousand points is on the simplex as nearly as one point is.
#[test]
fn an_average_adds_up_to_one() {
    let payoff = [0.0_f32, 1.0, -1.0, -1.0, 0.0, 1.0, 1.0, -1.0, 0.0];
    let table = Table::new(&payoff, 3, 3).expect("a table");
    let (mut memory, mut storage) = ([f32::NAN; 3], [f32::NAN; mirror::Workspace::<f32>::required_len(3)]);
    let oracle = MaxAffine::new(table, &[0.0; 3], false, &mut memory).expect("an oracle");
    let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
    let (mut x, ending) = ([5.0, 1.0, 2.0], Ending::after(10_000));
    let found = mirror::solve(oracle, &ending, Constant(0.3), &mut x, work, &mut ()).expect("sound");
    assert_eq!(found.seen_at, 10_000, "the average is better than points that go in circles");
    let sum: f64 = x.iter().map(|&x| f64::from(x)).sum();
    assert!((sum - 1.0).abs() <= 2.0 * f64::from(f32::EPSILON), "{sum}");
}

#[test]
fn stone_scissors_paper() {
    let payoff = [0.0, 1.0, -1.0, -1.0, 0.0, 1.0, 1.0, -1.0, 0.0];
    let table = Table::new(&payoff, 3, 3).expect("a table");
    let mut storage = [f64::NAN; game::Workspace::<f64>::required_len(3, 3)];
    let work = game::Workspace::new(&table, &mut storage).expect("memory");
    let (mut x, mut y) = ([5.0, 1.0, 1.0], [1.0, 1.0, 2.0]);
    let mut ending = Ending::after(100_000);
    ending.stop.relative = 0.01;
    let found = game::solve(&table, &ending, Diminishing(1.0), &mut x, &mut y, work, &mut ()).expect("sound");
    assert_eq!(found.report.status, Status::Converged);
    assert!(found.lower <= 0.0 && found.upper >= 0.0 && found.upper - found.lower <= 0.01, "{found:?}");
    assert!(x.iter().chain(&y).all(|x| (x - 1.0 / 3.0).abs() < 0.02), "{x:?} {y:?}");
}

#[test]
fn dual_averaging_leaves_zeros() {
    // |y − Xβ|₁/n + 0.1 ‖β‖₁, three of ten coefficients in use.
    let (n, p) = (200, 10);
    let numbers = Stream::new(2, 1);
    let table: Vec<f64> = (0..n * p).map(|k| numbers.normal(k)).collect();
    let truth = [2.0, 0.0, 0.0, -1.0, 0.0, 0.0, 0.0, 3.0, 0.0, 0.0];
    let y: Vec<f64> = table.chunks(p).map(|row| dot(row, &truth)).collect();
    let loss = Quantile::absolute(Table::new(&table, n, p).expect("a table"), &y).expect("a loss");
    let mean = Function::new(p, |x: &[f64], g: &mut [f64]| {
        let value = { loss }.value_and_subgradient(x, g);
        g.iter_mut().for_each(|g| *g *= 2.0 / n as f64);
        value * 2.0 / n as f64
    });
    let problem = Problem::new(mean, ()).expect("a problem");
    let mut storage = vec![f64::NAN; dual_averaging::Workspace::<f64>::required_len(p)];
    let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
    let options =
        dual_averaging::Options { ending: Ending::after(3000), normalised: false, scale: 4.0, l1: 0.1 };
    let mut x = vec![0.0; p];
    let mut run = dual_averaging::start(problem, &options, &mut x, work).expect("sound");
    drive(&mut run, &options.ending.stop, &mut ());
    let zeros = run.current().iter().zip(&truth).filter(|(x, t)| **x == 0.0 && **t == 0.0).count();
    let (value, _) = run.best();
    assert_eq!(zeros, 7, "{:?}", run.current());
    assert!(value < 0.1 * 6.0 + 0.02, "{value}");

    let refused = dual_averaging::Options { l1: -1.0, ..options };
    let set = Simplex::new(1.0).expect("a set");
    for (options, name) in [(refused, "l1"), (options, "l1")] {
        let problem = Problem::new(loss, set).expect("a problem");
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let error = dual_averaging::solve(problem, &options, &mut x, work, &mut ());
        assert!(matches!(error, Err(Error::Option { name: n, .. }) if n == name));
    }
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

#[test]
fn an_observer_may_stop_a_fit() {
    let (table, y, _) = outliers(1, 100, 3);
    let loss = Quantile::absolute(Table::new(&table, 100, 3).expect("a table"), &y).expect("a loss");
    let whitening = fit::Whitening::Orthogonal;
    let mut storage = vec![f64::NAN; fit::Workspace::<f64>::required_len(100, 3, whitening, false)];
    let mut indices = [0; 9];
    let work = fit::Workspace::new(&loss, whitening, false, &mut storage, &mut indices).expect("memory");
    let mut beta = [0.0; 3];
    let mut stop =
        |p: &Progress<f64>| if p.step == 7 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) };
    let outcome = fit::solve(&loss, &fit::Options::default(), fit::rule(), &mut beta, work, &mut stop);
    let outcome = outcome.expect("sound");
    assert_eq!((outcome.report.status, outcome.report.steps), (Status::Stopped, 7));
    assert_eq!(outcome.value, loss.value(&beta));
}

#[test]
fn hubers_regression_closes_its_gap() {
    let (table, y, beta) = outliers(1, 1000, 10);
    let table = Table::new(&table, 1000, 10).expect("a table");
    let mut storage = vec![f64::NAN; huber::Workspace::<f64>::required_len(10)];
    let mut x = vec![0.0; 10];
    let loss = huber::Huber::new(table, &y, 0.5).expect("a loss");
    let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
    let outcome = huber::solve(&loss, &Stop::relative(1e-10), &mut x, work, &mut ()).expect("sound");
    assert!(outcome.report.converged() && outcome.report.steps < 200, "{outcome:?}");
    assert!(outcome.lower_bound <= outcome.value && outcome.gap() <= 1e-9 * outcome.value);
    assert!((outcome.value - loss.value(&x)).abs() <= 1e-12 * outcome.value);
    // The slopes of the loss at a minimum: Xᵀψ(r) = 0.
    let psi: Vec<f64> =
        (table.values().chunks(10).zip(&y)).map(|(a, y)| (y - dot(a, &x)).clamp(-0.5, 0.5)).collect();
    for j in 0..10 {
        let slope: f64 = (0..1000).map(|i| table.row(i)[j] * psi[i]).sum();
        assert!(slope.abs() < 1e-2, "{j}: {slope}");
    }
    let off: f64 = x.iter().zip(&beta).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
    assert!(off < 0.3, "{off}");
    // Bounds hold at once, with a δ beyond all residuals it is least squares in one step.
    let loss = huber::Huber::new(table, &y, 1e6).expect("a loss");
    let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
    x.fill(0.0);
    let outcome = huber::solve(&loss, &Stop::relative(1e-10), &mut x, work, &mut ()).expect("sound");
    assert!(outcome.report.converged() && outcome.report.steps == 1, "{outcome:?}");
    assert!(matches!(huber::Huber::new(table, &y, 0.0), Err(Error::Option { name: "delta", .. })));
}

#[test]
fn a_fit_that_gets_no_further_says_how_many_steps_led_to_it() {
    let mut stalled = 0;
    for seed in 1..20 {
        let (table, y, _) = outliers(seed, 40, 3);
        let table = Table::new(&table, 40, 3).expect("a table");
        let loss = huber::Huber::new(table, &y, 0.5).expect("a loss");
        let len = huber::Workspace::<f64>::required_len(3);
        // No gap closes to this: what is left is rounding.
        let stop = Stop::relative(1e-300);
        let (mut x, mut storage) = ([0.0; 3], vec![f64::NAN; len]);
        let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
        let outcome = huber::solve(&loss, &stop, &mut x, work, &mut ()).expect("sound");
        let ended = (outcome.report.status == Status::Stalled).then_some(Status::Stalled);
        stalled += u32::from(ended.is_some());
        assert!(outcome.seen_at <= outcome.report.steps, "{outcome:?}");
        let (mut by_hand, mut storage) = ([0.0; 3], vec![f64::NAN; len]);
        let work = huber::Workspace::new(&loss, &mut storage).expect("memory");
        let mut run = huber::start(&loss, &stop, &mut by_hand, work).expect("sound");
        (0..outcome.report.steps).for_each(|_| run.step());
        assert_eq!(run.failure(), ended, "{outcome:?}");
        assert_eq!(bits(&x), bits(&by_hand), "{outcome:?}");
    }
    assert!(stalled > 2, "{stalled} runs test little");
}
