//! What the problems, mirror descent, games, dual averaging and refinement refuse, with x as it was.

use crate::common::bits;
use southwell::Error;
use southwell::subgradient::method::Ending;
use southwell::subgradient::projection::{Ball, Interval};
use southwell::subgradient::step::{
    Constant, Diminishing, Geometric, PathLevel, Polyak, Raw, Restarted, StepRule,
};
use southwell::subgradient::{
    Function, GeometricMedian, MaxAffine, Minimax, Oracle, PhaseRetrieval, Problem, Quantile, Table,
    dual_averaging, game, huber, mirror, refine,
};

const ROWS: [f64; 6] = [1.0, 0.0, 1.0, 1.0, 1.0, 2.0];
const BAD: [f64; 4] = [0.0, -1.0, f64::NAN, f64::INFINITY];

fn table() -> Table<'static, f64> {
    Table::new(&ROWS, 3, 2).expect("a table")
}

fn option<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Err(Error::Option { name, .. }) => name,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("not refused"),
    }
}

fn short<T>(argument: &'static str, expected: usize) -> impl Fn(Result<T, Error>) -> bool {
    move |found| found.err() == Some(Error::Dimension { argument, expected, given: expected - 1 })
}

#[test]
fn problems() {
    let mut memory = [0.0; 6];
    let (few, spoilt) = ([1.0, 2.0], [1.0, 2.0, f64::NAN]);
    let nan = |argument| Some(Error::Value { argument, index: 2 });
    assert!(short("offsets", 3)(MaxAffine::new(table(), &few, true, &mut memory)));
    assert_eq!(MaxAffine::new(table(), &spoilt, true, &mut memory).err(), nan("offsets"));
    let error = MaxAffine::new(table(), &[0.0; 3], true, &mut memory[..5]).err();
    assert_eq!(error, Some(Error::Workspace { needed: 6, given: 5 }));
    assert!(short("y", 3)(Minimax::new(table(), &few, &mut memory)));
    assert_eq!(Minimax::new(table(), &spoilt, &mut memory).err(), nan("y"));
    let error = Minimax::new(table(), &[0.0; 3], &mut memory[..2]).err();
    assert_eq!(error, Some(Error::Workspace { needed: 3, given: 2 }));
    assert!(short("y", 3)(PhaseRetrieval::new(table(), &few)));
    assert_eq!(PhaseRetrieval::new(table(), &spoilt).err(), nan("y"));
    let error = GeometricMedian::new(table(), &mut memory[..1]).err();
    assert_eq!(error, Some(Error::Workspace { needed: 2, given: 1 }));
    let mut weighted = |weights: &[f64]| {
        GeometricMedian::new(table(), &mut memory).and_then(|median| median.weighted(weights).map(drop))
    };
    assert!(short("weights", 3)(weighted(&few)));
    assert_eq!(weighted(&spoilt).err(), nan("weights"));
    let negative = Some(Error::Negative { argument: "weights", index: 1 });
    assert_eq!(weighted(&[1.0, -1.0, 1.0]).err(), negative);
    for delta in BAD {
        assert_eq!(option(huber::Huber::new(table(), &[0.0; 3], delta)), "delta");
    }
}

/// A rule's own numbers, whatever run it is for.
#[test]
fn rules() {
    let refused = |rule: &mut dyn StepRule<f64>| {
        let mut memory = [0.0; 10];
        let mut x = [0.25, 0.75];
        let oracle = tilted(2);
        let work = mirror::Workspace::new(&oracle, &mut memory).expect("memory");
        let found = mirror::solve(oracle, &Ending::after(9), rule, &mut x, work, &mut ());
        assert_eq!(x, [0.25, 0.75], "untouched");
        option(found)
    };
    for bad in BAD {
        assert_eq!(refused(&mut Raw(Constant(bad))), "length");
        assert_eq!(refused(&mut Geometric::new(bad, 0.9)), "length");
        assert_eq!(refused(&mut Restarted::new(bad, 0.5, 4)), "length");
    }
    for bad in [0.0, 1.0, -0.5, f64::NAN] {
        assert_eq!(refused(&mut Geometric::new(1.0, bad)), "ratio");
        assert_eq!(refused(&mut Restarted::new(1.0, bad, 4)), "ratio");
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(&mut PathLevel::new(bad, 2.0)), "delta");
    }
    for bad in [0.0, -1.0, f64::NAN] {
        assert_eq!(refused(&mut Polyak { target: 0.0, longest: bad }), "longest");
    }
    for bad in [f64::NAN, f64::NEG_INFINITY] {
        assert_eq!(refused(&mut Polyak::new(bad)), "target");
    }
}

/// x₀ + 2 x₁ + …
fn tilted(n: usize) -> impl Oracle<f64> {
    Function::new(n, |x: &[f64], g: &mut [f64]| {
        g.iter_mut().zip(1_u32..).for_each(|(g, k)| *g = f64::from(k));
        x.iter().zip(&*g).map(|(x, g)| x * g).sum()
    })
}

#[test]
fn mirror_descent() {
    let refused = |n: usize, ending: &Ending<f64>, x: &mut [f64]| {
        let (before, mut memory) = (bits(x), [f64::NAN; 15]);
        let work = mirror::Workspace::new(&tilted(3), &mut memory).expect("memory");
        let found = mirror::solve(tilted(n), ending, Diminishing(1.0), x, work, &mut ()).err();
        assert!(found.is_none() || bits(x) == before, "untouched");
        found
    };
    let ending = Ending::after(9);
    assert_eq!(refused(3, &ending, &mut [1.0; 3]), None);
    let x = |index| Some(Error::Value { argument: "x", index });
    assert_eq!(refused(3, &ending, &mut [1.0, f64::NAN, 1.0]), x(1));
    assert_eq!(refused(3, &ending, &mut [1.0, 1.0, f64::INFINITY]), x(2));
    let negative = Some(Error::Negative { argument: "x", index: 1 });
    assert_eq!(refused(3, &ending, &mut [1.0, -0.5, 1.0]), negative);
    assert!(matches!(refused(3, &ending, &mut [0.0; 3]), Some(Error::Mass { argument: "x", .. })));
    assert!(matches!(refused(3, &ending, &mut [f64::MAX; 3]), Some(Error::Mass { argument: "x", .. })));
    let dimension = Some(Error::Dimension { argument: "x", expected: 3, given: 2 });
    assert_eq!(refused(3, &ending, &mut [1.0; 2]), dimension);
    assert!(matches!(refused(0, &ending, &mut []), Some(Error::Option { name: "oracle", .. })));
    let foreign = Some(Error::Workspace { needed: 10, given: 15 });
    assert_eq!(refused(2, &ending, &mut [1.0; 2]), foreign);
    let nowhere = Ending { target: f64::NAN, ..ending };
    assert!(matches!(refused(3, &nowhere, &mut [1.0; 3]), Some(Error::Option { name: "target", .. })));
    let error = mirror::Workspace::new(&tilted(3), &mut [0.0; 14]).err();
    assert_eq!(error, Some(Error::Workspace { needed: 15, given: 14 }));
}

#[test]
fn games() {
    let refused = |payoff: &Table<'_, f64>, length: f64, x: &mut [f64], y: &mut [f64]| {
        let (before, mut memory) = ((bits(x), bits(y)), [f64::NAN; 15]);
        let work = game::Workspace::new(&table(), &mut memory).expect("memory");
        let found = game::solve(payoff, &Ending::after(9), Diminishing(length), x, y, work, &mut ()).err();
        assert!(found.is_none() || (bits(x), bits(y)) == before, "untouched");
        found
    };
    assert_eq!(refused(&table(), 1.0, &mut [1.0; 3], &mut [1.0; 2]), None);
    let dimension = |argument, expected, given| Some(Error::Dimension { argument, expected, given });
    assert_eq!(refused(&table(), 1.0, &mut [1.0; 2], &mut [1.0; 2]), dimension("x", 3, 2));
    assert_eq!(refused(&table(), 1.0, &mut [1.0; 3], &mut [1.0; 3]), dimension("y", 2, 3));
    let negative = Some(Error::Negative { argument: "y", index: 0 });
    assert_eq!(refused(&table(), 1.0, &mut [1.0; 3], &mut [-1.0, 1.0]), negative);
    let mass = refused(&table(), 1.0, &mut [0.0; 3], &mut [1.0; 2]);
    assert!(matches!(mass, Some(Error::Mass { argument: "x", .. })));
    let nothing = Table::new(&[0.0; 6], 3, 2).expect("a table");
    let payoff = refused(&nothing, 1.0, &mut [1.0; 3], &mut [1.0; 2]);
    assert!(matches!(payoff, Some(Error::Option { name: "payoff", .. })));
    for bad in BAD {
        let rule = refused(&table(), bad, &mut [1.0; 3], &mut [1.0; 2]);
        assert!(matches!(rule, Some(Error::Option { name: "length", .. })));
    }
    let square = Table::new(&ROWS[..4], 2, 2).expect("a table");
    let foreign = Some(Error::Workspace { needed: 12, given: 15 });
    assert_eq!(refused(&square, 1.0, &mut [1.0; 2], &mut [1.0; 2]), foreign);
    let error = game::Workspace::new(&table(), &mut [0.0; 14]).err();
    assert_eq!(error, Some(Error::Workspace { needed: 15, given: 14 }));
}

#[test]
fn averages_of_slopes() {
    let refused = |options: &dual_averaging::Options<f64>, round: bool, x: &mut [f64]| {
        let (before, mut memory) = (bits(x), [f64::NAN; 15]);
        let found = if round {
            let ball = Ball::new(&[], 1.0).expect("a ball");
            let problem = Problem::new(tilted(3), ball).expect("a problem");
            let work = dual_averaging::Workspace::new(&problem, &mut memory).expect("memory");
            dual_averaging::solve(problem, options, x, work, &mut ()).map(drop)
        } else {
            let problem = Problem::new(tilted(3), Interval::non_negative()).expect("a problem");
            let work = dual_averaging::Workspace::new(&problem, &mut memory).expect("memory");
            dual_averaging::solve(problem, options, x, work, &mut ()).map(drop)
        };
        if found.is_err() {
            assert_eq!(bits(x), before, "untouched");
        }
        found
    };
    let options = dual_averaging::Options { ending: Ending::after(9), ..Default::default() };
    assert_eq!(refused(&options, true, &mut [1.0; 3]), Ok(()));
    for bad in BAD {
        assert_eq!(
            option(refused(&dual_averaging::Options { scale: bad, ..options }, false, &mut [1.0; 3])),
            "scale"
        );
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(
            option(refused(&dual_averaging::Options { l1: bad, ..options }, false, &mut [1.0; 3])),
            "l1"
        );
    }
    // Soft thresholds are projected coordinate by coordinate, which is wrong for a ball.
    let sparse = dual_averaging::Options { l1: 0.1, ..options };
    assert_eq!(refused(&sparse, false, &mut [1.0; 3]), Ok(()));
    assert_eq!(option(refused(&sparse, true, &mut [1.0; 3])), "l1");
    let dimension = Err(Error::Dimension { argument: "x", expected: 3, given: 2 });
    assert_eq!(refused(&options, false, &mut [1.0; 2]), dimension);
    let value = Err(Error::Value { argument: "x", index: 0 });
    assert_eq!(refused(&options, false, &mut [f64::NAN, 1.0, 1.0]), value);
}

#[test]
fn refinement() {
    let y = [0.0, 1.0, 2.0];
    let loss = Quantile::absolute(table(), &y).expect("a loss");
    let refused = |cut: f64, beta: &mut [f64], memory: usize| {
        let before = bits(beta);
        let found = refine::refine(&loss, cut, beta, &mut [0.0; 12][..memory]).map(drop);
        assert!(found.is_ok() || bits(beta) == before, "untouched");
        found
    };
    assert_eq!(refused(4.0, &mut [0.0, 1.0], 12), Ok(()));
    for bad in BAD {
        assert_eq!(option(refused(bad, &mut [0.0, 1.0], 12)), "cut");
    }
    assert!(short("beta", 2)(refused(4.0, &mut [0.0], 12)));
    assert_eq!(refused(4.0, &mut [0.0, f64::NAN], 12), Err(Error::Value { argument: "beta", index: 1 }));
    assert_eq!(refused(4.0, &mut [0.0; 2], 11), Err(Error::Workspace { needed: 12, given: 11 }));
}
