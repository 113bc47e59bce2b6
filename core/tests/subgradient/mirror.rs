//! Steps in another geometry: mirror descent, games, dual averaging.

use southwell::subgradient::method::Ending;
use southwell::subgradient::projection::Simplex;
use southwell::subgradient::step::{Constant, Diminishing};
use southwell::subgradient::{
    Function, MaxAffine, Oracle, Problem, Quantile, Table, dual_averaging, game, mirror,
};
use southwell::{Error, Status, drive};

use crate::common::dot;
use crate::common::draws::Stream;

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
fn weights_to_begin_from_are_not_negative_and_not_all_zero() {
    let payoff = [0.0, 1.0, -1.0, -1.0, 0.0, 1.0, 1.0, -1.0, 0.0];
    let table = Table::new(&payoff, 3, 3).expect("a table");
    let mass = |argument| Error::Mass { argument, requirement: "must be positive and finite" };
    let refused = |argument| {
        [
            ([1.0, f64::NAN, 1.0], Error::Value { argument, index: 1 }),
            ([1.0, f64::INFINITY, 1.0], Error::Value { argument, index: 1 }),
            ([1.0, 1.0, -1e-300], Error::Negative { argument, index: 2 }),
            ([0.0; 3], mass(argument)),
            ([1e-310, 0.0, 0.0], mass(argument)),
            ([1e308; 3], mass(argument)),
        ]
    };
    let ending = Ending::after(3);
    let mut storage = [f64::NAN; game::Workspace::<f64>::required_len(3, 3)];
    for (bad, error) in refused("x") {
        let (mut x, mut y) = (bad, [1.0; 3]);
        let work = game::Workspace::new(&table, &mut storage).expect("memory");
        let found = game::solve(&table, &ending, Diminishing(1.0), &mut x, &mut y, work, &mut ());
        assert_eq!(found.err(), Some(error));
        assert_eq!((x.map(f64::to_bits), y), (bad.map(f64::to_bits), [1.0; 3]), "untouched");
        let mut memory = [f64::NAN; 3];
        let mut oracle = MaxAffine::new(table, &[0.0; 3], false, &mut memory).expect("an oracle");
        let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
        let found = mirror::solve(&mut oracle, &ending, Diminishing(1.0), &mut x, work, &mut ());
        assert_eq!(found.err(), Some(error));
        assert_eq!(x.map(f64::to_bits), bad.map(f64::to_bits), "untouched");
    }
    for (bad, error) in refused("y") {
        let (mut x, mut y) = ([1.0; 3], bad);
        let work = game::Workspace::new(&table, &mut storage).expect("memory");
        let found = game::solve(&table, &ending, Diminishing(1.0), &mut x, &mut y, work, &mut ());
        assert_eq!(found.err(), Some(error));
    }
    // The least that is enough; zeros among the rest are no trouble.
    let (mut x, mut y) = ([f64::MIN_POSITIVE, 0.0, 0.0], [0.0, 0.0, 1.0]);
    let work = game::Workspace::new(&table, &mut storage).expect("memory");
    let found = game::solve(&table, &ending, Diminishing(1.0), &mut x, &mut y, work, &mut ());
    assert!(found.expect("sound").upper >= 0.0);
}
