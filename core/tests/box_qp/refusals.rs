//! What is refused, with what error, and that nothing is touched then.

use southwell::descent::box_qp::{
    Condensed, Options, Plant, Prepared, Problem, Staged, Workspace, condense, invert_condensed, solve,
    start, terminal_cost, terminal_len,
};
use southwell::{DiagonalFault, Error, Status, Stop};

const H: [f64; 4] = [2.0, 0.5, 0.5, 1.0];

fn plant() -> Plant<'static, f64> {
    Plant {
        states: 2,
        inputs: 1,
        a: &[1.0, 0.1, 0.0, 1.0],
        b: &[0.005, 0.1],
        q: &[1.0, 0.0, 0.0, 0.1],
        r: &[0.01],
    }
}

#[test]
fn condensed_models() {
    let refused = |h: &[f64], n| Condensed::new(h, n).expect_err("refused");
    assert_eq!(refused(&H[..3], 2), Error::Dimension { argument: "h", expected: 4, given: 3 });
    assert_eq!(refused(&[2.0, f64::NAN, 0.5, 1.0], 2), Error::Value { argument: "h", index: 1 });
    assert_eq!(refused(&[2.0, 0.5, 0.4, 1.0], 2), Error::Asymmetric { argument: "h", row: 1, column: 0 });
    let fault = DiagonalFault::NotPositive;
    assert_eq!(refused(&[2.0, 0.5, 0.5, 0.0], 2), Error::Diagonal { row: 1, fault });
    assert_eq!(refused(&[-2.0, 0.5, 0.5, 1.0], 2), Error::Diagonal { row: 0, fault });
    assert!(Condensed::new(&[2.0, 0.5, 0.5 + 1e-12, 1.0], 2).is_ok(), "rounding is no asymmetry");
}

#[test]
fn staged_models() {
    let p = [1.0, 0.0, 0.0, 1.0];
    let refused = |plant: Plant<'static, f64>, p: &'static [f64], horizon| {
        Staged::new(plant, p, horizon).expect_err("refused")
    };
    static P: [f64; 4] = [1.0, 0.0, 0.0, 1.0];
    let positive = |name| Error::Option { name, requirement: "must be positive" };
    assert_eq!(refused(Plant { states: 0, ..plant() }, &P, 3), positive("states"));
    assert_eq!(refused(Plant { inputs: 0, ..plant() }, &P, 3), positive("inputs"));
    assert_eq!(refused(plant(), &P, 0), positive("horizon"));
    let length = |argument, expected, given| Error::Dimension { argument, expected, given };
    assert_eq!(refused(Plant { a: &P[..3], ..plant() }, &P, 3), length("a", 4, 3));
    assert_eq!(refused(Plant { b: &P, ..plant() }, &P, 3), length("b", 2, 4));
    assert_eq!(refused(Plant { q: &P[..1], ..plant() }, &P, 3), length("q", 4, 1));
    assert_eq!(refused(Plant { r: &P, ..plant() }, &P, 3), length("r", 1, 4));
    assert_eq!(refused(plant(), &P[..2], 3), length("p", 4, 2));
    let infinite = Plant { b: &[0.0, f64::INFINITY], ..plant() };
    assert_eq!(refused(infinite, &P, 3), Error::Value { argument: "b", index: 1 });
    let skew = Plant { q: &[1.0, 0.5, -0.5, 1.0], ..plant() };
    assert_eq!(refused(skew, &P, 3), Error::Asymmetric { argument: "q", row: 1, column: 0 });
    let free = Plant { r: &[0.0], ..plant() };
    let fault = DiagonalFault::NotPositive;
    assert_eq!(refused(free, &P, 3), Error::Diagonal { row: 0, fault });
    assert!(Staged::new(plant(), &p, 3).is_ok());
}

#[test]
fn problems() {
    let model = Condensed::new(&H, 2).expect("sound");
    let refused =
        |f: &[f64], lower: &[f64], upper: &[f64]| Problem::new(&model, f, lower, upper).expect_err("refused");
    let (f, low, high) = ([1.0, -1.0], [-1.0, -1.0], [1.0, 1.0]);
    let length = |argument, given| Error::Dimension { argument, expected: 2, given };
    assert_eq!(refused(&f[..1], &low, &high), length("f", 1));
    assert_eq!(refused(&f, &low[..1], &high), length("lower", 1));
    assert_eq!(refused(&f, &low, &high[..1]), length("upper", 1));
    let value = |argument, index| Error::Value { argument, index };
    assert_eq!(refused(&[f64::NAN, 0.0], &low, &high), value("f", 0));
    assert_eq!(refused(&f, &[-1.0, f64::NAN], &high), value("lower", 1));
    assert_eq!(refused(&f, &low, &[f64::NAN, 1.0]), value("upper", 0));
    assert_eq!(refused(&f, &[f64::INFINITY, 0.0], &[f64::INFINITY, 1.0]), value("lower", 0));
    assert_eq!(refused(&f, &[-f64::INFINITY, 0.0], &[-f64::INFINITY, 1.0]), value("upper", 0));
    assert_eq!(refused(&f, &[-1.0, 1.5], &high), Error::Bounds { index: 1 });
    let staged = Staged::new(plant(), &H, 3).expect("sound");
    let error = Problem::new(&staged, &[0.0; 3], &[0.0; 3], &[0.0; 3]).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "x0", expected: 2, given: 3 });
    for error in [Error::Bounds { index: 1 }, Error::Asymmetric { argument: "q", row: 1, column: 0 }] {
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn starts_and_workspaces() {
    let model = Condensed::new(&H, 2).expect("sound");
    let problem = Problem::new(&model, &[1.0, -1.0], &[-1.0; 2], &[1.0; 2]).expect("sound");
    let needed = Condensed::<f64>::required_len(2);
    let mut short = vec![0.0; needed - 1];
    let error = Workspace::new(&model, &mut short).expect_err("refused");
    assert_eq!(error, Error::Workspace { needed, given: needed - 1 });

    let mut storage = vec![f64::NAN; needed];
    let mut workspace = Workspace::new(&model, &mut storage).expect("long enough");
    let mut x = [3.0, f64::INFINITY];
    let error = solve(&problem, &Options::default(), &mut x, &mut workspace, &mut ()).expect_err("refused");
    assert_eq!(error, Error::Value { argument: "x", index: 1 });
    let mut x = [3.0, 0.0, 0.0];
    let error = start(&problem, &Options::default(), &mut x, &mut workspace).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "x", expected: 2, given: 3 });
    let mut x = [3.0, 0.0];
    let stop = Stop { relative: -1.0, ..Stop::default() };
    let options = Options { stop, ..Options::default() };
    assert!(matches!(solve(&problem, &options, &mut x, &mut workspace, &mut ()), Err(Error::Option { .. })));
    assert_eq!(x, [3.0, 0.0], "nothing was touched");

    // A workspace of another size.
    let other = Condensed::new(&[1.0], 1).expect("sound");
    let problem = Problem::new(&other, &[1.0], &[-1.0], &[1.0]).expect("sound");
    let mut x = [3.0];
    let error = solve(&problem, &Options::default(), &mut x, &mut workspace, &mut ()).expect_err("refused");
    assert!(matches!(error, Error::Workspace { .. }), "{error:?}");
    assert_eq!(x, [3.0]);
}

#[test]
fn what_is_made_once() {
    let mut p = [7.0; 4];
    let stop = Stop::default();
    let mut storage = vec![f64::NAN; terminal_len(2, 1)];
    let (short, _) = storage.split_at_mut(terminal_len(2, 1) - 1);
    let error = terminal_cost(&plant(), &mut p, short, &stop).expect_err("refused");
    assert!(matches!(error, Error::Workspace { .. }), "{error:?}");
    let error = terminal_cost(&plant(), &mut p[..3], &mut storage, &stop).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "p", expected: 4, given: 3 });
    let bad = Plant { r: &[-1.0], ..plant() };
    assert!(terminal_cost(&bad, &mut p, &mut storage, &stop).is_err());
    assert_eq!(p, [7.0; 4], "nothing was touched");

    let model = Staged::new(plant(), &H, 3).expect("sound");
    let (mut h, mut f) = ([7.0; 9], [7.0; 3]);
    let error = condense(&model, &[0.0; 2], &mut h, &mut f, &mut []).expect_err("refused");
    assert!(matches!(error, Error::Workspace { .. }), "{error:?}");
    let error = condense(&model, &[0.0; 2], &mut h[..8], &mut f, &mut storage).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "h", expected: 9, given: 8 });
    assert_eq!((h, f), ([7.0; 9], [7.0; 3]), "nothing was touched");
}

#[test]
fn inverses() {
    let condensed = Condensed::new(&H, 2).expect("sound");
    let mut inverse = [7.0; 4];
    let error = invert_condensed(&condensed, &mut inverse[..3], &mut [0.0; 4]).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "inverse", expected: 4, given: 3 });
    let error = invert_condensed(&condensed, &mut inverse, &mut [0.0; 3]).expect_err("refused");
    assert_eq!(error, Error::Workspace { needed: 4, given: 3 });
    assert_eq!(inverse, [7.0; 4], "nothing was touched");
    let indefinite = Condensed::new(&[1.0, 2.0, 2.0, 1.0], 2).expect("a sound description");
    let status = invert_condensed(&indefinite, &mut inverse, &mut [f64::NAN; 4]).expect("sound sizes");
    assert_eq!(status, Status::Breakdown);
    let error = Prepared::new(condensed, &inverse[..3]).expect_err("refused");
    assert_eq!(error, Error::Dimension { argument: "inverse", expected: 4, given: 3 });
    let error = Prepared::new(condensed, &[0.0, f64::NAN, 0.0, 0.0]).expect_err("refused");
    assert_eq!(error, Error::Value { argument: "inverse", index: 1 });
}
