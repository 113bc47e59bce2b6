//! Methods against their formulas, step by step, on functions of two or three variables; dimensions of sets. So small
//! that Miri runs them too.

use southwell::subgradient::method::Ending;
use southwell::subgradient::projection::*;
use southwell::subgradient::step::Constant;
use southwell::subgradient::{Function, Oracle, Problem, Projection, Table, dual_averaging, method, mirror};
use southwell::{Error, Run, Status, Stop};

/// A set, handed on as what it is and as a reference.
fn dimensions(mut set: impl Projection<f64>) -> (Option<usize>, bool) {
    fn told<P: Projection<f64>>(mut set: P, x: [f64; 3]) -> (Option<usize>, bool, [f64; 3]) {
        let mut x = x;
        set.project(&mut x);
        (set.dimension(), set.separable(), x)
    }
    let x = [2.0, -3.0, 0.5];
    let mut direct = x;
    set.project(&mut direct);
    let own = (set.dimension(), set.separable(), direct);
    assert_eq!(told(&mut set, x), own);
    (own.0, own.1)
}

#[test]
fn sets_tell_their_dimension_and_whether_they_are_boxes() {
    let (low, high) = ([-1.0, -1.0, -1.0], [1.0, 1.0, 1.0]);
    assert_eq!(dimensions(()), (None, true));
    assert_eq!(dimensions(Interval::new(-1.0, 1.0).expect("a set")), (None, true));
    assert_eq!(dimensions(Bounds::new(&low, &high).expect("a set")), (Some(3), true));
    assert_eq!(dimensions(Ball::new(&[], 1.0).expect("a set")), (None, false));
    assert_eq!(dimensions(Ball::new(&low, 1.0).expect("a set")), (Some(3), false));
    assert_eq!(dimensions(HalfSpace::new(&low, 1.0).expect("a set")), (Some(3), false));
    assert_eq!(dimensions(Simplex::new(1.0).expect("a set")), (None, false));
    assert_eq!(dimensions(L1Ball::new(1.0).expect("a set")), (None, false));
    assert_eq!(dimensions(Cone), (None, false));
    let (mut memory, rows) = ([f64::NAN; Affine::<f64>::required_len(1)], [1.0, -2.0, 0.5]);
    let rows = Table::new(&rows, 1, 3).expect("a table");
    assert_eq!(dimensions(Affine::new(rows, &[1.0], &mut memory).expect("a set")), (Some(3), false));
}

const SLOPES: [f64; 3] = [1.0, -0.5, 0.25];

/// cᵀx + ½‖x − t‖², counted.
fn bowl(weight: f64) -> impl FnMut(&[f64], &mut [f64]) -> f64 {
    const T: [f64; 3] = [0.5, 0.25, -1.0];
    move |x, g| {
        let mut value = 0.0;
        for (i, g) in g.iter_mut().enumerate() {
            *g = SLOPES[i] + weight * (x[i] - T[i]);
            value += SLOPES[i] * x[i] + 0.5 * weight * (x[i] - T[i]).powi(2);
        }
        value
    }
}

fn norm(x: &[f64]) -> f64 {
    x.iter().map(|x| x * x).sum::<f64>().sqrt()
}

fn near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-13 * (1.0 + e.abs()), "{what}: {found:?} {expected:?}");
    }
}

/// x⁺ = Π(S(x₀ − (R/√t) Σ λ g, (R/√t) Σ λ · l1)), λ = 1/‖g‖ or 1.
#[test]
fn dual_averaging_follows_its_formula() {
    for (normalised, l1, weight) in
        [(true, 0.0, 0.5), (false, 0.0, 0.5), (true, 0.25, 0.5), (false, 0.25, 0.0)]
    {
        let set = Interval::new(-2.0, 0.75).expect("a set");
        let problem = Problem::new(Function::new(3, bowl(weight)), set).expect("a problem");
        let options = dual_averaging::Options { normalised, l1, scale: 1.5, ending: Ending::after(9) };
        let mut storage = [f64::NAN; dual_averaging::Workspace::<f64>::required_len(3)];
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let mut x = [3.0, -1.0, 0.5];
        let mut run = dual_averaging::start(problem, &options, &mut x, work).expect("valid");
        let origin = [0.75, -1.0, 0.5];
        near(run.current(), &origin, "the start, moved into the set");
        let (mut f, mut g) = (bowl(weight), [0.0; 3]);
        let mut value = |x: &[f64], g: &mut [f64]| f(x, g) + l1 * x.iter().map(|x| x.abs()).sum::<f64>();
        let (mut at, mut z, mut total) = (origin, [0.0; 3], 0.0);
        let mut best = (value(&at, &mut g), 0);
        let unit = norm(&origin).max(1.5);
        assert_eq!((run.best(), run.scale(), run.parameter()), (best, unit, 1.5));
        for step in 1..9_u32 {
            let lambda = if normalised { 1.0 / norm(&g) } else { 1.0 };
            total += lambda;
            (0..3).for_each(|i| z[i] += lambda * g[i]);
            let reach = 1.5 / f64::from(step).sqrt();
            let before = at;
            at = [0, 1, 2].map(|i| {
                let free = origin[i] - reach * z[i];
                (free.abs() - reach * total * l1).max(0.0).copysign(free).clamp(-2.0, 0.75)
            });
            let now = value(&at, &mut g);
            if now < best.0 {
                best = (now, step);
            }
            run.step();
            near(run.current(), &at, "x");
            near(&[run.best().0, run.parameter()], &[best.0, reach], "value and reach");
            assert_eq!((run.best().1, run.failure()), (best.1, None));
            near(&[run.residual()], &[norm(&[0, 1, 2].map(|i| before[i] - at[i]))], "the length of the step");
        }
    }
}

#[test]
fn what_dual_averaging_leaves_is_no_worse_than_the_average() {
    let problem = Problem::new(Function::new(3, bowl(0.5)), ()).expect("a problem");
    let options = dual_averaging::Options { ending: Ending::after(40), ..Default::default() };
    let mut storage = [f64::NAN; 15];
    let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
    let mut x = [3.0, -1.0, 0.5];
    let outcome = dual_averaging::solve(problem, &options, &mut x, work, &mut ()).expect("valid");
    let mut g = [0.0; 3];
    near(&[outcome.value], &[bowl(0.5)(&x, &mut g)], "value");
    assert!(outcome.value < bowl(0.5)(&[3.0, -1.0, 0.5], &mut g));
    assert_eq!((outcome.report.status, outcome.report.steps), (Status::StepLimit, 40));
    let refused = |scale: f64, l1: f64| {
        let problem = Problem::new(Function::new(3, bowl(0.5)), ()).expect("a problem");
        let options = dual_averaging::Options { scale, l1, ..Default::default() };
        let mut storage = [f64::NAN; 15];
        let work = dual_averaging::Workspace::new(&problem, &mut storage).expect("memory");
        let mut x = [3.0, -1.0, 0.5];
        let error = dual_averaging::start(problem, &options, &mut x, work).map(|_| ()).err();
        assert_eq!(x, [3.0, -1.0, 0.5]);
        match error {
            Some(Error::Option { name, .. }) => name,
            _ => "nothing",
        }
    };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(bad, 0.0), "scale");
    }
    for bad in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(refused(1.0, bad), "l1");
    }
    assert_eq!(refused(1.0, 0.5), "nothing");
}

/// On a simplex: x_i ∝ x_i e^(−η g_i), and bounds that the slopes prove.
#[test]
fn mirror_descent_follows_its_formula() {
    let mut storage = [f64::NAN; 15];
    let oracle = Function::new(3, bowl(0.0));
    let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
    let mut x = [2.0, 4.0, 2.0];
    let mut run = mirror::start(oracle, &Ending::after(9), Constant(0.5), &mut x, work).expect("valid");
    // ‖g‖_∞ = 1 here, and a linear function's bound is exact at once.
    let value = |x: &[f64; 3]| (0..3).map(|i| SLOPES[i] * x[i]).sum::<f64>();
    let mut at = [0.25, 0.5, 0.25];
    near(&[run.bounds().0, run.bounds().1], &[value(&at), -0.5], "bounds");
    near(&[run.scale(), run.residual()], &[0.5625, value(&at) + 0.5], "the gap");
    assert_eq!(run.parameter(), 0.0);
    for _ in 0..6 {
        let tilted = [0, 1, 2].map(|i| at[i] * (-0.5 * SLOPES[i]).exp());
        at = tilted.map(|x| x / tilted.iter().sum::<f64>());
        run.step();
        near(&[run.bounds().0, run.bounds().1], &[value(&at), -0.5], "bounds");
        near(&[run.residual(), run.parameter()], &[value(&at) + 0.5, 0.5], "the gap");
    }

    // A curved one: averages bound it, and what is left is the better of the best point and their average.
    let mut storage = [f64::NAN; 15];
    let oracle = Function::new(3, bowl(4.0));
    let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
    let mut x = [1.0; 3];
    let ending = Ending { stop: Stop { max_steps: 60, ..Stop::relative(1e-12) }, ..Ending::default() };
    let outcome = mirror::solve(oracle, &ending, Constant(0.2), &mut x, work, &mut ()).expect("valid");
    near(&[outcome.value, x.iter().sum()], &[bowl(4.0)(&x, &mut [0.0; 3]), 1.0], "value");
    // Where the slopes of the first two are alike and the third is at 0.
    let least = bowl(4.0)(&[0.4375, 0.5625, 0.0], &mut [0.0; 3]);
    assert!(outcome.lower_bound <= least + 1e-12 && outcome.value >= least - 1e-12, "{outcome:?} {least}");
    assert!(outcome.gap() < 0.1, "{outcome:?}");

    let refused = |x: [f64; 3]| {
        let mut storage = [f64::NAN; 15];
        let oracle = Function::new(3, bowl(0.0));
        let work = mirror::Workspace::new(&oracle, &mut storage).expect("memory");
        let mut at = x;
        mirror::start(oracle, &Ending::after(9), Constant(0.5), &mut at, work).map(|_| ()).err()
    };
    assert_eq!(refused([1.0, -1.0, 1.0]), Some(Error::Negative { argument: "x", index: 1 }));
    assert_eq!(refused([1.0, 1.0, f64::NAN]), Some(Error::Value { argument: "x", index: 2 }));
    assert!(matches!(refused([0.0; 3]), Some(Error::Mass { argument: "x", .. })));
    assert_eq!(refused([0.0, 0.0, 1.0]), None);
}

/// The projected method: x⁺ = Π(x − η R g/‖g‖).
#[test]
fn the_projected_method_follows_its_formula() {
    let set = Interval::new(-2.0, 0.75).expect("a set");
    let problem = Problem::new(Function::new(3, bowl(0.5)), set).expect("a problem");
    let mut storage = [f64::NAN; method::Workspace::<f64>::required_len(3, false)];
    let options = method::Options { scale: 2.0, ending: Ending::after(9), ..Default::default() };
    let work = method::Workspace::new(&problem, false, &mut storage).expect("memory");
    let mut x = [3.0, -1.0, 0.5];
    let mut run = method::start(problem, &options, Constant(0.25), &mut x, work).expect("valid");
    let (mut at, mut g) = ([0.75, -1.0, 0.5], [0.0; 3]);
    let mut best = (bowl(0.5)(&at, &mut g), 0);
    for step in 1..9 {
        assert_eq!(run.best().1, best.1);
        near(&[run.best().0], &[best.0], "value");
        let factor = 0.25 * 2.0 / norm(&g);
        at = [0, 1, 2].map(|i| (at[i] - factor * g[i]).clamp(-2.0, 0.75));
        let now = bowl(0.5)(&at, &mut g);
        if now < best.0 {
            best = (now, step);
        }
        run.step();
        near(run.current().0, &at, "x");
        near(&[run.current().1, run.parameter()], &[now, factor], "value and factor");
    }
}

/// A reference to an oracle is one.
#[test]
fn oracles_are_handed_on() {
    struct Told(f64);
    impl Oracle<f64> for Told {
        fn dimension(&self) -> usize {
            2
        }
        fn value_and_subgradient(&mut self, x: &[f64], g: &mut [f64]) -> f64 {
            g.copy_from_slice(x);
            7.0
        }
        fn weigh(&mut self, factor: f64) {
            self.0 += factor;
        }
        fn floor(&self) -> f64 {
            -3.0
        }
    }
    fn through<O: Oracle<f64>>(mut oracle: O) -> (usize, f64, [f64; 2], f64) {
        let mut g = [0.0; 2];
        let value = oracle.value_and_subgradient(&[1.0, 2.0], &mut g);
        oracle.weigh(0.5);
        (oracle.dimension(), value, g, oracle.floor())
    }
    let mut told = Told(0.0);
    assert_eq!(through(&mut told), (2, 7.0, [1.0, 2.0], -3.0));
    assert_eq!(told.0, 0.5);
    let plain = Function::new(2, |_: &[f64], _: &mut [f64]| 0.0);
    assert_eq!(Oracle::<f64>::floor(&plain), -f64::INFINITY);
}
